//! Arguments of a function over a batch, and columns made from rows.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int64Array, Int64Builder, StringArray,
    StringBuilder, StringViewArray, TimestampMillisecondArray,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use std::sync::Arc;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// A date or a timestamp; text is read as one.
    Time,
    /// Bytes; text counts as its UTF-8.
    Bytes,
    /// Anything, as it is.
    Any,
}

impl Kind {
    pub(crate) fn coerce(self, found: &DataType, function: &str, place: usize) -> Result<DataType> {
        let found = match found {
            DataType::Dictionary(_, of) => of,
            other => other,
        };
        let text = matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let null = matches!(found, DataType::Null);
        let wanted = match self {
            Self::Any => {
                return Ok(match found {
                    DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
                    other => other.clone(),
                });
            }
            Self::Text if found == &DataType::Utf8View => return Ok(DataType::Utf8View),
            Self::Text if text || null => return Ok(DataType::Utf8),
            Self::Int if found.is_integer() || null => return Ok(DataType::Int64),
            Self::Float if found.is_numeric() || null => return Ok(DataType::Float64),
            Self::Bytes
                if text || null || matches!(found, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) =>
            {
                return Ok(DataType::Binary);
            }
            Self::Time => match found {
                DataType::Timestamp(_, zone) => return Ok(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
                DataType::Date32 | DataType::Date64 => return Ok(DataType::Timestamp(TimeUnit::Millisecond, None)),
                _ if text || null => return Ok(DataType::Timestamp(TimeUnit::Millisecond, None)),
                _ => "a date or a timestamp",
            },
            Self::Text => "text",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Bytes => "bytes",
        };
        plan_err!("argument {place} of {function} must be {wanted}, not {found}")
    }
}

/// The mark of a field that holds JSON as text.
const JSON: (&str, &str) = ("yagura.type", "json");

/// The field, marked as JSON.
pub(crate) fn mark_json(field: Field) -> Field {
    field.with_metadata([(JSON.0.to_owned(), JSON.1.to_owned())].into())
}

/// Whether a field holds JSON as text.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(JSON.0).is_some_and(|v| v == JSON.1)
}

/// Arguments: a constant is kept as one row.
pub(crate) struct Args {
    values: Vec<(ArrayRef, bool)>,
    pub fields: Vec<FieldRef>,
    pub rows: usize,
    pub lenient: bool,
    pub name: &'static str,
    pub gives: DataType,
}

impl Args {
    pub(crate) fn new(args: ScalarFunctionArgs, rows: usize, lenient: bool, name: &'static str) -> Result<Self> {
        let values = args
            .args
            .iter()
            .map(|v| match v {
                ColumnarValue::Array(a) => Ok((Arc::clone(a), false)),
                ColumnarValue::Scalar(s) => Ok((s.to_array()?, true)),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { values, fields: args.arg_fields, rows, lenient, name, gives: args.return_field.data_type().clone() })
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// An argument as a column of a type, with whether it is constant.
    fn column(&self, place: usize, wanted: &DataType) -> Result<(ArrayRef, bool)> {
        match self.values.get(place) {
            Some((array, constant)) if array.data_type() == wanted => Ok((Arc::clone(array), *constant)),
            Some((array, constant)) => {
                let options = CastOptions { safe: self.lenient, ..CastOptions::default() };
                Ok((cast_with_options(array, wanted, &options)?, *constant))
            }
            None => plan_err!("argument {} of {} is missing", place + 1, self.name),
        }
    }

    /// An argument as it is, with one row for each row of the batch.
    pub(crate) fn whole(&self, place: usize) -> Result<ArrayRef> {
        match self.values.get(place) {
            Some((array, false)) => Ok(Arc::clone(array)),
            Some((array, true)) => {
                let zeros = Int64Array::from(vec![0; self.rows]);
                Ok(datafusion::arrow::compute::take(array, &zeros, None)?)
            }
            None => plan_err!("argument {} of {} is missing", place + 1, self.name),
        }
    }

    /// An argument as text.
    pub(crate) fn text(&self, place: usize) -> Result<Texts> {
        if let Some((array, constant)) = self.values.get(place)
            && let Some(views) = array.as_string_view_opt()
        {
            return Ok(Texts { array: Text::Views(views.clone()), constant: *constant });
        }
        let (array, constant) = self.column(place, &DataType::Utf8)?;
        Ok(Texts { array: Text::Plain(array.as_string::<i32>().clone()), constant })
    }

    /// An argument as a whole number.
    pub(crate) fn int(&self, place: usize) -> Result<Ints> {
        let (array, constant) = self.column(place, &DataType::Int64)?;
        Ok(Ints { array: array.as_primitive::<Int64Type>().clone(), constant })
    }

    /// An argument as a number.
    pub(crate) fn float(&self, place: usize) -> Result<Floats> {
        let (array, constant) = self.column(place, &DataType::Float64)?;
        Ok(Floats { array: array.as_primitive::<Float64Type>().clone(), constant })
    }

    /// An argument as bytes.
    pub(crate) fn bytes(&self, place: usize) -> Result<Bytes> {
        let (array, constant) = self.column(place, &DataType::Binary)?;
        Ok(Bytes { array: array.as_binary::<i32>().clone(), constant })
    }

    /// An argument as milliseconds since the epoch, with the time zone that its type names.
    pub(crate) fn time(&self, place: usize) -> Result<Times> {
        let zone = match self.values.get(place).map(|(a, _)| a.data_type()) {
            Some(DataType::Timestamp(_, zone)) => zone.clone(),
            _ => None,
        };
        let (array, constant) = self.column(place, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))?;
        Ok(Times { array: array.as_primitive::<TimestampMillisecondType>().clone(), constant, zone })
    }

    /// A row's result: an error, or null in the lenient twin.
    fn settle<T>(&self, result: Result<Option<T>>) -> Result<Option<T>> {
        match result {
            Err(_) if self.lenient => Ok(None),
            other => other,
        }
    }

    /// A column of text.
    pub(crate) fn texts<S: AsRef<str>>(&self, mut row: impl FnMut(usize) -> Result<Option<S>>) -> Result<ArrayRef> {
        let mut out = StringBuilder::with_capacity(self.rows, self.rows * 16);
        for i in 0..self.rows {
            out.append_option(self.settle(row(i))?);
        }
        Ok(Arc::new(out.finish()))
    }

    /// A column of whole numbers.
    pub(crate) fn ints(&self, mut row: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let mut out = Int64Builder::with_capacity(self.rows);
        for i in 0..self.rows {
            out.append_option(self.settle(row(i))?);
        }
        Ok(Arc::new(out.finish()))
    }

    /// A column of numbers.
    pub(crate) fn floats(&self, mut row: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        let mut out = Float64Builder::with_capacity(self.rows);
        for i in 0..self.rows {
            out.append_option(self.settle(row(i))?);
        }
        Ok(Arc::new(out.finish()))
    }

    /// A column of truth values.
    pub(crate) fn bools(&self, mut row: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        let rows = (0..self.rows).map(|i| self.settle(row(i))).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(BooleanArray::from(rows)))
    }

