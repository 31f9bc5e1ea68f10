//! An input with what only an earlier answer tells taken apart, every value in the type that the service's model gives.

use super::scalar;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::Type;

/// How a plan marks what an earlier answer tells, and texts that are joined from such (`template`); a test holds them together.
pub(super) const LATER: &str = "$answer";
pub(super) const JOIN: &str = "$join";

/// A value of an input.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    Plain(Json),
    List(Vec<Input>),
    Map(Vec<(String, Input)>),
    Answer(Need),
    Join(Vec<Bit>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bit {
    Text(String),
    Answer(Need),
}

/// A value of an earlier answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Need {
    /// The call's name and the path of its answer: `made.Thing.Id`.
    pub path: String,
    /// Whether a text is wanted.
    pub text: bool,
}

impl Input {
    /// Takes an input apart.
    pub(super) fn of(with: &Json, members: &BTreeMap<SmolStr, Type>) -> Self {
        let empty = serde_json::Map::new();
        let entries = with.as_object().unwrap_or(&empty);
        let member = |(name, value): (&String, &Json)| {
            (name.clone(), typed(value, members.get(name.as_str()).unwrap_or(&Type::Any)))
        };
        Self::Map(entries.iter().map(member).collect())
    }

    /// What it takes of earlier answers.
    pub(super) fn needs(&self) -> Vec<&Need> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::needs).collect(),
            Self::Map(members) => members.iter().flat_map(|(_, v)| v.needs()).collect(),
            Self::Answer(need) => vec![need],
            Self::Join(bits) => bits
                .iter()
                .filter_map(|b| match b {
                    Bit::Answer(need) => Some(need),
                    Bit::Text(_) => None,
                })
                .collect(),
        }
    }
}

fn typed(value: &Json, kind: &Type) -> Input {
    if let Some(path) = value.get(LATER).and_then(Json::as_str) {
        return Input::Answer(Need { path: path.to_owned(), text: *kind == Type::String });
    }
    if let Some(Json::Array(parts)) = value.get(JOIN) {
        let bit = |part: &Json| match part.get(LATER).and_then(Json::as_str) {
            Some(path) => Bit::Answer(Need { path: path.to_owned(), text: true }),
            None => Bit::Text(scalar(part)),
        };
        return Input::Join(parts.iter().map(bit).collect());
    }
    match (value, kind) {
        (Json::Object(map), Type::Struct(members)) => {
            let any = Type::Any;
            Input::Map(
                map.iter().map(|(k, v)| (k.clone(), typed(v, members.get(k.as_str()).unwrap_or(&any)))).collect(),
            )
        }
        (Json::Object(map), of) => {
            let of = match of {
                Type::Map(of) => of,
                _ => &Type::Any,
            };
            Input::Map(map.iter().map(|(k, v)| (k.clone(), typed(v, of))).collect())
        }
        (Json::Array(items), of) => {
            let of = match of {
                Type::List(of) => of,
                _ => &Type::Any,
            };
            Input::List(items.iter().map(|v| typed(v, of)).collect())
        }
        (Json::Number(_) | Json::Bool(_), Type::String) => Input::Plain(json!(scalar(value))),
        (Json::String(text), Type::Int) => {
            Input::Plain(text.parse::<i64>().map_or_else(|_| value.clone(), |n| json!(n)))
        }
        (Json::String(text), Type::Bool) => {
            Input::Plain(text.parse::<bool>().map_or_else(|_| value.clone(), |b| json!(b)))
        }
        _ => Input::Plain(value.clone()),
    }
}
