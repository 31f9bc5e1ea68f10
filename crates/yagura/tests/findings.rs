//! Findings with a life, as a user runs them: the program, its store, its words.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{ANSWERED, Outcome, Run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use yagura_inventory::{load, save};
use yagura_model::{Field, Snapshot};
use yagura_testkit::{Endpoint, Estate, Fault};

/// A person's folder with a store in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn start(&self, words: &[&str]) -> Run {
        Run::new(words).env("YAGURA_STATE", &self.text("state"))
    }

    fn run(&self, words: &[&str]) -> Outcome {
        self.start(words).run()
    }

    /// JSON Lines of a command that must end well.
    #[track_caller]
    fn lines(&self, words: &[&str]) -> Vec<Value> {
        let out = self.run(&[words, &["--format", "jsonl"]].concat());
        assert_eq!(out.code, 0, "{words:?}: {}", out.stderr);
        out.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// The findings in states, by rule and resource.
    #[track_caller]
    fn findings(&self, states: &str) -> Vec<(String, String)> {
        let found = self.lines(&["findings", "list", "--state", states]);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        found.iter().map(|f| (text(&f["rule"]), text(&f["resource"]["id"]))).collect()
    }
}

/// A snapshot of the small estate, and the days on which it is replayed.
struct Days {
    snapshot: Snapshot,
}

impl Days {
    fn new(desk: &Desk) -> Self {
        let aws = Endpoint::start(Estate::small()).unwrap();
        let file = desk.text("read.ysnap");
        let done = Run::scan(&aws.url()).args(&["--save", &file]).run();
        assert_eq!(done.code, 0, "{}", done.stderr);
        Self { snapshot: load(Path::new(&file)).unwrap() }
    }

    /// Scans the snapshot as it is, so many days later.
    #[track_caller]
    fn scan(&self, desk: &Desk, day: i64, words: &[&str]) -> Outcome {
        let file = desk.text(&format!("{day}.ysnap"));
        let hours = jiff::SignedDuration::from_hours(24 * day);
        let later = Snapshot { taken_at: self.snapshot.taken_at.checked_add(hours).unwrap(), ..self.snapshot.clone() };
        save(&later, Path::new(&file)).unwrap();
        let checks = ANSWERED.join(",");
        desk.run(&[&["scan", "--snapshot", &file, "--check", &checks, "--format", "jsonl"], words].concat())
    }
}

fn rules(out: &Outcome) -> Vec<String> {
    let rule = |l: &str| serde_json::from_str::<Value>(l).unwrap()["rule"].as_str().unwrap().to_owned();
    out.stdout.lines().map(rule).collect()
}

#[test]
fn the_sample_estate_is_recorded_and_then_nothing_is_new() {
    let desk = Desk::new();
    let first = desk.run(&["scan", "--demo", "--only-new", "--fail-on", "high", "--format", "jsonl"]);
    assert_eq!(first.code, 1, "{}", first.stderr);
    let all = first.stdout.lines().count();
    assert!(all > 200 && first.stdout.lines().all(|l| l.contains("\"status\":\"fail\"")));
    assert!(
        first.stderr.contains(&format!("run 1 in {}: {all} new, 0 reopened", desk.text("state/findings.db"))),
        "{}",
        first.stderr
    );
    assert_eq!(desk.findings("new").len(), all);
    let second = desk.run(&["scan", "--demo", "--only-new", "--fail-on", "low", "--format", "jsonl"]);
    assert_eq!((second.code, second.stdout.as_str()), (0, ""), "{}", second.stderr);
    assert!(
        second.stderr.contains(&format!("only new findings are shown: {all} known ones are not")),
        "{}",
        second.stderr
    );
    assert_eq!((desk.findings("new").len(), desk.findings("active").len()), (0, all));
    // Without --only-new everything is told, and --fail-on counts it.
    let third = desk.run(&["scan", "--demo", "--store", "--fail-on", "low", "--format", "jsonl"]);
    assert_eq!(third.code, 1);
    assert!(third.stdout.lines().count() > all);
    assert_eq!(desk.lines(&["findings", "runs"]).len(), 3);
}

