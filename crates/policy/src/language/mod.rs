//! Sets of strings given by IAM's patterns: whether some string is of them all, and which.
//!
//! Actions, resources and the string values of condition keys are compared by patterns of `*` and `?`. Whether one
//! policy reaches further than another comes down to whether a string lies in some such sets and outside others.
//! The answer is exact; where the work would grow out of bounds it is [`Answer::Unknown`].

mod automaton;
mod natural;
mod pattern;

pub use pattern::Pattern;

/// The strings of any of some patterns, or all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StringSet {
    patterns: Vec<Pattern>,
    complement: bool,
}

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
    /// The strings that match any of the patterns.
    pub fn any_of(patterns: Vec<Pattern>) -> Self {
        Self { patterns, complement: false }
    }

    /// The strings that match none of the patterns.
    pub fn none_of(patterns: Vec<Pattern>) -> Self {
        Self { patterns, complement: true }
    }

    /// Every string that is not of the set.
    pub fn complement(&self) -> Self {
        Self { patterns: self.patterns.clone(), complement: !self.complement }
    }

    /// The same with each pattern replaced.
    #[must_use]
    pub fn map(&self, f: impl FnMut(&Pattern) -> Pattern) -> Self {
        Self { patterns: self.patterns.iter().map(f).collect(), complement: self.complement }
    }

    /// Whether the string is of the set.
    pub fn contains(&self, text: &str) -> bool {
        self.patterns.iter().any(|p| p.matches(text)) != self.complement
    }

    /// The patterns of which it is the union, or the union's complement.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether it holds what matches none of its patterns.
    pub fn is_complement(&self) -> bool {
        self.complement
    }
}

/// A string that lies in every set: the first of `wanted` that does, else one that reads naturally, else a shortest one.
pub fn find<'w>(sets: &[&StringSet], wanted: impl IntoIterator<Item = &'w str>) -> Answer {
    let lies = |text: &str| sets.iter().all(|set| set.contains(text));
    if let Some(text) = wanted.into_iter().find(|text| lies(text)) {
        return Answer::Found(text.to_owned());
    }
    let Some(reduced) = reduce(sets) else { return Answer::Empty };
    let narrowest = reduced.iter().filter(|s| !s.complement).min_by_key(|s| (s.wildcards(), s.patterns.len()));
    if let Some(set) = narrowest {
        let mut tried = set.patterns.iter().flat_map(natural::strings);
        if let Some(text) = tried.find(|text| !text.contains(['*', '?']) && lies(text)) {
            return Answer::Found(text);
        }
        if set.patterns.iter().all(|p| p.only().is_some_and(|only| !only.contains(['*', '?']))) {
            return Answer::Empty;
        }
    } else if let Some(text) = natural::WORDS.iter().find(|word| lies(word)) {
        return Answer::Found((*text).to_owned());
    }
    let views: Vec<&StringSet> = reduced.iter().collect();
    automaton::search(&views)
}

impl StringSet {
    fn wildcards(&self) -> usize {
        self.patterns.iter().filter(|p| !p.is_finite()).count()
    }
}

/// The same intersection with what plainly does not matter left out; `None` where it is plainly empty.
fn reduce(sets: &[&StringSet]) -> Option<Vec<StringSet>> {
    let (outside, inside): (Vec<&StringSet>, Vec<&StringSet>) = sets.iter().copied().partition(|set| set.complement);
    let excluded: Vec<&Pattern> = outside.iter().flat_map(|set| &set.patterns).collect();
    let mut kept: Vec<StringSet> = Vec::new();
    for (i, set) in inside.iter().enumerate() {
        let others = || inside.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, other)| other);
        let possible = |p: &&Pattern| {
            !excluded.iter().any(|q| q.covers(p))
                && others().all(|other| other.patterns.iter().any(|q| !q.surely_disjoint(p)))
        };
        let patterns: Vec<Pattern> = set.patterns.iter().filter(possible).cloned().collect();
        if patterns.is_empty() {
            return None;
        }
        if !patterns.iter().any(Pattern::is_everything) {
            kept.push(StringSet::any_of(patterns));
        }
    }
    let meets = |q: &&Pattern| kept.iter().all(|set| set.patterns.iter().any(|p| !p.surely_disjoint(q)));
    let mut left: Vec<Pattern> = Vec::new();
    for pattern in excluded.into_iter().filter(meets) {
        if pattern.is_everything() {
            return None;
        }
        if !left.contains(pattern) {
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
