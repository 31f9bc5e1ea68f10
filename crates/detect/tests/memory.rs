//! What the engine remembers from one record to the next: who stands behind whom, stages, repetition, counts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use std::sync::{Arc, LazyLock};
use yagura_detect::detection::Words;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Noted, Observed, Observer};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Counts, Looking, Waiting};
use yagura_detect::sequence::{Join, Sequence, Sequences, Stage};
use yagura_detect::signal::Because;
use yagura_logs::decode::decode;
use yagura_logs::place::Place;
use yagura_model::Severity;

static PACK: LazyLock<Pack> = LazyLock::new(|| {
    let pack = Pack::read(content::files().iter(), &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
});

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// One call: when (ms after the start), whose, with which key, what.
struct Call {
    at: i64,
    who: String,
    key: &'static str,
    what: String,
}

fn call(at: i64, who: &str, what: &str) -> Call {
    Call { at, who: who.to_owned(), key: "", what: what.to_owned() }
}

fn session(role: &str) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/{role}/s")
}

fn stop(trail: &str) -> String {
    format!(
        r#""eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","requestParameters":{{"name":"{trail}"}}"#
    )
}

fn narrow() -> String {
    r#""eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail","requestParameters":{"name":"other"}"#
        .to_owned()
}

fn config() -> String {
    r#""eventSource":"config.amazonaws.com","eventName":"StopConfigurationRecorder","requestParameters":{"configurationRecorderName":"r"}"#.to_owned()
}

fn share() -> String {
    r#""eventSource":"ec2.amazonaws.com","eventName":"ModifySnapshotAttribute","requestParameters":{"snapshotId":"snap-1","createVolumePermission":{"add":{"items":[{"userId":"444455556666"}]}}}"#.to_owned()
}

fn assume(role: &str) -> String {
    let arn = session(role);
    format!(
        r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/{role}"}},"responseElements":{{"assumedRoleUser":{{"arn":"{arn}"}},"credentials":{{"accessKeyId":"ASIA{role}"}}}}"#
    )
}

fn key_for(user: &str) -> String {
    format!(
        r#""eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":{{"userName":"{user}"}},"responseElements":{{"accessKey":{{"accessKeyId":"AKIA{user}"}}}}"#
    )
}

fn sequence(stages: &[(&str, &[&str], bool, usize)]) -> Sequence {
    let words = Words { title: "t".into(), why: "w".into(), look: Vec::new(), innocent: Vec::new() };
    Sequence {
        id: "sequence.test".into(),
        join: vec![Join::Actor],
        within: 6 * HOUR,
        stages: stages
            .iter()
            .map(|(name, any, optional, distinct)| Stage {
                name: (*name).into(),
                any: any.iter().map(|a| (*a).into()).collect(),
                optional: *optional,
                distinct: *distinct,
            })
            .collect(),
        severity: Severity::High,
        maps: Vec::new(),
        en: words.clone(),
        ja: words,
        fixtures: Vec::new(),
        shipped: false,
    }
}

