//! `validate` and `schema`: policies without an account.

use super::source::{facts, local_file, names, policies};
use super::{Form, SchemaArgs, ValidateArgs};
use crate::cli::Cli;
use crate::content::Content;
use crate::failure::{Failure, exit};
use serde_json::json;
use std::io::Write;
use yagura_custodian::facts::{Part, Resource};
use yagura_custodian::run::{Setting, limits};
use yagura_model::Lang;

/// Says what is wrong with policies.
pub fn validate(cli: &Cli, args: &ValidateArgs, lang: Lang) -> Result<u8, Failure> {
    let facts = facts()?;
    let (found, errors, files) = policies(&args.files, &facts)?;
    let content = Content::load(cli.content.as_deref())?;
    let compiled = content.compile()?;
    let names = names(&compiled, &facts);
    let setting = Setting { facts: &facts, names: &names, now: jiff::Timestamp::now(), file: &local_file, event: None };
    let mut notes: Vec<(String, String)> = Vec::new();
    for p in &found {
        let place = format!("{}:{}", p.file, p.line);
        if !names.by_resource.contains_key(&p.resource) {
            let note = lang.pick("valid, but `{}` is not read here yet", "有効だが、`{}` はまだ読み取れない");
            notes.push((place.clone(), note.replace("{}", &p.resource)));
        }
        for gap in limits(&setting, p) {
            notes.push((place.clone(), format!("{}: {}", lang.pick("valid, but", "有効だが"), gap.detail)));
        }
    }
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => {
            let errors: Vec<_> = errors
                .iter()
                .map(|e| json!({"file": e.file, "line": e.line, "column": e.column, "message": e.message}))
                .collect();
            let notes: Vec<_> = notes.iter().map(|(at, note)| json!({"at": at, "note": note})).collect();
            let names: Vec<_> = found.iter().map(|p| json!({"name": p.name, "resource": p.resource})).collect();
            let all = json!({"valid": errors.is_empty(), "policies": names, "errors": errors, "notes": notes});
            writeln!(out, "{all:#}")?;
        }
        Form::Text => {
            errors.iter().try_for_each(|e| writeln!(out, "{e}"))?;
            notes.iter().try_for_each(|(at, note)| writeln!(out, "{at}: {note}"))?;
            let told = match (errors.len(), lang) {
                (0, Lang::En) => format!("{} policies in {files} files: valid", found.len()),
                (0, Lang::Ja) => format!("{files} ファイルの {} ポリシー: 有効", found.len()),
                (n, Lang::En) => format!("{n} errors in {files} files"),
                (n, Lang::Ja) => format!("{files} ファイルに {n} 件の誤り"),
            };
            writeln!(out, "{told}")?;
        }
    }
    Ok(if errors.is_empty() { exit::DONE } else { exit::USAGE })
}

/// Prints what Cloud Custodian knows.
pub fn schema(args: &SchemaArgs, _lang: Lang) -> Result<u8, Failure> {
    let facts = facts()?;
    let mut out = std::io::stdout().lock();
    let Some(what) = &args.what else {
        facts.names().try_for_each(|n| writeln!(out, "aws.{n}"))?;
        return Ok(exit::DONE);
    };
    let parts: Vec<&str> = what.strip_prefix("aws.").unwrap_or(what).split('.').collect();
    let name = parts.first().copied().unwrap_or_default();
    let Some(resource) = facts.resource(name) else {
        return Err(Failure::unknown(("resource", "リソース"), name, facts.names()));
    };
    let part = match parts.get(1).copied() {
        None => None,
        Some("filters") => Some(Part::Filter),
        Some("actions") => Some(Part::Action),
        Some(other) => return Err(Failure::unknown(("part", "区分"), other, ["filters", "actions"])),
    };
    match (part, parts.get(2).copied()) {
        (Some(part), Some(name)) => {
            let Some(schema) = resource.schema(part, name) else {
                return Err(Failure::unknown(("name", "名前"), name, resource.parts(part)));
            };
            writeln!(out, "{schema:#}")?;
        }
        (Some(part), None) => list(&mut out, &resource, part)?,
        (None, _) => {
            writeln!(out, "aws.{}", resource.name)?;
            for (part, title) in [(Part::Filter, "filters:"), (Part::Action, "actions:")] {
                writeln!(out, "{title}")?;
                list(&mut out, &resource, part)?;
            }
        }
    }
    Ok(exit::DONE)
}

fn list(out: &mut impl Write, resource: &Resource<'_>, part: Part) -> std::io::Result<()> {
    resource.parts(part).try_for_each(|n| writeln!(out, "- {n}"))
}
