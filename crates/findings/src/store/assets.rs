//! The history of configurations. The newest is kept whole; each one before it as what Zstandard needs besides the one
//! after it ("Dictionary compression": the later configuration is the dictionary), so that forgetting begins at the old end.

use super::Store;
use super::cell::{Cell, Db, Done, Row, at as cell_at};
use super::coverage::Newer;
use super::record::time;
use crate::configuration::{Change, Difference, What, differences, merged};
use crate::error::StoreError;
use crate::observation::Observation;
use jiff::{SpanRelativeTo, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yagura_model::{Asset, Field, ResourceRef};

/// A configuration as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    fields: Map<String, Value>,
    /// Fields that were never read: their first value is no change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unread: BTreeSet<String>,
}

/// A resource and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct AssetHistory {
    /// The resource.
    pub resource: ResourceRef,
    /// The last observation that saw it.
    pub last_seen: Timestamp,
    /// The observation that saw the listing without it.
    pub gone: Option<Timestamp>,
    /// Its configuration as it was last seen.
    pub configuration: Map<String, Value>,
    /// What changed, the last first.
    pub changes: Vec<Change>,
}

/// What the store knows of a resource.
struct Known {
    last_seen: Timestamp,
    gone: bool,
    nth: i64,
    seen_hash: String,
    row: ResourceRef,
}

/// A change to be written.
struct Changed {
    id: String,
    nth: i64,
    seen_before: Option<Timestamp>,
    what: What,
    before: Option<(usize, Vec<u8>)>,
}

/// Notes what differs in the resources of an observation, and forgets what is older than `keep_days`.
pub(crate) fn record(
    db: &mut dyn Db,
    o: &Observation,
    at: Timestamp,
    run: i64,
    newer: &[Newer],
    keep_days: u32,
) -> Done<()> {
    let mut known = load(db, o)?;
    let (mut whole, mut touched, mut changes): (Vec<Row>, Vec<Row>, Vec<Changed>) = Default::default();
    for asset in &o.assets {
        if newer.iter().any(|n| n.covered.place(&asset.account, &asset.region)) {
            continue;
        }
        let r = ResourceRef::of(asset);
        let (id, hash) = (r.fingerprint(""), seen_hash(asset));
        let before = known.remove(&id);
        match before {
            Some(k) if k.last_seen > at => {}
            Some(k) if k.seen_hash == hash => {
                if k.gone {
                    changes.push(Changed {
                        id: id.clone(),
                        nth: k.nth + 1,
                        seen_before: Some(k.last_seen),
                        what: What::Back,
                        before: None,
                    });
                }
                touched.push(vec![id.into(), at.into(), (k.nth + i64::from(k.gone)).into()]);
            }
            None => {
                let kept = Kept { fields: merged(asset, None), unread: unread(asset, None) };
                whole.push(row(&id, &r, at, 1, &hash, &pack(&bytes(&kept)?, None)?));
                changes.push(Changed { id, nth: 1, seen_before: None, what: What::Created, before: None });
            }
            Some(k) => {
                let (old_bytes, old) = body(db, &id)?;
                let new = Kept { fields: merged(asset, Some(&old.fields)), unread: unread(asset, Some(&old)) };
                let new_bytes = bytes(&new)?;
                let differs = !told(&old, &new).is_empty();
                let nth = k.nth + i64::from(differs || k.gone);
                if differs || k.gone {
                    let what = if k.gone { What::Back } else { What::Changed };
                    let before = Some((old_bytes.len(), pack(&old_bytes, Some(&new_bytes))?));
                    changes.push(Changed { id: id.clone(), nth, seen_before: Some(k.last_seen), what, before });
                } else {
                    rebase(db, &id, k.nth, &old_bytes, &new_bytes)?;
                }
                whole.push(row(&id, &r, at, nth, &hash, &pack(&new_bytes, None)?));
            }
        }
    }
    let lost = gone(o, &known, newer, at);
    let lost_rows: Vec<Row> =
        lost.iter().map(|(id, nth, _)| vec![id.as_str().into(), at.into(), (*nth).into()]).collect();
    changes.extend(lost.into_iter().map(|(id, nth, seen)| Changed {
        id,
        nth,
        seen_before: Some(seen),
        what: What::Gone,
        before: None,
    }));
    db.execute_each(UPSERT, &whole)?;
    db.execute_each("UPDATE yagura_assets SET last_seen = $2, nth = $3, gone = NULL WHERE id = $1", &touched)?;
    db.execute_each("UPDATE yagura_assets SET gone = $2, nth = $3 WHERE id = $1", &lost_rows)?;
    db.execute_each(INSERT_CHANGE, &changes.into_iter().map(|c| c.row(at, run)).collect::<Vec<_>>())?;
    forget(db, at, keep_days)
}

