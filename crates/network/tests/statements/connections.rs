//! Peering connections and transit gateways.

use crate::plan::*;
use yagura_network::estate::{
    GroupRule, Peer, Peering, PeeringSide, Route, Target, TransitAttachment, TransitGateway, TransitRoute,
    TransitRouteTable,
};

fn pcx(number: u8) -> Target {
    Target::Peering(format!("pcx-{number}").into())
}

fn peer(plan: Plan, number: u8, a: &str, b: &str, status: &str) -> Plan {
    plan.with(|e| {
        let side = |id: &str| {
            let vpc = e.vpcs.iter().find(|v| v.id == id).unwrap();
            PeeringSide { vpc: id.into(), home: home(), cidrs: vpc.cidrs.clone() }
        };
        let (requester, accepter) = (side(a), side(b));
        let id = format!("pcx-{number}").into();
        e.peerings.push(Peering { id, home: home(), status: status.into(), requester, accepter });
    })
}

/// Three VPCs in a row: 1 and 2 are peered, 2 and 3 too; each routes to the others by its own connections.
fn row() -> Plan {
    let plan =
        Plan::default().vpc("vpc-1", &["10.1.0.0/16"]).vpc("vpc-2", &["10.2.0.0/16"]).vpc("vpc-3", &["10.3.0.0/16"]);
    let plan = plan.internet_gateway("vpc-2");
    let plan = plan
        .subnet("1", "vpc-1", "az1", &["10.1.1.0/24"], &[to("0.0.0.0/0", pcx(1))])
        .subnet(
            "2",
            "vpc-2",
            "az1",
            &["10.2.1.0/24"],
            &[to("10.1.0.0/16", pcx(1)), to("10.3.0.0/16", pcx(2)), to("0.0.0.0/0", igw())],
        )
        .subnet("3", "vpc-3", "az1", &["10.3.1.0/24"], &[to("10.0.0.0/8", pcx(2))])
        .host("1", "1", &["10.1.1.10"])
        .host("2", "2", &["10.2.1.10/54.1.1.2"])
        .host("3", "3", &["10.3.1.10"]);
    peer(peer(plan, 1, "vpc-1", "vpc-2", "active"), 2, "vpc-2", "vpc-3", "active")
}

// vpc/latest/peering/vpc-peering-basics
#[test]
fn peering_is_not_transitive() {
    assert_eq!(row().verdict("i-1", "i-2", "tcp 443"), Yes);
    assert_eq!(row().verdict("i-2", "i-3", "tcp 443"), Yes);
    assert_eq!(row().verdict("i-1", "i-3", "tcp 443"), No);
    let blocked = row().ask("i-1", "i-3", "tcp 443").blocked_by;
    let told: Vec<_> = blocked.iter().map(|b| (b.component.as_str(), b.code.text())).collect();
    // The other side's route is as wrong for the answer.
    let code = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR";
    assert_eq!(told, [("pcx-1", code), ("pcx-2", code)]);
}

// vpc/latest/peering/vpc-peering-basics: no edge to edge routing through a gateway of the peer
#[test]
fn a_peer_does_not_lend_its_internet_gateway() {
    assert_eq!(row().verdict("i-1", OUTSIDE, "tcp 443"), No);
}

// vpc/latest/peering/vpc-peering-basics: the owner of the accepter VPC has to accept; both sides need a route
#[test]
fn a_peering_connection_has_to_be_accepted_and_routed_on_both_sides() {
    let pending = row().with(|e| e.peerings[0].status = "pending-acceptance".into());
    assert_eq!(pending.codes("i-1", "i-2", "tcp 443"), ["BAD_STATE"]);
    let one_way = row().with(|e| {
        let table = e.route_tables.iter_mut().find(|t| t.id == "rtb-2").unwrap();
        table.routes.retain(|r| r.target != pcx(1) && r.target != igw());
    });
    let answer = one_way.ask("i-1", "i-2", "tcp 443");
    assert_eq!((answer.reachable, answer.forward.passes, answer.back.passes), (No, true, false));
}

// vpc/latest/peering/vpc-peering-security-groups: groups of the peer in the same Region
#[test]
fn a_group_of_a_peered_vpc_may_be_referenced_in_the_same_region_only() {
    let rule = GroupRule { service: every(), peer: Peer::Group("sg-1".into()), id: None };
    let plan = row().group("sg-ref", "vpc-2", &[rule], &[]).in_group("eni-2", "sg-ref");
    assert_eq!(plan.verdict("i-1", "i-2", "tcp 443"), Yes);
    let elsewhere = plan.with(|e| e.vpcs[0].home.region = "eu-west-1".into());
    assert_eq!(elsewhere.verdict("i-1", "i-2", "tcp 443"), No);
}

