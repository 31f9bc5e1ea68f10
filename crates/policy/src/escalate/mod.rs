//! Privilege escalation: which catalogued paths fit each principal of an account, and the shortest chains of them to an
//! administrator.
//!
//! Every call of a path is put to the evaluator with all that bears on the caller: policies split in any way, groups,
//! Deny, boundaries, conditions, trust policies, SCPs. A path is certain where it fits whatever else is so, and
//! conditional where it hangs on a condition, on something that authorization details do not show, or on a policy that
//! could not be read ([`Doubt`]).

mod candidates;
mod chain;
mod commands;
mod fit;
pub mod fixture;
pub mod path;
mod world;

use crate::account::{Account, IdentityKind};
use crate::compile::Compiled;
use fit::{Fit, Fits};
use path::Path;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use world::World;

/// How sure it is that something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It cannot.
    No,
    /// It hangs on something.
    Conditional,
    /// It can.
    Certain,
}

impl Certainty {
    /// The word for it in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "none",
            Self::Conditional => "conditional",
            Self::Certain => "certain",
        }
    }
}

/// What a conditional answer hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// A condition of a policy, on a key that is not known.
    Condition,
    /// What the path needs besides ([`Path::needs`]).
    Need,
    /// A target that is not in the authorization details.
    Unseen,
    /// That the caller can act as the target, is in the group, or holds the policy.
    NotOwn,
    /// That the target has what the path takes off or adds to: a permissions boundary, an instance profile, a version.
    Missing,
    /// Policies of the caller that could not be read.
    Unread,
}

/// Context keys with values under which a permission is given; no values: the key must be absent.
pub type Conditions = BTreeMap<SmolStr, Vec<SmolStr>>;

/// What was found in an account.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every user and role, sorted by ARN.
    pub principals: Vec<Principal>,
}

/// What one principal can gain.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its ARN.
    pub arn: SmolStr,
    /// User or role.
    pub kind: IdentityKind,
    /// Whether it may do everything already.
    pub admin: Certainty,
    /// The paths that fit it.
    pub found: Vec<Found>,
    /// The way to tell of: to an administrator where one is reached, else the surest single step. Empty where the
    /// principal is an administrator already or no path fits.
    pub chain: Vec<Hop>,
    /// Whether the chain ends with an administrator's permissions.
    pub reaches_admin: bool,
    /// How sure the chain is: as its weakest part. Certain where there is none.
    pub certainty: Certainty,
}

/// A path that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its place in the catalogue that was asked with.
    pub path: usize,
    /// How sure it is.
    pub certainty: Certainty,
    /// On whom it works best, by ARN.
    pub target: Option<SmolStr>,
    /// What a conditional answer hangs on.
    pub doubts: Vec<Doubt>,
    /// Where it hangs on conditions, one way to meet them.
    pub when: Conditions,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Who takes it, by ARN.
    pub from: SmolStr,
    /// The path, by its place in the catalogue.
    pub path: usize,
    /// On whom it works, by ARN.
    pub target: Option<SmolStr>,
    /// Whose permissions are gained, by ARN; `None` where they are an administrator's, or nobody can tell.
    pub to: Option<SmolStr>,
    /// How sure it is.
    pub certainty: Certainty,
    /// What a conditional answer hangs on.
    pub doubts: Vec<Doubt>,
    /// Where it hangs on conditions, one way to meet them.
    pub when: Conditions,
    /// What one would type.
    pub commands: Vec<String>,
}

impl Principal {
    /// The ids of the paths that fit, as the public catalogues name them, sorted.
    pub fn ids<'p>(&self, paths: &'p [Path]) -> Vec<&'p str> {
        let found = self.found.iter().filter_map(|f| paths.get(f.path));
        let mut ids: Vec<&str> = found.flat_map(|p| p.ids.iter().map(SmolStr::as_str)).collect();
        ids.sort_unstable();
        ids
    }
}

/// Finds what every principal of an account can gain. `scps` are the service control policies, level by level from the
/// root of the organization; no level: none apply.
///
/// The work grows with principals × targets of the paths that their own policies speak of. Where every one of 500 users
/// may act on every other and on 500 roles, that is about half a million questions: some three seconds.
pub fn find(account: &Account, paths: &[Path], scps: &[Vec<Arc<Compiled>>]) -> Report {
    let world = World::new(account, paths, scps);
    let fits: Vec<Vec<(usize, Vec<Fit>)>> = (0..world.actors.len()).map(|caller| Fits::of(&world, caller)).collect();
    let chains = chain::shortest(&world, &fits);
    let mut report = Report::default();
    for ((actor, fits), chain) in world.actors.iter().zip(&fits).zip(chains) {
        let found = fits.iter().filter_map(|(path, fits)| {
            let best = fits.iter().max_by_key(|f| (f.certainty, f.gained.rank()))?;
            let target = best.whom.arn(&world);
            let (doubts, when) = (best.doubts.clone(), best.when.clone());
            Some(Found { path: *path, certainty: best.certainty, target, doubts, when })
        });
        report.principals.push(Principal {
            arn: actor.identity.arn.clone(),
            kind: actor.identity.kind,
            admin: actor.admin,
            found: found.collect(),
            chain: chain.hops,
            reaches_admin: chain.reaches_admin,
            certainty: chain.certainty,
        });
    }
    report
}

#[cfg(test)]
mod tests;
