//! The catalogue of escalation paths, as its content files say them.

use crate::account::IdentityKind;
use smol_str::SmolStr;
use yagura_model::Lang;

/// One way in which a principal gains permissions that it was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// `lambda.create_and_invoke_function`, as its file's path says.
    pub id: SmolStr,
    /// What public catalogues call it (`lambda-001`, `rhino-15`).
    pub ids: Vec<SmolStr>,
    /// On whom it works.
    pub target: Target,
    /// What the caller has afterwards.
    pub gains: Gains,
    /// The calls, all of which the caller must be allowed.
    pub steps: Vec<Step>,
    /// What it needs besides, that authorization details do not show: the path is conditional.
    pub needs: Option<Words>,
    /// AWS CLI commands with placeholders (`{target.name}`).
    pub commands: Vec<SmolStr>,
    /// What it is, in one line.
    pub title: Words,
    /// Why it works.
    pub why: Words,
    /// How to close it.
    pub fix: Words,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// English.
    pub en: SmolStr,
    /// Japanese.
    pub ja: SmolStr,
}

impl Words {
    /// The text in a language.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.ja)
    }
}

/// On whom a path works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The caller itself, where it is of this kind. Another of the kind will do where the caller can act as it.
    Caller {
        /// User or role.
        kind: IdentityKind,
        /// Whether it must have a permissions boundary.
        boundary: bool,
    },
    /// Nobody in particular: IAM of the account as a whole.
    Account,
    /// Another user.
    User,
    /// A role.
    Role(RoleTarget),
    /// A group: one that the caller is in, or one that it is not in.
    Group {
        /// Whether the caller is in it.
        own: bool,
    },
    /// A customer managed policy that the caller holds.
    Policy,
    /// A resource with a role of its own, which authorization details do not show.
    Resource,
}

/// Which roles a path works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTarget {
    /// Whom the role must trust.
    pub trusts: Trusts,
    /// Whether it must be in an instance profile.
    pub instance_profile: bool,
    /// Whether it must have a permissions boundary.
    pub boundary: bool,
}

/// Whom a role must trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trusts {
    /// Whomever: the path does not ask.
    Any,
    /// The caller; the step `sts:AssumeRole` tells.
    Caller,
    /// One of these service principals.
    Services(Vec<SmolStr>),
}

/// What the caller has when the path is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gains {
    /// Whatever it wants: it decides on the permissions of somebody it can act as.
    Admin,
    /// The permissions of the target.
    Target,
    /// The permissions of a role that nobody can tell from authorization details.
    Resource,
    /// The permissions of the target without its permissions boundary.
    Unbounded,
    /// The permissions of another version of the policy.
    Version,
}

/// One call of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The action; with a wildcard, `each` says what it stands for.
    pub action: SmolStr,
    /// The actions that must all be allowed in its place.
    pub each: Vec<SmolStr>,
    /// On what: one of these is enough.
    pub on: Vec<On>,
    /// Context keys that the call carries; one of a key's values is enough.
    pub with: Vec<(SmolStr, Vec<SmolStr>)>,
}

/// On what a step acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The target.
    Target,
    /// The target, once its trust policy lets the account in.
    TrustingTarget,
    /// A customer managed policy that the target holds.
    TargetPolicy,
    /// Some resource that matches: an ARN with `*`, `{partition}` and `{account}`.
    Pattern(SmolStr),
}

impl Step {
    /// The actions to be allowed.
    pub fn actions(&self) -> &[SmolStr] {
        if self.each.is_empty() { std::slice::from_ref(&self.action) } else { &self.each }
    }
}

/// The placeholders that commands may hold.
pub const PLACEHOLDERS: [&str; 10] = [
    "account",
    "caller",
    "caller.kind",
    "caller.name",
    "partition",
    "target",
    "target.name",
    "target.policy",
    "target.profile",
    "target.profile.name",
];
