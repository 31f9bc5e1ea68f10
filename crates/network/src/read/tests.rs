mod services;
mod snapshot;

use super::*;
use crate::estate::*;
use serde_json::json;
use yagura_model::IpRange;

fn home() -> Home {
    Home { account: "111122223333".into(), region: "eu-west-1".into() }
}

fn value(json: serde_json::Value) -> Value {
    Value::from_json(json).unwrap()
}

fn read(json: serde_json::Value) -> Estate {
    let mut reader = Reader::new();
    reader.answer(&value(json), &home()).unwrap();
    reader.finish()
}

fn refused(json: serde_json::Value) -> String {
    Reader::new().answer(&value(json), &home()).unwrap_err().to_string()
}

fn range(text: &str) -> IpRange {
    IpRange::parse(text).unwrap()
}

#[test]
fn vpcs_keep_the_blocks_that_are_associated() {
    let estate = read(json!({"Vpcs": [{
        "VpcId": "vpc-1", "OwnerId": "444455556666", "CidrBlock": "10.0.0.0/16",
        "CidrBlockAssociationSet": [
            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "disassociated"}},
            {"CidrBlock": "10.2.0.0/16", "CidrBlockState": {"State": "associated"}}],
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}}],
        "Tags": [{"Key": "Name", "Value": "main"}],
    }]}));
    let vpc = &estate.vpcs[0];
    assert_eq!(vpc.cidrs, ["10.0.0.0/16", "10.2.0.0/16", "2001:db8::/56"].map(range));
    assert_eq!((vpc.name.as_deref(), vpc.home.account.as_str()), (Some("main"), "444455556666"));
}

#[test]
fn an_interface_has_its_addresses_primary_first() {
    let estate = read(json!({"NetworkInterfaces": [{
        "NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.5",
        "PrivateIpAddresses": [
            {"PrivateIpAddress": "10.0.0.6", "Primary": false},
            {"PrivateIpAddress": "10.0.0.5", "Primary": true, "Association": {"PublicIp": "203.0.113.5"}}],
        "Ipv6Addresses": [{"Ipv6Address": "2001:db8::5"}], "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16/28"}],
        "Groups": [{"GroupId": "sg-1"}], "SourceDestCheck": false, "InterfaceType": "interface", "Status": "in-use",
        "Attachment": {"InstanceId": "i-1", "Status": "attached"}, "TagSet": [{"Key": "Name", "Value": "front"}],
    }, {"NetworkInterfaceId": "eni-2", "Status": "available"}]}));
    let [first, second] = estate.interfaces.as_slice() else { panic!() };
    let ips: Vec<String> = first.addresses.iter().map(|a| a.ip.to_string()).collect();
    assert_eq!(ips, ["10.0.0.5", "10.0.0.6", "2001:db8::5"]);
    assert_eq!(first.addresses[0].public, Some("203.0.113.5".parse().unwrap()));
    assert_eq!(first.prefixes, [range("10.0.0.16/28")]);
    assert_eq!((first.groups.as_deref(), first.instance.as_deref()), (Some(&["sg-1".into()][..]), Some("i-1")));
    assert!(!first.source_dest_check && first.in_use);
    assert!(second.source_dest_check && !second.in_use && second.groups.is_none());
}

#[test]
fn instances_tell_of_interfaces_only_where_nobody_listed_them() {
    let instance = json!({
        "InstanceId": "i-1", "State": {"Code": 16, "Name": "running"}, "VpcId": "vpc-1", "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.5", "Groups": [{"GroupId": "sg-1"}]}],
    });
    let alone = read(json!({"Reservations": [{"OwnerId": "444455556666", "Instances": [instance]}]}));
    assert_eq!(alone.interfaces[0].instance.as_deref(), Some("i-1"));
    assert_eq!(alone.instances[0].home.account, "444455556666");
    let flat = read(
        json!({"collector_version": "1", "instances": [instance, {"InstanceId": "i-2", "NetworkInterfaces": [], "VpcId": null}]}),
    );
    assert_eq!((flat.instances.len(), flat.interfaces.len()), (2, 1));
    let listed = read(json!({"instances": [instance], "NetworkInterfaces": []}));
    assert_eq!((listed.instances.len(), listed.interfaces.len()), (1, 0));
}

