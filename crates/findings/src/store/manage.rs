//! What people ask of findings and do with them.

use super::Store;
use super::cell::{Cell, Db, Done, Row, at};
use super::record::{day, time};
use super::rows::{self, COLUMNS};
use crate::error::StoreError;
use crate::finding::{Finding, Stage};
use crate::life::{Ended, Step};
use crate::suppression::{Fit, Suppression};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use yagura_model::Severity;

/// One thing that happened to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// It was seen for the first time.
    New,
    /// It was seen again.
    Active,
    /// It came back.
    Reopened,
    /// It was resolved.
    Resolved {
        /// How.
        how: Option<Ended>,
    },
    /// Its severity changed.
    Severity {
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
        /// The proof, in English.
        en: Option<String>,
        /// The proof, in Japanese.
        ja: Option<String>,
    },
    /// It could not be checked any more.
    Unsure {
        /// Why, in English.
        en: String,
        /// Why, in Japanese.
        ja: String,
    },
    /// It could be checked again.
    Sure,
    /// Somebody suppressed it.
    Suppressed {
        /// The suppression.
        suppression: String,
        /// Who answers for it.
        owner: String,
        /// Why.
        reason: String,
        /// The last day.
        until: String,
    },
    /// Somebody took the suppression back.
    Unsuppressed {
        /// The suppression.
        suppression: String,
    },
    /// The suppression came to its end.
    SuppressionEnded {
        /// The suppression.
        suppression: String,
    },
    /// It was given to somebody, or taken from whoever had it.
    Assigned {
        /// To whom.
        to: Option<String>,
    },
}

impl Happened {
    pub(crate) fn of(step: Step, f: &Finding) -> Self {
        match step {
            Step::To(Stage::New) => Self::New,
            Step::To(Stage::Active) => Self::Active,
            Step::To(Stage::Reopened) => Self::Reopened,
            Step::To(Stage::Resolved) => Self::Resolved { how: f.ended },
            Step::Severity { from, to } => {
                Self::Severity { from, to, en: f.texts.en.severity_why.clone(), ja: f.texts.ja.severity_why.clone() }
            }
            Step::Unsure => {
                let why = f.unsure.as_ref().map(|u| u.why.clone()).unwrap_or_default();
                Self::Unsure { en: why.en, ja: why.ja }
            }
            Step::Sure => Self::Sure,
        }
    }

    /// Parameters of [`INSERT_EVENT`].
    pub(crate) fn to_row(&self, finding: &str, at: Option<Timestamp>, run: Option<i64>) -> Row {
        let json = serde_json::to_value(self).unwrap_or_default();
        let what = json.get("what").and_then(|w| w.as_str()).unwrap_or_default().to_owned();
        vec![finding.into(), at.into(), run.into(), what.into(), json.to_string().into()]
    }
}

/// Numbers the events of a finding. Types are said: a parameter in a list of results has none of its own in PostgreSQL.
pub(crate) const INSERT_EVENT: &str = "INSERT INTO yagura_events (finding, nth, at, run, what, detail) \
     SELECT $1, coalesce(max(nth), 0) + 1, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS TEXT) \
     FROM yagura_events WHERE finding = $1";

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The finding.
    pub finding: String,
    /// When it was observed or done.
    pub at: Timestamp,
    /// The run that observed it; `None` for what people did.
    pub run: Option<i64>,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
}

/// A recorded observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// When it counts as observed.
    pub at: Timestamp,
    /// When it was recorded, by the clock of that time.
    pub recorded: Timestamp,
    /// `live`, `snapshot` or `demo`.
    pub source: String,
    /// Who read it.
    pub caller: String,
}

/// Which findings. Everything that is given must fit.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this account.
    pub account: Option<String>,
    /// Only this check, or those of a pattern with `*`.
    pub rule: Option<String>,
    /// Only of at least this severity.
    pub severity: Option<Severity>,
}

impl Finding {
    /// The last observation that had anything to say of it.
    pub(crate) fn last_time(&self) -> Timestamp {
        self.unsure.as_ref().map_or(self.last_observed, |u| u.last.max(self.last_observed))
    }
}

