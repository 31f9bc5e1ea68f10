//! What network flows give away.
//!
//! A flow record is one direction of a conversation; detectors ask who began it. [`FlowWatch`] finds that out once and
//! hands every detector a [`Talk`].

pub mod beacon;
pub mod brute;
pub mod dos;
pub mod outlet;
pub mod place;
pub mod probe;
pub mod roles;
pub mod scan;
pub mod unusual;
pub mod volume;

use super::{Flow, Sign};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// TCP, UDP, ICMP and ICMPv6 (IANA "Protocol Numbers").
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// ICMP.
pub const ICMP: u8 = 1;
/// ICMPv6.
pub const ICMP6: u8 = 58;

/// A flow record with its roles.
#[derive(Debug, Clone, Copy)]
pub struct Talk<'a> {
    /// The record.
    pub flow: Flow<'a>,
    /// Who began.
    pub client: IpAddr,
    /// Whom it addressed.
    pub server: IpAddr,
    /// The server's port.
    pub port: u16,
    /// Whether the record is of what the client sent.
    pub asked: bool,
    /// Whether the client is one of ours: a private address, or where neither is and the direction is not known, whoever began.
    pub client_ours: bool,
    /// Whether the server is one of ours.
    pub server_ours: bool,
}

impl Talk<'_> {
    /// Whether so little was sent that nobody was spoken to: rejected, bare TCP headers no more than a handshake's
    /// repeats (Linux sends a SYN seven times, `tcp_syn_retries` in its ip-sysctl), or a few small datagrams.
    pub fn fleeting(&self) -> bool {
        let f = &self.flow;
        let most = if f.protocol == TCP { 7 } else { 4 };
        !f.accepted || (f.packets <= most && f.bytes <= f.packets * 64)
    }

    /// Whether one of ours sends this to somebody outside.
    pub fn leaves(&self) -> bool {
        let (from, to) =
            if self.asked { (self.client_ours, self.server_ours) } else { (self.server_ours, self.client_ours) };
        from && !to && place::is_host(self.flow.dst)
    }
}

/// All flow detectors, each record's roles found once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FlowWatch {
    /// Hosts whose own doings are not judged, such as vulnerability scanners.
    pub excluded: Vec<IpAddr>,
    /// Who began which conversation.
    pub roles: roles::Roles,
    /// Scans and sweeps by our hosts.
    pub scan: scan::Scan,
    /// Probes of our hosts.
    pub probe: probe::Probe,
    /// Regular calls home.
    pub beacon: beacon::Beacon,
    /// Password guessing.
    pub brute: brute::Brute,
    /// Floods.
    pub dos: dos::Dos,
    /// Bytes out.
    pub volume: volume::Volume,
    /// Ports and protocols that are new to a host.
    pub unusual: unusual::Unusual,
    /// Mail and name resolution past the usual servers.
    pub outlet: outlet::Outlet,
}

impl FlowWatch {
    /// Takes a record, which is not older than the one before.
    pub fn observe(&mut self, flow: &Flow<'_>, out: &mut Vec<Sign>) {
        let talk = self.roles.of(flow);
        // Multicast, broadcast and the link's own services (time, names, metadata) are every host's ordinary company.
        if !place::is_host(talk.client) || !place::is_host(talk.server) || self.excluded.contains(&talk.client) {
            return;
        }
        self.scan.observe(&talk, out);
        self.probe.observe(&talk, out);
        self.beacon.observe(&talk, out);
        self.brute.observe(&talk, out);
        self.dos.observe(&talk, out);
        self.volume.observe(&talk, out);
        self.unusual.observe(&talk, out);
        self.outlet.observe(&talk, out);
    }
}
