//! The questions of `yagura iam` about accounts, and the batch evaluation, run as a person or a pipeline runs them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{Outcome, Run};
use serde_json::{Value, json};
use std::path::Path;

fn ask(words: &[&str]) -> Outcome {
    Run::new(&[&["iam"], words].concat()).run()
}

fn parsed(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

const PAYMENTS: &str = "arn:aws:s3:::hinode-shop-payments/bills/1.pdf";

#[test]
fn can_says_yes_no_and_under_which_conditions() {
    let yes = ask(&["can", "--demo", "deploy-ci", "ec2:StartInstances"]);
    assert_eq!(yes.code, 0, "{}", yes.stderr);
    assert!(yes.stdout.starts_with("allowed: arn:aws:iam::111122223333:user/deploy-ci"), "{}", yes.stdout);
    assert!(yes.stdout.contains("JustMakeItWork"), "{}", yes.stdout);
    let no = ask(&["can", "--demo", "suzuki", "ec2:StartInstances", "--lang", "ja"]);
    assert_eq!(no.code, 1);
    assert!(no.stdout.starts_with("暗黙的な拒否"), "{}", no.stdout);
    let depends = ask(&["can", "--demo", "suzuki", "s3:GetObject", PAYMENTS]);
    assert_eq!(depends.code, 0);
    assert!(depends.stdout.contains("aws:MultiFactorAuthPresent"), "{}", depends.stdout);
    let without =
        ["can", "--demo", "suzuki", "s3:GetObject", PAYMENTS, "--context", "aws:MultiFactorAuthPresent=false"];
    assert_eq!(ask(&without).code, 1);
    let json = parsed(&ask(&["can", "--demo", "deploy-ci", "ec2:StartInstances", "--format", "json"]));
    assert_eq!((&json["decision"], &json["certain"]), (&json!("allowed"), &json!(true)));
    assert!(json["not_considered"][0].as_str().unwrap().contains("SCPs"));
}

#[test]
fn a_policy_that_was_not_given_is_no_denial() {
    let folder = tempfile::tempdir().unwrap();
    let details = json!({"UserDetailList": [{
        "UserName": "ann", "Arn": "arn:aws:iam::111122223333:user/ann",
        "AttachedManagedPolicies": [{"PolicyName": "P", "PolicyArn": "arn:aws:iam::aws:policy/SomethingNew"}],
    }]});
    let path = write(folder.path(), "details.json", &details.to_string());
    let asked = ask(&["can", "ann", "s3:GetObject", "--authorization-details", &path]);
    assert!(asked.stdout.starts_with("unknown:"), "{}", asked.stdout);
    assert!(asked.stdout.contains("arn:aws:iam::aws:policy/SomethingNew was not given"), "{}", asked.stdout);
    let who = parsed(&ask(&["who-can", "s3:GetObject", "--authorization-details", &path, "--format", "json"]));
    assert_eq!((who["allowed"].as_array().unwrap().len(), who["unknown"].as_array().unwrap().len()), (0, 1));
}

#[test]
fn guardrails_and_resource_policies_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let all = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let no_s3 = json!({"Version": "2012-10-17", "Statement": {"Sid": "NoS3", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}});
    let root = write(folder.path(), "root.json", &all.to_string());
    let unit = write(folder.path(), "unit.json", &json!([all, no_s3]).to_string());
    let denied = ask(&["can", "--demo", "deploy-ci", "s3:GetObject", PAYMENTS, "--scp", &root, "--scp", &unit]);
    assert_eq!(denied.code, 1, "{}", denied.stderr);
    assert!(denied.stdout.contains("NoS3"), "{}", denied.stdout);
    let bad = write(folder.path(), "bad.json", "{\n \"Statement\": [{\"Effect\": \"Alow\"}]}");
    let broken = ask(&["can", "--demo", "deploy-ci", "s3:GetObject", "--scp", &bad]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("bad.json:2:"), "{}", broken.stderr);
}

