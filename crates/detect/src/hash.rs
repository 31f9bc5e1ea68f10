//! Small numbers for texts: cut from SHA-256 ([`crate::stat::habit::hash`]), so that nobody can choose a user agent or a name that passes for
//! another. Texts repeat; what was computed lately is remembered.

use foldhash::{HashMap, HashMapExt};
use smol_str::SmolStr;
use std::cell::RefCell;

/// A text's number.
pub type Hash = u64;

/// Texts that a thread remembers.
const REMEMBERED: usize = 1 << 16;
/// What fits into a `SmolStr` itself.
const INLINE: usize = 23;
/// The longest of them.
const LONGEST: usize = 512;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Hash>> = RefCell::new(HashMap::new());
    static NETWORKS: RefCell<HashMap<SmolStr, (Option<SmolStr>, Hash)>> = RefCell::new(HashMap::new());
    static TEXTS: RefCell<foldhash::HashSet<SmolStr>> = RefCell::new(foldhash::HashSet::default());
}

/// The number of an address's network; 0 where there is none.
pub fn network(address: &str) -> Hash {
    with_network(address, |(_, number)| *number)
}

/// As [`crate::network_of`], remembered.
pub fn network_of(address: &str) -> Option<SmolStr> {
    with_network(address, |(name, _)| name.clone())
}

fn with_network<T>(address: &str, take: impl FnOnce(&(Option<SmolStr>, Hash)) -> T) -> T {
    NETWORKS.with_borrow_mut(|known| {
        if let Some(found) = known.get(address) {
            return take(found);
        }
        let name = crate::network_of(address);
        let number = name.as_deref().map_or(0, hash);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let found = (name, number);
        let taken = take(&found);
        if address.len() <= LONGEST {
            known.insert(address.into(), found);
        }
        taken
    })
}

/// A text that others have, too: the names of actors, keys and programs come again and again, and stand in memory once.
pub fn common(text: &str) -> SmolStr {
    if text.len() <= INLINE || text.len() > LONGEST {
        return SmolStr::new(text);
    }
    TEXTS.with_borrow_mut(|known| {
        if let Some(same) = known.get(text) {
            return same.clone();
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let own = SmolStr::new(text);
        known.insert(own.clone());
        own
    })
}

/// The number of a text; 0 for an empty one only.
pub fn hash(text: &str) -> Hash {
    if text.is_empty() {
        return 0;
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(number) = known.get(text) {
            return *number;
        }
        let number = crate::stat::habit::hash(text).max(1);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        if text.len() <= LONGEST {
            known.insert(text.into(), number);
        }
        number
    })
}
