//! Escalations for programs.

use super::Findings;
use crate::failure::Failure;
use serde_json::{Value, json};
use yagura_model::Lang;
use yagura_policy::account::{Cause, IdentityKind, Part};
use yagura_policy::escalate::path::Path;
use yagura_policy::escalate::{Certainty, Doubt, Found, Hop, Principal};

/// One object a principal: `principal`, `paths`, `certainty`, `hops`, `commands`.
pub(super) fn lines(findings: &Findings<'_>) -> String {
    let mut out = String::new();
    for principal in &findings.report.principals {
        let line = json!({
            "principal": principal.arn,
            "paths": principal.ids(findings.paths),
            "certainty": principal.certainty.name(),
            "hops": principal.chain.len(),
            "commands": commands(principal),
        });
        out.push_str(&line.to_string());
        out.push('\n');
    }
    out
}

/// Everything, in one document.
pub(super) fn document(found: &[Findings<'_>], lang: Lang) -> Result<String, Failure> {
    let accounts = found.iter().map(|findings| {
        let principals: Vec<Value> = findings.report.principals.iter().map(|p| principal(findings, p, lang)).collect();
        json!({"account": findings.account.id, "principals": principals})
    });
    let document = json!({"accounts": accounts.collect::<Vec<_>>()});
    let text = serde_json::to_string_pretty(&document).map_err(std::io::Error::other)?;
    Ok(text + "\n")
}

fn commands(principal: &Principal) -> Vec<&str> {
    principal.chain.iter().flat_map(|h| h.commands.iter().map(String::as_str)).collect()
}

fn principal(findings: &Findings<'_>, principal: &Principal, lang: Lang) -> Value {
    let unread = findings.account.identity(&principal.arn).map(|i| i.unread.as_slice()).unwrap_or_default();
    let unread = unread.iter().map(|u| {
        let (cause, problem) = match &u.cause {
            Cause::NotGiven => ("not_given", None),
            Cause::NotAPolicy(problem) => ("not_a_policy", Some(problem)),
        };
        json!({"name": u.name, "part": part(u.part), "cause": cause, "problem": problem})
    });
    json!({
        "principal": principal.arn,
        "kind": kind(principal.kind),
        "admin": principal.admin.name(),
        "paths": principal.found.iter().map(|f| found(findings.paths, f, lang)).collect::<Vec<_>>(),
        "certainty": principal.certainty.name(),
        "hops": principal.chain.len(),
        "reaches_admin": principal.reaches_admin || principal.admin == Certainty::Certain,
        "chain": principal.chain.iter().map(|h| hop(findings.paths, h, lang)).collect::<Vec<_>>(),
        "unread": unread.collect::<Vec<_>>(),
    })
}

fn found(paths: &[Path], found: &Found, lang: Lang) -> Value {
    let path = paths.get(found.path);
    json!({
        "id": path.map(|p| &p.id),
        "ids": path.map(|p| &p.ids),
        "title": path.map(|p| p.title.pick(lang)),
        "certainty": found.certainty.name(),
        "target": found.target,
        "depends_on": found.doubts.iter().map(|d| doubt(*d)).collect::<Vec<_>>(),
        "conditions": found.when,
        "needs": path.and_then(|p| p.needs.as_ref()).map(|n| n.pick(lang)),
    })
}

fn hop(paths: &[Path], hop: &Hop, lang: Lang) -> Value {
    let path = paths.get(hop.path);
    json!({
        "from": hop.from,
        "path": path.map(|p| &p.id),
        "ids": path.map(|p| &p.ids),
        "title": path.map(|p| p.title.pick(lang)),
        "target": hop.target,
        "to": hop.to,
        "certainty": hop.certainty.name(),
        "depends_on": hop.doubts.iter().map(|d| doubt(*d)).collect::<Vec<_>>(),
        "conditions": hop.when,
        "commands": hop.commands,
    })
}

fn kind(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::User => "user",
        IdentityKind::Role => "role",
    }
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Policy => "policy",
        Part::Boundary => "boundary",
        Part::Trust => "trust",
        Part::Group => "group",
    }
}

fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Condition => "condition",
        Doubt::Need => "need",
        Doubt::Unseen => "unseen_target",
        Doubt::NotOwn => "acting_as_target",
        Doubt::Missing => "target_lacks",
        Doubt::Unread => "unread_policy",
    }
}
