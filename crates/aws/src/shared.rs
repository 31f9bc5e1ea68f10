//! AWS's configuration and what sessions share because of it.

use crate::endpoint::{Variant, real_region};
use crate::error::ConnectError;
use crate::facts::{Facts, Service};
use crate::http::Http;
use crate::options::Options;
use crate::partition::Partition;
use crate::profile::Profiles;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_types::service_config::ServiceConfigKey;
use smol_str::SmolStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;

/// What sessions of different roles have in common.
pub(crate) struct Shared {
    pub facts: Arc<Facts>,
    pub options: Options,
    pub config: SdkConfig,
    pub variant: Variant,
    pub region: SmolStr,
    /// Whether an option, the environment or the profile named the Region.
    pub region_is_told: bool,
    pub partition: Partition,
    pub max_attempts: u32,
    pub http: Http,
    pub slots: Semaphore,
    pub requests: AtomicU64,
}

impl Shared {
    /// Reads the environment and the profile.
    pub async fn load(options: Options, facts: Arc<Facts>, profiles: &Profiles) -> Result<Self, ConnectError> {
        let bundle = match std::env::var_os("AWS_CA_BUNDLE").filter(|p| !p.is_empty()) {
            Some(path) => Some(std::fs::read(&path).map_err(|e| {
                ConnectError::Configuration(format!("AWS_CA_BUNDLE: cannot read {}: {e}", path.display()))
            })?),
            None => None,
        };
        let http = Http::new(&options, bundle).map_err(ConnectError::Configuration)?;
        let (region, region_is_told) = region_of(&options).await;
        let region = SmolStr::new(real_region(&region).map_err(|e| ConnectError::Configuration(e.to_string()))?);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.for_credentials())
            .region(Region::new(region.to_string()));
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(fips) = options.fips {
            loader = loader.use_fips(fips);
        }
        if let Some(dual_stack) = options.dual_stack {
            loader = loader.use_dual_stack(dual_stack);
        }
        let config = loader.load().await;
        let configured = config.retry_config().map_or(0, RetryConfig::max_attempts);
        // AWS's own default is three; whoever set nothing gets five.
        let set = std::env::var_os("AWS_MAX_ATTEMPTS").is_some() || profiles.sets("max_attempts");
        let max_attempts = options.max_attempts.unwrap_or(if set && configured > 0 { configured } else { 5 });
        Ok(Self {
            variant: Variant {
                fips: config.use_fips().unwrap_or(false),
                dual_stack: config.use_dual_stack().unwrap_or(false),
            },
            partition: Partition::of_region(&region),
            slots: Semaphore::new(options.max_concurrency.clamp(1, 10_000)),
            requests: AtomicU64::new(0),
            facts,
            options,
            config,
            region,
            region_is_told,
            max_attempts,
            http,
        })
    }

    /// The endpoint that the person chose for a service.
    pub fn custom_endpoint(&self, service: &Service) -> Option<String> {
        if let Some(url) = &self.options.endpoint_url {
            return Some(url.clone());
        }
        let key = ServiceConfigKey::builder()
            .service_id(service.id())
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        self.config.service_config()?.load_config(key)
    }
}

/// The Region as the AWS CLI finds it (option, environment, profile; the home Region of AWS otherwise), and whether
/// anybody named it.
async fn region_of(options: &Options) -> (String, bool) {
    if let Some(region) = &options.region {
        return (region.clone(), true);
    }
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
        return (region.to_string(), true);
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    let found = profile.build().region().await;
    found.map_or_else(|| (Partition::Aws.home_region().to_owned(), false), |r| (r.to_string(), true))
}
