//! Any bytes as every type of policy: findings whose places lie in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_fuzz::catalogue;
use yagura_model::Lang;
use yagura_policy::json;
use yagura_policy::lint::{PolicyType, lint, lint_node};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let root = json::parse(text);
    for kind in PolicyType::ALL {
        let findings = lint(text, kind, catalogue());
        for finding in &findings {
            assert!(finding.span.start <= finding.span.end && finding.span.end <= size);
            for lang in [Lang::En, Lang::Ja] {
                assert!(!finding.message(lang).is_empty() && !finding.fix(lang).is_empty());
            }
        }
        match &root {
            Ok(root) => drop(lint_node(root, kind, catalogue())),
            Err(_) => assert_eq!(findings.len(), 1),
        }
    }
});
