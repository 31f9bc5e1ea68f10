//! The evaluator's word on a request, for each type of policy.

use super::likely;
use crate::catalogue::{Catalogue, Found};
use crate::compile::Compiled;
use crate::document::{Effect, Element, Policy, Principal, Statement, Version};
use crate::evaluate::{Decision, Layers, Mode, decide};
use crate::json::Span;
use crate::request::{Caller, Context, Request};
use crate::solve::Point;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

/// What a policy is attached to, which decides what it says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// An identity-based policy, judged as the only one of its principal.
    Identity,
    /// A resource-based policy, judged for callers of other accounts whose own policies allow everything.
    Resource,
    /// A role's trust policy, judged likewise.
    Trust,
    /// A service control policy, judged for callers whose own policies allow everything.
    Scp,
    /// A resource control policy, beside `RCPFullAWSAccess`.
    Rcp,
    /// A session policy.
    Session,
    /// A VPC endpoint's policy.
    Endpoint,
}

/// A type of policy that is not known by this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no policy type `{0}`; expected identity, resource, trust, scp, rcp, session or endpoint")]
pub struct UnknownType(String);

impl FromStr for PolicyType {
    type Err = UnknownType;

    /// Also reads the names of IAM Access Analyzer (`IDENTITY_POLICY`, `RESOURCE_POLICY`).
    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.strip_suffix("_policy").unwrap_or(&lower) {
            "identity" => Self::Identity,
            "resource" => Self::Resource,
            "trust" => Self::Trust,
            "scp" => Self::Scp,
            "rcp" => Self::Rcp,
            "session" => Self::Session,
            "endpoint" => Self::Endpoint,
            _ => return Err(UnknownType(text.to_owned())),
        })
    }
}

impl PolicyType {
    /// Whether its statements say who they are about.
    pub(super) fn names_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::Endpoint)
    }

    /// The type that the shape of two policies points to: of a resource where a statement names principals.
    pub fn guess(old: &Policy, new: &Policy) -> Self {
        let mut statements = old.statements.iter().chain(&new.statements).peekable();
        let has_principals = |s: &Statement| s.principals.is_some();
        let is_trust = |s: &Statement| s.principals.is_some() && s.resources.is_none();
        if statements.clone().any(is_trust) {
            Self::Trust
        } else if statements.any(has_principals) {
            Self::Resource
        } else {
            Self::Identity
        }
    }

    /// The policy with what is attached beside it without being said.
    pub(super) fn completed(self, policy: &Policy) -> Cow<'_, Policy> {
        if self != Self::Rcp {
            return Cow::Borrowed(policy);
        }
        let mut policy = policy.clone();
        policy.statements.push(everything(policy.statements.len(), None));
        Cow::Owned(policy)
    }

    /// Whether the statement at a place of a completed policy stands beside it without being said.
    pub(super) fn adds(self, place: usize, completed: &Policy) -> bool {
        self == Self::Rcp && place + 1 == completed.statements.len()
    }

    /// A statement as this type of policy reads it; `None` where it says nothing.
    pub(super) fn seen(self, statement: &Statement) -> Option<Cow<'_, Statement>> {
        match (self, &statement.principals) {
            (Self::Resource | Self::Trust, None) => None,
            (Self::Resource | Self::Trust | Self::Endpoint, _) | (_, None) => Some(Cow::Borrowed(statement)),
            (_, Some(_)) => Some(Cow::Owned(Statement { principals: None, ..statement.clone() })),
        }
    }
}

fn everything(index: usize, principals: Option<Element<Principal>>) -> Statement {
    let all = || Element { negated: false, items: vec![SmolStr::new_static("*")] };
    Statement {
        index,
        sid: None,
        effect: Effect::Allow,
        principals,
        actions: all(),
        resources: Some(all()),
        conditions: Vec::new(),
        span: Span::default(),
    }
}

