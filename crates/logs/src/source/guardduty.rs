//! Amazon GuardDuty findings, as exported to Amazon S3 and sent to EventBridge, and as the API answers them (names in capitals).
//!
//! Fields: <https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Finding.html>

use crate::envelope::{Envelope, Role};
use crate::json::Raw;
use crate::record::Record;
use crate::table::{Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "guardduty",
    table: "guardduty_findings",
    aliases: &["gd_logs", "guardduty"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/querying-guardduty.html",
    columns: "schemaversion string, accountid string, partition string, id string, arn string, type string, resource string,
        service string, severity string, createdat string, updatedat string, title string, description string,
        confidence string, associatedattacksequencearn string",
    roles: &[(Role::Event, "type")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o| {
        o.has_all(&["schemaVersion", "accountId", "type", "service"])
            || o.has_all(&["SchemaVersion", "AccountId", "Type", "Service"])
    }),
    envelope,
    // A finding keeps its identifier when it is seen again, and its time of update when it is archived: neither tells records apart.
    id: |_| None,
};

/// A value below an object by its members' names, whose first letter may be a capital.
fn at<'a>(raw: Raw<'a>, path: &[&str]) -> Option<Raw<'a>> {
    path.iter().try_fold(raw, |here, name| {
        let mut hit = None;
        crate::json::each_member(here.text, &mut |key, value| {
            if hit.is_none() && key.text.eq_ignore_ascii_case(name) {
                hit = Some(value);
            }
        })
        .ok()?;
        let value: Raw<'a> = hit?;
        // Of a list, the first.
        Some(value.elements().into_iter().next().unwrap_or(value))
    })
}

fn text<'a>(raw: Raw<'a>, path: &[&str]) -> Option<Cow<'a, str>> {
    at(raw, path)?.scalar().filter(|t| !t.is_empty())
}

/// Where an action tells who was at the other end.
const REMOTE: [&[&str]; 6] = [
    &["action", "awsApiCallAction", "remoteIpDetails", "ipAddressV4"],
    &["action", "networkConnectionAction", "remoteIpDetails", "ipAddressV4"],
    &["action", "portProbeAction", "portProbeDetails", "remoteIpDetails", "ipAddressV4"],
    &["action", "kubernetesApiCallAction", "remoteIpDetails", "ipAddressV4"],
    &["action", "rdsLoginAttemptAction", "remoteIpDetails", "ipAddressV4"],
    &["action", "kubernetesApiCallAction", "sourceIps"],
];

/// What a finding is about, most telling first.
const TARGETS: [&[&str]; 10] = [
    &["s3BucketDetails", "arn"],
    &["eksClusterDetails", "arn"],
    &["ecsClusterDetails", "arn"],
    &["lambdaDetails", "functionArn"],
    &["rdsDbInstanceDetails", "dbInstanceArn"],
    &["ebsVolumeDetails", "scannedVolumeDetails", "volumeArn"],
    &["containerDetails", "id"],
    &["instanceDetails", "instanceId"],
    &["accessKeyDetails", "userName"],
    &["resourceType"],
];

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    let time = record.text("updatedat").or_else(|| record.text("createdat"));
    e.time = time.and_then(|t| crate::time::millis(&t));
    e.account = record.text("accountid").filter(|a| crate::place::is_account(a));
    let region = record.rest("region").or_else(|| record.rest("Region")).and_then(Raw::scalar);
    e.region = region.filter(|r| crate::place::is_region(r));
    if let Some(service) = record.get("service") {
        e.set_source_ip(REMOTE.iter().find_map(|path| text(service, path)));
        e.set(Role::UserAgent, text(service, &["action", "awsApiCallAction", "userAgent"]));
        e.set(Role::Error, text(service, &["action", "awsApiCallAction", "errorCode"]));
    }
    if let Some(resource) = record.get("resource") {
        let key = at(resource, &["accessKeyDetails"]);
        e.set(Role::AccessKey, key.and_then(|k| text(k, &["accessKeyId"])));
        let user = key.and_then(|k| text(k, &["userName"]));
        let kubernetes = || text(resource, &["kubernetesDetails", "kubernetesUserDetails", "username"]);
        e.set(Role::Actor, user.or_else(kubernetes));
        e.set(Role::Target, TARGETS.iter().find_map(|path| text(resource, path)));
    }
}
