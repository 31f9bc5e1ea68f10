//! The vocabulary of expressions: functions that rules call. Adding one is one entry in [`TABLE`].

mod cidr;
mod filter_pattern;
mod network;
pub mod policy;
mod principal;
mod text;

use crate::estate::{Estate, Hole};
use crate::operate::{V, compare, instant, not_told};
use crate::syntax::Comparison;
use std::sync::Arc;
use yagura_model::{Type, Value};

/// What a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    Text,
    /// A list of texts.
    Texts,
    Time,
    /// Text, list, map or joined list.
    Sized,
    /// Text, number or truth value.
    Scalar,
    /// Text or number.
    Number,
    /// A joined list of assets.
    Joined,
    /// One asset: `this`, or one of a joined list.
    Asset,
    /// A list of port numbers.
    Ports,
}

impl Param {
    /// Whether a value of this type (`None`: a joined list) fits.
    pub(crate) fn accepts(self, t: Option<&Type>) -> bool {
        match self {
            _ if t == Some(&Type::Any) => true,
            Self::Text => t == Some(&Type::String),
            Self::Texts => matches!(t, Some(Type::List(of)) if matches!(**of, Type::String | Type::Any)),
            Self::Time => matches!(t, Some(Type::Timestamp | Type::String)),
            Self::Sized => matches!(t, None | Some(Type::String | Type::List(_) | Type::Map(_) | Type::Struct(_))),
            Self::Scalar => matches!(t, Some(Type::Bool | Type::Timestamp | Type::Int | Type::Float | Type::String)),
            Self::Number => matches!(t, Some(Type::Int | Type::Float | Type::String)),
            Self::Joined => t.is_none(),
            Self::Asset => false,
            Self::Ports => matches!(t, Some(Type::List(of)) if matches!(**of, Type::Int | Type::Any)),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Texts => "a list of texts",
            Self::Time => "a timestamp",
            Self::Sized => "text, a list or a map",
            Self::Scalar => "text, a number or a truth value",
            Self::Number => "text or a number",
            Self::Joined => "a joined list",
            Self::Asset => "a resource, such as `this`",
            Self::Ports => "a list of port numbers",
        }
    }
}

type Run = for<'e> fn(&[V<'e>], &'e Estate) -> Result<V<'e>, Vec<Hole>>;

struct Definition {
    name: &'static str,
    params: &'static [Param],
    yields: fn() -> Type,
    run: Run,
}

/// A function of the vocabulary.
#[derive(Clone, Copy)]
pub(crate) struct Function(&'static Definition);

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Function {
    pub(crate) fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|d| d.name == name).map(Self)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|d| d.name).chain(["has", "default"])
    }

    pub(crate) fn parameters(self) -> &'static [Param] {
        self.0.params
    }

    pub(crate) fn yields(self) -> Type {
        (self.0.yields)()
    }

    /// Fields that it reads besides those of its arguments: (kind, top-level fields).
    pub(crate) fn reads(self) -> &'static [(&'static str, &'static [&'static str])] {
        if self.0.name.starts_with("network.") { yagura_network::read::KINDS } else { &[] }
    }

    /// What its answer hangs on beyond its arguments: a name and what was found.
    pub(crate) fn shows(self, args: &[V<'_>], estate: &Estate) -> Option<(&'static str, Value)> {
        (self.0.name == "network.reachable_from_internet").then(|| network::paths(args, estate)).flatten()
    }

    /// Why it cannot be asked of a value: a part of it is not known. For a size, only how many items there are matters.
    pub(crate) fn hole(self, value: &V<'_>) -> Option<Vec<Hole>> {
        match value {
            V::Ref(Value::List(l)) if self.0.name == "size" => l.iter().find_map(|v| match v {
                Value::Unknown(gap) if gap.may_be_nothing() => Some(vec![Hole::Other(gap.clone())]),
                _ => None,
            }),
            _ => value.hole(),
        }
    }

    /// Runs on known arguments.
    pub(crate) fn run<'e>(self, args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
        (self.0.run)(args, estate)
    }
}

/// Whether functions live under `space.`.
pub(crate) fn is_namespace(space: &str) -> bool {
    TABLE.iter().any(|d| d.name.split_once('.').is_some_and(|(s, _)| s == space))
}

fn bool_type() -> Type {
    Type::Bool
}

fn int_type() -> Type {
    Type::Int
}

fn text_type() -> Type {
    Type::String
}

