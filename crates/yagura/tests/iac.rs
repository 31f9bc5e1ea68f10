//! Templates before deployment against the same templates deployed: what both can see, both say alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use yagura_model::{Status, Verdict};

fn verdicts(words: &[&str]) -> Vec<Verdict> {
    let run = Run::new(words).run();
    assert!([0, 1].contains(&run.code), "{}", run.stderr);
    run.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Checks on which moto answers otherwise than AWS: since April 2023 a new bucket has its ACLs disabled (Amazon S3 User Guide,
/// "Default settings for new S3 buckets"), and moto says nothing of it.
const MOTO_DIFFERS: [&str; 1] = ["s3.bucket_acls_disabled"];

#[test]
fn a_template_deployed_and_read_as_a_file_gets_the_same_verdicts() {
    let python = python();
    let moto = Server::moto(&python);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/iac");
    let (deploy, template) = (folder.join("deploy.py"), folder.join("flawed.yaml"));
    let physical: BTreeMap<String, String> =
        serde_json::from_str(&output(Command::new(&python).arg(deploy).arg(moto.url()).arg(&template))).unwrap();

    let live =
        Run::new(&["scan", "--region", "us-east-1", "--format", "jsonl"]).env("AWS_ENDPOINT_URL", &moto.url()).run();
    let mut deployed: BTreeMap<(String, String), Verdict> = BTreeMap::new();
    for line in live.stdout.lines() {
        let v: Verdict = serde_json::from_str(line).unwrap();
        deployed.insert((v.rule.to_string(), v.resource.id.to_string()), v);
    }
    let account = ["--parameter", "AWS::AccountId=123456789012", "--parameter", "AWS::Region=us-east-1"];
    let read = verdicts(&[&["scan", "--format", "jsonl", "--iac", template.to_str().unwrap()], &account[..]].concat());

    let (mut same, mut other, mut rules) = (0, Vec::new(), BTreeSet::new());
    for v in read.iter().filter(|v| v.status != Status::Unknown) {
        let id = v.resource.id.as_str();
        let place = v.place.as_ref().unwrap();
        assert!(place.file.ends_with("flawed.yaml") && place.line > 10, "{place:?}");
        let real = physical.get(id).map_or(id, |p| p.rsplit(['/', ':']).next().unwrap());
        let Some(there) = deployed.get(&(v.rule.to_string(), real.to_owned())) else {
            other.push(format!("{} {id}: not there once deployed ({real})", v.rule));
            continue;
        };
        // What the running account does not tell (moto lacks some calls) cannot be compared.
        if there.status == Status::Unknown || MOTO_DIFFERS.contains(&v.rule.as_str()) {
            continue;
        }
        rules.insert(v.rule.clone());
        match v.status == there.status {
            true => same += 1,
            false => other.push(format!("{} {id}: {:?} in the file, {:?} deployed", v.rule, v.status, there.status)),
        }
    }
    assert_eq!(other, Vec::<String>::new());
    assert!(same >= 60 && rules.len() >= 45, "{same} verdicts of {} checks", rules.len());
    let failed = read.iter().filter(|v| v.status == Status::Fail).count();
    assert!(failed >= 25, "{failed}");
    assert!(!read.iter().any(|v| v.resource.id == "never-there"), "its condition does not hold");
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn judged(files: &[(&str, &[u8])], more: &[&str]) -> common::Outcome {
    let folder = folder(files);
    let path = folder.path().to_str().unwrap();
    Run::new(&[&["scan", "--lang", "en", "--format", "json", "--iac", path], more].concat()).run()
}

fn statuses(files: &[(&str, &[u8])], more: &[&str], rule: &str) -> BTreeMap<String, String> {
    let run = judged(files, more);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stderr));
    let of_rule = report["verdicts"].as_array().unwrap().iter().filter(|v| v["rule"] == rule);
    of_rule
        .map(|v| (v["resource"]["id"].as_str().unwrap().to_owned(), v["status"].as_str().unwrap().to_owned()))
        .collect()
}

fn expect(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

const PORTS: &str = "ec2.security_group_admin_ports_closed";

#[test]
fn a_configuration_and_its_plan_get_the_same_verdicts() {
    let hcl: &[u8] = br#"
variable "from" { default = "0.0.0.0/0" }
variable "hidden" {}
locals { ports = { ssh = 22, web = 443 } }
resource "aws_security_group" "each" {
  for_each = local.ports
  name     = "each-${each.key}"
  ingress {
    from_port   = each.value
    to_port     = each.value
    protocol    = "tcp"
    cidr_blocks = [var.from]
  }
}
resource "aws_security_group" "dynamic" {
  dynamic "ingress" {
    for_each = [for p in values(local.ports) : p if p < 100]
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = [var.hidden]
    }
  }
}
resource "aws_security_group" "apart" {}
resource "aws_vpc_security_group_ingress_rule" "everything" {
  security_group_id = aws_security_group.apart.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
resource "aws_security_group" "all" {
  ingress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
module "inner" {
  source = "./inner"
  cidr   = "10.0.0.0/8"
}
"#;
    let inner: &[u8] = br#"
variable "cidr" {}
resource "aws_security_group" "in" {
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = [var.cidr]
  }
}
"#;
    let found = statuses(&[("main.tf", hcl), ("inner/main.tf", inner)], &[], PORTS);
    let wanted = expect(&[
        ("aws_security_group.each[\"ssh\"]", "fail"),
        ("aws_security_group.each[\"web\"]", "pass"),
        ("aws_security_group.dynamic", "unknown"),
        ("aws_security_group.apart", "fail"),
        ("aws_security_group.all", "fail"),
        ("module.inner.aws_security_group.in", "pass"),
    ]);
    assert_eq!(found, wanted);
    let given = statuses(&[("main.tf", hcl), ("inner/main.tf", inner)], &["--var", "hidden=0.0.0.0/0"], PORTS);
    assert_eq!(given["aws_security_group.dynamic"], "fail");

    let plan: &[u8] = br#"{
  "format_version": "1.2",
  "planned_values": {"root_module": {"resources": [
    {"address": "aws_security_group.apart", "mode": "managed", "type": "aws_security_group", "name": "apart",
     "values": {"name": "apart", "ingress": []}},
    {"address": "aws_security_group.hidden", "mode": "managed", "type": "aws_security_group", "name": "hidden",
     "values": {"name": "hidden"}},
    {"address": "aws_vpc_security_group_ingress_rule.r", "mode": "managed", "type": "aws_vpc_security_group_ingress_rule", "name": "r",
     "values": {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0"}}
  ]}},
  "resource_changes": [
    {"address": "aws_security_group.apart", "change": {"after_unknown": {"id": true, "arn": true, "ingress": []}}},
    {"address": "aws_security_group.hidden", "change": {"after_unknown": {"id": true, "ingress": true}}},
    {"address": "aws_vpc_security_group_ingress_rule.r", "change": {"after_unknown": {"security_group_id": true}}}
  ],
  "configuration": {"root_module": {"resources": [
    {"type": "aws_vpc_security_group_ingress_rule", "name": "r",
     "expressions": {"security_group_id": {"references": ["aws_security_group.apart.id", "aws_security_group.apart"]}}}
  ]}}
}"#;
    let found = statuses(&[("plan.json", plan)], &[], PORTS);
    assert_eq!(found, expect(&[("aws_security_group.apart", "fail"), ("aws_security_group.hidden", "unknown")]));
}

#[test]
fn what_only_a_deployment_tells_is_unknown_with_its_expression() {
    let template: &[u8] = br#"
Parameters: {Cidr: {Type: String}, Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}}
Conditions: {Maybe: !Equals [!Ref Cidr, x]}
Resources:
  ByParameter:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: a, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Cidr}]}
  ByImport:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: a, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !ImportValue net}]}
  ByCondition:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: a, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !If [Maybe, 0.0.0.0/0, 10.0.0.0/8]}]}
  EitherWay:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: a, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !If [Maybe, 0.0.0.0/0, 0.0.0.0/0]}]}
  Shut:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: !Ref Secret, SecurityGroupIngress: []}
