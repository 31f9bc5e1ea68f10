//! Strict JSON over a text, one pass, as AWS's matcher takes it: numbers keep their spelling, members their order and their
//! duplicates, and reading ends with the first value: what follows the closing bracket is not looked at. Logs are let pass with less
//! (`yagura_logs::json`); a pattern or an event for a rule is not.

use std::borrow::Cow;

/// How deep a text may nest: the default of the JSON reader that Event Ruler is built on (Jackson's `StreamReadConstraints`).
pub const MAX_DEPTH: usize = 1000;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Broken {
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// The place, in bytes from the start.
    pub at: usize,
}

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub raw: &'a str,
    pub escaped: bool,
}

impl<'a> Text<'a> {
    /// Without escapes. Half of a surrogate pair becomes `?`, which is what Java writes for it as UTF-8.
    pub fn plain(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub at: usize,
    pub node: Node<'a>,
}

/// A value read whole.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Object(Vec<(Cow<'a, str>, Item<'a>)>),
    Array(Vec<Item<'a>>),
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
    Null,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Broken> {
        if self.eat(byte) { Ok(()) } else { Err(self.broken(what)) }
    }

    #[cold]
    pub fn broken(&self, what: &'static str) -> Broken {
        let what = if self.at >= self.bytes.len() { "the text ends too early" } else { what };
        Broken { what, at: self.at }
    }

    fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// A member's name and its colon; the cursor goes to the value.
    #[inline]
    pub fn name(&mut self) -> Result<Text<'a>, Broken> {
        self.space();
        self.expect(b'"', "a member's name is missing")?;
        let name = self.string()?;
        self.space();
        self.expect(b':', "`:` is missing")?;
        self.space();
        Ok(name)
    }

    /// Behind an element or member: whether another follows.
    #[inline]
    pub fn more(&mut self, close: u8) -> Result<bool, Broken> {
        self.space();
        if self.eat(b',') {
            return Ok(true);
        }
        self.expect(close, "`,` or a closing bracket is missing")?;
        Ok(false)
    }

    /// After the opening quote: the string; the cursor goes behind the closing quote.
    #[inline]
    pub fn string(&mut self) -> Result<Text<'a>, Broken> {
        let from = self.at;
        let mut escaped = false;
        loop {
            let Some(hit) = special(self.bytes, self.at) else {
                self.at = self.bytes.len();
                return Err(self.broken(""));
            };
            self.at = hit;
            match self.peek() {
                Some(b'"') => {
                    let raw = self.slice(from);
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.broken("a control character stands in a string without an escape")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return Err(self.broken("`\\u` wants four hexadecimal digits"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.broken("there is no such escape")),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.broken("a digit is missing"));
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// A number's spelling.
    pub fn number(&mut self) -> Result<&'a str, Broken> {
        let from = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.broken("a number starts with a zero too many"));
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        if self.peek().is_some_and(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}')) {
            return Err(self.broken("a number ends oddly"));
        }
        Ok(self.slice(from))
    }

    /// `true`, `false` or `null`.
    pub fn word(&mut self) -> Result<Option<bool>, Broken> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (length, value) = if rest.starts_with(b"true") {
            (4, Some(true))
        } else if rest.starts_with(b"false") {
            (5, Some(false))
        } else if rest.starts_with(b"null") {
            (4, None)
        } else {
            return Err(self.broken("a value is missing or misspelt"));
        };
        if rest.get(length).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            return Err(self.broken("a value is missing or misspelt"));
        }
        self.at += length;
        Ok(value)
    }

    #[inline]
    fn skip_scalar(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string()?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            _ => {
                self.word()?;
            }
        }
        Ok(())
    }

    /// Goes behind a value that stands `depth` containers deep, and checks it on the way. Without recursion.
    pub fn skip(&mut self, depth: usize) -> Result<(), Broken> {
        if !matches!(self.peek(), Some(b'{' | b'[')) {
            return self.skip_scalar();
        }
        // One bit for each open container: whether it is an object.
        let mut open = [0u64; MAX_DEPTH / 64 + 1];
        let mut deep = 0;
        loop {
            // At a value.
            match self.peek() {
                Some(b @ (b'{' | b'[')) => {
                    deep += 1;
                    if depth + deep > MAX_DEPTH {
                        return Err(self.broken("it nests too deep"));
                    }
                    let object = b == b'{';
                    if let Some(word) = open.get_mut(deep / 64) {
                        *word = *word & !(1 << (deep % 64)) | u64::from(object) << (deep % 64);
                    }
                    self.at += 1;
                    self.space();
                    if !self.eat(if object { b'}' } else { b']' }) {
                        if object {
                            self.name()?;
                        }
                        continue;
                    }
                    deep -= 1;
                }
                _ => self.skip_scalar()?,
            }
            // Behind a value: it may have been the last of several containers.
            loop {
                if deep == 0 {
                    return Ok(());
                }
                let object = open.get(deep / 64).is_some_and(|w| w >> (deep % 64) & 1 == 1);
                if self.more(if object { b'}' } else { b']' })? {
                    if object {
                        self.name()?;
                    } else {
                        self.space();
                    }
                    break;
                }
                deep -= 1;
            }
        }
    }

    /// A whole value. `max` bounds the depth of recursion.
    pub fn item(&mut self, max: usize) -> Result<Item<'a>, Broken> {
        self.space();
        let at = self.at;
        let Some(max) = max.checked_sub(1) else { return Err(self.broken("it nests too deep")) };
        let node = match self.peek() {
            Some(b'{') => {
                self.at += 1;
                let mut members = Vec::new();
                self.space();
                if !self.eat(b'}') {
                    loop {
                        let name = self.name()?.plain();
                        members.push((name, self.item(max)?));
                        if !self.more(b'}')? {
                            break;
                        }
                    }
                }
                Node::Object(members)
            }
            Some(b'[') => {
                self.at += 1;
                let mut elements = Vec::new();
                self.space();
                if !self.eat(b']') {
                    loop {
                        elements.push(self.item(max)?);
                        if !self.more(b']')? {
                            break;
                        }
                    }
                }
                Node::Array(elements)
            }
            Some(b'"') => {
                self.at += 1;
                Node::Text(self.string()?.plain())
            }
            Some(b'-' | b'0'..=b'9') => Node::Number(self.number()?),
            _ => self.word()?.map_or(Node::Null, Node::Bool),
        };
        Ok(Item { at, node })
    }
}

