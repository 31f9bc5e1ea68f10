//! One reading: which call, with which input, and its answer.

use super::{Answer, Collector, Failed, Job};
use crate::kinds::Source;
use crate::shape::{self, Place};
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::Duration;
use yagura_aws::{CallError, ReadOperation, Session};
use yagura_model::{Asset, Caller, Gap, GapReason, Map};

/// How long a report that AWS is still making is waited for: half a minute in all.
const NOT_READY_PAUSES_MS: [u64; 10] = [250, 500, 1000, 1000, 2000, 2000, 4000, 4000, 8000, 8000];

/// What a job asks of AWS.
pub(super) struct Request {
    operation: Arc<ReadOperation>,
    input: Map,
    /// A call to make before.
    first: Option<Arc<ReadOperation>>,
    /// Error codes that mean: not ready yet, ask again.
    not_ready: Vec<SmolStr>,
}

impl Request {
    fn new(operation: &Arc<ReadOperation>, input: Map) -> Self {
        Self { operation: operation.clone(), input, first: None, not_ready: Vec::new() }
    }
}

impl Collector<'_> {
    /// The request of a job. `None` where something that it must name is not known.
    pub(super) fn request(&self, job: &Job, place: Place<'_>) -> Option<Request> {
        match job {
            Job::List { group, .. } => {
                let g = self.plan.groups.get(*group)?;
                let input = g.input.iter().map(|(k, v)| (k.clone(), place.constant(v))).collect();
                let base = Request::new(&g.op, input);
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
}

/// The gap of a call that cannot be made because something that it must name is not known.
pub(super) fn nameless(caller: &Caller) -> Gap {
    if caller.account.is_empty() {
        return Gap::hidden_account();
    }
    Gap::new(GapReason::NotTold, "what the call must name is not known")
}

/// Makes the call, page by page. What came before a failure is kept.
pub(super) async fn fetch(session: Session, job: Job, region: SmolStr, request: Request) -> Answer {
    let failed = |op: &ReadOperation, e: CallError| Some(Failed { gap: Arc::new(e.gap(op, &region)), code: e.code });
    if let Some(first) = &request.first
        && let Err(e) = session.call(first, &region, &Map::new(), &mut |_| {}).await
    {
        return Answer { job, values: Vec::new(), error: failed(first, e) };
    }
    let mut pauses = NOT_READY_PAUSES_MS.iter();
    loop {
        let mut values = Vec::new();
        let result = session.call(&request.operation, &region, &request.input, &mut |page| values.push(page)).await;
        match result {
            Ok(()) => return Answer { job, values, error: None },
            Err(e) if request.not_ready.iter().any(|c| *c == e.code) => match pauses.next() {
                Some(&ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => return Answer { job, values, error: failed(&request.operation, e) },
            },
            Err(e) => return Answer { job, values, error: failed(&request.operation, e) },
        }
    }
}
