//! `yagura notify`: findings and incidents brought to people and systems.

mod args;
mod check;
mod say;
mod take;
mod tell;

pub use args::{NotifyCommand, ROUTES_JA, help_ja};

use crate::cli::Cli;
use crate::commands::findings::open;
use crate::commands::{live, state};
use crate::content::{self, Content};
use crate::failure::{Failure, exit};
use crate::settings;
use args::{AccountArgs, RetryArgs, SendArgs};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use yagura_aws::{Facts, Options, Session};
use yagura_detect::tell::Told;
use yagura_findings::{Place, Store, Suppression};
use yagura_model::{ContentFile, Lang};
use yagura_notify::{Cursor, Delivered, Outbox, OutboxError, Routes, Taken, World};

/// How long one exchange with a channel may take.
const LONGEST: Duration = Duration::from_secs(15);

/// How long `scan` and `detect` wait for channels that fail for the moment.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a `notify` command.
pub fn run(cli: &Cli, command: &NotifyCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        NotifyCommand::Check(args) => check::run(cli, args, lang),
        NotifyCommand::Test(args) => check::test(args, lang),
        NotifyCommand::Send(args) => send(cli, args, lang),
        NotifyCommand::Retry(args) => retry(cli, args, lang),
        NotifyCommand::Dead(args) => say::dead(args, lang),
    }
}

/// What came of a delivery.
#[derive(Debug, Default, serde::Serialize)]
pub struct Report {
    /// What was taken from the store or from detection.
    pub taken: Taken,
    /// Changes that are not told because somebody suppressed their finding.
    pub suppressed: usize,
    /// What became of messages.
    #[serde(flatten)]
    pub delivered: Delivered,
}

impl Report {
    /// Whether anything came of it.
    pub fn said_something(&self) -> bool {
        self.taken.routed > 0 || self.delivered.sent > 0 || !self.delivered.failed.is_empty()
    }
}

/// Routes, outbox and connections, opened before anything is read: what cannot work is said first.
///
/// It has a runtime of its own: code that runs on one calls it from a thread that may block.
pub struct Notifier {
    routes: Routes,
    outbox: Outbox,
    world: World,
    runtime: tokio::runtime::Runtime,
    forms: take::Forms,
    /// Suppressions of the settings file.
    file: Vec<Suppression>,
    lang: Lang,
}

impl Notifier {
    /// Opens what a routes file names. `state` is the folder of the outbox.
    ///
    /// # Errors
    /// The file is wrong, the outbox cannot be used, or there are no credentials where a channel needs them: a sentence.
    pub fn open(cli: &Cli, file: &Path, state: Option<&PathBuf>, aws: Options, lang: Lang) -> Result<Self, Failure> {
        let routes = routes(file)?;
        let folder = state::folder(state)?;
        let outbox = Outbox::open(&folder).map_err(|e| outbox_failure(&e))?;
        let runtime = live::runtime()?;
        let world = world(session(&routes, &runtime, aws)?)?;
        let types = if routes.uses("security_hub") || routes.uses("s3") { Some(types(cli)?) } else { None };
        let forms = take::Forms { types, lang };
        Ok(Self { routes, outbox, world, runtime, forms, file: settings::suppressions(cli.config.as_deref())?, lang })
    }

    /// Notes where the store stands, where nothing was ever taken from it: what is recorded from now on is told, also where this
    /// process ends before it tells.
    ///
    /// # Errors
    /// Store or outbox: a sentence.
    pub fn begin(&mut self, store: &mut Store, place: &Place) -> Result<(), Failure> {
        let source = take::source(place);
        if self.outbox.cursor(&source).map_err(|e| outbox_failure(&e))?.is_some() {
            return Ok(());
        }
        let to = take::last(store, place)?.unwrap_or(Cursor { place: 0, mark: String::new() });
        self.take(&source, None, &to, &[]).map(drop)
    }

    /// Moves on to where the store stands, and tells nothing of what it holds.
    fn skip(&mut self, store: &mut Store, place: &Place) -> Result<(), Failure> {
        let source = take::source(place);
        let from = self.outbox.cursor(&source).map_err(|e| outbox_failure(&e))?;
        match take::last(store, place)? {
            Some(to) => self.take(&source, from.as_ref(), &to, &[]).map(drop),
            None => Ok(()),
        }
    }

