//! The networks of the small estate. The VPC of us-east-1 lies open to the internet in one subnet and has every other way
//! out in the other; what is in the VPC of eu-west-1 stands behind a firewall, which keeps SSH out.

mod ways;

use crate::answer::Reply;
use crate::estate::Estate;
use crate::small::{EU, US, xml};
use serde_json::{Value, json};

/// The members of an answer as XML; what a list holds is named `item`.
fn members(value: &Value, item: &str) -> String {
    match value {
        Value::Object(all) => all.iter().map(|(n, v)| format!("<{n}>{}</{n}>", members(v, item))).collect(),
        Value::Array(all) => all.iter().map(|v| format!("<{item}>{}</{item}>", members(v, item))).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
        other => other.to_string(),
    }
}

fn ec2(answer: &Value) -> Reply {
    Reply::Xml(members(answer, "item"))
}

fn query(answer: &Value) -> Reply {
    Reply::Xml(members(answer, "member"))
}

/// The listings of Regions where there is nothing of a network.
const EMPTY: [(&str, &str); 25] = [
    ("ec2:DescribeEgressOnlyInternetGateways", "<egressOnlyInternetGatewaySet/>"),
    ("ec2:DescribeInstances", "<reservationSet/>"),
    ("ec2:DescribeInternetGateways", "<internetGatewaySet/>"),
    ("ec2:DescribeManagedPrefixLists", "<prefixListSet/>"),
    ("ec2:DescribeNatGateways", "<natGatewaySet/>"),
    ("ec2:DescribeNetworkAcls", "<networkAclSet/>"),
    ("ec2:DescribeNetworkInterfaces", "<networkInterfaceSet/>"),
    ("ec2:DescribeRouteTables", "<routeTableSet/>"),
    ("ec2:DescribeSecurityGroups", "<securityGroupInfo/>"),
    ("ec2:DescribeSubnets", "<subnetSet/>"),
    ("ec2:DescribeTransitGatewayAttachments", "<transitGatewayAttachments/>"),
    ("ec2:DescribeTransitGatewayPeeringAttachments", "<transitGatewayPeeringAttachments/>"),
    ("ec2:DescribeTransitGatewayRouteTables", "<transitGatewayRouteTables/>"),
    ("ec2:DescribeTransitGatewayVpcAttachments", "<transitGatewayVpcAttachments/>"),
    ("ec2:DescribeTransitGateways", "<transitGatewaySet/>"),
    ("ec2:DescribeVpcBlockPublicAccessExclusions", "<vpcBlockPublicAccessExclusionSet/>"),
    ("ec2:DescribeVpcEndpointServiceConfigurations", "<serviceConfigurationSet/>"),
    ("ec2:DescribeVpcEndpoints", "<vpcEndpointSet/>"),
    ("ec2:DescribeVpcPeeringConnections", "<vpcPeeringConnectionSet/>"),
    ("ec2:DescribeVpcs", "<vpcSet/>"),
    ("ec2:DescribeVpnConnections", "<vpnConnectionSet/>"),
    ("ec2:DescribeVpnGateways", "<vpnGatewaySet/>"),
    ("elb:DescribeLoadBalancers", "<LoadBalancerDescriptions/>"),
    ("elbv2:DescribeLoadBalancers", "<LoadBalancers/>"),
    ("elbv2:DescribeTargetGroups", "<TargetGroups/>"),
];

pub(crate) fn elsewhere(estate: Estate) -> Estate {
    let estate = EMPTY.into_iter().fold(estate, |estate, (call, members)| estate.with(call, xml(members)));
    estate
        .with("rds:DescribeDBInstances", xml("<DBInstances/>"))
        .with("network-firewall:ListFirewalls", Reply::Json(json!({"Firewalls": []})))
        .with("network-firewall:ListFirewallPolicies", Reply::Json(json!({"FirewallPolicies": []})))
        .with("network-firewall:ListRuleGroups", Reply::Json(json!({"RuleGroups": []})))
        .with(
            "ec2:DescribeVpcBlockPublicAccessOptions",
            ec2(&json!({"vpcBlockPublicAccessOptions": {
                "awsAccountId": OWNER, "state": "default-state", "internetGatewayBlockMode": "off", "exclusionsAllowed": "allowed"}})),
        )
}

