//! Into the lake and out again: each record once, whatever happens on the way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

use arrow_array::cast::AsArray;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::bloom_filter::Sbbf;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use yagura_logs::ingest::{Counts, Options, Progress, Report, ingest};
use yagura_logs::input::{Wanted, local};
use yagura_logs::lake::{LARGE, Lake, LakeError};
use yagura_testkit::Trail;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn store(folder: &Path) -> Arc<dyn ObjectStore> {
    std::fs::create_dir_all(folder).unwrap();
    Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap())
}

fn open(rt: &Runtime, folder: &Path) -> Result<Lake, LakeError> {
    rt.block_on(Lake::open_to_write(store(folder), object_store::path::Path::default(), Some(folder)))
}

fn take(rt: &Runtime, folder: &Path, sources: &[&Path]) -> (Lake, Report) {
    let names: Vec<String> = sources.iter().map(|p| p.display().to_string()).collect();
    let inputs = local(&names, &Wanted::default()).unwrap();
    ingest(
        open(rt, folder).unwrap(),
        &inputs,
        Options { threads: 2, ..Options::default() },
        rt.handle(),
        &Progress::default(),
    )
    .unwrap()
}

fn rows(lake: &Lake) -> u64 {
    lake.stats().values().map(|t| t.rows).sum()
}

fn counts(found: u64, stored: u64, duplicate: u64, aside: u64) -> Counts {
    Counts { found, stored, duplicate, aside }
}

fn small() -> Trail {
    Trail { bytes: 3 << 20, delivery: 64 << 10, days: 2, regions: 2, accounts: 2, seed: 7 }
}

#[test]
fn the_manifest_says_where_filters_lie_before_and_after_compaction() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let (trail, lake) = (scratch.path().join("trail"), scratch.path().join("lake"));
    let trail_of = |bytes| Trail { bytes, delivery: 1 << 20, days: 1, regions: 1, accounts: 1, seed: bytes };
    for bytes in [4 << 20, 5 << 20] {
        let part = trail.join(bytes.to_string());
        trail_of(bytes).write(&part).unwrap();
        drop(take(&rt, &lake, &[&part]));
    }
    // Each key that a file's column holds is in its filter; a key of nowhere is in hardly any.
    let check = |of: &Lake| {
        let mut asked = 0;
        for file in of.all_files().filter(|f| f.rows >= 1_000) {
            let bytes = rt.block_on(async { of.store().get(&of.at(&file.path)).await.unwrap().bytes().await.unwrap() });
            let filter = file.filters.iter().find(|f| f.column == "event_access_key").unwrap();
            let blooms: Vec<Sbbf> = filter
                .at
                .iter()
                .map(|(from, length)| {
                    let from = usize::try_from(*from).unwrap();
                    Sbbf::from_bytes(&bytes[from..from + *length as usize]).unwrap()
                })
                .collect();
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
            for batch in reader {
                let batch = batch.unwrap();
                let keys = batch.column_by_name("event_access_key").unwrap().as_string::<i32>().clone();
                for key in keys.iter().flatten() {
                    assert!(blooms.iter().any(|b| b.check(key)), "{key} is not in the filter of {}", file.path);
                    asked += 1;
                }
            }
            let strange = (0..1_000).filter(|n| blooms.iter().any(|b| b.check(format!("AKIANOWHERE{n}").as_str())));
            assert!(strange.count() < 50, "the filter of {} tells nothing", file.path);
        }
        asked
    };
    let mut lake = open(&rt, &lake).unwrap();
    let (files, asked) = (lake.all_files().count(), check(&lake));
    assert!(asked > 1_000, "{asked}");
    let done = rt.block_on(lake.compact(LARGE, &mut |_| ())).unwrap();
    assert!(done.after > 0 && lake.all_files().count() < files, "nothing was merged: {done:?}");
    assert_eq!(check(&lake), asked);
}

