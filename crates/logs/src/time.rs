//! Times as AWS's logs write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Milliseconds since 1970-01-01 UTC of a time in one of the forms that logs use: ISO 8601 (with or without zone or fraction, with
/// a space), seconds, milliseconds, microseconds or nanoseconds since the epoch.
pub fn millis(text: &str) -> Option<i64> {
    let text = text.trim();
    iso(text).or_else(|| epoch(text)).or_else(|| slow(text))
}

/// `2024-01-02T03:04:05Z`, also with a space and with a fraction: the form of nearly every record, read without a parser.
fn iso(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    let two = |at: usize| -> Option<i64> {
        let (t, u) = (b.get(at)?.wrapping_sub(b'0'), b.get(at + 1)?.wrapping_sub(b'0'));
        (t < 10 && u < 10).then(|| i64::from(t) * 10 + i64::from(u))
    };
    let dash = b.get(4) == Some(&b'-') && b.get(7) == Some(&b'-');
    if !dash || !matches!(b.get(10), Some(b'T' | b' ')) || b.get(13) != Some(&b':') || b.get(16) != Some(&b':') {
        return None;
    }
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    let (fraction, rest) = fraction(b.get(19..)?);
    if !matches!(rest, b"Z" | b"" | b"z" | b" UTC")
        || !(1..=12).contains(&month)
        || day < 1
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let long = [
        31,
        if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    if day > *long.get(usize::try_from(month - 1).ok()?)? {
        return None;
    }
    // Days since the epoch by the civil calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction)
}

fn fraction(b: &[u8]) -> (i64, &[u8]) {
    let Some((b'.' | b',', digits)) = b.split_first() else { return (0, b) };
    let n = digits.iter().take_while(|d| d.is_ascii_digit()).count();
    let ms = (0..3).fold(0, |ms, i| ms * 10 + digits.get(i).filter(|_| i < n).map_or(0, |d| i64::from(d - b'0')));
    (ms, digits.get(n..).unwrap_or_default())
}

fn epoch(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = whole.parse().ok()?;
    match whole.len() {
        0..=11 => {
            let ms: String = part.chars().chain("000".chars()).take(3).collect();
            Some(n * 1000 + ms.parse::<i64>().ok()?)
        }
        12..=14 => Some(n),
        15..=17 => Some(n / 1000),
        _ => Some(n / 1_000_000),
    }
}

/// With an offset, and the rarer forms.
fn slow(text: &str) -> Option<i64> {
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return Some(t.as_millisecond());
    }
    // `+0000` without a colon, as Suricata and nginx write it.
    for form in ["%Y-%m-%dT%H:%M:%S%.f%z", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S%.f%z", "%a, %d %b %Y %H:%M:%S %z"]
    {
        if let Ok(t) = jiff::Timestamp::strptime(form, text) {
            return Some(t.as_millisecond());
        }
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%a, %d %b %Y %H:%M:%S", "%Y%m%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d"] {
        if let Ok(t) = DateTime::strptime(form, text)
            .or_else(|_| Ok::<_, jiff::Error>(jiff::civil::Date::strptime(form, text)?.at(0, 0, 0, 0)))
        {
            let zoned: Result<jiff::Zoned, jiff::Error> = t.to_zoned(TimeZone::UTC);
            return Some(zoned.ok()?.timestamp().as_millisecond());
        }
    }
    None
}

/// Days since 1970-01-01 of a date, `2024-01-02`.
pub fn days(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    Some(date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days())
}

/// The day of a time, `2024-01-02`, in UTC; `unknown` for a time that no calendar has.
pub fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "unknown".to_owned(), |t| t.to_zoned(TimeZone::UTC).date().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        let t = 1_704_164_645_000;
        let rows = [
            ("2024-01-02T03:04:05Z", t),
            ("2024-01-02 03:04:05", t),
            ("2024-01-02 03:04:05 UTC", t),
            ("2024-01-02T03:04:05.678Z", t + 678),
            ("2024-01-02T03:04:05.6789012Z", t + 678),
            ("2024-01-02T03:04:05.6", t + 600),
            ("2024-01-02T12:04:05+09:00", t),
            ("2024-01-02T03:04:05.678901+0000", t + 678),
            ("02/Jan/2024:12:04:05 +0900", t),
            ("1704164645", t),
            ("1704164645.678", t + 678),
            ("1704164645678", t + 678),
            ("1704164645678901", t + 678),
            ("1704164645678901234", t + 678),
            ("20240102 03:04:05", t),
        ];
        for (text, ms) in rows {
            assert_eq!(millis(text), Some(ms), "{text}");
        }
        for none in [
            "",
            "-",
            "2024-13-02T03:04:05Z",
            "2024-02-30T03:04:05Z",
            "yesterday",
            "2024-01-02T03:04",
            "99999999999999999999",
        ] {
            assert_eq!(millis(none), None, "{none}");
        }
        assert_eq!(day(t), "2024-01-02");
        assert_eq!((days("1970-01-02"), days("2024-01-02"), days("soon")), (Some(1), Some(19_724), None));
    }

    proptest! {
        #[test]
        fn the_quick_way_agrees_with_the_library(ms in -62_135_596_800_000i64..253_402_300_799_999) {
            let text = jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
            prop_assert_eq!(millis(&text), Some(ms));
        }

        #[test]
        fn nothing_makes_it_stop(text in ".*") {
            let _ = millis(&text);
        }
    }
}
