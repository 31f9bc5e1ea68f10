//! Sources and their tables. One file in `source/` is one source; the folder is the registry.

use crate::columns::{self, Type};
use crate::envelope::{Envelope, Role};
use crate::record::{Object, Record};
use arrow_schema::{Field, Schema, SchemaRef};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// What a file in `source/` declares.
pub struct Source {
    /// The format's name in reports: `cloudtrail`.
    pub name: &'static str,
    /// The table's name in Athena's documentation.
    pub table: &'static str,
    /// Other names of the table in AWS's documentation.
    pub aliases: &'static [&'static str],
    /// AWS's page on the table or, where Athena has none, on the log.
    pub page: &'static str,
    /// The columns as that page writes them.
    pub columns: &'static str,
    /// Fields of the envelope that a column of AWS's says already, exactly.
    pub roles: &'static [(Role, &'static str)],
    /// Fields inside columns that say exactly what a field of the envelope says: a filter on one is a filter on the other.
    pub mirrors: &'static [(&'static str, Role)],
    /// Members that go into a column of another name: `("cs(Referer)", "cs_referrer")`.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Whether `-` stands for nothing in its JSON too, as it does in lines.
    pub dashes: bool,
    /// How its records are told from others.
    pub shape: Shape,
    /// Fills the envelope.
    pub envelope: for<'a> fn(&Record<'a>, &mut Envelope<'a>),
    /// What makes a record unique, where AWS gave it an identity; otherwise its whole text does.
    pub id: for<'a> fn(&Record<'a>) -> Option<Cow<'a, str>>,
}

/// How a source's records look.
pub enum Shape {
    /// JSON objects that this tells from others by their members.
    Json(fn(&Object<'_>) -> bool),
    /// Lines of text. Given the first line of a file that is not a comment of some other format: how its lines are read, where they
    /// are of this source.
    Lines(fn(&str) -> Option<Box<dyn Lines>>),
    /// Either: AWS delivers the log as text and as JSON.
    Both(fn(&Object<'_>) -> bool, fn(&str) -> Option<Box<dyn Lines>>),
}

impl Shape {
    /// Whether a JSON object is one of its records.
    pub fn takes(&self, object: &Object<'_>) -> bool {
        match self {
            Self::Json(is) | Self::Both(is, _) => is(object),
            Self::Lines(_) => false,
        }
    }

    /// How its lines are read, where this is one of them.
    pub fn open(&self, line: &str) -> Option<Box<dyn Lines>> {
        match self {
            Self::Lines(open) | Self::Both(_, open) => open(line),
            Self::Json(_) => None,
        }
    }
}

/// Reads a file's lines; it may remember a header.
pub trait Lines: Send {
    /// Puts the line's fields into the record.
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line;
}

/// What a line was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A record.
    Record,
    /// A header or comment.
    Skip,
    /// A record that only stands in a line: its JSON, to be recognised by itself.
    Json(String),
    /// Not of this source: why.
    Not(Cow<'static, str>),
}

impl From<Result<(), &'static str>> for Line {
    /// Fields that were read make a record.
    fn from(read: Result<(), &'static str>) -> Self {
        match read {
            Ok(()) => Self::Record,
            Err(why) => Self::Not(why.into()),
        }
    }
}

/// A source with everything that is derived from it.
pub struct Table {
    /// What the source's file says.
    pub source: &'static Source,
    /// AWS's columns, by name.
    pub names: Vec<String>,
    /// Their types.
    pub types: Vec<Type>,
    /// The fields of the envelope that have columns of their own.
    pub stored: Vec<Role>,
    /// By [`Role`]: the column that says it, where one of AWS's does.
    said: [Option<usize>; 10],
    schema: SchemaRef,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({})", self.source.table)
    }
}

/// The column with a record's time: `timestamp`, milliseconds, UTC.
pub const TIME: &str = "event_time";
/// The column with the members that no column has, as one JSON object's text.
pub const UNMAPPED: &str = "unmapped";
/// The columns that the folders carry: `account=…/region=…/day=…`.
pub const PARTITIONS: [&str; 3] = ["account", "region", "day"];

impl Table {
    fn of(source: &'static Source) -> Result<Self, columns::Unreadable> {
        let columns = columns::parse(source.columns)?;
        let stored: Vec<Role> =
            Role::ALL.into_iter().filter(|r| !source.roles.iter().any(|(role, _)| role == r)).collect();
        let mut fields: Vec<Arc<Field>> = columns::fields(&columns).iter().cloned().collect();
        let extra = |name: &str, kind: Type| Arc::new(Field::new(name, kind.arrow(), true));
        fields.push(extra(UNMAPPED, Type::String));
        fields.push(extra(TIME, Type::Timestamp));
        fields.extend(stored.iter().map(|r| extra(r.column(), Type::String)));
        let (names, types): (Vec<String>, Vec<Type>) = columns.into_iter().unzip();
        let place = |role: Role| {
            let (_, column) = source.roles.iter().find(|(r, _)| *r == role)?;
            names.iter().position(|n| n == column)
        };
        let said = Role::ALL.map(place);
        Ok(Self { source, names, types, stored, said, schema: Arc::new(Schema::new(fields)) })
    }

    /// The table's name.
    #[allow(clippy::misnamed_getters, reason = "a table is called as its source says tables are")]
    pub fn name(&self) -> &'static str {
        self.source.table
    }

    /// The columns of the table's files: AWS's, `unmapped`, `event_time`, and the envelope's.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The place of AWS's column that says a field of the envelope, where one does.
    pub fn slot_of(&self, role: Role) -> Option<usize> {
        self.said.get(role as usize).copied().flatten()
    }

    /// The column that answers for a field of the envelope.
    pub fn column_of(&self, role: Role) -> &'static str {
        self.source.roles.iter().find(|(r, _)| *r == role).map_or(role.column(), |(_, column)| column)
    }
}

