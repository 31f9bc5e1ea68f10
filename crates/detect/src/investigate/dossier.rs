//! The answer: what was kept, joined with what was found and with who made whom.

use super::collect::{Facet, Kept, SLOT, Tally, Touched, as_iso};
use super::next;
use super::subject::{Kind, Subject};
use super::timeline::timeline;
use super::watch::{Located, Watch};
use crate::engine::State;
use crate::observe::Rules;
use crate::sequence::Sequences;
use crate::tell::{Told, incident, iso, signal};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::{Lang, Severity};

/// How far around the asked time things count as new: half an hour, in whole slots.
const AROUND: i64 = 3 * SLOT;
/// Hops that a chain of roles and keys is followed.
const HOPS: usize = 8;
/// Made identities and keys that are told.
const MADE: usize = 200;

/// Everything about a subject.
#[derive(Debug, Clone, Serialize)]
pub struct Dossier {
    /// Whom or what.
    pub subject: Subject,
    /// The record that was asked for, where it was one; the subject is then whose it was.
    pub event: Option<Noted>,
    /// Its account, where its name or every record tells the same.
    pub account: Option<SmolStr>,
    /// Records of what it did.
    pub records: u64,
    /// Those refused.
    pub denied: u64,
    /// Records that only name it.
    pub named: u64,
    /// The first record, ISO 8601 UTC.
    pub first: Option<String>,
    /// The last record.
    pub last: Option<String>,
    /// Bytes sent and received, where flow records tell.
    pub bytes: [u64; 2],
    /// Who made it: the nearest first.
    pub makers: Vec<Linked>,
    /// What it made: sessions, keys, users, and what those made.
    pub made: Vec<Made>,
    /// Records by what they say, the most frequent first.
    pub facets: BTreeMap<Facet, Vec<Value>>,
    /// The usual against the unusual around a time.
    pub unusual: Option<Unusual>,
    /// What was found of it: incidents first.
    pub findings: Vec<Told>,
    /// What it touched: what it changed first.
    pub touched: Vec<Touched>,
    /// Other identities at the same addresses or with the same key.
    pub neighbours: Vec<Neighbour>,
    /// Changes, refusals, findings, and what was done to it, in order.
    pub timeline: Vec<Noted>,
    /// Commands that ask on, each after a word of why.
    pub next: Vec<(String, String)>,
    /// What was not kept.
    pub limits: Limits,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Who.
    pub who: SmolStr,
    /// When it made the one before, ISO 8601 UTC.
    pub time: String,
    /// Whom.
    pub made: SmolStr,
}

/// Something made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// A session, a key, a user.
    pub what: SmolStr,
    /// By whom: the subject, or something that it made.
    pub by: SmolStr,
    /// When, ISO 8601 UTC.
    pub time: String,
}

/// A value and how often it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The value.
    pub value: SmolStr,
    /// How often, and when.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What was new around a time, against everything before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unusual {
    /// The time that was asked about, ISO 8601 UTC.
    pub at: String,
    /// From.
    pub from: String,
    /// To, not included.
    pub to: String,
    /// Records in between, and those refused.
    pub records: [u64; 2],
    /// Records before, and those refused.
    pub before: [u64; 2],
    /// Records per hour before, from its first record on.
    pub per_hour_before: f64,
    /// Since when, ISO 8601 UTC; nothing where there is nothing before, and nothing can be told.
    pub since: Option<String>,
    /// Values first seen within, by facet.
    pub new: Vec<(Facet, Value)>,
    /// How many values were known before, by facet.
    pub known: BTreeMap<Facet, usize>,
}

/// Somebody else at the same address or with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// Who.
    pub identity: SmolStr,
    /// What they share.
    pub shared: SmolStr,
    /// The first time, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub first: i64,
    /// The last time, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub last: i64,
}

/// What kind of moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotedKind {
    /// It changed something.
    Write,
    /// It was refused.
    Denied,
    /// Somebody did something to it.
    DoneTo,
    /// Something was found.
    Finding,
}

/// A moment of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// When, ISO 8601 UTC.
    pub time: String,
    /// The last of several alike.
    pub last: String,
    /// Which kind.
    pub kind: NotedKind,
    /// `iam:CreateUser`, or the finding's title.
    pub what: String,
    /// Of a finding.
    pub severity: Option<Severity>,
    /// How many records.
    pub count: u64,
    /// Whether it failed.
    pub failed: bool,
    /// Who.
    pub actor: SmolStr,
    /// From where.
    pub source_ip: SmolStr,
    /// What it happened to; of several the first.
    pub target: SmolStr,
    /// How many different targets.
    pub targets: u64,
    /// The error.
    pub error: SmolStr,
    /// The first record.
    pub event: SmolStr,
}

