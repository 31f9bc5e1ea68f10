//! Which actions patterns and policies name.

use crate::catalogue::Catalogue;
use crate::document::{Effect, Element, Policy};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The actions that a policy speaks of, before resources, conditions and the strife of Allow and Deny.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// What `Allow` statements cover, sorted, in AWS's case.
    pub actions: Vec<SmolStr>,
    /// What `Deny` statements cover, likewise.
    pub denied: Vec<SmolStr>,
}

/// Every action that a policy's `Allow` and `Deny` statements cover. `NotAction` covers every known action but those
/// that it names. An action that is written in full and not known is kept as written.
pub fn expand(policy: &Policy, catalogue: &Catalogue) -> Expansion {
    let of = |effect: Effect| {
        let statements = policy.statements.iter().filter(|s| s.effect == effect);
        let all: BTreeSet<SmolStr> = statements.flat_map(|s| element(&s.actions, catalogue)).collect();
        all.into_iter().collect()
    };
    Expansion { actions: of(Effect::Allow), denied: of(Effect::Deny) }
}

/// The actions that a list of patterns covers, sorted, in AWS's case.
pub fn expand_patterns<P: AsRef<str>>(patterns: &[P], catalogue: &Catalogue) -> Vec<SmolStr> {
    let all: BTreeSet<SmolStr> = patterns.iter().flat_map(|p| pattern(p.as_ref(), catalogue)).collect();
    all.into_iter().collect()
}

fn element(actions: &Element<SmolStr>, catalogue: &Catalogue) -> BTreeSet<SmolStr> {
    let named: BTreeSet<SmolStr> = actions.items.iter().flat_map(|p| pattern(p, catalogue)).collect();
    if actions.negated {
        return catalogue.actions().map(|found| found.name()).filter(|name| !named.contains(name)).collect();
    }
    named
}

fn pattern(written: &str, catalogue: &Catalogue) -> Vec<SmolStr> {
    let known: Vec<SmolStr> = catalogue.matching(written).iter().map(|found| found.name()).collect();
    let in_full = written.contains(':') && !written.contains(['*', '?']);
    if known.is_empty() && in_full { vec![written.into()] } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::shipped;

    fn of(policy: &str) -> Expansion {
        expand(&Policy::parse(policy).unwrap(), shipped())
    }

    #[test]
    fn allow_and_deny_are_told_apart() {
        let answer = of(r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["S3:getobjecta*","sqs:addpermission","mine:Own"],"Resource":"*"},
            {"Effect":"Deny","Action":"s3:GetObjectAcl","Resource":"*"}]}"#);
        assert_eq!(
            answer.actions,
            ["mine:Own", "s3:GetObjectAcl", "s3:GetObjectAnnotation", "s3:GetObjectAttributes", "sqs:AddPermission"]
        );
        assert_eq!(answer.denied, ["s3:GetObjectAcl"]);
    }

    #[test]
    fn not_action_covers_the_rest() {
        let answer = of(r#"{"Statement":{"Effect":"Allow","NotAction":["iam:*","Organizations:*"],"Resource":"*"}}"#);
        let without = shipped().matching("iam:*").len() + shipped().matching("organizations:*").len();
        assert_eq!(answer.actions.len(), 22_091 - without);
        assert!(answer.actions.is_sorted() && answer.denied.is_empty());
        assert!(!answer.actions.iter().any(|a| a.starts_with("iam:")));
    }

    #[test]
    fn patterns_alone() {
        assert_eq!(expand_patterns(&["sqs:?ddPermission", "SQS:ADDPERMISSION"], shipped()), ["sqs:AddPermission"]);
        assert!(expand_patterns(&["nosuch:*", "", "GetObject"], shipped()).is_empty());
        assert_eq!(expand_patterns(&["*"], shipped()).len(), 22_091);
    }
}
