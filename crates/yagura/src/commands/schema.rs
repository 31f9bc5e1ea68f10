//! `yagura content schema`: JSON Schema (draft 2020-12) of content files, for editors. The loader knows more than a schema can say
//! (fields, types, calls); `checks test --watch` tells that.

use crate::cli::SchemaOf;
use crate::content::Content;
use crate::failure::{Failure, exit};
use serde_json::{Value as Json, json};
use std::io::Write;

/// Prints a schema.
///
/// # Errors
/// Shipped content is broken, or the output cannot be written.
pub fn print(kind: SchemaOf, content: &Content) -> Result<u8, Failure> {
    let schema = match kind {
        SchemaOf::Check => check(content)?,
        SchemaOf::Remedy => remedy(content),
        SchemaOf::Framework => framework(),
        SchemaOf::Routes => routes(),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(exit::DONE)
}

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

fn text(description: &str) -> Json {
    json!({"type": "string", "description": description})
}

/// An object with these members and no others.
fn object(properties: Json, required: &[&str]) -> Json {
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

fn expression(description: &str) -> Json {
    json!({"type": ["string", "boolean"], "description": description})
}

fn check(content: &Content) -> Result<Json, Failure> {
    let compiled = content.compile()?;
    let kinds: Vec<&str> = compiled.schema.ids().collect();
    let severities = json!({"enum": ["info", "low", "medium", "high", "critical"]});
    let texts = object(
        json!({"title": text("The wanted truth in one line"), "why": text("What happens where it does not hold"),
            "fix": text("What to do; {this.Field} and {settings.name} are filled in")}),
        &["title", "why", "fix"],
    );
    let frameworks: Vec<String> =
        content.frameworks.iter().map(|f| format!("^{}/.+$", f.id.replace('.', "\\."))).collect();
    let join = object(
        json!({"each": {"enum": kinds}, "across": {"enum": ["scanned_regions", "all_regions"]},
            "where": {"type": "object", "additionalProperties": {"type": "string"}}}),
        &["each"],
    );
    let fixture = json!({"type": "object", "required": ["expect"],
        "properties": {"expect": {"enum": ["pass", "fail", "unknown", "not_applicable"]}}});
    let mut out = object(
        json!({
            "kind": {"const": "check"},
            "id": {"type": "string", "pattern": "^[a-z0-9_-]+(\\.[a-z0-9_-]+)+$", "description": "As the path below checks/ says"},
            "each": {"enum": kinds, "description": "The kind of resource it judges"},
            "with": {"type": "object", "additionalProperties": join, "description": "Other resources it looks at"},
            "when": expression("Where false, the check does not speak of the resource"),
            "pass": expression("The wanted truth, in a subset of CEL"),
            "severity": severities,
            "lower": object(json!({"to": severities, "when": expression("The proof"), "en": text("What was proved"), "ja": text("The same in Japanese")}), &["to", "when", "en", "ja"]),
            "settings": {"type": "object", "description": "Names with their defaults, which users may override"},
            "maps": {"type": "array", "items": {"anyOf": frameworks.iter().map(|p| json!({"type": "string", "pattern": p})).collect::<Vec<_>>()}},
            "en": texts, "ja": texts,
            "tests": {"type": "object", "minProperties": 3, "additionalProperties": fixture,
                "description": "A pass, a fail and an unknown at least"},
            "remedy": {}, "see": {},
        }),
        &["kind", "id", "each", "pass", "severity", "en", "ja", "tests"],
    );
    head(&mut out, "A check");
    Ok(out)
}

fn head(schema: &mut Json, title: &str) {
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), json!(DRAFT));
        map.insert("title".to_owned(), json!(title));
    }
}

