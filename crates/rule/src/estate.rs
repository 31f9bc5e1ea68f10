//! A snapshot, indexed for judging: assets by kind, joins hashed once.

use crate::check::{Across, Join};
use crate::operate::{V, not_told};
use crate::tables::Tables;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use yagura_model::{Asset, Caller, Field, Gap, GapReason, Listing, Scope, Snapshot, Value};
use yagura_network::Network;
use yagura_network::read::{KINDS, OWNERS, Reader};

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

    /// Whether another hole has the same cause and the same remedy, whatever the asset.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (a, b) = (self.gap(), other.gap());
        let cause = |g: &Gap| (g.reason, g.permission.clone(), g.call.clone(), g.region.clone());
        Arc::ptr_eq(a, b) || (cause(a) == cause(b) && (a.is_denied() || a.detail == b.detail))
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
    /// Whether a field of an asset is known in part. Only templates make such: what AWS answered need not be searched for holes.
    pub(crate) partly: bool,
    by_kind: HashMap<SmolStr, Vec<u32>>,
    listings: HashMap<ListingKey, Option<Arc<Gap>>>,
    joins: HashMap<JoinKey, JoinIndex>,
    pub(crate) tables: Arc<Tables>,
    not_requested: Arc<Gap>,
    outside: Arc<Gap>,
    fabric: OnceLock<Fabric>,
}

/// The network that the assets form, as far as it was read.
#[derive(Debug)]
enum Fabric {
    /// Data that nobody has asked for yet.
    Wanted(Vec<Hole>),
    /// Everything that could be read was.
    Network(Box<Network>),
}

/// Which index a join looks into.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct JoinKey {
    kind: SmolStr,
    by_region: bool,
    paths: Vec<SmolStr>,
}

impl JoinKey {
    pub(crate) fn new(kind: SmolStr, by_region: bool, paths: Vec<SmolStr>) -> Self {
        Self { kind, by_region, paths }
    }
}

#[derive(Debug, Default)]
struct JoinIndex {
    /// How many assets of the kind the index has seen.
    seen: usize,
    /// By account, then by Region (empty where the index is not by Region).
    places: HashMap<SmolStr, HashMap<SmolStr, PlaceIndex>>,
}

