//! Metric filters of CloudWatch Logs: which JSON events a filter pattern matches (Amazon CloudWatch Logs User Guide, "Filter
//! pattern syntax for metric filters, subscription filters, filter log events, and Live Tail": JSON).
//!
//! A check gives events that must be seen and asks each filter for them, so that a pattern counts however it is written.

use super::told;
use crate::estate::{Estate, Hole};
use crate::operate::V;
use regex::Regex;
use serde_json::Value as Json;
use yagura_policy::pattern;

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 64;

/// `filter_pattern_matches(pattern, event)`: whether a filter pattern matches an event, given as JSON text. A pattern that is not
/// of the JSON form (terms, `[…]` columns) is Unknown: it matches texts, and what text holds the event nobody can tell.
pub(super) fn filter_matches<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [pattern, event] = args else { return Err(told("expected a pattern and an event".to_owned())) };
    let (pattern, event) = pattern.text().zip(event.text()).ok_or_else(|| told("expected text".to_owned()))?;
    if pattern.trim().is_empty() {
        return Ok(V::Bool(true)); // an empty pattern matches all events
    }
    let event: Json = serde_json::from_str(event).map_err(|e| told(format!("the event is no JSON: {e}")))?;
    let parsed = Parser::new(pattern).pattern().map_err(|e| told(format!("the filter pattern `{pattern}`: {e}")))?;
    Ok(V::Bool(parsed.matches(&event)))
}

/// A pattern, or a part of it.
#[derive(Debug)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Test(Vec<Step>, Test),
}

/// A step of a selector.
#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
    Every,
}

/// What is asked of the selected value.
#[derive(Debug)]
enum Test {
    Text { pattern: String, equal: bool },
    Regex { regex: Regex, equal: bool },
    Number { value: f64, test: fn(f64, f64) -> bool, equal: Option<bool> },
    Null,
    NotExists,
    Exists,
    Is(bool),
}

impl Expression {
    fn matches(&self, event: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|p| p.matches(event)),
            Self::Any(parts) => parts.iter().any(|p| p.matches(event)),
            Self::Test(path, test) => test.holds(&select(event, path)),
        }
    }
}

impl Test {
    /// AWS: a comparison with a selector that finds nothing matches nothing, `!=` too; `NOT EXISTS` is for that.
    fn holds(&self, found: &[&Json]) -> bool {
        match self {
            Self::NotExists => found.is_empty(),
            Self::Exists => !found.is_empty(),
            Self::Null => found.iter().any(|v| v.is_null()),
            Self::Is(wanted) => found.iter().any(|v| v.as_bool() == Some(*wanted)),
            Self::Text { pattern, equal } => {
                found.iter().any(|v| text(v).is_some_and(|t| pattern::matches(pattern, &t) == *equal))
            }
            Self::Regex { regex, equal } => found.iter().any(|v| text(v).is_some_and(|t| regex.is_match(&t) == *equal)),
            Self::Number { value, test, equal } => found.iter().any(|v| match (v.as_f64(), equal) {
                (Some(n), _) => test(n, *value),
                // A number in quotes in the event is a text: it equals no number.
                (None, equal) => *equal == Some(false) && !v.is_null(),
            }),
        }
    }
}

fn text(v: &Json) -> Option<String> {
    match v {
        Json::String(s) => Some(s.clone()),
        Json::Number(_) | Json::Bool(_) => Some(v.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn select<'j>(event: &'j Json, path: &[Step]) -> Vec<&'j Json> {
    let mut here = vec![event];
    for step in path {
        here = here
            .into_iter()
            .flat_map(|v| -> Vec<&Json> {
                match step {
                    Step::Member(name) => v.get(name).into_iter().collect(),
                    Step::Item(n) => v.get(n).into_iter().collect(),
                    Step::Every => v.as_array().into_iter().flatten().collect(),
                }
            })
            .collect();
    }
    here
}

struct Parser<'p> {
    rest: &'p str,
    depth: usize,
}

impl<'p> Parser<'p> {
    fn new(text: &'p str) -> Self {
        Self { rest: text.trim(), depth: 0 }
    }

