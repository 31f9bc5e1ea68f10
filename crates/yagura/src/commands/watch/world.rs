//! What is known of the accounts, and how a few of their resources are read, judged and recorded again.

use super::durable::{Since, Waits, What};
use crate::commands::findings::recording::{Memory, Part, Scan};
use crate::commands::live::Access;
use crate::content::Compiled;
use crate::failure::Failure;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;
use yagura_findings::{Recorded, Source};
use yagura_inventory::Rereader;
use yagura_inventory::change::{Catalogue, Changed, Known, Which};
use yagura_model::{Asset, Lang, ResourceRef, Status};
use yagura_rule::{Check, Estate, Judgement, Subject, judge_one};

/// What does not change while a watch runs.
pub struct Means<'w> {
    /// The checks that judge.
    pub checks: &'w [Check],
    /// Kinds and facts.
    pub compiled: &'w Compiled,
    /// Reads again, for these checks and those that have tags read.
    pub rereader: Rereader<'w>,
    /// What kinds are called.
    pub catalogue: Catalogue,
    /// The language.
    pub lang: Lang,
    /// For how long configurations are kept, in days.
    pub keep_days: u32,
}

/// What is known of the accounts.
pub struct World {
    /// How to read.
    pub access: Access,
    /// What was read.
    pub estate: Estate,
    /// The same by its names.
    pub known: Known,
    /// When the full scan behind it began.
    pub began: Timestamp,
    /// What was read and could not be recorded.
    owed: Owed,
}

/// What the estate holds already and the store does not: the next recording says it.
#[derive(Default)]
struct Owed {
    read: BTreeSet<u32>,
    gone: Vec<ResourceRef>,
    verdicts: BTreeSet<(usize, u32)>,
}

