//! One context key: whether some values (or none) fulfil all that is asked of them.

use super::range;
use super::test::{Hits, Strings, Test};
use crate::language::{self, Pattern, StringSet};
use crate::operator::{SetOperator, ValueKind};
use smol_str::SmolStr;

/// A key, and what kinds of values the policies compare it with.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// In lower case.
    pub(super) name: SmolStr,
    pub(super) kinds: Vec<ValueKind>,
    /// Whether a policy asks about several values of it.
    pub(super) is_multivalued: bool,
}

/// What was found in one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// This fulfils everything.
    Value(T),
    /// Nothing does.
    Nothing,
    /// It could not be decided; why.
    Unknown(String),
}

/// Values of a key that make each test hold, or fail, as asked; none where the key is absent.
/// The values are of the kinds that the policies take the key for.
pub(super) fn solve(key: &Key, asked: &[(&Test, bool)]) -> Found<Vec<String>> {
    let absent = asked.iter().all(|(test, holds)| test.holds_absent() == *holds);
    if absent && !is_in_every_request(&key.name) {
        return Found::Value(Vec::new());
    }
    let present = match pick(key, asked) {
        Found::Nothing if key.is_multivalued => several_values(key, asked),
        found => found.map(|value| vec![value]),
    };
    match present {
        Found::Value(values) => Found::Value(values),
        _ if absent => Found::Value(Vec::new()),
        other => other,
    }
}

impl<T> Found<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Value(value) => Found::Value(f(value)),
            Self::Nothing => Found::Nothing,
            Self::Unknown(why) => Found::Unknown(why),
        }
    }
}

/// Keys that AWS puts into every request, so that a request with them reads more naturally.
fn is_in_every_request(key: &str) -> bool {
    matches!(key, "aws:sourceip" | "aws:securetransport" | "aws:currenttime" | "aws:epochtime" | "aws:requestedregion")
}

/// A list of values, for keys that tests with a set qualifier ask about. Of the tests that bind every value and those
/// that some value must meet, each of the latter gets a value of its own that suits all the former.
fn several_values(key: &Key, asked: &[(&Test, bool)]) -> Found<Vec<String>> {
    let mut every: Vec<(&Test, bool)> = Vec::new();
    let mut some: Vec<(&Test, bool)> = Vec::new();
    for (test, holds) in asked {
        match (test.set(), test.hits(), holds) {
            (_, Hits::Null { present, .. }, _) if present == holds => {}
            (_, Hits::Null { .. }, _) | (None, _, true) => return Found::Nothing,
            // An operator without a set qualifier holds for no list of several.
            (None, _, false) => {}
            (Some(SetOperator::ForAllValues), _, true) | (Some(SetOperator::ForAnyValue), _, false) => {
                every.push((*test, *holds));
            }
            (Some(_), ..) => some.push((*test, *holds)),
        }
    }
    let mut values: Vec<String> = Vec::new();
    for one in some {
        let mut all = every.clone();
        all.push(one);
        match pick(key, &all) {
            Found::Value(value) if values.contains(&value) => {}
            Found::Value(value) => values.push(value),
            Found::Nothing => return Found::Nothing,
            Found::Unknown(why) => return Found::Unknown(why),
        }
    }
    let plain = asked.iter().any(|(test, _)| test.set().is_none() && !matches!(test.hits(), Hits::Null { .. }));
    if values.len() < 2 && plain {
        return Found::Unknown(format!("`{}` is compared both as one value and as several", key.name));
    }
    if values.is_empty() { Found::Nothing } else { Found::Value(values) }
}

