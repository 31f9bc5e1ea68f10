//! `--resource-tag`: which resources a scan speaks of.

use super::readers;
use crate::content::Compiled;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{Asset, Gap, GapReason, Map, Status, Value};
use yagura_rule::{Check, Estate, Hole, Judgement, Subject};

/// Checks that ask for nothing but the tags of the kinds that `checks` judge, so that they are read too.
pub fn readers(compiled: &Compiled, checks: &[Check]) -> Vec<Check> {
    let mut kinds: Vec<&SmolStr> = checks.iter().map(|c| &c.each).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().filter_map(|kind| reader(compiled, kind)).collect()
}

fn reader(compiled: &Compiled, kind: &SmolStr) -> Option<Check> {
    readers::of_field(compiled, kind, compiled.kinds.get(kind)?.resource.tags.as_ref()?)
}

/// The tags of an asset; `None` where they were not read. What cannot carry tags has none.
pub fn of(asset: &Asset, compiled: &Compiled) -> Option<BTreeMap<String, String>> {
    let Some(path) = compiled.kinds.get(&asset.kind).and_then(|k| k.resource.tags.as_ref()) else {
        return Some(BTreeMap::new());
    };
    let value = asset.path(path).ok()?;
    Some(value.map_or_else(Vec::new, |v| pairs(&v)).into_iter().map(|(k, v)| (k.into(), v.into())).collect())
}

/// Whether an asset carries one of the wanted tags.
enum Tagged {
    Yes,
    No,
    /// Its tags were not read.
    Unknown(Arc<Gap>),
}

/// Keeps the judgements of resources that carry one of the wanted tags (`KEY` or `KEY=VALUE`). Where the tags were not
/// read the judgement stays, as Unknown; what cannot carry tags goes; what could not even be listed stays.
pub fn retain(judgements: &mut Vec<Judgement>, estate: &Estate, compiled: &Compiled, wanted: &[String]) {
    if wanted.is_empty() {
        return;
    }
    judgements.retain_mut(|j| {
        let Subject::Asset(at) = &j.subject else { return true };
        let Some(asset) = estate.assets().get(*at as usize) else { return false };
        match tagged(asset, compiled, wanted) {
            Tagged::Yes => true,
            Tagged::No => false,
            Tagged::Unknown(gap) => {
                j.status = Status::Unknown;
                j.holes = vec![Hole::Other(gap)];
                true
            }
        }
    });
}

fn tagged(asset: &Asset, compiled: &Compiled, wanted: &[String]) -> Tagged {
    let Some(path) = compiled.kinds.get(&asset.kind).and_then(|k| k.resource.tags.as_ref()) else { return Tagged::No };
    let tags = match asset.path(path) {
        Ok(value) => value.map_or_else(Vec::new, |v| pairs(&v)),
        Err(gap) if gap.reason == GapReason::NotRequested => {
            return Tagged::Unknown(Arc::new(Gap::new(
                GapReason::NotRequested,
                "its tags were not read for this snapshot",
            )));
        }
        Err(gap) => return Tagged::Unknown(gap.clone()),
    };
    let hit = wanted.iter().any(|w| {
        let (key, value) = w.split_once('=').map_or((w.as_str(), None), |(k, v)| (k, Some(v)));
        tags.iter().any(|(k, v)| k == key && value.is_none_or(|want| want == v))
    });
    if hit { Tagged::Yes } else { Tagged::No }
}

/// The tags of an asset, from AWS's forms: a list of keys and values in several spellings, or a map.
fn pairs(v: &Value) -> Vec<(SmolStr, SmolStr)> {
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(SmolStr::from).unwrap_or_default();
    let member = |m: &Map, names: [&str; 3]| text(names.iter().find_map(|n| m.get(n)));
    match v {
        Value::Map(m) => m.iter().map(|(k, v)| (k.clone(), text(Some(v)))).collect(),
        Value::List(l) => l
            .iter()
            .filter_map(Value::as_map)
            .map(|m| (member(m, ["Key", "key", "TagKey"]), member(m, ["Value", "value", "TagValue"])))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn all_of_awss_spellings_are_read() {
        for json in [
            r#"[{"Key":"env","Value":"prod"}]"#,
            r#"[{"key":"env","value":"prod"}]"#,
            r#"[{"TagKey":"env","TagValue":"prod"}]"#,
            r#"{"env":"prod"}"#,
        ] {
            assert_eq!(pairs(&serde_json::from_str(json).unwrap()), [("env".into(), "prod".into())], "{json}");
        }
    }
}
