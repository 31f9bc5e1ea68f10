//! Security groups, network ACLs, prefix lists, shared subnets, addresses that no filter sees.

use crate::plan::*;
use yagura_network::estate::{Destination, GroupRule, Peer, PrefixList, Route, Target};

fn two_subnets() -> Plan {
    Plan::default()
        .vpc("vpc-1", &["10.0.0.0/16"])
        .internet_gateway("vpc-1")
        .subnet("a", "vpc-1", "az1", &["10.0.1.0/24"], &[to("0.0.0.0/0", igw())])
        .subnet("b", "vpc-1", "az2", &["10.0.2.0/24"], &[])
        .host("a", "a", &["10.0.1.10/54.1.1.1"])
        .host("a2", "a", &["10.0.1.11"])
        .host("b", "b", &["10.0.2.10"])
}

// vpc/latest/userguide/vpc-security-groups: responses are allowed whatever the outbound rules say
#[test]
fn security_groups_are_stateful() {
    let plan =
        two_subnets().group("sg-in", "vpc-1", &[open_to("10.0.0.0/16", tcp(443, 443))], &[]).in_group("eni-b", "sg-in");
    assert_eq!(plan.verdict("i-a", "i-b", "tcp 443"), Yes);
    assert_eq!(plan.verdict("i-b", "i-a", "tcp 443"), No);
}

// vpc/latest/userguide/nacl-basics: stateless, so that answers need a rule for ephemeral ports
#[test]
fn network_acls_are_stateless_and_answers_need_ephemeral_ports() {
    let acl = |first| {
        two_subnets().acl(
            "acl-b",
            "subnet-b",
            &[
                entry(false, 100, true, tcp(443, 443), "0.0.0.0/0"),
                entry(true, 100, true, tcp(first, 65535), "0.0.0.0/0"),
            ],
        )
    };
    assert_eq!(acl(1024).verdict("i-a", "i-b", "tcp 443"), Yes);
    let case =
        r#"{"src": {"node": "i-a"}, "dst": {"node": "i-b"}, "protocol": "tcp", "dst_port": 443, "src_port": 40000}"#;
    let case = yagura_network::question::case::Case::parse(case).unwrap();
    let answer = yagura_network::Network::new(acl(50000).0).answer(&case).unwrap();
    assert_eq!((answer.reachable, answer.forward.passes, answer.back.passes), (No, true, false));
    assert_eq!(answer.blocked_by[0].component, "acl-b");
}

// vpc/latest/userguide/nacl-basics: evaluated in order of number, the first match decides
#[test]
fn the_lowest_number_that_matches_decides() {
    let plan = |deny| {
        two_subnets().acl(
            "acl-b",
            "subnet-b",
            &[
                entry(true, 100, true, every(), "0.0.0.0/0"),
                entry(false, 100, true, every(), "10.0.1.0/24"),
                entry(false, deny, false, tcp(443, 443), "10.0.1.10/32"),
            ],
        )
    };
    assert_eq!(plan(90).verdict("i-a", "i-b", "tcp 443"), No);
    assert_eq!(plan(110).verdict("i-a", "i-b", "tcp 443"), Yes);
}

// vpc/latest/userguide/vpc-network-acls: traffic within a subnet is not filtered
#[test]
fn network_acls_do_not_apply_within_a_subnet() {
    let plan = two_subnets().acl("acl-a", "subnet-a", &[]);
    assert_eq!(plan.verdict("i-a2", "i-a", "tcp 443"), Yes);
    assert_eq!(plan.verdict("i-b", "i-a", "tcp 443"), No);
}