#[derive(Debug, Default)]
struct PlaceIndex {
    hits: HashMap<String, Vec<u32>>,
    /// Assets whose key is not known: they may or may not belong.
    unsure: Vec<Hole>,
    /// The causes of `unsure`, each once.
    causes: Vec<Hole>,
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
            partly: false,
            by_kind: HashMap::new(),
            listings: HashMap::new(),
            joins: HashMap::new(),
            tables,
            not_requested: gap("not read for this scan"),
            outside: gap("Regions outside the scan were not read"),
            fabric: OnceLock::new(),
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
        assets.retain(|a| !a.kind.is_empty());
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
        self.reweave(&asset.kind);
        self.by_kind.entry(asset.kind.clone()).or_default().push(at);
        self.partly |= asset.fields.iter().any(|(_, f)| matches!(f, Field::Partly(..)));
        self.assets.push(asset);
        at
    }

    /// Says that a listing is done, wholly (`None`) or not.
    pub fn set_listing(&mut self, key: ListingKey, gap: Option<Arc<Gap>>) {
        self.reweave(&key.0);
        self.listings.insert(key, gap);
    }

    /// Sets a field of an asset.
    pub fn set_field(&mut self, asset: u32, name: &SmolStr, field: Field) {
        if let Some(a) = self.assets.get_mut(asset as usize) {
            a.set(name.clone(), field);
            // Keys of joins may have changed.
            let kind = a.kind.clone();
            self.reweave(&kind);
            self.joins.retain(|k, _| k.kind != kind || !k.paths.iter().any(|p| p.split('.').next() == Some(name)));
        }
    }

    /// Puts an asset in the place of one of the same kind.
    pub fn replace(&mut self, at: u32, asset: Asset) {
        if let Some(own) = self.assets.get_mut(at as usize).filter(|a| a.kind == asset.kind) {
            let kind = asset.kind.clone();
            *own = asset;
            self.reweave(&kind);
            self.joins.retain(|k, _| k.kind != kind);
        }
    }

    /// Takes an asset out. Its place stays empty: an asset without a kind that nothing speaks of.
    pub fn remove(&mut self, at: u32) {
        let Some(asset) = self.assets.get_mut(at as usize) else { return };
        let kind = std::mem::take(&mut asset.kind);
        asset.fields = Vec::new();
        if let Some(of_kind) = self.by_kind.get_mut(&kind) {
            of_kind.retain(|a| *a != at);
        }
        self.reweave(&kind);
        self.joins.retain(|k, _| k.kind != kind);
    }

    /// Says when reading began, where some of it is read again.
    pub fn set_taken_at(&mut self, at: jiff::Timestamp) {
        self.taken_at = at;
        self.now_text = at.to_string();
    }

    /// The network has to be resolved anew where a kind of it changed.
    fn reweave(&mut self, kind: &str) {
        if self.fabric.get().is_some() && KINDS.iter().chain(OWNERS).any(|(k, _)| *k == kind) {
            self.fabric = OnceLock::new();
        }
    }

    /// The network that the assets form. What could not be read of it makes its answers unknown.
    ///
    /// # Errors
    /// The data that nobody has asked for yet; or that the assets are not of AWS's form.
    pub(crate) fn network(&self) -> Result<&Network, Vec<Hole>> {
        match self.fabric.get_or_init(|| self.weave()) {
            Fabric::Wanted(holes) => Err(holes.clone()),
            Fabric::Network(network) => Ok(network),
        }
    }

    /// Gives the network that examples speak of.
    pub(crate) fn set_network(&mut self, network: Network) {
        self.fabric = Fabric::Network(Box::new(network)).into();
    }

    fn weave(&self) -> Fabric {
        let mut wanted = Vec::new();
        for caller in &self.callers {
            for region in self.scope.regions_in(&caller.account) {
                for (kind, _) in KINDS {
                    let at = (SmolStr::new_static(kind), caller.account.clone(), region.clone());
                    if let Some(gap) = self.listing_gap(&at).filter(|g| g.reason == GapReason::NotRequested) {
                        wanted.push(Hole::Listing { kind: at.0, account: at.1, region: at.2, gap: gap.clone() });
                    }
                }
            }
        }
        for (kind, fields) in KINDS {
            for at in self.of_kind(kind) {
                let Some(asset) = self.assets.get(*at as usize) else { continue };
                for field in *fields {
                    if let Field::Unknown(gap) | Field::Partly(_, gap) = asset.field(field)
                        && gap.reason == GapReason::NotRequested
                    {
                        wanted.push(Hole::Field { asset: *at, field: SmolStr::new_static(field), gap: gap.clone() });
                    }
                }
            }
        }
        if !wanted.is_empty() {
            return Fabric::Wanted(wanted);
        }
        let mut reader = Reader::new();
        for caller in &self.callers {
            self.scope.regions_in(&caller.account).iter().for_each(|region| reader.asked(&caller.account, region));
        }
        for ((kind, account, region), gap) in &self.listings {
            reader.listing(kind, account, region, gap.as_ref());
        }
        match self.assets.iter().try_for_each(|asset| reader.asset(asset)) {
            Ok(()) => Fabric::Network(Box::new(Network::new(reader.finish()))),
            Err(e) => Fabric::Wanted(vec![not_told(e.to_string())]),
        }
    }

    /// The gap that stands where nothing was asked for.
    pub fn not_requested(&self) -> &Arc<Gap> {
        &self.not_requested
    }

    /// Hashes what these joins look up; call before judging, and again when assets were added.
    pub fn prepare<'j>(&mut self, joins: impl IntoIterator<Item = &'j Join>) {
        for join in joins {
            let members = self.by_kind.get(&join.kind).map_or(&[][..], Vec::as_slice);
            if self.joins.get(&join.index).is_some_and(|i| i.seen == members.len()) {
                continue;
            }
            // Assets are only ever added, so what was seen stays as it is.
            let index = self.joins.entry(join.index.clone()).or_default();
            for &at in members.get(index.seen..).unwrap_or_default() {
                if let Some(asset) = self.assets.get(at as usize) {
                    index.add(&join.index, asset, at);
                }
            }
            index.seen = members.len();
        }
    }

    /// The assets that a join yields for `this`, given the values that its `where` wants. With `demand` every asset
    /// whose key is not known is named, otherwise only why.
    pub(crate) fn joined(&self, join: &Join, this: &Asset, values: &str, demand: bool) -> Joined<'_> {
        let (mut items, mut holes): (&[u32], Vec<Hole>) = (&[], Vec::new());
        let region = if join.index.by_region { this.region.as_str() } else { "" };
        let place = self.joins.get(&join.index).and_then(|i| i.places.get(&this.account)?.get(region));
        if let Some(place) = place {
            holes.extend_from_slice(if demand { &place.unsure } else { &place.causes });
            items = place.hits.get(values).map_or(&[], Vec::as_slice);
        }
        for region in self.join_regions(join, this) {
            let at = (join.kind.clone(), this.account.clone(), region);
            if let Some(gap) = self.listing_gap(&at) {
                holes.push(Hole::Listing { kind: at.0, account: at.1, region: at.2, gap: gap.clone() });
            }
        }
        if join.across == Across::AllRegions && (join.regional || join.placed) && !self.scope.all_regions {
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
            Across::ScannedRegions | Across::AllRegions => self.scope.regions_in(&this.account).to_vec(),
        }
    }

    /// The pseudo-Region of account-wide resources: AWS's own names (`aws-global`).
    pub fn global_region(&self, account: &str) -> SmolStr {
        let partition = self.callers.iter().find(|c| c.account == account).map_or("aws", |c| c.partition.as_str());
        smol_str::format_smolstr!("{partition}-global")
    }
}