    /// A column of timestamps of the type that the function gives.
    pub(crate) fn times(&self, mut row: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let rows = (0..self.rows).map(|i| self.settle(row(i))).collect::<Result<Vec<_>>>()?;
        let zone = match &self.gives {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let array = TimestampMillisecondArray::from(rows).with_timezone_opt(zone);
        if array.data_type() == &self.gives {
            Ok(Arc::new(array))
        } else {
            Ok(datafusion::arrow::compute::cast(&array, &self.gives)?)
        }
    }
}

macro_rules! column {
    ($name:ident, $array:ty, $of:ty, $doc:literal) => {
        #[doc = $doc]
        pub(crate) struct $name {
            array: $array,
            constant: bool,
        }

        impl $name {
            /// A row's value.
            pub(crate) fn get(&self, row: usize) -> Option<$of> {
                let at = if self.constant { 0 } else { row };
                self.array.is_valid(at).then(|| self.array.value(at))
            }
        }
    };
}

column!(Ints, Int64Array, i64, "Whole numbers.");
column!(Floats, Float64Array, f64, "Numbers.");

/// Text.
pub(crate) struct Texts {
    array: Text,
    constant: bool,
}

/// Text as it came: views are not copied.
enum Text {
    Plain(StringArray),
    Views(StringViewArray),
}

impl Texts {
    /// A row's value.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        let at = if self.constant { 0 } else { row };
        match &self.array {
            Text::Plain(array) => array.is_valid(at).then(|| array.value(at)),
            Text::Views(array) => array.is_valid(at).then(|| array.value(at)),
        }
    }
}

/// Bytes.
pub(crate) struct Bytes {
    array: datafusion::arrow::array::BinaryArray,
    constant: bool,
}

impl Bytes {
    /// A row's value.
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        let at = if self.constant { 0 } else { row };
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

/// Points in time.
pub(crate) struct Times {
    array: TimestampMillisecondArray,
    constant: bool,
    /// The time zone that the type names; none where it has none.
    pub zone: Option<Arc<str>>,
}

impl Times {
    /// A row's milliseconds since the epoch; for a timestamp without time zone those of its wall clock.
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        let at = if self.constant { 0 } else { row };
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

/// The last value that was made from a text, such as a pattern: most columns of patterns are constant.
pub(crate) struct Last<T> {
    made: Option<(String, T)>,
}

impl<T> Last<T> {
    pub(crate) fn new() -> Self {
        Self { made: None }
    }

    /// The value of `text`, made anew only if the text changed.
    pub(crate) fn get(&mut self, text: &str, make: impl FnOnce(&str) -> Result<T>) -> Result<&T> {
        if self.made.as_ref().is_none_or(|(t, _)| t != text) {
            self.made = Some((text.to_owned(), make(text)?));
        }
        match &self.made {
            Some((_, value)) => Ok(value),
            None => plan_err!("nothing was made of `{text}`"),
        }
    }
}