    fn pattern(mut self) -> Result<Expression, String> {
        if !self.takes("{") {
            return Err("it is not of the JSON form `{ … }`".to_owned());
        }
        let expression = self.any()?;
        if !self.takes("}") {
            return Err(format!("expected `}}`, found `{}`", self.near()));
        }
        if !self.rest.trim().is_empty() {
            return Err(format!("more after the end: `{}`", self.near()));
        }
        Ok(expression)
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.takes("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err("too many parentheses".to_owned());
            }
            let inner = self.any()?;
            self.depth -= 1;
            return if self.takes(")") { Ok(inner) } else { Err(format!("expected `)`, found `{}`", self.near())) };
        }
        let path = self.selector()?;
        let test = self.test()?;
        Ok(Expression::Test(path, test))
    }

    fn selector(&mut self) -> Result<Vec<Step>, String> {
        if !self.takes("$") {
            return Err(format!("expected a selector such as `$.eventName`, found `{}`", self.near()));
        }
        let mut path = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-".contains(c))).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(end);
                if name.is_empty() {
                    return Err("a selector ends in a dot".to_owned());
                }
                path.push(Step::Member(name.to_owned()));
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (inner, rest) = rest.split_once(']').ok_or("`[` without `]`")?;
                let inner = inner.trim();
                path.push(match inner.trim_matches(['"', '\'']) {
                    "*" => Step::Every,
                    name if name != inner => Step::Member(name.to_owned()),
                    index => Step::Item(index.parse().map_err(|_| format!("`[{index}]` is no index"))?),
                });
                self.rest = rest;
            } else {
                return Ok(path);
            }
        }
    }

    fn test(&mut self) -> Result<Test, String> {
        for (words, test) in [
            (&["NOT", "EXISTS"][..], Test::NotExists),
            (&["EXISTS"], Test::Exists),
            (&["IS", "NULL"], Test::Null),
            (&["IS", "TRUE"], Test::Is(true)),
            (&["IS", "FALSE"], Test::Is(false)),
        ] {
            if self.words(words) {
                return Ok(test);
            }
        }
        type Compare = fn(f64, f64) -> bool;
        let operators: [(&str, Compare, Option<bool>); 6] = [
            ("!=", |a, b| a != b, Some(false)),
            (">=", |a, b| a >= b, None),
            ("<=", |a, b| a <= b, None),
            ("=", |a, b| a == b, Some(true)),
            (">", |a, b| a > b, None),
            ("<", |a, b| a < b, None),
        ];
        for (sign, test, equal) in operators {
            if self.takes(sign) {
                return self.value(test, equal);
            }
        }
        Err(format!("expected a comparison, found `{}`", self.near()))
    }

    fn value(&mut self, test: fn(f64, f64) -> bool, equal: Option<bool>) -> Result<Test, String> {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (pattern, rest) = quoted(rest)?;
            self.rest = rest;
            return Ok(Test::Text { pattern, equal: equal.ok_or("a text is neither more nor less")? });
        }
        if let Some(rest) = self.rest.strip_prefix('%') {
            let (inner, rest) = rest.split_once('%').ok_or("`%` without its end")?;
            self.rest = rest;
            let regex = Regex::new(inner).map_err(|e| e.to_string())?;
            return Ok(Test::Regex { regex, equal: equal.ok_or("a text is neither more nor less")? });
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || "(){}&|".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match (word.parse::<f64>(), equal) {
            _ if word.is_empty() => Err("a value is missing".to_owned()),
            (Ok(value), _) => Ok(Test::Number { value, test, equal }),
            (Err(_), Some(equal)) => Ok(Test::Text { pattern: word.to_owned(), equal }),
            (Err(_), None) => Err(format!("`{word}` is no number")),
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.rest.trim_start().strip_prefix(sign);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    /// Words in any case, each ending where no letter follows.
    fn words(&mut self, words: &[&str]) -> bool {
        let mut rest = self.rest;
        for word in words {
            rest = rest.trim_start();
            let fits = rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
            let after = rest.get(word.len()..).unwrap_or_default();
            if !fits || after.starts_with(|c: char| c.is_alphanumeric()) {
                return false;
            }
            rest = after;
        }
        self.rest = rest;
        true
    }

    fn near(&self) -> String {
        self.rest.trim().chars().take(20).collect()
    }
}

/// The text up to the closing quote, and what follows; `\"` and `\\` are escapes.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((text, rest.get(at + 1..).unwrap_or_default())),
            '\\' => text.extend(chars.next().map(|(_, c)| c)),
            c => text.push(c),
        }
    }
    Err("a quote without its end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Parser;

    fn ask(pattern: &str, event: &str) -> Option<bool> {
        let event = serde_json::from_str(event).unwrap_or_default();
        Parser::new(pattern).pattern().ok().map(|p| p.matches(&event))
    }

    #[test]
    fn documented_forms() {
        let event = r#"{"eventName":"DeleteTrail","errorCode":"Client.UnauthorizedOperation","n":5,"flag":true,"none":null,
            "userIdentity":{"type":"Root"},"list":[{"a":"x"},{"a":"y"}],"ip":"10.0.0.1"}"#;
        for (pattern, want) in [
            ("{ $.eventName = \"DeleteTrail\" }", Some(true)),
            ("{ $.eventName = DeleteTrail }", Some(true)),
            ("{$.eventName=DeleteTrail}", Some(true)),
            ("{ $.eventName = Delete* }", Some(true)),
            ("{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }", Some(true)),
            ("{ $.eventName != \"DeleteTrail\" }", Some(false)),
            ("{ $.absent != \"x\" }", Some(false)),
            ("{ $.absent NOT EXISTS }", Some(true)),
            ("{ $.eventName NOT EXISTS }", Some(false)),
            ("{ $.eventName EXISTS }", Some(true)),
            ("{ $.none IS NULL }", Some(true)),
            ("{ $.flag IS TRUE }", Some(true)),
            ("{ $.flag is false }", Some(false)),
            ("{ $.n > 4 && $.n <= 5 }", Some(true)),
            ("{ $.n = 5.0 }", Some(true)),
            ("{ $.n != 5 }", Some(false)),
            ("{ $.list[1].a = \"y\" }", Some(true)),
            ("{ $.list[0].a = \"y\" }", Some(false)),
            ("{ $.list[*].a = \"y\" }", Some(true)),
            ("{ $.ip = %10\\.[0-9.]+% }", Some(true)),
            (
                "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventName != \"AwsServiceEvent\" }",
                Some(true),
            ),
            ("{ ($.eventName = A) || ($.eventName = B) && ($.n = 5) }", Some(false)),
            ("{ (($.eventName = DeleteTrail)) }", Some(true)),
            ("ERROR", None),
            ("[a, b]", None),
            ("{ $.eventName = }", None),
            ("{ $.eventName DeleteTrail }", None),
            ("{ $.eventName = \"x }", None),
            ("{ $.eventName = x } y", None),
            ("{ $. = x }", None),
            ("{ $.n > x }", None),
            ("{ ", None),
        ] {
            assert_eq!(ask(pattern, event), want, "{pattern}");
        }
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(ask(&deep, event), None);
    }
}
