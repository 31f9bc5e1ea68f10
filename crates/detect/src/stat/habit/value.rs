//! The numbers that stand for values.

use sha2::{Digest, Sha256};

/// The number that stands for a text, the same on every machine. Cut from SHA-256: a quicker hash could be made to
/// collide by who writes user agents, and what is new would pass for known.
pub fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The number that stands for the hour of a time, UTC; never 0, which stands for nothing said.
pub fn hour(time: i64) -> u64 {
    // The last eight bits of a value are not kept: the dimension takes their place.
    (time.div_euclid(3_600_000).rem_euclid(24) as u64 + 1) << 8
}
