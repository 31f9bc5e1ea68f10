//! What a user types, sees and gets back, on the sample estate.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::Value;
use std::process::{Command, Output};

fn yagura(words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command.args(words).current_dir(folder.path()).env_clear().env("PATH", "");
    command.output().unwrap()
}

fn text(out: &Output) -> (String, String, i32) {
    let read = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
    (read(&out.stdout), read(&out.stderr), out.status.code().unwrap())
}

fn verdicts(words: &[&str]) -> Vec<Value> {
    let (stdout, stderr, code) = text(&yagura(&[&["scan", "--demo", "--format", "jsonl"], words].concat()));
    assert_eq!(code, 0, "{stderr}");
    stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn the_demo_shows_every_verdict_and_every_practice() {
    let all = verdicts(&[]);
    for status in ["pass", "fail", "unknown", "not_applicable"] {
        assert!(all.iter().any(|v| v["status"] == status), "{status}");
    }
    for n in 1..=26 {
        let number = format!("aws-26/{n}");
        assert!(all.iter().any(|v| v["maps"].as_array().unwrap().contains(&number.as_str().into())), "{number}");
    }
    for v in &all {
        let r = &v["resource"];
        assert_eq!(r["account"], "111122223333");
        assert_ne!(r["region"], "");
        // A failure has a reason too, where a proof lowered its severity.
        let lowered = v["status"] == "fail" && v["reason"].is_string();
        assert_eq!(v["status"] == "unknown" || lowered, v["reason"].is_string(), "{v}");
        assert!(v["status"] != "fail" || !v["evidence"].as_object().unwrap().is_empty(), "no evidence: {v}");
        assert!(!v["fix"].as_str().unwrap().contains("{this."), "{v}");
    }
    // Set to be publicly accessible, and reached by nobody: it fails, and matters less, and says why.
    let database = all.iter().find(|v| v["rule"] == "rds.db_instance_not_publicly_accessible").unwrap();
    assert_eq!((&database["status"], &database["severity"]), (&"fail".into(), &"low".into()), "{database}");
    assert!(database["reason"].as_str().unwrap().contains("keep the internet"), "{database}");
}

#[test]
fn the_demo_has_a_queue_and_a_repository_that_everyone_can_use() {
    let all = verdicts(&[
        "--check",
        "sqs.queue_not_public,sns.topic_not_public,secretsmanager.secret_not_public,ecr.repository_not_public",
    ]);
    let of = |status: &str| -> Vec<&str> {
        all.iter().filter(|v| v["status"] == status).map(|v| v["resource"]["id"].as_str().unwrap()).collect()
    };
    let (mut failing, mut passing) = (of("fail"), of("pass"));
    failing.sort_unstable();
    passing.sort_unstable();
    assert_eq!(failing, ["base-images", "partner-inbox"]);
    assert_eq!(passing, ["order-placed", "orders", "shop/database", "shop/web"]);
}

#[test]
fn both_languages_say_the_same_of_the_same() {
    let (en, ja) = (verdicts(&["--lang", "en"]), verdicts(&["--lang", "ja"]));
    assert_eq!(en.len(), ja.len());
    for (e, j) in en.iter().zip(&ja) {
        for key in ["rule", "status", "severity", "resource", "maps", "evidence", "missing"] {
            assert_eq!(e[key], j[key]);
        }
        for key in ["title", "why", "fix"] {
            assert!(j[key].as_str().unwrap().chars().any(|c| ('ぁ'..='ヿ').contains(&c)), "not Japanese: {}", j[key]);
            assert!(!e[key].as_str().unwrap().chars().any(|c| ('ぁ'..='ヿ').contains(&c)), "not English: {}", e[key]);
        }
    }
}

#[test]
fn exit_codes_are_stable() {
    for (words, code) in [
        (vec!["scan", "--demo"], 0),
        (vec!["scan", "--demo", "--fail-on", "critical"], 1),
        (vec!["scan", "--demo", "--fail-on", "critical", "--framework", "aws-26"], 0),
        (vec!["scan", "--demo", "--fail-on", "high"], 1),
        (vec!["scan", "--demo", "--fail-on", "low", "--check", "ec2.ebs_encrypted_by_default"], 1),
        (vec!["scan", "--demo", "--check", "no.such_check"], 2),
        (vec!["scan", "--demo", "--region", "us-east-1"], 2),
        (vec!["scan", "--snapshot", "nowhere.ysnap"], 2),
        (vec!["scan", "--endpoint-url", "foo"], 2),
        (vec!["scan", "--role-arn", "audit"], 3), // no credentials come first
        (vec!["nonsense"], 2),
    ] {
        let (_, stderr, found) = text(&yagura(&words));
        assert_eq!(found, code, "{words:?}: {stderr}");
        assert_eq!(code >= 2, !stderr.is_empty(), "{words:?}: {stderr}");
    }
}

#[test]
fn a_tag_leaves_what_carries_it_and_what_could_not_be_seen() {
    let tagged = verdicts(&["--resource-tag", "env=prod", "--service", "ec2"]);
    assert!(!tagged.is_empty());
    assert!(tagged.iter().all(|v| v["resource"]["id"] == "vpc-0a1production"), "{tagged:?}");
    let (_, stderr, code) = text(&yagura(&["scan", "--demo", "--service", "ec2", "--resource-tag", "env=none"]));
    assert_eq!((code, stderr.contains("no resource carries the tag env=none")), (2, true), "{stderr}");
    // What could not even be listed may carry it; with nothing else to say, nothing was read.
    let check = ["--check", "kms.key_not_pending_deletion"];
    let words = [&["scan", "--demo", "--resource-tag", "env=none", "--format", "jsonl"], &check[..]].concat();
    let (stdout, _, code) = text(&yagura(&words));
    assert_eq!((code, stdout.lines().count(), stdout.contains("\"unknown\"")), (3, 1, true), "{stdout}");
}

#[test]
fn a_scan_by_tag_has_its_policy() {
    let policy = |words: &[&str]| text(&yagura(&[&["permissions", "--service", "s3"], words].concat())).0;
    assert!(!policy(&[]).contains("s3:GetBucketTagging"));
    assert!(policy(&["--resource-tag", "env=prod"]).contains("s3:GetBucketTagging"));
}

#[test]
fn the_policy_of_trail_verify_can_be_printed() {
    let policy =
        |words: &[&str]| text(&yagura(&[&["permissions", "--check", "s3.bucket_versioned"], words].concat())).0;
    for action in ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:ListPublicKeys", "s3:GetObject\""] {
        assert!(policy(&["--trail"]).contains(action) && !policy(&[]).contains(action), "{action}");
    }
    let (_, stderr, code) = text(&yagura(&["permissions", "--trail", "--verify"]));
    assert_eq!((code, stderr.contains("--trail")), (2, true), "{stderr}");
}

