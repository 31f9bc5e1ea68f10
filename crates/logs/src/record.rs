//! One record, its fields in the order of its table's columns.

use crate::columns::find;
use crate::json::{Broken, Kind, Raw, each_member};
use crate::table::Table;
use std::borrow::Cow;
use std::cell::OnceCell;

/// A JSON object's members in their order, with an index of nothing: records have a few dozen.
#[derive(Debug, Default)]
pub struct Object<'a> {
    members: Vec<(Raw<'a>, Raw<'a>)>,
}

impl<'a> Object<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// Where the text is not one JSON object.
    pub fn read(text: &'a str) -> Result<Self, Broken> {
        let mut members = Vec::with_capacity(32);
        each_member(text, &mut |key, value| members.push((key, value)))?;
        Ok(Self { members })
    }

    /// Whether it has a member of this very name.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(k, _)| k.text == name)
    }

    /// Whether it has all of these.
    pub fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|n| self.has(n))
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.members.iter().find(|(k, _)| k.text == name).map(|(_, v)| *v)
    }

    /// The members' names.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.members.iter().map(|(k, _)| k.text)
    }

    /// Puts the members into a record of this table.
    pub fn into_record(self, table: &'static Table) -> Record<'a> {
        let mut record = Record::new(table);
        let mut next = 0;
        for (key, mut value) in self.members {
            if table.source.dashes && value.kind == Kind::Str && value.text == "-" {
                value = Raw { text: "null", kind: Kind::Null };
            }
            let place = find(&table.names, key.text, next).or_else(|| {
                let (_, column) = table.source.renamed.iter().find(|(name, _)| *name == key.text)?;
                find(&table.names, column, next)
            });
            match place {
                Some(n) if record.put(n, value) => next = n + 1,
                _ => record.rest.push((key, value)),
            }
        }
        record
    }
}

/// One record of a table.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its table.
    pub table: &'static Table,
    slots: Vec<Option<Raw<'a>>>,
    /// Members that no column has.
    pub rest: Vec<(Raw<'a>, Raw<'a>)>,
    /// Where members of the caller's object stand in it, once somebody asked: nearly every rule looks there.
    caller: OnceCell<Vec<Place>>,
}

/// A member's name and value in their object's text: from, to, what it is.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: (usize, usize, Kind),
    value: (usize, usize, Kind),
}

impl<'a> Record<'a> {
    /// One without fields.
    pub fn new(table: &'static Table) -> Self {
        Self { table, slots: vec![None; table.names.len()], rest: Vec::new(), caller: OnceCell::new() }
    }

    /// Puts a value into a column; false where there is one already or there is no such column.
    pub fn put(&mut self, column: usize, value: Raw<'a>) -> bool {
        match self.slots.get_mut(column) {
            Some(slot) if slot.is_none() => {
                *slot = Some(value);
                true
            }
            _ => false,
        }
    }

    /// The values by column.
    pub fn slots(&self) -> &[Option<Raw<'a>>] {
        &self.slots
    }

    /// A column's value.
    pub fn get(&self, column: &str) -> Option<Raw<'a>> {
        let n = self.table.names.iter().position(|n| n == column)?;
        *self.slots.get(n)?
    }

    /// A column's scalar as text; nothing for null, an empty text, an object or a list.
    pub fn text(&self, column: &str) -> Option<Cow<'a, str>> {
        self.get(column)?.scalar().filter(|t| !t.is_empty())
    }

    /// The members of a CloudTrail event's `userIdentity`, in their order, read once; none where it is no object, and none of any other
    /// column.
    pub fn caller(&self, column: usize) -> Option<impl Iterator<Item = (Raw<'a>, Raw<'a>)>> {
        let (raw, members) = self.members(column)?;
        let part = move |(from, to, kind)| Raw { text: raw.text.get(from..to).unwrap_or_default(), kind };
        Some(members.iter().map(move |m| (part(m.name), part(m.value))))
    }

    /// The first of those members that has a name, in any case; none of any other column.
    pub fn of_caller(&self, column: usize, name: &str) -> Option<Option<Raw<'a>>> {
        let (raw, members) = self.members(column)?;
        let bytes = raw.text.as_bytes();
        let has = |(from, to, _): (usize, usize, Kind)| {
            to - from == name.len() && bytes.get(from..to).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
        };
        let (from, to, kind) = match members.iter().find(|m| has(m.name)) {
            Some(member) => member.value,
            None => return Some(None),
        };
        Some(Some(Raw { text: raw.text.get(from..to).unwrap_or_default(), kind }))
    }

    fn members(&self, column: usize) -> Option<(Raw<'a>, &[Place])> {
        let raw = self.slots.get(column).copied().flatten()?;
        if raw.kind != Kind::Object || self.table.names.get(column)? != "useridentity" {
            return None;
        }
        let begin = raw.text.as_ptr().addr();
        let place = |part: Raw<'_>| {
            let from = part.text.as_ptr().addr().saturating_sub(begin);
            (from, from + part.text.len(), part.kind)
        };
        let members = self.caller.get_or_init(|| {
            let mut members = Vec::with_capacity(10);
            let read = each_member(raw.text, &mut |name, value| {
                members.push(Place { name: place(name), value: place(value) })
            });
            if read.is_err() { Vec::new() } else { members }
        });
        Some((raw, members))
    }

    /// A scalar below a column, by the names that members have in the record.
    pub fn text_at(&self, column: &str, path: &[&str]) -> Option<Cow<'a, str>> {
        self.get(column)?.text_at(path)
    }

    /// A member without a column.
    pub fn rest(&self, name: &str) -> Option<Raw<'a>> {
        self.rest.iter().find(|(k, _)| k.text == name).map(|(_, v)| *v)
    }
}
