//! Profiles, where AWS's credential chain for Rust differs from the AWS CLI: a profile that is asked for by name
//! goes before credentials in the environment, and roles whose profile has `mfa_serial` ask for a code.

use crate::credentials::{self, CredentialStore};
use crate::error::{ConnectError, presentable};
use crate::options::{MfaPrompt, Role};
use aws_config::SdkConfig;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use std::borrow::Cow;
use std::error::Error;

/// Roles are followed this far; a longer chain is a circle.
const LONGEST_CHAIN: usize = 8;

/// The profile files, with one profile selected: by name, by `AWS_PROFILE`, or `default`.
pub(crate) struct Profiles {
    set: ProfileSet,
    env: Env,
    /// Whether the person named the profile, rather than the environment.
    named: bool,
}

impl Profiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or the files that the environment names instead.
    pub async fn load(env: Env, fs: Fs, name: Option<&str>) -> Result<Self, ConnectError> {
        let selected = name.map(|n| Cow::Owned(n.to_owned()));
        let set = aws_config::profile::load(&fs, &env, &Default::default(), selected).await.map_err(|e| {
            let cause = e.source().map_or_else(|| e.to_string(), ToString::to_string);
            ConnectError::Configuration(format!("cannot read the AWS profile files: {}", presentable(&cause)))
        })?;
        let wanted = set.selected_profile();
        if wanted != "default" && set.get_profile(wanted).is_none() {
            let mut known: Vec<_> = set.profiles().collect();
            known.sort_unstable();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ConnectError::Configuration(format!("no AWS profile `{wanted}`; there are: {known}")));
        }
        Ok(Self { set, env, named: name.is_some() })
    }

    /// Whether the selected profile has `key`.
    pub fn sets(&self, key: &str) -> bool {
        self.set.get(key).is_some()
    }

    /// The provider that AWS's chain would not have chosen, where there is one.
    pub async fn provider(
        &self,
        config: &SdkConfig,
        http: SharedHttpClient,
        mfa: Option<&MfaPrompt>,
    ) -> Result<Option<SharedCredentialsProvider>, ConnectError> {
        let in_environment = self.env.get("AWS_ACCESS_KEY_ID").is_ok();
        if in_environment && !self.named {
            return Ok(None);
        }
        let selected = self.set.selected_profile().to_owned();
        let chain = self.chain(&selected);
        if !chain.iter().any(|p| needs_mfa(p)) {
            return Ok(self.named.then(|| self.plain(&selected, config, http)));
        }
        let Some(last) = chain.last() else { return Ok(None) };
        // The last of the chain has keys, SSO or a process; each profile before it is a role on top.
        let on_another = |p: &&&Profile| p.get("role_arn").is_some() && p.get("source_profile").is_some();
        let roles = chain.iter().take_while(on_another).count();
        let source = last.get("source_profile").filter(|_| roles == chain.len()).unwrap_or(last.name());
        let mut provider = self.plain(source, config, http);
        for profile in chain.iter().take(roles).rev() {
            let Some(arn) = profile.get("role_arn") else { continue };
            let role = Role {
                arn: arn.to_owned(),
                external_id: profile.get("external_id").map(str::to_owned),
                session_name: profile.get("role_session_name").map(str::to_owned),
                mfa_serial: profile.get("mfa_serial").map(str::to_owned),
            };
            let assumed = credentials::assume(config, provider, &role, mfa).await?;
            provider = assumed;
        }
        Ok(Some(provider))
    }

    /// The profile and those that its roles are assumed from.
    fn chain(&self, name: &str) -> Vec<&Profile> {
        let mut chain: Vec<&Profile> = Vec::new();
        let mut next = self.set.get_profile(name);
        while let Some(profile) =
            next.filter(|p| chain.len() < LONGEST_CHAIN && !chain.iter().any(|c| c.name() == p.name()))
        {
            chain.push(profile);
            next = match (profile.get("role_arn"), profile.get("source_profile")) {
                (Some(_), Some(source)) => self.set.get_profile(source),
                _ => None,
            };
        }
        chain
    }

    fn plain(&self, name: &str, config: &SdkConfig, http: SharedHttpClient) -> SharedCredentialsProvider {
        let provider_config =
            ProviderConfig::without_region().with_http_client(http).with_region(config.region().cloned());
        let provider = ProfileFileCredentialsProvider::builder().configure(&provider_config).profile_name(name).build();
        SharedCredentialsProvider::new(provider)
    }
}

