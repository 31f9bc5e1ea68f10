//! `query`: what Cloud Custodian hands to the listing call, so that fewer resources are listed. Here it is asked of what was listed.

use crate::filter::{Context, Filter, compile};
use crate::policy::Policy;
use crate::world::not_told;
use serde_json::{Value as Json, json};

/// Amazon EC2's filters of listings, and the members that they ask.
const MEMBERS: [(&str, &str); 12] = [
    ("instance-state-name", "State.Name"),
    ("instance-type", "InstanceType"),
    ("image-id", "ImageId"),
    ("availability-zone", "Placement.AvailabilityZone"),
    ("vpc-id", "VpcId"),
    ("subnet-id", "SubnetId"),
    ("group-id", "GroupId"),
    ("group-name", "GroupName"),
    ("instance-id", "InstanceId"),
    ("volume-type", "VolumeType"),
    ("encrypted", "Encrypted"),
    ("owner-id", "OwnerId"),
];

/// The policy's `query` as filters; one that is not known leaves every resource unknown.
pub fn filters(policy: &Policy, cx: &Context<'_>) -> Vec<Filter> {
    let queries = policy.data.get("query").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    queries.iter().flat_map(|q| one(&cx.fill_all(q), cx)).collect()
}

fn one(query: &Json, cx: &Context<'_>) -> Vec<Filter> {
    let Some(map) = query.as_object() else { return vec![unknown(query)] };
    // `{Name: x, Values: [...]}` is the same as `{x: [...]}`.
    let pairs: Vec<(String, Json)> =
        match (map.get("Name").and_then(Json::as_str), map.get("Values").or(map.get("Value"))) {
            (Some(name), Some(values)) => vec![(name.to_owned(), values.clone())],
            _ => map.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        };
    pairs.iter().flat_map(|(key, want)| ask(key, want, cx).unwrap_or_else(|| vec![unknown(query)])).collect()
}

fn ask(key: &str, want: &Json, cx: &Context<'_>) -> Option<Vec<Filter>> {
    let of_bucket = cx.resource.name == "s3" && ["augment-keys", "augment-fields"].contains(&key);
    // What only says how much is read, or names the default, changes no answer.
    if of_bucket
        || (cx.resource.name, key, want.as_str()) == ("iam-policy", "Scope", Some("Local"))
        || key == "MaxItems"
    {
        return Some(Vec::new());
    }
    let many = if want.is_array() { want.clone() } else { json!([want]) };
    let wild = many.as_array().is_some_and(|l| l.iter().any(|v| v.as_str().is_some_and(|s| s.contains(['*', '?']))));
    if wild {
        return None;
    }
    let ec2 = cx.kind.kind.starts_with("ec2.");
    let member = if key.starts_with("tag:") {
        ec2.then_some(key)?
    } else {
        let (_, member) = MEMBERS.iter().find(|(k, _)| *k == key && ec2)?;
        member
    };
    Some(compile(&[json!({"type": "value", "key": member, "op": "in", "value": many})], cx))
}

fn unknown(query: &Json) -> Filter {
    Filter::Unanswered(not_told(format!("the query {query} is not applied here")))
}
