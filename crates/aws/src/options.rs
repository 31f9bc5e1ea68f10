//! What a caller may choose; everything else is AWS's own configuration.

use aws_credential_types::provider::SharedCredentialsProvider;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Asks the person for the code of the MFA device with the given serial number or ARN.
/// An `Err` ends the sign-in with its text.
pub type MfaPrompt = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// How to connect. The default reads AWS's environment variables and profile files as the AWS CLI does.
#[derive(Clone)]
pub struct Options {
    /// The profile; otherwise `AWS_PROFILE`, then `default`.
    pub profile: Option<String>,
    /// The Region to start from; otherwise `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's, then `us-east-1`.
    pub region: Option<String>,
    /// One endpoint for every service; otherwise `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, then the profile's.
    pub endpoint_url: Option<String>,
    /// Use FIPS endpoints; otherwise `AWS_USE_FIPS_ENDPOINT`, then the profile's `use_fips_endpoint`.
    pub fips: Option<bool>,
    /// Use dual-stack endpoints; otherwise `AWS_USE_DUALSTACK_ENDPOINT`, then the profile's `use_dualstack_endpoint`.
    pub dual_stack: Option<bool>,
    /// The most requests in flight at once.
    pub max_concurrency: usize,
    /// The most attempts a call makes; otherwise `AWS_MAX_ATTEMPTS`, then 5. Throttled attempts may be repeated
    /// up to three times as often, since waiting is what they ask for.
    pub max_attempts: Option<u32>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take, from sending to the last byte.
    pub attempt_timeout: Duration,
    /// The largest answer that is read; a larger one is a bad answer.
    pub max_answer_bytes: usize,
    /// Credentials to use in place of all that the configuration offers.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Asks for MFA codes. Without it a role that needs MFA fails with a message that says so.
    pub mfa_prompt: Option<MfaPrompt>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            fips: None,
            dual_stack: None,
            max_concurrency: 32,
            max_attempts: None,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(30),
            max_answer_bytes: 64 << 20,
            credentials: None,
            mfa_prompt: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .field("endpoint_url", &self.endpoint_url)
            .field("fips", &self.fips)
            .field("dual_stack", &self.dual_stack)
            .field("max_concurrency", &self.max_concurrency)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}

/// A role to assume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// The role's ARN.
    pub arn: String,
    /// The external id that its trust policy asks for.
    pub external_id: Option<String>,
    /// The session name that CloudTrail shows; `yagura` by default.
    pub session_name: Option<String>,
    /// The MFA device that its trust policy asks for; its code comes from [`Options::mfa_prompt`].
    pub mfa_serial: Option<String>,
}

impl Role {
    /// The role `arn`, with nothing else.
    pub fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), ..Self::default() }
    }
}
