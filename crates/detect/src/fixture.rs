//! Fixtures: records that a detection or sequence must fire at, and records at which it must stay quiet.
//!
//! ```yaml
//! tests:
//!   stopped: {event: {requestParameters: {name: main}}, expect: fire}
//!   twenty:  {events: [{times: 20, every: 5s, event: {requestParameters: {secretId: "secret-{n}"}}}], expect: fire}
//!   from tor: {lists: {tor_exit: [198.51.100.7]}, event: {sourceIPAddress: 198.51.100.7}, expect: fire}
//!   far away: {places: ["203.0.113.0/24,35.7,139.7", "198.51.100.0/24,51.5,-0.1"], events: […], expect: fire}
//! ```
//!
//! A record is written as far as it matters: the rest is filled in with an everyday record of its log ([`usual`]). The clock starts at
//! 2026-01-05 00:00 UTC and goes on one second, or `every`, with each record. `{n}` in a text is the record's number from 1.

use crate::detection::{log, millis};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use yagura_logs::table::Table;
use yagura_rule::yaml::{Reader, Yaml, YamlKind};

/// One fixture.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Its name.
    pub name: SmolStr,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Entries of threat lists, by category.
    pub lists: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Lines of a table of locations.
    pub places: Vec<SmolStr>,
    /// How often something must be found.
    pub expect: Expect,
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// One finding or more.
    Fire,
    /// None.
    Quiet,
    /// Exactly so many.
    Times(usize),
}

/// Records of one kind.
#[derive(Debug, Clone)]
pub struct Step {
    /// Of another log than the detection's own.
    pub log: Option<&'static Table>,
    /// How many.
    pub times: u32,
    /// Milliseconds from one to the next.
    pub every: i64,
    /// Milliseconds before the first, besides `every`.
    pub after: i64,
    /// What is not as usual.
    pub event: Value,
}

const FIXTURE: [&str; 5] = ["event", "events", "lists", "places", "expect"];

/// Reads `tests`; complains where no fixture fires or none is quiet.
pub fn parse(r: &mut Reader<'_>, yaml: &Yaml) -> Vec<Fixture> {
    let Some(tests) = yaml.get("tests").and_then(Yaml::entries) else {
        r.complain(yaml, "`tests` is missing: one fixture that fires and one that is quiet at least");
        return Vec::new();
    };
    let mut all = Vec::new();
    for (name, at) in tests {
        r.only(at, &FIXTURE);
        let mut steps = Vec::new();
        if let Some(one) = at.get("event") {
            steps.push(Step { log: None, times: 1, every: 1000, after: 0, event: json_of(one) });
        }
        for item in at.get("events").and_then(Yaml::items).unwrap_or_default() {
            steps.push(step(r, item));
        }
        let expect = match at.get("expect").map(|e| &e.kind) {
            Some(YamlKind::Text(t)) if t == "fire" => Expect::Fire,
            Some(YamlKind::Text(t)) if t == "quiet" => Expect::Quiet,
            Some(YamlKind::Int(n)) if *n > 0 => Expect::Times(usize::try_from(*n).unwrap_or(usize::MAX)),
            _ => {
                r.complain(at, "`expect` is `fire`, `quiet` or a number of findings");
                continue;
            }
        };
        if steps.is_empty() {
            r.complain(at, "`event` or `events` is missing");
        }
        let mut lists = Vec::new();
        if let Some(l) = at.get("lists") {
            for (category, _) in l.entries().unwrap_or_default() {
                lists.push((category.name.clone(), r.texts(l, &category.name)));
            }
        }
        let places = if at.get("places").is_some() { r.texts(at, "places") } else { Vec::new() };
        all.push(Fixture { name: name.name.clone(), steps, lists, places, expect });
    }
    for (quiet, word) in [(true, "is quiet"), (false, "fires")] {
        if !all.iter().any(|f| (f.expect == Expect::Quiet) == quiet) {
            r.complain(yaml, format!("no fixture {word}"));
        }
    }
    all
}

