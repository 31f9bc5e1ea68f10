//! Statistics: what tells machines from people, and noise from signal.
//!
//! Every detector is pure. It is given records **in the order of their time** and writes what it noticed to a list of
//! [`Sign`]s. Its memory is bounded (each limit is a field of its configuration, and what is evicted is the least
//! recently touched, counted), its answers hang on nothing but its input, and its whole state goes through serde, so
//! that a restart in the middle changes nothing. State holds no floating point number: text formats do not give every
//! one of them back exactly.
//!
//! At the shipped limits, if every host scans, crawls and guesses at once, the flow detectors hold about 600 MB, those
//! of names 400 MB and those of sign-ins 300 MB, reckoned from the sizes of their entries; `cargo bench --bench watch`
//! measures a thousand quiet hosts.
//!
//! A detector says a thing once per host (and peer) per quiet period.

pub mod bounded;
pub mod dns;
pub mod flow;
pub mod habit;
pub mod login;
pub mod math;
pub mod places;
pub mod travel;
pub mod watch;

pub use watch::{METHODS, PLACED, Statistics};

use bounded::Bounded;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::fmt::Display;
use std::net::IpAddr;

/// A record's identity, as the lake has it.
pub type EventId = u128;

/// How many records a [`Sign`] names at most.
pub const EVENTS_NAMED: usize = 50;

/// A second, minute, hour and day in milliseconds: the unit of every time here.
pub const SECOND: i64 = 1_000;
/// A minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// An hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// A day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// Something that a statistic noticed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sign {
    /// The method's name, such as `dns_tunnel`.
    pub method: &'static str,
    /// The time of the record that tipped the scale, in milliseconds since 1970.
    pub time: i64,
    /// The time of the first record that counted.
    pub since: i64,
    /// Address or name of the host concerned.
    pub host: SmolStr,
    /// What the host dealt with: an address, a domain, an account.
    pub peer: Option<SmolStr>,
    /// How many records (or peers, ports, names: the facts say which) counted.
    pub count: u64,
    /// How telling it is, 0 to 1.
    pub score: f64,
    /// What was seen and what would have been normal, for the explanation.
    pub facts: Vec<(&'static str, SmolStr)>,
    /// Records that counted, [`EVENTS_NAMED`] at most.
    pub events: Vec<EventId>,
}

impl Sign {
    /// Whether the host is the one that suffers, and its peer the one that does it: of port probes, and of guesses at a host's passwords.
    pub fn on_host(&self) -> bool {
        self.method == "port_probe" || self.facts.iter().any(|(name, value)| *name == "role" && value == "target")
    }
}

/// One flow record: what one end sent to the other in a stretch of time.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    /// First packet, in milliseconds since 1970.
    pub time: i64,
    /// Last packet.
    pub end: i64,
    /// The record's identity.
    pub id: EventId,
    /// Who sent it.
    pub src: IpAddr,
    /// To whom.
    pub dst: IpAddr,
    /// Source port; 0 where the protocol has none.
    pub src_port: u16,
    /// Destination port; 0 where the protocol has none.
    pub dst_port: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// Packets sent.
    pub packets: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Whether security groups and network ACLs let it pass.
    pub accepted: bool,
    /// The network interface that it was seen at.
    pub interface: &'a str,
    /// Whether it left the interface (`flow-direction`), where that is known.
    pub outbound: Option<bool>,
}

/// One DNS query and how it was answered.
#[derive(Debug, Clone, Copy)]
pub struct Dns<'a> {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The record's identity.
    pub id: EventId,
    /// Who asked: an address or an instance.
    pub host: &'a str,
    /// The name asked for, with or without the last dot.
    pub name: &'a str,
    /// The type asked for: `A`, `TXT`, …
    pub kind: &'a str,
    /// The answer's code: `NOERROR`, `NXDOMAIN`, …
    pub rcode: &'a str,
    /// How many records came back.
    pub answers: usize,
    /// The addresses among them.
    pub addresses: &'a [IpAddr],
}

/// One attempt to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The record's identity.
    pub id: EventId,
    /// Where it came from: an address or a host name.
    pub source: &'a str,
    /// The user name.
    pub account: &'a str,
    /// What was signed in to: a database, the console, a cluster.
    pub target: &'a str,
    /// Whether it succeeded.
    pub success: bool,
}

