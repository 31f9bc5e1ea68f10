//! `CAST` and `TRY_CAST` as Trino has them ("Conversion functions", "Cast from JSON", "Cast to JSON").

use super::args::{Args, Kind, is_json};
use super::{Def, Given, json};
use crate::sql::types::{Type, map_of};
use crate::value;
use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) const DEFS: &[Def] = &[Def {
    name: "cast",
    takes: &[Kind::Any, Kind::Text],
    count: (2, 2),
    gives: |given| Ok(target(given)?.arrow()),
    json: false,
    fails: true,
    run,
}];

fn target(given: &Given<'_>) -> Result<Type> {
    match given.constants.get(1) {
        Some(Some(ScalarValue::Utf8(Some(text)))) => Ok(Type::parse(text)?),
        _ => plan_err!("the type of a CAST must be written out"),
    }
}

/// Whether the call makes JSON of something.
pub(super) fn gives_json(name: &str, given: &Given<'_>) -> bool {
    name == "cast" && matches!(target(given), Ok(Type::Json))
}

/// A cast that the engine does as Trino does becomes the engine's own, which it can reason about.
pub(super) fn simplify(
    name: &str,
    lenient: bool,
    args: Vec<Expr>,
    info: &SimplifyContext,
) -> Result<ExprSimplifyResult> {
    let [from, Expr::Literal(ScalarValue::Utf8(Some(text)), _)] = args.as_slice() else {
        return Ok(ExprSimplifyResult::Original(args));
    };
    if name != "cast" {
        return Ok(ExprSimplifyResult::Original(args));
    }
    let wanted = Type::parse(text)?;
    let (_, field) = from.to_field(info.schema().as_ref())?;
    if is_json(&field) || matches!(wanted, Type::Json | Type::IpAddress | Type::Array(_) | Type::Map(..) | Type::Row(_))
    {
        return Ok(ExprSimplifyResult::Original(args));
    }
    let to = wanted.arrow();
    let differs = match (field.data_type(), &to) {
        (DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..), t) => {
            t.is_integer() || t == &DataType::Utf8
        }
        (DataType::Timestamp(..), DataType::Utf8) => true,
        (DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8, DataType::Timestamp(..) | DataType::Boolean) => {
            true
        }
        _ => false,
    };
    if differs {
        return Ok(ExprSimplifyResult::Original(args));
    }
    let from = from.clone();
    Ok(ExprSimplifyResult::Simplified(if lenient {
        datafusion::logical_expr::try_cast(from, to)
    } else {
        datafusion::logical_expr::cast(from, to)
    }))
}

fn run(args: &Args) -> Result<ArrayRef> {
    let texts = args.text(1)?;
    let wanted = Type::parse(texts.get(0).unwrap_or_default())?;
    let from = args.whole(0)?;
    let from_json = args.fields.first().is_some_and(|f| is_json(f));
    let is_text = from.data_type() == &DataType::Utf8;
    let structured = matches!(wanted, Type::Array(_) | Type::Map(..) | Type::Row(_));
    if from_json && wanted == Type::Json {
        return Ok(from);
    }
    if from_json || (is_text && structured) {
        return from_text(args, &wanted);
    }
    let options = CastOptions { safe: args.lenient, ..CastOptions::default() };
    match (from.data_type(), &wanted) {
        (_, Type::Json) => {
            args.texts(|i| Ok(if from.is_null(i) { None } else { Some(value::at(&from, i)?.to_string()) }))
        }
        (DataType::Utf8, Type::IpAddress) => {
            let text = args.text(0)?;
            args.texts(|i| match text.get(i).map(|t| (t, t.parse::<IpAddr>())) {
                Some((_, Ok(ip))) => Ok(Some(ip.to_canonical().to_string())),
                Some((t, Err(_))) => exec_err!("`{t}` is no IP address"),
                None => Ok(None),
            })
        }
        (DataType::Utf8, Type::Boolean) => {
            let text = args.text(0)?;
            args.bools(|i| match text.get(i).map(|t| (t, t.to_ascii_lowercase())) {
                Some((_, t)) if matches!(t.as_str(), "t" | "true" | "1") => Ok(Some(true)),
                Some((_, t)) if matches!(t.as_str(), "f" | "false" | "0") => Ok(Some(false)),
                Some((t, _)) => exec_err!("`{t}` is no boolean"),
                None => Ok(None),
            })
        }
        (DataType::Utf8, Type::Timestamp { .. }) => {
            let plain: ArrayRef = match cast_with_options(
                &from,
                &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
                &options,
            ) {
                Ok(array) => array,
                Err(error) => return exec_err!("{error}"),
            };
            Ok(cast_with_options(&plain, &args.gives, &options)?)
        }
        (DataType::Float32 | DataType::Float64 | DataType::Decimal128(..), t) if t.arrow().is_integer() => {
            let rounded: Float64Array = {
                let floats = cast_with_options(&from, &DataType::Float64, &options)?;
                let floats = datafusion::arrow::array::AsArray::as_primitive::<Float64Type>(&floats);
                floats.unary(f64::round)
            };
            Ok(cast_with_options(&rounded, &args.gives, &options)?)
        }
        (DataType::Timestamp(_, zone), Type::Varchar) => {
            let times = args.time(0)?;
            let place = zone.as_deref().map_or(Ok(jiff::tz::TimeZone::UTC), super::civil::zone)?;
            args.texts(|i| {
                let Some(t) = times.get(i) else { return Ok(None) };
                let text = super::civil::iso(super::civil::clock(t, &place)?.0, None).replace('T', " ");
                Ok(Some(match zone {
                    Some(name) => format!("{text} {name}"),
                    None => text,
                }))
            })
        }
        _ => Ok(cast_with_options(&from, &args.gives, &options)?),
    }
}

