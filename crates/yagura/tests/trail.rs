//! The real program verifying trails: on moto, with calls that fail, killed on the way, and a copy on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::moto::{Server, output, python};
use common::{Outcome, Run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use yagura_testkit::{Endpoint, Fault, Reply};

const ALL: [&str; 9] = [
    "log-altered",
    "log-deleted",
    "log-no-gzip",
    "digest-altered",
    "digest-deleted",
    "digest-resigned",
    "digests-reordered",
    "log-added",
    "chain-restarted",
];

/// A trail in a folder, as `scripts/trail-estate` makes it.
struct Trail {
    folder: PathBuf,
    truth: Value,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/trail-estate")
}

impl Trail {
    fn make(python: &Path, folder: &Path, name: &str, hours: &str, spoil: &[&str]) -> Self {
        let folder = folder.join(name);
        let mut command = Command::new(python);
        command.arg(script()).arg("make").arg(&folder).args(["--hours", hours, "--logs", "3", "--events", "3"]);
        if !spoil.is_empty() {
            command.arg("--spoil").args(spoil);
        }
        let truth = serde_json::from_str(&output(&mut command)).unwrap();
        Self { folder, truth }
    }

    fn put(&self, python: &Path, moto: &Server) {
        output(Command::new(python).arg(script()).arg("put").arg(&self.folder).arg(moto.url()));
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn text(&self, name: &str) -> String {
        self.truth[name].as_str().unwrap().to_owned()
    }

    fn public_keys(&self) -> Reply {
        Reply::Json(serde_json::from_slice(&std::fs::read(self.folder.join("public-keys.json")).unwrap()).unwrap())
    }

    /// What is wrong, by key.
    fn wrong(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.truth["wrong"].clone()).unwrap()
    }

    /// Verifies the copy.
    fn offline(&self, words: &[&str]) -> Outcome {
        let (dir, metadata, keys) = (self.path("objects"), self.path("metadata.json"), self.path("public-keys.json"));
        let run = Run::new(&["trail", "verify", &dir, "--metadata", &metadata, "--public-keys", &keys]);
        run.args(words).env("YAGURA_LANG", "en").run()
    }

    /// Verifies the trail.
    fn live(&self, url: &str, words: &[&str]) -> Outcome {
        self.run(url, words).run()
    }

    fn run(&self, url: &str, words: &[&str]) -> Run {
        let run = Run::new(&["trail", "verify", "--trail", &self.text("arn"), "--lang", "en"]);
        run.args(words).env("AWS_ENDPOINT_URL", url).env("AWS_REGION", "us-east-1")
    }
}

/// The verdicts that are not `valid`, by key, and the whole answer.
fn found(outcome: &Outcome) -> (BTreeMap<String, String>, Value) {
    let answer: Value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", outcome.stdout, outcome.stderr));
    let files = answer["files"].as_array().unwrap();
    let bad = files.iter().filter(|f| f["verdict"] != "valid");
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    (bad.map(|f| (text(f, "key"), text(f, "verdict"))).collect(), answer)
}

#[test]
fn trails_are_verified_where_they_lie() {
    let python = python();
    let moto = Server::moto(&python);
    let home = tempfile::tempdir().unwrap();
    let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
    let whole = Trail::make(&python, home.path(), "whole", "6", &[]);
    let spoilt = Trail::make(&python, home.path(), "spoilt", "24", &ALL);
    [&whole, &spoilt].iter().for_each(|trail| trail.put(&python, &moto));

    // Without public keys nothing is known, and nothing is accused.
    let blind = whole.live(&aws.url(), &["--format", "json"]);
    let (bad, _) = found(&blind);
    assert_eq!((blind.code, bad.len()), (3, 6 + 18), "{}", blind.stdout);
    assert!(bad.values().all(|v| v == "unknown"), "{}", blind.stdout);
    assert!(blind.stdout.contains("cloudtrail:ListPublicKeys"), "{}", blind.stdout);

    aws.reset();
    aws.answer("cloudtrail:ListPublicKeys", whole.public_keys());
    let good = whole.live(&aws.url(), &["--format", "json"]);
    let (bad, answer) = found(&good);
    assert_eq!((good.code, bad.len()), (0, 0), "{}{}", good.stdout, good.stderr);
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["files"].as_array().unwrap().len(), 24);
    // Each object is asked for once, and the bucket is listed once: the other listing finds the bucket's Region.
    let requests = aws.requests();
    let gets: u64 = requests.iter().filter(|(call, _)| call.starts_with("s3:")).map(|(_, n)| n).sum();
    assert_eq!(gets, 24 + 2, "{requests:?}");
    assert_eq!(requests["cloudtrail:ListPublicKeys"], 1);

    for words in [&["--format", "json"][..], &["--format", "json", "--start-time", &spoilt.text("start")]] {
        let outcome = spoilt.live(&aws.url(), words);
        let (bad, answer) = found(&outcome);
        assert_eq!((outcome.code, &answer["valid"]), (1, &Value::Bool(false)), "{}", outcome.stderr);
        assert_eq!(bad, spoilt.wrong(), "{words:?}");
    }
    // By bucket, and by the trail's name.
    let name = spoilt.text("trail");
    let by_name = Run::new(&["trail", "verify", "--trail", &name, "--format", "json"]);
    let by_name = by_name.env("AWS_ENDPOINT_URL", &aws.url()).env("AWS_REGION", "us-east-1").run();
    assert_eq!(found(&by_name).0, spoilt.wrong(), "{}", by_name.stderr);
    let keys = spoilt.path("public-keys.json");
    let by_bucket = Run::new(&["trail", "verify", "--bucket", &spoilt.text("bucket"), "--public-keys", &keys]);
    let by_bucket = by_bucket.args(&["--format", "json"]).env("AWS_ENDPOINT_URL", &aws.url()).run();
    assert_eq!(found(&by_bucket).0, spoilt.wrong(), "{}", by_bucket.stderr);

    denied(&whole, &aws);
    killed(&whole, &aws, home.path());
}

