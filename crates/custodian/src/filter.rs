//! Filters as a tree over sets of resources, in three values: what is in for certain, what may be, and why.

use crate::facts::{Facts, Resource};
pub use crate::needs::{Needs, Read};
use crate::py::Op;
use crate::reduce::Reduce;
use crate::special::{self, Made};
use crate::value::{ValueFilter, short};
use crate::world::{KindOf, Names, Place, Res, World, not_told};
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_model::Gap;

/// What a policy is compiled with.
pub struct Context<'c> {
    /// What Cloud Custodian knows.
    pub facts: &'c Facts,
    /// The policy's resource.
    pub resource: Resource<'c>,
    /// The same among our kinds.
    pub kind: &'c KindOf,
    /// All others.
    pub names: &'c Names,
    /// Where it runs.
    pub place: Place,
    /// The present.
    pub now: jiff::Timestamp,
    /// The text of a local file, for `value_from`.
    pub file: &'c dyn Fn(&str) -> Result<String, String>,
}

impl Context<'_> {
    /// A text with its placeholders filled in. One that holds a brace with another meaning stays whole, as in Cloud Custodian.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else { return text.to_owned() };
            out.push_str(before);
            match name {
                "account_id" => out.push_str(&self.place.account),
                "region" => out.push_str(&self.place.region),
                "now" => out.push_str(&self.now.strftime("%Y-%m-%d %H:%M:%S").to_string()),
                _ => match name.strip_prefix("now:") {
                    Some(form) => {
                        let told = jiff::fmt::strtime::format(form, &self.now.to_zoned(jiff::tz::TimeZone::UTC));
                        let Ok(told) = told else { return text.to_owned() };
                        out.push_str(&told);
                    }
                    None => return text.to_owned(),
                },
            }
            rest = tail;
        }
        out + rest
    }

    /// The same for every text of a value.
    pub fn fill_all(&self, of: &Json) -> Json {
        match of {
            Json::String(s) if s.contains('{') => self.fill(s).into(),
            Json::Array(a) => a.iter().map(|v| self.fill_all(v)).collect(),
            Json::Object(o) => {
                o.iter().map(|(k, v)| (k.clone(), self.fill_all(v))).collect::<serde_json::Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}

/// A compiled filter.
pub enum Filter {
    /// All of them, one after the other.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not all of them.
    Not(Vec<Filter>),
    /// A value.
    Value(Box<ValueFilter>),
    /// How many there are.
    Count(Op, Json),
    /// Groups, sorted and cut.
    Reduce(Box<Reduce>),
    /// Items of a list.
    Items(Box<Items>),
    /// The event that the policy is run for.
    Event(Box<ValueFilter>),
    /// One with a meaning of its own.
    Special(Made),
    /// One that cannot be answered, and why.
    Unanswered(Arc<Gap>),
}

/// A `list-item` filter.
pub struct Items {
    /// Where the list comes from.
    pub path: crate::path::Path,
    /// What an item must be.
    pub attrs: Vec<Filter>,
    /// How many of them there must be; at least one without it.
    pub count: Option<(Op, Json)>,
}

/// What is filtered: a resource, or an item of a list in one.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What it looks like.
    pub json: &'a Json,
    /// The resource; `None` for an item.
    pub res: Option<&'a Res<'a>>,
}

/// One that is in the set.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its place among the subjects.
    pub at: usize,
    /// Why it is not certain that it belongs there.
    pub why: Option<Arc<Gap>>,
    /// What filters noted on it.
    pub notes: Notes,
}

/// What filters note on a resource: members and their values.
pub type Notes = Vec<(String, Json)>;

/// What a filter says of one resource.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It matches; with what is to be noted.
    Yes(Vec<(String, Json)>),
    /// It does not.
    No,
    /// Not known, and why.
    Unknown(Arc<Gap>),
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes(Vec::new()) } else { Self::No }
    }
}

