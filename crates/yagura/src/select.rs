//! Which checks a command works on.

use crate::cli::Selection;
use crate::content::Content;
use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use yagura_model::Severity;
use yagura_rule::CheckFile;

/// The checks that a selection names, sorted by id. A name that fits nothing is an error with the nearest right spelling.
pub fn select<'c>(content: &'c Content, selection: &Selection) -> Result<Vec<&'c CheckFile>, Failure> {
    let all: Vec<&CheckFile> = content.checks.values().collect();
    let mut services: Vec<&str> = all.iter().map(|c| service(c)).collect();
    services.sort_unstable();
    services.dedup();
    known(&selection.service, &services, ("service", "サービス"))?;
    known(&selection.check, &all.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ("check", "チェック"))?;
    let frameworks: Vec<&str> = content.frameworks.iter().map(|f| f.id.as_str()).collect();
    known(&selection.framework, &frameworks, ("framework", "フレームワーク"))?;
    let answering: BTreeSet<SmolStr> = if selection.framework.is_empty() {
        BTreeSet::new()
    } else {
        let answers = &content.requirements().answers;
        selection.framework.iter().flat_map(|f| answers.of_framework(f)).collect()
    };
    let least = selection.severity.map(Severity::from);
    let wanted = |c: &&CheckFile| {
        (selection.service.is_empty() || selection.service.iter().any(|s| s == service(c)))
            && (selection.check.is_empty() || selection.check.contains(&c.id))
            && (selection.framework.is_empty() || answering.contains(&c.id))
            && least.is_none_or(|l| c.severity >= l)
    };
    let chosen: Vec<&CheckFile> = all.into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(Failure::usage("no check fits this selection", "条件に合うチェックがない").or_list());
    }
    Ok(chosen)
}

/// The service of a check: the first part of its id.
pub fn service(check: &CheckFile) -> &str {
    check.id.split('.').next().unwrap_or_default()
}

fn known(asked: &[smol_str::SmolStr], there: &[&str], what: (&str, &str)) -> Result<(), Failure> {
    match asked.iter().find(|name| !there.contains(&name.as_str())) {
        Some(name) => Err(Failure::unknown(what, name, there.iter().copied()).or_list()),
        None => Ok(()),
    }
}
