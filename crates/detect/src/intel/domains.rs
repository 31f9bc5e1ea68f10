//! Domains by their hashes.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};

/// A tag's bit that says that the domain stands for what is below it.
const BELOW: u16 = 1 << 15;
/// More lists than this cannot be told apart.
pub(super) const MOST_TAGS: u16 = BELOW - 1;

/// Sorted hashes of domains, each with its list. Two different names share one of 64 bits by chance once in so many
/// questions that nobody asks; whoever makes up a name to collide with a listed one gets a name listed.
#[derive(Debug, Clone)]
pub(super) struct Domains {
    hashes: Vec<u64>,
    tags: Vec<u16>,
    /// Where the hashes with these first sixteen bits begin, and one more.
    heads: Vec<u32>,
    /// A bit for the end of each hash: nearly every name that is in no list is turned away here, by one look at little
    /// memory (a Bloom filter of one function: B. Bloom, 1970).
    bits: Vec<u64>,
}

/// An entry for [`Domains::new`].
pub(super) fn entry(name: &str, tag: u16, below: bool) -> (u64, u16) {
    (hash(name.trim_end_matches('.').to_ascii_lowercase().as_bytes()), if below { tag | BELOW } else { tag })
}

impl Domains {
    pub(super) fn new(mut entries: Vec<(u64, u16)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let mut heads = Vec::with_capacity(65_537);
        let mut at = 0;
        for head in 0..=65_536u64 {
            while entries.get(at).is_some_and(|e| e.0 >> 48 < head) {
                at += 1;
            }
            heads.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        let (hashes, tags): (Vec<u64>, Vec<u16>) = entries.into_iter().unzip();
        let mut bits = vec![0u64; (hashes.len() / 4).next_power_of_two()];
        for hash in &hashes {
            let (word, bit) = place(*hash, bits.len());
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        Self { hashes, tags, heads, bits }
    }

    /// Calls `found` with the list of every entry that a name meets.
    pub(super) fn each(&self, name: &str, mut found: impl FnMut(u16)) {
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        let mut small = [0u8; 255];
        let Some(small) = small.get_mut(..name.len()).filter(|_| !self.hashes.is_empty()) else { return };
        small.copy_from_slice(name);
        small.make_ascii_lowercase();
        let mut rest: &[u8] = small;
        let mut whole = true;
        // No list has a name of one label.
        while let Some(dot) = memchr::memchr(b'.', rest) {
            self.of(hash(rest), |tag| {
                if whole || tag & BELOW != 0 {
                    found(tag & !BELOW);
                }
            });
            rest = rest.get(dot + 1..).unwrap_or_default();
            whole = false;
        }
    }

    fn of(&self, hash: u64, mut found: impl FnMut(u16)) {
        let (word, bit) = place(hash, self.bits.len());
        if self.bits.get(word).is_none_or(|w| w & bit == 0) {
            return;
        }
        let head = (hash >> 48) as usize;
        let bound = |at: usize| self.heads.get(at).map_or(0, |b| *b as usize);
        let (low, high) = (bound(head), bound(head + 1));
        let first = low + self.hashes.get(low..high).map_or(0, |h| h.partition_point(|h| *h < hash));
        let same = self.hashes.iter().zip(&self.tags).skip(first).take_while(|(h, _)| **h == hash);
        same.for_each(|(_, tag)| found(*tag));
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.hashes.len() * 10 + self.heads.len() * 4 + self.bits.len() * 8
    }
}

fn place(hash: u64, words: usize) -> (usize, u64) {
    ((hash >> 6) as usize & words.saturating_sub(1), 1 << (hash & 63))
}

/// The same for the same name in one process, which is as long as a table lives.
fn hash(name: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(name);
    hasher.finish()
}
