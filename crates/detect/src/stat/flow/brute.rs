//! Password guessing, as flows show it.

use super::super::bounded::Bounded;
use super::super::{Distinct, HOUR, MINUTE, Quiet, Sign, fact};
use super::{TCP, Talk};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as guessing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct BruteConfig {
    /// Ports at which people sign in: SSH, RDP, WinRM over HTTP and HTTPS, FTP, Telnet, VNC.
    pub ports: Vec<u16>,
    /// Short connections. A person who forgot a password, or a script run by hand, makes fewer in the window.
    pub tries: usize,
    /// In how long, in milliseconds.
    pub window: i64,
    /// Packets that a try sends, at least: fewer and nobody was asked for a password.
    pub min_packets: u64,
    /// Packets that a try sends, at most. An SSH try of one to three passwords takes some ten to thirty.
    pub max_packets: u64,
    /// Bytes that a try sends, at most.
    pub max_bytes: u64,
    /// How much more than a try's most packets a session sends that somebody got into.
    pub inside: u64,
    /// How long a pair stays unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of hosts and port held at a time.
    pub max_pairs: usize,
}

impl Default for BruteConfig {
    fn default() -> Self {
        Self {
            ports: vec![21, 22, 23, 3389, 5900, 5985, 5986],
            tries: 30,
            window: 10 * MINUTE,
            min_packets: 6,
            max_packets: 60,
            max_bytes: 12_000,
            inside: 3,
            quiet: 6 * HOUR,
            max_pairs: 20_000,
        }
    }
}

/// Finds `brute_force`: many short accepted connections from one source to one host at a port where people sign in; and
/// `brute_force_success`: a long one between the two afterwards.
///
/// After A. Sperotto, R. Sadre, P. de Boer and A. Pras, "Hidden Markov Model Modeling of SSH Brute-Force Attacks"
/// (2009), and R. Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX" (2014): guessing is a phase of many
/// flows of like size, compromise a flow that leaves it. The fact `role` says whether our host is the one that guesses
/// (`actor`) or the one guessed at (`target`). What succeeded is likely, not certain: flows do not show passwords.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Brute {
    /// What counts.
    pub config: BruteConfig,
    tries: Bounded<(IpAddr, IpAddr, u16), Distinct<u16>>,
    guessing: Bounded<(IpAddr, IpAddr, u16), ()>,
    quiet: Quiet,
}

impl Brute {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        if !talk.asked || f.protocol != TCP || !f.accepted || !c.ports.contains(&talk.port) {
            return;
        }
        if !talk.client_ours && !talk.server_ours {
            return;
        }
        let key = (talk.client, talk.server, talk.port);
        if f.packets > c.max_packets.saturating_mul(c.inside) {
            let guessed = self.guessing.touched(&key).is_some_and(|at| f.time.saturating_sub(at) <= c.quiet);
            if guessed {
                self.say("brute_force_success", talk, 0.75, out);
            }
            return;
        }
        if f.packets < c.min_packets || f.packets > c.max_packets || f.bytes > c.max_bytes {
            return;
        }
        let tries = self.tries.entry(key, f.time, c.max_pairs, Distinct::default);
        // Two records of one connection share its source port.
        tries.add(f.src_port, f.time, f.id, c.window, c.tries * 2);
        if tries.held() >= c.tries && tries.count(f.time.saturating_sub(c.window)) >= c.tries {
            self.guessing.entry(key, f.time, c.max_pairs, || ());
            self.say("brute_force", talk, 0.8, out);
        }
    }

    fn say(&mut self, method: &'static str, talk: &Talk<'_>, score: f64, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let (role, host, peer) =
            if talk.client_ours { ("actor", talk.client, talk.server) } else { ("target", talk.server, talk.client) };
        let (host, peer) = (host.to_smolstr(), peer.to_smolstr());
        if !self.quiet.may_say(&host, &format!("{method} {peer} {}", talk.port), f.time, c.quiet) {
            return;
        }
        let tries = self.tries.get(&(talk.client, talk.server, talk.port));
        let (since, mut events) = tries.map_or((f.time, Vec::new()), |t| t.evidence(i64::MIN));
        let count = tries.map_or(0, Distinct::held);
        if method == "brute_force_success" {
            events.truncate(super::super::EVENTS_NAMED - 1);
            events.push(f.id);
        }
        let facts = vec![
            fact("role", role),
            fact("port", talk.port),
            fact("tries", count),
            fact("tries_allowed", c.tries - 1),
            fact("packets", f.packets),
            fact("packets_of_a_try", c.max_packets),
        ];
        out.push(Sign {
            method,
            time: f.time,
            since,
            host,
            peer: Some(peer),
            count: count as u64,
            score,
            facts,
            events,
        });
    }
}
