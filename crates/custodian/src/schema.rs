//! A YAML tree held against a JSON schema, so that every complaint names its line and the right spelling.

use crate::facts::Facts;
use fancy_regex::Regex;
use serde_json::Value as Json;
use yagura_model::ContentFile;
use yagura_rule::ContentError;
use yagura_rule::nearest_hint;
use yagura_rule::yaml::{Yaml, YamlKind};

/// Complaints of one file.
pub struct Checker<'f> {
    /// Where shared definitions stand.
    pub facts: &'f Facts,
    /// The file, for messages.
    pub file: &'f ContentFile,
    /// What is wrong so far.
    pub errors: Vec<ContentError>,
}

impl<'f> Checker<'f> {
    /// A checker with no complaint yet.
    pub fn new(facts: &'f Facts, file: &'f ContentFile) -> Self {
        Self { facts, file, errors: Vec::new() }
    }

    /// Complains at a node.
    pub fn complain(&mut self, at: &Yaml, message: impl Into<String>) {
        self.errors.push(at.error(self.file, message));
    }

    /// Complains at a key.
    pub fn complain_at(&mut self, line: u64, column: u64, message: String) {
        self.errors.push(ContentError { file: self.file.path.clone(), line, column, message });
    }

    /// Holds a node against a schema (the keywords that Cloud Custodian's schemas use; what is none has no meaning there either).
    pub fn check(&mut self, at: &Yaml, schema: &Json) {
        let found = self.errors_of(at, schema);
        self.errors.extend(found);
    }

    fn errors_of(&self, at: &Yaml, schema: &Json) -> Vec<ContentError> {
        let mut out = Vec::new();
        let error = |message: String| at.error(self.file, message);
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            return self.facts.definition(reference).map_or_else(Vec::new, |s| self.errors_of(at, s));
        }
        if let Some(choices) = schema.get("enum").and_then(Json::as_array) {
            let value = at.value().map_or(Json::Null, |v| v.to_json());
            if !choices.contains(&value) {
                out.push(error(not_among(&value, choices)));
            }
        }
        if let Some(types) = schema.get("type")
            && !of_type(at, types)
        {
            let wanted = types.as_str().map(str::to_owned).unwrap_or_else(|| types.to_string());
            out.push(error(format!("expected {}, found {}", article(&wanted), kind_of(at))));
            return out;
        }
        for all in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            out.extend(self.errors_of(at, all));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(key).and_then(Json::as_array) {
                out.extend(self.nearest(at, choices));
            }
        }
        self.members(at, schema, &mut out);
        if let Some(list) = at.items() {
            match schema.get("items") {
                Some(Json::Array(each)) => {
                    list.iter().zip(each).for_each(|(y, s)| out.extend(self.errors_of(y, s)));
                }
                Some(each) => list.iter().for_each(|y| out.extend(self.errors_of(y, each))),
                None => {}
            }
            bounds(schema, "Items", list.len(), "items").map(error).into_iter().for_each(|e| out.push(e));
        }
        if let Some(text) = at.text() {
            let pattern = schema.get("pattern").and_then(Json::as_str).and_then(|p| Regex::new(p).ok());
            if pattern.is_some_and(|p| matches!(p.is_match(text), Ok(false))) {
                let pattern = schema.get("pattern").and_then(Json::as_str).unwrap_or_default();
                out.push(error(format!("`{text}` does not have the form {pattern}")));
            }
            bounds(schema, "Length", text.chars().count(), "characters")
                .map(error)
                .into_iter()
                .for_each(|e| out.push(e));
        }
        let number = match at.kind {
            YamlKind::Int(i) => Some(i as f64),
            YamlKind::Float(f) => Some(f),
            _ => None,
        };
        if let Some(n) = number {
            for (key, word, wrong) in [("minimum", "least", -1.0), ("maximum", "most", 1.0)] {
                if let Some(limit) = schema.get(key).and_then(Json::as_f64)
                    && (n - limit) * wrong > 0.0
                {
                    out.push(error(format!("{n} is not allowed: at {word} {limit}")));
                }
            }
        }
        out
    }

    fn members(&self, at: &Yaml, schema: &Json, out: &mut Vec<ContentError>) {
        let Some(entries) = at.entries() else { return };
        let none = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
        let patterns = schema.get("patternProperties").and_then(Json::as_object).unwrap_or(&none);
        for (key, value) in entries {
            let mut known = false;
            if let Some(s) = properties.get(key.name.as_str()) {
                known = true;
                out.extend(self.errors_of(value, s));
            }
            for (pattern, s) in patterns {
                if Regex::new(pattern).is_ok_and(|p| p.is_match(key.name.as_str()).unwrap_or(false)) {
                    known = true;
                    out.extend(self.errors_of(value, s));
                }
            }
            match schema.get("additionalProperties") {
                Some(Json::Bool(false)) if !known => {
                    let hint = nearest_hint(&key.name, properties.keys().map(String::as_str));
                    let message = format!("unknown key `{}`{hint}", key.name);
                    out.push(ContentError {
                        file: self.file.path.clone(),
                        line: key.line,
                        column: key.column,
                        message,
                    });
                }
                Some(s @ Json::Object(_)) if !known => out.extend(self.errors_of(value, s)),
                _ => {}
            }
        }
        for needed in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if at.get(needed).is_none() {
                out.push(at.error(self.file, format!("`{needed}` is missing")));
            }
        }
        if let Some(m) = bounds(schema, "Properties", entries.len(), "keys") {
            out.push(at.error(self.file, m));
        }
    }

    /// Nothing where one of the choices fits; else what is wrong with the one that was most likely meant.
    fn nearest(&self, at: &Yaml, choices: &[Json]) -> Vec<ContentError> {
        let mut best: Option<Vec<ContentError>> = None;
        let mut expected = Vec::new();
        for choice in choices {
            let errors = self.errors_of(at, choice);
            if errors.is_empty() {
                return errors;
            }
            let resolved =
                choice.get("$ref").and_then(Json::as_str).and_then(|r| self.facts.definition(r)).unwrap_or(choice);
            if let Some(t) = resolved.get("type").and_then(Json::as_str) {
                expected.push(t.to_owned());
            }
            let fits = resolved.get("type").is_none_or(|t| of_type(at, t));
            let named = at.get("type").is_none_or(|t| {
                let names = resolved.pointer("/properties/type/enum").and_then(Json::as_array);
                names.is_none_or(|n| t.value().is_some_and(|v| n.contains(&v.to_json())))
            });
            let better = best.as_ref().is_none_or(|b| errors.len() < b.len());
            if fits && (named || best.is_none()) && better {
                best = Some(errors);
            }
        }
        best.unwrap_or_else(|| {
            expected.dedup();
            vec![at.error(self.file, format!("expected {}, found {}", expected.join(" or "), kind_of(at)))]
        })
    }
}

