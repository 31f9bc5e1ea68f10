//! From events to resources, on all shipped kinds. What an event should change is not written down here: every remedy names the
//! calls that change a resource, which of their members names it, and of which kind it is. Such a call's event must lead back to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use yagura_aws::Facts;
use yagura_inventory::change::{ApiEvent, Catalogue, Changed, Known, Which};
use yagura_inventory::{Kinds, Resource};
use yagura_model::{Asset, Caller, ContentFile, Field, Scope, Type, Value};
use yagura_rule::{Check, CheckFile, Estate};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

struct World {
    kinds: Kinds,
    checks: Vec<Check>,
    facts: Facts,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let exceptions = std::fs::read_to_string(content().join("permissions.yaml")).unwrap();
    let load = |service: &str| std::fs::read(content().join(format!("aws/{service}.json"))).ok();
    let writes = |service: &str| std::fs::read(content().join(format!("writes/{service}.json"))).ok();
    let facts = Facts::new(load, &exceptions).unwrap().with_writes(writes);
    let resources = files("resources").into_iter().map(|f| Resource::parse(&f).unwrap());
    let (kinds, broken) = Kinds::resolve(resources, &facts);
    assert_eq!(broken, []);
    let schema = kinds.schema();
    let checks =
        files("checks").iter().map(|f| CheckFile::parse(f).unwrap().compile(&schema, None, &[]).unwrap()).collect();
    World { kinds, checks, facts }
});

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

