//! From inputs into the lake: files are shared out to threads; each decodes, keeps rows by partition, drops what the lake has already,
//! writes parts and commits them together with the names of the files that it read to their ends.

use crate::decode::{Sink, decode};
use crate::envelope::Envelope;
use crate::input::Input;
use crate::lake::{Commit, Known, Lake, LakeError, Part, ROW_GROUP, Taken, describe, new_name, write_part};
use crate::place::{is_account, is_region};
use crate::record::Record;
use crate::rows::{Rows, id_of};
use crate::table::{Table, table};
use arrow_array::BooleanArray;
use object_store::{ObjectStoreExt, PutPayload};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Counts of records: `in` = `stored` + `duplicate` + `aside`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records found.
    #[serde(rename = "in")]
    pub found: u64,
    /// Records that are new to the lake.
    pub stored: u64,
    /// Records that the lake has already.
    pub duplicate: u64,
    /// What cannot be read.
    pub aside: u64,
}

/// What a file came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub path: String,
    /// Its format; none where it held no record.
    pub format: Option<&'static str>,
    /// Its records.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Something that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
    /// How it begins.
    #[serde(skip)]
    pub text: String,
}

/// What ingestion came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All records.
    pub records: Counts,
    /// Every file, in the order of the inputs.
    pub files: Vec<FileReport>,
    /// What was put aside, in the order of the files.
    pub aside: Vec<Aside>,
}

/// How far it is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Inputs that are done.
    pub inputs: AtomicUsize,
    /// Records so far.
    pub records: AtomicUsize,
    /// Set to end after the files at hand.
    pub stop: AtomicBool,
}

/// At most this many things put aside are named of one file; the rest is counted.
const NAMED: usize = 1_000;
/// How much of each is kept, in bytes.
const SHOWN: usize = 4 << 10;
/// Records' bytes that a thread holds before it writes parts.
const HELD: usize = 40 << 20;
/// A thread commits when it has written so much.
const COMMIT_AFTER: usize = 1 << 30;

/// How to ingest.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that decode.
    pub threads: usize,
    /// What a thread has read counts after so long, at the end of the file at hand.
    pub commit_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self { threads, commit_every: Duration::from_secs(20) }
    }
}

/// Brings inputs into the lake. What the manifest knows as read before is not read again: its records count as
/// duplicates.
///
/// # Errors
/// Where the lake cannot be written; what was committed before stays.
pub fn ingest(
    lake: Lake,
    inputs: &[Input],
    options: Options,
    handle: &Handle,
    progress: &Progress,
) -> Result<(Lake, Report), LakeError> {
    let known = Known::of(&lake);
    let shared = Shared {
        lake: tokio::sync::Mutex::new(lake),
        known,
        handle: handle.clone(),
        options,
        progress,
        next: AtomicUsize::new(0),
        done: Mutex::default(),
    };
    let results: Vec<Result<(), LakeError>> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..options.threads.max(1)).map(|_| scope.spawn(|| Worker::new(&shared).run(inputs))).collect();
        workers
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread stopped by a fault").into())))
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut done = shared.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|d| d.0);
    let mut report = Report::default();
    for (_, file, aside) in done {
        let (all, one) = (&mut report.records, file.counts);
        all.found += one.found;
        all.stored += one.stored;
        all.duplicate += one.duplicate;
        all.aside += one.aside;
        report.files.push(file);
        report.aside.extend(aside);
    }
    Ok((shared.lake.into_inner(), report))
}

struct Shared<'s> {
    lake: tokio::sync::Mutex<Lake>,
    known: Known,
    handle: Handle,
    options: Options,
    progress: &'s Progress,
    next: AtomicUsize,
    done: Mutex<Vec<(usize, FileReport, Vec<Aside>)>>,
}

/// A file whose records are partly still in memory.
struct Open {
    input: usize,
    report: FileReport,
    aside: Vec<Aside>,
    taken: Taken,
}

struct Worker<'s> {
    shared: &'s Shared<'s>,
    parts: HashMap<Part, usize>,
    rows: Vec<(Part, Rows)>,
    /// The day and part of the record before, which are mostly those of the next.
    last: Option<(i64, usize)>,
    held: usize,
    files: Vec<Open>,
    commit: Commit,
    written: usize,
    since: Instant,
    fault: Option<LakeError>,
}

