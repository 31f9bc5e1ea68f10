//! What AWS's documentation says of single features, and what must stay unknown where nobody was asked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod balancers;
mod places;
mod unread;

use serde_json::{Value as Json, json};
use yagura_model::Value;
use yagura_network::Network;
use yagura_network::estate::Home;
use yagura_network::question::case::{Case, CaseAnswer};
use yagura_network::read::Reader;

/// The account and Region that were asked.
fn home() -> Home {
    Home { account: "111122223333".into(), region: "eu-west-1".into() }
}

/// A network of one document, as asked of a home.
fn network(document: Json, home: &Home) -> Network {
    let mut reader = Reader::new();
    reader.answer(&Value::from_json(document).unwrap(), home).unwrap();
    Network::new(reader.finish())
}

fn ask(network: &Network, case: Json) -> CaseAnswer {
    network.answer(&Case::parse(&case.to_string()).unwrap()).unwrap()
}

/// A VPC with a public subnet `subnet-a` and its neighbour `subnet-b`, both open, and the instance `i-1` in the first.
/// `more` replaces or adds lists.
fn vpc(more: Json) -> Json {
    let any =
        json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let entry = |number: u32, egress: bool, family: &str, cidr: &str| json!({"RuleNumber": number, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", family: cidr});
    let entries: Vec<Json> = [true, false]
        .into_iter()
        .flat_map(|e| [entry(100, e, "CidrBlock", "0.0.0.0/0"), entry(101, e, "Ipv6CidrBlock", "::/0")])
        .collect();
    let mut document = json!({
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333",
            "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:1f00::/56"}]}],
        "Subnets": [
            {"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a",
             "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:1f00:0:1::/64"}]},
            {"SubnetId": "subnet-b", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1b"}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "RouteTables": [table("rtb-1", "vpc-1", &["10.0.0.0/16"], json!([
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"},
            {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"}]))],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": entries, "Associations": []}],
        "SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "GroupName": "open", "IpPermissions": any, "IpPermissionsEgress": any}],
        "Reservations": [{"Instances": [
            {"InstanceId": "i-1", "State": {"Name": "running"}}, {"InstanceId": "i-2", "State": {"Name": "running"}}]}],
        "NetworkInterfaces": [
            interface("eni-1", "subnet-a", "10.0.1.5", Some("198.51.100.5"), "sg-1", Some("i-1")),
            interface("eni-2", "subnet-b", "10.0.2.5", None, "sg-1", Some("i-2"))],
        "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}, "VpcBlockPublicAccessExclusions": [],
    });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

/// A main route table with local routes and others.
fn table(id: &str, vpc: &str, local: &[&str], routes: Json) -> Json {
    let mut all: Vec<Json> = local.iter().map(|c| json!({"DestinationCidrBlock": c, "GatewayId": "local"})).collect();
    all.extend(routes.as_array().unwrap().clone());
    json!({"RouteTableId": id, "VpcId": vpc, "Associations": [{"Main": true}], "Routes": all})
}

fn interface(id: &str, subnet: &str, ip: &str, public: Option<&str>, group: &str, instance: Option<&str>) -> Json {
    let mut address = json!({"PrivateIpAddress": ip, "Primary": true});
    if let Some(public) = public {
        address["Association"] = json!({"PublicIp": public});
    }
    let mut record = json!({"NetworkInterfaceId": id, "VpcId": "vpc-1", "SubnetId": subnet, "Status": "in-use",
        "PrivateIpAddresses": [address], "Groups": [{"GroupId": group}]});
    if let Some(instance) = instance {
        record["Attachment"] = json!({"InstanceId": instance, "Status": "attached", "DeviceIndex": 0});
    }
    record
}
