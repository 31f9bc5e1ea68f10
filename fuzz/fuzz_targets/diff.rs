//! Two policies out of the bytes, parted by a NUL: the answer comes in bounds, and nothing is new beside itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_fuzz::catalogue;
use yagura_policy::diff::{Comparison, PolicyType, compare, request_json};
use yagura_policy::document::Policy;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (old, new) = text.split_once('\0').unwrap_or((text, text));
    let (Ok(old), Ok(new)) = (Policy::parse(old), Policy::parse(new)) else { return };
    for kind in [PolicyType::Identity, PolicyType::Resource, PolicyType::Trust, PolicyType::Rcp] {
        if let Comparison::NewAccess(found) = compare(&old, &new, kind, Some(catalogue())) {
            match found.statement {
                Some(place) => assert!(place < new.statements.len()),
                None => assert_eq!(kind, PolicyType::Rcp),
            }
            assert!(request_json(&found.witness, &[&old, &new]).is_object());
        }
        assert!(!matches!(compare(&new, &new, kind, None), Comparison::NewAccess(_)));
    }
});
