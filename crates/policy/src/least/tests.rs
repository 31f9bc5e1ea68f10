use super::{Observed, Record, principal_of};
use crate::catalogue::Catalogue;
use serde_json::{Value, json};

fn catalogue() -> Catalogue {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    Catalogue::read(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn event(source: &str, name: &str, parameters: Value) -> Value {
    json!({
        "eventTime": "2026-11-01T00:00:00Z", "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "ap-northeast-1", "recipientAccountId": "111122223333", "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a"}, "requestParameters": parameters,
    })
}

fn seen(events: &[Value]) -> Observed {
    let mut observed = Observed::default();
    let catalogue = catalogue();
    for event in events {
        observed.add(&catalogue, &Record(event));
    }
    observed.widen();
    observed
}

fn pairs(observed: &Observed) -> Vec<String> {
    let each = observed.actions().flat_map(|(a, r)| r.iter().map(move |r| format!("{a} {r}")));
    each.collect()
}

#[test]
fn operations_become_actions_on_resources() {
    for (source, name, parameters, want) in [
        ("s3", "GetObject", json!({"bucketName": "b", "key": "k/1"}), &["s3:GetObject arn:aws:s3:::b/k/1"][..]),
        ("s3", "ListObjectsV2", json!({"bucketName": "b", "prefix": "x"}), &["s3:ListBucket arn:aws:s3:::b"]),
        ("s3", "ListBuckets", json!(null), &["s3:ListAllMyBuckets *"]),
        ("s3", "GetBucketEncryption", json!({"bucketName": "b"}), &["s3:GetEncryptionConfiguration arn:aws:s3:::b"]),
        (
            "dynamodb",
            "GetItem",
            json!({"tableName": "t", "key": {"id": "1"}}),
            &["dynamodb:GetItem arn:aws:dynamodb:ap-northeast-1:111122223333:table/t"],
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "f"}),
            &["lambda:UpdateFunctionCode arn:aws:lambda:ap-northeast-1:111122223333:function:f"],
        ),
        (
            "lambda",
            "CreateFunction20150331",
            json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/r"}),
            &[
                "iam:PassRole arn:aws:iam::111122223333:role/r",
                "lambda:CreateFunction arn:aws:lambda:ap-northeast-1:111122223333:function:f",
            ],
        ),
        ("monitoring", "DescribeAlarms", json!({}), &["cloudwatch:DescribeAlarms *"]),
        ("iam", "GetUser", json!({"userName": "u"}), &["iam:GetUser arn:aws:iam::111122223333:user/u"]),
    ] {
        let observed = seen(&[event(source, name, parameters)]);
        assert_eq!(pairs(&observed), want, "{source}:{name}");
    }
}

#[test]
fn what_is_not_told_is_said() {
    let mut denied = event("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
    denied["errorCode"] = json!("AccessDenied");
    let sign_in =
        json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn"});
    let observed = seen(&[
        denied,
        sign_in,
        event("nowhere", "DoThings", json!({})),
        event("dynamodb", "GetItem", json!({})),
        json!({}),
        json!("x"),
    ]);
    assert_eq!(observed.denied.keys().collect::<Vec<_>>(), ["s3:GetObject"]);
    assert_eq!(observed.unknown.keys().collect::<Vec<_>>(), ["nowhere:DoThings"]);
    assert_eq!(observed.without_resource.iter().collect::<Vec<_>>(), ["dynamodb:GetItem"]);
    assert_eq!(pairs(&observed), ["dynamodb:GetItem *"]);
}

#[test]
fn many_resources_become_a_pattern() {
    let events: Vec<Value> =
        (0..30).map(|i| event("s3", "GetObject", json!({"bucketName": "b", "key": format!("k/{i}")}))).collect();
    let observed = seen(&events);
    assert_eq!(pairs(&observed), ["s3:GetObject arn:aws:s3:::b/*"]);
    assert!(observed.widened.contains("s3:GetObject"));
    let policy = serde_json::to_string(&observed.policy()).unwrap();
    assert_eq!(
        policy,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}]}"#
    );
}

#[test]
fn a_session_is_its_role() {
    let session = json!({"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/s", "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/p/r"}}}});
    assert_eq!(principal_of(&session), Some("arn:aws:iam::1:role/p/r"));
    assert_eq!(principal_of(&json!({})), None);
}
