//! Credentials: AWS's own chain, kept until shortly before they end, and roles on top of it.

use crate::error::{CallError, ConnectError, presentable};
use crate::http::chain;
use crate::options::{MfaPrompt, Role};
use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use std::error::Error;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use yagura_model::GapReason;

/// Credentials are renewed when they have less than this left.
const MARGIN: Duration = Duration::from_secs(300);
/// The name that CloudTrail shows for assumed roles.
const SESSION_NAME: &str = "yagura";

/// A provider with the credentials that it gave last.
#[derive(Debug)]
pub(crate) struct CredentialStore {
    provider: SharedCredentialsProvider,
    kept: RwLock<Option<Kept>>,
    renewal: tokio::sync::Mutex<()>,
}

/// Credentials as the signer takes them.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub identity: Identity,
    ends: Option<SystemTime>,
    /// Rises with every renewal, so that calls that fail together renew once.
    pub version: u64,
}

impl CredentialStore {
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, kept: RwLock::new(None), renewal: tokio::sync::Mutex::new(()) }
    }

    pub fn provider(&self) -> SharedCredentialsProvider {
        self.provider.clone()
    }

    /// Credentials that are good for a while.
    pub async fn get(&self) -> Result<Kept, CallError> {
        match self.kept() {
            Some(kept) if !kept.ends_within(MARGIN) => Ok(kept),
            kept => self.renew(kept.map_or(0, |k| k.version)).await,
        }
    }

    /// Fetches new credentials, unless somebody did so since `seen`.
    pub async fn renew(&self, seen: u64) -> Result<Kept, CallError> {
        let _turn = self.renewal.lock().await;
        let kept = self.kept();
        if let Some(kept) = kept.as_ref().filter(|k| k.version > seen) {
            return Ok(kept.clone());
        }
        match self.provider.provide_credentials().await {
            Ok(credentials) => {
                let new = Kept { ends: credentials.expiry(), identity: credentials.into(), version: seen + 1 };
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(new.clone());
                Ok(new)
            }
            Err(error) => match kept.filter(|k| !k.ends_within(Duration::ZERO)) {
                // What is there still works for a while; a later call tries again.
                Some(kept) if kept.ends_within(MARGIN) => Ok(kept),
                _ => Err(CallError::new(GapReason::Credentials, "CredentialsNotLoaded", cause(&error))),
            },
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Kept {
    fn ends_within(&self, margin: Duration) -> bool {
        self.ends.is_some_and(|end| end < SystemTime::now() + margin)
    }
}

/// A provider of a role's credentials, on top of another's. With an MFA device the code is asked for now, and
/// the credentials last until they end.
pub(crate) async fn assume(
    config: &SdkConfig,
    base: SharedCredentialsProvider,
    role: &Role,
    mfa: Option<&MfaPrompt>,
) -> Result<SharedCredentialsProvider, ConnectError> {
    let session_name = role.session_name.as_deref().unwrap_or(SESSION_NAME);
    if let Some(serial) = &role.mfa_serial {
        let credentials = assume_with_mfa(config, base, role, session_name, serial, mfa).await?;
        return Ok(SharedCredentialsProvider::new(credentials));
    }
    let mut builder = AssumeRoleProvider::builder(&role.arn).session_name(session_name).configure(config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    Ok(SharedCredentialsProvider::new(builder.build_from_provider(base).await))
}

async fn assume_with_mfa(
    config: &SdkConfig,
    base: SharedCredentialsProvider,
    role: &Role,
    session_name: &str,
    serial: &str,
    mfa: Option<&MfaPrompt>,
) -> Result<Credentials, ConnectError> {
    let prompt = mfa.cloned().ok_or_else(|| ConnectError::Mfa(role.arn.clone()))?;
    let device = serial.to_owned();
    // Waiting for a person must not hold up the other tasks.
    let code = tokio::task::spawn_blocking(move || prompt(&device))
        .await
        .map_err(|e| ConnectError::Configuration(e.to_string()))?
        .map_err(ConnectError::Configuration)?;
    let config = config.to_builder().credentials_provider(base).build();
    let fail = |message: String| ConnectError::Role { role: role.arn.clone(), message: presentable(&message) };
    let answer = aws_sdk_sts::Client::new(&config)
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(session_name)
        .set_external_id(role.external_id.clone())
        .serial_number(serial)
        .token_code(code.trim())
        .send()
        .await
        .map_err(|e| fail(innermost(&e)))?;
    let given = answer.credentials.ok_or_else(|| fail("STS answered no credentials".to_owned()))?;
    let ends = SystemTime::try_from(given.expiration).ok();
    Ok(Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        ends,
        "AssumeRoleWithMfa",
    ))
}

/// What went wrong in the credential chain, in its own words.
pub(crate) fn cause(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => "none were found".to_owned(),
        other => {
            let said = innermost(other);
            // The instance is asked last: its refusal means that nothing was found before.
            match said.contains("IMDS") {
                true => format!("none in the environment or the profile files, and instance metadata says: {said}"),
                false => said,
            }
        }
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    presentable(&chain(error))
}
