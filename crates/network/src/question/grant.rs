//! What a line of a matrix allows, entry by entry.

use super::{Outcome, Trial};
use crate::packet::{ANY_PORT, ICMP, ICMPV6, PacketBox, PacketSet, Span, TCP, UDP};
use crate::topology::Network;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// One entry of what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Allowed {
    /// `all`, `tcp`, `udp`, `icmp` or a number. `all` counts for what no other entry of the line names.
    pub protocol: SmolStr,
    /// Source ports; absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_ports: Option<Vec<(u16, u16)>>,
    /// Destination ports (ICMP: `type << 8 | code`); absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_ports: Option<Vec<(u16, u16)>>,
    /// Whether the answer comes back.
    pub reply: super::Reachable,
}

/// What one line says, apart from its ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Grant {
    /// What is allowed.
    pub allowed: Vec<Allowed>,
    /// Calls that were not read and that the line takes the usual answer for: the main route table's, mostly.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<SmolStr>,
}

/// Route tables that were not read: the usual ones stand for them, as the line says.
pub(super) fn usual(network: &Network, outcome: Outcome, trial: &Trial) -> Outcome {
    let missing = outcome.missing();
    if missing.is_empty() || missing.iter().any(|m| m.call != "DescribeRouteTables") {
        return outcome;
    }
    outcome.with_usual_routes(network, trial)
}

/// What an outcome allows, whatever the far address.
pub(crate) fn allowed(outcome: &Outcome) -> Vec<Allowed> {
    grant(outcome, |set| set.map(|b| Some(b.from(Span::ANY)))).allowed
}

/// What an outcome allows, of the part that `within` takes.
pub(super) fn grant(outcome: &Outcome, within: impl Fn(&PacketSet) -> PacketSet) -> Grant {
    let there = within(&outcome.there.1);
    if there.is_empty() {
        return Grant::default();
    }
    let (back, mut perhaps) = (within(&outcome.both.0), within(&outcome.both.1));
    let mut unread: BTreeSet<SmolStr> = BTreeSet::new();
    let missing = outcome.missing();
    if !missing.is_empty() {
        unread.extend(missing.iter().map(|m| if m.call.is_empty() { &m.of } else { &m.call }).cloned());
    }
    perhaps = perhaps.minus(&back);
    let lost = there.minus(&back).minus(&perhaps);
    let parts = [(super::Reachable::Yes, back), (super::Reachable::Unknown, perhaps), (super::Reachable::No, lost)];
    Grant { allowed: entries(&parts), unread }
}

/// The entries of a line: one for everything where nothing differs, else one a protocol.
pub(super) fn entries(parts: &[(super::Reachable, PacketSet)]) -> Vec<Allowed> {
    let parts: Vec<(super::Reachable, PacketSet)> =
        parts.iter().map(|(r, s)| (*r, s.canonical())).filter(|(_, s)| !s.is_empty()).collect();
    let entry = |protocol: &str, src: (u16, u16), dst: Vec<(u16, u16)>, reply| Allowed {
        protocol: protocol.into(),
        src_ports: (src != ANY_PORT).then(|| vec![src]),
        dst_ports: (dst != [ANY_PORT]).then_some(dst),
        reply,
    };
    if let [(reply, set)] = parts.as_slice()
        && set.is_all()
    {
        return vec![entry("all", ANY_PORT, vec![ANY_PORT], *reply)];
    }
    let mut out = Vec::new();
    // ICMPv6 has types too; where none is told apart it is one of the others.
    let types = parts.iter().any(|(_, s)| rectangles(s, ICMPV6).iter().any(|(_, dst)| dst.as_slice() != [ANY_PORT]));
    let number_of_icmpv6 = ICMPV6.to_string();
    let mut named = vec![(TCP, "tcp"), (UDP, "udp"), (ICMP, "icmp")];
    named.extend(types.then_some((ICMPV6, number_of_icmpv6.as_str())));
    for (number, name) in named.iter().copied() {
        for (reply, set) in &parts {
            for (src, dst) in rectangles(set, number) {
                out.push(entry(name, src, dst, *reply));
            }
        }
    }
    // The other protocols: together where they are alike and `all` says nothing wrong of the three, else each.
    let rest: Vec<(super::Reachable, Vec<(u8, u8)>)> =
        parts.iter().map(|(r, s)| (*r, other_protocols(s, &named))).collect();
    let whole = parts.iter().fold(PacketSet::none(), |all, (_, s)| all.or(s)).canonical().is_all();
    let alone = match rest.iter().filter(|(_, p)| !p.is_empty()).collect::<Vec<_>>().as_slice() {
        [(reply, protocols)] if whole && *reply != super::Reachable::Yes && count(protocols) == 256 - named.len() => {
            Some(*reply)
        }
        _ => None,
    };
    if let Some(reply) = alone {
        out.push(entry("all", ANY_PORT, vec![ANY_PORT], reply));
        return out;
    }
    for (reply, protocols) in rest {
        for (first, last) in protocols {
            out.extend((first..=last).map(|n| entry(&n.to_string(), ANY_PORT, vec![ANY_PORT], reply)));
        }
    }
    out
}

pub(super) fn count(protocols: &[(u8, u8)]) -> usize {
    protocols.iter().map(|(first, last)| usize::from(last - first) + 1).sum()
}

/// First and last port.
pub(super) type Ports = (u16, u16);

/// The port rectangles of one protocol, those with the same source ports together.
pub(super) fn rectangles(set: &PacketSet, protocol: u8) -> Vec<(Ports, Vec<Ports>)> {
    let mut out: Vec<(Ports, Vec<Ports>)> = Vec::new();
    for b in set.boxes().iter().filter(|b| (b.protocol.0..=b.protocol.1).contains(&protocol)) {
        match out.iter_mut().find(|(src, _)| *src == b.src_port) {
            Some((_, dst)) => dst.push(b.dst_port),
            None => out.push((b.src_port, vec![b.dst_port])),
        }
    }
    out
}

/// The protocols of a set but the named ones.
pub(super) fn other_protocols(set: &PacketSet, named: &[(u8, &str)]) -> Vec<(u8, u8)> {
    let named: PacketSet = named.iter().map(|(n, _)| PacketBox { protocol: (*n, *n), ..PacketBox::ANY }).collect();
    let rest = set.minus(&named);
    let mut out: Vec<(u8, u8)> = rest.boxes().iter().map(|b| b.protocol).collect();
    out.sort_unstable();
    out.dedup();
    out
}
