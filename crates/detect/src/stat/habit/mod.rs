//! What an actor, role, account or host is used to.

mod value;

pub use value::{hash, hour};

use super::DAY;
use foldhash::{HashMap, HashMapExt};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;

/// The form in which habits are kept. A reader refuses a later one.
pub const VERSION: u16 = 1;

/// In what respect a value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Dimension {
    /// The API called.
    Api,
    /// The service called.
    Service,
    /// The Region.
    Region,
    /// Where from (see [`crate::network_of`]).
    Network,
    /// By what program (see [`crate::agent_of`]).
    Agent,
    /// At which hour of the day, UTC.
    Hour,
    /// What was dealt with: a bucket, a database, an account.
    Target,
    /// Two of these together.
    Pair,
}

const DIMENSIONS: usize = 8;

/// How habits are learned and forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HabitConfig {
    /// In how long a value's weight halves, in milliseconds.
    pub half_life: i64,
    /// After how long without it a value is forgotten, in milliseconds.
    pub forget: i64,
    /// Events in a dimension before a key is mature.
    pub mature_events: u64,
    /// How long a key must be known before it is mature, in milliseconds. A week holds each weekday.
    pub mature_time: i64,
    /// Values remembered per key and dimension; beyond, the one that weighs least goes.
    pub max_values: usize,
    /// Keys remembered; beyond, the eighth that was seen longest ago goes.
    pub max_keys: usize,
}

impl Default for HabitConfig {
    fn default() -> Self {
        Self {
            half_life: 30 * DAY,
            forget: 90 * DAY,
            mature_events: 100,
            mature_time: 7 * DAY,
            max_values: 128,
            max_keys: 200_000,
        }
    }
}

/// How new something was, before it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Novelty {
    /// Whether the key had this value before.
    pub known: bool,
    /// How often.
    pub seen: u64,
    /// When first, in milliseconds since 1970, to the second.
    pub first: Option<i64>,
    /// When last, in milliseconds since 1970, to the second.
    pub last: Option<i64>,
    /// How many events the key had in this dimension.
    pub total: u64,
    /// The key's first event, in any dimension, in milliseconds since 1970, to the second.
    pub since: Option<i64>,
    /// How many different values the key has in this dimension.
    pub values: usize,
    /// How many other keys have the value.
    pub others: u32,
    /// How many other keys there are.
    pub keys: usize,
    /// Whether enough is known of the key that new means unusual.
    pub mature: bool,
    /// How many values of the key had to go for want of room: "new" may then be "long ago".
    pub overflow: u32,
}

/// First-seen profiles of many keys (D. Denning, "An Intrusion-Detection Model", IEEE Transactions on Software
/// Engineering, 1987), with weights that halve in a fixed time.
///
/// Times are kept to the second. Learning the same events on several machines and [`Habits::merge`] gives the same
/// first and last times and counts as learning them on one, as long as nothing went for want of room or time; weights
/// agree but for rounding.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    config: HabitConfig,
    keys: HashMap<u64, Profile>,
    evicted: u64,
    /// How many keys have each value.
    spread: HashMap<u64, u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Profile {
    first: u32,
    last: u32,
    overflow: u32,
    totals: [u32; DIMENSIONS],
    /// Sorted by `what`.
    values: Vec<Value>,
}

/// One value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Value {
    /// The dimension in the first eight bits, the value's hash in the others.
    what: u64,
    first: u32,
    last: u32,
    count: u32,
    /// In 256ths, as of `last`.
    weight: u32,
}

