//! One observation into the store: all of it, or nothing.

use super::Store;
use super::assets;
use super::cell::{Cell, Db, Done, Row, at as cell_at};
use super::coverage::{Covered, Listings, Newer, when};
use super::manage::{Happened, kept_suppressions};
use super::rows::{self, COLUMNS, Kept};
use crate::error::StoreError;
use crate::finding::{Both, Finding, Stage, State};
use crate::life::{Ended, Saw, Step, observe};
use crate::observation::{Observation, Source};
use crate::suppression::{Fit, Suppression};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use yagura_model::{Lang, ResourceRef, Status};

/// What a person has to be told of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The clock went back: the observation counts as the one after the last.
    ClockBack {
        /// What the clock says.
        clock: Timestamp,
        /// When the last observation was made, by its clock.
        last: Timestamp,
    },
    /// A newer observation of the same is recorded already; that much of this one changed nothing.
    Overtaken {
        /// How many verdicts.
        verdicts: usize,
        /// The newer run.
        run: i64,
        /// When that was read.
        newer: Timestamp,
    },
    /// Exactly this is recorded already.
    Already {
        /// As this run.
        run: i64,
    },
    /// Findings that a suppression by tag may mean, whose tags were not read: they are told.
    UnreadTags {
        /// How many.
        findings: usize,
    },
    /// The server was lost, and found again.
    Reconnected,
}

/// What a recording changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// The run.
    pub run: i64,
    /// When it counts as observed.
    pub at: Timestamp,
    /// Findings that are new, came back, or whose suppression ended; none that is suppressed.
    pub news: BTreeSet<String>,
    /// Open findings that are suppressed, and by which suppression.
    pub suppressed: BTreeMap<String, String>,
    /// How many open findings of these accounts are in which state.
    pub counts: BTreeMap<&'static str, u64>,
    /// How many this observation resolved.
    pub resolved: u64,
    /// How many could not be checked.
    pub unsure: u64,
    /// What a person has to be told.
    pub said: Vec<Said>,
}

impl Store {
    /// Records an observation: every finding's life goes on, what changed is noted, and the configurations of what was
    /// read are kept for `keep_days`. One transaction. `file` are the suppressions of the settings file; the clock is asked
    /// when it is this writer's turn.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] for a snapshot of which newer runs have seen everything; otherwise those of the store.
    pub fn record(
        &mut self,
        o: &Observation,
        file: &[Suppression],
        clock: &dyn Fn() -> Timestamp,
        keep_days: u32,
    ) -> Result<Recorded, StoreError> {
        let lost = self.lost;
        let mut out = self.transact(&mut |db| record(db, o, file, clock(), keep_days))?;
        if self.lost > lost {
            // Where the answer to the commit was lost, the second try found the first one's work.
            out.said.retain(|s| !matches!(s, Said::Already { .. }));
            out.said.push(Said::Reconnected);
        }
        Ok(out)
    }
}

fn record(db: &mut dyn Db, o: &Observation, file: &[Suppression], now: Timestamp, keep_days: u32) -> Done<Recorded> {
    let mut suppressions = kept_suppressions(db)?;
    suppressions.extend_from_slice(file);
    let token = o.token();
    if let Some(row) = db.query("SELECT id, at FROM yagura_runs WHERE token = $1", &[token.as_str().into()])?.first() {
        let (run, at) = (cell_at(row, 0).int(), time(cell_at(row, 1))?);
        let known = load(db, o)?;
        let mut out = Recorded { run, at, said: vec![Said::Already { run }], ..Recorded::default() };
        tell(&mut out, known.values(), &suppressions);
        return Ok(out);
    }
    let (at, newer, mut said) = when(db, o, now)?;
    let run = next_run(db)?;
    let known = load(db, o)?;
    let mut work =
        Work { o, at, run, suppressions: &suppressions, known, changed: BTreeSet::new(), events: Vec::new() };
    let overtaken = work.verdicts(&newer);
    if let Some(by) = newer.first().filter(|_| overtaken > 0) {
        if overtaken == o.seen.len() && o.source == Source::Snapshot {
            return Err(StoreError::Overtaken { at: o.at, run: by.run, newer: by.at });
        }
        said.push(Said::Overtaken { verdicts: overtaken, run: by.run, newer: by.at });
    }
    work.unseen(&newer);
    let Work { known, changed, events, .. } = work;
    let resolved = events.iter().filter(|(_, h)| matches!(h, Happened::Resolved { .. })).count() as u64;
    let mut out = Recorded { run, at, said, resolved, ..Recorded::default() };
    tell(&mut out, known.values(), &suppressions);
    write(db, &known, &changed, &events, run)?;
    assets::record(db, o, at, run, &newer, keep_days)?;
    let counts = serde_json::to_string(&out.counts).unwrap_or_default();
    let scope = serde_json::to_string(&Covered::of(o)).map_err(|e| StoreError::Database(e.to_string()))?;
    db.execute(
        "INSERT INTO yagura_runs (id, token, at, recorded, source, tool, caller, scope, counts) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            run.into(),
            token.into(),
            at.into(),
            now.into(),
            o.source.name().into(),
            o.tool.as_str().into(),
            o.callers.join(" ").into(),
            scope.into(),
            counts.into(),
        ],
    )?;
    Ok(out)
}

