//! The house rules that a compiler does not see.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Crates by floor: a crate may only use crates of lower floors (ARCHITECTURE.md, "Arrows").
const FLOORS: [&[&str]; 7] = [
    &["model", "seal"],
    &["policy", "network"],
    &["rule", "aws", "logs", "query"],
    &["inventory", "detect", "sensitive", "packages", "custodian"],
    &["findings"],
    &["respond", "report", "console", "notify"],
    &["yagura"],
];

fn floor(name: &str) -> Option<usize> {
    let short = name.strip_prefix("yagura-").unwrap_or(name);
    FLOORS.iter().position(|f| f.contains(&short))
}

#[test]
fn arrows_point_one_way() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if name == "yagura-testkit" {
            continue;
        }
        let Some(mine) = floor(name) else {
            panic!("`{name}` stands on no floor: give it one in ARCHITECTURE.md and here")
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let dev = dependency["kind"].as_str() == Some("dev");
            if !other.starts_with("yagura-") || dev {
                continue;
            }
            assert_ne!(other, "yagura-testkit", "`{name}` ships the testkit");
            assert!(floor(other).unwrap() < mine, "`{name}` uses `{other}`: that arrow runs the wrong way");
            edges.entry(name.to_owned()).or_default().push(other.to_owned());
        }
    }
    assert!(edges.contains_key("yagura-inventory"), "the test saw no arrow at all: {edges:?}");
}

#[test]
fn shipped_content_keeps_all_its_fixtures() {
    let out = Command::new(env!("CARGO_BIN_EXE_yagura")).args(["content", "lint", "--lang", "en"]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let all = common::shipped_checks();
    assert!(text.contains(&format!("{all} of {all} checks keep their fixtures")), "{text}");
    assert!(text.contains("111 of 111 escalation paths keep their fixtures"), "{text}");
    let detections =
        text.lines().filter_map(|l| l.strip_suffix(" detections and sequences keep their fixtures")).next().unwrap();
    let (kept, all) = detections.split_once(" of ").unwrap();
    assert!(kept == all && all.parse::<usize>().unwrap() >= 350, "{detections}");
    let remedies =
        text.lines().filter_map(|l| l.strip_suffix(" remedies fit the checks that they mend")).next().unwrap();
    let (fit, all) = remedies.split_once(" of ").unwrap();
    assert!(fit == all && all.parse::<usize>().unwrap() >= 290, "{remedies}");
}

#[test]
fn every_requirement_of_the_26_has_a_check() {
    let out = Command::new(env!("CARGO_BIN_EXE_yagura")).args(["checks", "list", "--json"]).output().unwrap();
    let checks: Value = serde_json::from_slice(&out.stdout).unwrap();
    for n in 1..=26 {
        let wanted = format!("aws-26/{n}");
        let hits = checks
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["maps"].as_array().unwrap().iter().any(|m| m == wanted.as_str()))
            .count();
        assert_eq!(hits, 1, "{wanted}");
    }
}
