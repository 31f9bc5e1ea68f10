//! Values while evaluating, and the operators on them, by the CEL language definition
//! (<https://github.com/google/cel-spec/blob/master/doc/langdef.md>).
//!
//! Where CEL ends in an error (a value of the wrong form, overflow, division by zero), the answer is Unknown here.

use crate::estate::{Hole, Joined};
use crate::syntax::{Comparison, Operator};
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::sync::Arc;
use yagura_model::{Asset, Gap, GapReason, Value};

/// How long a text may grow by `+`, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

/// A value while evaluating.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum V<'e> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'e str),
    Text(SmolStr),
    /// A list or map of the estate or of the program.
    Ref(&'e Value),
    List(Vec<V<'e>>),
    Asset(&'e Asset, u32),
    Assets(Joined<'e>),
    /// The member of this name is not set.
    Absent(&'e str),
    /// Cannot be told, because of these holes.
    Unknown(Vec<Hole>),
}

pub(crate) type Known<'e> = Result<V<'e>, Vec<Hole>>;

impl<'e> V<'e> {
    pub(crate) fn of(v: &'e Value) -> Self {
        match v {
            Value::Bool(b) => V::Bool(*b),
            Value::Int(i) => V::Int(*i),
            Value::Float(f) => V::Float(*f),
            Value::String(s) => V::Str(s),
            Value::List(_) | Value::Map(_) => V::Ref(v),
            Value::Unknown(gap) => V::Unknown(vec![Hole::Other(gap.clone())]),
        }
    }

    /// Why it cannot be told as a whole: it is not known, or a part of it is not.
    pub(crate) fn hole(&self) -> Option<Vec<Hole>> {
        match self {
            V::Unknown(holes) => Some(holes.clone()),
            V::Ref(v) => v.gap().map(|gap| vec![Hole::Other(gap.clone())]),
            V::List(l) => l.iter().find_map(V::hole),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            V::Str(s) => Some(s),
            V::Text(s) => Some(s),
            _ => None,
        }
    }

    /// What cannot be used for reckoning: unknown, or absent (which then cannot be told either).
    pub(crate) fn settle(self) -> Known<'e> {
        match self {
            V::Unknown(holes) => Err(holes),
            V::Absent(name) => Err(vec![not_told(format!("AWS's answer has no `{name}`"))]),
            known => Ok(known),
        }
    }

    /// How many values a copy would make.
    pub(crate) fn weight(&self) -> u32 {
        match self {
            V::List(l) => l.iter().fold(1, |sum: u32, v| sum.saturating_add(v.weight())),
            _ => 1,
        }
    }

    /// An owned copy, for evidence. `None` where there is nothing to show.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match self {
            V::Bool(b) => Value::Bool(*b),
            V::Int(i) => Value::Int(*i),
            V::Float(f) => Value::Float(*f),
            V::Str(s) => Value::text(*s),
            V::Text(s) => Value::String(s.clone()),
            V::Ref(v) => (*v).clone(),
            V::List(l) => Value::List(l.iter().filter_map(V::to_value).collect()),
            V::Asset(a, _) => Value::String(a.id.clone()),
            V::Assets(_) | V::Absent(_) | V::Unknown(_) => return None,
        })
    }

    /// The items of a list value.
    fn items(&self) -> Option<Items<'_, 'e>> {
        match self {
            V::Ref(Value::List(l)) => Some(Items::Shared(l.iter())),
            V::List(l) => Some(Items::Built(l.iter())),
            _ => None,
        }
    }
}

/// The items of a list, wherever it stands.
enum Items<'v, 'e> {
    Shared(std::slice::Iter<'e, Value>),
    Built(std::slice::Iter<'v, V<'e>>),
}

impl<'v, 'e> Iterator for Items<'v, 'e> {
    type Item = std::borrow::Cow<'v, V<'e>>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Shared(l) => l.next().map(|v| std::borrow::Cow::Owned(V::of(v))),
            Self::Built(l) => l.next().map(std::borrow::Cow::Borrowed),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Shared(l) => l.size_hint(),
            Self::Built(l) => l.size_hint(),
        }
    }
}

