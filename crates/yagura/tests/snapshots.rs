//! Snapshots: they replay without credentials, and are never torn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{ANSWERED, Run};
use std::path::Path;
use std::time::{Duration, Instant};
use yagura_inventory::load;
use yagura_testkit::{Endpoint, Estate, Fault};

fn path(p: &Path) -> &str {
    p.to_str().unwrap()
}

/// Names the first line that differs, not megabytes.
#[track_caller]
fn assert_same(a: &str, b: &str) {
    let start = |l: Option<&str>| l.map(|l| l.chars().take(300).collect::<String>());
    let lines = a.lines().count().max(b.lines().count());
    for n in 0..lines {
        assert_eq!(start(a.lines().nth(n)), start(b.lines().nth(n)), "line {}", n + 1);
    }
    assert!(a == b, "they differ past the first 300 letters of a line");
}

#[test]
fn a_replay_is_byte_equal() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    // A denial and a disabled Region: gaps replay too.
    aws.add(Fault::AccessDenied.on("s3:GetBucketEncryption"));
    aws.add(Fault::OptInRequired.on("lambda").in_region("eu-west-1"));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("s.ysnap");
    let live = Run::scan(&aws.url()).args(&["--save", path(&file)]).run();
    assert_eq!(live.code, 0, "{}", live.stderr);
    drop(aws);
    for lang in ["en", "ja"] {
        let replay = |file: &Path| {
            Run::new(&[
                "scan",
                "--snapshot",
                path(file),
                "--format",
                "jsonl",
                "--lang",
                lang,
                "--check",
                &ANSWERED.join(","),
            ])
            .env("AWS_ACCESS_KEY_ID", "")
            .run()
        };
        let (once, twice) = (replay(&file), replay(&file));
        assert_eq!(once.code, 0, "{}", once.stderr);
        assert_same(&once.stdout, &twice.stdout);
        if lang == "en" {
            assert_same(&live.stdout, &once.stdout);
        }
    }
}

#[test]
fn a_torn_snapshot_is_refused_and_the_old_one_survives_a_failed_scan() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("s.ysnap");
    assert_eq!(Run::scan(&aws.url()).args(&["--save", path(&file)]).run().code, 0);
    let whole = std::fs::read(&file).unwrap();

    let torn = home.path().join("torn.ysnap");
    for keep in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&torn, &whole[..keep]).unwrap();
        let outcome = Run::new(&["scan", "--snapshot", path(&torn), "--format", "jsonl"]).run();
        assert_eq!(outcome.code, 2, "{keep} bytes: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{keep} bytes");
        assert!(outcome.stderr.contains("torn.ysnap"), "{}", outcome.stderr);
    }

    aws.add(Fault::ExpiredToken.everywhere());
    assert_eq!(Run::scan(&aws.url()).args(&["--save", path(&file)]).run().code, 3);
    assert_eq!(std::fs::read(&file).unwrap(), whole, "a scan that read nothing replaced the snapshot");
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_snapshot_or_the_new_one() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("s.ysnap");
    let scan = || Run::scan(&aws.url()).args(&["--save", path(&file)]);
    let first = scan().run();
    assert_eq!(first.code, 0, "{}", first.stderr);
    let mut old = load(&file).unwrap();
    let (assets, listings) = (old.assets.len(), old.listings.len());

    // Most kills fall into the last part of a run, where the file is written. How long a run takes hangs on what else runs.
    let (mut replaced, mut killed, mut whole) = (0, 0, first.took);
    let started = Instant::now();
    for n in 0..60u32 {
        if started.elapsed() > Duration::from_secs(25) {
            break;
        }
        let part = if n % 4 == 0 { fastrand() } else { 0.85 + 0.3 * fastrand() };
        let mut child = scan().spawn();
        std::thread::sleep(whole.mul_f64(part));
        child.kill().unwrap();
        let hit = child.wait().unwrap().code().is_none();
        killed += u32::from(hit);
        whole = whole.mul_f64(if hit { 1.05 } else { 0.85 });
        let now = load(&file).unwrap_or_else(|e| panic!("after {n} kills: {e}"));
        assert_eq!((now.assets.len(), now.listings.len()), (assets, listings), "after {n} kills");
        replaced += u32::from(now.taken_at != old.taken_at);
        old = now;
    }
    assert!(killed > 5, "killed {killed} times, replaced {replaced} times");
}

#[test]
#[cfg(unix)]
fn an_interrupted_scan_ends_at_once_and_keeps_the_old_snapshot() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("s.ysnap");
    assert_eq!(Run::scan(&aws.url()).args(&["--save", path(&file)]).run().code, 0);
    let whole = std::fs::read(&file).unwrap();

    aws.add(Fault::Hang.on("kms"));
    let mut child = Run::scan(&aws.url()).args(&["--save", path(&file)]).spawn();
    while aws.requests().get("kms:ListKeys").is_none_or(|n| *n <= 2) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupted = Instant::now();
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(interrupted.elapsed() < Duration::from_secs(5), "{:?}", interrupted.elapsed());
    assert!(std::fs::read(&file).unwrap() == whole, "the snapshot changed");
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["s.ysnap"]);
}

/// A number below 1 that differs from call to call.
fn fastrand() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0u8) % 1000) as f64 / 1000.0
}

#[test]
fn an_output_that_is_a_folder_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Endpoint::start(Estate::small()).unwrap();
    for option in ["--save", "--output"] {
        let outcome = Run::scan(&aws.url()).args(&[option, folder.path().to_str().unwrap()]).run();
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("is a folder"), "{}", outcome.stderr);
    }
    assert_eq!(aws.requests().len(), 0, "{:?}", aws.requests());
}
