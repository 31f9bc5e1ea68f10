//! Reads again what an event changed, in an estate that is otherwise known: at most [`CALLS`] calls for a resource that was seen
//! before, and for a new one what its checks need.

use super::request::{Request, fetch};
use super::{Collector, Failed, Job, Target, Task};
use crate::change::{Changed, Which, identities, words};
use crate::kinds::{Kinds, ReadyKind, Source};
use crate::plan::Plan;
use crate::resource::List;
use crate::shape::{self, Place};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use yagura_aws::ReadOperation;
use yagura_model::{Asset, Field, Gap, GapReason, Map, ResourceRef, Type, Value};
use yagura_rule::{Check, Estate};

/// The most calls for a resource that was seen before.
const CALLS: usize = 3;
/// The most for one that was not.
const CALLS_OF_NEW: usize = 24;
/// A kind that is listed for each resource of another one is listed anew for at most so many of them.
const PARENTS: usize = 2;

/// Reads resources again, for the same checks each time.
pub struct Rereader<'c> {
    checks: &'c [Check],
    kinds: &'c Kinds,
    plan: Plan,
    by_kind: HashMap<&'c str, Vec<usize>>,
    /// By kind, the checks that judge other resources by it.
    joined: HashMap<&'c str, Vec<usize>>,
    /// By kind, the fields that checks read.
    reads: BTreeMap<&'c str, BTreeSet<&'c str>>,
}

/// What reading again found.
#[derive(Debug, Clone, Default)]
pub struct Reread {
    /// The places of resources that were read.
    pub read: Vec<u32>,
    /// Resources that are there no more, and the places that they had.
    pub gone: Vec<(ResourceRef, u32)>,
    /// Places that are new.
    pub new: Vec<u32>,
    /// What could not be read for a reason that passes (throttling, a lost connection), by its place among what was asked.
    pub later: BTreeSet<usize>,
    /// What cannot be found, by its place among what was asked: it is gone again, another account's, or not listed alone.
    pub lost: BTreeSet<usize>,
}

/// A listing to make: of which kinds, and for whom.
struct Listing<'w> {
    kind: SmolStr,
    region: SmolStr,
    target: usize,
    request: Request,
    /// By place among what was asked.
    wanted: Vec<(usize, &'w Changed)>,
    narrow: bool,
}

impl<'c> Rereader<'c> {
    /// One for these checks.
    pub fn new(checks: &'c [Check], kinds: &'c Kinds) -> Self {
        let (mut by_kind, mut joined): (HashMap<_, Vec<usize>>, HashMap<_, Vec<usize>>) = Default::default();
        let mut reads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (at, check) in checks.iter().enumerate() {
            by_kind.entry(check.each.as_str()).or_default().push(at);
            let read = check.reads.iter().map(|(kind, _)| kind).filter(|kind| **kind != check.each);
            for kind in check.joins.iter().map(|j| &j.kind).chain(read) {
                let of = joined.entry(kind.as_str()).or_default();
                if of.last() != Some(&at) {
                    of.push(at);
                }
            }
            for (kind, field) in &check.reads {
                reads.entry(kind.as_str()).or_default().insert(field.as_str());
            }
        }
        Self { checks, kinds, plan: Plan::of(checks, kinds), by_kind, joined, reads }
    }

