//! Members of AWS's answers, with an error that names their place.

use thiserror::Error;
use yagura_model::{Map, Value};

/// Why a firewall policy or rule group cannot be read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RuleError {
    /// A member that AWS always sends is not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A member is of another type than AWS's, or holds what AWS never sends.
    #[error("`{place}` is not {expected}")]
    Malformed {
        /// The member, with the rule group where it is one's.
        place: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// That what stands at `place` is not what it should be.
pub fn malformed(place: &str, expected: &'static str) -> RuleError {
    RuleError::Malformed { place: place.to_owned(), expected }
}

/// The structure `name` of an answer, or the answer where it is that structure itself.
pub fn inner<'a>(answer: &'a Value, name: &str) -> Result<&'a Map, RuleError> {
    let outer = answer.as_map().ok_or_else(|| malformed(name, "a structure"))?;
    match outer.get(name) {
        None => Ok(outer),
        Some(inner) => inner.as_map().ok_or_else(|| malformed(name, "a structure")),
    }
}

/// The list `name`; empty where it is absent.
pub fn items<'a>(map: &'a Map, name: &str, place: &str) -> Result<&'a [Value], RuleError> {
    match map.get(name) {
        None => Ok(&[]),
        Some(list) => list.as_list().ok_or_else(|| malformed(&format!("{place}.{name}"), "a list")),
    }
}

/// The list `name` of texts; empty where it is absent.
pub fn strings(map: &Map, name: &str, place: &str) -> Result<Vec<String>, RuleError> {
    let text = |v: &Value| v.as_str().map(str::to_owned).ok_or_else(|| malformed(&format!("{place}.{name}"), "text"));
    items(map, name, place)?.iter().map(text).collect()
}

/// The text `name`.
pub fn string<'a>(map: &'a Map, name: &str, place: &str) -> Result<&'a str, RuleError> {
    let value = map.get(name).ok_or_else(|| RuleError::Missing(format!("{place}.{name}")))?;
    value.as_str().ok_or_else(|| malformed(&format!("{place}.{name}"), "text"))
}

/// The whole number `name`.
pub fn number(map: &Map, name: &str, place: &str) -> Result<Option<i64>, RuleError> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::Int(n)) => Ok(Some(*n)),
        Some(_) => Err(malformed(&format!("{place}.{name}"), "a whole number")),
    }
}

/// The structure `name`.
pub fn structure<'a>(map: &'a Map, name: &str, place: &str) -> Result<&'a Map, RuleError> {
    let value = map.get(name).ok_or_else(|| RuleError::Missing(format!("{place}.{name}")))?;
    value.as_map().ok_or_else(|| malformed(&format!("{place}.{name}"), "a structure"))
}
