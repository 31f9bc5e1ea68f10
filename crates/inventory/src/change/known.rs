//! What is known, by the texts that identify it.

use super::Catalogue;
use smol_str::SmolStr;
use std::collections::HashMap;
use yagura_model::Asset;
use yagura_rule::Estate;

/// The assets of an estate by their names, ids and ARNs.
#[derive(Debug, Clone, Default)]
pub struct Known {
    by_text: HashMap<SmolStr, Vec<u32>>,
    by_kind: HashMap<SmolStr, Vec<u32>>,
}

impl Known {
    /// Those of an estate.
    pub fn of(estate: &Estate, catalogue: &Catalogue) -> Self {
        let mut out = Self::default();
        (0..).zip(estate.assets()).for_each(|(at, _)| out.add(estate, catalogue, at));
        out
    }

    /// One more.
    pub fn add(&mut self, estate: &Estate, catalogue: &Catalogue, at: u32) {
        let Some(asset) = estate.assets().get(at as usize).filter(|a| catalogue.identities.contains_key(&a.kind))
        else {
            return;
        };
        for text in catalogue.texts(asset) {
            self.by_text.entry(text.into()).or_default().push(at);
        }
        self.by_kind.entry(asset.kind.clone()).or_default().push(at);
    }

    /// One that is gone: as it was, and its place.
    pub fn remove(&mut self, catalogue: &Catalogue, asset: &Asset, at: u32) {
        for text in catalogue.texts(asset) {
            if let Some(found) = self.by_text.get_mut(text) {
                found.retain(|a| *a != at);
                if found.is_empty() {
                    self.by_text.remove(text);
                }
            }
        }
        if let Some(found) = self.by_kind.get_mut(&asset.kind) {
            found.retain(|a| *a != at);
        }
    }

    /// The place of a resource.
    pub fn place(&self, estate: &Estate, kind: &str, account: &str, region: &str, id: &str) -> Option<u32> {
        self.find(id)?.iter().copied().find(|at| {
            let asset = estate.assets().get(*at as usize);
            asset.is_some_and(|a| a.kind == kind && a.account == account && a.region == region && a.id == id)
        })
    }

    pub(super) fn find(&self, text: &str) -> Option<&[u32]> {
        self.by_text.get(text).map(Vec::as_slice)
    }

    pub(super) fn of_kind(&self, kind: &str) -> &[u32] {
        self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default()
    }
}
