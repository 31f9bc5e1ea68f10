//! One finding, and what changed of all.

use super::args::{DiffArgs, ShowArgs};
use super::list::{all_suppressions, columns, machine, row, today};
use super::told::told;
use super::{failed, one, words};
use crate::cli::{Cli, ListFormat};
use crate::commands::detect;
use crate::commands::rows::Rows;
use crate::failure::{Failure, exit};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::Write;
use yagura_findings::{Event, Filter, Finding, Happened, State};
use yagura_model::Lang;

/// Runs `findings show`.
pub fn show(cli: &Cli, args: &ShowArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let f = one(&mut store, &place, &args.id)?;
    let suppressions = all_suppressions(cli, &mut store, &place)?;
    let day = today();
    if args.format != ListFormat::Table {
        let told = told(&f, &suppressions, day, lang);
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &told).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    let mut rows = Rows::new(std::io::stdout().lock());
    let texts = f.texts.pick(lang);
    let state = f.state(&suppressions, day);
    rows.row(&f.id, &texts.title)?;
    rows.row(lang.pick("rule", "ルール"), &f.rule)?;
    rows.row(lang.pick("resource", "リソース"), f.resource.name())?;
    rows.row(lang.pick("account", "アカウント"), &format!("{} {}", f.resource.account, f.resource.region))?;
    rows.row(lang.pick("state", "状態"), &standing(&f, state, lang))?;
    if let Some(s) = f.suppressed_by(&suppressions, day).filter(|_| state == State::Suppressed) {
        rows.row(lang.pick("suppressed", "抑制"), &suppressed(s, lang))?;
    }
    let severity = match (&texts.severity_why, f.severity == f.rule_severity) {
        (Some(why), false) => {
            let own = words::severity(f.rule_severity, lang);
            format!("{} ({} {own}: {why})", words::severity(f.severity, lang), lang.pick("by rule", "ルールでは"))
        }
        _ => words::severity(f.severity, lang).to_owned(),
    };
    rows.row(lang.pick("severity", "重要度"), &severity)?;
    rows.row(lang.pick("first seen", "初回検出"), &words::time(f.first_seen))?;
    rows.row(lang.pick("last seen", "最終検出"), &words::time(f.last_seen))?;
    if let Some(u) = &f.unsure {
        rows.row(
            lang.pick("not checked", "確認不能"),
            &format!("{} – {}: {}", words::time(u.since), words::time(u.last), u.why.pick(lang)),
        )?;
    }
    if let Some(who) = &f.assignee {
        rows.row(lang.pick("assigned to", "担当"), who)?;
    }
    rows.row(lang.pick("why", "理由"), &texts.why)?;
    rows.row(lang.pick("fix", "対処"), &texts.fix)?;
    let maps: Vec<&str> = f.maps.iter().map(smol_str::SmolStr::as_str).collect();
    rows.row(lang.pick("answers", "対応要件"), &maps.join(" "))?;
    rows.row(lang.pick("evidence", "証拠"), &serde_json::to_string(&f.evidence).unwrap_or_default())?;
    Ok(exit::DONE)
}

fn standing(f: &Finding, state: State, lang: Lang) -> String {
    let mut text = format!("{} ({})", words::state(state, lang), words::time(f.since));
    if let Some(how) = f.ended {
        text.push_str(&format!(": {}", words::ended(how, lang)));
    }
    if f.reopened > 0 {
        text.push_str(&match lang {
            Lang::En => format!("; came back {} times", f.reopened),
            Lang::Ja => format!("。再発 {} 回", f.reopened),
        });
    }
    text
}

fn suppressed(s: &yagura_findings::Suppression, lang: Lang) -> String {
    match lang {
        Lang::En => format!("until {} by {}: {} ({})", s.until, s.owner, s.reason, s.id),
        Lang::Ja => format!("{} まで、責任者 {}: {}（{}）", s.until, s.owner, s.reason, s.id),
    }
}

/// Runs `findings history`.
pub fn history(_: &Cli, args: &ShowArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let f = one(&mut store, &place, &args.id)?;
    let events = store.events(&f.id).map_err(failed(&place))?;
    if args.format != ListFormat::Table {
        machine(&events, args.format)?;
        return Ok(exit::DONE);
    }
    writeln!(std::io::stdout(), "{}  {}  {}", f.id, f.rule, f.resource.name())?;
    let run = |e: &Event| e.run.map(|r| format!("{} {r}", lang.pick("run", "実行"))).unwrap_or_default();
    let line = |e: &Event| vec![words::time(e.at), run(e), words::happened(&e.happened, lang)];
    columns(&events.iter().map(line).collect::<Vec<_>>())?;
    Ok(exit::DONE)
}

