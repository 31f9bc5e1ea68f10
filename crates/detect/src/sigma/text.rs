//! Texts of rules: `*` and `?` with their escapes, and how a value is held against them.
//! <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-rules-specification.md#string-wildcard>

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any characters.
    Many,
}

/// Takes wildcards and escapes apart. A `\` counts as itself, but before `*`, `?` and another `\`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => Token::Char(chars.next_if(|n| matches!(n, '*' | '?' | '\\')).unwrap_or('\\')),
            other => Token::Char(other),
        });
    }
    out
}

/// The characters where there is no wildcard among them.
pub(super) fn plain(tokens: &[Token]) -> Option<String> {
    tokens.iter().map(|t| if let Token::Char(c) = t { Some(*c) } else { None }).collect()
}

/// A text to hold values against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    cased: bool,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Any value with a text.
    Any,
    /// ASCII alone, in lower case unless case counts.
    Whole(Box<str>),
    Starts(Box<str>),
    Ends(Box<str>),
    Has(Box<str>),
    Mixed(Vec<Token>),
}

impl Pattern {
    pub fn new(mut tokens: Vec<Token>, cased: bool) -> Self {
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        if !cased {
            for token in &mut tokens {
                if let Token::Char(c) = token {
                    *c = fold(*c);
                }
            }
        }
        let (first, last) = (tokens.first() == Some(&Token::Many), tokens.last() == Some(&Token::Many));
        let inside = tokens.get(usize::from(first)..tokens.len() - usize::from(last && tokens.len() > 1));
        let simple = inside.and_then(plain).filter(|t| t.is_ascii()).map(String::into_boxed_str);
        let form = match (simple, first, last) {
            _ if tokens == [Token::Many] => Form::Any,
            (Some(t), false, false) => Form::Whole(t),
            (Some(t), false, true) => Form::Starts(t),
            (Some(t), true, false) => Form::Ends(t),
            (Some(t), true, true) => Form::Has(t),
            (None, ..) => Form::Mixed(tokens),
        };
        Self { cased, form }
    }

    /// The whole text in lower case, where the pattern stands for nothing else.
    pub fn whole(&self) -> Option<String> {
        match &self.form {
            Form::Whole(t) => Some(t.to_ascii_lowercase()),
            _ => None,
        }
    }

    pub fn accepts(&self, value: &str) -> bool {
        let bytes = value.as_bytes();
        let same = |part: Option<&[u8]>, text: &str| {
            part.is_some_and(
                |p| if self.cased { p == text.as_bytes() } else { p.eq_ignore_ascii_case(text.as_bytes()) },
            )
        };
        match &self.form {
            Form::Any => true,
            Form::Whole(t) => same(Some(bytes), t),
            Form::Starts(t) => same(bytes.get(..t.len()), t),
            Form::Ends(t) => same(bytes.len().checked_sub(t.len()).and_then(|from| bytes.get(from..)), t),
            Form::Has(t) if self.cased => memchr::memmem::find(bytes, t.as_bytes()).is_some(),
            Form::Has(t) => has(bytes, t.as_bytes()),
            Form::Mixed(tokens) => self.mixed(tokens, value),
        }
    }

    /// Goes through both; where they part, one more character goes to the last `*`.
    fn mixed(&self, tokens: &[Token], value: &str) -> bool {
        let (mut at, mut rest) = (0, value);
        let mut again: Option<(usize, &str)> = None;
        loop {
            let mut chars = rest.chars();
            match (tokens.get(at), chars.next()) {
                (Some(Token::Many), _) => {
                    at += 1;
                    again = Some((at, rest));
                    continue;
                }
                (None, None) => return true,
                (Some(Token::One), Some(_)) => {
                    at += 1;
                    rest = chars.as_str();
                    continue;
                }
                (Some(Token::Char(c)), Some(v)) if *c == if self.cased { v } else { fold(v) } => {
                    at += 1;
                    rest = chars.as_str();
                    continue;
                }
                _ => {}
            }
            let Some((to, from)) = again else { return false };
            let mut chars = from.chars();
            if chars.next().is_none() {
                return false;
            }
            at = to;
            rest = chars.as_str();
            again = Some((to, rest));
        }
    }
}

/// Without case, one character for one. What is not ASCII stays so.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    c.to_lowercase().next().filter(|l| !l.is_ascii()).unwrap_or(c)
}

fn has(value: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    let upper = first.to_ascii_uppercase();
    let mut places = memchr::memchr2_iter(*first, upper, value);
    places.any(|at| value.get(at..at + text.len()).is_some_and(|v| v.eq_ignore_ascii_case(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let rows = [
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("a*", "Abc", true),
            ("*c", "abC", true),
            ("*b*", "aBc", true),
            ("*b*", "ac", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("?", "", false),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("*a?c*", "xxabcxx", true),
            ("**", "x", true),
            ("É*", "été", true),
            ("k", "\u{212a}", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\?b", "a?b", true),
            (r"a\b", r"A\B", true),
            (r"a\\b", r"a\b", true),
            (r"a\\*", r"a\xyz", true),
            (r"a\\*", "ab", false),
            (r"a\\\*", r"a\*", true),
            (r"a\\\*", r"a\b", false),
            (r"a\\\\b", r"a\\b", true),
            (r"a\\\b", r"a\\b", true),
        ];
        for (text, value, wanted) in rows {
            assert_eq!(Pattern::new(tokens(text), false).accepts(value), wanted, "{text} on {value}");
        }
        assert!(!Pattern::new(tokens("Ab*"), true).accepts("abc"));
        assert!(Pattern::new(tokens("A?c"), true).accepts("Abc"));
        assert!(!Pattern::new(tokens("*B*"), true).accepts("abc"));
    }
}
