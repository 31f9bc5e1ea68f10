//! The documents that are rehearsed: read, held against AWS's grammar and quotas.

use super::args::RehearseArgs;
use crate::commands::iam::lint::read;
use crate::failure::Failure;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::compile::Compiled;
use yagura_policy::document::Policy;
use yagura_policy::lint::{Finding, Level, PolicyType, lint};
use yagura_policy::rehearse::declarative::Declarative;
use yagura_policy::rehearse::limit::{self, Limit, Quota};
use yagura_policy::rehearse::{Guardrail, Kind, Policies};

/// One file.
pub struct Document {
    pub file: String,
    pub characters: usize,
    findings: Vec<Finding>,
    limits: Vec<Limit>,
}

/// Reads the guardrail, or with `other` the one to compare with.
///
/// # Errors
/// A file cannot be read, or is no policy at all.
pub fn documents(
    args: &RehearseArgs,
    other: bool,
    catalogue: &Catalogue,
) -> Result<(Guardrail, Vec<Document>), Failure> {
    if let Some(file) = &args.declarative {
        let files: &[PathBuf] = if other { &args.against } else { std::slice::from_ref(file) };
        let [file] = files else {
            return Err(Failure::usage(
                "declarative policies are compared one with one",
                "宣言型ポリシーは 1 つずつ比較する",
            ));
        };
        return declarative(file, args.attached.unwrap_or(limit::DECLARATIVE.begins_with));
    }
    let (kind, own, lints) = match (args.scp.is_empty(), args.rcp.is_empty()) {
        (false, _) => (Kind::Scp { alone: args.alone }, &args.scp, PolicyType::Scp),
        (_, false) => (Kind::Rcp, &args.rcp, PolicyType::Rcp),
        _ if args.boundary => (Kind::Boundary, &args.policy, PolicyType::Identity),
        _ => (Kind::Identity, &args.policy, PolicyType::Identity),
    };
    let files = if other { &args.against } else { own };
    let quota = limit::of(kind);
    let (mut policies, mut documents) = (Vec::new(), Vec::new());
    for file in files {
        let text = read(file)?;
        let name = file.display().to_string();
        let policy = Policy::parse(&text).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            Failure::usage(format!("{name}: {first}"), format!("{name}: ポリシーとして読めない: {first}"))
        })?;
        let findings = lint(&text, lints, catalogue).into_iter().filter(matters).collect();
        documents.push(Document {
            characters: text.trim().chars().count(),
            findings,
            limits: quota.and_then(|q| limit::length(&text, q)).into_iter().collect(),
            file: name,
        });
        policies.push(Arc::new(Compiled::new(stem(file), policy)));
    }
    let there = args.attached.or(quota.map(|q| if args.alone { 0 } else { q.begins_with })).unwrap_or_default();
    if let (Some(quota), Some(last)) = (quota, documents.last_mut()) {
        last.limits.extend(limit::attached(files.len(), there, quota));
    }
    Ok((Guardrail::Policies(Policies::new(kind, policies)), documents))
}

/// What AWS would refuse or warn of; a document's length is told by its quota.
fn matters(finding: &Finding) -> bool {
    finding.check.level <= Level::Warning
        && !finding.check.code.starts_with("POLICY_SIZE_EXCEEDS_SCP")
        && !finding.check.code.starts_with("POLICY_SIZE_EXCEEDS_RCP")
}

fn declarative(file: &Path, there: usize) -> Result<(Guardrail, Vec<Document>), Failure> {
    const QUOTA: Quota = limit::DECLARATIVE;
    let text = read(file)?;
    let name = file.display().to_string();
    let policy = Declarative::parse(&text).map_err(|problems| {
        let all = problems.join("\n");
        Failure::usage(format!("{name}: {all}"), format!("{name}: AWS が受け付けない宣言型ポリシー: {all}"))
    })?;
    let limits = limit::length(&text, QUOTA).into_iter().chain(limit::attached(1, there, QUOTA)).collect();
    let characters = text.trim().chars().count();
    Ok((Guardrail::Declarative(policy), vec![Document { file: name, characters, findings: Vec::new(), limits }]))
}

/// A file's name without its ending.
fn stem(file: &Path) -> SmolStr {
    SmolStr::new(file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy())
}

impl Document {
    /// Whether AWS would not take it.
    pub fn is_broken(&self) -> bool {
        self.limits.iter().any(Limit::is_error) || self.findings.iter().any(|f| f.check.level == Level::Error)
    }

    /// What is wrong, a line each.
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let word = |error: bool| if error { Level::Error.title(lang) } else { Level::Warning.title(lang) };
        let limits = self.limits.iter().map(|l| format!("{}: {}: {}", self.file, word(l.is_error()), l.say(lang)));
        let found = self.findings.iter().map(|f| {
            let place = if f.path.is_empty() { String::new() } else { format!("{}: ", f.path) };
            format!("{}: {}: {place}{}", self.file, f.check.level.title(lang), f.message(lang))
        });
        limits.chain(found).collect()
    }

    /// The same for machines.
    pub fn to_json(&self, lang: Lang) -> Value {
        let limits = self
            .limits
            .iter()
            .map(|l| json!({"level": if l.is_error() { "error" } else { "warning" }, "message": l.say(lang)}));
        let found = self.findings.iter().map(|f| {
            json!({"level": f.check.level.name(), "code": f.check.code, "path": f.path, "message": f.message(lang)})
        });
        json!({
            "file": self.file, "characters": self.characters, "findings": limits.chain(found).collect::<Vec<_>>(),
        })
    }
}
