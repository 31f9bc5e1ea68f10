//! Sets of packets, exactly: unions of boxes over an address, the protocol and both ports.
//!
//! A question is about two ends. One of them may stand for many addresses (the internet, a block): the *far* end,
//! whose address is a dimension of the box. The other is one address and needs none. ICMP's type and code take the
//! destination port's place (`type << 8 | code`), as [`crate::estate::Service`] says.

use crate::estate::{Protocol, Service};
use std::net::IpAddr;
use yagura_model::IpRange;

/// The version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Every address of it.
    pub fn span(self) -> Span {
        match self {
            Self::V4 => Span::V4,
            Self::V6 => Span::ANY,
        }
    }

    /// The address that a number stands for.
    pub fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()),
            Self::V6 => IpAddr::V6(number.into()),
        }
    }
}

/// One end of a connection, as a filter sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// One address.
    At(IpAddr),
    /// The far end: its address is a dimension of the boxes.
    Far,
}

/// Addresses of one family, first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first address as a number.
    pub first: u128,
    /// The last address as a number.
    pub last: u128,
}

impl Span {
    /// Every number: the far end is one known address, or nobody asks.
    pub const ANY: Self = Self { first: 0, last: u128::MAX };

    /// Every IPv4 address.
    pub const V4: Self = Self { first: 0, last: u32::MAX as u128 };

    /// The addresses of a range.
    pub fn of(range: &IpRange) -> Self {
        Self { first: number(range.first()), last: number(range.last()) }
    }

    /// What both hold.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }

    /// Whether the number lies in it.
    pub fn contains(self, at: u128) -> bool {
        self.first <= at && at <= self.last
    }
}

/// An address as a number in its family.
pub fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

/// One box: every packet whose address, protocol and ports lie in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketBox {
    /// The far end's address.
    pub far: Span,
    /// Protocol numbers, first and last.
    pub protocol: (u8, u8),
    /// Source ports, first and last.
    pub src_port: (u16, u16),
    /// Destination ports (ICMP: type and code), first and last.
    pub dst_port: (u16, u16),
}

/// Every port.
pub const ANY_PORT: (u16, u16) = (0, u16::MAX);
/// Every protocol.
pub const ANY_PROTOCOL: (u8, u8) = (0, u8::MAX);
/// ICMP's number.
pub const ICMP: u8 = 1;
/// TCP's number.
pub const TCP: u8 = 6;
/// UDP's number.
pub const UDP: u8 = 17;
/// ICMPv6's number.
pub const ICMPV6: u8 = 58;

fn overlap<T: Ord + Copy>(a: (T, T), b: (T, T)) -> Option<(T, T)> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 <= both.1).then_some(both)
}

impl PacketBox {
    /// Every packet.
    pub const ANY: Self = Self { far: Span::ANY, protocol: ANY_PROTOCOL, src_port: ANY_PORT, dst_port: ANY_PORT };

    /// The packets of a rule: its protocol towards its destination ports.
    pub fn of(service: Service) -> Self {
        let protocol = match service.protocol {
            Protocol::Any => ANY_PROTOCOL,
            Protocol::Number(n) => (n, n),
        };
        Self { protocol, dst_port: service.ports, ..Self::ANY }
    }

    /// The same packets with the far end in `far` only.
    pub fn from(self, far: Span) -> Self {
        Self { far, ..self }
    }

    /// What both hold.
    pub fn and(&self, other: &Self) -> Option<Self> {
        Some(Self {
            protocol: overlap(self.protocol, other.protocol)?,
            dst_port: overlap(self.dst_port, other.dst_port)?,
            src_port: overlap(self.src_port, other.src_port)?,
            far: self.far.and(other.far)?,
        })
    }

