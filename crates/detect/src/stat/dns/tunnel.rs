//! Data carried in the names of queries.

use super::super::bounded::Bounded;
use super::super::{DAY, Dns, EVENTS_NAMED, EventId, HOUR, Quiet, Sign, fact, math};
use super::{hash, name::Name};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::VecDeque;

/// What counts as a tunnel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct TunnelConfig {
    /// How long names under one domain are counted together, in milliseconds. A day, as in V. Paxson et al. (see [`Tunnel`]).
    pub window: i64,
    /// Different names below a domain, at least. Below this a few long names (a signed cookie, a certificate's proof)
    /// would count.
    pub min_names: usize,
    /// Bytes carried by names that are long or asked with a type that returns data, at least.
    pub min_bytes: u64,
    /// Bytes carried by other names, at least: the 4 kB a day that Paxson et al. bound communication to.
    pub min_plain_bytes: u64,
    /// The share of queries that must ask for a name not asked before: a tunnel never repeats itself, lest caches
    /// answer. In hundredths.
    pub min_fresh: u64,
    /// New letters per name from which names are long. Farnham ("Detecting DNS Tunneling", SANS 2013) takes 52 for the
    /// whole name; hosts named by a rule are as long, but share most of it.
    pub long: u64,
    /// New letters per name from which plain names count, so that lists of hosts do not.
    pub min_new: u64,
    /// Zones to trust (see `well_known` for those trusted at first).
    pub trusted: Vec<SmolStr>,
    /// Hosts left out, such as a resolver that asks for others.
    pub excluded: Vec<SmolStr>,
    /// How long a host and domain stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of host and domain held at a time.
    pub max_pairs: usize,
}

impl Default for TunnelConfig {
    fn default() -> Self {
        Self {
            window: DAY,
            min_names: 20,
            min_bytes: 1_500,
            min_plain_bytes: 4_096,
            min_fresh: 50,
            long: 24,
            min_new: 10,
            trusted: super::well_known(),
            excluded: Vec::new(),
            quiet: 6 * HOUR,
            max_pairs: 20_000,
        }
    }
}

/// Finds DNS tunnels, per host and registered domain, by how much the names asked for can have carried out.
///
/// The measure is the information that is new in each name: letters not shared with the front or the back of the name
/// before it, times the entropy of the letters used below that domain. After V. Paxson et al., "Practical Comprehensive
/// Bounds on Surreptitious Communication Over DNS" (USENIX Security 2013), which bounds a day's names of a domain by
/// what compression leaves of them; letter frequencies after K. Born and D. Gustafson, "Detecting DNS Tunnels Using
/// Character Frequency Analysis" (2010); fresh names and types after A. Nadler, A. Aminov and A. Shabtai, "Detection of
/// malicious and low throughput data exfiltration over the DNS protocol" (2019).
///
/// Not found: what carries under `min_bytes` a day, data hidden in which of a few names is asked or when, and data that
/// only comes in, in answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tunnel {
    /// What counts.
    pub config: TunnelConfig,
    pairs: Bounded<(SmolStr, SmolStr), Pair>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pair {
    start: i64,
    queries: u64,
    fresh: u64,
    length: u64,
    new: u64,
    data_types: u64,
    names: Names,
    events: VecDeque<EventId>,
    previous: SmolStr,
    /// How often each of `SYMBOLS` was new; made with the second name.
    letters: Vec<u32>,
}

/// The names seen: the first ones by hash, then a Bloom filter (B. Bloom, "Space/Time Trade-offs in Hash Coding with
/// Allowable Errors", 1970) of two bits a name. It takes a new name for a known one now and then (one in ten at three
/// thousand names), never a known one for new: names that come round again do not pass for data, however many they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Names {
    few: Vec<u64>,
    bits: Vec<u64>,
}

impl Names {
    const FEW: usize = 32;
    /// Two kilobytes.
    const WORDS: usize = 256;

    /// Whether the name is new; from now on it is not.
    fn add(&mut self, name: u64) -> bool {
        if self.bits.is_empty() {
            if self.few.contains(&name) {
                return false;
            }
            if self.few.len() < Self::FEW {
                self.few.push(name);
                return true;
            }
            self.bits = vec![0; Self::WORDS];
            for known in std::mem::take(&mut self.few) {
                self.set(known);
            }
        }
        self.set(name)
    }

