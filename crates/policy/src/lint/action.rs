//! `Action` and `NotAction` (`reference_policies_elements_action`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{List, Policy, Test};
use crate::catalogue::{Catalogue, Found};
use crate::language::Pattern;
use crate::operator::Base;
use smol_str::SmolStr;
use yagura_model::nearest;

checks! {
    Error INVALID_ACTION
        "no action `{0}`" => "correct its spelling{1}";
        "アクション `{0}` は存在しない" => "つづりを直す{1}";
    Error INVALID_SERVICE_IN_ACTION
        "no AWS service `{0}`" => "correct the service's prefix{1}";
        "AWS のサービス `{0}` は存在しない" => "サービスのプレフィックスを直す{1}";
    Suggestion REDUNDANT_ACTION
        "{0} of these actions are covered by others, as `{1}` by `{2}`" => "remove them";
        "{0} 個のアクションが他の指定に含まれている (`{1}` は `{2}` に含まれる)" => "含まれているアクションを削除する";
    Suggestion WILDCARD_IN_SERVICE_NAME
        "a wildcard in the service's name may cover services that are not meant" => "name each service";
        "サービス名のワイルドカードは、意図しないサービスも対象にすることがある" => "サービス名を個別に書く";
    Error UNSUPPORTED_ACTION_FOR_CONDITION_KEY
        "requests for {0} do not carry `{1}`" => "move these actions to a statement without the key";
        "{0} のリクエストには `{1}` が含まれない" => "これらのアクションを、このキーを使わないステートメントに移す";
    Error MISSING_ACTION_FOR_CONDITION_KEY
        "`{1}` is a key of `{0}`, which the statement does not name" => "add `{0}` to `Action`";
        "`{1}` は `{0}` の条件キーだが、ステートメントにそのアクションがない" => "`Action` に `{0}` を加える";
}

/// Keys whose values may be set only by those who may take another action too (`reference_policies_iam-condition-keys`,
/// `id_session-tags`; Amazon EC2 User Guide, `supported-iam-actions-tagging`).
const SET_BY: [(&str, &str); 3] = [
    ("ec2:CreateAction", "ec2:CreateTags"),
    ("sts:SourceIdentity", "sts:SetSourceIdentity"),
    ("sts:TransitiveTagKeys", "sts:TagSession"),
];

/// Services that AWS has ended and that its managed policies still name.
const ENDED: [&str; 6] = ["deepcomposer", "deeplens", "deepracer", "elastic-inference", "iot1click", "zocalo"];

/// Whether a prefix is that of a service, even of one that AWS has ended.
pub(super) fn is_service(catalogue: &Catalogue, prefix: &str) -> bool {
    catalogue.service(prefix).is_some() || ENDED.contains(&prefix)
}

/// Services whose tables say for certain which actions carry which of their keys. Those of others lag behind what
/// AWS's managed policies rely on.
const SURE_OF_KEYS: [&str; 9] = ["dynamodb", "iam", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "sts"];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        let Some(list) = &statement.action else { continue };
        for item in &list.items {
            known(policy.catalogue, item.text, &item.place, report);
        }
        redundant(list, report);
        if !list.is_negated() && !list.items.is_empty() {
            let tests = statement.tests.iter().filter(|t| t.operator.is_some_and(|o| o.base != Base::Null));
            let of = Of { list, trust: policy.kind == PolicyType::Trust, allows: statement.allows() };
            tests.for_each(|test| keys_of_actions(policy.catalogue, test, &of, report));
        }
    }
}

fn known(catalogue: &Catalogue, text: &str, place: &super::check::Place, report: &mut Report) {
    if text == "*" {
        return;
    }
    let Some((prefix, name)) = text.split_once(':') else {
        if text.contains("${") {
            return;
        }
        report.add(&INVALID_ACTION, place, &[&text, &""]);
        return;
    };
    if prefix.contains(['*', '?']) {
        report.add(&WILDCARD_IN_SERVICE_NAME, place, &[]);
        return;
    }
    let Some(service) = catalogue.service(prefix) else {
        if is_service(catalogue, prefix) {
            return;
        }
        let near = nearest(prefix, catalogue.services().iter().map(|s| s.prefix.as_str()));
        report.add(&INVALID_SERVICE_IN_ACTION, place, &[&prefix, &super::condition::perhaps(near)]);
        return;
    };
    if name.is_empty() || (!name.contains(['*', '?', '$']) && service.action(name).is_none()) {
        let near = nearest(name, service.actions.iter().map(|a| a.name.as_str()));
        report.add(&INVALID_ACTION, place, &[&text, &super::condition::perhaps(near)]);
    }
}

/// Reports the items of a list that others of it cover.
fn redundant(list: &List<'_>, report: &mut Report) {
    let covered = super::resource::covered(list, Pattern::ignoring_case);
    if let Some((item, by)) = covered.first() {
        report.add(&REDUNDANT_ACTION, &item.place, &[&covered.len(), &item.text, &by.text]);
    }
}

/// The actions of a statement, whether it is of a trust policy, and whether it allows.
struct Of<'l, 'n> {
    list: &'l List<'n>,
    trust: bool,
    allows: bool,
}

/// Whether the service's own key is one of the actions that the statement names. Actions with wildcards are left out.
fn keys_of_actions(catalogue: &Catalogue, test: &Test<'_>, of: &Of<'_, '_>, report: &mut Report) {
    let Some((prefix, _)) = test.key.split_once(':') else { return };
    let list = of.list;
    let of_session =
        of.trust && (test.is_key("aws:TagKeys") || test.key.to_ascii_lowercase().starts_with("aws:requesttag/"));
    let named = SET_BY.iter().find(|(key, _)| test.is_key(key)).map(|(_, action)| *action);
    let set_by = if of_session { Some("sts:TagSession") } else { named };
    let covers = |action: &str| list.items.iter().any(|i| crate::pattern::Glob::ignoring_case(i.text).matches(action));
    if let Some(action) = set_by {
        if of.allows && !covers(action) {
            report.add(&MISSING_ACTION_FOR_CONDITION_KEY, &test.place, &[&action, &test.key]);
        }
        return;
    }
    let Some(service) = catalogue.service(prefix) else { return };
    if service.key(test.key).is_none() || !SURE_OF_KEYS.contains(&service.prefix.as_str()) {
        return;
    }
    let supports = |found: &Found<'_>| found.service.keys_of(found.action).any(|key| key.covers(test.key));
    let supporting: Vec<Found<'_>> =
        service.actions.iter().map(|action| Found { service, action }).filter(supports).collect();
    if supporting.is_empty() {
        return;
    }
    if let [only] = supporting.as_slice()
        && !covers(&only.name())
    {
        report.add(&MISSING_ACTION_FOR_CONDITION_KEY, &test.place, &[&only.name(), &test.key]);
    }
    let literal = list.items.iter().filter_map(|item| catalogue.action(item.text));
    let unsupported: Vec<SmolStr> =
        literal.filter(|f| f.service.prefix == service.prefix && !supports(f)).map(|f| f.name()).collect();
    if !unsupported.is_empty() {
        report.add(&UNSUPPORTED_ACTION_FOR_CONDITION_KEY, &test.place, &[&unsupported.join(", "), &test.key]);
    }
}
