//! A log table as the engine sees it.

use crate::error::Error;
use crate::prune::{self, PARTITIONS};
use crate::reader::NarrowReaders;
use crate::table::{LogTable, TimeForm};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::HashSet;
use std::sync::Arc;

/// The table's provider.
#[derive(Debug)]
pub(crate) struct LogProvider {
    table: Arc<LogTable>,
    store: ObjectStoreUrl,
    keeps: bool,
    schema: TableSchema,
    /// The partition columns that the files do not have themselves.
    partitions: Vec<&'static str>,
}

/// A table's schema without the columns that a query has no use for.
struct Narrow {
    schema: TableSchema,
    /// Where the wanted columns are in it; none where all are wanted.
    projection: Option<Vec<usize>>,
}

impl LogProvider {
    /// `keeps`: whether footers are kept for the session's next query.
    pub(crate) fn new(table: Arc<LogTable>, store: ObjectStoreUrl, keeps: bool) -> Self {
        let partitions: Vec<&'static str> =
            PARTITIONS.into_iter().filter(|p| table.schema.field_with_name(p).is_err()).collect();
        let columns: Vec<FieldRef> =
            partitions.iter().map(|p| Arc::new(Field::new(*p, DataType::Utf8, false))).collect();
        let schema = TableSchema::builder(viewed(&table.schema)).with_table_partition_cols(columns).build();
        Self { table, store, keeps, schema, partitions }
    }

    /// The columns that are asked for and those that filters need. Every file is set up for each column of the schema, so that
    /// a narrow one is what makes opening a file cheap.
    fn narrow(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Result<Narrow> {
        let Some(projection) = projection else {
            return Ok(Narrow { schema: self.schema.clone(), projection: None });
        };
        let all = self.schema.table_schema();
        let mut names: HashSet<&str> = filters.iter().flat_map(Expr::column_refs).map(|c| c.name.as_str()).collect();
        names.extend(projection.iter().map(|place| all.field(*place).name().as_str()));
        let file = self.schema.file_schema();
        let fields: Vec<FieldRef> =
            file.fields().iter().filter(|f| names.contains(f.name().as_str())).cloned().collect();
        let file = Arc::new(Schema::new_with_metadata(fields, file.metadata().clone()));
        let schema =
            TableSchema::builder(file).with_table_partition_cols(self.schema.table_partition_cols().to_vec()).build();
        let places = projection.iter().map(|place| Ok(schema.table_schema().index_of(all.field(*place).name())?));
        let projection = Some(places.collect::<Result<_>>()?);
        Ok(Narrow { schema, projection })
    }

    /// What is known of a file's columns without opening it: its rows and the bounds of its events' time.
    fn statistics(&self, columns: &Schema, rows: u64, min: i64, max: i64) -> Statistics {
        let mut all = Statistics::new_unknown(columns);
        all.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));
        for time in self.table.times.iter().filter(|t| t.form == TimeForm::Timestamp) {
            let Ok(place) = columns.index_of(&time.column) else { continue };
            let bound = |millis: i64| match columns.field(place).data_type() {
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

/// Text as views, in structs too: comparing and grouping them does not copy. Lists stay as functions on arrays take them.
fn viewed(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(viewed_fields(schema.fields())))
}

fn viewed_fields(fields: &Fields) -> Fields {
    let viewed = |field: &FieldRef| {
        let of = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Struct(fields) => DataType::Struct(viewed_fields(fields)),
            _ => return Arc::clone(field),
        };
        Arc::new(field.as_ref().clone().with_data_type(of))
    };
    fields.iter().map(viewed).collect()
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
        if self.table.absent {
            return Err(DataFusionError::External(Box::new(Error::Absent(self.table.name.clone()))));
        }
        let store = state.runtime_env().object_store(&self.store)?;
        let files = prune::files(&self.table, &self.partitions, filters, state, &self.schema(), &store).await?;
        let narrow = self.narrow(projection, filters)?;
        let columns = narrow.schema.file_schema();
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
                columns,
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
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let readers = NarrowReaders::new(store, cache, self.keeps, self.schema.file_schema(), columns);
        let source = ParquetSource::new(narrow.schema.clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let mut statistics = self.statistics(columns, rows, min, max);
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        statistics.column_statistics.extend(self.partitions.iter().map(|_| ColumnStatistics::new_unknown()));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(narrow.projection)?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
