//! Any JSON as answers of AWS's: refused with the record's name, or a network whose every list has each id once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use yagura_model::Value;
use yagura_network::estate::Home;
use yagura_network::read::Reader;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Some(document)) = serde_json::from_slice::<Option<Value>>(bytes) else { return };
    let home = Home { account: "111122223333".into(), region: "eu-west-1".into() };
    let mut reader = Reader::new();
    if let Err(why) = reader.answer(&document, &home) {
        assert!(!why.record.is_empty() && !why.member.is_empty() && !why.problem.is_empty());
    }
    let estate = reader.finish();
    let mut again = Reader::new();
    for _ in 0..2 {
        let _ = again.answer(&document, &home);
    }
    let again = again.finish();
    assert_eq!(
        estate.gaps.iter().map(|g| &g.call).collect::<BTreeSet<_>>(),
        again.gaps.iter().map(|g| &g.call).collect()
    );
    let ids = estate.interfaces.iter().map(|i| &i.id).collect::<BTreeSet<_>>();
    assert_eq!((ids.len(), estate.interfaces.len()), (estate.interfaces.len(), again.interfaces.len()));
    assert_eq!(estate.transit_attachments.len(), again.transit_attachments.len());
    assert_eq!(estate.load_balancers.len(), again.load_balancers.len());
    for group in &estate.security_groups {
        assert!(group.ingress.iter().chain(&group.egress).all(|r| r.service.ports.0 <= r.service.ports.1));
    }
});
