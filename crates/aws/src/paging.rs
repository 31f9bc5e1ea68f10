//! Going from page to page.

use crate::error::CallError;
use crate::facts::{Pages, ReadOperation};
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use yagura_model::{GapReason, Map, Value};

/// More pages than this are a fault of the service.
const MOST_PAGES: usize = 100_000;

/// The input of the next page, from the output of the last.
pub(crate) struct Paging<'a> {
    pages: Option<&'a Pages>,
    input: Cow<'a, Map>,
    /// Hashes of the tokens so far: a token that comes again would page for ever.
    seen: HashSet<u64>,
}

impl<'a> Paging<'a> {
    pub fn of(operation: &'a ReadOperation, input: &'a Map) -> Self {
        Self { pages: operation.pages.as_ref(), input: Cow::Borrowed(input), seen: HashSet::new() }
    }

    pub fn input(&self) -> &Map {
        &self.input
    }

    /// Takes the tokens of an output; whether there is another page.
    pub fn next(&mut self, output: &Value) -> Result<bool, CallError> {
        let Some(pages) = self.pages else { return Ok(false) };
        let more = pages.more.and_then(|path| at(output, path)).and_then(as_bool);
        if more == Some(false) {
            return Ok(false);
        }
        let tokens: Vec<Option<Value>> = pages.outputs.iter().map(|path| token(output, path)).collect();
        if tokens.iter().all(Option::is_none) {
            return match more {
                Some(true) => Err(bad("there are more pages, but no token for them")),
                _ => Ok(false),
            };
        }
        let mut hasher = DefaultHasher::new();
        tokens.iter().for_each(|t| t.as_ref().map(ToString::to_string).hash(&mut hasher));
        if !self.seen.insert(hasher.finish()) {
            return Err(bad("the same page token came twice"));
        }
        if self.seen.len() >= MOST_PAGES {
            return Err(bad("more than 100,000 pages"));
        }
        let input = self.input.to_mut();
        for (name, token) in pages.inputs.iter().zip(tokens) {
            match token {
                Some(token) => input.insert(*name, token),
                None => {
                    input.remove(name);
                }
            }
        }
        Ok(true)
    }
}

fn bad(message: &str) -> CallError {
    CallError::new(GapReason::BadAnswer, "PagingLoop", message)
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        _ => None,
    }
}

/// A token, where it is there and not empty. Alternatives are written `A || B`.
fn token(output: &Value, paths: &str) -> Option<Value> {
    paths
        .split("||")
        .find_map(|path| at(output, path.trim()).filter(|v| !matches!(v, Value::String(s) if s.is_empty())).cloned())
}

/// Follows `A.B[-1].C`.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, part| {
        let (name, last) = part.strip_suffix("[-1]").map_or((part, false), |name| (name, true));
        let found = here.as_map()?.get(name)?;
        if last { found.as_list()?.last() } else { Some(found) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn tokens_are_found_by_path_alternative_and_last_item() {
        let output = value(r#"{"L": {"Next": "n", "Empty": ""}, "Items": [{"K": "a"}, {"K": "b"}], "N": 5}"#);
        for (path, expected) in [
            ("L.Next", Some("\"n\"")),
            ("L.Empty", None),
            ("L.Empty || Items[-1].K", Some("\"b\"")),
            ("N", Some("5")),
            ("Missing.Next", None),
            ("Missing[-1].K", None),
        ] {
            assert_eq!(token(&output, path).map(|t| t.to_string()).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn pages_end_loop_and_carry_tokens() {
        let pages = Pages { inputs: vec!["Marker"], outputs: vec!["Marker"], more: Some("IsTruncated") };
        let paging = || Paging { pages: Some(&pages), input: Cow::Owned(Map::new()), seen: HashSet::new() };

        let mut p = paging();
        assert_eq!(p.next(&value(r#"{"Marker": "a", "IsTruncated": true}"#)), Ok(true));
        assert_eq!(p.input().get("Marker"), Some(&Value::from("a")));
        assert_eq!(p.next(&value(r#"{"Marker": "b", "IsTruncated": false}"#)), Ok(false));

        let mut p = paging();
        assert_eq!(p.next(&value(r#"{"Marker": "a"}"#)), Ok(true));
        assert_eq!(p.next(&value(r#"{"Marker": "b"}"#)), Ok(true));
        let error = p.next(&value(r#"{"Marker": "a"}"#)).unwrap_err();
        assert_eq!(error.reason, GapReason::BadAnswer);

        let error = paging().next(&value(r#"{"IsTruncated": true}"#)).unwrap_err();
        assert_eq!(error.reason, GapReason::BadAnswer);
        assert_eq!(paging().next(&value("{}")), Ok(false));
    }
}
