//! Inputs of calls as content writes them: literal values with `${…}` inside.
//!
//! `${expression}` is an expression on the resource (as in checks), and `${name.Path}` what an earlier call of the plan, named by `as`,
//! answered. A text that is one placeholder takes the answer's own type; among other text it is put in as text. What is absent leaves
//! its member out. `${account}`, `${region}` and `${partition}` are those of the resource; `$${` is a plain `${`.

use serde_json::{Map as JsonMap, Value as Json, json};
use smol_str::SmolStr;
use yagura_model::{Caller, Value};
use yagura_rule::{Check, Estate, Hole, Program, Schema, answer};

/// The member under which a plan keeps what will only be known when an earlier call has answered: `{"$answer": "detector.DetectorId"}`.
const LATER: &str = "$answer";
/// The member that joins texts when the plan runs.
const JOIN: &str = "$join";

/// A value with placeholders.
#[derive(Debug, Clone)]
pub(crate) enum Template {
    Literal(Json),
    Map(Vec<(SmolStr, Template)>),
    List(Vec<Template>),
    Whole(Slot),
    Text(Vec<Part>),
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    Hole(Slot),
}

/// A placeholder.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Region,
    Partition,
    /// An answer of an earlier call, by its name and path.
    Later(SmolStr),
    /// An expression; within `for` it yields a list, of which each round takes its own.
    Expression {
        program: Box<Program>,
        listed: bool,
        /// Within `for`, of a field that an item may lack: which items have it. Then `program` answers for these alone.
        present: Option<Box<Program>>,
    },
}

/// What placeholders may name.
pub(crate) struct Naming<'n> {
    pub check: &'n Check,
    pub schema: &'n Schema,
    /// Names of earlier calls.
    pub answers: &'n [SmolStr],
    /// Within `for`: the variable and the list.
    pub each: Option<(&'n str, &'n str)>,
}

impl Naming<'_> {
    /// Compiles an expression; within `for` it becomes one over the list.
    pub(crate) fn program(&self, text: &str) -> Result<Program, String> {
        match self.each {
            None => self.check.expression(text, self.schema),
            Some((name, list)) => self.check.expression(&format!("({list}).map({name}, {text})"), self.schema),
        }
    }

    fn expression(&self, text: &str) -> Result<Slot, String> {
        let is_path = |name: &str| {
            let rest = text.strip_prefix(name).and_then(|t| t.strip_prefix('.'));
            rest.is_some_and(|r| r.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_'))
        };
        if let Some((name, list)) = self.each.filter(|(name, _)| is_path(name)) {
            let compiled = |text: String| self.check.expression(&text, self.schema).map(Box::new);
            let program = compiled(format!("({list}).filter({name}, has({text})).map({name}, {text})"))?;
            let present = Some(compiled(format!("({list}).map({name}, has({text}))"))?);
            return Ok(Slot::Expression { program, listed: true, present });
        }
        Ok(Slot::Expression { program: Box::new(self.program(text)?), listed: self.each.is_some(), present: None })
    }

    fn hole(&self, text: &str) -> Result<Slot, String> {
        let first = text.split('.').next().unwrap_or(text);
        Ok(match text {
            "region" => Slot::Region,
            "partition" => Slot::Partition,
            _ if self.answers.iter().any(|a| a == first) => Slot::Later(text.into()),
            _ => self.expression(text)?,
        })
    }
}

/// The placeholders of a text, in order: what stands between `${` and its brace.
pub fn placeholders(text: &str) -> Vec<&str> {
    split(text).filter_map(|(hole, part)| hole.then_some(part)).collect()
}

/// Pieces of a text; `true` marks a placeholder. Braces within one are counted.
fn split(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix("${") {
            let mut depth = 1;
            let end = inner.char_indices().find(|(_, c)| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth == 0
            });
            if let Some((at, _)) = end {
                let (hole, after) = inner.split_at(at);
                rest = after.get(1..).unwrap_or_default();
                return Some((true, hole));
            }
        }
        if let Some(after) = rest.strip_prefix("$${") {
            // The first sign is taken away, and the next piece begins behind the brace.
            let plain = rest.get(1..3).unwrap_or_default();
            rest = after;
            return Some((false, plain));
        }
        let skip = rest.chars().next().map_or(0, char::len_utf8);
        let next = |sign: &str| rest.get(skip..).and_then(|r| r.find(sign)).map(|at| at + skip);
        let end = [next("${"), next("$${")].into_iter().flatten().min().unwrap_or(rest.len());
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some((false, plain))
    })
}

