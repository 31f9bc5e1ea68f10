//! Any bytes as a detection's or a sequence's file: refused with places, or its fixtures run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_detect::{detection, sequence};
use yagura_model::ContentFile;
use yagura_rule::ContentError;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = |path: &str| ContentFile { path: path.to_owned(), text: text.to_owned(), shipped: false };
    let placed = |errors: &[ContentError]| {
        assert!(!errors.is_empty() && errors.iter().all(|e| e.line > 0 && !e.to_string().is_empty()));
    };
    let (one, other) = (file("detections/cloudtrail/fuzzed.yaml"), file("sequences/fuzzed.yaml"));
    if let Err(errors) = sequence::parse(&other) {
        placed(&errors);
    }
    match detection::parse(&one, &Settings::new()) {
        Err(errors) => placed(&errors),
        Ok(_) => {
            let pack = Pack::read([&one].into_iter(), &Settings::new());
            assert_eq!((pack.errors.len(), pack.rules.detections.len()), (0, 1));
            let _ = pack.broken_fixtures(&|_| true);
        }
    }
});
