//! Columns as Athena's documentation writes them (`useridentity struct<type:string,arn:string>`), and their builders.
//!
//! Types: <https://docs.aws.amazon.com/athena/latest/ug/data-types.html>

use crate::json::{Kind, Raw, each_member};
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float32Builder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use std::sync::Arc;

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `string`. A JSON object or array is kept as its text, as Athena's JSON readers do.
    String,
    /// `int`
    Int,
    /// `bigint`
    Bigint,
    /// `double`
    Double,
    /// `float`
    Float,
    /// `date`
    Date,
    /// `boolean`
    Boolean,
    /// `timestamp`, milliseconds, UTC.
    Timestamp,
    /// `struct<name:type,…>`
    Struct(Vec<(String, Type)>),
    /// `array<type>`
    Array(Box<Type>),
    /// `map<string,type>`
    Map(Box<Type>),
}

/// Why a column list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a column list from `{0}` on")]
pub struct Unreadable(String);

/// Reads `name type, name type, …`.
///
/// # Errors
/// Where it is none.
pub fn parse(list: &str) -> Result<Vec<(String, Type)>, Unreadable> {
    let mut rest = list.trim();
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let (name, after) = word(rest)?;
        let (kind, after) = kind(after.trim_start())?;
        columns.push((name.to_owned(), kind));
        rest = after.trim_start();
        rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
        if rest.is_empty() || after.trim_start().starts_with(',') {
            continue;
        }
        return Err(Unreadable(rest.to_owned()));
    }
    Ok(columns)
}

fn word(text: &str) -> Result<(&str, &str), Unreadable> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if end == 0 {
        return Err(Unreadable(text.to_owned()));
    }
    Ok(text.split_at(end))
}

fn kind(text: &str) -> Result<(Type, &str), Unreadable> {
    let wrong = || Unreadable(text.to_owned());
    let (name, rest) = word(text)?;
    let simple = match name {
        "string" => Type::String,
        "int" => Type::Int,
        "bigint" => Type::Bigint,
        "double" => Type::Double,
        "float" => Type::Float,
        "date" => Type::Date,
        "boolean" => Type::Boolean,
        "timestamp" => Type::Timestamp,
        "array" => {
            let (of, rest) = kind(rest.strip_prefix('<').ok_or_else(wrong)?)?;
            return Ok((Type::Array(Box::new(of)), rest.strip_prefix('>').ok_or_else(wrong)?));
        }
        "map" => {
            let (of, rest) = kind(rest.strip_prefix("<string,").ok_or_else(wrong)?)?;
            return Ok((Type::Map(Box::new(of)), rest.strip_prefix('>').ok_or_else(wrong)?));
        }
        "struct" => {
            let mut rest = rest.strip_prefix('<').ok_or_else(wrong)?;
            let mut members = Vec::new();
            loop {
                let (name, after) = word(rest.trim_start())?;
                let (of, after) = kind(after.strip_prefix(':').ok_or_else(wrong)?)?;
                members.push((name.to_owned(), of));
                if let Some(after) = after.strip_prefix('>') {
                    return Ok((Type::Struct(members), after));
                }
                rest = after.strip_prefix(',').ok_or_else(wrong)?;
            }
        }
        _ => return Err(wrong()),
    };
    Ok((simple, rest))
}

impl Type {
    /// The type in Arrow, and so in Parquet.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Float => DataType::Float32,
            Self::Date => DataType::Date32,
            Self::Boolean => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            Self::Struct(members) => DataType::Struct(fields(members)),
            Self::Array(of) => DataType::List(Arc::new(Field::new("element", of.arrow(), true))),
            Self::Map(of) => {
                DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries(of)), false)), false)
            }
        }
    }
}

/// Named types as Arrow fields, all nullable.
pub fn fields(columns: &[(String, Type)]) -> Fields {
    columns.iter().map(|(name, kind)| Field::new(name, kind.arrow(), true)).collect()
}

fn entries(of: &Type) -> Fields {
    Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", of.arrow(), true)])
}

/// Collects one column's values.
#[derive(Debug)]
pub enum Column {
    /// See [`Type::String`].
    String(StringBuilder),
    /// See [`Type::Int`].
    Int(Int32Builder),
    /// See [`Type::Bigint`].
    Bigint(Int64Builder),
    /// See [`Type::Double`].
    Double(Float64Builder),
    /// See [`Type::Float`].
    Float(Float32Builder),
    /// See [`Type::Date`].
    Date(Date32Builder),
    /// See [`Type::Boolean`].
    Boolean(BooleanBuilder),
    /// See [`Type::Timestamp`].
    Timestamp(TimestampMillisecondBuilder),
    /// See [`Type::Struct`].
    Struct(Members),
    /// See [`Type::Array`].
    Array(Repeated),
    /// See [`Type::Map`].
    Map(Box<StringBuilder>, Repeated),
}

/// A struct's members and where it is null.
#[derive(Debug)]
pub struct Members {
    names: Vec<String>,
    columns: Vec<Column>,
    fields: Fields,
    valid: NullBufferBuilder,
    /// Which members the object at hand has filled.
    filled: Vec<bool>,
}

