//! The packets to try between two places.

use super::Trial;
use super::place::{Place, PlaceError};
use crate::packet::{End, Family, Span, number};
use crate::topology::Network;
use crate::walk::internet::public_spans;
use crate::walk::route::minus_spans;
use crate::walk::{Goal, Origin};
use smol_str::SmolStr;
use std::collections::HashSet;
use std::net::IpAddr;
use yagura_model::IpRange;

impl Network {
    /// The packets to try from one place to another. `from_ip`, `to_ip`: addresses that they are to have.
    ///
    /// # Errors
    /// Where no packet can start at the first place.
    pub fn trials(
        &self,
        from: &Place,
        from_ip: Option<IpAddr>,
        to: &Place,
        to_ip: Option<IpAddr>,
    ) -> Result<Vec<Trial>, PlaceError> {
        let mut out = Vec::new();
        for (origin, far) in self.origins(from, from_ip)? {
            out.extend(self.towards(origin, far, to, to_ip));
        }
        Ok(out)
    }

    /// Where packets of a place start, with the far addresses where the place is the far end.
    pub(super) fn origins(
        &self,
        from: &Place,
        ip: Option<IpAddr>,
    ) -> Result<Vec<(Origin, Option<IpRange>)>, PlaceError> {
        let outside = |range: Option<IpRange>, end: End| vec![(Origin::Internet(end), range)];
        Ok(match (from, ip) {
            (Place::Interface(at), _) => self.starts_at_interface(*at, ip),
            (Place::Interfaces(all), _) => all.iter().flat_map(|at| self.starts_at_interface(*at, ip)).collect(),
            (Place::Subnet(at), Some(ip)) => vec![(Origin::Subnet(*at, ip), None)],
            (Place::Subnet(at), None) => {
                self.hosts(*at).into_iter().map(|ip| (Origin::Subnet(*at, ip), None)).collect()
            }
            (Place::Vpc(at), Some(ip)) => {
                self.subnet_of(*at, ip).map(|s| (Origin::Subnet(s, ip), None)).into_iter().collect()
            }
            (Place::Vpc(at), None) => {
                let subnets = self.vpc_subnets.get(*at as usize).map(Vec::as_slice).unwrap_or_default();
                let hosts = |s: &u32| self.hosts(*s).into_iter().map(|ip| Origin::Subnet(*s, ip)).collect::<Vec<_>>();
                subnets.iter().flat_map(hosts).map(|o| (o, None)).collect()
            }
            (Place::Internet, Some(ip)) => outside(None, End::At(ip)),
            (Place::Internet, None) => outside(None, End::Far),
            (Place::Address(ip), _) => self.starts_at_address(*ip),
            (Place::Range(range), _) => {
                let mut out = outside(Some(*range), End::Far);
                out.extend(self.starts_at_premises(End::Far).into_iter().map(|o| (o, Some(*range))));
                out
            }
            (Place::Component(id), ip) => self.starts_at_component(id, ip)?,
        })
    }

    pub(super) fn starts_at_interface(&self, at: u32, ip: Option<IpAddr>) -> Vec<(Origin, Option<IpRange>)> {
        let addresses = self.estate.interfaces.get(at as usize).map(|i| i.addresses.as_slice()).unwrap_or_default();
        match ip {
            // Its own public address is how the internet sees it: it sends from the private one.
            Some(ip) => {
                let ip = addresses.iter().find(|a| a.public == Some(ip)).map_or(ip, |a| a.ip);
                vec![(Origin::Interface(at, ip), None)]
            }
            None => addresses.iter().take(MOST_ADDRESSES).map(|a| (Origin::Interface(at, a.ip), None)).collect(),
        }
    }

    pub(super) fn starts_at_address(&self, ip: IpAddr) -> Vec<(Origin, Option<IpRange>)> {
        let owners: Vec<u32> = self.vpcs().filter_map(|vpc| self.owner_of(vpc, ip)).collect();
        if !owners.is_empty() {
            return owners.into_iter().map(|at| (Origin::Interface(at, ip), None)).collect();
        }
        if let Some((at, private)) = self.behind_public(ip) {
            return vec![(Origin::Interface(at, private), None)];
        }
        let subnets: Vec<u32> = self.vpcs().filter_map(|vpc| self.subnet_of(vpc, ip)).collect();
        if !subnets.is_empty() {
            return subnets.into_iter().map(|s| (Origin::Subnet(s, ip), None)).collect();
        }
        let mut out: Vec<_> = self.starts_at_premises(End::At(ip)).into_iter().map(|o| (o, None)).collect();
        out.push((Origin::Internet(End::At(ip)), None));
        out
    }

