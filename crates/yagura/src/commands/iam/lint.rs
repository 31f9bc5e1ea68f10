//! `yagura iam lint`: AWS's policy checks, without AWS.

use super::{HelpJa, batch, catalogue, say};
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use yagura_model::{Lang, nearest};
use yagura_policy::catalogue::Catalogue;
use yagura_policy::document::{Policy, Principal};
use yagura_policy::json::{Json, MAX_LENGTH, Node, position};
use yagura_policy::lint::{Finding, Level, PolicyType, lint, lint_node};

/// Arguments of `iam lint`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam lint policy.json
  yagura iam lint guardrails/*.json --policy-type scp --format json
  yagura iam lint --batch policies.jsonl

A line of a batch: {\"id\", \"policy\", \"policy_type\"}
The codes are those of IAM Access Analyzer. Exit codes: 0 no error, 1 an error, 2 bad usage, 3 a file could not be read.")]
pub struct LintArgs {
    /// Policy files; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "batch")]
    pub files: Vec<PathBuf>,
    /// What the policies are: identity, resource, trust, scp, rcp, session, endpoint, or any for the grammar alone [default: by what each holds]
    #[arg(long, value_name = "TYPE", value_parser = parse_type)]
    pub policy_type: Option<PolicyType>,
    /// Form of the output; jsonl has one finding a line
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Read JSON Lines from the file or standard input and answer each on one line
    #[arg(long, conflicts_with_all = ["policy_type", "format"])]
    pub batch: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum Form {
    Text,
    Json,
    Jsonl,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "IAM Access Analyzer のポリシーチェックを手元で実行する",
    arguments: &[
        ("files", "ポリシーのファイル（`-` は標準入力）"),
        (
            "policy_type",
            "ポリシーのタイプ: identity、resource、trust、scp、rcp、session、endpoint、文法だけなら any [デフォルト: 内容から判断する]",
        ),
        ("format", "出力形式（jsonl は 1 行に 1 件の指摘）"),
        ("batch", "JSON Lines をファイルまたは標準入力から読み、1 行ずつ答える"),
    ],
    examples: "例:
  yagura iam lint policy.json
  yagura iam lint guardrails/*.json --policy-type scp --format json
  yagura iam lint --batch policies.jsonl

--batch の各行: {\"id\", \"policy\", \"policy_type\"}
コードは IAM Access Analyzer のもの。終了コード: 0 エラーなし、1 エラーあり、2 引数の誤り、3 読み込めないファイルあり",
};

/// One file and what was found in it.
struct Linted {
    file: String,
    text: String,
    kind: PolicyType,
    findings: Vec<Finding>,
}

/// Lints files, or the lines of a batch.
pub fn run(args: &LintArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    if args.batch {
        return batch::run(args.files.first().map(PathBuf::as_path), |line| answer(line, &catalogue));
    }
    let mut linted = Vec::new();
    let mut unread = false;
    for path in &args.files {
        match read(path) {
            Ok(text) => {
                let kind = args.policy_type.unwrap_or_else(|| guess(&text));
                let findings = lint(&text, kind, &catalogue);
                linted.push(Linted { file: path.display().to_string(), text, kind, findings });
            }
            Err(failure) => {
                unread = true;
                eprintln!("{}", failure.render(lang));
            }
        }
    }
    match args.format {
        Form::Text => say(&text(&linted, lang))?,
        Form::Json => {
            let files: Vec<Value> = linted.iter().map(|l| l.to_json(lang)).collect();
            writeln!(std::io::stdout(), "{:#}", Value::Array(files))?;
        }
        Form::Jsonl => std::io::stdout().lock().write_all(lines(&linted, lang).as_bytes())?,
    }
    let broken = linted.iter().flat_map(|l| &l.findings).any(|f| f.check.level == Level::Error);
    Ok(if unread {
        exit::BLIND
    } else if broken {
        exit::FINDINGS
    } else {
        exit::DONE
    })
}

/// One line of a batch.
fn answer(line: &Node<'_>, catalogue: &Catalogue) -> Result<Map<String, Value>, String> {
    let member = |name: &str| line.members().and_then(|m| m.iter().find(|m| m.key == name)).map(|m| &m.value);
    let policy = member("policy").ok_or("`policy` is missing")?;
    let kind = match member("policy_type").filter(|node| node.value != Json::Null) {
        Some(kind) => parse_type(kind.as_str().ok_or("`policy_type` must be a string")?)?,
        None => match &policy.value {
            Json::String(text) => guess(text),
            _ => Policy::from_node(policy).as_ref().map_or(PolicyType::Identity, guess_of),
        },
    };
    let findings = match &policy.value {
        Json::String(text) => lint(text, kind, catalogue),
        _ => lint_node(policy, kind, catalogue),
    };
    let findings = findings.iter().map(|f| {
        let message = f.message(Lang::En);
        json!({"code": f.check.code, "level": f.check.level.name(), "path": f.path, "message": message})
    });
    Ok(Map::from_iter([("findings".to_owned(), Value::Array(findings.collect()))]))
}

fn parse_type(text: &str) -> Result<PolicyType, String> {
    text.parse().map_err(|()| {
        let near = nearest(text, PolicyType::ALL.map(PolicyType::name)).map(|n| format!("; did you mean `{n}`?"));
        let names = PolicyType::ALL.map(|t| format!("`{}`", t.name())).join(", ");
        format!("no policy type `{text}`: use one of {names}{}", near.unwrap_or_default())
    })
}

/// The type of a policy by what it holds: principals that assume roles, principals, or none.
fn guess(text: &str) -> PolicyType {
    let Ok(policy) = Policy::parse(text) else {
        return if text.contains("\"Principal\"") { PolicyType::Resource } else { PolicyType::Identity };
    };
    guess_of(&policy)
}

fn guess_of(policy: &Policy) -> PolicyType {
    let mut principals = policy.statements.iter().filter_map(|s| s.principals.as_ref()).peekable();
    if principals.peek().is_none() {
        return PolicyType::Identity;
    }
    let federated = principals.flat_map(|p| &p.items).any(|p| matches!(p, Principal::Federated(_)));
    let of_sts = |action: &str| action.to_ascii_lowercase().starts_with("sts:");
    let assumes = policy.statements.iter().all(|s| s.resources.is_none() && s.actions.items.iter().all(|a| of_sts(a)));
    if assumes || federated { PolicyType::Trust } else { PolicyType::Resource }
}

/// The text of a policy file.
pub fn read(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let unreadable = |why: String, ja: String| {
        Failure::blind(format!("cannot read `{name}`: {why}"), format!("`{name}` を読み込めない: {ja}"))
    };
    let input: std::io::Result<Box<dyn Read>> = if path.as_os_str() == "-" {
        Ok(Box::new(std::io::stdin().lock()))
    } else {
        std::fs::File::open(path).map(|f| Box::new(f) as Box<dyn Read>)
    };
    let mut bytes = Vec::new();
    let read = input.and_then(|input| input.take(MAX_LENGTH as u64 + 2).read_to_end(&mut bytes));
    read.map_err(|e| unreadable(e.to_string(), e.to_string()))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| unreadable("it is not UTF-8".to_owned(), "UTF-8 ではない".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

impl Linted {
    fn to_json(&self, lang: Lang) -> Value {
        let findings: Vec<Value> = self.findings.iter().map(|f| self.finding(f, lang)).collect();
        json!({"file": self.file, "policy_type": self.kind.name(), "findings": findings})
    }

    fn finding(&self, f: &Finding, lang: Lang) -> Value {
        let (line, column) = position(&self.text, f.span.start);
        json!({
            "code": f.check.code,
            "level": f.check.level.name(),
            "path": f.path,
            "line": line,
            "column": column,
            "message": f.message(lang),
            "fix": f.fix(lang),
        })
    }
}

fn lines(linted: &[Linted], lang: Lang) -> String {
    let mut out = String::new();
    for one in linted {
        for finding in &one.findings {
            let mut value = one.finding(finding, lang);
            if let Some(members) = value.as_object_mut() {
                members.insert("file".to_owned(), one.file.as_str().into());
            }
            let _ = writeln!(out, "{value}");
        }
    }
    out
}

fn text(linted: &[Linted], lang: Lang) -> String {
    let mut out = String::new();
    for one in linted {
        if one.findings.is_empty() {
            let nothing = lang.pick("nothing found", "指摘なし");
            let _ = writeln!(out, "{}: {nothing} ({})", one.file, one.kind.name());
        }
        for f in &one.findings {
            let (line, column) = position(&one.text, f.span.start);
            let level = f.check.level.title(lang);
            let _ = writeln!(out, "{}:{line}:{column}: {level} {}: {}", one.file, f.check.code, f.message(lang));
            let _ = writeln!(out, "    {}", f.fix(lang));
        }
    }
    let count = |level: Level| linted.iter().flat_map(|l| &l.findings).filter(|f| f.check.level == level).count();
    let levels = [Level::Error, Level::SecurityWarning, Level::Warning, Level::Suggestion];
    let found: Vec<String> = levels
        .into_iter()
        .filter(|level| count(*level) > 0)
        .map(|level| match (lang, count(level)) {
            (Lang::En, 1) => format!("1 {}", level.title(lang)),
            (Lang::En, n) => format!("{n} {}s", level.title(lang)),
            (Lang::Ja, n) => format!("{} {n} 件", level.title(lang)),
        })
        .collect();
    if !found.is_empty() {
        let _ = writeln!(out, "\n{}", found.join(lang.pick(", ", "、")));
    }
    out
}
