//! Representatives: for conditions on one key, values enough to tell all their outcomes apart.
//!
//! Patterns cut the strings into regions; one witness of each region that matters stands for all of it. The witnesses
//! are found by `language`, so overlapping patterns (`a*` against `*b`) are told apart too.

use crate::condition::{Condition, Test};
use crate::language::{self, Pattern, StringSet};
use crate::operator::Base;
use crate::pattern::Token;
use crate::template::{Lookup, Piece, Template};
use crate::tri::Tri;
use smol_str::SmolStr;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Searches for a string that cutting one set of patterns into regions may take, and the symbols that they may go over.
const MAX_SEARCHES: usize = 600;
const MAX_SYMBOLS: usize = 4_000_000;

/// Values of which every set is tried for a key with several values.
const MAX_SUBSETS: usize = 7;

/// Values of which every pair is.
const MAX_PAIRS: usize = 24;

/// Comparisons beyond which values that no condition tells apart are all kept.
const MAX_COMPARISONS: usize = 2_000_000;

/// Values for a key on which these conditions stand: absence (no value) first, then the rest. Of those that no condition
/// tells apart one is kept, unless the key `is_variable`: then its text counts as well.
pub(crate) fn values<'v>(
    conditions: &[&Condition],
    find: &dyn Fn(&str) -> Lookup<'v>,
    hints: &[SmolStr],
    is_variable: bool,
) -> Vec<Vec<SmolStr>> {
    let mut found = Found::default();
    for condition in conditions {
        found.collect(condition, find);
    }
    let several = conditions.iter().any(|c| c.operator.set.is_some());
    let mut singles = found.texts();
    singles.extend(hints.iter().cloned());
    singles.retain(|text| !text.is_empty());
    singles.sort_unstable();
    singles.dedup();
    singles.push(SmolStr::default());
    let size: usize = conditions.iter().map(|c| c.size()).sum();
    let told_apart = singles.len().saturating_mul(size) <= MAX_COMPARISONS;
    let mut classes = HashSet::new();
    let mut is_new =
        |values: &[SmolStr]| !told_apart || outcomes(conditions, find, values).is_none_or(|o| classes.insert(o));
    let kept: Vec<SmolStr> = singles.iter().filter(|v| is_new(std::slice::from_ref(v))).cloned().collect();
    let mut all: Vec<Vec<SmolStr>> = vec![Vec::new()];
    all.extend(if is_variable { &singles } else { &kept }.iter().map(|v| vec![v.clone()]));
    if several {
        all.extend(subsets(&kept).into_iter().filter(|values| is_new(values)));
    }
    all
}

/// What each condition says of these values of its key; `None` where one hangs on something open.
fn outcomes<'v>(conditions: &[&Condition], find: &dyn Fn(&str) -> Lookup<'v>, values: &[SmolStr]) -> Option<Vec<bool>> {
    let said = conditions.iter().map(|condition| {
        let holds = condition.holds(&|key| if *key == *condition.key { Lookup::Values(values) } else { find(key) });
        (holds != Tri::Unknown).then_some(holds.is_true())
    });
    said.collect()
}

/// Sets of two or more values: every one where the values are few, else pairs and the largest.
fn subsets(values: &[SmolStr]) -> Vec<Vec<SmolStr>> {
    let mut all: Vec<Vec<SmolStr>> = Vec::new();
    if values.len() <= MAX_SUBSETS {
        for mask in 0_u32..1 << values.len() {
            let chosen = values.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
            all.extend((mask.count_ones() > 1).then(|| chosen.map(|(_, v)| v.clone()).collect()));
        }
        return all;
    }
    for (i, a) in values.iter().enumerate().take(MAX_PAIRS) {
        all.extend(values.iter().skip(i + 1).take(MAX_PAIRS).map(|b| vec![a.clone(), b.clone()]));
        all.push(values.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, v)| v.clone()).collect());
    }
    all.push(values.to_vec());
    all
}

