//! Transit gateways.

use super::route::{and_spans, minus_spans};
use super::{Arrival, Dead, Hop, Kind, Leg, Note, Packet, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{TransitAttachment, TransitRoute, TransitRouteTable};
use crate::filter::Way;
use crate::packet::{End, Family, Span, number};
use crate::topology::{Link, Missing, Network};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::IpRange;

impl Walker<'_> {
    /// A route sends the packet to a transit gateway, through the VPC's attachment
    /// (`vpc/latest/tgw/how-transit-gateways-work`).
    pub(crate) fn enter_transit_gateway(
        &mut self,
        id: &SmolStr,
        from: Option<u32>,
        vpc: u32,
        packet: Packet,
        leg: Leg,
    ) {
        let net = self.net;
        let Some(own) = net.estate.vpcs.get(vpc as usize) else { return };
        let Some(attachment) = net.vpc_attachment(id, &own.id) else {
            let at = Hop::new(id.clone(), Kind::TransitGateway);
            if let Some(hole) = net.unanswered("DescribeTransitGatewayAttachments", &own.id, &own.home) {
                return self.unread(hole, leg);
            }
            let (rule, rule_ja) =
                (format!("{} is not attached to it", own.id), format!("{} がアタッチされていない", own.id));
            let fix = Change::AttachTransitGateway { transit_gateway: id.clone(), vpc: own.id.clone() };
            return self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja).fixed_by(fix), leg);
        };
        let Some(record) = net.estate.transit_attachments.get(attachment as usize) else { return };
        let Some(mut leg) = self.pass(leg, Kind::TransitGatewayAttachment, &record.id, &packet) else { return };
        if !carries(&record.state) {
            return self.dead(bad_attachment(record), leg);
        }
        // The attachment needs a subnet in the zone that the packet leaves (`TGW_ROUTE_AZ_RESTRICTION`).
        if let (Some(from), Some(subnets)) = (from, &record.subnets)
            && let Some(source) = net.estate.subnets.get(from as usize)
        {
            let in_zone = |s: &&SmolStr| net.subnet_named(s).is_some_and(|s| s.zone == source.zone);
            match subnets.iter().find(in_zone) {
                Some(entry) if *entry != source.id => {
                    if let Some(at) = net.subnet.get(entry) {
                        self.check_acl(*at, Way::Ingress, packet.source, &packet, &mut leg);
                    }
                }
                // In one subnet the instance's way out asks the inbound rules too
                // (`vpc/latest/tgw/tgw-nacls`).
                Some(_) => self.check_acl(from, Way::Ingress, packet.source, &packet, &mut leg),
                None if subnets.is_empty() || source.zone.is_empty() => {}
                None if subnets.iter().any(|s| net.subnet_named(s).is_none_or(|s| s.zone.is_empty())) => {
                    return self.unread(net.hole("DescribeSubnets", &record.id, &record.home), leg);
                }
                None => {
                    let at = Hop::new(record.id.clone(), Kind::TransitGatewayAttachment);
                    let rule = format!("it has no subnet in {}, where {} is", source.zone, source.id);
                    let rule_ja =
                        format!("{} のあるアベイラビリティーゾーン {} にサブネットがない", source.id, source.zone);
                    let fix = Change::AddAttachmentSubnet { attachment: record.id.clone(), subnet: source.id.clone() };
                    return self.dead(Dead::new(at, Code::TransitZone, rule, rule_ja).fixed_by(fix), leg);
                }
            }
        }
        let zone = from.and_then(|s| net.estate.subnets.get(s as usize)).map(|s| s.zone.clone());
        self.across(attachment, zone, packet, leg);
    }

    /// The transit gateway routes what came in by an attachment, in a zone where that is known.
    fn across(&mut self, from: u32, zone: Option<SmolStr>, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(record) = net.estate.transit_attachments.get(from as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::TransitGateway, &record.transit_gateway, &packet) else { return };
        let Some(table_id) = &record.route_table else {
            if !net.tells_associations(record) {
                return self.unread(net.hole("DescribeTransitGatewayAttachments", &record.id, &record.home), leg);
            }
            let at = Hop::new(record.id.clone(), Kind::TransitGatewayAttachment);
            let (rule, rule_ja) = ("it is associated with no route table", "ルートテーブルに関連付けられていない");
            let dead = Dead::new(at, Code::TransitNoAssociation, rule, rule_ja);
            let table = net.estate.transit_route_tables.iter().find(|t| t.transit_gateway == record.transit_gateway);
            let fix = table.map(|t| Change::AssociateTransitRouteTable {
                attachment: record.id.clone(),
                transit_gateway: record.transit_gateway.clone(),
                table: t.id.clone(),
            });
            return self.dead(Dead { fix, ..dead }, leg);
        };
        let table = match self.find(&net.transit_table, table_id, "DescribeTransitGatewayRouteTables", &record.home) {
            Link::At(at) => net.estate.transit_route_tables.get(at as usize),
            Link::Unread(hole) => return self.unread(hole, leg),
            Link::None => {
                return self.unread(net.hole("DescribeTransitGatewayRouteTables", table_id, &record.home), leg);
            }
        };
        let Some(table) = table else { return };
        let Some(leg) = self.pass(leg, Kind::TransitGatewayRouteTable, &table.id, &packet) else { return };
        let portions = match net.transit_routes(table, packet.destination, &leg.far, self.family) {
            Ok(portions) => portions,
            Err(hole) => return self.unread(hole, leg),
        };
        for (far, next) in portions {
            let leg = Leg { far, ..leg.clone() };
            match next {
                Next::Attachments(ids) => {
                    for id in ids {
                        self.out_by(&id, record, zone.as_ref(), packet, leg.clone());
                    }
                }
                Next::Blackhole(destination) => {
                    let at = Hop::new(table.id.clone(), Kind::TransitGatewayRouteTable);
                    let (rule, rule_ja) = (
                        format!("the route {destination} is a blackhole"),
                        format!("ルート {destination} はブラックホールになっている"),
                    );
                    let fix = net.transit_way_to(table, record, packet.destination, self.family);
                    self.dead(Dead { fix, ..Dead::new(at, Code::TransitBadRoute, rule, rule_ja) }, leg);
                }
                Next::Nowhere => {
                    let at = Hop::new(table.id.clone(), Kind::TransitGatewayRouteTable);
                    let to = match packet.destination {
                        End::At(ip) => ip.to_string(),
                        End::Far => super::subnet::say_spans(&leg.far, self.family),
                    };
                    let (rule, rule_ja) = (format!("no route matches {to}"), format!("{to} に一致するルートがない"));
                    let fix = net.transit_way_to(table, record, packet.destination, self.family);
                    self.dead(Dead { fix, ..Dead::new(at, Code::TransitNoRoute, rule, rule_ja) }, leg);
                }
            }
        }
    }

    /// The transit gateway sends the packet out by an attachment.
    fn out_by(&mut self, id: &SmolStr, from: &TransitAttachment, zone: Option<&SmolStr>, packet: Packet, leg: Leg) {
        let net = self.net;
        let Some(at) = net.transit_attachment(id, &from.transit_gateway) else {
            let home = &from.home;
            return self.unread(net.hole("DescribeTransitGatewayAttachments", id, home), leg);
        };
        let Some(record) = net.estate.transit_attachments.get(at as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::TransitGatewayAttachment, id, &packet) else { return };
        if !carries(&record.state) {
            return self.dead(bad_attachment(record), leg);
        }
        match record.kind.as_str() {
            "vpc" => self.out_to_vpc(record, zone, packet, leg),
            "peering" => match net.peer_attachment(record) {
                Some(other) => self.across(other, None, packet, leg),
                None => {
                    let hole = net.hole("DescribeTransitGatewayAttachments", &record.resource, &record.home);
                    self.unread(hole, leg);
                }
            },
            "vpn" => self.out_to_vpn(at, record, packet, leg),
            _ => {
                let mut leg = leg;
                leg.notes.push(Note::OnPremises(record.resource.clone()));
                let Some(leg) = self.pass(leg, Kind::DirectConnect, &record.resource, &packet) else { return };
                self.arrive(Arrival::Transit(at), packet, leg);
            }
        }
    }

    /// Into a VPC: the attachment's subnet in the zone that the packet comes from routes it on; where there is none, that
    /// in the zone of the destination, or any (`TGW_ATTACH_VPC_AZ_RESTRICTION` of
    /// `vpc/latest/reachability/explanation-codes`: the default mode keeps the zone).
    fn out_to_vpc(&mut self, record: &TransitAttachment, zone: Option<&SmolStr>, packet: Packet, mut leg: Leg) {
        let net = self.net;
        let vpc = match self.find(&net.vpc, &record.resource, "DescribeVpcs", &record.home) {
            Link::At(at) => at,
            Link::Unread(hole) => return self.unread(hole, leg),
            Link::None => return self.unread(net.hole("DescribeVpcs", &record.resource, &record.home), leg),
        };
        let target = match packet.destination {
            End::At(ip) => net.subnet_of(vpc, ip),
            End::Far => None,
        };
        let Some(entry) = net.entry_subnet(record, zone, target) else {
            return match (&record.subnets, target) {
                (None, Some(_)) => self.deliver_in_vpc(vpc, None, packet, leg),
                _ => self.unread(net.hole("DescribeTransitGatewayVpcAttachments", &record.id, &record.home), leg),
            };
        };
        if Some(entry) == target {
            // In one subnet, neither direction of its network ACL is asked on the way from the transit gateway
            // (`vpc/latest/tgw/tgw-nacls`).
            return self.deliver_in_vpc(vpc, Some(entry), packet, leg);
        }
        if let Some(subnet) = net.estate.subnets.get(entry as usize) {
            leg = match self.pass(leg, Kind::Subnet, &subnet.id, &packet) {
                Some(leg) => leg,
                None => return,
            };
        }
        self.check_acl(entry, Way::Egress, packet.destination, &packet, &mut leg);
        self.route_from(entry, packet, leg);
    }

    /// A packet from behind an attachment.
    pub(crate) fn arrive_from_transit(&mut self, at: u32, packet: Packet, leg: Leg) {
        let Some(record) = self.net.estate.transit_attachments.get(at as usize) else { return };
        let Some(leg) = self.pass(leg, Kind::TransitGatewayAttachment, &record.id, &packet) else { return };
        self.across(at, None, packet, leg);
    }
}

