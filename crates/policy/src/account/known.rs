//! AWS-managed policies that decide who is an administrator, where the authorization details leave them out
//! (`--filter LocalManagedPolicy`). AWS Managed Policy Reference Guide, the page of each.

/// The document of a policy that is known by its ARN, in any partition.
pub(super) fn document(arn: &str) -> Option<&'static str> {
    let (owner, name) = arn.split_once(":policy/")?;
    let mut parts = owner.split(':');
    let is_aws = parts.next() == Some("arn") && parts.nth(1) == Some("iam") && parts.nth(1) == Some("aws");
    match name {
        _ if !is_aws => None,
        "AdministratorAccess" => Some(ADMINISTRATOR_ACCESS),
        "PowerUserAccess" => Some(POWER_USER_ACCESS),
        "IAMFullAccess" => Some(IAM_FULL_ACCESS),
        _ => None,
    }
}

const ADMINISTRATOR_ACCESS: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

const POWER_USER_ACCESS: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
    {"Effect": "Allow", "Resource": "*", "Action": [
        "account:GetAccountInformation", "account:GetGovCloudAccountInformation", "account:GetPrimaryEmail",
        "account:ListRegions", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles",
        "organizations:DescribeEffectivePolicy", "organizations:DescribeOrganization"]}]}"#;

const IAM_FULL_ACCESS: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*", "Action": [
    "iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit", "organizations:DescribePolicy", "organizations:ListChildren",
    "organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:ListRoots",
    "organizations:ListPolicies", "organizations:ListTargetsForPolicy"]}}"#;
