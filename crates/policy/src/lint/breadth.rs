//! Values that match too much, everything or nothing (`reference_policies_condition-keys`, "Sensitive condition keys").

use super::check::{Check, Report, checks};
use super::view::{Policy, Test, Value, has_wildcard, without_variables};
use crate::operator::{Base, Operator, SetOperator, ValueKind};

checks! {
    Error WILDCARD_USAGE_TOO_PERMISSIVE
        "the wildcard in `{0}` lets `{1}` match far more than is safe" => "{2}";
        "`{0}` のワイルドカードにより、`{1}` が想定よりはるかに広く一致する" => "{3}";
    Error VARIABLE_USAGE_TOO_PERMISSIVE
        "the variable in `{0}` may let `{1}` match any value" => "{2}";
        "`{0}` の変数により、`{1}` が任意の値に一致しうる" => "{3}";
    Suggestion REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION
        "`{0}` matches any value of `{1}`" => "remove the key";
        "`{0}` の条件は `{1}` のどの値にも一致する" => "このキーを削除する";
    Suggestion REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION
        "`{0}` matches no value of `{1}`" => "remove the key, or the statement if it was meant to apply";
        "`{0}` の条件は `{1}` のどの値にも一致しない" => "このキーを削除するか、ステートメントを見直す";
    Suggestion EQUIVALENT_TO_NULL_FALSE
        "`{0}` with `*` asks only whether `{1}` is there" => "write `\"Null\": {\"{1}\": \"false\"}`";
        "`{0}` と `*` の組み合わせは `{1}` の有無を調べるだけである" => "`\"Null\": {\"{1}\": \"false\"}` と書く";
    Suggestion EQUIVALENT_TO_NULL_TRUE
        "`{0}` with `*` asks only whether `{1}` is missing" => "write `\"Null\": {\"{1}\": \"true\"}`";
        "`{0}` と `*` の組み合わせは `{1}` がないことを調べるだけである" => "`\"Null\": {\"{1}\": \"true\"}` と書く";
    SecurityWarning UNTRUSTWORTHY_CONDITION_KEY
        "the caller chooses the value of `{0}`" => "control access by a key that AWS sets";
        "`{0}` の値は呼び出し元が自由に設定できる" => "AWS が設定する条件キーでアクセスを制御する";
    SecurityWarning DYNAMODB_ATTRIBUTES_WITHOUT_SELECT
        "a read that names no attributes returns all of them, whatever `dynamodb:Attributes` says" => "add `\"StringEquals\": {\"dynamodb:Select\": \"SPECIFIC_ATTRIBUTES\"}`";
        "属性を指定しない読み取りは、`dynamodb:Attributes` の値にかかわらずすべての属性を返す" => "`\"StringEquals\": {\"dynamodb:Select\": \"SPECIFIC_ATTRIBUTES\"}` を加える";
}

/// Keys whose values are never meant in part.
const SENSITIVE: [&str; 10] = [
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "aws:VpceOrgID",
];

/// Keys that say who calls and from where: a value must fix at least [`FIXED`] characters in a row.
const IDENTIFYING: [&str; 9] = [
    "aws:PrincipalArn",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:ResourceOrgPaths",
    "aws:SourceArn",
    "aws:SourceOrgPaths",
    "aws:SourceVpcArn",
    "aws:VpceOrgPaths",
    "aws:username",
];
const FIXED: usize = 6;

/// Variables that AWS itself fills with an account, organization or network: no caller can make a wildcard of them.
const FIXED_BY_AWS: [&str; 6] = [
    "aws:Ec2InstanceSourceVpc",
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:SourceVpc",
];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        for test in &statement.tests {
            let Some(operator) = test.operator.filter(|o| o.base != Base::Null) else { continue };
            if test.is_key("aws:referer") || test.is_key("aws:UserAgent") {
                report.add(&UNTRUSTWORTHY_CONDITION_KEY, &test.place, &[&test.key]);
            }
            if takes_wildcards(operator) {
                everything(test, operator, report);
                test.values.iter().for_each(|value| too_much(test, value, &WILDCARD_USAGE_TOO_PERMISSIVE, report));
            }
            if policy.has_variables() && matches!(operator.base.value_kind(), ValueKind::String | ValueKind::Arn) {
                for value in test.values.iter().filter(|v| v.text.contains("${")) {
                    too_much(test, value, &VARIABLE_USAGE_TOO_PERMISSIVE, report);
                }
            }
        }
        let reads = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"];
        let covers =
            |read: &str| statement.actions().iter().any(|a| crate::pattern::Glob::ignoring_case(a.text).matches(read));
        let select = statement.tests_value(Base::StringEquals, "dynamodb:Select", "SPECIFIC_ATTRIBUTES");
        let attributes = statement.tests.iter().find(|t| t.is_key("dynamodb:Attributes"));
        if let Some(test) = attributes.filter(|_| statement.allows() && !select && reads.into_iter().any(covers)) {
            report.add(&DYNAMODB_ATTRIBUTES_WITHOUT_SELECT, &test.place, &[]);
        }
    }
}

