//! Transit gateways, VPNs, endpoints, load balancers, firewalls and owners.

use super::*;

#[test]
fn attachments_are_what_several_calls_tell_together() {
    let estate = read(json!({
        "TransitGateways": [{"TransitGatewayId": "tgw-1", "OwnerId": "444455556666", "State": "available",
            "Options": {"SecurityGroupReferencingSupport": "enable"}}],
        "TransitGatewayAttachments": [
            {"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": "vpc-1",
             "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}},
            {"TransitGatewayAttachmentId": "tgw-attach-2", "TransitGatewayId": "tgw-1", "ResourceType": "tgw-peering",
             "ResourceId": "tgw-2", "State": "available"}],
        "TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1",
            "VpcId": "vpc-1", "State": "available", "SubnetIds": ["subnet-1"]}],
        "TransitGatewayPeeringAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-2", "State": "available",
            "RequesterTgwInfo": {"TransitGatewayId": "tgw-1", "OwnerId": "444455556666", "Region": "eu-west-1"},
            "AccepterTgwInfo": {"TransitGatewayId": "tgw-2", "OwnerId": "444455556666", "Region": "us-east-1"}}],
        "TransitGatewayRouteTables": [
            {"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available"},
            {"TransitGatewayRouteTableId": "tgw-rtb-0", "TransitGatewayId": "tgw-1", "State": "deleted"}],
        "TransitGatewayStaticRoutes": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "AdditionalRoutesAvailable": false, "Routes": [
            {"DestinationCidrBlock": "10.1.0.0/16", "State": "active", "Type": "static",
             "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-1"}]},
            {"DestinationCidrBlock": "10.2.0.0/16", "State": "blackhole", "Type": "propagated"}]}],
        "TransitGatewayPropagations": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayRouteTablePropagations": [
            {"TransitGatewayAttachmentId": "tgw-attach-1", "State": "enabled"},
            {"TransitGatewayAttachmentId": "tgw-attach-2", "State": "disabled"}]}],
    }));
    let [vpc, near, far] = estate.transit_attachments.as_slice() else { panic!("{:?}", estate.transit_attachments) };
    assert_eq!(
        (vpc.route_table.as_deref(), vpc.subnets.as_deref()),
        (Some("tgw-rtb-1"), Some(&["subnet-1".into()][..]))
    );
    assert_eq!((near.kind.as_str(), near.resource.as_str()), ("peering", "tgw-2"));
    assert_eq!(
        (far.transit_gateway.as_str(), far.resource.as_str(), far.home.region.as_str()),
        ("tgw-2", "tgw-1", "us-east-1")
    );
    let [table] = estate.transit_route_tables.as_slice() else { panic!() };
    let routes = table.routes.as_deref().unwrap();
    assert_eq!(
        (routes[0].attachments.as_slice(), routes[1].blackhole, routes[1].propagated),
        (&["tgw-attach-1".into()][..], true, true)
    );
    assert_eq!(table.propagations, ["tgw-attach-1"]);
    assert!(estate.transit_gateways[0].group_references);
}

#[test]
fn routes_that_aws_cut_short_are_not_told() {
    let estate = read(json!({"TransitGatewayRoutes": [{"TransitGatewayRouteTableId": "tgw-rtb-1",
        "AdditionalRoutesAvailable": true, "Routes": [{"DestinationCidrBlock": "10.1.0.0/16"}]}]}));
    assert!(estate.transit_route_tables[0].routes.is_none());
    let gap = estate.gaps.iter().find(|g| g.call == "SearchTransitGatewayRoutes").unwrap();
    assert!(gap.gap.reason == GapReason::NotTold && gap.gap.detail.contains("tgw-rtb-1"), "{gap:?}");
}