#[test]
fn permissions_become_one_rule_for_each_peer() {
    let estate = read(json!({"security_groups": [{
        "GroupId": "GroupId:9", "GroupName": "web", "VpcId": "vpc-1",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 444, "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
             "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "UserIdGroupPairs": [{"GroupId": "sg-2"}],
             "PrefixListIds": [{"PrefixListId": "pl-1"}]},
            {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
            {"IpProtocol": "50", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "UserIdGroupPairs": null}],
    }], "SecurityGroupRules": [
        {"SecurityGroupRuleId": "sgr-1", "GroupId": "GroupId:9", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 443,
         "ToPort": 444, "CidrIpv6": "::/0"}]}));
    let group = &estate.security_groups[0];
    let peers: Vec<&Peer> = group.ingress.iter().take(4).map(|r| &r.peer).collect();
    assert_eq!(
        peers,
        [
            &Peer::Range(range("0.0.0.0/0")),
            &Peer::Range(range("::/0")),
            &Peer::Group("sg-2".into()),
            &Peer::PrefixList("pl-1".into()),
        ]
    );
    assert_eq!(group.ingress[1].id.as_deref(), Some("sgr-1"));
    assert_eq!(group.ingress[0].service, Service { protocol: Protocol::Number(6), ports: (443, 444) });
    assert_eq!(group.ingress[4].service, Service { protocol: Protocol::Number(1), ports: (0x800, 0x8ff) });
    assert_eq!(group.ingress[5].service, Service { protocol: Protocol::Number(50), ports: (0, 65535) });
    assert_eq!(group.egress[0].service.protocol, Protocol::Any);
}

#[test]
fn acl_entries_have_ports_or_icmp_types() {
    let entry = |number: u32, rest: serde_json::Value| {
        let mut entry =
            json!({"RuleNumber": number, "Egress": false, "RuleAction": "allow", "CidrBlock": "10.0.0.0/8"});
        entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        entry
    };
    let estate = read(json!({"NetworkAcls": [{
        "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Associations": [{"SubnetId": "subnet-1"}],
        "Entries": [
            entry(100, json!({"Protocol": "6", "PortRange": {"From": 22, "To": 22}})),
            entry(110, json!({"Protocol": "1", "IcmpTypeCode": {"Type": 3, "Code": 4}})),
            entry(120, json!({"Protocol": "58", "IcmpTypeCode": {"Type": -1, "Code": -1}})),
            entry(32767, json!({"Protocol": "-1", "RuleAction": "deny"}))],
    }]}));
    let acl = &estate.network_acls[0];
    let ports: Vec<(u16, u16)> = acl.entries.iter().map(|e| e.service.ports).collect();
    assert_eq!(ports, [(22, 22), (0x304, 0x304), (0, 65535), (0, 65535)]);
    assert!(acl.default && acl.entries[0].allow && !acl.entries[3].allow);
    assert_eq!(acl.subnets, ["subnet-1"]);
}

