//! `yagura iam who-can`: every principal that may do this to a resource.

use super::source::{Need, context};
use super::{Form, HelpJa, can, catalogue, say, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::json;
use std::io::Write;
use yagura_model::Lang;
use yagura_policy::evaluate::Mode;
use yagura_policy::world::{Told, WhoCan};

/// Arguments of `iam who-can`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam who-can --demo iam:PassRole
  yagura iam who-can s3:GetObject 'arn:aws:s3:::payments/*' --profile audit
  yagura iam who-can sts:AssumeRole arn:aws:iam::111122223333:role/admin \\
    --authorization-details details.json --format json

Exit codes: 0 answered, whoever can; 2 bad usage, 3 something could not be read.")]
pub struct WhoCanArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub question: can::Question,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "リソースに対してその操作をできるプリンシパルをすべて挙げる",
    arguments: can::HELP_JA.arguments,
    examples: "例:
  yagura iam who-can --demo iam:PassRole
  yagura iam who-can s3:GetObject 'arn:aws:s3:::payments/*' --profile audit
  yagura iam who-can sts:AssumeRole arn:aws:iam::111122223333:role/admin \\
    --authorization-details details.json --format json

終了コード: 0 回答（該当の有無によらない）、2 引数の誤り、3 読み込めないものがある",
};

/// Answers.
pub fn run(cli: &Cli, args: &WhoCanArgs, lang: Lang) -> Result<u8, Failure> {
    let given = context(&args.question.context)?;
    let catalogue = catalogue()?;
    args.question.check(&catalogue)?;
    let world = args.question.source.world(cli, Need::Both, lang)?;
    let mode = if args.question.strict { Mode::Strict } else { Mode::Possible(&[]) };
    let who = world.who_can(&args.question.action, &args.question.resource, None, &given, mode, &catalogue);
    match args.question.format {
        Form::Text => say(&text(&who, args, lang))?,
        Form::Json => writeln!(std::io::stdout(), "{:#}", to_json(&who, args, lang))?,
    }
    Ok(exit::DONE)
}

fn text(who: &WhoCan, args: &WhoCanArgs, lang: Lang) -> String {
    let (can, asked, action) = (who.allowed.len(), who.asked, &args.question.action);
    // `*` asks about some resource, but where the action names none.
    let is_some = args.question.resource == "*" && who.allowed.iter().any(|told| told.answer.resource.is_some());
    let resource = if is_some {
        lang.pick("some resource", "いずれかのリソース")
    } else {
        args.question.resource.as_str()
    };
    let mut out = match lang {
        Lang::En => format!("{can} of {asked} users and roles can {action} on {resource}\n"),
        Lang::Ja => format!("{resource}に対する {action} ができるのは、ユーザーとロール {asked} 件中 {can} 件\n"),
    };
    let mut line = |told: &Told, what: &str| {
        let mut by: Vec<&str> =
            told.answer.because.iter().map(|b| b.policy.as_str()).filter(|p| !p.is_empty()).collect();
        by.dedup();
        out.push_str(&format!("  {}  {what}  {}\n", told.principal, by.join(", ")));
    };
    for told in &who.allowed {
        line(told, words::decision(&told.answer, lang));
    }
    for told in &who.undecided {
        line(
            told,
            lang.pick("unknown: some of its policies could not be read", "不明（ポリシーの一部を読み取れなかった）"),
        );
    }
    if !who.outsiders.is_empty() {
        out.push_str(lang.pick(
            "\nThe resource's policy also lets in:\n",
            "\nリソースのポリシーはほかに次のプリンシパルも許可している:\n",
        ));
        for outsider in &who.outsiders {
            let under = if outsider.conditional { lang.pick("  under conditions", "  条件付き") } else { "" };
            out.push_str(&format!("  {}{under}\n", outsider.principal));
        }
    }
    let all: Vec<_> = who.allowed.iter().chain(&who.undecided).flat_map(|t| t.doubts.clone()).collect();
    let mut unique = Vec::new();
    for doubt in all {
        if !unique.contains(&doubt) {
            unique.push(doubt);
        }
    }
    out.push_str(&words::doubts(&unique, lang));
    out
}

fn to_json(who: &WhoCan, args: &WhoCanArgs, lang: Lang) -> serde_json::Value {
    let each = |told: &Vec<Told>| -> Vec<_> {
        told.iter().map(|t| can::to_json(t, &args.question.action, &args.question.resource, lang)).collect()
    };
    let outsiders: Vec<_> = who
        .outsiders
        .iter()
        .map(|o| json!({"principal": o.principal.as_str(), "conditional": o.conditional}))
        .collect();
    json!({
        "action": args.question.action.as_str(), "resource": args.question.resource.as_str(), "asked": who.asked,
        "allowed": each(&who.allowed), "unknown": each(&who.undecided), "resource_policy_also_allows": outsiders,
    })
}