#[test]
fn each_record_is_stored_once_however_often_it_is_delivered() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let (trail, lake) = (scratch.path().join("trail"), scratch.path().join("lake"));
    let (events, _) = small().write(&trail).unwrap();
    let (first, report) = take(&rt, &lake, &[&trail]);
    assert_eq!(report.records, counts(events, events, 0, 0));
    assert_eq!(rows(&first), events);
    assert!(report.files.iter().all(|f| f.format == Some("cloudtrail")));
    drop(first);

    let (again, report) = take(&rt, &lake, &[&trail]);
    assert_eq!(report.records, counts(events, 0, events, 0), "the same files are known");
    drop(again);

    // The same records under other names: read again, and known one by one.
    let copy = scratch.path().join("copy");
    small().write(&copy).unwrap();
    let (again, report) = take(&rt, &lake, &[&copy, &copy]);
    assert_eq!(report.records, counts(2 * events, 0, 2 * events, 0), "the same records are known");
    assert_eq!(rows(&again), events);
    drop(again);

    // And once more after compaction, which must keep what is known.
    let mut lake_again = open(&rt, &lake).unwrap();
    let before = lake_again.all_files().count();
    let done = rt.block_on(lake_again.compact(LARGE, &mut |_| ())).unwrap();
    assert!(lake_again.all_files().count() < before || done.before == 0);
    assert_eq!(rows(&lake_again), events);
    drop(lake_again);
    let third = scratch.path().join("third");
    small().write(&third).unwrap();
    let (last, report) = take(&rt, &lake, &[&third]);
    assert_eq!((report.records.stored, rows(&last)), (0, events));
}

#[test]
fn what_is_broken_is_counted_named_and_kept_and_the_rest_goes_on() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let logs = scratch.path().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let good = r#"{"eventVersion":"1.09","eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"ID","userIdentity":{"type":"Root","accountId":"111122223333"},"awsRegion":"us-east-1","sourceIPAddress":"075.050.255.67","extra":{"a":[1]}}"#;
    let of = |id: &str| good.replace("ID", id);
    let write = |name: &str, bytes: &[u8]| std::fs::write(logs.join(name), bytes).unwrap();
    write("lines.json", format!("{}\nnot json\n{}\n{{\"eventVersion\":\n{}\n", of("1"), of("2"), of("3")).as_bytes());
    write("empty.json", b"");
    write("none.json", b"{\"Records\":[]}");
    write("notes.txt", b"these are\nsome notes\nof nobody\n");
    write("other.json", b"{\"name\":\"package\",\"version\":1}");
    write("latin.json", &[of("4").as_bytes(), b"\n{\"eventVersion\":\"\xff\"}\n", of("5").as_bytes()].concat());
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let many: Vec<String> = (100..3100).map(|n| of(&n.to_string())).collect();
    cut.write_all(format!("{{\"Records\":[{}]}}", many.join(",")).as_bytes()).unwrap();
    let cut = cut.finish().unwrap();
    write("cut.json.gz", &cut[..cut.len() * 2 / 3]);
    write(
        "deep.json",
        format!("{{\"Records\":[{},{{\"eventID\":{}1{}}}]}}", of("6"), "[".repeat(100_000), "]".repeat(100_000))
            .as_bytes(),
    );
    let lake = scratch.path().join("lake");
    let (after, report) = take(&rt, &lake, &[&logs]);
    let of_file = |name: &str| report.files.iter().find(|f| f.path.ends_with(name)).unwrap().counts;
    assert_eq!(of_file("lines.json"), counts(5, 3, 0, 2));
    assert_eq!(of_file("empty.json"), counts(0, 0, 0, 0));
    assert_eq!(of_file("none.json"), counts(0, 0, 0, 0));
    assert_eq!(of_file("notes.txt"), counts(1, 0, 0, 1));
    assert_eq!(of_file("other.json"), counts(1, 0, 0, 1));
    assert_eq!(of_file("latin.json"), counts(3, 2, 0, 1));
    assert_eq!(of_file("deep.json"), counts(2, 1, 0, 1));
    let cut = of_file("cut.json.gz");
    assert!(cut.aside == 1 && cut.stored > 1_000 && cut.stored < 3_000, "{cut:?}");
    let all = report.records;
    assert_eq!(all.found, all.stored + all.duplicate + all.aside);
    assert_eq!(report.aside.len() as u64, all.aside);
    let why = |name: &str| report.aside.iter().find(|a| a.path.ends_with(name)).unwrap().reason.clone();
    assert!(why("cut.json.gz").contains("cannot be read to its end"), "{}", why("cut.json.gz"));
    assert!(why("deep.json").contains("nests too deep"), "{}", why("deep.json"));
    assert!(why("latin.json").contains("not UTF-8 at byte 17"), "{}", why("latin.json"));
    assert_eq!(rows(&after), all.stored);
    drop(after);
    let kept: usize = std::fs::read_dir(lake.join("_yagura/aside")).unwrap().count();
    assert_eq!(kept, 6, "one file of what was put aside for each source that has some");

    // Mended, the file is read again.
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    whole.write_all(format!("{{\"Records\":[{}]}}", many.join(",")).as_bytes()).unwrap();
    write("cut.json.gz", &whole.finish().unwrap());
    let (after, report) = take(&rt, &lake, &[&logs.join("cut.json.gz")]);
    assert_eq!(report.records, counts(3000, 3000 - cut.stored, cut.stored, 0));
    assert_eq!(rows(&after), all.stored + 3000 - cut.stored);
}

