//! AWS Network Firewall: firewalls, their policies and rule groups.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use crate::estate::{Firewall, Home};
use crate::firewall::Ruleset;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{GapReason, IpRange, Value};

const DESCRIBE_POLICY: &str = "network-firewall:DescribeFirewallPolicy";

/// Policies and rule groups, as answered.
#[derive(Default)]
pub(super) struct FirewallRules {
    /// By firewall, its policy.
    of: BTreeMap<SmolStr, SmolStr>,
    policies: BTreeMap<SmolStr, Value>,
    groups: BTreeMap<SmolStr, Value>,
}

/// `DescribeFirewall`; of a firewall that was only listed its name stands alone.
pub(super) fn firewall(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let described = record.record("Firewall")?.unwrap_or(*record);
    let id = described.want("FirewallArn")?;
    let mut endpoints = Vec::new();
    if let Some(status) = record.record("FirewallStatus")? {
        for zone in status.members("SyncStates")? {
            let Some(attachment) = zone.record("Attachment")? else { continue };
            if let Some(endpoint) = attachment.text("EndpointId")? {
                endpoints.push((endpoint, attachment.plain("SubnetId")?));
            }
        }
    }
    if let Some(policy) = described.text("FirewallPolicyArn")? {
        draft.firewall_rules.of.insert(id.clone(), policy);
    }
    let firewall = Firewall {
        home: record.home_of_arn(&id),
        name: described.plain("FirewallName")?,
        vpc: described.plain("VpcId")?,
        endpoints,
        rules: None,
        id: id.clone(),
    };
    put(&mut draft.firewalls, id, firewall, false);
    Ok(())
}

/// `DescribeFirewallPolicy`.
pub(super) fn policy(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if record.get("FirewallPolicy").is_some() {
        let arn = arn(record, "FirewallPolicyResponse", "FirewallPolicyArn")?;
        draft.firewall_rules.policies.insert(arn, record.value());
    }
    Ok(())
}

/// `DescribeRuleGroup`.
pub(super) fn group(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if record.get("RuleGroup").is_some() {
        let arn = arn(record, "RuleGroupResponse", "RuleGroupArn")?;
        draft.firewall_rules.groups.insert(arn, record.value());
    }
    Ok(())
}

fn arn(record: &Record<'_>, response: &str, member: &str) -> Result<SmolStr, ReadError> {
    match record.record(response)? {
        Some(response) => response.want(member),
        None => record.want("Arn"),
    }
}

/// Gives firewalls their rules. Rules that are not of AWS's form are a gap.
pub(super) fn resolve(draft: &mut Draft) {
    let told = std::mem::take(&mut draft.firewall_rules);
    let groups: Vec<&Value> = told.groups.values().collect();
    let mut bad: Vec<(Home, SmolStr)> = Vec::new();
    for firewall in draft.firewalls.values_mut() {
        let Some(policy) = told.of.get(&firewall.id).and_then(|arn| told.policies.get(arn)) else { continue };
        let vpc: Option<&[IpRange]> = draft.vpcs.get(&firewall.vpc).map(|v| v.cidrs.as_slice());
        let prefix = |id: &str| draft.prefix_lists.get(id).and_then(|list| list.cidrs.clone());
        match Ruleset::parse_in(policy, &groups, vpc, &prefix) {
            Ok(rules) => firewall.rules = Some(Arc::new(rules)),
            Err(why) => bad.push((firewall.home.clone(), format_smolstr!("the policy of `{}`: {why}", firewall.name))),
        }
    }
    for (home, why) in bad {
        draft.note(&home, DESCRIBE_POLICY, GapReason::BadAnswer, why);
    }
}
