//! What each source makes of its records, clean and broken, and that no source takes another's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

mod collect;
mod parquet;
mod samples;
mod shared;
mod spoilt;
