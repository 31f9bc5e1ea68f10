//! Actions as a person writes them: what is refused, and how they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use yagura_custodian::action::told;
use yagura_custodian::facts::Facts;
use yagura_custodian::policy::read_files;
use yagura_model::{ContentFile, Lang};

fn wrong(resource: &str, mode: Json, action: Json) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/custodian/aws.json");
    let facts = Facts::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut policy = json!({"name": "x", "resource": resource, "actions": [action]});
    if !mode.is_null() {
        policy["mode"] = mode;
    }
    let text = json!({"policies": [policy]}).to_string();
    let (_, errors) = read_files(&[ContentFile { path: "p.yml".into(), text, shipped: false }], &facts);
    errors.into_iter().map(|e| e.message).collect()
}

#[test]
fn actions_are_refused_as_cloud_custodian_refuses_them() {
    let trail = json!({"type": "cloudtrail", "role": "r", "events": ["RunInstances"]});
    for (resource, mode, action, why) in [
        ("ec2", Json::Null, json!("stop"), ""),
        ("ec2", Json::Null, json!("stpo"), "did you mean `stop`?"),
        ("s3", Json::Null, json!("stop"), "is no action of `s3`"),
        ("ec2", Json::Null, json!({"type": "stop", "force": true}), ""),
        ("ec2", Json::Null, json!({"type": "stop", "forse": true}), "forse"),
        ("ec2", Json::Null, json!({"type": "stop", "force": "yes"}), "expected true or false"),
        ("ec2", Json::Null, json!({"type": "mark-for-op", "op": "stop", "days": 3}), ""),
        ("ec2", Json::Null, json!({"type": "mark-for-op", "op": "stpo", "days": 3}), "did you mean `stop`?"),
        ("ec2", Json::Null, json!({"type": "mark-for-op", "op": "stop", "tz": "nowhere"}), "nowhere"),
        ("ec2", Json::Null, json!({"type": "tag", "key": "a", "value": "b"}), ""),
        ("ec2", Json::Null, json!({"type": "tag", "key": "a", "tag": "c", "value": "b"}), "not both"),
        ("ec2", Json::Null, json!({"type": "auto-tag-user", "tag": "by"}), "cloudtrail"),
        ("ec2", trail, json!({"type": "auto-tag-user", "tag": "by"}), ""),
        ("ec2", Json::Null, json!({"type": "modify-security-groups", "remove": "all"}), "isolation-group"),
        ("ec2", Json::Null, json!({"type": "modify-security-groups", "remove": "all", "isolation-group": "sg-1"}), ""),
        ("ec2", Json::Null, json!("notify"), ""),
        ("ec2", Json::Null, json!({"type": "notify", "to": ["x"]}), "`transport` is missing"),
    ] {
        let said = wrong(resource, mode, action.clone());
        match why {
            "" => assert!(said.is_empty(), "{action}: {said:?}"),
            why => assert!(said.iter().any(|s| s.contains(why)), "{action}: {said:?}"),
        }
    }
}

#[test]
fn actions_are_told_in_both_languages() {
    assert_eq!(told("mark-for-op", 3, Lang::En), "tag for a later action 3 resources");
    assert_eq!(told("delete", 3, Lang::Ja), "3 件を削除する");
    assert_eq!(told("set-x", 1, Lang::En), "run `set-x` on 1 resources");
    assert_eq!(told("set-x", 1, Lang::Ja), "1 件に `set-x` を実行する");
}
