//! Short cuts change no answer: what is tried once for many rules, and what is known of a record before a Sigma rule looks at its text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use std::sync::Arc;
use yagura_detect::event::Event;
use yagura_detect::foreign::may_fire;
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Observer, Rules, plain_name};
use yagura_detect::pack::Pack;
use yagura_detect::predicate::{Against, Predicate};
use yagura_detect::share::{Memo, Sharing};
use yagura_detect::sigma::{Json, Library, load};
use yagura_logs::envelope::Envelope;
use yagura_logs::record::Object;
use yagura_logs::table::{Table, cloudtrail};

const SELECTIONS: [&str; 14] = [
    "userIdentity.type: Root",
    "userIdentity.type|contains: oo",
    "userIdentity.sessionContext.sessionIssuer.userName|startswith: ad",
    "userIdentity: null",
    "userIdentity.invokedBy: null",
    "requestParameters.tags.value: x",
    "requestParameters.tags|contains: value",
    "errorCode|exists: false",
    "errorCode: AccessDenied",
    "eventname: StopLogging",
    "odd.name: 1",
    "odd.name|gt: 0",
    "userAgent|re: ^aws",
    "'resources.ARN|contains|all': ['arn:', 'bucket']",
];

const CONDITIONS: [&str; 5] = ["a", "not a", "a and not b", "a or b", "1 of them"];

const EVENTS: [&str; 9] = [
    r#"{"eventName":"StopLogging","userIdentity":{"type":"Root"}}"#,
    r#"{"eventName":"StopLogging","userIdentity":{"type":"IAMUser","type":"Root"}}"#,
    r#"{"userIdentity":{"type":"IAMUser"},"userIdentity":{"type":"Root"},"errorCode":null}"#,
    r#"{"USERIDENTITY":{"type":"Root"},"errorCode":"AccessDenied","odd.name":1}"#,
    r#"{"userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"userName":"admin"}}},"userAgent":"aws-cli"}"#,
    r#"{"userIdentity":["x",{"type":"Root"}],"odd":{"name":"1"}}"#,
    r#"{"requestParameters":{"tags":[{"key":"k","value":"x"},{"value":7}]},"resources":[{"ARN":"arn:aws:s3:::bucket"}]}"#,
    r#"{"user\u0049dentity":{"type":"Root"},"odd":[{"name":1}]}"#,
    r#"{"userIdentity":"Root","requestParameters":null}"#,
];

#[test]
fn what_a_sigma_rule_may_fire_on_is_never_less_than_what_it_fires_on() {
    let mut fired = 0;
    let mut spared = 0;
    for a in SELECTIONS {
        for b in SELECTIONS {
            for condition in CONDITIONS {
                let text = format!(
                    "title: t\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  a:\n    {a}\n  b:\n    {b}\n  condition: {condition}\n"
                );
                let (library, problems) = Library::new(load(&text, "t.yml").unwrap());
                assert!(problems.is_empty(), "{problems:?}");
                for text in EVENTS {
                    let record = Object::read(text).unwrap().into_record(cloudtrail());
                    let envelope = Envelope::default();
                    let event = Event { text, record: &record, envelope: &envelope };
                    let fires = library.rules[0].fires(&Json::parse(text).unwrap());
                    let may = may_fire(&library.rules[0], &event);
                    assert!(may || !fires, "{a} / {b} / {condition} on {text}");
                    fired += usize::from(fires);
                    spared += usize::from(!may);
                }
            }
        }
    }
    assert!(fired > 500 && spared > 500, "{fired} fired, {spared} spared");
}

fn records() -> Vec<(&'static Table, String)> {
    let files = content::files();
    let pack = Pack::read(files.iter(), &content::settings());
    let mut all = Vec::new();
    for d in &pack.rules.detections {
        let first = (d.index.sources.first().map(|s| s.as_str()), d.index.names.first().map(|s| s.as_str()));
        for f in &d.fixtures {
            all.extend(f.records(d.table, first));
        }
    }
    all
}

