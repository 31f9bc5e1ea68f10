//! Every pair: what each may send to each, and whether the answer comes back.
//!
//! Interfaces that no rule, list or route tells apart form a class; each pair of classes is walked once. So the cost
//! grows with the rules that differ, not with the number of interfaces.

use super::{Outcome, Trial};
use crate::estate::{Destination, Peer, Target};
use crate::packet::{ANY_PORT, End, Family, ICMP, ICMPV6, PacketBox, PacketSet, Span, TCP, UDP, number};
use crate::topology::Network;
use crate::walk::internet::public_spans;
use crate::walk::route::{and_spans, minus_spans};
use crate::walk::{Arrival, Ending, Goal, Origin};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

/// What a matrix is between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Addresses of network interfaces.
    Interfaces,
    /// Subnets: network ACLs and routes only.
    Subnets,
}

/// One end of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum MatrixEnd {
    /// Something inside.
    Inside {
        /// The id of the network interface, or of the subnet.
        node: SmolStr,
        /// Its address; the block, for a subnet.
        ip: SmolStr,
        /// Its subnet.
        subnet: SmolStr,
        /// The instance that the interface is attached to.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<SmolStr>,
    },
    /// Addresses outside of every VPC.
    Outside {
        /// The block. Addresses in it that are not of the internet, or are a VPC's own, do not count.
        cidr: String,
    },
}

/// One entry of what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Allowed {
    /// `all`, `tcp`, `udp`, `icmp` or a number. `all` counts for what no other entry of the line names.
    pub protocol: SmolStr,
    /// Source ports; absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_ports: Option<Vec<(u16, u16)>>,
    /// Destination ports (ICMP: `type << 8 | code`); absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_ports: Option<Vec<(u16, u16)>>,
    /// Whether the answer comes back.
    pub reply: super::Reachable,
}

/// What one line says, apart from its ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Grant {
    /// What is allowed.
    pub allowed: Vec<Allowed>,
    /// Calls that were not read and that the line takes the usual answer for: the main route table's, mostly.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<SmolStr>,
}

/// An end with what decides for it.
pub(super) struct Node {
    pub end: MatrixEnd,
    pub origin: Origin,
    pub address: IpAddr,
    pub class: u32,
}