"#;
    let wanted = [
        ("ByParameter", "unknown"),
        ("ByImport", "unknown"),
        ("ByCondition", "unknown"),
        ("EitherWay", "fail"),
        ("Shut", "pass"),
    ];
    assert_eq!(statuses(&[("t.yaml", template)], &[], PORTS), expect(&wanted));
    let run = judged(&[("t.yaml", template)], &[]);
    for why in ["known after deployment: Ref Cidr", "Fn::ImportValue net", "Fn::If Maybe"] {
        assert!(run.stdout.contains(why), "{why}");
    }
    let given = statuses(&[("t.yaml", template)], &["--parameter", "Cidr=x"], PORTS);
    assert_eq!(given["ByCondition"], "fail");
}

/// Asserts that each line of `wanted` (rule, id, status) is a verdict on the file.
fn decided(name: &str, text: &[u8], wanted: &str) {
    let run = judged(&[(name, text)], &[]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stderr));
    let found: BTreeSet<String> = report["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            format!(
                "{} {} {}",
                v["rule"].as_str().unwrap(),
                v["resource"]["id"].as_str().unwrap(),
                v["status"].as_str().unwrap()
            )
        })
        .collect();
    let missing: Vec<&str> = wanted.lines().map(str::trim).filter(|l| !l.is_empty() && !found.contains(*l)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "{found:#?}");
}

