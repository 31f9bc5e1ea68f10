//! `yagura iam`: who can do what, why, and what would change. One file per question; each holds its Japanese help too.

pub mod batch;
pub mod eval;

use crate::cli::Cli;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;

/// `iam …`
#[derive(Debug, Subcommand)]
pub enum IamCommand {
    /// Evaluate requests given with all their policies
    Eval(eval::EvalArgs),
}

/// The Japanese help of one subcommand.
pub struct HelpJa {
    /// What it does.
    pub about: &'static str,
    /// Its arguments by clap's id.
    pub arguments: &'static [(&'static str, &'static str)],
    /// The examples after the help; empty where it has none.
    pub examples: &'static str,
}

/// Runs a subcommand.
pub fn run(cli: &Cli, command: &IamCommand, lang: Lang) -> Result<u8, Failure> {
    let _ = cli;
    match command {
        IamCommand::Eval(args) => eval::run(args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "eval" => &eval::HELP_JA,
        _ => return None,
    })
}

/// What AWS has: actions, resource types, condition keys.
pub fn catalogue() -> Result<Catalogue, Failure> {
    let text = crate::content::embedded_text("aws/iam-actions.txt").unwrap_or_default();
    Catalogue::read(&text).map_err(|e| Failure::usage(e.to_string(), format!("アクションの一覧を読み込めない: {e}")))
}
