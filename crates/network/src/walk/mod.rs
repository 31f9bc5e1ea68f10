//! The way of a packet through the network, hop by hop, as AWS forwards it.
//!
//! A walk does not stop at filters: it notes what each lets through ([`Check`]) and goes on, so that one walk tells
//! every filter on the way. It ends where there is no way to go on ([`Ending`]). Where a route table sends parts of
//! the far end's addresses different ways, the walk splits into [`Leg`]s.

mod appliance;
mod balancer;
mod endpoint;
pub(crate) mod interface;
pub(crate) mod internet;
mod leg;
mod nat;
mod peering;
pub(crate) mod route;
pub(crate) mod subnet;
mod transit;
mod vpn;

use crate::code::Code;
use crate::estate::Home;
use crate::filter::Passage;
use crate::packet::{ANY_PORT, End, Family, ICMP, ICMPV6, PacketBox, PacketSet, Span};
use crate::topology::{Link, Missing, Network};
pub use leg::{Arrival, Check, Dead, Ending, Guard, Hop, Kind, Leg, Note, TakenRoute, Translation};
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;

use yagura_model::{Gap, GapReason};

/// Where a walk starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    /// An interface, with one of its addresses.
    Interface(u32, IpAddr),
    /// A subnet, with an address of it and no interface: network ACLs and routes only.
    Subnet(u32, IpAddr),
    /// The internet; the source is the far end or this public address.
    Internet(End),
    /// What is behind a virtual private gateway, into this VPC.
    VpnGateway(u32, u32, End),
    /// What is behind an attachment of a transit gateway.
    Transit(u32, End),
    /// The service of a gateway endpoint, into this VPC (answers only).
    Service(u32, u32, End),
}

impl Origin {
    /// The source of the packets that start here.
    pub fn source(&self) -> End {
        match *self {
            Self::Interface(_, ip) | Self::Subnet(_, ip) => End::At(ip),
            Self::Internet(end) | Self::VpnGateway(_, _, end) | Self::Transit(_, end) | Self::Service(_, _, end) => end,
        }
    }
}

/// What a walk looks for, beyond the destination address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Goal {
    /// A component: coming to it is arriving.
    pub component: Option<SmolStr>,
    /// Addresses of subnets need no interface.
    pub any_host: bool,
    /// The only interface that counts: another may have the same address where blocks overlap.
    pub interface: Option<u32>,
    /// Only whether packets pass matters: hops that decide nothing further on are not noted.
    pub quiet: bool,
}

/// The packet on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet {
    pub source: End,
    pub destination: End,
    /// The interface that sent it, while its source address is its own.
    pub sender: Option<u32>,
    /// A translator chose the source port (of the request).
    pub free_port: bool,
    /// It answers a request: stateful filters know it.
    pub reply: bool,
    /// An appliance passed it on: rules that name groups do not see its sender.
    pub forwarded: bool,
}

/// A walk under way.
pub(crate) struct Walker<'n> {
    pub net: &'n Network,
    pub family: Family,
    pub goal: &'n Goal,
    /// Translations that the request went through, for the reply to undo.
    pub undo: Vec<Translation>,
    /// The egress-only internet gateway that the request went out by.
    pub egress_only: Option<SmolStr>,
    /// See [`Leg::lent`].
    pub lent: Option<u32>,
    /// Interfaces whose security groups let the request through: they know its answers.
    pub tracked: Vec<u32>,
    /// Endpoints by which the request went through a firewall.
    pub inspected: Vec<SmolStr>,
    pub out: Vec<Leg>,
}

/// More hops than any AWS path has.
const LONGEST: usize = 96;
/// More ways than route tables have routes (`vpc/latest/userguide/amazon-vpc-limits`). What lies beyond is unknown.
const MOST_LEGS: usize = 2048;

