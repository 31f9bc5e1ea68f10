//! One attack in hand-written logs, asked about from every side.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::compile::Settings;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::investigate::{Dossier, Facet, Finder, Kind, Located, NotedKind, Subject, Watch};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Bystander};
use yagura_logs::input::Input;
use yagura_model::{ContentFile, Lang, Severity};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const BOB: &str = "arn:aws:iam::111122223333:user/bob";
const ROLE: &str = "arn:aws:iam::111122223333:role/admin";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/admin/deploy-77";
const AT_HOME: &str = "203.0.113.10";
const AWAY: &str = "198.51.100.7";
const KEY: &str = "AKIAIOSFODNN7ALICE00";
const NEW_KEY: &str = "AKIAIOSFODNN7BOBNEW0";
const SESSION_KEY: &str = "ASIAIOSFODNN7SESSION";
const INSTANCE: &str = "i-0123456789abcdef0";

/// A call: who, with which key, from where, when, what, with what, what came of it.
fn call(n: u32, time: &str, caller: (&str, &str, &str), api: (&str, &str), asked: Value, answered: Value) -> Value {
    let (who, key, from) = caller;
    let mut user = json!({"type": "IAMUser", "arn": who, "accountId": "111122223333", "accessKeyId": key});
    if who.contains(":assumed-role/") {
        user["type"] = "AssumedRole".into();
        user["sessionContext"] = json!({"sessionIssuer": {"type": "Role", "arn": ROLE}});
    }
    json!({
        "eventVersion": "1.11", "userIdentity": user, "eventTime": time, "eventSource": api.0, "eventName": api.1,
        "awsRegion": "us-east-1", "sourceIPAddress": from, "userAgent": "aws-cli/2.15", "requestParameters": asked,
        "responseElements": answered, "eventID": format!("00000000-0000-0000-0000-{n:012}"),
        "readOnly": api.1.starts_with("List") || api.1.starts_with("Get") || api.1 == "AssumeRole",
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
    })
}

fn denied(mut call: Value) -> Value {
    call["errorCode"] = "AccessDenied".into();
    call
}

fn trail() -> Vec<Value> {
    let (iam, s3, sts) = ("iam.amazonaws.com", "s3.amazonaws.com", "sts.amazonaws.com");
    let mut all: Vec<Value> = (0..40)
        .map(|n| {
            let time = format!("2026-01-05T{:02}:{:02}:00Z", n / 2, n % 2 * 30);
            call(n, &time, (ALICE, KEY, AT_HOME), (s3, "ListBuckets"), Value::Null, Value::Null)
        })
        .collect();
    let key = json!({"accessKey": {"accessKeyId": NEW_KEY, "userName": "bob"}});
    let token = json!({"credentials": {"accessKeyId": SESSION_KEY}, "assumedRoleUser": {"arn": SESSION}});
    all.push(call(
        100,
        "2026-01-06T03:00:00Z",
        (ALICE, KEY, AWAY),
        (iam, "CreateAccessKey"),
        json!({"userName": "bob"}),
        key,
    ));
    all.push(call(
        101,
        "2026-01-06T03:05:00Z",
        (ALICE, KEY, AWAY),
        (sts, "AssumeRole"),
        json!({"roleArn": ROLE}),
        token,
    ));
    let stop = ("cloudtrail.amazonaws.com", "StopLogging");
    all.push(call(
        102,
        "2026-01-06T03:06:00Z",
        (SESSION, SESSION_KEY, AWAY),
        stop,
        json!({"name": "main"}),
        Value::Null,
    ));
    for n in 0..3 {
        let bucket = json!({"bucketName": format!("payroll-{n}")});
        let time = format!("2026-01-06T03:07:0{n}Z");
        all.push(call(103 + n, &time, (SESSION, SESSION_KEY, AWAY), (s3, "PutBucketPolicy"), bucket, Value::Null));
    }
    for n in 0..5 {
        let time = format!("2026-01-06T03:08:0{n}Z");
        all.push(denied(call(
            110 + n,
            &time,
            (SESSION, SESSION_KEY, AWAY),
            (iam, "ListUsers"),
            Value::Null,
            Value::Null,
        )));
    }
    all.push(call(120, "2026-01-06T04:00:00Z", (BOB, NEW_KEY, AWAY), (s3, "ListBuckets"), Value::Null, Value::Null));
    all
}

