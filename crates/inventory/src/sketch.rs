//! An estate written by hand: the sample that `scan --demo` judges.
//!
//! ```yaml
//! kind: estate
//! taken_at: 2026-11-01T00:00:00Z
//! account: "111122223333"
//! regions: [ap-northeast-1, us-east-1]
//! unread:                     # what could not be read: a listing, or a field of one asset by its id
//!   - {kind: kms.key, region: us-east-1, call: kms:ListKeys, reason: access_denied, detail: AccessDeniedException}
//!   - {kind: s3.bucket, id: old-logs, field: Encryption, call: s3:GetBucketEncryption, reason: access_denied, detail: AccessDenied}
//! assets:
//!   s3.bucket:
//!     - {Name: web, BucketRegion: us-east-1, PublicAccessBlock: {…}}
//!   ec2.vpc:
//!     - {in: ap-northeast-1, VpcId: vpc-1}
//! ```
//! Fields that a kind has and an asset does not write are absent.

use crate::kinds::{Kinds, ReadyKind, Source};
use crate::shape::{self, Place};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Listing, Map, Scope, Snapshot};
use yagura_rule::yaml::{Reader, Yaml, read};
use yagura_rule::{ContentError, nearest_hint};

/// The snapshot that a hand-written estate stands for.
///
/// # Errors
/// Everything that is wrong with the file: unknown kinds, fields, Regions.
pub fn sketch(file: &ContentFile, kinds: &Kinds) -> Result<Snapshot, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| vec![e])?;
    let mut r = Reader::new(file);
    r.only(&yaml, &["kind", "taken_at", "account", "caller", "regions", "unread", "assets"]);
    let taken_at = r.want_text(&yaml, "taken_at").parse().unwrap_or_else(|_| {
        r.complain(&yaml, "`taken_at` is not a time");
        jiff::Timestamp::UNIX_EPOCH
    });
    let caller =
        Caller { account: r.want_text(&yaml, "account"), arn: r.want_text(&yaml, "caller"), partition: "aws".into() };
    let regions = r.texts(&yaml, "regions");
    let mut assets = Vec::new();
    for (id, rows) in yaml.get("assets").and_then(Yaml::entries).unwrap_or_default() {
        let Some(kind) = kinds.get(&id.name) else {
            let near = nearest_hint(&id.name, kinds.iter().map(|k| k.resource.id.as_str()));
            r.complain(rows, format!("unknown kind `{}`{near}", id.name));
            continue;
        };
        for row in rows.items().unwrap_or_default() {
            assets.extend(asset(&mut r, row, kind, &caller, &regions));
        }
    }
    let mut listings = listings(kinds, &caller, &regions);
    for hole in yaml.get("unread").and_then(Yaml::items).unwrap_or_default() {
        unread(&mut r, hole, &mut listings, &mut assets);
    }
    let scope = Scope { regions, all_regions: true, ..Scope::default() };
    r.finish(Snapshot { taken_at, tool: String::new(), callers: vec![caller], scope, listings, assets, requests: 0 })
}

fn asset(r: &mut Reader<'_>, row: &Yaml, kind: &ReadyKind, caller: &Caller, regions: &[SmolStr]) -> Option<Asset> {
    let id = &kind.resource.id;
    let region = r.text(row, "in").unwrap_or_else(|| "aws-global".into());
    if kind.resource.regional && !regions.contains(&region) {
        r.complain(row, format!("`in` must name one of the estate's Regions for `{id}`"));
        return None;
    }
    let place = Place { caller, region: &region };
    let mut listed = Map::new();
    let mut called = Vec::new();
    for (key, value) in row.entries().unwrap_or_default().iter().filter(|(k, _)| k.name != "in") {
        match (kind.source(&key.name), value.value()) {
            (None, _) => r.complain(value, format!("`{id}` has no field `{}`", key.name)),
            (Some(_), None) => {}
            (Some(Source::List), Some(v)) => listed.insert(key.name.clone(), v),
            (Some(_), Some(v)) => called.push((key.name.clone(), v)),
        }
    }
    // An expanded kind's row is one of its entries already: it names its slot itself.
    let Ok(Some(mut asset)) = shape::asset(&kind.resource, place, listed, regions) else {
        r.complain(row, format!("this `{id}` lacks `{}`, or lies outside the estate's Regions", kind.resource.name));
        return None;
    };
    for (name, value) in called {
        asset.set(name, Field::Known(value));
    }
    Some(asset)
}

fn listings(kinds: &Kinds, caller: &Caller, regions: &[SmolStr]) -> Vec<Listing> {
    let mut out = Vec::new();
    for kind in kinds.iter() {
        let global = vec![SmolStr::from("aws-global")];
        for region in if kind.resource.regional { regions } else { &global } {
            out.push(Listing {
                kind: kind.resource.id.clone(),
                account: caller.account.clone(),
                region: region.clone(),
                gap: None,
            });
        }
    }
    out
}

fn unread(r: &mut Reader<'_>, hole: &Yaml, listings: &mut [Listing], assets: &mut [Asset]) {
    r.only(hole, &["kind", "region", "id", "field", "call", "permission", "reason", "detail"]);
    let kind = r.want_text(hole, "kind");
    let reason = r.want_text(hole, "reason");
    let Ok(reason) = serde_json::from_value::<GapReason>(reason.as_str().into()) else {
        return r.complain(hole, format!("`{reason}` is not a reason"));
    };
    let gap = Arc::new(Gap {
        call: r.want_text(hole, "call"),
        permission: r.text(hole, "permission"),
        region: r.text(hole, "region").unwrap_or_default(),
        ..Gap::new(reason, r.text(hole, "detail").unwrap_or_default())
    });
    let (region, id, field) = (r.text(hole, "region"), r.text(hole, "id"), r.text(hole, "field"));
    let mut hit = false;
    if let Some(field) = field {
        for a in assets.iter_mut().filter(|a| a.kind == kind && id.as_ref().is_none_or(|i| *i == a.id)) {
            a.set(field.clone(), Field::Unknown(gap.clone()));
            hit = true;
        }
    } else {
        for l in listings.iter_mut().filter(|l| l.kind == kind && region.as_ref().is_none_or(|r| *r == l.region)) {
            l.gap = Some(gap.clone());
            hit = true;
        }
    }
    if !hit {
        r.complain(hole, "this names nothing in the estate");
    }
}
