//! Faults, and when they strike.

use crate::answer::Reply;
use crate::call::{Call, Protocol};
use std::time::Instant;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// No policy allows the call.
    AccessDenied,
    /// A service control policy denies the call.
    DeniedByScp,
    /// `OptInRequired`: the account may not use the service or Region.
    OptInRequired,
    /// What a Region that is not enabled says: it does not know the access key.
    RegionNotEnabled,
    /// Slow down.
    Throttled,
    /// HTTP 500.
    ServerError,
    /// The session token is past its end.
    ExpiredToken,
    /// The connection is closed without an answer.
    Reset,
    /// The request is carried out; then the connection is closed without an answer.
    Lost,
    /// No answer, ever.
    Hang,
    /// Two thirds of the answer, with a Content-Length that agrees.
    Truncated,
    /// Two thirds of the answer under the Content-Length of the whole; then the connection is closed.
    CutOff,
    /// HTTP 200 and a web page.
    Html,
    /// HTTP 200 and nothing.
    Empty,
    /// The answer, with the same token for a next page every time.
    PagingLoop,
    /// The answer, with a member that nobody knows and this many bytes.
    Padded(usize),
    /// The answer, with bytes in it that are not UTF-8.
    NotUtf8,
    /// An answer that nests this deep.
    Deep(usize),
}

/// A fault and the requests that it strikes: all, until it is narrowed.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) fault: Fault,
    calls: Vec<String>,
    region: Option<String>,
    except: Vec<String>,
    word: Option<String>,
    skip: u64,
    times: Option<u64>,
    seen: u64,
    bucket: Option<Bucket>,
}

#[derive(Debug, Clone)]
struct Bucket {
    per_second: f64,
    size: f64,
    tokens: f64,
    filled: Option<Instant>,
}

impl Fault {
    /// This fault on every request.
    pub fn everywhere(self) -> Rule {
        Rule {
            fault: self,
            calls: Vec::new(),
            region: None,
            except: Vec::new(),
            word: None,
            skip: 0,
            times: None,
            seen: 0,
            bucket: None,
        }
    }

    /// This fault on an operation (`s3:GetBucketEncryption`) or a whole service (`s3`).
    pub fn on(self, call: &str) -> Rule {
        self.everywhere().on(call)
    }

    /// This fault on every request to a Region.
    pub fn in_region(self, region: &str) -> Rule {
        self.everywhere().in_region(region)
    }

