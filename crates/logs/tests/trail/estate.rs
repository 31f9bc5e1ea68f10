//! A trail's bucket, made here: digests that are signed as CloudTrail signs them, and ways to spoil them.

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, LazyLock};
use yagura_logs::trail::{
    Holding, KeyRing, Listed, Metadata, Question, Report, Signed, Vault, Verdict, Whole, list_folder, survey, verify,
};

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";
pub const BUCKET: &str = "trail-logs";
const FINGERPRINT: &str = "0f";

static AWS: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::from_pkcs8(include_bytes!("aws.pk8")).unwrap());
static OTHER: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::from_pkcs8(include_bytes!("other.pk8")).unwrap());

pub fn aws() -> &'static RsaKeyPair {
    &AWS
}

pub fn other() -> &'static RsaKeyPair {
    &OTHER
}

/// A bucket: objects by key, and the metadata of digests.
#[derive(Clone, Default)]
pub struct Estate {
    pub objects: BTreeMap<String, Vec<u8>>,
    pub signed: BTreeMap<String, Signed>,
    /// The digests' keys, oldest first.
    pub digests: Vec<String>,
    pub home: Home,
}

/// Whose chain it is.
#[derive(Clone)]
pub struct Home {
    pub account: &'static str,
    pub region: &'static str,
    pub trail: &'static str,
    pub suffix: &'static str,
}

impl Default for Home {
    fn default() -> Self {
        Self { account: ACCOUNT, region: REGION, trail: "au_dit", suffix: "" }
    }
}

/// The start of hour `n`.
pub fn hour(n: i64) -> Timestamp {
    "2026-07-01T00:01:31Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(n)
}

