//! One self-contained page: who it is, what was unusual, the timeline as a picture, what was found, what it did and touched, what to ask
//! next. Nothing is loaded.

use super::{Words, picture};
use crate::detect::html::{finding, page};
use crate::html::escape;
use crate::text::Text;
use std::io::{self, Write};
use yagura_detect::investigate::{Dossier, Facet, Value};
use yagura_detect::tell::iso;
use yagura_model::Lang;

/// New values of one kind that are shown.
const NEW: usize = 12;
/// Values of a facet that are shown.
const VALUES: usize = 12;
/// Columns of a cell that is not broken over lines: a time fits.
const KEPT: usize = 24;
/// Rows of a list.
const ROWS: usize = 500;

pub(super) fn write(d: &Dossier, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let w = Words(lang);
    let mut body = Vec::new();
    head(d, w, &mut body)?;
    if let Some(u) = &d.unusual {
        let title = match lang {
            Lang::En => format!("Unusual around {}", u.at),
            Lang::Ja => format!("{} 前後の通常との違い", u.at),
        };
        writeln!(
            body,
            "<h2>{} <small>{} – {}</small></h2><div class=\"card\"><p>{}</p>",
            escape(&title),
            u.from,
            u.to,
            escape(&w.unusual(u))
        )?;
        if !u.new.is_empty() {
            let mut rows: Vec<Vec<String>> = Vec::new();
            for of_facet in u.new.chunk_by(|a, b| a.0 == b.0) {
                let Some((f, _)) = of_facet.first() else { continue };
                let (name, known) = (w.facet(*f).to_owned(), u.known.get(f).copied().unwrap_or(0).to_string());
                rows.extend(of_facet.iter().take(NEW).map(|(f, v)| {
                    let value = w.value(*f, &v.value).to_owned();
                    vec![name.clone(), value, v.tally.count.to_string(), iso(v.tally.first), known.clone()]
                }));
                if of_facet.len() > NEW {
                    let more = Text(lang).more(of_facet.len() - NEW);
                    rows.push(vec![name.clone(), more, String::new(), String::new(), known.clone()]);
                }
            }
            let heads = [
                w.pick("New", "新規"),
                w.pick("Value", "値"),
                w.pick("Records", "件数"),
                w.pick("First", "初回"),
                w.pick("Known before", "以前の種類数"),
            ];
            table(&heads, rows, &mut body)?;
        }
        writeln!(body, "</div>")?;
    }
    if !d.timeline.is_empty() {
        timeline(d, w, lang, &mut body)?;
    }
    if !d.findings.is_empty() {
        writeln!(
            body,
            "<h2>{} <small>{}</small></h2>",
            escape(w.pick("Findings about it", "関連する検出結果")),
            d.findings.len()
        )?;
        for told in &d.findings {
            finding(told, lang, &mut body)?;
        }
    }
    if !d.facets.is_empty() {
        writeln!(body, "<h2>{}</h2><div class=\"grid\">", escape(w.pick("What it did", "活動の内訳")))?;
        for (facet, values) in &d.facets {
            facet_card(*facet, values, w, lang, &mut body)?;
        }
        writeln!(body, "</div>")?;
    }
    lists(d, w, &mut body)?;
    next(d, w, &mut body)?;
    let title = match lang {
        Lang::En => format!("investigation of {}", d.subject.text),
        Lang::Ja => format!("{} の調査", d.subject.text),
    };
    let facts = format!("Yagura {}", env!("CARGO_PKG_VERSION"));
    page(&title, &facts, &String::from_utf8_lossy(&body), lang, out)
}

fn head(d: &Dossier, w: Words, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "<article class=\"card\"><h3>{}</h3>", escape(&d.subject.text))?;
    let account = d.account.as_deref().map(|a| format!(" · {a}")).unwrap_or_default();
    writeln!(
        out,
        "<p class=\"facts\">{}{}</p><p>{}</p>",
        escape(w.kind(d.subject.kind)),
        escape(&account),
        escape(&w.summary(d))
    )?;
    for limit in w.limits(d) {
        writeln!(out, "<p class=\"s2\">{}</p>", escape(&limit))?;
    }
    writeln!(out, "<dl>")?;
    if let Some(e) = &d.event {
        let text = format!("{} · {} · {} · {}", e.time, w.moment(e), e.source_ip, e.event);
        writeln!(out, "<dt>{}<dd>{}", escape(w.pick("Asked for by its record", "指定されたレコード")), escape(&text))?;
    }
    for l in &d.makers {
        let text = format!("{} ({}) → {}", l.who, l.time, l.made);
        writeln!(out, "<dt>{}<dd><code>{}</code>", escape(w.pick("Made by", "作成元・引き受け元")), escape(&text))?;
    }
    writeln!(out, "</dl></article>")
}

