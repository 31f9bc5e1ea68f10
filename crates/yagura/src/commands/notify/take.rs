//! What the store recorded, as changes to be told.

use super::store_failure;
use crate::commands::findings::told::told;
use crate::failure::Failure;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use yagura_findings::{Ended, Event, Filter, Finding, Happened, Place, Run, Store, Suppression, Texts};
use yagura_model::{Lang, Status, Verdict};
use yagura_notify::{Change, Cursor, Notice, Words};
use yagura_report::{Format, Meta, Report, Style};

/// How findings are written for channels that take a format of their own.
pub struct Forms {
    /// CloudFormation's names of kinds; `None` where no channel needs them.
    pub types: Option<BTreeMap<SmolStr, SmolStr>>,
    /// The language of their texts.
    pub lang: Lang,
}

/// What was found in the store.
pub struct Found {
    /// The changes, the first first.
    pub notices: Vec<Notice>,
    /// Changes of findings that somebody answers for.
    pub suppressed: usize,
    /// The last run that was looked at.
    pub to: Cursor,
}

/// What a store is called among the outbox's sources: a file by its whole path, a server without its password.
pub fn source(place: &Place) -> String {
    match place {
        Place::File(path) | Place::Sealed(path, _) => {
            path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string()
        }
        Place::Postgres(_) => place.to_string(),
    }
}

fn cursor(run: &Run) -> Cursor {
    Cursor { place: run.run, mark: run.recorded.to_string() }
}

/// The last run of a store.
///
/// # Errors
/// The store: a sentence.
pub fn last(store: &mut Store, place: &Place) -> Result<Option<Cursor>, Failure> {
    Ok(store.run(None).map_err(store_failure(place))?.as_ref().map(cursor))
}

/// What was recorded after `from`, and besides since `since`. Without `from` and `since`: in the last run. Where the store is another
/// one than it was: everything.
/// `None` where nothing was ever recorded.
///
/// # Errors
/// The store: a sentence.
pub fn since(
    store: &mut Store,
    place: &Place,
    from: Option<&Cursor>,
    since: Option<Timestamp>,
    file: &[Suppression],
    forms: &Forms,
) -> Result<Option<Found>, Failure> {
    let failed = store_failure(place);
    let Some(newest) = store.run(None).map_err(&failed)? else { return Ok(None) };
    let after = match from {
        Some(c) if c.place == 0 => 0,
        Some(c) => match store.run(Some(c.place)).map_err(&failed)? {
            Some(run) if cursor(&run) == *c => c.place,
            // A run that bears another mark, or is not there, is of another store under the same name.
            _ => 0,
        },
        None if since.is_some() => newest.run,
        None => newest.run - 1,
    };
    let mut events = Vec::new();
    if let Some(since) = since {
        let older = store.events_since(since, None).map_err(&failed)?;
        events.extend(older.into_iter().filter(|e| e.run.is_some_and(|run| run <= after)));
    }
    events.extend(store.events_since(Timestamp::MIN, Some(after)).map_err(&failed)?);
    events.retain(|e| e.run.is_some_and(|run| run <= newest.run) && change(&e.happened).is_some());
    let mut suppressions = store.suppressions().map_err(&failed)?;
    suppressions.extend_from_slice(file);
    let findings = findings(store, place, &events)?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (mut notices, mut suppressed) = (Vec::new(), 0);
    for event in &events {
        let Some(f) = findings.get(&event.finding) else { continue };
        if let Some(s) = f.suppressed_by(&suppressions, today) {
            // Who was told of it before it was suppressed is told that it is over: an alert would stay open.
            let told = s.made.is_some_and(|made| f.first_seen < made);
            if !(told && matches!(event.happened, Happened::Resolved { .. })) {
                suppressed += 1;
                continue;
            }
        }
        let detail = serde_json::to_value(told(f, &suppressions, today, Lang::En)).unwrap_or_default();
        notices.extend(notice(f, event, detail, forms));
    }
    Ok(Some(Found { notices, suppressed, to: cursor(&newest) }))
}

