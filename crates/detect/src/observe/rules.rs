//! The rules in effect, and which of them a record may concern at all, by its log, its service and its name.

use super::Hit;
use super::mind::dims;
use crate::detection::Detection;
use crate::event::Field;
use crate::predicate::Predicate;
use crate::share::{Scope, Sharing};
use crate::sigma;
use foldhash::HashMap;
use smol_str::SmolStr;

/// Rules, found by what they look at.
#[derive(Debug, Default)]
pub struct Rules {
    /// All detections; a hit names one by its place.
    pub detections: Vec<Detection>,
    /// Sigma's correlations.
    pub correlations: Vec<Correlating>,
    /// What their techniques serve.
    pub attack: crate::attack::Attack,
    pub(super) tables: HashMap<&'static str, OfTable>,
    /// By detection: the correlations that listen to it, and its place in each.
    pub(super) heard: HashMap<u32, Vec<(u32, u32)>>,
    /// By detection: how it is tried.
    pub(super) tries: Vec<Try>,
    scopes: Vec<Scope>,
}

/// How a detection is tried on a record.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) condition: Predicate,
    pub(super) sigma: bool,
    /// The dimensions that its habits ask about, a bit each.
    pub(super) dims: u8,
    /// Whether what its dedup, its count's groups and its count's values go by is the same in all records of a session and name.
    pub(super) fixed: [bool; 3],
}

impl Try {
    /// Whether a hit is that of any other record of the same session and name.
    pub(super) fn makes_alike(&self, hit: &Hit) -> bool {
        self.fixed == [true; 3] && hit.target.is_none() && hit.shown.is_empty() && hit.correlated.is_empty()
    }
}

/// A correlation of Sigma's at work.
#[derive(Debug, Clone)]
pub struct Correlating {
    /// What it counts.
    pub correlation: sigma::Correlation,
    /// The detection that says what it found.
    pub says: u32,
    /// The detections that it listens to, in the order of its rules; none where another correlation stands there.
    pub listens: Vec<Option<u32>>,
    /// The correlations that it listens to: their places, and theirs in this one's order.
    pub chained: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
pub(super) struct OfTable {
    pub(super) named: HashMap<SmolStr, Vec<u32>>,
    pub(super) sourced: HashMap<SmolStr, Vec<u32>>,
    pub(super) any: Vec<u32>,
    /// Of Sigma's: names and services in small letters.
    pub(super) sigma_named: HashMap<SmolStr, Vec<u32>>,
    pub(super) sigma_sourced: HashMap<SmolStr, Vec<u32>>,
}

impl Rules {
    /// Indexes detections.
    pub fn new(detections: Vec<Detection>) -> Self {
        let mut tables: HashMap<&'static str, OfTable> = HashMap::default();
        let mut sharing = Sharing::default();
        let tries = detections
            .iter()
            .map(|d| Try {
                condition: sharing.share(&d.predicate),
                sigma: matches!(d.predicate, Predicate::Sigma(_)),
                dims: d.habit.as_ref().map_or(0, dims),
                fixed: fixed(d),
            })
            .collect();
        for (n, d) in (0u32..).zip(&detections) {
            if d.method.is_some() {
                continue;
            }
            let of = tables.entry(d.table.name()).or_default();
            if matches!(d.predicate, Predicate::Sigma(_)) {
                let (names, sources) = (&d.index.names, &d.index.sources);
                for name in names {
                    of.sigma_named.entry(name.clone()).or_default().push(n);
                }
                for source in sources.iter().filter(|_| names.is_empty()) {
                    of.sigma_sourced.entry(source.clone()).or_default().push(n);
                }
                if names.is_empty() && sources.is_empty() {
                    of.any.push(n);
                }
                continue;
            }
            if !d.index.names.is_empty() {
                for name in &d.index.names {
                    of.named.entry(name.clone()).or_default().push(n);
                }
            } else if !d.index.sources.is_empty() {
                for source in &d.index.sources {
                    of.sourced.entry(source.clone()).or_default().push(n);
                }
            } else {
                of.any.push(n);
            }
        }
        Self {
            detections,
            tables,
            correlations: Vec::new(),
            attack: crate::attack::Attack::default(),
            heard: HashMap::default(),
            tries,
            scopes: sharing.scopes(),
        }
    }

    /// Of the conditions that have a number which they are known by: of which records one's answer is the answer.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Adds Sigma's correlations, whose numbers of detections are those of [`Rules::detections`].
    pub fn correlate(&mut self, correlations: Vec<Correlating>) {
        for (n, c) in (0u32..).zip(&correlations) {
            for (place, rule) in (0u32..).zip(&c.listens) {
                if let Some(rule) = rule {
                    self.heard.entry(*rule).or_default().push((n, place));
                }
            }
        }
        self.correlations = correlations;
    }

    /// A detection by its id.
    pub fn named(&self, id: &str) -> Option<&Detection> {
        self.detections.iter().find(|d| d.id == id)
    }

    /// A detection by its number.
    pub fn get(&self, rule: u32) -> Option<&Detection> {
        self.detections.get(rule as usize)
    }
}

fn fixed(d: &Detection) -> [bool; 3] {
    let in_common = |fields: &[Field]| fields.iter().all(|f| f.scope() != Scope::Record);
    let count = d.count.as_ref();
    [in_common(&d.dedup.by), count.is_none_or(|c| in_common(&c.by)), count.is_none_or(|c| in_common(c.of.as_slice()))]
}

/// API versions that some services put behind the names of their events: `Invoke20150331`, `CreateDistribution2020_05_31`.
pub fn plain_name(name: &str) -> &str {
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    let bare = match name.rsplit_once('v') {
        Some((before, version)) if digits(version, 1) && before.ends_with(|c: char| c.is_ascii_digit()) => before,
        _ => name,
    };
    for n in [10, 8] {
        if let Some((head, tail)) =
            bare.len().checked_sub(n).filter(|at| *at > 0 && bare.is_char_boundary(*at)).map(|at| bare.split_at(at))
            && tail.starts_with("20")
            && (digits(tail, 8) || (n == 10 && tail.bytes().all(|b| b.is_ascii_digit() || b == b'_')))
        {
            return head;
        }
    }
    name
}