    /// The error in the protocol's words, for faults that are plain errors.
    pub(crate) fn reply(&self, call: &Call) -> Option<Reply> {
        use Protocol::{Ec2, Json, Query, RestJson, RestXml};
        let action = &call.name;
        let who =
            format!("User: arn:aws:iam::111122223333:user/audit is not authorized to perform: {action} on resource: *");
        let reply = match (self, call.protocol) {
            (Self::AccessDenied, Json) => Reply::error(
                400,
                "AccessDeniedException",
                format!("{who} because no identity-based policy allows the {action} action"),
            ),
            (Self::AccessDenied, RestJson) => Reply::error(
                403,
                "AccessDeniedException",
                format!("{who} because no identity-based policy allows the {action} action"),
            ),
            (Self::AccessDenied, Query) => Reply::error(
                403,
                "AccessDenied",
                format!("{who} because no identity-based policy allows the {action} action"),
            ),
            (Self::AccessDenied, Ec2) => Reply::error(
                403,
                "UnauthorizedOperation",
                format!(
                    "You are not authorized to perform this operation. {who} Encoded authorization failure message: aGlkZGVu"
                ),
            ),
            (Self::AccessDenied, RestXml) => Reply::error(403, "AccessDenied", "Access Denied"),
            (Self::DeniedByScp, protocol) => {
                let (status, code) = match protocol {
                    Json => (400, "AccessDeniedException"),
                    RestJson => (403, "AccessDeniedException"),
                    Ec2 => (403, "UnauthorizedOperation"),
                    Query | RestXml => (403, "AccessDenied"),
                };
                Reply::error(status, code, format!("{who} with an explicit deny in a service control policy"))
            }
            (Self::OptInRequired, Json) => {
                Reply::error(400, "OptInRequired", "The AWS Access Key Id needs a subscription for the service")
            }
            (Self::OptInRequired, _) => {
                Reply::error(403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service")
            }
            (Self::RegionNotEnabled, Json) => Reply::error(
                400,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            (Self::RegionNotEnabled, RestJson) => Reply::error(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            (Self::RegionNotEnabled, Query) => {
                Reply::error(403, "InvalidClientTokenId", "The security token included in the request is invalid")
            }
            (Self::RegionNotEnabled, Ec2) => {
                Reply::error(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            (Self::RegionNotEnabled, RestXml) => Reply::error(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            (Self::Throttled, Json) => Reply::error(400, "ThrottlingException", "Rate exceeded"),
            (Self::Throttled, RestJson) => Reply::error(429, "TooManyRequestsException", "Rate exceeded"),
            (Self::Throttled, Query) => Reply::error(400, "Throttling", "Rate exceeded"),
            (Self::Throttled, Ec2) => Reply::error(503, "RequestLimitExceeded", "Request limit exceeded."),
            (Self::Throttled, RestXml) => Reply::error(503, "SlowDown", "Please reduce your request rate."),
            (Self::ServerError, Query | Ec2 | RestXml) => {
                Reply::error(500, "InternalError", "We encountered an internal error. Please try again.")
            }
            (Self::ServerError, Json | RestJson) => {
                Reply::error(500, "InternalFailure", "An internal failure occurred")
            }
            (Self::ExpiredToken, Json) => {
                Reply::error(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            (Self::ExpiredToken, RestJson) => {
                Reply::error(403, "ExpiredTokenException", "The security token included in the request is expired")
            }
            (Self::ExpiredToken, Query) => {
                Reply::error(403, "ExpiredToken", "The security token included in the request is expired")
            }
            (Self::ExpiredToken, Ec2) => Reply::error(400, "RequestExpired", "Request has expired."),
            (Self::ExpiredToken, RestXml) => Reply::error(400, "ExpiredToken", "The provided token has expired."),
            _ => return None,
        };
        Some(reply)
    }
}

impl Rule {
    /// Only an operation, or a whole service. Said again, another one as well.
    #[must_use]
    pub fn on(mut self, call: &str) -> Self {
        self.calls.push(call.to_owned());
        self
    }

    /// Only a Region.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Never this operation or service.
    #[must_use]
    pub fn except(mut self, call: &str) -> Self {
        self.except.push(call.to_owned());
        self
    }

    /// Only requests with this value in them: a name, a filter, a segment of the path.
    #[must_use]
    pub fn holding(mut self, word: &str) -> Self {
        self.word = Some(word.to_owned());
        self
    }

    /// Only the first `n` of the requests that it would strike.
    #[must_use]
    pub fn first(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Not the first `n` of the requests that it would strike.
    #[must_use]
    pub fn after(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Only requests beyond a rate: a token bucket that holds `size` and fills at `per_second`.
    #[must_use]
    pub fn above(mut self, per_second: f64, size: f64) -> Self {
        self.bucket = Some(Bucket { per_second, size, tokens: size, filled: None });
        self
    }

    /// Whether it strikes this request; counts it.
    pub(crate) fn strikes(&mut self, call: &Call, now: Instant) -> bool {
        let names = |wanted: &String| *wanted == call.name || call.name.split(':').next() == Some(wanted);
        let meant = (self.calls.is_empty() || self.calls.iter().any(names))
            && self.region.as_ref().is_none_or(|r| *r == call.region)
            && self.word.as_ref().is_none_or(|w| call.words.contains(w))
            && !self.except.iter().any(names);
        if !meant {
            return false;
        }
        if let Some(bucket) = &mut self.bucket
            && bucket.take(now)
        {
            return false;
        }
        self.seen += 1;
        self.seen > self.skip && self.times.is_none_or(|n| self.seen <= self.skip + n)
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let passed = self.filled.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.filled = Some(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        let free = self.tokens >= 1.0;
        if free {
            self.tokens -= 1.0;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn call(name: &str, region: &str) -> Call {
        Call { name: name.into(), region: region.into(), protocol: Protocol::Json, words: Default::default() }
    }

    #[test]
    fn a_rule_strikes_what_it_names() {
        let now = Instant::now();
        let strikes = |mut rule: Rule, name: &str, region: &str| rule.strikes(&call(name, region), now);
        assert!(strikes(Fault::Hang.everywhere(), "kms:ListKeys", "us-east-1"));
        assert!(strikes(Fault::Hang.on("kms"), "kms:ListKeys", "us-east-1"));
        assert!(!strikes(Fault::Hang.on("kms:ListAliases"), "kms:ListKeys", "us-east-1"));
        assert!(!strikes(Fault::Hang.in_region("eu-west-1"), "kms:ListKeys", "us-east-1"));
        assert!(!strikes(Fault::Hang.everywhere().except("kms"), "kms:ListKeys", "us-east-1"));
    }

    #[test]
    fn a_rule_counts() {
        let mut rule = Fault::ServerError.everywhere().after(2).first(3);
        let struck: Vec<bool> = (0..7).map(|_| rule.strikes(&call("kms:ListKeys", "r"), Instant::now())).collect();
        assert_eq!(struck, [false, false, true, true, true, false, false]);
    }

    #[test]
    fn a_bucket_lets_its_rate_pass() {
        let mut rule = Fault::Throttled.everywhere().above(10.0, 2.0);
        let start = Instant::now();
        let mut at = |ms: u64| rule.strikes(&call("kms:ListKeys", "r"), start + Duration::from_millis(ms));
        assert_eq!([at(0), at(0), at(0), at(110), at(120)], [false, false, true, false, true]);
    }
}
