//! Which detections there are.

use crate::cli::Cli;
use crate::commands::help_ja::HelpJa;
use crate::content;
use crate::failure::{Failure, exit};
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::Lang;

/// Reads the embedded detections and sequences and a user's. A broken file of the user's is complained of; the rest runs.
///
/// # Errors
/// The user's folder cannot be read.
pub fn load(cli: &Cli, rules: &[PathBuf]) -> Result<Pack, Failure> {
    let (files, unreadable) = content::detections(cli.content.as_deref())?;
    let mut others = Vec::new();
    for folder in rules {
        others.extend(foreign(folder)?);
    }
    let mut pack = Pack::read_with(files.iter(), &others, &Settings::new());
    pack.errors.splice(0..0, unreadable);
    let mut err = std::io::stderr();
    for e in &pack.errors {
        writeln!(err, "{e}")?;
    }
    Ok(pack)
}

/// The rules of others in a folder, or one file: Sigma rules (`.yml`, `.yaml`) and EventBridge patterns (`.json`), by path and text.
fn foreign(at: &Path) -> Result<Vec<(String, String)>, Failure> {
    let unreadable = |path: &Path, e: &std::io::Error| {
        Failure::usage(
            format!("cannot read the rules `{}`: {e}", path.display()),
            format!("ルール `{}` を読めない: {e}", path.display()),
        )
    };
    let mut waiting = vec![at.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(|e| unreadable(&path, &e))? {
                waiting.push(entry.map_err(|e| unreadable(&path, &e))?.path());
            }
        } else if path == at || path.extension().is_some_and(|e| e == "yml" || e == "yaml" || e == "json") {
            let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found.sort();
    Ok(found)
}

/// The Japanese help.
pub const LIST_JA: HelpJa =
    HelpJa {
        about: "検出ルールとシーケンスの一覧を表示する", arguments: &[("json", "JSON で出力する")], examples: ""
    };

/// `detect list`
pub fn list(cli: &Cli, json: bool, lang: Lang) -> Result<u8, Failure> {
    let pack = load(cli, &[])?;
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