impl Network {
    /// Walks every pair and hands each line that allows something to `line`, on `threads` threads.
    ///
    /// # Errors
    /// What `line` answers.
    pub fn matrix<E>(
        &self,
        between: Between,
        threads: usize,
        mut line: impl FnMut(&MatrixEnd, &MatrixEnd, &Arc<Grant>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (nodes, classes) = match between {
            Between::Interfaces => self.interface_nodes(),
            Between::Subnets => self.subnet_nodes(),
        };
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
        for (at, node) in nodes.iter().enumerate() {
            if let Some(class) = members.get_mut(node.class as usize) {
                class.push(at);
            }
        }
        let any_host = between == Between::Subnets;
        let rows = in_parallel(classes, threads, |from| {
            let row: Vec<Option<Arc<Grant>>> =
                (0..classes).map(|to| self.between(&nodes, &members, from, to, any_host)).collect();
            let (outward, mut inward) = self.outward(&nodes, &members, from, any_host);
            if !any_host {
                inward.extend(self.inward(&nodes, &members, from));
            }
            (row, outward, inward)
        });
        let row = |node: &Node| rows.get(node.class as usize);
        for (at, from) in nodes.iter().enumerate() {
            let Some((row, outward, inward)) = row(from) else { continue };
            for (other, to) in nodes.iter().enumerate() {
                if at == other || same_interface(from, to) {
                    continue;
                }
                if let Some(Some(grant)) = row.get(to.class as usize) {
                    line(&from.end, &to.end, grant)?;
                }
            }
            for (outside, grant) in outward {
                line(&from.end, outside, grant)?;
            }
            for (outside, grant) in inward {
                line(outside, &from.end, grant)?;
            }
        }
        Ok(())
    }

    fn between(
        &self,
        nodes: &[Node],
        members: &[Vec<usize>],
        from: usize,
        to: usize,
        any_host: bool,
    ) -> Option<Arc<Grant>> {
        let of = |class: usize| members.get(class).into_iter().flatten().filter_map(|at| nodes.get(*at));
        // Two members that may talk: an interface says nothing to itself.
        let (first, second) = of(from).find_map(|a| {
            let other = of(to).find(|b| !same_interface(a, b) && a.address != b.address)?;
            Some((a, other))
        })?;
        if Family::of(first.address) != Family::of(second.address) {
            return None;
        }
        let interface = match second.origin {
            Origin::Interface(at, _) => Some(at),
            _ => None,
        };
        let trial = Trial {
            origin: first.origin,
            destination: End::At(second.address),
            far: vec![Span::ANY],
            family: Family::of(first.address),
            goal: Goal { any_host, interface, quiet: true, ..Goal::default() },
        };
        let outcome = self.passing(&trial, &PacketSet::all());
        let grant = grant(&usual(self, outcome, &trial), PacketSet::clone);
        (!grant.allowed.is_empty()).then(|| Arc::new(grant))
    }

    /// What a class may send outside, and what may come to it from on premises.
    fn outward(&self, nodes: &[Node], members: &[Vec<usize>], from: usize, any_host: bool) -> (Lines, Lines) {
        let Some(node) = members.get(from).and_then(|m| m.first()).and_then(|at| nodes.get(*at)) else {
            return Default::default();
        };
        let family = Family::of(node.address);
        let outside = minus_spans(&[family.span()], &self.own_spans(family));
        let trial = Trial {
            origin: node.origin,
            destination: End::Far,
            far: outside,
            family,
            goal: Goal { any_host, quiet: true, ..Goal::default() },
        };
        let outcome = self.outcome(&trial, &PacketSet::all());
        let mut inward = Vec::new();
        for (origin, far) in premises(&outcome) {
            let (destination, goal) = (End::At(node.address), Goal { any_host, quiet: true, ..Goal::default() });
            let trial = Trial { origin, destination, far, family, goal };
            let outcome = self.outcome(&trial, &PacketSet::all());
            inward.extend(self.by_block(&usual(self, outcome, &trial), family));
        }
        (self.by_block(&usual(self, outcome, &trial), family), inward)
    }

    /// What the internet may send to a class.
    fn inward(&self, nodes: &[Node], members: &[Vec<usize>], to: usize) -> Lines {
        let Some(node) = members.get(to).and_then(|m| m.first()).and_then(|at| nodes.get(*at)) else {
            return Vec::new();
        };
        let family = Family::of(node.address);
        let Origin::Interface(at, ip) = node.origin else { return Vec::new() };
        let addresses = self.estate.interfaces.get(at as usize).map(|i| i.addresses.as_slice()).unwrap_or_default();
        let public = match family {
            Family::V4 => addresses.iter().find(|a| a.ip == ip).and_then(|a| a.public),
            Family::V6 => Some(ip),
        };
        let Some(public) = public else { return Vec::new() };
        let trial = Trial {
            origin: Origin::Internet(End::Far),
            destination: End::At(public),
            far: public_spans(family).to_vec(),
            family,
            goal: Goal::default(),
        };
        self.by_block(&usual(self, self.outcome(&trial, &PacketSet::all()), &trial), family)
    }

    fn own_spans(&self, family: Family) -> Vec<Span> {
        self.vpcs().flat_map(|v| self.spans_of_vpc(v, family)).collect()
    }

    /// The lines of an outcome with a far end: one a block of addresses that are treated alike.
    pub(super) fn by_block(&self, outcome: &Outcome, family: Family) -> Vec<(MatrixEnd, Arc<Grant>)> {
        let may = outcome.there.1.canonical();
        let mut spans: Vec<Span> = may.boxes().iter().map(|b| b.far).collect();
        // Answers may split a block that requests do not.
        spans = cut_at(
            &spans,
            outcome.both.1.canonical().boxes().iter().chain(outcome.both.0.canonical().boxes()).map(|b| b.far),
        );
        let mut alike: BTreeMap<Grant, Vec<Span>> = BTreeMap::new();
        for span in spans {
            let within = |set: &PacketSet| set.map(|b| b.far.and(span).map(|_| b.from(Span::ANY)));
            let grant = grant(outcome, within);
            if !grant.allowed.is_empty() {
                alike.entry(grant).or_default().push(span);
            }
        }
        // Private addresses outside of every VPC are somewhere on premises: they are named exactly.
        let mut ignored = self.own_spans(family);
        let reached: Vec<Span> = alike.values().flatten().copied().collect();
        let public_only = minus_spans(&reached, public_spans(family)).is_empty();
        if public_only {
            ignored.extend(minus_spans(&[family.span()], public_spans(family)));
        }
        let mut out = Vec::new();
        for (grant, spans) in alike {
            let grant = Arc::new(grant);
            out.extend(
                blocks(&spans, &ignored, family)
                    .into_iter()
                    .map(|b| (MatrixEnd::Outside { cidr: b.to_string() }, Arc::clone(&grant))),
            );
        }
        out
    }

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

    fn subnet_nodes(&self) -> (Vec<Node>, usize) {
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
    fn special_interfaces(&self) -> HashSet<u32> {
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
    fn cuts(&self, family: Family) -> Vec<u128> {
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

/// What lines of one end say: the other end, and what is allowed.
type Lines = Vec<(MatrixEnd, Arc<Grant>)>;

/// What lies on premises, as far as ways lead there: the gateways that it is behind, with its addresses.
fn premises(outcome: &Outcome) -> Vec<(Origin, Vec<Span>)> {
    let mut out: Vec<(Origin, Vec<Span>)> = Vec::new();
    for (leg, _) in &outcome.ways {
        let origin = match &leg.ending {
            Ending::Arrived(Arrival::VpnGateway(gateway, vpc)) => Origin::VpnGateway(*gateway, *vpc, End::Far),
            Ending::Arrived(Arrival::Transit(attachment)) => Origin::Transit(*attachment, End::Far),
            _ => continue,
        };
        // What a device hid behind its own address is not what answers come back to.
        if !leg.translations.is_empty() {
            continue;
        }
        match out.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, far)) => far.extend(leg.far.iter().copied()),
            None => out.push((origin, leg.far.clone())),
        }
    }
    out
}

/// What tells interfaces apart.
#[derive(PartialEq, Eq, Hash)]
struct ClassKey<'n> {
    subnet: &'n SmolStr,
    groups: Option<&'n [SmolStr]>,
    atom: usize,
    works: bool,
    public: bool,
    family: Family,
    own: Option<u32>,
}

fn same_interface(a: &Node, b: &Node) -> bool {
    matches!((a.origin, b.origin), (Origin::Interface(a, _), Origin::Interface(b, _)) if a == b)
}

/// Runs `work` over `0..count`, in order of the answers.
fn in_parallel<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads <= 1 || count < 2 {
        return (0..count).map(work).collect();
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, work(at)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(run)).collect();
        handles.into_iter().filter_map(|h| h.join().ok()).flatten().collect()
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, t)| t).collect()
}

