//! Filters on other resources that the resource names: its security groups, subnets, VPC, key, role, topic.

use super::{Build, Made, kind};
use crate::filter::{Answer, Ask, Read};
use crate::path::Path;
use crate::value::ValueFilter;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

/// Cloud Custodian's resources by the names of their classes.
const CLASSES: [(&str, &str); 11] = [
    ("Key", "kms-key"),
    ("Subnet", "subnet"),
    ("SecurityGroup", "security-group"),
    ("Vpc", "vpc"),
    ("VpcEndpoint", "vpc-endpoint"),
    ("InternetGateway", "internet-gateway"),
    ("NATGateway", "nat-gateway"),
    ("SNS", "sns"),
    ("EBS", "ebs"),
    ("RDS", "rds"),
    ("Role", "iam-role"),
];

/// What stands between a resource and its network: a group of subnets, by the resource's member and the group's own name.
struct Group {
    resource: &'static str,
    kind: &'static str,
    member: &'static str,
    subnets: &'static str,
}

const GROUPS: [Group; 2] = [
    Group {
        resource: "cache-cluster",
        kind: "elasticache.subnet_group",
        member: "CacheSubnetGroupName",
        subnets: "Subnets[].SubnetIdentifier",
    },
    Group {
        resource: "redshift",
        kind: "redshift.cluster_subnet_group",
        member: "ClusterSubnetGroupName",
        subnets: "Subnets[].SubnetIdentifier",
    },
];

impl Group {
    /// The group that a resource names; `null` where it names none.
    fn of(&self, ask: &Ask<'_>) -> Result<Json, Arc<Gap>> {
        let name = ask.res.get(self.member)?.as_str().unwrap_or_default();
        let groups = super::all(ask, self.kind)?;
        match groups.iter().find(|g| g.text(self.member) == name) {
            Some(group) => Ok(group.json.clone()),
            None if name.is_empty() => Ok(Json::Null),
            None => Err(crate::world::not_told(format!("the subnet group `{name}` was not listed"))),
        }
    }
}

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    let own = b.cx.resource.related(b.name).filter(|(_, path)| !path.is_empty());
    if let Some((class, path)) = own {
        let (_, other) = CLASSES.iter().find(|(c, _)| *c == class)?;
        return Some(related(b, other, path, None));
    }
    let group = GROUPS.iter().find(|g| g.resource == b.resource())?;
    match b.name {
        "subnet" => Some(related(b, "subnet", group.subnets, Some(group))),
        "vpc" => Some(related(b, "vpc", "VpcId", Some(group))),
        _ => None,
    }
}

/// The ids that a path finds, each once.
pub(super) fn ids(found: &Json) -> BTreeSet<String> {
    match found {
        Json::String(s) if !s.is_empty() => BTreeSet::from([s.clone()]),
        Json::Array(l) => l.iter().flat_map(ids).collect(),
        _ => BTreeSet::new(),
    }
}

/// Which gateways a subnet's routes lead to, as `igw` and `nat` ask.
#[derive(Clone, Copy, Default)]
struct Ways {
    internet: Option<bool>,
    nat: Option<bool>,
}

