//! A path as SVG: boxes from left to right that go on in the next row, blockers numbered and told below.

use super::text::{fitted, wrapped};
use super::{Drawing, Lane, Node, kind_text};
use crate::question::Reachable;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;
use yagura_model::{Lang, xml_escaped as escaped};

const MARGIN: usize = 24;
const BOX: usize = 226;
/// Between boxes of a row.
const GAP: usize = 40;
const PER_ROW: usize = 5;
/// Between rows of a lane: room for the line that leads from one to the next.
const ROW_GAP: usize = 34;
const LINE: usize = 17;
/// Columns of text that a box holds, and of the texts below.
const BOX_COLUMNS: usize = 28;
const ID_LINES: usize = 4;
/// Pixels of a column in the texts below.
const COLUMN: usize = 7;

/// Colours follow the reader's light or dark setting.
const STYLE: &str = "svg{font:13px ui-sans-serif,system-ui,'Hiragino Sans','Noto Sans CJK JP','Noto Sans JP',sans-serif;background:#fff}\
text{fill:#1b1f24}.q{font-size:15px;font-weight:600}.lane{font-size:14px;font-weight:600}\
.kind{font-size:11px;fill:#48515e}.id{font-family:ui-monospace,'Noto Sans Mono','Noto Sans Mono CJK JP',monospace;font-size:12px}\
.box{fill:#f3f5f8;stroke:#8591a3}.stop .box{fill:#fde8e8;stroke:#c0392b;stroke-width:2}.off{opacity:.7}\
.step{fill:none;stroke:#5b6675;stroke-width:1.5}.cut{stroke-dasharray:5 4}marker path{fill:#5b6675}\
.badge{fill:#c0392b}.number{fill:#fff;font-size:11px;font-weight:700}.code{font-weight:600}\
.yes{fill:#1a7f37}.no{fill:#c0392b}.unknown{fill:#9a6700}.pill{fill:#fff;font-weight:700}.rule{stroke:#d5dae1}\
@media (prefers-color-scheme:dark){svg{background:#14181d}text{fill:#e6e9ee}.kind{fill:#b7c1cf}\
.box{fill:#222931;stroke:#77849a}.stop .box{fill:#43201f;stroke:#ff7b72}.step{stroke:#9aa7ba}marker path{fill:#9aa7ba}\
.rule{stroke:#343c46}.number,.pill{fill:#fff}}";

/// The drawing as an SVG document.
pub fn draw(drawing: &Drawing, lang: Lang) -> String {
    let lanes = drawing.lanes(lang);
    let columns = lanes.iter().map(|(_, lane)| lane.hops.len().min(PER_ROW)).max().unwrap_or(0).max(3);
    let width = 2 * MARGIN + columns * BOX + (columns - 1) * GAP;
    let mut canvas = Canvas { body: String::new(), width, y: MARGIN };
    canvas.heading(drawing, lang);
    for (name, lane) in lanes {
        canvas.lane(name, lane, lang);
    }
    if !drawing.missing.is_empty() {
        canvas.title(lang.pick("Not read", "未取得の API"));
        drawing.missing.iter().for_each(|call| canvas.paragraph(call, "", MARGIN));
    }
    let height = canvas.y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" lang=\"{}\">\n<title>{}: {}</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n{}</svg>\n",
        lang.pick("en", "ja"),
        escaped(&drawing.question),
        drawing.verdict_text(lang),
        canvas.body
    )
}

/// A page that grows downwards.
struct Canvas {
    body: String,
    width: usize,
    y: usize,
}

