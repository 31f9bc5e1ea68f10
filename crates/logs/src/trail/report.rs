//! What a verification found.

use super::survey::TrailName;
use super::why::Why;
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The verdict on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is as CloudTrail delivered it.
    Valid,
    /// It is not, or nothing shows that it is.
    Invalid,
    /// It was delivered and is not there.
    Missing,
    /// It could not be read.
    Unknown,
}

impl Verdict {
    /// The word for it in machine-readable answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A digest.
    Digest,
    /// A log file.
    Log,
    /// Something in a folder of CloudTrail's that CloudTrail did not put there.
    Stray,
}

/// The verdict on one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerdict {
    /// Its key.
    pub key: String,
    /// Its bucket, where that is known.
    pub bucket: Option<SmolStr>,
    /// What it is.
    pub what: What,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not valid.
    pub why: Option<Why>,
}

/// A time that no trustworthy digest covers, between two that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncovered {
    /// From the end of a digest.
    pub from: Timestamp,
    /// To the start of the next.
    pub to: Timestamp,
    /// Why.
    pub cause: UncoveredCause,
}

/// Why a time is not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncoveredCause {
    /// The next digest begins a chain: logging or validation was off, as far as AWS's signature tells.
    Off,
    /// A digest is missing or not trustworthy.
    Lost,
}

/// One chain: a trail's digests of one account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// The account.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// The trail.
    pub trail: TrailName,
    /// Whether it is of digests that name late log files.
    pub backfill: bool,
    /// How many digests were judged, by verdict.
    pub digests: BTreeMap<Verdict, u64>,
    /// The time from the first trustworthy digest's start to the last one's end.
    pub covered: Option<(Timestamp, Timestamp)>,
    /// When logging with validation began: digests without a digest before them.
    pub starts: Vec<Timestamp>,
    /// Times in between that nothing covers.
    pub uncovered: Vec<Uncovered>,
    /// The end of the newest digest that is there, trustworthy or not.
    pub newest: Option<Timestamp>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Every file that was judged, sorted by key.
    pub files: Vec<FileVerdict>,
    /// The chains.
    pub chains: Vec<ChainReport>,
    /// Log files that no digest names yet, because it is not due: not judged.
    pub pending: u64,
    /// Keys outside of CloudTrail's folders, or outside the time that was asked about: not judged.
    pub outside: u64,
    /// Buckets that digests name and that were not read.
    pub other_buckets: Vec<SmolStr>,
    /// How many log files' hashes were taken from the journal of an earlier run.
    pub resumed: u64,
}

impl Report {
    /// Whether every file that was judged is valid, and a digest is among them: without one nothing is proven.
    pub fn valid(&self) -> bool {
        self.files.iter().all(|f| f.verdict == Verdict::Valid) && self.count(What::Digest, Verdict::Valid) > 0
    }

    /// How many files of a kind have a verdict.
    pub fn count(&self, what: What, verdict: Verdict) -> usize {
        self.files.iter().filter(|f| f.what == what && f.verdict == verdict).count()
    }

    /// How many files have a verdict.
    pub fn all(&self, verdict: Verdict) -> usize {
        self.files.iter().filter(|f| f.verdict == verdict).count()
    }
}
