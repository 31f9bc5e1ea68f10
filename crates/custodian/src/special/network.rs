//! Filters of networks and security groups.

use super::{Build, Made, agree, all, kind, list, text, tri};
use crate::call::Call;
use crate::filter::{Answer, Ask, Read, items};
use crate::value::ValueFilter;
use crate::world::{Res, not_told};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        (_, "flow-logs") => flow_logs(b),
        ("security-group", "ingress") => permissions(b, "IpPermissions"),
        ("security-group", "egress") => permissions(b, "IpPermissionsEgress"),
        ("security-group", "used" | "unused") => group_used(b),
        (_, "default-vpc") => default_vpc(b),
        ("vpc", "internet-gateway" | "nat-gateway" | "vpc-endpoint") => beside_vpc(b),
        ("vpc", "dhcp-options") => Ok(dhcp_options(b)),
        ("vpc", "vpc-attributes") => Ok(attributes(b)),
        (_, "network-location") => location(b),
        _ => return None,
    })
}

/// The flow logs of a resource, asked as items of a list; the older keys are put into that form.
fn flow_logs(b: &Build<'_, '_>) -> Result<Made, String> {
    const OLD: [(&str, &str); 7] = [
        ("status", "FlowLogStatus"),
        ("deliver-status", "DeliverLogsStatus"),
        ("destination", "LogDestination"),
        ("destination-type", "LogDestinationType"),
        ("traffic-type", "TrafficType"),
        ("log-format", "LogFormat"),
        ("log-group", "LogGroupName"),
    ];
    let mut asked: Map<String, Json> = b.data.as_object().cloned().unwrap_or_default();
    let every = b.text("set-op").as_deref() == Some("and") && b.data.get("attrs").is_none();
    if b.data.get("attrs").is_none() {
        let unequal = b.text("op").as_deref() == Some("not-equal");
        let attrs: Vec<Json> = OLD
            .iter()
            .filter_map(|(old, member)| {
                let value = match b.data.get(*old)?.as_str()? {
                    "failure" if *old == "deliver-status" => "FAILED".to_owned(),
                    v if ["status", "deliver-status", "traffic-type"].contains(old) => v.to_uppercase(),
                    v => v.to_owned(),
                };
                Some(if unequal {
                    json!({"type": "value", "key": member, "value": value, "op": "not-equal"})
                } else {
                    json!({*member: value})
                })
            })
            .collect();
        asked = match b.flag("enabled") {
            Some(true) => json!({"count": 1, "count_op": "gte", "attrs": attrs}),
            _ => json!({"count": 0, "attrs": attrs}),
        }
        .as_object()
        .cloned()
        .unwrap_or_default();
    }
    let question = items(&asked.into(), b.cx)?;
    let id = b.cx.resource.id().to_owned();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let of = ask.res.text(&id);
            let logs: Json = all(ask, "ec2.flow_log")?
                .into_iter()
                .filter(|l| l.text("ResourceId") == of)
                .map(|l| l.json.clone())
                .collect();
            if every && let Some(n) = logs.as_array().map(Vec::len).filter(|n| *n > 0) {
                return Ok((question.hits(&logs, ask.scene).len() == n).into());
            }
            Ok(match question.answer(&logs, ask.scene) {
                Answer::Yes(_) => Answer::Yes(vec![("c7n:flow-logs".to_owned(), logs)]),
                other => other,
            })
        })
    });
    Ok(made.reading([kind("ec2.flow_log")]))
}

