//! Numbers, dates, booleans and addresses: how they compare, and the points at which comparisons change.

use crate::operator::{Base, ValueKind};
use crate::value;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use yagura_model::IpRange;

/// Whether a value of the request satisfies the plain form of an operator for one value of the policy; `None` where
/// they cannot be compared.
pub(super) fn compare(base: Base, value: &str, want: &str) -> Option<bool> {
    let is_bool = |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    match base.value_kind() {
        ValueKind::Numeric => Some(ordered(base, value::number(value)?.partial_cmp(&value::number(want)?)?)),
        ValueKind::Date => Some(ordered(base, value::date(value)?.cmp(&value::date(want)?))),
        ValueKind::Bool => is_bool(value).then(|| value.eq_ignore_ascii_case(want)),
        ValueKind::Binary => Some(value == want),
        ValueKind::Ip => Some(IpRange::parse(want)?.contains(value.parse().ok()?)),
        ValueKind::String | ValueKind::Arn | ValueKind::Null => None,
    }
}

fn ordered(base: Base, order: Ordering) -> bool {
    match base {
        Base::NumericLessThan | Base::DateLessThan => order.is_lt(),
        Base::NumericLessThanEquals | Base::DateLessThanEquals => order.is_le(),
        Base::NumericGreaterThan | Base::DateGreaterThan => order.is_gt(),
        Base::NumericGreaterThanEquals | Base::DateGreaterThanEquals => order.is_ge(),
        _ => order.is_eq(),
    }
}

/// Values among which there is one of every kind that comparisons with `wants` can tell apart.
pub(super) fn points(kind: ValueKind, wants: &[&str]) -> Vec<String> {
    match kind {
        ValueKind::Numeric => numbers(wants),
        ValueKind::Date => dates(wants),
        ValueKind::Bool => vec!["true".to_owned(), "false".to_owned()],
        ValueKind::Binary => wants.iter().map(|w| (*w).to_owned()).chain(["ZXhhbXBsZQ==".to_owned()]).collect(),
        ValueKind::Ip => addresses(wants),
        ValueKind::String | ValueKind::Arn | ValueKind::Null => Vec::new(),
    }
}

/// Each number, one between each two, one below and one above all.
fn numbers(wants: &[&str]) -> Vec<String> {
    let mut marks: Vec<f64> = wants.iter().filter_map(|w| value::number(w)).collect();
    marks.sort_by(f64::total_cmp);
    marks.dedup();
    let mut all: Vec<f64> = vec![1.0];
    all.extend(&marks);
    all.extend(marks.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(if b - a > 1.0 { a.floor() + 1.0 } else { f64::midpoint(*a, *b) }),
        _ => None,
    }));
    all.extend(marks.last().map(|last| last.floor() + 1.0));
    all.extend(marks.first().map(|first| first.ceil() - 1.0));
    all.iter().map(f64::to_string).collect()
}

/// Each moment, one between each two, one before and one after all.
fn dates(wants: &[&str]) -> Vec<String> {
    const SECOND: i128 = 1_000_000_000;
    let mut marks: Vec<i128> = wants.iter().filter_map(|w| value::date(w)).collect();
    marks.sort_unstable();
    marks.dedup();
    let mut all = vec![1_767_225_600 * SECOND];
    all.extend(&marks);
    all.extend(marks.windows(2).filter_map(|pair| match pair {
        [a, b] if b - a > SECOND => Some((a / SECOND + 1) * SECOND),
        [a, b] => Some(a + (b - a) / 2),
        _ => None,
    }));
    all.extend(marks.last().map(|last| last + 86_400 * SECOND));
    all.extend(marks.first().map(|first| first - 86_400 * SECOND));
    all.iter().filter_map(|n| Timestamp::from_nanosecond(*n).ok()).map(|t| t.to_string()).collect()
}

/// Of each range an inner address, both ends and their neighbours; and one of each family.
fn addresses(wants: &[&str]) -> Vec<String> {
    let mut all = vec!["203.0.113.10".to_owned()];
    for range in wants.iter().filter_map(|w| IpRange::parse(w)) {
        let (first, last) = (bits(range.first()), bits(range.last()));
        let inner = first.saturating_add(10).min(last);
        let points = [Some(inner), Some(first), Some(last), first.checked_sub(1), last.checked_add(1)];
        all.extend(points.into_iter().flatten().filter_map(|bits| address(range.first().is_ipv6(), bits)));
    }
    all.push("2001:db8::a".to_owned());
    all
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn address(v6: bool, bits: u128) -> Option<String> {
    if v6 {
        return Some(Ipv6Addr::from(bits).to_string());
    }
    u32::try_from(bits).ok().map(|bits| Ipv4Addr::from(bits).to_string())
}