/// Strings of the regions that the patterns cut out of what lies in all of `within`: one of each region, as long as the
/// regions are not too many.
pub(crate) fn strings(within: &[StringSet], patterns: &[Pattern]) -> Vec<SmolStr> {
    let mut seen = HashSet::new();
    let (single, wide): (Vec<&Pattern>, Vec<&Pattern>) =
        patterns.iter().filter(|p| seen.insert(*p)).partition(|p| p.only().is_some());
    let mut found: Vec<SmolStr> = single.iter().filter_map(|p| p.only()).map(SmolStr::new).collect();
    found.retain(|text| within.iter().all(|set| set.contains(text)));
    let rest = StringSet::none_of(single.into_iter().cloned().collect());
    let size: usize = wide.iter().map(|p| p.size()).sum();
    let mut searches = MAX_SEARCHES.min(MAX_SYMBOLS / size.max(1));
    let mut search = |region: &Region| {
        searches = searches.checked_sub(1)?;
        let own = [StringSet::none_of(region.outside.clone()), rest.clone()];
        let inside: Vec<StringSet> = region.inside.iter().map(|p| StringSet::any_of(vec![p.clone()])).collect();
        let sets: Vec<&StringSet> = within.iter().chain(&inside).chain(&own).collect();
        match language::find(&sets, []) {
            language::Answer::Found(text) => Some(SmolStr::new(text)),
            language::Answer::Empty => None,
            language::Answer::Unknown(_) => {
                searches /= 4;
                None
            }
        }
    };
    let mut regions: Vec<Region> = Vec::new();
    let whole = Region::default();
    regions.extend(search(&whole).map(|witness| Region { witness, ..whole }));
    for pattern in wide {
        let mut halves = Vec::new();
        for region in &mut regions {
            let is_inside = pattern.matches(&region.witness);
            let is_whole = match is_inside {
                true => region.inside.iter().any(|p| pattern.covers(p)),
                false => region.inside.iter().any(|p| p.surely_disjoint(pattern)),
            };
            if is_whole {
                continue;
            }
            let mut half = region.clone();
            let (here, there) = if is_inside {
                (&mut region.inside, &mut half.outside)
            } else {
                (&mut region.outside, &mut half.inside)
            };
            here.push(pattern.clone());
            there.push(pattern.clone());
            halves.extend(search(&half).map(|witness| Region { witness, ..half }));
        }
        regions.append(&mut halves);
    }
    found.extend(regions.into_iter().map(|region| region.witness));
    found
}

/// The strings that match some patterns and not others, and one of them.
#[derive(Debug, Clone, Default)]
struct Region {
    inside: Vec<Pattern>,
    outside: Vec<Pattern>,
    witness: SmolStr,
}

/// Texts that a variable may stand for where a template that names it is to match a text: what lies between the
/// characters beside the variable.
pub(crate) fn captures(template: &Template, key: &str, text: &str) -> Vec<SmolStr> {
    let Template::Pieces { pieces, .. } = template else { return Vec::new() };
    let literal = |piece: &Piece| if let Piece::Token(Token::Char(c)) = piece { Some(*c) } else { None };
    let is_edge = |c: char| matches!(c, '/' | ':');
    let mut found = Vec::new();
    let is_named = |p: &Piece| matches!(p, Piece::Variable { key: named, .. } if named == key);
    for (at, _) in pieces.iter().enumerate().filter(|(_, p)| is_named(p)).take(MAX_SUBSETS) {
        let mut before: Vec<char> = pieces.iter().take(at).rev().map_while(literal).collect();
        before.reverse();
        let before: String = before.into_iter().collect();
        let after: String = pieces.iter().skip(at + 1).map_while(literal).collect();
        let starts = text.match_indices(before.as_str()).map(|(i, _)| i + before.len());
        let starts = starts.filter(|i| {
            !before.is_empty() || text.get(..*i).is_some_and(|head| head.is_empty() || head.ends_with(is_edge))
        });
        for start in starts.take(MAX_PAIRS) {
            let tail = text.get(start..).unwrap_or_default();
            let ends = tail.match_indices(after.as_str()).map(|(i, _)| i);
            let ends = ends.filter(|i| {
                !after.is_empty() || tail.get(*i..).is_some_and(|rest| rest.is_empty() || rest.starts_with(is_edge))
            });
            found.extend(
                ends.take(MAX_PAIRS).filter_map(|end| tail.get(..end)).filter(|t| !t.is_empty()).map(SmolStr::new),
            );
        }
    }
    found
}

/// What conditions on one key name.
#[derive(Debug, Default)]
struct Found {
    texts: Vec<SmolStr>,
    patterns: Vec<Pattern>,
    numbers: Vec<f64>,
    dates: Vec<i128>,
}

