//! Which files a query can leave unopened: by their partition, exactly; by their events' time and their Bloom filters, safely.

use crate::bloom::Filters;
use crate::table::{LogFile, LogTable, TimeForm};
use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use object_store::ObjectStore;
use std::collections::HashSet;
use std::sync::Arc;

/// The partition columns. `date` is `day` once more, for AWS's examples that call it so.
pub(crate) const PARTITIONS: [&str; 4] = ["account", "region", "day", "date"];

/// The time of the events as a column that only pruning sees.
const TIME: &str = "__event_time";

/// Whether a filter names partition columns only, and at least one.
pub(crate) fn on_partitions(filter: &Expr, partitions: &[&str]) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty() && columns.iter().all(|c| partitions.contains(&c.name.as_str())) && !filter.is_volatile()
}

/// The files that may hold rows for which all filters are true. Filters on partition columns alone are decided here.
pub(crate) async fn files<'t>(
    table: &'t LogTable,
    partitions: &[&str],
    filters: &[Expr],
    state: &dyn Session,
    schema: &SchemaRef,
    store: &Arc<dyn ObjectStore>,
) -> Result<Vec<&'t LogFile>> {
    let (exact, other): (Vec<&Expr>, Vec<&Expr>) = filters.iter().partition(|f| on_partitions(f, partitions));
    let mut kept: Vec<&LogFile> = table.files.iter().collect();
    if !exact.is_empty() {
        let fields: Vec<Field> = PARTITIONS.iter().map(|p| Field::new(*p, DataType::Utf8, false)).collect();
        let columns = (0..PARTITIONS.len())
            .map(|i| Arc::new(StringArray::from_iter_values(kept.iter().map(|f| partition(f, i)))) as ArrayRef)
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let plain = DFSchema::try_from(batch.schema())?;
        for filter in exact {
            let filter = unqualified(filter)?;
            let holds = state.create_physical_expr(filter, &plain)?.evaluate(&batch)?.into_array(batch.num_rows())?;
            let holds = cast(&holds, &DataType::Boolean)?;
            let dropped: HashSet<&str> = table
                .files
                .iter()
                .zip(holds.as_boolean().iter())
                .filter(|(_, holds)| *holds != Some(true))
                .map(|(f, _)| f.path.as_ref())
                .collect();
            kept.retain(|f| !dropped.contains(f.path.as_ref()));
        }
    }
    if other.is_empty() || kept.is_empty() {
        return Ok(kept);
    }
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(TIME, time_type(), true)));
    let full = Arc::new(Schema::new(fields));
    let plain = DFSchema::try_from(Arc::clone(&full))?;
    let filters = other.into_iter().map(|f| by_time(unqualified(f)?, table)).collect::<Result<Vec<_>>>()?;
    let Some(all) = conjunction(filters) else { return Ok(kept) };
    let built = state
        .create_physical_expr(all, &plain)
        .and_then(|e| PruningPredicateBuilder::new().with_file_schema(full).try_build(e));
    // What pruning does not understand it does not prune: the rows are filtered all the same.
    let Ok(predicate) = built else {
        return Ok(kept);
    };
    let keep = predicate.prune(&Statistics { table, files: &kept, filters: None })?;
    let kept = retain(kept, &keep);
    // The filters are asked last: they are bytes of the files that are left.
    let Some(filters) = Filters::read(&kept, predicate.literal_guarantees(), store).await else { return Ok(kept) };
    let keep = predicate.prune(&Statistics { table, files: &kept, filters: Some(&filters) })?;
    Ok(retain(kept, &keep))
}

fn retain<'t>(files: Vec<&'t LogFile>, keep: &[bool]) -> Vec<&'t LogFile> {
    files.into_iter().zip(keep).filter_map(|(f, keep)| keep.then_some(f)).collect()
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn partition(file: &LogFile, place: usize) -> &str {
    match place {
        0 => &file.account,
        1 => &file.region,
        _ => &file.day,
    }
}

