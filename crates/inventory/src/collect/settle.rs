//! Puts answers into the estate.

use super::{Collector, Failed};
use crate::kinds::Source;
use crate::shape::{self, Place};
use smol_str::SmolStr;
use std::collections::HashSet;
use std::sync::Arc;
use yagura_model::{Field, Gap, GapReason, Map, Value};

impl Collector<'_> {
    /// Adds the assets of a listing. After a failure, those of the pages that did come are kept.
    pub(super) fn settle_list(
        &mut self,
        group: usize,
        target: usize,
        region: &SmolStr,
        pages: Vec<Value>,
        error: Option<Failed>,
    ) {
        let (Some(group), Some(t)) = (self.plan.groups.get(group), self.targets.get(target)) else { return };
        let place = Place { caller: &t.caller, region };
        let mut pages = pages;
        for (nth, id) in group.kinds.iter().enumerate() {
            let Some(kind) = self.kinds.get(id) else { continue };
            let Some(spec) = &kind.resource.list else { continue };
            let own = if nth + 1 == group.kinds.len() { std::mem::take(&mut pages) } else { pages.clone() };
            let unlisted = spec.over.as_ref().and_then(|over| {
                self.estate.listing_gap(&(over.clone(), t.caller.account.clone(), region.clone())).cloned()
            });
            let mut gap = unlisted.or(error.as_ref().map(|e| e.gap.clone()));
            let mut assets = Vec::new();
            let items = own.into_iter().flat_map(|page| shape::items(spec, page));
            let scope = self.estate.scope().regions_in(&t.caller.account);
            for made in items.map(|i| i.and_then(|i| shape::assets(&kind.resource, place, i, scope))) {
                match made {
                    Ok(more) => assets.extend(more),
                    Err(message) => {
                        let bad = Gap::new(GapReason::BadAnswer, message);
                        gap = Some(Arc::new(Gap { call: group.op.call().into(), region: region.clone(), ..bad }));
                    }
                }
            }
            self.estate.set_listing((id.clone(), t.caller.account.clone(), region.clone()), gap);
            let added = self.add_assets(id, assets);
            self.judge(id, &added);
        }
    }

    pub(super) fn field_value(&self, asset: u32, field: &str, mut pages: Vec<Value>, error: Option<Failed>) -> Field {
        let Some(a) = self.estate.assets().get(asset as usize) else { return Field::Absent };
        let Some(Source::Call(spec, _)) = self.kinds.get(&a.kind).and_then(|k| k.source(field)) else {
            return Field::Absent;
        };
        match error {
            Some(e) if spec.absent_on.iter().any(|said| says(&e, said)) => Field::Absent,
            Some(e) => Field::Unknown(e.gap),
            None if pages.len() == 1 => match pages.pop().and_then(|p| shape::take(p, spec.take.as_deref())) {
                Some(value) => Field::Known(value),
                // This call says with an error that nothing is set: an answer without the value is not to be trusted.
                None if !spec.absent_on.is_empty() => {
                    let bad = Gap::new(GapReason::BadAnswer, "the answer does not hold it");
                    Field::Unknown(Arc::new(Gap { call: spec.call.clone(), region: a.region.clone(), ..bad }))
                }
                None => Field::Absent,
            },
            None => {
                let mut all = Vec::new();
                for page in pages {
                    match shape::take(page, spec.take.as_deref()) {
                        Some(Value::List(l)) => all.extend(l),
                        Some(other) => all.push(other),
                        None => {}
                    }
                }
                Field::Known(Value::List(all))
            }
        }
    }

    pub(super) fn settle_description(&mut self, assets: &[u32], pages: Vec<Value>, error: Option<Failed>) {
        let first = assets.first().and_then(|&a| self.estate.assets().get(a as usize));
        let Some(kind) = first.and_then(|a| self.kinds.get(&a.kind)) else { return };
        let Some(spec) = &kind.resource.describe else { return };
        let mut found: Vec<Map> = Vec::new();
        for page in pages {
            match shape::take(page, spec.take.as_deref()) {
                Some(Value::List(l)) => {
                    found.extend(l.into_iter().filter_map(|v| if let Value::Map(m) = v { Some(m) } else { None }))
                }
                Some(Value::Map(m)) => found.push(m),
                _ => {}
            }
        }
        let pending: Vec<SmolStr> =
            kind.pending().filter(|f| matches!(kind.source(f), Some(Source::Describe(..)))).cloned().collect();
        for &at in assets {
            let Some(asset) = self.estate.assets().get(at as usize) else { continue };
            let own = match &spec.batch {
                Some((_, key)) => {
                    found.iter().find(|m| matches!(asset.field(key), Field::Known(v) if m.get(key) == Some(v)))
                }
                None => found.first(),
            };
            let gap = error.as_ref().map(|e| e.gap.clone()).unwrap_or_else(|| {
                let call = kind.describe.as_ref().map(|o| o.call().into()).unwrap_or_default();
                let bad = Gap::new(GapReason::BadAnswer, "the answer does not speak of it");
                Arc::new(Gap { call, region: asset.region.clone(), ..bad })
            });
            let own = own.cloned();
            for name in &pending {
                let field = match &own {
                    Some(m) => m.get(name).cloned().map_or(Field::Absent, Field::Known),
                    None => Field::Unknown(gap.clone()),
                };
                self.estate.set_field(at, name, shape::without_omitted(&kind.resource, name, field));
            }
        }
    }

    pub(super) fn settle_members(
        &mut self,
        kind: &SmolStr,
        field: &SmolStr,
        target: usize,
        region: &SmolStr,
        pages: Vec<Value>,
        error: Option<Failed>,
    ) {
        let Some(Source::Call(spec, _)) = self.kinds.get(kind).and_then(|k| k.source(field)) else { return };
        let (Some((path, own)), Some(t)) = (&spec.member, self.targets.get(target)) else { return };
        let mut ids: HashSet<SmolStr> = HashSet::new();
        for page in &pages {
            if let Some(found) = page.path(path) {
                ids.extend(found.as_list().unwrap_or_default().iter().filter_map(|v| v.as_str().map(SmolStr::from)));
            }
        }
        let account = t.caller.account.clone();
        for at in self.estate.of_kind(kind).to_vec() {
            let Some(asset) = self.estate.assets().get(at as usize) else { continue };
            if asset.account != account || asset.region != *region {
                continue;
            }
            let value = match (&error, asset.field(own)) {
                (None, Field::Known(v)) => Field::Known(Value::Bool(v.as_str().is_some_and(|id| ids.contains(id)))),
                (Some(e), _) => Field::Unknown(e.gap.clone()),
                (None, _) => Field::Absent,
            };
            self.estate.set_field(at, field, value);
        }
    }
}

/// Whether an error is the one that means "not set": its code, or `Code: words of the message` where AWS gives the same code
/// for other things too.
fn says(error: &Failed, said: &str) -> bool {
    match said.split_once(": ") {
        Some((code, words)) => error.code == code && error.gap.detail.contains(words),
        None => error.code == said,
    }
}
