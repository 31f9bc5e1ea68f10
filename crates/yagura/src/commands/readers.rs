//! Checks that judge nothing and only have fields read, because reading follows what checks ask for.

use crate::content::Compiled;
use std::collections::BTreeSet;
use yagura_inventory::{Input, Source};
use yagura_model::{ContentFile, Type};
use yagura_rule::{Check, CheckFile};

/// A check that has one field (by path: the top of it) of a kind read; `None` where there is no such field.
pub fn of_field(compiled: &Compiled, kind: &str, path: &str) -> Option<Check> {
    of_some(compiled, kind, path, None)
}

/// A check that has a kind listed and nothing else read, for kinds whose listing brings no field; `None` where it has no field.
pub fn of_kind(compiled: &Compiled, kind: &str) -> Option<Check> {
    let field = compiled.kinds.get(kind)?.names().next()?.clone();
    of(compiled, kind, &field, "true || ")
}

/// The same of those assets alone in which a member has one of these values.
pub fn of_some(compiled: &Compiled, kind: &str, path: &str, among: Option<(&str, &[String])>) -> Option<Check> {
    let field = path.split('.').next().unwrap_or(path);
    // As JSON, a list of texts is one of expressions too; in YAML's plain quotes a quote is written twice.
    let when = among.map(|(member, values)| {
        let list = serde_json::to_string(values).unwrap_or_default().replace('\'', "''");
        format!("has(this.{member}) && this.{member} in {list} && ")
    });
    let when = when.unwrap_or_default() + &before(compiled, kind, field);
    of(compiled, kind, field, &when)
}

/// A check that asks for a field of a kind after something else.
fn of(compiled: &Compiled, kind: &str, field: &str, when: &str) -> Option<Check> {
    let some = match compiled.schema.kind(kind)?.fields.get(field)? {
        Type::Map(_) | Type::Struct(_) => "{}",
        Type::List(_) => "[]",
        Type::Bool => "true",
        Type::Int | Type::Float => "1",
        _ => "'2026-01-01T00:00:00Z'",
    };
    let text = format!(
        "{{kind: check, id: reader, each: {kind}, pass: '{when}has(this.{field})', severity: info, \
         en: {{title: t, why: t, fix: t}}, ja: {{title: t, why: t, fix: t}}, tests: {{ \
         read: {{this: {{{field}: {some}}}, expect: pass}}, unset: {{this: {{{field}: absent}}, expect: fail}}, \
         unread: {{this: {{{field}: unknown}}, expect: unknown}}}}}}"
    );
    let file = CheckFile::parse(&ContentFile { path: "reader.yaml".to_owned(), text, shipped: true }).ok()?;
    file.compile(&compiled.schema, None, &[]).ok()
}

/// What a description must bring before the call of a field can be made: its input names that.
fn before(compiled: &Compiled, kind: &str, field: &str) -> String {
    let Some(ready) = compiled.kinds.get(kind) else { return String::new() };
    let Some(Source::Call(spec, _)) = ready.source(field) else { return String::new() };
    let paths = spec.with.iter().flat_map(|(_, input)| match input {
        Input::Path(p) | Input::Paths(p) => vec![p.to_string()],
        Input::Constant(v) => templates(&v.to_string()),
    });
    let tops: BTreeSet<String> = paths.filter_map(|p| Some(p.split(['.', '>', '/', ':']).next()?.to_owned())).collect();
    let described = tops.iter().filter(|t| matches!(ready.source(t), Some(Source::Describe(..))));
    described.map(|t| format!("has(this.{t}) && ")).collect()
}

/// The names in braces of a text.
fn templates(text: &str) -> Vec<String> {
    let inner = text.split('{').skip(1).filter_map(|t| Some(t.split_once('}')?.0.to_owned()));
    inner.filter(|t| t.bytes().all(|b| b.is_ascii_alphanumeric() || b".>/:".contains(&b))).collect()
}
