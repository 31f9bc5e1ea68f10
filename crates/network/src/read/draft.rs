//! What is being read: records by id, and what has to be linked once everything is there.

use super::balancer::Balancing;
use super::firewall::FirewallRules;
use super::group::ListedRule;
use super::owner::SubnetGroups;
use super::vpn::DirectConnect;
use crate::estate::{
    BlockPublicAccess, Endpoint, EndpointService, Exclusion, Firewall, Home, Instance, Interface, InternetGateway,
    LoadBalancer, NatGateway, NetworkAcl, Owner, Peering, PrefixList, RouteTable, SecurityGroup, Subnet,
    TransitAttachment, TransitGateway, TransitRouteTable, Unread, Vpc, VpnConnection, VpnGateway,
};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::{Gap, GapReason};

type ById<T> = BTreeMap<SmolStr, T>;

/// Records by id: what two calls or accounts tell of the same is one record, and the order is that of the ids.
#[derive(Default)]
pub(super) struct Draft {
    pub vpcs: ById<Vpc>,
    pub subnets: ById<Subnet>,
    pub interfaces: ById<Interface>,
    /// What instances tell of their interfaces, by the home that was asked.
    pub instance_interfaces: BTreeMap<(Home, SmolStr), Interface>,
    pub instances: ById<Instance>,
    pub security_groups: ById<SecurityGroup>,
    pub group_rules: Vec<ListedRule>,
    pub network_acls: ById<NetworkAcl>,
    pub route_tables: ById<RouteTable>,
    pub internet_gateways: ById<InternetGateway>,
    pub egress_only_internet_gateways: ById<InternetGateway>,
    pub nat_gateways: ById<NatGateway>,
    pub peerings: ById<Peering>,
    pub transit_gateways: ById<TransitGateway>,
    /// By attachment and transit gateway: both ends of a peering have the same id.
    pub transit_attachments: BTreeMap<(SmolStr, SmolStr), TransitAttachment>,
    pub transit_route_tables: ById<TransitRouteTable>,
    pub vpn_gateways: ById<VpnGateway>,
    pub vpn_connections: ById<VpnConnection>,
    pub direct_connect: DirectConnect,
    pub endpoints: ById<Endpoint>,
    pub endpoint_services: ById<EndpointService>,
    pub prefix_lists: ById<PrefixList>,
    pub load_balancers: ById<LoadBalancer>,
    pub balancing: Balancing,
    pub firewalls: ById<Firewall>,
    pub firewall_rules: FirewallRules,
    pub block_public_access: BTreeMap<Home, BlockPublicAccess>,
    pub exclusions: Vec<(Home, Exclusion)>,
    pub owners: ById<Owner>,
    pub subnet_groups: SubnetGroups,
    /// Elastic IP addresses: interface, private address, public address.
    pub elastic: Vec<(SmolStr, Option<IpAddr>, IpAddr)>,
    pub gaps: Vec<Unread>,
}

impl Draft {
    /// Notes what an answer leaves open.
    pub fn note(&mut self, home: &Home, call: &'static str, reason: GapReason, why: SmolStr) {
        let gap = Gap { region: home.region.clone(), call: SmolStr::new_static(call), ..Gap::new(reason, why) };
        self.gaps.push(Unread {
            call: SmolStr::new_static(call),
            account: home.account.clone(),
            region: home.region.clone(),
            gap: Arc::new(gap),
        });
    }
}

/// Keeps a record. Of two with the same id the first stands, unless the second is what its owner says.
pub(super) fn put<T>(records: &mut ById<T>, id: SmolStr, record: T, owned: bool) {
    match records.entry(id) {
        Entry::Vacant(place) => {
            place.insert(record);
        }
        Entry::Occupied(mut known) if owned => {
            known.insert(record);
        }
        Entry::Occupied(_) => {}
    }
}