    /// What lies in `self` and not in `other`, as disjoint boxes pushed onto `out`.
    fn minus(&self, other: &Self, out: &mut Vec<Self>) {
        let Some(both) = self.and(other) else {
            out.push(*self);
            return;
        };
        let mut rest = *self;
        if let Some(last) = both.far.first.checked_sub(1).filter(|last| rest.far.first <= *last) {
            out.push(Self { far: Span { first: rest.far.first, last }, ..rest });
        }
        if let Some(first) = both.far.last.checked_add(1).filter(|first| *first <= rest.far.last) {
            out.push(Self { far: Span { first, last: rest.far.last }, ..rest });
        }
        rest.far = both.far;
        if let Some(last) = both.protocol.0.checked_sub(1).filter(|last| rest.protocol.0 <= *last) {
            out.push(Self { protocol: (rest.protocol.0, last), ..rest });
        }
        if let Some(first) = both.protocol.1.checked_add(1).filter(|first| *first <= rest.protocol.1) {
            out.push(Self { protocol: (first, rest.protocol.1), ..rest });
        }
        rest.protocol = both.protocol;
        if let Some(last) = both.src_port.0.checked_sub(1).filter(|last| rest.src_port.0 <= *last) {
            out.push(Self { src_port: (rest.src_port.0, last), ..rest });
        }
        if let Some(first) = both.src_port.1.checked_add(1).filter(|first| *first <= rest.src_port.1) {
            out.push(Self { src_port: (first, rest.src_port.1), ..rest });
        }
        rest.src_port = both.src_port;
        if let Some(last) = both.dst_port.0.checked_sub(1).filter(|last| rest.dst_port.0 <= *last) {
            out.push(Self { dst_port: (rest.dst_port.0, last), ..rest });
        }
        if let Some(first) = both.dst_port.1.checked_add(1).filter(|first| *first <= rest.dst_port.1) {
            out.push(Self { dst_port: (first, rest.dst_port.1), ..rest });
        }
    }
}

/// A union of boxes. Boxes may overlap; [`PacketSet::canonical`] gives the one form that equal sets share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PacketSet(Vec<PacketBox>);

impl PacketSet {
    /// No packet.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Every packet.
    pub fn all() -> Self {
        Self(vec![PacketBox::ANY])
    }

    /// These boxes, of which no two hold a packet in common.
    pub(crate) fn disjoint(boxes: Vec<PacketBox>) -> Self {
        Self(boxes)
    }

    /// Its boxes.
    pub fn boxes(&self) -> &[PacketBox] {
        &self.0
    }

    /// Whether no packet is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is every packet, as one box.
    pub fn is_all(&self) -> bool {
        self.0.contains(&PacketBox::ANY)
    }

    /// Puts in a box, unless another holds it already.
    pub fn add(&mut self, item: PacketBox) {
        if self.0.iter().any(|b| b.and(&item) == Some(item)) {
            return;
        }
        self.0.retain(|b| b.and(&item) != Some(*b));
        self.0.push(item);
    }

    /// What lies in either.
    pub fn or(&self, other: &Self) -> Self {
        let mut out = self.clone();
        other.0.iter().for_each(|b| out.add(*b));
        out
    }

    /// What lies in both.
    pub fn and(&self, other: &Self) -> Self {
        if self.is_all() {
            return other.clone();
        }
        if other.is_all() {
            return self.clone();
        }
        let mut out = Self::none();
        for a in &self.0 {
            for b in other.0.iter().filter_map(|b| a.and(b)) {
                out.add(b);
            }
        }
        out
    }

