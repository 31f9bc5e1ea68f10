//! Gateway endpoints, and the endpoints of firewalls and appliances behind a Gateway Load Balancer.

use super::{Arrival, Dead, Guard, Hop, Kind, Leg, Note, Packet, Walker};
use crate::code::Code;
use crate::estate::{Home, Protocol, Service};
use crate::filter::{Passage, Way};
use crate::packet::{ANY_PORT, End, ICMP, PacketBox, PacketSet, TCP};
use crate::topology::{Link, Missing};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Gap, GapReason};

impl Walker<'_> {
    /// A route sends the packet to an endpoint.
    pub(crate) fn enter_endpoint(&mut self, id: &SmolStr, from: Option<u32>, vpc: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        if let Some((firewall, subnet)) = net.firewall_endpoint.get(id) {
            return self.enter_firewall(id, *firewall, subnet, from, packet, leg);
        }
        let home = net.estate.vpcs.get(vpc as usize).map(|v| v.home.clone()).unwrap_or_default();
        let at = Hop::new(id.clone(), Kind::VpcEndpoint);
        let index = match self.find(&net.endpoint, id, "DescribeVpcEndpoints", &home) {
            Link::At(index) => index,
            link => {
                let gone = || Dead::new(at, Code::BadState, "the endpoint is gone", "エンドポイントが存在しない");
                return self.absent(link, gone, leg);
            }
        };
        let Some(endpoint) = net.estate.endpoints.get(index as usize) else { return };
        let Some(mut leg) = self.pass(leg, Kind::VpcEndpoint, id, &packet) else { return };
        if !endpoint.state.is_empty() && !endpoint.state.eq_ignore_ascii_case("available") {
            let (rule, rule_ja) = (
                format!("the endpoint is {}", endpoint.state),
                format!("エンドポイントの状態が {} である", endpoint.state),
            );
            return self.dead(Dead::new(at, Code::BadState, rule, rule_ja), leg);
        }
        if !endpoint.kind.eq_ignore_ascii_case("gateway") {
            // What stands behind a Gateway Load Balancer is not AWS configuration.
            let call = if endpoint.service.contains("vpce-svc") {
                "DescribeVpcEndpointServiceConfigurations"
            } else {
                "network-firewall:DescribeFirewall"
            };
            return self.unread(net.hole(call, id, &endpoint.home), leg);
        }
        if let End::At(ip) = packet.source
            && !net.in_vpc(vpc, ip)
        {
            // What comes by a peering connection, transit gateway, VPN or Direct Connect cannot use it
            // (`vpc/latest/privatelink/gateway-endpoints`).
            let (rule, rule_ja) = (
                format!("a gateway endpoint serves its own VPC only, and {ip} is outside"),
                format!("ゲートウェイエンドポイントは自身の VPC 専用で、{ip} は VPC の外にある"),
            );
            return self.dead(Dead::new(at, Code::NoPossibleDestination, rule, rule_ja), leg);
        }
        // `VPCE_GATEWAY_PROTOCOL_RESTRICTION`: TCP and ICMP echo only.
        self.check(
            &mut leg,
            &packet,
            Guard::Protocol { at, code: Code::EndpointProtocol },
            Passage::exactly(carried(packet.reply)),
        );
        if endpoint.policy.is_some() {
            leg.notes.push(Note::EndpointPolicy(id.clone()));
        }
        let service = endpoint.service.clone();
        let Some(leg) = self.pass(leg, Kind::Service, &service, &packet) else { return };
        self.arrive(Arrival::Service(index, vpc), packet, leg);
    }

    /// An answer from the service behind a gateway endpoint.
    pub(crate) fn arrive_from_service(&mut self, endpoint: u32, vpc: u32, packet: Packet, leg: Leg) {
        let Some(endpoint) = self.net.estate.endpoints.get(endpoint as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::Service, &endpoint.service, &packet) else { return };
        let Some(leg) = self.pass(leg, Kind::VpcEndpoint, &endpoint.id, &packet) else { return };
        self.deliver_in_vpc(vpc, None, packet, leg);
    }

    /// AWS Network Firewall: in by the subnet of its endpoint, through its rules, and on by that subnet's routes
    /// (`network-firewall/latest/developerguide/how-it-works`).
    fn enter_firewall(
        &mut self,
        endpoint: &SmolStr,
        firewall: u32,
        subnet: &SmolStr,
        from: Option<u32>,
        packet: Packet,
        leg: Leg,
    ) {
        let net = self.net;
        let Some(record) = net.estate.firewalls.get(firewall as usize) else { return };
        let Some(at) = net.subnet.get(subnet).copied() else {
            return self.unread(net.hole("DescribeSubnets", subnet, &record.home), leg);
        };
        let mut leg = leg;
        if from != Some(at) {
            leg = match self.pass(leg, Kind::Subnet, subnet, &packet) {
                Some(leg) => leg,
                None => return,
            };
            self.check_acl(at, Way::Ingress, packet.source, &packet, &mut leg);
        }
        let Some(leg) = self.pass(leg, Kind::VpcEndpoint, endpoint, &packet) else { return };
        let Some(mut leg) = self.pass(leg, Kind::NetworkFirewall, &record.id, &packet) else { return };
        if packet.reply && !self.inspected.is_empty() && !self.inspected.contains(endpoint) {
            // Each endpoint follows its own connections: what it does with an answer to another's hangs on stream settings
            // (`network-firewall/latest/developerguide/vpc-config-tgw-multi-az`).
            let hole = self
                .unjudged(&format!("the answer comes by {endpoint}, the request by another endpoint"), &record.home);
            let guard = Guard::Firewall { firewall, source: packet.source, destination: packet.destination };
            self.check(&mut leg, &packet, guard, Passage::unknown(hole));
        }
        let passage = match &record.rules {
            Some(rules) if packet.reply => rules.answers(packet.source, packet.destination, self.family),
            Some(rules) => rules.passes(packet.source, packet.destination, self.family),
            None => crate::firewall::Passage { may: PacketSet::all(), ..Default::default() },
        };
        let missing: Vec<_> = match &record.rules {
            None => vec![net.hole("network-firewall:DescribeFirewallPolicy", &record.id, &record.home)],
            Some(_) => passage.unread.iter().map(|rule| self.unjudged(rule, &record.home)).collect(),
        };
        let may = (!missing.is_empty()).then_some(passage.may);
        let guard = Guard::Firewall { firewall, source: packet.source, destination: packet.destination };
        self.check(&mut leg, &packet, guard, Passage { must: passage.must, may, missing });
        let packet = Packet { forwarded: true, ..packet };
        if let End::At(ip) = packet.destination
            && net.estate.subnets.get(at as usize).is_some_and(|s| s.cidrs.iter().any(|c| c.contains(ip)))
        {
            return self.leave_subnet(at, packet, leg);
        }
        self.check_acl(at, Way::Egress, packet.destination, &packet, &mut leg);
        self.route_from(at, packet, leg);
    }
}

impl Walker<'_> {
    /// Why a firewall's rule cannot be judged: its group was not read, or it hangs on more than a packet's header.
    fn unjudged(&self, rule: &str, home: &Home) -> Arc<Missing> {
        if let Some(group) = rule.strip_suffix(" DescribeRuleGroup") {
            return self.net.hole("network-firewall:DescribeRuleGroup", &group.into(), home);
        }
        let gap = Gap::new(GapReason::NotTold, format!("what `{rule}` does hangs on more than addresses and ports"));
        Arc::new(Missing { call: SmolStr::default(), of: format!("payload: {rule}").into(), gap: Arc::new(gap) })
    }
}

/// What gateway endpoints carry, in the packet's own direction.
fn carried(reply: bool) -> PacketSet {
    let tcp = PacketBox::of(Service { protocol: Protocol::Number(TCP), ports: ANY_PORT });
    let kind = if reply { 0u16 } else { 8 };
    let echo = PacketBox::of(Service { protocol: Protocol::Number(ICMP), ports: (kind << 8, kind << 8 | 255) });
    [tcp, echo].into_iter().collect()
}
