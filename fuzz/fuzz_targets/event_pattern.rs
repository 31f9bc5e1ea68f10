//! Any two lines as a pattern and an event: refused with a reason, or held against each other, alone and beside another pattern, with
//! the same answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_detect::pattern::{Pattern, Rules, check_line, match_line};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(check_line(text).starts_with("{\"id\":"));
    assert!(match_line(text).starts_with("{\"id\":"));
    let Some((pattern, event)) = text.split_once('\n') else { return };
    let pattern = match Pattern::parse(pattern) {
        Ok(pattern) => pattern,
        Err(why) => return assert!(!why.reason.is_empty()),
    };
    let other = Pattern::parse(r#"{"a":[{"exists":false}],"b":{"c":[{"anything-but":"x"}]}}"#).unwrap();
    let alone = Rules::new([("one", pattern.clone())]);
    let beside = Rules::new([("other", other), ("one", pattern)]);
    if let (Ok(a), Ok(b)) = (alone.matched(event), beside.matched(event)) {
        assert_eq!(a.contains(&"one"), b.contains(&"one"));
    }
});
