//! Dates as text: MySQL's letters (`date_format`, `date_parse`), Joda's (`format_datetime`, `parse_datetime`) and ISO 8601.

use datafusion::common::{Result, exec_err};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::tz::{Offset, TimeZone};

/// A piece of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Literal(String),
    Year(usize),
    /// The year's last two digits.
    ShortYear,
    Month(usize),
    MonthName {
        long: bool,
    },
    Day(usize),
    DayOfYear(usize),
    Hour(usize),
    /// 1 to 24.
    Hour24(usize),
    /// 1 to 12.
    Hour12(usize),
    /// 0 to 11.
    Hour11(usize),
    Minute(usize),
    Second(usize),
    Fraction(usize),
    HalfDay,
    WeekdayName {
        long: bool,
    },
    WeekdayNumber(usize),
    WeekYear(usize),
    Week(usize),
    Offset {
        colon: bool,
    },
    Zone,
}

impl Item {
    /// The digits that a number has at least when written and, unless another number follows, at most when read.
    fn digits(&self) -> Option<(usize, usize)> {
        Some(match self {
            Self::Year(w) | Self::WeekYear(w) => (*w, 9),
            Self::ShortYear => (2, 2),
            Self::Month(w) | Self::Day(w) | Self::Hour(w) | Self::Hour24(w) | Self::Hour12(w) | Self::Hour11(w) => {
                (*w, 2)
            }
            Self::Minute(w) | Self::Second(w) | Self::Week(w) => (*w, 2),
            Self::DayOfYear(w) => (*w, 3),
            Self::WeekdayNumber(w) => (*w, 1),
            Self::Fraction(w) => (*w, *w.max(&1)),
            _ => return None,
        })
    }
}

/// Reads a MySQL format, with the letters that Trino supports.
pub(crate) fn mysql(format: &str) -> Result<Vec<Item>> {
    let mut out = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            literal(&mut out, c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push(Item::WeekdayName { long: false }),
            Some('b') => out.push(Item::MonthName { long: false }),
            Some('c') => out.push(Item::Month(1)),
            Some('d') => out.push(Item::Day(2)),
            Some('e') => out.push(Item::Day(1)),
            Some('f') => out.push(Item::Fraction(6)),
            Some('H') => out.push(Item::Hour(2)),
            Some('h' | 'I') => out.push(Item::Hour12(2)),
            Some('i') => out.push(Item::Minute(2)),
            Some('j') => out.push(Item::DayOfYear(3)),
            Some('k') => out.push(Item::Hour(1)),
            Some('l') => out.push(Item::Hour12(1)),
            Some('M') => out.push(Item::MonthName { long: true }),
            Some('m') => out.push(Item::Month(2)),
            Some('p') => out.push(Item::HalfDay),
            Some('r') => out.extend(mysql("%h:%i:%s %p")?),
            Some('S' | 's') => out.push(Item::Second(2)),
            Some('T') => out.extend(mysql("%H:%i:%s")?),
            Some('v') => out.push(Item::Week(2)),
            Some('W') => out.push(Item::WeekdayName { long: true }),
            Some('x') => out.push(Item::WeekYear(4)),
            Some('Y') => out.push(Item::Year(4)),
            Some('y') => out.push(Item::ShortYear),
            Some('%') => literal(&mut out, '%'),
            Some(c @ ('D' | 'U' | 'u' | 'V' | 'w' | 'X')) => {
                return exec_err!("%{c} is not supported in a date format");
            }
            Some(c) => literal(&mut out, c),
            None => return exec_err!("a date format ends with %"),
        }
    }
    Ok(out)
}

/// Reads a Joda-Time pattern.
pub(crate) fn joda(format: &str) -> Result<Vec<Item>> {
    let mut out = Vec::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            if chars.next_if_eq(&'\'').is_some() {
                literal(&mut out, '\'');
                continue;
            }
            // A quote that nobody closes runs to the end: AWS's own examples rely on it.
            while let Some(inside) = chars.next() {
                if inside == '\'' && chars.next_if_eq(&'\'').is_none() {
                    break;
                }
                literal(&mut out, inside);
            }
            continue;
        }
        if !c.is_ascii_alphabetic() {
            literal(&mut out, c);
            continue;
        }
        let mut n = 1;
        while chars.next_if_eq(&c).is_some() {
            n += 1;
        }
        out.push(match c {
            'y' | 'Y' if n == 2 => Item::ShortYear,
            'y' | 'Y' => Item::Year(n),
            'x' => Item::WeekYear(n),
            'M' if n < 3 => Item::Month(n),
            'M' => Item::MonthName { long: n > 3 },
            'd' => Item::Day(n),
            'D' => Item::DayOfYear(n),
            'H' => Item::Hour(n),
            'k' => Item::Hour24(n),
            'h' => Item::Hour12(n),
            'K' => Item::Hour11(n),
            'm' => Item::Minute(n),
            's' => Item::Second(n),
            'S' => Item::Fraction(n),
            'a' => Item::HalfDay,
            'E' => Item::WeekdayName { long: n > 3 },
            'e' => Item::WeekdayNumber(n),
            'w' => Item::Week(n),
            'Z' if n < 3 => Item::Offset { colon: n == 2 },
            'Z' | 'z' => Item::Zone,
            other => return exec_err!("`{other}` is not supported in a date pattern"),
        });
    }
    Ok(out)
}

