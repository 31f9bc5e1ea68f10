//! `yagura detect` and `yagura events`, as a user runs them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn yagura(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yagura")).args(args).env("YAGURA_LANG", "en").current_dir(folder).output().unwrap()
}

fn findings(out: &Output) -> Vec<Value> {
    String::from_utf8(out.stdout.clone()).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn rules(found: &[Value]) -> Vec<&str> {
    found.iter().map(|f| f["rule"].as_str().unwrap()).collect()
}

fn event(n: u32, time: &str, source: &str, name: &str, more: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": time, "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "ap-northeast-1", "sourceIPAddress": "198.51.100.77", "userAgent": "aws-cli/2.15",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "accountId": "111122223333",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "ci"},
        "requestParameters": {}, "eventID": format!("00000000-0000-4000-8000-{n:012}"), "recipientAccountId": "111122223333"
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

/// An intruder with a key: a user, administrator rights for it, the trail off, a snapshot away.
fn attack() -> Vec<Value> {
    let p = |value: Value| json!({"requestParameters": value});
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    vec![
        event(1, "2026-03-01T10:00:00Z", "iam", "CreateUser", p(json!({"userName": "svc"}))),
        event(2, "2026-03-01T10:01:00Z", "iam", "AttachUserPolicy", p(json!({"userName": "svc", "policyArn": admin}))),
        event(3, "2026-03-01T10:05:00Z", "cloudtrail", "StopLogging", p(json!({"name": "main"}))),
        event(
            4,
            "2026-03-01T10:09:00Z",
            "ec2",
            "ModifySnapshotAttribute",
            p(
                json!({"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"userId": "444455556666"}]}}}),
            ),
        ),
    ]
}

fn write(path: &Path, records: &[Value]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, json!({"Records": records}).to_string()).unwrap();
}

#[test]
fn an_attack_is_one_incident_with_all_its_events() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("trail.json"), &attack());
    let out = yagura(&["detect", "trail.json", "--format", "jsonl"], folder.path());
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let found = findings(&out);
    let incidents: Vec<&Value> = found.iter().filter(|f| f.get("sequence").is_some()).collect();
    assert_eq!(incidents.len(), 1, "{:?}", rules(&found));
    let incident = incidents[0];
    assert_eq!(incident["events"].as_array().unwrap().len(), 4);
    assert_eq!(incident["severity"], "critical");
    assert_eq!(incident["about"]["actor"], "arn:aws:iam::111122223333:user/ci");
    assert!(incident["sequence"].as_array().unwrap().contains(&json!("sequence.blind_then_take")));
    for rule in [
        "cloudtrail.user_created",
        "cloudtrail.admin_policy_attached",
        "cloudtrail.logging_stopped",
        "cloudtrail.snapshot_shared",
    ] {
        assert!(rules(&found).contains(&rule), "{rule}");
    }
    let stopped = found.iter().find(|f| f["rule"] == "cloudtrail.logging_stopped").unwrap();
    assert_eq!(stopped["time"], "2026-03-01T10:05:00Z");
    assert_eq!(stopped["events"], json!(["00000000-0000-4000-8000-000000000003"]));
    assert!(stopped["title"].as_str().unwrap().contains("main"));
    assert!(!stopped["look"].as_array().unwrap().is_empty());
    // Twice the same file, the other way round: the same findings.
    let mut turned = attack();
    turned.reverse();
    write(&folder.path().join("again.json"), &turned);
    let both = yagura(&["detect", "trail.json", "again.json", "--format", "jsonl"], folder.path());
    assert_eq!(findings(&both), found);
    assert!(String::from_utf8_lossy(&both.stderr).contains("4 came twice"));
}

#[test]
fn exit_codes_and_severities_are_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("trail.json"), &attack());
    let run = |more: &[&str]| yagura(&[&["detect", "trail.json", "--format", "jsonl"], more].concat(), folder.path());
    assert_eq!(run(&["--fail-on", "high"]).status.code(), Some(1));
    assert_eq!(run(&["--until", "2026-02-01", "--fail-on", "low"]).status.code(), Some(0));
    let severe = findings(&run(&["--severity", "critical"]));
    assert!(!severe.is_empty() && severe.iter().all(|f| f["severity"] == "critical"));
    assert_eq!(run(&["--since", "yesterdayish"]).status.code(), Some(2));
    assert_eq!(yagura(&["detect", "missing.json"], folder.path()).status.code(), Some(3));
}

