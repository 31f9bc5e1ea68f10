//! What comes out: signals, one for each thing that a detection found, and incidents, each one attack.

use crate::detection::Confidence;
use crate::habits::Novelty;
use crate::observe::Seen;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use yagura_model::Severity;

/// The most records that a signal names; the rest is counted.
pub const EVENTS_NAMED: usize = 200;

/// A detection fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The detection.
    pub rule: SmolStr,
    /// When it fired first, ms.
    pub time: i64,
    /// The last record that belongs to it, ms.
    pub last: i64,
    /// Whom and what it is about: of the record that made it fire.
    pub seen: Seen,
    /// What its texts show besides.
    pub shown: Vec<(SmolStr, SmolStr)>,
    /// Why it is unusual.
    pub because: Vec<Because>,
    /// How many records belong to it.
    pub count: u64,
    /// Their names, at most [`EVENTS_NAMED`].
    pub events: Vec<SmolStr>,
    /// How bad.
    pub severity: Severity,
    /// How likely.
    pub confidence: Confidence,
    /// The incident that it is part of: its place in the list of incidents.
    pub incident: Option<usize>,
}

/// A reason with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Because {
    /// Against habit.
    Habit(Novelty),
    /// So many in such a time, ms.
    Count {
        /// How many.
        count: u64,
        /// Whether different values were counted, not records.
        distinct: bool,
        /// Since when, ms.
        since: i64,
    },
    /// A statistic's figures.
    Figures {
        /// Its name.
        method: SmolStr,
        /// 0 to 1.
        score: f64,
        /// The figures by name.
        figures: Vec<(SmolStr, SmolStr)>,
    },
    /// It was found before, and less is said of it now: so many milliseconds apart.
    Recurring {
        /// How often so far.
        times: u32,
        /// For how long it will not be said again, ms.
        quiet: i64,
    },
}

impl Signal {
    /// Adds a record.
    pub fn grow(&mut self, time: i64, event: &SmolStr) {
        let names = self.events.len() < EVENTS_NAMED && !self.events.contains(event);
        self.count(time, names.then_some(event));
    }

    /// Adds a record, unless it is named already.
    pub fn grow_by_others(&mut self, time: i64, event: &SmolStr) {
        if !self.events.contains(event) {
            let names = self.events.len() < EVENTS_NAMED;
            self.count(time, names.then_some(event));
        }
    }

    fn count(&mut self, time: i64, named: Option<&SmolStr>) {
        self.count += 1;
        self.last = self.last.max(time);
        self.events.extend(named.cloned());
    }
}

/// One attack: what happened in which order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The sequences that it went through, the first first.
    pub sequences: Vec<SmolStr>,
    /// Who: what its records were joined on.
    pub entity: SmolStr,
    /// Everyone who took part: actors, sessions, keys, addresses.
    pub actors: Vec<SmolStr>,
    /// First record, ms.
    pub first: i64,
    /// Last record so far, ms.
    pub last: i64,
    /// What happened, in order.
    pub steps: Vec<StepTaken>,
    /// How bad.
    pub severity: Severity,
    /// Stages that no record was found for: `sequence/stage`.
    pub missing: Vec<SmolStr>,
}

/// One thing that happened in an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepTaken {
    /// When, ms.
    pub time: i64,
    /// Which detection saw it.
    pub rule: SmolStr,
    /// Which stage it was: `sequence/stage`; empty for what happened besides.
    pub stage: SmolStr,
    /// Of which record.
    pub seen: Seen,
}
