//! What was read, in the form that policies speak of: AWS's names, `Tags` as a list, buckets as Cloud Custodian builds them.

use crate::call::Call;
use crate::shape;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, GapReason, Snapshot};

/// How a resource of Cloud Custodian's is one of our kinds.
#[derive(Debug, Clone, Default)]
pub struct KindOf {
    /// `iam-policy`.
    pub resource: SmolStr,
    /// `iam.policy`.
    pub kind: SmolStr,
    /// Whether it is listed once per Region.
    pub regional: bool,
    /// The field with the tags.
    pub tags: Option<SmolStr>,
    /// The field with the resource's own policy.
    pub policy: Option<SmolStr>,
    /// Every field that it may have.
    pub fields: BTreeSet<SmolStr>,
    /// Those with a call of their own.
    pub called: BTreeSet<SmolStr>,
    /// Fields, or paths below them, that are thrown away because they may hold secrets.
    pub omitted: Vec<SmolStr>,
    /// One that the description brings, where there is a description.
    pub described: Option<SmolStr>,
    /// One that the listing brings.
    pub listed: Option<SmolStr>,
    /// The field that tells resources apart for Cloud Custodian.
    pub id: SmolStr,
    /// Its name in CloudFormation.
    pub cloudformation: Option<SmolStr>,
}

impl KindOf {
    /// What of these resources is not listed at all; `None` where all are.
    pub fn partial(&self) -> Option<&'static str> {
        PARTIAL.iter().find(|(r, _)| *r == self.resource).map(|(_, why)| *why)
    }

    /// Whether `Attributes` stand beside the resource's other members.
    pub fn has_attributes(&self) -> bool {
        ["sqs", "sns"].contains(&self.resource.as_str())
    }
}

/// Resources of which Cloud Custodian sees more than is listed here, and what is missing.
const PARTIAL: [(&str, &str); 5] = [
    ("ecs-task-definition", "only the latest revision of each family is listed"),
    ("org-policy", "only service control policies are listed"),
    ("rds-cluster-snapshot", "only manual snapshots are listed"),
    ("rds-snapshot", "only manual snapshots are listed"),
    ("redshift-snapshot", "only manual snapshots are listed"),
];

/// All resources that can be read, by Cloud Custodian's name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By `iam-policy`.
    pub by_resource: BTreeMap<SmolStr, KindOf>,
}

impl Names {
    /// By our kind.
    pub fn of_kind(&self, kind: &str) -> Option<&KindOf> {
        self.by_resource.values().find(|k| k.kind == kind)
    }
}

/// Where a policy runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// `aws`, `aws-cn`, …
    pub partition: SmolStr,
}

impl Place {
    /// Before it is known where: placeholders stay what they are.
    pub fn nowhere() -> Self {
        Self { account: "{account_id}".into(), region: "{region}".into(), partition: "aws".into() }
    }

    /// Whether it is not known yet.
    pub fn is_nowhere(&self) -> bool {
        self.region == "{region}"
    }
}

/// One resource.
#[derive(Debug)]
pub struct Res<'s> {
    /// As it was read.
    pub asset: &'s Asset,
    /// As policies see it.
    pub json: Json,
    /// Members that were not read, and why.
    pub unknown: BTreeMap<String, Arc<Gap>>,
    /// Every field that its kind may have.
    fields: BTreeSet<SmolStr>,
    /// Whether `Attributes` stand beside the others.
    attributes: bool,
}

impl Res<'_> {
    /// Why a member is not known; `None` where it is (or is known not to be there).
    pub fn gap(&self, member: &str) -> Option<Arc<Gap>> {
        if let Some(gap) = self.unknown.get(member) {
            return Some(gap.clone());
        }
        if self.json.get(member).is_some() || self.fields.contains(member) || member.starts_with("c7n:") {
            return None;
        }
        if self.attributes {
            return self.unknown.get("Attributes").cloned();
        }
        Some(not_told(format!("`{member}` is not among what is read of `{}`", self.asset.kind)))
    }

    /// The gap of the first of these members that is not known.
    pub fn gap_in(&self, members: &Option<BTreeSet<String>>) -> Option<Arc<Gap>> {
        match members {
            Some(members) => members.iter().find_map(|m| self.gap(m)),
            None => self.unknown.values().next().cloned(),
        }
    }

    /// A member, or why it is not known.
    ///
    /// # Errors
    /// The gap.
    pub fn get(&self, member: &str) -> Result<&Json, Arc<Gap>> {
        const NULL: &Json = &Json::Null;
        match self.unknown.get(member) {
            Some(gap) => Err(gap.clone()),
            None => Ok(self.json.get(member).unwrap_or(NULL)),
        }
    }

    /// A field as it was read, whatever the policies' view of it.
    ///
    /// # Errors
    /// The gap.
    pub fn field(&self, name: &str) -> Result<Json, Arc<Gap>> {
        match self.asset.field(name) {
            Field::Known(v) => Ok(v.to_json()),
            Field::Absent => Ok(Json::Null),
            Field::Partly(_, gap) | Field::Unknown(gap) => Err(asked(gap, name)),
        }
    }

    /// A field that a call of its own brings: in a snapshot of before the question it is not absent, but was never asked.
    ///
    /// # Errors
    /// The gap.
    pub fn called(&self, name: &str) -> Result<Json, Arc<Gap>> {
        if self.asset.fields.iter().any(|(n, _)| n == name) {
            return self.field(name);
        }
        Err(Arc::new(Gap::new(GapReason::NotRequested, format!("`{name}` was not read"))))
    }

    /// What a call of the policy's own told; `null` where there is nothing.
    ///
    /// # Errors
    /// The gap.
    pub fn asked(&self, call: &Call) -> Result<Json, Arc<Gap>> {
        let untold = || Arc::new(Gap::new(GapReason::NotRequested, format!("`{}` was not called for it", call.call)));
        match self.asset.fields.iter().find(|(n, _)| *n == call.field) {
            Some((_, Field::Known(v))) => Ok(v.to_json()),
            Some((_, Field::Absent)) => Ok(Json::Null),
            Some((_, Field::Unknown(gap))) if gap.reason == GapReason::NotRequested => Err(untold()),
            Some((_, Field::Partly(_, gap) | Field::Unknown(gap))) => Err(gap.clone()),
            None => Err(untold()),
        }
    }

    /// Text of a member; empty where it has none.
    pub fn text(&self, member: &str) -> &str {
        self.json.get(member).and_then(Json::as_str).unwrap_or_default()
    }
}

