//! The numbers that stand for values.

use super::{Dimension, what};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// The number that stands for a text, the same on every machine. Cut from SHA-256: a quicker hash could be made to
/// collide by who writes user agents, and what is new would pass for known.
pub fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The number that stands for two values together, in this order.
pub fn pair(first: (Dimension, u64), second: (Dimension, u64)) -> u64 {
    // Both are cut from SHA-256 already; mixing is enough (the finaliser of G. Steele, D. Lea and C. Flood's SplitMix).
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    mix(mix(what(first.0, first.1)).wrapping_add(what(second.0, second.1)))
}

/// The number that stands for the network of an address: 16 bits of IPv4, 32 of IPv6, which is about what a provider
/// has in one place.
pub fn network(address: IpAddr) -> u64 {
    // The last eight bits of a value are not kept: the dimension takes their place.
    match address.to_canonical() {
        IpAddr::V4(v4) => 1 << 63 | u64::from(v4.to_bits() >> 16) << 8,
        IpAddr::V6(v6) => 1 << 62 | ((v6.to_bits() >> 96) as u64) << 8,
    }
}

/// The number that stands for the hour of a time, UTC.
pub fn hour(time: i64) -> u64 {
    (time.div_euclid(3_600_000).rem_euclid(24) as u64) << 8
}

/// A user agent's program without its version: `aws-cli` of `aws-cli/2.15.0 Python/3.11`, `terraform` of `APN/1.0
/// HashiCorp/1.0 Terraform/1.6`, `browser` of what begins with `Mozilla`.
pub fn agent_family(agent: &str) -> String {
    let text = agent.trim().trim_start_matches('[').trim_end_matches(']');
    let products = text.split([' ', ',']).map(|p| p.split('/').next().unwrap_or_default());
    let name = products.filter(|p| !p.is_empty()).find(|p| !matches!(*p, "APN" | "HashiCorp" | "exec-env"));
    match name.map(str::to_ascii_lowercase) {
        Some(name) if name == "mozilla" => "browser".to_owned(),
        Some(name) => name,
        None => String::new(),
    }
}