fn files(folder: &str) -> Vec<ContentFile> {
    let (mut out, mut folders) = (Vec::new(), vec![content().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                let name = path.strip_prefix(content()).unwrap().to_str().unwrap().to_owned();
                out.push(ContentFile { path: name, text: std::fs::read_to_string(&path).unwrap(), shipped: true });
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// One asset of a kind, with texts in its fields as their names promise.
fn asset(kind: &str) -> Asset {
    let ready = WORLD.kinds.get(kind).unwrap();
    let name = format!("the-{}", kind.replace(['.', '_'], "-"));
    let service = kind.split('.').next().unwrap();
    let region = if ready.resource.regional { REGION } else { "aws-global" };
    let arn = format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}");
    let (id, own) = match kind {
        "account" => (ACCOUNT.to_owned(), None),
        "region" => (REGION.to_owned(), None),
        _ => (name.clone(), Some(arn.as_str().into())),
    };
    let text = |field: &SmolStr| {
        let low = field.to_lowercase();
        if low.ends_with("arn") {
            Some(arn.clone())
        } else {
            ["id", "name", "identifier", "url", "user"].iter().any(|e| low.ends_with(e)).then(|| name.clone())
        }
    };
    let listed = ready.names().filter(|f| matches!(ready.source(f), Some(yagura_inventory::Source::List)));
    let mut fields: Vec<(SmolStr, Field)> =
        listed.filter_map(|f| Some((f.clone(), Field::Known(Value::text(text(f)?))))).collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    Asset { kind: kind.into(), arn: own, id: id.into(), account: ACCOUNT.into(), region: region.into(), fields }
}

fn estate(kinds: impl IntoIterator<Item = SmolStr>) -> Estate {
    let caller = Caller { account: ACCOUNT.into(), arn: SmolStr::default(), partition: "aws".into() };
    let scope = Scope { regions: vec![REGION.into()], ..Scope::default() };
    let mut estate = Estate::new(jiff::Timestamp::now(), vec![caller], scope, Arc::default());
    for kind in kinds {
        estate.push(asset(&kind));
    }
    estate
}

/// A record as CloudTrail writes it: members begin in lower case.
fn record(service: &str, name: &str, request: Json, response: Json) -> Json {
    json!({"eventVersion": "1.09", "eventID": format!("{name}-1"), "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
           "awsRegion": REGION, "eventTime": "2026-01-02T03:04:05Z", "readOnly": false, "managementEvent": true,
           "recipientAccountId": ACCOUNT, "requestParameters": lower(request), "responseElements": lower(response)})
}

fn lower(value: Json) -> Json {
    match value {
        Json::Object(members) => members
            .into_iter()
            .map(|(k, v)| {
                let mut chars = k.chars();
                (chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default(), lower(v))
            })
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(items) => items.into_iter().map(lower).collect(),
        other => other,
    }
}

/// With what expressions say of these resources in their place.
fn filled(value: Json, assets: &[Asset]) -> Json {
    match value {
        Json::String(text) if text.contains("${") => {
            let names = text.split("${").nth(1).unwrap().split('}').next().unwrap();
            let names = names.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let known = names.rev().find_map(|f| {
                assets.iter().find_map(|a| match a.field(f) {
                    Field::Known(v) => v.as_str().map(str::to_owned),
                    _ => None,
                })
            });
            Json::String(known.unwrap_or_else(|| "something else".to_owned()))
        }
        Json::Object(m) => m.into_iter().map(|(k, v)| (k, filled(v, assets))).collect::<Map<_, _>>().into(),
        Json::Array(items) => items.into_iter().map(|v| filled(v, assets)).collect(),
        other => other,
    }
}

/// An answer of a type, with texts that nobody has seen before.
fn answer(of: &Type, name: &str) -> Json {
    match of {
        Type::String => Json::String(format!("new-{name}")),
        Type::List(of) => json!([answer(of, name)]),
        Type::Struct(members) => {
            members.iter().map(|(k, t)| (k.to_string(), answer(t, k))).collect::<Map<_, _>>().into()
        }
        _ => Json::Null,
    }
}

fn kinds_of(checks: &[Check]) -> BTreeSet<SmolStr> {
    checks.iter().flat_map(|c| c.kinds().cloned()).filter(|k| WORLD.kinds.get(k).is_some()).collect()
}

/// Which calls of remedies lead back to the kind that they mend, and which do not.
fn score(checks: &[Check]) -> (Vec<String>, Vec<String>) {
    let catalogue = Catalogue::of(checks, &WORLD.kinds);
    let estate = estate(kinds_of(checks));
    let known = Known::of(&estate, &catalogue);
    let by_id: BTreeMap<&str, &Check> = checks.iter().map(|c| (c.id.as_str(), c)).collect();
    let (mut told, mut lost) = (BTreeSet::new(), BTreeSet::new());
    for file in files("remedies") {
        let yaml = yagura_rule::yaml::read(&file).unwrap();
        let mends: Vec<&Check> = yaml
            .get("mends")
            .and_then(|m| m.items())
            .unwrap_or_default()
            .iter()
            .filter_map(|c| by_id.get(c.text()?).copied())
            .collect();
        for call in yaml.get("calls").and_then(|c| c.items()).unwrap_or_default() {
            let name = call.get("call").and_then(|c| c.text()).unwrap();
            let Ok(op) = WORLD.facts.write_operation(name) else { continue };
            let with = call.get("with").and_then(|w| w.value()).map(|v| v.to_json()).unwrap_or(json!({}));
            for check in &mends {
                let parts: Vec<Asset> =
                    check.kinds().filter(|k| WORLD.kinds.get(k).is_some()).map(|k| asset(k)).collect();
                let event = record(
                    op.event_source(),
                    name.split(':').nth(1).unwrap(),
                    filled(with.clone(), &parts),
                    answer(&op.output(), ""),
                );
                let event = ApiEvent::read(&event).unwrap();
                // What prepares in another service (a log group, a role) is another resource's change.
                if !check.kinds().any(|k| catalogue.sources(k).contains(&event.source)) {
                    continue;
                }
                let found = catalogue.changes(&event, &known, &estate);
                let line = format!("{name} -> {}", check.each);
                let is_it = |c: &Changed| check.kinds().any(|k| *k == c.kind);
                if found.iter().any(is_it) {
                    told.insert(line)
                } else {
                    lost.insert(line)
                };
            }
        }
    }
    (told.into_iter().collect(), lost.into_iter().collect())
}

#[test]
fn calls_that_mend_lead_back_to_what_they_mend() {
    let best: Vec<Check> =
        WORLD.checks.iter().filter(|c| c.maps.iter().any(|m| m.starts_with("aws-26/"))).cloned().collect();
    assert_eq!(best.len(), 26);
    for (name, checks, least) in [("the 26", &best, 0.85), ("all", &WORLD.checks, 0.92)] {
        let (told, lost) = score(checks);
        let share = told.len() as f64 / (told.len() + lost.len()) as f64;
        println!(
            "{name}: {} of {} calls lead back to the resource, {:.1} %",
            told.len(),
            told.len() + lost.len(),
            share * 100.0
        );
        lost.iter().for_each(|l| println!("  not: {l}"));
        assert!(told.len() > 10 && share >= least, "{name}: {share}");
    }
}

/// Events as CloudTrail writes them, and exactly what they change.
#[test]
fn events_change_what_they_say_and_nothing_else() {
    let catalogue = Catalogue::of(&WORLD.checks, &WORLD.kinds);
    let mut estate = estate(
        ["account", "region", "ec2.vpc", "kms.key", "iam.role", "iam.user", "rds.db_instance"].map(SmolStr::from),
    );
    for (kind, id, fields) in [
        ("s3.bucket", "logs-1", json!({"Name": "logs-1"})),
        (
            "ec2.security_group",
            "sg-0123456789abcdef0",
            json!({"GroupId": "sg-0123456789abcdef0", "GroupName": "web", "VpcId": "vpc-0123456789abcdef0"}),
        ),
        (
            "ec2.default_security_group",
            "sg-0aaaaaaaaaaaaaaa0",
            json!({"GroupId": "sg-0aaaaaaaaaaaaaaa0", "GroupName": "default"}),
        ),
        (
            "ec2.security_group",
            "sg-0aaaaaaaaaaaaaaa0",
            json!({"GroupId": "sg-0aaaaaaaaaaaaaaa0", "GroupName": "default"}),
        ),
        (
            "ec2.subnet",
            "subnet-0123456789abcdef0",
            json!({"SubnetId": "subnet-0123456789abcdef0", "VpcId": "vpc-0123456789abcdef0"}),
        ),
        (
            "ec2.flow_log",
            "fl-0123456789abcdef0",
            json!({"FlowLogId": "fl-0123456789abcdef0", "ResourceId": "vpc-0123456789abcdef0"}),
        ),
        (
            "iam.policy",
            "arn:aws:iam::111122223333:policy/wide",
            json!({"PolicyName": "wide", "Arn": "arn:aws:iam::111122223333:policy/wide"}),
        ),
        (
            "cloudtrail.trail",
            "main",
            json!({"Name": "main", "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}),
        ),
        (
            "lambda.function",
            "work",
            json!({"FunctionName": "work", "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:work"}),
        ),
    ] {
        let arn = fields
            .as_object()
            .unwrap()
            .values()
            .find_map(|v| v.as_str().filter(|t| t.starts_with("arn:")))
            .map(SmolStr::from);
        let arn = if kind == "s3.bucket" { Some("arn:aws:s3:::logs-1".into()) } else { arn };
        let Value::Map(fields) = serde_json::from_value(fields).unwrap() else { panic!() };
        let mut fields: Vec<_> = fields.iter().map(|(k, v)| (k.clone(), Field::Known(v.clone()))).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let regional = WORLD.kinds.get(kind).unwrap().resource.regional;
        let region = if regional || kind == "s3.bucket" { REGION } else { "aws-global" };
        estate.push(Asset {
            kind: kind.into(),
            arn,
            id: id.into(),
            account: ACCOUNT.into(),
            region: region.into(),
            fields,
        });
    }
    let known = Known::of(&estate, &catalogue);
    let none = json!(null);
    for (what, source, name, request, response, wanted) in [
        (
            "bucket policy",
            "s3",
            "PutBucketPolicy",
            json!({"bucketName": "logs-1", "Host": "logs-1.s3.amazonaws.com", "bucketPolicy": {"Statement": []}}),
            none.clone(),
            &["s3.bucket logs-1"][..],
        ),
        (
            "bucket's block",
            "s3",
            "PutBucketPublicAccessBlock",
            json!({"bucketName": "logs-1", "publicAccessBlock": ""}),
            none.clone(),
            &["s3.bucket logs-1"],
        ),
        (
            "account's block",
            "s3",
            "PutAccountPublicAccessBlock",
            json!({"accountId": ACCOUNT}),
            none.clone(),
            &["account 111122223333"],
        ),
        ("bucket gone", "s3", "DeleteBucket", json!({"bucketName": "logs-1"}), none.clone(), &["s3.bucket logs-1"]),
        ("bucket made", "s3", "CreateBucket", json!({"bucketName": "logs-2"}), none.clone(), &["s3.bucket + logs-2"]),
        (
            "ingress",
            "ec2",
            "AuthorizeSecurityGroupIngress",
            json!({"groupId": "sg-0123456789abcdef0", "ipPermissions": {"items": [{"fromPort": 22, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}),
            json!({"_return": true}),
            &["ec2.security_group sg-0123456789abcdef0"],
        ),
        (
            "default group",
            "ec2",
            "RevokeSecurityGroupIngress",
            json!({"groupId": "sg-0aaaaaaaaaaaaaaa0"}),
            none.clone(),
            &["ec2.default_security_group sg-0aaaaaaaaaaaaaaa0", "ec2.security_group sg-0aaaaaaaaaaaaaaa0"],
        ),
        (
            "flow log made",
            "ec2",
            "CreateFlowLogs",
            json!({"CreateFlowLogsRequest": {"ResourceType": "VPC", "ResourceId": {"tag": 1, "content": "vpc-0123456789abcdef0"}}}),
            json!({"CreateFlowLogsResponse": {"flowLogIdSet": {"item": "fl-0ffffffffffffffff"}}}),
            &["ec2.flow_log + fl-0ffffffffffffffff"],
        ),
        (
            "flow log gone",
            "ec2",
            "DeleteFlowLogs",
            json!({"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-0123456789abcdef0"}}}),
            none.clone(),
            &["ec2.flow_log fl-0123456789abcdef0"],
        ),
        (
            "ebs default",
            "ec2",
            "EnableEbsEncryptionByDefault",
            json!({"EnableEbsEncryptionByDefaultRequest": {}}),
            json!({"EnableEbsEncryptionByDefaultResponse": {"ebsEncryptionByDefault": true}}),
            &["region eu-west-1"],
        ),
        (
            "role's policy",
            "iam",
            "AttachRolePolicy",
            json!({"roleName": "the-iam-role", "policyArn": "arn:aws:iam::111122223333:policy/wide"}),
            none.clone(),
            &["iam.policy arn:aws:iam::111122223333:policy/wide", "iam.role the-iam-role"],
        ),
        (
            "policy version",
            "iam",
            "CreatePolicyVersion",
            json!({"policyArn": "arn:aws:iam::111122223333:policy/wide", "setAsDefault": true}),
            json!({"policyVersion": {"versionId": "v2"}}),
            &["iam.policy arn:aws:iam::111122223333:policy/wide"],
        ),
        (
            "password policy",
            "iam",
            "UpdateAccountPasswordPolicy",
            json!({"minimumPasswordLength": 8}),
            none.clone(),
            &["account 111122223333"],
        ),
        (
            "key to be deleted",
            "kms",
            "ScheduleKeyDeletion",
            json!({"keyId": "the-kms-key", "pendingWindowInDays": 7}),
            none.clone(),
            &["kms.key the-kms-key"],
        ),
        (
            "database",
            "rds",
            "ModifyDBInstance",
            json!({"dBInstanceIdentifier": "the-rds-db-instance", "publiclyAccessible": true}),
            none.clone(),
            &["rds.db_instance the-rds-db-instance"],
        ),
        (
            "logging stopped",
            "cloudtrail",
            "StopLogging",
            json!({"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}),
            none.clone(),
            &["cloudtrail.trail main"],
        ),
        (
            "function",
            "lambda",
            "UpdateFunctionConfiguration20150331v2",
            json!({"functionName": "work", "runtime": "python3.8"}),
            none.clone(),
            &["lambda.function work"],
        ),
        (
            "nothing that a check reads",
            "ec2",
            "CreateKeyPair",
            json!({"keyName": "mine"}),
            json!({"keyPairId": "key-0123456789abcdef0"}),
            &[],
        ),
    ] {
        let event = ApiEvent::read(&record(source, name, request, response)).unwrap();
        let mut found: Vec<String> = catalogue
            .changes(&event, &known, &estate)
            .iter()
            .map(|c| match &c.which {
                Which::Known(at) => format!("{} {}", c.kind, estate.assets()[*at as usize].id),
                Which::New(names) => {
                    format!("{} + {}", c.kind, names.iter().map(|(_, t)| t.as_str()).collect::<Vec<_>>().join(" "))
                }
            })
            .collect();
        found.sort();
        assert_eq!(found, wanted, "{what}");
    }
    let mut failed = record("s3", "PutBucketPolicy", json!({"bucketName": "logs-1"}), json!(null));
    failed["errorCode"] = json!("AccessDenied");
    assert_eq!(ApiEvent::read(&failed), None);
    let mut data = record("s3", "PutObject", json!({"bucketName": "logs-1"}), json!(null));
    data["managementEvent"] = json!(false);
    assert_eq!(ApiEvent::read(&data), None);
}
