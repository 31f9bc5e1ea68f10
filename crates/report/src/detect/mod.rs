//! What detection found, in every format.

mod asff;
mod attack;
pub(crate) mod html;
mod jsonl;
mod ocsf;
mod table;
mod timeline;

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
    /// OCSF Detection Findings, a JSON array.
    Ocsf,
    /// AWS Security Finding Format, a JSON array.
    Asff,
    /// One self-contained page.
    Html,
    /// One line a moment, in the order of time.
    Timeline,
}

impl DetectFormat {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Table, Self::Jsonl, Self::Ocsf, Self::Asff, Self::Html, Self::Timeline];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Html => "html",
            Self::Timeline => "timeline",
        }
    }

    /// By its word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// Writes findings, buffered, and flushes. `style` matters to the formats for terminals only.
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
        DetectFormat::Ocsf => ocsf::write(found, lang, &mut out)?,
        DetectFormat::Asff => asff::write(found, &mut out)?,
        DetectFormat::Html => html::write(found, lang, &mut out)?,
        DetectFormat::Timeline => timeline::write(found, style, lang, &mut out)?,
    }
    out.flush()
}