/// Elements and how many each row has.
#[derive(Debug)]
pub struct Repeated {
    of: Box<Column>,
    field: Arc<Field>,
    lengths: Vec<usize>,
    valid: NullBufferBuilder,
}

impl Column {
    /// An empty one.
    pub fn new(kind: &Type) -> Self {
        match kind {
            Type::String => Self::String(StringBuilder::new()),
            Type::Int => Self::Int(Int32Builder::new()),
            Type::Bigint => Self::Bigint(Int64Builder::new()),
            Type::Double => Self::Double(Float64Builder::new()),
            Type::Float => Self::Float(Float32Builder::new()),
            Type::Date => Self::Date(Date32Builder::new()),
            Type::Boolean => Self::Boolean(BooleanBuilder::new()),
            Type::Timestamp => Self::Timestamp(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            Type::Struct(members) => Self::Struct(Members {
                names: members.iter().map(|(n, _)| n.clone()).collect(),
                columns: members.iter().map(|(_, k)| Self::new(k)).collect(),
                fields: fields(members),
                valid: NullBufferBuilder::new(1024),
                filled: vec![false; members.len()],
            }),
            Type::Array(of) => Self::Array(Repeated::new(of, Field::new("element", of.arrow(), true))),
            Type::Map(of) => {
                let field = Field::new("key_value", DataType::Struct(entries(of)), false);
                Self::Map(Box::default(), Repeated::new(of, field))
            }
        }
    }

    /// Adds a null.
    pub fn null(&mut self) {
        match self {
            Self::String(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::Bigint(b) => b.append_null(),
            Self::Double(b) => b.append_null(),
            Self::Float(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Boolean(b) => b.append_null(),
            Self::Timestamp(b) => b.append_null(),
            Self::Struct(m) => {
                m.columns.iter_mut().for_each(Self::null);
                m.valid.append_null();
            }
            Self::Array(r) | Self::Map(_, r) => {
                r.lengths.push(0);
                r.valid.append_null();
            }
        }
    }

    /// Adds a value. Where it does not fit the type a null is added and the answer is false, or, within a struct, its JSON text is
    /// handed to nobody: callers keep a record's text where they must not lose it.
    pub fn push(&mut self, raw: Raw<'_>) -> bool {
        if raw.kind == Kind::Null {
            self.null();
            return true;
        }
        match self {
            Self::String(b) => {
                match raw.kind {
                    Kind::Escaped => b.append_value(crate::json::unescape(raw.text)),
                    _ => b.append_value(raw.text),
                }
                true
            }
            Self::Int(b) => put(number(raw).and_then(|n| i32::try_from(n).ok()), |v| b.append_option(v)),
            Self::Bigint(b) => put(number(raw), |v| b.append_option(v)),
            Self::Double(b) => put(raw.scalar().and_then(|t| t.parse().ok()), |v| b.append_option(v)),
            Self::Float(b) => put(raw.scalar().and_then(|t| t.parse().ok()), |v| b.append_option(v)),
            Self::Date(b) => put(raw.scalar().and_then(|t| crate::time::days(&t)), |v| b.append_option(v)),
            Self::Boolean(b) => put(boolean(raw), |v| b.append_option(v)),
            Self::Timestamp(b) => put(raw.scalar().and_then(|t| crate::time::millis(&t)), |v| b.append_option(v)),
            Self::Struct(_) if raw.kind != Kind::Object => self.misfit(raw),
            Self::Struct(m) => m.push(raw),
            Self::Array(r) if raw.kind == Kind::Array => {
                let elements = raw.elements();
                r.valid.append_non_null();
                r.lengths.push(elements.len());
                let mut fits = true;
                for element in elements {
                    fits &= r.of.push(element);
                }
                fits
            }
            // Athena's readers take one value for a list of one.
            Self::Array(r) => {
                r.valid.append_non_null();
                r.lengths.push(1);
                r.of.push(raw)
            }
            Self::Map(keys, r) if raw.kind == Kind::Object => {
                let (mut n, mut fits) = (0, true);
                let read = each_member(raw.text, &mut |k, v| {
                    n += 1;
                    keys.append_value(crate::json::unescape(k.text));
                    fits &= r.of.push(v);
                });
                r.valid.append_non_null();
                r.lengths.push(n);
                fits && read.is_ok()
            }
            Self::Map(..) => self.misfit(raw),
        }
    }

    fn misfit(&mut self, raw: Raw<'_>) -> bool {
        self.null();
        raw.text.is_empty()
    }

    /// The values so far as an array; the builder is empty then.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Self::String(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Bigint(b) => Arc::new(b.finish()),
            Self::Double(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Boolean(b) => Arc::new(b.finish()),
            Self::Timestamp(b) => Arc::new(b.finish()),
            Self::Struct(m) => {
                let columns: Vec<ArrayRef> = m.columns.iter_mut().map(Self::finish).collect();
                Arc::new(StructArray::new(m.fields.clone(), columns, m.valid.finish()))
            }
            Self::Array(r) => {
                let offsets = r.offsets();
                Arc::new(ListArray::new(r.field.clone(), offsets, r.of.finish(), r.valid.finish()))
            }
            Self::Map(keys, r) => {
                let offsets = r.offsets();
                let DataType::Struct(fields) = r.field.data_type() else {
                    return arrow_array::new_null_array(r.field.data_type(), r.lengths.len());
                };
                let pairs = StructArray::new(fields.clone(), vec![Arc::new(keys.finish()), r.of.finish()], None);
                Arc::new(MapArray::new(r.field.clone(), offsets, pairs, r.valid.finish(), false))
            }
        }
    }
}

impl Repeated {
    fn new(of: &Type, field: Field) -> Self {
        Self {
            of: Box::new(Column::new(of)),
            field: Arc::new(field),
            lengths: Vec::new(),
            valid: NullBufferBuilder::new(1024),
        }
    }

    fn offsets(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::from_lengths(std::mem::take(&mut self.lengths))
    }
}

impl Members {
    fn push(&mut self, raw: Raw<'_>) -> bool {
        self.filled.iter_mut().for_each(|f| *f = false);
        let mut fits = true;
        let mut next = 0;
        let Self { names, columns, filled, .. } = self;
        let read = each_member(raw.text, &mut |key, value| {
            let Some(n) = find(names, key.text, next) else {
                fits = false;
                return;
            };
            next = n + 1;
            let (Some(column), Some(seen)) = (columns.get_mut(n), filled.get_mut(n)) else { return };
            if std::mem::replace(seen, true) {
                fits = false;
            } else {
                fits &= column.push(value);
            }
        });
        for (column, _) in columns.iter_mut().zip(filled.iter()).filter(|(_, filled)| !**filled) {
            column.null();
        }
        self.valid.append_non_null();
        fits && read.is_ok()
    }
}

/// Which name a key means: letters' case aside, `-`, `.`, `:` and `@` for `_`, as Athena's readers map keys. Looks at `guess` first.
pub fn find(names: &[String], key: &str, guess: usize) -> Option<usize> {
    if names.get(guess).is_some_and(|n| means(n, key)) {
        return Some(guess);
    }
    names.iter().position(|n| means(n, key))
}

fn means(name: &str, key: &str) -> bool {
    name.len() == key.len()
        && name
            .bytes()
            .zip(key.bytes())
            .all(|(n, k)| n == k.to_ascii_lowercase() || (n == b'_' && matches!(k, b'-' | b'.' | b':' | b'@' | b' ')))
}

fn put<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let fits = value.is_some();
    append(value);
    fits
}

fn number(raw: Raw<'_>) -> Option<i64> {
    if matches!(raw.kind, Kind::Object | Kind::Array | Kind::Bool) {
        return None;
    }
    match raw.text.parse() {
        Ok(n) => Some(n),
        // 1.0 and 1e3 are whole too.
        Err(_) => raw.text.parse::<f64>().ok().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64),
    }
}