    /// Takes what the store has recorded since the last time, and sends what is due: that, digests whose time has come, and what
    /// failed before. Waits up to `patience` for what is due soon.
    ///
    /// # Errors
    /// Store or outbox: a sentence. A channel that fails is told in the report.
    pub fn deliver(
        &mut self,
        store: Option<(&mut Store, &Place)>,
        since: Option<Timestamp>,
        patience: Duration,
    ) -> Result<Report, Failure> {
        let mut report = Report::default();
        if let Some((store, place)) = store {
            let source = take::source(place);
            // Where another process takes at the same time, the place has moved on: look again.
            for _ in 0..5 {
                let from = self.outbox.cursor(&source).map_err(|e| outbox_failure(&e))?;
                let Some(found) = take::since(store, place, from.as_ref(), since, &self.file, &self.forms)? else {
                    break;
                };
                if let Some(taken) = self.take(&source, from.as_ref(), &found.to, &found.notices)? {
                    (report.taken, report.suppressed) = (taken, found.suppressed);
                    break;
                }
            }
        }
        report.delivered = self.send(patience)?;
        Ok(report)
    }

    /// Takes what detection found and sends what is due. The second of a pair is the same finding in the other language.
    ///
    /// # Errors
    /// The outbox: a sentence.
    pub fn tell(&mut self, found: &[(Told, Option<Told>)], patience: Duration) -> Result<Report, Failure> {
        Ok(Report { taken: self.put(found)?, suppressed: 0, delivered: self.send(patience)? })
    }

    /// Takes what detection found, and sends nothing.
    ///
    /// # Errors
    /// The outbox: a sentence.
    pub fn put(&mut self, found: &[(Told, Option<Told>)]) -> Result<Taken, Failure> {
        let notices: Vec<_> = found.iter().map(|(one, other)| tell::notice(one, other.as_ref(), self.lang)).collect();
        self.outbox.add(&notices, &self.routes, Timestamp::now()).map_err(|e| outbox_failure(&e))
    }

    fn take(
        &mut self,
        source: &str,
        from: Option<&Cursor>,
        to: &Cursor,
        notices: &[yagura_notify::Notice],
    ) -> Result<Option<Taken>, Failure> {
        let taken = self.outbox.take(source, from, to, notices, &self.routes, Timestamp::now());
        taken.map_err(|e| outbox_failure(&e))
    }

    fn send(&mut self, patience: Duration) -> Result<Delivered, Failure> {
        let Self { routes, outbox, world, runtime, .. } = self;
        let done = yagura_notify::deliver(outbox, routes, world, &Timestamp::now, patience);
        runtime.block_on(done).map_err(|e| outbox_failure(&e))
    }
}

/// Reads a routes file.
///
/// # Errors
/// What is wrong with it, each with its place.
fn routes(file: &Path) -> Result<Routes, Failure> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file)
        .map_err(|e| Failure::usage(format!("cannot read `{name}`: {e}"), format!("`{name}` を読めない: {e}")))?;
    let read: ContentFile = yagura_rule::yaml::decode(name, bytes, false).map_err(|e| Failure::content(&[e]))?;
    Routes::parse(&read).map(|routes| routes.kept_at(file)).map_err(|e| Failure::content(&e))
}

/// A session, where a channel or a secret needs one.
fn session(
    routes: &Routes,
    runtime: &tokio::runtime::Runtime,
    aws: Options,
) -> Result<Option<(Session, Arc<Facts>)>, Failure> {
    if !routes.needs_aws() {
        return Ok(None);
    }
    let facts = content::facts()?;
    let session = runtime.block_on(Session::connect(aws, facts.clone())).map_err(|e| live::connect_failure(&e))?;
    Ok(Some((session, facts)))
}

fn world(aws: Option<(Session, Arc<Facts>)>) -> Result<World, Failure> {
    World::new(aws, LONGEST).map_err(|e| live::connect_failure(&e))
}

/// What CloudFormation calls the kinds of resources.
fn types(cli: &Cli) -> Result<BTreeMap<SmolStr, SmolStr>, Failure> {
    let compiled = Content::load(cli.content.as_deref())?.compile()?;
    let kinds = compiled.kinds.iter();
    Ok(kinds.filter_map(|k| Some((k.resource.id.clone(), k.resource.cloudformation.clone()?))).collect())
}

