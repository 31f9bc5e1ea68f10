//! Brings records into the order of time, and the two halves together.
//!
//! Files are read by the day that their names tell, the days in order; what a day's files hold of the day before (deliveries after
//! midnight) still comes in its place. Files whose names tell nothing are read first and kept until their time comes. A record that
//! comes after its time was closed is taken all the same, counted as late: rules see it, counts and habits see it out of order.
//! Where a run goes on from another, what was taken of the last day is known by its identity: a file that changed or broke may be read
//! again.

use crate::engine::Engine;
use crate::event::Event;
use crate::intel::Lists;
use crate::observe::{Observed, Observer, Rules};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::Envelope;
use yagura_logs::input::Input;
use yagura_logs::record::Record;

/// What else looks at each record, where it is decoded: on any thread, in any order, and at a record delivered twice both times.
pub trait Bystander: Sync {
    /// Looks at a record that has a time within the asked ones.
    fn see(&self, event: &Event<'_, '_>);
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Records that rules looked at.
    pub records: u64,
    /// Records that came twice.
    pub duplicate: u64,
    /// Records that came after their time was closed.
    pub late: u64,
    /// Records without a time: no rule looked at them.
    pub timeless: u64,
    /// Records out of the asked time.
    pub outside: u64,
    /// What could not be read: file and reason, at most [`NAMED`] of them.
    #[serde(skip)]
    pub aside: Vec<(String, String)>,
    /// How much could not be read.
    pub unread: u64,
    /// Inputs that could not be read to their ends, by name: another try may give more.
    #[serde(skip)]
    pub unfinished: BTreeSet<String>,
}

/// How far clocks may be ahead: a day.
const FUTURE: i64 = 86_400_000;
/// How many things that cannot be read are named.
pub const NAMED: usize = 1000;

/// Takes a file's records.
pub struct Looking<'o, 's> {
    observer: &'s mut Observer<'o>,
    name: &'s str,
    span: (i64, i64),
    beside: Option<&'s dyn Bystander>,
    /// How many records, and how many things that cannot be read, were taken before and are passed over.
    passed: (u64, u64),
    /// What came of them.
    pub found: Vec<Observed>,
    /// How many, and what not.
    pub counts: Counts,
}

impl<'o, 's> Looking<'o, 's> {
    /// For a file of this name; records out of `span` (ms, the end not included) are left out.
    pub fn new(observer: &'s mut Observer<'o>, name: &'s str, span: (i64, i64)) -> Self {
        Self { observer, name, span, beside: None, passed: (0, 0), found: Vec::new(), counts: Counts::default() }
    }

    /// Without the first of them, and of what cannot be read: they were taken when the file was shorter.
    pub fn behind(mut self, passed: (u64, u64)) -> Self {
        self.passed = passed;
        self
    }

    /// With someone who looks at the records too.
    pub fn beside(mut self, beside: Option<&'s dyn Bystander>) -> Self {
        self.beside = beside;
        self
    }
}

impl Sink for Looking<'_, '_> {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        if self.passed.0 > 0 {
            self.passed.0 -= 1;
            return;
        }
        self.counts.records += 1;
        match envelope.time {
            None => self.counts.timeless += 1,
            Some(t) if t < self.span.0 || t >= self.span.1 => self.counts.outside += 1,
            Some(_) => {
                if let Some(beside) = self.beside {
                    beside.see(&Event { text, record: &record, envelope: &envelope });
                }
                self.found.extend(self.observer.look(text, &record, &envelope));
            }
        }
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        if self.passed.1 > 0 {
            self.passed.1 -= 1;
            return;
        }
        self.counts.unread += 1;
        if self.counts.aside.len() < NAMED {
            self.counts.aside.push((self.name.to_owned(), why));
        }
    }

    fn cut(&mut self) {
        self.counts.unfinished.insert(self.name.to_owned());
    }
}

/// Counts what the first lines of a file hold.
#[derive(Default)]
struct Tally(u64, u64);

impl Sink for Tally {
    fn record(&mut self, _: &str, _: Record<'_>, _: Envelope<'_>) {
        self.0 += 1;
    }

    fn aside(&mut self, _: String, _: &[u8]) {
        self.1 += 1;
    }
}

impl Counts {
    /// Adds a file's.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.duplicate += other.duplicate;
        self.late += other.late;
        self.timeless += other.timeless;
        self.outside += other.outside;
        self.unread += other.unread;
        self.unfinished.extend(other.unfinished);
        self.aside.extend(other.aside);
        self.aside.truncate(NAMED);
    }
}