#[test]
fn what_aws_answers_in_another_form_is_read_from_templates_too() {
    let template: &[u8] = br##"
Resources:
  classic:
    Type: AWS::ElasticLoadBalancing::LoadBalancer
    Properties:
      LoadBalancerName: classic
      CrossZone: true
      Listeners: [{Protocol: https, LoadBalancerPort: 443, InstancePort: 80, PolicyNames: [strict], SSLCertificateId: "arn:aws:acm:us-east-1:111122223333:certificate/c"}]
      Policies: [{PolicyName: strict, PolicyType: SSLNegotiationPolicyType, Attributes: [{Name: Reference-Security-Policy, Value: ELBSecurityPolicy-TLS-1-2-2017-01}]}]
  plain:
    Type: AWS::ElasticLoadBalancing::LoadBalancer
    Properties: {LoadBalancerName: plain, Listeners: [{Protocol: HTTPS, LoadBalancerPort: 443, InstancePort: 80}]}
  balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Name: balancer, LoadBalancerAttributes: [{Key: deletion_protection.enabled, Value: true}]}
  guarded:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Name: guarded, LoadBalancerAttributes: [{Key: routing.http.desync_mitigation_mode, Value: monitor}]}
  site:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Logging: {Bucket: logs.s3.amazonaws.com}
        DefaultCacheBehavior: {TargetOriginId: o, ViewerProtocolPolicy: https-only, AllowedMethods: [GET, HEAD]}
        CacheBehaviors: [{PathPattern: /old, TargetOriginId: o, ViewerProtocolPolicy: allow-all}]
        ViewerCertificate: {CloudFrontDefaultCertificate: true, MinimumProtocolVersion: TLSv1.2_2021}
  stage:
    Type: AWS::ApiGateway::Stage
    Properties: {StageName: live, RestApiId: abc, MethodSettings: [{ResourcePath: "/*", HttpMethod: "*", LoggingLevel: ERROR}]}
  quiet: {Type: AWS::ApiGateway::Stage, Properties: {StageName: quiet, RestApiId: abc}}
  task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: task, NetworkMode: awsvpc, ContainerDefinitions: [{Name: a, Image: b, Privileged: true, ReadonlyRootFilesystem: true}]}
  cluster:
    Type: AWS::EKS::Cluster
    Properties: {Name: cluster, ResourcesVpcConfig: {SubnetIds: [subnet-1]}, Logging: {ClusterLogging: {EnabledTypes: [{Type: api}, {Type: audit}]}}}
  fleet:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties: {AutoScalingGroupName: fleet, TargetGroupARNs: ["arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/t/1"]}
