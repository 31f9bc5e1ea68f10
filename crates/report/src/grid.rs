//! Counts in aligned columns.

use crate::table::MARGIN;
use crate::terminal::{Ink, Terminal, left, right, width};
use crate::text::grouped;

/// Counts in columns under heads; a label before each row.
pub(crate) struct Grid<'a> {
    label: &'a str,
    heads: Vec<&'a str>,
    /// Rows, in the order they are drawn.
    pub rows: Vec<Row>,
}

/// A label, its ink where it has one, and counts with theirs.
pub(crate) type Row = (String, Option<Ink>, Vec<(u64, Ink)>);

impl<'a> Grid<'a> {
    pub fn new(label: &'a str, heads: impl IntoIterator<Item = &'a str>) -> Self {
        Self { label, heads: heads.into_iter().collect(), rows: Vec::new() }
    }

    pub fn draw(&self, terminal: Terminal, lines: &mut Vec<String>) {
        let first = self.rows.iter().map(|(label, ..)| width(label)).chain([width(self.label)]).max().unwrap_or(0);
        let columns: Vec<usize> = self
            .heads
            .iter()
            .enumerate()
            .map(|(at, head)| {
                let cells = self.rows.iter().filter_map(|(_, _, cells)| cells.get(at)).map(|(n, _)| width(&cell(*n)));
                cells.chain([width(head)]).max().unwrap_or(0)
            })
            .collect();
        let mut head = left(self.label, first);
        for (name, column) in self.heads.iter().zip(&columns) {
            head.push_str(&format!("  {}", right(name, *column)));
        }
        lines.push(format!("{MARGIN}{}", terminal.paint(Ink::DIM, &head)));
        for (label, ink, cells) in &self.rows {
            let label = left(label, first);
            let mut line = format!("{MARGIN}{}", ink.map_or_else(|| label.clone(), |ink| terminal.paint(ink, &label)));
            for ((n, ink), column) in cells.iter().zip(&columns) {
                let ink = if *n == 0 { Ink::DIM } else { *ink };
                line.push_str(&format!("  {}", terminal.paint(ink, &right(&cell(*n), *column))));
            }
            lines.push(line);
        }
        lines.push(String::new());
    }
}

/// A count; a hyphen for none, so that the eye finds the others.
fn cell(n: u64) -> String {
    if n == 0 { "-".to_owned() } else { grouped(n) }
}
