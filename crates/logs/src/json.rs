//! JSON without a tree: a record's members as slices of its own bytes. Log records are read by the million and most of what they
//! hold is kept as it stands (`requestParameters`), so that nothing is unescaped, copied or allocated that nobody asks for.

use std::borrow::Cow;

/// How deep a record may nest. AWS's own events stay below 20.
pub const MAX_DEPTH: usize = 128;

/// Why a text is not JSON: what was found, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Broken {
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// The place, in bytes from the record's start.
    pub at: usize,
}

/// What kind of value a [`Raw`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Plain text that never was JSON (a field of a line).
    Text,
    /// A JSON string, its quotes taken off, without escapes.
    Str,
    /// A JSON string, its quotes taken off, with escapes inside.
    Escaped,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// One value as it stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The value's text; a string's without its quotes.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind,
}

impl<'a> Raw<'a> {
    /// A field of a line of text.
    pub fn text(text: &'a str) -> Self {
        Self { text, kind: Kind::Text }
    }

    /// The value as text: a string unescaped, everything else as it stands. Nothing for `null`.
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        match self.kind {
            Kind::Null => None,
            Kind::Escaped => Some(unescape(self.text)),
            _ => Some(Cow::Borrowed(self.text)),
        }
    }

    /// The text of a string, number or line field: nothing for objects, arrays and `null`.
    pub fn scalar(self) -> Option<Cow<'a, str>> {
        match self.kind {
            Kind::Object | Kind::Array => None,
            _ => self.as_text(),
        }
    }

    /// A member of an object, under exactly this name.
    pub fn get(self, name: &str) -> Option<Raw<'a>> {
        if self.kind != Kind::Object {
            return None;
        }
        member(self.text, |key| key.text == name)
    }

    /// A value below this one, by the names of members.
    pub fn at(self, path: &[&str]) -> Option<Raw<'a>> {
        path.iter().try_fold(self, |here, name| here.get(name))
    }

    /// A scalar below this one that is neither empty nor `null`, by the names of members.
    pub fn text_at(self, path: &[&str]) -> Option<Cow<'a, str>> {
        self.at(path)?.scalar().filter(|t| !t.is_empty())
    }

    /// An array's elements.
    pub fn elements(self) -> Vec<Raw<'a>> {
        let mut all = Vec::new();
        if self.kind == Kind::Array {
            let _ = each_element(self.text, &mut |v| all.push(v));
        }
        all
    }

    /// The value as JSON text again. What this module lets pass and JSON does not have (raw control characters, odd escapes, `01`)
    /// is written so that other readers take it: strings escaped anew, everything else as a string of its text.
    pub fn write_json(self, out: &mut String) {
        let start = out.len();
        match self.kind {
            Kind::Str | Kind::Escaped => {
                out.push('"');
                out.push_str(self.text);
                out.push('"');
            }
            Kind::Text => return write_string(self.text, out),
            Kind::Bool | Kind::Null => return out.push_str(self.text),
            Kind::Number | Kind::Object | Kind::Array => out.push_str(self.text),
        }
        let plain = self.kind == Kind::Str && !self.text.bytes().any(|b| b < 0x20);
        if !plain && serde_json::from_str::<serde::de::IgnoredAny>(out.get(start..).unwrap_or_default()).is_err() {
            out.truncate(start);
            match self.kind {
                Kind::Escaped => write_string(&unescape(self.text), out),
                _ => write_string(self.text, out),
            }
        }
    }
}

/// Writes a text as a JSON string.
pub fn write_string(text: &str, out: &mut String) {
    match serde_json::to_string(text) {
        Ok(json) => out.push_str(&json),
        Err(_) => out.push_str("\"\""),
    }
}

/// Gives an object's members in their order. The whole text is checked: after success nothing in it is malformed.
///
/// # Errors
/// Where the text is not one JSON object.
pub fn each_member<'a>(text: &'a str, take: &mut dyn FnMut(Raw<'a>, Raw<'a>)) -> Result<(), Broken> {
    let mut c = Cursor { text, bytes: text.as_bytes(), at: 0 };
    c.space();
    c.expect(b'{', "`{` is missing")?;
    c.space();
    if !c.eat(b'}') {
        loop {
            c.space();
            c.expect(b'"', "a member's name is missing")?;
            let key = c.string()?;
            c.space();
            c.expect(b':', "`:` is missing")?;
            let value = c.value(1)?;
            take(key, value);
            c.space();
            if c.eat(b',') {
                continue;
            }
            c.expect(b'}', "`,` or `}` is missing")?;
            break;
        }
    }
    c.end()
}