#[test]
fn what_a_dead_process_left_does_not_count_and_goes() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let (trail, folder) = (scratch.path().join("trail"), scratch.path().join("lake"));
    let (events, _) = small().write(&trail).unwrap();
    let (lake, _) = take(&rt, &folder, &[&trail]);
    let some = lake.all_files().next().unwrap().clone();
    drop(lake);
    // Written, not committed; moved, no longer in the manifest; committed, not moved.
    let put = |path: &str| {
        let at = folder.join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, b"half a file").unwrap();
    };
    put("_yagura/staging/part-dead.parquet");
    put(&format!("{}/part-old.parquet", some.folder()));
    put("_yagura/ids/part-dead.parquet.ids");
    std::fs::rename(folder.join(&some.path), folder.join("_yagura/staging").join(some.name())).unwrap();
    let lake = open(&rt, &folder).unwrap();
    assert_eq!(rows(&lake), events);
    assert!(folder.join(&some.path).exists(), "what was committed is in its place");
    for gone in ["_yagura/staging/part-dead.parquet", "_yagura/ids/part-dead.parquet.ids"] {
        assert!(!folder.join(gone).exists(), "{gone}");
    }
    assert!(!folder.join(some.folder()).join("part-old.parquet").exists());
    let mut found = 0;
    for file in lake.all_files() {
        let meta = rt.block_on(lake.store().head(&lake.at(&file.path))).unwrap();
        assert_eq!(meta.size, file.bytes, "{}", file.path);
        found += 1;
    }
    assert!(found > 3);
}

#[test]
fn one_process_writes_at_a_time_and_readers_need_not_wait() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let lake = open(&rt, scratch.path()).unwrap();
    assert!(matches!(open(&rt, scratch.path()), Err(LakeError::Busy)));
    rt.block_on(Lake::open(store(scratch.path()), object_store::path::Path::default())).unwrap();
    drop(lake);
    open(&rt, scratch.path()).unwrap();
}

#[test]
fn many_commits_are_summed_up_and_a_missing_one_is_noticed() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let (logs, folder) = (scratch.path().join("logs"), scratch.path().join("lake"));
    std::fs::create_dir_all(&logs).unwrap();
    for n in 0..70 {
        let line = format!(
            r#"{{"eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"E","eventID":"{n}"}}"#
        );
        let file = logs.join(format!("{n}.json"));
        std::fs::write(&file, line).unwrap();
        take(&rt, &folder, &[&file]);
    }
    let log = folder.join("_yagura/log");
    assert!(log.join("00000000000000000064.all.json").exists());
    assert_eq!(rows(&open(&rt, &folder).unwrap()), 70);
    for n in 1..=64 {
        std::fs::remove_file(log.join(format!("{n:020}.json"))).unwrap();
    }
    assert_eq!(rows(&open(&rt, &folder).unwrap()), 70, "the sum stands for the commits before it");
    std::fs::remove_file(log.join("00000000000000000067.json")).unwrap();
    assert!(matches!(open(&rt, &folder), Err(LakeError::Commit(67, _))));
}

