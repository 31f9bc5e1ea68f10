//! Findings in SQLite and, where a server is named, in PostgreSQL: the same statements, the same answers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{KEEP, at, detail, grounds, listing, record, scan, seen};
use std::collections::BTreeMap;
use yagura_findings::{
    Filter, Happened, Observation, Origin, Place, SCHEMA_VERSION, Said, Source, State, Store, StoreError, Suppression,
    reseal,
};
use yagura_model::{Gap, GapReason, Severity, Status};
use yagura_seal::DataKey;

const RULE: &str = "ec2.flow_logs";

fn fail(name: &str) -> yagura_findings::Seen {
    seen(RULE, name, Status::Fail)
}

fn states(store: &mut Store) -> BTreeMap<String, &'static str> {
    let suppressions = store.suppressions().unwrap();
    let day = jiff::civil::date(2026, 1, 15);
    let all = store.findings(&Filter::default()).unwrap();
    all.iter().map(|f| (f.resource.id.to_string(), f.state(&suppressions, day).name())).collect()
}

fn suppression(until: &str) -> Suppression {
    Suppression {
        id: String::new(),
        finding: None,
        rule: Some("ec2.*".into()),
        arn: Some("*/vpc-a".into()),
        tag: None,
        account: None,
        until: until.parse().unwrap(),
        owner: "kim".into(),
        reason: "planned".into(),
        made: None,
        origin: Origin::Store,
    }
}

#[test]
fn a_life_across_runs() {
    for ground in grounds() {
        let mut store = ground.open();
        let first = record(&mut store, &scan(1, vec![fail("vpc-a"), fail("vpc-b"), fail("vpc-c")])).unwrap();
        assert_eq!((first.run, first.news.len(), first.counts["new"]), (1, 3, 3), "{}", ground.name);
        // a passes, b is gone from the complete listing, c cannot be told.
        let second = scan(2, vec![seen(RULE, "vpc-a", Status::Pass), seen(RULE, "vpc-c", Status::Unknown)]);
        let second = record(&mut store, &second).unwrap();
        assert_eq!((second.news.len(), second.resolved, second.unsure), (0, 2, 1));
        let wanted = [("vpc-a", "resolved"), ("vpc-b", "resolved"), ("vpc-c", "new")];
        assert_eq!(states(&mut store), wanted.map(|(n, s)| (n.to_owned(), s)).into(), "{}", ground.name);
        // a fails again: news. c is checked again: active, no news.
        let third = record(&mut store, &scan(3, vec![fail("vpc-a"), fail("vpc-c")])).unwrap();
        assert_eq!((third.news.len(), third.counts["reopened"], third.counts["active"], third.unsure), (1, 1, 1, 0));
        let a = store.findings(&Filter::default()).unwrap().into_iter().find(|f| f.resource.id == "vpc-a").unwrap();
        let told: Vec<Happened> = store.events(&a.id).unwrap().into_iter().map(|e| e.happened).collect();
        let how = Some(yagura_findings::Ended::Passed);
        assert_eq!(told, [Happened::New, Happened::Resolved { how }, Happened::Reopened], "{}", ground.name);
        assert_eq!(a.texts.ja.title.as_ref(), "フローログが有効");
        assert_eq!((a.first_seen, a.since, a.reopened), (at(1), at(3), 1));
        assert_eq!(store.by_id(&a.id[..8]).unwrap(), [a]);
        let runs = store.runs().unwrap();
        assert_eq!(store.run(None).unwrap().as_ref(), runs.first(), "{}", ground.name);
        assert_eq!((store.run(Some(1)).unwrap().as_ref(), store.run(Some(9)).unwrap()), (runs.last(), None));
    }
}

