//! What habits cost: resident memory for 100,000 keys of typical values (`YAGURA_BENCH_KEYS`) and nanoseconds an observation.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may stop, and prints")]

use std::time::Instant;
use yagura_detect::stat::habit::{Dimension, HabitConfig, Habits, hour};

/// Resident bytes of this process, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn main() {
    let keys: u64 = std::env::var("YAGURA_BENCH_KEYS").map_or(100_000, |n| n.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(1);
    let before = resident();
    let mut habits = Habits::new(HabitConfig::default());
    let start = Instant::now();
    let mut events = 0u64;
    for round in 0..6i64 {
        for key in 0..keys {
            let key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let time = 1_700_000_000_000 + round * 3_600_000;
            // Thirty values: a dozen APIs of five hundred, a few services, Regions, networks and programs, the hours,
            // and pairs of their own.
            for _ in 0..2 {
                habits.observe(key, Dimension::Api, rng.u64(0..500) << 32, time);
            }
            habits.observe(key, Dimension::Service, rng.u64(0..60) << 32, time);
            habits.observe(key, Dimension::Region, rng.u64(0..4) << 32, time);
            habits.observe(key, Dimension::Network, rng.u64(0..20_000) << 32, time);
            habits.observe(key, Dimension::Hour, hour(time), time);
            habits.observe(key, Dimension::Pair, rng.u64(..), time);
            events += 7;
        }
    }
    let nanoseconds = start.elapsed().as_nanos() as f64 / events as f64;
    let bytes = resident().saturating_sub(before);
    println!("{} keys, {events} observations, {nanoseconds:.0} ns each", habits.len());
    println!("{:.0} MB resident, {:.0} bytes a key", bytes as f64 / 1e6, bytes as f64 / keys as f64);
    let start = Instant::now();
    let kept = serde_json::to_vec(&habits).unwrap();
    println!("written as JSON: {:.0} MB in {:.1} s", kept.len() as f64 / 1e6, start.elapsed().as_secs_f64());
}
