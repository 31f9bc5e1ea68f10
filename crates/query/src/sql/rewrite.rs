//! Trino's words put into the engine's: what the two call or spell differently, before anything is planned.
//!
//! Semantics follow "Functions and operators" of the Trino documentation, which Athena engine version 3 points to.

use super::dialect::{CAST, TRY_CAST, call, number, text};
use crate::Error;
use crate::functions;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, OrderByExpr,
    OrderByOptions, Select, SelectItem, Statement, TableAlias, TableFactor, TableWithJoins, UnaryOperator, VisitMut,
    VisitorMut,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Rewrites a whole statement.
pub(crate) fn statement(statement: &mut Statement) -> Result<(), Error> {
    match statement.visit(&mut Rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Functions that exist only as what they are rewritten to.
pub(crate) const NAMES: [&str; 18] = [
    "all_match",
    "any_match",
    "approx_percentile",
    "arbitrary",
    "bitwise_and",
    "bitwise_or",
    "count_if",
    "every",
    "filter",
    "histogram",
    "if",
    "listagg",
    "map_agg",
    "max_by",
    "min_by",
    "none_match",
    "transform",
    "try",
];

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = Error;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Error> {
        // `"db"."table"`: the lake has one database, whatever a query calls it.
        let first = relation.0.first().map(|p| p.to_string().trim_matches('"').to_lowercase());
        if first.as_deref() != Some("information_schema")
            && let Some(last) = relation.0.pop()
        {
            relation.0 = vec![last];
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let known = relations(&select.from);
        name_columns(&mut select.projection, &known);
        attach_unnest(&mut select.from);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let taken = std::mem::replace(expr, Expr::Wildcard(AttachedToken::empty()));
        match rewritten(taken) {
            Ok(new) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The names under which the tables of a `FROM` are known.
fn relations(from: &[TableWithJoins]) -> BTreeSet<String> {
    fn add(factor: &TableFactor, names: &mut BTreeSet<String>) {
        let mut put = |alias: &Option<TableAlias>| {
            if let Some(alias) = alias {
                names.insert(alias.name.value.to_lowercase());
            }
        };
        match factor {
            TableFactor::Table { name, alias: None, .. } => {
                if let Some(ObjectNamePart::Identifier(ident)) = name.0.last() {
                    names.insert(ident.value.to_lowercase());
                }
            }
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. } => put(alias),
            TableFactor::NestedJoin { table_with_joins, alias } => {
                put(alias);
                add(&table_with_joins.relation, names);
                table_with_joins.joins.iter().for_each(|j| add(&j.relation, names));
            }
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for table in from {
        add(&table.relation, &mut names);
        table.joins.iter().for_each(|j| add(&j.relation, &mut names));
    }
    names
}

/// Gives columns without a name the one they have in Athena: a field's is its own, any other expression's is `_col` and its place.
fn name_columns(items: &mut [SelectItem], relations: &BTreeSet<String>) {
    let mut used: BTreeSet<String> = items
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_lowercase()),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident.value.to_lowercase()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) if column_of_table(parts, relations) => {
                parts.last().map(|p| p.value.to_lowercase())
            }
            _ => None,
        })
        .collect();
    let mut given = BTreeSet::new();
    for item in items.iter_mut() {
        if let SelectItem::ExprWithAlias { alias, .. } = item
            && !given.insert(alias.value.to_lowercase())
        {
            // Trino lets two columns have one name; the engine does not.
            *alias = Ident::with_quote('"', unused(&alias.value.to_lowercase(), &mut used));
        }
    }
    for (place, item) in items.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let wanted = match &*expr {
            Expr::Identifier(_) => continue,
            Expr::CompoundIdentifier(parts) if column_of_table(parts, relations) => continue,
            Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.to_lowercase()),
            Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
                Some(AccessExpr::Dot(Expr::Identifier(ident))) => Some(ident.value.to_lowercase()),
                _ => None,
            },
            _ => None,
        };
        let wanted = wanted.unwrap_or_else(|| format!("_col{place}"));
        let name = unused(&wanted, &mut used);
        let expr = std::mem::replace(expr, Expr::Wildcard(AttachedToken::empty()));
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
    }
}

/// A name that is not used yet: as wanted, else with a number.
fn unused(wanted: &str, used: &mut BTreeSet<String>) -> String {
    let mut name = wanted.to_owned();
    let mut count = 2;
    while !used.insert(name.clone()) {
        name = format!("{wanted}_{count}");
        count += 1;
    }
    name
}

