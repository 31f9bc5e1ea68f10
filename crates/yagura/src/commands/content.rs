//! `yagura content lint`.

use super::checks::run_all;
use crate::cli::{Cli, ContentCommand};
use crate::content::Content;
use crate::failure::{Failure, exit};
use std::io::Write;
use yagura_model::Lang;

/// Runs a `content` command.
pub fn run(cli: &Cli, command: &ContentCommand, lang: Lang) -> Result<u8, Failure> {
    let ContentCommand::Lint { dir } = command;
    let content = Content::load(dir.as_deref().or(cli.content.as_deref()))?;
    let compiled = content.compile()?;
    let (_, broken) = content.compile_checks(content.checks.values(), &compiled, &Default::default());
    let failed = run_all(content.checks.values(), &compiled, lang)?;
    let mut out = std::io::stdout().lock();
    for e in &compiled.errors {
        writeln!(out, "✗ {e}")?;
    }
    for e in broken.iter().filter(|_| failed == 0) {
        writeln!(out, "✗ {e}")?;
    }
    Ok(if failed == 0 && compiled.errors.is_empty() && broken.is_empty() { exit::DONE } else { exit::USAGE })
}