fn next_run(db: &mut dyn Db) -> Done<i64> {
    let rows = db.query("SELECT coalesce(max(id), 0) + 1 FROM yagura_runs", &[])?;
    Ok(rows.first().map_or(1, |r| cell_at(r, 0).int()))
}

/// The findings of the accounts, without their bodies.
fn load(db: &mut dyn Db, o: &Observation) -> Done<BTreeMap<String, Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM yagura_findings WHERE account = $1");
    let mut out = BTreeMap::new();
    for account in &o.accounts {
        for row in db.query(&sql, &[account.as_str().into()])? {
            let kept = rows::of_row(&row)?;
            out.insert(kept.finding.id.clone(), kept);
        }
    }
    Ok(out)
}

/// An observation being worked in.
struct Work<'w> {
    o: &'w Observation,
    at: Timestamp,
    run: i64,
    suppressions: &'w [Suppression],
    known: BTreeMap<String, Kept>,
    /// Findings to be written; `true`: with their body.
    changed: BTreeSet<(String, bool)>,
    events: Vec<(String, Happened)>,
}

impl Work<'_> {
    /// Works the verdicts in; how many a newer run has overtaken.
    fn verdicts(&mut self, newer: &[Newer]) -> usize {
        let mut overtaken = 0;
        for s in &self.o.seen {
            if newer.iter().any(|n| n.covered.verdict(&s.rule, &s.resource)) {
                overtaken += 1;
                continue;
            }
            let saw = match (s.status, &s.detail) {
                (Status::Fail, Some(detail)) => Saw::Fail(detail),
                (Status::Pass, _) => Saw::Ended(Ended::Passed),
                (Status::NotApplicable, _) => Saw::Ended(Ended::NotApplicable),
                _ => Saw::Unknown(s.why.clone()),
            };
            self.step(&s.rule, &s.resource, &saw);
        }
        overtaken
    }

    /// Findings that no verdict speaks of: their resource is gone, or its kind could not be listed.
    fn unseen(&mut self, newer: &[Newer]) {
        let seen: HashSet<String> = self.o.seen.iter().map(|s| s.resource.fingerprint(&s.rule)).collect();
        let listings = Listings::of(self.o);
        let rest: Vec<(SmolStr, ResourceRef)> = self
            .known
            .values()
            .filter(|k| !seen.contains(&k.finding.id))
            .map(|k| (k.finding.rule.clone(), k.finding.resource.clone()))
            .collect();
        let judged: BTreeSet<&SmolStr> = self.o.scope.checks.iter().collect();
        let gone: HashSet<String> = self.o.gone.iter().map(|r| r.fingerprint("")).collect();
        for (rule, r) in rest {
            if gone.contains(&r.fingerprint("")) {
                if !newer.iter().any(|n| n.covered.verdict(&rule, &r)) {
                    self.step(&rule, &r, &Saw::Ended(Ended::Gone));
                }
                continue;
            }
            if newer.iter().any(|n| n.covered.place(&r.account, &r.region)) || listings.holds(&r) {
                continue;
            }
            match listings.gap(&r) {
                Some(None) => self.step(&rule, &r, &Saw::Ended(Ended::Gone)),
                Some(Some(gap)) if judged.contains(&rule) => {
                    let why = Both { en: gap.say(Lang::En), ja: gap.say(Lang::Ja) };
                    self.step(&rule, &r, &Saw::Unknown(why));
                }
                _ => {}
            }
        }
    }

    fn step(&mut self, rule: &SmolStr, resource: &ResourceRef, saw: &Saw<'_>) {
        let id = resource.fingerprint(rule);
        let before = self.known.remove(&id);
        let (news_run, body_hash) = before.as_ref().map_or((0, String::new()), |k| (k.news_run, k.body_hash.clone()));
        let last_day = before.as_ref().map(|k| day(k.finding.last_observed));
        let had = before.map(|k| k.finding);
        let same = had.clone();
        let (after, steps) = observe(had, rule, resource, saw, self.at);
        let Some(finding) = after else { return };
        let mut kept = Kept { finding, news_run, body_hash };
        for step in &steps {
            let happened = Happened::of(*step, &kept.finding);
            if matches!(step, Step::To(Stage::New | Stage::Reopened)) {
                kept.news_run = self.run;
            }
            self.events.push((id.clone(), happened));
        }
        let failed = matches!(saw, Saw::Fail(_));
        if failed && let Some(name) = last_day.and_then(|d| self.ended_since(&kept.finding, d)) {
            kept.news_run = self.run;
            self.events.push((id.clone(), Happened::SuppressionEnded { suppression: name }));
        }
        if same.as_ref() != Some(&kept.finding) {
            self.changed.insert((id.clone(), failed));
        }
        self.known.insert(id, kept);
    }

    /// The suppression that covered a finding when it was last observed, where none does now.
    fn ended_since(&self, f: &Finding, then: Date) -> Option<String> {
        if f.suppressed_by(self.suppressions, day(self.at)).is_some() {
            return None;
        }
        f.suppressed_by(self.suppressions, then).map(|s| s.id.clone())
    }
}

