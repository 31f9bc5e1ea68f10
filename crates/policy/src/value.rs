//! The typed values of conditions: numbers and dates.

use jiff::Timestamp;
use jiff::civil::Date;

/// A decimal number as IAM takes it: an optional sign, digits, at most one point. `None` for anything else.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().filter(|n: &f64| n.is_finite())
}

/// A date in nanoseconds since 1970: one of the W3C forms of ISO 8601, or epoch seconds.
/// A whole number is always epoch seconds (`reference_policies_elements_condition_operators`, "Date").
pub fn date(text: &str) -> Option<i128> {
    const SECOND: i128 = 1_000_000_000;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|s| i128::from(s) * SECOND);
    }
    let stamp = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
    match text.len() {
        7 => stamp(&format!("{text}-01T00:00:00Z")),
        10 => text.parse::<Date>().ok().and_then(|_| stamp(&format!("{text}T00:00:00Z"))),
        // Minutes without seconds, which W3C's note allows.
        _ => stamp(text).or_else(|| {
            let (day, time) = text.split_once('T')?;
            let cut = time.find(['Z', '+', '-'])?;
            let (clock, zone) = time.split_at_checked(cut)?;
            (clock.len() == 5).then(|| stamp(&format!("{day}T{clock}:00{zone}"))).flatten()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("10"), Some(10.0));
        assert_eq!(number("-1.5"), Some(-1.5));
        for bad in ["", ".", "-", "1e9", "inf", "NaN", "0x1", "1 ", "1.2.3"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates() {
        let noon = date("2024-05-01T12:00:00Z").unwrap();
        for same in ["2024-05-01T12:00Z", "2024-05-01T21:00:00+09:00", "2024-05-01T21:00+09:00", "1714564800"] {
            assert_eq!(date(same), Some(noon), "{same}");
        }
        assert_eq!(date("2024-05"), date("2024-05-01"));
        assert!(date("2024-05-01T12:00:00.5Z").unwrap() > noon);
        for bad in ["", "yesterday", "2024-13-01", "2024-05-01T25:00:00Z", "99999999999999999999"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
