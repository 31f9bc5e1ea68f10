//! `yagura iam escalations`: which principals of an account can gain an administrator's permissions, and how.

mod graph;
mod json;
mod svg;
mod text;

use super::HelpJa;
use crate::cli::Cli;
use crate::content::Content;
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use std::io::{Read, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use yagura_model::Lang;
use yagura_policy::account::Account;
use yagura_policy::compile::Compiled;
use yagura_policy::document::Policy;
use yagura_policy::escalate::path::Path;
use yagura_policy::escalate::{Report, find};

/// Arguments of `iam escalations`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aws iam get-account-authorization-details > details.json
  yagura iam escalations --authorization-details details.json
  yagura iam escalations --authorization-details details.json --scp root.json --scp account.json --format jsonl
  yagura iam escalations --authorization-details details.json --format svg > escalations.svg")]
pub struct EscalationsArgs {
    /// What `aws iam get-account-authorization-details` printed; pages may follow each other (`-`: standard input)
    #[arg(long, value_name = "FILE", required = true)]
    pub authorization_details: PathBuf,
    /// The service control policies of one level, a policy or a list; repeat it from the root down to the account
    #[arg(long, value_name = "FILE")]
    pub scp: Vec<PathBuf>,
    /// Only these principals, by ARN or name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub principal: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How escalations are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document with everything
    Json,
    /// One JSON object a principal
    Jsonl,
    /// A graph for Graphviz
    Dot,
    /// A picture
    Svg,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "アカウント内のプリンシパルが管理者権限を得る経路（権限昇格）を調べる",
    arguments: &[
        (
            "authorization_details",
            "`aws iam get-account-authorization-details` の出力。複数ページを続けて書いてもよい（`-` は標準入力）",
        ),
        (
            "scp",
            "1 階層分のサービスコントロールポリシー（1 つまたはリスト）。ルートからアカウントの順に繰り返し指定する",
        ),
        ("principal", "対象のプリンシパル（ARN または名前）"),
        ("format", "出力形式"),
    ],
    examples: "例:
  aws iam get-account-authorization-details > details.json
  yagura iam escalations --authorization-details details.json
  yagura iam escalations --authorization-details details.json --scp root.json --scp account.json --format jsonl
  yagura iam escalations --authorization-details details.json --format svg > escalations.svg",
};

/// How many bytes of authorization details are read: about ten times the largest account that IAM's quotas allow for.
const MAX_LENGTH: u64 = 512 << 20;

/// What was found, with what it was found in.
struct Findings<'a> {
    account: &'a Account,
    paths: &'a [Path],
    report: Report,
}

/// Finds and prints escalations.
pub fn run(cli: &Cli, args: &EscalationsArgs, lang: Lang) -> Result<u8, Failure> {
    let text = read(&args.authorization_details)?;
    let account = Account::parse(&text).map_err(|e| {
        let file = args.authorization_details.display();
        Failure::blind(format!("`{file}` is {e}"), format!("`{file}` を読み取れない: {e}"))
    })?;
    let scps = args.scp.iter().map(|f| level(f)).collect::<Result<Vec<_>, _>>()?;
    let content = Content::load(cli.content.as_deref())?;
    let (escalations, errors) = content.escalations();
    let mut errors: Vec<_> = content.errors.iter().chain(&errors).map(ToString::to_string).collect();
    errors.dedup();
    for error in errors {
        writeln!(std::io::stderr(), "{}: {error}", lang.pick("warning", "警告"))?;
    }
    let paths: Vec<Path> = escalations.into_iter().map(|e| e.path).collect();
    let mut report = find(&account, &paths, &scps);
    choose(&mut report, &args.principal)?;
    let findings = Findings { account: &account, paths: &paths, report };
    let out = match args.format {
        Format::Text => text::print(&findings, lang),
        Format::Json => json::document(&findings, lang)?,
        Format::Jsonl => json::lines(&findings)?,
        Format::Dot => graph::Graph::of(&findings, lang).dot(),
        Format::Svg => svg::draw(&graph::Graph::of(&findings, lang), lang),
    };
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(exit::DONE)
}

/// Keeps the principals that were asked for.
fn choose(report: &mut Report, names: &[String]) -> Result<(), Failure> {
    let short = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let all: Vec<String> = report.principals.iter().map(|p| short(&p.arn)).collect();
    for name in names {
        if !report.principals.iter().any(|p| p.arn == name.as_str() || short(&p.arn) == *name) {
            return Err(Failure::unknown(("principal", "プリンシパル"), name, all.iter().map(String::as_str)));
        }
    }
    report.principals.retain(|p| names.is_empty() || names.iter().any(|n| p.arn == n.as_str() || short(&p.arn) == *n));
    Ok(())
}

/// One level of service control policies: a policy, or a list of them.
fn level(file: &FilePath) -> Result<Vec<Arc<Compiled>>, Failure> {
    let name = file.display();
    let unreadable = |e: String| {
        Failure::usage(
            format!("`{name}` is no service control policy: {e}"),
            format!("`{name}` はサービスコントロールポリシーではない: {e}"),
        )
    };
    let text = read(file)?;
    let node = yagura_policy::json::parse(&text).map_err(|e| unreadable(e.message.to_string()))?;
    let items = node.items();
    let mut policies = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let policy = Policy::from_node(item)
            .map_err(|problems| unreadable(problems.first().map(ToString::to_string).unwrap_or_default()))?;
        let name = if items.len() == 1 { name.to_string() } else { format!("{name}[{at}]") };
        policies.push(Arc::new(Compiled::new(name, policy)));
    }
    Ok(policies)
}

fn read(file: &FilePath) -> Result<String, Failure> {
    let name = file.display();
    let failed = |e: std::io::Error| {
        Failure::blind(format!("cannot read `{name}`: {e}"), format!("`{name}` を読み取れない: {e}"))
    };
    let mut text = String::new();
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let length = source.take(MAX_LENGTH + 1).read_to_string(&mut text).map_err(failed)?;
    if length as u64 > MAX_LENGTH {
        let limit = MAX_LENGTH >> 20;
        return Err(Failure::blind(
            format!("`{name}` is longer than {limit} MiB"),
            format!("`{name}` は {limit} MiB を超えている"),
        ));
    }
    Ok(text)
}
