//! Carrying plans out, and taking them back.
//!
//! [`apply`] stops at the first surprise: a resource that changed since the preview, a call that fails, a journal that cannot be
//! written. What was done until then stands in the journal, and [`undo`] takes it back, last step first.

use crate::journal::{Event, Journal};
use crate::plan::{Plan, PlannedCall, PlannedStep};
use crate::remedy::{RUN, value_of};
use crate::template::settled;
use serde::Serialize;
use serde_json::{Map as JsonMap, Value as Json, json};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;
use yagura_model::{Lang, Map, ResourceRef, Value};

/// How long to wait between readings until a change is to be seen.
const WAITS: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's error code.
    pub code: String,
    /// What to tell the reader.
    pub message: String,
    /// Whether AWS said so: then nothing was changed. Without an answer it is not known.
    pub answered: bool,
}

/// A resource, read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Reread {
    /// The plan as it would be made now; otherwise why there is none.
    pub plan: Result<Plan, String>,
    /// Whether every check that the plan mends passes.
    pub mended: bool,
    /// Whether there is such a check at all: an action of Cloud Custodian has none, and then `mended` says nothing of the resource.
    pub judged: bool,
    /// The fields that the plan rests on.
    pub state: BTreeMap<SmolStr, Json>,
}

/// What a run works on.
pub trait World {
    /// Reads a plan's resource anew and judges it.
    fn again(&mut self, plan: &Plan) -> impl Future<Output = Result<Reread, String>>;
    /// Makes a call: one that changes something, or in an undo one that only looks.
    fn call(&mut self, call: &PlannedCall, input: &Map) -> impl Future<Output = Result<Json, Refusal>>;
}

/// A plan that was not carried out, or a step that was not taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The check.
    pub rule: SmolStr,
    /// The resource.
    pub resource: ResourceRef,
    /// Why.
    pub why: String,
}

/// What a run or its undo came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Plans carried out, or taken back.
    pub done: Vec<(SmolStr, ResourceRef)>,
    /// Of those carried out, the ones after which a check does not pass yet.
    pub unseen: Vec<(SmolStr, ResourceRef)>,
    /// What failed. An applied run has one at most: it stops there.
    pub failed: Vec<Failed>,
    /// Plans that were not begun.
    pub left: usize,
}

/// Carries the journal's plans out, in order.
///
/// # Errors
/// The journal cannot be written; nothing was changed after that.
pub async fn apply(world: &mut impl World, journal: &mut Journal, lang: Lang) -> io::Result<Outcome> {
    let plans = journal.plans();
    let mut out = Outcome::default();
    let mut touched: BTreeSet<ResourceRef> = BTreeSet::new();
    for (at, plan) in plans.iter().enumerate() {
        let plan = match still(world, plan, &touched, lang).await {
            Now::Same => plan.clone(),
            Now::Mended => {
                out.done.push((plan.rule.clone(), plan.resource.clone()));
                continue;
            }
            Now::Other(now) => {
                journal.write(Event::Replanned { plan: at, now: now.clone() })?;
                *now
            }
            Now::Surprise(why) => return stop(journal, out, &plans, at, why),
        };
        touched.insert(plan.resource.clone());
        if let Err(why) = carry_out(world, journal, at, &plan).await? {
            return stop(journal, out, &plans, at, why);
        }
        let (mended, after) = look(world, &plan).await;
        journal.write(Event::Read { plan: at, mended, after })?;
        let done = (plan.rule.clone(), plan.resource.clone());
        if !mended {
            out.unseen.push(done.clone());
        }
        out.done.push(done);
    }
    journal.write(Event::Ended { why: None })?;
    Ok(out)
}

fn stop(journal: &mut Journal, mut out: Outcome, plans: &[Plan], at: usize, why: String) -> io::Result<Outcome> {
    journal.write(Event::Ended { why: Some(why.clone()) })?;
    if let Some(plan) = plans.get(at) {
        out.failed.push(Failed { rule: plan.rule.clone(), resource: plan.resource.clone(), why });
    }
    out.left = plans.len().saturating_sub(at + 1);
    Ok(out)
}

/// How a plan stands just before its calls.
enum Now {
    Same,
    /// An earlier plan of the run mended this too.
    Mended,
    /// An earlier plan of the run changed the same resource.
    Other(Box<Plan>),
    Surprise(String),
}

