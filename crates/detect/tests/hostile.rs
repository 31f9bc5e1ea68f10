//! What nobody should send, and what an enemy may: no fault, no end to neither time nor memory, and nothing dropped without a word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod content;

use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use yagura_detect::compile::Settings;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Hit, Link, Notes, Observed, Observer, Seen};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Counts, Looking, Waiting};
use yagura_detect::sequence::MOST_ENTITIES;
use yagura_detect::{detection, sequence};
use yagura_logs::decode::decode;
use yagura_logs::place::Place;
use yagura_model::ContentFile;

static PACK: LazyLock<Pack> = LazyLock::new(|| {
    let pack = Pack::read(content::files().iter(), &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    pack
});

/// Reads bytes as a file; what came, and what was found.
fn read(bytes: &[u8]) -> (Counts, State) {
    let mut observer = Observer::new(&PACK.rules, Arc::new(Lists::default()));
    let mut looking = Looking::new(&mut observer, "hostile", (i64::MIN, i64::MAX));
    decode(bytes, &Place::default(), &mut looking);
    let (found, mut counts) = (looking.found, looking.counts);
    let mut engine = Engine::new(&PACK.rules, &PACK.sequences, State::default());
    let mut waiting = Waiting::default();
    waiting.push(found);
    waiting.release(i64::MAX, &mut engine, &mut counts);
    (counts, engine.state)
}

fn stop(more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.09","eventTime":"2026-03-01T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"us-east-1","sourceIPAddress":"8.8.4.4","userAgent":"x","eventID":"00000000-0000-4000-8000-000000000001","recipientAccountId":"111122223333"{more}}}"#
    )
}

#[test]
fn records_that_nobody_should_send() {
    let deep = |n: usize| format!(r#","requestParameters":{}{}"#, r#"{"a":"#.repeat(n), "1") + &"}".repeat(n);
    let name = format!(r#","requestParameters":{{"name":"{}"}}"#, "n".repeat(1 << 20));
    // What is sent; records, how many have no time, what is put aside, whether the attack in it is found.
    let rows: [(&str, String, u64, u64, bool, bool); 9] = [
        ("nothing else", stop(""), 1, 0, false, true),
        ("nests deeply", stop(&deep(100)), 1, 0, false, true),
        ("nests too deeply", stop(&deep(5000)), 0, 0, true, false),
        ("a name of a megabyte", stop(&name), 1, 0, false, true),
        (
            "members of other types",
            stop(r#","userIdentity":[],"requestParameters":"x","resources":7"#),
            1,
            0,
            false,
            true,
        ),
        (
            "a caller of nothing",
            stop(r#","userIdentity":{"type":null,"arn":{"a":[]},"sessionContext":"x"}"#),
            1,
            0,
            false,
            true,
        ),
        ("says it failed and did not", stop(r#","errorCode":"AccessDenied","errorCode":null"#), 1, 0, false, false),
        ("no time", stop("").replace("2026-03-01T10:00:00Z", "yesterday"), 1, 1, false, false),
        ("cut short", stop("")[..200].to_owned(), 0, 0, true, false),
    ];
    for (what, text, records, timeless, aside, found) in rows {
        let (counts, state) = read(text.as_bytes());
        assert_eq!(
            (counts.records, counts.timeless, counts.unread > 0),
            (records, timeless, aside),
            "{what}: {counts:?}"
        );
        assert_eq!(state.signals.iter().any(|s| s.rule == "cloudtrail.logging_stopped"), found, "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_are_spoilt_do_no_harm(at in 0usize..300, with in any::<u8>(), cut in 0usize..400) {
        let mut bytes = stop(r#","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a"}"#).into_bytes();
        let place = at % bytes.len();
        bytes[place] = with;
        bytes.truncate(bytes.len().saturating_sub(cut % 40));
        let (counts, _) = read(&bytes);
        prop_assert!(counts.records + counts.unread > 0, "neither read nor said");
    }

    #[test]
    fn content_files_of_anything(text in "(?s)(kind|id|event|match|count|habit|stages|join|tests|en|[-\\[\\]{}:,\"' \n0-9a-z.])*") {
        let file = |path: &str| ContentFile { path: path.to_owned(), text: text.clone(), shipped: false };
        prop_assert!(detection::parse(&file("detections/cloudtrail/x.yaml"), &Settings::new()).is_err());
        prop_assert!(sequence::parse(&file("sequences/x.yaml")).is_err());
    }

    #[test]
    fn content_files_with_a_line_spoilt(which in any::<prop::sample::Index>(), line in any::<prop::sample::Index>(), with in "[ -~]{0,30}") {
        let files = content::files();
        let file = which.get(&files);
        let mut lines: Vec<&str> = file.text.lines().collect();
        let n = line.index(lines.len());
        lines[n] = &with;
        let spoilt = ContentFile { text: lines.join("\n"), ..file.clone() };
        let errors = if spoilt.path.starts_with("detections/") {
            detection::parse(&spoilt, &Settings::new()).err()
        } else {
            sequence::parse(&spoilt).err()
        };
        for e in errors.into_iter().flatten() {
            prop_assert!(!e.message.is_empty() && e.line > 0 && e.file == spoilt.path);
        }
    }
}

/// Millions of names: of sessions that are counted, of sessions that are made, of identities that take the first step of an attack.
#[test]
fn millions_of_names_do_not_take_all_memory() {
    let rule = |fits: &dyn Fn(&yagura_detect::detection::Detection) -> bool| {
        u32::try_from(PACK.rules.detections.iter().position(fits).unwrap()).unwrap()
    };
    let counted =
        rule(&|d| d.count.as_ref().is_some_and(|c| c.at_least > 1 && c.over >= 6 * 3_600_000) && d.habit.is_none());
    let waited = rule(&|d| PACK.sequences.ask_for(&d.id) && d.count.is_none() && d.habit.is_none() && d.silent);
    let mut engine = Engine::new(&PACK.rules, &PACK.sequences, State::default());
    let hit = |rule: u32, n: u64| Hit {
        rule,
        dedup: n,
        group: n,
        of: n,
        target: None,
        shown: Vec::new(),
        correlated: Vec::new(),
    };
    for n in 0..700_000u64 {
        let seen = Seen {
            actor: format!("arn:aws:sts::111122223333:assumed-role/r/{n}").into(),
            source_ip: "8.8.4.4".into(),
            account: "111122223333".into(),
            event_id: format!("{n:032x}").into(),
            ..Seen::default()
        };
        let link = Link { made: format!("ASIA{n:016}").into(), maker: "arn:aws:iam::111122223333:user/e".into() };
        let notes = Notes {
            seen: Some(seen),
            hits: vec![hit(counted, n), hit(waited, n)],
            links: vec![link],
            ..Notes::default()
        };
        let time = 1_772_323_200_000 + i64::try_from(n).unwrap();
        assert!(engine.take(&Observed { time, id: u128::from(n), habit: None, notes: Some(Box::new(notes)).into() }));
    }
    let [counters, links, entities] = engine.remembered();
    let between = 50_000;
    assert!((1000..=200_000 + between).contains(&counters), "{counters}");
    assert!((1000..=500_000 + between).contains(&links), "{links}");
    let sequences = PACK.sequences.all.len();
    assert!((1000..=MOST_ENTITIES + between * sequences).contains(&entities), "{entities}");
    assert!(engine.forgotten() > 500_000, "what went is counted: {}", engine.forgotten());
}
