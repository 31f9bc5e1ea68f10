//! What is still to be told: a file of its own, every step one transaction. A process may be killed at any moment.

use crate::channel::Message;
use crate::notice::Notice;
use crate::outbox_schema::{SCHEMA, SECOND, VERSION};
use crate::routes::Routes;
use crate::share::{self, Body, parsed};
use crate::template::Template;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it is known what was told: who reads the same logs again within this time tells nothing twice.
const REMEMBERED: i64 = 90 * 86_400 * 1_000_000;

/// Why the outbox did not do what was asked. Nothing of it is done then.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file or its folder cannot be written.
    #[error("{path}: the outbox cannot be written: {why}")]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is no outbox, or is damaged.
    #[error("{path}: this is no outbox, or a damaged one: {why}")]
    NotAnOutbox {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A newer version of Yagura wrote it.
    #[error("{path}: a newer version of Yagura wrote this outbox")]
    Newer {
        /// The file.
        path: PathBuf,
    },
}

/// Up to where a source was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The last run.
    pub place: i64,
    /// What tells that run from one of the same number in another store.
    pub mark: String,
}

/// What became of changes that were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Changes that a route takes.
    pub routed: usize,
    /// Changes that no route takes.
    pub unrouted: usize,
    /// Changes that were taken before.
    pub known: usize,
}

/// A message that was put aside.
#[derive(Debug, Clone, Serialize)]
pub struct Dead {
    /// Its key.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// The route.
    pub route: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not taken.
    pub error: String,
    /// When its first change was taken.
    pub made: Timestamp,
    /// Its changes, as events.
    pub events: Vec<Json>,
}

/// A message whose time has come.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub nth: i64,
    pub channel: String,
    pub attempts: i64,
}

/// What is still to be told.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    db: Connection,
    /// When it was tidied, with the number and the sum of what was put aside then; `None` where that changed since.
    tidied: Option<(Timestamp, i64, i64)>,
}

