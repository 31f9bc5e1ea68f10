//! Correlations: rules that fire together, often, or in order, about the same thing and within a time.
//! <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-correlation-rules-specification.md>

use super::condition::Condition;
use super::fields::{Fields, Value};
use super::rule::About;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_logs::json::write_string;

/// What a correlation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events on which one of the rules fired.
    EventCount,
    /// Distinct values of a field among these events.
    ValueCount,
    /// Rules that fired.
    Temporal,
    /// Rules that fired in their order.
    TemporalOrdered,
}

/// How many there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// At least so many.
    pub least: u64,
    /// At most so many, which can be told only when the time is over.
    pub most: Option<u64>,
}

impl Bounds {
    /// Whether the number is within.
    pub fn hold(self, count: u64) -> bool {
        count >= self.least && self.most.is_none_or(|m| count <= m)
    }
}

/// A correlation of rules.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// Its words.
    pub about: About,
    /// What it counts.
    pub kind: Kind,
    /// The rules or correlations it is about, by id or name.
    pub rules: Vec<SmolStr>,
    /// Fields or aliases that must have the same values.
    pub group_by: Vec<SmolStr>,
    /// For each alias, what the field is called in the events of which rule.
    pub aliases: BTreeMap<SmolStr, BTreeMap<SmolStr, SmolStr>>,
    /// Within this time, in milliseconds.
    pub timespan_ms: i64,
    /// Whether the rule does not say within what time it counts, so that one was assumed.
    pub timespan_assumed: bool,
    /// How many there must be.
    pub bounds: Bounds,
    /// Which rules must have fired together, where that is not a number of them.
    pub expression: Option<Condition>,
    /// The fields whose values are counted.
    pub fields: Vec<SmolStr>,
    /// Whether its rules also alert by themselves.
    pub generate: bool,
}

impl Correlation {
    /// What the event is about, as one text; nothing where a field has no value: such an event is of no group, since it cannot be
    /// shown to be about the same as another. `place` is that of the rule that fired in [`rules`](Self::rules). Of several values the
    /// first counts.
    pub fn group(&self, place: usize, fields: &dyn Fields) -> Option<String> {
        self.key(&self.group_by, place, fields)
    }

    /// The value that is counted, as one text; nothing where the event has none, or where values are not what is counted.
    pub fn value(&self, place: usize, fields: &dyn Fields) -> Option<String> {
        if self.fields.is_empty() { None } else { self.key(&self.fields, place, fields) }
    }

    fn key(&self, names: &[SmolStr], place: usize, fields: &dyn Fields) -> Option<String> {
        let mut out = String::from("[");
        for name in names {
            let mut first = None;
            fields.values(self.field(name, place), &mut |v| {
                if first.is_none() && !matches!(v, Value::Composite(_)) {
                    first = v.text().map(str::to_owned);
                }
            });
            if out.len() > 1 {
                out.push(',');
            }
            write_string(&first?, &mut out);
        }
        out.push(']');
        Some(out)
    }

    fn field<'a>(&'a self, name: &'a SmolStr, place: usize) -> &'a str {
        let rule = self.rules.get(place);
        self.aliases.get(name).and_then(|of| of.get(rule?)).unwrap_or(name)
    }
}
