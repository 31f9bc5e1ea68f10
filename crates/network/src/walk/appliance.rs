//! Interfaces as targets of routes: NAT instances and other appliances.

use super::interface::{holds, source_dest_check};
use super::internet::is_public;
use super::{Dead, Hop, Kind, Leg, Note, Packet, Translation, Walker};
use crate::code::Code;
use crate::estate::Target;
use crate::filter::Way;
use crate::packet::{End, Family};
use crate::topology::{Link, Network};
use smol_str::SmolStr;

impl Walker<'_> {
    /// A route sends the packet to an instance: to its first interface.
    pub(crate) fn enter_appliance_instance(
        &mut self,
        id: &SmolStr,
        from: Option<u32>,
        vpc: u32,
        packet: Packet,
        leg: Leg,
    ) {
        let net = self.net;
        let interfaces = net.instance.get(id).and_then(|at| net.instance_interfaces.get(at));
        let first = interfaces.and_then(|i| i.first()).and_then(|at| net.estate.interfaces.get(*at as usize));
        match first {
            Some(interface) => self.enter_appliance(&interface.id, from, vpc, packet, leg),
            None => {
                let home = net.estate.vpcs.get(vpc as usize).map(|v| v.home.clone()).unwrap_or_default();
                let at = Hop::new(id.clone(), Kind::Instance);
                let gone = || {
                    Dead::new(
                        at,
                        Code::BadState,
                        "the instance has no network interface",
                        "インスタンスにネットワークインターフェイスがない",
                    )
                };
                let link = self.find(&net.instance, id, "DescribeInstances", &home);
                self.absent(link, gone, leg);
            }
        }
    }

    /// A route sends the packet to an interface, whose owner is to pass it on. That takes `SourceDestCheck` off
    /// (`vpc/latest/userguide/VPC_NAT_Instance`); what the owner does inside is not AWS configuration, so the walk goes on
    /// and notes it. Where its own subnet leads to the internet, it is taken for a NAT instance.
    pub(crate) fn enter_appliance(&mut self, id: &SmolStr, from: Option<u32>, vpc: u32, packet: Packet, mut leg: Leg) {
        let net = self.net;
        let home = net.estate.vpcs.get(vpc as usize).map(|v| v.home.clone()).unwrap_or_default();
        let at = match self.find(&net.interface, id, "DescribeNetworkInterfaces", &home) {
            Link::At(at) => at,
            link => {
                let at = Hop::new(id.clone(), Kind::NetworkInterface);
                let gone = || {
                    Dead::new(
                        at,
                        Code::BadStateRoute,
                        "the network interface is gone",
                        "ネットワークインターフェイスが存在しない",
                    )
                };
                return self.absent(link, gone, leg);
            }
        };
        let (Some(interface), Some(links)) = (net.estate.interfaces.get(at as usize), net.interfaces.get(at as usize))
        else {
            return;
        };
        let Some(subnet) = links.subnet else {
            return self.unread(net.hole("DescribeSubnets", &interface.subnet, &interface.home), leg);
        };
        if from != Some(subnet)
            && let Some(record) = net.estate.subnets.get(subnet as usize)
        {
            leg = match self.pass(leg, Kind::Subnet, &record.id, &packet) {
                Some(leg) => leg,
                None => return,
            };
            self.check_acl(subnet, Way::Ingress, packet.source, &packet, &mut leg);
        }
        let receiving = Packet { sender: Some(at), ..packet };
        let Some(mut leg) = self.at_interface(at, &receiving, leg) else { return };
        if let End::At(ip) = packet.destination
            && holds(interface, ip)
        {
            return self.receive(at, ip, packet, leg);
        }
        if interface.source_dest_check {
            let dead = source_dest_check(
                id.clone(),
                "it drops what is not addressed to it",
                "自分宛てでないパケットを破棄する",
            );
            return self.dead(dead, leg);
        }
        // An answer that takes another way than its request is news to the groups here.
        if !packet.reply || !self.tracked.contains(&at) {
            self.check_groups(at, Way::Ingress, packet.source, &packet, &mut leg);
            self.check_groups(at, Way::Egress, packet.destination, &packet, &mut leg);
        }
        leg.notes.push(Note::Appliance(id.clone()));
        // Addresses of IPv6 are public themselves: only IPv4 is translated.
        let own = interface.addresses.iter().find(|a| self.family == Family::V4 && a.public.is_some());
        let outward = match packet.destination {
            End::At(ip) => is_public(ip),
            End::Far => true,
        };
        let mut packet = Packet { forwarded: true, sender: None, ..packet };
        if let (Some(own), false, true) = (own, packet.reply, outward && net.leads_to_internet(subnet)) {
            leg.translations.push(Translation { interface: at, inside: packet.source, outside: own.ip });
            packet = Packet { source: End::At(own.ip), free_port: true, sender: Some(at), ..packet };
        }
        self.leave_subnet(subnet, packet, leg);
    }
}

impl Network {
    /// Whether some route of a subnet's table leads to an internet gateway.
    fn leads_to_internet(&self, subnet: u32) -> bool {
        let table = self.subnets.get(subnet as usize).and_then(|l| l.route_table.at());
        let table = table.and_then(|t| self.estate.route_tables.get(t as usize));
        table.is_some_and(|t| t.routes.iter().any(|r| matches!(r.target, Target::InternetGateway(_))))
    }
}