/// Why the outbox did not do what was asked.
fn outbox_failure(e: &OutboxError) -> Failure {
    match e {
        OutboxError::NotWritable { path, why } => Failure::blind(
            format!("{e}; nothing was taken"),
            format!("{}: 送信箱に書き込めない（{why}）。何も取り込んでいない", path.display()),
        )
        .hint(
            "make room, or name another folder with --state",
            "空き容量を確保するか、--state で別のフォルダーを指定する",
        ),
        OutboxError::NotAnOutbox { path, why } => {
            Failure::blind(e.to_string(), format!("{}: 送信箱ではないか、破損している（{why}）", path.display()))
        }
        OutboxError::Newer { path } => {
            Failure::blind(e.to_string(), format!("{}: より新しいバージョンの Yagura が作成した送信箱", path.display()))
                .hint("update Yagura", "Yagura を更新する")
        }
    }
}

impl AccountArgs {
    fn options(&self, lang: Lang) -> Result<Options, Failure> {
        live::options(self.profile.as_deref(), self.region.as_ref(), self.endpoint_url.as_deref(), lang)
    }
}

/// `notify send`
fn send(cli: &Cli, args: &SendArgs, lang: Lang) -> Result<u8, Failure> {
    let since = args.since.as_deref().map(|text| take::time(text, Timestamp::now())).transpose()?;
    let mut notifier = Notifier::open(cli, &args.routes, args.state.as_ref(), args.aws.options(lang)?, lang)?;
    let (mut store, place) = args.at.kept()?;
    if args.from_now {
        notifier.skip(&mut store, &place)?;
    }
    let report = notifier.deliver(Some((&mut store, &place)), since, Duration::from_secs(args.wait))?;
    say::report(&report, args.format, lang)?;
    Ok(code(&report))
}

/// `notify retry`
fn retry(cli: &Cli, args: &RetryArgs, lang: Lang) -> Result<u8, Failure> {
    let mut notifier = Notifier::open(cli, &args.routes, args.state.as_ref(), args.aws.options(lang)?, lang)?;
    if let Some(name) = &args.channel
        && !notifier.routes.channels().any(|(n, _, _)| n == name)
    {
        let names: Vec<String> = notifier.routes.channels().map(|(n, _, _)| n.to_owned()).collect();
        return Err(Failure::unknown(("channel", "チャネル"), name, names.iter().map(String::as_str)));
    }
    let revived = notifier.outbox.revive(&notifier.routes, args.channel.as_deref(), Timestamp::now());
    let revived = revived.map_err(|e| outbox_failure(&e))?;
    say::revived(revived, lang)?;
    let report = notifier.deliver(None, None, Duration::from_secs(args.wait))?;
    say::report(&report, args.format, lang)?;
    Ok(code(&report))
}

/// A message that a channel did not take is no success.
fn code(report: &Report) -> u8 {
    if report.delivered.failed.is_empty() { exit::DONE } else { exit::FINDINGS }
}

/// What `scan` and `detect` say of what they told.
///
/// # Errors
/// Standard error cannot be written.
pub fn say(report: &Report, lang: Lang) -> Result<(), Failure> {
    say::report_to(&mut std::io::stderr(), report, lang)
}

/// For `map_err`.
fn store_failure(place: &Place) -> impl Fn(yagura_findings::StoreError) -> Failure + '_ {
    |e| open::failure(&e, place)
}

/// What `detect` needs to route what it finds.
///
/// # Errors
/// As [`Notifier::open`].
pub fn of_detect(
    cli: &Cli,
    file: &Path,
    aws: &crate::commands::store::StoreArgs,
    lang: Lang,
) -> Result<Notifier, Failure> {
    let options = live::options(aws.profile.as_deref(), aws.region.as_ref(), aws.endpoint_url.as_deref(), lang)?;
    Notifier::open(cli, file, None, options, lang)
}

/// What `scan` needs to route what it records.
///
/// # Errors
/// As [`Notifier::open`].
pub fn of_scan(cli: &Cli, file: &Path, aws: &crate::cli::AwsArgs, lang: Lang) -> Result<Notifier, Failure> {
    let options = live::options(aws.profile.as_deref(), aws.region.first(), aws.endpoint_url.as_deref(), lang)?;
    Notifier::open(cli, file, None, options, lang)
}