impl JoinIndex {
    fn add(&mut self, key: &JoinKey, asset: &Asset, at: u32) {
        let region = if key.by_region { asset.region.clone() } else { SmolStr::default() };
        let place = self.places.entry(asset.account.clone()).or_default().entry(region).or_default();
        match asset_key(asset, at, &key.paths) {
            Ok(Some(values)) => place.hits.entry(values).or_default().push(at),
            Ok(None) => {}
            Err(hole) => {
                if !place.causes.iter().any(|c| c.is_like(&hole)) {
                    place.causes.push(hole.clone());
                }
                place.unsure.push(hole);
            }
        }
    }
}

/// Appends one value to a join key, so that different values never make the same key: its type, its text, and an end
/// that no text holds. `None` for what is neither text, number nor truth value.
pub(crate) fn push_key(key: &mut String, value: &V<'_>) -> Option<()> {
    match value {
        V::Bool(b) => key.push_str(if *b { "b1" } else { "b0" }),
        V::Int(i) => key.push_str(&smol_str::format_smolstr!("n{i}")),
        // 1.0 shows as 1, and equals it.
        V::Float(f) => key.push_str(&smol_str::format_smolstr!("n{}", f + 0.0)),
        other => {
            let text = other.text()?;
            key.push('t');
            match text.contains('\u{1}') {
                true => key.push_str(&text.replace('\u{1}', "\u{1}\u{1}")),
                false => key.push_str(text),
            }
        }
    }
    key.push_str("\u{1}\u{2}");
    Some(())
}

/// The key of an asset; `None` where it lacks a value, so that it never belongs.
fn asset_key(asset: &Asset, at: u32, paths: &[SmolStr]) -> Result<Option<String>, Hole> {
    let mut key = String::new();
    let mut unread = None;
    for path in paths {
        let (top, rest) = path.split_once('.').map_or((path.as_str(), None), |(t, r)| (t, Some(r)));
        let value = match asset.field(top) {
            Field::Known(v) | Field::Partly(v, _) => {
                let found = rest.into_iter().flat_map(|r| r.split('.')).try_fold(v, |v, name| match v {
                    Value::Unknown(_) => Some(v),
                    v => v.as_map()?.get(name),
                });
                if let Some(gap) = found.and_then(Value::gap) {
                    unread = Some(Hole::Field { asset: at, field: top.into(), gap: gap.clone() });
                    continue;
                }
                found
            }
            Field::Absent => None,
            Field::Unknown(gap) => {
                unread = Some(Hole::Field { asset: at, field: top.into(), gap: gap.clone() });
                continue;
            }
        };
        // One value that is missing keeps the asset out, whatever was not read.
        if value.and_then(|v| push_key(&mut key, &V::of(v))).is_none() {
            return Ok(None);
        }
    }
    unread.map_or(Ok(Some(key)), Err)
}
