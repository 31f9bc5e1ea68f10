//! What authors of content get: schemas for their editors, reference pages, tests that run again by themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::moto::{output, python};
use common::{Run, content, shipped_checks};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Every shipped file fits the schema of its kind, and a misspelt key does not.
#[test]
fn schemas_accept_what_is_shipped_and_refuse_what_is_misspelt() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    for kind in ["check", "remedy", "framework"] {
        let out = Run::new(&["content", "schema", kind]).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        std::fs::write(folder.path().join(format!("{kind}.json")), out.stdout).unwrap();
    }
    let script = r#"
import glob, json, sys
import jsonschema, yaml
folder, content = sys.argv[1:]
for kind, place in (("check", "checks"), ("remedy", "remedies"), ("framework", "frameworks")):
    schema = json.load(open(f"{folder}/{kind}.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator, files = jsonschema.Draft202012Validator(schema), glob.glob(f"{content}/{place}/**/*.yaml", recursive=True)
    for file in files:
        document = json.loads(json.dumps(yaml.safe_load(open(file, encoding="utf-8")), default=str))
        for error in validator.iter_errors(document):
            print(file, error.message[:200])
        if not list(validator.iter_errors({**document, "tilte": 1})):
            print(file, "a misspelt key is accepted")
    print(kind, len(files))
"#;
    let told = output(Command::new(&python).args(["-c", script]).arg(folder.path()).arg(content()));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert_eq!(lines[0], format!("check {}", shipped_checks()));
}

#[test]
fn every_check_has_a_page_in_both_languages_and_no_link_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let out = Run::new(&["content", "site", folder.path().to_str().unwrap()]).run();
    assert_eq!(out.code, 0, "{}", out.stderr);
    let mut pages = BTreeSet::new();
    let mut open = vec![folder.path().to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else {
            pages.insert(path.canonicalize().unwrap());
        }
    }
    assert_eq!(pages.len(), 2 * (shipped_checks() + 1));
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let to = page.parent().unwrap().join(link).canonicalize();
            assert!(to.as_ref().is_ok_and(|t| pages.contains(t)), "{} → {link}", page.display());
        }
        assert!(text.contains("<html lang=\"ja\">") == page.to_string_lossy().contains("/ja/"));
    }
    let japanese = std::fs::read_to_string(folder.path().join("ja/s3/bucket_blocks_public_access.html")).unwrap();
    assert!(
        japanese.contains("s3:GetBucketPublicAccessBlock") && japanese.contains("パブリックアクセス"),
        "{japanese}"
    );
}

#[test]
fn watched_tests_run_again_when_a_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checks/s3/mine.yaml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let check = |expect: &str| {
        format!(
            "kind: check\nid: s3.mine\neach: s3.bucket\npass: has(this.Policy)\nseverity: low\n\
             en: {{title: t, why: w, fix: f}}\nja: {{title: t, why: w, fix: f}}\ntests:\n  a: {{this: {{Policy: '{{}}'}}, expect: pass}}\n  \
             b: {{this: {{Policy: absent}}, expect: {expect}}}\n  c: {{this: {{Policy: unknown}}, expect: unknown}}\n"
        )
    };
    std::fs::write(&path, check("fail")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_yagura"))
        .args(["--content", folder.path().to_str().unwrap(), "checks", "test", "--watch", "--lang", "en"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (send, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let until = |what: &str| loop {
        let line = lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("`{what}` did not come"));
        if line.contains(what) {
            break;
        }
    };
    until("✓ s3.mine");
    until("waiting");
    std::fs::write(&path, check("pass")).unwrap();
    until("no fixture expects `fail`");
    until("waiting");
    std::fs::write(&path, "kind: check\nid: s3.mine\nnonsense").unwrap();
    until("checks/s3/mine.yaml");
    until("waiting");
    std::fs::write(&path, check("fail")).unwrap();
    until("✓ s3.mine");
    child.kill().unwrap();
    child.wait().unwrap();
}
