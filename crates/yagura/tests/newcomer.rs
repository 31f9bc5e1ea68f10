//! What somebody meets who runs `yagura detect` for the first time: what is said, and when.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn yagura(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command.args(args).env("YAGURA_LANG", "en").env_remove("YAGURA_LAKE").current_dir(folder).output().unwrap()
}

fn out(o: &Output) -> String {
    String::from_utf8(o.stdout.clone()).unwrap()
}

fn err(o: &Output) -> String {
    String::from_utf8(o.stderr.clone()).unwrap()
}

/// A trail's file in a folder: `users` users are made by one administrator, an hour apart.
fn trail(folder: &Path, users: u32) {
    let one = |n: u32| {
        json!({
            "eventVersion": "1.09", "eventTime": format!("2026-03-{:02}T{:02}:00:00Z", 1 + n / 24, n % 24),
            "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
            "sourceIPAddress": "198.51.100.77", "userAgent": "aws-cli/2.15",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "accountId": "111122223333",
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "ci"},
            "requestParameters": {"userName": format!("u{n}")}, "eventID": format!("00000000-0000-4000-8000-{n:012}"),
            "recipientAccountId": "111122223333"
        })
    };
    let all: Vec<Value> = (0..users).map(one).collect();
    std::fs::write(folder.join("trail.json"), json!({"Records": all}).to_string()).unwrap();
}

#[test]
fn the_list_shows_maps_and_is_filtered() {
    let here = tempfile::tempdir().unwrap();
    let ids = |args: &[&str]| -> Vec<String> {
        let o = yagura(&[&["detect", "list", "--json"], args].concat(), here.path());
        assert!(o.status.success(), "{}", err(&o));
        let all: Vec<Value> = serde_json::from_slice(&o.stdout).unwrap();
        all.iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&[]);
    assert!(all.len() > 100);
    let dns = ids(&["--log", "dns"]);
    assert!(!dns.is_empty() && dns.iter().all(|id| id.starts_with("dns.")));
    assert!(ids(&["--log", "sequence"]).iter().all(|id| id.starts_with("sequence.")));
    let mapped = ids(&["--maps", "t1562.008"]);
    assert!(mapped.contains(&"cloudtrail.logging_stopped".to_owned()) && mapped.len() < all.len());
    assert!(
        ids(&["--maps", "guardduty/*CloudTrailLoggingDisabled"]).contains(&"cloudtrail.logging_stopped".to_owned())
    );
    let critical = ids(&["--severity", "critical"]);
    assert!(!critical.is_empty() && critical.len() < ids(&["--severity", "high"]).len());
    assert_eq!(ids(&["--rule", "cloudtrail.logging_stop*"]), ["cloudtrail.logging_stopped"]);
    let text = out(&yagura(&["detect", "list", "--rule", "cloudtrail.logging_stopped"], here.path()));
    assert!(text.contains("attack/T1562.008") && text.lines().count() == 1, "{text}");
    let none = yagura(&["detect", "list", "--rule", "nothing.like_it"], here.path());
    assert_eq!((none.status.code(), none.stdout.is_empty()), (Some(2), true));
    let log = yagura(&["detect", "list", "--log", "cloudtrial"], here.path());
    assert!(err(&log).contains("did you mean `cloudtrail`?"), "{}", err(&log));
}

