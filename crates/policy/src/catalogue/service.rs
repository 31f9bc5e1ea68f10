//! A service's actions, resource types and condition keys.

use super::key::ConditionKey;
use smol_str::SmolStr;
use std::cmp::Ordering;

/// One service prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What stands before the `:` of its actions.
    pub prefix: SmolStr,
    /// The condition keys that its page lists, global ones too.
    pub keys: Vec<ConditionKey>,
    /// Its resource types.
    pub resources: Vec<ResourceType>,
    /// Its actions, sorted by name without regard to case.
    pub actions: Vec<Action>,
}

/// A resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// `bucket`
    pub name: SmolStr,
    /// Its ARN patterns: `arn:${Partition}:s3:::${BucketName}`; most types have one.
    pub arns: Vec<SmolStr>,
    /// Places in [`Service::keys`] of the condition keys that requests for it carry.
    pub keys: Box<[u16]>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// In AWS's case: `GetObject`.
    pub name: SmolStr,
    /// What it lets one do.
    pub level: AccessLevel,
    /// The resource types that it accepts; none where only `*` will do.
    pub resources: Box<[ResourceUse]>,
    /// Places in [`Service::keys`] of the condition keys that it supports whatever the resource.
    pub keys: Box<[u16]>,
    /// The actions that the caller needs too, in full.
    pub depends_on: Box<[SmolStr]>,
}

/// A resource type as an action uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUse {
    /// Its place in [`Service::resources`].
    pub resource: u16,
    /// Whether the action needs one.
    pub required: bool,
    /// Places in [`Service::keys`] of the condition keys that the action supports for this type alone.
    pub keys: Box<[u16]>,
}

/// What an action lets one do (`access_policies_understand-policy-summary-access-level-summaries`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Sees which resources exist.
    List,
    /// Reads their contents and settings.
    Read,
    /// Creates, changes or deletes them.
    Write,
    /// Changes their tags only.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl Service {
    /// The action of a name, whatever its case.
    pub fn action(&self, name: &str) -> Option<&Action> {
        let place = self.actions.binary_search_by(|a| compare(&a.name, name)).ok()?;
        self.actions.get(place)
    }

    /// The resource type of a name, whatever its case.
    pub fn resource(&self, name: &str) -> Option<&ResourceType> {
        self.resources.iter().find(|r| r.name.eq_ignore_ascii_case(name))
    }

    /// The condition key of this service's page that a written one names.
    pub fn key(&self, written: &str) -> Option<&ConditionKey> {
        self.keys.iter().find(|k| k.covers(written))
    }

    /// The resource types of an action of this service.
    pub fn resources_of<'s>(&'s self, action: &'s Action) -> impl Iterator<Item = (&'s ResourceType, &'s ResourceUse)> {
        action.resources.iter().filter_map(|u| Some((self.resources.get(usize::from(u.resource))?, u)))
    }

    /// Every condition key that an action of this service supports: its own, those of its resource types as it uses
    /// them, and those of the resource types themselves. May name a key more than once.
    pub fn keys_of<'s>(&'s self, action: &'s Action) -> impl Iterator<Item = &'s ConditionKey> {
        let typed = self.resources_of(action).flat_map(|(r, u)| u.keys.iter().chain(r.keys.iter()));
        action.keys.iter().chain(typed).filter_map(|k| self.keys.get(usize::from(*k)))
    }
}

/// Order without regard to the case of ASCII letters.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    a.bytes().map(|b| b.to_ascii_lowercase()).cmp(b.bytes().map(|b| b.to_ascii_lowercase()))
}
