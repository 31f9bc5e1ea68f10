//! The work of a watch: one thread takes what sources, scans and detections send, and is the only one that records.

use super::args::WatchArgs;
use super::detection::{Found, Work};
use super::durable::{Folder, Position, Since, Waits, apply};
use super::full::Full;
use super::http::Ready as Readiness;
use super::log::{Level, Log};
use super::metrics::{Metrics, unix_now};
use super::run::claim_failure;
use super::sources::{Delivery, Done, Receipt};
use super::tell::{self, Teller};
use super::world::{Means, World};
use crate::commands::findings::open;
use crate::commands::findings::recording::{Memory, Scan};
use crate::commands::live::Access;
use crate::failure::Failure;
use serde_json::json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use yagura_findings::{Claim, ClaimError, Place, Recorded};
use yagura_inventory::change::ApiEvent;
use yagura_inventory::load;
use yagura_model::Lang;
use yagura_rule::Estate;

/// How long further events on the same resource are waited for.
const SETTLE: Duration = Duration::from_millis(300);
/// How many resources are read at once.
const BATCH: usize = 64;
/// The first pause before a resource is tried again; it doubles up to [`LONGEST`].
pub(super) const RETRY: Duration = Duration::from_secs(5);
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
/// How many deliveries are worked in at once; more stay with their source.
const MOST: usize = 1000;

/// What a full scan comes to.
pub(super) type Scanned = Result<Option<Full>, Failure>;

/// What waits for more events on the same resource, or for its turn.
pub(super) struct Pending {
    waits: Waits,
    due: Instant,
    readable: Instant,
    groups: BTreeSet<u64>,
    tries: u32,
}

/// A delivery that is being worked in.
pub(super) struct Group {
    source: usize,
    /// How many resources it still waits for.
    open: usize,
    /// Whether detections have not remembered it yet.
    detect: bool,
    done: Option<Done>,
}

/// Ids of events, the newest [`KNOWN`].
#[derive(Default)]
pub(super) struct Seen {
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

pub(super) struct Watch<'w> {
    pub(super) means: &'w Means<'w>,
    pub(super) memory: Memory,
    pub(super) store: Place,
    pub(super) claim: Claim,
    pub(super) who: String,
    pub(super) claimed: Instant,
    pub(super) world: Option<World>,
    pub(super) folder: Folder,
    pub(super) position: Position,
    pub(super) names: Vec<String>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: Log,
    pub(super) runtime: &'w Runtime,
    pub(super) ready: Readiness,
    pub(super) teller: Teller,
    /// Where whoever tells people waits for news.
    pub(super) wake: Option<Sender<()>>,
    /// Seconds between two looks at a prefix.
    pub(super) look: f64,
    pub(super) pending: BTreeMap<String, Pending>,
    pub(super) groups: BTreeMap<u64, Group>,
    pub(super) next_group: u64,
    pub(super) work: Option<SyncSender<Work>>,
    /// What detections have no room for yet.
    pub(super) queued: VecDeque<Work>,
    pub(super) seen: Seen,
    pub(super) said: HashSet<SmolStr>,
    pub(super) scanning: bool,
    /// What became of resources while a full scan reads.
    pub(super) since: Vec<Since>,
    pub(super) dirty: bool,
    pub(super) kept: Instant,
    pub(super) due: Instant,
    pub(super) every: Duration,
    pub(super) jitter: u8,
    pub(super) full_pause: Duration,
    pub(super) deletes: Vec<tokio::task::JoinHandle<()>>,
    pub(super) ticked: Instant,
    /// When the store was last asked whether it is there.
    pub(super) asked: Instant,
    /// Why it is not.
    pub(super) trouble: Option<String>,
}