async fn still(world: &mut impl World, plan: &Plan, touched: &BTreeSet<ResourceRef>, lang: Lang) -> Now {
    let now = match world.again(plan).await {
        Ok(now) => now,
        Err(why) => return Now::Surprise(why),
    };
    let own = touched.contains(&plan.resource);
    match now.plan {
        Ok(p) if p.essence() == plan.essence() => Now::Same,
        Ok(p) if own => Now::Other(Box::new(p)),
        // An earlier plan of the run may mend under another name (a key, and the user's credentials; a listener, and its load
        // balancer): there is nothing left to do.
        _ if now.judged && now.mended && !touched.is_empty() => Now::Mended,
        Ok(_) | Err(_) => Now::Surprise(
            lang.pick(
                "the resource changed since the preview; preview again",
                "プレビューの後にリソースが変更されている。プレビューからやり直すこと",
            )
            .to_owned(),
        ),
    }
}

/// Makes a plan's calls.
async fn carry_out(
    world: &mut impl World,
    journal: &mut Journal,
    at: usize,
    plan: &Plan,
) -> io::Result<Result<(), String>> {
    let mut answers = known();
    for (nth, step) in plan.steps.iter().enumerate() {
        let input = match input_of(&step.call, &answers) {
            Ok(input) => input,
            Err(path) => return Ok(Err(format!("{}: no answer has `{path}`", step.call.call))),
        };
        journal.write(Event::Calling { plan: at, step: nth })?;
        match world.call(&step.call, &input).await {
            Ok(answer) => {
                answers.insert(step.call.name.to_string(), answer.clone());
                journal.write(Event::Called { plan: at, step: nth, answer })?;
            }
            Err(e) if step.accept.iter().any(|code| *code == e.code) => {
                journal.write(Event::Refused { plan: at, step: nth, why: e.message, answered: true })?;
            }
            Err(e) => {
                let why = format!("{}: {}", step.call.call, e.message);
                journal.write(Event::Refused { plan: at, step: nth, why: e.message, answered: e.answered })?;
                return Ok(Err(why));
            }
        }
    }
    Ok(Ok(()))
}

/// What every run answers: its time.
fn known() -> JsonMap<String, Json> {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut out = JsonMap::new();
    out.insert(RUN.to_owned(), json!({"time": time}));
    out
}

