//! VPC peering connections.

use super::route::and_spans;
use super::{Dead, Hop, Kind, Leg, Packet, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::packet::{End, Family, Span};
use crate::topology::{Link, Network};
use smol_str::SmolStr;

impl Walker<'_> {
    /// A route sends the packet to a peering connection. It carries what goes from an address of one VPC to an address
    /// of the other, and nothing that comes from or goes beyond them (`vpc/latest/peering/vpc-peering-basics`).
    pub(crate) fn enter_peering(&mut self, id: &SmolStr, vpc: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(own) = net.estate.vpcs.get(vpc as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::VpcPeeringConnection, id, &packet) else { return };
        let at = Hop::new(id.clone(), Kind::VpcPeeringConnection);
        let peering = match self.find(&net.peering, id, "DescribeVpcPeeringConnections", &own.home) {
            Link::At(at) => net.estate.peerings.get(at as usize),
            link => {
                let gone =
                    || Dead::new(at, Code::BadState, "the peering connection is gone", "ピアリング接続が存在しない");
                return self.absent(link, gone, leg);
            }
        };
        let Some(peering) = peering else { return };
        if peering.status != "active" {
            let (rule, rule_ja) = (
                format!("the peering connection is {}", peering.status),
                format!("ピアリング接続の状態が {} である", peering.status),
            );
            let dead = Dead::new(at, Code::BadState, rule, rule_ja);
            let pending =
                matches!(peering.status.as_str(), "pending-acceptance" | "provisioning" | "initiating-request");
            return self
                .dead(if pending { dead.fixed_by(Change::AcceptPeering { peering: id.clone() }) } else { dead }, leg);
        }
        let other = if peering.requester.vpc == own.id { &peering.accepter } else { &peering.requester };
        let known = net.vpc.get(&other.vpc).copied();
        let mut blocks: Vec<Span> =
            other.cidrs.iter().filter(|c| Family::of(c.first()) == self.family).map(Span::of).collect();
        if let Some(known) = known {
            blocks.extend(net.spans_of_vpc(known, self.family));
        }
        let within = match packet.destination {
            End::At(ip) => blocks.iter().any(|b| b.contains(crate::packet::number(ip))).then(|| leg.far.clone()),
            End::Far => Some(and_spans(&leg.far, &blocks)).filter(|far| !far.is_empty()),
        };
        let own_source = match packet.source {
            End::At(ip) => net.in_vpc(vpc, ip),
            End::Far => false,
        };
        let Some(far) = within.filter(|_| own_source) else {
            let rule = format!("it carries only what goes between addresses of {} and {}", own.id, other.vpc);
            let rule_ja =
                format!("{} と {} のアドレス間の通信だけを通す (推移的なピアリングはできない)", own.id, other.vpc);
            let dead = Dead::new(at, Code::PeeringAddress, rule, rule_ja);
            let dead = match net.way_around(vpc, id, packet.destination, self.family) {
                Some(fix) if own_source => dead.fixed_by(fix),
                _ => dead,
            };
            return self.dead(dead, leg);
        };
        let leg = Leg { far, ..leg };
        match known {
            Some(known) => self.deliver_in_vpc(known, None, packet, leg),
            None => {
                let hole = net.hole("DescribeVpcs", &other.vpc, &other.home);
                self.unread(hole, leg);
            }
        }
    }
}

impl Network {
    /// The VPCs that an active peering connection joins to this one.
    pub(crate) fn peered_vpcs(&self, vpc: &SmolStr) -> Vec<SmolStr> {
        let active = self.estate.peerings.iter().filter(|p| p.status == "active");
        active
            .filter_map(|p| match (p.requester.vpc == *vpc, p.accepter.vpc == *vpc) {
                (true, _) => Some(p.accepter.vpc.clone()),
                (_, true) => Some(p.requester.vpc.clone()),
                _ => None,
            })
            .collect()
    }
}
