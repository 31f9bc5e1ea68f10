//! "Date and time functions and operators" of the Trino documentation. A session's time zone is UTC, as in Athena.

use super::args::{Args, Kind, Last, Times};
use super::civil::{self, clock, instant};
use super::{Def, Given, int, text};
use datafusion::arrow::array::{Array, ArrayRef, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use jiff::civil::{DateTime, ISOWeekDate};
use jiff::tz::TimeZone;
use jiff::{Span, Unit};
use std::rc::Rc;
use std::sync::Arc;

const fn def(
    name: &'static str,
    takes: &'static [Kind],
    gives: fn(&Given<'_>) -> Result<DataType>,
    fails: bool,
    run: fn(&Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count: (takes.len(), takes.len()), gives, json: false, fails, run }
}

const fn field(name: &'static str, run: fn(&Args) -> Result<ArrayRef>) -> Def {
    def(name, &[Kind::Time], int, false, run)
}

fn double(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Float64)
}

fn date(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Date32)
}

fn plain(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Timestamp(TimeUnit::Millisecond, None))
}

fn zoned(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())))
}

/// A timestamp in the zone that the second argument names.
fn in_zone(given: &Given<'_>) -> Result<DataType> {
    match given.constants.get(1) {
        None => zoned(given),
        Some(Some(
            ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)) | ScalarValue::LargeUtf8(Some(name)),
        )) => {
            civil::zone(name)?;
            Ok(DataType::Timestamp(TimeUnit::Millisecond, Some(name.as_str().into())))
        }
        Some(_) => plan_err!("a time zone must be a constant"),
    }
}

/// The type of a date or timestamp argument.
fn like(given: &Given<'_>, place: usize, function: &str) -> Result<DataType> {
    match given.types.get(place) {
        Some(DataType::Date32) => Ok(DataType::Date32),
        Some(DataType::Timestamp(_, zone)) => Ok(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
        Some(DataType::Utf8 | DataType::Null) => plain(given),
        other => plan_err!("argument {} of {function} must be a date or a timestamp, not {other:?}", place + 1),
    }
}

pub(super) const DEFS: &[Def] = &[
    def("from_iso8601_timestamp", &[Kind::Text], zoned, true, from_iso8601_timestamp),
    def("from_iso8601_date", &[Kind::Text], date, true, from_iso8601_date),
    Def { count: (1, 2), ..def("from_unixtime", &[Kind::Float, Kind::Text], in_zone, true, from_unixtime) },
    def("to_unixtime", &[Kind::Time], double, false, to_unixtime),
    def("to_iso8601", &[Kind::Any], text, false, to_iso8601),
    def("date_parse", &[Kind::Text, Kind::Text], plain, true, date_parse),
    def("date_format", &[Kind::Time, Kind::Text], text, true, date_format),
    def("parse_datetime", &[Kind::Text, Kind::Text], zoned, true, parse_datetime),
    def("format_datetime", &[Kind::Time, Kind::Text], text, true, format_datetime),
    def("date_diff", &[Kind::Text, Kind::Time, Kind::Time], int, true, date_diff),
    def("date_add", &[Kind::Text, Kind::Int, Kind::Any], |g| like(g, 2, "date_add"), true, date_add),
    def("date_trunc", &[Kind::Text, Kind::Any], |g| like(g, 1, "date_trunc"), true, date_trunc),
    def("at_timezone", &[Kind::Time, Kind::Text], in_zone, false, at_timezone),
    def("date", &[Kind::Time], date, false, to_date),
    def("last_day_of_month", &[Kind::Time], date, false, last_day_of_month),
    field("year", |a| part(a, |t| t.year().into())),
    field("quarter", |a| part(a, |t| i64::from((t.month() + 2) / 3))),
    field("month", |a| part(a, |t| t.month().into())),
    field("week", |a| part(a, |t| ISOWeekDate::from(t.date()).week().into())),
    field("week_of_year", |a| part(a, |t| ISOWeekDate::from(t.date()).week().into())),
    field("year_of_week", |a| part(a, |t| ISOWeekDate::from(t.date()).year().into())),
    field("yow", |a| part(a, |t| ISOWeekDate::from(t.date()).year().into())),
    field("day", |a| part(a, |t| t.day().into())),
    field("day_of_month", |a| part(a, |t| t.day().into())),
    field("day_of_week", |a| part(a, |t| t.weekday().to_monday_one_offset().into())),
    field("dow", |a| part(a, |t| t.weekday().to_monday_one_offset().into())),
    field("day_of_year", |a| part(a, |t| t.day_of_year().into())),
    field("doy", |a| part(a, |t| t.day_of_year().into())),
    field("hour", |a| part(a, |t| t.hour().into())),
    field("minute", |a| part(a, |t| t.minute().into())),
    field("second", |a| part(a, |t| t.second().into())),
    field("millisecond", |a| part(a, |t| t.millisecond().into())),
];

/// The time zone that a column's clock is read by.
fn zone_of(times: &Times) -> Result<TimeZone> {
    times.zone.as_deref().map_or(Ok(TimeZone::UTC), civil::zone)
}

fn part(args: &Args, of: fn(DateTime) -> i64) -> Result<ArrayRef> {
    let times = args.time(0)?;
    let zone = zone_of(&times)?;
    args.ints(|i| times.get(i).map(|t| Ok(of(clock(t, &zone)?.0))).transpose())
}

fn dates(args: &Args, mut row: impl FnMut(usize) -> Result<Option<jiff::civil::Date>>) -> Result<ArrayRef> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = (0..args.rows)
        .map(|i| match row(i) {
            Ok(found) => Ok(found.and_then(|d| d.since((Unit::Day, epoch)).ok()).map(|s| s.get_days())),
            Err(_) if args.lenient => Ok(None),
            Err(error) => Err(error),
        })
        .collect::<Result<Vec<Option<i32>>>>()?;
    Ok(Arc::new(Date32Array::from(days)))
}

