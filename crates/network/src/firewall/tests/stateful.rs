//! The order in which stateful rules decide.

use super::*;

#[test]
fn stateful_rules_pass_what_none_drops_by_default() {
    table(
        &suricata(false, &[], "drop tcp any any -> any 23 (sid:1;)\nalert ip any any -> any any (sid:2;)"),
        &[
            (INSIDE, OUTSIDE, tcp(23), "no"),
            (INSIDE, OUTSIDE, tcp(22), "yes"),
            (INSIDE, OUTSIDE, packet(17, 1, 23), "yes"),
        ],
    );
}

#[test]
fn action_order_passes_before_it_drops() {
    let rules =
        "drop tcp any any -> any any (priority:1; sid:1;)\npass tcp $HOME_NET any -> any 443 (priority:9; sid:2;)";
    let rows =
        [(INSIDE, OUTSIDE, tcp(443), "yes"), (INSIDE, OUTSIDE, tcp(80), "no"), (OUTSIDE, INSIDE, tcp(443), "no")];
    table(&suricata(false, &[], rules), &rows);
    table(&suricata(true, &[], rules), &[(INSIDE, OUTSIDE, tcp(443), "no")]);
}

#[test]
fn strict_order_takes_groups_by_priority_and_rules_as_written() {
    let policy = |first: &str, second: &str| {
        let policy = json!({"StatelessDefaultActions": ["aws:forward_to_sfe"],
            "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"}, "StatefulDefaultActions": ["aws:drop_strict"],
            "StatefulRuleGroupReferences": [{"ResourceArn": arn(second), "Priority": 20},
                {"ResourceArn": arn(first), "Priority": 3}]});
        let rules = |text: &str| json!({"RulesSource": {"RulesString": text}});
        let pass = group("pass", rules("pass tcp any any -> any 443 (sid:1;)"));
        read(policy, &[group("drop", rules("drop tcp any any -> any any (sid:2;)")), pass]).unwrap()
    };
    table(&policy("pass", "drop"), &[(INSIDE, OUTSIDE, tcp(443), "yes"), (INSIDE, OUTSIDE, tcp(80), "no")]);
    table(&policy("drop", "pass"), &[(INSIDE, OUTSIDE, tcp(443), "no")]);
}

#[test]
fn default_actions_of_strict_order() {
    let layered = "pass tls $HOME_NET any -> any any (tls.sni; content:\"example.com\"; flow:to_server; sid:1;)";
    let plain = "pass tcp $HOME_NET any -> any 443 (sid:1;)";
    let udp = packet(17, 40000, 53);
    for (default, rules, asked, answer) in [
        ("aws:drop_strict", plain, tcp(443), "yes"),
        ("aws:drop_strict", plain, tcp(80), "no"),
        // "Drop all": the handshake is dropped before a name is seen.
        ("aws:drop_strict", layered, tcp(443), "no"),
        ("aws:drop_established", layered, tcp(443), "maybe"),
        ("aws:drop_established", plain, tcp(80), "no"),
        ("aws:drop_established", plain, udp, "no"),
        ("aws:drop_established_app_layer", layered, tcp(443), "maybe"),
        ("aws:drop_established_app_layer", plain, tcp(443), "yes"),
        ("aws:drop_established_app_layer_to_server", plain, udp, "no"),
        ("aws:alert_strict", plain, tcp(80), "yes"),
        ("aws:alert_established", plain, udp, "yes"),
    ] {
        assert_eq!(asks(&suricata(true, &[default], rules), INSIDE, OUTSIDE, asked), answer, "{default} {rules}");
    }
    let strict = suricata(true, &["aws:drop_strict", "aws:alert_strict"], plain);
    let decided = strict.deciding(ip(INSIDE), ip(OUTSIDE), &tcp(80)).unwrap();
    assert_eq!((decided.group.as_str(), decided.rule.as_str()), ("", "aws:drop_strict"));
}