#[test]
fn a_vpn_gateway_knows_its_connections_and_direct_connect() {
    let estate = read(json!({
        "VpnGateways": [{"VpnGatewayId": "vgw-1", "VpcAttachments": [{"State": "attached", "VpcId": "vpc-1"}, {"State": "detached", "VpcId": "vpc-2"}]},
            {"VpnGatewayId": "vgw-2"}],
        "VpnConnections": [{"VpnConnectionId": "vpn-1", "VpnGatewayId": "vgw-1", "State": "available",
            "CustomerGatewayConfiguration": "<vpn/>", "Options": {"StaticRoutesOnly": true},
            "Routes": [{"DestinationCidrBlock": "192.168.0.0/16", "State": "available"}, {"DestinationCidrBlock": "192.0.2.0/24", "State": "deleted"}],
            "VgwTelemetry": [{"Status": "UP"}, {"Status": "DOWN"}]}],
        "directConnectGatewayAssociations": [{"directConnectGatewayId": "dx-1", "associationState": "associated", "associatedGateway": {"id": "vgw-1", "type": "virtualPrivateGateway"}}],
        "virtualInterfaces": [{"virtualInterfaceId": "dxvif-1", "virtualInterfaceType": "private", "virtualInterfaceState": "available",
            "directConnectGatewayId": "dx-1", "routeFilterPrefixes": [{"cidr": "172.16.0.0/12"}]}],
    }));
    let [first, second] = estate.vpn_gateways.as_slice() else { panic!() };
    assert_eq!(
        (first.vpcs.as_slice(), first.direct_connect_routes.as_slice()),
        (&["vpc-1".into()][..], &[range("172.16.0.0/12")][..])
    );
    assert!(first.direct_connect && !second.direct_connect);
    let vpn = &estate.vpn_connections[0];
    assert_eq!(
        (vpn.routes.as_slice(), vpn.tunnels.as_slice(), vpn.static_only),
        (&[range("192.168.0.0/16")][..], &[true, false][..], true)
    );
}

#[test]
fn endpoints_services_and_prefix_lists() {
    let estate = read(json!({
        "VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "VpcId": "vpc-1", "ServiceName": "s", "State": "Available",
            "SubnetIds": ["subnet-1"], "NetworkInterfaceIds": ["eni-1"], "Groups": [{"GroupId": "sg-1"}], "PolicyDocument": "{}"}],
        "ServiceConfigurations": [{"ServiceId": "vpce-svc-1", "ServiceName": "com.amazonaws.vpce.x", "NetworkLoadBalancerArns": ["arn:n"]}],
        "PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "com.amazonaws.x", "Cidrs": ["192.0.2.0/24"]},
            {"PrefixListId": "pl-2", "PrefixListName": "office", "OwnerId": "111122223333"}],
        "ManagedPrefixListEntries": [{"PrefixListId": "pl-2", "Entries": [{"Cidr": "198.51.100.0/24"}]}],
    }));
    let endpoint = &estate.endpoints[0];
    assert_eq!((endpoint.state.as_str(), endpoint.interfaces.as_slice()), ("available", &["eni-1".into()][..]));
    assert_eq!(estate.endpoint_services[0].load_balancers, ["arn:n"]);
    let cidrs: Vec<_> = estate.prefix_lists.iter().map(|l| l.cidrs.as_deref().unwrap()).collect();
    assert_eq!(cidrs, [&[range("192.0.2.0/24")][..], &[range("198.51.100.0/24")][..]]);
}

const BALANCER: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/1";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/2";

