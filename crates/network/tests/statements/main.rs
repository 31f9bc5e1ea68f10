//! What AWS's documentation says of reachability, a test a statement; the page stands above it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod connections;
mod endpoints;
mod filters;
mod internet;
mod plan;