// vpc/latest/peering/vpc-peering-basics: no connection between VPCs with overlapping blocks. The local route wins
#[test]
fn an_address_that_two_vpcs_have_is_the_own_one() {
    let plan = Plan::default()
        .vpc("vpc-1", &["10.1.0.0/16"])
        .vpc("vpc-2", &["10.1.0.0/16"])
        .subnet("1", "vpc-1", "az1", &["10.1.1.0/24"], &[])
        .subnet("2", "vpc-2", "az1", &["10.1.1.0/24"], &[])
        .host("1", "1", &["10.1.1.10"])
        .host("near", "1", &["10.1.1.20"])
        .host("far", "2", &["10.1.1.20"]);
    let plan = peer(plan, 1, "vpc-1", "vpc-2", "active");
    assert_eq!(plan.verdict("i-1", "i-near", "tcp 443"), Yes);
    let answer = plan.ask("i-1", "i-far", "tcp 443");
    assert_eq!(answer.reachable, No);
    assert!(answer.blocked_by[0].rule.contains("eni-near"), "{:?}", answer.blocked_by);
}

/// Two VPCs on a transit gateway; the attachments are in the subnets that are named, the hosts in `a` and `b`.
fn attached(subnets: [&[&str]; 2]) -> Plan {
    let way = [to("10.0.0.0/8", Target::TransitGateway("tgw-1".into()))];
    let plan = Plan::default()
        .vpc("vpc-1", &["10.1.0.0/16"])
        .vpc("vpc-2", &["10.2.0.0/16"])
        .subnet("a", "vpc-1", "az1", &["10.1.1.0/24"], &way)
        .subnet("a-tgw", "vpc-1", "az1", &["10.1.9.0/28"], &way)
        .subnet("b", "vpc-2", "az1", &["10.2.1.0/24"], &way)
        .subnet("b-tgw", "vpc-2", "az1", &["10.2.9.0/28"], &way)
        .subnet("b-az2", "vpc-2", "az2", &["10.2.2.0/24"], &way)
        .subnet("b-az2-tgw", "vpc-2", "az2", &["10.2.9.16/28"], &way)
        .host("a", "a", &["10.1.1.10"])
        .host("b", "b", &["10.2.1.10"])
        .host("b2", "b-az2", &["10.2.2.10"]);
    plan.with(|e| {
        e.transit_gateways.push(TransitGateway {
            id: "tgw-1".into(),
            home: home(),
            state: "available".into(),
            group_references: true,
        });
        for (number, subnets) in (1..).zip(subnets) {
            e.transit_attachments.push(TransitAttachment {
                id: format!("tgw-attach-{number}").into(),
                home: home(),
                transit_gateway: "tgw-1".into(),
                kind: "vpc".into(),
                resource: format!("vpc-{number}").into(),
                state: "available".into(),
                subnets: Some(subnets.iter().map(|s| format!("subnet-{s}").into()).collect()),
                route_table: Some("tgw-rtb-1".into()),
                appliance_mode: false,
                group_references: true,
            });
        }
        e.transit_route_tables.push(TransitRouteTable {
            id: "tgw-rtb-1".into(),
            home: home(),
            transit_gateway: "tgw-1".into(),
            routes: Some(Vec::new()),
            propagations: vec!["tgw-attach-1".into(), "tgw-attach-2".into()],
        });
    })
}

// vpc/latest/tgw/how-transit-gateways-work: attachments, propagation, association
#[test]
fn a_transit_gateway_connects_what_is_attached_associated_and_propagated() {
    let plan = attached([&["a-tgw"], &["b-tgw"]]);
    assert_eq!(plan.verdict("i-a", "i-b", "tcp 443"), Yes);
    let alone = plan.clone().with(|e| e.transit_attachments[0].route_table = None);
    assert_eq!(alone.codes("i-a", "i-b", "tcp 443"), ["TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"]);
    let silent = plan.clone().with(|e| drop(e.transit_route_tables[0].propagations.pop()));
    assert_eq!(silent.codes("i-a", "i-b", "tcp 443"), ["TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"]);
    let dead = plan.with(|e| {
        let (destination, attachments) = (range("10.2.0.0/16"), Vec::new());
        let route = TransitRoute { destination, attachments, blackhole: true, propagated: false };
        e.transit_route_tables[0].routes = Some(vec![route]);
    });
    assert_eq!(dead.codes("i-a", "i-b", "tcp 443"), ["TGW_RTB_BAD_STATE_ROUTE"]);
}

// vpc/latest/tgw/tgw-vpc-attachments: zones without an attachment do not reach the transit gateway
#[test]
fn a_zone_without_an_attachment_does_not_reach_the_transit_gateway() {
    let plan = attached([&["a-tgw"], &["b-tgw"]]);
    let answer = plan.ask("i-a", "i-b2", "tcp 443");
    assert_eq!((answer.forward.passes, answer.back.passes), (true, false));
    assert_eq!(plan.codes("i-b2", "i-a", "tcp 443"), ["TGW_ROUTE_AZ_RESTRICTION"]);
}

