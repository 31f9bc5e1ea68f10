//! What the engine remembers, and what it forgets.

use super::Engine;
use super::incident::{BEFORE, TOGETHER};
use crate::habits::Habits;
use crate::hash::Hash;
use crate::sequence::Waiting;
use crate::sigma::Correlator;
use crate::signal::{Incident, Signal};
use crate::stat::Statistics;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;

/// How long it is remembered who made whom; for how long that counts is [`crate::links::life`].
const LINKED: i64 = 30 * 24 * 3_600_000;
/// Memory that nobody asks for any more is swept after so many records.
pub(super) const SWEEP: u64 = 50_000;
/// Counters, quiet times, and links between identities, that outlive a sweep; beyond, those that were touched longest ago go, and are
/// counted as forgotten: who makes millions of names must not take all memory.
const MOST_COUNTERS: usize = 200_000;
const MOST_QUIET: usize = 200_000;
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
    pub(super) counts: foldhash::HashMap<Hash, VecDeque<Counted>>,
    pub(super) quiet: foldhash::HashMap<Hash, Quiet>,
    pub(super) makers: crate::links::Makers,
    pub(super) waiting: Waiting,
    /// By entity: its latest incident.
    pub(super) open: foldhash::HashMap<SmolStr, usize>,
    pub(super) statistics: Statistics,
    /// Sigma's correlations, by their detections' ids.
    #[serde(default)]
    pub(super) correlators: BTreeMap<SmolStr, Correlator>,
    /// Identities of the records of the latest instant: the same record delivered twice comes twice in a row.
    pub(super) instant: (i64, Vec<u128>),
    pub(super) records: u64,
    /// What had to go for want of room before its time was over.
    #[serde(default)]
    pub(super) forgotten: u64,
    /// The first and the last record, ms.
    #[serde(default)]
    pub(super) span: Option<(i64, i64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) time: i64,
    pub(super) of: Hash,
    pub(super) event: SmolStr,
    /// Whether a signal named it.
    #[serde(default)]
    pub(super) told: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quiet {
    pub(super) until: i64,
    pub(super) times: u32,
    pub(super) signal: usize,
    /// After so long without it, ms, it is news again and said as if for the first time.
    #[serde(default = "never")]
    pub(super) calm: i64,
}

fn never() -> i64 {
    i64::MAX
}

impl Quiet {
    /// Whether it is so long over that nothing of it counts any more.
    pub(super) fn is_past(&self, now: i64) -> bool {
        now >= self.until.saturating_add(self.calm)
    }
}

impl State {
    /// Who made an identity, a session or a key, and when (ms): what [`crate::links`] noted, for 30 days.
    pub fn maker(&self, made: &str) -> Option<(&SmolStr, i64)> {
        self.makers.get(&crate::links::plain(made)).map(|(maker, at)| (maker, *at))
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

impl Engine<'_> {
    /// Lets go of signals that were told, the first `told` of them, whose last record is older than `before`, ms, where nothing can be
    /// added to them any more: neither their quiet time nor their incident goes on, and no sequence that may still complete reaches back
    /// to them. Answers how many of the first `told` are left; all keep their order. A run without end would hold them all.
    pub fn let_go(&mut self, told: usize, before: i64) -> usize {
        let state = &mut self.state;
        let now = state.latest().unwrap_or(i64::MIN);
        let reach = self.sequences.all.iter().map(|s| s.within).max().unwrap_or(0).saturating_add(BEFORE);
        let before = before.min(now.saturating_sub(reach));
        let growing: HashSet<usize> = state.quiet.values().filter(|q| now < q.until).map(|q| q.signal).collect();
        let goes_on = |n: Option<usize>| {
            let incident = n.and_then(|n| state.incidents.get(n));
            incident.is_some_and(|i| now.saturating_sub(i.last) <= TOGETHER)
        };
        let mut next = 0;
        let mut places: Vec<Option<usize>> = Vec::with_capacity(state.signals.len());
        for (n, s) in state.signals.iter().enumerate() {
            let stays = n >= told || s.last >= before || growing.contains(&n) || goes_on(s.incident);
            places.push(stays.then_some(next));
            next += usize::from(stays);
        }
        let left = places.iter().take(told).flatten().count();
        let mut stay = places.iter().map(Option::is_some);
        state.signals.retain(|_| stay.next().unwrap_or(true));
        for q in state.quiet.values_mut() {
            // Where the signal went, how often it was said still counts.
            q.signal = places.get(q.signal).copied().flatten().unwrap_or(usize::MAX);
        }
        left
    }

    pub(super) fn sweep(&mut self, now: i64) {
        let rules = &self.rules.detections;
        let longest = rules.iter().filter_map(|d| d.count.as_ref().map(|c| c.over)).max().unwrap_or(0);
        self.state.counts.retain(|_, w| w.back().is_some_and(|w| now - w.time <= longest));
        // What is past says nothing, kept or not: when this is swept is of no matter.
        self.state.quiet.retain(|_, q| !q.is_past(now));
        self.state.makers.retain(|_, (_, at)| now - *at <= LINKED);
        self.state.forgotten += oldest_go(&mut self.state.counts, MOST_COUNTERS, |w| w.back().map_or(0, |w| w.time));
        self.state.forgotten += oldest_go(&mut self.state.quiet, MOST_QUIET, |q| q.until);
        self.state.forgotten += oldest_go(&mut self.state.makers, MOST_LINKS, |(_, at)| *at);
        self.state.forgotten += self.state.waiting.sweep(self.sequences, now);
    }
}

/// Takes out of a map what is over a number, the oldest first, and a tenth more, so that this is seldom. Answers how many went.
fn oldest_go<K: Clone + Eq + std::hash::Hash + Ord, V, S: BuildHasher>(
    map: &mut HashMap<K, V, S>,
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
