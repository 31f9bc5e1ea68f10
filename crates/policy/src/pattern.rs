//! IAM's wildcards: `*` stands for any run of characters, `?` for exactly one.

use smol_str::SmolStr;

/// A pattern, read once. Matching takes time linear in the text for patterns with one `*`, and at worst the product of
/// both lengths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    shape: Shape,
    ignore_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Anything,
    Literal(SmolStr),
    /// A literal, then `*`.
    Prefix(SmolStr),
    Mixed(Box<[Token]>),
}

/// One element of a pattern whose wildcards and literal characters are told apart already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// `*`
    Many,
    /// `?`
    One,
    /// This character.
    Char(char),
}

impl Glob {
    /// A pattern that regards case.
    pub fn new(pattern: &str) -> Self {
        Self::read(pattern, false)
    }

    /// A pattern that does not regard the case of ASCII letters, as action names.
    pub fn ignoring_case(pattern: &str) -> Self {
        Self::read(pattern, true)
    }

    /// A text without wildcards.
    pub fn literally(text: &str, ignore_case: bool) -> Self {
        let text =
            if ignore_case { text.chars().map(|c| c.to_ascii_lowercase()).collect() } else { SmolStr::new(text) };
        Self { shape: Shape::Literal(text), ignore_case }
    }

    /// The common shapes are told without tokens.
    fn read(pattern: &str, ignore_case: bool) -> Self {
        let wild = |text: &str| text.bytes().any(|b| b == b'*' || b == b'?');
        if !wild(pattern) {
            return Self::literally(pattern, ignore_case);
        }
        let head = pattern.trim_end_matches('*');
        if head.len() == pattern.len() || wild(head) {
            let lower = if ignore_case { Some(pattern.to_ascii_lowercase()) } else { None };
            return Self::from_tokens(tokens(lower.as_deref().unwrap_or(pattern)), ignore_case);
        }
        if head.is_empty() {
            return Self { shape: Shape::Anything, ignore_case };
        }
        match Self::literally(head, ignore_case).shape {
            Shape::Literal(text) => Self { shape: Shape::Prefix(text), ignore_case },
            shape => Self { shape, ignore_case },
        }
    }

    /// A pattern from tokens, where a `*` or `?` may be a plain character (`${*}`). With `ignore_case`, tokens are in
    /// lower case.
    pub fn from_tokens(tokens: impl IntoIterator<Item = Token>, ignore_case: bool) -> Self {
        let mut all: Vec<Token> = Vec::new();
        for token in tokens {
            if token != Token::Many || all.last() != Some(&Token::Many) {
                all.push(token);
            }
        }
        let literal = |tokens: &[Token]| -> Option<SmolStr> {
            let chars = tokens.iter().map(|t| if let Token::Char(c) = t { Some(*c) } else { None });
            chars.collect::<Option<String>>().map(SmolStr::from)
        };
        let shape = match all.as_slice() {
            [Token::Many] => Shape::Anything,
            [head @ .., Token::Many] if literal(head).is_some() => Shape::Prefix(literal(head).unwrap_or_default()),
            tokens => literal(tokens).map_or_else(|| Shape::Mixed(tokens.into()), Shape::Literal),
        };
        Self { shape, ignore_case }
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::Literal(literal) if self.ignore_case => literal.eq_ignore_ascii_case(text),
            Shape::Literal(literal) => *literal == text,
            Shape::Prefix(prefix) if self.ignore_case => {
                text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
            }
            Shape::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Shape::Mixed(tokens) => matches_tokens(tokens, text, self.ignore_case),
        }
    }

    /// Whether it matches every text.
    pub fn is_anything(&self) -> bool {
        self.shape == Shape::Anything
    }

    /// The only text it matches, if it has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        match &self.shape {
            Shape::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Whether some text matches both patterns.
    pub fn intersects(&self, other: &Self) -> bool {
        match (&self.shape, &other.shape) {
            (Shape::Anything, _) | (_, Shape::Anything) => true,
            (Shape::Literal(text), _) if !self.ignore_case || other.ignore_case => other.matches(text),
            (_, Shape::Literal(text)) if !other.ignore_case || self.ignore_case => self.matches(text),
            _ => intersects(&self.tokens(), &other.tokens(), self.ignore_case || other.ignore_case),
        }
    }

    /// The pattern's tokens.
    pub fn tokens(&self) -> Vec<Token> {
        match &self.shape {
            Shape::Anything => vec![Token::Many],
            Shape::Literal(text) => text.chars().map(Token::Char).collect(),
            Shape::Prefix(text) => text.chars().map(Token::Char).chain([Token::Many]).collect(),
            Shape::Mixed(tokens) => tokens.to_vec(),
        }
    }
}

