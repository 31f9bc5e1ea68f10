//! Snapshot files: whole, cut, damaged, newer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use std::path::Path;
use std::sync::Arc;
use yagura_inventory::{SnapshotError, load, save};
use yagura_model::{Asset, Caller, Field, Gap, GapReason, Listing, Scope, Snapshot, Value};

fn snapshot(assets: usize) -> Snapshot {
    let gap =
        Arc::new(Gap { permission: Some("s3:ListAllMyBuckets".into()), ..Gap::new(GapReason::AccessDenied, "denied") });
    let asset = |n: usize| Asset {
        kind: "s3.bucket".into(),
        arn: Some(format!("arn:aws:s3:::b{n}").into()),
        id: format!("b{n}").into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        fields: vec![
            ("Encryption".into(), Field::Unknown(gap.clone())),
            ("Name".into(), Field::Known(Value::text(format!("名前{n}")))),
            ("Size".into(), Field::Known(Value::Int(i64::MAX))),
        ],
    };
    Snapshot {
        taken_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        tool: "0.1.0".into(),
        callers: vec![Caller {
            account: "111122223333".into(),
            arn: "arn:aws:iam::111122223333:user/a".into(),
            partition: "aws".into(),
        }],
        scope: Scope {
            regions: vec!["us-east-1".into()],
            all_regions: false,
            checks: vec!["s3.x".into()],
            ..Scope::default()
        },
        listings: vec![Listing {
            kind: "s3.bucket".into(),
            account: "111122223333".into(),
            region: "aws-global".into(),
            gap: Some(gap.clone()),
        }],
        assets: (0..assets).map(asset).collect(),
        requests: 7,
    }
}

#[test]
fn what_is_saved_is_loaded_and_an_old_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ysnap");
    for n in [3, 0, 50] {
        save(&snapshot(n), &path).unwrap();
        assert_eq!(load(&path).unwrap(), snapshot(n));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files were left behind");
}

#[test]
fn no_cut_and_no_flipped_byte_passes_for_a_whole_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ysnap");
    save(&snapshot(20), &path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert!(matches!(load(&path), Err(SnapshotError::Damaged { .. })), "cut at {cut} of {}", whole.len());
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(other) = load(&path) {
            assert_eq!(other, snapshot(20), "byte {at} changed the content unnoticed");
        }
    }
}

fn packed(path: &Path, text: &str) {
    std::fs::write(path, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
}

#[test]
fn foreign_and_newer_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ysnap");
    packed(&path, "{\"yagura_snapshot\":99}\n");
    assert!(matches!(load(&path), Err(SnapshotError::Newer { found: 99, .. })));
    for text in ["", "\n", "{}\n", "[[[[", "{\"yagura_snapshot\":1}\n", &"[".repeat(1_000_000)] {
        packed(&path, text);
        assert!(matches!(load(&path), Err(SnapshotError::Damaged { .. })), "{text:.40}");
    }
    assert!(matches!(load(&folder.path().join("none")), Err(SnapshotError::Io { .. })));
}

#[test]
fn a_bomb_is_refused_before_memory_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ysnap");
    // 256 MB of one line, in a few kilobytes.
    let zeros = std::io::Read::take(std::io::repeat(b' '), 256 << 20);
    std::fs::write(&path, zstd::encode_all(zeros, 1).unwrap()).unwrap();
    assert!(matches!(load(&path), Err(SnapshotError::Damaged { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_points_to_is_replaced_unless_it_is_a_device() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (file, link, device) = (folder.path().join("a"), folder.path().join("latest"), folder.path().join("null"));
    save(&snapshot(1), &file).unwrap();
    symlink(&file, &link).unwrap();
    save(&snapshot(2), &link).unwrap();
    assert!(link.is_symlink());
    assert_eq!(load(&file).unwrap(), snapshot(2));
    symlink("/dev/null", &device).unwrap();
    assert!(matches!(save(&snapshot(3), &device), Err(SnapshotError::Io { .. })));
    assert!(device.is_symlink());
}
