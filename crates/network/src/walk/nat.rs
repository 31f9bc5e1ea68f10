//! NAT gateways.

use super::{Dead, Guard, Hop, Kind, Leg, Packet, Translation, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{Protocol, Service, Target};
use crate::filter::{Passage, Way};
use crate::packet::{ANY_PORT, End, Family, ICMP, ICMPV6, PacketBox, PacketSet, TCP, UDP};
use crate::topology::Link;
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_model::IpRange;

impl Walker<'_> {
    /// A route sends the packet to a NAT gateway (`vpc/latest/userguide/vpc-nat-gateway`): TCP, UDP and ICMP, with its own
    /// address and port as the source.
    pub(crate) fn enter_nat_gateway(&mut self, id: &SmolStr, from: Option<u32>, vpc: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let home = net.estate.vpcs.get(vpc as usize).map(|v| v.home.clone()).unwrap_or_default();
        let found = match self.find(&net.nat, id, "DescribeNatGateways", &home) {
            Link::At(at) => net.estate.nat_gateways.get(at as usize),
            link => {
                let at = Hop::new(id.clone(), Kind::NatGateway);
                let gone = || Dead::new(at, Code::BadState, "the NAT gateway is gone", "NAT ゲートウェイが存在しない");
                return self.absent(link, gone, leg);
            }
        };
        let Some(nat) = found else { return };
        let regional = nat.subnet.is_empty();
        let subnet = net.subnet.get(&nat.subnet).copied();
        let mut leg = leg;
        if let Some(subnet) = subnet.filter(|s| Some(*s) != from)
            && let Some(record) = net.estate.subnets.get(subnet as usize)
        {
            leg = match self.pass(leg, Kind::Subnet, &record.id, &packet) {
                Some(leg) => leg,
                None => return,
            };
            self.check_acl(subnet, Way::Ingress, packet.source, &packet, &mut leg);
        }
        let Some(mut leg) = self.pass(leg, Kind::NatGateway, id, &packet) else { return };
        let at = Hop::new(id.clone(), Kind::NatGateway);
        if !matches!(nat.state.as_str(), "available" | "") {
            let (rule, rule_ja) =
                (format!("the NAT gateway is {}", nat.state), format!("NAT ゲートウェイの状態が {} である", nat.state));
            return self.dead(Dead::new(at, Code::BadState, rule, rule_ja), leg);
        }
        if packet.reply {
            let (rule, rule_ja) = (
                "the answer leaves by a NAT gateway that the request did not come through: its source is replaced",
                "リクエストが通っていない NAT ゲートウェイから応答が出るため、送信元が書き換えられる",
            );
            let fix = self.direct_route(vpc, &packet, &leg);
            return self.dead(Dead { fix, ..Dead::new(at, Code::NatSourceReassign, rule, rule_ja) }, leg);
        }
        self.check(
            &mut leg,
            &packet,
            Guard::Protocol { at: at.clone(), code: Code::Protocol },
            Passage::exactly(translated(self.family)),
        );
        if let End::At(IpAddr::V6(ip)) = packet.destination
            && !IpRange::parse("64:ff9b::/96").is_some_and(|r| r.contains(ip.into()))
        {
            // NAT64 translates what is sent to this block, and nothing else
            // (`vpc/latest/userguide/nat-gateway-nat64-dns64`).
            let (rule, rule_ja) = (
                "a NAT gateway takes IPv6 packets to 64:ff9b::/96 only",
                "NAT ゲートウェイが扱う IPv6 の宛先は 64:ff9b::/96 に限られる",
            );
            return self.dead(Dead::new(at, Code::NoPossibleDestination, rule, rule_ja), leg);
        }
        let family = self.family;
        let outside = nat.addresses.iter().find(|a| crate::packet::Family::of(a.ip) == family).map(|a| a.ip);
        let interface = nat.interfaces.first().and_then(|i| net.interface.get(i)).copied();
        let (Some(outside), Some(interface)) = (outside, interface) else {
            return self.unread(net.hole("DescribeNatGateways", &nat.id, &nat.home), leg);
        };
        leg.translations.push(Translation { interface, inside: packet.source, outside });
        let packet = Packet { source: End::At(outside), free_port: true, sender: Some(interface), ..packet };
        match subnet {
            Some(subnet) => self.leave_subnet(subnet, packet, leg),
            // A regional NAT gateway stands in no subnet and routes to the internet gateway itself
            // (`vpc/latest/userguide/nat-gateways-regional`).
            None if regional => match net.gateway_of(&nat.vpc).cloned() {
                Some(gateway) => self.enter_internet_gateway(&gateway, None, vpc, packet, leg),
                None => {
                    let (rule, rule_ja) = (
                        "no internet gateway is attached to its VPC",
                        "VPC にインターネットゲートウェイがアタッチされていない",
                    );
                    self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja), leg);
                }
            },
            None => self.unread(net.hole("DescribeSubnets", &nat.subnet, &nat.home), leg),
        }
    }

    /// A route past the device for an answer, straight to the internet gateway that the request came in by.
    pub(super) fn direct_route(&self, vpc: u32, packet: &Packet, leg: &Leg) -> Option<Change> {
        let table = leg.hops.iter().rev().find(|h| h.kind == Kind::RouteTable)?.id.clone();
        let gateway = self.net.estate.vpcs.get(vpc as usize).and_then(|v| self.net.gateway_of(&v.id))?;
        let client = match packet.destination {
            End::At(ip) => ip,
            End::Far => self.family.address(leg.far.first()?.first),
        };
        Some(Change::AddRoute {
            table,
            destination: IpRange::from(client),
            target: Target::InternetGateway(gateway.clone()),
        })
    }

    /// A packet comes to a NAT gateway's own address: it takes no connection from there.
    pub(crate) fn at_nat_gateway(&mut self, nat: u32, packet: Packet, leg: Leg) {
        let Some(nat) = self.net.estate.nat_gateways.get(nat as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::NatGateway, &nat.id, &packet) else { return };
        let at = Hop::new(nat.id.clone(), Kind::NatGateway);
        let (rule, rule_ja) = (
            "a NAT gateway takes no connections to its own address",
            "NAT ゲートウェイは自身のアドレス宛ての接続を受け付けない",
        );
        self.dead(Dead::new(at, Code::NoPossibleDestination, rule, rule_ja), leg);
    }
}

/// The protocols that NAT gateways carry (`vpc/latest/userguide/nat-gateway-basics`).
fn translated(family: Family) -> PacketSet {
    let icmp = if family == Family::V4 { ICMP } else { ICMPV6 };
    let whole = |protocol| PacketBox::of(Service { protocol: Protocol::Number(protocol), ports: ANY_PORT });
    [icmp, TCP, UDP].into_iter().map(whole).collect()
}