#[test]
fn what_was_not_listed_is_neither_resolved_nor_forgotten() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(1, vec![fail("vpc-a")])).unwrap();
        // The listing failed.
        let denied = Gap::new(GapReason::AccessDenied, "denied");
        let done =
            record(&mut store, &Observation { listings: vec![listing(Some(denied))], ..scan(2, vec![]) }).unwrap();
        assert_eq!((done.unsure, states(&mut store)["vpc-a"]), (1, "new"), "{}", ground.name);
        // Nobody asked for it.
        record(&mut store, &Observation { listings: vec![], ..scan(3, vec![]) }).unwrap();
        // It is there, and this scan's checks do not speak of it.
        let there = Observation { seen: vec![], ..scan(4, vec![fail("vpc-a")]) };
        record(&mut store, &there).unwrap();
        assert_eq!(states(&mut store)["vpc-a"], "new", "{}", ground.name);
        record(&mut store, &scan(5, vec![])).unwrap();
        assert_eq!(states(&mut store)["vpc-a"], "resolved", "{}", ground.name);
    }
}

#[test]
fn suppressions_cover_until_their_day_and_then_it_is_news() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(1, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        let (kept, covered) = store.suppress(&suppression("2026-01-03"), at(1)).unwrap();
        assert_eq!((kept.id.as_str(), covered), ("S-1", 1), "{}", ground.name);
        let second = record(&mut store, &scan(2, vec![fail("vpc-a"), fail("vpc-b"), fail("vpc-c")])).unwrap();
        assert_eq!((second.suppressed.len(), second.counts["suppressed"], second.news.len()), (1, 1, 1));
        // The day is over: told again, once.
        let fourth = record(&mut store, &scan(4, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        assert_eq!((fourth.suppressed.len(), fourth.news.len()), (0, 1), "{}", ground.name);
        assert_eq!(record(&mut store, &scan(5, vec![fail("vpc-a"), fail("vpc-b")])).unwrap().news.len(), 0);
        // A suppression that is taken back covers nothing.
        let (kept, _) = store.suppress(&suppression("2026-02-01"), at(5)).unwrap();
        assert_eq!((kept.id.as_str(), states(&mut store)["vpc-a"]), ("S-2", State::Suppressed.name()));
        assert!(store.unsuppress("S-2", at(5)).unwrap().is_some());
        assert!(store.unsuppress("S-2", at(5)).unwrap().is_none());
        assert_eq!(states(&mut store)["vpc-a"], "active", "{}", ground.name);
    }
}

#[test]
fn unread_tags_do_not_hide_a_finding() {
    for ground in grounds() {
        let mut store = ground.open();
        let wanted = Suppression { arn: None, tag: Some("env=dev".into()), ..suppression("2026-12-31") };
        store.suppress(&wanted, at(1)).unwrap();
        let tagged = |name: &str, tags: Option<&str>| {
            let tags = tags.map(|v| BTreeMap::from([("env".to_owned(), v.to_owned())]));
            let mut seen = fail(name);
            seen.detail = Some(yagura_findings::Detail { tags, ..detail(Severity::High) });
            seen
        };
        let all = vec![tagged("vpc-dev", Some("dev")), tagged("vpc-prod", Some("prod")), tagged("vpc-dark", None)];
        let done = record(&mut store, &scan(1, all)).unwrap();
        assert_eq!((done.suppressed.len(), done.news.len()), (1, 2), "{}", ground.name);
        assert_eq!(done.said, [Said::UnreadTags { findings: 1 }]);
    }
}

#[test]
fn the_same_observation_is_recorded_once() {
    for ground in grounds() {
        let mut store = ground.open();
        let o = scan(1, vec![fail("vpc-a")]);
        let (first, again) = (record(&mut store, &o).unwrap(), record(&mut store, &o).unwrap());
        assert_eq!((again.run, &again.news), (first.run, &first.news), "{}", ground.name);
        assert_eq!(again.said, [Said::Already { run: 1 }]);
        assert_eq!(store.runs().unwrap().len(), 1);
        assert_eq!(states(&mut store)["vpc-a"], "new");
    }
}

#[test]
fn a_clock_that_jumps_back_loses_nothing() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(10, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        let back = record(&mut store, &scan(5, vec![fail("vpc-a"), seen(RULE, "vpc-b", Status::Pass)])).unwrap();
        assert_eq!(back.said, [Said::ClockBack { clock: at(5), last: at(10) }], "{}", ground.name);
        assert!(back.at > at(10));
        assert_eq!((states(&mut store)["vpc-a"], states(&mut store)["vpc-b"]), ("active", "resolved"));
        // And once the clock is right again, all goes on.
        let on = record(&mut store, &scan(11, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        assert_eq!((on.said.len(), on.counts["reopened"]), (0, 1), "{}", ground.name);
    }
}

#[test]
fn an_old_snapshot_does_not_undo_what_was_seen_since() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(10, vec![seen(RULE, "vpc-a", Status::Pass), fail("vpc-b")])).unwrap();
        let old =
            Observation { source: Source::Snapshot, ..scan(5, vec![fail("vpc-a"), seen(RULE, "vpc-b", Status::Pass)]) };
        let refused = store.record(&old, &[], &|| at(11), KEEP).unwrap_err();
        assert!(matches!(refused, StoreError::Overtaken { run: 1, .. }), "{}: {refused}", ground.name);
        assert_eq!(states(&mut store), [("vpc-b".to_owned(), "new")].into());
        // What the newer run did not judge is taken.
        let more = vec![fail("vpc-a"), seen("ec2.other", "vpc-a", Status::Fail)];
        let done =
            store.record(&Observation { source: Source::Snapshot, ..scan(5, more) }, &[], &|| at(11), KEEP).unwrap();
        assert!(matches!(done.said[..], [Said::Overtaken { verdicts: 1, run: 1, .. }]), "{:?}", done.said);
        assert_eq!(store.findings(&Filter::default()).unwrap().len(), 2, "{}", ground.name);
    }
}

