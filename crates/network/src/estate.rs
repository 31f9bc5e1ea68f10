//! The network as AWS describes it: plain records under AWS's names, one list a kind, nothing resolved.
//!
//! A reader fills an [`Estate`]; [`crate::Network`] resolves it. What a call did not tell stands in
//! [`Estate::gaps`], so that an answer which needs it is unknown and names the call.

use serde::Serialize;
use smol_str::SmolStr;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::{Gap, IpRange};

/// Every record of a network.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each list is named as its records")]
pub struct Estate {
    pub vpcs: Vec<Vpc>,
    pub subnets: Vec<Subnet>,
    pub interfaces: Vec<Interface>,
    pub instances: Vec<Instance>,
    pub security_groups: Vec<SecurityGroup>,
    pub network_acls: Vec<NetworkAcl>,
    pub route_tables: Vec<RouteTable>,
    pub internet_gateways: Vec<InternetGateway>,
    pub egress_only_internet_gateways: Vec<InternetGateway>,
    pub nat_gateways: Vec<NatGateway>,
    pub peerings: Vec<Peering>,
    pub transit_gateways: Vec<TransitGateway>,
    pub transit_attachments: Vec<TransitAttachment>,
    pub transit_route_tables: Vec<TransitRouteTable>,
    pub vpn_gateways: Vec<VpnGateway>,
    pub vpn_connections: Vec<VpnConnection>,
    pub endpoints: Vec<Endpoint>,
    pub endpoint_services: Vec<EndpointService>,
    pub prefix_lists: Vec<PrefixList>,
    pub load_balancers: Vec<LoadBalancer>,
    pub firewalls: Vec<Firewall>,
    pub block_public_access: Vec<BlockPublicAccess>,
    /// Databases, functions, clusters' pods and other owners of network interfaces, by their own names.
    pub owners: Vec<Owner>,
    /// What was not read.
    pub gaps: Vec<Unread>,
}

impl Estate {
    /// A copy with these interfaces only, and with those instances and security groups that they name.
    pub fn with_interfaces(&self, interfaces: Vec<Interface>) -> Self {
        let instances: HashSet<&SmolStr> = interfaces.iter().filter_map(|i| i.instance.as_ref()).collect();
        let groups: HashSet<&SmolStr> = interfaces.iter().flat_map(|i| i.groups.iter().flatten()).collect();
        Self {
            instances: self.instances.iter().filter(|i| instances.contains(&i.id)).cloned().collect(),
            security_groups: self.security_groups.iter().filter(|g| groups.contains(&g.id)).cloned().collect(),
            interfaces,
            vpcs: self.vpcs.clone(),
            subnets: self.subnets.clone(),
            network_acls: self.network_acls.clone(),
            route_tables: self.route_tables.clone(),
            internet_gateways: self.internet_gateways.clone(),
            egress_only_internet_gateways: self.egress_only_internet_gateways.clone(),
            nat_gateways: self.nat_gateways.clone(),
            peerings: self.peerings.clone(),
            transit_gateways: self.transit_gateways.clone(),
            transit_attachments: self.transit_attachments.clone(),
            transit_route_tables: self.transit_route_tables.clone(),
            vpn_gateways: self.vpn_gateways.clone(),
            vpn_connections: self.vpn_connections.clone(),
            endpoints: self.endpoints.clone(),
            endpoint_services: self.endpoint_services.clone(),
            prefix_lists: self.prefix_lists.clone(),
            load_balancers: self.load_balancers.clone(),
            firewalls: self.firewalls.clone(),
            block_public_access: self.block_public_access.clone(),
            owners: Vec::new(),
            gaps: self.gaps.clone(),
        }
    }
}

/// A call that did not answer, in one account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The call in API names, without the service where it is EC2's (`DescribeRouteTables`,
    /// `elasticloadbalancing:DescribeListeners`).
    pub call: SmolStr,
    /// The account; empty: any.
    pub account: SmolStr,
    /// The Region; empty: any.
    pub region: SmolStr,
    /// Why.
    pub gap: Arc<Gap>,
}

/// Where a record was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Home {
    /// The account that was asked, or the owner; empty where nobody told.
    pub account: SmolStr,
    /// The Region; empty where nobody told.
    pub region: SmolStr,
}

/// `DescribeVpcs`.
#[derive(Debug, Clone, Default)]
pub struct Vpc {
    /// `VpcId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// Associated IPv4 and IPv6 blocks.
    pub cidrs: Vec<IpRange>,
    /// The `Name` tag.
    pub name: Option<SmolStr>,
}