/// The first member of an object whose name pleases. What comes after it is not looked at: for texts that were checked already, as a
/// record's values are.
pub fn member<'a>(text: &'a str, pleases: impl Fn(Raw<'a>) -> bool) -> Option<Raw<'a>> {
    let mut c = Cursor { text, bytes: text.as_bytes(), at: 0 };
    c.space();
    if !c.eat(b'{') {
        return None;
    }
    loop {
        c.space();
        if !c.eat(b'"') {
            return None;
        }
        let key = c.string().ok()?;
        c.space();
        if !c.eat(b':') {
            return None;
        }
        let value = c.value(1).ok()?;
        if pleases(key) {
            return Some(value);
        }
        c.space();
        if !c.eat(b',') {
            return None;
        }
    }
}

/// Gives an array's elements in their order. The whole text is checked.
///
/// # Errors
/// Where the text is not one JSON array.
pub fn each_element<'a>(text: &'a str, take: &mut dyn FnMut(Raw<'a>)) -> Result<(), Broken> {
    let mut c = Cursor { text, bytes: text.as_bytes(), at: 0 };
    c.space();
    c.expect(b'[', "`[` is missing")?;
    c.space();
    if !c.eat(b']') {
        loop {
            take(c.value(1)?);
            c.space();
            if c.eat(b',') {
                continue;
            }
            c.expect(b']', "`,` or `]` is missing")?;
            break;
        }
    }
    c.end()
}

/// A whole text as one value.
///
/// # Errors
/// Where the text is not one JSON value.
pub fn value(text: &str) -> Result<Raw<'_>, Broken> {
    let mut c = Cursor { text, bytes: text.as_bytes(), at: 0 };
    let value = c.value(0)?;
    c.end()?;
    Ok(value)
}

struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Broken> {
        if self.eat(byte) { Ok(()) } else { Err(self.broken(what)) }
    }

    fn broken(&self, what: &'static str) -> Broken {
        let what = if self.at >= self.bytes.len() { "the record ends too early" } else { what };
        Broken { what, at: self.at }
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.broken("more follows the value")) }
    }

    /// After the opening quote: the string's inside; the cursor goes behind the closing quote.
    fn string(&mut self) -> Result<Raw<'a>, Broken> {
        let from = self.at;
        let escaped = self.skip_string()?;
        let kind = if escaped { Kind::Escaped } else { Kind::Str };
        Ok(Raw { text: self.slice(from, self.at - 1), kind })
    }

    /// Goes behind a string's closing quote, and tells whether it holds escapes. A raw control character is let pass: logs have them.
    fn skip_string(&mut self) -> Result<bool, Broken> {
        let mut escaped = false;
        loop {
            let Some(hit) = quote_or_escape(self.bytes, self.at) else {
                self.at = self.bytes.len();
                return Err(self.broken("a string is not closed"));
            };
            self.at = hit;
            if self.eat(b'"') {
                return Ok(escaped);
            }
            escaped = true;
            self.at += 2;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Raw<'a>, Broken> {
        self.space();
        let from = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                self.at += 1;
                return self.string();
            }
            Some(b'{') => {
                self.skip_container(depth)?;
                Kind::Object
            }
            Some(b'[') => {
                self.skip_container(depth)?;
                Kind::Array
            }
            _ => self.literal()?,
        };
        Ok(Raw { text: self.slice(from, self.at), kind })
    }

    fn literal(&mut self) -> Result<Kind, Broken> {
        let from = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let kind = match self.slice(from, self.at) {
            "true" | "false" => Kind::Bool,
            "null" => Kind::Null,
            text if is_number(text.as_bytes()) => Kind::Number,
            _ => {
                self.at = from;
                return Err(self.broken("a value is missing or misspelt"));
            }
        };
        Ok(kind)
    }

    /// Goes behind an object or array. What it holds is checked on the way, without recursion.
    fn skip_container(&mut self, depth: usize) -> Result<(), Broken> {
        // One bit for each open container: whether it is an object.
        let mut open: u128 = 0;
        let mut deep = 0;
        let mut first = true;
        loop {
            self.space();
            let in_object = open & 1 == 1;
            let closes = deep > 0 && self.peek() == Some(if in_object { b'}' } else { b']' });
            if closes && first {
                self.at += 1;
            } else {
                if in_object && deep > 0 {
                    self.expect(b'"', "a member's name is missing")?;
                    self.skip_string()?;
                    self.space();
                    self.expect(b':', "`:` is missing")?;
                    self.space();
                }
                match self.peek() {
                    Some(b'"') => {
                        self.at += 1;
                        self.skip_string()?;
                    }
                    Some(b @ (b'{' | b'[')) => {
                        if depth + deep >= MAX_DEPTH {
                            return Err(self.broken("it nests too deep"));
                        }
                        self.at += 1;
                        open = open << 1 | u128::from(b == b'{');
                        deep += 1;
                        first = true;
                        continue;
                    }
                    _ => {
                        self.literal()?;
                        if deep == 0 {
                            return Ok(());
                        }
                    }
                }
                first = false;
                self.space();
                if self.eat(b',') {
                    continue;
                }
                let close = if open & 1 == 1 { b'}' } else { b']' };
                self.expect(close, "`,` or a closing bracket is missing")?;
            }
            // A container was closed, and with it perhaps those around it.
            loop {
                open >>= 1;
                deep -= 1;
                first = false;
                if deep == 0 {
                    return Ok(());
                }
                self.space();
                if self.eat(b',') {
                    break;
                }
                let close = if open & 1 == 1 { b'}' } else { b']' };
                self.expect(close, "`,` or a closing bracket is missing")?;
            }
        }
    }
}

