//! A session: tables, and statements asked of them.

use crate::mirror::Mirrors;
use crate::names::{self, Known};
use crate::provider::LogProvider;
use crate::sql::statement::{self, Asked};
use crate::sql::unnest::UnnestPlanner;
use crate::table::{LogTable, Role};
use crate::{Error, cluster, functions};
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, col, lit};
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement;
use futures_util::StreamExt as _;
use object_store::ObjectStore;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// How much a session may take.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of memory for sorting, grouping and joining; what needs more goes to disk.
    pub memory: usize,
    /// How many threads work on a query.
    pub threads: usize,
    /// Where that which does not fit into memory goes: the system's folder for temporary files if not given.
    pub temp: Option<PathBuf>,
    /// Whether the footers of files are kept in memory for further queries. For a single one that is work in vain.
    pub keep_footers: bool,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory: 256 << 20, threads, temp: None, keep_footers: false }
    }
}

/// Tables that statements are asked of.
pub struct Session {
    context: SessionContext,
    tables: Vec<Arc<LogTable>>,
    extra: Vec<String>,
    memory: usize,
}

/// An answer, batch by batch.
pub struct Answer {
    /// The columns, under the names that the asker gave them.
    pub schema: SchemaRef,
    stream: SendableRecordBatchStream,
    first: Option<RecordBatch>,
    known: Known,
}

const CATALOG: &str = "awsdatacatalog";
const DATABASE: &str = "default";

impl Session {
    /// A session over tables whose files lie in `store`.
    pub fn new(store: Arc<dyn ObjectStore>, tables: Vec<LogTable>, options: &Options) -> Result<Self, Error> {
        Self::with_engine(store, tables, options, Ok)
    }