/// `DescribeSubnets`. A shared subnet keeps its owner's account as its home, once.
#[derive(Debug, Clone, Default)]
pub struct Subnet {
    /// `SubnetId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// Its IPv4 and IPv6 blocks.
    pub cidrs: Vec<IpRange>,
    /// `MapPublicIpOnLaunch`: what starts in it gets a public address. It stands for a route table that was not read.
    pub public_on_launch: bool,
    /// `AvailabilityZoneId`, or `AvailabilityZone` where no id is told.
    pub zone: SmolStr,
    /// The `Name` tag.
    pub name: Option<SmolStr>,
}

/// `DescribeNetworkInterfaces`; also the interfaces that only `DescribeInstances` told.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    /// `NetworkInterfaceId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `SubnetId`.
    pub subnet: SmolStr,
    /// Every private address, the primary first, and what is associated with it.
    pub addresses: Vec<Address>,
    /// Delegated prefixes (`Ipv4Prefixes`, `Ipv6Prefixes`): addresses behind the interface, such as EKS pods.
    pub prefixes: Vec<IpRange>,
    /// `Groups`; `None`: nobody told.
    pub groups: Option<Vec<SmolStr>>,
    /// `SourceDestCheck`; it is on unless told otherwise.
    pub source_dest_check: bool,
    /// `InterfaceType`, empty where nobody told (`interface`, `nat_gateway`, `network_load_balancer`, `vpc_endpoint`, …).
    pub kind: SmolStr,
    /// `Attachment.InstanceId`.
    pub instance: Option<SmolStr>,
    /// `Attachment.DeviceIndex`: the primary interface of an instance has 0.
    pub device: Option<u32>,
    /// Whether its `Status` is one that carries traffic (`in-use`, or an attachment that is attached).
    pub in_use: bool,
    /// `Description`: how AWS's services mark their interfaces.
    pub description: SmolStr,
    /// The `Name` tag.
    pub name: Option<SmolStr>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The private IPv4 address, or an IPv6 address.
    pub ip: IpAddr,
    /// The public or Elastic IPv4 address that stands for it on the internet.
    pub public: Option<IpAddr>,
}

/// `DescribeInstances`.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    /// `InstanceId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `State.Name`; empty where nobody told.
    pub state: SmolStr,
    /// The `Name` tag.
    pub name: Option<SmolStr>,
}

/// The protocol of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// `-1`: every protocol.
    Any,
    /// An IANA protocol number (6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6).
    Number(u8),
}

/// The protocol and ports of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// For TCP and UDP the destination ports, first and last; for ICMP `type << 8 | code` likewise (a type with every
    /// code is `type << 8 ..= type << 8 | 255`); the whole range for everything else.
    pub ports: (u16, u16),
}

/// `DescribeSecurityGroups`.
#[derive(Debug, Clone, Default)]
pub struct SecurityGroup {
    /// `GroupId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `GroupName`.
    pub name: SmolStr,
    /// `IpPermissions`, one entry a peer.
    pub ingress: Vec<GroupRule>,
    /// `IpPermissionsEgress`, one entry a peer.
    pub egress: Vec<GroupRule>,
}

/// One peer of one permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRule {
    /// What it lets through.
    pub service: Service,
    /// Whom.
    pub peer: Peer,
    /// `SecurityGroupRuleId`, where told.
    pub id: Option<SmolStr>,
}

/// Whom a security group rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// `CidrIp`, `CidrIpv6`.
    Range(IpRange),
    /// `GroupId` of `UserIdGroupPairs`: what is in that group, in this VPC, a peered one, or behind a transit gateway
    /// with security group referencing.
    Group(SmolStr),
    /// `PrefixListId`.
    PrefixList(SmolStr),
}

/// `DescribeNetworkAcls`.
#[derive(Debug, Clone, Default)]
pub struct NetworkAcl {
    /// `NetworkAclId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `IsDefault`: it holds every subnet that no list names.
    pub default: bool,
    /// Associated subnets.
    pub subnets: Vec<SmolStr>,
    /// Both directions, in any order.
    pub entries: Vec<AclEntry>,
}

/// One entry of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    /// `RuleNumber`; the lowest that matches decides. 32767 is the closing deny.
    pub number: u32,
    /// `Egress`.
    pub egress: bool,
    /// `RuleAction` is `allow`.
    pub allow: bool,
    /// Protocol and destination ports.
    pub service: Service,
    /// `CidrBlock` or `Ipv6CidrBlock`.
    pub range: IpRange,
}

