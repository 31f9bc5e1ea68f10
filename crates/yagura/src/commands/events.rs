//! `yagura events`: events held against Amazon EventBridge's patterns, as EventBridge does.

use super::batch;
use super::help_ja::HelpJa;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use yagura_detect::pattern::{check_line, match_line};

/// `events …`
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Say which rules' patterns an event matches
    Match(MatchArgs),
    /// Say whether patterns are valid
    Check(CheckArgs),
}

/// `events match`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura events match --batch cases.jsonl
  yagura events match --batch < cases.jsonl

A line (in a file on one line; patterns and events may also be texts of JSON):
  {\"id\": 1, \"rules\": {\"root\": [{\"detail\": {\"userIdentity\": {\"type\": [\"Root\"]}}}]},
   \"event\": {\"detail\": {\"userIdentity\": {\"type\": \"Root\"}}}}
The answer: {\"id\", \"matched\": [names]}, or {\"id\", \"error\"} for a line that cannot be answered. A rule matches when any of its
patterns does.")]
pub struct MatchArgs {
    /// The file [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read JSON Lines and answer each on one line
    #[arg(long, required = true)]
    pub batch: bool,
}

/// `events check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura events check --batch patterns.jsonl
  echo '{\"id\": 1, \"pattern\": {\"source\": [\"aws.s3\"]}}' | yagura events check --batch

The answer: {\"id\", \"error\": null} for a valid pattern, otherwise the reason as EventBridge gives it.")]
pub struct CheckArgs {
    /// The file [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read JSON Lines and answer each on one line
    #[arg(long, required = true)]
    pub batch: bool,
}

const MATCH_JA: HelpJa = HelpJa {
    about: "イベントがどのルールのイベントパターンに一致するかを答える",
    arguments: &[("input", "ファイル [デフォルト: 標準入力]"), ("batch", "JSON Lines を読み、1 行ずつ答える")],
    examples: "例:
  yagura events match --batch cases.jsonl
  yagura events match --batch < cases.jsonl

各行の形（実際には 1 行に書く。パターンとイベントは JSON の文字列でもよい）:
  {\"id\": 1, \"rules\": {\"root\": [{\"detail\": {\"userIdentity\": {\"type\": [\"Root\"]}}}]},
   \"event\": {\"detail\": {\"userIdentity\": {\"type\": \"Root\"}}}}
回答: {\"id\", \"matched\": [名前]}。答えられない行は {\"id\", \"error\"}。パターンのどれかが一致すればルールは一致する。",
};

const CHECK_JA: HelpJa = HelpJa {
    about: "イベントパターンが有効かどうかを答える",
    arguments: &[("input", "ファイル [デフォルト: 標準入力]"), ("batch", "JSON Lines を読み、1 行ずつ答える")],
    examples: "例:
  yagura events check --batch patterns.jsonl
  echo '{\"id\": 1, \"pattern\": {\"source\": [\"aws.s3\"]}}' | yagura events check --batch

回答: 有効なら {\"id\", \"error\": null}、無効なら EventBridge と同じ理由。",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "match" => Some(&MATCH_JA),
        "check" => Some(&CHECK_JA),
        _ => None,
    }
}

/// Answers every line.
pub fn run(command: &EventsCommand) -> Result<u8, Failure> {
    let (input, answer): (_, fn(&str) -> String) = match command {
        EventsCommand::Match(args) => (&args.input, match_line),
        EventsCommand::Check(args) => (&args.input, check_line),
    };
    batch::texts(input.as_deref(), |line| {
        Ok(match line {
            Ok(line) => answer(line),
            Err(why) => serde_json::json!({"id": null, "error": why}).to_string(),
        })
    })
}
