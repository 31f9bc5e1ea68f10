//! A session: credentials, endpoints, connections and rates, and the calls made with them.

use crate::address::{bucket_of, prepare};
use crate::credentials::{self, CredentialStore};
use crate::endpoint::{Endpoint, EndpointError, real_region};
use crate::error::{CallError, ConnectError, is_expired, is_throttling, is_transient};
use crate::facts::{Facts, ReadOperation, Service, WriteOperation};
use crate::http::UNKNOWN_HOST;
use crate::limiter::Limiter;
use crate::options::{Options, Role};
use crate::paging::Paging;
use crate::partition::Partition;
use crate::profile::{self, Profiles};
use crate::retry::{Attempts, Cause};
use crate::shared::Shared;
use crate::sign::sign;
use crate::wire::{Answer, Encoded, fault};
use aws_credential_types::Credentials;
use aws_types::os_shim_internal::{Env, Fs};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use yagura_model::{Caller, GapReason, Map, Value};

/// Credentials with all that is needed to call AWS. Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    credentials: CredentialStore,
    targets: RwLock<HashMap<(&'static str, SmolStr), Arc<Target>>>,
    bucket_regions: RwLock<HashMap<SmolStr, SmolStr>>,
    /// Whether AWS accepted these credentials at least once: what tells a disabled Region from bad credentials.
    worked: AtomicBool,
}

/// When a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// A read: whenever another attempt may bring an answer.
    WhenItMayHelp,
    /// A change: only when the first attempt changed nothing.
    WhenItWasNotDone,
}

/// A service in a Region.
struct Target {
    endpoint: Endpoint,
    limiter: Limiter,
}

impl Session {
    /// Reads AWS's configuration as the AWS CLI does and checks that there are credentials. Makes no AWS call,
    /// except those that the credential chain itself needs (SSO, STS, instance metadata).
    pub async fn connect(options: Options, facts: Arc<Facts>) -> Result<Self, ConnectError> {
        let profiles = Profiles::load(Env::real(), Fs::real(), options.profile.as_deref()).await?;
        let shared = Arc::new(Shared::load(options, facts, &profiles).await?);
        let mfa = shared.options.mfa_prompt.as_ref();
        let store = match shared.options.credentials.clone() {
            Some(given) => CredentialStore::new(given),
            None => {
                let by_profile = profiles.provider(&shared.config, shared.http.for_credentials(), mfa).await?;
                profile::store([by_profile, shared.config.credentials_provider()])?
            }
        };
        let session = Self::new(shared, store);
        session.check_credentials().await?;
        Ok(session)
    }

    /// A session of `role`, assumed with this session's credentials; connections and limits are shared.
    pub async fn assume(&self, role: &Role) -> Result<Self, ConnectError> {
        let shared = self.inner.shared.clone();
        let base = self.inner.credentials.provider();
        let provider = credentials::assume(&shared.config, base, role, shared.options.mfa_prompt.as_ref()).await?;
        let session = Self::new(shared, CredentialStore::new(provider));
        match session.inner.credentials.get().await {
            Ok(_) => Ok(session),
            Err(e) => Err(ConnectError::Role { role: role.arn.clone(), message: e.message }),
        }
    }