#[test]
fn a_finding_is_mended_and_comes_back() {
    let desk = Desk::new();
    let mut days = Days::new(&desk);
    days.scan(&desk, 0, &["--store"]);
    let before = desk.findings("new");
    let mfa: Vec<&str> =
        before.iter().filter(|(r, _)| r == "iam.console_user_has_mfa").map(|(_, id)| id.as_str()).collect();
    assert!(!mfa.is_empty() && before.len() > 15, "{before:?}");
    // The bucket without a Block Public Access is deleted, the password policy mended.
    let whole = days.snapshot.clone();
    let (gone_rule, gone) = before.iter().find(|(r, _)| r == "s3.bucket_blocks_public_access").unwrap().clone();
    days.snapshot.assets.retain(|a| a.id != gone.as_str());
    let next = days.scan(&desk, 1, &["--only-new"]);
    assert_eq!((next.code, rules(&next).len()), (0, 0), "{}", next.stderr);
    let resolved = desk.findings("resolved");
    assert!(
        resolved.contains(&(gone_rule, gone.clone())) && resolved.iter().all(|(_, id)| *id == gone),
        "{resolved:?}"
    );
    let shown = desk.lines(&["findings", "list", "--state", "resolved"]);
    assert!(shown.iter().all(|f| f["ended"] == "gone"));
    // It is there again: told as news.
    days.snapshot = whole;
    let back = days.scan(&desk, 2, &["--only-new", "--fail-on", "low"]);
    assert_eq!((back.code, rules(&back).len()), (1, resolved.len()), "{}", back.stderr);
    assert_eq!(desk.findings("reopened").len(), resolved.len());
    // What changed since the first run, and its history.
    let diff = desk.lines(&["findings", "diff", "--since", "1"]);
    assert!(diff.len() == resolved.len() && diff.iter().all(|d| d["change"] == "reopened"), "{diff:?}");
    let id = diff[0]["id"].as_str().unwrap();
    let history = desk.lines(&["findings", "history", &id[..12]]);
    let told: Vec<&str> = history.iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert_eq!(told, ["new", "resolved", "reopened"]);
    assert_eq!(history[1]["how"], "gone");
    // An older snapshot is refused with a sentence, and changes nothing.
    let old = days.scan(&desk, 1, &["--store"]);
    assert_eq!(old.code, 2, "{}", old.stderr);
    assert!(old.stderr.contains("has seen the same since; nothing was recorded"), "{}", old.stderr);
}

#[test]
fn what_cannot_be_read_any_more_is_not_resolved() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let desk = Desk::new();
    let scan = |words: &[&str]| {
        let out = Run::scan(&aws.url()).args(words).env("YAGURA_STATE", &desk.text("state")).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        out
    };
    scan(&["--store"]);
    let before = desk.findings("new");
    aws.add(Fault::AccessDenied.on("s3:ListBuckets"));
    aws.add(Fault::AccessDenied.on("iam:GetAccountPasswordPolicy"));
    let blind = scan(&["--store"]);
    assert!(blind.stderr.contains("could not be checked and stay as they were"), "{}", blind.stderr);
    assert_eq!(desk.findings("resolved"), []);
    let doubtful: Vec<Value> =
        desk.lines(&["findings", "list"]).into_iter().filter(|f| !f["unsure"].is_null()).collect();
    let buckets = before.iter().filter(|(r, _)| r.starts_with("s3.bucket")).count();
    assert!(buckets > 0 && doubtful.len() > buckets, "{doubtful:?}");
    assert!(doubtful.iter().all(|f| f["state"] == "new"));
    assert!(
        doubtful.iter().any(|f| f["unsure"]["why"].as_str().unwrap().contains("s3:ListAllMyBuckets")),
        "{doubtful:?}"
    );
    aws.reset();
    let again = scan(&["--only-new"]);
    assert_eq!((again.stdout.as_str(), desk.findings("active").len()), ("", before.len()));
}

