//! Policies against one call: whom they touch, and what their statements say in three values.

use super::caller::Kind as Of;
use super::key::{Known, Source};
use super::resource::{self, Part, Resource, Taken, taken};
use super::{Asked, Call, Doubt, Judged, Kind, Policies, Stage, Told, Untouched, Verdict, Why};
use crate::catalogue::Found;
use crate::compile::{ActionKey, Compiled, ResourceKey, Statement};
use crate::document::{self, Effect};
use crate::evaluate::exceptions::{covers_resource, needs_no_permission};
use crate::pattern::Glob;
use crate::template::Lookup;
use crate::tri::Tri;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeSet;

/// Policies and a call.
pub(super) struct Judge<'j, 'r> {
    pub(super) stage: &'j Stage<'j>,
    pub(super) policies: &'j Policies,
    pub(super) call: &'j Call<'r>,
}

/// What the policies say of one action on one resource.
struct Said {
    denied: Tri,
    resource: SmolStr,
    by: SmolStr,
    why: BTreeSet<Why>,
}

/// The keys of one question.
struct Keys<'k>(&'k [SmolStr], Vec<Known>);

impl Keys<'_> {
    fn find(&self, key: &str) -> Lookup<'_> {
        let place = self.0.iter().position(|k| k == key);
        match place.and_then(|p| self.1.get(p)) {
            Some(Some(values)) if values.is_empty() => Lookup::Absent,
            Some(Some(values)) => Lookup::Values(values),
            _ => Lookup::Open,
        }
    }
}

impl Judge<'_, '_> {
    /// What becomes of the call.
    pub(super) fn told(&self) -> Told {
        let mut doubts = BTreeSet::new();
        if let Some(untouched) = self.untouched(&mut doubts) {
            return Told::Untouched(untouched);
        }
        let mut best: Option<(Asked, Said)> = None;
        let mut why = BTreeSet::new();
        let mut spared = None;
        for asked in &self.call.actions {
            if let Some(reason) = self.spares(&asked.name) {
                spared = Some(reason);
                continue;
            }
            for said in self.on(asked, &doubts) {
                if said.denied == Tri::Unknown {
                    why.extend(said.why.iter().cloned());
                }
                if !said.denied.is_false() && best.as_ref().is_none_or(|(_, b)| said.denied > b.denied) {
                    best = Some((asked.clone(), said));
                }
            }
        }
        match (best, spared) {
            (None, Some(reason)) if self.call.actions.len() == 1 => Told::Untouched(reason),
            (None, _) => Told::Judged(Judged::allowed(self.call)),
            (Some((asked, said)), _) => {
                let denied = said.denied.is_true();
                Told::Judged(Judged {
                    verdict: if denied { Verdict::Denied } else { Verdict::Unknown },
                    action: asked.name,
                    resource: said.resource,
                    by: said.by,
                    why: if denied { BTreeSet::new() } else { why },
                })
            }
        }
    }

    /// Whether the policies bind the caller, or the account that was called. What cannot be told is a doubt.
    fn untouched(&self, doubts: &mut BTreeSet<Why>) -> Option<Untouched> {
        let (who, scope) = (&self.call.who, &self.stage.scope);
        if scope.principal.as_ref().is_some_and(|wanted| !who.is_meant(wanted)) {
            return Some(Untouched::OtherPrincipal);
        }
        match self.policies.kind {
            Kind::Identity | Kind::Boundary => (who.kind == Of::Root).then_some(Untouched::Root),
            Kind::Scp { .. } => {
                match who.kind {
                    Of::Service | Of::Outsider => return Some(Untouched::NotOfIam),
                    Of::Untold => doubts.extend([Why::Caller]),
                    _ if who.is_service_linked() => return Some(Untouched::ServiceLinked),
                    _ => {}
                }
                self.of_account(who.account, doubts)
            }
            Kind::Rcp => {
                if who.is_service_linked() {
                    return Some(Untouched::ServiceLinked);
                }
                self.of_account(self.receiver(), doubts)
            }
        }
    }

