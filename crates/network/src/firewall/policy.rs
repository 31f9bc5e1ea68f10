//! A firewall policy and its rule groups, out of AWS's answers (`FirewallPolicy` and `RuleGroup`, API reference).

use super::group::{Group, Prefix};
use super::json::{RuleError, inner, items, malformed, number, strings};
use super::options::Asks;
use super::ranges::{Addresses, Ports, Set, list};
use super::stateful::{self, Unmatched};
use super::{Ruleset, group, stateless};
use std::sync::Arc;
use yagura_model::{IpRange, Map, Value};

/// Reads a policy with its groups.
pub fn read(
    policy: &Value,
    groups: &[&Value],
    vpc: Option<&[IpRange]>,
    prefix: Prefix<'_>,
) -> Result<Ruleset, RuleError> {
    let policy = inner(policy, "FirewallPolicy")?;
    let groups = groups.iter().map(|group| Group::of(group)).collect::<Result<Vec<_>, _>>()?;
    let read = |arn: &str| groups.iter().find(|g| g.arn == arn);
    let actions = strings(policy, "StatelessDefaultActions", "FirewallPolicy")?;
    let default = actions.iter().find_map(|a| stateless::Action::named(a));
    let mut stateless = stateless::Rules {
        default: default.ok_or_else(|| RuleError::Missing("FirewallPolicy.StatelessDefaultActions".to_owned()))?,
        rules: Vec::new(),
    };
    for reference in references(policy, "StatelessRuleGroupReferences")? {
        match read(&reference.arn) {
            Some(group) => stateless.rules.extend(group.stateless()?),
            None => stateless.rules.push(unread_stateless(&reference.arn)),
        }
    }
    let home = home(policy, vpc)?;
    let order = policy.get("StatefulEngineOptions").and_then(|o| o.as_map()?.get("RuleOrder")?.as_str());
    let strict = order == Some("STRICT_ORDER");
    let mut rules = Vec::new();
    for reference in references(policy, "StatefulRuleGroupReferences")? {
        match read(&reference.arn) {
            Some(group) => rules.extend(group.stateful(home.clone(), prefix, reference.only_alerts)?),
            None => rules.extend(reference.unread()),
        }
    }
    if !strict {
        // "Action order": pass, drop, reject, alert; within an action by priority. An unread group may hold either.
        rules.sort_by_key(|rule| {
            let rank = match rule.action {
                stateful::Action::Pass => 0,
                stateful::Action::Unread => 1,
                stateful::Action::Drop => 2,
            };
            (rank, rule.asks.priority)
        });
    }
    let actions = strings(policy, "StatefulDefaultActions", "FirewallPolicy")?;
    let default = if strict { unmatched(&actions) } else { Unmatched::Pass };
    Ok(Ruleset { stateless, stateful: stateful::Rules { rules, default } })
}

fn unmatched(actions: &[String]) -> Unmatched {
    let named = |name: &str| match name {
        "aws:drop_strict" => Some(Unmatched::Strict),
        "aws:drop_established" => Some(Unmatched::Established),
        "aws:drop_established_app_layer" => Some(Unmatched::Application { both: true }),
        "aws:drop_established_app_layer_to_server" => Some(Unmatched::Application { both: false }),
        _ => None,
    };
    actions.iter().find_map(|a| named(a)).unwrap_or_default()
}

/// The policy's `HOME_NET`: what it says, else the VPC's blocks ("Limitations and caveats for stateful rules").
fn home(policy: &Map, vpc: Option<&[IpRange]>) -> Result<Option<Arc<Addresses>>, RuleError> {
    let variables = policy.get("PolicyVariables").and_then(|v| v.as_map()?.get("RuleVariables")?.as_map());
    match variables.and_then(|v| v.get("HOME_NET")) {
        None => Ok(vpc.map(|blocks| Arc::new(Addresses::of(blocks)))),
        Some(set) => {
            let items = group::definition(set, "FirewallPolicy.PolicyVariables.RuleVariables.HOME_NET")?;
            Ok(list(&items, &Addresses::item, &|_| None))
        }
    }
}

/// A rule group that a policy names.
struct Reference {
    arn: String,
    /// `Override.Action` is `DROP_TO_ALERT`.
    only_alerts: bool,
}

impl Reference {
    /// What a group does that nobody read. AWS's managed groups hold threats: they block and never pass.
    fn unread(&self) -> Option<stateful::Rule> {
        let managed = self.arn.contains(":aws-managed:");
        let action = match (managed, self.only_alerts) {
            (true, true) => return None,
            (true, false) => stateful::Action::Drop,
            (false, true) => stateful::Action::Pass,
            (false, false) => stateful::Action::Unread,
        };
        Some(stateful::Rule {
            group: Arc::from(self.arn.as_str()),
            action,
            protocols: super::suricata::protocol("ip").0,
            source: Some(Arc::new(Addresses::all())),
            source_ports: Some(Arc::new(Ports::all())),
            destination: Some(Arc::new(Addresses::all())),
            destination_ports: Some(Arc::new(Ports::all())),
            both: false,
            asks: Asks { unsure: vec!["DescribeRuleGroup".to_owned()], ..Asks::default() },
            text: self.arn.clone(),
        })
    }
}

/// References in the order of their priorities.
fn references(policy: &Map, name: &str) -> Result<Vec<Reference>, RuleError> {
    let mut out = Vec::new();
    for (at, item) in items(policy, name, "FirewallPolicy")?.iter().enumerate() {
        let place = format!("FirewallPolicy.{name}[{at}]");
        let item = item.as_map().ok_or_else(|| malformed(&place, "a structure"))?;
        let arn = item.get("ResourceArn").and_then(Value::as_str);
        let arn = arn.ok_or_else(|| RuleError::Missing(format!("{place}.ResourceArn")))?.to_owned();
        let changed = item.get("Override").and_then(|o| o.as_map()?.get("Action")?.as_str());
        let only_alerts = changed == Some("DROP_TO_ALERT");
        out.push((number(item, "Priority", &place)?.unwrap_or(0), Reference { arn, only_alerts }));
    }
    out.sort_by_key(|(priority, _)| *priority);
    Ok(out.into_iter().map(|(_, reference)| reference).collect())
}

fn unread_stateless(arn: &str) -> stateless::Rule {
    stateless::Rule {
        group: arn.to_owned(),
        priority: 0,
        action: stateless::Action::Unread,
        source: Addresses::all(),
        destination: Addresses::all(),
        source_ports: Ports::all(),
        destination_ports: Ports::all(),
        protocols: Vec::new(),
        flags: Vec::new(),
        text: arn.to_owned(),
    }
}