impl<'s> Worker<'s> {
    fn new(shared: &'s Shared<'s>) -> Self {
        Self {
            shared,
            parts: HashMap::new(),
            rows: Vec::new(),
            last: None,
            held: 0,
            files: Vec::new(),
            commit: Commit::new("ingest"),
            written: 0,
            since: Instant::now(),
            fault: None,
        }
    }

    fn run(mut self, inputs: &[Input]) -> Result<(), LakeError> {
        loop {
            let n = self.shared.next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(n).filter(|_| !self.shared.progress.stop.load(Ordering::Relaxed)) else {
                return self.commit();
            };
            self.input(n, input)?;
            self.shared.progress.inputs.fetch_add(1, Ordering::Relaxed);
            if self.written > COMMIT_AFTER || self.since.elapsed() >= self.shared.options.commit_every {
                self.commit()?;
            }
        }
    }

    fn input(&mut self, n: usize, input: &Input) -> Result<(), LakeError> {
        let key = input.source().key();
        let before = self.shared.handle.block_on(self.shared.lake.lock()).taken(&input.source());
        let report = FileReport { path: input.name.clone(), format: None, counts: Counts::default() };
        let mut open = Open { input: n, report, aside: Vec::new(), taken: Taken { key, records: 0, format: None } };
        if let Some(taken) = before {
            open.report.format =
                taken.format.and_then(|f| crate::table::tables().get(usize::from(f))).map(|t| t.source.name);
            open.report.counts = Counts { found: taken.records, duplicate: taken.records, ..Counts::default() };
            let mut done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((n, open.report, Vec::new()));
            return Ok(());
        }
        self.files.push(open);
        let format = match input.open(&self.shared.handle) {
            Ok(stream) => decode(stream, &input.place, self),
            Err(e) => {
                self.aside(format!("the file cannot be opened: {e}"), &[]);
                None
            }
        };
        if let Some(open) = self.files.last_mut() {
            open.report.format = format;
            let place = crate::table::tables().iter().position(|t| Some(t.source.name) == format);
            open.taken.format = place.and_then(|p| u16::try_from(p).ok());
            open.taken.records = open.report.counts.found - open.report.counts.aside;
        }
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Writes everything held, and makes it count.
    fn commit(&mut self) -> Result<(), LakeError> {
        while !self.rows.is_empty() {
            self.write(self.rows.len() - 1)?;
        }
        let mut commit = std::mem::replace(&mut self.commit, Commit::new("ingest"));
        // A file with something aside is read again next time, so that what is wrong with it is said again.
        let whole = self.files.iter().filter(|f| f.report.counts.aside == 0 && f.report.path != "-");
        commit.sources = whole.map(|f| f.taken).collect();
        self.keep_aside()?;
        if !commit.is_empty() {
            let shared = self.shared;
            shared.handle.block_on(async { shared.lake.lock().await.commit(commit).await })?;
        }
        let mut done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.extend(self.files.drain(..).map(|f| (f.input, f.report, f.aside)));
        self.written = 0;
        self.since = Instant::now();
        Ok(())
    }

    /// Where a record's rows are.
    fn place(&mut self, table: &'static Table, envelope: &Envelope<'_>) -> usize {
        let day = envelope.time.map_or(i64::MIN, |t| t.div_euclid(86_400_000));
        if let Some((last_day, place)) = self.last
            && last_day == day
            && let Some((part, _)) = self.rows.get(place)
            && part.table == table.name()
            && envelope.account.as_deref() == Some(&part.account)
            && envelope.region.as_deref() == Some(&part.region)
        {
            return place;
        }
        let part = part_of(table, envelope);
        let place = match self.parts.get(&part) {
            Some(place) => *place,
            None => {
                self.parts.insert(part.clone(), self.rows.len());
                self.rows.push((part, Rows::new(table)));
                self.rows.len() - 1
            }
        };
        self.last = Some((day, place));
        place
    }

    /// Keeps what could not be read, with the reasons, one file for each source.
    fn keep_aside(&self) -> Result<(), LakeError> {
        for file in self.files.iter().filter(|f| !f.aside.is_empty()) {
            let mut lines = Vec::new();
            for aside in &file.aside {
                let line = serde_json::json!({"path": aside.path, "reason": aside.reason, "text": aside.text});
                lines.extend_from_slice(line.to_string().as_bytes());
                lines.push(b'\n');
            }
            let handle = &self.shared.handle;
            let lake = handle.block_on(self.shared.lake.lock());
            let (place, store) = (lake.aside_of(file.taken.key), lake.store().clone());
            drop(lake);
            handle.block_on(store.put(&place, PutPayload::from(lines)))?;
        }
        Ok(())
    }

    /// Writes the largest parts: one that is full, or so many that half of the room is free again.
    fn make_room(&mut self, one: bool) -> Result<(), LakeError> {
        while let Some(largest) = (0..).zip(&self.rows).max_by_key(|(_, (_, r))| r.bytes).map(|(n, _)| n) {
            self.write(largest)?;
            if one || self.held < HELD / 2 {
                break;
            }
        }
        Ok(())
    }

    /// Writes a part's rows to staging, without those that the lake has.
    fn write(&mut self, place: usize) -> Result<(), LakeError> {
        let (part, rows) = self.rows.swap_remove(place);
        self.last = None;
        self.parts.remove(&part);
        if let Some((moved, _)) = self.rows.get(place) {
            self.parts.insert(moved.clone(), place);
        }
        let Some(table) = table(part.table) else { return Ok(()) };
        self.held -= rows.bytes.min(self.held);
        self.written += rows.bytes;
        let raw = rows.bytes as u64;
        let name = new_name();
        let failed = |e: arrow_schema::ArrowError| LakeError::Parquet(name.clone(), e.into());
        let batch = rows.finish().map_err(failed)?;
        let (staged, list) = {
            let lake = self.shared.handle.block_on(self.shared.lake.lock());
            (lake.staged(&name), lake.ids_of(&name))
        };
        let handle = &self.shared.handle;
        let new = handle.block_on(self.shared.known.admit(&part.folder(), &batch.ids, &list))?;
        for (file, new) in batch.files.iter().zip(&new) {
            if let Some(open) = self.files.get_mut(*file as usize) {
                let counts = &mut open.report.counts;
                *(if *new { &mut counts.stored } else { &mut counts.duplicate }) += 1;
            }
        }
        let kept = new.iter().filter(|n| **n).count();
        if kept == 0 {
            return Ok(());
        }
        let total = new.len() as u64;
        let rows = if kept == new.len() {
            batch.rows
        } else {
            arrow_select::filter::filter_record_batch(&batch.rows, &BooleanArray::from(new)).map_err(failed)?
        };
        let bytes = write_part(table, &rows, &name)?;
        self.commit.add.push(describe(&part, &name, &rows, &bytes, raw * kept as u64 / total.max(1))?);
        let lake_store = self.shared.handle.block_on(self.shared.lake.lock()).store().clone();
        self.shared.handle.block_on(lake_store.put(&staged, PutPayload::from(bytes)))?;
        Ok(())
    }
}

impl Sink for Worker<'_> {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        if self.fault.is_some() {
            return;
        }
        let Some(open) = self.files.last_mut() else { return };
        open.report.counts.found += 1;
        self.shared.progress.records.fetch_add(1, Ordering::Relaxed);
        let id = id_of(text, &record);
        let file = u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX);
        let place = self.place(record.table, &envelope);
        let Some((_, rows)) = self.rows.get_mut(place) else { return };
        rows.push(id, file, text.len(), &record, &envelope);
        self.held += text.len();
        let full = rows.len() >= ROW_GROUP;
        if (full || self.held > HELD)
            && let Err(e) = self.make_room(full)
        {
            self.fault = Some(e);
        }
    }

    fn aside(&mut self, why: String, head: &[u8]) {
        let Some(open) = self.files.last_mut() else { return };
        open.report.counts.found += 1;
        open.report.counts.aside += 1;
        if open.aside.len() < NAMED {
            let head = head.get(..head.len().min(SHOWN)).unwrap_or_default();
            let text = String::from_utf8_lossy(head).into_owned();
            open.aside.push(Aside { path: open.report.path.clone(), reason: why, text });
        }
    }
}

/// The partition of a record. Folders are named by what records say, so only what looks right is taken.
fn part_of(table: &'static Table, envelope: &Envelope<'_>) -> Part {
    let known = |value: Option<&str>, right: fn(&str) -> bool| {
        value.filter(|v| right(v)).map_or_else(|| "unknown".to_owned(), str::to_owned)
    };
    Part {
        table: table.name(),
        account: known(envelope.account.as_deref(), is_account),
        region: known(envelope.region.as_deref(), is_place),
        day: envelope.time.map_or_else(|| "unknown".to_owned(), crate::time::day),
    }
}

/// A Region, or one of the names that stand for all: `aws-global`, `global`.
fn is_place(text: &str) -> bool {
    is_region(text) || matches!(text, "aws-global" | "global")
}