/// The place of the next `"`, `\` or control character, eight bytes at a time: strings are short.
#[inline]
fn special(bytes: &[u8], from: usize) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let rest = bytes.get(from..)?;
    let mut at = from;
    let mut words = rest.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let quote = word ^ (LOW * b'"' as u64);
        let escape = word ^ (LOW * b'\\' as u64);
        // "Bit Twiddling Hacks": whether a byte is zero, or less than n. What is found lowest is always true.
        let hit = ((quote.wrapping_sub(LOW) & !quote)
            | (escape.wrapping_sub(LOW) & !escape)
            | (word.wrapping_sub(LOW * 0x20) & !word))
            & HIGH;
        if hit != 0 {
            return Some(at + (hit.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    words.remainder().iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).map(|n| at + n)
}

fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(hit) = rest.find('\\') {
        out.push_str(rest.get(..hit).unwrap_or_default());
        let mut chars = rest.get(hit + 1..).unwrap_or_default().chars();
        let kind = chars.next();
        rest = chars.as_str();
        match kind {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let unit = hex4(&mut rest);
                let mut after = rest;
                let low = after.strip_prefix("\\u").map(|tail| {
                    after = tail;
                    hex4(&mut after)
                });
                match (unit, low) {
                    (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
                        rest = after;
                        let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        out.push(char::from_u32(code).unwrap_or('?'));
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or('?')),
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.push_str(rest);
    out
}

fn hex4(rest: &mut &str) -> u32 {
    let code = rest.get(..4).and_then(|d| u32::from_str_radix(d, 16).ok()).unwrap_or(0xFFFD);
    *rest = rest.get(4..).unwrap_or_default();
    code
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_texts() {
        let rows = [
            ("1", true),
            ("-0.5e+10 ", true),
            ("01", false),
            ("-", false),
            ("1.", false),
            (".5", false),
            ("1x", false),
            ("NaN", false),
            ("truely", false),
            ("nul", false),
            ("'a'", false),
            ("\"a\nb\"", false),
            (r#""\q""#, false),
            (r#""\u12g4""#, false),
            (r#""\ud800""#, true),
            ("{\"a\":1,}", false),
            ("[1,]", false),
            ("[1 2]", false),
            ("{\"a\" 1}", false),
            ("{a:1}", false),
            ("{\"a\":{\"b\":[[],{},[{}]]},\"a\":2}", true),
            ("{} trailing", true),
            ("", false),
            ("{\"a\":", false),
        ];
        for (text, sound) in rows {
            assert_eq!(Cursor::new(text).item(64).is_ok(), sound, "{text}");
            let mut c = Cursor::new(text);
            c.space();
            assert_eq!(c.skip(0).is_ok(), sound, "skip {text}");
        }
    }

    #[test]
    fn escapes() {
        let mut c = Cursor::new(r#""\u00e9\ud83d\ude00\ud800x\n\/\"""#);
        let Node::Text(t) = c.item(1).unwrap().node else { unreachable!("a string") };
        assert_eq!(t, "é😀?x\n/\"");
    }

    #[test]
    fn depth_is_bounded() {
        for (deep, sound) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (100_000, false)] {
            let text = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
            assert_eq!(Cursor::new(&text).skip(0).is_ok(), sound, "{deep}");
        }
        let text = "{\"a\":".repeat(5000);
        assert!(Cursor::new(&text).item(100).is_err());
    }

    proptest! {
        #[test]
        fn strictness_is_that_of_serde_json(text in r#"[\[\]{}",:0-2a\\ .eE+-]{0,16}"#) {
            // serde_json wants the end after the value and whole surrogate pairs; neither occurs in these texts when it is sound.
            let mut c = Cursor::new(&text);
            c.space();
            let skipped = c.skip(0).is_ok() && { c.space(); c.at == text.len() };
            let other: Result<serde_json::Value, _> = serde_json::from_str(&text);
            let out_of_range = matches!(&other, Err(e) if e.to_string().contains("out of range"));
            prop_assert!(out_of_range || skipped == other.is_ok(), "{} {:?}", text, other);
            let mut c = Cursor::new(&text);
            prop_assert_eq!(c.item(64).is_ok() && { c.space(); c.at == text.len() }, skipped);
        }
    }
}
