//! JSON paths of `json_extract` ("JSON functions and operators", Trino): `$`, `.name`, `["name"]`, `[0]`.

use datafusion::common::{Result, exec_err};
use serde_json::Value;

/// A path.
pub(crate) struct Path(Vec<Step>);

enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = || exec_err!("`{text}` is no JSON path");
        let Some(mut rest) = text.trim().strip_prefix('$') else { return bad() };
        let mut steps = Vec::new();
        while let Some(first) = rest.chars().next() {
            if first == '.' {
                rest = rest.get(1..).unwrap_or_default();
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if name.is_empty() {
                    return bad();
                }
                let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
                steps.push(Step::Name(name.to_owned()));
                rest = after;
            } else if first == '[' {
                rest = rest.get(1..).unwrap_or_default().trim_start();
                if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                    let Some((name, after)) = quoted(rest.get(1..).unwrap_or_default(), quote) else { return bad() };
                    steps.push(Step::Name(name));
                    let Some(after) = after.trim_start().strip_prefix(']') else { return bad() };
                    rest = after;
                } else {
                    let Some((inside, after)) = rest.split_once(']') else { return bad() };
                    match inside.trim().parse() {
                        Ok(index) => steps.push(Step::Index(index)),
                        Err(_)
                            if !inside.trim().is_empty() && inside.chars().all(|c| c.is_alphanumeric() || c == '_') =>
                        {
                            steps.push(Step::Name(inside.trim().to_owned()));
                        }
                        Err(_) => return bad(),
                    }
                    rest = after;
                }
            } else {
                return bad();
            }
        }
        Ok(Self(steps))
    }

    /// What the path leads to.
    pub(crate) fn find<'v>(&self, mut value: &'v Value) -> Option<&'v Value> {
        for step in &self.0 {
            value = match step {
                Step::Name(name) => value.as_object()?.get(name)?,
                Step::Index(index) => value.as_array()?.get(*index)?,
            };
        }
        Some(value)
    }
}

/// Text up to its closing quote, with what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((out, text.get(at + c.len_utf8()..)?));
        }
        out.push(if c == '\\' { chars.next()?.1 } else { c });
    }
    None
}
