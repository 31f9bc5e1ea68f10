//! The static type of a configuration value, for checking expressions before they run.

use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What shape a value has, from the service's public model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A fraction.
    Float,
    /// Text.
    String,
    /// An instant, written as RFC 3339 text in UTC.
    Timestamp,
    /// Items of one type.
    List(Arc<Type>),
    /// Free keys, values of one type.
    Map(Arc<Type>),
    /// Named members.
    Struct(Arc<BTreeMap<SmolStr, Type>>),
    /// Not known in advance (documents, recursive shapes past their first level).
    Any,
}