pub fn gz(data: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

pub fn gunzip(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(data), &mut out).unwrap();
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn sha(data: &[u8]) -> String {
    hex(digest(&SHA256, data).as_ref())
}

impl Estate {
    /// A chain of so many hours with so many log files each.
    pub fn make(hours: i64, logs: i64) -> Self {
        let mut estate = Self::default();
        (0..hours).for_each(|n| estate.grow(n, logs));
        estate
    }

    pub fn of(home: Home, hours: i64, logs: i64) -> Self {
        let mut estate = Self { home, ..Self::default() };
        (0..hours).for_each(|n| estate.grow(n, logs));
        estate
    }

    /// One more hour.
    pub fn grow(&mut self, n: i64, logs: i64) {
        let files = (0..logs).map(|i| {
            let at = hour(n) + SignedDuration::from_mins(60 * i / logs + 1);
            let body = json!({"Records": [{"eventID": format!("{n}-{i}"), "awsRegion": self.home.region}]}).to_string();
            let key = self.log_key(at, &format!("{n}x{i}"));
            self.objects.insert(key.clone(), gz(body.as_bytes()));
            named(&key, &sha(body.as_bytes()))
        });
        let files: Vec<Value> = files.collect();
        let previous = self.digests.last().cloned();
        self.add_digest(n, previous.as_deref(), &files, &[]);
    }

    /// A signed digest of hour `n`, with members that differ from the usual.
    pub fn add_digest(&mut self, n: i64, previous: Option<&str>, files: &[Value], other: &[(&str, Value)]) -> String {
        let key = self.digest_key(hour(n + 1));
        let before = previous.map(|p| (sha(&gunzip(&self.objects[p])), self.signed[p].signature.clone()));
        let mut body = json!({
            "awsAccountId": self.home.account,
            "digestStartTime": hour(n).to_string(),
            "digestEndTime": hour(n + 1).to_string(),
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": FINGERPRINT,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": Value::Null,
            "oldestEventTime": Value::Null,
            "previousDigestS3Bucket": previous.map(|_| BUCKET),
            "previousDigestS3Object": previous,
            "previousDigestHashValue": before.as_ref().map(|(hash, _)| hash),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": before.as_ref().map(|(_, signature)| signature),
            "logFiles": files,
        });
        for (name, value) in other {
            body[*name] = value.clone();
        }
        self.put_digest(&key, body.to_string().as_bytes(), &AWS);
        self.digests.push(key.clone());
        key
    }

    /// Puts a digest's content under a key, signed.
    pub fn put_digest(&mut self, key: &str, body: &[u8], by: &RsaKeyPair) {
        let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| parsed[name].as_str().unwrap_or("null").to_owned();
        let signed = [
            text("digestEndTime"),
            format!("{}/{}", text("digestS3Bucket"), text("digestS3Object")),
            sha(body),
            text("previousDigestSignature"),
        ];
        let mut signature = vec![0; by.public().modulus_len()];
        by.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.join("\n").as_bytes(), &mut signature).unwrap();
        self.objects.insert(key.to_owned(), gz(body));
        self.signed.insert(key.to_owned(), Signed { signature: hex(&signature), algorithm: "SHA256withRSA".into() });
    }

    pub fn digest_key(&self, end: Timestamp) -> String {
        let Home { account, region, trail, suffix } = self.home;
        format!(
            "AWSLogs/{account}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_{trail}_{REGION}_{}{suffix}.json.gz",
            end.strftime("%Y/%m/%d"),
            end.strftime("%Y%m%dT%H%M%SZ")
        )
    }

    pub fn log_key(&self, at: Timestamp, unique: &str) -> String {
        let Home { account, region, trail, .. } = self.home;
        format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}_{trail}{unique}.json.gz",
            at.strftime("%Y/%m/%d"),
            at.strftime("%Y%m%dT%H%MZ")
        )
    }

    /// The log files of hour `n`.
    pub fn logs(&self, n: i64) -> Vec<String> {
        let of_hour = format!("_{}{n}x", self.home.trail);
        self.objects.keys().filter(|k| k.contains(&of_hour)).cloned().collect()
    }

    /// Puts another's objects beside these.
    pub fn join(mut self, other: Self) -> Self {
        self.objects.extend(other.objects);
        self.signed.extend(other.signed);
        self
    }

    fn saved(&self) -> Metadata {
        Metadata::Saved(self.signed.clone().into_iter().collect())
    }

    fn listed(&self) -> Vec<Listed> {
        let listed = |(key, body): (&String, &Vec<u8>)| Listed {
            key: key.clone(),
            size: body.len() as u64,
            stamp: sha(body),
            trouble: None,
        };
        self.objects.iter().map(listed).collect()
    }

    /// Verifies the bucket, with the signatures in the objects' metadata.
    pub async fn bucket(&self, question: &Question) -> Report {
        let store = InMemory::new();
        for (key, body) in &self.objects {
            let Ok(path) = Path::parse(key) else { continue };
            let mut attributes = Attributes::new();
            if let Some(signed) = self.signed.get(key) {
                attributes.insert(Attribute::Metadata("signature".into()), signed.signature.clone().into());
                attributes
                    .insert(Attribute::Metadata("signature-algorithm".into()), signed.algorithm.to_string().into());
            }
            let options = PutOptions { attributes, ..PutOptions::default() };
            store.put_opts(&path, body.clone().into(), options).await.unwrap();
        }
        let mut vault = Vault::default();
        vault.add(Holding::new(Some(BUCKET.into()), Arc::new(store), self.listed(), vec![Whole::default()]));
        run(vault, question, Metadata::OfObjects, keys()).await
    }

    /// Verifies a copy in a folder.
    pub async fn copy(&self, question: &Question, keys: KeyRing) -> Report {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        self.folder(folder.path(), question, keys).await
    }

    pub fn write(&self, folder: &std::path::Path) {
        for (key, body) in &self.objects {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, body).unwrap();
        }
    }

    pub async fn folder(&self, folder: &std::path::Path, question: &Question, keys: KeyRing) -> Report {
        let store = LocalFileSystem::new_with_prefix(folder).unwrap();
        let mut vault = Vault::default();
        vault.add(Holding::new(None, Arc::new(store), list_folder(folder).unwrap(), vec![Whole::default()]));
        run(vault, question, self.saved(), keys).await
    }
}

/// What a digest says of a log file.
pub fn named(key: &str, hash: &str) -> Value {
    json!({"s3Bucket": BUCKET, "s3Object": key, "hashValue": hash, "hashAlgorithm": "SHA-256",
        "newestEventTime": "2026-07-01T00:00:00Z", "oldestEventTime": "2026-07-01T00:00:00Z"})
}

/// AWS's public keys.
pub fn keys() -> KeyRing {
    let mut keys = KeyRing::default();
    let der = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, AWS.public());
    let answer = json!({"PublicKeyList": [{"Value": der, "Fingerprint": FINGERPRINT}]});
    keys.add(answer.to_string().as_bytes()).unwrap();
    keys
}

async fn run(vault: Vault, question: &Question, metadata: Metadata, keys: KeyRing) -> Report {
    let found = survey(&vault, question);
    verify(Arc::new(vault), &found, question, Arc::new(keys), Arc::new(metadata), None, &|_| {}).await
}

/// What is not valid: the key, the verdict and the English reason.
pub fn problems(report: &Report) -> Vec<(String, Verdict, String)> {
    let bad = report.files.iter().filter(|f| f.verdict != Verdict::Valid);
    bad.map(|f| {
        let why = f.why.as_ref().map(|w| w.say(yagura_model::Lang::En)).unwrap_or_default();
        (f.key.clone(), f.verdict, why)
    })
    .collect()
}
