//! The fewest patterns that name a set of actions and no other.

use crate::catalogue::{Catalogue, Service};
use crate::expand::expand_patterns;
use crate::pattern::Glob;
use smol_str::{SmolStr, format_smolstr};
use std::collections::{BTreeMap, BTreeSet};

/// How many partial answers are tried to better the first one. The first is good; most sets are settled far sooner.
const TRIES: usize = 2_000;

/// The fewest patterns that cover exactly these actions (patterns among them stand for what they cover), sorted.
///
/// Patterns have the forms `*`, `service:*`, `service:Get*`, `service:*Tags`, `service:*Bucket*` and
/// `service:Get*Policy`, cut between words, so that a reader sees what they mean. Unknown actions are kept as written.
/// Expanding the answer gives the same set with this catalogue; later ones may know more actions.
pub fn shrink<P: AsRef<str>>(actions: &[P], catalogue: &Catalogue) -> Vec<SmolStr> {
    let wanted = expand_patterns(actions, catalogue);
    let mut by_service: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut patterns = Vec::new();
    let mut known = 0;
    for name in &wanted {
        match catalogue.action(name) {
            Some(found) => {
                by_service.entry(&found.service.prefix).or_default().insert(&found.action.name);
                known += 1;
            }
            None => patterns.push(name.clone()),
        }
    }
    if known > 0 && known == catalogue.actions().count() {
        patterns.push("*".into());
        return patterns;
    }
    for (prefix, names) in by_service {
        let Some(service) = catalogue.service(prefix) else { continue };
        patterns.extend(of_service(service, &names).into_iter().map(|p| format_smolstr!("{prefix}:{p}")));
    }
    patterns.sort();
    patterns
}

/// A pattern and which of the wanted names it covers.
struct Candidate {
    pattern: String,
    covers: Bits,
}

fn of_service(service: &Service, wanted: &BTreeSet<&str>) -> Vec<String> {
    if wanted.len() == service.actions.len() {
        return vec!["*".to_owned()];
    }
    let names: Vec<&str> = wanted.iter().copied().collect();
    let others: Vec<&str> = service.actions.iter().map(|a| a.name.as_str()).filter(|n| !wanted.contains(n)).collect();
    let mut candidates = candidates(&names, &others);
    candidates.sort_by_key(|c| (std::cmp::Reverse(c.covers.count()), c.pattern.matches('*').count(), c.pattern.len()));
    let mut best = greedy(&candidates, names.len());
    Search { candidates: &candidates, names: names.len(), tries: TRIES, best: &mut best }.run();
    best.into_iter().filter_map(|i| candidates.get(i)).map(|c| c.pattern.clone()).collect()
}

/// Every name itself, and every pattern that covers more than one name and no other; of those that cover the same
/// names, the simplest.
fn candidates(names: &[&str], others: &[&str]) -> Vec<Candidate> {
    let mut best: BTreeMap<Bits, String> = BTreeMap::new();
    let mut tried = BTreeSet::new();
    for (i, name) in names.iter().enumerate() {
        best.insert(Bits::only(i, names.len()), (*name).to_owned());
        for pattern in generalizations(name) {
            if !tried.insert(pattern.clone()) {
                continue;
            }
            let glob = Glob::ignoring_case(&pattern);
            if others.iter().any(|other| glob.matches(other)) {
                continue;
            }
            let mut covers = Bits::none(names.len());
            names.iter().enumerate().filter(|(_, n)| glob.matches(n)).for_each(|(j, _)| covers.set(j));
            if covers.count() < 2 {
                continue;
            }
            let simplicity = |p: &str| (p.matches('*').count(), p.starts_with('*'), p.len());
            let known = best.entry(covers).or_insert_with(|| pattern.clone());
            if simplicity(&pattern) < simplicity(known) {
                *known = pattern;
            }
        }
    }
    best.into_iter().map(|(covers, pattern)| Candidate { pattern, covers }).collect()
}

/// `Get*`, `*Acl`, `*Object*` and `Get*Acl` of `GetObjectAcl`.
fn generalizations(name: &str) -> Vec<String> {
    let cuts = cuts(name);
    let part = |from: usize, to: usize| name.get(from..to).unwrap_or_default();
    let mut out = Vec::new();
    for (n, &a) in cuts.iter().enumerate() {
        out.push(format!("{}*", part(0, a)));
        out.push(format!("*{}", part(a, name.len())));
        for &b in cuts.iter().skip(n + 1) {
            out.push(format!("*{}*", part(a, b)));
            out.push(format!("{}*{}", part(0, a), part(b, name.len())));
        }
        out.push(format!("*{}*", part(0, a)));
        out.push(format!("*{}*", part(a, name.len())));
    }
    out.push(format!("{name}*"));
    out.push(format!("*{name}"));
    out.push(format!("*{name}*"));
    out
}

/// The places between the words of `DescribeDBClusters`: before a capital that follows a small letter or begins a word.
fn cuts(name: &str) -> Vec<usize> {
    let chars: Vec<(usize, char)> = name.char_indices().collect();
    let place = |w: &[(usize, char)]| match w {
        [(_, before), (at, here), rest @ ..] if here.is_uppercase() || !here.is_alphanumeric() => {
            let begins = rest.first().is_some_and(|(_, next)| next.is_lowercase());
            (!before.is_uppercase() || begins).then_some(*at)
        }
        _ => None,
    };
    (0..chars.len()).filter_map(|i| place(chars.get(i..(i + 3).min(chars.len()))?)).collect()
}

