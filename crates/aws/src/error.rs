//! Failures as data.

use crate::endpoint::is_opt_in;
use crate::facts::ReadOperation;
use crate::wire::Fault;
use smol_str::SmolStr;
use yagura_model::{Gap, GapReason};

/// Why a session could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No credentials, or they could not be had.
    #[error(
        "no AWS credentials: {0}. Set AWS_PROFILE or --profile, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Credentials(String),
    /// A role could not be assumed.
    #[error("cannot assume {role}: {message}")]
    Role {
        /// The role's ARN.
        role: String,
        /// Why.
        message: String,
    },
    /// A role or profile asks for an MFA code, and nobody is there to give it.
    #[error("{0} needs an MFA code: run this on a terminal, or sign in first")]
    Mfa(String),
    /// An option or the AWS configuration is not usable.
    #[error("{0}")]
    Configuration(String),
}

impl ConnectError {
    /// The gap that stands for a whole account whose role could not be assumed.
    pub fn gap(&self) -> Gap {
        let said = self.to_string();
        let holds = |words: &[&str]| words.iter().any(|w| said.contains(w));
        let reason = match self {
            Self::Role { .. } if holds(&["AccessDenied", "not authorized"]) => GapReason::AccessDenied,
            Self::Role { .. } if holds(&["Expired", "InvalidClientTokenId", "SignatureDoesNotMatch"]) => {
                GapReason::Credentials
            }
            Self::Role { .. } if holds(&["connect", "dns", "dispatch", "timed out", "timeout"]) => {
                GapReason::Unreachable
            }
            Self::Credentials(_) | Self::Mfa(_) => GapReason::Credentials,
            Self::Role { .. } | Self::Configuration(_) => GapReason::Refused,
        };
        let permission = (reason == GapReason::AccessDenied).then(|| SmolStr::new_static("sts:AssumeRole"));
        Gap { call: SmolStr::new_static("sts:AssumeRole"), permission, ..Gap::new(reason, said) }
    }
}

/// Why a call failed. [`CallError::gap`] makes it the hole that stands in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CallError {
    /// AWS's error code (`AccessDenied`, `NoSuchBucketPolicy`), or a short name for what happened on the way.
    pub code: String,
    /// What AWS said, shortened; keys and encoded messages are taken out.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The kind of failure.
    pub reason: GapReason,
}

impl CallError {
    pub(crate) fn new(reason: GapReason, code: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self { code: code.into(), message: presentable(message.as_ref()), status: None, reason }
    }

    /// The error of an answer that is not a success.
    pub(crate) fn of_fault(status: u16, fault: &Fault, region: &str, worked_elsewhere: bool) -> Self {
        let code = if fault.code.is_empty() { format!("Http{status}") } else { sound_code(&fault.code) };
        let reason = classify(status, &code, &fault.message, region, worked_elsewhere);
        Self { code, message: presentable(&fault.message), status: Some(status), reason }
    }

    /// The gap that this error leaves: reason, call, IAM action, Region, and AWS's code with its message.
    pub fn gap(&self, operation: &ReadOperation, region: &str) -> Gap {
        let detail =
            if self.message.is_empty() { self.code.clone() } else { format!("{}: {}", self.code, self.message) };
        Gap {
            reason: self.reason,
            call: SmolStr::new(operation.call()),
            permission: Some(SmolStr::new(operation.permission())),
            region: SmolStr::new(region),
            detail,
        }
    }
}

/// Whether AWS asks to slow down.
pub(crate) fn is_throttling(status: u16, code: &str) -> bool {
    const CODES: [&str; 16] = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "TooManyRequests",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "SlowDown",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
        "LimitExceededException",
        "Client.RequestLimitExceeded",
    ];
    status == 429 || (CODES.contains(&code) && code != "LimitExceededException")
}

