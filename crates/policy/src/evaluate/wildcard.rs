//! Requests on some resource of a pattern: concrete resources that stand for all that matter, the likely ones first.
//!
//! A resource that is allowed lies in what some Allow statement covers. So the search goes from those: a resource of
//! each, then one outside every Deny, then one of two Allow statements at once (of two layers), then all regions.

use super::possible::{every_policy, known};
use super::{Asked, Layers, Mode};
use crate::condition::Condition;
use crate::document::Effect;
use crate::language::{self, Pattern, StringSet};
use crate::pattern::tokens;
use crate::represent;
use crate::template::{Lookup, Reading, Template};
use smol_str::SmolStr;
use std::collections::HashSet;

/// Sets of Allow statements that are combined in pairs.
const MAX_PAIRED: usize = 12;

/// Variables of one resource, and values of each, that are put in.
const MAX_VARIABLES: usize = 16;

/// Searches for a resource in all; a request whose policies name more is judged on the likely ones alone.
const MAX_SEARCHES: usize = 2000;

/// What the statements on an action say of resources.
struct Named {
    /// The request's pattern.
    within: StringSet,
    /// Resources of the caller's account, or of none: fewer layers have to allow.
    own: StringSet,
    /// What each Allow statement covers, pattern by pattern; what a Deny with `NotResource` spares.
    allowed: Vec<StringSet>,
    /// What Deny statements cover.
    denied: Vec<Pattern>,
}

/// Tries resources until `accept` takes one.
pub(super) fn search(asked: &Asked<'_>, layers: &Layers<'_>, mode: Mode<'_>, mut accept: impl FnMut(SmolStr) -> bool) {
    let named = Named::new(asked, layers, mode);
    let mut tried = HashSet::new();
    let mut left = MAX_SEARCHES;
    let outside = StringSet::none_of(named.denied.clone());
    let mut attempt = |sets: &[&StringSet]| {
        if left == 0 {
            return false;
        }
        left -= 1;
        match language::find(sets, []) {
            language::Answer::Found(text) => tried.insert(text.clone()) && accept(SmolStr::new(text)),
            _ => false,
        }
    };
    for set in &named.allowed {
        if attempt(&[&named.within, &named.own, set]) || attempt(&[&named.within, set]) {
            return;
        }
    }
    if !named.denied.is_empty() {
        for set in &named.allowed {
            if attempt(&[&named.within, &named.own, set, &outside]) || attempt(&[&named.within, set, &outside]) {
                return;
            }
        }
    }
    if named.allowed.len() <= MAX_PAIRED {
        for (i, a) in named.allowed.iter().enumerate() {
            for b in named.allowed.iter().skip(i + 1) {
                if attempt(&[&named.within, a, b, &outside]) || attempt(&[&named.within, a, b]) {
                    return;
                }
            }
        }
    }
    let patterns: Vec<Pattern> = named.patterns();
    let regions = represent::strings(&[named.within.clone(), named.own.clone()], &patterns);
    let others = represent::strings(std::slice::from_ref(&named.within), &patterns);
    for text in regions.into_iter().chain(others) {
        // A text with a wildcard would be read as a pattern.
        if !text.contains(['*', '?']) && tried.insert(text.to_string()) && accept(text) {
            return;
        }
    }
}

impl Named {
    fn new(asked: &Asked<'_>, layers: &Layers<'_>, mode: Mode<'_>) -> Self {
        let find = |key: &str| known(asked, mode, key);
        let conditions: Vec<&Condition> = every_policy(layers)
            .flat_map(|policy| policy.on(&asked.action))
            .flat_map(|(_, statement)| &statement.conditions)
            .collect();
        let account = asked.caller.account.as_deref().unwrap_or_default();
        let own = ["arn:*:*:*::*".to_owned(), format!("arn:*:*:*:{account}:*")];
        let mut named = Self {
            within: StringSet::any_of(vec![Pattern::resource(tokens(asked.resource.text).collect(), false)]),
            own: StringSet::any_of(own.iter().filter_map(|arn| Pattern::arn(tokens(arn))).collect()),
            allowed: Vec::new(),
            denied: Vec::new(),
        };
        let mut seen = HashSet::new();
        for policy in every_policy(layers) {
            for (place, statement) in policy.on(&asked.action) {
                let element = policy.policy.statements.get(place).and_then(|s| s.resources.as_ref());
                let Some(element) = element else { continue };
                let reading = Reading { version: policy.policy.version, wildcards: true, ignore_case: false };
                let patterns =
                    element.items.iter().flat_map(|text| resources(&Template::new(text, reading), &conditions, &find));
                match (statement.effect, element.negated) {
                    (Effect::Allow, true) => named.allowed.push(StringSet::none_of(patterns.collect())),
                    (Effect::Deny, false) => named.denied.extend(patterns),
                    _ => named
                        .allowed
                        .extend(patterns.filter(|p| seen.insert(p.clone())).map(|p| StringSet::any_of(vec![p]))),
                }
            }
        }
        named
    }

    /// Every pattern, each once.
    fn patterns(&self) -> Vec<Pattern> {
        let mut seen = HashSet::new();
        let all = self.allowed.iter().flat_map(StringSet::patterns).chain(&self.denied);
        all.filter(|p| seen.insert((*p).clone())).cloned().collect()
    }
}

/// What a resource of a policy may take in; where a variable is open, with each value that conditions on its key name,
/// and with any.
fn resources<'v>(template: &Template, conditions: &[&Condition], find: &dyn Fn(&str) -> Lookup<'v>) -> Vec<Pattern> {
    let mut patterns: Vec<Pattern> = represent::resource(template, find).into_iter().collect();
    for key in template.variables().filter(|key| find(key) == Lookup::Open).take(MAX_VARIABLES) {
        let on: Vec<&Condition> = conditions.iter().copied().filter(|c| c.key == *key).collect();
        let values = represent::values(&on, find, &[], true).into_iter().filter(|v| v.len() == 1);
        for value in values.take(MAX_VARIABLES) {
            let find = |k: &str| if k == key.as_str() { Lookup::Values(&value) } else { find(k) };
            patterns.extend(represent::resource(template, &find));
        }
    }
    patterns
}
