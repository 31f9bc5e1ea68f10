//! Which paths fit one principal, and on whom.

use super::path::{Gains, On, RoleTarget, Target, Trusts};
use super::world::{Actor, Prepared, PreparedStep, Sure, Trust, World};
use super::{Certainty, Conditions, Doubt};
use crate::account::{IdentityKind, Part};
use smol_str::SmolStr;
use std::collections::HashMap;

/// A path that fits, on one target.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) certainty: Certainty,
    pub(super) whom: Whom,
    pub(super) gained: Gained,
    pub(super) doubts: Vec<Doubt>,
    pub(super) when: Conditions,
}

/// The target of a fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whom {
    /// None that authorization details show.
    Nobody,
    /// A user or role of the account.
    Identity(usize),
    /// A group or policy by its ARN.
    Arn(SmolStr),
    /// Something that is not in the authorization details, by an ARN that the caller's policies allow.
    Unseen(SmolStr),
}

/// Whose permissions the caller has afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Gained {
    /// Those of nobody that can be told.
    Nothing,
    /// Those of a user or role.
    Identity(usize),
    /// An administrator's.
    Admin,
}

impl Gained {
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Identity(_) => 1,
            Self::Admin => 2,
        }
    }
}

impl Whom {
    /// The ARN to show.
    pub(super) fn arn(&self, world: &World<'_>) -> Option<SmolStr> {
        match self {
            Self::Nobody => None,
            Self::Identity(at) => world.actors.get(*at).map(|a| a.identity.arn.clone()),
            Self::Arn(arn) => Some(arn.clone()),
            Self::Unseen(_) => None,
        }
    }
}

/// A resource that an action is asked on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Whom(Whom),
    /// A role, with a trust policy that leaves it to the account.
    Trusting(Whom),
    Pattern(SmolStr),
}

/// Finds the fits of one caller.
pub(super) struct Fits<'w, 'a> {
    pub(super) world: &'w World<'a>,
    caller: usize,
    pub(super) actor: &'w Actor<'a>,
    asked: HashMap<(usize, Subject), Sure>,
    mentioned: HashMap<usize, bool>,
}

/// A target that may do, with what keeps it from being certain.
struct Candidate {
    whom: Whom,
    certainty: Certainty,
    doubts: Vec<Doubt>,
    when: Conditions,
}

impl Candidate {
    fn sure(whom: Whom) -> Self {
        Self { whom, certainty: Certainty::Certain, doubts: Vec::new(), when: Conditions::new() }
    }

    fn doubtful(whom: Whom, doubt: Doubt) -> Self {
        Self { whom, certainty: Certainty::Conditional, doubts: vec![doubt], when: Conditions::new() }
    }

    fn allowed(self, sure: &Sure) -> Self {
        let mut all = self.at_most(sure.certainty, Doubt::Condition);
        if let Some(when) = &sure.when {
            all.when.extend(when.iter().map(|(key, values)| (key.clone(), values.clone())));
        }
        all
    }

    fn at_most(mut self, certainty: Certainty, doubt: Doubt) -> Self {
        if certainty < self.certainty {
            self.certainty = certainty;
        }
        if certainty < Certainty::Certain && !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
        self
    }
}

impl<'w, 'a> Fits<'w, 'a> {
    /// Every path that fits the caller, with its fits.
    pub(super) fn of(world: &'w World<'a>, caller: usize) -> Vec<(usize, Vec<Fit>)> {
        let Some(actor) = world.actors.get(caller) else { return Vec::new() };
        let mut fits = Self { world, caller, actor, asked: HashMap::new(), mentioned: HashMap::new() };
        let all = world.paths.iter().enumerate().map(|(at, path)| (at, fits.fit(path)));
        all.filter(|(_, fits)| !fits.is_empty()).collect()
    }

