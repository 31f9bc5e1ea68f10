//! Conditions read once, and whether they hold (IAM User Guide, `reference_policies_elements_condition_operators` and
//! `reference_policies_condition-single-vs-multi-valued-context-keys`).

use crate::document::{self, Version};
use crate::operator::{Base, Operator, SetOperator, ValueKind};
use crate::pattern::{Glob, Token};
use crate::template::{Lookup, Piece, Reading, Resolved, Template, pieces};
use crate::tri::Tri;
use crate::value;
use smol_str::SmolStr;
use yagura_model::IpRange;

/// One operator on one key with its values read.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The key in lower case.
    pub key: SmolStr,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Text(Vec<Template>),
    Bool(Vec<Template>),
    Arn(Vec<Option<ArnPattern>>),
    Number(Vec<Option<f64>>),
    Date(Vec<Option<i128>>),
    Ip(Vec<Option<IpRange>>),
    Binary(Vec<SmolStr>),
    /// Whether some value says `true` (absent), and whether some says `false` (present).
    Null {
        absent: bool,
        present: bool,
    },
}

/// An ARN pattern: each of the six parts is matched apart, as AWS documents for the ARN operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnPattern(pub(crate) [Template; 6]);

impl Condition {
    /// Reads a condition of a policy of this version.
    pub fn new(condition: &document::Condition, version: Version) -> Self {
        let base = condition.operator.base;
        let values = &condition.values;
        let templates = |wildcards, ignore_case| {
            let reading = Reading { version, wildcards, ignore_case };
            values.iter().map(|v| Template::new(v, reading)).collect()
        };
        let test = match base.value_kind() {
            ValueKind::String => Test::Text(templates(
                matches!(base, Base::StringLike | Base::StringNotLike),
                matches!(base, Base::StringEqualsIgnoreCase | Base::StringNotEqualsIgnoreCase),
            )),
            ValueKind::Bool => Test::Bool(templates(false, true)),
            ValueKind::Arn => Test::Arn(values.iter().map(|v| ArnPattern::new(v, version)).collect()),
            ValueKind::Numeric => Test::Number(values.iter().map(|v| value::number(v)).collect()),
            ValueKind::Date => Test::Date(values.iter().map(|v| value::date(v)).collect()),
            ValueKind::Ip => Test::Ip(values.iter().map(|v| IpRange::parse(v)).collect()),
            ValueKind::Binary => Test::Binary(values.clone()),
            ValueKind::Null => Test::Null {
                absent: values.iter().any(|v| v.eq_ignore_ascii_case("true")),
                present: values.iter().any(|v| v.eq_ignore_ascii_case("false")),
            },
        };
        Self { operator: condition.operator, key: SmolStr::new(condition.key.to_ascii_lowercase()), test }
    }