fn takes_wildcards(operator: Operator) -> bool {
    matches!(operator.base, Base::StringLike | Base::StringNotLike) || operator.base.value_kind() == ValueKind::Arn
}

/// `*` among the values: the test holds for every value of the key, or for none.
fn everything(test: &Test<'_>, operator: Operator, report: &mut Report) {
    if !test.values.iter().any(|v| !v.text.is_empty() && v.text.bytes().all(|b| b == b'*')) {
        return;
    }
    let args: [&dyn std::fmt::Display; 2] = [&test.operator_text, &test.key];
    let mut add = |check: &'static Check| report.add(check, &test.place, &args);
    if operator.base.is_negated() {
        add(&REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION);
        if operator.set != Some(SetOperator::ForAnyValue) {
            add(&EQUIVALENT_TO_NULL_TRUE);
        }
    } else {
        // A tag may be missing, so that `*` asks for its presence.
        if operator.if_exists || !test.key.contains('/') {
            add(&REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION);
        }
        if !operator.if_exists && operator.set != Some(SetOperator::ForAllValues) {
            add(&EQUIVALENT_TO_NULL_FALSE);
        }
    }
}

fn too_much(test: &Test<'_>, value: &Value<'_>, check: &'static Check, report: &mut Report) {
    let of_variables = check == &VARIABLE_USAGE_TOO_PERMISSIVE;
    let open = if of_variables {
        open_variables(&value.text)
    } else {
        has_wildcard(&value.text).then(|| (*value.text).into())
    };
    let Some(open) = open else { return };
    let advice = if SENSITIVE.iter().any(|key| test.is_key(key)) {
        Some(("write the whole value", "値を省略せずに書く"))
    } else if test.is_key("aws:userid") {
        (!is_bounded_user_id(&open)).then_some((
            "write the unique id before the colon in full, as `AROAEXAMPLEID:*`",
            "`AROAEXAMPLEID:*` のように、コロンより前の一意の ID を省略せずに書く",
        ))
    } else {
        let identifying = IDENTIFYING.iter().any(|key| test.is_key(key)) && !is_specific(&open);
        identifying.then_some((
            "fix at least 6 characters in a row, as in `prefix-*`",
            "`prefix-*` のように、連続する 6 文字以上を固定する",
        ))
    };
    if let Some((en, ja)) = advice {
        report.add(check, &value.place, &[&value.text, &test.key, &en, &ja]);
    }
}

/// The value with a `*` for each variable that a caller may influence; `None` if there is none.
fn open_variables(text: &str) -> Option<String> {
    let mut closed = text.to_owned();
    for name in FIXED_BY_AWS {
        closed = replace_ignoring_case(&closed, &format!("${{{name}}}"), "FIXED-BY-AWS");
    }
    closed = closed.replace("${*}", "-").replace("${?}", "-").replace("${$}", "-");
    closed.contains("${").then(|| without_variables(&closed).into_owned())
}

fn replace_ignoring_case(text: &str, what: &str, by: &str) -> String {
    match text.to_ascii_lowercase().find(&what.to_ascii_lowercase()) {
        Some(at) => {
            let (head, tail) = (text.get(..at).unwrap_or_default(), text.get(at + what.len()..).unwrap_or_default());
            format!("{head}{by}{tail}")
        }
        None => text.to_owned(),
    }
}

/// The wildcard stands only after a colon, or alone before it (`*:session`).
fn is_bounded_user_id(text: &str) -> bool {
    text.split_once(':').is_some_and(|(id, _)| id == "*" || !has_wildcard(id))
}

fn is_specific(text: &str) -> bool {
    text.split(['*', '?']).any(|run| run.chars().count() >= FIXED)
}
