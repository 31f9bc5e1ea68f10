//! The small estate's networks: one VPC in each Region with one instance, open to the internet in `eu-west-1` and without a public
//! address in `us-east-1`, and one of everything else, so that every call of the network kinds has an answer.

use crate::answer::Reply;
use crate::estate::Estate;
use serde_json::json;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";

pub(crate) fn estate(estate: Estate) -> Estate {
    let estate = others(firewalls(balancers(gateways(elsewhere(estate)))));
    vpc(vpc(estate, US, "us", ""), EU, "eu", "<association><publicIp>203.0.113.7</publicIp></association>")
}

fn xml(members: impl Into<String>) -> Reply {
    Reply::Xml(members.into())
}

/// Listings of every Region where there is nothing.
fn elsewhere(estate: Estate) -> Estate {
    let ec2 = [
        ("DescribeSubnets", "subnetSet"),
        ("DescribeNetworkInterfaces", "networkInterfaceSet"),
        ("DescribeInstances", "reservationSet"),
        ("DescribeNetworkAcls", "networkAclSet"),
        ("DescribeRouteTables", "routeTableSet"),
        ("DescribeInternetGateways", "internetGatewaySet"),
        ("DescribeEgressOnlyInternetGateways", "egressOnlyInternetGatewaySet"),
        ("DescribeNatGateways", "natGatewaySet"),
        ("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet"),
        ("DescribeTransitGateways", "transitGatewaySet"),
        ("DescribeTransitGatewayAttachments", "transitGatewayAttachments"),
        ("DescribeTransitGatewayVpcAttachments", "transitGatewayVpcAttachments"),
        ("DescribeTransitGatewayPeeringAttachments", "transitGatewayPeeringAttachments"),
        ("DescribeTransitGatewayRouteTables", "transitGatewayRouteTables"),
        ("SearchTransitGatewayRoutes", "routeSet"),
        ("GetTransitGatewayRouteTablePropagations", "transitGatewayRouteTablePropagations"),
        ("DescribeVpnGateways", "vpnGatewaySet"),
        ("DescribeVpnConnections", "vpnConnectionSet"),
        ("DescribeVpcEndpoints", "vpcEndpointSet"),
        ("DescribeVpcEndpointServiceConfigurations", "serviceConfigurationSet"),
        ("DescribeManagedPrefixLists", "prefixListSet"),
        ("GetManagedPrefixListEntries", "entrySet"),
        ("DescribeVpcBlockPublicAccessExclusions", "vpcBlockPublicAccessExclusionSet"),
    ];
    let query = [
        ("elbv2:DescribeLoadBalancers", "LoadBalancers"),
        ("elbv2:DescribeLoadBalancerAttributes", "Attributes"),
        ("elbv2:DescribeListeners", "Listeners"),
        ("elbv2:DescribeRules", "Rules"),
        ("elbv2:DescribeTargetGroups", "TargetGroups"),
        ("elbv2:DescribeTargetGroupAttributes", "Attributes"),
        ("elbv2:DescribeTargetHealth", "TargetHealthDescriptions"),
        ("elb:DescribeLoadBalancers", "LoadBalancerDescriptions"),
        ("elb:DescribeLoadBalancerAttributes", "LoadBalancerAttributes"),
        ("elb:DescribeInstanceHealth", "InstanceStates"),
        ("rds:DescribeDBInstances", "DBInstances"),
    ];
    let open = "<vpcBlockPublicAccessOptions><internetGatewayBlockMode>off</internetGatewayBlockMode></vpcBlockPublicAccessOptions>";
    let estate = ec2.iter().fold(estate, |e, (call, list)| e.with(&format!("ec2:{call}"), xml(format!("<{list}/>"))));
    query
        .iter()
        .fold(estate, |e, (call, list)| e.with(call, xml(format!("<{list}/>"))))
        .with("ec2:DescribeVpcBlockPublicAccessOptions", xml(open))
        .with("network-firewall:ListFirewalls", Reply::Json(json!({"Firewalls": []})))
        .with("network-firewall:ListFirewallPolicies", Reply::Json(json!({"FirewallPolicies": []})))
        .with("network-firewall:ListRuleGroups", Reply::Json(json!({"RuleGroups": []})))
}