#[test]
fn suppressions_of_store_and_repository() {
    let desk = Desk::new();
    let days = Days::new(&desk);
    days.scan(&desk, 0, &["--store"]);
    let all = desk.findings("new").len();
    let of = |rule: &str| desk.findings("new,active,suppressed").iter().filter(|(r, _)| r == rule).count();
    let rule = "s3.bucket_blocks_public_access";
    let some = of(rule);
    let until = ["--until", "30d", "--owner", "kim", "--reason", "moves in March"];
    let kept = desk.lines(&[&["findings", "suppress", rule], &until[..]].concat());
    assert_eq!((&kept[0]["covers"], &kept[0]["suppression"]["id"]), (&some.into(), &"S-1".into()));
    assert_eq!((desk.findings("suppressed").len(), desk.findings("new").len()), (some, all - some));
    let quiet = days.scan(&desk, 1, &["--store"]);
    assert!(
        !rules(&quiet).contains(&rule.to_owned())
            || !quiet.stdout.contains(&format!("\"rule\":\"{rule}\",\"status\":\"fail\""))
    );
    assert!(quiet.stderr.contains(&format!("{some} findings are suppressed and not shown")), "{}", quiet.stderr);
    // One finding by its id, and back.
    let one = desk.lines(&["findings", "list", "--state", "active"])[0]["id"].as_str().unwrap().to_owned();
    desk.lines(&[&["findings", "suppress", &one[..12]], &until[..]].concat());
    assert_eq!(desk.findings("suppressed").len(), some + 1);
    let back = desk.lines(&["findings", "unsuppress", "S-2"]);
    assert_eq!(back[0]["covers"], 1);
    // In the repository; one has ended, and that is said.
    let toml = "[[suppress]]\nrule = \"iam.*\"\nuntil = 2999-01-01\nowner = \"id team\"\nreason = \"legacy\"\n\n\
                [[suppress]]\nrule = \"ec2.*\"\nuntil = \"2020-01-01\"\nowner = \"net\"\nreason = \"old\"\n";
    std::fs::write(desk.path("yagura.toml"), toml).unwrap();
    let config = desk.text("yagura.toml");
    let told = desk.lines(&["findings", "suppressions", "--config", &config]);
    let stale: Vec<(&str, bool)> =
        told.iter().map(|s| (s["id"].as_str().unwrap(), s["stale"].as_bool().unwrap())).collect();
    assert_eq!(stale, [("S-1", false), (&*format!("{config}:1"), false), (&*format!("{config}:2"), true)]);
    let third = days.scan(&desk, 2, &["--store", "--config", &config]);
    assert!(rules(&third).iter().any(|r| r.starts_with("ec2.")));
    assert!(
        third.stderr.contains("suppressions that have ended") && third.stderr.contains(":2 (2020-01-01)"),
        "{}",
        third.stderr
    );
    // Without a store, too.
    let plain = days.scan(&desk, 3, &["--config", &config]);
    assert!(plain.stderr.contains("are suppressed and not shown"), "{}", plain.stderr);
    let failing = |out: &Outcome| {
        out.stdout.lines().filter(|l| l.contains("\"rule\":\"iam.") && l.contains("\"status\":\"fail\"")).count()
    };
    assert_eq!(failing(&plain), 0);
    assert!(failing(&days.scan(&desk, 3, &[])) > 0);
}

#[test]
fn suppressions_by_tag_have_tags_read() {
    let desk = Desk::new();
    let scan = || desk.run(&["scan", "--demo", "--store", "--format", "jsonl"]);
    scan();
    let words =
        ["findings", "suppress", "s3.*", "--tag", "Environment", "--until", "9d", "--owner", "k", "--reason", "r"];
    let tagged = desk
        .lines(&["findings", "list", "--rule", "s3.*"])
        .iter()
        .filter(|f| !f["tags"]["Environment"].is_null())
        .count();
    let kept = desk.lines(&words);
    assert_eq!(kept[0]["covers"], tagged);
}

