//! Which filters are evaluated: each is compiled with the least that its schema wants, on every resource that is read.

use crate::facts::{Part, Resource};
use crate::filter::{Context, Filter, compile};
use crate::run::Setting;
use crate::world::Place;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What is known of a filter's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The name.
    pub name: String,
    /// How many of Cloud Custodian's resources have it.
    pub resources: usize,
    /// How many of these are read.
    pub read: usize,
    /// On how many of these it is evaluated.
    pub evaluated: usize,
    /// Why not, where it is not evaluated on one that is read.
    pub why: Option<String>,
}

/// Filters that every resource has without a schema of its own.
const EVERYWHERE: [&str; 6] = ["and", "event", "not", "or", "reduce", "value"];

/// Every filter's name, those of most resources first.
pub fn coverage(setting: &Setting<'_>) -> Vec<Coverage> {
    let mut rows: BTreeMap<String, Coverage> = BTreeMap::new();
    for name in setting.facts.names() {
        let Some(resource) = setting.facts.resource(name) else { continue };
        for filter in EVERYWHERE.into_iter().chain(resource.parts(Part::Filter)) {
            let row = rows.entry(filter.to_owned()).or_default();
            row.resources += 1;
            let Some(kind) = setting.names.by_resource.get(name) else { continue };
            row.read += 1;
            let cx = Context {
                facts: setting.facts,
                resource,
                kind,
                names: setting.names,
                place: Place::nowhere(),
                now: setting.now,
                file: setting.file,
            };
            match unanswered(filter, &resource, &cx) {
                Some(why) => row.why = row.why.take().or(Some(why)),
                None => row.evaluated += 1,
            }
        }
    }
    let mut rows: Vec<Coverage> = rows.into_iter().map(|(name, row)| Coverage { name, ..row }).collect();
    rows.sort_by(|a, b| b.resources.cmp(&a.resources).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// Why a filter is not evaluated; `None` where it is, at its least or with a question about a value.
fn unanswered(name: &str, resource: &Resource<'_>, cx: &Context<'_>) -> Option<String> {
    let why = |filter: Json| match compile(&[filter], cx).first() {
        Some(Filter::Unanswered(gap)) => Some(gap.detail.to_string()),
        _ => None,
    };
    let least = sample(name, resource);
    let mut asking = least.as_object().cloned().unwrap_or_default();
    for key in ["key", "value"] {
        asking.entry(key).or_insert_with(|| json!("x"));
    }
    let first = why(least)?;
    why(asking.into()).map(|_| first)
}

/// The least that a filter may be.
fn sample(name: &str, resource: &Resource<'_>) -> Json {
    let value = json!({"type": "value", "key": "x", "value": "x"});
    match name {
        "and" | "or" | "not" => return json!({name: [value]}),
        "value" => return value,
        "event" => return json!({"type": "event", "key": "x", "value": "x"}),
        "reduce" => return json!({"type": "reduce", "limit": 1}),
        "list-item" => return json!({"type": "list-item", "key": "x", "attrs": [value]}),
        "missing" => return json!({"type": "missing", "policy": {"resource": "s3"}}),
        _ => {}
    }
    let mut out: Map<String, Json> = Map::new();
    if let Some(schema) = resource.schema(Part::Filter, name) {
        let known = |key: &str| schema.pointer(&format!("/properties/{key}"));
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for key in required {
            out.insert(key.to_owned(), known(key).map_or_else(|| json!("x"), of_type));
        }
    }
    // Texts with a form of their own.
    match name {
        "check-permissions" => out.insert("actions".to_owned(), json!(["iam:CreateUser"])),
        "onhour" | "offhour" => out.insert("default_tz".to_owned(), json!("utc")),
        "access-key" => out.insert("key".to_owned(), json!("Status")),
        _ => None,
    };
    out.insert("type".to_owned(), name.into());
    out.into()
}

/// A value that a schema allows.
fn of_type(schema: &Json) -> Json {
    if let Some(first) = schema.get("enum").and_then(Json::as_array).and_then(|l| l.first()) {
        return first.clone();
    }
    let either = ["oneOf", "anyOf"].iter().find_map(|k| schema.get(*k)?.as_array()?.first());
    if let Some(first) = either {
        return of_type(first);
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([schema.get("items").map_or_else(|| json!("x"), of_type)]),
        Some("object") => json!({}),
        _ => json!("x"),
    }
}
