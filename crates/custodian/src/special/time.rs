//! Filters on age, marks for later, and the number of tags.

use super::{Build, Made};
use crate::filter::{Answer, Ask};
use crate::py::{self, Op, Py};
use jiff::SignedDuration;
use serde_json::Value as Json;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    match b.name {
        "marked-for-op" => Some(marked(b)),
        "tag-count" => Some(tag_count(b)),
        "onhour" | "offhour" => Some(
            crate::hours::Hours::compile(b.name, b.data)
                .map(|h| Made::on(&["Tags"], move |ask: &Ask<'_>| h.answer(&ask.res.json, ask.scene.now))),
        ),
        _ => {
            let date = b.cx.resource.date_of(b.name).filter(|d| *d != "dummy" && b.name != "image-age")?;
            Some(age(b, date))
        }
    }
}

fn number(b: &Build<'_, '_>, key: &str) -> f64 {
    b.data.get(key).and_then(Json::as_f64).unwrap_or(0.0)
}

fn span(days: f64, hours: f64, minutes: f64) -> Result<SignedDuration, String> {
    let seconds = days * 86_400.0 + hours * 3600.0 + minutes * 60.0;
    if seconds.abs() > 1e11 {
        return Err("the time span is beyond any date".to_owned());
    }
    Ok(SignedDuration::from_secs(seconds as i64))
}

/// How long ago a date was.
fn age(b: &Build<'_, '_>, date: &str) -> Result<Made, String> {
    let op = Op::of(b.text("op").as_deref().unwrap_or("greater-than"), None)?;
    let span = span(number(b, "days"), number(b, "hours"), number(b, "minutes"))?;
    let member = date.to_owned();
    Ok(Made::on(&[date], move |ask: &Ask<'_>| match ask.res.get(&member) {
        Ok(v) => {
            let limit = ask.scene.now.checked_sub(span).ok();
            match (py::date(v), limit) {
                (Some(date), Some(limit)) => op.holds(&Py::Date(limit), &Py::Date(date)).into(),
                _ => Answer::Unknown(crate::world::not_told(format!("`{member}` is no date"))),
            }
        }
        Err(gap) => Answer::Unknown(gap),
    }))
}

fn tag_count(b: &Build<'_, '_>) -> Result<Made, String> {
    let want = b.data.get("count").cloned().unwrap_or(Json::from(10));
    let op = Op::of(b.text("op").as_deref().unwrap_or("gte"), None)?;
    Ok(Made::on(&["Tags"], move |ask: &Ask<'_>| match ask.res.get("Tags") {
        Ok(tags) => {
            let own = |t: &&Json| !t.get("Key").and_then(Json::as_str).unwrap_or_default().starts_with("aws:");
            let count = tags.as_array().map_or(0, |l| l.iter().filter(own).count());
            op.holds(&Py::Json(count.into()), &Py::Json(want.clone())).into()
        }
        Err(gap) => Answer::Unknown(gap),
    }))
}

/// A tag `…: op@date` whose date has come.
fn marked(b: &Build<'_, '_>) -> Result<Made, String> {
    let tag = b.text("tag").unwrap_or_else(|| "maid_status".to_owned());
    let op = b.text("op").unwrap_or_else(|| "stop".to_owned());
    if let Some(name) = b.text("tz") {
        crate::hours::zone(&name)?;
    }
    let skew = span(number(b, "skew"), number(b, "skew_hours"), 0.0)?;
    Ok(Made::on(&["Tags"], move |ask: &Ask<'_>| match ask.res.get("Tags") {
        Ok(tags) => {
            let hit = tags.as_array().into_iter().flatten().find(|t| t.get("Key").is_some_and(|k| k == tag.as_str()));
            let value = hit.and_then(|t| t.get("Value")).and_then(Json::as_str).unwrap_or_default();
            let Some((action, date)) = value.rsplit_once(':').and_then(|(_, t)| t.trim().split_once('@')) else {
                return Answer::No;
            };
            if action != op {
                return Answer::No;
            }
            let due = py::date(&Json::from(date)).and_then(|d| d.checked_sub(skew).ok());
            due.is_some_and(|d| ask.scene.now >= d).into()
        }
        Err(gap) => Answer::Unknown(gap),
    }))
}