/// What the options of a VPC's DHCP say. `amazon` stands for the addresses that Amazon's own DNS server has in the VPC.
fn dhcp_options(b: &Build<'_, '_>) -> Made {
    const OPTIONS: &str = "ec2.dhcp_options";
    let keys = ["domain-name", "domain-name-servers", "ntp-servers"];
    let asked: Vec<(&str, Json)> = keys.iter().filter_map(|k| Some((*k, b.data.get(*k)?.clone()))).collect();
    let (present, every) = (b.flag("present").unwrap_or(true), b.text("match-operator").as_deref() == Some("all"));
    let made = Made::on(&["DhcpOptionsId", "CidrBlock", "CidrBlockAssociationSet"], move |ask: &Ask<'_>| {
        tri(|| {
            let (id, listed) = (ask.res.text("DhcpOptionsId"), all(ask, OPTIONS)?);
            let set = match listed.iter().find(|o| o.text("DhcpOptionsId") == id) {
                Some(set) => list(set.get("DhcpConfigurations")?).to_vec(),
                None if id == "default" => Vec::new(),
                None => return Err(not_told(format!("the DHCP options `{id}` were not listed"))),
            };
            let has = |(key, want): &(&str, Json)| {
                let Some(option) = set.iter().find(|o| text(o, "Key") == *key) else { return false };
                let values = list(option.get("Values").unwrap_or(&Json::Null)).iter().map(|v| text(v, "Value"));
                let values: BTreeSet<String> = values.map(str::to_owned).collect();
                match want {
                    Json::String(s) if s == "amazon" && every => values.is_subset(&amazon_dns(&ask.res.json)),
                    Json::String(s) if s == "amazon" => !values.is_disjoint(&amazon_dns(&ask.res.json)),
                    Json::String(s) => values.contains(s),
                    _ => {
                        let (amazon, named): (Vec<&str>, Vec<&str>) =
                            list(want).iter().filter_map(Json::as_str).partition(|w| *w == "amazon");
                        let mut whole: BTreeSet<String> = named.into_iter().map(str::to_owned).collect();
                        if !amazon.is_empty() {
                            whole.extend(amazon_dns(&ask.res.json));
                        }
                        values == whole
                    }
                }
            };
            Ok(agree(present, asked.iter().all(has)))
        })
    });
    made.reading([kind(OPTIONS)])
}

/// Amazon's DNS server: its name in DHCP options, its address everywhere, and the third address of each of the VPC's IPv4 blocks.
fn amazon_dns(vpc: &Json) -> BTreeSet<String> {
    let more = list(vpc.get("CidrBlockAssociationSet").unwrap_or(&Json::Null)).iter();
    let more = more.filter(|a| a.pointer("/CidrBlockState/State").and_then(Json::as_str) == Some("associated"));
    let blocks = std::iter::once(vpc).chain(more).map(|v| text(v, "CidrBlock"));
    let third = |block: &str| {
        let base: std::net::Ipv4Addr = block.split('/').next()?.parse().ok()?;
        Some(std::net::Ipv4Addr::from(u32::from(base).checked_add(2)?).to_string())
    };
    let fixed = ["AmazonProvidedDNS", "169.254.169.253"].into_iter().map(str::to_owned);
    fixed.chain(blocks.filter_map(third)).collect()
}

fn attributes(b: &Build<'_, '_>) -> Made {
    const KEYS: [(&str, &str, &str); 3] = [
        ("dnshostnames", "enableDnsHostnames", "EnableDnsHostnames.Value"),
        ("dnssupport", "enableDnsSupport", "EnableDnsSupport.Value"),
        ("addressusage", "enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics.Value"),
    ];
    let asked: Vec<(bool, Call)> = KEYS
        .iter()
        .filter_map(|(key, attribute, take)| {
            let with = json!({"VpcId": "{VpcId}", "Attribute": attribute});
            Some((b.flag(key)?, b.call("ec2:DescribeVpcAttribute", &with).taking(take)))
        })
        .collect();
    let reads: Vec<Read> = asked.iter().map(|(_, call)| Read::Asked(call.clone())).collect();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        let mut unsure = None;
        for (wanted, call) in &asked {
            match ask.res.asked(call) {
                Ok(v) if v.is_boolean() && v != *wanted => return Answer::No,
                Ok(v) if v.is_boolean() => {}
                Ok(_) => unsure = Some(not_told("the attribute was not told")),
                Err(gap) => unsure = Some(gap),
            }
        }
        unsure.map_or(Answer::Yes(Vec::new()), Answer::Unknown)
    });
    made.reading(reads)
}

