//! One record of an answer, read by AWS's member names.

use crate::estate::Home;
use smol_str::{SmolStr, format_smolstr};
use std::net::IpAddr;
use yagura_model::{IpRange, Map, Value};

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{record}: `{member}` {problem}")]
pub struct ReadError {
    /// The list and the record's id or place in it (`Subnets` `subnet-1`).
    pub record: SmolStr,
    /// The member.
    pub member: SmolStr,
    /// What is wrong with it.
    pub problem: SmolStr,
}

/// A structure of an answer. Members are found by AWS's names whatever their case, with underscores or without;
/// a member that is not there is absent, one of another type than AWS's is an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    map: &'a Map,
    name: &'a str,
    /// Where the answer was asked for.
    pub asked: &'a Home,
}

/// Whether two names are the same but for case, `_` and `-`.
pub(super) fn same(a: &str, b: &str) -> bool {
    plain(a).eq(plain(b))
}

fn plain(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase())
}

impl<'a> Record<'a> {
    /// A record, with the name that errors call it by.
    pub fn new(map: &'a Map, name: &'a str, asked: &'a Home) -> Self {
        Self { map, name, asked }
    }

    /// The same record under another name.
    pub fn named<'b>(&self, name: &'b str) -> Record<'b>
    where
        'a: 'b,
    {
        Record { name, ..*self }
    }

    /// An error about a member.
    pub fn error(&self, member: &str, problem: impl Into<SmolStr>) -> ReadError {
        ReadError { record: self.name.into(), member: member.into(), problem: problem.into() }
    }

    /// The member, as it stands.
    pub fn get(&self, member: &str) -> Option<&'a Value> {
        self.map.get(member).or_else(|| self.map.iter().find(|(name, _)| same(name, member)).map(|(_, v)| v))
    }

    /// A text; a number is read as its digits.
    pub fn text(&self, member: &str) -> Result<Option<SmolStr>, ReadError> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|t| !t.is_empty())),
            Some(Value::Int(number)) => Ok(Some(format_smolstr!("{number}"))),
            Some(other) => Err(self.error(member, format_smolstr!("is {} where a text is due", what(other)))),
        }
    }

    /// A text, empty where it is absent.
    pub fn plain(&self, member: &str) -> Result<SmolStr, ReadError> {
        Ok(self.text(member)?.unwrap_or_default())
    }

    /// A text that must be there.
    pub fn want(&self, member: &str) -> Result<SmolStr, ReadError> {
        self.text(member)?.ok_or_else(|| self.error(member, "is missing"))
    }

    /// A truth value.
    pub fn flag(&self, member: &str) -> Result<Option<bool>, ReadError> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(self.error(member, format_smolstr!("is {} where true or false is due", what(other)))),
        }
    }

    /// A whole number; a text of digits is one.
    pub fn number(&self, member: &str) -> Result<Option<i64>, ReadError> {
        let value = match self.get(member) {
            None => return Ok(None),
            Some(Value::Int(number)) => Some(*number),
            Some(Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => Some(*number as i64),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        value.map(Some).ok_or_else(|| self.error(member, "is no whole number"))
    }

    /// A port: 0 to 65535.
    pub fn port(&self, member: &str) -> Result<Option<u16>, ReadError> {
        let Some(number) = self.number(member)? else { return Ok(None) };
        u16::try_from(number).map(Some).map_err(|_| self.error(member, format_smolstr!("is {number}: no port")))
    }

    /// An address or a block.
    pub fn range(&self, member: &str) -> Result<Option<IpRange>, ReadError> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        let range = IpRange::parse(text.trim());
        range.map(Some).ok_or_else(|| self.error(member, format_smolstr!("is no CIDR block: `{text}`")))
    }

    /// An address.
    pub fn address(&self, member: &str) -> Result<Option<IpAddr>, ReadError> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| self.error(member, format_smolstr!("is no IP address: `{text}`")))
    }

    /// A structure.
    pub fn record(&self, member: &str) -> Result<Option<Record<'a>>, ReadError> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::Map(map)) => Ok(Some(Record { map, ..*self })),
            Some(other) => Err(self.error(member, format_smolstr!("is {} where a structure is due", what(other)))),
        }
    }

    /// The structures of a map, whatever their names.
    pub fn members(&self, member: &str) -> Result<Vec<Record<'a>>, ReadError> {
        let Some(of) = self.record(member)? else { return Ok(Vec::new()) };
        Ok(of.map.iter().filter_map(|(_, v)| v.as_map()).map(|map| Record { map, ..*self }).collect())
    }

    /// The whole structure, as it stands.
    pub fn value(&self) -> Value {
        Value::Map(self.map.clone())
    }

    /// A list of structures; empty where it is absent.
    pub fn records(&self, member: &str) -> Result<Vec<Record<'a>>, ReadError> {
        Ok(self.listed(member)?.unwrap_or_default())
    }

    /// A list of structures, or `None` where it is absent.
    pub fn listed(&self, member: &str) -> Result<Option<Vec<Record<'a>>>, ReadError> {
        let Some(items) = self.items(member)? else { return Ok(None) };
        let record = |item: &'a Value| match item {
            Value::Map(map) => Ok(Record { map, ..*self }),
            other => Err(self.error(member, format_smolstr!("lists {} where a structure is due", what(other)))),
        };
        items.iter().map(record).collect::<Result<_, _>>().map(Some)
    }

    /// A list of texts; empty where it is absent.
    pub fn texts(&self, member: &str) -> Result<Vec<SmolStr>, ReadError> {
        let items = self.items(member)?.unwrap_or_default();
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.error(member, format_smolstr!("lists {} where a text is due", what(other)))),
        };
        items.iter().map(text).collect()
    }

    /// One text of each structure of a list (`Groups` and `GroupId`).
    pub fn each(&self, member: &str, inner: &str) -> Result<Vec<SmolStr>, ReadError> {
        let texts = self.records(member)?.iter().map(|r| r.text(inner)).collect::<Result<Vec<_>, _>>()?;
        Ok(texts.into_iter().flatten().collect())
    }

    /// One block of each structure of a list (`CidrBlockSet` and `CidrBlock`).
    pub fn ranges(&self, member: &str, inner: &str) -> Result<Vec<IpRange>, ReadError> {
        let ranges = self.records(member)?.iter().map(|r| r.range(inner)).collect::<Result<Vec<_>, _>>()?;
        Ok(ranges.into_iter().flatten().collect())
    }

    fn items(&self, member: &str) -> Result<Option<&'a [Value]>, ReadError> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items)),
            Some(other) => Err(self.error(member, format_smolstr!("is {} where a list is due", what(other)))),
        }
    }

    /// The `Name` tag.
    pub fn name_tag(&self) -> Result<Option<SmolStr>, ReadError> {
        for member in ["Tags", "TagSet"] {
            if self.get(member).is_some_and(|tags| tags.as_list().is_none()) {
                continue; // some services answer a map
            }
            for tag in self.records(member)? {
                if tag.text("Key")?.as_deref() == Some("Name") {
                    return tag.text("Value");
                }
            }
        }
        Ok(None)
    }

    /// The record's home: the account that owns it, where a member tells, else the one that was asked.
    pub fn home(&self, owner: &str) -> Result<Home, ReadError> {
        Ok(Home { account: self.text(owner)?.unwrap_or_else(|| self.asked.account.clone()), ..self.asked.clone() })
    }

    /// The home that an ARN tells, where it tells one.
    pub fn home_of_arn(&self, arn: &str) -> Home {
        let part = |n, asked: &SmolStr| match arn.split(':').nth(n) {
            Some(text) if !text.is_empty() => text.into(),
            _ => asked.clone(),
        };
        Home { region: part(3, &self.asked.region), account: part(4, &self.asked.account) }
    }
}

/// The type of a value, in words.
pub(super) fn what(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a truth value",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::String(_) => "a text",
        Value::List(_) => "a list",
        Value::Unknown(_) => "not known",
        Value::Map(_) => "a structure",
    }
}
