//! Policy files: `policies:` and `vars:`, read whole and held against what Cloud Custodian accepts.

use crate::facts::{Facts, Part, Resource};
use crate::schema::Checker;
use crate::{filter, path, value};
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::HashMap;
use yagura_model::ContentFile;
use yagura_rule::ContentError;
use yagura_rule::nearest_hint;
use yagura_rule::yaml::{Yaml, YamlKind, read};

/// One policy that Cloud Custodian would accept.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name.
    pub name: SmolStr,
    /// The resource as it is known (`iam-policy`), without `aws.`.
    pub resource: SmolStr,
    /// The policy as JSON, as written.
    pub data: Json,
    /// The file it stands in.
    pub file: String,
    /// Its line there.
    pub line: u64,
}

impl Policy {
    /// Its filters, as written.
    pub fn filters(&self) -> &[Json] {
        self.list("filters")
    }

    /// Its actions, as written.
    pub fn actions(&self) -> &[Json] {
        self.list("actions")
    }

    /// Its conditions, as written.
    pub fn conditions(&self) -> &[Json] {
        self.list("conditions")
    }

    fn list(&self, key: &str) -> &[Json] {
        self.data.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The Region it is for; `None`: every one.
    pub fn region(&self) -> Option<&str> {
        self.data.get("region").and_then(Json::as_str)
    }

    /// The mode's type; `pull` where none is named.
    pub fn mode(&self) -> &str {
        self.data.pointer("/mode/type").and_then(Json::as_str).unwrap_or("pull")
    }
}

/// The policies of files, and everything that is wrong. A file with an error yields none of its policies: half a file
/// would do something that nobody wrote.
pub fn read_files(files: &[ContentFile], facts: &Facts) -> (Vec<Policy>, Vec<ContentError>) {
    let (mut policies, mut errors): (Vec<Policy>, Vec<ContentError>) = (Vec::new(), Vec::new());
    for file in files {
        match read_file(file, facts) {
            Ok(found) => policies.extend(found),
            Err(e) => errors.extend(e),
        }
    }
    let mut seen: HashMap<SmolStr, String> = HashMap::new();
    policies.retain(|p| {
        let place = format!("{}:{}", p.file, p.line);
        let Some(first) = seen.get(&p.name) else {
            seen.insert(p.name.clone(), place);
            return true;
        };
        let message = format!("the name `{}` is taken by the policy at {first}", p.name);
        errors.push(ContentError { file: p.file.clone(), line: p.line, column: 1, message });
        false
    });
    (policies, errors)
}

/// The policies of one file.
///
/// # Errors
/// Everything that Cloud Custodian refuses, each with its line.
pub fn read_file(file: &ContentFile, facts: &Facts) -> Result<Vec<Policy>, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| {
        // What the parser would take instead is no way for a policy: one of two equal keys would have no effect.
        let message = e.message.split(", set ").next().unwrap_or_default().to_owned();
        vec![ContentError { message, ..e }]
    })?;
    let mut c = Checker::new(facts, file);
    let Some(entries) = yaml.entries() else {
        c.complain(&yaml, "expected a mapping with `policies`");
        return Err(c.errors);
    };
    for (key, _) in entries.iter().filter(|(k, _)| !["policies", "vars"].contains(&k.name.as_str())) {
        let hint = nearest_hint(&key.name, ["policies", "vars"]);
        c.complain_at(key.line, key.column, format!("unknown key `{}`{hint}", key.name));
    }
    if yaml.get("vars").is_some_and(|v| v.entries().is_none()) {
        c.complain(yaml.get("vars").unwrap_or(&yaml), "`vars` wants a mapping");
    }
    let mut out = Vec::new();
    match yaml.get("policies").map(|p| (p, p.items())) {
        Some((_, Some(list))) => {
            for at in list {
                out.extend(policy(&mut c, at));
            }
        }
        Some((at, None)) => c.complain(at, "`policies` wants a list"),
        None => c.complain(&yaml, "`policies` is missing"),
    }
    if c.errors.is_empty() { Ok(out) } else { Err(c.errors) }
}

