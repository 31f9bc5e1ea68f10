//! Observations made by hand, and the stores that tests run on.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use yagura_findings::{Both, Detail, Observation, Place, Recorded, Seen, Source, Store, StoreError, Texts};
use yagura_model::{Asset, Field, Gap, GapReason, Listing, Map, ResourceRef, Scope, Severity, Status, Value};
use yagura_seal::DataKey;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "ap-northeast-1";
pub const KEEP: u32 = 2557;

/// A day of 2026, at noon.
pub fn at(day: i16) -> Timestamp {
    let date = jiff::civil::date(2026, 1, 1).checked_add(jiff::Span::new().days(day - 1)).unwrap();
    date.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

pub fn resource(name: &str) -> ResourceRef {
    ResourceRef {
        arn: Some(format!("arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{name}").into()),
        id: name.into(),
        kind: "ec2.vpc".into(),
        account: ACCOUNT.into(),
        region: REGION.into(),
    }
}

pub fn detail(severity: Severity) -> Detail {
    let texts = |t: &str| Texts { title: t.into(), why: "w".into(), fix: "f".into(), severity_why: None };
    Detail {
        severity,
        rule_severity: Severity::High,
        tags: Some(BTreeMap::new()),
        texts: Both { en: texts("flow logs are on"), ja: texts("フローログが有効") },
        maps: ["fsbp/EC2.6".into()].into(),
        evidence: Map::default(),
    }
}

/// A verdict of `rule` on a VPC.
pub fn seen(rule: &str, name: &str, status: Status) -> Seen {
    let failed = status == Status::Fail;
    let why = if status == Status::Unknown { "no permission" } else { "" };
    Seen {
        rule: rule.into(),
        resource: resource(name),
        status,
        detail: failed.then(|| detail(Severity::High)),
        why: Both { en: why.into(), ja: why.into() },
    }
}

pub fn asset(name: &str, fields: &[(&str, Field)]) -> Asset {
    let r = resource(name);
    let mut asset = Asset { kind: r.kind, arn: r.arn, id: r.id, account: r.account, region: r.region, fields: vec![] };
    for (name, field) in fields {
        asset.set(*name, field.clone());
    }
    asset
}

pub fn known(value: i64) -> Field {
    Field::Known(Value::Int(value))
}

pub fn unread() -> Field {
    Field::Unknown(Gap::new(GapReason::AccessDenied, "denied").into())
}

/// A scan of one account and Region whose VPCs were all listed, with an asset for every verdict.
pub fn scan(day: i16, seen: Vec<Seen>) -> Observation {
    let mut rules: Vec<_> = seen.iter().map(|s| s.rule.clone()).chain(["ec2.flow_logs".into()]).collect();
    rules.sort();
    rules.dedup();
    let mut names: Vec<_> = seen.iter().map(|s| s.resource.id.clone()).collect();
    names.sort();
    names.dedup();
    Observation {
        at: at(day),
        source: Source::Live,
        tool: "test".into(),
        callers: vec!["arn:aws:iam::111122223333:user/audit".into()],
        accounts: vec![ACCOUNT.into()],
        scope: Scope { regions: vec![REGION.into()], checks: rules, ..Scope::default() },
        partial: false,
        assets: names.iter().map(|n| asset(n, &[("Size", known(1))])).collect(),
        gone: Vec::new(),
        seen,
        listings: vec![listing(None)],
    }
}

pub fn listing(gap: Option<Gap>) -> Listing {
    Listing { kind: "ec2.vpc".into(), account: ACCOUNT.into(), region: REGION.into(), gap: gap.map(Into::into) }
}

/// Records with a clock that says the day of the observation.
pub fn record(store: &mut Store, o: &Observation) -> Result<Recorded, StoreError> {
    store.record(o, &[], &|| o.at, KEEP)
}

/// A store of a test's own, and what must live as long as it.
pub struct Ground {
    pub place: Place,
    pub name: &'static str,
    _folder: Option<tempfile::TempDir>,
}

impl Ground {
    pub fn open(&self) -> Store {
        Store::open(&self.place).unwrap()
    }
}

/// SQLite always, plain and sealed; PostgreSQL where `YAGURA_TEST_POSTGRES` names a server (scripts/test starts one).
pub fn grounds() -> Vec<Ground> {
    let folder = tempfile::tempdir().unwrap();
    let file = Place::File(folder.path().join("findings.db"));
    let mut out = vec![Ground { place: file, name: "SQLite", _folder: Some(folder) }];
    let folder = tempfile::tempdir().unwrap();
    let sealed = Place::File(folder.path().join("findings.db")).sealed(Some(&DataKey::new().unwrap()));
    out.push(Ground { place: sealed, name: "SQLite, sealed", _folder: Some(folder) });
    out.extend(postgres());
    out
}

pub fn postgres() -> Option<Ground> {
    static NTH: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("YAGURA_TEST_POSTGRES").ok()?;
    let schema = format!("t{}_{}", std::process::id(), NTH.fetch_add(1, Ordering::Relaxed));
    admin(&url, &format!("CREATE SCHEMA {schema}"));
    let join = if url.contains('?') { '&' } else { '?' };
    let place = Place::Postgres(format!("{url}{join}options=-csearch_path%3D{schema}"));
    Some(Ground { place, name: "PostgreSQL", _folder: None })
}

/// A statement beside the store.
pub fn admin(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}