/// An object that may not be read is neither valid nor missing.
fn denied(trail: &Trail, aws: &Endpoint) {
    let (_, answer) = found(&trail.live(&aws.url(), &["--format", "json"]));
    let key = |part: &str| {
        let mut keys = answer["files"].as_array().unwrap().iter().map(|f| f["key"].as_str().unwrap());
        keys.find(|k| k.contains(part)).unwrap().to_owned()
    };
    let (log, digest) = (key("/CloudTrail/"), key("/CloudTrail-Digest/"));
    let name = |key: &str| key.rsplit('/').next().unwrap().to_owned();
    aws.add(Fault::AccessDenied.on("s3").holding(&name(&log)));
    let outcome = trail.live(&aws.url(), &["--format", "json"]);
    let (bad, answer) = found(&outcome);
    assert_eq!((outcome.code, &answer["valid"]), (3, &Value::Bool(false)));
    assert_eq!(bad, BTreeMap::from([(log.clone(), "unknown".to_owned())]));
    assert!(outcome.stdout.contains("access denied, s3:GetObject is missing"), "{}", outcome.stdout);
    let text = trail.live(&aws.url(), &[]).stdout;
    assert!(text.contains("NOT KNOWN: 1 file could not be read"), "{text}");

    // What only that digest could tell is unknown too.
    aws.reset();
    aws.answer("cloudtrail:ListPublicKeys", trail.public_keys());
    aws.add(Fault::AccessDenied.on("s3").holding(&name(&digest)));
    let outcome = trail.live(&aws.url(), &["--format", "json"]);
    let (bad, _) = found(&outcome);
    assert_eq!((outcome.code, bad.len()), (3, 1 + 3), "{bad:?}");
    assert!(bad.values().all(|v| v == "unknown"), "{bad:?}");

    for (fault, call, part) in [
        (Fault::AccessDenied, "cloudtrail:GetTrail", "cloudtrail:GetTrail"),
        (Fault::AccessDenied, "s3:ListObjectsV2", "s3:ListBucket is missing"),
        (Fault::ExpiredToken, "s3", "expired or wrong"),
        (Fault::ExpiredToken, "cloudtrail", "expired"),
    ] {
        aws.reset();
        aws.add(fault.on(call));
        let outcome = trail.live(&aws.url(), &[]);
        assert!(outcome.code == 3 && outcome.stderr.contains(part), "{call}: {}", outcome.stderr);
    }
    // What moto says of the trail does not matter so much that it must be readable.
    aws.reset();
    aws.answer("cloudtrail:ListPublicKeys", trail.public_keys());
    aws.add(Fault::AccessDenied.on("cloudtrail:GetTrailStatus"));
    let outcome = trail.live(&aws.url(), &[]);
    assert!(outcome.code == 0 && outcome.stdout.contains("cloudtrail:GetTrailStatus is missing"), "{}", outcome.stdout);
    // Throttling and faults of the service are waited out.
    aws.add(Fault::Throttled.on("s3").after(4).first(5));
    aws.add(Fault::ServerError.on("s3").after(12).first(3));
    assert_eq!(trail.live(&aws.url(), &[]).code, 0);
    aws.reset();
    aws.answer("cloudtrail:ListPublicKeys", trail.public_keys());
}