/// JSON text into a type.
fn from_text(args: &Args, wanted: &Type) -> Result<ArrayRef> {
    let text = args.text(0)?;
    let mut values = Vec::with_capacity(args.rows);
    for i in 0..args.rows {
        let value = match text.get(i) {
            None => None,
            Some(t) => match serde_json::from_str::<Value>(t) {
                Ok(Value::Null) => None,
                Ok(value) => Some(value),
                Err(_) if args.lenient => None,
                Err(e) => return exec_err!("this is not JSON ({e}): {}", json::start(t)),
            },
        };
        // The lenient twin gives null for the whole value where any part of it does not fit.
        let fits = match (&value, args.lenient) {
            (Some(v), true) => build(&[Some(v)], wanted, false).is_ok(),
            _ => true,
        };
        values.push(value.filter(|_| fits));
    }
    let borrowed: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
    build(&borrowed, wanted, args.lenient)
}

fn build(values: &[Option<&Value>], wanted: &Type, lenient: bool) -> Result<ArrayRef> {
    fn each<T>(values: &[Option<&Value>], wanted: &Type, of: impl Fn(&Value) -> Option<T>) -> Result<Vec<Option<T>>> {
        values
            .iter()
            .map(|v| match v {
                None | Some(Value::Null) => Ok(None),
                Some(v) => match of(v) {
                    Some(made) => Ok(Some(made)),
                    None => exec_err!("this JSON does not fit {wanted}: {}", json::start(&v.to_string())),
                },
            })
            .collect()
    }
    let options = CastOptions { safe: lenient, ..CastOptions::default() };
    Ok(match wanted {
        Type::Json => {
            let texts: Vec<Option<String>> = values.iter().map(|v| v.map(Value::to_string)).collect();
            Arc::new(StringArray::from(texts))
        }
        Type::Varchar | Type::IpAddress => Arc::new(StringArray::from(each(values, wanted, json::scalar)?)),
        Type::Boolean => Arc::new(BooleanArray::from(each(values, wanted, |v| match v {
            Value::Bool(b) => Some(*b),
            Value::String(s) if s.eq_ignore_ascii_case("true") => Some(true),
            Value::String(s) if s.eq_ignore_ascii_case("false") => Some(false),
            Value::Number(n) => n.as_f64().map(|f| f != 0.0),
            _ => None,
        })?)),
        Type::Tinyint | Type::Smallint | Type::Integer | Type::Bigint => {
            let ints = each(values, wanted, |v| match v {
                Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(f64::round).and_then(whole)),
                Value::String(s) => s.trim().parse().ok(),
                Value::Bool(b) => Some(i64::from(*b)),
                _ => None,
            })?;
            cast_with_options(&Int64Array::from(ints), &wanted.arrow(), &options)?
        }
        Type::Real | Type::Double | Type::Decimal(..) => {
            let floats = each(values, wanted, |v| match v {
                Value::Number(n) => n.as_f64(),
                Value::String(s) => s.trim().parse().ok(),
                Value::Bool(b) => Some(f64::from(u8::from(*b))),
                _ => None,
            })?;
            cast_with_options(&Float64Array::from(floats), &wanted.arrow(), &options)?
        }
        Type::Date | Type::Timestamp { .. } | Type::Varbinary => {
            let texts = StringArray::from(each(values, wanted, |v| v.as_str().map(str::to_owned))?);
            cast_with_options(&texts, &wanted.arrow(), &options)?
        }
        Type::Array(of) => {
            let mut items: Vec<Option<&Value>> = Vec::new();
            let mut lengths = Vec::with_capacity(values.len());
            let arrays = each_ref(values, wanted, Value::as_array)?;
            for array in &arrays {
                lengths.push(array.map_or(0, Vec::len));
                items.extend(array.iter().flat_map(|a| a.iter()).map(Some));
            }
            let nulls = NullBuffer::from_iter(arrays.iter().map(Option::is_some));
            let inner = build(&items, of, lenient)?;
            let field = Arc::new(Field::new_list_field(of.arrow(), true));
            Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), inner, Some(nulls))?)
        }
        Type::Map(key, of) => {
            let objects = each_ref(values, wanted, Value::as_object)?;
            let (mut keys, mut items, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(values.len()));
            for object in &objects {
                lengths.push(object.map_or(0, serde_json::Map::len));
                for (name, value) in object.iter().flat_map(|o| o.iter()) {
                    keys.push(Some(name.as_str()));
                    items.push(Some(value));
                }
            }
            let nulls = NullBuffer::from_iter(objects.iter().map(Option::is_some));
            let keys =
                cast_with_options(&StringArray::from(keys), &key.arrow(), &CastOptions { safe: false, ..options })?;
            let inner = build(&items, of, lenient)?;
            map(keys, inner, lengths, nulls)?
        }
        Type::Row(fields) => {
            for value in values.iter().flatten() {
                if !(value.is_object() || value.is_array() || value.is_null()) {
                    return exec_err!("this JSON does not fit {wanted}: {}", json::start(&value.to_string()));
                }
            }
            let columns = fields
                .iter()
                .enumerate()
                .map(|(i, (name, of))| {
                    let inner: Vec<Option<&Value>> = values
                        .iter()
                        .map(|v| match v {
                            Some(Value::Object(members)) => members
                                .get(name)
                                .or_else(|| members.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)),
                            Some(Value::Array(items)) => items.get(i),
                            _ => None,
                        })
                        .collect();
                    build(&inner, of, lenient)
                })
                .collect::<Result<Vec<_>>>()?;
            let DataType::Struct(of) = wanted.arrow() else { return exec_err!("a row is a struct") };
            let nulls = NullBuffer::from_iter(values.iter().map(|v| v.is_some_and(|v| !v.is_null())));
            Arc::new(StructArray::try_new(of, columns, Some(nulls))?)
        }
    })
}

/// A map's array of its parts.
pub(super) fn map(keys: ArrayRef, values: ArrayRef, lengths: Vec<usize>, nulls: NullBuffer) -> Result<ArrayRef> {
    let DataType::Map(entries, _) = map_of(keys.data_type().clone(), values.data_type().clone()) else {
        return exec_err!("a map has entries");
    };
    let DataType::Struct(fields) = entries.data_type() else { return exec_err!("a map has entries") };
    let inner = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(entries, OffsetBuffer::from_lengths(lengths), inner, Some(nulls), false)?))
}

fn each_ref<'v, T>(
    values: &[Option<&'v Value>],
    wanted: &Type,
    of: impl Fn(&'v Value) -> Option<&'v T>,
) -> Result<Vec<Option<&'v T>>> {
    values
        .iter()
        .map(|v| match v {
            None | Some(Value::Null) => Ok(None),
            Some(v) => match of(v) {
                Some(found) => Ok(Some(found)),
                None => exec_err!("this JSON does not fit {wanted}: {}", json::start(&v.to_string())),
            },
        })
        .collect()
}

/// A number without a fraction as an integer, if it fits.
fn whole(number: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
    (number.abs() < 9.0e18).then_some(number as i64)
}
