//! Quotas of AWS Organizations for a policy document and its attachment (Organizations User Guide, `orgs_reference_limits`).

use super::Kind;
use yagura_model::Lang;

/// A type of organization policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// AWS's name of the type.
    pub kind: &'static str,
    /// The most characters of a document.
    pub characters: usize,
    /// The most policies of the type on one root, organizational unit or account.
    pub attached: usize,
    /// How many are there to begin with: AWS's own policy that allows everything.
    pub begins_with: usize,
}

/// SCPs.
pub const SCP: Quota = Quota { kind: "SERVICE_CONTROL_POLICY", characters: 10_240, attached: 10, begins_with: 1 };
/// RCPs; `RCPFullAWSAccess` counts.
pub const RCP: Quota = Quota { kind: "RESOURCE_CONTROL_POLICY", characters: 5_120, attached: 5, begins_with: 1 };
/// Declarative policies for Amazon EC2.
pub const DECLARATIVE: Quota =
    Quota { kind: "DECLARATIVE_POLICY_EC2", characters: 10_000, attached: 10, begins_with: 0 };

/// The quota of a guardrail's kind, where it is an organization's.
pub fn of(kind: Kind) -> Option<Quota> {
    match kind {
        Kind::Scp { .. } => Some(SCP),
        Kind::Rcp => Some(RCP),
        Kind::Identity | Kind::Boundary => None,
    }
}

/// How far a document is from what AWS takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// More characters than AWS takes, white space left out: attaching fails. How many, and how many there may be.
    TooLong(usize, usize),
    /// Too many only with its white space, which the console takes out and the API does not.
    OnlyWithSpace(usize, usize),
    /// More policies on one target than AWS takes: so many, of so many.
    TooMany(usize, usize),
    /// With these the target is full.
    Full(usize),
}

/// Holds a document's length against the quota.
pub fn length(text: &str, quota: Quota) -> Option<Limit> {
    let all = text.trim().chars().count();
    if all <= quota.characters {
        return None;
    }
    // White space inside of strings counts in any case.
    let whole = serde_json::from_str::<serde_json::Value>(text).ok();
    let least = whole.map_or(all, |value| value.to_string().chars().count());
    Some(match least {
        least if least > quota.characters => Limit::TooLong(least, quota.characters),
        _ => Limit::OnlyWithSpace(all, quota.characters),
    })
}

/// Holds a number of policies for one target against the quota; `there` are attached already, the kind's own among them.
pub fn attached(documents: usize, there: usize, quota: Quota) -> Option<Limit> {
    let all = documents.saturating_add(there);
    match all.cmp(&quota.attached) {
        std::cmp::Ordering::Greater => Some(Limit::TooMany(all, quota.attached)),
        std::cmp::Ordering::Equal => Some(Limit::Full(quota.attached)),
        std::cmp::Ordering::Less => None,
    }
}

impl Limit {
    /// Whether AWS would refuse.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::TooLong(..) | Self::TooMany(..))
    }

    /// One sentence for a person.
    pub fn say(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::TooLong(n, most), Lang::En) => {
                format!("the policy has {n} characters without white space; AWS takes {most}: split it")
            }
            (Self::TooLong(n, most), Lang::Ja) => {
                format!("ポリシーは空白を除いて {n} 文字あり、AWS の上限 {most} 文字を超えている。分割すること")
            }
            (Self::OnlyWithSpace(n, most), Lang::En) => {
                format!(
                    "the policy has {n} characters with its white space; AWS takes {most}: take the white space out"
                )
            }
            (Self::OnlyWithSpace(n, most), Lang::Ja) => {
                format!("ポリシーは空白を含めて {n} 文字あり、AWS の上限 {most} 文字を超えている。空白を取り除くこと")
            }
            (Self::TooMany(n, most), Lang::En) => {
                format!("the target would have {n} policies of this type; AWS takes {most}: join some")
            }
            (Self::TooMany(n, most), Lang::Ja) => {
                format!("アタッチ先のこのタイプのポリシーは {n} 個になり、AWS の上限 {most} 個を超える。統合すること")
            }
            (Self::Full(most), Lang::En) => {
                format!(
                    "with these the target has all {most} policies of this type that AWS takes; no other can follow"
                )
            }
            (Self::Full(most), Lang::Ja) => {
                format!("これでアタッチ先のこのタイプのポリシーは AWS の上限 {most} 個に達し、これ以上追加できない")
            }
        }
    }
}
