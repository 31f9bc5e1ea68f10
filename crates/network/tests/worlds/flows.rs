//! What to ask of a network: pairs of ends, and packets at the edges of its rules.

use crate::oracle::{ICMP, Packet, Place, TCP, UDP};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::net::IpAddr;
use yagura_network::Network;
use yagura_network::estate::Estate;
use yagura_network::packet::{End, Family, PacketBox, PacketSet, Span, number};
use yagura_network::question::Trial;
use yagura_network::question::place::Place as QuestionPlace;
use yagura_network::walk::{Goal, Origin};

/// One end to another, in both models' words.
#[derive(Debug, Clone)]
pub struct Flow {
    pub from: Place,
    pub to: Place,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub origin: Origin,
}

/// Addresses outside of every network.
pub const OUTSIDE: [&str; 8] =
    ["8.8.8.8", "8.8.9.0", "52.216.1.1", "128.0.0.0", "200.1.2.3", "10.99.0.1", "2001:4860::1", "2a00:1::1"];

impl Flow {
    /// The engine's question.
    pub fn trial(&self) -> Trial {
        let family = Family::of(self.destination);
        Trial {
            origin: self.origin,
            destination: End::At(self.destination),
            far: vec![Span::ANY],
            family,
            goal: Goal::default(),
        }
    }

    /// The engine's question where nothing but the interface that was named counts.
    pub fn named_trial(&self, net: &Network) -> Trial {
        let place = self.to.interface().and_then(|id| net.place(id).ok());
        let interface = match place {
            Some(QuestionPlace::Interface(at)) => Some(at),
            _ => None,
        };
        Trial { goal: Goal { interface, ..Goal::default() }, ..self.trial() }
    }

    /// The same question of every address of the far end, and this flow's own address there.
    pub fn far_trial(&self) -> (Trial, IpAddr) {
        let family = Family::of(self.destination);
        let far = vec![family.span()];
        match self.from {
            Place::Internet => (Trial { origin: Origin::Internet(End::Far), far, ..self.trial() }, self.source),
            _ => (Trial { destination: End::Far, far, ..self.trial() }, self.destination),
        }
    }

    /// Whether one end is outside of the network.
    pub fn has_an_end_outside(&self) -> bool {
        self.from == Place::Internet || self.to == Place::Internet
    }

    /// One packet of it.
    pub fn packet(&self, (protocol, source_port, port): (u8, u16, u16)) -> Packet {
        Packet { source: self.source, destination: self.destination, protocol, source_port, port }
    }
}

/// Up to `most` flows between interfaces, to the internet and from it.
pub fn flows(estate: &Estate, rng: &mut Rng, most: usize) -> Vec<Flow> {
    let mut out = Vec::new();
    let outside: Vec<IpAddr> = OUTSIDE.iter().map(|t| t.parse().unwrap()).collect();
    let interfaces = || estate.interfaces.iter().zip(0u32..);
    for (interface, at) in interfaces().filter(|(i, _)| i.kind.is_empty()) {
        for source in interface.addresses.iter().map(|a| a.ip) {
            let from = Place::Interface(interface.id.clone());
            let origin = Origin::Interface(at, source);
            let mut add = |to: Place, destination: IpAddr| {
                // What a host sends to its own address never leaves it.
                let own = interface.addresses.iter().any(|a| a.ip == destination);
                if destination.is_ipv4() == source.is_ipv4() && !own {
                    out.push(Flow { from: from.clone(), to, source, destination, origin });
                }
            };
            for (other, _) in interfaces().filter(|(_, other)| *other != at) {
                for address in &other.addresses {
                    add(Place::Interface(other.id.clone()), address.ip);
                    address.public.into_iter().for_each(|ip| add(Place::Interface(other.id.clone()), ip));
                }
            }
            outside.iter().for_each(|ip| add(Place::Internet, *ip));
        }
    }
    rng.shuffle(&mut out);
    out.truncate(most);
    let mut inward = Vec::new();
    for (interface, _) in interfaces() {
        let seen = interface.addresses.iter().filter_map(|a| a.public.or(Some(a.ip).filter(IpAddr::is_ipv6)));
        for destination in seen {
            for source in outside.iter().copied().filter(|s| s.is_ipv4() == destination.is_ipv4()) {
                let to = Place::Interface(interface.id.clone());
                let origin = Origin::Internet(End::At(source));
                inward.push(Flow { from: Place::Internet, to, source, destination, origin });
            }
        }
    }
    rng.shuffle(&mut inward);
    inward.truncate(most / 3);
    out.extend(inward);
    out
}

/// Ports where some rule begins or ends to match, and their neighbours.
pub fn edges(estate: &Estate) -> Vec<u16> {
    let groups = estate.security_groups.iter().flat_map(|g| g.ingress.iter().chain(&g.egress)).map(|r| r.service);
    let acls = estate.network_acls.iter().flat_map(|a| &a.entries).map(|e| e.service);
    let mut out = BTreeSet::from([1024, 49152]);
    for service in groups.chain(acls) {
        let (first, last) = service.ports;
        out.extend([first.saturating_sub(1), first, last, last.saturating_add(1)]);
    }
    out.into_iter().collect()
}

/// Protocol, source port and destination port of packets to try.
pub fn packets(edges: &[u16], rng: &mut Rng) -> Vec<(u8, u16, u16)> {
    let mut out = vec![(ICMP, 0, 8 << 8), (47, 0, 0)];
    for protocol in [TCP, TCP, UDP] {
        for _ in 0..6 {
            let port = |rng: &mut Rng| edges[rng.usize(0..edges.len())];
            out.push((protocol, port(rng), port(rng)));
        }
    }
    out.push((TCP, 49152, 443));
    out
}

/// Whether a set holds a packet, whatever the far address is.
pub fn holds(set: &PacketSet, (protocol, source_port, port): (u8, u16, u16)) -> bool {
    holds_far(set, None, (protocol, source_port, port))
}

/// Whether a set holds a packet whose far end has an address.
pub fn holds_far(set: &PacketSet, far: Option<IpAddr>, (protocol, source_port, port): (u8, u16, u16)) -> bool {
    let within = |b: &PacketBox| {
        far.is_none_or(|ip| b.far.contains(number(ip)))
            && (b.protocol.0..=b.protocol.1).contains(&protocol)
            && (b.src_port.0..=b.src_port.1).contains(&source_port)
            && (b.dst_port.0..=b.dst_port.1).contains(&port)
    };
    set.boxes().iter().any(within)
}
