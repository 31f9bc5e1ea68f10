//! The principals of an account with everything that gives them permissions, from `iam:GetAccountAuthorizationDetails`.
//!
//! A policy that many principals share is read and compiled once. What cannot be read is recorded as [`Unread`] on whom it
//! concerns, never dropped: an answer that stands on it is not certain.

mod details;
mod known;

use crate::compile::Compiled;
use crate::document::Policy;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use details::{
    AttachedPolicy, AuthorizationDetails, Boundary, Document, GroupDetail, InlinePolicy, InstanceProfile, PolicyDetail,
    PolicyVersion, RoleDetail, Tag, UserDetail,
};

/// The IAM side of one account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The account's id, from the ARNs; empty where no ARN tells it.
    pub id: SmolStr,
    /// The partition of its ARNs (`aws`).
    pub partition: SmolStr,
    /// Users and roles, sorted by ARN.
    pub identities: Vec<Identity>,
    /// Groups, sorted by ARN.
    pub groups: Vec<Group>,
    /// The managed policies that were given, sorted by ARN.
    pub policies: Vec<ManagedPolicy>,
}

/// Whether an identity is a user or a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKind {
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
}

/// A user or a role.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its ARN.
    pub arn: SmolStr,
    /// `UserName` or `RoleName`.
    pub name: SmolStr,
    /// User or role.
    pub kind: IdentityKind,
    /// Every identity policy that applies: its own, then those of its groups.
    pub policies: Vec<Held>,
    /// The permissions boundary.
    pub boundary: Option<Held>,
    /// Who may assume it; roles only.
    pub trust: Option<Arc<Compiled>>,
    /// Instance profiles that hold it; roles only.
    pub instance_profiles: Vec<SmolStr>,
    /// The ARNs of its groups; users only.
    pub groups: Vec<SmolStr>,
    /// Tags, as key and value.
    pub tags: Vec<(SmolStr, SmolStr)>,
    /// What could not be read of it.
    pub unread: Vec<Unread>,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its ARN.
    pub arn: SmolStr,
    /// `GroupName`.
    pub name: SmolStr,
    /// Its policies.
    pub policies: Vec<Held>,
    /// What could not be read of it.
    pub unread: Vec<Unread>,
}

/// A managed policy at its default version.
#[derive(Debug, Clone)]
pub struct ManagedPolicy {
    /// Its ARN.
    pub arn: SmolStr,
    /// `PolicyName`.
    pub name: SmolStr,
    /// The default version; `None` where it could not be read.
    pub document: Option<Arc<Compiled>>,
    /// The other versions that were given and can be read.
    pub other_versions: Vec<Arc<Compiled>>,
}

/// A policy as somebody holds it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The ARN of a managed policy, the name of an inline one.
    pub name: SmolStr,
    /// Whether it is a managed policy.
    pub managed: bool,
    /// The group through which a user holds it.
    pub group: Option<SmolStr>,
    /// The policy; `None` where it could not be read, and then [`Identity::unread`] says why.
    pub document: Option<Arc<Compiled>>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unread {
    /// The policy's ARN or name, or a group's name.
    pub name: SmolStr,
    /// Which part of the identity is in the dark.
    pub part: Part,
    /// Why.
    pub cause: Cause,
}

/// A part of what decides an identity's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// An identity policy.
    Policy,
    /// The permissions boundary.
    Boundary,
    /// A role's trust policy.
    Trust,
    /// A group that a user is in.
    Group,
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is named, and what it says was not given.
    NotGiven,
    /// AWS would not accept it as a policy; the first problem.
    NotAPolicy(String),
}

/// Why authorization details could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the answer of `iam:GetAccountAuthorizationDetails`: {message}")]
pub struct DetailsError {
    /// What the reader stumbled over, with line and column.
    pub message: String,
}

impl Account {
    /// Reads what `aws iam get-account-authorization-details` prints: one document, several one after another, or a list.
    ///
    /// # Errors
    /// Says where the text is not such a document.
    pub fn parse(text: &str) -> Result<Self, DetailsError> {
        AuthorizationDetails::parse(text).map(Self::new)
    }

