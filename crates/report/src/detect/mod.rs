//! What detection found, in every format.

mod jsonl;
mod table;

use crate::Style;
use std::io::{self, BufWriter, Write};
use yagura_detect::tell::Told;
use yagura_model::Lang;

/// A format of findings of detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetectFormat {
    /// For people on a terminal.
    Table,
    /// One JSON object a line.
    Jsonl,
}

impl DetectFormat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Table, Self::Jsonl];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Writes findings, buffered, and flushes.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_findings(
    found: &[Told],
    format: DetectFormat,
    style: &Style,
    lang: Lang,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    match format {
        DetectFormat::Table => table::write(found, style, lang, &mut out)?,
        DetectFormat::Jsonl => jsonl::write(found, &mut out)?,
    }
    out.flush()
}