/// What was not kept, because memory is bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Moments.
    pub moments: u64,
    /// Records whose values were too many to tell apart, by facet.
    pub values: BTreeMap<Facet, u64>,
    /// Records whose targets were too many.
    pub targets: u64,
    /// Records of identities at addresses beyond those kept: others may share its addresses.
    pub pairs: u64,
    /// Records delivered twice may be counted twice.
    pub twice: bool,
}

impl Watch {
    /// Tells everything. `located` is the record that was asked for, where it was one; findings that `keep` refuses are left out.
    pub fn dossier(
        &self,
        state: &State,
        rules: &Rules,
        sequences: &Sequences,
        located: Option<&Located>,
        keep: &dyn Fn(&Told) -> bool,
        lang: Lang,
    ) -> Dossier {
        let kept = self.kept();
        let subject = &self.subject;
        let mut findings = related(subject, state, rules, sequences, lang);
        findings.retain(keep);
        // The gravest thing that was found, and the latest of several.
        let times = findings.iter().filter_map(|t| Some((t.severity, t.time.parse::<jiff::Timestamp>().ok()?)));
        let gravest = times.max().map(|(_, at)| at.as_millisecond());
        let at = self.near.or(gravest).or(kept.all.map(|a| a.last));
        let mut facets: BTreeMap<Facet, Vec<Value>> = BTreeMap::new();
        for ((facet, value), tally) in &kept.facets {
            facets.entry(*facet).or_default().push(Value { value: value.clone(), tally: *tally });
        }
        for values in facets.values_mut() {
            values.sort_by(|a, b| b.tally.count.cmp(&a.tally.count).then_with(|| a.value.cmp(&b.value)));
        }
        let only = |facet: Facet| match facets.get(&facet).map(Vec::as_slice) {
            Some([one]) => Some(one.value.clone()),
            _ => None,
        };
        let mut touched: Vec<Touched> = kept.touched.values().filter(|t| t.target != subject.text).cloned().collect();
        touched.sort_by(|a, b| {
            let rank = |t: &Touched| (t.writes, t.reads + t.denied);
            rank(b).cmp(&rank(a)).then_with(|| a.target.cmp(&b.target))
        });
        let (neighbours, beyond) = self.neighbours(&facets);
        let mut dossier = Dossier {
            event: located.map(|l| of_record(l, subject)),
            account: subject.account().or_else(|| only(Facet::Account)),
            records: kept.all.map_or(0, |a| a.count),
            denied: kept.all.map_or(0, |a| a.denied),
            named: kept.named,
            first: kept.all.map(|a| iso(a.first)),
            last: kept.all.map(|a| iso(a.last)),
            bytes: kept.bytes,
            makers: makers(subject, state, &only),
            made: made(subject, state),
            unusual: at.and_then(|at| unusual(&kept, &facets, at)),
            touched,
            neighbours,
            timeline: timeline(&kept, &findings),
            next: Vec::new(),
            limits: Limits {
                moments: kept.dropped,
                values: kept.beyond.clone(),
                targets: kept.untouched,
                pairs: beyond,
                twice: kept.forgetful,
            },
            subject: subject.clone(),
            facets,
            findings,
        };
        dossier.next = next::next(&dossier, at, lang);
        dossier
    }

    fn neighbours(&self, facets: &BTreeMap<Facet, Vec<Value>>) -> (Vec<Neighbour>, u64) {
        let values = |facet: Facet| facets.get(&facet).map(Vec::as_slice).unwrap_or_default();
        let mut all: Vec<Neighbour> = Vec::new();
        let subject = &self.subject;
        // Of a key or an address everybody who used it is told by its own records.
        if matches!(subject.kind, Kind::Address | Kind::Key) {
            let of = |v: &Value| Neighbour {
                identity: v.value.clone(),
                shared: subject.text.clone(),
                first: v.tally.first,
                last: v.tally.last,
            };
            all.extend(values(Facet::Identity).iter().map(of));
        }
        let own = |who: &SmolStr| *who == subject.text || values(Facet::Identity).iter().any(|v| v.value == *who);
        let pairs = self.pairs();
        for pair in pairs.all.values() {
            if !own(&pair.identity) && values(Facet::Address).iter().any(|v| v.value == pair.address) {
                all.push(Neighbour {
                    identity: pair.identity.clone(),
                    shared: pair.address.clone(),
                    first: pair.first,
                    last: pair.last,
                });
            }
        }
        all.sort_by(|a, b| (a.first, &a.identity, &a.shared).cmp(&(b.first, &b.identity, &b.shared)));
        (all, pairs.beyond)
    }
}

