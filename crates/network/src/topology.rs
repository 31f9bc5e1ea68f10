//! The network resolved: which table, list and gateway each record means.

use crate::estate::{Estate, Home, NetworkAcl, Target, Unread};
use crate::filter::AclFilter;
use crate::packet::{Family, Span, number};
use crate::question::exposed::Front;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use yagura_model::{Gap, GapReason};

/// A record that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The record at this place in its list.
    At(u32),
    /// There is none, and its list was read.
    None,
    /// Its list was not read.
    Unread(Arc<Missing>),
}

impl Link {
    /// The record that was found, else the hole that is left where its list was not read.
    fn of(found: Option<u32>, hole: impl FnOnce() -> Option<Arc<Missing>>) -> Self {
        match found {
            Some(at) => Self::At(at),
            None => hole().map_or(Self::None, Self::Unread),
        }
    }

    /// The place, where there is one.
    pub fn at(&self) -> Option<u32> {
        match self {
            Self::At(at) => Some(*at),
            Self::None | Self::Unread(_) => None,
        }
    }
}

/// Something that an answer needs and that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Missing {
    /// The call that would tell, in API names; EC2's without the service.
    pub call: SmolStr,
    /// The record that it would tell of.
    pub of: SmolStr,
    /// Why it was not read.
    pub gap: Arc<Gap>,
}

/// The call and what it would tell of: `DescribeRouteTables (subnet-…)`.
impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.call.is_empty() {
            true => f.write_str(&self.of),
            false => write!(f, "{} ({})", self.call, self.of),
        }
    }
}

/// What a network interface belongs to, beyond an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A NAT gateway, at this place of its list.
    NatGateway(u32),
    /// A load balancer.
    LoadBalancer(u32),
    /// An interface endpoint.
    Endpoint(u32),
}

/// The links of a subnet.
#[derive(Debug)]
pub(crate) struct SubnetLinks {
    pub vpc: Link,
    pub route_table: Link,
    pub acl: Link,
}

/// The links of a network interface.
#[derive(Debug, Default)]
pub(crate) struct InterfaceLinks {
    pub vpc: Option<u32>,
    pub subnet: Option<u32>,
    pub instance: Option<u32>,
    pub role: Option<Role>,
}

type Index = HashMap<SmolStr, u32>;

/// A resolved network: what questions are asked of.
#[derive(Debug)]
pub struct Network {
    /// The records.
    pub estate: Estate,
    pub(crate) vpc: Index,
    pub(crate) subnet: Index,
    pub(crate) interface: Index,
    pub(crate) instance: Index,
    pub(crate) group: Index,
    pub(crate) internet_gateway: Index,
    pub(crate) egress_only: Index,
    pub(crate) nat: Index,
    pub(crate) peering: Index,
    pub(crate) transit_gateway: Index,
    pub(crate) transit_table: HashMap<SmolStr, u32>,
    pub(crate) vpn_gateway: Index,
    pub(crate) endpoint: Index,
    pub(crate) prefix_list: Index,
    pub(crate) subnets: Vec<SubnetLinks>,
    pub(crate) interfaces: Vec<InterfaceLinks>,
    /// The interface that has an address in a VPC.
    pub(crate) address: HashMap<(u32, IpAddr), u32>,
    /// Prefixes that are delegated to interfaces, by VPC, family and first address: the last address and the interface.
    delegated: BTreeMap<(u32, Family, u128), (u128, u32)>,
    /// The interface and private address behind a public address.
    pub(crate) public: HashMap<IpAddr, (u32, IpAddr)>,
    /// The interfaces of an instance, the primary first.
    pub(crate) instance_interfaces: HashMap<u32, Vec<u32>>,
    pub(crate) vpc_subnets: Vec<Vec<u32>>,
    /// Route tables of gateways, by gateway id.
    pub(crate) gateway_table: HashMap<SmolStr, u32>,
    /// Firewalls by the id of their endpoint: the firewall and the endpoint's subnet.
    pub(crate) firewall_endpoint: HashMap<SmolStr, (u32, SmolStr)>,
    pub(crate) acls: Vec<OnceLock<AclFilter>>,
    /// Load balancers in front of interfaces.
    pub(crate) fronts: OnceLock<HashMap<u32, Vec<Front>>>,
}

