//! The scalars among a request's parameters, each with the name it stands under.

use serde_json::Value;
use std::borrow::Cow;

/// Depth and number of parameters that are looked at.
const MAX_DEPTH: usize = 12;
const MAX_PARAMETERS: usize = 5_000;

/// What stands in `requestParameters`.
#[derive(Debug, Clone, Default)]
pub struct Parameters<'r> {
    found: Vec<(&'r str, Cow<'r, str>)>,
    /// Whether the record has parameters at all: a record without them says nothing about any.
    pub told: bool,
    /// Whether there were too many to look at all.
    pub cut: bool,
}

impl<'r> Parameters<'r> {
    /// Reads them.
    pub fn new(value: Option<&'r Value>) -> Self {
        let mut all = Self::default();
        if let Some(value @ Value::Object(_)) = value {
            all.told = true;
            all.walk(value, "", 0);
        }
        all
    }

    fn walk(&mut self, value: &'r Value, name: &'r str, depth: usize) {
        if depth > MAX_DEPTH || self.found.len() > MAX_PARAMETERS {
            self.cut = true;
            return;
        }
        match value {
            Value::String(text) => self.found.push((name, Cow::Borrowed(text))),
            Value::Bool(_) | Value::Number(_) => self.found.push((name, Cow::Owned(value.to_string()))),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, name, depth + 1)),
            Value::Object(members) => members.iter().for_each(|(key, item)| self.walk(item, key, depth + 1)),
            Value::Null => {}
        }
    }

    /// The values under a name, whatever its case and hyphens.
    pub fn of<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p str> {
        let wanted = plain(name);
        self.found.iter().filter(move |(key, _)| plain(key) == wanted).map(|(_, value)| &**value)
    }

    /// Values that are ARNs.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|(_, value)| &**value).filter(|v| v.starts_with("arn:"))
    }
}

/// A name without its case, hyphens and underscores: `max-keys` and `maxKeys` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}
