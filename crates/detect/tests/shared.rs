//! Short cuts change no answer: what is tried once for many rules, and what is known of a record before a Sigma rule looks at its text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use std::sync::Arc;
use yagura_detect::event::Event;
use yagura_detect::foreign::may_fire;
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Observer, Rules};
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
            let alone = d.predicate.holds(&event, Against { lists: &lists, memo: &nothing });
            let with = shared.holds(&event, Against { lists: &lists, memo: &together });
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
    assert_eq!(once.shared(), twice.shared(), "nothing more to try");
    let lists = Arc::new(Lists::of([("malicious", "203.0.113.7")].into_iter()).unwrap());
    let (mut one, mut two) = (Observer::new(&once, lists.clone()), Observer::new(&twice, lists));
    for (table, text) in records() {
        let record = Object::read(&text).unwrap().into_record(table);
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        let mut hits = [one.look(&text, &record, &envelope), two.look(&text, &record, &envelope)].map(|o| {
            let notes = o.and_then(|o| o.notes);
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
