//! Virtual private gateways, VPN connections and Direct Connect.

use super::{Arrival, Dead, Hop, Kind, Leg, Note, Packet, Walker};
use crate::code::Code;
use crate::estate::{TransitAttachment, VpnConnection, VpnGateway};
use crate::packet::{End, Family, Span, number};
use crate::topology::{Link, Network};
use crate::walk::route::{and_spans, minus_spans};
use smol_str::SmolStr;
use yagura_model::IpRange;

impl Walker<'_> {
    /// A route sends the packet to a virtual private gateway (`vpn/latest/s2svpn/VPNRoutingTypes`): it needs a way of its own to
    /// the destination, by a VPN connection with a tunnel up or by Direct Connect.
    pub(crate) fn enter_vpn_gateway(&mut self, id: &SmolStr, vpc: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(own) = net.estate.vpcs.get(vpc as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::VpnGateway, id, &packet) else { return };
        let at = Hop::new(id.clone(), Kind::VpnGateway);
        let (index, gateway) = match self.find(&net.vpn_gateway, id, "DescribeVpnGateways", &own.home) {
            Link::At(index) => match net.estate.vpn_gateways.get(index as usize) {
                Some(gateway) => (index, gateway),
                None => return,
            },
            link => {
                let gone = || {
                    Dead::new(
                        at,
                        Code::BadState,
                        "the virtual private gateway is gone",
                        "仮想プライベートゲートウェイが存在しない",
                    )
                };
                return self.absent(link, gone, leg);
            }
        };
        if !gateway.vpcs.contains(&own.id) {
            let (rule, rule_ja) =
                (format!("it is not attached to {}", own.id), format!("{} にアタッチされていない", own.id));
            return self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja), leg);
        }
        if let End::At(ip) = packet.source
            && !net.in_vpc(vpc, ip)
        {
            let (rule, rule_ja) = (
                format!("the source {ip} is not of {}", own.id),
                format!("送信元 {ip} は {} のアドレスではない", own.id),
            );
            return self.dead(Dead::new(at, Code::VpnGatewayEgress, rule, rule_ja), leg);
        }
        let behind = net.behind(gateway, self.family);
        let (known, open) = match packet.destination {
            End::At(ip) => {
                (behind.routes.iter().any(|s| s.contains(number(ip))).then(|| leg.far.clone()), leg.far.clone())
            }
            End::Far => {
                let known = and_spans(&leg.far, &behind.routes);
                let open = minus_spans(&leg.far, &behind.routes);
                ((!known.is_empty()).then_some(known), open)
            }
        };
        if let Some(far) = &known {
            let mut leg = Leg { far: far.clone(), ..leg.clone() };
            leg.notes.push(Note::OnPremises(id.clone()));
            let leg = behind.connections.iter().try_fold(leg, |leg, c| self.pass(leg, Kind::VpnConnection, c, &packet));
            if let Some(leg) = leg {
                self.arrive(Arrival::VpnGateway(index, vpc), packet, leg);
            }
        }
        if packet.destination != End::Far && known.is_some() || open.is_empty() {
            return;
        }
        let leg = Leg { far: open, ..leg };
        if let Some(connection) = behind.down {
            let at = Hop::new(connection, Kind::VpnConnection);
            let (rule, rule_ja) =
                ("every tunnel of the VPN connection is down", "VPN 接続のトンネルがすべてダウンしている");
            return self.dead(Dead::new(at, Code::BadStateVpn, rule, rule_ja), leg);
        }
        if let Some(hole) = net.unanswered("DescribeVpnConnections", id, &own.home) {
            return self.unread(hole, leg);
        }
        if behind.dynamic {
            // What BGP tells of the other side stands in no record.
            let hole = net.hole("", &format!("BGP routes behind {id}").into(), &own.home);
            return self.unread(hole, leg);
        }
        let (rule, rule_ja) = (
            "the virtual private gateway has no route to the destination",
            "仮想プライベートゲートウェイに宛先へのルートがない",
        );
        self.dead(Dead::new(at, Code::NoRoute, rule, rule_ja), leg);
    }

    /// A packet from behind a virtual private gateway, into a VPC.
    pub(crate) fn arrive_from_vpn_gateway(&mut self, gateway: u32, vpc: u32, packet: Packet, leg: Leg) {
        let net = self.net;
        let (Some(gateway), Some(own)) =
            (net.estate.vpn_gateways.get(gateway as usize), net.estate.vpcs.get(vpc as usize))
        else {
            return;
        };
        let Some(leg) = self.pass(leg, Kind::VpnGateway, &gateway.id, &packet) else { return };
        if let End::At(ip) = packet.destination
            && !net.in_vpc(vpc, ip)
        {
            let at = Hop::new(gateway.id.clone(), Kind::VpnGateway);
            let (rule, rule_ja) = (
                format!("{ip} is not a private address of {}", own.id),
                format!("{ip} は {} のプライベートアドレスではない", own.id),
            );
            return self.dead(Dead::new(at, Code::VpnGatewayIngress, rule, rule_ja), leg);
        }
        self.route_from_gateway(&gateway.id, vpc, packet, leg);
    }

    /// Out of a transit gateway by a VPN connection.
    pub(crate) fn out_to_vpn(&mut self, at: u32, record: &TransitAttachment, packet: Packet, mut leg: Leg) {
        let net = self.net;
        let connection = net.estate.vpn_connections.iter().find(|c| c.id == record.resource);
        let Some(connection) = connection else {
            let hole = net.hole("DescribeVpnConnections", &record.resource, &record.home);
            return self.unread(hole, leg);
        };
        leg.notes.push(Note::OnPremises(connection.id.clone()));
        let Some(leg) = self.pass(leg, Kind::VpnConnection, &connection.id, &packet) else { return };
        if is_down(connection) {
            let at = Hop::new(connection.id.clone(), Kind::VpnConnection);
            let (rule, rule_ja) =
                ("every tunnel of the VPN connection is down", "VPN 接続のトンネルがすべてダウンしている");
            return self.dead(Dead::new(at, Code::TransitBadVpn, rule, rule_ja), leg);
        }
        self.arrive(Arrival::Transit(at), packet, leg);
    }
}

