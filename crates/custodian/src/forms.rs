//! What texts say: moments, addresses and networks, versions, in the forms that AWS and people write.

use crate::py::{Component, Py};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use std::net::IpAddr;
use yagura_model::IpRange;

/// A moment in one of the forms that AWS and people write: ISO 8601 in its kinds, seconds or milliseconds since 1970. A time without
/// a zone is UTC.
pub fn date(v: &Json) -> Option<Timestamp> {
    let seconds = |n: f64| {
        let n = if n.abs() >= 253_402_300_800.0 { n / 1000.0 } else { n };
        Timestamp::from_nanosecond((n * 1e9) as i128).ok()
    };
    let text = match v {
        Json::Number(n) => return seconds(n.as_f64()?),
        Json::String(s) => s.trim(),
        _ => return None,
    };
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return seconds(text.parse().ok()?);
    }
    if let Ok(t) = text.parse::<Timestamp>() {
        return Some(t);
    }
    let at = |d: DateTime| d.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    if let Ok(d) = text.parse::<DateTime>() {
        return at(d);
    }
    if let Ok(d) = text.parse::<Date>() {
        return at(d.to_datetime(jiff::civil::Time::midnight()));
    }
    const DATED: [&str; 9] = [
        "%Y/%m/%d",
        "%Y/%m/%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%m/%d/%Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d %b %Y",
        "%d %B %Y",
        "%Y/%m/%d %H:%M",
    ];
    const ZONED: [&str; 5] = [
        "%Y-%m-%dT%H:%M:%S%.f%z",
        "%Y-%m-%d %H:%M:%S%.f%z",
        "%Y/%m/%d %H%M %Z",
        "%a, %d %b %Y %H:%M:%S %z",
        "%Y-%m-%d %H:%M:%S UTC",
    ];
    let naive = || {
        DATED.iter().find_map(|f| {
            let parsed = jiff::fmt::strtime::parse(f, text).ok()?;
            parsed.to_datetime().ok().or_else(|| Some(parsed.to_date().ok()?.at(0, 0, 0, 0))).and_then(at)
        })
    };
    let zoned = || ZONED.iter().find_map(|f| jiff::fmt::strtime::parse(f, text).ok()?.to_timestamp().ok());
    zoned().or_else(|| text.strip_suffix(" UTC").and_then(|t| date(&Json::from(t)))).or_else(naive)
}

/// An address or a network with no bit set outside its prefix.
pub fn cidr(v: &Json) -> Option<Py> {
    let text = v.as_str()?;
    if !text.contains('/') {
        return text.parse().ok().map(Py::Address);
    }
    let range = IpRange::parse(text)?;
    let network = text.split('/').next().and_then(|a| a.parse::<IpAddr>().ok())? == range.first();
    network.then_some(Py::Network(range))
}

/// The components of a version: numbers and words.
pub fn version(v: &Json) -> Vec<Component> {
    let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut out: Vec<Component> = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let same_class: fn(char) -> bool = if c.is_ascii_digit() {
            |c| c.is_ascii_digit()
        } else if c.is_ascii_lowercase() {
            |c| c.is_ascii_lowercase()
        } else {
            |c| !c.is_ascii_digit() && !c.is_ascii_lowercase() && c != '.'
        };
        let end = rest.find(|c| !same_class(c)).unwrap_or(rest.len()).max(c.len_utf8());
        let (word, after) = rest.split_at(end);
        if word != "." {
            out.push(word.parse().map_or_else(|_| Component::Word(word.to_owned()), Component::Number));
        }
        rest = after;
    }
    out
}
