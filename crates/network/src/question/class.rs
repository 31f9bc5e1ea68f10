//! Classes of interfaces that no rule, list or route tells apart.

use super::matrix::MatrixEnd;
use crate::estate::{Destination, Peer, Target};
use crate::packet::{Family, Span, number};
use crate::topology::Network;
use crate::walk::Origin;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use yagura_model::IpRange;

/// An end with what decides for it.
pub(super) struct Node {
    pub end: MatrixEnd,
    pub origin: Origin,
    pub address: IpAddr,
    pub class: u32,
}

impl Network {
    pub(super) fn interface_nodes(&self) -> (Vec<Node>, usize) {
        let cuts = [self.cuts(Family::V4), self.cuts(Family::V6)];
        let special = self.special_interfaces();
        let mut class_of: HashMap<ClassKey<'_>, u32> = HashMap::new();
        let mut nodes = Vec::new();
        for (interface, at) in self.estate.interfaces.iter().zip(0u32..) {
            let Some(links) = self.interfaces.get(at as usize) else { continue };
            for address in &interface.addresses {
                let family = Family::of(address.ip);
                let [v4, v6] = &cuts;
                let cuts = if family == Family::V4 { v4 } else { v6 };
                let running = links
                    .instance
                    .and_then(|i| self.estate.instances.get(i as usize))
                    .is_none_or(|i| matches!(i.state.as_str(), "running" | ""));
                let key = ClassKey {
                    subnet: &interface.subnet,
                    groups: interface.groups.as_deref(),
                    atom: cuts.partition_point(|c| *c <= number(address.ip)),
                    works: running && interface.in_use,
                    public: address.public.is_some(),
                    family,
                    own: (special.contains(&at) || links.role.is_some()).then_some(at),
                };
                let next = class_of.len() as u32;
                let class = *class_of.entry(key).or_insert(next);
                nodes.push(Node {
                    end: MatrixEnd::Inside {
                        node: interface.id.clone(),
                        ip: address.ip.to_string().into(),
                        subnet: interface.subnet.clone(),
                        instance: interface.instance.clone(),
                    },
                    origin: Origin::Interface(at, address.ip),
                    address: address.ip,
                    class,
                });
            }
        }
        (nodes, class_of.len())
    }

    pub(super) fn subnet_nodes(&self) -> (Vec<Node>, usize) {
        let mut nodes = Vec::new();
        for (subnet, at) in self.estate.subnets.iter().zip(0u32..) {
            for (host, cidr) in self.hosts(at).into_iter().zip(&subnet.cidrs) {
                let class = nodes.len() as u32;
                let end = MatrixEnd::Inside {
                    node: subnet.id.clone(),
                    ip: cidr.to_string().into(),
                    subnet: subnet.id.clone(),
                    instance: None,
                };
                nodes.push(Node { end, origin: Origin::Subnet(at, host), address: host, class });
            }
        }
        let classes = nodes.len();
        (nodes, classes)
    }

    /// Interfaces that routes name: each is a class of its own.
    pub(super) fn special_interfaces(&self) -> HashSet<u32> {
        let targets = self.estate.route_tables.iter().flat_map(|t| &t.routes);
        let of_target = |target: &Target| match target {
            Target::Interface(id) => self.interface.get(id).copied().into_iter().collect(),
            Target::Instance(id) => {
                self.instance.get(id).and_then(|i| self.instance_interfaces.get(i)).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        targets.flat_map(|r| of_target(&r.target)).collect()
    }

    /// Where some rule, list or route begins or ends to match: addresses between two cuts are treated alike.
    pub(super) fn cuts(&self, family: Family) -> Vec<u128> {
        let mut cuts = BTreeSet::new();
        let mut cut = |range: &IpRange| {
            if Family::of(range.first()) == family {
                let span = Span::of(range);
                cuts.insert(span.first);
                cuts.extend(span.last.checked_add(1));
            }
        };
        for group in &self.estate.security_groups {
            for rule in group.ingress.iter().chain(&group.egress) {
                if let Peer::Range(range) = &rule.peer {
                    cut(range);
                }
            }
        }
        self.estate.network_acls.iter().flat_map(|a| &a.entries).for_each(|e| cut(&e.range));
        for route in self.estate.route_tables.iter().flat_map(|t| &t.routes) {
            if let Destination::Range(range) = &route.destination {
                cut(range);
            }
        }
        self.estate
            .transit_route_tables
            .iter()
            .flat_map(|t| t.routes.iter().flatten())
            .for_each(|r| cut(&r.destination));
        self.estate.prefix_lists.iter().flat_map(|p| p.cidrs.iter().flatten()).for_each(&mut cut);
        self.estate.vpcs.iter().flat_map(|v| &v.cidrs).for_each(&mut cut);
        for firewall in &self.estate.firewalls {
            firewall.rules.iter().flat_map(|r| r.ranges()).for_each(|r| cut(&r));
        }
        cuts.into_iter().collect()
    }
}

/// What tells interfaces apart.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct ClassKey<'n> {
    subnet: &'n SmolStr,
    groups: Option<&'n [SmolStr]>,
    atom: usize,
    works: bool,
    public: bool,
    family: Family,
    own: Option<u32>,
}

pub(super) fn same_interface(a: &Node, b: &Node) -> bool {
    matches!((a.origin, b.origin), (Origin::Interface(a, _), Origin::Interface(b, _)) if a == b)
}
