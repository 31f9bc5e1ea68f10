//! Mail and name resolution past the usual servers.

use super::super::bounded::Bounded;
use super::super::{DAY, Distinct, HOUR, Quiet, Sign, fact};
use super::{TCP, Talk, UDP};
use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr;
use std::net::IpAddr;

/// What counts as an unusual outlet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct OutletConfig {
    /// Different mail servers that a host speaks to. A host with a relay speaks to that; who sends spam delivers to
    /// each receiver's.
    pub mail_servers: usize,
    /// In how long, in milliseconds.
    pub mail_window: i64,
    /// Hosts that deliver mail themselves.
    pub mail_hosts: Vec<IpAddr>,
    /// Resolvers outside that are meant to be used. The VPC's own resolver has a private or link-local address and
    /// needs no entry.
    pub resolvers: Vec<IpAddr>,
    /// Queries to a resolver outside from which it is in use.
    pub queries: usize,
    /// How long a host and server stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Hosts, and pairs of hosts, held at a time.
    pub max_pairs: usize,
}

impl Default for OutletConfig {
    fn default() -> Self {
        Self {
            mail_servers: 15,
            mail_window: HOUR,
            mail_hosts: Vec::new(),
            resolvers: Vec::new(),
            queries: 5,
            quiet: 7 * DAY,
            max_pairs: 20_000,
        }
    }
}

/// Finds `spambot` (ports 25, 465 and 587 of many servers), `dns_resolver_unusual` (port 53 of a resolver outside),
/// `dot` (DNS over TLS or QUIC: port 853, RFC 7858 and 9250) and `doh` (port 443 of an address that a well-known
/// resolver answers at), after GuardDuty's `Backdoor:EC2/Spambot` and `DefenseEvasion:EC2/UnusualDNSResolver`,
/// `UnusualDoTActivity` and `UnusualDoHActivity`.
///
/// Resolvers outside are said once per host and server and quiet period: they may well be meant, but queries to them
/// are not in Resolver's query logs. Resolvers that answer at addresses not named here are not found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outlet {
    /// What counts.
    pub config: OutletConfig,
    mail: Bounded<IpAddr, Distinct<IpAddr>>,
    names: Bounded<(IpAddr, IpAddr), Distinct<u16>>,
    quiet: Quiet,
}

