//! From what fired to what is said: sequences learn of it, and each thing is said once per quiet time.

use super::Engine;
use super::incident::{TOGETHER, add};
use super::state::Quiet;
use crate::detection::Detection;
use crate::hash::{Hash, hash};
use crate::observe::Seen;
use crate::signal::{Because, Signal};
use smol_str::SmolStr;
use std::borrow::Cow;

/// What is found again and again is said at intervals that double up to 32 times the first; after a calm of that length it is news.
const DOUBLINGS: u32 = 5;

pub(super) struct Fired<'f> {
    pub(super) seen: &'f Seen,
    pub(super) target: Option<SmolStr>,
    pub(super) shown: &'f [(SmolStr, SmolStr)],
    pub(super) because: Vec<Because>,
    pub(super) events: Vec<SmolStr>,
}

/// What a detection finds of the same things has the same key.
pub(super) fn key_of(d: &Detection, dedup: Hash) -> Hash {
    hash(&d.id) ^ dedup.rotate_left(11)
}

impl Engine<'_> {
    /// A rule fired: sequences learn of it, and it is said, unless it was said lately.
    pub(super) fn fire(&mut self, rule: u32, time: i64, dedup: Hash, fired: Fired<'_>) {
        let Some(d) = self.rules.get(rule) else { return };
        if d.silent && !self.sequences.ask_for(&d.id) {
            return;
        }
        let mut seen = Cow::Borrowed(fired.seen);
        if let Some(target) = fired.target {
            seen.to_mut().target = target;
        }
        if seen.shown != fired.shown {
            seen.to_mut().shown = fired.shown.to_vec();
        }
        let signal = if d.silent {
            None
        } else {
            Some(self.say(d, time, dedup, &seen, fired.shown, fired.because, fired.events))
        };
        let root = self.root(&seen, time);
        if let Some(&incident) = self.state.open.get(&root)
            && let Some(i) = self.state.incidents.get_mut(incident)
            && time - i.last <= TOGETHER
            && signal.is_some()
        {
            add(i, time, &d.id, SmolStr::default(), &seen);
            if let Some(s) = signal.and_then(|s| self.state.signals.get_mut(s)) {
                s.incident = s.incident.or(Some(incident));
            }
        }
        let done = self.state.waiting.take(self.sequences, &d.id, time, &seen, &root);
        for completed in done {
            self.complete(completed, &root, time);
        }
    }

    /// The signal that what is found now belongs to: the same was said lately.
    pub(super) fn said(&self, key: Hash, time: i64) -> Option<usize> {
        let q = self.state.quiet.get(&key).filter(|q| time < q.until)?;
        let signal = self.state.signals.get(q.signal)?;
        // What belongs to an incident that is over is no part of what comes later.
        let incident = signal.incident.and_then(|n| self.state.incidents.get(n));
        let over = incident.is_some_and(|i| time - i.last > TOGETHER);
        (!over).then_some(q.signal)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one signal")]
    fn say(
        &mut self,
        d: &Detection,
        time: i64,
        dedup: Hash,
        seen: &Seen,
        shown: &[(SmolStr, SmolStr)],
        mut because: Vec<Because>,
        events: Vec<SmolStr>,
    ) -> usize {
        let key = key_of(d, dedup);
        if let Some(at) = self.said(key, time)
            && let Some(s) = self.state.signals.get_mut(at)
        {
            for event in &events {
                s.grow_by_others(time, event);
            }
            return at;
        }
        let before = self.state.quiet.get(&key).filter(|q| !q.is_past(time));
        let times = before.map_or(0, |q| q.times).saturating_add(1);
        let calm = d.dedup.quiet.saturating_mul(1 << DOUBLINGS);
        let quiet = d.dedup.quiet.saturating_mul(1 << (times - 1).min(DOUBLINGS));
        if times > 1 {
            because.push(Because::Recurring { times, quiet });
        }
        let at = self.state.signals.len();
        self.state.quiet.insert(key, Quiet { until: time.saturating_add(quiet), times, signal: at, calm });
        let mut signal = Signal {
            rule: d.id.clone(),
            time,
            last: time,
            seen: seen.clone(),
            shown: shown.to_vec(),
            because,
            count: 0,
            events: Vec::new(),
            severity: d.severity,
            confidence: d.confidence,
            incident: None,
        };
        for event in &events {
            signal.grow(time, event);
        }
        self.state.signals.push(signal);
        at
    }
}
