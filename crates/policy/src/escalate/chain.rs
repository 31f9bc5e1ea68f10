//! Chains of paths: from a principal over those whose permissions it gains to an administrator.

use super::fit::{Fit, Gained, Whom};
use super::world::World;
use super::{Certainty, Hop, commands};
use std::collections::HashMap;

/// What to tell of a principal.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) hops: Vec<Hop>,
    pub(super) reaches_admin: bool,
    pub(super) certainty: Certainty,
}

/// One step from a principal to another, or to an administrator's permissions.
#[derive(Clone, Copy)]
struct Edge<'f> {
    path: usize,
    fit: &'f Fit,
}

/// For every principal, the fewest hops to an administrator: over certain steps where there is such a way, else over
/// any. Where no administrator is reached, the surest step.
pub(super) fn shortest(world: &World<'_>, fits: &[Vec<(usize, Vec<Fit>)>]) -> Vec<Chain> {
    let edges: Vec<HashMap<Gained, Edge<'_>>> = fits.iter().map(|f| best_edges(f)).collect();
    let certain = ways(world, &edges, Certainty::Certain);
    let any = ways(world, &edges, Certainty::Conditional);
    let chain = |(caller, fits): (usize, &Vec<(usize, Vec<Fit>)>)| {
        if world.actors.get(caller).is_some_and(|a| a.admin == Certainty::Certain) {
            return Chain { hops: Vec::new(), reaches_admin: false, certainty: Certainty::Certain };
        }
        for ways in [&certain, &any] {
            if let Some((hops, certainty)) = walk(world, ways, caller) {
                return Chain { hops, reaches_admin: true, certainty };
            }
        }
        let steps = fits.iter().flat_map(|(path, fits)| fits.iter().map(|fit| Edge { path: *path, fit }));
        let surest = steps.min_by_key(|e| (std::cmp::Reverse((e.fit.certainty, e.fit.gained.rank())), e.path));
        let certainty = surest.map_or(Certainty::Certain, |e| e.fit.certainty);
        Chain { hops: surest.map(|e| hop(world, caller, e)).into_iter().collect(), reaches_admin: false, certainty }
    };
    fits.iter().enumerate().map(chain).collect()
}

/// For each gain, the surest step; of several the first of the catalogue.
fn best_edges(fits: &[(usize, Vec<Fit>)]) -> HashMap<Gained, Edge<'_>> {
    let mut best: HashMap<Gained, Edge<'_>> = HashMap::new();
    for (path, fits) in fits {
        for fit in fits.iter().filter(|f| f.gained != Gained::Nothing) {
            let edge = Edge { path: *path, fit };
            let slot = best.entry(fit.gained).or_insert(edge);
            if fit.certainty > slot.fit.certainty {
                *slot = edge;
            }
        }
    }
    best
}

/// The next step of every principal that reaches an administrator over steps at least this sure, and its distance.
fn ways<'f>(
    world: &World<'_>,
    edges: &[HashMap<Gained, Edge<'f>>],
    at_least: Certainty,
) -> Vec<Option<(usize, Option<Edge<'f>>)>> {
    let admins = world.actors.iter().map(|a| (a.admin >= at_least).then_some((0, None)));
    let mut ways: Vec<Option<(usize, Option<Edge<'f>>)>> = admins.collect();
    for distance in 1..=world.actors.len() {
        let reached = |gained: &Gained| match gained {
            Gained::Admin => distance == 1,
            Gained::Identity(at) => matches!(ways.get(*at), Some(Some((d, _))) if *d + 1 == distance),
            Gained::Nothing => false,
        };
        let mut next = Vec::new();
        for (caller, edges) in edges.iter().enumerate().filter(|(c, _)| matches!(ways.get(*c), Some(None))) {
            let usable = edges.iter().filter(|(gained, e)| e.fit.certainty >= at_least && reached(gained));
            // An administrator's permissions directly before those of somebody who has them, then as catalogued.
            let best = usable.min_by_key(|(gained, e)| {
                (std::cmp::Reverse(e.fit.certainty), std::cmp::Reverse(gained.rank()), e.path, **gained)
            });
            next.extend(best.map(|(_, e)| (caller, *e)));
        }
        if next.is_empty() {
            break;
        }
        for (caller, edge) in next {
            if let Some(slot) = ways.get_mut(caller) {
                *slot = Some((distance, Some(edge)));
            }
        }
    }
    ways
}

fn walk(world: &World<'_>, ways: &[Option<(usize, Option<Edge<'_>>)>], caller: usize) -> Option<(Vec<Hop>, Certainty)> {
    let (mut hops, mut certainty) = (Vec::new(), Certainty::Certain);
    let mut here = caller;
    while let Some((_, Some(edge))) = ways.get(here).copied().flatten() {
        hops.push(hop(world, here, edge));
        certainty = certainty.min(edge.fit.certainty);
        let Gained::Identity(next) = edge.fit.gained else { break };
        here = next;
        if let Some((0, _)) = ways.get(here).copied().flatten() {
            certainty = certainty.min(world.actors.get(here).map_or(Certainty::Conditional, |a| a.admin));
        }
    }
    (!hops.is_empty()).then_some((hops, certainty))
}

fn hop(world: &World<'_>, caller: usize, edge: Edge<'_>) -> Hop {
    let identity = world.actors.get(caller).map(|a| a.identity);
    let path = world.paths.get(edge.path).map(|p| p.path);
    let commands = identity.zip(path).map(|(i, p)| commands::fill(world, i, p, &edge.fit.whom)).unwrap_or_default();
    let to = match edge.fit.gained {
        Gained::Identity(at) => Whom::Identity(at).arn(world),
        Gained::Admin | Gained::Nothing => None,
    };
    Hop {
        from: identity.map(|i| i.arn.clone()).unwrap_or_default(),
        path: edge.path,
        target: edge.fit.whom.arn(world),
        to,
        certainty: edge.fit.certainty,
        doubts: edge.fit.doubts.clone(),
        when: edge.fit.when.clone(),
        commands,
    }
}