impl Found {
    /// Values that tell the conditions' outcomes apart, and one that none names.
    fn texts(mut self) -> Vec<SmolStr> {
        self.numbers.sort_by(f64::total_cmp);
        let between = self.numbers.iter().zip(self.numbers.iter().skip(1)).map(|(a, b)| f64::midpoint(*a, *b));
        let around = self.numbers.first().map(|n| n - 1.0).into_iter().chain(self.numbers.last().map(|n| n + 1.0));
        let numbers = self.numbers.iter().copied().chain(between).chain(around);
        self.texts.extend(numbers.map(|n| SmolStr::new(n.to_string())));
        self.dates.sort_unstable();
        const SECOND: i128 = 1_000_000_000;
        let between = self.dates.iter().zip(self.dates.iter().skip(1)).map(|(a, b)| a + (b - a) / 2);
        let around = self.dates.first().map(|d| d - SECOND).into_iter().chain(self.dates.last().map(|d| d + SECOND));
        let dates = self.dates.iter().copied().chain(between).chain(around);
        self.texts.extend(
            dates.filter_map(|d| jiff::Timestamp::from_nanosecond(d).ok()).map(|t| SmolStr::new(t.to_string())),
        );
        // A variable has no empty value: other strings come first.
        self.texts.extend(strings(&[StringSet::any_of(vec![Pattern::new("?*")])], &self.patterns));
        self.texts
    }

    fn collect<'v>(&mut self, condition: &Condition, find: &dyn Fn(&str) -> Lookup<'v>) {
        let base = condition.operator.base;
        let ignore_case = matches!(base, Base::StringEqualsIgnoreCase | Base::StringNotEqualsIgnoreCase);
        match &condition.test {
            Test::Text(templates) => {
                self.patterns.extend(templates.iter().filter_map(|t| pattern(t, ignore_case, find)));
            }
            Test::Bool(_) => self.texts.extend(["true", "false"].map(SmolStr::new_static)),
            Test::Arn(arns) => {
                for arn in arns.iter().flatten() {
                    let parts: Option<Vec<_>> = arn.0.iter().map(|t| tokens(t, find)).collect();
                    let Some(Ok(parts)) = parts.map(<[_; 6]>::try_from) else { continue };
                    self.patterns.push(Pattern::arn_of(&parts.each_ref().map(Vec::as_slice)));
                }
                self.texts.push(SmolStr::new_static("arn:aws:iam::999999999999:role/other"));
            }
            Test::Number(numbers) => self.numbers.extend(numbers.iter().flatten()),
            Test::Date(dates) => self.dates.extend(dates.iter().flatten()),
            Test::Ip(ranges) => {
                for range in ranges.iter().flatten() {
                    let edges = [Some(range.first()), Some(range.last())];
                    let beside = beside(range.first(), range.last());
                    self.texts.extend(edges.iter().chain(&beside).flatten().map(|a| SmolStr::new(a.to_string())));
                }
                self.texts.extend(["198.51.100.77", "2001:db8:ffff::77"].map(SmolStr::new_static));
            }
            Test::Binary(values) => {
                self.texts.extend(values.iter().cloned());
                self.texts.push(SmolStr::new_static("b3RoZXI="));
            }
            Test::Null { .. } => {}
        }
    }
}

/// The strings that a template may match.
fn pattern<'v>(template: &Template, ignore_case: bool, find: &dyn Fn(&str) -> Lookup<'v>) -> Option<Pattern> {
    tokens(template, find).map(|tokens| Pattern::from_tokens(tokens, ignore_case))
}

/// The resources that an item of `Resource` or `NotResource` may take in.
pub(crate) fn resource<'v>(template: &Template, find: &dyn Fn(&str) -> Lookup<'v>) -> Option<Pattern> {
    let by_segments = matches!(template, Template::Pieces { .. });
    tokens(template, find).map(|tokens| Pattern::resource(tokens, by_segments))
}

/// The tokens of a template; what a variable that is open may stand for, as a pattern. `None` where it matches nothing.
fn tokens<'v>(template: &Template, find: &dyn Fn(&str) -> Lookup<'v>) -> Option<Vec<Token>> {
    let pieces = match template {
        Template::Fixed(glob) => return Some(glob.tokens()),
        Template::Pieces { pieces, .. } => pieces,
    };
    let mut tokens = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Token(token) => tokens.push(*token),
            Piece::Variable { key, default } => match (find(key), default) {
                (Lookup::Values([one]), _) if !one.is_empty() => tokens.extend(one.chars().map(Token::Char)),
                (Lookup::Open, _) => tokens.extend([Token::One, Token::Many]),
                (_, default) => tokens.extend(default.as_ref()?.chars().map(Token::Char)),
            },
        }
    }
    Some(tokens)
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
