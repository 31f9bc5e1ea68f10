//! What filters hang on, and so what must be read.

use crate::call::Call;
use crate::filter::Filter;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Data that a policy hangs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A field of the resource itself.
    Own(SmolStr),
    /// All resources of one of our kinds.
    Kind(SmolStr),
    /// A field of all resources of a kind.
    Field(SmolStr, SmolStr),
    /// A field of those resources of a kind in which a member has one of these values.
    Some(SmolStr, SmolStr, SmolStr, Vec<String>),
    /// A call with an input of the policy's own.
    Asked(Call),
}

impl Read {
    /// The kind that it is about; `None`: the policy's own.
    pub fn kind(&self) -> Option<&SmolStr> {
        match self {
            Self::Own(_) => None,
            Self::Kind(k) | Self::Field(k, _) | Self::Some(k, ..) => Some(k),
            Self::Asked(call) => Some(&call.kind),
        }
    }
}

/// What filters hang on: members of the resource (`None`: all of them), and other data.
#[derive(Debug, Default)]
pub struct Needs {
    /// Members of the resource.
    pub roots: BTreeSet<String>,
    /// Whether any member may count.
    pub everything: bool,
    /// Other data.
    pub reads: BTreeSet<Read>,
}

impl Needs {
    fn add_roots(&mut self, roots: Option<BTreeSet<String>>) {
        match roots {
            Some(r) => self.roots.extend(r),
            None => self.everything = true,
        }
    }

    /// Adds what these filters hang on.
    pub fn add(&mut self, filters: &[Filter]) {
        for f in filters {
            match f {
                Filter::And(inner) | Filter::Or(inner) | Filter::Not(inner) => self.add(inner),
                Filter::Value(v) => self.add_roots(v.roots()),
                Filter::Reduce(r) => self.add_roots(r.roots()),
                Filter::Items(i) => self.add_roots(i.path.roots()),
                Filter::Special(made) => {
                    self.add_roots(made.roots.clone());
                    self.reads.extend(made.reads.iter().cloned());
                }
                Filter::Count(..) | Filter::Event(_) | Filter::Unanswered(_) => {}
            }
        }
    }
}