/// Records that wait for their time.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    held: Vec<Observed>,
    closed: Option<i64>,
    /// The detections that the numbers of held records' hits mean.
    #[serde(default)]
    rules: Vec<SmolStr>,
    /// What was taken of late, where a run goes on from another.
    #[serde(default)]
    recent: Option<Recent>,
}

/// For how long before the closed time records are known by their identity: a day.
const KNOWN: i64 = 24 * HOUR;
const HOUR: i64 = 3_600_000;
/// How many are known; the oldest hours go first.
const MOST_KNOWN: usize = 1_000_000;

/// Identities of records that were taken, by the hour of their time. Sixty-four bits of each: that one of a million others has the same
/// is one chance in 10^13.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Recent {
    hours: BTreeMap<i64, BTreeSet<u64>>,
}

impl Recent {
    /// Notes a record; answers whether it is new.
    fn note(&mut self, o: &Observed) -> bool {
        let half = (o.id ^ (o.id >> 64)) as u64;
        self.hours.entry(o.time.div_euclid(HOUR)).or_default().insert(half)
    }

    fn forget(&mut self, closed: i64) {
        self.hours.retain(|hour, _| *hour >= closed.saturating_sub(KNOWN).div_euclid(HOUR));
        while self.hours.values().map(BTreeSet::len).sum::<usize>() > MOST_KNOWN && self.hours.pop_first().is_some() {}
    }
}

impl Waiting {
    /// Held records speak of detections by number. After a restart with other rules the numbers mean others: each becomes that of the
    /// same detection. Answers how many hits were of detections that are no more; those are forgotten.
    pub fn renumber(&mut self, rules: &Rules) -> u64 {
        let ids = || rules.detections.iter().map(|d| &d.id);
        if ids().eq(self.rules.iter()) {
            return 0;
        }
        let now: HashMap<&SmolStr, u32> = ids().zip(0..).collect();
        let mut lost = 0;
        for notes in self.held.iter_mut().filter_map(|o| o.notes.as_mut()) {
            notes.hits.retain_mut(|hit| match self.rules.get(hit.rule as usize).and_then(|id| now.get(id)) {
                Some(n) => {
                    hit.rule = *n;
                    // Numbers of correlations mean others too.
                    lost += hit.correlated.len() as u64;
                    hit.correlated.clear();
                    true
                }
                None => {
                    lost += 1;
                    false
                }
            });
        }
        self.rules = ids().cloned().collect();
        lost
    }

    /// Holds records.
    pub fn push(&mut self, records: Vec<Observed>) {
        if self.held.is_empty() {
            self.held = records;
        } else {
            self.held.extend(records);
        }
    }

    /// Gives everything before a time to the engine, in order.
    pub fn release(&mut self, before: i64, engine: &mut Engine<'_>, counts: &mut Counts) {
        let is_ready = |o: &Observed| o.time < before || before == i64::MAX;
        // Records are large: they stay where they are.
        let mut ready: Vec<(i64, &Observed)> = self.held.iter().filter(|o| is_ready(o)).map(|o| (o.time, o)).collect();
        ready.sort_unstable_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.id.cmp(&other.id)));
        for (_, o) in ready {
            if self.recent.as_mut().is_some_and(|r| !r.note(o)) {
                counts.duplicate += 1;
                continue;
            }
            counts.late += u64::from(self.closed.is_some_and(|c| o.time < c));
            counts.duplicate += u64::from(!engine.take(o));
        }
        self.held.retain(|o| !is_ready(o));
        let closed = self.closed.map_or(before, |c| c.max(before));
        self.closed = Some(closed);
        if let Some(recent) = &mut self.recent {
            recent.forget(closed);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The latest time held, ms.
    pub fn latest(&self) -> Option<i64> {
        self.held.iter().map(|o| o.time).max()
    }
}

/// Opens an input.
pub type Open<'o> = &'o (dyn Fn(&Input) -> std::io::Result<Box<dyn Read + Send>> + Sync);

/// What a run is given.
pub struct Batch<'b> {
    /// What to read.
    pub inputs: &'b [Input],
    /// The rules.
    pub rules: &'b Rules,
    /// The threat lists.
    pub lists: Arc<Lists>,
    /// Records from and before these times, ms.
    pub span: (i64, i64),
    /// Threads that decode.
    pub threads: usize,
    /// Counts inputs that are done.
    pub done: &'b AtomicUsize,
}

