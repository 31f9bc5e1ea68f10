//! What an outsider's request can say of itself.
//!
//! "IAM Access Analyzer only considers certain IAM condition keys that external users can't directly influence"
//! (`access-analyzer-concepts`; the keys: `access-analyzer-reference-filter-keys`). Other keys confine nobody: the solver
//! may give them any value. Of the former, an outsider's values are any but those that the policy names.

use super::Limits;
use crate::document::{Element, Policy, Principal, Statement};
use crate::language::{Pattern, StringSet};
use crate::pattern::{Token, tokens};
use crate::solve::{Binding, Literal, Space};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{INTERNAL, IpRange};

/// Accounts for outsiders.
pub(super) const ACCOUNTS: [&str; 3] = ["999999999999", "888888888888", "987654321098"];

/// How a key's values tell their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The value as a whole.
    Whole,
    /// The account in an ARN.
    ArnAccount,
    /// The organization before the first `/`.
    Organization,
    /// The unique id before the first `:`.
    UniqueId,
}

/// The keys that say where a caller comes from.
const OF_CALLERS: [(&str, Owner); 20] = [
    ("aws:principalorgid", Owner::Whole),
    ("aws:principalorgpaths", Owner::Organization),
    ("aws:sourcearn", Owner::ArnAccount),
    ("aws:sourceaccount", Owner::Whole),
    ("aws:sourceowner", Owner::Whole),
    ("aws:sourceorgid", Owner::Whole),
    ("aws:sourceorgpaths", Owner::Organization),
    ("aws:sourcevpc", Owner::Whole),
    ("aws:sourcevpcarn", Owner::ArnAccount),
    ("aws:sourcevpce", Owner::Whole),
    ("aws:vpceaccount", Owner::Whole),
    ("aws:vpceorgid", Owner::Whole),
    ("aws:vpceorgpaths", Owner::Organization),
    ("aws:userid", Owner::UniqueId),
    ("kms:calleraccount", Owner::Whole),
    ("s3:dataaccesspointaccount", Owner::Whole),
    ("s3:dataaccesspointarn", Owner::ArnAccount),
    ("elasticfilesystem:accessedviamounttarget", Owner::Whole),
    ("ec2:sourceinstancearn", Owner::ArnAccount),
    ("lambda:sourcefunctionarn", Owner::ArnAccount),
];

/// The keys that say for whom a service acts (`confused-deputy`), and those that stand for them.
const OF_SERVICES: [(&str, Owner); 7] = [
    ("aws:sourcearn", Owner::ArnAccount),
    ("aws:sourceaccount", Owner::Whole),
    ("aws:sourceowner", Owner::Whole),
    ("aws:sourceorgid", Owner::Whole),
    ("aws:sourceorgpaths", Owner::Organization),
    ("sts:externalid", Owner::Whole),
    ("lambda:eventsourcetoken", Owner::Whole),
];

/// What the policy names, key by key.
#[derive(Debug)]
pub(super) struct Outsiders {
    /// The values of each key in lower case.
    values: BTreeMap<SmolStr, Vec<SmolStr>>,
    accounts: BTreeSet<SmolStr>,
    networks: Vec<SmolStr>,
}

impl Outsiders {
    pub(super) fn of(policy: &Policy, trusted_networks: &[SmolStr]) -> Self {
        let mut values: BTreeMap<SmolStr, Vec<SmolStr>> = BTreeMap::new();
        for condition in policy.statements.iter().flat_map(|s| &s.conditions) {
            let key = SmolStr::new(condition.key.to_ascii_lowercase());
            values.entry(key).or_default().extend(condition.values.iter().cloned());
        }
        let not_internet = INTERNAL.iter().map(|n| SmolStr::new_static(n));
        let trusted = trusted_networks.iter().filter(|n| IpRange::parse(n).is_some()).cloned();
        Self { values, accounts: accounts(policy), networks: trusted.chain(not_internet).collect() }
    }

