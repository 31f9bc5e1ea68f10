//! Checks on an estate → verdicts.

use crate::check::{Check, Lower};
use crate::estate::{Estate, Hole};
use crate::eval::Env;
use crate::explain::evidence;
use crate::operate::V;
use crate::program::Program;
use smol_str::SmolStr;
use yagura_model::{Lang, Map, ResourceRef, Status, Value, Verdict};

/// What a check says of one asset, and what kept it from saying more. With `demand`, holes are only those whose data
/// should be read next (see [`Hole::can_be_read`]).
pub fn judge_one(estate: &Estate, check: &Check, asset: u32, demand: bool) -> (Status, Vec<Hole>) {
    let Some(mut env) = Env::new(estate, &check.joins, asset, demand) else {
        return (Status::NotApplicable, Vec::new());
    };
    status(&mut env, check)
}

/// A program's answer for one asset, with the joins of the check that it was compiled for; `None` where the answer is absent.
///
/// # Errors
/// What kept it from being known.
pub fn answer(estate: &Estate, check: &Check, asset: u32, program: &Program) -> Result<Option<Value>, Vec<Hole>> {
    let Some(mut env) = Env::new(estate, &check.joins, asset, false) else { return Ok(None) };
    match env.eval(&program.root) {
        V::Unknown(holes) => Err(holes),
        known => Ok(known.to_value()),
    }
}

fn status<'e>(env: &mut Env<'e>, check: &'e Check) -> (Status, Vec<Hole>) {
    if let Some(when) = &check.when {
        match env.truth(&when.root) {
            Ok(true) => {}
            Ok(false) => return (Status::NotApplicable, Vec::new()),
            Err(holes) => return (Status::Unknown, holes),
        }
    }
    match env.truth(&check.pass.root) {
        Ok(true) => (Status::Pass, Vec::new()),
        Ok(false) => (Status::Fail, Vec::new()),
        Err(holes) => (Status::Unknown, holes),
    }
}

/// What was judged, before texts are filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The check, as its place in the list given to [`judge`].
    pub check: usize,
    /// The asset, or where its listing failed.
    pub subject: Subject,
    /// The outcome.
    pub status: Status,
    /// What kept it from being known.
    pub holes: Vec<Hole>,
}

/// What a judgement is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// An asset, as its place in the estate.
    Asset(u32),
    /// A Region (or, for account-wide kinds, an account) whose resources could not be listed.
    Place {
        /// The account.
        account: SmolStr,
        /// The Region, or the global pseudo-Region.
        region: SmolStr,
    },
}

