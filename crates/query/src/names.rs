//! The engine's errors in one sentence each, with the nearest right name.

use crate::Error;
use datafusion::common::{DataFusionError, SchemaError};
use yagura_model::nearest;

/// The names that are there to be meant.
pub(crate) struct Known {
    pub tables: Vec<String>,
    pub functions: Vec<String>,
    pub memory: usize,
}

/// Puts an error of the engine into a sentence.
pub(crate) fn sentence(error: DataFusionError, known: &Known) -> Error {
    if let Some(path) = gone(&error) {
        return Error::Gone(path);
    }
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => sentence(*inner, known),
        DataFusionError::Collection(mut all) if !all.is_empty() => sentence(all.remove(0), known),
        DataFusionError::Shared(inner) => match &*inner {
            DataFusionError::ResourcesExhausted(_) => Error::Memory(known.memory),
            DataFusionError::ObjectStore(e) => Error::Store(e.to_string()),
            other => text(&other.strip_backtrace(), known),
        },
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::Engine(other.to_string()),
        },
        DataFusionError::SchemaError(schema, _) => column(*schema),
        DataFusionError::ResourcesExhausted(_) => Error::Memory(known.memory),
        DataFusionError::ObjectStore(e) => Error::Store(e.to_string()),
        DataFusionError::SQL(e, _) => Error::Syntax(e.to_string()),
        other => text(&other.strip_backtrace(), known),
    }
}

/// The file that the store does not have, wherever in the error that stands.
fn gone(error: &DataFusionError) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(object_store::Error::NotFound { path, .. }) = error.downcast_ref() {
            return Some(path.clone());
        }
        next = error.source();
    }
    None
}

fn column(error: SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<&str> = valid_fields.iter().map(|f| f.name.as_str()).collect();
            let found = nearest(&field.name, names).map(str::to_owned);
            Error::Column { name: field.name.clone(), nearest: found }
        }
        SchemaError::AmbiguousReference { field } => {
            Error::Engine(format!("`{}` is a column of more than one table: write the table before it", field.name))
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Error::Engine(format!("two columns are called `{name}`: give one another name with AS"))
        }
    }
}

/// What the engine says only in words.
fn text(said: &str, known: &Known) -> Error {
    const KINDS: [&str; 8] = [
        "Error during planning: ",
        "Execution error: ",
        "SQL error: ",
        "This feature is not implemented: ",
        "Arrow error: ",
        "Optimizer rule failed: ",
        "type_coercion",
        "External error: ",
    ];
    let mut said = said.trim();
    while let Some(rest) = KINDS.iter().find_map(|k| said.strip_prefix(k)) {
        said = rest.trim_start_matches([' ', ':', '\n']);
    }
    let quoted = |after: &str| said.split_once(after).and_then(|(_, rest)| rest.split('\'').next());
    if let Some(name) = quoted("Invalid function '") {
        let meant = nearest(name, known.functions.iter().map(String::as_str)).map(str::to_owned);
        return Error::Function { name: name.to_owned(), nearest: meant };
    }
    if said.starts_with("table '") && said.contains("' not found") {
        let full = quoted("table '").unwrap_or_default();
        let name = full.rsplit('.').next().unwrap_or(full);
        let meant = nearest(name, known.tables.iter().map(String::as_str)).map(str::to_owned);
        return Error::Table { name: name.to_owned(), nearest: meant };
    }
    Error::Engine(said.to_owned())
}
