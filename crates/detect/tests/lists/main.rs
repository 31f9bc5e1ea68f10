//! Threat lists in every form, clean and broken, and real ones that stay outside the repository.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may stop, and print counts"
)]

use std::io::Write;
use std::net::IpAddr;
use yagura_detect::intel::{Builder, Category, ListError, Lists, Report, Spec};

fn read(spec: &Spec, text: &str) -> (Report, Lists) {
    let mut builder = Builder::default();
    let report = builder.add(spec, text.as_bytes()).unwrap();
    (report, builder.build())
}

fn spec(category: Category) -> Spec {
    Spec::new("l", category)
}

fn has(lists: &Lists, address: &str) -> bool {
    lists.address(address.parse().unwrap()).is_some()
}

#[test]
fn plain_lines_of_every_kind() {
    let text = "# title\n; note\n// note\n\n192.0.2.1\n198.51.100.0/24 ; SBL1\n203.0.113.5-203.0.113.9\n203.0.113.20 - 203.0.113.22\n\
                2001:db8::/32\nevil.example # why\n*.wide.example\n.dots.example.\n::ffff:192.0.2.77\n::ffff:192.0.2.128/121\n0.0.0.0 hosts.example\n127.0.0.1 localhost\r\n";
    let (report, lists) = read(&spec(Category::Malicious), text);
    assert_eq!((report.addresses, report.domains, report.bad, report.passed_over), (7, 4, 0, 1), "{report:?}");
    for yes in [
        "192.0.2.1",
        "198.51.100.0",
        "198.51.100.255",
        "203.0.113.5",
        "203.0.113.9",
        "203.0.113.21",
        "2001:db8::1",
        "::ffff:192.0.2.1",
        "192.0.2.77",
        "192.0.2.255",
    ] {
        assert!(has(&lists, yes), "{yes}");
    }
    for no in
        ["192.0.2.2", "198.51.101.0", "203.0.113.4", "203.0.113.10", "2001:db9::", "192.0.2.127", "0.0.0.0", "::1"]
    {
        assert!(!has(&lists, no), "{no}");
    }
    for (name, found) in [
        ("evil.example", true),
        ("EVIL.example.", true),
        ("a.evil.example", false),
        ("wide.example", true),
        ("a.b.wide.example", true),
        ("notwide.example", false),
        ("x.dots.example", true),
        ("hosts.example", true),
        ("example", false),
        ("", false),
        (".", false),
    ] {
        assert_eq!(lists.domain(name).is_some(), found, "{name}");
    }
}

#[test]
fn columns_headers_and_counts() {
    let ipsum = Spec { min_count: 3, ..spec(Category::Malicious) };
    let (report, lists) = read(&ipsum, "# IP\tnumber\n#\n192.0.2.1\t10\n192.0.2.2\t2\n192.0.2.3\t3\n");
    assert_eq!((report.addresses, report.passed_over), (2, 1));
    assert!(has(&lists, "192.0.2.3") && !has(&lists, "192.0.2.2"));
    let (report, lists) =
        read(&spec(Category::TorExit), "fingerprint, ipaddr, port\nAAAA, 192.0.2.1, 443\nBBBB, 2620:7::1, 81\n");
    assert_eq!((report.addresses, report.bad), (2, 0));
    assert!(has(&lists, "2620:7::1"));
    let (report, _) = read(&spec(Category::Custom), "\"Address\",\"Note\"\n\"192.0.2.7\",\"a, b\"\n192.0.2.8,x\n");
    assert_eq!((report.addresses, report.bad), (2, 0), "{report:?}");
    let tor = "ExitNode ABCD\nPublished 2026-01-01 00:00:00\nLastStatus 2026-01-01 01:00:00\nExitAddress 192.0.2.9 2026-01-01 01:02:03\n";
    let (report, lists) = read(&spec(Category::TorExit), tor);
    assert_eq!((report.addresses, report.bad), (1, 0), "{report:?}");
    assert!(has(&lists, "192.0.2.9"));
}

