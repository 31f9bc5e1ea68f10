//! What a report is made of.

use crate::text::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use yagura_model::{Compliance, Gap, Lang, Verdict};

/// What a scan found.
#[derive(Debug, Clone)]
pub struct Report {
    /// When, who, which scope.
    pub meta: Meta,
    /// One verdict per check and resource, texts in [`Meta::lang`].
    pub verdicts: Vec<Verdict>,
    /// What could not be read. The same gap may stand more than once; readers group them.
    pub gaps: Vec<Arc<Gap>>,
    /// How far the frameworks that were asked for are met.
    pub compliance: Vec<Compliance>,
}

impl Report {
    /// What to say where no failure is told: nothing failed, nothing is new, or nothing was judged at all.
    #[must_use]
    pub fn nothing(&self) -> &'static str {
        let text = Text(self.meta.lang);
        match (self.verdicts.is_empty(), self.meta.left_out) {
            (false, _) => text.nothing_failed(),
            (true, 0) => text.nothing_judged(),
            (true, _) => text.nothing_new(),
        }
    }
}

/// When the data was read, by whom, and how far it reaches.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The version of Yagura (`0.1.0`).
    pub tool: SmolStr,
    /// When reading began.
    pub taken_at: Timestamp,
    /// The accounts in scope, 12 digits each.
    pub accounts: Vec<SmolStr>,
    /// The Regions in scope.
    pub regions: Vec<SmolStr>,
    /// Whether these are all Regions that are enabled for the account.
    pub all_regions: bool,
    /// The ARN of the caller, where one read the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<SmolStr>,
    /// The language of every text in the report.
    pub lang: Lang,
    /// Whether this is the embedded sample estate and no real account.
    pub demo: bool,
    /// How many API requests were sent, retries included.
    pub requests: u64,
    /// How long the scan took, in seconds in JSON.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// Titles of the frameworks that verdicts map to; one that is missing is shown by its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<Framework>,
    /// How many verdicts were reached and are not told here: known before, or suppressed.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: usize,
    /// What was left out and is no gap of a single resource, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// CloudFormation types by resource kind (`s3.bucket` → `AWS::S3::Bucket`); OCSF and ASFF name resources by them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<SmolStr, SmolStr>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// A standard that verdicts map to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Framework {
    /// The id, as it stands before the slash in [`Verdict::maps`] (`aws-26`).
    pub id: SmolStr,
    /// The title in the report's language.
    pub title: String,
}

/// How a terminal wants its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours may be used. Off for pipes and under `NO_COLOR`.
    pub colour: bool,
    /// Columns of the terminal. Values below 40 count as 40; text never grows wider than 110.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 80 }
    }
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a person at a terminal.
    Table,
    /// One JSON document: `meta`, `summary`, `verdicts`, `gaps`.
    Json,
    /// One verdict a line.
    Jsonl,
    /// A JSON array of OCSF Compliance Findings (class 2003).
    Ocsf,
    /// A JSON array in AWS Security Finding Format, as `BatchImportFindings` takes it.
    Asff,
    /// Comma-separated values that open in Excel.
    Csv,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI.
    Junit,
    /// One self-contained page.
    Html,
    /// For a pull-request comment.
    Markdown,
}

impl Format {
    /// Every format, in the order that help shows them.
    pub const ALL: [Self; 10] = [
        Self::Table,
        Self::Json,
        Self::Jsonl,
        Self::Ocsf,
        Self::Asff,
        Self::Csv,
        Self::Sarif,
        Self::Junit,
        Self::Html,
        Self::Markdown,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Csv => "csv",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Html => "html",
            Self::Markdown => "markdown",
        }
    }

    /// The format that a file's name asks for by its ending; `None` where the ending says nothing.
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let by_ending = [
            (".ocsf.json", Self::Ocsf),
            (".asff.json", Self::Asff),
            (".sarif.json", Self::Sarif),
            (".json", Self::Json),
            (".jsonl", Self::Jsonl),
            (".csv", Self::Csv),
            (".sarif", Self::Sarif),
            (".xml", Self::Junit),
            (".html", Self::Html),
            (".htm", Self::Html),
            (".md", Self::Markdown),
            (".txt", Self::Table),
        ];
        by_ending.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| format)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFormatError(String);

impl fmt::Display for ParseFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a format; use one of", self.0)?;
        for format in Format::ALL {
            write!(f, " {format}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseFormatError {}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(name: &str) -> Result<Self, ParseFormatError> {
        Self::ALL.into_iter().find(|f| f.name() == name).ok_or_else(|| ParseFormatError(name.to_owned()))
    }
}

mod seconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
