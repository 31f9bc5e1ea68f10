//! Small numbers for texts. They are written to files (learned habits), so that the function is fixed for ever: FNV-1a over eight bytes
//! at a time with a last mixing step of MurmurHash3's. Not for what an enemy may choose: whoever finds two identities of the same hash gains
//! that one passes for the other in a habit.

/// A text's number.
pub type Hash = u64;

/// The number of a text; 0 for an empty one only.
pub fn hash(text: &str) -> Hash {
    if text.is_empty() {
        return 0;
    }
    let mut h: u64 = 0xcbf2_9ce4_8422_2325 ^ text.len() as u64;
    let mut chunks = text.as_bytes().chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.iter().rev().fold(0u64, |w, b| w << 8 | u64::from(*b));
        h = (h ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25);
        h ^= h >> 32;
    }
    for b in chunks.remainder() {
        h = (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^= h >> 33;
    h.max(1)
}
