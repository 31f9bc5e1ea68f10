//! `yagura detect`: threats in logs.

mod args;
mod backtest;
mod list;
mod lists;
mod pack;
mod ready;
mod run;
mod show;
mod state;
mod words;

use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

pub use args::{DetectArgs, ReadArgs};
pub use ready::{Named, Ready, time};
pub use run::{kept, once, still_late};
pub use state::{Saved, load, save};
pub use words::{lost, say};

/// `detect …`
#[derive(Debug, Subcommand)]
pub enum DetectCommand {
    /// List the detections and sequences
    List(Box<list::ListArgs>),
    /// Tell all of one detection or sequence: what it matches, why it matters, what to look at
    Show(Box<show::ShowArgs>),
    /// Say how often each rule would have fired on one's own history, and propose narrow exceptions
    Backtest(Box<backtest::BacktestArgs>),
}

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    match &args.command {
        Some(DetectCommand::List(args)) => list::run(cli, args, lang),
        Some(DetectCommand::Show(args)) => show::run(cli, args, lang),
        Some(DetectCommand::Backtest(args)) => backtest::run(cli, args, lang),
        None => run::run(cli, args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "list" => Some(&list::LIST_JA),
        "show" => Some(&show::SHOW_JA),
        "backtest" => Some(&backtest::HELP_JA),
        _ => None,
    }
}

/// The Japanese help of `detect` itself.
pub const HELP_JA: &HelpJa = &args::HELP_JA;
