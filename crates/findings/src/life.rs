//! The life of a finding: what an observation makes of it. Pure; the store only keeps the result.
//!
//! | before | fail | pass, not applicable, gone | unknown |
//! |---|---|---|---|
//! | – | new | – | – |
//! | new, active, reopened | active | resolved | as it was, with the reason |
//! | resolved | reopened | resolved | as it was, with the reason |
//!
//! An observation that is older than the last one which could tell changes nothing. One of the same time may correct it
//! (a snapshot judged again by newer rules), and makes no new finding active.

use crate::finding::{Both, Finding, Stage, Unsure};
use crate::observation::Detail;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use yagura_model::{ResourceRef, Severity};

/// How a finding was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The check passed.
    Passed,
    /// The check does not speak of the resource any more.
    NotApplicable,
    /// The resource is not in a complete listing.
    Gone,
}

impl Ended {
    /// The word in files and machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotApplicable => "not_applicable",
            Self::Gone => "gone",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Passed, Self::NotApplicable, Self::Gone].into_iter().find(|e| e.name() == word)
    }
}

/// What an observation saw of one rule on one resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Saw<'o> {
    /// It fails.
    Fail(&'o Detail),
    /// It does not fail any more, or never did.
    Ended(Ended),
    /// It could not be told, and why.
    Unknown(Both<String>),
}

/// What an observation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The finding came to another stage.
    To(Stage),
    /// Its severity became another.
    Severity {
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
    },
    /// It cannot be checked any more.
    Unsure,
    /// It can be checked again.
    Sure,
}

/// What an observation of time `at` makes of a finding (`None`: there was none), and what that changed.
pub fn observe(
    before: Option<Finding>,
    rule: &SmolStr,
    resource: &ResourceRef,
    saw: &Saw<'_>,
    at: Timestamp,
) -> (Option<Finding>, Vec<Step>) {
    match (before, saw) {
        (None, Saw::Fail(detail)) => (Some(born(rule, resource, detail, at)), vec![Step::To(Stage::New)]),
        (None, _) => (None, Vec::new()),
        (Some(f), Saw::Unknown(why)) => {
            let (f, steps) = unknown(f, why, at);
            (Some(f), steps)
        }
        (Some(f), _) if at < f.last_observed => (Some(f), Vec::new()),
        (Some(f), Saw::Fail(detail)) => {
            let (f, steps) = fails(f, detail, at);
            (Some(f), steps)
        }
        (Some(f), Saw::Ended(how)) => {
            let (f, steps) = ends(f, *how, at);
            (Some(f), steps)
        }
    }
}

fn born(rule: &SmolStr, resource: &ResourceRef, detail: &Detail, at: Timestamp) -> Finding {
    Finding {
        id: resource.fingerprint(rule),
        rule: rule.clone(),
        resource: resource.clone(),
        stage: Stage::New,
        since: at,
        first_seen: at,
        last_seen: at,
        last_observed: at,
        reopened: 0,
        ended: None,
        severity: detail.severity,
        rule_severity: detail.rule_severity,
        unsure: None,
        tags: detail.tags.clone(),
        assignee: None,
        texts: detail.texts.clone(),
        maps: detail.maps.clone(),
        evidence: detail.evidence.clone(),
    }
}

fn fails(mut f: Finding, detail: &Detail, at: Timestamp) -> (Finding, Vec<Step>) {
    let mut steps = sure(&mut f, at);
    let stage = match f.stage {
        Stage::Resolved => Stage::Reopened,
        stage if at == f.last_observed => stage,
        _ => Stage::Active,
    };
    if stage != f.stage {
        f.stage = stage;
        f.since = at;
        f.ended = None;
        f.reopened += u32::from(stage == Stage::Reopened);
        steps.push(Step::To(stage));
    }
    if detail.severity != f.severity {
        steps.push(Step::Severity { from: f.severity, to: detail.severity });
    }
    f.severity = detail.severity;
    f.rule_severity = detail.rule_severity;
    // Tags that were not read this time are as they were.
    f.tags = detail.tags.clone().or(f.tags);
    f.texts = detail.texts.clone();
    f.maps = detail.maps.clone();
    f.evidence = detail.evidence.clone();
    (f.last_seen, f.last_observed) = (at, at);
    (f, steps)
}

fn ends(mut f: Finding, how: Ended, at: Timestamp) -> (Finding, Vec<Step>) {
    let mut steps = sure(&mut f, at);
    if f.stage.is_open() {
        f.stage = Stage::Resolved;
        f.since = at;
        f.ended = Some(how);
        steps.push(Step::To(Stage::Resolved));
    }
    f.last_observed = at;
    (f, steps)
}

fn unknown(mut f: Finding, why: &Both<String>, at: Timestamp) -> (Finding, Vec<Step>) {
    let last = f.unsure.as_ref().map_or(f.last_observed, |u| u.last);
    if at < last || at <= f.last_observed {
        return (f, Vec::new());
    }
    let since = f.unsure.as_ref().map(|u| u.since);
    f.unsure = Some(Unsure { since: since.unwrap_or(at), last: at, why: why.clone() });
    (f, if since.is_none() { vec![Step::Unsure] } else { Vec::new() })
}

/// A known outcome ends the doubt that came before it.
fn sure(f: &mut Finding, at: Timestamp) -> Vec<Step> {
    match f.unsure.take_if(|u| u.last <= at) {
        Some(_) => vec![Step::Sure],
        None => Vec::new(),
    }
}
