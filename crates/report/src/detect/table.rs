//! For people on a terminal: incidents with their timeline, then what stands alone, the worst first.

use super::folded;
use crate::Style;
use crate::terminal::{Ink, Terminal, clean, left};
use crate::text::Text;
use std::io::{self, Write};
use yagura_detect::tell::{Told, short, stage_word, tactic_word};
use yagura_model::Lang;

/// Moments of an incident that are shown.
const MOMENTS: usize = 25;

pub(super) fn write(found: &[Told], style: &Style, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let terminal = Terminal::new(style);
    let text = Text(lang);
    let (incidents, mut signals): (Vec<&Told>, Vec<&Told>) = found.iter().partition(|t| !t.sequence.is_empty());
    signals.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.time.cmp(&b.time)));
    if found.is_empty() {
        return writeln!(out, "{}", lang.pick("Nothing was detected.", "脅威は検出されなかった。"));
    }
    for told in incidents {
        head(told, terminal, text, lang, out)?;
        let moments = folded(told, found);
        for m in moments.iter().take(MOMENTS) {
            let stage = stage_word(&m.stage, lang);
            let time = m.time.get(..19).unwrap_or(&m.time);
            let line = format!("{time}  {} {}", left(stage, 12), m.title);
            for part in terminal.wrap_hanging(&clean(&line), "    ", "        ") {
                writeln!(out, "{part}")?;
            }
        }
        let rest = told.timeline.len().saturating_sub(moments.len().min(MOMENTS));
        if rest > 0 {
            let (en, ja) = (
                format!("… and {rest} more of the same records and rules; --format timeline shows each"),
                format!("…ほか、同じレコードやルールの動き {rest} 件（--format timeline で表示）"),
            );
            writeln!(out, "    {}", terminal.paint(Ink::DIM, lang.pick(&en, &ja)))?;
        }
        tail(told, terminal, lang, out)?;
    }
    let (parts, alone): (Vec<&Told>, Vec<&Told>) = signals.into_iter().partition(|t| {
        t.incident.is_some() && found.iter().any(|i| !i.sequence.is_empty() && i.incident == t.incident)
    });
    for told in alone {
        head(told, terminal, text, lang, out)?;
        tail(told, terminal, lang, out)?;
    }
    if !parts.is_empty() {
        let n = parts.len();
        let text = match lang {
            Lang::En => {
                format!("{n} more findings are parts of the incidents above; --format jsonl and html show each.")
            }
            Lang::Ja => {
                format!("ほかに、上のインシデントに含まれる検出結果が {n} 件ある（--format jsonl と html で表示）。")
            }
        };
        writeln!(out, "{}", terminal.paint(Ink::DIM, &text))?;
    }
    Ok(())
}

fn head(told: &Told, terminal: Terminal, text: Text, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let severity = terminal.paint(Ink::of_severity(told.severity), text.severity_word(told.severity));
    let kind = if told.sequence.is_empty() { "" } else { lang.pick(" incident", " インシデント") };
    let time = told.time.get(..19).unwrap_or(&told.time);
    writeln!(
        out,
        "{severity}{kind}  {}  {}",
        terminal.paint(Ink::BOLD, &clean(&told.title)),
        terminal.paint(Ink::DIM, &told.rule)
    )?;
    let a = &told.about;
    let who = short(&a.actor);
    // Of a host on the network its address is its name.
    let source = if a.source_ip == who { "" } else { a.source_ip.as_str() };
    let parts = [time, who.as_str(), source, a.account.as_str(), a.region.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    let count = match lang {
        Lang::En => format!("{} record{}", told.count, if told.count == 1 { "" } else { "s" }),
        Lang::Ja => format!("{} 件", told.count),
    };
    writeln!(out, "    {}", terminal.paint(Ink::DIM, &clean(&format!("{}  ({count})", parts.join("  ")))))
}

fn tail(told: &Told, terminal: Terminal, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    for line in terminal.wrap(&clean(&told.why), "    ") {
        if !line.trim().is_empty() {
            writeln!(out, "{line}")?;
        }
    }
    if !told.innocent.is_empty() {
        let line = format!("{} {}", lang.pick("Innocent causes:", "問題のない原因:"), told.innocent.join("; "));
        for line in terminal.wrap(&clean(&line), "    ") {
            writeln!(out, "{line}")?;
        }
    }
    if !told.tactics.is_empty() {
        let line = format!(
            "{} {}",
            lang.pick("Tactics reached:", "到達した戦術:"),
            told.tactics.iter().map(|t| tactic_word(t, lang)).collect::<Vec<_>>().join(lang.pick(", ", "、"))
        );
        for line in terminal.wrap(&line, "    ") {
            writeln!(out, "{line}")?;
        }
    }
    if !told.missing.is_empty() {
        writeln!(
            out,
            "    {} {}",
            lang.pick("Not seen:", "未確認:"),
            told.missing.iter().map(|m| stage_word(m, lang)).collect::<Vec<_>>().join(", ")
        )?;
    }
    for look in told.look.iter().take(3) {
        for line in terminal.wrap_hanging(&clean(look), "    → ", "      ") {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)
}