"##;
    decided(
        "t.yaml",
        template,
        "elb.load_balancer_recent_tls classic pass
        elb.load_balancer_listeners_encrypted classic pass
        elb.load_balancer_certificate_from_acm classic pass
        elb.load_balancer_balances_across_zones classic pass
        elb.load_balancer_access_logged classic fail
        elb.load_balancer_recent_tls plain fail
        elb.load_balancer_balances_across_zones plain fail
        elbv2.load_balancer_deletion_protected balancer pass
        elbv2.load_balancer_drops_invalid_headers balancer fail
        elbv2.load_balancer_desync_mitigation balancer pass
        elbv2.load_balancer_desync_mitigation guarded fail
        elbv2.load_balancer_deletion_protected guarded fail
        cloudfront.distribution_access_logged site pass
        cloudfront.distribution_requires_https site fail
        cloudfront.distribution_recent_tls site fail
        cloudfront.distribution_has_default_root_object site fail
        apigateway.stage_execution_logged live pass
        apigateway.stage_execution_logged quiet fail
        apigateway.stage_cache_encrypted quiet not_applicable
        ecs.task_definition_not_privileged task fail
        ecs.task_definition_root_filesystem_read_only task pass
        ecs.task_definition_own_network_namespace task pass
        eks.cluster_endpoint_not_public cluster fail
        eks.cluster_audit_logged cluster pass
        eks.cluster_secrets_encrypted cluster fail
        autoscaling.group_uses_elb_health fleet fail",
    );
    let hcl: &[u8] = br#"
resource "aws_ecs_task_definition" "t" {
  family                = "task"
  container_definitions = jsonencode([{ name = "a", image = "b", privileged = true }])
}
resource "aws_lb" "l" {
  name                       = "balancer"
  enable_deletion_protection = true
}
resource "aws_cloudfront_distribution" "d" {
  default_cache_behavior { viewer_protocol_policy = "https-only" }
  ordered_cache_behavior { viewer_protocol_policy = "allow-all" }
}
"#;
    decided(
        "main.tf",
        hcl,
        "ecs.task_definition_not_privileged task fail
        elbv2.load_balancer_deletion_protected balancer pass
        elbv2.load_balancer_desync_mitigation balancer pass
        cloudfront.distribution_requires_https aws_cloudfront_distribution.d fail",
    );
}

#[test]
fn what_a_template_leaves_open_hides_no_more_than_itself() {
    let template: &[u8] = br#"
Parameters: {Subnet: {Type: String}, Image: {Type: String}, Range: {Type: String}, Queue: {Type: String}, Engine: {Type: String}, Value: {Type: String}}
Conditions: {Asked: !Equals [!Ref Value, "yes"]}
Resources:
  Cluster: {Type: AWS::EKS::Cluster, Properties: {Name: c, ResourcesVpcConfig: {SubnetIds: [!Ref Subnet], EndpointPublicAccess: false}}}
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {Family: t, ContainerDefinitions: [{Name: a, Image: !Ref Image, Privileged: true}, !If [Asked, {Name: b, Image: b}, !Ref "AWS::NoValue"]]}}
  Open: {Type: AWS::EC2::SecurityGroup, Properties: {GroupName: open, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Range}, {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}]}}
  Hidden: {Type: AWS::EC2::SecurityGroup, Properties: {GroupName: hidden, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Range}, {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]}}
  Other: {Type: AWS::EC2::SecurityGroup, Properties: {GroupName: other, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: !Ref Range}]}}
  Maybe: {Type: AWS::Lambda::Function, Properties: {FunctionName: maybe, Code: {ZipFile: x}, Role: r, DeadLetterConfig: {TargetArn: !Ref Queue}}}
  Pair: {Type: AWS::Lambda::Function, Properties: {FunctionName: pair, Code: {ZipFile: x}, Role: r, VpcConfig: {SubnetIds: [!Ref Subnet, !Ref Image]}}}
  Zones: {Type: AWS::Lambda::Function, Properties: {FunctionName: zones, Code: {ZipFile: x}, Role: r, VpcConfig: {SubnetIds: [subnet-1, !If [Asked, subnet-2, !Ref "AWS::NoValue"]]}}}
