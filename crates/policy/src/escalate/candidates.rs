//! Resources that the authorization details do not show, made up so that the caller's policies may allow them.

use super::Certainty;
use super::fit::Fits;
use super::path::{On, Target};
use super::world::{Ask, Prepared, Sure, Trust};
use crate::account::IdentityKind;
use crate::document::Effect;
use crate::language::{self, Answer, Pattern, StringSet};
use smol_str::SmolStr;

/// What stands in a made-up ARN where any text will do.
const ANY: &str = "yagura-any";

/// Whether an action is allowed on some resource that matches a pattern.
pub(super) fn on_some(fits: &Fits<'_, '_>, ask: &Ask, pattern: &str) -> Sure {
    let pattern = fits.world.arn(pattern);
    let may = |resource: &str| fits.world.may(fits.actor, ask, resource, None, Trust::NotAsked);
    let mut best = may(&plain(&pattern));
    if best.certainty != Certainty::Certain {
        for resource in named(fits, ask, &pattern) {
            best = best.or(may(&resource));
            if best.certainty == Certainty::Certain {
                break;
            }
        }
    }
    best
}

/// ARNs for a path's target that nobody in the account has. They do for a user, role, group or policy that is not
/// shown: made later, left out by `--filter`, or of another account, where roles are assumed.
pub(super) fn unseen(fits: &Fits<'_, '_>, prepared: &Prepared<'_>) -> Vec<SmolStr> {
    let (kind, foreign) = match &prepared.path.target {
        Target::Caller { kind: IdentityKind::User, .. } | Target::User => ("user", false),
        Target::Caller { kind: IdentityKind::Role, .. } => ("role", false),
        Target::Role(role) => ("role", role.trusts == super::path::Trusts::Caller),
        Target::Group { .. } => ("group", false),
        Target::Policy => ("policy", false),
        Target::Account | Target::Resource => return Vec::new(),
    };
    let mut patterns = vec![fits.world.arn(&format!("arn:{{partition}}:iam::{{account}}:{kind}/*"))];
    if foreign {
        patterns.push(fits.world.arn("arn:{partition}:iam::*:role/*"));
    }
    let on_target =
        prepared.steps.iter().filter(|s| s.on.iter().any(|on| matches!(on, On::Target | On::TrustingTarget)));
    let mut found = Vec::new();
    for ask in on_target.flat_map(|s| &s.asks).filter_map(|a| fits.world.asks.get(*a)) {
        for pattern in &patterns {
            found.push(plain(pattern));
            found.extend(named(fits, ask, pattern));
        }
    }
    found.sort_unstable();
    found.dedup();
    let account = fits.world.account;
    let is_shown = |arn: &str| {
        account.identity(arn).is_some()
            || account.groups.iter().any(|g| g.arn == arn)
            || account.policies.iter().any(|p| p.arn == arn)
    };
    found.retain(|arn| !is_shown(arn));
    found
}

/// Resources that match a pattern: one for each resource that an Allow statement of the caller's names, out of reach of
/// its Deny statements where that can be.
fn named(fits: &Fits<'_, '_>, ask: &Ask, pattern: &str) -> Vec<SmolStr> {
    let wanted = Pattern::new(pattern);
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for policy in &fits.actor.policies {
        for (place, statement) in policy.on(&ask.key) {
            let element = policy.policy.statements.get(place).and_then(|s| s.resources.as_ref());
            let Some(element) = element.filter(|e| !e.negated) else { continue };
            let list = if statement.effect == Effect::Allow { &mut allowed } else { &mut denied };
            list.extend(element.items.iter().filter(|r| *r != "*").map(|r| settled(fits, r)));
        }
    }
    allowed.sort_unstable();
    allowed.dedup();
    let mut found = Vec::new();
    let beside = StringSet::none_of(denied.iter().map(|d| Pattern::new(d)).collect());
    let within = StringSet::any_of(vec![wanted.clone()]);
    for resource in allowed {
        let named = Pattern::new(&resource);
        if named.surely_disjoint(&wanted) {
            continue;
        }
        let likely = [plain(&resource), plain(pattern)];
        let sets = [&within, &StringSet::any_of(vec![named]), &beside];
        if let Answer::Found(text) = language::find(&sets, likely.iter().map(SmolStr::as_str)) {
            found.push(SmolStr::new(text));
        }
    }
    found
}

/// A pattern's wildcards filled with a text that nobody would name; a Region where a Region stands.
fn plain(pattern: &str) -> SmolStr {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let filled = |(at, part): (usize, &&str)| match (at, *part) {
        (3, "*") => "us-east-1".to_owned(),
        (4, "*") => "999999999999".to_owned(),
        (_, "*") if parts.len() < 6 => "*".to_owned(),
        (_, part) => part.replace('*', ANY).replace('?', "x"),
    };
    SmolStr::new(parts.iter().enumerate().map(filled).collect::<Vec<_>>().join(":"))
}

/// A resource as a policy names it, with the variables that the caller settles; any other stands for anything.
fn settled(fits: &Fits<'_, '_>, resource: &str) -> String {
    let mut out = String::with_capacity(resource.len());
    let mut rest = resource;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        match name.to_ascii_lowercase().as_str() {
            "aws:username" => out.push_str(&fits.actor.identity.name),
            "aws:principalaccount" => out.push_str(&fits.world.account.id),
            _ => out.push('*'),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}
