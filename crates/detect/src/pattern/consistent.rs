//! Array consistency: leaves that satisfy a pattern together must not lie in different elements of the same array. Conditions are
//! taken in the order of their fields' names, each with every leaf that satisfies it and agrees with what was taken before; a field
//! is absent where none of its leaves agrees. <https://github.com/aws/event-ruler#json-array-matching>

use super::field::Condition;
use super::rules::Asked;
use std::collections::{HashMap, HashSet};

/// How many agreements may be looked at for one pattern.
const MAX_STEPS: usize = 20_000_000;

/// Elements of arrays, by the arrays' numbers in rising order.
type Elements = Vec<(u32, u32)>;

/// Where the leaves of an event lie.
#[derive(Debug)]
pub(super) struct Seen {
    round: u32,
    /// The event in which a leaf of the field was last seen at all, and outside arrays.
    fields: Vec<(u32, u32)>,
    leaves: Vec<(u32, u32)>,
    memberships: Vec<Elements>,
    used: usize,
}

impl Seen {
    pub fn new(fields: usize) -> Self {
        Self { round: 0, fields: vec![(0, 0); fields], leaves: Vec::new(), memberships: Vec::new(), used: 0 }
    }

    pub fn start(&mut self, round: u32) {
        self.round = round;
        self.leaves.clear();
        self.used = 0;
    }

    pub fn forget(&mut self) {
        self.fields.fill((0, 0));
    }

    /// Writes the elements down that are open.
    pub fn membership(&mut self, open: &[(u32, u32)]) -> u32 {
        match self.memberships.get_mut(self.used) {
            Some(room) => {
                room.clear();
                room.extend_from_slice(open);
            }
            None => self.memberships.push(open.to_vec()),
        }
        self.used += 1;
        (self.used - 1) as u32
    }

    #[inline]
    pub fn leaf(&mut self, field: u32, membership: Option<u32>) {
        let Some((any, free)) = self.fields.get_mut(field as usize) else { return };
        *any = self.round;
        match membership {
            None => *free = self.round,
            Some(m) => {
                if self.leaves.last() != Some(&(field, m)) {
                    self.leaves.push((field, m));
                }
            }
        }
    }

    /// Whether the field has a leaf.
    pub fn any(&self, field: u32) -> bool {
        self.fields.get(field as usize).is_some_and(|(any, _)| *any == self.round)
    }

    fn free(&self, field: u32) -> bool {
        self.fields.get(field as usize).is_some_and(|(_, free)| *free == self.round)
    }

    fn elements(&self, membership: u32) -> &[(u32, u32)] {
        self.memberships.get(membership as usize).map_or(&[], Vec::as_slice)
    }

    fn of(&self, field: u32) -> impl Iterator<Item = &[(u32, u32)]> {
        self.leaves.iter().filter(move |(f, _)| *f == field).map(|(_, m)| self.elements(*m))
    }
}

/// The question whether leaves in agreement satisfy conditions.
pub(super) struct Search<'a> {
    pub seen: &'a Seen,
    pub conditions: &'a [Asked],
    /// Which leaf inside arrays satisfies which condition, sorted.
    pub hits: &'a [(Condition, u32)],
}

impl Search<'_> {
    /// Nothing where the ways to try are too many.
    pub fn holds(&self, conditions: &[Condition], absent: bool, free: impl Fn(&Condition) -> bool) -> Option<bool> {
        // A free leaf leaves everything open, which only absent fields can dislike.
        let bound: Vec<Condition> = conditions.iter().copied().filter(|c| absent || !free(c)).collect();
        let last = self.last_use(&bound);
        let mut steps = 0usize;
        let mut states: HashSet<Elements> = HashSet::from([Vec::new()]);
        for (place, condition) in bound.iter().enumerate() {
            let asked = self.conditions.get(*condition as usize)?;
            let mut next = HashSet::new();
            for state in &states {
                let leaves = self.leaves(*condition).map(|m| self.seen.elements(m));
                let alone: &[(u32, u32)] = &[];
                for elements in leaves.chain(free(condition).then_some(alone)) {
                    steps += 1;
                    if let Some(mut both) = agree(state, elements) {
                        both.retain(|(array, _)| last.get(array).is_some_and(|l| *l > place));
                        next.insert(both);
                    }
                }
                if asked.absent && !self.seen.free(asked.field) {
                    let there = self.seen.of(asked.field).inspect(|_| steps += 1).any(|e| agree(state, e).is_some());
                    if !there {
                        let mut same = state.clone();
                        same.retain(|(array, _)| last.get(array).is_some_and(|l| *l > place));
                        next.insert(same);
                    }
                }
                if steps > MAX_STEPS {
                    return None;
                }
            }
            states = next;
            if states.is_empty() {
                return Some(false);
            }
        }
        Some(true)
    }

    fn leaves(&self, condition: Condition) -> impl Iterator<Item = u32> {
        let from = self.hits.partition_point(|(c, _)| *c < condition);
        self.hits.get(from..).unwrap_or_default().iter().take_while(move |(c, _)| *c == condition).map(|(_, m)| *m)
    }

    /// For each array the last condition that it matters to: behind it nobody asks which element was taken.
    fn last_use(&self, conditions: &[Condition]) -> HashMap<u32, usize> {
        let mut last = HashMap::new();
        for (place, condition) in conditions.iter().enumerate() {
            for m in self.leaves(*condition) {
                last.extend(self.seen.elements(m).iter().map(|(array, _)| (*array, place)));
            }
            if let Some(asked) = self.conditions.get(*condition as usize).filter(|a| a.absent) {
                for elements in self.seen.of(asked.field) {
                    last.extend(elements.iter().map(|(array, _)| (*array, place)));
                }
            }
        }
        last
    }
}

/// Both together, where they do not name different elements of one array.
fn agree(a: &[(u32, u32)], b: &[(u32, u32)]) -> Option<Elements> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        if x.0 == y.0 {
            if x.1 != y.1 {
                return None;
            }
            b.next();
        } else if x.0 > y.0 {
            out.extend(b.next());
            continue;
        }
        out.extend(a.next());
    }
    out.extend(a);
    out.extend(b);
    Some(out)
}