#[test]
fn a_lake_gives_what_its_files_gave() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("trail.json"), &attack());
    assert!(yagura(&["logs", "ingest", "trail.json", "--lake", "lake", "--quiet"], folder.path()).status.success());
    let of_file = findings(&yagura(&["detect", "trail.json", "--format", "jsonl"], folder.path()));
    let out = yagura(&["detect", "--lake", "lake", "--format", "jsonl"], folder.path());
    assert_eq!(findings(&out), of_file, "{}", String::from_utf8_lossy(&out.stderr));
}

/// Flow, DNS and S3 logs: what the lake gives back is found as in the files. Records that have no id of their own are named by their text,
/// which in a lake is the row's.
#[test]
fn a_lake_of_other_logs_gives_what_its_files_gave() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let flows: String = (0..400u32)
        .map(|n| {
            let start = 1_772_359_200 + n;
            format!(
                "2 111122223333 eni-0a1b2c3d4e5f60718 198.51.100.77 10.0.0.5 40000 {} 6 1 60 {start} {} REJECT OK\n",
                n + 1,
                start + 1
            )
        })
        .collect();
    std::fs::write(logs.join("flows.log"), flows).unwrap();
    let dns: String = (0..3)
        .map(|n| {
            let query = json!({"version": "1.100000", "account_id": "111122223333", "region": "us-east-1", "vpc_id": "vpc-0a1b2c3d",
                "query_timestamp": format!("2026-03-01T10:0{n}:00Z"), "query_name": "pool.minexmr.com.", "query_type": "A",
                "query_class": "IN", "rcode": "NOERROR", "answers": [{"Rdata": "198.51.100.9", "Type": "A", "Class": "IN"}],
                "srcaddr": "10.0.0.5", "srcport": "40000", "transport": "UDP", "srcids": {"instance": "i-0123456789abcdef0"}});
            format!("{query}\n")
        })
        .collect();
    std::fs::write(logs.join("dns.json"), dns).unwrap();
    let s3: String = (0..3)
        .map(|n| {
            format!(
                "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be data [01/Mar/2026:10:00:0{n} +0000] 198.51.100.7 - R{n} \
                 REST.PUT.OBJECT k{n} \"PUT /data/k{n} HTTP/1.1\" 200 - - 10 7 5 \"-\" \"curl/8\" - h= - TLS_AES_128_GCM_SHA256 - \
                 data.s3.amazonaws.com TLSv1.3 - -\n"
            )
        })
        .collect();
    std::fs::write(logs.join("s3.log"), s3).unwrap();
    assert!(yagura(&["logs", "ingest", "logs", "--lake", "lake", "--quiet"], folder.path()).status.success());
    let of_files = findings(&yagura(&["detect", "logs", "--format", "jsonl"], folder.path()));
    let names = rules(&of_files);
    for log in ["vpc.", "dns.", "s3."] {
        assert!(names.iter().any(|n| n.starts_with(log)), "{log}: {names:?}");
    }
    let out = yagura(&["detect", "--lake", "lake", "--format", "jsonl"], folder.path());
    let named = |all: Vec<Value>| -> Vec<(Value, usize)> {
        let each = all.into_iter().map(|mut f| {
            let events = f["events"].take().as_array().unwrap().len();
            (f, events)
        });
        each.collect()
    };
    assert_eq!(named(findings(&out)), named(of_files), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn runs_in_parts_find_what_one_run_finds() {
    let folder = tempfile::tempdir().unwrap();
    let all = attack();
    write(&folder.path().join("whole/trail.json"), &all);
    let whole = findings(&yagura(&["detect", "whole", "--format", "jsonl"], folder.path()));
    let mut found = Vec::new();
    for (n, part) in all.chunks(1).enumerate() {
        write(&folder.path().join(format!("parts/{n}.json")), part);
        let run = ["detect", "parts", "--state", "state", "--late", "1s", "--format", "jsonl"];
        found.extend(findings(&yagura(&run, folder.path())));
    }
    // The last record waits for what may still come; a later one lets it go.
    let later = event(9, "2026-03-01T12:00:00Z", "ec2", "DescribeInstances", json!({}));
    write(&folder.path().join("parts/9.json"), &[later]);
    found.extend(findings(&yagura(
        &["detect", "parts", "--state", "state", "--late", "1s", "--format", "jsonl"],
        folder.path(),
    )));
    let told = |all: &[Value]| {
        let mut names: Vec<String> = all
            .iter()
            .filter(|f| f.get("sequence").is_none())
            .map(|f| format!("{} {}", f["rule"], f["events"]))
            .collect();
        names.sort();
        names
    };
    assert_eq!(told(&found), told(&whole));
    let last = found.iter().rev().find(|f| f.get("sequence").is_some()).unwrap();
    let incident = whole.iter().find(|f| f.get("sequence").is_some()).unwrap();
    assert_eq!((&last["events"], &last["sequence"]), (&incident["events"], &incident["sequence"]));
    let nothing = yagura(&["detect", "parts", "--state", "state", "--format", "jsonl"], folder.path());
    assert!(findings(&nothing).is_empty(), "what was read is not read again");
}

#[test]
fn rules_lists_and_exceptions_of_ones_own_count() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("trail.json"), &attack());
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    let sigma = "title: Trail off\nid: 11111111-1111-4111-8111-111111111111\nstatus: test\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\n\
        detection:\n  selection: {eventSource: cloudtrail.amazonaws.com, eventName|startswith: Stop}\n  condition: selection\n";
    std::fs::write(folder.path().join("rules/off.yml"), sigma).unwrap();
    std::fs::write(
        folder.path().join("rules/users.json"),
        r#"{"source": ["aws.iam"], "detail": {"eventName": [{"prefix": "Create"}]}}"#,
    )
    .unwrap();
    std::fs::write(folder.path().join("bad.txt"), "198.51.100.77 # known\n").unwrap();
    std::fs::write(
        folder.path().join("quiet.toml"),
        "[[suppress]]\nrule = \"cloudtrail.user_*\"\nactor = \"*:user/ci\"\nuntil = \"2027-01-01\"\nreason = \"test\"\n",
    )
    .unwrap();
    let run = |more: &[&str]| yagura(&[&["detect", "trail.json", "--format", "jsonl"], more].concat(), folder.path());
    let found = findings(&run(&[
        "--rules",
        "rules",
        "--intel",
        "bad.txt=c2",
        "--intel",
        "bad.txt",
        "--suppress",
        "quiet.toml",
    ]));
    let names = rules(&found);
    assert!(names.contains(&"sigma.11111111-1111-4111-8111-111111111111"), "{names:?}");
    assert!(names.contains(&"pattern.users"), "{names:?}");
    assert!(names.contains(&"cloudtrail.acted_from_malicious_address"), "{names:?}");
    assert!(!names.contains(&"cloudtrail.user_created"), "{names:?}");
    std::fs::write(folder.path().join("ours.txt"), "198.51.100.0/24\n").unwrap();
    let allowed = findings(&run(&["--intel", "bad.txt", "--allow", "ours.txt"]));
    assert!(!rules(&allowed).contains(&"cloudtrail.acted_from_malicious_address"));
    std::fs::write(
        folder.path().join("rules/odd.yml"),
        "title: x\nlogsource: {product: aws}\ndetection: {a: {b|frobnicate: c}, condition: a}\n",
    )
    .unwrap();
    let odd = run(&["--rules", "rules"]);
    assert!(String::from_utf8_lossy(&odd.stderr).contains("frobnicate"));
    assert!(rules(&findings(&odd)).contains(&"cloudtrail.logging_stopped"), "the rest runs");
    assert_eq!(run(&["--intel", "bad.txt=tor-exit"]).status.code(), Some(2));
}

