//! Reading a live organization: credentials, accounts, Regions.

use super::organization;
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

/// What calls run on: a few threads, since AWS is waited for most of the time.
///
/// # Errors
/// The threads cannot be started.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// Reads what the checks need. Ctrl-C ends it early.
pub fn read(
    args: &AwsArgs,
    compiled: &Compiled,
    checks: &[Check],
    display: &Display,
    lang: Lang,
) -> Result<Snapshot, Failure> {
    runtime()?.block_on(async {
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
    let access = Access::open(args, compiled, lang).await?;
    let mut estate = access.estate(compiled, checks);
    collect(&mut estate, &access.targets, checks, &compiled.kinds, &|p| display.step(p)).await;
    display.finish();
    Ok(estate.into_snapshot(env!("CARGO_PKG_VERSION").to_owned(), access.base.requests()))
}

/// What is needed to read a live organization.
pub struct Access {
    /// The person's own session.
    pub base: Session,
    /// The accounts to read.
    pub targets: Vec<Target>,
    /// The Regions.
    pub scope: Scope,
}

impl Access {
    /// Connects, assumes roles, lists Regions.
    ///
    /// # Errors
    /// There are no credentials, or nothing can be read with them.
    pub async fn open(args: &AwsArgs, compiled: &Compiled, lang: Lang) -> Result<Self, Failure> {
        if args.external_id.is_some() && args.role_arn.is_empty() && !args.org {
            return Err(Failure::usage(
                "--external-id is for roles, and none is named: add --role-arn or --org",
                "--external-id はロール用だが、ロールの指定がない。--role-arn か --org を加えること",
            ));
        }
        let options = Options {
            max_concurrency: args.concurrency.max(1),
            attempt_timeout: Duration::from_secs(args.timeout),
            connect_timeout: Duration::from_secs(args.timeout.min(5)),
            ..options(args.profile.as_deref(), args.region.first(), args.endpoint_url.as_deref(), lang)?
        };
        let base = Session::connect(options, compiled.facts.clone()).await.map_err(|e| connect_failure(&e))?;
        let mut targets = if args.org {
            organization::targets(&base, args, compiled, lang).await?
        } else if args.role_arn.is_empty() {
            vec![own_account(&base).await?]
        } else {
            roles(&base, args, lang).await?
        };
        if let [only] = targets.as_slice()
            && let Err(gap) = &only.session
        {
            return Err(Failure::blind(gap.say(Lang::En), gap.say(Lang::Ja)));
        }
        let scope = scope(&base, &mut targets, args, compiled, lang).await?;
        Ok(Self { base, targets, scope })
    }

    /// An estate of this scope with nothing read yet.
    pub fn estate(&self, compiled: &Compiled, checks: &[Check]) -> Estate {
        let scope = Scope { checks: checks.iter().map(|c| c.id.clone()).collect(), ..self.scope.clone() };
        let callers = self.targets.iter().map(|t| t.caller.clone()).collect();
        Estate::new(jiff::Timestamp::now(), callers, scope, compiled.tables.clone())
    }
}

/// How to connect, as the arguments say.
///
/// # Errors
/// The endpoint is no URL.
pub fn options(
    profile: Option<&str>,
    region: Option<&SmolStr>,
    endpoint_url: Option<&str>,
    lang: Lang,
) -> Result<Options, Failure> {
    if let Some(url) = endpoint_url.filter(|u| !u.starts_with("http://") && !u.starts_with("https://")) {
        let failure =
            Failure::usage(format!("`{url}` is not an endpoint URL"), format!("`{url}` はエンドポイント URL ではない"));
        return Err(failure.hint("such as http://localhost:4566", "例: http://localhost:4566"));
    }
    Ok(Options {
        profile: profile.map(str::to_owned),
        region: region.map(ToString::to_string),
        endpoint_url: endpoint_url.map(str::to_owned),
        mfa_prompt: std::io::stdin().is_terminal().then(|| mfa_prompt(lang)),
        ..Options::default()
    })
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

pub async fn own_account(base: &Session) -> Result<Target, Failure> {
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

/// Assumes every role. A role that cannot be assumed leaves its account Unknown and stops nothing else.
async fn roles(base: &Session, args: &AwsArgs, lang: Lang) -> Result<Vec<Target>, Failure> {
    let mut wanted: Vec<(Caller, Role)> = Vec::new();
    for arn in &args.role_arn {
        let caller = account_of_role(arn)?;
        if wanted.iter().any(|(c, _)| c.account == caller.account) {
            let note = lang
                .pick("left out, its account is read by another role", "同じアカウントを別のロールで読み取るため除外");
            let _ = writeln!(std::io::stderr(), "{note}: {arn}");
            continue;
        }
        wanted.push((caller, Role { external_id: args.external_id.clone(), ..Role::new(arn) }));
    }
    Ok(assume_all(base, wanted, args.concurrency).await)
}

/// Assumes roles, a few at once. One that cannot be assumed leaves its account Unknown and stops nothing else.
pub async fn assume_all(base: &Session, wanted: Vec<(Caller, Role)>, at_once: usize) -> Vec<Target> {
    let slots = Arc::new(tokio::sync::Semaphore::new(at_once.clamp(1, 16)));
    let mut running = tokio::task::JoinSet::new();
    for (nth, (caller, role)) in wanted.into_iter().enumerate() {
        let (base, slots) = (base.clone(), slots.clone());
        running.spawn(async move {
            let _slot = slots.acquire().await;
            let session = base.assume(&role).await.map_err(|e| Arc::new(e.gap()));
            let caller = match &session {
                Ok(s) => s.caller().await.unwrap_or(caller),
                Err(_) => caller,
            };
            (nth, Target { caller, session })
        });
    }
    let mut out = running.join_all().await;
    out.sort_by_key(|(nth, _)| *nth);
    out.into_iter().map(|(_, target)| target).collect()
}

/// Whose account a role's ARN names.
///
/// # Errors
/// It is not the ARN of a role.
pub fn account_of_role(arn: &str) -> Result<Caller, Failure> {
    let parts: Vec<&str> = arn.split(':').collect();
    let &["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return Err(not_a_role(arn)) };
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) || !resource.starts_with("role/") {
        return Err(not_a_role(arn));
    }
    Ok(Caller { account: account.into(), arn: arn.into(), partition: partition.into() })
}

fn not_a_role(arn: &str) -> Failure {
    Failure::usage(format!("`{arn}` is not the ARN of a role"), format!("`{arn}` はロールの ARN ではない"))
        .hint("such as arn:aws:iam::111122223333:role/audit", "例: arn:aws:iam::111122223333:role/audit")
}

/// The Regions to read, by account where they were listed. Of several accounts, one whose Regions cannot be listed is left
/// Unknown and stops nothing else.
async fn scope(
    base: &Session,
    targets: &mut [Target],
    args: &AwsArgs,
    compiled: &Compiled,
    lang: Lang,
) -> Result<Scope, Failure> {
    let mut scope = Scope { all_regions: args.all_regions, ..Scope::default() };
    if !args.all_regions {
        if args.region.is_empty() && !base.region_is_told() {
            let note = lang.pick(
                "no Region is configured, so only {} is read; name Regions with --region, or --all-regions",
                "リージョンが設定されていないため {} だけを読み取る。--region または --all-regions で指定すること",
            );
            let _ = writeln!(std::io::stderr(), "{}", note.replace("{}", base.default_region()));
        }
        let asked =
            if args.region.is_empty() { &[SmolStr::from(base.default_region())] } else { args.region.as_slice() };
        asked.iter().for_each(|r| add(&mut scope.regions, r));
        return Ok(scope);
    }
    let mut unlisted = None;
    for target in targets.iter_mut() {
        let Ok(session) = &target.session else { continue };
        match enabled_regions(session, compiled).await? {
            Ok(regions) => {
                regions.iter().for_each(|r| add(&mut scope.regions, r));
                scope.regions_of.insert(target.caller.account.clone(), regions);
            }
            Err(gap) => {
                unlisted = Some(gap.clone());
                target.session = Err(Arc::new(gap));
            }
        }
    }
    if scope.regions.is_empty() {
        let Some(gap) = unlisted else {
            return Err(Failure::blind("no role could be assumed", "引き受けられたロールがない"));
        };
        let (en, ja) = (gap.say(Lang::En), gap.say(Lang::Ja));
        return Err(Failure::blind(
            format!("the enabled Regions cannot be listed: {en}"),
            format!("有効なリージョンを一覧できない: {ja}"),
        )
        .hint("name them with --region", "--region で指定すること"));
    }
    scope.regions.sort();
    if targets.len() == 1 {
        scope.regions_of.clear();
    }
    Ok(scope)
}

fn add(regions: &mut Vec<SmolStr>, region: &SmolStr) {
    if !regions.contains(region) {
        regions.push(region.clone());
    }
}

/// The Regions that are enabled for an account; the gap where they cannot be listed.
async fn enabled_regions(session: &Session, compiled: &Compiled) -> Result<Result<Vec<SmolStr>, Gap>, Failure> {
    let op = compiled
        .facts
        .read_operation("ec2:DescribeRegions")
        .map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    let mut regions: Vec<SmolStr> = Vec::new();
    let mut take = |page: Value| {
        let found = page.path("Regions.RegionName");
        let names = found.as_deref().and_then(Value::as_list).unwrap_or_default();
        regions.extend(names.iter().filter_map(|v| v.as_str().map(SmolStr::from)));
    };
    let region = session.default_region();
    let listed = session.call(&op, region, &Map::new(), &mut take).await;
    regions.sort();
    Ok(match listed {
        Ok(()) if regions.is_empty() => {
            let none = Gap::new(GapReason::BadAnswer, "the answer names no Region");
            Err(Gap { call: op.call().into(), region: region.into(), ..none })
        }
        Ok(()) => Ok(regions),
        Err(e) => Err(e.gap(&op, region)),
    })
}

/// Why there is no session.
pub fn connect_failure(e: &ConnectError) -> Failure {
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
