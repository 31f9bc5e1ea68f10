//! Route tables and prefix lists.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use super::vpc::owned;
use crate::estate::{Destination, PrefixList, Route, RouteTable, Target};
use smol_str::SmolStr;

/// `RouteTables`.
pub(super) fn route_table(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mut table = RouteTable {
        id: record.want("RouteTableId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        routes: record.records("Routes")?.iter().map(route).collect::<Result<_, _>>()?,
        ..RouteTable::default()
    };
    for association in record.records("Associations")? {
        let state = association.record("AssociationState")?.map(|s| s.text("State")).transpose()?.flatten();
        if state.is_some_and(|s| matches!(s.as_str(), "disassociated" | "failed")) {
            continue;
        }
        table.main |= association.flag("Main")?.unwrap_or(false);
        table.subnets.extend(association.text("SubnetId")?);
        table.gateways.extend(association.text("GatewayId")?);
    }
    put(&mut draft.route_tables, table.id.clone(), table, owned(record)?);
    Ok(())
}

/// One route. What a route server advertises gives way to a static route as what a virtual private gateway propagates
/// ([route priority](https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html)).
fn route(record: &Record<'_>) -> Result<Route, ReadError> {
    let range = record.range("DestinationCidrBlock")?.or(record.range("DestinationIpv6CidrBlock")?);
    let list = record.text("DestinationPrefixListId")?;
    let destination = range.map(Destination::Range).or(list.map(Destination::PrefixList));
    Ok(Route {
        destination: destination.ok_or_else(|| record.error("DestinationCidrBlock", "is missing"))?,
        target: target(record)?,
        blackhole: record.plain("State")? == "blackhole",
        propagated: matches!(record.plain("Origin")?.as_str(), "EnableVgwRoutePropagation" | "Advertisement"),
    })
}

type Of = fn(SmolStr) -> Target;

/// Members that name a target. An instance is told with its interface.
const TARGETS: [(&str, Of); 11] = [
    ("NatGatewayId", Target::NatGateway),
    ("TransitGatewayId", Target::TransitGateway),
    ("VpcPeeringConnectionId", Target::Peering),
    ("EgressOnlyInternetGatewayId", Target::EgressOnlyInternetGateway),
    ("NetworkInterfaceId", Target::Interface),
    ("InstanceId", Target::Instance),
    ("VpcEndpointId", Target::Endpoint),
    ("LocalGatewayId", Target::Other),
    ("CarrierGatewayId", Target::Other),
    ("CoreNetworkArn", Target::Other),
    ("OdbNetworkArn", Target::Other),
];

fn target(record: &Record<'_>) -> Result<Target, ReadError> {
    if let Some(gateway) = record.text("GatewayId")? {
        return Ok(gateway_target(gateway));
    }
    for (member, target) in TARGETS {
        if let Some(id) = record.text(member)? {
            return Ok(target(id));
        }
    }
    Ok(Target::Other(SmolStr::default()))
}

/// `GatewayId` holds several kinds of targets, which their prefixes tell apart.
fn gateway_target(id: SmolStr) -> Target {
    let prefix = id.split_once('-').map_or(id.as_str(), |(prefix, _)| prefix);
    match prefix {
        "local" => Target::Local,
        "igw" => Target::InternetGateway(id),
        "vgw" => Target::VpnGateway(id),
        "vpce" => Target::Endpoint(id),
        "eigw" => Target::EgressOnlyInternetGateway(id),
        "nat" => Target::NatGateway(id),
        "tgw" => Target::TransitGateway(id),
        "pcx" => Target::Peering(id),
        "eni" => Target::Interface(id),
        _ => Target::Other(id),
    }
}

/// A gateway whose id has no prefix is what some list calls it.
pub(super) fn resolve_gateways(draft: &mut Draft) {
    for route in draft.route_tables.values_mut().flat_map(|t| &mut t.routes) {
        let Target::Other(id) = &route.target else { continue };
        let id = id.clone();
        if draft.internet_gateways.contains_key(&id) {
            route.target = Target::InternetGateway(id);
        } else if draft.vpn_gateways.contains_key(&id) {
            route.target = Target::VpnGateway(id);
        } else if draft.endpoints.contains_key(&id) {
            route.target = Target::Endpoint(id);
        }
    }
}

/// `PrefixLists`, of either call, and lists that hold their entries.
pub(super) fn prefix_list(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let id = record.want("PrefixListId")?;
    let mut told = None;
    if record.get("Cidrs").is_some() {
        told = Some(blocks(record)?);
    } else if record.get("Entries").is_some() {
        told = Some(record.ranges("Entries", "Cidr")?);
    }
    let home = record.home("OwnerId")?;
    let name = record.plain("PrefixListName")?;
    let list = draft.prefix_lists.entry(id.clone()).or_insert_with(|| PrefixList { id, home, ..PrefixList::default() });
    if !name.is_empty() {
        list.name = name;
    }
    list.cidrs = told.or(list.cidrs.take());
    Ok(())
}

fn blocks(record: &Record<'_>) -> Result<Vec<yagura_model::IpRange>, ReadError> {
    let block = |text: SmolStr| {
        yagura_model::IpRange::parse(text.trim()).ok_or_else(|| record.error("Cidrs", "lists what is no CIDR block"))
    };
    record.texts("Cidrs")?.into_iter().map(block).collect()
}