impl Outbox {
    /// Opens the outbox of a folder, and makes both where they are not there. Only their owner can read them.
    ///
    /// # Errors
    /// It cannot be written, or is no outbox of this version.
    pub fn open(folder: &Path) -> Result<Self, OutboxError> {
        let path = folder.join("notify.db");
        let io = |e: std::io::Error| OutboxError::NotWritable { path: path.clone(), why: e.to_string() };
        std::fs::create_dir_all(folder).map_err(io)?;
        match private(OpenOptions::new().write(true).create_new(true)).open(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(e)),
            _ => {}
        }
        let failed = |e| failure(&path, e);
        let db = Connection::open(&path).map_err(failed)?;
        db.busy_timeout(PATIENCE).map_err(failed)?;
        // A rollback journal, flushed at every commit: what was taken is on the disk.
        db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;").map_err(failed)?;
        let mut outbox = Self { path: path.clone(), db, tidied: None };
        outbox
            .transact(|t| match t.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0))? {
                0 => t.execute_batch(&[SCHEMA, SECOND].concat()).map(|()| VERSION),
                1 => t.execute_batch(SECOND).map(|()| VERSION),
                other => Ok(other),
            })
            .and_then(|version| if version > VERSION { Err(OutboxError::Newer { path }) } else { Ok(outbox) })
    }

    /// Keeps other processes from delivering for as long as what is answered lives; `None` where another one does.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn deliverer(&self) -> Result<Option<File>, OutboxError> {
        let path = self.path.with_extension("lock");
        let io = |e: std::io::Error| OutboxError::NotWritable { path: path.clone(), why: e.to_string() };
        let file = private(OpenOptions::new().create(true).truncate(false).write(true)).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(io(e)),
        }
    }

    /// Up to where a source was read; `None` where it never was.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub fn cursor(&mut self, source: &str) -> Result<Option<Cursor>, OutboxError> {
        self.transact(|t| cursor(t, source))
    }

    /// Takes changes and moves the source's place on, both or neither. `None` where the place is not `from` any more: somebody else
    /// took them.
    ///
    /// # Errors
    /// The outbox cannot be written: nothing was taken.
    pub fn take(
        &mut self,
        source: &str,
        from: Option<&Cursor>,
        to: &Cursor,
        notices: &[Notice],
        routes: &Routes,
        now: Timestamp,
    ) -> Result<Option<Taken>, OutboxError> {
        self.transact(|t| {
            if cursor(t, source)?.as_ref() != from {
                return Ok(None);
            }
            let sql = "INSERT INTO cursors (source, place, mark) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (source) DO UPDATE SET place = ?2, mark = ?3";
            t.execute(sql, params![source, to.place, to.mark])?;
            share::put(t, notices, routes, now).map(Some)
        })
    }

    /// Takes changes that know no place: each is known by its identity.
    ///
    /// # Errors
    /// The outbox cannot be written: nothing was taken.
    pub fn add(&mut self, notices: &[Notice], routes: &Routes, now: Timestamp) -> Result<Taken, OutboxError> {
        self.transact(|t| share::put(t, notices, routes, now))
    }

    /// The messages of a routes file, and of none, whose time has come, the first first. One that was begun and not ended is among them.
    pub(crate) fn due(&mut self, home: &str, now: Timestamp) -> Result<Vec<Due>, OutboxError> {
        self.transact(|t| {
            let sql = "SELECT nth, channel, attempts FROM messages WHERE state IN ('waiting', 'begun') \
                 AND (due <= ?1 OR set_at > ?1) AND home IN ('', ?2) ORDER BY due, nth";
            let mut statement = t.prepare(sql)?;
            let row = |r: &rusqlite::Row<'_>| Ok(Due { nth: r.get(0)?, channel: r.get(1)?, attempts: r.get(2)? });
            statement.query_map(params![now.as_microsecond(), home], row)?.collect()
        })
    }

    /// When the next message of a routes file is to be sent.
    pub(crate) fn next_due(&mut self, home: &str, now: Timestamp) -> Result<Option<Timestamp>, OutboxError> {
        let sql = "SELECT min(CASE WHEN set_at > ?1 THEN ?1 ELSE due END) FROM messages \
             WHERE state IN ('waiting', 'begun') AND home IN ('', ?2)";
        let next: Option<i64> =
            self.transact(|t| t.query_row(sql, params![now.as_microsecond(), home], |r| r.get(0)))?;
        Ok(next.and_then(|us| Timestamp::from_microsecond(us).ok()))
    }

    /// Notes that messages are about to be sent, and answers them.
    pub(crate) fn begin(&mut self, nths: &[i64]) -> Result<Vec<Message>, OutboxError> {
        self.transact(|t| {
            let mut out = Vec::new();
            for nth in nths {
                t.execute("UPDATE messages SET state = 'begun', attempts = attempts + 1 WHERE nth = ?1", [nth])?;
                let sql = "SELECT id, grouped, body FROM messages WHERE nth = ?1";
                let row = t.query_row(sql, [nth], |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, String>(2)?)))?;
                out.push(message(row)?);
            }
            Ok(out)
        })
    }

    /// Notes that a message was taken by its channel. Its texts are forgotten.
    pub(crate) fn done(&mut self, nth: i64, now: Timestamp) -> Result<(), OutboxError> {
        let sql = "UPDATE messages SET state = 'done', body = '', error = '', due = ?2 WHERE nth = ?1";
        self.transact(|t| t.execute(sql, params![nth, now.as_microsecond()]).map(drop))
    }

    /// Notes that a message was not taken, and when it is tried again; `None` puts it aside.
    pub(crate) fn failed(
        &mut self,
        nth: i64,
        why: &str,
        again: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let (state, due) = match again {
            Some(at) => ("waiting", Some(at.as_microsecond())),
            None => {
                self.tidied = None;
                ("dead", None)
            }
        };
        let sql = "UPDATE messages SET state = ?2, due = coalesce(?3, due), error = ?4, set_at = ?5 WHERE nth = ?1";
        self.transact(|t| t.execute(sql, params![nth, state, due, why, now.as_microsecond()]).map(drop))
    }

    /// Lets everything else for a channel of a routes file wait until a time.
    pub(crate) fn hold(
        &mut self,
        (home, channel): (&str, &str),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let sql = "UPDATE messages SET due = max(due, ?2), set_at = ?3 \
             WHERE channel = ?1 AND state IN ('waiting', 'begun') AND home IN ('', ?4)";
        let (until, now) = (until.as_microsecond(), now.as_microsecond());
        self.transact(|t| t.execute(sql, params![channel, until, now, home]).map(drop))
    }

    /// How many messages wait.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub fn waiting(&mut self) -> Result<usize, OutboxError> {
        self.transact(|t| {
            t.query_row("SELECT count(*) FROM messages WHERE state IN ('waiting', 'begun')", [], |r| r.get::<_, i64>(0))
        })
        .map(|n| usize::try_from(n).unwrap_or(0))
    }

    /// How many of the messages that wait another routes file made.
    pub(crate) fn elsewhere(&mut self, home: &str) -> Result<usize, OutboxError> {
        let sql = "SELECT count(*) FROM messages WHERE state IN ('waiting', 'begun') AND home NOT IN ('', ?1)";
        let n = self.transact(|t| t.query_row(sql, [home], |r| r.get::<_, i64>(0)))?;
        Ok(usize::try_from(n).unwrap_or(0))
    }

    /// The messages that were put aside, the first first.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub fn dead(&mut self) -> Result<Vec<Dead>, OutboxError> {
        self.transact(|t| {
            let sql = "SELECT id, channel, route, attempts, error, made, body FROM messages WHERE state = 'dead' ORDER BY nth";
            let mut statement = t.prepare(sql)?;
            let row = |r: &rusqlite::Row<'_>| {
                let body: Body = parsed(&r.get::<_, String>(6)?)?;
                Ok(Dead {
                    id: r.get(0)?,
                    channel: r.get(1)?,
                    route: r.get(2)?,
                    attempts: r.get(3)?,
                    error: r.get(4)?,
                    made: Timestamp::from_microsecond(r.get(5)?).unwrap_or_default(),
                    events: body.notices.iter().map(|n| n.event(body.lang)).collect(),
                })
            };
            statement.query_map([], row)?.collect()
        })
    }

    /// Makes messages of a routes file, and of none, that were put aside wait again: those of a channel, or all. How many.
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub fn revive(&mut self, routes: &Routes, channel: Option<&str>, now: Timestamp) -> Result<usize, OutboxError> {
        let sql = "UPDATE messages SET state = 'waiting', attempts = 0, due = ?1, set_at = ?1 \
             WHERE state = 'dead' AND (?2 IS NULL OR channel = ?2) AND home IN ('', ?3)";
        self.tidied = None;
        self.transact(|t| t.execute(sql, params![now.as_microsecond(), channel, routes.home()]))
    }

    /// [`Outbox::tidy`], where something was put aside or revived since, here or by another process, or an hour has passed.
    pub(crate) fn tidy_if_due(&mut self, now: Timestamp) -> Result<(), OutboxError> {
        let sql = "SELECT count(*), coalesce(sum(nth), 0) FROM messages WHERE state = 'dead'";
        let (many, sum) = self.transact(|t| t.query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?))))?;
        let fresh = |at: Timestamp| (0..3600).contains(&now.duration_since(at).as_secs());
        if self.tidied.is_some_and(|(at, m, s)| fresh(at) && (m, s) == (many, sum)) {
            return Ok(());
        }
        self.tidy(now)?;
        self.tidied = Some((now, many, sum));
        Ok(())
    }

    /// Forgets what was told long ago, and writes the messages that were put aside to `notify-dead.jsonl`, one a line. The outbox is
    /// what counts; the file is for people and other programs.
    ///
    /// # Errors
    /// The outbox or the file cannot be written.
    pub fn tidy(&mut self, now: Timestamp) -> Result<(), OutboxError> {
        let before = now.as_microsecond().saturating_sub(REMEMBERED);
        self.transact(|t| {
            t.execute(
                "DELETE FROM notices WHERE message IN (SELECT nth FROM messages WHERE state = 'done' AND due < ?1)",
                [before],
            )?;
            t.execute("DELETE FROM messages WHERE state = 'done' AND due < ?1", [before])
        })?;
        let dead = self.dead()?;
        let path = self.dead_file();
        let write = || -> std::io::Result<()> {
            if dead.is_empty() {
                return match std::fs::remove_file(&path) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
                    _ => Ok(()),
                };
            }
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            for one in &dead {
                serde_json::to_writer(&mut file, one)?;
                file.write_all(b"\n")?;
            }
            file.as_file().sync_all()?;
            file.persist(&path).map(drop).map_err(|e| e.error)
        };
        write().map_err(|e| OutboxError::NotWritable { path: path.clone(), why: e.to_string() })
    }

    /// Where [`Outbox::tidy`] writes what was put aside.
    pub fn dead_file(&self) -> PathBuf {
        self.path.with_file_name("notify-dead.jsonl")
    }

    fn transact<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, OutboxError> {
        let done = self.db.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|t| {
            let out = work(&t)?;
            t.commit()?;
            Ok(out)
        });
        done.map_err(|e| failure(&self.path, e))
    }
}

