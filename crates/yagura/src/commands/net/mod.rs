//! `yagura net`: what can reach what, what the internet can reach, and why not. One file per question.

pub mod diagnose;
pub mod diff;
pub mod eval;
pub mod exposed;
pub mod logs;
pub mod matrix;
pub mod path;
pub mod source;
pub mod words;

pub use super::Form;
pub use super::help_ja::HelpJa;

use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

/// `net …`
#[derive(Debug, Subcommand)]
pub enum NetCommand {
    /// Tell whether one thing reaches another, hop by hop, and every reason why not
    Path(path::PathArgs),
    /// List everything that the internet can reach: ports, the way, what guards it
    Exposed(exposed::ExposedArgs),
    /// Find why two things cannot talk, in the order in which people look
    Diagnose(diagnose::DiagnoseArgs),
    /// Tell what became reachable between two snapshots
    Diff(diff::DiffArgs),
    /// Answer flows, one JSON object a line
    Eval(eval::EvalArgs),
    /// List what each may send to each, and whether the answer comes back
    Matrix(matrix::MatrixArgs),
}

/// Runs a subcommand.
pub fn run(cli: &Cli, command: &NetCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        NetCommand::Path(args) => path::run(cli, args, lang),
        NetCommand::Exposed(args) => exposed::run(cli, args, lang),
        NetCommand::Diagnose(args) => diagnose::run(cli, args, lang),
        NetCommand::Diff(args) => diff::run(args, lang),
        NetCommand::Eval(args) => eval::run(cli, args, lang),
        NetCommand::Matrix(args) => matrix::run(cli, args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "path" => &path::HELP_JA,
        "exposed" => &exposed::HELP_JA,
        "diagnose" => &diagnose::HELP_JA,
        "diff" => &diff::HELP_JA,
        "eval" => &eval::HELP_JA,
        "matrix" => &matrix::HELP_JA,
        _ => return None,
    })
}
