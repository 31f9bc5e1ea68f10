//! What was deployed against what templates say: drift.
//!
//! Only what a template sets is compared. Resources are matched by kind and ARN, id, or CloudFormation's own
//! `aws:cloudformation:logical-id` tag. Ids that AWS gave are put in the place of those that stood in for them.

use super::Project;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::HashMap;
use yagura_model::{Asset, Field, Snapshot, SourcePlace, Value};

/// One difference, or one resource of the templates that cannot be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The kind (`s3.bucket`).
    pub kind: SmolStr,
    /// The id in the templates.
    pub id: SmolStr,
    /// Where it is declared.
    pub place: SourcePlace,
    /// What differs.
    #[serde(flatten)]
    pub what: Difference,
}

/// What differs between a template and what is deployed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "drift", rename_all = "snake_case")]
pub enum Difference {
    /// The snapshot has no such resource.
    NotDeployed,
    /// The snapshot did not read this kind, or not all of it.
    NotRead,
    /// The template gives it no name, and nothing in the snapshot tells that it came from there.
    NotMatched,
    /// A field is not as the template says.
    Field {
        /// The field.
        field: SmolStr,
        /// What the template says.
        template: serde_json::Value,
        /// What the snapshot has; `null` where it is not set.
        live: serde_json::Value,
    },
    /// A field that cannot be compared, and why: hidden in the template, or not read.
    NotCompared {
        /// The field.
        field: SmolStr,
        /// Why, in English: the expression or the missing call.
        why: String,
    },
}

/// Compares templates with a snapshot.
pub fn drift(project: &Project, live: &Snapshot) -> Vec<Drift> {
    let mut by_kind: HashMap<&str, Vec<&Asset>> = HashMap::new();
    for asset in &live.assets {
        by_kind.entry(&asset.kind).or_default().push(asset);
    }
    let ours = || project.snapshot.assets.iter().zip(&project.places).zip(&project.origins);
    let matched: Vec<Option<&Asset>> = ours()
        .map(|((asset, _), origin)| find(asset, origin, by_kind.get(asset.kind.as_str()).map_or(&[], Vec::as_slice)))
        .collect();
    let mut names = Names::default();
    for (((ours, _), origin), live) in ours().zip(&matched) {
        names.note(ours, origin.named, *live);
    }
    let mut out = Vec::new();
    for (((ours, place), origin), theirs) in ours().zip(&matched) {
        let mut say =
            |what| out.push(Drift { kind: ours.kind.clone(), id: ours.id.clone(), place: place.clone(), what });
        let Some(theirs) = theirs else {
            let read = live.listings.iter().any(|l| l.kind == ours.kind && l.gap.is_none());
            say(match (read, origin.named) {
                (false, _) => Difference::NotRead,
                (true, false) => Difference::NotMatched,
                (true, true) => Difference::NotDeployed,
            });
            continue;
        };
        for (name, field) in ours.fields.iter().filter(|(n, _)| origin.decided.contains(n)) {
            match (field, theirs.field(name)) {
                (Field::Partly(_, gap) | Field::Unknown(gap), _)
                | (Field::Known(_), Field::Partly(_, gap) | Field::Unknown(gap)) => {
                    say(Difference::NotCompared { field: name.clone(), why: gap.say(yagura_model::Lang::En) });
                }
                (Field::Known(v), Field::Absent) => {
                    say(Difference::Field {
                        field: name.clone(),
                        template: v.to_json(),
                        live: serde_json::Value::Null,
                    });
                }
                (Field::Known(v), Field::Known(l)) => match names.resolved(v) {
                    None => say(Difference::NotCompared {
                        field: name.clone(),
                        why: "names a resource that is not matched".into(),
                    }),
                    Some(v) if !holds(&v, l) => {
                        say(Difference::Field { field: name.clone(), template: v.to_json(), live: l.to_json() });
                    }
                    Some(_) => {}
                },
                (Field::Absent, _) => {}
            }
        }
    }
    out
}

/// Where an asset came from, as far as comparing needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Its name in the template, without the stacks around it.
    pub logical: SmolStr,
    /// Whether the template names it; otherwise its id only stands in for the one that AWS gives.
    pub named: bool,
    /// The fields that the template sets.
    pub decided: std::collections::BTreeSet<SmolStr>,
}

