//! The members of a batch line: what may stand there, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop")]

use serde_json::{Value, json};
use std::sync::LazyLock;
use yagura_policy::case::{Case, parse_line};
use yagura_policy::catalogue::Catalogue;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    Catalogue::read(&std::fs::read_to_string(path).unwrap()).unwrap()
});

fn decision(more: &Value) -> Result<&'static str, String> {
    let mut case = json!({
        "request": {"principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::data/a"},
        "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}],
    });
    for (key, value) in more.as_object().unwrap() {
        match (value.as_object(), case.get_mut(key).and_then(Value::as_object_mut)) {
            (Some(value), Some(slot)) => slot.extend(value.clone()),
            _ => drop(case.as_object_mut().unwrap().insert(key.clone(), value.clone())),
        }
    }
    Ok(Case::from_node(&parse_line(&case.to_string())?)?.answer(&CATALOGUE)?.decision.name())
}

#[test]
fn other_members_say_nothing() {
    for more in [
        json!({"id": {"a": 1}, "name": "x", "description": "y", "expected": {"decision": "allowed"}, "tags": ["z"]}),
        json!({"request": {"name": "x", "time": 5, "source": "y"}}),
        json!({"mode": null, "s3": null, "resource_policy": null, "session_policies": null, "known_context": null}),
        json!({"request": {"resource_account": 111_122_223_333_u64, "context": {"a": null, "b": 5, "c": true}}}),
        json!({"request": {"principal": {"AWS": "arn:aws:iam::111122223333:user/alice"}}}),
    ] {
        assert_eq!(decision(&more), Ok("allowed"), "{more}");
    }
    assert_eq!(decision(&json!({"request": {"principal": {"anonymous": true, "name": "x"}}})), Ok("implicitly_denied"));
}

#[test]
fn a_layer_is_not_left_out_for_a_slip() {
    for (more, near) in [
        (json!({"service_control_policy": [[]]}), "service_control_policies"),
        (json!({"permission_boundaries": []}), "permissions_boundaries"),
        (json!({"request": {"contexts": {}}}), "context"),
    ] {
        let error = decision(&more).unwrap_err();
        assert!(error.ends_with(&format!("did you mean `{near}`?")), "{error}");
    }
    for bad in [
        json!({"mode": "maybe"}),
        json!({"service_control_policies": [{}]}),
        json!({"request": {"principal": {"service": "a", "federated": "b"}}}),
        json!({"request": {"principal": null}}),
        json!({"request": null}),
    ] {
        assert!(decision(&bad).is_err(), "{bad}");
    }
}
