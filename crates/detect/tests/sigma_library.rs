//! Correlations and filters: several documents that belong together.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use yagura_detect::sigma::{ASSUMED_TIMEFRAME_MS, Bounds, Correlator, Document, Json, Kind, Library, Signal, load};

const RULES: &str = "
title: Failed login
name: failed
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Failure}
  condition: s
---
title: Login
name: success
id: 22222222-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Success}
  condition: s
";

fn library(more: &str) -> (Library, Vec<String>) {
    let text = format!("{RULES}---\n{more}");
    let documents = load(&text, "r.yml").unwrap_or_else(|p| unreachable!("{text}\n{p:?}"));
    let (library, problems) = Library::new(documents);
    (library, problems.iter().map(ToString::to_string).collect())
}

fn login(user: &str, outcome: &str) -> String {
    format!(
        r#"{{"eventName":"ConsoleLogin","userIdentity":{{"userName":"{user}"}},"sourceIPAddress":"192.0.2.1","responseElements":{{"ConsoleLogin":"{outcome}"}}}}"#
    )
}

/// Runs events (time in seconds, event) through the rules and correlations; gives what fired: title, time, count.
fn run(library: &Library, events: &[(i64, String)]) -> Vec<(String, i64, u64)> {
    let mut states: Vec<Correlator> = library.correlations.iter().map(Correlator::new).collect();
    let mut out = Vec::new();
    for (time, text) in events {
        let event = Json::parse(text).unwrap();
        let mut signals: Vec<Signal> =
            library.rules.iter().enumerate().filter(|(_, r)| r.fires(&event)).map(|(i, _)| Signal::Rule(i)).collect();
        while let Some(signal) = signals.pop() {
            for (i, c) in library.correlations.iter().enumerate() {
                for place in (0..c.rules.len()).filter(|p| library.listens[i][*p] == signal) {
                    let Some(group) = c.group(place, &event) else { continue };
                    let value = c.value(place, &event);
                    if let Some(f) = states[i].observe(time * 1000, place, &group, value.as_deref(), &time.to_string())
                    {
                        out.push((c.about.title.to_string(), *time, f.count));
                        signals.push(Signal::Correlation(i));
                    }
                }
            }
        }
    }
    out
}

#[test]
fn counting_and_chains() {
    let (library, problems) = library(
        "
title: Many failures
name: many
correlation:
  type: event_count
  rules: [failed]
  group-by: [userIdentity.userName]
  timespan: 5m
  condition: {gte: 3}
---
title: Guessed
level: high
correlation:
  type: temporal_ordered
  rules: [many, 22222222-2222-4333-8444-555555555555]
  group-by: [userIdentity.userName]
  timespan: 10m
",
    );
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(library.alone, [false, false]);
    let events: Vec<(i64, String)> = [
        (0, "ann", "Failure"),
        (10, "bob", "Failure"),
        (20, "ann", "Failure"),
        (30, "bob", "Success"),
        (40, "ann", "Failure"),
        (50, "ann", "Success"),
        (60, "ann", "Success"),
    ]
    .map(|(t, user, outcome)| (t, login(user, outcome)))
    .to_vec();
    let wanted = [("Many failures".to_owned(), 40, 3), ("Guessed".to_owned(), 50, 2)];
    assert_eq!(run(&library, &events), wanted);
    // Too late, or another user's success.
    let late: Vec<(i64, String)> =
        [0, 10, 20].map(|t| (t, login("ann", "Failure"))).into_iter().chain([(700, login("ann", "Success"))]).collect();
    assert_eq!(run(&library, &late), [("Many failures".to_owned(), 20, 3)]);
}

#[test]
fn distinct_values_and_aliases() {
    let (library, problems) = library(
        "
title: Spray
correlation:
  type: value_count
  rules: [failed]
  group-by: [sourceIPAddress]
  timespan: 1h
  condition: {field: userIdentity.userName, gte: 3}
  generate: true
---
title: Both
correlation:
  type: temporal
  rules: [failed, success]
  aliases:
    who:
      failed: userIdentity.userName
      success: userIdentity.userName
  group-by: [who]
  timespan: 1m
",
    );
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(library.alone, [true, false], "one correlation lets its rule alert by itself");
    let users = ["a", "b", "a", "c", "c"];
    let events: Vec<(i64, String)> = (0..).zip(users).map(|(t, u)| (t * 100, login(u, "Failure"))).collect();
    assert_eq!(run(&library, &events), [("Spray".to_owned(), 300, 3)]);
    let both = [(0, login("a", "Success")), (30, login("b", "Failure")), (59, login("a", "Failure"))];
    assert_eq!(run(&library, &both), [("Both".to_owned(), 59, 2)]);
    // An event without the field is about nothing that could be the same.
    let nobody = r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}"#;
    assert_eq!(run(&library, &(0..9).map(|t| (t, nobody.to_owned())).collect::<Vec<_>>()), []);
}

