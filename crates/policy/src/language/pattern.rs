//! One pattern, seen as a set of strings.

use crate::pattern::{Glob, Token, tokens};

/// What one place of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Symbol {
    /// This character, or its other case where the pattern ignores case.
    Char(char),
    /// Any character.
    One,
    /// Any run of characters.
    Many,
    /// Any character but `:`.
    OneInSegment,
    /// Any run of characters without `:`.
    ManyInSegment,
    /// Any of `0` to `9`.
    Digit,
}

/// A set of strings given by a pattern of `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    symbols: Box<[Symbol]>,
    ignore_case: bool,
    /// The same set for quick matching, where no symbol depends on segments.
    glob: Option<Glob>,
}

/// Symbols against symbols beyond which two patterns are not compared.
const MAX_COMPARISONS: usize = 1 << 24;

impl Pattern {
    /// The strings that match a pattern as written, in this case.
    pub fn new(pattern: &str) -> Self {
        Self::from_tokens(tokens(pattern), false)
    }

    /// The strings that match a pattern as written, in any case of ASCII letters.
    pub fn ignoring_case(pattern: &str) -> Self {
        Self::from_tokens(tokens(pattern), true)
    }

    /// This string alone; `*` and `?` are plain characters.
    pub fn literal(text: &str, ignore_case: bool) -> Self {
        Self::from_tokens(text.chars().map(Token::Char), ignore_case)
    }

    /// The strings that match tokens.
    pub fn from_tokens(tokens: impl IntoIterator<Item = Token>, ignore_case: bool) -> Self {
        let symbols = tokens.into_iter().map(|token| match token {
            Token::Char(c) => Symbol::Char(c),
            Token::One => Symbol::One,
            Token::Many => Symbol::Many,
        });
        Self::build(symbols.collect(), ignore_case)
    }

    /// The ARNs that match a pattern of at least six segments, segment by segment: a wildcard of the first five does not
    /// reach past its `:` (`reference_policies_elements_condition_operators`, ARN operators). `None` where nothing can
    /// match.
    pub fn arn(tokens: impl IntoIterator<Item = Token>) -> Option<Self> {
        let tokens: Vec<Token> = tokens.into_iter().collect();
        let first = tokens.iter().position(|t| *t == Token::Char(':'))?;
        let (head, rest) = tokens.split_at_checked(first)?;
        if !Glob::from_tokens(head.iter().copied(), false).matches("arn") {
            return None;
        }
        let mut colons = 0;
        let mut symbols: Vec<Symbol> = "arn".chars().map(Symbol::Char).collect();
        for token in rest {
            colons += usize::from(*token == Token::Char(':'));
            symbols.push(match token {
                Token::Char(c) => Symbol::Char(*c),
                Token::One if colons < 5 => Symbol::OneInSegment,
                Token::Many if colons < 5 => Symbol::ManyInSegment,
                Token::One => Symbol::One,
                Token::Many => Symbol::Many,
            });
        }
        (colons >= 5).then(|| Self::build(symbols, false))
    }

    /// The ARNs whose six segments match these patterns in turn; `*` stays inside its segment, but for the last.
    pub fn arn_of(segments: &[&[Token]; 6]) -> Self {
        let colon: &[Token] = &[Token::Char(':')];
        let tokens = segments.iter().enumerate().flat_map(|(i, segment)| [if i > 0 { colon } else { &[] }, *segment]);
        Self::arn(tokens.flatten().copied()).unwrap_or_else(Self::nothing)
    }

    /// A set that holds no string that a request can name.
    fn nothing() -> Self {
        Self::from_tokens([Token::Char('*')], false)
    }

    /// The resources that an item of `Resource` or `NotResource` takes in: by segments, as the ARN operators, where a
    /// wildcard stands before the sixth segment; else as one text.
    pub fn resource(tokens: Vec<Token>, by_segments: bool) -> Self {
        let colon = |t: &&Token| **t == Token::Char(':');
        let head: Vec<&Token> = {
            let mut colons = 0;
            tokens
                .iter()
                .take_while(|t| {
                    colons += usize::from(colon(t));
                    colons < 5
                })
                .collect()
        };
        let wild = by_segments || head.iter().any(|t| !matches!(t, Token::Char(_)));
        let is_arn = tokens.iter().filter(colon).count() >= 5;
        if wild && is_arn {
            return Self::arn(tokens).unwrap_or_else(Self::nothing);
        }
        Self::from_tokens(tokens, false)
    }

