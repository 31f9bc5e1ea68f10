//! Opens files for the columns that a query asks for and no others: a table has seventy columns and more, and setting up
//! readers for all of them, file by file, would cost more than most queries do.

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::parquet::DecodeResult;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{
    FileMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataPushDecoder,
    ParquetStatisticsPolicy, RowGroupMetaData,
};
use datafusion::parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// How much of a file's end is read at once for its footer, in bytes. A longer footer takes a second read.
const FOOTER: u64 = 64 << 10;

/// Opens files for some columns.
#[derive(Debug)]
pub(crate) struct NarrowReaders {
    files: CachedParquetFileReaderFactory,
    store: Arc<dyn ObjectStore>,
    /// Whether whole footers are kept for the session's next query. One that asks once reads less of them.
    keeps: bool,
    wanted: Arc<Wanted>,
}

/// The columns, and what is true of every file that this version of the table's schema was written by.
#[derive(Debug)]
struct Wanted {
    columns: HashSet<String>,
    usual: Option<Usual>,
}

/// What is worked out once for all files that have the table's own schema.
#[derive(Debug)]
struct Usual {
    /// The schema of a whole file.
    whole: SchemaDescriptor,
    /// Which leaves are wanted, and how footers are decoded for these.
    leaves: Vec<bool>,
    options: Arc<ParquetMetaDataOptions>,
    narrow: SchemaDescPtr,
    /// The wanted columns' types, so that text arrives as the views that the plan expects, inside structs too.
    types: Option<Vec<KeyValue>>,
}

impl NarrowReaders {
    /// `whole` is the table's schema, `narrow` that of the wanted columns.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        cache: Arc<FileMetadataCache>,
        keeps: bool,
        whole: &SchemaRef,
        narrow: &SchemaRef,
    ) -> Self {
        let columns: HashSet<String> = narrow.fields().iter().map(|f| f.name().clone()).collect();
        let files = CachedParquetFileReaderFactory::new(Arc::clone(&store), cache);
        // Without it every file is looked at by itself, which is only slower.
        let usual = Usual::of(whole, narrow, &columns).ok();
        Self { files, store, keeps, wanted: Arc::new(Wanted { columns, usual }) }
    }
}

impl Usual {
    fn of(whole: &Schema, narrow: &Schema, columns: &HashSet<String>) -> Result<Self, ParquetError> {
        let whole = ArrowSchemaConverter::new().convert(whole)?;
        let leaves = leaves(&whole, columns);
        let kept: Vec<usize> = leaves.iter().enumerate().filter_map(|(n, keep)| keep.then_some(n)).collect();
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::skip_except(&kept))
            .with_encoding_stats_policy(ParquetStatisticsPolicy::skip_except(&kept))
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let types = || vec![KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(narrow))];
        let types = (!narrow.fields().is_empty()).then(types);
        Ok(Self { narrow: part(&whole, columns)?, whole, leaves, options: Arc::new(options), types })
    }
}

impl ParquetFileReaderFactory for NarrowReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (path, size) = (file.object_meta.location.clone(), file.object_meta.size);
        let hint = usize::try_from(FOOTER).ok();
        let whole = self.files.create_reader(partition, file, hint, metrics)?;
        let store = (!self.keeps).then(|| Arc::clone(&self.store));
        Ok(Box::new(NarrowReader { whole, store, path, size, wanted: Arc::clone(&self.wanted) }))
    }
}

struct NarrowReader {
    whole: Box<dyn AsyncFileReader + Send>,
    /// Where footers are read from that nobody keeps.
    store: Option<Arc<dyn ObjectStore>>,
    path: Path,
    size: u64,
    wanted: Arc<Wanted>,
}

impl AsyncFileReader for NarrowReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<bytes::Bytes, ParquetError>> {
        self.whole.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<bytes::Bytes>, ParquetError>> {
        self.whole.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            if let (Some(store), Some(usual)) = (&self.store, &self.wanted.usual) {
                let footer = footer(store.as_ref(), &self.path, self.size, &usual.options).await?;
                if let Some(narrow) = usual.narrow(&footer) {
                    return narrow.map(Arc::new);
                }
            }
            let whole = self.whole.get_metadata(options).await?;
            match self.wanted.usual.as_ref().and_then(|usual| usual.narrow(&whole)) {
                Some(narrow) => narrow.map(Arc::new),
                None => {
                    let schema = whole.file_metadata().schema_descr();
                    let leaves = leaves(schema, &self.wanted.columns);
                    // Without the file's own key-value pairs: an Arrow schema among them would speak of all columns.
                    cut(&whole, &leaves, part(schema, &self.wanted.columns)?, None).map(Arc::new)
                }
            }
        }
        .boxed()
    }
}