/// `DescribeRouteTables`.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// `RouteTableId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// Whether it is the main table: that of every subnet that no table names.
    pub main: bool,
    /// Explicitly associated subnets.
    pub subnets: Vec<SmolStr>,
    /// Internet and virtual private gateways whose arriving traffic it routes (edge associations).
    pub gateways: Vec<SmolStr>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub destination: Destination,
    /// By which way.
    pub target: Target,
    /// `State` is `blackhole`: the target is gone, or not attached.
    pub blackhole: bool,
    /// `Origin` is `EnableVgwRoutePropagation`: it gives way to a static route with the same destination.
    pub propagated: bool,
}

/// The destination of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// `DestinationCidrBlock`, `DestinationIpv6CidrBlock`.
    Range(IpRange),
    /// `DestinationPrefixListId`.
    PrefixList(SmolStr),
}

/// The target of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// `local`.
    Local,
    /// `igw-…`.
    InternetGateway(SmolStr),
    /// `eigw-…`.
    EgressOnlyInternetGateway(SmolStr),
    /// `nat-…`.
    NatGateway(SmolStr),
    /// `eni-…`, also where `InstanceId` is told with it.
    Interface(SmolStr),
    /// `i-…` without an interface.
    Instance(SmolStr),
    /// `pcx-…`.
    Peering(SmolStr),
    /// `tgw-…`.
    TransitGateway(SmolStr),
    /// `vgw-…`.
    VpnGateway(SmolStr),
    /// `vpce-…`: a gateway endpoint, or a Gateway Load Balancer endpoint (also Network Firewall's).
    Endpoint(SmolStr),
    /// Anything else (`lgw-…`, `cagw-…`, a core network), by its id. Empty: none told.
    Other(SmolStr),
}

/// `DescribeInternetGateways`, `DescribeEgressOnlyInternetGateways`.
#[derive(Debug, Clone, Default)]
pub struct InternetGateway {
    /// `InternetGatewayId`, `EgressOnlyInternetGatewayId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// The VPCs that it is attached to, in a state that carries traffic (`available`, `attached`).
    pub vpcs: Vec<SmolStr>,
}

/// `DescribeNatGateways`.
#[derive(Debug, Clone, Default)]
pub struct NatGateway {
    /// `NatGatewayId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `SubnetId`; empty for a regional NAT gateway.
    pub subnet: SmolStr,
    /// `State`.
    pub state: SmolStr,
    /// `ConnectivityType` is `public`.
    pub public: bool,
    /// Private addresses, with the public ones that stand for them.
    pub addresses: Vec<Address>,
    /// `NetworkInterfaceId` of its addresses.
    pub interfaces: Vec<SmolStr>,
}

/// `DescribeVpcPeeringConnections`.
#[derive(Debug, Clone, Default)]
pub struct Peering {
    /// `VpcPeeringConnectionId`.
    pub id: SmolStr,
    /// Where it was read.
    pub home: Home,
    /// `Status.Code` (`active`, `pending-acceptance`, …).
    pub status: SmolStr,
    /// The requester's VPC.
    pub requester: PeeringSide,
    /// The accepter's VPC.
    pub accepter: PeeringSide,
}

/// One end of a peering connection.
#[derive(Debug, Clone, Default)]
pub struct PeeringSide {
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `OwnerId` and `Region`.
    pub home: Home,
    /// `CidrBlockSet`, `Ipv6CidrBlockSet`.
    pub cidrs: Vec<IpRange>,
}

/// `DescribeTransitGateways`.
#[derive(Debug, Clone, Default)]
pub struct TransitGateway {
    /// `TransitGatewayId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `State`.
    pub state: SmolStr,
    /// `Options.SecurityGroupReferencingSupport` is `enable`.
    pub group_references: bool,
}

/// `DescribeTransitGatewayAttachments`, with what `DescribeTransitGatewayVpcAttachments` and
/// `DescribeTransitGatewayPeeringAttachments` add.
#[derive(Debug, Clone, Default)]
pub struct TransitAttachment {
    /// `TransitGatewayAttachmentId`.
    pub id: SmolStr,
    /// Where it was read.
    pub home: Home,
    /// `TransitGatewayId`.
    pub transit_gateway: SmolStr,
    /// `ResourceType`: `vpc`, `vpn`, `direct-connect-gateway`, `connect`, `peering`, …
    pub kind: SmolStr,
    /// `ResourceId`: the VPC, VPN connection, Direct Connect gateway; for `peering` the other transit gateway.
    pub resource: SmolStr,
    /// `State`.
    pub state: SmolStr,
    /// `SubnetIds` of a VPC attachment; `None`: nobody told.
    pub subnets: Option<Vec<SmolStr>>,
    /// `Options.ApplianceModeSupport` is `enable`: both directions of a connection come in by one zone.
    pub appliance_mode: bool,
    /// `Association.TransitGatewayRouteTableId`, when associated.
    pub route_table: Option<SmolStr>,
    /// `Options.SecurityGroupReferencingSupport` is `enable`.
    pub group_references: bool,
}