    /// The ARNs of IAM entities in the accounts whose ids match.
    #[must_use]
    pub fn entities_of_account(&self) -> Self {
        let mut symbols: Vec<Symbol> = Self::form("arn:_:iam::").symbols.to_vec();
        symbols.extend(self.symbols.iter().map(|symbol| match symbol {
            Symbol::One => Symbol::OneInSegment,
            Symbol::Many => Symbol::ManyInSegment,
            other => *other,
        }));
        symbols.extend([Symbol::Char(':'), Symbol::Many]);
        Self::build(symbols, self.ignore_case)
    }

    /// The strings of a form in which `#` stands for a digit, `_` for one or more characters without `:`, and `*` for any
    /// characters: `arn:aws:iam::############:role/_`.
    pub fn form(form: &str) -> Self {
        let symbols = form.chars().flat_map(|c| match c {
            '#' => vec![Symbol::Digit],
            '_' => vec![Symbol::OneInSegment, Symbol::ManyInSegment],
            '*' => vec![Symbol::Many],
            c => vec![Symbol::Char(c)],
        });
        Self::build(symbols.collect(), false)
    }

    /// The strings that match, where no wildcard reaches past a `:`.
    #[cfg(test)]
    pub(super) fn segments(text: &str) -> Self {
        let symbols = tokens(text).map(|token| match token {
            Token::Char(c) => Symbol::Char(c),
            Token::One => Symbol::OneInSegment,
            Token::Many => Symbol::ManyInSegment,
        });
        Self::build(symbols.collect(), false)
    }

    fn build(mut symbols: Vec<Symbol>, ignore_case: bool) -> Self {
        symbols.dedup_by(|a, b| a == b && matches!(a, Symbol::Many | Symbol::ManyInSegment));
        let tokens = symbols.iter().map(|symbol| match symbol {
            Symbol::Char(c) if ignore_case => Some(Token::Char(c.to_ascii_lowercase())),
            Symbol::Char(c) => Some(Token::Char(*c)),
            Symbol::One => Some(Token::One),
            Symbol::Many => Some(Token::Many),
            Symbol::OneInSegment | Symbol::ManyInSegment | Symbol::Digit => None,
        });
        let glob = tokens.collect::<Option<Vec<Token>>>().map(|tokens| Glob::from_tokens(tokens, ignore_case));
        Self { symbols: symbols.into(), ignore_case, glob }
    }

    /// Whether the string is of the set.
    pub fn matches(&self, text: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.matches(text),
            None => {
                let mut run = Run::start(self);
                text.chars().all(|c| {
                    run.step(self, c);
                    !run.is_dead()
                }) && run.accepts(self)
            }
        }
    }

    /// The string of the set, in one spelling, where there is no wildcard.
    pub fn text(&self) -> Option<String> {
        self.symbols.iter().map(|s| if let Symbol::Char(c) = s { Some(*c) } else { None }).collect()
    }

    /// The only string of the set, where there is no wildcard and case matters.
    pub fn only(&self) -> Option<String> {
        let text = self.text()?;
        (!self.ignore_case || !text.contains(|c: char| c.is_ascii_alphabetic())).then_some(text)
    }

    /// Whether two strings that differ in the case of ASCII letters are both of the set, or neither.
    pub(super) fn is_blind_to_case(&self) -> bool {
        self.ignore_case || !self.symbols.iter().any(|s| matches!(s, Symbol::Char(c) if c.is_ascii_alphabetic()))
    }

    /// Whether it has no wildcard: a set of one string and, where case is ignored, its spellings.
    pub fn is_finite(&self) -> bool {
        self.symbols.iter().all(|s| matches!(s, Symbol::Char(_)))
    }

    /// Whether every string is of the set.
    pub fn is_everything(&self) -> bool {
        *self.symbols == [Symbol::Many]
    }

    /// How many places it has.
    pub fn size(&self) -> usize {
        self.symbols.len()
    }

    pub(super) fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Whether a symbol's character stands for this one.
    pub(super) fn same(&self, symbol: char, c: char) -> bool {
        symbol == c || (self.ignore_case && symbol.eq_ignore_ascii_case(&c))
    }

    pub(super) fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Whether the set surely holds every string of the other: the other's text, wildcards included, matches this one.
    /// `false` does not say that it does not.
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_everything() || self == other {
            return true;
        }
        if self.symbols.len().saturating_mul(other.symbols.len()) > MAX_COMPARISONS {
            return false;
        }
        let mut run = Run::start(self);
        for symbol in &other.symbols {
            run.advance(self, |mine| match (mine, symbol) {
                (Symbol::Many, _) | (Symbol::One, Symbol::Char(_) | Symbol::One | Symbol::OneInSegment) => true,
                (Symbol::ManyInSegment, Symbol::OneInSegment | Symbol::ManyInSegment) => true,
                (Symbol::OneInSegment, Symbol::OneInSegment) => true,
                (Symbol::OneInSegment | Symbol::ManyInSegment, Symbol::Char(c)) => *c != ':',
                (Symbol::One | Symbol::OneInSegment | Symbol::ManyInSegment | Symbol::Digit, Symbol::Digit) => true,
                (Symbol::Digit, Symbol::Char(c)) => c.is_ascii_digit(),
                (Symbol::Char(mine), Symbol::Char(c)) if other.ignore_case && c.is_ascii_alphabetic() => {
                    self.ignore_case && mine.eq_ignore_ascii_case(c)
                }
                (Symbol::Char(mine), Symbol::Char(c)) => self.same(mine, *c),
                _ => false,
            });
            if run.is_dead() {
                return false;
            }
        }
        run.accepts(self)
    }

    /// Whether the sets surely share no string: their fixed beginnings or ends differ. `false` does not say that they do.
    pub fn surely_disjoint(&self, other: &Self) -> bool {
        let differ = |a: &Symbol, b: &Symbol| match (a, b) {
            (Symbol::Char(a), Symbol::Char(b)) => !self.same(*a, *b) && !other.same(*a, *b),
            _ => false,
        };
        let fixed = |s: &&Symbol| matches!(s, Symbol::Char(_));
        let heads = self.symbols.iter().take_while(fixed).zip(other.symbols.iter().take_while(fixed));
        let tails = self.symbols.iter().rev().take_while(fixed).zip(other.symbols.iter().rev().take_while(fixed));
        let lengths = self.is_finite() && other.is_finite() && self.symbols.len() != other.symbols.len();
        lengths || heads.into_iter().any(|(a, b)| differ(a, b)) || tails.into_iter().any(|(a, b)| differ(a, b))
    }
}