const OWNER: &str = "111122223333";

/// One rule of a group: TCP to a port, or everything where there is none.
fn rule(port: Option<u16>, cidr: &str) -> Value {
    let ranges = json!([{"cidrIp": cidr}]);
    match port {
        Some(port) => json!({"ipProtocol": "tcp", "fromPort": port, "toPort": port, "ipRanges": ranges}),
        None => json!({"ipProtocol": "-1", "ipRanges": ranges}),
    }
}

fn group(id: &str, name: &str, vpc: &str, ingress: &[Value]) -> Value {
    json!({"ownerId": OWNER, "groupId": id, "groupName": name, "vpcId": vpc, "ipPermissions": ingress, "ipPermissionsEgress": []})
}

fn vpc(id: &str, cidr: &str) -> Reply {
    ec2(&json!({"vpcSet": [{"vpcId": id, "ownerId": OWNER, "state": "available", "isDefault": true, "cidrBlock": cidr,
        "cidrBlockAssociationSet": [{"cidrBlock": cidr, "cidrBlockState": {"state": "associated"}}]}]}))
}

fn subnet(id: &str, vpc: &str, cidr: &str) -> Value {
    json!({"subnetId": id, "vpcId": vpc, "ownerId": OWNER, "cidrBlock": cidr, "state": "available", "availabilityZone": "one"})
}

/// The ACL of a new VPC: it lets everything through.
fn open_acl(id: &str, vpc: &str) -> Reply {
    let entry = |number: u32, action: &str, egress: bool| json!({"ruleNumber": number, "ruleAction": action, "egress": egress, "protocol": "-1", "cidrBlock": "0.0.0.0/0"});
    let entries = [false, true].map(|egress| [entry(100, "allow", egress), entry(32767, "deny", egress)]).concat();
    ec2(
        &json!({"networkAclSet": [{"networkAclId": id, "vpcId": vpc, "ownerId": OWNER, "default": true, "entrySet": entries, "associationSet": []}]}),
    )
}

fn internet_gateway(id: &str, vpc: &str) -> Reply {
    ec2(
        &json!({"internetGatewaySet": [{"internetGatewayId": id, "ownerId": OWNER, "attachmentSet": [{"vpcId": vpc, "state": "available"}]}]}),
    )
}

/// A route table for one subnet or gateway (`{"main": true}`: for the rest), with routes of destination, target's member, target.
fn routes(id: &str, vpc: &str, of: &Value, routes: &[(&str, &str, &str)]) -> Value {
    let routes: Vec<Value> = routes
        .iter()
        .map(|(to, member, target)| json!({"destinationCidrBlock": to, *member: target, "state": "active", "origin": "CreateRoute"}))
        .collect();
    json!({"routeTableId": id, "vpcId": vpc, "ownerId": OWNER, "associationSet": [of], "routeSet": routes})
}

/// A network interface: id, VPC and subnet, private and public address, group, the instance that it is attached to.
struct Interface<'a>(&'a str, [&'a str; 2], &'a str, Option<&'a str>, &'a str, Option<&'a str>);

impl Interface<'_> {
    fn told(&self) -> Value {
        let Self(id, [vpc, subnet], private, public, group, instance) = self;
        let mut address = json!({"privateIpAddress": private, "primary": true});
        let mut attachment = json!({"status": "attached"});
        if let (Some(public), Some(members)) = (public, address.as_object_mut()) {
            members.insert("association".to_owned(), json!({"publicIp": public}));
        }
        if let (Some(instance), Some(members)) = (instance, attachment.as_object_mut()) {
            members.insert("instanceId".to_owned(), json!(instance));
        }
        json!({"networkInterfaceId": id, "vpcId": vpc, "subnetId": subnet, "ownerId": OWNER, "privateIpAddress": private,
            "privateIpAddressesSet": [address], "groupSet": [{"groupId": group}], "status": "in-use", "sourceDestCheck": true,
            "interfaceType": "interface", "attachment": attachment})
    }
}

