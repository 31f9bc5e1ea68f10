//! What one entry of a field's list accepts, and how a single value is held against it. This is the meaning of the operators;
//! `field` finds the same answers for many entries at once.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A leaf of an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    /// A string without its escapes.
    Text(&'a str),
    /// A number as it is spelt.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// One entry of a field's list.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// A string, exactly.
    Text(Box<str>),
    /// A string that is an address: any spelling of it.
    Address(IpAddr),
    /// `cidr`.
    Block(Block),
    /// A number by value, or `numeric` with `=`.
    Equals(f64),
    /// A number that a double cannot hold: by its spelling.
    Spelt(Box<str>),
    /// `numeric`.
    Range(Range),
    Bool(bool),
    Null,
    Prefix(Box<str>),
    Suffix(Box<str>),
    /// `equals-ignore-case`.
    Same(Folded),
    /// `prefix` with `equals-ignore-case`.
    SamePrefix(Folded),
    /// `suffix` with `equals-ignore-case`.
    SameSuffix(Folded),
    Wildcard(Glob),
    /// `exists: true`.
    Exists,
    /// `exists: false`. No leaf satisfies it.
    Absent,
    /// `anything-but`: any leaf that none of these accepts.
    Except(Vec<Entry>),
}

impl Entry {
    /// Whether the leaf satisfies the entry.
    pub fn accepts(&self, leaf: Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Exists, _) => true,
            (Self::Absent, _) => false,
            (Self::Except(those), _) => !those.iter().any(|e| e.accepts(leaf)),
            (Self::Text(t), Leaf::Text(v)) => **t == *v,
            (Self::Address(a), Leaf::Text(v)) => address(v) == Some(*a),
            (Self::Block(b), Leaf::Text(v)) => address(v).is_some_and(|a| b.contains(a)),
            (Self::Equals(n), Leaf::Number(v)) => number(v) == Some(*n),
            (Self::Spelt(t), Leaf::Number(v)) => **t == *v,
            (Self::Range(r), Leaf::Number(v)) => number(v).is_some_and(|n| r.contains(n)),
            (Self::Bool(b), Leaf::Bool(v)) => *b == v,
            (Self::Null, Leaf::Null) => true,
            (Self::Prefix(t), Leaf::Text(v)) => v.starts_with(&**t),
            (Self::Suffix(t), Leaf::Text(v)) => v.ends_with(&**t),
            (Self::Same(f), Leaf::Text(v)) => f.is(v),
            (Self::SamePrefix(f), Leaf::Text(v)) => f.starts(v),
            (Self::SameSuffix(f), Leaf::Text(v)) => f.ends(v),
            (Self::Wildcard(g), Leaf::Text(v)) => g.accepts(v),
            _ => false,
        }
    }
}

/// The value of a number's spelling, where a double holds it without loss: others compare by their spelling only.
/// Event Ruler since its version 1.8: <https://github.com/aws/event-ruler/pull/188>.
pub(super) fn number(spelling: &str) -> Option<f64> {
    let value: f64 = spelling.parse().ok().filter(|v: &f64| v.is_finite())?;
    // Fifteen digits in the range of normal doubles always come back as they went in.
    let short = spelling.len() <= 15 && !spelling.bytes().any(|b| matches!(b, b'e' | b'E'));
    if !short && decimal(spelling) != decimal(&format!("{value:e}")) {
        return None;
    }
    // Without the sign of zero.
    Some(value + 0.0)
}

/// A decimal number as its digits without zeros at the ends, and the power of ten of the first of them. Nothing for zero, and where the
/// exponent is out of all bounds.
fn decimal(spelling: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (negative, body) = spelling.strip_prefix('-').map_or((false, spelling), |rest| (true, rest));
    let (mantissa, exponent) = body.split_once(['e', 'E']).unwrap_or((body, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    let end = digits.iter().rposition(|d| *d != b'0')?;
    let exponent = match exponent.parse::<i32>() {
        Ok(e) => i64::from(e),
        // Not a double then, whatever it is; it equals nothing that was written from one.
        Err(_) => i64::MAX / 2,
    };
    let power = exponent + whole.len() as i64 - zeros as i64;
    Some((negative, digits.get(zeros..=end)?.to_vec(), power))
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    /// The least number, and whether it belongs to the range.
    pub bottom: Option<(f64, bool)>,
    /// The greatest number, and whether it belongs to the range.
    pub top: Option<(f64, bool)>,
}

impl Range {
    pub fn contains(&self, n: f64) -> bool {
        let above = self.bottom.is_none_or(|(b, closed)| match n.total_cmp(&b) {
            Ordering::Greater => true,
            Ordering::Equal => closed,
            Ordering::Less => false,
        });
        above
            && self.top.is_none_or(|(t, closed)| match n.total_cmp(&t) {
                Ordering::Less => true,
                Ordering::Equal => closed,
                Ordering::Greater => false,
            })
    }
}

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    bits: u128,
    mask: u128,
    four: bool,
}

impl Block {
    /// The block of an address and the number of its fixed bits, which must be fewer than the address has.
    pub fn new(address: IpAddr, fixed: u32) -> Self {
        let (bits, length) = bits(address);
        let mask = (!0u128).checked_shl(length - fixed).unwrap_or(0);
        Self { bits: bits & mask, mask, four: length == 32 }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, length) = bits(address);
        (length == 32) == self.four && bits & self.mask == self.bits
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(a) => (u128::from(u32::from(a)), 32),
        IpAddr::V6(a) => (u128::from(a), 128),
    }
}

