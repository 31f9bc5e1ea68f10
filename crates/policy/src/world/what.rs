//! What a principal can do: the actions of the catalogue that some resource and some context allow.

use super::World;
use crate::catalogue::{AccessLevel, Catalogue};
use crate::document::Effect;
use crate::evaluate::{Decision, Mode};
use crate::pattern::Glob;
use crate::request::{Caller, Context, Request};
use smol_str::{SmolStr, format_smolstr};

/// What a principal can do in one service.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// The service prefix.
    pub service: SmolStr,
    /// How many actions the service has.
    pub of: usize,
    /// The actions that are allowed on some resource, sorted.
    pub actions: Vec<Grant>,
}

/// One action.
#[derive(Debug, Clone)]
pub struct Grant {
    /// `service:Action`.
    pub action: SmolStr,
    /// What it lets one do.
    pub level: AccessLevel,
    /// Whether a condition has to hold.
    pub conditional: bool,
    /// The resources of the Allow statements on it.
    pub resources: Vec<SmolStr>,
}

/// Asks every action of the catalogue in possible mode, on any resource of the principal's account.
pub fn what_can(world: &World, catalogue: &Catalogue, principal: &str, context: &Context) -> Vec<Allowed> {
    let mut out = Vec::new();
    let nothing: [Glob; 0] = [];
    for service in catalogue.services() {
        let mut actions = Vec::new();
        for action in &service.actions {
            let name = format_smolstr!("{}:{}", service.prefix, action.name);
            let resources = resources(world, principal, &name);
            if resources.is_empty() {
                continue;
            }
            let request = Request {
                principal: Caller::Aws(principal.into()),
                action: name.clone(),
                resource: SmolStr::new_static("*"),
                resource_account: None,
                context: context.clone(),
            };
            let told = world.can(&request, Mode::Possible(&nothing), catalogue);
            if told.answer.decision == Decision::Allowed {
                let conditional = told.answer.conditional.is_some();
                actions.push(Grant { action: name, level: action.level, conditional, resources });
            }
        }
        if !actions.is_empty() {
            out.push(Allowed { service: service.prefix.clone(), of: service.actions.len(), actions });
        }
    }
    out
}

/// The resources of the identity policies' Allow statements on an action.
fn resources(world: &World, principal: &str, action: &str) -> Vec<SmolStr> {
    let Some(identity) = world.identity(principal) else { return Vec::new() };
    let key = crate::compile::ActionKey::new(action);
    let mut found = Vec::new();
    for policy in identity.policies.iter().filter_map(|h| h.document.as_ref()) {
        for (place, statement) in policy.on(&key).filter(|(_, s)| s.effect == Effect::Allow) {
            let _ = statement;
            match policy.policy.statements.get(place).and_then(|s| s.resources.as_ref()) {
                Some(element) if element.negated => {
                    found.extend(element.items.iter().map(|r| format_smolstr!("!{r}")));
                }
                Some(element) => found.extend(element.items.iter().cloned()),
                None => found.push(SmolStr::new_static("*")),
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
