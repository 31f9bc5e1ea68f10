//! Records of one table on their way into one file.

use crate::columns::Column;
use crate::envelope::Envelope;
use crate::json::{Kind, Raw};
use crate::record::Record;
use crate::table::Table;
use arrow_array::builder::{StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What makes a record unique within its table's partition: the first 16 bytes of a SHA-256, so that nobody can craft a record that
/// passes for another and is dropped as its duplicate.
pub type Id = u128;

/// A record's identity: of the one that AWS gave it, or else of its text.
pub fn id_of(text: &str, record: &Record<'_>) -> Id {
    let own = (record.table.source.id)(record);
    let digest = match &own {
        Some(id) => Sha256::digest(id.as_bytes()),
        None => Sha256::digest(text.trim().as_bytes()),
    };
    digest.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte))
}

/// Collects records.
#[derive(Debug)]
pub struct Rows {
    table: &'static Table,
    columns: Vec<Column>,
    unmapped: StringBuilder,
    time: TimestampMillisecondBuilder,
    envelope: Vec<StringBuilder>,
    text: String,
    /// Each row's identity.
    pub ids: Vec<Id>,
    /// Each row's file, a number that means something to the caller.
    pub files: Vec<u32>,
    /// The records' own bytes, about what the columns hold.
    pub bytes: usize,
}

/// What [`Rows::finish`] gives.
#[derive(Debug)]
pub struct Batch {
    /// The rows, in the table's schema.
    pub rows: RecordBatch,
    /// Each row's identity.
    pub ids: Vec<Id>,
    /// Each row's file.
    pub files: Vec<u32>,
}

impl Rows {
    /// None yet.
    pub fn new(table: &'static Table) -> Self {
        Self {
            table,
            columns: table.types.iter().map(Column::new).collect(),
            unmapped: StringBuilder::new(),
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            envelope: table.stored.iter().map(|_| StringBuilder::new()).collect(),
            text: String::new(),
            ids: Vec::new(),
            files: Vec::new(),
            bytes: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Adds a record of this table.
    pub fn push(&mut self, id: Id, file: u32, length: usize, record: &Record<'_>, envelope: &Envelope<'_>) {
        self.text.clear();
        for ((column, name), slot) in self.columns.iter_mut().zip(&self.table.names).zip(record.slots()) {
            match slot {
                None => column.null(),
                Some(raw) => {
                    if !column.push(*raw) {
                        member(&mut self.text, Raw { text: name, kind: Kind::Str }, *raw);
                    }
                }
            }
        }
        for (key, value) in &record.rest {
            member(&mut self.text, *key, *value);
        }
        if self.text.is_empty() {
            self.unmapped.append_null();
        } else {
            self.text.push('}');
            self.unmapped.append_value(&self.text);
        }
        self.time.append_option(envelope.time);
        for (role, column) in self.table.stored.iter().zip(&mut self.envelope) {
            column.append_option(envelope.get(*role));
        }
        self.ids.push(id);
        self.files.push(file);
        self.bytes += length;
    }

    /// The rows as arrays.
    ///
    /// # Errors
    /// Where the arrays do not fit the table's schema, which no record can bring about.
    pub fn finish(mut self) -> Result<Batch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        arrays.push(Arc::new(self.unmapped.finish()));
        arrays.push(Arc::new(self.time.finish()));
        arrays.extend(self.envelope.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef));
        let rows = RecordBatch::try_new(self.table.schema(), arrays)?;
        Ok(Batch { rows, ids: self.ids, files: self.files })
    }
}

fn member(out: &mut String, key: Raw<'_>, value: Raw<'_>) {
    out.push(if out.is_empty() { '{' } else { ',' });
    key.write_json(out);
    out.push(':');
    value.write_json(out);
}
