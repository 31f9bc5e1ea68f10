//! Interfaces, subnets and the router of a VPC.

use super::route::{Portion, unread_services};
use super::{Arrival, Dead, Guard, Hop, Kind, Leg, Note, Packet, TakenRoute, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{Destination, Route, Target};
use crate::filter::{Passage, Remote, Way};
use crate::packet::{End, Span};
use crate::topology::{Link, Missing, Network, Role, target_id};
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

impl Walker<'_> {
    /// An interface sends the packet.
    pub(crate) fn send(&mut self, at: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(interface) = net.estate.interfaces.get(at as usize) else { return };
        let Some(mut leg) = self.at_interface(at, &packet, leg) else { return };
        let packet = Packet { sender: Some(at), ..packet };
        if let End::At(ip) = packet.destination
            && !packet.reply
            && let Some(service) = net.own_service(at, ip)
        {
            // Security groups, network ACLs and routes have no say in these.
            leg.hops.push(Hop::new(SmolStr::new_static(service), Kind::Service));
            return self.arrive(Arrival::Component, packet, leg);
        }
        if let End::At(ip) = packet.source
            && interface.source_dest_check
            && !holds(interface, ip)
        {
            let dead = source_dest_check(
                interface.id.clone(),
                &format!("it sends from {ip}, which is not its own"),
                &format!("自分のものではない {ip} から送信している"),
            );
            return self.dead(dead, leg);
        }
        if !packet.reply {
            self.check_groups(at, Way::Egress, packet.destination, &packet, &mut leg);
        }
        if let Some(subnet) = self.subnet_of_interface(at, &leg) {
            self.leave_subnet(subnet, packet, leg);
        }
    }

    /// Notes an interface and its instance, which have to work. `None`: the walk is over.
    pub(super) fn at_interface(&mut self, at: u32, packet: &Packet, leg: Leg) -> Option<Leg> {
        let net = self.net;
        let interface = net.estate.interfaces.get(at as usize)?;
        let instance = net.interfaces.get(at as usize)?.instance.and_then(|i| net.estate.instances.get(i as usize));
        let sending = packet.sender.is_none();
        let mut leg = leg;
        let entries: [Option<(Kind, &SmolStr)>; 2] = [
            instance.map(|i| (Kind::Instance, &i.id)).or(interface.instance.as_ref().map(|i| (Kind::Instance, i))),
            Some((Kind::NetworkInterface, &interface.id)),
        ];
        let order: [usize; 2] = if sending { [0, 1] } else { [1, 0] };
        for (kind, id) in order.into_iter().filter_map(|i| entries.get(i).copied().flatten()) {
            leg = self.pass(leg, kind, id, packet)?;
        }
        if let Some(instance) = instance.filter(|i| !matches!(i.state.as_str(), "running" | "")) {
            let at = Hop::new(instance.id.clone(), Kind::Instance);
            let (rule, rule_ja) = (
                format!("the instance is {}", instance.state),
                format!("インスタンスの状態が {} である", instance.state),
            );
            let dead = Dead::new(at, Code::BadState, rule, rule_ja);
            let dead = match instance.state.as_str() {
                "stopped" | "stopping" | "pending" => {
                    dead.fixed_by(Change::StartInstance { instance: instance.id.clone() })
                }
                _ => dead,
            };
            self.dead(dead, leg);
            return None;
        }
        if !interface.in_use {
            let at = Hop::new(interface.id.clone(), Kind::NetworkInterface);
            let dead = Dead::new(
                at,
                Code::BadStateAttachment,
                "the network interface is not attached",
                "ネットワークインターフェイスがアタッチされていない",
            );
            self.dead(dead.fixed_by(Change::AttachInterface { interface: interface.id.clone() }), leg);
            return None;
        }
        Some(leg)
    }

    /// Asks the security groups of an interface.
    pub(super) fn check_groups(&mut self, at: u32, way: Way, remote: End, packet: &Packet, leg: &mut Leg) {
        let net = self.net;
        let Some(interface) = net.estate.interfaces.get(at as usize) else { return };
        // Gateway interfaces that AWS manages without groups take everything that their gateway does.
        if interface.groups.as_ref().is_some_and(Vec::is_empty)
            && net.interfaces.get(at as usize).is_some_and(|l| l.role.is_some())
        {
            return;
        }
        let crossing = |h: &&Hop| matches!(h.kind, Kind::VpcPeeringConnection | Kind::TransitGateway);
        let crossed = leg.hops.iter().rev().find(crossing).map(|h| h.kind).filter(|_| way == Way::Ingress);
        let seen = net.groups_seen(at, remote, packet.forwarded, crossed);
        let groups = match &seen {
            Ok(groups) => Ok(*groups),
            Err(missing) => Err(missing),
        };
        let passage = net.groups_allow(at, way, &Remote { end: remote, family: self.family, groups });
        for id in interface.groups.iter().flatten() {
            leg.note(Kind::SecurityGroup, id);
        }
        self.check(leg, packet, Guard::Groups { interface: at, way, remote }, passage);
    }

    pub(super) fn subnet_of_interface(&mut self, at: u32, leg: &Leg) -> Option<u32> {
        let found = self.net.interfaces.get(at as usize)?.subnet;
        if found.is_none() {
            let interface = self.net.estate.interfaces.get(at as usize)?;
            let hole = self.net.hole("DescribeSubnets", &interface.subnet, &interface.home);
            self.unread(hole, leg.clone());
        }
        found
    }

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
            if let Some(gap) = net.unread("DescribeSubnets", &record.home) {
                return self.unread(crate::topology::missing("DescribeSubnets", &record.id, gap), leg);
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
            None => match net.unread("DescribeNetworkInterfaces", &subnet.home) {
                Some(gap) => self.unread(crate::topology::missing("DescribeNetworkInterfaces", &subnet.id, gap), leg),
                None => self.dead(nobody(Hop::new(subnet.id.clone(), Kind::Subnet), ip), leg),
            },
        }
    }

    /// An interface takes the packet.
    pub(super) fn receive(&mut self, at: u32, ip: IpAddr, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(links) = net.interfaces.get(at as usize) else { return };
        if packet.reply && self.undo.last().is_some_and(|t| t.interface == at && t.outside == ip) {
            return self.untranslate(at, packet, leg);
        }
        if let Some(Role::NatGateway(nat)) = links.role {
            return self.at_nat_gateway(nat, packet, leg);
        }
        if self.goal.interface.is_some_and(|wanted| wanted != at && !packet.reply) {
            return self.dead(another(net, at, ip), leg);
        }
        let Some(mut leg) = self.at_interface(at, &packet, leg) else { return };
        if !packet.reply {
            self.check_groups(at, Way::Ingress, packet.source, &packet, &mut leg);
            if let Some(Role::LoadBalancer(balancer)) = links.role {
                let id = net.estate.load_balancers.get(balancer as usize).map(|b| b.id.clone()).unwrap_or_default();
                leg = match self.pass(leg, Kind::LoadBalancer, &id, &packet) {
                    Some(leg) => leg,
                    None => return,
                };
                self.check_balancer(balancer, at, &packet, &mut leg);
            }
            if let Some(Role::Endpoint(endpoint)) = links.role {
                self.check_service(endpoint, &mut leg);
            }
        }
        self.arrive(Arrival::Interface(at, ip), packet, leg);
    }

    /// A device puts the address back that it replaced in the request, and sends the answer on.
    fn untranslate(&mut self, at: u32, packet: Packet, leg: Leg) {
        let Some(translation) = self.undo.pop() else { return };
        let (kind, id) = self.device(at);
        if let Some(leg) = self.pass(leg, kind, &id, &packet)
            && let Some(subnet) = self.subnet_of_interface(at, &leg)
        {
            let packet = Packet { destination: translation.inside, free_port: !self.undo.is_empty(), ..packet };
            self.leave_subnet(subnet, packet, leg);
        }
        self.undo.push(translation);
    }

    /// What an interface is to people: its NAT gateway, or itself.
    pub(crate) fn device(&self, at: u32) -> (Kind, SmolStr) {
        let role = self.net.interfaces.get(at as usize).and_then(|l| l.role);
        if let Some(Role::NatGateway(nat)) = role
            && let Some(nat) = self.net.estate.nat_gateways.get(nat as usize)
        {
            return (Kind::NatGateway, nat.id.clone());
        }
        let id = self.net.estate.interfaces.get(at as usize).map(|i| i.id.clone()).unwrap_or_default();
        (Kind::NetworkInterface, id)
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

    /// The service that answers on an address of the VPC's own: instance metadata, DNS, time. Neither security groups nor
    /// network ACLs filter them (`vpc/latest/userguide/vpc-security-groups`, `vpc-network-acls`; addresses:
    /// `vpc/latest/userguide/AmazonDNS-concepts`, `AWSEC2/latest/UserGuide/instancedata-data-retrieval`, `set-time`).
    fn own_service(&self, interface: u32, ip: IpAddr) -> Option<&'static str> {
        let reserved = match ip {
            IpAddr::V4(a) => a.is_link_local(),
            IpAddr::V6(a) => a.segments().starts_with(&[0xfd00, 0xec2]),
        };
        let known = [
            ("169.254.169.254", "instance metadata"),
            ("fd00:ec2::254", "instance metadata"),
            ("169.254.169.253", "Amazon DNS"),
            ("fd00:ec2::253", "Amazon DNS"),
            ("169.254.169.123", "Amazon Time Sync"),
            ("fd00:ec2::123", "Amazon Time Sync"),
        ];
        if reserved && let Some((_, service)) = known.iter().find(|(address, _)| address.parse() == Ok(ip)) {
            return Some(service);
        }
        let vpc = self.interfaces.get(interface as usize).and_then(|l| l.vpc)?;
        let primary = self.estate.vpcs.get(vpc as usize)?.cidrs.iter().find(|c| c.first().is_ipv4())?;
        let resolver = crate::packet::number(primary.first()).checked_add(2)?;
        (ip.is_ipv4() && crate::packet::number(ip) == resolver).then_some("Amazon DNS")
    }

    /// The security groups of what has an address, where rules of an interface that name groups see them.
    ///
    /// They see members in the same VPC, in a peered VPC of the same Region, and behind a transit gateway with security
    /// group referencing on both attachments (`vpc/latest/userguide/security-group-rules`,
    /// `vpc/latest/peering/vpc-peering-security-groups`, `vpc/latest/tgw/tgw-vpc-attachments`). `crossed`: by which of
    /// the two the packet came; rules for what goes out see either.
    ///
    /// # Errors
    /// The hole where the groups of the other side were not read.
    fn groups_seen(
        &self,
        interface: u32,
        remote: End,
        forwarded: bool,
        crossed: Option<Kind>,
    ) -> Result<&[SmolStr], Arc<Missing>> {
        let End::At(ip) = remote else { return Ok(&[]) };
        let vpc = self.interfaces.get(interface as usize).and_then(|l| l.vpc);
        let Some(vpc) = vpc.filter(|_| !forwarded) else { return Ok(&[]) };
        let groups = |at: u32| match self.estate.interfaces.get(at as usize) {
            Some(other) => match &other.groups {
                Some(groups) => Ok(groups.as_slice()),
                None => Err(self.hole("DescribeNetworkInterfaces", &other.id, &other.home)),
            },
            None => Ok(&[][..]),
        };
        if self.in_vpc(vpc, ip) {
            return self.owner_of(vpc, ip).map_or(Ok(&[]), groups);
        }
        let Some(own) = self.estate.vpcs.get(vpc as usize) else { return Ok(&[]) };
        let others = match crossed {
            Some(Kind::VpcPeeringConnection) => self.peered_vpcs(&own.id),
            Some(_) => self.transit_peers(&own.id),
            None => [self.peered_vpcs(&own.id), self.transit_peers(&own.id)].concat(),
        };
        for other in others {
            let Some(at) = self.vpc.get(&other).copied().filter(|at| self.in_vpc(*at, ip)) else { continue };
            let same_region = self.estate.vpcs.get(at as usize).is_some_and(|v| v.home.region == own.home.region);
            if same_region && let Some(owner) = self.owner_of(at, ip) {
                return groups(owner);
            }
        }
        Ok(&[])
    }
}