/// A question to each rule of a security group, one source or destination at a time.
struct Rules {
    values: Vec<ValueFilter>,
    ports: Vec<i64>,
    only: Vec<i64>,
    cidr: Option<ValueFilter>,
    cidr6: Option<ValueFilter>,
    description: Option<ValueFilter>,
    itself: Option<bool>,
    any: bool,
}

fn permissions(b: &Build<'_, '_>, list: &'static str) -> Result<Made, String> {
    if b.data.get("SGReferences").is_some() {
        return Err("`SGReferences` is not evaluated".to_owned());
    }
    let question = |key: &str, member: &str| -> Result<Option<ValueFilter>, String> {
        let Some(want) = b.data.get(key) else { return Ok(None) };
        let data = if want.is_object() { want.clone() } else { json!({"value": want}) };
        ValueFilter::compile_with(&data, Some(member), b.cx).map(Some)
    };
    let mut values = Vec::new();
    for member in ["FromPort", "IpProtocol", "IpRanges", "PrefixListIds", "ToPort", "UserIdGroupPairs"] {
        values.extend(question(member, member)?);
    }
    let numbers = |key: &str| {
        let list = b.data.get(key).and_then(Json::as_array).into_iter().flatten();
        list.filter_map(Json::as_i64).collect::<Vec<_>>()
    };
    let rules = Rules {
        values,
        ports: numbers("Ports"),
        only: numbers("OnlyPorts"),
        cidr: question("Cidr", "CidrIp")?,
        cidr6: question("CidrV6", "CidrIpv6")?,
        description: question("Description", "Description")?,
        itself: b.flag("SelfReference"),
        any: b.text("match-operator").as_deref() == Some("or"),
    };
    Ok(Made::on(&[list], move |ask: &Ask<'_>| {
        tri(|| {
            let all = ask.res.get(list)?.as_array().cloned().unwrap_or_default();
            let single = all.iter().flat_map(one_by_one);
            let hits: Vec<Json> = single.filter(|p| rules.hit(p, ask)).collect();
            Ok(if hits.is_empty() { Answer::No } else { Answer::Yes(vec![(format!("Matched{list}"), hits.into())]) })
        })
    }))
}

const PEERS: [&str; 4] = ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"];

/// A rule as several, each with one source or destination.
fn one_by_one(rule: &Json) -> Vec<Json> {
    let Some(rule) = rule.as_object() else { return Vec::new() };
    let mut bare = rule.clone();
    for p in PEERS {
        bare.insert(p.to_owned(), json!([]));
    }
    let mut out = Vec::new();
    for p in PEERS {
        for peer in rule.get(p).and_then(Json::as_array).into_iter().flatten() {
            let mut single = bare.clone();
            single.insert(p.to_owned(), json!([peer]));
            out.push(single.into());
        }
    }
    out
}

impl Rules {
    fn hit(&self, rule: &Json, ask: &Ask<'_>) -> bool {
        let now = ask.scene.now;
        let mut told: Vec<bool> = self.values.iter().map(|v| v.matches(rule, now)).collect();
        let first = |list: &str| rule.get(list).and_then(Json::as_array).and_then(|l| l.first());
        if let Some(d) = &self.description {
            let peer = ["Ipv6Ranges", "IpRanges", "UserIdGroupPairs", "PrefixListIds"].iter().find_map(|p| first(p));
            told.push(peer.is_some_and(|p| d.matches(p, now)));
        }
        told.extend(self.port_hit(rule));
        let cidr = |q: &Option<ValueFilter>, list: &str| {
            q.as_ref()
                .map(|q| rule.get(list).and_then(Json::as_array).is_some_and(|l| l.iter().any(|r| q.matches(r, now))))
        };
        let ranges: Vec<bool> =
            [cidr(&self.cidr6, "Ipv6Ranges"), cidr(&self.cidr, "IpRanges")].into_iter().flatten().collect();
        if !ranges.is_empty() {
            told.push(if self.any { ranges.contains(&true) } else { !ranges.contains(&false) });
        }
        if let Some(wanted) = self.itself {
            let mine = ask.res.text("GroupId");
            let pairs = rule.get("UserIdGroupPairs").and_then(Json::as_array).into_iter().flatten();
            let refers = pairs.into_iter().any(|p| p.get("GroupId").and_then(Json::as_str) == Some(mine));
            told.push(refers == wanted);
        }
        if self.any { told.contains(&true) } else { !told.is_empty() && !told.contains(&false) }
    }