    /// The same, with the engine changed before the functions are registered: for one that runs plans elsewhere.
    pub fn with_engine(
        store: Arc<dyn ObjectStore>,
        tables: Vec<LogTable>,
        options: &Options,
        engine: impl FnOnce(SessionState) -> datafusion::error::Result<SessionState>,
    ) -> Result<Self, Error> {
        let tables: Vec<Arc<LogTable>> = tables.into_iter().map(Arc::new).collect();
        let broken = |e: datafusion::error::DataFusionError| Error::Engine(e.strip_backtrace());
        let consumers = NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN);
        let pool = TrackConsumersPool::new(FairSpillPool::new(options.memory), consumers);
        let mut runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool));
        if let Some(temp) = &options.temp {
            runtime = runtime.with_temp_file_path(temp);
        }
        let runtime = runtime.build_arc().map_err(broken)?;
        let url = cluster::url().map_err(broken)?;
        runtime.register_object_store(url.as_ref(), store);
        // Before types are settled: a mirror's may be another form of text than the field's.
        let mut analyzer: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(Mirrors::new(&tables))];
        analyzer.extend(Analyzer::new().rules);
        let planner = Arc::new(UnnestPlanner::default());
        let state = SessionStateBuilder::new()
            .with_config(config(options.threads))
            .with_runtime_env(runtime)
            .with_default_features()
            .with_relation_planners(vec![planner])
            .with_analyzer_rules(analyzer)
            .build();
        let context = SessionContext::new_with_state(engine(state).map_err(broken)?);
        for function in functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        let keeps = options.keep_footers;
        let session = Self { context, tables, extra: Vec::new(), memory: options.memory };
        for table in &session.tables {
            let provider = Arc::new(LogProvider::new(Arc::clone(table), url.clone(), keeps));
            for name in std::iter::once(&table.name).chain(&table.aliases) {
                session
                    .context
                    .register_table(name.as_str(), Arc::clone(&provider) as Arc<dyn TableProvider>)
                    .map_err(broken)?;
            }
        }
        if let Some(events) = session.events(keeps).map_err(broken)? {
            session.context.register_table("events", events).map_err(broken)?;
        }
        Ok(session)
    }

    /// Adds a table that lies in memory.
    pub fn add(&mut self, name: &str, batch: RecordBatch) -> Result<(), Error> {
        let broken = |e: datafusion::error::DataFusionError| Error::Engine(e.strip_backtrace());
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(broken)?;
        self.context.register_table(name, Arc::new(table)).map_err(broken)?;
        self.extra.push(name.to_owned());
        Ok(())
    }

    /// Asks one statement.
    pub async fn ask(&self, sql: &str) -> Result<Answer, Error> {
        let (statement, spelling) = match statement::read(sql)? {
            Asked::Query { statement, spelling } => (*statement, spelling),
            Asked::Tables { like } => return self.list("table_name", self.table_names(), like.as_deref()),
            Asked::Functions { like } => return self.list("function", self.function_names(), like.as_deref()),
            Asked::Columns { table } => return self.describe(&table).await,
        };
        let said = |e| names::sentence(e, &self.known());
        let state = self.context.state();
        let plan = state.statement_to_plan(Statement::Statement(Box::new(statement))).await.map_err(said)?;
        let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reading.verify_plan(&plan).map_err(said)?;
        let frame = self.context.execute_logical_plan(plan).await.map_err(said)?;
        let stream = frame.execute_stream().await.map_err(said)?;
        let schema = spelt(&stream.schema(), &spelling);
        Ok(Answer { schema, stream, first: None, known: self.known() })
    }

    /// The tables' names, sorted.
    pub fn table_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .tables
            .iter()
            .flat_map(|t| std::iter::once(&t.name).chain(&t.aliases))
            .chain(&self.extra)
            .cloned()
            .collect();
        if self.context.table_exist("events").unwrap_or(false) {
            names.push("events".into());
        }
        names.sort();
        names.dedup();
        names
    }

    /// The functions' names, sorted.
    pub fn function_names(&self) -> Vec<String> {
        let state = self.context.state();
        let mut names: HashSet<String> = functions::names().map(str::to_owned).collect();
        names.extend(state.scalar_functions().keys().cloned());
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.extend(crate::sql::rewrite::NAMES.iter().map(|n| (*n).to_owned()));
        let mut names: Vec<String> = names.into_iter().filter(|n| !n.starts_with("try_") || n == "try_cast").collect();
        names.sort();
        names
    }

    /// The columns of a table.
    pub async fn columns(&self, table: &str) -> Result<SchemaRef, Error> {
        match self.context.table_provider(table).await {
            Ok(provider) => Ok(provider.schema()),
            Err(_) => {
                let names = self.table_names();
                let nearest = yagura_model::nearest(table, names.iter().map(String::as_str)).map(str::to_owned);
                Err(Error::Table { name: table.to_owned(), nearest })
            }
        }
    }

    async fn describe(&self, table: &str) -> Result<Answer, Error> {
        let schema = self.columns(table).await?;
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let types = schema.fields().iter().map(|f| type_name(f.data_type())).collect();
        self.rows(vec![("column", names), ("type", types)])
    }

    fn list(&self, column: &str, names: Vec<String>, like: Option<&str>) -> Result<Answer, Error> {
        self.rows(vec![(column, names.into_iter().filter(|n| like.is_none_or(|p| matches(p, n))).collect())])
    }

    fn rows(&self, columns: Vec<(&str, Vec<String>)>) -> Result<Answer, Error> {
        let schema: SchemaRef = Arc::new(Schema::new(
            columns.iter().map(|(n, _)| Field::new(*n, DataType::Utf8, false)).collect::<Vec<_>>(),
        ));
        let arrays = columns.into_iter().map(|(_, c)| Arc::new(StringArray::from(c)) as ArrayRef).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| Error::Engine(e.to_string()))?;
        let stream = futures_util::stream::iter([Ok(batch)]);
        let stream = datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(Arc::clone(&schema), stream);
        Ok(Answer { schema, stream: Box::pin(stream), first: None, known: self.known() })
    }

    fn known(&self) -> Known {
        Known { tables: self.table_names(), functions: self.function_names(), memory: self.memory }
    }

    /// All tables in one view, by the parts that their columns play.
    fn events(&self, keeps: bool) -> datafusion::error::Result<Option<Arc<ViewTable>>> {
        let mut all: Option<LogicalPlanBuilder> = None;
        for table in self.tables.iter().filter(|t| !t.roles.is_empty()) {
            let provider = LogProvider::new(Arc::clone(table), cluster::url()?, keeps);
            let schema = provider.schema();
            let mut columns: Vec<Expr> = vec![lit(table.name.as_str()).alias("source")];
            columns.extend(["account", "region", "day"].map(|p| text(p, &schema).alias(p)));
            for role in Role::ALL {
                let column = table.roles.iter().find(|(r, _)| *r == role).map(|(_, c)| c.as_str());
                let value = match (column, role) {
                    (Some(column), Role::Time) => cast(col(ident(column)), time()),
                    (Some(column), _) => text(column, &schema),
                    (None, Role::Time) => lit(ScalarValue::TimestampMillisecond(None, Some("UTC".into()))),
                    (None, _) => lit(ScalarValue::Utf8(None)),
                };
                columns.push(value.alias(role.column()));
            }
            let plan = LogicalPlanBuilder::scan(table.name.as_str(), provider_as_source(Arc::new(provider)), None)?
                .project(columns)?;
            all = Some(match all {
                Some(before) => before.union(plan.build()?)?,
                None => plan,
            });
        }
        Ok(all.map(LogicalPlanBuilder::build).transpose()?.map(|plan| Arc::new(ViewTable::new(plan, None))))
    }
}

