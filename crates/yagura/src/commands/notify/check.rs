//! `notify check` and `notify test`.

use super::args::{CheckArgs, TestArgs};
use super::{routes, say, session, store_failure, take, world};
use crate::cli::Cli;
use crate::commands::findings::list::{all_suppressions, today};
use crate::commands::findings::told::told;
use crate::commands::live;
use crate::failure::{Failure, exit};
use jiff::Timestamp;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_findings::{Filter, Finding, Store};
use yagura_model::{Lang, Map, ResourceRef, Severity, Status, Verdict};
use yagura_notify::{Change, Notice, Routes, Words};
use yagura_report::Format;

/// What a routes file says.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The channels.
    pub channels: Vec<CheckedChannel>,
    /// The routes, in the file's order.
    pub routes: Vec<CheckedRoute>,
    /// How many open findings there are; `null` where nothing was recorded so far.
    pub open: Option<usize>,
    /// Those that no route takes.
    pub unrouted: Option<usize>,
}

/// A channel.
#[derive(Debug, Serialize)]
pub struct CheckedChannel {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where its secrets are kept.
    pub secrets: Vec<String>,
}

/// A route.
#[derive(Debug, Serialize)]
pub struct CheckedRoute {
    /// Its name.
    pub name: SmolStr,
    /// Its channels.
    pub to: Vec<SmolStr>,
    /// When it sends.
    pub when: String,
    /// How many of the open findings it would take if they were new; `null` where nothing was recorded so far.
    pub takes: Option<usize>,
}

/// `notify check`
pub fn run(cli: &Cli, args: &CheckArgs, lang: Lang) -> Result<u8, Failure> {
    let routes = routes(&args.routes)?;
    let place = args.at.place()?;
    let mut store = Store::open_kept(&place).map_err(store_failure(&place))?;
    let open: Option<Vec<Notice>> = match &mut store {
        Some(store) => {
            let suppressions = all_suppressions(cli, store, &place)?;
            let day = today();
            let findings = store.findings(&Filter::default()).map_err(store_failure(&place))?;
            let told_of =
                findings.iter().filter(|f| f.stage.is_open() && f.suppressed_by(&suppressions, day).is_none());
            Some(
                told_of
                    .map(|f| as_new(f, serde_json::to_value(told(f, &suppressions, day, lang)).unwrap_or_default()))
                    .collect(),
            )
        }
        None => None,
    };
    let mut takes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unrouted = 0;
    for notice in open.iter().flatten() {
        let mine = routes.of(notice);
        unrouted += usize::from(mine.is_empty());
        for route in mine {
            *takes.entry(route.name.as_str()).or_default() += 1;
        }
    }
    let count = |name: &SmolStr| open.as_ref().map(|_| takes.get(name.as_str()).copied().unwrap_or(0));
    let checked = Checked {
        channels: routes
            .channels()
            .map(|(name, kind, secrets)| CheckedChannel { name: name.to_owned(), kind: kind.to_owned(), secrets })
            .collect(),
        routes: routes
            .routes()
            .iter()
            .map(|r| CheckedRoute { name: r.name.clone(), to: r.to.clone(), when: r.when.say(), takes: count(&r.name) })
            .collect(),
        open: open.as_ref().map(Vec::len),
        unrouted: open.as_ref().map(|_| unrouted),
    };
    say::checked(&checked, args.format, lang)?;
    Ok(exit::DONE)
}

/// An open finding as if it were seen for the first time now.
fn as_new(f: &Finding, detail: serde_json::Value) -> Notice {
    Notice {
        id: f.id.clone(),
        subject: f.id.clone(),
        change: Change::New,
        severity: f.severity,
        at: f.last_seen,
        account: f.resource.account.to_string(),
        region: f.resource.region.to_string(),
        resource: f.resource.name().to_owned(),
        rule: f.rule.to_string(),
        en: Words::default(),
        ja: Words::default(),
        detail,
        asff: None,
        ocsf: None,
    }
}

/// What became of a test message.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// The channel.
    pub channel: String,
    /// Why it did not take it.
    pub why: Option<String>,
}

/// `notify test`
pub fn test(args: &TestArgs, lang: Lang) -> Result<u8, Failure> {
    let routes = routes(&args.routes)?;
    let names: Vec<String> = routes.channels().map(|(name, _, _)| name.to_owned()).collect();
    if let Some(wrong) = args.channel.iter().find(|c| !names.contains(c)) {
        return Err(Failure::unknown(("channel", "チャネル"), wrong, names.iter().map(String::as_str)));
    }
    let wanted = names.iter().filter(|n| args.channel.is_empty() || args.channel.contains(n));
    let runtime = live::runtime()?;
    let aws = session(&routes, &runtime, args.aws.options(lang)?)?;
    // Whose account it is matters to Security Hub alone; where it cannot be told, that channel says so itself.
    let caller = aws.as_ref().and_then(|(session, _)| runtime.block_on(session.caller()).ok());
    let world = world(aws)?;
    let account = caller.map(|c| c.account);
    let sample = sample(account.as_deref(), &routes, lang);
    let mut tried = Vec::new();
    for name in wanted {
        let sent = runtime.block_on(yagura_notify::try_out(&routes, &world, name, sample.clone(), lang));
        tried.push(Tried { channel: name.clone(), why: sent.err() });
    }
    say::tried(&tried, args.format, lang)?;
    Ok(if tried.iter().all(|t| t.why.is_none()) { exit::DONE } else { exit::FINDINGS })
}

/// The test message: of the caller's account where one is known, and in the formats that some channels take. There it passes, so that
/// nobody counts it as a failure.
fn sample(account: Option<&str>, routes: &Routes, lang: Lang) -> Notice {
    let mut n = Notice::sample(Timestamp::now());
    if let Some(account) = account {
        n.account = account.to_owned();
    }
    if !routes.uses("security_hub") && !routes.uses("s3") {
        return n;
    }
    let words = n.words(lang);
    let verdict = Verdict {
        rule: n.rule.as_str().into(),
        status: Status::Pass,
        severity: Severity::Info,
        resource: ResourceRef {
            arn: Some(n.resource.as_str().into()),
            id: "yagura-test".into(),
            kind: "s3.bucket".into(),
            account: n.account.as_str().into(),
            region: n.region.as_str().into(),
        },
        title: words.title.as_str().into(),
        why: words.why.as_str().into(),
        fix: words.fix.as_str().into(),
        maps: std::sync::Arc::new([]),
        evidence: Map::new(),
        missing: Vec::new(),
        reason: None,
        place: None,
    };
    let of = |format| take::one(&verdict, n.at, &BTreeMap::new(), lang, format);
    let (asff, ocsf) = (of(Format::Asff), of(Format::Ocsf));
    Notice { asff, ocsf, ..n }
}
