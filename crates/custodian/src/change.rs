//! What an action that changes something is told: its keys as settings of a remedy.
//!
//! Cloud Custodian's tag actions have several spellings (`c7n/tags.py`): `tag` or `key` with `value` or `msg`, a mapping `tags`; all become one list.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Map, Value as Json, json};

/// The tag that Cloud Custodian sets where a policy names none.
const DEFAULT_TAG: &str = "maid_status";
/// What `mark-for-op` writes into it where a policy gives no text.
const DEFAULT_MARK: &str = "Resource does not meet policy: {op}@{action_date}";

/// Why an action cannot be a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplanned {
    /// This key, or its value, has no counterpart.
    Key(String),
    /// It names an hour, so that no two previews would be the same.
    Hour,
}

/// The settings that an action gives.
///
/// # Errors
/// Why it cannot be a plan.
pub fn settings(name: &str, action: &Json, now: Timestamp) -> Result<Map<String, Json>, Unplanned> {
    let empty = Map::new();
    let keys = action.as_object().unwrap_or(&empty);
    let only = |known: &[&str]| match keys.keys().find(|k| *k != "type" && !known.contains(&k.as_str())) {
        Some(other) => Err(Unplanned::Key(other.clone())),
        None => Ok(()),
    };
    let text = |key: &str| keys.get(key).and_then(Json::as_str);
    let mut out = Map::new();
    match name {
        "tag" | "mark" => {
            only(&["tag", "key", "value", "msg", "tags"])?;
            let mut tags = Vec::new();
            for (key, value) in keys.get("tags").and_then(Json::as_object).unwrap_or(&empty) {
                tags.push(pair(key, value.as_str().ok_or_else(|| Unplanned::Key(format!("tags.{key}")))?)?);
            }
            if let Some(value) = text("value").or_else(|| text("msg")) {
                tags.push(pair(text("key").or_else(|| text("tag")).unwrap_or(DEFAULT_TAG), value)?);
            }
            if tags.is_empty() {
                return Err(Unplanned::Key("value".to_owned()));
            }
            out.insert("tags".to_owned(), Json::Array(tags));
        }
        "mark-for-op" => {
            only(&["op", "tag", "msg", "tz", "days", "hours"])?;
            let number = |key: &str| keys.get(key).map_or(Some(0.0), Json::as_f64);
            if text("tz").is_some_and(|tz| !tz.eq_ignore_ascii_case("utc")) {
                return Err(Unplanned::Key("tz".to_owned()));
            }
            if number("hours").is_none_or(|h| h > 0.0) {
                return Err(Unplanned::Hour);
            }
            let days = number("days").filter(|d| d.fract() == 0.0 && (0.0..=10_000.0).contains(d));
            let days = days.ok_or_else(|| Unplanned::Key("days".to_owned()))?;
            let date = now.to_zoned(TimeZone::UTC).checked_add((days as i64).days());
            let date = date.map_err(|_| Unplanned::Key("days".to_owned()))?.strftime("%Y/%m/%d").to_string();
            let message = text("msg").unwrap_or(DEFAULT_MARK).replace("{op}", text("op").unwrap_or("stop"));
            let tag = pair(text("tag").unwrap_or(DEFAULT_TAG), &message.replace("{action_date}", &date))?;
            out.insert("tags".to_owned(), json!([tag]));
        }
        "untag" | "unmark" | "remove-tag" => {
            only(&["tags"])?;
            out.insert("keys".to_owned(), keys.get("tags").cloned().unwrap_or_else(|| json!([DEFAULT_TAG])));
        }
        "set-public-block" => {
            let all = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
            only(&[&all[..], &["state"]].concat())?;
            // With some keys given the others keep what they are, which only the bucket tells.
            let given: Vec<&&str> = all.iter().filter(|k| keys.contains_key(**k)).collect();
            if !given.is_empty() && given.len() < all.len() {
                let missing = all.iter().find(|k| !keys.contains_key(**k)).copied().unwrap_or_default();
                return Err(Unplanned::Key(missing.to_owned()));
            }
            let state = keys.get("state").cloned().unwrap_or(Json::Bool(true));
            for key in all {
                out.insert(key.to_owned(), keys.get(key).unwrap_or(&state).clone());
            }
        }
        _ => {
            out.extend(keys.iter().filter(|(k, _)| *k != "type").map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    Ok(out)
}

/// A tag; values that Cloud Custodian works out for each resource (`{now}`) are not.
fn pair(key: &str, value: &str) -> Result<Json, Unplanned> {
    if value.contains('{') { Err(Unplanned::Key(key.to_owned())) } else { Ok(json!({"Key": key, "Value": value})) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn tags_have_one_form_whatever_their_spelling() {
        let now: Timestamp = "2026-11-23T23:30:00Z".parse().unwrap();
        let of = |name: &str, action: Json| settings(name, &action, now).map(Json::Object);
        let one = |key: &str, value: &str| json!({"tags": [{"Key": key, "Value": value}]});
        assert_eq!(of("tag", json!({"type": "tag", "key": "a", "value": "b"})), Ok(one("a", "b")));
        assert_eq!(of("mark", json!({"type": "mark", "tag": "a", "msg": "b"})), Ok(one("a", "b")));
        assert_eq!(of("tag", json!({"type": "tag", "tags": {"a": "b"}})), Ok(one("a", "b")));
        assert_eq!(of("tag", json!({"type": "tag", "value": "b"})), Ok(one(DEFAULT_TAG, "b")));
        let marked = one("c7n", "Resource does not meet policy: delete@2026/11/27");
        assert_eq!(
            of("mark-for-op", json!({"type": "mark-for-op", "tag": "c7n", "op": "delete", "days": 4})),
            Ok(marked)
        );
        assert_eq!(of("mark-for-op", json!({"type": "mark-for-op", "op": "stop", "hours": 2})), Err(Unplanned::Hour));
        assert_eq!(of("tag", json!({"key": "a", "value": "{now}"})), Err(Unplanned::Key("a".to_owned())));
        assert_eq!(of("untag", json!({"tags": ["a"]})), Ok(json!({"keys": ["a"]})));
        let some = json!({"type": "set-public-block", "BlockPublicAcls": true});
        assert_eq!(of("set-public-block", some), Err(Unplanned::Key("IgnorePublicAcls".to_owned())));
        let all = of("set-public-block", json!("set-public-block")).unwrap();
        assert!(all.as_object().unwrap().values().all(|v| *v == json!(true)) && all.as_object().unwrap().len() == 4);
        assert_eq!(of("stop", json!({"type": "stop", "force": true})), Ok(json!({"force": true})));
    }
}
