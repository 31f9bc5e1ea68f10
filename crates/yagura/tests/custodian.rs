//! `yagura custodian` as a person meets it: the sample estate, the folders, both languages, mistakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const SIX: &str = "policies:
- name: iam-no-admin
  resource: iam-policy
  filters:
  - type: used
  - type: has-allow-all
- name: root-keys
  resource: account
  filters:
  - {type: iam-summary, key: AccountAccessKeysPresent, value: 0, op: gt}
- name: root-mfa
  resource: account
  filters:
  - or:
    - {type: iam-summary, key: AccountMFAEnabled, value: 1, op: ne}
    - and:
      - {type: iam-summary, key: AccountMFAEnabled, value: 1, op: eq}
      - {type: has-virtual-mfa, value: true}
- name: s3-public
  resource: s3
  filters:
  - or:
    - {type: check-public-block, BlockPublicAcls: false}
    - {type: check-public-block, BlockPublicPolicy: false}
    - {type: check-public-block, IgnorePublicAcls: false}
    - {type: check-public-block, RestrictPublicBuckets: false}
  actions: [{type: set-public-block, BlockPublicAcls: true}]
- name: trail-kms
  resource: cloudtrail
  filters: [{type: value, key: KmsKeyId, value: absent}]
- name: vpc-flow
  resource: vpc
  filters:
  - not: [{type: flow-logs, enabled: true}]
";

fn yagura(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yagura")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn six_policies_run_over_the_sample_estate() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("six.yml"), SIX).unwrap();
    let out = yagura(folder.path(), &["custodian", "run", "-p", "six.yml", "-s", "out", "--demo", "--format", "json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    let counts: Vec<(String, String, u64)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|o| {
            (o["policy"].as_str().unwrap().into(), o["region"].as_str().unwrap().into(), o["count"].as_u64().unwrap())
        })
        .collect();
    let of = |policy: &str| counts.iter().filter(|c| c.0 == policy).map(|c| c.2).sum::<u64>();
    assert_eq!(counts.iter().filter(|c| c.0 == "root-keys").count(), 1, "what is global runs once: {counts:?}");
    assert!(of("root-keys") == 1 && of("s3-public") > 0 && of("vpc-flow") > 0, "{counts:?}");
    for (policy, region, count) in &counts {
        let at = folder.path().join("out").join(region).join(policy);
        let resources: Value = serde_json::from_slice(&std::fs::read(at.join("resources.json")).unwrap()).unwrap();
        assert_eq!(resources.as_array().unwrap().len() as u64, *count, "{policy}");
        let metadata: Value = serde_json::from_slice(&std::fs::read(at.join("metadata.json")).unwrap()).unwrap();
        assert_eq!(metadata["policy"]["name"], policy.as_str());
        assert!(std::fs::read_to_string(at.join("custodian-run.log")).unwrap().contains(&format!("policy:{policy}")));
    }
    let plan = &told.as_array().unwrap().iter().find(|o| o["policy"] == "s3-public").unwrap()["actions"][0];
    assert_eq!(
        (plan["type"].as_str(), &plan["with"]["BlockPublicAcls"]),
        (Some("set-public-block"), &Value::Bool(true))
    );
}

#[test]
fn what_is_unknown_is_told_and_leaves_no_empty_answer() {
    let folder = tempfile::tempdir().unwrap();
    let policies = "policies:\n- {name: waits, resource: s3, filters: [{type: metrics, name: x, value: 1, op: lt}]}\n\
                    - {name: elsewhere, resource: glacier}\n";
    std::fs::write(folder.path().join("p.yml"), policies).unwrap();
    let stale = folder.path().join("out/us-east-1/elsewhere");
    std::fs::create_dir_all(&stale).unwrap();
    std::fs::write(stale.join("resources.json"), "[]").unwrap();
    let run = ["custodian", "run", "-p", "p.yml", "-s", "out", "--demo", "--lang"];
    let en = yagura(folder.path(), &[&run[..], &["en"]].concat());
    assert!(en.status.success());
    // The sample estate was read before the question came up.
    assert!(
        text(&en.stderr).contains("`cloudwatch:GetMetricStatistics` was not called for it"),
        "{}",
        text(&en.stderr)
    );
    assert!(text(&en.stderr).contains("`glacier` is not read here yet"), "{}", text(&en.stderr));
    assert!(!stale.join("resources.json").exists(), "an answer of an earlier run would pass for this one's");
    let unknown = std::fs::read(folder.path().join("out/us-east-1/waits/unknown.json")).unwrap();
    let unknown: Value = serde_json::from_slice(&unknown).unwrap();
    assert!(!unknown["unknown"].as_array().unwrap().is_empty());
    let ja = yagura(folder.path(), &[&run[..], &["ja"]].concat());
    assert!(text(&ja.stderr).contains("`glacier` はまだ読み取れない"), "{}", text(&ja.stderr));
    assert!(text(&ja.stdout).contains("不明"), "{}", text(&ja.stdout));
}

#[test]
fn mistakes_end_with_two_and_name_their_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.yml"), "policies:\n- name: x\n  resource: s3\n  filter: []\n").unwrap();
    std::fs::write(folder.path().join("bytes.yml"), b"policies: \xff\n").unwrap();
    for (arguments, wanted) in [
        (vec!["custodian", "validate", "bad.yml"], "bad.yml:4:3: unknown key `filter`; did you mean `filters`?"),
        (vec!["custodian", "run", "-p", "bad.yml", "-s", "o", "--demo"], "bad.yml:4:3"),
        (vec!["custodian", "validate", "bytes.yml"], "bytes.yml:1:11: the file is not UTF-8"),
        (vec!["custodian", "validate", "missing.yml"], "missing.yml"),
        (vec!["custodian", "schema", "s3.filters.check-public-blok"], "check-public-block"),
    ] {
        let out = yagura(folder.path(), &[&arguments[..], &["--lang", "en"]].concat());
        assert_eq!(out.status.code(), Some(2), "{arguments:?}");
        let all = text(&out.stdout) + &text(&out.stderr);
        assert!(all.contains(wanted), "{arguments:?}: {all}");
    }
    assert!(!folder.path().join("o").exists());
    let schema = yagura(folder.path(), &["custodian", "schema"]);
    assert!(text(&schema.stdout).lines().count() > 400);
}

#[test]
fn the_coverage_tells_every_filter_and_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = yagura(folder.path(), &["custodian", "schema", "--coverage", "--format", "json"]);
    let all: Value = serde_json::from_slice(&out.stdout).unwrap();
    let of = |name: &str| all.as_array().unwrap().iter().find(|r| r["filter"] == name).unwrap().clone();
    assert!(all.as_array().unwrap().len() > 200);
    for name in ["value", "metrics", "finding", "config-compliance", "check-permissions", "kms-key", "health-event"] {
        let row = of(name);
        assert!(row["evaluated"].as_u64() > Some(0) && row["evaluated"].as_u64() <= row["read"].as_u64(), "{row}");
    }
    let usage = of("usage");
    assert_eq!(usage["evaluated"], 0);
    assert!(usage["why"].as_str().unwrap().contains("report"), "{usage}");
    let ja = yagura(folder.path(), &["custodian", "schema", "--coverage", "metrics", "--lang", "ja"]);
    assert!(text(&ja.stdout).starts_with("フィルター"), "{}", text(&ja.stdout));
    let slip = yagura(folder.path(), &["custodian", "schema", "--coverage", "metrcs"]);
    assert_eq!(slip.status.code(), Some(2));
    assert!(text(&slip.stderr).contains("metrics"), "{}", text(&slip.stderr));
}
