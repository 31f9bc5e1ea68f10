//! What AWS has: services, their actions, resource types and condition keys (the Service Authorization Reference,
//! `reference_policies_actions-resources-contextkeys`), packed by `scripts/iam-actions.py`.

mod global;
mod key;
mod read;
mod region;
mod service;

pub use key::{ConditionKey, KeyType, ValueType};
pub use read::Malformed;
pub use region::{PARTITIONS, Partition, is_region, partition_of, region_matches};
pub use service::{AccessLevel, Action, ResourceType, ResourceUse, Service};

use crate::pattern::Glob;
use smol_str::{SmolStr, format_smolstr};
use std::sync::LazyLock;

/// Every service, action, resource type and condition key that is known.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    services: Vec<Service>,
    supports_rcps: Vec<SmolStr>,
    /// Keys that a service's page lists under another prefix (`saml:aud` of `sts`), by service and place.
    foreign: Vec<(usize, usize)>,
}

/// An action and its service.
#[derive(Debug, Clone, Copy)]
pub struct Found<'c> {
    /// The service.
    pub service: &'c Service,
    /// The action.
    pub action: &'c Action,
}

static GLOBAL: LazyLock<Vec<ConditionKey>> = LazyLock::new(global::keys);

impl Catalogue {
    /// Reads the form that `scripts/iam-actions.py` writes.
    ///
    /// # Errors
    /// The first line that has another form.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let (services, supports_rcps) = read::read(text)?;
        let foreign = services
            .iter()
            .enumerate()
            .flat_map(|(s, service)| service.keys.iter().enumerate().map(move |(k, key)| (s, k, service, key)))
            .filter(|(_, _, service, key)| !key.has_prefix(&service.prefix) && !key.has_prefix("aws"))
            .map(|(s, k, _, _)| (s, k))
            .collect();
        Ok(Self { services, supports_rcps, foreign })
    }

    /// Every service, sorted by prefix.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of a prefix, whatever its case.
    pub fn service(&self, prefix: &str) -> Option<&Service> {
        let place = self.services.binary_search_by(|s| service::compare(&s.prefix, prefix)).ok()?;
        self.services.get(place)
    }

    /// The action of a full name (`s3:GetObject`), whatever its case.
    pub fn action(&self, name: &str) -> Option<Found<'_>> {
        let (prefix, action) = name.split_once(':')?;
        let service = self.service(prefix)?;
        Some(Found { service, action: service.action(action)? })
    }

    /// The actions that a pattern of an `Action` element covers, sorted. A pattern without `:` other than one that
    /// may stand for it (`*`) covers none.
    pub fn matching(&self, pattern: &str) -> Vec<Found<'_>> {
        if let Some((prefix, action)) = pattern.split_once(':')
            && !prefix.contains(['*', '?'])
        {
            let Some(service) = self.service(prefix) else { return Vec::new() };
            let glob = Glob::ignoring_case(action);
            if let Some(name) = glob.literal() {
                return service.action(name).map(|action| Found { service, action }).into_iter().collect();
            }
            let covered = service.actions.iter().filter(|a| glob.matches(&a.name));
            return covered.map(|action| Found { service, action }).collect();
        }
        let glob = Glob::ignoring_case(pattern);
        self.actions().filter(|found| glob.is_anything() || glob.matches(&found.name())).collect()
    }

    /// Every action, sorted by service and name.
    pub fn actions(&self) -> impl Iterator<Item = Found<'_>> {
        self.services.iter().flat_map(|service| service.actions.iter().map(move |action| Found { service, action }))
    }

    /// The condition key that a written one names, whatever its case; `aws:ResourceTag/team` is an
    /// `aws:ResourceTag/${TagKey}`. Knows AWS's global keys and those of every service, also across services.
    pub fn condition_key(&self, written: &str) -> Option<&ConditionKey> {
        if let Some(key) = global_key(written) {
            return Some(key);
        }
        let (prefix, _) = written.split_once(':')?;
        let own = self.service(prefix).and_then(|service| service.key(written));
        own.or_else(|| {
            let places = self.foreign.iter();
            let mut keys = places.filter_map(|(s, k)| self.services.get(*s)?.keys.get(*k));
            keys.find(|key| key.covers(written))
        })
    }

    /// Whether an action names no resource, so that `*` in a request is no pattern.
    pub fn names_no_resource(&self, action: &str) -> bool {
        self.action(action).is_some_and(|found| found.action.resources.is_empty())
    }

    /// Whether RCPs apply to a service's actions (Organizations User Guide, `orgs_manage_policies_rcps`).
    pub fn supports_rcps(&self, prefix: &str) -> bool {
        self.supports_rcps.iter().any(|p| p.eq_ignore_ascii_case(prefix))
    }

    /// The prefixes of the services that support RCPs, sorted.
    pub fn services_with_rcps(&self) -> &[SmolStr] {
        &self.supports_rcps
    }
}

