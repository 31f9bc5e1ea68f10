//! Fixtures of a path: a small account in which what the path needs exists, and one caller.

use super::path::{Path, Target, Trusts};
use super::{Certainty, find};
use crate::account::{Account, DetailsError, IdentityKind};
use serde_json::{Value, json};
use smol_str::SmolStr;

/// One fixture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// Its name in plain words.
    pub name: SmolStr,
    /// Who calls.
    pub caller: IdentityKind,
    /// Actions allowed, each by a policy of its own.
    pub allow: Vec<SmolStr>,
    /// Actions denied.
    pub deny: Vec<SmolStr>,
    /// The Resource of the Allow statements.
    pub on: SmolStr,
    /// Whether the account has a target.
    pub has_target: bool,
    /// Whether the target role trusts anyone.
    pub is_trusting: bool,
    /// Whether the policy of the caller has an older version, which allows everything.
    pub has_versions: bool,
    /// What is expected.
    pub expect: Certainty,
}

const ACCOUNT: &str = "arn:aws:iam::111122223333";

impl Fixture {
    /// How sure it is that the path fits the fixture's caller.
    ///
    /// # Errors
    /// Where the fixture makes no account.
    pub fn run(&self, path: &Path) -> Result<Certainty, DetailsError> {
        let account = Account::parse(&self.account(path).to_string())?;
        let report = find(&account, std::slice::from_ref(path), &[]);
        let caller = report.principals.iter().find(|p| p.arn.ends_with("/caller"));
        Ok(caller.and_then(|c| c.found.first()).map_or(Certainty::No, |f| f.certainty))
    }

    fn account(&self, path: &Path) -> Value {
        let statement = |effect, actions: &[SmolStr], on: &str| json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": actions, "Resource": on}});
        let mut inline: Vec<Value> = self.allow.iter().enumerate().map(|(n, action)| {
            json!({"PolicyName": format!("allow-{n}"), "PolicyDocument": statement("Allow", std::slice::from_ref(action), &self.on)})
        }).collect();
        if !self.deny.is_empty() {
            inline.push(json!({"PolicyName": "deny", "PolicyDocument": statement("Deny", &self.deny, "*")}));
        }
        let bounded = match &path.target {
            Target::Caller { boundary, .. } => *boundary,
            Target::Role(role) => role.boundary,
            _ => false,
        } && self.has_target;
        let fence = format!("{ACCOUNT}:policy/fence");
        let boundary = if bounded { json!({"PermissionsBoundaryArn": fence}) } else { Value::Null };
        let is_user = self.caller == IdentityKind::User;
        let own = if self.has_target { json!([{"PolicyArn": format!("{ACCOUNT}:policy/own")}]) } else { json!([]) };
        let mut users = Vec::new();
        let mut roles = Vec::new();
        if is_user {
            users.push(json!({"Arn": format!("{ACCOUNT}:user/caller"), "UserName": "caller", "UserPolicyList": inline,
                "AttachedManagedPolicies": own, "GroupList": if self.has_target { json!(["own"]) } else { json!([]) },
                "PermissionsBoundary": boundary}));
        } else {
            roles.push(json!({"Arn": format!("{ACCOUNT}:role/caller"), "RoleName": "caller", "RolePolicyList": inline,
                "AttachedManagedPolicies": own, "AssumeRolePolicyDocument": trust("nobody.amazonaws.com", &[]),
                "PermissionsBoundary": boundary}));
        }
        let admin = json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
        let services = match &path.target {
            Target::Role(role) => match &role.trusts {
                Trusts::Services(services) => services.as_slice(),
                Trusts::Any | Trusts::Caller => &[],
            },
            _ => &[],
        };
        let mut groups = Vec::new();
        if self.has_target {
            users.push(json!({"Arn": format!("{ACCOUNT}:user/target"), "UserName": "target", "AttachedManagedPolicies": [admin]}));
            let who =
                if self.is_trusting { format!("{ACCOUNT}:root") } else { "arn:aws:iam::444455556666:root".to_owned() };
            roles.push(json!({"Arn": format!("{ACCOUNT}:role/target"), "RoleName": "target",
                "AssumeRolePolicyDocument": trust(&who, services), "PermissionsBoundary": boundary,
                "AttachedManagedPolicies": [admin, {"PolicyArn": format!("{ACCOUNT}:policy/held")}],
                "InstanceProfileList": [{"Arn": format!("{ACCOUNT}:instance-profile/target")}]}));
            groups.push(json!({"Arn": format!("{ACCOUNT}:group/own"), "GroupName": "own"}));
            groups.push(json!({"Arn": format!("{ACCOUNT}:group/target"), "GroupName": "target", "AttachedManagedPolicies": [admin]}));
        }
        let nothing = json!({"Version": "2012-10-17", "Statement": []});
        let version = |id: &str, is_default: bool, document: &Value| json!({"VersionId": id, "IsDefaultVersion": is_default, "Document": document});
        let everything = statement("Allow", &["*".into()], "*");
        let older = if self.has_versions { vec![version("v1", false, &everything)] } else { Vec::new() };
        let versions = [older, vec![version("v2", true, &nothing)]].concat();
        let policy = |name: &str, versions: &[Value]| json!({"Arn": format!("{ACCOUNT}:policy/{name}"), "PolicyName": name, "PolicyVersionList": versions});
        let mut policies = vec![policy("fence", &[version("v1", true, &everything)])];
        if self.has_target {
            policies.extend([policy("own", &versions), policy("held", &[version("v1", true, &nothing)])]);
        }
        json!({"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": groups, "Policies": policies})
    }
}

fn trust(who: &str, services: &[SmolStr]) -> Value {
    let principal =
        if who.starts_with("arn:") { json!({"AWS": who, "Service": services}) } else { json!({"Service": who}) };
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}})
}