    /// Sets a name's bits; whether one of them was not set.
    fn set(&mut self, name: u64) -> bool {
        let mixed = (name ^ (name >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut new = false;
        for place in [mixed >> 50, (mixed >> 36) & 0x3fff] {
            if let Some(word) = self.bits.get_mut((place / 64) as usize) {
                new |= *word & (1 << (place % 64)) == 0;
                *word |= 1 << (place % 64);
            }
        }
        new
    }
}

/// Small and capital letters, digits, and everything else as two more.
const SYMBOLS: usize = 64;

impl Tunnel {
    /// Takes a query, which is not older than the one before, and its name.
    pub fn observe(&mut self, query: &Dns<'_>, name: &Name<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        if name.below.is_empty() || name.is_special() || name.spells_address() || name.is_under(&c.trusted) {
            return;
        }
        if c.excluded.iter().any(|h| h == query.host) {
            return;
        }
        let key = (SmolStr::new(query.host), name.key());
        let pair = self.pairs.entry(key, query.time, c.max_pairs, Pair::default);
        if pair.queries == 0 || query.time.saturating_sub(pair.start) > c.window {
            *pair = Pair { start: query.time, ..Pair::default() };
        }
        pair.add(query, name.below);
        if !pair.is_tunnel(c) {
            return;
        }
        let domain = name.key();
        if self.quiet.may_say(query.host, &domain, query.time, c.quiet) {
            out.push(pair.sign(query, domain, c));
        }
    }
}

impl Pair {
    fn add(&mut self, query: &Dns<'_>, below: &str) {
        self.queries += 1;
        self.length += below.len() as u64;
        self.data_types += u64::from(carries_data(query.kind));
        if !self.names.add(hash(below.bytes())) {
            return;
        }
        if self.events.len() >= EVENTS_NAMED {
            self.events.pop_front();
        }
        self.events.push_back(query.id);
        self.fresh += 1;
        if self.fresh > 1 {
            self.letters.resize(SYMBOLS, 0);
            for byte in new_part(&self.previous, below) {
                if let Some(count) = self.letters.get_mut(slot(byte)) {
                    *count = count.saturating_add(1);
                    self.new += 1;
                }
            }
        }
        self.previous = SmolStr::new(below);
    }

    fn bytes(&self) -> u64 {
        (math::entropy(&self.letters) * self.new as f64 / 8.0) as u64
    }

    fn is_tunnel(&self, c: &TunnelConfig) -> bool {
        if (self.fresh as usize) < c.min_names || self.fresh * 100 < self.queries * c.min_fresh {
            return false;
        }
        // Eight bits a letter at most: most pairs end here, before any logarithm.
        if self.new < c.min_bytes {
            return false;
        }
        let bytes = self.bytes();
        let telling = self.data_types * 2 >= self.queries || self.new >= self.fresh * c.long;
        (telling && bytes >= c.min_bytes) || (bytes >= c.min_plain_bytes && self.new >= self.fresh * c.min_new)
    }

    fn sign(&self, query: &Dns<'_>, domain: SmolStr, c: &TunnelConfig) -> Sign {
        let bytes = self.bytes();
        let typed = self.data_types as f64 / self.queries as f64;
        let long = (self.new as f64 / self.fresh.max(1) as f64 / c.long.max(1) as f64).min(1.0);
        let volume = (bytes as f64 / (4.0 * c.min_plain_bytes as f64)).min(1.0);
        Sign {
            method: "dns_tunnel",
            time: query.time,
            since: self.start,
            host: SmolStr::new(query.host),
            peer: Some(domain),
            count: self.queries,
            score: (0.5 + 0.2 * typed + 0.2 * long + 0.1 * volume).min(1.0),
            facts: vec![
                fact("different_names", self.fresh),
                fact("bytes_in_names", bytes),
                fact("bytes_allowed", if typed >= 0.5 || long >= 1.0 { c.min_bytes } else { c.min_plain_bytes }),
                fact("mean_length", self.length / self.queries.max(1)),
                fact("bits_per_letter", format_args!("{:.2}", math::entropy(&self.letters))),
                fact("share_of_data_types", format_args!("{typed:.2}")),
                fact("kind", query.kind),
            ],
            events: self.events.iter().copied().collect(),
        }
    }
}

/// Types whose answers hold much, which tunnels ask for: TXT, NULL and KEY carry bytes, CNAME, MX, SRV and NS carry names.
fn carries_data(kind: &str) -> bool {
    matches!(
        kind,
        "TXT"
            | "NULL"
            | "KEY"
            | "CNAME"
            | "MX"
            | "SRV"
            | "DNSKEY"
            | "CERT"
            | "PRIVATE"
            | "TYPE10"
            | "TYPE65399"
            | "10"
            | "16"
    )
}

fn new_part<'a>(before: &str, now: &'a str) -> impl Iterator<Item = u8> + use<'a> {
    let (before, now) = (before.as_bytes(), now.as_bytes());
    let front = before.iter().zip(now).take_while(|(a, b)| a == b).count();
    let room = before.len().min(now.len()) - front;
    let back = before.iter().rev().zip(now.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    now.get(front..now.len() - back).unwrap_or_default().iter().copied().filter(|b| *b != b'.')
}

fn slot(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => usize::from(byte - b'a'),
        b'A'..=b'Z' => 26 + usize::from(byte - b'A'),
        b'0'..=b'9' => 52 + usize::from(byte - b'0'),
        b'-' | b'_' => 62,
        _ => 63,
    }
}
