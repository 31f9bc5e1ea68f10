//! The outbox's tables. Times are microseconds since 1970-01-01 UTC. `set_at` is when `due` was set: where it lies ahead, the clock went
//! back since, and the message is due.

/// The version that `PRAGMA user_version` tells.
pub(crate) const VERSION: i64 = 1;

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
