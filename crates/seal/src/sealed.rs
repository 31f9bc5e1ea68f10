//! A sealed file: a head, then chunks that are encrypted one by one, so that any part can be read alone.
//!
//! The head is 32 bytes: `YAGSEAL1`, the data key's id (8), a random salt (16). The file's key is derived from the data key and the salt. Each
//! chunk is AES-256-GCM over 64 KiB of plain text, the last one over what is left (nothing, for an empty file); its nonce is the chunk's number
//! and whether it is the last, which is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár ("Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): chunks cannot be left out, moved or cut off unseen. A file in
//! the place of another that the same key sealed is not told apart.

use crate::SealError;
use crate::key::{DataKey, hex, random};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use std::ops::Range;

const MAGIC: &[u8; 8] = b"YAGSEAL1";
/// The length of a head.
pub const HEAD: usize = 32;
/// How much plain text a chunk holds.
pub const CHUNK: usize = 64 << 10;
/// What encryption adds to a chunk.
const TAG: usize = 16;
const WHOLE: u64 = (CHUNK + TAG) as u64;

/// Whether the bytes begin like a sealed file.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// How long what a sealed file of this length holds is. `None` where no sealed file has that length.
pub fn plain_len(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(HEAD as u64)?;
    let (full, rest) = (body / WHOLE, body % WHOLE);
    match (full, rest) {
        (0, 0) => None,
        (_, 0) => Some(full * CHUNK as u64),
        (0, rest) => rest.checked_sub(TAG as u64),
        // A chunk of nothing is only ever the whole file.
        (_, rest) => rest.checked_sub(TAG as u64).filter(|r| *r > 0).map(|r| full * CHUNK as u64 + r),
    }
}

/// How long a file of this length is once sealed.
pub fn sealed_len(plain: u64) -> u64 {
    HEAD as u64 + plain + chunks(plain) * TAG as u64
}

fn chunks(plain: u64) -> u64 {
    plain.div_ceil(CHUNK as u64).max(1)
}

/// Seals a file.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn seal(key: &DataKey, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let salt: [u8; 16] = random()?;
    let aead = key.of_file(&salt)?;
    let mut out = Vec::with_capacity(usize::try_from(sealed_len(plain.len() as u64)).unwrap_or_default());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(key.id_bytes());
    out.extend_from_slice(&salt);
    let count = chunks(plain.len() as u64);
    let mut parts = plain.chunks(CHUNK);
    for number in 0..count {
        let mut chunk = parts.next().unwrap_or_default().to_vec();
        aead.seal_in_place_append_tag(nonce(number, number + 1 == count), Aad::empty(), &mut chunk)
            .map_err(|_| SealError::Damaged("could not be sealed"))?;
        out.append(&mut chunk);
    }
    Ok(out)
}

/// Opens a whole file.
///
/// # Errors
/// [`SealError::OtherKey`], [`SealError::Damaged`].
pub fn open(key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let reader = Reader::new(key, sealed, sealed.len() as u64)?;
    let body = sealed.get(HEAD..).unwrap_or_default();
    reader.part(0..reader.len, body)
}

/// Reads parts of one sealed file.
pub struct Reader {
    aead: LessSafeKey,
    /// The length of what it holds.
    pub len: u64,
}

impl Reader {
    /// From the file's first bytes and its length.
    ///
    /// # Errors
    /// [`SealError::OtherKey`], [`SealError::Damaged`].
    pub fn new(key: &DataKey, head: &[u8], length: u64) -> Result<Self, SealError> {
        let cut = SealError::Damaged("is sealed, and was cut off");
        let Some((magic, rest)) = head.split_at_checked(MAGIC.len()) else { return Err(cut) };
        if magic != MAGIC {
            return Err(SealError::Damaged("is not sealed"));
        }
        let (Some(id), Some(salt)) = (rest.get(..8), rest.get(8..24)) else { return Err(cut) };
        if id != key.id_bytes() {
            return Err(SealError::OtherKey { found: hex(id), wanted: key.id() });
        }
        Ok(Self { aead: key.of_file(salt)?, len: plain_len(length).ok_or(cut)? })
    }

    /// Which bytes of the sealed file hold these of the plain one.
    pub fn sealed_range(&self, plain: &Range<u64>) -> Range<u64> {
        let first = (plain.start / CHUNK as u64).min(chunks(self.len) - 1);
        let last = (plain.end.saturating_sub(1) / CHUNK as u64).clamp(first, chunks(self.len) - 1);
        let end = HEAD as u64 + (last + 1) * WHOLE;
        HEAD as u64 + first * WHOLE..end.min(sealed_len(self.len))
    }

    /// The plain bytes, from the bytes that [`Reader::sealed_range`] names.
    ///
    /// # Errors
    /// [`SealError::Damaged`]: they were changed since they were sealed.
    pub fn part(&self, plain: Range<u64>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let changed = SealError::Damaged("was changed or cut since it was sealed");
        let count = chunks(self.len);
        let first = (plain.start / CHUNK as u64).min(count - 1);
        let mut out = Vec::with_capacity(sealed.len());
        for (number, chunk) in (first..).zip(sealed.chunks(CHUNK + TAG)) {
            let mut chunk = chunk.to_vec();
            let opened = self
                .aead
                .open_in_place(nonce(number, number + 1 == count), Aad::empty(), &mut chunk)
                .map_err(|_| changed.clone())?;
            out.extend_from_slice(opened);
        }
        let at = |n: u64| usize::try_from(n - (first * CHUNK as u64).min(n)).unwrap_or(usize::MAX);
        let (start, end) = (at(plain.start), at(plain.end));
        if end > out.len() || start > end {
            return Err(changed);
        }
        out.truncate(end);
        out.drain(..start);
        Ok(out)
    }
}

/// The chunk's number in eleven bytes, and whether it is the last in one.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut out = [0; NONCE_LEN];
    if let Some((number_at, last_at)) = out.get_mut(3..).and_then(|o| o.split_last_mut().map(|(l, n)| (n, l))) {
        number_at.copy_from_slice(&number.to_be_bytes());
        *last_at = u8::from(last);
    }
    Nonce::assume_unique_for_key(out)
}
