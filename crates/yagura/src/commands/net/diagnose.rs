//! `yagura net diagnose`: why two things cannot talk, in the order in which people look.

use super::path::{Question, code, refused};
use super::{Form, HelpJa, logs, words};
use crate::cli::Cli;
use crate::failure::Failure;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_model::Lang;
use yagura_network::Network;
use yagura_network::question::Reachable;
use yagura_network::question::diagnose::{Diagnosis, Topic};
use yagura_network::question::explain::Travel;
use yagura_network::question::flow_log::{Collector, Evidence};

/// Arguments of `net diagnose`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net diagnose --demo web-a shop-db --protocol tcp --port 5432
  yagura net diagnose i-0123456789abcdef0 internet --profile prod
  yagura net diagnose web-a shop-db --snapshot today.ysnap --flow-logs AWSLogs/

It looks at instances, security groups, network ACLs both ways, routes both ways and gateways, in this order; with
--flow-logs also at what was seen between the two.
Exit codes: 0 reachable, 1 not reachable, 2 bad usage, 3 unknown or nothing could be read.")]
pub struct DiagnoseArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub question: Question,
    /// VPC flow logs as evidence: a file or folder, in any form
    #[arg(long, value_name = "PATH")]
    pub flow_logs: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "2 点が通信できない理由を、人が確認する順番で調べる",
    arguments: &[("flow_logs", "証拠とする VPC フローログのファイルまたはフォルダー"), ("format", "出力形式")],
    examples: "例:
  yagura net diagnose --demo web-a shop-db --protocol tcp --port 5432
  yagura net diagnose i-0123456789abcdef0 internet --profile prod
  yagura net diagnose web-a shop-db --snapshot today.ysnap --flow-logs AWSLogs/

インスタンス、セキュリティグループ、ネットワーク ACL（往復）、ルート（往復）、ゲートウェイの順に調べる。
--flow-logs を指定すると、2 点間で記録された通信も示す。
終了コード: 0 到達可能、1 到達不可能、2 引数の誤り、3 不明、または何も読み取れなかった",
};

/// Answers.
pub fn run(cli: &Cli, args: &DiagnoseArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.question.source.estate(cli, lang)?);
    let trials = args.question.trials(&network)?;
    let diagnosis = network.diagnose(&args.question.title(), &trials, &args.question.packets()?);
    let evidence = match &args.flow_logs {
        Some(path) => Some(evidence(&network, &args.question, path)?),
        None => None,
    };
    let answer = Answer { diagnosis: &diagnosis, flow_logs: evidence };
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => {
            serde_json::to_writer_pretty(&mut out, &answer).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Form::Text => out.write_all(text(&args.question.title(), &answer, lang).as_bytes())?,
    }
    Ok(code(&diagnosis.answer))
}

/// A diagnosis with its evidence.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_logs: Option<Evidence>,
}

/// What flow logs saw between the two ends.
fn evidence(network: &Network, question: &Question, path: &Path) -> Result<Evidence, Failure> {
    let addresses =
        |name: &str| network.place(name).map(|place| network.addresses_of(&place)).map_err(|e| refused(network, &e));
    let mut collector = Collector::new(addresses(&question.from)?, addresses(&question.to)?);
    logs::collect(path, &mut collector)?;
    Ok(collector.finish())
}

/// How many kinds of records are said to a person.
const MOST_SAID: usize = 12;

fn say_evidence(out: &mut String, evidence: &Evidence, lang: Lang) {
    let _ = match lang {
        Lang::En => writeln!(out, "\n6. Flow logs ({} records read)", evidence.records),
        Lang::Ja => writeln!(out, "\n6. フローログ（{} 件を読み取り）", evidence.records),
    };
    if evidence.records == 0 {
        let none =
            lang.pick("no record was found: is this a flow log?", "レコードがない。フローログかどうか確認すること");
        let _ = writeln!(out, "   {none}");
    } else if evidence.seen.is_empty() {
        let _ = writeln!(out, "   {}", lang.pick("nothing was seen between the two", "2 点間の通信は記録されていない"));
    }
    for (seen, count) in evidence.seen.iter().take(MOST_SAID) {
        let mark = if seen.accepted { "✓" } else { "✗" };
        let side = if seen.there { lang.pick("there", "往路") } else { lang.pick("back", "復路") };
        let action = if seen.accepted { "ACCEPT" } else { "REJECT" };
        let protocol = yagura_network::words::protocol(seen.protocol);
        let _ = writeln!(out, "   {mark} {side}  {}  {action} {protocol} {} ×{count}", seen.interface, seen.port);
    }
    if evidence.seen.len() > MOST_SAID {
        let _ = writeln!(out, "   … +{}", evidence.seen.len() - MOST_SAID);
    }
    if evidence.unreadable > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "   {} lines are of no log", evidence.unreadable),
            Lang::Ja => writeln!(out, "   ログの形式でない行が {} 行ある", evidence.unreadable),
        };
    }
}

fn text(question: &str, answer: &Answer<'_>, lang: Lang) -> String {
    let diagnosis = answer.diagnosis;
    let mut out = String::new();
    let _ = writeln!(out, "{question}: {}", words::verdict(&diagnosis.answer, lang));
    for (number, topic) in Topic::ALL.into_iter().enumerate() {
        let steps: Vec<_> = diagnosis.steps.iter().filter(|s| s.topic == topic).collect();
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}. {}", number + 1, topic.say(lang));
        for step in steps {
            let mark = match step.passes {
                Reachable::Yes => "✓",
                Reachable::No => "✗",
                Reachable::Unknown => "?",
            };
            let side = match step.direction {
                Travel::Forward => lang.pick("there", "往路"),
                Travel::Return => lang.pick("back", "復路"),
            };
            let rule = lang.pick(step.rule.as_str(), step.rule_ja.as_str());
            let _ = writeln!(out, "   {mark} {side}  {}  {rule}", step.component);
        }
    }
    if let Some(evidence) = &answer.flow_logs {
        say_evidence(&mut out, evidence, lang);
    }
    words::remedies(&mut out, &diagnosis.answer, lang);
    out
}