#[test]
fn one_detection_or_sequence_is_shown_whole() {
    let here = tempfile::tempdir().unwrap();
    let show = |id: &str, lang: &str| yagura(&["detect", "show", id, "--lang", lang], here.path());
    let text = out(&show("cloudtrail.logging_stopped", "en"));
    for part in
        ["StopLogging", "event.succeeded", "attack/T1562.008", "sequence.blind_then_take (blind)", "stays quiet"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let ja = out(&show("cloudtrail.logging_stopped", "ja"));
    assert!(ja.contains("停止") && ja.contains("検出しない") && !ja.contains("stays quiet"), "{ja}");
    let sequence = out(&show("sequence.leaked_key_to_theft", "en"));
    assert!(sequence.contains("joined on") && sequence.contains("(optional): "), "{sequence}");
    let near = show("cloudtrail.loging_stopped", "en");
    assert_eq!(near.status.code(), Some(2));
    assert!(err(&near).contains("did you mean `cloudtrail.logging_stopped`?"));
}

#[test]
fn without_arguments_the_lake_is_read_or_told_of() {
    let here = tempfile::tempdir().unwrap();
    for command in [&["detect"][..], &["detect", "backtest"], &["investigate", "198.51.100.77"]] {
        let o = yagura(command, here.path());
        assert_eq!(o.status.code(), Some(2), "{command:?}");
        assert!(err(&o).contains("--demo") && err(&o).contains("yagura logs ingest"), "{}", err(&o));
    }
    trail(here.path(), 2);
    assert!(yagura(&["logs", "ingest", "trail.json", "--quiet"], here.path()).status.success());
    let o = yagura(&["detect", "--format", "jsonl"], here.path());
    assert!(o.status.success() && out(&o).contains("cloudtrail.user_created"), "{}", err(&o));
    let of_it = out(&yagura(&["detect", "trail.json", "--format", "jsonl"], here.path()));
    assert_eq!(out(&o), of_it);
}

#[test]
fn a_time_of_which_nothing_is_there_is_no_all_clear() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 2);
    assert!(yagura(&["logs", "ingest", "trail.json", "--quiet"], here.path()).status.success());
    for time in [["--since", "2026-03-05"], ["--since", "2027-03-05"], ["--until", "2026-02-05"]] {
        let o = yagura(&[&["detect", "--lake", "yagura-lake"], &time[..]].concat(), here.path());
        assert_eq!(o.status.code(), Some(3), "{time:?}");
        assert!(
            o.stdout.is_empty() && err(&o).contains("from 2026-03-01T00:00:00Z to 2026-03-01T01:00:00Z"),
            "{}",
            err(&o)
        );
    }
    for command in [&["detect"][..], &["detect", "backtest"]] {
        let o = yagura(&[command, &["trail.json", "--since", "2026-03-05"]].concat(), here.path());
        assert_eq!(o.status.code(), Some(3), "{command:?}");
        assert!(o.stdout.is_empty() && err(&o).contains("the last record is of 2026-03-01T01:00:00Z"), "{}", err(&o));
    }
}

#[test]
fn what_was_loaded_is_said() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 1);
    let detect = |more: &[&str]| yagura(&[&["detect", "trail.json", "--format", "jsonl"], more].concat(), here.path());
    std::fs::create_dir(here.path().join("rules")).unwrap();
    let empty = detect(&["--rules", "rules"]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(err(&empty).contains("there is no rule in `rules`"));
    std::fs::write(here.path().join("rules/users.json"), r#"{"source": ["aws.iam"]}"#).unwrap();
    let loaded = detect(&["--rules", "rules"]);
    assert!(
        err(&loaded).contains("0 Sigma rules and correlations, 1 event patterns from 1 file\n"),
        "{}",
        err(&loaded)
    );
    std::fs::write(here.path().join("list.txt"), "198.51.100.0/24\nmalware.example\n").unwrap();
    let listed = detect(&["--intel", "list.txt=c2"]);
    assert!(err(&listed).contains("list.txt (c2): 1 addresses and networks, 1 domains"), "{}", err(&listed));
    std::fs::write(here.path().join("junk.txt"), "!!! ???\n%%%\n").unwrap();
    let junk = detect(&["--intel", "junk.txt"]);
    assert_eq!(junk.status.code(), Some(2));
    assert!(err(&junk).contains("no address and no domain"), "{}", err(&junk));
    let tor = detect(&["--intel", "list.txt=tor"]);
    assert_eq!(tor.status.code(), Some(2));
    assert!(err(&tor).contains("tor_exit, tor_relay"), "{}", err(&tor));
}

#[test]
fn exceptions_that_do_nothing_are_told_and_those_that_do_are_counted() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 3);
    let one = |rule: &str, until: &str| {
        format!("[[suppress]]\nrule = \"{rule}\"\nuntil = \"{until}\"\nreason = \"test\"\n\n")
    };
    let file = one("cloudtrail.user_creatd", "2099-01-01")
        + &one("cloudtrail.new_network", "2020-01-01")
        + &one("cloudtrail.user_created", "2099-01-01");
    std::fs::write(here.path().join("quiet.toml"), file).unwrap();
    let o = yagura(&["detect", "trail.json", "--suppress", "quiet.toml", "--format", "jsonl"], here.path());
    let said = err(&o);
    assert!(
        said.contains("no rule is called `cloudtrail.user_creatd` (did you mean `cloudtrail.user_created`?)"),
        "{said}"
    );
    assert!(said.contains("the exception of `cloudtrail.new_network` ended on 2020-01-01"), "{said}");
    assert!(said.contains("; exceptions covered ") && !said.contains("covered 0"), "{said}");
    assert!(!out(&o).contains("\"cloudtrail.user_created\""));
}

