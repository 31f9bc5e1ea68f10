//! Which detections there are.

use crate::cli::Cli;
use crate::commands::help_ja::HelpJa;
use crate::content;
use crate::failure::{Failure, exit};
use std::io::Write;
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::Lang;

/// Reads the embedded detections and sequences and a user's. A broken file of the user's is complained of; the rest runs.
///
/// # Errors
/// The user's folder cannot be read.
pub fn load(cli: &Cli) -> Result<Pack, Failure> {
    let (files, unreadable) = content::detections(cli.content.as_deref())?;
    let mut pack = Pack::read(files.iter(), &Settings::new());
    pack.errors.splice(0..0, unreadable);
    let mut err = std::io::stderr();
    for e in &pack.errors {
        writeln!(err, "{e}")?;
    }
    Ok(pack)
}

/// The Japanese help.
pub const LIST_JA: HelpJa =
    HelpJa {
        about: "検出ルールとシーケンスの一覧を表示する", arguments: &[("json", "JSON で出力する")], examples: ""
    };

/// `detect list`
pub fn list(cli: &Cli, json: bool, lang: Lang) -> Result<u8, Failure> {
    let pack = load(cli)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if json {
        let rules = pack.rules.detections.iter().map(|d| {
            serde_json::json!({"id": d.id, "log": d.table.name(), "severity": d.severity, "confidence": d.confidence, "maps": d.maps,
                "silent": d.silent, "title": d.words(lang).title, "why": d.words(lang).why})
        });
        let sequences = pack.sequences.all.iter().map(|s| {
            let words = s.words(lang);
            serde_json::json!({"id": s.id, "severity": s.severity, "maps": s.maps, "title": words.title, "why": words.why,
                "stages": s.stages.iter().map(|p| serde_json::json!({"name": p.name, "any": p.any, "optional": p.optional})).collect::<Vec<_>>()})
        });
        let all: Vec<serde_json::Value> = rules.chain(sequences).collect();
        serde_json::to_writer_pretty(&mut out, &all).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    for d in &pack.rules.detections {
        writeln!(out, "{:<8} {:<52} {}", d.severity.name(), d.id, d.words(lang).title)?;
    }
    for s in &pack.sequences.all {
        writeln!(out, "{:<8} {:<52} {}", s.severity.name(), s.id, s.words(lang).title)?;
    }
    let (rules, sequences) = (pack.rules.detections.len(), pack.sequences.all.len());
    let text = match lang {
        Lang::En => format!("{rules} detections, {sequences} sequences"),
        Lang::Ja => format!("検出ルール {rules} 件、シーケンス {sequences} 件"),
    };
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(exit::DONE)
}
