//! Flows: scans, beacons, floods, volumes.

use crate::read;
use std::collections::BTreeMap;
use yagura_detect::stat::flow::FlowWatch;
use yagura_detect::stat::{Flow, Sign};

#[derive(Clone)]
pub struct Line {
    time: i64,
    end: i64,
    src: String,
    dst: String,
    ports: (u16, u16),
    protocol: u8,
    packets: u64,
    bytes: u64,
    accepted: bool,
}

fn run(watch: &mut FlowWatch, lines: &[Line]) -> Vec<Sign> {
    let mut out = Vec::new();
    for (at, l) in lines.iter().enumerate() {
        let flow = Flow {
            time: l.time,
            end: l.end,
            id: at as u128,
            src: l.src.parse().unwrap(),
            dst: l.dst.parse().unwrap(),
            src_port: l.ports.0,
            dst_port: l.ports.1,
            protocol: l.protocol,
            packets: l.packets,
            bytes: l.bytes,
            accepted: l.accepted,
            interface: "eni-1",
            outbound: None,
        };
        watch.observe(&flow, &mut out);
    }
    out
}

fn load(path: &std::path::Path) -> Vec<Line> {
    let mut lines: Vec<Line> = read::text(path)
        .lines()
        .skip(1)
        .map(|line| {
            let w: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| w[at].parse::<i64>().unwrap();
            Line {
                time: number(10) * 1_000,
                end: number(11) * 1_000,
                src: w[3].into(),
                dst: w[4].into(),
                ports: (number(5) as u16, number(6) as u16),
                protocol: number(7) as u8,
                packets: number(8) as u64,
                bytes: number(9) as u64,
                accepted: w[12] == "ACCEPT",
            }
        })
        .collect();
    lines.sort_by_key(|l| l.time);
    lines
}

/// A file, what must be found in it by method and host, and what may be found beside that: true of the capture, but
/// nobody's label.
type Wanted = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const WANTED: [Wanted; 9] = [
    ("portscan_vertical", &[("port_scan", "192.168.1.9")], &[]),
    ("portscan_binetflow", &[("port_scan", "10.8.0.69"), ("icmp_sweep", "10.8.0.69")], &[]),
    ("test12_icmp_portscan", &[("icmp_sweep", "192.168.1.109")], &[]),
    ("test_cc_capture_1", &[("beacon", "147.32.80.37")], &[]),
    ("test2_malicious", &[], &["dns_resolver_unusual"]),
    ("malware_mixed_test9", &[], &["dns_resolver_unusual", "spambot"]),
    ("test5_mixed", &[], &["dns_resolver_unusual"]),
    ("mixed_test10", &[], &[]),
    ("test7_malicious", &[("port_sweep", "192.168.2.16")], &["dns_resolver_unusual"]),
];

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn scores_on_real_samples() {
    let mut tally: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (name, must, may) in WANTED {
        let lines = load(&read::shared().join("vpcflow").join(format!("{name}.log.gz")));
        let signs = run(&mut FlowWatch::default(), &lines);
        println!("{name}: {} flows, {} signs", lines.len(), signs.len());
        for s in &signs {
            println!("    {} {} {:?} n {} score {:.2} {:?}", s.method, s.host, s.peer, s.count, s.score, s.facts);
            let wanted = must.iter().any(|m| *m == (s.method, s.host.as_str()));
            if wanted || !may.contains(&s.method) {
                tally.entry(s.method).or_default()[if wanted { 0 } else { 2 }] += 1;
            }
        }
        for (method, host) in must {
            if !signs.iter().any(|s| s.method == *method && s.host == *host) {
                tally.entry(method).or_default()[1] += 1;
            }
        }
    }
    for (method, [hit, missed, wrong]) in &tally {
        let ratio = |of: usize| *hit as f64 / (*hit + of).max(1) as f64;
        println!(
            "{method}: precision {:.2}, recall {:.2} ({hit} right, {wrong} wrong, {missed} missed)",
            ratio(*wrong),
            ratio(*missed)
        );
    }
    assert!(tally.values().all(|t| t[1] == 0 && t[2] == 0));
}

fn line(time: i64, from: &str, to: &str, ports: (u16, u16), protocol: u8, packets: u64, bytes: u64) -> Line {
    Line { time, end: time + 500, src: from.into(), dst: to.into(), ports, protocol, packets, bytes, accepted: true }
}