#[test]
fn where_results_go_is_looked_at_first() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 1);
    for option in ["--output", "--state", "--baseline"] {
        // Nothing is read: that there is no such log is not what is said.
        let o = yagura(&["detect", "missing.json", option, "no/such/folder/file"], here.path());
        assert_eq!(o.status.code(), Some(2), "{option}");
        assert!(err(&o).contains("there is no folder `no/such/folder`"), "{option}: {}", err(&o));
    }
    let run = |file: &str| yagura(&["detect", "trail.json", "-o", file], here.path());
    assert!(run("x.html").status.success() && run("x.jsonl").status.success());
    let read = |file: &str| std::fs::read_to_string(here.path().join(file)).unwrap();
    assert!(read("x.html").starts_with("<!doctype html>"));
    assert!(read("x.jsonl").lines().all(|l| serde_json::from_str::<Value>(l).is_ok()) && !read("x.jsonl").is_empty());
    let json = run("x.json");
    assert_eq!(json.status.code(), Some(2));
    assert!(err(&json).contains("jsonl, ocsf or asff"));
    let page = yagura(&["investigate", "198.51.100.77", "trail.json", "-o", "i.html"], here.path());
    assert!(page.status.success() && read("i.html").starts_with("<!doctype html>"), "{}", err(&page));
}

#[test]
fn a_backtest_says_whether_it_proposes_anything() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 1);
    let calm = yagura(&["detect", "backtest", "trail.json"], here.path());
    assert!(out(&calm).is_empty() && err(&calm).contains("no exception is proposed"), "{}", err(&calm));
    let ja = yagura(&["detect", "backtest", "trail.json", "--lang", "ja"], here.path());
    assert!(err(&ja).contains("提案する例外はない"), "{}", err(&ja));
}

