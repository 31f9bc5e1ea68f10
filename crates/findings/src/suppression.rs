//! What somebody answers for until a day: by finding, rule, ARN, tag and account.

use crate::finding::Finding;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yagura_model::{ResourceRef, glob};

/// A resource's tags.
pub type Tags = BTreeMap<String, String>;

/// Where a suppression stands written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the store.
    #[default]
    Store,
    /// In the settings file.
    File,
}

/// Findings that are not told until a day. Everything that is given must fit; `rule` and `arn` may have `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Its name (`S-1`; `yagura.toml:2` for the second of the file).
    pub id: String,
    /// One finding, by its whole id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Resources by ARN, or by id where AWS gives no ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Resources by tag: `KEY=VALUE`, or `KEY` with any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Resources of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The last day. Without an end a suppression hides the next mistake.
    pub until: Date,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it was made; `None` in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// Where it stands written.
    #[serde(default)]
    pub origin: Origin,
}

/// Whether a suppression means a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Yes,
    /// It does not, or it has ended.
    No,
    /// The resource's tags were not read. Such a finding is told, not hidden.
    Unknown,
}

/// What is wrong with a suppression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuppressionError {
    /// It would cover everything.
    #[error("a suppression names a finding, a rule, an ARN, a tag or an account")]
    Everything,
    /// `owner` or `reason` is empty.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// `until` is no day.
    #[error("`{0}` is not a day such as 2027-03-31")]
    NoDay(String),
    /// The file's form.
    #[error("{0}")]
    Form(String),
}

impl Suppression {
    /// Refuses what would hide too much or for no reason.
    ///
    /// # Errors
    /// Nothing is named, or nobody answers for it.
    pub fn checked(self) -> Result<Self, SuppressionError> {
        let named = [&self.finding, &self.rule, &self.arn, &self.tag, &self.account];
        if named.iter().all(|n| n.as_deref().is_none_or(|t| t.trim().is_empty() || t == "*")) {
            return Err(SuppressionError::Everything);
        }
        for (name, text) in [("owner", &self.owner), ("reason", &self.reason)] {
            if text.trim().is_empty() {
                return Err(SuppressionError::Empty(name));
            }
        }
        Ok(self)
    }

    /// Whether it covers a finding on a day.
    pub fn covers(&self, f: &Finding, day: Date) -> Fit {
        self.means(&f.id, &f.rule, &f.resource, f.tags.as_ref(), day)
    }

    /// Whether it means what a rule says of a resource (`id` is its [`ResourceRef::fingerprint`]) on a day; `tags` are
    /// `None` where they were not read.
    pub fn means(&self, id: &str, rule: &str, resource: &ResourceRef, tags: Option<&Tags>, day: Date) -> Fit {
        let fits = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|p| glob(p, text));
        let rest = day <= self.until
            && self.finding.as_deref().is_none_or(|own| own == id)
            && fits(&self.rule, rule)
            && fits(&self.arn, resource.name())
            && self.account.as_deref().is_none_or(|a| a == resource.account);
        let Some(tag) = self.tag.as_deref().filter(|_| rest) else {
            return if rest { Fit::Yes } else { Fit::No };
        };
        let (key, value) = tag.split_once('=').map_or((tag, None), |(k, v)| (k, Some(v)));
        match tags {
            None => Fit::Unknown,
            Some(tags) if tags.get(key).is_some_and(|v| value.is_none_or(|want| want == v)) => Fit::Yes,
            Some(_) => Fit::No,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    finding: Option<String>,
    rule: Option<String>,
    arn: Option<String>,
    tag: Option<String>,
    account: Option<String>,
    until: toml::Value,
    owner: String,
    reason: String,
}

/// The `[[suppress]]` tables of a settings file; `name` is the file's.
///
/// # Errors
/// A table that is misspelt, ends on no day, or names nothing: which one, and what is wrong.
pub fn of_toml(tables: &toml::Value, name: &str) -> Result<Vec<Suppression>, SuppressionError> {
    let all = tables
        .as_array()
        .ok_or_else(|| SuppressionError::Form("`suppress` is written as [[suppress]] tables".to_owned()))?;
    let one = |(nth, table): (usize, &toml::Value)| {
        let place = |e: &dyn std::fmt::Display| SuppressionError::Form(format!("suppress {}: {e}", nth + 1));
        let w: Written = table.clone().try_into().map_err(|e: toml::de::Error| place(&e.message()))?;
        let until = match &w.until {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(day) => day.to_string(),
            _ => String::new(),
        };
        let day = until.parse().map_err(|_| place(&SuppressionError::NoDay(until.clone())))?;
        let made = Suppression {
            id: format!("{name}:{}", nth + 1),
            finding: w.finding,
            rule: w.rule,
            arn: w.arn,
            tag: w.tag,
            account: w.account,
            until: day,
            owner: w.owner,
            reason: w.reason,
            made: None,
            origin: Origin::File,
        };
        made.checked().map_err(|e| place(&e))
    };
    all.iter().enumerate().map(one).collect()
}