    /// Whether the rule's ports hold one of `Ports`, and are not exactly one of `OnlyPorts`; `None` where neither speaks.
    fn port_hit(&self, rule: &Json) -> Option<bool> {
        let port = |m: &str| rule.get(m).and_then(Json::as_i64);
        let (from, to) = (port("FromPort")?, port("ToPort")?);
        let found = (!self.ports.is_empty()).then(|| self.ports.iter().any(|p| (from..=to).contains(p)));
        if self.only.is_empty() {
            return found;
        }
        if self.only.iter().any(|p| *p == from && *p == to) {
            return Some(false);
        }
        Some(found.unwrap_or(true))
    }
}

/// Groups that network interfaces, functions, launch configurations, other groups' rules or build projects name.
fn group_used(b: &Build<'_, '_>) -> Result<Made, String> {
    let wanted = b.name == "used";
    let kinds = ["eni", "lambda", "launch-config", "security-group", "codebuild", "batch-compute"];
    let kinds = kinds.iter().map(|k| b.kind(k)).collect::<Result<Vec<_>, _>>()?;
    let listed = kinds.clone();
    let made = Made::on(&["VpcId"], move |ask: &Ask<'_>| {
        tri(|| {
            let mine = ask.res.text("GroupId");
            let mut gap: Option<Arc<Gap>> = None;
            for k in &listed {
                match all(ask, k) {
                    Ok(found) if found.iter().any(|r| names_group(r, mine)) => return Ok(wanted.into()),
                    Ok(_) => {}
                    Err(why) => gap = Some(why),
                }
            }
            if ask.res.text("VpcId").is_empty() {
                return Ok(wanted.into());
            }
            match gap {
                Some(gap) => Err(gap),
                None => Ok(agree(wanted, false)),
            }
        })
    });
    Ok(made.reading(kinds.into_iter().map(|k| kind(&k))))
}

fn names_group(r: &Res<'_>, group: &str) -> bool {
    let at = |pointer: &str| r.json.pointer(pointer).and_then(Json::as_array).cloned().unwrap_or_default();
    let bare = |pointer: &str| at(pointer).iter().any(|v| v == group);
    let inside = |list: Vec<Json>, member: &str| list.iter().any(|v| v.get(member).is_some_and(|g| g == group));
    let by_rules = || {
        r.text("GroupId") != group
            && ["/IpPermissions", "/IpPermissionsEgress"].iter().any(|list| {
                at(list).iter().any(|p| {
                    let pairs = p.get("UserIdGroupPairs").and_then(Json::as_array).cloned().unwrap_or_default();
                    inside(pairs, "GroupId")
                })
            })
    };
    bare("/VpcConfig/SecurityGroupIds")
        || bare("/vpcConfig/securityGroupIds")
        || bare("/computeResources/securityGroupIds")
        || bare("/SecurityGroups")
        || bare("/ClassicLinkVPCSecurityGroups")
        || inside(at("/Groups"), "GroupId")
        || by_rules()
}

fn default_vpc(b: &Build<'_, '_>) -> Result<Made, String> {
    let vpc = b.kind("vpc")?;
    let of = vpc.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ["/VpcId", "/VPCId", "/DBSubnetGroup/VpcId", "/ResourceProperties/VpcId"];
            let id = id.iter().find_map(|p| ask.res.json.pointer(p)).and_then(Json::as_str).unwrap_or_default();
            let is = |v: &&Res<'_>| v.json.get("IsDefault") == Some(&Json::Bool(true));
            Ok((!id.is_empty() && all(ask, &of)?.iter().find(|v| is(v)).is_some_and(|v| v.text("VpcId") == id)).into())
        })
    });
    Ok(made.reading([kind(&vpc)]))
}

