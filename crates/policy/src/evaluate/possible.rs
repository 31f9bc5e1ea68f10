//! Decisions where something is open: keys that may have any value, and resources given by a pattern.
//!
//! Possible mode asks whether some context allows. The keys that matter are those of statements that may apply; each
//! gets representatives (`represent`), and a search assigns them one by one, giving up a branch as soon as three-valued
//! evaluation shows that it cannot be allowed any more.

use super::wildcard;
use super::{Asked, Decision, Judgement, LayerSet, Layers, Mode, SESSION_NAME, Verdict, exceptions, judge};
use crate::compile::{Compiled, Statement};
use crate::condition::Condition;
use crate::represent;
use crate::request::Request;
use crate::template::{Lookup, Resolved, Template};
use crate::tri::Tri;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Evaluations after which a search gives up and calls the request possible, which it may not be. One over more than
/// [`LIGHT`] conditions and values counts more.
const MAX_STEPS: usize = 50_000;
const LIGHT: usize = 64;

/// Open variables of one text whose values are written out.
const MAX_VARIABLES: usize = 8;

/// Under which context a request is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditional {
    /// One context that allows it: what was open, with its values; no values: the key must be absent.
    pub example: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// Whether the search ended before it was sure that the request is possible.
    pub unproven: bool,
}

/// A decision with what it hangs on.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    granted: Tri,
    /// Set where the request is allowed only under conditions.
    pub(crate) conditional: Option<Conditional>,
    /// The resource that was judged, where the request gave a pattern.
    pub(crate) resource: Option<SmolStr>,
}

impl From<Judgement> for Outcome {
    fn from(judgement: Judgement) -> Self {
        Self { verdict: judgement.verdict(), granted: judgement.granted, conditional: None, resource: None }
    }
}

/// Nearest to allowed comes first: where only a Deny is in the way, then where fewer layers block.
fn rank(granted: Tri, blocks: LayerSet) -> (Tri, usize) {
    (!granted, blocks.iter().count())
}

/// Decides on a request whose resource may be a pattern.
pub(crate) fn decide(request: &Request, layers: &Layers<'_>, mode: Mode<'_>) -> Outcome {
    let asked = Asked::new(request);
    let first = decide_one(&asked, layers, mode);
    if first.verdict.decision == Decision::Allowed || !request.resource.contains(['*', '?']) {
        return first;
    }
    let mut best = first;
    wildcard::search(&asked, layers, mode, |resource| {
        let one = Request { resource, ..request.clone() };
        let outcome = decide_one(&Asked::new(&one), layers, mode);
        let allowed = outcome.verdict.decision == Decision::Allowed;
        let nearer = rank(outcome.granted, outcome.verdict.blocked_by) < rank(best.granted, best.verdict.blocked_by);
        if allowed {
            best = Outcome { resource: Some(one.resource), ..outcome };
        } else if nearer {
            best = outcome;
        }
        allowed
    });
    best
}

/// Decides on a request whose resource is taken as it is written.
pub(super) fn decide_one(asked: &Asked<'_>, layers: &Layers<'_>, mode: Mode<'_>) -> Outcome {
    if matches!(mode, Mode::Strict) {
        let find = |key: &str| asked.strict(key);
        return judge(asked, layers, &find).into();
    }
    let known = |key: &str| known(asked, mode, key);
    let overall = judge(asked, layers, &known);
    match overall.allowed {
        Tri::True | Tri::False => overall.into(),
        Tri::Unknown => Search::new(asked, layers, &known).run(overall),
    }
}

/// What the request and the mode say of a key.
pub(super) fn known<'a>(asked: &'a Asked<'_>, mode: Mode<'_>, key: &str) -> Lookup<'a> {
    match (asked.lookup(key), mode) {
        (Some([]), _) | (None, Mode::Strict) => Lookup::Absent,
        (Some(values), _) => Lookup::Values(values),
        (None, Mode::Possible(absent)) if key != SESSION_NAME && absent.iter().any(|g| g.matches(key)) => {
            Lookup::Absent
        }
        (None, Mode::Possible(_)) => Lookup::Open,
    }
}

