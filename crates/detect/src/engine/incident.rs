//! Incidents: each one attack, of whoever stands behind it, as long as it goes on.

use super::Engine;
use crate::observe::Seen;
use crate::sequence::Completed;
use crate::signal::{Incident, StepTaken};
use smol_str::SmolStr;

/// An incident takes up what its entity does within this time of its last record; after a longer silence another one begins.
pub(super) const TOGETHER: i64 = 12 * 3_600_000;
/// What was found of its entity within this time before an incident's first stage belongs to it: an hour.
pub(super) const BEFORE: i64 = 3_600_000;

impl Engine<'_> {
    pub(super) fn complete(&mut self, c: Completed, root: &SmolStr, now: i64) {
        let Some(s) = self.sequences.all.get(c.sequence) else { return };
        let Some(last) = c.marks.iter().map(|m| m.0).max() else { return };
        let first = c.marks.iter().map(|m| m.0).min().unwrap_or(last);
        let known = self.state.open.get(root).or_else(|| self.state.open.get(&c.entity)).copied();
        // By the record at hand, not by the stages: an old attack's stages are still there when the next one begins.
        let open = known.filter(|n| self.state.incidents.get(*n).is_some_and(|i| now - i.last <= TOGETHER));
        // What began an incident that is over does not begin another one with whatever its entity does next.
        let over = known.filter(|_| open.is_none()).and_then(|n| self.state.incidents.get(n));
        if let (Some(over), Some(begun)) = (over, c.marks.first())
            && over.steps.iter().any(|s| s.seen.event_id == begun.3.event_id)
        {
            // What came after it may be a whole attack by itself.
            let until = over.last;
            if let Some(next) = self.state.waiting.after(self.sequences, &c, until) {
                self.complete(next, root, now);
            }
            return;
        }
        let at = open.unwrap_or_else(|| {
            self.state.incidents.push(Incident {
                sequences: Vec::new(),
                entity: c.entity.clone(),
                actors: Vec::new(),
                first,
                last,
                steps: Vec::new(),
                severity: s.severity,
                missing: Vec::new(),
            });
            self.state.incidents.len() - 1
        });
        self.state.open.insert(root.clone(), at);
        self.state.open.insert(c.entity.clone(), at);
        if let Some(i) = self.state.incidents.get_mut(at) {
            if !i.sequences.contains(&s.id) {
                i.sequences.push(s.id.clone());
            }
            i.severity = i.severity.max(s.severity);
            for missing in c.missing {
                if !i.missing.contains(&missing) {
                    i.missing.push(missing);
                }
            }
            for (time, stage, rule, seen) in &c.marks {
                add(i, *time, rule, stage.clone(), seen);
            }
            i.missing.retain(|m| !i.steps.iter().any(|s| s.stage == *m));
        }
        // What was found of the same entity shortly before belongs to it.
        let (makers, signals) = (&self.state.makers, &mut self.state.signals);
        for signal in signals.iter_mut().rev().take_while(|s| first - s.time <= BEFORE) {
            let same = root_of(makers, &signal.seen, signal.time) == *root;
            if same
                && signal.incident.is_none()
                && let Some(i) = self.state.incidents.get_mut(at)
            {
                signal.incident = Some(at);
                add(i, signal.time, &signal.rule, SmolStr::default(), &signal.seen);
            }
        }
    }

    pub(super) fn root(&self, seen: &Seen, time: i64) -> SmolStr {
        root_of(&self.state.makers, seen, time)
    }
}

/// Who stands behind: follows keys to their creators and sessions to who assumed them.
fn root_of(makers: &crate::links::Makers, seen: &Seen, time: i64) -> SmolStr {
    crate::links::root(makers, &seen.access_key, &seen.actor, &seen.source_ip, time)
}

pub(super) fn add(i: &mut Incident, time: i64, rule: &SmolStr, stage: SmolStr, seen: &Seen) {
    // One record has one time: only steps of the same instant can be of it.
    let from = i.steps.partition_point(|s| s.time < time);
    let instant = || i.steps.iter().enumerate().skip(from).take_while(|(_, s)| s.time == time);
    let of_it = |s: &StepTaken| s.seen.event_id == seen.event_id && s.rule == *rule;
    if instant().any(|(_, s)| of_it(s) && (s.stage == stage || stage.is_empty())) {
        return;
    }
    let besides = instant().find(|(_, s)| s.stage.is_empty() && of_it(s)).map(|(n, _)| n);
    i.first = i.first.min(time);
    i.last = i.last.max(time);
    for who in [&seen.actor, &seen.access_key, &seen.source_ip] {
        if !who.is_empty() && !i.actors.contains(who) {
            i.actors.push(who.clone());
        }
    }
    // A step that was taken up as one besides becomes the stage.
    if let Some(n) = besides {
        i.steps.remove(n);
    }
    let at = i.steps.partition_point(|s| s.time <= time);
    i.steps.insert(at, StepTaken { time, rule: rule.clone(), stage, seen: seen.clone() });
}
