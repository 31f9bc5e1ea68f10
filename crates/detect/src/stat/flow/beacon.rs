//! Calls home at regular times.

use super::super::bounded::Bounded;
use super::super::{DAY, Distinct, EVENTS_NAMED, EventId, HOUR, MINUTE, Quiet, SECOND, Sign, fact, math};
use super::{TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as a beacon.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct BeaconConfig {
    /// Connections, at least, where they spread over `long`.
    pub min_calls: usize,
    /// Connections, at least, where they do not: regularity by chance is likelier in a short look.
    pub min_quick_calls: usize,
    /// From the first to the last, at least, in milliseconds.
    pub span: i64,
    /// See `min_calls`, in milliseconds.
    pub long: i64,
    /// Median absolute deviation of the intervals over their median, at most, in hundredths. Even jitter of a half (C2
    /// frameworks' usual most) gives 17, independent (Poisson) arrivals 69.
    pub spread: u32,
    /// Bowley skewness of the intervals, at most, in hundredths. Jitter is even around its middle.
    pub skew: u32,
    /// Median absolute deviation of the bytes sent over their median, at most, in hundredths.
    pub size_spread: u32,
    /// Calls times the median interval over the time they took, at least, in hundredths: bursts with long rests between
    /// are a person's.
    pub covered: u32,
    /// How many of our hosts may call the same server and port. What more call is infrastructure: updates, monitoring.
    pub max_callers: usize,
    /// Ports at which regular calls are the purpose: DNS, NTP.
    pub ports: Vec<u16>,
    /// Connections that begin within this of another belong to the same call, in milliseconds.
    pub together: i64,
    /// How long a host and server stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Conversations (host, server, port) held at a time.
    pub max_talks: usize,
    /// Calls remembered per conversation.
    pub max_calls: usize,
}

impl Default for BeaconConfig {
    fn default() -> Self {
        Self {
            min_calls: 12,
            min_quick_calls: 30,
            span: 5 * MINUTE,
            long: HOUR,
            spread: 25,
            skew: 40,
            size_spread: 20,
            covered: 50,
            max_callers: 5,
            ports: vec![53, 123],
            together: SECOND,
            quiet: DAY,
            max_talks: 20_000,
            max_calls: 64,
        }
    }
}

/// Finds `beacon`: connections of a host of ours to one server outside and port, at regular intervals and of one size.
///
/// After the scoring of RITA (Real Intelligence Threat Analytics, Active Countermeasures): Bowley skewness and median
/// absolute deviation of the intervals and of the bytes, which missed or doubled calls do not spoil, and prevalence.
/// RITA takes the deviation in seconds; here it is relative to the interval, so that a beacon a day is judged as one a
/// minute. Only new connections count, told by their source port: a connection that stays open is written to the log
/// once per aggregation interval, which is as regular as any beacon.
///
/// Not found: jitter of the whole interval, UDP that keeps its source port, and calls that hide in the traffic of a
/// server that many hosts use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Beacon {
    /// What counts.
    pub config: BeaconConfig,
    talks: Bounded<(IpAddr, IpAddr, u16, u8), Calls>,
    callers: Bounded<(IpAddr, u16), Distinct<IpAddr>>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Calls {
    /// The last calls: when, bytes sent, record.
    calls: Vec<(i64, u64, EventId)>,
    /// Source ports of connections lately begun.
    ports: Vec<u16>,
    total: u64,
    first: i64,
}

impl Beacon {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let wanted =
            talk.asked && talk.client_ours && !talk.server_ours && f.accepted && matches!(f.protocol, TCP | UDP);
        if !wanted || c.ports.contains(&talk.port) {
            return;
        }
        let callers = self.callers.entry((talk.server, talk.port), f.time, c.max_talks, Distinct::default);
        callers.add(talk.client, f.time, f.id, 7 * DAY, c.max_callers + 1);
        let key = (talk.client, talk.server, talk.port, f.protocol);
        let calls = self.talks.entry(key, f.time, c.max_talks, Calls::default);
        if calls.add(talk, c) && callers.held() <= c.max_callers {
            self.judge(talk, key, out);
        }
    }

    fn judge(&mut self, talk: &Talk<'_>, key: (IpAddr, IpAddr, u16, u8), out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let Some(calls) = self.talks.get(&key) else { return };
        let Some(rhythm) = calls.rhythm() else { return };
        let enough = if rhythm.span >= c.long { c.min_calls } else { c.min_quick_calls };
        let regular = rhythm.spread * 100.0 <= f64::from(c.spread) && rhythm.skew.abs() * 100.0 <= f64::from(c.skew);
        let same = rhythm.size_spread * 100.0 <= f64::from(c.size_spread);
        let steady = rhythm.covered * 100.0 >= f64::from(c.covered);
        if !regular || !same || !steady || rhythm.span < c.span || calls.calls.len() < enough {
            return;
        }
        let (host, peer) = (talk.client.to_smolstr(), talk.server.to_smolstr());
        if !self.quiet.may_say(&host, &peer, f.time, c.quiet) {
            return;
        }
        let tight = 1.0 - rhythm.spread * 100.0 / f64::from(c.spread.max(1));
        let alike = 1.0 - rhythm.size_spread * 100.0 / f64::from(c.size_spread.max(1));
        let skip = calls.calls.len().saturating_sub(EVENTS_NAMED);
        out.push(Sign {
            method: "beacon",
            time: f.time,
            since: calls.calls.first().map_or(f.time, |e| e.0),
            host,
            peer: Some(peer),
            count: calls.total,
            score: 0.5 + 0.25 * tight + 0.15 * alike + 0.1 * (1.0 - rhythm.skew.abs()),
            facts: vec![
                fact("port", talk.port),
                fact("interval_seconds", format_args!("{:.1}", rhythm.interval / 1_000.0)),
                fact("interval_spread", format_args!("{:.2}", rhythm.spread)),
                fact("interval_spread_of_chance", "0.69"),
                fact("interval_skew", format_args!("{:.2}", rhythm.skew)),
                fact("bytes", format_args!("{:.0}", rhythm.size)),
                fact("bytes_spread", format_args!("{:.2}", rhythm.size_spread)),
            ],
            events: calls.calls.iter().skip(skip).map(|e| e.2).collect(),
        });
    }
}

