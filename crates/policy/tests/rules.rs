//! Each rule of AWS's evaluation with the page that states it. `docs/iam-rules.md` is the same table for people: the last
//! test keeps both equal (`YAGURA_BLESS=1` writes the page).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::fmt::Write as _;
use yagura_policy::case::{Case, parse_line};
use yagura_policy::catalogue::Catalogue;

/// A rule: its name, what AWS documents, the page, a case, the decision and the layers that block.
struct Rule {
    name: &'static str,
    says: &'static str,
    page: &'static str,
    case: Value,
    decision: &'static str,
    blocked_by: &'static [&'static str],
}

const A: &str = "111122223333";
const EVALUATION: &str = "IAM: reference_policies_evaluation-logic_policy-eval-denyallow";
const CROSS: &str = "IAM: reference_policies_evaluation-logic-cross-account";
const BOUNDARIES: &str = "IAM: access_policies_boundaries";
const SCPS: &str = "Organizations: orgs_manage_policies_scps";
const SCP_EVALUATION: &str = "Organizations: orgs_manage_policies_scps_evaluation";
const RCPS: &str = "Organizations: orgs_manage_policies_rcps";
const VARIABLES: &str = "IAM: reference_policies_variables";
const PRINCIPAL: &str = "IAM: reference_policies_elements_principal";

fn allow(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})
}

fn deny(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": resource}})
}

fn shared(effect: &str, principal: Value, action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}})
}

fn trust(principal: Value, action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": action}})
}

fn request(principal: &str, action: &str, resource: &str) -> Value {
    json!({"principal": principal, "action": action, "resource": resource, "resource_account": A})
}

const USER: &str = "arn:aws:iam::111122223333:user/alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const STRANGER: &str = "arn:aws:iam::444455556666:user/mallory";
const OBJECT: &str = "arn:aws:s3:::data/a";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k1";
const ADMIN: &str = "arn:aws:iam::111122223333:role/admin";

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