/// Gateways and endpoints of a VPC, against a value question.
fn beside_vpc(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind(b.name)?;
    let value = b.value()?;
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let vpc = ask.res.text("VpcId");
            let attached = |r: &Res<'_>| {
                let list = r.json.get("Attachments").and_then(Json::as_array).into_iter().flatten();
                r.text("VpcId") == vpc || list.into_iter().any(|a| a.get("VpcId").is_some_and(|v| v == vpc))
            };
            let found = all(ask, &listed)?;
            Ok(found.iter().any(|r| attached(r) && value.matches(&r.json, ask.scene.now)).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// Whether a resource, its subnets and its security groups agree in a value (a tag, mostly).
fn location(b: &Build<'_, '_>) -> Result<Made, String> {
    let (groups, subnets) = (b.kind("security-group")?, b.kind("subnet")?);
    // Of some, Cloud Custodian gathers them by a program of its own.
    let path = |of: &str, why: &'static str| {
        b.cx.resource.related(of).map(|(_, path)| path).filter(|p| !p.is_empty()).ok_or(why)
    };
    let group_path = path("security-group", "the resource's security groups are not gathered")?;
    let subnet_path = path("subnet", "the resource's subnets are not gathered")?;
    let (group_path, subnet_path) = (crate::path::Path::parse(group_path)?, crate::path::Path::parse(subnet_path)?);
    if b.data.get("ignore").is_some() || b.text("match").as_deref() == Some("in") {
        return Err("`ignore` and `match: in` of `network-location` are not evaluated".to_owned());
    }
    let key = b.text("key").ok_or("`key` is missing")?;
    let compare = b.texts("compare");
    let asks = move |what: &str| compare.is_empty() || compare.iter().any(|c| c == what);
    let most = b.data.get("max-cardinality").and_then(Json::as_u64).unwrap_or(1);
    let equal = b.text("match").as_deref() == Some("equal");
    let missing_ok = b.flag("missing-ok").unwrap_or(false);
    let probe = ValueFilter::compile_with(&json!({}), Some(&key), b.cx)?;
    let roots = probe.roots();
    let (g, s) = (groups.clone(), subnets.clone());
    let look = crate::value::look(&key, b.cx)?;
    let mut made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let found = |of: &str, path: &crate::path::Path| -> Result<Vec<Json>, Arc<Gap>> {
                let ids = super::related::ids(&path.search(&ask.res.json));
                let mut out = Vec::new();
                for id in ids {
                    if let Some(r) = ask.scene.world.by_id(of, &id, ask.scene.place) {
                        out.push(look(&r.json));
                    } else if let Some(gap) = ask.scene.world.listing_gap(of, ask.scene.place) {
                        return Err(gap);
                    }
                }
                Ok(out)
            };
            let in_groups = if asks("security-group") { found(&g, &group_path)? } else { Vec::new() };
            let in_subnets = if asks("subnet") { found(&s, &subnet_path)? } else { Vec::new() };
            let own = look(&ask.res.json);
            let set = |l: &[Json]| l.iter().map(Json::to_string).collect::<BTreeSet<String>>();
            let many = |l: &[Json]| set(l).len() as u64 > most;
            let mut values = [in_groups.clone(), in_subnets.clone()].concat();
            let mut differ = many(&in_groups) || many(&in_subnets);
            if asks("resource") {
                values.push(own);
            }
            if !missing_ok && values.iter().any(Json::is_null) {
                differ = true;
            }
            values.retain(|v| !v.is_null());
            differ |= set(&values).len() > 1;
            Ok((if equal { !differ } else { differ }).into())
        })
    });
    made.roots = roots;
    Ok(made.reading([kind(&groups), kind(&subnets)]))
}
