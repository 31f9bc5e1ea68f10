//! What a run did: a file of JSON lines, written before and after every call, so that a run that was cut off can be taken back.

use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins; the state before stands in each plan.
    Begun {
        /// The run.
        run: String,
        /// Who ran it: the caller's ARN.
        by: SmolStr,
        /// The preview's hash.
        hash: String,
        /// The plans.
        plans: Vec<Plan>,
    },
    /// A plan was made anew, because an earlier plan of the run changed the same resource.
    Replanned {
        /// Which plan.
        plan: usize,
        /// As it is now.
        now: Box<Plan>,
    },
    /// A call is about to be made.
    Calling {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
    },
    /// AWS answered that it is done.
    Called {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
        /// The answer.
        answer: Json,
    },
    /// The call failed.
    Refused {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
        /// Why.
        why: String,
        /// Whether AWS said so: then nothing was changed. Without an answer it is not known.
        answered: bool,
    },
    /// The plan's calls are made and the resource was read again.
    Read {
        /// Which plan.
        plan: usize,
        /// Whether every check it mends passes now.
        mended: bool,
        /// The fields that the plan rests on, as they are now.
        after: BTreeMap<SmolStr, Json>,
    },
    /// The run ended, or stopped at a surprise.
    Ended {
        /// Why it stopped early.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A step is about to be taken back.
    Undoing {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
    },
    /// A step was taken back.
    Undone {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
    },
    /// A step could not be taken back.
    NotUndone {
        /// Which plan.
        plan: usize,
        /// Which of its steps.
        step: usize,
        /// Why.
        why: String,
    },
}

/// A line with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: jiff::Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Where runs are kept.
#[derive(Debug, Clone)]
pub struct Journals {
    folder: PathBuf,
}

/// A journal that is open for writing. Nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// The run.
    pub run: String,
    /// What it holds so far.
    pub entries: Vec<Entry>,
}

impl Journals {
    /// Those below a folder, which is made when first written to.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.join("runs") }
    }

    /// The names of all runs, oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn runs(&self) -> io::Result<Vec<String>> {
        let mut out = Vec::new();
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(out),
            Err(e) => return Err(e),
        };
        for entry in entries {
            let name = entry?.file_name();
            out.extend(name.to_str().and_then(|n| n.strip_suffix(".jsonl")).map(str::to_owned));
        }
        out.sort();
        Ok(out)
    }

    /// Begins a run, named after the time and its hash.
    ///
    /// # Errors
    /// The journal cannot be written: then nothing may be changed.
    pub fn begin(&self, at: jiff::Timestamp, by: &str, hash: &str, plans: &[Plan]) -> io::Result<Journal> {
        std::fs::create_dir_all(&self.folder)?;
        let stamp = at.strftime("%Y%m%dT%H%M%S");
        let short = hash.get(..6).unwrap_or(hash);
        let mut nth = 1;
        let (run, file) = loop {
            let run = if nth == 1 { format!("{stamp}-{short}") } else { format!("{stamp}-{short}-{nth}") };
            match private(OpenOptions::new().append(true).create_new(true)).open(self.path(&run)) {
                Ok(file) => break (run, file),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && nth < 100 => nth += 1,
                Err(e) => return Err(e),
            }
        };
        let mut journal = Journal { file, run: run.clone(), entries: Vec::new() };
        journal.lock()?;
        journal.write(Event::Begun { run, by: by.into(), hash: hash.to_owned(), plans: plans.to_vec() })?;
        Ok(journal)
    }

    /// Opens a run to take it back. A line that was cut off at the end counts for nothing.
    ///
    /// # Errors
    /// There is no such run, another process works on it, or its journal is broken before its end.
    pub fn open(&self, run: &str) -> io::Result<Journal> {
        if run.is_empty() || !run.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such run"));
        }
        let path = self.path(run);
        let file = OpenOptions::new().append(true).open(&path)?;
        let mut journal = Journal { file, run: run.to_owned(), entries: Vec::new() };
        journal.lock()?;
        journal.entries = read(&path)?;
        // A line that was cut off is taken away, so that the next one does not grow onto it.
        let text = std::fs::read(&path)?;
        if text.last().is_some_and(|b| *b != b'\n') {
            let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            journal.file.set_len(u64::try_from(whole).map_err(io::Error::other)?)?;
        }
        Ok(journal)
    }

    /// What a run's journal holds.
    ///
    /// # Errors
    /// As [`Journals::open`], except that another process may work on it.
    pub fn read(&self, run: &str) -> io::Result<Vec<Entry>> {
        read(&self.path(run))
    }

    fn path(&self, run: &str) -> PathBuf {
        self.folder.join(format!("{run}.jsonl"))
    }
}

/// A file that only its owner reads: it holds configuration.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut out = Vec::new();
    let mut lines = BufReader::new(File::open(path)?).split(b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line?;
        match serde_json::from_slice(&line) {
            Ok(entry) => out.push(entry),
            Err(_) if lines.peek().is_none() => {}
            Err(e) => return Err(io::Error::new(io::ErrorKind::InvalidData, e)),
        }
    }
    Ok(out)
}

impl Journal {
    fn lock(&self) -> io::Result<()> {
        self.file.try_lock().map_err(|e| match e {
            std::fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "another process works on this run")
            }
            std::fs::TryLockError::Error(e) => e,
        })
    }

    /// Writes a line through to the disk.
    ///
    /// # Errors
    /// It cannot be written; whoever writes must then change nothing more.
    pub fn write(&mut self, event: Event) -> io::Result<()> {
        let entry = Entry { at: jiff::Timestamp::now(), event };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.entries.push(entry);
        Ok(())
    }

    /// The plans as they were carried out.
    pub fn plans(&self) -> Vec<Plan> {
        let mut out = Vec::new();
        for entry in &self.entries {
            match &entry.event {
                Event::Begun { plans, .. } => out.clone_from(plans),
                Event::Replanned { plan, now } => {
                    if let Some(slot) = out.get_mut(*plan) {
                        slot.clone_from(now);
                    }
                }
                _ => {}
            }
        }
        out
    }
}