fn index<T>(records: &[T], id: impl Fn(&T) -> &SmolStr) -> Index {
    records.iter().zip(0..).map(|(r, at)| (id(r).clone(), at)).collect()
}

impl Network {
    /// Resolves the records. Interfaces that only their owner tells (a NAT gateway's, where network interfaces were
    /// not read) are added.
    pub fn new(mut estate: Estate) -> Self {
        add_told_interfaces(&mut estate);
        let vpc = index(&estate.vpcs, |r| &r.id);
        let subnet = index(&estate.subnets, |r| &r.id);
        let instance = index(&estate.instances, |r| &r.id);
        let mut network = Self {
            group: index(&estate.security_groups, |r| &r.id),
            interface: index(&estate.interfaces, |r| &r.id),
            internet_gateway: index(&estate.internet_gateways, |r| &r.id),
            egress_only: index(&estate.egress_only_internet_gateways, |r| &r.id),
            nat: index(&estate.nat_gateways, |r| &r.id),
            peering: index(&estate.peerings, |r| &r.id),
            transit_gateway: index(&estate.transit_gateways, |r| &r.id),
            transit_table: index(&estate.transit_route_tables, |r| &r.id),
            vpn_gateway: index(&estate.vpn_gateways, |r| &r.id),
            endpoint: index(&estate.endpoints, |r| &r.id),
            prefix_list: index(&estate.prefix_lists, |r| &r.id),
            subnets: Vec::new(),
            interfaces: Vec::new(),
            address: HashMap::with_capacity(estate.interfaces.len()),
            delegated: BTreeMap::new(),
            public: HashMap::new(),
            instance_interfaces: HashMap::new(),
            vpc_subnets: vec![Vec::new(); estate.vpcs.len()],
            gateway_table: HashMap::new(),
            firewall_endpoint: HashMap::new(),
            acls: estate.network_acls.iter().map(|_| OnceLock::new()).collect(),
            fronts: OnceLock::new(),
            vpc,
            subnet,
            instance,
            estate,
        };
        network.link_subnets();
        network.link_interfaces();
        for (table, at) in network.estate.route_tables.iter().zip(0..) {
            network.gateway_table.extend(table.gateways.iter().map(|g| (g.clone(), at)));
        }
        for (firewall, at) in network.estate.firewalls.iter().zip(0..) {
            let of = firewall.endpoints.iter().map(|(endpoint, subnet)| (endpoint.clone(), (at, subnet.clone())));
            network.firewall_endpoint.extend(of);
        }
        network
    }

    fn link_subnets(&mut self) {
        let tables = self.table_of_subnets();
        let acls = self.acl_of_subnets();
        let mut links = Vec::with_capacity(self.estate.subnets.len());
        for (subnet, at) in self.estate.subnets.iter().zip(0..) {
            let vpc = self.link(&self.vpc, &subnet.vpc, "DescribeVpcs", &subnet.home);
            if let Some(subnets) = vpc.at().and_then(|v| self.vpc_subnets.get_mut(v as usize)) {
                subnets.push(at);
            }
            let or_unread =
                |found: Option<u32>, call: &str| Link::of(found, || self.unanswered(call, &subnet.id, &subnet.home));
            let by_subnet_or_vpc =
                |(named, rest): &(Index, Index)| named.get(&subnet.id).or_else(|| rest.get(&subnet.vpc)).copied();
            links.push(SubnetLinks {
                route_table: or_unread(by_subnet_or_vpc(&tables), "DescribeRouteTables"),
                acl: or_unread(by_subnet_or_vpc(&acls), "DescribeNetworkAcls"),
                vpc,
            });
        }
        self.subnets = links;
    }

