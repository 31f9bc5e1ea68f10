//! Identity providers that give an identity to anybody who asks.

use crate::document::Condition;
use smol_str::SmolStr;

/// The claims that anybody can get from a provider.
pub(super) struct Anybody {
    keys: Vec<(SmolStr, Vec<SmolStr>)>,
}

/// Hosts that serve many tenants, with the claim that tells them apart and claims that anybody's identity can have.
/// In a claim, `outsider-7q` is a tenant of the outsider's own.
const SHARED: [(&str, &str, &[&str]); 9] = [
    (
        "token.actions.githubusercontent.com",
        "sub",
        &[
            "repo:outsider-7q/outsider-7q:ref:refs/heads/main",
            "repo:outsider-7q/outsider-7q:environment:prod",
            "repo:outsider-7q/outsider-7q:pull_request",
        ],
    ),
    ("gitlab.com", "sub", &["project_path:outsider-7q/outsider-7q:ref_type:branch:ref:main"]),
    (
        "app.terraform.io",
        "sub",
        &["organization:outsider-7q:project:outsider-7q:workspace:outsider-7q:run_phase:apply"],
    ),
    (
        "agent.buildkite.com",
        "sub",
        &["organization:outsider-7q:pipeline:outsider-7q:ref:refs/heads/main:commit:0:step:0"],
    ),
    ("oidc.vercel.com", "sub", &["owner:outsider-7q:project:outsider-7q:environment:production"]),
    ("accounts.google.com", "aud", &["outsider-7q.apps.googleusercontent.com"]),
    ("graph.facebook.com", "app_id", &["000000000000000"]),
    ("www.amazon.com", "app_id", &["amzn1.application-oa2-client.outsider-7q"]),
    ("cognito-identity.amazonaws.com", "aud", &["us-east-1:00000000-0000-0000-0000-000000000000"]),
];

impl Anybody {
    /// The claims of anybody's identity of a provider; `None` where the provider knows whom it lets in.
    pub(super) fn of(provider: &str, conditions: &[Condition]) -> Option<Self> {
        if provider == "*" {
            return Some(Self { keys: Vec::new() });
        }
        let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host);
        let (_, claim, values) =
            SHARED.iter().find(|(name, ..)| host == *name || host.starts_with(&format!("{name}/")))?;
        let key = SmolStr::from(format!("{host}:{claim}"));
        let also = TENANT_CLAIMS.iter().filter(|_| *claim == "sub").map(|c| SmolStr::from(format!("{host}:{c}")));
        let asks = |key: &SmolStr| conditions.iter().any(|c| c.key.eq_ignore_ascii_case(key));
        let mut keys = vec![(key, values.iter().map(|v| SmolStr::new_static(v)).collect())];
        keys.extend(also.filter(asks).map(|key| (key, vec![SmolStr::new_static("outsider-7q")])));
        Some(Self { keys })
    }

    /// The claims as keys with values, one list for each identity to try.
    pub(super) fn identities(&self) -> Vec<Vec<(SmolStr, SmolStr)>> {
        let mut all: Vec<Vec<(SmolStr, SmolStr)>> = vec![Vec::new()];
        for (key, values) in &self.keys {
            let with = |list: &Vec<(SmolStr, SmolStr)>| {
                values
                    .iter()
                    .map(|value| [list.clone(), vec![(key.clone(), value.clone())]].concat())
                    .collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }
}

/// Further claims that name a tenant.
const TENANT_CLAIMS: [&str; 8] = [
    "repository",
    "repository_owner",
    "repository_id",
    "repository_owner_id",
    "job_workflow_ref",
    "namespace_path",
    "project_path",
    "terraform_organization_name",
];
