//! Filters that ask more than the resource itself: what each call's answer means, and that what was not asked for is unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_custodian::call::Call;
use yagura_custodian::facts::Facts;
use yagura_custodian::filter::Read;
use yagura_custodian::policy::{Policy, read_files};
use yagura_custodian::run::{Selection, Setting};
use yagura_custodian::world::{KindOf, Names, Place, World};
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Listing, Scope, Snapshot, Value};

const NOW: &str = "2026-06-15T12:00:00Z";
const OTHERS: [&str; 17] = [
    "region",
    "account",
    "config.rule",
    "health.event",
    "iam.group",
    "iam.policy",
    "iam.aws_managed_policy",
    "kms.alias",
    "wafv2.web_acl",
    "cost-optimization-hub.recommendation",
    "accessanalyzer.analyzer",
    "support.trusted_advisor_check",
    "cloudwatch.composite_alarm",
    "ec2.dhcp_options",
    "elasticache.subnet_group",
    "guardduty.detector",
    "redshift.cluster_parameter_group",
];

fn facts() -> Facts {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/custodian/aws.json");
    Facts::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn names() -> Names {
    let kinds = [
        ("account", "account", "account_id", ""),
        ("alarm", "cloudwatch.alarm", "AlarmName", "AlarmName"),
        ("ami", "ec2.image", "ImageId", "ImageId CreationDate BlockDeviceMappings"),
        ("app-elb", "elbv2.load_balancer", "LoadBalancerArn", "LoadBalancerArn LoadBalancerName"),
        (
            "asg",
            "autoscaling.group",
            "AutoScalingGroupName",
            "AutoScalingGroupName Instances DesiredCapacity MinSize Tags",
        ),
        ("cfn", "cloudformation.stack", "StackId", "StackId NotificationARNs"),
        ("composite-alarm", "cloudwatch.composite_alarm", "AlarmName", "AlarmName AlarmRule"),
        ("dynamodb-table", "dynamodb.table", "TableName", "TableName"),
        ("ebs", "ec2.volume", "VolumeId", "VolumeId KmsKeyId"),
        ("ebs-snapshot", "ec2.snapshot", "SnapshotId", "SnapshotId Encrypted"),
        ("ec2", "ec2.instance", "InstanceId", "InstanceId State Tags Memory IamInstanceProfile"),
        ("eks", "eks.cluster", "name", "name version"),
        ("iam-role", "iam.role", "RoleName", "RoleName Arn AttachedManagedPolicies InstanceProfileList RolePolicyList"),
        ("iam-user", "iam.user", "UserName", "UserName Arn UserPolicyList AttachedManagedPolicies GroupList"),
        ("kms-key", "kms.key", "KeyId", "KeyId KeyManager"),
        ("kms", "kms.alias", "AliasArn", "AliasArn AliasName TargetKeyId"),
        ("launch-config", "autoscaling.launch_configuration", "LaunchConfigurationName", "LaunchConfigurationName"),
        ("rds", "rds.db_instance", "DBInstanceIdentifier", "DBInstanceIdentifier Engine EngineVersion DBInstanceArn"),
        ("rds-cluster", "rds.db_cluster", "DBClusterIdentifier", "DBClusterIdentifier KmsKeyId"),
        ("rds-snapshot", "rds.db_snapshot", "DBSnapshotIdentifier", "DBSnapshotIdentifier"),
        ("route-table", "ec2.route_table", "RouteTableId", "RouteTableId Routes"),
        ("s3", "s3.bucket", "Name", "Name"),
        ("security-group", "ec2.security_group", "GroupId", "GroupId VpcId"),
        ("vpc", "ec2.vpc", "VpcId", "VpcId DhcpOptionsId CidrBlock"),
        ("cache-cluster", "elasticache.cluster", "CacheClusterId", "CacheClusterId CacheSubnetGroupName"),
        ("efs", "efs.file_system", "FileSystemId", "FileSystemId"),
        ("lambda", "lambda.function", "FunctionName", "FunctionName Policy"),
        ("log-group", "logs.log_group", "logGroupName", "logGroupName"),
        (
            "peering-connection",
            "ec2.vpc_peering_connection",
            "VpcPeeringConnectionId",
            "AccepterVpcInfo RequesterVpcInfo",
        ),
        ("rds-cluster-snapshot", "rds.db_cluster_snapshot", "DBClusterSnapshotIdentifier", "Attributes"),
        ("redshift", "redshift.cluster", "ClusterIdentifier", "ClusterIdentifier ClusterParameterGroups"),
        ("redshift-snapshot", "redshift.cluster_snapshot", "SnapshotIdentifier", "AccountsWithRestoreAccess"),
        ("ssm-document", "ssm.document", "Name", "Name Permission"),
        ("subnet", "ec2.subnet", "SubnetId", "SubnetId MapPublicIpOnLaunch"),
    ];
    let one = |(resource, kind, id, fields): (&str, &str, &str, &str)| KindOf {
        resource: resource.into(),
        kind: kind.into(),
        id: id.into(),
        regional: !["account", "iam.user", "iam.role", "s3.bucket"].contains(&kind),
        tags: fields.contains("Tags").then(|| "Tags".into()),
        fields: fields.split_whitespace().map(Into::into).collect(),
        ..KindOf::default()
    };
    Names { by_resource: kinds.into_iter().map(|k| (k.0.into(), one(k))).collect() }
}

fn asset(kind: &str, fields: Json) -> Asset {
    let arn = fields.get("arn").and_then(Json::as_str).map(Into::into);
    let id = fields.as_object().unwrap().values().next().and_then(Json::as_str).unwrap_or("x").into();
    let account = "123456789012".into();
    let mut a = Asset { kind: kind.into(), arn, id, account, region: "us-east-1".into(), fields: Vec::new() };
    for (k, v) in fields.as_object().unwrap() {
        a.set(k.as_str(), Value::from_json(v.clone()).map_or(Field::Absent, Field::Known));
    }
    a
}

fn policy(resource: &str, filter: &Json) -> Policy {
    let text = json!({"policies": [{"name": "x", "resource": resource, "filters": [filter]}]}).to_string();
    let (mut policies, errors) = read_files(&[ContentFile { path: "p.yml".into(), text, shipped: false }], &facts());
    assert!(errors.is_empty(), "{filter}: {errors:?}");
    policies.pop().unwrap()
}

fn calls(resource: &str, filter: &Json, now: &str) -> Vec<Call> {
    let (facts, names) = (facts(), names());
    let none = |_: &str| Err(String::new());
    let setting = Setting { facts: &facts, names: &names, now: now.parse().unwrap(), file: &none, event: None };
    let needs = setting.needs(&policy(resource, filter)).unwrap();
    needs.into_iter().filter_map(|r| if let Read::Asked(call) = r { Some(call) } else { None }).collect()
}

/// What a filter says, when every call that it makes about assets of its kind is answered so.
fn choose(resource: &str, filter: &Json, mut assets: Vec<Asset>, answer: Option<Field>) -> Selection {
    let (facts, names) = (facts(), names());
    if let Some(answer) = answer {
        for call in calls(resource, filter, NOW) {
            assets.iter_mut().filter(|a| a.kind == call.kind).for_each(|a| a.set(call.field.clone(), answer.clone()));
        }
    }
    let kinds: BTreeSet<_> = names.by_resource.values().map(|k| k.kind.clone()).chain(OTHERS.map(Into::into)).collect();
    let listing = |kind| Listing { kind, account: "123456789012".into(), region: "us-east-1".into(), gap: None };
    let snapshot = Snapshot {
        taken_at: NOW.parse().unwrap(),
        tool: String::new(),
        callers: vec![Caller { account: "123456789012".into(), arn: "".into(), partition: "aws".into() }],
        scope: Scope { regions: vec!["us-east-1".into()], ..Scope::default() },
        listings: kinds.iter().cloned().map(listing).collect(),
        assets,
        requests: 0,
    };
    let none = |_: &str| Err(String::new());
    let setting = Setting { facts: &facts, names: &names, now: snapshot.taken_at, file: &none, event: None };
    let world = World::new(&snapshot, &names, &kinds);
    let place = Place { account: "123456789012".into(), region: "us-east-1".into(), partition: "aws".into() };
    setting.run(&policy(resource, filter), &world, &place).unwrap()
}

fn told(s: &Selection) -> &'static str {
    match (s.resources.len(), s.unknown.len()) {
        (0, 0) => "no",
        (_, 0) => "yes",
        (0, _) => "unknown",
        _ => "some",
    }
}

