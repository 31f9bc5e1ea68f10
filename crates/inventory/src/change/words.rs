//! The words of API names: `AuthorizeSecurityGroupIngress` speaks of a security group.

use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Words, each in lower case and in the singular.
pub(crate) type Words = BTreeSet<SmolStr>;

/// Words that join others.
const SMALL: [&str; 9] = ["by", "for", "from", "in", "of", "on", "the", "to", "with"];

/// The verb of an operation, in lower case, and the words behind it in their order. AWS Lambda's events carry the version of
/// their API in the name (`CreateFunction20150331`); that is no word.
pub(crate) fn operation(name: &str) -> (SmolStr, Vec<SmolStr>) {
    let name = name.split(|c: char| c.is_ascii_digit() || c == '_').next().filter(|n| !n.is_empty()).unwrap_or(name);
    let mut words = split(name).into_iter();
    let verb = words.next().unwrap_or_default();
    (verb, words.map(|w| singular(&w)).filter(|w| !SMALL.contains(&w.as_str())).collect())
}

/// The words behind an operation's verb.
pub(crate) fn of_operation(name: &str) -> Words {
    operation(name).1.into_iter().collect()
}

/// All words of a name.
pub(crate) fn all(name: &str) -> Words {
    split(name).iter().map(|w| singular(w)).collect()
}

/// The words of a kind's name below its service: `ec2.security_group`.
pub(crate) fn of_kind(id: &str) -> Words {
    id.split_once('.').map_or(id, |(_, name)| name).split('_').map(singular).collect()
}

/// How much two sets have in common, from 0 to 1: the shared ones among all.
pub(crate) fn likeness(a: &Words, b: &Words) -> f32 {
    let all = a.union(b).count();
    if all == 0 { 0.0 } else { a.intersection(b).count() as f32 / all as f32 }
}

/// A member's name without what does not matter: `securityGroupIdSet`, `GroupIds` → `securitygroupid`, `groupid`.
pub(crate) fn member(name: &str) -> String {
    let mut out: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    for end in ["list", "set", "s"] {
        if out.len() > end.len() + 1 && out.ends_with(end) && !out.ends_with("ss") {
            out.truncate(out.len() - end.len());
        }
    }
    out
}

/// Splits at capitals; a run of them is one word up to the last (`DBInstance` → `db`, `instance`).
fn split(name: &str) -> Vec<SmolStr> {
    let chars: Vec<char> = name.chars().collect();
    let is_upper = |at: usize| chars.get(at).is_some_and(char::is_ascii_uppercase);
    let is_lower = |at: usize| chars.get(at).is_some_and(char::is_ascii_lowercase);
    let (mut words, mut word) = (Vec::new(), String::new());
    for (at, c) in chars.iter().enumerate() {
        // The `s` of a plural acronym belongs to it (`ListVPCs`).
        let next_word = is_lower(at + 1) && (is_lower(at + 2) || chars.get(at + 1) != Some(&'s'));
        let begins = is_upper(at) && at > 0 && (!is_upper(at - 1) || next_word);
        if begins && !word.is_empty() {
            words.push(SmolStr::from(std::mem::take(&mut word)));
        }
        word.push(c.to_ascii_lowercase());
    }
    words.push(word.into());
    words.retain(|w| !w.is_empty());
    words
}

fn singular(word: &str) -> SmolStr {
    let cut = |end: &str| word.strip_suffix(end);
    if let Some(stem) = cut("ies").filter(|s| s.len() > 1) {
        return smol_str::format_smolstr!("{stem}y");
    }
    for end in ["sses", "xes", "ches"] {
        if word.ends_with(end) {
            return word.get(..word.len() - 2).unwrap_or(word).into();
        }
    }
    let kept = ["ss", "us", "is", "as", "ns", "bs", "ms", "os", "ds"];
    match cut("s") {
        // Acronyms that end so (`kms`, `dns`, `rds`) are short.
        Some(stem) if !word.ends_with("ss") && (word.len() > 4 || !kept.iter().any(|k| word.ends_with(k))) => {
            if word.ends_with("us") || word.ends_with("is") { word.into() } else { stem.into() }
        }
        _ => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_taken_apart() {
        for (name, verb, words) in [
            ("AuthorizeSecurityGroupIngress", "authorize", &["group", "ingress", "security"][..]),
            ("DescribeVpcs", "describe", &["vpc"]),
            ("ListVirtualMFADevices", "list", &["device", "mfa", "virtual"]),
            ("DescribeDBInstances", "describe", &["db", "instance"]),
            ("CreateFunction20150331", "create", &["function"]),
            ("UpdateFunctionConfiguration20150331v2", "update", &["configuration", "function"]),
            ("EnableEbsEncryptionByDefault", "enable", &["default", "ebs", "encryption"]),
            ("ListPolicies", "list", &["policy"]),
            ("DescribeAddresses", "describe", &["address"]),
            ("GetBucketAcl", "get", &["acl", "bucket"]),
            ("ListWebACLs", "list", &["acl", "web"]),
            ("GetKeyRotationStatus", "get", &["key", "rotation", "status"]),
        ] {
            let (found, behind) = operation(name);
            assert_eq!(
                (found.as_str(), behind.iter().cloned().collect::<Words>()),
                (verb, words.iter().map(SmolStr::new).collect()),
                "{name}"
            );
        }
    }

    #[test]
    fn members_are_compared_without_their_endings() {
        for (name, plain) in [
            ("FlowLogIds", "flowlogid"),
            ("flowLogIdSet", "flowlogid"),
            ("trailNameList", "trailname"),
            ("bucketName", "bucketname"),
            ("address", "address"),
        ] {
            assert_eq!(member(name), plain);
        }
    }
}