// vpc/latest/userguide/managed-prefix-lists: a rule or route for a list stands for each of its entries
#[test]
fn a_prefix_list_stands_for_its_entries_in_groups_and_routes() {
    let list = |plan: Plan| {
        plan.with(|e| {
            let cidrs = Some(vec![range("8.8.8.0/24"), range("10.0.1.0/24")]);
            e.prefix_lists.push(PrefixList { id: "pl-1".into(), home: home(), name: "office".into(), cidrs });
        })
    };
    let rule = GroupRule { service: tcp(443, 443), peer: Peer::PrefixList("pl-1".into()), id: None };
    let group = list(two_subnets()).group("sg-list", "vpc-1", &[rule], &[]).in_group("eni-b", "sg-list");
    assert_eq!(group.verdict("i-a", "i-b", "tcp 443"), Yes);
    assert_eq!(group.verdict("i-a", "i-b", "tcp 22"), No);
    let by_list = Route { destination: Destination::PrefixList("pl-1".into()), ..to("0.0.0.0/0", igw()) };
    let routed = list(two_subnets()).subnet("c", "vpc-1", "az1", &["10.0.3.0/24"], &[by_list]).host(
        "c",
        "c",
        &["10.0.3.10/54.1.1.3"],
    );
    assert_eq!(routed.verdict("i-c", "8.8.8.8", "tcp 443"), Yes);
    assert_eq!(routed.verdict("i-c", "9.9.9.9", "tcp 443"), No);
}

// vpc/latest/userguide/vpc-sharing: participants' resources use the owner's routes and ACLs, and their own groups
#[test]
fn a_shared_subnet_takes_its_owners_routes_and_its_participants_groups() {
    let participant = |id: &str| {
        let id = id.to_owned();
        move |e: &mut yagura_network::estate::Estate| {
            e.interfaces.iter_mut().filter(|i| i.id == id).for_each(|i| i.home.account = "444455556666".into());
        }
    };
    let plan = two_subnets().with(participant("eni-a"));
    assert_eq!(plan.verdict("i-a", OUTSIDE, "tcp 443"), Yes);
    assert_eq!(plan.verdict("i-b", "i-a", "tcp 443"), Yes);
    let owner = GroupRule { service: every(), peer: Peer::Group("sg-1".into()), id: None };
    let plan = plan.group("sg-participant", "vpc-1", &[owner], &[]).in_group("eni-a", "sg-participant");
    assert_eq!(plan.verdict("i-b", "i-a", "tcp 443"), Yes);
    assert_eq!(plan.verdict(OUTSIDE, "54.1.1.1", "tcp 443"), No);
}

// vpc/latest/userguide/vpc-security-groups and vpc-network-acls: what neither filters
#[test]
fn instance_metadata_dns_and_time_are_not_filtered() {
    let plan =
        two_subnets().group("sg-none", "vpc-1", &[], &[]).in_group("eni-a", "sg-none").acl("acl-a", "subnet-a", &[]);
    for service in ["169.254.169.254", "169.254.169.253", "169.254.169.123", "10.0.0.2"] {
        assert_eq!(plan.verdict("i-a", service, "udp 53"), Yes, "{service}");
    }
    assert_eq!(plan.verdict("i-a", "10.0.1.11", "udp 53"), No);
}

// vpc/latest/userguide/route-tables-priority: the most specific route wins
#[test]
fn the_most_specific_route_decides() {
    let routes =
        [to("0.0.0.0/0", igw()), Route { blackhole: true, ..to("8.8.8.0/24", Target::Peering("pcx-1".into())) }];
    let plan =
        two_subnets().subnet("c", "vpc-1", "az1", &["10.0.3.0/24"], &routes).host("c", "c", &["10.0.3.10/54.1.1.3"]);
    assert_eq!(plan.verdict("i-c", "9.9.9.9", "tcp 443"), Yes);
    let answer = plan.ask("i-c", "8.8.8.8", "tcp 443");
    assert_eq!(answer.reachable, No);
    let blocker = &answer.blocked_by[0];
    // A blackhole is named with the target that is gone.
    assert_eq!((blocker.component.as_str(), blocker.code.text()), ("rtb-c", "BAD_STATE_ROUTE"));
    assert!(blocker.rule.contains("8.8.8.0/24 → pcx-1"), "{}", blocker.rule);
}

// vpc/latest/userguide/subnet-associate-route-table: the main table is that of subnets that no table names
#[test]
fn the_main_table_is_for_subnets_without_one() {
    let plan = two_subnets().with(|e| {
        e.route_tables.retain(|t| t.id != "rtb-a");
        e.route_tables.iter_mut().filter(|t| t.main).for_each(|t| t.routes.push(to("0.0.0.0/0", igw())));
    });
    assert_eq!(plan.verdict("i-a", OUTSIDE, "tcp 443"), Yes);
}