/// A single value that suits each test, or does not, as asked.
fn pick(key: &Key, asked: &[(&Test, bool)]) -> Found<String> {
    if asked.iter().any(|(test, suits)| matches!(test.hits(), Hits::Null { present, .. } if present != suits)) {
        return Found::Nothing;
    }
    let points = points(key, asked);
    let mut sets: Vec<&StringSet> = Vec::new();
    for (test, suits) in asked {
        match test.strings(*suits) {
            Some(Strings::None) => return Found::Nothing,
            Some(Strings::Of(set)) => sets.push(set),
            Some(Strings::All) | None => {}
        }
    }
    // The values of a key that ARN operators compare are ARNs.
    let arns = StringSet::any_of(vec![Pattern::form("arn:_:_:*:*:*")]);
    if key.kinds.contains(&ValueKind::Arn) {
        sets.push(&arns);
    }
    if points.is_empty() {
        return text(&key.name, &sets, asked.iter().any(|(test, _)| test.set().is_some()));
    }
    let suits = |value: &String| asked.iter().all(|(test, suits)| test.suits(value) == *suits);
    if let Some(value) = points.into_iter().find(suits) {
        return Found::Value(value);
    }
    let is_text = key.kinds.iter().any(|kind| matches!(kind, ValueKind::String | ValueKind::Arn));
    if sets.is_empty() || !is_text || language::find(&sets, []) == language::Answer::Empty {
        return Found::Nothing;
    }
    Found::Unknown(format!("`{}` is compared both as text and as another type", key.name))
}

/// Every value that the tests of other types than text can tell apart.
fn points(key: &Key, asked: &[(&Test, bool)]) -> Vec<String> {
    let mut points = Vec::new();
    for kind in &key.kinds {
        let of_kind = asked.iter().filter(|(test, _)| test.kind() == *kind);
        let wants = of_kind.flat_map(|(test, _)| match test.hits() {
            Hits::Values(values) => values.as_slice(),
            _ => &[],
        });
        points.extend(range::points(*kind, &wants.map(|w| w.as_str()).collect::<Vec<_>>()));
    }
    points
}

/// A string of all the sets, not empty where it can be: to a set qualifier an empty value is no value.
fn text(key: &str, sets: &[&StringSet], about_sets: bool) -> Found<String> {
    let some = StringSet::any_of(vec![Pattern::new("?*")]);
    let not_empty: Vec<&StringSet> = sets.iter().copied().chain([&some]).collect();
    match language::find(&not_empty, wanted(key).iter().copied()) {
        language::Answer::Empty if !about_sets => language::find(sets, []).into(),
        answer => answer.into(),
    }
}

impl From<language::Answer> for Found<String> {
    fn from(answer: language::Answer) -> Self {
        match answer {
            language::Answer::Found(value) => Self::Value(value),
            language::Answer::Empty => Self::Nothing,
            language::Answer::Unknown(why) => Self::Unknown(why),
        }
    }
}

/// Values that a key has in real requests.
fn wanted(key: &str) -> &'static [&'static str] {
    match key {
        "aws:sourceip" | "aws:vpcsourceip" => &["203.0.113.10", "198.51.100.7"],
        "aws:requestedregion" => &["us-east-1", "eu-central-1", "ap-northeast-1", "us-west-2"],
        "aws:sourcevpc" => &["vpc-0a1b2c3d4e5f67890"],
        "aws:sourcevpce" => &["vpce-0a1b2c3d4e5f67890"],
        "aws:principalorgid" | "aws:resourceorgid" | "aws:sourceorgid" => &["o-exampleorg1", "o-anotherorg2"],
        "aws:sourceaccount" | "aws:resourceaccount" | "kms:calleraccount" | "aws:sourceowner" => {
            &["210987654321", "109876543210"]
        }
        "aws:sourcearn" => &["arn:aws:sns:us-east-1:210987654321:example", "arn:aws:s3:::example-bucket"],
        "aws:username" => &["sam", "kim"],
        "aws:userid" => &["AIDAEXAMPLEUSERID0000"],
        "kms:viaservice" => &["s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com"],
        "sts:externalid" => &["example-external-id"],
        _ => &["example", "other"],
    }
}