/// Where a transit gateway route table sends a packet.
#[derive(PartialEq)]
enum Next {
    Attachments(Vec<SmolStr>),
    Blackhole(IpRange),
    Nowhere,
}

fn carries(state: &str) -> bool {
    matches!(state, "available" | "modifying" | "")
}

fn bad_attachment(record: &TransitAttachment) -> Dead {
    let at = Hop::new(record.id.clone(), Kind::TransitGatewayAttachment);
    let (rule, rule_ja) =
        (format!("the attachment is {}", record.state), format!("アタッチメントの状態が {} である", record.state));
    let dead = Dead::new(at, Code::BadStateAttachment, rule, rule_ja);
    match record.state.as_str() {
        "pendingAcceptance" | "pending" | "initiating" | "initiatingRequest" => {
            dead.fixed_by(Change::AcceptTransitAttachment {
                attachment: record.id.clone(),
                transit_gateway: record.transit_gateway.clone(),
            })
        }
        _ => dead,
    }
}

impl Network {
    fn subnet_named(&self, id: &SmolStr) -> Option<&crate::estate::Subnet> {
        self.estate.subnets.get(*self.subnet.get(id)? as usize)
    }

    /// The attachment of a VPC to a transit gateway.
    pub(crate) fn vpc_attachment(&self, transit_gateway: &SmolStr, vpc: &SmolStr) -> Option<u32> {
        let mut all = self.estate.transit_attachments.iter().zip(0u32..);
        let found = all.find(|(a, _)| {
            a.transit_gateway == *transit_gateway && a.kind == "vpc" && a.resource == *vpc && !gone(&a.state)
        });
        found.map(|(_, at)| at)
    }

