//! The second half of the work: takes what was observed in the order of time, and remembers. Its whole memory is [`State`], which goes
//! to a file and back, so that a restart changes nothing.

use crate::detection::{Detection, Dim, HabitGate};
use crate::habits::{Habits, Novelty};
use crate::hash::{Hash, hash};
use crate::observe::{Hit, Measured, Notes, Observed, Rules, Seen};
use crate::sequence::{Completed, Sequences, Waiting};
use crate::sigma::{Correlator, Fired as Correlation, Kind};
use crate::signal::{Because, Incident, Signal, StepTaken};
use crate::stat::{Sign, Statistics};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How long a session counts as its maker's: the longest that AWS STS grants is 36 hours.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
const LINKED: i64 = 30 * 24 * 3_600_000;
/// How many hops a chain of roles is followed.
const HOPS: usize = 8;
/// An incident takes up what its entity does within this time of its last record; after a longer silence another one begins.
const TOGETHER: i64 = 12 * 3_600_000;
/// What was found of its entity within this time before an incident's first stage belongs to it: an hour.
const BEFORE: i64 = 3_600_000;
/// What is found again and again is said at intervals that double up to 32 times the first.
const DOUBLINGS: u32 = 5;
/// Memory that nobody asks for any more is swept after so many records.
const SWEEP: u64 = 50_000;
/// Entries kept of any one counter; the oldest go first.
pub const COUNTED: usize = 10_000;
/// Counters, and links between identities, that outlive a sweep; beyond, those that were touched longest ago go, and are counted as
/// forgotten: who makes millions of names must not take all memory.
const MOST_COUNTERS: usize = 200_000;
const MOST_LINKS: usize = 500_000;

/// Everything that is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// What identities usually do.
    pub habits: Habits,
    /// Habits were learned up to this time, ms, in an earlier run: what is older is neither learned again nor held against them.
    #[serde(default)]
    pub learned_until: Option<i64>,
    /// What was found.
    pub signals: Vec<Signal>,
    /// Attacks.
    pub incidents: Vec<Incident>,
    counts: HashMap<Hash, VecDeque<Counted>>,
    quiet: HashMap<Hash, Quiet>,
    makers: HashMap<SmolStr, (SmolStr, i64)>,
    waiting: Waiting,
    /// By entity: its latest incident.
    open: HashMap<SmolStr, usize>,
    statistics: Statistics,
    /// Sigma's correlations, by their detections' ids.
    #[serde(default)]
    correlators: BTreeMap<SmolStr, Correlator>,
    /// Identities of the records of the latest instant: the same record delivered twice comes twice in a row.
    instant: (i64, Vec<u128>),
    records: u64,
    /// What had to go for want of room before its time was over.
    #[serde(default)]
    forgotten: u64,
    /// The first and the last record, ms.
    #[serde(default)]
    span: Option<(i64, i64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    time: i64,
    of: Hash,
    event: SmolStr,
    /// Whether a signal named it.
    #[serde(default)]
    told: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Quiet {
    until: i64,
    times: u32,
    signal: usize,
}

impl State {
    /// Who made an identity, a session or a key, and when (ms): what [`crate::links`] noted, for 30 days.
    pub fn maker(&self, made: &str) -> Option<(&SmolStr, i64)> {
        self.makers.get(made).map(|(maker, at)| (maker, *at))
    }

    /// What someone made, and when (ms), in no order.
    pub fn made_by<'s>(&'s self, maker: &'s str) -> impl Iterator<Item = (&'s SmolStr, i64)> {
        self.makers.iter().filter(move |(_, (m, _))| m == maker).map(|(made, (_, at))| (made, *at))
    }
}

impl State {
    /// The latest record taken, ms.
    pub fn latest(&self) -> Option<i64> {
        self.span.map(|(_, last)| last)
    }
}

/// Rules and sequences at work.
#[derive(Debug)]
pub struct Engine<'e> {
    rules: &'e Rules,
    sequences: &'e Sequences,
    methods: HashMap<&'e str, Vec<u32>>,
    /// What it remembers.
    pub state: State,
}

