//! Strings of a pattern that a person would take for real ones.

use super::pattern::{Pattern, Symbol};

/// What a wildcard is tried with: the last is a word that no policy is likely to name.
pub(super) const WORDS: [&str; 5] = ["example", "", "1", "other", "unnamed-7q"];

/// Some strings of the pattern, each with one word in every `*`.
pub(super) fn strings(pattern: &Pattern) -> impl Iterator<Item = String> + '_ {
    let words = if pattern.is_finite() { WORDS.get(..1).unwrap_or_default() } else { WORDS.as_slice() };
    words.iter().map(move |word| {
        let mut text = String::new();
        let mut digits = "123456789012".chars().cycle();
        let mut symbols = pattern.symbols().iter().peekable();
        while let Some(symbol) = symbols.next() {
            match symbol {
                // "At least one character": the word, unless it is empty.
                Symbol::OneInSegment if !word.is_empty() && symbols.peek() == Some(&&Symbol::ManyInSegment) => {}
                Symbol::Char(c) => text.push(*c),
                Symbol::One | Symbol::OneInSegment => text.push('x'),
                Symbol::Digit => text.extend(digits.next()),
                Symbol::Many | Symbol::ManyInSegment => text.push_str(word),
            }
        }
        text
    })
}
