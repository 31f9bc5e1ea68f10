//! Any bytes as a resource's policy: whom it lets in is told by a statement that it has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yagura_policy::document::Policy;
use yagura_policy::public::{Question, exposure, is_public_to_s3};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(policy) = Policy::parse(text) else { return };
    let trusted = ["444455556666".into()];
    let networks = ["203.0.113.0/24".into()];
    for resource in [None, Some("arn:aws:s3:::bucket"), Some("arn:aws:sqs:eu-west-1:111122223333:queue")] {
        let question = Question {
            policy: &policy,
            resource,
            resource_account: Some("111122223333"),
            trusted_accounts: &trusted,
            trusted_networks: &networks,
        };
        let found = exposure(&question);
        assert!(!found.public || !found.because.is_empty());
        assert!(!found.cross_account.contains(&trusted[0]));
        for reason in &found.because {
            assert!(policy.statements.iter().any(|s| s.index == reason.statement));
            assert!(!reason.tell(&policy).is_empty() && !reason.tell_ja(&policy).is_empty());
        }
    }
    is_public_to_s3(&policy);
});
