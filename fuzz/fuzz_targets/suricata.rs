//! A `RulesString` out of the bytes: always read, and what passes for certain also passes possibly, the same asked of
//! one address or of all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};
use yagura_model::{IpRange, Map, Value};
use yagura_network::firewall::{End, Ruleset};
use yagura_network::packet::{Family, PacketBox, PacketSet, Span};

const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 5));
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let order = if first & 1 == 0 { "STRICT_ORDER" } else { "DEFAULT_ACTION_ORDER" };
    let default = ["aws:drop_strict", "aws:drop_established", "aws:drop_established_app_layer", "aws:alert_strict"];
    let default = default.get(usize::from(first >> 1 & 3)).expect("two bits");
    let home = [IpRange::parse("10.0.0.0/16").expect("a block")];
    let rules = Ruleset::parse_in(&policy(order, default), &[&group(text)], Some(&home), &|_| None);
    let rules = rules.expect("rules that AWS took are always read");
    let known = rules.passes(End::At(INSIDE), End::At(OUTSIDE), Family::V4);
    assert!(known.may.covers(&known.must));
    assert_eq!(known.unread.is_empty(), known.may == known.must);
    let far = rules.passes(End::At(INSIDE), End::Far, Family::V4);
    let there = PacketSet::from_iter([PacketBox::ANY.from(Span::of(&OUTSIDE.into()))]);
    let everywhere = |set: &PacketSet| set.and(&there).map(|b| Some(b.from(Span::ANY))).canonical();
    assert_eq!(everywhere(&far.may), known.may);
    assert_eq!(everywhere(&far.must), known.must);
    for packet in known.must.sample().iter().chain(&known.may.minus(&known.must).sample()) {
        let certain = known.must.meets(&PacketSet::from_iter([*packet]));
        assert_eq!(rules.deciding(INSIDE, OUTSIDE, packet).is_none(), certain);
    }
});

fn policy(order: &str, default: &str) -> Value {
    let reference = map([("ResourceArn", Value::text("arn")), ("Priority", Value::Int(1))]);
    map([
        ("StatelessDefaultActions", Value::List(vec![Value::text("aws:forward_to_sfe")])),
        ("StatefulDefaultActions", Value::List(vec![Value::text(default)])),
        ("StatefulEngineOptions", map([("RuleOrder", Value::text(order))])),
        ("StatefulRuleGroupReferences", Value::List(vec![reference])),
    ])
}

fn group(text: &str) -> Value {
    let set = |items: &[&str]| map([("Definition", Value::List(items.iter().map(|i| Value::text(*i)).collect()))]);
    let variables = map([
        ("IPSets", map([("WEB", set(&["10.0.2.0/24", "!$HOME_NET"]))])),
        ("PortSets", map([("PORTS", set(&["80", "8080:8089"]))])),
    ]);
    map([
        ("RuleGroupArn", Value::text("arn")),
        ("RuleGroup", map([("RuleVariables", variables), ("RulesSource", map([("RulesString", Value::text(text))]))])),
    ])
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>())
}
