//! Random networks: the engine against a simulation packet by packet, its explanations against their own promise, and
//! laws that hold whatever the network.
//!
//! Every failure names its seed; `YAGURA_SEED` runs that one alone, `YAGURA_NETWORKS` sets how many are tried.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod agree;
mod flows;
mod generate;
mod laws;
mod oracle;
mod repair;

/// The seeds to try: `YAGURA_SEED` alone, else as many as `YAGURA_NETWORKS` says, else `usual`.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("YAGURA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("YAGURA_NETWORKS").unwrap_or(usual),
    }
}