/// The spans, cut where others begin and end.
fn cut_at(spans: &[Span], others: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut cuts: BTreeSet<u128> = BTreeSet::new();
    for other in others {
        cuts.insert(other.first);
        cuts.extend(other.last.checked_add(1));
    }
    let mut out: BTreeSet<Span> = BTreeSet::new();
    for span in spans {
        let mut first = span.first;
        for cut in cuts.range(span.first..=span.last).filter(|c| **c > span.first) {
            out.insert(Span { first, last: cut - 1 });
            first = *cut;
        }
        out.insert(Span { first, last: span.last });
    }
    out.into_iter().collect()
}

/// The fewest blocks that hold the spans and, besides, only addresses that do not count.
fn blocks(spans: &[Span], ignored: &[Span], family: Family) -> Vec<IpRange> {
    let counts = minus_spans(spans, ignored);
    let others = minus_spans(&minus_spans(&[family.span()], spans), ignored);
    let mut out = Vec::new();
    let bits = if family == Family::V4 { 32 } else { 128 };
    cover(0, bits, family, &counts, &others, &mut out);
    out
}

fn cover(first: u128, bits: u32, family: Family, counts: &[Span], others: &[Span], out: &mut Vec<IpRange>) {
    let size = 1u128.checked_shl(bits).map_or(u128::MAX, |s| s - 1);
    let block = Span { first, last: first.saturating_add(size) };
    let counts = and_spans(counts, &[block]);
    if counts.is_empty() {
        return;
    }
    let others = and_spans(others, &[block]);
    if others.is_empty() || bits == 0 {
        let width = if family == Family::V4 { 32 } else { 128 };
        let text = format!("{}/{}", family.address(first), width - bits);
        out.extend(IpRange::parse(&text));
        return;
    }
    let half = bits - 1;
    cover(first, half, family, &counts, &others, out);
    cover(first | 1u128.checked_shl(half).unwrap_or(0), half, family, &counts, &others, out);
}

/// Route tables that were not read: the usual ones stand for them, as the line says.
fn usual(network: &Network, outcome: Outcome, trial: &Trial) -> Outcome {
    let missing = outcome.missing();
    if missing.is_empty() || missing.iter().any(|m| m.call != "DescribeRouteTables") {
        return outcome;
    }
    outcome.with_usual_routes(network, trial)
}

/// What an outcome allows, whatever the far address.
pub(crate) fn allowed(outcome: &Outcome) -> Vec<Allowed> {
    grant(outcome, |set| set.map(|b| Some(b.from(Span::ANY)))).allowed
}