/// Known, or the gap.
impl From<Result<bool, Arc<Gap>>> for Answer {
    fn from(r: Result<bool, Arc<Gap>>) -> Self {
        r.map_or_else(Self::Unknown, Self::from)
    }
}

/// What filters are evaluated on.
pub struct Scene<'a> {
    /// What was read.
    pub world: &'a World<'a>,
    /// Where.
    pub place: &'a Place,
    /// The resources (or items).
    pub subjects: &'a [Subject<'a>],
    /// The present.
    pub now: jiff::Timestamp,
    /// The event, where one was given.
    pub event: Option<&'a Json>,
}

/// Whether any filter, at any depth, is of a kind.
pub fn any(filters: &[Json], is: &dyn Fn(&Json) -> bool) -> bool {
    filters.iter().any(|f| is(f) || block(f).is_some_and(|(_, inner)| any(inner, is)))
}

/// The type of a filter as written.
pub fn type_of(f: &Json) -> Option<&str> {
    f.as_str().or_else(|| f.get("type").and_then(Json::as_str))
}

fn block(f: &Json) -> Option<(&str, &[Json])> {
    let (key, value) = short(f)?;
    ["and", "or", "not"].contains(&key).then_some((key, value.as_array()?.as_slice()))
}

/// Compiles a list of filters. One that cannot be answered leaves what hangs on it unknown.
pub fn compile(filters: &[Json], cx: &Context<'_>) -> Vec<Filter> {
    filters.iter().map(|f| one(f, cx).unwrap_or_else(|why| Filter::Unanswered(not_told(why)))).collect()
}

fn one(raw: &Json, cx: &Context<'_>) -> Result<Filter, String> {
    if let Some((key, inner)) = block(raw) {
        let inner = compile(inner, cx);
        return Ok(match key {
            "or" => Filter::Or(inner),
            "not" => Filter::Not(inner),
            _ => Filter::And(inner),
        });
    }
    let f = &cx.fill_all(raw);
    let name = type_of(f).unwrap_or("value");
    if let Some(secret) = omitted(f, cx) {
        return Ok(Filter::Unanswered(not_told(format!("`{secret}` is not kept"))));
    }
    match name {
        "value" if f.get("value_type").and_then(Json::as_str) == Some("resource_count") => {
            let value = f.get("value").cloned().unwrap_or(Json::Null);
            let op = f.get("op").and_then(Json::as_str).unwrap_or("eq");
            Ok(Filter::Count(Op::of(op, None)?, value))
        }
        "value" => Ok(Filter::Value(Box::new(ValueFilter::compile(f, cx)?))),
        "event" => Ok(Filter::Event(Box::new(ValueFilter::compile(f, cx)?))),
        "reduce" => Ok(Filter::Reduce(Box::new(Reduce::compile(f)?))),
        "list-item" => items(f, cx).map(|i| Filter::Items(Box::new(i))),
        _ => match special::make(name, f, raw, cx) {
            Some(made) => made.map(Filter::Special),
            None => Ok(Filter::Unanswered(not_told(format!(
                "the filter `{name}` of `{}` is not evaluated here",
                cx.resource.name
            )))),
        },
    }
}

/// What a filter asks of that is thrown away as soon as it is read, or not read at all.
fn omitted<'c>(f: &Json, cx: &Context<'c>) -> Option<&'c SmolStr> {
    let key = f.get("key").and_then(Json::as_str).or_else(|| short(f).map(|(k, _)| k))?;
    if cx.resource.name == "s3" && key.contains("Owner") {
        const OWNER: &SmolStr = &SmolStr::new_static("Acl.Owner");
        return Some(OWNER);
    }
    let nested = cx.kind.omitted.iter().filter(|o| o.contains('.'));
    nested.into_iter().find(|o| o.rsplit('.').next().is_some_and(|last| key.contains(last)))
}

