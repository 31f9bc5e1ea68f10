//! The members of `GetAccountAuthorizationDetails` that decide permissions (IAM API Reference, `UserDetail`,
//! `RoleDetail`, `GroupDetail`, `ManagedPolicyDetail`). Every member may be missing or null; others are passed over.

use super::DetailsError;
use crate::document::decoded;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;
use std::borrow::Cow;

/// Users, groups, roles and policies, as the API names them.
#[derive(Debug, Default)]
pub struct AuthorizationDetails {
    /// `UserDetailList`.
    pub users: Vec<UserDetail>,
    /// `GroupDetailList`.
    pub groups: Vec<GroupDetail>,
    /// `RoleDetailList`.
    pub roles: Vec<RoleDetail>,
    /// `Policies`.
    pub policies: Vec<PolicyDetail>,
}

/// One answer of the API: the whole, or a part of it where it was paged. It names at least one of the lists; a text
/// that names none is something else, and must not pass for an account without anybody.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    #[serde(rename = "UserDetailList", deserialize_with = "named")]
    users: Option<Vec<UserDetail>>,
    #[serde(rename = "GroupDetailList", deserialize_with = "named")]
    groups: Option<Vec<GroupDetail>>,
    #[serde(rename = "RoleDetailList", deserialize_with = "named")]
    roles: Option<Vec<RoleDetail>>,
    #[serde(rename = "Policies", deserialize_with = "named")]
    policies: Option<Vec<PolicyDetail>>,
}

/// A user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UserDetail {
    /// `Arn`; made from the name where it is missing.
    #[serde(rename = "Arn", deserialize_with = "or_default")]
    pub arn: SmolStr,
    /// `Path`.
    #[serde(rename = "Path", deserialize_with = "or_default")]
    pub path: SmolStr,
    /// `UserName`.
    #[serde(rename = "UserName", deserialize_with = "or_default")]
    pub name: SmolStr,
    /// `UserPolicyList`.
    #[serde(rename = "UserPolicyList", deserialize_with = "or_default")]
    pub inline: Vec<InlinePolicy>,
    /// `GroupList`: names.
    #[serde(rename = "GroupList", deserialize_with = "or_default")]
    pub groups: Vec<SmolStr>,
    /// `AttachedManagedPolicies`.
    #[serde(rename = "AttachedManagedPolicies", deserialize_with = "or_default")]
    pub attached: Vec<AttachedPolicy>,
    /// `PermissionsBoundary`.
    #[serde(rename = "PermissionsBoundary")]
    pub boundary: Option<Boundary>,
    /// `Tags`.
    #[serde(rename = "Tags", deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
}

/// A group.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GroupDetail {
    /// `Arn`; made from the name where it is missing.
    #[serde(rename = "Arn", deserialize_with = "or_default")]
    pub arn: SmolStr,
    /// `Path`.
    #[serde(rename = "Path", deserialize_with = "or_default")]
    pub path: SmolStr,
    /// `GroupName`.
    #[serde(rename = "GroupName", deserialize_with = "or_default")]
    pub name: SmolStr,
    /// `GroupPolicyList`.
    #[serde(rename = "GroupPolicyList", deserialize_with = "or_default")]
    pub inline: Vec<InlinePolicy>,
    /// `AttachedManagedPolicies`.
    #[serde(rename = "AttachedManagedPolicies", deserialize_with = "or_default")]
    pub attached: Vec<AttachedPolicy>,
}

/// A role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RoleDetail {
    /// `Arn`; made from the name where it is missing.
    #[serde(rename = "Arn", deserialize_with = "or_default")]
    pub arn: SmolStr,
    /// `Path`.
    #[serde(rename = "Path", deserialize_with = "or_default")]
    pub path: SmolStr,
    /// `RoleName`.
    #[serde(rename = "RoleName", deserialize_with = "or_default")]
    pub name: SmolStr,
    /// `AssumeRolePolicyDocument`.
    #[serde(rename = "AssumeRolePolicyDocument")]
    pub trust: Option<Document>,
    /// `RolePolicyList`.
    #[serde(rename = "RolePolicyList", deserialize_with = "or_default")]
    pub inline: Vec<InlinePolicy>,
    /// `AttachedManagedPolicies`.
    #[serde(rename = "AttachedManagedPolicies", deserialize_with = "or_default")]
    pub attached: Vec<AttachedPolicy>,
    /// `InstanceProfileList`.
    #[serde(rename = "InstanceProfileList", deserialize_with = "or_default")]
    pub instance_profiles: Vec<InstanceProfile>,
    /// `PermissionsBoundary`.
    #[serde(rename = "PermissionsBoundary")]
    pub boundary: Option<Boundary>,
    /// `Tags`.
    #[serde(rename = "Tags", deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
}

