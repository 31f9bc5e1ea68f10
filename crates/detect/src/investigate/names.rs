//! Who or what goes by a plain name: `alice`, `deploy`, `payroll`.

use super::subject::Subject;
use super::watch::lock;
use crate::event::Event;
use crate::run::Bystander;
use serde_json::Value;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use yagura_logs::envelope::Role;

/// How many bearers of one name are told apart.
const MOST: usize = 1000;

/// Finds the users, roles, sessions, buckets and other resources of a name. Capitals tell no two users or roles apart:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>
#[derive(Debug)]
pub struct Bearers {
    name: String,
    found: Mutex<BTreeMap<(SmolStr, u8), u64>>,
}

impl Bearers {
    /// For a name.
    pub fn new(name: &str) -> Self {
        Self { name: name.trim().to_owned(), found: Mutex::default() }
    }

    /// Everyone of this name with how many records say so, the most frequent first. Of a user or role that calls merely name the path is
    /// not known; one that acted is told by its own ARN alone.
    pub fn found(self) -> Vec<(Subject, u64)> {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(Subject, u64)> = Vec::new();
        let certain = || found.iter().filter(|((_, guess), _)| *guess == 0);
        for ((arn, guess), n) in &found {
            let Ok(subject) = Subject::read(arn) else { continue };
            if *guess == 0 {
                all.push((subject, *n));
                continue;
            }
            let same = |other: &str| {
                Subject::read(other).is_ok_and(|s| s.kind == subject.kind && s.account() == subject.account())
            };
            if !certain().any(|((arn, _), _)| same(arn)) {
                all.push((subject, *n));
            }
        }
        all.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.text.cmp(&b.text)));
        all
    }

    fn is(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name)
    }

    fn put(&self, arn: &str, guess: u8) {
        let mut found = lock(&self.found);
        let key = (SmolStr::new(arn), guess);
        if found.len() < MOST || found.contains_key(&key) {
            *found.entry(key).or_default() += 1;
        }
    }

    /// Names that stand in a call's parameters without ARN.
    fn parameters(&self, event: &Event<'_, '_>, partition: &str) {
        let Some(parameters) = event.record.get("requestparameters") else { return };
        let Ok(Value::Object(parameters)) = serde_json::from_str(parameters.text) else { return };
        let named = |key: &str| parameters.get(key).and_then(Value::as_str).filter(|n| self.is(n));
        if let Some(bucket) = named("bucketName") {
            self.put(&format!("arn:{partition}:s3:::{bucket}"), 0);
        }
        let service = event.record.get("eventsource").map(|s| s.text);
        let Some(account) = event.envelope.account.as_deref().filter(|_| service == Some("iam.amazonaws.com")) else {
            return;
        };
        for (key, kind) in [("userName", "user"), ("roleName", "role")] {
            if let Some(name) = named(key) {
                self.put(&format!("arn:{partition}:iam::{account}:{kind}/{name}"), 1);
            }
        }
    }
}

impl Bystander for Bearers {
    fn see(&self, event: &Event<'_, '_>) {
        let actor = event.role(Role::Actor);
        let mut seen: Vec<SmolStr> = Vec::new();
        for role in [Role::Actor, Role::Issuer, Role::Session, Role::Target] {
            let Some(arn) = event.role(role).filter(|t| t.starts_with("arn:")) else { continue };
            // Who reads an object names its bucket, too.
            let last = arn.rsplit(['/', ':']).next().unwrap_or_default();
            let arn = match arn.split_once(":s3:::") {
                Some((before, rest)) => match rest.split('/').next().filter(|bucket| self.is(bucket)) {
                    Some(bucket) => SmolStr::from(format!("{before}:s3:::{bucket}")),
                    None => continue,
                },
                None if self.is(last) => SmolStr::new(&arn),
                None => continue,
            };
            if !seen.contains(&arn) {
                seen.push(arn);
            }
        }
        let partition = actor.as_deref().and_then(|a| a.strip_prefix("arn:")?.split(':').next()).unwrap_or("aws");
        if event.record.table.source.name == "s3_access"
            && let Some(bucket) = event.record.text("bucket_name").filter(|b| self.is(b))
        {
            let arn = SmolStr::from(format!("arn:{partition}:s3:::{bucket}"));
            if !seen.contains(&arn) {
                seen.push(arn);
            }
        }
        let none = seen.is_empty();
        seen.iter().for_each(|arn| self.put(arn, 0));
        if none && event.record.table.source.name == "cloudtrail" {
            self.parameters(event, partition);
        }
    }
}