fn cursor(t: &Transaction<'_>, source: &str) -> rusqlite::Result<Option<Cursor>> {
    let row = |r: &rusqlite::Row<'_>| Ok(Cursor { place: r.get(0)?, mark: r.get(1)? });
    t.query_row("SELECT place, mark FROM cursors WHERE source = ?1", [source], row).optional()
}

fn message((id, grouped, body): (String, String, String)) -> rusqlite::Result<Message> {
    let body: Body = parsed(&body)?;
    let template = body.template.as_deref().and_then(|text| Template::parse(text).ok());
    // The gravest first: where not all are shown, these are.
    let mut notices = body.notices;
    notices.sort_by_key(|n| std::cmp::Reverse(n.severity));
    Ok(Message { id, grouped, lang: body.lang, template, notices })
}

/// A file that only its owner reads.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn failure(path: &Path, e: rusqlite::Error) -> OutboxError {
    let (path, why) = (path.to_owned(), e.to_string());
    match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OutboxError::NotAnOutbox { path, why },
        None => OutboxError::NotAnOutbox { path, why },
        Some(_) => OutboxError::NotWritable { path, why },
    }
}

impl Dead {
    /// What its changes are called, for a line of a list.
    pub fn title(&self) -> String {
        let title =
            self.events.first().and_then(|e| e.pointer("/detail/title")).and_then(Json::as_str).unwrap_or_default();
        match self.events.len() {
            0 | 1 => title.to_owned(),
            n => json!(format!("{title} (+{})", n - 1)).as_str().unwrap_or_default().to_owned(),
        }
    }
}
