//! Amazon EventBridge event patterns: the current language, validated and matched as AWS's own matcher does it (Event Ruler, which
//! AWS publishes): <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>,
//! <https://github.com/aws/event-ruler>. Pure: texts in, names out.
//!
//! Where the two sources leave room, this is the reading:
//! - A field is a path of names joined by dots; `{"a":{"b":…}}` and `{"a.b":…}` are the same in patterns and events.
//! - Of a field that a pattern names twice, the last list counts. Of a member that an event has twice, both values count.
//! - Numbers compare as doubles where a double holds them without loss, else by their spelling.
//! - Only leaves exist: an object and an empty array are as good as absent.
//! - Without regard to case, a character beyond the Basic Multilingual Plane matches itself; Event Ruler takes it for `??`.
//! - EventBridge refuses wildcards that are too complex together on one bus, by a measure that AWS does not publish. That is not judged.

mod consistent;
mod field;
mod json;
mod lines;
mod read;
mod rules;
mod value;

pub use json::{Broken, MAX_DEPTH};
pub use lines::{check_line, match_line};
pub use read::{Invalid, MAX_COMBINATIONS, MAX_LENGTH, MAX_NESTING};
pub use rules::{BadEvent, Rules, Scanner};
pub(crate) use value::Block;

/// An event pattern that was found valid.
#[derive(Debug, Clone)]
pub struct Pattern {
    alternatives: Vec<read::Alternative>,
}

impl Pattern {
    /// Reads a pattern from JSON text. What follows its closing bracket is not read, as in Event Ruler.
    ///
    /// # Errors
    /// Why Amazon EventBridge refuses the pattern, and where; or that it is beyond [`MAX_LENGTH`], [`MAX_NESTING`] or
    /// [`MAX_COMBINATIONS`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        read::read(text).map(|alternatives| Self { alternatives })
    }
}
