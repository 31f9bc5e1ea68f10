//! `yagura iam eval`: requests with all their policies, one JSON object a line.

use super::{HelpJa, batch, catalogue};
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_policy::case::Case;

/// Arguments of `iam eval`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam eval --batch cases.jsonl
  echo '{\"id\":1,\"request\":{\"principal\":\"arn:aws:iam::111122223333:user/alice\",\"action\":\"s3:GetObject\",\"resource\":\"arn:aws:s3:::logs/a\"},\"identity_policies\":[{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"*\"}}]}' | yagura iam eval --batch")]
pub struct EvalArgs {
    /// Read JSON Lines and answer each on one line
    #[arg(long, required = true)]
    pub batch: bool,
    /// The file [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ポリシーをすべて添えたリクエストを評価する",
    arguments: &[("batch", "JSON Lines を読み、1 行ずつ答える"), ("input", "ファイル [デフォルト: 標準入力]")],
    examples: "例:
  yagura iam eval --batch cases.jsonl",
};

/// Answers every line.
pub fn run(args: &EvalArgs, _lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    batch::run(args.input.as_deref(), |node| Ok(Case::from_node(node)?.answer(&catalogue)?.to_json()))
}
