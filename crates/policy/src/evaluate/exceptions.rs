//! Where AWS documents that the general logic does not hold. Each has a test that cites the page.

use super::{Asked, Find, Kind, Layers};
use crate::compile::{ResourceKey, Statement};
use crate::tri::Tri;

/// `sts:GetCallerIdentity` needs no permission and cannot be denied (STS API Reference, `GetCallerIdentity`), and no policy
/// controls `sts:GetSessionToken` of users (`id_credentials_temp_control-access_getsessiontoken`).
pub(super) fn always_allowed(asked: &Asked<'_>) -> bool {
    let long_lived = matches!(asked.caller.kind, Kind::User | Kind::Root);
    needs_no_permission(asked.action.text(), asked.caller.is_aws(), long_lived)
}

/// The same of an action in lower case and a caller that is (`is_aws`) an identity of IAM, and (`long_lived`) a user or root.
pub(crate) fn needs_no_permission(action: &str, is_aws: bool, long_lived: bool) -> bool {
    match action {
        "sts:getcalleridentity" => is_aws,
        "sts:getsessiontoken" => long_lived,
        _ => false,
    }
}

/// A bucket policy cannot keep the root user of the owning account from the bucket policy itself (S3 API Reference,
/// `DeleteBucketPolicy`), nor a queue policy from the queue's attributes, of which it is one (IAM User Guide,
/// `id_root-user`, "Tasks that require root user credentials").
pub(super) fn root_keeps_resource_policy(asked: &Asked<'_>) -> bool {
    const SPARED: [&str; 5] = [
        "s3:getbucketpolicy",
        "s3:putbucketpolicy",
        "s3:deletebucketpolicy",
        "sqs:getqueueattributes",
        "sqs:setqueueattributes",
    ];
    asked.caller.kind == Kind::Root && asked.is_same_account() && SPARED.contains(&asked.action.text())
}

/// KMS keys and roles: their own policy has to allow, even within the account
/// (`reference_policies_evaluation-logic_policy-eval-denyallow`, "IAM role trust policies and KMS key policies are exceptions").
/// A role whose trust policy is not given is left to the identity policies.
pub(super) fn resource_decides(asked: &Asked<'_>, layers: &Layers<'_>) -> bool {
    let action = asked.action.text();
    let is_key =
        || asked.resource.service() == Some("kms") && asked.resource.id().is_some_and(|id| id.starts_with("key/"));
    let is_role =
        || asked.resource.service() == Some("iam") && asked.resource.id().is_some_and(|id| id.starts_with("role/"));
    (action.starts_with("kms:") && is_key()) || (action.starts_with("sts:") && layers.resource.is_some() && is_role())
}

/// Whether a statement takes in the resource. An action that names no resource is asked with `*`, which only elements
/// that mean every resource take in; S3 takes `arn:aws:s3:::*` for that too, as its documentation writes it for
/// `s3:ListAllMyBuckets`.
pub(super) fn covers<'v>(asked: &Asked<'_>, statement: &Statement, find: Find<'_, 'v>) -> Tri {
    covers_resource(asked.action.text(), asked.resource, statement, find)
}

/// The same of an action in lower case and a resource.
pub(crate) fn covers_resource<'v>(
    action: &str,
    resource: ResourceKey<'_>,
    statement: &Statement,
    find: Find<'_, 'v>,
) -> Tri {
    let covered = statement.covers(resource, find);
    if covered.is_false() && resource.text == "*" && action.starts_with("s3:") {
        return statement.covers(ResourceKey::new("arn:aws:s3:::*"), find);
    }
    covered
}
