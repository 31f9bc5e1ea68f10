//! Transit gateways: attachments, route tables, routes.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use crate::estate::{Home, TransitAttachment, TransitGateway, TransitRoute};
use smol_str::{SmolStr, format_smolstr};
use yagura_model::GapReason;

/// `TransitGateways`.
pub(super) fn transit_gateway(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let options = record.record("Options")?;
    let gateway = TransitGateway {
        id: record.want("TransitGatewayId")?,
        home: record.home("OwnerId")?,
        state: record.plain("State")?,
        group_references: enabled(options, "SecurityGroupReferencingSupport")?,
    };
    put(&mut draft.transit_gateways, gateway.id.clone(), gateway, super::vpc::owned(record)?);
    Ok(())
}

fn enabled(options: Option<Record<'_>>, member: &str) -> Result<bool, ReadError> {
    let told = options.map(|o| o.text(member)).transpose()?.flatten();
    Ok(told.is_some_and(|t| t == "enable"))
}

/// `TransitGatewayAttachments`.
pub(super) fn attachment(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let kind = record.plain("ResourceType")?;
    let mut route_table = None;
    if let Some(association) = record.record("Association")?
        && association.text("State")?.is_none_or(|s| s == "associated")
    {
        route_table = association.text("TransitGatewayRouteTableId")?;
    }
    merge(
        draft,
        TransitAttachment {
            id: record.want("TransitGatewayAttachmentId")?,
            home: record.asked.clone(),
            transit_gateway: record.plain("TransitGatewayId")?,
            kind: if kind == "tgw-peering" { SmolStr::new_static("peering") } else { kind },
            resource: record.plain("ResourceId")?,
            state: record.plain("State")?,
            subnets: None,
            appliance_mode: false,
            route_table,
            group_references: false,
        },
    );
    Ok(())
}

/// `TransitGatewayVpcAttachments`.
pub(super) fn vpc_attachment(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    merge(
        draft,
        TransitAttachment {
            id: record.want("TransitGatewayAttachmentId")?,
            home: record.asked.clone(),
            transit_gateway: record.plain("TransitGatewayId")?,
            kind: SmolStr::new_static("vpc"),
            resource: record.plain("VpcId")?,
            state: record.plain("State")?,
            subnets: record.get("SubnetIds").map(|_| record.texts("SubnetIds")).transpose()?,
            route_table: None,
            appliance_mode: enabled(record.record("Options")?, "ApplianceModeSupport")?,
            group_references: enabled(record.record("Options")?, "SecurityGroupReferencingSupport")?,
        },
    );
    Ok(())
}

/// `TransitGatewayPeeringAttachments`: one attachment id for both gateways, each of which has it as its own.
pub(super) fn peering_attachment(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let id = record.want("TransitGatewayAttachmentId")?;
    let state = record.plain("State")?;
    let mut sides = Vec::new();
    for member in ["RequesterTgwInfo", "AccepterTgwInfo"] {
        let Some(side) = record.record(member)? else { continue };
        let home = Home { account: side.plain("OwnerId")?, region: side.plain("Region")? };
        sides.push((side.plain("TransitGatewayId")?, home));
    }
    if let [one, other] = sides.as_slice() {
        for ((mine, home), (theirs, _)) in [(one, other), (other, one)] {
            merge(
                draft,
                TransitAttachment {
                    id: id.clone(),
                    home: home.clone(),
                    transit_gateway: mine.clone(),
                    kind: SmolStr::new_static("peering"),
                    resource: theirs.clone(),
                    state: state.clone(),
                    ..TransitAttachment::default()
                },
            );
        }
    }
    Ok(())
}

/// Each call, and each account, tells a part.
fn merge(draft: &mut Draft, told: TransitAttachment) {
    let key = (told.id.clone(), told.transit_gateway.clone());
    let Some(known) = draft.transit_attachments.get_mut(&key) else {
        draft.transit_attachments.insert(key, told);
        return;
    };
    for (known, more) in
        [(&mut known.kind, told.kind), (&mut known.resource, told.resource), (&mut known.state, told.state)]
    {
        if known.is_empty() {
            *known = more;
        }
    }
    known.subnets = known.subnets.take().or(told.subnets);
    known.route_table = known.route_table.take().or(told.route_table);
    known.appliance_mode |= told.appliance_mode;
    known.group_references |= told.group_references;
}

/// `TransitGatewayRouteTables`, and lists that hold a table's routes or propagations beside its id.
pub(super) fn route_table(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let id = record.want("TransitGatewayRouteTableId")?;
    if matches!(record.plain("State")?.as_str(), "deleting" | "deleted") {
        return Ok(());
    }
    let routes = record.listed("Routes")?;
    let routes = routes.map(|r| r.iter().map(route).collect::<Result<Vec<_>, _>>()).transpose()?;
    let cut = record.flag("AdditionalRoutesAvailable")? == Some(true);
    let mut propagations = Vec::new();
    for propagation in record.records("TransitGatewayRouteTablePropagations")? {
        if propagation.text("State")?.is_none_or(|s| s == "enabled") {
            propagations.extend(propagation.text("TransitGatewayAttachmentId")?);
        }
    }
    let transit_gateway = record.plain("TransitGatewayId")?;
    let asked = record.asked;
    if cut {
        let why = format_smolstr!("`{id}` has more routes than AWS answers");
        draft.note(asked, "SearchTransitGatewayRoutes", GapReason::NotTold, why);
    }
    let table = draft.transit_route_tables.entry(id.clone()).or_default();
    table.id = id;
    if table.home == Home::default() {
        table.home = asked.clone();
    }
    if table.transit_gateway.is_empty() {
        table.transit_gateway = transit_gateway;
    }
    if let Some(routes) = routes.filter(|_| !cut) {
        let known = table.routes.get_or_insert_default();
        known.extend(routes.into_iter().filter(|r| !known.contains(r)).collect::<Vec<_>>());
    }
    let new = |p: &SmolStr| !table.propagations.contains(p);
    let propagations: Vec<SmolStr> = propagations.into_iter().filter(new).collect();
    table.propagations.extend(propagations);
    Ok(())
}

fn route(record: &Record<'_>) -> Result<TransitRoute, ReadError> {
    let destination = record.range("DestinationCidrBlock")?;
    Ok(TransitRoute {
        destination: destination.ok_or_else(|| record.error("DestinationCidrBlock", "is missing"))?,
        attachments: record.each("TransitGatewayAttachments", "TransitGatewayAttachmentId")?,
        blackhole: record.plain("State")? == "blackhole",
        propagated: record.plain("Type")? == "propagated",
    })
}

/// Tables of which only routes or propagations were told are of the gateway of their attachments.
pub(super) fn resolve_tables(draft: &mut Draft) {
    for table in draft.transit_route_tables.values_mut().filter(|t| t.transit_gateway.is_empty()) {
        let routed = table.routes.iter().flatten().flat_map(|r| &r.attachments);
        let named: Vec<&SmolStr> = routed.chain(&table.propagations).collect();
        let own = |a: &&TransitAttachment| {
            a.route_table.as_ref() == Some(&table.id) || (a.kind != "peering" && named.contains(&&a.id))
        };
        let found = draft.transit_attachments.values().find(own);
        table.transit_gateway = found.map(|a| a.transit_gateway.clone()).unwrap_or_default();
    }
}