/// A `list-item` filter.
///
/// # Errors
/// Why it has no meaning.
pub fn items(f: &Json, cx: &Context<'_>) -> Result<Items, String> {
    let key = f.get("key").and_then(Json::as_str).unwrap_or("@");
    let attrs = f.get("attrs").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let op = f.get("count_op").and_then(Json::as_str).unwrap_or("eq");
    let count = f.get("count").map(|n| Op::of(op, None).map(|op| (op, n.clone()))).transpose()?;
    Ok(Items { path: crate::path::Path::parse(key)?, attrs: compile(attrs, cx), count })
}

/// Those of a set that pass all filters, or may.
pub fn keep(filters: &[Filter], mut set: Vec<Held>, scene: &Scene<'_>) -> Vec<Held> {
    for f in filters {
        if set.is_empty() {
            break;
        }
        set = f.keep(set, scene);
    }
    set
}

fn certain(set: &[Held]) -> Vec<Held> {
    set.iter().map(|h| Held { why: None, ..h.clone() }).collect()
}

impl Filter {
    fn keep(&self, set: Vec<Held>, scene: &Scene<'_>) -> Vec<Held> {
        match self {
            Self::And(inner) => keep(inner, set, scene),
            Self::Or(inner) => or(inner, set, scene),
            Self::Not(inner) => {
                let passed = keep(inner, certain(&set), scene);
                let passed: BTreeMap<usize, Option<Arc<Gap>>> = passed.into_iter().map(|h| (h.at, h.why)).collect();
                set.into_iter()
                    .filter_map(|h| match passed.get(&h.at) {
                        None => Some(h),
                        Some(None) => None,
                        Some(Some(why)) => Some(Held { why: h.why.clone().or(Some(why.clone())), ..h }),
                    })
                    .collect()
            }
            Self::Count(op, value) => count(op, value, set),
            Self::Reduce(reduce) => {
                let roots = reduce.roots();
                let unsure =
                    set.iter().find_map(|h| h.why.clone().or_else(|| scene.subjects.get(h.at)?.res?.gap_in(&roots)));
                match unsure {
                    Some(why) => set.into_iter().map(|h| Held { why: Some(why.clone()), ..h }).collect(),
                    None => reduce.cut(set, scene.subjects),
                }
            }
            Self::Event(v) => match scene.event {
                Some(event) if v.matches(event, scene.now) => set,
                Some(_) => Vec::new(),
                None => {
                    let why = not_told("it hangs on an event: give one with --event");
                    set.into_iter().map(|h| Held { why: Some(why.clone()), ..h }).collect()
                }
            },
            Self::Unanswered(why) => set.into_iter().map(|h| Held { why: Some(why.clone()), ..h }).collect(),
            Self::Value(_) | Self::Items(_) | Self::Special(_) => {
                set.into_iter().filter_map(|h| self.judge(h, scene)).collect()
            }
        }
    }

    fn judge(&self, held: Held, scene: &Scene<'_>) -> Option<Held> {
        let subject = scene.subjects.get(held.at)?;
        let answer = match self {
            Self::Value(v) => match subject.res.and_then(|r| r.gap_in(&v.roots())) {
                Some(why) => Answer::Unknown(why),
                None if v.matches(subject.json, scene.now) => {
                    Answer::Yes(vec![("c7n:MatchedFilters".to_owned(), v.key().into())])
                }
                None => Answer::No,
            },
            Self::Items(i) => match subject.res.and_then(|r| r.gap_in(&i.path.roots())) {
                Some(why) => Answer::Unknown(why),
                None => i.answer(&i.path.search(subject.json), scene),
            },
            Self::Special(made) => match subject.res {
                Some(res) => (made.test)(&Ask { scene, res, notes: &held.notes }),
                None => Answer::No,
            },
            _ => Answer::No,
        };
        match answer {
            Answer::Yes(mut notes) => {
                let mut held = held;
                held.notes.append(&mut notes);
                Some(held)
            }
            Answer::No => None,
            Answer::Unknown(why) => Some(Held { why: held.why.clone().or(Some(why)), ..held }),
        }
    }
}