/// A VPC with a public subnet and an instance in it, whose interface has this association.
fn vpc(estate: Estate, region: &str, name: &str, association: &str) -> Estate {
    let entry = |egress: bool| {
        format!(
            "<item><ruleNumber>100</ruleNumber><egress>{egress}</egress><protocol>-1</protocol><ruleAction>allow</ruleAction><cidrBlock>0.0.0.0/0</cidrBlock></item>"
        )
    };
    let route = |cidr: &str, gateway: &str| {
        format!(
            "<item><destinationCidrBlock>{cidr}</destinationCidrBlock><gatewayId>{gateway}</gatewayId><state>active</state></item>"
        )
    };
    let owner = "<ownerId>111122223333</ownerId>";
    let at = format!("<vpcId>vpc-0{name}</vpcId>{owner}");
    let interface = |id: &str, last: u8, owner: &str| {
        format!(
            "<item><networkInterfaceId>{id}{name}</networkInterfaceId><subnetId>subnet-0{name}</subnetId>{at}<status>in-use</status>\
             <sourceDestCheck>true</sourceDestCheck><groupSet><item><groupId>sg-0{name}</groupId></item></groupSet>{owner}\
             <privateIpAddressesSet><item><privateIpAddress>10.0.0.{last}</privateIpAddress><primary>true</primary>{association}</item>\
             </privateIpAddressesSet></item>"
        )
    };
    let instance = format!("<attachment><instanceId>i-0{name}</instanceId><status>attached</status></attachment>");
    let database = "<description>RDSNetworkInterface</description>";
    let interfaces = interface("eni-0", 5, &instance) + &interface("eni-1", 9, database);
    let answers = [
        (
            "DescribeSubnets",
            format!(
                "<subnetSet><item><subnetId>subnet-0{name}</subnetId>{at}<cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet>"
            ),
        ),
        (
            "DescribeNetworkAcls",
            format!(
                "<networkAclSet><item><networkAclId>acl-0{name}</networkAclId>{at}<default>true</default><entrySet>{}{}</entrySet>\
                 <associationSet><item><subnetId>subnet-0{name}</subnetId></item></associationSet></item></networkAclSet>",
                entry(true),
                entry(false)
            ),
        ),
        (
            "DescribeRouteTables",
            format!(
                "<routeTableSet><item><routeTableId>rtb-0{name}</routeTableId>{at}<routeSet>{}{}</routeSet><associationSet><item><main>true</main></item>\
                 </associationSet></item></routeTableSet>",
                route("10.0.0.0/16", "local"),
                route("0.0.0.0/0", &format!("igw-0{name}"))
            ),
        ),
        (
            "DescribeInternetGateways",
            format!(
                "<internetGatewaySet><item><internetGatewayId>igw-0{name}</internetGatewayId>{owner}<attachmentSet><item><vpcId>vpc-0{name}</vpcId>\
                 <state>available</state></item></attachmentSet></item></internetGatewaySet>"
            ),
        ),
        ("DescribeNetworkInterfaces", format!("<networkInterfaceSet>{interfaces}</networkInterfaceSet>")),
        (
            "DescribeInstances",
            format!(
                "<reservationSet><item>{owner}<instancesSet><item><instanceId>i-0{name}</instanceId><instanceState><code>16</code><name>running</name>\
                 </instanceState><vpcId>vpc-0{name}</vpcId><subnetId>subnet-0{name}</subnetId></item></instancesSet></item></reservationSet>"
            ),
        ),
    ];
    answers.into_iter().fold(estate, |e, (call, text)| e.with_in(region, &format!("ec2:{call}"), xml(text)))
}

/// What needs calls of its own: a transit gateway's route table and a prefix list.
fn gateways(estate: Estate) -> Estate {
    let table = "<transitGatewayRouteTables><item><transitGatewayRouteTableId>tgw-rtb-0us</transitGatewayRouteTableId>\
        <transitGatewayId>tgw-0us</transitGatewayId><state>available</state></item></transitGatewayRouteTables>";
    let list = "<prefixListSet><item><prefixListId>pl-0us</prefixListId><prefixListName>office</prefixListName><ownerId>111122223333</ownerId></item></prefixListSet>";
    estate.with_in(US, "ec2:DescribeTransitGatewayRouteTables", xml(table)).with_in(
        US,
        "ec2:DescribeManagedPrefixLists",
        xml(list),
    )
}