fn step(r: &mut Reader<'_>, at: &Yaml) -> Step {
    let is_step = at.get("event").is_some();
    if !is_step {
        return Step { log: None, times: 1, every: 1000, after: 0, event: json_of(at) };
    }
    r.only(at, &["times", "every", "after", "event", "log"]);
    let times = match at.get("times").map(|t| &t.kind) {
        Some(YamlKind::Int(n)) => u32::try_from(*n).ok().filter(|n| (1..=100_000).contains(n)),
        None => Some(1),
        _ => None,
    };
    if times.is_none() {
        r.complain(at, "`times` wants a number from 1 to 100,000");
    }
    let mut span = |key: &str, usual: i64| match at.get(key) {
        None => usual,
        Some(v) => v.text().and_then(millis).unwrap_or_else(|| {
            r.complain(v, format!("`{key}` wants a length of time such as 30s, 10m, 6h, 2d"));
            usual
        }),
    };
    let (every, after) = (span("every", 1000), span("after", 0));
    let other = at.get("log").and_then(Yaml::text);
    let table = other.and_then(log);
    if let (Some(name), None) = (other, table) {
        r.complain(at, format!("`{name}` is no log"));
    }
    Step { log: table, times: times.unwrap_or(1), every, after, event: at.get("event").map_or(Value::Null, json_of) }
}

fn json_of(yaml: &Yaml) -> Value {
    match &yaml.kind {
        YamlKind::Null => Value::Null,
        YamlKind::Bool(b) => json!(b),
        YamlKind::Int(n) => json!(n),
        YamlKind::Float(n) => json!(n),
        YamlKind::Text(t) => json!(t.as_str()),
        YamlKind::List(l) => Value::Array(l.iter().map(json_of).collect()),
        YamlKind::Map(m) => Value::Object(m.iter().map(|(k, v)| (k.name.to_string(), json_of(v))).collect()),
    }
}

/// When fixtures begin: a Monday.
const START: i64 = 1_767_571_200_000;

impl Fixture {
    /// The records as JSON, in order, each with its table. `first` gives the service and event name that an index asks for.
    pub fn records(&self, own: &'static Table, first: (Option<&str>, Option<&str>)) -> Vec<(&'static Table, String)> {
        let mut clock = START;
        let mut all = Vec::new();
        for step in &self.steps {
            let table = step.log.unwrap_or(own);
            clock += step.after;
            for n in 1..=step.times {
                let mut event = usual(table, clock, all.len());
                if let (Value::Object(e), true) = (&mut event, table.source.name == "cloudtrail" && step.log.is_none())
                {
                    e.insert("eventSource".into(), json!(first.0.unwrap_or("ec2.amazonaws.com")));
                    e.insert("eventName".into(), json!(first.1.unwrap_or("DescribeInstances")));
                }
                merge(&mut event, &step.event);
                number(&mut event, n);
                all.push((table, event.to_string()));
                clock += step.every;
            }
        }
        all
    }
}

