//! What an attacker may try against the engine itself: names that pass for a service's, floods, a second attack after the first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::sync::Arc;
use yagura_detect::compile::Settings;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::observe::Observer;
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Counts, Waiting};
use yagura_logs::envelope::Envelope;
use yagura_logs::record::Object;
use yagura_logs::table::cloudtrail;
use yagura_model::ContentFile;

const WORDS: &str = "en: {title: t, why: w, look: [l]}\nja: {title: t, why: w, look: [l]}\n\
    tests: {a: {event: {}, expect: fire}, b: {event: {}, expect: quiet}}\n";

fn pack(files: &[(&str, &str)]) -> Pack {
    let files: Vec<ContentFile> = files
        .iter()
        .map(|(path, text)| ContentFile { path: (*path).into(), text: format!("{text}\n{WORDS}"), shipped: false })
        .collect();
    let pack = Pack::read(files.iter(), &Settings::new());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
}

/// A detection of one event's name.
fn of(name: &str) -> String {
    format!("kind: detection\nid: cloudtrail.{}\nevent: {{name: {name}}}\nseverity: low", name.to_lowercase())
}

fn record(n: usize, second: i64, name: &str, arn: &str) -> Value {
    json!({"eventVersion": "1.09", "eventID": format!("00000000-0000-4000-8000-{n:012x}"),
        "eventTime": jiff::Timestamp::from_second(1_717_200_000 + second).unwrap().to_string(),
        "eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9",
        "userAgent": "x", "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": arn, "accountId": "111122223333"}})
}

const EVE: &str = "arn:aws:iam::111122223333:user/eve";

fn hold(pack: &Pack, records: &[Value]) -> Waiting {
    let mut observer = Observer::new(&pack.rules, Arc::new(Lists::default()));
    let mut waiting = Waiting::default();
    waiting.renumber(&pack.rules);
    for r in records {
        let text = r.to_string();
        let record = Object::read(&text).unwrap().into_record(cloudtrail());
        let mut envelope = Envelope::default();
        (record.table.source.envelope)(&record, &mut envelope);
        waiting.push(observer.look(&text, &record, &envelope).into_iter().collect());
    }
    waiting
}

fn finish(pack: &Pack, mut waiting: Waiting) -> State {
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    waiting.release(i64::MAX, &mut engine, &mut Counts::default());
    engine.state
}

fn run(pack: &Pack, records: &[Value]) -> State {
    finish(pack, hold(pack, records))
}

