//! What kinds of resources there are and which fields they have: what expressions are checked against.

use crate::compile::{hint, type_name};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::Type;

/// One kind of resource, as far as rules need to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// `s3.bucket`.
    pub id: SmolStr,
    /// Whether its assets are listed once per Region (else once per account).
    pub regional: bool,
    /// Whether its assets are listed once per account and yet lie in a Region each: those of Regions that were not scanned are left out.
    pub placed: bool,
    /// The field that names its assets (`InstanceId`); empty where no single top-level field does.
    pub name: SmolStr,
    /// Top-level fields.
    pub fields: BTreeMap<SmolStr, Type>,
}

impl Kind {
    /// The type at a dotted path of fields and members, or what is wrong with the path.
    pub(crate) fn path(&self, path: &str) -> Result<&Type, String> {
        let mut names = path.split('.');
        let top = names.next().unwrap_or_default();
        let near = |name: &str, of: &BTreeMap<SmolStr, Type>| hint(name, of.keys().map(SmolStr::as_str));
        let field = self
            .fields
            .get(top)
            .ok_or_else(|| format!("`{}` has no field `{top}`{}", self.id, near(top, &self.fields)))?;
        names.try_fold(field, |t, name| match t {
            Type::Any => Ok(t),
            Type::Map(of) => Ok(&**of),
            Type::Struct(of) => of.get(name).ok_or_else(|| format!("`{path}`: no member `{name}`{}", near(name, of))),
            other => Err(format!("`{path}`: {} has no members, so no `{name}`", type_name(other))),
        })
    }
}

/// All kinds by id.
#[derive(Debug, Clone, Default)]
pub struct Schema(BTreeMap<SmolStr, Kind>);

impl Schema {
    /// The kind with this id.
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        self.0.get(id)
    }

    /// All ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(SmolStr::as_str)
    }

    /// Kinds, sorted by id.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.0.values()
    }
}

impl FromIterator<Kind> for Schema {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().map(|k| (k.id.clone(), k)).collect())
    }
}
