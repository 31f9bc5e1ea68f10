//! Condition operators (IAM User Guide, `reference_policies_elements_condition_operators`).

use std::fmt;

/// An operator as written: `ForAnyValue:StringLikeIfExists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operator {
    /// The comparison.
    pub base: Base,
    /// `…IfExists`: holds where the key is absent.
    pub if_exists: bool,
    /// `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetOperator>,
}

/// The qualifier for keys with several values (`reference_policies_condition-single-vs-multi-valued-context-keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetOperator {
    /// Every value of the request matches; holds where the key is absent.
    ForAllValues,
    /// At least one value of the request matches; does not hold where the key is absent.
    ForAnyValue,
}

/// The comparison of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are AWS's own and say it all")]
pub enum Base {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnLike,
    ArnNotEquals,
    ArnNotLike,
    Null,
}

/// What an operator's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Text, with wildcards for the `Like` operators.
    String,
    /// A number.
    Numeric,
    /// A W3C date and time, or seconds since 1970.
    Date,
    /// `true` or `false`.
    Bool,
    /// Base64.
    Binary,
    /// An IP address or CIDR range.
    Ip,
    /// An ARN, compared segment by segment, with wildcards.
    Arn,
    /// `true` (the key is absent) or `false` (it is present).
    Null,
}

const BASES: [(&str, Base); 27] = [
    ("StringEquals", Base::StringEquals),
    ("StringNotEquals", Base::StringNotEquals),
    ("StringEqualsIgnoreCase", Base::StringEqualsIgnoreCase),
    ("StringNotEqualsIgnoreCase", Base::StringNotEqualsIgnoreCase),
    ("StringLike", Base::StringLike),
    ("StringNotLike", Base::StringNotLike),
    ("NumericEquals", Base::NumericEquals),
    ("NumericNotEquals", Base::NumericNotEquals),
    ("NumericLessThan", Base::NumericLessThan),
    ("NumericLessThanEquals", Base::NumericLessThanEquals),
    ("NumericGreaterThan", Base::NumericGreaterThan),
    ("NumericGreaterThanEquals", Base::NumericGreaterThanEquals),
    ("DateEquals", Base::DateEquals),
    ("DateNotEquals", Base::DateNotEquals),
    ("DateLessThan", Base::DateLessThan),
    ("DateLessThanEquals", Base::DateLessThanEquals),
    ("DateGreaterThan", Base::DateGreaterThan),
    ("DateGreaterThanEquals", Base::DateGreaterThanEquals),
    ("Bool", Base::Bool),
    ("BinaryEquals", Base::BinaryEquals),
    ("IpAddress", Base::IpAddress),
    ("NotIpAddress", Base::NotIpAddress),
    ("ArnEquals", Base::ArnEquals),
    ("ArnLike", Base::ArnLike),
    ("ArnNotEquals", Base::ArnNotEquals),
    ("ArnNotLike", Base::ArnNotLike),
    ("Null", Base::Null),
];

impl Operator {
    /// Reads an operator, whatever its case. `NullIfExists` and `ForAllValues:Null` are not operators of AWS's.
    pub fn parse(text: &str) -> Option<Self> {
        let (set, rest) = match text.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetOperator::ForAllValues), rest),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetOperator::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let cut = rest.len().checked_sub("IfExists".len());
        let tail = cut.and_then(|cut| rest.is_char_boundary(cut).then(|| rest.split_at(cut)));
        let (name, if_exists) = match tail {
            Some((name, tail)) if tail.eq_ignore_ascii_case("IfExists") => (name, true),
            _ => (rest, false),
        };
        let base = BASES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1;
        (base != Base::Null || (set.is_none() && !if_exists)).then_some(Self { base, if_exists, set })
    }
}

impl Base {
    /// Every comparison.
    pub fn all() -> impl Iterator<Item = Self> {
        BASES.iter().map(|(_, base)| *base)
    }

    /// AWS's name.
    pub fn name(self) -> &'static str {
        BASES.iter().find(|(_, base)| *base == self).map_or("", |(name, _)| name)
    }

    /// Whether it asks that no value matches. Such an operator holds where the key is absent.
    pub fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotEquals
                | Self::ArnNotLike
        )
    }

    /// What its values are.
    pub fn value_kind(self) -> ValueKind {
        match self {
            Self::StringEquals
            | Self::StringNotEquals
            | Self::StringEqualsIgnoreCase
            | Self::StringNotEqualsIgnoreCase
            | Self::StringLike
            | Self::StringNotLike => ValueKind::String,
            Self::NumericEquals
            | Self::NumericNotEquals
            | Self::NumericLessThan
            | Self::NumericLessThanEquals
            | Self::NumericGreaterThan
            | Self::NumericGreaterThanEquals => ValueKind::Numeric,
            Self::DateEquals
            | Self::DateNotEquals
            | Self::DateLessThan
            | Self::DateLessThanEquals
            | Self::DateGreaterThan
            | Self::DateGreaterThanEquals => ValueKind::Date,
            Self::Bool => ValueKind::Bool,
            Self::BinaryEquals => ValueKind::Binary,
            Self::IpAddress | Self::NotIpAddress => ValueKind::Ip,
            Self::ArnEquals | Self::ArnLike | Self::ArnNotEquals | Self::ArnNotLike => ValueKind::Arn,
            Self::Null => ValueKind::Null,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.set {
            Some(SetOperator::ForAllValues) => "ForAllValues:",
            Some(SetOperator::ForAnyValue) => "ForAnyValue:",
            None => "",
        })?;
        f.write_str(self.base.name())?;
        f.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for set in ["", "ForAllValues:", "ForAnyValue:"] {
            for tail in ["", "IfExists"] {
                for (name, base) in BASES {
                    let text = format!("{set}{name}{tail}");
                    let plain = set.is_empty() && tail.is_empty();
                    let parsed = Operator::parse(&text);
                    assert_eq!(parsed.is_some(), base != Base::Null || plain, "{text}");
                    if let Some(operator) = parsed {
                        assert_eq!(operator.to_string(), text);
                        assert_eq!(Operator::parse(&text.to_lowercase()), Some(operator));
                    }
                }
            }
        }
        for bad in ["", "IfExists", "StringEqual", "ForAny:StringEquals", "ForAllValues:", "é", "ééééIfExists"] {
            assert_eq!(Operator::parse(bad), None, "{bad}");
        }
    }
}