fn column_of_table(parts: &[Ident], relations: &BTreeSet<String>) -> bool {
    parts.len() == 2 && parts.first().is_some_and(|p| relations.contains(&p.value.to_lowercase()))
}

/// Puts `a CROSS JOIN UNNEST(…)`, `a LEFT JOIN UNNEST(…) ON TRUE` and `a, UNNEST(…)` into one bracket each, which
/// [`super::unnest`] plans: there the arrays may name columns of what stands to their left.
fn attach_unnest(from: &mut Vec<TableWithJoins>) {
    let mut out: Vec<TableWithJoins> = Vec::new();
    for table in from.drain(..) {
        match (out.last_mut(), matches!(table.relation, TableFactor::UNNEST { .. })) {
            (Some(before), true) => {
                before.joins.push(Join {
                    relation: table.relation,
                    global: false,
                    join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
                });
                before.joins.extend(table.joins);
            }
            _ => out.push(table),
        }
    }
    for table in &mut out {
        if !table.joins.iter().any(|j| matches!(j.relation, TableFactor::UNNEST { .. })) {
            continue;
        }
        for join in std::mem::take(&mut table.joins) {
            let unnests = matches!(join.relation, TableFactor::UNNEST { .. });
            table.joins.push(join);
            if unnests {
                let inner =
                    TableWithJoins { relation: table.relation.clone(), joins: std::mem::take(&mut table.joins) };
                table.relation = TableFactor::NestedJoin { table_with_joins: Box::new(inner), alias: None };
            }
        }
    }
    *from = out;
}

fn rewritten(expr: Expr) -> Result<Expr, Error> {
    Ok(match expr {
        Expr::Function(function) => return self::function(function),
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let mut args = vec![*expr];
            args.push(substring_from.map_or_else(|| number(1), |e| *e));
            args.extend(substring_for.map(|e| *e));
            call("substr", args)
        }
        Expr::AtTimeZone { timestamp, time_zone } => call("at_timezone", vec![*timestamp, *time_zone]),
        Expr::TypedString(typed) if typed.data_type.to_string().eq_ignore_ascii_case("ipaddress") => {
            Expr::Value(typed.value)
        }
        Expr::TypedString(typed) if typed.data_type.to_string().eq_ignore_ascii_case("json") => {
            call("json_parse", vec![Expr::Value(typed.value)])
        }
        other => other,
    })
}

