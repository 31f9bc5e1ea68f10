//! Examples inside a check's file: what the check must say of them.

use crate::check::{Across, Check, Join};
use crate::compile::hint;
use crate::estate::Estate;
use crate::judge::{judge_one, lowered};
use crate::schema::{Kind, Schema};
use crate::tables::Tables;
use crate::yaml::{Reader, Yaml, YamlKind};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, Field, Gap, GapReason, Map, Scope, Status, Value};
use yagura_network::Network;
use yagura_network::estate::Home;

const ACCOUNT: &str = "123456789012";
const HERE: &str = "us-east-1";
const ELSEWHERE: &str = "us-west-2";
const NOW: &str = "2026-01-01T00:00:00Z";

/// The fields of one asset.
type Fields = Vec<(SmolStr, Field)>;

/// One example.
#[derive(Debug, Clone)]
pub(crate) struct Fixture {
    name: SmolStr,
    this: Fields,
    /// In order of the check's joins: assets, or `None` where they could not be listed.
    joins: Vec<Option<Vec<Fields>>>,
    expect: Status,
    now: jiff::Timestamp,
    /// The field that names `this`.
    named_by: SmolStr,
    settings: Option<Map>,
    all_regions: bool,
    /// What AWS would answer of the network; `None`: nothing was read.
    network: Option<Value>,
    /// Whether a failure is to matter less.
    lowered: bool,
}

/// What the rows of a check may speak of.
pub(crate) struct Known<'c> {
    pub kind: &'c Kind,
    pub joins: &'c [Join],
    pub schema: &'c Schema,
    pub settings: &'c Map,
}

/// A fixture whose verdict was not the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The row's name.
    pub name: SmolStr,
    /// What it wants.
    pub expected: Status,
    /// What the check said.
    pub found: Status,
}

impl Fixture {
    pub(crate) fn read_all(r: &mut Reader<'_>, yaml: &Yaml, known: &Known<'_>) -> Vec<Self> {
        let rows = yaml.get("tests").and_then(Yaml::entries).unwrap_or_default();
        let out: Vec<Self> =
            rows.iter().filter_map(|(name, row)| Self::read(r, name.name.clone(), row, known)).collect();
        let mut wanted = vec![Status::Pass, Status::Fail, Status::Unknown];
        if yaml.get("when").is_some() {
            wanted.push(Status::NotApplicable);
        }
        for status in wanted {
            if !rows.is_empty() && out.len() < rows.len() {
                break; // the broken rows were complained of already
            }
            if !out.iter().any(|f| f.expect == status) {
                r.complain(yaml.get("tests").unwrap_or(yaml), format!("no fixture expects `{}`", status_word(status)));
            }
        }
        out
    }

    fn read(r: &mut Reader<'_>, name: SmolStr, row: &Yaml, check: &Known<'_>) -> Option<Self> {
        let Known { kind, joins, schema, .. } = *check;
        let mut known = vec!["this", "expect", "now", "settings", "regions", "network", "lowered"];
        known.extend(joins.iter().map(|j| j.name.as_str()));
        r.only(row, &known);
        let before = r.errors.len();
        let this = row.get("this").map_or_else(Vec::new, |t| fields(r, t, kind));
        let mut joined = Vec::new();
        for join in joins {
            joined.push(match row.get(&join.name) {
                None => Some(Vec::new()),
                Some(y) if y.text() == Some("unknown") => None,
                Some(y) => match (y.items(), schema.kind(&join.kind)) {
                    (Some(items), Some(kind)) => Some(items.iter().map(|i| fields(r, i, kind)).collect()),
                    _ => {
                        r.complain(y, format!("`{}` wants a list of resources, or `unknown`", join.name));
                        None
                    }
                },
            });
        }
        let expect = match r.want_text(row, "expect").as_str() {
            "pass" => Status::Pass,
            "fail" => Status::Fail,
            "unknown" => Status::Unknown,
            "not_applicable" => Status::NotApplicable,
            other => {
                let near = hint(other, ["pass", "fail", "unknown", "not_applicable"]);
                r.complain(row.get("expect").unwrap_or(row), format!("`{other}` is not a verdict{near}"));
                Status::Unknown
            }
        };
        let now = r.text(row, "now").unwrap_or_else(|| NOW.into());
        let Ok(now) = now.parse() else {
            r.complain(row.get("now").unwrap_or(row), format!("`{now}` is not a time"));
            return None;
        };
        let settings = row.get("settings").map(|at| overrides(r, at, check.settings));
        let all_regions = match r.text(row, "regions").as_deref() {
            None | Some("all") => true,
            Some("some") => false,
            Some(other) => {
                r.complain(row.get("regions").unwrap_or(row), format!("`regions` is `all` or `some`, found `{other}`"));
                true
            }
        };
        let network = row.get("network").filter(|y| y.text() != Some("unknown")).and_then(Yaml::value);
        if let Some(Err(e)) = network.as_ref().map(read_network) {
            r.complain(row.get("network").unwrap_or(row), e);
        }
        let lowered = matches!(row.get("lowered").and_then(Yaml::value), Some(Value::Bool(true)));
        let named_by = kind.name.clone();
        let out = Self { name, named_by, this, joins: joined, expect, now, settings, all_regions, network, lowered };
        (r.errors.len() == before).then_some(out)
    }

