//! One record, one answer: who is bound, what is open, and why.

use super::declarative::{Declarative, Effect, touched};
use super::limit::{self, Limit};
use super::tally::Tally;
use super::{Guardrail, Kind, Policies, Scope, Stage, Told, Untouched, Verdict, Why};
use crate::catalogue::tests::shipped;
use crate::compile::Compiled;
use crate::document::Policy;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Field, Value as Known};

fn guard(kind: Kind, statements: Value) -> Guardrail {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let policy = Compiled::new("g", Policy::parse(&text).unwrap());
    Guardrail::Policies(Policies::new(kind, vec![Arc::new(policy)]))
}

const SCP: Kind = Kind::Scp { alone: false };

fn deny(action: &str, resource: &str, condition: Value) -> Value {
    json!([{"Sid": "S", "Effect": "Deny", "Action": action, "Resource": resource, "Condition": condition}])
}

fn event(source: &str, name: &str, parameters: Value) -> Value {
    json!({
        "eventTime": "2026-11-01T00:00:00Z", "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "ap-northeast-1", "recipientAccountId": "111122223333", "eventType": "AwsApiCall",
        "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli", "requestParameters": parameters,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "accountId": "111122223333", "accessKeyId": "AKIA1"},
    })
}

fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[member] = value;
    event
}

fn told(guard: &Guardrail, scope: Scope, event: &Value) -> Told {
    let names = [("s3control:GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock")];
    let stage = Stage::new(shipped(), names, scope);
    stage.rehearse(guard, &stage.call(event).unwrap())
}

fn verdict(guard: &Guardrail, event: &Value) -> (Verdict, Vec<Why>) {
    match told(guard, Scope::default(), event) {
        Told::Judged(judged) => (judged.verdict, judged.why.into_iter().collect()),
        Told::Untouched(why) => panic!("{why:?}"),
    }
}

fn key(name: &str) -> Why {
    Why::Key(SmolStr::new(name))
}

