//! Everything that logs say about one identity, key, address, instance, name or resource, in one pass over them.
//!
//! [`Watch`] looks at each record beside the detections ([`crate::run::Bystander`]) and keeps sums, not records: its memory is bounded, and
//! what it did not keep is counted. When everything was read, [`Watch::dossier`] joins that with what was found and with who made whom.
//! A record is asked for by [`Finder`], a pass of its own: what is then told is whose record it was. Who goes by a
//! plain name is found by [`Bearers`], another such pass.

mod about;
mod collect;
mod dossier;
mod names;
mod next;
mod subject;
mod timeline;
mod watch;

pub use collect::{Facet, Tally, Touched};
pub use dossier::{Dossier, Limits, Linked, Made, Neighbour, Noted, NotedKind, Unusual, Value};
pub use names::Bearers;
pub use next::quoted;
pub use subject::{Kind, Relation, Subject, Unrecognized};
pub use watch::{Finder, Located, Watch};
