//! `yagura watch`: full scans at intervals, what changed in between at once, threats on the same stream.

mod args;
mod detection;
mod durable;
mod full;
mod http;
mod log;
mod message;
mod metrics;
mod notice;
mod run;
mod sources;
mod tell;
mod work;
mod world;

use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::failure::Failure;
use yagura_model::Lang;

pub use args::WatchArgs;
pub use run::claim_failure;

/// Runs it.
pub fn run(cli: &Cli, args: &WatchArgs, lang: Lang) -> Result<u8, Failure> {
    run::run(cli, args, lang)
}

/// The Japanese help.
pub const HELP_JA: &HelpJa = &args::HELP_JA;
