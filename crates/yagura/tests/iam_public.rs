//! `yagura iam public`, run as a person or a pipeline runs it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::Run;
use serde_json::{Value, json};

fn grant(principal: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Sid": "Send", "Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*",
    }})
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn a_policy_file_is_told_in_both_languages() {
    let (_folder, path) = file(&grant(&json!("*")).to_string());
    let en = Run::new(&["iam", "public", &path]).run();
    assert_eq!(en.code, 1, "{}", en.stderr);
    assert!(en.stdout.contains("policy.json: public\n  statement 1 (`Send`) allows anyone\n"), "{}", en.stdout);
    let ja = Run::new(&["--lang", "ja", "iam", "public", &path]).run();
    assert!(ja.stdout.contains("1 番目のステートメント (`Send`) がすべてのユーザーを許可している"), "{}", ja.stdout);
    let (_folder, path) = file(&grant(&json!({"AWS": "444455556666"})).to_string());
    let owner = ["--resource", "arn:aws:sqs:us-east-1:111122223333:jobs"];
    let other = Run::new(&["iam", "public", &path, owner[0], owner[1], "--format", "json"]).run();
    assert_eq!(other.code, 1);
    let json: Value = serde_json::from_str(&other.stdout).unwrap();
    assert_eq!((&json[0]["public"], &json[0]["cross_account"]), (&json!(false), &json!(["444455556666"])));
    let trusted = Run::new(&["iam", "public", &path, owner[0], owner[1], "--trusted-account", "444455556666"]).run();
    assert_eq!((trusted.code, trusted.stdout.contains("nobody outside")), (0, true), "{}", trusted.stdout);
}

#[test]
fn a_batch_answers_every_line() {
    let lines = [
        json!({"id": 1, "policy": grant(&json!("*")), "resource_account": "111122223333"}),
        json!({"id": 2, "policy": grant(&json!({"Service": "sns.amazonaws.com"})), "resource_account": "111122223333"}),
        json!({"id": 3, "policy": grant(&json!({"AWS": "444455556666"})), "trusted_accounts": ["444455556666"]}),
        json!({"id": 4, "policy": grant(&json!("*")), "trusted_networks": ["10.0.0.0/99"]}),
        json!({"id": 5}),
        json!({"id": 6, "policy": grant(&json!({"AWS": "444455556666"})), "resource": null, "resource_account": 444_455_556_666_u64}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (_folder, path) = file(&text);
    let run = Run::new(&["iam", "public", "--batch", &path]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 6);
    assert_eq!(
        answers[0],
        json!({
            "id": 1, "public": true, "cross_account": [], "unconfined_services": [],
            "because": ["statement 1 (`Send`) allows anyone"],
        })
    );
    assert_eq!(answers[1]["unconfined_services"], json!(["sns.amazonaws.com"]));
    assert_eq!((&answers[2]["public"], &answers[2]["cross_account"]), (&json!(false), &json!([])));
    assert!(answers[3]["error"].as_str().unwrap().contains("10.0.0.0/99"));
    assert_eq!(answers[4], json!({"id": 5, "error": "`policy` is missing"}));
    assert_eq!(answers[5]["cross_account"], json!([]));
}
