//! Checks as files: parsed, type-checked against AWS's own shapes, judged in three-valued logic.
//!
//! [`CheckFile::parse`] → [`CheckFile::compile`] → [`judge`] → [`verdict`]. Expressions are a subset of CEL; what could
//! not be read is Unknown and never turns into a pass or a failure (see [`Hole`]).

mod check;
mod compile;
mod estate;
mod eval;
mod explain;
mod fixture;
pub mod framework;
mod functions;
mod judge;
mod operate;
mod program;
mod schema;
pub mod syntax;
mod tables;
mod text;
pub mod yaml;

pub use check::{Across, Check, CheckFile, Join};
pub use compile::nearest_hint;
pub use estate::{Estate, Hole, ListingKey};
pub use fixture::{Broken, status_word};
/// What a policy document says.
pub mod policy {
    pub use crate::functions::policy::{is_admin, is_public};
    pub use yagura_policy::document::decoded;
}
pub use judge::{Judgement, Subject, answer, judge, judge_one, verdict};
pub use program::Program;
pub use schema::{Kind, Schema};
pub use tables::{LAMBDA_RUNTIMES, Tables};
pub use yaml::ContentError;

use smol_str::SmolStr;
use std::sync::Arc;

/// The frameworks there are, each with its requirements; one without requirements is known by name only.
pub type Frameworks = [(SmolStr, Vec<SmolStr>)];

/// Runs the fixtures inside a check's file and says which of them broke.
///
/// # Errors
/// Everything that keeps the check from compiling.
pub fn run_fixtures(
    file: &CheckFile,
    schema: &Schema,
    frameworks: &Frameworks,
    tables: &Arc<Tables>,
) -> Result<Vec<Broken>, Vec<ContentError>> {
    if file.is_without_fixtures() {
        return Err(vec![file.without_fixtures()]);
    }
    let check = file.compile(schema, None, frameworks)?;
    Ok(fixture::run(&check, tables, |settings| file.compile(schema, Some(settings), frameworks).ok()))
}
