//! What a person reads.

use super::Outcome;
use super::read::Read;
use super::words;
use std::fmt::Write as _;
use yagura_model::Lang;
use yagura_policy::rehearse::Verdict;
use yagura_policy::rehearse::tally::Row;
use yagura_report::width;

/// The whole answer.
pub fn table(outcome: &Outcome<'_>, lang: Lang) -> String {
    let mut out = String::new();
    for line in outcome.documents.iter().chain(outcome.others).flat_map(|d| d.lines(lang)) {
        let _ = writeln!(out, "{line}");
    }
    let rows = outcome.read.tally.rows();
    for verdict in [Verdict::Denied, Verdict::Unknown, Verdict::Changed, Verdict::Allowed] {
        let of: Vec<&Row> = rows.iter().copied().filter(|r| r.verdict == verdict).collect();
        if !of.is_empty() {
            section(&mut out, outcome, verdict, &of, lang);
        }
    }
    resources(&mut out, outcome, lang);
    counts(&mut out, outcome, lang);
    let _ = writeln!(out);
    for limit in words::limits(outcome.args, lang) {
        let _ = writeln!(out, "{limit}");
    }
    out
}

/// The lines of one verdict under their head.
fn section(out: &mut String, outcome: &Outcome<'_>, verdict: Verdict, rows: &[&Row], lang: Lang) {
    let calls: u64 = rows.iter().map(|r| r.calls).sum();
    let head = match (verdict, lang) {
        (Verdict::Denied, Lang::En) => format!("Would be denied: {calls} calls"),
        (Verdict::Denied, Lang::Ja) => format!("拒否される呼び出し: {calls} 件"),
        (Verdict::Unknown, Lang::En) => format!("Unknown: {calls} calls"),
        (Verdict::Unknown, Lang::Ja) => format!("不明な呼び出し: {calls} 件"),
        (Verdict::Changed, Lang::En) => format!("Would go on with other defaults: {calls} calls"),
        (Verdict::Changed, Lang::Ja) => format!("成功するが既定値が変わる呼び出し: {calls} 件"),
        (Verdict::Allowed, Lang::En) => format!("Would go on: {calls} calls"),
        (Verdict::Allowed, Lang::Ja) => format!("許可される呼び出し: {calls} 件"),
    };
    let _ = writeln!(out, "{head}");
    let mut lines = vec![
        [
            lang.pick("CALLS", "件数"),
            lang.pick("PRINCIPAL", "プリンシパル"),
            lang.pick("ACTION", "アクション"),
            lang.pick("FIRST", "初回"),
            lang.pick("LAST", "最終"),
            lang.pick("BY", "根拠"),
            lang.pick("EVENT", "イベント"),
        ]
        .map(str::to_owned),
    ];
    let shown = rows.len().min(outcome.args.top);
    lines.extend(rows.iter().take(shown).map(|row| {
        let by = match row.by.as_str() {
            "" => lang.pick("(nothing allows it)", "（許可がない）"),
            by => by,
        };
        let other = row.against.map(|a| match lang {
            Lang::En => format!(" (the other: {})", words::verdict(a, lang)),
            Lang::Ja => format!("（比較対象: {}）", words::verdict(a, lang)),
        });
        [
            row.calls.to_string(),
            row.principal.to_string(),
            row.action.to_string(),
            row.first.to_string(),
            row.last.to_string(),
            format!("{by}{}", other.unwrap_or_default()),
            row.event.to_string(),
        ]
    }));
    let mut widths = [0; 7];
    for (column, most) in widths.iter_mut().enumerate() {
        *most = lines.iter().filter_map(|l| l.get(column)).map(|cell| width(cell)).max().unwrap_or(0);
    }
    for (place, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).map(|(cell, most)| {
            let gap = " ".repeat(most.saturating_sub(width(cell)));
            format!("{cell}{gap}")
        });
        let _ = writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        if let Some(row) = place.checked_sub(1).and_then(|p| rows.get(p)) {
            for why in &row.why {
                let _ = writeln!(out, "      {}", words::why(why, outcome.catalogue, lang));
            }
        }
    }
    if rows.len() > shown {
        let more = rows.len() - shown;
        let _ = match lang {
            Lang::En => writeln!(out, "  … and {more} more lines (--top, or --format json)"),
            Lang::Ja => writeln!(out, "  … ほか {more} 行（--top または --format json）"),
        };
    }
    let _ = writeln!(out);
}