    /// What lies in `self` and not in `other`. The boxes of the answer are disjoint where those of `self` are.
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = self.0.clone();
        for cut in &other.0 {
            let mut next = Vec::with_capacity(rest.len());
            rest.iter().for_each(|b| b.minus(cut, &mut next));
            rest = next;
        }
        Self(rest)
    }

    /// Whether every packet of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.minus(self).is_empty()
    }

    /// Whether they hold a packet in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.and(b).is_some()))
    }

    /// Each box as `change` makes it.
    pub fn map(&self, change: impl FnMut(&PacketBox) -> Option<PacketBox>) -> Self {
        let mut out = Self::none();
        self.0.iter().filter_map(change).for_each(|b| out.add(b));
        out
    }

    /// The packets whose source port may be anything, where some source port within `ports` is in the set: what
    /// stays of a set when a translator chooses the port.
    pub fn any_source_port(&self, ports: (u16, u16)) -> Self {
        self.map(|b| overlap(b.src_port, ports).map(|_| PacketBox { src_port: ANY_PORT, ..*b }))
    }

    /// Some packet of it: the lowest far address (any, where none is told apart), protocol and ports of its first box.
    pub fn sample(&self) -> Option<PacketBox> {
        let b = self.0.first()?;
        let one = |r: (u16, u16)| (r.0, r.0);
        Some(PacketBox {
            far: if b.far == Span::ANY { b.far } else { Span { first: b.far.first, last: b.far.first } },
            protocol: (b.protocol.0, b.protocol.0),
            src_port: one(b.src_port),
            dst_port: one(b.dst_port),
        })
    }

    /// The disjoint boxes that equal sets share: cut by far address, protocol, source port, destination port, in
    /// this order, with equal neighbours joined.
    pub fn canonical(&self) -> Self {
        let mut out = Vec::new();
        by_far(&self.0, &mut out);
        Self(out)
    }
}

impl FromIterator<PacketBox> for PacketSet {
    fn from_iter<I: IntoIterator<Item = PacketBox>>(items: I) -> Self {
        let mut out = Self::none();
        items.into_iter().for_each(|b| out.add(b));
        out
    }
}

/// A number that boxes are cut along.
trait Step: Ord + Copy {
    fn next(self) -> Option<Self>;
    fn previous(self) -> Option<Self>;
}