fn needs_mfa(profile: &Profile) -> bool {
    profile.get("mfa_serial").is_some() && profile.get("role_arn").is_some()
}

/// A store over the first provider that is there: chosen by the caller, by profile, or by AWS's chain.
pub(crate) fn store(
    candidates: impl IntoIterator<Item = Option<SharedCredentialsProvider>>,
) -> Result<CredentialStore, ConnectError> {
    let provider = candidates.into_iter().flatten().next();
    provider.map(CredentialStore::new).ok_or_else(|| ConnectError::Credentials("no provider is configured".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn profiles(files: &str, env: &[(&str, &str)], name: Option<&str>) -> Result<Profiles, ConnectError> {
        let mut vars = vec![("HOME", "/home/me"), ("AWS_CONFIG_FILE", "/config")];
        vars.extend(env);
        let fs = Fs::from_slice(&[("/config", files)]);
        Profiles::load(Env::from_slice(&vars), fs, name).await
    }

    const CHAIN: &str = "[default]\nregion = eu-west-1\n[profile top]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = mid\n\
        [profile mid]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n\
        [profile base]\naws_access_key_id = a\naws_secret_access_key = b\n\
        [profile round]\nrole_arn = arn:aws:iam::1:role/c\nsource_profile = round\n";

    #[tokio::test]
    async fn chains_are_followed_and_circles_end() {
        let p = profiles(CHAIN, &[], Some("top")).await.unwrap();
        let names: Vec<_> = p.chain("top").iter().map(|p| p.name()).collect();
        assert_eq!(names, ["top", "mid", "base"]);
        assert_eq!(p.chain("round").len(), 1);
        assert!(p.chain("top").iter().any(|p| needs_mfa(p)));
        assert!(!p.chain("base").iter().any(|p| needs_mfa(p)));
    }

    #[tokio::test]
    async fn an_unknown_profile_names_those_there_are() {
        let by_environment: &[(&str, &str)] = &[("AWS_PROFILE", "tpo")];
        for (env, name) in [(&[][..], Some("tpo")), (by_environment, None)] {
            let error = profiles(CHAIN, env, name).await.err().map(|e| e.to_string());
            assert_eq!(error.as_deref(), Some("no AWS profile `tpo`; there are: base, default, mid, round, top"));
        }
    }

    #[tokio::test]
    async fn a_role_with_mfa_needs_somebody_to_ask() {
        let p = profiles(CHAIN, &[], Some("mid")).await.unwrap();
        let config = SdkConfig::builder().build();
        let http = crate::http::Http::new(&Default::default(), None).unwrap().for_credentials();
        let error = p.provider(&config, http, None).await.err();
        assert_eq!(error, Some(ConnectError::Mfa("arn:aws:iam::1:role/b".to_owned())));
    }

    #[tokio::test]
    async fn a_named_profile_goes_before_the_environment_and_others_after() {
        let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_PROFILE", "base")];
        let config = SdkConfig::builder().build();
        for (name, own) in [(Some("base"), true), (None, false)] {
            let p = profiles(CHAIN, &keys, name).await.unwrap();
            let http = crate::http::Http::new(&Default::default(), None).unwrap().for_credentials();
            assert_eq!(p.provider(&config, http, None).await.unwrap().is_some(), own, "{name:?}");
        }
    }
}
