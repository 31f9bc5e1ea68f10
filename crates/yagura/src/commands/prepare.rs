//! What every command that judges begins with: content, settings, the chosen checks.

use crate::cli::{Cli, Selection};
use crate::content::{Compiled, Content};
use crate::failure::Failure;
use crate::select::select;
use crate::settings;
use smol_str::SmolStr;
use std::io::Write;
use yagura_model::Lang;
use yagura_rule::{Check, ContentError};

/// Content, and the chosen checks, ready to judge.
pub struct Prepared {
    /// All content.
    pub content: Content,
    /// Kinds, facts, tables.
    pub compiled: Compiled,
    /// The chosen checks with the user's settings.
    pub checks: Vec<Check>,
}

/// Loads and compiles. Says on standard error which files were left out, and why; the rest runs.
pub fn prepare(cli: &Cli, selection: &Selection, lang: Lang) -> Result<Prepared, Failure> {
    prepare_chosen(cli, Some(selection), lang)
}

/// The same with the checks of these ids, and with none where none is named.
pub fn prepare_only(cli: &Cli, checks: Vec<SmolStr>, lang: Lang) -> Result<Prepared, Failure> {
    let selection = (!checks.is_empty()).then(|| Selection { check: checks, ..Selection::default() });
    prepare_chosen(cli, selection.as_ref(), lang)
}

fn prepare_chosen(cli: &Cli, selection: Option<&Selection>, lang: Lang) -> Result<Prepared, Failure> {
    let content = Content::load(cli.content.as_deref())?;
    complain(&content.errors, lang);
    let settings = settings::load(cli.config.as_deref(), &content.checks)?;
    let chosen = selection.map(|s| select(&content, s)).transpose()?.unwrap_or_default();
    let compiled = content.compile()?;
    let (checks, broken) = content.compile_checks(chosen, &compiled, &settings);
    complain(compiled.errors.iter().skip(content.errors.len()).chain(&broken), lang);
    if checks.is_empty() && selection.is_some() {
        return Err(Failure::usage("every chosen check is broken", "選択したチェックはすべて読み込めない"));
    }
    Ok(Prepared { content, compiled, checks })
}

fn complain<'e>(errors: impl IntoIterator<Item = &'e ContentError>, lang: Lang) {
    for e in errors {
        let _ = writeln!(std::io::stderr(), "{}: {e}", lang.pick("left out", "除外したファイル"));
    }
}