#[test]
fn bad_lines_are_counted_and_named_and_the_rest_is_taken() {
    let (report, lists) = read(
        &spec(Category::Malicious),
        "192.0.2.1\nnot an address\n192.0.2.0/33\n075.050.255.67\nhttp://evil.example/x\n192.0.2.9-192.0.2.1\n999.1.1.1\n192.0.2.2\n",
    );
    assert_eq!((report.addresses, report.bad), (2, 6));
    assert_eq!(report.examples.iter().map(|b| b.place).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert!(report.examples.iter().all(|b| !b.why.is_empty()) && has(&lists, "192.0.2.2"));
    let many = "?\n".repeat(1_000);
    let (report, _) = read(&spec(Category::Malicious), &many);
    assert_eq!((report.bad, report.examples.len()), (1_000, 20));
}

#[test]
fn stix_patterns_of_one_alternative_each() {
    let bundle = serde_json::json!({"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "identity", "name": "x"},
        {"type": "indicator", "pattern_type": "stix", "pattern": "[ipv4-addr:value = '192.0.2.1']"},
        {"type": "indicator", "pattern": "[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR domain-name:value = 'evil.example']"},
        {"type": "indicator", "pattern": "[ipv6-addr:value IN ('2001:db8::1','2001:db8::2')] OR [domain-name:value='two.example']"},
        {"type": "indicator", "pattern": "[file:hashes.'SHA-256' = 'aa']"},
        {"type": "indicator", "pattern": "[ipv4-addr:value = '192.0.2.5' AND domain-name:value = 'and.example']"},
        {"type": "indicator", "pattern": "[ipv4-addr:value = '192.0.2.6'] WITHIN 5 SECONDS"},
        {"type": "indicator", "pattern": "[ipv4-addr:value != '192.0.2.7']"},
        {"type": "indicator", "pattern": "[domain-name:value = 'open"},
        {"type": "indicator", "pattern": "[ipv4-addr:value = 'evil.example']"},
        {"type": "indicator", "pattern": "[ipv4-addr:value = '192.0.2.8']", "revoked": true},
        {"type": "indicator", "pattern": "[ipv4-addr:value = '192.0.2.9']", "valid_until": "2020-01-01T00:00:00Z"},
        {"type": "indicator", "pattern_type": "snort", "pattern": "alert tcp"},
    ]});
    let spec = Spec { now: Some(1_700_000_000_000), ..spec(Category::C2) };
    let (report, lists) = read(&spec, &bundle.to_string());
    assert_eq!(
        (report.format, report.addresses, report.domains, report.passed_over, report.bad),
        ("stix", 4, 2, 4, 5),
        "{report:?}"
    );
    assert!(has(&lists, "198.51.100.7") && has(&lists, "2001:db8::2") && lists.domain("two.example").is_some());
    for no in ["192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.9"] {
        assert!(!has(&lists, no), "{no}");
    }
}

#[test]
fn misp_attributes_wherever_they_are() {
    let attribute = |kind: &str, value: &str, ids: bool| serde_json::json!({"type": kind, "value": value, "to_ids": ids, "category": "Network activity"});
    let event = serde_json::json!({"response": [{"Event": {"info": "x", "Attribute": [
        attribute("ip-dst", "192.0.2.1", true), attribute("ip-src", "192.0.2.2", false), attribute("ip-dst|port", "192.0.2.3|443", true),
        attribute("ip-dst|port", "192.0.2.4:8443", true), attribute("domain|ip", "evil.example|192.0.2.5", true), attribute("md5", "aa", true),
        attribute("hostname", "not a host", true), attribute("ip-src", "198.51.100.0/24", true),
    ], "Object": [{"name": "y", "Attribute": [attribute("domain", "inner.example", true)]}]}}]});
    let (report, lists) = read(&spec(Category::C2), &event.to_string());
    assert_eq!(
        (report.format, report.addresses, report.domains, report.passed_over, report.bad),
        ("misp", 5, 2, 2, 1),
        "{report:?}"
    );
    assert!(has(&lists, "192.0.2.4") && has(&lists, "198.51.100.9") && lists.domain("inner.example").is_some());
    let mut builder = Builder::default();
    for broken in ["{", "{}", "[1, 2]", "{\"a\": {\"b\": 1}}"] {
        assert!(matches!(builder.add(&spec(Category::C2), broken.as_bytes()), Err(ListError::Form { .. })), "{broken}");
    }
}