    fn new(shared: Arc<Shared>, credentials: CredentialStore) -> Self {
        let inner = Inner {
            shared,
            credentials,
            targets: RwLock::default(),
            bucket_regions: RwLock::default(),
            worked: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    async fn check_credentials(&self) -> Result<(), ConnectError> {
        match self.inner.credentials.get().await {
            Ok(_) => Ok(()),
            Err(e) => Err(ConnectError::Credentials(e.message)),
        }
    }

    /// The Region to start from.
    pub fn default_region(&self) -> &str {
        &self.inner.shared.region
    }

    /// Whether an option, the environment or the profile named [`Session::default_region`]; else it is the partition's first.
    pub fn region_is_told(&self) -> bool {
        self.inner.shared.region_is_told
    }

    /// The partition of the default Region.
    pub fn partition(&self) -> Partition {
        self.inner.shared.partition
    }

    /// How many HTTP requests were sent so far, retries included, by this session and those it is related to.
    pub fn requests(&self) -> u64 {
        self.inner.shared.requests.load(Ordering::Relaxed)
    }

    /// Who the credentials belong to: STS GetCallerIdentity.
    pub async fn caller(&self) -> Result<Caller, CallError> {
        let operation = self
            .inner
            .shared
            .facts
            .read_operation("sts:GetCallerIdentity")
            .map_err(|e| CallError::new(GapReason::Refused, "NoFacts", e.to_string()))?;
        let mut answer = Value::Map(Map::new());
        self.call(&operation, self.default_region(), &Map::new(), &mut |page| answer = page).await?;
        let text = |name: &str| answer.as_map().and_then(|m| m.get(name)).and_then(Value::as_str).map(SmolStr::new);
        match (text("Account"), text("Arn")) {
            (Some(account), Some(arn)) => {
                let partition =
                    arn.split(':').nth(1).map_or_else(|| SmolStr::new(self.partition().name()), SmolStr::new);
                Ok(Caller { account, arn, partition })
            }
            _ => Err(CallError::new(GapReason::BadAnswer, "BadAnswer", "GetCallerIdentity names no account")),
        }
    }

    /// Calls a read operation in a Region and hands each page's typed output to `page`, as it comes.
    ///
    /// For a global service any Region of the partition will do, or its pseudo-Region (`aws-global`). Retries,
    /// slowing down and renewing of credentials happen inside. After an `Err` the pages that were handed over are
    /// right, but not all there are. Dropping the future ends the call.
    pub async fn call(
        &self,
        operation: &ReadOperation,
        region: &str,
        input: &Map,
        page: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(), CallError> {
        let mut paging = Paging::of(operation, input);
        loop {
            let output = self.one_page(operation, region, paging.input(), Again::WhenItMayHelp).await?;
            let more = paging.next(&output)?;
            page(output);
            if !more {
                return Ok(());
            }
        }
    }

    /// Calls a read operation as [`Session::call`] does and answers its first page only.
    pub async fn first_page(&self, operation: &ReadOperation, region: &str, input: &Map) -> Result<Value, CallError> {
        self.one_page(operation, region, Paging::of(operation, input).input(), Again::WhenItMayHelp).await
    }

    /// Calls an operation that changes something, once. It is sent again only where AWS said that it was not carried out
    /// (throttled, credentials that ended, another Region): of a request that no answer came to, nobody knows whether it was.
    ///
    /// # Errors
    /// AWS refused, or no answer came: then `reason` is not that of an answer, and the change may have been made.
    pub async fn change(&self, operation: &WriteOperation, region: &str, input: &Map) -> Result<Value, CallError> {
        self.one_page(operation.operation(), region, input, Again::WhenItWasNotDone).await
    }

    /// Credentials that are good for a while: the same until shortly before they end, then new ones. For clients that sign for
    /// themselves.
    pub async fn credentials(&self) -> Result<Credentials, CallError> {
        let kept = self.inner.credentials.get().await?;
        let found = kept.identity.data::<Credentials>().cloned();
        found.ok_or_else(|| CallError::new(GapReason::Credentials, "CredentialsNotLoaded", "they are no AWS keys"))
    }

    /// The Region that a bucket is known to be in, since a call about it was answered or sent elsewhere; else `region`.
    pub fn bucket_region(&self, bucket: &str, region: &str) -> SmolStr {
        self.home_of(Some(bucket), region)
    }

    /// Where an operation's requests go in a Region, and whether the person chose that (`AWS_ENDPOINT_URL` and its like).
    /// The URL has no slash at its end.
    pub fn endpoint(&self, operation: &ReadOperation, region: &str) -> Result<(String, bool), CallError> {
        let target = self.target(operation.service, region).map_err(|e| unreachable_by_design(&e))?;
        let Endpoint { scheme, authority, base_path, custom, .. } = &target.endpoint;
        Ok((format!("{scheme}://{authority}{base_path}"), *custom))
    }

    async fn one_page(
        &self,
        operation: &ReadOperation,
        region: &str,
        input: &Map,
        again: Again,
    ) -> Result<Value, CallError> {
        let encoded = operation
            .service
            .wire
            .encode(operation, input)
            .map_err(|e| CallError::new(GapReason::Refused, "InvalidInput", e.0))?;
        let bucket = bucket_of(operation, input);
        let mut region = self.home_of(bucket, region);
        let mut moved = false;
        let mut renewed = false;
        let mut attempts = Attempts::new(self.inner.shared.max_attempts);
        loop {
            let failure = match self.attempt(operation, &region, &encoded, input, bucket).await {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
            if let (Some(home), Some(bucket), false) = (&failure.home, bucket, moved) {
                moved = true;
                region = self.remember_home(bucket, home);
                continue;
            }
            if is_expired(&failure.error.code) && !renewed {
                renewed = true;
                self.inner.credentials.renew(failure.credentials).await?;
                continue;
            }
            let cause = failure.cause.filter(|c| again == Again::WhenItMayHelp || *c == Cause::Throttled);
            let wait = cause.and_then(|c| attempts.after(c, failure.retry_after));
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failure.error),
            }
        }
    }

    /// One request and its answer.
    async fn attempt(
        &self,
        operation: &ReadOperation,
        region: &str,
        encoded: &Encoded,
        input: &Map,
        bucket: Option<&str>,
    ) -> Result<Value, Failure> {
        let shared = &self.inner.shared;
        let target = self.target(operation.service, region).map_err(|e| Failure::last(unreachable_by_design(&e)))?;
        let mut request = prepare(operation, &target.endpoint, encoded, input, bucket).map_err(Failure::last)?;
        target.limiter.acquire().await;
        let Ok(_slot) = shared.slots.acquire().await else {
            return Err(Failure::last(CallError::new(GapReason::Unreachable, "Closed", "the session is closed")));
        };
        let kept = self.inner.credentials.get().await.map_err(Failure::last)?;
        let service = operation.service.signing_name();
        sign(&mut request, &kept.identity, &target.endpoint.signing_region, service, SystemTime::now())
            .map_err(|e| Failure::last(CallError::new(GapReason::Refused, "CannotSign", e)))?;
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let answer = shared.http.exchange(request).await.map_err(|e| self.unanswered(e, &target))?;
        if (200..300).contains(&answer.status) {
            target.limiter.succeeded();
            self.inner.worked.store(true, Ordering::Relaxed);
            return operation.service.wire.decode(operation, answer).map_err(|e| Failure {
                cause: Some(Cause::Transient),
                ..Failure::last(CallError::new(GapReason::BadAnswer, "BadAnswer", e.0))
            });
        }
        Err(self.refused(&answer, &target, region, kept.version))
    }

    /// A failure to get an answer at all.
    fn unanswered(&self, mut error: CallError, target: &Target) -> Failure {
        if error.code == UNKNOWN_HOST && !target.endpoint.custom && self.inner.worked.load(Ordering::Relaxed) {
            // Other hosts are reached: AWS has no such service in this Region.
            error.reason = GapReason::RegionDisabled;
            return Failure::last(error);
        }
        let cause = match error.reason {
            GapReason::BadAnswer | GapReason::Refused => None,
            _ => Some(Cause::Transient),
        };
        Failure { cause, ..Failure::last(error) }
    }

    /// An answer that says no.
    fn refused(&self, answer: &Answer, target: &Target, region: &str, credentials: u64) -> Failure {
        let fault = fault(answer);
        let error = CallError::of_fault(answer.status, &fault, region, self.inner.worked.load(Ordering::Relaxed));
        let cause = if is_throttling(answer.status, &error.code) {
            target.limiter.throttled();
            Some(Cause::Throttled)
        } else {
            target.limiter.succeeded();
            is_transient(answer.status, &error.code).then_some(Cause::Transient)
        };
        let retry_after =
            answer.headers.get("retry-after").and_then(|v| v.trim().parse().ok()).map(Duration::from_secs);
        let redirect = matches!(answer.status, 301 | 307 | 400);
        Failure { home: fault.region.filter(|home| redirect && home != region), error, cause, retry_after, credentials }
    }

    /// The endpoint and limiter of a service in a Region, made once.
    fn target(&self, service: &'static Service, region: &str) -> Result<Arc<Target>, EndpointError> {
        let key = (service.name(), SmolStr::new(region));
        let targets = &self.inner.targets;
        if let Some(found) = targets.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(found.clone());
        }
        let shared = &self.inner.shared;
        let endpoint = match shared.custom_endpoint(service) {
            Some(url) => Endpoint::custom(&url, service, region)?,
            None => Endpoint::resolve(service, region, shared.variant)?,
        };
        let made = Arc::new(Target { endpoint, limiter: Limiter::new() });
        let mut targets = targets.write().unwrap_or_else(PoisonError::into_inner);
        Ok(targets.entry(key).or_insert(made).clone())
    }

    /// Where a bucket is known to be, or the Region that was asked for.
    fn home_of(&self, bucket: Option<&str>, region: &str) -> SmolStr {
        let regions = self.inner.bucket_regions.read().unwrap_or_else(PoisonError::into_inner);
        let known = bucket.and_then(|b| regions.get(b).cloned());
        known.unwrap_or_else(|| SmolStr::new(real_region(region).unwrap_or(region)))
    }

    fn remember_home(&self, bucket: &str, home: &str) -> SmolStr {
        let home = SmolStr::new(if home == "EU" { "eu-west-1" } else { home });
        let mut regions = self.inner.bucket_regions.write().unwrap_or_else(PoisonError::into_inner);
        regions.insert(SmolStr::new(bucket), home.clone());
        home
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("region", &self.default_region()).finish_non_exhaustive()
    }
}

/// A failed attempt and what may be done about it.
struct Failure {
    error: CallError,
    /// Why trying again may help; `None` where it will not.
    cause: Option<Cause>,
    retry_after: Option<Duration>,
    /// The Region where the bucket is.
    home: Option<String>,
    /// The version of the credentials that were used.
    credentials: u64,
}

impl Failure {
    fn last(error: CallError) -> Self {
        Self { error, cause: None, retry_after: None, home: None, credentials: 0 }
    }
}

fn unreachable_by_design(error: &EndpointError) -> CallError {
    let reason = match error {
        EndpointError::NotOffered { .. } => GapReason::RegionDisabled,
        EndpointError::Url(_) | EndpointError::Region(_) => GapReason::Refused,
    };
    CallError::new(reason, "NoEndpoint", error.to_string())
}
