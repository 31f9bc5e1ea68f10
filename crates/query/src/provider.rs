//! A log table as the engine sees it.

use crate::prune::{self, PARTITIONS};
use crate::table::{LogTable, TimeForm};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// The table's provider.
#[derive(Debug)]
pub(crate) struct LogProvider {
    table: Arc<LogTable>,
    store: ObjectStoreUrl,
    schema: TableSchema,
    /// The partition columns that the files do not have themselves.
    partitions: Vec<&'static str>,
}

impl LogProvider {
    pub(crate) fn new(table: Arc<LogTable>, store: ObjectStoreUrl) -> Self {
        let partitions: Vec<&'static str> =
            PARTITIONS.into_iter().filter(|p| table.schema.field_with_name(p).is_err()).collect();
        let columns: Vec<FieldRef> =
            partitions.iter().map(|p| Arc::new(Field::new(*p, DataType::Utf8, false))).collect();
        let schema = TableSchema::builder(viewed(&table.schema)).with_table_partition_cols(columns).build();
        Self { table, store, schema, partitions }
    }

    /// What is known of a file's columns without opening it: its rows and the bounds of its events' time.
    fn statistics(&self, rows: u64, min: i64, max: i64) -> Statistics {
        let mut all = Statistics::new_unknown(self.schema.file_schema());
        all.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));
        for time in self.table.times.iter().filter(|t| t.form == TimeForm::Timestamp) {
            let Ok(place) = self.table.schema.index_of(&time.column) else { continue };
            let bound = |millis: i64| match self.table.schema.field(place).data_type() {
                DataType::Timestamp(TimeUnit::Millisecond, zone) => {
                    Precision::Inexact(ScalarValue::TimestampMillisecond(Some(millis), zone.clone()))
                }
                _ => Precision::Absent,
            };
            if let Some(column) = all.column_statistics.get_mut(place) {
                *column = ColumnStatistics {
                    min_value: bound(min),
                    max_value: bound(max),
                    ..ColumnStatistics::new_unknown()
                };
            }
        }
        all
    }
}

/// Text as views: comparing and grouping them does not copy.
fn viewed(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| match f.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => f.as_ref().clone().with_data_type(DataType::Utf8View),
            _ => f.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

#[async_trait]
impl TableProvider for LogProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|f| {
                if prune::on_partitions(f, &self.partitions) {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Inexact
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = prune::files(&self.table, &self.partitions, filters, state, &self.schema())?;
        let (mut rows, mut bytes, mut min, mut max) = (0_u64, 0_u64, i64::MAX, i64::MIN);
        let mut listed = Vec::with_capacity(files.len());
        for file in files {
            (rows, bytes) = (rows.saturating_add(file.rows), bytes.saturating_add(file.bytes));
            (min, max) = (min.min(file.min_time), max.max(file.max_time));
            let values = self.partitions.iter().map(|p| {
                ScalarValue::from(match *p {
                    "account" => file.account.as_str(),
                    "region" => file.region.as_str(),
                    _ => file.day.as_str(),
                })
            });
            let mut part = PartitionedFile::new("", file.bytes);
            // The path as the store has it: reading it from text again would encode it twice.
            part.object_meta.location = file.path.clone();
            let part = part.with_partition_values(values.collect()).with_statistics(Arc::new(self.statistics(
                file.rows,
                file.min_time,
                file.max_time,
            )));
            listed.push(part);
        }
        let groups = match listed.len() {
            0 => vec![FileGroup::new(Vec::new())],
            _ => FileGroup::new(listed).split_files(state.config().target_partitions()),
        };
        let store = state.runtime_env().object_store(&self.store)?;
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, cache)));
        let mut statistics = self.statistics(rows, min, max);
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        statistics.column_statistics.extend(self.partitions.iter().map(|_| ColumnStatistics::new_unknown()));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