const TABLE: &[Definition] = &[
    Definition { name: "size", params: &[Param::Sized], yields: int_type, run: size },
    Definition {
        name: "startsWith",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| two(a, |a, b| V::Bool(a.starts_with(b))),
    },
    Definition {
        name: "endsWith",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| two(a, |a, b| V::Bool(a.ends_with(b))),
    },
    Definition {
        name: "contains",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| two(a, |a, b| V::Bool(a.contains(b))),
    },
    Definition { name: "matches", params: &[Param::Text, Param::Text], yields: bool_type, run: text::matches },
    Definition {
        name: "lowerAscii",
        params: &[Param::Text],
        yields: text_type,
        run: |a, _| one(a, |s| V::Text(s.to_ascii_lowercase().into())),
    },
    Definition {
        name: "upperAscii",
        params: &[Param::Text],
        yields: text_type,
        run: |a, _| one(a, |s| V::Text(s.to_ascii_uppercase().into())),
    },
    Definition {
        name: "trim",
        params: &[Param::Text],
        yields: text_type,
        run: |a, _| one(a, |s| V::Text(s.trim().into())),
    },
    Definition {
        name: "split",
        params: &[Param::Text, Param::Text],
        yields: || Type::List(Arc::new(Type::String)),
        run: split,
    },
    Definition { name: "one_of", params: &[Param::Text, Param::Texts, Param::Texts], yields: bool_type, run: one_of },
    Definition { name: "string", params: &[Param::Scalar], yields: text_type, run: to_text },
    Definition { name: "int", params: &[Param::Number], yields: int_type, run: to_int },
    Definition { name: "double", params: &[Param::Number], yields: || Type::Float, run: to_float },
    Definition { name: "bool", params: &[Param::Scalar], yields: bool_type, run: to_bool },
    Definition { name: "age_days", params: &[Param::Time], yields: int_type, run: age_days },
    Definition { name: "days_until", params: &[Param::Time], yields: int_type, run: days_until },
    Definition { name: "date", params: &[Param::Text], yields: || Type::Timestamp, run: date },
    Definition {
        name: "before",
        params: &[Param::Time, Param::Time],
        yields: bool_type,
        run: |a, _| times(a, |a, b| a < b),
    },
    Definition {
        name: "after",
        params: &[Param::Time, Param::Time],
        yields: bool_type,
        run: |a, _| times(a, |a, b| a > b),
    },
    Definition {
        name: "network.reachable_from_internet",
        params: &[Param::Asset, Param::Ports],
        yields: bool_type,
        run: network::reachable_from_internet,
    },
    Definition {
        name: "network.reachable",
        params: &[Param::Asset, Param::Asset],
        yields: bool_type,
        run: network::reachable,
    },
    Definition {
        name: "policy.is_admin",
        params: &[Param::Text],
        yields: bool_type,
        run: |a, _| text_of(a).and_then(|s| policy::is_admin(s).map(V::Bool).map_err(told)),
    },
    // A policy document as plain JSON text: IAM's API answers it URL-encoded.
    Definition {
        name: "policy.text",
        params: &[Param::Text],
        yields: text_type,
        run: |a, _| one(a, |s| V::Text(yagura_policy::document::decoded(s).into())),
    },
    Definition {
        name: "policy.allows",
        params: &[Param::Text, Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| three(a, policy::allows),
    },
    Definition {
        name: "policy.is_public",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| document_and_arn(a, |document, arn| policy::is_public(document, arn).map(V::Bool)),
    },
    Definition {
        name: "policy.unconfined_services",
        params: &[Param::Text, Param::Text],
        yields: || Type::List(Arc::new(Type::String)),
        run: |a, _| {
            document_and_arn(a, |document, arn| {
                let names = policy::unconfined_services(document, arn)?;
                Ok(V::List(names.into_iter().map(V::Text).collect()))
            })
        },
    },
    Definition {
        name: "policy.denies_plain_http",
        params: &[Param::Text, Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| three(a, policy::denies_plain_http),
    },
    Definition {
        name: "policy.lets_others",
        params: &[Param::Text, Param::Text, Param::Text, Param::Text],
        yields: bool_type,
        run: |a, _| {
            let texts: Option<Vec<&str>> = a.iter().map(V::text).collect();
            match texts.as_deref() {
                Some([document, arn, account, action]) => {
                    policy::lets_others(document, arn, account, action).map(V::Bool).map_err(told)
                }
                _ => Err(told("expected four texts".to_owned())),
            }
        },
    },
    Definition {
        name: "policy.whole_services",
        params: &[Param::Text],
        yields: || Type::List(Arc::new(Type::String)),
        run: |a, _| {
            let names = policy::whole_services(text_of(a)?).map_err(told)?;
            Ok(V::List(names.into_iter().map(V::Text).collect()))
        },
    },
    Definition { name: "tagged", params: &[Param::Sized, Param::Texts], yields: bool_type, run: text::tagged },
    Definition {
        name: "version_at_least",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: text::version_at_least,
    },
    Definition {
        name: "filter_pattern_matches",
        params: &[Param::Text, Param::Text],
        yields: bool_type,
        run: filter_pattern::filter_matches,
    },
    Definition {
        name: "principal.can",
        params: &[Param::Joined, Param::Joined, Param::Joined, Param::Text, Param::Text],
        yields: bool_type,
        run: principal::can,
    },
    Definition { name: "account_of", params: &[Param::Text], yields: text_type, run: account_of },
    Definition { name: "cidr.contains", params: &[Param::Text, Param::Text], yields: bool_type, run: cidr_contains },
    Definition {
        name: "cidr.is_public",
        params: &[Param::Text],
        yields: bool_type,
        run: |a, _| text_of(a).and_then(|s| cidr::is_public(s).map(V::Bool).map_err(told)),
    },
    Definition { name: "lambda.runtime_supported", params: &[Param::Text], yields: bool_type, run: runtime_supported },
];

fn told(detail: String) -> Vec<Hole> {
    vec![not_told(detail)]
}

fn text_of<'a>(args: &'a [V<'_>]) -> Result<&'a str, Vec<Hole>> {
    args.first().and_then(V::text).ok_or_else(|| told("expected text".to_owned()))
}

fn one<'e>(args: &[V<'e>], f: impl Fn(&str) -> V<'e>) -> Result<V<'e>, Vec<Hole>> {
    text_of(args).map(f)
}

fn two<'e>(args: &[V<'e>], f: impl Fn(&str, &str) -> V<'e>) -> Result<V<'e>, Vec<Hole>> {
    match args {
        [a, b] => a.text().zip(b.text()).map(|(a, b)| f(a, b)).ok_or_else(|| told("expected text".to_owned())),
        _ => Err(told("expected two texts".to_owned())),
    }
}

fn document_and_arn<'e>(args: &[V<'e>], f: impl Fn(&str, &str) -> Result<V<'e>, String>) -> Result<V<'e>, Vec<Hole>> {
    match args {
        [a, b] => match (a.text(), b.text()) {
            (Some(a), Some(b)) => f(a, b).map_err(told),
            _ => Err(told("expected two texts".to_owned())),
        },
        _ => Err(told("expected two texts".to_owned())),
    }
}

