//! Who stands behind a session, a key or a user, and whose deed it is what a service does for somebody.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use serde_json::{Value, json};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::links::{Makers, learn, plain, root};
use yagura_detect::observe::{Link, Observer};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Counts, Waiting};
use yagura_logs::envelope::Envelope;
use yagura_logs::record::Object;
use yagura_logs::table::cloudtrail;

const HOUR: i64 = 3_600_000;
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const OPS: &str = "arn:aws:sts::444455556666:assumed-role/ops/w";
const WEB: &str = "arn:aws:sts::444455556666:assumed-role/web/w";

/// Who stands behind `actor` at a time, by links (made, maker, hour).
fn behind(links: &[(&str, &str, i64)], actor: &str, hour: i64) -> SmolStr {
    let mut makers = Makers::default();
    for (made, maker, at) in links {
        learn(&mut makers, &Link { made: plain(made), maker: (*maker).into() }, at * HOUR);
    }
    root(&makers, "", &actor.into(), &"".into(), hour * HOUR)
}

#[test]
fn the_target_s_account_does_not_hide_the_caller() {
    let both = [(OPS, ALICE, 0), (OPS, "AIDAEXAMPLE", 0)];
    assert_eq!(behind(&both, OPS, 1), ALICE);
    let turned = [both[1], both[0]];
    assert_eq!(behind(&turned, OPS, 1), ALICE);
    assert_eq!(behind(&both[1..], OPS, 1), "AIDAEXAMPLE", "where only the target's log is read");
    let later = [(OPS, ALICE, 0), (OPS, "AIDAOTHER", 5)];
    assert_eq!(behind(&later, OPS, 6), "AIDAOTHER", "another call");
}

#[test]
fn roles_that_assume_each_other_have_one_beginning() {
    let round = [(OPS, ALICE, 0), (WEB, OPS, 1), (OPS, WEB, 2), (WEB, OPS, 3), (OPS, WEB, 4)];
    for n in 2..=round.len() {
        assert_eq!(behind(&round[..n], OPS, 5), ALICE, "{n}");
        assert_eq!(behind(&round[..n], WEB, 5), ALICE, "{n}");
    }
    let closed = &round[1..];
    assert_eq!(behind(closed, OPS, 5), behind(closed, WEB, 5), "without a beginning they are still one");
    assert_eq!(behind(&[(ALICE, ALICE, 0)], ALICE, 1), ALICE);
}

#[test]
fn a_user_is_its_maker_s_for_a_day_and_a_key_for_a_month() {
    let bob = "arn:aws:iam::111122223333:user/bob";
    assert_eq!(behind(&[(bob, ALICE, 0)], bob, 23), ALICE);
    assert_eq!(behind(&[(bob, ALICE, 0)], bob, 25), bob, "a colleague from the next day on");
    assert_eq!(behind(&[(OPS, ALICE, 0)], OPS, 36), ALICE);
    assert_eq!(behind(&[(OPS, ALICE, 0)], OPS, 37), OPS);
    let mut makers = Makers::default();
    learn(&mut makers, &Link { made: "AKIABOB".into(), maker: ALICE.into() }, 0);
    let of = |hour: i64| root(&makers, "AKIABOB", &bob.into(), &"".into(), hour * HOUR);
    assert_eq!((of(29 * 24).as_str(), of(31 * 24).as_str()), (ALICE, bob));
}

#[test]
fn users_are_one_whatever_their_path_and_partition() {
    for (logged, known) in [
        ("arn:aws:iam::111122223333:user/team/dev/bob", "arn:aws:iam::111122223333:user/bob"),
        ("arn:aws-cn:iam::111122223333:user/bob", "arn:aws:iam::111122223333:user/bob"),
        ("arn:aws-us-gov:iam::111122223333:user/x/bob", "arn:aws:iam::111122223333:user/bob"),
        ("arn:aws:iam::111122223333:role/x/bob", "arn:aws:iam::111122223333:role/x/bob"),
        ("arn:aws:sts::111122223333:assumed-role/x/user/bob", "arn:aws:sts::111122223333:assumed-role/x/user/bob"),
        ("AKIAEXAMPLE", "AKIAEXAMPLE"),
    ] {
        assert_eq!(plain(logged), known);
    }
}