/// Whether trying again may help.
pub(crate) fn is_transient(status: u16, code: &str) -> bool {
    const CODES: [&str; 8] = [
        "RequestTimeout",
        "RequestTimeoutException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "IDPCommunicationError",
        "Unavailable",
    ];
    status >= 500 && status != 501 || CODES.contains(&code)
}

/// Whether the credentials ran out on the way.
pub(crate) fn is_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired")
}

fn classify(status: u16, code: &str, message: &str, region: &str, worked_elsewhere: bool) -> GapReason {
    let bare = code.strip_prefix("Client.").unwrap_or(code);
    if is_throttling(status, code) {
        return GapReason::Throttled;
    }
    match bare {
        "OptInRequired"
        | "OptInRequiredException"
        | "SubscriptionRequiredException"
        | "RegionDisabledException"
        | "SubscriptionRequired"
        | "NotSubscribed" => GapReason::RegionDisabled,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "AuthFailure"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidClientTokenIdException" => {
            if is_opt_in(region) && worked_elsewhere {
                GapReason::RegionDisabled
            } else {
                GapReason::Credentials
            }
        }
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "RequestTimeTooSkewed"
        | "NotSignedUp" => GapReason::Credentials,
        _ if is_expired(bare) => GapReason::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "UnauthorizedAccess"
        | "UnauthorizedException"
        | "NotAuthorized"
        | "NotAuthorizedException"
        | "Unauthorized"
        | "ForbiddenException"
        | "Forbidden"
        | "AccessDeniedFault"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "ExplicitDeny"
        | "Http403"
        | "Http401" => denied(message),
        _ if status == 403 && denies(message) => denied(message),
        _ if is_transient(status, bare) => GapReason::ServiceError,
        _ => GapReason::Refused,
    }
}

fn denies(message: &str) -> bool {
    message.contains("not authorized to perform")
        || message.contains("explicit deny")
        || message.contains("Access Denied")
}

/// A denial that a policy of the organization made says so in its message.
fn denied(message: &str) -> GapReason {
    let message = message.to_ascii_lowercase();
    if message.contains("service control policy") || message.contains("resource control policy") {
        GapReason::DeniedByOrganization
    } else {
        GapReason::AccessDenied
    }
}

/// The longest message that is kept.
const LONGEST: usize = 300;

/// A message fit for reports: one line, shortened, without keys, tokens, signatures or encoded messages.
pub(crate) fn presentable(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    let line = line.split("Encoded authorization failure message").next().unwrap_or_default();
    let mut out = String::new();
    for word in line.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        let clean = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
        out.push_str(if looks_secret(clean) { "[removed]" } else { word });
    }
    if out.len() > LONGEST {
        let cut = (0..=LONGEST).rev().find(|i| out.is_char_boundary(*i)).unwrap_or(0);
        out.truncate(cut);
        out.push('…');
    }
    out
}

/// Access key ids, secret keys, session tokens, and whatever has their look.
fn looks_secret(word: &str) -> bool {
    const KEY_IDS: [&str; 3] = ["AKIA", "ASIA", "AIDA"];
    if KEY_IDS.iter().any(|p| word.starts_with(p)) && word.len() >= 16 {
        return true;
    }
    let value = word.rsplit('=').find(|part| !part.is_empty()).unwrap_or(word);
    let base64 = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    let mixed = value.bytes().any(|b| b.is_ascii_digit())
        && value.bytes().any(|b| b.is_ascii_uppercase())
        && value.bytes().any(|b| b.is_ascii_lowercase());
    base64 && (value.len() >= 64 || value.len() >= 32 && mixed)
}

