//! One line of a selection: a field, modifiers, values.
//! <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-appendix-modifiers.md>

use super::fields::{Fields, Value};
use super::part::Part;
use super::text::Pattern;
use crate::pattern::Block;
use regex::Regex;
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_logs::json::unescape;

/// What a field must hold.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Nothing for keywords, which are looked for in the whole event.
    pub field: Option<SmolStr>,
    pub tests: Vec<Test>,
    /// Whether all tests must hold, not one.
    pub all: bool,
    pub negated: bool,
    /// The part of a time that is compared.
    pub part: Option<Part>,
}

/// One value of a line.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Text(Pattern),
    Number(f64),
    Bool(bool),
    /// The field holds null or is not there.
    Null,
    Exists(bool),
    Regex(Regex),
    Cidr(Block),
    Compare(Comparison, f64),
    Field {
        other: SmolStr,
        place: Place,
        cased: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where in a value another is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
}

impl Item {
    pub fn holds(&self, fields: &dyn Fields) -> bool {
        let found = if self.all {
            !self.tests.is_empty() && self.tests.iter().all(|t| self.any(std::slice::from_ref(t), fields))
        } else {
            self.any(&self.tests, fields)
        };
        found != self.negated
    }

    /// Whether one of the tests holds for one of the values.
    fn any(&self, tests: &[Test], fields: &dyn Fields) -> bool {
        let mut found = false;
        let Some(path) = &self.field else {
            fields.any_text(&mut |text| {
                found |= tests.iter().any(|t| t.accepts(Value::Text(text)));
                found
            });
            return found;
        };
        let mut there = false;
        fields.values(path, &mut |value| {
            there = true;
            if found {
                return;
            }
            let Some(part) = self.part else {
                found = tests.iter().any(|t| t.accepts(value));
                return;
            };
            if let Some(n) = value.text().and_then(|t| part.of(t)) {
                found = tests.iter().any(|t| t.accepts(Value::Number(n, "")));
            }
        });
        found
            || tests.iter().any(|t| match t {
                Test::Exists(wanted) => *wanted == there,
                Test::Null => !there,
                Test::Field { other, place, cased } => same(fields, path, other, *place, *cased),
                _ => false,
            })
    }

    /// Whether it holds only where a field of this name holds something that pleases: then more values can only make it hold, too.
    pub fn wants_a_value(&self) -> bool {
        let alone = |t: &Test| !matches!(t, Test::Null | Test::Exists(_) | Test::Field { .. });
        self.field.is_some() && !self.negated && self.tests.iter().all(alone)
    }

    /// The texts of which the field must hold one, in lower case, where it is so.
    pub fn needs(&self) -> Option<Vec<String>> {
        if self.negated || self.all && self.tests.len() > 1 || self.part.is_some() {
            return None;
        }
        self.tests.iter().map(|t| if let Test::Text(p) = t { p.whole() } else { None }).collect()
    }
}

impl Test {
    fn accepts(&self, value: Value<'_>) -> bool {
        match self {
            Self::Text(pattern) => looks(value, |t| pattern.accepts(t)),
            Self::Number(n) => number(value) == Some(*n),
            Self::Bool(b) => value.text().is_some_and(|t| t.eq_ignore_ascii_case(if *b { "true" } else { "false" })),
            Self::Null => value == Value::Null,
            Self::Regex(regex) => looks(value, |t| regex.is_match(t)),
            Self::Cidr(block) => {
                value.text().and_then(|t| t.trim().parse::<IpAddr>().ok()).is_some_and(|a| block.contains(a))
            }
            Self::Compare(comparison, than) => number(value).is_some_and(|n| match comparison {
                Comparison::Less => n < *than,
                Comparison::LessOrEqual => n <= *than,
                Comparison::Greater => n > *than,
                Comparison::GreaterOrEqual => n >= *than,
            }),
            // Both look at more than one value.
            Self::Exists(_) | Self::Field { .. } => false,
        }
    }
}

/// Whether the value's text pleases. JSON within JSON (a policy document) is written with escapes that nobody has in mind who looks for
/// its words, so that a composite is looked at without them, too.
fn looks(value: Value<'_>, pleases: impl Fn(&str) -> bool) -> bool {
    let Some(text) = value.text() else { return false };
    pleases(text) || matches!(value, Value::Composite(_)) && text.contains('\\') && pleases(&unescape(text))
}

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(n, _) => Some(n),
        Value::Text(t) if t.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) => {
            t.parse().ok()
        }
        _ => None,
    }
}

/// Whether a value of the one field is, or has where it is asked for, a value of the other.
fn same(fields: &dyn Fields, path: &str, other: &str, place: Place, cased: bool) -> bool {
    let all = |path: &str| {
        let mut out: Vec<String> = Vec::new();
        fields.values(path, &mut |v| {
            let text = v.text().filter(|_| !matches!(v, Value::Composite(_)));
            out.extend(text.map(|t| if cased { t.to_owned() } else { t.chars().map(super::text::fold).collect() }));
        });
        out
    };
    let theirs = all(other);
    all(path).iter().any(|mine| {
        theirs.iter().any(|theirs| match place {
            Place::Whole => mine == theirs,
            Place::Start => mine.starts_with(theirs),
            Place::End => mine.ends_with(theirs),
            Place::Anywhere => mine.contains(theirs.as_str()),
        })
    })
}