fn balancer(protocol: &str, target_type: &str, attributes: &serde_json::Value) -> Estate {
    read(json!({
        "LoadBalancers": [{"LoadBalancerArn": BALANCER, "LoadBalancerName": "front", "Type": "network", "Scheme": "internet-facing",
            "VpcId": "vpc-1", "State": {"Code": "active"}, "AvailabilityZones": [{"SubnetId": "subnet-1"}]}],
        "LoadBalancerAttributes": [{"LoadBalancerArn": BALANCER, "Attributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]}],
        "LoadBalancerListeners": [{"LoadBalancerArn": BALANCER, "Listeners": [{"ListenerArn": "l", "Port": 53, "Protocol": protocol,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": GROUP}]}]}],
        "TargetGroups": [{"TargetGroupArn": GROUP, "TargetType": target_type, "Protocol": protocol, "Port": 53}],
        "TargetGroupAttributes": [{"TargetGroupArn": GROUP, "Attributes": attributes}],
        "LoadBalancerTargetHealth": [{"TargetGroupArn": GROUP, "TargetHealthDescriptions": [
            {"Target": {"Id": "10.0.0.5", "Port": 53}, "TargetHealth": {"State": "unhealthy"}},
            {"Target": {"Id": "10.0.0.6", "Port": 53}, "TargetHealth": {"State": "initial"}}]}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "Description": "ELB net/front/1"},
            {"NetworkInterfaceId": "eni-2", "VpcId": "vpc-2", "Description": "ELB net/front/1"}],
    }))
}

#[test]
fn a_load_balancer_has_its_listeners_targets_and_interfaces() {
    let estate = balancer("TCP_UDP", "ip", &json!([]));
    let balancer = &estate.load_balancers[0];
    assert!(balancer.internet_facing && balancer.cross_zone);
    assert_eq!(balancer.interfaces, ["eni-1"]);
    let listener = &balancer.listeners.as_deref().unwrap()[0];
    assert_eq!((listener.port, listener.protocols.as_slice()), (53, &[6, 17][..]));
    let groups = listener.targets.as_deref().unwrap();
    assert_eq!(groups.iter().map(|g| g.protocol).collect::<Vec<_>>(), [6, 17]);
    let healthy: Vec<_> = groups[0].targets.as_deref().unwrap().iter().map(|t| t.healthy).collect();
    assert_eq!(healthy, [Some(false), None]);
}

#[test]
fn the_clients_address_is_kept_as_the_target_group_says() {
    let set = |on: &str| json!([{"Key": "preserve_client_ip.enabled", "Value": on}]);
    for (protocol, target_type, attributes, kept) in [
        ("TCP", "instance", json!([]), true),
        ("TCP", "instance", set("false"), false),
        ("TLS", "ip", json!([]), false),
        ("TCP", "ip", set("true"), true),
        ("UDP", "ip", json!([]), true),
        ("HTTP", "instance", json!([]), false),
    ] {
        let estate = balancer(protocol, target_type, &attributes);
        let listeners = estate.load_balancers[0].listeners.as_deref().unwrap();
        let found = listeners[0].targets.as_deref().unwrap()[0].preserve_client_ip;
        assert_eq!(found, kept, "{protocol} {target_type} {attributes}");
    }
}

#[test]
fn rules_of_a_listener_forward_too() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/1";
    let listener = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/front/1/2";
    let estate = read(json!({
        "LoadBalancers": [{"LoadBalancerArn": arn, "Type": "application"}],
        "Listeners": [{"ListenerArn": listener, "LoadBalancerArn": arn, "Port": 443, "Protocol": "HTTPS", "DefaultActions": [{"Type": "fixed-response"}]}],
        "Rules": [{"RuleArn": listener.replace(":listener/", ":listener-rule/") + "/3", "Actions": [{"Type": "forward",
            "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": GROUP}]}}]}],
    }));
    let groups = estate.load_balancers[0].listeners.as_deref().unwrap()[0].targets.as_deref().unwrap();
    assert_eq!((groups[0].id.as_str(), groups[0].targets.is_none()), (GROUP, true));
}

#[test]
fn classic_load_balancers_serve_their_instances() {
    let estate = read(json!({"LoadBalancerDescriptions": [{
        "LoadBalancerName": "old", "DNSName": "old.elb", "Scheme": "internal", "VPCId": "vpc-1", "Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"],
        "ListenerDescriptions": [{"Listener": {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 8080}}],
        "Instances": [{"InstanceId": "i-1"}], "InstanceStates": [{"InstanceId": "i-1", "State": "InService"}]}]}));
    let old = &estate.load_balancers[0];
    let listener = &old.listeners.as_deref().unwrap()[0];
    let target = &listener.targets.as_deref().unwrap()[0].targets.as_deref().unwrap()[0];
    assert_eq!((old.kind.as_str(), listener.port, target.port, target.healthy), ("classic", 80, 8080, Some(true)));
}

