//! A snapshot's assets are the records of answers; its gaps are the calls that did not answer.

use super::Reader;
use super::list::LISTS;
use super::record::{ReadError, Record};
use crate::estate::{Home, Unread};
use smol_str::{SmolStr, format_smolstr};
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, Map, Snapshot};

/// Fields with a call of their own that the estate holds, and that call.
const FIELDS: &[(&str, &str, &str)] = &[
    ("ec2.managed_prefix_list", "Entries", "GetManagedPrefixListEntries"),
    ("ec2.managed_prefix_list", "Entries", "DescribePrefixLists"),
    ("ec2.transit_gateway_route_table", "Routes", "SearchTransitGatewayRoutes"),
    (
        "ec2.transit_gateway_route_table",
        "TransitGatewayRouteTablePropagations",
        "GetTransitGatewayRouteTablePropagations",
    ),
    ("elbv2.load_balancer", "Attributes", "elasticloadbalancing:DescribeLoadBalancerAttributes"),
    ("elbv2.target_group", "Attributes", "elasticloadbalancing:DescribeTargetGroupAttributes"),
    ("elbv2.target_group", "TargetHealthDescriptions", "elasticloadbalancing:DescribeTargetHealth"),
    ("network-firewall.firewall", "FirewallStatus", "network-firewall:DescribeFirewall"),
    ("network-firewall.firewall_policy", "FirewallPolicy", "network-firewall:DescribeFirewallPolicy"),
    ("network-firewall.rule_group", "RuleGroup", "network-firewall:DescribeRuleGroup"),
    ("elb.load_balancer", "InstanceStates", "elb:DescribeInstanceHealth"),
    ("eks.cluster", "resourcesVpcConfig", "eks:DescribeCluster"),
    ("ecs.task", "attachments", "ecs:DescribeTasks"),
    ("opensearch.domain", "VPCOptions", "es:DescribeDomains"),
];

impl Reader {
    /// Takes the assets of a snapshot: each kind is the records of the call that lists it. A listing or field that was not
    /// read, and a kind that nobody listed, is a gap.
    ///
    /// # Errors
    /// Names the asset and field that are not of AWS's form.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), ReadError> {
        let regions = |c: &yagura_model::Caller| snapshot.scope.regions_in(&c.account).to_vec();
        for caller in &snapshot.callers {
            regions(caller).into_iter().for_each(|region| self.asked(&caller.account, &region));
        }
        for listing in &snapshot.listings {
            self.listing(&listing.kind, &listing.account, &listing.region, listing.gap.as_ref());
        }
        snapshot.assets.iter().try_for_each(|asset| self.asset(asset))
    }

    /// Says that an account was asked in a Region: what no listing speaks of is not read there.
    pub fn asked(&mut self, account: &SmolStr, region: &SmolStr) {
        self.homes.insert(Home { account: account.clone(), region: region.clone() });
    }

    /// Says how a listing of a kind went: wholly (`None`), or why not.
    pub fn listing(&mut self, kind: &str, account: &SmolStr, region: &SmolStr, gap: Option<&Arc<Gap>>) {
        let home = home(account, region);
        for list in LISTS.iter().filter(|l| l.kind == kind && !l.call.is_empty()) {
            self.answered.insert((list.call, home.clone()));
            for (_, _, call) in FIELDS.iter().filter(|(of, ..)| *of == kind) {
                self.answered.insert((call, home.clone()));
            }
            if let Some(gap) = gap {
                self.unread(list.call, &home, gap);
            }
        }
    }

    /// Takes one asset; of a kind that no network has, nothing.
    ///
    /// # Errors
    /// Names the asset and field that are not of AWS's form.
    pub fn asset(&mut self, asset: &Asset) -> Result<(), ReadError> {
        let Some(list) = LISTS.iter().find(|l| l.kind == asset.kind && !l.kind.is_empty()) else { return Ok(()) };
        let home = home(&asset.account, &asset.region);
        let mut map = Map::new();
        for (name, field) in &asset.fields {
            match field {
                Field::Known(value) => map.insert(name.clone(), value.clone()),
                Field::Absent => {}
                Field::Partly(_, gap) | Field::Unknown(gap) => {
                    let of = FIELDS.iter().find(|(kind, field, _)| *kind == asset.kind && field == name);
                    if let Some((_, _, call)) = of {
                        self.unread(call, &home, gap);
                    }
                }
            }
        }
        let name = format_smolstr!("`{}` `{}`", asset.kind, asset.id);
        (list.read)(&mut self.draft, &Record::new(&map, &name, &home))
    }

    fn unread(&mut self, call: &'static str, home: &Home, gap: &Arc<Gap>) {
        let call = SmolStr::new_static(call);
        let unread = Unread { call, account: home.account.clone(), region: home.region.clone(), gap: gap.clone() };
        if !self.draft.gaps.contains(&unread) {
            self.draft.gaps.push(unread);
        }
    }
}

/// The home of an asset or listing; what has no Region stands for every one.
fn home(account: &SmolStr, region: &SmolStr) -> Home {
    let region = if region.ends_with("-global") { SmolStr::default() } else { region.clone() };
    Home { account: account.clone(), region }
}
