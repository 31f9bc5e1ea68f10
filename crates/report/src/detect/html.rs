//! One self-contained page: incidents first, each with its timeline as a picture, then every finding, filtered by severity and text.
//!
//! Nothing is loaded. A content security policy lets only the page's own style and script run, by hash; without JavaScript the page is the
//! same but for the filter. All findings are in the page.

use super::{attack, beside, folded};
use crate::html::{escape, source_hash};
use crate::summary::SEVERITIES;
use crate::text::Text;
use crate::timeline::{self, Mark};
use std::io::{self, Write};
use yagura_detect::tell::{Moment, Told, short, stage_word, tactic_word};
use yagura_model::{Lang, Severity};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// A page with this heading, these facts beside it, and a body that is markup already.
pub(crate) fn page(title: &str, facts: &str, body: &str, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let style = format!("{}{}", include_str!("page.css"), timeline::STYLE);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match name {
            "lang" => out.write_all(lang.pick("en", "ja").as_bytes())?,
            "policy" => write!(out, "script-src '{}'; style-src '{}'", source_hash(SCRIPT), source_hash(&style))?,
            "style" => out.write_all(style.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "title" => out.write_all(escape(title).as_bytes())?,
            "facts" => out.write_all(escape(facts).as_bytes())?,
            "body" => out.write_all(body.as_bytes())?,
            _ => {}
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

pub(super) fn write(found: &[Told], lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let (incidents, mut signals): (Vec<&Told>, Vec<&Told>) = found.iter().partition(|t| !t.sequence.is_empty());
    signals.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.time.cmp(&b.time)));
    let mut body = Vec::new();
    if found.is_empty() {
        writeln!(body, "<p>{}</p>", lang.pick("Nothing was detected.", "脅威は検出されなかった。"))?;
    }
    if !incidents.is_empty() {
        writeln!(body, "<h2>{} <small>{}</small></h2>", lang.pick("Incidents", "インシデント"), incidents.len())?;
    }
    for told in &incidents {
        incident(told, found, lang, &mut body)?;
    }
    if !signals.is_empty() {
        findings(&signals, lang, &mut body)?;
    }
    let facts = match lang {
        Lang::En => format!(
            "{} · {} · Yagura {}",
            counted(incidents.len(), "incident"),
            counted(signals.len(), "finding"),
            env!("CARGO_PKG_VERSION")
        ),
        Lang::Ja => format!(
            "インシデント {} 件 · 検出結果 {} 件 · Yagura {}",
            incidents.len(),
            signals.len(),
            env!("CARGO_PKG_VERSION")
        ),
    };
    page(lang.pick("threat detection", "脅威検出"), &facts, &String::from_utf8_lossy(&body), lang, out)
}

/// `1 finding`, `2 findings`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn severity_class(severity: Severity) -> usize {
    SEVERITIES.iter().position(|s| *s == severity).unwrap_or(0)
}

/// The severity as a badge.
pub(crate) fn badge(severity: Severity, lang: Lang) -> String {
    format!(r#"<span class="sev s{}">{}</span>"#, severity_class(severity), escape(Text(lang).severity_word(severity)))
}

fn incident(told: &Told, found: &[Told], lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "<article class=\"card\"><h3>{}{}</h3>", badge(told.severity, lang), escape(&told.title))?;
    facts(told, lang, out)?;
    writeln!(out, "<p>{}</p>", escape(&told.why))?;
    let severity = |rule: &str| found.iter().find(|t| t.rule == rule && t.sequence.is_empty()).map(|t| t.severity);
    let mark = |m: &Moment| {
        let lane = if m.actor.is_empty() { m.source_ip.to_string() } else { short(&m.actor).to_string() };
        Mark {
            time: attack::millis(&m.time),
            severity: Some(severity(&m.rule).unwrap_or(Severity::Info)),
            label: beside(&m.title, &lane).to_owned(),
            lane,
            detail: format!("{} {} {}", m.rule, m.source_ip, m.event),
        }
    };
    let marks: Vec<Mark> = folded(told, found).into_iter().map(mark).collect();
    writeln!(out, "<div class=\"wide\">{}</div>", timeline::svg(&marks, &told.title, lang, false))?;
    steps(told, lang, out)?;
    looks(told, lang, out)?;
    writeln!(out, "<dl>")?;
    let unseen: Vec<&str> = told.missing.iter().map(|m| stage_word(m, lang)).collect();
    list(lang.pick("Not seen", "未確認の段階"), unseen.into_iter(), out)?;
    let tactics: Vec<String> = told.tactics.iter().map(|t| tactic_word(t, lang)).collect();
    list(lang.pick("Tactics reached", "到達した戦術"), tactics.iter().map(String::as_str), out)?;
    for (name, all) in [
        (lang.pick("Who took part", "関与した主体"), &told.actors),
        (lang.pick("What it touched", "影響を受けた対象"), &told.resources),
        (lang.pick("ATT&CK techniques", "ATT&CK テクニック"), &told.techniques),
    ] {
        list(name, all.iter().map(|t| t.as_str()), out)?;
    }
    writeln!(out, "</dl></article>")
}