/// What a filter with a meaning of its own is asked.
pub struct Ask<'a> {
    /// What was read, and where.
    pub scene: &'a Scene<'a>,
    /// The resource.
    pub res: &'a Res<'a>,
    /// What filters before it noted.
    pub notes: &'a [(String, Json)],
}

impl Items {
    /// Whether a list has the items that are wanted.
    pub fn answer(&self, list: &Json, scene: &Scene<'_>) -> Answer {
        let counted = |n: usize| {
            self.count
                .as_ref()
                .is_some_and(|(op, want)| op.holds(&crate::py::Py::Json(n.into()), &crate::py::Py::Json(want.clone())))
        };
        if !crate::py::truthy(list) {
            return counted(0).into();
        }
        let Some(list) = list.as_array() else {
            return Answer::Unknown(not_told(format!("`{}` is no list", self.path.text())));
        };
        let passed = self.hits_in(list, scene);
        if self.count.is_some() {
            return counted(passed.len()).into();
        }
        let places = passed.iter().map(|at| format!("{}[{at}]", self.path.text()));
        let notes: Vec<(String, Json)> = places.map(|p| ("c7n:ListItemMatches".to_owned(), p.into())).collect();
        if passed.is_empty() { Answer::No } else { Answer::Yes(notes) }
    }

    /// The places of the items of a list that are as wanted.
    pub fn hits(&self, list: &Json, scene: &Scene<'_>) -> Vec<usize> {
        list.as_array().map(|l| self.hits_in(l, scene)).unwrap_or_default()
    }

    fn hits_in(&self, list: &[Json], scene: &Scene<'_>) -> Vec<usize> {
        let subjects: Vec<Subject<'_>> = list.iter().map(|json| Subject { json, res: None }).collect();
        let set = (0..subjects.len()).map(|at| Held { at, why: None, notes: Vec::new() }).collect();
        let inner = Scene { subjects: &subjects, ..*scene };
        keep(&self.attrs, set, &inner).into_iter().map(|h| h.at).collect()
    }
}

fn or(inner: &[Filter], set: Vec<Held>, scene: &Scene<'_>) -> Vec<Held> {
    let mut passed: BTreeMap<usize, (bool, Option<Arc<Gap>>, Notes)> = BTreeMap::new();
    for f in inner {
        for h in f.keep(certain(&set), scene) {
            let entry = passed.entry(h.at).or_default();
            match h.why {
                None => {
                    entry.0 = true;
                    entry.2.extend(h.notes);
                }
                Some(why) => entry.1 = entry.1.take().or(Some(why)),
            }
        }
    }
    set.into_iter()
        .filter_map(|h| match passed.remove(&h.at) {
            None => None,
            Some((true, _, mut notes)) => {
                notes.dedup();
                Some(Held { notes, ..h })
            }
            Some((false, why, _)) => Some(Held { why: h.why.clone().or(why), ..h }),
        })
        .collect()
}

/// All of the set or none, by their number; where the number is not certain, whether it matters.
fn count(op: &Op, value: &Json, set: Vec<Held>) -> Vec<Held> {
    let sure = set.iter().filter(|h| h.why.is_none()).count();
    let holds = |n: usize| op.holds(&crate::py::Py::Json(n.into()), &crate::py::Py::Json(value.clone()));
    let answers: BTreeSet<bool> = (sure..=set.len()).map(holds).collect();
    match (answers.contains(&true), answers.contains(&false)) {
        (true, false) => set,
        (true, true) => {
            let why = set.iter().find_map(|h| h.why.clone());
            set.into_iter().map(|h| Held { why: h.why.clone().or_else(|| why.clone()), ..h }).collect()
        }
        _ => Vec::new(),
    }
}