#[test]
fn conditions_hang_on_what_the_record_carries() {
    let get = || event("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
    let service = || with(get(), "/sourceIPAddress", json!("AWS Internal"));
    let via = || with(get(), "/userIdentity/invokedBy", json!("athena.amazonaws.com"));
    for (name, condition, event, want) in [
        (
            "a tag of the principal",
            json!({"StringEquals": {"aws:PrincipalTag/team": "x"}}),
            get(),
            Err("aws:principaltag/team"),
        ),
        (
            "a tag of the resource",
            json!({"StringEquals": {"aws:ResourceTag/team": "x"}}),
            get(),
            Err("aws:resourcetag/team"),
        ),
        (
            "the organization",
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
            get(),
            Err("aws:principalorgid"),
        ),
        ("an address", json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), get(), Ok(Verdict::Denied)),
        ("another address", json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}), get(), Ok(Verdict::Allowed)),
        ("no address", json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), service(), Err("aws:sourceip")),
        ("through a service", json!({"Bool": {"aws:ViaAWSService": "true"}}), via(), Err("aws:viaawsservice")),
        ("not through a service", json!({"Bool": {"aws:ViaAWSService": "true"}}), get(), Ok(Verdict::Allowed)),
        ("no endpoint", json!({"Null": {"aws:SourceVpce": "true"}}), get(), Ok(Verdict::Denied)),
        (
            "a private address without an endpoint",
            json!({"Null": {"aws:SourceVpce": "true"}}),
            with(get(), "/sourceIPAddress", json!("10.0.0.1")),
            Err("aws:sourcevpce"),
        ),
        (
            "long-term keys have no MFA key",
            json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
            get(),
            Ok(Verdict::Denied),
        ),
        (
            "long-term keys and Bool",
            json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            get(),
            Ok(Verdict::Allowed),
        ),
        (
            "a session without attributes",
            json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            with(get(), "/userIdentity/sessionContext", json!({})),
            Err("aws:multifactorauthpresent"),
        ),
        ("no TLS details", json!({"Bool": {"aws:SecureTransport": "false"}}), get(), Err("aws:securetransport")),
    ] {
        let got = verdict(&guard(SCP, deny("s3:GetObject", "*", condition)), &event);
        let want = match want {
            Ok(verdict) => (verdict, Vec::new()),
            Err(name) => (Verdict::Unknown, vec![key(name)]),
        };
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn resources_are_named_or_open() {
    let many = json!({"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}});
    let launch = json!({"instancesSet": {"items": [{"imageId": "ami-1"}]}, "instanceType": "m5.large"});
    for (name, action, resource, event, want) in [
        (
            "the second of two",
            "ec2:TerminateInstances",
            "arn:aws:ec2:*:*:instance/i-2",
            event("ec2", "TerminateInstances", many.clone()),
            Verdict::Denied,
        ),
        (
            "neither",
            "ec2:TerminateInstances",
            "arn:aws:ec2:*:*:instance/i-3",
            event("ec2", "TerminateInstances", many),
            Verdict::Allowed,
        ),
        (
            "what is created",
            "ec2:RunInstances",
            "arn:aws:ec2:*:*:instance/*",
            event("ec2", "RunInstances", launch.clone()),
            Verdict::Denied,
        ),
        (
            "a subnet that is not named",
            "ec2:RunInstances",
            "arn:aws:ec2:*:*:subnet/subnet-1",
            event("ec2", "RunInstances", launch.clone()),
            Verdict::Unknown,
        ),
        (
            "another kind",
            "ec2:RunInstances",
            "arn:aws:ec2:*:*:vpn-gateway/*",
            event("ec2", "RunInstances", launch),
            Verdict::Allowed,
        ),
        (
            "keys in the body",
            "s3:DeleteObject",
            "arn:aws:s3:::b/secret/*",
            event("s3", "DeleteObjects", json!({"bucketName": "b"})),
            Verdict::Unknown,
        ),
        (
            "keys in the body, all",
            "s3:DeleteObject",
            "arn:aws:s3:::b/*",
            event("s3", "DeleteObjects", json!({"bucketName": "b"})),
            Verdict::Denied,
        ),
        (
            "another bucket",
            "s3:DeleteObject",
            "arn:aws:s3:::c/*",
            event("s3", "DeleteObjects", json!({"bucketName": "b"})),
            Verdict::Allowed,
        ),
        (
            "a path that requests lack",
            "iam:DeleteUser",
            "arn:aws:iam::*:user/team/*",
            event("iam", "DeleteUser", json!({"userName": "u"})),
            Verdict::Unknown,
        ),
        (
            "any path",
            "iam:DeleteUser",
            "arn:aws:iam::*:user/*",
            event("iam", "DeleteUser", json!({"userName": "u"})),
            Verdict::Denied,
        ),
        (
            "a variable",
            "iam:DeleteUser",
            "arn:aws:iam::*:user/${aws:username}",
            event("iam", "DeleteUser", json!({"userName": "b"})),
            Verdict::Unknown,
        ),
        (
            "the source of a copy",
            "s3:GetObject",
            "arn:aws:s3:::from/*",
            event("s3", "CopyObject", json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "from/k"})),
            Verdict::Denied,
        ),
        (
            "the aim of a copy",
            "s3:GetObject",
            "arn:aws:s3:::to/*",
            event("s3", "CopyObject", json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "from/k"})),
            Verdict::Allowed,
        ),
    ] {
        assert_eq!(verdict(&guard(SCP, deny(action, resource, json!({}))), &event).0, want, "{name}");
    }
}

#[test]
fn actions_have_other_names_or_none() {
    let unknown = event("s3", "DoSomethingNew", json!({"bucketName": "b"}));
    assert_eq!(verdict(&guard(SCP, deny("s3:Get*", "*", json!({}))), &unknown), (Verdict::Unknown, vec![Why::Action]));
    assert_eq!(verdict(&guard(SCP, deny("s3:*", "*", json!({}))), &unknown).0, Verdict::Denied);
    assert_eq!(verdict(&guard(SCP, deny("ec2:*", "*", json!({}))), &unknown).0, Verdict::Allowed);
    let list = event("s3", "ListObjectsV2", json!({"bucketName": "b"}));
    assert_eq!(verdict(&guard(SCP, deny("s3:ListBucket", "*", json!({}))), &list).0, Verdict::Denied);
    let method = event("apigateway", "CreateRestApi", json!({}));
    assert_eq!(verdict(&guard(SCP, deny("apigateway:POST", "*", json!({}))), &method).0, Verdict::Denied);
    let control = event("s3control", "GetPublicAccessBlock", json!({}));
    assert_eq!(
        verdict(&guard(SCP, deny("s3:GetAccountPublicAccessBlock", "*", json!({}))), &control).0,
        Verdict::Denied
    );
    let role = json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/r"});
    let create = event("lambda", "CreateFunction20150331", role);
    assert_eq!(
        verdict(&guard(SCP, deny("iam:PassRole", "*", json!({}))), &create),
        (Verdict::Unknown, vec![Why::PassRole])
    );
    let stage = Stage::new(shipped(), [], Scope::default());
    let sign_in =
        json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn"});
    for nothing in [sign_in, json!({}), json!("x"), json!(null)] {
        assert!(stage.call(&nothing).is_none(), "{nothing}");
    }
}

