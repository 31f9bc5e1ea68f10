//! What an observer keeps in mind so that the engine is not told twice what makes no difference to it. To forget any of it costs work,
//! not answers.

use super::read::hit;
use super::rules::Rules;
use super::session::Trying;
use super::{Habit, Hit};
use crate::detection::{Count, Dim, HabitGate};
use crate::event::Event;
use crate::hash::Hash;
use crate::predicate::Against;
use foldhash::HashMap;
use std::cell::OnceCell;
use std::collections::hash_map::Entry;

/// How many values are kept in mind.
const TOLD: usize = 1 << 20;

/// What an observer keeps in mind of all records.
#[derive(Default)]
pub(super) struct Mind {
    /// The earliest record with these values that a rule about habits was hit by: a later one with the same values is no news.
    told: HashMap<(u8, Hash), i64>,
    /// The earliest record of each value that is counted, in each grain of time.
    counted: HashMap<Hash, (i64, u128)>,
}

/// What rules are tried with, besides the record.
pub(super) struct About<'r> {
    pub rules: &'r Rules,
    pub id: u128,
    pub habit: Option<&'r Habit>,
    /// Where it is remembered which person the session is.
    pub person: Option<&'r OnceCell<Hash>>,
}

impl Mind {
    /// Tries rules on a record and notes those that hit it.
    pub fn hits<'t>(
        &mut self,
        event: &Event<'_, '_>,
        about: &About<'_>,
        tried: impl Iterator<Item = &'t Trying>,
        against: Against<'_>,
        hits: &mut Vec<Hit>,
    ) {
        let rules = about.rules;
        // By the dimensions that are asked about: whether the record may have anything new in them.
        let mut asked_before: [(u8, bool); 4] = [(0, false); 4];
        for trying in tried {
            let rule = trying.rule;
            let (Some(d), Some(how)) = (rules.get(rule), rules.tries.get(rule as usize)) else { continue };
            if how.dims != 0 {
                let Some(habit) = about.habit else { continue };
                let known = asked_before.iter().find(|(dims, _)| *dims == how.dims).map(|(_, news)| *news);
                let may = known.unwrap_or_else(|| {
                    let may = news(&mut self.told, how.dims, habit, event);
                    if let Some(free) = asked_before.iter_mut().find(|(dims, _)| *dims == 0) {
                        *free = (how.dims, may);
                    }
                    may
                });
                if !may {
                    continue;
                }
            }
            if !trying.holds && !how.condition.holds(event, against) {
                continue;
            }
            let first_hit = trying.first.get();
            let mut known = [None; 3];
            for ((known, fixed), of_first) in known.iter_mut().zip(how.fixed).zip(first_hit.unwrap_or_default()) {
                *known = (fixed && first_hit.is_some()).then_some(of_first);
            }
            let mut hit = hit(rule, d, event, known, about.person);
            if first_hit.is_none() {
                trying.note(&hit);
            }
            if let Some(count) = d.count.as_ref().filter(|c| c.of.is_some())
                && !first(&mut self.counted, count, &hit, event.envelope.time.unwrap_or_default(), about.id)
            {
                continue;
            }
            if let Some(heard) = rules.heard.get(&rule) {
                hit.correlated = crate::foreign::correlated(rules, heard, event);
            }
            hits.push(hit);
        }
    }
}

pub(super) fn dims(gate: &HabitGate) -> u8 {
    let asked = |d: &Dim| gate.new.contains(d) || gate.any.contains(d);
    (0..).zip(&Dim::ALL).filter(|(_, d)| asked(d)).fold(0, |all, (place, _)| all | 1 << place)
}

/// Whether a record is the first one with its value in its grain of time, of those that this observer saw: later ones count nothing.
fn first(counted: &mut HashMap<Hash, (i64, u128)>, count: &Count, hit: &Hit, time: i64, id: u128) -> bool {
    let grain = time.div_euclid(count.grain()).unsigned_abs();
    let key = [u64::from(hit.rule), hit.group, hit.of, grain]
        .into_iter()
        .fold(0, |all: Hash, part| (all.rotate_left(25) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    if counted.len() >= TOLD {
        counted.clear();
    }
    match counted.entry(key) {
        Entry::Occupied(mut known) => {
            // The same record delivered twice must look the same both times: either may be the one that is taken.
            let earlier = (time, id) <= *known.get();
            if earlier {
                known.insert((time, id));
            }
            earlier
        }
        Entry::Vacant(free) => {
            free.insert((time, id));
            true
        }
    }
}

/// By then a habit may be forgotten, and be news again: well below the time that habits take to forget.
const FORGOTTEN: i64 = 80 * crate::stat::DAY;

/// Whether a record may have values that are new to its identity. One that comes after another with the same values has none; the
/// engine, which sees all records in order, decides on the rest.
fn news(told: &mut HashMap<(u8, Hash), i64>, dims: u8, habit: &Habit, event: &Event<'_, '_>) -> bool {
    let Some(time) = event.envelope.time else { return false };
    let mut key = habit.who;
    for (place, what) in habit.what.into_iter().enumerate() {
        if dims & 1 << place != 0 {
            key = key.rotate_left(13).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ what;
        }
    }
    if told.len() >= TOLD {
        told.clear();
    }
    match told.get_mut(&(dims, key)) {
        // What is new stays new for a while.
        Some(first) if time - *first >= crate::habits::NEWCOMER && time - *first < FORGOTTEN => false,
        Some(first) => {
            if time < *first || time - *first >= FORGOTTEN {
                *first = time;
            }
            true
        }
        None => {
            told.insert((dims, key), time);
            true
        }
    }
}
