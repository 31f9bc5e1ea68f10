//! What was not read is neither yes nor no.

use super::{ask, home, interface, network, table, vpc};
use serde_json::{Value as Json, json};
use yagura_network::estate::Home;
use yagura_network::question::Reachable;

/// Options tell their Region; files without folders do not tell that of the VPC.
#[test]
fn block_public_access_counts_where_nobody_told_the_region_of_the_vpc() {
    let options = json!({"AwsAccountId": "111122223333", "AwsRegion": "eu-west-1", "InternetGatewayBlockMode": "block-bidirectional"});
    let network = network(vpc(json!({"VpcBlockPublicAccessOptions": options})), &Home::default());
    let answer = ask(&network, json!({"src": {"node": "internet"}, "dst": {"node": "i-1"}, "protocol": "tcp"}));
    assert_eq!(answer.reachable, Reachable::No, "{answer:#?}");
    assert_eq!(answer.blocked_by[0].component, "vpc-1");
}

fn two_vpcs(attachments: Json, more: Json) -> Json {
    let route = |to: &str| json!([{"DestinationCidrBlock": to, "TransitGatewayId": "tgw-1"}]);
    let other = json!({"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16", "OwnerId": "111122223333"});
    let first = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"});
    let allow = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"});
    let acl = |id: &str, vpc: &str| json!({"NetworkAclId": id, "VpcId": vpc, "IsDefault": true, "Entries": [allow(true), allow(false)]});
    let mut far = interface("eni-3", "subnet-c", "10.1.1.5", None, "sg-1", None);
    far["VpcId"] = json!("vpc-2");
    let mut document = json!({
        "Vpcs": [first, other],
        "Subnets": [
            {"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
            {"SubnetId": "subnet-c", "VpcId": "vpc-2", "CidrBlock": "10.1.1.0/24", "AvailabilityZone": "eu-west-1a"}],
        "NetworkInterfaces": [interface("eni-1", "subnet-a", "10.0.1.5", None, "sg-1", Some("i-1")), far],
        "NetworkAcls": [acl("acl-1", "vpc-1"), acl("acl-2", "vpc-2")],
        "RouteTables": [
            table("rtb-1", "vpc-1", &["10.0.0.0/16"], route("10.1.0.0/16")),
            table("rtb-2", "vpc-2", &["10.1.0.0/16"], route("10.0.0.0/16"))],
        "TransitGatewayVpcAttachments": attachments,
    });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    vpc(document)
}

fn attachment(id: &str, vpc: &str, subnet: &str) -> Json {
    json!({"TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "VpcId": vpc, "State": "available", "SubnetIds": [subnet]})
}

const FLOW: &str = r#"{"src": {"ip": "10.0.1.5"}, "dst": {"ip": "10.1.1.5"}, "protocol": "tcp", "dst_port": 443}"#;

fn flow(document: Json) -> yagura_network::question::case::CaseAnswer {
    ask(&network(document, &home()), serde_json::from_str(FLOW).unwrap())
}

/// Only `DescribeTransitGatewayAttachments` tells which route table an attachment is associated with, and only to the
/// transit gateway's owner.
#[test]
fn an_association_that_nobody_told_is_unknown() {
    let both =
        json!([attachment("tgw-attach-1", "vpc-1", "subnet-a"), attachment("tgw-attach-2", "vpc-2", "subnet-c")]);
    let answer = flow(two_vpcs(both.clone(), json!({})));
    assert_eq!(answer.reachable, Reachable::Unknown, "{answer:#?}");
    // Asked of an account that shares another's gateway.
    let told = json!([
        {"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "TransitGatewayOwnerId": "999988887777", "ResourceType": "vpc", "ResourceId": "vpc-1", "State": "available"},
        {"TransitGatewayAttachmentId": "tgw-attach-2", "TransitGatewayId": "tgw-1", "TransitGatewayOwnerId": "999988887777", "ResourceType": "vpc", "ResourceId": "vpc-2", "State": "available"}]);
    let gateways = json!([{"TransitGatewayId": "tgw-1", "OwnerId": "999988887777", "State": "available"}]);
    let shared =
        json!({"TransitGatewayAttachments": told, "TransitGateways": gateways, "TransitGatewayRouteTables": []});
    let answer = flow(two_vpcs(both.clone(), shared.clone()));
    assert_eq!(answer.reachable, Reachable::Unknown, "{answer:#?}");
    // The owner sees that there is none.
    let mut own = shared;
    own["TransitGateways"] = json!([{"TransitGatewayId": "tgw-1", "OwnerId": "111122223333", "State": "available"}]);
    let answer = flow(two_vpcs(both, own));
    assert_eq!(answer.reachable, Reachable::No, "{answer:#?}");
    assert_eq!(answer.blocked_by[0].code.text(), "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION");
}

/// Equal routes of a transit gateway that all lead back to it are no way; they do not hide the other routes.
#[test]
fn a_circle_with_many_ways_is_a_no() {
    let others = 2..=9;
    let attached = |n: usize| {
        json!({"TransitGatewayAttachmentId": format!("tgw-attach-{n}"), "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
        "ResourceId": format!("vpc-{n}"), "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}})
    };
    let mut document = vpc(json!({
        "TransitGatewayAttachments": (1..=9).map(attached).collect::<Vec<_>>(),
        "TransitGatewayVpcAttachments": (1..=9).map(|n| attachment(&format!("tgw-attach-{n}"), &format!("vpc-{n}"), if n == 1 { "subnet-a".to_owned() } else { format!("subnet-{n}") }.as_str())).collect::<Vec<_>>(),
        "TransitGateways": [{"TransitGatewayId": "tgw-1", "OwnerId": "111122223333", "State": "available"}],
        "TransitGatewayRouteTables": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available"}],
        "TransitGatewayPropagations": [],
        "TransitGatewayRoutes": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "Type": "static", "State": "active",
            "TransitGatewayAttachments": others.clone().map(|n| json!({"TransitGatewayAttachmentId": format!("tgw-attach-{n}")})).collect::<Vec<_>>()}]}],
        "RouteTables": [table("rtb-1", "vpc-1", &["10.0.0.0/16"], json!([
            {"DestinationCidrBlock": "8.8.0.0/16", "TransitGatewayId": "tgw-1"}, {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]))],
    }));
    for n in others {
        let (own, cidr) = (format!("vpc-{n}"), format!("192.168.{n}.0/24"));
        let add = |document: &mut Json, key: &str, record: Json| document[key].as_array_mut().unwrap().push(record);
        let mut acl = document["NetworkAcls"][0].clone();
        acl["NetworkAclId"] = json!(format!("acl-{n}"));
        acl["VpcId"] = json!(own);
        add(&mut document, "NetworkAcls", acl);
        add(&mut document, "Vpcs", json!({"VpcId": own, "CidrBlock": cidr, "OwnerId": "111122223333"}));
        add(
            &mut document,
            "Subnets",
            json!({"SubnetId": format!("subnet-{n}"), "VpcId": own, "CidrBlock": cidr, "AvailabilityZone": "eu-west-1a"}),
        );
        let back = json!([{"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"}]);
        add(&mut document, "RouteTables", table(&format!("rtb-{n}"), &own, &[&cidr], back));
    }
    let network = network(document, &home());
    let circle = ask(&network, json!({"src": {"node": "i-1"}, "dst": {"ip": "8.8.8.8"}, "protocol": "tcp"}));
    assert_eq!(circle.reachable, Reachable::No, "{:?}", circle.missing);
    let internet = ask(&network, json!({"src": {"node": "i-1"}, "dst": {"node": "internet"}, "protocol": "tcp"}));
    assert_eq!(internet.reachable, Reachable::Yes, "{:?}", internet.missing);
}

/// Over IPv6 a VPC's gateway carries its own addresses only: central egress needs a translator.
#[test]
fn an_internet_gateway_drops_ipv6_addresses_of_other_vpcs() {
    let both =
        json!([attachment("tgw-attach-1", "vpc-1", "subnet-a"), attachment("tgw-attach-2", "vpc-2", "subnet-c")]);
    let associated = |n: u32| {
        json!({"TransitGatewayAttachmentId": format!("tgw-attach-{n}"), "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
        "ResourceId": format!("vpc-{n}"), "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}})
    };
    let mut spoke = interface("eni-3", "subnet-c", "10.1.1.5", None, "sg-1", None);
    spoke["VpcId"] = json!("vpc-2");
    spoke["Ipv6Addresses"] = json!([{"Ipv6Address": "2600:2f00:0:1::5"}]);
    let open = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "Ipv6CidrBlock": "::/0"});
    let acl = |n: u32| json!({"NetworkAclId": format!("acl-{n}"), "VpcId": format!("vpc-{n}"), "IsDefault": true, "Entries": [open(true), open(false)]});
    let local = |cidr: &str| json!({"DestinationIpv6CidrBlock": cidr, "GatewayId": "local"});
    let v6 = |way: &str, target: &str| json!({"DestinationIpv6CidrBlock": "::/0", way: target});
    let document = two_vpcs(
        both,
        json!({
            "Vpcs": [
                {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:1f00::/56"}]},
                {"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16", "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:2f00::/56"}]}],
            "Subnets": [
                {"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
                {"SubnetId": "subnet-c", "VpcId": "vpc-2", "CidrBlock": "10.1.1.0/24", "AvailabilityZone": "eu-west-1a",
                 "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:2f00:0:1::/64"}]}],
            "NetworkInterfaces": [spoke],
            "NetworkAcls": [acl(1), acl(2)],
            "InternetGateways": [
                {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]},
                {"InternetGatewayId": "igw-2", "Attachments": [{"VpcId": "vpc-2", "State": "available"}]}],
            "TransitGatewayAttachments": [associated(1), associated(2)],
            "TransitGateways": [{"TransitGatewayId": "tgw-1", "State": "available"}],
            "TransitGatewayRouteTables": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available"}],
            "TransitGatewayPropagations": [],
            "TransitGatewayRoutes": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [{"DestinationCidrBlock": "::/0", "Type": "static", "State": "active",
                "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-1"}]}]}],
            "RouteTables": [
                table("rtb-1", "vpc-1", &["10.0.0.0/16"], json!([local("2600:1f00::/56"), v6("GatewayId", "igw-1")])),
                table("rtb-2", "vpc-2", &["10.1.0.0/16"], json!([local("2600:2f00::/56"), v6("TransitGatewayId", "tgw-1")]))],
        }),
    );
    let network = network(document, &home());
    let answer =
        ask(&network, json!({"src": {"ip": "2600:2f00:0:1::5"}, "dst": {"ip": "2001:4860::1"}, "protocol": "tcp"}));
    assert_eq!(answer.reachable, Reachable::No, "{answer:#?}");
    assert_eq!(answer.blocked_by[0].component, "igw-1");
}
