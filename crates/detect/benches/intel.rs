//! What threat lists cost: bytes an entry and nanoseconds a lookup, at a million addresses and a million domains
//! (`YAGURA_BENCH_ENTRIES`).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;
use yagura_detect::intel::{Builder, Category, Spec};

fn main() {
    let entries: usize = std::env::var("YAGURA_BENCH_ENTRIES").map_or(1_000_000, |n| n.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut addresses, mut domains) = (String::new(), String::new());
    for _ in 0..entries {
        writeln!(addresses, "{}", Ipv4Addr::from_bits(rng.u32(..))).unwrap();
        writeln!(domains, "{:x}.example{}.com", rng.u64(..), rng.u8(..)).unwrap();
    }
    let mut builder = Builder::default();
    let start = Instant::now();
    builder.add(&Spec::new("a", Category::Malicious), addresses.as_bytes()).unwrap();
    builder.add(&Spec::new("d", Category::C2), domains.as_bytes()).unwrap();
    let lists = builder.build();
    let (ranges, names) = lists.len();
    println!("{ranges} ranges and {names} domains read in {:.2} s", start.elapsed().as_secs_f64());
    println!("{} bytes, {:.1} an entry", lists.bytes(), lists.bytes() as f64 / (ranges + names) as f64);

    let asked: Vec<IpAddr> = (0..1_000_000).map(|_| IpAddr::from(rng.u32(..).to_be_bytes())).collect();
    let start = Instant::now();
    let hits = asked.iter().filter(|a| lists.address(black_box(**a)).is_some()).count();
    println!("address: {:.0} ns a lookup, {hits} hits", start.elapsed().as_nanos() as f64 / asked.len() as f64);

    let asked: Vec<String> = (0..1_000_000).map(|_| format!("www{}.shop.example.net", rng.u32(..))).collect();
    let start = Instant::now();
    let hits = asked.iter().filter(|a| lists.domain(black_box(a)).is_some()).count();
    println!(
        "domain of four labels: {:.0} ns a lookup, {hits} hits",
        start.elapsed().as_nanos() as f64 / asked.len() as f64
    );
    let known: Vec<&str> = domains.lines().collect();
    assert!(known.iter().all(|d| lists.domain(d).is_some()));
}