fn policy_of(statement: Statement) -> Arc<Compiled> {
    let policy = Policy { version: Version::V2012, id: None, statements: vec![statement] };
    Arc::new(Compiled::new("everything", policy))
}

/// Two policies ready to be asked.
pub(super) struct Judge<'a> {
    old: Arc<Compiled>,
    new: Arc<Compiled>,
    policy_type: PolicyType,
    catalogue: Option<&'a Catalogue>,
    allow_identity: [Arc<Compiled>; 1],
    allow_resource: Arc<Compiled>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(old: &Policy, new: &Policy, policy_type: PolicyType, catalogue: Option<&'a Catalogue>) -> Self {
        let anyone = Element { negated: false, items: vec![Principal::Anyone] };
        Self {
            old: Arc::new(Compiled::new("old", old.clone())),
            new: Arc::new(Compiled::new("new", new.clone())),
            policy_type,
            catalogue,
            allow_identity: [policy_of(everything(0, None))],
            allow_resource: policy_of(everything(0, Some(anyone))),
        }
    }

    /// A request at the point, or near it and likelier, that the new policy allows and the old one does not.
    pub(super) fn confirm(&self, point: &Point) -> Option<Request> {
        let exact = self.owned(&self.request(point)).into_iter().find(|request| self.is_new(request))?;
        let likelier = self.likelier(&exact).into_iter().flat_map(|request| self.owned(&request));
        let likelier = likelier.into_iter().find(|request| self.is_new(request));
        Some(likelier.unwrap_or(exact))
    }

    /// The request with an owner of the resource for which the policy's word decides: for a resource's own policy another
    /// account than the caller's, for other policies the same.
    fn owned(&self, request: &Request) -> Vec<Request> {
        let account = |arn: &str| arn.split(':').nth(4).filter(|a| !a.is_empty()).map(SmolStr::new);
        let caller = match &request.principal {
            Caller::Aws(arn) => account(arn),
            _ => None,
        };
        let named = account(&request.resource);
        let with_owner = |owner: Option<SmolStr>| Request { resource_account: owner, ..request.clone() };
        if matches!(self.policy_type, PolicyType::Resource | PolicyType::Trust) {
            let said = request.context.get("aws:resourceaccount").and_then(|v| v.first()).cloned();
            let others = likely::ACCOUNTS.iter().rev().map(|a| SmolStr::new_static(a));
            let owner = said.into_iter().chain(named).chain(others).find(|a| Some(a) != caller.as_ref());
            return vec![with_owner(owner)];
        }
        match (caller, named) {
            (Some(caller), Some(named)) if caller != named => {
                let mut moved = with_owner(None);
                if let Caller::Aws(arn) = &request.principal {
                    moved.principal = Caller::Aws(arn.replacen(caller.as_str(), &named, 1).into());
                }
                let moves = named.len() == caller.len() && named.bytes().all(|b| b.is_ascii_digit());
                moves.then_some(moved).into_iter().chain([with_owner(Some(caller))]).collect()
            }
            _ => vec![with_owner(None)],
        }
    }

    pub(super) fn is_new(&self, request: &Request) -> bool {
        self.allows(&self.new, request) && !self.allows(&self.old, request)
    }

    fn allows(&self, policy: &Arc<Compiled>, request: &Request) -> bool {
        let this = std::slice::from_ref(policy);
        let level = [vec![Arc::clone(policy)]];
        let all = Layers { identity: &self.allow_identity, ..Layers::default() };
        let layers = match self.policy_type {
            PolicyType::Identity => Layers { identity: this, ..Layers::default() },
            PolicyType::Resource | PolicyType::Trust => Layers { resource: Some(policy), ..all },
            PolicyType::Scp => Layers { scp: &level, ..all },
            PolicyType::Rcp => Layers { rcp: &level, resource: Some(&self.allow_resource), ..all },
            PolicyType::Session => Layers { session: this, ..all },
            PolicyType::Endpoint => Layers { vpc_endpoint: this, ..all },
        };
        decide(request, &layers, Mode::Strict).decision == Decision::Allowed
    }

    fn request(&self, point: &Point) -> Request {
        let mut context = Context::default();
        for (key, values) in &point.keys {
            // What the evaluator would derive from the caller must be said to be absent.
            if !values.is_empty() || matches!(key.as_str(), "aws:username" | "aws:userid" | "aws:federatedprovider") {
                context.set(key, values.iter().map(SmolStr::from));
            }
        }
        Request {
            principal: point.caller.clone(),
            action: point.action.clone(),
            resource: point.resource.clone(),
            resource_account: None,
            context,
        }
    }

    /// Requests like this one with a real action and a resource such as the action is about.
    fn likelier(&self, exact: &Request) -> Vec<Request> {
        let account = if self.policy_type.names_principals() { "777788889999" } else { "123456789012" };
        let with = |action: SmolStr| Request { action, ..exact.clone() };
        let is_new = |request: &Request| self.owned(request).iter().any(|request| self.is_new(request));
        let known =
            self.catalogue.and_then(|c| c.action(&exact.action).or_else(|| self.real_action(c, exact, &is_new)));
        let request = known.map_or_else(|| exact.clone(), |found| with(found.name()));
        let service = request.action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if exact.resource.split(':').nth(2) == Some(service.as_str()) {
            return vec![request];
        }
        let types = known.into_iter().flat_map(|found| found.service.resources_of(found.action));
        let arns = types.flat_map(|(resource, _)| &resource.arns).map(|arn| likely::filled(arn, account));
        let resources = arns.chain(likely::resources(&service, account));
        let moved = resources.map(|resource| Request { resource, ..request.clone() });
        moved.chain([request.clone()]).collect()
    }

    /// An action of the catalogue in the place of one that does not exist, first of its own service.
    fn real_action<'c>(
        &self,
        catalogue: &'c Catalogue,
        exact: &Request,
        is_new: &dyn Fn(&Request) -> bool,
    ) -> Option<Found<'c>> {
        const MOST: usize = 3_000;
        let own = exact.action.split(':').next().unwrap_or_default();
        let own = catalogue.service(own).into_iter();
        let known = ["s3", "ec2", "iam", "lambda", "dynamodb", "kms", "sqs"].into_iter();
        let services = own.chain(known.filter_map(|prefix| catalogue.service(prefix))).chain(catalogue.services());
        let mut all = services.flat_map(|service| service.actions.iter().map(move |action| Found { service, action }));
        all.by_ref().take(MOST).find(|found| is_new(&Request { action: found.name(), ..exact.clone() }))
    }
}

