//! Reading a live organization: credentials, accounts, Regions.

use crate::cli::AwsArgs;
use crate::content::Compiled;
use crate::failure::Failure;
use crate::progress::Display;
use smol_str::SmolStr;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use yagura_aws::{CallError, ConnectError, Options, Role, Session};
use yagura_inventory::{Target, collect};
use yagura_model::{Caller, Gap, GapReason, Lang, Map, Scope, Snapshot, Value};
use yagura_rule::{Check, Estate};

/// Reads what the checks need. Ctrl-C ends it early.
pub fn read(
    args: &AwsArgs,
    compiled: &Compiled,
    checks: &[Check],
    display: &Display,
    lang: Lang,
) -> Result<Snapshot, Failure> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            out = read_all(args, compiled, checks, display, lang) => out,
            _ = tokio::signal::ctrl_c() => Err(Failure::blind("stopped; nothing was written", "中断した。何も書き込んでいない")),
        }
    })
}

async fn read_all(
    args: &AwsArgs,
    compiled: &Compiled,
    checks: &[Check],
    display: &Display,
    lang: Lang,
) -> Result<Snapshot, Failure> {
    let options = Options {
        profile: args.profile.clone(),
        region: args.region.first().map(ToString::to_string),
        endpoint_url: args.endpoint_url.clone(),
        max_concurrency: args.concurrency.max(1),
        attempt_timeout: Duration::from_secs(args.timeout),
        connect_timeout: Duration::from_secs(args.timeout.min(5)),
        mfa_prompt: std::io::stdin().is_terminal().then(|| mfa_prompt(lang)),
        ..Options::default()
    };
    let taken_at = jiff::Timestamp::now();
    let base = Session::connect(options, compiled.facts.clone()).await.map_err(|e| connect_failure(&e))?;
    let targets = if args.role_arn.is_empty() { vec![own_account(&base).await?] } else { roles(&base, args).await };
    if let [only] = targets.as_slice()
        && let Err(gap) = &only.session
    {
        return Err(Failure::blind(gap.say(Lang::En), gap.say(Lang::Ja)));
    }
    let (regions, all_regions) = regions(&base, &targets, args, compiled).await?;
    let scope = Scope { regions, all_regions, checks: checks.iter().map(|c| c.id.clone()).collect() };
    let callers = targets.iter().map(|t| t.caller.clone()).collect();
    let mut estate = Estate::new(taken_at, callers, scope, compiled.tables.clone());
    collect(&mut estate, &targets, checks, &compiled.kinds, &|p| display.step(p)).await;
    display.finish();
    Ok(estate.into_snapshot(env!("CARGO_PKG_VERSION").to_owned(), base.requests()))
}

fn mfa_prompt(lang: Lang) -> yagura_aws::MfaPrompt {
    Arc::new(move |device: &str| {
        let mut err = std::io::stderr();
        let _ = write!(err, "{} {device}: ", lang.pick("MFA code of", "MFA コード"));
        let _ = err.flush();
        let mut code = String::new();
        std::io::stdin().read_line(&mut code).map_err(|e| e.to_string())?;
        Ok(code.trim().to_owned())
    })
}

async fn own_account(base: &Session) -> Result<Target, Failure> {
    match base.caller().await {
        Ok(caller) => Ok(Target { caller, session: Ok(base.clone()) }),
        // AWS never denies this call; where something on the way does, the rest can still be read without an account id.
        Err(e)
            if matches!(e.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization | GapReason::Refused) =>
        {
            let caller = Caller {
                account: SmolStr::default(),
                arn: SmolStr::default(),
                partition: base.partition().name().into(),
            };
            Ok(Target { caller, session: Ok(base.clone()) })
        }
        Err(e) => Err(caller_failure(&e)),
    }
}

async fn roles(base: &Session, args: &AwsArgs) -> Vec<Target> {
    let mut out = Vec::new();
    for arn in &args.role_arn {
        let role = Role { external_id: args.external_id.clone(), ..Role::new(arn) };
        let part = |n: usize| SmolStr::from(arn.split(':').nth(n).unwrap_or_default());
        let caller = Caller { account: part(4), arn: arn.into(), partition: part(1) };
        if out.iter().any(|t: &Target| t.caller.account == caller.account) {
            continue; // one reading of an account is enough
        }
        match base.assume(&role).await {
            Ok(session) => {
                let caller = session.caller().await.unwrap_or(caller);
                out.push(Target { caller, session: Ok(session) });
            }
            Err(e) => {
                let denied = Gap {
                    call: "sts:AssumeRole".into(),
                    permission: Some("sts:AssumeRole".into()),
                    ..Gap::new(GapReason::AccessDenied, e.to_string())
                };
                out.push(Target { caller, session: Err(Arc::new(denied)) });
            }
        }
    }
    out
}

