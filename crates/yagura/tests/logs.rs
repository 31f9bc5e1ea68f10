//! Logs into the lake by the program itself: from S3, through kills, and read back by other engines.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use yagura_testkit::Trail;

fn trail() -> Trail {
    Trail { bytes: 6 << 20, delivery: 48 << 10, days: 2, regions: 2, accounts: 2, seed: 11 }
}

fn json(words: &[&str]) -> Value {
    let out = Run::new(words).run();
    assert_eq!(out.code, 0, "{}", out.stderr);
    serde_json::from_str(&out.stdout).unwrap()
}

fn rows(lake: &Path) -> u64 {
    let stats = json(&["logs", "stats", "--lake", lake.to_str().unwrap(), "--format", "json"]);
    stats["tables"].as_array().unwrap().iter().map(|t| t["rows"].as_u64().unwrap()).sum()
}

/// What a Python program prints, given these arguments.
fn read_back(program: &str, arguments: &[&str]) -> String {
    output(Command::new(python()).arg("-c").arg(program).args(arguments))
}

const DUCKDB: &str = "
import duckdb, sys, json
table = f\"read_parquet('{sys.argv[1]}/cloudtrail_logs/**/*.parquet', hive_partitioning = true)\"
row = duckdb.sql(f\"select count(*), count(distinct eventid), count(distinct account), count(distinct day), \"
  f\"count(*) filter (where useridentity.type = 'AssumedRole'), count(useridentity.sessioncontext.sessionissuer.arn), \"
  f\"min(epoch_ms(event_time)), count(*) filter (where json_extract_string(requestparameters, '$.bucketName') is not null), \"
  f\"sum(len(resources)) from {table}\").fetchall()[0]
print(json.dumps([str(c) for c in row]))
";

const PYARROW: &str = "
import pyarrow.dataset as ds, sys, json
data = ds.dataset(sys.argv[1] + '/cloudtrail_logs', partitioning='hive')
table = data.to_table(columns=['eventid', 'useridentity', 'event_time', 'day', 'resources'])
types = {f.name: str(f.type) for f in data.schema}
rows = table.column('useridentity').to_pylist()
print(json.dumps([table.num_rows, len(set(table.column('eventid').to_pylist())), sum(1 for u in rows if u['type'] == 'AssumedRole'),
  types['event_time'], types['resources'], types['eventname']]))
";

#[test]
fn other_engines_read_the_lake() {
    let scratch = tempfile::tempdir().unwrap();
    let (logs, lake) = (scratch.path().join("t"), scratch.path().join("lake"));
    let (events, _) = trail().write(&logs).unwrap();
    let lake = lake.to_str().unwrap();
    let report = json(&["logs", "ingest", logs.to_str().unwrap(), "--lake", lake, "--format", "json"]);
    assert_eq!(report["records"]["stored"], events);
    assert_eq!(report["files"].as_array().unwrap().len() as u64, 128);
    let duck: Vec<String> = serde_json::from_str(&read_back(DUCKDB, &[lake])).unwrap();
    let all = events.to_string();
    assert_eq!(duck[..4], [all.clone(), all, "2".to_owned(), "2".to_owned()]);
    assert!(duck[4] == duck[5] && duck[4].parse::<u64>().unwrap() > 0, "{duck:?}");
    assert!(duck[6].starts_with("17723"), "{duck:?}");
    assert!(duck[7..].iter().all(|n| n.parse::<u64>().unwrap() > 0), "{duck:?}");
    let arrow: Value = serde_json::from_str(&read_back(PYARROW, &[lake])).unwrap();
    assert_eq!((&arrow[0], &arrow[1]), (&Value::from(events), &Value::from(events)));
    assert_eq!(arrow[2].to_string(), duck[4]);
    assert_eq!(arrow[3], "timestamp[ms, tz=UTC]");
    assert_eq!(arrow[4], "list<element: struct<arn: string, accountid: string, type: string>>");
    assert_eq!(arrow[5], "string");
}

#[test]
fn killed_fifty_times_it_loses_nothing_and_stores_nothing_twice() {
    let scratch = tempfile::tempdir().unwrap();
    let (logs, lake) = (scratch.path().join("t"), scratch.path().join("lake"));
    let (events, _) = trail().write(&logs).unwrap();
    let names = [logs.to_str().unwrap(), lake.to_str().unwrap()];
    let run = |compact: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        let words: &[&str] = if compact {
            &["logs", "compact", "--lake", names[1]]
        } else {
            &["logs", "ingest", names[0], "--lake", names[1], "--commit-every", "0", "--threads", "2"]
        };
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let (mut before, mut partly) = (0, 0);
    for n in 0..50 {
        let mut child = run(n % 4 == 3);
        // Spread over the run, without a random number that would make a failure hard to repeat: 37 and 50 share no divisor.
        std::thread::sleep(Duration::from_millis(10 + (n * 37) % 50 * 6));
        child.kill().unwrap();
        child.wait().unwrap();
        if n == 0 {
            continue;
        }
        let now = if lake.exists() { rows(&lake) } else { 0 };
        assert!(now >= before && now <= events, "{before} → {now} of {events} after kill {n}");
        partly += u64::from(now > 0 && now < events);
        before = now;
    }
    assert!(partly > 3, "the kills never met a half-done lake: make the input larger");
    let words = ["logs", "ingest", names[0], "--lake", names[1], "--format", "json"];
    let last = json(&words);
    assert_eq!(last["records"]["in"], events);
    json(&["logs", "compact", "--lake", names[1], "--format", "json"]);
    assert_eq!(rows(&lake), events);
    let duck: Vec<String> = serde_json::from_str(&read_back(DUCKDB, &[names[1]])).unwrap();
    assert_eq!(
        (duck[0].clone(), duck[1].clone()),
        (events.to_string(), events.to_string()),
        "as others see the folder"
    );
}

const UPLOAD: &str = "
import boto3, sys, os
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='testing', aws_secret_access_key='testing')
for bucket in ['trail', 'lake']: s3.create_bucket(Bucket=bucket)
for folder, _, names in os.walk(sys.argv[2]):
    for name in names:
        path = os.path.join(folder, name)
        s3.upload_file(path, 'trail', 'org/' + os.path.relpath(path, sys.argv[2]))
