//! One asset as policies see it.

use crate::world::{KindOf, asked, not_told};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap};

/// The resource, and the members that were not read.
pub fn of(asset: &Asset, known: Option<&KindOf>) -> (Json, BTreeMap<String, Arc<Gap>>) {
    let (mut out, mut unknown) = (Map::new(), BTreeMap::new());
    for (name, field) in asset.fields.iter().filter(|(n, _)| !crate::call::is_asked(n)) {
        match field {
            Field::Known(v) => {
                out.insert(name.to_string(), v.to_json());
            }
            Field::Absent => {}
            Field::Partly(_, gap) | Field::Unknown(gap) => {
                unknown.insert(name.to_string(), asked(gap, name));
            }
        }
    }
    let Some(known) = known else { return (out.into(), unknown) };
    if let Some(path) = &known.tags {
        match asset.path(path) {
            Ok(tags) => {
                if let Some(tags) = tags {
                    out.insert("Tags".to_owned(), tag_list(&tags.to_json()));
                }
            }
            Err(gap) => {
                unknown.insert("Tags".to_owned(), asked(gap, "Tags"));
            }
        }
    }
    for top in known.omitted.iter().filter(|o| !o.contains('.')) {
        out.remove(top.as_str());
        unknown.insert(top.to_string(), not_told(format!("`{top}` is never kept: it may hold secrets")));
    }
    // Cloud Custodian puts the attributes of queues and topics beside their names.
    if known.has_attributes()
        && let Some(Json::Object(attributes)) = out.remove("Attributes")
    {
        out.extend(attributes);
    }
    match known.resource.as_str() {
        "account" => {
            out.clear();
            out.insert("account_id".to_owned(), asset.account.as_str().into());
            unknown.clear();
            unknown.insert("account_name".to_owned(), not_told("the account's alias is not read"));
        }
        "s3" => bucket(asset, &mut out, &mut unknown),
        "iam-policy" => {
            out.remove("PolicyVersionList");
        }
        _ => {}
    }
    (out.into(), unknown)
}

/// Tags as a list of `Key` and `Value`, out of any of AWS's forms.
pub fn tag_list(tags: &Json) -> Json {
    let text = |v: Option<&Json>| v.cloned().unwrap_or(Json::from(""));
    match tags {
        Json::Object(m) => m.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect(),
        Json::Array(l) => l
            .iter()
            .filter_map(Json::as_object)
            .map(|t| {
                let of = |names: [&str; 3]| text(names.iter().find_map(|n| t.get(*n)));
                let mut tag = t.clone();
                for old in ["key", "value", "TagKey", "TagValue"] {
                    tag.remove(old);
                }
                tag.insert("Key".to_owned(), of(["Key", "key", "TagKey"]));
                tag.insert("Value".to_owned(), of(["Value", "value", "TagValue"]));
                Json::from(tag)
            })
            .collect(),
        other => other.clone(),
    }
}

/// The parts of a bucket under the names that Cloud Custodian gives them, with what it puts where AWS has no answer.
fn bucket(asset: &Asset, out: &mut Map<String, Json>, unknown: &mut BTreeMap<String, Arc<Gap>>) {
    let region = asset.region.as_str();
    let place = if region == "us-east-1" { Json::Null } else { region.into() };
    out.insert("Location".to_owned(), json!({"LocationConstraint": place}));
    out.remove("BucketRegion");
    let mut rename = |from: &str, to: &str, wrap: &dyn Fn(Json) -> Json, none: Json| {
        if let Some(gap) = unknown.remove(from) {
            unknown.insert(to.to_owned(), gap);
        } else {
            let value = out.remove(from).map_or(none, wrap);
            out.insert(to.to_owned(), value);
        }
    };
    rename("Grants", "Acl", &|g| json!({"Grants": g}), Json::Null);
    rename("LifecycleRules", "Lifecycle", &|r| json!({"Rules": r}), Json::Null);
    rename("Replication", "Replication", &|r| json!({"ReplicationConfiguration": r}), Json::Null);
    rename("Logging", "Logging", &|l| l, json!({}));
    rename("Policy", "Policy", &|p| p, Json::Null);
    rename("Website", "Website", &|w| w, Json::Null);
    rename("Versioning", "Versioning", &|v| v, json!({}));
    rename("Notification", "Notification", &|n| n, json!({}));
    rename("Tags", "Tags", &|t| t, json!([]));
    // What else was read stands under its own name, out of the policies' way.
    for own in ["Encryption", "PublicAccessBlock", "OwnershipControls", "ObjectLock"] {
        out.remove(own);
        unknown.remove(own);
    }
}
