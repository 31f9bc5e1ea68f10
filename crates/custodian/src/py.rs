//! Values as Cloud Custodian compares them: by the rules of the language it is written in. An order between values of
//! different types is no answer, and a filter that meets it does not match.

pub use crate::forms::{cidr, date, version};

use fancy_regex::{Regex, RegexBuilder};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::net::IpAddr;
use yagura_model::IpRange;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Py {
    /// As AWS or the policy has it.
    Json(Json),
    /// A moment.
    Date(Timestamp),
    /// One address.
    Address(IpAddr),
    /// A network.
    Network(IpRange),
    /// A version, in its components.
    Version(Vec<Component>),
    /// What `in` asks of where there is no value.
    Nothing,
}

/// A component of a version.
#[derive(Debug, Clone, PartialEq)]
pub enum Component {
    /// A number.
    Number(u64),
    /// Letters.
    Word(String),
}

impl Py {
    /// Whether it counts as true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Json(j) => truthy(j),
            Self::Nothing => false,
            _ => true,
        }
    }

    /// Whether there is no value.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Json(Json::Null))
    }

    /// Whether it is this text.
    pub fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::Json(Json::String(s)) if s == text)
    }
}

/// Whether a value counts as true.
pub fn truthy(j: &Json) -> bool {
    match j {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64() != Some(0.0),
        Json::String(s) => !s.is_empty(),
        Json::Array(a) => !a.is_empty(),
        Json::Object(o) => !o.is_empty(),
    }
}

fn number(j: &Json) -> Option<f64> {
    match j {
        Json::Bool(b) => Some(f64::from(*b)),
        Json::Number(n) => n.as_f64(),
        _ => None,
    }
}

/// Equal, where `1`, `1.0` and `true` are.
pub fn same(a: &Json, b: &Json) -> bool {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a == b;
    }
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}

/// Equal, whatever the types.
pub fn equal(a: &Py, b: &Py) -> bool {
    match (a, b) {
        (Py::Json(a), Py::Json(b)) => same(a, b),
        (Py::Version(a), Py::Version(b)) => a == b,
        _ => a == b,
    }
}

