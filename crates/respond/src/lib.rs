//! From a finding to a change that mends it.
//!
//! A [`Remedy`] (`content/remedies/`) says which calls mend what a check found, and how each is undone. On a resource's own state it
//! becomes a [`Plan`]: the calls with their inputs, the state before, what will stop working. [`run::apply`] makes the calls and
//! writes each step into a [`journal`] before and after; [`run::undo`] reads the journal and takes the steps back.
//!
//! Nothing here changes anything but `run`, and that only by [`yagura_aws::Session::change`] behind the [`run::World`] it is given.

pub mod blast;
pub mod export;
pub mod journal;
pub mod plan;
mod remedy;
pub mod run;
mod template;

pub use plan::{NotMendable, Plan, Preview};
pub use remedy::{Ready, Remedy, Says};
pub use template::placeholders;