fn literal(out: &mut Vec<Item>, c: char) {
    match out.last_mut() {
        Some(Item::Literal(text)) => text.push(c),
        _ => out.push(Item::Literal(c.into())),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A time zone by its name or its offset.
pub(crate) fn zone(name: &str) -> Result<TimeZone> {
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Ok(TimeZone::UTC);
    }
    if let Some((offset, "")) = offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => exec_err!("`{name}` is no time zone"),
    }
}

/// The wall clock and the offset at an instant.
pub(crate) fn clock(millis: i64, zone: &TimeZone) -> Result<(DateTime, Offset)> {
    match Timestamp::from_millisecond(millis) {
        Ok(at) => {
            let offset = zone.to_offset(at);
            Ok((offset.to_datetime(at), offset))
        }
        Err(_) => exec_err!("the timestamp {millis} lies out of range"),
    }
}

/// The instant at which a zone's wall clock shows a time.
pub(crate) fn instant(at: DateTime, zone: &TimeZone) -> Result<i64> {
    match zone.to_ambiguous_timestamp(at).compatible() {
        Ok(at) => Ok(at.as_millisecond()),
        Err(_) => exec_err!("the date {at} lies out of range"),
    }
}

/// Writes a time by a format.
pub(crate) fn write(items: &[Item], at: DateTime, shift: Offset, zone: &TimeZone) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for item in items {
        let week = || ISOWeekDate::from(at.date());
        let half = at.hour() % 12;
        let number = match item {
            Item::Literal(text) => {
                out.push_str(text);
                continue;
            }
            Item::MonthName { long } => {
                name(&mut out, &MONTHS, i64::from(at.month()) - 1, *long);
                continue;
            }
            Item::WeekdayName { long } => {
                name(&mut out, &DAYS, i64::from(at.weekday().to_monday_zero_offset()), *long);
                continue;
            }
            Item::HalfDay => {
                out.push_str(if at.hour() < 12 { "AM" } else { "PM" });
                continue;
            }
            Item::Offset { colon } => {
                out.push_str(&offset_text(shift, *colon));
                continue;
            }
            Item::Zone => {
                out.push_str(zone.iana_name().unwrap_or("UTC"));
                continue;
            }
            Item::Fraction(digits) => {
                let nanos = format!("{:09}", at.subsec_nanosecond());
                for i in 0..*digits {
                    out.push(nanos.chars().nth(i).unwrap_or('0'));
                }
                continue;
            }
            Item::Year(_) => i64::from(at.year()),
            Item::ShortYear => i64::from(at.year()).rem_euclid(100),
            Item::Month(_) => at.month().into(),
            Item::Day(_) => at.day().into(),
            Item::DayOfYear(_) => at.day_of_year().into(),
            Item::Hour(_) => at.hour().into(),
            Item::Hour24(_) => {
                if at.hour() == 0 {
                    24
                } else {
                    at.hour().into()
                }
            }
            Item::Hour12(_) => {
                if half == 0 {
                    12
                } else {
                    half.into()
                }
            }
            Item::Hour11(_) => half.into(),
            Item::Minute(_) => at.minute().into(),
            Item::Second(_) => at.second().into(),
            Item::WeekdayNumber(_) => at.weekday().to_monday_one_offset().into(),
            Item::WeekYear(_) => week().year().into(),
            Item::Week(_) => week().week().into(),
        };
        let width = item.digits().map_or(1, |(w, _)| w);
        let _ = write!(out, "{number:0width$}");
    }
    out
}

fn name(out: &mut String, names: &[&str], at: i64, long: bool) {
    let full = usize::try_from(at).ok().and_then(|i| names.get(i)).copied().unwrap_or_default();
    out.push_str(if long { full } else { full.get(..3).unwrap_or(full) });
}

fn offset_text(offset: Offset, colon: bool) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{}{:02}", minutes / 60, if colon { ":" } else { "" }, minutes % 60)
}

