//! Findings as rows, and back.

use super::cell::{Cell, Done, Row, at};
use crate::error::StoreError;
use crate::finding::{Both, Finding, Stage, Texts, Unsure};
use crate::life::Ended;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Map, ResourceRef, Severity};

/// The columns that a scan changes, in the order of [`to_row`].
pub(crate) const COLUMNS: &str = "id, rule, account, region, kind, arn, resource, stage, since, first_seen, last_seen, \
     last_observed, reopened, ended, severity, rule_severity, unsure_since, unsure_last, unsure_why, tags, assignee, \
     news_run, body_hash";

/// What of a finding is only shown, and kept in one column.
#[derive(Serialize, Deserialize)]
struct Body {
    texts: Both<Texts>,
    maps: Arc<[SmolStr]>,
    evidence: Map,
}

/// A finding as the store has it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub finding: Finding,
    /// The last run in which it was news.
    pub news_run: i64,
    pub body_hash: String,
}

/// The body as bytes and what tells whether it differs.
pub(crate) fn body_of(f: &Finding) -> Done<(String, Vec<u8>)> {
    let body = Body { texts: f.texts.clone(), maps: f.maps.clone(), evidence: f.evidence.clone() };
    let json = serde_json::to_vec(&body).map_err(|e| StoreError::Database(e.to_string()))?;
    let hash = Sha256::digest(&json).iter().take(8).map(|b| format!("{b:02x}")).collect();
    let packed = zstd::bulk::compress(&json, 3).map_err(|e| StoreError::Database(e.to_string()))?;
    Ok((hash, packed))
}

/// All columns of [`COLUMNS`].
pub(crate) fn to_row(k: &Kept) -> Row {
    let f = &k.finding;
    let r = &f.resource;
    let unsure = f.unsure.as_ref();
    vec![
        f.id.as_str().into(),
        f.rule.as_str().into(),
        r.account.as_str().into(),
        r.region.as_str().into(),
        r.kind.as_str().into(),
        r.arn.as_deref().into(),
        r.id.as_str().into(),
        f.stage.name().into(),
        f.since.into(),
        f.first_seen.into(),
        f.last_seen.into(),
        f.last_observed.into(),
        i64::from(f.reopened).into(),
        f.ended.map(Ended::name).into(),
        f.severity.name().into(),
        f.rule_severity.name().into(),
        unsure.map(|u| u.since).into(),
        unsure.map(|u| u.last).into(),
        unsure.and_then(|u| serde_json::to_string(&u.why).ok()).into(),
        f.tags.as_ref().and_then(|t| serde_json::to_string(t).ok()).into(),
        f.assignee.as_deref().into(),
        k.news_run.into(),
        k.body_hash.as_str().into(),
    ]
}

/// From the columns of [`COLUMNS`], with the body where it stands after them.
pub(crate) fn of_row(row: &Row) -> Done<Kept> {
    let text = |place| at(row, place).text();
    let broken = || StoreError::NotAStore(format!("finding {}", text(0)));
    let time = |place| Timestamp::from_microsecond(at(row, place).int()).map_err(|_| broken());
    let severity = |place| Severity::of(text(place)).ok_or_else(broken);
    let unsure = match (at(row, 16).maybe_int(), at(row, 18).maybe_text()) {
        (Some(_), Some(why)) => {
            Some(Unsure { since: time(16)?, last: time(17)?, why: serde_json::from_str(why).map_err(|_| broken())? })
        }
        _ => None,
    };
    let body: Option<Body> = match at(row, 23) {
        Cell::Bytes(bytes) => Some(unpacked(bytes)?),
        _ => None,
    };
    let (texts, maps, evidence) = match body {
        Some(b) => (b.texts, b.maps, b.evidence),
        None => (Both::default(), Arc::new([]) as Arc<[SmolStr]>, Map::new()),
    };
    let finding = Finding {
        id: text(0).to_owned(),
        rule: text(1).into(),
        resource: ResourceRef {
            account: text(2).into(),
            region: text(3).into(),
            kind: text(4).into(),
            arn: at(row, 5).maybe_text().map(Into::into),
            id: text(6).into(),
        },
        stage: Stage::of(text(7)).ok_or_else(broken)?,
        since: time(8)?,
        first_seen: time(9)?,
        last_seen: time(10)?,
        last_observed: time(11)?,
        reopened: u32::try_from(at(row, 12).int()).unwrap_or(u32::MAX),
        ended: at(row, 13).maybe_text().and_then(Ended::of),
        severity: severity(14)?,
        rule_severity: severity(15)?,
        unsure,
        tags: at(row, 19).maybe_text().map(serde_json::from_str).transpose().map_err(|_| broken())?,
        assignee: at(row, 20).maybe_text().map(str::to_owned),
        texts,
        maps,
        evidence,
    };
    Ok(Kept { finding, news_run: at(row, 21).int(), body_hash: text(22).to_owned() })
}

/// Zstandard over JSON.
fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Done<T> {
    let json = zstd::decode_all(bytes).map_err(|e| StoreError::NotAStore(e.to_string()))?;
    serde_json::from_slice(&json).map_err(|e| StoreError::NotAStore(e.to_string()))
}
