//! The right to watch over a store; and what a few resources that were looked at by themselves say of others: nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{grounds, record, resource, scan, seen};
use yagura_findings::{Claim, ClaimError, Filter, Observation, Stage, Store};
use yagura_model::Status;

#[test]
fn one_process_at_a_time_has_the_right() {
    for ground in grounds() {
        Store::open(&ground.place).unwrap();
        let mut first = Claim::take(&ground.place, "yagura watch, process 1").unwrap();
        match Claim::take(&ground.place, "yagura watch, process 2") {
            Err(ClaimError::Held { by }) => assert!(by.contains("process 1"), "{by}"),
            other => panic!("{}: taken twice, or {:?}", ground.place, other.err()),
        }
        first.keep("yagura watch, process 1").unwrap();
        drop(first);
        // A server notices a moment later that a connection ended.
        let started = std::time::Instant::now();
        while Claim::take(&ground.place, "yagura watch, process 2").is_err() {
            assert!(started.elapsed().as_secs() < 10, "{}: never free again", ground.place);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

#[test]
fn what_is_gone_ends_and_what_was_not_looked_at_stays() {
    for ground in grounds() {
        let mut store = Store::open(&ground.place).unwrap();
        let fail = |name: &str| seen("ec2.vpc_flow_logs_enabled", name, Status::Fail);
        record(&mut store, &scan(1, vec![fail("vpc-a"), fail("vpc-b")])).unwrap();
        let gone = vec![resource("vpc-a")];
        let part = Observation { partial: true, listings: Vec::new(), assets: Vec::new(), gone, ..scan(2, vec![]) };
        let recorded = record(&mut store, &part).unwrap();
        assert_eq!(recorded.resolved, 1);
        let stages: Vec<(String, Stage)> = store
            .findings(&Filter::default())
            .unwrap()
            .into_iter()
            .map(|f| (f.resource.id.to_string(), f.stage))
            .collect();
        assert_eq!(stages, [("vpc-a".to_owned(), Stage::Resolved), ("vpc-b".to_owned(), Stage::New)]);
        assert!(store.history("vpc-a").unwrap()[0].gone.is_some());
        assert!(store.history("vpc-b").unwrap()[0].gone.is_none());
    }
}
