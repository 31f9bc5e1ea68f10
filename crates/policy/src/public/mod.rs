//! Whether a resource's policy lets in the public, untrusted accounts, or services that act for anyone.
//!
//! As IAM Access Analyzer's external access findings (IAM User Guide, `access-analyzer-concepts`): what counts is what the
//! policy allows to somebody outside the zone of trust, whether or not anybody uses it, and only those condition keys
//! confine that an outsider cannot set at will. The solver looks for such a request; the evaluator confirms it. For an S3
//! bucket "public" is Amazon S3's own definition (S3 User Guide, `access-control-block-public-access`).

mod federated;
mod outsider;
mod s3;

use crate::compile::Compiled;
use crate::document::{Effect, Element, Policy, Principal, Statement};
use crate::evaluate::{Decision, Layers, Mode, decide};
use crate::request::{Caller, Context, Request};
use crate::solve::{self, Binding, Budget, Callers, Literal, Outcome, Point, Space, Vocabulary};
use outsider::Outsiders;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A policy of a resource, and whom its owner trusts.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The resource's ARN, where it is known.
    pub resource: Option<&'a str>,
    /// The account that owns it, where the ARN does not say.
    pub resource_account: Option<&'a str>,
    /// Further accounts of the zone of trust.
    pub trusted_accounts: &'a [SmolStr],
    /// Networks (CIDR) from which anybody is trusted.
    pub trusted_networks: &'a [SmolStr],
}

/// Who outside the zone of trust a policy lets in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Whether anybody gets in.
    pub public: bool,
    /// Account ids outside the zone of trust that get in by name, and ids of principals that have no account; sorted.
    pub cross_account: Vec<SmolStr>,
    /// Service principals that get in whomever they act for, sorted.
    pub unconfined_services: Vec<SmolStr>,
    /// Which statement lets in whom.
    pub because: Vec<Reason>,
}

/// Whom a statement lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The statement, by its place.
    pub statement: usize,
    /// Whom.
    pub whom: Whom,
}

/// Somebody outside the zone of trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Anybody.
    Anyone,
    /// Anybody by the statement's own form, as S3 judges it, although another statement may deny it.
    AnyoneToS3,
    /// Anybody with an identity of this provider, which gives identities to anybody.
    AnyoneOf(SmolStr),
    /// Principals of this account, or the principal of this id.
    Account(SmolStr),
    /// This service, whomever it acts for.
    Service(SmolStr),
    /// Perhaps anybody: it could not be decided; why.
    Perhaps(String),
}

/// Judges a policy.
pub fn exposure(question: &Question<'_>) -> Exposure {
    let asked = Asked::new(question);
    let mut found = Exposure::default();
    let (bindings, _) = solve::bindings(&[question.policy]);
    for mut binding in bindings {
        if let Some(owner) = &asked.owner {
            binding.fix("aws:resourceaccount", owner);
        }
        asked.judge(&binding, &mut found);
    }
    if let Some(kind) = s3::kind(question) {
        found.because.retain(|r| !matches!(r.whom, Whom::Anyone | Whom::Perhaps(_)));
        for statement in s3::public_statements(question, kind) {
            found.because.push(Reason { statement, whom: Whom::AnyoneToS3 });
        }
    }
    found.conclude();
    found
}

/// Whether a bucket policy is public as Amazon S3 judges it for Block Public Access.
pub fn is_public_to_s3(policy: &Policy) -> bool {
    let question =
        Question { policy, resource: None, resource_account: None, trusted_accounts: &[], trusted_networks: &[] };
    !s3::public_statements(&question, s3::Kind::Bucket).is_empty()
}

impl Exposure {
    fn conclude(&mut self) {
        let mut seen: Vec<Reason> = Vec::new();
        self.because.sort_by_key(|r| r.statement);
        self.because.retain(|reason| {
            let new = !seen.contains(reason);
            seen.push(reason.clone());
            new
        });
        let (mut accounts, mut services) = (BTreeSet::new(), BTreeSet::new());
        for reason in &self.because {
            match &reason.whom {
                Whom::Account(id) => drop(accounts.insert(id.clone())),
                Whom::Service(name) => drop(services.insert(name.clone())),
                Whom::Anyone | Whom::AnyoneToS3 | Whom::AnyoneOf(_) | Whom::Perhaps(_) => self.public = true,
            }
        }
        self.cross_account = accounts.into_iter().collect();
        self.unconfined_services = services.into_iter().collect();
    }
}

/// A question with what its policy names.
struct Asked<'a> {
    question: &'a Question<'a>,
    compiled: Arc<Compiled>,
    owner: Option<SmolStr>,
    zone: BTreeSet<SmolStr>,
    /// Every account that the policy names.
    named: BTreeSet<SmolStr>,
    outsiders: Outsiders,
    budget: Budget,
    everything: [Arc<Compiled>; 1],
}