#[test]
fn examples_of_rule_evaluation_order() {
    let default = "drop tcp $HOME_NET any -> $EXTERNAL_NET 80 (msg:\"a\"; flow: from_client,established; sid:172190; priority:5; rev:1;)
        pass http $HOME_NET any -> $EXTERNAL_NET 80 (http.host; dotprefix; content:\".example.com\"; endswith; priority:10; sid:172191; rev:1;)
        pass tcp $HOME_NET any -> $EXTERNAL_NET 22 (msg:\"b\"; sid:172192; rev:1;)
        drop tcp $HOME_NET any -> $EXTERNAL_NET !80 (msg:\"c\";  sid:172193; priority:2; rev:1;)";
    table(
        &suricata(false, &[], default),
        &[
            (INSIDE, OUTSIDE, tcp(80), "maybe"),
            (INSIDE, OUTSIDE, tcp(22), "yes"),
            (INSIDE, OUTSIDE, tcp(443), "no"),
            (INSIDE, OUTSIDE, packet(17, 1, 53), "yes"),
        ],
    );
    let strict = "pass http $HOME_NET any -> $EXTERNAL_NET 80 (http.host; dotprefix; content:\".example.com\"; endswith; sid:892120; rev:1;)
        pass tcp $HOME_NET any <> $EXTERNAL_NET 80 (flow:not_established; sid:892191; rev:1;)";
    table(
        &suricata(true, &["aws:drop_strict"], strict),
        &[(INSIDE, OUTSIDE, tcp(80), "maybe"), (INSIDE, OUTSIDE, tcp(443), "no")],
    );
}

#[test]
fn examples_that_block() {
    let ports =
        "drop ip $HOME_NET any -> $EXTERNAL_NET [1389,53,4444,445,135,139,389,3389] (msg:\"Ports\"; sid:278670;)";
    table(
        &suricata(true, &[], ports),
        &[
            (INSIDE, OUTSIDE, tcp(389), "no"),
            (INSIDE, OUTSIDE, packet(17, 9, 53), "no"),
            (INSIDE, OUTSIDE, tcp(443), "yes"),
        ],
    );
    let many = "drop ip $HOME_NET any-> [10.10.0.0/16,10.11.0.0/16, 10.12.0.0/16] any (msg:\"a; b\"; sid:278970;)";
    table(&suricata(true, &[], many), &[(INSIDE, "10.11.1.1", tcp(1), "no"), (INSIDE, "10.13.1.1", tcp(1), "yes")]);
    let others = "drop ip any any-> any any (noalert; ip_proto:!TCP; ip_proto:!UDP; ip_proto:!ICMP; sid:21801620;)";
    table(
        &suricata(true, &[], others),
        &[
            (INSIDE, OUTSIDE, packet(47, 0, 0), "no"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x800), "yes"),
            (INSIDE, OUTSIDE, tcp(1), "yes"),
        ],
    );
    let geo = "drop ip any any -> any any (geoip:src,!US,UK; sid:1;)";
    table(&suricata(true, &[], geo), &[(INSIDE, OUTSIDE, tcp(1), "maybe")]);
    let ssh = "reject ssh $HOME_NET any -> $EXTERNAL_NET !22 (flow: to_server; sid:2171010;)";
    table(&suricata(true, &[], ssh), &[(INSIDE, OUTSIDE, tcp(22), "yes"), (INSIDE, OUTSIDE, tcp(2222), "maybe")]);
    let deny = "drop tcp $EXTERNAL_NET any -> $HOME_NET any (flow:to_server; sid:1;)\ndrop icmp $EXTERNAL_NET any -> $HOME_NET any (sid:2;)";
    table(
        &suricata(true, &[], deny),
        // Without `flow`, a rule drops the replies too.
        &[
            (OUTSIDE, INSIDE, tcp(22), "no"),
            (INSIDE, OUTSIDE, tcp(22), "yes"),
            (INSIDE, OUTSIDE, packet(1, 0, 0x800), "no"),
        ],
    );
}

#[test]
fn per_packet_passes_of_established_flows() {
    let rules = "pass tcp $HOME_NET any -> $EXTERNAL_NET 443 (flow:established,to_server; sid:1;)";
    table(
        &suricata(true, &["aws:drop_established"], rules),
        &[(INSIDE, OUTSIDE, tcp(443), "yes"), (INSIDE, OUTSIDE, tcp(80), "no")],
    );
    table(&suricata(true, &["aws:drop_strict"], rules), &[(INSIDE, OUTSIDE, tcp(443), "no")]);
    let keep_alive = "pass tcp any any -> any any (tcp.flags:A; dsize:0; flow:established, to_server; sid:1000004;)";
    table(&suricata(true, &["aws:drop_established"], keep_alive), &[(INSIDE, OUTSIDE, tcp(443), "no")]);
}

#[test]
fn drop_to_alert_lets_a_group_only_alert() {
    let policy = json!({"StatelessDefaultActions": ["aws:forward_to_sfe"],
        "StatefulRuleGroupReferences": [{"ResourceArn": arn("rules"), "Override": {"Action": "DROP_TO_ALERT"}}]});
    let rules = group("rules", json!({"RulesSource": {"RulesString": "drop ip any any -> any any (sid:1;)"}}));
    table(&read(policy, &[rules]).unwrap(), &[(INSIDE, OUTSIDE, tcp(1), "yes")]);
}