/// `DescribeTransitGatewayRouteTables` with `SearchTransitGatewayRoutes` and
/// `GetTransitGatewayRouteTablePropagations`.
#[derive(Debug, Clone, Default)]
pub struct TransitRouteTable {
    /// `TransitGatewayRouteTableId`.
    pub id: SmolStr,
    /// Where it was read.
    pub home: Home,
    /// `TransitGatewayId`.
    pub transit_gateway: SmolStr,
    /// Static and propagated routes, as told; `None`: nobody told.
    pub routes: Option<Vec<TransitRoute>>,
    /// The attachments that propagate into it: their routes hold even where [`Self::routes`] lists static ones only.
    pub propagations: Vec<SmolStr>,
}

/// One route of a transit gateway route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitRoute {
    /// `DestinationCidrBlock`.
    pub destination: IpRange,
    /// The attachments; empty with `blackhole`.
    pub attachments: Vec<SmolStr>,
    /// `State` is `blackhole`.
    pub blackhole: bool,
    /// `Type` is `propagated`: it gives way to a static route with the same destination.
    pub propagated: bool,
}

/// `DescribeVpnGateways`.
#[derive(Debug, Clone, Default)]
pub struct VpnGateway {
    /// `VpnGatewayId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// The VPCs that it is attached to.
    pub vpcs: Vec<SmolStr>,
    /// Whether a Direct Connect gateway or virtual interface hangs on it.
    pub direct_connect: bool,
    /// Prefixes that Direct Connect brings, as far as told.
    pub direct_connect_routes: Vec<IpRange>,
}

/// `DescribeVpnConnections`.
#[derive(Debug, Clone, Default)]
pub struct VpnConnection {
    /// `VpnConnectionId`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `VpnGatewayId`.
    pub vpn_gateway: Option<SmolStr>,
    /// `TransitGatewayId`.
    pub transit_gateway: Option<SmolStr>,
    /// `State`.
    pub state: SmolStr,
    /// `Options.StaticRoutesOnly`.
    pub static_only: bool,
    /// `Routes` that are available.
    pub routes: Vec<IpRange>,
    /// For each tunnel of `VgwTelemetry`, whether it is `UP`; empty where nobody told.
    pub tunnels: Vec<bool>,
}

/// `DescribeVpcEndpoints`.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// `VpcEndpointId`.
    pub id: SmolStr,
    /// `OwnerId` and Region.
    pub home: Home,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// `VpcEndpointType`: `Gateway`, `Interface`, `GatewayLoadBalancer`, …
    pub kind: SmolStr,
    /// `ServiceName`.
    pub service: SmolStr,
    /// `State`.
    pub state: SmolStr,
    /// `SubnetIds`.
    pub subnets: Vec<SmolStr>,
    /// `NetworkInterfaceIds`.
    pub interfaces: Vec<SmolStr>,
    /// `Groups`.
    pub groups: Vec<SmolStr>,
    /// `PolicyDocument`, as text.
    pub policy: Option<SmolStr>,
}

/// `DescribeVpcEndpointServiceConfigurations`.
#[derive(Debug, Clone, Default)]
pub struct EndpointService {
    /// `ServiceName` (`com.amazonaws.vpce.…`).
    pub name: SmolStr,
    /// `ServiceId` (`vpce-svc-…`).
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `NetworkLoadBalancerArns`, `GatewayLoadBalancerArns`.
    pub load_balancers: Vec<SmolStr>,
}

/// `DescribeManagedPrefixLists` with `GetManagedPrefixListEntries`; `DescribePrefixLists`.
#[derive(Debug, Clone, Default)]
pub struct PrefixList {
    /// `PrefixListId`.
    pub id: SmolStr,
    /// Where it was read.
    pub home: Home,
    /// `PrefixListName`.
    pub name: SmolStr,
    /// The blocks; `None`: nobody told.
    pub cidrs: Option<Vec<IpRange>>,
}