/// The global condition key that a written one names (IAM User Guide, `reference_policies_condition-keys`).
pub fn global_key(written: &str) -> Option<&'static ConditionKey> {
    GLOBAL.iter().find(|key| key.covers(written))
}

/// Every global condition key.
pub fn global_keys() -> &'static [ConditionKey] {
    &GLOBAL
}

impl Found<'_> {
    /// `s3:GetObject`, in AWS's case.
    pub fn name(&self) -> SmolStr {
        format_smolstr!("{}:{}", self.service.prefix, self.action.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The shipped catalogue.
    pub(crate) fn shipped() -> &'static Catalogue {
        static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
            Catalogue::read(&std::fs::read_to_string(path).unwrap()).unwrap()
        });
        &SHIPPED
    }

    #[test]
    fn holds_what_the_issue_counts() {
        assert_eq!(shipped().services().len(), 456);
        assert_eq!(shipped().actions().count(), 22_091);
        assert_eq!(shipped().services_with_rcps().len(), 62);
        let names: Vec<String> = shipped().actions().map(|f| f.name().to_lowercase()).collect();
        assert!(shipped().services().is_sorted_by(|a, b| a.prefix < b.prefix));
        assert_eq!(names.len(), names.iter().collect::<std::collections::BTreeSet<_>>().len());
    }

    #[test]
    fn finds_actions_whatever_their_case() {
        let found = shipped().action("S3:getobject").unwrap();
        assert_eq!(found.name(), "s3:GetObject");
        assert_eq!(found.action.level, AccessLevel::Read);
        assert!(shipped().action("s3:GetObjects").is_none());
        assert!(shipped().action("GetObject").is_none());
        assert!(shipped().actions().all(|f| shipped().action(&f.name().to_uppercase()).is_some()));
    }

    #[test]
    fn patterns_cover_actions() {
        let names = |pattern: &str| shipped().matching(pattern).iter().map(Found::name).collect::<Vec<_>>();
        assert_eq!(names("iam:passrole"), ["iam:PassRole"]);
        assert_eq!(names("sqs:*MessageBatch").len(), 0);
        assert_eq!(names("sqs:?ddPermission"), ["sqs:AddPermission"]);
        assert_eq!(names("*").len(), 22_091);
        assert_eq!(names("*:*").len(), 22_091);
        assert_eq!(names("s3*:ListAllMyBuckets"), ["s3:ListAllMyBuckets"]);
        assert_eq!(names("nosuch:*").len(), 0);
        assert_eq!(names("").len(), 0);
    }

    #[test]
    fn condition_keys_have_types() {
        let known = |written: &str| shipped().condition_key(written).map(|k| (k.name.as_str(), k.kind));
        let one = |of| KeyType { of, multivalued: false };
        assert_eq!(known("AWS:sourceip"), Some(("aws:SourceIp", one(ValueType::Ip))));
        assert_eq!(known("aws:ResourceTag/Team"), Some(("aws:ResourceTag/${TagKey}", one(ValueType::String))));
        assert_eq!(known("s3:max-keys"), Some(("s3:max-keys", one(ValueType::Numeric))));
        assert_eq!(known("s3:ExistingObjectTag/a"), Some(("s3:ExistingObjectTag/<key>", one(ValueType::String))));
        assert_eq!(known("aws:TagKeys").map(|k| k.1.multivalued), Some(true));
        assert!(known("saml:aud").is_some());
        assert!(known("accounts.google.com:aud").is_some());
        assert_eq!(known("s3:nosuch"), None);
        assert_eq!(known("aws:ResourceTag/"), None);
    }

    #[test]
    fn resource_types_have_arns_and_keys() {
        let service = shipped().service("s3").unwrap();
        let action = service.action("GetObject").unwrap();
        let types: Vec<_> = service.resources_of(action).map(|(r, _)| r.name.as_str()).collect();
        assert_eq!(types, ["accesspointobject", "object"]);
        let object = service.resource("object").unwrap();
        assert_eq!(object.arns, ["arn:${Partition}:s3:::${BucketName}/${ObjectName}"]);
        assert!(service.keys_of(action).any(|k| k.name == "s3:authType"));
        let sqs = shipped().service("sqs").unwrap();
        assert_eq!(sqs.resource("queue").unwrap().arns, ["arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"]);
    }

    #[test]
    fn broken_text_is_told_by_line() {
        for (text, line) in
            [("", 1), ("# a\n+s3\nRGet\n", 3), ("# a\n+\n@s3\nka:b\tz\n", 4), ("# a\n+\n@s3\nRGet\t7\n", 4)]
        {
            assert_eq!(Catalogue::read(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