/// Writes a fact.
pub(crate) fn fact(name: &'static str, value: impl Display) -> (&'static str, SmolStr) {
    (name, value.to_smolstr())
}

/// Remembers what was said, so that it is said once a quiet period.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Quiet {
    said: Bounded<(SmolStr, SmolStr), ()>,
}

impl Quiet {
    /// How many things are remembered.
    const LIMIT: usize = 65_536;

    /// Whether `host` and `peer` were not spoken of in the last `period` milliseconds; from now on they were.
    pub(crate) fn may_say(&mut self, host: &str, peer: &str, now: i64, period: i64) -> bool {
        let key = (SmolStr::new(host), SmolStr::new(peer));
        if self.said.touched(&key).is_some_and(|last| now < last.saturating_add(period)) {
            return false;
        }
        self.said.entry(key, now, Self::LIMIT, || ());
        true
    }
}

/// Different values seen in a window of time, each with its last record; the oldest goes where there is no room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Distinct<K> {
    /// Sorted by value.
    seen: Vec<(K, i64, EventId)>,
}

impl<K> Default for Distinct<K> {
    fn default() -> Self {
        Self { seen: Vec::new() }
    }
}

impl<K: Ord> Distinct<K> {
    /// Notes a value, forgets what is older than `window`, and says whether the value was new.
    pub(crate) fn add(&mut self, value: K, time: i64, id: EventId, window: i64, limit: usize) -> bool {
        let since = time.saturating_sub(window);
        match self.seen.binary_search_by(|e| e.0.cmp(&value)) {
            Ok(at) => {
                let fresh = self.seen.get(at).is_none_or(|e| e.1 < since);
                if let Some(entry) = self.seen.get_mut(at) {
                    (entry.1, entry.2) = (time, id);
                }
                fresh
            }
            Err(_) => {
                // Before growing, and when full, is often enough: a count asks for the window again.
                if self.seen.len() == self.seen.capacity() || self.seen.len() >= limit {
                    self.seen.retain(|e| e.1 >= since);
                }
                if self.seen.len() >= limit {
                    let oldest = self.seen.iter().enumerate().min_by_key(|(_, e)| (e.1, e.2)).map(|(at, _)| at);
                    oldest.map(|at| self.seen.remove(at));
                }
                let at = self.seen.partition_point(|e| e.0 < value);
                self.seen.insert(at, (value, time, id));
                true
            }
        }
    }

    /// Takes a value out; whether it was there.
    pub(crate) fn remove(&mut self, value: &K) -> bool {
        let found = self.seen.binary_search_by(|e| e.0.cmp(value));
        found.map(|at| self.seen.remove(at)).is_ok()
    }

    /// How many values were seen since `since`.
    pub(crate) fn count(&self, since: i64) -> usize {
        self.seen.iter().filter(|e| e.1 >= since).count()
    }

    /// How many values are held, of whatever age: never less than any count.
    pub(crate) fn held(&self) -> usize {
        self.seen.len()
    }

    /// The values seen since `since`, in order.
    pub(crate) fn values(&self, since: i64) -> impl Iterator<Item = &K> {
        self.seen.iter().filter(move |e| e.1 >= since).map(|e| &e.0)
    }

    /// Whether a value was seen since `since`.
    pub(crate) fn holds(&self, value: &K, since: i64) -> bool {
        let found = self.seen.binary_search_by(|e| e.0.cmp(value)).ok();
        found.and_then(|at| self.seen.get(at)).is_some_and(|e| e.1 >= since)
    }

    /// The time of the first record since `since`, and the newest records, oldest first.
    pub(crate) fn evidence(&self, since: i64) -> (i64, Vec<EventId>) {
        self.evidence_of(since, |_| true)
    }

    /// The same of those values that `counts` says.
    pub(crate) fn evidence_of(&self, since: i64, counts: impl Fn(&K) -> bool) -> (i64, Vec<EventId>) {
        let seen = self.seen.iter().filter(|e| e.1 >= since && counts(&e.0));
        let mut seen: Vec<(i64, EventId)> = seen.map(|e| (e.1, e.2)).collect();
        seen.sort_unstable();
        let first = seen.first().map_or(since, |e| e.0);
        let skip = seen.len().saturating_sub(EVENTS_NAMED);
        (first, seen.into_iter().skip(skip).map(|e| e.1).collect())
    }
}