/// The address that a text spells, as Event Ruler reads it: four decimal numbers with any zeros before them, or IPv6 in hexadecimal
/// alone; an IPv4 address in IPv6's clothes is that IPv4 address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':') => {}
        _ => return None,
    }
    if text.contains(':') {
        if !text.bytes().all(|b| b == b':' || b.is_ascii_hexdigit()) {
            return None;
        }
        let six: Ipv6Addr = text.parse().ok()?;
        return Some(six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4));
    }
    if text.len() > 15 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse::<u32>().ok().and_then(|n| u8::try_from(n).ok())?;
    }
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets)))
}

/// A text whose letters match in either case: each of its characters stands for its lower and its upper form, taken by itself
/// (`ß` also stands for `SS`), as in Event Ruler's parser of `equals-ignore-case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    /// The text in lower case where it is ASCII.
    pub ascii: Option<Box<str>>,
    forms: Vec<(Box<str>, Box<str>)>,
}

impl Folded {
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { ascii: Some(text.to_ascii_lowercase().into()), forms: Vec::new() };
        }
        let forms =
            |c: char| (c.to_lowercase().collect::<String>().into(), c.to_uppercase().collect::<String>().into());
        Self { ascii: None, forms: text.chars().map(forms).collect() }
    }

    fn is(&self, value: &str) -> bool {
        match &self.ascii {
            Some(text) => text.eq_ignore_ascii_case(value),
            None => self.reach(value, false).contains(&value.len()),
        }
    }

    fn starts(&self, value: &str) -> bool {
        match &self.ascii {
            Some(text) => value.as_bytes().get(..text.len()).is_some_and(|v| v.eq_ignore_ascii_case(text.as_bytes())),
            None => !self.reach(value, false).is_empty(),
        }
    }

    fn ends(&self, value: &str) -> bool {
        match &self.ascii {
            Some(text) => value
                .len()
                .checked_sub(text.len())
                .and_then(|from| value.as_bytes().get(from..))
                .is_some_and(|v| v.eq_ignore_ascii_case(text.as_bytes())),
            None => !self.reach(value, true).is_empty(),
        }
    }

    /// All ends of a walk through the value that takes one of the two forms of each character. Both differ in length at times, so that
    /// there may be several.
    fn reach(&self, value: &str, backwards: bool) -> Vec<usize> {
        let mut places = vec![if backwards { value.len() } else { 0 }];
        let mut step = |(lower, upper): &(Box<str>, Box<str>)| {
            let mut next = Vec::new();
            for place in &places {
                for form in [lower, upper] {
                    let to = if backwards {
                        value.get(..*place).and_then(|v| v.strip_suffix(&**form)).map(str::len)
                    } else {
                        value.get(*place..).filter(|v| v.starts_with(&**form)).map(|_| place + form.len())
                    };
                    next.extend(to.filter(|t| !next.contains(t)));
                }
            }
            places = next;
            !places.is_empty()
        };
        if backwards {
            self.forms.iter().rev().all(&mut step);
        } else {
            self.forms.iter().all(&mut step);
        }
        places
    }
}

/// A text with `*` for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// What stands before the first `*`.
    pub head: Box<str>,
    middle: Vec<Box<str>>,
    /// What stands behind the last `*`; nothing where there is no `*`.
    tail: Option<Box<str>>,
}

