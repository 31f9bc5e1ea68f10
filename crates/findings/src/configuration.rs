//! What changed between two configurations of a resource.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use yagura_model::{Asset, Field};

/// What happened to a resource between two observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It is in an observation for the first time.
    Created,
    /// Its configuration differs.
    Changed,
    /// It is not in a complete listing any more.
    Gone,
    /// It is there again.
    Back,
}

impl What {
    /// The word in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Back => "back",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Created, Self::Changed, Self::Gone, Self::Back].into_iter().find(|w| w.name() == word)
    }
}

/// One path that differs. A list whose members changed tells those that went and those that came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// By AWS's field names (`PublicAccessBlock.BlockPublicAcls`).
    pub path: String,
    /// What was there; `null` where nothing was.
    pub before: Value,
    /// What is there.
    pub after: Value,
}

/// A change with its differences.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What happened.
    pub what: What,
    /// The observation that saw it.
    pub at: jiff::Timestamp,
    /// The last observation before that saw the resource; `None` for the first.
    pub after: Option<jiff::Timestamp>,
    /// The run.
    pub run: i64,
    /// What differs; empty unless [`What::Changed`] or [`What::Back`].
    pub differences: Vec<Difference>,
}

/// What of an asset was read, by field. What was not read this time stays as it was last read: no call is no change.
pub(crate) fn merged(asset: &Asset, before: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, field) in &asset.fields {
        let value = match field {
            Field::Known(value) => serde_json::to_value(value).ok(),
            Field::Absent => None,
            Field::Partly(..) | Field::Unknown(_) => before.and_then(|b| b.get(name.as_str())).cloned(),
        };
        if let Some(value) = value {
            out.insert(name.to_string(), value);
        }
    }
    out
}

/// What differs between two configurations, by path.
pub fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Difference> {
    let mut out = Vec::new();
    members("", before, after, &mut out);
    out
}

fn members(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, out: &mut Vec<Difference>) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (before.get(name), after.get(name)) {
            (Some(b), Some(a)) if a == b => {}
            (Some(Value::Object(b)), Some(Value::Object(a))) => members(&path, b, a, out),
            (Some(Value::Array(b)), Some(Value::Array(a))) => out.push(list(path, b, a)),
            (b, a) => out.push(Difference {
                path,
                before: b.cloned().unwrap_or_default(),
                after: a.cloned().unwrap_or_default(),
            }),
        }
    }
}

/// The members that went and those that came; the whole lists where only their order differs.
fn list(path: String, before: &[Value], after: &[Value]) -> Difference {
    let less = |these: &[Value], those: &[Value]| {
        let mut rest: Vec<&Value> = those.iter().collect();
        let kept = these.iter().filter(|v| match rest.iter().position(|r| r == v) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        });
        Value::Array(kept.cloned().collect())
    };
    let (gone, come) = (less(before, after), less(after, before));
    let empty = |v: &Value| v.as_array().is_some_and(Vec::is_empty);
    if empty(&gone) && empty(&come) {
        return Difference { path, before: Value::Array(before.to_vec()), after: Value::Array(after.to_vec()) };
    }
    Difference { path, before: gone, after: come }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: Value, after: Value) -> Vec<(String, Value, Value)> {
        let (Value::Object(b), Value::Object(a)) = (before, after) else { unreachable!() };
        differences(&b, &a).into_iter().map(|d| (d.path, d.before, d.after)).collect()
    }

    #[test]
    fn differences_name_the_smallest_part_that_changed() {
        let rows = [
            (json!({"A": 1}), json!({"A": 1}), vec![]),
            (
                json!({"A": {"B": true, "C": 1}}),
                json!({"A": {"B": false, "C": 1}}),
                vec![("A.B", json!(true), json!(false))],
            ),
            (json!({}), json!({"A": 1}), vec![("A", json!(null), json!(1))]),
            (json!({"L": [1, 2, 2]}), json!({"L": [2, 3]}), vec![("L", json!([1, 2]), json!([3]))]),
            (json!({"L": [1, 2]}), json!({"L": [2, 1]}), vec![("L", json!([1, 2]), json!([2, 1]))]),
        ];
        for (before, after, wanted) in rows {
            let wanted: Vec<_> = wanted.into_iter().map(|(p, b, a)| (p.to_owned(), b, a)).collect();
            assert_eq!(told(before.clone(), after.clone()), wanted, "{before} {after}");
        }
    }
}