#[test]
fn a_scan_that_took_longer_than_another_undoes_nothing_and_is_no_failure() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(10, vec![seen(RULE, "vpc-a", Status::Pass), fail("vpc-b")])).unwrap();
        // It began before, and is done only now.
        let long = scan(9, vec![fail("vpc-a"), seen(RULE, "vpc-b", Status::Pass)]);
        let done = store.record(&long, &[], &|| at(11), KEEP).unwrap();
        assert_eq!((done.run, done.news.len()), (2, 0), "{}", ground.name);
        assert_eq!(done.said, [Said::Overtaken { verdicts: 2, run: 1, newer: at(10) }]);
        assert_eq!(states(&mut store), [("vpc-b".to_owned(), "new")].into());
    }
}

#[test]
fn one_resource_that_was_looked_at_since_overtakes_only_itself() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &scan(1, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        let event = Observation { partial: true, listings: vec![], ..scan(5, vec![seen(RULE, "vpc-a", Status::Pass)]) };
        assert_eq!(record(&mut store, &event).unwrap().resolved, 1, "{}", ground.name);
        // A whole scan that had begun before.
        let long = scan(4, vec![fail("vpc-a"), seen(RULE, "vpc-b", Status::Pass)]);
        let done = store.record(&long, &[], &|| at(6), KEEP).unwrap();
        assert_eq!((done.resolved, done.news.len()), (1, 0), "{}", ground.name);
        assert_eq!(states(&mut store).into_values().collect::<Vec<_>>(), ["resolved", "resolved"]);
    }
}

