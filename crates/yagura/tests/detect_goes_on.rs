//! `yagura detect` that goes on from an earlier run, or goes on looking: what grew, what changed, what broke, what came late.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command.args(args).env("YAGURA_LANG", "en").current_dir(folder);
    command
}

/// A run that goes on from `state`.
fn run(source: &str, folder: &Path) -> Output {
    command(&["detect", source, "--state", "state", "--late", "1s", "--format", "jsonl"], folder).output().unwrap()
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Rule and records of each finding that is no incident, in order.
fn told(text: &str) -> Vec<String> {
    let all = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let mut found: Vec<String> =
        all.filter(|f| f.get("sequence").is_none()).map(|f| format!("{} {}", f["rule"], f["events"])).collect();
    found.sort();
    found
}

fn call(n: u32, time: &str, source: &str, name: &str, asks: Value) -> Value {
    json!({
        "eventVersion": "1.09", "eventTime": format!("2026-03-01T{time}Z"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "ap-northeast-1", "sourceIPAddress": "198.51.100.77", "userAgent": "aws-cli/2.15",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "accountId": "111122223333",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "ci"},
        "requestParameters": asks, "eventID": format!("00000000-0000-4000-8000-{n:012}"), "recipientAccountId": "111122223333"
    })
}

fn stopped(n: u32, time: &str) -> Value {
    call(n, time, "cloudtrail", "StopLogging", json!({"name": format!("trail-{n}")}))
}

/// Something that nobody minds, which lets what waits go.
fn calm(n: u32, time: &str) -> Value {
    call(n, time, "ec2", "DescribeInstances", json!({}))
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|r| format!("{r}\n")).collect()
}

fn packed(records: &[Value]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
    gz.finish().unwrap()
}

fn append(path: &Path, text: &str) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn of_a_file_that_grew_only_what_came_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("trail.jsonl");
    std::fs::write(&trail, lines(&[stopped(1, "10:00:00"), calm(2, "11:00:00")])).unwrap();
    let first = run("trail.jsonl", folder.path());
    assert!(stderr(&first).contains("2 records of 1 input\n"), "{}", stderr(&first));
    // Three days later: no memory of records reaches back so far.
    let later = |n: u32| {
        let mut record = stopped(n, "10:00:00");
        record["eventTime"] = json!(format!("2026-03-{n:02}T10:00:00Z"));
        record
    };
    append(&trail, &lines(&[later(5), later(6)]));
    let second = run("trail.jsonl", folder.path());
    assert!(stderr(&second).contains("2 records of 1 input\n"), "{}", stderr(&second));
    assert!(String::from_utf8_lossy(&second.stdout).contains("trail-5"));
    // Another file under the same name is read from its beginning.
    std::fs::write(&trail, lines(&[later(8), later(9), later(10), later(11), later(12), calm(7, "10:00:00")])).unwrap();
    assert!(stderr(&run("trail.jsonl", folder.path())).contains("6 records of 1 input"));
}

#[test]
fn what_grows_below_a_header_is_read_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let flows = folder.path().join("flows.log");
    let row = |n: u32| {
        let start = 1_772_359_200 + n * 60;
        format!("{start} {} ACCEPT 198.51.100.{n} 10.0.0.5 44{n:03} 22 6 3 180 2 eni-0a1b2c3d OK\n", start + 30)
    };
    let head =
        "start end action srcaddr dstaddr srcport dstport protocol packets bytes version interface-id log-status\n";
    std::fs::write(&flows, format!("{head}{}{}", row(1), row(2))).unwrap();
    let first = run("flows.log", folder.path());
    assert!(stderr(&first).contains("2 records of 1 input\n"), "{}", stderr(&first));
    append(&flows, &row(3));
    let second = run("flows.log", folder.path());
    let said = stderr(&second);
    assert!(said.contains("1 record of 1 input\n"), "{said}");
}

