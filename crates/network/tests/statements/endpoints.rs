//! VPC endpoints and load balancers.

use crate::plan::*;
use smol_str::SmolStr;
use yagura_network::estate::{
    Destination, Endpoint, Listener, LoadBalancer, LoadBalancerTarget, PrefixList, Route, Target, TargetGroup,
};

const S3: &str = "com.amazonaws.us-east-1.s3";

fn with_gateway_endpoint() -> Plan {
    let by_list = Route {
        destination: Destination::PrefixList("pl-s3".into()),
        ..to("0.0.0.0/0", Target::Endpoint("vpce-1".into()))
    };
    Plan::default()
        .vpc("vpc-1", &["10.0.0.0/16"])
        .subnet("a", "vpc-1", "az1", &["10.0.1.0/24"], &[by_list])
        .host("a", "a", &["10.0.1.10"])
        .with(|e| {
            let cidrs = Some(vec![range("52.216.0.0/15")]);
            e.prefix_lists.push(PrefixList { id: "pl-s3".into(), home: home(), name: S3.into(), cidrs });
            e.endpoints.push(Endpoint {
                id: "vpce-1".into(),
                home: home(),
                vpc: "vpc-1".into(),
                kind: "Gateway".into(),
                service: S3.into(),
                state: "available".into(),
                ..Default::default()
            });
        })
}

// vpc/latest/privatelink/gateway-endpoints: a route by prefix list; no public address is needed
#[test]
fn a_gateway_endpoint_brings_private_hosts_to_its_service() {
    let plan = with_gateway_endpoint();
    assert_eq!(plan.verdict("i-a", "52.216.1.1", "tcp 443"), Yes);
    assert_eq!(plan.verdict("i-a", OUTSIDE, "tcp 443"), No);
}

// vpc/latest/reachability/explanation-codes, VPCE_GATEWAY_PROTOCOL_RESTRICTION
#[test]
fn a_gateway_endpoint_accepts_tcp_and_icmp_echo_only() {
    let codes = with_gateway_endpoint().codes("i-a", "52.216.1.1", "udp 443");
    assert!(codes.contains(&"VPCE_GATEWAY_PROTOCOL_RESTRICTION"), "{codes:?}");
}

// vpc/latest/privatelink/gateway-endpoints: groups and ACLs have to allow the service's addresses
#[test]
fn the_subnets_acl_counts_on_the_way_to_a_gateway_endpoint() {
    let only_vpc = [entry(true, 100, true, every(), "10.0.0.0/16"), entry(false, 100, true, every(), "0.0.0.0/0")];
    assert_eq!(with_gateway_endpoint().acl("acl-a", "subnet-a", &only_vpc).verdict("i-a", "52.216.1.1", "tcp 443"), No);
}

fn interface_endpoint() -> Plan {
    Plan::default()
        .vpc("vpc-1", &["10.0.0.0/16"])
        .subnet("a", "vpc-1", "az1", &["10.0.1.0/24"], &[])
        .subnet("e", "vpc-1", "az1", &["10.0.2.0/24"], &[])
        .host("a", "a", &["10.0.1.10"])
        .interface("vpce", "e", &["10.0.2.50"])
        .with(|e| {
            e.endpoints.push(Endpoint {
                id: "vpce-2".into(),
                home: home(),
                vpc: "vpc-1".into(),
                kind: "Interface".into(),
                service: "com.amazonaws.us-east-1.secretsmanager".into(),
                state: "available".into(),
                subnets: vec!["subnet-e".into()],
                interfaces: vec!["eni-vpce".into()],
                ..Default::default()
            });
        })
}

// vpc/latest/privatelink/create-interface-endpoint: the endpoint's groups must allow what comes from the VPC
#[test]
fn the_groups_of_an_interface_endpoint_decide() {
    let plan = interface_endpoint();
    assert_eq!(plan.verdict("i-a", "vpce-2", "tcp 443"), Yes);
    let https =
        plan.group("sg-https", "vpc-1", &[open_to("10.0.1.0/24", tcp(443, 443))], &[]).in_group("eni-vpce", "sg-https");
    assert_eq!(https.verdict("i-a", "vpce-2", "tcp 443"), Yes);
    assert_eq!(https.verdict("i-a", "vpce-2", "tcp 80"), No);
}

