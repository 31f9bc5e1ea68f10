//! Verdicts by column, every text that repeats stored once.

use super::SEVERITIES;
use crate::identity;
use crate::terminal::is_unsafe;
use serde_json::json;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use yagura_model::{Status, Verdict};

/// Verdicts by column. Each cell is an index into a list of what differs.
///
/// In a text, U+0001 stands for the resource's id, U+0002 for its account and U+0003 for its Region, so that
/// `arn:aws:s3:::` and a fix that names the bucket are stored once for all buckets.
#[derive(Default)]
pub(super) struct Columns {
    rules: Distinct<String>,
    accounts: Distinct<SmolStr>,
    regions: Distinct<SmolStr>,
    kinds: Distinct<SmolStr>,
    texts: Distinct<String>,
    status: String,
    rule: Vec<usize>,
    account: Vec<usize>,
    region: Vec<usize>,
    kind: Vec<usize>,
    arn: Vec<usize>,
    fix: Vec<usize>,
    evidence: Vec<usize>,
    missing: Vec<usize>,
    reason: Vec<usize>,
}

impl Columns {
    pub(super) fn add(&mut self, verdict: &Verdict) -> io::Result<()> {
        let resource = &verdict.resource;
        let severity = SEVERITIES.iter().position(|s| *s == verdict.severity);
        let service = identity::service(verdict);
        let rule = json!([verdict.rule, service, severity, verdict.title, verdict.why, verdict.maps]).to_string();
        self.status.push(match verdict.status {
            Status::Fail => '0',
            Status::Unknown => '1',
            Status::Pass => '2',
            Status::NotApplicable => '3',
        });
        self.rule.push(self.rules.index(rule));
        self.account.push(self.accounts.index(resource.account.clone()));
        self.region.push(self.regions.index(resource.region.clone()));
        self.kind.push(self.kinds.index(resource.kind.clone()));
        let evidence =
            if verdict.evidence.is_empty() { String::new() } else { serde_json::to_string(&verdict.evidence)? };
        let mut text = |text: &str| self.texts.index(template(text, verdict));
        self.arn.push(text(resource.arn.as_deref().unwrap_or_default()));
        self.fix.push(text(&verdict.fix));
        self.evidence.push(text(&evidence));
        self.missing.push(text(&verdict.missing.join("\n")));
        self.reason.push(text(verdict.reason.as_deref().unwrap_or_default()));
        Ok(())
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, ",\n\"rules\":[{}]", self.rules.items.join(",\n"))?;
        for (name, items) in [("accounts", &self.accounts), ("regions", &self.regions), ("kinds", &self.kinds)] {
            write!(out, ",\n\"{name}\":{}", serde_json::to_string(&items.items)?)?;
        }
        write!(out, ",\n\"texts\":{}", serde_json::to_string(&self.texts.items)?)?;
        write!(out, ",\n\"status\":\"{}\"", self.status)?;
        let columns = [
            ("rule", &self.rule),
            ("account", &self.account),
            ("region", &self.region),
            ("kind", &self.kind),
            ("arn", &self.arn),
            ("fix", &self.fix),
            ("evidence", &self.evidence),
            ("missing", &self.missing),
            ("reason", &self.reason),
        ];
        for (name, cells) in columns {
            write!(out, ",\n\"{name}\":{}", serde_json::to_string(cells)?)?;
        }
        Ok(())
    }
}

/// A list without repeats, in the order of first sight.
struct Distinct<T> {
    items: Vec<T>,
    at: HashMap<T, usize>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { items: Vec::new(), at: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Distinct<T> {
    fn index(&mut self, item: T) -> usize {
        *self.at.entry(item).or_insert_with_key(|item| {
            self.items.push(item.clone());
            self.items.len() - 1
        })
    }
}

fn template(text: &str, verdict: &Verdict) -> String {
    let resource = &verdict.resource;
    let mut text = visible(text).into_owned();
    for (value, mark) in [(&resource.id, "\u{1}"), (&resource.account, "\u{2}"), (&resource.region, "\u{3}")] {
        if value.len() >= 4 {
            text = text.replace(value.as_str(), mark);
        }
    }
    text
}

/// `text` with each character that a reader cannot see, or that reorders what is read, replaced by U+FFFD.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\t');
    if text.contains(hides) { text.replace(hides, "\u{fffd}").into() } else { text.into() }
}