impl ExactSizeIterator for Items<'_, '_> {}

/// A hole that no call would mend.
pub(crate) fn not_told(detail: String) -> Hole {
    Hole::Other(Arc::new(Gap::new(GapReason::NotTold, detail)))
}

pub(crate) fn mismatch() -> Vec<Hole> {
    vec![not_told("AWS's answer is not of the expected form here".to_owned())]
}

pub(crate) fn overflow() -> Vec<Hole> {
    vec![not_told("a number is out of range".to_owned())]
}

pub(crate) fn instant(v: &V<'_>) -> Result<jiff::Timestamp, Vec<Hole>> {
    let text = v.text().ok_or_else(mismatch)?;
    text.parse().map_err(|_| vec![not_told(format!("`{text}` is not a time"))])
}

/// Whether an order of two values is what a comparison asks for.
pub(crate) fn ordered(op: Comparison, o: Ordering) -> bool {
    match op {
        Comparison::Equal | Comparison::In => o.is_eq(),
        Comparison::NotEqual => o.is_ne(),
        Comparison::Less => o.is_lt(),
        Comparison::AtMost => o.is_le(),
        Comparison::Greater => o.is_gt(),
        Comparison::AtLeast => o.is_ge(),
    }
}

/// A comparison of values that may have parts that are not known: what they are could decide it.
pub(crate) fn compare_parts(op: Comparison, a: &V<'_>, b: &V<'_>) -> Result<bool, Vec<Hole>> {
    match (op, a.hole(), b.hole()) {
        (_, Some(holes), _) => Err(holes),
        (Comparison::In, None, Some(holes)) => contained_for_sure(a, b, holes),
        (_, None, Some(holes)) => Err(holes),
        (_, None, None) => compare(op, a, b),
    }
}

/// Whether a list or the keys of a map have a value, whatever is not known in them is.
fn contained_for_sure(needle: &V<'_>, hay: &V<'_>, holes: Vec<Hole>) -> Result<bool, Vec<Hole>> {
    let found = match hay {
        V::Ref(Value::List(l)) => l.iter().any(|v| v.gap().is_none() && equal(needle, &V::of(v))),
        V::List(l) => l.iter().any(|v| v.hole().is_none() && equal(needle, v)),
        V::Ref(Value::Map(m)) => match needle.text().and_then(|k| m.get(k)) {
            Some(Value::Unknown(_)) => false,
            found => return Ok(found.is_some()),
        },
        _ => return Err(mismatch()),
    };
    if found { Ok(true) } else { Err(holes) }
}

pub(crate) fn compare(op: Comparison, a: &V<'_>, b: &V<'_>) -> Result<bool, Vec<Hole>> {
    match op {
        Comparison::In => contains(a, b),
        Comparison::Equal => Ok(equal(a, b)),
        Comparison::NotEqual => Ok(!equal(a, b)),
        // Nothing stands before or after NaN: an error in CEL's reference implementation.
        _ => order(a, b).map(|o| ordered(op, o)).ok_or_else(mismatch),
    }
}

fn order(a: &V<'_>, b: &V<'_>) -> Option<Ordering> {
    match (a, b) {
        (V::Bool(a), V::Bool(b)) => Some(a.cmp(b)),
        (V::Int(_) | V::Float(_), V::Int(_) | V::Float(_)) => numbers(a, b),
        _ => a.text().zip(b.text()).map(|(a, b)| a.cmp(b)),
    }
}

