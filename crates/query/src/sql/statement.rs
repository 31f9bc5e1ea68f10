//! A statement, and whether it only reads.

use super::dialect::Athena;
use super::rewrite;
use crate::Error;
use datafusion::sql::sqlparser::ast::{
    DescribeAlias, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, ShowStatementFilter,
    ShowStatementFilterPosition, Statement, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::ops::ControlFlow;

/// What was asked.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A query (or its `EXPLAIN`), in the engine's words, with the columns' names as the asker spelt them.
    Query { statement: Box<Statement>, spelling: Vec<Option<String>> },
    /// `SHOW TABLES [LIKE '…']`
    Tables { like: Option<String> },
    /// `DESCRIBE table`, `SHOW COLUMNS FROM table`
    Columns { table: String },
    /// `SHOW FUNCTIONS [LIKE '…']`
    Functions { like: Option<String> },
}

/// Reads one statement. A `;` at its end is allowed; a second statement is not.
pub(crate) fn read(sql: &str) -> Result<Asked, Error> {
    let raw = Tokenizer::new(&Athena, sql).tokenize_with_location().map_err(|e| Error::Syntax(e.to_string()))?;
    let spelling = parse(raw.clone()).map(|s| spelling(&s)).unwrap_or_default();
    let mut statement = parse(lowered(raw))?;
    match &statement {
        Statement::Query(_) | Statement::Explain { .. } => {}
        Statement::ShowTables { show_options, .. } => {
            let like = match &show_options.filter_position {
                Some(ShowStatementFilterPosition::Infix(f) | ShowStatementFilterPosition::Suffix(f)) => pattern(f),
                None => None,
            };
            return Ok(Asked::Tables { like });
        }
        Statement::ShowFunctions { filter } => return Ok(Asked::Functions { like: filter.as_ref().and_then(pattern) }),
        Statement::ShowColumns { show_options, .. } => {
            return match show_options.show_in.as_ref().and_then(|i| i.parent_name.as_ref()).and_then(last) {
                Some(table) => Ok(Asked::Columns { table }),
                None => Err(Error::Syntax("SHOW COLUMNS FROM wants a table".into())),
            };
        }
        Statement::ExplainTable { describe_alias, table_name, .. } => {
            let _: &DescribeAlias = describe_alias;
            return match last(table_name) {
                Some(table) => Ok(Asked::Columns { table }),
                None => Err(Error::Syntax("DESCRIBE wants a table".into())),
            };
        }
        other => return Err(Error::NotReading(verb(other))),
    }
    if let ControlFlow::Break(verb) = statement.visit(&mut OnlyReads) {
        return Err(Error::NotReading(verb));
    }
    rewrite::statement(&mut statement)?;
    Ok(Asked::Query { statement: Box::new(statement), spelling })
}

fn parse(tokens: Vec<TokenWithSpan>) -> Result<Statement, Error> {
    let mut parser = Parser::new(&Athena).with_tokens_with_locations(tokens);
    let said = |e: datafusion::sql::sqlparser::parser::ParserError| Error::Syntax(e.to_string());
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token_ref().token == Token::EOF {
        return Err(Error::Empty);
    }
    let statement = parser.parse_statement().map_err(said)?;
    while parser.consume_token(&Token::SemiColon) {}
    match &parser.peek_token_ref().token {
        Token::EOF => Ok(statement),
        other => Err(Error::Syntax(format!("one statement at a time: found `{other}` after its end"))),
    }
}

/// Names in quotes mean the same in any letter case, as in Trino. Names without quotes are lowered by the engine.
fn lowered(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token
            && word.quote_style.is_some()
        {
            word.value = word.value.to_lowercase();
        }
    }
    tokens
}

/// How the asker spelt the aliases of the outermost `SELECT`: results carry them so, though names compare without case.
fn spelling(statement: &Statement) -> Vec<Option<String>> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let mut body = &*query.body;
    loop {
        match body {
            SetExpr::Select(select) => return select.projection.iter().map(alias).collect(),
            SetExpr::Query(inner) => body = &inner.body,
            SetExpr::SetOperation { left, .. } => body = left,
            _ => return Vec::new(),
        }
    }
}

fn alias(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

fn last(name: &ObjectName) -> Option<String> {
    match name.0.last()? {
        ObjectNamePart::Identifier(ident) => Some(ident.value.to_lowercase()),
        ObjectNamePart::Function(_) => None,
    }
}

fn pattern(filter: &ShowStatementFilter) -> Option<String> {
    match filter {
        ShowStatementFilter::Like(p) | ShowStatementFilter::ILike(p) | ShowStatementFilter::NoKeyword(p) => {
            Some(p.clone())
        }
        ShowStatementFilter::Where(_) => None,
    }
}

/// The statement's first word or two, for the refusal.
fn verb(statement: &Statement) -> String {
    let text = statement.to_string();
    text.split_whitespace().next().unwrap_or("this").to_uppercase()
}

/// Finds what would write in the inside of a query.
struct OnlyReads;

impl VisitorMut for OnlyReads {
    type Break = String;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        match &*query.body {
            SetExpr::Insert(_) => ControlFlow::Break("INSERT".into()),
            SetExpr::Update(_) => ControlFlow::Break("UPDATE".into()),
            SetExpr::Delete(_) => ControlFlow::Break("DELETE".into()),
            SetExpr::Merge(_) => ControlFlow::Break("MERGE".into()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        if select.into.is_some() { ControlFlow::Break("SELECT INTO".into()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<String> {
        match statement {
            Statement::Query(_) | Statement::Explain { .. } => ControlFlow::Continue(()),
            other => ControlFlow::Break(verb(other)),
        }
    }
}
