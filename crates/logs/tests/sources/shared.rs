//! Real samples, which stay outside the repository: every file under `$YAGURA_SHARED/data` decodes or is reported.

use crate::collect::Collected;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use yagura_logs::decode::decode;
use yagura_logs::place::Place;

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, all) } else { all.push(path) }
    }
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn every_shared_sample_is_read_or_reported() {
    let shared = std::env::var_os("YAGURA_SHARED").unwrap();
    let data = PathBuf::from(shared).join("data");
    let mut all = Vec::new();
    for folder in ["formats", "cloudtrail", "dns", "k8s_audit", "s3", "vpcflow", "volume"] {
        files(&data.join(folder), &mut all);
    }
    assert!(!all.is_empty());
    let mut formats: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut misfits: BTreeMap<String, usize> = BTreeMap::new();
    for path in all {
        let name = path.strip_prefix(&data).unwrap().display().to_string();
        let mut found = Collected::default();
        let format = decode(std::fs::File::open(&path).unwrap(), &Place::of(&name), &mut found);
        let empty = std::fs::metadata(&path).unwrap().len() < 20;
        assert!(empty || found.rows.len() + found.aside.len() > 0, "{name}: nothing came out of it");
        assert_eq!(format.is_some(), !found.rows.is_empty(), "{name}");
        for (why, _) in &found.aside {
            assert!(!why.is_empty(), "{name}: set aside without a reason");
        }
        for row in &found.rows {
            for column in &row.misfits {
                *misfits.entry(format!("{}.{column}", row.table)).or_default() += 1;
            }
        }
        let entry = formats.entry(format.unwrap_or("-").to_owned()).or_default();
        *entry = (entry.0 + 1, entry.1 + found.rows.len(), entry.2 + found.aside.len());
        println!("{:>22} {:>7} {:>5}  {name}", format.unwrap_or("-"), found.rows.len(), found.aside.len());
        for (why, head) in found.aside.iter().take(2) {
            println!("{:>40}  {why} | {:.90}", "", head.replace('\n', " "));
        }
    }
    println!("values that their column does not take whole: {misfits:?}");
    for (format, (files, records, aside)) in formats {
        println!("{format}: {files} files, {records} records, {aside} aside");
    }
}

/// Samples that wrap a raw log in a test case of another program.
#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn every_wrapped_sample_is_of_its_format() {
    let shared = std::env::var_os("YAGURA_SHARED").unwrap();
    let root = PathBuf::from(shared).join("data/formats/sekoia");
    let kinds = [
        ("AWS/aws-cloudfront", "cloudfront"),
        ("AWS/aws-cloudtrail", "cloudtrail"),
        ("AWS/aws-flow-logs", "vpc_flow"),
        ("AWS/aws-guardduty", "guardduty"),
        ("AWS/aws-waf", "waf"),
        ("Kubernetes/audit-log", "eks_audit"),
    ];
    for (folder, format) in kinds {
        let mut all = Vec::new();
        files(&root.join(folder).join("tests"), &mut all);
        assert!(!all.is_empty());
        for path in all {
            let case: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let message = case["input"]["message"].as_str().unwrap();
            let mut found = Collected::default();
            let got = decode(message.as_bytes(), &Place::default(), &mut found);
            assert_eq!(
                (got, found.rows.len(), found.aside.len()),
                (Some(format), 1, 0),
                "{}: {:?}",
                path.display(),
                found.aside
            );
            for row in &found.rows {
                // The samples of CloudFront have a date and no time of day.
                assert_eq!(row.time.is_some(), format != "cloudfront", "{}", path.display());
                // Insights and intervals without flows are about no single event.
                let quiet = row.columns.get("log_status").is_some_and(|s| s == "NODATA");
                let insight = row.columns.contains_key("insightdetails");
                let named = row.envelope.contains_key("event") || quiet || insight;
                assert!(named, "{}: {row:?}", path.display());
            }
        }
    }
}
