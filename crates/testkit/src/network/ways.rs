//! What a VPC has besides a way to the internet: other networks, load balancers.

use super::{OWNER, ec2, query, routes};
use crate::estate::Estate;
use crate::small::{EU, US};
use serde_json::json;

/// The routes of us-east-1, and where they lead but to the internet gateway.
pub(super) fn ways_out(estate: Estate) -> Estate {
    let public = [("10.0.0.0/16", "gatewayId", "local"), ("0.0.0.0/0", "gatewayId", "igw-0us")];
    let private = [
        ("10.0.0.0/16", "gatewayId", "local"),
        ("0.0.0.0/0", "natGatewayId", "nat-0us"),
        ("10.1.0.0/16", "vpcPeeringConnectionId", "pcx-0both"),
        ("10.8.0.0/16", "transitGatewayId", "tgw-0us"),
        ("10.9.0.0/16", "gatewayId", "vgw-0us"),
    ];
    let tables = [
        routes("rtb-0public", "vpc-0us", &json!({"subnetId": "subnet-0public"}), &public),
        routes("rtb-0main", "vpc-0us", &json!({"main": true}), &private),
    ];
    let end = |region: &str, vpc: &str, cidr: &str| json!({"vpcId": vpc, "ownerId": OWNER, "region": region, "cidrBlock": cidr, "cidrBlockSet": [{"cidrBlock": cidr}]});
    let peering = ec2(
        &json!({"vpcPeeringConnectionSet": [{"vpcPeeringConnectionId": "pcx-0both", "status": {"code": "active"},
        "requesterVpcInfo": end(US, "vpc-0us", "10.0.0.0/16"), "accepterVpcInfo": end(EU, "vpc-0eu", "10.1.0.0/16")}]}),
    );
    let attachment =
        json!({"transitGatewayAttachmentId": "tgw-attach-0us", "resourceType": "vpc", "resourceId": "vpc-0us"});
    estate
        .with_in(US, "ec2:DescribeRouteTables", ec2(&json!({"routeTableSet": tables})))
        .with_in(
            US,
            "ec2:DescribeNatGateways",
            ec2(&json!({"natGatewaySet": [{"natGatewayId": "nat-0us", "vpcId": "vpc-0us", "subnetId": "subnet-0public", "state": "available",
                "connectivityType": "public", "natGatewayAddressSet": [{"networkInterfaceId": "eni-0nat", "privateIp": "10.0.0.7", "publicIp": "203.0.113.7"}]}]})),
        )
        .with_in(US, "ec2:DescribeVpcPeeringConnections", peering.clone())
        .with_in(EU, "ec2:DescribeVpcPeeringConnections", peering)
        .with_in(
            US,
            "ec2:DescribeTransitGateways",
            ec2(&json!({"transitGatewaySet": [{"transitGatewayId": "tgw-0us", "ownerId": OWNER, "state": "available"}]})),
        )
        .with_in(
            US,
            "ec2:DescribeTransitGatewayAttachments",
            ec2(&json!({"transitGatewayAttachments": [{"transitGatewayAttachmentId": "tgw-attach-0us", "transitGatewayId": "tgw-0us",
                "transitGatewayOwnerId": OWNER, "resourceOwnerId": OWNER, "resourceType": "vpc", "resourceId": "vpc-0us", "state": "available",
                "association": {"transitGatewayRouteTableId": "tgw-rtb-0us", "state": "associated"}}]})),
        )
        .with_in(
            US,
            "ec2:DescribeTransitGatewayVpcAttachments",
            ec2(&json!({"transitGatewayVpcAttachments": [{"transitGatewayAttachmentId": "tgw-attach-0us", "transitGatewayId": "tgw-0us",
                "vpcId": "vpc-0us", "vpcOwnerId": OWNER, "state": "available", "subnetIds": ["subnet-0private"]}]})),
        )
        .with_in(
            US,
            "ec2:DescribeTransitGatewayRouteTables",
            ec2(&json!({"transitGatewayRouteTables": [{"transitGatewayRouteTableId": "tgw-rtb-0us", "transitGatewayId": "tgw-0us", "state": "available"}]})),
        )
        .with_in(
            US,
            "ec2:SearchTransitGatewayRoutes",
            ec2(&json!({"routeSet": [{"destinationCidrBlock": "10.0.0.0/16", "type": "propagated", "state": "active",
                "transitGatewayAttachments": [attachment]}], "additionalRoutesAvailable": false})),
        )
        .with_in(
            US,
            "ec2:GetTransitGatewayRouteTablePropagations",
            ec2(&json!({"transitGatewayRouteTablePropagations": [{"transitGatewayAttachmentId": "tgw-attach-0us", "resourceType": "vpc",
                "resourceId": "vpc-0us", "state": "enabled"}]})),
        )
        .with_in(
            US,
            "ec2:DescribeVpnGateways",
            ec2(&json!({"vpnGatewaySet": [{"vpnGatewayId": "vgw-0us", "state": "available", "type": "ipsec.1",
                "attachments": [{"vpcId": "vpc-0us", "state": "attached"}]}]})),
        )
        .with_in(
            US,
            "ec2:DescribeVpnConnections",
            ec2(&json!({"vpnConnectionSet": [{"vpnConnectionId": "vpn-0us", "vpnGatewayId": "vgw-0us", "state": "available", "type": "ipsec.1",
                "options": {"staticRoutesOnly": true}, "routes": [{"destinationCidrBlock": "10.9.0.0/16", "state": "available"}],
                "vgwTelemetry": [{"status": "UP", "outsideIpAddress": "203.0.113.90"}]}]})),
        )
}

