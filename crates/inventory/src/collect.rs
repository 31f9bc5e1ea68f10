//! Reads from AWS what the checks ask for, and nothing else.
//!
//! Every check is evaluated on what is known so far. Where an answer still hangs on data that nobody has read, the call
//! for that data is queued; when it comes back the check is evaluated again. A call that could not change any answer is
//! never made. A call that fails leaves a [`Gap`] in the data's place and stops nothing else.

mod again;
mod request;
mod settle;

pub use again::{Reread, Rereader};

use crate::kinds::{Kinds, Source};
use crate::plan::Plan;
use crate::shape::{self, Place};
use request::{fetch, nameless};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::task::JoinSet;
use yagura_aws::Session;
use yagura_model::{Asset, Caller, Field, Gap, Map, ResourceRef, Value};
use yagura_rule::{Check, Estate, Hole, judge_one};

/// How many calls are started at once; the session's own limits decide how many really run.
const IN_FLIGHT: usize = 128;

/// One account to read, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The account.
    pub caller: Caller,
    /// How to ask; or why it cannot be asked.
    pub session: Result<Session, Arc<Gap>>,
}

/// What happens while reading, for a progress display.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The service (`s3`).
    pub service: SmolStr,
    /// The Region asked.
    pub region: SmolStr,
    /// Calls finished so far.
    pub done: usize,
    /// Calls known to be needed so far.
    pub known: usize,
}

/// A unit of reading, made at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    /// All kinds of a group in one account and Region.
    List { group: usize, target: usize, region: SmolStr },
    /// A field of one asset.
    Field { asset: u32, field: SmolStr },
    /// The description of one asset, or of a batch (then `assets` are its members).
    Describe { assets: Vec<u32> },
    /// A set of ids for all assets of a kind in one account and Region.
    Members { kind: SmolStr, field: SmolStr, target: usize, region: SmolStr },
}

struct Answer {
    job: Job,
    /// The pages that came.
    values: Vec<Value>,
    /// Why there are no more.
    error: Option<Failed>,
}

/// A call that failed.
struct Failed {
    gap: Arc<Gap>,
    /// AWS's error code.
    code: String,
}

/// Reads what `checks` need into `estate`.
pub async fn collect(
    estate: &mut Estate,
    targets: &[Target],
    checks: &[Check],
    kinds: &Kinds,
    progress: &(dyn Fn(&Progress) + Sync),
) {
    gather(estate, targets, checks, kinds, progress, None).await;
}

/// Reads what `checks` need to judge this one resource, and no more: its own listing and fields, and what they join.
pub async fn collect_one(
    estate: &mut Estate,
    targets: &[Target],
    checks: &[Check],
    kinds: &Kinds,
    resource: &ResourceRef,
) {
    gather(estate, targets, checks, kinds, &|_| {}, Some(resource)).await;
}

async fn gather(
    estate: &mut Estate,
    targets: &[Target],
    checks: &[Check],
    kinds: &Kinds,
    progress: &(dyn Fn(&Progress) + Sync),
    only: Option<&ResourceRef>,
) {
    let plan = Plan::of(checks, kinds);
    let mut by_kind: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, check) in checks.iter().enumerate() {
        by_kind.entry(check.each.as_str()).or_default().push(at);
    }
    let mut c = Collector { only, ..Collector::new(estate, targets, (checks, kinds), &plan, by_kind) };
    c.seed();
    c.run(progress).await;
}

/// A check on an asset that waits for data.
struct Task {
    check: usize,
    asset: u32,
    /// How many answers it still waits for.
    open: usize,
}

