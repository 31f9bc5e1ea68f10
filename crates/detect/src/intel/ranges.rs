//! Ranges of numbers, each with the lists it is in.

use std::collections::{BTreeMap, HashMap};

/// An address as a number.
pub(super) trait Number: Copy + Ord {
    /// The number after it, if any.
    fn next(self) -> Option<Self>;
    /// The number before it, if any.
    fn before(self) -> Option<Self>;
    /// The first sixteen bits.
    fn head(self) -> usize;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
    fn head(self) -> usize {
        (self >> 16) as usize
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
    fn head(self) -> usize {
        (self >> 112) as usize
    }
}

/// Ranges that do not overlap, in order: where lists overlap, the parts are cut out and carry the lists of both.
#[derive(Debug, Clone)]
pub(super) struct Ranges<N> {
    starts: Vec<N>,
    ends: Vec<N>,
    /// Which of `sets` each range is in.
    set: Vec<u32>,
    sets: Vec<Vec<u16>>,
    /// Where the ranges begin whose start has these first sixteen bits, and one more.
    heads: Vec<u32>,
}

impl<N: Number> Ranges<N> {
    pub(super) fn new(mut entries: Vec<(N, N, u16)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let mut table =
            Self { starts: Vec::new(), ends: Vec::new(), set: Vec::new(), sets: Vec::new(), heads: Vec::new() };
        let mut open = Open::default();
        // The first number that no range was written for.
        let mut at: Option<N> = None;
        let mut entries = entries.into_iter().peekable();
        loop {
            let coming = entries.peek().map(|e| e.0);
            match (coming, open.first_end()) {
                (None, None) => break,
                // A range begins before any open one ends: what is open so far makes up a piece until there.
                (Some(start), end) if end.is_none_or(|end| start <= end) => {
                    if let (Some(from), Some(last)) = (at.filter(|from| *from < start), start.before()) {
                        table.push(from, last, &mut open);
                    }
                    while let Some((_, end, tag)) = entries.next_if(|e| e.0 == start) {
                        open.begin(end, tag);
                    }
                    at = Some(start);
                }
                (_, Some(end)) => {
                    if let Some(from) = at {
                        table.push(from, end, &mut open);
                    }
                    open.finish(end);
                    at = if open.tags.is_empty() { None } else { end.next() };
                }
                (Some(_), None) => break,
            }
        }
        table.starts.shrink_to_fit();
        table.ends.shrink_to_fit();
        table.set.shrink_to_fit();
        table.index();
        table
    }

    /// Writes a piece in the lists that are open, as a part of the one before where that touches it and is in the same.
    fn push(&mut self, from: N, last: N, open: &mut Open<N>) {
        let tags: Vec<u16> = open.tags.keys().copied().collect();
        let set = match open.known.get(&tags) {
            Some(set) => *set,
            None => {
                let set = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
                open.known.insert(tags.clone(), set);
                self.sets.push(tags);
                set
            }
        };
        let touches = self.ends.last().and_then(|e| e.next()) == Some(from) && self.set.last() == Some(&set);
        match self.ends.last_mut().filter(|_| touches) {
            Some(end) => *end = last,
            None => {
                self.starts.push(from);
                self.ends.push(last);
                self.set.push(set);
            }
        }
    }

    fn index(&mut self) {
        self.heads = Vec::with_capacity(65_537);
        let mut at = 0;
        for head in 0..=65_536 {
            while self.starts.get(at).is_some_and(|s| s.head() < head) {
                at += 1;
            }
            self.heads.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }

    /// The lists that a number is in.
    pub(super) fn find(&self, number: N) -> &[u16] {
        let head = number.head();
        let bound = |at: usize| self.heads.get(at).map_or(0, |b| *b as usize);
        let (low, high) = (bound(head), bound(head + 1));
        let within = self.starts.get(low..high).map_or(0, |s| s.partition_point(|s| *s <= number));
        // The range that holds it may have begun under an earlier head.
        let Some(at) = (low + within).checked_sub(1) else { return &[] };
        let holds = self.ends.get(at).is_some_and(|end| number <= *end);
        let set = self.set.get(at).filter(|_| holds).and_then(|set| self.sets.get(*set as usize));
        set.map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let range = 2 * size_of::<N>() + size_of::<u32>();
        self.starts.len() * range + self.heads.len() * 4 + self.sets.iter().map(|s| 24 + s.len() * 2).sum::<usize>()
    }
}

/// What is open at the sweep's place.
struct Open<N> {
    /// Ends and tags of open ranges, and how many of each.
    ends: BTreeMap<(N, u16), u32>,
    /// How many ranges of each list are open.
    tags: BTreeMap<u16, u32>,
    /// Sets of lists already written.
    known: HashMap<Vec<u16>, u32>,
}

impl<N> Default for Open<N> {
    fn default() -> Self {
        Self { ends: BTreeMap::new(), tags: BTreeMap::new(), known: HashMap::new() }
    }
}

impl<N: Number> Open<N> {
    fn first_end(&self) -> Option<N> {
        self.ends.first_key_value().map(|((end, _), _)| *end)
    }

    fn begin(&mut self, end: N, tag: u16) {
        *self.ends.entry((end, tag)).or_default() += 1;
        *self.tags.entry(tag).or_default() += 1;
    }

    fn finish(&mut self, end: N) {
        while let Some(entry) = self.ends.first_entry().filter(|e| e.key().0 == end) {
            let ((_, tag), count) = entry.remove_entry();
            if let Some(open) = self.tags.get_mut(&tag) {
                *open = open.saturating_sub(count);
                if *open == 0 {
                    self.tags.remove(&tag);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against asking every entry: in a small space so that ranges nest, touch and repeat, and at the ends of the numbers.
        #[test]
        fn finds_what_a_walk_over_all_entries_finds(
            raw in proptest::collection::vec((0u32..300, 0u32..80, 0u16..4, any::<bool>()), 0..60),
            asked in proptest::collection::vec((0u32..400, any::<bool>()), 50),
        ) {
            let place = |n: u32, high: bool| if high { u32::MAX - 400 + n.min(400) } else { n };
            let entries: Vec<(u32, u32, u16)> = raw.iter().map(|(start, length, tag, high)| {
                let start = place(*start, *high);
                (start, start.saturating_add(*length), *tag)
            }).collect();
            let table = Ranges::new(entries.clone());
            for (n, high) in asked {
                let n = place(n, high);
                let mut wanted: Vec<u16> = entries.iter().filter(|e| e.0 <= n && n <= e.1).map(|e| e.2).collect();
                wanted.sort_unstable();
                wanted.dedup();
                prop_assert_eq!(table.find(n), &wanted[..], "{}", n);
            }
            prop_assert!(table.starts.iter().zip(&table.ends).all(|(s, e)| s <= e));
            prop_assert!(table.ends.iter().zip(table.starts.iter().skip(1)).all(|(e, s)| e < s));
        }
    }
}
