//! All assets of a scope at a time, with what could not be read.

use crate::{Asset, Gap};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who read the data: AWS STS's answer to GetCallerIdentity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The 12-digit account.
    pub account: SmolStr,
    /// The caller's ARN.
    pub arn: SmolStr,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: SmolStr,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Regions that were asked; with several accounts, in any of them.
    pub regions: Vec<SmolStr>,
    /// By account, where accounts differ in the Regions that are enabled.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions_of: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// Whether these are all Regions that are enabled for the account.
    pub all_regions: bool,
    /// The checks that decided which calls were made.
    pub checks: Vec<SmolStr>,
}

impl Scope {
    /// The Regions that were asked in an account.
    pub fn regions_in(&self, account: &str) -> &[SmolStr] {
        self.regions_of.get(account).unwrap_or(&self.regions)
    }
}

/// Whether the assets of one kind were listed in one account and Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The kind (`s3.bucket`).
    pub kind: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region, or the partition's global pseudo-Region.
    pub region: SmolStr,
    /// `None`: all of them are in the snapshot. Otherwise some or all are missing, and this is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Arc<Gap>>,
}

/// What was read of a scope at a time; replays without credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When reading began. Ages are reckoned from here, so a replay gives the same verdicts.
    pub taken_at: Timestamp,
    /// The version of Yagura that wrote it.
    pub tool: String,
    /// One caller for every account in scope.
    pub callers: Vec<Caller>,
    /// What was asked for.
    pub scope: Scope,
    /// Which kinds were listed where.
    pub listings: Vec<Listing>,
    /// The assets.
    pub assets: Vec<Asset>,
    /// How many API requests were sent, retries included.
    pub requests: u64,
}