fn get(principal: &str, more: Value) -> Value {
    with(json!({"request": request(principal, "s3:GetObject", OBJECT)}), more)
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn rules() -> Vec<Rule> {
    let rule = |name, says, page, case, decision, blocked_by| Rule { name, says, page, case, decision, blocked_by };
    let full = || allow("*", "*");
    let key = |principal: &str, more: Value| with(json!({"request": request(principal, "kms:Decrypt", KEY)}), more);
    let assume =
        |principal: &str, more: Value| with(json!({"request": request(principal, "sts:AssumeRole", ADMIN)}), more);
    let by = |caller: Value, action: &str, resource: &str, more: Value| {
        with(
            json!({"request": {"principal": caller, "action": action, "resource": resource, "resource_account": A}}),
            more,
        )
    };
    vec![
        rule(
            "default_deny",
            "without a policy, every request is implicitly denied",
            EVALUATION,
            get(USER, json!({})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "identity_allows",
            "an Allow of an identity policy allows",
            EVALUATION,
            get(USER, json!({"identity_policies": [full()]})),
            "allowed",
            &[],
        ),
        rule(
            "deny_wins",
            "an explicit Deny overrides every Allow",
            EVALUATION,
            get(USER, json!({"identity_policies": [full(), deny("s3:*", "*")]})),
            "explicitly_denied",
            &["identity"],
        ),
        rule(
            "same_account_union",
            "within the account, the resource policy alone is enough",
            EVALUATION,
            get(USER, json!({"resource_policy": shared("Allow", json!({"AWS": USER}), "s3:GetObject")})),
            "allowed",
            &[],
        ),
        rule(
            "account_principal_delegates",
            "naming the account leaves the decision to its identity policies",
            PRINCIPAL,
            get(USER, json!({"resource_policy": shared("Allow", json!({"AWS": A}), "s3:GetObject")})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "cross_account_needs_both",
            "across accounts, both sides have to allow",
            CROSS,
            get(STRANGER, json!({"identity_policies": [full()]})),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "cross_account_identity_missing",
            "across accounts, the resource policy alone is not enough",
            CROSS,
            get(STRANGER, json!({"resource_policy": shared("Allow", json!({"AWS": STRANGER}), "s3:*")})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "cross_account_both",
            "across accounts, an Allow on both sides allows",
            CROSS,
            get(
                STRANGER,
                json!({"identity_policies": [full()], "resource_policy": shared("Allow", json!({"AWS": "444455556666"}), "s3:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "boundary_limits_identity",
            "a permissions boundary has to allow what identity policies allow",
            BOUNDARIES,
            get(USER, json!({"identity_policies": [full()], "permissions_boundaries": [allow("ec2:*", "*")]})),
            "implicitly_denied",
            &["boundary"],
        ),
        rule(
            "boundary_spares_user_grant",
            "a resource policy's grant to the user's ARN is not limited by the boundary",
            EVALUATION,
            get(
                USER,
                json!({"permissions_boundaries": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": USER}), "s3:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "boundary_limits_role_grant",
            "a grant to a role's ARN is limited by an implicit deny of the boundary",
            EVALUATION,
            get(
                SESSION,
                json!({"permissions_boundaries": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": ROLE}), "s3:*")}),
            ),
            "implicitly_denied",
            &["boundary"],
        ),
        rule(
            "boundary_spares_session_grant",
            "a grant to a session's ARN is not limited by the boundary",
            EVALUATION,
            get(
                SESSION,
                json!({"permissions_boundaries": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": SESSION}), "s3:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "boundary_spares_wildcard_grant",
            "a grant to `*` with aws:PrincipalArn is not limited by boundary or session policies",
            EVALUATION,
            get(
                SESSION,
                json!({"permissions_boundaries": [allow("ec2:*", "*")], "session_policies": [allow("ec2:*", "*")], "resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}}}}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "boundary_denies",
            "an explicit Deny of the boundary wins over every grant",
            EVALUATION,
            get(
                USER,
                json!({"permissions_boundaries": [deny("s3:*", "*")], "resource_policy": shared("Allow", json!({"AWS": USER}), "s3:*")}),
            ),
            "explicitly_denied",
            &["boundary"],
        ),
        rule(
            "boundary_and_not_principal",
            "Deny with NotPrincipal always denies a principal with a boundary",
            BOUNDARIES,
            get(
                USER,
                json!({"identity_policies": [full()], "permissions_boundaries": [full()], "resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": USER}, "Action": "s3:*", "Resource": "*"}}}),
            ),
            "explicitly_denied",
            &["resource"],
        ),
        rule(
            "boundary_and_not_principal_of_a_federated_user",
            "…the sessions of a federated user with one too",
            BOUNDARIES,
            get(
                "arn:aws:sts::111122223333:federated-user/alice",
                json!({"identity_policies": [full()], "permissions_boundaries": [full()], "resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": A}, "Action": "s3:*", "Resource": "*"}}}),
            ),
            "explicitly_denied",
            &["resource"],
        ),
        rule(
            "session_limits_identity",
            "session policies have to allow what identity policies allow",
            "IAM: access_policies#policies_session",
            get(SESSION, json!({"identity_policies": [full()], "session_policies": [allow("ec2:*", "*")]})),
            "implicitly_denied",
            &["session"],
        ),
        rule(
            "session_limits_role_grant",
            "a grant to a role's ARN is limited by session policies",
            EVALUATION,
            get(
                SESSION,
                json!({"session_policies": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": ROLE}), "s3:*")}),
            ),
            "implicitly_denied",
            &["session"],
        ),
        rule(
            "session_spares_session_grant",
            "a grant to a session's ARN is not limited by session policies",
            EVALUATION,
            get(
                SESSION,
                json!({"session_policies": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": SESSION}), "s3:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "federated_user_limited",
            "a grant to the federating user's ARN is limited by session policies",
            EVALUATION,
            get(
                "arn:aws:sts::111122223333:federated-user/alice",
                json!({"session_policies": [allow("ec2:*", "*")], "resource_policy": shared("Allow", json!({"AWS": USER}), "s3:*")}),
            ),
            "implicitly_denied",
            &["session"],
        ),
        rule(
            "scp_every_level",
            "every level of the organization has to allow",
            SCP_EVALUATION,
            get(
                USER,
                json!({"identity_policies": [full()], "service_control_policies": [[full()], [allow("ec2:*", "*")], [full()]]}),
            ),
            "implicitly_denied",
            &["scp"],
        ),
        rule(
            "scp_level_without_policies",
            "a level without policies allows nothing",
            SCP_EVALUATION,
            get(USER, json!({"identity_policies": [full()], "service_control_policies": [[full()], []]})),
            "implicitly_denied",
            &["scp"],
        ),
        rule(
            "scp_grants_nothing",
            "an SCP grants nothing by itself",
            SCPS,
            get(USER, json!({"service_control_policies": [[full()]]})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "scp_binds_root",
            "SCPs restrict the root users of member accounts",
            SCPS,
            get(ROOT, json!({"service_control_policies": [[full()], [deny("s3:*", "*"), full()]]})),
            "explicitly_denied",
            &["scp"],
        ),
        rule(
            "scp_spares_service_linked_roles",
            "SCPs do not restrict service-linked roles",
            SCPS,
            get(
                "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                json!({"identity_policies": [full()], "service_control_policies": [[deny("*", "*")]]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "scp_spares_service_principals",
            "SCPs restrict principals of the organization's accounts, not AWS services",
            SCPS,
            by(
                json!({"service": "cloudtrail.amazonaws.com"}),
                "s3:PutObject",
                OBJECT,
                json!({"resource_policy": shared("Allow", json!({"Service": "cloudtrail.amazonaws.com"}), "s3:PutObject"), "service_control_policies": [[deny("*", "*")]]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "rcp_denies_strangers",
            "an RCP restricts principals outside the organization too",
            RCPS,
            get(
                STRANGER,
                json!({"identity_policies": [full()], "resource_policy": shared("Allow", json!("*"), "s3:*"), "resource_control_policies": [[shared("Deny", json!("*"), "s3:*")]]}),
            ),
            "explicitly_denied",
            &["rcp"],
        ),
        rule(
            "rcp_always_allows",
            "RCPFullAWSAccess is attached to every level and cannot be detached",
            RCPS,
            get(USER, json!({"identity_policies": [full()], "resource_control_policies": [[], []]})),
            "allowed",
            &[],
        ),
        rule(
            "rcp_binds_services",
            "an RCP restricts AWS services that act on the resource",
            RCPS,
            by(
                json!({"service": "cloudtrail.amazonaws.com"}),
                "s3:PutObject",
                OBJECT,
                json!({"resource_policy": shared("Allow", json!({"Service": "cloudtrail.amazonaws.com"}), "s3:PutObject"), "resource_control_policies": [[{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}}]]}),
            ),
            "explicitly_denied",
            &["rcp"],
        ),
        rule(
            "rcp_spares_service_linked_roles",
            "RCPs do not restrict service-linked roles",
            RCPS,
            get(
                "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForConfig/s",
                json!({"identity_policies": [full()], "resource_control_policies": [[shared("Deny", json!("*"), "s3:*")]]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "rcp_of_other_services",
            "RCPs apply to the services that support them, and to no other",
            RCPS,
            with(
                json!({"request": request(USER, "ec2:StopInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1")}),
                json!({"identity_policies": [full()], "resource_control_policies": [[shared("Deny", json!("*"), "ec2:*")]]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "endpoint_has_to_allow",
            "a VPC endpoint policy has to allow what passes",
            "VPC: vpc-endpoints-access",
            get(
                USER,
                json!({"identity_policies": [full()], "vpc_endpoint_policies": [shared("Allow", json!("*"), "s3:ListBucket")]}),
            ),
            "implicitly_denied",
            &["vpc_endpoint"],
        ),
        rule(
            "root_has_full_access",
            "the root user has full access to its account",
            EVALUATION,
            get(ROOT, json!({})),
            "allowed",
            &[],
        ),
        rule(
            "root_is_denied_by_bucket_policy",
            "a Deny of a resource policy binds the root user",
            EVALUATION,
            get(ROOT, json!({"resource_policy": shared("Deny", json!("*"), "s3:*")})),
            "explicitly_denied",
            &["resource"],
        ),
        rule(
            "root_keeps_the_bucket_policy",
            "a bucket policy cannot lock the root user out of itself",
            "S3: example-bucket-policies",
            json!({"request": request(ROOT, "s3:PutBucketPolicy", "arn:aws:s3:::data"), "resource_policy": shared("Deny", json!("*"), "s3:*")}),
            "allowed",
            &[],
        ),
        rule(
            "anonymous_needs_everyone",
            "an unsigned request needs a grant to everyone",
            PRINCIPAL,
            by(
                json!({"anonymous": true}),
                "s3:GetObject",
                OBJECT,
                json!({"resource_policy": shared("Allow", json!({"AWS": A}), "s3:*")}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "anonymous_by_wildcard",
            "`{\"AWS\": \"*\"}` is everyone, unsigned requests too",
            PRINCIPAL,
            by(
                json!({"anonymous": true}),
                "s3:GetObject",
                OBJECT,
                json!({"resource_policy": shared("Allow", json!({"AWS": "*"}), "s3:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "bpa_restricts_public_policies",
            "RestrictPublicBuckets leaves a public policy to the account and AWS services",
            "S3: access-control-block-public-access",
            get(
                STRANGER,
                json!({"identity_policies": [full()], "resource_policy": shared("Allow", json!("*"), "s3:GetObject"), "s3": {"PublicAccessBlock": {"RestrictPublicBuckets": true}}}),
            ),
            "implicitly_denied",
            &["block_public_access"],
        ),
        rule(
            "bpa_spares_the_account",
            "RestrictPublicBuckets does not keep the owner's principals out",
            "S3: access-control-block-public-access",
            get(
                USER,
                json!({"resource_policy": shared("Allow", json!("*"), "s3:GetObject"), "s3": {"PublicAccessBlock": {"RestrictPublicBuckets": true}}}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "acl_grants",
            "with ACLs on, an ACL grants as a policy does",
            "S3: acl-overview",
            by(
                json!({"anonymous": true}),
                "s3:GetObject",
                OBJECT,
                json!({"s3": {"ObjectOwnership": "ObjectWriter", "Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]}}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "acls_off",
            "with BucketOwnerEnforced, ACLs grant nothing",
            "S3: about-object-ownership",
            by(
                json!({"anonymous": true}),
                "s3:GetObject",
                OBJECT,
                json!({"s3": {"ObjectOwnership": "BucketOwnerEnforced", "Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]}}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "ignored_public_acl",
            "IgnorePublicAcls takes public ACLs for nothing",
            "S3: access-control-block-public-access",
            by(
                json!({"anonymous": true}),
                "s3:GetObject",
                OBJECT,
                json!({"s3": {"ObjectOwnership": "ObjectWriter", "PublicAccessBlock": {"IgnorePublicAcls": true}, "Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "FULL_CONTROL"}]}}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "key_policy_has_to_allow",
            "identity policies reach a key only where its key policy lets them",
            "KMS: key-policies",
            key(
                USER,
                json!({"identity_policies": [full()], "resource_policy": shared("Allow", json!({"AWS": ROLE}), "kms:*")}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "key_policy_enables_iam",
            "naming the account in the key policy enables IAM policies",
            "KMS: key-policy-default",
            key(
                USER,
                json!({"identity_policies": [full()], "resource_policy": shared("Allow", json!({"AWS": ROOT}), "kms:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "key_policy_root_is_no_grant",
            "naming the account in the key policy grants its users nothing by itself",
            "KMS: key-policy-default",
            key(USER, json!({"resource_policy": shared("Allow", json!({"AWS": ROOT}), "kms:*")})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "key_policy_binds_root",
            "without the key policy's permission not even the root user may use a key",
            "KMS: key-policies",
            key(ROOT, json!({"resource_policy": shared("Allow", json!({"AWS": ROLE}), "kms:*")})),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "key_grant",
            "a grant lets its grantee use the key for its operations",
            "KMS: grants",
            key(
                SESSION,
                json!({"resource_policy": shared("Allow", json!({"AWS": ROOT}), "kms:*"), "kms_grants": [{"GranteePrincipal": ROLE, "Operations": ["Decrypt"]}]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "key_grant_constraint",
            "a grant's encryption context constraint has to hold",
            "KMS: grants",
            key(
                SESSION,
                json!({"resource_policy": shared("Allow", json!({"AWS": ROOT}), "kms:*"), "kms_grants": [{"GranteePrincipal": ROLE, "Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"app": "x"}}}]}),
            ),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "trust_has_to_allow",
            "a role's trust policy has to allow, within the account too",
            "IAM: id_roles_compare-resource-policies",
            assume(
                USER,
                json!({"identity_policies": [full()], "resource_policy": trust(json!({"AWS": ROLE}), "sts:AssumeRole")}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "trust_by_name_is_enough",
            "within the account, a trust policy that names the user is enough",
            EVALUATION,
            assume(USER, json!({"resource_policy": trust(json!({"AWS": USER}), "sts:AssumeRole")})),
            "allowed",
            &[],
        ),
        rule(
            "trust_of_the_account",
            "a trust policy that names the account needs an identity policy too",
            EVALUATION,
            assume(USER, json!({"resource_policy": trust(json!({"AWS": ROOT}), "sts:AssumeRole")})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "external_id",
            "a trust policy's condition on sts:ExternalId has to hold",
            "IAM: id_roles_create_for-user_externalid",
            assume(
                STRANGER,
                json!({"identity_policies": [full()], "resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}}}}}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "web_identity",
            "a web identity needs only the trust policy",
            "IAM: id_roles_create_for-idp_oidc",
            with(
                json!({"request": {"principal": {"federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "action": "sts:AssumeRoleWithWebIdentity", "resource": ADMIN, "context": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}}),
                json!({"resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}}}}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "saml",
            "a SAML identity needs only the trust policy",
            "IAM: id_roles_create_for-idp_saml",
            by(
                json!({"federated": "arn:aws:iam::111122223333:saml-provider/idp"}),
                "sts:AssumeRoleWithSAML",
                ADMIN,
                json!({"resource_policy": trust(json!({"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}), "sts:AssumeRoleWithSAML")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "session_tags",
            "passing session tags needs sts:TagSession in the trust policy",
            "IAM: id_session-tags",
            with(
                json!({"request": request(USER, "sts:TagSession", ADMIN)}),
                json!({"identity_policies": [full()], "resource_policy": trust(json!({"AWS": USER}), "sts:AssumeRole")}),
            ),
            "implicitly_denied",
            &["resource"],
        ),
        rule(
            "service_assumes",
            "a service assumes a role by its trust policy",
            "IAM: id_roles_create_for-service",
            by(
                json!({"service": "lambda.amazonaws.com"}),
                "sts:AssumeRole",
                ADMIN,
                json!({"resource_policy": trust(json!({"Service": "lambda.amazonaws.com"}), "sts:AssumeRole")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "get_caller_identity",
            "sts:GetCallerIdentity cannot be denied",
            "STS API: GetCallerIdentity",
            json!({"request": {"principal": USER, "action": "sts:GetCallerIdentity", "resource": "*"}, "identity_policies": [deny("*", "*")]}),
            "allowed",
            &[],
        ),
        rule(
            "get_session_token",
            "no policy controls sts:GetSessionToken of a user",
            "IAM: id_credentials_temp_control-access_getsessiontoken",
            json!({"request": {"principal": USER, "action": "sts:GetSessionToken", "resource": "*"}, "identity_policies": [deny("*", "*")]}),
            "allowed",
            &[],
        ),
        rule(
            "root_keeps_queue_policy",
            "the root user may mend a queue policy that denies all principals",
            "IAM: id_root-user",
            with(
                json!({"request": request(ROOT, "sqs:SetQueueAttributes", "arn:aws:sqs:us-east-1:111122223333:q")}),
                json!({"resource_policy": shared("Deny", json!("*"), "sqs:*")}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "not_principal_deny",
            "Deny with NotPrincipal spares the principals it lists",
            "IAM: reference_policies_elements_notprincipal",
            get(
                USER,
                json!({"identity_policies": [full()], "resource_policy": {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": [USER, ROOT]}, "Action": "s3:*", "Resource": "*"}}}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "unique_id_of_deleted_principal",
            "a principal that became a unique id matches that identity alone",
            PRINCIPAL,
            get(USER, json!({"resource_policy": shared("Allow", json!({"AWS": "AIDAEXAMPLE"}), "s3:*")})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "actions_ignore_case",
            "action names do not regard case",
            "IAM: reference_policies_elements_action",
            get(USER, json!({"identity_policies": [allow("S3:GETOBJ*", "*")]})),
            "allowed",
            &[],
        ),
        rule(
            "resources_regard_case",
            "resources regard case",
            "IAM: reference_policies_elements_resource",
            get(USER, json!({"identity_policies": [allow("s3:*", "arn:aws:s3:::DATA/*")]})),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "wildcard_stays_in_its_segment",
            "a wildcard of an ARN's segment does not reach past a colon",
            "IAM: reference-arns",
            json!({"request": request(USER, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:orders"), "identity_policies": [allow("sqs:*", "arn:aws:sqs:*:444455556666:orders")]}),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "not_resource",
            "NotResource covers what it does not list",
            "IAM: reference_policies_elements_notresource",
            get(
                USER,
                json!({"identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/*"}}]}),
            ),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "not_action",
            "NotAction covers what it does not list, of every service",
            "IAM: reference_policies_elements_notaction",
            get(
                USER,
                json!({"identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "variable_of_the_principal",
            "a variable stands for the request's value",
            VARIABLES,
            json!({"request": request(USER, "s3:GetObject", "arn:aws:s3:::data/alice/x"), "identity_policies": [allow("s3:*", "arn:aws:s3:::data/${aws:username}/*")]}),
            "allowed",
            &[],
        ),
        rule(
            "variable_without_value",
            "a variable without value matches nothing",
            VARIABLES,
            json!({"request": request(SESSION, "s3:GetObject", "arn:aws:s3:::data//x"), "identity_policies": [allow("s3:*", "arn:aws:s3:::data/${aws:username}/*")]}),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "variable_in_2008",
            "version 2008-10-17 has no variables",
            VARIABLES,
            json!({"request": request(USER, "s3:GetObject", "arn:aws:s3:::data/alice/x"), "identity_policies": [{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data/${aws:username}/*"}}]}),
            "implicitly_denied",
            &["identity"],
        ),
        rule(
            "list_all_my_buckets",
            "`arn:aws:s3:::*` covers s3:ListAllMyBuckets",
            "S3: security_iam_id-based-policy-examples",
            json!({"request": {"principal": USER, "action": "s3:ListAllMyBuckets", "resource": "*"}, "identity_policies": [allow("s3:ListAllMyBuckets", "arn:aws:s3:::*")]}),
            "allowed",
            &[],
        ),
        rule(
            "management_account_is_exempt",
            "SCPs do not apply to the management account: an empty layer restricts nothing",
            SCPS,
            get(USER, json!({"identity_policies": [full()], "service_control_policies": []})),
            "allowed",
            &[],
        ),
        rule(
            "some_resource",
            "a resource with a wildcard asks whether some resource is allowed",
            "Yagura: batch contract",
            json!({"request": request(USER, "s3:GetObject", "arn:aws:s3:::data/*"), "identity_policies": [allow("s3:*", "arn:aws:s3:::data/a*"), deny("s3:*", "arn:aws:s3:::data/ab*")]}),
            "allowed",
            &[],
        ),
        rule(
            "no_resource_left",
            "…and none is where a Deny covers all that is allowed",
            "Yagura: batch contract",
            json!({"request": request(USER, "s3:GetObject", "arn:aws:s3:::data/*"), "identity_policies": [allow("s3:*", "arn:aws:s3:::data/ab*"), deny("s3:*", "arn:aws:s3:::data/a*")]}),
            "explicitly_denied",
            &["identity"],
        ),
        rule(
            "possible_context",
            "possible mode asks whether some context allows",
            "Yagura: batch contract",
            get(
                USER,
                json!({"mode": "possible", "identity_policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalTag/t": "a*"}}}, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:PrincipalTag/t": "*b"}}}]}]}),
            ),
            "allowed",
            &[],
        ),
        rule(
            "possible_contradiction",
            "possible mode finds that no context allows",
            "Yagura: batch contract",
            get(
                USER,
                json!({"mode": "possible", "identity_policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/t": "a"}}}, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalTag/t": "a*"}}}]}]}),
            ),
            "explicitly_denied",
            &["identity"],
        ),
        rule(
            "possible_known_absent",
            "keys of known_context are absent for certain",
            "Yagura: batch contract",
            get(
                USER,
                json!({"mode": "possible", "known_context": ["aws:PrincipalTag/*"], "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/t": "a"}}}}]}),
            ),
            "implicitly_denied",
            &["identity"],
        ),
    ]
}

#[test]
fn every_rule_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    let catalogue = Catalogue::read(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for rule in rules() {
        let text = rule.case.to_string();
        let case = Case::from_node(&parse_line(&text).unwrap()).unwrap();
        let answer = case.answer(&catalogue).unwrap();
        let blocked: Vec<&str> = answer.blocked_by.iter().map(|l| l.name()).collect();
        if answer.decision.name() != rule.decision || blocked != rule.blocked_by {
            wrong.push(format!(
                "{}: {} {blocked:?}, not {} {:?}",
                rule.name,
                answer.decision.name(),
                rule.decision,
                rule.blocked_by
            ));
        }
        let is_told = !answer.because.is_empty()
            || rule.name.starts_with("get_")
            || rule.name.starts_with("acl")
            || rule.name == "key_grant";
        assert!(is_told, "{}: no reason is given", rule.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_is_the_table() {
    let mut page = String::from(
        "# What AWS documents, and the test that holds it\n\nMade from `crates/policy/tests/rules.rs`; `YAGURA_BLESS=1 cargo test -p yagura-policy --test rules` writes it anew.\nA page is named by AWS's own file name: `IAM: access_policies_boundaries` is in the IAM User Guide.\n\n| rule | page | test | decision |\n|---|---|---|---|\n",
    );
    for rule in rules() {
        let says = rule.says.replace('|', "\\|");
        writeln!(page, "| {says} | {} | `{}` | {} |", rule.page, rule.name, rule.decision).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/iam-rules.md");
    if std::env::var_os("YAGURA_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "docs/iam-rules.md is out of date");
}
