//! `yagura iam diff`, run as a person or a pipeline runs it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::Run;
use serde_json::{Value, json};

/// Two policy files in a folder of their own.
fn files(old: &Value, new: &Value) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, policy: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, policy.to_string()).unwrap();
        path.display().to_string()
    };
    let (old, new) = (write("old.json", old), write("new.json", new));
    (folder, old, new)
}

fn read(action: &str, sid: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": sid, "Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::reports/*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "audit"}},
    }]})
}

#[test]
fn new_access_is_told_as_a_request() {
    let (_folder, old, new) = files(&read("s3:GetObject", "Read"), &read("s3:*Object", "Write"));
    let en = Run::new(&["iam", "diff", &old, &new]).run();
    assert_eq!(en.code, 1, "{}", en.stderr);
    for part in [
        "new access: statement 1 (`Write`)",
        "principal",
        "s3:",
        "arn:aws:s3:::reports/",
        "aws:PrincipalTag/team = audit",
        "No statement of",
    ] {
        assert!(en.stdout.contains(part), "{part}\n{}", en.stdout);
    }
    let ja = Run::new(&["--lang", "ja", "iam", "diff", &old, &new]).run();
    for part in ["新しいアクセスあり", "1 番目のステートメント", "プリンシパル", "許可するステートメントがない"]
    {
        assert!(ja.stdout.contains(part), "{part}\n{}", ja.stdout);
    }
    let json = Run::new(&["iam", "diff", &old, &new, "--format", "json"]).run();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["result"], "fail");
    assert_eq!(json["witness"]["context"], json!({"aws:PrincipalTag/team": "audit"}));
}

#[test]
fn no_new_access_is_done() {
    let (_folder, old, new) = files(&read("s3:*", "All"), &read("s3:GetObject", "Read"));
    let run = Run::new(&["iam", "diff", &old, &new]).run();
    assert_eq!((run.code, run.stdout.starts_with("no new access")), (0, true), "{}{}", run.stdout, run.stderr);
    let bad = Run::new(&["iam", "diff", &old, "missing.json"]).run();
    assert_eq!(bad.code, 3);
    std::fs::write(&new, "{\"Statement\": [{\"Efect\": 1}]}").unwrap();
    let bad = Run::new(&["iam", "diff", &old, &new]).run();
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("new.json:1:"), "{}", bad.stderr);
}

#[test]
fn a_batch_answers_every_line() {
    let (_folder, lines, _) = files(&json!({}), &json!({}));
    let pair =
        |id: &str, old: &Value, new: &Value| json!({"id": id, "existing": old, "new": new, "policy_type": "identity"});
    let (narrow, wide) = (read("s3:GetObject", "a"), read("s3:*", "b"));
    let text =
        format!("{}\n{}\nnot json\n{}\n", pair("a", &wide, &narrow), pair("b", &narrow, &wide), json!({"id": "c"}));
    let untyped = |kind: Value| json!({"id": "d", "existing": wide, "new": narrow, "policy_type": kind});
    let text = format!("{text}{}\n{}\n", untyped(Value::Null), untyped(json!("any")));
    std::fs::write(&lines, text).unwrap();
    let run = Run::new(&["iam", "diff", "--batch", &lines]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], json!({"id": "a", "result": "pass"}));
    assert_eq!((answers[1]["id"].as_str(), answers[1]["result"].as_str()), (Some("b"), Some("fail")));
    assert!(answers[1]["witness"]["principal"].is_string());
    assert!(answers[2]["error"].is_string());
    assert_eq!(answers[3], json!({"id": "c", "error": "`existing` is missing"}));
    assert_eq!((&answers[4]["result"], &answers[5]["result"]), (&json!("pass"), &json!("pass")));
}
