//! What detection found, in every format.

mod asff;
mod attack;
pub(crate) mod html;
mod jsonl;
mod ocsf;
mod table;
mod timeline;

use crate::Style;
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use yagura_detect::tell::{Moment, Told};
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

/// The identity of a finding of detection: the same 32 hexadecimal digits whenever the same records are read.
pub fn told_identity(told: &Told) -> String {
    attack::fingerprint(told)
}

/// What a person reads of an incident's timeline: of each record one moment, that of a stage where there is one, and of what no stage is
/// each rule once, the gravest first. Otherwise one call that several rules look at would fill the page.
pub(crate) fn folded<'t>(told: &'t Told, found: &[Told]) -> Vec<&'t Moment> {
    let severity = |m: &Moment| found.iter().find(|t| t.rule == m.rule && t.sequence.is_empty()).map(|t| t.severity);
    let mut all: Vec<&Moment> = Vec::new();
    let mut rules: HashSet<&str> = HashSet::new();
    let mut stages: HashSet<(&str, &str)> = HashSet::new();
    for of_record in told.timeline.chunk_by(|a, b| a.time == b.time && a.event == b.event) {
        let stage = |m: &&Moment| stages.contains(&(m.rule.as_str(), last(&m.stage)));
        let staged = of_record.iter().find(|m| !m.stage.is_empty() && !stage(m));
        let besides = || {
            let new = of_record.iter().filter(|m| m.stage.is_empty() && !rules.contains(m.rule.as_str()));
            new.rev().max_by_key(|m| severity(m))
        };
        all.extend(staged.or_else(besides));
        rules.extend(of_record.iter().map(|m| m.rule.as_str()));
        stages.extend(of_record.iter().filter(|m| !m.stage.is_empty()).map(|m| (m.rule.as_str(), last(&m.stage))));
    }
    all
}

/// A stage's own name.
fn last(stage: &str) -> &str {
    stage.rsplit('/').next().unwrap_or(stage)
}

/// A title beside the name of who did it: without that name at its beginning.
pub(crate) fn beside<'t>(title: &'t str, who: &str) -> &'t str {
    let rest = title.strip_prefix(who).filter(|_| !who.is_empty());
    let rest =
        rest.and_then(|r| r.strip_prefix(' ').or_else(|| r.strip_prefix(" が")).or_else(|| r.strip_prefix("が")));
    rest.map(|r| r.trim_start_matches(['が', ' ', '、'])).filter(|r| !r.is_empty()).unwrap_or(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_beside_a_title_is_not_named_in_it() {
        let rows = [
            ("user/ci created the user svc", "created the user svc"),
            ("user/ci が IAM ユーザー svc を作成した", "IAM ユーザー svc を作成した"),
            ("user/cindy created a key", "user/cindy created a key"),
            ("The root user was used", "The root user was used"),
            ("user/ci", "user/ci"),
        ];
        for (title, wanted) in rows {
            assert_eq!(beside(title, "user/ci"), wanted);
        }
        assert_eq!(beside("a b", ""), "a b");
    }
}
