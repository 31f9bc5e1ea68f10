//! The flawed estate of the shared test data: for each of the 26 practices the failing resources are exactly the true ones,
//! with at most 1.05 times the fewest calls. `scripts/estate-truth` runs this where the data is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod common;

use common::moto::{Server, free, output, python};
use common::{Run, Verdicts};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use yagura_model::{Status, Verdict};

/// The folder with `estate/` in it.
fn shared() -> PathBuf {
    let folder = std::env::var_os("YAGURA_SHARED").expect("set YAGURA_SHARED to the folder that holds estate/");
    Path::new(&folder).join("estate")
}

fn ids(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// A verdict's resource as the truth names it.
fn named(v: &Verdict) -> String {
    let r = &v.resource;
    match r.kind.as_str() {
        "account" => format!("account/{}", r.id),
        "region" => format!("region/{}", r.id),
        _ => r.arn.clone().unwrap_or_else(|| r.id.clone()).to_string(),
    }
}

/// What differs for one practice, a line each.
fn differences(number: &str, truth: &Value, aliases: &Value, verdicts: &Verdicts) -> Vec<String> {
    let alias = |id: String| {
        let key = aliases.as_object().and_then(|a| a.iter().find(|(_, slot)| slot.as_str() == Some(&id)));
        key.map_or(id.clone(), |(key, _)| key.clone())
    };
    let map = format!("aws-26/{number}");
    let of = |status: Status| -> BTreeSet<String> {
        verdicts
            .values()
            .filter(|v| v.status == status && v.maps.iter().any(|m| *m == map))
            .map(|v| alias(named(v)))
            .collect()
    };
    let (failed, passed, unknown) = (of(Status::Fail), of(Status::Pass), of(Status::Unknown));
    let (bad, good) = (ids(&truth["violating"]), ids(&truth["compliant"]));
    let ambiguous: BTreeSet<String> = truth["ambiguous"].as_object().unwrap().keys().cloned().collect();
    let mut out = Vec::new();
    let mut complain = |what: &str, set: BTreeSet<String>| {
        out.extend(set.into_iter().map(|id| format!("practice {number}: {what} {id}")))
    };
    complain("missed", &bad - &failed);
    complain("failed wrongly", &(&failed - &bad) - &ambiguous);
    complain("not passed", &good - &passed);
    complain("passed wrongly", &passed & &bad);
    complain("unknown", &unknown - &ambiguous);
    out
}

#[test]
#[ignore = "needs the shared estate: scripts/estate-truth"]
fn every_posture_is_judged_as_it_is_with_the_fewest_calls() {
    let (python, estate) = (python(), shared());
    let scale = std::env::var("YAGURA_ESTATE_SCALE").unwrap_or_else(|_| "1".to_owned());
    let home = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for posture in ["flawed", "tricky", "mixed", "clean"] {
        let address = free();
        let port = address.port().to_string();
        let server = Server::start(
            Command::new(&python).arg(estate.join("motoserve.py")).args(["--port", &port, "--quiet", "--fix"]),
            address,
        );
        let truth_file = home.path().join(format!("{posture}.json"));
        let script = |name: &str| {
            let mut command = Command::new(&python);
            command.env("PYTHONDONTWRITEBYTECODE", "1").arg(estate.join(name)).args(["--endpoint", &server.url()]);
            command
        };
        output(script("estate.py").args(["-n", &scale, "--seed", "7", "--posture", posture, "--out"]).arg(&truth_file));
        let read = |path: &Path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
        let truth = read(&truth_file);

        let snapshot = home.path().join("s.ysnap");
        let verdicts = Run::scan(&server.url())
            .args(&["--framework", "aws-26", "--save", snapshot.to_str().unwrap()])
            .run()
            .done();
        for number in 1..=26 {
            let number = number.to_string();
            let found = differences(&number, &truth["practices"][&number], &truth["aliases"], &verdicts);
            wrong.extend(found.into_iter().map(|line| format!("{posture}: {line}")));
        }

        let calls = yagura_inventory::load(&snapshot).unwrap().requests;
        let bound = home.path().join("bound.json");
        output(script("lowerbound.py").args(["--client", "aiohttp", "--out"]).arg(&bound));
        let fewest = read(&bound)["calls"].as_u64().unwrap();
        let ratio = calls as f64 / fewest as f64;
        println!("{posture}: {calls} calls, the fewest are {fewest}: {ratio:.3}");
        if ratio > 1.05 {
            wrong.push(format!("{posture}: {calls} calls, the fewest are {fewest}: {ratio:.3} is more than 1.05"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
