//! `yagura iam lint`, `expand` and `shrink`, as typed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn yagura(words: &[&str], folder: &Path, input: &[u8]) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command.arg("iam").args(words).current_dir(folder).env_clear().env("PATH", "");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code().unwrap())
}

fn answers(words: &[&str], lines: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let (stdout, stderr, code) = yagura(words, folder.path(), lines.join("\n").as_bytes());
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

const BROKEN: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}
]}"#;

#[test]
fn a_batch_answers_every_line() {
    let found = answers(
        &["lint", "--batch"],
        &[
            r#"{"id":"a","policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]},"policy_type":"identity"}"#,
            r#"{"id":2,"policy":"{\"Version\":","policy_type":"any"}"#,
            r#"{"id":"c","policy":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}},"policy_type":"session"}"#,
            r#"{"id":"d","policy":{},"policy_type":"bucket"}"#,
            r#"{"id":"e","policy_type":"any"}"#,
            r#"{"id":"f","policy":[1],"policy_type":"trust"}"#,
            r#"{"id":{"of":[null,"g"]},"name":"other","policy":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject"}}}"#,
        ],
    );
    assert_eq!(found[0]["id"], "a");
    assert_eq!(found[0]["findings"][0]["code"], "PRIVATE_IP_ADDRESS");
    assert_eq!(found[0]["findings"][0]["level"], "error");
    assert_eq!(found[0]["findings"][0]["path"], "Statement[0].Condition.IpAddress.aws:SourceIp");
    assert!(found[0]["findings"][0]["message"].is_string());
    assert_eq!((&found[1]["id"], &found[1]["findings"][0]["code"]), (&json!(2), &json!("JSON_SYNTAX_ERROR")));
    assert_eq!(found[2], json!({"id": "c", "findings": []}));
    assert!(found[3]["error"].as_str().unwrap().contains("`bucket`"));
    assert!(found[4]["error"].is_string());
    assert_eq!(found[5]["findings"][0]["code"], "DATA_TYPE_MISMATCH");
    assert_eq!(found[6]["id"], json!({"of": [null, "g"]}));
    assert_eq!(found[6]["findings"][0]["code"], "MISSING_RESOURCE", "the type is told by what the policy holds");
}

#[test]
fn a_person_sees_the_place_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.json"), BROKEN).unwrap();
    let (stdout, _, code) = yagura(&["lint", "p.json"], folder.path(), b"");
    assert_eq!(code, 1);
    assert!(stdout.contains("p.json:2:33: error INVALID_ACTION: no action `s3:GetObjekt`"), "{stdout}");
    assert!(stdout.contains("correct its spelling: `GetObject`?"), "{stdout}");
    let (stdout, _, code) = yagura(&["lint", "--lang", "ja", "-"], folder.path(), BROKEN.as_bytes());
    assert_eq!(code, 1);
    assert!(stdout.contains("-:2:33: エラー INVALID_ACTION: アクション `s3:GetObjekt` は存在しない"), "{stdout}");
    let (stdout, _, _) = yagura(&["lint", "p.json", "--format", "json"], folder.path(), b"");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(found[0]["findings"][0]["line"], 2);
    assert_eq!(found[0]["policy_type"], "identity");
    let (stdout, _, code) = yagura(&["lint", "p.json", "--policy-type", "any"], folder.path(), b"");
    assert_eq!((stdout.as_str(), code), ("p.json: nothing found (any)\n", 0));
}

#[test]
fn the_type_is_told_by_what_the_policy_holds() {
    let folder = tempfile::tempdir().unwrap();
    for (text, kind) in [
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#, "identity"),
        (r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#, "resource"),
        (
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#,
            "trust",
        ),
    ] {
        let (stdout, _, _) = yagura(&["lint", "-", "--format", "json"], folder.path(), text.as_bytes());
        assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()[0]["policy_type"], kind);
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latin.json"), b"{\"Id\":\"\xe9\"}").unwrap();
    std::fs::write(folder.path().join("p.json"), BROKEN).unwrap();
    let (stdout, stderr, code) = yagura(&["lint", "latin.json", "none.json", "p.json"], folder.path(), b"");
    assert_eq!(code, 3);
    assert!(stderr.contains("not UTF-8") && stderr.contains("`none.json`") && stdout.contains("INVALID_ACTION"));
    assert_eq!(yagura(&["lint", "p.json", "--policy-type", "bucket"], folder.path(), b"").2, 2);
    let (stdout, _, code) = yagura(&["lint", "-"], folder.path(), "[".repeat(1_000_000).as_bytes());
    assert!(stdout.contains("JSON_SYNTAX_ERROR") && code == 1);
}

#[test]
fn actions_are_expanded_and_shrunk() {
    let found = answers(
        &["expand", "--batch"],
        &[
            r#"{"id":1,"policy":{"Statement":[{"Effect":"Allow","Action":["sqs:*permission","x:Y"],"Resource":"*"},{"Effect":"Deny","Action":"SQS:addpermission","Resource":"*"}]}}"#,
            r#"{"id":2,"policy":{"Statement":{"Effect":"Perhaps","Action":"s3:*"}}}"#,
        ],
    );
    assert_eq!(
        found[0],
        json!({"id": 1, "actions": ["sqs:AddPermission", "sqs:RemovePermission", "x:Y"], "denied": ["sqs:AddPermission"]})
    );
    assert!(found[1]["error"].is_string());
    let folder = tempfile::tempdir().unwrap();
    let (stdout, _, _) = yagura(&["expand", "sqs:*Permission"], folder.path(), b"");
    assert_eq!(stdout, "sqs:AddPermission\nsqs:RemovePermission\n");
    assert_eq!(yagura(&["shrink"], folder.path(), stdout.as_bytes()).0, "sqs:*Permission\n");
    let (stdout, _, _) =
        yagura(&["shrink", "sqs:AddPermission", "sqs:RemovePermission", "--format", "json"], folder.path(), b"");
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!(["sqs:*Permission"]));
    assert_eq!(yagura(&["expand", "sqs:Nothing*"], folder.path(), b"").2, 2);
}
