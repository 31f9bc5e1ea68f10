//! Domains by their hashes.

use std::hash::{DefaultHasher, Hasher};

/// A tag's bit that says that the domain stands for what is below it.
const BELOW: u16 = 1 << 15;
/// More lists than this cannot be told apart.
pub(super) const MOST_TAGS: u16 = BELOW - 1;

/// Sorted hashes of domains, each with its list. Two different names share one of 64 bits by chance once in so many questions that nobody asks; whoever makes up a name to collide with a listed one
/// gets a name listed.
#[derive(Debug, Clone)]
pub(super) struct Domains {
    hashes: Vec<u64>,
    tags: Vec<u16>,
    /// Where the hashes with these first sixteen bits begin, and one more.
    heads: Vec<u32>,
}

/// An entry for [`Domains::new`].
pub(super) fn entry(name: &str, tag: u16, below: bool) -> (u64, u16) {
    (hash(name.trim_end_matches('.').bytes()), if below { tag | BELOW } else { tag })
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
        let (hashes, tags) = entries.into_iter().unzip();
        Self { hashes, tags, heads }
    }

    /// Calls `found` with the list of every entry that a name meets.
    pub(super) fn each(&self, name: &str, mut found: impl FnMut(u16)) {
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        if self.hashes.is_empty() || name.len() > 255 {
            return;
        }
        let mut start = 0;
        loop {
            let Some(rest) = name.get(start..) else { return };
            self.of(hash(rest.iter().copied()), |tag| {
                if start == 0 || tag & BELOW != 0 {
                    found(tag & !BELOW);
                }
            });
            match memchr::memchr(b'.', rest) {
                Some(dot) => start += dot + 1,
                None => return,
            }
        }
    }

    fn of(&self, hash: u64, mut found: impl FnMut(u16)) {
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
        self.hashes.len() * 10 + self.heads.len() * 4
    }
}

/// The standard library's keyed hash with its fixed key: tables live and die with the process.
fn hash(name: impl Iterator<Item = u8>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut block = [0u8; 8];
    let mut filled = 0;
    for byte in name {
        if let Some(place) = block.get_mut(filled) {
            *place = byte.to_ascii_lowercase();
        }
        filled += 1;
        if filled == block.len() {
            hasher.write_u64(u64::from_le_bytes(block));
            (block, filled) = ([0; 8], 0);
        }
    }
    hasher.write_u64(u64::from_le_bytes(block));
    hasher.write_u8(filled as u8);
    hasher.finish()
}