fn find<'l>(ours: &Asset, origin: &Origin, live: &[&'l Asset]) -> Option<&'l Asset> {
    let tagged = |a: &&&Asset| {
        tags(a).into_iter().any(|(k, v)| k == "aws:cloudformation:logical-id" && v == origin.logical.as_str())
    };
    let mut by_tag = live.iter().filter(tagged);
    match (by_tag.next(), by_tag.next()) {
        (Some(one), None) => return Some(one),
        // Several stacks have one of that name: only a name of its own tells.
        _ if !origin.named => return None,
        _ => {}
    }
    // The account is made up in a template's ARN: the rest of it tells.
    let rest = |arn: &Option<SmolStr>| arn.as_ref().and_then(|a| a.splitn(6, ':').nth(5).map(str::to_owned));
    live.iter()
        .find(|a| a.id == ours.id)
        .or_else(|| live.iter().find(|a| rest(&a.arn).is_some() && rest(&a.arn) == rest(&ours.arn)))
        .copied()
}

fn tags(asset: &Asset) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for name in ["Tags", "tags", "TagList", "TagSet"] {
        let Field::Known(value) = asset.field(name) else { continue };
        if let Some(map) = value.as_map() {
            out.extend(map.iter().filter_map(|(k, v)| Some((k.to_string(), v.as_str()?.to_owned()))));
        }
        for item in value.as_list().unwrap_or_default() {
            let of = |names: [&str; 2]| names.iter().find_map(|n| item.as_map()?.get(n)?.as_str().map(str::to_owned));
            if let (Some(k), Some(v)) = (of(["Key", "key"]), of(["Value", "value"])) {
                out.push((k, v));
            }
        }
    }
    out
}

/// What stands in for ids, and the ids that AWS gave; `None` where no resource was matched.
#[derive(Default)]
struct Names {
    ids: HashMap<SmolStr, Option<SmolStr>>,
    arns: Vec<(SmolStr, Option<SmolStr>)>,
}

impl Names {
    fn note(&mut self, ours: &Asset, named: bool, live: Option<&Asset>) {
        if !named {
            self.ids.insert(ours.id.clone(), live.map(|l| l.id.clone()));
        }
        if let Some(arn) = &ours.arn {
            self.arns.push((arn.clone(), live.and_then(|l| l.arn.clone())));
        }
    }

    /// The value with the ids that AWS gave. `None` where one is not known.
    fn resolved(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(s) => {
                if let Some(known) = self.ids.get(s) {
                    return known.clone().map(Value::String);
                }
                let mut text = s.to_string();
                for (ours, live) in &self.arns {
                    if text.contains(ours.as_str()) {
                        text = text.replace(ours.as_str(), live.as_ref()?);
                    }
                }
                Value::text(text)
            }
            Value::List(l) => Value::List(l.iter().map(|v| self.resolved(v)).collect::<Option<_>>()?),
            Value::Map(m) => {
                Value::Map(m.iter().map(|(k, v)| Some((k.clone(), self.resolved(v)?))).collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }
}

/// Whether what a template says holds of what is deployed. AWS may answer more members than were set, and lists in
/// another order.
fn holds(template: &Value, live: &Value) -> bool {
    match (template, live) {
        (Value::Map(t), Value::Map(l)) => t.iter().all(|(k, v)| l.get(k).is_some_and(|there| holds(v, there))),
        (Value::List(t), Value::List(l)) => {
            let tags_of_aws = |v: &&Value| !is_aws_tag(v);
            t.len() == l.iter().filter(tags_of_aws).count() && t.iter().all(|v| l.iter().any(|there| holds(v, there)))
        }
        // A document; IAM answers it URL-encoded.
        (Value::String(t), Value::String(l)) if t.starts_with(['{', '[']) => {
            let l = yagura_policy::document::decoded(l);
            let json = |s: &str| serde_json::from_str::<serde_json::Value>(s).ok().and_then(Value::from_json);
            match (json(t), json(&l)) {
                (Some(t), Some(l)) => t == l,
                _ => t.as_str() == l,
            }
        }
        (Value::Int(t), Value::Float(l)) => (*t as f64) == *l,
        (t, l) => t == l,
    }
}

/// A tag that AWS set by itself.
fn is_aws_tag(value: &Value) -> bool {
    let key = value.as_map().and_then(|m| m.get("Key").or_else(|| m.get("key")));
    key.and_then(Value::as_str).is_some_and(|k| k.starts_with("aws:"))
}
