//! A page of named rows: what `checks show` and `detect show` print.

use crate::terminal;
use std::io::{self, Write};
use yagura_report::{width, wrap};

/// The columns that names take.
const NAMES: usize = 14;

/// Writes rows: a name, and beside it a text that is broken at the terminal's edge.
pub struct Rows<W> {
    out: W,
    columns: Option<usize>,
}

impl<W: Write> Rows<W> {
    /// Rows on `out`. On a terminal texts fill the columns that `--help` has; where nobody looks at one they are not broken.
    pub fn new(out: W) -> Self {
        let columns = terminal::is_terminal().then(|| terminal::columns().unwrap_or(80).clamp(40, 110));
        Self { out, columns }
    }

    /// One row; the lines of `value` stand below each other.
    pub fn row(&mut self, name: &str, value: &str) -> io::Result<()> {
        let rest = " ".repeat(NAMES);
        let mut before = format!("{name}{}", " ".repeat(NAMES.saturating_sub(width(name)).max(1)));
        let value = value.trim();
        for line in value.lines().chain(value.is_empty().then_some("")) {
            let lines = match self.columns {
                Some(columns) => wrap(line, columns, &before, &rest),
                None => vec![format!("{before}{line}")],
            };
            lines.iter().try_for_each(|l| writeln!(self.out, "{}", l.trim_end()))?;
            before.clone_from(&rest);
        }
        Ok(())
    }
}
