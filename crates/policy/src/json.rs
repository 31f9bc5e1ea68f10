//! JSON with the place of every value, for documents that people write and services return.
//!
//! A policy document is judged by its text: a duplicate key, the place of a misspelt operator and the case of a key
//! matter, and `serde_json` keeps none of them.

use std::borrow::Cow;
use thiserror::Error;

/// Deepest nesting that is read. IAM's own grammar needs six levels.
pub const MAX_DEPTH: usize = 64;

/// Longest text that is read, in bytes. The largest quota of an AWS policy is well below 100 KB.
pub const MAX_LENGTH: usize = 4 << 20;

/// A stretch of the text, in bytes from its start; `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: Json<'a>,
}

/// A JSON value that borrows from the text. Numbers stay as written; members keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string, with its escapes resolved.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object.
    Object(Vec<Member<'a>>),
}

/// One `"key": value` of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key, with its escapes resolved.
    pub key: Cow<'a, str>,
    /// Where the key stands, quotes included.
    pub key_span: Span,
    /// The value.
    pub value: Node<'a>,
}

/// Why a text is not JSON, or is more of it than is read here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where reading stopped.
    pub span: Span,
    /// What was expected there.
    pub message: String,
}

impl<'a> Node<'a> {
    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Json::String(s) => Some(s),
            _ => None,
        }
    }

    /// The members of an object value.
    pub fn members(&self) -> Option<&[Member<'a>]> {
        match &self.value {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The items of an array, or the value itself as the only item: AWS accepts one for a list everywhere.
    pub fn items(&self) -> &[Node<'a>] {
        match &self.value {
            Json::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// What kind of JSON it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// Reads one JSON text (RFC 8259).
///
/// # Errors
/// The first place where the text is not JSON, nests deeper than [`MAX_DEPTH`] or is longer than [`MAX_LENGTH`].
pub fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let mut reader = Reader { text, at: 0 };
    if text.len() > MAX_LENGTH {
        return Err(reader.error(format!("the document is longer than {MAX_LENGTH} bytes")));
    }
    reader.blank();
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.error("expected the end of the document"));
    }
    Ok(node)
}

/// Line and column (both from 1; columns count characters) of a byte offset.
pub fn position(text: &str, offset: u32) -> (usize, usize) {
    let mut end = (offset as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.bytes().filter(|b| *b == b'\n').count() + 1, column)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Node<'a>, SyntaxError> {
        if depth >= MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Json::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Json::Bool(true))?,
            Some(b'f') => self.word("false", Json::Bool(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            _ => return Err(self.error("expected a value")),
        };
        Ok(Node { span: self.since(start), value })
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, SyntaxError> {
        self.at += 1;
        let mut members = Vec::new();
        self.blank();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.blank();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            let key_span = self.since(start);
            self.blank();
            if !self.take(b':') {
                return Err(self.error("expected `:` after the key"));
            }
            self.blank();
            members.push(Member { key, key_span, value: self.value(depth + 1)? });
            self.blank();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.blank();
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    /// A string; borrowed when it holds no escape.
    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut plain = start;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let tail = self.text.get(plain..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.text.get(plain..self.at).unwrap_or_default());
                    self.at += 1;
                    let c = self.escape()?;
                    if let Some(text) = &mut owned {
                        text.push(c);
                    }
                    plain = self.at;
                }
                Some(0..=0x1F) => return Err(self.error("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => {
                    self.at = open;
                    return Err(self.error("this string does not end"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("not an escape of JSON")),
        };
        self.at += 1;
        Ok(c)
    }

    /// `uXXXX`, or a surrogate pair `uXXXX\uXXXX`.
    fn unicode(&mut self) -> Result<char, SyntaxError> {
        let high = self.hex4()?;
        if !(0xD800..0xE000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.error("not a character"));
        }
        let is_pair = high < 0xDC00 && self.take(b'\\') && self.peek() == Some(b'u');
        let low = if is_pair { self.hex4()? } else { 0 };
        if !(0xDC00..0xE000).contains(&low) {
            return Err(self.error("half of a surrogate pair"));
        }
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(|| self.error("not a character"))
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let digits = self.text.get(self.at + 1..self.at + 5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(value) = digits.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return Err(self.error("expected four hexadecimal digits after `\\u`"));
        };
        self.at += 5;
        Ok(value)
    }

    fn number(&mut self) -> Result<Json<'a>, SyntaxError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error("expected a digit after the decimal point"));
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            if self.digits() == 0 {
                return Err(self.error("expected a digit in the exponent"));
            }
        }
        Ok(Json::Number(self.text.get(start..self.at).unwrap_or_default()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, SyntaxError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> Span {
        Span { start: offset(start), end: offset(self.at) }
    }

    /// About the character here, or the end of the text.
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        let mut message = message.into();
        let here = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        if here.is_none() && self.at >= self.text.len() {
            message.push_str(", but the text ends");
        }
        let end = self.at + here.map_or(0, char::len_utf8);
        SyntaxError { span: Span { start: offset(self.at), end: offset(end) }, message }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_place_in_the_text() {
        for (text, start, end) in
            [("", 0, 0), (" {", 2, 2), ("[\"a", 1, 2), ("あ", 0, 3), ("[1 あ]", 3, 6), ("\"\u{1}", 1, 2)]
        {
            let error = parse(text).unwrap_err();
            assert_eq!((error.span.start, error.span.end), (start, end), "{text:?}: {}", error.message);
            assert_eq!(error.message.contains("the text ends"), start as usize == text.len(), "{}", error.message);
        }
    }

    #[test]
    fn agrees_with_serde_json() {
        let long = format!("\"{}\"", "x".repeat(1000));
        for text in [
            "{}",
            "[]",
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.5e-3",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "\"\"",
            "\"a",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "\"\\u00e9\\n\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ud83dx\"",
            "\"\\x\"",
            "\"\t\"",
            "[1 2]",
            "1 2",
            "",
            " ",
            "\u{feff}{}",
            "tru",
            "{\"a\":[{\"b\":null}]}",
            "\"\\u12\"",
            "nullx",
            &long,
        ] {
            let theirs = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(parse(text).is_ok(), theirs.is_ok(), "{text}");
        }
    }

    #[test]
    fn keeps_duplicates_and_places() {
        let node = parse("{\n \"a\": 1,\n \"a\": \"\\u00e9\"}").unwrap();
        let members = node.members().unwrap();
        assert_eq!(members.len(), 2);
        assert_eq!(members[1].value.as_str(), Some("é"));
        assert_eq!(position("{\n \"a\": 1,\n \"a\": \"\\u00e9\"}", members[1].key_span.start), (3, 2));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(parse(&"[".repeat(200_000)).is_err());
        assert!(parse(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_ok());
        assert!(parse(&" ".repeat(MAX_LENGTH + 1)).is_err());
    }
}