const UPSERT: &str = "INSERT INTO yagura_assets (id, kind, account, region, arn, name, last_seen, gone, nth, seen_hash, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, \
     gone = NULL, nth = excluded.nth, seen_hash = excluded.seen_hash, body = excluded.body";

const INSERT_CHANGE: &str = "INSERT INTO yagura_asset_changes (asset, nth, at, seen_before, run, what, size_before, before) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

impl Changed {
    fn row(self, at: Timestamp, run: i64) -> Row {
        let (size, before) = match self.before {
            Some((size, body)) => (Cell::Int(i64::try_from(size).unwrap_or(i64::MAX)), body.into()),
            None => (Cell::Null, Cell::Null),
        };
        let what = self.what.name().into();
        vec![self.id.into(), self.nth.into(), at.into(), self.seen_before.into(), run.into(), what, size, before]
    }
}

fn row(id: &str, r: &ResourceRef, at: Timestamp, nth: i64, hash: &str, body: &[u8]) -> Row {
    vec![
        id.into(),
        r.kind.as_str().into(),
        r.account.as_str().into(),
        r.region.as_str().into(),
        r.arn.as_deref().into(),
        r.id.as_str().into(),
        at.into(),
        nth.into(),
        hash.into(),
        body.to_vec().into(),
    ]
}

fn load(db: &mut dyn Db, o: &Observation) -> Done<HashMap<String, Known>> {
    let mut out = HashMap::new();
    let sql = "SELECT id, last_seen, gone, nth, seen_hash, kind, account, region, arn, name FROM yagura_assets WHERE";
    // Of a few resources that were looked at by themselves nothing follows for others.
    let alone = o.partial && o.listings.is_empty();
    let ids = o.assets.iter().map(ResourceRef::of).chain(o.gone.iter().cloned()).map(|r| r.fingerprint(""));
    let (sql, keys): (String, Vec<String>) = match alone {
        true => (format!("{sql} id = $1"), ids.collect()),
        false => (format!("{sql} account = $1"), o.accounts.iter().map(ToString::to_string).collect()),
    };
    for key in keys {
        for r in db.query(&sql, &[key.into()])? {
            let known = Known {
                last_seen: time(cell_at(&r, 1))?,
                gone: !cell_at(&r, 2).is_null(),
                nth: cell_at(&r, 3).int(),
                seen_hash: cell_at(&r, 4).text().to_owned(),
                row: resource(&r, 5),
            };
            out.insert(cell_at(&r, 0).text().to_owned(), known);
        }
    }
    Ok(out)
}

/// From the columns kind, account, region, arn, name.
fn resource(row: &Row, from: usize) -> ResourceRef {
    let text = |n: usize| cell_at(row, from + n).text().into();
    let arn = cell_at(row, from + 3).maybe_text().map(Into::into);
    ResourceRef { kind: text(0), account: text(1), region: text(2), arn, id: text(4) }
}