fn methods(signs: &[Sign]) -> Vec<&str> {
    signs.iter().map(|s| s.method).collect()
}

const HOST: &str = "10.0.0.5";
const FAR: &str = "203.0.113.7";

/// Calls at these intervals, each a new connection, with its answer.
fn calls(to: &str, intervals: impl Iterator<Item = i64>, mut bytes: impl FnMut() -> u64) -> Vec<Line> {
    let mut time = 1_700_000_000_000;
    let mut lines = Vec::new();
    for (at, interval) in intervals.enumerate() {
        time += interval;
        let port = 40_000 + (at % 20_000) as u16;
        lines.push(line(time, HOST, to, (port, 443), 6, 12, bytes()));
        lines.push(line(time, to, HOST, (443, port), 6, 10, 4_000));
    }
    lines
}

#[test]
fn jittered_calls_are_a_beacon_and_chance_is_not() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let interval = rng.i64(5_000..3_600_000);
        let jitter = rng.f64() * 0.5;
        let mut draw = rng.fork();
        let regular: Vec<i64> = (0..80).map(|_| (interval as f64 * (1.0 - jitter * draw.f64())) as i64).collect();
        let signs = run(&mut FlowWatch::default(), &calls(FAR, regular.into_iter(), || 800 + rng.u64(0..60)));
        // A day is the quiet period.
        let days = 1 + interval * 80 / 86_400_000;
        assert!(
            (1..=days).contains(&(signs.len() as i64)) && signs.iter().all(|s| s.method == "beacon"),
            "interval {interval} jitter {jitter}"
        );
    }
    let mut wrong = 0;
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mean = rng.f64() * 600_000.0 + 5_000.0;
        let poisson: Vec<i64> = (0..400).map(|_| (-mean * (1.0 - rng.f64()).ln()) as i64).collect();
        wrong += run(&mut FlowWatch::default(), &calls(FAR, poisson.into_iter(), || 800)).len();
    }
    assert!(wrong <= 1, "{wrong} of 300 Poisson processes of 400 arrivals and one size");
}

#[test]
fn regular_company_is_no_beacon() {
    let minutes = || std::iter::repeat_n(60_000, 300);
    // A peer of our own, a time server, a connection that stays open, and a server that everybody calls.
    assert_eq!(methods(&run(&mut FlowWatch::default(), &calls("10.0.3.3", minutes(), || 800))), Vec::<&str>::new());
    let mut time_server = calls(FAR, minutes(), || 76);
    for l in &mut time_server {
        (l.protocol, l.packets) = (17, 1);
        l.ports = if l.src == HOST { (l.ports.0, 123) } else { (123, l.ports.1) };
    }
    assert_eq!(methods(&run(&mut FlowWatch::default(), &time_server)), Vec::<&str>::new());
    let mut open = calls(FAR, minutes(), || 800);
    for l in &mut open {
        l.ports = if l.src == HOST { (50_000, 443) } else { (443, 50_000) };
    }
    assert_eq!(methods(&run(&mut FlowWatch::default(), &open)), Vec::<&str>::new());
    let mut all: Vec<Line> = Vec::new();
    for host in 0..8 {
        all.extend(calls(FAR, minutes(), || 800).into_iter().filter(|l| l.src == HOST).map(|mut l| {
            l.src = format!("10.0.1.{host}");
            l
        }));
    }
    all.sort_by_key(|l| l.time);
    assert_eq!(methods(&run(&mut FlowWatch::default(), &all)), Vec::<&str>::new());
}

