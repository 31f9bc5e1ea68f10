//! `yagura iam can`: may this principal do that, and why.

use super::source::{Need, Source, context, principal};
use super::{Form, HelpJa, catalogue, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::io::Write;
use yagura_model::Lang;
use yagura_policy::evaluate::{Decision, Mode};
use yagura_policy::request::{Caller, Request};
use yagura_policy::world::Told;

/// What is asked about a request, whoever makes it.
#[derive(Debug, Args)]
pub struct Question {
    /// service:Action
    pub action: SmolStr,
    /// The resource's ARN; with * or ? the question is about some resource that matches
    #[arg(default_value = "*")]
    pub resource: SmolStr,
    /// A condition key of the request, as KEY=VALUE; KEY= says that it is absent
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// Take condition keys that are not given as absent, not as open
    #[arg(long)]
    pub strict: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// Arguments of `iam can`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam can --demo deploy-ci s3:GetObject 'arn:aws:s3:::hinode-shop-payments/*'
  yagura iam can arn:aws:iam::111122223333:role/app kms:Decrypt arn:aws:kms:us-east-1:111122223333:key/k1 --context aws:SourceIp=203.0.113.9
  yagura iam can alice iam:PassRole '*' --authorization-details details.json --scp root.json --scp ou.json
Exit codes: 0 allowed, 1 denied.")]
pub struct CanArgs {
    /// A user's or role's name or ARN, a session's ARN, a service principal, or * for anyone
    pub principal: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub question: Question,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "プリンシパルがその操作をできるか、その理由を示す",
    arguments: &[
        ("principal", "ユーザーまたはロールの名前か ARN、セッションの ARN、サービスプリンシパル、または *（誰でも）"),
        ("action", "サービス:アクション"),
        ("resource", "リソースの ARN。* や ? を含む場合は、一致するいずれかのリソースについて調べる"),
        ("context", "リクエストの条件キー（キー=値）。キー= は存在しないことを示す"),
        ("strict", "与えられていない条件キーを、不明ではなく存在しないものとして扱う"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam can --demo deploy-ci s3:GetObject 'arn:aws:s3:::hinode-shop-payments/*'
  yagura iam can alice iam:PassRole '*' --authorization-details details.json --scp root.json --scp ou.json
終了コード: 0 許可、1 拒否",
};

/// Answers.
pub fn run(cli: &Cli, args: &CanArgs, lang: Lang) -> Result<u8, Failure> {
    if !args.question.action.contains(':') {
        return Err(Failure::usage(
            format!("`{}` is not an action: expected service:Action", args.question.action),
            format!("`{}` はアクションではない。サービス:アクション の形で指定すること", args.question.action),
        ));
    }
    let given = context(&args.question.context)?;
    let catalogue = catalogue()?;
    let world = args.question.source.world(cli, Need::Both, lang)?;
    let request = Request {
        principal: caller(&principal(&world, &args.principal)?),
        action: args.question.action.clone(),
        resource: args.question.resource.clone(),
        resource_account: None,
        context: given,
    };
    let mode = if args.question.strict { Mode::Strict } else { Mode::Possible(&[]) };
    let told = world.can(&request, mode, &catalogue);
    let mut out = std::io::stdout().lock();
    match args.question.format {
        Form::Text => {
            out.write_all(words::tell(&told, &args.question.action, &args.question.resource, lang).as_bytes())?
        }
        Form::Json => writeln!(out, "{:#}", to_json(&told, &args.question.action, &args.question.resource, lang))?,
    }
    Ok(if told.answer.decision == Decision::Allowed { exit::DONE } else { exit::FINDINGS })
}

/// The caller that a text names.
fn caller(name: &SmolStr) -> Caller {
    match name.as_str() {
        "*" => Caller::Anonymous,
        n if n.ends_with(".amazonaws.com") || n.ends_with(".amazonaws.com.cn") => Caller::Service(name.clone()),
        n if n.contains(":oidc-provider/") || n.contains(":saml-provider/") => Caller::Federated(name.clone()),
        _ => Caller::Aws(name.clone()),
    }
}

/// The answer as JSON.
pub fn to_json(told: &Told, action: &str, resource: &str, lang: Lang) -> Value {
    let mut out = told.answer.to_json();
    out.insert("principal".into(), told.principal.as_str().into());
    out.insert("action".into(), action.into());
    out.entry("resource").or_insert_with(|| json!(resource));
    out.insert("certain".into(), told.is_certain().into());
    let doubts = told.doubts.iter().map(|d| Value::from(words::doubt_text(d, lang)));
    out.insert("not_considered".into(), doubts.collect());
    Value::Object(out)
}
