//! A made-up investigation.

use super::found::{HOSTILE, findings};
use std::collections::BTreeMap;
use yagura_detect::investigate::{
    Dossier, Facet, Kind, Limits, Linked, Made, Neighbour, Noted, NotedKind, Subject, Tally, Touched, Unusual, Value,
};

const MALLORY: &str = "arn:aws:iam::111122223333:user/mallory";
/// 2026-01-05T02:00:00Z
const START: i64 = 1_767_578_400_000;

fn value(value: &str, count: u64, denied: u64) -> Value {
    Value { value: value.into(), tally: Tally { count, denied, first: START, last: START + 3_600_000 } }
}

fn noted(time: &str, kind: NotedKind, what: &str, target: &str, count: u64) -> Noted {
    Noted {
        time: time.into(),
        last: time.into(),
        kind,
        what: what.into(),
        severity: None,
        count,
        failed: kind == NotedKind::Denied,
        actor: MALLORY.into(),
        source_ip: "198.51.100.7".into(),
        target: target.into(),
        targets: if target.is_empty() { 0 } else { count.min(3) },
        error: if kind == NotedKind::Denied { "AccessDenied".into() } else { "".into() },
        event: format!("{what}-{time}").into(),
    }
}

/// Everything that a dossier may hold.
pub fn dossier() -> Dossier {
    let found = findings();
    let mut timeline = vec![
        noted("2026-01-04T12:00:00Z", NotedKind::DoneTo, "iam:CreateUser", MALLORY, 1),
        noted("2026-01-05T02:03:04Z", NotedKind::Write, "iam:CreateAccessKey", "backdoor", 1),
        noted("2026-01-05T02:04:00Z", NotedKind::Denied, "iam:ListUsers", "", 57),
        noted("2026-01-05T02:20:00Z", NotedKind::Write, "s3:PutBucketPolicy", "arn:aws:s3:::payroll", 4),
        noted("2026-01-05T02:21:00Z", NotedKind::Write, HOSTILE, HOSTILE, 1),
    ];
    timeline[0].actor = "arn:aws:sts::111122223333:assumed-role/admin/deploy-77".into();
    timeline[4].actor = HOSTILE.into();
    let mut finding = noted("2026-01-05T02:09:00.5Z", NotedKind::Finding, &found[2].title, "main", 1);
    finding.severity = Some(found[2].severity);
    timeline.insert(3, finding);
    Dossier {
        subject: Subject { kind: Kind::User, text: MALLORY.into() },
        event: None,
        account: Some("111122223333".into()),
        records: 62,
        denied: 57,
        named: 1,
        first: Some("2026-01-05T02:00:00Z".into()),
        last: Some("2026-01-05T02:21:00Z".into()),
        bytes: [0, 0],
        makers: vec![Linked {
            who: "arn:aws:sts::111122223333:assumed-role/admin/deploy-77".into(),
            time: "2026-01-04T12:00:00Z".into(),
            made: MALLORY.into(),
        }],
        made: vec![
            Made { what: "AKIAIOSFODNN7EXAMPLE".into(), by: MALLORY.into(), time: "2026-01-05T02:03:04Z".into() },
            Made { what: HOSTILE.into(), by: "AKIAIOSFODNN7EXAMPLE".into(), time: "2026-01-05T02:10:00Z".into() },
        ],
        facets: BTreeMap::from([
            (Facet::Api, vec![value("iam:CreateAccessKey", 57, 57), value(HOSTILE, 5, 0)]),
            (Facet::Address, vec![value("198.51.100.7", 62, 57)]),
            (Facet::Hour, vec![value("03", 40, 40), value("02", 22, 17)]),
        ]),
        unusual: Some(Unusual {
            at: "2026-01-05T02:09:00.5Z".into(),
            from: "2026-01-05T01:30:00Z".into(),
            to: "2026-01-05T02:30:00Z".into(),
            records: [62, 57],
            before: [400, 0],
            per_hour_before: 2.5,
            since: Some("2025-12-29T00:00:00Z".into()),
            new: vec![(Facet::Network, value("198.51.0.0/16", 62, 57)), (Facet::Client, value(HOSTILE, 3, 0))],
            known: BTreeMap::from([(Facet::Network, 2), (Facet::Client, 1)]),
        }),
        findings: vec![found[0].clone(), found[2].clone(), found[5].clone()],
        touched: vec![
            Touched {
                target: "arn:aws:s3:::payroll".into(),
                writes: 4,
                reads: 0,
                denied: 0,
                first: START,
                last: START,
            },
            Touched { target: HOSTILE.into(), writes: 0, reads: 9, denied: 1, first: START, last: START },
        ],
        neighbours: vec![Neighbour {
            identity: "arn:aws:iam::111122223333:user/backdoor".into(),
            shared: "198.51.100.7".into(),
            first: START,
            last: START + 60_000,
        }],
        timeline,
        next: vec![
            (
                "who stands behind it".into(),
                "yagura investigate arn:aws:sts::111122223333:assumed-role/admin/deploy-77".into(),
            ),
            (HOSTILE.into(), HOSTILE.into()),
        ],
        limits: Limits { moments: 3, values: BTreeMap::from([(Facet::Name, 12)]), targets: 0, pairs: 0, twice: false },
    }
}
