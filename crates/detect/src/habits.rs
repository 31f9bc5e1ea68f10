//! What identities usually do, as detections ask for it: [`crate::stat::habit`] by the dimensions of an API call.
//!
//! An identity is known well enough ([`MATURE_EVENTS`], [`MATURE_TIME`]) or *cold*: of a cold one nothing counts as unusual, unless a
//! detection says that it fires then too. What is new stays new for a day ([`NEWCOMER`]): an attack is more than its first call.

use crate::detection::Dim;
use crate::observe::Habit;
use crate::stat::DAY;
use crate::stat::habit::{self, Dimension, HabitConfig};
use serde::{Deserialize, Serialize};

/// From so many calls on an identity is known …
pub const MATURE_EVENTS: u64 = 30;
/// … once they span so many milliseconds: a day.
pub const MATURE_TIME: i64 = DAY;
/// Calls for each value that an identity has of a dimension before another value is news. The chance that the next call brings a value
/// never seen is about the share of values seen once (I. J. Good, "The Population Frequencies of Species and the Estimation of
/// Population Parameters", Biometrika, 1953): who roams between many needs to be known longer.
fn calls_per_value(dim: Dim) -> u64 {
    match dim {
        Dim::Network => 40,
        Dim::Agent | Dim::Region => 10,
        Dim::Service => 4,
        Dim::Api => 3,
        Dim::Hour => 20,
    }
}

/// A value that a known identity first had less than so long ago is still new: a day.
pub const NEWCOMER: i64 = DAY;

/// Learned habits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Habits(habit::Habits);

impl Default for Habits {
    fn default() -> Self {
        let config = HabitConfig { mature_events: MATURE_EVENTS, mature_time: MATURE_TIME, ..HabitConfig::default() };
        Self(habit::Habits::new(config))
    }
}

/// How an identity's habits look at one call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Novelty {
    /// Whether enough is known of the identity.
    pub mature: bool,
    /// Calls seen before.
    pub total: u64,
    /// The first of them, ms.
    pub since: i64,
    /// Which dimensions have a value never seen of it until a day ago.
    pub new: Vec<Dim>,
    /// How many different values it has in each of those.
    pub usual: Vec<u32>,
    /// How many other identities have that value, of each.
    pub others: Vec<u32>,
}

fn dimension(dim: Dim) -> Dimension {
    match dim {
        Dim::Api => Dimension::Api,
        Dim::Service => Dimension::Service,
        Dim::Region => Dimension::Region,
        Dim::Network => Dimension::Network,
        Dim::Agent => Dimension::Agent,
        Dim::Hour => Dimension::Hour,
    }
}

impl Habits {
    /// How many identities are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How unusual a call is, as of before it.
    pub fn novelty(&self, habit: &Habit, time: i64) -> Novelty {
        let mut all = Novelty::default();
        for (dim, what) in Dim::ALL.into_iter().zip(habit.what) {
            if what == 0 {
                continue;
            }
            let n = self.0.look(habit.who, dimension(dim), what, time);
            all.mature |= n.mature;
            all.total = all.total.max(n.total);
            all.since = n.since.unwrap_or(time);
            let since = n.since.unwrap_or(time);
            // What it did while it became known is what it does.
            let others = (n.values as u64).saturating_sub(u64::from(n.first.is_some()));
            let roams = others * calls_per_value(dim) > n.total;
            if roams && n.mature {
                continue;
            }
            if n.first.is_none_or(|first| time - first < NEWCOMER && first - since >= MATURE_TIME) {
                all.new.push(dim);
                all.usual.push(u32::try_from(n.values).unwrap_or(u32::MAX));
                all.others.push(n.others);
            }
        }
        all
    }

    /// Learns from a call.
    pub fn learn(&mut self, habit: &Habit, time: i64) {
        let said = Dim::ALL.into_iter().zip(habit.what).filter(|(_, what)| *what != 0);
        self.0.learn(habit.who, said.map(|(dim, what)| (dimension(dim), what)), time);
    }

    /// Whether enough is known of the identity of a call, as [`Novelty::mature`] says.
    pub fn mature(&self, habit: &Habit, time: i64) -> bool {
        let said = Dim::ALL.into_iter().zip(habit.what).filter(|(_, what)| *what != 0);
        self.0.mature(habit.who, said.map(|(dim, _)| dimension(dim)), time)
    }

    /// Adds what others learned. The order does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Forgets what was long not seen.
    pub fn forget(&mut self, now: i64) {
        self.0.forget(now);
    }
}