async fn regions(
    base: &Session,
    targets: &[Target],
    args: &AwsArgs,
    compiled: &Compiled,
) -> Result<(Vec<SmolStr>, bool), Failure> {
    if !args.all_regions {
        let asked =
            if args.region.is_empty() { vec![SmolStr::from(base.default_region())] } else { args.region.clone() };
        let mut unique: Vec<SmolStr> = Vec::new();
        asked.into_iter().for_each(|r| {
            if !unique.contains(&r) {
                unique.push(r)
            }
        });
        return Ok((unique, false));
    }
    let Some(session) = targets.iter().find_map(|t| t.session.as_ref().ok()) else {
        return Err(Failure::blind("no role could be assumed", "引き受けられたロールがない"));
    };
    let op = compiled
        .facts
        .read_operation("ec2:DescribeRegions")
        .map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    let mut regions: Vec<SmolStr> = Vec::new();
    let listed = session
        .call(&op, session.default_region(), &Map::new(), &mut |page| {
            if let Some(found) = page.path("Regions.RegionName") {
                regions
                    .extend(found.as_list().unwrap_or_default().iter().filter_map(|v| v.as_str().map(SmolStr::from)));
            }
        })
        .await;
    match listed {
        Ok(()) => {
            regions.sort();
            Ok((regions, true))
        }
        Err(e) => {
            let gap = e.gap(&op, session.default_region());
            let failure = Failure::blind(
                format!("the enabled Regions cannot be listed: {}", gap.say(Lang::En)),
                format!("有効なリージョンを一覧できない: {}", gap.say(Lang::Ja)),
            );
            Err(failure.hint("name them with --region", "--region で指定すること"))
        }
    }
}

fn connect_failure(e: &ConnectError) -> Failure {
    let en = e.to_string();
    match e {
        ConnectError::Credentials(cause) => Failure::blind(
            en,
            format!(
                "AWS の認証情報を取得できない（{cause}）。AWS_PROFILE または --profile を指定するか、`aws sso login` でサインインするか、AWS_ACCESS_KEY_ID と AWS_SECRET_ACCESS_KEY を設定すること"
            ),
        )
            .hint("to try without an account: yagura scan --demo", "アカウントなしで試すには: yagura scan --demo"),
        ConnectError::Role { .. } | ConnectError::Mfa(_) => Failure::blind(en, format!("ロールを引き受けられない: {e}")),
        ConnectError::Configuration(_) => Failure::usage(en, format!("AWS の設定に誤りがある: {e}")),
    }
}

fn caller_failure(e: &CallError) -> Failure {
    let failure = Failure::blind(
        format!("cannot tell whose credentials these are (sts:GetCallerIdentity): {e}"),
        format!("認証情報の持ち主を確認できない (sts:GetCallerIdentity): {e}"),
    );
    match e.reason {
        GapReason::Credentials => failure.hint(
            "the credentials are expired or wrong: renew them (`aws sso login`, or new keys) and scan again",
            "認証情報が期限切れまたは無効。`aws sso login` などで更新して再実行すること",
        ),
        _ => failure.hint(
            "check the network, AWS_ENDPOINT_URL and the Region",
            "ネットワーク、AWS_ENDPOINT_URL、リージョンを確認すること",
        ),
    }
}

/// The tags of an asset, from AWS's two forms: a list of `Key` and `Value`, or a map.
pub fn tags(v: &Value) -> Vec<(SmolStr, SmolStr)> {
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(SmolStr::from).unwrap_or_default();
    match v {
        Value::Map(m) => m.iter().map(|(k, v)| (k.clone(), text(Some(v)))).collect(),
        Value::List(l) => {
            let member = |m: &Map, upper: &str, lower: &str| text(m.get(upper).or_else(|| m.get(lower)));
            l.iter().filter_map(Value::as_map).map(|m| (member(m, "Key", "key"), member(m, "Value", "value"))).collect()
        }
        _ => Vec::new(),
    }
}