#[test]
fn routes_name_their_targets() {
    let route = |member: &str, id: &str| json!({"DestinationCidrBlock": "0.0.0.0/0", member: id, "State": "active"});
    let estate = read(json!({"RouteTables": [{
        "RouteTableId": "rtb-1", "VpcId": "vpc-1",
        "Associations": [{"Main": true}, {"SubnetId": "subnet-1", "AssociationState": {"State": "associated"}},
            {"SubnetId": "subnet-2", "AssociationState": {"State": "disassociated"}}, {"GatewayId": "igw-1"}],
        "Routes": [
            route("GatewayId", "local"), route("GatewayId", "igw-1"), route("GatewayId", "vgw-1"),
            route("GatewayId", "vpce-1"), route("GatewayId", "GatewayId:4"), route("NatGatewayId", "nat-1"),
            route("TransitGatewayId", "tgw-1"), route("VpcPeeringConnectionId", "pcx-1"),
            route("EgressOnlyInternetGatewayId", "eigw-1"), route("LocalGatewayId", "lgw-1"),
            {"DestinationIpv6CidrBlock": "::/0", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "State": "blackhole"},
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"},
            {"DestinationCidrBlock": "10.9.0.0/16", "State": "blackhole"}],
    }], "InternetGateways": [{"InternetGatewayId": "GatewayId:4", "Attachments": [{"State": "available", "VpcId": "vpc-1"}]}]}));
    let table = &estate.route_tables[0];
    let targets: Vec<&Target> = table.routes.iter().map(|r| &r.target).collect();
    assert_eq!(
        targets,
        [
            &Target::Local,
            &Target::InternetGateway("igw-1".into()),
            &Target::VpnGateway("vgw-1".into()),
            &Target::Endpoint("vpce-1".into()),
            &Target::InternetGateway("GatewayId:4".into()),
            &Target::NatGateway("nat-1".into()),
            &Target::TransitGateway("tgw-1".into()),
            &Target::Peering("pcx-1".into()),
            &Target::EgressOnlyInternetGateway("eigw-1".into()),
            &Target::Other("lgw-1".into()),
            &Target::Interface("eni-1".into()),
            &Target::VpnGateway("vgw-1".into()),
            &Target::Other("".into()),
        ]
    );
    assert!(table.routes[10].blackhole && table.routes[11].propagated && table.main);
    assert_eq!(
        (table.subnets.as_slice(), table.gateways.as_slice()),
        (&["subnet-1".into()][..], &["igw-1".into()][..])
    );
    assert_eq!(estate.internet_gateways[0].vpcs, ["vpc-1"]);
}

#[test]
fn two_accounts_answers_about_one_thing_are_one_record() {
    let mut reader = Reader::new();
    let other = Home { account: "444455556666".into(), ..home() };
    let subnet = json!({"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "OwnerId": "444455556666", "CidrBlock": "10.0.0.0/24"}]});
    let peering = |requester: serde_json::Value, accepter: serde_json::Value| {
        json!({"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"},
            "RequesterVpcInfo": requester, "AccepterVpcInfo": accepter}]})
    };
    let known = json!({"VpcId": "vpc-1", "OwnerId": "444455556666", "CidrBlockSet": [{"CidrBlock": "10.0.0.0/16"}]});
    reader.answer(&value(subnet.clone()), &home()).unwrap();
    reader.answer(&value(subnet), &other).unwrap();
    reader
        .answer(
            &value(peering(json!({"VpcId": "vpc-1"}), json!({"VpcId": "vpc-2", "CidrBlock": "10.2.0.0/16"}))),
            &home(),
        )
        .unwrap();
    reader.answer(&value(peering(known, json!({"VpcId": "vpc-2"}))), &other).unwrap();
    let estate = reader.finish();
    assert_eq!((estate.subnets.len(), estate.subnets[0].home.account.as_str()), (1, "444455556666"));
    let peering = &estate.peerings[0];
    assert_eq!(
        (peering.requester.cidrs.as_slice(), peering.accepter.cidrs.as_slice()),
        (&[range("10.0.0.0/16")][..], &[range("10.2.0.0/16")][..])
    );
}

