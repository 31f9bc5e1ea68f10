//! `yagura.toml`: the user's own thresholds.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::path::Path;
use yagura_model::{Map, Value, nearest};

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
/// `path` must exist; without it, [`DEFAULT`] may be absent. `ids` are the checks there are.
pub fn load<'i>(path: Option<&Path>, ids: impl Iterator<Item = &'i str> + Clone) -> Result<Settings, Failure> {
    let file = path.unwrap_or(Path::new(DEFAULT));
    let text = match std::fs::read_to_string(file) {
        Ok(t) => t,
        Err(e) if path.is_none() && e.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::new()),
        Err(e) => return Err(Failure::usage(format!("cannot read `{}`: {e}", file.display()), format!("`{}` を読めない: {e}", file.display()))),
    };
    let name = file.display();
    let bad = |what: String, ja: String| Failure::usage(format!("{name}: {what}"), format!("{name}: {ja}"));
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| bad(e.to_string(), e.to_string()))?;
    let mut out = Settings::new();
    for (section, value) in &table {
        if section != "checks" {
            return Err(bad(format!("unknown section `{section}`; the one there is: `checks`"), format!("不明なセクション `{section}`。使えるのは `checks`")));
        }
        for (id, values) in value.as_table().into_iter().flatten() {
            if !ids.clone().any(|i| i == id) {
                let near = nearest(id, ids.clone());
                let (en, ja) = near.map_or_else(Default::default, |n| (format!("; did you mean `{n}`?"), format!("。`{n}` のことか")));
                return Err(bad(format!("no check `{id}`{en}"), format!("チェック `{id}` は存在しない{ja}")));
            }
            let Some(values) = values.as_table() else {
                return Err(bad(format!("`{id}` wants a table of settings"), format!("`{id}` には設定の表を書くこと")));
            };
            out.insert(id.into(), values.iter().filter_map(|(k, v)| Some((SmolStr::from(k), value_of(v)?))).collect());
        }
    }
    Ok(out)
}

fn value_of(v: &toml::Value) -> Option<Value> {
    Some(match v {
        toml::Value::String(s) => Value::text(s.as_str()),
        toml::Value::Integer(i) => Value::Int(*i),
        toml::Value::Float(f) => Value::Float(*f),
        toml::Value::Boolean(b) => Value::Bool(*b),
        toml::Value::Datetime(d) => Value::text(d.to_string()),
        toml::Value::Array(a) => Value::List(a.iter().filter_map(value_of).collect()),
        toml::Value::Table(t) => Value::Map(t.iter().filter_map(|(k, v)| Some((SmolStr::from(k), value_of(v)?))).collect()),
    })
}
