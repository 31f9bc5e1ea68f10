//! The moments that tell the story: changes, refusals, what was done to the subject, findings. What repeats is one moment.

use super::collect::{Burst, Kept, Moment, SLOT};
use super::dossier::{Noted, NotedKind};
use crate::tell::{Told, iso};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Records of one API by one actor so close to each other are one moment.
const TOGETHER: i64 = SLOT;

/// A moment that may go on: its place, its last record, its targets so far.
struct Open {
    at: usize,
    last: i64,
    targets: Vec<SmolStr>,
}

/// Everything in order.
pub(super) fn timeline(kept: &Kept, findings: &[Told]) -> Vec<Noted> {
    let mut all = Vec::new();
    collapse(kept.writes.iter().map(|((t, _), m)| (*t, m)), NotedKind::Write, &mut all);
    collapse(kept.done_to.iter().map(|((t, _), m)| (*t, m)), NotedKind::DoneTo, &mut all);
    all.extend(kept.refusals.iter().map(|((_, api), b)| refused(api, b)));
    all.extend(findings.iter().map(|t| Noted {
        time: t.time.clone(),
        last: t.last.clone(),
        kind: NotedKind::Finding,
        what: t.title.clone(),
        severity: Some(t.severity),
        count: t.count,
        failed: false,
        actor: t.about.actor.clone(),
        source_ip: t.about.source_ip.clone(),
        target: t.about.target.clone(),
        targets: u64::from(!t.about.target.is_empty()),
        error: SmolStr::default(),
        event: t.events.first().cloned().unwrap_or_default(),
    }));
    let millis = |n: &Noted| n.time.parse::<jiff::Timestamp>().map_or(0, |t| t.as_millisecond());
    all.sort_by_cached_key(|n| (millis(n), n.kind, n.what.clone()));
    all
}

/// Moments of one API by one actor that follow each other closely become one.
fn collapse<'m>(moments: impl Iterator<Item = (i64, &'m Moment)>, kind: NotedKind, all: &mut Vec<Noted>) {
    let mut open: BTreeMap<(SmolStr, SmolStr, bool), Open> = BTreeMap::new();
    for (time, m) in moments {
        let key = (m.api.clone(), m.seen.actor.clone(), m.failed || m.denied);
        if let Some(Open { at, last, targets }) = open.get_mut(&key)
            && time - *last <= TOGETHER
            && let Some(noted) = all.get_mut(*at)
        {
            noted.count += 1;
            noted.last = iso(time);
            *last = time;
            // A handful of targets are told apart; beyond that each counts.
            if !m.seen.target.is_empty() && !targets.contains(&m.seen.target) {
                noted.targets += 1;
                if targets.len() < 100 {
                    targets.push(m.seen.target.clone());
                }
            }
            continue;
        }
        open.insert(key, Open { at: all.len(), last: time, targets: vec![m.seen.target.clone()] });
        all.push(Noted {
            time: iso(time),
            last: iso(time),
            kind,
            what: m.api.to_string(),
            severity: None,
            count: 1,
            failed: m.failed || m.denied,
            actor: m.seen.actor.clone(),
            source_ip: m.seen.source_ip.clone(),
            target: m.seen.target.clone(),
            targets: u64::from(!m.seen.target.is_empty()),
            error: m.seen.error.clone(),
            event: m.seen.event_id.clone(),
        });
    }
}

fn refused(api: &SmolStr, b: &Burst) -> Noted {
    Noted {
        time: iso(b.first),
        last: iso(b.last),
        kind: NotedKind::Denied,
        what: api.to_string(),
        severity: None,
        count: b.count,
        failed: true,
        actor: b.seen.actor.clone(),
        source_ip: b.seen.source_ip.clone(),
        target: b.seen.target.clone(),
        targets: u64::from(!b.seen.target.is_empty()),
        error: b.seen.error.clone(),
        event: b.seen.event_id.clone(),
    }
}
