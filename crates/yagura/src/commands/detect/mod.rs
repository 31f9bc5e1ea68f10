//! `yagura detect`: threats in logs.

mod backtest;
mod lists;
mod pack;
mod run;
mod state;

use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

pub use run::{DetectArgs, ReadArgs, Ready, say, time};

/// `detect …`
#[derive(Debug, Subcommand)]
pub enum DetectCommand {
    /// List the detections and sequences
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say how often each rule would have fired on one's own history, and propose narrow exceptions
    Backtest(Box<backtest::BacktestArgs>),
}

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    match &args.command {
        Some(DetectCommand::List { json }) => pack::list(cli, *json, lang),
        Some(DetectCommand::Backtest(args)) => backtest::run(cli, args, lang),
        None => run::run(cli, args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "list" => Some(&pack::LIST_JA),
        "backtest" => Some(&backtest::HELP_JA),
        _ => None,
    }
}

/// The Japanese help of `detect` itself.
pub const HELP_JA: &HelpJa = &run::HELP_JA;
