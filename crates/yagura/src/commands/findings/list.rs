//! Lists: findings, suppressions, runs.

use super::args::{ListArgs, PlainArgs};
use super::told::told;
use super::{failed, words};
use crate::cli::{Cli, ListFormat};
use crate::failure::{Failure, exit};
use crate::settings;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use yagura_findings::{Filter, Finding, Fit, Place, State, Store, Suppression};
use yagura_model::Lang;
use yagura_report::width;

/// Today, UTC: suppressions end with its day.
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The suppressions of the store and of the settings file.
///
/// # Errors
/// A sentence.
pub fn all_suppressions(cli: &Cli, store: &mut Store, place: &Place) -> Result<Vec<Suppression>, Failure> {
    let mut all = store.suppressions().map_err(failed(place))?;
    all.extend(settings::suppressions(cli.config.as_deref())?);
    Ok(all)
}

/// Writes values as one JSON array or as lines.
///
/// # Errors
/// The output cannot be written.
pub fn machine<T: Serialize>(items: impl IntoIterator<Item = T>, format: ListFormat) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let lines = format == ListFormat::Jsonl;
    let mut between = if lines { "" } else { "[\n" };
    for item in items {
        write!(out, "{between}")?;
        serde_json::to_writer(&mut out, &item).map_err(std::io::Error::from)?;
        between = if lines { "\n" } else { ",\n" };
    }
    match (lines, between) {
        (true, "") => {}
        (true, _) => writeln!(out)?,
        (false, "[\n") => writeln!(out, "[]")?,
        (false, _) => writeln!(out, "\n]")?,
    }
    Ok(out.flush()?)
}