/// ISO 8601 with milliseconds, as `to_iso8601` writes it; `Z` for an offset of nothing.
pub(crate) fn iso(at: DateTime, offset: Option<Offset>) -> String {
    let millis: i32 = at.subsec_nanosecond() / 1_000_000;
    let (y, mo, d) = (at.year(), at.month(), at.day());
    let (h, mi, s) = (at.hour(), at.minute(), at.second());
    let mut out = String::with_capacity(30);
    match u64::try_from(y) {
        Ok(y) => digits(&mut out, y, 4),
        Err(_) => out.push_str(&format!("{y:04}")),
    }
    for (before, part, width) in [
        ('-', mo.into(), 2),
        ('-', d.into(), 2),
        ('T', h.into(), 2),
        (':', mi.into(), 2),
        (':', s.into(), 2),
        ('.', millis, 3),
    ] {
        out.push(before);
        digits(&mut out, u64::try_from(part).unwrap_or_default(), width);
    }
    match offset {
        None => {}
        Some(Offset::UTC) => out.push('Z'),
        Some(other) => out.push_str(&offset_text(other, true)),
    }
    out
}

/// A number with its leading zeros: formatting machinery would take most of the time of a column of dates.
fn digits(out: &mut String, number: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
    }
}

/// Reads a time by a format: milliseconds since the epoch, by the offset or the zone that the text names, else by UTC.
pub(crate) fn read(items: &[Item], text: &str) -> Result<i64> {
    let bad = || exec_err!("`{text}` does not have the format asked for");
    let mut rest = text;
    let (mut year, mut month, mut day, mut day_of_year) = (1970_i64, 1_i64, 1_i64, None);
    let (mut hour, mut minute, mut second, mut nanos) = (0_i64, 0_i64, 0_i64, 0_i64);
    let (mut half, mut late, mut week, mut week_year, mut weekday) = (None, None, None, None, None);
    let mut place: Option<TimeZone> = None;
    for (i, item) in items.iter().enumerate() {
        if let Some((least, most)) = item.digits() {
            let next_is_number = items.get(i + 1).is_some_and(|n| n.digits().is_some());
            let signed = matches!(item, Item::Year(_)) && rest.starts_with('-');
            if signed {
                rest = rest.get(1..).unwrap_or_default();
            }
            let most = if next_is_number { least.max(1) } else { most };
            let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let (digits, after) = rest.split_at(count);
            let Ok(number) = digits.parse::<i64>() else { return bad() };
            rest = after;
            match item {
                Item::Year(_) => year = if signed { -number } else { number },
                // Two digits lie within 2000's century as MySQL and Joda have it: 70 to 99 are the last one's.
                Item::ShortYear => year = if number < 70 { 2000 + number } else { 1900 + number },
                Item::Month(_) => month = number,
                Item::Day(_) => day = number,
                Item::DayOfYear(_) => day_of_year = Some(number),
                Item::Hour(_) => hour = number,
                Item::Hour24(_) => hour = number % 24,
                Item::Hour12(_) | Item::Hour11(_) => half = Some(number % 12),
                Item::Minute(_) => minute = number,
                Item::Second(_) => second = number,
                Item::Fraction(_) => {
                    let Ok(power) = u32::try_from(9_usize.saturating_sub(count)) else { return bad() };
                    nanos = number * 10_i64.pow(power);
                }
                Item::WeekdayNumber(_) => weekday = Some(number),
                Item::WeekYear(_) => week_year = Some(number),
                Item::Week(_) => week = Some(number),
                _ => {}
            }
            continue;
        }
        match item {
            Item::Literal(wanted) => match rest.strip_prefix(wanted.as_str()) {
                Some(after) => rest = after,
                None => return bad(),
            },
            Item::MonthName { .. } => match named(&MONTHS, rest) {
                Some((at, after)) => (month, rest) = (at + 1, after),
                None => return bad(),
            },
            Item::WeekdayName { .. } => match named(&DAYS, rest) {
                Some((_, after)) => rest = after,
                None => return bad(),
            },
            Item::HalfDay => {
                let word = rest.get(..2).unwrap_or_default().to_ascii_uppercase();
                if word != "AM" && word != "PM" {
                    return bad();
                }
                late = Some(word == "PM");
                rest = rest.get(2..).unwrap_or_default();
            }
            Item::Offset { .. } => match offset(rest) {
                Some((found, after)) => (place, rest) = (Some(TimeZone::fixed(found)), after),
                None => return bad(),
            },
            Item::Zone => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':')))
                    .unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                (place, rest) = (Some(self::zone(word)?), after);
            }
            _ => return bad(),
        }
    }
    if !rest.is_empty() {
        return bad();
    }
    if let Some(half) = half {
        hour = half + if late == Some(true) { 12 } else { 0 };
    }
    let date = if let (Some(week), year) = (week, week_year.unwrap_or(year)) {
        let day = Weekday::from_monday_one_offset(small(weekday.unwrap_or(1))?).map_err(|e| out_of_range(text, &e))?;
        let week_date = ISOWeekDate::new(small(year)?, small(week)?, day).map_err(|e| out_of_range(text, &e))?;
        week_date.date()
    } else if let Some(day) = day_of_year {
        let first = Date::new(small(year)?, 1, 1).map_err(|e| out_of_range(text, &e))?;
        first.with().day_of_year(small(day)?).build().map_err(|e| out_of_range(text, &e))?
    } else {
        Date::new(small(year)?, small(month)?, small(day)?).map_err(|e| out_of_range(text, &e))?
    };
    let time =
        Time::new(small(hour)?, small(minute)?, small(second)?, small(nanos)?).map_err(|e| out_of_range(text, &e))?;
    instant(date.to_datetime(time), &place.unwrap_or(TimeZone::UTC))
}