/// `DescribeLoadBalancers` of either generation, with its listeners and targets.
#[derive(Debug, Clone, Default)]
pub struct LoadBalancer {
    /// `LoadBalancerArn`; a Classic Load Balancer's name.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `LoadBalancerName`.
    pub name: SmolStr,
    /// `DNSName`.
    pub dns_name: SmolStr,
    /// `Type`: `application`, `network`, `gateway`; `classic`.
    pub kind: SmolStr,
    /// `Scheme` is `internet-facing`.
    pub internet_facing: bool,
    /// `State.Code`; `active` for a Classic Load Balancer.
    pub state: SmolStr,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// Its subnets.
    pub subnets: Vec<SmolStr>,
    /// `SecurityGroups`; empty where it has none (a Network Load Balancer may).
    pub groups: Vec<SmolStr>,
    /// Its interfaces, known by their description (`ELB app/name/id`, `ELB name`).
    pub interfaces: Vec<SmolStr>,
    /// Whether targets of every zone serve every zone.
    pub cross_zone: bool,
    /// Its listeners; `None`: nobody told.
    pub listeners: Option<Vec<Listener>>,
}

/// A listener.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    /// `Port`.
    pub port: u16,
    /// The transport's protocol numbers: 6, 17, or both for `TCP_UDP`.
    pub protocols: Vec<u8>,
    /// Whether an action of it answers without a target (`redirect`, `fixed-response`).
    pub answers: bool,
    /// Where its default action and rules forward to; `None`: nobody told.
    pub targets: Option<Vec<TargetGroup>>,
}

/// A target group.
#[derive(Debug, Clone, Default)]
pub struct TargetGroup {
    /// `TargetGroupArn`; empty for the instances of a Classic Load Balancer.
    pub id: SmolStr,
    /// Whether the client's address is kept (`preserve_client_ip.enabled`, and what is the default where it is not set).
    pub preserve_client_ip: bool,
    /// The protocol number towards targets.
    pub protocol: u8,
    /// The targets; `None`: nobody told.
    pub targets: Option<Vec<LoadBalancerTarget>>,
}

/// One registered target.
#[derive(Debug, Clone, Default)]
pub struct LoadBalancerTarget {
    /// `Target.Id`: an instance, an IP address, a function's or load balancer's ARN.
    pub id: SmolStr,
    /// `Target.Port`.
    pub port: u16,
    /// Whether it takes traffic; `None`: nobody told.
    pub healthy: Option<bool>,
}

/// `DescribeFirewall` of AWS Network Firewall, with its policy and rule groups.
#[derive(Debug, Clone, Default)]
pub struct Firewall {
    /// `FirewallArn`.
    pub id: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// `FirewallName`.
    pub name: SmolStr,
    /// `VpcId`.
    pub vpc: SmolStr,
    /// Its endpoints (`SyncStates.*.Attachment.EndpointId`) with their subnets.
    pub endpoints: Vec<(SmolStr, SmolStr)>,
    /// What it lets pass; `None`: nobody told.
    pub rules: Option<Arc<crate::firewall::Ruleset>>,
}

/// VPC Block Public Access of one account and Region: `DescribeVpcBlockPublicAccessOptions` and
/// `DescribeVpcBlockPublicAccessExclusions`.
#[derive(Debug, Clone, Default)]
pub struct BlockPublicAccess {
    /// Its account and Region.
    pub home: Home,
    /// `InternetGatewayBlockMode`.
    pub mode: BlockMode,
    /// VPCs and subnets that are let out of it.
    pub exclusions: Vec<Exclusion>,
}

/// `InternetGatewayBlockMode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockMode {
    /// Nothing is blocked.
    #[default]
    Off,
    /// Both directions, at internet gateways and egress-only internet gateways.
    BlockBidirectional,
    /// Traffic that comes in; NAT gateways and egress-only internet gateways still work.
    BlockIngress,
}

/// A VPC or subnet that Block Public Access leaves alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The id of the VPC or subnet (the last part of `ResourceArn`).
    pub resource: SmolStr,
    /// `InternetGatewayExclusionMode` is `allow-egress`: outwards only. Otherwise both directions.
    pub egress_only: bool,
}

/// Something that owns network interfaces under a name of its own.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    /// Its ARN or id.
    pub id: SmolStr,
    /// Its name, as people type it.
    pub name: SmolStr,
    /// Its kind (`rds.db_instance`, `lambda.function`, `ecs.task`, …).
    pub kind: SmolStr,
    /// Its account and Region.
    pub home: Home,
    /// Its interfaces, where it names them.
    pub interfaces: Vec<SmolStr>,
    /// Otherwise its subnets …
    pub subnets: Vec<SmolStr>,
    /// … and groups, which mark its interfaces (managed services do not tell theirs).
    pub groups: Vec<SmolStr>,
    /// The port that it listens on, where it has one.
    pub port: Option<u16>,
    /// Whether AWS calls it publicly accessible (`PubliclyAccessible`).
    pub public: Option<bool>,
}
