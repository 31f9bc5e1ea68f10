//! What a network is read from.

/// What a network consists of: kinds, with a field of each call that tells of them. All are listed per Region.
pub const KINDS: &[(&str, &[&str])] = &[
    ("ec2.vpc", &["VpcId"]),
    ("ec2.subnet", &["SubnetId"]),
    ("ec2.shared_vpc", &["VpcId"]),
    ("ec2.shared_subnet", &["SubnetId"]),
    ("ec2.shared_security_group", &["GroupId"]),
    ("ec2.network_interface", &["NetworkInterfaceId"]),
    ("ec2.instance", &["InstanceId"]),
    ("ec2.security_group", &["GroupId"]),
    ("ec2.network_acl", &["NetworkAclId"]),
    ("ec2.route_table", &["RouteTableId"]),
    ("ec2.internet_gateway", &["InternetGatewayId"]),
    ("ec2.egress_only_internet_gateway", &["EgressOnlyInternetGatewayId"]),
    ("ec2.nat_gateway", &["NatGatewayId"]),
    ("ec2.vpc_peering_connection", &["VpcPeeringConnectionId"]),
    ("ec2.transit_gateway", &["TransitGatewayId"]),
    ("ec2.transit_gateway_attachment", &["TransitGatewayAttachmentId"]),
    ("ec2.transit_gateway_vpc_attachment", &["TransitGatewayAttachmentId"]),
    ("ec2.transit_gateway_peering_attachment", &["TransitGatewayAttachmentId"]),
    ("ec2.transit_gateway_route_table", &["Routes", "TransitGatewayRouteTablePropagations"]),
    ("ec2.vpn_gateway", &["VpnGatewayId"]),
    ("ec2.vpn_connection", &["VpnConnectionId"]),
    ("ec2.vpc_endpoint", &["VpcEndpointId"]),
    ("ec2.vpc_endpoint_service", &["ServiceId"]),
    ("ec2.managed_prefix_list", &["Entries"]),
    ("ec2.vpc_block_public_access_options", &["InternetGatewayBlockMode"]),
    ("ec2.vpc_block_public_access_exclusion", &["ExclusionId"]),
    ("elbv2.load_balancer", &["Attributes"]),
    ("elbv2.listener", &["ListenerArn"]),
    ("elbv2.rule", &["RuleArn"]),
    ("elbv2.target_group", &["Attributes", "TargetHealthDescriptions"]),
    ("elb.load_balancer", &["LoadBalancerAttributes", "InstanceStates"]),
    ("network-firewall.firewall", &["FirewallStatus"]),
    ("network-firewall.firewall_policy", &["FirewallPolicy"]),
    ("network-firewall.rule_group", &["RuleGroup"]),
];

/// What lies beyond a virtual private gateway besides VPN connections: kinds, with a field of each call that tells of them.
pub const OUTSIDE: &[(&str, &[&str])] = &[
    ("directconnect.virtual_interface", &["virtualInterfaceId"]),
    ("directconnect.gateway_association", &["associationId"]),
];

/// What owns network interfaces under a name of its own: kinds, with a field of each call that tells of them.
pub const OWNERS: &[(&str, &[&str])] = &[
    ("rds.db_instance", &["DBInstanceIdentifier"]),
    ("lambda.function", &["FunctionName"]),
    ("ecs.task", &["attachments"]),
    ("eks.cluster", &["resourcesVpcConfig"]),
    ("redshift.cluster", &["ClusterIdentifier"]),
    ("redshift.cluster_subnet_group", &["ClusterSubnetGroupName"]),
    ("elasticache.cluster", &["CacheClusterId"]),
    ("elasticache.subnet_group", &["CacheSubnetGroupName"]),
    ("opensearch.domain", &["VPCOptions"]),
];
