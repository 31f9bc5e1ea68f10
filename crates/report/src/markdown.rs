//! Markdown for a pull-request comment: the summary, the failures in a table, what could not be seen.
//!
//! GitHub refuses a comment above 65,536 characters, so rows stop at [`ROWS`] or [`CHARACTERS`], whichever comes first,
//! and the rest is counted.

use crate::summary::{SEVERITIES, coverage, failures};
use crate::terminal::clean;
use crate::text::{Text, fill, grouped};
use crate::{Report, Summary, identity};
use std::fmt::Write as _;
use std::io::{self, Write};
use yagura_model::{Severity, Status, Verdict};

/// The most failures that the table shows.
const ROWS: usize = 200;
/// The length after which the table takes no more rows.
const CHARACTERS: usize = 50_000;
/// The most causes of not seeing that are shown.
const CAUSES: usize = 20;

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = Text(report.meta.lang);
    let summary = Summary::of(&report.verdicts);
    let mut page = format!("## Yagura: {}\n\n", text.report_title());
    if report.meta.demo {
        let _ = writeln!(page, "> {}\n", text.sample_note());
    }
    let statuses = [Status::Fail, Status::Unknown, Status::Pass, Status::NotApplicable];
    let counts: Vec<_> =
        statuses.into_iter().map(|s| format!("**{}**", text.count_status(s, summary.total.of(s)))).collect();
    let _ = writeln!(page, "{}\n", counts.join(" · "));
    let _ = writeln!(
        page,
        "{} · {} · {}\n",
        text.count_accounts(&report.meta.accounts),
        text.count_regions(&report.meta.regions),
        report.meta.taken_at.strftime("%Y-%m-%d %H:%M UTC"),
    );
    if !report.verdicts.is_empty() {
        severities(&mut page, &summary, text);
    }
    for framework in &report.compliance {
        crate::compliance::markdown(framework, report.meta.lang, &mut page);
    }
    failed(&mut page, report, &summary, text);
    unseen(&mut page, report, text);
    out.write_all(page.as_bytes())
}

fn severities(page: &mut String, summary: &Summary, text: Text) {
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} |\n|---|--:|--:|--:|",
        text.severity(),
        text.status_word(Status::Fail),
        text.status_word(Status::Unknown),
        text.status_word(Status::Pass)
    );
    for severity in SEVERITIES {
        if let Some(counts) = summary.by_severity.get(&severity) {
            let _ = writeln!(
                page,
                "| {} {} | {} | {} | {} |",
                mark(severity),
                text.severity_word(severity),
                grouped(counts.fail),
                grouped(counts.unknown),
                grouped(counts.pass)
            );
        }
    }
    page.push('\n');
}

fn failed(page: &mut String, report: &Report, summary: &Summary, text: Text) {
    let groups = failures(&report.verdicts);
    if groups.is_empty() {
        let _ = writeln!(page, "{}\n", report.nothing());
        return;
    }
    let _ = writeln!(
        page,
        "### {}\n\n| {} | {} | {} | {} |\n|---|---|---|---|",
        text.all_failed(),
        text.severity(),
        text.check(),
        text.resource(),
        text.fix()
    );
    let mut shown = 0;
    for verdict in groups.iter().flat_map(|g| &g.verdicts) {
        if shown == ROWS || page.len() > CHARACTERS {
            break;
        }
        row(page, verdict, text);
        shown += 1;
    }
    page.push('\n');
    let left = usize::try_from(summary.total.fail).unwrap_or(usize::MAX).saturating_sub(shown);
    if left > 0 {
        let _ = writeln!(page, "{}\n", fill(text.not_shown(), &[("n", &grouped(left as u64))]));
    }
}

fn row(page: &mut String, verdict: &Verdict, text: Text) {
    let resource = &verdict.resource;
    let region = if identity::is_global(&resource.region) { text.global() } else { &resource.region };
    let place = match &verdict.place {
        Some(place) => code(&format!("{}:{}", place.file, place.line)),
        None => format!("{} {}", escape(&resource.account), escape(region)),
    };
    let _ = writeln!(
        page,
        "| {} {} | {}<br>{} | {}<br>{place} | {} |",
        mark(verdict.severity),
        text.severity_word(verdict.severity),
        escape(&verdict.title),
        match &verdict.reason {
            Some(reason) => format!("{}<br>{}: {}", code(&verdict.rule), text.reason_lower(), escape(reason)),
            None => code(&verdict.rule),
        },
        code(&resource.id),
        escape(&verdict.fix),
    );
}

fn unseen(page: &mut String, report: &Report, text: Text) {
    let coverage = coverage(report);
    if let Some(clear) = coverage.all_clear(report) {
        let _ = writeln!(page, "{clear}");
        return;
    }
    let _ = writeln!(page, "### {}\n", text.unseen());
    if coverage.verdicts > 0 {
        let _ = writeln!(page, "{}\n", text.not_judged(coverage.verdicts, coverage.rules));
    }
    for cause in coverage.causes.iter().take(CAUSES) {
        let what = if cause.reason.is_some() { code(&cause.what) } else { escape(&cause.what) };
        let head = cause.reason.map(|r| format!("**{}** ", text.gap_reason(r))).unwrap_or_default();
        let blinds = if cause.verdicts > 0 {
            format!(" — {}", text.blinds(cause.rules.len(), cause.verdicts))
        } else {
            String::new()
        };
        let remedy = cause.reason.map(|r| format!("<br>{}", text.gap_remedy(r))).unwrap_or_default();
        let _ = writeln!(page, "- {head}{what}{blinds}{remedy}");
    }
    if coverage.causes.len() > CAUSES {
        let _ = writeln!(page, "- {}", text.more(coverage.causes.len() - CAUSES));
    }
}

const fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🟣",
        Severity::High => "🔴",
        Severity::Medium => "🟠",
        Severity::Low => "🟡",
        Severity::Info => "🔵",
    }
}

/// Text in a table cell: no markup, no line break, no mention of a user.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A code span in a table cell, fenced by more backticks than it holds.
fn code(text: &str) -> String {
    let clean = clean(text);
    let longest = clean.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if clean.starts_with('`') || clean.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", clean.replace('|', "\\|"))
}
