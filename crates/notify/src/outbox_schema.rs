//! The outbox's tables. Times are microseconds since 1970-01-01 UTC. `set_at` is when `due` was set: where it lies ahead, the clock went
//! back since, and the message is due.

/// The version that `PRAGMA user_version` tells.
pub(crate) const VERSION: i64 = 2;

/// Everything of version 1.
pub(crate) const SCHEMA: &str = "
CREATE TABLE cursors (source TEXT PRIMARY KEY, place INTEGER NOT NULL, mark TEXT NOT NULL) STRICT;
CREATE TABLE messages (
  nth INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, route TEXT NOT NULL, grouped TEXT NOT NULL,
  state TEXT NOT NULL, body TEXT NOT NULL, many INTEGER NOT NULL, made INTEGER NOT NULL, due INTEGER NOT NULL,
  set_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
  error TEXT NOT NULL
) STRICT;
CREATE INDEX messages_state ON messages (state, due);
CREATE TABLE notices (
  channel TEXT NOT NULL, id TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_message ON notices (message);
PRAGMA user_version = 1;
";

/// What version 2 adds: whose routes file made a message (`Routes::home`; empty where that was not noted), and what a change that was
/// told is about (empty where that was not noted).
pub(crate) const SECOND: &str = "
ALTER TABLE messages ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX notices_subject ON notices (subject);
PRAGMA user_version = 2;
";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::outbox::Outbox;
    use jiff::Timestamp;

    #[test]
    fn an_outbox_of_version_1_goes_on_and_its_messages_are_anybodys() {
        let folder = tempfile::tempdir().unwrap();
        let db = rusqlite::Connection::open(folder.path().join("notify.db")).unwrap();
        db.execute_batch(SCHEMA).unwrap();
        let sql = "INSERT INTO messages VALUES (1, 'i', 'c', 'r', '', 'waiting', '', 1, 0, 0, 0, 0, '')";
        db.execute(sql, []).unwrap();
        drop(db);
        for _ in 0..2 {
            let mut outbox = Outbox::open(folder.path()).unwrap();
            assert_eq!(outbox.due("anybody", Timestamp::UNIX_EPOCH).unwrap().len(), 1);
            assert_eq!(outbox.elsewhere("anybody").unwrap(), 0);
        }
        let db = rusqlite::Connection::open(folder.path().join("notify.db")).unwrap();
        let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
        assert_eq!(version, VERSION);
    }
}