#[test]
fn the_schema_goes_up_and_down() {
    for ground in grounds() {
        let mut store = Store::connect(&ground.place, true).unwrap();
        assert_eq!(store.version().unwrap(), 0);
        for to in [1, SCHEMA_VERSION, 1, 0, SCHEMA_VERSION] {
            store.migrate(to).unwrap();
            assert_eq!(store.version().unwrap(), to, "{}", ground.name);
        }
        record(&mut store, &scan(1, vec![fail("vpc-a")])).unwrap();
        // Down one and up again: findings stay, the history of configurations begins anew.
        store.migrate(1).unwrap();
        drop(store);
        let mut store = ground.open();
        assert_eq!(states(&mut store)["vpc-a"], "new");
        assert!(store.history("vpc-a").unwrap().is_empty(), "{}", ground.name);
        record(&mut store, &scan(2, vec![fail("vpc-a")])).unwrap();
        assert_eq!(store.history("vpc-a").unwrap().len(), 1);
        assert!(matches!(store.migrate(99), Err(StoreError::Newer { found: 99, .. })));
        store.migrate(0).unwrap();
        drop(store);
        let kept = Store::open_kept(&ground.place).unwrap();
        assert!(kept.is_none_or(|mut s| s.version().unwrap() == 0), "{}", ground.name);
    }
}

#[test]
fn many_writers_lose_nothing() {
    for ground in grounds() {
        drop(ground.open());
        let place = &ground.place;
        std::thread::scope(|s| {
            for writer in 0..4_i16 {
                s.spawn(move || {
                    let mut store = Store::open(place).unwrap();
                    for nth in 0..5_i16 {
                        let o = Observation {
                            listings: vec![],
                            ..scan(1 + nth * 4 + writer, vec![fail(&format!("vpc-{writer}-{nth}"))])
                        };
                        // Time goes on between the writers, in whatever order they come.
                        store.record(&o, &[], &|| at(1 + nth * 4 + writer), KEEP).unwrap();
                    }
                });
            }
        });
        let mut store = ground.open();
        assert_eq!(store.findings(&Filter::default()).unwrap().len(), 20, "{}", ground.name);
        let mut runs: Vec<i64> = store.runs().unwrap().iter().map(|r| r.run).collect();
        runs.sort_unstable();
        assert_eq!(runs, (1..=20).collect::<Vec<i64>>());
    }
}

#[test]
fn thousands_at_once() {
    for ground in grounds() {
        let mut store = ground.open();
        let all = |status| (0..3000).map(|n| seen(RULE, &format!("vpc-{n}"), status)).collect::<Vec<_>>();
        assert_eq!(record(&mut store, &scan(1, all(Status::Fail))).unwrap().news.len(), 3000, "{}", ground.name);
        assert_eq!(record(&mut store, &scan(2, all(Status::Pass))).unwrap().resolved, 3000, "{}", ground.name);
    }
}

#[test]
fn what_is_no_store_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "these are notes, and no database at all; long enough to be read as one".repeat(50)).unwrap();
    let Err(e) = Store::open(&Place::File(file)) else { panic!("opened") };
    assert!(matches!(e, StoreError::NotAStore(_)), "{e}");
    let Err(e) = Store::open(&Place::File("/proc/nowhere/findings.db".into())) else { panic!("opened") };
    assert!(matches!(e, StoreError::NotWritable(_)), "{e}");
    let Err(e) = Store::open(&Place::Postgres("postgres://yagura@127.0.0.1:1/none".into())) else { panic!("opened") };
    assert!(matches!(e, StoreError::Unreachable(_)), "{e}");
}

#[test]
fn a_newer_store_is_left_alone() {
    for ground in grounds() {
        drop(ground.open());
        match &ground.place {
            Place::File(path) => {
                let db = rusqlite::Connection::open(path).unwrap();
                db.execute("INSERT INTO yagura_schema VALUES (9, 0)", []).unwrap();
            }
            Place::Sealed(path, key) => {
                reseal(path, Some(key), None).unwrap();
                let db = rusqlite::Connection::open(path).unwrap();
                db.execute("INSERT INTO yagura_schema VALUES (9, 0)", []).unwrap();
                drop(db);
                reseal(path, None, Some(key)).unwrap();
            }
            Place::Postgres(url) => common::admin(url, "INSERT INTO yagura_schema VALUES (9, 0)"),
        }
        let Err(e) = Store::open(&ground.place) else { panic!("opened") };
        assert!(matches!(e, StoreError::Newer { found: 9, .. }), "{}: {e}", ground.name);
    }
}

