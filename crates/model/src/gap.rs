//! What could not be read, and why.

use crate::Lang;
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
    /// A template hides the value until it is deployed; the detail is the expression that does.
    AfterDeployment,
    /// No template decides it: the resource, or its surroundings, do once it runs. The detail names what.
    NotDecided,
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

    /// Whether what is not known may turn out to be nothing: CloudFormation's `Fn::If` may leave an item out (`AWS::NoValue`), where any
    /// other expression gives one.
    pub fn may_be_nothing(&self) -> bool {
        self.reason == GapReason::AfterDeployment && self.detail.starts_with("Fn::If")
    }

    /// The gap of what hangs on the number of an account that STS did not tell.
    pub fn hidden_account() -> Self {
        let whoami = SmolStr::new_static("sts:GetCallerIdentity");
        let unknown = Self::new(GapReason::AccessDenied, "the account is not known");
        Self { call: whoami.clone(), permission: Some(whoami), ..unknown }
    }

    /// One clause that says what happened and, where there is something to do, what.
    pub fn say(&self, lang: Lang) -> String {
        let call = if self.call.is_empty() { String::new() } else { format!("{} ", self.call) };
        let region = if self.region.is_empty() { String::new() } else { format!(" ({})", self.region) };
        let permission = self.permission.as_deref().unwrap_or("?");
        let detail = &self.detail;
        match lang {
            Lang::En => match self.reason {
                GapReason::AccessDenied => format!("{call}was denied{region}: grant {permission}"),
                GapReason::DeniedByOrganization => {
                    format!("{call}was denied by an organization policy{region}: {permission} is blocked there")
                }
                GapReason::RegionDisabled => {
                    format!("{call}cannot be asked{region}: the Region or service is not enabled")
                }
                GapReason::Throttled => {
                    format!("{call}was throttled until the attempts ran out{region}: scan again or lower --concurrency")
                }
                GapReason::Credentials => {
                    format!("{call}was refused{region}: the credentials are expired or invalid, renew them")
                }
                GapReason::Unreachable => format!("{call}could not reach its endpoint{region}: {detail}"),
                GapReason::TimedOut => format!("{call}timed out{region}"),
                GapReason::ServiceError => format!("{call}failed at AWS's side{region}: {detail}"),
                GapReason::BadAnswer => format!("{call}got an answer that cannot be read{region}: {detail}"),
                GapReason::Refused => format!("{call}was refused{region}: {detail}"),
                GapReason::NotRequested | GapReason::NotTold => detail.clone(),
                GapReason::AfterDeployment => format!("known after deployment: {detail}"),
                GapReason::NotDecided => format!("the template does not decide it: {detail}"),
            },
            Lang::Ja => match self.reason {
                GapReason::AccessDenied => format!("{call}が拒否された{region}: {permission} を許可すること"),
                GapReason::DeniedByOrganization => {
                    format!("{call}が組織のポリシーで拒否された{region}: {permission} が禁止されている")
                }
                GapReason::RegionDisabled => {
                    format!("{call}を呼び出せない{region}: リージョンまたはサービスが有効でない")
                }
                GapReason::Throttled => {
                    format!("{call}がスロットリングされ続けた{region}: 再実行するか --concurrency を下げること")
                }
                GapReason::Credentials => {
                    format!("{call}が拒否された{region}: 認証情報が期限切れまたは無効。更新すること")
                }
                GapReason::Unreachable => format!("{call}のエンドポイントに接続できない{region}: {detail}"),
                GapReason::TimedOut => format!("{call}がタイムアウトした{region}"),
                GapReason::ServiceError => format!("{call}が AWS 側のエラーで失敗した{region}: {detail}"),
                GapReason::BadAnswer => format!("{call}の応答を解釈できない{region}: {detail}"),
                GapReason::Refused => format!("{call}が受け付けられなかった{region}: {detail}"),
                GapReason::NotRequested => "このスキャンでは読み取っていない".to_owned(),
                GapReason::NotTold => format!("AWS の応答だけでは判定できない: {detail}"),
                GapReason::AfterDeployment => format!("デプロイするまで値が決まらない: {detail}"),
                GapReason::NotDecided => format!("テンプレートでは決まらない: {detail}"),
            },
        }
    }

    /// Whether granting [`Gap::permission`] would close this gap.
    pub fn is_denied(&self) -> bool {
        matches!(self.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization)
    }
}
