//! The history of configurations: what is kept, how small, for how long.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{KEEP, asset, at, grounds, known, record, scan, unread};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use yagura_findings::{AssetHistory, Observation, Store, What};
use yagura_model::{Field, Listing, Value};

fn day(n: i16, fields: &[(&str, Field)]) -> Observation {
    Observation { assets: vec![asset("vpc-a", fields)], ..scan(n, vec![]) }
}

fn only(store: &mut Store) -> AssetHistory {
    let mut all = store.history("vpc-a").unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// A path, what was there, what is there.
type Differs = (String, Json, Json);

/// The changes, the first first.
fn told(h: &AssetHistory) -> Vec<(What, Vec<Differs>)> {
    let differences = |c: &yagura_findings::Change| {
        c.differences.iter().map(|d| (d.path.clone(), d.before.clone(), d.after.clone())).collect()
    };
    h.changes.iter().rev().map(|c| (c.what, differences(c))).collect()
}

#[test]
fn changes_are_kept_with_their_span() {
    for ground in grounds() {
        let mut store = ground.open();
        record(&mut store, &day(1, &[("Size", known(1))])).unwrap();
        record(&mut store, &day(2, &[("Size", known(1))])).unwrap();
        record(&mut store, &day(5, &[("Size", known(2)), ("Tenancy", known(7))])).unwrap();
        record(&mut store, &scan(6, vec![])).unwrap(); // the complete listing does not hold it
        record(&mut store, &day(8, &[("Size", known(2)), ("Tenancy", known(7))])).unwrap();
        let h = only(&mut store);
        let changed = vec![("Size".to_owned(), json!(1), json!(2)), ("Tenancy".to_owned(), Json::Null, json!(7))];
        let wanted = [(What::Created, vec![]), (What::Changed, changed), (What::Gone, vec![]), (What::Back, vec![])];
        assert_eq!(told(&h), wanted, "{}", ground.name);
        let spans: Vec<_> = h.changes.iter().rev().map(|c| (c.after, c.at)).collect();
        assert_eq!(spans, [(None, at(1)), (Some(at(2)), at(5)), (Some(at(5)), at(6)), (Some(at(5)), at(8))]);
        assert_eq!((h.gone, h.last_seen), (None, at(8)));
        // By its ARN, too.
        assert_eq!(store.history(&h.resource.arn.clone().unwrap()).unwrap().len(), 1);
        assert!(store.history("vpc").unwrap().is_empty());
    }
}

#[test]
fn what_was_not_read_is_no_change() {
    for ground in grounds() {
        let mut store = ground.open();
        // Unread from the beginning, then read; then denied; then read and other.
        for (n, field) in [unread(), known(1), unread(), known(1), unread(), known(3)].into_iter().enumerate() {
            let n = i16::try_from(n).unwrap() + 1;
            record(&mut store, &day(n, &[("Size", field)])).unwrap();
        }
        let h = only(&mut store);
        let wanted = [(What::Created, vec![]), (What::Changed, vec![("Size".to_owned(), json!(1), json!(3))])];
        assert_eq!(told(&h), wanted, "{}", ground.name);
        // A listing that was not asked for, or failed, makes nothing gone.
        for listings in [
            vec![],
            vec![Listing {
                gap: Some(yagura_model::Gap::new(yagura_model::GapReason::AccessDenied, "x").into()),
                ..common::listing(None)
            }],
        ] {
            record(&mut store, &Observation { listings, ..scan(9, vec![]) }).unwrap();
        }
        assert_eq!(only(&mut store).gone, None, "{}", ground.name);
    }
}

#[test]
fn old_changes_are_forgotten_and_the_newest_stays() {
    for ground in grounds() {
        let mut store = ground.open();
        for n in 1..=10_i16 {
            let o = day(n, &[("Size", known(i64::from(n)))]);
            store.record(&o, &[], &|| o.at, 4).unwrap();
        }
        let h = only(&mut store);
        let sizes: Vec<_> = h.changes.iter().map(|c| c.differences[0].after.clone()).collect();
        assert_eq!(sizes, [10, 9, 8, 7, 6].map(|n| json!(n)), "{}", ground.name);
        let o = day(11, &[("Size", known(10))]);
        store.record(&o, &[], &|| o.at, KEEP).unwrap();
        assert_eq!(only(&mut store).configuration["Size"], json!(10));
    }
}

#[test]
fn a_small_change_of_a_large_configuration_takes_little_room() {
    let ground = grounds().remove(0);
    let mut store = ground.open();
    let yagura_findings::Place::File(path) = &ground.place else { panic!("not a file") };
    // A policy that does not compress by itself: digits of a square root.
    let noise: String = (0..40_000_u64).map(|n| char::from(b'a' + ((n * n * 2_654_435_761) >> 7) as u8 % 26)).collect();
    let large = |n: i64| {
        day(i16::try_from(n).unwrap(), &[("Document", Field::Known(Value::text(noise.as_str()))), ("N", known(n))])
    };
    record(&mut store, &large(1)).unwrap();
    let one = std::fs::metadata(path).unwrap().len();
    for n in 2..=100 {
        record(&mut store, &large(n)).unwrap();
    }
    let all = std::fs::metadata(path).unwrap().len();
    assert!(one > 20_000, "the noise compresses: {one}");
    assert!(all - one < 99 * 1_000, "99 small changes took {} bytes", all - one);
    assert_eq!(only(&mut store).changes.len(), 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever was observed: walked back from the newest, every kept change leads to the state that was observed then.
    #[test]
    fn every_state_can_be_told_from_the_newest(days in prop::collection::vec((0i64..4, prop::option::of(0i64..3), any::<bool>()), 1..12)) {
        let ground = grounds().remove(0);
        let mut store = ground.open();
        let mut last: Option<(Option<Json>, Option<Json>)> = None;
        let mut wanted = Vec::new();
        for (n, (a, b, there)) in days.iter().enumerate() {
            let n = i16::try_from(n).unwrap() + 1;
            if !there {
                record(&mut store, &scan(n, vec![])).unwrap();
                continue;
            }
            let mut fields = vec![("A", known(*a))];
            fields.extend(b.map(|b| ("B", known(b))));
            record(&mut store, &day(n, &fields)).unwrap();
            let state = (Some(json!(a)), b.map(|b| json!(b)));
            if last.as_ref() != Some(&state) {
                wanted.push(state.clone());
            }
            last = Some(state);
        }
        let found = store.history("vpc-a").unwrap();
        prop_assert_eq!(found.len(), usize::from(last.is_some()));
        if let Some(h) = found.first() {
            let mut now = h.configuration.clone();
            let mut states = vec![(now.get("A").cloned(), now.get("B").cloned())];
            for c in h.changes.iter().filter(|c| !c.differences.is_empty()) {
                for d in &c.differences {
                    prop_assert_eq!(now.get(&d.path).cloned().unwrap_or_default(), d.after.clone());
                    if d.before.is_null() { now.remove(&d.path); } else { now.insert(d.path.clone(), d.before.clone()); }
                }
                states.push((now.get("A").cloned(), now.get("B").cloned()));
            }
            states.reverse();
            prop_assert_eq!(states, wanted);
        }
    }
}
