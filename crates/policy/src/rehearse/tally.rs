//! Many answers as a table: who, which action, how often, since when, one event to look at.

use super::{Call, Judged, Told, Untouched, Verdict, Why};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How many lines are kept apart. What is beyond is counted, not told.
pub const MOST_ROWS: usize = 100_000;

/// Calls of one caller that share their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What would become of them.
    pub verdict: Verdict,
    /// What the other guardrail would do, where two are compared.
    pub against: Option<Verdict>,
    /// The user, or the role behind the session.
    pub principal: SmolStr,
    /// The API operation: `s3:ListObjectsV2`.
    pub operation: SmolStr,
    /// The IAM action that decides.
    pub action: SmolStr,
    /// The statement or setting that decides; empty where none allows.
    pub by: SmolStr,
    /// Why it is unknown.
    pub why: BTreeSet<Why>,
    /// How many calls.
    pub calls: u64,
    /// How many of them failed then, for other reasons than want of permission.
    pub failed: u64,
    /// The first and last time.
    pub first: SmolStr,
    /// The last time.
    pub last: SmolStr,
    /// The first one's event id.
    pub event: SmolStr,
    /// The first one's resource.
    pub resource: SmolStr,
    /// The accounts that were called.
    pub accounts: BTreeSet<SmolStr>,
}

/// How many of what.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// CloudTrail records that were read, of the asked time.
    pub records: u64,
    /// Of these: no calls (sign-ins, events of services).
    pub no_calls: u64,
    /// Of these: came twice; only seen among calls that are not simply allowed.
    pub duplicates: u64,
    /// Calls that would go on.
    pub allowed: u64,
    /// Calls that would go on with another outcome: a declarative policy's defaults.
    pub changed: u64,
    /// Calls that would be denied.
    pub denied: u64,
    /// Calls of which it is not known.
    pub unknown: u64,
    /// Calls that AWS refused already, whatever the guardrail says of them.
    pub refused: u64,
    /// Of those, the ones that the guardrail would deny too.
    pub refused_and_denied: u64,
    /// Calls that are beyond the table's lines.
    pub beyond: u64,
}

type Key = (Verdict, Option<Verdict>, SmolStr, SmolStr, SmolStr, SmolStr, BTreeSet<Why>);

/// Collects answers.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    rows: HashMap<Key, Row>,
    /// How many of what.
    pub counts: Counts,
    /// Calls that are not touched, by reason.
    pub untouched: BTreeMap<Untouched, u64>,
    seen: HashSet<u128>,
}

impl Tally {
    /// A record that is no call.
    pub fn no_call(&mut self) {
        self.counts.records += 1;
        self.counts.no_calls += 1;
    }

    /// The answer on a call. `id` is the record's identity: one that comes twice is counted once.
    pub fn add(&mut self, call: &Call<'_>, told: Told, id: u128) {
        self.counts.records += 1;
        match told {
            Told::Untouched(why) => *self.untouched.entry(why).or_default() += 1,
            Told::Judged(judged) => self.judged(call, judged, None, id),
        }
    }

    /// The answers of two guardrails on a call. Only where they differ, it gets a line.
    pub fn compare(&mut self, call: &Call<'_>, told: Told, other: Told, id: u128) {
        self.counts.records += 1;
        let verdict = |told: &Told| match told {
            Told::Untouched(_) => Verdict::Allowed,
            Told::Judged(judged) => judged.verdict,
        };
        let (ours, theirs) = (verdict(&told), verdict(&other));
        match (told, other) {
            (Told::Untouched(why), Told::Untouched(_)) => *self.untouched.entry(why).or_default() += 1,
            (Told::Judged(judged), _) if ours >= theirs => self.judged(call, judged, Some(theirs), id),
            (_, Told::Judged(judged)) => {
                self.judged(call, Judged { verdict: ours, ..judged }, Some(theirs), id);
            }
            (Told::Judged(judged), Told::Untouched(_)) => self.judged(call, judged, Some(theirs), id),
        }
    }

    fn judged(&mut self, call: &Call<'_>, judged: Judged, against: Option<Verdict>, id: u128) {
        let verdict = judged.verdict;
        let plain = verdict == Verdict::Allowed && against.is_none_or(|a| a == Verdict::Allowed);
        if !plain && !self.seen.insert(id) {
            self.counts.duplicates += 1;
            return;
        }
        if call.was_refused() {
            self.counts.refused += 1;
            self.counts.refused_and_denied += u64::from(verdict == Verdict::Denied);
            return;
        }
        match verdict {
            Verdict::Allowed => self.counts.allowed += 1,
            Verdict::Changed => self.counts.changed += 1,
            Verdict::Unknown => self.counts.unknown += 1,
            Verdict::Denied => self.counts.denied += 1,
        }
        if plain || against == Some(verdict) {
            return;
        }
        let Judged { action, by, why, resource, .. } = judged;
        let principal = call.who.name();
        let key = (verdict, against, principal, call.operation.clone(), action, by, why);
        if self.rows.len() >= MOST_ROWS && !self.rows.contains_key(&key) {
            self.counts.beyond += 1;
            return;
        }
        let one = Row {
            verdict,
            against,
            principal: key.2.clone(),
            operation: key.3.clone(),
            action: key.4.clone(),
            by: key.5.clone(),
            why: key.6.clone(),
            calls: 1,
            failed: u64::from(call.failed()),
            first: SmolStr::new(call.time()),
            last: SmolStr::new(call.time()),
            event: SmolStr::new(call.event_id()),
            resource,
            accounts: [SmolStr::new(call.account())].into(),
        };
        match self.rows.get_mut(&key) {
            Some(row) => row.join(one),
            None => drop(self.rows.insert(key, one)),
        }
    }

    /// The lines: denied first, then unknown; the most frequent first.
    pub fn rows(&self) -> Vec<&Row> {
        let mut all: Vec<&Row> = self.rows.values().collect();
        all.sort_by(|a, b| {
            let rest = |r: &Row| (r.principal.clone(), r.operation.clone(), r.by.clone());
            let grave = (b.verdict, b.against).cmp(&(a.verdict, a.against));
            grave.then(b.calls.cmp(&a.calls)).then_with(|| rest(a).cmp(&rest(b))).then_with(|| a.why.cmp(&b.why))
        });
        all
    }
}

impl Row {
    fn join(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        // The same second: the lesser id, so that the answer does not hang on the order of reading.
        if (&other.first, &other.event) < (&self.first, &self.event) {
            self.first = other.first;
            self.event = other.event;
            self.resource = other.resource;
        }
        self.last = self.last.clone().max(other.last);
        self.accounts.extend(other.accounts);
    }
}
