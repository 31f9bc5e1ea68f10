//! "JSON functions and operators" of the Trino documentation. JSON is kept as its text, in a field that is marked so.

use super::args::{Args, Kind, Last};
use super::path::Path;
use super::{Def, Given, int, text, truth};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use serde_json::Value;

const fn def(
    name: &'static str,
    takes: &'static [Kind],
    gives: fn(&Given<'_>) -> Result<DataType>,
    json: bool,
    run: fn(&Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count: (takes.len(), takes.len()), gives, json, fails: true, run }
}

pub(super) const DEFS: &[Def] = &[
    def("json_extract", &[Kind::Text, Kind::Text], text, true, extract),
    def("json_extract_scalar", &[Kind::Text, Kind::Text], text, false, extract_scalar),
    def("json_parse", &[Kind::Text], text, true, parse_text),
    def("json_format", &[Kind::Text], text, false, parse_text),
    def("json_array_length", &[Kind::Text], int, false, array_length),
    def("json_array_contains", &[Kind::Text, Kind::Any], truth, false, array_contains),
    def("json_array_get", &[Kind::Text, Kind::Int], text, true, array_get),
    def("json_size", &[Kind::Text, Kind::Text], int, false, size),
    def("is_json_scalar", &[Kind::Text], truth, false, is_scalar),
];

/// Deeper JSON than this is refused by serde_json itself (128 levels), so no input can exhaust the stack.
pub(super) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// A scalar's text as `json_extract_scalar` and `CAST(json AS varchar)` give it; none for null, arrays and objects.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Malformed JSON gives null, as in Trino, where the path cannot be found before the fault. A malformed path is an error.
fn extract(args: &Args) -> Result<ArrayRef> {
    let (json, paths, mut path) = (args.text(0)?, args.text(1)?, Last::new());
    args.texts(|i| {
        let (Some(json), Some(at)) = (json.get(i), paths.get(i)) else { return Ok(None) };
        let path = path.get(at, Path::parse)?;
        Ok(path.seek(json).map(|found| found.to_string()))
    })
}

fn extract_scalar(args: &Args) -> Result<ArrayRef> {
    let (json, paths, mut path) = (args.text(0)?, args.text(1)?, Last::new());
    args.texts(|i| {
        let (Some(json), Some(at)) = (json.get(i), paths.get(i)) else { return Ok(None) };
        let path = path.get(at, Path::parse)?;
        Ok(path.seek(json).as_ref().and_then(scalar))
    })
}

fn parse_text(args: &Args) -> Result<ArrayRef> {
    let json = args.text(0)?;
    args.texts(|i| {
        let Some(text) = json.get(i) else { return Ok(None) };
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Ok(Some(value.to_string())),
            Err(e) => exec_err!("this is not JSON ({e}): {}", start(text)),
        }
    })
}

/// The beginning of a text, for messages.
pub(super) fn start(text: &str) -> String {
    let mut out: String = text.chars().take(60).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

fn array_length(args: &Args) -> Result<ArrayRef> {
    let json = args.text(0)?;
    args.ints(|i| {
        let items = json.get(i).and_then(parse);
        Ok(items.as_ref().and_then(Value::as_array).map(|a| i64::try_from(a.len()).unwrap_or(i64::MAX)))
    })
}

fn array_contains(args: &Args) -> Result<ArrayRef> {
    let (json, wanted) = (args.text(0)?, args.whole(1)?);
    let kind = wanted.data_type().clone();
    let (texts, floats) = match &kind {
        DataType::Boolean | DataType::Utf8 => (Some(args.text(1)?), None),
        k if k.is_numeric() => (None, Some(args.float(1)?)),
        other => return exec_err!("json_array_contains looks for text, a number or a truth value, not {other}"),
    };
    args.bools(|i| {
        let Some(Value::Array(items)) = json.get(i).and_then(parse) else { return Ok(None) };
        let text = texts.as_ref().and_then(|t| t.get(i));
        let float = floats.as_ref().and_then(|f| f.get(i));
        if text.is_none() && float.is_none() {
            return Ok(None);
        }
        Ok(Some(items.iter().any(|item| match (item, &kind) {
            (Value::String(s), DataType::Utf8) => text == Some(s),
            (Value::Bool(b), DataType::Boolean) => text == Some(if *b { "true" } else { "false" }),
            (Value::Number(n), _) => n.as_f64().is_some() && n.as_f64() == float,
            _ => false,
        })))
    })
}

fn array_get(args: &Args) -> Result<ArrayRef> {
    let (json, place) = (args.text(0)?, args.int(1)?);
    args.texts(|i| {
        let (Some(Value::Array(items)), Some(place)) = (json.get(i).and_then(parse), place.get(i)) else {
            return Ok(None);
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let at = if place < 0 { place + length } else { place };
        Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).map(Value::to_string))
    })
}

fn size(args: &Args) -> Result<ArrayRef> {
    let (json, paths, mut path) = (args.text(0)?, args.text(1)?, Last::new());
    args.ints(|i| {
        let (Some(json), Some(at)) = (json.get(i), paths.get(i)) else { return Ok(None) };
        let path = path.get(at, Path::parse)?;
        Ok(path.seek(json).map(|found| match found {
            Value::Array(items) => i64::try_from(items.len()).unwrap_or(i64::MAX),
            Value::Object(members) => i64::try_from(members.len()).unwrap_or(i64::MAX),
            _ => 0,
        }))
    })
}

fn is_scalar(args: &Args) -> Result<ArrayRef> {
    let json = args.text(0)?;
    args.bools(|i| {
        let Some(text) = json.get(i) else { return Ok(None) };
        match parse(text) {
            Some(value) => Ok(Some(!value.is_array() && !value.is_object())),
            None => exec_err!("this is not JSON: {}", start(text)),
        }
    })
}