    fn of_account(&self, account: Option<&str>, doubts: &mut BTreeSet<Why>) -> Option<Untouched> {
        let scope = &self.stage.scope;
        let Some(account) = account else {
            doubts.insert(Why::Account);
            return None;
        };
        if scope.management.as_deref() == Some(account) {
            return Some(Untouched::Management);
        }
        if !scope.accounts.is_empty() {
            return (!scope.accounts.contains(account)).then_some(Untouched::OtherAccount);
        }
        // The log's own account is the organization's; of another one nobody said whether it is.
        if account != self.call.record.account() {
            doubts.insert(Why::Account);
        }
        None
    }

    /// The account whose resources were called, where the record tells. A call across accounts is recorded in both, with a
    /// `sharedEventID`; the caller's own record does not tell whose the resource is.
    fn receiver(&self) -> Option<&str> {
        let record = self.call.record;
        let told = record.0.get("resources").and_then(|r| r.as_array()).into_iter().flatten();
        let mut owners = told.filter_map(|r| r.get("accountId")?.as_str()).filter(|a| !a.is_empty());
        if let Some(first) = owners.next() {
            return owners.all(|o| o == first).then_some(first);
        }
        let own = record.text("recipientAccountId")?;
        let shared = record.text("sharedEventID").is_some() && self.call.who.account == Some(own);
        (!shared).then_some(own)
    }

    /// Why an action is not for these policies.
    fn spares(&self, action: &str) -> Option<Untouched> {
        let kind = self.call.who.kind;
        let is_aws = matches!(kind, Of::Root | Of::User | Of::Session | Of::FederatedUser | Of::OtherAccount);
        if needs_no_permission(&action.to_ascii_lowercase(), is_aws, matches!(kind, Of::Root | Of::User)) {
            return Some(Untouched::NoPermission);
        }
        if self.policies.kind != Kind::Rcp {
            return None;
        }
        let prefix = action.split(':').next().unwrap_or_default();
        let managed = || self.call.parameters.of("keyId").any(|k| k.contains("alias/aws/"));
        // KMS Developer Guide, `resource-control-policies`.
        let kms = prefix == "kms" && (action == "kms:RetireGrant" || managed());
        (kms || !self.stage.catalogue.supports_rcps(prefix)).then_some(Untouched::WithoutRcps)
    }

    /// What the policies say of an action on each resource of the call.
    fn on(&self, asked: &Asked, doubts: &BTreeSet<Why>) -> Vec<Said> {
        let key = ActionKey::new(&asked.name);
        let not_known = asked.doubt == Some(Doubt::NotKnown);
        let silent = |p: &Compiled| p.is_silent_on(&key) || (!not_known && p.on(&key).next().is_none());
        if !self.policies.kind.must_allow() && self.policies.policies.iter().all(|p| silent(p)) {
            return Vec::new();
        }
        let found = self.stage.catalogue.action(&asked.name).filter(|_| !not_known);
        let parts = match &found {
            Some(found) => resource::of(self.call, found, &self.call.parameters),
            None => vec![Part::Of(Resource::Untold)],
        };
        let ask = |resource: &Resource| self.ask(asked, &key, found, resource, self.policies.kind.must_allow());
        let mut all = Vec::new();
        for part in &parts {
            let mut said = match part {
                Part::Of(resource) => ask(resource),
                Part::Perhaps(resource) => {
                    // Whether nothing allows it is asked only of what the request names.
                    let mut said = self.ask(asked, &key, found, resource, false);
                    doubt(&mut said, Why::Resource(text_of(resource)));
                    said
                }
                Part::OneOf(resources) => one_of(resources.iter().map(ask).collect()),
            };
            match asked.doubt {
                Some(Doubt::OneOf) => doubt(&mut said, Why::OneOfActions),
                Some(Doubt::PassesRole) => doubt(&mut said, Why::PassRole),
                Some(Doubt::NotKnown) | None => {}
            }
            if self.policies.kind == Kind::Rcp && self.may_be_managed(&asked.name) {
                doubt(&mut said, Why::ManagedKey);
            }
            for why in doubts {
                doubt(&mut said, why.clone());
            }
            all.push(said);
        }
        all
    }

