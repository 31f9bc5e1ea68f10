//! How much a lake holds.

use super::Lake;
use std::collections::{BTreeMap, BTreeSet};

/// One table's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Rows.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The size of the records before, in bytes.
    pub raw: u64,
    /// Accounts.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
    /// The first and the last day.
    pub days: Option<(String, String)>,
    /// The earliest and latest record, in milliseconds since 1970-01-01 UTC.
    pub times: Option<(i64, i64)>,
}

/// By table.
pub type Stats = BTreeMap<String, TableStats>;

impl Lake {
    /// Of every table that holds something, from the manifest alone.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::new();
        for file in self.all_files() {
            let t = stats.entry(file.table.clone()).or_default();
            t.rows += file.rows;
            t.files += 1;
            t.bytes += file.bytes;
            t.raw += file.raw;
            t.accounts.insert(file.account.clone());
            t.regions.insert(file.region.clone());
            if file.day != "unknown" {
                let (first, last) = t.days.get_or_insert_with(|| (file.day.clone(), file.day.clone()));
                *first = first.clone().min(file.day.clone());
                *last = last.clone().max(file.day.clone());
            }
            if file.min_time <= file.max_time {
                let (first, last) = t.times.get_or_insert((file.min_time, file.max_time));
                *first = (*first).min(file.min_time);
                *last = (*last).max(file.max_time);
            }
        }
        stats
    }
}