impl Answer {
    /// Computes the first rows, so that what fails before there is any can be asked again.
    ///
    /// # Errors
    /// As [`Answer::next`].
    pub async fn begin(&mut self) -> Result<(), Error> {
        if self.first.is_none() {
            self.first = self.next().await.transpose()?;
        }
        Ok(())
    }

    /// The next rows; none at the end.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let batch = self.stream.next().await?;
        let batch = batch.map_err(|e| names::sentence(e, &self.known));
        let renamed = |b: RecordBatch| {
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), b.columns().to_vec(), &rows(&b))
        };
        Some(batch.and_then(|b| renamed(b).map_err(|e| Error::Engine(e.to_string()))))
    }
}

/// A batch's rows, which its columns do not tell where there are none.
fn rows(batch: &RecordBatch) -> RecordBatchOptions {
    RecordBatchOptions::new().with_row_count(Some(batch.num_rows()))
}

fn config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_default_catalog_and_schema(CATALOG, DATABASE)
        .with_information_schema(true);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.enable_page_index = true;
    options.execution.parquet.bloom_filter_on_read = true;
    options.execution.time_zone = Some("UTC".into());
    options.sql_parser.enable_ident_normalization = true;
    config
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn ident(column: &str) -> datafusion::common::Column {
    datafusion::common::Column::from_name(column)
}

/// A column as text; null where the table has none of the name.
fn text(column: &str, schema: &Schema) -> Expr {
    match schema.field_with_name(column) {
        Ok(field) if field.data_type() == &DataType::Utf8 => col(ident(column)),
        Ok(_) => cast(col(ident(column)), DataType::Utf8),
        Err(_) => lit(ScalarValue::Utf8(None)),
    }
}

/// The schema with the names that the asker wrote, where they differ in letter case only.
fn spelt(schema: &SchemaRef, spelling: &[Option<String>]) -> SchemaRef {
    let mut wanted = spelling.iter().flatten().collect::<Vec<_>>();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| {
            let place = wanted.iter().position(|w| w.to_lowercase() == *f.name());
            match place.map(|p| wanted.remove(p)) {
                Some(name) => f.as_ref().clone().with_name(name),
                None => f.as_ref().clone(),
            }
        })
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// A type as Athena writes it.
pub(crate) fn type_name(of: &DataType) -> String {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 | DataType::UInt64 => "bigint".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".into(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::Binary => "binary".into(),
        DataType::List(of) | DataType::LargeList(of) => format!("array<{}>", type_name(of.data_type())),
        DataType::Struct(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|f| format!("{}:{}", f.name(), type_name(f.data_type()))).collect();
            format!("struct<{}>", inner.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let inner: Vec<String> = fields.iter().map(|f| type_name(f.data_type())).collect();
                format!("map<{}>", inner.join(","))
            }
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

/// `LIKE`: `%` is any text, `_` any character; `*` as in Athena's `SHOW TABLES`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => name.is_empty(),
        Some('%' | '*') => name
            .char_indices()
            .map(|(i, _)| i)
            .chain([name.len()])
            .any(|i| matches(pattern.as_str(), name.get(i..).unwrap_or_default())),
        Some(c) => name.chars().next().is_some_and(|n| {
            (c == '_' || c == n) && matches(pattern.as_str(), name.get(n.len_utf8()..).unwrap_or_default())
        }),
    }
}
