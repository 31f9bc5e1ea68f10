//! Reads logs and holds every CloudTrail record against the guardrails.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::Envelope;
use yagura_logs::input::Input;
use yagura_logs::record::Record;
use yagura_logs::rows::id_of;
use yagura_policy::rehearse::tally::Tally;
use yagura_policy::rehearse::{Guardrail, Stage, Told, Verdict};

/// How many things that cannot be read are named.
const NAMED: usize = 100;

/// What a replay is given.
pub struct Replay<'a> {
    pub stage: &'a Stage<'a>,
    pub guardrail: &'a Guardrail,
    pub against: Option<&'a Guardrail>,
    /// Records from and before these times, ms.
    pub span: (i64, i64),
}

/// What was read.
#[derive(Default)]
pub struct Read {
    pub tally: Tally,
    /// Records of other logs than CloudTrail's, by table.
    pub other: BTreeMap<String, u64>,
    /// Records out of the asked time.
    pub outside: u64,
    /// Records without a time, where a time was asked for.
    pub timeless: u64,
    /// What could not be read: file and reason, the first of them.
    pub aside: Vec<(String, String)>,
    /// How much could not be read.
    pub unread: u64,
    pub took: Duration,
}

impl Replay<'_> {
    /// Reads all inputs, a few at a time.
    pub fn run(&self, inputs: &[Input], threads: usize, handle: &Handle) -> Read {
        let begun = Instant::now();
        let (next, shared) = (AtomicUsize::new(0), Mutex::new(Read::default()));
        let work = || {
            while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut sink = Looking { replay: self, read: &shared, name: &input.name };
                match input.open(handle) {
                    Ok(stream) => drop(decode(stream, &input.place, &mut sink)),
                    Err(e) => sink.aside(e.to_string(), &[]),
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, inputs.len().max(1)) {
                scope.spawn(work);
            }
        });
        let mut read = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        read.aside.sort();
        read.took = begun.elapsed();
        read
    }
}

struct Looking<'l> {
    replay: &'l Replay<'l>,
    read: &'l Mutex<Read>,
    name: &'l str,
}

impl Looking<'_> {
    fn read(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, value: &Value, text: &str, record: &Record<'_>) {
        let Replay { stage, guardrail, against, .. } = self.replay;
        let Some(call) = stage.call(value) else { return self.read().tally.no_call() };
        let told = stage.rehearse(guardrail, &call);
        let other = against.map(|g| stage.rehearse(g, &call));
        let plain = |told: &Told| match told {
            Told::Untouched(_) => true,
            Told::Judged(judged) => judged.verdict == Verdict::Allowed,
        };
        // Identities are needed only where a call is told of.
        let id = if plain(&told) && other.as_ref().is_none_or(plain) { 0 } else { id_of(text, record) };
        let tally = &mut self.read().tally;
        match other {
            Some(other) => tally.compare(&call, told, other, id),
            None => tally.add(&call, told, id),
        }
    }
}

impl Sink for Looking<'_> {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        let table = record.table.name();
        if table != "cloudtrail_logs" {
            *self.read().other.entry(table.to_owned()).or_default() += 1;
            return;
        }
        let (since, until) = self.replay.span;
        match envelope.time {
            Some(t) if t < since || t >= until => return self.read().outside += 1,
            None if (since, until) != (i64::MIN, i64::MAX) => return self.read().timeless += 1,
            _ => {}
        }
        match serde_json::from_str(text) {
            Ok(value) => self.judge(&value, text, &record),
            Err(e) => self.aside(e.to_string(), &[]),
        }
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        let mut read = self.read();
        read.unread += 1;
        if read.aside.len() < NAMED {
            read.aside.push((self.name.to_owned(), why));
        }
    }
}