    /// Whether an attachment without an association has none: its transit gateway's owner was asked, whom alone AWS tells.
    fn tells_associations(&self, record: &TransitAttachment) -> bool {
        let gateway = self.transit_gateway.get(&record.transit_gateway);
        let gateway = gateway.and_then(|at| self.estate.transit_gateways.get(*at as usize));
        let own = gateway.is_some_and(|g| g.home.account == record.home.account);
        let tables = || self.estate.transit_route_tables.iter().any(|t| t.transit_gateway == record.transit_gateway);
        self.unread("DescribeTransitGatewayAttachments", &record.home).is_none() && (own || tables())
    }

    fn transit_attachment(&self, id: &SmolStr, transit_gateway: &SmolStr) -> Option<u32> {
        let mut all = self.estate.transit_attachments.iter().zip(0u32..);
        all.find(|(a, _)| a.id == *id && a.transit_gateway == *transit_gateway).map(|(_, at)| at)
    }

    /// The other side of a peering attachment: the same attachment on the other transit gateway.
    fn peer_attachment(&self, record: &TransitAttachment) -> Option<u32> {
        let mut all = self.estate.transit_attachments.iter().zip(0u32..);
        all.find(|(a, _)| a.id == record.id && a.transit_gateway != record.transit_gateway).map(|(_, at)| at)
    }

