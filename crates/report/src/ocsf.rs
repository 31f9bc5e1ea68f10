//! OCSF 1.5 Compliance Findings (class 2003) with the `cloud` profile, as one JSON array: the form that Security
//! Lake's and Prowler's users load. The schema: <https://schema.ocsf.io/1.5.0/classes/compliance_finding>.
//!
//! What could not be judged has compliance status 2, *Warning*: "did not yield a result due to missing information".

use crate::{Report, identity, json};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::io::{self, Write};
use yagura_model::{Severity, Status, Verdict};

const SCHEMA: &str = "1.5.0";

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    json::array(report.verdicts.iter().map(|verdict| finding(report, verdict)), out)?;
    writeln!(out)
}

fn finding(report: &Report, verdict: &Verdict) -> Value {
    let time = report.meta.taken_at.as_millisecond();
    let (severity_id, severity) = severity(verdict);
    let (status_id, status) = match verdict.status {
        Status::Fail | Status::Unknown => (1, "New"),
        Status::Pass | Status::NotApplicable => (4, "Resolved"),
    };
    let mut finding = object(json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_code": status_code(verdict.status),
        "time": time,
        "message": verdict.title,
        "metadata": {
            "version": SCHEMA,
            "profiles": ["cloud"],
            "event_code": verdict.rule,
            "product": {
                "name": "Yagura",
                "uid": "yagura",
                "vendor_name": "Yagura",
                "version": report.meta.tool,
                "lang": report.meta.lang,
            },
        },
        "finding_info": {
            "uid": verdict.resource.fingerprint(&verdict.rule),
            "title": verdict.title,
            "desc": verdict.why,
            "created_time": time,
            "last_seen_time": time,
            "types": ["Software and Configuration Checks"],
            "analytic": {"name": verdict.title, "uid": verdict.rule, "type_id": 1, "type": "Rule"},
        },
        "compliance": compliance(report, verdict),
        "resources": [resource(report, verdict)],
        "cloud": {
            "provider": "AWS",
            "region": identity::real_region(&verdict.resource),
            "account": {
                "name": verdict.resource.account,
                "uid": verdict.resource.account,
                "type_id": 10,
                "type": "AWS Account",
            },
        },
        "remediation": {"desc": verdict.fix},
    }));
    if let Some(reason) = &verdict.reason {
        finding.insert("status_detail".into(), reason.as_str().into());
    }
    if !verdict.evidence.is_empty() {
        let evidence: Map<_, _> = verdict.evidence.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect();
        finding.insert("evidences".into(), json!([{"data": evidence}]));
    }
    if !verdict.missing.is_empty() {
        finding.insert("unmapped".into(), json!({"missing_permissions": verdict.missing}));
    }
    finding.into()
}

fn compliance(report: &Report, verdict: &Verdict) -> Value {
    let (status_id, status) = match verdict.status {
        Status::Pass => (1, "Pass"),
        Status::Unknown => (2, "Warning"),
        Status::Fail => (3, "Fail"),
        Status::NotApplicable => (99, "Not applicable"),
    };
    let mut standards: Vec<&str> = verdict.maps.iter().map(|map| standard(report, map)).collect();
    standards.dedup();
    if standards.is_empty() {
        standards.push("Yagura");
    }
    let mut compliance = object(json!({
        "control": verdict.rule,
        "desc": verdict.title,
        "standards": standards,
        "requirements": verdict.maps,
        "status_id": status_id,
        "status": status,
        "status_code": status_code(verdict.status),
    }));
    if let Some(reason) = &verdict.reason {
        compliance.insert("status_details".into(), json!([reason]));
    }
    compliance.into()
}

fn standard<'a>(report: &'a Report, map: &'a SmolStr) -> &'a str {
    let id = map.split_once('/').map_or(map.as_str(), |(id, _)| id);
    report.meta.frameworks.iter().find(|f| f.id == id).map_or(id, |f| f.title.as_str())
}

fn resource(report: &Report, verdict: &Verdict) -> Value {
    let resource = &verdict.resource;
    json!({
        "uid": resource.arn.as_ref().unwrap_or(&resource.id),
        "name": resource.id,
        "type": report.meta.types.get(&resource.kind).unwrap_or(&resource.kind),
        "region": identity::real_region(resource),
        "cloud_partition": identity::partition(resource),
        "namespace": resource.account,
        "group": {"name": identity::service(verdict)},
    })
}

/// OCSF severity: what passed or does not apply asks for no action, and that is *Informational*.
fn severity(verdict: &Verdict) -> (u8, &'static str) {
    match (verdict.status, verdict.severity) {
        (Status::Pass | Status::NotApplicable, _) | (_, Severity::Info) => (1, "Informational"),
        (_, Severity::Low) => (2, "Low"),
        (_, Severity::Medium) => (3, "Medium"),
        (_, Severity::High) => (4, "High"),
        (_, Severity::Critical) => (5, "Critical"),
    }
}

fn status_code(status: Status) -> &'static str {
    match status {
        Status::Fail => "FAIL",
        Status::Unknown => "UNKNOWN",
        Status::Pass => "PASS",
        Status::NotApplicable => "NOT_APPLICABLE",
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