/// The places of a pattern that a text may have come to: the pattern as a nondeterministic automaton.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    places: Box<[u64]>,
}

impl Run {
    pub(super) fn start(pattern: &Pattern) -> Self {
        let mut run = Self { places: vec![0; pattern.symbols.len() / 64 + 1].into() };
        run.add(pattern, 0);
        run
    }

    /// Adds a place, and those reached past runs of no characters.
    fn add(&mut self, pattern: &Pattern, mut place: usize) {
        loop {
            if let Some(word) = self.places.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
            match pattern.symbols.get(place) {
                Some(Symbol::Many | Symbol::ManyInSegment) => place += 1,
                _ => return,
            }
        }
    }

    pub(super) fn has(&self, place: usize) -> bool {
        self.places.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.places.iter().all(|word| *word == 0)
    }

    pub(super) fn accepts(&self, pattern: &Pattern) -> bool {
        self.has(pattern.symbols.len())
    }

    /// Whether whatever follows is of the set.
    pub(super) fn accepts_all(&self, pattern: &Pattern) -> bool {
        pattern.symbols.last() == Some(&Symbol::Many) && self.has(pattern.symbols.len() - 1)
    }

    /// The symbols that the run waits at.
    pub(super) fn waiting<'p>(&'p self, pattern: &'p Pattern) -> impl Iterator<Item = Symbol> + 'p {
        self.places().filter_map(|place| pattern.symbols.get(place).copied())
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.places.iter().enumerate().flat_map(|(i, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(i * 64 + bit)
            })
        })
    }

    pub(super) fn step(&mut self, pattern: &Pattern, c: char) {
        self.advance(pattern, |symbol| match symbol {
            Symbol::Char(mine) => pattern.same(mine, c),
            Symbol::One | Symbol::Many => true,
            Symbol::OneInSegment | Symbol::ManyInSegment => c != ':',
            Symbol::Digit => c.is_ascii_digit(),
        });
    }

    fn advance(&mut self, pattern: &Pattern, takes: impl Fn(Symbol) -> bool) {
        let mut next = Self { places: vec![0; self.places.len()].into() };
        for place in self.places() {
            let Some(symbol) = pattern.symbols.get(place) else { continue };
            if takes(*symbol) {
                let stays = matches!(symbol, Symbol::Many | Symbol::ManyInSegment);
                next.add(pattern, place + usize::from(!stays));
            }
        }
        *self = next;
    }
}
