//! AWS's answers, or a snapshot's assets, as an [`Estate`].

mod acl;
mod balancer;
mod draft;
mod endpoint;
mod firewall;
mod gateway;
mod group;
mod kinds;
mod list;
mod owner;
mod record;
mod route;
mod service;
mod snapshot;
mod transit;
mod vpc;
mod vpn;

#[cfg(test)]
mod tests;

use crate::estate::{Estate, Home, Unread};
use draft::Draft;
pub use kinds::{KINDS, OUTSIDE, OWNERS};
use list::{LISTS, List};
pub use record::ReadError;
use record::{Record, what};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::{Gap, GapReason, Map, Value};

/// Calls, and for which home.
type Calls = BTreeSet<(&'static str, Home)>;

/// Collects answers, then links what several of them tell together.
#[derive(Default)]
pub struct Reader {
    draft: Draft,
    /// Which calls were answered, and for which home.
    answered: Calls,
    homes: BTreeSet<Home>,
    /// Which calls were answered up to a `NextToken`.
    begun: Calls,
    /// Whether what is read now is an answer of which more pages follow.
    more: bool,
}

impl Reader {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an answer of AWS's, or any document that holds lists of answers at its top or deeper, as asked of an account
    /// and Region where they are known. Keys count whatever their case, with underscores or without; unknown ones are
    /// skipped. An empty list is an answer too. One with a `NextToken` is a part: until another answer of its call comes
    /// without one, the call is not wholly read.
    ///
    /// # Errors
    /// Names the record and member that are not of AWS's form. What was read before stays.
    pub fn answer(&mut self, document: &Value, home: &Home) -> Result<(), ReadError> {
        match document {
            Value::Map(map) => {
                let around = self.more;
                self.more |= map.iter().any(|(key, value)| is_token(key, value));
                let told = match list::of_whole(map) {
                    Some(list) => self.item(&[list], document, 0, home),
                    None => map.iter().try_for_each(|(key, value)| self.member(key, value, home)),
                };
                self.more = around;
                told
            }
            Value::List(items) => items.iter().try_for_each(|item| self.answer(item, home)),
            _ => Ok(()),
        }
    }

    fn member(&mut self, key: &SmolStr, value: &Value, home: &Home) -> Result<(), ReadError> {
        let lists: Vec<&'static List> = list::of_key(key).collect();
        let Some(first) = lists.first() else { return self.answer(value, home) };
        match value {
            Value::List(items) if items.is_empty() => lists.iter().for_each(|l| self.heard(l, home)),
            Value::List(items) => {
                for (nth, item) in items.iter().enumerate() {
                    self.item(&lists, item, nth, home)?;
                }
            }
            Value::Map(map) if lists.iter().any(|l| single(l, map)) => self.item(&lists, value, 0, home)?,
            Value::Map(_) => self.answer(value, home)?,
            other if first.mark.is_empty() => {
                let problem = format_smolstr!("is {} where a list is due", what(other));
                return Err(ReadError { record: "the answer".into(), member: key.clone(), problem });
            }
            _ => {}
        }
        Ok(())
    }

    fn item(&mut self, lists: &[&'static List], item: &Value, nth: usize, home: &Home) -> Result<(), ReadError> {
        let marked = |l: &&&List, map: &Map| l.mark.is_empty() || Record::new(map, "", home).get(l.mark).is_some();
        let found = item.as_map().and_then(|map| Some((lists.iter().find(|l| marked(l, map))?, map)));
        let Some((list, map)) = found else {
            // Another service's list of the same name, unless no other has it.
            let Some(own) = lists.iter().find(|l| l.mark.is_empty()) else { return Ok(()) };
            let problem = format_smolstr!("lists {} where a structure is due", what(item));
            return Err(ReadError { record: "the answer".into(), member: own.key.into(), problem });
        };
        self.heard(list, home);
        let name = name(list.key, map, nth);
        (list.read)(&mut self.draft, &Record::new(map, &name, home))
    }

    fn heard(&mut self, list: &List, home: &Home) {
        if !list.call.is_empty() {
            let calls = if self.more { &mut self.begun } else { &mut self.answered };
            calls.insert((list.call, home.clone()));
        }
        self.homes.insert(home.clone());
    }

    /// The estate. A call that nobody answered for an account and Region of which others were answered is a gap; so is
    /// every call for an account that shares its VPC and was not asked itself.
    pub fn finish(self) -> Estate {
        let Self { mut draft, answered, mut homes, begun, more: _ } = self;
        homes.extend(
            draft.vpcs.values().map(|vpc| vpc.home.clone()).filter(|home| !asked(&homes, home)).collect::<Vec<_>>(),
        );
        complete_interfaces(&mut draft, &answered);
        group::name_rules(&mut draft);
        route::resolve_gateways(&mut draft);
        transit::resolve_tables(&mut draft);
        vpn::resolve_direct_connect(&mut draft);
        balancer::resolve(&mut draft, |home| told(&answered, "elasticloadbalancing:DescribeListeners", home));
        owner::resolve(&mut draft);
        firewall::resolve(&mut draft);
        vpc::resolve_exclusions(&mut draft);
        let missing = missing(&answered, &begun, &homes);
        draft.gaps.extend(missing);
        estate(draft)
    }
}

/// Whether a structure under a list's key is a record of it and no list around the list.
fn single(list: &List, map: &Map) -> bool {
    let record = |member| map.get(member).is_some();
    match list.key {
        "VpcBlockPublicAccessOptions" => record("InternetGatewayBlockMode"),
        "cluster" => record("resourcesVpcConfig"),
        _ => false,
    }
}

/// What errors call a record: its list with its id or place.
fn name(key: &str, map: &Map, nth: usize) -> SmolStr {
    let list = key.to_ascii_lowercase();
    let of_list = |member: &str| {
        let member = member.replace('_', "").to_ascii_lowercase();
        let stem = member.strip_suffix("arn").or(member.strip_suffix("id"));
        stem.is_some_and(|stem| !stem.is_empty() && list.contains(stem))
    };
    let id = map.iter().find(|(member, value)| value.as_str().is_some() && of_list(member));
    match id.and_then(|(_, value)| value.as_str()) {
        Some(id) => format_smolstr!("`{key}` `{id}`"),
        None => format_smolstr!("`{key}[{nth}]`"),
    }
}

/// Whether anything was asked of the account that a VPC belongs to, or of one that nobody named.
fn asked(homes: &BTreeSet<Home>, owner: &Home) -> bool {
    homes.iter().any(|home| home.account.is_empty() || home.account == owner.account)
}

/// Whether the call was answered for this home, or for one that has it within.
fn told(answered: &Calls, call: &'static str, home: &Home) -> bool {
    let wider = [home.clone(), Home { region: SmolStr::default(), ..home.clone() }, Home::default()];
    wider.into_iter().any(|home| answered.contains(&(call, home)))
}

/// Interfaces that only instances tell of, where nobody listed interfaces; Elastic IP addresses.
fn complete_interfaces(draft: &mut Draft, answered: &Calls) {
    for ((asked, id), interface) in std::mem::take(&mut draft.instance_interfaces) {
        if !told(answered, "DescribeNetworkInterfaces", &asked) {
            draft.interfaces.entry(id).or_insert(interface);
        }
    }
    for (interface, private, public) in std::mem::take(&mut draft.elastic) {
        let Some(interface) = draft.interfaces.get_mut(&interface) else { continue };
        let fits = |ip| private.is_none_or(|p| p == ip);
        if let Some(address) = interface.addresses.iter_mut().find(|a| a.ip.is_ipv4() && fits(a.ip)) {
            address.public = address.public.or(Some(public));
        }
    }
}

/// The gap of every call that was not answered for a home. A home that others lie within stands for none of its own.
fn missing(answered: &Calls, begun: &Calls, homes: &BTreeSet<Home>) -> Vec<Unread> {
    let within = |wide: &Home, home: &Home| {
        wide != home
            && (wide.account.is_empty() || wide.account == home.account)
            && (wide.region.is_empty() || wide.region == home.region)
    };
    let calls: BTreeSet<&'static str> = LISTS.iter().map(|l| l.call).filter(|c| !c.is_empty()).collect();
    let innermost = homes.iter().filter(|wide| !homes.iter().any(|home| within(wide, home)));
    let mut out = Vec::new();
    for home in innermost {
        for call in calls.iter().filter(|call| !told(answered, call, home)) {
            let why = if told(begun, call, home) { cut_short() } else { not_asked() };
            let gap = Gap { call: (*call).into(), region: home.region.clone(), ..why };
            let (account, region) = (home.account.clone(), home.region.clone());
            out.push(Unread { call: (*call).into(), account, region, gap: Arc::new(gap) });
        }
    }
    out
}

fn not_asked() -> Gap {
    Gap::new(GapReason::NotRequested, "no answer of it is among the files")
}

fn cut_short() -> Gap {
    Gap::new(GapReason::BadAnswer, "its answer ends with a NextToken: the pages after it are not among the files")
}

/// Whether a member says that more pages follow.
fn is_token(key: &SmolStr, value: &Value) -> bool {
    let key = key.replace('_', "").to_ascii_lowercase();
    matches!(key.as_str(), "nexttoken" | "nextmarker") && value.as_str().is_some_and(|token| !token.is_empty())
}

fn estate(draft: Draft) -> Estate {
    Estate {
        vpcs: draft.vpcs.into_values().collect(),
        subnets: draft.subnets.into_values().collect(),
        interfaces: draft.interfaces.into_values().collect(),
        instances: draft.instances.into_values().collect(),
        security_groups: draft.security_groups.into_values().collect(),
        network_acls: draft.network_acls.into_values().collect(),
        route_tables: draft.route_tables.into_values().collect(),
        internet_gateways: draft.internet_gateways.into_values().collect(),
        egress_only_internet_gateways: draft.egress_only_internet_gateways.into_values().collect(),
        nat_gateways: draft.nat_gateways.into_values().collect(),
        peerings: draft.peerings.into_values().collect(),
        transit_gateways: draft.transit_gateways.into_values().collect(),
        transit_attachments: draft.transit_attachments.into_values().collect(),
        transit_route_tables: draft.transit_route_tables.into_values().collect(),
        vpn_gateways: draft.vpn_gateways.into_values().collect(),
        vpn_connections: draft.vpn_connections.into_values().collect(),
        endpoints: draft.endpoints.into_values().collect(),
        endpoint_services: draft.endpoint_services.into_values().collect(),
        prefix_lists: draft.prefix_lists.into_values().collect(),
        load_balancers: draft.load_balancers.into_values().collect(),
        firewalls: draft.firewalls.into_values().collect(),
        block_public_access: draft.block_public_access.into_values().collect(),
        owners: draft.owners.into_values().collect(),
        gaps: draft.gaps,
    }
}
