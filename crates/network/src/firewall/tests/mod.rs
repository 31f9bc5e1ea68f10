//! What AWS's pages say of Network Firewall, as tables.

mod input;
mod lists;
mod oracle;
mod stateful;
mod stateless;

use super::*;
use crate::packet::Span;
use serde_json::{Value as Json, json};

const INSIDE: &str = "10.0.1.5";
const OUTSIDE: &str = "203.0.113.9";

fn value(json: Json) -> Value {
    Value::from_json(json).unwrap()
}

fn group(name: &str, rules: Json) -> Value {
    value(json!({"RuleGroup": rules, "RuleGroupResponse": {"RuleGroupArn": arn(name), "RuleGroupName": name}}))
}

fn arn(name: &str) -> String {
    format!("arn:aws:network-firewall:us-east-1:111122223333:stateful-rulegroup/{name}")
}

fn blocks() -> Vec<IpRange> {
    vec![IpRange::parse("10.0.0.0/16").unwrap()]
}

fn lists(id: &str) -> Option<Vec<IpRange>> {
    (id == "pl-1111").then(|| vec![IpRange::parse("198.51.100.0/24").unwrap()])
}

fn read(policy: Json, groups: &[Value]) -> Result<Ruleset, RuleError> {
    Ruleset::parse_in(&value(policy), &groups.iter().collect::<Vec<_>>(), Some(&blocks()), &lists)
}

/// A policy that forwards everything to one group.
fn stateful(strict: bool, default: &[&str], rules: Json) -> Ruleset {
    let order = if strict { "STRICT_ORDER" } else { "DEFAULT_ACTION_ORDER" };
    let policy = json!({"FirewallPolicy": {
        "StatelessDefaultActions": ["aws:forward_to_sfe"],
        "StatelessFragmentDefaultActions": ["aws:forward_to_sfe"],
        "StatefulEngineOptions": {"RuleOrder": order},
        "StatefulDefaultActions": default,
        "StatefulRuleGroupReferences": [{"ResourceArn": arn("rules"), "Priority": 1}],
    }});
    read(policy, &[group("rules", rules)]).unwrap()
}

fn suricata(strict: bool, default: &[&str], rules: &str) -> Ruleset {
    stateful(strict, default, json!({"RulesSource": {"RulesString": rules}}))
}

fn stateless(rules: Json, default: &str) -> Ruleset {
    let policy = json!({"FirewallPolicy": {
        "StatelessDefaultActions": [default],
        "StatelessRuleGroupReferences": [{"ResourceArn": arn("stateless"), "Priority": 1}],
    }});
    let source = json!({"RulesSource": {"StatelessRulesAndCustomActions": {"StatelessRules": rules}}});
    read(policy, &[group("stateless", source)]).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn packet(protocol: u8, src_port: u16, dst_port: u16) -> PacketBox {
    PacketBox {
        far: Span::ANY,
        protocol: (protocol, protocol),
        src_port: (src_port, src_port),
        dst_port: (dst_port, dst_port),
    }
}

fn tcp(port: u16) -> PacketBox {
    packet(6, 40000, port)
}

/// `yes`, `no` or `maybe`, asked with both addresses known and with either far.
fn asks(rules: &Ruleset, from: &str, to: &str, packet: PacketBox) -> &'static str {
    let (from, to) = (ip(from), ip(to));
    let family = Family::of(from);
    let one = |passage: Passage, far: Option<IpAddr>, packet: PacketBox| {
        let at = far.map_or(Span::ANY, |ip| Span { first: crate::packet::number(ip), last: crate::packet::number(ip) });
        let asked: PacketSet = [packet.from(at)].into_iter().collect();
        assert!(passage.may.covers(&passage.must));
        assert_eq!(passage.may == passage.must, passage.unread.is_empty(), "{passage:?}");
        (passage.must.meets(&asked), passage.may.meets(&asked))
    };
    let both = |source: End, destination: End, far: Option<IpAddr>| {
        let there = one(rules.passes(source, destination, family), far, packet);
        let back = one(rules.answers(destination, source, family), far, turned(&packet));
        match (there.0 && back.0, there.1 && back.1) {
            (true, _) => "yes",
            (false, true) => "maybe",
            (false, false) => "no",
        }
    };
    let answer = both(End::At(from), End::At(to), None);
    assert_eq!(both(End::Far, End::At(to), Some(from)), answer, "far source");
    assert_eq!(both(End::At(from), End::Far, Some(to)), answer, "far destination");
    let decided = rules.deciding(from, to, &packet);
    assert_eq!(decided.is_none(), answer == "yes", "{answer}: {decided:?}");
    if let Some(decided) = decided {
        assert!(!decided.certain || answer == "no", "{answer}: {decided:?}");
    }
    answer
}

#[track_caller]
fn table(rules: &Ruleset, rows: &[(&str, &str, PacketBox, &str)]) {
    for (from, to, packet, answer) in rows {
        assert_eq!(asks(rules, from, to, *packet), *answer, "{from} → {to} {packet:?}");
    }
}

fn rule(priority: u16, action: &str, matches: Json) -> Json {
    json!({"Priority": priority, "RuleDefinition": {"Actions": [action], "MatchAttributes": matches}})
}
