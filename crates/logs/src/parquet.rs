//! Logs that AWS delivers as Apache Parquet: VPC Flow Logs and Amazon Security Lake. Each row becomes the JSON object that it would
//! have been in the text form of its log, and goes the same way from there.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html>,
//! <https://docs.aws.amazon.com/security-lake/latest/userguide/data-retention.html>

use crate::decode::{Decoder, Sink};
use crate::place::Place;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::ChunkReader;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Field, Fields, Schema};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Rows that are in memory at a time.
const BATCH: usize = 1024;
/// The longest footer. AWS's own are a few KiB.
const FOOTER: u64 = 16 << 20;
/// The most that one column of one row group may unpack to.
const CHUNK: i64 = 512 << 20;
/// The most rows of a file. AWS's files have a few millions at most; a file of a few bytes can claim any number.
const ROWS: i64 = 1 << 28;

/// Reads a Parquet file row group by row group; it needs memory for one row group's columns. Answers the name of the format that its
/// first record had. A file that is broken, cut off, encrypted or beyond all measure is set aside with the reason, and so is what
/// follows the first row that cannot be read.
pub fn decode_parquet<R: ChunkReader + 'static>(reader: R, place: &Place, sink: &mut dyn Sink) -> Option<&'static str> {
    let mut decoder = Decoder::new(place, sink);
    match open(reader) {
        Ok(batches) => rows(batches, &mut decoder),
        Err(why) => decoder.aside(format!("a Parquet file that cannot be read: {why}"), b"PAR1"),
    }
    decoder.format()
}

fn open<R: ChunkReader + 'static>(reader: R) -> Result<ParquetRecordBatchReader, String> {
    let length = reader.len();
    footer(&reader, length)?;
    // A schema of Arrow's own inside the metadata is somebody's claim about the columns; the file's schema is what counts.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(|| {
        let metadata = ArrowReaderMetadata::load(&reader, options.clone()).map_err(|e| e.to_string())?;
        sizes(metadata.metadata(), length)?;
        let zoned = Schema::new(fields(metadata.schema().fields()));
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(Arc::new(zoned));
        let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map_err(|e| e.to_string())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, metadata);
        builder.with_batch_size(BATCH).build().map_err(|e| e.to_string())
    })
}

/// The same fields with UTC written as an offset: names of zones need a database of zones.
fn fields(of: &Fields) -> Fields {
    of.iter().map(|f| Arc::new(f.as_ref().clone().with_data_type(zoned(f.data_type())))).collect()
}

fn zoned(kind: &DataType) -> DataType {
    let inner = |f: &Arc<Field>| Arc::new(f.as_ref().clone().with_data_type(zoned(f.data_type())));
    match kind {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::Struct(members) => DataType::Struct(fields(members)),
        DataType::List(of) => DataType::List(inner(of)),
        DataType::Map(of, sorted) => DataType::Map(inner(of), *sorted),
        other => other.clone(),
    }
}

/// The last eight bytes: the length of the metadata, and `PAR1`.
fn footer(reader: &impl ChunkReader, length: u64) -> Result<(), String> {
    let end = match length.checked_sub(8) {
        Some(at) if at >= 4 => reader.get_bytes(at, 8).map_err(|e| e.to_string())?,
        _ => return Err("it is too short".to_owned()),
    };
    let (size, magic) = end.split_first_chunk::<4>().ok_or("it is too short")?;
    let size = u64::from(u32::from_le_bytes(*size));
    match magic {
        b"PAR1" if size > length - 12 => Err("its metadata is longer than itself".to_owned()),
        b"PAR1" if size > FOOTER => Err(format!("its metadata has more than {} MiB", FOOTER >> 20)),
        b"PAR1" => Ok(()),
        b"PARE" => Err("it is encrypted".to_owned()),
        _ => Err("it does not end as a Parquet file does; it was cut off".to_owned()),
    }
}

/// Whether the metadata keeps to what the file can hold: the library reserves memory for what it claims.
fn sizes(metadata: &ParquetMetaData, length: u64) -> Result<(), String> {
    let mut rows = 0i64;
    for (n, group) in metadata.row_groups().iter().enumerate() {
        rows = rows.saturating_add(group.num_rows());
        if group.num_rows() < 0 || rows > ROWS {
            return Err(format!("row group {n} claims {} rows", group.num_rows()));
        }
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            let inside = start >= 0 && column.compressed_size() >= 0 && end.is_some_and(|e| e as u64 <= length);
            if !inside {
                return Err(format!("column {} of row group {n} lies outside of the file", column.column_path()));
            }
            if !(0..=CHUNK).contains(&column.uncompressed_size()) {
                return Err(format!(
                    "column {} of row group {n} unpacks to more than {} MiB",
                    column.column_path(),
                    CHUNK >> 20
                ));
            }
        }
    }
    Ok(())
}

fn rows(mut batches: ParquetRecordBatchReader, decoder: &mut Decoder<'_>) {
    // A row's object lacks what is null in it: which log it is of is told by all columns.
    let schema = batches.schema();
    let own = crate::kept::table_of(&schema);
    let table = own.or_else(|| Decoder::table_with(schema.fields().iter().map(|f| f.name().as_str())));
    let mut read = 0;
    loop {
        let step = guarded(|| match batches.next() {
            None => Ok(None),
            Some(Ok(batch)) => Ok(Some((batch.num_rows(), lines(&batch)?))),
            Some(Err(e)) => Err(e.to_string()),
        });
        match step {
            Ok(None) => return,
            Ok(Some((n, text))) => {
                read += n;
                // Line ends inside of values are escaped.
                match own {
                    Some(own) => text.lines().for_each(|line| decoder.kept(line, own)),
                    None => text.lines().for_each(|line| decoder.json(line, table)),
                }
            }
            Err(why) => return decoder.aside(format!("the file cannot be read behind row {read}: {why}"), b"PAR1"),
        }
    }
}

fn lines(batch: &RecordBatch) -> Result<String, String> {
    let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
    writer.write(batch).and_then(|()| writer.finish()).map_err(|e| e.to_string())?;
    String::from_utf8(writer.into_inner()).map_err(|e| e.to_string())
}

/// Files that were made to do harm can make the library panic. That is told like any other reason not to read one.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("the reader gave up on it".to_owned()))
}