impl Network {
    /// The ways of a request from `origin` to `destination`, with the far end in `far` (the whole span where both
    /// ends are addresses).
    pub fn request(&self, origin: Origin, destination: End, far: Vec<Span>, family: Family, goal: &Goal) -> Vec<Leg> {
        let (undo, tracked, inspected, out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let walker = Walker { net: self, family, goal, undo, egress_only: None, lent: None, tracked, inspected, out };
        walker.run(origin, destination, far, false)
    }

    /// The ways of the answers to what took `leg`. A leg that did not arrive has none.
    pub fn reply(&self, leg: &Leg, family: Family) -> Vec<Leg> {
        let Ending::Arrived(arrival) = &leg.ending else { return Vec::new() };
        let from = leg.destination;
        let origin = match arrival {
            Arrival::Interface(interface, ip) => Origin::Interface(*interface, *ip),
            Arrival::Subnet(subnet, ip) => Origin::Subnet(*subnet, *ip),
            Arrival::Internet => Origin::Internet(from),
            Arrival::VpnGateway(gateway, vpc) => Origin::VpnGateway(*gateway, *vpc, from),
            Arrival::Transit(attachment) => Origin::Transit(*attachment, from),
            Arrival::Service(endpoint, vpc) => Origin::Service(*endpoint, *vpc, from),
            Arrival::Component => return Vec::new(),
        };
        let goal = Goal { any_host: true, quiet: leg.quiet, ..Goal::default() };
        let egress_only = leg.hops.iter().find(|h| h.kind == Kind::EgressOnlyInternetGateway).map(|h| h.id.clone());
        let undo = leg.translations.clone();
        let asked = |check: &Check| match check.guard {
            Guard::Groups { interface, .. } => Some(interface),
            _ => None,
        };
        let tracked = leg.checks.iter().filter_map(asked).collect();
        let (lent, out) = (leg.lent, Vec::new());
        let endpoints = leg.hops.iter().filter(|h| h.kind == Kind::VpcEndpoint);
        let inspected = endpoints.map(|h| h.id.clone()).collect();
        let walker = Walker { net: self, family, goal: &goal, undo, egress_only, lent, tracked, inspected, out };
        walker.run(origin, leg.source, leg.far.clone(), true)
    }
}

impl<'n> Walker<'n> {
    fn run(mut self, origin: Origin, destination: End, far: Vec<Span>, reply: bool) -> Vec<Leg> {
        let source = origin.source();
        // An answer to a translated source travels to a port that the translator chose.
        let free_port = reply && !self.undo.is_empty();
        let packet = Packet { source, destination, sender: None, free_port, reply, forwarded: false };
        let leg = Leg {
            hops: Vec::with_capacity(if self.goal.quiet { 4 } else { 12 }),
            checks: Vec::with_capacity(4),
            far,
            translations: Vec::new(),
            notes: Vec::new(),
            lent: None,
            quiet: self.goal.quiet,
            source,
            destination,
            ending: Ending::Arrived(Arrival::Component),
        };
        match origin {
            Origin::Interface(interface, _) => self.send(interface, packet, leg),
            Origin::Subnet(subnet, _) => self.leave_subnet(subnet, packet, leg),
            Origin::Internet(_) => self.arrive_from_internet(packet, leg),
            Origin::VpnGateway(gateway, vpc, _) => self.arrive_from_vpn_gateway(gateway, vpc, packet, leg),
            Origin::Transit(attachment, _) => self.arrive_from_transit(attachment, packet, leg),
            Origin::Service(endpoint, vpc, _) => self.arrive_from_service(endpoint, vpc, packet, leg),
        }
        self.out
    }

    /// Notes a component. `None`: it is the one that was asked for, or the walk goes in circles, and it is over.
    pub(crate) fn pass(&mut self, mut leg: Leg, kind: Kind, id: &SmolStr, packet: &Packet) -> Option<Leg> {
        let circles = circles(&leg, kind, id);
        leg.note(kind, id);
        if self.out.len() > MOST_LEGS {
            let gap = Gap::new(GapReason::NotTold, format!("more than {MOST_LEGS} ways lead on from `{id}`"));
            let hole = Missing { call: SmolStr::default(), of: format!("ways from {id}").into(), gap: Arc::new(gap) };
            self.unread(Arc::new(hole), leg);
            return None;
        }
        if leg.hops.len() > LONGEST || circles {
            let at = Hop::new(id.clone(), kind);
            let (rule, rule_ja) = ("the routes lead in a circle", "ルートが循環している");
            self.dead(Dead::new(at, Code::NoPossibleDestination, rule, rule_ja), leg);
            return None;
        }
        if !packet.reply && self.goal.component.as_ref() == Some(id) {
            self.arrive(Arrival::Component, *packet, leg);
            return None;
        }
        Some(leg)
    }