    /// Whether it holds in a request whose keys (asked for in lower case) are these.
    pub fn holds<'v>(&self, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Tri {
        let found = lookup(&self.key);
        if let Test::Null { absent, present } = self.test {
            return match found {
                Lookup::Absent => absent.into(),
                Lookup::Values(_) => present.into(),
                Lookup::Open if absent && present => Tri::True,
                Lookup::Open if !absent && !present => Tri::False,
                Lookup::Open => Tri::Unknown,
            };
        }
        let negated = self.operator.base.is_negated();
        match (found, self.operator.set) {
            (Lookup::Open, _) => Tri::Unknown,
            (Lookup::Absent, Some(SetOperator::ForAllValues)) => Tri::True,
            (Lookup::Absent, Some(SetOperator::ForAnyValue)) => self.operator.if_exists.into(),
            (Lookup::Absent, None) => (self.operator.if_exists || negated).into(),
            // "If the key values resolve to an empty data set, such as an empty string": AWS's own example.
            (Lookup::Values([only]), Some(set)) if only.is_empty() => (set == SetOperator::ForAllValues).into(),
            (Lookup::Values(values), Some(SetOperator::ForAllValues)) => {
                Tri::all(values.iter().map(|v| self.matches(v, lookup)))
            }
            (Lookup::Values(values), Some(SetOperator::ForAnyValue)) => {
                Tri::any(values.iter().map(|v| self.matches(v, lookup)))
            }
            (Lookup::Values([only]), None) => self.matches(only, lookup),
            // A key with several values needs a set operator.
            (Lookup::Values(_), None) => Tri::False,
        }
    }

    /// How many values it compares with.
    pub(crate) fn size(&self) -> usize {
        match &self.test {
            Test::Text(v) | Test::Bool(v) => v.len(),
            Test::Arn(v) => v.len(),
            Test::Number(v) => v.len(),
            Test::Date(v) => v.len(),
            Test::Ip(v) => v.len(),
            Test::Binary(v) => v.len(),
            Test::Null { .. } => 1,
        }
    }

    /// Its values that may name variables.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match &self.test {
            Test::Text(values) | Test::Bool(values) => values.iter().collect(),
            Test::Arn(values) => values.iter().flatten().flat_map(|arn| &arn.0).collect(),
            _ => Vec::new(),
        }
    }

    /// The keys that its values name as variables.
    pub fn variables(&self) -> Vec<&SmolStr> {
        self.templates().into_iter().flat_map(Template::variables).collect()
    }

    /// Whether one value of the request satisfies the comparison.
    fn matches<'v>(&self, value: &str, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Tri {
        let base = self.operator.base;
        let each = |matched: &mut dyn Iterator<Item = Option<Tri>>| {
            if !base.is_negated() {
                return Tri::any(matched.map(|m| m.unwrap_or(Tri::False)));
            }
            // A comparison that cannot be made holds neither way.
            Tri::all(matched.map(|m| m.map_or(Tri::False, |m| !m)))
        };
        match &self.test {
            Test::Text(templates) => each(&mut templates.iter().map(|t| text_matches(t, value, lookup))),
            Test::Bool(templates) => {
                let is_bool = |t: &str| t.eq_ignore_ascii_case("true") || t.eq_ignore_ascii_case("false");
                Tri::from(is_bool(value)).and(each(&mut templates.iter().map(|t| text_matches(t, value, lookup))))
            }
            Test::Arn(patterns) => {
                let arn = parts(value);
                let holds = each(&mut patterns.iter().map(|p| p.as_ref()?.matches(arn.as_ref()?, lookup)));
                // Were an open variable absent, the comparison could not be made.
                let mut variables = patterns.iter().flatten().flat_map(|p| p.parts()).flat_map(Template::variables);
                let hangs = base.is_negated() && holds.is_true() && variables.any(|key| lookup(key) == Lookup::Open);
                if hangs { Tri::Unknown } else { holds }
            }
            Test::Number(numbers) => {
                let n = value::number(value);
                each(&mut numbers.iter().map(|p| ordered(base, n?.partial_cmp(&(*p)?)?)))
            }
            Test::Date(dates) => {
                let d = value::date(value);
                each(&mut dates.iter().map(|p| ordered(base, d?.cmp(&(*p)?))))
            }
            Test::Ip(ranges) => {
                let address = value.parse().ok();
                each(&mut ranges.iter().map(|r| Some((*r)?.contains(address?).into())))
            }
            Test::Binary(values) => each(&mut values.iter().map(|v| Some((v == value).into()))),
            Test::Null { .. } => Tri::False,
        }
    }
}

/// Whether the value stands in the operator's order to the policy's; for a negated operator, whether they are equal.
fn ordered(base: Base, order: std::cmp::Ordering) -> Option<Tri> {
    let holds = match base {
        Base::NumericLessThan | Base::DateLessThan => order.is_lt(),
        Base::NumericLessThanEquals | Base::DateLessThanEquals => order.is_le(),
        Base::NumericGreaterThan | Base::DateGreaterThan => order.is_gt(),
        Base::NumericGreaterThanEquals | Base::DateGreaterThanEquals => order.is_ge(),
        _ => order.is_eq(),
    };
    Some(holds.into())
}

fn text_matches<'v>(template: &Template, value: &str, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Option<Tri> {
    if let Template::Fixed(glob) = template {
        return Some(glob.matches(value).into());
    }
    match template.resolve(lookup) {
        Resolved::Pattern(glob) => Some(glob.matches(value).into()),
        Resolved::Nothing => None,
        Resolved::Open => Some(Tri::Unknown),
    }
}

impl ArnPattern {
    /// Reads a pattern with at least six parts; the sixth takes the rest, colons too.
    pub fn new(text: &str, version: Version) -> Option<Self> {
        if version == Version::V2008 || !text.contains("${") {
            let mut all = text.splitn(6, ':').map(|part| Template::Fixed(Glob::new(part)));
            let parts = [all.next()?, all.next()?, all.next()?, all.next()?, all.next()?, all.next()?];
            return Some(Self(parts));
        }
        let mut rest = pieces(text, version, true);
        let mut parts = Vec::with_capacity(6);
        for _ in 0..5 {
            let colon = rest.iter().position(|p| *p == Piece::Token(Token::Char(':')))?;
            let tail = rest.split_off(colon + 1);
            rest.pop();
            parts.push(Template::from_pieces(std::mem::replace(&mut rest, tail), false));
        }
        parts.push(Template::from_pieces(rest, false));
        parts.try_into().ok().map(Self)
    }