struct Collector<'c> {
    estate: &'c mut Estate,
    targets: &'c [Target],
    checks: &'c [Check],
    kinds: &'c Kinds,
    /// The one resource to judge, where not all are.
    only: Option<&'c ResourceRef>,
    plan: &'c Plan,
    by_kind: HashMap<&'c str, Vec<usize>>,
    queue: VecDeque<Job>,
    /// Assets that wait to be described together, by kind, place and what else the call names.
    batches: BTreeMap<(SmolStr, usize, SmolStr, String), Vec<u32>>,
    /// What was asked for: by asset and source, or by listing.
    asked: HashSet<Wanted>,
    waiting: HashMap<Wanted, Vec<usize>>,
    /// Listings that are made for each asset of another listing, by that one.
    after: HashMap<Wanted, Vec<Job>>,
    tasks: Vec<Task>,
    unique: HashSet<(SmolStr, SmolStr, SmolStr)>,
    running: JoinSet<Answer>,
    done: usize,
    /// How many more readings may be asked for, where that is limited.
    budget: Option<usize>,
}

/// What a task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Wanted {
    Listing(usize, usize, SmolStr),
    Field(u32, SmolStr),
    Description(u32),
    Members(SmolStr, SmolStr, usize, SmolStr),
}

impl<'c> Collector<'c> {
    /// One with nothing asked for yet, for all resources and without a limit.
    fn new(
        estate: &'c mut Estate,
        targets: &'c [Target],
        (checks, kinds): (&'c [Check], &'c Kinds),
        plan: &'c Plan,
        by_kind: HashMap<&'c str, Vec<usize>>,
    ) -> Self {
        Self {
            estate,
            targets,
            checks,
            kinds,
            only: None,
            plan,
            by_kind,
            queue: VecDeque::new(),
            batches: BTreeMap::new(),
            asked: HashSet::new(),
            waiting: HashMap::new(),
            after: HashMap::new(),
            tasks: Vec::new(),
            unique: HashSet::new(),
            running: JoinSet::new(),
            done: 0,
            budget: None,
        }
    }
}

