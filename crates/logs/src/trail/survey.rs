//! What there is to verify, by the keys alone.

use super::key::{DigestKey, Form, LogKey};
use super::vault::Vault;
use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// A digest names the log files of an hour.
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A trail, as digests name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailName {
    /// Its name.
    pub name: SmolStr,
    /// Its home Region.
    pub home_region: SmolStr,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Files delivered at this time or later; `None` is from the first digest on.
    pub start: Option<Timestamp>,
    /// Files delivered until this time; `None` is to the last.
    pub end: Option<Timestamp>,
    /// The clock, where a bucket is asked that CloudTrail may still write to. A copy has none.
    pub now: Option<Timestamp>,
    /// This trail only; `None` is every one that is there.
    pub trail: Option<TrailName>,
    /// Whether the trail is known to log, or since when it does not.
    pub logging: Logging,
    /// How many files are read at once.
    pub concurrency: usize,
}

/// Whether a trail logs: CloudTrail API Reference, "GetTrailStatus".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Logging {
    /// Nobody told.
    #[default]
    NotTold,
    /// It logs, for as long as there are digests.
    On,
    /// It logs since then.
    Since(Timestamp),
    /// It stopped then.
    Stopped(Timestamp),
    /// It makes no digests: log file validation is off.
    NotValidated,
}

/// A chain's digests, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSurvey {
    /// One of its keys.
    pub like: DigestKey,
    /// Whether the trail that was asked about wrote it; other trails' digests only tell whose log files those are that lie in the
    /// same folder.
    pub asked: bool,
    pub(super) digests: Vec<Place<DigestKey>>,
}

/// Something and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<T> {
    pub bucket: Option<SmolStr>,
    pub key: String,
    pub is: T,
    /// Whether it lies in the time that is asked about.
    pub within: bool,
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The chains.
    pub chains: Vec<ChainSurvey>,
    pub(super) logs: Vec<Place<LogKey>>,
    pub(super) strays: Vec<Place<()>>,
    /// Keys that are none of CloudTrail's, or outside of the time that is asked about.
    pub outside: u64,
}

impl Survey {
    /// The Regions whose public keys are needed.
    pub fn regions(&self) -> BTreeSet<SmolStr> {
        let needed = self.chains.iter().filter(|c| c.digests.iter().any(|d| d.within));
        needed.map(|c| c.like.region.clone()).collect()
    }

    /// The time whose public keys are needed. Digests of late log files are signed with the key of the time when they were made, so that
    /// their end has to reach to `now`.
    pub fn signed_within(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let ends = || self.chains.iter().flat_map(|c| c.digests.iter().map(|d| d.is.end));
        let late = self.chains.iter().any(|c| c.like.backfill && !c.digests.is_empty());
        let last = if late { now } else { ends().max()?.checked_add(HOUR * 2).unwrap_or(now) };
        Some((ends().min()?.checked_sub(HOUR * 2).unwrap_or(Timestamp::UNIX_EPOCH), last))
    }

    /// About how many files there are to read: digests and log files.
    pub fn files(&self) -> usize {
        self.chains.iter().map(|c| c.digests.len()).sum::<usize>() + self.logs.len()
    }
}

/// Sorts all that was listed.
///
/// As the AWS CLI does, digests count that end between the start and an hour after the end: log files that were delivered before the end are
/// named by the digest of that hour.
pub fn survey(vault: &Vault, question: &Question) -> Survey {
    let mut out = Survey::default();
    let mut chains: BTreeMap<DigestKey, Vec<Place<DigestKey>>> = BTreeMap::new();
    let last = question.end.map(|e| e.checked_add(HOUR).unwrap_or(Timestamp::MAX));
    let within = |time: Timestamp, last: Option<Timestamp>| {
        question.start.is_none_or(|s| time >= s) && last.is_none_or(|l| time <= l)
    };
    for (bucket, listed) in vault.listed() {
        let (bucket, key) = (bucket.cloned(), listed.key.clone());
        match Form::of(&key) {
            // The console makes such objects where a person makes a folder, and so does CloudTrail.
            Form::Stray | Form::Foreign if key.ends_with('/') && listed.size == 0 => out.outside += 1,
            Form::Foreign => out.outside += 1,
            Form::Stray => out.strays.push(Place { bucket, key, is: (), within: true }),
            Form::Log(log) => {
                let within = within(log.time, question.end);
                out.outside += u64::from(!within);
                if within {
                    out.logs.push(Place { bucket, key, is: log, within });
                }
            }
            Form::Digest(digest) => {
                let within = within(digest.end, last);
                let chain = DigestKey { end: Timestamp::UNIX_EPOCH, ..digest.clone() };
                chains.entry(chain).or_default().push(Place { bucket, key, is: digest, within });
            }
        }
    }
    for (like, mut digests) in chains {
        digests.sort_by(|a, b| (a.is.end, &a.key, &a.bucket).cmp(&(b.is.end, &b.key, &b.bucket)));
        let all = digests.len();
        // The first digest after the time still names log files of it that came late.
        let mut after = 0;
        digests.retain(|d| {
            let next = !d.within && last.is_some_and(|l| d.is.end > l);
            after += usize::from(next);
            d.within || next && after == 1
        });
        let read_for_names = digests.iter().filter(|d| !d.within).count();
        out.outside += u64::try_from(all - digests.len() + read_for_names).unwrap_or_default();
        let asked = question.trail.as_ref().is_none_or(|t| t.name == like.trail && t.home_region == like.home_region);
        out.chains.push(ChainSurvey { like, asked, digests });
    }
    out.logs.sort_by(|a, b| a.key.cmp(&b.key));
    out.strays.sort_by(|a, b| a.key.cmp(&b.key));
    out
}
