//! One packet of one connection at a time, by rules that are simple enough to be read off: what sets of packets must
//! agree with.

use super::*;
use proptest::prelude::*;

const ADDRESSES: [&str; 3] = ["10.0.1.5", "10.0.2.6", "203.0.113.9"];
const LISTS: [&str; 4] = ["any", "10.0.1.0/24", "!10.0.2.0/24", "[203.0.113.0/24,10.0.2.6]"];
const PORTS: [u16; 2] = [80, 443];
const PORT_LISTS: [&str; 3] = ["any", "80", "!80"];
const PROTOCOLS: [(&str, &[u8]); 3] = [("ip", &[6, 17]), ("tcp", &[6]), ("udp", &[17])];
const OPTIONS: [&str; 6] = [
    "",
    "flow:to_server;",
    "flow:established;",
    "flow:not_established;",
    "content:\"x\"; flow:to_server;",
    "content:\"x\";",
];
const DEFAULTS: [&str; 4] =
    ["aws:drop_strict", "aws:drop_established", "aws:drop_established_app_layer_to_server", "aws:alert_strict"];

#[derive(Debug, Clone)]
struct Rule {
    pass: bool,
    protocol: usize,
    source: usize,
    source_ports: usize,
    both: bool,
    destination: usize,
    destination_ports: usize,
    option: usize,
}

impl Rule {
    fn text(&self, sid: usize) -> String {
        format!(
            "{} {} {} {} {} {} {} ({} sid:{sid};)",
            if self.pass { "pass" } else { "drop" },
            PROTOCOLS[self.protocol].0,
            LISTS[self.source],
            PORT_LISTS[self.source_ports],
            if self.both { "<>" } else { "->" },
            LISTS[self.destination],
            PORT_LISTS[self.destination_ports],
            OPTIONS[self.option],
        )
    }

    fn matches(&self, packet: &Packet) -> bool {
        let one = |from: (usize, u16), to: (usize, u16)| {
            in_list(self.source, from.0)
                && in_list(self.destination, to.0)
                && in_ports(self.source_ports, from.1)
                && in_ports(self.destination_ports, to.1)
        };
        let header = one(packet.from, packet.to) || self.both && one(packet.to, packet.from);
        let flow = match self.option {
            1 | 4 => packet.to_server,
            2 => packet.established,
            3 => !packet.established,
            _ => true,
        };
        PROTOCOLS[self.protocol].1.contains(&packet.protocol) && header && flow && (!self.asks_payload() || packet.data)
    }

    fn asks_payload(&self) -> bool {
        self.option > 3
    }

    /// It decides on one packet and not on the flow.
    fn is_per_packet(&self) -> bool {
        (1..=3).contains(&self.option)
    }
}

fn in_list(list: usize, address: usize) -> bool {
    [[true, true, true], [true, false, false], [true, false, true], [false, true, true]][list][address]
}

fn in_ports(list: usize, port: u16) -> bool {
    [true, port == 80, port != 80][list]
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    protocol: u8,
    from: (usize, u16),
    to: (usize, u16),
    to_server: bool,
    established: bool,
    data: bool,
}

/// The packets of a connection, in order.
fn connection(protocol: u8, from: (usize, u16), to: (usize, u16)) -> Vec<Packet> {
    let packet = |to_server: bool, established: bool, data: bool| {
        let (from, to) = if to_server { (from, to) } else { (to, from) };
        Packet { protocol, from, to, to_server, established, data }
    };
    match protocol {
        6 => vec![
            packet(true, false, false),
            packet(false, false, false),
            packet(true, true, true),
            packet(false, true, true),
        ],
        _ => vec![packet(true, false, true), packet(false, true, true), packet(true, true, true)],
    }
}

/// Whether the connection passes, where `hits` tells which rules on payload match, and `along` whether a per-packet
/// pass takes its flow along.
fn passes(rules: &[Rule], default: Option<usize>, packets: &[Packet], hits: u32, along: bool) -> bool {
    let mut spared = false;
    for (stage, packet) in packets.iter().enumerate() {
        let hit = |at: usize, rule: &Rule| !rule.asks_payload() || hits >> (at * packets.len() + stage) & 1 == 1;
        match rules.iter().enumerate().find(|(at, rule)| rule.matches(packet) && hit(*at, rule)).map(|(_, rule)| rule) {
            Some(rule) if !rule.pass => return false,
            Some(rule) if !rule.is_per_packet() => return true,
            Some(rule) => spared |= rule.option != 3,
            None => {
                let drops = match default {
                    None | Some(3) => false,
                    Some(0) => true,
                    Some(_) => packet.protocol != 6 || packet.data && packet.to_server,
                };
                if drops {
                    return spared && along;
                }
            }
        }
    }
    true
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (any::<bool>(), 0..3usize, 0..4usize, 0..3usize, any::<bool>(), 0..4usize, 0..3usize, 0..6usize);
    let rule = rule.prop_map(|(pass, protocol, source, source_ports, both, destination, destination_ports, option)| {
        Rule { pass, protocol, source, source_ports, both, destination, destination_ports, option }
    });
    proptest::collection::vec(rule, 0..5)
        .prop_filter("few enough to try every payload", |rules| rules.iter().filter(|r| r.asks_payload()).count() < 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn sets_agree_with_packets(written in rules(), strict in any::<bool>(), default in 0..4usize) {
        let text: Vec<String> = written.iter().enumerate().map(|(at, rule)| rule.text(at)).collect();
        let ruleset = suricata(strict, &[DEFAULTS[default]], &text.join("\n"));
        let mut ordered = written;
        if !strict {
            ordered.sort_by_key(|rule| !rule.pass);
        }
        let default = strict.then_some(default);
        for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
            let (source, destination) = (ip(ADDRESSES[from]), ip(ADDRESSES[to]));
            let passage = ruleset.passes(End::At(source), End::At(destination), Family::V4);
            let far = ruleset.passes(End::At(source), End::Far, Family::V4);
            for protocol in [6, 17] {
                for port in PORTS {
                    let packets = connection(protocol, (from, 40000), (to, port));
                    let one = packet(protocol, 40000, port);
                    let asked: PacketSet = [one].into_iter().collect();
                    let (must, may) = (passage.must.meets(&asked), passage.may.meets(&asked));
                    let free: u32 = (0..ordered.len() * packets.len())
                        .filter(|bit| ordered[bit / packets.len()].asks_payload() && packets[bit % packets.len()].data)
                        .map(|bit| 1 << bit)
                        .sum();
                    let mut outcomes = Vec::new();
                    let mut hits = free;
                    loop {
                        outcomes.extend([true, false].map(|along| passes(&ordered, default, &packets, hits, along)));
                        if hits == 0 { break }
                        hits = (hits - 1) & free;
                    }
                    prop_assert_eq!(must, outcomes.iter().all(|passes| *passes), "must {} {} {}", from, to, port);
                    prop_assert_eq!(may, outcomes.iter().any(|passes| *passes), "may {} {} {}", from, to, port);
                    let there: PacketSet = [one.from(Span::of(&destination.into()))].into_iter().collect();
                    prop_assert_eq!((far.must.meets(&there), far.may.meets(&there)), (must, may));
                    prop_assert_eq!(ruleset.deciding(source, destination, &one).is_none(), must);
                }
            }
        }
    }
}
