//! Addresses and ends: delegated prefixes, subnets, tables with many routes, what lies on premises.

use super::{ask, home, interface, network, table, vpc};
use serde_json::{Value as Json, json};
use yagura_network::question::Reachable;
use yagura_network::question::matrix::{Between, MatrixEnd};

/// Pods have addresses of prefixes that are delegated to their node's interface
/// (`AWSEC2/latest/UserGuide/ec2-prefix-eni`).
#[test]
fn a_delegated_prefix_is_the_interface_s() {
    let mut node = interface("eni-2", "subnet-b", "10.0.2.5", None, "sg-1", Some("i-2"));
    node["Ipv4Prefixes"] = json!([{"Ipv4Prefix": "10.0.2.16/28"}]);
    let first = interface("eni-1", "subnet-a", "10.0.1.5", Some("198.51.100.5"), "sg-1", Some("i-1"));
    let network = network(vpc(json!({"NetworkInterfaces": [first, node]})), &home());
    let there =
        ask(&network, json!({"src": {"node": "i-1"}, "dst": {"ip": "10.0.2.17"}, "protocol": "tcp", "dst_port": 80}));
    assert_eq!(there.reachable, Reachable::Yes, "{there:#?}");
    let named = ask(&network, json!({"src": {"node": "i-1"}, "dst": {"node": "i-2", "ip": "10.0.2.17"}}));
    assert_eq!(named.reachable, Reachable::Yes, "{named:#?}");
    let from = ask(&network, json!({"src": {"ip": "10.0.2.17"}, "dst": {"node": "i-1"}, "protocol": "tcp"}));
    assert_eq!(from.reachable, Reachable::Yes, "{from:#?}");
    let nobody = ask(&network, json!({"src": {"node": "i-1"}, "dst": {"ip": "10.0.2.99"}}));
    assert_eq!(nobody.reachable, Reachable::No);
}

#[test]
fn an_answer_comes_back_to_the_address_of_a_subnet_whoever_has_it() {
    let network = network(vpc(json!({})), &home());
    let asked = json!({"src": {"node": "subnet-b", "ip": "10.0.2.5"}, "dst": {"node": "i-1"}, "protocol": "tcp"});
    let answer = ask(&network, asked);
    assert_eq!(answer.reachable, Reachable::Yes, "{answer:#?}");
}

