//! Who began a conversation.

use super::super::Flow;
use super::super::bounded::Bounded;
use super::{TCP, Talk, UDP, place};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Finds who began the conversation that a flow record is one direction of. Records carry no answer to that (TCP flags
/// are an optional field), so:
///
/// 1. A system port (below 1024, RFC 6335) on one side only is the server's.
/// 2. A port below 32768 against one from there is the server's: Linux and Windows take a client's ports from above
///    that (AWS, "Custom network ACLs", ephemeral ports). NAT gateways, load balancers and Lambda take them from 1024
///    on: between two ports from there to 32767 the next rule decides, and a service above that is taken for their
///    client.
/// 3. Otherwise who was seen to send first began, which is remembered for so many conversations.
///
/// Where a capture starts in the middle of a conversation between two ports of a kind, the third may be wrong. A scan
/// that sends from a system port to high ports is taken for answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Roles {
    /// Conversations remembered.
    pub max_talks: usize,
    began: Bounded<Ends, bool>,
}

/// Both ends, the smaller first, and the protocol; the value says whether the smaller began.
type Ends = ((IpAddr, u16), (IpAddr, u16), u8);

impl Default for Roles {
    fn default() -> Self {
        Self { max_talks: 65_536, began: Bounded::default() }
    }
}

impl Roles {
    /// A record with its roles.
    pub fn of<'a>(&mut self, flow: &Flow<'a>) -> Talk<'a> {
        let asked = self.asked(flow);
        let (client, server, port) =
            if asked { (flow.src, flow.dst, flow.dst_port) } else { (flow.dst, flow.src, flow.src_port) };
        let (client_in, server_in) = (place::is_private(client), place::is_private(server));
        // Where the log says which way a record goes, the interface's own end is ours.
        let told = flow.outbound.map(|outbound| outbound == asked);
        let client_ours = client_in || told.unwrap_or(!server_in);
        let server_ours = server_in || told.is_some_and(|client| !client);
        Talk { flow: *flow, client, server, port, asked, client_ours, server_ours }
    }

    fn asked(&mut self, flow: &Flow<'_>) -> bool {
        let rank = |port: u16| if port < 1024 { 0 } else { 1 + u8::from(port >= 32_768) };
        // Other protocols have no ports; what some converters write there (ICMP's type and code) differs by direction.
        let ported = matches!(flow.protocol, TCP | UDP);
        let (from_port, to_port) = if ported { (flow.src_port, flow.dst_port) } else { (0, 0) };
        match rank(from_port).cmp(&rank(to_port)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => {
                let (from, to) = ((flow.src, from_port), (flow.dst, to_port));
                let (low, high) = if from <= to { (from, to) } else { (to, from) };
                let low_sends = from <= to;
                let low_began = *self.began.entry((low, high, flow.protocol), flow.time, self.max_talks, || low_sends);
                low_began == low_sends
            }
        }
    }
}
