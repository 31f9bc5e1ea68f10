//! Floods that a host of ours sends.

use super::super::bounded::Bounded;
use super::super::{HOUR, MINUTE, Quiet, Sign, fact};
use super::{ICMP, ICMP6, TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as a flood.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct DosConfig {
    /// Packets a minute to one peer. FastNetMon's shipped threshold is 20,000 a second to what it protects; a single
    /// bot sends a part of an attack.
    pub packets: u64,
    /// Answered packets, at most, in hundredths of those sent: who floods is not answered packet by packet.
    pub answered: u64,
    /// Mean bytes of a TCP packet, at most: full packets are a transfer, which is answered by one in two.
    pub small: u64,
    /// Ports that TCP services own, at which UDP has no business (`UdpOnTcpPorts`).
    pub tcp_ports: Vec<u16>,
    /// How long a host and peer stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of hosts held at a time.
    pub max_pairs: usize,
}

impl Default for DosConfig {
    fn default() -> Self {
        Self {
            packets: 300_000,
            answered: 10,
            small: 120,
            tcp_ports: vec![21, 22, 23, 25, 80, 110, 143, 993, 995, 3306, 3389, 5432, 8080],
            quiet: 6 * HOUR,
            max_pairs: 20_000,
        }
    }
}

/// Finds `dos_dns`, `dos_tcp`, `dos_udp`, `dos_udp_on_tcp_ports` and `dos_unusual_protocol`: far more packets a minute
/// to one peer than come back, after the kinds of GuardDuty's `Backdoor:EC2/DenialOfService` findings; the asymmetry
/// after J. Mirkovic, G. Prier and P. Reiher, "Attacking DDoS at the Source" (D-WARD, 2002).
///
/// A record that covers several minutes counts by its rate. A flood with an answer to each packet, as against a server
/// that keeps up, is not found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dos {
    /// What counts.
    pub config: DosConfig,
    pairs: Bounded<(IpAddr, IpAddr, u8), Minute>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Minute {
    start: i64,
    sent: u64,
    bytes: u64,
    came: u64,
    events: Vec<u128>,
}

impl Dos {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let leaves = talk.leaves();
        let (ours, theirs) = if leaves { (f.src, f.dst) } else { (f.dst, f.src) };
        let key = (ours, theirs, f.protocol);
        // Who sends us nothing but answers needs no entry: most pairs never get near a flood.
        if !leaves && self.pairs.get(&key).is_none() || !f.accepted {
            return;
        }
        let minutes = (f.end.saturating_sub(f.time) / MINUTE).max(1).unsigned_abs();
        let packets = f.packets / minutes;
        if leaves && packets < c.packets / 1_000 && self.pairs.get(&key).is_none() {
            return;
        }
        let minute = self.pairs.entry(key, f.time, c.max_pairs, Minute::default);
        if f.time.saturating_sub(minute.start) >= MINUTE {
            *minute = Minute { start: f.time, ..Minute::default() };
        }
        if !leaves {
            minute.came = minute.came.saturating_add(packets);
            return;
        }
        minute.sent = minute.sent.saturating_add(packets);
        minute.bytes = minute.bytes.saturating_add(f.bytes / minutes);
        if minute.events.len() < super::super::EVENTS_NAMED {
            minute.events.push(f.id);
        }
        if minute.sent < c.packets || minute.came.saturating_mul(100) > minute.sent.saturating_mul(c.answered) {
            return;
        }
        let size = minute.bytes / minute.sent.max(1);
        let method = match f.protocol {
            TCP if size > c.small => return,
            TCP | UDP if f.dst_port == 53 => "dos_dns",
            TCP => "dos_tcp",
            UDP if c.tcp_ports.contains(&f.dst_port) => "dos_udp_on_tcp_ports",
            UDP => "dos_udp",
            _ => "dos_unusual_protocol",
        };
        let (host, peer) = (ours.to_smolstr(), theirs.to_smolstr());
        if !self.quiet.may_say(&host, &peer, f.time, c.quiet) {
            return;
        }
        let mut facts = vec![
            fact("packets_a_minute", minute.sent),
            fact("packets_allowed", c.packets),
            fact("packets_back", minute.came),
            fact("mean_bytes", size),
            fact("protocol", f.protocol),
        ];
        if !matches!(f.protocol, ICMP | ICMP6) {
            facts.push(fact("port", f.dst_port));
        }
        let (count, since, events) = (minute.sent, minute.start, minute.events.clone());
        out.push(Sign { method, time: f.time, since, host, peer: Some(peer), count, score: 0.8, facts, events });
    }
}