    fn fit(&mut self, prepared: &Prepared<'_>) -> Vec<Fit> {
        let mut base = Candidate::sure(Whom::Nobody);
        for step in prepared.steps.iter().filter(|s| !is_on_target(s)) {
            let allowed = self.step(step, &Whom::Nobody);
            if allowed.iter().any(|a| a.certainty == Certainty::No) {
                return Vec::new();
            }
            base = allowed.iter().fold(base, Candidate::allowed);
        }
        if prepared.steps.iter().any(|s| is_on_target(s) && !s.asks.iter().all(|a| self.may_be_allowed(*a))) {
            return Vec::new();
        }
        if prepared.path.needs.is_some() {
            base = base.at_most(Certainty::Conditional, Doubt::Need);
        }
        if !self.actor.identity.is_whole() {
            base = base.at_most(Certainty::Conditional, Doubt::Unread);
        }
        let mut fits = Vec::new();
        let (sure, doubtful) = self.candidates(prepared);
        for (candidates, enough) in [(sure, Certainty::Certain), (doubtful, Certainty::Conditional)] {
            for candidate in candidates {
                if let Some(fit) = self.fit_on(prepared, &base, candidate) {
                    let best = fit.certainty >= enough && self.needs_no_more(&fit);
                    fits.push(fit);
                    if best {
                        return fits;
                    }
                }
            }
            if !fits.is_empty() {
                return fits;
            }
        }
        if !matches!(prepared.path.target, Target::Account | Target::Resource) {
            let unseen = super::candidates::unseen(self, prepared);
            fits.extend(
                unseen.into_iter().find_map(|arn| {
                    self.fit_on(prepared, &base, Candidate::doubtful(Whom::Unseen(arn), Doubt::Unseen))
                }),
            );
        }
        fits
    }

    /// Whether no other target of the path could serve the caller better.
    fn needs_no_more(&self, fit: &Fit) -> bool {
        let admin = |at: usize| self.world.actors.get(at).is_some_and(|a| a.admin == Certainty::Certain);
        let reaches = matches!(fit.gained, Gained::Admin) || matches!(fit.gained, Gained::Identity(at) if admin(at));
        reaches || self.actor.admin == Certainty::Certain
    }

    fn fit_on(&mut self, prepared: &Prepared<'_>, base: &Candidate, candidate: Candidate) -> Option<Fit> {
        let mut all = candidate;
        for doubt in &base.doubts {
            all = all.at_most(base.certainty, *doubt);
        }
        all.when.extend(base.when.clone());
        for step in prepared.steps.iter().filter(|s| is_on_target(s)) {
            let allowed = self.step(step, &all.whom);
            if allowed.iter().any(|a| a.certainty == Certainty::No) {
                return None;
            }
            all = allowed.iter().fold(all, Candidate::allowed);
        }
        let (gained, sure) = self.gained(prepared, &all.whom);
        if prepared.path.gains == Gains::Version && gained == Gained::Nothing {
            all = all.at_most(sure, Doubt::Missing);
        }
        let certainty = if gained == Gained::Admin { all.certainty.min(sure) } else { all.certainty };
        all.doubts.sort_unstable();
        Some(Fit { certainty, whom: all.whom, gained, doubts: all.doubts, when: all.when })
    }

    /// Targets that make the path certain, and targets of the account that make it conditional; none where the target
    /// is nobody in particular.
    fn candidates(&mut self, prepared: &Prepared<'_>) -> (Vec<Candidate>, Vec<Candidate>) {
        let (world, me) = (self.world, self.caller);
        let identity = self.actor.identity;
        let others =
            |list: &[usize]| list.iter().copied().filter(|at| *at != me).map(Whom::Identity).collect::<Vec<_>>();
        let sure = |list: Vec<Whom>| list.into_iter().map(Candidate::sure).collect::<Vec<_>>();
        let doubtful =
            |list: Vec<Whom>| list.into_iter().map(|w| Candidate::doubtful(w, Doubt::NotOwn)).collect::<Vec<_>>();
        match &prepared.path.target {
            Target::Account | Target::Resource => (vec![Candidate::sure(Whom::Nobody)], Vec::new()),
            Target::User => (sure(others(&world.users)), Vec::new()),
            Target::Caller { kind, boundary } => {
                let mut own = Vec::new();
                if identity.kind == *kind && !self.actor.belongs_to_aws {
                    let bounded = !boundary || identity.boundary.is_some();
                    let bounded = if bounded { Certainty::Certain } else { Certainty::Conditional };
                    own.push(Candidate::sure(Whom::Identity(me)).at_most(bounded, Doubt::Missing));
                }
                let list = if *kind == IdentityKind::User { &world.users } else { &world.roles };
                let changeable =
                    list.iter().copied().filter(|at| world.actors.get(*at).is_some_and(|a| !a.belongs_to_aws));
                (own, doubtful(others(&changeable.collect::<Vec<_>>())))
            }
            Target::Role(role) => (self.roles(prepared, role), Vec::new()),
            Target::Group { own } => {
                let is_user = identity.kind == IdentityKind::User;
                let arns = world.account.groups.iter().map(|g| g.arn.clone());
                let (mine, rest): (Vec<_>, Vec<_>) = arns.partition(|arn| identity.groups.contains(arn));
                let whom = |list: Vec<SmolStr>| list.into_iter().map(Whom::Arn).collect::<Vec<_>>();
                match (own, is_user) {
                    (true, true) => (sure(whom(mine)), doubtful(whom(rest))),
                    (false, true) => (sure(whom(rest)), Vec::new()),
                    (_, false) => (Vec::new(), doubtful(whom(rest))),
                }
            }
            Target::Policy => {
                let held = self.customer_managed(identity);
                let rest = world.account.policies.iter().map(|p| &p.arn).filter(|arn| self.is_customer_managed(arn));
                let rest = rest.filter(|arn| !held.contains(*arn)).cloned().map(Whom::Arn).collect();
                (sure(held.into_iter().map(Whom::Arn).collect()), doubtful(rest))
            }
        }
    }

