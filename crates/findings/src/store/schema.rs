//! The one schema, and how a store comes from one version of it to another, up and down.

use super::cell::{Cell, Db, Done, at};
use crate::error::StoreError;

/// The newest version of the schema.
pub const SCHEMA_VERSION: i64 = 2;

/// A step between two versions. Times are microseconds since 1970-01-01 UTC; bodies are Zstandard over JSON.
struct Migration {
    up: &'static str,
    down: &'static str,
}

const MIGRATIONS: [Migration; SCHEMA_VERSION as usize] = [
    // 1: findings, their events, the runs that observed them, suppressions.
    Migration {
        up: "
CREATE TABLE yagura_runs (
  id BIGINT PRIMARY KEY, token TEXT NOT NULL UNIQUE, at BIGINT NOT NULL, recorded BIGINT NOT NULL, source TEXT NOT NULL,
  tool TEXT NOT NULL, caller TEXT NOT NULL, scope TEXT NOT NULL, counts TEXT NOT NULL
);
CREATE INDEX yagura_runs_at ON yagura_runs (at);
CREATE TABLE yagura_findings (
  id TEXT PRIMARY KEY, rule TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, arn TEXT,
  resource TEXT NOT NULL, stage TEXT NOT NULL, since BIGINT NOT NULL, first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL,
  last_observed BIGINT NOT NULL, reopened BIGINT NOT NULL, ended TEXT, severity TEXT NOT NULL, rule_severity TEXT NOT NULL,
  unsure_since BIGINT, unsure_last BIGINT, unsure_why TEXT, tags TEXT, assignee TEXT, news_run BIGINT NOT NULL,
  body_hash TEXT NOT NULL, body BYTEA NOT NULL
);
CREATE INDEX yagura_findings_account ON yagura_findings (account);
CREATE TABLE yagura_events (
  finding TEXT NOT NULL, nth BIGINT NOT NULL, at BIGINT NOT NULL, run BIGINT, what TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (finding, nth)
);
CREATE INDEX yagura_events_run ON yagura_events (run);
CREATE TABLE yagura_suppressions (
  id TEXT PRIMARY KEY, made BIGINT NOT NULL, ended BIGINT, body TEXT NOT NULL
);",
        down: "
DROP TABLE yagura_suppressions;
DROP TABLE yagura_events;
DROP TABLE yagura_findings;
DROP TABLE yagura_runs;",
    },
    // 2: the history of configurations.
    Migration {
        up: "
CREATE TABLE yagura_assets (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, arn TEXT, name TEXT NOT NULL,
  last_seen BIGINT NOT NULL, gone BIGINT, nth BIGINT NOT NULL, seen_hash TEXT NOT NULL, body BYTEA NOT NULL
);
CREATE INDEX yagura_assets_account ON yagura_assets (account);
CREATE INDEX yagura_assets_name ON yagura_assets (name);
CREATE INDEX yagura_assets_arn ON yagura_assets (arn);
CREATE TABLE yagura_asset_changes (
  asset TEXT NOT NULL, nth BIGINT NOT NULL, at BIGINT NOT NULL, seen_before BIGINT, run BIGINT NOT NULL, what TEXT NOT NULL,
  size_before BIGINT, before BYTEA, PRIMARY KEY (asset, nth)
);
CREATE INDEX yagura_asset_changes_at ON yagura_asset_changes (at);",
        down: "
DROP TABLE yagura_asset_changes;
DROP TABLE yagura_assets;",
    },
];

const VERSIONS: &str = "yagura_schema";

/// The version that the store has; 0 for none yet.
pub(crate) fn version(db: &mut dyn Db) -> Done<i64> {
    if !db.has_table(VERSIONS)? {
        return Ok(0);
    }
    let rows = db.query("SELECT coalesce(max(version), 0) FROM yagura_schema", &[])?;
    Ok(rows.first().map_or(0, |r| at(r, 0).int()))
}

/// Brings the store to a version, in one transaction. Going down drops what the versions above had brought.
pub(crate) fn migrate(db: &mut dyn Db, to: i64, now: jiff::Timestamp) -> Done<()> {
    if version(db)? == to {
        return Ok(());
    }
    db.begin()?;
    let done = steps(db, to, now).and_then(|()| db.commit());
    if done.is_err() {
        db.rollback();
    }
    done
}

fn steps(db: &mut dyn Db, to: i64, now: jiff::Timestamp) -> Done<()> {
    if !db.has_table(VERSIONS)? {
        db.batch("CREATE TABLE yagura_schema (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL);")?;
    }
    // Another process may have been here while this one waited.
    let mut have = version(db)?;
    if have > SCHEMA_VERSION {
        return Err(StoreError::Newer { found: have, known: SCHEMA_VERSION });
    }
    while have < to {
        let Some(step) = usize::try_from(have).ok().and_then(|h| MIGRATIONS.get(h)) else { break };
        db.batch(step.up)?;
        have += 1;
        db.execute("INSERT INTO yagura_schema (version, applied) VALUES ($1, $2)", &[have.into(), now.into()])?;
    }
    while have > to {
        let Some(step) = usize::try_from(have - 1).ok().and_then(|h| MIGRATIONS.get(h)) else { break };
        db.batch(step.down)?;
        db.execute("DELETE FROM yagura_schema WHERE version = $1", &[Cell::Int(have)])?;
        have -= 1;
    }
    Ok(())
}