#[test]
fn old_days_expire_and_only_when_told() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let (trail, folder) = (scratch.path().join("trail"), scratch.path().join("lake"));
    let (events, _) = small().write(&trail).unwrap();
    let (mut lake, _) = take(&rt, &folder, &[&trail]);
    let told = rt.block_on(lake.expire("2026-03-02", false)).unwrap();
    assert_eq!(rows(&lake), events);
    let done = rt.block_on(lake.expire("2026-03-02", true)).unwrap();
    assert_eq!(told, done);
    assert!(done.rows > 0 && rows(&lake) == events - done.rows);
    assert!(lake.all_files().all(|f| f.day.as_str() >= "2026-03-02"));
    drop(lake);
    assert_eq!(rows(&open(&rt, &folder).unwrap()), events - done.rows);
}

#[test]
fn a_bomb_is_read_in_bounded_memory() {
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let bomb = scratch.path().join("bomb.json.gz");
    let mut gz = flate2::write::GzEncoder::new(std::fs::File::create(&bomb).unwrap(), flate2::Compression::best());
    gz.write_all(b"{\"Records\":[{\"eventVersion\":\"").unwrap();
    for _ in 0..100 {
        gz.write_all(&[b'a'; 1 << 20]).unwrap();
    }
    gz.finish().unwrap();
    let (_, report) = take(&rt, &scratch.path().join("lake"), &[&bomb]);
    assert_eq!(report.records, counts(1, 0, 0, 1));
    assert!(report.aside[0].reason.contains("longer than 16 MiB"), "{}", report.aside[0].reason);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 200_000, "{peak} kB");
}

#[test]
fn a_text_is_found_wherever_it_stands() {
    use yagura_logs::search::{Hit, Search};
    let (rt, scratch) = (runtime(), tempfile::tempdir().unwrap());
    let logs = scratch.path().join("logs.json");
    let of = |id: &str, more: &str| {
        format!(
            r#"{{"eventVersion":"1","eventTime":"2026-01-0{}T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"N","eventID":"{id}",{more}}}"#,
            id.len()
        )
    };
    let lines = [
        of("a", r#""userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/Needle"}"#),
        of("bb", r#""resources":[{"ARN":"x"},{"ARN":"the needle's"}],"userIdentity":{}"#),
        of("ccc", r#""somethingNew":{"deep":["needle"]}"#),
        of("dddd", r#""requestParameters":{"a":"need","b":"le"}"#),
        of("eeeee", r#""userIdentity":{"sessionContext":{"webIdFederationData":{"attributes":{"k":"needle"}}}}"#),
    ];
    std::fs::write(&logs, lines.join("\n")).unwrap();
    let (lake, report) = take(&rt, &scratch.path().join("lake"), &[&logs]);
    assert_eq!(report.records, counts(5, 5, 0, 0));
    let found = |search: Search| {
        let mut hits: Vec<Hit> = Vec::new();
        rt.block_on(search.run(&lake, &mut |h| {
            hits.push(h);
            true
        }))
        .unwrap();
        hits.iter().map(|h| h.columns.keys().cloned().collect::<Vec<_>>().join("+")).collect::<Vec<_>>()
    };
    let search = |text: &str| Search { text: text.to_owned(), ..Search::default() };
    let attributes = "useridentity.sessioncontext.webidfederationdata.attributes";
    assert_eq!(found(search("needle")), ["resources.arn", "unmapped", attributes]);
    let any = Search { ignore_case: true, ..search("NEEDLE") };
    assert_eq!(found(any.clone()), ["event_actor+useridentity.arn", "resources.arn", "unmapped", attributes]);
    let later = Search { since: Some("2026-01-03".to_owned()), until: Some("2026-01-04".to_owned()), ..any.clone() };
    assert_eq!(found(later), ["unmapped"]);
    assert!(found(Search { tables: vec!["vpc_flow_logs".to_owned()], ..any }).is_empty());
}