fn look(calls: &[Call]) -> Vec<Observed> {
    let records: Vec<String> = calls
        .iter()
        .enumerate()
        .map(|(n, c)| {
            let time = jiff::Timestamp::from_millisecond(1_772_323_200_000 + c.at).unwrap();
            let kind = if c.who.contains(":sts:") { "AssumedRole" } else { "IAMUser" };
            format!(
                r#"{{"eventVersion":"1.09","eventTime":"{time}","userIdentity":{{"type":"{kind}","arn":"{}","accountId":"111122223333","accessKeyId":"{}"}},"awsRegion":"us-east-1","sourceIPAddress":"8.8.4.4","userAgent":"x","eventID":"00000000-0000-4000-8000-{n:012}","eventType":"AwsApiCall","recipientAccountId":"111122223333",{}}}"#,
                c.who, c.key, c.what
            )
        })
        .collect();
    let text = format!(r#"{{"Records":[{}]}}"#, records.join(","));
    let mut observer = Observer::new(&PACK.rules, Arc::new(Lists::default()));
    let mut looking = Looking::new(&mut observer, "calls", (i64::MIN, i64::MAX));
    decode(text.as_bytes(), &Place::default(), &mut looking);
    let (found, counts) = (looking.found, looking.counts);
    assert_eq!((counts.records, counts.unread), (calls.len() as u64, 0));
    found
}

fn run(sequences: &Sequences, calls: &[Call]) -> State {
    let found = look(calls);
    let mut engine = Engine::new(&PACK.rules, sequences, State::default());
    let mut waiting = Waiting::default();
    waiting.push(found);
    waiting.release(i64::MAX, &mut engine, &mut Counts::default());
    engine.state
}

const BLIND: &str = "cloudtrail.logging_stopped";
const TAKE: &str = "cloudtrail.snapshot_shared";
const CONFIG: &str = "cloudtrail.config_stopped";

fn blind_then_take() -> Sequences {
    Sequences::new(vec![sequence(&[("blind", &[BLIND], false, 1), ("take", &[TAKE], false, 1)])])
}

#[test]
fn who_stands_behind() {
    let (one, two, three, four) = (session("one"), session("two"), session("three"), session("four"));
    let helper = "arn:aws:iam::111122223333:user/helper";
    let mallory = "arn:aws:iam::111122223333:user/mallory";
    let chain = |last: &str| {
        vec![
            call(0, ALICE, &stop("main")),
            call(MINUTE, ALICE, &assume("one")),
            call(2 * MINUTE, &one, &assume("two")),
            call(3 * MINUTE, &two, &assume("three")),
            call(4 * MINUTE, &three, &assume("four")),
            call(5 * MINUTE, last, &share()),
        ]
    };
    let rows: [(&str, Vec<Call>, usize); 7] = [
        ("one and the same", vec![call(0, ALICE, &stop("main")), call(MINUTE, ALICE, &share())], 1),
        (
            "two who have nothing to do with each other",
            vec![call(0, ALICE, &stop("main")), call(MINUTE, mallory, &share())],
            0,
        ),
        ("a chain of four roles", chain(&four), 1),
        ("a session that nobody of them assumed", chain(&session("five")), 0),
        (
            "a key that was created for another user",
            vec![
                call(0, ALICE, &stop("main")),
                call(MINUTE, ALICE, &key_for("helper")),
                Call { key: "AKIAhelper", ..call(2 * MINUTE, helper, &share()) },
            ],
            1,
        ),
        (
            "a link that came too late to be the way",
            vec![call(0, ALICE, &stop("main")), call(MINUTE, &one, &share()), call(2 * MINUTE, ALICE, &assume("one"))],
            0,
        ),
        (
            "roles that assume each other in a circle",
            vec![
                call(0, &one, &assume("two")),
                call(MINUTE, &two, &assume("one")),
                call(2 * MINUTE, &one, &stop("main")),
                call(3 * MINUTE, &one, &share()),
            ],
            1,
        ),
    ];
    for (what, calls, incidents) in rows {
        let state = run(&blind_then_take(), &calls);
        assert_eq!(state.incidents.len(), incidents, "{what}: {:?}", state.incidents);
    }
}

/// What; which sequence; which calls; incidents, steps that are stages, stages that are missing.
type StageRow<'r> = (&'r str, &'r Sequence, Vec<Call>, usize, usize, usize);

#[test]
fn stages() {
    let optional =
        sequence(&[("blind", &[BLIND], false, 1), ("config", &[CONFIG], true, 1), ("take", &[TAKE], false, 1)]);
    let distinct = sequence(&[("blind", &[BLIND, CONFIG], false, 2), ("take", &[TAKE], false, 1)]);
    let calls = |whats: &[String]| -> Vec<Call> { (0..).zip(whats).map(|(n, w)| call(n * MINUTE, ALICE, w)).collect() };
    let rows: [StageRow<'_>; 8] = [
        ("in order", &optional, calls(&[stop("a"), config(), share()]), 1, 3, 0),
        ("an optional stage left out", &optional, calls(&[stop("a"), share()]), 1, 2, 1),
        ("an optional stage before its turn", &optional, calls(&[config(), stop("a"), share()]), 1, 2, 1),
        ("an optional stage after the last one", &optional, calls(&[stop("a"), share(), config()]), 1, 3, 0),
        ("the other way round", &optional, calls(&[share(), stop("a")]), 0, 0, 0),
        ("two different ones", &distinct, calls(&[stop("a"), config(), share()]), 1, 3, 0),
        ("the same one twice", &distinct, calls(&[stop("a"), narrow(), share()]), 0, 0, 0),
        (
            "too far apart",
            &optional,
            vec![call(0, ALICE, &stop("a")), call(6 * HOUR + MINUTE, ALICE, &share())],
            0,
            0,
            0,
        ),
    ];
    for (what, s, calls, incidents, steps, missing) in rows {
        let state = run(&Sequences::new(vec![s.clone()]), &calls);
        assert_eq!(state.incidents.len(), incidents, "{what}");
        if let Some(i) = state.incidents.first() {
            let staged = i.steps.iter().filter(|s| !s.stage.is_empty()).count();
            assert_eq!((staged, i.missing.len()), (steps, missing), "{what}: {i:#?}");
        }
    }
}

/// What is found again and again is said at intervals that double, and says so; nothing of it is lost.
#[test]
fn what_recurs_is_said_less_and_less() {
    let quiet = PACK.rules.named(BLIND).unwrap().dedup.quiet;
    let calls: Vec<Call> = (0..16).map(|n| call(n * quiet, ALICE, &stop("main"))).collect();
    let state = run(&Sequences::default(), &calls);
    let said: Vec<&yagura_detect::signal::Signal> = state.signals.iter().filter(|s| s.rule == BLIND).collect();
    let times: Vec<i64> = said.iter().map(|s| (s.time - said[0].time) / quiet).collect();
    assert_eq!(times, [0, 1, 3, 7, 15], "quiet for one, two, four, eight times as long");
    assert_eq!(said.iter().map(|s| s.count).sum::<u64>(), 16, "each record belongs to one of them");
    let again = |s: &&yagura_detect::signal::Signal| s.because.iter().any(|b| matches!(b, Because::Recurring { .. }));
    assert_eq!(said.iter().map(again).collect::<Vec<_>>(), [false, true, true, true, true]);
}

/// After a calm as long as the longest quiet time, which follows the last one, the same is news: no sooner.
#[test]
fn what_comes_back_after_a_long_calm_is_news() {
    let quiet = PACK.rules.named(BLIND).unwrap().dedup.quiet;
    // Said at 0 and 1; then quiet for two, until 3; calm for 32, until 35.
    for (back, recurs) in [(35 * quiet - 1, true), (35 * quiet, false)] {
        let calls = [0, quiet, back].map(|at| call(at, ALICE, &stop("main")));
        let state = run(&Sequences::default(), &calls);
        let last = state.signals.iter().rfind(|s| s.rule == BLIND).unwrap();
        assert_eq!(state.signals.iter().filter(|s| s.rule == BLIND).count(), 3);
        assert_eq!(last.because.iter().any(|b| matches!(b, Because::Recurring { times: 3, .. })), recurs, "{back}");
        assert_eq!(last.because.is_empty(), !recurs);
    }
}

/// Whether memory is swept between two records, and over a file and back, changes no signal; what is past does not stay.
#[test]
fn what_is_past_is_forgotten_and_that_changes_nothing() {
    let quiet = PACK.rules.named(BLIND).unwrap().dedup.quiet;
    let times = [0, quiet, 2 * quiet, 30 * quiet, 80 * quiet, 81 * quiet, 82 * quiet, 300 * quiet];
    let calls: Vec<Call> = times.iter().map(|at| call(*at, ALICE, &stop("main"))).collect();
    let mut found = look(&calls);
    found.sort_unstable_by_key(|o| (o.time, o.id));
    let sequences = Sequences::default();
    let mut swept = Engine::new(&PACK.rules, &sequences, State::default());
    for (n, o) in found.iter().enumerate() {
        swept.take(o);
        let next = found.get(n + 1).map_or(o.time + 200 * quiet, |o| o.time);
        // Records that say nothing, enough of them that memory is swept, just before the next one.
        for filler in 0..50_000u128 {
            swept.take(&Observed { time: next - 1, id: filler + 1, habit: None, notes: Noted::Nothing });
        }
        let kept = serde_json::to_string(&swept.state).unwrap();
        swept = Engine::new(&PACK.rules, &sequences, serde_json::from_str(&kept).unwrap());
    }
    assert_eq!(swept.state.signals, run(&sequences, &calls).signals);
    assert_eq!((swept.quiet(), swept.forgotten()), (0, 0));
}

/// Who told what was found may let go of it: what may still grow stays, and what comes later is the same.
#[test]
fn what_was_told_and_is_over_can_go() {
    let quiet = PACK.rules.named(BLIND).unwrap().dedup.quiet;
    let mut calls: Vec<Call> = (0..40).map(|n| call(n * quiet, ALICE, &stop(&format!("t{n}")))).collect();
    calls.push(call(40 * quiet, ALICE, &stop("t39")));
    calls.push(call(40 * quiet + MINUTE, ALICE, &share()));
    let found = look(&calls);
    let sequences = blind_then_take();
    let mut all = Engine::new(&PACK.rules, &sequences, State::default());
    let mut some = Engine::new(&PACK.rules, &sequences, State::default());
    let mut told = 0;
    let mut said = Vec::new();
    for o in &found {
        all.take(o);
        some.take(o);
        said.extend(some.state.signals.iter().skip(told).map(|s| (s.rule.clone(), s.time, s.because.clone())));
        told = some.let_go(some.state.signals.len(), o.time);
        assert_eq!(told, some.state.signals.len());
        assert!(told < 8, "{told}");
    }
    let whole: Vec<_> = all.state.signals.iter().map(|s| (s.rule.clone(), s.time, s.because.clone())).collect();
    assert!(whole.len() > 40);
    assert_eq!(said, whole);
    assert_eq!(some.state.incidents, all.state.incidents);
    assert_eq!(all.state.incidents.len(), 1);
    // What still grows is the same in both.
    let latest = |s: &State| s.signals.iter().rfind(|s| s.rule == BLIND).cloned();
    assert_eq!(latest(&some.state), latest(&all.state));
}

/// Another trail is another thing.
#[test]
fn other_things_are_said_apart() {
    let state = run(&Sequences::default(), &[call(0, ALICE, &stop("a")), call(MINUTE, ALICE, &stop("b"))]);
    assert_eq!(state.signals.iter().filter(|s| s.rule == BLIND).count(), 2);
}

/// A signal that counts names each record once, however long it goes on.
#[test]
fn a_count_that_goes_on_counts_each_record_once() {
    let read = |n: i64| {
        format!(
            r#""eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","requestParameters":{{"secretId":"s{n}"}}"#
        )
    };
    let calls: Vec<Call> = (0..400).map(|n| call(n * 1000, ALICE, &read(n))).collect();
    let state = run(&Sequences::default(), &calls);
    let s = state.signals.iter().find(|s| s.rule == "cloudtrail.secrets_read_in_bulk").unwrap();
    assert_eq!((s.count, s.events.len()), (400, 200));
}
