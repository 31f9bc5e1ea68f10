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

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    let (class, path) = b.cx.resource.related(b.name).filter(|(_, path)| !path.is_empty())?;
    let (_, other) = CLASSES.iter().find(|(c, _)| *c == class)?;
    Some(related(b, other, path))
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

fn related(b: &Build<'_, '_>, other: &'static str, path: &str) -> Result<Made, String> {
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
    let mut roots = path.roots();
    if match_own
        && let (Some(r), Some(more)) = (&mut roots, ValueFilter::compile_with(&data, Some(&key), b.cx)?.roots())
    {
        r.extend(more);
    }
    let value_roots = value.as_ref().and_then(ValueFilter::roots);
    // What the question needs of the other resource.
    let mut reads: Vec<Read> = vec![kind(&of)];
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
    let is_key = other == "kms-key";
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
        let mut wanted = ids(&path.search(&ask.res.json));
        if is_key {
            wanted = wanted.iter().map(|id| key_id(id)).collect();
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
            let by_value = match &value {
                _ if match_own => own_value(&ask.res.json) == other_value(&r.json),
                Some(_) if !has_value && (ways.internet.is_some() || ways.nat.is_some()) => true,
                Some(v) => v.matches(&r.json, ask.scene.now),
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
