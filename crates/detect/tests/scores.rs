//! How many of the labelled attacks are found, and what is found besides, on samples that stay outside the repository:
//! `YAGURA_SHARED=<folder> cargo test -p yagura-detect --release --test scores -- --ignored --nocapture`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests may stop, and print scores"
)]

mod content;

use regex::bytes::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Counts, Waiting};
use yagura_detect::tell::{Told, tell};
use yagura_logs::input::{Input, Wanted, local};
use yagura_model::Lang;

#[derive(Deserialize)]
struct Label {
    file: String,
    label: String,
    event_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Truth {
    events: u64,
    attacks: Vec<Attack>,
}

#[derive(Deserialize)]
struct Attack {
    chain: String,
    principal: String,
    event_ids: BTreeSet<String>,
}

/// Tools that attack say who they are; a detection that needs them to is worth nothing.
fn stripped(bytes: Vec<u8>) -> Vec<u8> {
    let tools = Regex::new(
        r#"(?i)(?:stratus-red-team|pacu|cloudgoat|scoutsuite|prowler|trufflehog|kali|parrot|pentoo)[^"\\]*"#,
    );
    tools.unwrap().replace_all(&bytes, &b"aws-sdk-go-v2/1.24"[..]).into_owned()
}

fn plain(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut out).unwrap();
    out
}

fn detect(pack: &Pack, inputs: &[Input], open: &(dyn Fn(&Input) -> Vec<u8> + Sync)) -> (Vec<Told>, Counts) {
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let done = AtomicUsize::new(0);
    let lists = Arc::new(Lists::default());
    let span = (i64::MIN, i64::MAX);
    let batch = Batch { inputs, rules: &pack.rules, lists, span, threads: 2, done: &done };
    let counts = batch.run(&mut engine, &mut Waiting::default(), None, &|i| Ok(Box::new(Cursor::new(open(i)))));
    (tell(&engine.state, &pack.rules, &pack.sequences, Lang::En), counts)
}

fn pack() -> Pack {
    let pack = Pack::read(content::files().iter(), &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
}

fn data() -> PathBuf {
    PathBuf::from(std::env::var_os("YAGURA_SHARED").unwrap()).join("data")
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn each_attack_alone() {
    let (data, pack) = (data(), pack());
    let labels: Vec<Label> = serde_json::from_slice(&read(&data.join("labels.json"))).unwrap();
    let has_eks = pack.rules.detections.iter().any(|d| d.id.starts_with("eks."));
    // By log: found, attacks; findings on what is benign, and its records.
    let mut table: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for l in &labels {
        let log = l.file.split('/').next().unwrap();
        let known = ["cloudtrail", "dns", "vpcflow"].contains(&log) || log == "k8s_audit" && has_eks;
        if !known || l.file.contains("traildiscover") {
            continue;
        }
        let bytes = stripped(plain(read(&data.join(&l.file))));
        let input = Input::memory(&l.file, &bytes);
        let (found, counts) = detect(&pack, &[input], &|_| bytes.clone());
        let row = table.entry(log).or_default();
        if l.label.starts_with("benign") {
            row[2] += found.len() as u64;
            row[3] += counts.records;
            found.iter().for_each(|f| println!("false {}: {}", l.file, f.rule));
        } else if l.label.starts_with("malicious") && !l.label.contains("unexplained") {
            let ids: BTreeSet<&str> = l.event_ids.iter().flatten().map(String::as_str).collect();
            let hit = |f: &&Told| ids.is_empty() || f.events.iter().any(|e| ids.contains(e.as_str()));
            let by: BTreeSet<_> = found.iter().filter(hit).map(|f| f.rule.as_str()).collect();
            row[0] += u64::from(!by.is_empty());
            row[1] += 1;
            println!("{} {} {by:?}", if by.is_empty() { "MISSED" } else { "found " }, l.file);
        }
    }
    let [found, attacks, false_ones, benign] =
        table.values().fold([0; 4], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]);
    for (log, [found, attacks, false_ones, benign]) in &table {
        println!("{log:12} {found:3} of {attacks:3} attacks found; {false_ones} findings on {benign} benign records");
    }
    println!("{found} of {attacks} (wanted: 95 %); {false_ones} findings on {benign} benign records");
    assert!(attacks > 30);
    assert!(found * 100 >= attacks * 95);
    assert!(false_ones * 10_000 <= 2 * benign);
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn attacks_among_ordinary_days() {
    let (data, pack) = (data(), pack());
    let truth: Truth = serde_json::from_slice(&read(&data.join("volume/ground_truth.json"))).unwrap();
    let inputs = local(&[data.join("volume/AWSLogs").display().to_string()], &Wanted::default()).unwrap();
    let (found, counts) = detect(&pack, &inputs, &|i| stripped(plain(read(Path::new(&i.name)))));
    assert_eq!(counts.records, truth.events);
    let of = |f: &Told, a: &Attack| f.events.iter().any(|e| a.event_ids.contains(e.as_str()));
    let mut missed = 0;
    for a in &truth.attacks {
        let by: Vec<&Told> = found.iter().filter(|f| of(f, a)).collect();
        let incidents = by.iter().filter(|f| !f.sequence.is_empty()).count();
        let rules: BTreeSet<_> = by.iter().map(|f| f.rule.as_str()).collect();
        println!("{:55} {:12} {incidents} incident(s), {rules:?}", a.chain, a.principal);
        missed += usize::from(by.is_empty());
        assert!(incidents <= 1, "{} is one attack", a.chain);
    }
    let strangers: Vec<&Told> = found.iter().filter(|f| !truth.attacks.iter().any(|a| of(f, a))).collect();
    strangers.iter().for_each(|f| println!("false: {} {} {}", f.rule, f.about.actor, f.time));
    let attacked: usize = truth.attacks.iter().map(|a| a.event_ids.len()).sum();
    let benign = truth.events as f64 - attacked as f64;
    let rate = strangers.len() as f64 * 10_000.0 / benign;
    println!(
        "{missed} of {} missed; {} false, {rate:.2} for 10,000 benign events",
        truth.attacks.len(),
        strangers.len()
    );
    assert_eq!(missed, 0);
    assert!(rate <= 2.0);
    assert!(strangers.iter().all(|f| f.sequence.is_empty()), "an incident without an attack");
    let several = found.iter().filter(|f| !f.sequence.is_empty());
    for incident in several {
        let attacks = truth.attacks.iter().filter(|a| of(incident, a)).count();
        assert_eq!(attacks, 1, "{} is an incident of one attack", incident.rule);
    }
}