    fn estate(&self, check: &Check, tables: &Arc<Tables>) -> (Estate, u32) {
        let caller = Caller { account: ACCOUNT.into(), arn: SmolStr::default(), partition: "aws".into() };
        let scope =
            Scope { regions: vec![HERE.into(), ELSEWHERE.into()], all_regions: self.all_regions, ..Scope::default() };
        let mut estate = Estate::new(self.now, vec![caller], scope, tables.clone());
        let global: SmolStr = "aws-global".into();
        let place = |regional: bool, elsewhere: bool| match (regional, elsewhere) {
            (false, _) => global.clone(),
            (true, false) => HERE.into(),
            (true, true) => ELSEWHERE.into(),
        };
        let mut unlisted = Vec::new();
        for (join, given) in check.joins.iter().zip(&self.joins) {
            // Where the same kind is joined here and across Regions, the latter's rows stand in another Region.
            let twin = check.joins.iter().any(|j| j.kind == join.kind && j.across == Across::SameRegion);
            let region = place(join.regional, join.across != Across::SameRegion && twin);
            match given {
                None => unlisted.push((join.kind.clone(), region)),
                Some(assets) => {
                    for fields in assets {
                        estate.push(asset(&join.kind, region.clone(), fields.clone()));
                    }
                }
            }
        }
        let gap = Arc::new(Gap::new(GapReason::AccessDenied, "fixture"));
        for join in &check.joins {
            for region in [&global, &HERE.into(), &ELSEWHERE.into()] {
                let at = (join.kind.clone(), region.clone());
                let hole = unlisted.contains(&at).then(|| gap.clone());
                estate.set_listing((at.0, ACCOUNT.into(), at.1), hole);
            }
        }
        let mut this = asset(&check.each, place(check.regional, false), self.this.clone());
        if let Field::Known(Value::String(id)) = this.field(&self.named_by) {
            this.id = id.clone();
        }
        let this = estate.push(this);
        estate.prepare(&check.joins);
        if let Some(Ok(network)) = self.network.as_ref().map(read_network) {
            estate.set_network(network);
        }
        (estate, this)
    }
}

/// Runs a check's fixtures. `recompile` yields the check with settings overridden, for rows that override some.
pub(crate) fn run(check: &Check, tables: &Arc<Tables>, recompile: impl Fn(&Map) -> Option<Check>) -> Vec<Broken> {
    let mut out = Vec::new();
    for fixture in &check.fixtures {
        let other = fixture.settings.as_ref().and_then(&recompile);
        let check = other.as_ref().unwrap_or(check);
        let (estate, this) = fixture.estate(check, tables);
        let (found, _) = judge_one(&estate, check, this, false);
        let lowered = found == Status::Fail && lowered(&estate, check, this).is_some();
        if found != fixture.expect || lowered != fixture.lowered {
            out.push(Broken { name: fixture.name.clone(), expected: fixture.expect, found });
        }
    }
    out
}