    fn roles(&self, prepared: &Prepared<'_>, wanted: &RoleTarget) -> Vec<Candidate> {
        let changes = prepared.steps.iter().filter(|s| is_on_target(s)).flat_map(|s| &s.asks).any(|a| {
            let action = self.world.asks.get(*a).map(|a| a.action.as_str());
            action.is_some_and(|a| a.starts_with("iam:") && a != "iam:PassRole")
        });
        let mut found = Vec::new();
        for at in self.world.roles.iter().copied().filter(|at| *at != self.caller) {
            let Some(actor) = self.world.actors.get(at) else { continue };
            let role = actor.identity;
            if actor.belongs_to_aws && (changes || wanted.trusts != Trusts::Caller) {
                continue;
            }
            let mut candidate = Candidate::sure(Whom::Identity(at));
            if let Trusts::Services(services) = &wanted.trusts {
                let trusted = self.world.role_trusts(at, services);
                if trusted == Certainty::No {
                    continue;
                }
                candidate = candidate.at_most(trusted, Doubt::Condition);
            }
            let lacks = (wanted.instance_profile && role.instance_profiles.is_empty())
                || (wanted.boundary && role.boundary.is_none());
            let has = if lacks { Certainty::Conditional } else { Certainty::Certain };
            found.push(candidate.at_most(has, Doubt::Missing));
        }
        // Where one serves fully, those that lack something only blur the picture.
        found.sort_by_key(|c| std::cmp::Reverse(c.certainty));
        found
    }

    /// For each ask of a step, how sure it is on the best of its resources; ends with the first that is not allowed.
    fn step(&mut self, step: &PreparedStep<'_>, whom: &Whom) -> Vec<Sure> {
        let mut all = Vec::with_capacity(step.asks.len());
        for ask in &step.asks {
            let mut best = Sure::NO;
            for on in step.on {
                for subject in self.subjects(on, whom) {
                    best = best.or(self.may(*ask, subject));
                }
            }
            let ends = best.certainty == Certainty::No;
            all.push(best);
            if ends {
                break;
            }
        }
        all
    }

    fn subjects(&self, on: &On, whom: &Whom) -> Vec<Subject> {
        match (on, whom) {
            (On::Pattern(pattern), _) => vec![Subject::Pattern(pattern.clone())],
            (On::Target, _) => vec![Subject::Whom(whom.clone())],
            (On::TrustingTarget, _) => vec![Subject::Trusting(whom.clone())],
            (On::TargetPolicy, Whom::Identity(at)) => {
                let identity = self.world.actors.get(*at).map(|a| a.identity);
                let held = identity.map(|i| self.customer_managed(i)).unwrap_or_default();
                held.into_iter().map(|arn| Subject::Whom(Whom::Arn(arn))).collect()
            }
            (On::TargetPolicy, _) => vec![Subject::Pattern(SmolStr::new_static(ANY_POLICY))],
        }
    }

    fn may(&mut self, ask: usize, subject: Subject) -> Sure {
        if !self.may_be_allowed(ask) {
            return Sure::NO;
        }
        let key = (ask, subject);
        if let Some(known) = self.asked.get(&key) {
            return known.clone();
        }
        let sure = self.decide(ask, &key.1);
        self.asked.insert(key, sure.clone());
        sure
    }

