//! Ports and protocols that a host never used before.

use super::super::bounded::Bounded;
use super::super::{DAY, Quiet, Sign, fact};
use super::{ICMP, ICMP6, TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as unusual.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct UnusualConfig {
    /// How long a host must be known before it is judged, in milliseconds.
    pub learn: i64,
    /// Conversations a host must have had.
    pub learn_talks: u64,
    /// How many of our hosts may have used a port before for it to be unusual.
    pub max_users: u32,
    /// Packets sent, at least: an attempt that came to nothing is a scan's business.
    pub min_packets: u64,
    /// After how long a port is forgotten, in milliseconds.
    pub forget: i64,
    /// How long a host and port stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Hosts held at a time.
    pub max_hosts: usize,
    /// Ports remembered per host; a host with more uses ports at random (peer-to-peer) and is not judged.
    pub max_ports: usize,
}

impl Default for UnusualConfig {
    fn default() -> Self {
        Self {
            learn: 7 * DAY,
            learn_talks: 500,
            max_users: 1,
            min_packets: 5,
            forget: 90 * DAY,
            quiet: 7 * DAY,
            max_hosts: 20_000,
            max_ports: 64,
        }
    }
}

/// Finds `port_unusual` and `protocol_unusual`: a host of ours speaks to somebody outside at a port, or by a protocol,
/// that it did not use in the time it is known, and that hardly another host of ours uses (GuardDuty's
/// `Behavior:EC2/NetworkPortUnusual`; first-seen profiles after D. Denning, "An Intrusion-Detection Model", 1987).
///
/// A host is not judged before it is known for `learn` and `learn_talks`. Protocols besides TCP, UDP and ICMP are rare
/// enough to be said of a known host at once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Unusual {
    /// What counts.
    pub config: UnusualConfig,
    hosts: Bounded<IpAddr, Known>,
    users: Bounded<(u8, u16), u32>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    since: i64,
    talks: u64,
    overflow: bool,
    /// Protocol and port, and when they were used last; sorted.
    ports: Vec<((u8, u16), i64)>,
}

impl Unusual {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        if !talk.asked || !talk.leaves() || !f.accepted || matches!(f.protocol, ICMP | ICMP6) {
            return;
        }
        let ported = matches!(f.protocol, TCP | UDP);
        if ported && f.packets < c.min_packets {
            return;
        }
        let what = (f.protocol, if ported { talk.port } else { 0 });
        let host = self.hosts.entry(talk.client, f.time, c.max_hosts, Known::default);
        if host.talks == 0 {
            host.since = f.time;
        }
        host.talks += 1;
        let at = match host.ports.binary_search_by(|p| p.0.cmp(&what)) {
            Ok(at) => {
                if let Some(known) = host.ports.get_mut(at) {
                    known.1 = f.time;
                }
                return;
            }
            Err(at) => at,
        };
        if host.ports.len() >= c.max_ports {
            host.ports.retain(|p| f.time.saturating_sub(p.1) < c.forget);
            host.overflow |= host.ports.len() >= c.max_ports;
        }
        if host.overflow {
            return;
        }
        host.ports.insert(at.min(host.ports.len()), (what, f.time));
        host.ports.sort_unstable();
        let users = self.users.entry(what, f.time, 65_536, || 0);
        let others = *users;
        *users = users.saturating_add(1);
        let age = f.time.saturating_sub(host.since);
        if age < c.learn || host.talks < c.learn_talks || others > c.max_users {
            return;
        }
        let name = talk.client.to_smolstr();
        if !self.quiet.may_say(&name, &format!("{}/{}", what.0, what.1), f.time, c.quiet) {
            return;
        }
        let usual: Vec<String> =
            host.ports.iter().filter(|p| p.0 != what).take(10).map(|p| p.0.1.to_string()).collect();
        let mut facts = vec![
            fact("days_known", age / DAY),
            fact("conversations_known", host.talks),
            fact("usual_ports", usual.join(", ")),
            fact("other_hosts_using_it", others),
            fact("protocol", f.protocol),
        ];
        if ported {
            facts.push(fact("port", talk.port));
        }
        out.push(Sign {
            method: if ported { "port_unusual" } else { "protocol_unusual" },
            time: f.time,
            since: f.time,
            host: name,
            peer: Some(talk.server.to_smolstr()),
            count: 1,
            score: if others == 0 { 0.5 } else { 0.4 },
            facts,
            events: vec![f.id],
        });
    }
}
