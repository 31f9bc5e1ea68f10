//! What runs work on: the live account.

use super::Remedies;
use crate::commands::live::Access;
use crate::content::Compiled;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use yagura_aws::{CallError, Session};
use yagura_inventory::{Target, collect_one};
use yagura_model::{Field, GapReason, Lang, Map, Status};
use yagura_respond::plan::PlannedCall;
use yagura_respond::run::{Refusal, Reread, World};
use yagura_respond::{Plan, Ready};
use yagura_rule::{Check, judge_one};

/// A live account, as a run reads and changes it.
pub struct Live<'l> {
    /// Sessions and scope.
    pub access: &'l Access,
    /// Kinds and facts.
    pub compiled: &'l Compiled,
    /// The checks under repair.
    pub checks: &'l [Check],
    /// Their remedies.
    pub remedies: &'l Remedies,
    /// Of what is said.
    pub lang: Lang,
}

impl Live<'_> {
    fn session(&self, account: &str) -> Option<&Session> {
        let target = self.access.targets.iter().find(|t| t.caller.account == account)?;
        target.session.as_ref().ok()
    }
}

impl World for Live<'_> {
    async fn again(&mut self, plan: &Plan) -> Result<Reread, String> {
        let wanted: Vec<&Check> = self.checks.iter().filter(|c| plan.rules().any(|r| *r == c.id)).collect();
        let fits = |r: &&Ready| r.id == plan.remedy && r.kind() == plan.resource.kind;
        let all_ready: Vec<&Ready> = self.remedies.ready.get(&plan.rule).into_iter().flatten().filter(fits).collect();
        // One action may be asked for with different settings. What takes a plan back needs only the state, which all of them read.
        let exact = all_ready.iter().find(|r| r.given == plan.given);
        let Some(ready) = exact.or(all_ready.first()) else {
            return Err(format!("{} `{}`", self.lang.pick("there is no remedy", "存在しない修復手順:"), plan.remedy));
        };
        let mut all: Vec<Check> = wanted.iter().map(|c| (*c).clone()).collect();
        let judged = all.len();
        all.extend(ready.readers(None));
        let targets: Vec<Target> =
            self.access.targets.iter().filter(|t| t.caller.account == plan.resource.account).cloned().collect();
        let mut estate = self.access.estate(self.compiled, &all);
        collect_one(&mut estate, &targets, &all, &self.compiled.kinds, &plan.resource).await;
        let mut estate = super::in_order(estate, self.compiled);
        let place = |a: &yagura_model::Asset| {
            a.kind == plan.resource.kind
                && a.id == plan.resource.id
                && a.account == plan.resource.account
                && a.region == plan.resource.region
        };
        let Some(at) = estate.assets().iter().position(place) else {
            let gone = self.lang.pick("the resource cannot be found", "リソースが見つからない").to_owned();
            return Ok(Reread { plan: Err(gone), mended: false, judged: judged > 0, state: BTreeMap::new() });
        };
        let asset = u32::try_from(at).map_err(|e| e.to_string())?;
        estate.prepare(all.iter().flat_map(|c| &c.joins));
        let good = |c: &Check| matches!(judge_one(&estate, c, asset, false).0, Status::Pass | Status::NotApplicable);
        let mended = all.iter().take(judged).all(good);
        let mut state = BTreeMap::new();
        for (name, field) in estate.assets().get(at).map(|a| a.fields.as_slice()).unwrap_or_default() {
            if let (Field::Known(v), true) = (field, plan.prior.contains_key(name)) {
                state.insert(name.clone(), v.to_json());
            }
        }
        for name in plan.prior.keys() {
            state.entry(name.clone()).or_insert(Json::Null);
        }
        let other = || Err(self.lang.pick("the settings are other ones now", "設定が変わっている").to_owned());
        let mut now = exact.map_or_else(other, |r| r.plan(&estate, asset, self.lang));
        if let Ok(now) = &mut now {
            now.also.clone_from(&plan.also);
        }
        Ok(Reread { plan: now, mended, judged: judged > 0, state })
    }

    async fn call(&mut self, call: &PlannedCall, input: &Map) -> Result<Json, Refusal> {
        let refuse = |message: String| Refusal { code: String::new(), message, answered: true };
        let Some(session) = self.session(&call.account) else {
            return Err(refuse(format!("no session for account {}", call.account)));
        };
        let facts = &self.compiled.facts;
        if let Ok(looks) = facts.read_operation(&call.call) {
            return session.first_page(&looks, &call.region, input).await.map(|v| v.to_json()).map_err(|e| refusal(&e));
        }
        let operation = facts.write_operation(&call.call).map_err(|e| refuse(e.to_string()))?;
        let permission = operation.permission().to_owned();
        session.change(&operation, &call.region, input).await.map(|v| v.to_json()).map_err(|e| {
            let mut refusal = refusal(&e);
            if matches!(e.reason, GapReason::AccessDenied) {
                refusal.message = format!("{} ({permission})", refusal.message);
            }
            refusal
        })
    }
}

/// A call's error for the journal. Without an answer nobody knows whether the change was made.
fn refusal(e: &CallError) -> Refusal {
    let unanswered = matches!(
        e.reason,
        GapReason::Unreachable | GapReason::TimedOut | GapReason::ServiceError | GapReason::BadAnswer
    );
    Refusal { code: e.code.clone(), message: e.to_string(), answered: !unanswered }
}
