//! A request to AWS, as policies see it.

use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An unsigned request.
    Anonymous,
    /// The ARN of a user, role, role session, federated user session or account root.
    Aws(SmolStr),
    /// A service principal such as `cloudtrail.amazonaws.com`.
    Service(SmolStr),
    /// An identity from a SAML or OIDC provider, by the provider's ARN or host.
    Federated(SmolStr),
}

/// The request context: condition keys and their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    keys: BTreeMap<SmolStr, Vec<SmolStr>>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who calls.
    pub principal: Caller,
    /// `service:Action`, in any case.
    pub action: SmolStr,
    /// The resource's ARN, or `*` for an action that names none.
    pub resource: SmolStr,
    /// The account that owns the resource, where its ARN does not say it.
    pub resource_account: Option<SmolStr>,
    /// What else is known of the request.
    pub context: Context,
}

impl Context {
    /// Sets a key; no values say that the key is absent for certain.
    pub fn set<V: Into<SmolStr>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values = values.into_iter().map(Into::into).collect();
        self.keys.insert(SmolStr::new(key.to_ascii_lowercase()), values);
    }

    /// The values of a key given in lower case; `None` where the context does not speak of it.
    pub fn get(&self, lower_case_key: &str) -> Option<&[SmolStr]> {
        self.keys.get(lower_case_key).map(Vec::as_slice)
    }

    /// Every key (in lower case) with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &[SmolStr])> {
        self.keys.iter().map(|(key, values)| (key, values.as_slice()))
    }
}

impl<V: Into<SmolStr>> FromIterator<(&'static str, V)> for Context {
    fn from_iter<I: IntoIterator<Item = (&'static str, V)>>(pairs: I) -> Self {
        let mut context = Self::default();
        for (key, value) in pairs {
            context.set(key, [value]);
        }
        context
    }
}
