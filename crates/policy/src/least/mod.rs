//! The least policy that covers what a principal was seen to do in CloudTrail.
//!
//! What CloudTrail records is the API operation; the IAM action often has another name, and its resource stands in
//! `resources` or among the request's parameters. What cannot be told is said: operations without a known action,
//! actions without a resource in the record, calls that were denied, and what trails do not record by default.

pub(crate) mod action;
pub(crate) mod record;
mod resource;

pub use record::{Record, principal_of};

use crate::catalogue::Catalogue;
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};
use std::collections::{BTreeMap, BTreeSet};

/// Distinct resources of one action above which their last part becomes `*`.
const MAX_RESOURCES: usize = 20;

/// What was seen of a principal.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// By action, the resources; `*` where the record names none.
    actions: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    /// Actions whose resources were widened, because there were too many.
    pub widened: BTreeSet<SmolStr>,
    /// Actions that take a resource, where some record named none.
    pub without_resource: BTreeSet<SmolStr>,
    /// Actions that AWS denied, with how often.
    pub denied: BTreeMap<SmolStr, usize>,
    /// Operations whose action is not known (`service:Operation`), with how often.
    pub unknown: BTreeMap<SmolStr, usize>,
    /// Records of the principal.
    pub records: usize,
    /// The first and the last of them.
    pub period: Option<(SmolStr, SmolStr)>,
}

impl Observed {
    /// Takes in one record of the principal.
    pub fn add(&mut self, catalogue: &Catalogue, record: &Record<'_>) {
        self.records += 1;
        if let Some(time) = record.time() {
            let (first, last) = self.period.get_or_insert_with(|| (time.into(), time.into()));
            if time < first.as_str() {
                *first = time.into();
            }
            if time > last.as_str() {
                *last = time.into();
            }
        }
        let Some(operation) = record.operation() else { return };
        let actions = match action::of(catalogue, record) {
            action::Actions::Known(actions) => actions,
            action::Actions::NoPermission => return,
            action::Actions::Unknown => {
                *self.unknown.entry(operation).or_default() += 1;
                return;
            }
        };
        for action in actions {
            if record.is_denied() {
                *self.denied.entry(action).or_default() += 1;
                continue;
            }
            let found = resource::of(catalogue, &action, record);
            if found.is_empty() {
                self.without_resource.insert(action.clone());
            }
            let resources = self.actions.entry(action).or_default();
            if found.is_empty() {
                resources.insert(SmolStr::new_static("*"));
            }
            resources.extend(found);
        }
    }

    /// Every action that was allowed, with its resources.
    pub fn actions(&self) -> impl Iterator<Item = (&SmolStr, &BTreeSet<SmolStr>)> {
        self.actions.iter()
    }

    /// Makes resources patterns where there are too many of them. To be called once, before [`Observed::policy`].
    pub fn widen(&mut self) {
        for (action, resources) in &mut self.actions {
            if resources.contains("*") {
                *resources = [SmolStr::new_static("*")].into();
                continue;
            }
            if resources.len() > MAX_RESOURCES {
                self.widened.insert(action.clone());
                *resources = resources.iter().map(|arn| widened(arn)).collect();
            }
        }
    }

    /// The policy: one statement for each set of resources.
    pub fn policy(&self) -> Document {
        let mut statements: BTreeMap<Vec<&SmolStr>, Vec<&SmolStr>> = BTreeMap::new();
        for (action, resources) in &self.actions {
            statements.entry(resources.iter().collect()).or_default().push(action);
        }
        let own = |items: Vec<&SmolStr>| items.into_iter().cloned().collect();
        let one = |(resources, actions)| Grant { effect: "Allow", action: own(actions), resource: own(resources) };
        Document { version: "2012-10-17", statement: statements.into_iter().map(one).collect() }
    }
}

/// A policy document, with its elements in the order that AWS writes them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Grant>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Grant {
    effect: &'static str,
    action: Vec<SmolStr>,
    resource: Vec<SmolStr>,
}

/// An ARN whose part after the first `/` of the resource (or else after its last `:`) is `*`.
fn widened(arn: &str) -> SmolStr {
    let cut = arn.find('/').or_else(|| arn.rfind(':'));
    cut.and_then(|at| arn.get(..=at)).map_or_else(|| SmolStr::new(arn), |head| format_smolstr!("{head}*"))
}

#[cfg(test)]
mod tests;