/// Known resources that a complete listing does not hold any more.
fn gone(
    o: &Observation,
    rest: &HashMap<String, Known>,
    newer: &[Newer],
    at: Timestamp,
) -> Vec<(String, i64, Timestamp)> {
    let whole: BTreeMap<(&str, &str, &str), bool> = o
        .listings
        .iter()
        .map(|l| ((l.kind.as_str(), l.account.as_str(), l.region.as_str()), l.gap.is_none()))
        .collect();
    let complete = |r: &ResourceRef| {
        let (kind, account) = (r.kind.as_str(), r.account.as_str());
        let listed = |region: &str| whole.get(&(kind, account, region)).copied();
        listed(&r.region)
            .or_else(|| ["aws-global", "aws-cn-global", "aws-us-gov-global"].into_iter().find_map(listed))
            .unwrap_or(false)
    };
    let alone: BTreeSet<String> = o.gone.iter().map(|r| r.fingerprint("")).collect();
    let lost = rest.iter().filter(|(id, k)| {
        !k.gone
            && k.last_seen < at
            && (alone.contains(*id) || complete(&k.row))
            && !newer.iter().any(|n| n.covered.place(&k.row.account, &k.row.region))
    });
    let mut out: Vec<_> = lost.map(|(id, k)| (id.clone(), k.nth + 1, k.last_seen)).collect();
    out.sort();
    out
}