fn list<'t>(name: &str, all: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) -> io::Result<()> {
    let all: Vec<String> = all.filter(|t| !t.is_empty()).map(|t| format!("<code>{}</code>", escape(t))).collect();
    if all.is_empty() { Ok(()) } else { writeln!(out, "<dt>{}<dd>{}", escape(name), all.join(" · ")) }
}

fn steps(told: &Told, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    let heads = [
        lang.pick("Time (UTC)", "時刻 (UTC)"),
        lang.pick("Stage", "段階"),
        lang.pick("What happened", "出来事"),
        lang.pick("Source address", "送信元アドレス"),
        lang.pick("Record", "レコード"),
    ];
    let summary = match lang {
        Lang::En => format!("All {}", counted(told.timeline.len(), "moment")),
        Lang::Ja => format!("全 {} 件の出来事", told.timeline.len()),
    };
    writeln!(
        out,
        "<details><summary>{summary}</summary><table><tr><th>{}</tr>",
        heads.map(|h| escape(h).into_owned()).join("<th>")
    )?;
    for m in &told.timeline {
        let stage = stage_word(&m.stage, lang);
        writeln!(
            out,
            "<tr><td class=\"t\">{}<td>{}<td>{}<td>{}<td><code>{}</code></tr>",
            escape(&m.time),
            escape(stage),
            escape(&m.title),
            escape(&m.source_ip),
            escape(&m.event)
        )?;
    }
    writeln!(out, "</table></details>")
}

fn looks(told: &Told, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    if told.look.is_empty() {
        return Ok(());
    }
    writeln!(out, "<p><strong>{}</strong></p><ul>", lang.pick("What to do next", "次に行うこと"))?;
    for look in &told.look {
        writeln!(out, "<li>{}", escape(look))?;
    }
    writeln!(out, "</ul>")
}

fn facts(told: &Told, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    let a = &told.about;
    let count = match lang {
        Lang::En => counted(usize::try_from(told.count).unwrap_or(usize::MAX), "record"),
        Lang::Ja => format!("{} 件のレコード", told.count),
    };
    let span = if told.time == told.last { told.time.clone() } else { format!("{} – {}", told.time, told.last) };
    // Of a host on the network its address is its name.
    let source = if a.source_ip == a.actor { "" } else { a.source_ip.as_str() };
    let all = [told.rule.as_str(), &span, &a.actor, source, &a.account, &a.region, &count];
    let all: Vec<&str> = all.into_iter().filter(|t| !t.is_empty()).collect();
    writeln!(out, "<p class=\"facts\">{}</p>", escape(&all.join(" · ")))
}

fn findings(signals: &[&Told], lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    let text = Text(lang);
    writeln!(out, "<h2>{} <small>{}</small></h2><div class=\"tools\">", escape(text.findings()), signals.len())?;
    writeln!(
        out,
        "<input type=\"search\" id=\"q\" aria-label=\"{0}\" placeholder=\"{0}\" autocomplete=\"off\" spellcheck=\"false\">",
        escape(text.search())
    )?;
    for severity in SEVERITIES {
        let count = signals.iter().filter(|t| t.severity == severity).count();
        if count > 0 {
            writeln!(
                out,
                "<label class=\"s{0}\"><input type=\"checkbox\" data-severity=\"{0}\" checked>{1} {count}</label>",
                severity_class(severity),
                escape(text.severity_word(severity))
            )?;
        }
    }
    writeln!(out, "<output id=\"shown\" data-template=\"{}\"></output></div>", escape(text.shown_of()))?;
    for told in signals {
        finding(told, lang, out)?;
    }
    Ok(())
}

/// A finding that opens.
pub(crate) fn finding(told: &Told, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(
        out,
        "<details class=\"finding\" data-severity=\"{}\"><summary><span>{}</span><span class=\"title\">{}</span><span class=\"time\">{}</span></summary>",
        severity_class(told.severity),
        badge(told.severity, lang),
        escape(&told.title),
        escape(told.time.get(..19).unwrap_or(&told.time))
    )?;
    facts(told, lang, out)?;
    if !told.why.is_empty() {
        writeln!(out, "<p>{}</p>", escape(&told.why))?;
    }
    looks(told, lang, out)?;
    writeln!(out, "<dl>")?;
    if !told.innocent.is_empty() {
        let all: Vec<String> = told.innocent.iter().map(|t| escape(t).into_owned()).collect();
        writeln!(out, "<dt>{}<dd>{}", lang.pick("Innocent causes", "問題のない原因"), all.join(" · "))?;
    }
    list(lang.pick("Target", "対象"), std::iter::once(told.about.target.as_str()), out)?;
    list(lang.pick("Mappings", "対応"), told.maps.iter().map(|t| t.as_str()), out)?;
    let named = told.events.iter().take(20).map(|t| t.as_str());
    list(lang.pick("Records", "レコード"), named, out)?;
    writeln!(out, "</dl></details>")
}