fn remedy(content: &Content) -> Json {
    let checks: Vec<&str> = content.checks.keys().map(smol_str::SmolStr::as_str).collect();
    let said = object(json!({"en": text("In English"), "ja": text("In Japanese")}), &["en", "ja"]);
    let call = json!({"type": "string", "pattern": "^[a-z0-9-]+:[A-Za-z0-9]+$", "description": "service:Operation"});
    let with = json!({"type": "object", "description": "The input; ${expression} is filled in"});
    let codes = json!({"type": "array", "items": {"type": "string"}});
    let undo = object(
        json!({"call": call, "if": expression("Whether it is made"), "as": text("What its answer is called"), "with": with,
            "region": text("Another Region than the resource's"), "gone": codes}),
        &["call"],
    );
    let step = object(
        json!({"call": call, "if": expression("Whether it is made"), "for": {"type": "object", "minProperties": 1, "maxProperties": 1},
            "as": text("What its answer is called"), "with": with, "region": text("Another Region than the resource's"),
            "accept": codes, "undo": {"type": "array", "items": undo}}),
        &["call", "undo"],
    );
    let broken = object(
        json!({"when": expression("Whether it will happen"), "en": text("What stops working"), "ja": text("The same in Japanese")}),
        &["when", "en", "ja"],
    );
    let acts = object(
        json!({"custodian": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "of": {"type": "object", "minProperties": 1, "additionalProperties": text("The field with the kind's id")}}),
        &["custodian", "of"],
    );
    let mut out = object(
        json!({
            "kind": {"const": "remedy"},
            "id": {"type": "string", "description": "As the path below remedies/ says"},
            "mends": {"type": "array", "minItems": 1, "items": {"enum": checks}},
            "contains": text("The kind that it contains in an incident, instead of `mends`"),
            "acts": acts,
            "needs": {"type": "object", "additionalProperties": said, "description": "Settings that only the user can give, and what each is"},
            "with": {"type": "object"}, "settings": {"type": "object"},
            "when": expression("Where it fits"), "unless": said,
            "calls": {"type": "array", "minItems": 1, "items": step},
            "anew": {"type": "array", "items": {"type": "string"}, "description": "Fields that AWS sets anew when it is taken back"},
            "breaks": {"type": "array", "items": broken},
            "cannot": said,
            "en": text("What it does"), "ja": text("The same in Japanese"),
        }),
        &["kind", "id"],
    );
    head(&mut out, "A remedy");
    out
}

fn routes() -> Json {
    let secret = object(
        json!({"env": text("A variable of the environment"), "secretsmanager": text("A secret of AWS Secrets Manager"),
            "key": text("The key within it, where it is a JSON object"), "ssm": text("A parameter of AWS Systems Manager")}),
        &[],
    );
    let of_kind = |(kind, keys): (&str, &'static [&'static str])| {
        let mut members: serde_json::Map<String, Json> =
            keys.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
        for key in ["password", "routing_key", "secret", "token"] {
            members.entry(key).and_modify(|v| v.clone_from(&secret));
        }
        members.insert("kind".to_owned(), json!({"const": kind}));
        object(Json::Object(members), &["kind"])
    };
    let kinds: Vec<Json> = yagura_notify::kinds().into_iter().map(of_kind).collect();
    let names = json!({"type": "array", "minItems": 1, "items": {"type": "string"}});
    let length = json!({"type": "string", "pattern": "^[0-9]+[smhd]$", "description": "15m, 1h, 1d"});
    let route = object(
        json!({
            "name": text("Its name"), "to": names, "when": {"enum": ["at_once", "digest"]}, "every": length,
            "pattern": {"type": ["object", "string"], "description": "An event pattern of Amazon EventBridge; none takes everything"},
            "group_by": {"type": "array", "items": {"type": "string"}, "description": "Members of the event: account, detail.rule, ..."},
            "new_only": {"type": "boolean", "description": "Only news [default: true]"},
            "severity": {"enum": ["info", "low", "medium", "high", "critical"]}, "lang": {"enum": ["en", "ja"]},
            "template": text("The text of a change; ${detail.title} and other members of the event are filled in"),
        }),
        &["name", "to"],
    );
    let mut out = object(
        json!({"channels": {"type": "object", "minProperties": 1, "additionalProperties": {"oneOf": kinds}},
            "routes": {"type": "array", "minItems": 1, "items": route},
            "attempts": {"type": "integer", "minimum": 1, "maximum": 100}}),
        &["channels", "routes"],
    );
    head(&mut out, "Routes of `yagura notify`");
    out
}

fn framework() -> Json {
    let title = json!({"anyOf": [{"type": "string"}, object(json!({"title": text("The title")}), &["title"])]});
    let number = json!({"type": ["string", "number"]});
    let requirement = object(
        json!({"number": number, "level": {"type": "string"}, "en": title, "ja": title,
            "by": {"type": "array", "items": {"type": "string"}}, "partly": {"type": "boolean"}}),
        &["number"],
    );
    let requirements = json!({"type": "array", "items": requirement});
    let section = object(
        json!({"number": number, "en": title, "ja": title, "partly": {"type": "boolean"}, "requirements": requirements}),
        &["number", "en", "ja"],
    );
    let mut out = object(
        json!({"kind": {"const": "framework"}, "id": {"type": "string"}, "en": title, "ja": title,
            "partly": {"type": "boolean"}, "sections": {"type": "array", "items": section}, "requirements": requirements}),
        &["kind", "id", "en", "ja"],
    );
    head(&mut out, "A framework");
    out
}