    /// The VPCs that hear of a VPC's group members through a transit gateway: both attachments have security group
    /// referencing on (`vpc/latest/tgw/tgw-vpc-attachments`).
    pub(crate) fn transit_peers(&self, vpc: &SmolStr) -> Vec<SmolStr> {
        let all = || self.estate.transit_attachments.iter().filter(|a| a.kind == "vpc" && a.group_references);
        let supports = |id: &SmolStr| {
            let gateway = self.transit_gateway.get(id).and_then(|at| self.estate.transit_gateways.get(*at as usize));
            gateway.is_some_and(|g| g.group_references)
        };
        let own = all().filter(|a| a.resource == *vpc && supports(&a.transit_gateway));
        own.flat_map(|mine| {
            let others = all().filter(|a| a.transit_gateway == mine.transit_gateway && a.resource != *vpc);
            others.map(|a| a.resource.clone())
        })
        .collect()
    }

    /// The subnet of a VPC attachment that traffic from a zone to a subnet comes in by.
    fn entry_subnet(&self, record: &TransitAttachment, zone: Option<&SmolStr>, target: Option<u32>) -> Option<u32> {
        let subnets: Vec<u32> = record.subnets.as_ref()?.iter().filter_map(|s| self.subnet.get(s).copied()).collect();
        let zone_of = |at: u32| self.estate.subnets.get(at as usize).map(|s| &s.zone).filter(|z| !z.is_empty());
        if record.appliance_mode {
            // One zone for both directions of a connection, whichever it is (`vpc/latest/tgw/transit-gateway-appliance-scenario`).
            return subnets.first().copied();
        }
        let in_zone = |zone: Option<&SmolStr>| subnets.iter().find(|at| zone.is_some() && zone_of(**at) == zone);
        let near = || in_zone(target.and_then(zone_of));
        in_zone(zone).or_else(near).or_else(|| subnets.first()).copied()
    }