impl Store {
    /// The findings that fit, the gravest first, then by rule and resource.
    ///
    /// # Errors
    /// Those of the store.
    pub fn findings(&mut self, filter: &Filter) -> Result<Vec<Finding>, StoreError> {
        let mut out = self.again(&mut |db| {
            let sql = format!("SELECT {COLUMNS}, body FROM yagura_findings");
            let rows = match &filter.account {
                Some(a) => db.query(&format!("{sql} WHERE account = $1"), &[a.as_str().into()])?,
                None => db.query(&sql, &[])?,
            };
            rows.iter().map(|r| Ok(rows::of_row(r)?.finding)).collect::<Done<Vec<Finding>>>()
        })?;
        out.retain(|f| {
            filter.severity.is_none_or(|least| f.severity >= least)
                && filter.rule.as_deref().is_none_or(|r| yagura_model::glob(r, &f.rule))
        });
        out.sort_by(|a, b| (b.severity, &a.rule, &a.resource).cmp(&(a.severity, &b.rule, &b.resource)));
        Ok(out)
    }

    /// The findings whose ids begin with this.
    ///
    /// # Errors
    /// Those of the store.
    pub fn by_id(&mut self, begin: &str) -> Result<Vec<Finding>, StoreError> {
        let end = format!("{begin}g"); // ids are hexadecimal: everything that begins so is before this
        let sql = format!("SELECT {COLUMNS}, body FROM yagura_findings WHERE id >= $1 AND id < $2 ORDER BY id");
        self.again(&mut |db| {
            let rows = db.query(&sql, &[begin.into(), end.as_str().into()])?;
            rows.iter().map(|r| Ok(rows::of_row(r)?.finding)).collect()
        })
    }

    /// What happened to a finding, the first first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn events(&mut self, finding: &str) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT finding, at, run, detail FROM yagura_events WHERE finding = $1 ORDER BY nth";
        self.again(&mut |db| db.query(sql, &[finding.into()])?.iter().map(event).collect())
    }

    /// What happened to any finding since a time, or in runs after one.
    ///
    /// # Errors
    /// Those of the store.
    pub fn events_since(&mut self, since: Timestamp, run: Option<i64>) -> Result<Vec<Event>, StoreError> {
        let (condition, parameter) = match run {
            Some(run) => ("run > $1", Cell::Int(run)),
            None => ("at >= $1", Cell::from(since)),
        };
        let sql =
            format!("SELECT finding, at, run, detail FROM yagura_events WHERE {condition} ORDER BY at, finding, nth");
        self.again(&mut |db| db.query(&sql, std::slice::from_ref(&parameter))?.iter().map(event).collect())
    }

    /// The recorded runs, the last first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn runs(&mut self) -> Result<Vec<Run>, StoreError> {
        let sql = format!("{RUNS} ORDER BY id DESC");
        self.again(&mut |db| db.query(&sql, &[])?.iter().map(run).collect())
    }

    /// The run of a number, or the last one; `None` where there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub fn run(&mut self, number: Option<i64>) -> Result<Option<Run>, StoreError> {
        let (sql, parameters) = match number {
            Some(number) => (format!("{RUNS} WHERE id = $1"), vec![Cell::Int(number)]),
            None => (format!("{RUNS} ORDER BY id DESC LIMIT 1"), Vec::new()),
        };
        self.again(&mut |db| db.query(&sql, &parameters)?.first().map(run).transpose())
    }

    /// The suppressions that nobody took back, ended ones too.
    ///
    /// # Errors
    /// Those of the store.
    pub fn suppressions(&mut self) -> Result<Vec<Suppression>, StoreError> {
        self.again(&mut kept_suppressions)
    }

    /// Keeps a suppression under a name of its own, and notes it in every finding that it covers.
    ///
    /// # Errors
    /// Those of the store.
    pub fn suppress(&mut self, wanted: &Suppression, now: Timestamp) -> Result<(Suppression, usize), StoreError> {
        self.transact(&mut |db| {
            let rows = db.query("SELECT id FROM yagura_suppressions", &[])?;
            let number = |r: &Row| at(r, 0).text().strip_prefix("S-").and_then(|n| n.parse::<u64>().ok());
            let next = rows.iter().filter_map(number).max().unwrap_or(0) + 1;
            let kept = Suppression { id: format!("S-{next}"), made: Some(now), ..wanted.clone() };
            let body = serde_json::to_string(&kept).map_err(|e| StoreError::Database(e.to_string()))?;
            db.execute(
                "INSERT INTO yagura_suppressions (id, made, body) VALUES ($1, $2, $3)",
                &[kept.id.as_str().into(), now.into(), body.into()],
            )?;
            let happened = Happened::Suppressed {
                suppression: kept.id.clone(),
                owner: kept.owner.clone(),
                reason: kept.reason.clone(),
                until: kept.until.to_string(),
            };
            let covered = note(db, &kept, &happened, now)?;
            Ok((kept, covered))
        })
    }

    /// Takes a suppression back; `None` where there is none of this name.
    ///
    /// # Errors
    /// Those of the store.
    pub fn unsuppress(&mut self, id: &str, now: Timestamp) -> Result<Option<(Suppression, usize)>, StoreError> {
        self.transact(&mut |db| {
            let Some(kept) = kept_suppressions(db)?.into_iter().find(|s| s.id == id) else { return Ok(None) };
            db.execute("UPDATE yagura_suppressions SET ended = $1 WHERE id = $2", &[now.into(), id.into()])?;
            let covered = note(db, &kept, &Happened::Unsuppressed { suppression: id.to_owned() }, now)?;
            Ok(Some((kept, covered)))
        })
    }

    /// Gives a finding (by its whole id) to somebody, or to nobody.
    ///
    /// # Errors
    /// Those of the store.
    pub fn assign(&mut self, finding: &str, to: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        self.transact(&mut |db| {
            db.execute("UPDATE yagura_findings SET assignee = $1 WHERE id = $2", &[to.into(), finding.into()])?;
            let happened = Happened::Assigned { to: to.map(str::to_owned) };
            db.execute(INSERT_EVENT, &happened.to_row(finding, Some(now), None))
        })
    }
}