/// What an outcome allows, of the part that `within` takes.
fn grant(outcome: &Outcome, within: impl Fn(&PacketSet) -> PacketSet) -> Grant {
    let there = within(&outcome.there.1);
    if there.is_empty() {
        return Grant::default();
    }
    let (back, mut perhaps) = (within(&outcome.both.0), within(&outcome.both.1));
    let mut unread: BTreeSet<SmolStr> = BTreeSet::new();
    let missing = outcome.missing();
    if !missing.is_empty() {
        unread.extend(missing.iter().map(|m| if m.call.is_empty() { &m.of } else { &m.call }).cloned());
    }
    perhaps = perhaps.minus(&back);
    let lost = there.minus(&back).minus(&perhaps);
    let parts = [(super::Reachable::Yes, back), (super::Reachable::Unknown, perhaps), (super::Reachable::No, lost)];
    Grant { allowed: entries(&parts), unread }
}

/// The entries of a line: one for everything where nothing differs, else one a protocol.
pub(super) fn entries(parts: &[(super::Reachable, PacketSet)]) -> Vec<Allowed> {
    let parts: Vec<(super::Reachable, PacketSet)> =
        parts.iter().map(|(r, s)| (*r, s.canonical())).filter(|(_, s)| !s.is_empty()).collect();
    let entry = |protocol: &str, src: (u16, u16), dst: Vec<(u16, u16)>, reply| Allowed {
        protocol: protocol.into(),
        src_ports: (src != ANY_PORT).then(|| vec![src]),
        dst_ports: (dst != [ANY_PORT]).then_some(dst),
        reply,
    };
    if let [(reply, set)] = parts.as_slice()
        && set.is_all()
    {
        return vec![entry("all", ANY_PORT, vec![ANY_PORT], *reply)];
    }
    let mut out = Vec::new();
    // ICMPv6 has types too; where none is told apart it is one of the others.
    let types = parts.iter().any(|(_, s)| rectangles(s, ICMPV6).iter().any(|(_, dst)| dst.as_slice() != [ANY_PORT]));
    let number_of_icmpv6 = ICMPV6.to_string();
    let mut named = vec![(TCP, "tcp"), (UDP, "udp"), (ICMP, "icmp")];
    named.extend(types.then_some((ICMPV6, number_of_icmpv6.as_str())));
    for (number, name) in named.iter().copied() {
        for (reply, set) in &parts {
            for (src, dst) in rectangles(set, number) {
                out.push(entry(name, src, dst, *reply));
            }
        }
    }
    // The other protocols: together where they are alike and `all` says nothing wrong of the three, else each.
    let rest: Vec<(super::Reachable, Vec<(u8, u8)>)> =
        parts.iter().map(|(r, s)| (*r, other_protocols(s, &named))).collect();
    let whole = parts.iter().fold(PacketSet::none(), |all, (_, s)| all.or(s)).canonical().is_all();
    let alone = match rest.iter().filter(|(_, p)| !p.is_empty()).collect::<Vec<_>>().as_slice() {
        [(reply, protocols)] if whole && *reply != super::Reachable::Yes && count(protocols) == 256 - named.len() => {
            Some(*reply)
        }
        _ => None,
    };
    if let Some(reply) = alone {
        out.push(entry("all", ANY_PORT, vec![ANY_PORT], reply));
        return out;
    }
    for (reply, protocols) in rest {
        for (first, last) in protocols {
            out.extend((first..=last).map(|n| entry(&n.to_string(), ANY_PORT, vec![ANY_PORT], reply)));
        }
    }
    out
}

fn count(protocols: &[(u8, u8)]) -> usize {
    protocols.iter().map(|(first, last)| usize::from(last - first) + 1).sum()
}

/// First and last port.
type Ports = (u16, u16);

/// The port rectangles of one protocol, those with the same source ports together.
fn rectangles(set: &PacketSet, protocol: u8) -> Vec<(Ports, Vec<Ports>)> {
    let mut out: Vec<(Ports, Vec<Ports>)> = Vec::new();
    for b in set.boxes().iter().filter(|b| (b.protocol.0..=b.protocol.1).contains(&protocol)) {
        match out.iter_mut().find(|(src, _)| *src == b.src_port) {
            Some((_, dst)) => dst.push(b.dst_port),
            None => out.push((b.src_port, vec![b.dst_port])),
        }
    }
    out
}

/// The protocols of a set but the named ones.
fn other_protocols(set: &PacketSet, named: &[(u8, &str)]) -> Vec<(u8, u8)> {
    let named: PacketSet = named.iter().map(|(n, _)| PacketBox { protocol: (*n, *n), ..PacketBox::ANY }).collect();
    let rest = set.minus(&named);
    let mut out: Vec<(u8, u8)> = rest.boxes().iter().map(|b| b.protocol).collect();
    out.sort_unstable();
    out.dedup();
    out
}
