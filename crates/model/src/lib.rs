//! The nouns of Yagura. Plain values, no I/O: every other crate speaks in these.
//!
//! Data flows one way: AWS API → [`Asset`] → [`Snapshot`] → rule → [`Verdict`].
//! What could not be read is data too: a [`Gap`] says why, and which permission would help.

mod address;
mod asset;
mod compliance;
mod content;
mod gap;
mod glob;
mod lang;
mod markup;
mod snapshot;
mod template;
mod types;
mod value;
mod verdict;

pub use address::{INTERNAL, IpRange};
pub use asset::{Asset, Field};
pub use compliance::{Compliance, ComplianceRequirement, ComplianceSection, Coverage, Standing, Tally};
pub use content::{ContentFile, nearest};
pub use gap::{Gap, GapReason};
pub use glob::glob;
pub use lang::Lang;
pub use markup::xml_escaped;
pub use snapshot::{Caller, Listing, Scope, Snapshot};
pub use template::filled;
pub use types::Type;
pub use value::{Map, Value};
pub use verdict::{ResourceRef, Severity, SourcePlace, Status, Verdict};

/// The version of the snapshot format that this build writes. Older ones are read.
pub const SNAPSHOT_FORMAT: u32 = 1;
