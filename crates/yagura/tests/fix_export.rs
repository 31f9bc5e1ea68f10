//! Plans as files: the shell script carried out on moto and taken back, runbooks that moto takes, patches that read back as mended.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde_json::Value as Json;
use std::path::Path;
use std::process::{Command, Output};

/// What fails in an account that nobody has set up: with answers that later calls need, roles, groups, settings.
const RULES: &str = "config.recorder_records_all_resources,ec2.vpc_flow_logs_enabled,ec2.default_security_group_closed,\
    ec2.ebs_encrypted_by_default,guardduty.detector_enabled,iam.password_policy_strong,s3.account_blocks_public_access";

struct Account {
    moto: Server,
    folder: tempfile::TempDir,
}

impl Account {
    fn new() -> Self {
        let account = Self { moto: Server::moto(&python()), folder: tempfile::tempdir().unwrap() };
        let aws = account.path("aws");
        let stub = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/aws.py");
        std::fs::write(&aws, format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", python().display(), stub.display()))
            .unwrap();
        std::fs::set_permissions(&aws, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        account
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn fix(&self, more: &[&str]) -> Json {
        let given = ["fix", "--rule", RULES, "--region", "us-east-1", "--format", "json"];
        let out = Run::new(&given).args(more).env("AWS_ENDPOINT_URL", &self.moto.url()).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        serde_json::from_str(&out.stdout).unwrap()
    }

    fn sh(&self, script: &str, fail: &str) -> Output {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        Command::new("sh")
            .arg(self.path(script))
            .env("PATH", path)
            .env("AWS_ENDPOINT_URL", self.moto.url())
            .env("FAIL_ON", fail)
            .output()
            .unwrap()
    }
}

#[test]
fn the_script_mends_on_moto_and_its_undo_restores() {
    let account = Account::new();
    let before = account.fix(&[]);
    let exported = account.fix(&["--export", "cli", "--output", &account.path("fix.sh")]);
    assert_eq!(exported["left"], Json::Array(Vec::new()));
    assert_eq!(exported["files"], serde_json::json!([account.path("fix.sh"), account.path("fix-undo.sh")]));
    // A call in the middle is refused: what was done is taken back.
    let out = account.sh("fix.sh", "iam put-role-policy");
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stderr).contains("AccessDenied"));
    assert_ne!(account.fix(&[])["hash"], before["hash"], "something was done");
    let back = account.sh("fix-undo.sh", "");
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert_eq!(account.fix(&[]), before);
    // Whole, and whole back.
    let out = account.sh("fix.sh", "");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(account.fix(&[])["plans"], Json::Array(Vec::new()), "a rescan finds all of them mended");
    let back = account.sh("fix-undo.sh", "");
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert_eq!(account.fix(&[]), before);
    // A file that is there is not written over: its undo may still be needed.
    let words = ["fix", "--demo", "--export", "cli", "--output", &account.path("fix.sh")];
    let again = Run::new(&words).run();
    assert!(again.code == 2 && again.stderr.contains("fix.sh"), "{}", again.stderr);
    // Nor is one written where the other is there.
    for (there, other) in [("fix.sh", "fix-undo.sh"), ("fix-undo.sh", "fix.sh")] {
        std::fs::remove_file(account.path(other)).unwrap();
        let again = Run::new(&words).run();
        assert!(again.code == 2 && again.stderr.contains(there), "{}", again.stderr);
        assert!(!Path::new(&account.path(other)).exists());
        std::fs::write(account.path(other), "").unwrap();
    }
}

/// Reads every runbook by a YAML 1.1 parser, has moto take it, and prints its steps' services and operations where the SDK knows none.
const TAKE: &str = r#"
import boto3, botocore.session, glob, json, sys, yaml
url, folder = sys.argv[1:]
ssm = boto3.client("ssm", region_name="us-east-1", endpoint_url=url, aws_access_key_id="t", aws_secret_access_key="t")
known = botocore.session.get_session()
wrong, n = [], 0
for file in sorted(glob.glob(folder + "/book*.yaml")):
    text = open(file, encoding="utf-8").read()
    book = yaml.safe_load(text)
    n += 1
    answer = ssm.create_document(Name=f"book{n}", DocumentType="Automation", DocumentFormat="YAML", Content=text)
    if answer["DocumentDescription"]["SchemaVersion"] != "0.3": wrong.append(file)
    for step in book["mainSteps"]:
        inputs = dict(step["inputs"])
        model = known.get_service_model(inputs.pop("Service"))
        operation = model.operation_model(inputs.pop("Api"))
        for name in {"PropertySelector", "DesiredValues"} & set(inputs): inputs.pop(name)
        members = set(operation.input_shape.members) if operation.input_shape else set()
        if set(inputs) - members: wrong.append([file, step["name"], sorted(set(inputs) - members)])
    if len(text.encode()) > 65536: wrong.append([file, len(text)])
print(json.dumps({"wrong": wrong, "books": n}))
"#;

#[test]
fn runbooks_are_taken_by_moto_and_call_what_the_sdk_knows() {
    let moto = Server::moto(&python());
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("book.yaml");
    let out = Run::new(&["fix", "--demo", "--export", "ssm", "--format", "json"])
        .args(&["--output", name.to_str().unwrap()])
        .run();
    assert_eq!(out.code, 0, "{}", out.stderr);
    let exported: Json = serde_json::from_str(&out.stdout).unwrap();
    let words = ["-c", TAKE, &moto.url(), folder.path().to_str().unwrap()];
    let told: Json = serde_json::from_str(&output(Command::new(python()).args(words))).unwrap();
    assert_eq!(told["wrong"], Json::Array(Vec::new()));
    assert_eq!(told["books"].as_u64().unwrap(), exported["files"].as_array().unwrap().len() as u64);
    assert!(told["books"].as_u64().unwrap() >= 6, "{told}");
}

#[test]
fn patches_read_back_as_mended_and_name_what_they_lack() {
    let rules = "s3.bucket_blocks_public_access,s3.bucket_versioned,s3.bucket_requires_tls,ecr.repository_scans_images,\
        rds.db_instance_deletion_protected,rds.db_instance_multi_az,lambda.function_traced";
    let folder = tempfile::tempdir().unwrap();
    // Terraform sets a bucket's parts by resources of their own, which name the bucket: there is no bucket to judge in the patch.
    let parts = ["aws_s3_bucket_public_access_block", "aws_s3_bucket_versioning", "aws_s3_bucket_policy"];
    for (form, file, least, holds) in
        [("cloudformation", "patch.yaml", 16, &["AWS::S3::BucketPolicy"][..]), ("terraform", "patch.tf", 5, &parts)]
    {
        let path = folder.path().join(file);
        let name = path.to_str().unwrap();
        let words = ["fix", "--demo", "--export", form, "--output", name, "--format", "json", "--rule"];
        let out = Run::new(&words).args(&[&format!("{rules},ec2.ebs_encrypted_by_default")]).run();
        assert_eq!(out.code, 0, "{form}: {}", out.stderr);
        let exported: Json = serde_json::from_str(&out.stdout).unwrap();
        let left = exported["left"].as_array().unwrap();
        assert!(
            !left.is_empty() && left.iter().all(|l| l["rule"] == "ec2.ebs_encrypted_by_default"),
            "{form}: {left:?}"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(holds.iter().all(|of| text.contains(of)), "{form}: {text}");
        assert!(text.contains("# ! ec2:EnableEbsEncryptionByDefault"), "{form}");
        let scan = Run::new(&["scan", "--iac", name, "--check", rules, "--format", "jsonl"]).run();
        let verdicts: Vec<Json> = scan.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let passed = verdicts.iter().filter(|v| v["status"] == "pass").count();
        let mended = exported_plans(rules);
        assert!(
            verdicts.iter().all(|v| v["status"] != "fail" || !mended.contains(&pair(v))),
            "{form}: {}",
            scan.stdout
        );
        assert!(passed >= least, "{form}: {passed} pass: {}", scan.stdout);
    }
}

fn pair(verdict: &Json) -> (String, String) {
    (verdict["rule"].as_str().unwrap().to_owned(), verdict["resource"]["id"].as_str().unwrap().to_owned())
}

/// The checks and resources that plans of the sample estate mend.
fn exported_plans(rules: &str) -> Vec<(String, String)> {
    let out = Run::new(&["fix", "--demo", "--format", "json", "--rule", rules]).run();
    let preview: Json = serde_json::from_str(&out.stdout).unwrap();
    preview["plans"].as_array().unwrap().iter().map(pair).collect()
}
