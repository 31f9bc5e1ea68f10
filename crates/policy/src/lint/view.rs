//! A policy as the checks look at it: everything that has the right form, with its place.

use super::PolicyType;
use super::check::Place;
use crate::catalogue::{Catalogue, ConditionKey};
use crate::document::Effect;
use crate::operator::Operator;
use std::borrow::Cow;

/// A policy.
pub(super) struct Policy<'n> {
    pub(super) kind: PolicyType,
    pub(super) catalogue: &'n Catalogue,
    /// `Version`, where it is a string.
    pub(super) version: Option<&'n str>,
    pub(super) id: Option<Item<'n>>,
    pub(super) statements: Vec<Statement<'n>>,
}

/// A statement.
pub(super) struct Statement<'n> {
    pub(super) place: Place,
    pub(super) effect: Option<Effect>,
    pub(super) effect_item: Option<Item<'n>>,
    pub(super) sid: Option<Item<'n>>,
    pub(super) principal: Option<Principals<'n>>,
    pub(super) action: Option<List<'n>>,
    pub(super) resource: Option<List<'n>>,
    pub(super) has_condition: bool,
    /// One for each operator and key.
    pub(super) tests: Vec<Test<'n>>,
}

/// A string and its place.
#[derive(Debug, Clone)]
pub(super) struct Item<'n> {
    pub(super) text: &'n str,
    pub(super) place: Place,
}

/// `Action`, `Resource` or their `Not…` form.
pub(super) struct List<'n> {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) items: Vec<Item<'n>>,
}

/// `Principal` or `NotPrincipal`.
pub(super) struct Principals<'n> {
    pub(super) negated: bool,
    pub(super) place: Place,
    /// `"*"`, not `{"AWS": "*"}`.
    pub(super) is_star: bool,
    pub(super) entries: Vec<Entry<'n>>,
}

/// One principal: its key (`AWS`, `Service`, …) and value.
pub(super) struct Entry<'n> {
    pub(super) key: &'n str,
    pub(super) item: Item<'n>,
}

/// One operator, one key and its values.
pub(super) struct Test<'n> {
    pub(super) operator_text: &'n str,
    /// `None` where there is no such operator. `Null` may carry a qualifier or `IfExists` here, which AWS does not take.
    pub(super) operator: Option<Operator>,
    pub(super) key: &'n str,
    pub(super) values: Vec<Value<'n>>,
    pub(super) place: Place,
}

/// A value of a condition.
pub(super) struct Value<'n> {
    pub(super) text: Cow<'n, str>,
    pub(super) kind: &'static str,
    pub(super) place: Place,
}

impl Policy<'_> {
    /// Whether `${…}` is a variable here.
    pub(super) fn has_variables(&self) -> bool {
        self.version == Some("2012-10-17")
    }
}

impl<'n> Statement<'n> {
    pub(super) fn allows(&self) -> bool {
        self.effect == Some(Effect::Allow)
    }

    pub(super) fn denies(&self) -> bool {
        self.effect == Some(Effect::Deny)
    }

    /// `Action`, not `NotAction`.
    pub(super) fn actions(&self) -> &[Item<'n>] {
        self.action.as_ref().filter(|l| !l.is_negated()).map_or(&[], |l| l.items.as_slice())
    }

    /// Whether a test is made of a key.
    pub(super) fn tests_key(&self, key: &str) -> bool {
        self.tests.iter().any(|t| t.key.eq_ignore_ascii_case(key))
    }

    pub(super) fn tests_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.tests_key(key))
    }

    /// Whether a key is tested for a value by an operator of the wanted base name or its `IfExists` form.
    pub(super) fn tests_value(&self, base: crate::operator::Base, key: &str, value: &str) -> bool {
        let fits = |t: &&Test<'_>| t.key.eq_ignore_ascii_case(key) && t.operator.is_some_and(|o| o.base == base);
        self.tests.iter().filter(fits).any(|t| t.values.iter().any(|v| v.text.eq_ignore_ascii_case(value)))
    }
}

impl List<'_> {
    pub(super) fn is_negated(&self) -> bool {
        self.name.starts_with("Not")
    }
}

impl Test<'_> {
    /// The key as AWS knows it.
    pub(super) fn known<'c>(&self, catalogue: &'c Catalogue) -> Option<&'c ConditionKey> {
        catalogue.condition_key(self.key)
    }

    pub(super) fn is_key(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }
}

/// Whether a pattern or value has a wildcard; `${*}` and `${?}` are none.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?']) && text.replace("${*}", "").replace("${?}", "").contains(['*', '?'])
}

/// A text with each `${…}` replaced by `*`: what it may be once its variables are filled in.
pub(super) fn without_variables(text: &str) -> Cow<'_, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}
