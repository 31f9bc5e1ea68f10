//! The verdicts, from what was read.

use super::chain::{Link, walk};
use super::digest::{Digest, Hash, NamedLog};
use super::key::{DigestKey, LogKey};
use super::report::{ChainReport, FileVerdict, Report, Uncovered, UncoveredCause, Verdict, What};
use super::survey::{ChainSurvey, HOUR, Logging, Place, Question, Survey, TrailName};
use super::vault::Vault;
use super::why::{Unnamed, Why};
use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// So much later than its key says a log file may have been delivered.
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// What became of hashing a log file.
pub(super) enum Hashed {
    Is(Hash),
    NotFound,
    Failed(Why),
}

/// Of one account and Region, all trails together: where log files may come from.
#[derive(Default)]
struct Area {
    /// Times that trustworthy digests cover.
    trusted: Vec<(Timestamp, Timestamp)>,
    /// Ends of digests that are missing or not to be trusted.
    lost: Vec<Timestamp>,
    /// Ends of digests that could not be read.
    unread: Vec<Timestamp>,
    /// Of each chain, the end of the newest digest that is there.
    newest: Vec<Timestamp>,
    /// Whether the digest after the newest one should be there by now.
    overdue: bool,
}

/// A log file's hash, and the digest that has it.
type Recorded = (Result<Option<Hash>, SmolStr>, String);

/// Judges all that was read. Reads nothing.
pub(super) struct Judge<'q> {
    question: &'q Question,
    pub report: Report,
    areas: BTreeMap<(SmolStr, SmolStr), Area>,
    /// What trustworthy digests name: by bucket and key, of the trail that was asked about.
    wanted: BTreeMap<(SmolStr, Box<str>), Vec<Recorded>>,
    /// What other digests name.
    named: BTreeSet<Box<str>>,
    /// Digests that were judged.
    judged: BTreeSet<String>,
}

impl<'q> Judge<'q> {
    pub fn new(question: &'q Question, outside: u64) -> Self {
        Self {
            question,
            report: Report { outside, ..Report::default() },
            areas: BTreeMap::new(),
            wanted: BTreeMap::new(),
            named: BTreeSet::new(),
            judged: BTreeSet::new(),
        }
    }

    /// Judges a chain; `links` are its digests, in the order of the survey.
    pub fn chain(&mut self, vault: &Vault, chain: &ChainSurvey, links: Vec<Link>) {
        let like = &chain.like;
        let walked = walk(&links, !like.backfill);
        let newest = links.last().map(|l| l.end);
        let mut report = ChainReport {
            account: like.account.clone(),
            region: like.region.clone(),
            trail: TrailName { name: like.trail.clone(), home_region: like.home_region.clone() },
            backfill: like.backfill,
            digests: BTreeMap::new(),
            covered: None,
            starts: Vec::new(),
            uncovered: Vec::new(),
            newest,
        };
        let area = self.areas.entry((like.root.clone(), like.region.clone())).or_default();
        if !like.backfill {
            area.newest.extend(newest);
        }
        for ((link, fault), place) in links.into_iter().zip(walked.faults).zip(&chain.digests) {
            let counts = chain.asked && place.within;
            match fault.as_ref().map(verdict_of) {
                None => {}
                Some(Verdict::Unknown) => area.unread.push(link.end),
                Some(_) => area.lost.push(link.end),
            }
            if counts {
                let verdict = fault.as_ref().map_or(Verdict::Valid, verdict_of);
                *report.digests.entry(verdict).or_default() += 1;
                self.judged.insert(link.key.clone());
                let (key, bucket) = (link.key.clone(), link.bucket.clone());
                self.report.files.push(FileVerdict { key, bucket, what: What::Digest, verdict, why: fault.clone() });
            }
            let (Ok(digest), None) = (link.read, fault) else { continue };
            if !like.backfill {
                area.trusted.push((digest.start, digest.end));
                if counts {
                    note_coverage(&mut report, &digest);
                }
            }
            for log in digest.logs {
                if counts {
                    want(&mut self.wanted, log, &link.key);
                } else {
                    self.named.insert(log.key);
                }
            }
        }
        if !chain.asked {
            return;
        }
        for (bucket, key, by) in walked.absent {
            self.absent(vault, &mut report, (bucket, key, by));
        }
        self.report.chains.push(report);
    }

