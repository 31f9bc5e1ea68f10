//! Remedies carried out on moto by the real program, and taken back: what AWS's own SDK reads is then as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// What is not as it was, call by call of the SDK.
fn changed(before: &BTreeMap<String, Json>, after: &BTreeMap<String, Json>) -> BTreeSet<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|n| before.get(*n) != after.get(*n)).cloned().collect()
}

#[test]
fn remedies_mend_and_are_taken_back() {
    let python = python();
    let moto = Server::moto(&python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/fix.py");
    let ask = |what: &str| output(Command::new(&python).arg(&script).arg(moto.url()).arg(what));
    let state = || serde_json::from_str::<BTreeMap<String, Json>>(&ask("state")).unwrap();
    let rules: Vec<String> = serde_json::from_str(&ask("seed")).unwrap();
    let journals = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| -> Json {
        let given = ["--region", "us-east-1", "--format", "json", "--endpoint-url", &moto.url()];
        let state = journals.path().to_str().unwrap();
        let done = Run::new(words).args(&given).env("YAGURA_STATE", state).env("LANG", "C.UTF-8").run();
        serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{words:?}: {e}: {}", done.stderr))
    };
    let rule = rules.join(",");
    let fix = |more: &[&str]| run(&[&["fix", "--rule", &rule, "--max", "500"], more].concat());
    let planned = |preview: &Json| -> BTreeSet<String> {
        let plans = preview["plans"].as_array().unwrap();
        let also = |p: &Json| p["also"].as_array().cloned().unwrap_or_default();
        let mended = plans.iter().flat_map(|p| also(p).into_iter().chain([p["rule"].clone()]));
        mended.map(|r| r.as_str().unwrap().to_owned()).collect()
    };

    let before = state();
    let preview = fix(&[]);
    let lacking: Vec<_> = rules.iter().filter(|r| !planned(&preview).contains(*r)).collect();
    assert_eq!(lacking, Vec::<&String>::new(), "no plan: {}", preview["not_mendable"]);
    assert_eq!(changed(&before, &state()), BTreeSet::new(), "a preview changes nothing");

    let done = fix(&["--apply", preview["hash"].as_str().unwrap()]);
    assert_eq!(done["failed"], Json::Array(Vec::new()));
    assert_eq!(done["not_seen_yet"], Json::Array(Vec::new()));
    assert!(changed(&before, &state()).len() >= 25, "{:?}", changed(&before, &state()));
    let after = fix(&[]);
    assert_eq!(planned(&after), BTreeSet::new(), "a rescan finds all of them mended");

    let undone = run(&["undo", done["run"].as_str().unwrap()]);
    assert_eq!(undone["failed"], Json::Array(Vec::new()));
    assert_eq!(changed(&before, &state()), BTreeSet::new(), "every resource is as it was");
    assert_eq!(planned(&fix(&[])), planned(&preview));
}
