//! The data key and its wrappings.

use crate::SealError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, pbkdf2};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// Rounds of PBKDF2-HMAC-SHA256, as OWASP's Password Storage Cheat Sheet advises.
const ROUNDS: u32 = 600_000;
/// The most rounds that are taken from a file: a forged one must not keep the machine busy for hours.
const MOST_ROUNDS: u32 = 20_000_000;
/// How many bytes a data key has.
pub const KEY_LEN: usize = 32;

/// The key from which the keys of sealed files are derived. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    id: [u8; 8],
    bytes: [u8; KEY_LEN],
}

impl DataKey {
    /// A new one, from the system's random numbers.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn new() -> Result<Self, SealError> {
        Ok(Self { id: random()?, bytes: random()? })
    }

    /// One that AWS KMS made (`kms:GenerateDataKey` with `KeySpec` `AES_256`): `Plaintext`, in Base64 as its answers have it.
    ///
    /// # Errors
    /// [`SealError::NoKeyFile`] if it is no Base64 or has not 32 bytes; [`SealError::NoRandomness`].
    pub fn of(plaintext: &str) -> Result<Self, SealError> {
        Ok(Self { id: random()?, bytes: sized(&decoded(plaintext)?)? })
    }

    /// What sealed files name it by: 16 hexadecimal digits. It tells nothing of the key.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    pub(crate) fn id_bytes(&self) -> &[u8; 8] {
        &self.id
    }

    /// The key of one file, by HKDF-SHA256 (RFC 5869) with the file's own salt: no two files share one.
    pub(crate) fn of_file(&self, salt: &[u8]) -> Result<LessSafeKey, SealError> {
        let broken = |_| SealError::Damaged("the key of the file could not be derived");
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&self.bytes);
        let expanded = pseudo_random.expand(&[b"yagura sealed file 1"], &AES_256_GCM).map_err(broken)?;
        Ok(LessSafeKey::new(UnboundKey::from(expanded)))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id())
    }
}

/// A key file: the data key, wrapped. What it holds is of no use without the passphrase or the right to use the KMS key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    yagura_key: u32,
    id: String,
    wrapped: Wrap,
}

/// How the data key is wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wrap {
    /// By AES-256-GCM with a key that PBKDF2-HMAC-SHA256 makes of a passphrase.
    Passphrase {
        /// How often it goes round.
        rounds: u32,
        /// Base64.
        salt: String,
        /// Base64: nonce, then the wrapped key.
        key: String,
    },
    /// By AWS KMS.
    Kms {
        /// The KMS key's ARN.
        arn: String,
        /// Base64: `CiphertextBlob`.
        key: String,
    },
}

impl KeyFile {
    /// Wraps a data key with a passphrase.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn with_passphrase(key: &DataKey, passphrase: &str) -> Result<Self, SealError> {
        let (salt, nonce): ([u8; 16], [u8; NONCE_LEN]) = (random()?, random()?);
        let mut sealed = key.bytes.to_vec();
        let aead = stretched(passphrase, &salt, ROUNDS)?;
        aead.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(key.id()), &mut sealed)
            .map_err(|_| SealError::Damaged("the key could not be wrapped"))?;
        let whole = [nonce.as_slice(), &sealed].concat();
        let wrapped = Wrap::Passphrase { rounds: ROUNDS, salt: STANDARD.encode(salt), key: STANDARD.encode(whole) };
        Ok(Self { yagura_key: 1, id: key.id(), wrapped })
    }

    /// Keeps what AWS KMS wrapped: the KMS key's ARN, and `CiphertextBlob` in Base64.
    pub fn with_kms(key: &DataKey, arn: &str, ciphertext: &str) -> Self {
        Self { yagura_key: 1, id: key.id(), wrapped: Wrap::Kms { arn: arn.to_owned(), key: ciphertext.to_owned() } }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`SealError::NoKeyFile`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let file: Self = serde_json::from_str(text).map_err(|e| SealError::NoKeyFile(e.to_string()))?;
        if file.yagura_key != 1 {
            return Err(SealError::NoKeyFile("a newer version wrote it".to_owned()));
        }
        file.id_bytes()?;
        Ok(file)
    }

    /// The file's text: JSON.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The key's id, as sealed files name it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the key is wrapped.
    pub fn wrapped(&self) -> &Wrap {
        &self.wrapped
    }

    /// The data key, from what `kms:Decrypt` answers: `Plaintext`, in Base64.
    ///
    /// # Errors
    /// [`SealError::NoKeyFile`] if it is no Base64 or has not 32 bytes.
    pub fn decrypted(&self, plaintext: &str) -> Result<DataKey, SealError> {
        Ok(DataKey { id: self.id_bytes()?, bytes: sized(&decoded(plaintext)?)? })
    }

    /// Unwraps with a passphrase.
    ///
    /// # Errors
    /// [`SealError::WrongPassphrase`], also where the file was changed; [`SealError::NoKeyFile`].
    pub fn open(&self, passphrase: &str) -> Result<DataKey, SealError> {
        let Wrap::Passphrase { rounds, salt, key } = &self.wrapped else {
            return Err(SealError::NoKeyFile("AWS KMS wraps this key, not a passphrase".to_owned()));
        };
        if !(1..=MOST_ROUNDS).contains(rounds) {
            return Err(SealError::NoKeyFile(format!("{rounds} rounds are none or too many")));
        }
        let aead = stretched(passphrase, &decoded(salt)?, *rounds)?;
        let whole = decoded(key)?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or(SealError::WrongPassphrase)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::WrongPassphrase)?;
        let mut sealed = sealed.to_vec();
        let plain = aead
            .open_in_place(nonce, Aad::from(self.id.clone()), &mut sealed)
            .map_err(|_| SealError::WrongPassphrase)?;
        Ok(DataKey { id: self.id_bytes()?, bytes: sized(plain)? })
    }

    fn id_bytes(&self) -> Result<[u8; 8], SealError> {
        let wrong = || SealError::NoKeyFile("its id has not 16 hexadecimal digits".to_owned());
        if self.id.len() != 16 || !self.id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        u64::from_str_radix(&self.id, 16).map(u64::to_be_bytes).map_err(|_| wrong())
    }
}

fn stretched(passphrase: &str, salt: &[u8], rounds: u32) -> Result<LessSafeKey, SealError> {
    let rounds = NonZeroU32::new(rounds).ok_or(SealError::WrongPassphrase)?;
    let mut key = [0; KEY_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, passphrase.as_bytes(), &mut key);
    let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::WrongPassphrase)?;
    Ok(LessSafeKey::new(key))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).map_err(|_| SealError::NoRandomness)?;
    Ok(out)
}

fn sized(bytes: &[u8]) -> Result<[u8; KEY_LEN], SealError> {
    bytes.try_into().map_err(|_| SealError::NoKeyFile(format!("its key has {} bytes, not {KEY_LEN}", bytes.len())))
}

fn decoded(text: &str) -> Result<Vec<u8>, SealError> {
    STANDARD.decode(text).map_err(|e| SealError::NoKeyFile(e.to_string()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