    /// What keeps the values of keys to those that such callers can have.
    pub(super) fn limits(&self, space: &mut Space, limits: &Limits, binding: &Binding) -> Vec<Literal> {
        let keys: &[(&str, Owner)] = match limits {
            Limits::Outsider => &OF_CALLERS,
            Limits::Service => &OF_SERVICES,
            Limits::Account(account) => {
                let calls = self.values.contains_key("kms:calleraccount");
                return calls.then(|| space.key_is("kms:calleraccount", account)).into_iter().collect();
            }
        };
        let mut all = Vec::new();
        for (key, owner) in keys {
            let Some(values) = self.values.get(*key) else { continue };
            let mut taken: Vec<Pattern> = values.iter().flat_map(|value| taken(value, *owner)).collect();
            // A value that a variable stands for is the resource's own.
            let own = binding.iter().filter(|(key, _)| key.starts_with("aws:resource")).filter_map(|(_, value)| value);
            taken.extend(own.map(|value| Pattern::literal(value, true)));
            if *owner == Owner::ArnAccount {
                taken.extend(self.accounts.iter().filter_map(|a| account_in_arn(a)));
            }
            all.push(space.key_within(key, StringSet::none_of(taken)));
        }
        if *limits == Limits::Outsider && self.values.contains_key("aws:sourceip") {
            all.push(space.key_outside("aws:sourceip", &self.networks));
        }
        all
    }
}

/// The values that belong to whomever a value of the policy names.
fn taken(value: &str, owner: Owner) -> Vec<Pattern> {
    let wild = |text: &str| text.contains(['*', '?', '$']);
    let (id, mark) = match owner {
        Owner::Organization => (value.split('/').next().unwrap_or_default(), "/*"),
        Owner::UniqueId => (value.split(':').next().unwrap_or_default(), ":*"),
        Owner::ArnAccount if is_named_bucket(value) => return Pattern::arn(tokens(value)).into_iter().collect(),
        Owner::Whole | Owner::ArnAccount => (value, ""),
    };
    if wild(id) || id.is_empty() {
        return Vec::new();
    }
    let own = Pattern::literal(id, true);
    if mark.is_empty() { vec![own] } else { vec![own, Pattern::ignoring_case(&format!("{id}{mark}"))] }
}

/// Whether an ARN pattern names one bucket, whose name no other account can have.
fn is_named_bucket(value: &str) -> bool {
    let mut parts = value.splitn(6, ':').skip(2);
    parts.next() == Some("s3") && parts.nth(2).is_some_and(|name| !name.is_empty() && !name.contains(['*', '?', '$']))
}

fn account_in_arn(account: &str) -> Option<Pattern> {
    let segment = |text: &str| text.chars().map(Token::Char).collect::<Vec<_>>();
    let (any, arn, account) = (vec![Token::Many], segment("arn"), segment(account));
    Some(Pattern::arn_of(&[&arn, &any, &any, &any, &account, &any]))
}

/// Every account that a policy names: as a principal, or in the value of a condition.
pub(super) fn accounts(policy: &Policy) -> BTreeSet<SmolStr> {
    let mut found = BTreeSet::new();
    for statement in &policy.statements {
        found.extend(statement.principals.iter().flat_map(accounts_among));
        found.extend(statement.conditions.iter().flat_map(|c| &c.values).filter_map(|value| account_of(value)));
    }
    found
}

/// The accounts of the principals of an element.
pub(super) fn accounts_among(principals: &Element<Principal>) -> BTreeSet<SmolStr> {
    let account = |principal: &Principal| match principal {
        Principal::Aws(named) => account_of(named),
        _ => None,
    };
    principals.items.iter().filter_map(account).collect()
}

fn account_of(text: &str) -> Option<SmolStr> {
    let account = if text.starts_with("arn:") { text.split(':').nth(4)? } else { text };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    is_account.then(|| SmolStr::new(account))
}

/// The services that a statement for everyone names by `aws:PrincipalServiceName`.
pub(super) fn services_by_key(statement: &Statement) -> Vec<SmolStr> {
    let by_key = statement.conditions.iter().filter(|c| c.key.eq_ignore_ascii_case("aws:PrincipalServiceName"));
    by_key.flat_map(|c| &c.values).filter(|name| !name.contains(['*', '?', '$'])).cloned().collect()
}

/// Whether a principal is a unique id (`reference_identifiers`, "Unique identifiers").
pub(super) fn is_unique_id(principal: &str) -> bool {
    let prefixes = ["AIDA", "AROA", "AGPA", "ASIA", "AKIA"];
    prefixes.iter().any(|p| principal.starts_with(p)) && principal.bytes().all(|b| b.is_ascii_alphanumeric())
}