fn unqualified(filter: &Expr) -> Result<Expr> {
    Ok(filter
        .clone()
        .transform(|e| {
            Ok(match e {
                Expr::Column(column) if column.relation.is_some() => {
                    Transformed::yes(Expr::Column(Column::from_name(column.name)))
                }
                other => Transformed::no(other),
            })
        })?
        .data)
}

/// Functions that read the event's time from its column stand for the time itself.
fn by_time(filter: Expr, table: &LogTable) -> Result<Expr> {
    fn column(expr: &Expr) -> Option<&Column> {
        match expr {
            Expr::Column(column) => Some(column),
            Expr::Cast(cast) => column(&cast.expr),
            _ => None,
        }
    }
    let is = |expr: Option<&Expr>, form: TimeForm| {
        expr.and_then(column).is_some_and(|c| table.times.iter().any(|t| t.form == form && t.column == c.name))
    };
    Ok(filter
        .transform_up(|e| {
            let Expr::ScalarFunction(call) = &e else { return Ok(Transformed::no(e)) };
            let first = call.args.first();
            let reads = match call.name() {
                "from_iso8601_timestamp" | "try_from_iso8601_timestamp" => is(first, TimeForm::Iso8601),
                "date_parse" | "try_date_parse" | "parse_datetime" | "try_parse_datetime" => {
                    is(first, TimeForm::Iso8601) && whole(call.args.get(1))
                }
                "from_unixtime" | "try_from_unixtime" if call.args.len() == 1 => is(first, TimeForm::Seconds),
                _ => false,
            };
            Ok(if reads { Transformed::yes(Expr::Column(Column::from_name(TIME))) } else { Transformed::no(e) })
        })?
        .data)
}

/// Whether a format reads a time to the second: one that reads less would round down.
fn whole(format: Option<&Expr>) -> bool {
    match format {
        Some(Expr::Literal(ScalarValue::Utf8(Some(text)), _)) => {
            text.contains("%s") || text.contains("%S") || text.contains("%T") || text.contains("ss")
        }
        _ => false,
    }
}

struct Statistics<'t> {
    table: &'t LogTable,
    files: &'t [&'t LogFile],
    filters: Option<&'t Filters>,
}

impl Statistics<'_> {
    fn bound(&self, column: &Column, latest: bool) -> Option<ArrayRef> {
        let millis = |f: &LogFile| if latest { f.max_time } else { f.min_time };
        let times = || -> ArrayRef {
            Arc::new(
                TimestampMillisecondArray::from_iter_values(self.files.iter().map(|f| millis(f))).with_timezone("UTC"),
            )
        };
        if column.name == TIME {
            return Some(times());
        }
        if let Some(place) = PARTITIONS.iter().position(|p| *p == column.name) {
            if self.table.schema.field_with_name(&column.name).is_ok() {
                return None;
            }
            return Some(Arc::new(StringArray::from_iter_values(self.files.iter().map(|f| partition(f, place)))));
        }
        let time = self.table.times.iter().find(|t| t.column == column.name)?;
        let wanted = self.table.schema.field_with_name(&column.name).ok()?.data_type();
        let made: ArrayRef = match time.form {
            TimeForm::Timestamp => times(),
            TimeForm::Seconds => {
                Arc::new(Int64Array::from_iter_values(self.files.iter().map(|f| millis(f).div_euclid(1000))))
            }
            TimeForm::Millis => Arc::new(Int64Array::from_iter_values(self.files.iter().map(|f| millis(f)))),
            // Only the part to the second is known; what may follow it (a fraction, `Z`) lies between it and `~`.
            TimeForm::Iso8601 => Arc::new(StringArray::from_iter(self.files.iter().map(|f| {
                let at = jiff::Timestamp::from_millisecond(millis(f)).ok()?;
                let text = jiff::tz::Offset::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
                Some(if latest { text + "~" } else { text })
            }))),
        };
        cast(&made, wanted).ok()
    }
}

impl PruningStatistics for Statistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, false)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, true)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|f| f.rows))))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        self.filters?.contained(&column.name, values)
    }
}
