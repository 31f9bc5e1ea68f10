//! What the chosen checks may need: kinds, calls and IAM permissions, derived from the fields that they read.

use crate::kinds::{Kinds, ReadyKind, Source};
use crate::resource::List;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_aws::ReadOperation;
use yagura_model::{Map, Value};
use yagura_rule::Check;

/// A listing call and the kinds that it serves.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub op: Arc<ReadOperation>,
    pub first: Option<Arc<ReadOperation>>,
    pub spec: List,
    /// The input: `with`, and the joined `union` lists.
    pub input: Map,
    pub regional: bool,
    pub home: Option<SmolStr>,
    pub kinds: Vec<SmolStr>,
}

/// What is needed to answer some checks.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(crate) groups: Vec<Group>,
    /// By kind, its place in `groups`.
    pub(crate) group_of: BTreeMap<SmolStr, usize>,
    calls: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    permissions: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
}

impl Plan {
    /// What these checks may need.
    pub fn of(checks: &[Check], kinds: &Kinds) -> Self {
        let mut plan = Self::default();
        for check in checks {
            plan.need_listing(kinds, &check.each, &check.id);
            for join in &check.joins {
                plan.need_listing(kinds, &join.kind, &check.id);
            }
            for (kind, field) in &check.reads {
                plan.need_listing(kinds, kind, &check.id);
                let Some(kind) = kinds.get(kind) else { continue };
                if let Some(Source::Describe(_, op) | Source::Call(_, op)) = kind.source(field) {
                    plan.need(op, &check.id);
                }
            }
        }
        plan
    }

    fn need(&mut self, op: &ReadOperation, check: &SmolStr) {
        self.calls.entry(op.call().into()).or_default().insert(check.clone());
        self.permissions.entry(op.permission().into()).or_default().insert(check.clone());
    }

    fn need_listing(&mut self, kinds: &Kinds, id: &SmolStr, check: &SmolStr) {
        let Some(kind) = kinds.get(id) else { return };
        if let Some(over) = kind.resource.list.as_ref().and_then(|l| l.over.as_ref()).filter(|over| *over != id) {
            self.need_listing(kinds, over, check);
        }
        for op in kind.list.iter().chain(&kind.first) {
            self.need(op, check);
        }
        if !self.group_of.contains_key(id) {
            self.join_group(kind);
        }
    }

    fn join_group(&mut self, kind: &ReadyKind) {
        let (Some(spec), Some(op)) = (&kind.resource.list, &kind.list) else { return };
        let id = kind.resource.id.clone();
        let regional = kind.resource.regional;
        // A kind that asks for everything must not share a call that another one narrows: its own rows would be missing.
        let narrows = |l: &List| l.union.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
        let like = |g: &Group| {
            (&g.spec.call, &g.spec.with, &g.spec.first, &g.spec.over, &g.spec.keep)
                == (&spec.call, &spec.with, &spec.first, &spec.over, &spec.keep)
                && narrows(&g.spec) == narrows(spec)
                && (g.regional, &g.home) == (regional, &kind.resource.home)
        };
        let at = match self.groups.iter().position(like) {
            Some(at) => at,
            None => {
                let (op, first, spec) = (op.clone(), kind.first.clone(), spec.clone());
                let (input, home) = (spec.with.clone(), kind.resource.home.clone());
                self.groups.push(Group { op, first, input, spec, regional, home, kinds: Vec::new() });
                self.groups.len() - 1
            }
        };
        if let Some(group) = self.groups.get_mut(at) {
            for (name, wanted) in spec.union.iter() {
                let mut list =
                    group.input.get(name).and_then(|v| v.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
                list.extend(
                    wanted
                        .as_list()
                        .unwrap_or_default()
                        .iter()
                        .filter(|v| !list.contains(v))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                group.input.insert(name.clone(), Value::List(list));
            }
            group.kinds.push(id.clone());
        }
        self.group_of.insert(id, at);
    }

    /// The API calls (`s3:GetBucketEncryption`) and the checks that need each.
    pub fn calls(&self) -> impl Iterator<Item = (&SmolStr, &BTreeSet<SmolStr>)> {
        self.calls.iter()
    }

    /// The IAM actions (`s3:GetEncryptionConfiguration`) and the checks that need each.
    pub fn permissions(&self) -> impl Iterator<Item = (&SmolStr, &BTreeSet<SmolStr>)> {
        self.permissions.iter()
    }
}
