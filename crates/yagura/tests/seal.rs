//! Stores and lakes encrypted at rest, from the command line; AWS KMS is moto's.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use std::path::Path;
use std::process::Command;

const PASSPHRASE: (&str, &str) = ("YAGURA_PASSPHRASE", "correct horse battery");

struct Place {
    folder: tempfile::TempDir,
    key: String,
    more: Vec<(&'static str, String)>,
}

impl Place {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs with the key; `key` replaces the key file's name.
    fn run(&self, words: &[&str], key: Option<&str>) -> common::Outcome {
        let mut run = Run::new(words).env("YAGURA_KEY", key.unwrap_or(&self.key));
        for (name, value) in &self.more {
            run = run.env(name, value);
        }
        run.run()
    }

    #[track_caller]
    fn done(&self, words: &[&str], key: Option<&str>) -> String {
        let out = self.run(words, key);
        assert_eq!(out.code, 0, "{words:?}: {}", out.stderr);
        out.stdout
    }
}

fn sealed(path: impl AsRef<Path>) -> bool {
    std::fs::read(path).unwrap().starts_with(b"YAGSEAL1")
}

/// Every file below a folder, but locks and the one that names the key.
fn files(folder: &str) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if ["lock", "sealed"].iter().any(|n| path.file_name().unwrap() == *n) => {}
                false => out.push(path),
            }
        }
    }
    out
}

const COUNT: &str = "select count(*) as n from cloudtrail";

fn all_of_it(place: &Place) {
    let (store, lake) = (place.path("f.db"), place.path("lake"));
    let check = ["--check", "s3.bucket_blocks_public_access", "--format", "jsonl"];
    place.done(&[&["scan", "--demo", "--store", &store], &check[..]].concat(), None);
    assert!(sealed(&store));
    let listed = place.done(&["findings", "list", "--store", &store, "--format", "jsonl"], None);
    assert_eq!(listed.lines().count(), 2);
    let without = place.run(&["findings", "list", "--store", &store], Some(""));
    assert!(without.code == 3 && without.stderr.contains("YAGURA_KEY"), "{}", without.stderr);
    place.done(&["seal", "store", &store, "--decrypt"], None);
    assert!(std::fs::read(&store).unwrap().starts_with(b"SQLite format 3"));
    assert_eq!(place.done(&["findings", "list", "--store", &store, "--format", "jsonl"], Some("")), listed);
    place.done(&["seal", "store", &store], None);
    assert_eq!(place.done(&["findings", "list", "--store", &store, "--format", "jsonl"], None), listed);

    place.done(&["logs", "ingest", "--demo", "--lake", &lake, "--quiet"], None);
    assert!(files(&lake).len() > 10 && files(&lake).iter().all(sealed));
    let count = |key| place.run(&["query", "--lake", &lake, COUNT, "--format", "csv"], key);
    let rows = count(None).stdout;
    assert!(rows.contains("364"), "{rows}");
    let without = count(Some(""));
    assert!(without.code == 3 && without.stderr.contains("is encrypted with the key"), "{}", without.stderr);
    // Once more nothing is new: what was taken is known from sealed files.
    let again = place.done(&["logs", "ingest", "--demo", "--lake", &lake, "--format", "json", "--quiet"], None);
    assert!(again.contains("\"stored\":0") || again.contains("\"stored\": 0"), "{again}");
    place.done(&["seal", "lake", "--lake", &lake, "--decrypt"], None);
    assert!(!files(&lake).iter().any(sealed));
    assert_eq!(count(Some("")).stdout, rows);
    let plain = count(None);
    assert!(plain.code == 3 && plain.stderr.contains("yagura seal lake"), "{}", plain.stderr);
    // Cut off half-way, the same command goes on.
    let some = files(&lake).into_iter().find(|f| f.extension().is_some_and(|e| e == "parquet")).unwrap();
    place.done(&["seal", "lake", "--lake", &lake], None);
    let whole = std::fs::read(&some).unwrap();
    place.done(&["seal", "lake", "--lake", &lake], None);
    assert_eq!(std::fs::read(&some).unwrap(), whole, "what is sealed is left alone");
    assert_eq!(count(None).stdout, rows);
}

#[test]
fn a_passphrase_keeps_stores_and_lakes() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("yagura.key").display().to_string();
    let place = Place { folder, key: key.clone(), more: vec![(PASSPHRASE.0, PASSPHRASE.1.to_owned())] };
    let short = Run::new(&["seal", "key", "--output", &key]).env(PASSPHRASE.0, "short").run();
    assert!(short.code == 2 && !Path::new(&key).exists(), "{}", short.stderr);
    place.done(&["seal", "key", "--output", &key], Some(""));
    assert!(!std::fs::read_to_string(&key).unwrap().contains("horse"));
    let twice = place.run(&["seal", "key", "--output", &key], Some(""));
    assert!(twice.code == 2 && twice.stderr.contains("not overwritten"), "{}", twice.stderr);
    all_of_it(&place);
    let wrong = Run::new(&["findings", "list", "--store", &place.path("f.db")])
        .env("YAGURA_KEY", &key)
        .env(PASSPHRASE.0, "correct horse buttery")
        .run();
    assert!(wrong.code == 2 && wrong.stderr.contains("passphrase"), "{}", wrong.stderr);
    let none = Run::new(&["seal", "store", &place.path("f.db")]).env("YAGURA_KEY", "").run();
    assert!(none.code == 2 && none.stderr.contains("seal key"), "{}", none.stderr);
}

#[test]
fn aws_kms_keeps_stores_and_lakes() {
    let python = python();
    let moto = Server::moto(&python);
    let make = "import sys, boto3\nkms = boto3.client('kms', endpoint_url=sys.argv[1], region_name='eu-west-1', aws_access_key_id='x', aws_secret_access_key='x')\nprint(kms.create_key()['KeyMetadata']['Arn'])";
    let arn = output(Command::new(&python).args(["-c", make, &moto.url()]));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("yagura.key").display().to_string();
    let more = vec![("AWS_ENDPOINT_URL", moto.url()), ("AWS_REGION", "us-east-1".to_owned())];
    let place = Place { folder, key: key.clone(), more };
    place.done(&["seal", "key", "--kms", arn.trim(), "--output", &key], Some(""));
    assert!(std::fs::read_to_string(&key).unwrap().contains(arn.trim()));
    all_of_it(&place);
    // Where AWS KMS does not answer, nothing opens, and nothing is taken for empty.
    drop(moto);
    let gone = place.run(&["findings", "list", "--store", &place.path("f.db")], None);
    assert!(gone.code == 3 && gone.stderr.contains("kms:Decrypt"), "{}", gone.stderr);
}
