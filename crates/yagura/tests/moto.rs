//! The real program against moto: an estate that AWS's own SDK built, read over the real wire protocols.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use yagura_model::{Severity, Status, Verdict};
use yagura_testkit::{Endpoint, Fault};

/// Ids by verdict, by check: what the script that seeds moto says is true.
type Truth = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[test]
fn a_seeded_account_is_judged_as_it_was_built() {
    let python = python();
    let moto = Server::moto(&python);
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/seed.py");
    let truth: Truth = serde_json::from_str(&output(Command::new(&python).arg(seed).arg(moto.url()))).unwrap();
    assert!(truth.len() >= 24, "{:?}", truth.keys());

    let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
    let verdicts = Run::scan(&aws.url()).run().done();
    for (check, expected) in &truth {
        for (word, status) in [
            ("pass", Status::Pass),
            ("fail", Status::Fail),
            ("not_applicable", Status::NotApplicable),
            ("unknown", Status::Unknown),
        ] {
            let found: BTreeSet<String> = verdicts
                .iter()
                .filter(|((rule, _), v)| rule == check && v.status == status)
                .map(|((_, (_, id, _)), _)| id.clone())
                .collect();
            assert_eq!(found, expected[word], "{check}: {word}");
        }
    }
    let told = |v: &&Verdict| truth.get(v.rule.as_str()).is_some_and(|t| t["unknown"].contains(v.resource.id.as_str()));
    let unknown: Vec<_> = verdicts
        .values()
        .filter(|v| v.status == Status::Unknown && !told(v))
        .map(|v| (&v.rule, &v.resource.id, &v.reason))
        .collect();
    assert_eq!(unknown, []);
    // An open way may be shut by what moto could not tell of.
    let doubted = verdicts.values().filter(|v| v.rule.starts_with("ec2.instance_") && v.status == Status::Unknown);
    let reasons: BTreeSet<_> = doubted.filter_map(|v| v.reason.as_deref()).collect();
    assert!(reasons.iter().all(|r| r.contains("DescribeVpcBlockPublicAccessOptions")), "{reasons:?}");
    // In both Regions a group lets everyone in; where no way leads there, that matters less.
    let severities: BTreeSet<(&str, Severity)> = verdicts
        .values()
        .filter(|v| v.rule == "ec2.security_group_admin_ports_closed" && v.status == Status::Fail)
        .map(|v| (v.resource.region.as_str(), v.severity))
        .collect();
    assert_eq!(severities, BTreeSet::from([("eu-west-1", Severity::High), ("us-east-1", Severity::Low)]));

    // A denial in moto's own answers is told as one of the canned estate's.
    aws.add(Fault::AccessDenied.on("s3:GetBucketEncryption"));
    let denied = Run::scan(&aws.url()).run().done();
    assert_eq!(common::changes(&verdicts, &denied).len(), 3);
    let lambda: u64 = aws.requests().iter().filter(|(call, _)| *call == "lambda:ListFunctions").map(|(_, n)| n).sum();
    assert!(lambda >= 4, "two Regions, twice");

    // What is public is told, and what could not be read is told as that.
    let public = || {
        let run = Run::new(&["iam", "public", "--region", "us-east-1,eu-west-1", "--lang", "en"]);
        run.env("AWS_ENDPOINT_URL", &aws.url()).run()
    };
    let whole = public();
    assert_eq!(whole.code, 1, "{}", whole.stderr);
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:eu-west-1:123456789012:{name}");
    for open in [arn("sqs", "open"), arn("sns", "open"), arn("ecr", "repository/open")] {
        assert!(whole.stdout.contains(&format!("{open}: public\n")), "{open}: {}", whole.stdout);
    }
    assert!(!whole.stdout.contains(":closed"), "{}", whole.stdout);
    aws.add(Fault::AccessDenied.on("sqs:GetQueueAttributes"));
    let blind = public().stdout;
    assert!(blind.contains(&format!("{}: unknown: its policy could not be read", arn("sqs", "open"))), "{blind}");
}
