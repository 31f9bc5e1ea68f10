//! Proof that CloudTrail's log files are those that CloudTrail delivered.
//!
//! Every hour CloudTrail delivers, per account and Region, a digest file: the log files of that hour with their SHA-256, and the
//! hash and signature of the digest before. Digests are signed with a key of AWS's (SHA-256 with RSA, PKCS #1 v1.5); the
//! signature lies in the object's metadata. AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom
//! implementations of CloudTrail log file integrity validation".
//!
//! [`survey`] sorts the keys of a bucket or of a copy; [`verify`] reads what the survey found and judges every file. It tells
//! four things apart: a file that is [`Verdict::Valid`], one that is [`Verdict::Invalid`] (changed, moved, unsigned, or named by no
//! trustworthy digest), one that is [`Verdict::Missing`], and one that could not be read, which is [`Verdict::Unknown`] and
//! never one of the others.
//!
//! Memory grows with the number of files (some hundred bytes each), never with their size.

mod chain;
mod digest;
mod inflate;
mod journal;
mod judge;
mod key;
mod keys;
mod report;
mod survey;
mod vault;
mod verify;
mod why;

pub use journal::{Journal, JournalError};
pub use key::{DigestKey, LogKey};
pub use keys::{KeyRing, KeysError};
pub use report::{ChainReport, FileVerdict, Report, Uncovered, UncoveredCause, Verdict, What};
pub use survey::{ChainSurvey, Logging, Question, Survey, TrailName, survey};
pub use vault::{Holding, Listed, Vault, Whole, list_folder};
pub use verify::{Metadata, Signed, verify};
pub use why::{Unnamed, Why};
