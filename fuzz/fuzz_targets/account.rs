//! Any bytes as authorization details: refused with a place, or everybody in them is asked for escalation paths.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use yagura_policy::account::{Account, IdentityKind};
use yagura_policy::escalate::find;
use yagura_policy::escalate::path::{Gains, On, Path, RoleTarget, Step, Target, Trusts, Words};

/// A path of each form that looks at another part of the account.
static PATHS: LazyLock<Vec<Path>> = LazyLock::new(|| {
    let role = |trusts| Target::Role(RoleTarget { trusts, instance_profile: false, boundary: true });
    [
        (Target::Caller { kind: IdentityKind::User, boundary: false }, Gains::Admin, "iam:PutUserPolicy", On::Target),
        (Target::User, Gains::Target, "iam:CreateAccessKey", On::Target),
        (Target::Group { own: true }, Gains::Admin, "iam:PutGroupPolicy", On::Target),
        (Target::Policy, Gains::Version, "iam:SetDefaultPolicyVersion", On::Target),
        (Target::Account, Gains::Admin, "iam:CreateRole", On::Pattern("arn:{partition}:iam::{account}:role/*".into())),
        (role(Trusts::Caller), Gains::Unbounded, "sts:AssumeRole", On::TrustingTarget),
        (role(Trusts::Services(vec!["lambda.amazonaws.com".into()])), Gains::Target, "iam:PassRole", On::TargetPolicy),
    ]
    .into_iter()
    .map(|(target, gains, action, on)| Path {
        id: action.into(),
        ids: vec![action.into()],
        target,
        gains,
        steps: vec![Step { action: action.into(), each: vec![], on: vec![on], with: vec![] }],
        needs: None,
        commands: vec!["aws {caller.name} {target.name} {target.policy}".into()],
        title: Words::default(),
        why: Words::default(),
        fix: Words::default(),
    })
    .collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let account = match Account::parse(text) {
        Ok(account) => account,
        Err(why) => return assert!(!why.message.is_empty()),
    };
    assert!(account.identities.is_sorted_by(|a, b| a.arn <= b.arn));
    let report = find(&account, &PATHS, &[]);
    assert_eq!(report.principals.len(), account.identities.len());
});