fn dns() -> String {
    let ask = |second: u32, name: &str| {
        json!({"version": "1.100000", "account_id": "111122223333", "region": "us-east-1", "vpc_id": "vpc-1", "query_timestamp": format!("2026-01-06T05:00:{second:02}Z"),
            "query_name": name, "query_type": "A", "query_class": "IN", "rcode": "NOERROR", "answers": [{"Rdata": "192.0.2.66", "Type": "A", "Class": "IN"}],
            "srcaddr": "10.0.1.5", "srcport": "4000", "transport": "UDP", "srcids": {"instance": INSTANCE}})
        .to_string()
    };
    [ask(0, "c2.bad.example."), ask(1, "BAD.example."), ask(2, "notbad.example.")].join("\n")
}

fn flows() -> String {
    let head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    let out = "2 111122223333 eni-1 10.0.1.5 192.0.2.66 40000 443 6 10 5000 1767675700 1767675760 ACCEPT OK";
    let back = "2 111122223333 eni-1 192.0.2.66 10.0.1.5 443 40000 6 8 700 1767675700 1767675760 ACCEPT OK";
    [head, out, back].join("\n")
}

fn pack() -> Pack {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/");
    let path = "detections/cloudtrail/logging_stopped.yaml";
    let text = std::fs::read_to_string(format!("{root}{path}")).unwrap();
    let pack = Pack::read([ContentFile { path: path.to_owned(), text, shipped: true }].iter(), &Settings::new());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
}

fn pass(pack: &Pack, beside: &dyn Bystander, order: impl Fn(&mut Vec<Value>)) -> State {
    let mut records = trail();
    order(&mut records);
    let lines = |r: &[Value]| r.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    // The second file brings some records again.
    let files: HashMap<&str, String> = HashMap::from([
        ("a.jsonl", lines(&records)),
        ("b.jsonl", lines(&records[10..])),
        ("dns.jsonl", dns()),
        ("flows.log", flows()),
    ]);
    let mut inputs: Vec<Input> = files.iter().map(|(n, t)| Input::memory(n, t.as_bytes())).collect();
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    let done = AtomicUsize::new(0);
    let span = (i64::MIN, i64::MAX);
    let batch =
        Batch { inputs: &inputs, rules: &pack.rules, lists: Arc::new(Lists::default()), span, threads: 2, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let open = |input: &Input| -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(files[input.name.as_str()].clone().into_bytes())))
    };
    let counts = batch.run_beside(&mut engine, &open, beside);
    assert_eq!(counts.unread, 0, "{:?}", counts.aside);
    engine.state
}