    /// Everything that a packet from on premises can come in by.
    pub(super) fn starts_at_premises(&self, source: End) -> Vec<Origin> {
        let mut out = Vec::new();
        for (gateway, at) in self.estate.vpn_gateways.iter().zip(0u32..) {
            out.extend(
                gateway.vpcs.iter().filter_map(|v| self.vpc.get(v)).map(|vpc| Origin::VpnGateway(at, *vpc, source)),
            );
        }
        let attachments = self.estate.transit_attachments.iter().zip(0u32..);
        let outside =
            attachments.filter(|(a, _)| matches!(a.kind.as_str(), "vpn" | "direct-connect-gateway" | "connect"));
        out.extend(outside.map(|(_, at)| Origin::Transit(at, source)));
        out
    }

    pub(super) fn starts_at_component(
        &self,
        id: &SmolStr,
        ip: Option<IpAddr>,
    ) -> Result<Vec<(Origin, Option<IpRange>)>, PlaceError> {
        let end = ip.map_or(End::Far, End::At);
        if self.internet_gateway.contains_key(id) {
            return Ok(vec![(Origin::Internet(end), None)]);
        }
        if let Some(nat) = self.nat.get(id).and_then(|at| self.estate.nat_gateways.get(*at as usize)) {
            let interfaces = nat.interfaces.iter().filter_map(|i| self.interface.get(i));
            return Ok(interfaces.flat_map(|at| self.starts_at_interface(*at, ip)).collect());
        }
        let premises: Vec<_> = self
            .starts_at_premises(end)
            .into_iter()
            .filter(|origin| match origin {
                Origin::VpnGateway(at, ..) => self.estate.vpn_gateways.get(*at as usize).is_some_and(|g| g.id == *id),
                Origin::Transit(at, _) => {
                    let attachment = self.estate.transit_attachments.get(*at as usize);
                    attachment.is_some_and(|a| a.id == *id || a.transit_gateway == *id || a.resource == *id)
                }
                _ => false,
            })
            .map(|origin| (origin, None))
            .collect();
        if premises.is_empty() { Err(PlaceError::NoOrigin(id.to_string())) } else { Ok(premises) }
    }

    /// The trials from one origin.
    pub(super) fn towards(&self, origin: Origin, range: Option<IpRange>, to: &Place, ip: Option<IpAddr>) -> Vec<Trial> {
        let inside = matches!(origin, Origin::Interface(..) | Origin::Subnet(..));
        let from_internet = matches!(origin, Origin::Internet(_));
        let source = origin.source();
        let goal = Goal::default();
        let trial = |destination: End, far: Vec<Span>, family: Family, goal: Goal| Trial {
            origin,
            destination,
            far,
            family,
            goal,
        };
        // To one address: the far end, if any, is the source.
        let to_address = |ip: IpAddr, goal: Goal| -> Option<Trial> {
            let family = Family::of(ip);
            let far = match (source, range) {
                (End::At(s), _) => (Family::of(s) == family).then(|| vec![Span::ANY])?,
                (End::Far, Some(range)) => (Family::of(range.first()) == family).then(|| vec![Span::of(&range)])?,
                (End::Far, None) if from_internet => public_spans(family).to_vec(),
                (End::Far, None) => self.outside_of(family),
            };
            Some(trial(End::At(ip), far, family, goal))
        };
        let to_interface = |at: u32| -> Vec<Trial> {
            let addresses = self.estate.interfaces.get(at as usize).map(|i| i.addresses.as_slice()).unwrap_or_default();
            let goal = Goal { interface: Some(at), ..goal.clone() };
            if let Some(ip) = ip {
                let own = addresses.iter().any(|a| a.ip == ip || a.public == Some(ip));
                let goal = if own { goal } else { Goal::default() };
                return to_address(ip, goal).into_iter().collect();
            }
            let seen = |a: &crate::estate::Address| if from_internet { a.public.unwrap_or(a.ip) } else { a.ip };
            let mut trials: Vec<Trial> =
                addresses.iter().take(MOST_ADDRESSES).filter_map(|a| to_address(seen(a), goal.clone())).collect();
            // What has a public address is asked there first.
            trials.sort_by_key(|t| {
                from_internet && !matches!(t.destination, End::At(ip) if self.public.contains_key(&ip))
            });
            trials
        };
        let far_to = |spans: Vec<Span>, family: Family, goal: Goal| -> Option<Trial> {
            let same = match source {
                End::At(s) => Family::of(s) == family,
                End::Far => false,
            };
            (same && !spans.is_empty()).then(|| trial(End::Far, spans, family, goal))
        };
        let families = [Family::V4, Family::V6];
        match to {
            Place::Interface(at) => to_interface(*at),
            Place::Interfaces(all) => all.iter().flat_map(|at| to_interface(*at)).collect(),
            Place::Subnet(_) | Place::Vpc(_) => {
                let one;
                let subnets = match to {
                    Place::Vpc(at) => self.vpc_subnets.get(*at as usize).map(Vec::as_slice).unwrap_or_default(),
                    Place::Subnet(at) => {
                        one = [*at];
                        &one
                    }
                    _ => &[],
                };
                // The internet reaches what has a public address there.
                let public = if from_internet && ip.is_none() { self.public_of(subnets) } else { Vec::new() };
                let mut trials: Vec<Trial> = public.into_iter().flat_map(to_interface).collect();
                trials.extend(subnets.iter().flat_map(|s| self.to_subnet(*s, ip, &to_address)));
                trials
            }
            Place::Address(ip) => to_address(*ip, goal).into_iter().collect(),
            Place::Internet => match ip {
                Some(ip) => to_address(ip, goal).into_iter().collect(),
                None => {
                    families.into_iter().filter_map(|f| far_to(public_spans(f).to_vec(), f, goal.clone())).collect()
                }
            },
            Place::Range(range) => far_to(vec![Span::of(range)], Family::of(range.first()), goal).into_iter().collect(),
            Place::Component(id) => {
                let goal = Goal { component: Some(id.clone()), any_host: true, ..Goal::default() };
                match ip {
                    Some(ip) => to_address(ip, goal).into_iter().collect(),
                    None if inside => {
                        let spans = |f| self.towards_component(id, origin, f);
                        families.into_iter().filter_map(|f| far_to(spans(f), f, goal.clone())).collect()
                    }
                    None => Vec::new(),
                }
            }
        }
    }

