//! Representatives: for conditions on one key, values enough to tell all their outcomes apart.
//!
//! Patterns cut the strings into regions; one witness of each region that matters stands for all of it. The witnesses
//! are found by `language`, so overlapping patterns (`a*` against `*b`) are told apart too.

use crate::condition::{Condition, Test};
use crate::language::{self, Pattern, StringSet};
use crate::operator::{Base, SetOperator};
use crate::template::{Lookup, Resolved, Template};
use smol_str::SmolStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Patterns beyond which regions are no longer told apart pair by pair.
const MAX_PAIRS: usize = 12;

/// Values for a key on which these conditions stand: absence (no value) first, then the rest.
pub(crate) fn values<'v>(
    conditions: &[&Condition],
    find: &dyn Fn(&str) -> Lookup<'v>,
    hints: &[SmolStr],
) -> Vec<Vec<SmolStr>> {
    let mut found: Vec<SmolStr> = Vec::new();
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut several = false;
    for condition in conditions {
        several |= condition.operator.set.is_some();
        collect(condition, find, &mut found, &mut patterns);
    }
    found.extend(strings(&[], &patterns));
    found.extend(hints.iter().cloned());
    if found.is_empty() {
        found.push(SmolStr::new_static("value"));
    }
    found.sort_unstable();
    found.dedup();
    let mut all: Vec<Vec<SmolStr>> = vec![Vec::new()];
    all.extend(found.iter().map(|v| vec![v.clone()]));
    if several && found.len() <= MAX_PAIRS {
        for (i, a) in found.iter().enumerate() {
            all.extend(found.iter().skip(i + 1).map(|b| vec![a.clone(), b.clone()]));
        }
        all.push(found.clone());
    }
    // A key with several values and no operator for sets: only the single values can match.
    debug_assert!(several || all.iter().all(|v| v.len() <= 1));
    all
}

/// Strings of the regions that the patterns cut out of what matches all of `within`.
pub(crate) fn strings(within: &[StringSet], patterns: &[Pattern]) -> Vec<SmolStr> {
    let mut found = Vec::new();
    let mut add = |sets: &[StringSet]| {
        let all: Vec<&StringSet> = within.iter().chain(sets).collect();
        if let language::Answer::Found(text) = language::find(&all, []) {
            found.push(SmolStr::new(text));
        }
    };
    if patterns.is_empty() && within.is_empty() {
        return found;
    }
    add(&[StringSet::none_of(patterns.to_vec())]);
    for (i, p) in patterns.iter().enumerate() {
        let inside = StringSet::any_of(vec![p.clone()]);
        let others: Vec<Pattern> =
            patterns.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, q)| q.clone()).collect();
        add(&[inside.clone(), StringSet::none_of(others)]);
        add(std::slice::from_ref(&inside));
        if patterns.len() > MAX_PAIRS {
            continue;
        }
        for q in patterns.iter().skip(i + 1) {
            add(&[inside.clone(), StringSet::any_of(vec![q.clone()])]);
        }
        for (j, q) in patterns.iter().enumerate() {
            if i != j {
                add(&[inside.clone(), StringSet::none_of(vec![q.clone()])]);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn collect<'v>(
    condition: &Condition,
    find: &dyn Fn(&str) -> Lookup<'v>,
    found: &mut Vec<SmolStr>,
    patterns: &mut Vec<Pattern>,
) {
    let base = condition.operator.base;
    let ignore_case = matches!(base, Base::StringEqualsIgnoreCase | Base::StringNotEqualsIgnoreCase);
    match &condition.test {
        Test::Text(templates) => {
            patterns.extend(templates.iter().filter_map(|t| pattern(t, ignore_case, find)));
        }
        Test::Bool(_) => found.extend(["true", "false"].map(SmolStr::new_static)),
        Test::Arn(arns) => {
            for arn in arns.iter().flatten() {
                let parts: Option<Vec<_>> = arn.0.iter().map(|t| tokens(t, find)).collect();
                let Some(Ok(parts)) = parts.map(<[_; 6]>::try_from) else { continue };
                patterns.push(Pattern::arn_of(&parts.each_ref().map(Vec::as_slice)));
            }
            found.push(SmolStr::new_static("arn:aws:iam::999999999999:role/other"));
        }
        Test::Number(numbers) => {
            for n in numbers.iter().flatten() {
                found.extend([n - 1.0, *n, n + 1.0].map(|n| SmolStr::new(n.to_string())));
            }
        }
        Test::Date(dates) => {
            for date in dates.iter().flatten() {
                let seconds = date.div_euclid(1_000_000_000);
                let exact = jiff::Timestamp::from_nanosecond(*date).map(|t| SmolStr::new(t.to_string()));
                found.extend(exact);
                let near =
                    [seconds - 1, seconds + 1].map(|s| jiff::Timestamp::from_second(i64::try_from(s).unwrap_or(0)));
                found.extend(near.into_iter().flatten().map(|t| SmolStr::new(t.to_string())));
            }
        }
        Test::Ip(ranges) => {
            for range in ranges.iter().flatten() {
                found.extend([range.first(), range.last()].map(|a| SmolStr::new(a.to_string())));
                found.extend(
                    beside(range.first(), range.last()).into_iter().flatten().map(|a| SmolStr::new(a.to_string())),
                );
            }
            found.extend(["198.51.100.77", "2001:db8:ffff::77"].map(SmolStr::new_static));
        }
        Test::Binary(values) => {
            found.extend(values.iter().cloned());
            found.push(SmolStr::new_static("b3RoZXI="));
        }
        Test::Null { .. } => {}
    }
    if matches!(condition.operator.set, Some(SetOperator::ForAllValues | SetOperator::ForAnyValue)) && found.is_empty()
    {
        found.push(SmolStr::new_static("other"));
    }
}

/// The pattern of a template whose variables are settled.
pub(crate) fn pattern<'v>(
    template: &Template,
    ignore_case: bool,
    find: &dyn Fn(&str) -> Lookup<'v>,
) -> Option<Pattern> {
    tokens(template, find).map(|tokens| Pattern::from_tokens(tokens, ignore_case))
}

fn tokens<'v>(template: &Template, find: &dyn Fn(&str) -> Lookup<'v>) -> Option<Vec<crate::pattern::Token>> {
    match template.resolve(find) {
        Resolved::Pattern(glob) => Some(glob.tokens()),
        Resolved::Nothing | Resolved::Open => None,
    }
}

/// The addresses just before and just after a range.
fn beside(first: IpAddr, last: IpAddr) -> [Option<IpAddr>; 2] {
    match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => [
            u32::from(a).checked_sub(1).map(|n| Ipv4Addr::from(n).into()),
            u32::from(b).checked_add(1).map(|n| Ipv4Addr::from(n).into()),
        ],
        (IpAddr::V6(a), IpAddr::V6(b)) => [
            u128::from(a).checked_sub(1).map(|n| Ipv6Addr::from(n).into()),
            u128::from(b).checked_add(1).map(|n| Ipv6Addr::from(n).into()),
        ],
        _ => [None, None],
    }
}
