//! One condition, with its policy variables filled in.

use super::range;
use super::variables::Binding;
use crate::document::{Condition, Version};
use crate::language::{Pattern, StringSet};
use crate::operator::{Base, Operator, SetOperator, ValueKind};
use crate::pattern::Token;
use crate::value;
use smol_str::SmolStr;

/// A condition on one key.
#[derive(Debug, Clone)]
pub(super) struct Test {
    operator: Operator,
    hits: Hits,
    /// Whether some value cannot be compared with anything: its variable has no value, or it is malformed. A negated
    /// operator then suits nothing.
    incomparable: bool,
}

/// The values that an operator's plain (not negated) form accepts.
#[derive(Debug, Clone)]
pub(super) enum Hits {
    /// Strings and ARNs.
    Strings { accepted: StringSet, refused: StringSet },
    /// Numbers, dates, booleans, addresses and binary values, by their text.
    Values(Vec<SmolStr>),
    /// `Null`: whether absence and presence satisfy it.
    Null { absent: bool, present: bool },
}

impl Test {
    pub(super) fn new(condition: &Condition, version: Version, binding: &Binding) -> Self {
        let base = condition.operator.base;
        let total = condition.values.len();
        let (hits, read) = match base.value_kind() {
            ValueKind::String | ValueKind::Arn => {
                let patterns = condition.values.iter().filter_map(|value| pattern(base, value, version, binding));
                let patterns: Vec<Pattern> = patterns.collect();
                let read = patterns.len();
                let refused = StringSet::none_of(patterns.clone());
                (Hits::Strings { accepted: StringSet::any_of(patterns), refused }, read)
            }
            ValueKind::Null => {
                let says = |text: &str| condition.values.iter().any(|v| v.eq_ignore_ascii_case(text));
                (Hits::Null { absent: says("true"), present: says("false") }, total)
            }
            kind => {
                let values = condition.values.iter().filter_map(|v| plain(v, kind, version, binding));
                let values: Vec<SmolStr> = values.collect();
                let read = values.len();
                (Hits::Values(values), read)
            }
        };
        Self { operator: condition.operator, hits, incomparable: read < total }
    }

    /// A test that a key has exactly this value.
    pub(super) fn equals(value: &str) -> Self {
        let only = || vec![Pattern::literal(value, false)];
        let hits = Hits::Strings { accepted: StringSet::any_of(only()), refused: StringSet::none_of(only()) };
        let operator = Operator { base: Base::StringEquals, if_exists: false, set: None };
        Self { operator, hits, incomparable: false }
    }

    /// A test that a key is absent or all its values are of a set.
    pub(super) fn within(set: StringSet) -> Self {
        let operator = Operator { base: Base::StringLike, if_exists: true, set: Some(SetOperator::ForAllValues) };
        let refused = set.complement();
        Self { operator, hits: Hits::Strings { accepted: set, refused }, incomparable: false }
    }

    /// A test that a key is absent or its value an address outside some networks.
    pub(super) fn outside(networks: &[SmolStr]) -> Self {
        let operator = Operator { base: Base::NotIpAddress, if_exists: true, set: None };
        Self { operator, hits: Hits::Values(networks.to_vec()), incomparable: false }
    }

    /// A test that a key is absent.
    pub(super) fn absent() -> Self {
        let operator = Operator { base: Base::Null, if_exists: false, set: None };
        Self { operator, hits: Hits::Null { absent: true, present: false }, incomparable: false }
    }

    pub(super) fn hits(&self) -> &Hits {
        &self.hits
    }

    pub(super) fn kind(&self) -> ValueKind {
        self.operator.base.value_kind()
    }

    /// Whether it holds for an absent key
    /// (`reference_policies_elements_condition_operators`, `…_condition-single-vs-multi-valued-context-keys`).
    pub(super) fn holds_absent(&self) -> bool {
        if let Hits::Null { absent, .. } = self.hits {
            return absent;
        }
        match self.operator.set {
            Some(SetOperator::ForAllValues) => true,
            Some(SetOperator::ForAnyValue) => self.operator.if_exists,
            None => self.operator.if_exists || self.operator.base.is_negated(),
        }
    }