"#;
    let of = |rule: &str| statuses(&[("t.yaml", template)], &["--check", rule], rule);
    assert_eq!(of("eks.cluster_endpoint_not_public"), expect(&[("c", "pass")]));
    assert_eq!(of("ecs.task_definition_not_privileged"), expect(&[("t", "fail")]));
    // The second container may be there, and writes to its file system then; the first one does in any case.
    assert_eq!(of("ecs.task_definition_root_filesystem_read_only"), expect(&[("t", "fail")]));
    assert_eq!(
        of("ec2.security_group_admin_ports_closed"),
        expect(&[("Hidden", "unknown"), ("Open", "fail"), ("Other", "pass")])
    );
    // What is open as a whole stays so, for policies and networks too.
    assert_eq!(
        of("lambda.function_has_dead_letter_queue"),
        expect(&[("maybe", "unknown"), ("pair", "fail"), ("zones", "fail")])
    );
    // A reference is one item, whatever it is; a condition may leave none.
    assert_eq!(of("lambda.function_in_vpc"), expect(&[("maybe", "fail"), ("pair", "pass"), ("zones", "unknown")]));
    let run = judged(&[("t.yaml", template)], &["--check", "lambda.function_in_vpc"]);
    assert!(run.stdout.contains("unknown (Fn::If Asked)"), "the evidence says which part is open: {}", run.stdout);
}

#[test]
fn nested_stacks_loops_and_sam_are_worked_out() {
    let outer: &[u8] = br#"
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Globals: {Function: {Runtime: python3.7}}
Resources:
  Inner: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./inner.yaml, Parameters: {Cidr: 0.0.0.0/0}}}
  Old: {Type: AWS::Serverless::Function, Properties: {Handler: a.b}}
  'Fn::ForEach::Groups':
    - Name
    - [One, Two]
    - 'Group${Name}':
        Type: AWS::EC2::SecurityGroup
        Properties: {GroupDescription: !Ref Name, SecurityGroupIngress: []}
"#;
    let inner: &[u8] = br#"{
  "Parameters": {"Cidr": {"Type": "String"}},
  "Resources": {
    "Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x",
      "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": {"Ref": "Cidr"}}]}}
  }
}"#;
    let files: [(&str, &[u8]); 2] = [("outer.yaml", outer), ("inner.yaml", inner)];
    let wanted = expect(&[("Inner/Sg", "fail"), ("GroupOne", "pass"), ("GroupTwo", "pass")]);
    assert_eq!(statuses(&files, &[], PORTS), wanted);
    assert_eq!(statuses(&files, &[], "lambda.function_runtime_supported"), expect(&[("Old", "fail")]));
}

#[test]
fn hostile_files_are_told_of_and_stop_nothing() {
    let good: &[u8] = b"Resources: {B: {Type: AWS::S3::Bucket}}";
    let deep = format!("Resources: {}{}", "[".repeat(5000), "]".repeat(5000));
    let deep_tf = format!("locals {{ x = {}1{} }}", "[".repeat(50_000), "]".repeat(50_000));
    let mut bomb = String::from("Resources:\n  AWS::X: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        bomb.push_str(&format!("  A{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
    }
    let cycle: &[u8] = br#"
Conditions: {A: !Condition B, B: !Condition A}
Resources:
  X: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Y}}
  Y: {Type: AWS::S3::Bucket, Condition: A, Properties: {BucketName: !Sub "${X}-${Y}", Tags: !GetAtt Y.Tags}}
"#;
    let mut chain = String::from("locals {\n  l0 = \"x\"\n");
    for n in 1..5000 {
        chain.push_str(&format!("  l{n} = \"${{local.l{}}}\"\n", n - 1));
    }
    chain.push_str("}\nresource \"aws_s3_bucket\" \"c\" { bucket = local.l4999 }\n");
    let mut double = String::from("locals {\n  d0 = [\"x\"]\n");
    for n in 1..60 {
        double.push_str(&format!("  d{n} = concat(local.d{0}, local.d{0})\n", n - 1));
    }
    double.push_str("}\nresource \"aws_sqs_queue\" \"d\" { tags = { n = length(local.d59) } }\n");
    let circle: &[u8] = br#"
