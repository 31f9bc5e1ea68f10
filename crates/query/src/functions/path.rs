//! JSON paths of `json_extract` ("JSON functions and operators", Trino): `$`, `.name`, `["name"]`, `[0]`.

use datafusion::common::{self, exec_err};
use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// A path.
pub(crate) struct Path(Vec<Step>);

enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str) -> common::Result<Self> {
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

    /// What the path leads to in a JSON text, the first member of a name. The text is read up to there and no further, without
    /// a tree of what lies beside the way. None where it leads nowhere or the text is no JSON so far.
    pub(crate) fn seek(&self, text: &str) -> Option<Value> {
        let mut found = None;
        let mut reader = serde_json::Deserializer::from_str(text);
        // Stopping early is an error to the reader; what counts is whether the place was reached.
        let whole = Seek { steps: &self.0, found: &mut found }.deserialize(&mut reader);
        if self.0.is_empty() && (whole.is_err() || reader.end().is_err()) {
            return None;
        }
        found
    }
}

struct Seek<'p, 'f> {
    steps: &'p [Step],
    found: &'f mut Option<Value>,
}

impl<'de> DeserializeSeed<'de> for Seek<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.steps.first() {
            None => Value::deserialize(reader).map(|value| *self.found = Some(value)),
            Some(_) => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Seek<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Some((Step::Name(name), steps)) = self.steps.split_first() else { return Err(A::Error::custom("a name")) };
        while let Some(here) = members.next_key_seed(Is(name))? {
            if here {
                return members.next_value_seed(Seek { steps, found: self.found });
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Index(index), steps)) = self.steps.split_first() else {
            return Err(A::Error::custom("a place"));
        };
        for _ in 0..*index {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        items.next_element_seed(Seek { steps, found: self.found }).map(|_| ())
    }
}

/// Whether a member's name is this one.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
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