/// What tells whether an asset was seen exactly as before.
fn seen_hash(asset: &Asset) -> String {
    let mut hash = Sha256::new();
    for (name, field) in &asset.fields {
        hash.update(name.as_bytes());
        match field {
            Field::Known(v) => hash.update(serde_json::to_vec(v).unwrap_or_default()),
            Field::Absent => hash.update([1]),
            Field::Partly(..) | Field::Unknown(_) => hash.update([2]),
        }
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn unread(asset: &Asset, before: Option<&Kept>) -> BTreeSet<String> {
    let never = |name: &str| before.is_none_or(|b| b.unread.contains(name) || !b.fields.contains_key(name));
    // A field that AWS had left out and that is not read now is not known to be there: that is no change either.
    let names = asset.fields.iter().filter(|(n, f)| matches!(f, Field::Partly(..) | Field::Unknown(_)) && never(n));
    names.map(|(n, _)| n.to_string()).collect()
}

/// What differs, without fields that one of the two has not read.
fn told(before: &Kept, after: &Kept) -> Vec<Difference> {
    let top = |d: &Difference| d.path.split('.').next().unwrap_or_default().to_owned();
    let mut all = differences(&before.fields, &after.fields);
    all.retain(|d| !before.unread.contains(&top(d)) && !after.unread.contains(&top(d)));
    all
}

fn bytes(kept: &Kept) -> Done<Vec<u8>> {
    serde_json::to_vec(kept).map_err(|e| StoreError::Database(e.to_string()))
}

fn pack(bytes: &[u8], dictionary: Option<&[u8]>) -> Done<Vec<u8>> {
    let broken = |e: std::io::Error| StoreError::Database(e.to_string());
    match dictionary {
        None => zstd::bulk::compress(bytes, 3).map_err(broken),
        Some(d) => zstd::bulk::Compressor::with_dictionary(3, d).and_then(|mut c| c.compress(bytes)).map_err(broken),
    }
}

fn unpack_beside(bytes: &[u8], size: usize, dictionary: &[u8]) -> Done<Vec<u8>> {
    let broken = |e: std::io::Error| StoreError::NotAStore(e.to_string());
    zstd::bulk::Decompressor::with_dictionary(dictionary).and_then(|mut d| d.decompress(bytes, size)).map_err(broken)
}

fn parse(bytes: &[u8]) -> Done<Kept> {
    serde_json::from_slice(bytes).map_err(|e| StoreError::NotAStore(e.to_string()))
}

/// The newest configuration, as bytes and read.
fn body(db: &mut dyn Db, id: &str) -> Done<(Vec<u8>, Kept)> {
    let rows = db.query("SELECT body FROM yagura_assets WHERE id = $1", &[id.into()])?;
    let packed = rows.first().map(|r| cell_at(r, 0).bytes().to_vec()).unwrap_or_default();
    let bytes = zstd::decode_all(packed.as_slice()).map_err(|e| StoreError::NotAStore(e.to_string()))?;
    let kept = parse(&bytes)?;
    Ok((bytes, kept))
}

/// Packs the configuration before the last change anew: the one after it is written otherwise from now on.
fn rebase(db: &mut dyn Db, id: &str, nth: i64, old: &[u8], new: &[u8]) -> Done<()> {
    let sql =
        "SELECT size_before, before FROM yagura_asset_changes WHERE asset = $1 AND nth = $2 AND before IS NOT NULL";
    // A change without a configuration before it (gone, back) lies between: the one with it is the last that has one.
    let rows = db.query(&sql.replace("nth = $2", LAST_WITH_BODY), &[id.into(), nth.into()])?;
    let Some(row) = rows.first() else { return Ok(()) };
    let size = usize::try_from(cell_at(row, 0).int()).unwrap_or(0);
    let before = unpack_beside(cell_at(row, 1).bytes(), size, old)?;
    db.execute(
        &format!("UPDATE yagura_asset_changes SET before = $3 WHERE asset = $1 AND {LAST_WITH_BODY}"),
        &[id.into(), nth.into(), pack(&before, Some(new))?.into()],
    )
}

const LAST_WITH_BODY: &str =
    "nth = (SELECT max(nth) FROM yagura_asset_changes WHERE asset = $1 AND nth <= $2 AND before IS NOT NULL)";

/// Forgets changes that are older than `keep_days`, and resources that are gone for so long.
fn forget(db: &mut dyn Db, at: Timestamp, keep_days: u32) -> Done<()> {
    let span = i64::from(keep_days).days();
    let hours = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok();
    let Some(oldest) = hours.and_then(|d| at.checked_sub(d).ok()) else { return Ok(()) };
    db.execute("DELETE FROM yagura_asset_changes WHERE at < $1", &[oldest.into()])?;
    db.execute(
        "DELETE FROM yagura_asset_changes WHERE asset IN (SELECT id FROM yagura_assets WHERE gone < $1)",
        &[oldest.into()],
    )?;
    db.execute("DELETE FROM yagura_assets WHERE gone < $1", &[oldest.into()])
}

impl Store {
    /// The history of the resources that go by an ARN or an id, in every account and Region.
    ///
    /// # Errors
    /// Those of the store.
    pub fn history(&mut self, name: &str) -> Result<Vec<AssetHistory>, StoreError> {
        self.again(&mut |db| {
            let sql = "SELECT id, last_seen, gone, kind, account, region, arn, name FROM yagura_assets \
                 WHERE arn = $1 OR name = $1 ORDER BY account, region, kind";
            let rows = db.query(sql, &[name.into()])?;
            rows.iter().map(|r| one(db, r)).collect()
        })
    }

    /// The names that a person may have meant: ARNs and ids of resources.
    ///
    /// # Errors
    /// Those of the store.
    pub fn asset_names(&mut self) -> Result<Vec<String>, StoreError> {
        self.again(&mut |db| {
            let rows = db.query("SELECT coalesce(arn, name) FROM yagura_assets", &[])?;
            Ok(rows.iter().map(|r| cell_at(r, 0).text().to_owned()).collect())
        })
    }
}

fn one(db: &mut dyn Db, row: &Row) -> Done<AssetHistory> {
    let id = cell_at(row, 0).text();
    let (mut later_bytes, mut later) = body(db, id)?;
    let configuration = later.fields.clone();
    let sql = "SELECT at, seen_before, run, what, size_before, before FROM yagura_asset_changes WHERE asset = $1 ORDER BY nth DESC";
    let mut changes = Vec::new();
    for r in db.query(sql, &[id.into()])? {
        let what = What::of(cell_at(&r, 3).text()).ok_or_else(|| StoreError::NotAStore(format!("change of {id}")))?;
        let mut change = Change {
            what,
            at: time(cell_at(&r, 0))?,
            after: (!cell_at(&r, 1).is_null()).then(|| time(cell_at(&r, 1))).transpose()?,
            run: cell_at(&r, 2).int(),
            differences: Vec::new(),
        };
        if let Cell::Bytes(packed) = cell_at(&r, 5) {
            let size = usize::try_from(cell_at(&r, 4).int()).unwrap_or(0);
            let before_bytes = unpack_beside(packed, size, &later_bytes)?;
            let before = parse(&before_bytes)?;
            change.differences = told(&before, &later);
            (later_bytes, later) = (before_bytes, before);
        }
        changes.push(change);
    }
    Ok(AssetHistory {
        resource: resource(row, 3),
        last_seen: time(cell_at(row, 1))?,
        gone: (!cell_at(row, 2).is_null()).then(|| time(cell_at(row, 2))).transpose()?,
        configuration,
        changes,
    })
}