#[test]
fn nat_gateways_tell_their_addresses() {
    let estate = read(json!({"NatGateways": [
        {"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "State": "available",
         "NatGatewayAddresses": [{"NetworkInterfaceId": "eni-1", "PrivateIp": "10.0.0.9", "PublicIp": "203.0.113.9"}]},
        {"NatGatewayId": "nat-2", "ConnectivityType": "private"}]}));
    let nat = &estate.nat_gateways[0];
    assert!(nat.public && !estate.nat_gateways[1].public);
    assert_eq!(nat.addresses[0].public, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(nat.interfaces, ["eni-1"]);
}

#[test]
fn what_nobody_answered_is_a_gap() {
    let estate = read(json!({"Vpcs": [], "PrefixLists": []}));
    let gap = |call: &str| estate.gaps.iter().find(|g| g.call == call);
    assert!(gap("DescribeVpcs").is_none() && gap("DescribeManagedPrefixLists").is_none());
    let unread = gap("DescribeRouteTables").unwrap();
    assert_eq!((unread.account.as_str(), unread.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!(unread.gap.reason, GapReason::NotRequested);
    assert!(Reader::new().finish().gaps.is_empty());
}

#[test]
fn the_owner_of_a_shared_vpc_that_nobody_asked_is_a_gap() {
    let estate = read(json!({"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "444455556666"}], "InternetGateways": []}));
    let of = |account: &str| estate.gaps.iter().any(|g| g.call == "DescribeInternetGateways" && g.account == account);
    assert!(of("444455556666") && !of("111122223333"));
}

#[test]
fn an_answer_for_the_account_holds_in_its_regions() {
    let mut reader = Reader::new();
    let account = Home { region: "".into(), ..home() };
    reader.answer(&value(json!({"virtualInterfaces": []})), &account).unwrap();
    reader.answer(&value(json!({"Vpcs": []})), &home()).unwrap();
    let gaps = reader.finish().gaps;
    assert!(gaps.iter().all(|g| g.region == "eu-west-1" && g.call != "directconnect:DescribeVirtualInterfaces"));
}

#[test]
fn a_malformed_record_is_named() {
    for (document, wanted) in [
        (json!({"Vpcs": "none"}), "the answer: `Vpcs` is a text where a list is due"),
        (json!({"Vpcs": ["vpc-1"]}), "the answer: `Vpcs` lists a text where a structure is due"),
        (
            json!({"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "ten"}]}),
            "`Vpcs` `vpc-1`: `CidrBlock` is no CIDR block: `ten`",
        ),
        (json!({"Vpcs": [{"CidrBlock": "10.0.0.0/8"}]}), "`Vpcs[0]`: `VpcId` is missing"),
        (json!({"Subnets": [{"SubnetId": ["x"]}]}), "`Subnets[0]`: `SubnetId` is a list where a text is due"),
        (
            json!({"Reservations": [{"Instances": [{"InstanceId": "i-1", "NetworkInterfaces": 5}]}]}),
            "`Instances` `i-1`: `NetworkInterfaces` is a number where a list is due",
        ),
        (
            json!({"RouteTables": [{"RouteTableId": "rtb-1", "Routes": [{"GatewayId": "local"}]}]}),
            "`RouteTables` `rtb-1`: `DestinationCidrBlock` is missing",
        ),
        (
            json!({"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 9, "ToPort": 1}]}]}),
            "`SecurityGroups` `sg-1`: `FromPort` is no range of ports: 9 to 1",
        ),
        (
            json!({"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [{"RuleNumber": -1, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "::/0"}]}]}),
            "`NetworkAcls` `acl-1`: `RuleNumber` is -1",
        ),
        (
            json!({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "1.2.3"}]}),
            "`NetworkInterfaces` `eni-1`: `PrivateIpAddress` is no IP address: `1.2.3`",
        ),
    ] {
        assert_eq!(refused(document), wanted);
    }
}

#[test]
fn lists_are_found_deeper_and_other_services_lists_are_left_alone() {
    let estate = read(json!({"us": [{"network": {"Vpcs": {"Vpcs": [{"VpcId": "vpc-1"}]}}}],
        "Rules": [{"Name": "nightly"}], "Functions": "none", "Clusters": ["blue"]}));
    assert_eq!(estate.vpcs.len(), 1);
}

#[test]
fn an_answer_that_more_pages_follow_is_not_the_whole() {
    let unread = |json| read(json).gaps.into_iter().map(|g| g.call).filter(|c| c == "DescribeSecurityGroups").count();
    let page = |id: &str, token: &str| json!({"SecurityGroups": [{"GroupId": id}], "NextToken": token});
    assert_eq!(unread(page("sg-1", "abc")), 1);
    assert_eq!(unread(page("sg-1", "")), 0);
    // The last page makes it whole; a token is of its own answer only.
    assert_eq!(unread(json!([page("sg-1", "abc"), {"SecurityGroups": [{"GroupId": "sg-2"}]}])), 0);
    assert_eq!(unread(json!([{"Subnets": [{"SubnetId": "subnet-1"}], "nextToken": "abc"}, page("sg-1", "")])), 0);
}
