//! The principals and resource policies of some accounts, and the questions people ask of them.
//!
//! Every answer says what it stands on: what could not be read, and which layers were not given.

mod read;
mod what;

pub use read::account;
pub use what::{Allowed, Grant, what_can};

use crate::account::{Account, Identity, Unread};
use crate::catalogue::Catalogue;
use crate::compile::Compiled;
use crate::condition;
use crate::document::{Effect, Principal};
use crate::evaluate::{Answer, Decision, Layers, Mode, S3Settings, decide, explain, explain_literally};
use crate::kms::Grant as KmsGrant;
use crate::request::{Caller, Context, Request};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_model::Gap;

/// Accounts with all that decides on requests.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The accounts that were read.
    pub accounts: Vec<Account>,
    /// Service and resource control policies by account; an account that is not here has none that are known.
    pub guardrails: BTreeMap<SmolStr, Guardrails>,
    /// Resources by ARN.
    pub resources: BTreeMap<SmolStr, Resource>,
    /// What could not be listed: kind and why.
    pub gaps: Vec<(SmolStr, Arc<Gap>)>,
    /// By identity's ARN, its policies in one piece.
    subjects: BTreeMap<SmolStr, Subject>,
}

/// What an organization puts above an account.
#[derive(Debug, Clone, Default)]
pub struct Guardrails {
    /// Service control policies, level by level from the root.
    pub scp: Vec<Vec<Arc<Compiled>>>,
    /// Resource control policies, level by level.
    pub rcp: Vec<Vec<Arc<Compiled>>>,
}

/// A resource that has a policy, or could.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    /// Its kind (`s3.bucket`).
    pub kind: SmolStr,
    /// The owning account.
    pub account: SmolStr,
    /// Its policy; `None` where it has none.
    pub policy: Option<Arc<Compiled>>,
    /// Why its policy is not known.
    pub unread: Option<String>,
    /// What else decides on a bucket.
    pub s3: Option<S3Settings>,
    /// Grants of a key.
    pub grants: Vec<KmsGrant>,
}

#[derive(Debug, Clone, Default)]
struct Subject {
    identity: Vec<Arc<Compiled>>,
    boundary: Vec<Arc<Compiled>>,
}

/// An answer for one principal with what it stands on.
#[derive(Debug, Clone)]
pub struct Told {
    /// The principal that was judged.
    pub principal: SmolStr,
    /// The decision and its reasons.
    pub answer: Answer,
    /// What was not known; a decision with doubts may be another one.
    pub doubts: Vec<Doubt>,
}

/// Something that an answer does not take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// A part of the principal could not be read.
    Unread(Unread),
    /// The principal's own policies are not known; they are taken to allow everything.
    ForeignPolicies,
    /// The resource's own policy could not be read; why.
    ResourcePolicy(String),
    /// The resource is not among those that were read: a policy of its own is left out of account.
    UnknownResource,
    /// No service or resource control policies were given.
    NoGuardrails,
}

/// Somebody outside the accounts that a resource policy names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outsider {
    /// `*`, an account, an ARN, a service principal or a provider.
    pub principal: SmolStr,
    /// Whether a condition has to hold.
    pub conditional: bool,
}

/// The answer to "who can".
#[derive(Debug, Clone, Default)]
pub struct WhoCan {
    /// Users and roles that are allowed, perhaps under conditions.
    pub allowed: Vec<Told>,
    /// Users and roles that are denied, but whose policies were not all read.
    pub undecided: Vec<Told>,
    /// Who else the resource's policy lets in.
    pub outsiders: Vec<Outsider>,
    /// How many users and roles were asked.
    pub asked: usize,
}

impl Told {
    /// Whether nothing that could not be read can change the decision. An explicit deny is final.
    pub fn is_certain(&self) -> bool {
        self.answer.decision == Decision::ExplicitlyDenied
            || !self.doubts.iter().any(|d| matches!(d, Doubt::Unread(_) | Doubt::ResourcePolicy(_)))
    }
}

impl World {
    /// Joins accounts; guardrails and resources are set afterwards.
    pub fn new(accounts: Vec<Account>) -> Self {
        let subject = |identity: &Identity| Subject {
            identity: identity.policies.iter().filter_map(|h| h.document.clone()).collect(),
            boundary: identity.boundary.iter().filter_map(|h| h.document.clone()).collect(),
        };
        let each = accounts.iter().flat_map(|a| &a.identities);
        let subjects = each.map(|i| (i.arn.clone(), subject(i))).collect();
        Self { accounts, subjects, ..Self::default() }
    }

    /// Why users or roles may be missing; `None` where all were listed.
    pub fn principals_unread(&self) -> Option<&Arc<Gap>> {
        self.gaps.iter().find(|(kind, _)| kind.starts_with("iam.")).map(|(_, gap)| gap)
    }

