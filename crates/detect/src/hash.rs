//! Small numbers for texts: cut from SHA-256 ([`crate::stat::habit::hash`]), so that nobody can choose a user agent or a name that passes for
//! another. Texts repeat; what was computed lately is remembered.

use std::cell::RefCell;
use std::collections::HashMap;

/// A text's number.
pub type Hash = u64;

/// Texts that a thread remembers.
const REMEMBERED: usize = 1 << 16;
/// The longest of them.
const LONGEST: usize = 512;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Hash>> = RefCell::default();
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