fn related(b: &Build<'_, '_>, other: &'static str, path: &str, group: Option<&'static Group>) -> Result<Made, String> {
    let of: SmolStr = b.kind(other)?;
    let known = b.cx.names.by_resource.get(other).cloned().unwrap_or_default();
    let path = Path::parse(path)?;
    let match_own = b.flag("match-resource") == Some(true);
    let all_of = b.text("operator").as_deref() == Some("and");
    let has_value =
        b.data.get("key").is_some() && (b.data.get("value").is_some() || b.data.get("value_from").is_some());
    let counts = b.text("value_type").as_deref() == Some("resource_count");
    let ways = Ways { internet: b.flag("igw"), nat: b.flag("nat") };
    let data = b.data.clone();
    let value = if counts || match_own { None } else { Some(b.value()?) };
    let op = crate::py::Op::of(b.text("op").as_deref().unwrap_or("eq"), None)?;
    let wants_absent = b.text("value").as_deref() == Some("absent");
    let key = b.text("key").unwrap_or_default();
    let own_value = crate::value::look(&key, b.cx)?;
    let other_value = crate::value::look(&key, b.cx)?;
    let mut roots = match group {
        Some(group) => Some(BTreeSet::from([group.member.to_owned()])),
        None => path.roots(),
    };
    if match_own
        && let (Some(r), Some(more)) = (&mut roots, ValueFilter::compile_with(&data, Some(&key), b.cx)?.roots())
    {
        r.extend(more);
    }
    let value_roots = value.as_ref().and_then(ValueFilter::roots);
    // What the question needs of the other resource.
    let mut reads: Vec<Read> = vec![kind(&of)];
    reads.extend(group.map(|g| kind(g.kind)));
    if let Some(v) = &value {
        let mut needs = crate::filter::Needs::default();
        match v.roots() {
            Some(r) => needs.roots.extend(r),
            None => needs.everything = true,
        }
        reads.extend(crate::run::reads(&needs, &known).into_iter().map(|r| match r {
            Read::Own(f) => Read::Field(of.clone(), f),
            r => r,
        }));
    }
    // Aliases say which key is meant, and are members of a key for Cloud Custodian alone.
    let is_key = other == "kms-key";
    let aliases = if is_key { Some(b.kind("kms")?) } else { None };
    reads.extend(aliases.iter().map(|a| kind(a)));
    let by_alias = is_key && key.contains("AliasName");
    let value_roots = value_roots.map(|mut roots| {
        roots.remove("AliasNames");
        roots
    });
    if ways.internet.is_some() || ways.nat.is_some() {
        reads.push(kind("ec2.route_table"));
    }
    let annotation = match other {
        "kms-key" => "c7n:matched-kms-key",
        "security-group" => "c7n:matched-security-groups",
        "subnet" => "c7n:matched-subnets",
        "vpc" => "c7n:matched-vpcs",
        _ => "c7n:matched",
    };
    let test = move |ask: &Ask<'_>| -> Result<Answer, Arc<Gap>> {
        let mut wanted = match group {
            Some(group) => ids(&path.search(&group.of(ask)?)),
            None => ids(&path.search(&ask.res.json)),
        };
        let aliases = aliases.as_deref().map(|kind| super::all(ask, kind));
        if is_key {
            wanted = wanted.iter().map(|id| behind(key_id(id), aliases.as_ref())).collect();
        }
        if counts {
            let want = data.get("value").cloned().unwrap_or(Json::Null);
            return Ok(op.holds(&crate::py::Py::Json(wanted.len().into()), &crate::py::Py::Json(want)).into());
        }
        let (mut found, mut unsure) = (Vec::new(), None);
        for id in &wanted {
            let Some(r) = ask.scene.world.by_id(&of, id, ask.scene.place) else {
                match ask.scene.world.listing_gap(&of, ask.scene.place) {
                    Some(gap) => unsure = Some(gap),
                    None if is_key && id.starts_with("alias/") => {
                        unsure = Some(crate::world::not_told(format!("the key behind `{id}` is not told")));
                    }
                    None if wants_absent => found.push(id.clone()),
                    None => {}
                }
                continue;
            };
            if let Some(gap) = r.gap_in(&value_roots).filter(|_| value.is_some()) {
                unsure = Some(gap);
                continue;
            }
            let named = match &aliases {
                Some(Err(gap)) if by_alias => {
                    unsure = Some(gap.clone());
                    continue;
                }
                Some(Ok(all)) if by_alias => Some(with_aliases(&r.json, id, all)),
                _ => None,
            };
            let by_value = match &value {
                _ if match_own => own_value(&ask.res.json) == other_value(&r.json),
                Some(_) if !has_value && (ways.internet.is_some() || ways.nat.is_some()) => true,
                Some(v) => v.matches(named.as_ref().unwrap_or(&r.json), ask.scene.now),
                None => true,
            };
            if by_value && leads(ask, &r.json, ways)? {
                found.push(id.clone());
            }
        }
        let yes = if all_of { found.len() == wanted.len() } else { !found.is_empty() };
        Ok(match unsure {
            Some(gap) if !yes || all_of => Answer::Unknown(gap),
            _ if yes => Answer::Yes(vec![(annotation.to_owned(), found.into())]),
            _ => Answer::No,
        })
    };
    Ok(Made { test: Box::new(move |ask| test(ask).unwrap_or_else(Answer::Unknown)), roots, reads })
}

/// A key's id out of what names it: an id, an ARN, an alias or an alias's ARN.
fn key_id(name: &str) -> String {
    let last = if name.starts_with("arn:") {
        if name.contains("alias/") { name.rsplit(':').next() } else { name.rsplit('/').next() }
    } else {
        Some(name)
    };
    last.unwrap_or(name).to_owned()
}

type Aliases<'a> = Vec<&'a crate::world::Res<'a>>;

/// The key behind an alias, where the aliases are known; else the same.
fn behind(id: String, aliases: Option<&Result<Aliases<'_>, Arc<Gap>>>) -> String {
    let Some(Ok(all)) = aliases else { return id };
    let named = all.iter().find(|a| id.starts_with("alias/") && a.text("AliasName") == id);
    named.map(|a| a.text("TargetKeyId").to_owned()).filter(|key| !key.is_empty()).unwrap_or(id)
}

/// A key with its aliases: all as `AliasNames`, the first also as `c7n:AliasName`, which is empty where there is none.
fn with_aliases(key: &Json, id: &str, aliases: &Aliases<'_>) -> Json {
    let names: Vec<&str> =
        aliases.iter().filter(|a| a.text("TargetKeyId") == id).map(|a| a.text("AliasName")).collect();
    let mut out = key.as_object().cloned().unwrap_or_default();
    out.insert("c7n:AliasName".to_owned(), names.first().copied().unwrap_or_default().into());
    if !names.is_empty() {
        out.insert("AliasNames".to_owned(), names.into());
    }
    out.into()
}

fn leads(ask: &Ask<'_>, subnet: &Json, ways: Ways) -> Result<bool, Arc<Gap>> {
    if ways.internet.is_none() && ways.nat.is_none() {
        return Ok(true);
    }
    let text = |m: &str| subnet.get(m).and_then(Json::as_str).unwrap_or_default();
    let (mut own, mut main) = (None, None);
    let tables = super::all(ask, "ec2.route_table")?;
    for t in &tables {
        for a in t.json.get("Associations").and_then(Json::as_array).into_iter().flatten() {
            if a.get("SubnetId").and_then(Json::as_str) == Some(text("SubnetId")) {
                own = Some(t);
            }
            if a.get("Main") == Some(&Json::Bool(true)) && t.text("VpcId") == text("VpcId") {
                main = Some(t);
            }
        }
    }
    let Some(table) = own.or(main) else { return Ok(false) };
    let routes = table.json.get("Routes").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let internet =
        routes.iter().any(|r| r.get("GatewayId").and_then(Json::as_str).is_some_and(|g| g.starts_with("igw-")));
    let nat = routes.iter().any(|r| r.get("NatGatewayId").is_some_and(crate::py::truthy));
    Ok(ways.internet.is_none_or(|w| w == internet) && ways.nat.is_none_or(|w| w == nat))
}