    /// Every user and role.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.accounts.iter().flat_map(|a| &a.identities)
    }

    /// The user or role behind an ARN: itself, or the role of a session.
    pub fn identity(&self, arn: &str) -> Option<&Identity> {
        let found = self.accounts.iter().find_map(|a| a.identity(arn));
        found.or_else(|| {
            let [_, _, "sts", _, account, id] = condition::parts(arn)? else { return None };
            let role = id.strip_prefix("assumed-role/")?.split('/').next()?;
            let of_account = self.accounts.iter().filter(|a| a.id == account).flat_map(|a| &a.identities);
            of_account.into_iter().find(|i| i.name == role && i.arn.contains(":role/"))
        })
    }

    /// Whether, and why, a principal may do this. The catalogue tells which actions name no resource, so that `*` is no
    /// pattern, and which services RCPs apply to.
    pub fn can(&self, request: &Request, mode: Mode<'_>, catalogue: &Catalogue) -> Told {
        let literal = catalogue.names_no_resource(&request.action);
        let parts = self.parts(request, catalogue);
        let request = &parts.request(request);
        let layers = parts.layers();
        let answer = if literal { explain_literally(request, &layers, mode) } else { explain(request, &layers, mode) };
        let principal = match &request.principal {
            Caller::Aws(name) | Caller::Service(name) | Caller::Federated(name) => name.clone(),
            Caller::Anonymous => SmolStr::new_static("*"),
        };
        Told { principal, answer, doubts: parts.doubts }
    }

    /// Who may do this to a resource, of the accounts and beyond.
    pub fn who_can(
        &self,
        action: &str,
        resource: &str,
        account: Option<&SmolStr>,
        context: &Context,
        mode: Mode<'_>,
        catalogue: &Catalogue,
    ) -> WhoCan {
        let literal = catalogue.names_no_resource(action);
        let mut out = WhoCan::default();
        for identity in self.identities() {
            out.asked += 1;
            let request = Request {
                principal: Caller::Aws(identity.arn.clone()),
                action: action.into(),
                resource: resource.into(),
                resource_account: account.cloned(),
                context: context.clone(),
            };
            let whole = identity.is_whole();
            if whole && !literal {
                let parts = self.parts(&request, catalogue);
                let request = parts.request(&request);
                if decide(&request, &parts.layers(), mode).decision != Decision::Allowed {
                    continue;
                }
            }
            let told = self.can(&request, mode, catalogue);
            if told.answer.decision == Decision::Allowed {
                out.allowed.push(told);
            } else if !whole {
                out.undecided.push(told);
            }
        }
        out.outsiders = self.outsiders(action, resource);
        out
    }

    /// Principals beyond the accounts that Allow statements of the resource's policy name for the action.
    fn outsiders(&self, action: &str, resource: &str) -> Vec<Outsider> {
        let Some(policy) = self.resource(resource).and_then(|r| r.policy.as_ref()) else { return Vec::new() };
        let known: BTreeSet<&str> = self.accounts.iter().map(|a| a.id.as_str()).collect();
        let action = crate::compile::ActionKey::new(action);
        let mut found = BTreeSet::new();
        for (_, statement) in policy.on(&action).filter(|(_, s)| s.effect == Effect::Allow) {
            let Some(element) = &statement.principals else { continue };
            let conditional = !statement.conditions.is_empty();
            if element.negated {
                found.insert(Outsider { principal: SmolStr::new_static("*"), conditional });
                continue;
            }
            for principal in &element.items {
                let name = match principal {
                    Principal::Anyone => SmolStr::new_static("*"),
                    Principal::Aws(name) => {
                        let account = condition::parts(name).map_or(name.as_str(), |[.., account, _]| account);
                        if known.contains(account) {
                            continue;
                        }
                        name.clone()
                    }
                    Principal::Service(name) | Principal::Federated(name) | Principal::CanonicalUser(name) => {
                        name.clone()
                    }
                };
                found.insert(Outsider { principal: name, conditional });
            }
        }
        found.into_iter().collect()
    }

    /// The resource of an ARN, or the one it lies in: the bucket of an object.
    pub fn resource(&self, arn: &str) -> Option<&Resource> {
        self.resources.get(arn).or_else(|| {
            let bucket = arn.strip_prefix("arn:").filter(|a| a.contains(":s3:::")).and(arn.split('/').next())?;
            self.resources.get(bucket)
        })
    }

    fn parts(&self, request: &Request, catalogue: &Catalogue) -> Parts<'_> {
        let mut parts = Parts::default();
        let (mut account, mut partition_caller) = (None, None);
        if let Caller::Aws(arn) = &request.principal {
            partition_caller = condition::parts(arn).map(|[.., account, _]| account);
            match self.identity(arn) {
                Some(identity) => {
                    parts.subject = self.subjects.get(&identity.arn);
                    parts.tags = &identity.tags;
                    parts.doubts.extend(
                        identity
                            .unread
                            .iter()
                            .filter(|u| u.part != crate::account::Part::Trust)
                            .cloned()
                            .map(Doubt::Unread),
                    );
                }
                None if arn.ends_with(":root") => {}
                None => {
                    parts.foreign = true;
                    parts.doubts.push(Doubt::ForeignPolicies);
                }
            }
            account = partition_caller;
        }
        let resource = self.resource(&request.resource);
        let trust = self.trust(&request.resource, &request.action);
        parts.resource = resource.and_then(|r| r.policy.as_ref()).or(trust);
        parts.grants = resource.map_or(&[], |r| r.grants.as_slice());
        parts.s3 = resource.and_then(|r| r.s3.as_ref());
        parts.owner = request.resource_account.clone().or_else(|| resource.map(|r| r.account.clone()));
        match resource {
            Some(Resource { unread: Some(why), .. }) => parts.doubts.push(Doubt::ResourcePolicy(why.clone())),
            None if trust.is_none() && has_own_policy(&request.action) => parts.doubts.push(Doubt::UnknownResource),
            _ => {}
        }
        let owner = parts.owner.as_deref().or_else(|| condition::parts(&request.resource).map(|[.., a, _]| a));
        let of = |account: Option<&str>| account.and_then(|a| self.guardrails.get(a));
        parts.scp = of(account).map_or(&[], |g| g.scp.as_slice());
        let service = request.action.split(':').next().unwrap_or_default();
        let of_resource = |account| of(account).filter(|_| catalogue.supports_rcps(service));
        parts.rcp = of_resource(owner.filter(|o| !o.is_empty()).or(partition_caller)).map_or(&[], |g| g.rcp.as_slice());
        if self.guardrails.is_empty() {
            parts.doubts.push(Doubt::NoGuardrails);
        }
        parts
    }

    /// The trust policy of a role that an STS action names.
    fn trust(&self, resource: &str, action: &str) -> Option<&Arc<Compiled>> {
        let sts = action.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("sts:"));
        self.accounts.iter().filter(|_| sts).find_map(|a| a.identity(resource)).and_then(|i| i.trust.as_ref())
    }
}