#[test]
fn a_firewall_has_the_rules_of_its_policy() {
    let firewall = json!({
        "Firewall": {"FirewallArn": "arn:aws:network-firewall:eu-west-1:111122223333:firewall/f", "FirewallName": "f", "FirewallPolicyArn": "p", "VpcId": "vpc-1"},
        "FirewallStatus": {"SyncStates": {"eu-west-1a": {"Attachment": {"SubnetId": "subnet-1", "EndpointId": "vpce-1", "Status": "READY"}}}}});
    let policy = |action: serde_json::Value| {
        json!({"FirewallPolicyResponse": {"FirewallPolicyArn": "p"},
            "FirewallPolicy": {"StatelessDefaultActions": action, "StatelessFragmentDefaultActions": ["aws:drop"]}})
    };
    let found = read(json!([firewall, policy(json!(["aws:pass"]))]));
    assert_eq!(found.firewalls[0].endpoints, [("vpce-1".into(), "subnet-1".into())]);
    assert!(found.firewalls[0].rules.is_some());
    assert!(read(json!([firewall])).firewalls[0].rules.is_none());
    let bad = read(json!([firewall, policy(json!(5))]));
    assert!(bad.firewalls[0].rules.is_none() && bad.gaps.iter().any(|g| g.gap.reason == GapReason::BadAnswer));
}

#[test]
fn owners_name_their_interfaces_or_subnets_and_groups() {
    let estate = read(json!({
        "DBInstances": [{"DBInstanceIdentifier": "db", "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:db", "PubliclyAccessible": true, "Endpoint": {"Port": 3306},
            "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-1"}]}, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}]}],
        "Functions": [{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
            {"FunctionName": "g", "FunctionArn": "arn:g"}],
        "tasks": [{"taskArn": "arn:aws:ecs:eu-west-1:111122223333:task/c/1", "group": "service:web",
            "attachments": [{"type": "ElasticNetworkInterface", "details": [{"name": "networkInterfaceId", "value": "eni-1"}]}]}],
        "cluster": {"name": "k", "arn": "arn:k", "resourcesVpcConfig": {"subnetIds": ["subnet-1"], "clusterSecurityGroupId": "sg-2", "endpointPublicAccess": false}},
        "Clusters": [{"ClusterIdentifier": "w", "ClusterSubnetGroupName": "g", "PubliclyAccessible": false}],
        "ClusterSubnetGroups": [{"ClusterSubnetGroupName": "g", "Subnets": [{"SubnetIdentifier": "subnet-2"}]}],
        "CacheClusters": [{"CacheClusterId": "c", "CacheSubnetGroupName": "h", "CacheNodes": [{"Endpoint": {"Port": 6379}}]}],
        "CacheSubnetGroups": [{"CacheSubnetGroupName": "h", "Subnets": [{"SubnetIdentifier": "subnet-3"}]}],
        "DomainStatusList": [{"DomainName": "d", "ARN": "arn:d", "VPCOptions": {"SubnetIds": ["subnet-1"]}}, {"DomainName": "e", "ARN": "arn:e"}],
    }));
    let mut found: Vec<_> = estate
        .owners
        .iter()
        .map(|o| (o.name.as_str(), o.kind.as_str(), o.subnets.first().map(|s| s.as_str()), o.port))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("c", "elasticache.cluster", Some("subnet-3"), Some(6379)),
            ("d", "opensearch.domain", Some("subnet-1"), Some(443)),
            ("db", "rds.db_instance", Some("subnet-1"), Some(3306)),
            ("f", "lambda.function", Some("subnet-1"), None),
            ("k", "eks.cluster", Some("subnet-1"), Some(443)),
            ("w", "redshift.cluster", Some("subnet-2"), None),
            ("web", "ecs.task", None, None),
        ]
    );
}

#[test]
fn block_public_access_has_its_exclusions() {
    let estate = read(json!({
        "VpcBlockPublicAccessOptions": {"AwsAccountId": "111122223333", "AwsRegion": "eu-west-1", "InternetGatewayBlockMode": "block-ingress"},
        "VpcBlockPublicAccessExclusions": [
            {"ExclusionId": "e1", "State": "create-complete", "InternetGatewayExclusionMode": "allow-egress", "ResourceArn": "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1"},
            {"ExclusionId": "e2", "State": "delete-complete", "InternetGatewayExclusionMode": "allow-bidirectional", "ResourceArn": "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"}],
    }));
    let options = &estate.block_public_access[0];
    assert_eq!(
        (options.mode, options.exclusions.as_slice()),
        (BlockMode::BlockIngress, &[Exclusion { resource: "subnet-1".into(), egress_only: true }][..])
    );
}