fn policy(c: &mut Checker<'_>, at: &Yaml) -> Option<Policy> {
    let facts = c.facts;
    let shape = facts.definition("#/definitions/policy")?;
    if at.entries().is_none() {
        c.complain(at, "a policy is a mapping with `name` and `resource`");
        return None;
    }
    c.check(at, shape);
    let resource = at.get("resource")?;
    let Some(name) = resource.text() else {
        c.complain(resource, "`resource` wants one name");
        return None;
    };
    let Some(known) = facts.resource(name) else {
        let other = name.split_once('.').filter(|(cloud, _)| *cloud != "aws");
        let message = match other {
            Some((cloud, _)) => format!("`{name}`: resources of `{cloud}` are not read, only those of `aws`"),
            None => format!("`{name}` is no resource of Cloud Custodian{}", facts.hint(name)),
        };
        c.complain(resource, message);
        return None;
    };
    for f in at.get("filters").and_then(Yaml::items).unwrap_or_default() {
        check_filter(c, f, &known);
    }
    for a in at.get("actions").and_then(Yaml::items).unwrap_or_default() {
        crate::action::check(c, a, &known, at);
    }
    let has_mode = at.get("mode").is_some();
    let data = at.value().map_or(Json::Null, |v| v.to_json());
    let filters = data.get("filters").and_then(Json::as_array).cloned().unwrap_or_default();
    if !has_mode && filter::any(&filters, &|f| filter::type_of(f) == Some("event")) {
        c.complain(at, "an `event` filter is for a policy with a `mode` that receives events");
    }
    Some(Policy {
        name: at.get("name").and_then(Yaml::text)?.into(),
        resource: known.shared_name(),
        data: with_nulls(at),
        file: c.file.path.clone(),
        line: at.line,
    })
}

/// As JSON with `null` kept: `value: null` is a question of its own.
pub(crate) fn with_nulls(at: &Yaml) -> Json {
    match &at.kind {
        YamlKind::List(l) => l.iter().map(with_nulls).collect(),
        YamlKind::Map(m) => {
            m.iter().map(|(k, v)| (k.name.to_string(), with_nulls(v))).collect::<serde_json::Map<_, _>>().into()
        }
        _ => at.value().map_or(Json::Null, |v| v.to_json()),
    }
}

const BLOCKS: [&str; 3] = ["and", "or", "not"];

fn check_filter(c: &mut Checker<'_>, at: &Yaml, resource: &Resource<'_>) {
    match &at.kind {
        YamlKind::Text(name) => {
            if resource.schema(Part::Filter, name).is_none() && !resource.parts(Part::Filter).any(|f| f == name) {
                c.complain(at, unknown(Part::Filter, name, resource));
            } else if let Some(schema) = resource.schema(Part::Filter, name) {
                required(c, at, schema, &["type"]);
            }
        }
        YamlKind::Map(entries) if at.get("type").is_none() => match entries.as_slice() {
            [(key, inner)] if BLOCKS.contains(&key.name.as_str()) => match inner.items() {
                Some(list) => list.iter().for_each(|f| check_filter(c, f, resource)),
                None => c.complain(inner, format!("`{}` wants a list of filters", key.name)),
            },
            [(key, inner)] => {
                // `filtr: [...]` is a slip, `Name: [...]` no question at all.
                if let Some(shape) = c.facts.definition("#/definitions/filters/valuekv") {
                    let before = c.errors.len();
                    c.check(at, shape);
                    if c.errors.len() > before {
                        c.errors.truncate(before);
                        let hint = nearest_hint(&key.name, BLOCKS);
                        c.complain(inner, format!("`{}` wants one value here{hint}", key.name));
                    }
                }
                check_key(c, at, &key.name);
            }
            _ => {
                let hint = entries.iter().find_map(|(k, _)| {
                    let h = nearest_hint(&k.name, ["type"]);
                    (!h.is_empty()).then(|| format!(": `{}`{h}", k.name))
                });
                c.complain(at, format!("a filter with several keys wants a `type`{}", hint.unwrap_or_default()));
            }
        },
        YamlKind::Map(_) => {
            let Some(name) = at.get("type").and_then(Yaml::text) else {
                c.complain(at, "`type` wants the name of a filter");
                return;
            };
            let Some(schema) = resource.schema(Part::Filter, name) else {
                let at = at.get("type").unwrap_or(at);
                c.complain(at, unknown(Part::Filter, name, resource));
                return;
            };
            c.check(at, schema);
            // Others use `op` for words of their own.
            let compares = schema.pointer("/properties/op/$ref").is_some();
            meaning(c, at, name, resource, compares);
        }
        _ => c.complain(at, "a filter is a name or a mapping"),
    }
}

