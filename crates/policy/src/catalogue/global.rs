//! AWS's global condition keys, with the data type and the number of values that their page gives
//! (IAM User Guide, `reference_policies_condition-keys`).

use super::key::{ConditionKey, KeyType, ValueType};

const ONE: &[(&str, ValueType)] = &[
    ("aws:AssumedRoot", ValueType::Bool),
    ("aws:CalledViaAWSMCP", ValueType::String),
    ("aws:CalledViaFirst", ValueType::String),
    ("aws:CalledViaLast", ValueType::String),
    ("aws:ChatbotSourceArn", ValueType::Arn),
    ("aws:CurrentTime", ValueType::Date),
    ("aws:Ec2InstanceSourcePrivateIPv4", ValueType::Ip),
    ("aws:Ec2InstanceSourceVpc", ValueType::String),
    ("aws:EpochTime", ValueType::EpochTime),
    ("aws:FederatedProvider", ValueType::String),
    ("aws:IsMcpServiceAction", ValueType::Bool),
    ("aws:MultiFactorAuthAge", ValueType::Numeric),
    ("aws:MultiFactorAuthPresent", ValueType::Bool),
    ("aws:PrincipalAccount", ValueType::String),
    ("aws:PrincipalArn", ValueType::Arn),
    ("aws:PrincipalIsAWSService", ValueType::Bool),
    ("aws:PrincipalOrgID", ValueType::String),
    ("aws:PrincipalServiceName", ValueType::String),
    ("aws:PrincipalTag/${TagKey}", ValueType::String),
    ("aws:PrincipalType", ValueType::String),
    ("aws:RequestTag/${TagKey}", ValueType::String),
    ("aws:RequestedRegion", ValueType::String),
    ("aws:ResourceAccount", ValueType::String),
    ("aws:ResourceOrgID", ValueType::String),
    ("aws:ResourceTag/${TagKey}", ValueType::String),
    ("aws:SecureTransport", ValueType::Bool),
    ("aws:SignInSessionArn", ValueType::Arn),
    ("aws:SourceAccount", ValueType::String),
    ("aws:SourceArn", ValueType::Arn),
    ("aws:SourceIdentity", ValueType::String),
    ("aws:SourceIp", ValueType::Ip),
    ("aws:SourceOrgID", ValueType::String),
    ("aws:SourceOwner", ValueType::String),
    ("aws:SourceVpc", ValueType::String),
    ("aws:SourceVpcArn", ValueType::Arn),
    ("aws:SourceVpce", ValueType::String),
    ("aws:TokenIssueTime", ValueType::Date),
    ("aws:UserAgent", ValueType::String),
    ("aws:ViaAWSMCPService", ValueType::Bool),
    ("aws:ViaAWSService", ValueType::Bool),
    ("aws:ViaCustomerDomain", ValueType::String),
    ("aws:VpcSourceIp", ValueType::Ip),
    ("aws:VpceAccount", ValueType::String),
    ("aws:VpceOrgID", ValueType::String),
    ("aws:referer", ValueType::String),
    ("aws:userid", ValueType::String),
    ("aws:username", ValueType::String),
];

const MANY: &[&str] = &[
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "aws:VpceOrgPaths",
];

/// Keys that one service sets and every service's requests carry (`Properties of a role session`).
const ACROSS_SERVICES: &[(&str, ValueType)] = &[
    ("codebuild:BuildArn", ValueType::Arn),
    ("codebuild:ProjectArn", ValueType::Arn),
    ("ec2:RoleDelivery", ValueType::Numeric),
    ("ec2:SourceInstanceARN", ValueType::Arn),
    ("glue:CredentialIssuingService", ValueType::String),
    ("glue:RoleAssumedBy", ValueType::String),
    ("identitystore:UserId", ValueType::String),
    ("lambda:SourceFunctionArn", ValueType::Arn),
    ("ssm:SourceInstanceARN", ValueType::Arn),
];

pub(super) fn keys() -> Vec<ConditionKey> {
    let key = |name: &str, of, multivalued| ConditionKey { name: name.into(), kind: KeyType { of, multivalued } };
    let one = ONE.iter().chain(ACROSS_SERVICES).map(|(name, of)| key(name, *of, false));
    one.chain(MANY.iter().map(|name| key(name, ValueType::String, true))).collect()
}
