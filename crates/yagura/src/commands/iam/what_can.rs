//! `yagura iam what-can`: everything that a principal may do.

use super::source::{Need, Source, context, principal};
use super::{Form, HelpJa, catalogue, say, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use yagura_model::Lang;
use yagura_policy::world::{Allowed, Doubt, what_can};

/// Arguments of `iam what-can`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam what-can --demo suzuki
  yagura iam what-can app --authorization-details details.json --format json

`lambda  52 / 119` says that 52 of the 119 actions of a service are allowed. Policies of resources are not counted.
Exit codes: 0 answered, 2 bad usage, 3 something could not be read.")]
pub struct WhatCanArgs {
    /// A user's or role's name or ARN
    pub principal: String,
    /// A condition key of the requests, as KEY=VALUE; KEY= says that it is absent
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "プリンシパルができる操作をすべて挙げる",
    arguments: &[
        ("principal", "ユーザーまたはロールの名前か ARN"),
        ("context", "リクエストの条件キー（キー=値）。キー= は存在しないことを示す"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam what-can --demo suzuki
  yagura iam what-can app --authorization-details details.json --format json

`lambda  52 / 119` は、サービスの 119 アクションのうち 52 が許可されていることを示す。リソースベースのポリシーは含まない。
終了コード: 0 回答、2 引数の誤り、3 読み込めないものがある",
};

/// Answers.
pub fn run(cli: &Cli, args: &WhatCanArgs, lang: Lang) -> Result<u8, Failure> {
    let given = context(&args.context)?;
    let catalogue = catalogue()?;
    let world = args.source.world(cli, Need::Principals, lang)?;
    let arn = principal(&world, &args.principal)?;
    let Some(identity) = world.identity(&arn) else {
        let arns = world.identities().map(|i| i.arn.as_str());
        return Err(Failure::unknown(("user or role", "ユーザーまたはロール"), &arn, arns));
    };
    let allowed = what_can(&world, &catalogue, &arn, &given);
    let mut doubts: Vec<Doubt> = identity.unread.iter().cloned().map(Doubt::Unread).collect();
    if world.guardrails.is_empty() {
        doubts.push(Doubt::NoGuardrails);
    }
    match args.format {
        Form::Text => say(&(text(&arn, &allowed, lang) + &words::doubts(&doubts, lang)))?,
        Form::Json => {
            let services: Vec<_> = allowed.iter().map(service_json).collect();
            let not_considered: Vec<_> = doubts.iter().map(|d| words::doubt_text(d, lang)).collect();
            let all = json!({"principal": arn.as_str(), "services": services, "not_considered": not_considered});
            writeln!(std::io::stdout(), "{all:#}")?;
        }
    }
    Ok(exit::DONE)
}

fn text(arn: &str, allowed: &[Allowed], lang: Lang) -> String {
    let actions: usize = allowed.iter().map(|s| s.actions.len()).sum();
    let mut out = match lang {
        Lang::En => format!("{arn} can use {actions} actions of {} services\n", allowed.len()),
        Lang::Ja => format!("{arn} は {} サービスの {actions} アクションを実行できる\n", allowed.len()),
    };
    for service in allowed {
        let _ = writeln!(out, "\n{}  {} / {}", service.service, service.actions.len(), service.of);
        // Actions with the same resources and conditions are told together.
        let mut groups: BTreeMap<(String, bool), Vec<&str>> = BTreeMap::new();
        for grant in &service.actions {
            let name = grant.action.split_once(':').map_or(grant.action.as_str(), |(_, name)| name);
            groups.entry((words::list(&grant.resources), grant.conditional)).or_default().push(name);
        }
        for ((resources, conditional), names) in groups {
            let under = if conditional { lang.pick(" (under conditions)", "（条件付き）") } else { "" };
            let all = if names.len() == service.of {
                lang.pick("every action", "全アクション").to_owned()
            } else {
                names.join(" ")
            };
            let _ = writeln!(out, "  {resources}{under}: {all}");
        }
    }
    out
}

fn service_json(service: &Allowed) -> serde_json::Value {
    let actions: Vec<_> = service
        .actions
        .iter()
        .map(|g| {
            json!({
                "action": g.action.as_str(), "level": format!("{:?}", g.level), "conditional": g.conditional,
                "resources": g.resources.iter().map(|r| r.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({"service": service.service.as_str(), "actions_of_service": service.of, "actions": actions})
}