fn resources(out: &mut String, outcome: &Outcome<'_>, lang: Lang) {
    if outcome.args.snapshot.is_none() {
        return;
    }
    let n = outcome.touched.len();
    let _ = match lang {
        Lang::En => writeln!(out, "Resources of the snapshot that it touches: {n}"),
        Lang::Ja => writeln!(out, "影響を受けるスナップショットのリソース: {n} 件"),
    };
    for one in outcome.touched.iter().take(outcome.args.top) {
        let _ = writeln!(out, "  {}  {}  {}: {}", one.resource, one.region, one.by, one.effect.say(lang));
    }
    if n > outcome.args.top {
        let _ = writeln!(out, "  … {}", n - outcome.args.top);
    }
    for kind in &outcome.unlisted {
        let _ = match lang {
            Lang::En => writeln!(out, "  {kind}: not (or not wholly) in the snapshot, so there may be more"),
            Lang::Ja => {
                writeln!(out, "  {kind}: スナップショットにない（または一部だけ）ため、ほかにもある可能性がある")
            }
        };
    }
    let _ = writeln!(out);
}

fn counts(out: &mut String, outcome: &Outcome<'_>, lang: Lang) {
    let tally = &outcome.read.tally;
    let c = &tally.counts;
    let _ = match lang {
        Lang::En => writeln!(
            out,
            "{} calls would be denied, {} are unknown, {} would go on; {} were refused by AWS already ({} of them would be denied here, too).",
            c.denied,
            c.unknown,
            c.allowed + c.changed,
            c.refused,
            c.refused_and_denied
        ),
        Lang::Ja => writeln!(
            out,
            "拒否 {} 件、不明 {} 件、許可 {} 件。AWS がすでに拒否したもの {} 件（うちこのガードレールでも拒否 {} 件）。",
            c.denied,
            c.unknown,
            c.allowed + c.changed,
            c.refused,
            c.refused_and_denied
        ),
    };
    for (why, n) in &tally.untouched {
        let _ = match lang {
            Lang::En => writeln!(out, "Not touched: {n} calls {}.", words::untouched(*why, lang)),
            Lang::Ja => writeln!(out, "対象外: {}（{n} 件）", words::untouched(*why, lang)),
        };
    }
    let rest = [
        (c.no_calls, "records are no API calls", "API 呼び出しではないレコード"),
        (c.duplicates, "records came twice", "重複したレコード"),
        (c.beyond, "calls are beyond the table's lines", "表に収まらない呼び出し"),
        (outcome.read.outside, "records lie outside of the asked time", "指定した期間外のレコード"),
        (outcome.read.timeless, "records have no time and were left out", "時刻がなく対象外としたレコード"),
        (outcome.read.other.values().sum(), "records are of other logs", "ほかのログのレコード"),
    ];
    for (n, en, ja) in rest.into_iter().filter(|(n, ..)| *n > 0) {
        let _ = match lang {
            Lang::En => writeln!(out, "{n} {en}."),
            Lang::Ja => writeln!(out, "{ja}: {n} 件"),
        };
    }
}

/// What could not be read, a line each.
pub fn unread(read: &Read, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = read
        .aside
        .iter()
        .take(10)
        .map(|(file, why)| format!("{} {file}: {why}", lang.pick("not read:", "読み取れない:")))
        .collect();
    let more = read.unread.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(match lang {
            Lang::En => format!("… and {more} more could not be read"),
            Lang::Ja => format!("…ほか {more} 件は読み取れない"),
        });
    }
    lines
}

/// How fast it went.
pub fn speed(read: &Read, lang: Lang) -> String {
    let (n, seconds) = (read.tally.counts.records, read.took.as_secs_f64());
    let rate = if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
    match lang {
        Lang::En => format!("{n} CloudTrail records in {seconds:.1} s ({rate:.0} a second)"),
        Lang::Ja => format!("CloudTrail のレコード {n} 件を {seconds:.1} 秒で評価（毎秒 {rate:.0} 件）"),
    }
}
