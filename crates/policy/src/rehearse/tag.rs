//! The tags that a request gives, out of its parameters.

use super::resource::Resource;
use serde_json::Value;
use smol_str::SmolStr;

/// Pairs of key and value. A key of `UntagResource` comes with an empty value.
pub type Tags = Vec<(SmolStr, SmolStr)>;

const MAX_DEPTH: usize = 8;

/// The tags: `None` where the record leaves them open, `Some(None)` where the request gives none.
///
/// Services write them as lists of `{key, value}`, as maps, or (Amazon EC2) apart for each type of resource that is created
/// (`Using_Tags`, "Tag specifications"). A launch template may add more.
#[allow(clippy::option_option, reason = "open, none, some: three different answers")]
pub fn of(parameters: &Value, resource: &Resource) -> Option<Option<Tags>> {
    if parameters.get("launchTemplate").is_some_and(|t| !t.is_null()) {
        return None;
    }
    let mut tags = Tags::new();
    let specifications = parameters.get("tagSpecificationSet").and_then(|s| s.get("items"));
    if let Some(items) = specifications.and_then(Value::as_array) {
        let kind = kind_of(resource)?;
        let of_kind = |item: &&Value| item.get("resourceType").and_then(Value::as_str) == Some(kind);
        for item in items.iter().filter(of_kind) {
            if !collect(item.get("tags")?, &mut tags) {
                return None;
            }
        }
    } else if !walk(parameters, 0, &mut tags) {
        return None;
    }
    Some((!tags.is_empty()).then_some(tags))
}

/// `instance` of `arn:aws:ec2:…:instance/i-1`.
fn kind_of(resource: &Resource) -> Option<&str> {
    let (Resource::Named(arn) | Resource::Like(arn) | Resource::Either(arn, _)) = resource else { return None };
    arn.splitn(6, ':').nth(5)?.split('/').next()
}

/// Looks for members whose names speak of tags; false where one has a form that is not known.
fn walk(value: &Value, depth: usize, tags: &mut Tags) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value {
        Value::Object(members) => members.iter().all(|(name, inner)| {
            let lower = name.to_ascii_lowercase();
            let speaks =
                matches!(lower.as_str(), "tags" | "tag" | "tagset" | "taglist" | "tagkeys" | "tagstoadd" | "tagging");
            if speaks {
                collect(inner, tags)
            } else if lower.contains("tag") {
                inner.is_null()
            } else {
                walk(inner, depth + 1, tags)
            }
        }),
        Value::Array(items) => items.iter().all(|item| walk(item, depth + 1, tags)),
        _ => true,
    }
}

/// Reads tags in any of their forms.
fn collect(value: &Value, tags: &mut Tags) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(|item| match item {
            Value::String(key) => {
                tags.push((SmolStr::new(key), SmolStr::default()));
                true
            }
            other => collect(other, tags),
        }),
        Value::Object(members) => {
            let text = |names: [&str; 3]| names.iter().find_map(|n| members.get(*n)?.as_str()).map(SmolStr::new);
            if let Some(key) = text(["key", "Key", "tagKey"]) {
                tags.push((key, text(["value", "Value", "tagValue"]).unwrap_or_default()));
                return true;
            }
            members.iter().all(|(name, inner)| match inner {
                Value::String(value) => {
                    tags.push((SmolStr::new(name), SmolStr::new(value)));
                    true
                }
                Value::Array(_) | Value::Object(_) => collect(inner, tags),
                _ => false,
            })
        }
        _ => false,
    }
}
