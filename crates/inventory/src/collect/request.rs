//! One reading: which call, with which input, and its answer.

use super::{Answer, Collector, Failed, Job};
use crate::kinds::Source;
use crate::plan::Group;
use crate::shape::{self, Place};
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::Duration;
use yagura_aws::{CallError, ReadOperation, Session};
use yagura_model::{Asset, Caller, Gap, GapReason, Map, Value};

/// How long a report that AWS is still making is waited for: half a minute in all.
const NOT_READY_PAUSES_MS: [u64; 10] = [250, 500, 1000, 1000, 2000, 2000, 4000, 4000, 8000, 8000];

/// What a job asks of AWS.
pub(super) struct Request {
    pub(super) operation: Arc<ReadOperation>,
    /// One call for each, with what its pages are marked with.
    pub(super) inputs: Vec<(Map, Map)>,
    /// A call to make before.
    pub(super) first: Option<Arc<ReadOperation>>,
    /// Error codes that mean: not ready yet, ask again.
    pub(super) not_ready: Vec<SmolStr>,
}

impl Request {
    fn new(operation: &Arc<ReadOperation>, input: Map) -> Self {
        Self { operation: operation.clone(), inputs: vec![(input, Map::new())], first: None, not_ready: Vec::new() }
    }
}

impl Collector<'_> {
    /// The request of a job. `None` where something that it must name is not known.
    pub(super) fn request(&self, job: &Job, place: Place<'_>) -> Option<Request> {
        match job {
            Job::List { group, region, .. } => {
                let g = self.plan.groups.get(*group)?;
                let input = g.input.iter().map(|(k, v)| (k.clone(), place.constant(v))).collect();
                let mut base = Request::new(&g.op, input);
                if let Some(over) = &g.spec.over {
                    base.inputs = self.inputs_over(g, over, place, region)?;
                }
                Some(Request { first: g.first.clone(), not_ready: g.spec.not_ready.clone(), ..base })
            }
            Job::Field { asset, field } => {
                let asset = self.estate.assets().get(*asset as usize)?;
                let Source::Call(spec, op) = self.kinds.get(&asset.kind)?.source(field)? else { return None };
                Some(Request::new(op, shape::input(&spec.with, place, &[asset])?))
            }
            Job::Members { kind, field, .. } => {
                let Source::Call(spec, op) = self.kinds.get(kind)?.source(field)? else { return None };
                Some(Request::new(op, shape::input(&spec.with, place, &[])?))
            }
            Job::Describe { assets } => {
                let members: Vec<&Asset> =
                    assets.iter().filter_map(|&a| self.estate.assets().get(a as usize)).collect();
                let kind = self.kinds.get(&members.first()?.kind)?;
                let (spec, op) = (kind.resource.describe.as_ref()?, kind.describe.as_ref()?);
                Some(Request::new(op, shape::input(&spec.with, place, &members)?))
            }
        }
    }

    /// One input for each asset of a kind in this account and Region.
    fn inputs_over(&self, group: &Group, over: &str, place: Place<'_>, region: &str) -> Option<Vec<(Map, Map)>> {
        let assets = self.estate.of_kind(over).iter().filter_map(|&at| self.estate.assets().get(at as usize));
        let here = assets.filter(|a| a.account == place.caller.account && a.region == region);
        here.map(|asset| shape::input_over(&group.spec, &group.input, place, asset)).collect()
    }
}

/// The gap of a call that cannot be made because something that it must name is not known.
pub(super) fn nameless(caller: &Caller) -> Gap {
    if caller.account.is_empty() {
        return Gap::hidden_account();
    }
    Gap::new(GapReason::NotTold, "what the call must name is not known")
}

/// Makes the calls, page by page. What came before a failure, and of the other calls, is kept.
pub(super) async fn fetch(session: Session, job: Job, region: SmolStr, request: Request) -> Answer {
    let failed = |op: &ReadOperation, e: CallError| Some(Failed { gap: Arc::new(e.gap(op, &region)), code: e.code });
    if let Some(first) = &request.first
        && let Err(e) = session.call(first, &region, &Map::new(), &mut |_| {}).await
    {
        return Answer { job, values: Vec::new(), error: failed(first, e) };
    }
    let mut values = Vec::new();
    let mut error = None;
    for (input, kept) in &request.inputs {
        let (pages, result) = pages(&session, &region, &request, input).await;
        values.extend(pages.into_iter().map(|page| marked(page, kept)));
        if let Err(e) = result {
            error = error.or(failed(&request.operation, e));
        }
    }
    Answer { job, values, error }
}

/// A page with the fields that its items keep.
fn marked(mut page: Value, kept: &Map) -> Value {
    if let Value::Map(members) = &mut page {
        kept.iter().for_each(|(name, value)| members.insert(name.clone(), value.clone()));
    }
    page
}

/// The pages of one call, and how it ended.
async fn pages(session: &Session, region: &str, request: &Request, input: &Map) -> (Vec<Value>, Result<(), CallError>) {
    let mut pauses = NOT_READY_PAUSES_MS.iter();
    loop {
        let mut values = Vec::new();
        let result = session.call(&request.operation, region, input, &mut |page| values.push(page)).await;
        match result {
            Err(e) if request.not_ready.iter().any(|c| *c == e.code) => match pauses.next() {
                Some(&ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => return (values, Err(e)),
            },
            ended => return (values, ended),
        }
    }
}
