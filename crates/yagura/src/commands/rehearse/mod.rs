//! `yagura rehearse`: what a guardrail would have done to the calls that the logs hold.

mod args;
mod document;
mod json;
mod read;
mod say;
mod words;

pub use args::{HELP_JA, RehearseArgs};

use super::detect::{Named, time};
use super::iam::catalogue;
use super::logs::lake::runtime;
use crate::cli::Cli;
use crate::content::renamed_actions;
use crate::failure::{Failure, exit};
use args::Form;
use document::{Document, documents};
use read::{Read, Replay};
use smol_str::SmolStr;
use std::io::Write;
use yagura_inventory::load;
use yagura_model::{Lang, Snapshot};
use yagura_policy::catalogue::Catalogue;
use yagura_policy::rehearse::declarative::{Declarative, Touched, kinds, touched};
use yagura_policy::rehearse::{Guardrail, Scope, Stage, Untouched};

/// Everything that is told.
pub struct Outcome<'a> {
    args: &'a RehearseArgs,
    catalogue: &'a Catalogue,
    documents: &'a [Document],
    others: &'a [Document],
    read: Read,
    /// Resources of the snapshot, and the kinds that it does not hold whole.
    touched: Vec<Touched>,
    unlisted: Vec<&'static str>,
}

/// Runs it.
pub fn run(_: &Cli, args: &RehearseArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    let scope = scope(args)?;
    let since = time(args.since.as_deref(), i64::MIN)?;
    let span = (since, time(args.until.as_deref(), i64::MAX)?);
    let (mut guardrail, documents) = documents(args, false, &catalogue)?;
    let (mut against, others) = match args.against.as_slice() {
        [] => (None, Vec::new()),
        _ => {
            let (guardrail, documents) = self::documents(args, true, &catalogue)?;
            (Some(guardrail), documents)
        }
    };
    let (mut resources, mut unlisted) = (Vec::new(), Vec::new());
    if let Some(path) = &args.snapshot {
        let snapshot =
            load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")))?;
        if let Guardrail::Declarative(policy) = &mut guardrail {
            policy.know_images(images(&snapshot));
            resources = touched(policy, &snapshot.assets);
            unlisted = not_listed(policy, &snapshot);
        }
        if let Some(Guardrail::Declarative(policy)) = &mut against {
            policy.know_images(images(&snapshot));
        }
    }
    let runtime = runtime()?;
    let named = Named { sources: &args.sources, demo: args.demo, lake: args.lake.as_deref(), store: &args.store };
    let inputs = named.inputs(since, span, false, &runtime, lang)?;
    let names = renamed_actions();
    let stage = Stage::new(&catalogue, names.iter().map(|(from, to)| (from.as_str(), to.as_str())), scope);
    let replay = Replay { stage: &stage, guardrail: &guardrail, against: against.as_ref(), span };
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2);
    let read = replay.run(&inputs, threads, runtime.handle());
    let blind = read.tally.counts.records == 0;
    let outcome = Outcome {
        args,
        catalogue: &catalogue,
        documents: &documents,
        others: &others,
        read,
        touched: resources,
        unlisted,
    };
    if blind {
        return Err(nothing(&outcome.read));
    }
    if let Some(wanted) = args.principal.as_ref().filter(|_| is_unseen(&outcome.read)) {
        return Err(Failure::blind(
            format!("none of the recorded calls is of `{wanted}`"),
            format!("`{wanted}` による呼び出しの記録がない"),
        ));
    }
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Table => out.write_all(say::table(&outcome, lang).as_bytes())?,
        Form::Json => writeln!(out, "{:#}", json::whole(&outcome, lang))?,
        Form::Jsonl => json::lines(&outcome).try_for_each(|line| writeln!(out, "{line}"))?,
    }
    let read = &outcome.read;
    let mut err = std::io::stderr().lock();
    if args.format != Form::Table {
        documents.iter().chain(&others).flat_map(|d| d.lines(lang)).try_for_each(|line| writeln!(err, "{line}"))?;
    }
    say::unread(read, lang).iter().try_for_each(|line| writeln!(err, "{line}"))?;
    writeln!(err, "{}", say::speed(read, lang))?;
    Ok(if documents.iter().chain(&others).any(Document::is_broken) {
        exit::USAGE
    } else if args.fail && read.tally.counts.denied > 0 {
        exit::FINDINGS
    } else {
        exit::DONE
    })
}

fn scope(args: &RehearseArgs) -> Result<Scope, Failure> {
    let account = |text: &String| match text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(SmolStr::new(text)),
        false => Err(Failure::usage(
            format!("`{text}` is no account: twelve digits"),
            format!("`{text}` はアカウント ID（12 桁の数字）ではない"),
        )),
    };
    Ok(Scope {
        management: args.management.as_ref().map(account).transpose()?,
        accounts: args.account.iter().map(account).collect::<Result<_, _>>()?,
        org: args.org.as_deref().map(SmolStr::new),
        principal: args.principal.clone(),
    })
}

/// Who owns the images that a snapshot holds.
fn images(snapshot: &Snapshot) -> impl Iterator<Item = (SmolStr, Vec<SmolStr>)> + '_ {
    snapshot.assets.iter().filter(|a| a.kind == "ec2.image").map(|image| {
        let text = |path| image.path(path).ok().flatten().and_then(|v| v.as_str().map(SmolStr::new));
        let owners = [text("OwnerId"), text("ImageOwnerAlias")].into_iter().flatten();
        (image.id.clone(), owners.chain([image.account.clone()]).collect())
    })
}

/// The kinds that the policy touches and that the snapshot did not list whole.
fn not_listed(policy: &Declarative, snapshot: &Snapshot) -> Vec<&'static str> {
    let whole = |kind: &str| {
        let mut of = snapshot.listings.iter().filter(|l| l.kind == kind).peekable();
        of.peek().is_some() && of.all(|l| l.gap.is_none())
    };
    kinds(policy).into_iter().filter(|kind| !whole(kind)).collect()
}

/// Whether every call is of somebody else.
fn is_unseen(read: &Read) -> bool {
    let counts = &read.tally.counts;
    let others = read.tally.untouched.get(&Untouched::OtherPrincipal).copied().unwrap_or_default();
    others + counts.no_calls == counts.records
}

fn nothing(read: &Read) -> Failure {
    let other: u64 = read.other.values().sum();
    if let Some((file, why)) = read.aside.first() {
        return Failure::blind(
            format!("no CloudTrail record could be read; {file}: {why}"),
            format!("読み取れた CloudTrail のレコードがない（{file}: {why}）"),
        );
    }
    Failure::blind(
        format!(
            "no CloudTrail record of the asked time; {} lie outside of it, {other} records are of other logs",
            read.outside
        ),
        format!("指定した期間の CloudTrail のレコードがない（期間外 {} 件、ほかのログ {other} 件）", read.outside),
    )
}