/// Judges every asset by every check that speaks of its kind, on `threads` threads. The order is that of checks, then assets.
pub fn judge(estate: &mut Estate, checks: &[Check], threads: usize) -> Vec<Judgement> {
    estate.prepare(checks.iter().flat_map(|c| &c.joins));
    let estate = &*estate;
    let work: Vec<(usize, &[u32])> = checks
        .iter()
        .enumerate()
        .flat_map(|(i, c)| estate.of_kind(&c.each).chunks(2048).map(move |part| (i, part)))
        .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let run = || {
        let mut out = Vec::new();
        while let Some((nth, (i, part))) = {
            let nth = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            work.get(nth).map(|w| (nth, w))
        } {
            out.push((nth, judge_part(estate, checks, *i, part)));
        }
        out
    };
    let mut parts = if threads <= 1 || work.len() <= 1 {
        run()
    } else {
        std::thread::scope(|s| {
            let handles: Vec<_> = (0..threads.min(work.len())).map(|_| s.spawn(run)).collect();
            handles
                .into_iter()
                .flat_map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    };
    parts.sort_by_key(|(nth, _)| *nth);
    let mut out: Vec<Judgement> = parts.into_iter().flat_map(|(_, p)| p).collect();
    for (i, check) in checks.iter().enumerate() {
        out.extend(unlisted(estate, check, i));
    }
    out.sort_by_key(|j| j.check);
    out
}

fn judge_part(estate: &Estate, checks: &[Check], check_at: usize, assets: &[u32]) -> Vec<Judgement> {
    let Some(check) = checks.get(check_at) else { return Vec::new() };
    let mut out = Vec::with_capacity(assets.len());
    for &at in assets {
        let (status, holes) = judge_one(estate, check, at, false);
        out.push(Judgement { check: check_at, subject: Subject::Asset(at), status, holes });
    }
    out
}

/// One Unknown for each place where the check's resources could not be listed.
fn unlisted(estate: &Estate, check: &Check, check_at: usize) -> Vec<Judgement> {
    let mut out = Vec::new();
    for caller in estate.callers() {
        let regions = if check.regional {
            estate.scope().regions_in(&caller.account).to_vec()
        } else {
            vec![estate.global_region(&caller.account)]
        };
        for region in regions {
            let key = (check.each.clone(), caller.account.clone(), region);
            if let Some(gap) = estate.listing_gap(&key) {
                let (kind, account, region) = key;
                let hole = Hole::Listing { kind, account: account.clone(), region: region.clone(), gap: gap.clone() };
                out.push(Judgement {
                    check: check_at,
                    subject: Subject::Place { account, region },
                    status: Status::Unknown,
                    holes: vec![hole],
                });
            }
        }
    }
    out
}

/// The verdict of a judgement: texts in one language, evidence down to the fields that decided, permissions that are missing.
pub fn verdict(estate: &Estate, checks: &[Check], j: &Judgement, lang: Lang) -> Option<Verdict> {
    let check = checks.get(j.check)?;
    let texts = match lang {
        Lang::En => &check.en,
        Lang::Ja => &check.ja,
    };
    let (resource, asset, proof) = match &j.subject {
        Subject::Asset(at) => {
            let asset = estate.assets().get(*at as usize)?;
            let mut env = Env::new(estate, &check.joins, *at, false)?;
            let deciding = match &check.when {
                Some(when) if j.status == Status::NotApplicable || env.truth(&when.root).is_err() => when,
                _ => &check.pass,
            };
            (ResourceRef::of(asset), Some(asset), evidence(&mut env, deciding))
        }
        Subject::Place { account, region } => {
            let (kind, id) = if check.regional { ("region", region) } else { ("account", account) };
            let resource = ResourceRef {
                arn: None,
                id: id.clone(),
                kind: kind.into(),
                account: account.clone(),
                region: region.clone(),
            };
            (resource, None, Map::new())
        }
    };
    let mut missing: Vec<SmolStr> =
        j.holes.iter().filter(|h| h.gap().is_denied()).filter_map(|h| h.gap().permission.clone()).collect();
    missing.sort();
    missing.dedup();
    let mut reasons: Vec<String> = j.holes.iter().map(|h| h.gap().say(lang)).collect();
    reasons.sort();
    reasons.dedup();
    let lowered = match &j.subject {
        Subject::Asset(at) if j.status == Status::Fail => lowered(estate, check, *at),
        _ => None,
    };
    if let Some(lower) = lowered {
        reasons.push(lang.pick(&lower.en, &lower.ja).to_string());
    }
    Some(Verdict {
        rule: check.id.clone(),
        status: j.status,
        severity: lowered.map_or(check.severity, |l| l.to),
        resource,
        title: texts.title.clone(),
        why: texts.why_for(asset, &check.settings),
        fix: texts.fix_for(asset, &check.settings),
        maps: check.maps.clone(),
        evidence: proof,
        missing,
        reason: (!reasons.is_empty()).then(|| reasons.join(lang.pick("; ", "。"))),
        place: None,
    })
}

/// The proof that makes a failure of an asset matter less, where it holds.
pub(crate) fn lowered<'c>(estate: &Estate, check: &'c Check, asset: u32) -> Option<&'c Lower> {
    let lower = check.lower.as_ref()?;
    let mut env = Env::new(estate, &check.joins, asset, false)?;
    matches!(env.truth(&lower.when.root), Ok(true)).then_some(lower)
}