impl Canvas {
    fn heading(&mut self, drawing: &Drawing, lang: Lang) {
        let verdict = drawing.verdict_text(lang);
        let pill = verdict.width() * 8 + 24;
        let class = match drawing.verdict {
            Reachable::Yes => "yes",
            Reachable::No => "no",
            Reachable::Unknown => "unknown",
        };
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{MARGIN}\" y=\"{}\" width=\"{pill}\" height=\"26\" rx=\"13\"/>\
             <text class=\"pill\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{verdict}</text>",
            self.y,
            MARGIN + pill / 2,
            self.y + 18
        );
        let x = MARGIN + pill + 14;
        for line in fitted(&drawing.question, (self.width - MARGIN - x) / 9, 3) {
            self.text("q", x, self.y + 18, &line);
            self.y += LINE + 3;
        }
        self.y += 10;
    }

    fn lane(&mut self, name: &str, lane: &Lane, lang: Lang) {
        self.title(name);
        if lane.hops.is_empty() && lane.blockers.is_empty() {
            self.paragraph(lang.pick("not traced", "追跡していない"), "kind", MARGIN);
        }
        let boxes: Vec<Tile> = lane.hops.iter().map(|hop| Tile::of(hop, lang)).collect();
        let rows = boxes.chunks(PER_ROW).count();
        for (row, tiles) in boxes.chunks(PER_ROW).enumerate() {
            let height = tiles.iter().map(Tile::height).max().unwrap_or(0);
            for (column, tile) in tiles.iter().enumerate() {
                let at = row * PER_ROW + column;
                let last = column + 1 == tiles.len();
                self.tile(lane, at, tile, MARGIN + column * (BOX + GAP), height);
                if !last {
                    self.step(lane, at, MARGIN + column * (BOX + GAP) + BOX, self.y + height / 2);
                }
            }
            if row + 1 < rows {
                self.turn(lane, (row + 1) * PER_ROW - 1, height);
                self.y += height + ROW_GAP;
            } else {
                self.y += height + 14;
            }
        }
        for (number, mark) in lane.blockers.iter().enumerate() {
            self.y += 4;
            self.badge(MARGIN + 10, self.y + 8, &(number + 1).to_string());
            self.paragraph(&mark.code, "code", MARGIN + 28);
            self.paragraph(&mark.text, "", MARGIN + 28);
        }
        self.y += 10;
    }

    /// A box with the kind, the id and the name of a component, and the numbers of what stops the packet there.
    fn tile(&mut self, lane: &Lane, at: usize, tile: &Tile, x: usize, height: usize) {
        let numbers: Vec<String> = lane
            .blockers
            .iter()
            .enumerate()
            .filter(|(_, m)| lane.at(m) == at)
            .map(|(n, _)| (n + 1).to_string())
            .collect();
        let class = match lane.stop() {
            _ if !numbers.is_empty() => " class=\"stop\"",
            Some(stop) if at > stop => " class=\"off\"",
            _ => "",
        };
        let _ = writeln!(
            self.body,
            "<g{class}><title>{}</title><rect class=\"box\" x=\"{x}\" y=\"{}\" width=\"{BOX}\" height=\"{height}\" rx=\"6\"/>",
            escaped(&tile.title),
            self.y
        );
        let mut y = self.y + LINE;
        for (class, line) in &tile.lines {
            self.text(class, x + 10, y, line);
            y += LINE;
        }
        for (place, number) in numbers.iter().rev().enumerate() {
            self.badge((x + BOX).saturating_sub(8 + 22 * place), self.y, number);
        }
        self.body.push_str("</g>\n");
    }

    /// The arrow from a box to its right neighbour.
    fn step(&mut self, lane: &Lane, from: usize, x: usize, y: usize) {
        let class = Self::reach(lane, from);
        let _ = writeln!(self.body, "<path class=\"step{class}\" marker-end=\"url(#tip)\" d=\"M{x} {y}h{GAP}\"/>");
    }

    /// The line from the last box of a row to the first of the next.
    fn turn(&mut self, lane: &Lane, from: usize, height: usize) {
        let class = Self::reach(lane, from);
        let x = MARGIN + (PER_ROW - 1) * (BOX + GAP) + BOX / 2;
        let (y, back) = (self.y + height, x - MARGIN - BOX / 2);
        let half = ROW_GAP / 2;
        let _ = writeln!(
            self.body,
            "<path class=\"step{class}\" marker-end=\"url(#tip)\" d=\"M{x} {y}v{half}h-{back}v{}\"/>",
            ROW_GAP - half
        );
    }

    /// Dashed where no packet comes any more.
    fn reach(lane: &Lane, from: usize) -> &'static str {
        if lane.stop().is_some_and(|stop| from >= stop) { " cut" } else { "" }
    }

    fn badge(&mut self, x: usize, y: usize, number: &str) {
        let _ = writeln!(
            self.body,
            "<circle class=\"badge\" cx=\"{x}\" cy=\"{y}\" r=\"10\"/>\
             <text class=\"number\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>",
            y + 4,
            escaped(number)
        );
    }

    fn title(&mut self, text: &str) {
        let _ = writeln!(self.body, "<path class=\"rule\" d=\"M{MARGIN} {}H{}\"/>", self.y, self.width - MARGIN);
        self.y += LINE + 6;
        self.text("lane", MARGIN, self.y, text);
        self.y += 16;
    }

    fn paragraph(&mut self, text: &str, class: &str, x: usize) {
        for line in wrapped(text, (self.width - MARGIN - x) / COLUMN) {
            self.text(class, x, self.y + 12, &line);
            self.y += LINE;
        }
    }

    fn text(&mut self, class: &str, x: usize, y: usize, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.body, "<text{class} x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
    }
}

/// The lines of a box.
struct Tile {
    title: String,
    lines: Vec<(&'static str, String)>,
}

impl Tile {
    fn of(hop: &Node, lang: Lang) -> Self {
        let kind = kind_text(hop.kind, lang);
        let mut lines: Vec<_> = fitted(kind, BOX_COLUMNS + 6, 2).into_iter().map(|line| ("kind", line)).collect();
        lines.extend(fitted(hop.shown(), BOX_COLUMNS, ID_LINES).into_iter().map(|line| ("id", line)));
        lines.extend(fitted(&hop.label, BOX_COLUMNS, 2).into_iter().map(|line| ("", line)));
        let title = [kind, &hop.id, &hop.label];
        Self { title: title.iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join(" "), lines }
    }

    fn height(&self) -> usize {
        self.lines.len() * LINE + 14
    }
}
