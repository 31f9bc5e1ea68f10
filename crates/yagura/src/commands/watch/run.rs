//! Makes a watch ready, starts its threads, and ends them.

use super::args::WatchArgs;
use super::detection::{Detection, Work};
use super::durable::{Folder, usual};
use super::full::full;
use super::http::{Ready as Readiness, serve};
use super::log::{Level, Log};
use super::metrics::Metrics;
use super::notice;
use super::sources::{Source, places};
use super::tell::Teller;
use super::work::{RETRY, Scanned, Seen, Watch};
use super::world::Means;
use crate::cli::Cli;
use crate::commands::detect::{ReadArgs, Ready, Saved};
use crate::commands::findings::open;
use crate::commands::findings::recording::{LifeArgs, Memory};
use crate::commands::live::runtime;
use crate::commands::notify;
use crate::commands::prepare::{Prepared, prepare};
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use serde_json::json;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use yagura_detect::detection::millis;
use yagura_findings::{Claim, ClaimError, Place};
use yagura_inventory::Rereader;
use yagura_inventory::change::Catalogue;
use yagura_model::{Lang, Severity};
use yagura_rule::Check;

/// Runs it.
pub fn run(cli: &Cli, args: &WatchArgs, lang: Lang) -> Result<u8, Failure> {
    let log = Log::new(lang);
    let (every, late) = (length(&args.every)?, i64::try_from(length(&args.late)?.as_millis()).unwrap_or(i64::MAX));
    let sources = places(&args.events)?;
    let prepared = prepare(cli, &args.selection, lang)?;
    let place = open::place(args.store.as_deref())?;
    let who = who();
    let claim = claim(&place, &who)?;
    let mut memory = Memory::open(
        cli,
        &LifeArgs { store: Some(args.store.clone().unwrap_or_default()), ..LifeArgs::default() },
        false,
    )?;
    let folder = Folder::open(args.state.clone().map_or_else(|| usual(&place), Ok)?)?;
    let metrics = Arc::new(Metrics::default());
    let runtime = runtime()?;
    let stop = Arc::new(AtomicBool::new(false));
    signals(&runtime, stop.clone())?;
    let ready = Readiness::new(Mutex::new(vec!["it begins".to_owned()]));
    if let Some(at) = args.listen {
        let own = runtime.block_on(serve(at, metrics.clone(), ready.clone())).map_err(|e| {
            Failure::usage(format!("cannot listen on {at}: {e}"), format!("{at} で待ち受けできない: {e}"))
        })?;
        let (en, ja) = (format!("listening on http://{own}"), format!("http://{own} で待ち受けている"));
        log.say(Level::Info, &en, &ja, json!({"address": own.to_string()}));
    }
    let notifier = |routes: &std::path::PathBuf| notify::of_scan(cli, routes, &args.aws, lang);
    let [mut teller_of_findings, of_threats] = match &args.notify {
        Some(routes) => [Some(notifier(routes)?), Some(notifier(routes)?)],
        None => [None, None],
    };
    let detection = if args.no_detect || sources.is_empty() {
        None
    } else {
        let least = args.threats.map(Severity::from);
        let ready = detect_ready(cli, args, lang)?;
        Some(Detection::open(ready, &folder.detect(), late, least, metrics.clone(), log, of_threats)?)
    };
    let Prepared { compiled, checks, .. } = prepared;
    let readers = memory.readers(&compiled, &checks);
    let all: Vec<Check> = checks.iter().chain(&readers).cloned().collect();
    let means = Means {
        rereader: Rereader::new(&all, &compiled.kinds),
        catalogue: Catalogue::of(&checks, &compiled.kinds),
        checks: &checks,
        compiled: &compiled,
        lang,
        keep_days: args.keep_days,
    };
    let Some((store, _)) = memory.store() else { return Err(Failure::usage("no store", "ストアがない")) };
    if let Some(notifier) = &mut teller_of_findings {
        notifier.begin(store, &place)?;
    }
    let teller = Teller::new(store, lang, &metrics).map_err(|e| open::failure(&e, &place))?;
    let kept = folder.position()?;
    let first = kept.is_none();
    let position = kept.unwrap_or_default();

    let (to, deliveries) = sync_channel(8);
    for (nth, place) in sources.into_iter().enumerate() {
        let handed = position.sources.get(place.name()).map(copied).transpose()?;
        let source = Source {
            nth,
            first: handed.is_none(),
            handed: handed.unwrap_or_default(),
            store: aws(args),
            look: Duration::from_secs(args.look),
            to: to.clone(),
            metrics: metrics.clone(),
            log,
            stop: stop.clone(),
            handle: runtime.handle().clone(),
            place,
        };
        std::thread::Builder::new().name(format!("source {nth}")).spawn(move || source.run())?;
    }
    drop(to);
    let names: Vec<String> = places(&args.events)?.iter().map(|p| p.name().to_owned()).collect();

    std::thread::scope(|scope| {
        let (full_to, fulls) = channel();
        let begin = |scan_to: Sender<Scanned>| {
            let (compiled, checks, readers, stop, runtime) = (&compiled, &checks, &readers, &*stop, &runtime);
            let to = folder.next();
            scope.spawn(move || {
                let _ = scan_to.send(full(&args.aws, compiled, checks, readers, (runtime, stop), &to, lang));
            });
        };
        let (wake, woken) = channel::<()>();
        let wake = teller_of_findings.map(|notifier| {
            let (place, metrics) = (place.clone(), metrics.clone());
            scope.spawn(move || notice::tell(notifier, &place, &woken, &metrics, log));
            wake
        });
        let (found_to, found) = channel();
        let work = detection.map(|detection| {
            let (work_to, work) = sync_channel::<Work>(32);
            scope.spawn(move || detection.run(&work, &found_to));
            work_to
        });
        let mut watch = Watch {
            means: &means,
            memory,
            store: place,
            claim,
            who,
            claimed: Instant::now(),
            world: None,
            position,
            names,
            metrics,
            log,
            runtime: &runtime,
            ready,
            teller,
            wake,
            look: args.look as f64,
            pending: BTreeMap::new(),
            groups: BTreeMap::new(),
            next_group: 0,
            work,
            queued: VecDeque::new(),
            seen: Seen::default(),
            said: HashSet::new(),
            scanning: false,
            since: Vec::new(),
            dirty: false,
            kept: Instant::now(),
            due: Instant::now(),
            every,
            jitter: args.jitter,
            full_pause: RETRY,
            deletes: Vec::new(),
            ticked: Instant::now(),
            asked: Instant::now(),
            trouble: None,
            folder: Folder::open(args.state.clone().map_or_else(|| usual_of(args), Ok)?)?,
        };
        let done = watch.go(args, first, &begin, &full_to, &fulls, &deliveries, &found, &stop);
        // The others end when nobody takes what they send.
        stop.store(true, Ordering::Relaxed);
        drop(watch);
        drop(deliveries);
        // Detections remember what they found at the end: it is told, or it would never be.
        for late in found.iter() {
            super::tell::threats(&late.told)?;
        }
        done
    })?;
    log.info("stopped", "停止した");
    Ok(exit::DONE)
}