/// A gap that says what was not asked for.
pub(crate) fn asked(gap: &Arc<Gap>, field: &str) -> Arc<Gap> {
    if gap.reason != GapReason::NotRequested {
        return gap.clone();
    }
    Arc::new(Gap::new(GapReason::NotRequested, format!("`{field}` was not read")))
}

/// A gap for what the answers do not tell.
pub fn not_told(detail: impl Into<String>) -> Arc<Gap> {
    Arc::new(Gap::new(GapReason::NotTold, detail))
}

/// A snapshot in policies' form.
#[derive(Debug)]
pub struct World<'s> {
    /// What was read.
    pub snapshot: &'s Snapshot,
    kinds: HashMap<SmolStr, Vec<Res<'s>>>,
    by_id: HashMap<SmolStr, HashMap<String, Vec<usize>>>,
    regional: HashMap<SmolStr, bool>,
}

impl<'s> World<'s> {
    /// The resources of these kinds.
    pub fn new(snapshot: &'s Snapshot, names: &Names, kinds: &BTreeSet<SmolStr>) -> Self {
        let mut world = Self { snapshot, kinds: HashMap::new(), by_id: HashMap::new(), regional: HashMap::new() };
        for asset in snapshot.assets.iter().filter(|a| kinds.contains(&a.kind)) {
            let known = names.of_kind(&asset.kind);
            let (json, unknown) = shape::of(asset, known);
            let fields = known.map(|k| k.fields.clone()).unwrap_or_default();
            let all = world.kinds.entry(asset.kind.clone()).or_default();
            let ids = world.by_id.entry(asset.kind.clone()).or_default();
            let id = known.map(|k| k.id.as_str()).and_then(|id| json.get(id)).and_then(Json::as_str);
            for id in id.into_iter().chain([asset.id.as_str()]).collect::<BTreeSet<_>>() {
                ids.entry(id.to_owned()).or_default().push(all.len());
            }
            let attributes = known.is_some_and(KindOf::has_attributes);
            all.push(Res { asset, json, unknown, fields, attributes });
        }
        for kind in kinds {
            let listed_in = snapshot.listings.iter().find(|l| l.kind == *kind);
            let regional = names
                .of_kind(kind)
                .map_or_else(|| listed_in.is_none_or(|l| !l.region.ends_with("-global")), |k| k.regional);
            world.regional.insert(kind.clone(), regional);
        }
        world
    }

    fn is_regional(&self, kind: &str) -> bool {
        self.regional.get(kind).copied().unwrap_or(true)
    }

    /// The resources of a kind that a policy sees in a place.
    pub fn of_kind<'w>(&'w self, kind: &'w str, place: &'w Place) -> impl Iterator<Item = &'w Res<'s>> {
        let regional = self.is_regional(kind);
        self.kinds.get(kind).into_iter().flatten().filter(move |r| {
            // A trail of several Regions shows in each of them.
            let everywhere = || r.json.get("IsMultiRegionTrail") == Some(&Json::Bool(true));
            r.asset.account == place.account && (!regional || r.asset.region == place.region || everywhere())
        })
    }

    /// Why the resources of a kind are not all there; `None` where they are.
    pub fn listing_gap(&self, kind: &str, place: &Place) -> Option<Arc<Gap>> {
        let regional = self.is_regional(kind);
        let mut seen = false;
        for l in &self.snapshot.listings {
            if l.kind == kind && l.account == place.account && (!regional || l.region == place.region) {
                seen = true;
                if let Some(gap) = &l.gap {
                    return Some(gap.clone());
                }
            }
        }
        (!seen).then(|| {
            Arc::new(Gap::new(GapReason::NotRequested, format!("`{kind}` was not listed in {}", place.region)))
        })
    }

    /// All resources of a kind in a place.
    ///
    /// # Errors
    /// Why they are not all known.
    pub fn all<'w>(&'w self, kind: &'w str, place: &'w Place) -> Result<Vec<&'w Res<'s>>, Arc<Gap>> {
        match self.listing_gap(kind, place) {
            Some(gap) => Err(gap),
            None => Ok(self.of_kind(kind, place).collect()),
        }
    }

    /// The resource with this id.
    pub fn by_id(&self, kind: &str, id: &str, place: &Place) -> Option<&Res<'s>> {
        let found = self.by_id.get(kind)?.get(id)?;
        let of = self.kinds.get(kind)?;
        found.iter().filter_map(|i| of.get(*i)).find(|r| r.asset.account == place.account)
    }
}
