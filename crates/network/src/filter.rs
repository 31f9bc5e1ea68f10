//! What security groups and network ACLs let through, as sets of packets in the packet's own ports.

use crate::estate::{GroupRule, Home, NetworkAcl, Peer, SecurityGroup};
use crate::packet::{End, Family, PacketBox, PacketSet, Span, number};
use crate::topology::{Missing, Network};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::IpRange;

/// What passes for certain, what may, and what was not read where the two differ.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Passage {
    /// Passes whatever was not read says.
    pub must: PacketSet,
    /// Passes if what was not read allows it; `None`: nothing was missing.
    pub may: Option<PacketSet>,
    /// What was not read.
    pub missing: Vec<Arc<Missing>>,
}

impl Passage {
    /// What passes, with nothing missing.
    pub fn exactly(must: PacketSet) -> Self {
        Self { must, may: None, missing: Vec::new() }
    }

    /// Nothing is known: everything may pass.
    pub fn unknown(missing: Arc<Missing>) -> Self {
        Self { must: PacketSet::none(), may: Some(PacketSet::all()), missing: vec![missing] }
    }

    /// What may pass.
    pub fn may(&self) -> &PacketSet {
        self.may.as_ref().unwrap_or(&self.must)
    }

    /// Both sets as `change` makes them.
    pub fn map(self, change: impl Fn(&PacketSet) -> PacketSet) -> Self {
        Self { must: change(&self.must), may: self.may.as_ref().map(&change), missing: self.missing }
    }
}

/// A direction through a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Into the subnet or interface: the remote end is the source.
    Ingress,
    /// Out of it: the remote end is the destination.
    Egress,
}

/// The compiled entries of a network ACL.
#[derive(Debug)]
pub(crate) struct AclFilter {
    sets: [PacketSet; 4],
}

impl AclFilter {
    /// The first entry that matches decides; what none matches is denied
    /// (`vpc/latest/userguide/nacl-basics`).
    pub fn new(acl: &NetworkAcl) -> Self {
        let set = |egress: bool, family: Family| {
            let mut entries: Vec<_> =
                acl.entries.iter().filter(|e| e.egress == egress && Family::of(e.range.first()) == family).collect();
            entries.sort_by_key(|e| e.number);
            let (mut open, mut left) = (PacketSet::none(), PacketSet::all());
            for entry in entries {
                let matched: PacketSet =
                    [PacketBox::of(entry.service).from(Span::of(&entry.range))].into_iter().collect();
                if entry.allow {
                    left.and(&matched).boxes().iter().for_each(|b| open.add(*b));
                }
                left = left.minus(&matched);
            }
            open
        };
        Self { sets: [set(false, Family::V4), set(true, Family::V4), set(false, Family::V6), set(true, Family::V6)] }
    }

    /// What passes to or from the remote end.
    pub fn allows(&self, way: Way, family: Family, remote: End) -> PacketSet {
        let [in4, out4, in6, out6] = &self.sets;
        let set = match (way, family) {
            (Way::Ingress, Family::V4) => in4,
            (Way::Egress, Family::V4) => out4,
            (Way::Ingress, Family::V6) => in6,
            (Way::Egress, Family::V6) => out6,
        };
        match remote {
            End::Far => set.clone(),
            End::At(ip) => at(set, number(ip)),
        }
    }
}

/// The packets of a set whose far address is this one, for any far address.
fn at(set: &PacketSet, address: u128) -> PacketSet {
    set.map(|b| b.far.contains(address).then(|| b.from(Span::ANY)))
}

/// The remote end of a security group's rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remote<'n> {
    /// Its address.
    pub end: End,
    /// Its family.
    pub family: Family,
    /// Its security groups, where rules that name groups see them; `Err`: they were not read.
    pub groups: Result<&'n [SmolStr], &'n Arc<Missing>>,
}

impl Network {
    /// What the security groups of an interface let through: the union of their rules
    /// (`vpc/latest/userguide/vpc-security-groups`).
    pub(crate) fn groups_allow(&self, interface: u32, way: Way, remote: &Remote<'_>) -> Passage {
        let Some(interface) = self.estate.interfaces.get(interface as usize) else { return Passage::default() };
        let Some(groups) = &interface.groups else {
            return Passage::unknown(self.hole("DescribeNetworkInterfaces", &interface.id, &interface.home));
        };
        let (mut must, mut perhaps, mut holes) = (PacketSet::none(), PacketSet::none(), Vec::new());
        for id in groups {
            let Some(group) = self.group.get(id).and_then(|at| self.estate.security_groups.get(*at as usize)) else {
                perhaps.add(PacketBox::ANY);
                holes.push(self.hole("DescribeSecurityGroups", id, &interface.home));
                continue;
            };
            let rules = match way {
                Way::Ingress => &group.ingress,
                Way::Egress => &group.egress,
            };
            for rule in rules {
                match self.rule_matches(group, rule, remote) {
                    Ok(boxes) => boxes.into_iter().for_each(|b| must.add(b)),
                    Err(hole) => {
                        perhaps.add(PacketBox::of(rule.service));
                        holes.push(hole);
                    }
                }
            }
        }
        let may = (!holes.is_empty()).then(|| must.or(&perhaps));
        Passage { must, may, missing: holes }
    }

    /// The boxes that a rule lets through; the hole where that hangs on what was not read.
    pub(crate) fn rule_matches(
        &self,
        group: &SecurityGroup,
        rule: &GroupRule,
        remote: &Remote<'_>,
    ) -> Result<Vec<PacketBox>, Arc<Missing>> {
        let service = PacketBox::of(rule.service);
        let ranges = |ranges: &[IpRange]| ranges.iter().filter_map(|r| in_range(service, r, remote)).collect();
        match &rule.peer {
            Peer::Range(range) => Ok(in_range(service, range, remote).into_iter().collect()),
            Peer::PrefixList(id) => match self.prefixes(id) {
                Some(list) => Ok(ranges(list)),
                None => Err(self.prefixes_hole(id, &group.home)),
            },
            Peer::Group(id) => {
                let groups = remote.groups.map_err(Arc::clone)?;
                Ok(groups.contains(id).then_some(service).into_iter().collect())
            }
        }
    }

    /// The blocks of a prefix list, where they were read.
    pub(crate) fn prefixes(&self, id: &SmolStr) -> Option<&[IpRange]> {
        let at = self.prefix_list.get(id)?;
        self.estate.prefix_lists.get(*at as usize)?.cidrs.as_deref()
    }

    /// The hole that a prefix list leaves whose blocks were not read: nobody told its entries, or that there is one.
    pub(crate) fn prefixes_hole(&self, id: &SmolStr, home: &Home) -> Arc<Missing> {
        let entries = "GetManagedPrefixListEntries";
        let unread = |call: &&str| self.unread(call, home).is_some();
        let call = [entries, "DescribeManagedPrefixLists"].into_iter().find(unread).unwrap_or(entries);
        self.hole(call, id, home)
    }
}

fn in_range(service: PacketBox, range: &IpRange, remote: &Remote<'_>) -> Option<PacketBox> {
    if Family::of(range.first()) != remote.family {
        return None;
    }
    match remote.end {
        End::Far => Some(service.from(Span::of(range))),
        End::At(ip) => range.contains(ip).then_some(service),
    }
}