    /// Tables by subnet, and main tables by VPC.
    fn table_of_subnets(&self) -> (Index, Index) {
        let tables = || self.estate.route_tables.iter().zip(0u32..);
        let named = tables().flat_map(|(t, at)| t.subnets.iter().map(move |s| (s.clone(), at))).collect();
        (named, tables().filter(|(t, _)| t.main).map(|(t, at)| (t.vpc.clone(), at)).collect())
    }

    /// Network ACLs by subnet, and default ones by VPC.
    fn acl_of_subnets(&self) -> (Index, Index) {
        let acls = || self.estate.network_acls.iter().zip(0u32..);
        let named = acls().flat_map(|(a, at)| a.subnets.iter().map(move |s| (s.clone(), at))).collect();
        (named, acls().filter(|(a, _)| a.default).map(|(a, at)| (a.vpc.clone(), at)).collect())
    }

    fn link_interfaces(&mut self) {
        let mut roles: HashMap<&SmolStr, Role> = HashMap::new();
        for (nat, at) in self.estate.nat_gateways.iter().zip(0..) {
            roles.extend(nat.interfaces.iter().map(|i| (i, Role::NatGateway(at))));
        }
        for (balancer, at) in self.estate.load_balancers.iter().zip(0..) {
            roles.extend(balancer.interfaces.iter().map(|i| (i, Role::LoadBalancer(at))));
        }
        for (endpoint, at) in self.estate.endpoints.iter().zip(0..) {
            roles.extend(endpoint.interfaces.iter().map(|i| (i, Role::Endpoint(at))));
        }
        let mut links = Vec::with_capacity(self.estate.interfaces.len());
        for (interface, at) in self.estate.interfaces.iter().zip(0..) {
            let link = InterfaceLinks {
                vpc: self.vpc.get(&interface.vpc).copied(),
                subnet: self.subnet.get(&interface.subnet).copied(),
                instance: interface.instance.as_ref().and_then(|i| self.instance.get(i)).copied(),
                role: roles.get(&interface.id).copied(),
            };
            for address in &interface.addresses {
                if let Some(vpc) = link.vpc {
                    self.address.insert((vpc, address.ip), at);
                }
                if let Some(public) = address.public {
                    self.public.insert(public, (at, address.ip));
                } else if address.ip.is_ipv6() {
                    self.public.insert(address.ip, (at, address.ip));
                }
            }
            for prefix in interface.prefixes.iter().filter(|_| link.vpc.is_some()) {
                let (span, vpc) = (Span::of(prefix), link.vpc.unwrap_or_default());
                self.delegated.insert((vpc, Family::of(prefix.first()), span.first), (span.last, at));
            }
            if let Some(instance) = link.instance {
                self.instance_interfaces.entry(instance).or_default().push(at);
            }
            links.push(link);
        }
        self.interfaces = links;
        let device = |at: &u32| self.estate.interfaces.get(*at as usize).and_then(|i| i.device).unwrap_or(u32::MAX);
        self.instance_interfaces.values_mut().for_each(|all| all.sort_by_key(device));
    }

    fn link(&self, index: &Index, id: &SmolStr, call: &str, home: &Home) -> Link {
        Link::of(index.get(id).copied(), || self.unanswered(call, id, home))
    }

    /// The record that `id` names in `index`, which `call` tells.
    pub(crate) fn find(&self, index: &Index, id: &SmolStr, call: &str, home: &Home) -> Link {
        self.link(index, id, call, home)
    }

    /// Why `call` was not read where `home` is; `None`: it was.
    pub fn unread(&self, call: &str, home: &Home) -> Option<Arc<Gap>> {
        let fits = |gap: &SmolStr, home: &SmolStr| gap.is_empty() || home.is_empty() || gap == home;
        let mut gaps = self.estate.gaps.iter();
        let found = gaps.find(|g| g.call == call && fits(&g.account, &home.account) && fits(&g.region, &home.region));
        found.map(|g| Arc::clone(&g.gap))
    }