macro_rules! step {
    ($($number:ty),*) => {$(
        impl Step for $number {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}

step!(u8, u16, u128);

/// The intervals of one dimension over which the same boxes stand, with those boxes.
fn slices<T: Step>(boxes: &[PacketBox], range: impl Fn(&PacketBox) -> (T, T)) -> Vec<(T, T, Vec<PacketBox>)> {
    let mut cuts: Vec<T> = boxes.iter().map(|b| range(b).0).collect();
    cuts.extend(boxes.iter().filter_map(|b| range(b).1.next()));
    cuts.sort_unstable();
    cuts.dedup();
    let mut out = Vec::with_capacity(cuts.len());
    for (at, first) in cuts.iter().enumerate() {
        let over = |b: &&PacketBox| range(b).0 <= *first && *first <= range(b).1;
        let over: Vec<PacketBox> = boxes.iter().filter(over).copied().collect();
        let Some(furthest) = over.iter().map(|b| range(b).1).max() else { continue };
        let last = cuts.get(at + 1).and_then(|cut| cut.previous()).unwrap_or(furthest);
        out.push((*first, last, over));
    }
    out
}

type Joined<T, S> = Vec<(T, T, S)>;

fn join<T: Step, S: PartialEq>(slices: Vec<(T, T, S)>) -> Joined<T, S> {
    let mut out: Joined<T, S> = Vec::new();
    for (first, last, inner) in slices {
        match out.last_mut() {
            Some((_, end, same)) if *same == inner && end.next() == Some(first) => *end = last,
            _ => out.push((first, last, inner)),
        }
    }
    out
}

fn by_far(boxes: &[PacketBox], out: &mut Vec<PacketBox>) {
    let cut = slices(boxes, |b| (b.far.first, b.far.last));
    let inner = cut.into_iter().map(|(first, last, over)| (first, last, by_protocol(&over))).collect();
    for (first, last, inner) in join(inner) {
        out.extend(inner.into_iter().map(|b| b.from(Span { first, last })));
    }
}

fn by_protocol(boxes: &[PacketBox]) -> Vec<PacketBox> {
    let cut = slices(boxes, |b| b.protocol);
    let inner = cut.into_iter().map(|(first, last, over)| (first, last, by_port(&over))).collect();
    join(inner)
        .into_iter()
        .flat_map(|(first, last, inner)| {
            inner.into_iter().map(move |(src_port, dst_port)| PacketBox {
                protocol: (first, last),
                src_port,
                dst_port,
                ..PacketBox::ANY
            })
        })
        .collect()
}

type Ports = (u16, u16);

fn by_port(boxes: &[PacketBox]) -> Vec<(Ports, Ports)> {
    let dst = |over: &[PacketBox]| -> Vec<Ports> {
        let cut = slices(over, |b| b.dst_port);
        let flat = cut.into_iter().map(|(first, last, _)| (first, last, ())).collect();
        join(flat).into_iter().map(|(first, last, ())| (first, last)).collect()
    };
    let cut = slices(boxes, |b| b.src_port);
    let inner = cut.into_iter().map(|(first, last, over)| (first, last, dst(&over))).collect();
    join(inner)
        .into_iter()
        .flat_map(|(first, last, inner)| inner.into_iter().map(move |d| ((first, last), d)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tcp(ports: (u16, u16)) -> PacketBox {
        PacketBox::of(Service { protocol: Protocol::Number(TCP), ports })
    }

    #[test]
    fn laws_by_example() {
        let web: PacketSet = [tcp((80, 80)), tcp((443, 443))].into_iter().collect();
        let low: PacketSet = [tcp((0, 1023))].into_iter().collect();
        assert!(low.covers(&web));
        assert_eq!(low.minus(&web).canonical().boxes().len(), 3);
        assert_eq!(low.minus(&web).or(&web).canonical(), low.canonical());
        assert!(PacketSet::all().minus(&PacketSet::all()).is_empty());
    }

    fn any_box() -> impl Strategy<Value = PacketBox> {
        let pair = (0u16..6, 0u16..6).prop_map(|(a, b)| (a.min(b), a.max(b)));
        (pair.clone(), pair.clone(), pair.clone(), pair).prop_map(|(far, protocol, src_port, dst_port)| PacketBox {
            far: Span { first: u128::from(far.0), last: u128::from(far.1) },
            protocol: (protocol.0 as u8, protocol.1 as u8),
            src_port,
            dst_port,
        })
    }

    fn any_set() -> impl Strategy<Value = PacketSet> {
        proptest::collection::vec(any_box(), 0..5).prop_map(|boxes| boxes.into_iter().collect())
    }

    fn holds(set: &PacketSet, far: u16, protocol: u8, src: u16, dst: u16) -> bool {
        set.boxes().iter().any(|b| {
            b.far.contains(u128::from(far))
                && (b.protocol.0..=b.protocol.1).contains(&protocol)
                && (b.src_port.0..=b.src_port.1).contains(&src)
                && (b.dst_port.0..=b.dst_port.1).contains(&dst)
        })
    }

    proptest! {
        #[test]
        fn sets_are_what_their_packets_say(a in any_set(), b in any_set()) {
            let (and, or, minus, canonical) = (a.and(&b), a.or(&b), a.minus(&b), a.canonical());
            for far in 0..6 { for protocol in 0..6 { for src in 0..6 { for dst in 0..6 {
                let (x, y) = (holds(&a, far, protocol, src, dst), holds(&b, far, protocol, src, dst));
                prop_assert_eq!(holds(&and, far, protocol, src, dst), x && y);
                prop_assert_eq!(holds(&or, far, protocol, src, dst), x || y);
                prop_assert_eq!(holds(&minus, far, protocol, src, dst), x && !y);
                prop_assert_eq!(holds(&canonical, far, protocol, src, dst), x);
            }}}}
            prop_assert_eq!(or.canonical(), b.or(&a).canonical());
            prop_assert_eq!(canonical.canonical(), canonical);
        }
    }
}