fn length(text: &str) -> Result<Duration, Failure> {
    millis(text).and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis).ok_or_else(|| {
        Failure::usage(
            format!("`{text}` is no length of time: 30m, 6h, 1d"),
            format!("`{text}` は時間の長さではない: 30m、6h、1d のように書く"),
        )
    })
}

/// Who has the store, for whoever comes next.
fn who() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.as_deref().map(str::trim).filter(|h| !h.is_empty()).map(|h| format!(" on {h}"));
    format!("yagura watch, process {}{}", std::process::id(), host.unwrap_or_default())
}

fn claim(place: &Place, who: &str) -> Result<Claim, Failure> {
    Claim::take(place, who).map_err(|e| claim_failure(&e, place))
}

pub fn claim_failure(e: &ClaimError, place: &Place) -> Failure {
    match e {
        ClaimError::Held { by } => Failure::usage(
            format!("{place}: {by} is watching over it already"),
            format!("{place}: {by} がすでに監視している"),
        ),
        ClaimError::Store(e) => open::failure(e, place),
    }
}

fn usual_of(args: &WatchArgs) -> Result<std::path::PathBuf, Failure> {
    usual(&open::place(args.store.as_deref())?)
}

/// A source's own copy of how far it was.
fn copied(saved: &Saved) -> Result<Saved, Failure> {
    let copy = Saved { read: saved.read.clone(), broken: saved.broken.clone(), ..Saved::default() };
    Ok(copy)
}

fn aws(args: &WatchArgs) -> StoreArgs {
    StoreArgs {
        profile: args.aws.profile.clone(),
        region: args.aws.region.first().cloned(),
        endpoint_url: args.aws.endpoint_url.clone(),
        ..StoreArgs::default()
    }
}

fn detect_ready(cli: &Cli, args: &WatchArgs, lang: Lang) -> Result<Ready, Failure> {
    let read = ReadArgs {
        sources: Vec::new(),
        demo: false,
        lake: None,
        since: None,
        until: None,
        rules: args.rules.clone(),
        intel: args.intel.clone(),
        allow: args.allow.clone(),
        places: Vec::new(),
        suppress: args.suppress.clone(),
        threads: Some(1),
        store: aws(args),
    };
    read.ready(cli, lang)
}

/// SIGTERM and Ctrl-C end the watch after what is in hand; a second one at once.
fn signals(runtime: &Runtime, stop: Arc<AtomicBool>) -> Result<(), Failure> {
    let _guard = runtime.enter();
    #[cfg(unix)]
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    runtime.spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
