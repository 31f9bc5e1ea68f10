//! Resource kinds joined with API facts: what expressions may name, and which call answers for each field.

use crate::resource::{Describe, FieldCall, Input, Resource};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_aws::{Facts, ReadOperation};
use yagura_model::{Asset, Type};
use yagura_rule::{ContentError, Kind, Schema, nearest_hint};

/// All resource kinds, ready to be read.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    kinds: BTreeMap<SmolStr, ReadyKind>,
}

/// A kind with its calls resolved.
#[derive(Debug, Clone)]
pub struct ReadyKind {
    /// Its file.
    pub resource: Arc<Resource>,
    /// The call that lists it.
    pub list: Option<Arc<ReadOperation>>,
    /// The call to make before.
    pub first: Option<Arc<ReadOperation>>,
    /// The call that describes it.
    pub describe: Option<Arc<ReadOperation>>,
    /// The calls of fields, in the file's order.
    pub fields: Vec<Arc<ReadOperation>>,
    /// Fields that come with the listing.
    listed: BTreeMap<SmolStr, Type>,
    /// Fields that come with the description only.
    described: BTreeMap<SmolStr, Type>,
    /// Fields with a call of their own.
    called: BTreeMap<SmolStr, Type>,
}

/// Which call answers for a field.
#[derive(Debug, Clone, Copy)]
pub enum Source<'k> {
    /// It comes with the listing.
    List,
    /// It comes with the description.
    Describe(&'k Describe, &'k Arc<ReadOperation>),
    /// A call of its own.
    Call(&'k FieldCall, &'k Arc<ReadOperation>),
}

impl Kinds {
    /// Resolves the calls of resource files. A broken file is left out and complained of; the rest stands.
    pub fn resolve(resources: impl IntoIterator<Item = Resource>, facts: &Facts) -> (Self, Vec<ContentError>) {
        let (mut kinds, mut errors) = (BTreeMap::new(), Vec::new());
        for resource in resources {
            let id = resource.id.clone();
            match ReadyKind::resolve(resource, facts) {
                Ok(kind) => {
                    kinds.insert(id, kind);
                }
                Err(e) => errors.push(e),
            }
        }
        let broken: Vec<_> = kinds.values().filter_map(|kind| broken_over(kind, &kinds)).collect();
        for (id, error) in broken {
            kinds.remove(&id);
            errors.push(error);
        }
        (Self { kinds }, errors)
    }

    /// The kind with this id.
    pub fn get(&self, id: &str) -> Option<&ReadyKind> {
        self.kinds.get(id)
    }

    /// All kinds, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &ReadyKind> {
        self.kinds.values()
    }

    /// What expressions are checked against.
    pub fn schema(&self) -> Schema {
        let kind = |k: &ReadyKind| {
            let fields =
                k.listed.iter().chain(&k.described).chain(&k.called).map(|(n, t)| (n.clone(), t.clone())).collect();
            let name = SmolStr::from(k.resource.name.as_str());
            Kind {
                id: k.resource.id.clone(),
                regional: k.resource.regional,
                placed: k.resource.region.is_some(),
                name,
                fields,
            }
        };
        self.kinds.values().map(kind).collect()
    }
}

