//! `yagura net`: what can reach what, what the internet can reach, and why not. One file per question.

pub mod eval;
pub mod matrix;
pub mod source;

pub use super::help_ja::HelpJa;

use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

/// `net …`
#[derive(Debug, Subcommand)]
pub enum NetCommand {
    /// Answer flows, one JSON object a line
    Eval(eval::EvalArgs),
    /// List what each may send to each, and whether the answer comes back
    Matrix(matrix::MatrixArgs),
}

/// Runs a subcommand.
pub fn run(cli: &Cli, command: &NetCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        NetCommand::Eval(args) => eval::run(cli, args, lang),
        NetCommand::Matrix(args) => matrix::run(cli, args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "eval" => &eval::HELP_JA,
        "matrix" => &matrix::HELP_JA,
        _ => return None,
    })
}
