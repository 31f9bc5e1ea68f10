//! What a load balancer publishes counts as reachable from the internet, where its target takes what it sends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use yagura_network::Network;
use yagura_network::estate::{Home, Protocol, Service};
use yagura_network::packet::{PacketBox, PacketSet};
use yagura_network::read::Reader;

/// A host in a private subnet behind an internet-facing Network Load Balancer; its group lets in `from`.
fn network(from: &str) -> Network {
    let open = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"});
    let table = |id: &str, subnet: &str, routes: Value| json!({"RouteTableId": id, "VpcId": "vpc-1", "Associations": [{"SubnetId": subnet}], "Routes": routes});
    let local = json!({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"});
    let address = |ip: &str, public: Option<&str>| {
        let mut out = json!({"PrivateIpAddress": ip, "Primary": true});
        if let Some(public) = public {
            out["Association"] = json!({"PublicIp": public});
        }
        json!([out])
    };
    let group = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/db/1";
    let arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/net/pub/1";
    let subnet = |id: &str, cidr: &str| json!({"SubnetId": id, "VpcId": "vpc-1", "CidrBlock": cidr, "AvailabilityZone": "us-east-1a"});
    let document = json!({
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [subnet("subnet-a", "10.0.1.0/24"), subnet("subnet-b", "10.0.2.0/24")],
        "RouteTables": [
            table("rtb-a", "subnet-a", json!([local, {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}])),
            table("rtb-b", "subnet-b", json!([local]))],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": [open(false), open(true)]}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "SecurityGroups": [{"GroupId": "sg-b", "GroupName": "b", "VpcId": "vpc-1", "IpPermissionsEgress": [],
            "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": from}]}]}],
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-lb", "VpcId": "vpc-1", "SubnetId": "subnet-a", "Status": "in-use", "Groups": [],
             "InterfaceType": "network_load_balancer", "Description": "ELB net/pub/1", "PrivateIpAddresses": address("10.0.1.20", Some("203.0.113.20"))},
            {"NetworkInterfaceId": "eni-b", "VpcId": "vpc-1", "SubnetId": "subnet-b", "Status": "in-use", "Groups": [{"GroupId": "sg-b"}],
             "Attachment": {"InstanceId": "i-b", "Status": "attached"}, "PrivateIpAddresses": address("10.0.2.10", None)}],
        "Reservations": [{"Instances": [{"InstanceId": "i-b", "State": {"Name": "running"}}]}],
        "LoadBalancers": [{"LoadBalancerArn": arn, "LoadBalancerName": "pub", "Type": "network", "Scheme": "internet-facing", "VpcId": "vpc-1",
            "State": {"Code": "active"}, "AvailabilityZones": [{"SubnetId": "subnet-a"}], "SecurityGroups": []}],
        "Listeners": [{"ListenerArn": format!("{arn}/l"), "LoadBalancerArn": arn, "Port": 15432, "Protocol": "TCP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}]}],
        "TargetGroups": [{"TargetGroupArn": group, "Protocol": "TCP", "Port": 5432, "VpcId": "vpc-1", "TargetType": "instance",
            "LoadBalancerArns": [arn],
            "TargetHealthDescriptions": [{"Target": {"Id": "i-b", "Port": 5432}, "TargetHealth": {"State": "healthy"}}]}],
    });
    let mut reader = Reader::new();
    reader.answer(&serde_json::from_value(document).unwrap(), &Home::default()).unwrap();
    Network::new(reader.finish())
}

fn tcp(port: u16) -> PacketSet {
    [PacketBox::of(Service { protocol: Protocol::Number(6), ports: (port, port) })].into_iter().collect()
}

fn host(network: &Network) -> u32 {
    network.estate.interfaces.iter().position(|i| i.id == "eni-b").unwrap() as u32
}

#[test]
fn a_target_that_takes_what_is_sent_is_reachable_at_its_own_port() {
    let network = network("0.0.0.0/0");
    let (must, may, _) = network.open_to_internet(host(&network));
    assert!(must.meets(&tcp(5432)), "{must:?}");
    assert!(!may.meets(&tcp(15432)) && !may.meets(&tcp(22)), "{may:?}");
    let ways = network.exposures_of(host(&network), &tcp(5432));
    assert!(
        ways.iter().any(|w| w.starts_with("203.0.113.20: internet → igw-1") && w.ends_with("eni-b:5432")),
        "{ways:?}"
    );
}

/// A Network Load Balancer keeps the client's address towards instances: the group has to know the clients.
#[test]
fn a_target_that_knows_the_balancer_only_is_not_reachable() {
    let network = network("10.0.1.0/24");
    let (_, may, _) = network.open_to_internet(host(&network));
    assert!(!may.meets(&tcp(5432)), "{may:?}");
    assert!(network.exposures_of(host(&network), &tcp(5432)).is_empty());
}
