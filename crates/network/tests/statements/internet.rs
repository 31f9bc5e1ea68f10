//! The internet: its gateways, NAT, Block Public Access.

use crate::plan::*;
use yagura_network::estate::{Address, BlockMode, BlockPublicAccess, Exclusion, InternetGateway, NatGateway, Target};

/// The advanced example of VPC BPA: a public subnet A with an instance, a public subnet B with a NAT gateway, a private
/// subnet C with IPv6 through an egress-only internet gateway.
fn example(mode: BlockMode, exclusion: Option<(&str, bool)>) -> Plan {
    let nat = Target::NatGateway("nat-1".into());
    let eigw = Target::EgressOnlyInternetGateway("eigw-1".into());
    Plan::default()
        .vpc("vpc-1", &["10.0.0.0/16", "2600:1f18:0:ab00::/56"])
        .internet_gateway("vpc-1")
        .subnet("a", "vpc-1", "az1", &["10.0.1.0/24"], &[to("0.0.0.0/0", igw())])
        .subnet("b", "vpc-1", "az1", &["10.0.2.0/24"], &[to("0.0.0.0/0", igw())])
        .subnet(
            "c",
            "vpc-1",
            "az1",
            &["10.0.3.0/24", "2600:1f18:0:ab00::/64"],
            &[to("0.0.0.0/0", nat), to("::/0", eigw)],
        )
        .host("a", "a", &["10.0.1.10/54.1.1.1"])
        .host("c", "c", &["10.0.3.10"])
        .host("d", "c", &["2600:1f18:0:ab00::10"])
        .with(|e| {
            let egress_only = InternetGateway { id: "eigw-1".into(), home: home(), vpcs: vec!["vpc-1".into()] };
            e.egress_only_internet_gateways.push(egress_only);
            e.nat_gateways.push(NatGateway {
                id: "nat-1".into(),
                home: home(),
                vpc: "vpc-1".into(),
                subnet: "subnet-b".into(),
                state: "available".into(),
                public: true,
                addresses: vec![Address {
                    ip: "10.0.2.200".parse().unwrap(),
                    public: Some("54.1.1.2".parse().unwrap()),
                }],
                interfaces: Vec::new(),
            });
            let exclusions = exclusion.map(|(id, egress_only)| Exclusion { resource: id.into(), egress_only });
            e.block_public_access.push(BlockPublicAccess {
                home: home(),
                mode,
                exclusions: exclusions.into_iter().collect(),
            });
        })
}

/// In, out of A, out of C by NAT, out of D by the egress-only internet gateway.
fn four(plan: &Plan) -> [yagura_network::question::Reachable; 4] {
    [
        plan.verdict(OUTSIDE, "54.1.1.1", "tcp 22"),
        plan.verdict("i-a", OUTSIDE, "tcp 443"),
        plan.verdict("i-c", OUTSIDE, "tcp 443"),
        plan.verdict("i-d", "2001:4860::1", "tcp 443"),
    ]
}

// vpc/latest/userguide/security-vpc-bpa-example, scenario 1
#[test]
fn without_block_public_access_everything_passes() {
    assert_eq!(four(&example(BlockMode::Off, None)), [Yes, Yes, Yes, Yes]);
}

// scenario 2
#[test]
fn bidirectional_mode_blocks_all_traffic_to_and_from_both_gateways() {
    let plan = example(BlockMode::BlockBidirectional, None);
    assert_eq!(four(&plan), [No, No, No, No]);
    assert_eq!(plan.codes("i-a", OUTSIDE, "tcp 443"), ["VPC_BLOCK_PUBLIC_ACCESS_ENABLED"]);
}

// scenario 3
#[test]
fn ingress_only_mode_allows_nat_gateways_and_egress_only_internet_gateways() {
    assert_eq!(four(&example(BlockMode::BlockIngress, None)), [No, No, Yes, Yes]);
}

// scenario 4
#[test]
fn a_bidirectional_exclusion_of_a_subnet_lets_it_in_and_out() {
    assert_eq!(four(&example(BlockMode::BlockIngress, Some(("subnet-a", false)))), [Yes, Yes, Yes, Yes]);
}

