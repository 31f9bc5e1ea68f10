//! `yagura net diagnose`: why two things cannot talk, in the order in which people look.

use super::path::{Question, code};
use super::{Form, HelpJa, words};
use crate::cli::Cli;
use crate::failure::Failure;
use clap::Args;
use std::fmt::Write as _;
use std::io::Write;
use yagura_model::Lang;
use yagura_network::Network;
use yagura_network::question::Reachable;
use yagura_network::question::diagnose::{Diagnosis, Topic};
use yagura_network::question::explain::Travel;

/// Arguments of `net diagnose`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net diagnose --demo web-a shop-db --protocol tcp --port 5432
  yagura net diagnose i-0123456789abcdef0 internet --profile prod

It looks at instances, security groups, network ACLs both ways, routes both ways and gateways, in this order.
Exit codes: 0 reachable, 1 not reachable, 2 bad usage, 3 unknown or nothing could be read.")]
pub struct DiagnoseArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub question: Question,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "2 点が通信できない理由を、人が確認する順番で調べる",
    arguments: &[("format", "出力形式")],
    examples: "例:
  yagura net diagnose --demo web-a shop-db --protocol tcp --port 5432
  yagura net diagnose i-0123456789abcdef0 internet --profile prod

インスタンス、セキュリティグループ、ネットワーク ACL（往復）、ルート（往復）、ゲートウェイの順に調べる。
終了コード: 0 到達可能、1 到達不可能、2 引数の誤り、3 不明、または何も読み取れなかった",
};

/// Answers.
pub fn run(cli: &Cli, args: &DiagnoseArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.question.source.estate(cli, lang)?);
    let trials = args.question.trials(&network)?;
    let diagnosis = network.diagnose(&args.question.title(), &trials, &args.question.packets()?);
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => {
            serde_json::to_writer_pretty(&mut out, &diagnosis).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Form::Text => out.write_all(text(&args.question.title(), &diagnosis, lang).as_bytes())?,
    }
    Ok(code(&diagnosis.answer))
}

fn text(question: &str, diagnosis: &Diagnosis, lang: Lang) -> String {
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
    words::remedies(&mut out, &diagnosis.answer, lang);
    out
}
