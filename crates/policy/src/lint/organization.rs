//! Service and resource control policies (Organizations User Guide, `orgs_manage_policies_scps_syntax`,
//! `orgs_manage_policies_rcps_syntax`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{Policy, Statement, Test};
use crate::operator::Base;

checks! {
    Error SCP_SYNTAX_ERROR_PRINCIPAL
        "an SCP names no principal" => "remove the element; a condition on `aws:PrincipalArn` can tell principals apart";
        "SCP ではプリンシパルを指定できない" => "この要素を削除する。プリンシパルの限定には `aws:PrincipalArn` の条件を使う";
    Error SCP_SYNTAX_ERROR_ACTION_WILDCARD
        "`{0}` has a wildcard before its end" => "list the actions, or keep the wildcard at the end";
        "`{0}` の途中にワイルドカードがある" => "アクションを列挙するか、ワイルドカードを末尾だけにする";
    Error RCP_SYNTAX_ERROR_PRINCIPAL
        "an RCP applies to all principals" => "write `\"Principal\": \"*\"`, and tell principals apart by conditions";
        "RCP はすべてのプリンシパルに適用される" => "`\"Principal\": \"*\"` と書き、プリンシパルの限定には条件を使う";
    Error RCP_SYNTAX_ERROR_ALLOW
        "in an RCP, `Allow` applies to all principals and resources without conditions" => "use `Deny`; `RCPFullAWSAccess` allows everything already";
        "RCP の `Allow` は、すべてのプリンシパルとすべてのリソースに条件なしで指定する場合にしか使えない" => "`Deny` を使う。許可は `RCPFullAWSAccess` が与えている";
    Error RCP_SYNTAX_ERROR_NOTACTION
        "an RCP takes no `NotAction`" => "list the actions in `Action`";
        "RCP では `NotAction` を使えない" => "`Action` にアクションを列挙する";
    Error RCP_SYNTAX_ERROR_ACTION
        "RCPs do not apply to `{0}`" => "name actions of services that support RCPs, as `s3:*`";
        "RCP は `{0}` に適用できない" => "`s3:*` のように、RCP をサポートするサービスのアクションを指定する";
    Warning RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY
        "a test of `{0}` also hits AWS services that act for you" => "add `\"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}`";
        "`{0}` の条件は、ユーザーに代わって動作する AWS のサービスにも適用される" => "`\"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}` を加える";
    Warning RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY
        "a test of `{0}` also hits your own principals, whose requests do not carry it" => "add `\"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"true\"}`";
        "`{0}` の条件は、このキーを持たない自分のプリンシパルにも適用される" => "`\"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"true\"}` を加える";
    Warning RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK
        "some services act for you without sending `{0}`" => "add `\"Null\": {\"aws:SourceAccount\": \"false\"}`";
        "`{0}` を送らずにユーザーに代わって動作するサービスもある" => "`\"Null\": {\"aws:SourceAccount\": \"false\"}` を加える";
}

const OF_PRINCIPALS: [&str; 4] =
    ["aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"];
const OF_SOURCES: [&str; 4] = ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"];
const IS_SERVICE: &str = "aws:PrincipalIsAWSService";

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        match policy.kind {
            PolicyType::Scp => scp(statement, report),
            PolicyType::Rcp => rcp(policy, statement, report),
            _ => return,
        }
    }
}

fn scp(statement: &Statement<'_>, report: &mut Report) {
    if let Some(principals) = &statement.principal {
        report.add(&SCP_SYNTAX_ERROR_PRINCIPAL, &principals.place, &[]);
    }
    for item in statement.action.iter().flat_map(|list| &list.items) {
        if item.text.strip_suffix('*').unwrap_or(item.text).contains('*') {
            report.add(&SCP_SYNTAX_ERROR_ACTION_WILDCARD, &item.place, &[&item.text]);
        }
    }
}

fn rcp(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    if let Some(principals) = &statement.principal {
        let everyone = principals.is_star
            || matches!(principals.entries.as_slice(), [only] if only.key == "AWS" && only.item.text == "*");
        if principals.negated || !everyone {
            report.add(&RCP_SYNTAX_ERROR_PRINCIPAL, &principals.place, &[]);
        }
        if statement.allows() && !everyone {
            report.add(&RCP_SYNTAX_ERROR_ALLOW, &statement.place, &[]);
        }
    }
    let every_resource = statement
        .resource
        .as_ref()
        .is_none_or(|list| !list.is_negated() && matches!(list.items.as_slice(), [only] if only.text == "*"));
    if statement.allows() && (statement.has_condition || !every_resource) {
        report.add(&RCP_SYNTAX_ERROR_ALLOW, &statement.place, &[]);
    }
    if let Some(list) = statement.action.as_ref().filter(|list| list.is_negated()) {
        report.add(&RCP_SYNTAX_ERROR_NOTACTION, &list.place, &[]);
    }
    for item in statement.actions() {
        // Only AWS's own `RCPFullAWSAccess` names every action.
        let full_access = item.text == "*" && statement.allows();
        let prefix = item.text.split_once(':').map_or("", |(prefix, _)| prefix);
        if !full_access && !policy.catalogue.supports_rcps(prefix) {
            report.add(&RCP_SYNTAX_ERROR_ACTION, &item.place, &[&item.text]);
        }
    }
    if statement.denies() {
        related_keys(statement, report);
    }
}

fn related_keys(statement: &Statement<'_>, report: &mut Report) {
    let tested = |keys: &[&str]| -> Vec<&Test<'_>> {
        let asks = |t: &&Test<'_>| t.operator.is_some_and(|o| o.base != Base::Null) && keys.iter().any(|k| t.is_key(k));
        statement.tests.iter().filter(asks).collect()
    };
    if !statement.tests_value(Base::Bool, IS_SERVICE, "false") {
        for test in tested(&OF_PRINCIPALS) {
            report.add(&RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY, &test.place, &[&test.key]);
        }
    }
    let sources = tested(&OF_SOURCES);
    if !statement.tests_value(Base::Bool, IS_SERVICE, "true") {
        for test in &sources {
            report.add(&RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY, &test.place, &[&test.key]);
        }
    }
    let null = |key: &str| statement.tests_value(Base::Null, key, "false");
    if !null("aws:SourceAccount") && !null("aws:SourceArn") {
        for test in sources {
            report.add(&RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK, &test.place, &[&test.key]);
        }
    }
}
