//! A detection rule: its words, where it applies, and whether it fires on an event.
//! <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-rules-specification.md>

use super::condition::Condition;
use super::fields::Fields;
use super::item::Item;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// How much a rule's firing matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For enrichment; no alert of its own.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// To be reviewed.
    Medium,
    /// To be reviewed at once.
    High,
    /// An incident.
    Critical,
}

impl Level {
    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "informational" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }
}

/// The logs that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logsource {
    /// Such as `aws`.
    pub product: Option<SmolStr>,
    /// Such as `dns`.
    pub category: Option<SmolStr>,
    /// Such as `cloudtrail`.
    pub service: Option<SmolStr>,
}

/// What a document says about itself. What a document does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Of the file.
    pub path: String,
    /// The line on which the document begins.
    pub line: u64,
    /// A UUID in most cases.
    pub id: Option<SmolStr>,
    /// A name to be referred to by.
    pub name: Option<SmolStr>,
    /// In a few words.
    pub title: SmolStr,
    /// What it finds and why.
    pub description: SmolStr,
    /// `stable`, `test`, `experimental`, `deprecated`, `unsupported`.
    pub status: Option<SmolStr>,
    /// How much it matters.
    pub level: Option<Level>,
    /// Such as `attack.t1562.008`.
    pub tags: Vec<SmolStr>,
    /// Where more is said.
    pub references: Vec<SmolStr>,
    /// What else it may be.
    pub falsepositives: Vec<SmolStr>,
    /// Fields that a reader of the alert wants to see.
    pub fields: Vec<SmolStr>,
    /// Keys that the specification leaves to whoever writes rules; they mean nothing here.
    pub custom: Vec<SmolStr>,
}

impl About {
    /// Whether others may mean this document by the word: its id or its name.
    pub fn is(&self, reference: &str) -> bool {
        self.id.as_deref() == Some(reference) || self.name.as_deref() == Some(reference)
    }

    /// MITRE ATT&CK techniques among the tags, as ATT&CK writes them: `T1562.008`.
    pub fn techniques(&self) -> impl Iterator<Item = String> {
        self.tags.iter().filter_map(|t| {
            let id = t.to_ascii_lowercase();
            let number = id.strip_prefix("attack.t")?;
            number.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("T{number}"))
        })
    }
}

/// A detection rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its words.
    pub about: About,
    /// Where it applies.
    pub logsource: Logsource,
    /// What any event that it fires on is called; nothing where that can be any event.
    pub event: Option<EventIndex>,
    /// Placeholders (`%name%`) for which nothing was given: values with them match nothing, and so does `not` exclude nothing by them.
    pub unfilled: Vec<SmolStr>,
    pub(super) selections: Vec<Selection>,
    pub(super) condition: Condition,
}

/// One selection: all lines of a map, or any of a list.
#[derive(Debug, Clone)]
pub(super) enum Selection {
    All(Vec<Item>),
    Any(Vec<Selection>),
}

impl Selection {
    fn holds(&self, fields: &dyn Fields) -> bool {
        match self {
            Self::All(items) => items.iter().all(|i| i.holds(fields)),
            Self::Any(list) => list.iter().any(|s| s.holds(fields)),
        }
    }

    fn may(&self, fields: &dyn Fields, known: &dyn Fn(&str) -> bool) -> bool {
        let unknown = |i: &Item| !i.wants_a_value() || !i.field.as_deref().is_some_and(known);
        match self {
            Self::All(items) => items.iter().all(|i| unknown(i) || i.holds(fields)),
            Self::Any(list) => list.iter().any(|s| s.may(fields, known)),
        }
    }
}

impl Rule {
    /// Whether the rule fires on an event of its log source.
    pub fn fires(&self, fields: &dyn Fields) -> bool {
        self.condition.holds(&mut |place| self.selections.get(place).is_some_and(|s| s.holds(fields)))
    }

    /// A text that rules with the same detection have in common.
    pub fn key(&self) -> String {
        format!("{:?} {:?}", self.selections, self.condition)
    }

    /// Whether the rule can fire on an event of which other readings of its fields are at hand: a quicker look at those that must hold
    /// something. Where the names of those fields differ from the event's own in capitals alone they are taken for the same, so that
    /// true says nothing yet; false is certain. Fields whose names `known` denies are not looked at: they may hold anything.
    pub fn may_fire(&self, fields: &dyn Fields, known: &dyn Fn(&str) -> bool) -> bool {
        self.may(&self.condition, fields, known)
    }

    fn may(&self, condition: &Condition, fields: &dyn Fields, known: &dyn Fn(&str) -> bool) -> bool {
        match condition {
            Condition::All(list) => list.iter().all(|c| self.may(c, fields, known)),
            Condition::Any(list) => list.iter().any(|c| self.may(c, fields, known)),
            Condition::Not(_) => true,
            Condition::Is(place) => self.selections.get(*place).is_none_or(|s| s.may(fields, known)),
        }
    }

    /// Works out anew what events the rule needs.
    pub(super) fn index(&mut self) {
        let needs = |field: &str| self.needs(&self.condition, field);
        let index = EventIndex { sources: needs("eventSource"), names: needs("eventName") };
        self.event = (index.sources.is_some() || index.names.is_some()).then_some(index);
    }

    /// The texts, in lower case, of which a field must hold one wherever the condition holds.
    fn needs(&self, condition: &Condition, field: &str) -> Option<BTreeSet<String>> {
        match condition {
            Condition::All(list) => least(list.iter().map(|c| self.needs(c, field))),
            Condition::Any(list) => union(list.iter().map(|c| self.needs(c, field))),
            Condition::Not(_) => None,
            Condition::Is(place) => self.selections.get(*place).and_then(|s| selection_needs(s, field)),
        }
    }
}

fn selection_needs(selection: &Selection, field: &str) -> Option<BTreeSet<String>> {
    match selection {
        Selection::All(items) => {
            let of = |i: &Item| (i.field.as_deref() == Some(field)).then(|| i.needs()).flatten();
            least(items.iter().map(|i| of(i).map(|l| l.into_iter().collect())))
        }
        Selection::Any(list) => union(list.iter().map(|s| selection_needs(s, field))),
    }
}

/// Each must hold, so that any one of the sets may stand for all: the smallest does.
fn least(sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    sets.flatten().min_by_key(BTreeSet::len)
}

/// One must hold: what any of them may need, unless one of them needs nothing.
fn union(sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    sets.collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect())
}

/// What an event must be called for a rule to fire: its `eventSource` and its `eventName`, each one of a set or anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventIndex {
    /// In lower case, ASCII alone.
    pub sources: Option<BTreeSet<String>>,
    /// In lower case, ASCII alone.
    pub names: Option<BTreeSet<String>>,
}

impl EventIndex {
    /// Whether an event of this source and name may fire the rule.
    pub fn admits(&self, source: &str, name: &str) -> bool {
        let within = |set: &Option<BTreeSet<String>>, text: &str| {
            set.as_ref().is_none_or(|s| s.contains(text.to_ascii_lowercase().as_str()))
        };
        within(&self.sources, source) && within(&self.names, name)
    }
}
