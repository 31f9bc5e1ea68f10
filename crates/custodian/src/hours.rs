//! `onhour` and `offhour`: <https://cloudcustodian.io/docs/aws/usecases/offhours.html>.

use crate::filter::Answer;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

/// A schedule filter: whether the present hour is the one that a resource's tag (or the default) names.
#[derive(Debug)]
pub struct Hours {
    word: &'static str,
    tag: String,
    hour: i8,
    zone: TimeZone,
    days: Vec<i8>,
    opt_out: bool,
    skip: Vec<String>,
}

const ALIASES: [(&str, &str); 26] = [
    ("pdt", "America/Los_Angeles"),
    ("pt", "America/Los_Angeles"),
    ("pst", "America/Los_Angeles"),
    ("ast", "America/Phoenix"),
    ("at", "America/Phoenix"),
    ("est", "America/New_York"),
    ("edt", "America/New_York"),
    ("et", "America/New_York"),
    ("cst", "America/Chicago"),
    ("cdt", "America/Chicago"),
    ("ct", "America/Chicago"),
    ("mst", "America/Denver"),
    ("mdt", "America/Denver"),
    ("mt", "America/Denver"),
    ("gmt", "Etc/GMT"),
    ("gt", "Etc/GMT"),
    ("bst", "Europe/London"),
    ("ist", "Europe/Dublin"),
    ("cet", "Europe/Berlin"),
    ("it", "Europe/Rome"),
    ("jst", "Asia/Tokyo"),
    ("kst", "Asia/Seoul"),
    ("sgt", "Asia/Singapore"),
    ("aet", "Australia/Sydney"),
    ("brt", "America/Sao_Paulo"),
    ("utc", "Etc/UTC"),
];

/// A time zone by its name or one of the short ones.
///
/// # Errors
/// No such zone.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    let lower = name.to_lowercase();
    let full = ALIASES.iter().find(|(a, _)| *a == lower).map_or(name, |(_, z)| z);
    TimeZone::get(full).map_err(|_| format!("`{name}` is no time zone"))
}

impl Hours {
    /// Compiles.
    ///
    /// # Errors
    /// Why it has no meaning.
    pub fn compile(name: &str, data: &Json) -> Result<Self, String> {
        let text = |key: &str| data.get(key).and_then(Json::as_str);
        let flag = |key: &str| data.get(key).and_then(Json::as_bool);
        for other in ["skip-days-from", "fallback-schedule"] {
            if data.get(other).is_some() {
                return Err(format!("`{other}` of `{name}` is not evaluated"));
            }
        }
        let on = name == "onhour";
        let (word, default) = if on { ("on", 7) } else { ("off", 19) };
        let hour = data.get(name).and_then(Json::as_i64).and_then(|h| i8::try_from(h).ok()).unwrap_or(default);
        let days = match (flag("weekends-only"), flag("weekends")) {
            (Some(true), _) if on => vec![0],
            (Some(true), _) => vec![4],
            (_, Some(false)) => (0..7).collect(),
            _ => (0..5).collect(),
        };
        let skip = data.get("skip-days").and_then(Json::as_array).into_iter().flatten();
        Ok(Self {
            word,
            tag: text("tag").unwrap_or("maid_offhours").to_lowercase(),
            hour,
            zone: zone(text("default_tz").unwrap_or("et"))?,
            days,
            opt_out: flag("opt-out") == Some(true),
            skip: skip.filter_map(|d| d.as_str().map(str::to_owned)).collect(),
        })
    }

    /// Whether it is that hour for a resource.
    pub fn answer(&self, of: &Json, now: Timestamp) -> Answer {
        let tags = of.get("Tags").and_then(Json::as_array).into_iter().flatten();
        let named = tags.filter(|t| t.get("Key").and_then(Json::as_str).is_some_and(|k| k.to_lowercase() == self.tag));
        let value = named.filter_map(|t| t.get("Value").and_then(Json::as_str)).next();
        let value = value.map(|v| v.trim().trim_matches(['\'', '"']).to_lowercase().replace(' ', ""));
        match value.as_deref() {
            None if !self.opt_out => Answer::No,
            Some("off") => Answer::No,
            None | Some("" | "on") => self.is_now(&self.days, self.hour, &self.zone, now).into(),
            Some(schedule) => self.by_tag(schedule, now).into(),
        }
    }

    /// `off=[(m-f,19);(s,8)];on=(m-f,7);tz=pt`
    fn by_tag(&self, schedule: &str, now: Timestamp) -> bool {
        let mut own: Option<Vec<(Vec<i8>, i8)>> = None;
        let mut known = true;
        let mut at = self.zone.clone();
        let mut depth = 0usize;
        let parts = schedule.split(|c: char| {
            match c {
                '[' | '(' => depth += 1,
                ']' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ';' && depth == 0
        });
        for part in parts.filter(|p| !p.is_empty()) {
            match part.split_once('=') {
                Some(("tz", name)) => match zone(name) {
                    Ok(z) => at = z,
                    Err(_) => known = false,
                },
                Some((word @ ("on" | "off"), times)) => {
                    let parsed: Option<Vec<_>> =
                        times.trim_matches(['[', ']']).split(';').filter(|t| !t.is_empty()).map(time).collect();
                    match parsed {
                        Some(times) if word == self.word => own = Some(times),
                        Some(_) => {}
                        None => known = false,
                    }
                }
                _ => known = false,
            }
        }
        if !known {
            return false;
        }
        match own {
            Some(times) => times.iter().any(|(days, hour)| self.is_now(days, *hour, &at, now)),
            // A schedule that speaks of the other word only leaves this one out; `tz` alone keeps the default.
            None if schedule.contains('(') => false,
            None => self.is_now(&self.days, self.hour, &at, now),
        }
    }

    fn is_now(&self, days: &[i8], hour: i8, zone: &TimeZone, now: Timestamp) -> bool {
        let local = now.to_zoned(zone.clone());
        let today = local.date().to_string();
        !self.skip.contains(&today) && local.hour() == hour && days.contains(&local.weekday().to_monday_zero_offset())
    }
}

/// `(m-f,19)`
fn time(text: &str) -> Option<(Vec<i8>, i8)> {
    let (days, hour) = text.trim_matches(['(', ')']).rsplit_once(',')?;
    const LETTERS: [&str; 7] = ["m", "t", "w", "h", "f", "s", "u"];
    let day = |d: &str| LETTERS.iter().position(|l| *l == d).and_then(|d| i8::try_from(d).ok());
    let days = match days.split_once('-') {
        Some((from, to)) => {
            let (from, to) = (day(from)?, day(to)?);
            if from <= to { (from..=to).collect() } else { (from..7).chain(0..=to).collect() }
        }
        None => vec![day(days)?],
    };
    hour.parse().ok().filter(|h| (0..24).contains(h)).map(|h| (days, h))
}
