//! Everything that the internet, or a block of addresses, can reach: with ports, by which way, and what guards it.

use super::matrix::{Grant, MatrixEnd};
use super::{Outcome, Reachable, Trial};
use crate::estate::{LoadBalancer, LoadBalancerTarget};
use crate::packet::{End, Family, PacketBox, PacketSet, Span};
use crate::topology::{Missing, Network, Role};
use crate::walk::internet::public_spans;
use crate::walk::route::and_spans;
use crate::walk::{Goal, Hop, Kind, Origin};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

/// Something that can be reached from outside.
#[derive(Debug, Clone, Serialize)]
pub struct Exposure {
    /// The network interface.
    pub interface: SmolStr,
    /// What owns it: an instance, load balancer, database, function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owned>,
    /// The address that it is reached at.
    pub ip: IpAddr,
    /// Its private address, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<IpAddr>,
    /// Its subnet.
    pub subnet: SmolStr,
    /// Its VPC.
    pub vpc: SmolStr,
    /// Whether it is reached for certain: `yes`, or `unknown` where what was not read decides.
    pub reachable: Reachable,
    /// From where, and what is open: one entry a block of addresses that is treated alike.
    pub open: Vec<Opening>,
    /// The gateways on the way.
    pub way: Vec<Hop>,
    /// The network ACLs, security groups and firewalls that let it through.
    pub guards: Vec<Hop>,
    /// What a load balancer passes it on to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<SmolStr>,
    /// The calls that would tell, where it is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What is open to a block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Opening {
    /// From where.
    pub from: String,
    /// What.
    #[serde(flatten)]
    pub grant: Arc<Grant>,
}

/// What people call the owner of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Owned {
    /// Its id or ARN.
    pub id: SmolStr,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<SmolStr>,
    /// Its kind (`ec2.instance`, `elbv2.load_balancer`, `rds.db_instance`, …).
    pub kind: SmolStr,
}

/// What a walk to an address of an interface finds, apart from the address.
#[derive(Debug, Clone)]
struct Found {
    reachable: Reachable,
    open: Vec<Opening>,
    way: Vec<Hop>,
    guards: Vec<Hop>,
    missing: Vec<String>,
}

impl Network {
    /// Everything that `from` (every public address, where there is none) can reach, in the order of the interfaces.
    /// Interfaces that nothing tells apart are walked once.
    pub fn exposed(&self, from: Option<&IpRange>) -> Vec<Exposure> {
        let owners = self.owners();
        let mut found: HashMap<u32, Option<Arc<Found>>> = HashMap::new();
        let (nodes, _) = self.interface_nodes();
        let mut out = Vec::new();
        for node in &nodes {
            let Origin::Interface(at, private) = node.origin else { continue };
            let Some(interface) = self.estate.interfaces.get(at as usize) else { continue };
            let public = interface.addresses.iter().find(|a| a.ip == private).and_then(|a| a.public);
            let Some(ip) = public.or_else(|| private.is_ipv6().then_some(private)) else { continue };
            let entry = found.entry(node.class).or_insert_with(|| self.find_open(ip, from).map(Arc::new));
            let Some(open) = entry else { continue };
            out.push(Exposure {
                interface: interface.id.clone(),
                owner: owners.get(&at).cloned(),
                ip,
                private_ip: (private != ip).then_some(private),
                subnet: interface.subnet.clone(),
                vpc: interface.vpc.clone(),
                reachable: open.reachable,
                open: open.open.clone(),
                way: open.way.clone(),
                guards: open.guards.clone(),
                behind: self.targets_of(at),
                missing: open.missing.clone(),
            });
        }
        out
    }

    /// What is open at a public address.
    fn find_open(&self, ip: IpAddr, from: Option<&IpRange>) -> Option<Found> {
        let family = Family::of(ip);
        let public = public_spans(family);
        let far = match from {
            Some(range) if Family::of(range.first()) != family => return None,
            Some(range) => and_spans(public, &[Span::of(range)]),
            None => public.to_vec(),
        };
        let trial =
            Trial { origin: Origin::Internet(End::Far), destination: End::At(ip), far, family, goal: Goal::default() };
        let outcome = self.outcome(&trial, &PacketSet::all());
        // What arrives and is not answered is no service; it is no exposure of one either.
        let reachable = outcome.reachable();
        if reachable == Reachable::No {
            return None;
        }
        let lines = self.by_block(&answered_only(&outcome), family);
        let open = lines.into_iter().filter_map(|(end, grant)| match end {
            MatrixEnd::Outside { cidr } => Some(Opening { from: cidr, grant }),
            MatrixEnd::Inside { .. } => None,
        });
        let hops = outcome.ways.iter().flat_map(|(leg, _)| &leg.hops);
        let gateways = [Kind::InternetGateway, Kind::EgressOnlyInternetGateway, Kind::VpcEndpoint, Kind::LoadBalancer];
        let guarding = [Kind::NetworkAcl, Kind::SecurityGroup, Kind::NetworkFirewall];
        let pick = |kinds: &[Kind]| {
            let mut seen = BTreeSet::new();
            hops.clone().filter(|h| kinds.contains(&h.kind) && seen.insert(h.id.clone())).cloned().collect()
        };
        let missing: BTreeSet<Arc<Missing>> =
            if reachable == Reachable::Unknown { outcome.missing() } else { BTreeSet::new() };
        Some(Found {
            reachable,
            open: open.collect(),
            way: pick(&gateways),
            guards: pick(&guarding),
            missing: missing.iter().map(ToString::to_string).collect(),
        })
    }

