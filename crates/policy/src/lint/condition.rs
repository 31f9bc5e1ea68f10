//! Condition operators and keys (`reference_policies_elements_condition`, `…_condition_operators`,
//! `reference_policies_condition-single-vs-multi-valued-context-keys`).

use super::PolicyType;
use super::action::is_service;
use super::check::{Check, Place, Report, checks};
use super::grammar::{DATA_TYPE_MISMATCH, EMPTY_OBJECT_CONDITION, object, twice};
use super::view::{Policy, Statement, Test, Value};
use crate::catalogue::{ConditionKey, KeyType, ValueType, global_keys};
use crate::json::{Json, Member, Node};
use crate::operator::{Base, Operator, SetOperator, ValueKind};
use std::borrow::Cow;
use yagura_model::nearest;

checks! {
    Error INVALID_CONDITION_OPERATOR
        "no condition operator `{0}`" => "use one of AWS's condition operators{1}";
        "条件演算子 `{0}` は存在しない" => "AWS の条件演算子を使う{1}";
    Error NULL_WITH_IF_EXISTS
        "`Null` asks itself whether the key is there and takes no `IfExists`" => "write `Null`";
        "`Null` はキーの有無を調べる演算子であり、`IfExists` を付けられない" => "`Null` と書く";
    Suggestion NULL_WITH_QUALIFIER
        "`{0}` always gives the same answer" => "write `Null` without a qualifier";
        "`{0}` は常に同じ結果になる" => "修飾子を付けずに `Null` と書く";
    Error INVALID_CONDITION_KEY_FORMAT
        "`{0}` has not the form of a condition key" => "write it as `service:key`";
        "`{0}` は条件キーの形式ではない" => "`service:key` の形で書く";
    Error INVALID_GLOBAL_CONDITION_KEY
        "no global condition key `{0}`" => "use one of AWS's global condition keys{1}";
        "グローバル条件キー `{0}` は存在しない" => "AWS のグローバル条件キーを使う{1}";
    Error UNSUPPORTED_GLOBAL_CONDITION_KEY
        "AWS does not support the condition key `{0}`" => "use `aws:PrincipalArn` for the caller or `aws:SourceArn` for the resource that a service acts for";
        "条件キー `{0}` は AWS でサポートされていない" => "呼び出し元には `aws:PrincipalArn` を、サービスの呼び出し元リソースには `aws:SourceArn` を使う";
    Warning DEPRECATED_GLOBAL_CONDITION_KEY
        "the condition key `{0}` is deprecated" => "use `{1}`";
        "条件キー `{0}` は非推奨である" => "`{1}` を使う";
    Error INVALID_SERVICE
        "no AWS service `{0}`" => "correct the service's prefix";
        "AWS のサービス `{0}` は存在しない" => "サービスのプレフィックスを直す";
    Error INVALID_SERVICE_CONDITION_KEY
        "the service `{1}` has no condition key `{0}`" => "use one of the service's condition keys{2}";
        "サービス `{1}` に条件キー `{0}` は存在しない" => "そのサービスの条件キーを使う{2}";
    Error MISSING_TAG_KEY_IN_CONDITION
        "`{0}` does not say which tag" => "add the tag's key, as in `{1}`";
        "`{0}` にタグキーの指定がない" => "`{1}` のようにタグキーを加える";
    Error DUPLICATE_KEYS_WITH_DIFFERENT_CASE
        "the key `{0}` stands twice under one operator, in different case" => "join both into one list of values";
        "キー `{0}` が大文字小文字だけを変えて同じ演算子の下に 2 回書かれている" => "1 つの値リストにまとめる";
    Error MISSING_QUALIFIER
        "a request may carry several values of `{0}`" => "put `ForAllValues:` or `ForAnyValue:` before the operator";
        "`{0}` はリクエストに複数の値を持ちうるキーである" => "演算子の前に `ForAllValues:` または `ForAnyValue:` を付ける";
    SecurityWarning FORALLVALUES_WITH_SINGLE_VALUED_KEY
        "`{0}` has one value, and `ForAllValues` also holds where the key is missing" => "remove `ForAllValues:`";
        "`{0}` は単一値のキーであり、`ForAllValues` はキーがない場合にも成立する" => "`ForAllValues:` を外す";
    SecurityWarning FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE
        "the audience claim `{0}` has one value" => "remove `ForAnyValue:`";
        "オーディエンスクレーム `{0}` は単一値である" => "`ForAnyValue:` を外す";
    Suggestion CONFIRM_AUDIENCE_CLAIM_TYPE
        "`{0}` holds a token's audience, mostly one value" => "keep the qualifier only if your identity provider sends several audiences";
        "`{0}` はトークンのオーディエンスであり、通常は単一値である" => "ID プロバイダーが複数のオーディエンスを送る場合に限り修飾子を残す";
    Suggestion EMPTY_ARRAY_CONDITION
        "the list of values for `{0}` is empty" => "name values, or remove the key";
        "`{0}` の値リストが空である" => "値を指定するか、キーを削除する";
    Suggestion EMPTY_ARRAY_CONDITION_FORALLVALUES
        "`ForAllValues` with no values holds only where `{0}` is missing" => "write `\"Null\": {\"{0}\": \"true\"}`";
        "値のない `ForAllValues` は `{0}` がない場合にだけ成立する" => "`\"Null\": {\"{0}\": \"true\"}` と書く";
    Suggestion EMPTY_ARRAY_CONDITION_FORANYVALUE
        "`ForAnyValue` with no values for `{0}` never holds" => "name values, or remove the key";
        "`{0}` の値がない `ForAnyValue` は決して成立しない" => "値を指定するか、キーを削除する";
    Suggestion EMPTY_ARRAY_CONDITION_IFEXISTS
        "`IfExists` with no values holds only where `{0}` is missing" => "write `\"Null\": {\"{0}\": \"true\"}`";
        "値のない `IfExists` は `{0}` がない場合にだけ成立する" => "`\"Null\": {\"{0}\": \"true\"}` と書く";
}

