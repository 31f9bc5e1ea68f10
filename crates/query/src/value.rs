//! A value of a column as JSON.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, exec_err};
use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use std::sync::Arc;

/// The value of a row: numbers as numbers (decimals too), rows and maps as objects, timestamps in ISO 8601, bytes in
/// hexadecimal. Numbers that JSON does not know (NaN, infinities) are null.
pub fn at(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => {
            // By its text: 0.1 as a double would be 0.10000000149….
            let text = array.as_primitive::<Float32Type>().value(row).to_string();
            text.parse().map_or(Value::Null, number)
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            let wide = datafusion::arrow::compute::cast(&array.slice(row, 1), &DataType::Int64)?;
            wide.as_primitive::<Int64Type>().value(0).into()
        }
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            let text = shown(array, row)?;
            text.parse::<i64>().map_or_else(|_| text.parse().map_or(Value::Null, number), Value::from)
        }
        DataType::Timestamp(unit, zone) => timestamp(array, row, *unit, zone.as_deref())?.into(),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            match jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)) {
                Ok(date) => date.to_string().into(),
                Err(_) => return exec_err!("the date {days} days after 1970 lies out of range"),
            }
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            shown(array, row)?.into()
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().zip(columns).map(|(f, c)| Ok((f.name().clone(), at(c, row)?)));
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let members = (0..entries.len()).map(|i| {
                let key = match at(keys, i)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                Ok((key, at(values, i)?))
            });
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        DataType::Dictionary(..) => {
            let plain = datafusion::arrow::compute::cast(&array.slice(row, 1), &dictionary_value(array.data_type()))?;
            at(&plain, 0)?
        }
        _ => shown(array, row)?.into(),
    })
}

fn dictionary_value(of: &DataType) -> DataType {
    match of {
        DataType::Dictionary(_, value) => (**value).clone(),
        other => other.clone(),
    }
}

fn list(items: &ArrayRef) -> Result<Value> {
    Ok(Value::Array((0..items.len()).map(|i| at(items, i)).collect::<Result<_>>()?))
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn shown(array: &ArrayRef, row: usize) -> Result<String> {
    let one: ArrayRef = Arc::clone(array);
    let formatter = ArrayFormatter::try_new(&one, &FormatOptions::default())?;
    Ok(formatter.value(row).to_string())
}

/// ISO 8601: with `Z` or an offset where the type has a time zone; fractions only where there are any.
fn timestamp(array: &ArrayRef, row: usize, unit: TimeUnit, zone: Option<&str>) -> Result<String> {
    let found = match unit {
        TimeUnit::Second => Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(row)),
        TimeUnit::Millisecond => {
            Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            Timestamp::from_nanosecond(array.as_primitive::<TimestampNanosecondType>().value(row).into())
        }
    };
    let Ok(at) = found else { return exec_err!("a timestamp lies out of range") };
    Ok(match zone {
        None => jiff::tz::Offset::UTC.to_datetime(at).to_string(),
        Some("UTC" | "utc" | "+00:00" | "Z") => at.to_string(),
        Some(other) => {
            let offset = crate::functions::zone(other)?.to_offset(at);
            at.display_with_offset(offset).to_string()
        }
    })
}
