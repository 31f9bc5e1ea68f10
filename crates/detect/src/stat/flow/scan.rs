//! Scans and sweeps by a host of ours.

use super::super::bounded::Bounded;
use super::super::{Distinct, HOUR, MINUTE, Quiet, Sign, fact};
use super::{ICMP, ICMP6, TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as a scan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanConfig {
    /// Different ports of one peer. Zeek's `policy/misc/scan.zeek` takes 15.
    pub ports: usize,
    /// In how long, in milliseconds. Longer than Zeek's five minutes, for slow scans: a host seldom has business at
    /// fifteen ports of another.
    pub ports_window: i64,
    /// Different peers at one port that were not spoken to. Zeek takes 25.
    pub peers: usize,
    /// In how long, in milliseconds.
    pub peers_window: i64,
    /// Different peers sent ICMP.
    pub echoed: usize,
    /// In how long, in milliseconds.
    pub echoed_window: i64,
    /// How long a scanner and its peer or port stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of hosts, and pairs of host and port, held at a time.
    pub max_pairs: usize,
    /// Ports and peers remembered per pair.
    pub max_values: usize,
}

impl Default for ScanConfig {
    fn default() -> Self {
        Self {
            ports: 15,
            ports_window: HOUR,
            peers: 25,
            peers_window: 15 * MINUTE,
            echoed: 15,
            echoed_window: 5 * MINUTE,
            quiet: 6 * HOUR,
            max_pairs: 30_000,
            max_values: 64,
        }
    }
}

/// Finds `port_scan` (many ports of one peer), `port_sweep` (one port of many peers) and `icmp_sweep` (echo requests to
/// many peers) by a host of ours.
///
/// After the threshold counters of Zeek's `policy/misc/scan.zeek`; that what counts in sweeps is attempts which came to
/// nothing, after J. Jung et al., "Fast Portscan Detection Using Sequential Hypothesis Testing" (2004): whoever has
/// business with many hosts is answered by most. Ports from 32768 count only when nothing came of them: passive FTP and
/// RPC open such ports by arrangement. Monitoring that pings many hosts sweeps them; it belongs among those left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Scan {
    /// What counts.
    pub config: ScanConfig,
    pairs: Bounded<(IpAddr, IpAddr), Distinct<u16>>,
    sweeps: Bounded<(IpAddr, u8, u16), Distinct<IpAddr>>,
    spoken: Bounded<(IpAddr, IpAddr, u8, u16), ()>,
    quiet: Quiet,
}

impl Scan {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        if matches!(talk.flow.protocol, ICMP | ICMP6) {
            // Who of two that exchange echoes within a second began cannot be told: each counts whom it sent to.
            let f = &talk.flow;
            let (ours, theirs) =
                if talk.asked { (talk.client_ours, talk.server_ours) } else { (talk.server_ours, talk.client_ours) };
            let sent =
                Talk { client: f.src, server: f.dst, asked: true, client_ours: ours, server_ours: theirs, ..*talk };
            if ours {
                self.sweep(&sent, out);
            }
            return;
        }
        if !talk.client_ours {
            return;
        }
        match talk.flow.protocol {
            TCP | UDP if talk.asked => {
                self.ports(talk, out);
                if !talk.fleeting() {
                    self.spoken(talk);
                } else if !self.has_spoken(talk) {
                    self.sweep(talk, out);
                }
            }
            // Any answer over UDP, and over TCP more than a refusal, is speech.
            UDP => self.spoken(talk),
            TCP if talk.flow.packets > 3 => self.spoken(talk),
            _ => {}
        }
    }

    fn ports(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        if talk.port >= 32_768 && !talk.fleeting() {
            return;
        }
        let f = &talk.flow;
        let seen = self.pairs.entry((talk.client, talk.server), f.time, c.max_pairs, Distinct::default);
        if !seen.add(talk.port, f.time, f.id, c.ports_window, c.max_values) || seen.held() < c.ports {
            return;
        }
        let since = f.time.saturating_sub(c.ports_window);
        let count = seen.count(since);
        let (host, peer) = (talk.client.to_smolstr(), talk.server.to_smolstr());
        if count < c.ports || !self.quiet.may_say(&host, &peer, f.time, c.quiet) {
            return;
        }
        let (first, events) = seen.evidence(since);
        let examples: Vec<String> = seen.values(since).take(10).map(u16::to_string).collect();
        out.push(Sign {
            method: "port_scan",
            time: f.time,
            since: first,
            host,
            peer: Some(peer),
            count: count as u64,
            score: 0.85,
            facts: vec![
                fact("ports", count),
                fact("ports_allowed", c.ports - 1),
                fact("examples", examples.join(", ")),
            ],
            events,
        });
    }

    fn sweep(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let icmp = matches!(f.protocol, ICMP | ICMP6);
        let (limit, window, port) =
            if icmp { (c.echoed, c.echoed_window, 0) } else { (c.peers, c.peers_window, talk.port) };
        let key = (talk.client, f.protocol, port);
        let seen = self.sweeps.entry(key, f.time, c.max_pairs, Distinct::default);
        if !seen.add(talk.server, f.time, f.id, window, c.max_values) || seen.held() < limit {
            return;
        }
        let since = f.time.saturating_sub(window);
        let count = seen.count(since);
        let host = talk.client.to_smolstr();
        let (method, what) = if icmp { ("icmp_sweep", "icmp".to_smolstr()) } else { ("port_sweep", port.to_smolstr()) };
        if count < limit || !self.quiet.may_say(&host, &what, f.time, c.quiet) {
            return;
        }
        let (first, events) = seen.evidence(since);
        let examples: Vec<String> = seen.values(since).take(5).map(IpAddr::to_string).collect();
        let mut facts =
            vec![fact("peers", count), fact("peers_allowed", limit - 1), fact("examples", examples.join(", "))];
        if !icmp {
            facts.push(fact("port", port));
        }
        let score = if icmp { 0.6 } else { 0.85 };
        out.push(Sign {
            method,
            time: f.time,
            since: first,
            host,
            peer: None,
            count: count as u64,
            score,
            facts,
            events,
        });
    }

    fn spoken(&mut self, talk: &Talk<'_>) {
        let f = &talk.flow;
        let key = (talk.client, talk.server, f.protocol, talk.port);
        self.spoken.entry(key, f.time, self.config.max_pairs, || ());
        if let Some(seen) = self.sweeps.get_mut(&(talk.client, f.protocol, talk.port)) {
            seen.remove(&talk.server);
        }
    }

    /// Whether the two spoke lately, so that this is the tail of a conversation that the log has cut by time.
    fn has_spoken(&self, talk: &Talk<'_>) -> bool {
        let last = self.spoken.touched(&(talk.client, talk.server, talk.flow.protocol, talk.port));
        last.is_some_and(|at| talk.flow.time.saturating_sub(at) <= HOUR)
    }
}