impl<'a> Asked<'a> {
    fn new(question: &'a Question<'a>) -> Self {
        let in_arn = question.resource.and_then(|arn| arn.split(':').nth(4)).filter(|a| !a.is_empty());
        let owner = question.resource_account.or(in_arn).map(SmolStr::new);
        let zone = question.trusted_accounts.iter().cloned().chain(owner.clone()).collect();
        let outsiders = Outsiders::of(question.policy, question.trusted_networks);
        let allow = Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
        let allow = allow.unwrap_or(Policy { version: question.policy.version, id: None, statements: Vec::new() });
        Self {
            question,
            compiled: Arc::new(Compiled::new("resource", question.policy.clone())),
            owner,
            zone,
            named: outsider::accounts(question.policy),
            outsiders,
            budget: Budget::default(),
            everything: [Arc::new(Compiled::new("everything", allow))],
        }
    }

    fn judge(&self, binding: &Binding, found: &mut Exposure) {
        let granting = self.question.policy.statements.iter().filter(|s| s.effect == Effect::Allow);
        for statement in granting {
            let Some(principals) = &statement.principals else { continue };
            let mut note = |whom| found.because.push(Reason { statement: statement.index, whom });
            let anyone = self.lets_in(binding, statement, &self.outsider());
            let is_public = anyone != Outcome::Nothing;
            match anyone {
                Outcome::Found(_) => note(Whom::Anyone),
                Outcome::Unknown(why) => note(Whom::Perhaps(why)),
                Outcome::Nothing => {}
            }
            // Of a statement for anyone, those that it names all the same.
            let own = outsider::accounts_among(principals);
            let names_others = principals.negated || principals.items.contains(&Principal::Anyone);
            let may = |a: &SmolStr| own.contains(a) || (names_others && !is_public);
            let asked = |a: &&SmolStr| !self.zone.contains(*a) && may(a);
            for account in self.named.iter().filter(asked) {
                if self.lets_in(binding, statement, &self.account(account, principals)) != Outcome::Nothing {
                    note(Whom::Account(account.clone()));
                }
            }
            for name in outsider::services_by_key(statement) {
                if self.lets_in(binding, statement, &self.service(&name)) != Outcome::Nothing {
                    note(Whom::Service(name));
                }
            }
            for principal in principals.items.iter().filter(|_| !principals.negated) {
                match principal {
                    Principal::Service(name) => {
                        if self.lets_in(binding, statement, &self.service(name)) != Outcome::Nothing {
                            note(Whom::Service(name.clone()));
                        }
                    }
                    Principal::Federated(provider) => {
                        let anybody = federated::Anybody::of(provider, &statement.conditions);
                        if anybody.is_some_and(|a| self.federated(binding, statement, provider, &a)) {
                            note(Whom::AnyoneOf(provider.clone()));
                        }
                    }
                    Principal::CanonicalUser(id) => note(Whom::Account(id.clone())),
                    // The unique id that AWS puts in the place of a deleted principal.
                    Principal::Aws(id) if outsider::is_unique_id(id) => note(Whom::Account(id.clone())),
                    Principal::Aws(_) | Principal::Anyone => {}
                }
            }
        }
    }

    /// Whether a statement lets in one of some callers, past every Deny.
    fn lets_in(&self, binding: &Binding, statement: &Statement, who: &Who) -> Outcome {
        let mut space = Space::new(who.callers.clone(), Vocabulary::default(), &self.budget);
        let version = self.question.policy.version;
        let mut inside = space.statement(statement, version, binding);
        inside.extend(space.binding(binding));
        if let Some(element) = &who.only {
            inside.push(space.principals(element.clone()));
        }
        let denies = self.question.policy.statements.iter().filter(|s| s.effect == Effect::Deny);
        let denies = denies.filter(|s| s.principals.is_some());
        let denies: Vec<Vec<Literal>> = denies.map(|s| space.statement(s, version, binding)).collect();
        if let Some(owner) = &self.owner {
            inside.push(space.key_is("aws:resourceaccount", owner));
        }
        inside.extend(self.outsiders.limits(&mut space, &who.limits, binding));
        inside.extend(who.keys.iter().map(|(key, value)| space.key_is(key, value)));
        solve::search(&space, &inside, &denies, &mut |point| self.confirms(point))
    }

    fn confirms(&self, point: &Point) -> bool {
        let mut context = Context::default();
        for (key, values) in &point.keys {
            context.set(key, values.iter().map(SmolStr::from));
        }
        let account = match &point.caller {
            Caller::Aws(arn) => arn.split(':').nth(4),
            _ => None,
        };
        let owner = self.owner.as_deref().filter(|o| Some(*o) != account).unwrap_or("000000000000");
        let request = Request {
            principal: point.caller.clone(),
            action: point.action.clone(),
            resource: point.resource.clone(),
            resource_account: Some(SmolStr::new(owner)),
            context,
        };
        let layers = Layers { identity: &self.everything, resource: Some(&self.compiled), ..Layers::default() };
        decide(&request, &layers, Mode::Strict).decision == Decision::Allowed
    }

    /// Anybody: an anonymous caller, or a user or role of an account that the policy does not name.
    fn outsider(&self) -> Who {
        let not_named = self.named.iter().chain(&self.zone).map(|a| Principal::Aws(a.clone())).collect();
        Who {
            callers: Callers {
                named: vec![Caller::Anonymous],
                everyone: false,
                accounts: outsider::ACCOUNTS.iter().map(|a| SmolStr::new_static(a)).collect(),
            },
            only: Some(Element { negated: true, items: not_named }),
            limits: Limits::Outsider,
            keys: Vec::new(),
        }
    }

