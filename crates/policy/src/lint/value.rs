//! Condition values against their operator and key (`reference_policies_elements_condition_operators`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{Policy, Test, Value, has_wildcard, without_variables};
use crate::catalogue::{ValueType, is_region, region_matches};
use crate::operator::{Base, Operator, ValueKind};
use crate::value::{date, number};
use yagura_model::IpRange;

checks! {
    Error INVALID_CONDITION_DATA_TYPE
        "the values of `{0}` are of different JSON types" => "write all of them as strings";
        "`{0}` の値の JSON の型が揃っていない" => "すべて文字列で書く";
    Error INVALID_CONDITION_MULTIPLE_BOOLEAN
        "`{0}` takes one boolean" => "keep `true` or `false`";
        "`{0}` に指定できるブール値は 1 つだけである" => "`true` か `false` の一方だけを残す";
    Error INVALID_VARIABLE_FOR_OPERATOR
        "`{0}` takes no policy variables" => "write a fixed value, or use a string or ARN operator";
        "`{0}` ではポリシー変数を使えない" => "固定値を書くか、文字列または ARN の演算子を使う";
    Warning TYPE_MISMATCH
        "`{0}` is no operator for `{1}`" => "use {2} operators";
        "`{0}` は `{1}` に合う演算子ではない" => "{2} の演算子を使う";
    Warning TYPE_MISMATCH_BOOLEAN
        "`{0}` is neither `true` nor `false`, which `{1}` takes" => "write `true` or `false`";
        "`{1}` の値 `{0}` は `true` でも `false` でもない" => "`true` または `false` と書く";
    Warning TYPE_MISMATCH_DATE
        "`{0}` is no date" => "write it as `2026-01-31` or `2026-01-31T09:00:00Z`";
        "`{0}` は日付ではない" => "`2026-01-31` または `2026-01-31T09:00:00Z` のように書く";
    Error TYPE_MISMATCH_IP_RANGE
        "`{0}` is no IP address range, which `{1}` takes" => "write it in CIDR form, as `203.0.113.0/24`";
        "`{1}` の値 `{0}` は IP アドレス範囲ではない" => "`203.0.113.0/24` のような CIDR 形式で書く";
    Warning TYPE_MISMATCH_NUMBER
        "`{0}` is no number, which `{1}` takes" => "write a number";
        "`{1}` の値 `{0}` は数値ではない" => "数値を書く";
    Warning TYPE_MISMATCH_STRING
        "`{0}` is not base64, which `{1}` takes" => "encode the value in base64";
        "`{1}` の値 `{0}` は base64 ではない" => "値を base64 でエンコードする";
    Warning INVALID_DATE_VALUE
        "`{0}` counts seconds since 1970, which is easily misread" => "write the date as `2026-01-31T09:00:00Z`";
        "`{0}` は 1970 年からの秒数であり、意図した日時にならないことがある" => "`2026-01-31T09:00:00Z` のような日付で書く";
    Warning WILDCARD_WITHOUT_LIKE_OPERATOR
        "`{0}` takes `*` and `?` for plain characters" => "use `StringLike` or `StringNotLike` if wildcards are meant";
        "`{0}` は `*` や `?` を通常の文字として扱う" => "ワイルドカードのつもりなら `StringLike` または `StringNotLike` を使う";
    Suggestion REDUNDANT_CONDITION_VALUE_NUM
        "only the {2} of these values for `{1}` counts with `{0}`" => "keep that value alone";
        "`{0}` では `{1}` の値のうち{3}のものだけが意味を持つ" => "その値だけを残す";
    SecurityWarning STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS
        "`{0}` lets a wildcard in `{1}` run over the parts of an ARN" => "use `{2}`";
        "`{0}` では `{1}` のワイルドカードが ARN の区切りをまたいで一致する" => "`{2}` を使う";
    Error INVALID_REGION
        "no Region `{0}`" => "write a Region's code, as `ap-northeast-1`";
        "リージョン `{0}` は存在しない" => "`ap-northeast-1` のようなリージョンコードを書く";
    Error INVALID_VPC_FORMAT
        "`{0}` is no VPC id" => "write `vpc-` and 8 or 17 letters and digits";
        "`{0}` は VPC ID ではない" => "`vpc-` に続けて英数字 8 文字または 17 文字で書く";
    Error INVALID_VPCE_FORMAT
        "`{0}` is no VPC endpoint id" => "write `vpce-` and 8 or 17 letters and digits";
        "`{0}` は VPC エンドポイント ID ではない" => "`vpce-` に続けて英数字 8 文字または 17 文字で書く";
    Error INVALID_KMS_KEY_VALUE
        "`{1}` is compared with the ARN of a KMS key, which `{0}` is not" => "write `arn:aws:kms:REGION:ACCOUNT:key/KEY-ID`";
        "`{1}` は KMS キーの ARN と比較されるが、`{0}` はその形式ではない" => "`arn:aws:kms:リージョン:アカウント:key/キーID` と書く";
}

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for test in policy.statements.iter().flat_map(|s| &s.tests) {
        let Some(operator) = test.operator else { continue };
        let kinds = test.values.iter().map(|v| v.kind);
        if kinds.clone().any(|kind| Some(kind) != test.values.first().map(|v| v.kind)) {
            report.add(&INVALID_CONDITION_DATA_TYPE, &test.place, &[&test.key]);
        }
        one_boolean(policy, test, operator, report);
        for value in &test.values {
            form(policy, test, operator, value, report);
        }
        if policy.kind != PolicyType::Any {
            fits_key(policy, test, operator, report);
            extremes(test, operator, report);
            test.values.iter().for_each(|value| meaning(test, operator, value, report));
        }
    }
}