impl<'e> Engine<'e> {
    /// Goes on from a state.
    pub fn new(rules: &'e Rules, sequences: &'e Sequences, state: State) -> Self {
        let mut methods: HashMap<&str, Vec<u32>> = HashMap::new();
        for (n, d) in (0u32..).zip(&rules.detections) {
            if let Some(m) = &d.method {
                methods.entry(m.as_str()).or_default().push(n);
            }
        }
        Self { rules, sequences, methods, state }
    }

    /// How much of what was remembered had to go for want of room before its time was over: counts, links between identities, and stages
    /// that sequences wait for. What they would have led to is lost.
    pub fn forgotten(&self) -> u64 {
        self.state.forgotten + self.state.correlators.values().map(Correlator::forgotten).sum::<u64>()
    }

    /// How many counters, links and entities that sequences wait for are remembered.
    pub fn remembered(&self) -> [usize; 3] {
        [self.state.counts.len(), self.state.makers.len(), self.state.waiting.len()]
    }

    fn learned(&self, time: i64) -> bool {
        self.state.learned_until.is_some_and(|until| time <= until)
    }

    /// How many days the records span.
    pub fn days(&self) -> f64 {
        self.state.span.map_or(0.0, |(first, last)| (last - first) as f64 / 86_400_000.0)
    }

    /// Takes one record; they come in the order of time, and of identity where the time is the same. Answers false for a record that
    /// was taken already.
    pub fn take(&mut self, o: &Observed) -> bool {
        let (time, ids) = &mut self.state.instant;
        if *time != o.time {
            *time = o.time;
            ids.clear();
        } else if ids.contains(&o.id) {
            return false;
        }
        ids.push(o.id);
        self.state.records += 1;
        if self.state.records.is_multiple_of(SWEEP) {
            self.sweep(o.time);
        }
        self.state.span = match self.state.span {
            None => Some((o.time, o.time)),
            Some((first, last)) => Some((first.min(o.time), last.max(o.time))),
        };
        self.advance(o.time);
        if let Some(notes) = &o.notes {
            self.notes(o, notes);
        }
        if let Some(habit) = &o.habit
            && !self.learned(o.time)
        {
            self.state.habits.learn(habit, o.time);
        }
        true
    }

    fn notes(&mut self, o: &Observed, notes: &Notes) {
        for link in &notes.links {
            self.state.makers.insert(link.made.clone(), (link.maker.clone(), o.time));
        }
        let mut novelty: Option<Novelty> = None;
        if let Some(seen) = &notes.seen {
            for hit in &notes.hits {
                let Some(d) = self.rules.get(hit.rule) else { continue };
                let mut because = Vec::new();
                let mut events = vec![seen.event_id.clone()];
                if let Some(gate) = &d.habit {
                    let Some(habit) = o.habit.as_ref().filter(|_| !self.learned(o.time)) else { continue };
                    if novelty.is_none() && !gate.cold_fires && !self.state.habits.mature(habit, o.time) {
                        continue;
                    }
                    let n = novelty.get_or_insert_with(|| self.state.habits.novelty(habit, o.time));
                    match gated(gate, n) {
                        None => continue,
                        Some(told) => because.push(Because::Habit(told)),
                    }
                }
                if let Some(told) = d.count.as_ref().map(|_| self.count(d, hit, o, seen)) {
                    let Some((reason, counted)) = told else { continue };
                    because.push(reason);
                    events = counted;
                }
                self.correlate(hit, o.time, seen);
                self.fire(
                    hit.rule,
                    o.time,
                    hit.dedup,
                    Fired { seen, target: hit.target.clone(), shown: &hit.shown, because, events },
                );
            }
        }
        if let Some(measured) = &notes.measured {
            self.measure(o, notes, measured);
        }
    }