/// A load balancer of each generation.
fn balancers(estate: Estate) -> Estate {
    let arn = |what: &str| format!("arn:aws:elasticloadbalancing:us-east-1:111122223333:{what}");
    let (balancer, listener, group) = (arn("loadbalancer/app/a/1"), arn("listener/app/a/1/2"), arn("targetgroup/t/3"));
    estate
        .with_in(
            US,
            "elbv2:DescribeLoadBalancers",
            xml(format!(
                "<LoadBalancers><member><LoadBalancerArn>{balancer}</LoadBalancerArn><LoadBalancerName>a</LoadBalancerName><Scheme>internal</Scheme>\
                 <Type>application</Type><VpcId>vpc-0us</VpcId><State><Code>active</Code></State></member></LoadBalancers>"
            )),
        )
        .with_in(
            US,
            "elbv2:DescribeListeners",
            xml(format!(
                "<Listeners><member><ListenerArn>{listener}</ListenerArn><LoadBalancerArn>{balancer}</LoadBalancerArn><Port>80</Port><Protocol>HTTP</Protocol>\
                 <DefaultActions><member><Type>forward</Type><TargetGroupArn>{group}</TargetGroupArn></member></DefaultActions></member></Listeners>"
            )),
        )
        .with_in(
            US,
            "elbv2:DescribeTargetGroups",
            xml(format!(
                "<TargetGroups><member><TargetGroupArn>{group}</TargetGroupArn><TargetGroupName>t</TargetGroupName><Protocol>HTTP</Protocol><Port>80</Port>\
                 <TargetType>instance</TargetType></member></TargetGroups>"
            )),
        )
        .with_in(
            US,
            "elb:DescribeLoadBalancers",
            xml("<LoadBalancerDescriptions><member><LoadBalancerName>old</LoadBalancerName><Scheme>internal</Scheme><VPCId>vpc-0us</VPCId></member></LoadBalancerDescriptions>"),
        )
}

/// A firewall that passes everything.
fn firewalls(estate: Estate) -> Estate {
    let arn = |what: &str| format!("arn:aws:network-firewall:us-east-1:111122223333:{what}");
    let policy = json!({"StatelessDefaultActions": ["aws:pass"], "StatelessFragmentDefaultActions": ["aws:pass"]});
    let (firewall, of_policy, group) = (arn("firewall/f"), arn("firewall-policy/p"), arn("stateless-rulegroup/g"));
    let rules = json!({"RulesSource": {"StatelessRulesAndCustomActions": {"StatelessRules": []}}});
    estate
        .with_in(US, "network-firewall:ListFirewalls", Reply::Json(json!({"Firewalls": [{"FirewallName": "f", "FirewallArn": firewall}]})))
        .with_in(US, "network-firewall:ListFirewallPolicies", Reply::Json(json!({"FirewallPolicies": [{"Name": "p", "Arn": of_policy}]})))
        .with_in(US, "network-firewall:ListRuleGroups", Reply::Json(json!({"RuleGroups": [{"Name": "g", "Arn": group}]})))
        .with(
            "network-firewall:DescribeFirewall",
            Reply::Json(json!({
                "Firewall": {"FirewallName": "f", "FirewallArn": firewall, "FirewallPolicyArn": of_policy, "VpcId": "vpc-0us", "SubnetMappings": [], "FirewallId": "f"},
                "FirewallStatus": {"Status": "READY", "ConfigurationSyncStateSummary": "IN_SYNC", "SyncStates": {}}
            })),
        )
        .with(
            "network-firewall:DescribeFirewallPolicy",
            Reply::Json(json!({"UpdateToken": "t", "FirewallPolicy": policy, "FirewallPolicyResponse": {"FirewallPolicyName": "p", "FirewallPolicyArn": of_policy, "FirewallPolicyId": "p"}})),
        )
        .with(
            "network-firewall:DescribeRuleGroup",
            Reply::Json(json!({"UpdateToken": "t", "RuleGroup": rules, "RuleGroupResponse": {"RuleGroupName": "g", "RuleGroupArn": group, "RuleGroupId": "g"}})),
        )
}

/// A database that is closed, and one that is public by its setting.
fn others(estate: Estate) -> Estate {
    let database = |name: &str, region: &str, public: bool| {
        let place = region.get(..2).unwrap_or_default();
        xml(format!(
            "<DBInstances><DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceArn>arn:aws:rds:{region}:111122223333:db:{name}</DBInstanceArn>\
             <PubliclyAccessible>{public}</PubliclyAccessible><Endpoint><Port>3306</Port></Endpoint><DBSubnetGroup><VpcId>vpc-0{place}</VpcId><Subnets><Subnet>\
             <SubnetIdentifier>subnet-0{place}</SubnetIdentifier></Subnet></Subnets></DBSubnetGroup><VpcSecurityGroups><VpcSecurityGroupMembership>\
             <VpcSecurityGroupId>sg-0{place}</VpcSecurityGroupId></VpcSecurityGroupMembership></VpcSecurityGroups></DBInstance></DBInstances>"
        ))
    };
    estate.with_in(US, "rds:DescribeDBInstances", database("inner", US, false)).with_in(
        EU,
        "rds:DescribeDBInstances",
        database("outer", EU, true),
    )
}
