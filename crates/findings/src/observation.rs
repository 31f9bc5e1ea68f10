//! What a scan saw, as the life of findings needs it.

use crate::finding::{Both, Texts};
use crate::suppression::Tags;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Listing, Map, ResourceRef, Scope, Severity, Status};

/// Where an observation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A live account, read just now.
    Live,
    /// A snapshot, read when it says.
    Snapshot,
    /// The sample estate, as if it were read just now.
    Demo,
}

impl Source {
    /// The word in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Snapshot => "snapshot",
            Self::Demo => "demo",
        }
    }
}

/// A failure, with everything that a finding keeps of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// How much it matters, after proof.
    pub severity: Severity,
    /// The rule's own severity.
    pub rule_severity: Severity,
    /// The resource's tags; `None` where they were not read.
    pub tags: Option<Tags>,
    /// The texts.
    pub texts: Both<Texts>,
    /// The requirements.
    pub maps: Arc<[SmolStr]>,
    /// The fields that decided.
    pub evidence: Map,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The check.
    pub rule: SmolStr,
    /// The resource; the Region or account where its kind could not be listed.
    pub resource: ResourceRef,
    /// The outcome.
    pub status: Status,
    /// Of a failure.
    pub detail: Option<Detail>,
    /// Of an unknown outcome: why.
    pub why: Both<String>,
}

/// A whole scan.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When reading began. For [`Source::Snapshot`] by the clock of that time.
    pub at: Timestamp,
    /// Where it comes from.
    pub source: Source,
    /// The version of Yagura.
    pub tool: String,
    /// Who read it: ARNs.
    pub callers: Vec<SmolStr>,
    /// The accounts.
    pub accounts: Vec<SmolStr>,
    /// Regions and checks.
    pub scope: Scope,
    /// Whether only some of the resources in scope were judged: those of a tag, or one that an event named.
    pub partial: bool,
    /// The verdicts.
    pub seen: Vec<Seen>,
    /// Which kinds were listed where.
    pub listings: Vec<Listing>,
    /// The resources.
    pub assets: Vec<Asset>,
    /// Resources that were looked for by themselves and are there no more.
    pub gone: Vec<ResourceRef>,
}

impl Observation {
    /// The same for the same observation judged with the same outcome, so that recording it twice records it once.
    pub(crate) fn token(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.as_bytes());
            hash.update([0]);
        };
        part(self.source.name());
        part(&self.at.as_microsecond().to_string());
        self.callers.iter().chain(&self.accounts).chain(&self.scope.checks).for_each(|t| part(t));
        self.gone.iter().for_each(|r| part(&r.fingerprint("")));
        for s in &self.seen {
            part(&s.rule);
            part(s.resource.name());
            part(&s.resource.region);
            part(match s.status {
                Status::Fail => "f",
                Status::Pass => "p",
                Status::Unknown => "u",
                Status::NotApplicable => "n",
            });
        }
        hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}
