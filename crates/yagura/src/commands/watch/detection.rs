//! Detections on the same stream: a thread that takes what was read, and says what it found when that is remembered.

use super::log::{Level, Log};
use super::metrics::Metrics;
use crate::commands::detect::{Ready, Saved, kept, load, once, save, still_late};
use crate::commands::notify::Notifier;
use crate::failure::Failure;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use yagura_detect::tell::Told;
use yagura_logs::input::Input;
use yagura_model::{Lang, Severity};
use yagura_report::told_identity;

/// How often the memory is written, at most.
const EVERY: Duration = Duration::from_secs(1);
/// How often a silent stream is looked at.
const QUIET: Duration = Duration::from_secs(2);

/// What was read, by the number of its delivery.
pub struct Work {
    /// The delivery.
    pub group: u64,
    /// Its inputs.
    pub inputs: Vec<Input>,
}

/// What came of deliveries, once it is remembered.
pub struct Found {
    /// The deliveries.
    pub groups: Vec<u64>,
    /// Signals and incidents.
    pub told: Vec<Told>,
}

/// Looks for threats.
pub struct Detection {
    ready: Ready,
    saved: Saved,
    late: i64,
    least: Option<Severity>,
    file: PathBuf,
    metrics: Arc<Metrics>,
    log: Log,
    /// Takes what is found before it counts as told, so that nothing is lost where the process ends in between.
    notifier: Option<Notifier>,
}

impl Detection {
    /// Goes on from what a file remembers.
    ///
    /// # Errors
    /// It is there and cannot be understood.
    pub fn open(
        mut ready: Ready,
        file: &Path,
        late: i64,
        least: Option<Severity>,
        metrics: Arc<Metrics>,
        log: Log,
        notifier: Option<Notifier>,
    ) -> Result<Self, Failure> {
        let saved: Saved = load(file)?.unwrap_or_default();
        ready.patient = true;
        if !saved.accounts.is_empty() {
            Arc::make_mut(&mut ready.lists).own(saved.accounts.iter().cloned());
        }
        Ok(Self { ready, saved, late, least, file: file.to_owned(), metrics, log, notifier })
    }

    /// Works until nobody sends any more.
    pub fn run(mut self, work: &Receiver<Work>, out: &Sender<Found>) {
        let (mut groups, mut told): (Vec<u64>, Vec<(Told, Option<Told>)>) = Default::default();
        let mut last = Instant::now();
        let mut pause = EVERY;
        // Since when nothing came, and what of it was waited for.
        let (mut idle, mut quiet) = (Instant::now(), Instant::now());
        loop {
            let over = match work.recv_timeout(Duration::from_millis(100)) {
                Ok(first) => {
                    let mut batch = vec![first];
                    batch.extend(work.try_iter().take(63));
                    let inputs: Vec<Input> = batch.iter_mut().flat_map(|w| std::mem::take(&mut w.inputs)).collect();
                    groups.extend(batch.iter().map(|w| w.group));
                    told.extend(self.look(&inputs, self.late));
                    idle = Instant::now();
                    false
                }
                Err(RecvTimeoutError::Timeout) => {
                    if !self.saved.waiting.is_empty() && quiet.elapsed() >= QUIET {
                        quiet = Instant::now();
                        told.extend(self.look(&[], still_late(self.late, idle)));
                    }
                    false
                }
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if (!groups.is_empty() || !told.is_empty()) && (over || last.elapsed() >= pause) {
                let begun = Instant::now();
                match self.put(&told).and_then(|()| save(&self.file, &self.saved)) {
                    Ok(()) => {
                        let told = std::mem::take(&mut told).into_iter().map(|(one, _)| one).collect();
                        let found = Found { groups: std::mem::take(&mut groups), told };
                        if out.send(found).is_err() {
                            return;
                        }
                    }
                    Err(e) => self.failed(&e),
                }
                last = Instant::now();
                // Remembering must not be all that is done.
                pause = EVERY.max(begun.elapsed() * 10);
            }
            if over {
                return;
            }
        }
    }

    fn put(&mut self, told: &[(Told, Option<Told>)]) -> Result<(), Failure> {
        match &mut self.notifier {
            Some(notifier) if !told.is_empty() => notifier.put(told).map(drop),
            _ => Ok(()),
        }
    }

    fn look(&mut self, inputs: &[Input], late: i64) -> Vec<(Told, Option<Told>)> {
        let own: Vec<_> =
            inputs.iter().filter_map(|i| i.place.account.as_deref()).map(smol_str::SmolStr::new).collect();
        if own.iter().any(|a| !self.ready.lists.owns(a)) {
            Arc::make_mut(&mut self.ready.lists).own(own);
            self.saved.accounts.extend(self.ready.lists.accounts().cloned());
        }
        let languages = (self.log.lang(), self.notifier.is_some());
        let mut done = once(&self.ready, inputs, &mut self.saved, Some(late), languages);
        // How far the sources are is remembered elsewhere.
        self.saved.read.clear();
        self.saved.broken.clear();
        let (found, _) = kept(done.found, &self.ready.exceptions, self.least);
        for told in &found {
            self.metrics.count("yagura_threats_total", &[("severity", told.severity.name())]);
        }
        found.into_iter().map(|t| (done.other.remove(&told_identity(&t)), t)).map(|(other, t)| (t, other)).collect()
    }

    fn failed(&self, e: &Failure) {
        self.metrics.count("yagura_errors_total", &[("kind", "detect")]);
        self.log.say(Level::Error, e.said(Lang::En), e.said(Lang::Ja), json!({}));
    }
}
