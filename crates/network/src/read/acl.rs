//! Network ACLs.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use super::{service, vpc::owned};
use crate::estate::{AclEntry, NetworkAcl};
use smol_str::format_smolstr;

/// `NetworkAcls`.
pub(super) fn acl(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let acl = NetworkAcl {
        id: record.want("NetworkAclId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        default: record.flag("IsDefault")?.unwrap_or(false),
        subnets: record.each("Associations", "SubnetId")?,
        entries: record.records("Entries")?.iter().map(entry).collect::<Result<_, _>>()?,
    };
    put(&mut draft.network_acls, acl.id.clone(), acl, owned(record)?);
    Ok(())
}

fn entry(record: &Record<'_>) -> Result<AclEntry, ReadError> {
    let number = record.number("RuleNumber")?.ok_or_else(|| record.error("RuleNumber", "is missing"))?;
    let range = record.range("CidrBlock")?.or(record.range("Ipv6CidrBlock")?);
    let allow = match record.want("RuleAction")?.to_ascii_lowercase().as_str() {
        "allow" => true,
        "deny" => false,
        other => return Err(record.error("RuleAction", format_smolstr!("is neither allow nor deny: `{other}`"))),
    };
    Ok(AclEntry {
        number: u32::try_from(number).map_err(|_| record.error("RuleNumber", format_smolstr!("is {number}")))?,
        egress: record.flag("Egress")?.unwrap_or(false),
        allow,
        service: service::of_acl(record)?,
        range: range.ok_or_else(|| record.error("CidrBlock", "is missing, and `Ipv6CidrBlock` too"))?,
    })
}