#[test]
fn who_can_names_principals_and_outsiders() {
    let who = ask(&["who-can", "--demo", "s3:GetObject", "arn:aws:s3:::hinode-campaign-2024/x"]);
    assert_eq!(who.code, 0, "{}", who.stderr);
    assert!(who.stdout.contains("user/deploy-ci  allowed"), "{}", who.stdout);
    assert!(who.stdout.contains("also lets in:\n  *"), "{}", who.stdout);
    let typo = ask(&["who-can", "--demo", "s3:GetObjct"]);
    assert_eq!(typo.code, 2);
    assert!(typo.stderr.contains("s3:GetObject"), "{}", typo.stderr);
}

#[test]
fn what_can_lists_services() {
    let what = parsed(&ask(&["what-can", "--demo", "suzuki", "--format", "json"]));
    let services: Vec<&str> =
        what["services"].as_array().unwrap().iter().map(|s| s["service"].as_str().unwrap()).collect();
    assert_eq!(services, ["iam", "lambda", "logs", "s3"]);
    let s3 = what["services"][3]["actions"].as_array().unwrap();
    assert_eq!((&s3[0]["action"], &s3[0]["conditional"]), (&json!("s3:GetObject"), &json!(true)));
}

#[test]
fn a_snapshot_without_principals_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("s.ysnap").display().to_string();
    let endpoint = yagura_testkit::Endpoint::start(yagura_testkit::Estate::small()).unwrap();
    let saved = Run::scan(&endpoint.url()).args(&["--service", "kms", "--save", &kept]).run();
    assert!(Path::new(&kept).exists(), "{}", saved.stderr);
    let who = ask(&["who-can", "s3:GetObject", "--snapshot", &kept]);
    assert_eq!(who.code, 3, "{}{}", who.stdout, who.stderr);
    assert!(who.stderr.contains("users and roles were not read"), "{}", who.stderr);
}

