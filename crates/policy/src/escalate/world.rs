//! An account made ready for questions: policies compiled, trust looked up, administrators known.

use super::path::{On, Path, Target, Trusts};
use super::{Certainty, Conditions};
use crate::account::{Account, Identity, IdentityKind, Part};
use crate::compile::{ActionKey, Compiled};
use crate::document::{Effect, Policy, Principal};
use crate::evaluate::possible::{self, Outcome};
use crate::evaluate::{Decision, Layers, Mode};
use crate::pattern::Glob;
use crate::request::{Caller, Context, Request};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::Arc;

/// How sure a permission is and, where it hangs on conditions, one context under which it is given.
#[derive(Debug, Clone)]
pub(super) struct Sure {
    pub(super) certainty: Certainty,
    pub(super) when: Option<Arc<Conditions>>,
}

impl Sure {
    pub(super) const NO: Self = Self { certainty: Certainty::No, when: None };

    /// The surer of two, this one where they are alike.
    pub(super) fn or(self, other: Self) -> Self {
        if other.certainty > self.certainty { other } else { self }
    }
}

impl From<Outcome> for Sure {
    fn from(outcome: Outcome) -> Self {
        match (outcome.verdict.decision, outcome.conditional) {
            (Decision::Allowed, None) => Self { certainty: Certainty::Certain, when: None },
            (Decision::Allowed, Some(c)) => Self { certainty: Certainty::Conditional, when: Some(Arc::new(c.example)) },
            _ => Self::NO,
        }
    }
}

/// What is known of a request beyond its action and resource.
pub(super) type Known = Vec<(SmolStr, SmolStr)>;

/// Everything that questions about escalation stand on.
pub(super) struct World<'a> {
    pub(super) account: &'a Account,
    pub(super) paths: Vec<Prepared<'a>>,
    /// Identities in the account's order.
    pub(super) actors: Vec<Actor<'a>>,
    /// Users and roles that somebody may act on, administrators first.
    pub(super) users: Vec<usize>,
    pub(super) roles: Vec<usize>,
    /// For each role and service that some path names, whether the role trusts the service.
    trusts: HashMap<(usize, SmolStr), Certainty>,
    /// The distinct actions with their contexts, by number.
    pub(super) asks: Vec<Ask>,
    scps: &'a [Vec<Arc<Compiled>>],
    /// A trust policy that leaves it to the account.
    trust_of_account: Option<Arc<Compiled>>,
    absent: Vec<Glob>,
    absent_of_user: Vec<Glob>,
}

/// A path whose steps are numbered.
pub(super) struct Prepared<'a> {
    pub(super) path: &'a Path,
    pub(super) steps: Vec<PreparedStep<'a>>,
}

/// A step: all asks must be allowed, on one of `on`.
pub(super) struct PreparedStep<'a> {
    pub(super) asks: Vec<usize>,
    pub(super) on: &'a [On],
}

/// An action with the contexts in which it may be called; one is enough.
pub(super) struct Ask {
    pub(super) action: SmolStr,
    pub(super) key: ActionKey,
    pub(super) contexts: Vec<Known>,
}

/// An identity with its policies.
pub(super) struct Actor<'a> {
    pub(super) identity: &'a Identity,
    pub(super) policies: Vec<Arc<Compiled>>,
    boundary: Vec<Arc<Compiled>>,
    /// What its requests say of themselves.
    context: Context,
    /// Whether its trust policy lets in anyone but services; roles only.
    pub(super) lets_principals_in: bool,
    /// Whether it may do everything, here and now.
    pub(super) admin: Certainty,
    /// Whether it would be, were its boundary taken off.
    pub(super) admin_unbounded: Certainty,
    /// Roles that only AWS may change: service-linked roles, and those of IAM Identity Center.
    pub(super) belongs_to_aws: bool,
}

/// Keys that are absent when a principal calls an API itself, not through a service or over a private endpoint that
/// nothing tells of (IAM User Guide, `reference_policies_condition-keys`).
const ABSENT: [&str; 5] =
    ["aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:sourcearn", "aws:sourceaccount"];