    /// A digest that a newer one names and that was not read.
    fn absent(&mut self, vault: &Vault, chain: &mut ChainReport, (bucket, key, by): (SmolStr, String, String)) {
        let end = DigestKey::parse(&key).map(|k| k.end);
        let before = end.zip(self.question.start).is_some_and(|(end, start)| end < start);
        if before || self.judged.contains(&key) {
            return;
        }
        let (verdict, why) = if !vault.knows(&bucket) {
            self.other_bucket(&bucket);
            (Verdict::Unknown, Why::OtherBucket(bucket.to_string()))
        } else if vault.find(Some(&bucket), &key).is_some() {
            // It is there under a key of another chain's: the digest that names it was not made for this one.
            (Verdict::Invalid, Why::NotChained(by))
        } else {
            (Verdict::Missing, Why::NotFound(by))
        };
        if let Some(digest) = DigestKey::parse(&key) {
            let area = self.areas.entry((digest.root, digest.region)).or_default();
            let ends = if verdict == Verdict::Unknown { &mut area.unread } else { &mut area.lost };
            ends.push(digest.end);
        }
        *chain.digests.entry(verdict).or_default() += 1;
        self.judged.insert(key.clone());
        self.report.files.push(FileVerdict { key, bucket: Some(bucket), what: What::Digest, verdict, why: Some(why) });
    }

    /// Whether the digest after the newest should be there: nothing in a chain names it, so only the clock can tell.
    pub fn clocks(&mut self, survey: &Survey) {
        let asked = survey.chains.iter().filter(|c| c.asked);
        for (chain, report) in asked.zip(&mut self.report.chains).filter(|(c, _)| !c.like.backfill) {
            let at = (chain.like.root.clone(), chain.like.region.clone());
            let Some(newest) = report.newest else { continue };
            let of_area = |l: &&Place<LogKey>| l.is.root == at.0 && l.is.region == at.1;
            let unnamed = survey.logs.iter().filter(of_area).filter(|l| !self.named.contains(l.key.as_str()));
            let last_log = unnamed.map(|l| l.is.time).max().filter(|t| *t >= newest);
            let Some(due) = overdue(self.question, newest, last_log) else { continue };
            let bucket = chain.digests.last().and_then(|d| d.bucket.clone());
            let (what, verdict, why) = (What::Digest, Verdict::Missing, Some(Why::Overdue(due)));
            *report.digests.entry(verdict).or_default() += 1;
            self.report.files.push(FileVerdict { key: chain.like.at(due), bucket, what, verdict, why });
            self.areas.entry(at).or_default().overdue = true;
        }
    }

    /// The log files that trustworthy digests name: each once, by bucket and key.
    pub fn wanted(&self) -> impl Iterator<Item = (&SmolStr, &str)> {
        self.wanted.keys().map(|(bucket, key)| (bucket, &**key))
    }

    /// Judges the log files that digests name; `hashed` has what became of each, in the order of [`Judge::wanted`].
    pub fn logs(&mut self, hashed: impl IntoIterator<Item = Hashed>) {
        for (((bucket, key), wanted), hashed) in std::mem::take(&mut self.wanted).into_iter().zip(hashed) {
            let by = || wanted.first().map(|(_, by)| by.clone()).unwrap_or_default();
            let why = match hashed {
                Hashed::NotFound => Some(Why::NotFound(by())),
                Hashed::Failed(why) => Some(why),
                Hashed::Is(hash) => match wanted.iter().find(|(wanted, _)| *wanted != Ok(Some(hash))) {
                    None => None,
                    Some((Err(algorithm), _)) => Some(Why::Algorithm(algorithm.to_string())),
                    Some((Ok(_), by)) => Some(Why::HashDiffers(by.clone())),
                },
            };
            if let Some(Why::OtherBucket(_)) = &why {
                self.other_bucket(&bucket);
            }
            self.named.insert(key.clone());
            let verdict = why.as_ref().map_or(Verdict::Valid, verdict_of);
            let (key, bucket) = (key.into(), Some(bucket));
            self.report.files.push(FileVerdict { key, bucket, what: What::Log, verdict, why });
        }
    }

    fn other_bucket(&mut self, bucket: &SmolStr) {
        if !self.report.other_buckets.contains(bucket) {
            self.report.other_buckets.push(bucket.clone());
        }
    }

    /// What is there and no digest names.
    pub fn rest(&mut self, survey: &Survey) {
        for stray in survey.strays.iter().filter(|s| !self.named.contains(s.key.as_str())) {
            self.report.files.push(unproven(&stray.key, stray.bucket.as_ref(), What::Stray, Why::NotCloudTrail));
        }
        for log in survey.logs.iter().filter(|l| !self.named.contains(l.key.as_str())) {
            let area = self.areas.entry((log.is.root.clone(), log.is.region.clone())).or_default();
            match area.place(log.is.time, self.question) {
                Standing::Unproven(why) => {
                    self.report.files.push(unproven(&log.key, log.bucket.as_ref(), What::Log, Why::NotNamed(why)));
                }
                Standing::Pending => self.report.pending += 1,
                Standing::Outside => self.report.outside += 1,
            }
        }
    }
}

