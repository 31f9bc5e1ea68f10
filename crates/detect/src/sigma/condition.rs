//! The condition over a rule's selections.
//! <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-rules-specification.md#condition>

use super::text::{Pattern, tokens};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use yagura_rule::nearest_hint;

/// How deep brackets and `not` may nest.
const MAX_DEPTH: usize = 50;

/// A condition, its selections (or rules) by their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// The selection or rule at this place.
    Is(usize),
}

impl Condition {
    /// Whether it holds, given what holds.
    pub fn holds(&self, is: &mut dyn FnMut(usize) -> bool) -> bool {
        match self {
            Self::All(list) => list.iter().all(|c| c.holds(is)),
            Self::Any(list) => list.iter().any(|c| c.holds(is)),
            Self::Not(inner) => !inner.holds(is),
            Self::Is(place) => is(*place),
        }
    }

    /// Whether there is a `not` in it.
    pub fn denies(&self) -> bool {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().any(Self::denies),
            Self::Not(_) => true,
            Self::Is(_) => false,
        }
    }
}

/// Reads a condition over selections of these names.
pub(super) fn parse(text: &str, names: &[SmolStr]) -> Result<Condition, String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, names };
    let condition = parser.any(0)?;
    match parser.words.get(parser.at) {
        None => Ok(condition),
        Some(word) => Err(format!("`{word}` was not expected in the condition")),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    names: &'a [SmolStr],
}

impl Parser<'_> {
    fn eat(&mut self, word: &str) -> bool {
        let there = self.words.get(self.at).is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn any(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.all(depth)?];
        while self.eat("or") {
            all.push(self.all(depth)?);
        }
        Ok(one(all, Condition::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.not(depth)?];
        while self.eat("and") {
            all.push(self.not(depth)?);
        }
        Ok(one(all, Condition::All))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > MAX_DEPTH {
            return Err("the condition nests too deep".to_owned());
        }
        if self.eat("not") {
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.eat("(") {
            let inner = self.any(depth + 1)?;
            return if self.eat(")") { Ok(inner) } else { Err("a bracket of the condition is not closed".to_owned()) };
        }
        let Some(word) = self.words.get(self.at) else { return Err("the condition ends too early".to_owned()) };
        self.at += 1;
        if self.words.get(self.at).is_some_and(|w| w.eq_ignore_ascii_case("of")) {
            self.at += 1;
            return self.of(word);
        }
        match self.names.iter().position(|n| n == word) {
            Some(place) => Ok(Condition::Is(place)),
            None => {
                let hint = nearest_hint(word, self.names.iter().map(SmolStr::as_str));
                Err(format!("the condition names `{word}`, which is no selection{hint}"))
            }
        }
    }

    /// `1 of …`, `any of …`, `all of …`.
    fn of(&mut self, quantity: &str) -> Result<Condition, String> {
        let Some(which) = self.words.get(self.at) else { return Err("the condition ends too early".to_owned()) };
        self.at += 1;
        let them = which.eq_ignore_ascii_case("them");
        let pattern = Pattern::new(tokens(which), true);
        let fits = |name: &SmolStr| if them { !name.starts_with('_') } else { pattern.accepts(name) };
        let places = self.names.iter().enumerate().filter(|(_, n)| fits(n));
        let hits: Vec<Condition> = places.map(|(place, _)| Condition::Is(place)).collect();
        if hits.is_empty() {
            return Err(format!("the condition names `{which}`, which no selection is called"));
        }
        match quantity.to_ascii_lowercase().as_str() {
            "1" | "any" => Ok(one(hits, Condition::Any)),
            "all" => Ok(one(hits, Condition::All)),
            other => Err(format!("`{other} of` is not supported: only `1 of`, `any of` and `all of` are")),
        }
    }
}

fn one(mut all: Vec<Condition>, make: fn(Vec<Condition>) -> Condition) -> Condition {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            make(all)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn conditions() {
        use Condition::{All, Any, Is, Not};
        let names: Vec<SmolStr> = ["sel_a", "sel_b", "filter", "_hidden", "keywords"].map(SmolStr::from).to_vec();
        let not = |c| Not(Box::new(c));
        let rows = [
            ("sel_a", Is(0)),
            ("sel_a and not filter", All(vec![Is(0), not(Is(2))])),
            ("sel_a or sel_b and filter", Any(vec![Is(0), All(vec![Is(1), Is(2)])])),
            ("(sel_a or sel_b) AND filter", All(vec![Any(vec![Is(0), Is(1)]), Is(2)])),
            ("1 of sel_*", Any(vec![Is(0), Is(1)])),
            ("all of sel* and not 1 of filter*", All(vec![All(vec![Is(0), Is(1)]), not(Is(2))])),
            ("1 of them", Any(vec![Is(0), Is(1), Is(2), Is(4)])),
            ("not not _hidden", not(not(Is(3)))),
            ("any of *_b", Is(1)),
        ];
        for (text, wanted) in rows {
            assert_eq!(parse(text, &names).unwrap(), wanted, "{text}");
        }
        let wrong = [
            ("", "ends too early"),
            ("sel_a and", "ends too early"),
            ("sel_a sel_b", "`sel_b` was not expected"),
            ("(sel_a", "not closed"),
            ("sel_a)", "`)` was not expected"),
            ("sel_c", "did you mean `sel_"),
            ("2 of sel_*", "`2 of` is not supported"),
            ("1 of nothing*", "no selection is called"),
        ];
        for (text, why) in wrong {
            let error = parse(text, &names).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(parse(&"(".repeat(10_000), &names).is_err());
        assert!(parse(&"not ".repeat(10_000), &names).is_err());
    }
}
