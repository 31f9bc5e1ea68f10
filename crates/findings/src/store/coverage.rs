//! How far observations reach: which runs have overtaken one, and what a listing tells of resources that are not in it.

use super::cell::{Db, Done, at as cell_at};
use super::record::{Said, time};
use crate::error::StoreError;
use crate::observation::{Observation, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use yagura_model::{Gap, Listing, ResourceRef};

/// What a run covered, as the store keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Covered {
    accounts: Vec<SmolStr>,
    /// By account.
    regions: BTreeMap<SmolStr, Vec<SmolStr>>,
    rules: BTreeSet<SmolStr>,
    /// Of a part of the resources: the findings that it judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<BTreeSet<String>>,
}

impl Covered {
    pub(crate) fn of(o: &Observation) -> Self {
        let regions = |a: &SmolStr| (a.clone(), o.scope.regions_in(a).to_vec());
        Self {
            accounts: o.accounts.clone(),
            regions: o.accounts.iter().map(regions).collect(),
            rules: o.scope.checks.iter().cloned().collect(),
            only: o.partial.then(|| o.seen.iter().map(|s| s.resource.fingerprint(&s.rule)).collect()),
        }
    }

    /// Whether everything there was looked at.
    pub(crate) fn place(&self, account: &str, region: &str) -> bool {
        self.only.is_none() && self.in_scope(account, region)
    }

    fn in_scope(&self, account: &str, region: &str) -> bool {
        let among = |regions: &Vec<SmolStr>| regions.iter().any(|r| r == region);
        self.regions.get(account).is_some_and(|r| is_global(region) || among(r))
    }

    /// Whether a rule was asked of a resource.
    pub(crate) fn verdict(&self, rule: &str, r: &ResourceRef) -> bool {
        match &self.only {
            Some(only) => only.contains(&r.fingerprint(rule)),
            None => self.rules.contains(rule) && self.in_scope(&r.account, &r.region),
        }
    }
}

fn is_global(region: &str) -> bool {
    region.ends_with("-global")
}

/// A run that is newer than the observation.
pub(crate) struct Newer {
    pub run: i64,
    pub at: Timestamp,
    pub covered: Covered,
}

/// When the observation counts, and which runs are newer. A live account was read just now: if a run is in the future, the
/// clock went back, and the order of recording counts.
pub(crate) fn when(db: &mut dyn Db, o: &Observation, now: Timestamp) -> Done<(Timestamp, Vec<Newer>, Vec<Said>)> {
    let least = o.at.min(now);
    let rows = db.query("SELECT id, at, scope FROM yagura_runs WHERE at > $1 ORDER BY at DESC", &[least.into()])?;
    let mut newer = Vec::new();
    for row in &rows {
        let broken = |_| StoreError::NotAStore(format!("run {}", cell_at(row, 0).int()));
        let covered: Covered = serde_json::from_str(cell_at(row, 2).text()).map_err(broken)?;
        if covered.accounts.iter().any(|a| o.accounts.contains(a)) {
            newer.push(Newer { run: cell_at(row, 0).int(), at: time(cell_at(row, 1))?, covered });
        }
    }
    if let Some(last) = newer.first().map(|n| n.at).filter(|last| *last > now && o.source != Source::Snapshot) {
        let at = last.checked_add(jiff::Span::new().microseconds(1)).unwrap_or(last);
        return Ok((at, Vec::new(), vec![Said::ClockBack { clock: now, last }]));
    }
    newer.retain(|n| n.at > o.at);
    Ok((o.at, newer, Vec::new()))
}

/// What was listed, by place.
pub(crate) struct Listings<'o> {
    /// By kind, account and Region (none where the kind is listed for the whole account): that Region, and what is missing.
    by_place: HashMap<(&'o str, &'o str, &'o str), (&'o str, Option<&'o Gap>)>,
    /// Resources that are there: kind, account, Region (none where the kind is listed for the whole account), name.
    there: HashSet<(&'o str, &'o str, &'o str, &'o str)>,
}

impl<'o> Listings<'o> {
    pub(crate) fn of(o: &'o Observation) -> Self {
        let place = |l: &'o Listing| {
            let r = region(&l.region);
            ((l.kind.as_str(), l.account.as_str(), r), (r, l.gap.as_deref()))
        };
        let there = o.assets.iter().flat_map(|a| {
            let name = a.arn.as_deref().unwrap_or(&a.id);
            ["", a.region.as_str()].map(|r| (a.kind.as_str(), a.account.as_str(), r, name))
        });
        Self { by_place: o.listings.iter().map(place).collect(), there: there.collect() }
    }

    /// The listing that a resource is in: `None` where nobody asked for it, else what kept it from being whole.
    fn find(&self, r: &ResourceRef) -> Option<(&'o str, Option<&'o Gap>)> {
        let (kind, account) = (r.kind.as_str(), r.account.as_str());
        let of_region = self.by_place.get(&(kind, account, region(&r.region)));
        of_region.or_else(|| self.by_place.get(&(kind, account, ""))).copied()
    }

    /// What is missing from the listing that a resource is in; `None` where nobody asked for it.
    pub(crate) fn gap(&self, r: &ResourceRef) -> Option<Option<&'o Gap>> {
        self.find(r).map(|(_, gap)| gap)
    }

    /// Whether the resource is there.
    pub(crate) fn holds(&self, r: &ResourceRef) -> bool {
        let Some((place, _)) = self.find(r) else { return false };
        self.there.contains(&(r.kind.as_str(), r.account.as_str(), place, r.name()))
    }
}

/// A Region, none for the global pseudo-Regions.
fn region(name: &str) -> &str {
    if is_global(name) { "" } else { name }
}