/// The tokens of a pattern as written.
pub fn tokens(pattern: &str) -> impl Iterator<Item = Token> + '_ {
    pattern.chars().map(|c| match c {
        '*' => Token::Many,
        '?' => Token::One,
        c => Token::Char(c),
    })
}

/// Whether a text matches a pattern, for patterns used once.
pub fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    Glob::new(pattern).matches(text)
}

/// Greedy matching that goes back to the latest `*` only, which is enough because an earlier one could not do better.
fn matches_tokens(tokens: &[Token], text: &str, ignore_case: bool) -> bool {
    let (mut t, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let before = rest.clone();
        let step = match (tokens.get(t), rest.next()) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                retry = Some((t + 1, before.clone()));
                rest = before;
                true
            }
            (Some(Token::One), Some(_)) => true,
            (Some(Token::Char(p)), Some(c)) => *p == c || (ignore_case && p.eq_ignore_ascii_case(&c)),
            _ => false,
        };
        if step {
            t += 1;
            continue;
        }
        let Some((after, from)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        (t, rest) = (*after, from.clone());
    }
}

/// Reachability in the product of both patterns, row by row.
fn intersects(a: &[Token], b: &[Token], ignore_case: bool) -> bool {
    let width = b.len() + 1;
    let mut reached = vec![false; (a.len() + 1) * width];
    let mut stack = vec![(0, 0)];
    while let Some((i, j)) = stack.pop() {
        let Some(seen) = reached.get_mut(i * width + j).filter(|seen| !**seen) else { continue };
        *seen = true;
        match (a.get(i), b.get(j)) {
            (None, None) => return true,
            (x, y) => {
                if x == Some(&Token::Many) {
                    stack.push((i + 1, j));
                }
                if y == Some(&Token::Many) {
                    stack.push((i, j + 1));
                }
                let (Some(x), Some(y)) = (x, y) else { continue };
                let meet = match (x, y) {
                    (Token::Char(p), Token::Char(q)) => p == q || (ignore_case && p.eq_ignore_ascii_case(q)),
                    _ => true,
                };
                if meet {
                    stack.push((i + usize::from(*x != Token::Many), j + usize::from(*y != Token::Many)));
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(p: &[char], t: &[char]) -> bool {
        match p.split_first() {
            None => t.is_empty(),
            Some(('*', rest)) => (0..=t.len()).any(|i| slow(rest, &t[i..])),
            Some((c, rest)) => t.split_first().is_some_and(|(d, tail)| (*c == '?' || c == d) && slow(rest, tail)),
        }
    }

    #[test]
    fn case() {
        assert!(Glob::ignoring_case("S3:Get*").matches("s3:GETobject"));
        assert!(Glob::ignoring_case("S3:GetObject").matches("s3:GETobject"));
        assert!(Glob::ignoring_case("*:G?t*").matches("s3:GETobject"));
        assert!(!Glob::new("s3:get*").matches("s3:GetObject"));
        assert!(Glob::new("é?*").matches("éü"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_definition(p in "[ab*?]{0,7}", t in "[ab]{0,7}") {
            let (pc, tc): (Vec<char>, Vec<char>) = (p.chars().collect(), t.chars().collect());
            prop_assert_eq!(Glob::new(&p).matches(&t), slow(&pc, &tc));
            prop_assert_eq!(matches(&p, &t), slow(&pc, &tc));
        }

        #[test]
        fn intersections_are_witnessed(p in "[ab*?]{0,5}", q in "[ab*?]{0,5}") {
            let all = (0..=10u32).flat_map(|n| (0..(1u32 << n)).map(move |bits| {
                (0..n).map(|i| if bits >> i & 1 == 0 { 'a' } else { 'b' }).collect::<String>()
            }));
            let (gp, gq) = (Glob::new(&p), Glob::new(&q));
            let found = all.into_iter().any(|t| gp.matches(&t) && gq.matches(&t));
            prop_assert_eq!(gp.intersects(&gq), found);
            prop_assert_eq!(gq.intersects(&gp), found);
        }
    }
}