impl<'a> World<'a> {
    pub(super) fn new(account: &'a Account, paths: &'a [Path], scps: &'a [Vec<Arc<Compiled>>]) -> Self {
        let globs = |keys: &[&str]| keys.iter().map(|k| Glob::ignoring_case(k)).collect::<Vec<_>>();
        let mut world = Self {
            account,
            paths: Vec::new(),
            actors: account.identities.iter().map(Actor::new).collect(),
            users: Vec::new(),
            roles: Vec::new(),
            trusts: HashMap::new(),
            asks: Vec::new(),
            scps,
            trust_of_account: trust_of(account),
            absent: globs(&ABSENT),
            absent_of_user: globs(&[&ABSENT[..], &["aws:principaltag/*", "aws:federatedprovider"]].concat()),
        };
        world.paths = paths.iter().map(|p| world.prepare(p)).collect();
        world.find_admins();
        world.look_up_trust(paths);
        world
    }

    /// Whether `actor` may do what is asked on `resource`. `about` is the identity that the resource is.
    pub(super) fn may(
        &self,
        actor: &Actor<'_>,
        ask: &Ask,
        resource: &str,
        about: Option<&Identity>,
        trust: Trust<'_>,
    ) -> Sure {
        let layers = self.layers(actor, trust);
        let mut best = Sure::NO;
        for known in &ask.contexts {
            best = best.or(self.decide(actor, &ask.action, resource, known, about, &layers));
            if best.certainty == Certainty::Certain {
                break;
            }
        }
        if matches!(trust, Trust::Unread) {
            best.certainty = best.certainty.min(Certainty::Conditional);
        }
        best
    }

    /// Whether the role trusts the service.
    pub(super) fn role_trusts(&self, role: usize, services: &[SmolStr]) -> Certainty {
        let one = |s: &SmolStr| self.trusts.get(&(role, s.clone())).copied().unwrap_or(Certainty::No);
        services.iter().map(one).max().unwrap_or(Certainty::No)
    }

    /// An ARN with its `{partition}` and `{account}` filled in.
    pub(super) fn arn(&self, pattern: &str) -> String {
        let account = if self.account.id.is_empty() { "000000000000" } else { &self.account.id };
        pattern.replace("{partition}", &self.account.partition).replace("{account}", account)
    }

    fn layers<'l>(&'l self, actor: &'l Actor<'_>, trust: Trust<'l>) -> Layers<'l> {
        let resource = match trust {
            Trust::NotAsked => None,
            Trust::Policy(policy) => Some(policy),
            Trust::Account | Trust::Unread => self.trust_of_account.as_ref(),
        };
        Layers { identity: &actor.policies, boundary: &actor.boundary, scp: self.scps, resource, ..Layers::default() }
    }

    fn decide(
        &self,
        actor: &Actor<'_>,
        action: &SmolStr,
        resource: &str,
        known: &Known,
        about: Option<&Identity>,
        layers: &Layers<'_>,
    ) -> Sure {
        let mut context = actor.context.clone();
        for (key, value) in known {
            context.set(key, [value.clone()]);
        }
        if let Some(about) = about {
            for (key, value) in &about.tags {
                context.set(&format!("aws:resourcetag/{key}"), [value.clone()]);
                context.set(&format!("iam:resourcetag/{key}"), [value.clone()]);
            }
            context.set("iam:permissionsboundary", about.boundary.iter().map(|b| b.name.clone()));
        }
        let request = Request {
            principal: Caller::Aws(actor.identity.arn.clone()),
            action: action.clone(),
            resource: resource.into(),
            resource_account: None,
            context,
        };
        let is_user = actor.identity.kind == IdentityKind::User;
        let absent = if is_user { &self.absent_of_user } else { &self.absent };
        possible::decide(&request, layers, Mode::Possible(absent)).into()
    }

