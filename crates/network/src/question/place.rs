//! The ends of a question as people name them, and the packets to try between them.

use crate::packet::{Family, Span};
use crate::topology::Network;
use crate::walk::internet::is_public;
use crate::walk::internet::public_spans;
use crate::walk::route::and_spans;
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_model::IpRange;

/// What an end of a question is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A network interface.
    Interface(u32),
    /// Everything that has one of these interfaces: an instance, a load balancer, an endpoint, a function, a database.
    Interfaces(Vec<u32>),
    /// Any address of a subnet: routes and network ACLs only.
    Subnet(u32),
    /// Any subnet of a VPC.
    Vpc(u32),
    /// The public internet.
    Internet,
    /// An address.
    Address(IpAddr),
    /// A block of addresses outside.
    Range(IpRange),
    /// A gateway or another component on the way, by its id.
    Component(SmolStr),
}

/// No end was found by a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Nothing is named so.
    #[error("nothing in the network is named `{0}`")]
    Unknown(String),
    /// Several things are.
    #[error("`{name}` is the name of {count} things; give one of {ids}")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many.
        count: usize,
        /// Their ids.
        ids: String,
    },
    /// It cannot be where a packet starts.
    #[error("`{0}` cannot be where a packet starts")]
    NoOrigin(String),
}

impl Network {
    /// Finds what `text` names: an id, an address, a block, `internet`, a name or ARN.
    ///
    /// # Errors
    /// Where nothing, or more than one thing, is named so.
    pub fn place(&self, text: &str) -> Result<Place, PlaceError> {
        if text.eq_ignore_ascii_case("internet") {
            return Ok(Place::Internet);
        }
        if let Ok(ip) = text.parse() {
            return Ok(Place::Address(ip));
        }
        if let Some(range) = IpRange::parse(text) {
            return Ok(Place::Range(range));
        }
        if let Some(place) = self.by_id(text) {
            return Ok(place);
        }
        let mut named = self.by_name(text);
        named.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        named.dedup_by(|a, b| a.0 == b.0);
        match named.len() {
            0 => Err(PlaceError::Unknown(text.to_owned())),
            1 => named.pop().map(|(_, place)| place).ok_or_else(|| PlaceError::Unknown(text.to_owned())),
            count => {
                let ids: Vec<&str> = named.iter().map(|(id, _)| id.as_str()).take(5).collect();
                Err(PlaceError::Ambiguous { name: text.to_owned(), count, ids: ids.join(", ") })
            }
        }
    }