fn known(v: Json) -> Option<Field> {
    Some(Value::from_json(v).map_or(Field::Absent, Field::Known))
}

#[test]
fn an_answer_of_its_own_call_decides_and_its_lack_is_unknown() {
    let instance = || {
        asset(
            "ec2.instance",
            json!({"InstanceId": "i-1", "State": {"Name": "running"}, "Tags": [], "Memory": 4, "arn": "arn:aws:ec2:us-east-1:123456789012:instance/i-1"}),
        )
    };
    let database = || {
        asset(
            "rds.db_instance",
            json!({"DBInstanceIdentifier": "d", "Engine": "postgres", "EngineVersion": "15.2", "arn": "arn:d"}),
        )
    };
    let table = || asset("dynamodb.table", json!({"TableName": "t", "arn": "arn:t"}));
    let stack = || asset("cloudformation.stack", json!({"StackId": "s"}));
    let bucket = || asset("s3.bucket", json!({"Name": "b", "arn": "arn:aws:s3:::b"}));
    let cpu = |v: f64| json!([{"Timestamp": "2026-06-14T00:00:00Z", "Average": v}]);
    let metric = |op: &str, value: Json| json!({"type": "metrics", "name": "CPUUtilization", "op": op, "value": value});
    let target =
        |v: &str, major: bool| json!([{"ValidUpgradeTarget": [{"EngineVersion": v, "IsMajorVersionUpgrade": major}]}]);
    let items = |arn: &str| json!([{"OpsItemId": "o", "OperationalData": {"/aws/resources": {"Value": json!([{"arn": arn}]).to_string()}}}]);
    let rows: Vec<(&str, Json, Asset, Json, &str)> = vec![
        ("ec2", metric("lt", json!(10)), instance(), cpu(9.5), "yes"),
        ("ec2", metric("lt", json!(10)), instance(), cpu(10.0), "no"),
        ("ec2", metric("lt", json!(10)), instance(), json!([cpu(1.0)[0], cpu(20.0)[0]]), "no"),
        ("ec2", metric("lt", json!(10)), instance(), json!([]), "no"),
        ("ec2", metric("lt", json!(10)), instance(), Json::Null, "no"),
        (
            "ec2",
            json!({"type": "metrics", "name": "m", "op": "lt", "value": 1, "missing-value": 0}),
            instance(),
            json!([]),
            "yes",
        ),
        (
            "ec2",
            json!({"type": "metrics", "name": "m", "op": "eq", "value": 50, "percent-attr": "Memory"}),
            instance(),
            cpu(2.0),
            "yes",
        ),
        (
            "ec2",
            json!({"type": "metrics", "name": "m", "op": "eq", "value": 50, "percent-attr": "Absent"}),
            instance(),
            cpu(2.0),
            "unknown",
        ),
        (
            "ec2",
            json!({"type": "metrics", "name": "m", "op": "gt", "value": 5, "statistics": "p99"}),
            instance(),
            json!([{"Timestamp": NOW, "ExtendedStatistics": {"p99": 6.0}}]),
            "yes",
        ),
        ("ec2", metric("lt", json!(10)), instance(), json!([{"Timestamp": NOW}]), "unknown"),
        ("s3", json!("finding"), bucket(), json!([{"Id": "f"}]), "yes"),
        ("s3", json!("finding"), bucket(), json!([]), "no"),
        ("ec2", json!("ops-item"), instance(), items("arn:aws:ec2:us-east-1:123456789012:instance/i-1"), "yes"),
        ("ec2", json!("ops-item"), instance(), items("arn:other"), "no"),
        (
            "ec2",
            json!("ops-item"),
            instance(),
            json!([{"OperationalData": {"/aws/resources": {"Value": "["}}}]),
            "unknown",
        ),
        ("ec2", json!("singleton"), instance(), json!([]), "yes"),
        (
            "ec2",
            json!("singleton"),
            instance(),
            json!([{"AlarmActions": ["arn:aws:automate:us-east-1:ec2:recover"]}]),
            "no",
        ),
        (
            "ec2",
            json!({"type": "image-age", "days": 30}),
            instance(),
            json!([{"CreationDate": "2026-01-01T00:00:00Z"}]),
            "yes",
        ),
        (
            "ec2",
            json!({"type": "image-age", "days": 300}),
            instance(),
            json!([{"CreationDate": "2026-01-01T00:00:00Z"}]),
            "no",
        ),
        ("ec2", json!({"type": "image-age", "days": 30}), instance(), json!([]), "yes"),
        ("rds", json!("upgrade-available"), database(), target("15.7", false), "yes"),
        ("rds", json!("upgrade-available"), database(), target("16.1", true), "no"),
        ("rds", json!({"type": "upgrade-available", "major": true}), database(), target("16.1", true), "yes"),
        ("rds", json!({"type": "upgrade-available", "value": false}), database(), json!([]), "yes"),
        (
            "rds",
            json!({"type": "consecutive-snapshots", "days": 2}),
            database(),
            json!([
            {"Status": "available", "SnapshotCreateTime": "2026-06-14T03:00:00Z"},
            {"Status": "available", "SnapshotCreateTime": "2026-06-13T03:00:00Z"}]),
            "yes",
        ),
        (
            "rds",
            json!({"type": "consecutive-snapshots", "days": 2}),
            database(),
            json!([
            {"Status": "available", "SnapshotCreateTime": "2026-06-14T03:00:00Z"},
            {"Status": "failed", "SnapshotCreateTime": "2026-06-13T03:00:00Z"}]),
            "no",
        ),
        (
            "dynamodb-table",
            json!({"type": "consecutive-aws-backups", "count": 1, "period": "hours", "status": "COMPLETED"}),
            table(),
            json!([{"Status": "COMPLETED", "CreationDate": "2026-06-15T11:40:00Z"}]),
            "yes",
        ),
        (
            "dynamodb-table",
            json!({"type": "consecutive-aws-backups", "count": 1, "period": "days", "status": "COMPLETED"}),
            table(),
            json!([{"Status": "COMPLETED", "CreationDate": "2026-06-15T11:40:00Z"}]),
            "no",
        ),
        (
            "cfn",
            json!({"type": "template", "pattern": "AWS::IAM"}),
            stack(),
            json!("Resources: {R: {Type: AWS::IAM::Role}}"),
            "yes",
        ),
        ("cfn", json!({"type": "template", "pattern": "AWS::IAM"}), stack(), json!("Resources: {}"), "no"),
        ("cfn", json!({"type": "template", "pattern": "AWS::IAM"}), stack(), Json::Null, "unknown"),
    ];
    for (resource, filter, subject, answer, wanted) in rows {
        let said = choose(resource, &filter, vec![subject.clone()], known(answer.clone()));
        assert_eq!(told(&said), wanted, "{resource} {filter} {answer}: {:?}", said.unknown);
        // A snapshot that was made without the question, and a call that was denied, say nothing.
        let silent = choose(resource, &filter, vec![subject.clone()], None);
        assert_eq!(told(&silent), "unknown", "{resource} {filter} unasked");
        assert_eq!(silent.unknown[0].1.reason, GapReason::NotRequested);
        let gap = Gap { call: "x:Y".into(), ..Gap::new(GapReason::AccessDenied, "AccessDenied") };
        let denied = choose(resource, &filter, vec![subject], Some(Field::Unknown(Arc::new(gap))));
        assert_eq!(told(&denied), "unknown", "{resource} {filter} denied");
        assert_eq!(denied.unknown[0].1.reason, GapReason::AccessDenied);
    }
}

