//! `has-statement`: whether a resource's policy has given statements.

use super::{Build, Made, own, tri};
use crate::filter::{Answer, Ask};
use crate::world::not_told;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    (b.name == "has-statement").then(|| has_statement(b))
}

/// The resource's own policy, wherever its kind keeps it.
pub(super) fn policy(ask: &Ask<'_>, path: &str) -> Result<Option<Json>, Arc<Gap>> {
    match ask.res.asset.path(path) {
        Ok(v) => Ok(v.map(|v| v.to_json()).filter(|j| !j.is_null() && j.as_str() != Some(""))),
        Err(gap) => Err(crate::world::asked(gap, path)),
    }
}

/// Where a kind keeps its policy, and what must be read for it.
pub(super) fn place(b: &Build<'_, '_>) -> Result<SmolStr, String> {
    let path = b.cx.kind.policy.clone();
    path.ok_or_else(|| format!("the policy of `{}` is not read", b.resource()))
}

pub(super) fn top(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn has_statement(b: &Build<'_, '_>) -> Result<Made, String> {
    let path = place(b)?;
    let ids = b.texts("statement_ids");
    let wanted: Vec<Json> = b.data.get("statements").and_then(Json::as_array).cloned().unwrap_or_default();
    let read = own(top(&path));
    let arn = b.cx.resource.id().to_owned();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(policy) = policy(ask, &path)? else { return Ok(Answer::No) };
            let found = super::iam::statements(&policy).ok_or_else(|| not_told("the policy is not JSON"))?;
            let has_id = |id: &String| found.iter().any(|s| s.get("Sid").and_then(Json::as_str) == Some(id));
            let fill = |v: &Json| fill(v, ask, &arn);
            let has = |w: &Json| {
                let w = fill(w);
                found.iter().any(|s| fits(&w, s))
            };
            Ok((ids.iter().all(has_id) && wanted.iter().all(has)).into())
        })
    });
    Ok(made.reading([read]))
}

/// What Cloud Custodian fills in of the resource itself.
fn fill(v: &Json, ask: &Ask<'_>, id: &str) -> Json {
    match v {
        Json::String(s) => {
            let name = ask.res.text(id);
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            s.replace("{bucket_name}", ask.res.text("Name"))
                .replace("{bucket_region}", &ask.res.asset.region)
                .replace("{account_id}", &ask.scene.place.account)
                .replace("{region}", &ask.scene.place.region)
                .replace("{topic_arn}", arn)
                .replace("{sqs_arn}", arn)
                .replace("{domain_arn}", arn)
                .replace("{key_arn}", arn)
                .replace("{fs_arn}", arn)
                .replace("{function_name}", name)
                .into()
        }
        Json::Array(l) => l.iter().map(|v| fill(v, ask, id)).collect(),
        Json::Object(o) => {
            o.iter().map(|(k, v)| (k.clone(), fill(v, ask, id))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Whether a statement has every element that is wanted, as a whole or (`PartialMatch`) among others.
fn fits(wanted: &Json, statement: &Json) -> bool {
    let Some(wanted) = wanted.as_object() else { return false };
    let partial = texts(wanted.get("PartialMatch").unwrap_or(&Json::Null));
    let mut elements = wanted.iter().filter(|(k, _)| *k != "PartialMatch").peekable();
    if elements.peek().is_none() {
        return false;
    }
    elements.all(|(key, want)| {
        let Some(is) = statement.get(key) else { return false };
        let (want, is) = (normal(key, want), normal(key, is));
        if partial.contains(key.as_str()) { within(&want, &is) } else { want == is }
    })
}

fn texts(v: &Json) -> BTreeSet<String> {
    match v {
        Json::String(s) => BTreeSet::from([s.clone()]),
        Json::Array(l) => l.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => BTreeSet::new(),
    }
}

/// An element in one form: sets instead of lists and single texts, actions and condition keys in lower case.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Set(BTreeSet<String>),
    Map(Vec<(String, Form)>),
}

fn normal(key: &str, v: &Json) -> Form {
    match v {
        Json::Object(o) => {
            let name = |k: &String| if key == "Condition" { k.to_lowercase() } else { k.clone() };
            let mut members: Vec<_> = o.iter().map(|(k, v)| (name(k), normal(key, v))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Form::Map(members)
        }
        Json::String(_) | Json::Array(_) => {
            let set = texts(v);
            let lower = ["Action", "NotAction"].contains(&key);
            Form::Set(if lower { set.iter().map(|s| s.to_lowercase()).collect() } else { set })
        }
        other => Form::Set(BTreeSet::from([other.to_string()])),
    }
}

fn within(want: &Form, is: &Form) -> bool {
    match (want, is) {
        (Form::Set(w), Form::Set(i)) => w.is_subset(i),
        (Form::Map(w), Form::Map(i)) => w.iter().all(|(k, v)| i.iter().any(|(l, u)| k == l && within(v, u))),
        _ => false,
    }
}
