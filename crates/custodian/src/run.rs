//! A policy run on what was read: which resources it chooses, which it may, and what its actions would do.

use crate::facts::Facts;
use crate::filter::{Context, Filter, Held, Needs, Read, Scene, Subject, compile, keep};
use crate::policy::Policy;
use crate::value::ValueFilter;
use crate::world::{KindOf, Names, Place, Res, World, not_told};
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::{Gap, ResourceRef};

/// What runs share.
pub struct Setting<'r> {
    /// What Cloud Custodian knows.
    pub facts: &'r Facts,
    /// Which resources can be read.
    pub names: &'r Names,
    /// The present: when the data was read.
    pub now: jiff::Timestamp,
    /// The text of a local file, for `value_from`.
    pub file: &'r dyn Fn(&str) -> Result<String, String>,
    /// The event that policies are run for.
    pub event: Option<&'r Json>,
}

/// Whether a policy runs at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// It is for another Region.
    Region(String),
    /// Its conditions do not hold.
    Conditions,
    /// It is not its time (`start`, `end`).
    Time,
}

/// What a policy chose in one place.
#[derive(Debug)]
pub struct Selection {
    /// The resources, as they are written to `resources.json`.
    pub resources: Vec<Json>,
    /// The same, as assets.
    pub chosen: Vec<ResourceRef>,
    /// Resources that may belong there: the id, and why it is not certain.
    pub unknown: Vec<(String, Arc<Gap>)>,
    /// Why resources may be missing altogether.
    pub unlisted: Option<Arc<Gap>>,
    /// Why it did not run.
    pub skipped: Option<Skipped>,
    /// `max-resources` was exceeded: how many it chose, of how many.
    pub exceeded: Option<(usize, usize)>,
    /// How many resources were asked.
    pub asked: usize,
}

/// All places of a set, for certain.
pub(crate) fn everything(count: usize) -> Vec<Held> {
    (0..count).map(|at| Held { at, why: None, notes: Vec::new() }).collect()
}

/// What must be read of a kind for these needs.
pub(crate) fn reads(needs: &Needs, known: &KindOf) -> BTreeSet<Read> {
    let mut out = needs.reads.clone();
    out.extend(known.described.iter().cloned().map(Read::Own));
    let aliases = [("Acl", "Grants"), ("Lifecycle", "LifecycleRules")];
    let bucket = known.resource == "s3";
    for called in &known.called {
        let asked = |root: &str| needs.roots.contains(root);
        let alias = aliases.iter().any(|(c7n, ours)| bucket && *ours == called.as_str() && asked(c7n));
        let tag = known.tags.as_deref().is_some_and(|t| t.split('.').next() == Some(called));
        let beside = known.has_attributes() && called == "Attributes";
        let own_view =
            bucket && ["Encryption", "PublicAccessBlock", "OwnershipControls", "ObjectLock"].contains(&called.as_str());
        if tag || alias || beside || (needs.everything || asked(called)) && !own_view {
            out.insert(Read::Own(called.clone()));
        }
    }
    out
}

impl Setting<'_> {
    fn context<'c>(&'c self, policy: &Policy, place: &Place) -> Option<Context<'c>> {
        Some(Context {
            facts: self.facts,
            resource: self.facts.resource(&policy.resource)?,
            kind: self.names.by_resource.get(&policy.resource)?,
            names: self.names,
            place: place.clone(),
            now: self.now,
            file: self.file,
        })
    }

    /// The data that a policy needs, as kinds and fields; `None` where its resource is none that is read.
    pub fn needs(&self, policy: &Policy) -> Option<BTreeSet<Read>> {
        let nowhere = Place::nowhere();
        let cx = self.context(policy, &nowhere)?;
        let mut needs = Needs::default();
        needs.add(&crate::query::filters(policy, &cx));
        needs.add(&compile(policy.filters(), &cx));
        let own = cx.kind.kind.clone();
        let mut out: BTreeSet<Read> = reads(&needs, cx.kind)
            .into_iter()
            .map(|r| match r {
                Read::Own(f) => Read::Field(own.clone(), f),
                other => other,
            })
            .collect();
        // Fields of others that are described by a call of their own.
        for r in out.clone() {
            let Read::Kind(kind) = &r else { continue };
            if let Some(d) = self.names.of_kind(kind).and_then(|k| k.described.clone()) {
                out.insert(Read::Field(kind.clone(), d));
            }
        }
        out.insert(Read::Kind(own));
        Some(out)
    }

    /// Runs a policy in one place; `None` where its resource is none that is read.
    pub fn run(&self, policy: &Policy, world: &World<'_>, place: &Place) -> Option<Selection> {
        let cx = self.context(policy, place)?;
        let mut selection = Selection {
            resources: Vec::new(),
            chosen: Vec::new(),
            unknown: Vec::new(),
            unlisted: None,
            skipped: self.skipped(policy, &cx),
            exceeded: None,
            asked: 0,
        };
        if selection.skipped.is_some() {
            return Some(selection);
        }
        let filters: Vec<Filter> =
            crate::query::filters(policy, &cx).into_iter().chain(compile(policy.filters(), &cx)).collect();
        let found: Vec<&Res<'_>> = world.of_kind(&cx.kind.kind, place).collect();
        let subjects: Vec<Subject<'_>> = found.iter().map(|r| Subject { json: &r.json, res: Some(r) }).collect();
        let scene = Scene { world, place, subjects: &subjects, now: self.now, event: self.event };
        selection.unlisted = world.listing_gap(&cx.kind.kind, place).or_else(|| cx.kind.partial().map(not_told));
        selection.asked = found.len();
        for held in keep(&filters, everything(found.len()), &scene) {
            let Some(res) = found.get(held.at) else { continue };
            match held.why {
                Some(why) => selection.unknown.push((res.asset.id.to_string(), why)),
                None => {
                    selection.chosen.push(ResourceRef::of(res.asset));
                    selection.resources.push(noted(res, held.notes));
                }
            }
        }
        selection.exceeded = exceeded(policy, selection.resources.len(), found.len());
        Some(selection)
    }

    fn skipped(&self, policy: &Policy, cx: &Context<'_>) -> Option<Skipped> {
        if let Some(region) = policy.region().filter(|r| *r != cx.place.region) {
            return Some(Skipped::Region(region.to_owned()));
        }
        let date = |key: &str| policy.data.get(key).and_then(crate::py::date);
        if date("start").is_some_and(|s| self.now < s) || date("end").is_some_and(|e| self.now > e) {
            return Some(Skipped::Time);
        }
        let about = json!({
            "name": policy.name.as_str(),
            "region": cx.place.region.as_str(),
            "resource": policy.data.get("resource"),
            "account_id": cx.place.account.as_str(),
            "provider": "aws",
            "policy": policy.data,
            "now": self.now.to_string(),
        });
        let hold = policy.conditions().iter().all(|c| condition(&cx.fill_all(c), &about, cx, self).unwrap_or(true));
        (!hold).then_some(Skipped::Conditions)
    }
}

