//! The second half of the work: takes what was observed in the order of time, and remembers. Its whole memory is [`State`], which goes
//! to a file and back, so that a restart changes nothing.

mod incident;
mod say;
mod state;

pub use state::State;

use crate::detection::{Detection, Dim, HabitGate};
use crate::habits::Novelty;
use crate::hash::hash;
use crate::observe::{Alike, Hit, Noted, Notes, Observed, Rules, Seen, name_of};
use crate::sequence::Sequences;
use crate::sigma::{Correlator, Fired as Correlation, Kind};
use crate::signal::Because;
use crate::stat::Sign;
use say::{Fired, key_of};
use smol_str::SmolStr;
use state::{Counted, SWEEP};
use std::collections::HashMap;

/// Entries kept of any one counter; the oldest go first.
pub const COUNTED: usize = 10_000;

/// Rules and sequences at work.
#[derive(Debug)]
pub struct Engine<'e> {
    rules: &'e Rules,
    sequences: &'e Sequences,
    methods: HashMap<&'e str, Vec<u32>>,
    /// What it remembers.
    pub state: State,
}

impl<'e> Engine<'e> {
    /// Goes on from a state.
    pub fn new(rules: &'e Rules, sequences: &'e Sequences, state: State) -> Self {
        let mut methods: HashMap<&str, Vec<u32>> = HashMap::new();
        for (n, d) in (0u32..).zip(&rules.detections) {
            if let Some(m) = &d.method {
                methods.entry(m.as_str()).or_default().push(n);
            }
        }
        Self { rules, sequences, methods, state }
    }

    /// How much of what was remembered had to go for want of room before its time was over: counts, links between identities, stages that
    /// sequences wait for (what they would have led to is lost), and quiet times (what they were of is said again). It counts from the
    /// state's beginning, over restarts; whoever prints says it where it is not zero.
    pub fn forgotten(&self) -> u64 {
        self.state.forgotten + self.state.correlators.values().map(Correlator::forgotten).sum::<u64>()
    }

    /// How many counters, links and entities that sequences wait for are remembered.
    pub fn remembered(&self) -> [usize; 3] {
        [self.state.counts.len(), self.state.makers.len(), self.state.waiting.len()]
    }

    /// Of how many things it is remembered that they were said of late.
    pub fn quiet(&self) -> usize {
        self.state.quiet.len()
    }

    fn learned(&self, time: i64) -> bool {
        self.state.learned_until.is_some_and(|until| time <= until)
    }

    /// How many days the records span.
    pub fn days(&self) -> f64 {
        self.state.span.map_or(0.0, |(first, last)| (last - first) as f64 / 86_400_000.0)
    }

    /// Takes one record; they come in the order of time, and of identity where the time is the same. Answers false for a record that
    /// was taken already.
    pub fn take(&mut self, o: &Observed) -> bool {
        let (time, ids) = &mut self.state.instant;
        if *time != o.time {
            *time = o.time;
            ids.clear();
        } else if ids.contains(&o.id) {
            return false;
        }
        ids.push(o.id);
        self.state.records += 1;
        if self.state.records.is_multiple_of(SWEEP) {
            self.sweep(o.time);
        }
        self.state.span = match self.state.span {
            None => Some((o.time, o.time)),
            Some((first, last)) => Some((first.min(o.time), last.max(o.time))),
        };
        self.advance(o.time);
        match &o.notes {
            Noted::Nothing => {}
            Noted::Own(notes) => self.notes(o, notes),
            Noted::Alike(alike) => self.hits(o, alike.hits(), &mut Who::Alike(alike, None)),
        }
        if let Some(habit) = &o.habit
            && !self.learned(o.time)
        {
            self.state.habits.learn(habit, o.time);
        }
        true
    }

    fn notes(&mut self, o: &Observed, notes: &Notes) {
        for link in &notes.links {
            crate::links::learn(&mut self.state.makers, link, o.time);
        }
        if let Some(seen) = &notes.seen {
            self.hits(o, &notes.hits, &mut Who::Own(seen));
        }
        let mut signs = Vec::new();
        if let Some(measured) = &notes.measured {
            self.state.statistics.observe(o.time, o.id, measured, &mut signs);
        }
        if let Some(sighting) = &notes.sighted {
            self.state.statistics.travels.observe(o.time, o.id, sighting, &mut signs);
        }
        self.signs(o, notes, signs);
    }

