//! Backups in a row: one on every day (hour, week) of the last ones.

use super::{Build, Made, asking, list, text};
use crate::call::Call;
use crate::filter::{Answer, Ask};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        (_, "consecutive-aws-backups") => aws_backups(b),
        ("rds", "consecutive-snapshots") => {
            let call = b.call("rds:DescribeDBSnapshots", &json!({"DBInstanceIdentifier": "{DBInstanceIdentifier}"}));
            in_a_row(b, call.taking("DBSnapshots"), "available", ["Status", "SnapshotCreateTime"], "c7n:DBSnapshots")
        }
        ("rds-cluster", "consecutive-snapshots") => {
            let with = json!({"DBClusterIdentifier": "{DBClusterIdentifier}"});
            let call = b.call("rds:DescribeDBClusterSnapshots", &with).taking("DBClusterSnapshots");
            in_a_row(b, call, "available", ["Status", "SnapshotCreateTime"], "c7n:DBClusterSnapshots")
        }
        ("redshift", "consecutive-snapshots") => {
            let with = json!({"ClusterIdentifier": "{ClusterIdentifier}"});
            let call = b.call("redshift:DescribeClusterSnapshots", &with).taking("Snapshots");
            in_a_row(b, call, "available", ["Status", "SnapshotCreateTime"], "c7n:RedshiftSnapshots")
        }
        ("dynamodb-table", "consecutive-backups") => {
            let with = json!({"TableName": "{TableName}", "BackupType": b.text("backuptype").unwrap_or("ALL".into())});
            let call = b.call("dynamodb:ListBackups", &with).taking("BackupSummaries");
            in_a_row(b, call, "AVAILABLE", ["BackupStatus", "BackupCreationDateTime"], "c7n:DynamodbBackups")
        }
        ("fsx", "consecutive-backups") => file_system(b),
        _ => return None,
    })
}

fn aws_backups(b: &Build<'_, '_>) -> Result<Made, String> {
    let call = b.call("backup:ListRecoveryPointsByResource", &json!({"ResourceArn": "{arn}"}));
    in_a_row(b, call.taking("RecoveryPoints"), "COMPLETED", ["Status", "CreationDate"], "c7n:AwsBackups")
}

/// NetApp ONTAP's backups are of volumes, and so are not found by the file system.
fn file_system(b: &Build<'_, '_>) -> Result<Made, String> {
    let with = json!({"Filters": [{"Name": "file-system-id", "Values": ["{FileSystemId}"]}]});
    let call = b.call("fsx:DescribeBackups", &with).taking("Backups");
    let made = in_a_row(b, call, "AVAILABLE", ["Lifecycle", "CreationTime"], "c7n:FSxBackups")?;
    let test = made.test;
    let volumes = |ask: &Ask<'_>| ask.res.text("FileSystemType") == "ONTAP";
    Ok(Made {
        test: Box::new(move |ask| {
            if volumes(ask) {
                return Answer::Unknown(crate::world::not_told("backups of ONTAP volumes are not read"));
            }
            test(ask)
        }),
        ..made
    })
}

/// The days (hours, first days of weeks) before now on which there must be one.
fn wanted(now: Timestamp, count: i64, period: &str) -> BTreeSet<String> {
    let hours = match period {
        "weeks" => 7 * 24,
        "hours" => 1,
        _ => 24,
    };
    let back = |n: i64| now.checked_sub(SignedDuration::from_hours(n.saturating_mul(hours))).ok();
    (1..=count).filter_map(back).map(|t| stamp(t, period)).collect()
}

fn stamp(t: Timestamp, period: &str) -> String {
    t.strftime(if period == "hours" { "%Y-%m-%d-%H" } else { "%Y-%m-%d" }).to_string()
}

fn in_a_row(
    b: &Build<'_, '_>,
    call: Call,
    state: &str,
    [status, date]: [&'static str; 2],
    note: &'static str,
) -> Result<Made, String> {
    const MOST: i64 = 100_000;
    let count = b.data.get("count").or(b.data.get("days")).and_then(Json::as_f64).unwrap_or(1.0) as i64;
    if count > MOST {
        return Err(format!("`{}` counts at most {MOST}", b.name));
    }
    let period = b.text("period").unwrap_or_else(|| "days".to_owned());
    let state = b.text("status").unwrap_or_else(|| state.to_owned());
    Ok(asking(call, move |ask: &Ask<'_>, told| {
        let good = list(&told).iter().filter(|p| text(p, status) == state);
        let dates = good.filter_map(|p| p.get(date).and_then(crate::py::date)).map(|t| stamp(t, &period));
        let dates: BTreeSet<String> = dates.collect();
        let every = wanted(ask.scene.now, count, &period).is_subset(&dates);
        Ok(if every { Answer::Yes(vec![(note.to_owned(), told)]) } else { Answer::No })
    }))
}
