//! `yagura iam expand`: the actions that patterns and policies name.

use super::{Form, HelpJa, batch, catalogue, lint};
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::document::{Policy, Problem};
use yagura_policy::expand::{Expansion, expand, expand_patterns};
use yagura_policy::json::{Json, Node};

/// Arguments of `iam expand`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam expand 's3:Get*Acl' 'iam:Pass*'
  yagura iam expand policy.json
  yagura iam expand --batch policies.jsonl

Of a policy, what its Allow statements cover is listed, then what its Deny statements cover.
A line of a batch: {\"id\", \"policy\"}
Exit codes: 0 done, 2 bad usage or not a policy, 3 a file could not be read.")]
pub struct ExpandArgs {
    /// Action patterns (service:Name*), or policy files; `-` is standard input
    #[arg(value_name = "PATTERN|FILE", required_unless_present = "batch")]
    pub what: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Read JSON Lines from the file or standard input and answer each on one line
    #[arg(long, conflicts_with = "format")]
    pub batch: bool,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "アクションのパターンやポリシーが対象とするアクションを展開する",
    arguments: &[
        ("what", "アクションのパターン（service:Name*）またはポリシーのファイル（`-` は標準入力）"),
        ("format", "出力形式"),
        ("batch", "JSON Lines をファイルまたは標準入力から読み、1 行ずつ答える"),
    ],
    examples: "例:
  yagura iam expand 's3:Get*Acl' 'iam:Pass*'
  yagura iam expand policy.json
  yagura iam expand --batch policies.jsonl

ポリシーについては、Allow ステートメントの対象、Deny ステートメントの対象の順に示す。
--batch の各行: {\"id\", \"policy\"}
終了コード: 0 完了、2 引数の誤り、またはポリシーではないファイル、3 読み込めないファイルあり",
};

/// Expands patterns and files, or the lines of a batch.
pub fn run(args: &ExpandArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    if args.batch {
        return batch::run(args.what.first().map(Path::new), |line| answer(line, &catalogue));
    }
    let found = gather(&args.what, &catalogue)?;
    let out = match args.format {
        Form::Json => format!("{:#}\n", json!({"actions": found.actions, "denied": found.denied})),
        Form::Text => {
            let mut out = String::new();
            found.actions.iter().for_each(|action| {
                let _ = writeln!(out, "{action}");
            });
            if !found.denied.is_empty() {
                let _ = writeln!(out, "\n{}", lang.pick("denied:", "拒否:"));
            }
            found.denied.iter().for_each(|action| {
                let _ = writeln!(out, "{action}");
            });
            out
        }
    };
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(exit::DONE)
}

/// The actions of all patterns and files together.
pub fn gather(what: &[String], catalogue: &Catalogue) -> Result<Expansion, Failure> {
    let (files, patterns): (Vec<&String>, Vec<&String>) = what.iter().partition(|w| is_file(w));
    let mut all = Expansion { actions: expand_patterns(&patterns, catalogue), denied: Vec::new() };
    if let Some(nothing) = patterns.iter().find(|p| expand_patterns(&[p], catalogue).is_empty()) {
        let failure = Failure::usage(
            format!("`{nothing}` covers no action, and there is no such file"),
            format!("`{nothing}` に一致するアクションもファイルもない"),
        );
        return Err(failure.hint("write it as `service:Action`", "`service:Action` の形で書くこと"));
    }
    for file in files {
        let text = lint::read(&PathBuf::from(file))?;
        let policy = Policy::parse(&text).map_err(|problems| {
            let why = problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ");
            Failure::usage(format!("`{file}` is no policy: {why}"), format!("`{file}` はポリシーではない: {why}"))
        })?;
        let found = expand(&policy, catalogue);
        all.actions.extend(found.actions);
        all.denied.extend(found.denied);
    }
    for list in [&mut all.actions, &mut all.denied] {
        list.sort();
        list.dedup();
    }
    Ok(all)
}

fn is_file(word: &str) -> bool {
    word == "-" || Path::new(word).is_file()
}

fn answer(line: &Node<'_>, catalogue: &Catalogue) -> Result<Map<String, Value>, String> {
    let policy = line.members().and_then(|m| m.iter().find(|m| m.key == "policy")).ok_or("`policy` is missing")?;
    let parsed = match &policy.value.value {
        Json::String(text) => Policy::parse(text),
        _ => Policy::from_node(&policy.value),
    };
    let parsed = parsed.map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))?;
    let found = expand(&parsed, catalogue);
    Ok(Map::from_iter([("actions".to_owned(), json!(found.actions)), ("denied".to_owned(), json!(found.denied))]))
}
