//! Type names as Athena writes them in `CAST` ("Data types in Amazon Athena", engine version 3, which is Trino's grammar):
//! `varchar`, `array(varchar)`, `map(varchar, json)`, `row(name varchar, value varchar)`, `timestamp(3) with time zone`.

use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use std::fmt;
use std::sync::Arc;

/// A type of Athena's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    Tinyint,
    Smallint,
    Integer,
    Bigint,
    Real,
    Double,
    Decimal(u8, i8),
    Varchar,
    Varbinary,
    Date,
    Timestamp {
        zone: bool,
    },
    /// JSON, kept as its text.
    Json,
    /// An address, kept as its text: the text is checked when a value is cast.
    IpAddress,
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Row(Vec<(String, Type)>),
}

impl Type {
    /// How values of the type are stored.
    pub(crate) fn arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Tinyint => DataType::Int8,
            Self::Smallint => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(p, s) => DataType::Decimal128(*p, *s),
            Self::Varchar | Self::Json | Self::IpAddress => DataType::Utf8,
            Self::Varbinary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp { zone } => DataType::Timestamp(TimeUnit::Millisecond, zone.then(|| "UTC".into())),
            Self::Array(of) => DataType::List(Arc::new(Field::new_list_field(of.arrow(), true))),
            Self::Map(key, value) => map_of(key.arrow(), value.arrow()),
            Self::Row(fields) => {
                DataType::Struct(fields.iter().map(|(n, t)| Field::new(n, t.arrow(), true)).collect::<Fields>())
            }
        }
    }

    /// Reads a type's text.
    pub(crate) fn parse(text: &str) -> Result<Self, ParserError> {
        let dialect = super::dialect::Athena;
        let tokens = Tokenizer::new(&dialect, text).tokenize()?;
        let mut parser = Parser::new(&dialect).with_tokens(tokens);
        read(&mut parser, 0)
    }
}