#[test]
fn many_ports_are_a_scan_from_inside_and_a_probe_from_outside() {
    let mut rng = fastrand::Rng::with_seed(5);
    let ports: Vec<u16> = (0..40).map(|_| rng.u16(1..30_000)).collect();
    let scan = |from: &str, to: &str| -> Vec<Line> {
        let pairs = ports.iter().enumerate();
        pairs
            .flat_map(|(at, p)| {
                let time = at as i64 * 2_000;
                [line(time, from, to, (51_000, *p), 6, 1, 44), line(time, to, from, (*p, 51_000), 6, 1, 40)]
            })
            .collect()
    };
    let inner = run(&mut FlowWatch::default(), &scan(HOST, "10.0.9.9"));
    assert_eq!(inner.iter().map(|s| (s.method, s.host.as_str())).collect::<Vec<_>>(), [("port_scan", HOST)]);
    let outer = run(&mut FlowWatch::default(), &scan(FAR, HOST));
    assert_eq!(outer.iter().map(|s| (s.method, s.host.as_str())).collect::<Vec<_>>(), [("port_probe", HOST)]);
    let excluded = FlowWatch { excluded: vec![HOST.parse().unwrap()], ..FlowWatch::default() };
    assert!(run(&mut { excluded }, &scan(HOST, "10.0.9.9")).is_empty());
}

#[test]
fn a_busy_server_and_a_busy_client_scan_nobody() {
    let mut lines = Vec::new();
    for at in 0..3_000i64 {
        let client = format!("198.51.{}.{}", at % 100, at % 250);
        let port = 1_024 + (at * 37 % 60_000) as u16;
        lines.push(line(at * 100, &client, HOST, (port, 443), 6, 10, 2_000));
        lines.push(line(at * 100, HOST, &client, (443, port), 6, 12, 9_000));
        // A crawler: many peers at one port, and the tail of each conversation in a record of its own.
        let peer = format!("203.0.{}.{}", at % 100, at % 250);
        lines.push(line(at * 100, "10.0.0.6", &peer, (port | 0x8000, 443), 6, 10, 2_000));
        lines.push(line(at * 100 + 60, "10.0.0.6", &peer, (port | 0x8000, 443), 6, 2, 104));
    }
    lines.sort_by_key(|l| l.time);
    let signs = run(&mut FlowWatch::default(), &lines);
    assert_eq!(methods(&signs), Vec::<&str>::new(), "{signs:?}");
}

#[test]
fn guessing_and_then_getting_in() {
    let mut lines: Vec<Line> =
        (0..60).map(|at| line(at * 3_000, FAR, HOST, (40_000 + at as u16, 22), 6, 18, 2_600)).collect();
    lines.push(line(200_000, FAR, HOST, (41_000, 22), 6, 900, 90_000));
    let signs = run(&mut FlowWatch::default(), &lines);
    assert_eq!(methods(&signs), ["brute_force", "brute_force_success"]);
    assert!(signs.iter().all(|s| s.host == HOST && s.facts.contains(&("role", "target".into()))));
    let mut people: Vec<Line> =
        (0..20).map(|at| line(at * 60_000, FAR, HOST, (40_000 + at as u16, 22), 6, 18, 2_600)).collect();
    people.push(line(2_000_000, FAR, HOST, (41_000, 22), 6, 900, 90_000));
    assert!(run(&mut FlowWatch::default(), &people).is_empty());
}

#[test]
fn an_hour_beyond_the_hosts_own_hours() {
    let mut rng = fastrand::Rng::with_seed(9);
    let mut lines = Vec::new();
    for hour in 0..100i64 {
        for minute in 0..60 {
            let bytes = 1_000_000 + rng.u64(0..2_000_000);
            lines.push(line((hour * 60 + minute) * 60_000, HOST, FAR, (40_000, 443), 6, 1_000, bytes));
        }
    }
    assert!(run(&mut FlowWatch::default(), &lines).is_empty());
    lines.push(line(100 * 3_600_000 + 1, HOST, "203.0.113.99", (40_001, 443), 6, 1_000_000, 2_000_000_000));
    let signs = run(&mut FlowWatch::default(), &lines);
    assert_eq!(methods(&signs), ["traffic_volume"]);
    assert_eq!((signs[0].peer.as_deref(), signs[0].count), (Some("203.0.113.99"), 2_000_000_000));
}