impl Habits {
    /// Nothing known yet.
    pub fn new(config: HabitConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Says how new a value is to a key, and learns it. Events may come out of order.
    pub fn observe(&mut self, key: u64, dimension: Dimension, value: u64, time: i64) -> Novelty {
        let novelty = self.look(key, dimension, value, time);
        self.learn(key, [(dimension, value)], time);
        novelty
    }

    /// Learns values of a key: as [`Habits::observe`] does one by one, without saying how new they are.
    pub fn learn(&mut self, key: u64, values: impl IntoIterator<Item = (Dimension, u64)>, time: i64) {
        if self.keys.len() >= self.config.max_keys && !self.keys.contains_key(&key) {
            self.make_room();
        }
        let at = seconds(time);
        let profile = self.keys.entry(key).or_insert_with(|| Profile { first: at, last: at, ..Profile::default() });
        profile.first = profile.first.min(at);
        profile.last = profile.last.max(at);
        // Values of one key were mostly seen last together, and faded alike.
        let mut fading = Fading::new(&self.config);
        for (dimension, value) in values {
            let what = what(dimension, value);
            if let Some(total) = profile.totals.get_mut(dimension as usize) {
                *total = total.saturating_add(1);
            }
            let seen = Value { what, first: at, last: at, count: 1, weight: 256 };
            match profile.values.binary_search_by_key(&what, |v| v.what) {
                Ok(place) => {
                    if let Some(known) = profile.values.get_mut(place) {
                        let forgotten = at.saturating_sub(known.last) > seconds(self.config.forget);
                        *known = if forgotten { seen } else { joined(*known, seen, &mut fading) };
                    }
                }
                Err(place) => {
                    profile.values.reserve_exact(if profile.values.len() == profile.values.capacity() { 4 } else { 0 });
                    profile.values.insert(place, seen);
                    *self.spread.entry(what).or_default() += 1;
                    for gone in profile.trim(dimension, self.config.max_values, &self.config) {
                        release(&mut self.spread, gone);
                    }
                }
            }
        }
    }

    /// Whether enough is known of a key, in any of these dimensions, that new means unusual: without looking at what is known.
    pub fn mature(&self, key: u64, dimensions: impl IntoIterator<Item = Dimension>, time: i64) -> bool {
        let Some(profile) = self.keys.get(&key) else { return false };
        let total = |d: Dimension| profile.totals.get(d as usize).copied().unwrap_or_default();
        time.saturating_sub(i64::from(profile.first) * 1_000) >= self.config.mature_time
            && dimensions.into_iter().any(|d| u64::from(total(d)) >= self.config.mature_events)
    }

    /// Says how new a value is to a key, without learning it.
    pub fn look(&self, key: u64, dimension: Dimension, value: u64, time: i64) -> Novelty {
        let what = what(dimension, value);
        let profile = self.keys.get(&key);
        let oldest = seconds(time.saturating_sub(self.config.forget));
        let live = |v: &&Value| v.last >= oldest;
        let held =
            profile.and_then(|p| p.values.binary_search_by_key(&what, |v| v.what).ok().and_then(|at| p.values.get(at)));
        let known = held.filter(live);
        let total = profile.map_or(0, |p| u64::from(p.totals.get(dimension as usize).copied().unwrap_or_default()));
        let since = profile.map(|p| i64::from(p.first) * 1_000);
        let values = profile.map_or(0, |p| p.of(dimension).iter().filter(live).count());
        Novelty {
            known: known.is_some(),
            seen: known.map_or(0, |v| u64::from(v.count)),
            first: known.map(|v| i64::from(v.first) * 1_000),
            last: known.map(|v| i64::from(v.last) * 1_000),
            total,
            since,
            values,
            others: self.spread.get(&what).copied().unwrap_or_default() - u32::from(held.is_some()),
            keys: self.keys.len() - usize::from(profile.is_some()),
            mature: total >= self.config.mature_events
                && since.is_some_and(|since| time.saturating_sub(since) >= self.config.mature_time),
            overflow: profile.map_or(0, |p| p.overflow),
        }
    }

    /// Learns what another has learned.
    pub fn merge(&mut self, other: &Self) {
        let mut keys: Vec<(&u64, &Profile)> = other.keys.iter().collect();
        keys.sort_unstable_by_key(|k| k.0);
        for (key, theirs) in keys {
            let mut fading = Fading::new(&self.config);
            let ours = self.keys.entry(*key).or_insert_with(|| Profile { first: theirs.first, ..Profile::default() });
            ours.first = ours.first.min(theirs.first);
            ours.last = ours.last.max(theirs.last);
            ours.overflow = ours.overflow.saturating_add(theirs.overflow);
            for (a, b) in ours.totals.iter_mut().zip(theirs.totals) {
                *a = a.saturating_add(b);
            }
            for value in &theirs.values {
                match ours.values.binary_search_by_key(&value.what, |v| v.what) {
                    Ok(at) => {
                        if let Some(known) = ours.values.get_mut(at) {
                            *known = joined(*known, *value, &mut fading);
                        }
                    }
                    Err(at) => ours.values.insert(at, *value),
                }
            }
            for dimension in ALL {
                ours.trim(dimension, self.config.max_values, &self.config);
            }
        }
        self.evicted = self.evicted.saturating_add(other.evicted);
        while self.keys.len() > self.config.max_keys {
            self.make_room();
        }
        self.count_spread();
    }

    /// Forgets values, and keys, that were not seen since `now` less the time to forget.
    pub fn forget(&mut self, now: i64) {
        let oldest = seconds(now.saturating_sub(self.config.forget));
        self.keys.retain(|_, profile| {
            profile.values.retain(|v| v.last >= oldest);
            profile.values.shrink_to_fit();
            profile.last >= oldest
        });
        self.count_spread();
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys had to go for want of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn make_room(&mut self) {
        let leaving =
            (self.keys.len().saturating_sub(self.config.max_keys) + self.config.max_keys / 8 + 1).min(self.keys.len());
        let mut ages: Vec<(u32, u64)> = self.keys.iter().map(|(key, p)| (p.last, *key)).collect();
        ages.sort_unstable();
        for (_, key) in ages.into_iter().take(leaving) {
            let gone = self.keys.remove(&key).unwrap_or_default();
            gone.values.iter().for_each(|v| release(&mut self.spread, v.what));
            self.evicted += 1;
        }
    }

    fn count_spread(&mut self) {
        self.spread.clear();
        for value in self.keys.values().flat_map(|p| &p.values) {
            *self.spread.entry(value.what).or_default() += 1;
        }
    }
}

const ALL: [Dimension; DIMENSIONS] = [
    Dimension::Api,
    Dimension::Service,
    Dimension::Region,
    Dimension::Network,
    Dimension::Agent,
    Dimension::Hour,
    Dimension::Target,
    Dimension::Pair,
];

impl Profile {
    fn of(&self, dimension: Dimension) -> &[Value] {
        let tag = dimension as u64;
        let from = self.values.partition_point(|v| v.what >> 56 < tag);
        let to = self.values.partition_point(|v| v.what >> 56 <= tag);
        self.values.get(from..to).unwrap_or_default()
    }

    /// Takes out the values of a dimension that are too many, those that weigh least as of the key's last event first.
    fn trim(&mut self, dimension: Dimension, most: usize, config: &HabitConfig) -> Vec<u64> {
        let mut gone = Vec::new();
        let fading = RefCell::new(Fading::new(config));
        while self.of(dimension).len() > most.max(1) {
            let worth =
                |v: &&Value| (fading.borrow_mut().faded(v.weight, self.last.saturating_sub(v.last)), v.last, v.what);
            let Some(least) = self.of(dimension).iter().min_by_key(worth).map(|v| v.what) else { break };
            self.values.retain(|v| v.what != least);
            self.overflow = self.overflow.saturating_add(1);
            gone.push(least);
        }
        gone
    }
}

fn joined(a: Value, b: Value, fading: &mut Fading) -> Value {
    let last = a.last.max(b.last);
    let mut weight = |v: Value| fading.faded(v.weight, last - v.last);
    Value {
        what: a.what,
        first: a.first.min(b.first),
        last,
        count: a.count.saturating_add(b.count),
        weight: weight(a).saturating_add(weight(b)),
    }
}

/// How weights fade; remembers the latest time that was asked for, as it mostly is asked for again.
struct Fading {
    half_life: f64,
    latest: (u32, f64),
}

impl Fading {
    fn new(config: &HabitConfig) -> Self {
        Self { half_life: config.half_life.max(1) as f64, latest: (0, 1.0) }
    }

    fn faded(&mut self, weight: u32, seconds: u32) -> u32 {
        if seconds == 0 {
            return weight;
        }
        if self.latest.0 != seconds {
            let lives = f64::from(seconds) * 1_000.0 / self.half_life;
            self.latest = (seconds, (-lives).exp2());
        }
        (f64::from(weight) * self.latest.1).round() as u32
    }
}

fn release(spread: &mut HashMap<u64, u32>, what: u64) {
    if let Some(count) = spread.get_mut(&what) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            spread.remove(&what);
        }
    }
}

fn seconds(time: i64) -> u32 {
    u32::try_from(time.div_euclid(1_000).max(0)).unwrap_or(u32::MAX)
}

fn what(dimension: Dimension, value: u64) -> u64 {
    (dimension as u64) << 56 | value >> 8
}

#[derive(Serialize, Deserialize)]
struct Kept<P> {
    version: u16,
    config: HabitConfig,
    evicted: u64,
    keys: Vec<(u64, P)>,
}

impl Serialize for Habits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys: Vec<(u64, &Profile)> = self.keys.iter().map(|(key, profile)| (*key, profile)).collect();
        keys.sort_unstable_by_key(|k| k.0);
        Kept { version: VERSION, config: self.config.clone(), evicted: self.evicted, keys }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Habits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let kept: Kept<Profile> = Deserialize::deserialize(from)?;
        if kept.version > VERSION {
            let why = format!(
                "habits of version {} were written by a later Yagura; this one reads up to {VERSION}",
                kept.version
            );
            return Err(serde::de::Error::custom(why));
        }
        let mut habits = Self {
            config: kept.config,
            keys: kept.keys.into_iter().collect(),
            evicted: kept.evicted,
            spread: HashMap::new(),
        };
        habits.count_spread();
        Ok(habits)
    }
}