#[test]
fn settings_change_verdicts_and_slips_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("y.toml");
    let path = file.to_str().unwrap();
    let failing = |words: &[&str]| verdicts(words).iter().filter(|v| v["status"] == "fail").count();
    let check = ["--check", "iam.access_key_rotated"];
    std::fs::write(&file, "[checks.\"iam.access_key_rotated\"]\nmax_age_days = 30\n").unwrap();
    assert_eq!(failing(&check) + 1, failing(&[&check[..], &["--config", path]].concat()));
    for (slip, said) in [
        ("[checks.\"iam.access_key_rotate\"]\nmax_age_days = 30\n", "did you mean `iam.access_key_rotated`?"),
        ("[checks.\"iam.access_key_rotated\"]\nmax_age_day = 30\n", "did you mean `max_age_days`?"),
        ("[checks.\"iam.access_key_rotated\"]\nmax_age_days = \"30\"\n", "must be like its default `90`"),
        ("[check]\n", "unknown section `check`"),
        ("checks = [", "y.toml"),
    ] {
        std::fs::write(&file, slip).unwrap();
        let (_, stderr, code) = text(&yagura(&["scan", "--demo", "--config", path]));
        assert_eq!((code, stderr.contains(said)), (2, true), "{slip}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_never_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let (_, stderr, code) = text(&yagura(&["scan", "--demo", "--output", "/dev/null"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn output_files_take_their_form_from_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    for (name, begins) in
        [("a.html", "<!doctype html>"), ("a.json", "{"), ("a.csv", "\u{feff}"), ("a.sarif", "{"), ("a.md", "#")]
    {
        let path = folder.path().join(name);
        assert_eq!(text(&yagura(&["scan", "--demo", "--output", path.to_str().unwrap()])).2, 0);
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.to_lowercase().starts_with(begins), "{name}: {written:.60}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5, "temporary files were left behind");
}

#[test]
fn the_terminal_gets_no_colour_in_a_pipe() {
    let (stdout, ..) = text(&yagura(&["scan", "--demo"]));
    assert!(!stdout.contains('\u{1b}'));
    assert!(stdout.contains("What could not be seen"));
}

#[test]
fn a_file_in_no_known_folder_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("chekcs")).unwrap();
    std::fs::write(folder.path().join("chekcs/a.yaml"), "kind: check\n").unwrap();
    let (stdout, _, code) = text(&yagura(&["content", "lint", folder.path().to_str().unwrap()]));
    assert_eq!((code, stdout.contains("chekcs/a.yaml:1:1: no content stands here")), (2, true), "{stdout}");
}

#[test]
fn help_speaks_the_language_that_was_asked_for() {
    let help = |words: &[&str], vars: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        let out = command.args(words).env_clear().envs(vars.iter().copied()).output().unwrap();
        text(&out).0.contains("使い方")
    };
    assert!(help(&["net", "--help"], &[("YAGURA_LANG", "ja")]));
    assert!(help(&["net", "--help", "--lang", "ja"], &[("YAGURA_LANG", "en")]));
    assert!(help(&["net", "--help"], &[("LC_ALL", "ja_JP.UTF-8")]));
    assert!(!help(&["--lang=en", "net", "--help"], &[("LC_ALL", "ja_JP.UTF-8")]));
    assert!(!help(&["net", "--help"], &[("LC_ALL", "ja_JP.UTF-8"), ("YAGURA_LANG", "en")]));
}