/// The layout that every map of this crate has.
pub(crate) fn map_of(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Tinyint => f.write_str("tinyint"),
            Self::Smallint => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::Bigint => f.write_str("bigint"),
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double"),
            Self::Decimal(p, s) => write!(f, "decimal({p}, {s})"),
            Self::Varchar => f.write_str("varchar"),
            Self::Varbinary => f.write_str("varbinary"),
            Self::Date => f.write_str("date"),
            Self::Timestamp { zone: true } => f.write_str("timestamp with time zone"),
            Self::Timestamp { zone: false } => f.write_str("timestamp"),
            Self::Json => f.write_str("json"),
            Self::IpAddress => f.write_str("ipaddress"),
            Self::Array(of) => write!(f, "array({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Row(fields) => {
                f.write_str("row(")?;
                for (i, (name, of)) in fields.iter().enumerate() {
                    write!(f, "{}\"{}\" {of}", if i > 0 { ", " } else { "" }, name.replace('"', "\"\""))?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Deeper types than this are nobody's.
const DEEPEST: usize = 24;

/// Reads a type where the parser stands.
pub(crate) fn read(parser: &mut Parser<'_>, depth: usize) -> Result<Type, ParserError> {
    if depth > DEEPEST {
        return Err(ParserError::ParserError("the type is nested too deeply".into()));
    }
    let token = parser.next_token();
    let Token::Word(word) = &token.token else {
        return parser.expected("a type's name", token);
    };
    let read_type = match word.value.to_ascii_lowercase().as_str() {
        "boolean" | "bool" => Type::Boolean,
        "tinyint" => Type::Tinyint,
        "smallint" => Type::Smallint,
        "integer" | "int" => Type::Integer,
        "bigint" | "long" => Type::Bigint,
        "real" | "float" => Type::Real,
        "double" => {
            let _ = parser.parse_keyword(Keyword::PRECISION);
            Type::Double
        }
        "decimal" | "numeric" => {
            let digits = numbers(parser)?;
            let at = |i: usize, other: u64| digits.get(i).copied().unwrap_or(other).min(38);
            Type::Decimal(u8::try_from(at(0, 38)).unwrap_or(38), i8::try_from(at(1, 0)).unwrap_or(0))
        }
        "varchar" | "char" | "string" | "text" => {
            numbers(parser)?;
            Type::Varchar
        }
        "varbinary" | "binary" => Type::Varbinary,
        "date" => Type::Date,
        "timestamp" | "datetime" => {
            numbers(parser)?;
            let zone = parser.parse_keywords(&[Keyword::WITH, Keyword::TIME, Keyword::ZONE]);
            if !zone {
                let _ = parser.parse_keywords(&[Keyword::WITHOUT, Keyword::TIME, Keyword::ZONE]);
            }
            Type::Timestamp { zone }
        }
        "json" => Type::Json,
        "ipaddress" => Type::IpAddress,
        "array" => match bracketed(parser, depth, 1)?.pop() {
            Some(of) => Type::Array(Box::new(of)),
            None => return Err(ParserError::ParserError("array takes one type".into())),
        },
        "map" => {
            let mut of = bracketed(parser, depth, 2)?;
            match (of.pop(), of.pop()) {
                (Some(value), Some(key)) => Type::Map(Box::new(key), Box::new(value)),
                _ => return Err(ParserError::ParserError("map takes two types".into())),
            }
        }
        "row" | "struct" => Type::Row(row(parser, depth)?),
        other => {
            let names = [
                "boolean",
                "tinyint",
                "smallint",
                "integer",
                "bigint",
                "real",
                "double",
                "decimal",
                "varchar",
                "varbinary",
                "date",
                "timestamp",
                "json",
                "ipaddress",
                "array",
                "map",
                "row",
            ];
            let hint =
                yagura_model::nearest(other, names).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            return Err(ParserError::ParserError(format!("`{other}` is no type{hint}")));
        }
    };
    Ok(read_type)
}

/// `(n)`, `(n, m)` or nothing.
fn numbers(parser: &mut Parser<'_>) -> Result<Vec<u64>, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(Vec::new());
    }
    let found = parser.parse_comma_separated(Parser::parse_literal_uint)?;
    parser.expect_token(&Token::RParen)?;
    Ok(found)
}

/// `(type, …)`, or `<type, …>` as table definitions write it.
fn bracketed(parser: &mut Parser<'_>, depth: usize, count: usize) -> Result<Vec<Type>, ParserError> {
    let close = open(parser)?;
    let found = parser.parse_comma_separated(|p| read(p, depth + 1))?;
    parser.expect_token(&close)?;
    if found.len() == count { Ok(found) } else { Err(ParserError::ParserError(format!("{count} type(s) expected"))) }
}

fn row(parser: &mut Parser<'_>, depth: usize) -> Result<Vec<(String, Type)>, ParserError> {
    let close = open(parser)?;
    let found = parser.parse_comma_separated(|p| {
        let name = p.parse_identifier()?.value.to_ascii_lowercase();
        let _ = p.consume_token(&Token::Colon);
        Ok((name, read(p, depth + 1)?))
    })?;
    parser.expect_token(&close)?;
    Ok(found)
}

fn open(parser: &mut Parser<'_>) -> Result<Token, ParserError> {
    if parser.consume_token(&Token::Lt) {
        return Ok(Token::Gt);
    }
    parser.expect_token(&Token::LParen)?;
    Ok(Token::RParen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_said_again() {
        for (text, said) in [
            ("VARCHAR(12)", "varchar"),
            ("array(varchar)", "array(varchar)"),
            ("array<string>", "array(varchar)"),
            ("map(varchar, array(json))", "map(varchar, array(json))"),
            ("row(name varchar, \"Value\" bigint)", "row(\"name\" varchar, \"value\" bigint)"),
            ("timestamp(3) with time zone", "timestamp with time zone"),
            ("decimal(10,2)", "decimal(10, 2)"),
            ("double precision", "double"),
        ] {
            let read = Type::parse(text).unwrap();
            assert_eq!(read.to_string(), said);
            assert_eq!(Type::parse(said).unwrap(), read, "{said}");
        }
        assert!(Type::parse("varchr").unwrap_err().to_string().contains("varchar"));
        assert!(Type::parse("array(varchar").is_err());
    }
}
