//! The tables `assets` and `findings` of a snapshot.

use super::QueryArgs;
use crate::cli::{Cli, Selection};
use crate::commands::prepare::{Prepared, prepare};
use crate::commands::scan;
use crate::content::Compiled;
use crate::failure::Failure;
use serde_json::{Map, Value};
use std::sync::Arc;
use yagura_inventory::load;
use yagura_model::{Asset, Field, Lang, Snapshot, Verdict};
use yagura_query::arrow::array::{
    ArrayRef, ListBuilder, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder,
};
use yagura_query::arrow::datatypes::{self, Schema};
use yagura_rule::{Estate, judge, verdict};

/// The snapshot's resources, and what every check says of them.
pub fn tables(cli: &Cli, args: &QueryArgs, lang: Lang) -> Result<(RecordBatch, RecordBatch), Failure> {
    let Prepared { compiled, checks, .. } = prepare(cli, &Selection::default(), lang)?;
    let snapshot = match &args.snapshot {
        Some(path) => {
            load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")))?
        }
        None => scan::demo(&compiled)?,
    };
    let assets = assets(&snapshot, &compiled).map_err(broken)?;
    let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let judgements = judge(&mut estate, &checks, threads);
    let verdicts: Vec<Verdict> = judgements.iter().filter_map(|j| verdict(&estate, &checks, j, lang)).collect();
    Ok((assets, findings(&verdicts).map_err(broken)?))
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::usage(
        format!("cannot make a table of the snapshot: {error}"),
        format!("スナップショットを表にできない: {error}"),
    )
}

type Made = Result<RecordBatch, Box<dyn std::error::Error>>;

fn batch(columns: Vec<(&str, ArrayRef)>) -> Made {
    let fields: Vec<datatypes::Field> =
        columns.iter().map(|(n, a)| datatypes::Field::new(*n, a.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, a)| a).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn assets(snapshot: &Snapshot, compiled: &Compiled) -> Made {
    let all = &snapshot.assets;
    let cloudformation = |a: &Asset| {
        compiled.kinds.iter().find(|k| k.resource.id == a.kind).and_then(|k| k.resource.cloudformation.clone())
    };
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut tags = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    let (mut configurations, mut unread, mut called) = (Vec::new(), Vec::new(), Vec::new());
    for asset in all {
        let found = tags_of(asset)?;
        for (key, value) in found.iter().flatten() {
            tags.keys().append_value(key);
            tags.values().append_value(value);
        }
        tags.append(found.is_some())?;
        let name = found.and_then(|t| t.into_iter().find(|(k, _)| k == "Name")).map(|(_, v)| v);
        called.push(Some(name.filter(|n| !n.is_empty()).unwrap_or_else(|| asset.id.to_string())));
        let (mut known, mut unknown) = (Map::new(), Map::new());
        for (name, field) in &asset.fields {
            match field {
                Field::Known(value) => drop(known.insert(name.to_string(), serde_json::to_value(value)?)),
                Field::Partly(_, gap) | Field::Unknown(gap) => {
                    drop(unknown.insert(name.to_string(), serde_json::to_value(gap)?))
                }
                Field::Absent => {}
            }
        }
        configurations.push(Some(Value::Object(known).to_string()));
        unread.push((!unknown.is_empty()).then(|| Value::Object(unknown).to_string()));
    }
    batch(vec![
        ("arn", texts(all.iter().map(|a| a.arn.as_deref()))),
        ("kind", texts(all.iter().map(|a| Some(&a.kind)))),
        ("cloudformation_type", texts(all.iter().map(cloudformation))),
        ("account", texts(all.iter().map(|a| Some(&a.account)))),
        ("region", texts(all.iter().map(|a| Some(&a.region)))),
        ("id", texts(all.iter().map(|a| Some(&a.id)))),
        ("name", texts(called.into_iter())),
        ("tags", Arc::new(tags.finish())),
        ("configuration", texts(configurations.into_iter())),
        ("unread", texts(unread.into_iter())),
    ])
}

/// The tags, in whichever form the service gives them; none where the resource has none or they were not read.
fn tags_of(asset: &Asset) -> Result<Option<Vec<(String, String)>>, serde_json::Error> {
    for name in ["Tags", "TagSet", "TagList", "tags"] {
        let Field::Known(value) = asset.field(name) else { continue };
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        match serde_json::to_value(value)? {
            Value::Object(members) => return Ok(Some(members.iter().map(|(k, v)| (k.clone(), text(v))).collect())),
            Value::Array(items) => {
                let pair = |item: &Value| {
                    let of = |names: [&str; 3]| names.iter().find_map(|n| item.get(n)).map(text);
                    Some((of(["Key", "TagKey", "key"])?, of(["Value", "TagValue", "value"]).unwrap_or_default()))
                };
                return Ok(Some(items.iter().filter_map(pair).collect()));
            }
            _ => {}
        }
    }
    Ok(None)
}

fn findings(all: &[Verdict]) -> Made {
    let word = |value: Result<Value, serde_json::Error>| value.ok().and_then(|v| v.as_str().map(str::to_owned));
    let mut maps = ListBuilder::new(StringBuilder::new());
    let mut missing = ListBuilder::new(StringBuilder::new());
    for one in all {
        one.maps.iter().for_each(|m| maps.values().append_value(m));
        maps.append(true);
        one.missing.iter().for_each(|m| missing.values().append_value(m));
        missing.append(true);
    }
    let evidence = all.iter().map(|v| serde_json::to_string(&v.evidence).map(Some)).collect::<Result<Vec<_>, _>>()?;
    batch(vec![
        ("rule", texts(all.iter().map(|v| Some(&v.rule)))),
        ("status", texts(all.iter().map(|v| word(serde_json::to_value(v.status))))),
        ("severity", texts(all.iter().map(|v| word(serde_json::to_value(v.severity))))),
        ("account", texts(all.iter().map(|v| Some(&v.resource.account)))),
        ("region", texts(all.iter().map(|v| Some(&v.resource.region)))),
        ("kind", texts(all.iter().map(|v| Some(&v.resource.kind)))),
        ("resource", texts(all.iter().map(|v| Some(v.resource.arn.as_ref().unwrap_or(&v.resource.id))))),
        ("resource_id", texts(all.iter().map(|v| Some(&v.resource.id)))),
        ("title", texts(all.iter().map(|v| Some(&v.title)))),
        ("why", texts(all.iter().map(|v| Some(&v.why)))),
        ("fix", texts(all.iter().map(|v| Some(&v.fix)))),
        ("reason", texts(all.iter().map(|v| v.reason.as_deref()))),
        ("maps", Arc::new(maps.finish())),
        ("missing", Arc::new(missing.finish())),
        ("evidence", texts(evidence.into_iter())),
    ])
}