fn order(a: &Py, b: &Py) -> Option<Ordering> {
    match (a, b) {
        (Py::Json(a), Py::Json(b)) => order_json(a, b),
        (Py::Date(a), Py::Date(b)) => Some(a.cmp(b)),
        (Py::Address(a), Py::Address(b)) if a.is_ipv4() == b.is_ipv4() => Some(a.cmp(b)),
        (Py::Network(a), Py::Network(b)) if a.first().is_ipv4() == b.first().is_ipv4() => {
            Some(a.first().cmp(&b.first()).then(a.prefix().cmp(&b.prefix())))
        }
        (Py::Version(a), Py::Version(b)) => {
            for (x, y) in a.iter().zip(b) {
                let o = match (x, y) {
                    (Component::Number(x), Component::Number(y)) => x.cmp(y),
                    (Component::Word(x), Component::Word(y)) => x.cmp(y),
                    _ => return None,
                };
                if o != Ordering::Equal {
                    return Some(o);
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => None,
    }
}

fn order_json(a: &Json, b: &Json) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a.partial_cmp(&b);
    }
    match (a, b) {
        (Json::String(a), Json::String(b)) => Some(a.cmp(b)),
        (Json::Array(a), Json::Array(b)) => {
            for (x, y) in a.iter().zip(b) {
                if !same(x, y) {
                    return order_json(x, y);
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => None,
    }
}

/// Whether `of` holds `item`; `None` where it is nothing that could.
fn holds(of: &Py, item: &Py) -> Option<bool> {
    match (of, item) {
        (Py::Json(Json::Array(l)), Py::Json(i)) => Some(l.iter().any(|x| same(x, i))),
        (Py::Json(Json::Array(_)), _) => Some(false),
        (Py::Json(Json::String(s)), Py::Json(Json::String(i))) => Some(s.contains(i.as_str())),
        (Py::Json(Json::Object(o)), Py::Json(Json::String(i))) => Some(o.contains_key(i)),
        (Py::Json(Json::Object(_)), Py::Json(Json::Null | Json::Number(_) | Json::Bool(_))) => Some(false),
        (Py::Network(n), Py::Address(a)) => Some(n.contains(*a)),
        (Py::Network(n), Py::Network(m)) => Some(n.covers(m)),
        (Py::Nothing, _) => Some(false),
        _ => None,
    }
}

/// The items of what can be gone through and put into a set.
fn items(v: &Py) -> Option<Vec<Json>> {
    match v {
        Py::Json(Json::Array(l)) => l.iter().all(|i| !i.is_array() && !i.is_object()).then(|| l.clone()),
        Py::Json(Json::String(s)) => Some(s.chars().map(|c| c.to_string().into()).collect()),
        Py::Json(Json::Object(o)) => Some(o.keys().map(|k| k.as_str().into()).collect()),
        Py::Nothing => Some(Vec::new()),
        _ => None,
    }
}

/// An operator of a value filter.
#[derive(Debug, Clone)]
pub enum Op {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `gt`, `ge`, `lt`, `le`: what the order must be.
    Order(&'static [Ordering]),
    /// `glob`, `regex`, `regex-case` with a pattern that stands in the policy.
    Pattern(Box<Regex>),
    /// The same with a pattern that is looked up.
    Dynamic(&'static str),
    /// `in`
    In,
    /// `not-in`
    NotIn,
    /// `contains`
    Contains,
    /// `difference`
    Difference,
    /// `intersect`
    Intersect,
    /// `mod`
    Mod,
}

/// The names of all operators.
pub const OPS: [&str; 22] = [
    "eq",
    "equal",
    "ne",
    "not-equal",
    "gt",
    "greater-than",
    "ge",
    "gte",
    "le",
    "lte",
    "lt",
    "less-than",
    "glob",
    "regex",
    "regex-case",
    "in",
    "ni",
    "not-in",
    "contains",
    "difference",
    "intersect",
    "mod",
];

impl Op {
    /// The operator of this name, with the value that it will compare with where the policy gives one.
    ///
    /// # Errors
    /// No such operator, or a pattern that does not compile.
    pub fn of(name: &str, value: Option<&Json>) -> Result<Self, String> {
        use Ordering::{Equal, Greater, Less};
        Ok(match name {
            "eq" | "equal" => Self::Equal,
            "ne" | "not-equal" => Self::NotEqual,
            "gt" | "greater-than" => Self::Order(&[Greater]),
            "ge" | "gte" => Self::Order(&[Greater, Equal]),
            "lt" | "less-than" => Self::Order(&[Less]),
            "le" | "lte" => Self::Order(&[Less, Equal]),
            "in" => Self::In,
            "ni" | "not-in" => Self::NotIn,
            "contains" => Self::Contains,
            "difference" => Self::Difference,
            "intersect" => Self::Intersect,
            "mod" => Self::Mod,
            "glob" | "regex" | "regex-case" => {
                let how = OPS.iter().copied().find(|o| *o == name).unwrap_or("glob");
                match value {
                    Some(Json::String(p)) => Self::Pattern(Box::new(pattern(how, p)?)),
                    Some(other) if !other.is_null() => return Err(format!("`op: {name}` wants text, not {other}")),
                    _ => Self::Dynamic(how),
                }
            }
            _ => return Err(format!("`{name}` is no operator")),
        })
    }

    /// Whether `r` (what was found) stands so to `v` (what the policy says).
    pub fn holds(&self, r: &Py, v: &Py) -> bool {
        match self {
            Self::Equal => equal(r, v),
            Self::NotEqual => !equal(r, v),
            Self::Order(wanted) => order(r, v).is_some_and(|o| wanted.contains(&o)),
            Self::Pattern(p) => matches!(r, Py::Json(Json::String(t)) if p.is_match(t).unwrap_or(false)),
            Self::Dynamic(how) => match (r, v) {
                (Py::Json(Json::String(t)), Py::Json(Json::String(p))) => {
                    pattern(how, p).is_ok_and(|p| p.is_match(t).unwrap_or(false))
                }
                _ => false,
            },
            Self::In => holds(v, r) == Some(true),
            Self::NotIn => holds(v, r) == Some(false),
            Self::Contains => holds(r, v) == Some(true),
            Self::Difference => match (items(r), items(v)) {
                (Some(r), Some(v)) => r.iter().any(|x| !v.iter().any(|y| same(x, y))),
                _ => false,
            },
            Self::Intersect => match (items(r), items(v)) {
                (Some(r), Some(v)) => r.iter().any(|x| v.iter().any(|y| same(x, y))),
                _ => false,
            },
            Self::Mod => match (r, v) {
                (Py::Json(r), Py::Json(v)) => match (number(r), number(v)) {
                    (Some(r), Some(v)) if v != 0.0 => r.rem_euclid(v) != 0.0,
                    _ => false,
                },
                _ => false,
            },
        }
    }
}

/// How many steps back a pattern may take: one that wants more does not match.
const BACKTRACKS: usize = 200_000;

/// A pattern that begins where the text begins.
fn pattern(how: &str, text: &str) -> Result<Regex, String> {
    let whole = match how {
        "glob" => glob(text),
        "regex" => format!("(?i)\\A(?:{text})"),
        _ => format!("\\A(?:{text})"),
    };
    compile(&whole)
}

/// A regular expression with look-around, as Python's; its work is bounded.
///
/// # Errors
/// Why it does not compile.
pub fn compile(text: &str) -> Result<Regex, String> {
    if text.len() > 10_000 {
        return Err("a regular expression is at most 10,000 bytes long".to_owned());
    }
    RegexBuilder::new(text).backtrack_limit(BACKTRACKS).build().map_err(|e| format!("not a regular expression: {e}"))
}

/// A shell pattern (`*`, `?`, `[seq]`, `[!seq]`) over the whole text.
fn glob(text: &str) -> String {
    let mut out = String::from("(?s)\\A");
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let from = at + usize::from(matches!(chars.get(at), Some('!')));
                // A bracket that closes at once is a member of the set.
                let end = (from + 1..chars.len()).find(|i| chars.get(*i) == Some(&']'));
                match end.and_then(|e| Some((e, chars.get(from..e)?))) {
                    Some((end, set)) => {
                        out.push('[');
                        if from > at {
                            out.push('^');
                        }
                        for s in set {
                            if matches!(s, '\\' | '[' | ']' | '^' | '&' | '~') {
                                out.push('\\');
                            }
                            out.push(*s);
                        }
                        out.push(']');
                        at = end + 1;
                    }
                    None => out.push_str("\\["),
                }
            }
            c if c.is_alphanumeric() || c == '_' || c == ' ' || !c.is_ascii() => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out + "\\z"
}