    /// The checks that judge resources of a kind.
    pub fn checks_of(&self, kind: &str) -> &[usize] {
        self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is judged by resources of these kinds, accounts and Regions besides themselves: check and asset.
    pub fn judged_by<'k>(
        &self,
        estate: &Estate,
        changed: impl IntoIterator<Item = (&'k str, &'k str, &'k str)>,
    ) -> BTreeSet<(usize, u32)> {
        let mut out = BTreeSet::new();
        for (kind, account, region) in changed {
            for &at in self.joined.get(kind).into_iter().flatten() {
                let Some(check) = self.checks.get(at) else { continue };
                let near = |a: &Asset| {
                    let joins = check.joins.iter().filter(|j| j.kind == kind);
                    let mut same = joins.map(|j| j.regional && j.across == yagura_rule::Across::SameRegion);
                    a.account == account && (!same.all(|s| s) || !check.regional || a.region == region)
                };
                let assets = estate.of_kind(&check.each).iter();
                out.extend(assets.filter(|a| estate.assets().get(**a as usize).is_some_and(near)).map(|a| (at, *a)));
            }
        }
        out
    }

    /// Reads what was changed into the estate. What else an answer hangs on is taken as it was last seen.
    pub async fn read(&self, estate: &mut Estate, targets: &[Target], wanted: &[Changed]) -> Reread {
        let mut out = Reread::default();
        // Every call before is counted against what a resource may cost.
        let mut spent: HashMap<u32, usize> = HashMap::new();
        for listing in self.listings(estate, targets, wanted, &mut out) {
            self.list(estate, targets, listing, &mut out, &mut spent).await;
        }
        let mut budget = out.new.len() * CALLS_OF_NEW;
        for (nth, change) in wanted.iter().enumerate() {
            let Which::Known(at) = change.which else { continue };
            if out.gone.iter().any(|(_, gone)| *gone == at) || out.later.contains(&nth) {
                continue;
            }
            let left = CALLS.saturating_sub(spent.get(&at).copied().unwrap_or(0));
            budget += self.forget(estate, at, &change.fields, left);
            if !out.read.contains(&at) {
                out.read.push(at);
            }
        }
        out.read.extend(out.new.iter().copied());
        self.demand(estate, targets, &out, budget).await;
        for (nth, change) in wanted.iter().enumerate() {
            let Which::Known(at) = change.which else { continue };
            let passing = |f: &SmolStr| {
                let field = estate.assets().get(at as usize).map(|a| a.field(f));
                matches!(field, Some(Field::Unknown(gap)) if passes(gap))
            };
            if change.fields.iter().any(passing) {
                out.later.insert(nth);
            }
        }
        out
    }

    /// Has fields asked for again, as many as so many calls answer; how many calls that are.
    fn forget(&self, estate: &mut Estate, at: u32, fields: &[SmolStr], most: usize) -> usize {
        let Some(kind) = estate.assets().get(at as usize).and_then(|a| self.kinds.get(&a.kind)) else { return 0 };
        let mut calls: Vec<&str> = Vec::new();
        for field in fields {
            let call = match kind.source(field) {
                Some(Source::Describe(spec, _)) => spec.call.as_str(),
                Some(Source::Call(..)) => field.as_str(),
                _ => continue,
            };
            if !calls.contains(&call) {
                if calls.len() == most {
                    break;
                }
                calls.push(call);
            }
            let gap = estate.not_requested().clone();
            estate.set_field(at, field, Field::Unknown(gap));
        }
        calls.len()
    }

    /// The listings that are to be made.
    fn listings<'w>(
        &self,
        estate: &Estate,
        targets: &[Target],
        wanted: &'w [Changed],
        out: &mut Reread,
    ) -> Vec<Listing<'w>> {
        let mut made: Vec<Listing<'w>> = Vec::new();
        for (nth, change) in wanted.iter().enumerate() {
            let Some(kind) = self.kinds.get(&change.kind) else { continue };
            let (Some(spec), Some(op)) = (&kind.resource.list, &kind.list) else { continue };
            if !change.whole {
                continue;
            }
            let Some(target) = targets.iter().position(|t| t.caller.account == change.account) else {
                out.lost.insert(nth);
                continue;
            };
            let known = match change.which {
                Which::Known(at) => estate.assets().get(at as usize),
                Which::New(_) => None,
            };
            let region =
                if kind.resource.regional { change.region.clone() } else { estate.global_region(&change.account) };
            let scope = estate.scope().regions_in(&change.account);
            if kind.resource.regional && !scope.contains(&region) {
                out.lost.insert(nth);
                continue;
            }
            let Some(inputs) = self.inputs(estate, kind, spec, op, change, known, (targets, target, &region)) else {
                out.lost.insert(nth);
                continue;
            };
            let Inputs { inputs, narrow } = inputs;
            let same = made.iter_mut().find(|l| {
                l.kind == change.kind && l.target == target && l.region == region && l.request.inputs == inputs
            });
            match same {
                Some(listing) => listing.wanted.push((nth, change)),
                None => made.push(Listing {
                    kind: change.kind.clone(),
                    region,
                    target,
                    request: Request {
                        operation: op.clone(),
                        inputs,
                        first: kind.first.clone(),
                        not_ready: spec.not_ready.clone(),
                    },
                    wanted: vec![(nth, change)],
                    narrow,
                }),
            }
        }
        made
    }

    /// The inputs of a listing for one resource; `None` where it cannot be made for it alone, and for all would be too much.
    #[allow(clippy::too_many_arguments, reason = "one listing hangs on all of these")]
    fn inputs(
        &self,
        estate: &Estate,
        kind: &ReadyKind,
        spec: &List,
        op: &ReadOperation,
        change: &Changed,
        known: Option<&Asset>,
        (targets, target, region): (&[Target], usize, &SmolStr),
    ) -> Option<Inputs> {
        let caller = &targets.get(target)?.caller;
        let place = Place { caller, region };
        let group = self.plan.group_of.get(&kind.resource.id).and_then(|g| self.plan.groups.get(*g));
        let mut with: Map = spec.with.iter().map(|(k, v)| (k.clone(), place.constant(v))).collect();
        for (name, list) in spec.union.iter() {
            with.insert(name.clone(), place.constant(list));
        }
        if let Some(over) = &spec.over {
            let group = group?;
            let here = |a: &&Asset| {
                let kept = known.is_none_or(|own| spec.keep.iter().all(|name| own.field(name) == a.field(name)));
                a.account == change.account && (a.region == *region || !kind.resource.regional) && kept
            };
            let parents = estate.of_kind(over).iter().filter_map(|at| estate.assets().get(*at as usize));
            let parents: Vec<&Asset> = parents.filter(here).collect();
            if parents.is_empty() || parents.len() > PARENTS {
                return None;
            }
            let inputs: Option<Vec<(Map, Map)>> =
                parents.into_iter().map(|a| shape::input_over(&group.spec, &group.input, place, a)).collect();
            return Some(Inputs { inputs: inputs?, narrow: false });
        }
        let narrow = narrow(kind, op).and_then(|(member, of_list, field)| {
            let text = match known {
                Some(asset) => match asset.field(&field) {
                    Field::Known(v) => v.as_str().map(SmolStr::from),
                    _ => None,
                },
                None => named(change, &field),
            }?;
            Some((member, of_list, text))
        });
        let is_narrow = narrow.is_some();
        if let Some((member, of_list, text)) = narrow {
            let value = Value::String(text);
            with.insert(member, if of_list { Value::List(vec![value]) } else { value });
            // AWS takes no page size beside ids (Amazon EC2: "You cannot specify this parameter and the ID parameters").
            for size in ["MaxResults", "MaxRecords", "MaxItems", "Limit"] {
                with.remove(size);
            }
        }
        Some(Inputs { inputs: vec![(with, Map::new())], narrow: is_narrow })
    }

    /// Makes a listing and puts what it tells of the wanted resources into the estate.
    async fn list(
        &self,
        estate: &mut Estate,
        targets: &[Target],
        listing: Listing<'_>,
        out: &mut Reread,
        spent: &mut HashMap<u32, usize>,
    ) {
        let Listing { kind: id, region, target, request, wanted, narrow } = listing;
        let (Some(kind), Some(target)) = (self.kinds.get(&id), targets.get(target)) else { return };
        let Some(spec) = &kind.resource.list else { return };
        for (_, change) in &wanted {
            if let Which::Known(at) = change.which {
                *spent.entry(at).or_default() += request.inputs.len() + usize::from(request.first.is_some());
            }
        }
        let place = Place { caller: &target.caller, region: &region };
        let (pages, error) = match &target.session {
            Err(gap) => (Vec::new(), Some(Failed { gap: gap.clone(), code: String::new() })),
            Ok(session) => {
                let home = kind.resource.home.as_ref().filter(|_| target.caller.partition == "aws");
                let asked = match home {
                    Some(home) => home.clone(),
                    None if region.ends_with("-global") => SmolStr::from(session.default_region()),
                    None => region.clone(),
                };
                let job = Job::Describe { assets: Vec::new() };
                let answer = fetch(session.clone(), job, asked, request).await;
                (answer.values, answer.error)
            }
        };
        let missing = narrow && error.as_ref().is_some_and(|e| says_gone(&e.code));
        let error = error.filter(|_| !missing);
        let scope = estate.scope().regions_in(&target.caller.account).to_vec();
        let mut bad = None;
        let mut found: Vec<Asset> = Vec::new();
        for item in pages.into_iter().flat_map(|page| shape::items(spec, page)) {
            match item.and_then(|item| shape::assets(&kind.resource, place, item, &scope)) {
                Ok(more) => found.extend(more),
                Err(why) => bad = Some(Arc::new(Gap { region: region.clone(), ..Gap::new(GapReason::BadAnswer, why) })),
            }
        }
        let gap = error.map(|e| e.gap).or(bad);
        for (nth, change) in wanted {
            match &change.which {
                Which::Known(at) => self.settle_known(estate, kind, *at, nth, &found, gap.as_ref(), out),
                Which::New(names) => {
                    let texts: BTreeSet<&str> = names.iter().map(|(_, t)| t.as_str()).collect();
                    let own = identities(kind);
                    let is_it = |a: &&Asset| {
                        let field = |f: &SmolStr| match a.field(f) {
                            Field::Known(v) => v.as_str(),
                            _ => None,
                        };
                        texts.contains(a.id.as_str())
                            || a.arn.as_deref().is_some_and(|arn| texts.contains(arn))
                            || own.iter().filter_map(field).any(|t| texts.contains(t))
                    };
                    let mut any = false;
                    for asset in found.iter().filter(is_it) {
                        any = true;
                        let there = estate
                            .of_kind(&id)
                            .iter()
                            .copied()
                            .find(|at| estate.assets().get(*at as usize).is_some_and(|a| same(a, asset)));
                        match there {
                            Some(at) => self.settle_known(estate, kind, at, nth, &found, None, out),
                            None => {
                                let at = push(estate, kind, asset.clone());
                                out.new.push(at);
                            }
                        }
                    }
                    match &gap {
                        Some(gap) if !any && passes(gap) => {
                            out.later.insert(nth);
                        }
                        _ if !any => {
                            out.lost.insert(nth);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// What a listing tells of a resource that was seen before.
    #[allow(clippy::too_many_arguments, reason = "one resource in one answer")]
    fn settle_known(
        &self,
        estate: &mut Estate,
        kind: &ReadyKind,
        at: u32,
        nth: usize,
        found: &[Asset],
        gap: Option<&Arc<Gap>>,
        out: &mut Reread,
    ) {
        let Some(old) = estate.assets().get(at as usize).filter(|a| a.kind == kind.resource.id) else { return };
        if let Some(new) = found.iter().find(|new| same(old, new)) {
            let mut new = new.clone();
            for name in kind.pending() {
                let kept = old.fields.iter().find(|(n, _)| n == name).map(|(_, f)| f.clone());
                if let Some(field) = kept {
                    new.set(name.clone(), field);
                }
            }
            estate.replace(at, new);
            if !out.read.contains(&at) {
                out.read.push(at);
            }
            return;
        }
        let Some(gap) = gap else {
            out.gone.push((ResourceRef::of(old), at));
            estate.remove(at);
            return;
        };
        // What identifies it stays; what the listing would have told is not known now.
        let own = identities(kind);
        let read = self.reads.get(kind.resource.id.as_str());
        let fields: Vec<SmolStr> = read.into_iter().flatten().map(|f| SmolStr::from(*f)).collect();
        for field in fields.iter().filter(|f| !own.contains(f) && matches!(kind.source(f), Some(Source::List))) {
            estate.set_field(at, field, Field::Unknown(gap.clone()));
        }
        if passes(gap) {
            out.later.insert(nth);
        }
        if !out.read.contains(&at) {
            out.read.push(at);
        }
    }

    /// Asks for what the answers hang on: of the resources themselves first, then of what is judged by them.
    async fn demand(&self, estate: &mut Estate, targets: &[Target], reread: &Reread, budget: usize) {
        let places: Vec<(SmolStr, SmolStr, SmolStr)> = reread
            .read
            .iter()
            .filter_map(|at| estate.assets().get(*at as usize))
            .map(|a| (a.kind.clone(), a.account.clone(), a.region.clone()))
            .chain(reread.gone.iter().map(|(r, _)| (r.kind.clone(), r.account.clone(), r.region.clone())))
            .collect();
        let places: BTreeSet<_> = places.iter().map(|(k, a, r)| (k.as_str(), a.as_str(), r.as_str())).collect();
        let others = self.judged_by(estate, places.iter().copied());
        let read: HashSet<u32> = reread.read.iter().copied().collect();
        let checks = (self.checks, self.kinds);
        let all = Collector::new(estate, targets, checks, &self.plan, self.by_kind.clone());
        let mut c = Collector { budget: Some(budget), ..all };
        for &asset in &reread.read {
            let Some(kind) = c.estate.assets().get(asset as usize).map(|a| a.kind.clone()) else { continue };
            for &check in self.checks_of(&kind) {
                c.tasks.push(Task { check, asset, open: 0 });
                c.advance(c.tasks.len() - 1);
            }
        }
        c.run(&|_| {}).await;
        for (check, asset) in others.into_iter().filter(|(_, asset)| !read.contains(asset)) {
            c.tasks.push(Task { check, asset, open: 0 });
            c.advance(c.tasks.len() - 1);
        }
        c.run(&|_| {}).await;
    }
}

struct Inputs {
    inputs: Vec<(Map, Map)>,
    narrow: bool,
}

/// The input member by which a listing answers for some resources only, whether it takes several, and the field whose value it
/// wants: the one that is called like the field.
fn narrow(kind: &ReadyKind, op: &ReadOperation) -> Option<(SmolStr, bool, SmolStr)> {
    let members = op.input_members();
    let name = kind.resource.name.split(['.', '/', ':', '>']).next().unwrap_or_default().trim_matches(['{', '}']);
    let own = identities(kind);
    let by_name = own.iter().filter(|f| *f == name).chain(own.iter().filter(|f| *f != name));
    for field in by_name {
        let like = words::member(field);
        let fits = members.iter().find(|m| match &m.kind {
            Type::String => m.name.eq_ignore_ascii_case(field),
            Type::List(of) => {
                **of == Type::String && words::member(&m.name) == like && !m.name.eq_ignore_ascii_case(field)
            }
            _ => false,
        });
        if let Some(m) = fits {
            return Some((m.name.clone(), matches!(m.kind, Type::List(_)), field.clone()));
        }
    }
    None
}

/// What an event calls a new resource, where a listing wants this field's value.
fn named(change: &Changed, field: &str) -> Option<SmolStr> {
    let Which::New(names) = &change.which else { return None };
    let wanted = words::member(field);
    let mut fitting = names.iter().filter(|(name, _)| *name == wanted || name.ends_with(&wanted));
    let first = fitting.next()?;
    // Several at once are found in the whole listing.
    fitting.all(|(_, text)| *text == first.1).then(|| first.1.clone())
}

/// Adds an asset with gaps where fields need a call.
fn push(estate: &mut Estate, kind: &ReadyKind, mut asset: Asset) -> u32 {
    for field in kind.pending() {
        asset.set(field.clone(), Field::Unknown(estate.not_requested().clone()));
    }
    estate.push(asset)
}

fn same(a: &Asset, b: &Asset) -> bool {
    (&a.kind, &a.id, &a.account, &a.region) == (&b.kind, &b.id, &b.account, &b.region)
}

/// Whether another try may bring an answer before long.
fn passes(gap: &Gap) -> bool {
    matches!(gap.reason, GapReason::Throttled | GapReason::TimedOut | GapReason::ServiceError | GapReason::Unreachable)
}

/// Whether an error's code says that what was asked for by name is not there. AWS's services word it alike:
/// `InvalidGroup.NotFound`, `NoSuchBucket`, `DBInstanceNotFoundFault`, `ResourceNotFoundException`, `…DoesNotExistException`.
fn says_gone(code: &str) -> bool {
    ["NotFound", "NoSuch", "DoesNotExist", "NonExistent"].iter().any(|word| code.contains(word))
}
