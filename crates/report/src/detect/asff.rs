//! AWS Security Finding Format: a JSON array of findings as Security Hub's `BatchImportFindings` takes them (at most 100 a call). Lengths
//! and words: <https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html> and the pages after it.
//!
//! Ids stay the same from run to run, so that importing again updates. A finding whose log names no account carries twelve zeros, and one
//! whose log names no Region the partition's home Region: Security Hub refuses findings without.

use super::attack;
use crate::asff::cut;
use crate::json;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::net::IpAddr;
use yagura_detect::tell::{Told, Way};
use yagura_model::Severity;

pub(super) fn write(found: &[Told], out: &mut dyn Write) -> io::Result<()> {
    json::array(found.iter().map(finding), out)?;
    writeln!(out)
}

fn finding(told: &Told) -> Value {
    let (partition, region) = attack::place(told);
    let account = attack::account(told);
    let (label, normalized) = severity(told.severity);
    let confidence = match told.confidence {
        "high" => 90,
        "low" => 30,
        _ => 60,
    };
    let time = |iso: &str| {
        jiff::Timestamp::from_millisecond(attack::millis(iso))
            .unwrap_or_default()
            .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
            .to_string()
    };
    let (first, last) = (time(&told.time), time(&told.last));
    let mut finding = Map::new();
    let description = if told.why.trim().is_empty() { &told.title } else { &told.why };
    if let Some(network) = told.way.as_ref().map(network).filter(|n| n.len() > 1) {
        finding.insert("Network".into(), Value::Object(network));
    }
    let rest = json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("yagura/{account}/{region}/{}/{}", told.sequence.first().unwrap_or(&told.rule), attack::fingerprint(told)),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Yagura",
        "CompanyName": "Yagura",
        "GeneratorId": format!("yagura/{}", told.rule),
        "AwsAccountId": account,
        "Region": region,
        "Types": attack::types(told),
        "CreatedAt": first,
        "UpdatedAt": last,
        "FirstObservedAt": first,
        "LastObservedAt": last,
        "Severity": {"Label": label, "Normalized": normalized, "Original": told.severity.name()},
        "Confidence": confidence,
        "Title": cut(&told.title, 256),
        "Description": cut(description, 1024),
        "Remediation": {"Recommendation": {"Text": cut(&told.look.join(" "), 512)}},
        "ProductFields": fields(told),
        "Resources": resources(told, &partition, &region),
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
    });
    if let Value::Object(rest) = rest {
        finding.extend(rest);
    }
    Value::Object(finding)
}

/// The two ends by who began: <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Network.html>.
fn network(way: &Way) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("Direction".into(), if way.inward { "IN" } else { "OUT" }.into());
    for (side, end) in [("Source", &way.from), ("Destination", &way.to)] {
        let kind = match end.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => "IpV4",
            Ok(IpAddr::V6(_)) => "IpV6",
            Err(_) => "Domain",
        };
        let end = end.trim_end_matches('.');
        if !end.is_empty() {
            all.insert(format!("{side}{kind}"), cut(end, 128).into());
        }
    }
    all
}

/// At most 50, keys of 128 characters and values of 2,048.
fn fields(told: &Told) -> Map<String, Value> {
    let a = &told.about;
    let events: Vec<&str> = told.events.iter().map(|e| e.as_str()).collect();
    let joined = |all: &[smol_str::SmolStr]| all.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(", ");
    let rows: [(&str, String); 14] = [
        ("rule", told.rule.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("actor", a.actor.to_string()),
        ("session", a.session.to_string()),
        ("target", a.target.to_string()),
        ("sourceIp", told.way.as_ref().map_or(&a.source_ip, |way| &way.from).to_string()),
        ("events", events.join(",")),
        ("count", told.count.to_string()),
        ("techniques", attack::techniques(told).join(", ")),
        ("guardDutyTypes", attack::guardduty(told).collect::<Vec<_>>().join(", ")),
        ("sequence", joined(&told.sequence)),
        ("actors", joined(&told.actors)),
        ("missingStages", joined(&told.missing)),
        ("innocentCauses", told.innocent.join("; ")),
    ];
    let named = rows.into_iter().filter(|(_, value)| !value.trim().is_empty());
    named.map(|(name, value)| (format!("yagura/{name}"), cut(&value, 2048).into())).collect()
}

/// At most 32.
fn resources(told: &Told, partition: &str, region: &str) -> Vec<Value> {
    let mut ids: Vec<(&str, String)> = Vec::new();
    let mut put = |id: &str| {
        let one = (kind(id), cut(id, 512));
        if !id.is_empty() && !ids.contains(&one) {
            ids.push(one);
        }
    };
    match &told.way {
        // The far end is no resource.
        Some(way) => put(&way.host),
        None => {
            put(&told.about.target);
            told.resources.iter().for_each(|r| put(r));
            put(&told.about.actor);
        }
    }
    ids.truncate(32);
    if ids.is_empty() {
        ids.push(("AwsAccount", format!("AWS::::Account:{}", attack::account(told))));
    }
    let one = |(kind, id): (&str, String)| json!({"Type": kind, "Id": id, "Partition": partition, "Region": region});
    ids.into_iter().map(one).collect()
}

/// Security Hub's type of what an ARN or id names. <https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html>
fn kind(id: &str) -> &'static str {
    let mut parts = id.splitn(6, ':');
    let (service, rest) = (parts.nth(2).unwrap_or_default(), parts.nth(2).unwrap_or_default());
    let named = rest.split(['/', ':']).next().unwrap_or_default();
    match (service, named) {
        _ if id.starts_with("i-") => "AwsEc2Instance",
        _ if !id.starts_with("arn:") => "Other",
        ("iam", "user") => "AwsIamUser",
        ("iam", "role") => "AwsIamRole",
        ("iam", "policy") => "AwsIamPolicy",
        ("ec2", "instance") => "AwsEc2Instance",
        ("s3", _) if rest.contains('/') => "AwsS3Object",
        ("s3", _) => "AwsS3Bucket",
        ("kms", "key") => "AwsKmsKey",
        ("lambda", "function") => "AwsLambdaFunction",
        ("cloudtrail", "trail") => "AwsCloudTrailTrail",
        ("secretsmanager", "secret") => "AwsSecretsManagerSecret",
        ("rds", "db") => "AwsRdsDbInstance",
        ("rds", "snapshot") => "AwsRdsDbSnapshot",
        _ => "Other",
    }
}

/// The label and the number that Security Hub gives it: <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html>
fn severity(severity: Severity) -> (&'static str, u8) {
    match severity {
        Severity::Info => ("INFORMATIONAL", 0),
        Severity::Low => ("LOW", 1),
        Severity::Medium => ("MEDIUM", 40),
        Severity::High => ("HIGH", 70),
        Severity::Critical => ("CRITICAL", 90),
    }
}
