//! Stateless rules.

use super::*;

#[test]
fn stateless_rules_decide_by_priority_and_the_reply_needs_one_too() {
    let out = json!({"Sources": [{"AddressDefinition": "10.0.0.0/16"}], "Protocols": [6],
        "DestinationPorts": [{"FromPort": 443, "ToPort": 443}]});
    let back = json!({"Destinations": [{"AddressDefinition": "10.0.0.0/16"}], "Protocols": [6],
        "SourcePorts": [{"FromPort": 443, "ToPort": 443}], "DestinationPorts": [{"FromPort": 1024, "ToPort": 65535}]});
    let there_only = stateless(json!([rule(10, "aws:pass", out.clone())]), "aws:drop");
    table(&there_only, &[(INSIDE, OUTSIDE, tcp(443), "no")]);
    let both = json!([rule(20, "aws:pass", out.clone()), rule(10, "aws:pass", back.clone())]);
    table(
        &stateless(both, "aws:drop"),
        &[
            (INSIDE, OUTSIDE, tcp(443), "yes"),
            (INSIDE, OUTSIDE, tcp(80), "no"),
            (INSIDE, OUTSIDE, packet(6, 500, 443), "no"),
            (INSIDE, OUTSIDE, packet(17, 40000, 443), "no"),
            (OUTSIDE, INSIDE, tcp(443), "no"),
        ],
    );
    let first = rule(1, "aws:drop", json!({"Destinations": [{"AddressDefinition": "203.0.113.0/24"}]}));
    let rules = stateless(json!([rule(20, "aws:pass", out), rule(10, "aws:pass", back), first]), "aws:drop");
    table(&rules, &[(INSIDE, OUTSIDE, tcp(443), "no"), (INSIDE, "198.51.100.1", tcp(443), "yes")]);
    let decided = rules.deciding(ip(INSIDE), ip(OUTSIDE), &tcp(443)).unwrap();
    assert_eq!((decided.group.as_str(), decided.rule.as_str(), decided.reply), ("stateless", "priority:1", false));
}

#[test]
fn stateless_rules_without_attributes_match_anything() {
    table(
        &stateless(json!([rule(1, "aws:drop", json!({}))]), "aws:pass"),
        &[
            (INSIDE, OUTSIDE, tcp(443), "no"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x800), "no"),
            ("2001:db8::1", "2001:db8::2", tcp(1), "no"),
        ],
    );
    let passed = stateless(json!([]), "aws:pass").passes(End::At(ip(INSIDE)), End::Far, Family::V4);
    assert!(passed.must.is_all() && passed.may.is_all() && passed.unread.is_empty());
}

#[test]
fn ports_are_asked_of_tcp_and_udp_only() {
    let port = json!({"DestinationPorts": [{"FromPort": 53, "ToPort": 53}]});
    table(
        &stateless(json!([rule(1, "aws:drop", port)]), "aws:pass"),
        &[
            (INSIDE, OUTSIDE, tcp(53), "no"),
            (INSIDE, OUTSIDE, packet(17, 40000, 53), "no"),
            (INSIDE, OUTSIDE, tcp(54), "yes"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x800), "no"),
        ],
    );
}

#[test]
fn tcp_flags_open_connections_one_way() {
    let syn = json!({"Sources": [{"AddressDefinition": "0.0.0.0/0"}], "Destinations": [{"AddressDefinition": "10.0.0.0/16"}],
        "Protocols": [6], "TCPFlags": [{"Flags": ["SYN"], "Masks": ["SYN", "ACK"]}]});
    table(
        &stateless(json!([rule(1, "aws:drop", syn)]), "aws:pass"),
        &[
            (OUTSIDE, INSIDE, tcp(22), "no"),
            (INSIDE, OUTSIDE, tcp(22), "yes"),
            (OUTSIDE, INSIDE, packet(17, 1, 22), "yes"),
        ],
    );
    let exactly = json!({"Protocols": [6], "TCPFlags": [{"Flags": ["SYN"]}]});
    table(&stateless(json!([rule(1, "aws:drop", exactly)]), "aws:pass"), &[(INSIDE, OUTSIDE, tcp(1), "no")]);
    let christmas =
        json!({"Protocols": [6], "TCPFlags": [{"Flags": ["FIN", "PSH", "URG"], "Masks": ["FIN", "PSH", "URG"]}]});
    table(&stateless(json!([rule(1, "aws:drop", christmas)]), "aws:pass"), &[(INSIDE, OUTSIDE, tcp(1), "yes")]);
}

#[test]
fn a_connection_that_the_stateful_rules_see_one_way_only_may_pass() {
    let out = json!({"Sources": [{"AddressDefinition": "10.0.0.0/16"}]});
    let rules = stateless(json!([rule(1, "aws:forward_to_sfe", out)]), "aws:pass");
    table(&rules, &[(INSIDE, OUTSIDE, tcp(443), "maybe"), (OUTSIDE, "198.51.100.1", tcp(443), "yes")]);
}