#[test]
fn floods_are_told_from_transfers() {
    let flood = |protocol, port, packets, bytes| {
        run(&mut FlowWatch::default(), &[line(0, HOST, FAR, (40_000, port), protocol, packets, bytes)])
    };
    assert_eq!(methods(&flood(17, 53, 2_000_000, 140_000_000)), ["dos_dns"]);
    assert_eq!(methods(&flood(17, 9_999, 2_000_000, 900_000_000)), ["dos_udp"]);
    assert_eq!(methods(&flood(17, 80, 2_000_000, 900_000_000)), ["dos_udp_on_tcp_ports"]);
    assert_eq!(methods(&flood(6, 80, 2_000_000, 80_000_000)), ["dos_tcp"]);
    assert_eq!(methods(&flood(47, 0, 2_000_000, 80_000_000)), ["dos_unusual_protocol"]);
    assert!(flood(6, 443, 2_000_000, 2_800_000_000).is_empty(), "an upload");
    let mut answered = vec![line(0, HOST, FAR, (40_000, 4_433), 17, 10_000, 900_000)];
    answered.push(line(1, FAR, HOST, (4_433, 40_000), 17, 900_000, 900_000_000));
    answered.push(line(2, HOST, FAR, (40_000, 4_433), 17, 900_000, 900_000_000));
    assert!(run(&mut FlowWatch::default(), &answered).is_empty(), "a call");
}

#[test]
fn outlets() {
    let spam: Vec<Line> = (0..30)
        .map(|at| line(at * 1_000, HOST, &format!("203.0.113.{at}"), (40_000 + at as u16, 25), 6, 20, 9_000))
        .collect();
    assert_eq!(methods(&run(&mut FlowWatch::default(), &spam)), ["spambot"]);
    let names: Vec<Line> =
        (0..30).map(|at| line(at * 1_000, HOST, "198.51.100.53", (40_000 + at as u16, 53), 17, 1, 70)).collect();
    assert_eq!(methods(&run(&mut FlowWatch::default(), &names)), ["dns_resolver_unusual"]);
    let vpc: Vec<Line> = names
        .iter()
        .cloned()
        .map(|mut l| {
            l.dst = "10.0.0.2".into();
            l
        })
        .collect();
    assert!(run(&mut FlowWatch::default(), &vpc).is_empty());
    let quiet =
        [line(0, HOST, "1.1.1.1", (40_000, 443), 6, 20, 4_000), line(1, HOST, FAR, (40_000, 853), 6, 20, 4_000)];
    assert_eq!(methods(&run(&mut FlowWatch::default(), &quiet)), ["doh", "dot"]);
}

#[test]
fn a_port_that_a_known_host_never_used() {
    let mut lines = Vec::new();
    for at in 0..2_000i64 {
        lines.push(line(
            at * 600_000,
            HOST,
            &format!("203.0.113.{}", at % 200),
            (40_000, 443),
            6,
            20,
            1_000 + (at as u64 * 7_919) % 9_000,
        ));
    }
    let new = |time| line(time, HOST, FAR, (40_000, 4_444), 6, 20, 4_000);
    lines.push(new(2_000 * 600_000));
    let signs = run(&mut FlowWatch::default(), &lines);
    assert_eq!(methods(&signs), ["port_unusual"]);
    assert!(run(&mut FlowWatch::default(), &[lines[0].clone(), new(600_000)]).is_empty(), "not known long enough");
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut lines = calls(FAR, std::iter::repeat_n(30_000, 100), || 800);
    let start = lines[0].time;
    for at in 0..600 {
        lines.push(line(start + at * 4_000, "10.0.0.8", &format!("10.0.4.{}", rng.u8(1..250)), (50_000, 22), 6, 1, 60));
        lines.push(line(start + at * 4_000, "10.0.0.9", "10.0.4.4", (50_000, rng.u16(1..9_000)), 6, 1, 60));
    }
    lines.sort_by_key(|l| l.time);
    let told = |signs: &[Sign]| signs.iter().map(|s| serde_json::to_string(s).unwrap()).collect::<Vec<_>>();
    let whole = run(&mut FlowWatch::default(), &lines);
    assert!(whole.len() >= 3);
    for cut in [1, 300, 701] {
        let mut watch = FlowWatch::default();
        let mut out = run(&mut watch, &lines[..cut]);
        let mut watch: FlowWatch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
        out.extend(run(&mut watch, &lines[cut..]));
        let place = |s: &Sign| (s.method, s.time, s.host.clone(), s.count, format!("{:.6}", s.score));
        assert_eq!(out.iter().map(place).collect::<Vec<_>>(), whole.iter().map(place).collect::<Vec<_>>());
    }
    assert_eq!(told(&run(&mut FlowWatch::default(), &lines)), told(&whole));
}
