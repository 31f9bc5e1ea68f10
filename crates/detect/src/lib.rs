//! Threat detection on log records: rules, statistics, learned habits and attack sequences.
//!
//! Records are looked at twice. [`observe`] tries every rule on a record by itself, where it is decoded, on any thread and in any order.
//! [`engine`] takes what came of it **in the order of time** and remembers: repetition, habits, statistics, sequences. [`run`] puts it in order.

pub mod attack;
pub mod compile;
pub mod detection;
pub mod engine;
pub mod event;
pub mod figures;
pub mod fixture;
pub mod foreign;
pub mod habits;
pub mod hash;
pub mod intel;
pub mod investigate;
pub mod links;
pub mod measure;
pub mod observe;
pub mod pack;
pub mod pattern;
pub mod predicate;
pub mod run;
pub mod sequence;
pub mod share;
pub mod sigma;
pub mod signal;
pub mod stat;
pub mod suppress;
pub mod tell;
mod way;

use smol_str::SmolStr;
use std::net::IpAddr;

/// The network of an address, as coarse as providers hand them out: /16 of IPv4, /32 of IPv6. The name of an AWS service is its own.
pub fn network_of(source: &str) -> Option<SmolStr> {
    match source.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, _, _] = ip.octets();
            Some(format!("{a}.{b}.0.0/16").into())
        }
        Ok(IpAddr::V6(ip)) => {
            let [a, b, ..] = ip.segments();
            Some(format!("{a:x}:{b:x}::/32").into())
        }
        Err(_) => (!source.is_empty()).then(|| source.into()),
    }
}

/// The kind of client that a user agent names, without versions: `aws-cli`, `Boto3`, `Mozilla`.
pub fn agent_of(user_agent: &str) -> &str {
    let agent = user_agent.trim_start_matches('[').trim_end_matches(']');
    agent.split(['/', ' ', ';', ',']).next().unwrap_or(agent)
}