/// A managed policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyDetail {
    /// `Arn`.
    #[serde(rename = "Arn", deserialize_with = "or_default")]
    pub arn: SmolStr,
    /// `PolicyName`.
    #[serde(rename = "PolicyName", deserialize_with = "or_default")]
    pub name: SmolStr,
    /// `DefaultVersionId`.
    #[serde(rename = "DefaultVersionId", deserialize_with = "or_default")]
    pub default_version: SmolStr,
    /// `PolicyVersionList`.
    #[serde(rename = "PolicyVersionList", deserialize_with = "or_default")]
    pub versions: Vec<PolicyVersion>,
}

/// A version of a managed policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyVersion {
    /// `VersionId`.
    #[serde(rename = "VersionId", deserialize_with = "or_default")]
    pub id: SmolStr,
    /// `IsDefaultVersion`.
    #[serde(rename = "IsDefaultVersion", deserialize_with = "or_default")]
    pub is_default: bool,
    /// `Document`.
    #[serde(rename = "Document")]
    pub document: Option<Document>,
}

/// An inline policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InlinePolicy {
    /// `PolicyName`.
    #[serde(rename = "PolicyName", deserialize_with = "or_default")]
    pub name: SmolStr,
    /// `PolicyDocument`.
    #[serde(rename = "PolicyDocument")]
    pub document: Option<Document>,
}

/// An attached managed policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttachedPolicy {
    /// `PolicyArn`.
    #[serde(rename = "PolicyArn", deserialize_with = "or_default")]
    pub arn: SmolStr,
}

/// A permissions boundary.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Boundary {
    /// `PermissionsBoundaryArn`.
    #[serde(rename = "PermissionsBoundaryArn", deserialize_with = "or_default")]
    pub arn: SmolStr,
}

/// An instance profile.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InstanceProfile {
    /// `Arn`.
    #[serde(rename = "Arn", deserialize_with = "or_default")]
    pub arn: SmolStr,
}

/// A tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// `Key`.
    #[serde(rename = "Key", deserialize_with = "or_default")]
    pub key: SmolStr,
    /// `Value`.
    #[serde(rename = "Value", deserialize_with = "or_default")]
    pub value: SmolStr,
}

/// A policy document: an object (as the AWS CLI prints it) or its text, which the API URL-encodes (RFC 3986).
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Document(Box<RawValue>);

impl Document {
    /// A document from the text of its JSON; a text that is not JSON is kept and complained of when it is read.
    pub fn from_text(text: &str) -> Self {
        let raw = RawValue::from_string(text.to_owned());
        Self(raw.or_else(|_| serde_json::value::to_raw_value(text)).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The JSON of the policy.
    pub fn text(&self) -> Cow<'_, str> {
        let raw = self.0.get();
        let Ok(text) = serde_json::from_str::<String>(raw) else { return raw.into() };
        decoded(&text).into_owned().into()
    }
}

impl PolicyDetail {
    /// Whether a version is the default one. The only version is, whatever else is left out.
    pub(super) fn has_default(&self, version: &PolicyVersion) -> bool {
        let named = !self.default_version.is_empty() && version.id == self.default_version;
        version.is_default || named || self.versions.len() == 1
    }
}

impl AuthorizationDetails {
    /// Reads one document, several one after another, or a list of them.
    ///
    /// # Errors
    /// Says where the text is something else.
    pub fn parse(text: &str) -> Result<Self, DetailsError> {
        let error = |e: serde_json::Error| DetailsError { message: e.to_string() };
        let text = text.trim_start_matches('\u{feff}');
        let pages = if text.trim_start().starts_with('[') {
            serde_json::from_str::<Vec<Page>>(text).map_err(error)?
        } else {
            serde_json::Deserializer::from_str(text).into_iter::<Page>().collect::<Result<_, _>>().map_err(error)?
        };
        let mut all = Self::default();
        let mut is_an_answer = false;
        for page in pages {
            is_an_answer |=
                page.users.is_some() || page.groups.is_some() || page.roles.is_some() || page.policies.is_some();
            all.users.extend(page.users.into_iter().flatten());
            all.groups.extend(page.groups.into_iter().flatten());
            all.roles.extend(page.roles.into_iter().flatten());
            all.policies.extend(page.policies.into_iter().flatten());
        }
        if is_an_answer {
            return Ok(all);
        }
        let message = "it has none of `UserDetailList`, `GroupDetailList`, `RoleDetailList` and `Policies`";
        Err(DetailsError { message: message.to_owned() })
    }
}

/// A list that is there, if only as `null`.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<Vec<T>>, D::Error> {
    Ok(Some(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default()))
}

/// `null` says as much as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}