#[test]
fn of_a_packed_file_that_changed_nothing_counts_twice() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("trail.json.gz");
    let (a, b, c) = (stopped(1, "10:00:00"), calm(2, "11:00:00"), stopped(3, "12:00:00"));
    std::fs::write(&trail, packed(&[a.clone(), b.clone()])).unwrap();
    let first = run("trail.json.gz", folder.path());
    assert_eq!(told(&String::from_utf8_lossy(&first.stdout)).len(), 1);
    std::fs::write(&trail, packed(&[a, b, c, calm(4, "13:00:00")])).unwrap();
    let second = run("trail.json.gz", folder.path());
    let said = stderr(&second);
    assert!(said.contains("4 records of 1 input: 2 came twice\n"), "{said}");
    let found = told(&String::from_utf8_lossy(&second.stdout));
    assert!(found.len() == 1 && found[0].contains("000000000003"), "{found:?}");
}

#[test]
fn what_broke_is_tried_again_and_is_no_all_clear() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("trail.json.gz");
    let records: Vec<Value> = (1..400).map(|n| stopped(n, &format!("10:{:02}:{:02}", n / 60, n % 60))).collect();
    let whole = packed(&records);
    std::fs::write(&trail, &whole[..40]).unwrap();
    for _ in 0..2 {
        let out = run("trail.json.gz", folder.path());
        assert_eq!(out.status.code(), Some(3), "{}", stderr(&out));
        assert!(stderr(&out).contains("cannot be read to its end"), "{}", stderr(&out));
    }
    std::fs::write(&trail, &whole[..whole.len() / 2]).unwrap();
    let half = run("trail.json.gz", folder.path());
    assert_eq!(half.status.code(), Some(0), "what could be read was: {}", stderr(&half));
    let some = told(&String::from_utf8_lossy(&half.stdout)).len();
    assert!(some > 0 && stderr(&half).contains("cannot be read to its end"), "{some}");
    std::fs::write(&trail, &whole).unwrap();
    std::fs::write(folder.path().join("next.json"), json!({"Records": [calm(900, "12:00:00")]}).to_string()).unwrap();
    let rest = run("*.json*", folder.path());
    assert!(!stderr(&rest).contains("too late"), "{}", stderr(&rest));
    assert_eq!(some + told(&String::from_utf8_lossy(&rest.stdout)).len(), 399);
    let nothing = run("*.json*", folder.path());
    assert_eq!(
        (nothing.status.code(), nothing.stdout.len()),
        (Some(0), 0),
        "nothing is left to do: {}",
        stderr(&nothing)
    );
}

#[test]
fn what_waited_for_a_rule_that_is_gone_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trail.jsonl"), lines(&[stopped(1, "10:00:00")])).unwrap();
    std::fs::write(folder.path().join("off.json"), r#"{"detail": {"eventName": ["StopLogging"]}}"#).unwrap();
    let with = ["detect", "trail.jsonl", "--state", "state", "--rules", "off.json", "--format", "jsonl"];
    assert!(command(&with, folder.path()).output().unwrap().status.success());
    let without = command(&["detect", "trail.jsonl", "--state", "state"], folder.path()).output().unwrap();
    assert!(
        stderr(&without).contains("1 matches of records that waited are of rules that are no more"),
        "{}",
        stderr(&without)
    );
}