impl Collector<'_> {
    /// Queues the listings of the kinds under judgement; what is only joined waits until an answer hangs on it. Kinds that
    /// no call lists (`account`, `region`) are all put in before any is judged: a join onto them finds them there.
    fn seed(&mut self) {
        let ids: BTreeSet<SmolStr> = self.checks.iter().flat_map(Check::kinds).cloned().collect();
        let mut listed = Vec::new();
        let mut unlisted = Vec::new();
        for target in 0..self.targets.len() {
            for id in &ids {
                let Some(kind) = self.kinds.get(id) else { continue };
                for region in self.regions(target, kind.resource.regional) {
                    if self.is_elsewhere(id, target, kind.resource.regional, &region) {
                        continue;
                    }
                    match self.plan.group_of.get(id) {
                        Some(&group) if self.by_kind.contains_key(id.as_str()) => {
                            listed.push(Wanted::Listing(group, target, region));
                        }
                        Some(_) => {}
                        None => unlisted.push((id, self.push_self(id, target, region))),
                    }
                }
            }
        }
        for wanted in listed {
            self.want(wanted);
        }
        for (id, added) in unlisted {
            self.judge(id, &added);
        }
    }

    /// Whether a listing of the kind under judgement cannot hold the one resource that is wanted.
    fn is_elsewhere(&self, kind: &SmolStr, target: usize, regional: bool, region: &SmolStr) -> bool {
        let account = self.targets.get(target).map(|t| &t.caller.account);
        self.only.is_some_and(|r| r.kind == *kind && (Some(&r.account) != account || (regional && r.region != *region)))
    }

    fn regions(&self, target: usize, regional: bool) -> Vec<SmolStr> {
        if regional {
            let account = self.targets.get(target).map(|t| t.caller.account.as_str()).unwrap_or_default();
            return self.estate.scope().regions_in(account).to_vec();
        }
        self.targets.get(target).map(|t| vec![self.estate.global_region(&t.caller.account)]).unwrap_or_default()
    }

    /// Adds the one asset of a kind that is not listed by a call (`account`, `region`).
    fn push_self(&mut self, id: &SmolStr, target: usize, region: SmolStr) -> Vec<u32> {
        let (Some(kind), Some(t)) = (self.kinds.get(id), self.targets.get(target)) else { return Vec::new() };
        let place = Place { caller: &t.caller, region: &region };
        let scope = self.estate.scope().regions_in(&t.caller.account);
        let assets = shape::assets(&kind.resource, place, Map::new(), scope).unwrap_or_default();
        self.estate.set_listing((id.clone(), t.caller.account.clone(), region.clone()), None);
        self.add_assets(id, assets)
    }

    /// Adds assets with gaps where fields need a call, and says their places.
    fn add_assets(&mut self, id: &SmolStr, assets: Vec<Asset>) -> Vec<u32> {
        let Some(kind) = self.kinds.get(id) else { return Vec::new() };
        let not_requested = self.estate.not_requested().clone();
        let mut added = Vec::with_capacity(assets.len());
        for mut asset in assets {
            if let Some(path) = &kind.resource.unique
                && let Field::Known(v) = asset.field(path)
                && !self.unique.insert((id.clone(), asset.account.clone(), v.to_string().into()))
            {
                continue;
            }
            for field in kind.pending() {
                asset.set(field.clone(), Field::Unknown(not_requested.clone()));
            }
            added.push(self.estate.push(asset));
        }
        added
    }

    /// Judges new assets of a kind as far as possible.
    fn judge(&mut self, id: &SmolStr, added: &[u32]) {
        let wanted: Vec<u32> = added.iter().copied().filter(|&at| self.is_wanted(at)).collect();
        for check in self.by_kind.get(id.as_str()).cloned().unwrap_or_default() {
            for &asset in &wanted {
                self.tasks.push(Task { check, asset, open: 0 });
                self.advance(self.tasks.len() - 1);
            }
        }
    }

    /// Whether an asset is to be judged.
    fn is_wanted(&self, asset: u32) -> bool {
        let Some(only) = self.only else { return true };
        let found = self.estate.assets().get(asset as usize);
        found.is_some_and(|a| {
            a.id == only.id && a.kind == only.kind && a.account == only.account && a.region == only.region
        })
    }

    /// Evaluates a task and asks for what its answer hangs on.
    fn advance(&mut self, task: usize) {
        let Some((check, asset)) = self.tasks.get(task).and_then(|t| Some((self.checks.get(t.check)?, t.asset))) else {
            return;
        };
        self.estate.prepare(&check.joins);
        let (_, holes) = judge_one(self.estate, check, asset, true);
        let mut wanted: Vec<Wanted> = holes.iter().filter(|h| h.can_be_read()).filter_map(|h| self.wanted(h)).collect();
        wanted.sort();
        wanted.dedup();
        for w in wanted {
            if self.want(w.clone()) {
                self.waiting.entry(w).or_default().push(task);
                if let Some(t) = self.tasks.get_mut(task) {
                    t.open += 1;
                }
            }
        }
    }

    /// The reading that would fill a hole.
    fn wanted(&self, hole: &Hole) -> Option<Wanted> {
        match hole {
            Hole::Listing { kind, account, region, .. } => {
                let target = self.target_of(account)?;
                Some(Wanted::Listing(*self.plan.group_of.get(kind)?, target, region.clone()))
            }
            Hole::Field { asset, field, .. } => {
                let a = self.estate.assets().get(*asset as usize)?;
                match self.kinds.get(&a.kind)?.source(field)? {
                    Source::List => None,
                    Source::Describe(..) => Some(Wanted::Description(*asset)),
                    Source::Call(spec, _) if spec.member.is_some() => {
                        let target = self.target_of(&a.account)?;
                        Some(Wanted::Members(a.kind.clone(), field.clone(), target, a.region.clone()))
                    }
                    Source::Call(..) => Some(Wanted::Field(*asset, field.clone())),
                }
            }
            Hole::Other(_) => None,
        }
    }

    /// The target that reads an account.
    fn target_of(&self, account: &str) -> Option<usize> {
        self.targets.iter().position(|t| t.caller.account == account)
    }

    /// Queues a reading once; `false` where it is already done.
    fn want(&mut self, w: Wanted) -> bool {
        if self.asked.contains(&w) {
            return self.waiting.contains_key(&w);
        }
        if let Some(left) = &mut self.budget {
            let Some(less) = left.checked_sub(1) else { return false };
            *left = less;
        }
        self.asked.insert(w.clone());
        self.waiting.insert(w.clone(), Vec::new());
        match w {
            Wanted::Listing(group, target, region) => self.want_listing(group, target, region),
            Wanted::Field(asset, field) => self.queue.push_back(Job::Field { asset, field }),
            Wanted::Members(kind, field, target, region) => {
                self.queue.push_back(Job::Members { kind, field, target, region })
            }
            Wanted::Description(asset) => {
                let Some(a) = self.estate.assets().get(asset as usize) else { return false };
                let Some(target) = self.target_of(&a.account) else { return false };
                let shared = self.kinds.get(&a.kind).map(|k| k.shared_input(a)).unwrap_or_default();
                self.batches.entry((a.kind.clone(), target, a.region.clone(), shared)).or_default().push(asset);
            }
        }
        true
    }

    /// Queues a listing; one that is made for each asset of another kind once these are listed.
    fn want_listing(&mut self, group: usize, target: usize, region: SmolStr) {
        let over = self.plan.groups.get(group).and_then(|g| self.plan.group_of.get(g.spec.over.as_ref()?));
        let job = Job::List { group, target, region: region.clone() };
        match over.map(|&over| Wanted::Listing(over, target, region)) {
            Some(first) if self.want(first.clone()) => self.after.entry(first).or_default().push(job),
            _ => self.queue.push_back(job),
        }
    }

    async fn run(&mut self, progress: &(dyn Fn(&Progress) + Sync)) {
        loop {
            self.flush_batches();
            while self.running.len() < IN_FLIGHT
                && let Some(job) = self.queue.pop_front()
            {
                if let Some(answer) = self.start(job) {
                    self.settle(answer, progress);
                }
                self.flush_batches();
            }
            match self.running.join_next().await {
                Some(Ok(answer)) => self.settle(answer, progress),
                Some(Err(_)) => {} // a task that panicked or was cancelled leaves its data NotRequested, hence Unknown
                None if self.queue.is_empty() && self.batches.is_empty() => return,
                None => {}
            }
        }
    }

    fn flush_batches(&mut self) {
        for ((kind, ..), assets) in std::mem::take(&mut self.batches) {
            let size = self
                .kinds
                .get(&kind)
                .and_then(|k| k.resource.describe.as_ref()?.batch.as_ref().map(|(n, _)| *n))
                .unwrap_or(1);
            for part in assets.chunks(size.max(1)) {
                self.queue.push_back(Job::Describe { assets: part.to_vec() });
            }
        }
    }

    /// Starts a job; answers at once where nothing can be asked.
    fn start(&mut self, job: Job) -> Option<Answer> {
        let fail = |job, gap: Arc<Gap>| {
            Some(Answer { job, values: Vec::new(), error: Some(Failed { gap, code: String::new() }) })
        };
        let Some((target, region)) = self.place_of(&job) else { return fail(job, self.estate.not_requested().clone()) };
        let session = match &target.session {
            Ok(s) => s.clone(),
            Err(gap) => return fail(job, gap.clone()),
        };
        let home = self.home_of(&job).filter(|_| target.caller.partition == "aws");
        let asked = match home {
            Some(home) => home.clone(),
            None if region.ends_with("-global") => SmolStr::from(session.default_region()),
            None => region.clone(),
        };
        let place = Place { caller: &target.caller, region: &asked };
        let Some(request) = self.request(&job, place) else {
            return fail(job, Arc::new(nameless(&target.caller)));
        };
        self.running.spawn(fetch(session, job, asked, request));
        None
    }

    fn place_of(&self, job: &Job) -> Option<(&Target, SmolStr)> {
        let of_asset = |at: u32| {
            let a = self.estate.assets().get(at as usize)?;
            Some((self.targets.get(self.target_of(&a.account)?)?, a.region.clone()))
        };
        match job {
            Job::List { target, region, .. } | Job::Members { target, region, .. } => {
                Some((self.targets.get(*target)?, region.clone()))
            }
            Job::Field { asset, .. } => of_asset(*asset),
            Job::Describe { assets } => of_asset(*assets.first()?),
        }
    }

    /// The one Region that AWS keeps the job's kind in.
    fn home_of(&self, job: &Job) -> Option<&SmolStr> {
        let of_asset = |at: u32| {
            let kind = &self.estate.assets().get(at as usize)?.kind;
            self.kinds.get(kind)?.resource.home.as_ref()
        };
        match job {
            Job::List { group, .. } => self.plan.groups.get(*group)?.home.as_ref(),
            Job::Members { kind, .. } => self.kinds.get(kind)?.resource.home.as_ref(),
            Job::Field { asset, .. } => of_asset(*asset),
            Job::Describe { assets } => of_asset(*assets.first()?),
        }
    }

    /// Puts an answer into the estate and wakes what waited for it.
    fn settle(&mut self, answer: Answer, progress: &(dyn Fn(&Progress) + Sync)) {
        self.done += 1;
        let place = self.place_of(&answer.job).map(|(_, r)| r).unwrap_or_default();
        let service = self.service_of(&answer.job);
        let wanted = match answer.job {
            Job::List { group, target, region } => {
                self.settle_list(group, target, &region, answer.values, answer.error);
                vec![Wanted::Listing(group, target, region)]
            }
            Job::Field { asset, field } => {
                let value = self.field_value(asset, &field, answer.values, answer.error);
                let kind = self.estate.assets().get(asset as usize).and_then(|a| self.kinds.get(&a.kind));
                let value = match kind {
                    Some(kind) => shape::without_omitted(&kind.resource, &field, value),
                    None => value,
                };
                self.estate.set_field(asset, &field, value);
                vec![Wanted::Field(asset, field)]
            }
            Job::Describe { assets } => {
                self.settle_description(&assets, answer.values, answer.error);
                assets.into_iter().map(Wanted::Description).collect()
            }
            Job::Members { kind, field, target, region } => {
                self.settle_members(&kind, &field, target, &region, answer.values, answer.error);
                vec![Wanted::Members(kind, field, target, region)]
            }
        };
        for w in wanted {
            self.queue.extend(self.after.remove(&w).into_iter().flatten());
            for task in self.waiting.remove(&w).unwrap_or_default() {
                let Some(t) = self.tasks.get_mut(task) else { continue };
                t.open = t.open.saturating_sub(1);
                if t.open == 0 {
                    self.advance(task);
                }
            }
        }
        let known = self.done + self.running.len() + self.queue.len();
        progress(&Progress { service, region: place, done: self.done, known });
    }

    fn service_of(&self, job: &Job) -> SmolStr {
        let kind = match job {
            Job::List { group, .. } => {
                return self.plan.groups.get(*group).map(|g| service(g.op.call())).unwrap_or_default();
            }
            Job::Members { kind, .. } => Some(kind),
            Job::Field { asset, .. } => self.estate.assets().get(*asset as usize).map(|a| &a.kind),
            Job::Describe { assets } => {
                assets.first().and_then(|a| self.estate.assets().get(*a as usize)).map(|a| &a.kind)
            }
        };
        kind.map(|k| k.split('.').next().unwrap_or_default().into()).unwrap_or_default()
    }
}

fn service(call: &str) -> SmolStr {
    call.split(':').next().unwrap_or_default().into()
}