fn bounds(schema: &Json, noun: &str, count: usize, of: &str) -> Option<String> {
    let limit = |word: &str| schema.get(format!("{word}{noun}")).and_then(Json::as_u64).and_then(|n| n.try_into().ok());
    if let Some(least) = limit("min").filter(|least: &usize| count < *least) {
        return Some(format!("too few {of}: at least {least}"));
    }
    limit("max").filter(|most: &usize| count > *most).map(|most| format!("too many {of}: at most {most}"))
}

fn not_among(value: &Json, choices: &[Json]) -> String {
    let names: Vec<String> = choices.iter().map(|c| c.as_str().map_or_else(|| c.to_string(), str::to_owned)).collect();
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let hint = nearest_hint(&shown, names.iter().map(String::as_str));
    if names.len() > 30 || !hint.is_empty() {
        return format!("`{shown}` is not known here{hint}");
    }
    format!("`{shown}` is not known here: one of {}", names.join(", "))
}

fn of_type(at: &Yaml, types: &Json) -> bool {
    match types {
        Json::String(t) => is_a(at, t),
        Json::Array(all) => all.iter().filter_map(Json::as_str).any(|t| is_a(at, t)),
        _ => true,
    }
}

fn is_a(at: &Yaml, name: &str) -> bool {
    match name {
        "object" => matches!(at.kind, YamlKind::Map(_)),
        "array" => matches!(at.kind, YamlKind::List(_)),
        "string" => matches!(at.kind, YamlKind::Text(_)),
        "boolean" => matches!(at.kind, YamlKind::Bool(_)),
        "null" => matches!(at.kind, YamlKind::Null),
        "integer" => match at.kind {
            YamlKind::Float(f) => f.fract() == 0.0,
            ref k => matches!(k, YamlKind::Int(_)),
        },
        "number" => matches!(at.kind, YamlKind::Int(_) | YamlKind::Float(_)),
        _ => true,
    }
}

fn article(name: &str) -> String {
    match name {
        "object" => "a mapping".to_owned(),
        "array" => "a list".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        other => other.to_owned(),
    }
}

fn kind_of(at: &Yaml) -> &'static str {
    match at.kind {
        YamlKind::Null => "nothing",
        YamlKind::Bool(_) => "true or false",
        YamlKind::Int(_) | YamlKind::Float(_) => "a number",
        YamlKind::Text(_) => "text",
        YamlKind::List(_) => "a list",
        YamlKind::Map(_) => "a mapping",
    }
}