impl ReadyKind {
    fn resolve(resource: Resource, facts: &Facts) -> Result<Self, ContentError> {
        let resolve = |call: &SmolStr| facts.read_operation(call).map_err(|e| complain(&resource, call, e.to_string()));
        let list = resource.list.as_ref().map(|l| resolve(&l.call)).transpose()?;
        let first = resource.list.as_ref().and_then(|l| l.first.as_ref()).map(&resolve).transpose()?;
        let describe = resource.describe.as_ref().map(|d| resolve(&d.call)).transpose()?;
        let fields = resource.fields.iter().map(|f| resolve(&f.call)).collect::<Result<Vec<_>, _>>()?;

        let mut listed = BTreeMap::new();
        if let (Some(spec), Some(op)) = (&resource.list, &list) {
            listed = listed_fields(&resource, spec, op)?;
        }
        if let Some(expand) = &resource.expand {
            let names = expand.fields.iter().map(|(n, _)| n.clone()).chain(["slot".into()]);
            listed.extend(names.map(|n| (n, Type::String)));
        }
        listed.retain(|name, _| !resource.omit.contains(name));
        let mut described = BTreeMap::new();
        if let (Some(spec), Some(op)) = (&resource.describe, &describe) {
            let t = at_path(&op.output(), spec.take.as_deref())
                .ok_or_else(|| no_path(&resource, &spec.call, spec.take.as_deref()))?;
            let t = if let Type::List(of) = t { (*of).clone() } else { t };
            let Type::Struct(members) = t else {
                return Err(complain(&resource, &spec.call, "the description must be a structure".to_owned()));
            };
            described = members
                .iter()
                .filter(|(n, _)| !listed.contains_key(*n) && !resource.omit.contains(*n))
                .map(|(n, t)| (n.clone(), t.clone()))
                .collect();
        }
        let mut called = BTreeMap::new();
        for (spec, op) in resource.fields.iter().zip(&fields) {
            // The listing answers first: such a field would never be read, and every check of it unknown.
            if listed.contains_key(&spec.name) {
                let why = format!(
                    "the listing of `{}` already brings a `{}`: give this field another name",
                    resource.id, spec.name
                );
                return Err(complain(&resource, &format!("  {}:", spec.name), why));
            }
            let path = spec.member.as_ref().map(|(p, _)| p).or(spec.take.as_ref());
            let t = at_path(&op.output(), path.map(SmolStr::as_str))
                .ok_or_else(|| no_path(&resource, &spec.call, path.map(SmolStr::as_str)))?;
            called.insert(spec.name.clone(), if spec.member.is_some() { Type::Bool } else { t });
        }
        // A slip here would make resources vanish from a scan by tag, or count another account's, and nobody would be told.
        let r = &resource;
        let paths = [
            ("tags", &r.tags),
            ("policy", &r.policy),
            ("region", &r.region),
            ("owner", &r.owner),
            ("shared_by", &r.shared_by),
            ("unique", &r.unique),
        ];
        for (key, path) in paths {
            let Some(path) = path else { continue };
            let top = path.split('.').next().unwrap_or(path);
            let may_be_late = matches!(key, "tags" | "policy");
            let late = may_be_late && (described.contains_key(top) || called.contains_key(top));
            if !late && !listed.contains_key(top) {
                let late = described.keys().chain(called.keys()).filter(|_| may_be_late);
                let near = nearest_hint(top, listed.keys().chain(late).map(SmolStr::as_str));
                return Err(complain(r, &format!("{key}: {path}"), format!("`{}` has no field `{top}`{near}", r.id)));
            }
        }
        let all: BTreeMap<SmolStr, Type> =
            listed.iter().chain(&described).chain(&called).map(|(n, t)| (n.clone(), t.clone())).collect();
        if let Some((path, why)) = crate::iac::spec::misplaced(&resource.iac, &all) {
            return Err(complain(&resource, &path, why));
        }
        Ok(Self { resource: Arc::new(resource), list, first, describe, fields, listed, described, called })
    }

    /// Which call answers for a field; `None` where there is no such field.
    pub fn source(&self, field: &str) -> Option<Source<'_>> {
        if self.listed.contains_key(field) {
            return Some(Source::List);
        }
        if let Some(at) = self.resource.fields.iter().position(|f| f.name == field) {
            return Some(Source::Call(self.resource.fields.get(at)?, self.fields.get(at)?));
        }
        if self.described.contains_key(field) {
            return Some(Source::Describe(self.resource.describe.as_ref()?, self.describe.as_ref()?));
        }
        None
    }

    /// What a description in batches names besides the assets themselves: only assets that agree in it go together.
    pub(crate) fn shared_input(&self, asset: &Asset) -> String {
        let Some(describe) = self.resource.describe.as_ref().filter(|d| d.batch.is_some()) else {
            return String::new();
        };
        let path = |input: &Input| match input {
            Input::Path(path) => asset.path(path).ok().flatten().map(|v| v.to_string()),
            Input::Paths(_) | Input::Constant(_) => None,
        };
        describe.with.iter().filter_map(|(_, input)| path(input)).collect::<Vec<_>>().join("\n")
    }

    /// Every field, sorted.
    pub fn names(&self) -> impl Iterator<Item = &SmolStr> {
        self.listed.keys().chain(self.described.keys()).chain(self.called.keys())
    }

    /// Fields that the listing does not bring.
    pub fn pending(&self) -> impl Iterator<Item = &SmolStr> {
        self.described.keys().chain(self.called.keys())
    }
}

