//! What channels work with: a client for any host, AWS where it is needed, secrets.

use crate::channel::Refused;
use crate::secret::{Secret, SecretRef};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use yagura_aws::{ConnectError, Facts, Session, Web};
use yagura_model::{GapReason, Value};

/// How long a secret is used before it is read again: a rotated one is followed within minutes.
const FRESH: Duration = Duration::from_secs(300);

/// What channels work with.
pub struct World {
    pub(crate) web: Web,
    pub(crate) longest: Duration,
    aws: Option<(Session, Arc<Facts>)>,
    secrets: Mutex<HashMap<SecretRef, (Instant, Secret)>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// `aws` may be missing where [`crate::Routes::needs_aws`] says no. No exchange takes longer than `longest`.
    ///
    /// # Errors
    /// `AWS_CA_BUNDLE` cannot be read.
    pub fn new(aws: Option<(Session, Arc<Facts>)>, longest: Duration) -> Result<Self, ConnectError> {
        Ok(Self { web: Web::new(longest)?, longest, aws, secrets: Mutex::default() })
    }

    /// A secret, where it can be had.
    pub(crate) async fn secret(&self, at: &SecretRef) -> Result<Secret, Refused> {
        let kept = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned();
        if let Some((_, secret)) = kept.filter(|(read, _)| read.elapsed() < FRESH) {
            return Ok(secret);
        }
        let text = self.read(at).await?;
        let secret = Secret::new(text.trim());
        if secret.open().is_empty() {
            return Err(Refused::for_now(format!("the secret {} is empty", at.place())));
        }
        let kept = (Instant::now(), secret.clone());
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(at.clone(), kept);
        Ok(secret)
    }

    /// Lets go of secrets: they are read anew when they are wanted next.
    pub(crate) fn forget(&self, secrets: &[&SecretRef]) {
        let mut kept = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().for_each(|at| drop(kept.remove(at)));
    }

    async fn read(&self, at: &SecretRef) -> Result<String, Refused> {
        let lacks = |what: &str| Refused::for_now(format!("the secret {}: {what}", at.place()));
        match at {
            SecretRef::Env(name) => std::env::var(name).map_err(|_| lacks("the variable is not set")),
            SecretRef::Ssm(name) => {
                let answer = self.change("ssm:GetParameter", None, json!({"Name": name, "WithDecryption": true})).await;
                let answer = answer.map_err(|r| Refused { why: lacks(&r.why).why, ..r })?;
                let text = answer.pointer("/Parameter/Value").and_then(Json::as_str);
                text.map(str::to_owned).ok_or_else(|| lacks("the parameter has no value"))
            }
            SecretRef::SecretsManager { id, key } => {
                let region = id.starts_with("arn:").then(|| id.split(':').nth(3)).flatten();
                let answer = self.change("secretsmanager:GetSecretValue", region, json!({"SecretId": id})).await;
                let answer = answer.map_err(|r| Refused { why: lacks(&r.why).why, ..r })?;
                let whole =
                    answer.get("SecretString").and_then(Json::as_str).ok_or_else(|| lacks("it holds no text"))?;
                let Some(key) = key else { return Ok(whole.to_owned()) };
                let parsed: Option<Json> = serde_json::from_str(whole).ok();
                let text = parsed.as_ref().and_then(|p| p.get(key)).and_then(Json::as_str);
                text.map(str::to_owned).ok_or_else(|| lacks("it is no JSON object with that key"))
            }
        }
    }

    /// Calls AWS by one of the operations that messages are delivered by.
    pub(crate) async fn change(&self, call: &str, region: Option<&str>, input: Json) -> Result<Json, Refused> {
        let Some((session, facts)) = &self.aws else {
            return Err(Refused::for_now(format!("{call}: there are no AWS credentials")));
        };
        let operation = facts.own_operation(call).map_err(|e| Refused::for_good(e.to_string()))?;
        let Some(Value::Map(input)) = Value::from_json(input) else {
            return Err(Refused::for_good(format!("{call}: the input is no object")));
        };
        let region = region.unwrap_or_else(|| session.default_region());
        let done = session.change(&operation, region, &input).await;
        done.map(|v| v.to_json()).map_err(|e| Refused {
            why: format!("{call}: {e}"),
            again: !matches!(e.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization | GapReason::Refused),
            after: None,
            unknown: false,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_until_it_is_let_go() {
        let world = World::new(None, Duration::from_secs(1)).unwrap();
        let (path, other) = (SecretRef::Env("PATH".to_owned()), SecretRef::Env("HOME".to_owned()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keep = |at: &SecretRef| {
            let old = (Instant::now(), Secret::new("old"));
            world.secrets.lock().unwrap().insert(at.clone(), old);
        };
        let is_old = |at: &SecretRef| runtime.block_on(world.secret(at)).unwrap().open() == "old";
        keep(&path);
        keep(&other);
        assert!(is_old(&path), "within five minutes");
        world.forget(&[&path]);
        assert!(!is_old(&path) && is_old(&other), "the one is read anew, the other is kept");
    }
}