fn one_boolean(policy: &Policy<'_>, test: &Test<'_>, operator: Operator, report: &mut Report) {
    let of_key = policy.catalogue.condition_key(test.key).map(|key| key.kind);
    let boolean = matches!(operator.base, Base::Bool | Base::Null) || of_key.is_some_and(|k| k.of == ValueType::Bool);
    if boolean && test.values.len() > 1 && !of_key.is_some_and(|k| k.multivalued && operator.base != Base::Null) {
        report.add(&INVALID_CONDITION_MULTIPLE_BOOLEAN, &test.place, &[&test.key]);
    }
}

/// Whether a value has the form that its operator asks for.
fn form(policy: &Policy<'_>, test: &Test<'_>, operator: Operator, value: &Value<'_>, report: &mut Report) {
    let (text, name) = (&*value.text, &test.operator_text);
    let kind = operator.base.value_kind();
    if text.contains("${") && !matches!(kind, ValueKind::String | ValueKind::Arn) {
        if policy.has_variables() {
            report.add(&INVALID_VARIABLE_FOR_OPERATOR, &value.place, &[name]);
        }
        return;
    }
    match kind {
        ValueKind::Bool | ValueKind::Null if !["true", "false"].iter().any(|b| b.eq_ignore_ascii_case(text)) => {
            report.add(&TYPE_MISMATCH_BOOLEAN, &value.place, &[&text, name]);
        }
        ValueKind::Numeric if number(text).is_none() => {
            report.add(&TYPE_MISMATCH_NUMBER, &value.place, &[&text, name]);
        }
        ValueKind::Date if date(text).is_none() => report.add(&TYPE_MISMATCH_DATE, &value.place, &[&text]),
        ValueKind::Date if number(text).is_some() && !test.is_key("aws:EpochTime") => {
            report.add(&INVALID_DATE_VALUE, &value.place, &[&text]);
        }
        ValueKind::Ip if IpRange::parse(text).is_none() => {
            report.add(&TYPE_MISMATCH_IP_RANGE, &value.place, &[&text, name]);
        }
        ValueKind::Binary if !is_base64(text) => report.add(&TYPE_MISMATCH_STRING, &value.place, &[&text, name]),
        ValueKind::String if !matches!(operator.base, Base::StringLike | Base::StringNotLike) && has_wildcard(text) => {
            report.add(&WILDCARD_WITHOUT_LIKE_OPERATOR, &value.place, &[name]);
        }
        _ => {}
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// Whether the operator is one for the key.
fn fits_key(policy: &Policy<'_>, test: &Test<'_>, operator: Operator, report: &mut Report) {
    let Some(key) = test.known(policy.catalogue) else { return };
    let kind = operator.base.value_kind();
    let fits = match key.kind.of {
        ValueType::String => matches!(kind, ValueKind::String | ValueKind::Binary),
        ValueType::Arn => matches!(kind, ValueKind::Arn | ValueKind::String),
        ValueType::Bool => kind == ValueKind::Bool,
        ValueType::Numeric => kind == ValueKind::Numeric,
        ValueType::Date => kind == ValueKind::Date,
        ValueType::EpochTime => matches!(kind, ValueKind::Date | ValueKind::Numeric),
        ValueType::Ip => kind == ValueKind::Ip,
    };
    let filled_in = test.values.iter().all(|v| v.text.contains("${")) && !test.values.is_empty();
    // Tags and encryption contexts may hold ARNs.
    let of_arns = test.values.iter().all(|v| v.text.starts_with("arn:")) && kind == ValueKind::Arn;
    if kind == ValueKind::Null || (filled_in && kind == ValueKind::String) || of_arns {
        return;
    }
    if !fits {
        let wanted = match key.kind.of {
            ValueType::String => "String",
            ValueType::Arn => "Arn",
            ValueType::Bool => "Bool",
            ValueType::Numeric => "Numeric",
            ValueType::Date | ValueType::EpochTime => "Date",
            ValueType::Ip => "IpAddress",
        };
        report.add(&TYPE_MISMATCH, &test.place, &[&test.operator_text, &test.key, &wanted]);
    }
    let arn_operator = match operator.base {
        Base::StringLike => "ArnLike",
        Base::StringNotLike => "ArnNotLike",
        _ => return,
    };
    if key.kind.of == ValueType::Arn {
        let args: [&dyn std::fmt::Display; 3] = [&test.operator_text, &test.key, &arn_operator];
        report.add(&STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS, &test.place, &args);
    }
}

fn extremes(test: &Test<'_>, operator: Operator, report: &mut Report) {
    let (en, ja) = match operator.base {
        Base::NumericLessThan | Base::NumericLessThanEquals => ("greatest", "最大"),
        Base::NumericGreaterThan | Base::NumericGreaterThanEquals => ("least", "最小"),
        _ => return,
    };
    if test.values.len() > 1 {
        report.add(&REDUNDANT_CONDITION_VALUE_NUM, &test.place, &[&test.operator_text, &test.key, &en, &ja]);
    }
}

/// Whether a value is one that the key can have.
fn meaning(test: &Test<'_>, operator: Operator, value: &Value<'_>, report: &mut Report) {
    let kind = operator.base.value_kind();
    let of_key_arns = test.is_key("s3:x-amz-server-side-encryption-aws-kms-key-id");
    if of_key_arns && matches!(kind, ValueKind::String | ValueKind::Arn) && !is_key_arn(&without_variables(&value.text))
    {
        report.add(&INVALID_KMS_KEY_VALUE, &value.place, &[&value.text, &test.key]);
    }
    if kind != ValueKind::String {
        return;
    }
    let like = matches!(operator.base, Base::StringLike | Base::StringNotLike);
    let text = without_variables(&value.text);
    let open = text != value.text || (like && has_wildcard(&text));
    if test.is_key("aws:RequestedRegion") || test.is_key("ec2:Region") {
        let known = if open { region_matches(&text) } else { is_region(&text) };
        if !known {
            report.add(&INVALID_REGION, &value.place, &[&value.text]);
        }
    } else if test.is_key("aws:SourceVpc") && !open && !is_id(&text, "vpc-") {
        report.add(&INVALID_VPC_FORMAT, &value.place, &[&value.text]);
    } else if test.is_key("aws:SourceVpce") && !open && !is_id(&text, "vpce-") {
        report.add(&INVALID_VPCE_FORMAT, &value.place, &[&value.text]);
    }
}

fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    matches!(rest.len(), 8 | 17) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The ARN of a KMS key, or a pattern of one.
fn is_key_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "kms", region, account, key] => {
            !region.is_empty() && !account.is_empty() && (key.starts_with("key/") || key.starts_with('*'))
        }
        _ => text.contains('*'),
    }
}