/// Writes columns, all but the last as wide as their widest cell.
///
/// # Errors
/// The output cannot be written.
pub fn columns(rows: &[Vec<String>]) -> Result<(), Failure> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |n: usize| rows.iter().filter_map(|r| r.get(n)).map(|c| width(c)).max().unwrap_or(0);
    let wide: Vec<usize> = (0..count).map(widest).collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for row in rows {
        let mut line = String::new();
        for (cell, wide) in row.iter().zip(&wide) {
            let cell: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            line.push_str(&cell);
            line.push_str(&" ".repeat(wide.saturating_sub(width(&cell)) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(out.flush()?)
}

/// Runs `findings list`.
pub fn run(cli: &Cli, args: &ListArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let suppressions = all_suppressions(cli, &mut store, &place)?;
    let filter =
        Filter { account: args.account.clone(), rule: args.rule.clone(), severity: args.severity.map(Into::into) };
    let mut found = store.findings(&filter).map_err(failed(&place))?;
    let (wanted, day): (Vec<State>, Date) = (args.state.iter().map(|s| State::from(*s)).collect(), today());
    found.retain(|f| {
        let state = f.state(&suppressions, day);
        (if wanted.is_empty() { state != State::Resolved } else { wanted.contains(&state) })
            && args.assignee.as_ref().is_none_or(|who| f.assignee.as_ref() == Some(who))
    });
    if args.format != ListFormat::Table {
        machine(found.iter().map(|f| told(f, &suppressions, day, lang)), args.format)?;
        return Ok(exit::DONE);
    }
    columns(&found.iter().map(|f| row(f, &suppressions, day, lang)).collect::<Vec<_>>())?;
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    found.iter().for_each(|f| *counts.entry(f.state(&suppressions, day)).or_default() += 1);
    let parts: Vec<String> = counts.iter().map(|(s, n)| format!("{} {n}", words::state(*s, lang))).collect();
    let none = lang.pick("no finding fits", "条件に合う検出結果はない");
    writeln!(std::io::stderr(), "{}", if parts.is_empty() { none.to_owned() } else { parts.join(", ") })?;
    Ok(exit::DONE)
}

/// A finding as a line.
pub fn row(f: &Finding, suppressions: &[Suppression], day: Date, lang: Lang) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(s) = f.suppressed_by(suppressions, day).filter(|_| f.stage.is_open()) {
        notes.push(match lang {
            Lang::En => format!("until {} ({}, {})", s.until, s.owner, s.id),
            Lang::Ja => format!("{} まで（{}、{}）", s.until, s.owner, s.id),
        });
    }
    if f.severity != f.rule_severity {
        let own = words::severity(f.rule_severity, lang);
        notes.push(format!("{} {own}", lang.pick("severity by rule:", "ルールの重要度:")));
    }
    if let Some(who) = &f.assignee {
        notes.push(format!("→ {who}"));
    }
    if let Some(u) = f.unsure.as_ref().filter(|_| f.stage.is_open()) {
        let since = words::time(u.since);
        notes.push(format!("{} {since}", lang.pick("not checked since", "確認不能:")));
    }
    vec![
        words::state(f.state(suppressions, day), lang).to_owned(),
        words::severity(f.severity, lang).to_owned(),
        words::short(f).to_owned(),
        f.rule.to_string(),
        f.resource.name().to_owned(),
        notes.join("; "),
    ]
}

/// A suppression with what it does.
#[derive(Serialize)]
struct Listed<'s> {
    #[serde(flatten)]
    suppression: &'s Suppression,
    covers: usize,
    ended: bool,
    stale: bool,
}

/// Runs `findings suppressions`.
pub fn suppressions(cli: &Cli, args: &PlainArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let all = all_suppressions(cli, &mut store, &place)?;
    let findings = store.findings(&Filter::default()).map_err(failed(&place))?;
    let day = today();
    let listed: Vec<Listed<'_>> = all
        .iter()
        .map(|s| {
            let covers = findings.iter().filter(|f| f.stage.is_open() && s.covers(f, day) == Fit::Yes).count();
            let ended = s.until < day;
            Listed { suppression: s, covers, ended, stale: ended || covers == 0 }
        })
        .collect();
    if args.format != ListFormat::Table {
        machine(&listed, args.format)?;
        return Ok(exit::DONE);
    }
    let row = |l: &Listed<'_>| {
        let s = l.suppression;
        let note = match (l.ended, l.covers, lang) {
            (true, _, Lang::En) => "stale: ended".to_owned(),
            (true, _, Lang::Ja) => "要整理: 期限切れ".to_owned(),
            (_, 0, Lang::En) => "stale: covers nothing".to_owned(),
            (_, 0, Lang::Ja) => "要整理: 該当なし".to_owned(),
            (_, n, Lang::En) => format!("covers {n}"),
            (_, n, Lang::Ja) => format!("該当 {n} 件"),
        };
        vec![s.id.clone(), s.until.to_string(), note, s.owner.clone(), words::covers(s), s.reason.clone()]
    };
    columns(&listed.iter().map(row).collect::<Vec<_>>())?;
    let stale = listed.iter().filter(|l| l.stale).count();
    match lang {
        Lang::En => writeln!(std::io::stderr(), "{} suppressions, {stale} stale", listed.len())?,
        Lang::Ja => writeln!(std::io::stderr(), "抑制 {} 件、うち要整理 {stale} 件", listed.len())?,
    }
    Ok(exit::DONE)
}

/// Runs `findings runs`.
pub fn runs(args: &PlainArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let runs = store.runs().map_err(failed(&place))?;
    if args.format != ListFormat::Table {
        machine(&runs, args.format)?;
        return Ok(exit::DONE);
    }
    let source = |s: &str| match s {
        "live" => lang.pick("live", "実環境"),
        "snapshot" => lang.pick("snapshot", "スナップショット"),
        _ => lang.pick("demo", "サンプル"),
    };
    let row = |r: &yagura_findings::Run| {
        vec![r.run.to_string(), words::time(r.at), source(&r.source).to_owned(), r.caller.clone()]
    };
    columns(&runs.iter().map(row).collect::<Vec<_>>())?;
    Ok(exit::DONE)
}