    /// What owns each interface that something owns.
    pub fn owners(&self) -> HashMap<u32, Owned> {
        let mut out = HashMap::new();
        for (links, at) in self.interfaces.iter().zip(0u32..) {
            let instance = links.instance.and_then(|i| self.estate.instances.get(i as usize));
            let owned = match (links.role, instance) {
                (_, Some(i)) => {
                    Owned { id: i.id.clone(), name: i.name.clone(), kind: SmolStr::new_static("ec2.instance") }
                }
                (Some(Role::LoadBalancer(b)), _) => match self.estate.load_balancers.get(b as usize) {
                    Some(b) => {
                        let kind = if b.kind == "classic" { "elb.load_balancer" } else { "elbv2.load_balancer" };
                        Owned { id: b.id.clone(), name: Some(b.name.clone()), kind: SmolStr::new_static(kind) }
                    }
                    None => continue,
                },
                (Some(Role::NatGateway(n)), _) => match self.estate.nat_gateways.get(n as usize) {
                    Some(n) => Owned { id: n.id.clone(), name: None, kind: SmolStr::new_static("ec2.nat_gateway") },
                    None => continue,
                },
                (Some(Role::Endpoint(e)), _) => match self.estate.endpoints.get(e as usize) {
                    Some(e) => Owned {
                        id: e.id.clone(),
                        name: Some(e.service.clone()),
                        kind: SmolStr::new_static("ec2.vpc_endpoint"),
                    },
                    None => continue,
                },
                (None, None) => continue,
            };
            out.insert(at, owned);
        }
        for owner in &self.estate.owners {
            for at in self.interfaces_of(owner) {
                let name = Some(owner.name.clone()).filter(|n| !n.is_empty());
                out.entry(at).or_insert_with(|| Owned { id: owner.id.clone(), name, kind: owner.kind.clone() });
            }
        }
        out
    }

    /// The targets behind a load balancer's interface.
    fn targets_of(&self, interface: u32) -> Vec<SmolStr> {
        let Some(Role::LoadBalancer(at)) = self.interfaces.get(interface as usize).and_then(|l| l.role) else {
            return Vec::new();
        };
        let listeners =
            self.estate.load_balancers.get(at as usize).and_then(|b| b.listeners.as_deref()).unwrap_or_default();
        let groups = listeners.iter().flat_map(|l| l.targets.iter().flatten());
        let targets = groups.flat_map(|g| g.targets.iter().flatten());
        let named: BTreeSet<SmolStr> = targets.map(|t| format!("{}:{}", t.id, t.port).into()).collect();
        named.into_iter().collect()
    }

    /// The ways from the internet to an interface that some packet of `asked` takes: address, component ids in order; also
    /// those through load balancers in front of it.
    pub fn exposures_of(&self, interface: u32, asked: &PacketSet) -> Vec<String> {
        let mut out = self.direct_exposures(interface, asked, "");
        for front in self.fronts().get(&interface).into_iter().flatten().filter(|f| f.behind(asked)) {
            let to = self.estate.interfaces.get(interface as usize).map(|i| i.id.as_str()).unwrap_or_default();
            let on = format!(" → {to}:{}", front.target);
            out.extend(front.interfaces.iter().flat_map(|at| self.direct_exposures(*at, &front.listened(), &on)));
        }
        out
    }

    fn direct_exposures(&self, interface: u32, asked: &PacketSet, on: &str) -> Vec<String> {
        let mut out = Vec::new();
        for (ip, trial) in self.public_trials(interface) {
            let outcome = self.outcome(&trial, asked);
            let open = super::matrix::allowed(&answered_only(&outcome));
            for (leg, _) in outcome.ways.iter().filter(|_| !open.is_empty()) {
                let hops: Vec<&str> = leg.hops.iter().map(|h| h.id.as_str()).collect();
                out.push(format!("{ip}: {}{on}", hops.join(" → ")));
            }
        }
        out
    }

    /// The packets from outside that an interface answers, for certain and possibly, at any of its addresses or behind a
    /// load balancer; and what was not read.
    pub fn open_to_internet(&self, interface: u32) -> (PacketSet, PacketSet, BTreeSet<Arc<Missing>>) {
        let mut out = self.open_directly(interface);
        for front in self.fronts().get(&interface).into_iter().flatten() {
            for at in &front.interfaces {
                let (must, may, missing) = self.open_directly(*at);
                let listened = front.listened();
                let target: PacketSet = [front.service()].into_iter().collect();
                let (served, perhaps, holes) = self.served(front, *at);
                if must.meets(&listened) && served {
                    out.0 = out.0.or(&target);
                }
                if may.meets(&listened) && perhaps {
                    out.1 = out.1.or(&target);
                    out.2.extend(missing.into_iter().chain(holes));
                }
            }
        }
        out
    }