    fn hits(&mut self, o: &Observed, hits: &[Hit], who: &mut Who<'_>) {
        let mut novelty: Option<Novelty> = None;
        for hit in hits {
            let Some(d) = self.rules.get(hit.rule) else { continue };
            let mut because = Vec::new();
            if let Some(gate) = &d.habit {
                let Some(habit) = o.habit.as_ref().filter(|_| !self.learned(o.time)) else { continue };
                if novelty.is_none() && !gate.cold_fires && !self.state.habits.mature(habit, o.time) {
                    continue;
                }
                let n = novelty.get_or_insert_with(|| self.state.habits.novelty(habit, o.time));
                match gated(gate, n) {
                    None => continue,
                    Some(told) => because.push(Because::Habit(told)),
                }
            }
            let mut events = Vec::new();
            if let Some(told) = d.count.as_ref().map(|_| self.count(d, hit, o, who)) {
                let Some((reason, counted)) = told else { continue };
                because.push(reason);
                events = counted;
            } else {
                events.push(who.event_id());
            }
            let seen = who.seen();
            self.correlate(hit, o.time, seen);
            let fired = Fired { seen, target: hit.target.clone(), shown: &hit.shown, because, events };
            self.fire(hit.rule, o.time, hit.dedup, fired);
        }
    }

    /// Counts a hit. The reason and the records, once there are enough.
    fn count(&mut self, d: &Detection, hit: &Hit, o: &Observed, who: &Who<'_>) -> Option<(Because, Vec<SmolStr>)> {
        let (c, time) = (d.count.as_ref()?, o.time);
        let said = self.said(key_of(d, hit.dedup), time).is_some();
        let window = self.state.counts.entry(hash(&d.id) ^ hit.group.rotate_left(7)).or_default();
        let distinct = c.of.is_some();
        let again = distinct.then(|| window.iter().position(|w| w.of == hit.of)).flatten();
        if let Some(at) = again {
            // Of the same value the first record of each grain of time counts, and of those the latest. Others leave no trace: an
            // observer may have kept them to itself.
            if window.get(at)?.time.div_euclid(c.grain()) == time.div_euclid(c.grain()) {
                return None;
            }
            window.remove(at);
        }
        while window.front().is_some_and(|w| time - w.time > c.over) || window.len() >= COUNTED {
            window.pop_front();
        }
        window.push_back(Counted { time, of: hit.of, event: who.event_id(), told: false });
        if window.len() < c.at_least as usize {
            return None;
        }
        // What a signal that goes on named already need not be told again.
        let events = window.iter().filter(|w| !said || !w.told).map(|w| w.event.clone()).collect();
        // Whenever there are enough all are told: those that are not come last.
        window.iter_mut().rev().take_while(|w| !w.told).for_each(|w| w.told = true);
        let since = window.front().map_or(time, |w| w.time);
        Some((Because::Count { count: window.len() as u64, distinct, since }, events))
    }

    /// Tells Sigma's correlations of a hit, and those that listen to them of what they found.
    fn correlate(&mut self, hit: &Hit, time: i64, seen: &Seen) {
        let mut told: Vec<(usize, usize, SmolStr, Option<SmolStr>, SmolStr)> = hit
            .correlated
            .iter()
            .map(|c| {
                (c.correlation as usize, c.place as usize, c.group.clone(), c.value.clone(), seen.event_id.clone())
            })
            .collect();
        let rules = self.rules;
        while let Some((n, place, group, value, event)) = told.pop() {
            let Some((c, id)) = rules.correlations.get(n).and_then(|c| Some((c, &rules.get(c.says)?.id))) else {
                continue;
            };
            let correlator =
                self.state.correlators.entry(id.clone()).or_insert_with(|| Correlator::new(&c.correlation));
            let Some(found) = correlator.observe(time, place, &group, value.as_deref(), &event) else { continue };
            for (m, other) in rules.correlations.iter().enumerate() {
                let places = other.chained.iter().filter(|(from, _)| *from == n);
                told.extend(places.map(|(_, place)| (m, *place, group.clone(), None, event.clone())));
            }
            self.correlated(n, found, time, seen);
        }
    }

    /// Time goes on: correlations with an upper bound are judged when their time is over.
    fn advance(&mut self, time: i64) {
        for n in 0..self.rules.correlations.len() {
            let Some(c) = self.rules.correlations.get(n) else { continue };
            if c.correlation.bounds.most.is_none() {
                continue;
            }
            let Some(id) = self.rules.get(c.says).map(|d| d.id.clone()) else { continue };
            let found = self.state.correlators.get_mut(&id).map(|k| k.advance(time)).unwrap_or_default();
            for f in found {
                self.correlated(n, f, time, &Seen::default());
            }
        }
    }