const RUNS: &str = "SELECT id, at, recorded, source, caller FROM yagura_runs";

fn run(r: &Row) -> Done<Run> {
    Ok(Run {
        run: at(r, 0).int(),
        at: time(at(r, 1))?,
        recorded: time(at(r, 2))?,
        source: at(r, 3).text().to_owned(),
        caller: at(r, 4).text().to_owned(),
    })
}

fn event(row: &Row) -> Done<Event> {
    let broken = |_| StoreError::NotAStore(format!("event of finding {}", at(row, 0).text()));
    Ok(Event {
        finding: at(row, 0).text().to_owned(),
        at: time(at(row, 1))?,
        run: at(row, 2).maybe_int(),
        happened: serde_json::from_str(at(row, 3).text()).map_err(broken)?,
    })
}

/// Those that nobody took back.
pub(crate) fn kept_suppressions(db: &mut dyn Db) -> Done<Vec<Suppression>> {
    let rows = db.query("SELECT body FROM yagura_suppressions WHERE ended IS NULL ORDER BY made, id", &[])?;
    let broken = |_| StoreError::NotAStore("a suppression".to_owned());
    rows.iter().map(|r| serde_json::from_str(at(r, 0).text()).map_err(broken)).collect()
}

/// Notes what happened in the open findings that a suppression covers; how many.
fn note(db: &mut dyn Db, s: &Suppression, happened: &Happened, now: Timestamp) -> Done<usize> {
    let rows = db.query(&format!("SELECT {COLUMNS} FROM yagura_findings WHERE stage <> 'resolved'"), &[])?;
    let mut events = Vec::new();
    for row in &rows {
        let f = rows::of_row(row)?.finding;
        if s.covers(&f, day(now).min(s.until)) == Fit::Yes {
            events.push(happened.to_row(&f.id, Some(now), None));
        }
    }
    db.execute_each(INSERT_EVENT, &events)?;
    Ok(events.len())
}