    /// Whether the target of a listener takes what the load balancer sends it, for certain and possibly.
    fn served(&self, front: &Front, interface: u32) -> (bool, bool, Vec<Arc<Missing>>) {
        let found = self.estate.load_balancers.get(front.balancer as usize).and_then(|balancer| {
            let group = balancer.listeners.as_ref()?.get(front.listener)?.targets.as_ref()?.get(front.group)?;
            Some((balancer, group, group.targets.as_ref()?.get(front.place)?))
        });
        let Some((balancer, group, target)) = found else { return (false, false, Vec::new()) };
        let mut holes = Vec::new();
        let (must, may) = self.serves(balancer, group, target, interface, End::Far, Family::V4, &mut holes);
        (!must.is_empty(), !may.is_empty(), holes)
    }

    fn open_directly(&self, interface: u32) -> (PacketSet, PacketSet, BTreeSet<Arc<Missing>>) {
        let mut out = (PacketSet::none(), PacketSet::none(), BTreeSet::new());
        for (_, trial) in self.public_trials(interface) {
            let outcome = self.outcome(&trial, &PacketSet::all());
            if outcome.reachable() == Reachable::Unknown || outcome.both.0 != outcome.both.1 {
                out.2.extend(outcome.missing());
            }
            out.0 = out.0.or(&outcome.both.0);
            out.1 = out.1.or(&outcome.both.1);
        }
        out
    }

    /// The trials from the whole internet to each public address of an interface.
    fn public_trials(&self, interface: u32) -> Vec<(IpAddr, Trial)> {
        let interface = self.estate.interfaces.get(interface as usize);
        let addresses = interface.map(|i| i.addresses.as_slice()).unwrap_or_default();
        let public = addresses.iter().filter_map(|a| a.public.or_else(|| a.ip.is_ipv6().then_some(a.ip)));
        let trial = |ip: IpAddr| {
            let family = Family::of(ip);
            let (origin, destination) = (Origin::Internet(End::Far), End::At(ip));
            (ip, Trial { origin, destination, far: public_spans(family).to_vec(), family, goal: Goal::default() })
        };
        public.map(trial).collect()
    }

    /// The load balancers in front of each interface.
    fn fronts(&self) -> &HashMap<u32, Vec<Front>> {
        self.fronts.get_or_init(|| {
            let mut out: HashMap<u32, Vec<Front>> = HashMap::new();
            for (balancer, at) in self.estate.load_balancers.iter().zip(0u32..) {
                for (listener, of) in balancer.listeners.iter().flatten().zip(0..) {
                    for (group, place) in listener.targets.iter().flatten().zip(0..) {
                        for (target, nth) in group.targets.iter().flatten().zip(0..) {
                            let interfaces = balancer.interfaces.iter().filter_map(|i| self.interface.get(i).copied());
                            let front = Front {
                                balancer: at,
                                listener: of,
                                group: place,
                                place: nth,
                                interfaces: interfaces.collect(),
                                port: listener.port,
                                protocols: listener.protocols.clone(),
                                target: target.port,
                                protocol: group.protocol,
                            };
                            for at in self.interfaces_behind(balancer, target) {
                                out.entry(at).or_default().push(front.clone());
                            }
                        }
                    }
                }
            }
            out
        })
    }

    fn interfaces_behind(&self, balancer: &LoadBalancer, target: &LoadBalancerTarget) -> Vec<u32> {
        if let Ok(ip) = target.id.parse::<IpAddr>() {
            let own = self.vpc.get(&balancer.vpc).and_then(|vpc| self.owner_of(*vpc, ip));
            return own.or_else(|| self.vpc.values().find_map(|vpc| self.owner_of(*vpc, ip))).into_iter().collect();
        }
        let instance = self.instance.get(&target.id).and_then(|at| self.instance_interfaces.get(at));
        instance.and_then(|all| all.first()).copied().into_iter().collect()
    }
}

/// A listener of a load balancer that sends to an interface.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    balancer: u32,
    listener: usize,
    group: usize,
    place: usize,
    interfaces: Vec<u32>,
    port: u16,
    protocols: Vec<u8>,
    target: u16,
    protocol: u8,
}

impl Front {
    /// What the listener takes.
    fn listened(&self) -> PacketSet {
        let port = (self.port, self.port);
        self.protocols.iter().map(|p| PacketBox { protocol: (*p, *p), dst_port: port, ..PacketBox::ANY }).collect()
    }

    /// What it sends to the target.
    fn service(&self) -> PacketBox {
        PacketBox { protocol: (self.protocol, self.protocol), dst_port: (self.target, self.target), ..PacketBox::ANY }
    }

    /// Whether it sends some of these packets on.
    fn behind(&self, asked: &PacketSet) -> bool {
        asked.meets(&[self.service()].into_iter().collect())
    }
}

/// The same outcome without the packets whose answers are lost.
fn answered_only(outcome: &Outcome) -> Outcome {
    Outcome { there: outcome.both.clone(), ..outcome.clone() }
}
