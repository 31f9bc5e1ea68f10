//! Route tables, and where their targets lead.

use super::{Connection, Oracle, Packet, Place, Spot, TCP, Through};
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_model::IpRange;
use yagura_network::estate::{Destination, Route, RouteTable, Subnet, Target};

impl Oracle<'_> {
    /// The table of a subnet: the one that names it, else the main one of its VPC.
    pub(super) fn table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let tables = || self.estate.route_tables.iter();
        let named = tables().find(|t| t.subnets.contains(&subnet.id));
        named.or_else(|| tables().find(|t| t.main && t.vpc == subnet.vpc))
    }

    /// The route of a table for an address: the longest prefix; between equal ones `local`, then static, then by
    /// prefix list, then propagated (`vpc/latest/userguide/route-tables-priority`). No propagated route takes what is local.
    pub(super) fn route<'t>(&self, table: &'t RouteTable, to: IpAddr) -> Option<&'t Route> {
        let mut best: Option<(u8, u8, &Route)> = None;
        let local = table.routes.iter().any(|r| r.target == Target::Local && self.leads(r, to).is_some());
        for route in &table.routes {
            let Some(prefix) = self.leads(route, to) else { continue };
            let rank = match (&route.target, &route.destination) {
                (Target::Local, _) => 3,
                (_, Destination::PrefixList(_)) => 1,
                _ if route.propagated => 0,
                _ => 2,
            };
            if rank == 0 && local {
                continue;
            }
            if best.is_none_or(|(p, r, _)| (prefix, rank) > (p, r)) {
                best = Some((prefix, rank, route));
            }
        }
        best.map(|(_, _, route)| route)
    }

    /// The length of the prefix by which a route matches an address.
    fn leads(&self, route: &Route, to: IpAddr) -> Option<u8> {
        let ranges: &[IpRange] = match &route.destination {
            Destination::Range(range) => std::slice::from_ref(range),
            Destination::PrefixList(id) => self.prefix_list(id),
        };
        ranges.iter().filter(|r| r.contains(to)).map(|r| r.prefix()).max()
    }

    /// Follows a route out of a VPC's table.
    pub(super) fn take(
        &self,
        route: &Route,
        from: Option<&SmolStr>,
        vpc: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
        through: &mut Through,
    ) -> Option<Spot> {
        if route.blackhole {
            return None;
        }
        match &route.target {
            Target::Local => Some(Spot::Router { vpc: vpc.clone(), from: from.cloned() }),
            Target::InternetGateway(id) => self.internet_gateway(id, from, vpc, packet, connection),
            Target::EgressOnlyInternetGateway(id) => self.egress_only(id, from, vpc, *packet, connection),
            Target::NatGateway(id) => self.nat_gateway(id, from, vpc, packet, connection, through),
            Target::Interface(id) => self.appliance(id, from, packet, connection, through),
            Target::Peering(id) => self.peering(id, vpc, *packet, through),
            Target::TransitGateway(id) => self.attachment(id, from, vpc, *packet),
            Target::Endpoint(id) => self.gateway_endpoint(id, vpc, *packet),
            Target::Instance(_) | Target::VpnGateway(_) | Target::Other(_) => None,
        }
    }

    /// A peering connection carries what goes between addresses of its two VPCs
    /// (`vpc/latest/peering/vpc-peering-basics`: no transitive peering, no gateways of the other side).
    fn peering(&self, id: &SmolStr, vpc: &SmolStr, packet: Packet, through: &mut Through) -> Option<Spot> {
        let peering = self.estate.peerings.iter().find(|p| p.id == *id && p.status == "active")?;
        let other = match (peering.requester.vpc == *vpc, peering.accepter.vpc == *vpc) {
            (true, _) => &peering.accepter.vpc,
            (_, true) => &peering.requester.vpc,
            _ => return None,
        };
        if !self.in_vpc(vpc, packet.source) || !self.in_vpc(other, packet.destination) {
            return None;
        }
        if *through == Through::Nothing {
            *through = Through::Peering;
        }
        Some(Spot::Router { vpc: other.clone(), from: None })
    }

    /// An interface that a route names: its owner passes on what is not its own, if the source/destination check is off
    /// (`vpc/latest/userguide/VPC_NAT_Instance`). One with a public address in a subnet that leads to an internet gateway is
    /// taken for a NAT instance.
    fn appliance(
        &self,
        id: &SmolStr,
        from: Option<&SmolStr>,
        packet: &mut Packet,
        connection: &mut Connection,
        through: &mut Through,
    ) -> Option<Spot> {
        let subnet = &self.interface(id)?.subnet;
        if from != Some(subnet) {
            self.acl_lets(subnet, false, *packet).then_some(())?;
        }
        let interface = self.works(id)?;
        if interface.addresses.iter().any(|a| a.ip == packet.destination) {
            return Some(Spot::At(id.clone()));
        }
        if interface.source_dest_check {
            return None;
        }
        if !connection.answering || !connection.tracked.contains(id) {
            connection.tracked.push(id.clone());
            let lets = self.groups_let_in(interface, *packet, *through) && self.groups_let_out(interface, *packet);
            lets.then_some(())?;
        }
        *through = Through::Appliance;
        let own = interface.addresses.iter().find(|a| a.public.is_some() && packet.source.is_ipv4()).map(|a| a.ip);
        let to_internet = |t: &RouteTable| t.routes.iter().any(|r| matches!(r.target, Target::InternetGateway(_)));
        let nat_instance = self.subnet(subnet).and_then(|s| self.table_of(s)).is_some_and(to_internet);
        if let Some(own) =
            own.filter(|_| nat_instance && !connection.answering && super::gateways::public(packet.destination))
        {
            self.translate(id, own, packet, connection);
        }
        Some(Spot::On(subnet.clone()))
    }

    /// Gateway endpoints carry TCP and ICMP echo, of the VPC's own addresses, over IPv4
    /// (`vpc/latest/privatelink/gateway-endpoints`; `VPCE_GATEWAY_PROTOCOL_RESTRICTION`).
    fn gateway_endpoint(&self, id: &SmolStr, vpc: &SmolStr, packet: Packet) -> Option<Spot> {
        let endpoint = self.estate.endpoints.iter().find(|e| e.id == *id && e.state == "available")?;
        let carried = packet.protocol == TCP || packet.protocol == super::ICMP && packet.port >> 8 == 8;
        let own = self.in_vpc(vpc, packet.source);
        let service = Place::Service { endpoint: endpoint.id.clone(), vpc: vpc.clone() };
        (carried && own).then_some(Spot::Arrived(service))
    }
}
