//! Headers: variables, lists, 5-tuples, domain lists.

use super::*;

#[test]
fn home_net_and_external_net() {
    let rules = "pass tcp $HOME_NET any -> $EXTERNAL_NET any (sid:1;)\ndrop tcp any any -> any any (sid:2;)";
    let rows = [(INSIDE, OUTSIDE, tcp(1), "yes"), (INSIDE, "10.0.9.9", tcp(1), "no"), (OUTSIDE, INSIDE, tcp(1), "no")];
    table(&suricata(true, &[], rules), &rows);
    // A group that sets `HOME_NET` alone keeps the policy's `EXTERNAL_NET`.
    let source = json!({"RulesSource": {"RulesString": rules},
        "RuleVariables": {"IPSets": {"HOME_NET": {"Definition": ["203.0.113.0/24"]}}}});
    table(
        &stateful(true, &[], source),
        &[(OUTSIDE, "203.0.113.77", tcp(1), "yes"), (INSIDE, OUTSIDE, tcp(1), "no"), (OUTSIDE, INSIDE, tcp(1), "no")],
    );
    let policy = json!({"StatelessDefaultActions": ["aws:forward_to_sfe"],
        "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"},
        "PolicyVariables": {"RuleVariables": {"HOME_NET": {"Definition": ["203.0.113.0/24", "198.51.100.0/24"]}}},
        "StatefulRuleGroupReferences": [{"ResourceArn": arn("rules"), "Priority": 1}]});
    let rules = group("rules", json!({"RulesSource": {"RulesString": rules}}));
    table(
        &read(policy.clone(), std::slice::from_ref(&rules)).unwrap(),
        &[(OUTSIDE, INSIDE, tcp(1), "yes"), (INSIDE, OUTSIDE, tcp(1), "no"), ("198.51.100.1", OUTSIDE, tcp(1), "no")],
    );
    let mut nobody_told = policy;
    nobody_told.as_object_mut().unwrap().remove("PolicyVariables");
    let unknown = Ruleset::parse(&value(nobody_told), &[&rules], &|_| None).unwrap();
    let passage = unknown.passes(End::At(ip(INSIDE)), End::At(ip(OUTSIDE)), Family::V4);
    assert!(passage.may.meets(&[tcp(1)].into_iter().collect()) && !passage.must.meets(&[tcp(1)].into_iter().collect()));
    assert_eq!(passage.unread, ["rules sid:1 $HOME_NET, $EXTERNAL_NET"]);
}

