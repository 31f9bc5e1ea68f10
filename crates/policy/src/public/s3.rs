//! What Amazon S3 takes for public (S3 User Guide, `access-control-block-public-access`, "The meaning of public").
//!
//! A bucket policy is public unless each of its Allow statements grants access to fixed values only: of the principal, or
//! of one of the keys listed there. A fixed value holds neither a wildcard nor a policy variable. Deny statements do not
//! count.

use super::Question;
use crate::document::{Condition, Effect, Principal, Statement};
use crate::operator::{Base, SetOperator};
use smol_str::SmolStr;
use yagura_model::IpRange;

/// Which kind of S3 resource a policy is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bucket,
    AccessPoint,
}

/// Whether the policy is of an S3 resource: by its ARN, or where none is given by the ARNs that its statements name.
pub(super) fn kind(question: &Question<'_>) -> Option<Kind> {
    let kind_of = |arn: &str| {
        let mut parts = arn.splitn(6, ':').skip(2);
        let is_s3 = parts.next() == Some("s3");
        let is_access_point = parts.nth(2).is_some_and(|id| id.starts_with("accesspoint/"));
        is_s3.then_some(if is_access_point { Kind::AccessPoint } else { Kind::Bucket })
    };
    if let Some(arn) = question.resource {
        return kind_of(arn);
    }
    let mut resources = question.policy.statements.iter().flat_map(|s| s.resources.iter()).flat_map(|e| &e.items);
    let first = kind_of(resources.next()?)?;
    resources.all(|arn| kind_of(arn).is_some()).then_some(first)
}

/// The statements that make the policy public, by their places.
pub(super) fn public_statements(question: &Question<'_>, kind: Kind) -> Vec<usize> {
    let confined = |s: &Statement| s.conditions.iter().any(|c| confines(c, kind, question.trusted_networks));
    let public = |s: &&Statement| s.effect == Effect::Allow && !has_fixed_principals(s) && !confined(s);
    question.policy.statements.iter().filter(public).map(|s| s.index).collect()
}

fn has_fixed_principals(statement: &Statement) -> bool {
    statement.principals.as_ref().is_none_or(|element| {
        let fixed = |p: &Principal| match p {
            Principal::Anyone => false,
            Principal::Aws(text)
            | Principal::Service(text)
            | Principal::Federated(text)
            | Principal::CanonicalUser(text) => is_fixed(text),
        };
        !element.negated && element.items.iter().all(fixed)
    })
}

/// Whether a condition confines a statement to fixed values.
fn confines(condition: &Condition, kind: Kind, trusted: &[SmolStr]) -> bool {
    let operator = condition.operator;
    // `IfExists` and `ForAllValues` let in requests without the key.
    if operator.if_exists || operator.set == Some(SetOperator::ForAllValues) || condition.values.is_empty() {
        return false;
    }
    let each = |fixed: &dyn Fn(&str) -> bool| condition.values.iter().all(|value| fixed(value));
    let equals = matches!(
        operator.base,
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::ArnEquals | Base::ArnLike
    );
    let key = condition.key.to_ascii_lowercase();
    match key.as_str() {
        "aws:sourceip" => operator.base == Base::IpAddress && each(&|v| is_narrow(v, trusted)),
        "aws:principalorgid"
        | "aws:principalorgpaths"
        | "aws:principalarn"
        | "aws:principalaccount"
        | "aws:principalservicename"
        | "aws:sourcearn"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:sourceowner"
        | "aws:sourceaccount"
        | "aws:userid"
        | "aws:sourceorgid"
        | "aws:sourceorgpaths"
        | "s3:dataaccesspointaccount"
        | "s3:x-amz-server-side-encryption-aws-kms-key-id" => equals && each(&is_fixed),
        "s3:dataaccesspointarn" => kind == Kind::Bucket && equals && each(&has_fixed_account),
        "aws:principalisawsservice" => operator.base == Base::Bool && each(&|v| v.eq_ignore_ascii_case("true")),
        _ => false,
    }
}

fn is_fixed(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

/// Whether an access point's ARN has a fixed account, whatever the access point's name.
fn has_fixed_account(arn: &str) -> bool {
    arn.split(':').nth(4).is_some_and(|account| !account.is_empty() && is_fixed(account))
}

/// Whether a range is no broader than /8 (IPv4) or /32 (IPv6), private, or trusted.
fn is_narrow(text: &str, trusted: &[SmolStr]) -> bool {
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    IpRange::parse(text).is_some_and(|range| {
        let broadest = if range.first().is_ipv4() { 8 } else { 32 };
        let mut known = private.into_iter().chain(trusted.iter().map(SmolStr::as_str)).filter_map(IpRange::parse);
        range.prefix() >= broadest || known.any(|known| known.covers(&range))
    })
}
