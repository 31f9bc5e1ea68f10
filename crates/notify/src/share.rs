//! Changes shared out to messages, within the transaction that takes them.

use crate::notice::{Notice, digest};
use crate::outbox::Taken;
use crate::routes::{Route, Routes, When};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use yagura_model::Lang;

/// How many changes one message holds.
const MOST: usize = 50;

/// A message's row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    pub lang: Lang,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    pub notices: Vec<Notice>,
}

/// Shares changes out to messages. A channel hears of a change once, by the first route that leads there.
pub(crate) fn put(t: &Transaction<'_>, notices: &[Notice], routes: &Routes, now: Timestamp) -> rusqlite::Result<Taken> {
    let mut taken = Taken::default();
    let mut together: BTreeMap<(usize, String, String), Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        let place = |name: &str| routes.routes().iter().position(|r| r.name == name).unwrap_or(usize::MAX);
        let of = routes.of(notice);
        let mut mine: Vec<(usize, String)> =
            of.iter().flat_map(|r| r.to.iter().map(|c| (place(&r.name), c.to_string()))).collect();
        if notice.is_over() {
            mine.extend(told(t, notice, routes)?);
        }
        let mut new = false;
        for (place, channel) in &mine {
            let sql = "INSERT OR IGNORE INTO notices (channel, id, message, subject) VALUES (?1, ?2, 0, ?3)";
            if t.execute(sql, params![channel, notice.id, notice.subject])? > 0 {
                new = true;
                let group = routes.routes().get(*place).map(|r| r.group(notice)).unwrap_or_default();
                together.entry((*place, channel.clone(), group)).or_default().push(notice);
            }
        }
        match (mine.is_empty(), new) {
            (true, _) => taken.unrouted += 1,
            (false, true) => taken.routed += 1,
            (false, false) => taken.known += 1,
        }
    }
    for ((place, channel, group), notices) in &together {
        let Some(route) = routes.routes().get(*place) else { continue };
        let many = if route.when == When::AtOnce && route.group_by.is_empty() { 1 } else { MOST };
        let mut rest = notices.as_slice();
        if let When::Digest(_) = route.when {
            rest = append(t, routes.home(), route, channel, group, rest, now)?;
        }
        for some in rest.chunks(many) {
            create(t, routes.home(), route, channel, group, some, now)?;
        }
    }
    Ok(taken)
}

/// Where a subject was told of: each channel that some route still leads to, with the route that led there, or the first that does now.
fn told(t: &Transaction<'_>, notice: &Notice, routes: &Routes) -> rusqlite::Result<Vec<(usize, String)>> {
    let sql = "SELECT n.channel, coalesce(m.route, '') FROM notices n LEFT JOIN messages m ON m.nth = n.message \
         WHERE n.subject = ?1 AND n.subject <> '' AND coalesce(m.home, '') IN ('', ?2) ORDER BY n.channel, m.nth DESC";
    let mut statement = t.prepare(sql)?;
    let rows = statement
        .query_map(params![notice.subject, routes.home()], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
    let mut out = Vec::new();
    for row in rows {
        let (channel, name) = row?;
        let leads = |r: &Route| r.to.iter().any(|c| *c == channel);
        let all = routes.routes();
        let place = all.iter().position(|r| r.name == name && leads(r)).or_else(|| all.iter().position(leads));
        out.extend(place.map(|place| (place, channel)));
    }
    Ok(out)
}

/// Adds changes to the digest that is open; what it has no room for.
fn append<'n>(
    t: &Transaction<'_>,
    home: &str,
    route: &Route,
    channel: &str,
    group: &str,
    notices: &'n [&'n Notice],
    now: Timestamp,
) -> rusqlite::Result<&'n [&'n Notice]> {
    let sql = "SELECT nth, body, many FROM messages WHERE state = 'waiting' AND attempts = 0 AND route = ?1 AND channel = ?2 \
         AND grouped = ?3 AND due > ?4 AND home = ?5 ORDER BY nth DESC LIMIT 1";
    let found = t
        .query_row(sql, params![route.name.as_str(), channel, group, now.as_microsecond(), home], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?, r.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((nth, body, many)) = found else { return Ok(notices) };
    let room = MOST.saturating_sub(usize::try_from(many).unwrap_or(MOST)).min(notices.len());
    let (some, rest) = notices.split_at(room);
    let mut body: Body = parsed(&body)?;
    body.notices.extend(some.iter().map(|n| (*n).clone()));
    let sql = "UPDATE messages SET body = ?2, many = ?3 WHERE nth = ?1";
    t.execute(sql, params![nth, written(&body)?, i64::try_from(body.notices.len()).unwrap_or(i64::MAX)])?;
    belong(t, channel, some, nth)?;
    Ok(rest)
}

fn create(
    t: &Transaction<'_>,
    home: &str,
    route: &Route,
    channel: &str,
    group: &str,
    notices: &[&Notice],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let first = notices.first().map(|n| n.id.as_str()).unwrap_or_default();
    let wait = match route.when {
        When::AtOnce => Duration::ZERO,
        When::Digest(every) => every,
    };
    let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    let body = Body {
        lang: route.lang,
        template: route.template.as_ref().map(|(text, _)| text.clone()),
        notices: notices.iter().map(|n| (*n).clone()).collect(),
    };
    let sql = "INSERT INTO messages (id, channel, route, grouped, state, body, many, made, due, set_at, attempts, error, home) \
         VALUES (?1, ?2, ?3, ?4, 'waiting', ?5, ?6, ?7, ?8, ?7, 0, '', ?9)";
    let many = i64::try_from(notices.len()).unwrap_or(i64::MAX);
    let (made, due) = (now.as_microsecond(), due.as_microsecond());
    t.execute(
        sql,
        params![digest(&[channel, first]), channel, route.name.as_str(), group, written(&body)?, many, made, due, home],
    )?;
    belong(t, channel, notices, t.last_insert_rowid())
}

fn belong(t: &Transaction<'_>, channel: &str, notices: &[&Notice], nth: i64) -> rusqlite::Result<()> {
    let mut statement = t.prepare("UPDATE notices SET message = ?3 WHERE channel = ?1 AND id = ?2")?;
    notices.iter().try_for_each(|n| statement.execute(params![channel, n.id, nth]).map(drop))
}

pub(crate) fn parsed<T: for<'de> Deserialize<'de>>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

fn written(body: &Body) -> rusqlite::Result<String> {
    serde_json::to_string(body).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}
