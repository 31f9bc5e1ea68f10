//! What must hold whatever is read and however it comes: files by day, a stream in pieces, late and twice, over restarts, on one thread
//! or more: the same records give the same findings and the same incidents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use proptest::prelude::*;
use std::io::Cursor;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, LazyLock};
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Counts, Waiting};
use yagura_logs::input::Input;

static PACK: LazyLock<Pack> = LazyLock::new(|| {
    let sigma = [
        (
            "many.yml".to_owned(),
            "title: Roles listed\nname: listed\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  call:\n    eventName: ListRoles\n  condition: call\n---\ntitle: Roles listed again and again\ncorrelation:\n  type: event_count\n  rules:\n    - listed\n  group-by:\n    - userIdentity.arn\n  timespan: 1h\n  condition:\n    gte: 3\n".to_owned(),
        ),
    ];
    let pack = Pack::read_with(content::files().iter(), &sigma, &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
});

/// The longest that a record may be late.
const LATE: i64 = 2 * 3_600_000;
const FIRST_DAY: i64 = 1_772_323_200_000; // 2026-03-01

/// One call of a random day.
#[derive(Debug, Clone)]
struct Call {
    /// Seconds from the first day on.
    at: u32,
    who: u8,
    network: u8,
    api: u8,
    denied: bool,
    /// How late it is delivered, in seconds, and whether it is delivered a second time.
    late: u16,
    twice: Option<u16>,
}

/// Service, call, what it asks, what it answers.
const APIS: [(&str, &str, &str, &str); 16] = [
    ("sts", "GetCallerIdentity", "null", "null"),
    ("iam", "ListRoles", "null", "null"),
    ("iam", "ListUsers", "null", "null"),
    ("ec2", "DescribeInstances", "{}", "null"),
    ("s3", "ListBuckets", "null", "null"),
    ("s3", "GetObject", r#"{"bucketName":"b","key":"k%"}"#, "null"),
    ("secretsmanager", "GetSecretValue", r#"{"secretId":"s%"}"#, "null"),
    ("iam", "CreateUser", r#"{"userName":"helper"}"#, r#"{"user":{"arn":"arn:aws:iam::111122223333:user/helper"}}"#),
    (
        "iam",
        "CreateAccessKey",
        r#"{"userName":"helper"}"#,
        r#"{"accessKey":{"accessKeyId":"AKIAHELPERHELPER0001","userName":"helper"}}"#,
    ),
    (
        "iam",
        "AttachUserPolicy",
        r#"{"userName":"helper","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        "null",
    ),
    ("cloudtrail", "StopLogging", r#"{"name":"main"}"#, "null"),
    ("guardduty", "DeleteDetector", r#"{"detectorId":"d"}"#, "null"),
    (
        "ec2",
        "ModifySnapshotAttribute",
        r#"{"snapshotId":"snap-%","createVolumePermission":{"add":{"items":[{"userId":"999988887777"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#,
        "null",
    ),
    ("s3", "DeleteObject", r#"{"bucketName":"b","key":"k%"}"#, "null"),
    (
        "sts",
        "AssumeRole",
        r#"{"roleArn":"arn:aws:iam::111122223333:role/ops","roleSessionName":"w"}"#,
        r#"{"credentials":{"accessKeyId":"ASIAOPSOPSOPSOPS0001"},"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/ops/w"}}"#,
    ),
    ("signin", "ConsoleLogin", "null", r#"{"ConsoleLogin":"Failure"}"#),
];

fn call() -> impl Strategy<Value = Call> {
    // Times of few kinds, so that many are the same; all within four days, so that identities become known.
    (0u32..96, 0u32..4, 0u8..4, 0u8..3, 0u8..16, 0u8..10, 0u16..7000, proptest::option::weighted(0.1, 0u16..7000))
        .prop_map(|(hour, minute, who, network, api, denied, late, twice)| Call {
            at: hour * 3600 + minute * 60,
            who,
            network,
            api,
            denied: denied == 0,
            late,
            twice,
        })
}

impl Call {
    fn time(&self) -> i64 {
        FIRST_DAY + i64::from(self.at) * 1000
    }

    fn json(&self, number: usize) -> String {
        let (service, name, request, response) = APIS[usize::from(self.api)];
        let identity = match self.who {
            0 => r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAALICEALICEALICE1","userName":"alice"}"#.to_owned(),
            1 => r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/helper","accountId":"111122223333","accessKeyId":"AKIAHELPERHELPER0001","userName":"helper"}"#.to_owned(),
            2 => r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ops/w","accountId":"111122223333","accessKeyId":"ASIAOPSOPSOPSOPS0001","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ops","userName":"ops"}}}"#.to_owned(),
            _ => r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIAWEBWEBWEBWEB0001","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/web","userName":"web"},"ec2RoleDelivery":"2.0"}}"#.to_owned(),
        };
        let ip = ["8.8.4.4", "52.94.1.9", "91.200.7.7"][usize::from(self.network)];
        let error = if self.denied { r#""errorCode":"AccessDenied","# } else { "" };
        let time = jiff::Timestamp::from_millisecond(self.time()).unwrap();
        let request = request.replace('%', &number.to_string());
        format!(
            r#"{{"eventVersion":"1.09","userIdentity":{identity},"eventTime":"{time}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"{ip}","userAgent":"aws-cli/2.15",{error}"requestParameters":{request},"responseElements":{response},"eventID":"00000000-0000-4000-8000-{number:012x}","eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#
        )
    }
}

/// A delivery, named by a day.
struct Delivery {
    input: Input,
    bytes: Vec<u8>,
}

/// Seconds from the first day on, and what is delivered then.
type Arrival = (u32, String);

fn delivery(number: usize, day: u32, events: &[Arrival]) -> Delivery {
    let start = FIRST_DAY + i64::from(day) * 86_400_000;
    let date = jiff::Timestamp::from_millisecond(start).unwrap().strftime("%Y/%m/%d").to_string();
    let name = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{date}/{number}.json");
    let events: Vec<&str> = events.iter().map(|e| e.1.as_str()).collect();
    let bytes = format!(r#"{{"Records":[{}]}}"#, events.join(",")).into_bytes();
    let input = Input::memory(&name, &bytes);
    assert!(input.place.day.is_some(), "{name}");
    Delivery { input, bytes }
}

/// How records are read.
#[derive(Clone, Copy, Default)]
struct Way {
    threads: usize,
    late: Option<i64>,
    /// Whether everything remembered goes to JSON and back between two rounds.
    restarts: bool,
}

/// Reads rounds of deliveries, one after the other, and gives all that is remembered in the end.
fn read(rounds: &[Vec<Delivery>], way: Way) -> serde_json::Value {
    let (mut state, mut waiting, mut counts) = (State::default(), Waiting::default(), Counts::default());
    for round in rounds {
        if way.restarts {
            state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            waiting = serde_json::from_str(&serde_json::to_string(&waiting).unwrap()).unwrap();
        }
        let inputs: Vec<Input> = round.iter().map(|d| d.input.clone()).collect();
        let mut engine = Engine::new(&PACK.rules, &PACK.sequences, state);
        let done = AtomicUsize::new(0);
        let batch = Batch {
            inputs: &inputs,
            rules: &PACK.rules,
            lists: Arc::new(Lists::default()),
            span: (i64::MIN, i64::MAX),
            threads: way.threads,
            done: &done,
        };
        let read = batch.run(&mut engine, &mut waiting, way.late, &|input| {
            let found = round.iter().find(|d| d.input.name == input.name).unwrap();
            Ok(Box::new(Cursor::new(found.bytes.clone())))
        });
        assert_eq!(read.unread, 0, "{:?}", read.aside);
        counts.add(read);
        state = engine.state;
    }
    let mut engine = Engine::new(&PACK.rules, &PACK.sequences, state);
    waiting.release(i64::MAX, &mut engine, &mut counts);
    assert_eq!(counts.late, 0);
    let state = engine.state;
    serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap()
}

/// Where two answers differ first.
fn difference(a: &serde_json::Value, b: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    let inner = |name: &str, a: &Value, b: &Value| difference(a, b).map(|d| format!("{name}/{d}"));
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if x.keys().eq(y.keys()) => {
            x.iter().zip(y.values()).find_map(|((name, a), b)| inner(name, a, b))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(n, (a, b))| inner(&n.to_string(), a, b))
        }
        _ => (a != b).then(|| format!(": {a} is not {b}").chars().take(600).collect()),
    }
}

/// Days of few kinds of calls, with everything that an attack needs among them.
fn calls() -> impl Strategy<Value = Vec<Call>> {
    proptest::collection::vec(call(), 40..250)
}

/// How many random days: few, unless more are asked for.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_records_come_they_come_to_the_same(
        calls in calls(), cuts in proptest::collection::vec(1usize..60, 1..12), turn in 0usize..7,
    ) {
        let texts: Vec<String> = calls.iter().enumerate().map(|(n, c)| c.json(n)).collect();
        let once: Vec<Arrival> = calls.iter().zip(&texts).map(|(c, t)| (c.at, t.clone())).collect();
        let one = Way { threads: 1, ..Way::default() };
        let wanted = read(&[vec![delivery(0, 3, &once)]], one);

        // The same records twice, one after the other and in two files.
        let doubled: Vec<Arrival> = once.iter().chain(&once).cloned().collect();
        prop_assert_eq!(difference(&read(&[vec![delivery(0, 3, &doubled)]], one), &wanted), None, "each record twice");
        prop_assert_eq!(
            difference(&read(&[vec![delivery(0, 3, &once), delivery(1, 3, &once)]], Way { threads: 2, ..one }), &wanted),
            None, "each file twice, on two threads"
        );

        // As S3 has them: delivered late, some twice, in files by the day of the delivery.
        let mut arrivals: Vec<Arrival> = Vec::new();
        for (c, t) in calls.iter().zip(&texts) {
            arrivals.push((c.at + u32::from(c.late), t.clone()));
            arrivals.extend(c.twice.map(|late| (c.at + u32::from(late), t.clone())));
        }
        arrivals.sort_by_key(|a| a.0);
        let mut days: Vec<Delivery> = Vec::new();
        for day in 0..6 {
            let of_day: Vec<Arrival> = arrivals.iter().filter(|a| a.0 / 86_400 == day).cloned().collect();
            for (n, part) in of_day.chunks(17).enumerate() {
                days.push(delivery(n, day, part));
            }
        }
        let count = days.len();
        days.rotate_left(turn % count.max(1));
        for threads in [1, 2] {
            let again: Vec<Delivery> =
                days.iter().map(|d| Delivery { input: d.input.clone(), bytes: d.bytes.clone() }).collect();
            prop_assert_eq!(difference(&read(&[again], Way { threads, ..one }), &wanted), None, "by day, {} threads", threads);
        }

        // As a stream: pieces of any size, everything that waits and is remembered written down in between.
        let mut rounds = Vec::new();
        let mut rest = arrivals.as_slice();
        for (n, cut) in cuts.iter().cycle().enumerate() {
            let (mut piece, more) = (rest.get(..*cut).unwrap_or(rest).to_vec(), rest.get(*cut..).unwrap_or_default());
            let Some(first) = piece.first() else { break };
            let day = first.0 / 86_400;
            let middle = turn % piece.len();
            piece.rotate_left(middle);
            rounds.push(vec![delivery(n, day, &piece)]);
            rest = more;
        }
        for restarts in [false, true] {
            let way = Way { threads: 1, late: Some(LATE), restarts };
            prop_assert_eq!(difference(&read(&rounds, way), &wanted), None, "as a stream, restarts {}", restarts);
        }
    }
}

/// A count's window goes on by what counts, and by nothing else: a value that counted in its grain of time already comes to the engine or
/// not, as an observer saw it first or last, and what is remembered must not tell which.
#[test]
fn what_counts_nothing_leaves_no_trace_in_its_count() {
    // The networks that one instance's credentials are used from are counted over 12 hours, each once in 12 minutes. The third call is of
    // the second one's grain of time, and more than 12 hours after the first.
    let call = |at: u32, network: u8| Call { at, who: 3, network, api: 3, denied: false, late: 0, twice: None };
    let calls = [call(60, 0), call(12 * 3600, 1), call(12 * 3600 + 120, 1)];
    let mut events: Vec<Arrival> = calls.iter().enumerate().map(|(n, c)| (c.at, c.json(n))).collect();
    let one = Way { threads: 1, ..Way::default() };
    let in_order = read(&[vec![delivery(0, 1, &events)]], one);
    let kept = |found: &serde_json::Value| -> Vec<usize> {
        found["counts"].as_object().unwrap().values().map(|w| w.as_array().unwrap().len()).collect()
    };
    assert_eq!(kept(&in_order), [2], "the first two count: {in_order}");
    events.reverse();
    let backwards = read(&[vec![delivery(0, 1, &events)]], one);
    assert_eq!(difference(&backwards, &in_order), None);
}

/// The random days are worth something: an attack among them is found, whichever way they are read.
#[test]
fn an_attack_among_them_is_one_incident() {
    let call =
        |at: u32, who: u8, network: u8, api: u8| Call { at, who, network, api, denied: false, late: 0, twice: None };
    let mut calls: Vec<Call> = (0..40).map(|n| call(n * 3600, 0, 0, 3)).collect();
    let attack = [(0, 10), (7, 60), (8, 70), (9, 80), (10, 200), (12, 300)];
    calls.extend(attack.map(|(api, at)| call(150_000 + at, 0, 2, api)));
    let events: Vec<Arrival> = calls.iter().enumerate().map(|(n, c)| (c.at, c.json(n))).collect();
    let found = read(&[vec![delivery(0, 1, &events)]], Way { threads: 1, ..Way::default() });
    assert_eq!(found["incidents"].as_array().unwrap().len(), 1, "{}", found["signals"]);
}