fn from_iso8601_timestamp(args: &Args) -> Result<ArrayRef> {
    let texts = args.text(0)?;
    args.times(|i| texts.get(i).map(civil::read_iso).transpose())
}

fn from_iso8601_date(args: &Args) -> Result<ArrayRef> {
    let texts = args.text(0)?;
    dates(args, |i| match texts.get(i) {
        Some(text) => match civil::iso_date(text) {
            Some(date) => Ok(Some(date)),
            None => exec_err!("`{text}` is no ISO 8601 date"),
        },
        None => Ok(None),
    })
}

fn from_unixtime(args: &Args) -> Result<ArrayRef> {
    let seconds = args.float(0)?;
    args.times(|i| {
        let Some(seconds) = seconds.get(i) else { return Ok(None) };
        let millis = (seconds * 1000.0).round();
        // The range of RFC 3339: beyond the year 9999 nothing reads the text again.
        if !(-62_135_596_800_000.0..253_402_300_800_000.0).contains(&millis) {
            return exec_err!("from_unixtime: {seconds} lies out of range; is it in milliseconds?");
        }
        #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
        let millis = millis as i64;
        Ok(Some(millis))
    })
}

fn to_unixtime(args: &Args) -> Result<ArrayRef> {
    let times = args.time(0)?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of any real date are exact in a double")]
    args.floats(|i| Ok(times.get(i).map(|t| t as f64 / 1000.0)))
}

fn to_iso8601(args: &Args) -> Result<ArrayRef> {
    let days = args.whole(0)?.data_type() == &DataType::Date32;
    let times = args.time(0)?;
    let zone = zone_of(&times)?;
    // Events lie in the order of their time: a truncated time is mostly that of the row before.
    let mut last: Option<(i64, Rc<str>)> = None;
    args.texts(|i| {
        let Some(t) = times.get(i) else { return Ok(None) };
        if let Some((before, text)) = &last
            && *before == t
        {
            return Ok(Some(Rc::clone(text)));
        }
        let (at, offset) = clock(t, &zone)?;
        let text = if days { at.date().to_string() } else { civil::iso(at, times.zone.is_some().then_some(offset)) };
        let text: Rc<str> = text.into();
        last = Some((t, Rc::clone(&text)));
        Ok(Some(text))
    })
}

fn parsed(args: &Args, format: fn(&str) -> Result<Vec<civil::Item>>) -> Result<ArrayRef> {
    let (texts, formats, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    args.times(|i| {
        let (Some(text), Some(wanted)) = (texts.get(i), formats.get(i)) else { return Ok(None) };
        civil::read(last.get(wanted, format)?, text).map(Some)
    })
}

fn written(args: &Args, format: fn(&str) -> Result<Vec<civil::Item>>) -> Result<ArrayRef> {
    let (times, formats, mut last) = (args.time(0)?, args.text(1)?, Last::new());
    let zone = zone_of(&times)?;
    args.texts(|i| {
        let (Some(t), Some(wanted)) = (times.get(i), formats.get(i)) else { return Ok(None) };
        let (at, offset) = clock(t, &zone)?;
        Ok(Some(civil::write(last.get(wanted, format)?, at, offset, &zone)))
    })
}

fn date_parse(args: &Args) -> Result<ArrayRef> {
    parsed(args, civil::mysql)
}

fn date_format(args: &Args) -> Result<ArrayRef> {
    written(args, civil::mysql)
}

fn parse_datetime(args: &Args) -> Result<ArrayRef> {
    parsed(args, civil::joda)
}

fn format_datetime(args: &Args) -> Result<ArrayRef> {
    written(args, civil::joda)
}

const DAY: i64 = 86_400_000;
const WEEK: i64 = 7 * DAY;

/// A unit's milliseconds, or its months.
enum Length {
    Millis(i64),
    Months(i64),
}

fn unit(name: &str) -> Result<Length> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "millisecond" => Length::Millis(1),
        "second" => Length::Millis(1000),
        "minute" => Length::Millis(60_000),
        "hour" => Length::Millis(3_600_000),
        "day" => Length::Millis(DAY),
        "week" => Length::Millis(WEEK),
        "month" => Length::Months(1),
        "quarter" => Length::Months(3),
        "year" => Length::Months(12),
        other => {
            let units = ["millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"];
            let hint =
                yagura_model::nearest(other, units).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            return exec_err!("`{other}` is no unit of time{hint}");
        }
    })
}

