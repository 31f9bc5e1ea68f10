//! Policy variables: which values of their keys are worth trying.
//!
//! `${aws:username}` ties a resource or a value to a context key. The search fixes the keys that variables name: to a
//! value that nothing else names, to each value at which some other text of the policies would come to match, and to
//! none.

use crate::document::{Policy, Version};
use crate::pattern::Token;
use crate::template::{Piece, pieces};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// The values of the keys that variables name, by the keys in lower case; `None` where the key is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    values: BTreeMap<SmolStr, Option<SmolStr>>,
}

/// The most bindings that are tried.
const MAX_BINDINGS: usize = 400;

impl Binding {
    /// The keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, Option<&SmolStr>)> {
        self.values.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// Gives a key that variables name its only value.
    pub fn fix(&mut self, key: &str, value: &str) {
        if let Some(slot) = self.values.get_mut(key) {
            *slot = Some(SmolStr::new(value));
        }
    }

    /// The tokens of a text with its variables filled in; `None` where one has neither value nor default.
    pub(super) fn tokens(&self, text: &str, version: Version, wildcards: bool) -> Option<Vec<Token>> {
        let mut tokens = Vec::with_capacity(text.len());
        for piece in pieces(text, version, wildcards) {
            match piece {
                Piece::Token(token) => tokens.push(token),
                Piece::Variable { key, default } => {
                    let value = self.values.get(&key).cloned().flatten().or(default)?;
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }
}

/// The bindings to try for some policies, the most telling first, and whether there are more of them than are tried.
pub fn bindings(policies: &[&Policy]) -> (Vec<Binding>, bool) {
    let texts: Vec<(&str, Version)> = policies.iter().flat_map(|p| texts(p)).collect();
    let mut keys: BTreeSet<SmolStr> = BTreeSet::new();
    for (text, version) in &texts {
        if *version == Version::V2012 && text.contains("${") {
            keys.extend(pieces(text, *version, true).into_iter().filter_map(|piece| match piece {
                Piece::Variable { key, .. } => Some(key),
                Piece::Token(_) => None,
            }));
        }
    }
    let mut all = vec![Binding::default()];
    let mut cut = false;
    for key in keys {
        let choices = choices(&key, policies, &texts);
        let room = (MAX_BINDINGS / all.len()).max(1);
        cut |= choices.len() > room;
        let extended = choices.iter().take(room).flat_map(|choice| {
            all.iter().map(|binding| {
                let mut binding = binding.clone();
                binding.values.insert(key.clone(), choice.clone());
                binding
            })
        });
        all = extended.collect();
    }
    (all, cut)
}

/// The resources and condition values of a policy.
fn texts(policy: &Policy) -> impl Iterator<Item = (&str, Version)> {
    policy.statements.iter().flat_map(|statement| {
        let resources = statement.resources.iter().flat_map(|e| &e.items);
        let values = statement.conditions.iter().flat_map(|c| &c.values);
        resources.chain(values).map(|text| (text.as_str(), policy.version))
    })
}

/// The values to try for a key.
fn choices(key: &str, policies: &[&Policy], texts: &[(&str, Version)]) -> Vec<Option<SmolStr>> {
    let mut found: Vec<Option<SmolStr>> = vec![Some(fresh(key))];
    let mut add = |value: &str| {
        let value = Some(SmolStr::new(value));
        if !value.as_deref().is_some_and(|v| v.is_empty() || v.contains(['*', '?', '$'])) && !found.contains(&value) {
            found.push(value);
        }
    };
    let conditions = policies.iter().flat_map(|p| &p.statements).flat_map(|s| &s.conditions);
    for condition in conditions.filter(|c| c.key.eq_ignore_ascii_case(key)) {
        condition.values.iter().for_each(|value| add(value.trim_end_matches('*')));
    }
    for (text, version) in texts.iter().filter(|(text, _)| text.contains("${")) {
        let Some((before, after)) = around(text, *version, key) else { continue };
        for (other, _) in texts {
            let Some(rest) = other.strip_prefix(before.as_str()) else { continue };
            let middle = rest.strip_suffix(after.as_str()).unwrap_or(rest);
            // As far as a wildcard, as far as the next segment, and with the wildcards filled.
            add(middle.split(['*', '?', '$']).next().unwrap_or_default());
            add(middle.split(['/', ':', '*', '?', '$']).next().unwrap_or_default());
            add(&middle.replace('?', "x").replace('*', ""));
        }
    }
    found.push(None);
    found
}

/// The fixed text around a variable, as far as it goes without other variables and wildcards.
fn around(text: &str, version: Version, key: &str) -> Option<(String, String)> {
    let pieces = pieces(text, version, true);
    let at = pieces.iter().position(|p| matches!(p, Piece::Variable { key: k, .. } if k == key))?;
    let plain = |piece: &Piece| match piece {
        Piece::Token(Token::Char(c)) => Some(*c),
        _ => None,
    };
    let before: Option<String> = pieces.iter().take(at).map(plain).collect();
    let after: Option<String> = pieces.iter().skip(at + 1).map(plain).collect();
    Some((before?, after.unwrap_or_default()))
}

/// A plausible value that no policy is likely to name.
fn fresh(key: &str) -> SmolStr {
    SmolStr::new_static(match key {
        "aws:username" => "sam",
        "aws:userid" => "AIDAEXAMPLEUSERID0000",
        "aws:principalaccount" | "aws:sourceaccount" | "aws:resourceaccount" => "210987654321",
        "aws:principalorgid" | "aws:resourceorgid" | "aws:sourceorgid" => "o-exampleorg1",
        _ => "value-7q",
    })
}
