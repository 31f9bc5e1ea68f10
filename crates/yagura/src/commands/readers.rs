//! Checks that judge nothing and only have fields read, because reading follows what checks ask for.

use crate::content::Compiled;
use yagura_model::{ContentFile, Type};
use yagura_rule::{Check, CheckFile};

/// A check that has one field (by path: the top of it) of a kind read; `None` where there is no such field.
pub fn of_field(compiled: &Compiled, kind: &str, path: &str) -> Option<Check> {
    of_some(compiled, kind, path, None)
}

/// The same of those assets alone in which a member has one of these values.
pub fn of_some(compiled: &Compiled, kind: &str, path: &str, among: Option<(&str, &[String])>) -> Option<Check> {
    let field = path.split('.').next().unwrap_or(path);
    let some = match compiled.schema.kind(kind)?.fields.get(field)? {
        Type::Map(_) | Type::Struct(_) => "{}",
        Type::List(_) => "[]",
        Type::Bool => "true",
        Type::Int | Type::Float => "1",
        _ => "'2026-01-01T00:00:00Z'",
    };
    // As JSON, a list of texts is one of expressions too; in YAML's plain quotes a quote is written twice.
    let when = among.map(|(member, values)| {
        let list = serde_json::to_string(values).unwrap_or_default().replace('\'', "''");
        format!("has(this.{member}) && this.{member} in {list} && ")
    });
    let when = when.unwrap_or_default();
    let text = format!(
        "{{kind: check, id: reader, each: {kind}, pass: '{when}has(this.{field})', severity: info, \
         en: {{title: t, why: t, fix: t}}, ja: {{title: t, why: t, fix: t}}, tests: {{ \
         read: {{this: {{{field}: {some}}}, expect: pass}}, unset: {{this: {{{field}: absent}}, expect: fail}}, \
         unread: {{this: {{{field}: unknown}}, expect: unknown}}}}}}"
    );
    let file = CheckFile::parse(&ContentFile { path: "reader.yaml".to_owned(), text, shipped: true }).ok()?;
    file.compile(&compiled.schema, None, &[]).ok()
}
