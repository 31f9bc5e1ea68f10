//! Policy validation: AWS's IAM Access Analyzer checks, by their codes
//! (IAM User Guide, `access-analyzer-reference-policy-checks`).
//!
//! Each family of checks is a file that says its codes, levels and texts once and then finds them. The checks work on
//! the JSON tree with its places, so that any text gets an answer.
//!
//! Four codes that AWS once had are left out, because SCPs now take what they were against
//! (`orgs_manage_policies_scps_syntax`): `SCP_SYNTAX_ERROR_ALLOW_CONDITION`, `SCP_SYNTAX_ERROR_ALLOW_NOTACTION`,
//! `SCP_SYNTAX_ERROR_ALLOW_RESOURCE` and `SCP_SYNTAX_ERROR_NOTRESOURCE`.

mod action;
mod address;
mod arn;
mod attached;
mod breadth;
mod check;
mod condition;
mod grammar;
mod organization;
mod pass_role;
mod principal;
mod resource;
mod sid;
mod size;
mod support;
mod trust;
mod value;
mod variable;
mod view;

#[cfg(test)]
mod tests;

pub use check::{Check, Finding, Level};

use crate::catalogue::Catalogue;
use crate::json::{self, Node};
use check::{Place, Report};
use size::Length;
use std::str::FromStr;

/// What a policy is attached to, as far as its rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// Attached to a user, group or role; permissions boundaries too.
    Identity,
    /// Attached to a resource other than a role.
    Resource,
    /// A role's trust policy.
    Trust,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// Passed when a role is assumed.
    Session,
    /// A VPC endpoint policy.
    Endpoint,
    /// Not known: the grammar alone is checked.
    Any,
}

impl PolicyType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 8] =
        [Self::Identity, Self::Resource, Self::Trust, Self::Scp, Self::Rcp, Self::Session, Self::Endpoint, Self::Any];

    /// The name on the command line and in batches.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Resource => "resource",
            Self::Trust => "trust",
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::Session => "session",
            Self::Endpoint => "endpoint",
            Self::Any => "any",
        }
    }

    /// Attached to a resource that callers reach, a role aside.
    const fn is_of_a_resource(self) -> bool {
        matches!(self, Self::Resource | Self::Endpoint)
    }
}

impl FromStr for PolicyType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|t| t.name() == text).ok_or(())
    }
}

/// Every check there is, sorted by code.
pub fn checks() -> Vec<&'static Check> {
    let families = [
        action::CHECKS,
        address::CHECKS,
        arn::CHECKS,
        attached::CHECKS,
        breadth::CHECKS,
        condition::CHECKS,
        grammar::CHECKS,
        organization::CHECKS,
        pass_role::CHECKS,
        principal::CHECKS,
        resource::CHECKS,
        sid::CHECKS,
        size::CHECKS,
        support::CHECKS,
        trust::CHECKS,
        value::CHECKS,
        variable::CHECKS,
    ];
    let mut all: Vec<&Check> = families.into_iter().flatten().copied().collect();
    all.sort_by_key(|check| check.code);
    all
}

/// What is wrong or could be better with a policy, in the order of its text. Any text gets an answer; a policy that
/// AWS accepts and does as it says has no finding of level [`Level::Error`].
pub fn lint(text: &str, kind: PolicyType, catalogue: &Catalogue) -> Vec<Finding> {
    let mut report = Report::default();
    match json::parse(text) {
        Ok(root) => document(&root, &Length::of_text(text), kind, catalogue, &mut report),
        Err(e) => {
            let (line, column) = json::position(text, e.span.start);
            let place = Place { path: String::new(), span: e.span };
            report.add(&grammar::JSON_SYNTAX_ERROR, &place, &[&format_args!("{} ({line}:{column})", e.message)]);
        }
    }
    report.finish()
}

/// [`lint`] for a policy that stands as an object in a larger JSON text; quotas count it without white space.
pub fn lint_node(root: &Node<'_>, kind: PolicyType, catalogue: &Catalogue) -> Vec<Finding> {
    let mut report = Report::default();
    document(root, &Length::of_node(root), kind, catalogue, &mut report);
    report.finish()
}

fn document(root: &Node<'_>, length: &Length, kind: PolicyType, catalogue: &Catalogue, report: &mut Report) {
    let policy = grammar::read(root, kind, catalogue, report);
    variable::check(&policy, report);
    sid::check(&policy, report);
    condition::check(&policy, report);
    value::check(&policy, report);
    principal::check(&policy, report);
    if kind == PolicyType::Any {
        return;
    }
    size::check(length, root, kind, report);
    action::check(&policy, report);
    arn::check(&policy, report);
    resource::check(&policy, report);
    address::check(&policy, report);
    breadth::check(&policy, report);
    support::check(&policy, report);
    trust::check(&policy, report);
    organization::check(&policy, report);
    attached::check(&policy, report);
    pass_role::check(&policy, report);
}