/// What a virtual private gateway has behind it.
struct Behind {
    /// Destinations that it is known to have a way to.
    routes: Vec<Span>,
    /// The connections that carry it.
    connections: Vec<SmolStr>,
    /// A connection whose tunnels are all down.
    down: Option<SmolStr>,
    /// Whether BGP may bring more than is known.
    dynamic: bool,
}

impl Network {
    /// The ways of a virtual private gateway: static routes of its VPN connections, what Direct Connect brings, and what it
    /// propagated into route tables (which it then knows a way to).
    fn behind(&self, gateway: &VpnGateway, family: Family) -> Behind {
        let of_gateway = |c: &&VpnConnection| {
            c.vpn_gateway.as_ref() == Some(&gateway.id) && !matches!(c.state.as_str(), "deleted" | "deleting")
        };
        let (down, up): (Vec<&VpnConnection>, Vec<&VpnConnection>) =
            self.estate.vpn_connections.iter().filter(of_gateway).partition(|c| is_down(c));
        let mut ranges: Vec<IpRange> = up.iter().flat_map(|c| c.routes.iter().copied()).collect();
        ranges.extend(&gateway.direct_connect_routes);
        let dynamic = up.iter().any(|c| !c.static_only);
        if dynamic || gateway.direct_connect {
            let tables = self.estate.route_tables.iter().flat_map(|t| &t.routes);
            let propagated = tables.filter(|r| {
                r.propagated && !r.blackhole && r.target == crate::estate::Target::VpnGateway(gateway.id.clone())
            });
            ranges.extend(propagated.filter_map(|r| match &r.destination {
                crate::estate::Destination::Range(range) => Some(*range),
                crate::estate::Destination::PrefixList(_) => None,
            }));
        }
        Behind {
            routes: ranges.iter().filter(|r| Family::of(r.first()) == family).map(Span::of).collect(),
            connections: up.iter().map(|c| c.id.clone()).collect(),
            down: down.first().filter(|_| up.is_empty()).map(|c| c.id.clone()),
            dynamic: dynamic || gateway.direct_connect,
        }
    }
}

/// Whether every tunnel of a connection is told to be down.
fn is_down(connection: &VpnConnection) -> bool {
    !connection.tunnels.is_empty() && connection.tunnels.iter().all(|up| !up)
}