    fn prepare(&mut self, path: &'a Path) -> Prepared<'a> {
        let mut steps = Vec::new();
        for step in &path.steps {
            let contexts = self.contexts(&step.with);
            let asks = step.actions().iter().map(|action| self.ask(action, &contexts)).collect();
            steps.push(PreparedStep { asks, on: &step.on });
        }
        Prepared { path, steps }
    }

    fn ask(&mut self, action: &SmolStr, contexts: &[Known]) -> usize {
        let same = |a: &Ask| a.action == *action && a.contexts == contexts;
        self.asks.iter().position(same).unwrap_or_else(|| {
            self.asks.push(Ask { action: action.clone(), key: ActionKey::new(action), contexts: contexts.to_vec() });
            self.asks.len() - 1
        })
    }

    /// Every combination of the values of a call's context keys.
    fn contexts(&self, with: &[(SmolStr, Vec<SmolStr>)]) -> Vec<Known> {
        let mut all: Vec<Known> = vec![Vec::new()];
        for (key, values) in with {
            let values: Vec<SmolStr> = values.iter().map(|v| self.arn(v).into()).collect();
            let one_more = |known: &Known| {
                let more = values.iter().map(|v| [known.as_slice(), &[(key.clone(), v.clone())]].concat());
                more.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(one_more).collect();
        }
        all
    }

    fn find_admins(&mut self) {
        let found: Vec<_> =
            self.actors.iter().map(|a| (self.is_admin(a), self.is_admin(&a.without_boundary()))).collect();
        for (actor, (admin, unbounded)) in self.actors.iter_mut().zip(found) {
            (actor.admin, actor.admin_unbounded) = (admin, unbounded);
        }
        for (at, actor) in self.actors.iter().enumerate() {
            let list = if actor.identity.kind == IdentityKind::User { &mut self.users } else { &mut self.roles };
            list.push(at);
        }
        let admin = |at: &usize| std::cmp::Reverse(self.actors.get(*at).map(|a| a.admin));
        self.users.sort_by_key(admin);
        self.roles.sort_by_key(admin);
    }

    /// Whether an actor may do everything: asked with calls all over AWS, on resources that no policy names.
    pub(super) fn is_admin(&self, actor: &Actor<'_>) -> Certainty {
        let mut all = if actor.identity.is_whole() { Certainty::Certain } else { Certainty::Conditional };
        let layers = self.layers(actor, Trust::NotAsked);
        let attached = self.arn("arn:{partition}:iam::aws:policy/AdministratorAccess");
        let known = vec![(SmolStr::new_static("iam:PolicyARN"), SmolStr::new(attached))];
        for (action, resource) in PROBES {
            let may = self.decide(actor, &SmolStr::new_static(action), &self.arn(resource), &known, None, &layers);
            all = all.min(may.certainty);
            if all == Certainty::No {
                break;
            }
        }
        all
    }

    fn look_up_trust(&mut self, paths: &[Path]) {
        let mut services: Vec<&SmolStr> = Vec::new();
        for path in paths {
            if let Target::Role(role) = &path.target
                && let Trusts::Services(names) = &role.trusts
            {
                services.extend(names);
            }
        }
        services.sort_unstable();
        services.dedup();
        for (at, actor) in self.actors.iter().enumerate().filter(|(_, a)| a.identity.kind == IdentityKind::Role) {
            for service in &services {
                let trusted = self.trusts_service(actor.identity, service);
                if trusted != Certainty::No {
                    self.trusts.insert((at, (*service).clone()), trusted);
                }
            }
        }
    }

    /// A service assumes a role as a service principal, Cognito as an identity provider
    /// (Amazon Cognito Developer Guide, `role-trust-and-permissions`). The service says for which account it asks
    /// (IAM User Guide, `confused-deputy`).
    fn trusts_service(&self, role: &Identity, service: &SmolStr) -> Certainty {
        let Some(trust) = &role.trust else {
            let unread = role.unread.iter().any(|u| u.part == Part::Trust);
            return if unread { Certainty::Conditional } else { Certainty::No };
        };
        let layers = Layers { resource: Some(trust), ..Layers::default() };
        let callers = [
            (Caller::Service(service.clone()), "sts:AssumeRole"),
            (Caller::Federated(service.clone()), "sts:AssumeRoleWithWebIdentity"),
        ];
        let mut best = Certainty::No;
        for (principal, action) in callers {
            let mut context = Context::default();
            context.set("aws:sourceaccount", [self.account.id.clone()]);
            let request = Request {
                principal,
                action: SmolStr::new_static(action),
                resource: role.arn.clone(),
                resource_account: None,
                context,
            };
            best = best.max(Sure::from(possible::decide(&request, &layers, Mode::Possible(&[]))).certainty);
        }
        best
    }
}

/// Calls that together only an administrator may make.
const PROBES: [(&str, &str); 14] = [
    ("iam:PutUserPolicy", "arn:{partition}:iam::{account}:user/yagura-probe"),
    ("iam:AttachRolePolicy", "arn:{partition}:iam::{account}:role/yagura-probe"),
    ("iam:CreatePolicyVersion", "arn:{partition}:iam::{account}:policy/yagura-probe"),
    ("iam:UpdateAssumeRolePolicy", "arn:{partition}:iam::{account}:role/yagura-probe"),
    ("iam:CreateAccessKey", "arn:{partition}:iam::{account}:user/yagura-probe"),
    ("iam:DeleteRolePermissionsBoundary", "arn:{partition}:iam::{account}:role/yagura-probe"),
    ("s3:GetObject", "arn:{partition}:s3:::yagura-probe/object"),
    ("s3:DeleteBucket", "arn:{partition}:s3:::yagura-probe"),
    ("ec2:TerminateInstances", "arn:{partition}:ec2:us-east-1:{account}:instance/i-0123456789abcdef0"),
    ("lambda:UpdateFunctionCode", "arn:{partition}:lambda:us-east-1:{account}:function:yagura-probe"),
    ("secretsmanager:GetSecretValue", "arn:{partition}:secretsmanager:us-east-1:{account}:secret:yagura-probe"),
    ("dynamodb:DeleteTable", "arn:{partition}:dynamodb:us-east-1:{account}:table/yagura-probe"),
    ("rds:DeleteDBInstance", "arn:{partition}:rds:us-east-1:{account}:db:yagura-probe"),
    ("cloudtrail:StopLogging", "arn:{partition}:cloudtrail:us-east-1:{account}:trail/yagura-probe"),
];

/// Which trust policy decides on a role.
#[derive(Clone, Copy)]
pub(super) enum Trust<'t> {
    /// The action does not ask for one.
    NotAsked,
    /// This one.
    Policy(&'t Arc<Compiled>),
    /// One that leaves it to the account.
    Account,
    /// The role has one that could not be read.
    Unread,
}

impl<'a> Actor<'a> {
    fn new(identity: &'a Identity) -> Self {
        let documents = |held: &'a [crate::account::Held]| held.iter().filter_map(|h| h.document.clone()).collect();
        let mut context = Context::default();
        context.set("aws:viaawsservice", ["false"]);
        for (key, value) in &identity.tags {
            context.set(&format!("aws:principaltag/{key}"), [value.clone()]);
        }
        let names_principals = |s: &crate::compile::Statement| {
            let named = |p: &Principal| matches!(p, Principal::Anyone | Principal::Aws(_));
            s.effect == Effect::Allow && s.principals.as_ref().is_some_and(|e| e.negated || e.items.iter().any(named))
        };
        Self {
            identity,
            policies: documents(&identity.policies),
            boundary: documents(identity.boundary.as_slice()),
            context,
            lets_principals_in: identity.trust.as_ref().is_none_or(|t| t.statements().any(names_principals)),
            admin: Certainty::No,
            admin_unbounded: Certainty::No,
            belongs_to_aws: identity.arn.contains(":role/aws-service-role/")
                || identity.arn.contains(":role/aws-reserved/"),
        }
    }

    fn without_boundary(&self) -> Self {
        Self { policies: self.policies.clone(), boundary: Vec::new(), ..Self::new(self.identity) }
    }

    /// The same with more policies.
    pub(super) fn with(&self, more: impl IntoIterator<Item = Arc<Compiled>>) -> Self {
        let mut actor = Self::new(self.identity);
        actor.policies.extend(more);
        actor
    }

    /// Whether some Allow statement of its own speaks of the action.
    pub(super) fn mentions(&self, action: &ActionKey) -> bool {
        self.policies.iter().any(|p| p.on(action).any(|(_, s)| s.effect == Effect::Allow))
    }
}

fn trust_of(account: &Account) -> Option<Arc<Compiled>> {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "arn:{}:iam::{}:root"}}, "Action": "sts:AssumeRole"}}}}"#,
        account.partition, account.id
    );
    Policy::parse(&text).ok().map(|p| Arc::new(Compiled::new("trust", p)))
}