fn three<'e>(args: &[V<'e>], f: impl Fn(&str, &str, &str) -> Result<bool, String>) -> Result<V<'e>, Vec<Hole>> {
    match args {
        [a, b, c] => match (a.text(), b.text(), c.text()) {
            (Some(a), Some(b), Some(c)) => f(a, b, c).map(V::Bool).map_err(told),
            _ => Err(told("expected three texts".to_owned())),
        },
        _ => Err(told("expected three texts".to_owned())),
    }
}

fn times<'e>(args: &[V<'e>], f: impl Fn(jiff::Timestamp, jiff::Timestamp) -> bool) -> Result<V<'e>, Vec<Hole>> {
    match args {
        [a, b] => Ok(V::Bool(f(instant(a)?, instant(b)?))),
        _ => Err(told("expected two times".to_owned())),
    }
}

/// CEL counts code points of text. A list with holes has no known size.
fn size<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let n = match args.first() {
        Some(V::Assets(j)) if j.holes.is_empty() => j.items.len(),
        Some(V::Assets(j)) => return Err(j.holes.clone()),
        Some(V::Ref(Value::List(l))) => l.len(),
        Some(V::Ref(Value::Map(m))) => m.len(),
        Some(V::List(l)) => l.len(),
        Some(v) => v.text().map(|s| s.chars().count()).ok_or_else(|| told("this has no size".to_owned()))?,
        None => return Err(told("expected a list".to_owned())),
    };
    Ok(V::Int(i64::try_from(n).unwrap_or(i64::MAX)))
}

/// As CEL's extension does: an empty separator parts the text into its characters.
fn split<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [text, by] = args else { return Err(told("expected two texts".to_owned())) };
    let (text, by) = text.text().zip(by.text()).ok_or_else(|| told("expected text".to_owned()))?;
    Ok(V::List(match by {
        "" => text.chars().map(|c| V::Text(smol_str::format_smolstr!("{c}"))).collect(),
        by => text.split(by).map(|part| V::Text(part.into())).collect(),
    }))
}