// scenario 5
#[test]
fn egress_only_exclusions_are_ignored_in_ingress_only_mode() {
    assert_eq!(four(&example(BlockMode::BlockIngress, Some(("subnet-a", true)))), [No, No, Yes, Yes]);
}

// scenario 6
#[test]
fn in_bidirectional_mode_an_egress_only_exclusion_needs_a_nat_or_egress_only_gateway() {
    assert_eq!(four(&example(BlockMode::BlockBidirectional, Some(("subnet-a", true)))), [No, No, No, No]);
    assert_eq!(four(&example(BlockMode::BlockBidirectional, Some(("vpc-1", true)))), [No, No, Yes, Yes]);
}

// vpc/latest/userguide/egress-only-internet-gateway
#[test]
fn an_egress_only_internet_gateway_is_stateful_and_prevents_the_internet_from_initiating() {
    let plan = example(BlockMode::Off, None);
    assert_eq!(plan.verdict("i-d", "2001:4860::1", "tcp 443"), Yes);
    assert_eq!(plan.verdict("2001:4860::1", "2600:1f18:0:ab00::10", "tcp 443"), No);
}

// vpc/latest/userguide/VPC_Internet_Gateway
#[test]
fn a_private_address_alone_does_not_reach_the_internet_by_an_internet_gateway() {
    let plan = example(BlockMode::Off, None).host("bare", "a", &["10.0.1.11"]);
    assert_eq!(plan.codes("i-bare", OUTSIDE, "tcp 443"), ["IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"]);
}

// vpc/latest/userguide/vpc-nat-gateway
#[test]
fn a_nat_gateway_supports_tcp_udp_and_icmp_only() {
    let plan = example(BlockMode::Off, None);
    let what = ["tcp 443", "udp 53", "icmp", "47", "50"];
    assert_eq!(what.map(|what| plan.verdict("i-c", OUTSIDE, what)), [Yes, Yes, Yes, No, No]);
}

// vpc/latest/userguide/vpc-nat-gateway: instances on the internet cannot begin a connection
#[test]
fn nothing_begins_a_connection_through_a_nat_gateway() {
    let plan = example(BlockMode::Off, None);
    assert_eq!(plan.verdict(OUTSIDE, "54.1.1.2", "tcp 443"), No);
    assert_eq!(plan.verdict(OUTSIDE, "10.0.3.10", "tcp 443"), No);
}

// vpc/latest/userguide/nat-gateway-basics: network ACLs of the gateway's subnet apply; it uses ports 1024-65535
#[test]
fn the_subnet_of_a_nat_gateway_has_to_let_its_ports_back_in() {
    let acl = |ports: (u16, u16)| {
        example(BlockMode::Off, None).acl(
            "acl-b",
            "subnet-b",
            &[
                entry(true, 100, true, every(), "0.0.0.0/0"),
                entry(false, 100, true, every(), "10.0.0.0/16"),
                entry(false, 110, true, tcp(ports.0, ports.1), "0.0.0.0/0"),
            ],
        )
    };
    assert_eq!(acl((1024, 65535)).verdict("i-c", OUTSIDE, "tcp 443"), Yes);
    assert_eq!(acl((0, 1023)).verdict("i-c", OUTSIDE, "tcp 443"), No);
}

// vpc/latest/userguide/VPC_NAT_Instance: disable source/destination checks
#[test]
fn a_nat_instance_needs_its_source_destination_check_off() {
    let plan = |check: bool| {
        example(BlockMode::Off, None)
            .subnet("p", "vpc-1", "az1", &["10.0.4.0/24"], &[to("0.0.0.0/0", Target::Interface("eni-a".into()))])
            .host("p", "p", &["10.0.4.10"])
            .with(|e| e.interfaces.iter_mut().filter(|i| i.id == "eni-a").for_each(|i| i.source_dest_check = check))
    };
    assert_eq!(plan(false).verdict("i-p", OUTSIDE, "tcp 443"), Yes);
    assert_eq!(plan(true).codes("i-p", OUTSIDE, "tcp 443"), ["ENI_SOURCE_DEST_CHECK_RESTRICTION"]);
}
