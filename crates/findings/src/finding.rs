//! What lasts of a failed check.

use crate::life::Ended;
use crate::suppression::{Fit, Suppression, Tags};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Lang, Map, ResourceRef, Severity};

/// Where a finding stands by what was observed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It failed in the last observation that could tell, and in none before.
    New,
    /// It failed in more than one observation.
    Active,
    /// It failed again after it was resolved.
    Reopened,
    /// An observation saw it pass, saw that the check does not apply any more, or saw the complete listing without it.
    Resolved,
}

impl Stage {
    /// The word in files and machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Reopened => "reopened",
            Self::Resolved => "resolved",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::New, Self::Active, Self::Reopened, Self::Resolved].into_iter().find(|s| s.name() == word)
    }

    /// Whether something is left to mend.
    pub fn is_open(self) -> bool {
        self != Self::Resolved
    }
}

/// What a person is told: the stage, or that somebody answers for it until a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// [`Stage::New`]
    New,
    /// [`Stage::Reopened`]
    Reopened,
    /// [`Stage::Active`]
    Active,
    /// Open, and covered by a suppression that has not ended.
    Suppressed,
    /// [`Stage::Resolved`]
    Resolved,
}

impl State {
    /// All of them, in the order in which lists show them.
    pub const ALL: [Self; 5] = [Self::New, Self::Reopened, Self::Active, Self::Suppressed, Self::Resolved];

    /// The word in files and machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Suppressed => "suppressed",
            Self::New => Stage::New.name(),
            Self::Active => Stage::Active.name(),
            Self::Reopened => Stage::Reopened.name(),
            Self::Resolved => Stage::Resolved.name(),
        }
    }
}

impl From<Stage> for State {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::New => Self::New,
            Stage::Active => Self::Active,
            Stage::Reopened => Self::Reopened,
            Stage::Resolved => Self::Resolved,
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both<T> {
    /// English.
    pub en: T,
    /// Japanese.
    pub ja: T,
}

impl<T> Both<T> {
    /// The one of a language.
    pub fn pick(&self, lang: Lang) -> &T {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }
}

/// A finding's texts in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// The wanted truth, in one line.
    pub title: Arc<str>,
    /// Why it matters.
    pub why: Arc<str>,
    /// What to do about it.
    pub fix: Arc<str>,
    /// The proof that made the severity another than the rule's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_why: Option<String>,
}

/// Since when a finding could not be checked, and why. It stays as it was: an unknown verdict never resolves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsure {
    /// The first observation that could not tell.
    pub since: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// The last one's reason.
    pub why: Both<String>,
}

/// A failed check on a resource, from its first observation on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its identity ([`ResourceRef::fingerprint`]).
    pub id: String,
    /// The check.
    pub rule: SmolStr,
    /// The resource.
    pub resource: ResourceRef,
    /// Where it stands by what was observed.
    pub stage: Stage,
    /// The observation that brought it there.
    pub since: Timestamp,
    /// The first observation that saw it fail.
    pub first_seen: Timestamp,
    /// The last observation that saw it fail.
    pub last_seen: Timestamp,
    /// The last observation that could tell, whatever it saw.
    pub last_observed: Timestamp,
    /// How often it came back.
    pub reopened: u32,
    /// How it was resolved, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// How much it matters: the rule's severity, or what a proof made of it.
    pub severity: Severity,
    /// The rule's own severity.
    pub rule_severity: Severity,
    /// That it could not be checked of late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure: Option<Unsure>,
    /// The resource's tags; `None` where they were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Who is to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Its texts, as of the last observation that saw it fail.
    pub texts: Both<Texts>,
    /// The requirements it answers.
    pub maps: Arc<[SmolStr]>,
    /// The fields that decided.
    pub evidence: Map,
}

impl Finding {
    /// What a person is told on a day.
    pub fn state(&self, suppressions: &[Suppression], day: Date) -> State {
        if self.stage.is_open() && self.suppressed_by(suppressions, day).is_some() {
            return State::Suppressed;
        }
        self.stage.into()
    }

    /// The suppression that covers it on a day; of several the one that lasts longest.
    pub fn suppressed_by<'s>(&self, suppressions: &'s [Suppression], day: Date) -> Option<&'s Suppression> {
        suppressions.iter().filter(|s| s.covers(self, day) == Fit::Yes).max_by_key(|s| s.until)
    }
}
