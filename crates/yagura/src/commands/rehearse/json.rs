//! What machines read.

use super::Outcome;
use super::words;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::rehearse::Why;
use yagura_policy::rehearse::tally::Row;

/// One document.
pub fn whole(outcome: &Outcome<'_>, lang: Lang) -> Value {
    let read = &outcome.read;
    let rows: Vec<Value> = read.tally.rows().into_iter().map(|r| row(r, outcome.catalogue)).collect();
    let untouched: Map<String, Value> =
        read.tally.untouched.iter().map(|(why, n)| (words::untouched_name(*why).to_owned(), json!(n))).collect();
    let documents = |all: &[super::Document]| all.iter().map(|d| d.to_json(lang)).collect::<Vec<_>>();
    let touched: Vec<Value> = outcome
        .touched
        .iter()
        .map(|t| {
            json!({
                "resource": t.resource.as_str(), "kind": t.kind.as_str(), "account": t.account.as_str(),
                "region": t.region.as_str(), "by": t.by, "effect": t.effect,
            })
        })
        .collect();
    let mut out = json!({
        "guardrail": words::kind(outcome.args), "documents": documents(outcome.documents),
        "counts": read.tally.counts, "untouched": untouched, "rows": rows,
        "records_outside": read.outside, "records_without_time": read.timeless, "records_of_other_logs": read.other,
        "not_read": read.unread, "seconds": read.took.as_secs_f64(),
        "limits": words::limits(outcome.args, lang),
    });
    if let Some(map) = out.as_object_mut() {
        if !outcome.others.is_empty() {
            map.insert("against".to_owned(), json!(documents(outcome.others)));
        }
        if outcome.args.snapshot.is_some() {
            map.insert("resources".to_owned(), json!(touched));
            map.insert("kinds_not_in_snapshot".to_owned(), json!(outcome.unlisted));
        }
    }
    out
}

/// One row a line.
pub fn lines<'o>(outcome: &'o Outcome<'_>) -> impl Iterator<Item = Value> + 'o {
    outcome.read.tally.rows().into_iter().map(|r| row(r, outcome.catalogue))
}

fn row(row: &Row, catalogue: &Catalogue) -> Value {
    let mut out = json!({
        "verdict": words::verdict_name(row.verdict), "principal": row.principal.as_str(),
        "operation": row.operation.as_str(), "action": row.action.as_str(), "resource": row.resource.as_str(),
        "by": row.by.as_str(), "why": row.why.iter().map(|w| why(w, catalogue)).collect::<Vec<_>>(),
        "calls": row.calls, "failed": row.failed, "first": row.first.as_str(), "last": row.last.as_str(),
        "event": row.event.as_str(), "accounts": row.accounts.iter().map(SmolStr::as_str).collect::<Vec<_>>(),
    });
    if let (Some(map), Some(against)) = (out.as_object_mut(), row.against) {
        map.insert("against".to_owned(), words::verdict_name(against).into());
    }
    out
}

fn why(why: &Why, catalogue: &Catalogue) -> Value {
    match why {
        Why::Key(key) => json!({"unknown": "condition_key", "name": words::key(key, catalogue)}),
        Why::Resource(pattern) => json!({"unknown": "resource", "name": pattern.as_str()}),
        Why::Setting(name) => json!({"unknown": "setting", "name": name.as_str()}),
        Why::Action => json!({"unknown": "action"}),
        Why::OneOfActions => json!({"unknown": "one_of_actions"}),
        Why::PassRole => json!({"unknown": "pass_role"}),
        Why::Caller => json!({"unknown": "caller"}),
        Why::Account => json!({"unknown": "account"}),
        Why::ManagedKey => json!({"unknown": "aws_managed_key"}),
    }
}
