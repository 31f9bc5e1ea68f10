//! How fast CloudTrail is read, as ratios to the least work that anybody has to do: `gunzip` and a parse to simd-json's tape of the
//! same bytes, on one core, in the same run.
//!
//! `YAGURA_BENCH_MB` says how much JSON is generated (default 256); `YAGURA_BENCH_TRAIL` names a folder of deliveries instead.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints"
)]

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::ingest::{Options, Progress, ingest};
use yagura_logs::input::{Wanted, local};
use yagura_logs::lake::Lake;
use yagura_logs::place::Place;
use yagura_logs::record::Record;

#[derive(Default)]
struct Count {
    records: u64,
    actors: u64,
}

impl Sink for Count {
    fn record(&mut self, _: &str, _: Record<'_>, envelope: Envelope<'_>) {
        self.records += 1;
        self.actors += u64::from(envelope.get(Role::Actor).is_some() && envelope.time.is_some());
    }
    fn aside(&mut self, why: String, _: &[u8]) {
        assert!(why.contains("JSON of no log"), "{why}");
    }
}

fn files(folder: &std::path::Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { files(&entry.path(), into) } else { into.push(entry.path()) }
    }
}

/// The best of three, in seconds.
fn best(mut work: impl FnMut()) -> f64 {
    (0..3)
        .map(|_| {
            let t = Instant::now();
            work();
            t.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}

fn main() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("YAGURA_BENCH_TRAIL").map(PathBuf::from).unwrap_or_else(|| {
        let megabytes: u64 = std::env::var("YAGURA_BENCH_MB").map_or(256, |m| m.parse().unwrap());
        let trail = yagura_testkit::Trail { bytes: megabytes << 20, ..Default::default() };
        let at = scratch.path().join("trail");
        trail.write(&at).unwrap();
        at
    });
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let packed: Vec<Vec<u8>> =
        paths.iter().filter(|p| p.extension().is_some_and(|e| e == "gz")).map(|p| std::fs::read(p).unwrap()).collect();
    let mut json = 0u64;
    let mut plain = Vec::new();
    let gunzip = best(|| {
        json = 0;
        for file in &packed {
            plain.clear();
            flate2::bufread::MultiGzDecoder::new(&file[..]).read_to_end(&mut plain).unwrap();
            json += plain.len() as u64;
        }
    });
    let tape = best(|| {
        for file in &packed {
            plain.clear();
            flate2::bufread::MultiGzDecoder::new(&file[..]).read_to_end(&mut plain).unwrap();
            let tape = simd_json::to_tape(&mut plain).unwrap();
            std::hint::black_box(&tape.0.len());
        }
    });
    let mut count = Count::default();
    let events = best(|| {
        count = Count::default();
        for file in &packed {
            decode(&file[..], &Place::default(), &mut count);
        }
    });
    assert!(count.records > 0 && count.actors == count.records);
    let rate = |seconds: f64| json as f64 / seconds / 1e6;
    println!("{} deliveries, {:.0} MB of JSON, {} events", packed.len(), json as f64 / 1e6, count.records);
    println!("gunzip alone               {:6.0} MB/s", rate(gunzip));
    println!("gunzip + simd-json tape    {:6.0} MB/s", rate(tape));
    println!(
        "gz → events                {:6.0} MB/s   {:.2} × of gunzip + tape (wanted: 0.50)",
        rate(events),
        tape / events
    );
    drop(packed);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut one = f64::MAX;
    let (mut two, mut share) = (f64::MAX, 0.0);
    for (threads, best) in [(1, &mut one), (2, &mut two)] {
        for _ in 0..2 {
            let at = tempfile::tempdir().unwrap();
            let store: Arc<dyn object_store::ObjectStore> =
                Arc::new(object_store::local::LocalFileSystem::new_with_prefix(at.path()).unwrap());
            let root = object_store::path::Path::default();
            let lake = runtime.block_on(Lake::open_to_write(store, root, Some(at.path()))).unwrap();
            let inputs = local(&[folder.display().to_string()], &Wanted::default()).unwrap();
            let start = Instant::now();
            let (lake, report) = ingest(
                lake,
                &inputs,
                Options { threads, ..Options::default() },
                runtime.handle(),
                &Progress::default(),
            )
            .unwrap();
            *best = best.min(start.elapsed().as_secs_f64());
            assert_eq!(report.records.stored + report.records.duplicate, count.records);
            let bytes: u64 = lake.stats().values().map(|t| t.bytes).sum();
            share = bytes as f64 / json as f64;
        }
    }
    println!("gz → lake, one thread      {:6.0} MB/s   {:.2} × of gunzip + tape", rate(one), tape / one);
    println!("gz → lake, two threads     {:6.0} MB/s   {:.2} × of one thread (wanted: 1.80)", rate(two), one / two);
    println!("the lake is                {:6.1} %      of the JSON (wanted: at most 12)", share * 100.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(line) = status.lines().find(|l| l.starts_with("VmHWM")) {
        println!(
            "peak memory, generated deliveries held for the first lines included: {}",
            line.trim_start_matches("VmHWM:").trim()
        );
    }
}