    /// Counts a hit. The reason and the records, once there are enough.
    fn count(&mut self, d: &Detection, hit: &Hit, o: &Observed, seen: &Seen) -> Option<(Because, Vec<SmolStr>)> {
        let (c, time) = (d.count.as_ref()?, o.time);
        let said = self.said(key_of(d, hit.dedup), time).is_some();
        let window = self.state.counts.entry(hash(&d.id) ^ hit.group.rotate_left(7)).or_default();
        while window.front().is_some_and(|w| time - w.time > c.over) || window.len() >= COUNTED {
            window.pop_front();
        }
        let distinct = c.of.is_some();
        let again = distinct.then(|| window.iter().position(|w| w.of == hit.of)).flatten();
        if let Some(at) = again {
            // Of the same value the first record of each grain of time counts, and of those the latest.
            if window.get(at)?.time.div_euclid(c.grain()) == time.div_euclid(c.grain()) {
                return None;
            }
            window.remove(at);
        }
        window.push_back(Counted { time, of: hit.of, event: seen.event_id.clone(), told: false });
        if window.len() < c.at_least as usize {
            return None;
        }
        // What a signal that goes on named already need not be told again.
        let events = window.iter().filter(|w| !said || !w.told).map(|w| w.event.clone()).collect();
        window.iter_mut().for_each(|w| w.told = true);
        let since = window.front().map_or(time, |w| w.time);
        Some((Because::Count { count: window.len() as u64, distinct, since }, events))
    }

    /// Tells Sigma's correlations of a hit, and those that listen to them of what they found.
    fn correlate(&mut self, hit: &Hit, time: i64, seen: &Seen) {
        let mut told: Vec<(usize, usize, SmolStr, Option<SmolStr>, SmolStr)> = hit
            .correlated
            .iter()
            .map(|c| {
                (c.correlation as usize, c.place as usize, c.group.clone(), c.value.clone(), seen.event_id.clone())
            })
            .collect();
        let rules = self.rules;
        while let Some((n, place, group, value, event)) = told.pop() {
            let Some((c, id)) = rules.correlations.get(n).and_then(|c| Some((c, &rules.get(c.says)?.id))) else {
                continue;
            };
            let correlator =
                self.state.correlators.entry(id.clone()).or_insert_with(|| Correlator::new(&c.correlation));
            let Some(found) = correlator.observe(time, place, &group, value.as_deref(), &event) else { continue };
            for (m, other) in rules.correlations.iter().enumerate() {
                let places = other.chained.iter().filter(|(from, _)| *from == n);
                told.extend(places.map(|(_, place)| (m, *place, group.clone(), None, event.clone())));
            }
            self.correlated(n, found, time, seen);
        }
    }

    /// Time goes on: correlations with an upper bound are judged when their time is over.
    fn advance(&mut self, time: i64) {
        for n in 0..self.rules.correlations.len() {
            let Some(c) = self.rules.correlations.get(n) else { continue };
            if c.correlation.bounds.most.is_none() {
                continue;
            }
            let Some(id) = self.rules.get(c.says).map(|d| d.id.clone()) else { continue };
            let found = self.state.correlators.get_mut(&id).map(|k| k.advance(time)).unwrap_or_default();
            for f in found {
                self.correlated(n, f, time, &Seen::default());
            }
        }
    }

    fn correlated(&mut self, n: usize, found: Correlation, time: i64, seen: &Seen) {
        let Some(c) = self.rules.correlations.get(n) else { return };
        let events: Vec<SmolStr> = found.events.iter().map(SmolStr::new).collect();
        let because = vec![Because::Count {
            count: found.count,
            distinct: c.correlation.kind == Kind::ValueCount,
            since: found.first_ms,
        }];
        let dedup = hash(&found.group);
        let again = self.rules.get(c.says).map(|d| key_of(d, dedup));
        self.fire(c.says, time, dedup, Fired { seen, target: None, shown: &[], because, events });
        // What goes on is one finding: the same is news only after a whole time frame without it.
        if let Some(q) = again.and_then(|key| self.state.quiet.get_mut(&key)) {
            q.until = q.until.max(time.saturating_add(c.correlation.timespan_ms));
        }
    }

