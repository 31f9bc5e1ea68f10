//! How long questions of a network take, and how that grows: one pair (yes, and no with its explanation), everything
//! that the internet reaches, every pair.
//!
//! Run with `cargo bench -p yagura-network`. Wanted: one pair under 5 ms; exposed over 10,000 interfaces under 1 s; all
//! pairs over 1,000 under 2 s; under 500 MB. What is printed are the parts of these limits that are used.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench stops where its own data is broken; criterion's macros make public items"
)]

mod estates;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use estates::{each_its_own_group, three_tiers};
use std::hint::black_box;
use std::time::{Duration, Instant};
use yagura_network::Network;
use yagura_network::question::Reachable;
use yagura_network::question::case::Case;
use yagura_network::question::matrix::Between;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn case(from: &str, to: &str, port: u16) -> Case {
    let text =
        format!(r#"{{"src": {{"node": "{from}"}}, "dst": {{"node": "{to}"}}, "protocol": "tcp", "dst_port": {port}}}"#);
    Case::parse(&text).expect("a case")
}

/// From the web tier to the application tier, which lets it in; to the databases, which do not; and from the last VPC
/// to the first, whose databases are two transit gateway routes and a group away.
fn pairs(size: usize) -> [(&'static str, Case, Reachable); 3] {
    [
        ("yes", case("eni-0", "eni-3", 8080), Reachable::Yes),
        ("no", case("eni-0", "eni-7", 5432), Reachable::No),
        ("no, far", case(&format!("eni-{}", size - 1), "eni-7", 5432), Reachable::No),
    ]
}

fn one_pair(c: &mut Criterion) {
    let mut group = c.benchmark_group("one pair");
    for size in SIZES {
        let network = Network::new(three_tiers(size));
        for (name, case, expected) in pairs(size) {
            let answer = network.answer(&case).expect("an answer");
            assert_eq!(answer.reachable, expected, "{name}: {:?}", answer.blocked_by);
            let id = BenchmarkId::new(name, size);
            group.bench_function(id, |b| b.iter(|| network.answer(black_box(&case)).expect("an answer")));
        }
    }
    group.finish();
}

/// The median of some runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[2]
}

fn tell(name: &str, size: usize, took: Duration, limit: Duration) {
    println!("{name:<28} {size:>7}  {:>7.3} of the limit  ({took:.2?})", took.as_secs_f64() / limit.as_secs_f64());
}

/// The most memory that this process has held, in MB (`VmHWM` of `/proc/self/status`).
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn all_pairs(name: &str, size: usize, network: &Network) {
    let mut lines = 0_u64;
    let all = || {
        lines = 0;
        let count = |_: &_, _: &_, _: &_| {
            lines += 1;
            Ok::<(), ()>(())
        };
        network.matrix(Between::Interfaces, 1, count).expect("no line fails");
    };
    let took = median(all);
    tell(&format!("{name} ({lines})"), size, took, Duration::from_secs(2));
}

fn limits(_: &mut Criterion) {
    println!();
    for size in SIZES {
        let start = Instant::now();
        let network = Network::new(three_tiers(size));
        tell("making and resolving", size, start.elapsed(), Duration::from_secs(1));
        for (name, case, _) in pairs(size) {
            let took = median(|| drop(black_box(network.answer(&case).expect("an answer"))));
            tell(&format!("one pair: {name}"), size, took, Duration::from_millis(5));
        }
        let mut found = 0;
        let took = median(|| found = network.exposed(None).len());
        tell(&format!("exposed ({found})"), size, took, Duration::from_secs(1));
        if size <= 1_000 {
            all_pairs("all pairs", size, &network);
            // The worst case: no two interfaces are treated alike.
            all_pairs("all pairs, own groups", size, &Network::new(each_its_own_group(three_tiers(size))));
        }
        println!("{:<28} {size:>7}  {:>7.3} of the limit  ({:.0} MB)", "peak memory", peak() / 500.0, peak());
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1));
    targets = limits, one_pair
}
criterion_main!(benches);
