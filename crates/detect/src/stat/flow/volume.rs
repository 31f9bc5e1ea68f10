//! More bytes out than a host is used to send.

use super::super::bounded::Bounded;
use super::super::{EVENTS_NAMED, EventId, HOUR, Quiet, Sign, fact, math};
use super::Talk;
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::collections::VecDeque;
use std::net::IpAddr;

/// What counts as unusual volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeConfig {
    /// Bytes out in an hour, at least, whatever the host's habits.
    pub floor: u64,
    /// Hours known before a host is judged.
    pub learn: usize,
    /// Hours remembered: a week, so that a weekly job is known.
    pub hours: usize,
    /// How many robust standard deviations above the median. Iglewicz and Hoaglin ("How to Detect and Handle Outliers",
    /// 1993) take 3.5 for one sample.
    pub deviations: u64,
    /// How many times the most of any hour remembered, at least.
    pub over_most: u64,
    /// How long a host stays unspoken of, in milliseconds.
    pub quiet: i64,
    /// Hosts held at a time.
    pub max_hosts: usize,
    /// Peers whose bytes are told apart per host and hour; of more, the least are lumped together.
    pub max_peers: usize,
}

impl Default for VolumeConfig {
    fn default() -> Self {
        Self {
            floor: 100 << 20,
            learn: 48,
            hours: 168,
            deviations: 6,
            over_most: 2,
            quiet: 6 * HOUR,
            max_hosts: 20_000,
            max_peers: 16,
        }
    }
}

/// Finds `traffic_volume`: an hour in which a host of ours sends more outside than its own hours of the last week let expect.
///
/// Median and median absolute deviation after B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers" (1993),
/// and over the greatest hour known, which a heavy tail needs. Hours without traffic count as zero. A host is not
/// judged in its first `learn` hours; what an attacker sends from then on is learned as normal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Volume {
    /// What counts.
    pub config: VolumeConfig,
    hosts: Bounded<IpAddr, Hours>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Hours {
    /// The running hour, counted from 1970.
    hour: i64,
    bytes: u64,
    peers: Vec<(IpAddr, u64)>,
    events: Vec<(u64, EventId)>,
    past: VecDeque<u64>,
    /// What the running hour may reach; none while learning.
    limit: Option<u64>,
}

impl Volume {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        if !f.accepted || !talk.leaves() {
            return;
        }
        let hours = self.hosts.entry(f.src, f.time, c.max_hosts, Hours::default);
        hours.turn(f.time.div_euclid(HOUR), c);
        hours.add(f.dst, f.bytes, f.id, c);
        let Some(limit) = hours.limit.filter(|limit| hours.bytes > *limit) else { return };
        let host = f.src.to_smolstr();
        if !self.quiet.may_say(&host, "", f.time, c.quiet) {
            return;
        }
        let mut sorted: Vec<i64> = hours.past.iter().map(|b| i64::try_from(*b).unwrap_or(i64::MAX)).collect();
        sorted.sort_unstable();
        let top = hours.peers.iter().max_by_key(|p| (p.1, p.0)).copied();
        let mut facts = vec![
            fact("bytes_this_hour", hours.bytes),
            fact("bytes_allowed", limit),
            fact("median_hour", format_args!("{:.0}", math::median(&sorted).unwrap_or_default())),
            fact("greatest_hour", sorted.last().copied().unwrap_or_default()),
            fact("hours_known", hours.past.len()),
        ];
        facts.extend(top.map(|(peer, bytes)| fact("most_to", format_args!("{peer} ({bytes} bytes)"))));
        let over = hours.bytes as f64 / limit.max(1) as f64;
        out.push(Sign {
            method: "traffic_volume",
            time: f.time,
            since: hours.hour.saturating_mul(HOUR),
            host,
            peer: top.map(|t| t.0.to_smolstr()),
            count: hours.bytes,
            score: (0.5 + 0.1 * over.log2().max(0.0)).min(0.9),
            facts,
            events: hours.events.iter().map(|e| e.1).collect(),
        });
    }
}

impl Hours {
    fn turn(&mut self, hour: i64, c: &VolumeConfig) {
        if self.hour == 0 {
            self.hour = hour;
        }
        if hour <= self.hour {
            return;
        }
        self.past.push_back(self.bytes);
        let idle = usize::try_from(hour - self.hour - 1).unwrap_or(usize::MAX).min(c.hours);
        self.past.extend(std::iter::repeat_n(0, idle));
        while self.past.len() > c.hours {
            self.past.pop_front();
        }
        *self = Self { hour, past: std::mem::take(&mut self.past), ..Self::default() };
        if self.past.len() >= c.learn {
            let mut sorted: Vec<i64> = self.past.iter().map(|b| i64::try_from(*b).unwrap_or(i64::MAX)).collect();
            sorted.sort_unstable();
            let median = math::median(&sorted).unwrap_or_default();
            // 1.4826 makes the median absolute deviation of a normal distribution its standard deviation.
            let spread = 1.4826 * math::deviation(&sorted).unwrap_or_default();
            let usual = (median + c.deviations as f64 * spread) as u64;
            let most = sorted.last().map_or(0, |m| m.unsigned_abs()).saturating_mul(c.over_most);
            self.limit = Some(c.floor.max(usual).max(most));
        }
    }

    fn add(&mut self, peer: IpAddr, bytes: u64, id: EventId, c: &VolumeConfig) {
        self.bytes = self.bytes.saturating_add(bytes);
        // The records that weigh most are the ones to show.
        if self.events.len() >= EVENTS_NAMED {
            let least = self.events.iter().enumerate().min_by_key(|(_, e)| **e).map(|(at, e)| (at, e.0));
            match least {
                Some((at, weight)) if weight < bytes => drop(self.events.remove(at)),
                _ => return self.weigh(peer, bytes, c),
            }
        }
        self.events.push((bytes, id));
        self.weigh(peer, bytes, c);
    }

    /// Space-Saving (A. Metwally, D. Agrawal and A. El Abbadi, "Efficient Computation of Frequent and Top-k Elements in
    /// Data Streams", 2005).
    fn weigh(&mut self, peer: IpAddr, bytes: u64, c: &VolumeConfig) {
        if let Some(known) = self.peers.iter_mut().find(|p| p.0 == peer) {
            known.1 = known.1.saturating_add(bytes);
        } else if self.peers.len() < c.max_peers {
            self.peers.push((peer, bytes));
        } else if let Some(least) = self.peers.iter_mut().min_by_key(|p| (p.1, p.0)) {
            *least = (peer, least.1.saturating_add(bytes));
        }
    }
}