/// A run that is killed loses nothing: the next one reads only what is left.
fn killed(trail: &Trail, aws: &Endpoint, home: &Path) {
    let journal = home.join("journal").to_str().unwrap().to_owned();
    let words = ["--format", "json", "--resume", &journal, "--concurrency", "1"];
    let mut child = trail.run(&aws.url(), &words).spawn();
    let lines = || std::fs::read_to_string(&journal).unwrap_or_default().lines().count();
    let started = Instant::now();
    while lines() < 5 && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = u64::try_from(lines() - 1).unwrap();
    assert!(kept >= 4, "{kept}");
    aws.reset();
    aws.answer("cloudtrail:ListPublicKeys", trail.public_keys());
    let outcome = trail.live(&aws.url(), &words);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let gets: u64 = aws.requests().iter().filter(|(call, _)| call.contains(".json.gz")).map(|(_, n)| n).sum();
    assert_eq!(gets, 24 - kept, "{:?}", aws.requests());
    let text = trail.live(&aws.url(), &["--resume", &journal]).stdout;
    assert!(text.contains("What 18 log files hold now"), "{text}");
}

#[test]
fn copies_are_verified_without_aws() {
    let python = python();
    let home = tempfile::tempdir().unwrap();
    let spoilt = Trail::make(&python, home.path(), "spoilt", "24", &ALL);
    let outcome = spoilt.offline(&["--format", "json"]);
    let (bad, answer) = found(&outcome);
    assert_eq!((outcome.code, bad), (1, spoilt.wrong()));
    let members: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(members, ["files", "valid"]);
    assert!(answer["files"].as_array().unwrap().iter().all(|f| f.as_object().unwrap().len() == 3));

    let whole = Trail::make(&python, home.path(), "whole", "4", &[]);
    let outcome = whole.offline(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("VALID: all 16 files"), "{}", outcome.stdout);
    let ja = whole.offline(&["--lang", "ja"]);
    assert!(ja.stdout.contains("有効: 16 件すべて"), "{}", ja.stdout);

    // Every form, to a file too.
    let to = whole.path("proof.csv");
    assert_eq!(whole.offline(&["--output", &to]).code, 0);
    let csv = std::fs::read_to_string(&to).unwrap();
    assert_eq!(csv.lines().count(), 17);
    assert!(csv.starts_with("\u{feff}key,kind,verdict,why\r\n"), "{csv}");

    // No digest, no proof.
    let outcome = whole.offline(&["--start-time", "2001-01-01", "--end-time", "2001-01-02", "--format", "json"]);
    assert_eq!((outcome.code, &found(&outcome).1["valid"]), (3, &Value::Bool(false)));

    for (words, part) in [
        (&["--start-time", "2026-07-02", "--end-time", "2026-07-01"][..], "--start-time is after --end-time"),
        (&["--start-time", "yesterday"], "a time such as"),
        (&["--trail", "x"], "cannot be used with"),
        (&["--resume", &whole.path("truth.json")], "is no journal"),
    ] {
        let outcome = whole.offline(words);
        assert!(outcome.code == 2 && outcome.stderr.contains(part), "{words:?}: {}", outcome.stderr);
    }
    let dir = whole.path("objects");
    for (metadata, keys, part) in [
        ("truth.json", "public-keys.json", "signature-algorithm"),
        ("metadata.json", "truth.json", "not an answer of cloudtrail:ListPublicKeys"),
        ("nowhere.json", "public-keys.json", "cannot read"),
    ] {
        let (metadata, keys) = (whole.path(metadata), whole.path(keys));
        let run =
            Run::new(&["trail", "verify", &dir, "--metadata", &metadata, "--public-keys", &keys, "--lang", "en"]).run();
        assert!(run.code >= 2 && run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}
