//! `yagura iam escalations`: which principals of an account can gain an administrator's permissions, and how.

mod graph;
mod json;
mod svg;
mod text;

use super::source::{Need, Source};
use super::{HelpJa, say};
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
  yagura iam escalations --authorization-details details.json \\
    --scp root.json --scp account.json --format jsonl
  yagura iam escalations --demo --format svg > escalations.svg

Certain: it works as things are. Conditional: it hangs on what the answer then says.
Exit codes: 0 answered, whatever was found; 2 bad usage, 3 something could not be read.")]
pub struct EscalationsArgs {
    /// Only these principals, by ARN or name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub principal: Vec<String>,
    /// Form of the output: jsonl has one line a principal, dot is for Graphviz, svg is a picture
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// How escalations are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make the help page long")]
pub enum Format {
    Text,
    Json,
    Jsonl,
    Dot,
    Svg,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "アカウント内のプリンシパルが管理者権限を得る経路（権限昇格）を調べる",
    arguments: &[
        ("principal", "対象のプリンシパル（ARN または名前）"),
        ("format", "出力形式（jsonl は 1 行に 1 プリンシパル、dot は Graphviz 用、svg は図）"),
    ],
    examples: "例:
  yagura iam escalations --demo
  aws iam get-account-authorization-details > details.json
  yagura iam escalations --authorization-details details.json
  yagura iam escalations --authorization-details details.json \\
    --scp root.json --scp account.json --format jsonl
  yagura iam escalations --demo --format svg > escalations.svg

「確実」は現状のままで成立する経路、「条件付き」は示された条件が成り立てば成立する経路。
終了コード: 0 回答（該当の有無によらない）、2 引数の誤り、3 読み込めないものがある",
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
    match args.format {
        Format::Text => say(&out)?,
        _ => std::io::stdout().lock().write_all(out.as_bytes())?,
    }
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