impl Outlet {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let f = &talk.flow;
        if !talk.asked || !talk.leaves() || !f.accepted || !matches!(f.protocol, TCP | UDP) {
            return;
        }
        match talk.port {
            25 | 465 | 587 if f.protocol == TCP && !self.config.mail_hosts.contains(&talk.client) => {
                self.mail(talk, out)
            }
            53 if !self.config.resolvers.contains(&talk.server) => self.names(talk, out),
            853 => self.once("dot", talk, 0.4, out),
            443 if !talk.fleeting() && !self.config.resolvers.contains(&talk.server) => {
                if let Some(name) = public_resolver(talk.server) {
                    self.once("doh", talk, 0.4, out);
                    if let Some(last) = out.last_mut().filter(|s| s.method == "doh" && s.events.first() == Some(&f.id))
                    {
                        last.facts.push(fact("resolver", name));
                    }
                }
            }
            _ => {}
        }
    }

    fn mail(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let servers = self.mail.entry(talk.client, f.time, c.max_pairs, Distinct::default);
        if !servers.add(talk.server, f.time, f.id, c.mail_window, c.mail_servers * 4) || servers.held() < c.mail_servers
        {
            return;
        }
        let since = f.time.saturating_sub(c.mail_window);
        let count = servers.count(since);
        let host = talk.client.to_smolstr();
        if count < c.mail_servers || !self.quiet.may_say(&host, "mail", f.time, c.quiet) {
            return;
        }
        let (first, events) = servers.evidence(since);
        let facts = vec![
            fact("mail_servers", count),
            fact("mail_servers_allowed", c.mail_servers - 1),
            fact("port", talk.port),
        ];
        let count = count as u64;
        out.push(Sign {
            method: "spambot",
            time: f.time,
            since: first,
            host,
            peer: None,
            count,
            score: 0.7,
            facts,
            events,
        });
    }

    fn names(&mut self, talk: &Talk<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let f = &talk.flow;
        let queries = self.names.entry((talk.client, talk.server), f.time, c.max_pairs, Distinct::default);
        queries.add(f.src_port, f.time, f.id, DAY, c.queries * 4);
        if queries.held() < c.queries || queries.count(f.time.saturating_sub(DAY)) < c.queries {
            return;
        }
        let (host, peer) = (talk.client.to_smolstr(), talk.server.to_smolstr());
        if !self.quiet.may_say(&host, &peer, f.time, c.quiet) {
            return;
        }
        let (since, events) = queries.evidence(f.time.saturating_sub(DAY));
        let mut facts = vec![fact("queries", events.len()), fact("usual", "the VPC's resolver")];
        facts.extend(public_resolver(talk.server).map(|name| fact("resolver", name)));
        let (method, count) = ("dns_resolver_unusual", events.len() as u64);
        out.push(Sign { method, time: f.time, since, host, peer: Some(peer), count, score: 0.3, facts, events });
    }

    fn once(&mut self, method: &'static str, talk: &Talk<'_>, score: f64, out: &mut Vec<Sign>) {
        let f = &talk.flow;
        let (host, peer) = (talk.client.to_smolstr(), talk.server.to_smolstr());
        if self.quiet.may_say(&host, &format!("{method} {peer}"), f.time, self.config.quiet) {
            let facts = vec![fact("port", talk.port)];
            let (since, events) = (f.time, vec![f.id]);
            out.push(Sign { method, time: f.time, since, host, peer: Some(peer), count: 1, score, facts, events });
        }
    }
}

/// Whose public resolver answers at an address, as each publishes it: Cloudflare ("IP addresses" of 1.1.1.1's
/// documentation), Google ("Google Public DNS"), Quad9 ("Service Addresses & Features"), OpenDNS (Cisco Umbrella),
/// AdGuard, CleanBrowsing, NextDNS.
pub fn public_resolver(address: IpAddr) -> Option<&'static str> {
    const KNOWN: [(&str, &[&str]); 7] = [
        (
            "Cloudflare",
            &[
                "1.1.1.1",
                "1.0.0.1",
                "1.1.1.2",
                "1.0.0.2",
                "1.1.1.3",
                "1.0.0.3",
                "2606:4700:4700::1111",
                "2606:4700:4700::1001",
            ],
        ),
        ("Google", &["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"]),
        (
            "Quad9",
            &[
                "9.9.9.9",
                "149.112.112.112",
                "9.9.9.10",
                "149.112.112.10",
                "9.9.9.11",
                "149.112.112.11",
                "2620:fe::fe",
                "2620:fe::9",
            ],
        ),
        (
            "OpenDNS",
            &[
                "208.67.222.222",
                "208.67.220.220",
                "208.67.222.123",
                "208.67.220.123",
                "2620:119:35::35",
                "2620:119:53::53",
            ],
        ),
        ("AdGuard", &["94.140.14.14", "94.140.15.15", "94.140.14.140", "94.140.14.141"]),
        ("CleanBrowsing", &["185.228.168.9", "185.228.169.9", "185.228.168.168", "185.228.169.168"]),
        ("NextDNS", &["45.90.28.0", "45.90.30.0"]),
    ];
    use std::sync::LazyLock;
    static TABLE: LazyLock<std::collections::HashMap<IpAddr, &'static str>> = LazyLock::new(|| {
        let rows = KNOWN.iter().flat_map(|(name, all)| all.iter().filter_map(|a| Some((a.parse().ok()?, *name))));
        rows.collect()
    });
    TABLE.get(&address.to_canonical()).copied()
}