/// Reads `Condition`.
pub(super) fn read<'n>(node: &'n Node<'n>, place: &Place, report: &mut Report) -> Vec<Test<'n>> {
    let Some(operators) = object(node, "Condition", place, report) else { return Vec::new() };
    if operators.is_empty() {
        report.add(&EMPTY_OBJECT_CONDITION, place, &[]);
    }
    let mut tests = Vec::new();
    for (n, member) in operators.iter().enumerate() {
        let here = place.member(&member.key, member.key_span);
        if operators.iter().take(n).any(|earlier| earlier.key == member.key) {
            twice(&member.key, &here, report);
        }
        let operator = operator(&member.key, &here, report);
        let here = Place { span: member.value.span, ..here };
        let Some(keys) = object(&member.value, &member.key, &here, report) else { continue };
        if keys.is_empty() {
            report.add(&EMPTY_OBJECT_CONDITION, &here, &[]);
        }
        doubles(keys, &here, report);
        tests.extend(keys.iter().map(|key| test(key, &member.key, operator, &here, report)));
    }
    tests
}

fn doubles(keys: &[Member<'_>], place: &Place, report: &mut Report) {
    for (n, key) in keys.iter().enumerate() {
        let here = place.member(&key.key, key.key_span);
        match keys.iter().take(n).find(|earlier| earlier.key.eq_ignore_ascii_case(&key.key)) {
            Some(earlier) if earlier.key == key.key => twice(&key.key, &here, report),
            Some(_) => report.add(&DUPLICATE_KEYS_WITH_DIFFERENT_CASE, &here, &[&key.key]),
            None => {}
        }
    }
}

/// The operator of a name. `Null` with a qualifier or `IfExists` is reported and read all the same.
fn operator(text: &str, place: &Place, report: &mut Report) -> Option<Operator> {
    if let Some(operator) = Operator::parse(text) {
        return Some(operator);
    }
    let (set, rest) = match text.split_once(':') {
        Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetOperator::ForAllValues), rest),
        Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetOperator::ForAnyValue), rest),
        _ => (None, text),
    };
    let if_exists = rest.eq_ignore_ascii_case("NullIfExists");
    if !if_exists && !rest.eq_ignore_ascii_case("Null") {
        report.add(&INVALID_CONDITION_OPERATOR, place, &[&text, &perhaps(nearest(text, Base::all().map(Base::name)))]);
        return None;
    }
    if if_exists {
        report.add(&NULL_WITH_IF_EXISTS, place, &[]);
    }
    if set.is_some() {
        report.add(&NULL_WITH_QUALIFIER, place, &[&text]);
    }
    Some(Operator { base: Base::Null, if_exists, set })
}

fn test<'n>(
    member: &'n Member<'n>,
    operator_text: &'n str,
    operator: Option<Operator>,
    place: &Place,
    report: &mut Report,
) -> Test<'n> {
    let place = place.member(&member.key, member.key_span);
    if member.value.items().is_empty() {
        report.add(empty(operator), &place, &[&member.key]);
    }
    let values = member.value.items().iter().filter_map(|node| {
        let place = Place { path: place.path.clone(), span: node.span };
        let text = match &node.value {
            Json::String(text) => Cow::Borrowed(&**text),
            Json::Number(text) => Cow::Borrowed(*text),
            Json::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            _ => {
                report.add(&DATA_TYPE_MISMATCH, &place, &[&member.key, &"a string, number or boolean", &node.kind()]);
                return None;
            }
        };
        Some(Value { text, kind: node.kind(), place })
    });
    let values = values.collect();
    Test { operator_text, operator, key: &member.key, values, place }
}