/// A load balancer of each generation in front of `i-0inner`.
pub(super) fn balancers(estate: Estate) -> Estate {
    const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:111122223333";
    let (web, listener, targets) = (
        format!("{ARN}:loadbalancer/app/web/1"),
        format!("{ARN}:listener/app/web/1/2"),
        format!("{ARN}:targetgroup/web/3"),
    );
    let forward = json!([{"Type": "forward", "TargetGroupArn": targets}]);
    estate
        .with_in(
            US,
            "elbv2:DescribeLoadBalancers",
            query(&json!({"LoadBalancers": [{"LoadBalancerArn": web, "LoadBalancerName": "web", "Type": "application", "Scheme": "internal",
                "VpcId": "vpc-0us", "State": {"Code": "active"}, "SecurityGroups": ["sg-0us"],
                "AvailabilityZones": [{"SubnetId": "subnet-0private", "ZoneName": "one"}]}]})),
        )
        .with_in(
            US,
            "elbv2:DescribeLoadBalancerAttributes",
            query(&json!({"Attributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]})),
        )
        .with_in(
            US,
            "elbv2:DescribeListeners",
            query(&json!({"Listeners": [{"ListenerArn": listener, "LoadBalancerArn": web, "Port": 80, "Protocol": "HTTP", "DefaultActions": forward}]})),
        )
        .with_in(
            US,
            "elbv2:DescribeRules",
            query(&json!({"Rules": [{"RuleArn": format!("{ARN}:listener-rule/app/web/1/2/4"), "Priority": "default", "IsDefault": true,
                "Conditions": [], "Actions": forward}]})),
        )
        .with_in(
            US,
            "elbv2:DescribeTargetGroups",
            query(&json!({"TargetGroups": [{"TargetGroupArn": targets, "TargetGroupName": "web", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-0us",
                "TargetType": "instance", "LoadBalancerArns": [web]}]})),
        )
        .with_in(US, "elbv2:DescribeTargetGroupAttributes", query(&json!({"Attributes": [{"Key": "stickiness.enabled", "Value": "false"}]})))
        .with_in(
            US,
            "elbv2:DescribeTargetHealth",
            query(&json!({"TargetHealthDescriptions": [{"Target": {"Id": "i-0inner", "Port": 80}, "TargetHealth": {"State": "healthy"}}]})),
        )
        .with_in(
            US,
            "elb:DescribeLoadBalancers",
            query(&json!({"LoadBalancerDescriptions": [{"LoadBalancerName": "old", "Scheme": "internal", "VPCId": "vpc-0us", "Subnets": ["subnet-0private"],
                "SecurityGroups": ["sg-0us"], "Instances": [{"InstanceId": "i-0inner"}],
                "ListenerDescriptions": [{"Listener": {"Protocol": "TCP", "LoadBalancerPort": 80, "InstanceProtocol": "TCP", "InstancePort": 80}}]}]})),
        )
        .with_in(
            US,
            "elb:DescribeLoadBalancerAttributes",
            query(&json!({"LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": true}}})),
        )
        .with_in(US, "elb:DescribeInstanceHealth", query(&json!({"InstanceStates": [{"InstanceId": "i-0inner", "State": "InService"}]})))
}
