//! `yagura.toml`: the user's own thresholds, and what findings are not told.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use yagura_findings::{Suppression, of_toml};
use yagura_model::{Map, Value, nearest};
use yagura_respond::plan::{PLACES, strange_places};
use yagura_rule::CheckFile;

/// The file that is read from the working folder where `--config` names none.
pub const DEFAULT: &str = "yagura.toml";

/// Settings of checks, by check id.
pub type Settings = BTreeMap<SmolStr, Map>;

/// Reads the settings:
///
/// ```toml
/// [checks."iam.access_key_rotated"]
/// max_age_days = 60
/// ```
///
/// `path` must exist; without it, [`DEFAULT`] may be absent. A name that no check has is an error with the nearest right
/// spelling: a threshold that silently does nothing is worse than none.
pub fn load(path: Option<&Path>, checks: &BTreeMap<SmolStr, CheckFile>) -> Result<Settings, Failure> {
    let name = path.unwrap_or(Path::new(DEFAULT)).display();
    let bad = |what: String, ja: String| Failure::usage(format!("{name}: {what}"), format!("{name}: {ja}"));
    let Some(table) = table(path)? else { return Ok(Settings::new()) };
    let mut out = Settings::new();
    for (section, value) in &table {
        if section == "suppress" || section == "remedies" {
            continue; // `suppressions` reads it where findings are told, `of_remedies` where they are mended
        }
        if section != "checks" {
            return Err(bad(
                format!("unknown section `{section}`; those there are: `checks`, `remedies`, `suppress`"),
                format!("不明なセクション `{section}`。使えるのは `checks`、`remedies`、`suppress`"),
            ));
        }
        for (id, values) in value.as_table().into_iter().flatten() {
            let Some(check) = checks.get(id.as_str()) else {
                return Err(bad(misspelt("check", id, checks.keys()), misspelt_ja("チェック", id, checks.keys())));
            };
            let Some(values) = values.as_table() else {
                return Err(bad(format!("`{id}` wants a table of settings"), format!("`{id}` には設定の表を書くこと")));
            };
            let mut own = Map::new();
            for (key, value) in values {
                let names = || check.settings.iter().map(|(k, _)| k);
                let Some(default) = check.settings.get(key) else {
                    return Err(bad(
                        format!("`{id}` has {}", misspelt("setting", key, names())),
                        format!("`{id}` に{}", misspelt_ja("設定", key, names())),
                    ));
                };
                let given = value_of(value);
                let found = given.as_ref().map(ToString::to_string).unwrap_or_default();
                match given {
                    Some(v) if std::mem::discriminant(&v) == std::mem::discriminant(default) => {
                        own.insert(key.as_str(), v)
                    }
                    _ => {
                        return Err(bad(
                            format!("`{key}` of `{id}` must be like its default `{default}`, found `{found}`"),
                            format!("`{id}` の `{key}` は既定値 `{default}` と同じ型で書くこと（現在の値: `{found}`）"),
                        ));
                    }
                }
            }
            out.insert(id.into(), own);
        }
    }
    Ok(out)
}

/// What remedies need to be told, the same for all that ask for it:
///
/// ```toml
/// [remedies]
/// log_bucket = "example-logs-{account}-{region}"
/// topic_arn = "arn:aws:sns:{region}:{account}:security"
/// ```
///
/// # Errors
/// The file cannot be read, or a name is none that a remedy asks for: one that silently does nothing is worse than none.
pub fn of_remedies(path: Option<&Path>, known: &BTreeSet<SmolStr>) -> Result<Map, Failure> {
    let name = path.unwrap_or(Path::new(DEFAULT)).display();
    let mut out = Map::new();
    let Some(given) = table(path)?.and_then(|mut t| t.remove("remedies")) else { return Ok(out) };
    for (key, value) in given.as_table().into_iter().flatten() {
        if !known.contains(key.as_str()) {
            return Err(Failure::usage(
                format!("{name}: {}", misspelt("setting of remedies", key, known.iter())),
                format!("{name}: {}", misspelt_ja("修復手順の設定", key, known.iter())),
            ));
        }
        let Some(text) = value.as_str() else {
            return Err(Failure::usage(
                format!("{name}: `{key}` of `remedies` must be a text"),
                format!("{name}: `remedies` の `{key}` は文字列で書くこと"),
            ));
        };
        if let Some(word) = strange_places(text).next() {
            let places = PLACES.map(SmolStr::new_static);
            return Err(Failure::usage(
                format!("{name}: `{key}` of `remedies`: {}", misspelt("word in braces", word, places.iter())),
                format!("{name}: `remedies` の `{key}`: {}", misspelt_ja("プレースホルダー", word, places.iter())),
            ));
        }
        out.insert(key.as_str(), Value::text(text));
    }
    Ok(out)
}

/// The suppressions of the settings file:
///
/// ```toml
/// [[suppress]]
/// rule = "s3.bucket_versioned"
/// arn = "arn:aws:s3:::scratch-*"
/// until = "2027-03-31"
/// owner = "data team"
/// reason = "emptied every night"
/// ```
///
/// # Errors
/// The file cannot be read, or a table is wrong: one that silently does nothing is worse than none.
pub fn suppressions(path: Option<&Path>) -> Result<Vec<Suppression>, Failure> {
    let name = path.unwrap_or(Path::new(DEFAULT)).display().to_string();
    let Some(tables) = table(path)?.and_then(|mut t| t.remove("suppress")) else { return Ok(Vec::new()) };
    of_toml(&tables, &name).map_err(|e| {
        Failure::usage(format!("{name}: {e}"), format!("{name}: {}", crate::commands::findings::words::suppression(&e)))
    })
}

/// The file as a table; `None` where there is none and nobody named one.
fn table(path: Option<&Path>) -> Result<Option<toml::Table>, Failure> {
    let file = path.unwrap_or(Path::new(DEFAULT));
    let name = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(t) => t,
        Err(e) if path.is_none() && e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            return Err(Failure::usage(format!("cannot read `{name}`: {e}"), format!("`{name}` を読めない: {e}")));
        }
    };
    let read = text.parse().map(Some);
    read.map_err(|e: toml::de::Error| Failure::usage(format!("{name}: {e}"), format!("{name}: {e}")))
}

fn misspelt<'n>(what: &str, word: &str, names: impl Iterator<Item = &'n SmolStr>) -> String {
    let near = nearest(word, names.map(SmolStr::as_str)).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    format!("no {what} `{word}`{near}")
}

fn misspelt_ja<'n>(what: &str, word: &str, names: impl Iterator<Item = &'n SmolStr>) -> String {
    let near = nearest(word, names.map(SmolStr::as_str)).map(|n| format!("（`{n}` のことか）")).unwrap_or_default();
    format!("{what} `{word}` は存在しない{near}")
}

fn value_of(v: &toml::Value) -> Option<Value> {
    Some(match v {
        toml::Value::String(s) => Value::text(s.as_str()),
        toml::Value::Integer(i) => Value::Int(*i),
        toml::Value::Float(f) => Value::Float(*f),
        toml::Value::Boolean(b) => Value::Bool(*b),
        toml::Value::Datetime(d) => Value::text(d.to_string()),
        toml::Value::Array(a) => Value::List(a.iter().filter_map(value_of).collect()),
        toml::Value::Table(t) => {
            Value::Map(t.iter().filter_map(|(k, v)| Some((SmolStr::from(k), value_of(v)?))).collect())
        }
    })
}