#[test]
fn conditions_in_words() {
    let read = |kind: &str, condition: &str| {
        let text = format!(
            "title: c\ncorrelation:\n  type: {kind}\n  rules: [failed, success, other]\n  group-by: [a]\n  timespan: 1m\n  condition: {condition}\n"
        );
        let Document::Correlation(c) = load(&text, "c.yml").unwrap().remove(0) else { unreachable!("a correlation") };
        c
    };
    assert_eq!(read("temporal", "failed AND success AND other").expression, None);
    assert_eq!(read("temporal_ordered", "failed and success and other").expression, None);
    let mut c = Correlator::new(&read("temporal", "failed and (success or other)"));
    let seen = [(0, 1), (10, 2), (20, 0), (30, 2), (200, 2), (210, 0)];
    let fired: Vec<i64> =
        seen.into_iter().filter(|(t, r)| c.observe(t * 1000, *r, "g", None, "e").is_some()).map(|(t, _)| t).collect();
    assert_eq!(fired, [20, 210]);
}

#[test]
fn conditions_of_correlations() {
    for (condition, wanted) in [
        ("{gte: 5}", Some((5, None))),
        ("{gt: 5}", Some((6, None))),
        ("{lt: 5}", Some((1, Some(4)))),
        ("{lte: 5}", Some((1, Some(5)))),
        ("{eq: 5}", Some((5, Some(5)))),
        ("{gt: 5, lte: 9}", Some((6, Some(9)))),
        ("{lt: 1}", None),
        ("{lt: 0}", None),
        ("{gt: 5, lt: 6}", None),
        ("{gte: many}", None),
        ("{ge: 5}", None),
        ("{}", None),
        ("{gte: 5, field: x}", None),
    ] {
        let text = format!(
            "title: c\ncorrelation:\n  type: event_count\n  rules: [x]\n  group-by: [a]\n  timespan: 1h\n  condition: {condition}\n"
        );
        let found = load(&text, "c.yml").ok().map(|mut all| match all.remove(0) {
            Document::Correlation(c) => c.bounds,
            other => unreachable!("{other:?}"),
        });
        assert_eq!(found, wanted.map(|(least, most)| Bounds { least, most }), "{condition}");
    }
    for (wrong, why) in [
        ("type: value_avg\n  rules: [x]\n  timespan: 1h", "`value_avg` is not supported"),
        ("type: temporal\n  rules: [x]\n  timespan: 90", "`timespan`"),
        ("type: temporal\n  rules: [x]\n  timespan: 1M", "`timespan`"),
        ("type: temporal\n  rules: [x]\n  timespan: 0s", "`timespan`"),
        ("type: temporal\n  timespan: 1h", "`rules`"),
        (
            "type: temporal\n  rules: [x]\n  timespan: 1h\n  groupby: [a]",
            "unknown key `groupby`; did you mean `group-by`?",
        ),
        ("type: temporal\n  rules: [x]\n  timespan: 1h\n  condition: a and b", "`a`, which is no selection"),
        ("type: temporal\n  rules: [x, y]\n  timespan: 1h\n  condition: x and not y", "`not`"),
        ("type: temporal_ordered\n  rules: [x, y]\n  timespan: 1h\n  condition: y and x", "`temporal_ordered`"),
        ("type: event_count\n  rules: [x, y]\n  timespan: 1h\n  condition: x", "other than a mapping"),
        ("type: temporal_ordered\n  rules: [x, y]\n  timespan: 1h\n  condition: {gte: 1}", "`temporal_ordered`"),
        ("type: event_count\n  rules: [x]\n  timespan: 1h", "`condition` is missing"),
        ("type: temporal\n  rules: [x]\n  timespan: 1h\n  aliases: {w: {z: f}}", "`z`, which is none"),
    ] {
        let problems = load(&format!("title: c\ncorrelation:\n  {wrong}\n"), "c.yml").unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains(why)), "{wrong}\n{problems:?}");
    }
}

