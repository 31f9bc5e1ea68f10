//! How the lake's Parquet files are written: Zstandard, dictionaries, page index, and Bloom filters on what people search by.
//!
//! Format: <https://parquet.apache.org/docs/file-format/>

use super::{DataFile, Filter, LakeError};
use crate::envelope::Role;
use crate::table::{TIME, Table};
use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ParquetMetaDataReader;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use ::parquet::schema::types::ColumnPath;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use bytes::Bytes;
use std::collections::HashSet;

/// Rows of one row group at most.
pub const ROW_GROUP: usize = 128 << 10;
/// Below this many rows a file is read whole faster than its Bloom filters and page index are.
const SMALL: usize = 1_000;
/// Rows of one page at most. A file that has no more has one page a column: what a page index would say of it, the footer does.
const PAGE: usize = 8 << 10;
/// Smallest and largest values are kept to this many bytes: enough for times, addresses, names and keys.
const BOUND: usize = 40;
/// Fields of the envelope that people search by.
const SOUGHT: [Role; 4] = [Role::Actor, Role::AccessKey, Role::SourceIp, Role::Event];

/// Where a part belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// The table's name.
    pub table: &'static str,
    /// The account, or `unknown`.
    pub account: String,
    /// The Region, or `unknown`.
    pub region: String,
    /// The day, or `unknown`.
    pub day: String,
}

impl Part {
    /// The folder of the partition, below the root.
    pub fn folder(&self) -> String {
        format!("{}/account={}/region={}/day={}", self.table, self.account, self.region, self.day)
    }
}

/// The settings for a table's file of so many rows, of which these are the first.
pub fn settings(table: &Table, rows: &RecordBatch, all: usize) -> WriterProperties {
    let mut settings = WriterProperties::builder()
        .set_created_by(concat!("yagura ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP));
    if all < SMALL {
        // Statistics and dictionaries of seventy columns would be larger than the rows.
        return settings
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(9).unwrap_or_default()))
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled(ColumnPath::from(TIME), EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .build();
    }
    settings = settings
        .set_data_page_row_count_limit(PAGE)
        .set_statistics_truncate_length(Some(BOUND))
        .set_column_index_truncate_length(Some(BOUND));
    settings = if all > PAGE {
        settings.set_statistics_enabled(EnabledStatistics::Page)
    } else {
        settings.set_statistics_enabled(EnabledStatistics::Chunk).set_offset_index_disabled(true)
    };
    if rows.num_rows() >= all {
        for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            settings = without_dictionary(settings, vec![field.name().clone()], column);
        }
    }
    for role in SOUGHT {
        settings = bloom(settings, table.column_of(role), rows, all.min(ROW_GROUP));
    }
    settings.build()
}

/// No dictionary for columns without a value: an empty one would take a page all the same.
fn without_dictionary(
    settings: WriterPropertiesBuilder,
    path: Vec<String>,
    column: &ArrayRef,
) -> WriterPropertiesBuilder {
    match column.as_struct_opt() {
        Some(parts) => {
            parts.column_names().into_iter().zip(parts.columns()).fold(settings, |settings, (name, part)| {
                without_dictionary(settings, [path.as_slice(), &[name.to_owned()]].concat(), part)
            })
        }
        None if column.null_count() == column.len() => {
            settings.set_column_dictionary_enabled(ColumnPath::new(path), false)
        }
        None => settings,
    }
}

/// A Bloom filter with room for the column's different values in a row group. The writer folds what is not used.
fn bloom(settings: WriterPropertiesBuilder, column: &str, rows: &RecordBatch, group: usize) -> WriterPropertiesBuilder {
    let Some(values) = rows.column_by_name(column).and_then(|c| c.as_string_opt::<i32>()) else { return settings };
    let different = values.iter().flatten().collect::<HashSet<&str>>().len();
    let seen = rows.num_rows().max(1);
    if different == 0 && seen >= group {
        return settings;
    }
    let expected = different.max(1).saturating_mul(group.div_ceil(seen).max(1)).min(group);
    let path = ColumnPath::from(column);
    settings
        .set_column_bloom_filter_enabled(path.clone(), true)
        .set_column_bloom_filter_fpp(path.clone(), 0.01)
        .set_column_bloom_filter_max_ndv(path, expected as u64)
}

/// A writer into memory or a file, for `all` rows, of which `sample` is the beginning.
pub fn writer<W: std::io::Write + Send>(
    into: W,
    table: &Table,
    sample: &RecordBatch,
    all: usize,
) -> Result<ArrowWriter<W>, ParquetError> {
    let options =
        ArrowWriterOptions::new().with_properties(settings(table, sample, all)).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(into, table.schema(), options)
}

/// Rows as a Parquet file's bytes.
///
/// # Errors
/// Where the encoder refuses, which no record can bring about.
pub fn write_part(table: &Table, rows: &RecordBatch, name: &str) -> Result<Bytes, LakeError> {
    let failed = |e| LakeError::Parquet(name.to_owned(), e);
    let mut writer = writer(Vec::with_capacity(1 << 20), table, rows, rows.num_rows()).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.into_inner().map(Bytes::from).map_err(failed)
}

/// Where a written file's Bloom filters lie, as its footer says. A column without one in every row group is left out: nothing
/// could be concluded from it.
///
/// # Errors
/// Where this is no Parquet file.
pub fn filters(file: &Bytes) -> Result<Vec<Filter>, ParquetError> {
    let footer = ParquetMetaDataReader::new().parse_and_finish(file)?;
    let columns = footer.file_metadata().schema_descr().columns();
    let filter = |(n, column): (usize, &::parquet::schema::types::ColumnDescPtr)| {
        let at = footer.row_groups().iter().map(|group| {
            let chunk = group.columns().get(n)?;
            let offset = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
            Some((offset, u32::try_from(chunk.bloom_filter_length()?).ok()?))
        });
        let at = at.collect::<Option<Vec<_>>>().filter(|at| !at.is_empty())?;
        Some(Filter { column: column.path().string(), at })
    };
    Ok(columns.iter().enumerate().filter_map(filter).collect())
}

/// What the manifest says of a part.
///
/// # Errors
/// Where `file` is no Parquet file.
pub fn describe(part: &Part, name: &str, rows: &RecordBatch, file: &Bytes, raw: u64) -> Result<DataFile, LakeError> {
    let times = rows.column_by_name(TIME).and_then(|c| c.as_primitive_opt::<TimestampMillisecondType>());
    let (mut min_time, mut max_time) = (i64::MAX, i64::MIN);
    for time in times.iter().flat_map(|t| t.iter().flatten()) {
        min_time = min_time.min(time);
        max_time = max_time.max(time);
    }
    Ok(DataFile {
        path: format!("{}/{name}", part.folder()),
        table: part.table.to_owned(),
        account: part.account.clone(),
        region: part.region.clone(),
        day: part.day.clone(),
        rows: rows.num_rows() as u64,
        bytes: file.len() as u64,
        raw,
        min_time,
        max_time,
        filters: filters(file).map_err(|e| LakeError::Parquet(name.to_owned(), e))?,
    })
}