impl Batch<'_> {
    /// Reads everything and gives it to the engine. `open` opens an input. With `late`, records younger than that (ms, of the latest
    /// record) keep waiting: what comes next may be older.
    pub fn run(&self, engine: &mut Engine<'_>, waiting: &mut Waiting, late: Option<i64>, open: Open<'_>) -> Counts {
        self.read(engine, waiting, late, open, None)
    }

    /// Reads everything and gives it to the engine, with someone who looks at the records too.
    pub fn run_beside(&self, engine: &mut Engine<'_>, open: Open<'_>, beside: &dyn Bystander) -> Counts {
        self.read(engine, &mut Waiting::default(), None, open, Some(beside))
    }

    fn read(
        &self,
        engine: &mut Engine<'_>,
        waiting: &mut Waiting,
        late: Option<i64>,
        open: Open<'_>,
        beside: Option<&dyn Bystander>,
    ) -> Counts {
        let mut days: BTreeMap<Option<&str>, Vec<&Input>> = BTreeMap::new();
        for input in self.inputs {
            days.entry(input.place.day.as_deref()).or_default().push(input);
        }
        let mut counts = Counts::default();
        if late.is_some() {
            waiting.recent.get_or_insert_default();
        }
        let lost = waiting.renumber(self.rules);
        if lost > 0 {
            let why = format!("{lost} matches of records that waited are of rules that are no more");
            counts.unread += lost;
            counts.aside.push((String::new(), why));
        }
        // What observers learn on one day saves work on the next.
        let observers = Mutex::default();
        for (day, inputs) in days {
            let held = std::mem::take(&mut waiting.held);
            waiting.held = self.look(held, &inputs, &observers, open, beside, &mut counts);
            if let Some(start) = day.and_then(start_of) {
                waiting.release(start.saturating_sub(late.unwrap_or(0)), engine, &mut counts);
            }
        }
        match (late, waiting.latest()) {
            (None, _) => waiting.release(i64::MAX, engine, &mut counts),
            (Some(late), Some(latest)) => {
                // A record of the future does not close the time of those of today.
                let today = jiff::Timestamp::now().as_millisecond().saturating_add(FUTURE);
                waiting.release(latest.min(today).saturating_sub(late), engine, &mut counts);
            }
            (Some(_), None) => {}
        }
        counts
    }

    /// Looks at the records of some files, on all threads, and puts what came of them to what is held.
    fn look<'o>(
        &'o self,
        held: Vec<Observed>,
        inputs: &[&Input],
        observers: &Mutex<Vec<Observer<'o>>>,
        open: Open<'_>,
        beside: Option<&dyn Bystander>,
        counts: &mut Counts,
    ) -> Vec<Observed> {
        let next = AtomicUsize::new(0);
        let all: Mutex<(Vec<Observed>, Counts)> = Mutex::new((held, Counts::default()));
        let work = || {
            let spare = observers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut observer = spare.unwrap_or_else(|| Observer::new(self.rules, self.lists.clone()));
            let mut found = Vec::new();
            while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut passed = Tally::default();
                if let Some(head) = input.head() {
                    decode(head, &input.place, &mut passed);
                }
                let looking = Looking::new(&mut observer, &input.name, self.span).behind((passed.0, passed.1));
                let mut looking = looking.beside(beside);
                looking.found = found;
                match open(input) {
                    Ok(stream) => {
                        decode(stream, &input.place, &mut looking);
                    }
                    Err(e) => {
                        looking.aside(format!("it cannot be opened: {e}"), &[]);
                        looking.cut();
                    }
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.0.append(&mut looking.found);
                all.1.add(looking.counts);
                // The room serves the next one.
                found = looking.found;
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
        };
        std::thread::scope(|scope| {
            let threads = self.threads.clamp(1, inputs.len().max(1));
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            work();
            for other in others {
                if other.join().is_err() {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.1.unread += 1;
                    all.1
                        .aside
                        .push((String::new(), "a thread stopped by a fault: not everything was read".to_owned()));
                }
            }
        });
        let (found, read) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        counts.add(read);
        found
    }
}

/// Midnight of a day, ms.
fn start_of(day: &str) -> Option<i64> {
    let day: jiff::civil::Date = day.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}
