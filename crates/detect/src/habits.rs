//! What identities usually do: which APIs, from which networks, with which clients, at which hours.
//!
//! An identity is known well enough ([`MATURE_EVENTS`], [`MATURE_AGE`]) or *cold*: of a cold one nothing counts as unusual, unless a
//! detection says that it fires then too. What was not seen for [`FORGET`] is forgotten.

use crate::detection::Dim;
use crate::hash::Hash;
use crate::observe::Habit;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// From so many calls on an identity is known …
pub const MATURE_EVENTS: u64 = 30;
/// … once they span so many milliseconds: a day.
pub const MATURE_AGE: i64 = 24 * 3_600_000;
/// What was not seen for so long is forgotten: 90 days.
pub const FORGET: i64 = 90 * 24 * 3_600_000;
/// Values kept of one identity; the longest unseen go first.
pub const VALUES: usize = 2_000;
/// Identities kept; the longest unseen go first.
pub const IDENTITIES: usize = 1_000_000;

/// Learned habits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// Of what form this is; a later form can read an earlier one.
    #[serde(default)]
    version: u32,
    profiles: HashMap<Hash, Profile>,
}

/// What is known of one identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    first: i64,
    last: i64,
    total: u64,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Value(Dim, Hash, i64, i64, u32);

/// How an identity's habits look at one call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Novelty {
    /// Whether enough is known of the identity.
    pub mature: bool,
    /// Calls seen before.
    pub total: u64,
    /// The first of them, ms.
    pub since: i64,
    /// Which dimensions have a value never seen of it.
    pub new: Vec<Dim>,
    /// How many different values it has in each of those.
    pub usual: Vec<u32>,
}

impl Habits {
    /// None yet.
    pub fn new() -> Self {
        Self { version: 1, profiles: HashMap::new() }
    }

    /// How many identities are known.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// How unusual a call is, as of before it.
    pub fn novelty(&self, habit: &Habit, time: i64) -> Novelty {
        let Some(p) = self.profiles.get(&habit.who) else {
            return Novelty { new: Dim::ALL.to_vec(), ..Novelty::default() };
        };
        let mut n = Novelty {
            mature: p.total >= MATURE_EVENTS && time - p.first >= MATURE_AGE,
            total: p.total,
            since: p.first,
            ..Novelty::default()
        };
        for (dim, what) in Dim::ALL.into_iter().zip(habit.what) {
            let same = |v: &&Value| v.0 == dim && time - v.3 < FORGET;
            if what != 0 && !p.values.iter().filter(same).any(|v| v.1 == what) {
                n.new.push(dim);
                n.usual.push(u32::try_from(p.values.iter().filter(same).count()).unwrap_or(u32::MAX));
            }
        }
        n
    }

    /// Learns from a call.
    pub fn learn(&mut self, habit: &Habit, time: i64) {
        if self.profiles.len() >= IDENTITIES && !self.profiles.contains_key(&habit.who) {
            self.forget();
        }
        let p = self.profiles.entry(habit.who).or_default();
        if p.total == 0 {
            p.first = time;
        }
        p.first = p.first.min(time);
        p.last = p.last.max(time);
        p.total += 1;
        for (dim, what) in Dim::ALL.into_iter().zip(habit.what) {
            if what == 0 {
                continue;
            }
            match p.values.iter_mut().find(|v| v.1 == what && v.0 == dim) {
                Some(v) => {
                    v.2 = v.2.min(time);
                    v.3 = v.3.max(time);
                    v.4 = v.4.saturating_add(1);
                }
                None => {
                    if p.values.len() >= VALUES
                        && let Some(oldest) =
                            p.values.iter().enumerate().min_by_key(|(_, v)| (v.3, v.1)).map(|(n, _)| n)
                    {
                        p.values.swap_remove(oldest);
                    }
                    p.values.push(Value(dim, what, time, time, 1));
                }
            }
        }
    }

    /// Drops the tenth of the identities that was not seen for the longest time.
    fn forget(&mut self) {
        let mut last: Vec<(i64, Hash)> = self.profiles.iter().map(|(who, p)| (p.last, *who)).collect();
        last.sort_unstable();
        for (_, who) in last.iter().take(IDENTITIES / 10) {
            self.profiles.remove(who);
        }
    }

    /// Adds what others learned. The order does not matter.
    pub fn merge(&mut self, other: &Self) {
        for (who, theirs) in &other.profiles {
            let own = self.profiles.entry(*who).or_default();
            own.first = if own.total == 0 { theirs.first } else { own.first.min(theirs.first) };
            own.last = own.last.max(theirs.last);
            own.total += theirs.total;
            let mut all: BTreeMap<(Dim, Hash), Value> = own.values.iter().map(|v| ((v.0, v.1), *v)).collect();
            for v in &theirs.values {
                all.entry((v.0, v.1))
                    .and_modify(|o| *o = Value(o.0, o.1, o.2.min(v.2), o.3.max(v.3), o.4.saturating_add(v.4)))
                    .or_insert(*v);
            }
            own.values = all.into_values().collect();
        }
    }
}