#[test]
fn a_call_has_one_name_whatever_the_time_and_place() {
    let metric = json!({"type": "metrics", "name": "CPUUtilization", "op": "lt", "value": 10, "days": 3});
    let (then, later) = (calls("ec2", &metric, NOW), calls("ec2", &metric, "2026-07-01T00:00:00Z"));
    assert_eq!(then[0].field, later[0].field);
    assert_ne!(then[0].with, later[0].with);
    assert!(
        then[0].with.contains("2026-06-12T12:01:00Z") && then[0].with.contains("2026-06-15T12:01:00Z"),
        "{}",
        then[0].with
    );
    assert!(then[0].with.contains("{InstanceId}"), "{}", then[0].with);
    let other = json!({"type": "metrics", "name": "CPUUtilization", "op": "lt", "value": 10, "days": 4});
    assert_ne!(calls("ec2", &other, NOW)[0].field, then[0].field);
    // Other thresholds ask the same of AWS.
    let same = json!({"type": "metrics", "name": "CPUUtilization", "op": "gt", "value": 90, "days": 3});
    assert_eq!(calls("ec2", &same, NOW)[0].field, then[0].field);

    let query = |id: &str| json!({"type": "finding", "query": {"Id": [{"Comparison": "PREFIX", "Value": id}]}});
    let asked = calls("s3", &query("arn:aws:securityhub:{region}:{account_id}:x"), NOW);
    assert!(asked[0].with.contains("arn:aws:securityhub:{region}:{account}:x"), "{}", asked[0].with);
    let bucket = asset("s3.bucket", json!({"Name": "b", "arn": "arn:aws:s3:::b"}));
    let said = choose("s3", &query("{account_id}"), vec![bucket.clone()], known(json!([{"Id": "f"}])));
    assert_eq!(told(&said), "yes");
    assert!(calls("s3", &query("{Secret}"), NOW).is_empty());
    assert_eq!(told(&choose("s3", &query("{Secret}"), vec![bucket], None)), "unknown");
}

