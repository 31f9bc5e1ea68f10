//! The plain list for paper, and for a browser without JavaScript.

use super::{STATUSES, escape, prose};
use crate::summary::{SEVERITIES, coverage, failures};
use crate::text::{Text, fill, grouped};
use crate::{Report, Summary, identity};
use std::io::{self, Write};

/// The most failures that the printed list names.
pub(super) const PRINTED: usize = 2_000;

/// The list for paper: counts, failures under their check, what could not be seen.
pub(super) fn printed(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let (meta, summary) = (&report.meta, Summary::of(&report.verdicts));
    let caller = meta.caller.as_ref().map(|c| format!(" · {} {c}", text.caller())).unwrap_or_default();
    let facts = format!(
        "{} {} · {} {} · {}{caller} · Yagura {}",
        text.accounts(),
        meta.accounts.join(", "),
        text.regions(),
        meta.regions.join(", "),
        meta.taken_at.strftime("%Y-%m-%d %H:%M UTC"),
        meta.tool
    );
    writeln!(out, "<h1>Yagura: {}</h1><p>{}</p>", escape(text.report_title()), escape(&facts))?;
    if meta.demo {
        writeln!(out, "<p><strong>{}</strong></p>", escape(text.sample_note()))?;
    }
    write!(out, "<table><tr><th>{}", escape(text.severity()))?;
    for status in STATUSES {
        write!(out, "<th>{}", escape(text.status_word(status)))?;
    }
    for severity in SEVERITIES {
        if let Some(counts) = summary.by_severity.get(&severity) {
            write!(out, "<tr><td>{}", escape(text.severity_word(severity)))?;
            for status in STATUSES {
                write!(out, "<td>{}", grouped(counts.of(status)))?;
            }
        }
    }
    writeln!(
        out,
        "<tr><td>{}<td>{}</table>",
        escape(text.total()),
        STATUSES.map(|s| grouped(summary.total.of(s))).join("<td>")
    )?;
    printed_failures(report, text, out)?;
    let coverage = coverage(report);
    if let Some(clear) = coverage.all_clear(report) {
        return writeln!(out, "<p>{}</p>", escape(clear));
    }
    writeln!(out, "<h2>{}</h2>", escape(text.unseen()))?;
    if coverage.verdicts > 0 {
        writeln!(out, "<p>{}</p>", escape(&text.not_judged(coverage.verdicts, coverage.rules)))?;
    }
    writeln!(out, "<ul>")?;
    for cause in &coverage.causes {
        let reason = cause.reason.map(|r| format!("{}: ", text.gap_reason(r))).unwrap_or_default();
        let remedy = cause.reason.map(|r| text.gap_remedy(r)).unwrap_or_default();
        let blinds = if cause.verdicts > 0 {
            format!(" ({})", text.blinds(cause.rules.len(), cause.verdicts))
        } else {
            String::new()
        };
        writeln!(
            out,
            "<li>{}<code>{}</code>{}<br>{}",
            escape(&reason),
            escape(&cause.what),
            escape(&blinds),
            prose(remedy)
        )?;
    }
    writeln!(out, "</ul>")
}

fn printed_failures(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let groups = failures(&report.verdicts);
    writeln!(out, "<h2>{}</h2>", escape(text.all_failed()))?;
    let mut left: usize = groups.iter().map(|g| g.verdicts.len()).sum();
    if left == 0 {
        writeln!(out, "<p>{}</p>", escape(report.nothing()))?;
    }
    let mut room = PRINTED;
    for group in &groups {
        let (Some(first), true) = (group.first(), room > 0) else {
            break;
        };
        let severity = text.severity_word(group.severity);
        writeln!(
            out,
            "<h3><span class=\"sev s{}\">{}</span> {}</h3><p><code>{}</code> · {}</p><p>{}</p><ul>",
            SEVERITIES.iter().position(|s| *s == group.severity).unwrap_or(0),
            escape(severity),
            escape(&first.title),
            escape(&first.rule),
            escape(&text.count_resources(group.verdicts.len())),
            prose(&first.why),
        )?;
        if let Some(reason) = &first.reason {
            writeln!(out, "<li>{}: {}</li>", escape(text.reason_lower()), escape(reason))?;
        }
        for verdict in group.verdicts.iter().take(room) {
            let r = &verdict.resource;
            writeln!(
                out,
                "<li><strong>{}</strong> {} {}<br>{}",
                escape(&r.id),
                escape(&r.account),
                escape(if identity::is_global(&r.region) { text.global() } else { &r.region }),
                prose(&verdict.fix)
            )?;
        }
        writeln!(out, "</ul>")?;
        let shown = group.verdicts.len().min(room);
        (room, left) = (room - shown, left - shown);
    }
    if left > 0 {
        writeln!(
            out,
            "<p><strong>{}</strong></p>",
            escape(&fill(text.not_shown_page(), &[("n", &grouped(left as u64))]))
        )?;
    }
    Ok(())
}
