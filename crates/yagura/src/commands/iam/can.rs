//! `yagura iam can`: may this principal do that, and why.

use super::source::{Need, Source, context, principal};
use super::{Form, HelpJa, catalogue, say, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::io::Write;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;
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

impl Question {
    /// Whether AWS has the action, and the resource can be one.
    ///
    /// # Errors
    /// Says what is wrong, with the nearest action of the service.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Failure> {
        let (action, resource) = (self.action.as_str(), self.resource.as_str());
        let Some((service, _)) = action.split_once(':') else {
            return Err(Failure::usage(
                format!("`{action}` is not an action: expected service:Action"),
                format!("`{action}` はアクションではない。サービス:アクション の形で指定すること"),
            ));
        };
        if catalogue.action(action).is_none() {
            let names = catalogue
                .service(service)
                .map_or_else(Vec::new, |s| s.actions.iter().map(|a| format!("{}:{}", s.prefix, a.name)).collect());
            return Err(Failure::unknown(("action", "アクション"), action, names.iter().map(String::as_str)));
        }
        if resource.starts_with("arn:") || resource.starts_with(['*', '?']) {
            return Ok(());
        }
        let failure = Failure::usage(
            format!("`{resource}` is not a resource: expected an ARN or `*`"),
            format!("`{resource}` はリソースではない。ARN または `*` を指定すること"),
        );
        Err(failure.hint(
            "a bucket's ARN is `arn:aws:s3:::NAME`, an object's `arn:aws:s3:::NAME/KEY`",
            "バケットの ARN は `arn:aws:s3:::名前`、オブジェクトの ARN は `arn:aws:s3:::名前/キー`",
        ))
    }
}

/// Arguments of `iam can`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam can --demo deploy-ci s3:GetObject 'arn:aws:s3:::hinode-shop-payments/*'
  yagura iam can --demo sato s3:GetObject 'arn:aws:s3:::hinode-shop-payments/*' \\
    --context aws:MultiFactorAuthPresent=false
  yagura iam can alice iam:PassRole '*' --authorization-details details.json \\
    --scp root.json --scp ou.json

A condition key that is not given may have any value: the answer then says under which conditions it is allowed.
Exit codes: 0 allowed (also under conditions), 1 denied, 2 bad usage, 3 something could not be read.")]
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
  yagura iam can --demo sato s3:GetObject 'arn:aws:s3:::hinode-shop-payments/*' \\
    --context aws:MultiFactorAuthPresent=false
  yagura iam can alice iam:PassRole '*' --authorization-details details.json \\
    --scp root.json --scp ou.json

値を指定していない条件キーは任意の値をとりうるものとし、どの条件で許可されるかを示す。
終了コード: 0 許可（条件付きを含む）、1 拒否、2 引数の誤り、3 読み込めないものがある",
};

/// Answers.
pub fn run(cli: &Cli, args: &CanArgs, lang: Lang) -> Result<u8, Failure> {
    let given = context(&args.question.context)?;
    let catalogue = catalogue()?;
    args.question.check(&catalogue)?;
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
    let Question { action, resource, .. } = &args.question;
    match args.question.format {
        Form::Text => say(&words::tell(&told, action, resource, lang))?,
        Form::Json => writeln!(std::io::stdout(), "{:#}", to_json(&told, action, resource, lang))?,
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