/// A record of CloudTrail.
fn record(n: u32, actor: &str, source: &str, name: &str, parameters: Value) -> Value {
    json!({
        "eventVersion": "1.09", "eventTime": format!("2026-03-01T00:{n:02}:00Z"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.77", "userAgent": "aws-cli/2.15",
        "userIdentity": {"type": "IAMUser", "arn": actor, "accountId": "111122223333", "userName": "x"},
        "requestParameters": parameters, "eventID": format!("00000000-0000-4000-8000-{n:012}"), "recipientAccountId": "111122223333"
    })
}

#[test]
fn plain_names_are_found_or_asked_about() {
    let here = tempfile::tempdir().unwrap();
    let alice = "arn:aws:iam::111122223333:user/team/alice";
    let all = [
        record(1, alice, "iam", "CreateUser", json!({"userName": "svc"})),
        record(2, alice, "iam", "GetUser", json!({"userName": "Alice"})),
        record(3, alice, "s3", "PutBucketPolicy", json!({"bucketName": "payroll"})),
        record(4, alice, "s3", "PutBucketPolicy", json!({"bucketName": "payroll-2024"})),
        record(5, "arn:aws:iam::111122223333:user/deploy", "ec2", "DescribeInstances", json!({})),
        record(6, "arn:aws:sts::111122223333:assumed-role/ci/deploy", "ec2", "DescribeInstances", json!({})),
        record(7, "arn:aws:iam::111122223333:user/jo.doe", "ec2", "DescribeInstances", json!({})),
    ];
    std::fs::write(here.path().join("trail.json"), json!({"Records": all}).to_string()).unwrap();
    let ask = |name: &str| yagura(&["investigate", name, "trail.json", "--format", "json"], here.path());
    let of = |name: &str| -> Value {
        let o = ask(name);
        assert!(o.status.success(), "{name}: {}", err(&o));
        serde_json::from_slice(&o.stdout).unwrap()
    };
    // By its own ARN, with its path, whatever the capitals.
    assert_eq!(of("ALICE")["subject"]["text"], alice);
    assert_eq!(of("svc")["subject"]["text"], "arn:aws:iam::111122223333:user/svc");
    assert_eq!(of("jo.doe")["subject"]["kind"], "user");
    let bucket = of("payroll");
    assert_eq!((&bucket["subject"]["text"], &bucket["records"]), (&json!("arn:aws:s3:::payroll"), &json!(1)));
    let several = ask("deploy");
    assert_eq!(several.status.code(), Some(2));
    for arn in ["user/deploy", "assumed-role/ci/deploy"] {
        assert!(err(&several).contains(arn), "{}", err(&several));
    }
    assert_eq!(ask("nobody").status.code(), Some(2));
    assert_eq!(ask("no.such.example").status.code(), Some(3));
}

#[test]
fn what_is_proposed_next_can_be_pasted() {
    let here = tempfile::tempdir().unwrap();
    std::fs::create_dir(here.path().join("my logs")).unwrap();
    trail(&here.path().join("my logs"), 3);
    std::fs::write(here.path().join("bad.txt"), "198.51.100.77\n").unwrap();
    let args = ["investigate", "arn:aws:iam::111122223333:user/ci", "my logs", "--intel", "bad.txt=c2"];
    let o = yagura(&args, here.path());
    let text = out(&o);
    let commands: Vec<&str> = text.lines().filter_map(|l| l.trim().strip_prefix("yagura ")).collect();
    assert!(commands.iter().any(|c| c.starts_with("investigate ")), "{text}");
    assert!(commands.iter().any(|c| c.starts_with("query ")), "{text}");
    for command in commands {
        let line = format!("'{}' {command}", env!("CARGO_BIN_EXE_yagura"));
        let o =
            Command::new("sh").args(["-c", &line]).env("YAGURA_LANG", "en").current_dir(here.path()).output().unwrap();
        assert!(o.status.success(), "{command}: {}", err(&o));
        assert!(!out(&o).contains("0 rows"), "{command}: {}", out(&o));
        assert_eq!(command.contains("--intel"), command.starts_with("investigate"), "{command}");
    }
}

#[test]
fn who_probes_and_who_is_probed_are_not_swapped() {
    let here = tempfile::tempdir().unwrap();
    let read = |format: &str| -> Vec<Value> {
        let o = yagura(&["detect", "--demo", "--format", format], here.path());
        serde_json::from_slice(&o.stdout).unwrap()
    };
    let (intruder, host) = ("198.51.100.77", "10.0.10.11");
    let of = |rule: &str| read("ocsf").into_iter().find(|f| f["metadata"]["event_code"] == rule).unwrap();
    let probed = of("vpc.port_probed");
    let ends = &probed["evidences"][0];
    assert_eq!((&ends["src_endpoint"]["ip"], &ends["dst_endpoint"]["ip"]), (&json!(intruder), &json!(host)));
    assert_eq!((&probed["resources"][0]["uid"], probed["resources"].as_array().unwrap().len()), (&json!(host), 1));
    assert!(ends.get("actor").is_none());
    let sent = of("vpc.large_uploads");
    let ends = &sent["evidences"][0];
    assert_eq!((&ends["src_endpoint"]["ip"], &ends["dst_endpoint"]["ip"]), (&json!(host), &json!(intruder)));
    assert_eq!(sent["resources"][0]["uid"], host);
    let asff = read("asff");
    let of = |rule: &str| asff.iter().find(|f| f["ProductFields"]["yagura/rule"] == rule).unwrap();
    let probed = of("vpc.port_probed");
    assert_eq!(probed["Network"], json!({"Direction": "IN", "SourceIpV4": intruder, "DestinationIpV4": host}));
    assert_eq!(
        (&probed["Resources"][0]["Id"], &probed["ProductFields"]["yagura/sourceIp"]),
        (&json!(host), &json!(intruder))
    );
    let sent = of("vpc.large_uploads");
    assert_eq!(sent["Network"], json!({"Direction": "OUT", "SourceIpV4": host, "DestinationIpV4": intruder}));
    // Readers of JSON Lines look for the host.
    let o = yagura(&["detect", "--demo", "--format", "jsonl"], here.path());
    let all: Vec<Value> = out(&o).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let probed = all.iter().find(|f| f["rule"] == "vpc.port_probed").unwrap();
    assert_eq!((&probed["about"]["source_ip"], &probed["about"]["target"]), (&json!(host), &json!(intruder)));
    assert_eq!(probed["title"], "10.0.10.11 is probed from outside (198.51.100.77)");
}

#[test]
fn passwords_are_guessed_by_who_guesses_them() {
    let here = tempfile::tempdir().unwrap();
    let flow = |n: u32, from: &str, to: &str, ports: [u32; 2]| {
        let at = 1_767_571_200 + n * 2;
        format!(
            "2 111122223333 eni-0a1b2c3d {from} {to} {} {} 6 12 1800 {at} {} ACCEPT OK\n",
            ports[0],
            ports[1],
            at + 1
        )
    };
    let head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
    for (client, server) in [("198.51.100.7", "10.0.0.5"), ("10.0.0.5", "203.0.113.9")] {
        let log: String = (0..200).map(|n| flow(n, client, server, [40_000 + n, 22])).collect();
        std::fs::write(here.path().join("flow.log"), format!("{head}{log}")).unwrap();
        let o = yagura(&["detect", "flow.log", "--format", "jsonl"], here.path());
        let all: Vec<Value> = out(&o).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let guessed = all.iter().find(|f| f["rule"] == "vpc.brute_force").unwrap();
        assert_eq!(guessed["title"], format!("Passwords are guessed: {client} against {server}"));
        assert_eq!(guessed["about"]["source_ip"], "10.0.0.5", "the host, whichever of the two it is");
    }
}

#[test]
fn sigma_rules_are_named_by_what_they_are_and_their_correlations_fire_once() {
    let here = tempfile::tempdir().unwrap();
    let ci = "arn:aws:iam::111122223333:user/ci";
    // Made and deleted in turn, four minutes apart, for four hours; and once more the next day.
    let record = |n: u32, at: u32| {
        let name = if n.is_multiple_of(2) { "CreateUser" } else { "DeleteUser" };
        let mut one = record(0, ci, "iam", name, json!({"userName": format!("u{n}")}));
        one["eventTime"] = json!(format!("2026-03-{:02}T{:02}:{:02}:00Z", 1 + at / 1440, at / 60 % 24, at % 60));
        one["eventID"] = json!(format!("00000000-0000-4000-8000-{n:012}"));
        one
    };
    let all: Vec<Value> = (0..60).map(|n| record(n, n * 4)).chain([record(60, 1440), record(61, 1444)]).collect();
    std::fs::write(here.path().join("trail.json"), json!({"Records": all}).to_string()).unwrap();
    let base = |title: &str, event: &str| {
        format!(
            "title: {title}\nname: {title}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {event}}}, condition: s}}\n---\n"
        )
    };
    let correlation = |title: &str, kind: &str, more: &str| {
        format!(
            "title: {title}\nlevel: high\nfalsepositives: [Onboarding]\nreferences: ['https://example.com/why']\n\
             correlation:\n  type: {kind}\n  rules: [made, gone]\n  group-by: [sourceIPAddress]\n  timespan: 10m\n{more}"
        )
    };
    let rules = base("made", "CreateUser")
        + &base("gone", "DeleteUser")
        + &correlation("Made, then gone!", "temporal_ordered", "")
        + "---\n"
        + &correlation("A burst", "event_count", "  condition: {gte: 2}\n");
    std::fs::create_dir(here.path().join("rules")).unwrap();
    std::fs::write(here.path().join("rules/in a folder.yml"), rules).unwrap();
    let args = ["detect", "trail.json", "--rules", "rules"];
    let o = yagura(&[&args[..], &["--format", "jsonl"]].concat(), here.path());
    let found: Vec<Value> = out(&o).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (rule, first) in [("sigma.made_then_gone", "2026-03-01T00:04:00Z"), ("sigma.a_burst", "2026-03-01T00:04:00Z")] {
        let own: Vec<&Value> = found.iter().filter(|f| f["rule"] == rule).collect();
        assert_eq!(own.len(), 2, "{rule}: once for the hours that it goes on, once for the next day: {own:?}");
        assert_eq!((&own[0]["time"], &own[1]["time"]), (&json!(first), &json!("2026-03-02T00:04:00Z")), "{rule}");
        assert_eq!(
            (&own[0]["innocent"], &own[0]["look"]),
            (&json!(["Onboarding"]), &json!(["https://example.com/why"]))
        );
        assert!(
            own[0]["why"].as_str().unwrap().starts_with("2 times since 2026-03-01T00:00:00Z."),
            "{}",
            own[0]["why"]
        );
    }
    assert!(!out(&o).contains("in a folder"), "where a rule lies is not its name");
    let table = out(&yagura(&args, here.path()));
    assert!(table.contains("    Innocent causes: Onboarding\n"), "{table}");
    let lines: Vec<&str> = table.lines().collect();
    for (n, line) in lines.iter().enumerate().filter(|(_, l)| l.trim().is_empty()) {
        assert!(
            !lines.get(n + 1).is_some_and(|next| next.starts_with("    ")),
            "an empty line within a finding: {line}"
        );
    }
}

#[test]
fn a_lake_without_small_files_has_nothing_to_merge() {
    let here = tempfile::tempdir().unwrap();
    trail(here.path(), 2);
    for command in [&["logs", "compact"][..], &["logs", "expire", "--keep", "30d"]] {
        let none = yagura(command, here.path());
        assert_eq!(none.status.code(), Some(3), "{command:?}");
        assert!(!here.path().join("yagura-lake").exists(), "{command:?} makes no lake");
    }
    assert!(yagura(&["logs", "ingest", "trail.json", "--quiet"], here.path()).status.success());
    for (lang, words) in [("en", "nothing to merge"), ("ja", "まとめるものはない")] {
        assert!(out(&yagura(&["logs", "compact", "--lang", lang], here.path())).contains(words), "{lang}");
    }
}

#[test]
fn a_misspelt_outcome_in_a_detection_is_named() {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("mine/detections/cloudtrail");
    std::fs::create_dir_all(&folder).unwrap();
    let words = "{title: t, why: w, look: [l]}";
    let file = format!(
        "kind: detection\nid: cloudtrail.mine\nmatch: event.suceeded\nseverity: low\nen: {words}\nja: {words}\n\
         tests: {{a: {{event: {{}}, expect: fire}}, b: {{event: {{errorCode: x}}, expect: quiet}}}}\n"
    );
    std::fs::write(folder.join("mine.yaml"), file).unwrap();
    let o = yagura(&["content", "lint", "mine"], here.path());
    assert!(!o.status.success());
    assert!(out(&o).contains("cloudtrail has no field `suceeded`; did you mean `succeeded`?"), "{}", out(&o));
}

#[test]
fn the_sample_estate_holds_a_whole_attack() {
    let here = tempfile::tempdir().unwrap();
    let o = yagura(&["detect", "--demo", "--format", "jsonl"], here.path());
    let all: Vec<Value> = out(&o).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let incidents: Vec<&Value> = all.iter().filter(|f| f.get("sequence").is_some()).collect();
    assert_eq!(incidents.len(), 1, "one attack is one incident");
    assert_eq!(incidents[0]["severity"], "critical");
    for stage in ["enter", "look", "settle", "widen", "blind", "take"] {
        let reached = incidents[0]["timeline"].as_array().unwrap().iter().any(|m| {
            let of = m["stage"].as_str().unwrap();
            of.ends_with(&format!("/{stage}"))
        });
        assert!(reached, "{stage}");
    }
    for rule in ["cloudtrail.objects_read_in_bulk", "dns.tunnel", "vpc.port_probed", "vpc.large_uploads"] {
        assert!(all.iter().any(|f| f["rule"] == rule), "{rule}");
    }
    for (lang, words) in [
        ("en", ["stages", "Tactics reached: initial access", "take "]),
        ("ja", ["段階", "到達した戦術: 初期アクセス", "持ち出し "]),
    ] {
        let table = out(&yagura(&["detect", "--demo", "--lang", lang], here.path()));
        let head: Vec<&str> = table.lines().take_while(|l| !l.is_empty()).collect();
        assert!(head.len() < 45, "an incident is read at a glance: {head:#?}");
        assert!(words.iter().all(|w| head.iter().any(|l| l.contains(w))), "{head:#?}");
        assert!(!head[0].contains("arn:"), "{}", head[0]);
        for format in ["table", "timeline", "html"] {
            let text = out(&yagura(&["detect", "--demo", "--lang", lang, "--format", format], here.path()));
            let raw = ["ports_allowed", "defense-evasion", "different_names"];
            assert!(!raw.iter().any(|w| text.contains(w)), "{format} {lang}");
            assert!(lang == "en" || !text.contains("[take]"), "{format}");
        }
    }
}
