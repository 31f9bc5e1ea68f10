//! AWS's public keys: CloudTrail API Reference, "ListPublicKeys".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Public keys by fingerprint.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    /// Of a fingerprint: RSA keys in the form of PKCS #1 (`RSAPublicKey`, DER).
    keys: BTreeMap<String, Vec<Vec<u8>>>,
    unread: Option<String>,
}

/// Why public keys cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// It is no answer of `ListPublicKeys`.
    #[error("not an answer of cloudtrail:ListPublicKeys: {0}")]
    Form(String),
    /// A key's value is no Base64.
    #[error("the key of fingerprint `{0}` is not Base64")]
    Value(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    public_key_list: Vec<PublicKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey {
    value: String,
    fingerprint: String,
}

impl KeyRing {
    /// Adds the keys of a `ListPublicKeys` answer, as the AWS CLI prints it. Answers how many they are.
    pub fn add(&mut self, answer: &[u8]) -> Result<usize, KeysError> {
        let answer: Answer = serde_json::from_slice(answer).map_err(|e| KeysError::Form(e.to_string()))?;
        let count = answer.public_key_list.len();
        for key in answer.public_key_list {
            let der = STANDARD.decode(&key.value).map_err(|_| KeysError::Value(key.fingerprint.clone()))?;
            let known = self.keys.entry(key.fingerprint).or_default();
            if !known.contains(&der) {
                known.push(der);
            }
        }
        Ok(count)
    }

    /// Takes note that some keys could not be read, and why: what they would have verified is unknown then, not invalid.
    pub fn could_not_read(&mut self, why: String) {
        self.unread.get_or_insert(why);
    }

    /// Why some keys could not be read.
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    pub(super) fn of(&self, fingerprint: &str) -> Option<&[Vec<u8>]> {
        self.keys.get(fingerprint).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    #[test]
    fn answers_are_taken_and_bad_ones_are_told() {
        let mut ring = KeyRing::default();
        let answer = br#"{"PublicKeyList": [{"Value": "AQID", "Fingerprint": "ab", "ValidityStartTime": 1.5}], "NextToken": null}"#;
        assert_eq!(ring.add(answer), Ok(1));
        assert_eq!(ring.add(answer), Ok(1));
        assert_eq!(ring.of("ab"), Some(&[vec![1, 2, 3]][..]));
        assert_eq!(ring.of("cd"), None);
        assert!(matches!(ring.add(b"[]"), Err(KeysError::Form(_))));
        assert!(matches!(ring.add(b"{}"), Err(KeysError::Form(_))));
        let bad = br#"{"PublicKeyList": [{"Value": "?", "Fingerprint": "x"}]}"#;
        assert_eq!(ring.add(bad), Err(KeysError::Value("x".into())));
    }
}
