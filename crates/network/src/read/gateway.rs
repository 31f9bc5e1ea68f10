//! Internet, egress-only and NAT gateways; peering connections.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use super::vpc::owned;
use crate::estate::{Address, Home, InternetGateway, NatGateway, Peering, PeeringSide};
use smol_str::SmolStr;

/// `InternetGateways`.
pub(super) fn internet_gateway(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let gateway = read_gateway(record, "InternetGatewayId")?;
    put(&mut draft.internet_gateways, gateway.id.clone(), gateway, owned(record)?);
    Ok(())
}

/// `EgressOnlyInternetGateways`.
pub(super) fn egress_only(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let gateway = read_gateway(record, "EgressOnlyInternetGatewayId")?;
    put(&mut draft.egress_only_internet_gateways, gateway.id.clone(), gateway, owned(record)?);
    Ok(())
}

fn read_gateway(record: &Record<'_>, id: &str) -> Result<InternetGateway, ReadError> {
    Ok(InternetGateway { id: record.want(id)?, home: record.home("OwnerId")?, vpcs: attached(record, "Attachments")? })
}

/// The VPCs of attachments that carry traffic.
pub(super) fn attached(record: &Record<'_>, member: &str) -> Result<Vec<SmolStr>, ReadError> {
    let mut out = Vec::new();
    for attachment in record.records(member)? {
        if attachment.text("State")?.is_none_or(|s| matches!(s.as_str(), "available" | "attached")) {
            out.extend(attachment.text("VpcId")?);
        }
    }
    Ok(out)
}

/// `NatGateways`.
pub(super) fn nat_gateway(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mut gateway = NatGateway {
        id: record.want("NatGatewayId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        subnet: record.plain("SubnetId")?,
        state: record.plain("State")?,
        public: record.text("ConnectivityType")?.is_none_or(|t| t == "public"),
        ..NatGateway::default()
    };
    for address in record.records("NatGatewayAddresses")? {
        if let Some(ip) = address.address("PrivateIp")? {
            let address = Address { ip, public: address.address("PublicIp")? };
            if !gateway.addresses.contains(&address) {
                gateway.addresses.push(address);
            }
        }
        gateway.interfaces.extend(address.text("NetworkInterfaceId")?.filter(|i| !gateway.interfaces.contains(i)));
    }
    put(&mut draft.nat_gateways, gateway.id.clone(), gateway, false);
    Ok(())
}

/// `VpcPeeringConnections`. Both sides' accounts list it, and each may know more than the other.
pub(super) fn peering(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let status = record.record("Status")?.map(|s| s.text("Code")).transpose()?.flatten();
    let peering = Peering {
        id: record.want("VpcPeeringConnectionId")?,
        home: record.asked.clone(),
        status: status.unwrap_or_default(),
        requester: side(record, "RequesterVpcInfo")?,
        accepter: side(record, "AccepterVpcInfo")?,
    };
    let known = draft.peerings.entry(peering.id.clone()).or_insert_with(|| peering.clone());
    if known.status != "active" && !peering.status.is_empty() {
        known.status = peering.status;
    }
    for (known, more) in [(&mut known.requester, peering.requester), (&mut known.accepter, peering.accepter)] {
        if known.vpc.is_empty() {
            known.vpc = more.vpc;
        }
        if known.cidrs.is_empty() {
            known.cidrs = more.cidrs;
        }
        if known.home.account.is_empty() {
            known.home = more.home;
        }
    }
    Ok(())
}

fn side(record: &Record<'_>, member: &str) -> Result<PeeringSide, ReadError> {
    let Some(side) = record.record(member)? else { return Ok(PeeringSide::default()) };
    let mut cidrs = side.ranges("CidrBlockSet", "CidrBlock")?;
    cidrs.extend(side.range("CidrBlock")?.filter(|c| !cidrs.contains(c)));
    cidrs.extend(side.ranges("Ipv6CidrBlockSet", "Ipv6CidrBlock")?);
    let home = Home { account: side.plain("OwnerId")?, region: side.plain("Region")? };
    Ok(PeeringSide { vpc: side.plain("VpcId")?, home, cidrs })
}