s3.put_object(Bucket='trail', Key='org/AWSLogs/../odd name/ü%2F.json', Body=b'not a log')
";

#[test]
fn from_a_bucket_into_a_bucket_pruned_by_keys_and_resumed() {
    let moto = Server::moto(&python());
    let scratch = tempfile::tempdir().unwrap();
    let logs = scratch.path().join("t");
    let small = Trail { bytes: 1 << 20, ..trail() };
    let (events, _) = small.write(&logs).unwrap();
    read_back(UPLOAD, &[&moto.url(), logs.to_str().unwrap()]);
    let run = |words: &[&str]| {
        let lake = ["--lake", "s3://lake/security", "--format", "json"];
        let all: Vec<&str> = ["logs"].iter().chain(words).chain(&lake).copied().collect();
        let out = Run::new(&all).env("AWS_ENDPOINT_URL", &moto.url()).env("AWS_REGION", "us-east-1").run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        serde_json::from_str::<Value>(&out.stdout).unwrap()
    };
    let odd = |report: &Value| {
        let aside = report["aside"].as_array().unwrap();
        aside.len() == 1 && aside[0]["path"] == "s3://trail/org/AWSLogs/../odd name/ü%2F.json"
    };
    let one = run(&[
        "ingest",
        "s3://trail/org",
        "--accounts",
        "111122223333",
        "--regions",
        "us-east-1",
        "--until",
        "2026-03-01",
    ]);
    let read = one["files"].as_array().unwrap();
    let wanted = |f: &&Value| {
        let path = f["path"].as_str().unwrap();
        path.contains("/111122223333/CloudTrail/us-east-1/2026/03/0")
    };
    assert!(read.iter().filter(wanted).count() > 2);
    // What tells no place by its key is read.
    assert_eq!(read.iter().filter(|f| !wanted(f)).count(), 1, "{read:?}");
    assert!(odd(&one), "{}", one["aside"]);
    let first = one["records"]["stored"].as_u64().unwrap();
    assert!(first > 0 && first < events);
    let rest = run(&["ingest", "s3://trail/org/AWSLogs/"]);
    assert_eq!(rest["records"]["stored"].as_u64().unwrap(), events - first);
    assert_eq!(rest["records"]["duplicate"].as_u64().unwrap(), first);
    assert!(odd(&rest), "{}", rest["aside"]);
    let stats = run(&["stats"]);
    assert_eq!(stats["tables"][0]["rows"], events);
    run(&["compact"]);
    let again = run(&["ingest", "s3://trail/org/AWSLogs"]);
    assert_eq!(again["records"]["stored"], 0);
    let sql = "SELECT count(*) AS n, count(DISTINCT eventid) AS ids FROM cloudtrail_logs WHERE eventname IS NOT NULL";
    let asked = Run::new(&["query", "--lake", "s3://lake/security", "--format", "json", sql])
        .env("AWS_ENDPOINT_URL", &moto.url())
        .env("AWS_REGION", "us-east-1")
        .run();
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let asked: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!((&asked[0]["n"], &asked[0]["ids"]), (&events.into(), &events.into()));
    let none = Run::new(&["logs", "ingest", "s3://nobody/x", "--lake", "s3://lake/x"])
        .env("AWS_ENDPOINT_URL", &moto.url())
        .env("AWS_REGION", "us-east-1")
        .run();
    assert_eq!(none.code, 3);
    assert!(none.stderr.contains("`nobody`") || none.stderr.contains("s3://nobody"), "{}", none.stderr);
}