fn empty(operator: Option<Operator>) -> &'static Check {
    match operator {
        Some(Operator { set: Some(SetOperator::ForAllValues), .. }) => &EMPTY_ARRAY_CONDITION_FORALLVALUES,
        Some(Operator { set: Some(SetOperator::ForAnyValue), .. }) => &EMPTY_ARRAY_CONDITION_FORANYVALUE,
        Some(Operator { if_exists: true, .. }) => &EMPTY_ARRAY_CONDITION_IFEXISTS,
        _ => &EMPTY_ARRAY_CONDITION,
    }
}

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for test in policy.statements.iter().flat_map(|s: &Statement<'_>| &s.tests) {
        key_format(test, report);
        if policy.kind != PolicyType::Any {
            key_exists(policy, test, report);
            number_of_values(policy, test, report);
        }
    }
}

fn key_format(test: &Test<'_>, report: &mut Report) {
    let well_formed = test.key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty());
    if !well_formed || test.key.chars().next().is_some_and(char::is_whitespace) {
        report.add(&INVALID_CONDITION_KEY_FORMAT, &test.place, &[&test.key]);
    }
}

/// Whether the key is one of AWS's. Keys of identity providers (`accounts.google.com:aud`) are whatever those send.
fn key_exists(policy: &Policy<'_>, test: &Test<'_>, report: &mut Report) {
    let Some((prefix, name)) = test.key.split_once(':') else { return };
    if prefix.is_empty() || name.is_empty() || prefix.contains(['.', '/']) || test.known(policy.catalogue).is_some() {
        return;
    }
    let known = |keys: &[ConditionKey]| -> Option<String> {
        let whole = keys.iter().find(|key| lacks_tag(&key.name, test.key));
        whole.map(|key| key.name.replace("${TagKey}", "tag-key").replace("<key>", "tag-key"))
    };
    let service = policy.catalogue.service(prefix);
    let global = prefix.eq_ignore_ascii_case("aws");
    let keys = if global { global_keys() } else { service.map_or(&[][..], |s| &s.keys) };
    if let Some(example) = known(keys) {
        report.add(&MISSING_TAG_KEY_IN_CONDITION, &test.place, &[&test.key, &example]);
        return;
    }
    let near = || perhaps(nearest(test.key, keys.iter().map(|k| k.name.as_str())));
    if test.is_key("aws:ARN") {
        report.add(&UNSUPPORTED_GLOBAL_CONDITION_KEY, &test.place, &[&test.key]);
        report.add(&DEPRECATED_GLOBAL_CONDITION_KEY, &test.place, &[&test.key, &"aws:PrincipalArn"]);
    } else if global {
        report.add(&INVALID_GLOBAL_CONDITION_KEY, &test.place, &[&test.key, &near()]);
    } else if service.is_some() && !of_iot_devices(test.key) {
        report.add(&INVALID_SERVICE_CONDITION_KEY, &test.place, &[&test.key, &prefix, &near()]);
    } else if !is_service(policy.catalogue, prefix) {
        report.add(&INVALID_SERVICE, &test.place, &[&prefix]);
    }
}

/// Keys of AWS IoT Core's device connections, which its guide lists (`thing-policy-variables`) and the reference does not.
fn of_iot_devices(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["iot:connection.", "iot:certificate."].iter().any(|head| key.starts_with(head))
}

/// Whether a key names a tag condition of AWS's but no tag: `aws:ResourceTag` or `aws:ResourceTag/`.
fn lacks_tag(name: &str, written: &str) -> bool {
    let head = name.split_once("/${TagKey}").or_else(|| name.split_once("/<key>")).map(|(head, _)| head);
    head.is_some_and(|head| head.eq_ignore_ascii_case(written.strip_suffix('/').unwrap_or(written)))
}

fn number_of_values(policy: &Policy<'_>, test: &Test<'_>, report: &mut Report) {
    let Some(operator) = test.operator.filter(|o| o.base.value_kind() != ValueKind::Null) else { return };
    let audience = test.key.rsplit_once(':').is_some_and(|(issuer, claim)| {
        (issuer.contains('.') || issuer.eq_ignore_ascii_case("saml")) && claim.eq_ignore_ascii_case("aud")
    });
    if audience && operator.set.is_some() {
        report.add(&CONFIRM_AUDIENCE_CLAIM_TYPE, &test.place, &[&test.key]);
        if operator.set == Some(SetOperator::ForAnyValue) {
            report.add(&FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE, &test.place, &[&test.key]);
        }
    }
    let Some(KeyType { multivalued, of }) = test.known(policy.catalogue).map(|key| key.kind) else {
        if audience && operator.set == Some(SetOperator::ForAllValues) {
            report.add(&FORALLVALUES_WITH_SINGLE_VALUED_KEY, &test.place, &[&test.key]);
        }
        return;
    };
    match operator.set {
        // Amazon EventBridge documents its keys without qualifiers (`eb-use-conditions`).
        None if multivalued && of != ValueType::Bool && !test.key.starts_with("events:") => {
            report.add(&MISSING_QUALIFIER, &test.place, &[&test.key])
        }
        Some(SetOperator::ForAllValues) if !multivalued => {
            report.add(&FORALLVALUES_WITH_SINGLE_VALUED_KEY, &test.place, &[&test.key]);
        }
        _ => {}
    }
}

/// `; perhaps `x``, where there is something near.
pub(super) fn perhaps(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(": `{near}`?"))
}