/// The pattern that covers most of what is left, again and again, then without those that others make needless.
fn greedy(candidates: &[Candidate], names: usize) -> Vec<usize> {
    let mut left = Bits::all(names);
    let mut chosen: Vec<usize> = Vec::new();
    while left.count() > 0 {
        let gain = |i: &usize| candidates.get(*i).map_or(0, |c| c.covers.common(&left));
        let best = (0..candidates.len()).max_by_key(|i| (gain(i), std::cmp::Reverse(*i)));
        let Some(best) = best.filter(|i| gain(i) > 0) else { break };
        if let Some(c) = candidates.get(best) {
            left.remove(&c.covers);
        }
        chosen.push(best);
    }
    for n in (0..chosen.len()).rev() {
        let mut left = Bits::all(names);
        let others = chosen.iter().enumerate().filter(|(i, _)| *i != n).filter_map(|(_, c)| candidates.get(*c));
        others.for_each(|c| left.remove(&c.covers));
        if left.count() == 0 {
            chosen.remove(n);
        }
    }
    chosen
}

/// Branch and bound: the name that fewest patterns cover is covered by one of them.
struct Search<'a> {
    candidates: &'a [Candidate],
    names: usize,
    tries: usize,
    best: &'a mut Vec<usize>,
}

impl Search<'_> {
    fn run(&mut self) {
        let widest = self.candidates.first().map_or(1, |c| c.covers.count()).max(1);
        self.from(&Bits::all(self.names), &mut Vec::new(), widest);
    }

    fn from(&mut self, left: &Bits, chosen: &mut Vec<usize>, widest: usize) {
        let missing = left.count();
        if missing == 0 {
            if chosen.len() < self.best.len() {
                self.best.clone_from(chosen);
            }
            return;
        }
        if self.tries == 0 || chosen.len() + missing.div_ceil(widest) >= self.best.len() {
            return;
        }
        self.tries -= 1;
        let covering = |name: usize| {
            let all = self.candidates.iter().enumerate();
            all.filter(move |(_, c)| c.covers.has(name)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        let Some(options) = left.iter().map(covering).min_by_key(Vec::len) else { return };
        for option in options {
            let mut rest = left.clone();
            if let Some(c) = self.candidates.get(option) {
                rest.remove(&c.covers);
            }
            chosen.push(option);
            self.from(&rest, chosen, widest);
            chosen.pop();
        }
    }
}

/// A set of small numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Bits(Vec<u64>);

impl Bits {
    fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn only(n: usize, size: usize) -> Self {
        let mut bits = Self::none(size);
        bits.set(n);
        bits
    }

    fn all(size: usize) -> Self {
        let mut bits = Self::none(size);
        (0..size).for_each(|n| bits.set(n));
        bits
    }

    fn set(&mut self, n: usize) {
        if let Some(word) = self.0.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }

    fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }

    fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= !b);
    }

    fn common(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len() * 64).filter(|n| self.has(*n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::shipped;
    use proptest::prelude::*;

    #[test]
    fn words() {
        let words = |name: &str| cuts(name).iter().map(|c| name[..*c].to_owned()).collect::<Vec<_>>();
        assert_eq!(words("GetObjectAcl"), ["Get", "GetObject"]);
        assert_eq!(words("DescribeDBClusters"), ["Describe", "DescribeDB"]);
        assert!(words("GET").is_empty());
    }

    #[test]
    fn whole_services_and_prefixes() {
        assert_eq!(shrink(&["*"], shipped()), ["*"]);
        assert_eq!(shrink(&["sqs:*"], shipped()), ["sqs:*"]);
        assert_eq!(shrink(&["s3:Get*"], shipped()), ["s3:Get*"]);
        assert_eq!(shrink(&["s3:getobject", "mine:Own"], shipped()), ["mine:Own", "s3:GetObject"]);
        assert_eq!(shrink(&["ec2:Describe*", "ec2:*Tags"], shipped()), ["ec2:*Tags", "ec2:Describe*"]);
        assert!(shrink::<&str>(&[], shipped()).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn covers_exactly_what_was_asked(
            service in prop::sample::select(vec!["s3", "iam", "sqs", "kms", "lambda", "dynamodb"]),
            parts in prop::collection::vec(("[A-Z][a-z]{0,2}", prop::bool::ANY), 1..4),
            picks in prop::collection::vec(0usize..60, 0..12),
        ) {
            let all = expand_patterns(&[format!("{service}:*")], shipped());
            let mut patterns: Vec<String> = parts
                .into_iter()
                .map(|(p, head)| if head { format!("{service}:{p}*") } else { format!("{service}:*{p}*") })
                .collect();
            patterns.extend(picks.iter().filter_map(|i| all.get(*i)).map(ToString::to_string));
            let wanted = expand_patterns(&patterns, shipped());
            let shrunk = shrink(&wanted, shipped());
            prop_assert_eq!(expand_patterns(&shrunk, shipped()), wanted.clone());
            prop_assert!(shrunk.len() <= wanted.len());
        }
    }
}
