//! What a watch tells: one JSON object a line on standard output, and how many findings are open.

use super::log::now;
use super::metrics::Metrics;
use crate::failure::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use yagura_detect::tell::Told;
use yagura_findings::{Filter, Finding, Happened, Recorded, Store, StoreError};
use yagura_model::{Lang, Severity};

/// From so many changes on, all findings are read at once and not one by one.
const MANY: usize = 200;

/// Tells of findings, and counts them.
pub struct Teller {
    lang: Lang,
    open: BTreeMap<String, (Severity, &'static str)>,
}

impl Teller {
    /// One for a store: counts what is open in it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn new(store: &mut Store, lang: Lang, metrics: &Metrics) -> Result<Self, StoreError> {
        let mut out = Self { lang, open: BTreeMap::new() };
        store.findings(&Filter::default())?.iter().for_each(|f| out.note(f));
        out.count(metrics);
        Ok(out)
    }

    /// Tells what a recording changed.
    ///
    /// # Errors
    /// Those of the store.
    pub fn recorded(&mut self, store: &mut Store, recorded: &Recorded, metrics: &Metrics) -> Result<(), StoreError> {
        let mut events = store.events_since(recorded.at, Some(recorded.run - 1))?;
        events.retain(|e| e.run == Some(recorded.run) && word(&e.happened).is_some());
        if events.is_empty() {
            return Ok(());
        }
        let mut findings: BTreeMap<String, Finding> = BTreeMap::new();
        if events.len() > MANY {
            findings.extend(store.findings(&Filter::default())?.into_iter().map(|f| (f.id.clone(), f)));
        } else {
            for event in &events {
                findings.extend(store.by_id(&event.finding)?.into_iter().map(|f| (f.id.clone(), f)));
            }
        }
        for event in &events {
            let (Some(f), Some(what)) = (findings.get(&event.finding), word(&event.happened)) else { continue };
            self.note(f);
            metrics.count("yagura_finding_changes_total", &[("what", what), ("severity", f.severity.name())]);
            if what == "active" {
                continue;
            }
            let texts = f.texts.pick(self.lang);
            let mut line = json!({
                "time": now(), "event": "finding", "what": what, "run": recorded.run, "finding": f.id, "rule": f.rule,
                "severity": f.severity, "resource": f.resource, "title": texts.title,
                "suppressed": recorded.suppressed.contains_key(&f.id),
            });
            let why = match &event.happened {
                Happened::Unsure { en, ja } => Some(self.lang.pick(en, ja).to_owned()),
                Happened::Resolved { how } => {
                    how.and_then(|how| serde_json::to_value(how).ok()?.as_str().map(str::to_owned))
                }
                _ => None,
            };
            if let (Some(why), Value::Object(members)) = (why, &mut line) {
                members.insert("why".to_owned(), why.into());
            }
            say(&line);
        }
        self.count(metrics);
        Ok(())
    }

    fn note(&mut self, f: &Finding) {
        if f.stage.is_open() {
            self.open.insert(f.id.clone(), (f.severity, f.stage.name()));
        } else {
            self.open.remove(&f.id);
        }
    }

    fn count(&self, metrics: &Metrics) {
        for severity in Severity::ALL {
            for stage in ["new", "active", "reopened"] {
                let n = self.open.values().filter(|one| **one == (severity, stage)).count();
                metrics.set("yagura_findings", &[("severity", severity.name()), ("stage", stage)], n as f64);
            }
        }
    }
}

/// Tells of threats.
///
/// # Errors
/// They cannot be written as JSON.
pub fn threats(found: &[Told]) -> Result<(), Failure> {
    for told in found {
        let mut line = serde_json::to_value(told).map_err(std::io::Error::from)?;
        if let Value::Object(members) = &mut line {
            members.insert("event".to_owned(), "threat".into());
        }
        say(&line);
    }
    Ok(())
}

/// Who reads the output may have gone: that ends nothing.
fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What happened, in a word; nothing for what people did.
fn word(happened: &Happened) -> Option<&'static str> {
    Some(match happened {
        Happened::New => "new",
        Happened::Active => "active",
        Happened::Reopened => "reopened",
        Happened::Resolved { .. } => "resolved",
        Happened::Severity { .. } => "severity",
        Happened::Unsure { .. } => "unsure",
        Happened::Sure => "sure",
        Happened::SuppressionEnded { .. } => "suppression_ended",
        _ => return None,
    })
}