/// What the schema leaves to the program: keys that belong together, expressions that must compile.
fn meaning(c: &mut Checker<'_>, at: &Yaml, name: &str, resource: &Resource<'_>, compares: bool) {
    let data = with_nulls(at);
    if name == "value" || name == "event" {
        for why in value::wrong(&data, true) {
            c.complain(at, why);
        }
    } else if compares {
        for why in value::wrong(&data, false) {
            c.complain(at, why);
        }
    }
    // The key of `event-source` is never looked at.
    if let Some(key) = at.get("key").filter(|k| k.text().is_some() && name != "event-source") {
        check_key(c, key, key.text().unwrap_or_default());
    }
    if name == "list-item" && at.get("key").is_none() {
        c.complain(at, "`key` is missing");
    }
    for attr in at.get("attrs").and_then(Yaml::items).unwrap_or_default() {
        check_filter(c, attr, resource);
    }
    if name == "marked-for-op" {
        let op = data.get("op").and_then(Json::as_str).unwrap_or("stop");
        if !resource.parts(Part::Action).any(|a| a == op) {
            c.complain(at, format!("`op: {op}` is no action of `{}`", resource.name));
        }
    }
    if name == "missing"
        && let Some(inner) = at.get("policy")
    {
        let of = inner.get("resource").and_then(Yaml::text).unwrap_or_default();
        match c.facts.resource(of) {
            Some(r) => inner
                .get("filters")
                .and_then(Yaml::items)
                .unwrap_or_default()
                .iter()
                .for_each(|f| check_filter(c, f, &r)),
            None => c.complain(inner, format!("`{of}` is no resource of Cloud Custodian{}", c.facts.hint(of))),
        }
        for key in ["mode", "actions"].iter().filter(|k| inner.get(k).is_some()) {
            c.complain(inner, format!("an embedded policy has no `{key}`"));
        }
    }
}

fn check_key(c: &mut Checker<'_>, at: &Yaml, key: &str) {
    if let Err(why) = path::Path::parse(key) {
        c.complain(at, format!("`{key}`: {why}"));
    }
}

/// Complains where a bare name leaves out keys that are needed.
pub(crate) fn required(c: &mut Checker<'_>, at: &Yaml, schema: &Json, given: &[&str]) {
    let needed = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let missing: Vec<&str> = needed.filter(|n| !given.contains(n)).collect();
    if !missing.is_empty() {
        c.complain(at, format!("`{}` wants {}", at.text().unwrap_or_default(), missing.join(", ")));
    }
}

pub(crate) fn unknown(part: Part, name: &str, resource: &Resource<'_>) -> String {
    let what = match part {
        Part::Filter => "filter",
        Part::Action => "action",
    };
    let shared = if part == Part::Filter { &["value", "and", "or", "not", "event", "reduce"][..] } else { &[] };
    let hint = nearest_hint(name, resource.parts(part).chain(shared.iter().copied()));
    format!("`{name}` is no {what} of `{}`{hint}", resource.name)
}
