//! A table that never grows beyond its limit.

use foldhash::{HashMap, HashMapExt};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::hash::Hash;

/// Values by key, each stamped with the time of its last use. Where a new key would go beyond the limit, the eighth of
/// the keys that were used longest ago goes first (ties by key), so that making room costs a constant time a key. What
/// was evicted is counted.
///
/// Reading it out is sorted by key: nothing hangs on the order of a hash.
#[derive(Debug, Clone)]
pub struct Bounded<K, V> {
    entries: HashMap<K, (i64, V)>,
    evicted: u64,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), evicted: 0 }
    }
}

impl<K: Hash + Eq + Ord + Clone, V> Bounded<K, V> {
    /// The value of `key`, made where there is none, stamped `now`.
    pub fn entry(&mut self, key: K, now: i64, limit: usize, make: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= limit && !self.entries.contains_key(&key) {
            self.make_room(limit);
        }
        let entry = self.entries.entry(key).or_insert_with(|| (now, make()));
        entry.0 = entry.0.max(now);
        &mut entry.1
    }

    /// The value of `key`, which stays as old as it is.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|e| &e.1)
    }

    /// The value of `key` to change, which stays as old as it is.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|e| &mut e.1)
    }

    /// When `key` was used last.
    pub fn touched<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<i64>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|e| e.0)
    }

    /// Takes `key` out.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key).map(|e| e.1)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys had to go for want of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn make_room(&mut self, limit: usize) {
        let leaving = (self.entries.len().saturating_sub(limit) + limit / 8 + 1).min(self.entries.len());
        let mut ages: Vec<(i64, &K)> = self.entries.iter().map(|(k, e)| (e.0, k)).collect();
        if leaving < ages.len() {
            ages.select_nth_unstable(leaving);
        }
        let gone: Vec<K> = ages.into_iter().take(leaving).map(|(_, k)| k.clone()).collect();
        for key in gone {
            self.entries.remove(&key);
            self.evicted += 1;
        }
    }
}

impl<K: Serialize + Ord, V: Serialize> Serialize for Bounded<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<(&K, i64, &V)> = self.entries.iter().map(|(k, e)| (k, e.0, &e.1)).collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
        (self.evicted, entries).serialize(to)
    }
}

impl<'de, K: Deserialize<'de> + Hash + Eq, V: Deserialize<'de>> Deserialize<'de> for Bounded<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (evicted, entries): (u64, Vec<(K, i64, V)>) = Deserialize::deserialize(from)?;
        Ok(Self { entries: entries.into_iter().map(|(k, t, v)| (k, (t, v))).collect(), evicted })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn the_longest_unused_go_and_are_counted() {
        let mut table: Bounded<u32, u32> = Bounded::default();
        for key in 0..16 {
            table.entry(key, i64::from(key), 16, || key);
        }
        table.entry(0, 100, 16, || 9);
        table.entry(16, 101, 16, || 16);
        assert_eq!((table.len(), table.evicted()), (14, 3));
        assert_eq!(table.get(&0), Some(&0), "used again, so it stays as it was");
        assert_eq!((table.get(&1), table.get(&3), table.get(&4)), (None, None, Some(&4)));
    }

    #[test]
    fn it_reads_back_as_it_was_and_writes_in_one_order() {
        let mut table: Bounded<(String, u16), u32> = Bounded::default();
        for key in 0..500u16 {
            table.entry((format!("h{}", key % 7), key), i64::from(key), 100, || u32::from(key));
        }
        assert!(table.len() <= 100);
        let text = serde_json::to_string(&table).unwrap();
        let back: Bounded<(String, u16), u32> = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}
