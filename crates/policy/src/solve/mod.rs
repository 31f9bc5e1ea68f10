//! The search for a request that lies in some statements and outside others.
//!
//! A statement is a conjunction of literals, each about one dimension of a request: who calls, the action, the resource,
//! or one context key. A request lies outside a statement when one of its literals fails. The search starts from the
//! literals that must hold, looks at one request that fulfils them, and where that request lies in a statement it must
//! escape, makes each of that statement's literals fail in turn (the splitting rule of Davis, Putnam, Logemann and
//! Loveland). In each dimension the literals gathered so far are decided exactly: strings as languages of patterns,
//! numbers, dates and addresses by the finitely many points at which their comparisons change.

mod key;
mod range;
mod search;
mod space;
mod test;
mod variables;
mod who;

pub use search::{Budget, Outcome, search};
pub use space::{Literal, Point, Space, Vocabulary};
pub use variables::{Binding, bindings};
pub use who::Callers;
