//! The IAM policy engine: parse, evaluate, explain, reason about AWS policies. Pure: no I/O.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests may stop"
    )
)]

pub mod account;
pub mod case;
pub mod catalogue;
pub mod compile;
pub mod condition;
pub mod diff;
pub mod document;
pub mod escalate;
pub mod evaluate;
pub mod expand;
pub mod json;
pub mod kms;
pub mod language;
pub mod least;
pub mod lint;
pub mod operator;
pub mod pattern;
pub mod public;
pub mod rehearse;
mod represent;
pub mod request;
pub mod shrink;
pub mod solve;
pub mod template;
pub mod tri;
pub mod value;
pub mod world;