locals {
  a = local.b
  b = local.a
}
resource "aws_s3_bucket" "m" { bucket = aws_s3_bucket.n.bucket }
resource "aws_s3_bucket" "n" { bucket = aws_s3_bucket.m.bucket }
module "self" { source = "./" }
"#;
    let files: [(&str, &[u8]); 11] = [
        ("good.yaml", good),
        ("deep.yaml", deep.as_bytes()),
        ("bomb.yaml", bomb.as_bytes()),
        ("cycle.yaml", cycle),
        ("latin.yaml", b"Resources:\n  B: {Type: AWS::S3::Bucket, Name: \xe9}"),
        ("broken.yaml", b"Resources: {B: {Type: AWS::S3::Bucket"),
        ("deep/main.tf", deep_tf.as_bytes()),
        ("chain/main.tf", chain.as_bytes()),
        ("double/main.tf", double.as_bytes()),
        ("circle/main.tf", circle),
        ("broken/main.tf", b"resource \"aws_s3_bucket\" {{{"),
    ];
    let run = judged(&files, &["--check", "s3.bucket_blocks_public_access,sqs.queue_tagged"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let notes = report["meta"]["notes"].to_string();
    for name in ["bomb.yaml", "latin.yaml", "broken.yaml", "deep/main.tf", "broken/main.tf"] {
        assert!(notes.contains(name), "{name}: {notes}");
    }
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for v in report["verdicts"].as_array().unwrap() {
        let file = v["place"]["file"].as_str().unwrap().rsplit_once("/.tmp").unwrap().1;
        *places.entry(file.split_once('/').unwrap().1.to_owned()).or_default() += 1;
    }
    // Modules that call themselves are taken in as deep as modules may be nested.
    for (file, least) in
        [("good.yaml", 1), ("cycle.yaml", 2), ("chain/main.tf", 1), ("double/main.tf", 1), ("circle/main.tf", 2)]
    {
        assert!(places.get(file).is_some_and(|n| *n >= least), "{file}: {places:?}");
    }

    for (path, code) in [("/nowhere/at/all.yaml", 2), ("/dev/null", 2)] {
        let run = Run::new(&["scan", "--iac", path]).run();
        assert!(run.code == code || run.code == 0, "{path}: {}", run.code);
    }
}

#[test]
fn what_a_template_leaves_to_aws_is_judged_where_aws_documents_it() {
    let cloudformation: &[u8] = br#"
Parameters: {Key: {Type: String}, Primary: {Type: String}}
Resources:
  Warehouse: {Type: AWS::Redshift::Cluster, Properties: {ClusterType: single-node, DBName: uriage, MasterUsername: kanri, NodeType: ra3.large}}
  Plain: {Type: AWS::Kinesis::Stream}
  Sealed: {Type: AWS::Kinesis::Stream, Properties: {StreamEncryption: {EncryptionType: KMS, KeyId: !Ref Key}}}
  Kept: {Type: AWS::S3::Bucket, Properties: {ObjectLockEnabled: true}}
  Loose: {Type: AWS::S3::Bucket, Properties: {ObjectLockEnabled: false}}
  Inside: {Type: AWS::Lambda::Function, Properties: {Code: {ZipFile: x}, Role: r, VpcConfig: {SubnetIds: [subnet-1], SecurityGroupIds: [sg-1]}}}
  Outside: {Type: AWS::Lambda::Function, Properties: {Code: {ZipFile: x}, Role: r}}
  Old: {Type: AWS::Elasticsearch::Domain, Properties: {ElasticsearchClusterConfig: {InstanceCount: 3, ZoneAwarenessEnabled: true}}}
  New: {Type: AWS::OpenSearchService::Domain, Properties: {VPCOptions: {SubnetIds: [subnet-1]}}}
  Replica: {Type: AWS::RDS::DBInstance, Properties: {SourceDBInstanceIdentifier: !Ref Primary, DBInstanceClass: db.t4g.small}}
"#;
    let of = |rule: &str| statuses(&[("t.yaml", cloudformation)], &["--check", rule], rule);
    let one = |rule: &str| of(rule).into_values().collect::<Vec<_>>();
    assert_eq!(one("redshift.cluster_encrypted"), ["pass"]);
    assert_eq!(one("redshift.cluster_enhanced_vpc_routing"), ["fail"]);
    assert_eq!(of("kinesis.stream_encrypted"), expect(&[("Plain", "fail"), ("Sealed", "pass")]));
    assert_eq!(of("s3.bucket_object_lock"), expect(&[("Kept", "pass"), ("Loose", "fail")]));
    assert_eq!(of("lambda.function_in_vpc"), expect(&[("Inside", "pass"), ("Outside", "fail")]));
    assert_eq!(of("opensearch.domain_has_three_data_nodes"), expect(&[("New", "fail"), ("Old", "pass")]));
    assert_eq!(of("opensearch.domain_in_vpc"), expect(&[("New", "pass"), ("Old", "fail")]));
    // Its engine is the primary's.
    assert_eq!(one("rds.db_instance_multi_az"), ["fail"]);
    assert_eq!(one("rds.db_instance_upgrades_minor_versions"), ["pass"]);

    let terraform: &[u8] = br#"
resource "aws_redshift_cluster" "warehouse" { cluster_identifier = "warehouse" }
resource "aws_opensearch_domain" "search" {
  domain_name = "search"
  log_publishing_options {
    log_type                 = "AUDIT_LOGS"
    cloudwatch_log_group_arn = "arn:aws:logs:eu-west-1:111122223333:log-group:search"
  }
}
resource "aws_s3_bucket" "kept" { bucket = "kept" }
resource "aws_s3_bucket_object_lock_configuration" "kept" {
  bucket = aws_s3_bucket.kept.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 30
    }
  }
}
"#;
    let of =
        |rule: &str| statuses(&[("main.tf", terraform)], &["--check", rule], rule).into_values().collect::<Vec<_>>();
    // The provider's own default turned round with its version.
    assert_eq!(of("redshift.cluster_not_publicly_accessible"), ["unknown"]);
    assert_eq!(of("opensearch.domain_audit_log_published"), ["unknown"]);
    assert_eq!(of("s3.bucket_object_lock"), ["pass"]);
}

