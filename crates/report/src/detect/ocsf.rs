//! OCSF 1.5 Detection Findings (class 2004) with the `cloud` profile, as one JSON array: the form that Security Lake's users load.
//! The schema: <https://schema.ocsf.io/1.5.0/classes/detection_finding>.

use super::attack;
use crate::json;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use yagura_detect::tell::{Told, Way};
use yagura_model::{Lang, Severity};

const SCHEMA: &str = "1.5.0";
/// Records that a finding names; all of an incident's moments, at most so many.
const EVIDENCES: usize = 200;

pub(super) fn write(found: &[Told], lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    json::array(found.iter().map(|told| finding(told, lang)), out)?;
    writeln!(out)
}

fn finding(told: &Told, lang: Lang) -> Value {
    let (severity_id, severity) = severity(told.severity);
    let (confidence_id, confidence) = match told.confidence {
        "high" => (3, "High"),
        "low" => (1, "Low"),
        _ => (2, "Medium"),
    };
    let (first, last) = (attack::millis(&told.time), attack::millis(&told.last));
    let (_, region) = attack::place(told);
    let incident = !told.sequence.is_empty();
    let mut finding = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "is_alert": true,
        "status_id": 1,
        "status": "New",
        "time": first,
        "start_time": first,
        "end_time": last,
        "count": told.count,
        "message": told.title,
        "metadata": {
            "version": SCHEMA,
            "profiles": ["cloud"],
            "event_code": told.rule,
            "product": {
                "name": "Yagura",
                "uid": "yagura",
                "vendor_name": "Yagura",
                "version": env!("CARGO_PKG_VERSION"),
                "lang": lang,
            },
        },
        "finding_info": {
            "uid": attack::fingerprint(told),
            "title": told.title,
            "desc": told.why,
            "created_time": first,
            "first_seen_time": first,
            "last_seen_time": last,
            "types": attack::types(told),
            "attacks": attacks(told),
            "analytic": {
                "name": told.rule,
                "uid": told.rule,
                "type_id": if incident { 3 } else { 1 },
                "type": if incident { "Correlation" } else { "Rule" },
            },
            "related_events": told.events.iter().map(|e| json!({"uid": e})).collect::<Vec<_>>(),
        },
        "evidences": evidences(told),
        "resources": resources(told),
        "cloud": {
            "provider": "AWS",
            "region": region,
            "account": {"name": attack::account(told), "uid": attack::account(told), "type_id": 10, "type": "AWS Account"},
        },
        "unmapped": {
            "sequence": told.sequence,
            "missing_stages": told.missing,
            "actors": told.actors,
            "guardduty_types": attack::guardduty(told).collect::<Vec<_>>(),
            "innocent_causes": told.innocent,
        },
    });
    if let (Some(map), false) = (finding.as_object_mut(), told.look.is_empty()) {
        map.insert("remediation".into(), json!({"desc": told.look.join("\n")}));
    }
    finding
}

/// <https://schema.ocsf.io/1.5.0/objects/attack>. Techniques are named by their ids: their titles change with ATT&CK's versions.
fn attacks(told: &Told) -> Vec<Value> {
    let one = |technique: &str| {
        let mut attack = Map::new();
        let (parent, below) = technique.split_once('.').map_or((technique, None), |(p, b)| (p, Some(b)));
        let page = below.map_or_else(|| parent.to_owned(), |b| format!("{parent}/{b}"));
        if let Some(tactic) = attack::tactic(technique) {
            attack.insert("tactic".into(), json!({"uid": tactic.0, "name": tactic.1}));
        }
        attack.insert("technique".into(), json!({"uid": parent, "name": parent}));
        if below.is_some() {
            attack.insert("sub_technique".into(), json!({"uid": technique, "name": technique}));
        }
        attack.insert("desc".into(), format!("https://attack.mitre.org/techniques/{page}/").into());
        Value::Object(attack)
    };
    attack::techniques(told).into_iter().map(one).collect()
}

/// <https://schema.ocsf.io/1.5.0/objects/evidences>
fn evidences(told: &Told) -> Vec<Value> {
    if told.timeline.is_empty() {
        let data = json!({"events": told.events});
        return vec![evidence(&told.about.actor, &told.about.source_ip, told.way.as_ref(), &told.rule, data)];
    }
    let moments = told.timeline.iter().take(EVIDENCES);
    moments
        .map(|m| {
            let data = json!({"time": m.time, "stage": m.stage, "title": m.title, "events": [m.event]});
            evidence(&m.actor, &m.source_ip, m.way.as_ref(), &m.rule, data)
        })
        .collect()
}

/// On the network the two ends are told by who began, and a host is nobody's user.
fn evidence(actor: &str, source: &str, way: Option<&Way>, rule: &str, data: Value) -> Value {
    let mut evidence = Map::new();
    evidence.insert("name".into(), rule.into());
    evidence.insert("data".into(), data);
    if let Some(way) = way {
        for (name, end, own) in [("src_endpoint", &way.from, !way.inward), ("dst_endpoint", &way.to, way.inward)] {
            let mut endpoint = Map::new();
            match end.parse::<std::net::IpAddr>() {
                Ok(ip) => endpoint.insert("ip".into(), ip.to_string().into()),
                Err(_) if !end.is_empty() => endpoint.insert("hostname".into(), end.trim_end_matches('.').into()),
                Err(_) => None,
            };
            if own && way.host.starts_with("i-") {
                endpoint.insert("instance_uid".into(), way.host.as_str().into());
            }
            if !endpoint.is_empty() {
                evidence.insert(name.into(), Value::Object(endpoint));
            }
        }
        return Value::Object(evidence);
    }
    if !actor.is_empty() {
        evidence.insert("actor".into(), json!({"user": {"uid": actor, "name": yagura_detect::tell::short(actor)}}));
    }
    match source.parse::<std::net::IpAddr>() {
        Ok(ip) => evidence.insert("src_endpoint".into(), json!({"ip": ip.to_string()})),
        Err(_) if !source.is_empty() => evidence.insert("src_endpoint".into(), json!({"svc_name": source})),
        Err(_) => None,
    };
    Value::Object(evidence)
}

fn resources(told: &Told) -> Vec<Value> {
    let (partition, region) = attack::place(told);
    let one = |uid: &str, kind: &str| {
        json!({"uid": uid, "name": yagura_detect::tell::short(uid), "type": kind, "region": region, "cloud_partition": partition,
            "namespace": told.about.account})
    };
    let mut touched: Vec<&str> = told.resources.iter().map(|r| r.as_str()).collect();
    touched.extend(told.way.as_ref().map(|way| way.host.as_str()).filter(|host| !host.is_empty()));
    if touched.is_empty() && !told.about.target.is_empty() {
        touched.push(&told.about.target);
    }
    match touched.is_empty() {
        true => vec![one(attack::account(told), "AWS::::Account")],
        false => touched.into_iter().map(|t| one(t, "resource")).collect(),
    }
}

fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}