    /// Joins users, groups, roles and policies.
    pub fn new(details: AuthorizationDetails) -> Self {
        let arns = || {
            let users = details.users.iter().map(|u| &u.arn);
            let roles = details.roles.iter().map(|r| &r.arn);
            let groups = details.groups.iter().map(|g| &g.arn);
            users.chain(roles).chain(groups).chain(details.policies.iter().map(|p| &p.arn))
        };
        let owned = arns().find_map(|arn| owner(arn));
        let (partition, id) = owned.map_or_else(|| ("aws".into(), SmolStr::default()), |(p, a)| (p.into(), a.into()));
        let mut joiner = Joiner { library: Library::default(), groups: HashMap::new() };
        let mut account = Self { id, partition, ..Self::default() };
        for policy in &details.policies {
            let document = joiner.library.managed(policy);
            let other_versions = joiner.library.other_versions(policy);
            let (arn, name) = (policy.arn.clone(), policy.name.clone());
            account.policies.push(ManagedPolicy { arn, name, document, other_versions });
        }
        for group in &details.groups {
            let group = joiner.group(group, &account);
            joiner.groups.insert(group.name.clone(), group.clone());
            account.groups.push(group);
        }
        for user in &details.users {
            let identity = joiner.user(user, &account);
            account.identities.push(identity);
        }
        for role in &details.roles {
            let identity = joiner.role(role, &account);
            account.identities.push(identity);
        }
        // Pages that overlap, or one file given twice, say nothing new.
        account.identities.sort_by(|a, b| a.arn.cmp(&b.arn));
        account.identities.dedup_by(|a, b| a.arn == b.arn);
        account.groups.sort_by(|a, b| a.arn.cmp(&b.arn));
        account.groups.dedup_by(|a, b| a.arn == b.arn);
        account.policies.sort_by(|a, b| a.arn.cmp(&b.arn));
        account.policies.dedup_by(|a, b| a.arn == b.arn);
        account
    }

    /// The user or role of this ARN.
    pub fn identity(&self, arn: &str) -> Option<&Identity> {
        let at = self.identities.binary_search_by(|i| i.arn.as_str().cmp(arn)).ok()?;
        self.identities.get(at)
    }

    /// The identities that hold each managed policy, themselves or through a group.
    pub fn holders(&self) -> BTreeMap<&str, Vec<&Identity>> {
        let mut out: BTreeMap<&str, Vec<&Identity>> = BTreeMap::new();
        for identity in &self.identities {
            for held in identity.policies.iter().filter(|h| h.managed) {
                let holders = out.entry(held.name.as_str()).or_default();
                if holders.last().is_none_or(|last| last.arn != identity.arn) {
                    holders.push(identity);
                }
            }
        }
        out
    }

    /// The ARN of an IAM resource of this account: `iam_arn("user", "/", "ann")`.
    fn iam_arn(&self, kind: &str, path: &str, name: &str) -> SmolStr {
        let path = if path.is_empty() { "/" } else { path };
        SmolStr::new(format!("arn:{}:iam::{}:{kind}{path}{name}", self.partition, self.id))
    }
}

impl Identity {
    /// Whether all of its policies, its boundary and its groups were read. A trust policy is another matter.
    pub fn is_whole(&self) -> bool {
        self.unread.iter().all(|u| u.part == Part::Trust)
    }
}

/// Partition and account of an ARN that says both.
fn owner(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (_, partition) = (parts.next().filter(|p| *p == "arn")?, parts.next()?);
    let account = parts.nth(2)?;
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some((partition, account))
}

/// Policies by ARN, and by name and text, each compiled once.
#[derive(Default)]
struct Library {
    by_text: HashMap<(SmolStr, String), Result<Arc<Compiled>, String>>,
    by_arn: HashMap<SmolStr, Result<Arc<Compiled>, Cause>>,
}

impl Library {
    fn read(&mut self, name: &SmolStr, document: &Document) -> Result<Arc<Compiled>, Cause> {
        let key = (name.clone(), document.text().into_owned());
        if let Some(known) = self.by_text.get(&key) {
            return known.clone().map_err(Cause::NotAPolicy);
        }
        let first = |problems: Vec<_>| problems.first().map(ToString::to_string).unwrap_or_default();
        let read = Policy::parse(&key.1).map(|p| Arc::new(Compiled::new(name.clone(), p))).map_err(first);
        self.by_text.insert(key, read.clone());
        read.map_err(Cause::NotAPolicy)
    }

    /// Keeps the default version of a managed policy.
    fn managed(&mut self, policy: &PolicyDetail) -> Option<Arc<Compiled>> {
        let version = policy.versions.iter().find(|v| policy.has_default(v));
        let read = match version.and_then(|v| v.document.as_ref()) {
            Some(document) => self.read(&policy.arn, document),
            None => Err(Cause::NotGiven),
        };
        self.by_arn.insert(policy.arn.clone(), read.clone());
        read.ok()
    }

    fn other_versions(&mut self, policy: &PolicyDetail) -> Vec<Arc<Compiled>> {
        let others = policy.versions.iter().filter(|v| !policy.has_default(v)).filter_map(|v| v.document.as_ref());
        others.filter_map(|d| self.read(&policy.arn, d).ok()).collect()
    }

