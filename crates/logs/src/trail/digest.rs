//! One digest file: its form and its signature.

use super::keys::KeyRing;
use super::verify::Signed;
use super::why::Why;
use jiff::Timestamp;
use ring::digest::{SHA256, digest as hash_of};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use smol_str::SmolStr;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// The only algorithm that digests are signed with.
const SIGNED_WITH: &str = "SHA256withRSA";
/// The only algorithm that files are hashed with.
const HASHED_WITH: &str = "SHA-256";

/// A digest whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub start: Timestamp,
    pub end: Timestamp,
    /// The digest before; `None` where this one starts a chain.
    pub previous: Option<Previous>,
    pub logs: Vec<NamedLog>,
    /// Of its own content.
    pub hash: Hash,
    /// Its own signature, as its metadata has it.
    pub signature: String,
}

/// What a digest says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Previous {
    pub bucket: SmolStr,
    pub key: String,
    pub hash: Option<Hash>,
    pub signature: Option<String>,
}

/// What a digest says of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedLog {
    pub bucket: SmolStr,
    pub key: Box<str>,
    /// Of its unpacked content; `Err` is an algorithm that is not known here. A hash of another length is no hash at all.
    pub hash: Result<Option<Hash>, SmolStr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: Option<SmolStr>,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_bucket: Option<SmolStr>,
    #[serde(rename = "previousDigestS3Object")]
    previous_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Option<Vec<LogFile>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogFile {
    #[serde(rename = "s3Bucket")]
    bucket: SmolStr,
    #[serde(rename = "s3Object")]
    object: Box<str>,
    hash_value: String,
    hash_algorithm: Option<SmolStr>,
}

impl Digest {
    /// Reads and verifies the unpacked content of the object that lies at `key`, in `bucket` where that is known.
    ///
    /// The signed text is, in lines: the digest's end as it writes it, `bucket/key`, the SHA-256 of the content in hex, and the signature of
    /// the digest before (`null` for none). AWS CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity
    /// validation".
    pub fn verified(
        content: &[u8],
        (bucket, key): (Option<&str>, &str),
        signed: Option<&Signed>,
        keys: &KeyRing,
    ) -> Result<Self, Why> {
        let parsed: Content = serde_json::from_slice(content).map_err(|e| Why::Format(e.to_string()))?;
        let time = |text: &str| text.parse().map_err(|_| Why::Format(format!("`{text}` is no time")));
        let (start, end) = (time(&parsed.digest_start_time)?, time(&parsed.digest_end_time)?);
        let signed = signed.ok_or(Why::Unsigned)?;
        if parsed.object != key || bucket.is_some_and(|b| b != parsed.bucket) {
            return Err(Why::Moved(format!("s3://{}/{}", parsed.bucket, parsed.object)));
        }
        for algorithm in [Some(&signed.algorithm), parsed.digest_signature_algorithm.as_ref()].into_iter().flatten() {
            if algorithm != SIGNED_WITH {
                return Err(Why::Algorithm(algorithm.chars().take(40).collect()));
            }
        }
        let fingerprint = &parsed.digest_public_key_fingerprint;
        let Some(candidates) = keys.of(fingerprint) else {
            return Err(match keys.unread() {
                Some(said) => Why::NoKeys(said.to_owned()),
                None => Why::NoPublicKey(fingerprint.chars().take(80).collect()),
            });
        };
        let hash = hash_of(&SHA256, content);
        let before = parsed.previous_digest_signature.as_deref().unwrap_or("null");
        let text = format!(
            "{}\n{}/{}\n{}\n{before}",
            parsed.digest_end_time,
            parsed.bucket,
            parsed.object,
            to_hex(hash.as_ref())
        );
        let signature = from_hex(&signed.signature).ok_or(Why::Signature)?;
        let verifies = |key: &Vec<u8>| {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(text.as_bytes(), &signature).is_ok()
        };
        if !candidates.iter().any(verifies) {
            return Err(Why::Signature);
        }
        let previous = match (parsed.previous_bucket, parsed.previous_object) {
            (Some(bucket), Some(key)) => Some(Previous {
                bucket,
                key,
                hash: parsed.previous_digest_hash_value.as_deref().and_then(hash_from_hex),
                signature: parsed.previous_digest_signature,
            }),
            _ => None,
        };
        let logs = parsed.log_files.unwrap_or_default().into_iter().map(NamedLog::of).collect();
        let hash = <Hash>::try_from(hash.as_ref()).map_err(|_| Why::Signature)?;
        Ok(Self { start, end, previous, logs, hash, signature: signed.signature.clone() })
    }
}

impl NamedLog {
    fn of(file: LogFile) -> Self {
        let hash = match file.hash_algorithm {
            Some(other) if other != HASHED_WITH => Err(other.chars().take(40).collect()),
            _ => Ok(hash_from_hex(&file.hash_value)),
        };
        Self { bucket: file.bucket, key: file.object, hash }
    }
}

/// Bytes in lower-case hex.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// A SHA-256 in hex.
pub(super) fn hash_from_hex(text: &str) -> Option<Hash> {
    from_hex(text)?.try_into().ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    #[test]
    fn hex_is_read_as_written_or_not_at_all() {
        assert_eq!(from_hex(&to_hex(&[0, 15, 16, 255])).unwrap(), [0, 15, 16, 255]);
        assert_eq!(from_hex("0AfF").unwrap(), [10, 255]);
        for bad in ["0", "0g", "é0", " 00"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
        assert_eq!(hash_from_hex("00"), None);
    }
}