/// The day of a time, UTC.
pub(crate) fn day(t: Timestamp) -> Date {
    t.to_zoned(TimeZone::UTC).date()
}

pub(crate) fn time(cell: &Cell) -> Done<Timestamp> {
    Timestamp::from_microsecond(cell.int()).map_err(|e| StoreError::NotAStore(e.to_string()))
}

/// Counts states, and tells news from what is suppressed.
fn tell<'k>(out: &mut Recorded, all: impl Iterator<Item = &'k Kept>, suppressions: &[Suppression]) {
    let today = day(out.at);
    let mut unread = 0;
    for k in all {
        let f = &k.finding;
        let state = f.state(suppressions, today);
        if !f.stage.is_open() {
            continue;
        }
        *out.counts.entry(state.name()).or_default() += 1;
        out.unsure += u64::from(f.unsure.is_some());
        match f.suppressed_by(suppressions, today).filter(|_| state == State::Suppressed) {
            Some(s) => drop(out.suppressed.insert(f.id.clone(), s.id.clone())),
            None => {
                unread += usize::from(suppressions.iter().any(|s| s.covers(f, today) == Fit::Unknown));
                if k.news_run == out.run {
                    out.news.insert(f.id.clone());
                }
            }
        }
    }
    if unread > 0 {
        out.said.push(Said::UnreadTags { findings: unread });
    }
}

fn write(
    db: &mut dyn Db,
    known: &BTreeMap<String, Kept>,
    changed: &BTreeSet<(String, bool)>,
    events: &[(String, Happened)],
    run: i64,
) -> Done<()> {
    let (mut plain, mut whole): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let with_body: BTreeSet<&String> = changed.iter().filter(|(_, body)| *body).map(|(id, _)| id).collect();
    let ids: BTreeSet<&String> = changed.iter().map(|(id, _)| id).collect();
    for kept in ids.into_iter().filter_map(|id| known.get(id)) {
        if with_body.contains(&kept.finding.id) {
            let (hash, body) = rows::body_of(&kept.finding)?;
            if hash != kept.body_hash {
                let mut row = rows::to_row(&Kept { body_hash: hash, ..kept.clone() });
                row.push(body.into());
                whole.push(row);
                continue;
            }
        }
        plain.push(rows::to_row(kept));
    }
    db.execute_each(&upsert(true), &whole)?;
    db.execute_each(&update(), &plain)?;
    let rows: Vec<Row> =
        events.iter().map(|(id, h)| h.to_row(id, known.get(id).map(|k| k.finding.last_time()), Some(run))).collect();
    db.execute_each(super::manage::INSERT_EVENT, &rows)
}

/// Writes a whole row, whether it is there or not.
fn upsert(body: bool) -> String {
    let columns: Vec<&str> = COLUMNS.split(", ").map(str::trim).chain(body.then_some("body")).collect();
    let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    let sets: Vec<String> =
        columns.iter().filter(|c| !["id", "assignee"].contains(c)).map(|c| format!("{c} = excluded.{c}")).collect();
    format!(
        "INSERT INTO yagura_findings ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
        columns.join(", "),
        places.join(", "),
        sets.join(", ")
    )
}

/// Writes all but the body of a row that is there.
fn update() -> String {
    let columns: Vec<&str> = COLUMNS.split(", ").map(str::trim).collect();
    let numbered = columns.iter().enumerate();
    let sets: Vec<String> = numbered.filter(|(_, c)| **c != "id").map(|(n, c)| format!("{c} = ${}", n + 1)).collect();
    format!("UPDATE yagura_findings SET {} WHERE id = $1", sets.join(", "))
}
