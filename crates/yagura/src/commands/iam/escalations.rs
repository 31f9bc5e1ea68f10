//! `yagura iam escalations`: which principals of an account can gain an administrator's permissions, and how.

mod graph;
mod json;
mod svg;
mod text;

use super::HelpJa;
use super::source::{Need, Source};
use crate::cli::Cli;
use crate::content::Content;
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use std::io::Write;
use yagura_model::Lang;
use yagura_policy::account::Account;
use yagura_policy::escalate::path::Path;
use yagura_policy::escalate::{Report, find};

/// Arguments of `iam escalations`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam escalations --demo
  aws iam get-account-authorization-details > details.json
  yagura iam escalations --authorization-details details.json
  yagura iam escalations --authorization-details details.json --scp root.json --scp account.json --format jsonl
  yagura iam escalations --snapshot today.ysnap --format svg > escalations.svg")]
pub struct EscalationsArgs {
    /// Only these principals, by ARN or name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub principal: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
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
    arguments: &[("principal", "対象のプリンシパル（ARN または名前）"), ("format", "出力形式")],
    examples: "例:
  yagura iam escalations --demo
  aws iam get-account-authorization-details > details.json
  yagura iam escalations --authorization-details details.json
  yagura iam escalations --authorization-details details.json --scp root.json --scp account.json --format jsonl
  yagura iam escalations --snapshot today.ysnap --format svg > escalations.svg",
};

/// What was found in one account.
struct Findings<'a> {
    account: &'a Account,
    paths: &'a [Path],
    report: Report,
}

/// Finds and prints escalations.
pub fn run(cli: &Cli, args: &EscalationsArgs, lang: Lang) -> Result<u8, Failure> {
    let world = args.source.world(cli, Need::Principals, lang)?;
    let content = Content::load(cli.content.as_deref())?;
    let (escalations, errors) = content.escalations();
    for error in errors {
        writeln!(std::io::stderr(), "{}: {error}", lang.pick("warning", "警告"))?;
    }
    for (kind, gap) in world.gaps.iter().filter(|(kind, _)| kind.starts_with("iam.")) {
        writeln!(std::io::stderr(), "{}: {kind}: {}", lang.pick("warning", "警告"), gap.say(lang))?;
    }
    let paths: Vec<Path> = escalations.into_iter().map(|e| e.path).collect();
    let found = world.accounts.iter().map(|account| {
        let scp = world.guardrails.get(&account.id).map(|g| g.scp.as_slice()).unwrap_or_default();
        Findings { account, paths: &paths, report: find(account, &paths, scp) }
    });
    let mut found: Vec<Findings<'_>> = found.collect();
    choose(&mut found, &args.principal)?;
    let out = match args.format {
        Format::Text => found.iter().map(|f| text::print(f, lang)).collect::<Vec<_>>().join("\n"),
        Format::Json => json::document(&found, lang)?,
        Format::Jsonl => found.iter().map(json::lines).collect(),
        Format::Dot => graph::Graph::of(&found, lang).dot(),
        Format::Svg => svg::draw(&graph::Graph::of(&found, lang), lang),
    };
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(exit::DONE)
}

/// Keeps the principals that were asked for.
fn choose(found: &mut [Findings<'_>], names: &[String]) -> Result<(), Failure> {
    let is = |arn: &str, name: &str| arn == name || arn.rsplit('/').next() == Some(name);
    let arns = || found.iter().flat_map(|f| &f.report.principals).map(|p| p.arn.as_str());
    for name in names {
        if !arns().any(|arn| is(arn, name)) {
            let short = arns().filter_map(|arn| arn.rsplit('/').next());
            return Err(Failure::unknown(("user or role", "ユーザーまたはロール"), name, short));
        }
    }
    for one in found {
        one.report.principals.retain(|p| names.is_empty() || names.iter().any(|n| is(&p.arn, n)));
    }
    Ok(())
}
