//! Detections against what public sources expect: the verdicts of public rules on their own test events, and the finding types,
//! techniques and APIs that others watch. The sources stay outside the repository: `YAGURA_SHARED` names their folder.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::panic, reason = "tests may stop")]

mod cases;
mod coverage;
mod covered;

use cases::Case;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::ContentFile;

/// The content that comes with the program.
fn pack() -> Pack {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = Vec::new();
    for folder in ["detections", "sequences"] {
        walk(&root, &root.join(folder), &mut files);
    }
    let pack = Pack::read(files.iter(), &Settings::new());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
}

fn walk(root: &Path, folder: &Path, out: &mut Vec<ContentFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            out.push(ContentFile { path: name, text: std::fs::read_to_string(&path).unwrap(), shipped: true });
        }
    }
}

fn data() -> PathBuf {
    PathBuf::from(std::env::var_os("YAGURA_SHARED").unwrap()).join("data")
}

/// Of the public rules whose subject detections cover, the tests come out the same in at least 95 % of all cases.
#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn detections_agree_with_public_rules() {
    let pack = pack();
    let cases = cases::read(&data());
    assert!(cases.len() > 300, "{} cases", cases.len());
    for (rule, detections) in covered::COVERED {
        for id in *detections {
            assert!(pack.rules.named(id).is_some(), "{rule}: there is no detection `{id}`");
        }
    }
    let mut by_rule: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        by_rule.entry(case.rule.as_str()).or_default().push(case);
    }
    let known: BTreeSet<&str> =
        covered::COVERED.iter().map(|(r, _)| *r).chain(covered::LEFT_OUT.iter().map(|(r, _)| *r)).collect();
    let unknown: Vec<&&str> = by_rule.keys().filter(|r| !known.contains(**r)).collect();
    let (mut agreed, mut asked) = (0, 0);
    for (rule, detections) in covered::COVERED {
        let of = by_rule.get(rule).unwrap_or_else(|| panic!("{rule} has no test"));
        let mut right = 0;
        for case in of {
            let fired = cases::fired(&pack, case);
            let found = fired.iter().any(|id| detections.contains(&id.as_str()));
            right += usize::from(found == case.expected);
            if found != case.expected {
                println!("  ✗ {rule} | {} | expected {} | fired {fired:?}", case.name, case.expected);
            }
        }
        println!("{right:>3}/{:<3} {rule}: {}", of.len(), detections.join(", "));
        agreed += right;
        asked += of.len();
    }
    for (rule, why) in covered::LEFT_OUT {
        let of = by_rule.get(rule).map_or(0, Vec::len);
        println!("{of:>3} left out: {rule}: {why}");
    }
    for rule in &unknown {
        for case in by_rule.get(**rule).into_iter().flatten() {
            println!("  ? {rule} | {} | expected {} | fired {:?}", case.name, case.expected, cases::fired(&pack, case));
        }
    }
    assert!(unknown.is_empty(), "neither covered nor left out: {unknown:?}");
    println!(
        "{agreed} of {asked} cases of {} rules agree; {} rules left out",
        covered::COVERED.len(),
        covered::LEFT_OUT.len()
    );
    assert!(agreed * 100 >= asked * 95, "{agreed} of {asked}");
}

/// Kubernetes audit events that their publisher calls malicious are found; mere changes are at most of low severity.
#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn kubernetes_samples_are_judged_as_labelled() {
    let pack = pack();
    let labels: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data().join("labels.json")).unwrap()).unwrap();
    let (mut found, mut wrong) = (0, Vec::new());
    for label in labels.as_array().unwrap() {
        let file = label["file"].as_str().unwrap();
        if !file.starts_with("k8s_audit/") {
            continue;
        }
        let event = serde_json::from_slice(&std::fs::read(data().join(file)).unwrap()).unwrap();
        let fired = cases::fired(&pack, &Case::alone(file, event));
        let worst = fired.iter().filter_map(|id| Some(pack.rules.named(id)?.severity)).max();
        println!("{} | {file} | {worst:?} {fired:?}", label["label"]);
        match label["label"].as_str().unwrap() {
            "malicious/suspicious" if worst.is_none() => wrong.push(format!("{file}: nothing")),
            "malicious/suspicious" => found += 1,
            _ if worst > Some(yagura_model::Severity::Low) => wrong.push(format!("{file}: {fired:?}")),
            _ => {}
        }
    }
    assert!(found > 0 && wrong.is_empty(), "{found} found; {}", wrong.join("\n"));
}
