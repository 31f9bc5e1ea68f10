//! `UNNEST` as Athena uses it: over columns of the tables to its left, of arrays, of arrays of rows and of maps, several at
//! once, with an ordinal, by `CROSS JOIN`, `LEFT JOIN … ON TRUE` or a comma ("Flatten nested arrays", Amazon Athena).

use crate::functions;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, DataFusionError, NullHandling, Result, UnnestOptions, plan_err};
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, JoinConstraint, JoinOperator, TableAlias, TableFactor, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Plans the brackets that [`super::rewrite`] makes.
#[derive(Debug, Default)]
pub(crate) struct UnnestPlanner {
    /// How many arrays were unnested, so that no two inner names are the same.
    count: AtomicUsize,
}

impl RelationPlanner for UnnestPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (left, factor, outer) = match relation {
            TableFactor::NestedJoin { mut table_with_joins, alias: None }
                if matches!(table_with_joins.joins.last().map(|j| &j.relation), Some(TableFactor::UNNEST { .. })) =>
            {
                let Some(join) = table_with_joins.joins.pop() else {
                    return Ok(RelationPlanning::Original(Box::new(TableFactor::NestedJoin {
                        table_with_joins,
                        alias: None,
                    })));
                };
                let outer = joins_outer(&join.join_operator)?;
                let left = if table_with_joins.joins.is_empty() {
                    table_with_joins.relation
                } else {
                    TableFactor::NestedJoin { table_with_joins, alias: None }
                };
                (context.plan(left)?, join.relation, outer)
            }
            TableFactor::UNNEST { .. } => (LogicalPlanBuilder::empty(true).build()?, relation, false),
            other => return Ok(RelationPlanning::Original(Box::new(other))),
        };
        let TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } = factor else {
            return plan_err!("UNNEST expected");
        };
        let exprs =
            array_exprs.into_iter().map(|e| context.sql_to_expr(e, left.schema())).collect::<Result<Vec<_>>>()?;
        let plan = self.unnest(left, exprs, alias, with_ordinality, outer)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
    }
}

/// Whether rows without elements stay. An `ON` other than `TRUE` has no meaning here.
fn joins_outer(operator: &JoinOperator) -> Result<bool> {
    let truth = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(SqlExpr::Value(v)) => v.value == Value::Boolean(true),
        _ => false,
    };
    match operator {
        JoinOperator::CrossJoin(c) | JoinOperator::Join(c) | JoinOperator::Inner(c) if truth(c) => Ok(false),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) if truth(c) => Ok(true),
        _ => plan_err!("UNNEST joins by CROSS JOIN, or by LEFT JOIN ... ON TRUE"),
    }
}

/// An array that is unnested: where its elements come to lie, and what they are.
struct Array {
    column: Column,
    fields: Option<Vec<String>>,
    is_map: bool,
}

impl UnnestPlanner {
    fn unnest(
        &self,
        left: LogicalPlan,
        arrays: Vec<Expr>,
        alias: Option<TableAlias>,
        ordinality: bool,
        outer: bool,
    ) -> Result<LogicalPlan> {
        let schema = left.schema().clone();
        let kept: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
        let mut inner = kept.clone();
        let mut found = Vec::new();
        if ordinality {
            inner.push(functions::ordinals(arrays.clone())?.alias(self.next()));
        }
        let ordinal = inner.last().filter(|_| ordinality).map(|e| Column::from_name(e.schema_name().to_string()));
        for expr in arrays {
            let (expr, array) = self.array(expr, &schema)?;
            inner.push(expr);
            found.push(array);
        }
        let columns = found.iter().map(|a| a.column.clone()).chain(ordinal.clone()).collect();
        let null_handling = if outer { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
        let plan = LogicalPlanBuilder::from(left)
            .project(inner)?
            .unnest_columns_with_options(columns, UnnestOptions { null_handling, recursions: Vec::new() })?;
        let made = name(&found, ordinal, alias)?;
        plan.project(kept.into_iter().chain(made))?.build()
    }

    fn array(&self, expr: Expr, schema: &DFSchema) -> Result<(Expr, Array)> {
        let name = self.next();
        let column = Column::from_name(name.clone());
        match expr.get_type(schema)? {
            DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) => {
                let fields = match of.data_type() {
                    DataType::Struct(fields) => Some(fields.iter().map(|f| f.name().clone()).collect()),
                    _ => None,
                };
                Ok((expr.alias(name), Array { column, fields, is_map: false }))
            }
            DataType::Map(..) => {
                let fields = Some(vec!["key".into(), "value".into()]);
                let entries = datafusion::functions_nested::map_entries::map_entries(expr);
                Ok((entries.alias(name), Array { column, fields, is_map: true }))
            }
            DataType::Null => plan_err!("UNNEST takes an array or a map, not NULL"),
            other => plan_err!("UNNEST takes an array or a map, not {other}"),
        }
    }

    fn next(&self) -> String {
        format!("__unnest_{}", self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// The new columns under their names. `AS t(x)` over an array of rows is one column of rows, as AWS's examples write it;
/// `AS t(a, b)` has a column for each of the row's fields, as Trino's documentation has it.
fn name(arrays: &[Array], ordinal: Option<Column>, alias: Option<TableAlias>) -> Result<Vec<Expr>> {
    let table = alias.as_ref().map(|a| a.name.value.to_lowercase());
    let names: Vec<String> =
        alias.map(|a| a.columns.into_iter().map(|c| c.name.value.to_lowercase()).collect()).unwrap_or_default();
    let extra = usize::from(ordinal.is_some());
    let maps = arrays.iter().filter(|a| a.is_map).count();
    let whole = arrays.len() + maps + extra;
    let spread = arrays.iter().map(|a| a.fields.as_ref().map_or(1, Vec::len)).sum::<usize>() + extra;
    let spreads = match names.len() {
        0 => false,
        n if n == whole => false,
        n if n == spread => true,
        n => {
            let wanted = if whole == spread { whole.to_string() } else { format!("{whole} or {spread}") };
            return plan_err!("UNNEST makes {wanted} columns here, but {n} are named");
        }
    };
    let mut out: Vec<Expr> = Vec::new();
    for array in arrays {
        let column = Expr::Column(array.column.clone());
        match &array.fields {
            Some(fields) if array.is_map || spreads => {
                out.extend(
                    fields.iter().map(|f| datafusion::functions::core::expr_fn::get_field(column.clone(), f.as_str())),
                );
            }
            _ => out.push(column),
        }
    }
    out.extend(ordinal.map(Expr::Column));
    let unnamed =
        |i: usize| table.clone().filter(|_| out_len_is_one(arrays, extra)).unwrap_or_else(|| format!("_unnest{i}"));
    Ok(out
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let column = names.get(i).cloned().unwrap_or_else(|| unnamed(i));
            e.clone().alias_qualified(table.clone(), column)
        })
        .collect())
}

fn out_len_is_one(arrays: &[Array], extra: usize) -> bool {
    extra == 0 && matches!(arrays, [one] if !one.is_map)
}

impl From<crate::Error> for DataFusionError {
    fn from(error: crate::Error) -> Self {
        Self::External(Box::new(error))
    }
}