/// The network of a row: what AWS answers to `DescribeVpcs` and its like.
fn read_network(document: &Value) -> Result<Network, String> {
    let mut reader = yagura_network::read::Reader::new();
    let home = Home { account: ACCOUNT.into(), region: HERE.into() };
    reader.answer(document, &home).map_err(|e| e.to_string())?;
    Ok(Network::new(reader.finish()))
}

/// The word for a status in content files and machine output.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Unknown => "unknown",
        Status::NotApplicable => "not_applicable",
    }
}

/// The settings of a row; complains of those that the check does not have, or has in another form.
fn overrides(r: &mut Reader<'_>, at: &Yaml, settings: &Map) -> Map {
    let Some(entries) = at.entries() else {
        r.complain(at, "`settings` wants names with their values");
        return Map::new();
    };
    let mut out = Map::new();
    for (key, value) in entries {
        match (settings.get(&key.name), value.value()) {
            (Some(default), Some(v)) if same_form(default, &v) => out.insert(key.name.clone(), v),
            (Some(default), _) => {
                r.complain(value, format!("the setting `{}` must be like its default {default}", key.name))
            }
            (None, _) => {
                let near = hint(&key.name, settings.iter().map(|(k, _)| k.as_str()));
                r.complain(value, format!("no setting `{}`{near}", key.name));
            }
        }
    }
    out
}

/// Whether a setting may take a value, seeing its default.
pub(crate) fn same_form(default: &Value, value: &Value) -> bool {
    std::mem::discriminant(default) == std::mem::discriminant(value)
        || matches!((default, value), (Value::Float(_), Value::Int(_)))
}

fn asset(kind: &SmolStr, region: SmolStr, fields: Fields) -> Asset {
    let mut a = Asset {
        kind: kind.clone(),
        arn: None,
        id: "fixture".into(),
        account: ACCOUNT.into(),
        region,
        fields: Vec::new(),
    };
    for (name, field) in fields {
        a.set(name, field);
    }
    a
}

fn fields(r: &mut Reader<'_>, at: &Yaml, kind: &Kind) -> Fields {
    let Some(entries) = at.entries() else {
        r.complain(at, "a resource is written as a mapping of its fields");
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        if !kind.fields.contains_key(&key.name) {
            let near = hint(&key.name, kind.fields.keys().map(SmolStr::as_str));
            r.complain(value, format!("`{}` has no field `{}`{near}", kind.id, key.name));
        }
        let field = match &value.kind {
            YamlKind::Text(t) if t == "absent" => Field::Absent,
            YamlKind::Null => Field::Absent,
            YamlKind::Text(t) if t == "unknown" => {
                Field::Unknown(Arc::new(Gap::new(GapReason::AccessDenied, "fixture")))
            }
            _ => value.value().map_or(Field::Absent, Field::Known),
        };
        if let Field::Known(v) = &field
            && let Some(t) = kind.fields.get(&key.name)
            && let Some(wrong) = misfit(v, t)
        {
            r.complain(value, format!("`{}`: {wrong}", key.name));
        }
        out.push((key.name.clone(), field));
    }
    out
}

/// Where a fixture's value is not of the service model's shape.
fn misfit(value: &Value, t: &yagura_model::Type) -> Option<String> {
    use yagura_model::Type;
    match (value, t) {
        (_, Type::Any)
        | (Value::Bool(_), Type::Bool)
        | (Value::Int(_), Type::Int | Type::Float)
        | (Value::Float(_), Type::Float)
        | (Value::String(_), Type::String | Type::Timestamp) => None,
        (Value::List(l), Type::List(of)) => l.iter().find_map(|v| misfit(v, of)),
        (Value::Map(m), Type::Map(of)) => m.iter().find_map(|(_, v)| misfit(v, of)),
        (Value::Map(m), Type::Struct(fields)) => m.iter().find_map(|(k, v)| match fields.get(k) {
            Some(t) => misfit(v, t).map(|w| format!("{k}: {w}")),
            None => Some(format!("no member `{k}`{}", hint(k, fields.keys().map(SmolStr::as_str)))),
        }),
        (v, _) => Some(format!("{v} is not of the type that AWS answers")),
    }
}