#[test]
fn a_sealed_store_shows_nothing_and_opens_with_its_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("f.db"), DataKey::new().unwrap());
    let place = Place::File(path.clone()).sealed(Some(&key));
    record(&mut Store::open(&place).unwrap(), &scan(1, vec![seen("ec2.flow_logs", "vpc-secret", Status::Fail)]))
        .unwrap();
    let disk = std::fs::read(&path).unwrap();
    assert!(
        yagura_seal::sealed::is_sealed(&disk) && !disk.windows(10).any(|w| w == b"vpc-secret" || w == b"SQLite for")
    );
    let other = Place::File(path.clone()).sealed(Some(&DataKey::new().unwrap()));
    for (place, words) in
        [(other, "sealed with the key"), (Place::File(path.clone()), "name its key file in YAGURA_KEY")]
    {
        let Err(e) = Store::open(&place) else { panic!("opened") };
        assert!(matches!(e, StoreError::Key(_)) && e.to_string().contains(words), "{e}");
    }
    // Opened for good, it is SQLite's own file again; sealed, nothing is lost.
    reseal(&path, Some(&key), None).unwrap();
    let Err(e) = Store::open(&place) else { panic!("opened") };
    assert!(e.to_string().contains("yagura seal store"), "{e}");
    assert_eq!(Store::open(&Place::File(path.clone())).unwrap().findings(&Filter::default()).unwrap().len(), 1);
    reseal(&path, None, Some(&key)).unwrap();
    assert_eq!(Store::open(&place).unwrap().findings(&Filter::default()).unwrap().len(), 1);
    // A bit changed on the disk is told.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let Err(e) = Store::open(&place) else { panic!("opened") };
    assert!(e.to_string().contains("was changed"), "{e}");
}

#[test]
fn writers_of_a_sealed_store_take_turns_and_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("f.db")).sealed(Some(&DataKey::new().unwrap()));
    drop(Store::open(&place).unwrap());
    let mut reader = Store::open(&place).unwrap();
    std::thread::scope(|s| {
        for n in 0..4 {
            let place = &place;
            s.spawn(move || {
                let mut store = Store::open(place).unwrap();
                for m in 0..5 {
                    let name = format!("vpc-{n}-{m}");
                    let mut o = scan(1, vec![seen("ec2.flow_logs", &name, Status::Fail)]);
                    o.partial = true;
                    record(&mut store, &o).unwrap();
                }
            });
        }
    });
    assert_eq!(reader.findings(&Filter::default()).unwrap().len(), 20, "one that was open all the while sees them too");
}

#[test]
fn what_could_not_be_written_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    let place = Place::File(inner.join("f.db")).sealed(Some(&DataKey::new().unwrap()));
    let mut store = Store::open(&place).unwrap();
    record(&mut store, &scan(1, vec![seen("ec2.flow_logs", "vpc-1", Status::Fail)])).unwrap();
    // A folder stands where the new file would be written.
    std::fs::create_dir(inner.join("f.db.new")).unwrap();
    let failed = record(&mut store, &scan(2, vec![seen("ec2.flow_logs", "vpc-2", Status::Fail)]));
    assert!(matches!(failed, Err(StoreError::NotWritable(_))), "{failed:?}");
    assert_eq!(store.findings(&Filter::default()).unwrap().len(), 1);
    std::fs::remove_dir(inner.join("f.db.new")).unwrap();
    record(&mut store, &scan(2, vec![seen("ec2.flow_logs", "vpc-2", Status::Fail)])).unwrap();
}