    /// Splits a destination over the routes of a transit gateway route table: the longest prefix first, static
    /// routes before propagated ones (`vpc/latest/tgw/how-transit-gateways-work`, "Route evaluation order").
    fn transit_routes(
        &self,
        table: &TransitRouteTable,
        destination: End,
        far: &[Span],
        family: Family,
    ) -> Result<Vec<(Vec<Span>, Next)>, Arc<Missing>> {
        let Some(told) = &table.routes else {
            return Err(self.hole("SearchTransitGatewayRoutes", &table.id, &table.home));
        };
        let mut routes: Vec<TransitRoute> = told.clone();
        for id in &table.propagations {
            routes.extend(self.propagated(id, &table.transit_gateway));
        }
        routes.retain(|r| Family::of(r.destination.first()) == family);
        routes.sort_by_key(|r| (std::cmp::Reverse(r.destination.prefix()), r.propagated));
        let mut left = match destination {
            End::At(ip) => vec![Span { first: number(ip), last: number(ip) }],
            End::Far => far.to_vec(),
        };
        let whole = |part: Vec<Span>| if destination == End::Far { part } else { far.to_vec() };
        let mut out: Vec<(Vec<Span>, Next)> = Vec::new();
        for route in &routes {
            let part = and_spans(&left, &[Span::of(&route.destination)]);
            if part.is_empty() {
                continue;
            }
            left = minus_spans(&left, &part);
            let next = if route.blackhole || route.attachments.is_empty() {
                Next::Blackhole(route.destination)
            } else {
                Next::Attachments(route.attachments.clone())
            };
            match (out.iter_mut().find(|(_, known)| *known == next), destination) {
                (Some((known, _)), End::Far) => known.extend(part),
                _ => out.push((whole(part), next)),
            }
        }
        if !left.is_empty() {
            // An attachment that BGP tells its routes may bring the rest, unless the search told those too.
            let silent = |id: &&SmolStr| self.hears_bgp(id, table) && !told.iter().any(|r| r.attachments.contains(id));
            if let Some(id) = table.propagations.iter().find(silent) {
                return Err(self.hole("SearchTransitGatewayRoutes", id, &table.home));
            }
            out.push((whole(left), Next::Nowhere));
        }
        Ok(out)
    }

    /// Whether an attachment's routes come by BGP: they stand in no record but the search of the table.
    fn hears_bgp(&self, attachment: &SmolStr, table: &TransitRouteTable) -> bool {
        let at = self.transit_attachment(attachment, &table.transit_gateway);
        let record = at.and_then(|at| self.estate.transit_attachments.get(at as usize));
        record.is_some_and(|r| match r.kind.as_str() {
            "vpn" => self.estate.vpn_connections.iter().any(|c| c.id == r.resource && !c.static_only),
            "direct-connect-gateway" | "connect" => true,
            _ => false,
        })
    }

    /// The routes that an attachment propagates: a VPC's blocks, a VPN connection's static routes.
    fn propagated(&self, attachment: &SmolStr, transit_gateway: &SmolStr) -> Vec<TransitRoute> {
        let Some(at) = self.transit_attachment(attachment, transit_gateway) else { return Vec::new() };
        let Some(record) = self.estate.transit_attachments.get(at as usize) else { return Vec::new() };
        let blocks: Vec<IpRange> = match record.kind.as_str() {
            "vpc" => {
                self.vpc.get(&record.resource).and_then(|v| self.estate.vpcs.get(*v as usize)).map(|v| v.cidrs.clone())
            }
            "vpn" => self.estate.vpn_connections.iter().find(|c| c.id == record.resource).map(|c| c.routes.clone()),
            _ => None,
        }
        .unwrap_or_default();
        let route = |destination| TransitRoute {
            destination,
            attachments: vec![attachment.clone()],
            blackhole: false,
            propagated: true,
        };
        blocks.into_iter().map(route).collect()
    }

    /// A route that would bring the packet to its VPC.
    fn transit_way_to(
        &self,
        table: &TransitRouteTable,
        from: &TransitAttachment,
        destination: End,
        family: Family,
    ) -> Option<Change> {
        let End::At(ip) = destination else { return None };
        let attachments = self.estate.transit_attachments.iter();
        let mut others =
            attachments.filter(|a| a.transit_gateway == from.transit_gateway && a.id != from.id && a.kind == "vpc");
        let target = others.find(|a| self.vpc.get(&a.resource).is_some_and(|v| self.in_vpc(*v, ip)))?;
        let _ = family;
        Some(Change::AddTransitRoute {
            table: table.id.clone(),
            destination: IpRange::from(ip),
            attachment: target.id.clone(),
        })
    }
}

/// Whether an attachment is no more.
fn gone(state: &str) -> bool {
    matches!(state, "deleted" | "deleting" | "rejected" | "failed" | "rejecting")
}