#[test]
fn counting_in_the_condition() {
    let text = |condition: &str| {
        format!(
            "title: old\nlogsource: {{product: aws}}\ndetection:\n  s: {{eventName: ConsoleLogin}}\n  timeframe: 10m\n  condition: s | {condition}\n"
        )
    };
    let read = |condition: &str| {
        let all = load(&text(condition), "old.yml").unwrap();
        let (library, problems) = Library::new(all);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(library.alone, [false]);
        library.correlations.into_iter().next().unwrap()
    };
    let c = read("count() > 5");
    assert_eq!((c.kind, c.bounds, c.timespan_ms), (Kind::EventCount, Bounds { least: 6, most: None }, 600_000));
    let c = read("count(userIdentity.userName) by sourceIPAddress >= 3");
    assert_eq!((c.kind, c.bounds.least), (Kind::ValueCount, 3));
    assert_eq!((c.fields[0].as_str(), c.group_by[0].as_str()), ("userIdentity.userName", "sourceIPAddress"));
    // Public rules have the time at the top, too.
    let top = text("count() > 5").replace("  timeframe: 10m\n", "") + "timeframe: 5m\n";
    let Document::Correlation(c) = load(&top, "old.yml").unwrap().remove(1) else { unreachable!("a correlation") };
    assert_eq!((c.timespan_ms, c.timespan_assumed), (300_000, false));
    let none = text("count() > 5").replace("  timeframe: 10m\n", "");
    let Document::Correlation(c) = load(&none, "old.yml").unwrap().remove(1) else { unreachable!("a correlation") };
    assert_eq!((c.timespan_ms, c.timespan_assumed), (ASSUMED_TIMEFRAME_MS, true));
    for wrong in ["sum(x) > 5", "count(x)", "count() by > 5x", "count() > many", "min(x) by y > 1"] {
        assert!(load(&text(wrong), "old.yml").is_err(), "{wrong}");
    }
}

#[test]
fn references_that_lead_nowhere() {
    let temporal = |name: &str, rules: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation:\n  type: temporal\n  rules: [{rules}]\n  group-by: [a]\n  timespan: 1h\n"
        )
    };
    let (library, problems) = library(
        &[
            temporal("one", "failed, nobody"),
            temporal("two", "three"),
            temporal("three", "two"),
            temporal("four", "failed, three"),
        ]
        .join("---\n"),
    );
    assert_eq!(library.correlations.len(), 0);
    assert!(problems.iter().any(|p| p.contains("`nobody`")), "{problems:?}");
    assert_eq!(problems.iter().filter(|p| p.contains("about itself")).count(), 3, "{problems:?}");
    assert_eq!(library.alone, [true, true], "rules that no sound correlation uses alert by themselves");
    let (_, problems) =
        self::library("title: again\nname: failed\nlogsource: {product: aws}\ndetection: {s: {a: 1}, condition: s}\n");
    assert!(problems[0].contains("`failed` is also what r.yml:"), "{problems:?}");
}

#[test]
fn filters() {
    let event = login("adm_ann", "Failure");
    for (filter, wanted, complaint) in [
        ("rules: [failed]\n  s: {userIdentity.userName|startswith: adm_}\n  condition: not s", false, None),
        ("rules: [failed]\n  s: {userIdentity.userName|startswith: bob}\n  condition: not s", true, None),
        ("rules: [success]\n  s: {userIdentity.userName|startswith: adm_}\n  condition: not s", true, None),
        ("rules: any\n  s: {userIdentity.userName|startswith: adm_}\n  condition: not s", false, None),
        ("rules: [nobody]\n  s: {a: 1}\n  condition: s", true, Some("`nobody`")),
    ] {
        let text = format!("title: f\nlogsource: {{product: aws, service: cloudtrail}}\nfilter:\n  {filter}\n");
        let (library, problems) = library(&text);
        assert_eq!(library.rules[0].fires(&Json::parse(&event).unwrap()), wanted, "{filter}");
        assert!(library.rules[0].event.is_some(), "what the rule needs is still known");
        match complaint {
            None => assert!(problems.is_empty(), "{problems:?}"),
            Some(c) => assert!(problems[0].contains(c), "{problems:?}"),
        }
    }
    let elsewhere = "title: f\nlogsource: {product: kubernetes}\nfilter:\n  rules: any\n  s: {userIdentity.userName|startswith: adm_}\n  condition: not s\n";
    assert!(library(elsewhere).0.rules[0].fires(&Json::parse(&event).unwrap()), "another log source");
}