#[test]
fn conditions_tried_together_hold_where_they_hold_alone() {
    let files = content::files();
    let pack = Pack::read(files.iter(), &content::settings());
    let lists = Lists::of([("malicious", "203.0.113.7"), ("tor_exit", "198.51.100.9")].into_iter()).unwrap();
    let mut sharing = Sharing::default();
    let shared: Vec<Predicate> = pack.rules.detections.iter().map(|d| sharing.share(&d.predicate)).collect();
    assert!(sharing.len() > 100 && sharing.len() < shared.len() * 6);
    let mut together = Memo::new(&pack.rules);
    let nothing = Memo::default();
    let mut held = 0;
    for (table, text) in records() {
        let record = Object::read(&text).unwrap().into_record(table);
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        let event = Event { text: &text, record: &record, envelope: &envelope };
        together.next();
        for (d, shared) in pack.rules.detections.iter().zip(&shared).filter(|(d, _)| d.table.name() == table.name()) {
            let alone = d.predicate.holds(&event, Against { lists: &lists, memo: &nothing, session: None });
            let with = shared.holds(&event, Against { lists: &lists, memo: &together, session: None });
            assert_eq!(alone, with, "{} on {text}", d.id);
            assert!(!alone || d.predicate.possible(&lists), "{}", d.id);
            held += usize::from(alone);
        }
    }
    assert!(held > 300, "{held}");
}

/// Every rule a second time under another id finds what the first does.
#[test]
fn rules_twice_find_everything_twice() {
    let files = content::files();
    let once = Pack::read(files.iter(), &content::settings()).rules;
    let count = once.detections.len();
    let mut all = once.detections.clone();
    all.extend(once.detections.iter().cloned().map(|d| {
        let id = format!("{}.again", d.id).into();
        yagura_detect::detection::Detection { id, ..d }
    }));
    let twice = Rules::new(all);
    assert_eq!(once.scopes().len(), twice.scopes().len(), "nothing more to try");
    let lists = Arc::new(Lists::of([("malicious", "203.0.113.7")].into_iter()).unwrap());
    let (mut one, mut two) = (Observer::new(&once, lists.clone()), Observer::new(&twice, lists));
    for (table, text) in records() {
        let record = Object::read(&text).unwrap().into_record(table);
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        let mut hits = [one.look(&text, &record, &envelope), two.look(&text, &record, &envelope)].map(|o| {
            let notes = o.and_then(|o| o.notes.as_ref().map(|n| n.into_owned()));
            let rules = notes.iter().flat_map(|n| &n.hits).map(|h| h.rule as usize);
            rules.collect::<Vec<_>>()
        });
        let wanted: Vec<usize> = hits[0].iter().flat_map(|n| [*n, n + count]).collect();
        hits[1].sort_unstable();
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(hits[1], wanted, "{text}");
    }
}

/// Rules of Sigma's that name no call: each asks for other things that records of a session have in common, or have not.
const GENERIC: [&str; 6] = [
    "who:\n    userIdentity.type: Root\n  condition: who",
    "agent:\n    userAgent|contains: kali\n  condition: agent",
    "refused:\n    errorCode|contains: Denied\n    requestParameters.name: '*'\n  condition: refused",
    "net:\n    sourceIPAddress|cidr: 8.8.0.0/16\n  reads:\n    eventName|startswith: Get\n  condition: net and not reads",
    "none:\n    errorCode: null\n  key:\n    userIdentity.accessKeyId|startswith: AKIA\n  condition: none and key",
    "word:\n    - mfaauthenticated\n    - kali\n  condition: word",
];

