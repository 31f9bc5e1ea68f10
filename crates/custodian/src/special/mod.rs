//! Filters with a meaning of their own, one family a file.

mod access;
mod account;
mod asg;
mod backups;
mod balancers;
mod compute;
mod databases;
mod findings;
mod iam;
mod metrics;
mod network;
mod parts;
mod related;
mod roles;
mod s3;
mod services;
mod settings;
mod shares;
mod statement;
mod time;
mod versions;
mod waf;

use crate::call::Call;
use crate::filter::{Answer, Ask, Context, Read};
use crate::value::ValueFilter;
use crate::world::Res;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::{Field, Gap, GapReason};

/// What a filter asks of a resource.
pub type Test = Box<dyn Fn(&Ask<'_>) -> Answer>;

/// A compiled filter, and the data that it hangs on.
pub struct Made {
    /// The question.
    pub test: Test,
    /// Members of the resource; `None`: any of them.
    pub roots: Option<BTreeSet<String>>,
    /// Other data.
    pub reads: Vec<Read>,
}

impl Made {
    /// One that hangs on nothing but these members of the resource.
    fn on(roots: &[&str], test: impl Fn(&Ask<'_>) -> Answer + 'static) -> Self {
        let roots = roots.iter().map(|r| (*r).to_owned()).collect();
        Self { test: Box::new(test), roots: Some(roots), reads: Vec::new() }
    }

    /// The same, with other data.
    fn reading(mut self, reads: impl IntoIterator<Item = Read>) -> Self {
        self.reads.extend(reads);
        self
    }
}

/// A filter as written.
struct Build<'b, 'c> {
    name: &'b str,
    data: &'b Json,
    /// The same with its placeholders, which a call's input keeps: it is made wherever the resource is.
    raw: &'b Json,
    cx: &'b Context<'c>,
}

impl Build<'_, '_> {
    fn text(&self, key: &str) -> Option<String> {
        self.data.get(key).and_then(Json::as_str).map(str::to_owned)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.data.get(key).and_then(Json::as_bool)
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let list = self.data.get(key).and_then(Json::as_array).into_iter().flatten();
        list.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    fn resource(&self) -> &str {
        self.cx.resource.name
    }

    /// The filter's own value question (`key`, `op`, `value`, …).
    fn value(&self) -> Result<ValueFilter, String> {
        ValueFilter::compile_with(self.data, self.data.get("key").and_then(Json::as_str), self.cx)
    }

    /// What the policy gives for a call, in the form that calls have.
    fn input(&self, key: &str) -> Result<Option<Json>, String> {
        self.raw.get(key).map(placed).transpose()
    }

    /// A call about each of the policy's resources.
    fn call(&self, call: &str, with: &Json) -> Call {
        Call::new(&self.cx.kind.kind, call, with)
    }

    /// Our kind for another of Cloud Custodian's resources.
    fn kind(&self, resource: &str) -> Result<smol_str::SmolStr, String> {
        let known = self.cx.names.by_resource.get(resource);
        known.map(|k| k.kind.clone()).ok_or_else(|| format!("`{}` hangs on `{resource}`, which is not read", self.name))
    }
}

/// A policy's value as a call's input: the account's and the Region's placeholders have other names there, and no other brace has
/// a meaning.
fn placed(v: &Json) -> Result<Json, String> {
    Ok(match v {
        Json::String(s) => {
            let plain = s.replace("{account_id}", "").replace("{region}", "");
            if plain.contains(['{', '}']) {
                return Err(format!("`{s}`: only {{account_id}} and {{region}} are filled in here"));
            }
            s.replace("{account_id}", "{account}").into()
        }
        Json::Array(a) => a.iter().map(placed).collect::<Result<_, _>>()?,
        Json::Object(o) => {
            let members = o.iter().map(|(k, v)| Ok((k.clone(), placed(v)?)));
            Json::Object(members.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

type Maker = fn(&Build<'_, '_>) -> Option<Result<Made, String>>;

const FAMILIES: [Maker; 22] = [
    settings::make,
    account::make,
    metrics::make,
    findings::make,
    backups::make,
    waf::make,
    versions::make,
    asg::make,
    parts::make,
    balancers::make,
    databases::make,
    roles::make,
    iam::make,
    s3::make,
    network::make,
    compute::make,
    services::make,
    statement::make,
    access::make,
    shares::make,
    time::make,
    related::make,
];

/// Compiles a filter; `None` where nothing here answers it.
pub fn make(name: &str, data: &Json, raw: &Json, cx: &Context<'_>) -> Option<Result<Made, String>> {
    let build = Build { name, data, raw, cx };
    FAMILIES.iter().find_map(|f| f(&build))
}

/// A field of the resource as it was read: what the filter hangs on, by a call of its own.
fn own(field: &str) -> Read {
    Read::Own(field.into())
}

fn kind(kind: &str) -> Read {
    Read::Kind(kind.into())
}

fn field(kind: &str, field: &str) -> Read {
    Read::Field(kind.into(), field.into())
}

/// A question to the answer of a call about each resource.
fn asking(call: Call, test: impl Fn(&Ask<'_>, Json) -> Result<Answer, Arc<Gap>> + 'static) -> Made {
    let asked = call.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| tri(|| test(ask, ask.res.asked(&asked)?)));
    made.reading([Read::Asked(call)])
}

/// A setting of the account (`account`) or of the Region (`region`), by the field that holds it.
fn setting(ask: &Ask<'_>, kind: &str, name: &str) -> Result<Json, Arc<Gap>> {
    let place = ask.scene.place;
    let here = |a: &&yagura_model::Asset| {
        a.kind == kind && a.account == place.account && (kind != "region" || a.region == place.region)
    };
    let untold = || Arc::new(Gap::new(GapReason::NotRequested, format!("`{name}` was not read")));
    let asset = ask.scene.world.snapshot.assets.iter().find(here).ok_or_else(untold)?;
    match asset.fields.iter().find(|(n, _)| n == name) {
        Some((_, Field::Known(v))) => Ok(v.to_json()),
        Some((_, Field::Absent)) => Ok(Json::Null),
        Some((_, Field::Partly(_, gap) | Field::Unknown(gap))) => Err(crate::world::asked(gap, name)),
        None => Err(untold()),
    }
}

/// The items of a list; none where it is none.
fn list(of: &Json) -> &[Json] {
    of.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A member's text; empty where it has none.
fn text<'j>(of: &'j Json, member: &str) -> &'j str {
    of.get(member).and_then(Json::as_str).unwrap_or_default()
}

/// Whether a flag of the filter agrees with what is.
fn agree(wanted: bool, is: bool) -> Answer {
    (wanted == is).into()
}

/// All resources of one of our kinds where the policy runs.
fn all<'a>(ask: &'a Ask<'a>, kind: &'a str) -> Result<Vec<&'a Res<'a>>, Arc<Gap>> {
    ask.scene.world.all(kind, ask.scene.place)
}

/// Runs a question that may end in a gap.
fn tri(run: impl FnOnce() -> Result<Answer, Arc<Gap>>) -> Answer {
    run().unwrap_or_else(Answer::Unknown)
}