#[test]
fn rule_variables_and_ip_set_references() {
    let source = json!({
        "RuleVariables": {"IPSets": {"HTTP_SERVERS": {"Definition": ["10.0.2.0/24", "10.0.1.19"]}},
            "PortSets": {"HTTP_PORTS": {"Definition": ["80", "8080:8089"]}}},
        "ReferenceSets": {"IPSetReferences": {
            "BETA": {"ReferenceArn": "arn:aws:ec2:us-east-1:555555555555:prefix-list/pl-1111"}}},
        "RulesSource": {"RulesString": "drop tcp @BETA any -> any any (sid:1;)
            pass tcp any any -> $HTTP_SERVERS $HTTP_PORTS (sid:2;)
            drop ip any any -> any any (sid:3;)"}});
    table(
        &stateful(true, &[], source),
        &[
            (OUTSIDE, "10.0.2.7", tcp(80), "yes"),
            (OUTSIDE, "10.0.1.19", tcp(8085), "yes"),
            (OUTSIDE, "10.0.1.20", tcp(80), "no"),
            (OUTSIDE, "10.0.2.7", tcp(81), "no"),
            ("198.51.100.7", "10.0.2.7", tcp(80), "no"),
        ],
    );
}

#[test]
fn five_tuple_rules() {
    let rule = |action: &str, protocol: &str, direction: &str, from: &str, to: &str, port: &str| {
        json!({"Action": action, "Header": {"Protocol": protocol, "Source": from, "SourcePort": "ANY",
            "Direction": direction, "Destination": to, "DestinationPort": port},
            "RuleOptions": [{"Keyword": "sid", "Settings": ["1"]}]})
    };
    let rules = |rules: Json| stateful(true, &["aws:drop_strict"], json!({"RulesSource": {"StatefulRules": rules}}));
    table(
        &rules(json!([rule("PASS", "TCP", "FORWARD", "10.0.0.0/16", "ANY", "80:443")])),
        &[(INSIDE, OUTSIDE, tcp(443), "yes"), (INSIDE, OUTSIDE, tcp(444), "no"), (OUTSIDE, INSIDE, tcp(443), "no")],
    );
    let any = rules(json!([rule("PASS", "IP", "ANY", "10.0.0.0/16", "203.0.113.0/24", "ANY")]));
    table(
        &any,
        &[
            (INSIDE, OUTSIDE, tcp(9), "yes"),
            (OUTSIDE, INSIDE, packet(1, 0, 0x800), "yes"),
            (OUTSIDE, "10.1.0.1", tcp(9), "no"),
        ],
    );
    let http = rules(json!([
        rule("DROP", "HTTP", "ANY", "$HOME_NET", "$EXTERNAL_NET", "ANY"),
        rule("PASS", "IP", "ANY", "ANY", "ANY", "ANY")
    ]));
    // Passed with its first packet, before anybody can tell that it is HTTP.
    table(&http, &[(INSIDE, OUTSIDE, tcp(80), "yes")]);
}

#[test]
fn domain_lists_hang_on_what_the_client_asks_for() {
    let list = |kind: &str| {
        json!({"RulesSource": {"RulesSourceList": {"Targets": [".example.com", "www.example.org"],
            "TargetTypes": ["HTTP_HOST", "TLS_SNI"], "GeneratedRulesType": kind}}})
    };
    for (kind, strict, default, from, answer) in [
        ("ALLOWLIST", false, "aws:alert_strict", INSIDE, "maybe"),
        ("DENYLIST", false, "aws:alert_strict", INSIDE, "maybe"),
        ("ALERTLIST", false, "aws:alert_strict", INSIDE, "yes"),
        // "Only traffic from that range is passed through the domain list filtering."
        ("DENYLIST", false, "aws:alert_strict", "10.7.0.1", "yes"),
        ("ALLOWLIST", true, "aws:drop_established", INSIDE, "maybe"),
        ("ALLOWLIST", true, "aws:drop_strict", INSIDE, "no"),
        ("DENYLIST", true, "aws:drop_established", INSIDE, "no"),
    ] {
        let rules = stateful(strict, &[default], list(kind));
        assert_eq!(asks(&rules, from, OUTSIDE, tcp(443)), answer, "{kind} {default} {from}");
    }
    let unread = stateful(false, &[], list("DENYLIST")).passes(End::At(ip(INSIDE)), End::Far, Family::V4).unread;
    assert_eq!(unread, ["rules http, http.host", "rules tls, tls.sni"]);
}

#[test]
fn lists_negation_and_icmp_types() {
    let rules =
        "pass tcp [10.0.0.0/16, ![10.0.1.0/24,!10.0.1.5]] [1024:, !2000] -> !$HOME_NET ![1:442,444:65535] (sid:1;)
        pass icmp any any -> any any (itype:8; sid:2;)
        drop ip any any -> any any (sid:3;)";
    table(
        &suricata(true, &[], rules),
        &[
            (INSIDE, OUTSIDE, tcp(443), "yes"),
            ("10.0.1.6", OUTSIDE, tcp(443), "no"),
            (INSIDE, OUTSIDE, packet(6, 2000, 443), "no"),
            (INSIDE, OUTSIDE, packet(6, 80, 443), "no"),
            (INSIDE, "10.0.3.3", tcp(443), "no"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x0800), "yes"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x0d00), "no"),
        ],
    );
}

#[test]
fn ipv6_is_its_own_family() {
    let rules = suricata(
        true,
        &["aws:drop_strict"],
        "pass tcp 2001:db8::/32 any -> any 443 (sid:1;)\npass tcp 10.0.0.0/8 any -> any 80 (sid:2;)",
    );
    table(
        &rules,
        &[
            ("2001:db8::1", "2001:db9::1", tcp(443), "yes"),
            ("2001:db9::1", "2001:db8::1", tcp(443), "no"),
            ("2001:db8::1", "2001:db9::1", tcp(80), "no"),
            (INSIDE, OUTSIDE, tcp(80), "yes"),
            (INSIDE, OUTSIDE, tcp(443), "no"),
        ],
    );
}

#[test]
fn ranges_tell_apart_what_rules_do() {
    let rules = suricata(
        true,
        &[],
        "pass ip [10.0.0.0/8,!10.0.0.0/9] any -> 203.0.113.3-203.0.113.6 any (sid:1;)\npass ip any any -> 2001:db8::/32 any (sid:2;)",
    );
    let ranges: Vec<String> = rules.ranges().iter().map(ToString::to_string).collect();
    let wanted =
        ["0.0.0.0/0", "10.128.0.0/9", "203.0.113.3/32", "203.0.113.4/31", "203.0.113.6/32", "::/0", "2001:db8::/32"];
    assert_eq!(ranges, wanted);
}