struct Rhythm {
    /// From the first call ever to the last, in milliseconds.
    span: i64,
    /// What share of the time of the calls remembered the usual interval makes up.
    covered: f64,
    interval: f64,
    spread: f64,
    skew: f64,
    size: f64,
    size_spread: f64,
}

impl Calls {
    /// Notes a record; whether it is time to judge: at every eighth call.
    fn add(&mut self, talk: &Talk<'_>, c: &BeaconConfig) -> bool {
        let f = &talk.flow;
        if self.ports.contains(&f.src_port) {
            return false;
        }
        if self.ports.len() >= 8 {
            self.ports.remove(0);
        }
        self.ports.push(f.src_port);
        if self.calls.last().is_some_and(|last| f.time.saturating_sub(last.0) < c.together) {
            return false;
        }
        if self.calls.len() >= c.max_calls {
            self.calls.remove(0);
        }
        self.calls.push((f.time, f.bytes, f.id));
        if self.total == 0 {
            self.first = f.time;
        }
        self.total += 1;
        self.calls.len() >= c.min_calls && self.total.is_multiple_of(8)
    }

    fn rhythm(&self) -> Option<Rhythm> {
        let mut intervals: Vec<i64> =
            self.calls.iter().zip(self.calls.iter().skip(1)).map(|(a, b)| b.0.saturating_sub(a.0)).collect();
        intervals.sort_unstable();
        let mut sizes: Vec<i64> = self.calls.iter().map(|e| i64::try_from(e.1).unwrap_or(i64::MAX)).collect();
        sizes.sort_unstable();
        let (interval, size) = (math::median(&intervals)?, math::median(&sizes)?);
        Some(Rhythm {
            span: self.calls.last()?.0.saturating_sub(self.first),
            covered: interval * intervals.len() as f64
                / (self.calls.last()?.0.saturating_sub(self.calls.first()?.0)).max(1) as f64,
            interval,
            spread: math::deviation(&intervals)? / interval.max(1.0),
            skew: math::skew(&intervals)?,
            size,
            size_spread: math::deviation(&sizes)? / size.max(1.0),
        })
    }
}
