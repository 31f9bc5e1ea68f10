//! Any bytes as a line of `iam eval --batch`: refused with a reason, or answered the same twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_fuzz::catalogue;
use yagura_policy::case::{Case, parse_line};

fuzz_target!(|bytes: &[u8]| {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    let case = match parse_line(line).and_then(|node| Case::from_node(&node)) {
        Ok(case) => case,
        Err(why) => return assert!(!why.is_empty()),
    };
    match case.answer(catalogue()) {
        Ok(answer) => assert_eq!(Some(answer.to_json()), case.answer(catalogue()).ok().map(|a| a.to_json())),
        Err(why) => assert!(!why.is_empty()),
    }
});
