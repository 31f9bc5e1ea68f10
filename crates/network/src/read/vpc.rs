//! VPCs, subnets, network interfaces, instances, addresses.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use crate::estate::{Address, BlockMode, BlockPublicAccess, Exclusion, Home, Instance, Interface, Subnet, Vpc};
use smol_str::{SmolStr, format_smolstr};
use std::net::IpAddr;
use yagura_model::IpRange;

/// `Vpcs`.
pub(super) fn vpc(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let id = record.want("VpcId")?;
    let home = record.home("OwnerId")?;
    let mut cidrs = associated(record, "CidrBlockAssociationSet", "CidrBlock", "CidrBlockState")?;
    if let Some(primary) = record.range("CidrBlock")?.filter(|c| !cidrs.contains(c)) {
        cidrs.insert(0, primary);
    }
    cidrs.extend(associated(record, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState")?);
    let vpc = Vpc { id, home, cidrs, name: record.name_tag()? };
    put(&mut draft.vpcs, vpc.id.clone(), vpc, owned(record)?);
    Ok(())
}

/// Blocks whose association stands.
fn associated(record: &Record<'_>, set: &str, block: &str, state: &str) -> Result<Vec<IpRange>, ReadError> {
    let mut out = Vec::new();
    for entry in record.records(set)? {
        let state = match entry.record(state)? {
            Some(state) => state.text("State")?,
            None => None,
        };
        if state.is_none_or(|s| matches!(s.as_str(), "associated" | "associating")) {
            out.extend(entry.range(block)?);
        }
    }
    Ok(out)
}

/// Whether the account that was asked owns the record: what it says of it stands over what a participant is told.
pub(super) fn owned(record: &Record<'_>) -> Result<bool, ReadError> {
    Ok(record.text("OwnerId")?.is_some_and(|owner| owner == record.asked.account))
}

/// `Subnets`.
pub(super) fn subnet(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mut cidrs: Vec<IpRange> = record.range("CidrBlock")?.into_iter().collect();
    cidrs.extend(associated(record, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState")?);
    let subnet = Subnet {
        id: record.want("SubnetId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        cidrs,
        public_on_launch: record.flag("MapPublicIpOnLaunch")?.unwrap_or(false),
        zone: record.text("AvailabilityZoneId")?.or(record.text("AvailabilityZone")?).unwrap_or_default(),
        name: record.name_tag()?,
    };
    put(&mut draft.subnets, subnet.id.clone(), subnet, owned(record)?);
    Ok(())
}

/// `NetworkInterfaces`.
pub(super) fn interface(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let interface = read_interface(record, None)?;
    put(&mut draft.interfaces, interface.id.clone(), interface, owned(record)?);
    Ok(())
}

fn read_interface(record: &Record<'_>, instance: Option<&SmolStr>) -> Result<Interface, ReadError> {
    let attachment = record.record("Attachment")?;
    let attached = attachment.map(|a| a.text("Status")).transpose()?.flatten();
    let status = record.text("Status")?;
    let in_use = match (&status, &attached) {
        (Some(status), _) if matches!(status.as_str(), "in-use" | "associated") => true,
        (_, Some(attached)) => attached == "attached",
        (Some(_), None) => false,
        (None, None) => true,
    };
    let told = attachment.map(|a| a.text("InstanceId")).transpose()?.flatten();
    let device = attachment.map(|a| a.number("DeviceIndex")).transpose()?.flatten();
    Ok(Interface {
        id: record.want("NetworkInterfaceId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        subnet: record.plain("SubnetId")?,
        addresses: addresses(record)?,
        prefixes: [("Ipv4Prefixes", "Ipv4Prefix"), ("Ipv6Prefixes", "Ipv6Prefix")]
            .iter()
            .map(|(list, member)| record.ranges(list, member))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        groups: record.listed("Groups")?.map(|_| record.each("Groups", "GroupId")).transpose()?,
        source_dest_check: record.flag("SourceDestCheck")?.unwrap_or(true),
        kind: record.plain("InterfaceType")?,
        instance: told.or_else(|| instance.cloned()),
        device: device.and_then(|d| u32::try_from(d).ok()),
        in_use,
        description: record.plain("Description")?,
        name: record.name_tag()?,
    })
}

/// The private addresses, the primary first, then the IPv6 ones.
fn addresses(record: &Record<'_>) -> Result<Vec<Address>, ReadError> {
    let public = |r: &Record<'_>| -> Result<Option<IpAddr>, ReadError> {
        let Some(association) = r.record("Association")? else { return Ok(None) };
        Ok(association.address("PublicIp")?.or(association.address("CarrierIp")?))
    };
    let mut out: Vec<Address> = Vec::new();
    for entry in record.records("PrivateIpAddresses")? {
        let Some(ip) = entry.address("PrivateIpAddress")? else { continue };
        let address = Address { ip, public: public(&entry)? };
        if entry.flag("Primary")? == Some(true) { out.insert(0, address) } else { out.push(address) }
    }
    if let Some(ip) = record.address("PrivateIpAddress")? {
        let told = public(record)?;
        match out.iter_mut().find(|a| a.ip == ip) {
            Some(primary) => primary.public = primary.public.or(told),
            None => out.insert(0, Address { ip, public: told }),
        }
    }
    for entry in record.records("Ipv6Addresses")? {
        out.extend(entry.address("Ipv6Address")?.map(|ip| Address { ip, public: None }));
    }
    if let Some(ip) = record.address("Ipv6Address")?.filter(|ip| out.iter().all(|a| a.ip != *ip)) {
        out.push(Address { ip, public: None });
    }
    Ok(out)
}

/// `Reservations`.
pub(super) fn reservation(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let home = record.home("OwnerId")?;
    for instance in record.records("Instances")? {
        read_instance(draft, &instance, home.clone())?;
    }
    Ok(())
}

/// `Instances`, where no reservation is around them.
pub(super) fn instance(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    read_instance(draft, record, record.home("OwnerId")?)
}

fn read_instance(draft: &mut Draft, record: &Record<'_>, home: Home) -> Result<(), ReadError> {
    let id = record.want("InstanceId")?;
    let name = format_smolstr!("`Instances` `{id}`");
    let record = &record.named(&name);
    let state = match record.record("State")? {
        Some(state) => state.plain("Name")?,
        None => SmolStr::default(),
    };
    let mut interfaces = Vec::new();
    for entry in record.records("NetworkInterfaces")? {
        interfaces.push(read_interface(&entry, Some(&id))?);
    }
    if interfaces.is_empty()
        && let (Some(_), Some(subnet)) = (record.text("PrivateIpAddress")?, record.text("SubnetId")?)
    {
        interfaces.push(only_interface(record, &id, subnet)?);
    }
    for mut interface in interfaces {
        if interface.home.account.is_empty() {
            interface.home = home.clone();
        }
        let key = (record.asked.clone(), interface.id.clone());
        draft.instance_interfaces.entry(key).or_insert(interface);
    }
    let instance = Instance { id: id.clone(), home, state, name: record.name_tag()? };
    put(&mut draft.instances, id, instance, false);
    Ok(())
}

/// The interface of an instance that tells its address but no interface: it goes by the instance's id.
fn only_interface(record: &Record<'_>, id: &SmolStr, subnet: SmolStr) -> Result<Interface, ReadError> {
    let public = record.address("PublicIpAddress")?;
    let ip = record.address("PrivateIpAddress")?;
    let mut addresses: Vec<Address> = ip.map(|ip| Address { ip, public }).into_iter().collect();
    addresses.extend(record.address("Ipv6Address")?.map(|ip| Address { ip, public: None }));
    Ok(Interface {
        id: id.clone(),
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        subnet,
        addresses,
        groups: record.listed("SecurityGroups")?.map(|_| record.each("SecurityGroups", "GroupId")).transpose()?,
        source_dest_check: record.flag("SourceDestCheck")?.unwrap_or(true),
        instance: Some(id.clone()),
        in_use: true,
        ..Interface::default()
    })
}

/// `Addresses`: Elastic IP addresses, for interfaces that do not tell their own.
pub(super) fn elastic_address(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if let (Some(interface), Some(public)) = (record.text("NetworkInterfaceId")?, record.address("PublicIp")?) {
        draft.elastic.push((interface, record.address("PrivateIpAddress")?, public));
    }
    Ok(())
}

/// `VpcBlockPublicAccessOptions`.
pub(super) fn block_public_access(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mode = match record.plain("InternetGatewayBlockMode")?.as_str() {
        "" | "off" => BlockMode::Off,
        "block-bidirectional" => BlockMode::BlockBidirectional,
        "block-ingress" => BlockMode::BlockIngress,
        other => {
            let problem = format_smolstr!("is no mode of VPC Block Public Access: `{other}`");
            return Err(record.error("InternetGatewayBlockMode", problem));
        }
    };
    let mut home = record.home("AwsAccountId")?;
    home.region = record.text("AwsRegion")?.unwrap_or(home.region);
    draft
        .block_public_access
        .entry(home.clone())
        .or_insert_with(|| BlockPublicAccess { home, ..Default::default() })
        .mode = mode;
    Ok(())
}

/// `VpcBlockPublicAccessExclusions`. One that is being made, or was taken back, excludes nothing.
pub(super) fn exclusion(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let arn = record.want("ResourceArn")?;
    let state = record.plain("State")?;
    if matches!(state.as_str(), "create-in-progress" | "create-failed" | "delete-complete" | "disable-complete") {
        return Ok(());
    }
    let exclusion = Exclusion {
        resource: arn.rsplit('/').next().unwrap_or(&arn).into(),
        egress_only: record.plain("InternetGatewayExclusionMode")? == "allow-egress",
    };
    draft.exclusions.push((record.home_of_arn(&arn), exclusion));
    Ok(())
}

/// Gives the options of each home its exclusions.
pub(super) fn resolve_exclusions(draft: &mut Draft) {
    for (home, exclusion) in std::mem::take(&mut draft.exclusions) {
        let exact = draft.block_public_access.contains_key(&home);
        let fits = |known: &Home| {
            let like = |a: &SmolStr, b: &SmolStr| a.is_empty() || b.is_empty() || a == b;
            if exact {
                *known == home
            } else {
                like(&known.account, &home.account) && like(&known.region, &home.region)
            }
        };
        for options in draft.block_public_access.values_mut().filter(|o| fits(&o.home)) {
            if !options.exclusions.contains(&exclusion) {
                options.exclusions.push(exclusion.clone());
            }
        }
    }
}