impl Glob {
    /// # Errors
    /// Event Ruler's words on a `*` after a `*` and a `\` before something else than `*` or `\`. Its places count bytes from the quote.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let literal = match c {
                '*' if chars.peek().is_some_and(|(_, next)| *next == '*') => {
                    return Err(format!("Consecutive wildcard characters at pos {}", at + 1));
                }
                '*' => {
                    parts.push(String::new());
                    continue;
                }
                '\\' => match chars.next() {
                    Some((_, next @ ('*' | '\\'))) => next,
                    _ => return Err(format!("Invalid escape character at pos {}", at + 1)),
                },
                other => other,
            };
            if let Some(part) = parts.last_mut() {
                part.push(literal);
            }
        }
        let mut parts = parts.into_iter().map(String::into_boxed_str);
        let head = parts.next().unwrap_or_default();
        let mut middle: Vec<Box<str>> = parts.collect();
        let tail = middle.pop();
        Ok(Self { head, middle, tail })
    }

    /// Each piece is taken where it comes first: with `*` before and after it, no later place can serve what an earlier one does not.
    pub fn accepts(&self, value: &str) -> bool {
        let Some(rest) = value.strip_prefix(&*self.head) else { return false };
        let Some(tail) = &self.tail else { return rest.is_empty() };
        let Some(mut rest) = rest.as_bytes().strip_suffix(tail.as_bytes()) else { return false };
        for part in &self.middle {
            match memchr::memmem::find(rest, part.as_bytes()) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn numbers() {
        let rows = [
            ("300", Some(300.0)),
            ("300.0", Some(300.0)),
            ("3.0e2", Some(300.0)),
            ("30000E-2", Some(300.0)),
            ("-0", Some(0.0)),
            ("-0.0e5", Some(0.0)),
            ("0.1", Some(0.1)),
            ("1e308", Some(1e308)),
            ("1e309", None),
            ("1e-400", None),
            ("9007199254740993", None),
            ("9007199254740992", Some(9_007_199_254_740_992.0)),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("0.300000000000000041", None),
            ("123456789012345678901234567890", None),
            ("100000000000000000000000", Some(1e23)),
            ("1e99999999999999999999", None),
        ];
        for (text, value) in rows {
            assert_eq!(number(text), value, "{text}");
        }
        assert!(number("-0").unwrap().is_sign_positive());
    }

    #[test]
    fn addresses() {
        let rows = [
            ("10.0.0.1", Some("10.0.0.1")),
            ("010.000.0.01", Some("10.0.0.1")),
            ("256.0.0.1", None),
            ("1.2.3", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("::", Some("::")),
            (":", None),
            ("2001:DB8:0:0::1", Some("2001:db8::1")),
            ("::ffff:0a00:0001", Some("10.0.0.1")),
            ("::ffff:10.0.0.1", None),
            ("fe80::1%eth0", None),
            ("0000000000000010.0.0.1", None),
            ("", None),
        ];
        for (text, value) in rows {
            assert_eq!(address(text).map(|a| a.to_string()), value.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn case() {
        let rows = [
            ("straße", "STRASSE", true),
            ("straße", "strasse", false),
            ("strasse", "straße", false),
            ("ẞ", "ß", true),
            ("ß", "ẞ", false),
            ("Ⱥ", "ⱥ", true),
            ("ÉTÉ", "été", true),
            ("😀a", "😀A", true),
            ("k", "\u{212a}", false),
            ("aß", "a", false),
        ];
        for (text, value, is) in rows {
            let f = Folded::new(text);
            assert_eq!(f.is(value), is, "{text} {value}");
            assert_eq!(f.starts(&format!("{value}tail")), is || text == "ß" && value == "ß", "{text} {value} starts");
            assert_eq!(f.ends(&format!("head{value}")), is, "{text} {value} ends");
        }
    }

    #[test]
    fn globs() {
        let rows = [
            ("*", "", true),
            ("*", "any", true),
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "abx", false),
            ("a*a", "a", false),
            ("*a*b*", "xbxaxbx", true),
            ("*a*b*", "xbxax", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\\*", r"a\b", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("é*", "éa", true),
            ("a?c", "abc", false),
        ];
        for (pattern, value, is) in rows {
            assert_eq!(Glob::parse(pattern).unwrap().accepts(value), is, "{pattern} {value}");
        }
        let wrong = [
            ("a**b", "Consecutive wildcard characters at pos 2"),
            ("é**", "Consecutive wildcard characters at pos 3"),
            (r"a\b", "Invalid escape character at pos 2"),
            (r"a\", "Invalid escape character at pos 2"),
        ];
        for (pattern, why) in wrong {
            assert_eq!(Glob::parse(pattern).unwrap_err(), why);
        }
    }
}
