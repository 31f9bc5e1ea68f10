//! A question that another command asks of the lake.

use super::{table::table, words};
use crate::failure::Failure;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::runtime::Runtime;
use yagura_logs::lake::Lake;
use yagura_logs::table::tables;
use yagura_query::{Options, Session, value_at};

/// The rows of an answer, by column. The statement is Yagura's own.
///
/// # Errors
/// A file of the lake cannot be read: a sentence.
pub fn ask(lake: &Lake, sql: &str, runtime: &Runtime) -> Result<Vec<Map<String, Value>>, Failure> {
    runtime.block_on(async {
        let all = tables().iter().map(|t| table(t, Some(lake))).collect();
        let session = Session::new(Arc::clone(lake.store()), all, &Options::default()).map_err(words::failure)?;
        let mut answer = session.ask(sql).await.map_err(words::failure)?;
        let names: Vec<String> = answer.schema.fields().iter().map(|f| f.name().clone()).collect();
        let mut out = Vec::new();
        while let Some(batch) = answer.next().await.transpose().map_err(words::failure)? {
            for row in 0..batch.num_rows() {
                let cells = names.iter().zip(batch.columns()).map(|(name, column)| {
                    let value = value_at(column, row);
                    Ok((name.clone(), value.map_err(|e| words::failure(yagura_query::Error::Engine(e.to_string())))?))
                });
                out.push(cells.collect::<Result<_, Failure>>()?);
            }
        }
        Ok(out)
    })
}
