//! Sets of strings given by IAM's patterns: whether some string is of them all, and which.
//!
//! Actions, resources and the string values of condition keys are compared by patterns of `*` and `?`. Whether one
//! policy reaches further than another comes down to whether a string lies in some such sets and outside others.
//! The answer is exact; where the work would grow out of bounds it is [`Answer::Unknown`].

mod automaton;
mod natural;
mod pattern;

pub use pattern::Pattern;

use std::collections::HashSet;
use std::sync::Arc;

/// The strings of any of some patterns, or all others. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringSet {
    union: Arc<Union>,
    complement: bool,
}

/// Patterns, and those without wildcards once more for quick look-up.
#[derive(Debug, PartialEq, Eq)]
struct Union {
    patterns: Vec<Pattern>,
    exact: HashSet<String>,
    /// In lower case, of patterns that ignore case.
    folded: HashSet<String>,
    /// Places of the patterns that are not looked up: those with wildcards, and all of a short list.
    tried: Vec<usize>,
    wildcards: usize,
}

/// Up to this many patterns, trying each is quicker than looking up.
const SHORT: usize = 24;

/// Whether some string lies in all of some sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This one does.
    Found(String),
    /// None does.
    Empty,
    /// It could not be decided within bounds; why.
    Unknown(String),
}

impl StringSet {
    fn new(patterns: Vec<Pattern>, complement: bool) -> Self {
        let mut union = Union {
            exact: HashSet::new(),
            folded: HashSet::new(),
            tried: Vec::new(),
            wildcards: patterns.iter().filter(|p| !p.is_finite()).count(),
            patterns,
        };
        let is_short = union.patterns.len() <= SHORT;
        for (place, pattern) in union.patterns.iter().enumerate() {
            match if is_short { None } else { pattern.text() } {
                Some(text) if pattern.ignores_case() => drop(union.folded.insert(text.to_ascii_lowercase())),
                Some(text) => drop(union.exact.insert(text)),
                None => union.tried.push(place),
            }
        }
        Self { union: Arc::new(union), complement }
    }

    /// The strings that match any of the patterns.
    pub fn any_of(patterns: Vec<Pattern>) -> Self {
        Self::new(patterns, false)
    }

    /// The strings that match none of the patterns.
    pub fn none_of(patterns: Vec<Pattern>) -> Self {
        Self::new(patterns, true)
    }

    /// Every string that is not of the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { union: Arc::clone(&self.union), complement: !self.complement }
    }

    /// The same with each pattern replaced.
    #[must_use]
    pub fn map(&self, f: impl FnMut(&Pattern) -> Pattern) -> Self {
        Self::new(self.patterns().iter().map(f).collect(), self.complement)
    }

    /// Whether the string is of the set.
    pub fn contains(&self, text: &str) -> bool {
        let union = &*self.union;
        let any = (!union.exact.is_empty() && union.exact.contains(text))
            || (!union.folded.is_empty() && union.folded.contains(&text.to_ascii_lowercase()))
            || union.tried.iter().filter_map(|place| union.patterns.get(*place)).any(|p| p.matches(text));
        any != self.complement
    }

    /// The patterns of which it is the union, or the union's complement.
    pub fn patterns(&self) -> &[Pattern] {
        &self.union.patterns
    }

    /// Whether it holds what matches none of its patterns.
    pub fn is_complement(&self) -> bool {
        self.complement
    }

    fn wildcards(&self) -> usize {
        self.union.wildcards
    }
}

/// A string that lies in every set: the first of `wanted` that does, else one that reads naturally, else a shortest one.
pub fn find<'w>(sets: &[&StringSet], wanted: impl IntoIterator<Item = &'w str>) -> Answer {
    let lies = |text: &str| sets.iter().all(|set| set.contains(text));
    if let Some(text) = wanted.into_iter().find(|text| lies(text)) {
        return Answer::Found(text.to_owned());
    }
    if let Some(answer) = by_listing(sets) {
        return answer;
    }
    let Some(reduced) = reduce(sets) else { return Answer::Empty };
    let narrowest = reduced.iter().filter(|s| !s.complement).min_by_key(|s| (s.wildcards(), s.patterns().len()));
    if let Some(set) = narrowest {
        let mut tried = set.patterns().iter().flat_map(natural::strings);
        if let Some(text) = tried.find(|text| !text.contains(['*', '?']) && lies(text)) {
            return Answer::Found(text);
        }
    } else if let Some(text) = natural::WORDS.iter().find(|word| lies(word)) {
        return Answer::Found((*text).to_owned());
    }
    let views: Vec<&StringSet> = reduced.iter().collect();
    automaton::search(&views)
}

/// The answer where some set has no wildcard: each of its strings is tried, in one spelling where case does not matter to
/// any set.
fn by_listing(sets: &[&StringSet]) -> Option<Answer> {
    let finite = sets.iter().filter(|s| !s.complement && s.wildcards() == 0);
    let listed = finite.min_by_key(|s| s.patterns().len())?;
    let texts = || listed.patterns().iter().filter_map(Pattern::text);
    if let Some(text) = texts().find(|text| !text.contains(['*', '?']) && sets.iter().all(|set| set.contains(text))) {
        return Some(Answer::Found(text));
    }
    let one_spelling = listed.patterns().iter().all(|p| p.only().is_some())
        || sets.iter().flat_map(|s| s.patterns()).all(Pattern::is_blind_to_case);
    (one_spelling && texts().all(|text| !text.contains(['*', '?']))).then_some(Answer::Empty)
}

/// The same intersection with what plainly does not matter left out; `None` where it is plainly empty.
fn reduce(sets: &[&StringSet]) -> Option<Vec<StringSet>> {
    let (outside, inside): (Vec<&StringSet>, Vec<&StringSet>) = sets.iter().copied().partition(|set| set.complement);
    let excluded: Vec<&Pattern> = outside.iter().flat_map(|set| set.patterns()).collect();
    // Long lists of literals are mostly the same on both sides.
    let is_long = excluded.len() > 200;
    let mut same: HashSet<&Pattern> = excluded.iter().copied().filter(|_| is_long).collect();
    let mut kept: Vec<StringSet> = Vec::new();
    for (i, set) in inside.iter().enumerate() {
        let others = || inside.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, other)| other);
        let possible = |p: &&Pattern| {
            !same.contains(p)
                && !excluded.iter().any(|q| q.covers(p))
                && others().all(|other| other.patterns().iter().any(|q| !q.surely_disjoint(p)))
        };
        let patterns: Vec<Pattern> = set.patterns().iter().filter(possible).cloned().collect();
        if patterns.is_empty() {
            return None;
        }
        if !patterns.iter().any(Pattern::is_everything) {
            kept.push(StringSet::any_of(patterns));
        }
    }
    let meets = |q: &&Pattern| kept.iter().all(|set| set.patterns().iter().any(|p| !p.surely_disjoint(q)));
    let mut left: Vec<Pattern> = Vec::new();
    for pattern in excluded.into_iter().filter(meets) {
        if pattern.is_everything() {
            return None;
        }
        if if is_long { same.remove(pattern) } else { !left.contains(pattern) } {
            left.push(pattern.clone());
        }
    }
    if !left.is_empty() {
        kept.push(StringSet::none_of(left));
    }
    Some(kept)
}

#[cfg(test)]
mod tests;
