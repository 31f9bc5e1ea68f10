//! Policies attached to a resource: one service, its callers and its keys (`access_policies_identity-vs-resource`,
//! `confused-deputy`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{Policy, Statement, without_variables};
use crate::operator::Base;
use std::collections::BTreeSet;

checks! {
    Error UNSUPPORTED_ACTION_IN_POLICY
        "`{0}` is no action of the resource that the policy is attached to, which is of `{1}`" => "name actions of that service";
        "`{0}` は、ポリシーが付与されたリソース (`{1}`) のアクションではない" => "そのサービスのアクションを指定する";
    Error UNSUPPORTED_RESOURCE_ARN_IN_POLICY
        "`{0}` is not the resource that the policy is attached to, which is of `{1}`" => "name that resource or a part of it";
        "`{0}` は、ポリシーが付与されたリソース (`{1}`) ではない" => "そのリソースまたはその一部を指定する";
    Error UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL
        "calls by service principals do not carry `{0}`" => "test `aws:SourceArn`, `aws:SourceAccount` or `aws:SourceOrgID`";
        "サービスプリンシパルの呼び出しには `{0}` が含まれない" => "`aws:SourceArn`、`aws:SourceAccount`、`aws:SourceOrgID` のいずれかで判定する";
    SecurityWarning RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL
        "`{0}` may act here for any customer of AWS (confused deputy)" => "test `aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID` or `aws:SourceOrgPaths`";
        "`{0}` が他の AWS 利用者のためにこのリソースへアクセスできる (混乱した代理の問題)" => "`aws:SourceArn`、`aws:SourceAccount`、`aws:SourceOrgID`、`aws:SourceOrgPaths` のいずれかを条件に加える";
    Suggestion RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL
        "`{1}` does not tell for whom `{0}` acts" => "test `aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID` or `aws:SourceOrgPaths` instead";
        "`{1}` では `{0}` が誰のために動作しているかを判定できない" => "代わりに `aws:SourceArn`、`aws:SourceAccount`、`aws:SourceOrgID`、`aws:SourceOrgPaths` を使う";
    Suggestion IRRELEVANT_CONDITION_KEY_IN_POLICY
        "`{0}` is always the same in the policy of one resource" => "use it in identity policies";
        "1 つのリソースのポリシーでは `{0}` は常に同じ値である" => "アイデンティティベースのポリシーで使う";
}

const SOURCES: [&str; 4] = ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"];
const OF_THE_RESOURCE: [&str; 4] =
    ["aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths", "s3:ResourceAccount"];
/// Keys that other policies use in place of the source's.
const IN_PLACE: [&str; 4] = ["aws:referer", "aws:PrincipalServiceName", "aws:SourceIp", "aws:UserAgent"];
/// Keys of identities, which service principals are not.
const OF_IDENTITIES: [&str; 5] =
    ["aws:MultiFactorAuthPresent", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SourceIdentity", "aws:username"];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if policy.kind != PolicyType::Resource {
        return;
    }
    one_service(policy, report);
    for statement in &policy.statements {
        for test in statement.tests.iter().filter(|t| OF_THE_RESOURCE.iter().any(|key| t.is_key(key))) {
            report.add(&IRRELEVANT_CONDITION_KEY_IN_POLICY, &test.place, &[&test.key]);
        }
        if statement.allows() {
            service_principals(statement, report);
        }
    }
}

/// A resource's policy speaks of one service. Where actions and ARNs disagree, both are told.
fn one_service(policy: &Policy<'_>, report: &mut Report) {
    let lists = |of_actions: bool| {
        let statements = policy.statements.iter();
        let lists = statements.filter_map(move |s| if of_actions { s.action.as_ref() } else { s.resource.as_ref() });
        lists.flat_map(|list| &list.items)
    };
    let actions: BTreeSet<String> = lists(true).filter_map(|item| service_of_action(item.text)).collect();
    let resources: BTreeSet<String> = lists(false).filter_map(|item| service_of_arn(item.text)).collect();
    for item in lists(true) {
        let mine = service_of_action(item.text);
        if let (Some(mine), Some(first)) = (mine, resources.first())
            && !resources.contains(&mine)
        {
            report.add(&UNSUPPORTED_ACTION_IN_POLICY, &item.place, &[&item.text, first]);
        }
    }
    for item in lists(false) {
        let mine = service_of_arn(item.text);
        if let (Some(mine), Some(first)) = (mine, actions.first())
            && !actions.contains(&mine)
        {
            report.add(&UNSUPPORTED_RESOURCE_ARN_IN_POLICY, &item.place, &[&item.text, first]);
        }
    }
}

fn service_of_action(text: &str) -> Option<String> {
    let (prefix, _) = text.split_once(':')?;
    (!prefix.contains(['*', '?', '$'])).then(|| family(&prefix.to_ascii_lowercase()))
}

fn service_of_arn(text: &str) -> Option<String> {
    let text = without_variables(text);
    let service = text.strip_prefix("arn:")?.split(':').nth(1)?;
    (!service.is_empty() && !service.contains(['*', '?'])).then(|| family(&service.to_ascii_lowercase()))
}

/// Services whose policies name each other's actions and ARNs.
fn family(service: &str) -> String {
    match service {
        "s3-object-lambda" | "s3-outposts" | "s3express" | "s3tables" | "s3vectors" => "s3",
        "execute-api" => "apigateway",
        "elasticsearch" | "opensearch" => "es",
        other => other,
    }
    .to_owned()
}

fn service_principals(statement: &Statement<'_>, report: &mut Report) {
    let Some(principals) = statement.principal.as_ref().filter(|p| !p.negated) else { return };
    let Some(service) = principals.entries.iter().find(|e| e.key == "Service") else { return };
    if principals.entries.iter().all(|e| e.key == "Service") {
        for test in statement.tests.iter().filter(|t| {
            let asks = t.operator.is_some_and(|o| o.base != Base::Null && !o.if_exists && !o.base.is_negated());
            asks && (OF_IDENTITIES.iter().any(|key| t.is_key(key))
                || t.key.to_ascii_lowercase().starts_with("aws:principaltag/"))
        }) {
            report.add(&UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL, &test.place, &[&test.key]);
        }
    }
    if statement.tests_any(&SOURCES) || statement.tests_key("aws:SourceOwner") {
        return;
    }
    match statement.tests.iter().find(|t| IN_PLACE.iter().any(|key| t.is_key(key))) {
        Some(test) => {
            let check = &RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL;
            report.add(check, &test.place, &[&service.item.text, &test.key]);
        }
        None => report.add(&RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL, &service.item.place, &[&service.item.text]),
    }
}
