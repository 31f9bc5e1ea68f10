//! What an investigation found, in every format.

mod html;
mod text;
mod words;

use crate::Style;
use crate::timeline::{Mark, svg};
use std::io::{self, BufWriter, Write};
use words::Words;
use yagura_detect::investigate::{Dossier, Noted};
use yagura_detect::tell::short;
use yagura_model::Lang;

/// A format of an investigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DossierFormat {
    /// For people on a terminal.
    Text,
    /// One JSON object.
    Json,
    /// The timeline as a picture.
    Svg,
    /// One self-contained page.
    Html,
}

impl DossierFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Svg, Self::Html];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Svg => "svg",
            Self::Html => "html",
        }
    }

    /// By its word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// Writes a dossier, buffered, and flushes. `style` matters to [`DossierFormat::Text`] only.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_dossier(
    dossier: &Dossier,
    format: DossierFormat,
    style: &Style,
    lang: Lang,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    match format {
        DossierFormat::Text => text::write(dossier, style, lang, &mut out)?,
        DossierFormat::Json => {
            serde_json::to_writer_pretty(&mut out, dossier)?;
            writeln!(out)?;
        }
        DossierFormat::Svg => writeln!(out, "{}", picture(dossier, lang, true))?,
        DossierFormat::Html => html::write(dossier, lang, &mut out)?,
    }
    out.flush()
}

/// The timeline as a picture.
fn picture(dossier: &Dossier, lang: Lang, standalone: bool) -> String {
    let words = Words(lang);
    let marks: Vec<Mark> = dossier
        .timeline
        .iter()
        .map(|n| Mark {
            time: n.time.parse::<jiff::Timestamp>().map_or(0, |t| t.as_millisecond()),
            lane: lane(n),
            severity: n.severity,
            label: crate::detect::beside(&words.moment(n), &lane(n)).to_owned(),
            detail: format!("{} {} {}", n.actor, n.source_ip, n.event),
        })
        .collect();
    svg(&marks, &dossier.subject.text, lang, standalone)
}

fn lane(n: &Noted) -> String {
    match (n.actor.is_empty(), n.source_ip.is_empty()) {
        (false, _) => short(&n.actor).to_string(),
        (true, false) => n.source_ip.to_string(),
        (true, true) => "-".to_owned(),
    }
}
