//! Blast radius: who used what a plan changes, and what of it would have stopped, by the calls and flows that logs recorded.
//!
//! What a trail or flow log does not record is not there: reads of objects without data events, services that CloudTrail does not see.

mod flows;
mod names;

use crate::plan::Plan;
pub use flows::Cut;
use names::Watched;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use yagura_network::estate::Estate;
use yagura_policy::compile::Compiled;
use yagura_policy::document::{Effect, Policy};
use yagura_policy::rehearse::caller::Kind as Who;
use yagura_policy::rehearse::{Call, Guardrail, Kind, Policies, Stage, Told, Verdict};

/// How many actors, calls and examples are kept by name; the rest is counted.
const NAMED: usize = 1_000;

/// What logs tell of a plan's resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Whether the plan is about one resource. What is set for a whole account or Region is used by everything in it.
    pub of_one: bool,
    /// Calls on the resource, or made by it where it is an identity, that AWS did not refuse.
    pub calls: u64,
    /// Who made them, and how many.
    pub actors: BTreeMap<String, u64>,
    /// Which they were, and how many.
    pub operations: BTreeMap<String, u64>,
    /// When the last one was made, ms.
    pub last: Option<i64>,
    /// What of it would have stopped.
    pub stops: Stops,
}

/// What would have stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    /// How it was worked out.
    pub by: By,
    /// What certainly stops.
    pub surely: u64,
    /// What may stop: the record, or what was read of the network, does not tell.
    pub perhaps: u64,
    /// Some of these.
    pub examples: BTreeMap<String, u64>,
}

/// How it was worked out what stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// The plan takes no access away that can be judged by records.
    #[default]
    Nothing,
    /// The policy engine held the new statements against the calls.
    Policy,
    /// Calls by other accounts and by nobody AWS knows: what was open to them is closed.
    Outsiders,
    /// Calls by the key that is turned off.
    Key,
    /// The flows that security groups let in, before and after.
    Network,
    /// The network interfaces behind the security group were not read.
    NetworkUnread,
    /// The plan takes access away, and nothing here works out from whom.
    NotWorkedOut,
}

impl By {
    /// Its name in machine forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Policy => "policy",
            Self::Outsiders => "outsiders",
            Self::Key => "key",
            Self::Network => "network",
            Self::NetworkUnread => "network_unread",
            Self::NotWorkedOut => "not_worked_out",
        }
    }
}

/// Plans that are watched while records go by.
pub struct Radius<'c> {
    stage: Stage<'c>,
    watched: Vec<Watched>,
    /// Plans by the names that records call their resources by.
    by_name: HashMap<SmolStr, Vec<usize>>,
}

impl<'c> Radius<'c> {
    /// Gets ready. `network` is what was read of interfaces and security groups.
    pub fn new(plans: &[Plan], stage: Stage<'c>, network: Option<&Estate>) -> Self {
        let watched: Vec<Watched> = plans.iter().map(|p| Watched::new(p, guardrail(p), network)).collect();
        let mut by_name: HashMap<SmolStr, Vec<usize>> = HashMap::new();
        for (nth, one) in watched.iter().enumerate() {
            for name in &one.names {
                by_name.entry(name.clone()).or_default().push(nth);
            }
        }
        Self { stage, watched, by_name }
    }

    /// Nothing seen yet.
    pub fn begin(&self) -> Vec<Use> {
        let begin =
            |w: &Watched| Use { of_one: w.of_one, stops: Stops { by: w.by(), ..Stops::default() }, ..Use::default() };
        self.watched.iter().map(begin).collect()
    }

