//! What reaches what, for rules.

use super::told;
use crate::estate::{Estate, Hole};
use crate::operate::V;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::{Asset, Value};
use yagura_network::packet::{PacketBox, PacketSet, TCP};
use yagura_network::question::Reachable;
use yagura_network::question::place::Place;
use yagura_network::{Missing, Network};

/// `network.reachable_from_internet(this, ports)`: whether some address of the internet reaches one of these TCP ports of
/// the resource and gets an answer; any packet, where the list is empty. A security group is reached where something
/// in it is. What was not read makes the answer unknown where it decides.
pub(super) fn reachable_from_internet<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [V::Asset(asset, _), ports] = args else { return Err(told("expected a resource and ports".to_owned())) };
    let network = estate.network()?;
    let asked = packets(&ports_of(ports)?);
    let mut missing = BTreeSet::new();
    for interface in interfaces(network, asset)? {
        let (must, may, holes) = network.open_to_internet(interface);
        if must.meets(&asked) {
            return Ok(V::Bool(true));
        }
        if may.meets(&asked) {
            missing.extend(holes);
        }
    }
    answer(&missing)
}

/// The ways from the internet to a resource, for evidence: its public addresses with what is open there and what lets it
/// in; an empty list, where nothing is.
pub(super) fn paths(args: &[V<'_>], estate: &Estate) -> Option<(&'static str, Value)> {
    let [V::Asset(asset, _), ports] = args else { return None };
    let network = estate.network().ok()?;
    let asked = packets(&ports_of(ports).ok()?);
    let own = interfaces(network, asset).ok()?;
    let open = own.iter().flat_map(|at| network.exposures_of(*at, &asked)).take(MOST_PATHS);
    Some(("ReachableFromInternet", Value::List(open.map(Value::text).collect())))
}

/// How many ways are shown.
const MOST_PATHS: usize = 5;

/// `network.reachable(a, b)`: whether some packet from one resource reaches the other and is answered.
pub(super) fn reachable<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [V::Asset(from, _), V::Asset(to, _)] = args else { return Err(told("expected two resources".to_owned())) };
    let network = estate.network()?;
    let (from, to) = (interfaces(network, from)?, interfaces(network, to)?);
    let trials = network.trials(&Place::Interfaces(from), None, &Place::Interfaces(to), None);
    let mut missing = BTreeSet::new();
    for trial in trials.map_err(|e| told(e.to_string()))? {
        let outcome = network.outcome(&trial, &PacketSet::all());
        match outcome.reachable() {
            Reachable::Yes => return Ok(V::Bool(true)),
            Reachable::Unknown => missing.extend(outcome.missing()),
            Reachable::No => {}
        }
    }
    answer(&missing)
}

fn answer<'e>(missing: &BTreeSet<Arc<Missing>>) -> Result<V<'e>, Vec<Hole>> {
    if missing.is_empty() {
        return Ok(V::Bool(false));
    }
    Err(missing.iter().map(|m| Hole::Other(Arc::clone(&m.gap))).collect())
}

fn packets(ports: &[u16]) -> PacketSet {
    if ports.is_empty() {
        return PacketSet::all();
    }
    ports.iter().map(|p| PacketBox { protocol: (TCP, TCP), dst_port: (*p, *p), ..PacketBox::ANY }).collect()
}

fn ports_of(value: &V<'_>) -> Result<Vec<u16>, Vec<Hole>> {
    let port = |n: i64| u16::try_from(n).map_err(|_| told(format!("`{n}` is not a port")));
    match value {
        V::List(items) => items
            .iter()
            .map(|item| match item {
                V::Int(n) => port(*n),
                V::Unknown(holes) => Err(holes.clone()),
                _ => Err(told("expected port numbers".to_owned())),
            })
            .collect(),
        V::Ref(Value::List(items)) => items
            .iter()
            .map(|item| match item {
                Value::Int(n) => port(*n),
                _ => Err(told("expected port numbers".to_owned())),
            })
            .collect(),
        _ => Err(told("expected a list of ports".to_owned())),
    }
}

/// The network interfaces of a resource.
///
/// # Errors
/// Where nothing in the network is it: then nothing can be said of it.
fn interfaces(network: &Network, asset: &Asset) -> Result<Vec<u32>, Vec<Hole>> {
    let all = || network.estate.interfaces.iter().zip(0u32..);
    if asset.kind == "ec2.security_group" {
        if let Some(gap) = network.unread("DescribeNetworkInterfaces", &home(asset)) {
            return Err(vec![Hole::Other(gap)]);
        }
        // What may be in the group and was not told keeps the answer open.
        if let Some((other, _)) = all().find(|(i, _)| i.groups.is_none()) {
            return Err(told(format!("the groups of `{}` were not told", other.id)));
        }
        let in_group = all().filter(|(i, _)| i.groups.as_ref().is_some_and(|groups| groups.contains(&asset.id)));
        return Ok(in_group.map(|(_, at)| at).collect());
    }
    let names = asset.arn.iter().chain([&asset.id]);
    let place = names.into_iter().find_map(|name| network.place(name).ok());
    match place {
        Some(Place::Interface(at)) => Ok(vec![at]),
        Some(Place::Interfaces(found)) if !found.is_empty() => Ok(found),
        _ => Err(match network.unread("DescribeNetworkInterfaces", &home(asset)) {
            Some(gap) => vec![Hole::Other(gap)],
            None => told(format!("no network interface of `{}` was found", asset.id)),
        }),
    }
}

fn home(asset: &Asset) -> yagura_network::estate::Home {
    yagura_network::estate::Home { account: asset.account.clone(), region: asset.region.clone() }
}
