//! Test events of public rules, each with the verdict that its rule gives.

use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::path::Path;
use std::sync::Arc;
use yagura_detect::detection::Detection;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Observer, Rules};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Counts, Waiting};
use yagura_detect::sequence::Sequences;
use yagura_logs::envelope::Envelope;
use yagura_logs::record::Object;
use yagura_logs::table::{Table, table};

/// One test of a public rule.
pub struct Case {
    /// The rule's id; of rules that have none, the file of their tests.
    pub rule: String,
    /// What the test is called.
    pub name: String,
    /// Whether the rule fires.
    pub expected: bool,
    /// How often the event must come before the rule alerts.
    times: u64,
    table: &'static Table,
    event: Map<String, Value>,
}

impl Case {
    /// An event of Kubernetes that no public rule comes with.
    pub fn alone(name: &str, event: Map<String, Value>) -> Self {
        let table = table("eks_audit_logs").unwrap();
        Self { rule: name.to_owned(), name: name.to_owned(), expected: true, times: 1, table, event }
    }
}

/// A Monday, as in fixtures.
const START: i64 = 1_767_571_200_000;

/// Every case whose log has a table here.
pub fn read(data: &Path) -> Vec<Case> {
    let mut all = Vec::new();
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(data.join("tests").join(name)).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    };
    for line in lines("panther_tests.jsonl") {
        let log = line["_log_type"].as_str().unwrap_or_default();
        let Value::Object(event) = line["log"].clone() else { continue };
        let Some((table, event)) = own(log, event) else { continue };
        all.push(Case {
            rule: line["rule_id"].as_str().unwrap().to_owned(),
            name: line["test"].as_str().unwrap().to_owned(),
            expected: line["expected"].as_bool().unwrap(),
            times: line["threshold"].as_u64().unwrap_or(1),
            table,
            event,
        });
    }
    for line in lines("streamalert_tests.jsonl") {
        let file = line["file"].as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".json");
        let event = match (&line["data"]["Records"][0], &line["data"]["detail"]) {
            (Value::Object(record), _) | (_, Value::Object(record)) => record.clone(),
            _ => continue,
        };
        let log = if event.contains_key("eventName") { "cloudtrail" } else { "guardduty finding" };
        let Some((table, event)) = own(log, event) else { continue };
        all.push(Case {
            rule: file.to_owned(),
            name: line["description"].as_str().unwrap_or_default().to_owned(),
            expected: line["expected"].as_bool().unwrap(),
            times: 1,
            table,
            event,
        });
    }
    all
}

/// Names that a vendor gave to fields of AWS's.
const RENAMED: [(&str, &str, &str); 16] = [
    ("s3_access", "bucket", "bucket_name"),
    ("s3_access", "time", "requestdatetime"),
    ("s3_access", "requesturi", "request_uri"),
    ("s3_access", "hostheader", "endpoint"),
    ("s3_access", "authenticationtype", "authtype"),
    ("vpc_flow", "srcAddr", "srcaddr"),
    ("vpc_flow", "dstAddr", "dstaddr"),
    ("vpc_flow", "srcPort", "srcport"),
    ("vpc_flow", "dstPort", "dstport"),
    ("vpc_flow", "sourceAddress", "srcaddr"),
    ("vpc_flow", "destinationAddress", "dstaddr"),
    ("vpc_flow", "sourcePort", "srcport"),
    ("vpc_flow", "destinationPort", "dstport"),
    ("vpc_flow", "flowDirection", "flow_direction"),
    ("vpc_flow", "status", "log_status"),
    ("vpc_flow", "vpcId", "vpc_id"),
];

/// The table of a log, and the event with AWS's own names; none for forms that are not AWS's.
fn own(log: &str, mut event: Map<String, Value>) -> Option<(&'static Table, Map<String, Value>)> {
    if event.get("p_log_type").and_then(Value::as_str).is_some_and(|t| t.starts_with("OCSF")) {
        return None;
    }
    let (name, source) = [
        ("cloudtrail_logs", "cloudtrail"),
        ("eks_audit_logs", "k8s_audit"),
        ("waf_logs", "waf"),
        ("vpc_flow_logs", "vpcflow"),
        ("route53_resolver_logs", "route53_resolver"),
        ("s3_access_logs", "s3_access"),
        ("guardduty_findings", "guardduty"),
        ("securityhub_findings", "ASFF"),
    ]
    .into_iter()
    .find(|(_, begin)| log.starts_with(begin))?;
    let table = table(name)?;
    for (of, theirs, ours) in RENAMED {
        if of == source
            && let Some(value) = event.remove(theirs)
        {
            event.insert(ours.to_owned(), value);
        }
    }
    if source == "vpcflow" {
        for (theirs, ours) in RENAMED.iter().filter(|r| r.0 == "vpc_flow").map(|r| (r.1, r.2)) {
            if let Some(value) = event.remove(theirs) {
                event.insert(ours.to_owned(), value);
            }
        }
    }
    event.retain(|key, _| !key.starts_with("p_"));
    Some((table, event))
}

/// Which detections a case's event sets off, in an account where nothing was seen before.
pub fn fired(pack: &Pack, case: &Case) -> Vec<SmolStr> {
    let all: Vec<Detection> = pack
        .rules
        .detections
        .iter()
        .filter(|d| d.table.name() == case.table.name())
        .map(|d| Detection { silent: false, ..d.clone() })
        .collect();
    let rules = Rules::new(all);
    // What the vendor's own lists hold: a Tor exit and a domain.
    let lists = Lists::of([("tor_exit", "1.2.3.4"), ("mining", "webservicepag.webhop.net")].into_iter()).unwrap();
    let mut observer = Observer::new(&rules, Arc::new(lists));
    let mut waiting = Waiting::default();
    for n in 0..case.times.max(1) {
        let text = Value::Object(at(case, START + i64::try_from(n).unwrap() * 1000)).to_string();
        let record = Object::read(&text).unwrap().into_record(case.table);
        let mut envelope = Envelope::default();
        (case.table.source.envelope)(&record, &mut envelope);
        let observed = observer.look(&text, &record, &envelope);
        waiting.push(vec![observed.unwrap_or_else(|| panic!("{}: no time in {text}", case.rule))]);
    }
    let sequences = Sequences::default();
    let mut engine = Engine::new(&rules, &sequences, State::default());
    waiting.release(i64::MAX, &mut engine, &mut Counts::default());
    engine.state.signals.iter().map(|s| s.rule.clone()).collect()
}

/// The event at a time: many of the tests say `...` in its place.
fn at(case: &Case, time: i64) -> Map<String, Value> {
    let iso = jiff::Timestamp::from_millisecond(time).unwrap().to_string();
    let (names, value): (&[&str], Value) = match case.table.source.name {
        "cloudtrail" => (&["eventTime"], json!(iso)),
        "eks_audit" => (&["stageTimestamp", "requestReceivedTimestamp"], json!(iso)),
        "waf" => (&["timestamp"], json!(time)),
        "vpc_flow" => (&["start", "end"], json!(time / 1000)),
        "route53_resolver" => (&["query_timestamp"], json!(iso)),
        "s3_access" => (&["requestdatetime"], json!(iso)),
        "guardduty" => (&["updatedAt"], json!(iso)),
        _ => (&["UpdatedAt"], json!(iso)),
    };
    let mut event = case.event.clone();
    event.retain(|key, _| {
        let key = key.to_ascii_lowercase();
        !names.iter().any(|n| n.to_ascii_lowercase() == key) && key != "eventid" && key != "auditid"
    });
    for name in names {
        event.insert((*name).to_owned(), value.clone());
    }
    event
}