    /// Whether one value is as the operator wants it: accepted, or for a negated operator refused.
    pub(super) fn suits(&self, value: &str) -> bool {
        let base = self.operator.base;
        let negated = base.is_negated();
        match &self.hits {
            Hits::Strings { refused, .. } if negated => !self.incomparable && refused.contains(value),
            Hits::Strings { accepted, .. } => accepted.contains(value),
            Hits::Values(wanted) if negated => {
                !self.incomparable && wanted.iter().all(|want| range::compare(base, value, want) == Some(false))
            }
            Hits::Values(wanted) => wanted.iter().any(|want| range::compare(base, value, want) == Some(true)),
            Hits::Null { present, .. } => *present,
        }
    }

    /// Whether it holds for these values; none where the key is absent. An operator without a set qualifier holds for no
    /// list of several.
    pub(super) fn holds<S: AsRef<str>>(&self, values: &[S]) -> bool {
        if matches!(self.hits, Hits::Null { .. }) {
            return if values.is_empty() { self.holds_absent() } else { self.suits("") };
        }
        let mut each = values.iter().map(AsRef::as_ref);
        match (values.len(), self.operator.set) {
            (0, _) => self.holds_absent(),
            (1, None) => each.all(|v| self.suits(v)),
            (_, None) => false,
            (_, Some(SetOperator::ForAllValues)) => each.all(|v| self.suits(v)),
            (_, Some(SetOperator::ForAnyValue)) => each.any(|v| self.suits(v)),
        }
    }

    /// Whether it is `Null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.hits, Hits::Null { .. })
    }

    /// The set qualifier.
    pub(super) fn set(&self) -> Option<SetOperator> {
        self.operator.set
    }

    /// The strings that suit, or that do not; `None` for operators of other types.
    pub(super) fn strings(&self, suits: bool) -> Option<Strings<'_>> {
        let Hits::Strings { accepted, refused } = &self.hits else { return None };
        Some(match (self.operator.base.is_negated(), suits) {
            (true, true) if self.incomparable => Strings::None,
            (true, false) if self.incomparable => Strings::All,
            (negated, suits) if negated == suits => Strings::Of(refused),
            _ => Strings::Of(accepted),
        })
    }
}

/// Strings that a test asks for.
pub(super) enum Strings<'t> {
    All,
    None,
    Of(&'t StringSet),
}

/// The set of strings that a value of a string or ARN operator accepts; `None` where a variable has no value.
fn pattern(base: Base, value: &str, version: Version, binding: &Binding) -> Option<Pattern> {
    let ignore_case = matches!(base, Base::StringEqualsIgnoreCase | Base::StringNotEqualsIgnoreCase);
    let is_arn = base.value_kind() == ValueKind::Arn;
    let wildcards = is_arn || matches!(base, Base::StringLike | Base::StringNotLike);
    let tokens = binding.tokens(value, version, wildcards)?;
    if is_arn { Pattern::arn(tokens) } else { Some(Pattern::from_tokens(tokens, ignore_case)) }
}

/// The text of a value of another type; `None` where it cannot be compared.
fn plain(value: &str, kind: ValueKind, version: Version, binding: &Binding) -> Option<SmolStr> {
    let comparable = match kind {
        ValueKind::Numeric => value::number(value).is_some(),
        ValueKind::Date => value::date(value).is_some(),
        ValueKind::Ip => yagura_model::IpRange::parse(value).is_some(),
        _ => true,
    };
    if kind != ValueKind::Bool {
        return comparable.then(|| SmolStr::new(value));
    }
    let tokens = binding.tokens(value, version, false)?;
    Some(tokens.into_iter().filter_map(|t| if let Token::Char(c) = t { Some(c) } else { None }).collect())
}
