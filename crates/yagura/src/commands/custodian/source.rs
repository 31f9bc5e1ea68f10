//! Where policies and facts come from, and which of our kinds they speak of.

use crate::content::{Compiled, embedded_text};
use crate::failure::Failure;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yagura_custodian::facts::Facts;
use yagura_custodian::policy::{Policy, read_files};
use yagura_custodian::world::{KindOf, Names};
use yagura_inventory::{ReadyKind, Source};
use yagura_model::ContentFile;
use yagura_rule::ContentError;
use yagura_rule::yaml::decode;

/// What Cloud Custodian knows, below the content folder.
const FACTS: &str = "custodian/aws.json";

/// What Cloud Custodian knows.
pub fn facts() -> Result<Facts, Failure> {
    let text = embedded_text(FACTS).unwrap_or_default();
    Facts::parse(&text).map_err(|e| Failure::usage(format!("{FACTS}: {e}"), format!("{FACTS}: {e}")))
}

/// The policies of files and folders, and everything that is wrong with them.
pub fn policies(paths: &[PathBuf], facts: &Facts) -> Result<(Vec<Policy>, Vec<ContentError>, usize), Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        find(path, 0, &mut files)?;
    }
    let mut seen = BTreeSet::new();
    files.retain(|f| seen.insert(f.canonicalize().unwrap_or_else(|_| f.clone())));
    let (mut texts, mut errors): (Vec<ContentFile>, Vec<ContentError>) = (Vec::new(), Vec::new());
    for path in &files {
        let bytes = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
        match decode(path.display().to_string(), bytes, false) {
            Ok(file) => texts.push(file),
            Err(e) => errors.push(e),
        }
    }
    let (policies, more) = read_files(&texts, facts);
    errors.extend(more);
    errors.sort();
    Ok((policies, errors, files.len()))
}

fn unreadable(path: &Path, e: &std::io::Error) -> Failure {
    Failure::usage(
        format!("cannot read `{}`: {e}", path.display()),
        format!("`{}` を読み取れない: {e}", path.display()),
    )
}

/// The policy files below a path; a file that is named is one, whatever its ending.
fn find(path: &Path, depth: usize, out: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        out.push(path.to_owned());
        return Ok(());
    }
    if depth > 16 {
        return Err(Failure::usage(
            format!("`{}` nests too many folders", path.display()),
            format!("`{}` のフォルダーの階層が深すぎる", path.display()),
        ));
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
        found.push(entry.map_err(|e| unreadable(path, &e))?.path());
    }
    found.sort();
    for inner in found {
        let is_policy = inner.extension().is_some_and(|e| e == "yml" || e == "yaml" || e == "json");
        if inner.is_dir() || is_policy {
            find(&inner, depth + 1, out)?;
        }
    }
    Ok(())
}

/// The kinds that have a name in Cloud Custodian.
pub fn names(compiled: &Compiled, facts: &Facts) -> Names {
    let mut names = Names::default();
    for kind in compiled.kinds.iter() {
        let Some(name) = &kind.resource.custodian else { continue };
        let id = facts.resource(name).map(|r| r.id().into()).unwrap_or_default();
        names.by_resource.insert(name.clone(), KindOf { id, ..kind_of(kind) });
    }
    names
}

fn kind_of(kind: &ReadyKind) -> KindOf {
    let r = &kind.resource;
    let from = |wanted: fn(&Source<'_>) -> bool| {
        kind.names().filter(move |f| kind.source(f).as_ref().is_some_and(wanted)).cloned()
    };
    KindOf {
        resource: r.custodian.clone().unwrap_or_default(),
        kind: r.id.clone(),
        regional: r.regional,
        tags: r.tags.clone(),
        policy: r.policy.clone(),
        fields: kind.names().cloned().collect(),
        called: from(|s| matches!(s, Source::Call(..))).collect(),
        described: from(|s| matches!(s, Source::Describe(..))).next(),
        listed: from(|s| matches!(s, Source::List)).next(),
        omitted: r.omit.clone(),
        id: Default::default(),
        cloudformation: r.cloudformation.clone(),
    }
}

/// The text of a file that a policy names.
pub fn local_file(path: &str) -> Result<String, String> {
    const LONGEST: u64 = 16 << 20;
    let length = std::fs::metadata(path).map_err(|e| format!("`{path}`: {e}"))?.len();
    if length > LONGEST {
        return Err(format!("`{path}` is longer than {LONGEST} bytes"));
    }
    std::fs::read_to_string(path).map_err(|e| format!("`{path}`: {e}"))
}
