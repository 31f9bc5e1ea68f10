//! `Principal` and `NotPrincipal` (`reference_policies_elements_principal`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{Policy, Principals, Statement, Test, has_wildcard};
use crate::operator::Base;

checks! {
    Error UNSUPPORTED_PRINCIPAL
        "a policy of type {0} names no principal: it applies to the identity that holds it" => "remove the element";
        "{0} タイプのポリシーではプリンシパルを指定できない。ポリシーを持つアイデンティティ自身に適用される" => "この要素を削除する";
    Error UNSUPPORTED_WILDCARD_IN_PRINCIPAL
        "`{0}` takes no wildcards in part of a name" => "name the principal in full; a condition on `aws:PrincipalArn` takes wildcards";
        "`{0}` では名前の一部にワイルドカードを使えない" => "プリンシパルを省略せずに書く。`aws:PrincipalArn` の条件ではワイルドカードを使える";
    Error FEDERATED_PRINCIPAL_NOT_SUPPORTED
        "only trust policies of roles take an identity provider as principal" => "name the role that federated users assume";
        "ID プロバイダーをプリンシパルにできるのはロールの信頼ポリシーだけである" => "フェデレーションユーザーが引き受けるロールを指定する";
    Error INVALID_SERVICE_PRINCIPAL_FORMAT
        "`{0}` is no service principal" => "write it in small letters as `{1}`";
        "`{0}` はサービスプリンシパルの形式ではない" => "小文字で `{1}` の形に書く";
    Warning INVALID_ROLE_REFERENCE
        "`{0}` is the unique id of a role" => "write the role's ARN; an id that AWS put there means that the role was deleted";
        "`{0}` はロールの一意の ID である" => "ロールの ARN を書く。AWS が置き換えた ID であれば、そのロールは削除されている";
    Warning INVALID_USER_REFERENCE
        "`{0}` is the unique id of a user" => "write the user's ARN; an id that AWS put there means that the user was deleted";
        "`{0}` はユーザーの一意の ID である" => "ユーザーの ARN を書く。AWS が置き換えた ID であれば、そのユーザーは削除されている";
    SecurityWarning ALLOW_WITH_NOT_PRINCIPAL
        "everyone but these is allowed, anonymous callers too" => "name who is allowed in `Principal`";
        "ここに挙げた以外の全員が許可される (匿名の呼び出し元も含む)" => "許可する相手を `Principal` で指定する";
}

const SERVICE_FORM: &str = "service.amazonaws.com";
const REGIONAL_FORM: &str = "service.region.amazonaws.com";

/// Condition keys whose values are service principals.
const SERVICE_KEYS: [&str; 7] = [
    "aws:CalledVia",
    "aws:CalledViaAWSMCP",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "iam:PassedToService",
];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if policy.kind == PolicyType::Any {
        return;
    }
    for statement in &policy.statements {
        statement.tests.iter().for_each(|test| service_values(test, report));
        let Some(principals) = &statement.principal else { continue };
        match policy.kind {
            PolicyType::Identity | PolicyType::Session => {
                report.add(&UNSUPPORTED_PRINCIPAL, &principals.place, &[&policy.kind.name()]);
                for entry in principals.entries.iter().filter(|e| e.key == "Federated") {
                    report.add(&FEDERATED_PRINCIPAL_NOT_SUPPORTED, &entry.item.place, &[]);
                }
            }
            PolicyType::Resource | PolicyType::Endpoint | PolicyType::Trust => {
                entries(policy.kind, statement, principals, report);
            }
            // `organization` says what SCPs and RCPs take.
            PolicyType::Scp | PolicyType::Rcp | PolicyType::Any => {}
        }
    }
}

fn entries(kind: PolicyType, statement: &Statement<'_>, principals: &Principals<'_>, report: &mut Report) {
    if principals.negated && statement.allows() && kind != PolicyType::Trust {
        report.add(&ALLOW_WITH_NOT_PRINCIPAL, &principals.place, &[]);
    }
    for entry in &principals.entries {
        let (text, place) = (entry.item.text, &entry.item.place);
        if text.contains("${") {
            continue;
        }
        if has_wildcard(text) && !(entry.key == "AWS" && text == "*") {
            report.add(&UNSUPPORTED_WILDCARD_IN_PRINCIPAL, place, &[&entry.key]);
            continue;
        }
        match entry.key {
            "AWS" if is_unique_id(text, "AROA") => report.add(&INVALID_ROLE_REFERENCE, place, &[&text]),
            "AWS" if is_unique_id(text, "AIDA") => report.add(&INVALID_USER_REFERENCE, place, &[&text]),
            "Service" if !is_service_principal(text) => {
                report.add(&INVALID_SERVICE_PRINCIPAL_FORMAT, place, &[&text, &SERVICE_FORM]);
            }
            "Federated" if kind != PolicyType::Trust => report.add(&FEDERATED_PRINCIPAL_NOT_SUPPORTED, place, &[]),
            _ => {}
        }
    }
}

fn service_values(test: &Test<'_>, report: &mut Report) {
    let via = test.is_key("kms:ViaService");
    let null = test.operator.is_none_or(|o| o.base == Base::Null);
    if null || !(via || SERVICE_KEYS.iter().any(|key| test.is_key(key))) {
        return;
    }
    for value in test.values.iter().filter(|v| !has_wildcard(&v.text) && !v.text.contains("${")) {
        if via && !is_regional_service(&value.text) {
            report.add(&INVALID_SERVICE_PRINCIPAL_FORMAT, &value.place, &[&value.text, &REGIONAL_FORM]);
        } else if !via && !is_service_principal(&value.text) {
            report.add(&INVALID_SERVICE_PRINCIPAL_FORMAT, &value.place, &[&value.text, &SERVICE_FORM]);
        }
    }
}

/// `AROA…` and `AIDA…` of `reference_identifiers`, "Unique identifiers".
fn is_unique_id(text: &str, prefix: &str) -> bool {
    text.starts_with(prefix) && text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The service's own part of a service principal, in any partition.
fn service_part(text: &str) -> Option<&str> {
    const ENDS: [&str; 8] = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".amazonaws.eu",
        ".c2s.ic.gov",
        ".sc2s.sgov.gov",
        ".cloud.adc-e.uk",
        ".csp.hci.ic.gov",
        ".aws.internal",
    ];
    let part = ENDS.iter().find_map(|end| text.strip_suffix(end))?;
    let of_names = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    (of_names && !part.is_empty() && part.split('.').all(|label| !label.is_empty())).then_some(part)
}

fn is_service_principal(text: &str) -> bool {
    service_part(text).is_some()
}

fn is_regional_service(text: &str) -> bool {
    service_part(text)
        .and_then(|part| part.rsplit_once('.'))
        .is_some_and(|(_, region)| crate::catalogue::is_region(region))
}