#[test]
fn policies_have_unit_tests() {
    let folder = tempfile::tempdir().unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::logs/*"}});
    write(folder.path(), "dev.json", &policy.to_string());
    let cases = "identity_policies: [dev.json]\ncases:\n  reads: {principal: 'arn:aws:iam::111122223333:user/a', action: s3:GetObject, resource: 'arn:aws:s3:::logs/x', expect: allowed}\n  writes: {principal: 'arn:aws:iam::111122223333:user/a', action: s3:PutObject, resource: 'arn:aws:s3:::logs/x', expect: denied, blocked_by: [identity]}\n";
    let good = write(folder.path(), "good.yaml", cases);
    let run = ask(&["test", &good]);
    assert_eq!((run.code, run.stdout.contains("2 of 2 cases are as expected")), (0, true), "{}", run.stdout);
    let wrong = write(folder.path(), "wrong.yaml", &cases.replace("expect: denied", "expect: allowed"));
    let run = ask(&["test", &wrong, "--lang", "ja"]);
    assert_eq!((run.code, run.stdout.contains("不合格")), (1, true), "{}", run.stdout);
    let slip = write(folder.path(), "slip.yaml", &cases.replace("expect: denied", "expect: no"));
    assert_eq!(ask(&["test", &slip]).code, 2);
}

#[test]
fn least_privilege_of_the_sample_and_of_files() {
    let run = parsed(&ask(&["least-privilege", "--demo", "deploy-ci", "--format", "json"]));
    let text = run["policy"].to_string();
    for wanted in ["lambda:UpdateFunctionCode", "iam:PassRole", "arn:aws:s3:::hinode-shop-images/build/app.js"] {
        assert!(text.contains(wanted), "{text}");
    }
    assert_eq!(run["denied"], json!({"iam:CreateUser": 1}));
    let folder = tempfile::tempdir().unwrap();
    let record = json!({"eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "eventTime": "2026-01-01T00:00:00Z",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"}});
    write(folder.path(), "a.jsonl", &format!("{record}\nnot json\n{record}\n"));
    write(folder.path(), "b.json", "no json at all");
    let logs = folder.path().display().to_string();
    let run = ask(&["least-privilege", "ann", "--logs", &logs]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("s3:ListAllMyBuckets") && run.stderr.contains("2 records"), "{}", run.stderr);
    assert!(run.stderr.contains("a.jsonl: no record begins here") && run.stderr.contains("b.json"), "{}", run.stderr);
    let nobody = ask(&["least-privilege", "arn:aws:iam::111122223333:user/anne", "--logs", &logs]);
    assert_eq!((nobody.code, nobody.stderr.contains("user/ann")), (3, true), "{}", nobody.stderr);
}

#[test]
fn credentials_are_told() {
    let run = ask(&["credential-report", "--demo"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("<root_account>\n  the root user has an access key"), "{}", run.stdout);
    assert!(run.stdout.contains("sato\n  nothing to mend"), "{}", run.stdout);
}

#[test]
fn a_batch_answers_every_line_whatever_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let good = json!({"id": "a", "request": {"principal": "arn:aws:iam::111122223333:user/a", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
        "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}]});
    let mut lines = format!("{good}\n{{\"id\":2}}\n{{\"id\":3,\"request\":{{}}}}\n[\n\n").into_bytes();
    lines.extend(b"{\"id\":\"\xff\"}\n");
    lines.extend("[".repeat(100_000).bytes());
    let path = folder.path().join("lines.jsonl");
    std::fs::write(&path, lines).unwrap();
    let run = ask(&["eval", "--batch", &path.display().to_string()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answers: Vec<Value> = run.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(answers.len(), 6);
    assert_eq!((&answers[0]["id"], &answers[0]["decision"]), (&json!("a"), &json!("allowed")));
    assert_eq!(answers[1]["id"], 2);
    assert!(answers[1..].iter().all(|a| a["error"].is_string()), "{answers:?}");
}

#[test]
fn slips_get_an_answer_and_no_finding() {
    for (args, code, wanted) in [
        (vec!["can", "--demo", "sato", "s3:GetObjct"], 2, "did you mean `s3:GetObject`?"),
        (vec!["can", "--demo", "sato", "s3:GetObject", "bucket"], 2, "arn:aws:s3:::NAME"),
        (vec!["public", "--demo", "--trusted-account", "12"], 2, "12 digits"),
        (vec!["public", "--demo", "--resource", "arn:aws:s3:::a"], 2, "<FILE>"),
    ] {
        let run = ask(&args);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(wanted), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_file_of_another_kind_is_no_empty_answer() {
    let folder = tempfile::tempdir().unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let path = write(folder.path(), "policy.json", policy);
    let details = ask(&["escalations", "--authorization-details", &path]);
    assert_eq!((details.code, details.stdout.as_str()), (3, ""));
    assert!(details.stderr.contains("`UserDetailList`"), "{}", details.stderr);
    let public = ask(&["public", &path]);
    assert_eq!((public.code, public.stdout.as_str()), (2, ""));
    assert!(public.stderr.contains("`Principal`"), "{}", public.stderr);
}

#[test]
fn a_least_policy_can_be_kept_as_it_is_printed() {
    let run = ask(&["least-privilege", "--demo", "deploy-ci"]);
    let policy: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    assert!(run.stderr.contains("What stays unobserved"), "{}", run.stderr);
}

#[test]
fn japanese_help_keeps_the_order_of_arguments() {
    let help = Run::new(&["--lang", "ja", "iam", "can", "--help"]).run().stdout;
    let place = |text: &str| help.find(&format!("\n  {text}")).unwrap();
    assert!(place("<PRINCIPAL>") < place("<ACTION>") && place("<ACTION>") < place("[RESOURCE]"), "{help}");
}
