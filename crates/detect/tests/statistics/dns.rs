//! DNS: tunnels, computed domains, rebinding.

use crate::read;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use yagura_detect::stat::dns::DnsWatch;
use yagura_detect::stat::{Dns, Sign};

struct Query {
    time: i64,
    host: String,
    name: String,
    kind: String,
    rcode: String,
    addresses: Vec<IpAddr>,
}

fn run(watch: &mut DnsWatch, queries: &[Query]) -> Vec<Sign> {
    let mut out = Vec::new();
    for (at, q) in queries.iter().enumerate() {
        let query = Dns {
            time: q.time,
            id: at as u128,
            host: &q.host,
            name: &q.name,
            kind: &q.kind,
            rcode: &q.rcode,
            answers: q.addresses.len(),
            addresses: &q.addresses,
        };
        watch.observe(&query, &mut out);
    }
    out
}

fn load(path: &std::path::Path) -> Vec<Query> {
    let mut queries: Vec<Query> = read::text(path)
        .lines()
        .map(|line| {
            let v: serde_json::Value = serde_json::from_str(line).unwrap();
            let word = |key: &str| v[key].as_str().unwrap().to_owned();
            let time: jiff::Timestamp = v["query_timestamp"].as_str().unwrap().parse().unwrap();
            let answers = v["answers"].as_array().unwrap();
            Query {
                time: time.as_millisecond(),
                host: word("srcaddr"),
                name: word("query_name"),
                kind: word("query_type"),
                rcode: word("rcode"),
                addresses: answers.iter().filter_map(|a| a["Rdata"].as_str().unwrap().parse().ok()).collect(),
            }
        })
        .collect();
    queries.sort_by_key(|q| q.time);
    queries
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn scores_on_real_samples() {
    let mut tally: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for file in std::fs::read_dir(read::shared().join("dns")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let queries = load(&path);
        let hosts: BTreeSet<&str> = queries.iter().map(|q| q.host.as_str()).collect();
        let signs = run(&mut DnsWatch::default(), &queries);
        let wanted = if name.starts_with("tunnel") {
            Some("dns_tunnel")
        } else if name.starts_with("dga") {
            Some("dga")
        } else {
            None
        };
        for method in ["dns_tunnel", "dga", "dns_rebind", "dns_rebind_metadata"] {
            let found: BTreeSet<&str> = signs.iter().filter(|s| s.method == method).map(|s| s.host.as_str()).collect();
            let score = tally.entry(method).or_default();
            if wanted == Some(method) {
                score[0] += found.len();
                score[1] += hosts.len() - found.len();
            } else {
                score[2] += found.len();
            }
        }
        println!("{name}: {} queries, {} hosts, {} signs", queries.len(), hosts.len(), signs.len());
        for sign in &signs {
            println!("    {} {} {:?} score {:.2} {:?}", sign.method, sign.host, sign.peer, sign.score, sign.facts);
        }
    }
    for (method, [hit, missed, wrong]) in tally {
        if hit + missed + wrong == 0 {
            println!("{method}: no labelled sample, and nothing named");
            continue;
        }
        let share = |of: usize| hit as f64 / (hit + of).max(1) as f64;
        let (precision, recall) = (share(wrong), share(missed));
        println!(
            "{method}: precision {precision:.2}, recall {recall:.2} ({hit} hosts right, {wrong} wrong, {missed} missed)"
        );
        assert_eq!(wrong, 0, "{method}");
        assert_eq!(missed, 0, "{method}");
    }
}

fn query(time: i64, host: &str, name: &str, kind: &str, rcode: &str, addresses: &[&str]) -> Query {
    Query {
        time,
        host: host.into(),
        name: name.into(),
        kind: kind.into(),
        rcode: rcode.into(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    }
}

fn drawn(rng: &mut fastrand::Rng, letters: &str, length: usize) -> String {
    let letters: Vec<char> = letters.chars().collect();
    (0..length).map(|_| letters[rng.usize(..letters.len())]).collect()
}

fn methods(signs: &[Sign]) -> Vec<&str> {
    signs.iter().map(|s| s.method).collect()
}

const BASE32: &str = "abcdefghijklmnopqrstuvwxyz234567";

#[test]
fn a_file_in_names_is_a_tunnel_and_said_once() {
    let mut rng = fastrand::Rng::with_seed(1);
    let tunnel: Vec<Query> = (0..400)
        .map(|i| {
            query(
                i * 500,
                "10.0.0.5",
                &format!("{}.t.example.net", drawn(&mut rng, BASE32, 50)),
                "A",
                "NOERROR",
                &["203.0.113.1"],
            )
        })
        .collect();
    let signs = run(&mut DnsWatch::default(), &tunnel);
    assert_eq!(methods(&signs), ["dns_tunnel"]);
    assert_eq!(signs[0].peer.as_deref(), Some("example.net"));
    assert!(signs[0].events.len() <= 50 && !signs[0].events.is_empty());
}

#[test]
fn what_lives_beside_tunnels_is_none() {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut noise = Vec::new();
    for i in 0..4_000i64 {
        let [a, b, c, d]: [u8; 4] = rng.u32(..).to_be_bytes();
        noise.push(query(i, "mail", &format!("{a}.{b}.{c}.{d}.bl.example.org"), "A", "NXDOMAIN", &[]));
        noise.push(query(i, "mail", &format!("{a}.{b}.{c}.{d}.in-addr.arpa"), "PTR", "NXDOMAIN", &[]));
        noise.push(query(
            i,
            "ops",
            &format!("ip-{a}-{b}-{c}-{d}.eu-west-1.compute.internal"),
            "A",
            "NOERROR",
            &["10.0.0.9"],
        ));
        noise.push(query(i, "ops", &format!("web-{:04}.prod.example.com", i), "A", "NOERROR", &["10.0.0.9"]));
        noise.push(query(i, "av", &format!("{}.sophosxl.net", drawn(&mut rng, BASE32, 60)), "TXT", "NOERROR", &[]));
        noise.push(query(
            i,
            "web",
            &format!("d{}.cloudfront.net", drawn(&mut rng, BASE32, 13)),
            "A",
            "NOERROR",
            &["203.0.113.1"],
        ));
        noise.push(query(i, "app", &format!("{}.cdn.example.com", rng.u8(..40)), "A", "NOERROR", &["203.0.113.1"]));
        noise.push(query(
            i,
            "pod",
            &format!("{}.com.corp.example.com", drawn(&mut rng, BASE32, 8)),
            "A",
            "NXDOMAIN",
            &[],
        ));
        let machine = format!("{:08x}-very-long-name-of-a-machine-in-a-rack.example.org", (i % 900) * 0x0101_0107);
        noise.push(query(i, "inventory", &machine, "A", "NOERROR", &["10.0.0.9"]));
        noise.push(query(i, "lan", &format!("printer{i}.local"), "A", "NXDOMAIN", &[]));
    }
    // The pod's suffixed names carry 8 letters each: many bytes, but few per name.
    let signs = run(&mut DnsWatch::default(), &noise);
    assert_eq!(methods(&signs), Vec::<&str>::new(), "{signs:#?}");
}

#[test]
fn dictionary_generators_are_found_by_their_failures() {
    let words =
        ["water", "stone", "green", "table", "cloud", "river", "night", "sugar", "metal", "paper", "glass", "horse"];
    let mut queries = Vec::new();
    for (i, (a, b)) in words.iter().flat_map(|a| words.iter().map(move |b| (a, b))).enumerate() {
        queries.push(query(i as i64 * 1_000, "10.0.0.7", &format!("{a}{b}.net"), "A", "NXDOMAIN", &[]));
        queries.push(query(i as i64 * 1_000, "10.0.0.8", &format!("{a}{b}.net"), "A", "NOERROR", &["203.0.113.9"]));
    }
    let signs = run(&mut DnsWatch::default(), &queries);
    assert_eq!(signs.iter().map(|s| (s.method, s.host.as_str())).collect::<Vec<_>>(), [("dga", "10.0.0.7")]);
}

#[test]
fn names_that_turn_inwards() {
    let queries = [
        query(0, "a", "safe.example.com", "A", "NOERROR", &["10.1.2.3"]),
        query(1, "a", "turn.example.net", "A", "NOERROR", &["203.0.113.4"]),
        query(2, "a", "db.x.rds.amazonaws.com", "A", "NOERROR", &["203.0.113.4"]),
        query(3, "a", "db.x.rds.amazonaws.com", "A", "NOERROR", &["10.1.2.3"]),
        query(60_000, "a", "turn.example.net", "A", "NOERROR", &["127.0.0.1"]),
        query(60_001, "a", "instance-data.ec2.internal", "A", "NOERROR", &["169.254.169.254"]),
        query(60_002, "a", "meta.example.org", "A", "NOERROR", &["::ffff:169.254.169.254"]),
        query(60_003, "a", "meta.example.org", "A", "NOERROR", &["169.254.169.254"]),
    ];
    let signs = run(&mut DnsWatch::default(), &queries);
    let said: Vec<_> = signs.iter().map(|s| (s.method, s.peer.as_deref().unwrap())).collect();
    assert_eq!(said, [("dns_rebind", "turn.example.net"), ("dns_rebind_metadata", "meta.example.org")]);
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let mut rng = fastrand::Rng::with_seed(3);
    let queries: Vec<Query> = (0..1_500)
        .map(|i| {
            let host = format!("10.0.0.{}", i % 5);
            let name = match i % 3 {
                0 => format!("{}.t.example.net", drawn(&mut rng, BASE32, 40)),
                1 => format!("{}.com", drawn(&mut rng, "abcdefghijklmnopqrstuvwxyz", 14)),
                _ => "www.example.com".to_owned(),
            };
            query(i * 300, &host, &name, "TXT", if i % 3 == 1 { "NXDOMAIN" } else { "NOERROR" }, &[])
        })
        .collect();
    let whole = run(&mut DnsWatch::default(), &queries);
    assert!(methods(&whole).contains(&"dns_tunnel") && methods(&whole).contains(&"dga"));
    for cut in [1, 77, 600, 1_499] {
        let mut watch = DnsWatch::default();
        let mut out = run(&mut watch, &queries[..cut]);
        let mut watch: DnsWatch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
        out.extend(run(&mut watch, &queries[cut..]));
        assert_eq!(
            out.iter().map(|s| (s.method, s.time, &s.host)).collect::<Vec<_>>(),
            whole.iter().map(|s| (s.method, s.time, &s.host)).collect::<Vec<_>>()
        );
    }
}
