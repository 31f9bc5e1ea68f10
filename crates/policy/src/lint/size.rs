//! Quotas of a policy's length (`reference_iam-quotas`; Organizations User Guide, `orgs_reference_limits`).

use super::PolicyType;
use super::check::{Place, Report, checks};
use crate::json::{Json, Node};

checks! {
    Warning POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA
        "the policy has {0} characters without white space; a managed policy may have {1}" => "split it into several policies";
        "ポリシーは空白を除いて {0} 文字あり、管理ポリシーの上限 {1} 文字を超えている" => "複数のポリシーに分ける";
    Warning POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA
        "the policy has {0} characters; a resource policy may have {1}" => "join or drop statements";
        "ポリシーは {0} 文字あり、リソースポリシーの上限 {1} 文字を超えている" => "ステートメントをまとめるか減らす";
    Warning POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA
        "the trust policy has {0} characters without white space; the default quota is {1}" => "shorten it, or request a higher quota";
        "信頼ポリシーは空白を除いて {0} 文字あり、既定のクォータ {1} 文字を超えている" => "短くするか、クォータの引き上げを申請する";
    Error POLICY_SIZE_EXCEEDS_SCP_QUOTA
        "the SCP has {0} characters; it may have {1}" => "split it into several policies, or remove white space";
        "SCP は {0} 文字あり、上限 {1} 文字を超えている" => "複数のポリシーに分けるか、空白を取り除く";
    Error POLICY_SIZE_EXCEEDS_RCP_QUOTA
        "the RCP has {0} characters; it may have {1}" => "split it into several policies, or remove white space";
        "RCP は {0} 文字あり、上限 {1} 文字を超えている" => "複数のポリシーに分けるか、空白を取り除く";
}

/// A policy's length in characters.
pub(super) struct Length {
    all: usize,
    without_blanks: usize,
}

impl Length {
    pub(super) fn of_text(text: &str) -> Self {
        let without_blanks = text.chars().filter(|c| !c.is_whitespace()).count();
        Self { all: text.trim().chars().count(), without_blanks }
    }

    /// The length of the shortest text of a value, but for escapes.
    pub(super) fn of_node(node: &Node<'_>) -> Self {
        let string = |text: &str| text.chars().count() + 2;
        let all = match &node.value {
            Json::Null => 4,
            Json::Bool(b) => {
                if *b {
                    4
                } else {
                    5
                }
            }
            Json::Number(n) => n.len(),
            Json::String(text) => string(text),
            Json::Array(items) => items.iter().map(|i| Self::of_node(i).all + 1).sum::<usize>().max(1) + 1,
            Json::Object(members) => {
                members.iter().map(|m| string(&m.key) + Self::of_node(&m.value).all + 2).sum::<usize>().max(1) + 1
            }
        };
        Self { all, without_blanks: all }
    }
}

pub(super) fn check(length: &Length, root: &Node<'_>, kind: PolicyType, report: &mut Report) {
    let (check, size, quota) = match kind {
        PolicyType::Identity => (&POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA, length.without_blanks, 6_144),
        PolicyType::Resource | PolicyType::Endpoint => (&POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA, length.all, 20_480),
        PolicyType::Trust => (&POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA, length.without_blanks, 2_048),
        PolicyType::Scp => (&POLICY_SIZE_EXCEEDS_SCP_QUOTA, length.all, 10_240),
        PolicyType::Rcp => (&POLICY_SIZE_EXCEEDS_RCP_QUOTA, length.all, 5_120),
        PolicyType::Session | PolicyType::Any => return,
    };
    if size > quota {
        report.add(check, &Place { path: String::new(), span: root.span }, &[&size, &quota]);
    }
}