static TABLES: LazyLock<Vec<Table>> =
    LazyLock::new(|| crate::source::ALL.iter().filter_map(|s| Table::of(s).ok()).collect());

/// All tables, by the names of their sources' files.
pub fn tables() -> &'static [Table] {
    &TABLES
}

/// A table by its name or another name that AWS's documentation gives it.
pub fn table(name: &str) -> Option<&'static Table> {
    tables().iter().find(|t| t.name() == name || t.source.aliases.contains(&name))
}

static CLOUDTRAIL: LazyLock<&'static Table> = LazyLock::new(|| {
    table("cloudtrail_logs").or_else(|| tables().first()).unwrap_or_else(|| unreachable!("there are sources"))
});

/// CloudTrail's table.
pub fn cloudtrail() -> &'static Table {
    &CLOUDTRAIL
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_source_is_a_table_with_names_of_its_own() {
        let mut names = BTreeSet::new();
        for source in crate::source::ALL {
            let table = Table::of(source).unwrap();
            for name in std::iter::once(&source.table).chain(source.aliases) {
                assert!(names.insert(*name), "two tables are called `{name}`");
            }
            let mut columns = BTreeSet::new();
            for field in table.schema().fields() {
                assert!(columns.insert(field.name().to_owned()), "{}: two columns `{}`", source.name, field.name());
                assert!(
                    !PARTITIONS.contains(&field.name().as_str()),
                    "{}: `{}` is a folder's",
                    source.name,
                    field.name()
                );
            }
            for (_, column) in source.roles {
                assert!(columns.contains(*column), "{}: no column `{column}`", source.name);
            }
            for (_, column) in source.renamed {
                assert!(columns.contains(*column), "{}: no column `{column}`", source.name);
            }
            assert!(source.page.starts_with("https://"), "{}", source.name);
        }
        assert_eq!(tables().len(), crate::source::ALL.len());
    }
}
