//! Whether a new policy grants access that an old one does not.
//!
//! As IAM Access Analyzer's `CheckNoNewAccess`, the answer is about the policies' languages: every request that they can
//! tell apart counts, whether or not a service has such an action. New access is a request that lies in an Allow statement
//! of the new policy and in none of its Deny statements, and that the old policy does not allow: it lies in none of the
//! old Allow statements, or in one of the old Deny statements.

mod judge;
mod likely;

pub use judge::{PolicyType, UnknownType, request_json};

use crate::catalogue::Catalogue;
use crate::document::{Effect, Policy, Principal, Statement};
use crate::request::Request;
use crate::solve::{self, Binding, Budget, Callers, Literal, Outcome, Space};
use judge::Judge;
use std::collections::BTreeSet;

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// The new policy grants nothing that the old one does not.
    NoNewAccess,
    /// It grants this request, which the old one does not. Both were asked.
    NewAccess(Box<NewAccess>),
    /// It could not be decided; why.
    Unknown(String),
}

/// Access that only the new policy grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccess {
    /// The statement of the new policy that grants it, by its place; `None` where that is `RCPFullAWSAccess`, which
    /// stands beside every resource control policy.
    pub statement: Option<usize>,
    /// The statement of the old policy that denies it, where one does; else none of them allows it.
    pub denied_by: Option<usize>,
    /// A request that the new policy allows and the old one does not.
    pub witness: Request,
}

/// Compares two policies of one type. Witnesses take actions and resources of the catalogue where such fit.
pub fn compare(old: &Policy, new: &Policy, policy_type: PolicyType, catalogue: Option<&Catalogue>) -> Comparison {
    let (old, new) = (policy_type.completed(old), policy_type.completed(new));
    let judge = Judge::new(&old, &new, policy_type, catalogue);
    let budget = Budget::default();
    let (bindings, cut) = solve::bindings(&[&new, &old]);
    let mut unknown = cut.then(|| "policy variables meet more values than are tried".to_owned());
    for binding in &bindings {
        match (Question { old: &old, new: &new, policy_type, judge: &judge, binding, budget: &budget }).ask() {
            Comparison::NoNewAccess => {}
            Comparison::Unknown(why) => unknown = Some(why),
            found @ Comparison::NewAccess(_) => return found,
        }
    }
    unknown.map_or(Comparison::NoNewAccess, Comparison::Unknown)
}

/// One comparison with the variables filled in.
struct Question<'a> {
    old: &'a Policy,
    new: &'a Policy,
    policy_type: PolicyType,
    judge: &'a Judge<'a>,
    binding: &'a Binding,
    budget: &'a Budget,
}

/// A statement and what it asks.
struct Asking {
    place: usize,
    literals: Vec<Literal>,
}

impl Question<'_> {
    fn ask(&self) -> Comparison {
        let mut space = Space::new(self.callers(), likely::vocabulary(&[self.new, self.old]), self.budget);
        let fixed = space.binding(self.binding);
        let granting = self.statements(&mut space, self.new, Effect::Allow);
        let new_denies = self.statements(&mut space, self.new, Effect::Deny);
        let old_allows = self.statements(&mut space, self.old, Effect::Allow);
        let old_denies = self.statements(&mut space, self.old, Effect::Deny);
        let literals = |all: &[Asking]| all.iter().map(|a| a.literals.clone()).collect::<Vec<_>>();
        let denied = literals(&new_denies);
        let not_allowed: Vec<Vec<Literal>> = denied.iter().cloned().chain(literals(&old_allows)).collect();
        let mut unknown = None;
        for grant in &granting {
            let inside: Vec<Literal> = fixed.iter().chain(&grant.literals).cloned().collect();
            let ways = std::iter::once((None, &not_allowed)).chain(old_denies.iter().map(|d| (Some(d), &denied)));
            for (deny, outside) in ways {
                let mut inside = inside.clone();
                inside.extend(deny.iter().flat_map(|d| d.literals.iter().cloned()));
                let mut witness = None;
                let outcome = solve::search(&space, &inside, outside, &mut |point| {
                    witness = self.judge.confirm(point);
                    witness.is_some()
                });
                match (outcome, witness) {
                    (Outcome::Found(_), Some(witness)) => {
                        let denied_by = deny.map(|d| d.place);
                        return Comparison::NewAccess(Box::new(NewAccess {
                            statement: (!self.policy_type.adds(grant.place, self.new)).then_some(grant.place),
                            denied_by,
                            witness,
                        }));
                    }
                    (Outcome::Unknown(why), _) => unknown = Some(why),
                    _ => {}
                }
            }
        }
        unknown.map_or(Comparison::NoNewAccess, Comparison::Unknown)
    }

    fn statements(&self, space: &mut Space, policy: &Policy, effect: Effect) -> Vec<Asking> {
        let mut all = Vec::new();
        for statement in policy.statements.iter().filter(|s| s.effect == effect) {
            let Some(seen) = self.policy_type.seen(statement) else { continue };
            let literals = space.statement(&seen, policy.version, self.binding);
            all.push(Asking { place: statement.index, literals });
        }
        all
    }

    fn callers(&self) -> Callers {
        if !self.policy_type.names_principals() {
            return Callers { named: Vec::new(), everyone: false, accounts: likely::accounts(&BTreeSet::new()) };
        }
        let statements = || self.new.statements.iter().chain(&self.old.statements);
        let principals = statements().flat_map(|s: &Statement| s.principals.iter()).flat_map(|e| &e.items);
        let (mut named, mut accounts) = (Vec::new(), BTreeSet::new());
        for principal in principals.filter(|p| **p != Principal::Anyone) {
            let caller = likely::caller(principal, &mut accounts);
            named.extend(caller.filter(|c| !named.contains(c)));
        }
        if self.policy_type == PolicyType::Endpoint {
            named.retain(|c| matches!(c, crate::request::Caller::Aws(_)));
        }
        Callers { named, everyone: self.policy_type != PolicyType::Endpoint, accounts: likely::accounts(&accounts) }
    }
}

#[cfg(test)]
mod tests;
