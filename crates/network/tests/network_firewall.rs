//! AWS Network Firewall on a path, as in "Simple single zone architecture with an internet gateway" of its developer
//! guide: the subnet routes to the firewall's endpoint, that subnet to the internet gateway, and the gateway's own
//! route table leads answers through the endpoint again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use yagura_model::{IpRange, Value};
use yagura_network::Network;
use yagura_network::estate::{Firewall, Home};
use yagura_network::firewall::Ruleset;
use yagura_network::question::Reachable;
use yagura_network::question::case::{Case, CaseAnswer};
use yagura_network::read::Reader;

const GROUP: &str = "arn:aws:network-firewall:eu-west-1:111122223333:stateful-rulegroup/egress";

fn value(json: Json) -> Value {
    Value::from_json(json).unwrap()
}

fn rules(default: &str, source: Json) -> Ruleset {
    let policy = json!({"FirewallPolicy": {
        "StatelessDefaultActions": ["aws:forward_to_sfe"], "StatelessFragmentDefaultActions": ["aws:drop"],
        "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"}, "StatefulDefaultActions": [default],
        "StatefulRuleGroupReferences": [{"ResourceArn": GROUP, "Priority": 1}]}});
    let group = json!({"RuleGroup": {"RulesSource": source},
        "RuleGroupResponse": {"RuleGroupArn": GROUP, "RuleGroupName": "egress"}});
    let vpc = [IpRange::parse("10.0.0.0/16").unwrap()];
    Ruleset::parse_in(&value(policy), &[&value(group)], Some(&vpc), &|_| None).unwrap()
}

fn network(rules: Option<Ruleset>) -> Network {
    network_back_by("vpce-fw", rules)
}

/// The same with answers that the internet gateway's table leads to some endpoint.
fn network_back_by(endpoint: &str, rules: Option<Ruleset>) -> Network {
    let table = |id: &str, association: Json, routes: Json| {
        let mut all = routes.as_array().unwrap().clone();
        all.push(json!({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}));
        json!({"RouteTableId": id, "VpcId": "vpc-1", "Associations": [association], "Routes": all})
    };
    let back = json!([{"DestinationCidrBlock": "10.0.1.0/24", "VpcEndpointId": endpoint, "State": "active"}]);
    let any = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let entry = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"});
    let document = json!({
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [
            {"SubnetId": "subnet-app", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"},
            {"SubnetId": "subnet-fw", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/28"}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "RouteTables": [
            table("rtb-app", json!({"SubnetId": "subnet-app"}), json!([{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-fw", "State": "active"}])),
            table("rtb-fw", json!({"SubnetId": "subnet-fw"}), json!([{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}])),
            table("rtb-igw", json!({"GatewayId": "igw-1"}), back)],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": [entry(true), entry(false)],
            "Associations": [{"SubnetId": "subnet-app"}, {"SubnetId": "subnet-fw"}]}],
        "SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "GroupName": "open", "IpPermissions": any, "IpPermissionsEgress": any}],
        "Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}]}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-app",
            "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.5", "Primary": true, "Association": {"PublicIp": "198.51.100.5"}}],
            "Groups": [{"GroupId": "sg-1"}], "Status": "in-use", "Attachment": {"InstanceId": "i-1", "Status": "attached"}}],
        "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}, "VpcBlockPublicAccessExclusions": [],
    });
    let home = Home { account: "111122223333".into(), region: "eu-west-1".into() };
    let mut reader = Reader::new();
    reader.answer(&value(document), &home).unwrap();
    let mut estate = reader.finish();
    estate.firewalls = vec![Firewall {
        id: "arn:aws:network-firewall:eu-west-1:111122223333:firewall/fw".into(),
        home,
        name: "fw".into(),
        vpc: "vpc-1".into(),
        endpoints: vec![("vpce-fw".into(), "subnet-fw".into()), ("vpce-other".into(), "subnet-fw".into())],
        rules: rules.map(Into::into),
    }];
    Network::new(estate)
}

fn ask(network: &Network, port: u16) -> CaseAnswer {
    let case = json!({"src": {"node": "i-1"}, "dst": {"ip": "203.0.113.9"}, "protocol": "tcp", "dst_port": port});
    network.answer(&Case::parse(&case.to_string()).unwrap()).unwrap()
}

#[test]
fn passed_there_and_back_through_the_endpoint() {
    let pass = json!({"RulesString": "pass tcp $HOME_NET any -> any 443 (sid:1;)"});
    let network = network(Some(rules("aws:drop_strict", pass)));
    let answer = ask(&network, 443);
    assert_eq!(answer.reachable, Reachable::Yes, "{answer:#?}");
    for way in [&answer.forward, &answer.back] {
        assert!(way.hops.iter().any(|hop| hop.id.ends_with(":firewall/fw")), "{way:?}");
    }
    let refused = ask(&network, 80);
    assert_eq!(refused.reachable, Reachable::No);
    let blocker = refused.blocked_by.iter().find(|b| b.code.text() == "FIREWALL_RULES_RESTRICTION").unwrap();
    assert_eq!(
        blocker.rule,
        "tcp 80 from 10.0.1.5 to 203.0.113.9: no rule passes it, and default action `aws:drop_strict` drops it"
    );
}

#[test]
fn a_drop_names_its_rule() {
    let drop = json!({"RulesString": "drop tcp any any -> any 25 (msg:\"no mail\"; sid:7;)\npass ip any any -> any any (sid:8;)"});
    let answer = ask(&network(Some(rules("aws:drop_strict", drop))), 25);
    assert_eq!(answer.reachable, Reachable::No);
    let said: Vec<_> = answer.blocked_by.iter().map(|b| b.rule.as_str()).collect();
    assert_eq!(
        said,
        ["tcp 25 from 10.0.1.5 to 203.0.113.9: rule `sid:7` of rule group `egress` drops it: \
          drop tcp any any -> any 25 (msg:\"no mail\"; sid:7;)"]
    );
}

#[test]
fn what_hangs_on_the_payload_is_unknown_and_named() {
    let list = json!({"RulesSourceList": {"Targets": [".example.com"], "TargetTypes": ["TLS_SNI"],
        "GeneratedRulesType": "ALLOWLIST"}});
    let answer = ask(&network(Some(rules("aws:drop_established", list))), 443);
    assert_eq!(answer.reachable, Reachable::Unknown);
    let missing: Vec<_> = answer.missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["payload: egress tls, tls.sni"]);
    let unread = ask(&network(None), 443);
    assert_eq!(unread.reachable, Reachable::Unknown);
    assert!(unread.missing.iter().any(|m| m.call == "network-firewall:DescribeFirewallPolicy"), "{:?}", unread.missing);
}

/// Each endpoint follows connections of its own (`vpc-config-tgw-multi-az`).
#[test]
fn an_answer_by_another_endpoint_is_unknown() {
    let pass = json!({"RulesString": "pass tcp $HOME_NET any -> any 443 (sid:1;)"});
    let answer = ask(&network_back_by("vpce-other", Some(rules("aws:drop_strict", pass))), 443);
    assert_eq!(answer.reachable, Reachable::Unknown, "{answer:#?}");
    let missing: Vec<_> = answer.missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["payload: the answer comes by vpce-other, the request by another endpoint"]);
}
