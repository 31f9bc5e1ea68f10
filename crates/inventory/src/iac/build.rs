//! Declared resources → assets.

use super::apply::{Applied, apply, attach, put};
use super::catalogue::{Catalogue, Form, Identity, rules};
use super::fit::{fit, plain_name, type_at};
use super::grant::{Owner, document, statement};
use super::node::{Entry, Node};
use super::{Notes, Origin, Setting};
use crate::kinds::ReadyKind;
use crate::shape;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, GapReason, Map, SourcePlace, Type, Value};
use yagura_rule::Kind;

/// A resource as a template declares it, its expressions worked out.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Its type (`AWS::S3::Bucket`, `aws_s3_bucket`).
    pub of: SmolStr,
    /// Its name in its own template.
    pub logical: SmolStr,
    pub form: Form,
    pub place: SourcePlace,
    pub identity: Identity,
    pub body: Node,
}

struct Draft<'k, 's> {
    kind: &'k ReadyKind,
    schema: &'s Kind,
    declared: usize,
    fields: BTreeMap<SmolStr, Node>,
    /// By field: statements of its policy that stand as resources of their own.
    grants: BTreeMap<SmolStr, Vec<Node>>,
}

/// An asset, where it is declared, and what the template decides of it.
pub(crate) type Built = (Asset, SourcePlace, Origin);

/// The assets that declared resources stand for.
pub(crate) fn build(
    all: &[Declared],
    catalogue: &Catalogue<'_>,
    schema: &yagura_rule::Schema,
    at: &Setting,
    notes: &mut Notes,
) -> Vec<Built> {
    let mut drafts = Vec::new();
    for (n, d) in all.iter().enumerate() {
        let Some(kind) = catalogue.kind(&d.of) else {
            if catalogue.attachments(&d.of).is_empty() {
                *notes.unknown_types.entry(d.of.clone()).or_default() += 1;
            }
            continue;
        };
        let Some(schema) = schema.kind(&kind.resource.id) else { continue };
        let mut applied = Applied::default();
        apply(&d.body, rules(kind, d.form), &schema.fields, &mut applied);
        tags(&d.body, kind, &schema.fields, &mut applied);
        if let Some((_, constants)) = kind.resource.iac.also.iter().find(|(t, _)| *t == d.of) {
            for (path, value) in constants.iter() {
                put(&mut applied.fields, path, Node::of(value));
            }
        }
        for property in applied.unmapped {
            notes.unmapped.entry(d.of.clone()).or_default().insert(property);
        }
        drafts.push(Draft { kind, schema, declared: n, fields: applied.fields, grants: BTreeMap::new() });
    }
    for d in all {
        for (kind, a) in catalogue.attachments(&d.of) {
            join(d, kind, a, all, &mut drafts, at, notes);
        }
    }
    let built = drafts.into_iter().filter_map(|mut draft| {
        let d = all.get(draft.declared)?;
        for (field, statements) in std::mem::take(&mut draft.grants) {
            let whole = document(draft.fields.get(&field), statements);
            let whole = type_at(&draft.schema.fields, &field).map_or(Node::Null, |t| fit(whole, t));
            draft.fields.insert(field, whole);
        }
        let origin = Origin {
            logical: d.logical.clone(),
            named: d.identity.given,
            decided: draft.fields.keys().cloned().collect(),
        };
        Some((finish(draft, d, at), d.place.clone(), origin))
    });
    built.collect()
}

/// Tags go where the kind has them, however the template and the service call them; `tags_all` of a plan holds the
/// provider's too.
fn tags(body: &Node, kind: &ReadyKind, types: &BTreeMap<SmolStr, Type>, applied: &mut Applied) {
    let Some(path) = &kind.resource.tags else { return };
    let is_tags = |name: &str| matches!(plain_name(name).as_str(), "tags" | "tagsall");
    let top = path.split('.').next().unwrap_or(path);
    if !applied.fields.contains_key(top) || body.get("tags_all").is_some() {
        let all = body.get("tags_all").or_else(|| body.entries().iter().find(|e| is_tags(&e.key)).map(|e| &e.value));
        if let (Some(value), Some(t)) = (all, type_at(types, path))
            && *value != Node::Null
            && !path.contains('.')
        {
            applied.fields.remove(top);
            put(&mut applied.fields, path, fit(value.clone(), t));
        }
    }
    applied.unmapped.retain(|p| !is_tags(p));
}

