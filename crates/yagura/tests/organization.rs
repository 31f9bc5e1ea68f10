//! `scan --org` over moto, which plays many accounts: 50 of them in 17 Regions, some that cannot be read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::moto::{Server, output, python};
use common::{Outcome, Run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use yagura_model::{Status, Verdict};
use yagura_testkit::{Endpoint, Fault};

const ACCOUNTS: usize = 50;

/// The verdicts of a run that ended well.
#[track_caller]
fn all(out: &Outcome) -> Vec<Verdict> {
    assert_eq!(out.code, 0, "{}", out.stderr);
    out.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_account_is_read_and_one_that_cannot_be_stops_nothing() {
    let python = python();
    let moto = Server::moto(&python);
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/organization.py");
    let told = output(Command::new(&python).arg(seed).arg(moto.url()).arg(ACCOUNTS.to_string()));
    let truth: Value = serde_json::from_str(&told).unwrap();
    let accounts: BTreeMap<&String, &Value> = truth["accounts"].as_object().unwrap().iter().collect();
    assert_eq!(accounts.len(), ACCOUNTS);
    let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
    let scan = |more: &[&str]| {
        let words = [
            "scan",
            "--org",
            "--check",
            "s3.bucket_blocks_public_access,ec2.ebs_encrypted_by_default",
            "--format",
            "jsonl",
        ];
        Run::new(&[&words, more].concat())
            .env("AWS_ENDPOINT_URL", &aws.url())
            .env("AWS_REGION", "us-east-1")
            .within(Duration::from_secs(300))
            .run()
    };

    // Everything, in every Region: a bucket's verdict in each account, and a verdict of EBS in each account and Region.
    let verdicts = all(&scan(&["--all-regions"]));
    let mut regions: BTreeMap<&str, usize> = BTreeMap::new();
    for v in &verdicts {
        let account = v.resource.account.as_str();
        match (v.rule.as_str(), accounts.get(&v.resource.account.to_string())) {
            ("s3.bucket_blocks_public_access", Some(a)) => {
                assert_eq!(v.resource.id, format!("org-{account}"));
                assert_eq!(v.status, if a["good"] == true { Status::Pass } else { Status::Fail }, "{account}");
            }
            ("ec2.ebs_encrypted_by_default", _) => {
                assert_eq!(v.status, Status::Fail);
                *regions.entry(account).or_default() += 1;
            }
            other => panic!("{other:?} {account}"),
        }
    }
    assert_eq!(regions.len(), ACCOUNTS + 1, "the management account is read with the caller's own credentials");
    assert!(regions.values().all(|n| *n >= 17), "{regions:?}");

    // Choices: an organizational unit with those below it, one account, a tag.
    let read = |more: &[&str]| -> BTreeSet<String> {
        all(&scan(more)).iter().map(|v| v.resource.account.to_string()).collect()
    };
    let production: BTreeSet<String> =
        accounts.iter().filter(|(_, a)| a["unit"] == "production").map(|(id, _)| (*id).clone()).collect();
    assert_eq!(read(&["--ou", truth["units"]["production"].as_str().unwrap()]), production);
    assert_eq!(read(&["--ou", truth["units"]["workloads"].as_str().unwrap()]).len(), ACCOUNTS, "units below count");
    let one = accounts.keys().next().unwrap().as_str();
    assert_eq!(read(&["--account", one]), BTreeSet::from([one.to_owned()]));
    assert_eq!(read(&["--account-tag", "stage=live"]).len(), ACCOUNTS / 2);
    let wrong = scan(&["--account", "000000000000"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);

    // No role in any account but the own one: each is Unknown and says why.
    aws.add(Fault::AccessDenied.on("sts:AssumeRole"));
    let verdicts = all(&scan(&[]));
    for account in accounts.keys() {
        let of: Vec<_> = verdicts.iter().filter(|v| v.resource.account == account.as_str()).collect();
        assert!(
            !of.is_empty() && of.iter().all(|v| v.status == Status::Unknown && v.reason.is_some()),
            "{account}: {of:?}"
        );
    }
    assert!(verdicts.iter().any(|v| v.resource.account == "123456789012" && v.status == Status::Fail));

    // Not allowed to list the accounts: nothing is read, and what to do is said.
    aws.add(Fault::AccessDenied.on("organizations:ListAccounts"));
    let denied = scan(&[]);
    assert_eq!(denied.code, 3, "{}", denied.stderr);
    assert!(denied.stderr.contains("organizations:ListAccounts") && denied.stderr.contains("delegated administrator"));
}

#[test]
fn the_setup_is_a_template_that_cloudformation_takes() {
    let python = python();
    let moto = Server::moto(&python);
    for format in ["template", "stackset", "terraform"] {
        let out = Run::new(&[
            "setup",
            "org",
            "--print",
            "--trust",
            "111122223333",
            "--external-id",
            "x-1",
            "--format",
            format,
        ])
        .run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        if format == "terraform" {
            assert!(
                out.stdout.contains("aws_cloudformation_stack_set_instance") && !out.stdout.contains("\"arn:${AWS"),
                "{}",
                out.stdout
            );
            continue;
        }
        let template: Value = serde_json::from_str(&out.stdout).unwrap();
        let resources = template["Resources"].as_object().unwrap();
        let statement = &resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], "x-1");
        let mut actions = BTreeSet::new();
        for (name, policy) in resources.iter().filter(|(name, _)| name.starts_with("Read")) {
            let document = &policy["Properties"]["PolicyDocument"];
            assert!(document.to_string().len() <= 6144, "{name}");
            actions.extend(
                document["Statement"][0]["Action"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()),
            );
        }
        let printed: Value = serde_json::from_str(&Run::new(&["permissions"]).run().stdout).unwrap();
        let wanted: BTreeSet<String> = printed["Statement"][0]["Action"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(actions, wanted, "exactly what the checks need");
        if format == "template" {
            let script = "import boto3, sys; c = boto3.client('cloudformation', region_name='us-east-1', endpoint_url=sys.argv[1], aws_access_key_id='t', aws_secret_access_key='t'); c.create_stack(StackName='y', TemplateBody=open(sys.argv[2]).read(), Capabilities=['CAPABILITY_NAMED_IAM']); i = boto3.client('iam', region_name='us-east-1', endpoint_url=sys.argv[1], aws_access_key_id='t', aws_secret_access_key='t'); print(len(i.list_attached_role_policies(RoleName='YaguraReadOnly')['AttachedPolicies']))";
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &out.stdout).unwrap();
            let attached = output(Command::new(&python).args(["-c", script, &moto.url()]).arg(file.path()));
            assert_eq!(attached.trim().parse::<usize>().unwrap(), resources.len() - 1);
        } else {
            let inner: Value =
                serde_json::from_str(resources["Accounts"]["Properties"]["TemplateBody"].as_str().unwrap()).unwrap();
            assert_eq!(inner["Resources"]["Role"], resources["Role"]);
            assert!(resources["Accounts"]["Properties"]["TemplateBody"].as_str().unwrap().len() < 51_200);
        }
    }
}

/// The baseline of an organization, before and after what moto keeps of it was set. What moto does not answer (AWS Config's and Security
/// Hub's principals, IAM Access Analyzer, automatic enablement) is Unknown, and none of it passes.
#[test]
fn a_landing_zone_is_judged_in_the_management_account() {
    let python = python();
    let moto = Server::moto(&python);
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/landing_zone.py");
    let judged = |stage: &str| -> BTreeMap<String, Status> {
        output(Command::new(&python).arg(&seed).arg(moto.url()).arg(stage));
        let out = Run::new(&["scan", "--framework", "landing-zone", "--all-regions", "--format", "jsonl"])
            .env("AWS_ENDPOINT_URL", &moto.url())
            .env("AWS_REGION", "us-east-1")
            .within(Duration::from_secs(120))
            .run();
        all(&out).into_iter().map(|v| (v.rule.to_string(), v.status)).collect()
    };
    let bare = judged("bare");
    let baseline = judged("baseline");
    let change = [
        "organizations.access_analyzer_administrator_delegated",
        "organizations.guardduty_administrator_delegated",
        "organizations.organization_trail_kept_in_log_archive",
        "organizations.organization_trail_logging",
        "organizations.service_control_policies_in_use",
    ];
    for rule in change {
        assert_eq!((bare.get(rule), baseline.get(rule)), (Some(&Status::Fail), Some(&Status::Pass)), "{rule}");
    }
    assert_eq!(bare["organizations.all_features_enabled"], Status::Pass);
    for rule in [
        "organizations.config_administrator_delegated",
        "organizations.security_hub_administrator_delegated",
        "config.organization_aggregator_covers_all_regions",
        "securityhub.organization_auto_enabled",
    ] {
        assert_eq!(baseline[rule], Status::Unknown, "{rule}");
    }
    // GuardDuty's administrator is known and Security Hub's is not: whether they are the same stays open.
    assert_eq!(bare["organizations.security_services_share_administrator"], Status::NotApplicable);
    assert_eq!(baseline["organizations.security_services_share_administrator"], Status::Unknown);
}
