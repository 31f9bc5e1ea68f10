//! `yagura detect`: threats in logs.

mod pack;
mod run;

use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

pub use run::DetectArgs;

/// `detect …`
#[derive(Debug, Subcommand)]
pub enum DetectCommand {
    /// List the detections and sequences
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    match &args.command {
        Some(DetectCommand::List { json }) => pack::list(cli, *json, lang),
        None => run::run(cli, args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "list" => Some(&pack::LIST_JA),
        _ => None,
    }
}

/// The Japanese help of `detect` itself.
pub const HELP_JA: &HelpJa = &run::HELP_JA;