/// A load balancer in a public subnet, with one target group of one host behind port 443.
fn balanced(kind: &str, preserve_client_ip: bool, targets: &[&str]) -> Plan {
    let target = |id: &&str| LoadBalancerTarget { id: SmolStr::from(*id), port: 8080, healthy: Some(true) };
    let group = TargetGroup {
        id: "tg-1".into(),
        preserve_client_ip,
        protocol: 6,
        targets: Some(targets.iter().map(target).collect()),
    };
    Plan::default()
        .vpc("vpc-1", &["10.0.0.0/16"])
        .internet_gateway("vpc-1")
        .subnet("public", "vpc-1", "az1", &["10.0.1.0/24"], &[to("0.0.0.0/0", igw())])
        .subnet("private", "vpc-1", "az1", &["10.0.2.0/24"], &[])
        .interface("lb", "public", &["10.0.1.100/54.1.1.100"])
        .host("web", "private", &["10.0.2.10"])
        .with(|e| {
            e.load_balancers.push(LoadBalancer {
                id: "lb-1".into(),
                home: home(),
                name: "front".into(),
                kind: kind.into(),
                internet_facing: true,
                state: "active".into(),
                vpc: "vpc-1".into(),
                subnets: vec!["subnet-public".into()],
                interfaces: vec!["eni-lb".into()],
                cross_zone: true,
                listeners: Some(vec![Listener {
                    answers: false,
                    port: 443,
                    protocols: vec![6],
                    targets: Some(vec![group]),
                }]),
                ..Default::default()
            });
        })
}

// elasticloadbalancing/latest/application/load-balancer-listeners
#[test]
fn a_load_balancer_takes_what_a_listener_listens_for() {
    for kind in ["application", "network", "classic"] {
        let plan = balanced(kind, false, &["i-web"]);
        assert_eq!(plan.verdict(OUTSIDE, "lb-1", "tcp 443"), Yes, "{kind}");
        assert_eq!(plan.verdict(OUTSIDE, "lb-1", "tcp 80"), No, "{kind}");
        let code = if kind == "classic" { "ELB_LISTENERS_MISMATCH" } else { "ELBV2_LISTENERS_MISMATCH" };
        assert_eq!(plan.codes(OUTSIDE, "lb-1", "tcp 80"), [code]);
    }
}

// vpc/latest/reachability/explanation-codes, ELBV2_LISTENER_HAS_NO_TG
#[test]
fn a_listener_without_targets_serves_nobody() {
    let plan = balanced("application", false, &[]);
    assert_eq!(plan.codes(OUTSIDE, "lb-1", "tcp 443"), ["ELBV2_LISTENER_HAS_NO_TG"]);
}

// elasticloadbalancing/latest/application/target-group-register-targets: targets allow the load balancer
#[test]
fn targets_have_to_let_their_load_balancer_in() {
    let from = |block: &str| {
        let rules = [open_to(block, tcp(8080, 8080))];
        balanced("application", false, &["i-web"]).group("sg-web", "vpc-1", &rules, &[]).in_group("eni-web", "sg-web")
    };
    assert_eq!(from("10.0.1.0/24").verdict(OUTSIDE, "lb-1", "tcp 443"), Yes);
    assert_eq!(from("10.0.9.0/24").codes(OUTSIDE, "lb-1", "tcp 443"), ["ELBV2_LISTENER_REQUIRES_TG_ACCEPT"]);
}

// elasticloadbalancing/latest/network/edit-target-group-attributes: client IP preservation shows clients to targets
#[test]
fn with_client_ip_preservation_targets_see_the_client() {
    let from = |preserve: bool, block: &str| {
        let rules = [open_to(block, tcp(8080, 8080))];
        balanced("network", preserve, &["i-web"]).group("sg-web", "vpc-1", &rules, &[]).in_group("eni-web", "sg-web")
    };
    assert_eq!(from(true, "8.8.8.0/24").verdict(OUTSIDE, "lb-1", "tcp 443"), Yes);
    assert_eq!(from(true, "10.0.1.0/24").verdict(OUTSIDE, "lb-1", "tcp 443"), No);
    assert_eq!(from(false, "10.0.1.0/24").verdict(OUTSIDE, "lb-1", "tcp 443"), Yes);
}

// elasticloadbalancing/latest/application/load-balancer-update-security-groups
#[test]
fn the_groups_of_a_load_balancer_filter_its_clients() {
    let plan = balanced("application", false, &["i-web"])
        .group("sg-lb", "vpc-1", &[open_to("198.51.100.0/24", tcp(443, 443))], &[open_to("0.0.0.0/0", every())])
        .in_group("eni-lb", "sg-lb");
    assert_eq!(plan.verdict(OUTSIDE, "lb-1", "tcp 443"), No);
    assert_eq!(plan.verdict("198.51.100.7", "lb-1", "tcp 443"), Yes);
}
