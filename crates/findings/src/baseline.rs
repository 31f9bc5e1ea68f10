//! Baseline files: what was known when somebody drew the line. For CI without a store.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use yagura_model::{Severity, Status, Verdict};

/// The form that this version writes and reads.
const FORM: u32 = 1;

/// The failures of a scan, by identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Baseline {
    /// The form of the file.
    yagura_baseline: u32,
    /// When the data was read.
    taken_at: jiff::Timestamp,
    /// One line per finding, sorted by rule and resource, so that a difference can be read.
    findings: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Line {
    rule: SmolStr,
    account: SmolStr,
    region: SmolStr,
    resource: SmolStr,
    severity: SmolStr,
    id: String,
}

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no baseline.
    #[error("it is no baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// A newer version wrote it.
    #[error("it has form {0}, and this version reads up to {FORM}")]
    Newer(u32),
}

impl Baseline {
    /// The failures among these verdicts.
    pub fn of(verdicts: &[Verdict], taken_at: jiff::Timestamp) -> Self {
        let line = |v: &Verdict| Line {
            rule: v.rule.clone(),
            account: v.resource.account.clone(),
            region: v.resource.region.clone(),
            resource: v.resource.name().into(),
            severity: Severity::name(v.severity).into(),
            id: v.resource.fingerprint(&v.rule),
        };
        let mut findings: Vec<Line> = verdicts.iter().filter(|v| v.status == Status::Fail).map(line).collect();
        findings.sort();
        Self { yagura_baseline: FORM, taken_at, findings }
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is no baseline, or a newer version's.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Head {
            yagura_baseline: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.yagura_baseline > FORM {
            return Err(BaselineError::Newer(head.yagura_baseline));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The identities in it.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.findings.iter().map(|f| f.id.as_str()).collect()
    }

    /// Writes it, a finding a line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let at = self.taken_at;
        write!(out, "{{\"yagura_baseline\": {FORM}, \"taken_at\": \"{at}\", \"findings\": [")?;
        let mut between = "\n";
        for line in &self.findings {
            write!(out, "{between}")?;
            serde_json::to_writer(&mut *out, line)?;
            between = ",\n";
        }
        writeln!(out, "\n]}}")
    }
}