/// Adds what a satellite says to the resource that it names.
fn join(
    d: &Declared,
    kind: &ReadyKind,
    a: &super::spec::Attach,
    all: &[Declared],
    drafts: &mut [Draft<'_, '_>],
    at: &Setting,
    notes: &mut Notes,
) {
    let is = |(of, value): &(SmolStr, SmolStr)| d.body.path(of).and_then(Node::scalar).is_some_and(|v| v == *value);
    if !a.when.iter().all(is) {
        return;
    }
    let body = with_identity(d);
    let targets: Vec<Node> = match d.body.path(&a.to) {
        None | Some(Node::Null) => return,
        Some(Node::List(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    };
    for target in targets {
        let same = |draft: &&mut Draft<'_, '_>| draft.kind.resource.id == kind.resource.id;
        if let Node::Unknown(why) = &target {
            // It may be any of them: what it adds is known of none.
            for draft in drafts.iter_mut().filter(same) {
                for to in a.map.iter().filter_map(|rule| rule.to.as_ref()).chain(&a.grants) {
                    let top = to.split(['.', '[']).next().unwrap_or_default();
                    draft.fields.insert(top.into(), Node::Unknown(why.clone()));
                }
            }
            continue;
        }
        let Some(name) = target.scalar() else { continue };
        let mut hit = false;
        for draft in drafts.iter_mut().filter(same) {
            let Some(owner) = all.get(draft.declared).filter(|t| t.identity.is(&name)) else { continue };
            hit = true;
            attach(&body, &a.map, &draft.schema.fields, &mut draft.fields);
            if let Some(field) = &a.grants {
                let owner = Owner { arn: &owner.identity.arn, partition: &at.partition };
                match statement(&d.body, &owner) {
                    Some(said) => draft.grants.entry(field.clone()).or_default().push(said),
                    None => _ = notes.unmapped.entry(d.of.clone()).or_default().insert("Qualifier".into()),
                }
            }
        }
        if !hit {
            *notes.elsewhere.entry(d.of.clone()).or_default() += 1;
        }
    }
}

/// The body of a satellite, and under `@arn` and `@name` what itself is called.
fn with_identity(d: &Declared) -> Node {
    let mut entries = d.body.entries().to_vec();
    entries.push(Entry::new("@arn", Node::Text(d.identity.arn.clone())));
    entries.push(Entry::new("@name", Node::Text(d.identity.name.clone())));
    Node::Map(entries)
}

fn finish(mut draft: Draft<'_, '_>, d: &Declared, at: &Setting) -> Asset {
    let r = &draft.kind.resource;
    let types = &draft.schema.fields;
    let identify = |fields: &mut BTreeMap<SmolStr, Node>, path: &str, value: &str| {
        if types.contains_key(path) {
            fields.insert(path.into(), Node::text(value));
        }
    };
    // The id that stands for it, in the field that names it; a queue's URL and the like are made of it.
    let field = r.name.trim_matches(['{', '}', ':', '/']);
    match r.name.starts_with('{') {
        false => identify(&mut draft.fields, &r.name, &d.identity.id),
        true if plain_arn(field) => identify(&mut draft.fields, field, &d.identity.arn),
        true => identify(&mut draft.fields, field, &d.identity.name),
    }
    if let Some(arn) = r.arn.as_ref().filter(|a| !a.contains('{')) {
        identify(&mut draft.fields, arn, &d.identity.arn);
    }
    if let Some(owner) = &r.owner {
        identify(&mut draft.fields, owner, &at.account);
    }
    let mut region = if r.regional { at.region.clone() } else { smol_str::format_smolstr!("{}-global", at.partition) };
    if let Some(path) = &r.region {
        identify(&mut draft.fields, path, &at.region);
        region = at.region.clone();
    }
    let noun = r.id.rsplit('.').next().unwrap_or_default();
    for name in types.keys().filter(|n| is_own_arn(n, noun)) {
        draft.fields.entry(name.clone()).or_insert_with(|| Node::text(d.identity.arn.as_str()));
    }
    for path in &r.iac.own_arn {
        put(&mut draft.fields, path, Node::text(d.identity.arn.as_str()));
    }
    let given = |property: &SmolStr| d.body.get(property).is_some_and(|n| *n != Node::Null);
    let inherited: Vec<&SmolStr> =
        r.iac.inherits.iter().filter(|(p, _)| given(p)).flat_map(|(_, fields)| fields).collect();
    let of_terraform = r.iac.terraform_defaults.iter().filter(|_| d.form == Form::Terraform);
    for (path, value) in of_terraform.chain(r.iac.defaults.iter()) {
        if !inherited.iter().any(|i| path.split('.').next() == Some(i.as_str())) {
            default(&mut draft.fields, path, in_place(Node::of(value), at));
        }
    }
    let fields = settle(&draft.fields, draft.kind, types, &inherited);
    Asset {
        kind: r.id.clone(),
        arn: r.arn.as_ref().map(|_| d.identity.arn.clone()),
        id: d.identity.id.clone(),
        account: at.account.clone(),
        region,
        fields,
    }
}

/// A constant, with the account and partition filled in.
fn in_place(node: Node, at: &Setting) -> Node {
    match node {
        Node::Text(t) if t.contains("{account}") || t.contains("{partition}") => {
            Node::text(t.replace("{account}", &at.account).replace("{partition}", &at.partition))
        }
        other => other,
    }
}

/// `TableArn` of a `table`, or plainly `Arn`.
fn is_own_arn(field: &str, noun: &str) -> bool {
    let field = plain_name(field);
    field == "arn" || field == format!("{}arn", plain_name(noun))
}

fn plain_arn(field: &str) -> bool {
    field.to_ascii_lowercase().ends_with("arn")
}

/// What AWS answers where the template is silent, unless it is not. Of a list of pairs, the keys that it lacks.
fn default(fields: &mut BTreeMap<SmolStr, Node>, path: &str, mut value: Node) {
    if let (Some(Node::List(there)), Node::List(ours)) = (fields.get_mut(path), &mut value) {
        let key = |pair: &Node| pair.get("Key").cloned();
        ours.retain(|pair| key(pair).is_some_and(|k| !there.iter().any(|t| key(t).as_ref() == Some(&k))));
        there.append(ours);
        return;
    }
    let (top, rest) = path.split_once('.').map_or((path, None), |(t, r)| (t, Some(r)));
    let silent = match (fields.get(top), rest) {
        (None | Some(Node::Null), _) => true,
        (Some(there), Some(rest)) => there.path(rest).is_none() && matches!(there, Node::Map(_)),
        (Some(_), None) => false,
    };
    if silent {
        put(fields, path, value);
    }
}

/// Every field of the kind: known, absent, or unknown with its reason.
fn settle(
    fields: &BTreeMap<SmolStr, Node>,
    kind: &ReadyKind,
    types: &BTreeMap<SmolStr, Type>,
    inherited: &[&SmolStr],
) -> Vec<(SmolStr, Field)> {
    let r = &kind.resource;
    let mut known: Map = fields.iter().filter_map(|(name, node)| Some((name.clone(), node.value()?))).collect();
    for path in &r.omit {
        shape::omit(&mut known, path);
    }
    // A field that holds only the tags; where they are part of a description, that is told or not as a whole.
    let tags = r.tags.as_deref().filter(|t| !t.contains('.'));
    let mut out: Vec<(SmolStr, Field)> = Vec::new();
    for name in types.keys() {
        let field = if let Some(v) = known.remove(name) {
            match v {
                Value::Unknown(gap) => Field::Unknown(gap),
                v => Field::told(v),
            }
        } else if (r.iac.absent.contains(name) && !inherited.contains(&name)) || tags == Some(name.as_str()) {
            continue;
        } else {
            Field::Unknown(Arc::new(Gap::new(GapReason::NotDecided, name.as_str())))
        };
        out.push((name.clone(), field));
    }
    out
}
