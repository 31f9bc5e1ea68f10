//! The watch itself: one thread takes what sources, scans and detections send, and is the only one that records.

use super::args::WatchArgs;
use super::detection::{Detection, Found, Work};
use super::durable::{Folder, Position, Waits, apply, usual};
use super::full::{Full, full};
use super::hook::Hook;
use super::http::{Ready as Readiness, serve};
use super::log::{Level, Log};
use super::metrics::{Metrics, unix_now};
use super::sources::{Delivery, Done, Receipt, Source, places};
use super::tell::{self, Teller};
use super::world::{Means, World};
use crate::cli::Cli;
use crate::commands::detect::{ReadArgs, Ready, Saved};
use crate::commands::findings::open;
use crate::commands::findings::recording::{LifeArgs, Memory, Scan};
use crate::commands::live::{Access, runtime};
use crate::commands::prepare::{Prepared, prepare};
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use serde_json::json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use yagura_detect::detection::millis;
use yagura_findings::{Claim, ClaimError, Place, Recorded};
use yagura_inventory::change::{ApiEvent, Catalogue};
use yagura_inventory::{Rereader, load};
use yagura_model::{Lang, Severity};
use yagura_rule::{Check, Estate};

/// How long further events on the same resource are waited for.
const SETTLE: Duration = Duration::from_millis(300);
/// How many resources are read at once.
const BATCH: usize = 64;
/// The first pause before a resource is tried again; it doubles up to [`LONGEST`].
const RETRY: Duration = Duration::from_secs(5);
/// The longest pause before anything is tried again.
const LONGEST: Duration = Duration::from_secs(300);
/// How many events are known by their ids.
const KNOWN: usize = 100_000;
/// How often the position is written, at most.
const KEEP: Duration = Duration::from_secs(1);
/// How often the store is asked whether it is there.
const ASK: Duration = Duration::from_secs(10);
/// How often it is seen to that the store is still ours.
const CLAIM: Duration = Duration::from_secs(30);
/// How many names of events that cannot be mapped are said.
const SAID: usize = 1000;

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
    let detection = if args.no_detect || sources.is_empty() {
        None
    } else {
        let least = args.threats.map(Severity::from);
        let ready = detect_ready(cli, args, lang)?;
        Some(Detection::open(ready, &folder.detect(), late, least, metrics.clone(), log)?)
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
    let Some(store) = memory.store() else { return Err(Failure::usage("no store", "ストアがない")) };
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
            hooks: Vec::new(),
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
            requests: 0,
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
        done
    })?;
    log.info("stopped", "停止した");
    Ok(exit::DONE)
}

/// What a full scan comes to.
type Scanned = Result<Option<Full>, Failure>;

/// What waits for more events on the same resource, or for its turn.
struct Pending {
    waits: Waits,
    due: Instant,
    readable: Instant,
    groups: BTreeSet<u64>,
    tries: u32,
}

/// A delivery that is being worked in.
struct Group {
    source: usize,
    /// How many resources it still waits for.
    open: usize,
    /// Whether detections have not remembered it yet.
    detect: bool,
    done: Option<Done>,
}

/// Ids of events, the newest [`KNOWN`].
#[derive(Default)]
struct Seen {
    ids: HashSet<SmolStr>,
    order: VecDeque<SmolStr>,
}

impl Seen {
    /// Whether an event is new. One without an id is.
    fn note(&mut self, id: &SmolStr) -> bool {
        if id.is_empty() {
            return true;
        }
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id.clone());
        if self.order.len() > KNOWN
            && let Some(old) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
        true
    }
}

