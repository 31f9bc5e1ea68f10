//! `yagura iam diff`: whether a policy grants what an older one does not.

use super::{Form, HelpJa, batch, catalogue, say};
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_model::Lang;
use yagura_policy::diff::{Comparison, NewAccess, PolicyType, compare, request_json};
use yagura_policy::document::{Policy, Problem};
use yagura_policy::json::{Json, Node, position};

/// Arguments of `iam diff`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam diff old.json new.json
  yagura iam diff old-bucket.json new-bucket.json --policy-type resource --format json
  yagura iam diff --batch pairs.jsonl

A line of a batch: {\"id\", \"existing\", \"new\", \"policy_type\"}
Exit codes: 0 no new access, 1 new access, 2 bad usage, 3 it could not be decided or a file not be read.")]
pub struct DiffArgs {
    /// The policy as it is; with --batch the file of pairs [default: standard input]
    #[arg(value_name = "OLD", required_unless_present = "batch")]
    pub old: Option<PathBuf>,
    /// The policy as it would be
    #[arg(value_name = "NEW", required_unless_present = "batch", conflicts_with = "batch")]
    pub new: Option<PathBuf>,
    /// What the policies are attached to [default: told by their statements]
    #[arg(long, value_name = "TYPE", value_enum)]
    pub policy_type: Option<TypeArg>,
    /// Read JSON Lines and answer each on one line
    #[arg(long)]
    pub batch: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// `--policy-type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are those of PolicyType")]
pub enum TypeArg {
    Identity,
    Resource,
    Trust,
    Scp,
    Rcp,
    Session,
    Endpoint,
}

impl From<TypeArg> for PolicyType {
    fn from(t: TypeArg) -> Self {
        match t {
            TypeArg::Identity => Self::Identity,
            TypeArg::Resource => Self::Resource,
            TypeArg::Trust => Self::Trust,
            TypeArg::Scp => Self::Scp,
            TypeArg::Rcp => Self::Rcp,
            TypeArg::Session => Self::Session,
            TypeArg::Endpoint => Self::Endpoint,
        }
    }
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "新しいポリシーが、古いポリシーにないアクセスを許可するかを調べる",
    arguments: &[
        ("old", "現在のポリシー。--batch では組を並べたファイル [デフォルト: 標準入力]"),
        ("new", "変更後のポリシー"),
        ("policy_type", "ポリシーのアタッチ先 [デフォルト: ステートメントから判断する]"),
        ("batch", "JSON Lines を読み、1 行ずつ答える"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam diff old.json new.json
  yagura iam diff old-bucket.json new-bucket.json --policy-type resource --format json
  yagura iam diff --batch pairs.jsonl

--batch の各行: {\"id\", \"existing\", \"new\", \"policy_type\"}
終了コード: 0 新しいアクセスなし、1 新しいアクセスあり、2 引数の誤り、3 判断できない、またはファイルを読み込めない",
};

/// Compares two files, or every line of a batch.
pub fn run(args: &DiffArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    if args.batch {
        return batch::run(args.old.as_deref(), |node| {
            let pair = Pair::from_node(node)?;
            let found = compare(&pair.old, &pair.new, pair.policy_type, Some(&catalogue));
            Ok(pair.answer(&found))
        });
    }
    let (Some(old_path), Some(new_path)) = (&args.old, &args.new) else { return Ok(exit::USAGE) };
    let (old, new) = (read(old_path)?, read(new_path)?);
    let policy_type = args.policy_type.map_or_else(|| PolicyType::guess(&old, &new), PolicyType::from);
    let found = compare(&old, &new, policy_type, Some(&catalogue));
    let pair = Pair { old, new, policy_type };
    match args.format {
        Form::Json => writeln!(std::io::stdout(), "{:#}", Value::Object(pair.answer(&found)))?,
        Form::Text => say(&pair.tell(&found, &old_path.display().to_string(), &new_path.display().to_string(), lang))?,
    }
    Ok(match found {
        Comparison::NoNewAccess => exit::DONE,
        Comparison::NewAccess(_) => exit::FINDINGS,
        Comparison::Unknown(_) => exit::BLIND,
    })
}

struct Pair {
    old: Policy,
    new: Policy,
    policy_type: PolicyType,
}

impl Pair {
    fn from_node(node: &Node<'_>) -> Result<Self, String> {
        let members = node.members().ok_or("expected a JSON object")?;
        let field = |name: &str| members.iter().find(|m| m.key == name).map(|m| &m.value);
        let read = |name: &str| policy(field(name).ok_or_else(|| format!("`{name}` is missing"))?, name);
        let (old, new) = (read("existing")?, read("new")?);
        let policy_type = match field("policy_type").filter(|node| node.value != Json::Null) {
            None => PolicyType::guess(&old, &new),
            Some(node) if node.as_str() == Some("any") => PolicyType::guess(&old, &new),
            Some(node) => {
                let text = node.as_str().ok_or("`policy_type` must be a string")?;
                text.parse().map_err(|e: yagura_policy::diff::UnknownType| e.to_string())?
            }
        };
        Ok(Self { old, new, policy_type })
    }

    fn answer(&self, found: &Comparison) -> Map<String, Value> {
        let mut out = Map::new();
        match found {
            Comparison::NoNewAccess => {
                out.insert("result".to_owned(), json!("pass"));
            }
            Comparison::Unknown(reason) => {
                out.insert("result".to_owned(), json!("unknown"));
                out.insert("reason".to_owned(), json!(reason));
            }
            Comparison::NewAccess(access) => {
                out.insert("result".to_owned(), json!("fail"));
                if let Some(place) = access.statement {
                    out.insert("statement".to_owned(), json!(place));
                }
                if let Some(place) = access.denied_by {
                    out.insert("denied_by".to_owned(), json!(place));
                }
                out.insert("witness".to_owned(), request_json(&access.witness, &[&self.new, &self.old]));
            }
        }
        out
    }

    /// The comparison for a person.
    fn tell(&self, found: &Comparison, old: &str, new: &str, lang: Lang) -> String {
        match found {
            Comparison::NoNewAccess => match lang {
                Lang::En => format!("no new access: `{new}` grants nothing that `{old}` does not\n"),
                Lang::Ja => {
                    format!("新しいアクセスなし: `{new}` が許可することは、すべて `{old}` でも許可されている\n")
                }
            },
            Comparison::Unknown(reason) => match lang {
                Lang::En => format!("not decided: {reason}\n"),
                Lang::Ja => format!("判断できない: {reason}\n"),
            },
            Comparison::NewAccess(access) => self.tell_access(access, old, new, lang),
        }
    }

    fn tell_access(&self, access: &NewAccess, old: &str, new: &str, lang: Lang) -> String {
        let grant = match (access.statement, lang) {
            (Some(place), _) => self.name(&self.new, place, new, lang),
            (None, Lang::En) => format!("`RCPFullAWSAccess`, which stands beside `{new}`,"),
            (None, Lang::Ja) => format!("`{new}` とともに常にアタッチされている `RCPFullAWSAccess` "),
        };
        let head = match lang {
            Lang::En => format!("new access: {grant} allows a request that `{old}` does not"),
            Lang::Ja => format!("新しいアクセスあり: `{old}` が許可しない次のリクエストを、{grant}が許可する"),
        };
        let why = match (access.denied_by.map(|place| self.name(&self.old, place, old, lang)), lang) {
            (Some(deny), Lang::En) => format!("{deny} denies it."),
            (Some(deny), Lang::Ja) => format!("{deny}が拒否している。"),
            (None, Lang::En) => format!("No statement of `{old}` allows it."),
            (None, Lang::Ja) => format!("`{old}` にはこれを許可するステートメントがない。"),
        };
        let request = request_json(&access.witness, &[&self.new, &self.old]);
        let mut lines = vec![head, String::new()];
        let labels = [
            ("principal", "principal", "プリンシパル"),
            ("action", "action", "アクション"),
            ("resource", "resource", "リソース"),
            ("resource_account", "owned by", "所有アカウント"),
        ];
        for (field, en, ja) in labels {
            if let Some(value) = request.get(field) {
                lines.push(format!("  {}  {}", pad(lang.pick(en, ja)), plain(value, lang)));
            }
        }
        for (key, value) in request.get("context").and_then(Value::as_object).into_iter().flatten() {
            let value = match value {
                Value::Array(values) if values.is_empty() => lang.pick("(absent)", "(なし)").to_owned(),
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                value => plain(value, lang),
            };
            lines.push(format!("  {}  {key} = {value}", pad(lang.pick("context", "コンテキスト"))));
        }
        lines.extend([String::new(), why, String::new()]);
        lines.join("\n")
    }

    /// A statement as a person finds it: by its number from 1 and its `Sid`.
    fn name(&self, policy: &Policy, place: usize, file: &str, lang: Lang) -> String {
        let sid = policy.statements.get(place).and_then(|s| s.sid.as_ref());
        let number = place + 1;
        match (sid, lang) {
            (Some(sid), Lang::En) => format!("statement {number} (`{sid}`) of `{file}`"),
            (None, Lang::En) => format!("statement {number} of `{file}`"),
            (Some(sid), Lang::Ja) => format!("`{file}` の {number} 番目のステートメント (`{sid}`) "),
            (None, Lang::Ja) => format!("`{file}` の {number} 番目のステートメント"),
        }
    }
}

/// A label in a column of 14, in which East Asian characters take two places.
fn pad(label: &str) -> String {
    let width: usize = label.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{label}{}", " ".repeat(14_usize.saturating_sub(width)))
}

fn plain(value: &Value, lang: Lang) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => match object.iter().next() {
            Some((kind, Value::String(name))) if kind == "service" => {
                format!("{name} ({})", lang.pick("AWS service", "AWS のサービス"))
            }
            Some((_, Value::String(name))) => format!("{name} ({})", lang.pick("federated", "フェデレーション")),
            _ => lang.pick("anonymous", "匿名").to_owned(),
        },
        other => other.to_string(),
    }
}

/// Reads a policy of a batch line: an object, or its text.
pub(super) fn policy(node: &Node<'_>, name: &str) -> Result<Policy, String> {
    let read = match &node.value {
        Json::String(text) => Policy::parse(text),
        _ => Policy::from_node(node),
    };
    read.map_err(|problems| format!("`{name}`: {}", first(&problems)))
}

/// Reads a policy file.
pub(super) fn read(path: &Path) -> Result<Policy, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::blind(format!("cannot read `{shown}`: {e}"), format!("`{shown}` を読み込めない: {e}")))?;
    Policy::parse(&text).map_err(|problems| {
        let all: Vec<String> = problems
            .iter()
            .map(|problem| {
                let (line, column) = position(&text, problem.span.start);
                format!("{shown}:{line}:{column}: {problem}")
            })
            .collect();
        let all = all.join("\n");
        Failure::usage(format!("not a policy\n{all}"), format!("ポリシーとして読み込めない\n{all}"))
    })
}

fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(String::new, ToString::to_string)
}
