//! Findings with a life.
//!
//! A verdict is of one moment; a [`Finding`] lasts. It has an identity (account, Region, rule, resource), and a
//! [`Stage`] that only observations change: [`life`] is the state machine, pure. [`Suppression`]s cover findings for a
//! time, and never change what was observed. A [`Store`] keeps all of it, with the history of configurations, in SQLite
//! or PostgreSQL under one schema.

mod baseline;
mod configuration;
mod error;
mod finding;
pub mod life;
mod observation;
mod store;
mod suppression;

pub use baseline::{Baseline, BaselineError};
pub use configuration::{Change, Difference, What, differences};
pub use error::StoreError;
pub use finding::{Both, Finding, Stage, State, Texts, Unsure};
pub use life::{Ended, Saw};
pub use observation::{Detail, Observation, Seen, Source};
pub use store::{
    AssetHistory, Claim, ClaimError, Event, Filter, Happened, Place, Recorded, Run, SCHEMA_VERSION, Said, Store, reseal,
};
pub use suppression::{Fit, Origin, Suppression, SuppressionError, Tags, of_toml};