/// Findings about it, incidents first, then by time.
fn related(subject: &Subject, state: &State, rules: &Rules, sequences: &Sequences, lang: Lang) -> Vec<Told> {
    let of = |(_, i): &(usize, &crate::signal::Incident)| {
        i.actors.contains(&subject.text) || i.steps.iter().any(|s| subject.concerns(&s.seen))
    };
    let incidents = state.incidents.iter().enumerate().filter(of);
    let incidents = incidents.filter_map(|(n, _)| incident(n, state, rules, sequences, lang));
    let mut all: Vec<Told> = incidents.collect();
    let signals = state.signals.iter().filter(|s| subject.concerns(&s.seen));
    all.extend(signals.filter_map(|s| signal(s, rules, lang)));
    all
}

fn of_record(located: &Located, subject: &Subject) -> Noted {
    let s = &located.seen;
    let (time, by) = (iso(located.time), subject.concerns(s));
    let service = s.source.strip_suffix(".amazonaws.com");
    Noted {
        last: time.clone(),
        time,
        kind: if by { NotedKind::Write } else { NotedKind::DoneTo },
        what: service.map_or_else(|| s.event.to_string(), |service| format!("{service}:{}", s.event)),
        severity: None,
        count: 1,
        failed: !s.error.is_empty(),
        actor: s.actor.clone(),
        source_ip: s.source_ip.clone(),
        target: s.target.clone(),
        targets: u64::from(!s.target.is_empty()),
        error: s.error.clone(),
        event: s.event_id.clone(),
    }
}

/// Follows the chain up: a session to who assumed the role, a key to who created it or got it.
fn makers(subject: &Subject, state: &State, only: &dyn Fn(Facet) -> Option<SmolStr>) -> Vec<Linked> {
    let mut all: Vec<Linked> = Vec::new();
    // A key's own maker first; else its session's.
    let session = only(Facet::Session).filter(|_| subject.kind == Kind::Key);
    let starts = std::iter::once(subject.text.clone()).chain(session);
    let Some(mut here) = starts.into_iter().find(|s| state.maker(s).is_some()) else { return all };
    for _ in 0..HOPS {
        let Some((maker, at)) = state.maker(&here) else { break };
        if *maker == here || all.iter().any(|l| l.who == *maker) {
            break;
        }
        all.push(Linked { who: maker.clone(), time: iso(at), made: here });
        here = maker.clone();
    }
    all
}

/// Follows the chain down.
fn made(subject: &Subject, state: &State) -> Vec<Made> {
    let mut all: Vec<Made> = Vec::new();
    let mut todo = vec![(subject.text.clone(), 0)];
    while let Some((by, depth)) = todo.pop() {
        let mut own: Vec<(&SmolStr, i64)> = state.made_by(&by).collect();
        own.sort_by_key(|(what, at)| (*at, (*what).clone()));
        for (what, at) in own {
            if all.len() >= MADE || *what == subject.text || all.iter().any(|m| m.what == *what) {
                continue;
            }
            all.push(Made { what: what.clone(), by: by.clone(), time: iso(at) });
            if depth < HOPS {
                todo.push((what.clone(), depth + 1));
            }
        }
    }
    all.sort_by(|a, b| (&a.time, &a.what).cmp(&(&b.time, &b.what)));
    all
}

/// What is compared: values that say how somebody works, not whose resources or which session it is.
const COMPARED: [Facet; 10] = [
    Facet::Service,
    Facet::Api,
    Facet::Region,
    Facet::Network,
    Facet::Client,
    Facet::Identity,
    Facet::Key,
    Facet::Peer,
    Facet::Port,
    Facet::Name,
];

fn unusual(kept: &Kept, facets: &BTreeMap<Facet, Vec<Value>>, at: i64) -> Option<Unusual> {
    let all = kept.all?;
    let slot = at.div_euclid(SLOT);
    let (from, to) = ((slot - AROUND / SLOT) * SLOT, (slot + AROUND / SLOT) * SLOT);
    let sum = |range: std::ops::Range<i64>| {
        kept.slots.range(range).fold([0, 0], |[n, d], (_, [all, denied])| [n + all, d + denied])
    };
    let before = sum(i64::MIN..from / SLOT);
    let hours = ((from - all.first).max(SLOT) as f64) / 3_600_000.0;
    let mut new = Vec::new();
    let mut known = BTreeMap::new();
    for facet in COMPARED {
        let values = facets.get(&facet).map(Vec::as_slice).unwrap_or_default();
        known.insert(facet, values.iter().filter(|v| v.tally.first < from).count());
        let mut fresh: Vec<&Value> = values.iter().filter(|v| (from..to).contains(&v.tally.first)).collect();
        fresh.sort_by_key(|v| v.tally.first);
        new.extend(fresh.into_iter().map(|v| (facet, v.clone())));
    }
    let [count, _] = before;
    Some(Unusual {
        at: iso(at),
        from: iso(from),
        to: iso(to),
        records: sum(from / SLOT..to / SLOT),
        before,
        per_hour_before: if count == 0 { 0.0 } else { count as f64 / hours },
        since: (count > 0).then(|| iso(all.first)),
        new: if count == 0 { Vec::new() } else { new },
        known,
    })
}
