//! `yagura content lint`.

use super::checks::run_all;
use crate::cli::{Cli, ContentCommand};
use crate::content::Content;
use crate::failure::{Failure, exit};
use yagura_model::Lang;

/// Runs a `content` command.
pub fn run(cli: &Cli, command: &ContentCommand, lang: Lang) -> Result<u8, Failure> {
    let ContentCommand::Lint { dir } = command;
    let folder = dir.as_deref().or(cli.content.as_deref());
    let content = Content::load(folder)?;
    let compiled = content.compile()?;
    // A folder's own files; without a folder, what is shipped.
    let own = content.checks.values().filter(|c| c.file.shipped == folder.is_none());
    let sound = run_all(own, &compiled.errors, &compiled, lang)?;
    Ok(if sound { exit::DONE } else { exit::USAGE })
}
