//! One AWS resource and its configuration.

use crate::{Gap, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::sync::Arc;

/// A configuration field in three-valued form. What is not there at all is *absent*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// AWS answered, and this is the value.
    Known(Value),
    /// AWS answered, and the resource has no such setting.
    Absent,
    /// Known but for parts, which stand in it as [`Value::Unknown`]; the gap is that of the first. Who cannot tell the parts apart takes
    /// the whole for unknown, and so does a file.
    #[serde(skip_deserializing, rename = "unknown", serialize_with = "whole")]
    Partly(Value, Arc<Gap>),
    /// Not read; the gap says why.
    Unknown(Arc<Gap>),
}

fn whole<S: serde::Serializer>(_: &Value, gap: &Arc<Gap>, to: S) -> Result<S::Ok, S::Error> {
    gap.serialize(to)
}

impl Field {
    /// A value that AWS or a template told: known, or partly so.
    #[must_use]
    pub fn told(value: Value) -> Self {
        match value.gap().cloned() {
            Some(gap) => Self::Partly(value, gap),
            None => Self::Known(value),
        }
    }
}

/// One AWS resource, with the configuration under AWS's own field names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// The kind (`s3.bucket`).
    pub kind: SmolStr,
    /// The ARN; `None` for kinds that have none (`region`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<SmolStr>,
    /// The id that people use: bucket name, `vpc-…`, account id, Region name.
    pub id: SmolStr,
    /// The 12-digit account.
    pub account: SmolStr,
    /// The Region; `aws-global` (`aws-cn-global`, `aws-us-gov-global`) for what has none.
    pub region: SmolStr,
    /// Top-level fields, sorted by name; a field that is not listed is absent.
    pub fields: Vec<(SmolStr, Field)>,
}

impl Asset {
    /// The field `name`; [`Field::Absent`] where AWS left it out.
    pub fn field(&self, name: &str) -> &Field {
        const ABSENT: &Field = &Field::Absent;
        if self.fields.len() <= 12 {
            return self.fields.iter().find(|(k, _)| k == name).map_or(ABSENT, |(_, f)| f);
        }
        match self.fields.binary_search_by(|(k, _)| k.as_str().cmp(name)) {
            Ok(at) => self.fields.get(at).map_or(ABSENT, |(_, f)| f),
            Err(_) => ABSENT,
        }
    }

    /// What stands at a dotted path, as [`Value::path`] follows it: `Ok(None)` where AWS left a member of it out.
    ///
    /// # Errors
    /// Why its top-level field was not read.
    pub fn path(&self, path: &str) -> Result<Option<Cow<'_, Value>>, &Arc<Gap>> {
        let (top, rest) = path.split_once('.').map_or((path, None), |(t, r)| (t, Some(r)));
        match self.field(top) {
            Field::Known(v) => Ok(rest.map_or(Some(Cow::Borrowed(v)), |r| v.path(r))),
            Field::Absent => Ok(None),
            Field::Partly(v, gap) => match rest.map_or(Some(Cow::Borrowed(v)), |r| v.path(r)) {
                Some(part) if part.gap().is_none() => Ok(Some(part)),
                _ => Err(gap),
            },
            Field::Unknown(gap) => Err(gap),
        }
    }

    /// Sets the field `name`.
    pub fn set(&mut self, name: impl Into<SmolStr>, field: Field) {
        let name = name.into();
        match self.fields.binary_search_by(|(k, _)| k.cmp(&name)) {
            Ok(at) => {
                if let Some(slot) = self.fields.get_mut(at) {
                    slot.1 = field;
                }
            }
            Err(at) => self.fields.insert(at, (name, field)),
        }
    }
}
