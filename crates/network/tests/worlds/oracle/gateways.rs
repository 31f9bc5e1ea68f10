//! The internet and the gateways to it.

use super::{Connection, ICMP, Oracle, Packet, Place, Spot, TCP, Through, Translation, UDP};
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_network::estate::{BlockMode, Interface};

/// Whether an address is one of the internet's.
pub(super) fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(a) => {
            let [first, second, ..] = a.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(a.is_private() || a.is_loopback() || a.is_link_local() || shared || first == 0 || first >= 224)
        }
        IpAddr::V6(a) => a.segments()[0] & 0xe000 == 0x2000,
    }
}

impl Oracle<'_> {
    /// An internet gateway puts the public address in place of the private one
    /// (`vpc/latest/userguide/VPC_Internet_Gateway`).
    pub(super) fn internet_gateway(
        &self,
        id: &SmolStr,
        from: Option<&SmolStr>,
        vpc: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
    ) -> Option<Spot> {
        self.estate.internet_gateways.iter().find(|g| g.id == *id && g.vpcs.contains(vpc))?;
        let sender = self.owner(vpc, packet.source);
        let by_nat = sender.is_some_and(|i| self.is_nat_gateway(i));
        // Block Public Access counts who began: an answer goes the way of its request.
        self.public_access(vpc, from, !connection.answering, by_nat).then_some(())?;
        if !public(packet.destination) {
            return None;
        }
        if packet.source.is_ipv4() {
            packet.source = sender?.addresses.iter().find(|a| a.ip == packet.source)?.public?;
        } else if !public(packet.source) || sender.is_none() {
            return None;
        }
        Some(Spot::Internet)
    }

    /// An egress-only internet gateway lets IPv6 connections begin inside
    /// (`vpc/latest/userguide/egress-only-internet-gateway`).
    pub(super) fn egress_only(
        &self,
        id: &SmolStr,
        from: Option<&SmolStr>,
        vpc: &SmolStr,
        packet: Packet,
        connection: &mut Connection,
    ) -> Option<Spot> {
        let mut all = self.estate.egress_only_internet_gateways.iter();
        all.find(|g| g.id == *id && g.vpcs.contains(vpc))?;
        if connection.answering || packet.source.is_ipv4() || !public(packet.source) {
            return None;
        }
        self.public_access(vpc, from, true, true).then_some(())?;
        connection.egress_only = Some(vpc.clone());
        Some(Spot::Internet)
    }

    /// A packet on the internet: to a public address of the network, or away.
    pub(super) fn internet(
        &self,
        packet: &mut Packet,
        connection: &mut Connection,
        entering: bool,
        through: &mut Through,
    ) -> Option<Spot> {
        *through = Through::Internet;
        let stands_for = |i: &&Interface| {
            let mut addresses = i.addresses.iter();
            addresses.any(|a| a.public == Some(packet.destination) || a.ip.is_ipv6() && a.ip == packet.destination)
        };
        let Some(interface) = self.estate.interfaces.iter().find(stands_for) else {
            return (!entering).then_some(Spot::Arrived(Place::Internet));
        };
        if !public(packet.source) {
            return None;
        }
        let vpc = &interface.vpc;
        if connection.answering && connection.egress_only.as_ref() == Some(vpc) {
            return Some(Spot::Router { vpc: vpc.clone(), from: None });
        }
        let gateway = self.estate.internet_gateways.iter().find(|g| g.vpcs.contains(vpc))?;
        let by_nat = self.is_nat_gateway(interface);
        self.public_access(vpc, Some(&interface.subnet), connection.answering, by_nat).then_some(())?;
        let address = interface.addresses.iter().find(|a| a.public == Some(packet.destination));
        if let Some(address) = address {
            packet.destination = address.ip;
        }
        let edge = self.estate.route_tables.iter().find(|t| t.gateways.contains(&gateway.id));
        match edge.and_then(|table| self.route(table, packet.destination)) {
            Some(route) => self.take(route, None, vpc, packet, connection, through),
            None => Some(Spot::Router { vpc: vpc.clone(), from: None }),
        }
    }

    fn is_nat_gateway(&self, interface: &Interface) -> bool {
        self.estate.nat_gateways.iter().any(|n| n.interfaces.contains(&interface.id))
    }

    /// VPC Block Public Access (`vpc/latest/userguide/security-vpc-bpa`, and the scenarios of its advanced example).
    /// `outward`: the connection began inside. `by_nat`: by a NAT gateway or an egress-only internet gateway.
    fn public_access(&self, vpc: &SmolStr, subnet: Option<&SmolStr>, outward: bool, by_nat: bool) -> bool {
        let Some(home) = self.vpc(vpc).map(|v| &v.home) else { return false };
        let Some(setting) = self.estate.block_public_access.iter().find(|b| b.home == *home) else { return true };
        let excluded = |egress_only: bool| {
            let mut all = setting.exclusions.iter().filter(|e| e.egress_only == egress_only);
            all.any(|e| e.resource == *vpc || Some(&e.resource) == subnet)
        };
        if excluded(false) {
            return true;
        }
        match setting.mode {
            BlockMode::Off => true,
            BlockMode::BlockIngress => outward && by_nat,
            BlockMode::BlockBidirectional => outward && by_nat && excluded(true),
        }
    }

    /// A NAT gateway sends TCP, UDP and ICMP on under its own address and a port of its choice
    /// (`vpc/latest/userguide/vpc-nat-gateway`).
    pub(super) fn nat_gateway(
        &self,
        id: &SmolStr,
        from: Option<&SmolStr>,
        vpc: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
        through: &mut Through,
    ) -> Option<Spot> {
        let nat = self.estate.nat_gateways.iter().find(|n| n.id == *id && n.vpc == *vpc)?;
        if from != Some(&nat.subnet) {
            self.acl_lets(&nat.subnet, false, *packet).then_some(())?;
        }
        let carried = matches!(packet.protocol, TCP | UDP | ICMP);
        if nat.state != "available" || connection.answering || !carried {
            return None;
        }
        let own = nat.addresses.first()?.ip;
        self.translate(nat.interfaces.first()?, own, packet, connection);
        *through = Through::Nothing;
        Some(Spot::On(nat.subnet.clone()))
    }

    pub(super) fn translate(&self, device: &SmolStr, own: IpAddr, packet: &mut Packet, connection: &mut Connection) {
        connection.translations.push(Translation {
            device: device.clone(),
            inside: packet.source,
            inside_port: packet.source_port,
            outside: own,
        });
        packet.source = own;
        if packet.protocol != ICMP {
            packet.source_port = self.chosen;
        }
    }
}