fn ask_in(text: &str, at: Option<&str>, lang: Lang) -> Dossier {
    let pack = pack();
    let at = at.map(|t| t.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let watch = Watch::new(Subject::read(text).unwrap(), at);
    let state = pass(&pack, &watch, |_| {});
    watch.dossier(&state, &pack.rules, &pack.sequences, None, &|_| true, lang)
}

fn ask(text: &str) -> Dossier {
    ask_in(text, None, Lang::En)
}

fn values(d: &Dossier, facet: Facet) -> Vec<(&str, u64)> {
    d.facets.get(&facet).into_iter().flatten().map(|v| (v.value.as_str(), v.tally.count)).collect()
}

#[test]
fn a_user() {
    let d = ask_in(ALICE, Some("2026-01-06T03:05:00Z"), Lang::En);
    assert_eq!((d.subject.kind, d.records, d.denied), (Kind::User, 42, 0));
    assert_eq!((d.first.as_deref(), d.last.as_deref()), (Some("2026-01-05T00:00:00Z"), Some("2026-01-06T03:05:00Z")));
    assert_eq!(values(&d, Facet::Api), [("s3:ListBuckets", 40), ("iam:CreateAccessKey", 1), ("sts:AssumeRole", 1)]);
    assert_eq!(values(&d, Facet::Address), [(AT_HOME, 40), (AWAY, 2)]);
    let made: Vec<&str> = d.made.iter().map(|m| m.what.as_str()).collect();
    assert_eq!(made, [NEW_KEY, BOB, SESSION_KEY, SESSION]);
    let u = d.unusual.as_ref().unwrap();
    assert_eq!((u.records, u.before, u.since.as_deref()), ([2, 0], [40, 0], Some("2026-01-05T00:00:00Z")));
    let new: Vec<(Facet, &str)> = u.new.iter().map(|(f, v)| (*f, v.value.as_str())).collect();
    assert!(
        new.contains(&(Facet::Network, "198.51.0.0/16")) && new.contains(&(Facet::Api, "iam:CreateAccessKey")),
        "{new:?}"
    );
    assert!(!new.iter().any(|(f, _)| *f == Facet::Key), "the key is the old one: {new:?}");
    // Who else came from the addresses that she came from.
    let others: Vec<(&str, &str)> = d.neighbours.iter().map(|n| (n.identity.as_str(), n.shared.as_str())).collect();
    assert_eq!(others, [(ROLE, AWAY), (BOB, AWAY)]);
    assert!(d.next.iter().any(|(_, c)| *c == format!("yagura investigate {SESSION}")), "{:?}", d.next);
    assert!(d.next.iter().any(|(_, c)| c.contains("useridentity.arn = 'arn:aws:iam::111122223333:user/alice' AND eventtime BETWEEN '2026-01-06T02:05:00Z' AND '2026-01-06T04:05:00Z'")));
}

#[test]
fn a_session_and_its_role() {
    let d = ask(SESSION);
    assert_eq!((d.records, d.denied), (9, 5));
    assert_eq!((d.makers.len(), d.makers[0].who.as_str(), d.makers[0].made.as_str()), (1, ALICE, SESSION));
    // The call that made it names it.
    assert_eq!(d.named, 1);
    let changed: Vec<(&str, u64)> = d.touched.iter().map(|t| (t.target.as_str(), t.writes)).collect();
    assert_eq!(changed, [("main", 1), ("payroll-0", 1), ("payroll-1", 1), ("payroll-2", 1)]);
    assert_eq!(d.findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["cloudtrail.logging_stopped"]);
    let line: Vec<(NotedKind, &str, u64)> = d.timeline.iter().map(|n| (n.kind, n.what.as_str(), n.count)).collect();
    assert_eq!(line[0], (NotedKind::DoneTo, "sts:AssumeRole", 1));
    assert_eq!(line[1], (NotedKind::Write, "cloudtrail:StopLogging", 1));
    assert_eq!((line[2].0, d.timeline[2].severity), (NotedKind::Finding, Some(Severity::High)));
    assert_eq!(line[3], (NotedKind::Write, "s3:PutBucketPolicy", 3));
    assert_eq!(d.timeline[3].targets, 3);
    assert_eq!(line[4], (NotedKind::Denied, "iam:ListUsers", 5));
    assert_eq!(line.len(), 5);
    // Without a time it is the finding's; before it nothing was known, and nothing is called unusual.
    let u = d.unusual.as_ref().unwrap();
    assert_eq!((u.at.as_str(), u.since.as_deref(), u.new.len()), ("2026-01-06T03:06:00Z", None, 0));

    let pack = pack();
    let watch = Watch::new(Subject::read(SESSION).unwrap(), None);
    let state = pass(&pack, &watch, |_| {});
    let d = watch.dossier(
        &state,
        &pack.rules,
        &pack.sequences,
        None,
        &|t| t.rule != "cloudtrail.logging_stopped",
        Lang::En,
    );
    assert!(d.findings.is_empty() && d.timeline.iter().all(|n| n.kind != NotedKind::Finding), "an exception covers it");

    let role = ask(ROLE);
    assert_eq!((role.subject.kind, role.records, role.named), (Kind::Role, 9, 1));
    assert_eq!(values(&role, Facet::Session), [(SESSION, 9)]);
    assert!(role.next.iter().any(|(_, c)| c.ends_with(SESSION)));
}

#[test]
fn keys() {
    let d = ask(NEW_KEY);
    assert_eq!((d.subject.kind, d.records, d.named), (Kind::Key, 1, 1));
    assert_eq!(d.makers[0].who, ALICE);
    assert_eq!(values(&d, Facet::Identity), [(BOB, 1)]);
    assert!(
        d.next.iter().any(|(_, c)| c == "yagura query --run cloudtrail.key_activity --set key=AKIAIOSFODNN7BOBNEW0")
    );
    let d = ask(SESSION_KEY);
    assert_eq!((d.records, d.denied, d.makers[0].who.as_str()), (9, 5, ALICE));
}

#[test]
fn addresses_instances_and_names() {
    let d = ask(AWAY);
    assert_eq!((d.subject.kind, d.records), (Kind::Address, 12));
    let who: Vec<&str> = d.neighbours.iter().map(|n| n.identity.as_str()).collect();
    assert_eq!(who, [ALICE, ROLE, BOB]);
    let d = ask("10.0.1.5");
    assert_eq!((d.records, d.bytes), (5, [5000, 700]));
    assert_eq!(values(&d, Facet::Peer), [("192.0.2.66", 2)]);
    assert_eq!(values(&d, Facet::Port), [("tcp/443", 2)]);
    let d = ask("192.0.2.66");
    assert_eq!((d.records, d.named), (2, 3), "two flows; three answers of DNS name it");
    let d = ask(INSTANCE);
    assert_eq!((d.subject.kind, d.records), (Kind::Instance, 3));
    let d = ask("bad.example");
    assert_eq!((d.subject.kind, d.records), (Kind::Name, 2));
    assert_eq!(values(&d, Facet::Name), [("bad.example", 1), ("c2.bad.example", 1)]);
    assert_eq!(values(&d, Facet::Instance), [(INSTANCE, 2)]);
}

#[test]
fn a_resource_that_only_others_name() {
    let d = ask("arn:aws:s3:::nowhere");
    assert_eq!((d.records, d.named, d.first, d.unusual), (0, 0, None, None));
    assert!(d.timeline.is_empty() && d.findings.is_empty());
}

#[test]
fn a_record_leads_to_whose_it_is() {
    let pack = pack();
    let subject = Subject::read("00000000-0000-0000-0000-000000000102").unwrap();
    let finder = Finder::new(&subject);
    pass(&pack, &finder, |_| {});
    let located: Located = finder.located().unwrap();
    let whose = Subject::of_record(&located.seen).unwrap();
    assert_eq!((whose.kind, whose.text.as_str()), (Kind::Session, SESSION));
    let watch = Watch::new(whose, Some(located.time));
    let state = pass(&pack, &watch, |_| {});
    let d = watch.dossier(&state, &pack.rules, &pack.sequences, Some(&located), &|_| true, Lang::Ja);
    assert_eq!(d.event.as_ref().unwrap().what, "cloudtrail:StopLogging");
    assert_eq!(d.unusual.as_ref().unwrap().at, "2026-01-06T03:06:00Z");
    let none = Finder::new(&Subject::read("ffffffff-0000-0000-0000-000000000102").unwrap());
    pass(&pack, &none, |_| {});
    assert_eq!(none.located(), None);
}

#[test]
fn the_order_of_records_is_without_effect() {
    let pack = pack();
    let told = |order: &dyn Fn(&mut Vec<Value>)| {
        let watch = Watch::new(Subject::read(SESSION).unwrap(), None);
        let state = pass(&pack, &watch, order);
        serde_json::to_value(watch.dossier(&state, &pack.rules, &pack.sequences, None, &|_| true, Lang::Ja)).unwrap()
    };
    let straight = told(&|_| {});
    assert_eq!(straight, told(&|r| r.reverse()));
    assert_eq!(straight, told(&|r| r.rotate_left(45)));
    assert!(straight["next"][0][0].as_str().unwrap().contains("レコード"));
}
