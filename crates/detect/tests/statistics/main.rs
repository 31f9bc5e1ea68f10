//! Statistics on samples of known kind, and on real samples that stay outside the repository.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may stop, and print scores"
)]

mod dns;
mod flow;
mod habit;
mod login;
mod read;
mod travel;
