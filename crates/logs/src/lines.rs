//! Lines of text: fields between spaces, in quotes, in brackets. `-` says that there is nothing.

use crate::json::Raw;
use crate::record::Record;

/// Names for fields that no header names and no version known here has.
pub const NAMELESS: [&str; 32] = [
    "field_1", "field_2", "field_3", "field_4", "field_5", "field_6", "field_7", "field_8", "field_9", "field_10",
    "field_11", "field_12", "field_13", "field_14", "field_15", "field_16", "field_17", "field_18", "field_19",
    "field_20", "field_21", "field_22", "field_23", "field_24", "field_25", "field_26", "field_27", "field_28",
    "field_29", "field_30", "field_31", "field_32",
];
/// A line's fields, one after the other. A field ends at one space; two spaces enclose an empty field.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Of a whole line.
    pub fn of(line: &'a str) -> Self {
        Self { rest: (!line.is_empty()).then_some(line) }
    }

    /// What was not taken yet.
    pub fn rest(&self) -> &'a str {
        self.rest.unwrap_or_default()
    }

    /// The next field up to a space; nothing at the end of the line.
    pub fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
        Some(self.take(rest, 0, end, end))
    }

    /// The next field, its quotes taken off where it has some. A quote closes where a space or the end follows; one behind a
    /// backslash does not. Nothing at the end of the line or where no quote closes.
    pub fn quoted(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        if !rest.starts_with('"') {
            return self.word();
        }
        let bytes = rest.as_bytes();
        let end = memchr::memchr_iter(b'"', bytes)
            .skip(1)
            .find(|&n| matches!(bytes.get(n + 1), None | Some(b' ')) && bytes.get(n - 1) != Some(&b'\\'))?;
        Some(self.take(rest, 1, end, end + 1))
    }

    /// The next field, its square brackets taken off; nothing where there are none.
    pub fn bracketed(&mut self) -> Option<&'a str> {
        let rest = self.rest.filter(|r| r.starts_with('['))?;
        let end = memchr::memchr(b']', rest.as_bytes())?;
        matches!(rest.as_bytes().get(end + 1), None | Some(b' ')).then(|| self.take(rest, 1, end, end + 1))
    }

    fn take(&mut self, rest: &'a str, from: usize, to: usize, end: usize) -> &'a str {
        self.rest = rest.get(end + 1..);
        rest.get(from..to).unwrap_or_default()
    }
}

/// Puts a field into a column; `-` is nothing.
pub fn put<'a>(record: &mut Record<'a>, column: usize, field: &'a str) {
    if field != "-" {
        record.put(column, Raw::text(field));
    }
}

/// Puts the rest of a line into the columns from `column` on, each field taken by `next`. Fields behind the last column are kept
/// beside them: AWS adds fields at the end.
///
/// # Errors
/// Where the line ends before column `least`, or a quote does not close.
pub fn tail<'a>(
    record: &mut Record<'a>,
    fields: &mut Fields<'a>,
    column: usize,
    least: usize,
    next: fn(&mut Fields<'a>) -> Option<&'a str>,
) -> Result<(), &'static str> {
    let mut reached = column;
    while reached < record.table.names.len()
        && let Some(field) = next(fields)
    {
        put(record, reached, field);
        reached += 1;
    }
    match fields.rest() {
        "" if reached < least => Err("it ends too early"),
        "" => Ok(()),
        more if reached < record.table.names.len() && more.starts_with('"') => Err("a quote does not close"),
        more => {
            record.rest.push((Raw::text("more"), Raw::text(more)));
            Ok(())
        }
    }
}

/// Puts the next words, which must be numbers, into these columns.
///
/// # Errors
/// The line ends before, or `wrong`.
pub fn numbers<'a>(
    record: &mut Record<'a>,
    fields: &mut Fields<'a>,
    columns: std::ops::Range<usize>,
    wrong: &'static str,
) -> Result<(), &'static str> {
    for n in columns {
        let field = fields.word().ok_or("it ends too early")?;
        if !is_number(field) {
            return Err(wrong);
        }
        put(record, n, field);
    }
    Ok(())
}

/// An address and its port; a field without a colon is an address alone.
pub fn host_and_port(field: &str) -> (&str, &str) {
    field.rsplit_once(':').unwrap_or((field, "-"))
}

/// A request's method, what it asks for, and its protocol: `GET https://example.com:443/ HTTP/1.1`. What is asked for may hold spaces.
pub fn request(field: &str) -> (&str, &str, &str) {
    let field = field.trim_end();
    let (method, rest) = field.split_once(' ').unwrap_or((field, "-"));
    let (asked, protocol) = rest.rsplit_once(' ').unwrap_or((rest, "-"));
    (method, asked, protocol)
}

/// Whether it is one or more digits.
pub fn is_digits(field: &str) -> bool {
    !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a column of numbers can take it: `-`, `12`, `-1`, `0.086`.
pub fn is_number(field: &str) -> bool {
    field == "-"
        || (!field.is_empty()
            && field.bytes().enumerate().all(|(n, b)| b.is_ascii_digit() || b == b'.' || (b == b'-' && n == 0)))
}

/// Whether it is a time in ISO 8601.
pub fn is_time(field: &str) -> bool {
    field.as_bytes().get(10) == Some(&b'T') && crate::time::millis(field).is_some()
}

/// The Region and account of an ARN, where it names them.
pub fn place_of_arn(arn: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = arn.strip_prefix("arn:").unwrap_or_default().splitn(5, ':').skip(2);
    let region = parts.next().filter(|r| crate::place::is_region(r));
    (region, parts.next().filter(|a| crate::place::is_account(a)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_cut() {
        let mut f = Fields::of(r#"a "b "c" d" [e f] - "" "\" g" last"#);
        let got = [f.word(), f.quoted(), f.bracketed(), f.word(), f.quoted(), f.quoted(), f.word(), f.word()];
        let want = [Some("a"), Some(r#"b "c"#), None, Some(r#"d""#), Some("[e"), Some("f]"), Some("-"), Some(r#""""#)];
        assert_eq!(got, want, "a quote before a space closes");
        assert_eq!((f.quoted(), f.quoted(), f.quoted()), (Some(r#"\" g"#), Some("last"), None));
        assert_eq!(Fields::of("[02/Jan/2024:03:04:05 +0000] x").bracketed(), Some("02/Jan/2024:03:04:05 +0000"));
        assert_eq!(Fields::of("\"never closed").quoted(), None);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(host_and_port("192.0.2.1:443"), ("192.0.2.1", "443"));
        assert_eq!(host_and_port("2001:db8::1:443"), ("2001:db8::1", "443"));
        assert_eq!(host_and_port("-"), ("-", "-"));
        assert_eq!(request("GET http://a/b c HTTP/1.1"), ("GET", "http://a/b c", "HTTP/1.1"));
        assert_eq!(request("- - - "), ("-", "-", "-"));
        assert_eq!(request(""), ("", "-", "-"));
        assert_eq!(
            place_of_arn("arn:aws:acm:us-east-2:111122223333:certificate/1"),
            (Some("us-east-2"), Some("111122223333"))
        );
        assert_eq!(place_of_arn("arn:aws:iam::111122223333:role/a:b"), (None, Some("111122223333")));
        assert_eq!(place_of_arn("-"), (None, None));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_stop(line in "[ \"\\\\\\[\\]a-é-]{0,40}") {
            let mut f = Fields::of(&line);
            while f.bracketed().or_else(|| f.quoted()).or_else(|| f.word()).is_some() {}
            prop_assert_eq!(f.rest(), "");
        }
    }
}