    fn measure(&mut self, o: &Observed, notes: &Notes, measured: &Measured) {
        let mut signs: Vec<Sign> = Vec::new();
        self.state.statistics.observe(o.time, o.id, measured, &mut signs);
        for sign in signs {
            let rules: Vec<u32> = self.methods.get(sign.method).cloned().unwrap_or_default();
            for rule in rules {
                let Some(d) = self.rules.get(rule) else { continue };
                // The console and databases share the methods about logins.
                let log = notes.seen.as_ref().map_or(d.table.source.name, |s| s.log.as_str());
                if (log == "cloudtrail") != (d.table.source.name == "cloudtrail") {
                    continue;
                }
                let mut seen = notes.seen.clone().unwrap_or_default();
                if notes.seen.is_none() {
                    let [account, region, instance] = notes.place.clone();
                    seen = Seen { log: d.table.source.name.into(), account, region, instance, ..seen };
                    seen.source_ip = sign.host.clone();
                    seen.actor = if seen.instance.is_empty() { sign.host.clone() } else { seen.instance.clone() };
                    seen.identity = seen.actor.clone();
                    seen.event_id = format!("{:032x}", o.id).into();
                }
                let events = sign.events.iter().map(|id| named(*id, log)).collect();
                let figures = sign.facts.iter().map(|(n, v)| (SmolStr::new(n), v.clone())).collect();
                let because = vec![Because::Figures { method: sign.method.into(), score: sign.score, figures }];
                let dedup = hash(&sign.host) ^ sign.peer.as_deref().map_or(0, hash).rotate_left(9);
                let peer = sign.peer.clone().unwrap_or_default();
                let (attacker, victim) =
                    if sign.on_host() { (peer, sign.host.clone()) } else { (sign.host.clone(), peer) };
                let count = SmolStr::from(sign.count.to_string());
                let shown = [("count".into(), count), ("attacker".into(), attacker), ("victim".into(), victim)];
                self.fire(
                    rule,
                    o.time,
                    dedup,
                    Fired { seen: &seen, target: sign.peer.clone(), shown: &shown, because, events },
                );
            }
        }
    }

    /// A rule fired: sequences learn of it, and it is said, unless it was said lately.
    fn fire(&mut self, rule: u32, time: i64, dedup: Hash, fired: Fired<'_>) {
        let Some(d) = self.rules.get(rule) else { return };
        let mut seen = fired.seen.clone();
        if let Some(target) = fired.target {
            seen.target = target;
        }
        seen.shown = fired.shown.to_vec();
        let signal = if d.silent {
            None
        } else {
            Some(self.say(d, time, dedup, &seen, fired.shown, fired.because, fired.events))
        };
        let root = self.root(&seen, time);
        if let Some(&incident) = self.state.open.get(&root)
            && let Some(i) = self.state.incidents.get_mut(incident)
            && time - i.last <= TOGETHER
            && signal.is_some()
        {
            add(i, time, &d.id, SmolStr::default(), &seen);
            if let Some(s) = signal.and_then(|s| self.state.signals.get_mut(s)) {
                s.incident = s.incident.or(Some(incident));
            }
        }
        let done = self.state.waiting.take(self.sequences, &d.id, time, &seen, &root);
        for completed in done {
            self.complete(completed, &root, time);
        }
    }