/// Services whose resources commonly carry a policy of their own.
fn has_own_policy(action: &str) -> bool {
    const SERVICES: [&str; 12] = [
        "s3",
        "kms",
        "sqs",
        "sns",
        "lambda",
        "secretsmanager",
        "ecr",
        "dynamodb",
        "sts",
        "es",
        "elasticfilesystem",
        "events",
    ];
    action.split(':').next().is_some_and(|service| SERVICES.iter().any(|s| s.eq_ignore_ascii_case(service)))
}

#[derive(Default)]
struct Parts<'w> {
    subject: Option<&'w Subject>,
    foreign: bool,
    tags: &'w [(SmolStr, SmolStr)],
    resource: Option<&'w Arc<Compiled>>,
    owner: Option<SmolStr>,
    grants: &'w [KmsGrant],
    s3: Option<&'w S3Settings>,
    scp: &'w [Vec<Arc<Compiled>>],
    rcp: &'w [Vec<Arc<Compiled>>],
    doubts: Vec<Doubt>,
}

impl Parts<'_> {
    fn layers(&self) -> Layers<'_> {
        let own = self.subject.map_or(&[][..], |s| s.identity.as_slice());
        Layers {
            identity: if self.foreign { everything() } else { own },
            boundary: self.subject.map_or(&[], |s| s.boundary.as_slice()),
            scp: self.scp,
            rcp: self.rcp,
            resource: self.resource,
            grants: self.grants,
            s3: self.s3,
            ..Layers::default()
        }
    }

    /// The request with what is known of the principal and the resource; what the asker says wins.
    fn request(&self, request: &Request) -> Request {
        let mut out = request.clone();
        out.resource_account = out.resource_account.or_else(|| self.owner.clone());
        for (key, value) in self.tags {
            let key = format!("aws:principaltag/{}", key.to_ascii_lowercase());
            if out.context.get(&key).is_none() {
                out.context.set(&key, [value.clone()]);
            }
        }
        out
    }
}

/// A policy that allows everything, for callers whose own are not known.
pub fn everything() -> &'static [Arc<Compiled>] {
    static POLICY: std::sync::LazyLock<Vec<Arc<Compiled>>> = std::sync::LazyLock::new(|| {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let policy = crate::document::Policy::parse(text);
        policy.into_iter().map(|p| Arc::new(Compiled::new("everything", p))).collect()
    });
    &POLICY
}
