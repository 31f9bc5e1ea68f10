//! `fix --export`: plans as files that somebody else carries out.

use crate::commands::frameworks::TextOrJson;
use crate::content::Compiled;
use crate::failure::{Failure, exit};
use clap::ValueEnum;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_inventory::iac::Language;
use yagura_model::Lang;
use yagura_respond::Preview;
use yagura_respond::export::{About, Exported, patch, runbooks, scripts};

/// `--export`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A shell script of `aws` commands, and the one that takes back what it did
    Cli,
    /// Systems Manager Automation runbooks (YAML), each with the one that takes it back
    Ssm,
    /// Properties to merge into CloudFormation templates
    Cloudformation,
    /// Arguments to merge into Terraform configurations
    Terraform,
}

/// Writes the files and says which, and what is not in them.
///
/// # Errors
/// A file cannot be written, or is there already.
pub fn write(
    preview: &Preview,
    compiled: &Compiled,
    (form, output, format): (Form, &Path, TextOrJson),
    lang: Lang,
) -> Result<u8, Failure> {
    let (folder, name) = place(output);
    let hash = preview.hash();
    let about = About { facts: &compiled.facts, hash: &hash, name: &name, lang };
    let exported = match form {
        Form::Cli => scripts(&preview.plans, &about),
        Form::Ssm => runbooks(&preview.plans, &about),
        Form::Cloudformation => patch(&preview.plans, &compiled.kinds, Language::CloudFormation, &about),
        Form::Terraform => patch(&preview.plans, &compiled.kinds, Language::Terraform, &about),
    };
    let written: Vec<PathBuf> = exported.files.iter().map(|(name, _)| folder.join(name)).collect();
    // All or none: a script without its undo, or an undo of other plans beside it, is worse than no file.
    for path in &written {
        free(path)?;
    }
    // Each file's undo stands behind it, and is written before it.
    for (path, (_, text)) in written.iter().zip(&exported.files).rev() {
        create(path, text)?;
    }
    tell(&written, &exported, preview, format, lang)?;
    Ok(if written.is_empty() { exit::FINDINGS } else { exit::DONE })
}

/// The folder of an output, and what the files are called there without their ending.
fn place(output: &Path) -> (PathBuf, String) {
    if output.is_dir() {
        return (output.to_owned(), "fix".to_owned());
    }
    let known = output.extension().is_some_and(|e| ["sh", "yaml", "yml", "tf"].iter().any(|k| e == *k));
    let name = if known { output.file_stem() } else { output.file_name() };
    let folder = output.parent().map(Path::to_owned).unwrap_or_default();
    (folder, name.map_or_else(|| "fix".to_owned(), |n| n.to_string_lossy().into_owned()))
}

/// Refuses a place where something is, also a link that leads nowhere.
fn free(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(cannot(path, &e)),
        Ok(_) => Err(cannot(path, &std::io::ErrorKind::AlreadyExists.into())),
    }
}

/// A new file that only its owner reads: it holds configuration. One that is there is not touched: its undo may still be needed.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| cannot(path, &e))
}

fn cannot(path: &Path, e: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::usage(format!("cannot write `{path}`: {e}"), format!("`{path}` に書き込めない: {e}"))
}

fn tell(
    written: &[PathBuf],
    exported: &Exported,
    preview: &Preview,
    format: TextOrJson,
    lang: Lang,
) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if format == TextOrJson::Json {
        let left: Vec<_> = exported
            .left
            .iter()
            .map(|l| json!({"rule": l.rule, "resource": l.resource, "call": l.call, "why": l.why.say(lang)}))
            .collect();
        let document = json!({
            "hash": preview.hash(), "files": written, "left": left, "not_mendable": preview.not_mendable,
        });
        serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for path in written {
        writeln!(out, "{}", path.display())?;
    }
    if !exported.left.is_empty() {
        writeln!(out, "{}", lang.pick("Not in these files:", "ファイルに含まれないもの:"))?;
    }
    for left in &exported.left {
        writeln!(out, "   {}  {}  {}\n      {}", left.rule, left.resource.name(), left.call, left.why.say(lang))?;
    }
    let (n, m) = (preview.plans.len(), preview.not_mendable.len());
    match lang {
        Lang::En => writeln!(out, "{n} plans; {m} findings are left to people. Nothing was changed.")?,
        Lang::Ja => writeln!(out, "計画 {n} 件、人の対応が必要な検出結果 {m} 件。何も変更していない。")?,
    }
    Ok(())
}
