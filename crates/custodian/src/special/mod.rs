//! Filters with a meaning of their own, one family a file.

mod access;
mod account;
mod compute;
mod iam;
mod network;
mod related;
mod s3;
mod services;
mod statement;
mod time;

use crate::filter::{Answer, Ask, Context, Read};
use crate::value::ValueFilter;
use crate::world::Res;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

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

    /// Our kind for another of Cloud Custodian's resources.
    fn kind(&self, resource: &str) -> Result<smol_str::SmolStr, String> {
        let known = self.cx.names.by_resource.get(resource);
        known.map(|k| k.kind.clone()).ok_or_else(|| format!("`{}` hangs on `{resource}`, which is not read", self.name))
    }
}

type Maker = fn(&Build<'_, '_>) -> Option<Result<Made, String>>;

const FAMILIES: [Maker; 10] = [
    account::make,
    iam::make,
    s3::make,
    network::make,
    compute::make,
    services::make,
    statement::make,
    access::make,
    time::make,
    related::make,
];

/// Compiles a filter; `None` where nothing here answers it.
pub fn make(name: &str, data: &Json, cx: &Context<'_>) -> Option<Result<Made, String>> {
    let build = Build { name, data, cx };
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
