//! Writes a generated CloudTrail below a folder: `trail DIR MEGABYTES [DAYS]`. Prints how many events and JSON bytes it holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a tool for tests may stop")]

use yagura_testkit::Trail;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let megabytes: u64 = arguments[2].parse().unwrap();
    let days = arguments.get(3).map_or(5, |d| d.parse().unwrap());
    let trail = Trail { bytes: megabytes << 20, days, ..Trail::default() };
    let (events, bytes) = trail.write(std::path::Path::new(&arguments[1])).unwrap();
    println!("{{\"events\":{events},\"bytes\":{bytes}}}");
}