/// The place of the next `"` or `\` from here on. Strings in logs are short, so that eight bytes at a time without a call are quicker
/// than wider vectors behind one.
#[inline]
pub fn quote_or_escape(bytes: &[u8], from: usize) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    let rest = bytes.get(from..)?;
    let mut words = rest.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let quote = word ^ (LOW * b'"' as u64);
        let escape = word ^ (LOW * b'\\' as u64);
        // A byte that is zero now was one of the two ("Bit Twiddling Hacks": determine if a word has a zero byte).
        let hit = ((quote.wrapping_sub(LOW) & !quote) | (escape.wrapping_sub(LOW) & !escape)) & HIGH;
        if hit != 0 {
            return Some(at + (hit.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    words.remainder().iter().position(|b| matches!(b, b'"' | b'\\')).map(|n| at + n)
}

fn is_number(text: &[u8]) -> bool {
    let body = text.strip_prefix(b"-").unwrap_or(text);
    match body {
        [b'0'..=b'9', rest @ ..] => rest.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')),
        _ => false,
    }
}

/// A JSON string's inside without its escapes. A lone surrogate or a wrong escape becomes U+FFFD.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(hit) = rest.find('\\') {
        out.push_str(rest.get(..hit).unwrap_or_default());
        rest = rest.get(hit + 1..).unwrap_or_default();
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { break };
        rest = chars.as_str();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => out.push(unicode(&mut rest)),
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn unicode(rest: &mut &str) -> char {
    let Some(high) = hex4(rest) else { return char::REPLACEMENT_CHARACTER };
    if (0xD800..0xDC00).contains(&high) {
        let mut after = *rest;
        if let Some(tail) = after.strip_prefix("\\u") {
            after = tail;
            if let Some(low) = hex4(&mut after).filter(|l| (0xDC00..0xE000).contains(l)) {
                *rest = after;
                let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hex4(rest: &mut &str) -> Option<u32> {
    let digits = rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    *rest = rest.get(4..)?;
    Some(code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use proptest::prelude::*;

    fn arbitrary() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<i32>().prop_map(|n| serde_json::json!(f64::from(n) / 8.0)),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::hash_map(".*", inner, 0..5)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_member_by_member(v in prop::collection::hash_map(".*", arbitrary(), 0..6), pretty: bool) {
            let v = serde_json::Value::Object(v.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&v) } else { serde_json::to_string(&v) }.unwrap();
            let mut back = serde_json::Map::new();
            each_member(&text, &mut |k, raw| {
                let mut json = String::new();
                raw.write_json(&mut json);
                back.insert(unescape(k.text).into_owned(), serde_json::from_str(&json).unwrap());
            }).unwrap();
            prop_assert_eq!(serde_json::Value::Object(back), v);
        }

        #[test]
        fn what_passes_here_is_json_to_serde_json(text in r#"[\[\]{}",:0-9a-z\\ tfn.-]{0,24}"#) {
            if value(&text).is_ok() {
                // Numbers such as 01 and 1-2, and odd escapes, are let pass; structure is not.
                let tidy = text.replace('\\', "");
                let structure: Result<serde_json::Value, _> = serde_json::from_str(&tidy);
                let lenient = text.contains('\\') || text.bytes().any(|b| b.is_ascii_digit());
                prop_assert!(lenient || structure.is_ok(), "{}", text);
            }
        }

        #[test]
        fn nothing_makes_it_stop(text in ".*") {
            let _ = value(&text);
            let _ = unescape(&text);
        }
    }

    #[test]
    fn what_is_let_pass_is_written_as_json() {
        let rows = [
            ("\"a\nb\"", "\"a\\nb\""),
            (r#""\q\u00e9""#, r#""qé""#),
            (r#""\n""#, r#""\n""#),
            ("01", r#""01""#),
            ("1.5e3", "1.5e3"),
            ("{\"a\":\"\t\"}", r#""{\"a\":\"\t\"}""#),
            ("{ \"a\":\n1 }", "{ \"a\":\n1 }"),
        ];
        for (text, written) in rows {
            let mut out = String::from("x");
            value(text).unwrap().write_json(&mut out);
            assert_eq!(out, format!("x{written}"));
        }
    }

    #[test]
    fn a_value_below_is_found() {
        let v = value(r#"{"a":{"b":[1,{"c":"x\u00e9\n"}]},"n":null}"#).unwrap();
        let list = v.at(&["a", "b"]).unwrap().elements();
        assert_eq!(list.get(1).unwrap().text_at(&["c"]).unwrap(), "xé\n");
        assert_eq!(v.text_at(&["n"]), None);
        assert_eq!(v.at(&["a", "z"]), None);
    }

    #[test]
    fn deep_nesting_is_refused_and_cheap() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(each_member(&deep, &mut |_, _| {}).unwrap_err().what, "it nests too deep");
        let fine = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        each_member(&fine, &mut |_, _| {}).unwrap();
    }
}