/// How a log file stands that no digest names.
enum Standing {
    /// Nothing shows that CloudTrail delivered it.
    Unproven(Unnamed),
    /// The digest that will name it is not due.
    Pending,
    /// From before validation began, and nobody asked about that time.
    Outside,
}

impl Area {
    fn place(&self, time: Timestamp, question: &Question) -> Standing {
        let hour_of = |end: &Timestamp, early: SignedDuration| {
            end.checked_sub(HOUR + early).is_ok_and(|start| start <= time) && time < *end
        };
        if self.unread.iter().any(|end| hour_of(end, LATE)) {
            return Standing::Unproven(Unnamed::DigestUnread);
        }
        if self.lost.iter().any(|end| hour_of(end, SignedDuration::ZERO)) {
            return Standing::Unproven(Unnamed::DigestLost);
        }
        if let Some(now) = question.now {
            let late = time.checked_add(LATE).unwrap_or(time);
            let not_due =
                |newest: &Timestamp| late > *newest && newest.checked_add(HOUR * 2).is_ok_and(|due| now < due);
            if !self.overdue && self.newest.iter().any(not_due) {
                return Standing::Pending;
            }
            let first = self.trusted.iter().map(|(start, _)| start).chain(&self.lost).chain(&self.unread).min();
            if question.start.is_none() && first.is_none_or(|first| time < *first) {
                return Standing::Outside;
            }
        }
        let added = self.trusted.iter().any(|(start, end)| *start <= time && time < *end);
        Standing::Unproven(match self.newest.iter().max() {
            _ if added => Unnamed::Added,
            Some(newest) if time >= *newest => Unnamed::AfterLast,
            _ => Unnamed::NoDigest,
        })
    }
}

/// The end of the digest that should be there after the one that ends at `newest`, and is not. AWS does not say how long a digest takes;
/// an hour is granted, except where a person asks about a copy until a time: then the copy is to cover it.
fn overdue(question: &Question, newest: Timestamp, last_log: Option<Timestamp>) -> Option<Timestamp> {
    let granted = |t: Timestamp| t.checked_sub(HOUR).unwrap_or(t);
    let by_clock = question.now.map(|now| granted(now).min(question.end.unwrap_or(now)));
    let (from, until) = match (question.logging, by_clock, last_log) {
        (Logging::NotValidated, _, _) => return None,
        // Silence tells nothing: the trail may have been stopped. A log file tells that it was not.
        (Logging::NotTold, _, None) => return None,
        (Logging::Since(since), Some(clock), None) => (newest.max(since), clock),
        (Logging::Stopped(at), Some(clock), _) => (newest, clock.min(at)),
        (_, Some(clock), _) => (newest, clock),
        (_, None, last_log) => (newest, question.end.or(last_log.map(granted))?),
    };
    from.checked_add(HOUR).ok().filter(|due| *due <= until)
}

fn unproven(key: &str, bucket: Option<&SmolStr>, what: What, why: Why) -> FileVerdict {
    let verdict = verdict_of(&why);
    FileVerdict { key: key.to_owned(), bucket: bucket.cloned(), what, verdict, why: Some(why) }
}

fn want(wanted: &mut BTreeMap<(SmolStr, Box<str>), Vec<Recorded>>, log: NamedLog, by: &str) {
    let recorded = wanted.entry((log.bucket, log.key)).or_default();
    if !recorded.iter().any(|(hash, _)| *hash == log.hash) {
        recorded.push((log.hash, by.to_owned()));
    }
}

/// Whether a file of which this is said is invalid, or nobody knows.
fn verdict_of(why: &Why) -> Verdict {
    match why {
        Why::NotFound(_) | Why::Overdue(_) => Verdict::Missing,
        Why::Denied(..) | Why::Unread(_) | Why::NoKeys(_) | Why::Algorithm(_) | Why::OtherBucket(_) => Verdict::Unknown,
        Why::NotNamed(Unnamed::DigestUnread) => Verdict::Unknown,
        _ => Verdict::Invalid,
    }
}

/// Takes note of what a trustworthy digest covers; they come oldest first.
fn note_coverage(report: &mut ChainReport, digest: &Digest) {
    if digest.previous.is_none() {
        report.starts.push(digest.start);
    }
    let Some((from, to)) = report.covered else {
        report.covered = Some((digest.start, digest.end));
        return;
    };
    if digest.start > to {
        let cause = if digest.previous.is_none() { UncoveredCause::Off } else { UncoveredCause::Lost };
        report.uncovered.push(Uncovered { from: to, to: digest.start, cause });
    }
    report.covered = Some((from, to.max(digest.end)));
}
