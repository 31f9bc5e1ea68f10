//! Interfaces, subnets and the router of a VPC.

use super::route::{Portion, unread_services};
use super::{Arrival, Dead, Guard, Hop, Kind, Leg, Note, Packet, TakenRoute, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{Destination, Route, Target};
use crate::filter::{Passage, Way};
use crate::packet::{End, Span};
use crate::topology::{Link, Missing, Network, target_id};
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

impl Walker<'_> {
    /// The packet is in a subnet and goes to its destination: straight to a neighbour, else by the router.
    pub(crate) fn leave_subnet(&mut self, at: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(subnet) = net.estate.subnets.get(at as usize) else { return };
        let Some(mut leg) = self.pass(leg, Kind::Subnet, &subnet.id, &packet) else { return };
        if let End::At(ip) = packet.destination
            && subnet.cidrs.iter().any(|c| c.contains(ip))
        {
            return self.deliver(at, ip, packet, leg);
        }
        self.check_acl(at, Way::Egress, packet.destination, &packet, &mut leg);
        self.route_from(at, packet, leg);
    }

    /// Asks the network ACL of a subnet.
    pub(crate) fn check_acl(&mut self, at: u32, way: Way, remote: End, packet: &Packet, leg: &mut Leg) {
        let net = self.net;
        let Some(links) = net.subnets.get(at as usize) else { return };
        let (acl, passage) = match &links.acl {
            Link::At(acl) => match net.acl_filter(*acl) {
                Some((record, filter)) => {
                    leg.note(Kind::NetworkAcl, &record.id);
                    (Some(*acl), Passage::exactly(filter.allows(way, self.family, remote)))
                }
                None => return,
            },
            Link::Unread(missing) => (None, Passage::unknown(Arc::clone(missing))),
            Link::None => {
                let Some(subnet) = net.estate.subnets.get(at as usize) else { return };
                (None, Passage::unknown(net.hole("DescribeNetworkAcls", &subnet.id, &subnet.home)))
            }
        };
        self.check(leg, packet, Guard::Acl { acl, subnet: at, way, remote }, passage);
    }

    /// The router of a subnet sends the packet on.
    pub(crate) fn route_from(&mut self, at: u32, packet: Packet, mut leg: Leg) {
        let net = self.net;
        let (Some(subnet), Some(links)) = (net.estate.subnets.get(at as usize), net.subnets.get(at as usize)) else {
            return;
        };
        let vpc = match &links.vpc {
            Link::At(vpc) => *vpc,
            Link::Unread(missing) => return self.unread(Arc::clone(missing), leg),
            Link::None => return self.unread(net.hole("DescribeVpcs", &subnet.vpc, &subnet.home), leg),
        };
        let table = match &links.route_table {
            Link::At(table) => *table,
            Link::Unread(missing) => return self.without_table(at, vpc, Arc::clone(missing), packet, leg),
            Link::None => {
                let hole = net.hole("DescribeRouteTables", &subnet.id, &subnet.home);
                return self.without_table(at, vpc, hole, packet, leg);
            }
        };
        let Some(table) = net.estate.route_tables.get(table as usize) else { return };
        leg = match self.pass(leg, Kind::RouteTable, &table.id, &packet) {
            Some(leg) => leg,
            None => return,
        };
        if packet.destination == End::Far {
            leg.notes.extend(unread_services(net, table).cloned().map(Note::ServiceAddresses));
        }
        let portions = match net.routes(table, packet.destination, &leg.far, self.family) {
            Ok(portions) => portions,
            Err(missing) => return self.unread(missing, leg),
        };
        let mut rest = portions.len();
        let mut whole = Some(leg);
        for Portion { far, route } in portions {
            // Most walks have one way to go on: the leg itself takes the last.
            rest -= 1;
            let Some(leg) = (if rest == 0 { whole.take() } else { whole.clone() }) else { return };
            let leg = Leg { far, ..leg };
            match route {
                Some(route) => self.take(route, &table.id, Some(at), vpc, packet, leg),
                None => {
                    let dead = self.no_route(&table.id, vpc, &packet, &leg.far);
                    self.dead(dead, leg);
                }
            }
        }
    }

    /// The route table was not read: the walk goes on by the way that most tables have, and the answer stays unknown.
    fn without_table(&mut self, at: u32, vpc: u32, missing: Arc<Missing>, packet: Packet, mut leg: Leg) {
        let hop = Hop::new(missing.of.clone(), Kind::RouteTable);
        self.check(&mut leg, &packet, Guard::Unread(hop), Passage::unknown(Arc::clone(&missing)));
        let local = matches!(packet.destination, End::At(ip) if self.net.in_vpc(vpc, ip));
        let addressed = |at: u32| {
            self.net.estate.interfaces.get(at as usize).is_some_and(|i| i.addresses.iter().any(|a| a.public.is_some()))
        };
        let public = packet.sender.is_some_and(addressed)
            || self.net.estate.subnets.get(at as usize).is_some_and(|s| s.public_on_launch);
        let gateway =
            self.net.estate.vpcs.get(vpc as usize).filter(|_| public).and_then(|v| self.net.gateway_of(&v.id));
        match (local, gateway) {
            (true, _) => self.deliver_in_vpc(vpc, Some(at), packet, leg),
            (false, Some(gateway)) => {
                let id = gateway.clone();
                // The table may lead elsewhere: where the usual way ends says nothing for certain.
                self.unread(missing, leg.clone());
                self.enter_internet_gateway(&id, Some(at), vpc, packet, leg);
            }
            (false, None) => self.unread(missing, leg),
        }
    }

    /// Follows a route.
    fn take(&mut self, route: &Route, table: &SmolStr, from: Option<u32>, vpc: u32, packet: Packet, mut leg: Leg) {
        if let Some(hop) = leg.hops.last_mut().filter(|h| h.kind == Kind::RouteTable && !self.goal.quiet) {
            hop.route = Some(TakenRoute { destination: route.destination.clone(), target: route.target.clone() });
        }
        if route.blackhole {
            let dead = blackhole(table, route);
            // Where the target is no more, another way is all that helps.
            let fix = dead.fix.clone().filter(|_| self.net.is_there(&route.target));
            return self.dead(Dead { fix, ..dead }, leg);
        }
        match &route.target {
            Target::Local => self.deliver_in_vpc(vpc, from, packet, leg),
            Target::InternetGateway(id) => self.enter_internet_gateway(id, from, vpc, packet, leg),
            Target::EgressOnlyInternetGateway(id) => self.enter_egress_only(id, from, vpc, packet, leg),
            Target::NatGateway(id) => self.enter_nat_gateway(id, from, vpc, packet, leg),
            Target::Interface(id) => self.enter_appliance(id, from, vpc, packet, leg),
            Target::Instance(id) => self.enter_appliance_instance(id, from, vpc, packet, leg),
            Target::Peering(id) => self.enter_peering(id, vpc, packet, leg),
            Target::TransitGateway(id) => self.enter_transit_gateway(id, from, vpc, packet, leg),
            Target::VpnGateway(id) => self.enter_vpn_gateway(id, vpc, packet, leg),
            Target::Endpoint(id) => self.enter_endpoint(id, from, vpc, packet, leg),
            Target::Other(id) => {
                let home = self.net.estate.vpcs.get(vpc as usize).map(|v| v.home.clone()).unwrap_or_default();
                let hole = self.net.hole("", id, &home);
                self.unread(hole, leg);
            }
        }
    }

    /// Follows the routes of a gateway's own table, where it has one.
    pub(crate) fn route_from_gateway(&mut self, gateway: &SmolStr, vpc: u32, packet: Packet, mut leg: Leg) {
        let net = self.net;
        let table = net.gateway_table.get(gateway).and_then(|at| net.estate.route_tables.get(*at as usize));
        let Some(table) = table else { return self.deliver_in_vpc(vpc, None, packet, leg) };
        leg.hops.push(Hop::new(table.id.clone(), Kind::RouteTable));
        match net.routes(table, packet.destination, &leg.far, self.family) {
            Ok(portions) => {
                for Portion { far, route } in portions {
                    let leg = Leg { far, ..leg.clone() };
                    match route {
                        Some(route) => self.take(route, &table.id, None, vpc, packet, leg),
                        None => self.deliver_in_vpc(vpc, None, packet, leg),
                    }
                }
            }
            Err(missing) => self.unread(missing, leg),
        }
    }

    /// The router of a VPC delivers to one of its subnets. `from`: the subnet that the packet left.
    pub(crate) fn deliver_in_vpc(&mut self, vpc: u32, from: Option<u32>, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(record) = net.estate.vpcs.get(vpc as usize) else { return };
        let Some(mut leg) = self.pass(leg, Kind::Vpc, &record.id, &packet) else { return };
        let End::At(ip) = packet.destination else {
            let at = Hop::new(record.id.clone(), Kind::Vpc);
            let dead = Dead::new(
                at,
                Code::NoPossibleDestination,
                "the addresses are the VPC's own",
                "宛先が VPC 自身のアドレス範囲である",
            );
            return self.dead(dead, leg);
        };
        let Some(subnet) = net.subnet_of(vpc, ip) else {
            if let Some(hole) = net.unanswered("DescribeSubnets", &record.id, &record.home) {
                return self.unread(hole, leg);
            }
            return self.dead(nobody(Hop::new(record.id.clone(), Kind::Vpc), ip), leg);
        };
        if from != Some(subnet) {
            let Some(record) = net.estate.subnets.get(subnet as usize) else { return };
            leg = match self.pass(leg, Kind::Subnet, &record.id, &packet) {
                Some(leg) => leg,
                None => return,
            };
            self.check_acl(subnet, Way::Ingress, packet.source, &packet, &mut leg);
        }
        self.deliver(subnet, ip, packet, leg);
    }

    /// The packet is in the subnet of its destination.
    fn deliver(&mut self, at: u32, ip: IpAddr, packet: Packet, leg: Leg) {
        let net = self.net;
        let (Some(subnet), Some(links)) = (net.estate.subnets.get(at as usize), net.subnets.get(at as usize)) else {
            return;
        };
        let owner = links.vpc.at().and_then(|vpc| net.owner_of(vpc, ip));
        match owner {
            Some(interface) => self.receive(interface, ip, packet, leg),
            None if self.goal.any_host => self.arrive(Arrival::Subnet(at, ip), packet, leg),
            None => match net.unanswered("DescribeNetworkInterfaces", &subnet.id, &subnet.home) {
                Some(hole) => self.unread(hole, leg),
                None => self.dead(nobody(Hop::new(subnet.id.clone(), Kind::Subnet), ip), leg),
            },
        }
    }

    fn no_route(&self, table: &SmolStr, vpc: u32, packet: &Packet, far: &[Span]) -> Dead {
        let to = match packet.destination {
            End::At(ip) => ip.to_string(),
            End::Far => say_spans(far, self.family),
        };
        let at = Hop::new(table.clone(), Kind::RouteTable);
        let dead =
            Dead::new(at, Code::NoRoute, format!("no route matches {to}"), format!("{to} に一致するルートがない"));
        match self.net.way_to(table, vpc, packet.destination, self.family) {
            Some(fix) => dead.fixed_by(fix),
            None => dead,
        }
    }
}