/// Whether an address, or a prefix behind the interface, holds the address.
pub(crate) fn holds(interface: &crate::estate::Interface, ip: IpAddr) -> bool {
    interface.addresses.iter().any(|a| a.ip == ip) || interface.prefixes.iter().any(|p| p.contains(ip))
}

/// A drop by the source/destination check (`vpc/latest/userguide/VPC_NAT_Instance`).
pub(crate) fn source_dest_check(interface: SmolStr, why: &str, why_ja: &str) -> Dead {
    let fix = Change::DisableSourceDestCheck { interface: interface.clone() };
    let at = Hop::new(interface, Kind::NetworkInterface);
    let rule = format!("SourceDestCheck is on: {why}");
    let rule_ja = format!("SourceDestCheck が有効になっている: {why_ja}");
    Dead::new(at, Code::SourceDestCheck, rule, rule_ja).fixed_by(fix)
}

/// The address is that of another interface where the packet came to: blocks overlap.
fn another(net: &Network, at: u32, ip: IpAddr) -> Dead {
    let id = net.estate.interfaces.get(at as usize).map(|i| i.id.clone()).unwrap_or_default();
    let rule = format!("{ip} is the address of {id} here: the address blocks overlap");
    let rule_ja = format!("ここでは {ip} は {id} のアドレスである (CIDR の重複)");
    Dead::new(Hop::new(id, Kind::NetworkInterface), Code::NoPossibleDestination, rule, rule_ja)
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
