//! What is kept of the records that have to do with the subject: sums by value, a bounded number of single moments.

use super::about::Aspect;
use crate::hash::Hash;
use crate::observe::Seen;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Values kept of one facet. Of those beyond, records are counted.
const VALUES: usize = 4_096;
/// Things touched that are kept.
const TOUCHED: usize = 10_000;
/// Single moments kept: those nearest to the asked time, or the latest.
const MOMENTS: usize = 10_000;
/// Records that are recognized when they come twice.
const KNOWN: usize = 1 << 20;
/// Pairs of identity and address that are kept.
const PAIRS: usize = 200_000;
/// Records are counted by ten minutes.
pub(super) const SLOT: i64 = 600_000;

/// What records are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// The log.
    Log,
    /// The service of an API call.
    Service,
    /// `iam:CreateUser`; of other logs the event's name.
    Api,
    /// How it ended.
    Outcome,
    /// The error.
    Error,
    /// The account.
    Account,
    /// The Region.
    Region,
    /// The network of the source address.
    Network,
    /// The source address.
    Address,
    /// The kind of client.
    Client,
    /// The hour of the day, UTC.
    Hour,
    /// The identity.
    Identity,
    /// The session.
    Session,
    /// The access key.
    Key,
    /// The instance.
    Instance,
    /// The far end of a flow.
    Peer,
    /// `tcp/443` at the far end or the own, whichever is lower.
    Port,
    /// The name that was asked for.
    Name,
}

/// How often, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Records.
    pub count: u64,
    /// Those that were refused.
    pub denied: u64,
    /// The first, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub first: i64,
    /// The last, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub last: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(super) fn as_iso<S: serde::Serializer>(ms: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::tell::iso(*ms))
}

impl Tally {
    fn new(time: i64) -> Self {
        Self { count: 0, denied: 0, first: time, last: time }
    }

    fn add(&mut self, time: i64, denied: bool) {
        self.count += 1;
        self.denied += u64::from(denied);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }
}

/// Something that the subject touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Its name as logged.
    pub target: SmolStr,
    /// Calls that change something and were done.
    pub writes: u64,
    /// Other calls that were not refused.
    pub reads: u64,
    /// Calls that were refused.
    pub denied: u64,
    /// The first, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub first: i64,
    /// The last, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub last: i64,
}

/// A record that stands for itself in the timeline.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub seen: Seen,
    pub api: SmolStr,
    pub denied: bool,
    pub failed: bool,
}

/// Refusals of one API within a slot.
#[derive(Debug, Clone)]
pub(super) struct Burst {
    pub count: u64,
    pub first: i64,
    pub last: i64,
    pub seen: Seen,
}

/// An identity at an address.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub identity: SmolStr,
    pub address: SmolStr,
    /// First and last time, ms. Not how often: a record may be delivered twice.
    pub first: i64,
    pub last: i64,
}

/// Everything kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    known: HashSet<u128>,
    pub all: Option<Tally>,
    /// Records and refusals by slot.
    pub slots: BTreeMap<i64, [u64; 2]>,
    pub facets: HashMap<(Facet, SmolStr), Tally>,
    sizes: HashMap<Facet, usize>,
    /// Records whose values were not kept.
    pub beyond: BTreeMap<Facet, u64>,
    pub touched: HashMap<SmolStr, Touched>,
    pub untouched: u64,
    pub writes: BTreeMap<(i64, u128), Moment>,
    pub done_to: BTreeMap<(i64, u128), Moment>,
    pub refusals: BTreeMap<(i64, SmolStr), Burst>,
    /// Moments that were not kept.
    pub dropped: u64,
    /// Records that name the subject.
    pub named: u64,
    /// Bytes sent and received, where flows tell.
    pub bytes: [u64; 2],
    /// Whether a record that comes twice would be counted twice.
    pub forgetful: bool,
}

impl Kept {
    /// Whether a record comes for the first time.
    pub fn is_new(&mut self, id: u128) -> bool {
        if self.known.len() >= KNOWN && !self.known.contains(&id) {
            self.forgetful = true;
            return true;
        }
        self.known.insert(id)
    }

    /// Counts what the subject did.
    pub fn did(&mut self, aspect: &Aspect<'_>, near: Option<i64>) {
        let (time, denied) = (aspect.time, aspect.denied);
        self.all.get_or_insert(Tally::new(time)).add(time, denied);
        let [all, refused] = self.slots.entry(time.div_euclid(SLOT)).or_default();
        *all += 1;
        *refused += u64::from(denied);
        for (facet, value) in &aspect.facets {
            self.count(*facet, value, time, denied);
        }
        self.touch(aspect);
        let [sent, received] = &mut self.bytes;
        *sent += aspect.sent;
        *received += aspect.received;
        if denied {
            self.refuse(aspect, near);
        } else if aspect.writes {
            self.dropped += put(&mut self.writes, (time, aspect.id), moment(aspect), near);
        }
    }

    /// Keeps what was done to the subject.
    pub fn suffered(&mut self, aspect: &Aspect<'_>, near: Option<i64>) {
        self.named += 1;
        let [sent, received] = &mut self.bytes;
        *sent += aspect.sent;
        *received += aspect.received;
        self.dropped += put(&mut self.done_to, (aspect.time, aspect.id), moment(aspect), near);
    }

