//! Asks flat columns where a query asks for a nested field that they repeat: `useridentity.accesskeyid = '…'` becomes
//! `event_access_key = '…'`, which row groups can be skipped by. Only [`crate::Mirror`]s are used, which are exact.

use crate::table::LogTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, ScalarValue, TableReference, config::ConfigOptions};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rule.
#[derive(Debug)]
pub(crate) struct Mirrors {
    /// By table: the column and the fields below it, and the column that repeats them.
    tables: BTreeMap<String, Vec<(Vec<String>, String)>>,
}

impl Mirrors {
    pub(crate) fn new(tables: &[Arc<LogTable>]) -> Self {
        let of = |table: &LogTable| {
            table.mirrors.iter().map(|m| (m.field.split('.').map(str::to_owned).collect(), m.column.clone())).collect()
        };
        let names =
            |t: &Arc<LogTable>| -> Vec<String> { std::iter::once(&t.name).chain(&t.aliases).cloned().collect() };
        Self { tables: tables.iter().flat_map(|t| names(t).into_iter().map(move |n| (n, of(t)))).collect() }
    }

    /// The column that repeats a field, where the column it lies in comes from a table unchanged.
    fn column(&self, field: &Expr, inputs: &[&LogicalPlan]) -> Option<Expr> {
        let (root, path) = path(field)?;
        let table = inputs.iter().find_map(|plan| origin(plan, &root))?;
        let mirrors = self.tables.get(&table)?;
        let (_, column) = mirrors.iter().find(|(field, _)| {
            field.first() == Some(&root.name) && field.get(1..).is_some_and(|rest| rest.iter().eq(path.iter()))
        })?;
        let wanted = Column::new(root.relation.clone(), column.clone());
        inputs.iter().any(|p| p.schema().has_column(&wanted)).then_some(Expr::Column(wanted))
    }
}

impl AnalyzerRule for Mirrors {
    fn name(&self) -> &str {
        "mirrors"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|node| {
            let inputs: Vec<LogicalPlan> = node.inputs().into_iter().cloned().collect();
            let inputs: Vec<&LogicalPlan> = inputs.iter().collect();
            if inputs.is_empty() || matches!(node, LogicalPlan::Unnest(_)) {
                return Ok(Transformed::no(node));
            }
            let names = NamePreserver::new(&node);
            let node = node.map_expressions(|expr| {
                let name = names.save(&expr);
                let new = expr.transform_down(|e| {
                    Ok(match self.column(&e, &inputs) {
                        Some(column) => Transformed::new(column, true, TreeNodeRecursion::Jump),
                        None => Transformed::no(e),
                    })
                })?;
                Ok(if new.transformed { new.update_data(|e| name.restore(e)) } else { new })
            })?;
            if node.transformed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
        })?;
        Ok(rewritten.data)
    }
}

/// `get_field(get_field(column, 'a'), 'b')`, or the same in one call, as the column and its fields.
fn path(expr: &Expr) -> Option<(Column, Vec<String>)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    if call.name() != "get_field" {
        return None;
    }
    let (first, rest) = call.args.split_first()?;
    let (column, mut fields) = match first {
        Expr::Column(column) => (column.clone(), Vec::new()),
        inner => path(inner)?,
    };
    for field in rest {
        match field {
            Expr::Literal(ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)), _) => {
                fields.push(name.clone())
            }
            _ => return None,
        }
    }
    Some((column, fields))
}

/// The table that a column comes from, through steps that leave rows' columns beside each other.
fn origin(plan: &LogicalPlan, column: &Column) -> Option<String> {
    if !plan.schema().has_column(column) {
        return None;
    }
    match plan {
        LogicalPlan::TableScan(scan) => Some(scan.table_name.table().to_owned()),
        LogicalPlan::SubqueryAlias(alias) => {
            let inner = inner_name(&alias.input, &alias.alias, column)?;
            origin(&alias.input, &inner)
        }
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Join(_) => {
            let mut found = plan.inputs().into_iter().filter_map(|input| origin(input, column));
            // A name that both sides of a join have tells nothing.
            let first = found.next()?;
            found.next().is_none().then_some(first)
        }
        _ => None,
    }
}

/// The column's name below an alias: only where all columns below come from one table.
fn inner_name(input: &LogicalPlan, alias: &TableReference, column: &Column) -> Option<Column> {
    if column.relation.as_ref() != Some(alias) {
        return None;
    }
    let mut relations = input.schema().iter().map(|(relation, _)| relation.cloned());
    let first = relations.next()?;
    relations.all(|r| r == first).then(|| Column::new(first, column.name.clone()))
}