    /// The signal that what is found now belongs to: the same was said lately.
    fn said(&self, key: Hash, time: i64) -> Option<usize> {
        let q = self.state.quiet.get(&key).filter(|q| time < q.until)?;
        let signal = self.state.signals.get(q.signal)?;
        // What belongs to an incident that is over is no part of what comes later.
        let incident = signal.incident.and_then(|n| self.state.incidents.get(n));
        let over = incident.is_some_and(|i| time - i.last > TOGETHER);
        (!over).then_some(q.signal)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one signal")]
    fn say(
        &mut self,
        d: &Detection,
        time: i64,
        dedup: Hash,
        seen: &Seen,
        shown: &[(SmolStr, SmolStr)],
        mut because: Vec<Because>,
        events: Vec<SmolStr>,
    ) -> usize {
        let key = key_of(d, dedup);
        if let Some(at) = self.said(key, time)
            && let Some(s) = self.state.signals.get_mut(at)
        {
            for event in &events {
                if !s.events.contains(event) {
                    s.grow(time, event);
                }
            }
            return at;
        }
        let times = self.state.quiet.get(&key).map_or(0, |q| q.times) + 1;
        let quiet = d.dedup.quiet.saturating_mul(1 << (times - 1).min(DOUBLINGS));
        if times > 1 {
            because.push(Because::Recurring { times, quiet });
        }
        let at = self.state.signals.len();
        self.state.quiet.insert(key, Quiet { until: time.saturating_add(quiet), times, signal: at });
        let mut signal = Signal {
            rule: d.id.clone(),
            time,
            last: time,
            seen: seen.clone(),
            shown: shown.to_vec(),
            because,
            count: 0,
            events: Vec::new(),
            severity: d.severity,
            confidence: d.confidence,
            incident: None,
        };
        for event in &events {
            signal.grow(time, event);
        }
        self.state.signals.push(signal);
        at
    }

    fn complete(&mut self, c: Completed, root: &SmolStr, now: i64) {
        let Some(s) = self.sequences.all.get(c.sequence) else { return };
        let Some(last) = c.marks.iter().map(|m| m.0).max() else { return };
        let first = c.marks.iter().map(|m| m.0).min().unwrap_or(last);
        let known = self.state.open.get(root).or_else(|| self.state.open.get(&c.entity)).copied();
        // By the record at hand, not by the stages: an old attack's stages are still there when the next one begins.
        let open = known.filter(|n| self.state.incidents.get(*n).is_some_and(|i| now - i.last <= TOGETHER));
        // What began an incident that is over does not begin another one with whatever its entity does next.
        let over = known.filter(|_| open.is_none()).and_then(|n| self.state.incidents.get(n));
        if let (Some(over), Some(begun)) = (over, c.marks.first())
            && over.steps.iter().any(|s| s.seen.event_id == begun.3.event_id)
        {
            // What came after it may be a whole attack by itself.
            let until = over.last;
            if let Some(next) = self.state.waiting.after(self.sequences, &c, until) {
                self.complete(next, root, now);
            }
            return;
        }
        let at = open.unwrap_or_else(|| {
            self.state.incidents.push(Incident {
                sequences: Vec::new(),
                entity: c.entity.clone(),
                actors: Vec::new(),
                first,
                last,
                steps: Vec::new(),
                severity: s.severity,
                missing: Vec::new(),
            });
            self.state.incidents.len() - 1
        });
        self.state.open.insert(root.clone(), at);
        self.state.open.insert(c.entity.clone(), at);
        if let Some(i) = self.state.incidents.get_mut(at) {
            if !i.sequences.contains(&s.id) {
                i.sequences.push(s.id.clone());
            }
            i.severity = i.severity.max(s.severity);
            for missing in c.missing {
                if !i.missing.contains(&missing) {
                    i.missing.push(missing);
                }
            }
            for (time, stage, rule, seen) in &c.marks {
                add(i, *time, rule, stage.clone(), seen);
            }
            i.missing.retain(|m| !i.steps.iter().any(|s| s.stage == *m));
        }
        // What was found of the same entity shortly before belongs to it.
        let (makers, signals) = (&self.state.makers, &mut self.state.signals);
        for signal in signals.iter_mut().rev().take_while(|s| first - s.time <= BEFORE) {
            let same = root_of(makers, &signal.seen, signal.time) == *root;
            if same
                && signal.incident.is_none()
                && let Some(i) = self.state.incidents.get_mut(at)
            {
                signal.incident = Some(at);
                add(i, signal.time, &signal.rule, SmolStr::default(), &signal.seen);
            }
        }
    }

    fn root(&self, seen: &Seen, time: i64) -> SmolStr {
        root_of(&self.state.makers, seen, time)
    }

    fn sweep(&mut self, now: i64) {
        let rules = &self.rules.detections;
        let longest = rules.iter().filter_map(|d| d.count.as_ref().map(|c| c.over)).max().unwrap_or(0);
        self.state.counts.retain(|_, w| w.back().is_some_and(|w| now - w.time <= longest));
        self.state.makers.retain(|_, (_, at)| now - *at <= LINKED);
        self.state.forgotten += oldest_go(&mut self.state.counts, MOST_COUNTERS, |w| w.back().map_or(0, |w| w.time));
        self.state.forgotten += oldest_go(&mut self.state.makers, MOST_LINKS, |(_, at)| *at);
        self.state.forgotten += self.state.waiting.sweep(self.sequences, now);
    }
}

/// Takes out of a map what is over a number, the oldest first, and a tenth more, so that this is seldom. Answers how many went.
fn oldest_go<K: Clone + Eq + std::hash::Hash + Ord, V>(
    map: &mut HashMap<K, V>,
    most: usize,
    time: impl Fn(&V) -> i64,
) -> u64 {
    if map.len() <= most {
        return 0;
    }
    let mut ages: Vec<(i64, K)> = map.iter().map(|(k, v)| (time(v), k.clone())).collect();
    ages.sort_unstable();
    let going = ages.len() - most + most / 10;
    for (_, key) in ages.into_iter().take(going) {
        map.remove(&key);
    }
    going as u64
}

/// A record's name by its identity: CloudTrail's are UUIDs.
fn named(id: u128, log: &str) -> SmolStr {
    let hex = format!("{id:032x}");
    match (log, hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)) {
        ("cloudtrail", Some(a), Some(b), Some(c), Some(d), Some(e)) => format!("{a}-{b}-{c}-{d}-{e}").into(),
        _ => hex.into(),
    }
}

