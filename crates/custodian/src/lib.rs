//! Cloud Custodian policies as they are: read and validated as Cloud Custodian does, run on what Yagura has read. Pure: no I/O.
//!
//! A filter's answer is one of three values. A resource that a policy may choose, but not for certain, is told apart with the
//! reason; it is never chosen, and never dropped in silence. Actions are read and validated, and never carried out.

pub mod action;
pub mod call;
pub mod change;
pub mod coverage;
pub mod facts;
pub mod filter;
mod forms;
mod from;
mod hours;
pub mod needs;
mod path;
pub mod policy;
mod py;
mod query;
mod reduce;
pub mod run;
pub mod schema;
mod shape;
mod special;
mod value;
pub mod world;