/// A subnet goes out by an egress-only internet gateway, and its answers come back, whoever has the address
/// (`vpc/latest/userguide/egress-only-internet-gateway`).
#[test]
fn a_subnet_s_answers_come_back_by_its_egress_only_internet_gateway() {
    let routes = json!([{"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}]);
    let network = network(
        vpc(json!({
            "EgressOnlyInternetGateways": [{"EgressOnlyInternetGatewayId": "eigw-1",
                "Attachments": [{"VpcId": "vpc-1", "State": "attached"}]}],
            "RouteTables": [table("rtb-1", "vpc-1", &["10.0.0.0/16", "2600:1f00::/56"], routes)],
        })),
        &home(),
    );
    let out = |ip: &str| {
        let asked =
            json!({"src": {"node": "subnet-a", "ip": ip}, "dst": {"ip": "2001:4860:4860::8888"}, "protocol": "tcp"});
        ask(&network, asked)
    };
    let answer = out("2600:1f00:0:1::99");
    assert_eq!(answer.reachable, Reachable::Yes, "{answer:#?}");
    let back: Vec<&str> = answer.back.hops.iter().map(|h| h.id.as_str()).collect();
    assert!(back.contains(&"eigw-1") && !back.contains(&"igw-1"), "{back:?}");
    let inwards = json!({"src": {"ip": "2001:4860:4860::8888"}, "dst": {"ip": "2600:1f00:0:1::99"}, "protocol": "tcp"});
    assert_eq!(ask(&network, inwards).reachable, Reachable::No);
}

/// A NAT gateway carries TCP, UDP and ICMP (`vpc/latest/userguide/nat-gateway-basics`), each family its own ICMP.
#[test]
fn a_nat_gateway_carries_the_icmp_of_the_packet_s_family() {
    let nat = json!([{"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-a", "State": "available",
        "ConnectivityType": "public", "NatGatewayAddresses": [
            {"NetworkInterfaceId": "eni-nat", "PrivateIp": "10.0.1.9", "PublicIp": "198.51.100.9", "IsPrimary": true}]}]);
    let mut private = table(
        "rtb-2",
        "vpc-1",
        &["10.0.0.0/16"],
        json!([{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}]),
    );
    private["Associations"] = json!([{"Main": false, "SubnetId": "subnet-b"}]);
    let public =
        table("rtb-1", "vpc-1", &["10.0.0.0/16"], json!([{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]));
    let network = network(vpc(json!({"NatGateways": nat, "RouteTables": [public, private]})), &home());
    for (protocol, wanted) in
        [("1", Reachable::Yes), ("6", Reachable::Yes), ("58", Reachable::No), ("50", Reachable::No)]
    {
        let answer = ask(&network, json!({"src": {"node": "i-2"}, "dst": {"ip": "8.8.8.8"}, "protocol": protocol}));
        assert_eq!(answer.reachable, wanted, "{protocol}: {answer:#?}");
    }
}

#[test]
fn icmp_between_ipv6_ends_is_icmpv6() {
    let rule = |protocol: &str| json!([{"IpProtocol": protocol, "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let any = json!([{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let mut first = interface("eni-1", "subnet-a", "10.0.1.5", Some("198.51.100.5"), "sg-1", Some("i-1"));
    first["Ipv6Addresses"] = json!([{"Ipv6Address": "2600:1f00:0:1::5"}]);
    for (protocol, wanted) in [("icmpv6", Reachable::Yes), ("icmp", Reachable::No)] {
        let group = json!([{"GroupId": "sg-1", "VpcId": "vpc-1", "GroupName": "ping", "IpPermissions": rule(protocol), "IpPermissionsEgress": any}]);
        let mut table = table("rtb-1", "vpc-1", &["10.0.0.0/16", "2600:1f00::/56"], json!([]));
        table["Routes"].as_array_mut().unwrap().push(json!({"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"}));
        let network = network(
            vpc(json!({"SecurityGroups": group, "NetworkInterfaces": [first], "RouteTables": [table]})),
            &home(),
        );
        let ping =
            json!({"src": {"ip": "2001:4860:4860::8888"}, "dst": {"ip": "2600:1f00:0:1::5"}, "protocol": "icmp"});
        let answer = ask(&network, ping);
        assert_eq!(answer.reachable, wanted, "{protocol}: {answer:#?}");
    }
}

#[test]
fn what_a_host_sends_to_itself_never_leaves_it() {
    let shut = json!([{"GroupId": "sg-1", "VpcId": "vpc-1", "GroupName": "shut", "IpPermissions": [], "IpPermissionsEgress": []}]);
    let network = network(vpc(json!({"SecurityGroups": shut})), &home());
    let own = ask(&network, json!({"src": {"node": "i-1"}, "dst": {"node": "i-1"}, "protocol": "tcp", "dst_port": 80}));
    assert_eq!(own.reachable, Reachable::Yes, "{own:#?}");
    let other =
        ask(&network, json!({"src": {"node": "i-1"}, "dst": {"node": "i-2"}, "protocol": "tcp", "dst_port": 80}));
    assert_eq!(other.reachable, Reachable::No, "{other:#?}");
}

/// A route table may hold as many routes as a prefix list has entries: each leads where its route does.
#[test]
fn a_long_prefix_list_hides_no_default_route() {
    let entries: Vec<Json> = (0..300).map(|n| json!({"Cidr": format!("8.{}.{}.0/24", n / 256, n % 256)})).collect();
    let routes = json!([{"DestinationPrefixListId": "pl-1", "GatewayId": "igw-1"}, {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]);
    let blocked: Vec<Json> = (0..40)
        .map(|n| json!({"DestinationCidrBlock": format!("9.{}.{}.0/24", n / 256, n % 256), "NetworkInterfaceId": "eni-gone", "State": "blackhole"}))
        .collect();
    let mut all = routes.as_array().unwrap().clone();
    all.extend(blocked);
    let network = network(
        vpc(json!({
            "RouteTables": [table("rtb-1", "vpc-1", &["10.0.0.0/16"], Json::Array(all))],
            "ManagedPrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "many", "Entries": entries}],
        })),
        &home(),
    );
    let answer =
        ask(&network, json!({"src": {"node": "i-1"}, "dst": {"node": "internet"}, "protocol": "tcp", "dst_port": 443}));
    assert_eq!(answer.reachable, Reachable::Yes, "{:#?}", answer.blocked_by);
    let lost =
        ask(&network, json!({"src": {"node": "i-1"}, "dst": {"ip": "9.0.7.1"}, "protocol": "tcp", "dst_port": 443}));
    assert_eq!(lost.reachable, Reachable::No);
}

/// Echo over IPv6 is no leave for the other ICMPv6 messages.
#[test]
fn a_matrix_tells_the_types_of_icmpv6() {
    let open =
        json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let echo = json!([{"IpProtocol": "icmpv6", "FromPort": 128, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let mut target = interface("eni-2", "subnet-a", "10.0.1.6", None, "sg-2", Some("i-2"));
    target["Ipv6Addresses"] = json!([{"Ipv6Address": "2600:1f00:0:1::6"}]);
    let mut first = interface("eni-1", "subnet-a", "10.0.1.5", None, "sg-1", Some("i-1"));
    first["Ipv6Addresses"] = json!([{"Ipv6Address": "2600:1f00:0:1::5"}]);
    let network = network(
        vpc(json!({
            "NetworkInterfaces": [first, target],
            "SecurityGroups": [
                {"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissions": open, "IpPermissionsEgress": open},
                {"GroupId": "sg-2", "VpcId": "vpc-1", "IpPermissions": echo, "IpPermissionsEgress": open}],
        })),
        &home(),
    );
    assert_eq!(
        lines(&network, "2600:1f00:0:1::5", "2600:1f00:0:1::6"),
        [r#"[{"protocol":"58","dst_ports":[[32768,33023]],"reply":"yes"}]"#]
    );
    let back = lines(&network, "2600:1f00:0:1::6", "2600:1f00:0:1::5");
    assert_eq!(back, [r#"[{"protocol":"all","reply":"yes"}]"#]);
}

/// What is behind a VPN connection reaches the VPC by the same gateway that the VPC reaches it by.
#[test]
fn a_matrix_tells_what_comes_in_from_on_premises() {
    let network = network(
        vpc(json!({
            "RouteTables": [table("rtb-1", "vpc-1", &["10.0.0.0/16"], json!([{"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "vgw-1"}]))],
            "VpnGateways": [{"VpnGatewayId": "vgw-1", "VpcAttachments": [{"VpcId": "vpc-1", "State": "attached"}]}],
            "VpnConnections": [{"VpnConnectionId": "vpn-1", "VpnGatewayId": "vgw-1", "State": "available",
                "Options": {"StaticRoutesOnly": true}, "Routes": [{"DestinationCidrBlock": "192.168.0.0/16", "State": "available"}],
                "VgwTelemetry": [{"Status": "UP"}, {"Status": "DOWN"}]}],
        })),
        &home(),
    );
    assert_eq!(lines(&network, "10.0.2.5", "192.168.0.0/16"), [r#"[{"protocol":"all","reply":"yes"}]"#]);
    assert_eq!(lines(&network, "192.168.0.0/16", "10.0.2.5"), [r#"[{"protocol":"all","reply":"yes"}]"#]);
}

fn lines(network: &yagura_network::Network, from: &str, to: &str) -> Vec<String> {
    let is = |end: &MatrixEnd, wanted: &str| match end {
        MatrixEnd::Inside { ip, .. } => ip == wanted,
        MatrixEnd::Outside { cidr } => cidr == wanted,
    };
    let mut out = Vec::new();
    let done: Result<(), ()> = network.matrix(Between::Interfaces, 1, |src, dst, grant| {
        if is(src, from) && is(dst, to) {
            out.push(serde_json::to_string(&grant.allowed).unwrap());
        }
        Ok(())
    });
    done.unwrap();
    out
}

#[test]
fn the_internet_reaches_a_subnet_where_something_in_it_is_reached() {
    let network = network(vpc(json!({})), &home());
    for (node, reached) in [("subnet-a", Reachable::Yes), ("vpc-1", Reachable::Yes), ("subnet-b", Reachable::No)] {
        let answer = ask(&network, json!({"src": {"node": "internet"}, "dst": {"node": node}, "protocol": "tcp"}));
        assert_eq!(answer.reachable, reached, "{node}: {answer:#?}");
    }
}

/// No change makes the internet carry packets to a private address.
#[test]
fn a_private_address_is_none_of_the_internet_s() {
    let network = network(vpc(json!({"SecurityGroups": []})), &home());
    let answer = ask(&network, json!({"src": {"ip": "8.8.8.8"}, "dst": {"ip": "10.0.1.5"}, "protocol": "tcp"}));
    assert_eq!(answer.reachable, Reachable::No);
    let said: Vec<&str> = answer.blocked_by.iter().map(|b| b.rule.as_str()).collect();
    assert_eq!(said, ["10.0.1.5 is a private address of eni-1: the internet knows it as 198.51.100.5"]);
    assert_eq!(answer.opens, Some(false), "{:?}", answer.changes);
}