/// `with` laid over `base`: objects member by member, `null` takes a member away, everything else replaces.
fn merge(base: &mut Value, with: &Value) {
    match (base, with) {
        (Value::Object(base), Value::Object(with)) => {
            for (key, value) in with {
                if value.is_null() {
                    base.remove(key);
                } else {
                    merge(base.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (base, with) => *base = with.clone(),
    }
}

fn number(value: &mut Value, n: u32) {
    match value {
        Value::String(s) if s.contains("{n}") => *s = s.replace("{n}", &n.to_string()),
        Value::Array(a) => a.iter_mut().for_each(|v| number(v, n)),
        Value::Object(o) => o.values_mut().for_each(|v| number(v, n)),
        _ => {}
    }
}

/// An everyday record of a log.
pub fn usual(table: &Table, time: i64, n: usize) -> Value {
    let iso = jiff::Timestamp::from_millisecond(time).map(|t| t.to_string()).unwrap_or_default();
    let account = "111122223333";
    match table.source.name {
        "cloudtrail" => json!({
            "eventVersion": "1.09", "eventTime": iso, "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
            "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.10", "userAgent": "aws-cli/2.15.30",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": format!("arn:aws:iam::{account}:user/alice"),
                "accountId": account, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "alice"},
            "requestParameters": {}, "eventID": format!("00000000-0000-4000-8000-{n:012x}"), "eventType": "AwsApiCall",
            "recipientAccountId": account, "eventCategory": "Management"
        }),
        "vpc_flow" => json!({
            "version": 2, "account_id": account, "interface_id": "eni-0a1b2c3d4e5f60718", "srcaddr": "10.0.0.5", "dstaddr": "10.0.1.9",
            "srcport": 40000 + n % 20000, "dstport": 443, "protocol": 6, "packets": 10, "bytes": 4000, "start": time / 1000,
            "end": time / 1000 + 1, "action": "ACCEPT", "log_status": "OK"
        }),
        "route53_resolver" => json!({
            "version": "1.100000", "account_id": account, "region": "us-east-1", "vpc_id": "vpc-0a1b2c3d", "query_timestamp": iso,
            "query_name": "www.example.com.", "query_type": "A", "query_class": "IN", "rcode": "NOERROR", "answers": [],
            "srcaddr": "10.0.0.5", "srcport": 40000 + n % 20000, "transport": "UDP", "srcids": {"instance": "i-0123456789abcdef0"}
        }),
        "eks_audit" => json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": format!("audit-{n}"),
            "stage": "ResponseComplete", "requestURI": "/api/v1/pods", "verb": "list",
            "user": {"username": "alice", "groups": ["system:authenticated"]}, "sourceIPs": ["203.0.113.10"],
            "userAgent": "kubectl/v1.29", "objectRef": {"resource": "pods", "namespace": "default", "apiVersion": "v1"},
            "responseStatus": {"code": 200}, "requestReceivedTimestamp": iso, "stageTimestamp": iso
        }),
        "rds_mysql_audit" => json!({
            "timestamp": iso, "serverhost": "db-1", "username": "app", "host": "10.0.0.5", "connectionid": n, "queryid": 0,
            "operation": "CONNECT", "database": "shop", "object": "", "retcode": 0
        }),
        "s3_access" => json!({
            "bucketowner": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", "bucket_name": "amzn-s3-demo-bucket",
            "requestdatetime": iso, "remoteip": "203.0.113.10", "requester": format!("arn:aws:iam::{account}:user/alice"),
            "requestid": format!("R{n}"), "operation": "REST.GET.OBJECT", "key": "a.txt", "httpstatus": "200"
        }),
        "alb" => json!({
            "type": "https", "time": iso, "elb": "app/shop/50dc6c495c0c9188", "client_ip": "203.0.113.10", "client_port": 40000 + n % 20000,
            "elb_status_code": 200, "target_status_code": "200", "request_verb": "GET", "request_url": "https://shop.example.com:443/",
            "user_agent": "Mozilla/5.0", "trace_id": format!("Root=1-{n:08x}"),
            "target_group_arn": format!("arn:aws:elasticloadbalancing:us-east-1:{account}:targetgroup/shop/73e2d6bc24d8a067")
        }),
        "cloudfront" => json!({
            "date": iso.split('T').next(), "time": iso.split('T').nth(1).map(|t| t.trim_end_matches('Z')), "x_edge_location": "IAD89-C1",
            "c_ip": "203.0.113.10", "cs_method": "GET", "cs_host": "d111111abcdef8.cloudfront.net", "cs_uri_stem": "/", "sc_status": 200,
            "x_edge_result_type": "Hit", "x_edge_request_id": format!("R{n}")
        }),
        "waf" => json!({
            "timestamp": time, "formatVersion": 1, "terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR", "action": "ALLOW",
            "webaclId": format!("arn:aws:wafv2:us-east-1:{account}:regional/webacl/shop/a1b2c3d4"), "httpSourceName": "ALB",
            "ruleGroupList": [], "httpRequest": {"clientIp": "203.0.113.10", "country": "US", "uri": "/", "httpMethod": "GET",
                "requestId": format!("R{n}")}
        }),
        "network_firewall_alert" => json!({
            "firewall_name": "edge", "availability_zone": "us-east-1a", "event_timestamp": (time / 1000).to_string(),
            "event": {"timestamp": iso, "flow_id": n, "event_type": "alert", "src_ip": "10.0.0.5", "src_port": 40000 + n % 20000,
                "dest_ip": "203.0.113.10", "dest_port": 443, "proto": "TCP", "alert": {"action": "allowed", "signature_id": 2, "rev": 1,
                "signature": "aws:alert_established action", "category": "", "severity": 3}}
        }),
        "guardduty" => json!({
            "schemaVersion": "2.0", "accountId": account, "region": "us-east-1", "partition": "aws", "id": format!("{n:032x}"),
            "type": "Recon:EC2/PortProbeUnprotectedPort", "severity": 2, "title": "A port is probed", "createdAt": iso, "updatedAt": iso,
            "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0123456789abcdef0"}},
            "service": {"serviceName": "guardduty", "archived": false, "count": 1}
        }),
        "securityhub" => json!({
            "SchemaVersion": "2018-10-08", "Id": format!("F{n}"), "ProductName": "Security Hub", "GeneratorId": "check",
            "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub", "AwsAccountId": account, "Region": "us-east-1",
            "Types": ["Software and Configuration Checks"], "CreatedAt": iso, "UpdatedAt": iso, "Severity": {"Label": "LOW"},
            "Title": "A check", "Description": "A check", "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::amzn-s3-demo-bucket"}],
            "RecordState": "ACTIVE"
        }),
        _ => Value::Object(Map::new()),
    }
}