/// Why a kind cannot be listed over another one.
fn broken_over(kind: &ReadyKind, kinds: &BTreeMap<SmolStr, ReadyKind>) -> Option<(SmolStr, ContentError)> {
    let over = |k: &ReadyKind| k.resource.list.as_ref().and_then(|l| l.over.clone());
    let mut seen = vec![kind.resource.id.clone()];
    let mut next = over(kind)?;
    let complain =
        |over: &str, message: String| Some((kind.resource.id.clone(), complain(&kind.resource, over, message)));
    loop {
        let Some(found) = kinds.get(&next) else {
            let near = nearest_hint(&next, kinds.keys().map(SmolStr::as_str));
            return complain(&next, format!("unknown kind `{next}`{near}"));
        };
        if seen.contains(&next) {
            return complain(&next, format!("`{next}` is listed over itself"));
        }
        if found.resource.regional != kind.resource.regional {
            return complain(&next, format!("`{next}` has another scope than `{}`", kind.resource.id));
        }
        seen.push(next);
        next = over(found)?;
    }
}

fn listed_fields(
    resource: &Resource,
    spec: &crate::resource::List,
    op: &ReadOperation,
) -> Result<BTreeMap<SmolStr, Type>, ContentError> {
    if let Some(columns) = &spec.csv {
        return Ok(columns.iter().map(|c| (c.clone(), Type::String)).collect());
    }
    let t = at_path(&op.output(), spec.each.as_deref())
        .ok_or_else(|| no_path(resource, &spec.call, spec.each.as_deref()))?;
    let item = match t {
        Type::List(of) => (*of).clone(),
        one => one,
    };
    let kept = spec.keep.iter().map(|name| (name.clone(), Type::String));
    match (&spec.item, item) {
        (Some(name), t) => Ok(kept.chain([(name.clone(), t)]).collect()),
        (None, Type::Struct(members)) => Ok(kept.chain(members.iter().map(|(n, t)| (n.clone(), t.clone()))).collect()),
        (None, _) => Err(complain(
            resource,
            &spec.call,
            "the listed items are no structures: name their field with `as`".to_owned(),
        )),
    }
}

/// The type at a dotted path; lists on the way are flattened.
fn at_path(t: &Type, path: Option<&str>) -> Option<Type> {
    let mut here = t.clone();
    for part in path.into_iter().flat_map(|p| p.split('.')) {
        let (inner, through_list) = match here {
            Type::List(of) => ((*of).clone(), true),
            t => (t, false),
        };
        let found = match inner {
            Type::Struct(members) => members.get(part)?.clone(),
            Type::Map(of) => (*of).clone(),
            Type::Any => Type::Any,
            _ => return None,
        };
        here = match (through_list, found) {
            (true, t @ Type::List(_)) | (false, t) => t,
            (true, t) => Type::List(Arc::new(t)),
        };
    }
    Some(here)
}

fn no_path(resource: &Resource, call: &str, path: Option<&str>) -> ContentError {
    complain(resource, call, format!("the answer of `{call}` has no `{}`", path.unwrap_or_default()))
}

/// An error at the line that names the call.
fn complain(resource: &Resource, call: &str, message: String) -> ContentError {
    let line = resource.file.text.lines().position(|l| l.contains(call)).map_or(1, |n| n as u64 + 1);
    let column = resource.file.text.lines().find_map(|l| l.find(call)).map_or(1, |c| c as u64 + 1);
    ContentError { file: resource.file.path.clone(), line, column, message }
}