    fn decide(&self, ask: usize, subject: &Subject) -> Sure {
        let Some(ask) = self.world.asks.get(ask) else { return Sure::NO };
        let (whom, trusting) = match subject {
            Subject::Whom(whom) => (whom, false),
            Subject::Trusting(whom) => (whom, true),
            Subject::Pattern(pattern) => return super::candidates::on_some(self, ask, pattern),
        };
        let assumes = ask.action == "sts:AssumeRole";
        match whom {
            Whom::Nobody => Sure::NO,
            Whom::Identity(at) => {
                let Some(actor) = self.world.actors.get(*at) else { return Sure::NO };
                let target = actor.identity;
                let trust = match &target.trust {
                    _ if !assumes => Trust::NotAsked,
                    _ if trusting => Trust::Account,
                    Some(_) if !actor.lets_principals_in => return Sure::NO,
                    Some(trust) => Trust::Policy(trust),
                    None if target.unread.iter().any(|u| u.part == Part::Trust) => Trust::Unread,
                    None => return Sure::NO,
                };
                self.world.may(self.actor, ask, &target.arn, Some(target), trust)
            }
            Whom::Arn(arn) | Whom::Unseen(arn) => {
                let trust = if assumes { Trust::Account } else { Trust::NotAsked };
                self.world.may(self.actor, ask, arn, None, trust)
            }
        }
    }

    /// Whether anything could allow the action: a statement of the caller's, or a role's trust policy.
    pub(super) fn may_be_allowed(&mut self, ask: usize) -> bool {
        let (world, actor) = (self.world, self.actor);
        *self.mentioned.entry(ask).or_insert_with(|| {
            world.asks.get(ask).is_some_and(|a| a.action == "sts:AssumeRole" || actor.mentions(&a.key))
        })
    }

    /// Whose permissions a path gives, and how sure it is that they are an administrator's.
    fn gained(&self, prepared: &Prepared<'_>, whom: &Whom) -> (Gained, Certainty) {
        let as_admin = |sure: Certainty, otherwise: Gained| match sure {
            Certainty::No => (otherwise, Certainty::Conditional),
            sure => (Gained::Admin, sure),
        };
        let of_target = match whom {
            Whom::Identity(at) if *at != self.caller => Gained::Identity(*at),
            _ => Gained::Nothing,
        };
        match (prepared.path.gains, whom) {
            (Gains::Admin, _) => (Gained::Admin, Certainty::Certain),
            (Gains::Target, Whom::Arn(arn)) => {
                let group = self.world.account.groups.iter().find(|g| g.arn == *arn);
                let more = group.into_iter().flat_map(|g| &g.policies).filter_map(|p| p.document.clone());
                as_admin(self.world.is_admin(&self.actor.with(more)), Gained::Nothing)
            }
            (Gains::Unbounded, Whom::Identity(at)) => {
                let sure = self.world.actors.get(*at).map_or(Certainty::No, |a| a.admin_unbounded);
                as_admin(sure, of_target)
            }
            (Gains::Version, Whom::Arn(arn)) => {
                let policy = self.world.account.policies.iter().find(|p| p.arn == *arn);
                let versions = policy.map(|p| p.other_versions.as_slice()).unwrap_or_default();
                let admin = versions.iter().map(|v| self.world.is_admin(&self.actor.with([v.clone()]))).max();
                let some = if versions.is_empty() { Certainty::Conditional } else { Certainty::Certain };
                match admin {
                    Some(sure @ (Certainty::Certain | Certainty::Conditional)) => (Gained::Admin, sure),
                    _ => (Gained::Nothing, some),
                }
            }
            (Gains::Target, Whom::Identity(_)) => (of_target, Certainty::Certain),
            _ => (Gained::Nothing, Certainty::Conditional),
        }
    }

    /// The policies that an identity holds and that the account's own principals may change.
    fn customer_managed(&self, identity: &crate::account::Identity) -> Vec<SmolStr> {
        let held = identity.policies.iter().filter(|h| h.managed && self.is_customer_managed(&h.name));
        held.map(|h| h.name.clone()).collect()
    }

    fn is_customer_managed(&self, arn: &str) -> bool {
        !arn.contains(":iam::aws:")
    }
}

/// Any customer managed policy.
const ANY_POLICY: &str = "arn:{partition}:iam::{account}:policy/*";

fn is_on_target(step: &PreparedStep<'_>) -> bool {
    step.on.iter().any(|on| !matches!(on, On::Pattern(_)))
}
