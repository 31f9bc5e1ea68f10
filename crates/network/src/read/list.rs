//! The lists of answers: under which key, of which call, for which kind of assets.

use super::draft::Draft;
use super::record::{ReadError, Record, same};
use super::{acl, balancer, endpoint, firewall, gateway, group, owner, route, transit, vpc, vpn};
use yagura_model::Map;

type Read = fn(&mut Draft, &Record<'_>) -> Result<(), ReadError>;

/// One list.
pub(super) struct List {
    /// Its key in the answer.
    pub key: &'static str,
    /// The call that answers it; empty where another call's answer is only told in another form.
    pub call: &'static str,
    /// The kind of a snapshot's assets that are the same records; empty where none is.
    pub kind: &'static str,
    /// Other services use the key too: only records with this member are of the list. Empty: the key is enough.
    pub mark: &'static str,
    pub read: Read,
}

const fn list(key: &'static str, call: &'static str, kind: &'static str, read: Read) -> List {
    List { key, call, kind, mark: "", read }
}

const fn marked(mark: &'static str, list: List) -> List {
    List { mark, ..list }
}

/// Every list that is read. Where several have one key, the first whose mark a record bears is its own.
pub(super) const LISTS: &[List] = &[
    list("Vpcs", "DescribeVpcs", "ec2.vpc", vpc::vpc),
    list("Subnets", "DescribeSubnets", "ec2.subnet", vpc::subnet),
    list("SharedVpcs", "DescribeVpcs", "ec2.shared_vpc", vpc::vpc),
    list("SharedSubnets", "DescribeSubnets", "ec2.shared_subnet", vpc::subnet),
    list("SharedSecurityGroups", "DescribeSecurityGroups", "ec2.shared_security_group", group::group),
    list("NetworkInterfaces", "DescribeNetworkInterfaces", "ec2.network_interface", vpc::interface),
    list("Reservations", "DescribeInstances", "", vpc::reservation),
    marked("InstanceId", list("Instances", "DescribeInstances", "ec2.instance", vpc::instance)),
    marked("PublicIp", list("Addresses", "", "", vpc::elastic_address)),
    list(
        "VpcBlockPublicAccessOptions",
        "DescribeVpcBlockPublicAccessOptions",
        "ec2.vpc_block_public_access_options",
        vpc::block_public_access,
    ),
    list(
        "VpcBlockPublicAccessExclusions",
        "DescribeVpcBlockPublicAccessExclusions",
        "ec2.vpc_block_public_access_exclusion",
        vpc::exclusion,
    ),
    list("SecurityGroups", "DescribeSecurityGroups", "ec2.security_group", group::group),
    list("SecurityGroupRules", "", "ec2.security_group_rule", group::rule),
    list("NetworkAcls", "DescribeNetworkAcls", "ec2.network_acl", acl::acl),
    list("RouteTables", "DescribeRouteTables", "ec2.route_table", route::route_table),
    marked("Cidrs", list("PrefixLists", "DescribePrefixLists", "", route::prefix_list)),
    list("PrefixLists", "DescribeManagedPrefixLists", "ec2.managed_prefix_list", route::prefix_list),
    list("ManagedPrefixLists", "DescribeManagedPrefixLists", "", route::prefix_list),
    list("ManagedPrefixListEntries", "GetManagedPrefixListEntries", "", route::prefix_list),
    list("PrefixListEntries", "GetManagedPrefixListEntries", "", route::prefix_list),
    list("InternetGateways", "DescribeInternetGateways", "ec2.internet_gateway", gateway::internet_gateway),
    list(
        "EgressOnlyInternetGateways",
        "DescribeEgressOnlyInternetGateways",
        "ec2.egress_only_internet_gateway",
        gateway::egress_only,
    ),
    list("NatGateways", "DescribeNatGateways", "ec2.nat_gateway", gateway::nat_gateway),
    list("VpcPeeringConnections", "DescribeVpcPeeringConnections", "ec2.vpc_peering_connection", gateway::peering),
    list("TransitGateways", "DescribeTransitGateways", "ec2.transit_gateway", transit::transit_gateway),
    list(
        "TransitGatewayAttachments",
        "DescribeTransitGatewayAttachments",
        "ec2.transit_gateway_attachment",
        transit::attachment,
    ),
    list(
        "TransitGatewayVpcAttachments",
        "DescribeTransitGatewayVpcAttachments",
        "ec2.transit_gateway_vpc_attachment",
        transit::vpc_attachment,
    ),
    list("TransitGatewayPeeringAttachments", "", "ec2.transit_gateway_peering_attachment", transit::peering_attachment),
    list(
        "TransitGatewayRouteTables",
        "DescribeTransitGatewayRouteTables",
        "ec2.transit_gateway_route_table",
        transit::route_table,
    ),
    list("TransitGatewayStaticRoutes", "SearchTransitGatewayRoutes", "", transit::route_table),
    list("TransitGatewayRoutes", "SearchTransitGatewayRoutes", "", transit::route_table),
    list("TransitGatewayPropagations", "GetTransitGatewayRouteTablePropagations", "", transit::route_table),
    list("VpnGateways", "DescribeVpnGateways", "ec2.vpn_gateway", vpn::vpn_gateway),
    list("VpnConnections", "DescribeVpnConnections", "ec2.vpn_connection", vpn::vpn_connection),
    list(
        "VirtualInterfaces",
        "directconnect:DescribeVirtualInterfaces",
        "directconnect.virtual_interface",
        vpn::virtual_interface,
    ),
    list(
        "DirectConnectGatewayAssociations",
        "directconnect:DescribeDirectConnectGatewayAssociations",
        "directconnect.gateway_association",
        vpn::direct_connect_association,
    ),
    list("VpcEndpoints", "DescribeVpcEndpoints", "ec2.vpc_endpoint", endpoint::endpoint),
    marked(
        "ServiceId",
        list(
            "ServiceConfigurations",
            "DescribeVpcEndpointServiceConfigurations",
            "ec2.vpc_endpoint_service",
            endpoint::endpoint_service,
        ),
    ),
    marked(
        "LoadBalancerArn",
        list(
            "LoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elbv2.load_balancer",
            balancer::load_balancer,
        ),
    ),
    marked(
        "LoadBalancerArn",
        list("LoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancerAttributes", "", balancer::attributes),
    ),
    marked(
        "LoadBalancerArn",
        list("Listeners", "elasticloadbalancing:DescribeListeners", "elbv2.listener", balancer::listener),
    ),
    list("LoadBalancerListeners", "elasticloadbalancing:DescribeListeners", "", balancer::listener),
    marked("RuleArn", list("Rules", "elasticloadbalancing:DescribeRules", "elbv2.rule", balancer::rule)),
    marked("RuleArn", list("LoadBalancerListenerRules", "elasticloadbalancing:DescribeRules", "", balancer::rule)),
    marked(
        "TargetGroupArn",
        list("TargetGroups", "elasticloadbalancing:DescribeTargetGroups", "elbv2.target_group", balancer::target_group),
    ),
    marked("TargetGroupArn", list("TargetGroupAttributes", "", "", balancer::group_attributes)),
    list("LoadBalancerTargetHealth", "elasticloadbalancing:DescribeTargetHealth", "", balancer::target_health),
    list("TargetHealth", "elasticloadbalancing:DescribeTargetHealth", "", balancer::target_health),
    list("LoadBalancerDescriptions", "elb:DescribeLoadBalancers", "elb.load_balancer", balancer::classic),
    marked(
        "Firewall",
        list("Firewalls", "network-firewall:DescribeFirewall", "network-firewall.firewall", firewall::firewall),
    ),
    marked(
        "FirewallPolicy",
        list(
            "FirewallPolicies",
            "network-firewall:DescribeFirewallPolicy",
            "network-firewall.firewall_policy",
            firewall::policy,
        ),
    ),
    marked(
        "RuleGroup",
        list("RuleGroups", "network-firewall:DescribeRuleGroup", "network-firewall.rule_group", firewall::group),
    ),
    list("DBInstances", "rds:DescribeDBInstances", "rds.db_instance", owner::database),
    marked("FunctionArn", list("Functions", "lambda:ListFunctions", "lambda.function", owner::function)),
    marked("taskArn", list("tasks", "ecs:DescribeTasks", "ecs.task", owner::task)),
    marked("resourcesVpcConfig", list("cluster", "eks:DescribeCluster", "eks.cluster", owner::cluster)),
    marked("resourcesVpcConfig", list("Clusters", "eks:DescribeCluster", "", owner::cluster)),
    marked("ClusterIdentifier", list("Clusters", "redshift:DescribeClusters", "redshift.cluster", owner::warehouse)),
    list(
        "ClusterSubnetGroups",
        "redshift:DescribeClusterSubnetGroups",
        "redshift.cluster_subnet_group",
        owner::warehouse_subnets,
    ),
    list("CacheClusters", "elasticache:DescribeCacheClusters", "elasticache.cluster", owner::cache),
    list(
        "CacheSubnetGroups",
        "elasticache:DescribeCacheSubnetGroups",
        "elasticache.subnet_group",
        owner::cache_subnets,
    ),
    marked("ARN", list("DomainStatusList", "es:DescribeDomains", "opensearch.domain", owner::domain)),
];

/// The list of which a whole answer is one record (`DescribeFirewall` and its like).
pub(super) fn of_whole(answer: &Map) -> Option<&'static List> {
    const WHOLE: [(&str, &str); 3] = [
        ("FirewallStatus", "Firewalls"),
        ("FirewallPolicyResponse", "FirewallPolicies"),
        ("RuleGroupResponse", "RuleGroups"),
    ];
    let (_, key) = WHOLE.iter().find(|(member, _)| answer.get(member).is_some())?;
    LISTS.iter().find(|l| l.key == *key && answer.get(l.mark).is_some())
}

/// The lists with this key, in whatever case.
pub(super) fn of_key(key: &str) -> impl Iterator<Item = &'static List> {
    LISTS.iter().filter(move |l| same(l.key, key))
}