    /// AWS managed keys are used through the services that they are for, and described by anyone; their ARNs look like others
    /// (KMS Developer Guide, `concepts`, "AWS managed keys").
    fn may_be_managed(&self, action: &str) -> bool {
        let direct =
            ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Sign"];
        let by_service = self.call.who.text("invokedBy").is_some() || self.call.who.kind == Of::Service;
        action.starts_with("kms:") && action != "kms:CreateKey" && (by_service || !direct.contains(&action))
    }

    /// What the policies say of an action on a resource.
    fn ask(
        &self,
        asked: &Asked,
        key: &ActionKey,
        found: Option<Found<'_>>,
        resource: &Resource,
        must_allow: bool,
    ) -> Said {
        let owner = self.owner(resource);
        let parameters = &self.call.parameters;
        let scope = &self.stage.scope;
        let source = Source { call: self.call, action: found, resource, owner, parameters, scope };
        let names = &self.policies.keys;
        let keys = Keys(names, names.iter().map(|k| source.of(k)).collect());
        let (mut deny, mut allow) = (Tri::False, Tri::False);
        let mut said =
            Said { denied: Tri::False, resource: text_of(resource), by: SmolStr::default(), why: BTreeSet::new() };
        let mut why_allow = BTreeSet::new();
        for policy in &self.policies.policies {
            for (place, covered) in self.covering(policy, asked, key) {
                let (Some(statement), Some(written)) = (policy.statement(place), policy.policy.statements.get(place))
                else {
                    continue;
                };
                let mut why = BTreeSet::new();
                if covered == Tri::Unknown {
                    why.insert(Why::Action);
                }
                let holds = covered.and(applies(key, statement, written, resource, &keys, &mut why));
                match statement.effect {
                    Effect::Deny => {
                        if holds > deny {
                            said.by = name(policy, written);
                        }
                        deny = deny.or(holds);
                        if holds == Tri::Unknown {
                            said.why.extend(why);
                        }
                    }
                    Effect::Allow => {
                        allow = allow.or(holds);
                        if holds == Tri::Unknown {
                            why_allow.extend(why);
                        }
                    }
                }
            }
        }
        said.denied = deny;
        if must_allow {
            said.denied = deny.or(!allow);
            if allow == Tri::Unknown {
                said.why.extend(why_allow);
            }
            if allow.is_false() && !deny.is_true() {
                said.by = SmolStr::default();
            }
        }
        said
    }

    /// The statements that cover the action, by place; of an operation whose action is not known, those that may.
    fn covering(&self, policy: &Compiled, asked: &Asked, key: &ActionKey) -> Vec<(usize, Tri)> {
        if asked.doubt != Some(Doubt::NotKnown) {
            return policy.on(key).map(|(place, _)| (place, Tri::True)).collect();
        }
        let service = asked.name.split(':').next().unwrap_or_default();
        let written = policy.policy.statements.iter().enumerate();
        written.map(|(place, s)| (place, may_cover(s, service))).filter(|(_, c)| !c.is_false()).collect()
    }

    fn owner(&self, resource: &Resource) -> Option<SmolStr> {
        let (Resource::Named(arn) | Resource::Like(arn) | Resource::Either(arn, _)) = resource else { return None };
        if arn == "*" {
            return None;
        }
        let told = ResourceKey::new(arn).account().filter(|a| a.len() == 12);
        told.or_else(|| self.receiver()).map(SmolStr::new)
    }
}

/// Whether a statement covers an action of a service that is not known by name.
fn may_cover(statement: &document::Statement, service: &str) -> Tri {
    let mut covered = Tri::False;
    for item in &statement.actions.items {
        let (prefix, name) = item.split_once(':').unwrap_or((item, "*"));
        if Glob::ignoring_case(prefix).matches(service) {
            covered = covered.or(if name.bytes().all(|b| b == b'*') { Tri::True } else { Tri::Unknown });
        }
    }
    if statement.actions.negated { !covered } else { covered }
}