/// An attack that grows after its only sequence went away cannot be told; that is said, and what else was found is told.
#[test]
fn an_incident_of_a_sequence_that_is_gone_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let words = "en: {title: t, why: w, look: [l]}\nja: {title: 題, why: 理由, look: [次]}\n";
    for (name, call) in [("one", "ListFunctions"), ("two", "DescribeVpcs")] {
        let path = folder.path().join(format!("own/detections/cloudtrail/own_{name}.yaml"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let tests = "tests: {a: {event: {}, expect: fire}, b: {event: {errorCode: x}, expect: quiet}}\n";
        let text = format!(
            "kind: detection\nid: cloudtrail.own_{name}\nevent: {{name: {call}}}\nmatch: event.succeeded\nsilent: true\nseverity: low\nmaps: []\n{words}{tests}"
        );
        std::fs::write(path, text).unwrap();
    }
    let sequence = format!(
        "kind: sequence\nid: sequence.own\njoin: [actor]\nwithin: 1h\nstages:\n  - a: [cloudtrail.own_one]\n  - b: [cloudtrail.own_two]\nseverity: high\nmaps: []\n{words}\
         tests: {{a: {{events: [{{eventName: ListFunctions}}, {{eventName: DescribeVpcs}}], expect: 1}}, b: {{events: [{{eventName: DescribeVpcs}}], expect: quiet}}}}\n"
    );
    std::fs::create_dir_all(folder.path().join("own/sequences")).unwrap();
    std::fs::write(folder.path().join("own/sequences/own.yaml"), sequence).unwrap();
    let first = [
        call(1, "10:00:00", "lambda", "ListFunctions", json!({})),
        call(2, "10:01:00", "ec2", "DescribeVpcs", json!({})),
        calm(3, "10:30:00"),
    ];
    std::fs::write(folder.path().join("trail.jsonl"), lines(&first)).unwrap();
    let with = ["detect", "trail.jsonl", "--content", "own", "--state", "state", "--late", "1s", "--format", "jsonl"];
    let out = command(&with, folder.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("sequence.own"), "{}", stderr(&out));
    append(&folder.path().join("trail.jsonl"), &lines(&[stopped(4, "11:00:00"), calm(5, "12:00:00")]));
    let without = run("trail.jsonl", folder.path());
    assert!(
        stderr(&without).contains("1 findings are of rules that are no more, and cannot be told: sequence.own"),
        "{}",
        stderr(&without)
    );
    assert_eq!(told(&String::from_utf8_lossy(&without.stdout)).len(), 1);
}

/// What a state file holds.
fn held(path: &Path) -> String {
    String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap()
}

#[test]
fn what_was_told_long_ago_is_let_go_and_what_had_to_be_forgotten_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (trail, state) = (folder.path().join("trail.jsonl"), folder.path().join("state"));
    std::fs::write(&trail, lines(&[stopped(1, "10:00:00"), calm(2, "11:00:00")])).unwrap();
    assert_eq!(told(&String::from_utf8_lossy(&run("trail.jsonl", folder.path()).stdout)).len(), 1);
    let signals =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["state"]["signals"].as_array().unwrap().len();
    assert_eq!(signals(&held(&state)), 1, "it may grow yet");
    let later = |mut record: Value| {
        record["eventTime"] = record["eventTime"].as_str().unwrap().replace("2026-03-01", "2026-06-01").into();
        record
    };
    append(&trail, &lines(&[later(calm(3, "10:00:00")), later(calm(4, "11:00:00"))]));
    let quiet = run("trail.jsonl", folder.path());
    assert!(told(&String::from_utf8_lossy(&quiet.stdout)).is_empty() && !stderr(&quiet).contains("forgotten"));
    let saved = held(&state);
    assert_eq!(signals(&saved), 0);
    // Where room ran out, every run that goes on from there says so.
    assert_eq!(saved.matches("\"forgotten\":0").count(), 1, "{saved}");
    let short = saved.replace("\"forgotten\":0", "\"forgotten\":7");
    std::fs::write(&state, zstd::encode_all(short.as_bytes(), 1).unwrap()).unwrap();
    append(&trail, &lines(&[later(stopped(5, "12:00:00")), later(calm(6, "13:00:00"))]));
    let next = run("trail.jsonl", folder.path());
    let found = told(&String::from_utf8_lossy(&next.stdout));
    assert!(found.len() == 1 && found[0].contains("000000000005"), "{found:?}");
    assert!(stderr(&next).contains("7 counts, links between identities and begun sequences"), "{}", stderr(&next));
}

