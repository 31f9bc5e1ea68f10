//! Findings and incidents, brought to people and systems.
//!
//! A [`Notice`] is one change: a finding that is new, came back or was resolved; a signal; an incident. [`Routes`], a YAML file, say
//! which notices go to which channels, by EventBridge's patterns. The [`Outbox`] takes notices together with the place up to which a
//! source was read, in one transaction, and keeps each message until its channel took it. [`deliver`] sends what is due.
//!
//! A message that was begun and not confirmed is sent again under the same key: nothing is missed, and whoever looks at keys sees
//! nothing twice. Slack and Teams take no key: there a process that is killed between the answer and its note is told twice.

mod channel;
mod deliver;
mod notice;
mod outbox;
mod outbox_schema;
mod routes;
mod secret;
mod share;
mod template;
mod text;
mod words;
mod world;

pub use channel::kinds;
pub use deliver::{Delivered, Failed, deliver, try_out};
pub use notice::{Change, Notice, Words};
pub use outbox::{Cursor, Dead, Outbox, OutboxError, Taken};
pub use routes::{ROUTE_KEYS, Route, Routes, When};
pub use world::World;