    fn by_arn(&mut self, arn: &SmolStr) -> Result<Arc<Compiled>, Cause> {
        if let Some(read) = self.by_arn.get(arn) {
            return read.clone();
        }
        let read = match known::document(arn) {
            Some(text) => self.read(arn, &Document::from_text(text)),
            None => Err(Cause::NotGiven),
        };
        self.by_arn.insert(arn.clone(), read.clone());
        read
    }
}

struct Joiner {
    library: Library,
    groups: HashMap<SmolStr, Group>,
}

impl Joiner {
    fn held(&mut self, inline: &[InlinePolicy], attached: &[AttachedPolicy], unread: &mut Vec<Unread>) -> Vec<Held> {
        let mut out = Vec::with_capacity(inline.len() + attached.len());
        let mut keep = |name: &SmolStr, managed, read: Result<Arc<Compiled>, Cause>| {
            let document = read.map_err(|cause| unread.push(Unread { name: name.clone(), part: Part::Policy, cause }));
            out.push(Held { name: name.clone(), managed, group: None, document: document.ok() });
        };
        for policy in inline {
            let read = policy.document.as_ref().map_or(Err(Cause::NotGiven), |d| self.library.read(&policy.name, d));
            keep(&policy.name, false, read);
        }
        for policy in attached {
            keep(&policy.arn, true, self.library.by_arn(&policy.arn));
        }
        out
    }

    fn boundary(&mut self, boundary: Option<&Boundary>, unread: &mut Vec<Unread>) -> Option<Held> {
        let name = boundary?.arn.clone();
        let read = self.library.by_arn(&name);
        let document =
            read.map_err(|cause| unread.push(Unread { name: name.clone(), part: Part::Boundary, cause })).ok();
        Some(Held { name, managed: true, group: None, document })
    }

    fn group(&mut self, group: &GroupDetail, account: &Account) -> Group {
        let mut unread = Vec::new();
        let policies = self.held(&group.inline, &group.attached, &mut unread);
        let arn = or_else(&group.arn, || account.iam_arn("group", &group.path, &group.name));
        Group { name: or_name(&group.name, &arn), arn, policies, unread }
    }

    fn user(&mut self, user: &UserDetail, account: &Account) -> Identity {
        let mut unread = Vec::new();
        let mut policies = self.held(&user.inline, &user.attached, &mut unread);
        let mut groups = Vec::new();
        for name in &user.groups {
            let Some(group) = self.groups.get(name) else {
                unread.push(Unread { name: name.clone(), part: Part::Group, cause: Cause::NotGiven });
                continue;
            };
            groups.push(group.arn.clone());
            policies.extend(group.policies.iter().map(|p| Held { group: Some(name.clone()), ..p.clone() }));
            unread.extend(group.unread.iter().cloned());
        }
        let arn = or_else(&user.arn, || account.iam_arn("user", &user.path, &user.name));
        Identity {
            name: or_name(&user.name, &arn),
            arn,
            kind: IdentityKind::User,
            policies,
            boundary: self.boundary(user.boundary.as_ref(), &mut unread),
            trust: None,
            instance_profiles: Vec::new(),
            groups,
            tags: user.tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect(),
            unread,
        }
    }

    fn role(&mut self, role: &RoleDetail, account: &Account) -> Identity {
        let mut unread = Vec::new();
        let policies = self.held(&role.inline, &role.attached, &mut unread);
        let arn = or_else(&role.arn, || account.iam_arn("role", &role.path, &role.name));
        let trust = role.trust.as_ref().map_or(Err(Cause::NotGiven), |d| self.library.read(&TRUST, d));
        let trust = trust.map_err(|cause| unread.push(Unread { name: arn.clone(), part: Part::Trust, cause })).ok();
        Identity {
            name: or_name(&role.name, &arn),
            arn,
            kind: IdentityKind::Role,
            policies,
            boundary: self.boundary(role.boundary.as_ref(), &mut unread),
            trust,
            instance_profiles: role.instance_profiles.iter().map(|p| p.arn.clone()).collect(),
            groups: Vec::new(),
            tags: role.tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect(),
            unread,
        }
    }
}

/// What a trust policy goes by; who has it stands beside it.
const TRUST: SmolStr = SmolStr::new_static("AssumeRolePolicyDocument");

fn or_else(given: &SmolStr, derived: impl FnOnce() -> SmolStr) -> SmolStr {
    if given.is_empty() { derived() } else { given.clone() }
}

/// The given name, or the last part of the ARN.
fn or_name(given: &SmolStr, arn: &str) -> SmolStr {
    or_else(given, || arn.rsplit('/').next().unwrap_or_default().into())
}

#[cfg(test)]
mod tests;
