//! What a check says of one resource.

use crate::{Asset, Map};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::sync::Arc;

/// The outcome of a check on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The wanted truth does not hold.
    Fail,
    /// It could not be told; [`Verdict::missing`] names the permissions that would help.
    Unknown,
    /// The wanted truth holds.
    Pass,
    /// The check does not speak of this resource.
    NotApplicable,
}

/// How much a failed check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Mend when convenient.
    Low,
    /// Mend soon.
    Medium,
    /// Mend now.
    High,
    /// Stop and mend.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in files and machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == word)
    }
}

/// Which resource a verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceRef {
    /// The ARN, `null` where AWS has none for it.
    pub arn: Option<SmolStr>,
    /// The id that people use.
    pub id: SmolStr,
    /// The kind (`s3.bucket`, `account`, `region`).
    pub kind: SmolStr,
    /// The 12-digit account.
    pub account: SmolStr,
    /// The Region, or the partition's global pseudo-Region.
    pub region: SmolStr,
}

impl ResourceRef {
    /// The one that an asset is.
    pub fn of(asset: &Asset) -> Self {
        Self {
            arn: asset.arn.clone(),
            id: asset.id.clone(),
            kind: asset.kind.clone(),
            account: asset.account.clone(),
            region: asset.region.clone(),
        }
    }

    /// The identity of what a rule says of this resource: the same 32 hexadecimal digits for the same account, Region, rule
    /// and resource, in every run, every format and every store. The first half of a SHA-256 over the parts, each ended by
    /// a zero byte.
    pub fn fingerprint(&self, rule: &str) -> String {
        let mut hash = Sha256::new();
        let name = self.arn.as_deref().unwrap_or(&self.id);
        for part in [&self.account, &self.region, rule, &self.kind, name] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(self.id.as_bytes());
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a person calls it: its ARN, else its id.
    pub fn name(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }
}

/// A line of a file that declares a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePlace {
    /// The file, as it was named on the command line or found below a folder named there.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
}

/// What a check says of one resource, with its texts in one language. Serializes as one line of the `jsonl` format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check's id (`s3.bucket_blocks_public_access`).
    pub rule: SmolStr,
    /// The outcome.
    pub status: Status,
    /// How much a failure matters.
    pub severity: Severity,
    /// What it is about.
    pub resource: ResourceRef,
    /// The wanted truth, in one line.
    pub title: Arc<str>,
    /// Why it matters.
    pub why: Arc<str>,
    /// What to do about it, with this resource's names filled in.
    pub fix: Arc<str>,
    /// The requirements it answers (`aws-26/11`, `fsbp/S3.8`).
    pub maps: Arc<[SmolStr]>,
    /// The fields that decided, by path.
    pub evidence: Map,
    /// IAM actions that were missing, sorted, each once.
    pub missing: Vec<SmolStr>,
    /// For `unknown` (and `not_applicable`): one sentence that says why it could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the resource is declared, for one that a template declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourcePlace>,
}
