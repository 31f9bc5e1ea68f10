//! The chains as a picture: administrators on the right, each column one step further from them.

use super::graph::{Graph, Node};
use std::collections::BTreeMap;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;
use yagura_model::{Lang, xml_escaped as escaped};

const ROW: usize = 56;
const HEIGHT: usize = 32;
const GAP: usize = 170;
const MARGIN: usize = 24;
/// Pixels of one column of text.
const COLUMN: usize = 8;
const MAX_LABEL: usize = 44;

/// Colours follow the reader's light or dark setting.
const STYLE: &str = "svg{font:13px ui-sans-serif,system-ui,sans-serif;background:#fff;color:#1b1f24}\
rect{fill:#f3f5f8;stroke:#8591a3}.admin rect{fill:#fde8e8;stroke:#c0392b;stroke-width:2}\
text{fill:#1b1f24}.step{fill:none;stroke:#5b6675;stroke-width:1.5}.maybe{stroke-dasharray:5 4}\
.label{font-size:11px;fill:#48515e;paint-order:stroke;stroke:#fff;stroke-width:3px}marker path{fill:#5b6675}\
@media (prefers-color-scheme:dark){svg{background:#14181d;color:#e6e9ee}rect{fill:#222931;stroke:#77849a}\
.admin rect{fill:#43201f;stroke:#ff7b72}text{fill:#e6e9ee}.step{stroke:#9aa7ba}.label{fill:#b7c1cf;stroke:#14181d}\
marker path{fill:#9aa7ba}}";

/// A node's place.
#[derive(Clone, Copy, Default)]
struct Spot {
    x: usize,
    y: usize,
    width: usize,
}

/// The graph as an SVG document.
pub(super) fn draw(graph: &Graph, lang: Lang) -> String {
    let (spots, width, height) = layout(&graph.nodes);
    let title = lang.pick("Privilege escalation", "権限昇格");
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    for edge in &graph.edges {
        let at = |n: usize| spots.get(n).copied().unwrap_or_default();
        let (from, to) = (at(edge.from), at(edge.to));
        let (x1, y1) = (from.x + from.width, from.y + HEIGHT / 2);
        let (x2, y2) = (to.x, to.y + HEIGHT / 2);
        let bend = x1.midpoint(x2);
        let maybe = if edge.certain { "" } else { " maybe" };
        let _ = writeln!(
            out,
            "<g><title>{}</title><path class=\"step{maybe}\" marker-end=\"url(#tip)\" d=\"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}\"/>\
             <text class=\"label\" text-anchor=\"middle\" x=\"{bend}\" y=\"{}\">{}</text></g>",
            escaped(&edge.title),
            y1.midpoint(y2).saturating_sub(6),
            escaped(&edge.label)
        );
    }
    for (node, spot) in graph.nodes.iter().zip(&spots) {
        let class = if node.admin { " class=\"admin\"" } else { "" };
        let _ = writeln!(
            out,
            "<g{class}><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{HEIGHT}\" rx=\"6\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>",
            escaped(&node.title),
            spot.x,
            spot.y,
            spot.width,
            spot.x + spot.width / 2,
            spot.y + HEIGHT / 2 + 5,
            escaped(&shown(&node.label))
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Columns by distance, the furthest on the left; rows in the order of the nodes.
fn layout(nodes: &[Node]) -> (Vec<Spot>, usize, usize) {
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        columns.entry(node.distance).or_default().push(at);
    }
    let mut spots = vec![Spot::default(); nodes.len()];
    let tallest = columns.values().map(Vec::len).max().unwrap_or(0);
    let mut x = MARGIN;
    for members in columns.values().rev() {
        let width = |at: &usize| nodes.get(*at).map_or(0, |n| shown(&n.label).width() * COLUMN + 20);
        let widest = members.iter().map(width).max().unwrap_or(0);
        let top = MARGIN + (tallest - members.len()) * ROW / 2;
        for (row, at) in members.iter().enumerate() {
            if let Some(spot) = spots.get_mut(*at) {
                *spot = Spot { x, y: top + row * ROW, width: widest };
            }
        }
        x += widest + GAP;
    }
    let width = x.saturating_sub(GAP).max(MARGIN) + MARGIN;
    (spots, width, tallest * ROW + 2 * MARGIN)
}

/// A label that fits its box: the end of a long one, which tells most.
fn shown(label: &str) -> String {
    if label.width() <= MAX_LABEL {
        return label.to_owned();
    }
    let mut tail: Vec<char> = Vec::new();
    let mut width = 1;
    for c in label.chars().rev() {
        width += c.to_string().width();
        if width > MAX_LABEL {
            break;
        }
        tail.push(c);
    }
    std::iter::once('…').chain(tail.into_iter().rev()).collect()
}
