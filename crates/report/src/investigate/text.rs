//! For people on a terminal.

use super::Words;
use crate::Style;
use crate::terminal::{Ink, Terminal, clean, cut, left};
use crate::text::Text;
use std::io::{self, Write};
use yagura_detect::investigate::{Dossier, Facet};
use yagura_detect::tell::short;
use yagura_model::Lang;

/// Values of a facet that are shown.
const VALUES: usize = 6;
/// Lines of a list that are shown.
const LINES: usize = 15;
/// Moments of the timeline that are shown: those around the time that was asked about.
const MOMENTS: usize = 60;

pub(super) fn write(d: &Dossier, style: &Style, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let page = Page { d, terminal: Terminal::new(style), words: Words(lang), lang };
    page.head(out)?;
    page.chain(out)?;
    page.findings(out)?;
    page.unusual(out)?;
    page.facets(out)?;
    page.touched(out)?;
    page.neighbours(out)?;
    page.timeline(out)?;
    page.next(out)
}

struct Page<'p> {
    d: &'p Dossier,
    terminal: Terminal,
    words: Words,
    lang: Lang,
}

impl Page<'_> {
    fn heading(&self, text: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.terminal.paint(Ink::BOLD, text))
    }

    /// A line that is wrapped; what comes from a log is cleaned.
    fn line(&self, text: &str, indent: &str, out: &mut impl Write) -> io::Result<()> {
        let rest = format!("{indent}    ");
        for part in self.terminal.wrap_hanging(&clean(text), indent, &rest) {
            writeln!(out, "{part}")?;
        }
        Ok(())
    }

    fn more(&self, all: usize, shown: usize, out: &mut impl Write) -> io::Result<()> {
        if all <= shown {
            return Ok(());
        }
        writeln!(out, "  {}", self.terminal.paint(Ink::DIM, &Text(self.lang).more(all - shown)))
    }

    fn head(&self, out: &mut impl Write) -> io::Result<()> {
        let (d, w) = (self.d, self.words);
        let account = d.account.as_deref().map(|a| format!("  {a}")).unwrap_or_default();
        let title = self.terminal.paint(Ink::BOLD, &clean(&d.subject.text));
        writeln!(out, "{title}  {}{}", w.kind(d.subject.kind), clean(&account))?;
        if let Some(e) = &d.event {
            let text = format!("{} {}  {}  {}  {}", e.time, e.event, w.moment(e), e.actor, e.source_ip);
            self.line(&format!("{} {text}", w.pick("of the record", "レコード:")), "  ", out)?;
        }
        self.line(&w.summary(d), "  ", out)?;
        for limit in w.limits(d) {
            self.line(&limit, "  ! ", out)?;
        }
        Ok(())
    }

    fn chain(&self, out: &mut impl Write) -> io::Result<()> {
        let (d, w) = (self.d, self.words);
        if !d.makers.is_empty() {
            self.heading(w.pick("Made by", "作成元・引き受け元"), out)?;
        }
        for l in &d.makers {
            self.line(&format!("{}  {} → {}", l.time, l.who, short(&l.made)), "  ", out)?;
        }
        if !d.made.is_empty() {
            self.heading(
                w.pick("Sessions, keys and identities made by it", "作り出したセッション・キー・アイデンティティ"),
                out,
            )?;
        }
        for m in d.made.iter().take(LINES) {
            let by = if m.by == d.subject.text { String::new() } else { format!("  ({})", short(&m.by)) };
            self.line(&format!("{}  {}{by}", m.time, m.what), "  ", out)?;
        }
        self.more(d.made.len(), LINES, out)
    }

    fn findings(&self, out: &mut impl Write) -> io::Result<()> {
        let (d, text) = (self.d, Text(self.lang));
        if d.findings.is_empty() {
            return Ok(());
        }
        self.heading(self.words.pick("Findings about it", "関連する検出結果"), out)?;
        for t in d.findings.iter().take(LINES) {
            let severity = left(text.severity_word(t.severity), 8);
            let kind = if t.sequence.is_empty() { "" } else { self.words.pick("incident: ", "インシデント: ") };
            let time = t.time.get(..19).unwrap_or(&t.time);
            let line = format!("{time}  {kind}{}  {}", t.title, t.rule);
            let mut lines = self.terminal.wrap_hanging(&clean(&line), "", "              ").into_iter();
            let severity = self.terminal.paint(Ink::of_severity(t.severity), &severity);
            writeln!(out, "  {severity}  {}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(out, "{line}")?;
            }
        }
        self.more(d.findings.len(), LINES, out)
    }

    fn unusual(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(u) = &self.d.unusual else { return Ok(()) };
        let (from, to) = (u.from.get(..16).unwrap_or(&u.from), u.to.get(..16).unwrap_or(&u.to));
        let title = match self.lang {
            Lang::En => format!("Unusual around {} ({from} – {to})", u.at),
            Lang::Ja => format!("{} 前後の通常との違い（{from} – {to}）", u.at),
        };
        self.heading(&title, out)?;
        self.line(&self.words.unusual(u), "  ", out)?;
        let mut facets: Vec<Facet> = u.new.iter().map(|(facet, _)| *facet).collect();
        facets.dedup();
        for facet in facets {
            let own: Vec<_> = u.new.iter().filter(|(f, _)| *f == facet).map(|(_, v)| v).collect();
            let shown: Vec<String> = own
                .iter()
                .take(2 * VALUES)
                .map(|v| format!("{} ×{}", self.words.value(facet, &v.value), v.tally.count))
                .collect();
            let known = u.known.get(&facet).copied().unwrap_or(0);
            let more = if own.len() > shown.len() {
                format!("  {}", Text(self.lang).more(own.len() - shown.len()))
            } else {
                String::new()
            };
            let name = self.words.facet(facet);
            let head = match self.lang {
                Lang::En => format!("new  {name} ({known} known before):"),
                Lang::Ja => format!("新規  {name}（以前は {known} 種）:"),
            };
            self.line(&format!("{head} {}{more}", shown.join("  ")), "  ", out)?;
        }
        Ok(())
    }

    fn facets(&self, out: &mut impl Write) -> io::Result<()> {
        if self.d.facets.is_empty() {
            return Ok(());
        }
        self.heading(self.words.pick("What it did", "活動の内訳"), out)?;
        for (facet, values) in &self.d.facets {
            let shown: Vec<String> = match facet {
                Facet::Hour => {
                    let mut hours: Vec<_> = values.iter().collect();
                    hours.sort_by(|a, b| a.value.cmp(&b.value));
                    hours.iter().map(|v| format!("{} ×{}", self.words.value(*facet, &v.value), v.tally.count)).collect()
                }
                _ => values
                    .iter()
                    .take(VALUES)
                    .map(|v| format!("{} ×{}", self.words.value(*facet, &v.value), v.tally.count))
                    .collect(),
            };
            let more = if *facet != Facet::Hour && values.len() > VALUES {
                format!("  {}", Text(self.lang).more(values.len() - VALUES))
            } else {
                String::new()
            };
            self.line(&format!("{}  {}{more}", left(self.words.facet(*facet), 16), shown.join("  ")), "  ", out)?;
        }
        Ok(())
    }

    fn touched(&self, out: &mut impl Write) -> io::Result<()> {
        let touched = &self.d.touched;
        if touched.is_empty() {
            return Ok(());
        }
        self.heading(self.words.pick("What it touched", "操作の対象"), out)?;
        for t in touched.iter().take(LINES) {
            let counts = match self.lang {
                Lang::En => format!("{} changed, {} read, {} refused", t.writes, t.reads, t.denied),
                Lang::Ja => format!("変更 {}、読み取り {}、拒否 {}", t.writes, t.reads, t.denied),
            };
            self.line(&format!("{}  {counts}", t.target), "  ", out)?;
        }
        self.more(touched.len(), LINES, out)
    }

    fn neighbours(&self, out: &mut impl Write) -> io::Result<()> {
        let all = &self.d.neighbours;
        if all.is_empty() {
            return Ok(());
        }
        self.heading(
            self.words
                .pick("Others at the same address or with the same key", "同じアドレス・キーを使ったアイデンティティ"),
            out,
        )?;
        for n in all.iter().take(LINES) {
            let (first, last) = (yagura_detect::tell::iso(n.first), yagura_detect::tell::iso(n.last));
            self.line(&format!("{}  {}  {first} – {last}", n.identity, n.shared), "  ", out)?;
        }
        self.more(all.len(), LINES, out)
    }

    fn timeline(&self, out: &mut impl Write) -> io::Result<()> {
        let all = &self.d.timeline;
        if all.is_empty() {
            return Ok(());
        }
        self.heading(
            self.words.pick("Timeline: changes, refusals, findings", "タイムライン（変更・拒否・検出）"),
            out,
        )?;
        // The latest before the asked time in the middle.
        let at = self.d.unusual.as_ref().map(|u| u.at.as_str()).unwrap_or_default();
        let middle = all.iter().position(|n| n.time.as_str() >= at).unwrap_or(all.len());
        let from = middle.saturating_sub(MOMENTS / 2).min(all.len().saturating_sub(MOMENTS));
        self.more(from, 0, out)?;
        for n in all.iter().skip(from).take(MOMENTS) {
            let mark = left(self.words.mark(n), 8);
            let ink = n.severity.map_or(Ink::PLAIN, Ink::of_severity);
            let who = if n.actor == self.d.subject.text { String::new() } else { short(&n.actor).to_string() };
            let text = clean(&format!("{}  {who} {}", self.words.moment(n), n.source_ip)).into_owned();
            let room = self.terminal.width.saturating_sub(32);
            let time = n.time.get(..19).unwrap_or(&n.time);
            writeln!(out, "  {time}  {} {}", self.terminal.paint(ink, &mark), cut(&text, room))?;
        }
        self.more(all.len(), from + MOMENTS, out)
    }

    fn next(&self, out: &mut impl Write) -> io::Result<()> {
        if self.d.next.is_empty() {
            return Ok(());
        }
        self.heading(self.words.pick("Ask next", "次の調査"), out)?;
        for (why, command) in &self.d.next {
            writeln!(out, "  {}", self.terminal.paint(Ink::DIM, &format!("# {}", clean(why))))?;
            // Whole, so that it can be copied.
            writeln!(out, "  {}", clean(command))?;
        }
        Ok(())
    }
}
