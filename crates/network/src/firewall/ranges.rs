//! Sets of addresses and of ports, and the lists in which Suricata writes them.

use crate::packet::{Family, PacketBox, PacketSet, Span, number};
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

/// Numbers, as spans that are sorted and apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// These numbers.
    pub fn of(mut spans: Vec<Span>) -> Self {
        spans.retain(|s| s.first <= s.last);
        spans.sort_unstable();
        let mut out: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match out.last_mut() {
                Some(end) if end.last.checked_add(1).is_none_or(|next| span.first <= next) => {
                    end.last = end.last.max(span.last);
                }
                _ => out.push(span),
            }
        }
        Self(out)
    }

    /// What is not in it, up to `max`.
    pub fn not(&self, max: u128) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0);
        for span in &self.0 {
            if let (Some(first), Some(last)) = (next, span.first.checked_sub(1)) {
                out.push(Span { first, last });
            }
            next = span.last.checked_add(1);
        }
        if let Some(first) = next.filter(|first| *first <= max) {
            out.push(Span { first, last: max });
        }
        Self::of(out)
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        let (mut out, mut i, mut j) = (Vec::new(), 0, 0);
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            out.extend(a.and(*b));
            if a.last < b.last { i += 1 } else { j += 1 }
        }
        Self(out)
    }

    /// Whether the number is in it.
    pub fn contains(&self, at: u128) -> bool {
        let after = self.0.partition_point(|s| s.first <= at);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|s| s.contains(at))
    }

    /// Its spans.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }
}

/// What a list can hold.
pub trait Set: Sized {
    fn all() -> Self;
    fn union(sets: &[Arc<Self>]) -> Self;
    fn minus(&self, other: &Self) -> Self;
}

/// Ports.
#[derive(Debug, Clone, PartialEq)]
pub struct Ports(pub Spans);

const LAST_PORT: u128 = u16::MAX as u128;

impl Set for Ports {
    fn all() -> Self {
        Self(Spans(vec![Span { first: 0, last: LAST_PORT }]))
    }
    fn union(sets: &[Arc<Self>]) -> Self {
        Self(Spans::of(sets.iter().flat_map(|set| &set.0.0).copied().collect()))
    }
    fn minus(&self, other: &Self) -> Self {
        Self(self.0.and(&other.0.not(LAST_PORT)))
    }
}

impl Ports {
    /// One port or a range with `:`, of which either side may be open (`1024:`).
    pub fn item(text: &str) -> Option<Self> {
        let port = |t: &str| t.trim().parse::<u16>().ok().map(u128::from);
        let (first, last) = match text.split_once(':') {
            None => (port(text)?, port(text)?),
            Some((first, last)) => (
                if first.trim().is_empty() { 0 } else { port(first)? },
                if last.trim().is_empty() { LAST_PORT } else { port(last)? },
            ),
        };
        (first <= last).then(|| Self(Spans(vec![Span { first, last }])))
    }

    /// Whether it is every port.
    pub fn is_all(&self) -> bool {
        *self == Self::all()
    }

    /// First and last of each range.
    pub fn ranges(&self) -> Vec<(u16, u16)> {
        self.0.0.iter().filter_map(|s| Some((s.first.try_into().ok()?, s.last.try_into().ok()?))).collect()
    }
}

/// Addresses of both families.
#[derive(Debug, Clone, PartialEq)]
pub struct Addresses {
    v4: Spans,
    v6: Spans,
}

const LAST_V4: u128 = u32::MAX as u128;

impl Set for Addresses {
    fn all() -> Self {
        Self { v4: Spans(vec![Span::V4]), v6: Spans(vec![Span::ANY]) }
    }
    fn union(sets: &[Arc<Self>]) -> Self {
        Self {
            v4: Spans::of(sets.iter().flat_map(|set| &set.v4.0).copied().collect()),
            v6: Spans::of(sets.iter().flat_map(|set| &set.v6.0).copied().collect()),
        }
    }
    fn minus(&self, other: &Self) -> Self {
        Self { v4: self.v4.and(&other.v4.not(LAST_V4)), v6: self.v6.and(&other.v6.not(u128::MAX)) }
    }
}