#[test]
fn what_arrives_in_a_bucket_is_followed() {
    let moto = Server::moto(&python());
    let scratch = tempfile::tempdir().unwrap();
    let of = |seed: u64| Trail { bytes: 200 << 10, seed, ..trail() };
    let put = |seed: u64| {
        let logs = scratch.path().join(seed.to_string());
        let (events, _) = of(seed).write(&logs).unwrap();
        read_back(UPLOAD, &[&moto.url(), logs.to_str().unwrap()]);
        events
    };
    let with = |words: &[&str]| Run::new(words).env("AWS_ENDPOINT_URL", &moto.url()).env("AWS_REGION", "us-east-1");
    let mut wanted = put(1);
    let words =
        ["logs", "ingest", "s3://trail/org", "--lake", "s3://lake/followed", "--follow", "--every", "1", "--quiet"];
    let mut child = with(&words).spawn();
    let rows = || -> u64 {
        let stats = with(&["logs", "stats", "--lake", "s3://lake/followed", "--format", "json"]).run();
        let stats: Value = serde_json::from_str(&stats.stdout).unwrap_or_default();
        stats["tables"].as_array().map_or(0, |t| t.iter().map(|t| t["rows"].as_u64().unwrap()).sum())
    };
    let mut arrive = |wanted: u64| {
        for _ in 0..120 {
            if rows() == wanted {
                return;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(250));
        }
        panic!("{} of {wanted} arrived", rows());
    };
    arrive(wanted);
    wanted += put(2);
    arrive(wanted);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rows(), wanted);
}

#[test]
fn the_sample_estate_has_logs_and_both_languages_say_so() {
    let run = |lang: &str| {
        let out = Run::new(&["logs", "ingest", "--demo", "--lang", lang]).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        out.stdout
    };
    assert!(run("en").contains("put aside"), "{}", run("en"));
    assert!(run("ja").contains("レコード"), "{}", run("ja"));
    let missing = Run::new(&["logs", "ingest", "no-such-folder"]).run();
    assert_eq!((missing.code, missing.stderr.trim()), (3, "error: there is no `no-such-folder`"));
    let empty = Run::new(&["logs", "stats"]).run();
    assert_eq!(empty.code, 3);
    assert!(empty.stderr.contains("there is no lake at `yagura-lake`"), "{}", empty.stderr);
}
