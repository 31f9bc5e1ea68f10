//! SQL over a lake, a snapshot and the sample estate, by the program itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

mod common;

use common::Run;
use serde_json::{Value, json};
use std::path::Path;
use yagura_testkit::Trail;

fn asked(words: &[&str]) -> Value {
    let out = Run::new(words).run();
    assert_eq!(out.code, 0, "{words:?}: {}", out.stderr);
    serde_json::from_str(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", out.stdout))
}

/// A lake of generated CloudTrail logs, with how many events it holds.
fn lake(scratch: &Path) -> (String, u64) {
    let (logs, lake) = (scratch.join("logs"), scratch.join("a lake"));
    let (events, _) =
        Trail { bytes: 2 << 20, delivery: 48 << 10, days: 3, regions: 2, accounts: 2, seed: 5 }.write(&logs).unwrap();
    let out = Run::new(&["logs", "ingest", logs.to_str().unwrap(), "--lake", lake.to_str().unwrap()]).run();
    assert_eq!(out.code, 0, "{}", out.stderr);
    (lake.to_str().unwrap().to_owned(), events)
}

#[test]
fn a_lake_answers() {
    let scratch = tempfile::tempdir().unwrap();
    let (lake, events) = lake(scratch.path());
    let ask = |sql: &str| asked(&["query", "--lake", &lake, "--format", "json", sql]);
    assert_eq!(ask("SELECT count(*) AS n FROM cloudtrail_logs"), json!([{"n": events}]));

    // Whatever way is asked, the same rows are counted.
    let days = ask("SELECT day, count(*) AS n FROM cloudtrail_logs GROUP BY day ORDER BY day");
    let total: u64 = days.as_array().unwrap().iter().map(|d| d["n"].as_u64().unwrap()).sum();
    assert_eq!(total, events);
    let first = days[0]["day"].as_str().unwrap();
    for filter in [
        format!("day = '{first}'"),
        format!("day = '{}'", first.replace('-', "/")),
        format!("substr(eventtime, 1, 10) = '{first}'"),
        format!("date(from_iso8601_timestamp(eventtime)) = date '{first}'"),
        format!("from_iso8601_timestamp(eventtime) < date_add('day', 1, timestamp '{first} 00:00:00')"),
    ] {
        let n = ask(&format!("SELECT count(*) AS n FROM cloudtrail_logs WHERE {filter}"));
        assert_eq!(n[0]["n"], days[0]["n"], "{filter}");
    }
    let key = ask(
        "SELECT useridentity.accesskeyid AS key, count(*) AS n FROM cloudtrail_logs WHERE useridentity.accesskeyid IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1",
    );
    let (name, n) = (key[0]["key"].as_str().unwrap(), &key[0]["n"]);
    let by_field = ask(&format!(
        "SELECT count(*) AS n FROM cloudtrail_logs WHERE concat(useridentity.accesskeyid, '') = '{name}'"
    ));
    let by_key = ask(&format!("SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.accesskeyid = '{name}'"));
    assert_eq!((&by_field[0]["n"], &by_key[0]["n"]), (n, n));
    let named = asked(&[
        "query",
        "--lake",
        &lake,
        "--format",
        "json",
        "--run",
        "cloudtrail.key_activity",
        "--set",
        &format!("key={name}"),
    ]);
    assert_eq!(named.as_array().unwrap().len() as u64, n.as_u64().unwrap());
    assert_eq!(ask("SELECT count(*) AS n FROM events")[0]["n"], events);
}

#[test]
fn answers_have_every_form() {
    let scratch = tempfile::tempdir().unwrap();
    let rows = "SELECT * FROM (VALUES (1, '=1+1', DATE '2024-05-06', ARRAY['a','b']), (-2, '日本', NULL, NULL)) AS t(n, s, d, l) ORDER BY s";
    let of = |format: &str| {
        let out = Run::new(&["query", "--format", format, rows]).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        out.stdout
    };
    assert_eq!(
        of("json"),
        "[\n{\"n\":1,\"s\":\"=1+1\",\"d\":\"2024-05-06\",\"l\":[\"a\",\"b\"]},\n{\"n\":-2,\"s\":\"日本\",\"d\":null,\"l\":null}\n]\n"
    );
    assert_eq!(of("csv"), "\u{feff}n,s,d,l\r\n1,'=1+1,2024-05-06,\"[\"\"a\"\",\"\"b\"\"]\"\r\n-2,日本,,\r\n");
    assert_eq!(
        of("table"),
        " n  s     d           l\n--  ----  ----------  ---------\n 1  =1+1  2024-05-06  [\"a\",\"b\"]\n-2  日本\n"
    );
    let file = scratch.path().join("out.parquet");
    let out = Run::new(&["query", "--output", file.to_str().unwrap(), rows]).run();
    assert_eq!(out.code, 0, "{}", out.stderr);
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(asked(&["query", "--format", "json", "SELECT 1 AS n WHERE false"]), json!([]));
    assert_eq!(asked(&["query", "--format", "json", "SELECT 'a' AS x, 'b' AS X"]), json!([{"x": "a", "x_2": "b"}]));
    let out = Run::new(&["query", "--max-rows", "2", "SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)"]).run();
    assert_eq!(out.stdout.lines().count(), 4, "{}", out.stdout);
    assert!(out.stderr.contains("there are more"), "{}", out.stderr);
    let out = Run::new(&["query", "SELECT chr(27) || '[2J' AS x"]).run();
    assert!(!out.stdout.contains('\u{1b}'), "{:?}", out.stdout);
}

#[test]
fn the_estate_joins() {
    let found = asked(&[
        "query",
        "--demo",
        "--format",
        "json",
        "SELECT f.rule, a.cloudformation_type, a.name FROM findings f JOIN assets a ON a.arn = f.resource
         WHERE f.status = 'fail' AND f.rule = 's3.bucket_blocks_public_access' ORDER BY a.name",
    ]);
    assert!(!found.as_array().unwrap().is_empty());
    assert!(found.as_array().unwrap().iter().all(|f| f["cloudformation_type"] == "AWS::S3::Bucket"), "{found}");
    let scan = Run::new(&["scan", "--demo", "--format", "jsonl"]).run();
    let fails = scan.stdout.lines().filter(|l| l.contains("\"status\":\"fail\"")).count();
    let counted =
        asked(&["query", "--demo", "--format", "json", "SELECT count(*) AS n FROM findings WHERE status = 'fail'"]);
    assert_eq!(counted, json!([{"n": fails}]));
    let configuration = asked(&[
        "query",
        "--demo",
        "--format",
        "json",
        "SELECT count(*) AS n FROM assets WHERE kind = 's3.bucket' AND json_extract_scalar(configuration, '$.Name') = id",
    ]);
    assert_ne!(configuration, json!([{"n": 0}]));
}

#[test]
fn refusals_are_sentences() {
    let scratch = tempfile::tempdir().unwrap();
    let nowhere = scratch.path().join("nowhere");
    for (words, code, en, ja) in [
        (&["query", "DROP TABLE x"][..], 2, "`DROP` is refused", "`DROP` は受け付けない"),
        (&["query", "COPY (SELECT 1) TO '/tmp/never'"], 2, "`COPY` is refused", "`COPY` は受け付けない"),
        (&["query", "SELECT evntname FROM cloudtrail_logs"], 2, "did you mean `eventname`?", "`eventname` のことか"),
        (
            &["query", "SELECT 1 FROM cloudtrial_logs"],
            2,
            "did you mean `cloudtrail_logs`?",
            "`cloudtrail_logs` のことか",
        ),
        (&["query", "SELECT json_extrct('{}', '$')"], 2, "did you mean `json_extract`?", "`json_extract` のことか"),
        (&["query", ""], 2, "there is no statement", "SQL 文がない"),
        (&["query", "SELECT * FROM cloudtrail"], 3, "no logs here that `cloudtrail_logs`", "読み取るログがない"),
        (&["query", "--run", "cloudtrail.key_activty"], 2, "did you mean `cloudtrail.key_activity`?", "のことか"),
        (&["query", "--run", "cloudtrail.key_activity"], 2, "`key` is not set", "`key` が未指定"),
        (&["query", "--run", "vpc_flow.top_talkers", "--set", "most=x"], 2, "whole number", "整数"),
        (&["query", "--lake", nowhere.to_str().unwrap(), "SELECT 1"], 3, "nowhere", "nowhere"),
    ] {
        for (lang, wanted) in [("en", en), ("ja", ja)] {
            let out = Run::new(&[words, &["--lang", lang]].concat()).run();
            assert!(out.stderr.contains(wanted), "{words:?}: {}", out.stderr);
            assert_eq!(out.code, code, "{words:?}: {}", out.stderr);
        }
    }
}

#[test]
fn the_library_is_listed_in_both_languages() {
    let (en, ja) = (
        asked(&["query", "--list", "--format", "json", "--lang", "en"]),
        asked(&["query", "--list", "--format", "json", "--lang", "ja"]),
    );
    let (en, ja) = (en.as_array().unwrap(), ja.as_array().unwrap());
    assert!(en.len() >= 30 && en.len() == ja.len());
    for (one, other) in en.iter().zip(ja) {
        assert_eq!(one["id"], other["id"]);
        assert_ne!(one["title"], other["title"], "{}", one["id"]);
        assert!(other["description"].as_str().unwrap().chars().any(|c| c >= '\u{3040}'), "{}", one["id"]);
    }
}