#[test]
fn gzip_is_unpacked_and_a_broken_one_is_an_error() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(b"192.0.2.1\n").unwrap();
    let packed = packer.finish().unwrap();
    let mut builder = Builder::default();
    assert_eq!(builder.add(&spec(Category::C2), &packed).unwrap().addresses, 1);
    assert!(matches!(builder.add(&spec(Category::C2), &packed[..15]), Err(ListError::Packed { .. })));
}

#[test]
fn the_gravest_list_answers_and_an_allow_list_wins() {
    let mut builder = Builder::default();
    let mut add = |name: &str, category, text: &str| {
        let spec = Spec { subdomains: true, ..Spec::new(name, category) };
        builder.add(&spec, text.as_bytes()).unwrap();
    };
    add("wide", Category::Malicious, "192.0.2.0/24\nexample.com\n");
    add("tor", Category::TorExit, "192.0.2.7\n");
    add("c2", Category::C2, "192.0.2.7\n192.0.2.9\nc2.example.com\n");
    add("ours", Category::Allow, "192.0.2.8/31\nok.example.com\n");
    let lists = builder.build();
    let hit = |a: &str| lists.address(a.parse().unwrap()).map(|h| (h.list.to_owned(), h.category));
    assert_eq!(hit("192.0.2.7"), Some(("c2".to_owned(), Category::C2)));
    assert_eq!(hit("192.0.2.6"), Some(("wide".to_owned(), Category::Malicious)));
    assert_eq!((hit("192.0.2.8"), hit("192.0.2.9")), (None, None));
    assert_eq!(lists.addresses("192.0.2.9".parse().unwrap()).count(), 3, "every list is told to who asks");
    assert_eq!(lists.domain("a.c2.example.com").unwrap().category, Category::C2);
    assert_eq!(lists.domain("b.example.com").unwrap().category, Category::Malicious);
    assert_eq!(lists.domain("x.ok.example.com"), None);
    assert!(Lists::default().address(IpAddr::from([192, 0, 2, 1])).is_none() && Lists::default().is_empty());
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn real_lists() {
    let folder = std::path::PathBuf::from(std::env::var_os("YAGURA_SHARED").unwrap()).join("data/threatintel");
    let mut builder = Builder::default();
    let files = [
        ("ipsum.txt", Category::Malicious),
        ("tor_all_2026-08.csv", Category::TorRelay),
        ("tor_exits_2026-08.csv", Category::TorExit),
        ("tor_exit_2024-02.lst", Category::TorExit),
        ("vpn_datacenter/vpn/ipv4.txt", Category::Abused),
        ("vpn_datacenter/vpn/ipv6.txt", Category::Abused),
        ("vpn_datacenter/datacenter/ipv4.txt", Category::Abused),
        ("vpn_datacenter/datacenter/ipv6.txt", Category::Abused),
    ];
    let mut all: Vec<IpAddr> = Vec::new();
    for (file, category) in files {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let report = builder.add(&Spec::new(file, category), &bytes).unwrap();
        println!("{report:?}");
        let text = String::from_utf8(bytes).unwrap();
        let lines = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty() && !l.starts_with("fingerprint"))
            .count();
        assert_eq!(report.addresses + report.domains + report.bad + report.passed_over, lines, "{file}");
        assert_eq!(report.bad, 0, "{file}");
        let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == '/');
        all.extend(words.filter_map(|w| w.parse::<IpAddr>().ok()));
    }
    let lists = builder.build();
    println!("{:?} ranges and domains, {} bytes", lists.len(), lists.bytes());
    assert!(all.len() > 100_000 && all.iter().all(|a| lists.address(*a).is_some()));
}
