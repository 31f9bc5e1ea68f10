//! Virtual private gateways, VPN connections and Direct Connect.

use super::draft::{Draft, put};
use super::gateway::attached;
use super::record::{ReadError, Record};
use crate::estate::{VpnConnection, VpnGateway};
use smol_str::SmolStr;
use yagura_model::IpRange;

/// `VpnGateways`.
pub(super) fn vpn_gateway(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let gateway = VpnGateway {
        id: record.want("VpnGatewayId")?,
        home: record.home("OwnerId")?,
        vpcs: attached(record, "VpcAttachments")?,
        ..VpnGateway::default()
    };
    put(&mut draft.vpn_gateways, gateway.id.clone(), gateway, false);
    Ok(())
}

/// `VpnConnections`. `CustomerGatewayConfiguration` holds pre-shared keys: it is not looked at.
pub(super) fn vpn_connection(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let options = record.record("Options")?;
    let mut connection = VpnConnection {
        id: record.want("VpnConnectionId")?,
        home: record.asked.clone(),
        vpn_gateway: record.text("VpnGatewayId")?,
        transit_gateway: record.text("TransitGatewayId")?,
        state: record.plain("State")?,
        static_only: options.map(|o| o.flag("StaticRoutesOnly")).transpose()?.flatten().unwrap_or(false),
        ..VpnConnection::default()
    };
    for route in record.records("Routes")? {
        if route.text("State")?.is_none_or(|s| s == "available") {
            connection.routes.extend(route.range("DestinationCidrBlock")?);
        }
    }
    for tunnel in record.records("VgwTelemetry")? {
        connection.tunnels.push(tunnel.plain("Status")? == "UP");
    }
    put(&mut draft.vpn_connections, connection.id.clone(), connection, false);
    Ok(())
}

/// What Direct Connect's calls tell of virtual private gateways.
#[derive(Default)]
pub(super) struct DirectConnect {
    /// Virtual private gateway and the Direct Connect gateway that it is associated with, where there is one.
    associations: Vec<(SmolStr, SmolStr)>,
    /// The gateway of either kind that a virtual interface hangs on, and the prefixes that it brings.
    interfaces: Vec<(SmolStr, Vec<IpRange>)>,
}

/// `virtualInterfaces`; a public one does not lead into a VPC.
pub(super) fn virtual_interface(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if record.text("VirtualInterfaceState")?.is_some_and(|s| s != "available")
        || record.plain("VirtualInterfaceType")? == "public"
    {
        return Ok(());
    }
    let prefixes = record.ranges("RouteFilterPrefixes", "Cidr")?;
    for member in ["VirtualGatewayId", "DirectConnectGatewayId"] {
        if let Some(gateway) = record.text(member)? {
            draft.direct_connect.interfaces.push((gateway, prefixes.clone()));
        }
    }
    Ok(())
}

/// `directConnectGatewayAssociations`.
pub(super) fn direct_connect_association(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if record.text("AssociationState")?.is_some_and(|s| !matches!(s.as_str(), "associated" | "updating")) {
        return Ok(());
    }
    let associated = record.record("AssociatedGateway")?.map(|g| g.text("Id")).transpose()?.flatten();
    if let Some(gateway) = record.text("VirtualGatewayId")?.or(associated) {
        draft.direct_connect.associations.push((gateway, record.plain("DirectConnectGatewayId")?));
    }
    Ok(())
}

/// Tells virtual private gateways what hangs on them.
pub(super) fn resolve_direct_connect(draft: &mut Draft) {
    let told = std::mem::take(&mut draft.direct_connect);
    for gateway in draft.vpn_gateways.values_mut() {
        let associated = told.associations.iter().filter(|(vgw, _)| *vgw == gateway.id).map(|(_, dx)| dx);
        let ways: Vec<&SmolStr> = associated.chain([&gateway.id]).collect();
        let interfaces = told.interfaces.iter().filter(|(on, _)| ways.contains(&on));
        let mut routes: Vec<IpRange> = interfaces.clone().flat_map(|(_, prefixes)| prefixes.clone()).collect();
        routes.sort();
        routes.dedup();
        gateway.direct_connect = ways.len() > 1 || interfaces.count() > 0;
        gateway.direct_connect_routes = routes;
    }
}