    /// Interfaces with a public address in some subnets, one of each class that nothing tells apart.
    pub(super) fn public_of(&self, subnets: &[u32]) -> Vec<u32> {
        let (nodes, _) = self.interface_nodes();
        let mut seen = HashSet::new();
        let mut out = Vec::new();
        for node in &nodes {
            let Origin::Interface(at, ip) = node.origin else { continue };
            let within = self.interfaces.get(at as usize).and_then(|l| l.subnet).is_some_and(|s| subnets.contains(&s));
            if within && (ip.is_ipv6() || self.has_public(ip)) && seen.insert(node.class) {
                out.push(at);
            }
        }
        out
    }

    pub(super) fn to_subnet(
        &self,
        at: u32,
        ip: Option<IpAddr>,
        to_address: &dyn Fn(IpAddr, Goal) -> Option<Trial>,
    ) -> Vec<Trial> {
        let goal = Goal { any_host: true, ..Goal::default() };
        match ip {
            Some(ip) => to_address(ip, goal).into_iter().collect(),
            None => self.hosts(at).into_iter().filter_map(|ip| to_address(ip, goal.clone())).collect(),
        }
    }

    /// The addresses outside that a component may lead to, seen from an origin.
    pub(super) fn towards_component(&self, id: &SmolStr, origin: Origin, family: Family) -> Vec<Span> {
        if let Some(peering) = self.peering.get(id).and_then(|at| self.estate.peerings.get(*at as usize)) {
            let own = match origin {
                Origin::Interface(at, _) => self.interfaces.get(at as usize).and_then(|l| l.vpc),
                Origin::Subnet(at, _) => self.subnets.get(at as usize).and_then(|l| l.vpc.at()),
                _ => None,
            };
            let own = own.and_then(|v| self.estate.vpcs.get(v as usize)).map(|v| &v.id);
            let other = if own == Some(&peering.requester.vpc) { &peering.accepter } else { &peering.requester };
            return other.cidrs.iter().filter(|c| Family::of(c.first()) == family).map(Span::of).collect();
        }
        let service = self.estate.endpoints.iter().find(|e| e.id == *id || e.service == *id);
        if let Some(service) = service.filter(|e| e.interfaces.is_empty()) {
            let lists = self.estate.prefix_lists.iter().filter(|p| p.name == service.service);
            let listed = lists.filter_map(|p| p.cidrs.as_ref()).flatten();
            let spans: Vec<Span> = listed.filter(|c| Family::of(c.first()) == family).map(Span::of).collect();
            if !spans.is_empty() {
                return spans;
            }
        }
        vec![family.span()]
    }

    /// What lies outside of every VPC.
    pub(super) fn outside_of(&self, family: Family) -> Vec<Span> {
        let own: Vec<Span> = self.vpcs().flat_map(|v| self.spans_of_vpc(v, family)).collect();
        minus_spans(&[family.span()], &own)
    }

    /// One free address of each block of a subnet, past those that AWS keeps (`vpc/latest/userguide/subnet-sizing`).
    pub(crate) fn hosts(&self, at: u32) -> Vec<IpAddr> {
        let Some(subnet) = self.estate.subnets.get(at as usize) else { return Vec::new() };
        let vpc = self.subnets.get(at as usize).and_then(|l| l.vpc.at());
        let free = |range: &IpRange| {
            let family = Family::of(range.first());
            let (first, last) = (number(range.first()).saturating_add(4), number(range.last()));
            let mut candidates = (first..=last).take(MOST_TRIED).map(|n| family.address(n));
            candidates.find(|ip| vpc.is_none_or(|v| self.owner_of(v, *ip).is_none()))
        };
        subnet.cidrs.iter().filter_map(free).collect()
    }
}

/// How many addresses of one interface are tried.
pub(super) const MOST_ADDRESSES: usize = 64;

/// How many addresses of a block are looked at for a free one.
pub(super) const MOST_TRIED: usize = 70_000;
