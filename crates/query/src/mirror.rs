//! Asks flat columns where a query asks for a nested field that they repeat: `useridentity.accesskeyid = '…'` becomes
//! `event_access_key = '…'`, which row groups can be skipped by. Only [`crate::Mirror`]s are used, which are exact.

use crate::table::LogTable;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference, config::ConfigOptions};
use datafusion::functions::string::expr_fn::replace;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, Like, LogicalPlan, lit};
use datafusion::optimizer::AnalyzerRule;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rule.
#[derive(Debug)]
pub(crate) struct Mirrors {
    /// By table: the column and the fields below it, and the column that repeats them.
    tables: BTreeMap<String, Vec<(Vec<String>, String)>>,
    /// By table: the partition columns that hold a day.
    days: BTreeMap<String, Vec<&'static str>>,
}

impl Mirrors {
    pub(crate) fn new(tables: &[Arc<LogTable>]) -> Self {
        let of = |table: &LogTable| {
            table.mirrors.iter().map(|m| (m.field.split('.').map(str::to_owned).collect(), m.column.clone())).collect()
        };
        let names =
            |t: &Arc<LogTable>| -> Vec<String> { std::iter::once(&t.name).chain(&t.aliases).cloned().collect() };
        let days = |table: &LogTable| {
            ["day", "date"].into_iter().filter(|d| table.schema.field_with_name(d).is_err()).collect::<Vec<_>>()
        };
        Self {
            tables: tables.iter().flat_map(|t| names(t).into_iter().map(move |n| (n, of(t)))).collect(),
            days: tables.iter().flat_map(|t| names(t).into_iter().map(move |n| (n, days(t)))).collect(),
        }
    }

    /// Whether a column holds the day of a table's partition.
    fn is_day(&self, expr: &Expr, inputs: &[&LogicalPlan]) -> bool {
        let column = match expr {
            Expr::Column(column) => column,
            Expr::Cast(cast) => return self.is_day(&cast.expr, inputs),
            _ => return false,
        };
        matches!(column.name.as_str(), "day" | "date")
            && inputs
                .iter()
                .find_map(|plan| origin(plan, column))
                .and_then(|table| self.days.get(&table))
                .is_some_and(|days| days.contains(&column.name.as_str()))
    }

    /// AWS's examples write a partition's day as `2021/03/01`; the lake has `2021-03-01`. Text of no column that a day is
    /// compared with is read either way.
    fn dashed(&self, expr: Expr, inputs: &[&LogicalPlan]) -> Result<Transformed<Expr>> {
        let dashes = |e: Expr| -> Result<Expr> {
            let text = e
                .get_type(&DFSchema::empty())
                .is_ok_and(|t| matches!(t, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8));
            Ok(if text { replace(e, lit("/"), lit("-")) } else { e })
        };
        let day = |e: &Expr| self.is_day(e, inputs);
        Ok(match expr {
            Expr::BinaryExpr(b) if b.op.supports_propagation() && day(&b.left) && b.right.column_refs().is_empty() => {
                Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(b.left, b.op, Box::new(dashes(*b.right)?))))
            }
            Expr::BinaryExpr(b) if b.op.supports_propagation() && day(&b.right) && b.left.column_refs().is_empty() => {
                Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(Box::new(dashes(*b.left)?), b.op, b.right)))
            }
            Expr::Between(b) if day(&b.expr) && b.low.column_refs().is_empty() && b.high.column_refs().is_empty() => {
                let (low, high) = (Box::new(dashes(*b.low)?), Box::new(dashes(*b.high)?));
                Transformed::yes(Expr::Between(Between { expr: b.expr, negated: b.negated, low, high }))
            }
            Expr::InList(i) if day(&i.expr) && i.list.iter().all(|e| e.column_refs().is_empty()) => {
                let list = i.list.into_iter().map(dashes).collect::<Result<_>>()?;
                Transformed::yes(Expr::InList(InList { expr: i.expr, list, negated: i.negated }))
            }
            Expr::Like(l) if day(&l.expr) && l.pattern.column_refs().is_empty() => {
                let pattern = Box::new(dashes(*l.pattern)?);
                Transformed::yes(Expr::Like(Like { pattern, ..l }))
            }
            other => Transformed::no(other),
        })
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
                let new = new.transform_data(|e| e.transform_up(|e| self.dashed(e, &inputs)))?;
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