fn interfaces(all: &[Interface<'_>]) -> Reply {
    ec2(&json!({"networkInterfaceSet": all.iter().map(Interface::told).collect::<Vec<_>>()}))
}

fn instances(ids: &[&str]) -> Reply {
    let instance = |id: &&str| json!({"instanceId": id, "instanceState": {"code": 16, "name": "running"}});
    ec2(&json!({"reservationSet": [{"instancesSet": ids.iter().map(instance).collect::<Vec<_>>()}]}))
}

/// A PostgreSQL database.
fn database(name: &str, region: &str, public: bool, group: &str, [vpc, subnet]: [&str; 2]) -> Reply {
    let arn = format!("arn:aws:rds:{region}:{OWNER}:db:{name}");
    Reply::Xml(format!(
        "<DBInstances><DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceArn>{arn}</DBInstanceArn>\
         <DBInstanceStatus>available</DBInstanceStatus><Endpoint><Address>{name}.example</Address><Port>5432</Port></Endpoint>\
         <PubliclyAccessible>{public}</PubliclyAccessible><VpcSecurityGroups><VpcSecurityGroupMembership>\
         <VpcSecurityGroupId>{group}</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
         <DBSubnetGroup><VpcId>{vpc}</VpcId><Subnets><Subnet><SubnetIdentifier>{subnet}</SubnetIdentifier></Subnet></Subnets>\
         </DBSubnetGroup></DBInstance></DBInstances>"
    ))
}

/// Two VPCs with what is in them.
pub(crate) fn estate(estate: Estate) -> Estate {
    let estate = guarded(ways::ways_out(open(estate)));
    ways::balancers(estate).with_in(
        US,
        "ec2:DescribeFlowLogs",
        xml("<flowLogSet><item><flowLogId>fl-0us</flowLogId><flowLogStatus>ACTIVE</flowLogStatus><resourceId>vpc-0us</resourceId>\
             <trafficType>ALL</trafficType><deliverLogsStatus>SUCCESS</deliverLogsStatus></item></flowLogSet>"),
    )
}

/// us-east-1: `i-0open` is open to everyone, `i-0office` to the addresses of a prefix list; `i-0inner` and the database
/// `shop` have no public address, though the group of `i-0inner` lets everyone in.
fn open(estate: Estate) -> Estate {
    const PUBLIC: [&str; 2] = ["vpc-0us", "subnet-0public"];
    const PRIVATE: [&str; 2] = ["vpc-0us", "subnet-0private"];
    let everyone = |port: u16| rule(Some(port), "0.0.0.0/0");
    let office = |port: u16| json!({"ipProtocol": "tcp", "fromPort": port, "toPort": port, "prefixListIds": [{"prefixListId": "pl-0office"}]});
    let groups = [
        group("sg-0us", "default", "vpc-0us", &[]),
        group("sg-0open", "open", "vpc-0us", &[everyone(22), everyone(3306)]),
        group("sg-0office", "office", "vpc-0us", &[office(22), office(3306)]),
        group("sg-0inner", "inner", "vpc-0us", &[everyone(22), rule(Some(5432), "10.0.0.0/16")]),
    ];
    estate
        .with_in(US, "ec2:DescribeVpcs", vpc("vpc-0us", "10.0.0.0/16"))
        .with_in(
            US,
            "ec2:DescribeSubnets",
            ec2(&json!({"subnetSet": [subnet("subnet-0public", "vpc-0us", "10.0.0.0/24"), subnet("subnet-0private", "vpc-0us", "10.0.1.0/24")]})),
        )
        .with_in(US, "ec2:DescribeNetworkAcls", open_acl("acl-0us", "vpc-0us"))
        .with_in(US, "ec2:DescribeInternetGateways", internet_gateway("igw-0us", "vpc-0us"))
        .with_in(US, "ec2:DescribeSecurityGroups", ec2(&json!({"securityGroupInfo": groups})))
        .with_in_for(US, "default", "ec2:DescribeSecurityGroups", ec2(&json!({"securityGroupInfo": groups.get(..1)})))
        .with_in(US, "ec2:DescribeInstances", instances(&["i-0open", "i-0office", "i-0inner"]))
        .with_in(
            US,
            "ec2:DescribeNetworkInterfaces",
            interfaces(&[
                Interface("eni-0open", PUBLIC, "10.0.0.5", Some("203.0.113.5"), "sg-0open", Some("i-0open")),
                Interface("eni-0office", PUBLIC, "10.0.0.6", Some("203.0.113.6"), "sg-0office", Some("i-0office")),
                Interface("eni-0nat", PUBLIC, "10.0.0.7", Some("203.0.113.7"), "sg-0us", None),
                Interface("eni-0inner", PRIVATE, "10.0.1.5", None, "sg-0inner", Some("i-0inner")),
                Interface("eni-0shop", PRIVATE, "10.0.1.6", None, "sg-0inner", None),
            ]),
        )
        .with_in(US, "rds:DescribeDBInstances", database("shop", US, false, "sg-0inner", PRIVATE))
        .with_in(
            US,
            "ec2:DescribeManagedPrefixLists",
            ec2(&json!({"prefixListSet": [{"prefixListId": "pl-0office", "prefixListName": "office", "addressFamily": "IPv4", "state": "create-complete",
                "prefixListArn": "arn:aws:ec2:us-east-1:111122223333:prefix-list/pl-0office", "ownerId": OWNER}]})),
        )
        .with_in(US, "ec2:GetManagedPrefixListEntries", ec2(&json!({"entrySet": [{"cidr": "198.51.100.0/24"}]})))
}

/// eu-west-1: the internet gateway leads to a firewall's endpoint. The firewall lets PostgreSQL pass and nothing else, so that
/// `i-0guarded` and the database `front` are open at that port only, whatever their group says.
fn guarded(estate: Estate) -> Estate {
    const GUARDED: [&str; 2] = ["vpc-0eu", "subnet-0guarded"];
    const ARN: &str = "arn:aws:network-firewall:eu-west-1:111122223333";
    let everything = [rule(None, "0.0.0.0/0")];
    let groups =
        [group("sg-0eu", "default", "vpc-0eu", &everything), group("sg-0front", "front", "vpc-0eu", &everything)];
    let local = ("10.1.0.0/16", "gatewayId", "local");
    let tables = [
        routes(
            "rtb-0edge",
            "vpc-0eu",
            &json!({"gatewayId": "igw-0eu"}),
            &[local, ("10.1.0.0/24", "gatewayId", "vpce-0gate")],
        ),
        routes(
            "rtb-0guarded",
            "vpc-0eu",
            &json!({"subnetId": "subnet-0guarded"}),
            &[local, ("0.0.0.0/0", "gatewayId", "vpce-0gate")],
        ),
        routes("rtb-0gate", "vpc-0eu", &json!({"main": true}), &[local, ("0.0.0.0/0", "gatewayId", "igw-0eu")]),
    ];
    let (gate, policy, rules) = (
        format!("{ARN}:firewall/gate"),
        format!("{ARN}:firewall-policy/gate"),
        format!("{ARN}:stateful-rulegroup/postgres"),
    );
    estate
        .with_in(EU, "ec2:DescribeVpcs", vpc("vpc-0eu", "10.1.0.0/16"))
        .with_in(
            EU,
            "ec2:DescribeSubnets",
            ec2(&json!({"subnetSet": [subnet("subnet-0guarded", "vpc-0eu", "10.1.0.0/24"), subnet("subnet-0gate", "vpc-0eu", "10.1.1.0/28")]})),
        )
        .with_in(EU, "ec2:DescribeNetworkAcls", open_acl("acl-0eu", "vpc-0eu"))
        .with_in(EU, "ec2:DescribeInternetGateways", internet_gateway("igw-0eu", "vpc-0eu"))
        .with_in(EU, "ec2:DescribeRouteTables", ec2(&json!({"routeTableSet": tables})))
        .with_in(EU, "ec2:DescribeSecurityGroups", ec2(&json!({"securityGroupInfo": groups})))
        .with_in_for(EU, "default", "ec2:DescribeSecurityGroups", ec2(&json!({"securityGroupInfo": groups.get(..1)})))
        .with_in(EU, "ec2:DescribeInstances", instances(&["i-0guarded"]))
        .with_in(
            EU,
            "ec2:DescribeNetworkInterfaces",
            interfaces(&[
                Interface("eni-0guarded", GUARDED, "10.1.0.5", Some("198.51.100.5"), "sg-0front", Some("i-0guarded")),
                Interface("eni-0front", GUARDED, "10.1.0.6", Some("198.51.100.6"), "sg-0front", None),
            ]),
        )
        .with_in(EU, "rds:DescribeDBInstances", database("front", EU, true, "sg-0front", GUARDED))
        .with_in(
            EU,
            "ec2:DescribeVpcEndpoints",
            ec2(&json!({"vpcEndpointSet": [{"vpcEndpointId": "vpce-0gate", "vpcEndpointType": "GatewayLoadBalancer", "vpcId": "vpc-0eu",
                "state": "available", "subnetIdSet": ["subnet-0gate"], "requesterManaged": true}]})),
        )
        .with_in(EU, "network-firewall:ListFirewalls", Reply::Json(json!({"Firewalls": [{"FirewallName": "gate", "FirewallArn": gate}]})))
        .with_in(
            EU,
            "network-firewall:DescribeFirewall",
            Reply::Json(json!({
                "Firewall": {"FirewallName": "gate", "FirewallArn": gate, "FirewallPolicyArn": policy, "VpcId": "vpc-0eu", "FirewallId": "gate",
                    "SubnetMappings": [{"SubnetId": "subnet-0gate"}]},
                "FirewallStatus": {"Status": "READY", "ConfigurationSyncStateSummary": "IN_SYNC", "SyncStates": {
                    "eu-west-1a": {"Attachment": {"SubnetId": "subnet-0gate", "EndpointId": "vpce-0gate", "Status": "READY"}}}},
            })),
        )
        .with_in(EU, "network-firewall:ListFirewallPolicies", Reply::Json(json!({"FirewallPolicies": [{"Name": "gate", "Arn": policy}]})))
        .with_in(
            EU,
            "network-firewall:DescribeFirewallPolicy",
            Reply::Json(json!({
                "FirewallPolicyResponse": {"FirewallPolicyName": "gate", "FirewallPolicyArn": policy, "FirewallPolicyId": "gate"},
                "FirewallPolicy": {
                    "StatelessDefaultActions": ["aws:forward_to_sfe"], "StatelessFragmentDefaultActions": ["aws:forward_to_sfe"],
                    "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"}, "StatefulDefaultActions": ["aws:drop_strict"],
                    "StatefulRuleGroupReferences": [{"ResourceArn": rules, "Priority": 1}]},
            })),
        )
        .with_in(EU, "network-firewall:ListRuleGroups", Reply::Json(json!({"RuleGroups": [{"Name": "postgres", "Arn": rules}]})))
        .with_in(
            EU,
            "network-firewall:DescribeRuleGroup",
            Reply::Json(json!({
                "RuleGroupResponse": {"RuleGroupName": "postgres", "RuleGroupArn": rules, "RuleGroupId": "postgres", "Type": "STATEFUL"},
                "RuleGroup": {"StatefulRuleOptions": {"RuleOrder": "STRICT_ORDER"}, "RulesSource": {"StatefulRules": [{"Action": "PASS",
                    "Header": {"Protocol": "TCP", "Source": "ANY", "SourcePort": "ANY", "Direction": "FORWARD", "Destination": "ANY", "DestinationPort": "5432"},
                    "RuleOptions": [{"Keyword": "sid", "Settings": ["1"]}]}]}},
            })),
        )
}
