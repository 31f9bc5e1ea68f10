//! Why a request is decided as it is: the statements that decide, built only when asked for.

use super::possible::{self, Conditional, Outcome};
use super::{Asked, Decision, Layer, LayerSet, Layers, Mode, Reach, applies, exceptions, strictly};
use crate::compile::{Compiled, Statement};
use crate::document::Effect;
use crate::request::Request;
use crate::template::Lookup;
use crate::tri::Tri;
use smol_str::SmolStr;
use std::sync::Arc;

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// The layers that block; each alone would have been enough.
    pub blocked_by: LayerSet,
    /// The statements that decide, layer by layer.
    pub because: Vec<Because>,
    /// In possible mode: what the permission hangs on; `None` where it hangs on nothing.
    pub conditional: Option<Conditional>,
    /// The resource that was judged, where the request gave a pattern.
    pub resource: Option<SmolStr>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The layer it is of.
    pub layer: Layer,
    /// The level of an SCP or RCP, from 0 at the root.
    pub level: Option<usize>,
    /// The policy's name; empty where the reason is that there is none.
    pub policy: SmolStr,
    /// The statement's place in the policy.
    pub statement: Option<usize>,
    /// Its `Sid`.
    pub sid: Option<SmolStr>,
    /// What it does.
    pub role: Role,
    /// Its conditions and whether they hold.
    pub conditions: Vec<Held>,
}

/// What a statement does for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It allows.
    Allows,
    /// It denies.
    Denies,
    /// It would allow, but a condition does not hold.
    WouldAllow,
    /// It allows or denies under conditions that are open.
    Depends,
    /// No statement of the layer allows.
    NothingAllows,
    /// The root user needs no policy.
    Root,
    /// Block Public Access keeps the caller out.
    PublicAccessBlocked,
}

impl Role {
    /// The word for it in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allows => "allows",
            Self::Denies => "denies",
            Self::WouldAllow => "would_allow",
            Self::Depends => "depends",
            Self::NothingAllows => "nothing_allows",
            Self::Root => "root",
            Self::PublicAccessBlocked => "public_access_blocked",
        }
    }
}

/// A condition of a deciding statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The operator as written.
    pub operator: String,
    /// The key as written.
    pub key: SmolStr,
    /// The policy's values.
    pub wanted: Vec<SmolStr>,
    /// The request's values; `None` where the key is absent or open.
    pub found: Option<Vec<SmolStr>>,
    /// Whether it holds.
    pub holds: Tri,
}

/// Decides as [`super::decide`] does, with the reasons.
pub fn explain(request: &Request, layers: &Layers<'_>, mode: Mode<'_>) -> Answer {
    reasons(request, layers, mode, possible::decide(request, layers, mode))
}

/// Decides on the resource as it is written, for actions that name no resource and are asked with `*`.
pub fn explain_literally(request: &Request, layers: &Layers<'_>, mode: Mode<'_>) -> Answer {
    reasons(request, layers, mode, possible::decide_one(&Asked::new(request), layers, mode))
}

fn reasons(request: &Request, layers: &Layers<'_>, mode: Mode<'_>, outcome: Outcome) -> Answer {
    let concrete;
    let request = match &outcome.resource {
        None => request,
        Some(resource) => {
            concrete = Request { resource: resource.clone(), ..request.clone() };
            &concrete
        }
    };
    let asked = Asked::new(request);
    let example = outcome.conditional.as_ref().map(|c| &c.example);
    let find = |key: &str| match example.and_then(|e| e.get(key)).map(Vec::as_slice) {
        Some([]) => Lookup::Absent,
        Some(values) => Lookup::Values(values),
        None => possible::known(&asked, mode, key),
    };
    let open = |key: &str| possible::known(&asked, mode, key);
    let verdict = outcome.verdict;
    let mut because = Vec::new();
    let walk = Walk { asked: &asked, layers, find: &find, open: &open, decision: verdict.decision };
    walk.all(verdict.blocked_by, &mut because);
    Answer {
        decision: verdict.decision,
        blocked_by: verdict.blocked_by,
        because,
        conditional: outcome.conditional,
        resource: outcome.resource,
    }
}

struct Walk<'w, 'v> {
    asked: &'w Asked<'w>,
    layers: &'w Layers<'w>,
    /// With the example context of a conditional answer.
    find: &'w dyn Fn(&str) -> Lookup<'v>,
    /// Without it.
    open: &'w dyn Fn(&str) -> Lookup<'v>,
    decision: Decision,
}

