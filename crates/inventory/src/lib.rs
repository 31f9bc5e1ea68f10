//! Resource kinds as files, and the snapshots that are made by reading them.
//!
//! [`Resource::parse`] → [`Kinds::resolve`] → [`collect`] → [`save`].

pub mod change;
mod collect;
mod file;
pub mod iac;
mod kinds;
mod plan;
mod resource;
mod shape;
mod sketch;

pub use collect::{Progress, Reread, Rereader, Target, collect, collect_one};
pub use file::{SnapshotError, load, load_bytes, save};
pub use kinds::{Kinds, ReadyKind, Source};
pub use plan::Plan;
pub use resource::{Describe, Expand, FieldCall, Input, List, Resource};
pub use sketch::sketch;