impl Template {
    /// Compiles a value of a content file.
    ///
    /// # Errors
    /// What is wrong with the first broken placeholder.
    pub(crate) fn compile(value: &Value, names: &Naming<'_>) -> Result<Self, String> {
        Ok(match value {
            Value::Map(map) => {
                let members = map.iter().map(|(k, v)| Ok((k.clone(), Self::compile(v, names)?)));
                Self::Map(members.collect::<Result<_, String>>()?)
            }
            Value::List(items) => Self::List(items.iter().map(|v| Self::compile(v, names)).collect::<Result<_, _>>()?),
            Value::String(text) if text.contains("${") => {
                let parts: Vec<(bool, &str)> = split(text).collect();
                if let [(true, only)] = parts.as_slice() {
                    return Ok(Self::Whole(names.hole(only.trim())?));
                }
                let part = |(hole, text): (bool, &str)| {
                    Ok(if hole { Part::Hole(names.hole(text.trim())?) } else { Part::Text(text.to_owned()) })
                };
                Self::Text(parts.into_iter().map(part).collect::<Result<_, String>>()?)
            }
            other => Self::Literal(other.to_json()),
        })
    }

    /// The programs of its placeholders.
    pub(crate) fn programs<'t>(&'t self, out: &mut Vec<&'t Program>) {
        let mut of = |hole: &'t Slot| {
            if let Slot::Expression { program, present, .. } = hole {
                out.push(program);
                out.extend(present.as_deref());
            }
        };
        match self {
            Self::Literal(_) => {}
            Self::Whole(hole) => of(hole),
            Self::Text(parts) => parts.iter().for_each(|p| {
                if let Part::Hole(h) = p {
                    of(h)
                }
            }),
            Self::Map(members) => members.iter().for_each(|(_, t)| t.programs(out)),
            Self::List(items) => items.iter().for_each(|t| t.programs(out)),
        }
    }
}

/// The state that templates are filled from.
pub(crate) struct Filling<'f> {
    pub estate: &'f Estate,
    pub check: &'f Check,
    pub asset: u32,
    pub caller: &'f Caller,
    pub region: &'f str,
    /// Within `for`: which round of how many.
    pub round: Option<(usize, usize)>,
}

/// Why a placeholder has no value.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// It could not be read.
    Unknown(Vec<Hole>),
    /// It is not set, and stands where something must.
    Absent(String),
}

impl Filling<'_> {
    /// The answer of a program; within `for`, that of this round.
    pub(crate) fn answer(&self, program: &Program, listed: bool) -> Result<Option<Value>, Unfilled> {
        let found = answer(self.estate, self.check, self.asset, program).map_err(Unfilled::Unknown)?;
        match (self.round.filter(|_| listed), found) {
            (None, found) => Ok(found),
            (Some((at, of)), Some(Value::List(items))) if items.len() == of => Ok(items.into_iter().nth(at)),
            (Some(_), _) => Err(Unfilled::Absent(program.text.clone())),
        }
    }

    /// A field of this round's item; `None` where it lacks it.
    fn of_item(&self, program: &Program, present: &Program) -> Result<Option<Value>, Unfilled> {
        let there = answer(self.estate, self.check, self.asset, present).map_err(Unfilled::Unknown)?;
        let (Some((at, _)), Some(Value::List(there))) = (self.round, there) else { return Ok(None) };
        let has = |v: &Value| *v == Value::Bool(true);
        if !there.get(at).is_some_and(has) {
            return Ok(None);
        }
        let before = there.iter().take(at).filter(|v| has(v)).count();
        let of = there.iter().filter(|v| has(v)).count();
        Filling { round: Some((before, of)), ..*self }.answer(program, true)
    }

    fn hole(&self, hole: &Slot) -> Result<Option<Json>, Unfilled> {
        Ok(match hole {
            Slot::Region => Some(json!(self.region)),
            Slot::Partition => Some(json!(self.caller.partition)),
            Slot::Later(path) => Some(json!({LATER: path})),
            Slot::Expression { program, present: Some(present), .. } => {
                self.of_item(program, present)?.map(|v| v.to_json())
            }
            Slot::Expression { program, listed, .. } => self.answer(program, *listed)?.map(|v| v.to_json()),
        })
    }

    /// The value of a template; `None` where it is absent.
    pub(crate) fn fill(&self, template: &Template) -> Result<Option<Json>, Unfilled> {
        Ok(match template {
            Template::Literal(value) => Some(value.clone()),
            Template::Whole(hole) => self.hole(hole)?,
            Template::List(items) => {
                let filled = items.iter().map(|t| self.fill(t)).collect::<Result<Vec<_>, _>>()?;
                Some(Json::Array(filled.into_iter().flatten().collect()))
            }
            Template::Map(members) => {
                let mut out = JsonMap::new();
                for (name, template) in members {
                    if let Some(value) = self.fill(template)? {
                        out.insert(name.to_string(), value);
                    }
                }
                Some(Json::Object(out))
            }
            Template::Text(parts) => {
                let mut pieces: Vec<Json> = Vec::new();
                for part in parts {
                    let piece = match part {
                        Part::Text(text) => json!(text),
                        Part::Hole(hole) => match self.hole(hole)? {
                            Some(Json::String(text)) => json!(text),
                            Some(later @ Json::Object(_)) if later.get(LATER).is_some() => later,
                            Some(other) => json!(other.to_string()),
                            None => return Err(Unfilled::Absent("text".to_owned())),
                        },
                    };
                    match (pieces.last_mut(), piece) {
                        (Some(Json::String(before)), Json::String(more)) => before.push_str(&more),
                        (_, piece) => pieces.push(piece),
                    }
                }
                match pieces.as_slice() {
                    [only @ Json::String(_)] => Some(only.clone()),
                    _ => Some(json!({JOIN: pieces})),
                }
            }
        })
    }
}