/// An error code fit for reports: letters, digits and points.
fn sound_code(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_reason() {
        use GapReason::*;
        for (status, code, message, region, worked, reason) in [
            (400, "AccessDeniedException", "", "us-east-1", true, AccessDenied),
            (403, "AccessDenied", "", "us-east-1", true, AccessDenied),
            (403, "UnauthorizedOperation", "", "us-east-1", true, AccessDenied),
            (403, "Client.UnauthorizedOperation", "", "us-east-1", true, AccessDenied),
            (400, "AuthorizationError", "", "us-east-1", true, AccessDenied),
            (403, "AuthorizationErrorException", "", "us-east-1", true, AccessDenied),
            (403, "Http403", "", "us-east-1", true, AccessDenied),
            (403, "SomethingElse", "User x is not authorized to perform: a:B", "us-east-1", true, AccessDenied),
            (403, "AccessDenied", "with an explicit deny in an identity-based policy", "us-east-1", true, AccessDenied),
            (
                403,
                "AccessDenied",
                "with an explicit deny in a service control policy",
                "us-east-1",
                true,
                DeniedByOrganization,
            ),
            (
                403,
                "AccessDenied",
                "because no service control policy allows the a:B action",
                "us-east-1",
                true,
                DeniedByOrganization,
            ),
            (
                403,
                "AccessDenied",
                "with an explicit deny in a resource control policy",
                "us-east-1",
                true,
                DeniedByOrganization,
            ),
            (400, "OptInRequired", "", "us-east-1", true, RegionDisabled),
            (400, "SubscriptionRequiredException", "", "us-east-1", true, RegionDisabled),
            (403, "UnrecognizedClientException", "", "me-south-1", true, RegionDisabled),
            (403, "InvalidClientTokenId", "", "af-south-1", true, RegionDisabled),
            (401, "AuthFailure", "", "ap-east-1", true, RegionDisabled),
            (401, "AuthFailure", "", "ap-east-1", false, Credentials),
            (403, "InvalidClientTokenId", "", "us-east-1", true, Credentials),
            (403, "SignatureDoesNotMatch", "", "us-east-1", true, Credentials),
            (400, "ExpiredTokenException", "", "us-east-1", true, Credentials),
            (400, "RequestExpired", "", "us-east-1", true, Credentials),
            (400, "Throttling", "", "us-east-1", true, Throttled),
            (503, "SlowDown", "", "us-east-1", true, Throttled),
            (503, "RequestLimitExceeded", "", "us-east-1", true, Throttled),
            (429, "TooManyRequestsException", "", "us-east-1", true, Throttled),
            (400, "LimitExceededException", "", "us-east-1", true, Refused),
            (500, "InternalFailure", "", "us-east-1", true, ServiceError),
            (502, "Http502", "", "us-east-1", true, ServiceError),
            (400, "ValidationException", "", "us-east-1", true, Refused),
            (404, "NoSuchBucketPolicy", "", "us-east-1", true, Refused),
            (501, "NotImplemented", "", "us-east-1", true, Refused),
        ] {
            let fault = Fault { code: code.to_owned(), message: message.to_owned(), region: None };
            assert_eq!(
                CallError::of_fault(status, &fault, region, worked).reason,
                reason,
                "{status} {code} {message} {region}"
            );
        }
    }

    #[test]
    fn messages_are_short_and_without_secrets() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for (message, expected) in [
            ("plain words stay", "plain words stay"),
            ("first\nsecond", "first"),
            (
                "role arn:aws:iam::123456789012:role/AdminRoleWithALongName is not authorized",
                "role arn:aws:iam::123456789012:role/AdminRoleWithALongName is not authorized",
            ),
            ("the key AKIAIOSFODNN7EXAMPLE.", "the key [removed]"),
            ("not allowed. Encoded authorization failure message: abcDEF123", "not allowed. "),
            (&format!("secret={secret}"), "[removed]"),
            (&format!("'{secret}'"), "[removed]"),
            ("123456789012 us-east-1 s3:GetObject", "123456789012 us-east-1 s3:GetObject"),
        ] {
            assert_eq!(presentable(message).trim_end(), expected.trim_end());
        }
        assert!(presentable(&"é ".repeat(1000)).len() < LONGEST + 8);
        assert_eq!(sound_code("Bad\"Code<x>"), "BadCodex");
    }
}