fn boolean(raw: Raw<'_>) -> Option<bool> {
    match raw.text {
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
    use super::*;
    use crate::json::value;
    use arrow_array::{Array, cast::AsArray};

    #[test]
    fn lists_are_read_as_athena_writes_them() {
        let columns = parse("a string, b struct<c:int,d:array<struct<e:bigint>>>,\n  m map<string,string>").unwrap();
        assert_eq!(columns.len(), 3);
        assert_eq!(columns[1].1.arrow().to_string().matches("Int").count(), 2);
        for wrong in ["a", "a strin", "a struct<b>", "a array<int", "a int b int"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_fill_columns_and_misfits_are_told() {
        let kind = parse("s struct<aB_c:string,n:int,l:array<struct<x:string>>,m:map<string,string>,t:timestamp>");
        let mut kind = kind.unwrap();
        let Type::Struct(members) = &mut kind[0].1 else { unreachable!() };
        members[0].0 = "ab_c".to_owned();
        let mut column = Column::new(&kind[0].1);
        assert!(column.push(
            value(r#"{"aB-c":"x\n","n":"7","l":[{"x":"1"},{}],"m":{"k":{"v":1}},"t":"2024-01-02T03:04:05Z"}"#).unwrap()
        ));
        assert!(column.push(value("null").unwrap()));
        assert!(!column.push(value(r#"{"n":"seven"}"#).unwrap()), "not a number");
        assert!(!column.push(value(r#"{"unknown":1}"#).unwrap()), "no such member");
        assert!(!column.push(value("5").unwrap()), "not an object");
        let array = column.finish();
        assert_eq!((array.len(), array.null_count()), (5, 2));
        let s = array.as_struct();
        assert_eq!(s.column(0).as_string::<i32>().value(0), "x\n");
        assert_eq!(s.column(2).as_list::<i32>().value(0).len(), 2);
        assert_eq!(s.column(3).as_map().value(0).column(1).as_string::<i32>().value(0), r#"{"v":1}"#);
    }
}