impl Addresses {
    /// The addresses of these ranges.
    pub fn of<'a>(ranges: impl IntoIterator<Item = &'a IpRange>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            if range.first().is_ipv4() { v4.push(Span::of(range)) } else { v6.push(Span::of(range)) }
        }
        Self { v4: Spans::of(v4), v6: Spans::of(v6) }
    }

    /// An address, a CIDR block, or two addresses with `-` between.
    pub fn item(text: &str) -> Option<Self> {
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (IpRange::parse(first.trim())?.first(), IpRange::parse(last.trim())?.last());
            let span = vec![Span { first: number(first), last: number(last) }];
            return match (first.is_ipv4(), last.is_ipv4()) {
                (true, true) => Some(Self { v4: Spans::of(span), v6: Spans::default() }),
                (false, false) => Some(Self { v4: Spans::default(), v6: Spans::of(span) }),
                _ => None,
            };
        }
        IpRange::parse(text).map(|range| Self::of([&range]))
    }

    /// Blocks that together are the set: the fewest there are.
    pub fn blocks(&self) -> Vec<IpRange> {
        let mut out = Vec::new();
        for (spans, family) in [(&self.v4, Family::V4), (&self.v6, Family::V6)] {
            spans.0.iter().for_each(|span| blocks(*span, family, &mut out));
        }
        out
    }

    /// Those of one family.
    pub fn of_family(&self, family: Family) -> &Spans {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Whether the address is in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.of_family(Family::of(ip)).contains(number(ip))
    }
}

/// The fewest blocks that together are a span.
fn blocks(span: Span, family: Family, out: &mut Vec<IpRange>) {
    let bits: u32 = if family == Family::V4 { 32 } else { 128 };
    let mut first = span.first;
    loop {
        // As large as its place and what is left allow.
        let mut size = first.trailing_zeros().min(bits);
        while size > 0 && 1u128.checked_shl(size).is_none_or(|n| n - 1 > span.last - first) {
            let whole = size == 128 && first == 0 && span.last == u128::MAX;
            if whole {
                break;
            }
            size -= 1;
        }
        out.extend(IpRange::parse(&format!("{}/{}", family.address(first), bits - size)));
        let next = 1u128.checked_shl(size).and_then(|n| first.checked_add(n));
        match next {
            Some(next) if next <= span.last => first = next,
            _ => return,
        }
    }
}

/// More boxes than this are not told apart.
const MOST_BOXES: usize = 4096;

/// A box for each source and destination port of each of `services`. `Err`: they would be too many; one box that holds
/// them all.
pub fn boxes(services: &[Service]) -> Result<PacketSet, PacketBox> {
    let count = |s: &Service| s.source.len().saturating_mul(s.destination.len());
    if services.iter().map(count).fold(0, usize::saturating_add) > MOST_BOXES {
        return Err(PacketBox::ANY);
    }
    let mut out = PacketSet::none();
    for Service { protocol, source, destination } in services {
        for src_port in source {
            for dst_port in destination {
                let (protocol, src_port, dst_port) = (*protocol, *src_port, *dst_port);
                out.add(PacketBox { protocol, src_port, dst_port, ..PacketBox::ANY });
            }
        }
    }
    Ok(out)
}

/// Protocol numbers with the ports of their packets, first and last each.
pub struct Service {
    pub protocol: (u8, u8),
    pub source: Vec<(u16, u16)>,
    pub destination: Vec<(u16, u16)>,
}

/// How deep lists may hold each other.
const DEEPEST: usize = 16;

/// Reads `any`, an item, a `$variable` or `@reference`, a list in brackets, or any of them with `!`. `item` reads what
/// is none of these; `variable` tells what a name with its `$` or `@` stands for. `None`: it cannot be read.
pub fn list<T: Set + Clone>(
    text: &str,
    item: &dyn Fn(&str) -> Option<T>,
    variable: &dyn Fn(&str) -> Option<Arc<T>>,
) -> Option<Arc<T>> {
    set(text, item, variable, 0)
}

fn set<T: Set + Clone>(
    text: &str,
    item: &dyn Fn(&str) -> Option<T>,
    variable: &dyn Fn(&str) -> Option<Arc<T>>,
    depth: usize,
) -> Option<Arc<T>> {
    let text = text.trim();
    if depth > DEEPEST {
        return None;
    }
    if let Some(rest) = text.strip_prefix('!') {
        return Some(Arc::new(T::all().minus(&*set(rest, item, variable, depth + 1)?)));
    }
    if text.eq_ignore_ascii_case("any") {
        return Some(Arc::new(T::all()));
    }
    if text.starts_with(['$', '@']) {
        return variable(text);
    }
    let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else { return item(text).map(Arc::new) };
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for part in parts(inner)? {
        match part.trim().strip_prefix('!') {
            Some(rest) => unwanted.push(set(rest, item, variable, depth + 1)?),
            None => wanted.push(set(part, item, variable, depth + 1)?),
        }
    }
    if wanted.is_empty() && unwanted.is_empty() {
        return None;
    }
    let from = if wanted.is_empty() { T::all() } else { T::union(&wanted) };
    Some(Arc::new(if unwanted.is_empty() { from } else { from.minus(&T::union(&unwanted)) }))
}

/// The parts of a list between its own commas; empty ones are left out. `None`: a bracket does not close.
fn parts(inner: &str) -> Option<Vec<&str>> {
    let (mut depth, mut start, mut out) = (0usize, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                out.push(inner.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(inner.get(start..)?);
    out.retain(|part| !part.trim().is_empty());
    (depth == 0).then_some(out)
}
