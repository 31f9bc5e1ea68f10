//! Which route a packet takes: the most specific one that matches.

use super::internet::is_public;
use crate::estate::{Destination, Route, RouteTable, Target};
use crate::packet::{End, Family, Span};
use crate::topology::{Missing, Network};
use smol_str::SmolStr;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::IpRange;

/// The part of the far addresses (or the whole, for one address) that takes a route.
pub(crate) struct Portion<'n> {
    pub far: Vec<Span>,
    /// `None`: no route matches.
    pub route: Option<&'n Route>,
}

impl Network {
    /// Splits the destination over the routes of a table
    /// (`vpc/latest/userguide/route-tables-priority`): the longest prefix first; at equal length the local route, then static
    /// ones, those by prefix list, propagated ones. A local route stands before propagated ones of any length.
    ///
    /// # Errors
    /// The hole where a prefix list that was not read may match.
    pub(crate) fn routes<'n>(
        &'n self,
        table: &'n RouteTable,
        destination: End,
        far: &[Span],
        family: Family,
    ) -> Result<Vec<Portion<'n>>, Arc<Missing>> {
        if let End::At(ip) = destination {
            let route = self.route_to(table, ip)?;
            return Ok(vec![Portion { far: far.to_vec(), route }]);
        }
        let mut known: Vec<(u8, u8, &IpRange, &Route)> = Vec::with_capacity(table.routes.len());
        let mut hole = None;
        for route in &table.routes {
            let listed;
            let (ranges, rank): (&[IpRange], u8) = match &route.destination {
                Destination::Range(range) => {
                    listed = std::slice::from_ref(range);
                    (listed, if route.target == Target::Local { 0 } else { 1 + 2 * u8::from(route.propagated) })
                }
                Destination::PrefixList(id) => match self.prefixes(id) {
                    Some(ranges) => (ranges, 2),
                    // The addresses of an AWS service are public: they take nothing from private ones, and of a whole
                    // internet only themselves (the walk notes it).
                    None if matches!(route.target, Target::Endpoint(_)) => continue,
                    None => {
                        hole = Some(self.prefixes_hole(id, &table.home));
                        continue;
                    }
                },
            };
            let of_family = ranges.iter().filter(|r| Family::of(r.first()) == family);
            known.extend(of_family.map(|r| (r.prefix(), rank, r, route)));
        }
        known.sort_by_key(|(prefix, rank, _, _)| (Reverse(*prefix), *rank));
        let locals: Vec<Span> = known.iter().filter(|k| k.1 == 0).map(|k| Span::of(k.2)).collect();
        let beats_local = |rank: u8| rank != 3;
        let mut left = far.to_vec();
        let mut out: Vec<Portion<'n>> = Vec::new();
        for (_, rank, range, route) in &known {
            let mut part = and_spans(&left, &[Span::of(range)]);
            if !beats_local(*rank) {
                part = minus_spans(&part, &locals);
            }
            if part.is_empty() {
                continue;
            }
            left = minus_spans(&left, &part);
            // An unread prefix list may hold a longer prefix for these addresses; it cannot take local ones.
            if let Some(hole) = hole.as_ref().filter(|_| *rank != 0) {
                return Err(Arc::clone(hole));
            }
            // The entries of a prefix list go one way.
            let same = |p: &&mut Portion<'_>| p.route.is_some_and(|r| std::ptr::eq(r, *route));
            match out.iter_mut().find(same) {
                Some(known) => known.far.extend(part),
                None => out.push(Portion { far: part, route: Some(route) }),
            }
            if left.is_empty() {
                return Ok(out);
            }
        }
        match hole {
            Some(hole) => Err(hole),
            None => {
                out.push(Portion { far: left, route: None });
                Ok(out)
            }
        }
    }
}