impl Walk<'_, '_> {
    fn all(&self, blocked: LayerSet, out: &mut Vec<Because>) {
        if exceptions::always_allowed(self.asked) {
            return;
        }
        let caller = &self.asked.caller;
        let l = self.layers;
        if caller.is_aws() {
            if caller.kind == super::Kind::Root {
                out.push(Because::of(Layer::Identity, Role::Root));
            } else {
                self.layer(Layer::Identity, None, l.identity, blocked, out);
            }
            self.layer(Layer::Boundary, None, l.boundary, blocked, out);
            self.layer(Layer::Session, None, l.session, blocked, out);
        }
        self.layer(Layer::Resource, None, l.resource.map_or(&[], std::slice::from_ref), blocked, out);
        if !caller.is_service_linked() {
            for (level, policies) in l.scp.iter().enumerate().filter(|_| caller.is_aws()) {
                self.layer(Layer::Scp, Some(level), policies, blocked, out);
            }
            for (level, policies) in l.rcp.iter().enumerate() {
                self.layer(Layer::Rcp, Some(level), policies, blocked, out);
            }
        }
        self.layer(Layer::VpcEndpoint, None, l.vpc_endpoint, blocked, out);
        if blocked.contains(Layer::BlockPublicAccess) {
            out.push(Because::of(Layer::BlockPublicAccess, Role::PublicAccessBlocked));
        }
    }

    fn layer(
        &self,
        layer: Layer,
        level: Option<usize>,
        policies: &[Arc<Compiled>],
        blocked: LayerSet,
        out: &mut Vec<Because>,
    ) {
        let before = out.len();
        let mut near = Vec::new();
        let mut allows = false;
        for policy in policies {
            for (place, statement) in policy.on(&self.asked.action) {
                if self.named(layer, statement).is_false() {
                    continue;
                }
                let holds = applies(self.asked, statement, self.find);
                let role = match (statement.effect, holds) {
                    (Effect::Deny, Tri::True) => Role::Denies,
                    (Effect::Allow, Tri::True) => Role::Allows,
                    (_, Tri::Unknown) => Role::Depends,
                    (Effect::Allow, Tri::False) if !exceptions::covers(self.asked, statement, self.find).is_false() => {
                        near.push(self.statement(layer, level, policy, place, Role::WouldAllow));
                        continue;
                    }
                    (Effect::Deny, Tri::False) if self.hangs_on(statement) => Role::Depends,
                    _ => continue,
                };
                allows |= role == Role::Allows;
                let role = if role == Role::Allows && self.hangs_on(statement) { Role::Depends } else { role };
                out.push(self.statement(layer, level, policy, place, role));
            }
        }
        let must_tell = blocked.contains(layer) && !allows && !out.iter().skip(before).any(|b| b.role == Role::Denies);
        if must_tell && level_counts(layer) {
            out.append(&mut near);
            if out.len() == before {
                out.push(Because { level, ..Because::of(layer, Role::NothingAllows) });
            }
        }
        // An allowed request is explained by what allows it; a denied one by what blocks it.
        if self.decision != Decision::Allowed && !blocked.contains(layer) {
            out.truncate(before);
        }
    }

    fn named(&self, layer: Layer, statement: &Statement) -> Tri {
        let userid = self.asked.lookup("aws:userid").and_then(|v| v.first()).map(SmolStr::as_str);
        let reach = || -> Reach {
            strictly(self.asked.caller.reach(statement, !self.layers.boundary.is_empty(), userid), self.find)
        };
        match layer {
            Layer::Resource => reach().any(),
            Layer::VpcEndpoint if statement.principals.is_some() => reach().any(),
            _ => Tri::True,
        }
    }

    /// Whether the statement would be open without the example context.
    fn hangs_on(&self, statement: &Statement) -> bool {
        applies(self.asked, statement, self.open) == Tri::Unknown
    }

    fn statement(&self, layer: Layer, level: Option<usize>, policy: &Compiled, place: usize, role: Role) -> Because {
        let written = policy.policy.statements.get(place);
        let compiled = policy.statement(place);
        let conditions =
            written.into_iter().flat_map(|s| &s.conditions).zip(compiled.into_iter().flat_map(|s| &s.conditions));
        let held = |(written, compiled): (&crate::document::Condition, &crate::condition::Condition)| Held {
            operator: written.operator.to_string(),
            key: written.key.clone(),
            wanted: written.values.clone(),
            found: match (self.find)(&compiled.key) {
                Lookup::Values(values) => Some(values.to_vec()),
                Lookup::Absent | Lookup::Open => None,
            },
            holds: compiled.holds(self.find),
        };
        Because {
            layer,
            level,
            policy: policy.name.clone(),
            statement: Some(place),
            sid: written.and_then(|s| s.sid.clone()),
            role,
            conditions: conditions.map(held).collect(),
        }
    }
}

/// An RCP level always allows: only its denials are reasons.
fn level_counts(layer: Layer) -> bool {
    layer != Layer::Rcp
}

impl Because {
    fn of(layer: Layer, role: Role) -> Self {
        Self {
            layer,
            level: None,
            policy: SmolStr::default(),
            statement: None,
            sid: None,
            role,
            conditions: Vec::new(),
        }
    }
}
