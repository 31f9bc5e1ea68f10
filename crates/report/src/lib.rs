//! Every output format of a scan, in English and Japanese.
//!
//! A [`Report`] is what a scan found; [`write()`] puts it down in a [`Format`]. Nothing here computes a verdict, and
//! nothing here does I/O but through the writer it is handed.

mod asff;
mod compliance;
mod csv;
mod detect;
mod grid;
mod html;
mod identity;
mod investigate;
mod json;
mod junit;
mod markdown;
mod ocsf;
mod report;
mod sarif;
mod summary;
mod table;
mod terminal;
mod text;
mod timeline;

pub use compliance::coverage_word;
pub use csv::neutral;
pub use detect::{DetectFormat, told_identity, write_findings};
pub use html::escape as escape_html;
pub use investigate::{DossierFormat, write_dossier};
pub use report::{Format, Framework, Meta, ParseFormatError, Report, Style};
pub use summary::{Counts, ServiceCounts, Summary};
pub use terminal::{width, wrap, wrap_whole};
pub use timeline::{Mark, svg as timeline_svg};

use std::io::{self, BufWriter, Write};

/// Writes `report` to `out` in `format`, buffered, and flushes. Formats that are lists (json, jsonl, ocsf, asff, csv,
/// sarif, junit) are streamed: no second copy of the output is held.
///
/// `style` matters to [`Format::Table`] only.
pub fn write(report: &Report, format: Format, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    match format {
        Format::Table => table::write(report, style, &mut out)?,
        Format::Json => json::write(report, &mut out)?,
        Format::Jsonl => json::write_lines(report, &mut out)?,
        Format::Ocsf => ocsf::write(report, &mut out)?,
        Format::Asff => asff::write(report, &mut out)?,
        Format::Csv => csv::write(report, &mut out)?,
        Format::Sarif => sarif::write(report, &mut out)?,
        Format::Junit => junit::write(report, &mut out)?,
        Format::Html => html::write(report, &mut out)?,
        Format::Markdown => markdown::write(report, &mut out)?,
    }
    out.flush()
}
