//! A value of a template, before and after its expressions are worked out.

use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Gap, GapReason, Map, Value};

/// A value as a template has it. What only a deployment tells is [`Node::Unknown`], wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Nothing; also `AWS::NoValue`.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(SmolStr),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Not knowable from the template: the expression that hides it.
    Unknown(Arc<str>),
}

/// A member of a mapping, and the line on which its key stands (0 where there is none).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: SmolStr,
    pub line: u32,
    pub value: Node,
}

impl Entry {
    pub(crate) fn new(key: impl Into<SmolStr>, value: Node) -> Self {
        Self { key: key.into(), line: 0, value }
    }
}

impl Node {
    pub(crate) fn text(t: impl Into<SmolStr>) -> Self {
        Self::Text(t.into())
    }

    pub(crate) fn unknown(why: impl AsRef<str>) -> Self {
        Self::Unknown(why.as_ref().into())
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match self {
            Self::Map(m) => m,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match self {
            Self::List(l) => l,
            _ => &[],
        }
    }

    /// The member `key`; the last one where it stands twice, as JSON and YAML readers have it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|e| e.key == key).map(|e| &e.value)
    }

    /// What stands at a dotted path. A list with one item is gone through: Terraform writes a block as one.
    pub(crate) fn path(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |here, part| match here {
            Self::List(items) => match items.as_slice() {
                [one] => one.get(part),
                _ => None,
            },
            Self::Unknown(_) => Some(here),
            _ => here.get(part),
        })
    }

    /// The same, where a list of several is gone through too: what each of its items has, in one list.
    pub(crate) fn gathered(&self, path: &str) -> Option<Node> {
        if let Some(found) = self.path(path) {
            return Some(found.clone());
        }
        let (first, rest) = path.split_once('.').map_or((path, None), |(f, r)| (f, Some(r)));
        if let Self::List(items) = self {
            let mut out = Vec::new();
            for item in items {
                match item.gathered(path) {
                    Some(Self::List(l)) => out.extend(l),
                    Some(one) => out.push(one),
                    None => {}
                }
            }
            return (!out.is_empty()).then_some(Self::List(out));
        }
        self.get(first)?.gathered(rest?)
    }

    /// As text: what a string template makes of a scalar. `None` for what is none.
    pub(crate) fn scalar(&self) -> Option<SmolStr> {
        match self {
            Self::Text(t) => Some(t.clone()),
            Self::Bool(b) => Some(if *b { "true".into() } else { "false".into() }),
            Self::Int(i) => Some(smol_str::format_smolstr!("{i}")),
            Self::Float(f) => Some(smol_str::format_smolstr!("{f}")),
            _ => None,
        }
    }

    /// The first thing in it that is not known.
    pub(crate) fn hidden(&self) -> Option<&Arc<str>> {
        match self {
            Self::Unknown(why) => Some(why),
            Self::List(l) => l.iter().find_map(Self::hidden),
            Self::Map(m) => m.iter().find_map(|e| e.value.hidden()),
            _ => None,
        }
    }

    /// How many values it is made of; long texts count by their length.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::List(l) => 1 + l.iter().map(Self::size).sum::<usize>(),
            Self::Map(m) => 1 + m.iter().map(|e| e.value.size()).sum::<usize>(),
            Self::Text(t) => 1 + t.len() / 64,
            _ => 1,
        }
    }

    /// The value; `None` for nothing. What is not known in it stands there as [`Value::Unknown`].
    pub(crate) fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => return None,
            Self::Unknown(why) => Value::Unknown(Arc::new(Gap::new(GapReason::AfterDeployment, why.as_ref()))),
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Text(t) => Value::String(t.clone()),
            Self::List(l) => Value::List(l.iter().filter_map(Self::value).collect()),
            Self::Map(m) => {
                Value::Map(m.iter().filter_map(|e| Some((e.key.clone(), e.value.value()?))).collect::<Map>())
            }
        })
    }

    /// The value, where all of it is known.
    pub(crate) fn known(&self) -> Option<Value> {
        if self.hidden().is_some() { None } else { self.value() }
    }

    /// From a value of content.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(*f),
            Value::String(s) => Self::Text(s.clone()),
            Value::List(l) => Self::List(l.iter().map(Self::of).collect()),
            Value::Map(m) => Self::Map(m.iter().map(|(k, v)| Entry::new(k.clone(), Self::of(v))).collect()),
            Value::Unknown(gap) => Self::Unknown(gap.detail.as_str().into()),
        }
    }

    /// The JSON text of it, as `jsonencode` and CloudFormation write documents.
    pub(crate) fn json(&self) -> Node {
        match self.hidden() {
            Some(why) => Self::Unknown(why.clone()),
            None => Self::text(self.to_json().to_string()),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null | Self::Unknown(_) => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Float(f) => serde_json::Number::from_f64(*f).map_or(serde_json::Value::Null, Into::into),
            Self::Text(t) => t.as_str().into(),
            Self::List(l) => l.iter().map(Self::to_json).collect(),
            Self::Map(m) => {
                m.iter().map(|e| (e.key.to_string(), e.value.to_json())).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }

    /// From JSON without places.
    pub(crate) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(s) => Self::text(s.as_str()),
            serde_json::Value::Array(a) => Self::List(a.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(o) => {
                Self::Map(o.iter().map(|(k, v)| Entry::new(k.as_str(), Self::from_json(v))).collect())
            }
        }
    }
}
