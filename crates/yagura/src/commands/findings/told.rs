//! A finding as machines read it.

use serde::Serialize;
use std::collections::BTreeMap;
use yagura_findings::{Ended, Finding, Stage, State, Suppression, Unsure};
use yagura_model::{Lang, Map, ResourceRef, Severity};

/// A finding in one language, with its state of today. One line of the `jsonl` format.
#[derive(Debug, Serialize)]
pub struct Told<'f> {
    id: &'f str,
    state: State,
    /// Without suppressions.
    stage: Stage,
    rule: &'f str,
    severity: Severity,
    rule_severity: Severity,
    severity_why: Option<&'f str>,
    resource: &'f ResourceRef,
    title: &'f str,
    why: &'f str,
    fix: &'f str,
    first_seen: jiff::Timestamp,
    last_seen: jiff::Timestamp,
    last_observed: jiff::Timestamp,
    since: jiff::Timestamp,
    reopened: u32,
    ended: Option<Ended>,
    unsure: Option<Doubt<'f>>,
    assignee: Option<&'f str>,
    suppression: Option<&'f Suppression>,
    tags: Option<&'f BTreeMap<String, String>>,
    maps: &'f [smol_str::SmolStr],
    evidence: &'f Map,
}

/// That it could not be checked of late.
#[derive(Debug, Serialize)]
struct Doubt<'f> {
    since: jiff::Timestamp,
    last: jiff::Timestamp,
    why: &'f str,
}

/// A finding in a language.
pub fn told<'f>(f: &'f Finding, suppressions: &'f [Suppression], today: jiff::civil::Date, lang: Lang) -> Told<'f> {
    let texts = f.texts.pick(lang);
    let doubt = |u: &'f Unsure| Doubt { since: u.since, last: u.last, why: u.why.pick(lang) };
    Told {
        id: &f.id,
        state: f.state(suppressions, today),
        stage: f.stage,
        rule: &f.rule,
        severity: f.severity,
        rule_severity: f.rule_severity,
        severity_why: texts.severity_why.as_deref(),
        resource: &f.resource,
        title: &texts.title,
        why: &texts.why,
        fix: &texts.fix,
        first_seen: f.first_seen,
        last_seen: f.last_seen,
        last_observed: f.last_observed,
        since: f.since,
        reopened: f.reopened,
        ended: f.ended,
        unsure: f.unsure.as_ref().map(doubt),
        assignee: f.assignee.as_deref(),
        suppression: f.suppressed_by(suppressions, today),
        tags: f.tags.as_ref(),
        maps: &f.maps,
        evidence: &f.evidence,
    }
}