// vpc/latest/tgw/tgw-nacls, "Different subnets for EC2 instances and transit gateway association"
#[test]
fn different_subnets_outbound_of_the_transit_gateways_subnet_is_for_what_comes_from_it() {
    let inward = entry(false, 100, true, every(), "0.0.0.0/0");
    let outward = entry(true, 100, true, every(), "0.0.0.0/0");
    let only_in = attached([&["a-tgw"], &["b-tgw"]]).acl("acl-tgw", "subnet-a-tgw", &[inward]);
    let answer = only_in.ask("i-a", "i-b", "tcp 443");
    // Towards the transit gateway its inbound rules count; the answer leaves it by its outbound ones.
    assert_eq!((answer.forward.passes, answer.back.passes), (true, false));
    let only_out = attached([&["a-tgw"], &["b-tgw"]]).acl("acl-tgw", "subnet-a-tgw", &[outward]);
    assert!(!only_out.ask("i-a", "i-b", "tcp 443").forward.passes);
}

// vpc/latest/tgw/tgw-nacls, "Same subnet for EC2 instances and transit gateway association"
#[test]
fn same_subnet_no_rule_is_evaluated_from_the_transit_gateway_and_both_are_towards_it() {
    let closed = attached([&["a-tgw"], &["b"]]).acl("acl-b", "subnet-b", &[]);
    assert!(closed.ask("i-a", "i-b", "tcp 443").forward.passes);
    let only_out = entry(true, 100, true, every(), "0.0.0.0/0");
    let plan = attached([&["a-tgw"], &["b"]]).acl("acl-b", "subnet-b", &[only_out]);
    assert!(!plan.ask("i-b", "i-a", "tcp 443").forward.passes);
}

// vpc/latest/reachability/explanation-codes, TGW_ATTACH_VPC_AZ_RESTRICTION: the default mode keeps the zone
#[test]
fn a_transit_gateway_hands_over_in_the_zone_that_a_packet_comes_from() {
    let both: [&[&str]; 2] = [&["a-tgw"], &["b-tgw", "b-az2-tgw"]];
    let other_zone = attached(both).acl("acl-tgw", "subnet-b-az2-tgw", &[]);
    assert!(other_zone.ask("i-a", "i-b2", "tcp 443").forward.passes);
    let own_zone = attached(both).acl("acl-tgw", "subnet-b-tgw", &[]);
    assert!(!own_zone.ask("i-a", "i-b2", "tcp 443").forward.passes);
}

// vpc/latest/tgw/tgw-vpc-attachments, security group referencing: on the transit gateway and both attachments
#[test]
fn groups_are_seen_across_a_transit_gateway_where_referencing_is_on_everywhere() {
    let rule = GroupRule { service: every(), peer: Peer::Group("sg-1".into()), id: None };
    let plan = attached([&["a-tgw"], &["b-tgw"]]).group("sg-ref", "vpc-2", &[rule], &[]).in_group("eni-b", "sg-ref");
    assert_eq!(plan.verdict("i-a", "i-b", "tcp 443"), Yes);
    assert_eq!(
        plan.clone().with(|e| e.transit_attachments[0].group_references = false).verdict("i-a", "i-b", "tcp 443"),
        No
    );
    assert_eq!(plan.with(|e| e.transit_gateways[0].group_references = false).verdict("i-a", "i-b", "tcp 443"), No);
}

// vpc/latest/tgw/how-transit-gateways-work: static routes before propagated ones
#[test]
fn a_static_route_of_a_transit_gateway_stands_before_a_propagated_one() {
    let blackhole = |text: &str| TransitRoute {
        destination: range(text),
        attachments: Vec::new(),
        blackhole: true,
        propagated: false,
    };
    let plan = |text| {
        attached([&["a-tgw"], &["b-tgw"]]).with(|e| e.transit_route_tables[0].routes = Some(vec![blackhole(text)]))
    };
    assert_eq!(plan("10.2.0.0/16").verdict("i-a", "i-b", "tcp 443"), No);
    assert_eq!(plan("10.0.0.0/8").verdict("i-a", "i-b", "tcp 443"), Yes);
}

// vpc/latest/userguide/route-tables-priority: static routes before propagated ones; local ones before both
#[test]
fn a_static_route_stands_before_a_propagated_one() {
    let propagated =
        Route { propagated: true, blackhole: true, ..to("10.2.0.0/16", Target::VpnGateway("vgw-1".into())) };
    let plan = row().with(|e| {
        let table = e.route_tables.iter_mut().find(|t| t.id == "rtb-1").unwrap();
        table.routes.extend([propagated, to("10.2.0.0/16", pcx(1))]);
    });
    assert_eq!(plan.verdict("i-1", "i-2", "tcp 443"), Yes);
}