/// Whether a text is one of the first list (true) or of the second (false). Any other is Unknown: a value that AWS adds
/// later neither passes nor fails before somebody has read what it means.
fn one_of<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [text, yes, no] = args else { return Err(told("expected a text and two lists".to_owned())) };
    if compare(Comparison::In, text, yes)? {
        return Ok(V::Bool(true));
    }
    if compare(Comparison::In, text, no)? {
        return Ok(V::Bool(false));
    }
    Err(told(format!("`{}` is a value that this check does not know", text.text().unwrap_or_default())))
}

fn to_text<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    match args.first() {
        Some(V::Int(i)) => Ok(V::Text(smol_str::format_smolstr!("{i}"))),
        Some(V::Float(f)) => Ok(V::Text(smol_str::format_smolstr!("{f}"))),
        Some(V::Bool(b)) => Ok(V::Text(if *b { "true" } else { "false" }.into())),
        Some(v @ (V::Str(_) | V::Text(_))) => Ok(v.clone()),
        _ => Err(told("this cannot become text".to_owned())),
    }
}

/// Of CEL's spellings of a truth value those that AWS uses: a credential report says `true` or `TRUE`.
fn to_bool<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    if let Some(V::Bool(b)) = args.first() {
        return Ok(V::Bool(*b));
    }
    match text_of(args)? {
        "true" | "True" | "TRUE" => Ok(V::Bool(true)),
        "false" | "False" | "FALSE" => Ok(V::Bool(false)),
        other => Err(told(format!("`{other}` is neither true nor false"))),
    }
}

fn to_int<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    match args.first() {
        Some(V::Int(i)) => Ok(V::Int(*i)),
        // CEL: rounds toward zero, out of range is an error.
        Some(V::Float(f)) if f.abs() < 9_223_372_036_854_775_808.0 => Ok(V::Int(*f as i64)),
        Some(V::Float(f)) => Err(told(format!("{f} does not fit a 64-bit number"))),
        _ => {
            let text = text_of(args)?;
            text.parse().map(V::Int).map_err(|_| told(format!("`{text}` is not a whole number")))
        }
    }
}

fn to_float<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    match args.first() {
        Some(V::Int(i)) => Ok(V::Float(*i as f64)),
        Some(V::Float(f)) => Ok(V::Float(*f)),
        _ => {
            let text = text_of(args)?;
            text.parse().map(V::Float).map_err(|_| told(format!("`{text}` is not a number")))
        }
    }
}

/// Whole days from the time to the snapshot's; negative for the future.
fn age_days<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let then = args.first().map(instant).ok_or_else(|| told("expected a time".to_owned()))??;
    Ok(V::Int((estate.taken_at().as_second() - then.as_second()).div_euclid(86_400)))
}

fn days_until<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let then = args.first().map(instant).ok_or_else(|| told("expected a time".to_owned()))??;
    Ok(V::Int((then.as_second() - estate.taken_at().as_second()).div_euclid(86_400)))
}

/// Midnight UTC of a calendar date.
fn date<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let text = text_of(args)?;
    let at = text.parse::<jiff::civil::Date>().ok().and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
    at.map(|z| V::Text(smol_str::format_smolstr!("{}", z.timestamp())))
        .ok_or_else(|| told(format!("`{text}` is not a date")))
}

/// The account that an ARN names: its fifth part, 12 digits (AWS General Reference, "Amazon Resource Names"). What is no
/// ARN, or one that names no account (`arn:aws:s3:::a`), is Unknown.
fn account_of<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let arn = text_of(args)?;
    let account = match arn.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, _, _, account, _, ..] => *account,
        _ => "",
    };
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(told(format!("`{arn}` names no account")));
    }
    Ok(V::Text(account.into()))
}

fn cidr_contains<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    match args {
        [a, b] => {
            let (block, ip) = a.text().zip(b.text()).ok_or_else(|| told("expected text".to_owned()))?;
            cidr::contains(block, ip).map(V::Bool).map_err(told)
        }
        _ => Err(told("expected a block and an address".to_owned())),
    }
}

fn runtime_supported<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let name = text_of(args)?;
    estate.tables.runtime_supported(name, estate.taken_at()).map(V::Bool).ok_or_else(|| {
        told(format!("the table of Lambda runtimes (as of {}) does not know `{name}`", estate.tables.runtimes_as_of()))
    })
}
