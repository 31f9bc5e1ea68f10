//! A timeline as a picture: lanes, an axis of time on which long silences are shortened (and say so), labels that do not overlap.
//!
//! The picture is SVG of a fixed width and a height that grows with its labels. Within a page it takes the page's style; by itself it
//! carries its own, which follows the reader's light or dark scheme. It loads nothing and runs nothing.

use crate::html::escape;
use crate::terminal::{cut, width};
use crate::text::Text;
use std::collections::BTreeMap;
use std::fmt::Write;
use yagura_model::{Lang, Severity};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When, ms.
    pub time: i64,
    /// Which lane: who did it.
    pub lane: String,
    /// How bad, of a finding; nothing of what merely happened.
    pub severity: Option<Severity>,
    /// What stands beside it.
    pub label: String,
    /// What is told besides when it is pointed at.
    pub detail: String,
}

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 190.0;
/// Room for the last mark's label.
const RIGHT: f64 = 300.0;
const ROW: f64 = 17.0;
/// Columns of a label; its width is guessed by columns.
const LABEL: usize = 44;
const COLUMN: f64 = 6.6;
const LANES: usize = 14;
/// Labels one below the other in a lane; what has no room keeps its dot and its tooltip.
const ROWS: usize = 30;
/// Marks that are drawn.
const MARKS: usize = 2_000;
/// The most of the width that one silence takes up, where there are many.
const SILENCE: f64 = 0.16;

/// Draws marks, in any order. `standalone` for a file of its own.
pub fn svg(marks: &[Mark], title: &str, lang: Lang, standalone: bool) -> String {
    let mut marks: Vec<&Mark> = marks.iter().collect();
    marks.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.lane.cmp(&b.lane)));
    let left_out = marks.len().saturating_sub(MARKS);
    marks.truncate(MARKS);
    let axis = Axis::new(&marks);
    let lanes = lanes(&marks, lang);
    let mut body = String::new();
    let mut y = 52.0;
    for (name, own) in &lanes {
        y = lane(name, own, &axis, y, lang, &mut body);
    }
    let height = y + if left_out > 0 { 26.0 } else { 8.0 };
    if left_out > 0 {
        let text = match lang {
            Lang::En => format!("{left_out} later moments are not drawn"),
            Lang::Ja => format!("以降の {left_out} 件は省略"),
        };
        put(
            &mut body,
            format_args!(r#"<text class="tl-soft" x="{LEFT:.0}" y="{:.0}">{}</text>"#, y + 14.0, escape(&text)),
        );
    }
    let mut out = String::new();
    let style = if standalone {
        format!("<style>{STYLE}</style><rect class=\"tl-page\" width=\"100%\" height=\"100%\"/>")
    } else {
        String::new()
    };
    put(
        &mut out,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="tl" viewBox="0 0 {WIDTH:.0} {height:.0}" width="{WIDTH:.0}" role="img" aria-label="{0}"><title>{0}</title>{style}"#,
            escape(title)
        ),
    );
    axis.draw(height - 8.0, lang, &mut out);
    out.push_str(&body);
    out.push_str("</svg>");
    out
}

/// The style of the picture; a page includes it in its own.
pub(crate) const STYLE: &str = include_str!("timeline.css");

/// Formatting into a text cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Marks by lane, lanes in the order of their first mark; those beyond the limit share the last one.
fn lanes<'m>(marks: &[&'m Mark], lang: Lang) -> Vec<(String, Vec<&'m Mark>)> {
    let mut lanes: Vec<(String, Vec<&Mark>)> = Vec::new();
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for mark in marks {
        let next = lanes.len().min(LANES - 1);
        let n = *at.entry(&mark.lane).or_insert(next);
        if n == lanes.len() {
            lanes.push((mark.lane.clone(), Vec::new()));
        }
        if let Some((_, own)) = lanes.get_mut(n) {
            own.push(mark);
        }
    }
    if at.len() > LANES
        && let Some((name, _)) = lanes.last_mut()
    {
        *name = lang.pick("others", "その他").to_owned();
    }
    lanes
}

/// A mark, its place, and the row of its label.
struct Placed<'m> {
    mark: &'m Mark,
    x: f64,
    label: Option<(usize, String)>,
}