/// A plan's value with what earlier calls answered put in.
///
/// # Errors
/// The path that no call answered.
pub(crate) fn settled(value: &Json, answers: &JsonMap<String, Json>) -> Result<Json, String> {
    Ok(match value {
        Json::Object(map) => {
            if let Some(path) = map.get(LATER).and_then(Json::as_str) {
                let mut parts = path.split('.');
                let first = parts.next().and_then(|name| answers.get(name));
                let found = parts.fold(first, |at, part| match part.parse::<usize>() {
                    Ok(index) => at?.get(index),
                    Err(_) => at?.get(part),
                });
                return found.cloned().ok_or_else(|| path.to_owned());
            }
            if let Some(Json::Array(parts)) = map.get(JOIN) {
                let mut out = String::new();
                for part in parts {
                    match settled(part, answers)? {
                        Json::String(text) => out.push_str(&text),
                        other => out.push_str(&other.to_string()),
                    }
                }
                return Ok(Json::String(out));
            }
            let members = map.iter().map(|(k, v)| Ok((k.clone(), settled(v, answers)?)));
            Json::Object(members.collect::<Result<_, String>>()?)
        }
        Json::Array(items) => Json::Array(items.iter().map(|v| settled(v, answers)).collect::<Result<_, _>>()?),
        other => other.clone(),
    })
}

/// A plan's value for a person: what is not known yet stands in angle brackets.
pub(crate) fn shown(value: &Json) -> Json {
    match value {
        Json::Object(map) => match (map.get(LATER), map.get(JOIN)) {
            (Some(Json::String(path)), _) => json!(format!("<{path}>")),
            (_, Some(Json::Array(parts))) => {
                let text = |p: &Json| match shown(p) {
                    Json::String(t) => t,
                    other => other.to_string(),
                };
                json!(parts.iter().map(text).collect::<String>())
            }
            _ => Json::Object(map.iter().map(|(k, v)| (k.clone(), shown(v))).collect()),
        },
        Json::Array(items) => Json::Array(items.iter().map(shown).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_at_their_placeholders() {
        let parts = |text| split(text).collect::<Vec<_>>();
        assert_eq!(parts("${this.Name}"), [(true, "this.Name")]);
        assert_eq!(parts("a-${x}-b"), [(false, "a-"), (true, "x"), (false, "-b")]);
        assert_eq!(parts("$${aws:username}/${x}"), [(false, "${"), (false, "aws:username}/"), (true, "x")]);
        assert_eq!(parts("${[1].map(x, {})}"), [(true, "[1].map(x, {})")]);
        assert_eq!(parts("${open"), [(false, "${open")]);
        assert_eq!(parts("é$"), [(false, "é$")]);
        assert_eq!(placeholders("${a}${b}"), ["a", "b"]);
    }

    #[test]
    fn later_answers_are_put_in_and_shown() {
        let plan = json!({"Id": {LATER: "made.Thing.Id"}, "Arn": {JOIN: ["arn:", {LATER: "made.Thing.Id"}]}, "N": [1]});
        let answers = json!({"made": {"Thing": {"Id": "x1"}}});
        let done = settled(&plan, answers.as_object().unwrap()).unwrap();
        assert_eq!(done, json!({"Id": "x1", "Arn": "arn:x1", "N": [1]}));
        assert_eq!(settled(&plan, &JsonMap::new()).unwrap_err(), "made.Thing.Id");
        assert_eq!(shown(&plan), json!({"Id": "<made.Thing.Id>", "Arn": "arn:<made.Thing.Id>", "N": [1]}));
    }
}