/// What came of reading again.
#[derive(Default)]
pub struct Done {
    /// What the recording changed.
    pub recorded: Option<Recorded>,
    /// What became of the resources.
    pub since: Vec<Since>,
    /// How many were read, were new, are gone.
    pub counts: [(&'static str, usize); 3],
    /// By place among those asked: to be tried again.
    pub later: BTreeSet<usize>,
    /// By place among those asked: not to be found.
    pub lost: BTreeSet<usize>,
    /// How many requests were sent.
    pub requests: u64,
}

impl World {
    /// A world.
    pub fn new(access: Access, estate: Estate, catalogue: &Catalogue) -> Self {
        let known = Known::of(&estate, catalogue);
        let began = estate.taken_at();
        Self { access, estate, known, began, owed: Owed::default() }
    }

    /// Reads resources again, judges them and what is judged by them, and records it.
    ///
    /// # Errors
    /// The store: nothing is recorded then.
    pub fn again(
        &mut self,
        means: &Means<'_>,
        memory: &mut Memory,
        runtime: &Runtime,
        waits: &[Waits],
    ) -> Result<Done, Failure> {
        let at = Timestamp::now();
        let wanted: Vec<Changed> = waits.iter().map(|w| self.changed(w)).collect();
        let before_read: BTreeMap<u32, Asset> = wanted
            .iter()
            .filter_map(|c| match c.which {
                Which::Known(at) => Some((at, self.estate.assets().get(at as usize)?.clone())),
                Which::New(_) => None,
            })
            .collect();
        // What is judged by these resources: as it was, so that only what changes is recorded.
        let region = |c: &Changed| match means.compiled.kinds.get(&c.kind) {
            Some(k) if !k.resource.regional => self.estate.global_region(&c.account),
            _ => c.region.clone(),
        };
        let places: Vec<_> = wanted.iter().map(|c| (c.kind.clone(), c.account.clone(), region(c))).collect();
        let places = places.iter().map(|(k, a, r)| (k.as_str(), a.as_str(), r.as_str()));
        let mut others = means.rereader.judged_by(&self.estate, places);
        others.retain(|(check, _)| *check < means.checks.len());
        let joins = |others: &BTreeSet<(usize, u32)>| -> BTreeSet<usize> { others.iter().map(|(c, _)| *c).collect() };
        let prepare = |estate: &mut Estate, of: &BTreeSet<usize>| {
            estate.prepare(of.iter().filter_map(|c| means.checks.get(*c)).flat_map(|c| &c.joins));
        };
        prepare(&mut self.estate, &joins(&others));
        let judged = |estate: &Estate, check: usize, asset: u32| {
            means.checks.get(check).map(|c| judge_one(estate, c, asset, false))
        };
        let was: BTreeMap<(usize, u32), Status> = others
            .iter()
            .filter_map(|(check, asset)| Some(((*check, *asset), judged(&self.estate, *check, *asset)?.0)))
            .collect();

        let sent = self.access.base.requests();
        self.estate.set_taken_at(at);
        let reread = runtime.block_on(means.rereader.read(&mut self.estate, &self.access.targets, &wanted));
        let requests = self.access.base.requests() - sent;

        for at in &reread.new {
            self.known.add(&self.estate, &means.catalogue, *at);
        }
        for (_, at) in &reread.gone {
            if let Some(asset) = before_read.get(at) {
                self.known.remove(&means.catalogue, asset, *at);
            }
        }
        let own: BTreeSet<(usize, u32)> = reread
            .read
            .iter()
            .filter_map(|at| Some((at, self.estate.assets().get(*at as usize)?)))
            .flat_map(|(at, a)| means.rereader.checks_of(&a.kind).iter().map(|c| (*c, *at)))
            .filter(|(check, _)| *check < means.checks.len())
            .collect();
        let owed = std::mem::take(&mut self.owed);
        let all: BTreeSet<(usize, u32)> = own.union(&others).chain(&owed.verdicts).copied().collect();
        prepare(&mut self.estate, &joins(&all));
        let mut judgements = Vec::new();
        for (check, asset) in all {
            // A place that is empty now has nothing to be judged.
            if self.estate.assets().get(asset as usize).is_none_or(|a| a.kind.is_empty()) {
                continue;
            }
            let Some((status, holes)) = judged(&self.estate, check, asset) else { continue };
            let place = (check, asset);
            if own.contains(&place) || owed.verdicts.contains(&place) || was.get(&place) != Some(&status) {
                judgements.push(Judgement { check, subject: Subject::Asset(asset), status, holes });
            }
        }
        let mut gone: Vec<ResourceRef> = reread.gone.iter().map(|(r, _)| r.clone()).collect();
        let counts = [("read", reread.read.len() - reread.new.len()), ("new", reread.new.len()), ("gone", gone.len())];
        gone.extend(owed.gone.into_iter().filter(|r| !reread.gone.iter().any(|(g, _)| g == r)));
        let there = |at: &&u32| self.estate.assets().get(**at as usize).is_some_and(|a| !a.kind.is_empty());
        let read: Vec<u32> = reread.read.iter().chain(owed.read.iter().filter(there)).copied().collect();
        let mut done =
            Done { recorded: None, since: Vec::new(), counts, later: reread.later, lost: reread.lost, requests };
        if read.is_empty() && gone.is_empty() {
            return Ok(done);
        }
        let part = Some(Part { read: &read, gone: &gone });
        let scan = Scan {
            estate: &self.estate,
            checks: means.checks,
            judgements: &judgements,
            compiled: means.compiled,
            partial: true,
            source: Source::Live,
            lang: means.lang,
            part,
        };
        match memory.keep(&scan, means.keep_days) {
            Ok(recorded) => done.recorded = recorded,
            Err(e) => {
                let verdicts = judgements.iter().filter_map(|j| match j.subject {
                    Subject::Asset(at) => Some((j.check, at)),
                    _ => None,
                });
                self.owed = Owed { verdicts: verdicts.collect(), read: read.into_iter().collect(), gone };
                return Err(e);
            }
        }
        let assets = read.iter().filter_map(|at| self.estate.assets().get(*at as usize));
        done.since = assets.map(|a| Since { at, what: What::Asset(Box::new(a.clone())) }).collect();
        done.since.extend(gone.into_iter().map(|r| Since { at, what: What::Gone(r) }));
        Ok(done)
    }

    /// What is to be read, in the estate as it is now.
    fn changed(&self, w: &Waits) -> Changed {
        let known = w.id.as_ref().and_then(|id| self.known.place(&self.estate, &w.kind, &w.account, &w.region, id));
        let names = || {
            let own = w.id.iter().map(|id| (String::new(), id.clone()));
            w.names.iter().cloned().chain(own).collect()
        };
        Changed {
            kind: w.kind.clone(),
            account: w.account.clone(),
            region: w.region.clone(),
            whole: w.whole || known.is_none(),
            which: known.map_or_else(|| Which::New(names()), Which::Known),
            fields: w.fields.clone(),
        }
    }

    /// What an event changed, as it waits: by name, since places in the estate do not last.
    pub fn waits(&self, change: Changed) -> Waits {
        let (id, region, names) = match &change.which {
            Which::Known(at) => match self.estate.assets().get(*at as usize) {
                Some(a) => (Some(a.id.clone()), a.region.clone(), BTreeSet::new()),
                None => (None, change.region.clone(), BTreeSet::new()),
            },
            Which::New(names) => (None, change.region.clone(), names.clone()),
        };
        Waits {
            kind: change.kind,
            account: change.account,
            region,
            id,
            names,
            fields: change.fields,
            whole: change.whole,
        }
    }
}
