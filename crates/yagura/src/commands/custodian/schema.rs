//! `validate` and `schema`: policies without an account.

use super::source::{facts, local_file, names, policies};
use super::{Form, SchemaArgs, ValidateArgs};
use crate::cli::Cli;
use crate::content::Content;
use crate::failure::{Failure, exit};
use serde_json::json;
use std::io::Write;
use yagura_custodian::coverage::coverage as coverage_of;
use yagura_custodian::facts::{Facts, Part, Resource};
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
pub fn schema(cli: &Cli, args: &SchemaArgs, lang: Lang) -> Result<u8, Failure> {
    let facts = facts()?;
    if args.coverage {
        return coverage(cli, &facts, args, lang);
    }
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

/// Prints which filters are evaluated, and on how many resources.
fn coverage(cli: &Cli, facts: &Facts, args: &SchemaArgs, lang: Lang) -> Result<u8, Failure> {
    let content = Content::load(cli.content.as_deref())?;
    let compiled = content.compile()?;
    let names = names(&compiled, facts);
    let setting = Setting { facts, names: &names, now: jiff::Timestamp::now(), file: &local_file, event: None };
    let rows = coverage_of(&setting);
    let rows: Vec<_> = rows.iter().filter(|r| args.what.as_ref().is_none_or(|w| *w == r.name)).collect();
    if rows.is_empty() {
        let all = coverage_of(&setting);
        let known = all.iter().map(|r| r.name.as_str());
        return Err(Failure::unknown(("filter", "フィルター"), args.what.as_deref().unwrap_or_default(), known));
    }
    let mut out = std::io::stdout().lock();
    if args.format == Form::Json {
        let all: Vec<_> = rows
            .iter()
            .map(|r| json!({"filter": r.name, "resources": r.resources, "read": r.read, "evaluated": r.evaluated, "why": r.why}))
            .collect();
        writeln!(out, "{:#}", json!(all))?;
        return Ok(exit::DONE);
    }
    let head = lang.pick(
        "filter, resources that have it, of these read, of these evaluated, why not",
        "フィルター、それを持つリソースの数、うち読み取れるもの、うち評価するもの、しない理由",
    );
    writeln!(out, "{head}")?;
    for r in rows {
        let why = r.why.as_deref().unwrap_or_default();
        writeln!(out, "{:<34} {:>4} {:>4} {:>4}  {why}", r.name, r.resources, r.read, r.evaluated)?;
    }
    Ok(exit::DONE)
}