#[test]
fn mistakes_are_told_before_they_hide_anything() {
    let desk = Desk::new();
    desk.run(&["scan", "--demo", "--store"]);
    let end = ["--owner", "kim", "--reason", "r"];
    let toml = |text: &str| {
        std::fs::write(desk.path("bad.toml"), text).unwrap();
        desk.text("bad.toml")
    };
    let bad = [
        toml("[[suppress]]\nrule = \"ec2.*\"\nowner = \"k\"\nreason = \"r\"\n"),
        "until".into(),
        toml("[[suppress]]\nrule = \"ec2.*\"\nuntil = \"soon\"\nowner = \"k\"\nreason = \"r\"\n"),
    ];
    let rows: Vec<(Vec<&str>, &str)> = vec![
        (
            [&["findings", "suppress", "s3.bucket_blocks_public_acces", "--until", "9d"], &end[..]].concat(),
            "did you mean `s3.bucket_blocks_public_access`",
        ),
        (
            [&["findings", "suppress", "--until", "9d"], &end[..]].concat(),
            "names a finding, a rule, an ARN, a tag or an account",
        ),
        ([&["findings", "suppress", "*", "--until", "9d"], &end[..]].concat(), "names a finding, a rule"),
        ([&["findings", "suppress", "s3.*", "--until", "2020-01-01"], &end[..]].concat(), "2020-01-01 is over"),
        ([&["findings", "suppress", "s3.*", "--until", "whenever"], &end[..]].concat(), "is not a day"),
        (vec!["findings", "suppress", "s3.*", "--until", "9d", "--owner", " ", "--reason", "r"], "`owner` is empty"),
        (vec!["findings", "suppress", "s3.*", "--until", "9d", "--reason", "r"], "--owner"),
        (vec!["findings", "unsuppress", "S-9"], "no suppression `S-9`"),
        (vec!["findings", "show", "ffffffffffff"], "no finding"),
        (vec!["findings", "diff", "--since", "77"], "no run `77`"),
        (vec!["findings", "list", "--store", "mysql://x/y"], "no store is called `mysql://`"),
        (vec!["scan", "--demo", "--config", &bad[2]], "is not a day"),
        (vec!["scan", "--iac", "x.yaml", "--only-new"], "needs a --baseline"),
        (vec!["history", "arn:aws:s3:::nowhere"], "no recorded resource"),
    ];
    for (words, why) in rows {
        let out = desk.run(&words);
        assert_eq!(out.code, 2, "{words:?}: {}{}", out.stdout, out.stderr);
        assert!(out.stderr.contains(why), "{words:?}: {}", out.stderr);
    }
    let missing = toml("[[suppress]]\nrule = \"ec2.*\"\nowner = \"k\"\nreason = \"r\"\n");
    let out = desk.run(&["scan", "--demo", "--config", &missing]);
    assert!(out.code == 2 && out.stderr.contains("until"), "{}", out.stderr);
    let none = Desk::new();
    for words in [&["findings", "list"][..], &["findings", "runs"], &["history", "x"]] {
        let out = none.run(words);
        assert_eq!(out.code, 3, "{}", out.stderr);
        assert!(
            out.stderr.contains("nothing was recorded in") && out.stderr.contains("yagura scan --store"),
            "{}",
            out.stderr
        );
        assert!(!none.path("state").exists());
    }
}

