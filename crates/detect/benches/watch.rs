//! What statistics cost: nanoseconds a flow record and a DNS query, on traffic of many hosts, and the size of what is kept.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;
use yagura_detect::stat::dns::DnsWatch;
use yagura_detect::stat::flow::FlowWatch;
use yagura_detect::stat::{Dns, Flow};

const RECORDS: i64 = 2_000_000;

fn main() {
    flows();
    queries();
}

fn flows() {
    let mut rng = fastrand::Rng::with_seed(1);
    let before = resident();
    let mut watch = FlowWatch::default();
    let mut out = Vec::new();
    let start = Instant::now();
    for at in 0..RECORDS / 2 {
        // A thousand hosts with twenty peers each.
        let number = rng.u32(0..1_000);
        let host = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | number));
        let peer = IpAddr::V4(Ipv4Addr::from_bits(0x3400_0000 + (number * 7 + rng.u32(0..20) * 131) % 5_000));
        let (port, packets) = (rng.u16(32_768..), rng.u64(8..200));
        let time = 1_700_000_000_000 + at * 3;
        let there = Flow {
            time,
            end: time + 5_000,
            id: at as u128,
            src: host,
            dst: peer,
            src_port: port,
            dst_port: 443,
            protocol: 6,
            packets,
            bytes: packets * 300,
            accepted: true,
            interface: "eni-1",
            outbound: None,
        };
        let back = Flow { src: peer, dst: host, src_port: 443, dst_port: port, ..there };
        watch.observe(&there, &mut out);
        watch.observe(&back, &mut out);
    }
    let each = start.elapsed().as_nanos() as f64 / RECORDS as f64;
    println!(
        "flows: {each:.0} ns a record, {} signs, {:.0} MB resident, {:.0} MB as JSON",
        out.len(),
        resident() - before,
        json(&watch)
    );
}

fn queries() {
    let mut rng = fastrand::Rng::with_seed(2);
    let names: Vec<String> =
        (0..3_000).map(|n| format!("h{}.service{}.example{}.com.", n % 7, n % 11, n % 400)).collect();
    let hosts: Vec<String> = (0..1_000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect();
    let before = resident();
    let mut watch = DnsWatch::default();
    let mut out = Vec::new();
    let start = Instant::now();
    for at in 0..RECORDS {
        // Each host asks for twenty names.
        let number = rng.usize(..hosts.len());
        let query = Dns {
            time: 1_700_000_000_000 + at,
            id: at as u128,
            host: &hosts[number],
            name: &names[(number * 31 + rng.usize(0..20) * 17) % names.len()],
            kind: "A",
            rcode: "NOERROR",
            answers: 1,
            addresses: &[IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1))],
        };
        watch.observe(&query, &mut out);
    }
    let each = start.elapsed().as_nanos() as f64 / RECORDS as f64;
    println!(
        "DNS: {each:.0} ns a query, {} signs, {:.0} MB resident, {:.0} MB as JSON",
        out.len(),
        resident() - before,
        json(&watch)
    );
}

/// Resident megabytes of this process, where the system tells.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() * 4096.0 / 1e6
}

fn json(state: &impl serde::Serialize) -> f64 {
    serde_json::to_vec(state).unwrap().len() as f64 / 1e6
}
