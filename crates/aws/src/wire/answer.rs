//! An answer as a value.

use super::WireError;
use crate::facts::{Body, Location, Node, Scalar, Target};
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_schema::{Schema, prelude};
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{DateTime, Document, Number, base64};
use aws_smithy_xml::codec::find_depth2_element_slice_by;
use smol_str::SmolStr;
use yagura_model::{Map, Value};

/// What scalars look like in the body.
///
/// AWS's codecs are strict about scalars where services (and emulators) are not: a timestamp may be a number or
/// any of three texts. So JSON scalars are read as what they are and XML scalars as text, and are made typed here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Text,
    Cbor,
}

/// Reads a structure.
pub(super) fn read(
    from: &mut dyn ShapeDeserializer,
    form: Form,
    node: &'static Node,
    schema: &'static Schema<'static>,
) -> Result<Map, WireError> {
    Ok(structure(from, form, node, schema)?)
}

fn structure(
    from: &mut dyn ShapeDeserializer,
    form: Form,
    node: &'static Node,
    schema: &'static Schema<'static>,
) -> Result<Map, SerdeError> {
    let mut out: Vec<(SmolStr, Value)> = Vec::new();
    let members = node.members();
    from.read_struct(schema, &mut |member, from| {
        let Some(member) = member.member_index().and_then(|i| members.get(i)) else { return from.skip_value() };
        if from.is_null() {
            return from.read_null();
        }
        let form = match member.location {
            Location::Header | Location::Headers => Form::Text,
            Location::Payload if matches!(member.link.target, Target::Scalar(_)) => Form::Text,
            _ => form,
        };
        let raw = member.location == Location::Payload;
        let value = target(from, form, member.link.target, member.link.schema, raw)
            .map_err(|e| SerdeError::custom(format!("{}: {e}", member.name)))?;
        if let Some(value) = value {
            out.push((member.name.clone(), value));
        }
        Ok(())
    })?;
    Ok(out.into_iter().collect())
}

fn target(
    from: &mut dyn ShapeDeserializer,
    form: Form,
    target_: Target,
    schema: &'static Schema<'static>,
    raw: bool,
) -> Result<Option<Value>, SerdeError> {
    let node = match target_ {
        Target::Scalar(Scalar::Blob) if raw => {
            return Ok(Some(Value::text(base64::encode(from.read_blob(schema)?))));
        }
        Target::Scalar(scalar) => return read_scalar(from, form, scalar, schema),
        Target::Node(node) => node,
    };
    Ok(Some(match node.body.get() {
        Some(Body::List { item, .. }) => {
            let mut out = Vec::new();
            from.read_list(schema, &mut |from| {
                if from.is_null() {
                    return from.read_null();
                }
                out.extend(target(from, form, item.target, item_schema(item.target, item.schema), false)?);
                Ok(())
            })?;
            Value::List(out)
        }
        Some(Body::Map { value, .. }) => {
            let mut out = Vec::new();
            from.read_map(schema, &mut |key, from| {
                if from.is_null() {
                    return from.read_null();
                }
                let read = target(from, form, value.target, item_schema(value.target, value.schema), false)?;
                out.extend(read.map(|v| (SmolStr::from(key), v)));
                Ok(())
            })?;
            Value::Map(out.into_iter().collect())
        }
        _ => Value::Map(structure(from, form, node, node.schema())?),
    }))
}

/// Elements that are composite are described by their own shape.
fn item_schema(target: Target, schema: &'static Schema<'static>) -> &'static Schema<'static> {
    match target {
        Target::Scalar(_) => schema,
        Target::Node(node) => node.schema(),
    }
}

/// Reads a scalar; `None` where the answer has an empty element for something that cannot be empty.
fn read_scalar(
    from: &mut dyn ShapeDeserializer,
    form: Form,
    scalar: Scalar,
    schema: &'static Schema<'static>,
) -> Result<Option<Value>, SerdeError> {
    match form {
        Form::Json => of_document(from.read_document(schema)?, scalar),
        // A header is read whole where its schema says string: dates have commas.
        Form::Text => of_text(from.read_string(&prelude::STRING)?, scalar),
        Form::Cbor => Ok(Some(match scalar {
            Scalar::Bool => Value::Bool(from.read_boolean(schema)?),
            Scalar::Integer | Scalar::Long => Value::Int(from.read_long(schema)?),
            Scalar::Float | Scalar::Double => Value::Float(from.read_double(schema)?),
            Scalar::String => Value::text(from.read_string(schema)?),
            Scalar::Timestamp => Value::text(rfc3339(&from.read_timestamp(schema)?)?),
            Scalar::Blob => Value::text(base64::encode(from.read_blob(schema)?)),
            Scalar::Document => return Ok(free(from.read_document(schema)?)),
        })),
    }
}

fn of_document(document: Document, scalar: Scalar) -> Result<Option<Value>, SerdeError> {
    Ok(Some(match (scalar, document) {
        (Scalar::Document, any) => return Ok(free(any)),
        (_, Document::Null) => return Ok(None),
        (Scalar::String | Scalar::Blob, Document::String(s)) => Value::text(s),
        (Scalar::Bool, Document::Bool(b)) => Value::Bool(b),
        (Scalar::Timestamp, Document::Number(n)) => Value::text(rfc3339(&DateTime::from_secs_f64(n.to_f64_lossy()))?),
        (Scalar::Integer | Scalar::Long, Document::Number(n)) => whole(n)?,
        (Scalar::Float | Scalar::Double, Document::Number(n)) => Value::Float(n.to_f64_lossy()),
        // Some services write numbers as text, and the other way round.
        (Scalar::String, Document::Number(n)) => Value::text(number_text(n)),
        (Scalar::String, Document::Bool(b)) => Value::text(b.to_string()),
        (_, Document::String(s)) => return of_text(s, scalar),
        (scalar, _) => return Err(unexpected(scalar)),
    }))
}