impl Network {
    /// The route of one address, in the order of [`Network::routes`]; `None`: none matches.
    fn route_to<'n>(&'n self, table: &'n RouteTable, ip: IpAddr) -> Result<Option<&'n Route>, Arc<Missing>> {
        let mut best: Option<(Reverse<u8>, u8, &Route)> = None;
        let mut hole = None;
        let local = |r: &Route| {
            r.target == Target::Local && matches!(&r.destination, Destination::Range(range) if range.contains(ip))
        };
        let is_local = table.routes.iter().any(local);
        for route in &table.routes {
            let (ranges, rank): (&[IpRange], u8) = match &route.destination {
                Destination::Range(_) if route.propagated && is_local => continue,
                Destination::Range(range) => (
                    std::slice::from_ref(range),
                    if route.target == Target::Local { 0 } else { 1 + 2 * u8::from(route.propagated) },
                ),
                Destination::PrefixList(id) => match self.prefixes(id) {
                    Some(ranges) => (ranges, 2),
                    None if matches!(route.target, Target::Endpoint(_)) && !is_public(ip) => continue,
                    None => {
                        hole.get_or_insert((id, &table.home));
                        continue;
                    }
                },
            };
            for range in ranges.iter().filter(|r| r.contains(ip)) {
                let found = (Reverse(range.prefix()), rank, route);
                if best.is_none_or(|(prefix, of, _)| (found.0, found.1) < (prefix, of)) {
                    best = Some(found);
                }
            }
        }
        match (best, hole) {
            // An unread prefix list may hold a longer prefix; it cannot take local addresses.
            (Some((_, 0, route)), _) | (Some((_, _, route)), None) => Ok(Some(route)),
            (_, Some((id, home))) => Err(self.prefixes_hole(id, home)),
            (None, None) => Ok(None),
        }
    }
}

/// The prefix lists of gateway endpoints in a table that were not read.
pub(crate) fn unread_services<'n>(network: &'n Network, table: &'n RouteTable) -> impl Iterator<Item = &'n SmolStr> {
    table.routes.iter().filter_map(|route| match (&route.destination, &route.target) {
        (Destination::PrefixList(id), Target::Endpoint(_)) if network.prefixes(id).is_none() => Some(id),
        _ => None,
    })
}

/// What both hold.
pub(crate) fn and_spans(a: &[Span], b: &[Span]) -> Vec<Span> {
    a.iter().flat_map(|x| b.iter().filter_map(move |y| x.and(*y))).collect()
}

/// What the first holds and not the second.
pub(crate) fn minus_spans(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut left = a.to_vec();
    for cut in b {
        let mut next = Vec::with_capacity(left.len() + 1);
        for span in left {
            let Some(both) = span.and(*cut) else {
                next.push(span);
                continue;
            };
            next.extend(both.first.checked_sub(1).filter(|l| span.first <= *l).map(|last| Span { last, ..span }));
            next.extend(both.last.checked_add(1).filter(|f| *f <= span.last).map(|first| Span { first, ..span }));
        }
        left = next;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Estate;

    /// A prefix list that was not read leaves open where one public address goes, and nothing else.
    #[test]
    fn an_unread_service_takes_only_its_own_addresses() {
        let range = |text: &str| {
            Destination::Range(IpRange::parse(text).unwrap_or(IpRange::from(std::net::IpAddr::from([0, 0, 0, 0]))))
        };
        let route = |destination, target| Route { destination, target, blackhole: false, propagated: false };
        let table = RouteTable {
            routes: vec![
                route(range("10.0.0.0/16"), Target::Local),
                route(range("0.0.0.0/0"), Target::InternetGateway("igw-1".into())),
                route(Destination::PrefixList("pl-s3".into()), Target::Endpoint("vpce-1".into())),
            ],
            ..RouteTable::default()
        };
        let network = Network::new(Estate::default());
        let way = |end| network.routes(&table, end, &[Span::V4], Family::V4).map(|p| p.len());
        assert!(way(End::At([8, 8, 8, 8].into())).is_err());
        assert_eq!(way(End::At([192, 168, 1, 1].into())), Ok(1));
        assert_eq!(way(End::Far), Ok(2));
        assert_eq!(unread_services(&network, &table).collect::<Vec<_>>(), ["pl-s3"]);
    }
}