    /// Notes a filter. `passage` is in the packet's own ports.
    pub(crate) fn check(&self, leg: &mut Leg, packet: &Packet, guard: Guard, passage: Passage) {
        let family = self.family;
        let passage = match (packet.reply, packet.free_port) {
            (false, false) => passage,
            (false, true) => passage.map(|s| s.any_source_port(CHOSEN)),
            (true, false) => passage.map(|s| answered(s, family)),
            (true, true) => passage.map(|s| answered(s, family).any_source_port(CHOSEN)),
        };
        leg.checks.push(Check { guard, passage, after: leg.hops.len() });
    }

    /// Ends a walk where it wanted to come to.
    pub(crate) fn arrive(&mut self, arrival: Arrival, packet: Packet, leg: Leg) {
        let ending = Ending::Arrived(arrival);
        self.out.push(Leg { source: packet.source, destination: packet.destination, ending, ..leg });
    }

    /// Ends a walk that cannot go on.
    pub(crate) fn dead(&mut self, dead: Dead, leg: Leg) {
        self.out.push(Leg { ending: Ending::Dead(Box::new(dead)), ..leg });
    }

    /// Ends a walk that may go on, by what was not read.
    pub(crate) fn unread(&mut self, missing: Arc<Missing>, leg: Leg) {
        self.out.push(Leg { ending: Ending::Unread(missing), ..leg });
    }

    /// Ends a walk at a record that another names and that is not there.
    pub(crate) fn absent(&mut self, link: Link, dead: impl FnOnce() -> Dead, leg: Leg) {
        match link {
            Link::Unread(missing) => self.unread(missing, leg),
            Link::At(_) | Link::None => self.dead(dead(), leg),
        }
    }

    /// The link of `id` in a list that `call` tells.
    pub(crate) fn find(
        &self,
        index: &std::collections::HashMap<SmolStr, u32>,
        id: &SmolStr,
        call: &str,
        home: &Home,
    ) -> Link {
        self.net.find(index, id, call, home)
    }
}

/// Whether a table that the packet comes to has routed it before, to the same destination: it will do so again. Behind
/// what may change the destination nothing is concluded.
fn circles(leg: &Leg, kind: Kind, id: &SmolStr) -> bool {
    let same = |h: &&Hop| {
        !matches!(
            h.kind,
            Kind::Internet | Kind::InternetGateway | Kind::NatGateway | Kind::NetworkInterface | Kind::Instance
        )
    };
    matches!(kind, Kind::RouteTable | Kind::TransitGatewayRouteTable)
        && leg.hops.iter().rev().take_while(same).any(|h| h.kind == kind && h.id == *id)
}

/// The ports that a NAT gateway or load balancer takes for itself
/// (`vpc/latest/reachability/explanation-codes`, `REMAP_EPHEMERAL_PORT`).
const CHOSEN: (u16, u16) = (1024, u16::MAX);

/// The requests whose answers are in `answers`: ports change sides; ICMP's queries have answers of their own type
/// (RFC 792: 0 answers 8, 14 answers 13, 16 answers 15, 18 answers 17; RFC 4443: 129 answers 128), and a message
/// without an answer needs none but that some message of its protocol comes back.
pub(crate) fn answered(answers: &PacketSet, family: Family) -> PacketSet {
    let mut out = PacketSet::none();
    let (icmp, queries): (u8, &[(u8, u8)]) = match family {
        Family::V4 => (ICMP, &[(8, 0), (13, 14), (15, 16), (17, 18)]),
        Family::V6 => (ICMPV6, &[(128, 129)]),
    };
    for b in answers.boxes() {
        let swapped = |protocol| PacketBox { protocol, src_port: b.dst_port, dst_port: b.src_port, ..*b };
        let (first, last) = b.protocol;
        if !(first..=last).contains(&icmp) {
            out.add(swapped(b.protocol));
            continue;
        }
        if first < icmp {
            out.add(swapped((first, icmp - 1)));
        }
        if icmp < last {
            out.add(swapped((icmp + 1, last)));
        }
        let kinds = |kind: u8| (u16::from(kind) << 8, u16::from(kind) << 8 | 255);
        let message = |ports| PacketBox { protocol: (icmp, icmp), src_port: ANY_PORT, dst_port: ports, ..*b };
        let mut start = 0u16;
        for (query, answer) in queries {
            let (low, high) = kinds(*query);
            if let Some(before) = low.checked_sub(1).filter(|before| *before >= start) {
                out.add(message((start, before)));
            }
            let code = kinds(*answer).0;
            if b.dst_port.0 <= code && code <= b.dst_port.1 {
                out.add(message((low, high)));
            }
            start = high.saturating_add(1);
        }
        out.add(message((start, u16::MAX)));
    }
    out
}
