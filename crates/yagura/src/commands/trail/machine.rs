//! The report for machines.

use super::verify::Proof;
use serde::Serialize;
use std::io::{self, Write};
use yagura_logs::trail::{ChainReport, FileVerdict, What};
use yagura_model::Lang;
use yagura_report::neutral;

/// Of a copy the first two members and no others.
#[derive(Serialize)]
struct Answer<'p> {
    valid: bool,
    files: Vec<File<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chains: Option<Vec<Chain<'p>>>,
    /// Log files whose digest is not due yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<u64>,
    /// Keys that were not asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<&'p str>>,
}

#[derive(Serialize)]
struct File<'p> {
    key: &'p str,
    verdict: &'static str,
    why: Option<String>,
}

#[derive(Serialize)]
struct Chain<'p> {
    account: &'p str,
    region: &'p str,
    trail: &'p str,
    backfill: bool,
    covered_from: Option<String>,
    covered_to: Option<String>,
    starts: Vec<String>,
    uncovered: Vec<[String; 2]>,
}

impl<'p> Chain<'p> {
    fn of(chain: &'p ChainReport) -> Self {
        Self {
            account: &chain.account,
            region: &chain.region,
            trail: &chain.trail.name,
            backfill: chain.backfill,
            covered_from: chain.covered.map(|(from, _)| from.to_string()),
            covered_to: chain.covered.map(|(_, to)| to.to_string()),
            starts: chain.starts.iter().map(ToString::to_string).collect(),
            uncovered: chain.uncovered.iter().map(|u| [u.from.to_string(), u.to.to_string()]).collect(),
        }
    }
}

/// As JSON: `{"valid", "files": [{"key", "verdict", "why"}]}`, of a live trail with what is known of its chains besides.
pub fn json(proof: &Proof, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let report = &proof.report;
    let files =
        report.files.iter().map(|f| File { key: &f.key, verdict: f.verdict.name(), why: why(f, lang) }).collect();
    let live = proof.live.as_ref();
    let chains = || report.chains.iter().map(Chain::of).collect();
    let notes = || proof.notes.iter().map(|(en, ja)| lang.pick(en.as_str(), ja.as_str())).collect();
    let answer = Answer {
        valid: report.valid(),
        files,
        trail: live.and_then(|l| l.trail.as_deref()),
        bucket: live.map(|l| l.place.as_str()),
        asked_at: live.map(|_| proof.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        chains: live.map(|_| chains()),
        pending: live.map(|_| report.pending),
        outside: live.map(|_| report.outside),
        notes: live.map(|_| notes()),
    };
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    out.write_all(b"\n")
}

/// As CSV that opens in Excel: one row a file.
pub fn csv(proof: &Proof, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    out.write_all("\u{feff}".as_bytes())?;
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    rows.write_record(["key", "kind", "verdict", "why"])?;
    for file in &proof.report.files {
        let kind = match file.what {
            What::Digest => "digest",
            What::Log => "log",
            What::Stray => "other",
        };
        let why = why(file, lang).unwrap_or_default();
        rows.write_record([&*neutral(&file.key), kind, file.verdict.name(), &*neutral(&why)])?;
    }
    rows.flush()
}

fn why(file: &FileVerdict, lang: Lang) -> Option<String> {
    file.why.as_ref().map(|w| w.say(lang))
}