    /// Names and ids that people may ask about, for the nearest right spelling.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let estate = &self.estate;
        let instances = estate.instances.iter().flat_map(|i| i.name.iter().chain([&i.id]));
        let interfaces = estate.interfaces.iter().flat_map(|i| i.name.iter().chain([&i.id]));
        let subnets = estate.subnets.iter().flat_map(|s| s.name.iter().chain([&s.id]));
        let vpcs = estate.vpcs.iter().flat_map(|v| v.name.iter().chain([&v.id]));
        let balancers = estate.load_balancers.iter().map(|b| &b.name);
        let owners = estate.owners.iter().map(|o| &o.name);
        instances.chain(interfaces).chain(subnets).chain(vpcs).chain(balancers).chain(owners).map(SmolStr::as_str)
    }

    fn by_id(&self, id: &str) -> Option<Place> {
        if let Some(at) = self.interface.get(id) {
            return Some(Place::Interface(*at));
        }
        if let Some(at) = self.instance.get(id) {
            return Some(Place::Interfaces(self.instance_interfaces.get(at).cloned().unwrap_or_default()));
        }
        if let Some(at) = self.subnet.get(id) {
            return Some(Place::Subnet(*at));
        }
        if let Some(at) = self.vpc.get(id) {
            return Some(Place::Vpc(*at));
        }
        let estate = &self.estate;
        if let Some(balancer) = estate.load_balancers.iter().find(|b| b.id == id || b.dns_name == id) {
            return Some(self.interfaces_named(&balancer.interfaces));
        }
        if let Some(endpoint) = self.endpoint.get(id).and_then(|at| estate.endpoints.get(*at as usize))
            && !endpoint.interfaces.is_empty()
        {
            return Some(self.interfaces_named(&endpoint.interfaces));
        }
        if let Some(owner) = estate.owners.iter().find(|o| o.id == id) {
            return Some(Place::Interfaces(self.interfaces_of(owner)));
        }
        let known = self.internet_gateway.contains_key(id)
            || self.egress_only.contains_key(id)
            || self.nat.contains_key(id)
            || self.peering.contains_key(id)
            || self.transit_gateway.contains_key(id)
            || self.vpn_gateway.contains_key(id)
            || self.endpoint.contains_key(id)
            || estate.vpn_connections.iter().any(|c| c.id == id)
            || estate.transit_attachments.iter().any(|a| a.id == id || a.transit_gateway == id || a.resource == id)
            || estate.endpoints.iter().any(|e| e.service == id)
            || estate.route_tables.iter().flat_map(|t| &t.routes).any(|r| crate::topology::target_id(&r.target) == id);
        known.then(|| Place::Component(id.into()))
    }

    fn by_name(&self, name: &str) -> Vec<(SmolStr, Place)> {
        let estate = &self.estate;
        let is = |n: &Option<SmolStr>| n.as_deref() == Some(name);
        let mut out: Vec<(SmolStr, Place)> = Vec::new();
        for (instance, at) in estate.instances.iter().zip(0u32..).filter(|(i, _)| is(&i.name)) {
            out.push((
                instance.id.clone(),
                Place::Interfaces(self.instance_interfaces.get(&at).cloned().unwrap_or_default()),
            ));
        }
        out.extend(
            estate
                .interfaces
                .iter()
                .zip(0..)
                .filter(|(i, _)| is(&i.name))
                .map(|(i, at)| (i.id.clone(), Place::Interface(at))),
        );
        out.extend(
            estate
                .subnets
                .iter()
                .zip(0..)
                .filter(|(s, _)| is(&s.name))
                .map(|(s, at)| (s.id.clone(), Place::Subnet(at))),
        );
        out.extend(
            estate.vpcs.iter().zip(0..).filter(|(v, _)| is(&v.name)).map(|(v, at)| (v.id.clone(), Place::Vpc(at))),
        );
        let balancers = estate.load_balancers.iter().filter(|b| b.name == name);
        out.extend(balancers.map(|b| (b.id.clone(), self.interfaces_named(&b.interfaces))));
        let owners = estate.owners.iter().filter(|o| o.name == name || o.id.rsplit([':', '/']).next() == Some(name));
        out.extend(owners.map(|o| (o.id.clone(), Place::Interfaces(self.interfaces_of(o)))));
        // A service by its short name: `s3` is `com.amazonaws.<Region>.s3`.
        for endpoint in estate.endpoints.iter().filter(|e| e.service.rsplit('.').next() == Some(name)) {
            let place = if endpoint.interfaces.is_empty() {
                Place::Component(endpoint.service.clone())
            } else {
                self.interfaces_named(&endpoint.interfaces)
            };
            out.push((endpoint.id.clone(), place));
        }
        out
    }

    fn interfaces_named(&self, ids: &[SmolStr]) -> Place {
        Place::Interfaces(ids.iter().filter_map(|i| self.interface.get(i).copied()).collect())
    }

    /// The interfaces of an owner: those that it names, else those in its subnets that carry one of its groups and no
    /// instance.
    pub(crate) fn interfaces_of(&self, owner: &crate::estate::Owner) -> Vec<u32> {
        if !owner.interfaces.is_empty() {
            return owner.interfaces.iter().filter_map(|i| self.interface.get(i).copied()).collect();
        }
        let fits = |i: &crate::estate::Interface| {
            i.instance.is_none()
                && owner.subnets.contains(&i.subnet)
                && i.groups.as_ref().is_some_and(|groups| groups.iter().any(|g| owner.groups.contains(g)))
        };
        let candidates = self
            .estate
            .interfaces
            .iter()
            .zip(0u32..)
            .filter(|(i, at)| fits(i) && self.interfaces.get(*at as usize).is_some_and(|l| l.role.is_none()));
        candidates.map(|(_, at)| at).collect()
    }

    /// The addresses of a place, private and public; empty: any address.
    pub fn addresses_of(&self, place: &Place) -> Vec<IpAddr> {
        let of =
            |at: &u32| self.estate.interfaces.get(*at as usize).map(|i| i.addresses.as_slice()).unwrap_or_default();
        let both = |a: &crate::estate::Address| std::iter::once(a.ip).chain(a.public);
        match place {
            Place::Interface(at) => of(at).iter().flat_map(both).collect(),
            Place::Interfaces(all) => all.iter().flat_map(of).flat_map(both).collect(),
            Place::Address(ip) => vec![*ip],
            _ => Vec::new(),
        }
    }
}

/// Whether an address is of the public internet, for callers that word an answer.
pub fn public(ip: IpAddr) -> bool {
    is_public(ip)
}

/// Whether a block holds addresses of the public internet.
pub fn holds_public(range: &IpRange) -> bool {
    !and_spans(public_spans(Family::of(range.first())), &[Span::of(range)]).is_empty()
}