fn small<T: TryFrom<i64>>(number: i64) -> Result<T> {
    match T::try_from(number) {
        Ok(n) => Ok(n),
        Err(_) => exec_err!("{number} lies out of range in a date"),
    }
}

fn out_of_range(text: &str, error: &jiff::Error) -> datafusion::common::DataFusionError {
    datafusion::common::DataFusionError::Execution(format!("`{text}` is no date: {error}"))
}

/// A name at the beginning of a text, in full or by three letters, in any letter case.
fn named<'t>(names: &[&str], text: &'t str) -> Option<(i64, &'t str)> {
    let starts = |word: &str| text.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word));
    let (at, length) = names.iter().enumerate().find_map(|(i, full)| {
        let short = full.get(..3)?;
        if starts(full) { Some((i, full.len())) } else { starts(short).then_some((i, 3)) }
    })?;
    Some((i64::try_from(at).ok()?, text.get(length..)?))
}

/// `Z`, `+09`, `+0900` or `+09:00` at the beginning of a text.
fn offset(text: &str) -> Option<(Offset, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((Offset::UTC, rest));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours: i32 = text.get(1..3)?.parse().ok()?;
    let after = text.get(3..)?;
    let (minutes, rest) = match after.strip_prefix(':').unwrap_or(after) {
        with if with.as_bytes().first().is_some_and(u8::is_ascii_digit) => {
            (with.get(..2)?.parse::<i32>().ok()?, with.get(2..)?)
        }
        _ => (0, after),
    };
    Some((Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?, rest))
}

/// Reads an ISO 8601 date or timestamp as `from_iso8601_timestamp` does: parts left out are the first; no offset is UTC.
pub(crate) fn read_iso(text: &str) -> Result<i64> {
    let bad = || exec_err!("`{text}` is no ISO 8601 timestamp");
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let Some(date) = iso_date(date) else { return bad() };
    let Some(time) = time else { return instant(date.to_datetime(Time::midnight()), &TimeZone::UTC) };
    let at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, shift) = time.split_at(at);
    let zone = match shift {
        "" => TimeZone::UTC,
        _ => match offset(shift) {
            Some((offset, "")) => TimeZone::fixed(offset),
            _ => return bad(),
        },
    };
    let Some(time) = iso_time(time) else { return bad() };
    instant(date.to_datetime(time), &zone)
}

/// `2024`, `2024-05`, `2024-05-11`, `2024-132` or `2024-W19-6`.
pub(crate) fn iso_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year: i16 = number(parts.next()?, 4)?;
    let (second, third) = (parts.next(), parts.next());
    if let Some(week) = second.and_then(|s| s.strip_prefix('W')) {
        let day = Weekday::from_monday_one_offset(third.map_or(Some(1), |d| number(d, 1))?).ok()?;
        return Some(ISOWeekDate::new(year, number(week, 2)?, day).ok()?.date());
    }
    match (second, third) {
        (Some(day), None) if day.len() == 3 => {
            Date::new(year, 1, 1).ok()?.with().day_of_year(number(day, 3)?).build().ok()
        }
        (month, day) => {
            Date::new(year, month.map_or(Some(1), |m| number(m, 2))?, day.map_or(Some(1), |d| number(d, 2))?).ok()
        }
    }
}

fn iso_time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once(['.', ',']).map_or((text, None), |(c, f)| (c, Some(f)));
    let mut parts = clock.splitn(3, ':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |m| number(m, 2))?;
    let second = parts.next().map_or(Some(0), |s| number(s, 2))?;
    let nanos = match fraction {
        Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse::<i32>().ok()? * 10_i32.pow(u32::try_from(9 - digits.len()).ok()?)
        }
        Some(_) => return None,
        None => 0,
    };
    Time::new(hour, minute, second, nanos).ok()
}

fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
