//! The shipped facts: every file is read, every operation is built, misspellings are answered with the right name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yagura_aws::{Facts, FactsError};
use yagura_model::Type;

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

fn facts() -> Facts {
    let folder = content().join("aws");
    let exceptions = std::fs::read_to_string(content().join("permissions.yaml")).unwrap();
    Facts::new(move |service| std::fs::read(folder.join(format!("{service}.json"))).ok(), &exceptions).unwrap()
}

fn services() -> BTreeSet<String> {
    let files = std::fs::read_dir(content().join("aws")).unwrap();
    files.filter_map(|f| Some(f.unwrap().file_name().to_str().unwrap().strip_suffix(".json")?.to_owned())).collect()
}

#[test]
fn every_operation_of_every_service_is_built() {
    let facts = facts();
    let mut count = 0;
    for service in services() {
        for call in facts.read_calls(&service).unwrap() {
            let operation = facts.read_operation(&call).unwrap();
            assert_eq!(operation.call(), call);
            assert!(operation.permission().split_once(':').is_some_and(|(p, a)| !p.is_empty() && !a.is_empty()));
            assert!(matches!(operation.output(), Type::Struct(_)), "{call}");
            count += 1;
        }
    }
    assert!(count > 3000, "{count}");
}

#[test]
fn every_exception_names_an_operation_that_there_is() {
    let facts = facts();
    let text = std::fs::read_to_string(content().join("permissions.yaml")).unwrap();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let call = line.split(": ").next().unwrap();
        match call.strip_suffix(":*") {
            Some(service) => assert!(facts.read_calls(service).is_ok(), "{line}"),
            None => assert!(facts.read_operation(call).is_ok(), "{line}"),
        }
    }
}

#[test]
fn iam_actions_differ_where_aws_says_so() {
    let facts = facts();
    for (call, action) in [
        ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("s3control:GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("s3:ListBuckets", "s3:ListAllMyBuckets"),
        ("opensearch:DescribeDomains", "es:DescribeDomains"),
        ("elbv2:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("efs:DescribeFileSystems", "elasticfilesystem:DescribeFileSystems"),
        ("cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("stepfunctions:ListStateMachines", "states:ListStateMachines"),
        ("docdb:DescribeDBClusters", "rds:DescribeDBClusters"),
        ("apigateway:GetRestApis", "apigateway:GET"),
        ("iam:GetAccountSummary", "iam:GetAccountSummary"),
    ] {
        assert_eq!(facts.read_operation(call).unwrap().permission(), action, "{call}");
    }
}

#[test]
fn what_is_not_a_read_cannot_be_called() {
    let facts = facts();
    for call in [
        "s3:PutBucketPolicy",
        "ec2:TerminateInstances",
        "iam:CreateUser",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "s3:GetObject",
        "sts:GetSessionToken",
        "sts:AssumeRole",
        "lambda:Invoke",
        "kms:Decrypt",
    ] {
        assert!(facts.read_operation(call).is_err(), "{call}");
    }
    assert_eq!(
        facts.read_operation("s3:PutBucketPolicy").unwrap_err(),
        FactsError::NotARead("s3:PutBucketPolicy".to_owned())
    );
}

#[test]
fn errors_name_the_nearest_spelling() {
    let facts = facts();
    for (call, message) in [
        (
            "s3:GetBucketEncrpytion",
            "`s3` has no read operation `GetBucketEncrpytion`: did you mean `GetBucketEncryption`?",
        ),
        ("guarduty:ListDetectors", "unknown service `guarduty`: did you mean `guardduty`?"),
        ("../iam:ListUsers", "unknown service `../iam`: did you mean `iam`?"),
        ("nothing:AtAll", "unknown service `nothing`"),
        ("s3", "`s3` is not a call: write `service:Operation`, such as `s3:GetBucketEncryption`"),
    ] {
        let error = facts.read_operation(call).unwrap_err().to_string();
        assert!(
            error.starts_with(message) || call.starts_with("..") && error.starts_with("unknown service"),
            "{error}"
        );
    }
}

#[test]
fn inputs_and_outputs_are_typed() {
    let facts = facts();
    let operation = facts.read_operation("ec2:DescribeSnapshots").unwrap();
    let Type::Struct(output) = operation.output() else { panic!("a structure") };
    let Some(Type::List(snapshots)) = output.get("Snapshots") else { panic!("a list") };
    let Type::Struct(snapshot) = &**snapshots else { panic!("a structure") };
    assert_eq!(snapshot.get("Encrypted"), Some(&Type::Bool));
    assert_eq!(snapshot.get("StartTime"), Some(&Type::Timestamp));
    assert_eq!(snapshot.get("VolumeSize"), Some(&Type::Int));
    assert!(operation.pages());
    let describe = facts.read_operation("kms:DescribeKey").unwrap();
    let inputs = describe.input_members();
    assert!(inputs.iter().any(|m| m.name == "KeyId" && m.required && m.kind == Type::String));
    assert!(!describe.pages());
    for (call, global) in [
        ("iam:ListUsers", true),
        ("organizations:ListAccounts", true),
        ("ec2:DescribeVpcs", false),
        ("s3:ListBuckets", false),
    ] {
        assert_eq!(facts.read_operation(call).unwrap().is_global(), global, "{call}");
    }
}

#[test]
fn a_broken_file_is_named() {
    for (bytes, message) in [(&b"{"[..], "aws/kms.json: "), (b"\xff", "aws/kms.json: ")] {
        let facts = Facts::new(move |_| Some(bytes.to_vec()), "").unwrap();
        let error = facts.read_operation("kms:ListKeys").unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(Facts::new(|_| None, "nonsense").is_err());
}

#[test]
fn facts_are_built_from_many_threads_at_once() {
    let facts = facts();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for call in facts.read_calls("iam").unwrap() {
                    facts.read_operation(&call).unwrap();
                }
            });
        }
    });
}

#[test]
fn what_yagura_calls_by_itself_is_apart_from_what_remedies_name() {
    let (writes, own) = (content().join("writes"), content().join("own"));
    let read = |folder: PathBuf| move |service: &str| std::fs::read(folder.join(format!("{service}.json"))).ok();
    let facts = facts().with_writes(read(writes)).with_own(read(own));
    for call in [
        "sns:Publish",
        "events:PutEvents",
        "securityhub:BatchImportFindings",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "sqs:ReceiveMessage",
        "kms:Decrypt",
    ] {
        assert_eq!(facts.own_operation(call).unwrap().permission(), call);
        assert!(matches!(facts.write_operation(call), Err(FactsError::Write { .. })), "a remedy cannot name {call}");
        assert!(facts.read_operation(call).is_err(), "{call} is no read");
    }
    assert!(facts.write_operation("s3:PutPublicAccessBlock").is_ok());
    assert!(facts.own_operation("s3:PutPublicAccessBlock").is_err());
}
