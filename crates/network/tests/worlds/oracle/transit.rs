//! Transit gateways.

use super::{Connection, Oracle, Packet, Spot, Through};
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_network::estate::{TransitAttachment, TransitRouteTable};

impl Oracle<'_> {
    /// A route to a transit gateway: its attachment takes the packet in the zone that it is in, or not at all; the
    /// network ACL of the attachment's subnet is asked inwards (`vpc/latest/tgw/tgw-nacls`).
    pub(super) fn attachment(
        &self,
        gateway: &SmolStr,
        from: Option<&SmolStr>,
        vpc: &SmolStr,
        packet: Packet,
    ) -> Option<Spot> {
        let mut all = self.estate.transit_attachments.iter();
        let attachment = all.find(|a| a.transit_gateway == *gateway && a.kind == "vpc" && a.resource == *vpc)?;
        if attachment.state != "available" {
            return None;
        }
        let zone = &self.subnet(from?)?.zone;
        let entry = self.subnet_in(attachment, zone)?;
        self.acl_lets(&entry, false, packet).then_some(())?;
        Some(Spot::Transit { attachment: attachment.id.clone(), zone: zone.clone() })
    }

    /// The transit gateway looks up the route table of the attachment that brought the packet, and hands it to the
    /// other VPC in the zone that it came from where it can (`vpc/latest/tgw/how-transit-gateways-work`;
    /// `TGW_ATTACH_VPC_AZ_RESTRICTION`).
    pub(super) fn transit(
        &self,
        attachment: &SmolStr,
        zone: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
        through: &mut Through,
    ) -> Option<Spot> {
        let came_by = self.estate.transit_attachments.iter().find(|a| a.id == *attachment)?;
        let table = came_by.route_table.as_ref()?;
        let table = self.estate.transit_route_tables.iter().find(|t| t.id == *table)?;
        let out = self.transit_route(table, packet.destination)?;
        let out = self.estate.transit_attachments.iter().find(|a| a.id == out && a.state == "available")?;
        let vpc = self.vpc(&out.resource)?;
        let target = self
            .estate
            .subnets
            .iter()
            .find(|s| s.vpc == vpc.id && s.cidrs.iter().any(|c| c.contains(packet.destination)));
        let near = || target.and_then(|t| self.subnet_in(out, &t.zone));
        let any = || out.subnets.as_ref().and_then(|s| s.first().cloned());
        let entry = self.subnet_in(out, zone).or_else(near).or_else(any)?;
        if *through == Through::Nothing {
            *through = Through::Transit;
        }
        if target.is_some_and(|t| t.id == entry) {
            return Some(Spot::Router { vpc: vpc.id.clone(), from: Some(entry) });
        }
        self.acl_lets(&entry, true, *packet).then_some(())?;
        let table = self.table_of(self.subnet(&entry)?)?;
        let route = self.route(table, packet.destination)?;
        self.take(route, Some(&entry), &vpc.id, packet, connection, through)
    }

    fn subnet_in(&self, attachment: &TransitAttachment, zone: &SmolStr) -> Option<SmolStr> {
        let mut subnets = attachment.subnets.iter().flatten();
        subnets.find(|id| self.subnet(id).is_some_and(|s| s.zone == *zone)).cloned()
    }

    /// The attachment that a table sends an address to: the longest prefix, static before propagated.
    fn transit_route(&self, table: &TransitRouteTable, to: IpAddr) -> Option<SmolStr> {
        let mut best: Option<(u8, bool, Option<SmolStr>)> = None;
        let mut offer = |prefix: u8, fixed: bool, target: Option<SmolStr>| {
            if best.as_ref().is_none_or(|(p, f, _)| (prefix, fixed) > (*p, *f)) {
                best = Some((prefix, fixed, target));
            }
        };
        for route in table.routes.iter().flatten().filter(|r| r.destination.contains(to)) {
            let target = route.attachments.first().filter(|_| !route.blackhole).cloned();
            offer(route.destination.prefix(), !route.propagated, target);
        }
        for id in &table.propagations {
            let attachment = self.estate.transit_attachments.iter().find(|a| a.id == *id);
            let blocks = attachment.and_then(|a| self.vpc(&a.resource)).map(|v| v.cidrs.as_slice()).unwrap_or_default();
            for block in blocks.iter().filter(|c| c.contains(to)) {
                offer(block.prefix(), false, Some(id.clone()));
            }
        }
        best.and_then(|(_, _, target)| target)
    }
}