/// Whole units from the second argument to the third, as Trino counts them: what is not whole does not count.
fn date_diff(args: &Args) -> Result<ArrayRef> {
    let (units, from, to) = (args.text(0)?, args.time(1)?, args.time(2)?);
    let mut last = Last::new();
    args.ints(|i| {
        let (Some(name), Some(from), Some(to)) = (units.get(i), from.get(i), to.get(i)) else { return Ok(None) };
        Ok(Some(match last.get(name, unit)? {
            Length::Millis(length) => (to - from) / length,
            Length::Months(length) => {
                let (from, to) = (clock(from, &TimeZone::UTC)?.0, clock(to, &TimeZone::UTC)?.0);
                match to.since((Unit::Month, from)) {
                    Ok(span) => i64::from(span.get_months()) / length,
                    Err(error) => return exec_err!("date_diff: {error}"),
                }
            }
        }))
    })
}

fn date_add(args: &Args) -> Result<ArrayRef> {
    let (units, count, times) = (args.text(0)?, args.int(1)?, args.time(2)?);
    let zone = zone_of(&times)?;
    let mut last = Last::new();
    args.times(|i| {
        let (Some(name), Some(count), Some(t)) = (units.get(i), count.get(i), times.get(i)) else { return Ok(None) };
        let out_of_range = || exec_err!("date_add: {count} {name}s lead out of range");
        match last.get(name, unit)? {
            Length::Millis(length) => match length.checked_mul(count).and_then(|shift| t.checked_add(shift)) {
                Some(sum) => Ok(Some(sum)),
                None => out_of_range(),
            },
            Length::Months(length) => {
                let Some(months) = length.checked_mul(count) else { return out_of_range() };
                let Ok(span) = Span::new().try_months(months) else { return out_of_range() };
                match clock(t, &zone)?.0.checked_add(span) {
                    Ok(at) => instant(at, &zone).map(Some),
                    Err(_) => out_of_range(),
                }
            }
        }
    })
}

/// The beginning of the unit that a time lies in, by the clock of its zone; weeks begin on Monday.
fn date_trunc(args: &Args) -> Result<ArrayRef> {
    let (units, times) = (args.text(0)?, args.time(1)?);
    let zone = zone_of(&times)?;
    let utc = zone == TimeZone::UTC;
    let mut last = Last::new();
    args.times(|i| {
        let (Some(name), Some(t)) = (units.get(i), times.get(i)) else { return Ok(None) };
        let length = last.get(name, unit)?;
        if let Length::Millis(length) = length
            && utc
        {
            // The epoch was a Thursday; the Monday before it began three days earlier.
            let shift = if *length == WEEK { 3 * DAY } else { 0 };
            return match t.checked_add(shift) {
                Some(shifted) => Ok(Some(t - shifted.rem_euclid(*length))),
                None => exec_err!("the timestamp {t} lies out of range"),
            };
        }
        let (at, offset) = clock(t, &zone)?;
        let date = at.date();
        let date = match length {
            Length::Millis(length) if *length < DAY => {
                // Not by the wall clock, which shows an hour twice when summer time ends.
                let shift = i64::from(offset.seconds()) * 1000;
                return Ok(Some(t - (t + shift).rem_euclid(*length)));
            }
            Length::Millis(WEEK) => {
                date.checked_sub(Span::new().days(date.weekday().to_monday_zero_offset())).unwrap_or(date)
            }
            Length::Millis(_) => date,
            Length::Months(1) => date.first_of_month(),
            Length::Months(3) => {
                let first = (date.month() - 1) / 3 * 3 + 1;
                jiff::civil::Date::new(date.year(), first, 1).unwrap_or(date)
            }
            Length::Months(_) => date.first_of_year(),
        };
        instant(date.to_datetime(jiff::civil::Time::midnight()), &zone).map(Some)
    })
}

fn at_timezone(args: &Args) -> Result<ArrayRef> {
    let times = args.time(0)?;
    args.times(|i| Ok(times.get(i)))
}

fn to_date(args: &Args) -> Result<ArrayRef> {
    let times = args.time(0)?;
    let zone = zone_of(&times)?;
    dates(args, |i| times.get(i).map(|t| Ok(clock(t, &zone)?.0.date())).transpose())
}

fn last_day_of_month(args: &Args) -> Result<ArrayRef> {
    let times = args.time(0)?;
    let zone = zone_of(&times)?;
    dates(args, |i| times.get(i).map(|t| Ok(clock(t, &zone)?.0.date().last_of_month())).transpose())
}