/// Draws a lane from `y` down and answers where it ends.
fn lane(name: &str, marks: &[&Mark], axis: &Axis, y: f64, lang: Lang, out: &mut String) -> f64 {
    let base = y + 12.0;
    // From the right to the left, so that no line down to a label crosses another label: labels to the right begin beyond it.
    let mut rows: Vec<f64> = Vec::new();
    let mut placed: Vec<Placed<'_>> = Vec::new();
    let mut later: Option<(&str, usize)> = None;
    for (n, mark) in marks.iter().enumerate().rev() {
        let x = axis.x(mark.time);
        let same = n
            .checked_sub(1)
            .and_then(|p| marks.get(p))
            .is_some_and(|p| p.label == mark.label && p.severity == mark.severity);
        let times = match later {
            Some((label, times)) if label == mark.label => times + 1,
            _ => 1,
        };
        later = Some((&mark.label, times));
        if same {
            // The first of several alike speaks for all.
            placed.push(Placed { mark, x, label: None });
            continue;
        }
        let count = if times > 1 { format!(" ×{times}") } else { String::new() };
        let label = format!("{}{count}", cut(&mark.label, LABEL - count.len()));
        let end = x + 10.0 + (width(&label) as f64) * COLUMN;
        // Lines down to the rows below cross a row too.
        let clear = |row: &usize| rows.iter().skip(*row).all(|begin| end < *begin);
        let free = (0..rows.len()).find(clear).or_else(|| (rows.len() < ROWS).then_some(rows.len()));
        if let Some(row) = free {
            match rows.get_mut(row) {
                Some(begin) => *begin = x,
                None => rows.push(x),
            }
        }
        placed.push(Placed { mark, x, label: free.map(|row| (row, label)) });
    }
    let height = 20.0 + (rows.len() as f64) * ROW + 8.0;
    put(
        out,
        format_args!(
            r#"<text class="tl-lane" x="12" y="{:.1}">{}<title>{}</title></text>"#,
            base + 4.0,
            escape(&cut(&crate::terminal::clean(name), 23)),
            escape(name)
        ),
    );
    put(
        out,
        format_args!(
            r#"<line class="tl-base" x1="{LEFT:.0}" y1="{base:.1}" x2="{:.0}" y2="{base:.1}"/>"#,
            WIDTH - RIGHT
        ),
    );
    for Placed { mark, x, label } in placed.iter().rev() {
        let tone = mark.severity.map_or("tl-n", tone);
        let radius = mark.severity.map_or(3.5, |s| if s >= Severity::High { 5.5 } else { 4.5 });
        put(out, format_args!(r#"<g class="{tone}"><title>{}</title>"#, escape(&tooltip(mark, lang))));
        if let Some((row, label)) = label {
            let at = base + 18.0 + (*row as f64) * ROW;
            put(out, format_args!(r#"<path class="tl-lead" d="M{x:.1} {base:.1}V{:.1}h6"/>"#, at - 4.0));
            put(
                out,
                format_args!(
                    r#"<text x="{:.1}" y="{at:.1}">{}</text>"#,
                    x + 9.0,
                    escape(&crate::terminal::clean(label))
                ),
            );
        }
        put(out, format_args!(r#"<circle cx="{x:.1}" cy="{base:.1}" r="{radius}"/></g>"#));
    }
    y + height
}

fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "tl-s0",
        Severity::High => "tl-s1",
        Severity::Medium => "tl-s2",
        Severity::Low => "tl-s3",
        Severity::Info => "tl-s4",
    }
}

fn tooltip(mark: &Mark, lang: Lang) -> String {
    let severity = mark.severity.map(|s| format!("  {}", Text(lang).severity_word(s))).unwrap_or_default();
    let time = stamp(mark.time, "%Y-%m-%d %H:%M:%S UTC");
    let detail = if mark.detail.is_empty() { String::new() } else { format!("\n{}", mark.detail) };
    format!("{time}{severity}\n{}{detail}", mark.label)
}

fn stamp(ms: i64, form: &str) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|t| t.strftime(form).to_string()).unwrap_or_default()
}

/// Where times stand.
struct Axis {
    /// Each time that something happened at, and its place.
    places: BTreeMap<i64, f64>,
    /// Silences that are drawn shorter than they were: from, to, how long.
    broken: Vec<(f64, f64, i64)>,
}

impl Axis {
    fn new(marks: &[&Mark]) -> Self {
        let mut times: Vec<i64> = marks.iter().map(|m| m.time).collect();
        times.sort_unstable();
        times.dedup();
        let room = WIDTH - RIGHT - LEFT - 24.0;
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|w| match w {
                [a, b] => (b - a) as f64,
                _ => 0.0,
            })
            .collect();
        let total: f64 = gaps.iter().sum();
        let most = SILENCE.max(1.0 / (gaps.len().max(1) as f64)) * room;
        let mut wide: Vec<f64> = gaps.iter().map(|g| (g / total.max(1.0) * room).min(most)).collect();
        // What shortened silences leave is shared out among the others, but none grows beyond the limit.
        for _ in 0..6 {
            let sum: f64 = wide.iter().sum();
            let short: f64 = wide.iter().filter(|w| **w < most).sum();
            if sum >= room || short <= 0.0 {
                break;
            }
            let grow = 1.0 + (room - sum) / short;
            wide.iter_mut().filter(|w| **w < most).for_each(|w| *w = (*w * grow).min(most));
        }
        let least = (room / (gaps.len().max(1) as f64) / 3.0).min(12.0);
        wide.iter_mut().for_each(|w| *w = w.max(least));
        let sum: f64 = wide.iter().sum();
        let scale = if sum > room { room / sum } else { 1.0 };
        let mut x = LEFT + 12.0;
        let mut places: BTreeMap<i64, f64> = BTreeMap::new();
        let mut broken = Vec::new();
        // How many pixels a millisecond takes where nothing is shortened.
        let mut rates: Vec<f64> = gaps.iter().zip(&wide).map(|(g, w)| w * scale / g.max(1.0)).collect();
        rates.sort_by(f64::total_cmp);
        let usual = rates.get(rates.len() / 2).copied().unwrap_or(0.0);
        for (n, time) in times.iter().enumerate() {
            places.insert(*time, x);
            if let (Some(w), Some(gap)) = (wide.get(n), gaps.get(n)) {
                let next = x + w * scale;
                if w * scale / gap.max(1.0) < usual * 0.4 && w * scale > 40.0 {
                    broken.push((x, next, *gap as i64));
                }
                x = next;
            }
        }
        Self { places, broken }
    }

    fn x(&self, time: i64) -> f64 {
        self.places.get(&time).copied().unwrap_or(LEFT)
    }

    fn draw(&self, bottom: f64, lang: Lang, out: &mut String) {
        let mut free = 0.0;
        let mut day = String::new();
        for (time, x) in &self.places {
            let date = stamp(*time, "%Y-%m-%d");
            let label = if date == day { stamp(*time, "%H:%M:%S") } else { stamp(*time, "%Y-%m-%d %H:%M:%S") };
            let half = (label.len() as f64) * COLUMN / 2.0;
            let at = x.max(LEFT + half - 20.0);
            if at - half < free {
                continue;
            }
            free = at + half + 10.0;
            day = date;
            put(out, format_args!(r#"<line class="tl-tick" x1="{x:.1}" y1="34" x2="{x:.1}" y2="{bottom:.0}"/>"#));
            put(out, format_args!(r#"<text class="tl-soft" text-anchor="middle" x="{at:.1}" y="26">{label}</text>"#));
        }
        for (from, to, gap) in &self.broken {
            let mid = (from + to) / 2.0;
            put(out, format_args!(r#"<path class="tl-break" d="M{:.1} 44l4 -8M{:.1} 44l4 -8"/>"#, mid - 5.0, mid));
            put(
                out,
                format_args!(
                    r#"<text class="tl-soft" text-anchor="middle" x="{mid:.1}" y="12">{}</text>"#,
                    escape(&span(*gap, lang))
                ),
            );
        }
    }
}

/// A length of time, roughly: `3 h`, `2 days`.
fn span(ms: i64, lang: Lang) -> String {
    let minutes = ms / 60_000;
    let (n, en, ja) = match minutes {
        0 => (ms / 1000, "s", "秒"),
        1..120 => (minutes, "min", "分"),
        120..2880 => (minutes / 60, "h", "時間"),
        _ => (minutes / 1440, "days", "日"),
    };
    format!("{n} {}", lang.pick(en, ja))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
