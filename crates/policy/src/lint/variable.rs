//! Policy variables (`reference_policies_variables`).

use super::check::{Place, Report, checks};
use super::view::Policy;

checks! {
    Error MISSING_BRACE_IN_VARIABLE
        "the variable that begins with `{0}` has no closing brace" => "add `}` after its name";
        "`{0}` で始まる変数に閉じ波括弧がない" => "変数名の後に `}` を加える";
    Error MISSING_QUOTE_IN_VARIABLE
        "the default value of `{0}` is not in single quotes" => "write it as `, 'value'`";
        "`{0}` のデフォルト値が一重引用符で囲まれていない" => "`, 'value'` のように書く";
    Error UNSUPPORTED_SPACE_IN_VARIABLE
        "the name of the variable `{0}` holds a space" => "remove the space";
        "変数 `{0}` の名前に空白が含まれている" => "空白を取り除く";
    Error EMPTY_VARIABLE
        "the variable has no name" => "name it, or remove `${}`";
        "変数に名前がない" => "名前を書くか、`${}` を削除する";
    Error VARIABLE_UNSUPPORTED_IN_ELEMENT
        "`{0}` takes no policy variables" => "write a fixed value; variables go into `Resource` and `Condition`";
        "`{0}` ではポリシー変数を使えない" => "固定値を書く。変数は `Resource` と `Condition` で使える";
    Error VARIABLE_UNSUPPORTED_IN_VERSION
        "`{0}` is plain text in this version of the policy language" => "set `Version` to `2012-10-17`";
        "このバージョンのポリシー言語では `{0}` はただの文字列である" => "`Version` を `2012-10-17` にする";
}

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if let Some(id) = &policy.id {
        unsupported(id.text, "Id", &id.place, report);
    }
    for statement in &policy.statements {
        for (name, item) in [("Sid", &statement.sid), ("Effect", &statement.effect_item)] {
            if let Some(item) = item {
                unsupported(item.text, name, &item.place, report);
            }
        }
        if let Some(actions) = &statement.action {
            actions.items.iter().for_each(|item| unsupported(item.text, actions.name, &item.place, report));
        }
        if let Some(principals) = &statement.principal {
            let name = if principals.negated { "NotPrincipal" } else { "Principal" };
            principals.entries.iter().for_each(|e| unsupported(e.item.text, name, &e.item.place, report));
        }
        for item in statement.resource.iter().flat_map(|list| &list.items) {
            supported(policy, item.text, &item.place, report);
        }
        for test in &statement.tests {
            unsupported(test.key, "Condition", &test.place, report);
            test.values.iter().for_each(|value| supported(policy, &value.text, &value.place, report));
        }
    }
}

fn unsupported(text: &str, element: &str, place: &Place, report: &mut Report) {
    if variables(text).next().is_some() {
        report.add(&VARIABLE_UNSUPPORTED_IN_ELEMENT, place, &[&element]);
    }
}

fn supported(policy: &Policy<'_>, text: &str, place: &Place, report: &mut Report) {
    for variable in variables(text) {
        if !policy.has_variables() {
            if policy.version.is_none_or(|v| v == "2008-10-17") {
                report.add(&VARIABLE_UNSUPPORTED_IN_VERSION, place, &[&variable.written()]);
            }
            continue;
        }
        let Variable::Whole(inner) = variable else {
            report.add(&MISSING_BRACE_IN_VARIABLE, place, &[&variable.written()]);
            return;
        };
        let (name, default) = inner.split_once(',').map_or((inner, None), |(name, default)| (name, Some(default)));
        if inner.trim().is_empty() {
            report.add(&EMPTY_VARIABLE, place, &[]);
        } else if name.contains(char::is_whitespace) {
            report.add(&UNSUPPORTED_SPACE_IN_VARIABLE, place, &[&variable.written()]);
        }
        let quoted = |d: &str| {
            let d = d.trim();
            d.len() >= 2 && d.starts_with('\'') && d.ends_with('\'')
        };
        if default.is_some_and(|d| !quoted(d)) {
            report.add(&MISSING_QUOTE_IN_VARIABLE, place, &[&variable.written()]);
        }
    }
}

/// A `${…}`, or one whose brace is not closed. `${*}`, `${?}` and `${$}` are plain characters and none.
#[derive(Debug, Clone, Copy)]
enum Variable<'t> {
    Whole(&'t str),
    Open(&'t str),
}

impl Variable<'_> {
    fn written(&self) -> String {
        match self {
            Self::Whole(inner) => format!("${{{inner}}}"),
            Self::Open(inner) => format!("${{{inner}"),
        }
    }
}

fn variables(text: &str) -> impl Iterator<Item = Variable<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, tail) = rest.split_once("${")?;
            let own = tail.split("${").next().unwrap_or_default();
            let Some((inner, _)) = own.split_once('}') else {
                rest = tail;
                return Some(Variable::Open(own));
            };
            rest = tail.get(inner.len() + 1..).unwrap_or_default();
            if !["*", "?", "$"].contains(&inner) {
                return Some(Variable::Whole(inner));
            }
        }
    })
}
