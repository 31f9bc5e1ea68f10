//! Statement ids (`reference_policies_elements_sid`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::Policy;

checks! {
    Suggestion EMPTY_SID_VALUE
        "the `Sid` is empty" => "give the statement a name, or remove `Sid`";
        "`Sid` が空である" => "ステートメントに名前を付けるか、`Sid` を削除する";
    Error UNSUPPORTED_SID
        "the `Sid` `{0}` holds other characters than letters and digits" => "keep to A-Z, a-z and 0-9";
        "`Sid` の `{0}` に英数字以外の文字が含まれている" => "A-Z、a-z、0-9 だけを使う";
    Error UNIQUE_SIDS_REQUIRED
        "more than one statement has the `Sid` `{0}`" => "give each statement its own `Sid`";
        "`Sid` の `{0}` が複数のステートメントで使われている" => "ステートメントごとに異なる `Sid` を付ける";
    Warning UNIQUE_SIDS_RECOMMENDED
        "more than one statement has the `Sid` `{0}`" => "give each statement its own `Sid`, so that messages tell them apart";
        "`Sid` の `{0}` が複数のステートメントで使われている" => "区別できるよう、ステートメントごとに異なる `Sid` を付ける";
}

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    // IAM and Organizations allow letters and digits and ask for unique names; other services have their own rules.
    let strict = !policy.kind.is_of_a_resource() && policy.kind != PolicyType::Any;
    let mut seen = Vec::new();
    for sid in policy.statements.iter().filter_map(|s| s.sid.as_ref()) {
        if sid.text.is_empty() {
            report.add(&EMPTY_SID_VALUE, &sid.place, &[]);
            continue;
        }
        if strict && !sid.text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            report.add(&UNSUPPORTED_SID, &sid.place, &[&sid.text]);
        }
        if seen.contains(&sid.text) && policy.kind != PolicyType::Any {
            report.add(if strict { &UNIQUE_SIDS_REQUIRED } else { &UNIQUE_SIDS_RECOMMENDED }, &sid.place, &[&sid.text]);
        }
        seen.push(sid.text);
    }
}
