//! Probes of our hosts from outside.

use super::super::bounded::Bounded;
use super::super::{DAY, Distinct, HOUR, Quiet, Sign, fact};
use super::{TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::net::IpAddr;

/// What counts as a probe.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeConfig {
    /// Different ports that one outsider tries on one host (see `Scan`).
    pub ports: usize,
    /// In how long, in milliseconds.
    pub ports_window: i64,
    /// Different outsiders that reach the same port that should not be open to the world.
    pub sources: usize,
    /// In how long, in milliseconds.
    pub sources_window: i64,
    /// Ports that should not be open to the world: the services that AWS's "Security group rules for different use
    /// cases" and Security Hub's control EC2.19 name as high risk, and databases, caches and container APIs that listen
    /// without a password by default.
    pub unprotected: Vec<u16>,
    /// How long a host and outsider, or host and port, stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs held at a time.
    pub max_pairs: usize,
    /// Ports and sources remembered per pair.
    pub max_values: usize,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            ports: 15,
            ports_window: HOUR,
            sources: 3,
            sources_window: DAY,
            unprotected: vec![
                20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 1521, 2375, 2376, 2379, 3000, 3306, 3389, 4333,
                5000, 5432, 5500, 5601, 5900, 5985, 5986, 6379, 6443, 8088, 8443, 8888, 9092, 9200, 9300, 10250, 11211,
                27017,
            ],
            quiet: DAY,
            max_pairs: 30_000,
            max_values: 64,
        }
    }
}

/// Finds `port_probe`: an outsider that tries many ports of a host of ours, and ports that should not be open to the
/// world and let several outsiders in.
///
/// After GuardDuty's `Recon:EC2/PortProbeUnprotectedPort`. The internet tries every address all day; what is refused
/// counts only towards many ports.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Probe {
    /// What counts.
    pub config: ProbeConfig,
    pairs: Bounded<(IpAddr, IpAddr), Distinct<u16>>,
    open: Bounded<(IpAddr, u16), Distinct<IpAddr>>,
    quiet: Quiet,
}

impl Probe {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        if !talk.asked || talk.client_ours || !talk.server_ours || !matches!(talk.flow.protocol, TCP | UDP) {
            return;
        }
        let c = &self.config;
        let f = &talk.flow;
        let host = talk.server.to_smolstr();
        if talk.port < 32_768 || talk.fleeting() {
            let ports = self.pairs.entry((talk.client, talk.server), f.time, c.max_pairs, Distinct::default);
            if ports.add(talk.port, f.time, f.id, c.ports_window, c.max_values) && ports.held() >= c.ports {
                let since = f.time.saturating_sub(c.ports_window);
                let count = ports.count(since);
                let peer = talk.client.to_smolstr();
                if count >= c.ports && self.quiet.may_say(&host, &peer, f.time, c.quiet) {
                    let facts = vec![fact("ports", count), fact("ports_allowed", c.ports - 1)];
                    out.push(sign(talk, host.clone(), Some(peer), count, 0.5, facts, ports.evidence(since)));
                }
            }
        }
        if !f.accepted || !c.unprotected.contains(&talk.port) {
            return;
        }
        let sources = self.open.entry((talk.server, talk.port), f.time, c.max_pairs, Distinct::default);
        if !sources.add(talk.client, f.time, f.id, c.sources_window, c.max_values) || sources.held() < c.sources {
            return;
        }
        let since = f.time.saturating_sub(c.sources_window);
        let count = sources.count(since);
        if count >= c.sources && self.quiet.may_say(&host, &talk.port.to_smolstr(), f.time, c.quiet) {
            let facts =
                vec![fact("open_port", talk.port), fact("sources", count), fact("sources_allowed", c.sources - 1)];
            out.push(sign(talk, host, None, count, 0.4, facts, sources.evidence(since)));
        }
    }
}

fn sign(
    talk: &Talk<'_>,
    host: SmolStr,
    peer: Option<SmolStr>,
    count: usize,
    score: f64,
    facts: Vec<(&'static str, SmolStr)>,
    (since, events): (i64, Vec<u128>),
) -> Sign {
    Sign { method: "port_probe", time: talk.flow.time, since, host, peer, count: count as u64, score, facts, events }
}
