//! Network interfaces: what sends, what takes, and their security groups.

use super::{Arrival, Dead, Guard, Hop, Kind, Leg, Packet, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::filter::{Remote, Way};
use crate::packet::End;
use crate::topology::{Missing, Network, Role};
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;

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
        if let End::At(ip) = packet.destination
            && holds(interface, ip)
        {
            // What a host sends to its own address never leaves it.
            return self.arrive(Arrival::Interface(at, ip), packet, leg);
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
    pub(super) fn untranslate(&mut self, at: u32, packet: Packet, leg: Leg) {
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
}

impl Network {
    /// The service that answers on an address of the VPC's own: instance metadata, DNS, time. Neither security groups nor
    /// network ACLs filter them (`vpc/latest/userguide/vpc-security-groups`, `vpc-network-acls`; addresses:
    /// `vpc/latest/userguide/AmazonDNS-concepts`, `AWSEC2/latest/UserGuide/instancedata-data-retrieval`, `set-time`).
    pub(super) fn own_service(&self, interface: u32, ip: IpAddr) -> Option<&'static str> {
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
    pub(super) fn groups_seen(
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
pub(super) fn another(net: &Network, at: u32, ip: IpAddr) -> Dead {
    let id = net.estate.interfaces.get(at as usize).map(|i| i.id.clone()).unwrap_or_default();
    let rule = format!("{ip} is the address of {id} here: the address blocks overlap");
    let rule_ja = format!("ここでは {ip} は {id} のアドレスである (CIDR の重複)");
    Dead::new(Hop::new(id, Kind::NetworkInterface), Code::NoPossibleDestination, rule, rule_ja)
}