/// A request as JSON, as `iam eval --batch` reads it, with its keys spelled as these policies do.
pub fn request_json(request: &Request, policies: &[&Policy]) -> serde_json::Value {
    use serde_json::{Map, Value, json};
    let principal = match &request.principal {
        Caller::Anonymous => json!({"anonymous": true}),
        Caller::Aws(arn) => json!(arn),
        Caller::Service(name) => json!({"service": name}),
        Caller::Federated(provider) => json!({"federated": provider}),
    };
    let context = request.context.iter().map(|(key, values)| {
        let value = match values {
            [one] => json!(one),
            values => json!(values),
        };
        let conditions = policies.iter().flat_map(|p| &p.statements).flat_map(|s| &s.conditions);
        let spelled = conditions.map(|c| &c.key).find(|k| k.eq_ignore_ascii_case(key));
        (spelled.unwrap_or(key).to_string(), value)
    });
    let mut object = Map::new();
    object.insert("principal".to_owned(), principal);
    object.insert("action".to_owned(), json!(request.action));
    object.insert("resource".to_owned(), json!(request.resource));
    if let Some(account) = &request.resource_account {
        object.insert("resource_account".to_owned(), json!(account));
    }
    object.insert("context".to_owned(), Value::Object(context.collect()));
    Value::Object(object)
}
