//! Every "no" says why, and what it proposes is enough and not too much.

use crate::flows::{Flow, flows};
use crate::generate::network;
use crate::oracle::Place;
use crate::seeds;
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use yagura_network::Network;
use yagura_network::change::Change;
use yagura_network::estate::Estate;
use yagura_network::question::Reachable;
use yagura_network::question::case::{Case, CaseAnswer};

/// A batch's question about a flow.
fn case(flow: &Flow, rng: &mut Rng) -> Case {
    let end = |place: &Place, ip: std::net::IpAddr| -> Value {
        match place {
            Place::Interface(id) => json!({"node": id.as_str(), "ip": ip.to_string()}),
            _ => json!({"ip": ip.to_string()}),
        }
    };
    let (src, dst) = (end(&flow.from, flow.source), end(&flow.to, flow.destination));
    let text = match rng.u8(0..4) {
        0 => json!({"src": src, "dst": dst, "protocol": "tcp", "dst_port": 443, "src_port": 49152}),
        1 => json!({"src": src, "dst": dst, "protocol": "udp", "dst_port": 53}),
        2 => json!({"src": src, "dst": dst, "protocol": "icmp", "icmp_type": 8}),
        _ => json!({"src": src, "dst": dst}),
    };
    Case::parse(&text.to_string()).unwrap()
}

fn after<'c>(estate: &Estate, changes: impl Iterator<Item = &'c Change>, case: &Case) -> Reachable {
    let mut estate = estate.clone();
    changes.for_each(|change| change.apply(&mut estate));
    Network::new(estate).answer(case).unwrap().reachable
}

/// What is wrong with the changes of an answer.
fn judge(estate: &Estate, case: &Case, answer: &CaseAnswer) -> Option<String> {
    let changes = &answer.changes;
    let with = |chosen: u32| {
        let chosen = changes.iter().enumerate().filter(move |(at, _)| chosen >> at & 1 == 1).map(|(_, c)| c);
        after(estate, chosen, case) == Reachable::Yes
    };
    let all = (1u32 << changes.len()) - 1;
    if !with(all) {
        return Some("together they do not open it".to_owned());
    }
    let smaller: Vec<u32> =
        if changes.len() <= 6 { (0..all).collect() } else { (0..changes.len()).map(|at| all & !(1 << at)).collect() };
    let enough = smaller.into_iter().find(|chosen| with(*chosen))?;
    Some(format!("{enough:b} of {all:b} is enough"))
}

#[test]
fn changes_open_what_is_closed_and_no_part_of_them_does() {
    let (mut closed, mut sizes, mut wrong) = (0, BTreeMap::<usize, u32>::new(), Vec::new());
    let mut stuck: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for seed in seeds(100) {
        let estate = network(seed);
        let net = Network::new(estate.clone());
        let mut rng = Rng::with_seed(seed ^ 0xf1f);
        let nobody: std::net::IpAddr = "10.99.0.1".parse().unwrap();
        for flow in flows(&estate, &mut rng, 15) {
            if [flow.source, flow.destination].contains(&nobody)
                || matches!(&flow.to, Place::Interface(id) if id.contains("nat"))
            {
                // No change gives an address to nobody, or makes a NAT gateway answer.
                continue;
            }
            let case = case(&flow, &mut rng);
            let answer = net.answer(&case).unwrap();
            if answer.reachable != Reachable::No {
                continue;
            }
            closed += 1;
            let told = format!("seed {seed}: {case:?}\n  {:?}\n  {:?}", answer.blocked_by, answer.changes);
            if answer.blocked_by.is_empty() {
                wrong.push(format!("nothing blocks: {told}"));
            }
            if answer.opens == Some(false) {
                let last = answer.blocked_by.last().unwrap();
                let kind = format!("{} at {}", last.code.text(), last.kind.name());
                let rule = format!("seed {seed} {} -> {}: {}", flow.source, flow.destination, last.rule);
                stuck.entry(kind).or_insert((0, rule)).0 += 1;
                continue;
            }
            *sizes.entry(answer.changes.len()).or_default() += 1;
            wrong.extend(judge(&estate, &case, &answer).map(|why| format!("{why}: {told}")));
        }
    }
    let never: u32 = stuck.values().map(|(count, _)| count).sum();
    println!("{closed} closed; sizes of the changes: {sizes:?}; {never} that no change opens:");
    stuck.iter().for_each(|(kind, (count, example))| println!("  {count} × {kind}, such as {example}"));
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
}