#[test]
fn impossible_travel_wants_a_table_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = |n: u32, time: &str, ip: &str| {
        event(n, &format!("2026-03-01T{time}Z"), "ec2", "DescribeInstances", json!({"sourceIPAddress": ip}))
    };
    write(&folder.path().join("trail.json"), &[at(1, "10:00:00", "203.0.113.9"), at(2, "10:20:00", "2001:db8:2::7")]);
    let run = |more: &[&str]| yagura(&[&["detect", "trail.json", "--format", "jsonl"], more].concat(), folder.path());
    let without = run(&[]);
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(said.contains("off: cloudtrail.impossible_travel"), "{said}");
    assert!(!rules(&findings(&without)).contains(&"cloudtrail.impossible_travel"));
    let table =
        "# by hand\n203.0.113.0/24,35.68,139.69,Tokyo\n2001:db8:2::/48,51.5,-0.12,London\n198.51.100.0/33,1,2\n";
    std::fs::write(folder.path().join("places.csv"), table).unwrap();
    let with = run(&["--places", "places.csv"]);
    let said = String::from_utf8_lossy(&with.stderr).into_owned();
    assert!(said.contains("places.csv:4: ") && !said.contains("off:"), "{said}");
    let found = findings(&with);
    let travel = found.iter().find(|f| f["rule"] == "cloudtrail.impossible_travel").unwrap();
    let title = travel["title"].as_str().unwrap();
    assert!(title.contains("Tokyo (203.0.113.9), then London (2001:db8:2::7)"), "{title}");
    assert_eq!(travel["events"].as_array().unwrap().len(), 2);
    std::fs::write(folder.path().join("none.csv"), "nothing of the kind\n").unwrap();
    let none = run(&["--places", "none.csv"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&none.stderr).contains("none.csv:1: "),
        "{}",
        String::from_utf8_lossy(&none.stderr)
    );
}