    /// Which of `calls` did not tell everything, somewhere that was asked: what they would have told is silently absent.
    pub fn partly_read(&self, calls: &[&str]) -> Vec<&Unread> {
        let not_asked = |of: &Unread, call: &str| {
            let same = |g: &&Unread| g.call == call && g.account == of.account && g.region == of.region;
            self.estate.gaps.iter().any(|g| same(&g) && g.gap.reason == GapReason::NotRequested)
        };
        // Nobody asked an account that none of these was asked of; a Region that is not enabled has nothing.
        let outside =
            |of: &Unread| ["DescribeVpcs", "DescribeSubnets", "DescribeInstances"].iter().all(|c| not_asked(of, c));
        let gaps = self.estate.gaps.iter().filter(|g| calls.contains(&g.call.as_str()));
        gaps.filter(|g| g.gap.reason != GapReason::RegionDisabled && !outside(g)).collect()
    }

    /// The hole that `call` leaves about `of`, where it was not answered.
    pub(crate) fn unanswered(&self, call: &str, of: &SmolStr, home: &Home) -> Option<Arc<Missing>> {
        self.unread(call, home).map(|gap| missing(call, of, gap))
    }

    /// The hole that `call` leaves about `of`, also where it was answered without telling.
    pub(crate) fn hole(&self, call: &str, of: &SmolStr, home: &Home) -> Arc<Missing> {
        let not_told = || Arc::new(Gap::new(GapReason::NotTold, format!("nothing was told of `{of}`")));
        self.unanswered(call, of, home).unwrap_or_else(|| missing(call, of, not_told()))
    }

    /// The subnet of a VPC that an address lies in.
    pub(crate) fn subnet_of(&self, vpc: u32, ip: IpAddr) -> Option<u32> {
        let mut subnets = self.vpc_subnets.get(vpc as usize)?.iter().copied();
        subnets.find(|at| self.estate.subnets.get(*at as usize).is_some_and(|s| s.cidrs.iter().any(|c| c.contains(ip))))
    }

    /// The places of every VPC, in the order that they were read.
    pub(crate) fn vpcs(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.estate.vpcs.len()).unwrap_or(u32::MAX)
    }

    /// Whether an address lies in the blocks of a VPC.
    pub(crate) fn in_vpc(&self, vpc: u32, ip: IpAddr) -> bool {
        self.estate.vpcs.get(vpc as usize).is_some_and(|v| v.cidrs.iter().any(|c| c.contains(ip)))
    }

    /// The blocks of one family of a VPC.
    pub(crate) fn spans_of_vpc(&self, vpc: u32, family: Family) -> Vec<Span> {
        let cidrs = self.estate.vpcs.get(vpc as usize).map(|v| v.cidrs.as_slice()).unwrap_or_default();
        cidrs.iter().filter(|c| Family::of(c.first()) == family).map(Span::of).collect()
    }

    /// What a network ACL lets through.
    pub(crate) fn acl_filter(&self, at: u32) -> Option<(&NetworkAcl, &AclFilter)> {
        let acl = self.estate.network_acls.get(at as usize)?;
        let filter = self.acls.get(at as usize)?.get_or_init(|| AclFilter::new(acl));
        Some((acl, filter))
    }

    /// The interface that has an address of a VPC: as its own, or in a prefix that is delegated to it
    /// (`AWSEC2/latest/UserGuide/ec2-prefix-eni`).
    pub(crate) fn owner_of(&self, vpc: u32, ip: IpAddr) -> Option<u32> {
        if let Some(at) = self.address.get(&(vpc, ip)) {
            return Some(*at);
        }
        let (family, n) = (Family::of(ip), number(ip));
        let (_, (last, at)) = self.delegated.range((vpc, family, 0)..=(vpc, family, n)).next_back()?;
        (n <= *last).then_some(*at)
    }

    /// Whether an address is a private one that has a public one.
    pub(crate) fn has_public(&self, ip: IpAddr) -> bool {
        let owner = self.vpcs().find_map(|vpc| self.owner_of(vpc, ip));
        let interface = owner.and_then(|at| self.estate.interfaces.get(at as usize));
        interface.is_some_and(|i| i.addresses.iter().any(|a| a.ip == ip && a.public.is_some()))
    }

    /// The interface and private address that the internet knows by a public address. IPv6 addresses stand for
    /// themselves.
    pub(crate) fn behind_public(&self, ip: IpAddr) -> Option<(u32, IpAddr)> {
        let delegated = || self.vpcs().find_map(|vpc| self.owner_of(vpc, ip)).map(|at| (at, ip));
        self.public.get(&ip).copied().or_else(|| if ip.is_ipv6() { delegated() } else { None })
    }
}