impl Network {
    /// Whether the target of a route is a record that was read, or of a kind that is not looked up.
    fn is_there(&self, target: &Target) -> bool {
        match target {
            Target::NatGateway(id) => self.nat.contains_key(id),
            Target::Peering(id) => self.peering.contains_key(id),
            Target::Interface(id) => self.interface.contains_key(id),
            Target::Instance(id) => self.instance.contains_key(id),
            Target::VpnGateway(id) => self.vpn_gateway.contains_key(id),
            Target::Endpoint(id) => self.endpoint.contains_key(id) || self.firewall_endpoint.contains_key(id),
            Target::TransitGateway(_)
            | Target::InternetGateway(_)
            | Target::EgressOnlyInternetGateway(_)
            | Target::Local
            | Target::Other(_) => true,
        }
    }
}

fn nobody(at: Hop, ip: IpAddr) -> Dead {
    let (rule, rule_ja) = (format!("nothing has the address {ip}"), format!("アドレス {ip} を持つものがない"));
    Dead::new(at, Code::NoPossibleDestination, rule, rule_ja)
}

fn blackhole(table: &SmolStr, route: &Route) -> Dead {
    let to = say_destination(&route.destination);
    let target = target_id(&route.target);
    let at = Hop::new(table.clone(), Kind::RouteTable);
    let rule = format!("the route {to} → {target} is a blackhole: its target is gone or not attached");
    let rule_ja =
        format!("ルート {to} → {target} はブラックホールになっている: ターゲットが削除されたかアタッチされていない");
    let fix = Change::RestoreRoute {
        table: table.clone(),
        destination: route.destination.clone(),
        target: route.target.clone(),
    };
    Dead::new(at, Code::BadStateRoute, rule, rule_ja).fixed_by(fix)
}

/// A destination as AWS writes it.
pub(crate) fn say_destination(destination: &Destination) -> String {
    match destination {
        Destination::Range(range) => range.to_string(),
        Destination::PrefixList(id) => id.to_string(),
    }
}

/// Some addresses in short: the only one, or the first and how many more ranges.
pub(crate) fn say_spans(spans: &[Span], family: crate::packet::Family) -> String {
    match spans {
        [] => String::new(),
        [one, rest @ ..] => {
            let (first, last) = (family.address(one.first), family.address(one.last));
            let text = if first == last { first.to_string() } else { format!("{first}-{last}") };
            if rest.is_empty() { text } else { format!("{text} (+{})", rest.len()) }
        }
    }
}

/// The default route of a family.
pub(crate) fn default_route(family: crate::packet::Family) -> IpRange {
    let text = match family {
        crate::packet::Family::V4 => "0.0.0.0/0",
        crate::packet::Family::V6 => "::/0",
    };
    IpRange::parse(text).unwrap_or_else(|| IpRange::from(IpAddr::from([0u8, 0, 0, 0])))
}