#[test]
fn other_resources_and_settings_decide() {
    let region = |name: &str, v: Json| asset("region", json!({name: v}));
    let user = |fields: Json| asset("iam.user", fields);
    let allow = |action: &str| json!([{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}}]);
    let ann = |policies: Json| {
        user(json!({"UserName": "ann", "Arn": "arn:aws:iam::123456789012:user/ann", "UserId": "A", "Path": "/",
        "UserPolicyList": policies, "AttachedManagedPolicies": [], "GroupList": []}))
    };
    let lost = || {
        user(json!({"UserName": "ann", "Arn": "arn:aws:iam::123456789012:user/ann", "UserId": "A", "Path": "/",
        "UserPolicyList": [], "AttachedManagedPolicies": [{"PolicyName": "q", "PolicyArn": "arn:aws:iam::123456789012:policy/q"}], "GroupList": []}))
    };
    let rule = |state: &str| {
        asset(
            "config.rule",
            json!({"ConfigRuleName": "r", "Evaluations": [{"ComplianceType": state,
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": {"ResourceType": "AWS::S3::Bucket", "ResourceId": "b"}}}]}),
        )
    };
    let bucket = || asset("s3.bucket", json!({"Name": "b", "arn": "arn:aws:s3:::b"}));
    let event = |entity: &str| {
        asset(
            "health.event",
            json!({"arn": "e", "service": "EC2", "region": "us-east-1", "statusCode": "open",
        "eventTypeCode": "t", "Entities": [{"entityValue": entity}]}),
        )
    };
    let instance = || {
        asset(
            "ec2.instance",
            json!({"InstanceId": "i-1", "State": {"Name": "running"}, "arn": "arn:aws:ec2:us-east-1:123456789012:instance/i-1"}),
        )
    };
    let may = |action: &str, word: &str| json!({"type": "check-permissions", "actions": [action], "match": word});
    let alias = || asset("kms.alias", json!({"AliasArn": "a", "AliasName": "alias/d", "TargetKeyId": "k"}));
    let key = || asset("kms.key", json!({"KeyId": "k", "KeyManager": "CUSTOMER"}));
    let by_alias = |name: &str| json!({"type": "kms-key", "key": "c7n:AliasName", "value": name});
    let sealed = |key: &str| asset("rds.db_cluster", json!({"DBClusterIdentifier": "d", "KmsKeyId": key}));
    let volume = |key: &str| asset("ec2.volume", json!({"VolumeId": "v", "KmsKeyId": key}));
    let group = |running: usize| {
        asset(
            "autoscaling.group",
            json!({"AutoScalingGroupName": "g", "Instances": vec![json!({}); running],
        "DesiredCapacity": 2, "MinSize": 1, "LaunchConfigurationName": "c", "Tags": []}),
        )
    };
    let launch = || {
        asset(
            "autoscaling.launch_configuration",
            json!({"LaunchConfigurationName": "c", "ImageId": "ami-1", "InstanceType": "t3.nano"}),
        )
    };
    let image = |sealed: bool| {
        asset(
            "ec2.image",
            json!({"ImageId": "ami-1", "CreationDate": "2026-06-01T00:00:00Z",
        "BlockDeviceMappings": [{"DeviceName": "/dev/x", "Ebs": {"Encrypted": sealed}}]}),
        )
    };
    let account = || asset("account", json!({"account_id": "123456789012"}));
    let protections = |arns: Json| asset("account", json!({"ShieldProtections": arns}));
    let balancer =
        || asset("elbv2.load_balancer", json!({"LoadBalancerArn": "arn:b", "LoadBalancerName": "b", "arn": "arn:b"}));
    let composite = || {
        asset("cloudwatch.composite_alarm", json!({"AlarmName": "c", "AlarmRule": "ALARM(child) AND OK(\"other\")"}))
    };
    let alarm = |n: &str| asset("cloudwatch.alarm", json!({"AlarmName": n}));
    let compliance = json!({"type": "config-compliance", "rules": ["r"]});
    let saving = |action: &str| {
        asset(
            "cost-optimization-hub.recommendation",
            json!({"recommendationId": "x", "actionType": action,
        "currentResourceType": "Ec2Instance", "resourceArn": "arn:aws:ec2:us-east-1:123456789012:instance/i-1", "estimatedMonthlySavings": 40}),
        )
    };
    let rich = json!({"type": "cost-optimization", "attrs": [{"type": "value", "key": "estimatedMonthlySavings", "value": 30, "op": "gte"}]});
    let check = |status: &str, now: &str| {
        asset(
            "support.trusted_advisor_check",
            json!({"id": "c", "name": "EC2 instances", "category": "service_limits",
        "Result": {"status": status, "flaggedResources": [{"status": "warning", "metadata": ["us-east-1", "EC2", "On-Demand", "10", now, "Yellow"]}]}}),
        )
    };
    let limit = json!({"type": "service-limit", "threshold": 80});
    // What a call of its own brings was not asked for.
    let detector = |status: &str| {
        let mut d = asset("guardduty.detector", json!({"DetectorId": "d", "Status": status}));
        d.set("OrganizationConfiguration", Field::Unknown(Arc::new(Gap::new(GapReason::NotRequested, ""))));
        d
    };
    let rows: Vec<(&str, Json, Vec<Asset>, &str)> = vec![
        ("iam-user", may("s3:GetObject", "allowed"), vec![ann(allow("s3:Get*"))], "yes"),
        ("iam-user", may("s3:PutObject", "allowed"), vec![ann(allow("s3:Get*"))], "no"),
        ("iam-user", may("s3:PutObject", "denied"), vec![ann(allow("s3:Get*"))], "yes"),
        ("iam-user", may("s3:PutObject", "denied"), vec![lost()], "unknown"),
        ("ec2", may("s3:PutObject", "denied"), vec![instance()], "no"),
        ("s3", compliance.clone(), vec![bucket(), rule("NON_COMPLIANT")], "yes"),
        ("s3", compliance.clone(), vec![bucket(), rule("COMPLIANT")], "no"),
        ("s3", compliance.clone(), vec![bucket()], "unknown"),
        ("s3", compliance, vec![bucket(), asset("config.rule", json!({"ConfigRuleName": "r"}))], "unknown"),
        ("ec2", json!("health-event"), vec![instance(), event("i-1")], "yes"),
        ("ec2", json!("health-event"), vec![instance(), event("i-2")], "no"),
        ("ec2", json!({"type": "health-event", "statuses": ["closed"]}), vec![instance(), event("i-1")], "no"),
        ("ec2", rich.clone(), vec![instance(), saving("Rightsize")], "yes"),
        ("ec2", rich, vec![instance(), saving("Stop")], "no"),
        (
            "ebs",
            json!({"type": "kms-alias", "key": "AliasName", "value": "alias/d"}),
            vec![volume("arn:aws:kms:us-east-1:1:key/k"), alias()],
            "yes",
        ),
        (
            "ebs",
            json!({"type": "kms-alias", "key": "AliasName", "value": "alias/d"}),
            vec![volume("arn:aws:kms:us-east-1:1:key/z"), alias()],
            "no",
        ),
        ("rds-cluster", by_alias("alias/d"), vec![sealed("arn:aws:kms:us-east-1:1:key/k"), key(), alias()], "yes"),
        ("rds-cluster", by_alias("alias/e"), vec![sealed("arn:aws:kms:us-east-1:1:key/k"), key(), alias()], "no"),
        ("rds-cluster", by_alias(""), vec![sealed("arn:aws:kms:us-east-1:1:key/k"), key()], "yes"),
        ("rds-cluster", by_alias("alias/d"), vec![sealed("arn:aws:kms:us-east-1:1:alias/d"), key(), alias()], "yes"),
        (
            "rds-cluster",
            by_alias("alias/d"),
            vec![sealed("arn:aws:kms:us-east-1:1:alias/lost"), key(), alias()],
            "unknown",
        ),
        ("launch-config", json!("unused"), vec![launch(), group(1)], "no"),
        ("launch-config", json!("unused"), vec![launch()], "yes"),
        ("asg", json!("capacity-delta"), vec![group(1)], "yes"),
        ("asg", json!("capacity-delta"), vec![group(2)], "no"),
        (
            "asg",
            json!({"type": "launch-config", "key": "InstanceType", "value": "t3.nano"}),
            vec![group(2), launch()],
            "yes",
        ),
        ("asg", json!({"type": "launch-config", "key": "InstanceType", "value": "t3.nano"}), vec![group(2)], "unknown"),
        ("asg", json!("not-encrypted"), vec![group(2), launch(), image(false)], "yes"),
        ("asg", json!("not-encrypted"), vec![group(2), launch(), image(true)], "no"),
        ("asg", json!("not-encrypted"), vec![group(2), launch()], "unknown"),
        ("asg", json!({"type": "image-age", "days": 10}), vec![group(2), launch(), image(true)], "yes"),
        (
            "app-elb",
            json!({"type": "shield-enabled", "state": true}),
            vec![balancer(), protections(json!([{"ResourceArn": "arn:b"}]))],
            "yes",
        ),
        ("app-elb", json!({"type": "shield-enabled", "state": true}), vec![balancer(), protections(Json::Null)], "no"),
        ("app-elb", json!({"type": "shield-enabled", "state": true}), vec![balancer()], "unknown"),
        ("alarm", json!("is-composite-child"), vec![alarm("child"), composite()], "yes"),
        ("alarm", json!("is-composite-child"), vec![alarm("other"), composite()], "yes"),
        ("alarm", json!("is-composite-child"), vec![alarm("third"), composite()], "no"),
        (
            "account",
            json!({"type": "ami-block-public-access", "value": true}),
            vec![account(), region("ImageBlockPublicAccess", json!("block-new-sharing"))],
            "yes",
        ),
        (
            "account",
            json!({"type": "ami-block-public-access", "value": true}),
            vec![account(), region("ImageBlockPublicAccess", json!("unblocked"))],
            "no",
        ),
        ("account", json!({"type": "ami-block-public-access"}), vec![account()], "unknown"),
        (
            "account",
            json!({"type": "guard-duty", "Detector.Status": "ENABLED"}),
            vec![account(), detector("ENABLED")],
            "yes",
        ),
        (
            "account",
            json!({"type": "guard-duty", "Detector.Status": "ENABLED"}),
            vec![account(), detector("DISABLED")],
            "no",
        ),
        (
            "account",
            json!({"type": "guard-duty", "Detector.OrganizationConfiguration.AutoEnable": {"value": true}}),
            vec![account(), detector("ENABLED")],
            "unknown",
        ),
        ("account", json!("securityhub"), vec![account(), region("SecurityHub", json!({"HubArn": "h"}))], "yes"),
        (
            "account",
            json!({"type": "securityhub", "enabled": false}),
            vec![account(), region("SecurityHub", Json::Null)],
            "yes",
        ),
        (
            "account",
            json!({"type": "iot-logging", "key": "loggingConfigured", "value": false}),
            vec![account(), region("IotLogging", Json::Null)],
            "yes",
        ),
        ("account", limit.clone(), vec![account(), check("warning", "9")], "yes"),
        ("account", limit.clone(), vec![account(), check("warning", "7")], "no"),
        ("account", limit, vec![account(), check("not_available", "9")], "unknown"),
        (
            "route-table",
            json!({"type": "route", "key": "GatewayId", "value": "igw-1"}),
            vec![asset(
                "ec2.route_table",
                json!({"RouteTableId": "r", "Routes": [{"GatewayId": "local"}, {"GatewayId": "igw-1"}]}),
            )],
            "yes",
        ),
        (
            "iam-role",
            json!({"type": "usage", "match-operator": "any", "ServiceNamespace": "s3"}),
            vec![asset("iam.role", json!({"RoleName": "r"}))],
            "unknown",
        ),
        ("ec2", json!({"type": "user-data", "op": "regex", "value": "secret"}), vec![instance()], "unknown"),
    ];
    for (resource, filter, assets, wanted) in rows {
        let said = choose(resource, &filter, assets, None);
        assert_eq!(told(&said), wanted, "{resource} {filter}: {:?}", said.unknown);
    }
}

#[test]
fn a_listing_that_leaves_some_out_says_so() {
    let manual = asset("rds.db_snapshot", json!({"DBSnapshotIdentifier": "s"}));
    let said = choose("rds-snapshot", &json!({"DBSnapshotIdentifier": "s"}), vec![manual], None);
    assert_eq!(said.resources.len(), 1);
    assert!(said.unlisted.unwrap().detail.contains("manual"));
}

#[test]
fn what_is_shared_by_a_list_of_accounts_is_weighed_like_a_policy() {
    let one = |kind: &str, id: &str| vec![asset(kind, json!({id: "x"}))];
    let stranger = "999988887777";
    let permission = |who: Json| json!([who]);
    let rows: Vec<(&str, Json, Vec<Asset>, Json, &str)> = vec![
        ("ami", json!("cross-account"), one("ec2.image", "ImageId"), permission(json!({"UserId": stranger})), "yes"),
        (
            "ami",
            json!("cross-account"),
            one("ec2.image", "ImageId"),
            permission(json!({"UserId": "123456789012"})),
            "no",
        ),
        (
            "ami",
            json!("cross-account"),
            one("ec2.image", "ImageId"),
            permission(json!({"OrganizationArn": "arn:aws:organizations::1:organization/o-1"})),
            "yes",
        ),
        (
            "ebs-snapshot",
            json!({"type": "cross-account", "whitelist": [stranger]}),
            one("ec2.snapshot", "SnapshotId"),
            permission(json!({"UserId": stranger})),
            "no",
        ),
        (
            "ebs-snapshot",
            json!({"type": "cross-account", "everyone_only": true}),
            one("ec2.snapshot", "SnapshotId"),
            permission(json!({"UserId": stranger})),
            "no",
        ),
        (
            "ebs-snapshot",
            json!({"type": "cross-account", "everyone_only": true}),
            one("ec2.snapshot", "SnapshotId"),
            permission(json!({"Group": "all"})),
            "yes",
        ),
        (
            "log-group",
            json!("cross-account"),
            one("logs.log_group", "logGroupName"),
            json!([{"destinationArn": "arn:aws:logs:us-east-1:999988887777:destination:d"}]),
            "yes",
        ),
        (
            "log-group",
            json!("cross-account"),
            one("logs.log_group", "logGroupName"),
            json!([{"destinationArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}]),
            "no",
        ),
    ];
    for (resource, filter, assets, answer, wanted) in rows {
        let said = choose(resource, &filter, assets.clone(), known(answer));
        assert_eq!(told(&said), wanted, "{resource} {filter}: {:?}", said.unknown);
        assert_eq!(told(&choose(resource, &filter, assets, None)), "unknown", "{resource} {filter} unasked");
    }
    let restore = |who: &str| json!([{"AttributeName": "restore", "AttributeValues": [who]}]);
    let rows: Vec<(&str, Asset, &str)> = vec![
        (
            "rds-cluster-snapshot",
            asset("rds.db_cluster_snapshot", json!({"DBClusterSnapshotIdentifier": "s", "Attributes": restore("all")})),
            "yes",
        ),
        (
            "rds-cluster-snapshot",
            asset("rds.db_cluster_snapshot", json!({"DBClusterSnapshotIdentifier": "s", "Attributes": []})),
            "no",
        ),
        (
            "rds-cluster-snapshot",
            asset("rds.db_cluster_snapshot", json!({"DBClusterSnapshotIdentifier": "s"})),
            "unknown",
        ),
        (
            "redshift-snapshot",
            asset(
                "redshift.cluster_snapshot",
                json!({"SnapshotIdentifier": "s", "AccountsWithRestoreAccess": [{"AccountId": stranger}]}),
            ),
            "yes",
        ),
        ("redshift-snapshot", asset("redshift.cluster_snapshot", json!({"SnapshotIdentifier": "s"})), "no"),
        (
            "peering-connection",
            asset(
                "ec2.vpc_peering_connection",
                json!({"VpcPeeringConnectionId": "p", "AccepterVpcInfo": {"OwnerId": "123456789012"},
                "RequesterVpcInfo": {"OwnerId": stranger}}),
            ),
            "yes",
        ),
        ("ssm-document", asset("ssm.document", json!({"Name": "d", "Permission": ["All"]})), "yes"),
        ("ssm-document", asset("ssm.document", json!({"Name": "d", "Permission": []})), "no"),
    ];
    for (resource, subject, wanted) in rows {
        let said = choose(resource, &json!("cross-account"), vec![subject], None);
        assert_eq!(told(&said), wanted, "{resource}: {:?}", said.unknown);
    }
}

#[test]
fn networks_parameters_and_sources_are_looked_up() {
    let vpc = |options: &str| {
        asset("ec2.vpc", json!({"VpcId": "vpc-1", "DhcpOptionsId": options, "CidrBlock": "10.9.0.0/16"}))
    };
    let options = |servers: &[&str]| {
        let values: Vec<Json> = servers.iter().map(|s| json!({"Value": s})).collect();
        asset(
            "ec2.dhcp_options",
            json!({"DhcpOptionsId": "dopt-1", "DhcpConfigurations": [{"Key": "domain-name-servers", "Values": values}]}),
        )
    };
    let servers = |want: Json| json!({"type": "dhcp-options", "domain-name-servers": want});
    let cache = || asset("elasticache.cluster", json!({"CacheClusterId": "c", "CacheSubnetGroupName": "g"}));
    let group = || {
        asset(
            "elasticache.subnet_group",
            json!({"CacheSubnetGroupName": "g", "VpcId": "vpc-1", "Subnets": [{"SubnetIdentifier": "s-1"}]}),
        )
    };
    let subnet = |public: bool| asset("ec2.subnet", json!({"SubnetId": "s-1", "MapPublicIpOnLaunch": public}));
    let public = json!({"type": "subnet", "key": "MapPublicIpOnLaunch", "value": true});
    let cluster = || {
        asset(
            "redshift.cluster",
            json!({"ClusterIdentifier": "w", "ClusterParameterGroups": [{"ParameterGroupName": "p"}]}),
        )
    };
    let parameters = |ssl: &str| {
        asset(
            "redshift.cluster_parameter_group",
            json!({"ParameterGroupName": "p", "Parameters": [
            {"ParameterName": "require_ssl", "ParameterValue": ssl, "DataType": "boolean"},
            {"ParameterName": "search_path", "ParameterValue": "$user, public", "DataType": "string"}]}),
        )
    };
    let ssl = json!({"type": "param", "key": "require_ssl", "value": true});
    let function = |policy: &str| asset("lambda.function", json!({"FunctionName": "f", "Policy": policy}));
    let statement = r#"{"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "lambda:InvokeFunction"}]}"#;
    let event = json!({"type": "event-source", "key": "", "op": "contains", "value": "events.amazonaws.com"});
    let snapshot = || asset("ec2.snapshot", json!({"SnapshotId": "snap-1"}));
    let image = || {
        asset(
            "ec2.image",
            json!({"ImageId": "ami-1", "BlockDeviceMappings": [{"DeviceName": "/dev/x", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/y", "Ebs": {"SnapshotId": "snap-1"}}]}),
        )
    };
    let rows: Vec<(&str, Json, Vec<Asset>, &str)> = vec![
        ("vpc", servers(json!("10.0.0.9")), vec![vpc("dopt-1"), options(&["10.0.0.8", "10.0.0.9"])], "yes"),
        ("vpc", servers(json!(["10.0.0.9"])), vec![vpc("dopt-1"), options(&["10.0.0.8", "10.0.0.9"])], "no"),
        ("vpc", servers(json!("amazon")), vec![vpc("dopt-1"), options(&["10.0.0.8", "10.9.0.2"])], "yes"),
        (
            "vpc",
            json!({"type": "dhcp-options", "domain-name-servers": "amazon", "match-operator": "all"}),
            vec![vpc("dopt-1"), options(&["10.0.0.8", "10.9.0.2"])],
            "no",
        ),
        (
            "vpc",
            json!({"type": "dhcp-options", "domain-name-servers": "10.0.0.9", "present": false}),
            vec![vpc("default")],
            "yes",
        ),
        ("vpc", servers(json!("10.0.0.9")), vec![vpc("dopt-2"), options(&["10.0.0.9"])], "unknown"),
        ("cache-cluster", public.clone(), vec![cache(), group(), subnet(true)], "yes"),
        ("cache-cluster", public.clone(), vec![cache(), group(), subnet(false)], "no"),
        ("cache-cluster", public, vec![cache(), subnet(true)], "unknown"),
        ("redshift", ssl.clone(), vec![cluster(), parameters("true")], "yes"),
        ("redshift", ssl.clone(), vec![cluster(), parameters("false")], "no"),
        ("redshift", ssl, vec![cluster()], "unknown"),
        ("lambda", event.clone(), vec![function(statement)], "yes"),
        ("lambda", event.clone(), vec![function(r#"{"Statement": []}"#)], "no"),
        ("lambda", event, vec![asset("lambda.function", json!({"FunctionName": "f"}))], "unknown"),
        ("ebs-snapshot", json!("skip-ami-snapshots"), vec![snapshot(), image()], "no"),
        ("ebs-snapshot", json!("skip-ami-snapshots"), vec![snapshot()], "yes"),
        ("ebs-snapshot", json!({"type": "skip-ami-snapshots", "value": false}), vec![snapshot(), image()], "yes"),
    ];
    for (resource, filter, assets, wanted) in rows {
        let said = choose(resource, &filter, assets, None);
        assert_eq!(told(&said), wanted, "{resource} {filter}: {:?}", said.unknown);
    }
    let file = || vec![asset("efs.file_system", json!({"FileSystemId": "fs-1"}))];
    let moved = json!([{"TransitionToIA": "AFTER_7_DAYS"}, {"TransitionToArchive": "AFTER_90_DAYS"}]);
    let rows: Vec<(&str, Json, Vec<Asset>, Json, &str)> = vec![
        (
            "efs",
            json!({"type": "lifecycle-policy", "state": "present", "value": "AFTER_7_DAYS"}),
            file(),
            moved.clone(),
            "yes",
        ),
        ("efs", json!({"type": "lifecycle-policy", "state": "absent", "value": "AFTER_14_DAYS"}), file(), moved, "yes"),
        ("efs", json!({"type": "lifecycle-policy", "state": "present"}), file(), json!([]), "no"),
        ("vpc", json!({"type": "vpc-attributes", "dnshostnames": true}), vec![vpc("dopt-1")], json!(true), "yes"),
        (
            "vpc",
            json!({"type": "vpc-attributes", "dnshostnames": true, "dnssupport": true}),
            vec![vpc("d")],
            json!(false),
            "no",
        ),
        ("vpc", json!({"type": "vpc-attributes", "addressusage": false}), vec![vpc("d")], Json::Null, "unknown"),
    ];
    for (resource, filter, assets, answer, wanted) in rows {
        let said = choose(resource, &filter, assets.clone(), known(answer));
        assert_eq!(told(&said), wanted, "{resource} {filter}: {:?}", said.unknown);
        assert_eq!(told(&choose(resource, &filter, assets, None)), "unknown", "{resource} {filter} unasked");
    }
}