/// Reads and decodes a footer, without what the options leave out.
async fn footer(
    store: &dyn ObjectStore,
    path: &Path,
    size: u64,
    options: &Arc<ParquetMetaDataOptions>,
) -> Result<ParquetMetaData, ParquetError> {
    let mut decoder = ParquetMetaDataPushDecoder::try_new(size)?
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_metadata_options(Some(Arc::clone(options)));
    let mut range = size.saturating_sub(FOOTER)..size;
    loop {
        let read = store.get_range(path, range.clone()).await.map_err(|e| ParquetError::External(Box::new(e)))?;
        decoder.push_range(range, read)?;
        match decoder.try_decode()? {
            DecodeResult::Data(footer) => return Ok(footer),
            DecodeResult::NeedsData(ranges) => {
                let from = ranges.iter().map(|r| r.start).min().unwrap_or(0);
                let to = ranges.iter().map(|r| r.end).max().unwrap_or(size);
                range = from..to;
            }
            DecodeResult::Finished => return Err(ParquetError::EOF(format!("no footer in `{path}`"))),
        }
    }
}

impl Usual {
    /// A file's metadata as if it had the wanted columns only; none where its schema is another than the table's.
    fn narrow(&self, file: &ParquetMetaData) -> Option<Result<ParquetMetaData, ParquetError>> {
        let same =
            file.file_metadata().schema_descr().root_schema().get_fields() == self.whole.root_schema().get_fields();
        same.then(|| cut(file, &self.leaves, Arc::clone(&self.narrow), self.types.clone()))
    }
}

/// The columns of a schema that are kept; the first, where none is wanted: rows are counted by the chunks of a column.
fn kept<'s>(schema: &'s SchemaDescriptor, wanted: &HashSet<String>) -> Vec<&'s Arc<Type>> {
    let roots = schema.root_schema().get_fields();
    let found: Vec<_> = roots.iter().filter(|f| wanted.contains(f.name())).collect();
    if found.is_empty() { roots.first().into_iter().collect() } else { found }
}

fn leaves(schema: &SchemaDescriptor, wanted: &HashSet<String>) -> Vec<bool> {
    let names: HashSet<&str> = kept(schema, wanted).into_iter().map(|f| f.name()).collect();
    (0..schema.num_columns()).map(|leaf| names.contains(schema.get_column_root(leaf).name())).collect()
}

fn part(schema: &SchemaDescriptor, wanted: &HashSet<String>) -> Result<SchemaDescPtr, ParquetError> {
    let fields = kept(schema, wanted).into_iter().cloned().collect();
    let root = Type::group_type_builder(schema.root_schema().name()).with_fields(fields).build()?;
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(root))))
}

/// Metadata with some leaves only. Their chunks lie where they lay; page indexes are read anew where wanted.
fn cut(
    whole: &ParquetMetaData,
    leaves: &[bool],
    schema: SchemaDescPtr,
    pairs: Option<Vec<KeyValue>>,
) -> Result<ParquetMetaData, ParquetError> {
    let file = whole.file_metadata();
    let orders = file.column_orders().map(|orders| {
        orders.iter().zip(leaves).filter(|(_, keep)| **keep).map(|(order, _)| *order).collect::<Vec<_>>()
    });
    let groups = whole
        .row_groups()
        .iter()
        .map(|group| {
            let chunks = group.columns().iter().zip(leaves).filter(|(_, keep)| **keep);
            let mut narrow = RowGroupMetaData::builder(Arc::clone(&schema))
                .set_num_rows(group.num_rows())
                .set_total_byte_size(group.total_byte_size())
                .set_column_metadata(chunks.map(|(chunk, _)| chunk.clone()).collect());
            if let Some(ordinal) = group.ordinal() {
                narrow = narrow.set_ordinal(ordinal);
            }
            if let Some(offset) = group.file_offset() {
                narrow = narrow.set_file_offset(offset);
            }
            narrow.build()
        })
        .collect::<Result<Vec<_>, _>>()?;
    let created_by = file.created_by().map(str::to_owned);
    let file = FileMetaData::new(file.version(), file.num_rows(), created_by, pairs, schema, orders);
    Ok(ParquetMetaData::new(file, groups))
}