struct Fired<'f> {
    seen: &'f Seen,
    target: Option<SmolStr>,
    shown: &'f [(SmolStr, SmolStr)],
    because: Vec<Because>,
    events: Vec<SmolStr>,
}

/// What a detection finds of the same things has the same key.
fn key_of(d: &Detection, dedup: Hash) -> Hash {
    hash(&d.id) ^ dedup.rotate_left(11)
}

/// What is new of what a detection asks for, where that makes it fire.
fn gated(gate: &HabitGate, novelty: &Novelty) -> Option<Novelty> {
    if !novelty.mature && !gate.cold_fires {
        return None;
    }
    let is_new = |d: &Dim| novelty.new.contains(d);
    let fires = gate.new.iter().all(is_new) && (gate.any.is_empty() || gate.any.iter().any(is_new));
    if !fires {
        return None;
    }
    let asked = |d: &Dim| gate.new.contains(d) || gate.any.contains(d);
    let mut told = Novelty { new: Vec::new(), usual: Vec::new(), others: Vec::new(), ..novelty.clone() };
    for ((dim, usual), others) in
        novelty.new.iter().zip(&novelty.usual).zip(&novelty.others).filter(|((d, _), _)| asked(d))
    {
        told.new.push(*dim);
        told.usual.push(*usual);
        told.others.push(*others);
    }
    Some(told)
}

/// Who stands behind: follows keys to their creators and sessions to who assumed them.
fn root_of(makers: &HashMap<SmolStr, (SmolStr, i64)>, seen: &Seen, time: i64) -> SmolStr {
    let maker = |of: &SmolStr| makers.get(of).filter(|(_, at)| time - at <= LINKED).map(|(m, _)| m.clone());
    let mut here = match maker(&seen.access_key) {
        Some(m) if !seen.access_key.is_empty() => m,
        _ if !seen.actor.is_empty() => seen.actor.clone(),
        _ => seen.source_ip.clone(),
    };
    for _ in 0..HOPS {
        match maker(&here) {
            Some(m) if m != here => here = m,
            _ => break,
        }
    }
    // A session whose maker is not known stands for its role: sessions of one role with other names are other people.
    here
}

fn add(i: &mut Incident, time: i64, rule: &SmolStr, stage: SmolStr, seen: &Seen) {
    // One record has one time: only steps of the same instant can be of it.
    let from = i.steps.partition_point(|s| s.time < time);
    let instant = || i.steps.iter().enumerate().skip(from).take_while(|(_, s)| s.time == time);
    let of_it = |s: &StepTaken| s.seen.event_id == seen.event_id && s.rule == *rule;
    if instant().any(|(_, s)| of_it(s) && (s.stage == stage || stage.is_empty())) {
        return;
    }
    let besides = instant().find(|(_, s)| s.stage.is_empty() && of_it(s)).map(|(n, _)| n);
    i.first = i.first.min(time);
    i.last = i.last.max(time);
    for who in [&seen.actor, &seen.access_key, &seen.source_ip] {
        if !who.is_empty() && !i.actors.contains(who) {
            i.actors.push(who.clone());
        }
    }
    // A step that was taken up as one besides becomes the stage.
    if let Some(n) = besides {
        i.steps.remove(n);
    }
    let at = i.steps.partition_point(|s| s.time <= time);
    i.steps.insert(at, StepTaken { time, rule: rule.clone(), stage, seen: seen.clone() });
}
