//! Laws that hold in every network.

use crate::flows::flows;
use crate::generate::network;
use crate::seeds;
use fastrand::Rng;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::{Gap, GapReason, IpRange};
use yagura_network::Network;
use yagura_network::estate::{AclEntry, Estate, GroupRule, Peer, Protocol, Service, Unread};
use yagura_network::packet::PacketSet;
use yagura_network::question::matrix::{Between, MatrixEnd};
use yagura_network::question::{Outcome, Reachable};

/// What each flow's packets do in a network and in a changed copy of it.
fn compare(
    seeds: std::ops::Range<u64>,
    change: impl Fn(&mut Estate, &mut Rng),
    law: impl Fn(&Outcome, &Outcome) -> bool,
) {
    for seed in seeds {
        let estate = network(seed);
        let mut rng = Rng::with_seed(seed ^ 0x1a3);
        let mut changed = estate.clone();
        change(&mut changed, &mut rng);
        let (before, after) = (Network::new(estate.clone()), Network::new(changed));
        for flow in flows(&estate, &mut rng, 25) {
            let outcome = |net: &Network| net.outcome(&flow.trial(), &PacketSet::all());
            let (was, is) = (outcome(&before), outcome(&after));
            let said = |o: &Outcome| {
                format!("{:?}: {:?}", o.reachable(), o.ways.iter().map(|w| &w.0.ending).collect::<Vec<_>>())
            };
            let gaps: Vec<_> = after.estate.gaps.iter().map(|g| &g.call).collect();
            assert!(law(&was, &is), "seed {seed}: {flow:?} {gaps:?}\nbefore {}\nafter {}", said(&was), said(&is));
        }
    }
}

fn no_more(before: &Outcome, after: &Outcome) -> bool {
    before.there.0.covers(&after.there.0) && before.both.0.covers(&after.both.0)
}

fn no_less(before: &Outcome, after: &Outcome) -> bool {
    no_more(after, before)
}

fn block(rng: &mut Rng) -> IpRange {
    let blocks = ["0.0.0.0/0", "10.0.0.0/16", "10.1.0.0/24", "8.8.8.8/32", "::/0"];
    IpRange::parse(blocks[rng.usize(0..blocks.len())]).unwrap()
}

fn service(rng: &mut Rng) -> Service {
    let protocol = [Protocol::Any, Protocol::Number(6), Protocol::Number(17)][rng.usize(0..3)];
    let ports = if protocol == Protocol::Any { (0, 65535) } else { (443, 50000) };
    Service { protocol, ports }
}

#[test]
fn a_deny_entry_never_opens() {
    let deny = |estate: &mut Estate, rng: &mut Rng| {
        let at = rng.usize(0..estate.network_acls.len());
        // The generator's numbers end in 0: none is replaced.
        let (egress, number, service, range) = (rng.bool(), 10 * rng.u32(0..40) + 5, service(rng), block(rng));
        estate.network_acls[at].entries.push(AclEntry { number, egress, allow: false, service, range });
    };
    compare(seeds(80), deny, no_more);
}

#[test]
fn a_rule_less_never_opens() {
    let less = |estate: &mut Estate, rng: &mut Rng| {
        let at = rng.usize(0..estate.security_groups.len());
        let group = &mut estate.security_groups[at];
        let rules = if rng.bool() { &mut group.ingress } else { &mut group.egress };
        if !rules.is_empty() {
            rules.remove(rng.usize(0..rules.len()));
        }
    };
    compare(seeds(80), less, no_more);
}

#[test]
fn a_rule_more_never_closes() {
    let more = |estate: &mut Estate, rng: &mut Rng| {
        let at = rng.usize(0..estate.security_groups.len());
        let rule = GroupRule { service: service(rng), peer: Peer::Range(block(rng)), id: None };
        let group = &mut estate.security_groups[at];
        if rng.bool() { group.ingress.push(rule) } else { group.egress.push(rule) }
    };
    compare(seeds(80), more, no_less);
}

/// Forgets a list: the call that tells it was not answered.
fn forget(estate: &mut Estate, rng: &mut Rng) {
    let call = match rng.u8(0..10) {
        0 => forgotten(&mut estate.security_groups, "DescribeSecurityGroups"),
        1 => forgotten(&mut estate.network_acls, "DescribeNetworkAcls"),
        2 => forgotten(&mut estate.route_tables, "DescribeRouteTables"),
        3 => forgotten(&mut estate.internet_gateways, "DescribeInternetGateways"),
        4 => forgotten(&mut estate.nat_gateways, "DescribeNatGateways"),
        5 => forgotten(&mut estate.peerings, "DescribeVpcPeeringConnections"),
        6 => forgotten(&mut estate.transit_attachments, "DescribeTransitGatewayAttachments"),
        7 => forgotten(&mut estate.transit_route_tables, "DescribeTransitGatewayRouteTables"),
        8 => forgotten(&mut estate.endpoints, "DescribeVpcEndpoints"),
        _ => forgotten(&mut estate.prefix_lists, "GetManagedPrefixListEntries"),
    };
    estate.gaps.push(Unread {
        call: call.into(),
        account: "".into(),
        region: "".into(),
        gap: Arc::new(Gap::new(GapReason::AccessDenied, "not allowed")),
    });
}

fn forgotten<T>(list: &mut Vec<T>, call: &'static str) -> &'static str {
    list.clear();
    call
}

#[test]
fn what_was_not_read_makes_an_answer_unknown_and_never_another() {
    let same_or_unknown = |before: &Outcome, after: &Outcome| {
        after.reachable() == Reachable::Unknown || after.reachable() == before.reachable()
    };
    compare(seeds(150), forget, same_or_unknown);
}

#[test]
fn classes_of_a_matrix_say_what_each_pair_says() {
    for seed in seeds(60) {
        let net = Network::new(network(seed));
        let mut lines: HashMap<(String, String), String> = HashMap::new();
        let inside = |end: &MatrixEnd| match end {
            MatrixEnd::Inside { node, ip, .. } => Some(format!("{node} {ip}")),
            MatrixEnd::Outside { .. } => None,
        };
        let collected = net.matrix(Between::Interfaces, 1, |from, to, grant| {
            if let (Some(from), Some(to)) = (inside(from), inside(to)) {
                lines.insert((from, to), format!("{:?}", grant.allowed));
            }
            Ok::<(), ()>(())
        });
        collected.unwrap();
        let mut rng = Rng::with_seed(seed);
        for flow in flows(&net.estate, &mut rng, 60).into_iter().filter(|f| !f.has_an_end_outside()) {
            let (Some(from), Some(to)) = (flow.from.interface(), flow.to.interface()) else { continue };
            if !owns(&net.estate, to, flow.destination) {
                continue;
            }
            let line = lines.get(&(format!("{from} {}", flow.source), format!("{to} {}", flow.destination)));
            let outcome = net.outcome(&flow.named_trial(&net), &PacketSet::all());
            assert_eq!(line.is_some(), !outcome.there.1.is_empty(), "seed {seed}: {flow:?} {line:?}");
        }
    }
}

fn owns(estate: &Estate, interface: &str, ip: IpAddr) -> bool {
    estate.interfaces.iter().any(|i| i.id == interface && i.addresses.iter().any(|a| a.ip == ip))
}
