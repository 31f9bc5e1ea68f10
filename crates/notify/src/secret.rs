//! Secrets: never written in a routes file, never shown.

use std::fmt;
use yagura_rule::yaml::{Reader, Yaml};

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SecretRef {
    /// A variable of the environment.
    Env(String),
    /// AWS Secrets Manager: the secret's name or ARN, and the key within it where it is a JSON object.
    SecretsManager { id: String, key: Option<String> },
    /// A parameter of AWS Systems Manager Parameter Store.
    Ssm(String),
}

/// A secret. It shows as `[secret]`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to be sent and not to be said.
    pub fn open(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Whether a text may name a variable of the environment: what else stands there may be the secret itself.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

const FORMS: &str = "{env: NAME}, {secretsmanager: NAME, key: KEY} or {ssm: NAME}";

impl SecretRef {
    /// The secret under `name`; complains where it is written out, without repeating it.
    pub fn want(r: &mut Reader<'_>, at: &Yaml, name: &str) -> Option<Self> {
        let found = Self::read(r, at, name);
        if at.get(name).is_none() {
            r.complain(at, format!("`{name}` is missing: refer to it as {FORMS}"));
        }
        found
    }

    /// The secret under `name`, where there is one.
    pub fn read(r: &mut Reader<'_>, at: &Yaml, name: &str) -> Option<Self> {
        let v = at.get(name)?;
        if v.entries().is_none() {
            r.complain(v, format!("`{name}` is a secret and is never written here: refer to it as {FORMS}"));
            return None;
        }
        r.only(v, &["env", "secretsmanager", "key", "ssm"]);
        let (env, manager, ssm) = (r.text(v, "env"), r.text(v, "secretsmanager"), r.text(v, "ssm"));
        let key = r.text(v, "key").map(String::from);
        if let Some(at_env) = env.as_ref().filter(|name| !is_variable(name)).and(v.get("env")) {
            r.complain(
                at_env,
                "`env` is the name of a variable (letters, digits and `_`): the secret itself is never written here",
            );
            return None;
        }
        match (env, manager, ssm) {
            (Some(env), None, None) if key.is_none() => Some(Self::Env(env.into())),
            (None, Some(id), None) => Some(Self::SecretsManager { id: id.into(), key }),
            (None, None, Some(ssm)) if key.is_none() => Some(Self::Ssm(ssm.into())),
            _ => {
                r.complain(v, format!("a secret is one of {FORMS}"));
                None
            }
        }
    }

    /// Whether AWS is asked for it.
    pub fn is_of_aws(&self) -> bool {
        !matches!(self, Self::Env(_))
    }

    /// Where it is kept, for a person.
    pub fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("${name}"),
            Self::SecretsManager { id, key: None } => format!("secretsmanager {id}"),
            Self::SecretsManager { id, key: Some(key) } => format!("secretsmanager {id}, {key}"),
            Self::Ssm(name) => format!("ssm {name}"),
        }
    }
}
