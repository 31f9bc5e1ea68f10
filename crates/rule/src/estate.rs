//! A snapshot, indexed for judging: assets by kind, joins hashed once.

use crate::check::{Across, Join};
use crate::tables::Tables;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::Arc;
use yagura_model::{Asset, Caller, Field, Gap, GapReason, Listing, Scope, Snapshot, Value};

/// A hole that kept an expression from a known answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Hole {
    /// A field of an asset was not read.
    Field {
        /// Which asset, as its place in [`Estate::assets`].
        asset: u32,
        /// Its top-level field.
        field: SmolStr,
        /// Why.
        gap: Arc<Gap>,
    },
    /// Assets of a kind were not listed.
    Listing {
        /// The kind.
        kind: SmolStr,
        /// The account.
        account: SmolStr,
        /// The Region, or the global pseudo-Region.
        region: SmolStr,
        /// Why.
        gap: Arc<Gap>,
    },
    /// Nothing that a call would mend.
    Other(Arc<Gap>),
}

impl Hole {
    /// Why.
    pub fn gap(&self) -> &Arc<Gap> {
        match self {
            Self::Field { gap, .. } | Self::Listing { gap, .. } | Self::Other(gap) => gap,
        }
    }

    /// Whether the data is missing only because nobody has asked for it yet.
    pub fn can_be_read(&self) -> bool {
        !matches!(self, Self::Other(_)) && self.gap().reason == GapReason::NotRequested
    }
}

/// The place of a listing: kind, account, Region.
pub type ListingKey = (SmolStr, SmolStr, SmolStr);

/// A snapshot under judgement. It may still grow while data is being read.
#[derive(Debug)]
pub struct Estate {
    taken_at: jiff::Timestamp,
    now_text: String,
    callers: Vec<Caller>,
    scope: Scope,
    assets: Vec<Asset>,
    by_kind: HashMap<SmolStr, Vec<u32>>,
    listings: HashMap<ListingKey, Option<Arc<Gap>>>,
    joins: HashMap<JoinKey, JoinIndex>,
    pub(crate) tables: Arc<Tables>,
    not_requested: Arc<Gap>,
    outside: Arc<Gap>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct JoinKey {
    kind: SmolStr,
    by_region: bool,
    paths: Vec<SmolStr>,
}

#[derive(Debug, Default)]
struct JoinIndex {
    /// How many assets of the kind, and how many changes to them, the index has seen.
    seen: usize,
    hits: HashMap<String, Vec<u32>>,
    /// Assets whose key is not known: they may or may not belong, by account and Region.
    unsure: HashMap<String, Vec<Hole>>,
}

/// What a join yields: assets, and what may be missing from them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joined<'e> {
    pub items: std::borrow::Cow<'e, [u32]>,
    pub holes: Vec<Hole>,
}

impl Estate {
    /// An estate with nothing read yet.
    pub fn new(taken_at: jiff::Timestamp, callers: Vec<Caller>, scope: Scope, tables: Arc<Tables>) -> Self {
        let gap = |detail: &str| Arc::new(Gap::new(GapReason::NotRequested, detail));
        Self {
            taken_at,
            now_text: taken_at.to_string(),
            callers,
            scope,
            assets: Vec::new(),
            by_kind: HashMap::new(),
            listings: HashMap::new(),
            joins: HashMap::new(),
            tables,
            not_requested: gap("not read for this scan"),
            outside: gap("Regions outside the scan were not read"),
        }
    }

    /// The estate that a snapshot shows.
    pub fn from_snapshot(snapshot: Snapshot, tables: Arc<Tables>) -> Self {
        let mut estate = Self::new(snapshot.taken_at, snapshot.callers, snapshot.scope, tables);
        for asset in snapshot.assets {
            estate.push(asset);
        }
        for l in snapshot.listings {
            estate.listings.insert((l.kind, l.account, l.region), l.gap);
        }
        estate
    }

    /// The snapshot of what was read, in a reproducible order.
    pub fn into_snapshot(self, tool: String, requests: u64) -> Snapshot {
        let mut listings: Vec<Listing> = self
            .listings
            .into_iter()
            .map(|((kind, account, region), gap)| Listing { kind, account, region, gap })
            .collect();
        listings.sort_by(|a, b| (&a.account, &a.kind, &a.region).cmp(&(&b.account, &b.kind, &b.region)));
        let mut assets = self.assets;
        assets.sort_by(|a, b| (&a.account, &a.kind, &a.region, &a.id).cmp(&(&b.account, &b.kind, &b.region, &b.id)));
        Snapshot { taken_at: self.taken_at, tool, callers: self.callers, scope: self.scope, listings, assets, requests }
    }

    /// When reading began.
    pub fn taken_at(&self) -> jiff::Timestamp {
        self.taken_at
    }

    pub(crate) fn now_text(&self) -> &str {
        &self.now_text
    }

    /// Who read it.
    pub fn callers(&self) -> &[Caller] {
        &self.callers
    }

    /// What was asked for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// All assets.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// The places of the assets of a kind.
    pub fn of_kind(&self, kind: &str) -> &[u32] {
        self.by_kind.get(kind).map_or(&[], Vec::as_slice)
    }

    /// What is known of a listing: `None` when complete, else why not.
    pub fn listing_gap(&self, key: &ListingKey) -> Option<&Arc<Gap>> {
        match self.listings.get(key) {
            Some(gap) => gap.as_ref(),
            None => Some(&self.not_requested),
        }
    }

