//! Full text: every record of the lake in which a text stands, in whatever column. Whole pages of values are searched at once; rows are
//! looked at one by one only where a page has a hit.

use crate::lake::{DataFile, Lake, LakeError};
use crate::table::TIME;
use aho_corasick::AhoCorasick;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use futures_util::{StreamExt, stream};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is looked for, and where.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The text.
    pub text: String,
    /// Whether `A` is `a` (of ASCII letters).
    pub ignore_case: bool,
    /// Only these tables.
    pub tables: Vec<String>,
    /// Only these accounts.
    pub accounts: Vec<String>,
    /// Only these Regions.
    pub regions: Vec<String>,
    /// From this day on, `2024-01-02`.
    pub since: Option<String>,
    /// Up to this day.
    pub until: Option<String>,
}

/// A record with the text in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its table.
    pub table: String,
    /// Its account.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// Its time, in milliseconds since 1970-01-01 UTC.
    pub time: Option<i64>,
    /// The columns with the text, by path (`useridentity.arn`), and their values.
    pub columns: BTreeMap<String, String>,
}

impl Search {
    fn takes(&self, file: &DataFile) -> bool {
        let among = |list: &[String], it: &String| list.is_empty() || list.contains(it);
        among(&self.tables, &file.table)
            && among(&self.accounts, &file.account)
            && among(&self.regions, &file.region)
            && self.since.as_ref().is_none_or(|s| file.day >= *s)
            && self.until.as_ref().is_none_or(|u| file.day <= *u)
    }

    /// Gives every hit, day by day, until `take` answers false.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub async fn run(&self, lake: &Lake, take: &mut (dyn FnMut(Hit) -> bool + Send)) -> Result<(), LakeError> {
        let mut files: Vec<DataFile> = lake.all_files().filter(|f| self.takes(f)).cloned().collect();
        files.sort_by(|a, b| (&a.day, a.min_time, &a.path).cmp(&(&b.day, b.min_time, &b.path)));
        let needle = AhoCorasick::builder().ascii_case_insensitive(self.ignore_case).build([&self.text]);
        let needle = Arc::new(needle.map_err(std::io::Error::other)?);
        let number = self.text.parse::<i64>().is_ok().then(|| self.text.clone());
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let work = files.into_iter().map(|file| {
            let (store, at, needle, number) =
                (lake.store().clone(), lake.at(&file.path), needle.clone(), number.clone());
            async move {
                let body = store.get(&at).await?.bytes().await?;
                let path = file.path.clone();
                let found = tokio::task::spawn_blocking(move || in_file(&file, body, &needle, number.as_deref()));
                found.await.map_err(std::io::Error::other)?.map_err(|e| LakeError::Parquet(path, e))
            }
        });
        let mut found = stream::iter(work).buffered(threads);
        while let Some(hits) = found.next().await {
            for hit in hits? {
                if !take(hit) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn in_file(
    file: &DataFile,
    body: bytes::Bytes,
    needle: &AhoCorasick,
    number: Option<&str>,
) -> Result<Vec<Hit>, parquet::errors::ParquetError> {
    let mut hits = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(body)?.with_batch_size(8192).build()? {
        in_batch(file, &batch?, needle, number, &mut hits);
    }
    hits.sort_by_key(|h| h.time);
    Ok(hits)
}

fn in_batch(file: &DataFile, batch: &RecordBatch, needle: &AhoCorasick, number: Option<&str>, hits: &mut Vec<Hit>) {
    let mut rows: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let mut note = |row: usize, path: &str, value: String| {
            rows.entry(row).or_default().insert(path.to_owned(), value);
        };
        look(column, field.name(), needle, number, &mut note);
    }
    let times = batch.column_by_name(TIME).and_then(|c| c.as_primitive_opt::<TimestampMillisecondType>());
    hits.extend(rows.into_iter().map(|(row, columns)| Hit {
        table: file.table.clone(),
        account: file.account.clone(),
        region: file.region.clone(),
        time: times.filter(|t| t.is_valid(row)).map(|t| t.value(row)),
        columns,
    }));
}

/// Notes each row of an array that has the text, below a path.
fn look(
    array: &ArrayRef,
    path: &str,
    needle: &AhoCorasick,
    number: Option<&str>,
    note: &mut dyn FnMut(usize, &str, String),
) {
    match array.data_type() {
        DataType::Utf8 => {
            let strings = array.as_string::<i32>();
            if !needle.is_match(strings.value_data()) {
                return;
            }
            for (row, value) in strings.iter().enumerate() {
                if let Some(value) = value.filter(|v| needle.is_match(v)) {
                    note(row, path, value.to_owned());
                }
            }
        }
        DataType::Int32 if number.is_some() => {
            for (row, value) in array.as_primitive::<Int32Type>().iter().enumerate() {
                whole(value.map(i64::from), row, path, number, note);
            }
        }
        DataType::Int64 if number.is_some() => {
            for (row, value) in array.as_primitive::<Int64Type>().iter().enumerate() {
                whole(value, row, path, number, note);
            }
        }
        DataType::Struct(fields) => {
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                look(column, &format!("{path}.{}", field.name()), needle, number, note);
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let mut of_element = |element: usize, path: &str, value: String| {
                note(row_of(list.value_offsets(), element), path, value);
            };
            look(list.values(), path, needle, number, &mut of_element);
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let mut of_entry =
                |entry: usize, _: &str, value: String| note(row_of(map.value_offsets(), entry), path, value);
            for column in map.entries().columns() {
                look(column, path, needle, number, &mut of_entry);
            }
        }
        _ => {}
    }
}

/// A number is found as a whole: 443 is not in 4430.
fn whole(value: Option<i64>, row: usize, path: &str, number: Option<&str>, note: &mut dyn FnMut(usize, &str, String)) {
    if let Some(text) = value.map(|v| v.to_string()).filter(|t| Some(t.as_str()) == number) {
        note(row, path, text);
    }
}

/// The row that an element belongs to.
fn row_of(offsets: &[i32], element: usize) -> usize {
    offsets.partition_point(|o| usize::try_from(*o).is_ok_and(|o| o <= element)).saturating_sub(1)
}
