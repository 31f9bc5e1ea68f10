//! What Cloud Custodian knows: its resources, and the filters and actions of each with their keys.

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;
use yagura_rule::nearest_hint;

/// The facts, as `scripts/custodian-facts.py` writes them.
#[derive(Debug)]
pub struct Facts {
    root: Json,
}

/// What is known of one resource.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'f> {
    facts: &'f Facts,
    /// `iam-policy`, without `aws.`.
    pub name: &'f str,
    entry: &'f Json,
}

/// A filter or an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It chooses.
    Filter,
    /// It would change.
    Action,
}

impl Part {
    fn key(self) -> &'static str {
        match self {
            Self::Filter => "filters",
            Self::Action => "actions",
        }
    }
}

impl Facts {
    /// Reads the facts.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(|root| Self { root }).map_err(|e| e.to_string())
    }

    /// The release of Cloud Custodian that they describe.
    pub fn version(&self) -> &str {
        self.root.get("version").and_then(Json::as_str).unwrap_or_default()
    }

    /// The resource of this name, with or without `aws.`.
    pub fn resource(&self, name: &str) -> Option<Resource<'_>> {
        let short = name.strip_prefix("aws.").unwrap_or(name);
        let (key, entry) = self.resources()?.get_key_value(short)?;
        Some(Resource { facts: self, name: key, entry })
    }

    /// The names of all resources, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.resources().into_iter().flat_map(|r| r.keys().map(String::as_str))
    }

    /// The nearest name of a resource, as a clause; empty where there is none.
    pub fn hint(&self, name: &str) -> String {
        nearest_hint(name.strip_prefix("aws.").unwrap_or(name), self.names())
    }

    fn resources(&self) -> Option<&Map<String, Json>> {
        self.root.get("resources")?.as_object()
    }

    /// A definition that schemas share, by its reference (`#/definitions/…`).
    pub fn definition(&self, reference: &str) -> Option<&Json> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

impl<'f> Resource<'f> {
    fn text(&self, key: &str) -> &'f str {
        self.entry.get(key).and_then(Json::as_str).unwrap_or_default()
    }

    /// The field that tells resources apart.
    pub fn id(&self) -> &'f str {
        self.text("id")
    }

    /// Its name in CloudFormation; empty where it has none.
    pub fn cloudformation(&self) -> &'f str {
        self.text("cloudformation")
    }

    /// Whether it is asked in one place only, whichever Regions are named.
    pub fn is_global(&self) -> bool {
        self.entry.get("global").is_some()
    }

    /// The names of its filters or actions, sorted.
    pub fn parts(&self, part: Part) -> impl Iterator<Item = &'f str> {
        self.entry.get(part.key()).and_then(Json::as_object).into_iter().flat_map(|m| m.keys().map(String::as_str))
    }

    /// The schema of a filter or an action; `None` where it has none of this name.
    pub fn schema(&self, part: Part, name: &str) -> Option<&'f Json> {
        let all = self.entry.get(part.key())?.as_object()?;
        let pool = |i: &Json| self.facts.root.get("schemas")?.get(usize::try_from(i.as_i64()?).ok()?);
        if let Some(own) = all.get(name).and_then(pool) {
            return Some(own);
        }
        let shared = self.facts.root.pointer(&format!("/definitions/{}", part.key()))?;
        let named = |schema: &&'f Json| {
            let names = schema.pointer("/properties/type/enum").and_then(Json::as_array);
            names.is_some_and(|n| n.iter().any(|n| n == name))
        };
        let of_all = shared.get(format!("aws.{name}")).or_else(|| shared.get(name));
        // Another name of a filter with a schema under its first name.
        let other = || all.values().filter_map(pool).find(named);
        let known = all.contains_key(name) || ["value", "event", "reduce", "list-item"].contains(&name);
        known.then(|| of_all.or_else(other)).flatten()
    }

    /// Of a filter on another resource: that resource's class, and the path to its ids.
    pub fn related(&self, filter: &str) -> Option<(&'f str, &'f str)> {
        let pair = self.entry.get("related")?.get(filter)?;
        Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?))
    }

    /// Of a filter on age: the field with the date.
    pub fn date_of(&self, filter: &str) -> Option<&'f str> {
        self.entry.get("age")?.get(filter)?.as_str()
    }

    /// Of a filter on the resource's own policy: the field that holds it.
    pub fn policy_of(&self, filter: &str) -> Option<&'f str> {
        self.entry.get("policy")?.get(filter)?.as_str()
    }

    /// The name.
    pub fn shared_name(&self) -> SmolStr {
        self.name.into()
    }
}
