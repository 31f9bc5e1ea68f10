//! Any bytes as a policy: refused with a place, or it decides the same however it is asked, and expands.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use yagura_fuzz::catalogue;
use yagura_policy::compile::Compiled;
use yagura_policy::document::Policy;
use yagura_policy::evaluate::{Decision, Layers, Mode, decide, explain};
use yagura_policy::expand::expand;
use yagura_policy::json;
use yagura_policy::request::{Caller, Request};

const KNOWN: &str = "111122223333";

/// What is asked of every policy.
static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let mut requests = Vec::new();
    for principal in [
        Caller::Aws("arn:aws:sts::111122223333:assumed-role/dev/session".into()),
        Caller::Aws("arn:aws:iam::444455556666:user/team/taro".into()),
        Caller::Service("lambda.amazonaws.com".into()),
        Caller::Anonymous,
    ] {
        let mut request = Request {
            principal,
            action: "s3:GetObject".into(),
            resource: "arn:aws:s3:::bucket/key".into(),
            resource_account: Some(KNOWN.into()),
            context: Default::default(),
        };
        request.context.set("aws:SourceIp", ["203.0.113.7"]);
        request.context.set("aws:TagKeys", ["a", "b"]);
        request.context.set("aws:MultiFactorAuthAge", ["300"]);
        requests.push(request);
    }
    requests
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if let Err(e) = json::parse(text) {
        assert!(e.span.start <= e.span.end && e.span.end <= size && !e.message.is_empty());
        let (line, column) = json::position(text, e.span.start);
        assert!(line > 0 && column > 0);
        assert!(Policy::parse(text).is_err());
        return;
    }
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|p| p.span.end <= size && !p.to_string().is_empty()));
            return;
        }
    };
    let expansion = expand(&policy, catalogue());
    assert!(expansion.actions.is_sorted() && expansion.denied.is_sorted());
    let compiled = [Arc::new(Compiled::new("fuzzed", policy))];
    for layers in [
        Layers { identity: &compiled, ..Layers::default() },
        Layers { resource: compiled.first(), ..Layers::default() },
        Layers { identity: &compiled, boundary: &compiled, resource: compiled.first(), ..Layers::default() },
    ] {
        for request in REQUESTS.iter() {
            let strict = decide(request, &layers, Mode::Strict);
            let possible = decide(request, &layers, Mode::Possible(&[]));
            assert_eq!(explain(request, &layers, Mode::Strict).decision, strict.decision);
            assert_eq!(explain(request, &layers, Mode::Possible(&[])).decision, possible.decision);
            assert!(strict.decision != Decision::Allowed || possible.decision == Decision::Allowed);
        }
    }
});