struct Watch<'w> {
    means: &'w Means<'w>,
    memory: Memory,
    store: Place,
    claim: Claim,
    who: String,
    claimed: Instant,
    world: Option<World>,
    folder: Folder,
    position: Position,
    names: Vec<String>,
    metrics: Arc<Metrics>,
    log: Log,
    runtime: &'w Runtime,
    ready: Readiness,
    teller: Teller,
    hooks: Vec<Box<dyn Hook>>,
    pending: BTreeMap<String, Pending>,
    groups: BTreeMap<u64, Group>,
    next_group: u64,
    work: Option<SyncSender<Work>>,
    /// What detections have no room for yet.
    queued: VecDeque<Work>,
    seen: Seen,
    said: HashSet<SmolStr>,
    scanning: bool,
    /// What became of resources while a full scan reads.
    since: Vec<super::durable::Since>,
    dirty: bool,
    kept: Instant,
    due: Instant,
    every: Duration,
    jitter: u8,
    full_pause: Duration,
    requests: u64,
    deletes: Vec<tokio::task::JoinHandle<()>>,
    ticked: Instant,
    /// When the store was last asked whether it is there.
    asked: Instant,
    /// Why it is not.
    trouble: Option<String>,
}

impl Watch<'_> {
    #[allow(clippy::too_many_arguments, reason = "the ends of all channels come together here, and nowhere else")]
    fn go(
        &mut self,
        args: &WatchArgs,
        first: bool,
        begin: &dyn Fn(Sender<Scanned>),
        full_to: &Sender<Scanned>,
        fulls: &Receiver<Scanned>,
        deliveries: &Receiver<Delivery>,
        found: &Receiver<Found>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        self.resume(args)?;
        for waits in std::mem::take(&mut self.position.waiting) {
            self.wait(waits, Instant::now(), None);
        }
        let mut may_fail = first;
        while !stop.load(Ordering::Relaxed) {
            if !self.scanning && Instant::now() >= self.due {
                self.scanning = true;
                self.log.info("full scan begins", "全体スキャンを開始する");
                begin(full_to.clone());
            }
            if let Ok(done) = fulls.try_recv() {
                self.scanning = false;
                match done {
                    Ok(None) => {}
                    Ok(Some(full)) => {
                        self.take_full(full)?;
                        may_fail = false;
                    }
                    // At the very first there is nobody yet who relies on it: bad credentials are said at once.
                    Err(e) if may_fail && self.world.is_none() => return Err(e),
                    Err(e) => self.full_failed(&e),
                }
            }
            let mut idle = true;
            while let Ok(Found { groups, told }) = found.try_recv() {
                tell::threats(&told)?;
                self.hooks.iter_mut().for_each(|h| h.found(&told));
                for group in groups {
                    if let Some(g) = self.groups.get_mut(&group) {
                        g.detect = false;
                    }
                    self.finish(group);
                }
            }
            self.feed();
            // What comes before anything is known, or faster than it is worked in, stays with its source.
            if self.world.is_some() && self.queued.is_empty() {
                match deliveries.try_recv() {
                    Ok(delivery) => {
                        self.take(delivery);
                        idle = false;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
                }
            }
            idle &= !self.reread();
            self.keep(false);
            self.tick();
            if idle {
                std::thread::sleep(Duration::from_millis(15));
            }
        }
        self.end()
    }

    /// Goes on from the last full scan, where there is one that is young enough.
    fn resume(&mut self, args: &WatchArgs) -> Result<(), Failure> {
        let file = self.folder.estate();
        if !file.exists() {
            return Ok(());
        }
        let snapshot = match load(&file) {
            Ok(snapshot) => snapshot,
            Err(e) => {
                let ja = format!("前回のスキャンを読み込めないため、全体をスキャンし直す: {e}");
                self.log.say(
                    Level::Warn,
                    &format!("the last scan cannot be read, so all is scanned anew: {e}"),
                    &ja,
                    json!({}),
                );
                return Ok(());
            }
        };
        let age = jiff::Timestamp::now().duration_since(snapshot.taken_at);
        let age = Duration::try_from(age).unwrap_or_default();
        let same = snapshot.scope.checks.iter().eq(self.means.checks.iter().map(|c| &c.id));
        let access = self.runtime.block_on(Access::open(&args.aws, self.means.compiled, self.means.lang))?;
        let scope = (&access.scope.regions, access.targets.iter().map(|t| &t.caller.account).collect::<BTreeSet<_>>());
        let before = (&snapshot.scope.regions, snapshot.callers.iter().map(|c| &c.account).collect::<BTreeSet<_>>());
        if age >= self.every || !same || scope != before {
            return Ok(());
        }
        let mut estate = Estate::from_snapshot(snapshot, self.means.compiled.tables.clone());
        self.metrics.set("yagura_last_full_scan_timestamp_seconds", &[], unix_now() - age.as_secs_f64());
        self.since = self.folder.since()?;
        apply(&mut estate, &self.since);
        self.since.clear();
        self.requests = access.base.requests();
        self.world = Some(World::new(access, estate, &self.means.catalogue));
        self.due = Instant::now() + self.jittered().saturating_sub(age);
        Ok(())
    }

    fn jittered(&self) -> Duration {
        let share = f64::from(self.jitter) / 100.0;
        // The time of day in nanoseconds is random enough to keep many watches apart.
        let part = f64::from(jiff::Timestamp::now().subsec_nanosecond().rem_euclid(10_000)) / 10_000.0;
        self.every.mul_f64((1.0 + share * (2.0 * part - 1.0)).max(0.0))
    }

    fn take_full(&mut self, full: Full) -> Result<(), Failure> {
        let Full { access, estate, judgements, took } = full;
        let (means, lang) = (self.means, self.means.lang);
        let scan = Scan {
            estate: &estate,
            checks: means.checks,
            judgements: &judgements,
            compiled: means.compiled,
            partial: false,
            source: yagura_findings::Source::Live,
            lang,
            part: None,
        };
        match self.memory.keep(&scan, means.keep_days) {
            Ok(Some(recorded)) => self.recorded(&recorded),
            Ok(None) => {}
            Err(e) => {
                self.store_failed(&e);
                self.full_failed(&e);
                return Ok(());
            }
        }
        let requests = access.base.requests();
        self.metrics.add("yagura_api_requests_total", &[], requests as f64);
        self.metrics.count("yagura_full_scans_total", &[("outcome", "done")]);
        self.metrics.set("yagura_full_scan_duration_seconds", &[], took.as_secs_f64());
        let began = estate.taken_at();
        self.metrics.set("yagura_last_full_scan_timestamp_seconds", &[], began.as_millisecond() as f64 / 1000.0);
        let mut estate = estate;
        let mut since = std::mem::take(&mut self.since);
        since.retain(|s| s.at >= began);
        apply(&mut estate, &since);
        self.folder.turn(&since)?;
        let (assets, took) = (estate.assets().len(), took.as_secs_f64());
        let (en, ja) =
            (format!("full scan done: {assets} resources"), format!("全体スキャン完了: リソース {assets} 件"));
        self.log.say(Level::Info, &en, &ja, json!({"seconds": took, "requests": requests}));
        self.requests = requests;
        self.world = Some(World::new(access, estate, &means.catalogue));
        self.full_pause = RETRY;
        self.due = Instant::now() + self.jittered();
        Ok(())
    }

    fn full_failed(&mut self, e: &Failure) {
        self.metrics.count("yagura_full_scans_total", &[("outcome", "failed")]);
        self.metrics.count("yagura_errors_total", &[("kind", "scan")]);
        self.log.say(Level::Error, e.said(Lang::En), e.said(Lang::Ja), json!({}));
        self.due = Instant::now() + self.full_pause.min(self.every);
        self.full_pause = (self.full_pause * 2).min(LONGEST);
    }

    fn store_failed(&self, e: &Failure) {
        self.metrics.count("yagura_errors_total", &[("kind", "store")]);
        self.log.say(Level::Error, e.said(Lang::En), e.said(Lang::Ja), json!({"store": self.store.to_string()}));
    }

    /// Tells everybody of a recording.
    fn recorded(&mut self, recorded: &Recorded) {
        let Some(store) = self.memory.store() else { return };
        if let Err(e) = self.teller.recorded(store, recorded, &self.metrics) {
            let e = open::failure(&e, &self.store);
            self.store_failed(&e);
        }
        let Some(store) = self.memory.store() else { return };
        self.hooks.iter_mut().for_each(|h| h.recorded(store, recorded));
    }

    /// Takes what a source read: detections get all of it, resources that changed wait for more events on them.
    fn take(&mut self, delivery: Delivery) {
        let group = self.next_group;
        self.next_group += 1;
        let Delivery { source, inputs, events, readable, backlog, done } = delivery;
        let detect = self.work.is_some() && !inputs.is_empty();
        self.groups.insert(group, Group { source, open: 0, detect, done: Some(done) });
        if detect {
            self.queued.push_back(Work { group, inputs });
        }
        let before = self.world.as_ref().map(|w| w.estate.taken_at()).filter(|_| backlog);
        for event in events {
            self.event(&event, readable, group, before);
        }
        self.feed();
        self.finish(group);
    }

    fn event(&mut self, event: &ApiEvent, readable: Instant, group: u64, before: Option<jiff::Timestamp>) {
        if !self.seen.note(&event.id) {
            self.metrics.count("yagura_events_total", &[("outcome", "duplicate")]);
            return;
        }
        // A minute, because AWS takes a while to show everywhere what was changed.
        let margin = jiff::SignedDuration::from_secs(60);
        if let (Some(full), Ok(at)) = (before, event.time.parse::<jiff::Timestamp>())
            && at + margin < full
        {
            self.metrics.count("yagura_events_total", &[("outcome", "known")]);
            return;
        }
        self.metrics.count("yagura_events_total", &[("outcome", "change")]);
        let Some(world) = &self.world else { return };
        let changes = self.means.catalogue.changes(event, &world.known, &world.estate);
        let waits: Vec<Waits> = changes.into_iter().map(|c| world.waits(c)).collect();
        let mapped = if waits.is_empty() { "unmapped" } else { "mapped" };
        self.metrics.count("yagura_changes_total", &[("outcome", mapped)]);
        if waits.is_empty() {
            self.unmapped(event);
        }
        for one in waits {
            self.wait(one, readable, Some(group));
        }
    }

    /// Says once of each kind of event that it waits for the next full scan.
    fn unmapped(&mut self, event: &ApiEvent) {
        let labels = [("service", event.source.as_str()), ("event", event.name.as_str())];
        self.metrics.count("yagura_unmapped_total", &labels);
        let name = smol_str::format_smolstr!("{}:{}", event.source, event.name);
        if self.said.len() < SAID && self.said.insert(name.clone()) {
            let en = format!(
                "what {name} changed is left to the full scans: no resource under judgement can be told from it"
            );
            let ja = format!("{name} による変更は全体スキャンに委ねる（判定対象のリソースがイベントからわからない）");
            self.log.say(Level::Info, &en, &ja, json!({"event": name}));
        }
    }

    fn wait(&mut self, waits: Waits, readable: Instant, group: Option<u64>) {
        let which = match &waits.id {
            Some(id) => id.to_string(),
            None => waits.names.iter().map(|(_, t)| t.as_str()).collect::<Vec<_>>().join("\u{1}"),
        };
        let key = [waits.kind.as_str(), waits.account.as_str(), waits.region.as_str(), which.as_str()].join("\u{1}");
        let due = Instant::now() + if group.is_some() { SETTLE } else { RETRY };
        let p = self.pending.entry(key).or_insert_with(|| Pending {
            waits: waits.clone(),
            due,
            readable,
            groups: BTreeSet::new(),
            tries: 0,
        });
        for field in waits.fields {
            if !p.waits.fields.contains(&field) {
                p.waits.fields.push(field);
            }
        }
        p.waits.whole |= waits.whole;
        p.readable = p.readable.min(readable);
        if let Some(group) = group
            && p.groups.insert(group)
            && let Some(g) = self.groups.get_mut(&group)
        {
            g.open += 1;
        }
    }

    /// Gives detections what they have room for.
    fn feed(&mut self) {
        let Some(to) = &self.work else { return };
        while let Some(work) = self.queued.pop_front() {
            if let Err(std::sync::mpsc::TrySendError::Full(work) | std::sync::mpsc::TrySendError::Disconnected(work)) =
                to.try_send(work)
            {
                self.queued.push_front(work);
                return;
            }
        }
    }

    /// Reads again what is due; whether there was anything.
    fn reread(&mut self) -> bool {
        self.metrics.set("yagura_waiting_changes", &[], self.pending.len() as f64);
        let now = Instant::now();
        let mut due: Vec<(&String, &Pending)> = self.pending.iter().filter(|(_, p)| p.due <= now).collect();
        // The account of the one that waits longest; another account's come in the next turn.
        due.sort_by_key(|(_, p)| p.due);
        let Some(account) = due.first().map(|(_, p)| p.waits.account.clone()) else { return false };
        let keys: Vec<String> =
            due.iter().filter(|(_, p)| p.waits.account == account).take(BATCH).map(|(k, _)| (*k).clone()).collect();
        let mut taken: Vec<(String, Pending)> =
            keys.into_iter().filter_map(|k| Some((k.clone(), self.pending.remove(&k)?))).collect();
        let Some(world) = &mut self.world else { return false };
        let waits: Vec<Waits> = taken.iter().map(|(_, p)| p.waits.clone()).collect();
        let begun = Instant::now();
        let done = match world.again(self.means, &mut self.memory, self.runtime, &waits) {
            Ok(done) => done,
            Err(e) => {
                // Nothing was recorded: all of it comes again.
                self.store_failed(&e);
                for (key, mut p) in taken {
                    p.due = Instant::now() + pause(p.tries);
                    p.tries += 1;
                    self.pending.insert(key, p);
                }
                return true;
            }
        };
        self.metrics.add("yagura_api_requests_total", &[], done.requests as f64);
        for (what, n) in done.counts {
            self.metrics.add("yagura_rereads_total", &[("outcome", what)], n as f64);
        }
        self.metrics.add("yagura_rereads_total", &[("outcome", "later")], done.later.len() as f64);
        self.metrics.add("yagura_rereads_total", &[("outcome", "lost")], done.lost.len() as f64);
        if let Err(e) = self.folder.note(&done.since) {
            self.store_failed(&e);
        }
        if self.scanning {
            self.since.extend(done.since);
        }
        self.metrics.observe("yagura_reread_seconds", begun.elapsed().as_secs_f64());
        for (_, p) in &taken {
            if !p.groups.is_empty() {
                self.metrics.observe("yagura_verdict_seconds", p.readable.elapsed().as_secs_f64());
            }
        }
        if let Some(recorded) = &done.recorded {
            self.recorded(recorded);
        }
        for (nth, (key, p)) in taken.iter_mut().enumerate() {
            for group in std::mem::take(&mut p.groups) {
                if let Some(g) = self.groups.get_mut(&group) {
                    g.open = g.open.saturating_sub(1);
                }
            }
            if done.later.contains(&nth) {
                let again = Pending {
                    waits: p.waits.clone(),
                    due: Instant::now() + pause(p.tries),
                    readable: p.readable,
                    groups: BTreeSet::new(),
                    tries: p.tries + 1,
                };
                self.pending.insert(key.clone(), again);
            }
        }
        // What waits is remembered before a message that told of it is deleted.
        if !done.later.is_empty() {
            self.dirty = true;
            self.keep(true);
        }
        let ended: Vec<u64> = self.groups.iter().filter(|(_, g)| g.open == 0).map(|(n, _)| *n).collect();
        ended.into_iter().for_each(|group| self.finish(group));
        true
    }

    /// Notes that a delivery was worked in, where it was.
    fn finish(&mut self, group: u64) {
        if self.groups.get(&group).is_none_or(|g| g.open > 0 || g.detect) {
            return;
        }
        let Some(Group { source, done: Some(done), .. }) = self.groups.remove(&group) else { return };
        match done {
            Done::Position(input, whole) => {
                let Some(name) = self.names.get(source) else { return };
                self.position.sources.entry(name.clone()).or_default().note(&input, whole);
                self.dirty = true;
            }
            Done::Message(receipt) => self.delete(*receipt),
        }
    }

    /// Deletes a message whose verdicts are recorded. Where that fails it comes again, and changes nothing.
    fn delete(&mut self, receipt: Receipt) {
        let (metrics, log) = (self.metrics.clone(), self.log);
        self.deletes.retain(|d| !d.is_finished());
        self.deletes.push(self.runtime.spawn(async move {
            let Receipt { session, delete, region, input } = receipt;
            if let Err(e) = session.change(&delete, &region, &input).await {
                metrics.count("yagura_errors_total", &[("kind", "source")]);
                let text = format!("sqs:DeleteMessage: {e}");
                log.say(Level::Warn, &text, &text, json!({}));
            }
        }));
    }

    /// Remembers how far it is.
    fn keep(&mut self, now: bool) {
        if !self.dirty || (!now && self.kept.elapsed() < KEEP) {
            return;
        }
        // A resource that waits for a source's delivery comes again with it.
        let alone = self.pending.values().filter(|p| p.groups.is_empty());
        self.position.waiting = alone.map(|p| p.waits.clone()).collect();
        match self.folder.keep(&self.position) {
            Ok(()) => {
                self.dirty = false;
            }
            Err(e) => self.store_failed(&e),
        }
        self.kept = Instant::now();
    }

    fn tick(&mut self) {
        if self.ticked.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.ticked = Instant::now();
        if self.claimed.elapsed() >= CLAIM {
            self.claimed = Instant::now();
            if let Err(e) = self.claim.keep(&self.who) {
                let e = claim_failure(&e, &self.store);
                self.store_failed(&e);
            }
        }
        let mut why = Vec::new();
        if self.world.is_none() {
            why.push("the first full scan is not done".to_owned());
        }
        if self.asked.elapsed() >= ASK {
            self.asked = Instant::now();
            // A server that was lost is found again by this.
            self.trouble = match self.memory.store().map(yagura_findings::Store::suppressions) {
                Some(Ok(_)) => None,
                Some(Err(e)) => Some(e.to_string()),
                None => Some("there is none".to_owned()),
            };
        }
        why.extend(self.trouble.iter().map(|e| format!("the store: {e}")));
        for name in &self.names {
            let last = self.metrics.get("yagura_source_last_look_timestamp_seconds", &[("source", name)]);
            let lag = unix_now() - last;
            if lag > 300.0 {
                why.push(format!("{name}: not looked at for {} seconds", if last == 0.0 { -1.0 } else { lag.round() }));
            }
        }
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = why;
        if let Some(store) = self.memory.store() {
            self.hooks.iter_mut().for_each(|h| h.tick(store));
        }
    }

    /// Ends: what is in hand was recorded; messages whose verdicts are recorded are deleted.
    fn end(&mut self) -> Result<(), Failure> {
        self.dirty = true;
        self.keep(true);
        let deletes = std::mem::take(&mut self.deletes);
        self.runtime.block_on(async {
            let all = async {
                for delete in deletes {
                    let _ = delete.await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
        });
        if let Some(store) = self.memory.store() {
            self.hooks.iter_mut().for_each(|h| h.tick(store));
        }
        Ok(())
    }
}

fn pause(tries: u32) -> Duration {
    RETRY.saturating_mul(1 << tries.min(8)).min(LONGEST)
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

fn claim_failure(e: &ClaimError, place: &Place) -> Failure {
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