#[test]
fn tags_of_a_request_are_read_in_their_forms() {
    let require = |key: &str| guard(SCP, deny("*", "*", json!({"Null": {format!("aws:RequestTag/{key}"): "true"}})));
    for (name, event, want) in [
        (
            "a list",
            event("dynamodb", "CreateTable", json!({"tableName": "t", "tags": [{"key": "team", "value": "x"}]})),
            Verdict::Allowed,
        ),
        (
            "another tag",
            event("dynamodb", "CreateTable", json!({"tableName": "t", "tags": [{"key": "cost", "value": "x"}]})),
            Verdict::Denied,
        ),
        (
            "a map",
            event("lambda", "CreateFunction20150331", json!({"functionName": "f", "tags": {"team": "x"}})),
            Verdict::Allowed,
        ),
        ("none", event("dynamodb", "CreateTable", json!({"tableName": "t"})), Verdict::Denied),
        ("no parameters at all", event("dynamodb", "CreateTable", json!(null)), Verdict::Unknown),
    ] {
        assert_eq!(verdict(&require("team"), &event).0, want, "{name}");
    }
}

#[test]
fn guardrails_do_not_touch_everybody() {
    let user = event("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
    let linked = with(
        user.clone(),
        "/userIdentity",
        json!({"type": "AssumedRole", "accountId": "111122223333", "arn": "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}}}),
    );
    let service =
        with(user.clone(), "/userIdentity", json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"}));
    let stranger = with(
        user.clone(),
        "/userIdentity",
        json!({"type": "AWSAccount", "accountId": "999900001111", "principalId": "AIDA2"}),
    );
    let management = Scope { management: Some("111122223333".into()), ..Scope::default() };
    let elsewhere = Scope { accounts: ["222233334444".into()].into(), ..Scope::default() };
    let everything = |kind| guard(kind, json!([{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]));
    let (scp, rcp) = (everything(SCP), everything(Kind::Rcp));
    let open = Scope::default;
    for (name, guard, scope, event, want) in [
        ("SCP, management account", &scp, management.clone(), &user, Untouched::Management),
        ("RCP, management account", &rcp, management, &user, Untouched::Management),
        ("SCP, service-linked role", &scp, open(), &linked, Untouched::ServiceLinked),
        ("RCP, service-linked role", &rcp, open(), &linked, Untouched::ServiceLinked),
        ("SCP, service", &scp, open(), &service, Untouched::NotOfIam),
        ("SCP, other account", &scp, elsewhere, &user, Untouched::OtherAccount),
        ("RCP, EC2", &rcp, open(), &event("ec2", "DescribeInstances", json!({})), Untouched::WithoutRcps),
        (
            "RCP, retiring a grant",
            &rcp,
            open(),
            &event("kms", "RetireGrant", json!({"keyId": "k"})),
            Untouched::WithoutRcps,
        ),
        (
            "SCP, identity of the caller",
            &scp,
            open(),
            &event("sts", "GetCallerIdentity", json!(null)),
            Untouched::NoPermission,
        ),
    ] {
        assert_eq!(told(guard, scope, event), Told::Untouched(want), "{name}");
    }
    let is = |guard, event| verdict(guard, event);
    assert_eq!(is(&rcp, &service).0, Verdict::Denied, "RCPs bind AWS services");
    assert_eq!(is(&rcp, &stranger).0, Verdict::Denied, "RCPs bind callers of other accounts");
    assert_eq!(is(&scp, &stranger), (Verdict::Unknown, vec![Why::Account]), "whose SCPs are those?");
    let key = event("kms", "DescribeKey", json!({"keyId": "arn:aws:kms:ap-northeast-1:111122223333:key/1"}));
    assert_eq!(is(&rcp, &key), (Verdict::Unknown, vec![Why::ManagedKey]));
}

#[test]
fn what_must_be_allowed_is() {
    let get = event("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
    let allow = |action: &str| json!([{"Effect": "Allow", "Action": action, "Resource": "*"}]);
    for (kind, action, want) in [
        (SCP, "ec2:*", Verdict::Allowed),
        (Kind::Scp { alone: true }, "ec2:*", Verdict::Denied),
        (Kind::Scp { alone: true }, "s3:*", Verdict::Allowed),
        (Kind::Identity, "ec2:*", Verdict::Denied),
        (Kind::Identity, "s3:Get*", Verdict::Allowed),
        (Kind::Boundary, "ec2:*", Verdict::Denied),
    ] {
        assert_eq!(verdict(&guard(kind, allow(action)), &get).0, want, "{kind:?} {action}");
    }
}

fn declarative(attributes: Value) -> Declarative {
    Declarative::parse(&json!({"ec2_attributes": attributes}).to_string()).unwrap()
}

#[test]
fn declarative_policies_refuse_what_does_not_comply() {
    let mut policy = declarative(json!({
        "serial_console_access": {"status": {"@@assign": "disabled"}},
        "snapshot_block_public_access": {"state": "block_new_sharing"},
        "image_block_public_access": {"state": {"@@assign": "block_new_sharing"}},
        "instance_metadata_defaults": {"http_tokens": {"@@assign": "required"}, "http_tokens_enforced": {"@@assign": "enabled"}},
        "allowed_images_settings": {"state": {"@@assign": "enabled"},
            "image_criteria": {"criteria_1": {"allowed_image_providers": {"@@append": ["amazon"]}}}},
        "vpc_block_public_access": {"internet_gateway_block": {"mode": {"@@assign": "block_ingress"}, "exclusions_allowed": {"@@assign": "disabled"}}},
    }));
    policy.know_images([("ami-own".into(), vec!["111122223333".into()]), ("ami-aws".into(), vec!["amazon".into()])]);
    let guard = Guardrail::Declarative(policy);
    let share =
        |group: &str| json!({"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"group": group}]}}});
    let run = |image: &str, tokens: Option<&str>| {
        let mut request = json!({"instancesSet": {"items": [{"imageId": image}]}});
        if let Some(tokens) = tokens {
            request["metadataOptions"] = json!({"httpTokens": tokens});
        }
        event("ec2", "RunInstances", request)
    };
    for (name, event, want) in [
        ("a held setting", event("ec2", "EnableSerialConsoleAccess", json!({})), Verdict::Denied),
        (
            "a key for the console",
            event("ec2-instance-connect", "SendSerialConsoleSSHPublicKey", json!({})),
            Verdict::Denied,
        ),
        ("a public snapshot", event("ec2", "ModifySnapshotAttribute", share("all")), Verdict::Denied),
        (
            "a shared snapshot",
            event(
                "ec2",
                "ModifySnapshotAttribute",
                json!({"snapshotId": "s", "createVolumePermission": {"add": {"items": [{"userId": "999900001111"}]}}}),
            ),
            Verdict::Allowed,
        ),
        (
            "taking back",
            event(
                "ec2",
                "ModifySnapshotAttribute",
                json!({"snapshotId": "s", "createVolumePermission": {"remove": {"items": [{"group": "all"}]}}}),
            ),
            Verdict::Allowed,
        ),
        (
            "a public image",
            event(
                "ec2",
                "ModifyImageAttribute",
                json!({"imageId": "ami-1", "launchPermission": {"add": {"items": [{"group": "all"}]}}}),
            ),
            Verdict::Denied,
        ),
        (
            "an exclusion",
            event("ec2", "CreateVpcBlockPublicAccessExclusion", json!({"vpcId": "vpc-1"})),
            Verdict::Denied,
        ),
        ("IMDSv1", run("ami-aws", Some("optional")), Verdict::Denied),
        ("IMDSv2", run("ami-aws", Some("required")), Verdict::Allowed),
        ("the default", run("ami-aws", None), Verdict::Changed),
        ("an image of one's own", run("ami-own", Some("required")), Verdict::Denied),
        ("an image that nobody knows", run("ami-new", Some("required")), Verdict::Unknown),
        ("another service", event("s3", "ListBuckets", json!(null)), Verdict::Allowed),
    ] {
        assert_eq!(verdict(&guard, &event).0, want, "{name}");
    }
}

#[test]
fn declarative_policies_touch_resources() {
    let policy = declarative(json!({
        "snapshot_block_public_access": {"state": {"@@assign": "block_all_sharing"}},
        "instance_metadata_defaults": {"http_tokens_enforced": {"@@assign": "enabled"}},
    }));
    let asset = |kind: &str, id: &str, fields: Vec<(SmolStr, Field)>| Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        fields,
    };
    let flag = |name: &str, is: bool| vec![(SmolStr::new(name), Field::Known(Known::Bool(is)))];
    let options = |tokens: &str| {
        vec![(SmolStr::new("MetadataOptions"), Field::Known(Known::from_json(json!({"HttpTokens": tokens})).unwrap()))]
    };
    let assets = [
        asset("ec2.snapshot", "snap-public", flag("RestorableByAll", true)),
        asset("ec2.snapshot", "snap-private", flag("RestorableByAll", false)),
        asset("ec2.snapshot", "snap-unread", Vec::new()),
        asset("ec2.instance", "i-1", options("optional")),
        asset("ec2.instance", "i-2", options("required")),
        asset("ec2.image", "ami-1", flag("Public", true)),
    ];
    let found: Vec<(String, Effect)> =
        touched(&policy, &assets).into_iter().map(|t| (t.resource.to_string(), t.effect)).collect();
    let want = [("snap-public", Effect::NoLongerPublic), ("snap-unread", Effect::Unknown), ("i-1", Effect::NotAgain)];
    assert_eq!(found, want.map(|(id, effect)| (id.to_owned(), effect)));
}

#[test]
fn broken_declarative_policies_are_told() {
    for (text, want) in [
        ("{", "not JSON"),
        ("{}", "begins with `ec2_attributes`"),
        (r#"{"ec2_attributes":{}}"#, "sets nothing"),
        (r#"{"ec2_attributes":{"serial_console_acces":{"status":"enabled"}}}"#, "no attribute"),
        (r#"{"ec2_attributes":{"serial_console_access":{"status":{"@@assign":"on"}}}}"#, "enabled, disabled, not `on`"),
        (
            r#"{"ec2_attributes":{"instance_metadata_defaults":{"http_put_response_hop_limit":{"@@assign":"65"}}}}"#,
            "-1 to 64",
        ),
        (r#"{"ec2_attributes":{"allowed_images_settings":{"image_criteria":{"criteria_11":{}}}}}"#, "criteria_10"),
    ] {
        let problems = Declarative::parse(text).unwrap_err();
        assert!(problems.iter().any(|p| p.contains(want)), "{text}: {problems:?}");
    }
}

#[test]
fn quotas_are_held() {
    let text = |n: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(n));
    assert_eq!(limit::length(&text(10_000), limit::SCP), None);
    assert_eq!(limit::length(&text(10_232), limit::SCP), None);
    assert_eq!(limit::length(&text(10_233), limit::SCP), Some(Limit::TooLong(10_241, 10_240)));
    let spaced = format!("{{{}\"a\":1}}", " ".repeat(6_000));
    assert_eq!(limit::length(&spaced, limit::RCP), Some(Limit::OnlyWithSpace(6_007, 5_120)));
    for (documents, there, want) in [(1, 3, None), (1, 4, Some(Limit::Full(5))), (2, 4, Some(Limit::TooMany(6, 5)))] {
        assert_eq!(limit::attached(documents, there, limit::RCP), want);
    }
}

#[test]
fn calls_are_tallied_once() {
    let guard = guard(SCP, deny("s3:GetObject", "*", json!({})));
    let stage = Stage::new(shipped(), [], Scope::default());
    let mut tally = Tally::default();
    let at = |time: &str, code: Option<&str>| {
        let one = with(event("s3", "GetObject", json!({"bucketName": "b", "key": "k"})), "/eventTime", json!(time));
        with(with(one, "/errorCode", json!(code)), "/eventID", json!(time))
    };
    let events = [
        at("2026-01-02T00:00:00Z", None),
        at("2026-01-01T00:00:00Z", Some("NoSuchKey")),
        at("2026-01-03T00:00:00Z", Some("AccessDenied")),
    ];
    for (id, event) in events.iter().enumerate().chain([(0, &events[0])]) {
        let call = stage.call(event).unwrap();
        tally.add(&call, stage.rehearse(&guard, &call), id as u128);
    }
    let rows = tally.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].calls, rows[0].failed), (2, 1));
    assert_eq!((rows[0].first.as_str(), rows[0].last.as_str()), ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"));
    assert_eq!(rows[0].event, "2026-01-01T00:00:00Z");
    let c = &tally.counts;
    assert_eq!((c.records, c.denied, c.refused, c.refused_and_denied, c.duplicates), (4, 2, 1, 1, 1));
}
