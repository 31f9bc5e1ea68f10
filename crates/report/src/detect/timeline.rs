//! One line a moment, over all incidents and findings, in the order of time.

use crate::Style;
use crate::terminal::{Ink, Terminal, clean, left};
use crate::text::Text;
use std::collections::HashSet;
use std::io::{self, Write};
use yagura_detect::tell::{Told, short, stage_word};
use yagura_model::{Lang, Severity};

struct Line<'l> {
    time: &'l str,
    severity: Severity,
    /// The number of its incident from 1, or 0.
    incident: usize,
    stage: &'l str,
    title: &'l str,
    actor: &'l str,
    source: &'l str,
}

pub(super) fn write(found: &[Told], style: &Style, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let (terminal, text) = (Terminal::new(style), Text(lang));
    let lines = lines(found);
    if lines.is_empty() {
        return writeln!(out, "{}", lang.pick("Nothing was detected.", "脅威は検出されなかった。"));
    }
    let wide = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
        .map(|s| crate::width(text.severity_word(s)));
    let wide = wide.into_iter().max().unwrap_or(8);
    let mut day = "";
    for line in &lines {
        let (date, clock) = line.time.split_once('T').unwrap_or(("", line.time));
        if date != day {
            writeln!(out, "{}", terminal.paint(Ink::BOLD, date))?;
            day = date;
        }
        let severity = left(text.severity_word(line.severity), wide);
        let incident = if line.incident == 0 { String::new() } else { format!("#{}", line.incident) };
        let stage = Some(stage_word(line.stage, lang)).filter(|s| !s.is_empty());
        let stage = stage.map(|s| format!("[{s}] ")).unwrap_or_default();
        let mut who = vec![short(line.actor), line.source.into()];
        who.dedup();
        let who: Vec<&str> = who.iter().map(|w| w.as_str()).filter(|w| !w.is_empty()).collect();
        writeln!(
            out,
            "  {}  {} {} {}{}  {}",
            clean(clock.get(..8).unwrap_or(clock)),
            terminal.paint(Ink::of_severity(line.severity), &severity),
            left(&incident, 3),
            clean(&stage),
            clean(line.title),
            terminal.paint(Ink::DIM, &clean(&who.join(" ")))
        )?;
    }
    let incidents: Vec<&Told> = found.iter().filter(|t| !t.sequence.is_empty()).collect();
    if !incidents.is_empty() {
        writeln!(out)?;
    }
    for (n, told) in incidents.into_iter().enumerate() {
        let severity = terminal.paint(Ink::of_severity(told.severity), text.severity_word(told.severity));
        writeln!(out, "#{} {severity} {}", n + 1, clean(&told.title))?;
    }
    Ok(())
}

/// Moments of incidents, and findings that are no moment of one, sorted.
fn lines(found: &[Told]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let incidents = found.iter().filter(|t| !t.sequence.is_empty());
    for (n, told) in incidents.enumerate() {
        lines.extend(told.timeline.iter().map(|m| Line {
            time: &m.time,
            severity: told.severity,
            incident: n + 1,
            stage: &m.stage,
            title: &m.title,
            actor: &m.actor,
            source: &m.source_ip,
        }));
    }
    let moments: HashSet<(&str, &str)> =
        found.iter().flat_map(|t| &t.timeline).map(|m| (m.rule.as_str(), m.event.as_str())).collect();
    for told in found.iter().filter(|t| t.sequence.is_empty()) {
        if !told.events.iter().any(|e| moments.contains(&(told.rule.as_str(), e.as_str()))) {
            let a = &told.about;
            lines.push(Line {
                time: &told.time,
                severity: told.severity,
                incident: 0,
                stage: "",
                title: &told.title,
                actor: &a.actor,
                source: &a.source_ip,
            });
        }
    }
    // ISO 8601 in UTC sorts as time does but for fractions of a second.
    lines.sort_by_key(|l| super::attack::millis(l.time));
    lines
}