/// A finding of GuardDuty's as EventBridge delivers it, and CloudTrail's record of what the same key did next.
#[test]
fn an_attack_that_guardduty_saw_begin_is_one_incident() {
    let folder = tempfile::tempdir().unwrap();
    let key = json!({"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "principalId": "AIDAEXAMPLE", "userType": "IAMUser", "userName": "ci"});
    let finding = json!({
        "version": "0", "id": "c8c4daa7-a20c-2f03-0070-b7393dd542ad", "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
        "account": "111122223333", "time": "2026-03-01T09:59:00Z", "region": "ap-northeast-1", "resources": [],
        "detail": {"schemaVersion": "2.0", "accountId": "111122223333", "region": "ap-northeast-1", "partition": "aws",
            "id": "16afba5c5c43e07c9e3e5e2e544e95df", "arn": "arn:aws:guardduty:ap-northeast-1:111122223333:detector/d/finding/f",
            "type": "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom", "severity": 5, "title": "A known bad address called",
            "createdAt": "2026-03-01T09:58:00Z", "updatedAt": "2026-03-01T09:58:00Z",
            "resource": {"resourceType": "AccessKey", "accessKeyDetails": key},
            "service": {"serviceName": "guardduty", "archived": false, "count": 1}}
    });
    std::fs::write(folder.path().join("finding.json"), finding.to_string()).unwrap();
    write(&folder.path().join("trail.json"), &attack()[3..]);
    let found = findings(&yagura(&["detect", "finding.json", "trail.json", "--format", "jsonl"], folder.path()));
    let incidents: Vec<&Value> = found.iter().filter(|f| f.get("sequence").is_some()).collect();
    assert_eq!(incidents.len(), 1, "{:?}", rules(&found));
    assert_eq!(incidents[0]["sequence"], json!(["sequence.stolen_identity_takes_data"]));
    assert_eq!(incidents[0]["events"].as_array().unwrap().len(), 2);
    let alone = findings(&yagura(&["detect", "trail.json", "--format", "jsonl"], folder.path()));
    assert!(alone.iter().all(|f| f.get("sequence").is_none()), "{:?}", rules(&alone));
}

#[test]
fn what_is_shared_with_ones_own_accounts_stays_inside() {
    let folder = tempfile::tempdir().unwrap();
    let day = |account: &str| format!("AWSLogs/{account}/CloudTrail/us-east-1/2026/03/01/trail.json");
    write(&folder.path().join(day("111122223333")), &attack());
    let shared = |more: &[&str]| {
        let found = findings(&yagura(&[&["detect", "AWSLogs", "--format", "jsonl"], more].concat(), folder.path()));
        rules(&found).contains(&"cloudtrail.snapshot_shared")
    };
    assert!(shared(&[]));
    std::fs::write(folder.path().join("ours.txt"), "# the sister\n444455556666 # data\n192.0.2.0/24\n").unwrap();
    assert!(!shared(&["--allow", "ours.txt"]));
    write(&folder.path().join(day("444455556666")), &[]);
    assert!(!shared(&[]), "its logs are here, too");
}

#[test]
fn habits_are_kept_for_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let calm: Vec<Value> = (0..60u32)
        .map(|n| {
            let time = format!("2026-02-{:02}T{:02}:00:00Z", 20 + n / 24, n % 24);
            event(1000 + n, &time, "ec2", "DescribeInstances", json!({"sourceIPAddress": "203.0.113.10"}))
        })
        .collect();
    write(&folder.path().join("calm.json"), &calm);
    write(&folder.path().join("next.json"), &[event(5, "2026-03-01T10:00:00Z", "ec2", "DescribeInstances", json!({}))]);
    let learned = yagura(&["detect", "calm.json", "--baseline", "habits", "--format", "jsonl"], folder.path());
    assert!(findings(&learned).is_empty(), "{}", String::from_utf8_lossy(&learned.stdout));
    let with = findings(&yagura(&["detect", "next.json", "--baseline", "habits", "--format", "jsonl"], folder.path()));
    assert!(rules(&with).contains(&"cloudtrail.new_network"), "{:?}", rules(&with));
    let without = findings(&yagura(&["detect", "next.json", "--format", "jsonl"], folder.path()));
    assert!(!rules(&without).contains(&"cloudtrail.new_network"));
    std::fs::write(folder.path().join("broken"), "not what was learned").unwrap();
    assert_eq!(yagura(&["detect", "next.json", "--baseline", "broken"], folder.path()).status.code(), Some(2));
}

#[test]
fn every_format_and_both_languages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["table", "jsonl", "ocsf", "asff", "html", "timeline"] {
        for lang in ["en", "ja"] {
            let out = yagura(&["detect", "--demo", "--format", format, "--lang", lang], folder.path());
            assert!(out.status.success(), "{format} {lang}: {}", String::from_utf8_lossy(&out.stderr));
            let text = String::from_utf8(out.stdout).unwrap();
            assert!(text.contains("svc-backup"), "{format} {lang}");
            assert_eq!(text.contains("停止"), lang == "ja", "{format} {lang}");
        }
    }
}

