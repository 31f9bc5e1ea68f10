//! All detectors together, fed with what was measured of each record.

use super::dns::DnsWatch;
use super::flow::FlowWatch;
use super::login::Logins;
use super::travel::Travels;
use super::{Dns, EventId, Flow, Login, Sign};
use crate::observe::Measured;
use serde::{Deserialize, Serialize};

/// The methods that detections may name, as the signs of their detectors do.
pub const METHODS: [&str; 27] = [
    "beacon",
    "brute_force",
    "brute_force_success",
    "dga",
    "dns_rebind",
    "dns_rebind_metadata",
    "dns_resolver_unusual",
    "dns_tunnel",
    "doh",
    "dos_dns",
    "dos_tcp",
    "dos_udp",
    "dos_udp_on_tcp_ports",
    "dos_unusual_protocol",
    "dot",
    "icmp_sweep",
    "impossible_travel",
    "login_brute_force",
    "login_brute_force_success",
    "password_spray",
    "port_probe",
    "port_scan",
    "port_sweep",
    "port_unusual",
    "protocol_unusual",
    "spambot",
    "traffic_volume",
];

/// Every detector of this crate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// DNS queries.
    pub dns: DnsWatch,
    /// Flows.
    pub flow: FlowWatch,
    /// Logins.
    pub logins: Logins,
    /// Who was where.
    #[serde(default)]
    pub travels: Travels,
}

/// The methods that need a table of locations: without one they find nothing.
pub const PLACED: [&str; 1] = ["impossible_travel"];

impl Statistics {
    /// Takes a record's measures; records come in the order of time.
    pub fn observe(&mut self, time: i64, id: EventId, measured: &Measured, out: &mut Vec<Sign>) {
        match measured {
            Measured::Flow {
                end,
                src,
                dst,
                src_port,
                dst_port,
                protocol,
                packets,
                bytes,
                accepted,
                interface,
                outbound,
            } => {
                let (end, src, dst) = (*end, *src, *dst);
                let (packets, bytes) = (*packets, *bytes);
                let flow = Flow {
                    time,
                    end,
                    id,
                    src,
                    dst,
                    src_port: *src_port,
                    dst_port: *dst_port,
                    protocol: *protocol,
                    packets,
                    bytes,
                    accepted: *accepted,
                    interface,
                    outbound: *outbound,
                };
                self.flow.observe(&flow, out);
            }
            Measured::Dns { host, name, kind, rcode, addresses, answers } => {
                self.dns
                    .observe(&Dns { time, id, host, name, kind, rcode, answers: *answers as usize, addresses }, out);
            }
            Measured::Login { source, account, target, success } => {
                self.logins.observe(&Login { time, id, source, account, target, success: *success }, out);
            }
        }
    }
}