    fn count(&mut self, facet: Facet, value: &str, time: i64, denied: bool) {
        let key = (facet, SmolStr::new(value));
        if let Some(tally) = self.facets.get_mut(&key) {
            return tally.add(time, denied);
        }
        let size = self.sizes.entry(facet).or_default();
        if *size >= VALUES {
            *self.beyond.entry(facet).or_default() += 1;
            return;
        }
        *size += 1;
        self.facets.entry(key).or_insert(Tally::new(time)).add(time, denied);
    }

    fn touch(&mut self, aspect: &Aspect<'_>) {
        let Some(target) = &aspect.target else { return };
        if self.touched.len() >= TOUCHED && !self.touched.contains_key(target) {
            self.untouched += 1;
            return;
        }
        let time = aspect.time;
        let t = self.touched.entry(target.clone()).or_insert_with(|| Touched {
            target: target.clone(),
            writes: 0,
            reads: 0,
            denied: 0,
            first: time,
            last: time,
        });
        t.first = t.first.min(time);
        t.last = t.last.max(time);
        match (aspect.denied, aspect.writes && !aspect.failed) {
            (true, _) => t.denied += 1,
            (false, true) => t.writes += 1,
            (false, false) => t.reads += 1,
        }
    }

    fn refuse(&mut self, aspect: &Aspect<'_>, near: Option<i64>) {
        let key = (aspect.time.div_euclid(SLOT), aspect.api.clone());
        let burst = self.refusals.entry(key).or_insert_with(|| Burst {
            count: 0,
            first: aspect.time,
            last: aspect.time,
            seen: aspect.seen(),
        });
        // The first record stands for all; of several at once that of the lowest name, so that the order of reading is without effect.
        let seen = aspect.seen();
        if (aspect.time, &seen.event_id) < (burst.first, &burst.seen.event_id) {
            burst.seen = seen;
        }
        burst.count += 1;
        burst.first = burst.first.min(aspect.time);
        burst.last = burst.last.max(aspect.time);
        if self.refusals.len() > MOMENTS {
            let gone = farthest(&self.refusals, near.map(|n| n.div_euclid(SLOT)), |k| k.0);
            if let Some(burst) = gone.and_then(|k| self.refusals.remove(&k)) {
                self.dropped += burst.count;
            }
        }
    }
}

fn moment(aspect: &Aspect<'_>) -> Moment {
    Moment { seen: aspect.seen(), api: aspect.api.clone(), denied: aspect.denied, failed: aspect.failed }
}

/// Puts a moment in; one of too many goes. Answers how many went.
fn put(all: &mut BTreeMap<(i64, u128), Moment>, key: (i64, u128), moment: Moment, near: Option<i64>) -> u64 {
    all.insert(key, moment);
    if all.len() <= MOMENTS {
        return 0;
    }
    let gone = farthest(all, near, |k| k.0);
    gone.and_then(|k| all.remove(&k)).map_or(0, |_| 1)
}

/// The key farthest from a time; the earliest where no time is asked for.
fn farthest<K: Ord + Clone, V>(all: &BTreeMap<K, V>, near: Option<i64>, time: fn(&K) -> i64) -> Option<K> {
    let (first, last) = (all.keys().next()?, all.keys().next_back()?);
    let far = near.is_some_and(|n| (time(last) - n).abs() > (n - time(first)).abs());
    Some(if far { last.clone() } else { first.clone() })
}

/// Identities by address, of everybody: the subject's addresses are known only when all is read.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub all: HashMap<Hash, Pair>,
    /// Records of pairs that were not kept.
    pub beyond: u64,
}

impl Pairs {
    pub fn add(&mut self, identity: &str, address: &str, time: i64) {
        let key = crate::hash::hash(identity).rotate_left(19) ^ crate::hash::hash(address);
        if let Some(pair) = self.all.get_mut(&key) {
            pair.first = pair.first.min(time);
            pair.last = pair.last.max(time);
            return;
        }
        if self.all.len() >= PAIRS {
            self.beyond += 1;
            return;
        }
        self.all.insert(key, Pair { identity: identity.into(), address: address.into(), first: time, last: time });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_lies_around_the_asked_time() {
        let one = || Moment { seen: Seen::default(), api: "a".into(), denied: false, failed: false };
        for (near, kept) in [(None, 500..10_500), (Some(0), 0..10_000), (Some(5_250), 250..10_250)] {
            let mut all = BTreeMap::new();
            let mut gone = 0;
            // Out of order: every third first.
            for n in (0..10_500).filter(|n| n % 3 == 0).chain((0..10_500).filter(|n| n % 3 != 0)) {
                gone += put(&mut all, (n, 0), one(), near);
            }
            assert_eq!((all.len(), gone), (MOMENTS, 500));
            let (first, last) = (all.keys().next().unwrap().0, all.keys().next_back().unwrap().0);
            assert!((first - kept.start).abs() <= 1 && (last - kept.end + 1).abs() <= 1, "{near:?}: {first} {last}");
        }
    }

    #[test]
    fn values_beyond_the_limit_are_counted() {
        let mut kept = Kept::default();
        for n in 0..VALUES + 7 {
            kept.count(Facet::Name, &format!("n{n}"), 0, false);
        }
        kept.count(Facet::Name, "n0", 1, true);
        assert_eq!(kept.beyond.get(&Facet::Name), Some(&7));
        assert_eq!(
            kept.facets.get(&(Facet::Name, "n0".into())),
            Some(&Tally { count: 2, denied: 1, first: 0, last: 1 })
        );
    }
}
