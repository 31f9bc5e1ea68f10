//! Configuration values, as AWS answers them.

use crate::Gap;
use serde::{Deserialize, Serialize, de, ser::SerializeMap};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// One value of an AWS answer. Timestamps are RFC 3339 strings in UTC, blobs are base64 text.
///
/// There is no null: a member that AWS left out, or sent as `null`, is not in its [`Map`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number (byte, short, integer or long in the service model).
    Int(i64),
    /// A fraction.
    Float(f64),
    /// Text; also timestamps (RFC 3339, UTC) and blobs (base64).
    String(SmolStr),
    /// A list, in the order of the answer.
    List(Vec<Value>),
    /// A structure or a map.
    Map(Map),
    /// Not known, and why. It stands only within the value of a [`Field::Partly`](crate::Field::Partly): no answer of AWS holds it.
    Unknown(Arc<Gap>),
}

/// Members by name; iteration is sorted by name, so output is reproducible.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map(Vec<(SmolStr, Value)>);

impl Map {
    /// An empty map.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The member `name`, or `None` where AWS left it out.
    pub fn get(&self, name: &str) -> Option<&Value> {
        // Most structures are short: walking beats bisecting below a dozen members.
        if self.0.len() <= 12 {
            return self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v);
        }
        let at = self.0.binary_search_by(|(k, _)| k.as_str().cmp(name)).ok()?;
        self.0.get(at).map(|(_, v)| v)
    }

    /// Follows a dotted path, as [`Value::path`] does.
    pub fn path(&self, path: &str) -> Option<Cow<'_, Value>> {
        match path.split_once('.') {
            None => self.get(path).map(Cow::Borrowed),
            Some((top, rest)) => self.get(top)?.path(rest),
        }
    }

    /// Sets `name`, replacing what was there.
    pub fn insert(&mut self, name: impl Into<SmolStr>, value: Value) {
        let name = name.into();
        match self.0.binary_search_by(|(k, _)| k.cmp(&name)) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Takes `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.binary_search_by(|(k, _)| k.as_str().cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Members in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &Value)> {
        self.0.iter().map(|(k, v)| (k, v))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(SmolStr, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (SmolStr, Value)>>(items: I) -> Self {
        let mut map = Self::new();
        for (k, v) in items {
            map.insert(k, v);
        }
        map
    }
}

impl IntoIterator for Map {
    type Item = (SmolStr, Value);
    type IntoIter = std::vec::IntoIter<(SmolStr, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Value {
    /// Text, from anything that turns into a [`SmolStr`].
    pub fn text(s: impl Into<SmolStr>) -> Self {
        Self::String(s.into())
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The members of a map value.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// The items of a list value.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(l) => Some(l),
            _ => None,
        }
    }

    /// Why the first part of it that is not known is not.
    pub fn gap(&self) -> Option<&Arc<Gap>> {
        match self {
            Self::Unknown(gap) => Some(gap),
            Self::List(l) => l.iter().find_map(Self::gap),
            Self::Map(m) => m.iter().find_map(|(_, v)| v.gap()),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => None,
        }
    }

    /// Follows a dotted path through maps; a list on the way yields the list of what each item has
    /// (so `Reservations.Instances` flattens). `None` where a member is missing.
    pub fn path(&self, path: &str) -> Option<Cow<'_, Value>> {
        let mut here = Cow::Borrowed(self);
        for part in path.split('.') {
            here = match here {
                Cow::Borrowed(Self::Map(m)) => Cow::Borrowed(m.get(part)?),
                Cow::Owned(Self::Map(mut m)) => Cow::Owned(m.remove(part)?),
                list if list.as_list().is_some() => {
                    let items = list.as_list().unwrap_or_default();
                    let mut out = Vec::new();
                    for item in items {
                        match item.as_map().and_then(|m| m.get(part)) {
                            Some(Self::List(inner)) => out.extend(inner.iter().cloned()),
                            Some(other) => out.push(other.clone()),
                            None => {}
                        }
                    }
                    Cow::Owned(Self::List(out))
                }
                _ => return None,
            };
        }
        Some(here)
    }

    /// The JSON of this value, for output; `null` for a part that is not known.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Float(f) => serde_json::Number::from_f64(*f).map_or(serde_json::Value::Null, Into::into),
            Self::String(s) => s.as_str().into(),
            Self::List(l) => l.iter().map(Self::to_json).collect(),
            Self::Map(m) => {
                m.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect::<serde_json::Map<_, _>>().into()
            }
            Self::Unknown(_) => serde_json::Value::Null,
        }
    }

    /// From JSON; `None` for `null`, which is how some services spell an absent member.
    pub fn from_json(json: serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(s) => Self::String(s.into()),
            serde_json::Value::Array(a) => Self::List(a.into_iter().filter_map(Self::from_json).collect()),
            serde_json::Value::Object(o) => {
                Self::Map(o.into_iter().filter_map(|(k, v)| Some((k.into(), Self::from_json(v)?))).collect())
            }
        })
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::String(v.into())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::String(v.into())
    }
}

/// As in JSON, for messages.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Int(i) => s.serialize_i64(*i),
            Self::Float(f) => s.serialize_f64(*f),
            Self::String(t) => s.serialize_str(t),
            Self::List(l) => s.collect_seq(l),
            Self::Map(m) => m.serialize(s),
            Self::Unknown(_) => s.serialize_unit(),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_map(Some(self.len()))?;
        for (k, v) in self.iter() {
            out.serialize_entry(k, v)?;
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match Option::<Value>::deserialize(d)? {
            Some(Value::Map(m)) => Ok(m),
            _ => Err(de::Error::custom("expected an object")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(Value::Bool(v))
            }

            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(Value::Int(v))
            }

            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(i64::try_from(v).map_or(Value::Float(v as f64), Value::Int))
            }

            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(Value::Float(v))
            }

            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(Value::String(v.into()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut a: A) -> Result<Value, A::Error> {
                let mut out = Vec::new();
                while let Some(v) = a.next_element::<Option<Value>>()? {
                    out.extend(v);
                }
                Ok(Value::List(out))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut a: A) -> Result<Value, A::Error> {
                let mut out = Map::new();
                while let Some((k, v)) = a.next_entry::<SmolStr, Option<Value>>()? {
                    if let Some(v) = v {
                        out.insert(k, v);
                    }
                }
                Ok(Value::Map(out))
            }
        }
        d.deserialize_any(Visitor)
    }
}
