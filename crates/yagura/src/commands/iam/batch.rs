//! Batches of the policy engine's cases: JSON with spans, and the `id` of the line before the answer.

use crate::commands::batch;
use crate::failure::Failure;
use serde_json::{Map, Value};
use std::path::Path;
use yagura_policy::json::{Json, Node};

/// Answers every line of a file, or of standard input for `-` or none. `answer` gets the line as JSON and gives the
/// members of its answer; the `id` of the line is put before them. A line that cannot be answered gives
/// `{"id", "error"}`.
///
/// # Errors
/// Where the input cannot be read or the output not be written.
pub fn run(
    input: Option<&Path>,
    answer: impl Fn(&Node<'_>) -> Result<Map<String, Value>, String>,
) -> Result<u8, Failure> {
    batch::run(input, |text| reply(text, &answer))
}

fn reply(
    text: Result<&str, String>,
    answer: &impl Fn(&Node<'_>) -> Result<Map<String, Value>, String>,
) -> Map<String, Value> {
    let mut out = Map::new();
    let answered = text.and_then(yagura_policy::case::parse_line).and_then(|node| {
        let id = node.members().and_then(|m| m.iter().find(|m| m.key == "id"));
        out.insert("id".into(), id.map_or(Value::Null, |m| plain(&m.value)));
        answer(&node)
    });
    match answered {
        Ok(members) => out.extend(members),
        Err(error) => {
            out.entry("id").or_insert(Value::Null);
            out.insert("error".into(), error.into());
        }
    }
    out
}

/// An id as `serde_json` holds it.
fn plain(node: &Node<'_>) -> Value {
    match &node.value {
        Json::String(s) => Value::from(&**s),
        Json::Number(n) => serde_json::from_str(n).unwrap_or(Value::Null),
        Json::Bool(b) => Value::Bool(*b),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(members) => members.iter().map(|m| (m.key.to_string(), plain(&m.value))).collect(),
        Json::Null => Value::Null,
    }
}
