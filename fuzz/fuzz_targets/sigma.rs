//! Any bytes as a file of Sigma rules: refused with places, or put together and held against events. No event fires a rule whose index
//! does not admit it; states of correlations survive being written and read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_detect::sigma::{Correlator, Json, Library, load};

const EVENTS: [&str; 3] = [
    r#"{"eventSource":"iam.amazonaws.com","eventName":"CreateUser","userIdentity":{"type":"IAMUser","userName":"ann"},"list":[1,"a",{"b":null}]}"#,
    r#"{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"},"text":"a\\b \"c\" é"}"#,
    "{}",
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let documents = match load(text, "fuzz.yml") {
        Ok(documents) => documents,
        Err(problems) => return assert!(problems.iter().all(|p| !p.message.is_empty() && p.line > 0)),
    };
    let (library, _) = Library::new(documents);
    assert_eq!(library.alone.len(), library.rules.len());
    for event in EVENTS {
        let fields = Json::parse(event).unwrap();
        let json: serde_json::Value = serde_json::from_str(event).unwrap();
        let word = |name: &str| json.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        for rule in &library.rules {
            let admitted = rule.event.as_ref().is_none_or(|e| e.admits(&word("eventSource"), &word("eventName")));
            assert!(admitted || !rule.fires(&fields));
        }
        for c in &library.correlations {
            let mut whole = Correlator::new(c);
            let mut saved = Correlator::new(c);
            for time in [0, 1000, 1000, 5_000_000] {
                let value = c.value(0, &fields);
                let group = c.group(0, &fields).unwrap_or_default();
                let one = whole.observe(time, 0, &group, value.as_deref(), "e");
                assert_eq!(saved.observe(time, 0, &group, value.as_deref(), "e"), one);
                saved = serde_json::from_str(&serde_json::to_string(&saved).unwrap()).unwrap();
            }
        }
    }
});
