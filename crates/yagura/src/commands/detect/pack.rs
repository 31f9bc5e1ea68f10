//! Reads the detections: the built-in ones, a user's, and the rules of others.

use crate::cli::Cli;
use crate::content;
use crate::failure::Failure;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::Lang;

/// Reads the embedded detections and sequences and a user's. A broken file of the user's is complained of; the rest runs. How many rules
/// of others there are is said.
///
/// # Errors
/// The user's folder cannot be read, or one that should hold rules has none.
pub fn load(cli: &Cli, rules: &[PathBuf], lang: Lang) -> Result<Pack, Failure> {
    let (files, unreadable) = content::detections(cli.content.as_deref())?;
    let mut others = Vec::new();
    for folder in rules {
        let found = foreign(folder)?;
        if found.is_empty() {
            let shown = folder.display();
            return Err(Failure::usage(
                format!(
                    "there is no rule in `{shown}`: neither a .yml or .yaml file of Sigma's nor a .json file with an event pattern"
                ),
                format!("`{shown}` にルールがない（Sigma ルールは .yml か .yaml、イベントパターンは .json）"),
            ));
        }
        others.extend(found);
    }
    let mut pack = Pack::read_with(files.iter(), &others, &Settings::new());
    pack.errors.splice(0..0, unreadable);
    let mut err = std::io::stderr();
    for e in &pack.errors {
        writeln!(err, "{e}")?;
    }
    if !rules.is_empty() {
        let own = |prefix: &str| pack.rules.detections.iter().filter(|d| d.id.starts_with(prefix)).count();
        let (sigma, patterns, files) = (own("sigma."), own("pattern."), others.len());
        let text = match lang {
            Lang::En => format!(
                "your rules: {sigma} Sigma rules and correlations, {patterns} event patterns from {files} file{}",
                if files == 1 { "" } else { "s" }
            ),
            Lang::Ja => format!(
                "自分のルール: ファイル {files} 件から Sigma ルールと相関 {sigma} 件、イベントパターン {patterns} 件"
            ),
        };
        writeln!(err, "{text}")?;
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