fn timeline(d: &Dossier, w: Words, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(
        out,
        "<h2>{}</h2><div class=\"card\"><div class=\"wide\">{}</div>",
        escape(w.pick("Timeline", "タイムライン")),
        picture(d, lang, false)
    )?;
    let summary = match lang {
        Lang::En => format!("All {} moments", d.timeline.len()),
        Lang::Ja => format!("全 {} 件の出来事", d.timeline.len()),
    };
    writeln!(out, "<details><summary>{summary}</summary>")?;
    let rows = d.timeline.iter().map(|n| {
        vec![
            n.time.clone(),
            w.mark(n).to_owned(),
            w.moment(n),
            n.actor.to_string(),
            n.source_ip.to_string(),
            n.event.to_string(),
        ]
    });
    let heads = [
        w.pick("Time (UTC)", "時刻 (UTC)"),
        w.pick("Kind", "種別"),
        w.pick("What happened", "出来事"),
        w.pick("Who", "主体"),
        w.pick("Source address", "送信元アドレス"),
        w.pick("Record", "レコード"),
    ];
    table(&heads, rows.collect(), out)?;
    writeln!(out, "</details></div>")
}

fn facet_card(facet: Facet, values: &[Value], w: Words, lang: Lang, out: &mut Vec<u8>) -> io::Result<()> {
    let mut values: Vec<&Value> = values.iter().collect();
    let all = values.len();
    let most = values.first().map_or(1, |v| v.tally.count).max(1);
    if facet == Facet::Hour {
        values.sort_by(|a, b| a.value.cmp(&b.value));
    } else {
        values.truncate(VALUES);
    }
    writeln!(out, "<div class=\"card\"><h3>{}</h3><table>", escape(w.facet(facet)))?;
    for v in &values {
        // An attribute of a picture, since the page's policy lets no inline style through.
        let bar = (v.tally.count.saturating_mul(60) / most).max(1);
        writeln!(
            out,
            "<tr><td>{}<td class=\"n\">{}<td><svg width=\"60\" height=\"8\" aria-hidden=\"true\"><rect class=\"fill\" width=\"{bar}\" height=\"8\" rx=\"2\"/></svg></tr>",
            escape(w.value(facet, &v.value)),
            v.tally.count
        )?;
    }
    writeln!(out, "</table>")?;
    if all > values.len() {
        writeln!(out, "<p class=\"facts\">{}</p>", escape(&Text(lang).more(all - values.len())))?;
    }
    writeln!(out, "</div>")
}

fn lists(d: &Dossier, w: Words, out: &mut Vec<u8>) -> io::Result<()> {
    let touched = d.touched.iter().map(|t| {
        vec![
            t.target.to_string(),
            t.writes.to_string(),
            t.reads.to_string(),
            t.denied.to_string(),
            iso(t.first),
            iso(t.last),
        ]
    });
    let (first, last) = (w.pick("First", "初回"), w.pick("Last", "最終"));
    let heads = [
        w.pick("Target", "対象"),
        w.pick("Changes", "変更"),
        w.pick("Reads", "読み取り"),
        w.pick("Refused", "拒否"),
        first,
        last,
    ];
    section(w.pick("What it touched", "操作の対象"), &heads, touched.collect(), out)?;
    let made = d.made.iter().map(|m| vec![m.time.clone(), m.what.to_string(), m.by.to_string()]);
    let heads = [w.pick("Time (UTC)", "時刻 (UTC)"), w.pick("Made", "作り出したもの"), w.pick("By", "主体")];
    let title = w.pick("Sessions, keys and identities made by it", "作り出したセッション・キー・アイデンティティ");
    section(title, &heads, made.collect(), out)?;
    let others =
        d.neighbours.iter().map(|n| vec![n.identity.to_string(), n.shared.to_string(), iso(n.first), iso(n.last)]);
    let heads = [w.pick("Identity", "アイデンティティ"), w.pick("Shared", "共通のもの"), first, last];
    let title = w.pick("Others at the same address or with the same key", "同じアドレス・キーを使ったアイデンティティ");
    section(title, &heads, others.collect(), out)
}

fn next(d: &Dossier, w: Words, out: &mut Vec<u8>) -> io::Result<()> {
    if d.next.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>{}</h2><div class=\"card\">", escape(w.pick("Ask next", "次の調査")))?;
    for (why, command) in &d.next {
        writeln!(out, "<p class=\"facts\">{}</p><pre>{}</pre>", escape(why), escape(command))?;
    }
    writeln!(out, "</div>")
}

fn section(title: &str, heads: &[&str], rows: Vec<Vec<String>>, out: &mut Vec<u8>) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>{} <small>{}</small></h2><div class=\"card\">", escape(title), rows.len())?;
    table(heads, rows, out)?;
    writeln!(out, "</div>")
}

/// A table; of very many rows the first, and how many there are besides.
fn table(heads: &[&str], rows: Vec<Vec<String>>, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "<div class=\"wide\"><table><tr>")?;
    for head in heads {
        write!(out, "<th>{}", escape(head))?;
    }
    writeln!(out, "</tr>")?;
    for row in rows.iter().take(ROWS) {
        write!(out, "<tr>")?;
        for cell in row {
            let class = if crate::width(cell) <= KEPT { " class=\"k\"" } else { "" };
            write!(out, "<td{class}>{}", escape(cell))?;
        }
        writeln!(out, "</tr>")?;
    }
    if rows.len() > ROWS {
        writeln!(out, "<tr><td>+{}</tr>", rows.len() - ROWS)?;
    }
    writeln!(out, "</table></div>")
}
