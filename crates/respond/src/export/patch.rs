//! Patches of templates: what a plan's calls set, as properties to merge into the declarations of the same resources.
//!
//! The kinds' own files tell what CloudFormation and Terraform call a field (`inventory::iac`); what they do not tell is named. A patch
//! holds no call that takes something away, and nothing that a call makes besides the resource.

use super::{About, Exported, Left, Why, one_line, told};
use crate::plan::{Plan, PlannedCall};
use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body};
use hcl_edit::{Decorate, Decorated, Ident};
use serde_json::{Map as JsonMap, Value as Json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt::Write;
use yagura_inventory::iac::{Declaration, Language, Part, declare, fields_of, named_by};
use yagura_inventory::{Kinds, ReadyKind};
use yagura_model::{Lang, ResourceRef, Type};

/// Members that say how a call is made, and nothing of the resource.
const HOW: [&str; 4] = ["ApplyImmediately", "DryRun", "ClientToken", "clientToken"];
/// What calls begin with that take something away.
const AWAY: [&str; 5] = ["Revoke", "Delete", "Detach", "Remove", "Deregister"];

/// The patch of a language.
pub fn patch(plans: &[Plan], kinds: &Kinds, language: Language, about: &About<'_>) -> Exported {
    let mut out = Exported::default();
    let mut resources: Vec<Piece> = Vec::new();
    let mut comments = Vec::new();
    let schema = kinds.schema();
    for (nth, plan) in plans.iter().enumerate() {
        let mut lines = told(plan);
        if let Some(first) = lines.first_mut() {
            *first = format!("{}. {first}", nth + 1);
        }
        for step in &plan.steps {
            let why = match (kinds.get(&plan.resource.kind), schema.kind(&plan.resource.kind)) {
                (Some(kind), Some(fields)) => {
                    let found = of_call(kind, &fields.fields, language, &plan.resource, &step.call);
                    found.map(|d| {
                        for declared in d {
                            lines.push(add(&mut resources, &plan.resource, named(kind, language, declared, plan)));
                        }
                    })
                }
                _ => Err(Why::NoType(plan.resource.kind.clone())),
            };
            if let Err(why) = why {
                lines.push(format!("! {}: {}", step.call.call, one_line(&why.say(about.lang))));
                let (rule, resource, call) = (plan.rule.clone(), plan.resource.clone(), step.call.call.clone());
                out.left.push(Left { rule, resource, call, why });
            }
        }
        lines.dedup();
        comments.extend(lines);
    }
    if resources.is_empty() {
        return out;
    }
    let mut text = String::new();
    for line in heading(about).into_iter().chain(comments) {
        let _ = writeln!(text, "# {line}");
    }
    let (ending, body) = match language {
        Language::CloudFormation => ("yaml", super::yaml(&template(&resources))),
        Language::Terraform => ("tf", configuration(&resources)),
    };
    text.push('\n');
    text.push_str(&body);
    out.files.push((format!("{}.{ending}", about.name), text));
    out
}

fn heading(about: &About<'_>) -> Vec<String> {
    let hash = about.hash;
    match about.lang {
        Lang::En => vec![
            format!("Yagura: the preview {hash} as a patch. Merge the properties into your declarations of these resources;"),
            "a list stands for the whole list unless the call only adds. Lines with ! are not in it. The names of resources here are made up.".to_owned(),
        ],
        Lang::Ja => vec![
            format!("Yagura: プレビュー {hash} をパッチにしたもの。各プロパティを既存の宣言に統合すること。"),
            "リストは、呼び出しが追加のみの場合を除き、リスト全体を表す。! の行は含まれない。ここでのリソース名は仮のもの。".to_owned(),
        ],
    }
}

/// A resource of the patch.
struct Piece {
    name: String,
    of: SmolStr,
    resource: ResourceRef,
    body: Vec<(String, Part)>,
}

/// What a call sets, as declarations.
fn of_call(
    kind: &ReadyKind,
    types: &BTreeMap<SmolStr, Type>,
    language: Language,
    resource: &ResourceRef,
    call: &PlannedCall,
) -> Result<Vec<Declaration>, Why> {
    let r = &kind.resource;
    let own = match language {
        Language::CloudFormation => &r.cloudformation,
        Language::Terraform => &r.terraform,
    };
    if own.is_none() || r.iac.undeclared {
        return Err(Why::NoType(r.id.clone()));
    }
    let (service, operation) = call.call.split_once(':').unwrap_or((&call.call, ""));
    // What a call of another service makes besides the resource is a resource of its own.
    if r.id.split('.').next() != Some(service) {
        return Err(Why::NoProperty(call.call.to_string()));
    }
    if AWAY.iter().any(|verb| operation.starts_with(verb)) {
        return Err(Why::TakenAway(call.call.to_string()));
    }
    let mut out = Vec::new();
    for (member, value) in members(call) {
        if HOW.contains(&member.as_str()) || is_name(resource, &value) {
            continue;
        }
        if value.to_string().contains("\"$answer\"") {
            return Err(Why::NoProperty(format!("{operation}.{member}")));
        }
        let fields = fields_of(kind, types, &member, &value);
        let found: Option<Vec<Declaration>> =
            fields.iter().map(|(field, value)| declare(kind, types, language, field, value)).collect();
        match found.filter(|f| !f.is_empty()) {
            Some(found) => out.extend(found),
            None => return Err(Why::NoProperty(format!("{operation}.{member}"))),
        }
    }
    if out.is_empty() { Err(Why::NoProperty(call.call.to_string())) } else { Ok(out) }
}

/// A declaration of the resource itself says what it is called, where its name is a property.
fn named(kind: &ReadyKind, language: Language, mut declared: Declaration, plan: &Plan) -> Declaration {
    let own = declared.to.is_none().then(|| named_by(kind, language)).flatten();
    if let Some(property) = own.filter(|p| !declared.body.iter().any(|(name, _)| name == p)) {
        declared.body.insert(0, (property, Part::Value(Json::String(plan.resource.id.to_string()))));
    }
    declared
}

/// The members of a call's input; attributes that travel by name and value as members of their own.
fn members(call: &PlannedCall) -> Vec<(String, Json)> {
    let with = call.with.as_object();
    let text = |name: &str| with.and_then(|w| w.get(name)).and_then(Json::as_str);
    if let (Some(name), Some(value)) = (text("AttributeName"), text("AttributeValue")) {
        let rest = with.into_iter().flatten().filter(|(k, _)| !k.starts_with("Attribute"));
        let mut out: Vec<(String, Json)> = rest.map(|(k, v)| (k.clone(), v.clone())).collect();
        out.push((name.to_owned(), Json::String(value.to_owned())));
        return out;
    }
    with.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Whether a value only names the resource.
fn is_name(resource: &ResourceRef, value: &Json) -> bool {
    let Some(text) = value.as_str() else { return false };
    let arn = resource.arn.as_deref().unwrap_or_default();
    text == resource.id
        || text == arn
        || text == resource.account
        || [":", "/"].iter().any(|mark| arn.strip_suffix(text).is_some_and(|before| before.ends_with(mark)))
}

/// Adds a declaration to the patch: what another plan says of the same resource stands in one. Where it went, for the comment.
fn add(resources: &mut Vec<Piece>, resource: &ResourceRef, declared: Declaration) -> String {
    let mut body = declared.body;
    if let Some(to) = declared.to {
        body.insert(0, (to.to_string(), Part::Value(Json::String(resource.id.to_string()))));
    }
    if let Some(piece) = resources.iter_mut().find(|p| p.of == declared.of && p.resource == *resource) {
        merge(&mut piece.body, body);
        return format!("-> {} {}", piece.of, piece.name);
    }
    // An ARN begins alike for all.
    let own = if resource.id.starts_with("arn:") { resource.id.splitn(6, ':').last() } else { None };
    let mut name: String = own.unwrap_or(&resource.id).chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert(0, 'R');
    }
    while resources.iter().any(|p| p.name.eq_ignore_ascii_case(&name)) {
        name.push('x');
    }
    let told = format!("-> {} {name}", declared.of);
    resources.push(Piece { name, of: declared.of, resource: resource.clone(), body });
    told
}

fn merge(body: &mut Vec<(String, Part)>, more: Vec<(String, Part)>) {
    for (name, part) in more {
        match body.iter_mut().find(|(n, _)| *n == name) {
            Some((_, Part::Block(there))) if matches!(part, Part::Block(_)) => {
                if let Part::Block(part) = part {
                    merge(there, part);
                }
            }
            Some((_, Part::List(there))) if matches!(part, Part::List(_)) => {
                if let Part::List(part) = part {
                    let new: Vec<Part> = part.into_iter().filter(|p| !there.contains(p)).collect();
                    there.extend(new);
                }
            }
            Some((_, there)) => *there = part,
            None => body.push((name, part)),
        }
    }
}

/// The patch as a CloudFormation template.
fn template(resources: &[Piece]) -> Json {
    let mut out = JsonMap::new();
    for piece in resources {
        let mut one = JsonMap::new();
        one.insert("Type".to_owned(), Json::String(piece.of.to_string()));
        one.insert("Properties".to_owned(), json_of(&Part::Block(piece.body.clone())));
        out.insert(piece.name.clone(), Json::Object(one));
    }
    let mut whole = JsonMap::new();
    whole.insert("AWSTemplateFormatVersion".to_owned(), Json::String("2010-09-09".to_owned()));
    whole.insert("Resources".to_owned(), Json::Object(out));
    Json::Object(whole)
}

fn json_of(part: &Part) -> Json {
    match part {
        Part::Value(value) => value.clone(),
        Part::Block(members) => Json::Object(members.iter().map(|(k, v)| (k.clone(), json_of(v))).collect()),
        Part::List(items) => Json::Array(items.iter().map(json_of).collect()),
    }
}

/// The patch as a Terraform configuration.
fn configuration(resources: &[Piece]) -> String {
    let mut body = Body::new();
    for (nth, piece) in resources.iter().enumerate() {
        let mut block = Block::new(Ident::new("resource"));
        block.labels = vec![label(&piece.of), label(&piece.name.to_ascii_lowercase())];
        block.body = block_of(&piece.body, 1);
        if nth > 0 {
            block.decor_mut().set_prefix("\n");
        }
        body.push(block);
    }
    body.to_string()
}

fn label(text: &str) -> BlockLabel {
    BlockLabel::String(Decorated::new(text.to_owned()))
}

fn block_of(members: &[(String, Part)], depth: usize) -> Body {
    let mut body = Body::new();
    let indent = "  ".repeat(depth);
    for (name, part) in members {
        let parts = match part {
            Part::List(items) if items.iter().all(|i| matches!(i, Part::Block(_))) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for part in parts {
            if let Part::Block(inner) = part {
                let mut block = Block::new(Ident::new(name.as_str()));
                block.body = block_of(inner, depth + 1);
                block.decor_mut().set_prefix(indent.as_str());
                body.push(block);
            } else {
                let mut attribute = Attribute::new(Ident::new(name.as_str()), expression(&json_of(part)));
                attribute.decor_mut().set_prefix(indent.as_str());
                body.push(attribute);
            }
        }
    }
    body.decor_mut().set_suffix("  ".repeat(depth.saturating_sub(1)));
    body
}

fn expression(value: &Json) -> Expression {
    match value {
        Json::Null => Expression::null(),
        Json::Bool(b) => Expression::from(*b),
        Json::Number(n) => n.as_i64().map_or_else(|| Expression::from(n.to_string()), Expression::from),
        Json::String(text) => Expression::from(text.clone()),
        Json::Array(items) => Expression::from(items.iter().map(expression).collect::<Array>()),
        Json::Object(map) => {
            let entry = |(k, v): (&String, &Json)| {
                (ObjectKey::from(Expression::from(k.clone())), ObjectValue::new(expression(v)))
            };
            Expression::from(map.iter().map(entry).collect::<Object>())
        }
    }
}