impl Network {
    /// What people call a component besides its id: its `Name` tag, a network interface's addresses.
    pub fn label(&self, hop: &crate::walk::Hop) -> Option<String> {
        use crate::walk::Kind;
        let estate = &self.estate;
        match hop.kind {
            Kind::Instance => {
                estate.instances.get(*self.instance.get(&hop.id)? as usize)?.name.as_ref().map(ToString::to_string)
            }
            Kind::NetworkInterface => {
                let interface = estate.interfaces.get(*self.interface.get(&hop.id)? as usize)?;
                let address = interface.addresses.first()?;
                Some(match address.public {
                    Some(public) => format!("{} / {public}", address.ip),
                    None => address.ip.to_string(),
                })
            }
            Kind::Subnet => {
                estate.subnets.get(*self.subnet.get(&hop.id)? as usize)?.name.as_ref().map(ToString::to_string)
            }
            Kind::Vpc => estate.vpcs.get(*self.vpc.get(&hop.id)? as usize)?.name.as_ref().map(ToString::to_string),
            Kind::SecurityGroup => {
                let group = estate.security_groups.get(*self.group.get(&hop.id)? as usize)?;
                Some(group.name.to_string()).filter(|n| !n.is_empty())
            }
            Kind::RouteTable => hop.route.as_ref().map(ToString::to_string),
            _ => None,
        }
    }
}

/// The hole that a call leaves.
pub(crate) fn missing(call: &str, of: &SmolStr, gap: Arc<Gap>) -> Arc<Missing> {
    Arc::new(Missing { call: call.into(), of: of.clone(), gap })
}

/// Interfaces that only the NAT gateway told.
fn add_told_interfaces(estate: &mut Estate) {
    let known: std::collections::HashSet<SmolStr> = estate.interfaces.iter().map(|i| i.id.clone()).collect();
    let (mut added, mut told) = (Vec::new(), Vec::new());
    for nat in &mut estate.nat_gateways {
        if nat.interfaces.is_empty() && !nat.addresses.is_empty() {
            nat.interfaces.push(format!("{} (interface)", nat.id).into());
        }
        let Some(id) = nat.interfaces.first() else { continue };
        if known.contains(id) {
            told.extend(nat.addresses.iter().filter_map(|a| Some((id.clone(), a.ip, a.public?))));
            continue;
        }
        added.push(crate::estate::Interface {
            id: id.clone(),
            home: nat.home.clone(),
            vpc: nat.vpc.clone(),
            subnet: nat.subnet.clone(),
            addresses: nat.addresses.clone(),
            groups: Some(Vec::new()),
            kind: SmolStr::new_static("nat_gateway"),
            in_use: true,
            ..Default::default()
        });
    }
    for (id, ip, public) in told {
        let interfaces = estate.interfaces.iter_mut().filter(|i| i.id == id);
        interfaces.flat_map(|i| &mut i.addresses).filter(|a| a.ip == ip).for_each(|a| a.public = Some(public));
    }
    estate.interfaces.extend(added);
}

/// The id in a route's target; empty for `local`.
pub(crate) fn target_id(target: &Target) -> &str {
    match target {
        Target::Local => "local",
        Target::InternetGateway(id)
        | Target::EgressOnlyInternetGateway(id)
        | Target::NatGateway(id)
        | Target::Interface(id)
        | Target::Instance(id)
        | Target::Peering(id)
        | Target::TransitGateway(id)
        | Target::VpnGateway(id)
        | Target::Endpoint(id)
        | Target::Other(id) => id,
    }
}