impl Watch<'_> {
    #[allow(clippy::too_many_arguments, reason = "the ends of all channels come together here, and nowhere else")]
    pub(super) fn go(
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
                self.wake_teller();
                for group in groups {
                    if let Some(g) = self.groups.get_mut(&group) {
                        g.detect = false;
                    }
                    self.finish(group);
                }
            }
            self.feed();
            // What comes before anything is known, or faster than it is worked in, stays with its source.
            if self.world.is_some() && self.queued.is_empty() && self.groups.len() < MOST {
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
            self.tick()?;
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
        // A store that is new knows nothing of that scan.
        let empty = self.memory.store().is_none_or(|(store, _)| matches!(store.run(None), Ok(None)));
        if age >= self.every || !same || scope != before || empty {
            return Ok(());
        }
        let mut estate = Estate::from_snapshot(snapshot, self.means.compiled.tables.clone());
        self.metrics.set("yagura_last_full_scan_timestamp_seconds", &[], unix_now() - age.as_secs_f64());
        self.since = self.folder.since()?;
        apply(&mut estate, &self.since);
        self.since.clear();
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
        let Some((store, _)) = self.memory.store() else { return };
        if let Err(e) = self.teller.recorded(store, recorded, &self.metrics) {
            let e = open::failure(&e, &self.store);
            self.store_failed(&e);
        }
        self.wake_teller();
    }

    fn wake_teller(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.send(());
        }
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
        let before = self.world.as_ref().map(|w| w.began).filter(|_| backlog);
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
        if group.is_some() && p.due > due {
            (p.due, p.tries) = (due, 0);
        }
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
            if let Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) = to.try_send(work) {
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
            // AWS may not show at once what is new.
            let soon = done.lost.contains(&nth) && p.waits.id.is_none() && p.tries < 4;
            if done.later.contains(&nth) || soon {
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
        if !done.later.is_empty() || !done.lost.is_empty() {
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
            Done::Message(receipt) => {
                // Its events may be known from a first copy whose resources still wait.
                self.dirty |= !self.pending.is_empty();
                if self.keep(true) {
                    self.delete(*receipt);
                }
            }
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

    /// Remembers how far it is, at most once in [`KEEP`] unless `now`; whether everything is remembered.
    fn keep(&mut self, now: bool) -> bool {
        if !self.dirty || (!now && self.kept.elapsed() < KEEP) {
            return !self.dirty;
        }
        // All that waits, also what comes again with its delivery: a later delivery of the same file may be done before it.
        self.position.waiting = self.pending.values().map(|p| p.waits.clone()).collect();
        match self.folder.keep(&self.position) {
            Ok(()) => {
                self.dirty = false;
            }
            Err(e) => self.store_failed(&e),
        }
        self.kept = Instant::now();
        !self.dirty
    }

    fn tick(&mut self) -> Result<(), Failure> {
        if self.ticked.elapsed() < Duration::from_millis(500) {
            return Ok(());
        }
        self.ticked = Instant::now();
        if self.claimed.elapsed() >= CLAIM {
            self.claimed = Instant::now();
            match self.claim.keep(&self.who) {
                Ok(()) => {}
                // Somebody else watches now: two would tell everything twice.
                Err(e @ ClaimError::Held { .. }) => return Err(claim_failure(&e, &self.store)),
                Err(e) => {
                    let e = claim_failure(&e, &self.store);
                    self.store_failed(&e);
                }
            }
        }
        let mut why = Vec::new();
        if self.world.is_none() {
            why.push("the first full scan is not done".to_owned());
        }
        if self.asked.elapsed() >= ASK {
            self.asked = Instant::now();
            // A server that was lost is found again by this.
            self.trouble = match self.memory.store().map(|(store, _)| store.suppressions()) {
                Some(Ok(_)) => None,
                Some(Err(e)) => Some(e.to_string()),
                None => Some("there is none".to_owned()),
            };
        }
        why.extend(self.trouble.iter().map(|e| format!("the store: {e}")));
        for name in &self.names {
            let last = self.metrics.get("yagura_source_last_look_timestamp_seconds", &[("source", name)]);
            let lag = unix_now() - last;
            if lag > 300.0 + 2.0 * self.look {
                why.push(match last {
                    0.0 => format!("{name}: not looked at yet"),
                    _ => format!("{name}: not looked at for {} seconds", lag.round()),
                });
            }
        }
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = why;
        Ok(())
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
        Ok(())
    }
}

fn pause(tries: u32) -> Duration {
    RETRY.saturating_mul(1 << tries.min(8)).min(LONGEST)
}
