//! What the engine remembers, and what it forgets.

use super::Engine;
use crate::habits::Habits;
use crate::hash::Hash;
use crate::sequence::Waiting;
use crate::sigma::Correlator;
use crate::signal::{Incident, Signal};
use crate::stat::Statistics;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How long a session counts as its maker's: the longest that AWS STS grants is 36 hours.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
pub(super) const LINKED: i64 = 30 * 24 * 3_600_000;
/// Memory that nobody asks for any more is swept after so many records.
pub(super) const SWEEP: u64 = 50_000;
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
    pub(super) counts: HashMap<Hash, VecDeque<Counted>>,
    pub(super) quiet: HashMap<Hash, Quiet>,
    pub(super) makers: HashMap<SmolStr, (SmolStr, i64)>,
    pub(super) waiting: Waiting,
    /// By entity: its latest incident.
    pub(super) open: HashMap<SmolStr, usize>,
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

impl Engine<'_> {
    pub(super) fn sweep(&mut self, now: i64) {
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
