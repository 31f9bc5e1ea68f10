//! `yagura iam shrink`: the fewest patterns that name a set of actions.

use super::expand::gather;
use super::{Form, HelpJa, catalogue};
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::json;
use std::io::{Read, Write as _};
use yagura_policy::shrink::shrink;

/// Arguments of `iam shrink`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam shrink s3:GetObject s3:GetObjectAcl s3:PutObject
  yagura iam expand policy.json | yagura iam shrink
  yagura iam shrink policy.json --format json

Expanding the patterns gives the same actions. Patterns with * also cover actions that AWS adds later.")]
pub struct ShrinkArgs {
    /// Actions, action patterns or policy files [default: one action a line of standard input]
    #[arg(value_name = "ACTION|FILE")]
    pub what: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "アクションの集合をちょうど表す最少のパターンを求める",
    arguments: &[
        ("what", "アクション、パターン、またはポリシーのファイル [デフォルト: 標準入力の 1 行に 1 アクション]"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam shrink s3:GetObject s3:GetObjectAcl s3:PutObject
  yagura iam expand policy.json | yagura iam shrink
  yagura iam shrink policy.json --format json

得られたパターンを展開すると元のアクションに戻る。* を含むパターンは、AWS が今後追加するアクションも対象にする。",
};

/// Prints the patterns.
pub fn run(args: &ShrinkArgs) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    let actions = if args.what.is_empty() {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(64 << 20).read_to_string(&mut text);
        read.map_err(|e| Failure::blind(format!("cannot read `-`: {e}"), format!("標準入力を読み込めない: {e}")))?;
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(Into::into).collect()
    } else {
        gather(&args.what, &catalogue)?.actions
    };
    let patterns = shrink(&actions, &catalogue);
    let out = match args.format {
        Form::Json => format!("{:#}\n", json!(patterns)),
        Form::Text => patterns.iter().map(|p| format!("{p}\n")).collect(),
    };
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(exit::DONE)
}