/// Numbers on one line, whatever their types; `None` for NaN and for what is no number.
fn numbers(a: &V<'_>, b: &V<'_>) -> Option<Ordering> {
    match (a, b) {
        (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
        (V::Float(a), V::Float(b)) => a.partial_cmp(b),
        (V::Int(a), V::Float(b)) => whole_and_fraction(*a, *b),
        (V::Float(a), V::Int(b)) => whole_and_fraction(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

/// Exact, also where an `f64` cannot hold the whole number.
fn whole_and_fraction(whole: i64, fraction: f64) -> Option<Ordering> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if fraction.is_nan() {
        return None;
    }
    if fraction >= END {
        return Some(Ordering::Less);
    }
    if fraction < -END {
        return Some(Ordering::Greater);
    }
    let floor = fraction.floor();
    let rest = if fraction > floor { Ordering::Less } else { Ordering::Equal };
    Some(whole.cmp(&(floor as i64)).then(rest))
}

/// CEL's equality: numbers by value, lists and maps by members, other types are never equal.
pub(crate) fn equal(a: &V<'_>, b: &V<'_>) -> bool {
    match (a, b) {
        (V::Bool(a), V::Bool(b)) => a == b,
        (V::Int(_) | V::Float(_), V::Int(_) | V::Float(_)) => numbers(a, b) == Some(Ordering::Equal),
        (V::Ref(Value::Map(a)), V::Ref(Value::Map(b))) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((k, v), (l, w))| k == l && equal(&V::of(v), &V::of(w)))
        }
        (V::Asset(_, a), V::Asset(_, b)) => a == b,
        _ => match (a.text(), b.text(), a.items(), b.items()) {
            (Some(a), Some(b), ..) => a == b,
            (_, _, Some(a), Some(b)) => a.len() == b.len() && a.zip(b).all(|(a, b)| equal(&a, &b)),
            _ => false,
        },
    }
}

fn contains(needle: &V<'_>, hay: &V<'_>) -> Result<bool, Vec<Hole>> {
    match hay {
        V::Ref(Value::List(l)) => Ok(l.iter().any(|v| equal(needle, &V::of(v)))),
        V::List(l) => Ok(l.iter().any(|v| equal(needle, v))),
        V::Ref(Value::Map(m)) => Ok(needle.text().is_some_and(|k| m.get(k).is_some())),
        _ => Err(mismatch()),
    }
}

/// Arithmetic; unlike CEL, a whole number and a fraction may meet.
pub(crate) fn reckon<'e>(op: Operator, a: V<'e>, b: V<'e>) -> Known<'e> {
    match (a, b) {
        (V::Int(a), V::Int(b)) => whole(op, a, b),
        (V::Int(a), V::Float(b)) => fraction(op, a as f64, b),
        (V::Float(a), V::Int(b)) => fraction(op, a, b as f64),
        (V::Float(a), V::Float(b)) => fraction(op, a, b),
        (a, b) if op == Operator::Add => joined(a, b),
        _ => Err(mismatch()),
    }
}

fn whole<'e>(op: Operator, a: i64, b: i64) -> Known<'e> {
    let out = match op {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide => a.checked_div(b),
        Operator::Remainder => a.checked_rem(b),
    };
    out.map(V::Int).ok_or_else(overflow)
}

fn fraction<'e>(op: Operator, a: f64, b: f64) -> Known<'e> {
    Ok(V::Float(match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Remainder => return Err(mismatch()),
    }))
}

/// `+` of texts and of lists.
fn joined<'e>(a: V<'e>, b: V<'e>) -> Known<'e> {
    if let (Some(a), Some(b)) = (a.text(), b.text()) {
        if a.len() + b.len() > LONGEST_TEXT {
            return Err(vec![not_told(format!("a text grows beyond {LONGEST_TEXT} bytes"))]);
        }
        return Ok(V::Text(smol_str::format_smolstr!("{a}{b}")));
    }
    let items = |v: V<'e>| match v {
        V::Ref(Value::List(l)) => Some(l.iter().map(V::of).collect::<Vec<_>>()),
        V::List(l) => Some(l),
        _ => None,
    };
    match (items(a), items(b)) {
        (Some(mut a), Some(b)) => {
            a.extend(b);
            Ok(V::List(a))
        }
        _ => Err(mismatch()),
    }
}
