//! Encryption at rest, by envelope: what is kept is sealed with keys derived from one data key, and the data key is kept only wrapped, by a
//! passphrase or by a key of AWS KMS.
//!
//! [`key`] makes, wraps and unwraps the data key; [`sealed`] is the form of a sealed file; [`store`] reads and writes an object store whose
//! objects are all sealed. Whoever asks AWS KMS is the caller: this crate makes no calls.

pub mod key;
pub mod sealed;
pub mod store;

pub use key::{DataKey, KeyFile, Wrap};
pub use store::SealedStore;

/// What can go wrong with keys and sealed files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key file is none.
    #[error("is no key file: {0}")]
    NoKeyFile(String),
    /// The passphrase does not open the key.
    #[error("the passphrase does not open this key")]
    WrongPassphrase,
    /// The file was sealed with another key.
    #[error("is sealed with the key {found}, not with {wanted}")]
    OtherKey {
        /// The key's id that the file names.
        found: String,
        /// That of the key at hand.
        wanted: String,
    },
    /// The bytes are no sealed file, or were changed or cut since they were sealed.
    #[error("{0}")]
    Damaged(&'static str),
    /// The machine gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
}
