//! Sigma rules (specification 2): detections, correlations and filters, read from YAML and held against events. Pure: texts in,
//! predicates out. <https://github.com/SigmaHQ/sigma-specification>
//!
//! Where the specification leaves room, this is the reading:
//! - Texts match without regard to case, one character for one; `cased` and `re` do not. Truth values and numbers of an event match
//!   texts that spell them; objects and arrays are matched as their JSON text, as it stands and without its escapes (a policy inside is
//!   a text itself), arrays also element by element.
//! - `null` matches a field that is null or not there; `exists` looks only whether it is there. `neq` is the negation of equality, so
//!   that it holds where the field is not there.
//! - Keywords stand anywhere in any value of the event.
//! - Regular expressions are those of Rust's `regex`: look-around and back-references, which Sigma does not have either, are refused.
//! - A rule of the first format that counts without a `timeframe` counts within [`ASSUMED_TIMEFRAME_MS`].
//! - Keys of one's own are kept by name and mean nothing, but those that nearly spell a known key are refused.

mod condition;
mod correlate;
mod correlation;
mod fields;
mod item;
mod library;
mod modifier;
mod part;
mod read;
mod read_correlation;
mod rule;
mod text;

pub use condition::Condition;
pub use correlate::{Correlator, Fired, MAX_GROUPS};
pub use correlation::{Bounds, Correlation, Kind};
pub use fields::{Fields, Json, Value, below, named};
pub use library::{Filter, Library, Signal};
pub use modifier::Placeholders;
pub use read::{Document, Problem, load, load_with};
pub use read_correlation::{ASSUMED_TIMEFRAME_MS, MAX_COUNT};
pub use rule::{About, EventIndex, Level, Logsource, Rule};