fn call(n: u32, minute: u32, caller: Value, source: &str, name: &str, more: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": format!("2026-03-01T10:{minute:02}:00Z"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.77", "userAgent": "aws-cli/2.15", "readOnly": false,
        "userIdentity": caller, "requestParameters": {}, "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "recipientAccountId": "111122223333"
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn run(records: &[Value]) -> State {
    let pack = Pack::read(content::files().iter(), &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    let mut observer = Observer::new(&pack.rules, Arc::new(Lists::default()));
    let mut waiting = Waiting::default();
    for record in records {
        let text = record.to_string();
        let record = Object::read(&text).unwrap().into_record(cloudtrail());
        let mut envelope = Envelope::default();
        (record.table.source.envelope)(&record, &mut envelope);
        waiting.push(vec![observer.look(&text, &record, &envelope).unwrap()]);
    }
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    waiting.release(i64::MAX, &mut engine, &mut Counts::default());
    engine.state
}

fn user(arn: &str) -> Value {
    json!({"type": "IAMUser", "arn": arn, "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "ci"})
}

#[test]
fn a_user_with_a_path_in_another_partition_is_found_behind_its_deeds() {
    let maker = "arn:aws-cn:iam::111122223333:user/ci";
    let records = [
        call(1, 0, user(maker), "iam", "CreateAccessKey", json!({"requestParameters": {"userName": "svc"}})),
        call(
            2,
            1,
            json!({"type": "IAMUser", "arn": "arn:aws-cn:iam::111122223333:user/system/svc", "accountId": "111122223333",
            "accessKeyId": "AKIAOTHER", "userName": "svc"}),
            "cloudtrail",
            "StopLogging",
            json!({"requestParameters": {"name": "main"}}),
        ),
        call(
            3,
            9,
            user(maker),
            "ec2",
            "ModifySnapshotAttribute",
            json!({"requestParameters": {"snapshotId": "snap-1",
            "createVolumePermission": {"add": {"items": [{"userId": "444455556666"}]}}}}),
        ),
    ];
    let state = run(&records);
    assert_eq!(state.maker("arn:aws-cn:iam::111122223333:user/system/svc").unwrap().0, maker);
    assert_eq!(state.incidents.len(), 1, "{:?}", state.incidents);
    assert!(state.incidents[0].actors.iter().any(|a| a.ends_with("/system/svc")));
}

/// What CloudFormation does with a person's own permissions is shown with the service as source and the person as caller.
#[test]
fn what_a_service_does_for_a_person_is_the_person_s_deed() {
    let admin = json!({"requestParameters": {"roleName": "back", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        "sourceIPAddress": "cloudformation.amazonaws.com", "userAgent": "cloudformation.amazonaws.com"});
    let by = |caller: Value, more: &Value| {
        let mut caller = caller;
        caller["invokedBy"] = json!("cloudformation.amazonaws.com");
        let state = run(&[call(1, 0, caller, "iam", "AttachRolePolicy", more.clone())]);
        state.signals.iter().any(|s| s.rule == "cloudtrail.admin_policy_attached")
    };
    assert!(by(user(ALICE), &admin));
    let role = |name: &str, mfa: &str| {
        json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/s"), "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::111122223333:role/{name}")},
                "attributes": {"mfaAuthenticated": mfa}}})
    };
    assert!(by(role("AWSReservedSSO_Admin_0123456789abcdef", "false"), &admin));
    assert!(by(role("admin", "true"), &admin), "a person has given a second factor");
    assert!(!by(role("cloudformation-service", "false"), &admin), "a role of the service's own");
    let mut reading = admin.clone();
    reading["readOnly"] = json!(true);
    assert!(!by(user(ALICE), &reading), "no deed");
}

/// Two people in one role are two findings; one program's runs, each in a session of its own, are one.
#[test]
fn people_who_share_a_role_are_told_apart() {
    let found = |sessions: &[(&str, Value)]| {
        let records: Vec<Value> = (1u32..)
            .zip(sessions)
            .map(|(n, (session, source))| {
                let caller = json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/admin/{session}"),
                    "accountId": "111122223333", "sessionContext": {"sourceIdentity": source,
                        "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/admin"}}});
                call(n, n, caller, "iam", "CreateUser", json!({"requestParameters": {"userName": format!("u{n}")}}))
            })
            .collect();
        run(&records).signals.iter().filter(|s| s.rule == "cloudtrail.user_created").count()
    };
    let none = Value::Null;
    assert_eq!(found(&[("alice@example.com", none.clone()), ("alice@example.com", none.clone())]), 1);
    assert_eq!(found(&[("alice@example.com", none.clone()), ("bob@example.com", none.clone())]), 2);
    assert_eq!(
        found(&[("botocore-session-1700000001", none.clone()), ("botocore-session-1700000002", none.clone())]),
        1
    );
    assert_eq!(found(&[("build-7f3a9c21", none.clone()), ("build-81e0d44f", none.clone())]), 1);
    assert_eq!(found(&[("s-17001", json!("alice")), ("s-17002", json!("bob"))]), 2, "by the source identity");
    assert_eq!(found(&[("s-17001", json!("alice")), ("s-17002", json!("alice"))]), 1);
}