/// The same record with other values in what makes its session and its name, and with a member that stands there twice.
fn variants(text: &str) -> Vec<String> {
    let whole: serde_json::Value = serde_json::from_str(text).unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut one = whole.clone();
        one[key] = value;
        one.to_string()
    };
    let twice = |member: &str| format!("{},{member}}}", text.trim_end().strip_suffix('}').unwrap());
    let root =
        serde_json::json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"});
    let service = serde_json::json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    vec![
        text.to_owned(),
        with("userIdentity", root),
        with("userIdentity", service),
        with("userAgent", "aws-cli/2 kali".into()),
        with("sourceIPAddress", "8.8.4.4".into()),
        with("sourceIPAddress", "cloudformation.amazonaws.com".into()),
        with("errorCode", "AccessDenied".into()),
        with("readOnly", "false".into()),
        with("readOnly", true.into()),
        with("eventType", "AwsServiceEvent".into()),
        with("recipientAccountId", "444455556666".into()),
        twice(r#""userAgent":"kali""#),
        twice(r#""userAgent.x":"kali""#),
        twice(r#""useragent":"kali""#),
        twice(r#""user\u0041gent":"kali""#),
        text.to_owned(),
    ]
}

/// What is worked out once for all records of a session and a name is what each of them answers by itself.
#[test]
fn records_of_a_session_are_answered_as_each_alone() {
    let head = "status: test\nlevel: low\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  ";
    let sigma: Vec<(String, String)> = (0..)
        .zip(GENERIC)
        .map(|(n, g)| {
            (format!("{n}.yml"), format!("title: t{n}\nid: 0000000{n}-0000-4000-8000-000000000000\n{head}{g}\n"))
        })
        .collect();
    let pack = Pack::read_with(content::files().iter(), &sigma, &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    let lists = Arc::new(Lists::of([("malicious", "203.0.113.7"), ("tor_exit", "8.8.4.4")].into_iter()).unwrap());
    let mut observer = Observer::new(&pack.rules, lists.clone());
    let nothing = Memo::default();
    let plain = |d: &&yagura_detect::detection::Detection| {
        d.method.is_none() && d.habit.is_none() && d.count.as_ref().is_none_or(|c| c.of.is_none())
    };
    let (mut held, mut looked) = (0, 0);
    for (table, text) in records() {
        let variants = if table.name() == cloudtrail().name() { variants(&text) } else { vec![text] };
        for text in variants {
            let record = Object::read(&text).unwrap().into_record(table);
            let mut envelope = Envelope::default();
            (table.source.envelope)(&record, &mut envelope);
            let event = Event { text: &text, record: &record, envelope: &envelope };
            let name = event.role(yagura_logs::envelope::Role::Event).unwrap_or_default();
            let source = record.get("eventsource").map_or(table.source.name, |r| r.text);
            let (small_name, small_source) = (name.to_lowercase(), source.to_lowercase());
            let mut wanted: Vec<u32> = Vec::new();
            for (n, d) in
                (0u32..).zip(&pack.rules.detections).filter(|(_, d)| d.table.name() == table.name() && plain(d))
            {
                let sigma = matches!(d.predicate, Predicate::Sigma(_));
                let names = [if sigma { small_name.as_str() } else { plain_name(&name) }];
                let sources = [if sigma { small_source.as_str() } else { source }];
                let fits = (d.index.names.is_empty() || d.index.names.contains(names[0]))
                    && (d.index.sources.is_empty() || d.index.sources.contains(sources[0]));
                if fits && d.predicate.holds(&event, Against { lists: &lists, memo: &nothing, session: None }) {
                    wanted.push(n);
                }
            }
            let Some(found) = observer.look(&text, &record, &envelope) else { continue };
            let notes = found.notes.as_ref();
            let hits = notes.iter().flat_map(|n| &n.hits).map(|h| h.rule);
            let is_plain = |n: &u32| pack.rules.get(*n).as_ref().is_some_and(plain);
            let mut hits: Vec<u32> = hits.filter(is_plain).collect();
            hits.sort_unstable();
            assert_eq!(hits, wanted, "{text}");
            // Another observer, to which all is new, sees the same.
            let mut fresh = Observer::new(&pack.rules, lists.clone());
            let alone = fresh.look(&text, &record, &envelope).unwrap();
            assert_eq!((alone.habit, alone.time, alone.id), (found.habit, found.time, found.id));
            let seen = |o: &yagura_detect::observe::Observed| o.notes.as_ref().and_then(|n| n.into_owned().seen);
            if seen(&found).is_some() {
                assert_eq!(seen(&alone), seen(&found), "{text}");
            }
            held += hits.len();
            looked += 1;
        }
    }
    assert!(held > 3000 && looked > 8000, "{held} hits in {looked}");
}