    /// The principals of one account. Its conditions may hold for them.
    fn account(&self, account: &SmolStr, principals: &Element<Principal>) -> Who {
        let of_account = |p: &&Principal| matches!(p, Principal::Aws(a) if a.split(':').nth(4) == Some(account));
        let named = principals.items.iter().filter(of_account).filter_map(|p| match p {
            Principal::Aws(arn) => Some(Caller::Aws(arn.clone())),
            _ => None,
        });
        Who {
            callers: Callers { named: named.collect(), everyone: false, accounts: vec![account.clone()] },
            only: Some(Element { negated: false, items: vec![Principal::Aws(account.clone())] }),
            limits: Limits::Account(account.clone()),
            keys: Vec::new(),
        }
    }

    fn service(&self, name: &SmolStr) -> Who {
        Who {
            callers: Callers { named: vec![Caller::Service(name.clone())], everyone: false, accounts: Vec::new() },
            only: Some(Element { negated: false, items: vec![Principal::Service(name.clone())] }),
            limits: Limits::Service,
            keys: Vec::new(),
        }
    }

    /// Whether somebody with any identity of a provider gets in.
    fn federated(
        &self,
        binding: &Binding,
        statement: &Statement,
        provider: &SmolStr,
        anybody: &federated::Anybody,
    ) -> bool {
        let provider = if provider == "*" { SmolStr::new_static("idp.example.com") } else { provider.clone() };
        anybody.identities().into_iter().any(|keys| {
            let who = Who {
                callers: Callers {
                    named: vec![Caller::Federated(provider.clone())],
                    everyone: false,
                    accounts: Vec::new(),
                },
                only: Some(Element { negated: false, items: vec![Principal::Federated(provider.clone())] }),
                limits: Limits::Outsider,
                keys,
            };
            self.lets_in(binding, statement, &who) != Outcome::Nothing
        })
    }
}

/// Callers to look for.
struct Who {
    callers: Callers,
    only: Option<Element<Principal>>,
    limits: Limits,
    /// Keys with the values they have.
    keys: Vec<(SmolStr, SmolStr)>,
}

/// Which keys the callers cannot set at will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limits {
    /// Those that name accounts, organizations, networks and resources: they are not the ones that the policy names.
    Outsider,
    /// As an account of its own name, otherwise free.
    Account(SmolStr),
    /// A service that acts for an outsider.
    Service,
}

impl Reason {
    /// The reason as a sentence, with the statement by its number from 1 and its `Sid`.
    pub fn tell(&self, policy: &Policy) -> String {
        let sid = policy.statements.get(self.statement).and_then(|s| s.sid.as_ref());
        let sid = sid.map_or_else(SmolStr::default, |sid| format_smolstr!(" (`{sid}`)"));
        let number = self.statement + 1;
        match &self.whom {
            Whom::Anyone => format!("statement {number}{sid} allows anyone"),
            Whom::AnyoneToS3 => {
                format!("statement {number}{sid} is public to Amazon S3: no fixed value confines who may call")
            }
            Whom::AnyoneOf(provider) => {
                format!(
                    "statement {number}{sid} allows anyone with an identity of `{provider}`, which gives them to anyone"
                )
            }
            Whom::Account(id) => format!("statement {number}{sid} allows `{id}`, which is outside the zone of trust"),
            Whom::Service(name) => {
                format!(
                    "statement {number}{sid} allows `{name}` whomever it acts for: no condition such as aws:SourceAccount"
                )
            }
            Whom::Perhaps(why) => format!("statement {number}{sid} may allow anyone; it could not be decided: {why}"),
        }
    }

    /// The same in Japanese.
    pub fn tell_ja(&self, policy: &Policy) -> String {
        let sid = policy.statements.get(self.statement).and_then(|s| s.sid.as_ref());
        let sid = sid.map_or_else(SmolStr::default, |sid| format_smolstr!(" (`{sid}`) "));
        let head = format!("{} 番目のステートメント{sid}が", self.statement + 1);
        match &self.whom {
            Whom::Anyone => format!("{head}すべてのユーザーを許可している"),
            Whom::AnyoneToS3 => {
                format!("{head}、呼び出し元を固定値で制限していないため、Amazon S3 の定義ではパブリックである")
            }
            Whom::AnyoneOf(provider) => {
                format!("{head} `{provider}` の ID を持つすべてのユーザーを許可している。この ID は誰でも取得できる")
            }
            Whom::Account(id) => format!("{head}信頼ゾーンの外にある `{id}` を許可している"),
            Whom::Service(name) => format!(
                "{head}、誰の代理で動くかを aws:SourceAccount などの条件で制限せずに `{name}` を許可している（「混乱した代理」問題）"
            ),
            Whom::Perhaps(why) => format!("{head}すべてのユーザーを許可している可能性がある。判断できない理由: {why}"),
        }
    }
}

#[cfg(test)]
mod tests;
