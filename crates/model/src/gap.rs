//! What could not be read, and why.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// An identity, boundary or resource policy did not allow the call.
    AccessDenied,
    /// A service control policy or resource control policy of the organization denied the call.
    DeniedByOrganization,
    /// The Region is not enabled for the account, or the service is not offered in it.
    RegionDisabled,
    /// AWS kept throttling the call until the attempts were used up.
    Throttled,
    /// The credentials expired or were refused.
    Credentials,
    /// The endpoint could not be reached, or the connection broke.
    Unreachable,
    /// The call took longer than its time-out.
    TimedOut,
    /// The service answered with an error of its own (5xx) until the attempts were used up.
    ServiceError,
    /// The answer could not be understood (truncated, not of the expected form, an endless page chain).
    BadAnswer,
    /// The service refused the request with an error that no other reason covers.
    Refused,
    /// The call was not made: the chosen checks did not need it, or its Region is outside the scope.
    NotRequested,
    /// The answer was read but lacks a member that the check needs, or names something newer than this build knows.
    NotTold,
}

/// One hole in what was read. It stands in a snapshot where the data would be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// The call, as `service:Operation` in API names (`s3:GetBucketEncryption`); empty where no call is behind it.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub call: SmolStr,
    /// The IAM action that allows the call (`s3:GetEncryptionConfiguration`), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<SmolStr>,
    /// The Region that was asked; `aws-global` and its like for global services.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub region: SmolStr,
    /// AWS's error code, or a short cause; never credentials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Gap {
    /// A gap with only a reason and a cause.
    pub fn new(reason: GapReason, detail: impl Into<String>) -> Self {
        Self { reason, call: SmolStr::default(), permission: None, region: SmolStr::default(), detail: detail.into() }
    }

    /// Whether granting [`Gap::permission`] would close this gap.
    pub fn is_denied(&self) -> bool {
        matches!(self.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization)
    }
}