#[test]
fn a_backtest_counts_and_proposes_narrow_exceptions() {
    let folder = tempfile::tempdir().unwrap();
    let loud: Vec<Value> = (0..40u32)
        .map(|n| {
            let time = format!("2026-{:02}-{:02}T10:00:00Z", 1 + n / 20, 1 + n % 20);
            event(n, &time, "iam", "CreateUser", json!({"requestParameters": {"userName": format!("u{n}")}}))
        })
        .collect();
    write(&folder.path().join("trail.json"), &loud);
    let out = yagura(&["detect", "backtest", "trail.json"], folder.path());
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("cloudtrail.user_created"));
    let toml = String::from_utf8(out.stdout).unwrap();
    assert!(
        toml.contains("rule = \"cloudtrail.user_created\"")
            && toml.contains("actor = \"arn:aws:iam::111122223333:user/ci\""),
        "{toml}"
    );
    std::fs::write(folder.path().join("exceptions.toml"), &toml).unwrap();
    let before = findings(&yagura(&["detect", "trail.json", "--format", "jsonl"], folder.path()));
    let after = findings(&yagura(
        &["detect", "trail.json", "--suppress", "exceptions.toml", "--format", "jsonl"],
        folder.path(),
    ));
    assert!(rules(&before).contains(&"cloudtrail.user_created") && !rules(&after).contains(&"cloudtrail.user_created"));
}

#[test]
fn patterns_are_matched_and_checked_line_by_line() {
    let ask = |what: &str, text: &str| {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_yagura"))
            .args(["events", what, "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let lines = "{\"id\": 1, \"rules\": {\"a\": [{\"x\": [{\"numeric\": [\">\", 1]}]}], \"b\": [{\"x\": [1]}, {\"y\": [\"z\"]}]}, \"event\": {\"x\": 2, \"y\": \"z\"}}\n\
        {\"id\": \"two\", \"rules\": {\"a\": [\"{\\\"x\\\": [1, 2], \\\"x\\\": [3]}\"]}, \"event\": \"{\\\"x\\\": 3}\"}\n\
        not json\n";
    let answers: Vec<Value> = ask("match", lines).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(answers[0], json!({"id": 1, "matched": ["a", "b"]}));
    assert_eq!(answers[1], json!({"id": "two", "matched": ["a"]}));
    assert!(answers[2]["error"].is_string());
    let checked: Vec<Value> =
        ask("check", "{\"id\": 1, \"pattern\": {\"a\": [1]}}\n{\"id\": 2, \"pattern\": {\"a\": 1}}\n")
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
    assert_eq!(checked[0], json!({"id": 1, "error": null}));
    assert!(checked[1]["error"].as_str().unwrap().starts_with("Event pattern is not valid. Reason: "));
}