pub(super) fn every_policy<'l>(layers: &Layers<'l>) -> impl Iterator<Item = &'l Arc<Compiled>> {
    let levels = layers.scp.iter().chain(layers.rcp).flatten();
    let lists = layers.identity.iter().chain(layers.boundary).chain(layers.session).chain(layers.vpc_endpoint);
    lists.chain(levels).chain(layers.resource)
}

/// The statements that may apply: those on the action whose resource is not ruled out.
fn relevant<'l, 'v>(asked: &Asked<'_>, layers: &Layers<'l>, find: &dyn Fn(&str) -> Lookup<'v>) -> Vec<&'l Statement> {
    let mut found = Vec::new();
    for policy in every_policy(layers) {
        // The iterator borrows the action only for matching.
        let places: Vec<usize> = policy.on(&asked.action).map(|(place, _)| place).collect();
        for statement in places.into_iter().filter_map(|p| policy.statement(p)) {
            if !exceptions::covers(asked, statement, find).is_false() {
                found.push(statement);
            }
        }
    }
    found
}

struct Search<'s, 'v> {
    asked: &'s Asked<'s>,
    layers: &'s Layers<'s>,
    known: &'s dyn Fn(&str) -> Lookup<'v>,
    /// The open keys with the conditions on them, those that variables name first.
    keys: Vec<(SmolStr, Vec<&'s Condition>)>,
    /// The keys that variables name.
    named: BTreeSet<SmolStr>,
    /// What one evaluation counts.
    weight: usize,
    steps: usize,
    best: Option<Judgement>,
}

impl<'s, 'v> Search<'s, 'v> {
    fn new(asked: &'s Asked<'s>, layers: &'s Layers<'s>, known: &'s dyn Fn(&str) -> Lookup<'v>) -> Self {
        let mut keys: BTreeMap<SmolStr, Vec<&Condition>> = BTreeMap::new();
        let mut named: BTreeSet<SmolStr> = BTreeSet::new();
        let mut size = 0;
        for statement in relevant(asked, layers, known) {
            size += 1 + statement.conditions.iter().map(Condition::size).sum::<usize>();
            let of_resource = statement.variables().cloned();
            named.extend(of_resource);
            for condition in &statement.conditions {
                keys.entry(condition.key.clone()).or_default().push(condition);
                named.extend(condition.variables().into_iter().cloned());
            }
        }
        for name in &named {
            keys.entry(name.clone()).or_default();
        }
        let mut keys: Vec<_> = keys.into_iter().filter(|(key, _)| known(key) == Lookup::Open).collect();
        keys.sort_by_key(|(key, on)| (!named.contains(key), on.len()));
        Self { asked, layers, known, keys, named, weight: 1 + size / LIGHT, steps: 0, best: None }
    }

    fn run(mut self, overall: Judgement) -> Outcome {
        let mut assigned: BTreeMap<SmolStr, Vec<SmolStr>> = BTreeMap::new();
        let found = self.assign(0, &mut assigned);
        let unproven = self.steps >= MAX_STEPS;
        if found || unproven {
            let verdict = Verdict { decision: Decision::Allowed, blocked_by: LayerSet::default() };
            let conditional = Some(Conditional { example: assigned, unproven: unproven && !found });
            return Outcome { verdict, granted: Tri::True, conditional, resource: None };
        }
        self.best.unwrap_or(overall).into()
    }

    /// Assigns the key at `depth` and all after it; true with `assigned` full where that allows the request.
    fn assign(&mut self, depth: usize, assigned: &mut BTreeMap<SmolStr, Vec<SmolStr>>) -> bool {
        self.steps += self.weight;
        if self.steps >= MAX_STEPS {
            return false;
        }
        let judgement = {
            let find = |key: &str| view(self.known, assigned, key);
            judge(self.asked, self.layers, &find)
        };
        if judgement.allowed.is_false() {
            let rank = |j: &Judgement| rank(j.granted, j.blocks);
            if self.best.as_ref().is_none_or(|b| rank(&judgement) < rank(b)) {
                self.best = Some(judgement);
            }
            return false;
        }
        let Some((key, conditions)) = self.keys.get(depth).cloned() else { return true };
        if judgement.allowed.is_true() {
            return true;
        }
        let hints = self.hints(&key, assigned);
        let candidates = {
            let find = |key: &str| view(self.known, assigned, key);
            represent::values(&conditions, &find, &hints, self.named.contains(&key))
        };
        for values in candidates {
            assigned.insert(key.clone(), values);
            if self.assign(depth + 1, assigned) {
                return true;
            }
            assigned.remove(&key);
        }
        false
    }

    /// Values that a key named by a variable may need: what it stands for in the resource, and in the values that the
    /// keys compared with it have or may need.
    fn hints(&self, key: &SmolStr, assigned: &BTreeMap<SmolStr, Vec<SmolStr>>) -> Vec<SmolStr> {
        let mut hints = Vec::new();
        if !self.named.contains(key) {
            return hints;
        }
        let find = |key: &str| view(self.known, assigned, key);
        for statement in relevant(self.asked, self.layers, &find) {
            for template in statement.templates() {
                let named: BTreeSet<&SmolStr> = template.variables().collect();
                hints.extend(named.iter().flat_map(|k| represent::captures(template, k, self.asked.resource.text)));
            }
            for condition in statement.conditions.iter().filter(|c| c.variables().contains(&key)) {
                let texts: Vec<SmolStr> = match find(&condition.key) {
                    Lookup::Values(values) => values.to_vec(),
                    Lookup::Absent => continue,
                    Lookup::Open => {
                        let on = self.conditions_on(&condition.key);
                        represent::values(on, &find, &[], false).into_iter().flatten().collect()
                    }
                };
                for template in condition.templates() {
                    hints.extend(texts.iter().flat_map(|text| represent::captures(template, key, text)));
                }
                hints.extend(texts);
            }
        }
        let own = self.conditions_on(key).iter().flat_map(|c| c.templates());
        hints.extend(own.flat_map(|template| self.written_out(template, &find)));
        hints.sort_unstable();
        hints.dedup();
        hints
    }

    /// The texts of a template with the values that its open variables may need.
    fn written_out<'f>(&self, template: &Template, find: &dyn Fn(&str) -> Lookup<'f>) -> Vec<SmolStr> {
        let mut texts = Vec::new();
        for variable in template.variables().filter(|v| find(v) == Lookup::Open).take(MAX_VARIABLES) {
            let values = represent::values(self.conditions_on(variable), find, &[], false);
            for value in values.into_iter().filter(|v| v.len() == 1) {
                let find = |k: &str| if k == variable.as_str() { Lookup::Values(&value) } else { find(k) };
                if let Resolved::Pattern(glob) = template.resolve(&find) {
                    texts.extend(glob.literal().map(SmolStr::new));
                }
            }
        }
        texts
    }

    fn conditions_on(&self, key: &str) -> &[&'s Condition] {
        self.keys.iter().find(|(k, _)| *k == key).map(|(_, on)| on.as_slice()).unwrap_or_default()
    }
}

fn view<'a, 'v: 'a>(
    known: &dyn Fn(&str) -> Lookup<'v>,
    assigned: &'a BTreeMap<SmolStr, Vec<SmolStr>>,
    key: &str,
) -> Lookup<'a> {
    match assigned.get(key).map(Vec::as_slice) {
        Some([]) => Lookup::Absent,
        Some(values) => Lookup::Values(values),
        None => known(key),
    }
}
