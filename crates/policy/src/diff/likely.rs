//! Texts from which witnesses read like real requests.

use crate::document::{Policy, Principal};
use crate::request::Caller;
use crate::solve::Vocabulary;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Accounts for examples that no policy names, the likeliest first.
pub(super) const ACCOUNTS: [&str; 4] = ["123456789012", "210987654321", "444455556666", "777788889999"];

/// Actions and resources that the policies name without wildcards, then some that everyone knows.
pub(super) fn vocabulary(policies: &[&Policy]) -> Vocabulary {
    let statements = || policies.iter().flat_map(|p| &p.statements);
    let plain = |text: &&SmolStr| !text.contains(['*', '?', '$']) && text.contains(':');
    let known = ["s3:GetObject", "ec2:DescribeInstances", "iam:GetUser", "sts:AssumeRole", "lambda:InvokeFunction"];
    let named = statements().flat_map(|s| &s.actions.items).filter(plain).cloned();
    let actions = distinct(named.chain(known.map(SmolStr::new_static)));
    let named = statements().flat_map(|s| s.resources.iter()).flat_map(|e| &e.items).filter(plain).cloned();
    let resources = distinct(named.chain(["arn:aws:s3:::example-bucket/example"].map(SmolStr::new_static)));
    Vocabulary { actions, resources }
}

fn distinct(texts: impl Iterator<Item = SmolStr>) -> Vec<SmolStr> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(text.clone())).collect()
}

/// Accounts for examples, and those that were named.
pub(super) fn accounts(named: &BTreeSet<SmolStr>) -> Vec<SmolStr> {
    let fresh = ACCOUNTS.iter().map(|a| SmolStr::new_static(a)).filter(|a| !named.contains(a));
    fresh.chain(named.iter().cloned()).collect()
}

/// The caller that a principal names; an account that it stands for is noted.
pub(super) fn caller(principal: &Principal, accounts: &mut BTreeSet<SmolStr>) -> Option<Caller> {
    match principal {
        Principal::Aws(named) if named.starts_with("arn:") => {
            accounts.extend(named.split(':').nth(4).filter(|a| a.len() == 12).map(SmolStr::new));
            Some(Caller::Aws(named.clone()))
        }
        Principal::Aws(named) => {
            accounts.insert(named.clone());
            None
        }
        Principal::Service(name) => Some(Caller::Service(name.clone())),
        Principal::Federated(provider) => (provider != "*").then(|| Caller::Federated(provider.clone())),
        Principal::Anyone | Principal::CanonicalUser(_) => None,
    }
}

/// ARNs as resources of a service have them, in an account.
pub(super) fn resources(service: &str, account: &str) -> Vec<SmolStr> {
    let known: &[&str] = match service {
        "s3" => &["arn:aws:s3:::example-bucket/example", "arn:aws:s3:::example-bucket"],
        "iam" => &["arn:aws:iam::ACCOUNT:role/Example", "arn:aws:iam::ACCOUNT:user/sam"],
        "sts" => &["arn:aws:iam::ACCOUNT:role/Example"],
        "ec2" => &["arn:aws:ec2:us-east-1:ACCOUNT:instance/i-0a1b2c3d4e5f67890"],
        "kms" => &["arn:aws:kms:us-east-1:ACCOUNT:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
        "lambda" => &["arn:aws:lambda:us-east-1:ACCOUNT:function:example"],
        "dynamodb" => &["arn:aws:dynamodb:us-east-1:ACCOUNT:table/example"],
        "secretsmanager" => &["arn:aws:secretsmanager:us-east-1:ACCOUNT:secret:example-a1b2c3"],
        "ecr" => &["arn:aws:ecr:us-east-1:ACCOUNT:repository/example"],
        "logs" => &["arn:aws:logs:us-east-1:ACCOUNT:log-group:example"],
        _ => &[],
    };
    let any = format!("arn:aws:{service}:us-east-1:ACCOUNT:example");
    let all = known.iter().copied().chain([any.as_str()]);
    all.map(|arn| SmolStr::from(arn.replace("ACCOUNT", account))).collect()
}

/// An ARN pattern of the catalogue with its placeholders filled.
pub(super) fn filled(arn: &str, account: &str) -> SmolStr {
    let mut filled = String::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(match name {
            "Partition" => "aws",
            "Region" => "us-east-1",
            "Account" => account,
            _ => "example",
        });
        rest = tail;
    }
    filled.push_str(rest);
    SmolStr::from(filled.replace(['*', '?'], "example"))
}