/// A run that goes on until it is stopped.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn follow(folder: &Path) -> Following {
    let args = [
        "detect", "in", "--follow", "--every", "1", "--late", "1h", "--state", "state", "-o", "found", "--format",
        "jsonl",
    ];
    Following(command(&args, folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Waits until what was written says this.
fn until(path: &Path, wanted: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.contains(wanted) {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "`{wanted}` never came: {text}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_folder_that_grows_is_followed_and_late_files_fall_into_place() {
    let folder = tempfile::tempdir().unwrap();
    let incoming = folder.path().join("in");
    std::fs::create_dir(&incoming).unwrap();
    let put = |name: &str, records: &[Value]| {
        // Written beside and moved, as who delivers files does.
        let beside = folder.path().join("writing");
        std::fs::write(&beside, json!({"Records": records}).to_string()).unwrap();
        std::fs::rename(&beside, incoming.join(name)).unwrap();
    };
    let admin = json!({"userName": "svc", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    let share =
        json!({"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"userId": "444455556666"}]}}});
    let user = call(1, "10:00:00", "iam", "CreateUser", json!({"userName": "svc"}));
    let rights = call(2, "10:01:00", "iam", "AttachUserPolicy", admin);
    let shared = call(4, "10:09:00", "ec2", "ModifySnapshotAttribute", share);
    put("1.json", std::slice::from_ref(&user));
    let running = follow(folder.path());
    let found = folder.path().join("found");
    // The snapshot goes first, then what came before it: half an hour late, within the hour.
    put("2.json", &[shared.clone(), calm(5, "10:30:00")]);
    put("3.json", &[calm(6, "10:40:00")]);
    std::thread::sleep(Duration::from_secs(4));
    put("4.json", &[rights.clone(), stopped(3, "10:05:00")]);
    // The state has one user at a time.
    let begun = Instant::now();
    let busy = loop {
        let other = run("in", folder.path());
        if other.status.code() == Some(2) || begun.elapsed() > Duration::from_secs(60) {
            break other;
        }
    };
    assert!(stderr(&busy).contains("another run of yagura is working with `state`"), "{}", stderr(&busy));
    std::thread::sleep(Duration::from_secs(3));
    put("5.json", &[calm(7, "12:00:00")]);
    let streamed = until(&found, "sequence.blind_then_take");
    put("6.json", &[calm(8, "13:00:00"), stopped(9, "11:30:00")]);
    put("7.json", &[calm(10, "15:00:00")]);
    let streamed_all = until(&found, "trail-9");
    drop(running);
    let batch = command(&["detect", "in", "--format", "jsonl"], folder.path()).output().unwrap();
    assert_eq!(told(&streamed_all), told(&String::from_utf8_lossy(&batch.stdout)));
    let last = |text: &str| {
        let all: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let mut events: Vec<String> = all
            .iter()
            .rfind(|f| f.get("sequence").is_some())
            .map(|f| f["events"].as_array().unwrap().iter().map(Value::to_string).collect())
            .unwrap();
        events.sort();
        events
    };
    assert_eq!(last(&streamed_all), last(&String::from_utf8_lossy(&batch.stdout)), "{streamed}");
}

/// Whoever stops a trail stops its records too: what is found must not wait for the next one.
#[test]
fn a_stream_that_falls_silent_is_told_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/1.json"), json!({"Records": [stopped(1, "10:00:00")]}).to_string()).unwrap();
    let args = ["detect", "in", "--follow", "--every", "1", "--late", "3s", "-o", "found", "--format", "jsonl"];
    let running = Following(command(&args, folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let found = until(&folder.path().join("found"), "trail-1");
    std::thread::sleep(Duration::from_secs(3));
    drop(running);
    let told = std::fs::read_to_string(folder.path().join("found")).unwrap();
    assert_eq!(told, found, "and told once");
}