#[test]
fn sarif_points_at_the_line_and_what_is_no_kind_is_counted() {
    let template: &[u8] = b"Resources:\n  A:\n    Type: Custom::Thing\n  B:\n    Type: AWS::SQS::Queue\n";
    let folder = folder(&[("t.yaml", template)]);
    let path = folder.path().join("t.yaml");
    let run =
        Run::new(&["scan", "--format", "sarif", "--check", "sqs.queue_tagged", "--iac", path.to_str().unwrap()]).run();
    let sarif: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 4);
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("t.yaml"));
    let told = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("Custom::Thing (1)"), "{told}");
}

#[test]
fn drift_is_told_by_field_and_only_where_the_template_decides() {
    let python = python();
    let moto = Server::moto(&python);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/iac");
    let (deploy, template) = (tests.join("deploy.py"), tests.join("flawed.yaml"));
    output(Command::new(&python).arg(deploy).arg(moto.url()).arg(&template));
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("live.ysnap");
    let save = ["scan", "--region", "us-east-1", "--save", snapshot.to_str().unwrap(), "--format", "jsonl"];
    assert_eq!(Run::new(&save).env("AWS_ENDPOINT_URL", &moto.url()).run().code, 0);

    let fields = |text: &str| -> Vec<(String, String)> {
        let changed = folder.path().join("changed.yaml");
        std::fs::write(&changed, text).unwrap();
        let run = Run::new(&[
            "scan",
            "--iac",
            changed.to_str().unwrap(),
            "--diff",
            snapshot.to_str().unwrap(),
            "--format",
            "json",
            "--parameter",
            "AWS::AccountId=123456789012",
        ])
        .run();
        let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let told =
            found["drift"].as_array().unwrap().iter().filter(|d| d["drift"] == "field" || d["drift"] == "not_deployed");
        told.map(|d| (d["id"].as_str().unwrap().to_owned(), d["field"].as_str().unwrap_or("-").to_owned())).collect()
    };
    let text = std::fs::read_to_string(&template).unwrap();
    // What moto leaves out of its answers, or does not deploy.
    let of_moto = ["PolicyName", "AttachedManagedPolicies"];
    let before = fields(&text);
    assert!(before.iter().all(|(_, field)| of_moto.contains(&field.as_str())), "{before:?}");
    let changed = text
        .replace("RetentionInDays: 7", "RetentionInDays: 30")
        .replace("QueueName: flawed-shut", "QueueName: flawed-new");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let mut after = fields(&changed);
    after.retain(|found| !before.contains(found));
    assert_eq!(after, [pair("flawed-logs", "retentionInDays"), pair("flawed-new", "-")]);
}