/// Where a finding's changes left it, in the order in which a difference tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    New,
    Reopened,
    SuppressionEnded,
    Resolved,
    Severity,
    Unsure,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reopened => "reopened",
            Self::SuppressionEnded => "suppression_ended",
            Self::Resolved => "resolved",
            Self::Severity => "severity",
            Self::Unsure => "unsure",
        }
    }

    fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::New => lang.pick("New", "新規"),
            Self::Reopened => lang.pick("Came back", "再発"),
            Self::SuppressionEnded => lang.pick("Suppression ended", "抑制の期限切れ"),
            Self::Resolved => lang.pick("Resolved", "解決"),
            Self::Severity => lang.pick("Severity changed", "重要度の変化"),
            Self::Unsure => lang.pick("Could not be checked any more", "確認不能になったもの"),
        }
    }

    /// What all events of one finding come to. What came and went within the span is not told as new.
    fn of(events: &[&Event], f: &Finding) -> Option<Self> {
        let any = |wanted: fn(&Happened) -> bool| events.iter().any(|e| wanted(&e.happened));
        let born = any(|h| *h == Happened::New);
        let back = any(|h| *h == Happened::Reopened);
        match () {
            () if !f.stage.is_open() => {
                (!born && any(|h| matches!(h, Happened::Resolved { .. }))).then_some(Self::Resolved)
            }
            () if born => Some(Self::New),
            () if back => Some(Self::Reopened),
            () if any(|h| matches!(h, Happened::SuppressionEnded { .. })) => Some(Self::SuppressionEnded),
            () if any(|h| matches!(h, Happened::Severity { .. })) => Some(Self::Severity),
            () if f.unsure.is_some() && any(|h| matches!(h, Happened::Unsure { .. })) => Some(Self::Unsure),
            () => None,
        }
    }
}

/// Runs `findings diff`.
pub fn diff(cli: &Cli, args: &DiffArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let last = store.runs().map_err(failed(&place))?.first().map_or(0, |r| r.run);
    let (since, run) = match args.since.as_deref() {
        None => (Timestamp::UNIX_EPOCH, Some(last - 1)),
        Some(text) => match text.parse::<i64>() {
            Ok(run) if (0..=last).contains(&run) => (Timestamp::UNIX_EPOCH, Some(run)),
            Ok(run) => {
                return Err(Failure::usage(format!("no run `{run}`"), format!("実行 `{run}` は存在しない"))
                    .hint("see `yagura findings runs`", "`yagura findings runs` で一覧を確認すること"));
            }
            Err(_) => {
                let ms = detect::time(Some(text), 0)?;
                (Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH), None)
            }
        },
    };
    let events = store.events_since(since, run).map_err(failed(&place))?;
    let mut by_finding: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    events.iter().for_each(|e| by_finding.entry(&e.finding).or_default().push(e));
    let findings = store.findings(&Filter::default()).map_err(failed(&place))?;
    let suppressions = all_suppressions(cli, &mut store, &place)?;
    let day = today();
    let mut groups: BTreeMap<Group, Vec<&Finding>> = BTreeMap::new();
    for f in &findings {
        let Some(group) = by_finding.get(f.id.as_str()).and_then(|e| Group::of(e, f)) else { continue };
        groups.entry(group).or_default().push(f);
    }
    if args.format != ListFormat::Table {
        let all = groups.iter().flat_map(|(g, found)| found.iter().map(|f| (*g, *f)));
        let line = |(g, f): (Group, &Finding)| {
            let mut json = serde_json::to_value(told(f, &suppressions, day, lang)).unwrap_or_default();
            if let Some(map) = json.as_object_mut() {
                map.insert("change".to_owned(), g.name().into());
            }
            json
        };
        machine(all.map(line), args.format)?;
        return Ok(exit::DONE);
    }
    if groups.is_empty() {
        writeln!(std::io::stdout(), "{}", lang.pick("nothing changed", "変化なし"))?;
    }
    for (group, found) in &groups {
        writeln!(std::io::stdout(), "{} ({})", group.title(lang), found.len())?;
        let rows: Vec<Vec<String>> = found
            .iter()
            .map(|f| {
                row(f, &suppressions, day, lang)
                    .into_iter()
                    .enumerate()
                    .map(|(n, c)| if n == 0 { format!("  {c}") } else { c })
                    .collect()
            })
            .collect();
        columns(&rows)?;
    }
    Ok(exit::DONE)
}
