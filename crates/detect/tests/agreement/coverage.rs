//! What detections claim to answer, against the lists of what there is: GuardDuty's finding types, ATT&CK's techniques, and the APIs
//! that several public sources watch.

use crate::{data, pack};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Real techniques that the list, which is of cloud and containers only, leaves out. <https://attack.mitre.org/techniques/>
const OTHER_TECHNIQUES: [(&str, &str); 34] = [
    ("T1018", "Remote System Discovery"),
    ("T1020", "Automated Exfiltration"),
    ("T1021.004", "SSH"),
    ("T1037", "Boot or Logon Initialization Scripts"),
    ("T1048.003", "Exfiltration Over Unencrypted Non-C2 Protocol"),
    ("T1071", "Application Layer Protocol"),
    ("T1071.001", "Web Protocols"),
    ("T1071.003", "Mail Protocols"),
    ("T1071.004", "DNS"),
    ("T1090.003", "Multi-hop Proxy"),
    ("T1095", "Non-Application Layer Protocol"),
    ("T1098.005", "Device Registration"),
    ("T1105", "Ingress Tool Transfer"),
    ("T1189", "Drive-by Compromise"),
    ("T1484", "Domain or Tenant Policy Modification"),
    ("T1484.002", "Trust Modification"),
    ("T1496.004", "Cloud Service Hijacking"),
    ("T1552.004", "Private Keys"),
    ("T1557", "Adversary-in-the-Middle"),
    ("T1565.001", "Stored Data Manipulation"),
    ("T1566", "Phishing"),
    ("T1566.002", "Spearphishing Link"),
    ("T1567", "Exfiltration Over Web Service"),
    ("T1568.002", "Domain Generation Algorithms"),
    ("T1571", "Non-Standard Port"),
    ("T1572", "Protocol Tunneling"),
    ("T1573", "Encrypted Channel"),
    ("T1574", "Hijack Execution Flow"),
    ("T1583.001", "Domains"),
    ("T1584.001", "Domains"),
    ("T1584.002", "DNS Server"),
    ("T1595.001", "Scanning IP Blocks"),
    ("T1599", "Network Boundary Bridging"),
    ("T1649", "Steal or Forge Authentication Certificates"),
];

/// Finding types of logs that no detection answers, and why.
const UNANSWERED: &[(&str, &str)] =
    &[("Impact:IAMUser/PromptInjection.Direct", "needs the text of prompts, which CloudTrail does not hold")];

fn reference(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data().join("reference").join(name)).unwrap()).unwrap()
}

/// The finding types of today, each with what GuardDuty reads for it.
fn types() -> BTreeMap<String, String> {
    let file = reference("guardduty_finding_types.json");
    let all = file["active"].as_array().unwrap();
    all.iter()
        .map(|t| (t["type"].as_str().unwrap().to_owned(), t["data_source"].as_str().unwrap().to_owned()))
        .collect()
}

/// The types of the rules that AWS gives for custom detection.
fn custom_types() -> BTreeSet<String> {
    let file = reference("guardduty_finding_types.json");
    let all = file["custom_detection_rules"].as_array().unwrap();
    all.iter().map(|t| t["type"].as_str().unwrap().to_owned()).collect()
}

/// Everything that detections and sequences say they answer.
fn mapped() -> BTreeMap<String, Vec<String>> {
    let pack = pack();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let detections = pack.rules.detections.iter().map(|d| (&d.id, &d.maps));
    for (id, maps) in detections.chain(pack.sequences.all.iter().map(|s| (&s.id, &s.maps))) {
        for map in maps {
            all.entry(map.to_string()).or_default().push(id.to_string());
        }
    }
    all
}

#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn every_finding_type_and_technique_exists() {
    let (types, custom) = (types(), custom_types());
    let techniques: BTreeSet<String> = reference("attack_iaas_containers_techniques.json")
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["id"].as_str().unwrap().to_owned())
        .collect();
    let mut wrong = Vec::new();
    for (map, ids) in mapped() {
        let known = match map.split_once('/').unwrap() {
            ("guardduty", kind) => types.contains_key(kind) || custom.contains(kind),
            (_, technique) => techniques.contains(technique) || OTHER_TECHNIQUES.iter().any(|(id, _)| *id == technique),
        };
        if !known {
            wrong.push(format!("{map}: {}", ids.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What GuardDuty finds in logs that its customers have as well. Runtime agents, malware scans and Lambda's network are not among them.
#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn every_finding_type_of_logs_is_answered() {
    let mapped = mapped();
    let logs = ["CloudTrail", "DNS logs", "VPC flow logs", "EKS audit logs", "RDS Login", "AI Protection"];
    let (mut answered, mut open) = (0, Vec::new());
    for (kind, source) in types() {
        if !logs.iter().any(|l| source.starts_with(l)) {
            continue;
        }
        if mapped.contains_key(&format!("guardduty/{kind}")) {
            answered += 1;
        } else {
            open.push(format!("{kind} ({source})"));
        }
    }
    let custom = custom_types();
    let unmapped: Vec<&String> = custom.iter().filter(|t| !mapped.contains_key(&format!("guardduty/{t}"))).collect();
    println!("{} of {} custom types are not mapped: {unmapped:?}", unmapped.len(), custom.len());
    println!("{answered} finding types of logs are answered, {} are not", open.len());
    for kind in &open {
        let why = UNANSWERED.iter().find(|(k, _)| kind.starts_with(&format!("{k} "))).map_or("?", |(_, why)| why);
        println!("  {kind}: {why}");
    }
    let unexplained: Vec<&String> =
        open.iter().filter(|kind| !UNANSWERED.iter().any(|(k, _)| kind.starts_with(&format!("{k} ")))).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

/// APIs that at least three public sources watch and no detection names. Printed: a list of work, not a promise.
#[test]
#[ignore = "needs samples that stay outside the repository: YAGURA_SHARED names their folder"]
fn apis_that_others_watch() {
    let pack = pack();
    let named: BTreeSet<&str> =
        pack.rules.detections.iter().flat_map(|d| d.index.names.iter().map(smol_str::SmolStr::as_str)).collect();
    let file = reference("rule_coverage.json");
    let (mut watched, mut open) = (0, Vec::new());
    for api in file["api_ranking"].as_array().unwrap() {
        if api["n_sources"].as_u64() < Some(3) {
            continue;
        }
        let name = yagura_detect::observe::plain_name(api["event"].as_str().unwrap());
        watched += 1;
        if !named.contains(name) {
            open.push(name.to_owned());
        }
    }
    println!("{} of {watched} APIs are named by detections; not: {}", watched - open.len(), open.join(", "));
    assert!(open.len() * 4 <= watched, "{} of {watched} APIs are named by no detection", open.len());
}