    /// All listings that were tried.
    pub fn listings(&self) -> impl Iterator<Item = (&ListingKey, Option<&Arc<Gap>>)> {
        self.listings.iter().map(|(k, g)| (k, g.as_ref()))
    }

    /// Adds an asset and says its place.
    pub fn push(&mut self, asset: Asset) -> u32 {
        let at = u32::try_from(self.assets.len()).unwrap_or(u32::MAX);
        self.by_kind.entry(asset.kind.clone()).or_default().push(at);
        self.assets.push(asset);
        at
    }

    /// Says that a listing is done, wholly (`None`) or not.
    pub fn set_listing(&mut self, key: ListingKey, gap: Option<Arc<Gap>>) {
        self.listings.insert(key, gap);
    }

    /// Sets a field of an asset.
    pub fn set_field(&mut self, asset: u32, name: &SmolStr, field: Field) {
        if let Some(a) = self.assets.get_mut(asset as usize) {
            a.set(name.clone(), field);
            // Keys of joins may have changed.
            let kind = a.kind.clone();
            self.joins.retain(|k, _| k.kind != kind || !k.paths.iter().any(|p| p.split('.').next() == Some(name)));
        }
    }

    /// The gap that stands where nothing was asked for.
    pub fn not_requested(&self) -> &Arc<Gap> {
        &self.not_requested
    }

    /// Hashes what these joins look up; call before judging, and again when assets were added.
    pub fn prepare<'j>(&mut self, joins: impl IntoIterator<Item = &'j Join>) {
        for join in joins {
            let key = join_key(join);
            let members = self.by_kind.get(&join.kind).map_or(0, Vec::len);
            if self.joins.get(&key).is_some_and(|i| i.seen == members) {
                continue;
            }
            let index = self.hash(&key);
            self.joins.insert(key, index);
        }
    }

    fn hash(&self, key: &JoinKey) -> JoinIndex {
        let mut index = JoinIndex::default();
        for &at in self.of_kind(&key.kind) {
            index.seen += 1;
            let Some(asset) = self.assets.get(at as usize) else { continue };
            let place = place(&asset.account, if key.by_region { &asset.region } else { "" });
            match asset_key(asset, at, &key.paths) {
                Ok(Some(values)) => index.hits.entry(place + &values).or_default().push(at),
                Ok(None) => {}
                Err(hole) => index.unsure.entry(place).or_default().push(hole),
            }
        }
        index
    }

    /// The assets that a join yields for `this`, given the values that its `where` wants.
    pub(crate) fn joined(&self, join: &Join, this: &Asset, values: &str) -> Joined<'_> {
        let key = join_key(join);
        let place = place(&this.account, if key.by_region { &this.region } else { "" });
        let (mut items, mut holes): (&[u32], Vec<Hole>) = (&[], Vec::new());
        if let Some(index) = self.joins.get(&key) {
            holes.extend(index.unsure.get(&place).into_iter().flatten().cloned());
            items = index.hits.get(&(place + values)).map_or(&[], Vec::as_slice);
        }
        for region in self.join_regions(join, this) {
            let at = (join.kind.clone(), this.account.clone(), region);
            if let Some(gap) = self.listing_gap(&at) {
                holes.push(Hole::Listing { kind: at.0, account: at.1, region: at.2, gap: gap.clone() });
            }
        }
        if join.across == Across::AllRegions && join.regional && !self.scope.all_regions {
            holes.push(Hole::Other(self.outside.clone()));
        }
        Joined { items: items.into(), holes }
    }

    fn join_regions(&self, join: &Join, this: &Asset) -> Vec<SmolStr> {
        if !join.regional {
            return vec![self.global_region(&this.account)];
        }
        match join.across {
            Across::SameRegion => vec![this.region.clone()],
            Across::ScannedRegions | Across::AllRegions => self.scope.regions.clone(),
        }
    }

    /// The pseudo-Region of account-wide resources: AWS's own names (`aws-global`).
    pub fn global_region(&self, account: &str) -> SmolStr {
        let partition = self.callers.iter().find(|c| c.account == account).map_or("aws", |c| c.partition.as_str());
        smol_str::format_smolstr!("{partition}-global")
    }
}

fn join_key(join: &Join) -> JoinKey {
    JoinKey {
        kind: join.kind.clone(),
        by_region: join.regional && join.across == Across::SameRegion,
        paths: join.on.iter().map(|(path, _)| path.clone()).collect(),
    }
}

fn place(account: &str, region: &str) -> String {
    format!("{account}\u{1}{region}\u{1}")
}

/// Appends one value to a join key.
pub(crate) fn push_key(key: &mut String, value: &str) {
    key.push_str(value);
    key.push('\u{1}');
}

/// The text of a value in a join key.
pub(crate) fn key_text(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::String(s) => s.as_str().into(),
        other => other.to_string().into(),
    }
}

fn asset_key(asset: &Asset, at: u32, paths: &[SmolStr]) -> Result<Option<String>, Hole> {
    let mut key = String::new();
    for path in paths {
        let (top, rest) = path.split_once('.').map_or((path.as_str(), None), |(t, r)| (t, Some(r)));
        let value = match asset.field(top) {
            Field::Known(v) => match rest {
                Some(rest) => v.path(rest),
                None => Some(std::borrow::Cow::Borrowed(v)),
            },
            Field::Absent => None,
            Field::Unknown(gap) => return Err(Hole::Field { asset: at, field: top.into(), gap: gap.clone() }),
        };
        match value {
            Some(v) => push_key(&mut key, &key_text(&v)),
            None => return Ok(None),
        }
    }
    Ok(Some(key))
}