/// Whether a statement that covers the action covers the resource and its conditions hold; and why that is open.
fn applies(
    action: &ActionKey,
    statement: &Statement,
    written: &document::Statement,
    resource: &Resource,
    keys: &Keys<'_>,
    why: &mut BTreeSet<Why>,
) -> Tri {
    let find = |key: &str| keys.find(key);
    let mut all = covers(action, statement, written, resource, keys);
    if all == Tri::Unknown {
        let open = |key: &&SmolStr| keys.find(key) == Lookup::Open;
        let by_variable: Vec<Why> = statement.variables().filter(open).map(|k| Why::Key(k.clone())).collect();
        if by_variable.is_empty() || !matches!(resource, Resource::Named(_)) {
            why.insert(Why::Resource(text_of(resource)));
        }
        why.extend(by_variable);
    }
    for condition in &statement.conditions {
        if all.is_false() {
            break;
        }
        let holds = condition.holds(&find);
        if holds == Tri::Unknown {
            let named = std::iter::once(&condition.key).chain(condition.variables());
            why.extend(named.filter(|k| keys.find(k) == Lookup::Open).map(|k| Why::Key(k.clone())));
        }
        all = all.and(holds);
    }
    all
}

fn covers(
    action: &ActionKey,
    statement: &Statement,
    written: &document::Statement,
    resource: &Resource,
    keys: &Keys<'_>,
) -> Tri {
    let find = |key: &str| keys.find(key);
    let named = |arn: &str| covers_resource(action.text(), ResourceKey::new(arn), statement, &find);
    let like = |pattern: &str| {
        let Some(element) = &written.resources else { return Tri::True };
        let each = element.items.iter().map(|item| match taken(item, pattern) {
            Taken::All => Tri::True,
            Taken::Nothing => Tri::False,
            Taken::Open => Tri::Unknown,
        });
        let any = Tri::any(each);
        if element.negated { !any } else { any }
    };
    match resource {
        Resource::Named(arn) => named(arn),
        Resource::Like(pattern) => like(pattern),
        Resource::Either(arn, pattern) => match (named(arn), like(pattern)) {
            (one, other) if one == other => one,
            _ => Tri::Unknown,
        },
        Resource::Untold => like("*"),
    }
}

/// What is denied or open is at most open.
fn doubt(said: &mut Said, why: Why) {
    if !said.denied.is_false() {
        said.denied = Tri::Unknown;
        said.why.insert(why);
    }
}

/// The call concerns one of several resources: denied where it would be on each.
fn one_of(all: Vec<Said>) -> Said {
    let none = Said { denied: Tri::False, resource: SmolStr::default(), by: SmolStr::default(), why: BTreeSet::new() };
    let denied = all.iter().filter(|s| s.denied.is_true()).count();
    let open = all.iter().any(|s| !s.denied.is_false());
    let (whole, count) = (all.len(), denied);
    let Some(mut said) = all.into_iter().max_by_key(|s| s.denied) else { return none };
    if open && count < whole {
        let resource = said.resource.clone();
        doubt(&mut said, Why::Resource(resource));
    }
    said
}

fn text_of(resource: &Resource) -> SmolStr {
    match resource {
        Resource::Named(arn) | Resource::Like(arn) | Resource::Either(arn, _) => arn.clone(),
        Resource::Untold => SmolStr::new_static("*"),
    }
}

/// `policy:Sid`, or `policy:Statement[0]`.
fn name(policy: &Compiled, statement: &document::Statement) -> SmolStr {
    match statement.sid.as_deref().filter(|s| !s.is_empty()) {
        Some(sid) => format_smolstr!("{}:{sid}", policy.name),
        None => format_smolstr!("{}:Statement[{}]", policy.name, statement.index),
    }
}