#[test]
fn baselines_do_without_a_store() {
    let desk = Desk::new();
    let file = desk.text("known.json");
    let first = desk.run(&["scan", "--demo", "--write-baseline", &file, "--format", "jsonl"]);
    let failing = first.stdout.lines().filter(|l| l.contains("\"status\":\"fail\"")).count();
    let mut known: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(known["findings"].as_array().unwrap().len(), failing);
    let again = desk.run(&["scan", "--demo", "--baseline", &file, "--fail-on", "low", "--format", "jsonl"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.stderr);
    let gone = known["findings"].as_array_mut().unwrap().remove(0);
    std::fs::write(&file, known.to_string()).unwrap();
    let out =
        desk.run(&["scan", "--demo", "--baseline", &file, "--only-new", "--fail-on", "info", "--format", "jsonl"]);
    assert_eq!((out.code, rules(&out)), (1, vec![gone["rule"].as_str().unwrap().to_owned()]));
    assert!(!desk.path("state").exists(), "a baseline makes no store");
    std::fs::write(&file, "{\"yagura_baseline\": 7}").unwrap();
    let newer = desk.run(&["scan", "--demo", "--baseline", &file]);
    assert!(newer.code == 2 && newer.stderr.contains("has form 7"), "{}", newer.stderr);
}

#[test]
fn both_languages_and_every_form() {
    let desk = Desk::new();
    desk.run(&["scan", "--demo", "--store"]);
    let id = desk.lines(&["findings", "list", "--severity", "critical"])[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.lines(&["findings", "assign", &id, "kim"])[0]["assignee"], "kim");
    let rows: [(&[&str], &str, &str); 6] = [
        (&["findings", "list", "--severity", "critical"], "new", "新規"),
        (&["findings", "show", &id], "assigned to", "担当"),
        (&["findings", "history", &id], "seen for the first time", "初めて検出"),
        (&["findings", "diff"], "New (", "新規 ("),
        (&["findings", "runs"], "demo", "サンプル"),
        (&["history", "hinode-campaign-2024"], "first observed", "初回の観測"),
    ];
    for (words, en, ja) in rows {
        for (lang, word) in [("en", en), ("ja", ja)] {
            let out = desk.run(&[words, &["--lang", lang]].concat());
            assert_eq!(out.code, 0, "{words:?}: {}", out.stderr);
            assert!(out.stdout.contains(word), "{words:?} {lang}: {}", out.stdout);
        }
        let json = desk.run(&[words, &["--format", "json"]].concat());
        serde_json::from_str::<Value>(&json.stdout).unwrap_or_else(|e| panic!("{words:?}: {e}: {}", json.stdout));
    }
    let down = desk.run(&["findings", "migrate", "--to", "1"]);
    assert!(down.code == 0 && down.stdout.contains("schema 2 → 1"), "{}", down.stdout);
    assert!(desk.run(&["history", "hinode-campaign-2024"]).stderr.contains("no recorded resource"));
}

#[test]
fn what_changed_when_and_by_whom() {
    let desk = Desk::new();
    let mut days = Days::new(&desk);
    days.scan(&desk, 0, &["--store"]);
    let vpc = days.snapshot.assets.iter().position(|a| a.kind == "ec2.security_group").unwrap();
    let (id, account) = (days.snapshot.assets[vpc].id.to_string(), days.snapshot.assets[vpc].account.to_string());
    days.snapshot.assets[vpc].set("Description", Field::Known(yagura_model::Value::text("opened for a test")));
    days.scan(&desk, 1, &["--store"]);
    // Records of the time: the call, one that was refused, one of another group, a reading one, one before.
    let at = |hours: i64| days.snapshot.taken_at.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
    let record = |n: usize, hours: i64, name: &str, group: &str, error: Option<&str>, readonly: bool| {
        serde_json::json!({
            "eventVersion": "1.09", "eventTime": at(hours).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": "ec2.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli", "eventID": format!("00000000-0000-4000-8000-00000000000{n}"), "eventType": "AwsApiCall",
            "recipientAccountId": account, "readOnly": readonly, "errorCode": error, "managementEvent": true,
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{account}:user/mallory"), "accountId": account},
            "requestParameters": {"groupId": group}, "responseElements": null,
        })
    };
    let records = serde_json::json!({"Records": [
        record(1, 5, "ModifySecurityGroupRules", &id, None, false),
        record(2, 6, "AuthorizeSecurityGroupIngress", &id, Some("UnauthorizedOperation"), false),
        record(3, 7, "AuthorizeSecurityGroupIngress", &format!("{id}0"), None, false),
        record(4, 8, "DescribeSecurityGroups", &id, None, true),
        record(5, -30, "RevokeSecurityGroupIngress", &id, None, false),
    ]});
    std::fs::write(desk.path("trail.json"), records.to_string()).unwrap();
    let lake = desk.text("lake");
    let done = desk.run(&["logs", "ingest", &desk.text("trail.json"), "--lake", &lake]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    // Read as two kinds, a default group has two histories.
    let of = |words: &[&str]| {
        let all = desk.lines(&[&["history", &id], words].concat());
        all.into_iter().find(|h| h["resource"]["kind"] == "ec2.security_group").unwrap()
    };
    let told = of(&["--lake", &lake]);
    let changes = told["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{told}");
    assert_eq!((&changes[0]["what"], &changes[1]["what"]), (&"changed".into(), &"created".into()));
    assert_eq!(changes[0]["differences"][0]["path"], "Description");
    assert_eq!(changes[0]["differences"][0]["after"], "opened for a test");
    let calls = told["by"][0]["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(
        (&calls[0]["call"], &calls[0]["source_ip"]),
        (&"ec2:ModifySecurityGroupRules".into(), &"198.51.100.7".into())
    );
    assert!(calls[0]["who"].as_str().unwrap().ends_with(":user/mallory"));
    assert!(told["by"][1]["unknown"].as_str().unwrap().contains("no record of the lake names the resource"));
    // Without a lake it is unknown, and says so.
    let dark = of(&[]);
    assert!(dark["by"][0]["unknown"].as_str().unwrap().contains("no lake was given"));
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let desk = Desk::new();
    let mut all: Vec<_> = (0..4).map(|_| desk.start(&["scan", "--demo", "--store", "--quiet"]).spawn()).collect();
    for child in &mut all {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(desk.lines(&["findings", "runs"]).len(), 4);
    let found = desk.lines(&["findings", "list"]);
    assert!(found.len() > 200 && found.iter().all(|f| f["state"] == "active"));
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_a_whole_store() {
    let desk = Desk::new();
    desk.run(&["scan", "--demo", "--store"]);
    let all = desk.lines(&["findings", "list"]).len();
    let mut runs = 1;
    for n in 0..25_u64 {
        let mut child = desk.start(&["scan", "--demo", "--store"]).spawn();
        // Spread over the run, without a random number that would make a failure hard to repeat.
        std::thread::sleep(Duration::from_millis(60 + (n * 7) % 25 * 14));
        let _ = child.kill();
        child.wait().unwrap();
        let now = desk.lines(&["findings", "runs"]).len();
        assert!(now == runs || now == runs + 1, "{runs} runs, then {now}");
        runs = now;
    }
    assert!(runs < 26, "no kill met a run that was under way");
    let last = desk.run(&["scan", "--demo", "--only-new", "--format", "jsonl"]);
    assert_eq!((last.code, last.stdout.as_str()), (0, ""), "{}", last.stderr);
    assert_eq!(desk.lines(&["findings", "list"]).len(), all);
    assert_eq!(desk.lines(&["findings", "runs"]).len(), runs + 1);
}

/// A file that may not grow is a disk that is full: writes fail with the system's word, mid-way.
#[test]
fn a_full_disk_is_one_sentence_and_nothing_is_lost() {
    let desk = Desk::new();
    desk.run(&["scan", "--demo", "--store", "--check", "s3.bucket_blocks_public_access"]);
    let before = desk.lines(&["findings", "list"]);
    let run = |limit: u64, lang: &str| {
        let script =
            format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" scan --demo --store --output \"$1\" --lang {lang}");
        Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_yagura"), &desk.text("out.jsonl")])
            .env_clear()
            .env("YAGURA_STATE", desk.path("state"))
            .stdout(Stdio::null())
            .output()
            .unwrap()
    };
    for (lang, sentence) in [("en", "the store cannot be written"), ("ja", "ストアに書き込めない")] {
        let full = run(200, lang);
        let text = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(3), "{text}");
        assert!(text.contains(sentence), "{text}");
        assert_eq!(text.lines().filter(|l| l.contains(sentence)).count(), 1, "{text}");
    }
    assert_eq!(desk.lines(&["findings", "list"]), before);
    assert_eq!(desk.lines(&["findings", "runs"]).len(), 1);
    assert_eq!(run(1 << 20, "en").status.code(), Some(0));
    assert_eq!(desk.lines(&["findings", "runs"]).len(), 2);
}

/// Runs where `YAGURA_TEST_POSTGRES` names a server: scripts/test starts one.
#[test]
fn a_team_shares_a_server() {
    let Ok(url) = std::env::var("YAGURA_TEST_POSTGRES") else { return };
    let desk = Desk::new();
    let first = desk.run(&["scan", "--demo", "--store", &url, "--format", "jsonl"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let list = desk.start(&["findings", "list", "--format", "jsonl"]).env("YAGURA_STORE", &url).run();
    assert!(list.code == 0 && list.stdout.lines().count() > 200, "{}", list.stderr);
    let again = desk.start(&["scan", "--demo", "--only-new", "--format", "jsonl"]).env("YAGURA_STORE", &url).run();
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.stderr);
    assert!(!desk.path("state").exists());
    let down = desk.run(&["findings", "migrate", "--to", "0", "--store", &url]);
    assert_eq!(down.code, 0, "{}", down.stderr);
    let lost = desk.run(&["findings", "list", "--store", "postgres://kim:s3cret@127.0.0.1:1/none"]);
    assert!(
        lost.code == 3 && lost.stderr.contains("cannot be reached") && !lost.stderr.contains("s3cret"),
        "{}",
        lost.stderr
    );
}