    fn correlated(&mut self, n: usize, found: Correlation, time: i64, seen: &Seen) {
        let Some(c) = self.rules.correlations.get(n) else { return };
        let events: Vec<SmolStr> = found.events.iter().map(SmolStr::new).collect();
        let because = vec![Because::Count {
            count: found.count,
            distinct: c.correlation.kind == Kind::ValueCount,
            since: found.first_ms,
        }];
        let dedup = hash(&found.group);
        let again = self.rules.get(c.says).map(|d| key_of(d, dedup));
        self.fire(c.says, time, dedup, Fired { seen, target: None, shown: &[], because, events });
        // What goes on is one finding: the same is news only after a whole time frame without it.
        if let Some(q) = again.and_then(|key| self.state.quiet.get_mut(&key)) {
            q.until = q.until.max(time.saturating_add(c.correlation.timespan_ms));
        }
    }

    /// What statistics noticed at a record.
    fn signs(&mut self, o: &Observed, notes: &Notes, signs: Vec<Sign>) {
        for sign in signs {
            let rules: Vec<u32> = self.methods.get(sign.method).cloned().unwrap_or_default();
            for rule in rules {
                let Some(d) = self.rules.get(rule) else { continue };
                // The console and databases share the methods about logins.
                let log = notes.seen.as_ref().map_or(d.table.source.name, |s| s.log.as_str());
                if (log == "cloudtrail") != (d.table.source.name == "cloudtrail") {
                    continue;
                }
                let mut seen = notes.seen.clone().unwrap_or_default();
                if notes.seen.is_none() {
                    let [account, region, instance] = notes.place.clone();
                    seen = Seen { log: d.table.source.name.into(), account, region, instance, ..seen };
                    seen.source_ip = sign.host.clone();
                    seen.actor = if seen.instance.is_empty() { sign.host.clone() } else { seen.instance.clone() };
                    seen.identity = seen.actor.clone();
                    seen.event_id = format!("{:032x}", o.id).into();
                }
                let events = sign.events.iter().map(|id| name_of(*id, log)).collect();
                let figures = sign.facts.iter().map(|(n, v)| (SmolStr::new(n), v.clone())).collect();
                let because = vec![Because::Figures { method: sign.method.into(), score: sign.score, figures }];
                let dedup = hash(&sign.host) ^ sign.peer.as_deref().map_or(0, hash).rotate_left(9);
                let peer = sign.peer.clone().unwrap_or_default();
                let (attacker, victim) =
                    if sign.on_host() { (peer, sign.host.clone()) } else { (sign.host.clone(), peer) };
                let count = SmolStr::from(sign.count.to_string());
                let mut shown: Vec<(SmolStr, SmolStr)> =
                    vec![("count".into(), count), ("attacker".into(), attacker), ("victim".into(), victim)];
                shown.extend(sign.facts.iter().map(|(n, v)| (SmolStr::from(format!("fact.{n}")), v.clone())));
                self.fire(
                    rule,
                    o.time,
                    dedup,
                    Fired { seen: &seen, target: sign.peer.clone(), shown: &shown, because, events },
                );
            }
        }
    }
}

/// Whom a hit is about; put together once something is said.
enum Who<'n> {
    Own(&'n Seen),
    Alike(&'n Alike, Option<Box<Seen>>),
}

impl Who<'_> {
    fn event_id(&self) -> SmolStr {
        match self {
            Self::Own(seen) => seen.event_id.clone(),
            Self::Alike(alike, _) => alike.event_id(),
        }
    }

    fn seen(&mut self) -> &Seen {
        match self {
            Self::Own(seen) => seen,
            Self::Alike(alike, seen) => seen.get_or_insert_with(|| Box::new(alike.seen())),
        }
    }
}

/// What is new of what a detection asks for, where that makes it fire.
fn gated(gate: &HabitGate, novelty: &Novelty) -> Option<Novelty> {
    if !novelty.mature && !gate.cold_fires {
        return None;
    }
    let is_new = |d: &Dim| novelty.new.contains(d);
    let fires = gate.new.iter().all(is_new) && (gate.any.is_empty() || gate.any.iter().any(is_new));
    if !fires {
        return None;
    }
    let asked = |d: &Dim| gate.new.contains(d) || gate.any.contains(d);
    let mut told = Novelty { new: Vec::new(), usual: Vec::new(), others: Vec::new(), ..novelty.clone() };
    for ((dim, usual), others) in
        novelty.new.iter().zip(&novelty.usual).zip(&novelty.others).filter(|((d, _), _)| asked(d))
    {
        told.new.push(*dim);
        told.usual.push(*usual);
        told.others.push(*others);
    }
    Some(told)
}