/// The findings of events, by id.
fn findings(store: &mut Store, place: &Place, events: &[Event]) -> Result<HashMap<String, Finding>, Failure> {
    let mut ids: Vec<&str> = events.iter().map(|e| e.finding.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let failed = store_failure(place);
    // Few are asked for by name, many are read in one go.
    let found = if ids.len() < 200 {
        let mut found = Vec::new();
        for id in ids {
            found.extend(store.by_id(id).map_err(&failed)?);
        }
        found
    } else {
        store.findings(&Filter::default()).map_err(&failed)?
    };
    Ok(found.into_iter().map(|f| (f.id.clone(), f)).collect())
}

/// What an event is to somebody who is told of it; `None` for what people did themselves.
fn change(happened: &Happened) -> Option<Change> {
    Some(match happened {
        Happened::New => Change::New,
        Happened::Active => Change::Active,
        Happened::Reopened => Change::Reopened,
        Happened::Resolved { .. } => Change::Resolved,
        Happened::Severity { .. } => Change::Severity,
        Happened::Unsure { .. } => Change::Unsure,
        Happened::Sure => Change::Sure,
        Happened::SuppressionEnded { .. } => Change::SuppressionEnded,
        Happened::Suppressed { .. } | Happened::Unsuppressed { .. } | Happened::Assigned { .. } => return None,
    })
}

fn notice(f: &Finding, event: &Event, detail: Json, forms: &Forms) -> Option<Notice> {
    let change = change(&event.happened)?;
    let words = |t: &Texts| Words { title: t.title.to_string(), why: t.why.to_string(), fix: t.fix.to_string() };
    let (asff, ocsf) = written(f, event, forms);
    Some(Notice {
        id: Notice::identity(&[&f.id, change.name(), &event.at.as_microsecond().to_string()]),
        subject: f.id.clone(),
        change,
        severity: f.severity,
        at: event.at,
        account: f.resource.account.to_string(),
        region: f.resource.region.to_string(),
        resource: f.resource.name().to_owned(),
        rule: f.rule.to_string(),
        en: words(&f.texts.en),
        ja: words(&f.texts.ja),
        detail,
        asff,
        ocsf,
    })
}

/// The finding in Security Hub's format and in OCSF, as of the event.
fn written(f: &Finding, event: &Event, forms: &Forms) -> (Option<Json>, Option<Json>) {
    let Some(types) = &forms.types else { return (None, None) };
    let status = match (&event.happened, f.ended) {
        (Happened::Resolved { how: Some(Ended::Passed) | None }, _) => Status::Pass,
        (Happened::Resolved { .. }, _) => Status::NotApplicable,
        (Happened::Unsure { .. }, _) => Status::Unknown,
        _ => Status::Fail,
    };
    let texts = f.texts.pick(forms.lang);
    let verdict = Verdict {
        rule: f.rule.clone(),
        status,
        severity: f.severity,
        resource: f.resource.clone(),
        title: texts.title.clone(),
        why: texts.why.clone(),
        fix: texts.fix.clone(),
        maps: f.maps.clone(),
        evidence: f.evidence.clone(),
        missing: Vec::new(),
        reason: f.unsure.as_ref().map(|u| u.why.pick(forms.lang).clone()).filter(|_| status == Status::Unknown),
        place: None,
    };
    let mut asff = one(&verdict, event.at, types, forms.lang, Format::Asff);
    if let Some(map) = asff.as_mut().and_then(Json::as_object_mut) {
        map.insert("CreatedAt".to_owned(), json!(f.first_seen.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()));
    }
    (asff, one(&verdict, event.at, types, forms.lang, Format::Ocsf))
}

/// A verdict in a format that is a list of them.
pub fn one(
    verdict: &Verdict,
    at: Timestamp,
    types: &BTreeMap<SmolStr, SmolStr>,
    lang: Lang,
    format: Format,
) -> Option<Json> {
    let meta =
        Meta { tool: env!("CARGO_PKG_VERSION").into(), taken_at: at, lang, types: types.clone(), ..Meta::default() };
    let report = Report { meta, verdicts: vec![verdict.clone()], gaps: Vec::new(), compliance: Vec::new() };
    let mut out = Vec::new();
    yagura_report::write(&report, format, &Style::default(), &mut out).ok()?;
    match serde_json::from_slice(&out).ok()? {
        Json::Array(mut all) => all.pop(),
        _ => None,
    }
}

/// A day, a time, or a length of time before now.
///
/// # Errors
/// It is none of them: a sentence.
pub fn time(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || {
        let ms = yagura_detect::detection::millis(text)?;
        Timestamp::from_millisecond(now.as_millisecond().checked_sub(ms)?).ok()
    };
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    text.parse().ok().or_else(day).or_else(ago).ok_or_else(|| {
        Failure::usage(
            format!("`{text}` is no time: 2027-03-31, 2027-03-31T06:00:00Z, or 7d"),
            format!("`{text}` は時刻ではない: 2027-03-31、2027-03-31T06:00:00Z、7d のように書く"),
        )
    })
}