#[test]
fn nobody_passes_for_a_service_by_the_name_of_a_user_or_session() {
    let pack = pack(&[(
        "detections/cloudtrail/keys.yaml",
        "kind: detection\nid: cloudtrail.keys\nevent: {name: CreateAccessKey}\nmatch: \"!event.by_service\"\nseverity: low",
    )]);
    let own = |user: Value| {
        let mut r = record(1, 0, "CreateAccessKey", EVE);
        r["userIdentity"] = user;
        run(&pack, &[r]).signals.len()
    };
    let rows = [
        (json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/x.amazonaws.com"}), 1),
        (json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/R/x.amazonaws.com"}), 1),
        (json!({"type": "SAMLUser", "principalId": "abc:x.amazonaws.com", "userName": "x.amazonaws.com"}), 1),
        (json!({"type": "AWSAccount", "principalId": "AROAEXAMPLE:x.amazonaws.com"}), 1),
        (json!({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}), 0),
    ];
    for (user, found) in rows {
        assert_eq!(own(user.clone()), found, "{user}");
    }
}

/// Who has a service change something has changed it, whatever was read before in the same session, and by a call of the same name.
#[test]
fn what_a_service_changes_in_a_persons_name_is_seen_among_what_it_reads() {
    let pack = pack(&[(
        "detections/cloudtrail/any.yaml",
        "kind: detection\nid: cloudtrail.any\nevent: {source: iam.amazonaws.com}\nmatch: \"!event.by_service\"\nseverity: low",
    )]);
    let call = |n: usize, name: &str, reads: Value| {
        let mut r = record(n, n as i64, name, EVE);
        r["userIdentity"]["invokedBy"] = "cloudformation.amazonaws.com".into();
        r["sourceIPAddress"] = "cloudformation.amazonaws.com".into();
        r["readOnly"] = reads;
        r
    };
    let mut records = vec![
        call(1, "GetUser", json!(true)),
        call(2, "GetUser", json!(false)),
        call(3, "CreateUser", json!(false)),
        call(4, "CreateUser", Value::Null),
        call(5, "CreateUser", json!("False")),
        call(6, "GetUser", json!(true)),
    ];
    for turn in 0..records.len() {
        records.rotate_left(turn);
        let mut found: Vec<_> = run(&pack, &records).signals.into_iter().flat_map(|s| s.events).collect();
        found.sort();
        let wanted = [2, 3, 5].map(|n| format!("00000000-0000-4000-8000-{n:012x}"));
        assert_eq!(found, wanted, "from the {turn}th on");
    }
}

#[test]
fn a_flood_is_counted_once() {
    let pack = pack(&[(
        "detections/cloudtrail/many.yaml",
        "kind: detection\nid: cloudtrail.many\nevent: {name: GetUser}\ncount: {by: [identity], at_least: 10, over: 10m}\nseverity: low",
    )]);
    let records: Vec<Value> = (0..3000).map(|n| record(n, n as i64 / 20, "GetUser", EVE)).collect();
    let state = run(&pack, &records);
    assert_eq!(state.signals.len(), 1);
    assert_eq!(state.signals[0].count, 3000);
    // After a pause the records below the threshold belong to it as well.
    let paused: Vec<Value> =
        (0..40).map(|n| record(n, n as i64 + if n < 20 { 0 } else { 3600 }, "GetUser", EVE)).collect();
    assert_eq!(run(&pack, &paused).signals[0].count, 40);
}

#[test]
fn a_second_attack_is_an_incident_of_its_own() {
    let sequence = "kind: sequence\nid: sequence.ab\njoin: [actor]\nwithin: 7d\nseverity: high\n\
        stages:\n  - a: [cloudtrail.createuser]\n  - b: [cloudtrail.deleteuser]";
    let (a, b) = (of("CreateUser"), of("DeleteUser"));
    let pack = pack(&[
        ("detections/cloudtrail/createuser.yaml", &a),
        ("detections/cloudtrail/deleteuser.yaml", &b),
        ("sequences/ab.yaml", sequence),
    ]);
    let at = |n: usize, hour: i64, name: &str| record(n, hour * 3600, name, EVE);
    let both = [at(1, 0, "CreateUser"), at(2, 1, "DeleteUser"), at(3, 48, "CreateUser"), at(4, 49, "DeleteUser")];
    assert_eq!(run(&pack, &both).incidents.len(), 2);
    // What began the first does not begin another.
    let late = [at(1, 0, "CreateUser"), at(2, 1, "DeleteUser"), at(3, 48, "DeleteUser")];
    assert_eq!(run(&pack, &late).incidents.len(), 1);
}

#[test]
fn records_that_waited_mean_the_same_detections_after_a_restart_with_others() {
    let (b, a) = (of("DeleteUser"), of("CreateUser"));
    let before = pack(&[("detections/cloudtrail/deleteuser.yaml", &b)]);
    let after = pack(&[("detections/cloudtrail/createuser.yaml", &a), ("detections/cloudtrail/deleteuser.yaml", &b)]);
    let saved = serde_json::to_string(&hold(&before, &[record(1, 0, "DeleteUser", EVE)])).unwrap();
    let mut waiting: Waiting = serde_json::from_str(&saved).unwrap();
    assert_eq!(waiting.renumber(&after.rules), 0);
    let state = finish(&after, waiting);
    assert_eq!(state.signals[0].rule, "cloudtrail.deleteuser");
    // A detection that is no more is counted.
    let gone = pack(&[("detections/cloudtrail/createuser.yaml", &a)]);
    let mut waiting: Waiting = serde_json::from_str(&saved).unwrap();
    assert_eq!(waiting.renumber(&gone.rules), 1);
    assert!(finish(&gone, waiting).signals.is_empty());
}

#[test]
fn names_with_a_version_and_counts_beyond_memory_are_refused() {
    let wrong = |text: &str| {
        let file = ContentFile {
            path: "detections/cloudtrail/a.yaml".into(),
            text: format!("{text}\n{WORDS}"),
            shipped: false,
        };
        let pack = Pack::read([file].iter(), &Settings::new());
        pack.errors.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let head = "kind: detection\nid: cloudtrail.a\nseverity: low\n";
    let versioned = wrong(&format!("{head}event: {{name: CreateFunction20150331}}"));
    assert!(versioned.contains("`CreateFunction`"), "{versioned}");
    let count =
        wrong(&format!("{head}event: {{name: GetUser}}\ncount: {{by: [identity], at_least: 10001, over: 10m}}"));
    assert!(count.contains("10000"), "{count}");
    assert_eq!(wrong(&format!("{head}event: {{name: GetUser}}")), "");
}

#[test]
fn inputs_that_cannot_be_opened_are_named() {
    let a = of("CreateUser");
    let pack = pack(&[("detections/cloudtrail/createuser.yaml", &a)]);
    let inputs = yagura_logs::input::local(&["-".to_owned()], &yagura_logs::input::Wanted::default()).unwrap();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let batch = Batch {
        inputs: &inputs,
        rules: &pack.rules,
        lists: Arc::new(Lists::default()),
        span: (i64::MIN, i64::MAX),
        threads: 1,
        done: &done,
    };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let refused = batch.run(&mut engine, &mut Waiting::default(), None, &|_| Err(std::io::Error::other("throttled")));
    assert!(refused.unfinished.contains("-") && refused.unread == 1);
    let empty = batch.run(&mut engine, &mut Waiting::default(), None, &|_| Ok(Box::new(std::io::empty())));
    assert!(empty.unfinished.is_empty());
}