    /// Whether an ARN in its six parts matches; `None` where a variable resolves to nothing.
    pub fn matches<'v>(&self, arn: &[&str; 6], lookup: &dyn Fn(&str) -> Lookup<'v>) -> Option<Tri> {
        let mut all = Tri::True;
        for (template, part) in self.0.iter().zip(arn) {
            all = all.and(text_matches(template, part, lookup)?);
        }
        Some(all)
    }

    /// Its six parts.
    pub fn parts(&self) -> &[Template; 6] {
        &self.0
    }
}

/// The six parts of an ARN; the last takes the rest. `None` for a text with fewer.
pub fn parts(arn: &str) -> Option<[&str; 6]> {
    let mut all = arn.splitn(6, ':');
    let parts = [all.next()?, all.next()?, all.next()?, all.next()?, all.next()?, all.next()?];
    (parts.first() == Some(&"arn")).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Policy;

    fn holds(condition: &str, context: &str) -> Tri {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
        );
        let policy = Policy::parse(&policy).unwrap();
        let context: serde_json::Map<String, serde_json::Value> = serde_json::from_str(context).unwrap();
        let keys: Vec<(String, Option<Vec<SmolStr>>)> = context
            .into_iter()
            .map(|(k, v)| {
                let values = match v {
                    serde_json::Value::Array(a) => Some(a.iter().map(|x| x.as_str().unwrap().into()).collect()),
                    serde_json::Value::String(s) => Some(vec![s.into()]),
                    _ => None,
                };
                (k.to_lowercase(), values)
            })
            .collect();
        let lookup = |key: &str| match keys.iter().find(|(k, _)| k == key) {
            Some((_, Some(v))) if v.is_empty() => Lookup::Absent,
            Some((_, Some(v))) => Lookup::Values(v),
            Some((_, None)) => Lookup::Open,
            None => Lookup::Absent,
        };
        Tri::all(policy.statements[0].conditions.iter().map(|c| Condition::new(c, policy.version).holds(&lookup)))
    }

    #[test]
    fn table() {
        use Tri::{False, True, Unknown};
        for (condition, context, want) in [
            (r#"{"StringEquals":{"k":"a"}}"#, r#"{"K":"a"}"#, True),
            (r#"{"StringEquals":{"k":"a"}}"#, r#"{"k":"A"}"#, False),
            (r#"{"StringEquals":{"k":"a*"}}"#, r#"{"k":"ab"}"#, False),
            (r#"{"StringEquals":{"k":["b","a"]}}"#, r#"{"k":"a"}"#, True),
            (r#"{"StringEquals":{"k":"a"}}"#, r#"{}"#, False),
            (r#"{"StringEquals":{"k":"a"}}"#, r#"{"k":null}"#, Unknown),
            (r#"{"StringEquals":{"k":"a"}}"#, r#"{"k":["a","b"]}"#, False),
            (r#"{"StringNotEquals":{"k":"c"}}"#, r#"{"k":["a","b"]}"#, False),
            (r#"{"StringEqualsIfExists":{"k":"a"}}"#, r#"{}"#, True),
            (r#"{"StringEqualsIfExists":{"k":"a"}}"#, r#"{"k":"b"}"#, False),
            (r#"{"StringNotEquals":{"k":["a","b"]}}"#, r#"{"k":"b"}"#, False),
            (r#"{"StringNotEquals":{"k":["a","b"]}}"#, r#"{"k":"c"}"#, True),
            (r#"{"StringNotEquals":{"k":"a"}}"#, r#"{}"#, True),
            (r#"{"StringEqualsIgnoreCase":{"k":"Ab"}}"#, r#"{"k":"aB"}"#, True),
            (r#"{"StringNotEqualsIgnoreCase":{"k":"Ab"}}"#, r#"{"k":"aB"}"#, False),
            (r#"{"StringLike":{"k":"a*c?"}}"#, r#"{"k":"abbcd"}"#, True),
            (r#"{"StringNotLike":{"k":"a*"}}"#, r#"{"k":"b"}"#, True),
            (r#"{"StringLike":{"k":"${v}*"}}"#, r#"{"k":"xy","v":"x"}"#, True),
            (r#"{"StringLike":{"k":"${v}*"}}"#, r#"{"k":"xy"}"#, False),
            (r#"{"StringNotLike":{"k":"${v}*"}}"#, r#"{"k":"xy"}"#, False),
            (r#"{"StringLike":{"k":["${v}*","x*"]}}"#, r#"{"k":"xy"}"#, True),
            (r#"{"NumericLessThanEquals":{"k":"10"}}"#, r#"{"k":"10"}"#, True),
            (r#"{"NumericLessThan":{"k":10}}"#, r#"{"k":"9.5"}"#, True),
            (r#"{"NumericEquals":{"k":"x"}}"#, r#"{"k":"9"}"#, False),
            (r#"{"NumericNotEquals":{"k":"x"}}"#, r#"{"k":"9"}"#, False),
            (r#"{"NumericGreaterThan":{"k":["5","100"]}}"#, r#"{"k":"50"}"#, True),
            (r#"{"DateLessThan":{"k":"2024-05-01T00:00:00Z"}}"#, r#"{"k":"1714521599"}"#, True),
            (r#"{"DateGreaterThanEquals":{"k":"2024-05-01"}}"#, r#"{"k":"2024-05-01T00:00:00Z"}"#, True),
            (r#"{"Bool":{"k":true}}"#, r#"{"k":"TRUE"}"#, True),
            (r#"{"Bool":{"k":"false"}}"#, r#"{}"#, False),
            (r#"{"BoolIfExists":{"k":"false"}}"#, r#"{}"#, True),
            (r#"{"Bool":{"k":"yes"}}"#, r#"{"k":"yes"}"#, False),
            (r#"{"BinaryEquals":{"k":"QQ=="}}"#, r#"{"k":"QQ=="}"#, True),
            (r#"{"IpAddress":{"k":["10.0.0.0/8","2001:db8::/32"]}}"#, r#"{"k":"2001:db8::1"}"#, True),
            (r#"{"NotIpAddress":{"k":"10.0.0.0/8"}}"#, r#"{"k":"11.0.0.1"}"#, True),
            (r#"{"NotIpAddress":{"k":"10.0.0.0/8"}}"#, r#"{"k":"here"}"#, False),
            (r#"{"ArnLike":{"k":"arn:aws:iam::*:role/a*"}}"#, r#"{"k":"arn:aws:iam::111122223333:role/abc"}"#, True),
            (r#"{"ArnEquals":{"k":"arn:aws:iam::*:role/a*"}}"#, r#"{"k":"arn:aws:iam::111122223333:role/abc"}"#, True),
            (r#"{"ArnLike":{"k":"arn:aws:s*:x"}}"#, r#"{"k":"arn:aws:sns:us-east-1:111122223333:x"}"#, False),
            (r#"{"ArnLike":{"k":"arn:aws:sns:*:x:*"}}"#, r#"{"k":"arn:aws:sns:a:b:x:y"}"#, False),
            (r#"{"ArnNotEquals":{"k":"arn:aws:iam::1:role/a"}}"#, r#"{"k":"arn:aws:iam::1:role/b"}"#, True),
            (r#"{"ArnNotLike":{"k":"arn:aws:iam::1:role/${v}"}}"#, r#"{"k":"arn:aws:iam::1:role/b","v":"b"}"#, False),
            (r#"{"Null":{"k":"true"}}"#, r#"{}"#, True),
            (r#"{"Null":{"k":"false"}}"#, r#"{"k":""}"#, True),
            (r#"{"Null":{"k":true}}"#, r#"{"k":null}"#, Unknown),
            (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, r#"{"k":["a","b"]}"#, True),
            (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, r#"{"k":["a","c"]}"#, False),
            (r#"{"ForAllValues:StringEquals":{"k":"a"}}"#, r#"{}"#, True),
            (r#"{"ForAllValues:StringEquals":{"k":"a"}}"#, r#"{"k":""}"#, True),
            (r#"{"ForAllValues:StringNotEquals":{"k":"a"}}"#, r#"{"k":["b","a"]}"#, False),
            (r#"{"ForAnyValue:StringEquals":{"k":["a","b"]}}"#, r#"{"k":["x","b"]}"#, True),
            (r#"{"ForAnyValue:StringEquals":{"k":"a"}}"#, r#"{}"#, False),
            (r#"{"ForAnyValue:StringNotEquals":{"k":"a"}}"#, r#"{}"#, False),
            (r#"{"ForAnyValue:StringNotEquals":{"k":"a"}}"#, r#"{"k":["a","b"]}"#, True),
            (r#"{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}"#, r#"{}"#, True),
            (r#"{"StringEquals":{"a":"1","b":"2"}}"#, r#"{"a":"1"}"#, False),
            (r#"{"StringEquals":{"a":"1"},"Bool":{"b":"true"}}"#, r#"{"a":"1","b":null}"#, Unknown),
            (r#"{"StringEquals":{"k":[]}}"#, r#"{"k":"a"}"#, False),
        ] {
            assert_eq!(holds(condition, context), want, "{condition} in {context}");
        }
    }
}