/// Whether a condition of a policy holds; `None` where it hangs on an event that is not there.
fn condition(c: &Json, about: &Json, cx: &Context<'_>, setting: &Setting<'_>) -> Option<bool> {
    let all = |list: &Json| -> Vec<Option<bool>> {
        list.as_array().into_iter().flatten().map(|c| condition(c, about, cx, setting)).collect()
    };
    if let Some((key, list)) = crate::value::short(c).filter(|(k, _)| ["and", "or", "not"].contains(k)) {
        let told = all(list);
        let every = if told.contains(&Some(false)) {
            Some(false)
        } else {
            told.iter().copied().collect::<Option<Vec<_>>>().map(|_| true)
        };
        return match key {
            "or" if told.contains(&Some(true)) => Some(true),
            "or" => told.iter().copied().collect::<Option<Vec<_>>>().map(|_| false),
            "not" => every.map(|e| !e),
            _ => every,
        };
    }
    let filter = ValueFilter::compile(c, cx).ok()?;
    if crate::filter::type_of(c) == Some("event") {
        return setting.event.map(|e| filter.matches(e, setting.now));
    }
    Some(filter.matches(about, setting.now))
}

fn exceeded(policy: &Policy, chosen: usize, of: usize) -> Option<(usize, usize)> {
    let share = |p: f64| of > 0 && chosen as f64 / of as f64 * 100.0 > p;
    let over = |n: &Json| n.as_u64().is_some_and(|n| chosen as u64 > n);
    let limit = policy.data.get("max-resources");
    let (amount, percent, or) = match limit {
        Some(Json::Object(o)) => {
            let percent = o.get("percent").and_then(Json::as_f64);
            (o.get("amount").is_some_and(over), percent.is_some_and(share), o.get("op").is_some_and(|o| o == "or"))
        }
        Some(n) => (over(n), false, true),
        None => (false, policy.data.get("max-resources-percent").and_then(Json::as_f64).is_some_and(share), true),
    };
    let both = matches!(limit, Some(Json::Object(o)) if o.contains_key("amount") && o.contains_key("percent"));
    let hit = if both && !or { amount && percent } else { amount || percent };
    hit.then_some((chosen, of))
}

/// The resource with what filters noted on it.
fn noted(res: &Res<'_>, notes: Vec<(String, Json)>) -> Json {
    let mut out: Map<String, Json> = res.json.as_object().cloned().unwrap_or_default();
    for (key, value) in notes {
        let many = ["c7n:MatchedFilters", "c7n:ListItemMatches"].contains(&key.as_str());
        if !many {
            out.insert(key, value);
            continue;
        }
        if let Json::Array(list) = out.entry(key).or_insert_with(|| json!([]))
            && !list.contains(&value)
        {
            list.push(value);
        }
    }
    out.into()
}

/// What a policy's actions would do, one line each, in words. Nothing is ever done.
pub fn plan(policy: &Policy, count: usize) -> Vec<(SmolStr, Json)> {
    let action = |a: &Json| {
        let name = crate::filter::type_of(a).unwrap_or_default();
        let mut how = a.as_object().cloned().unwrap_or_default();
        how.remove("type");
        (SmolStr::from(name), json!({"type": name, "resources": count, "with": how}))
    };
    policy.actions().iter().map(action).collect()
}

/// Whether any part of a policy cannot be answered here at all, and why: each once.
pub fn limits(setting: &Setting<'_>, policy: &Policy) -> Vec<Arc<Gap>> {
    fn walk(filters: &[Filter], out: &mut Vec<Arc<Gap>>) {
        for f in filters {
            match f {
                Filter::And(i) | Filter::Or(i) | Filter::Not(i) => walk(i, out),
                Filter::Unanswered(why) if !out.contains(why) => out.push(why.clone()),
                _ => {}
            }
        }
    }
    let nowhere = Place::nowhere();
    let mut out = Vec::new();
    if let Some(cx) = setting.context(policy, &nowhere) {
        walk(&crate::query::filters(policy, &cx), &mut out);
        walk(&compile(policy.filters(), &cx), &mut out);
    }
    out
}