fn function(mut function: Function) -> Result<Expr, Error> {
    let Some(name) = name_of(&function) else { return Ok(Expr::Function(function)) };
    let Some(mut args) = plain_args(&function) else { return Ok(Expr::Function(function)) };
    let count = args.len();
    let wrong = |wanted: &str| Err(Error::Arguments { function: name.clone(), wanted: wanted.into(), found: count });
    Ok(match (name.as_str(), count) {
        ("try", 1) => {
            let mut inner = args.remove(0);
            let _: ControlFlow<()> = inner.visit(&mut Lenient);
            inner
        }
        ("try", _) => return wrong("1"),
        ("if", 2 | 3) => {
            let mut rest = args.into_iter();
            let (condition, result) = (rest.next(), rest.next());
            match (condition, result) {
                (Some(condition), Some(result)) => case(condition, result, rest.next()),
                _ => return wrong("2 or 3"),
            }
        }
        ("if", _) => return wrong("2 or 3"),
        ("concat", 1) => args.remove(0),
        ("concat", 2..) => {
            let mut all = args.into_iter();
            let first = all.next().unwrap_or_else(|| text(""));
            let joined = all.fold(first, |left, right| binary(left, BinaryOperator::StringConcat, right));
            Expr::Nested(Box::new(joined))
        }
        ("bitwise_and", 2) => operator(args, BinaryOperator::BitwiseAnd),
        ("bitwise_or", 2) => operator(args, BinaryOperator::BitwiseOr),
        ("count_if", 1) => {
            let counted = case(args.remove(0), number(1), None);
            with(function, "count", vec![counted])
        }
        ("arbitrary", 1) => with(function, "any_value", args),
        ("every", 1) => with(function, "bool_and", args),
        ("max_by" | "min_by", 2) => {
            let by = args.remove(1);
            let mut function = function;
            add_filter(&mut function, Expr::IsNotNull(Box::new(by.clone())));
            let order = OrderByExpr {
                expr: by,
                options: OrderByOptions { asc: Some(name == "min_by"), nulls_first: Some(false) },
                with_fill: None,
            };
            let mut made = with(function, "first_value", args);
            if let Expr::Function(f) = &mut made
                && let FunctionArguments::List(list) = &mut f.args
            {
                list.clauses.push(FunctionArgumentClause::OrderBy(vec![order]));
            }
            made
        }
        ("max_by" | "min_by", _) => return wrong("2"),
        ("approx_percentile", 2 | 3) => {
            let share = args.pop().unwrap_or_else(|| number(0));
            let under = if count == 3 { "approx_percentile_cont_with_weight" } else { "approx_percentile_cont" };
            let values: Vec<Expr> = args.iter().take(1).cloned().collect();
            // The engine's answer is a double; Trino's has the type of the values.
            let one = |share: Expr| {
                let found = with(function.clone(), under, args.iter().cloned().chain([share]).collect());
                call("typed_like", vec![found, with(function.clone(), "min", values.clone())])
            };
            match share {
                Expr::Array(shares) => call("make_array", shares.elem.into_iter().map(one).collect()),
                share => one(share),
            }
        }
        ("map_agg", 2) => {
            let value = args.remove(1);
            let key = args.remove(0);
            add_filter(&mut function, Expr::IsNotNull(Box::new(key.clone())));
            let (keys, values) =
                (with(function.clone(), "array_agg", vec![key]), with(function, "array_agg", vec![value]));
            call("map_of_pairs", vec![keys, values])
        }
        ("histogram", 1) => {
            let value = args.remove(0);
            add_filter(&mut function, Expr::IsNotNull(Box::new(value.clone())));
            call("histogram_of", vec![with(function, "array_agg", vec![value])])
        }
        ("listagg", 1 | 2) => {
            if count == 1 {
                args.push(text(""));
            }
            let order = std::mem::take(&mut function.within_group);
            let mut made = with(function, "string_agg", args);
            if let Expr::Function(f) = &mut made
                && let FunctionArguments::List(list) = &mut f.args
                && !order.is_empty()
            {
                list.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
            made
        }
        ("filter", 2) => call("array_filter", args),
        ("transform", 2) => call("array_transform", args),
        ("none_match", 2) => not(call("any_match", args)),
        ("all_match", 2) => {
            if let Some(Expr::Lambda(lambda)) = args.get_mut(1) {
                let body = std::mem::replace(&mut *lambda.body, number(0));
                *lambda.body = not(body);
                not(call("any_match", args))
            } else {
                return wrong("an array and a lambda");
            }
        }
        _ => {
            // The engine lowers names without quotes only; `"count"(*)` is the same function.
            function.name = ObjectName::from(vec![Ident::new(name)]);
            Expr::Function(function)
        }
    })
}

/// Every call in `try(…)` that may fail gives null instead.
struct Lenient;

impl VisitorMut for Lenient {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                if let Some(name) = name_of(function) {
                    let lenient = if name == CAST { TRY_CAST.to_owned() } else { format!("try_{name}") };
                    if name == CAST || functions::may_fail(&name) {
                        function.name = ObjectName::from(vec![Ident::new(lenient)]);
                    }
                }
            }
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, .. } => {
                let taken = std::mem::replace(expr, Expr::Wildcard(AttachedToken::empty()));
                if let Expr::BinaryOp { left, op, right } = taken {
                    let name = if op == BinaryOperator::Divide { "try_divide" } else { "try_modulo" };
                    *expr = call(name, vec![*left, *right]);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn name_of(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident.value.to_lowercase()),
        _ => None,
    }
}

/// The arguments, where they are plain expressions.
fn plain_args(function: &Function) -> Option<Vec<Expr>> {
    match &function.args {
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|a| match a {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some(Expr::Wildcard(AttachedToken::empty())),
                _ => None,
            })
            .collect(),
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
    }
}

/// The call under another name and with other arguments; `DISTINCT`, `FILTER`, `ORDER BY` and `OVER` stay.
fn with(mut function: Function, name: &str, args: Vec<Expr>) -> Expr {
    function.name = ObjectName::from(vec![Ident::new(name)]);
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = args.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a))).collect();
    }
    Expr::Function(function)
}

fn add_filter(function: &mut Function, condition: Expr) {
    let both = match function.filter.take() {
        Some(before) => binary(Expr::Nested(before), BinaryOperator::And, condition),
        None => condition,
    };
    function.filter = Some(Box::new(both));
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn operator(mut args: Vec<Expr>, op: BinaryOperator) -> Expr {
    let right = args.pop().unwrap_or_else(|| number(0));
    let left = args.pop().unwrap_or_else(|| number(0));
    Expr::Nested(Box::new(binary(left, op, right)))
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(expr))) }
}

fn case(condition: Expr, result: Expr, other: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: other.map(Box::new),
    }
}