    /// Takes in a record of CloudTrail.
    pub fn call(&self, record: &Json, time: Option<i64>, uses: &mut [Use]) {
        let Some(call) = self.stage.call(record) else { return };
        if call.was_refused() {
            return;
        }
        for (nth, by_itself) in names::hits(record, &self.by_name, &self.watched) {
            let (Some(watched), Some(found)) = (self.watched.get(nth), uses.get_mut(nth)) else { continue };
            found.calls += 1;
            count(&mut found.actors, call.who.name().as_str());
            count(&mut found.operations, call.operation.as_str());
            found.last = found.last.max(time);
            let verdict = self.stopped(watched, &call, by_itself);
            let example = || format!("{} {}", call.who.name(), call.operation);
            match verdict {
                Some(true) => {
                    found.stops.surely += 1;
                    count(&mut found.stops.examples, &example());
                }
                None => {
                    found.stops.perhaps += 1;
                    count(&mut found.stops.examples, &example());
                }
                Some(false) => {}
            }
        }
    }

    /// Whether a call would have been stopped; `None`: nobody can tell.
    fn stopped(&self, watched: &Watched, call: &Call<'_>, by_itself: bool) -> Option<bool> {
        match watched.by() {
            By::Policy => match watched.guardrail.as_ref().map(|g| self.stage.rehearse(g, call)) {
                Some(Told::Judged(judged)) => match judged.verdict {
                    Verdict::Denied => Some(true),
                    Verdict::Unknown => None,
                    Verdict::Allowed | Verdict::Changed => Some(false),
                },
                Some(Told::Untouched(_)) | None => Some(false),
            },
            // Whether it came by the public grant or by one of its own, the record does not tell.
            By::Outsiders => match call.who.kind {
                Who::Outsider => Some(true),
                Who::OtherAccount => None,
                _ if call.who.account.is_some_and(|a| a != watched.account) => None,
                _ => Some(false),
            },
            By::Key => Some(by_itself),
            By::Nothing | By::Network | By::NetworkUnread | By::NotWorkedOut => Some(false),
        }
    }

    /// Takes in an accepted flow.
    pub fn flow(&self, flow: &Flow<'_>, uses: &mut [Use]) {
        for (watched, found) in self.watched.iter().zip(uses) {
            let Some(verdict) = watched.cut.as_ref().map(|cut| cut.stops(flow)) else { continue };
            if verdict == Some(false) {
                continue;
            }
            let count_of = if verdict.is_none() { &mut found.stops.perhaps } else { &mut found.stops.surely };
            *count_of += 1;
            count(&mut found.stops.examples, &format!("{} -> {}:{}", flow.from, flow.interface, flow.port));
        }
    }

    /// Whether flows matter to any plan.
    pub fn wants_flows(&self) -> bool {
        self.watched.iter().any(|w| w.cut.is_some())
    }
}

/// A flow that was let through, as a flow log has it.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'f> {
    /// `interface-id`.
    pub interface: &'f str,
    /// `srcaddr`.
    pub from: &'f str,
    /// `dstaddr`.
    pub to: &'f str,
    /// `srcport`.
    pub from_port: u16,
    /// `dstport`.
    pub port: u16,
    /// `protocol`.
    pub protocol: u8,
}

fn count(map: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(n) = map.get_mut(name) {
        *n += 1;
    } else if map.len() < NAMED {
        map.insert(name.to_owned(), 1);
    }
}

/// The statements that a plan adds to a resource's policy and that deny something, as a guardrail on that resource.
fn guardrail(plan: &Plan) -> Option<Guardrail> {
    let document = |with: &Json| with.get("Policy").and_then(Json::as_str).and_then(|t| Policy::parse(t).ok());
    for step in &plan.steps {
        let Some(mut new) = document(&step.call.with) else { continue };
        let old = step.undo.iter().find_map(|u| document(&u.with));
        let old: Vec<String> = old.iter().flat_map(|p| &p.statements).map(essence).collect();
        new.statements.retain(|s| s.effect == Effect::Deny && !old.contains(&essence(s)));
        if !new.statements.is_empty() {
            let compiled = Compiled::new("new", new);
            return Some(Guardrail::Policies(Policies::new(Kind::Rcp, vec![compiled.into()])));
        }
    }
    None
}

/// A statement without its place in the text.
fn essence(s: &yagura_policy::document::Statement) -> String {
    format!("{:?} {:?} {:?} {:?} {:?}", s.effect, s.principals, s.actions, s.resources, s.conditions)
}