fn of_text(text: String, scalar: Scalar) -> Result<Option<Value>, SerdeError> {
    if matches!(scalar, Scalar::String | Scalar::Document) {
        return Ok(Some(Value::text(text)));
    }
    let trimmed = text.trim();
    if trimmed.is_empty() && scalar != Scalar::Blob {
        return Ok(None);
    }
    Ok(Some(match scalar {
        Scalar::Bool if trimmed.eq_ignore_ascii_case("true") => Value::Bool(true),
        Scalar::Bool if trimmed.eq_ignore_ascii_case("false") => Value::Bool(false),
        Scalar::Integer | Scalar::Long => Value::Int(trimmed.parse().map_err(|_| unexpected(scalar))?),
        Scalar::Float | Scalar::Double => Value::Float(trimmed.parse().map_err(|_| unexpected(scalar))?),
        Scalar::Timestamp => Value::text(timestamp(trimmed)?),
        Scalar::Blob => Value::text(trimmed),
        _ => return Err(unexpected(scalar)),
    }))
}

/// A timestamp in any of the forms that AWS writes. A text that is none of them is kept: it is what AWS said.
fn timestamp(text: &str) -> Result<String, SerdeError> {
    let parsed = DateTime::from_str(text, Format::DateTimeWithOffset)
        .or_else(|_| DateTime::from_str(text, Format::HttpDate))
        .or_else(|_| text.parse::<f64>().map(DateTime::from_secs_f64));
    match parsed {
        Ok(time) => rfc3339(&time),
        Err(_) => Ok(text.to_owned()),
    }
}

fn rfc3339(time: &DateTime) -> Result<String, SerdeError> {
    time.fmt(Format::DateTime).map_err(|e| SerdeError::custom(e.to_string()))
}

fn whole(number: Number) -> Result<Value, SerdeError> {
    match number {
        Number::PosInt(n) => i64::try_from(n).map(Value::Int).map_err(|_| unexpected(Scalar::Long)),
        Number::NegInt(n) => Ok(Value::Int(n)),
        Number::Float(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => Ok(Value::Int(f as i64)),
        Number::Float(_) => Err(unexpected(Scalar::Long)),
    }
}

fn number_text(number: Number) -> String {
    match number {
        Number::PosInt(n) => n.to_string(),
        Number::NegInt(n) => n.to_string(),
        Number::Float(f) => f.to_string(),
    }
}

/// A document as a value; `null` is absent.
fn free(document: Document) -> Option<Value> {
    Some(match document {
        Document::Null => return None,
        Document::Bool(b) => Value::Bool(b),
        Document::String(s) => Value::text(s),
        Document::Number(n) => whole(n).unwrap_or_else(|_| Value::Float(n.to_f64_lossy())),
        Document::Array(items) => Value::List(items.into_iter().filter_map(free).collect()),
        Document::Object(members) => {
            Value::Map(members.into_iter().filter_map(|(k, v)| Some((SmolStr::from(k), free(v)?))).collect())
        }
    })
}

fn unexpected(scalar: Scalar) -> SerdeError {
    SerdeError::custom(format!("not of the expected type ({scalar:?})"))
}

/// Whether the body is one whole CBOR item: the codec takes the end of the body for the end of a list.
pub(super) fn whole_cbor(body: &[u8]) -> Result<(), WireError> {
    let mut decoder = aws_smithy_cbor::Decoder::new(body);
    decoder.skip().map_err(|e| WireError(e.to_string()))?;
    if decoder.position() == body.len() { Ok(()) } else { Err(WireError("more than one CBOR item".to_owned())) }
}

/// The body, where it is text and ends with its root element's end: what a truncated document does not.
pub(super) fn whole_xml(body: &[u8], needed: bool) -> Result<&[u8], WireError> {
    let text = std::str::from_utf8(body).map_err(|_| WireError("not UTF-8".to_owned()))?;
    if text.trim().is_empty() || !needed && !text.trim_start().starts_with('<') {
        return Ok(body);
    }
    let root = root_name(text).ok_or_else(|| WireError("not XML".to_owned()))?;
    let end = text.trim_end();
    let closed = end.strip_suffix('>').map(str::trim_end).is_some_and(|e| {
        e.strip_suffix(root).is_some_and(|e| e.ends_with("</")) || e.ends_with('/') && last_tag_is_root(end, root)
    });
    if closed { Ok(body) } else { Err(WireError("truncated XML".to_owned())) }
}

fn last_tag_is_root(text: &str, root: &str) -> bool {
    text.rfind('<').and_then(|at| text.get(at + 1..)).is_some_and(|tag| tag.starts_with(root))
}

/// The first element's name, past declarations and comments.
fn root_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let tag = rest.strip_prefix('<')?;
        let skip = if tag.starts_with("!--") {
            tag.find("-->").map(|at| at + 3)?
        } else if tag.starts_with('?') || tag.starts_with('!') {
            tag.find('>').map(|at| at + 1)?
        } else {
            let end = tag.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
            return tag.get(..end);
        };
        rest = tag.get(skip..)?.trim_start();
    }
}

/// The result element of an awsQuery answer.
pub(super) fn unwrap_query<'a>(body: &'a [u8], wrapper: Option<&str>) -> Result<&'a [u8], WireError> {
    match wrapper {
        None => Ok(body),
        Some(wrapper) => find_depth2_element_slice_by(body, |name| name == wrapper)
            .ok_or_else(|| WireError(format!("no `{wrapper}` in the answer"))),
    }
}
