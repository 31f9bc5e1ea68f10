//! Every pair: what each may send to each, and whether the answer comes back.
//!
//! Interfaces that no rule, list or route tells apart form a class; each pair of classes is walked once. So the cost
//! grows with the rules that differ, not with the number of interfaces.

use super::class::{Node, same_interface};
pub(crate) use super::grant::allowed;
pub use super::grant::{Allowed, Grant};
pub(super) use super::grant::{entries, grant, usual};
use super::{Outcome, Trial};
use crate::packet::{End, Family, PacketSet, Span};
use crate::topology::Network;
use crate::walk::internet::public_spans;
use crate::walk::route::{and_spans, minus_spans};
use crate::walk::{Arrival, Ending, Goal, Origin};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
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