fn input_of(call: &PlannedCall, answers: &JsonMap<String, Json>) -> Result<Map, String> {
    match value_of(settled(&call.with, answers)?) {
        Value::Map(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// Reads a resource until it is as wanted, a few times: many changes are to be seen only after a moment. What was read last; an error
/// only where no reading was answered.
async fn reread(world: &mut impl World, plan: &Plan, wanted: impl Fn(&Reread) -> bool) -> Result<Reread, String> {
    let mut last = world.again(plan).await;
    for wait in WAITS {
        if last.as_ref().is_ok_and(&wanted) {
            break;
        }
        tokio::time::sleep(wait).await;
        last = match world.again(plan).await {
            Err(_) if last.is_ok() => last,
            now => now,
        };
    }
    last
}

/// Whether the checks that a plan mends pass now, and what the resource is like.
async fn look(world: &mut impl World, plan: &Plan) -> (bool, BTreeMap<SmolStr, Json>) {
    match reread(world, plan, |now| now.mended).await {
        Ok(now) => (now.mended, now.state),
        Err(_) => (false, BTreeMap::new()),
    }
}

/// What a journal tells of a step.
#[derive(Default)]
struct Told {
    began: bool,
    refused: bool,
    undone: bool,
    answer: Option<Json>,
}

/// Takes a run back: the last plan first, and of each the last step first. What was taken back before is left alone. With `force`
/// also where the resource changed since.
///
/// # Errors
/// The journal cannot be written; nothing was changed after that.
pub async fn undo(world: &mut impl World, journal: &mut Journal, force: bool, lang: Lang) -> io::Result<Outcome> {
    let plans = journal.plans();
    let mut told: BTreeMap<(usize, usize), Told> = BTreeMap::new();
    let mut after: BTreeMap<usize, BTreeMap<SmolStr, Json>> = BTreeMap::new();
    for entry in &journal.entries {
        match &entry.event {
            Event::Calling { plan, step } => {
                told.insert((*plan, *step), Told { began: true, ..Told::default() });
            }
            Event::Called { plan, step, answer } => {
                told.entry((*plan, *step)).or_default().answer = Some(answer.clone());
            }
            Event::Refused { plan, step, answered, .. } => told.entry((*plan, *step)).or_default().refused = *answered,
            Event::Undone { plan, step } => told.entry((*plan, *step)).or_default().undone = true,
            Event::Read { plan, after: state, .. } => {
                after.insert(*plan, state.clone());
            }
            _ => {}
        }
    }
    let mut out = Outcome::default();
    let mut back: BTreeSet<ResourceRef> = BTreeSet::new();
    for (at, plan) in plans.iter().enumerate().rev() {
        let mut answers = known();
        let mut open: Vec<(usize, &PlannedStep)> = Vec::new();
        for (nth, step) in plan.steps.iter().enumerate() {
            let Some(t) = told.get(&(at, nth)) else { continue };
            if let Some(answer) = &t.answer {
                answers.insert(step.call.name.to_string(), answer.clone());
            }
            if t.began && !t.refused && !t.undone {
                open.push((nth, step));
            }
        }
        if open.is_empty() {
            continue;
        }
        let failed = |why: String| Failed { rule: plan.rule.clone(), resource: plan.resource.clone(), why };
        // What a later plan of the same run changed is no surprise: that was taken back just now.
        if let Some(known) = after.get(&at).filter(|_| !force && !back.contains(&plan.resource)) {
            match world.again(plan).await {
                Ok(now) => {
                    let fields = differing(known, &now.state);
                    if !fields.is_empty() {
                        let said = lang.pick(
                            "changed since the run; --force takes it back all the same",
                            "実行後に変更されている。それでも元に戻すには --force を指定すること",
                        );
                        out.failed.push(failed(format!("{} {said}", fields.join(", "))));
                        continue;
                    }
                }
                Err(why) => {
                    out.failed.push(failed(why));
                    continue;
                }
            }
        }
        back.insert(plan.resource.clone());
        let mut whole = true;
        for (nth, step) in open.into_iter().rev() {
            journal.write(Event::Undoing { plan: at, step: nth })?;
            // Of a call that was made for several items, each step has its own answer.
            if let Some(answer) = told.get(&(at, nth)).and_then(|t| t.answer.clone()) {
                answers.insert(step.call.name.to_string(), answer);
            }
            match take_back(world, step, &mut answers).await {
                Ok(()) => journal.write(Event::Undone { plan: at, step: nth })?,
                Err(why) => {
                    journal.write(Event::NotUndone { plan: at, step: nth, why: why.clone() })?;
                    out.failed.push(failed(why));
                    whole = false;
                    break;
                }
            }
        }
        if whole {
            out.done.push((plan.rule.clone(), plan.resource.clone()));
            let same = compare(world, plan).await;
            out.failed.extend(same.err().map(|fields| {
                let said = lang.pick("taken back, but not as it was before", "元に戻したが、以前の状態と異なる");
                failed(format!("{said}: {fields}"))
            }));
        }
    }
    Ok(out)
}

async fn take_back(
    world: &mut impl World,
    step: &PlannedStep,
    answers: &mut JsonMap<String, Json>,
) -> Result<(), String> {
    for call in &step.undo {
        let input = match input_of(call, answers) {
            Ok(input) => input,
            // It was looked for and is not there: nothing was made.
            Err(path) if step.undo.iter().any(|c| !c.name.is_empty() && path.split('.').next() == Some(&c.name)) => {
                continue;
            }
            Err(path) => return Err(format!("{}: no answer has `{path}`", call.call)),
        };
        match world.call(call, &input).await {
            Ok(answer) => {
                answers.insert(call.name.to_string(), answer);
            }
            Err(e) if call.gone.iter().any(|code| *code == e.code) => {}
            Err(e) => return Err(format!("{}: {}", call.call, e.message)),
        }
    }
    Ok(())
}

/// Whether the resource is as before the run; otherwise the fields that are not, or why it cannot be read.
async fn compare(world: &mut impl World, plan: &Plan) -> Result<(), String> {
    let now = reread(world, plan, |now| differing(&plan.prior, &now.state).is_empty()).await?;
    match differing(&plan.prior, &now.state) {
        same if same.is_empty() => Ok(()),
        others => Err(others.join(", ")),
    }
}

fn differing<'s>(a: &'s BTreeMap<SmolStr, Json>, b: &'s BTreeMap<SmolStr, Json>) -> Vec<&'s str> {
    let names: BTreeSet<&SmolStr> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|n| a.get(*n).map(unordered) != b.get(*n).map(unordered)).map(SmolStr::as_str).collect()
}

/// A value whose lists are in one order: AWS lists what was taken away and given back (a security group's rules) behind the rest.
fn unordered(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(unordered).collect();
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        Json::Object(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), unordered(v))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_order_of_a_list_is_no_difference() {
        let state = |rules: Json| BTreeMap::from([("Rules".into(), rules), ("Name".into(), json!("open"))]);
        let before = state(json!([{"Port": 22, "From": ["a", "b"]}, {"Port": 443}]));
        assert!(differing(&before, &state(json!([{"Port": 443}, {"Port": 22, "From": ["b", "a"]}]))).is_empty());
        assert_eq!(differing(&before, &state(json!([{"Port": 443}, {"Port": 22, "From": ["b"]}]))), ["Rules"]);
        assert_eq!(differing(&before, &state(json!([{"Port": 22, "From": ["a", "b"]}]))), ["Rules"]);
    }
}
