//! Security groups.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use super::{service, vpc::owned};
use crate::estate::{GroupRule, Peer, SecurityGroup};
use smol_str::SmolStr;

/// `SecurityGroups`.
pub(super) fn group(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let group = SecurityGroup {
        id: record.want("GroupId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        name: record.plain("GroupName")?,
        ingress: permissions(record, "IpPermissions")?,
        egress: permissions(record, "IpPermissionsEgress")?,
    };
    put(&mut draft.security_groups, group.id.clone(), group, owned(record)?);
    Ok(())
}

/// One rule for each peer. A permission without a peer lets nobody through.
fn permissions(record: &Record<'_>, member: &str) -> Result<Vec<GroupRule>, ReadError> {
    let mut out = Vec::new();
    for permission in record.records(member)? {
        let service = service::of_group(&permission)?;
        for peer in peers(&permission)? {
            out.push(GroupRule { service, peer, id: None });
        }
    }
    Ok(out)
}

fn peers(permission: &Record<'_>) -> Result<Vec<Peer>, ReadError> {
    let mut out: Vec<Peer> = permission.ranges("IpRanges", "CidrIp")?.into_iter().map(Peer::Range).collect();
    out.extend(permission.ranges("Ipv6Ranges", "CidrIpv6")?.into_iter().map(Peer::Range));
    out.extend(permission.each("UserIdGroupPairs", "GroupId")?.into_iter().map(Peer::Group));
    out.extend(permission.each("PrefixListIds", "PrefixListId")?.into_iter().map(Peer::PrefixList));
    Ok(out)
}

/// A rule that `DescribeSecurityGroupRules` lists, with the group and direction that it is of.
pub(super) struct ListedRule {
    pub group: SmolStr,
    pub egress: bool,
    pub rule: GroupRule,
}

/// `SecurityGroupRules`: tells the rules' own ids.
pub(super) fn rule(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let service = service::of_group(record)?;
    let referenced = record.record("ReferencedGroupInfo")?.map(|r| r.text("GroupId")).transpose()?.flatten();
    let range = record.range("CidrIpv4")?.or(record.range("CidrIpv6")?);
    let peer = range
        .map(Peer::Range)
        .or(record.text("PrefixListId")?.map(Peer::PrefixList))
        .or_else(|| referenced.map(Peer::Group));
    if let Some(peer) = peer {
        draft.group_rules.push(ListedRule {
            group: record.want("GroupId")?,
            egress: record.flag("IsEgress")?.unwrap_or(false),
            rule: GroupRule { service, peer, id: record.text("SecurityGroupRuleId")? },
        });
    }
    Ok(())
}

/// Gives rules the ids that they are listed under.
pub(super) fn name_rules(draft: &mut Draft) {
    for listed in std::mem::take(&mut draft.group_rules) {
        let Some(group) = draft.security_groups.get_mut(&listed.group) else { continue };
        let rules = if listed.egress { &mut group.egress } else { &mut group.ingress };
        let same = |r: &&mut GroupRule| r.service == listed.rule.service && r.peer == listed.rule.peer;
        if let Some(rule) = rules.iter_mut().find(same) {
            rule.id = listed.rule.id;
        }
    }
}
