//! The grammar: elements, their types and combinations (`reference_policies_grammar`).

use super::PolicyType;
use super::check::{Check, Place, Report, checks};
use super::condition;
use super::view::{Entry, Item, List, Policy, Principals, Statement};
use crate::catalogue::Catalogue;
use crate::document::Effect;
use crate::json::{Json, Member, Node};

checks! {
    Error JSON_SYNTAX_ERROR
        "not JSON as AWS takes it: {0}" => "mend the JSON there";
        "AWS が受け付ける JSON ではない: {0}" => "その箇所の JSON を直す";
    Error INVALID_POLICY_ELEMENT
        "no policy element `{0}`" => "remove it, or correct its spelling";
        "ポリシー要素 `{0}` は存在しない" => "削除するか、つづりを直す";
    Error DATA_TYPE_MISMATCH
        "`{0}` must be {1}, but is {2}" => "write {1}";
        "`{0}` の JSON の型が違う ({1} が必要だが {2} である)" => "正しい型 ({1}) で書く";
    Error INVALID_VERSION
        "no policy language version `{0}`" => "write `2012-10-17`; AWS also takes `2008-10-17`";
        "ポリシー言語のバージョン `{0}` は存在しない" => "`2012-10-17` と書く (`2008-10-17` も有効)";
    Warning MISSING_VERSION
        "without `Version`, the language of 2008 applies, which has no policy variables" => "add `\"Version\": \"2012-10-17\"`";
        "`Version` がないと 2008 年版の言語となり、ポリシー変数が使えない" => "`\"Version\": \"2012-10-17\"` を加える";
    Error MISSING_STATEMENT
        "the policy has no statement" => "add `Statement`";
        "ポリシーにステートメントがない" => "`Statement` を加える";
    Error MISSING_EFFECT
        "the statement has no `Effect`" => "add `Effect` with `Allow` or `Deny`";
        "ステートメントに `Effect` がない" => "`Effect` に `Allow` または `Deny` を指定する";
    Error INVALID_EFFECT
        "`{0}` is no effect" => "write `Allow` or `Deny`, with a capital";
        "`{0}` という効果は存在しない" => "`Allow` または `Deny` と書く (先頭は大文字)";
    Error MISSING_ACTION
        "the statement names no actions" => "add `Action` or `NotAction`";
        "ステートメントにアクションの指定がない" => "`Action` または `NotAction` を加える";
    Error MISSING_RESOURCE
        "the statement names no resources" => "add `Resource` or `NotResource`";
        "ステートメントにリソースの指定がない" => "`Resource` または `NotResource` を加える";
    Error MISSING_PRINCIPAL
        "the statement does not say whom it applies to" => "add `Principal`";
        "ステートメントにプリンシパルの指定がない" => "`Principal` を加える";
    Error UNSUPPORTED_ELEMENT_COMBINATION
        "`{0}` and `{1}` exclude each other in a statement" => "keep one of them";
        "`{0}` と `{1}` は同じステートメントに書けない" => "どちらか一方だけを残す";
    Suggestion EMPTY_ARRAY_ACTION
        "the statement has an empty list of actions and does nothing" => "name actions, or remove the statement";
        "アクションのリストが空であり、このステートメントは何の効果もない" => "アクションを指定するか、ステートメントを削除する";
    Suggestion EMPTY_ARRAY_RESOURCE
        "the statement has an empty list of resources and does nothing" => "name resources, or remove the statement";
        "リソースのリストが空であり、このステートメントは何の効果もない" => "リソースを指定するか、ステートメントを削除する";
    Suggestion EMPTY_ARRAY_PRINCIPAL
        "the statement has an empty list of principals and does nothing" => "name principals, or remove the statement";
        "プリンシパルのリストが空であり、このステートメントは何の効果もない" => "プリンシパルを指定するか、ステートメントを削除する";
    Suggestion EMPTY_OBJECT_PRINCIPAL
        "the statement names no principal and does nothing" => "name principals, or remove the statement";
        "プリンシパルが 1 つも指定されておらず、このステートメントは何の効果もない" => "プリンシパルを指定するか、ステートメントを削除する";
    Suggestion EMPTY_OBJECT_CONDITION
        "the condition tests nothing" => "add a key to test, or remove it";
        "条件が空であり、何も判定しない" => "判定する条件キーを加えるか、削除する";
    Error INVALID_PRINCIPAL_FORMAT
        "a principal is `\"*\"` or an object with a key, not {0}" => "write it as in `{\"AWS\": \"111122223333\"}`";
        "プリンシパルは `\"*\"` またはキーを持つオブジェクトで書くもので、{0} では指定できない" => "`{\"AWS\": \"111122223333\"}` のように書く";
    Error INVALID_PRINCIPAL_KEY
        "no kind of principal `{0}`" => "use `AWS`, `Service`, `Federated` or `CanonicalUser`";
        "`{0}` というプリンシパルの種類は存在しない" => "`AWS`、`Service`、`Federated`、`CanonicalUser` のいずれかを使う";
}

const POLICY_ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
const PAIRS: [(&str, &str); 3] = [("Action", "NotAction"), ("Principal", "NotPrincipal"), ("Resource", "NotResource")];

/// Reads a policy, and reports where its grammar is broken. What has the right form is in the answer.
pub(super) fn read<'n>(
    root: &'n Node<'n>,
    kind: PolicyType,
    catalogue: &'n Catalogue,
    report: &mut Report,
) -> Policy<'n> {
    let mut policy = Policy { kind, catalogue, version: None, id: None, statements: Vec::new() };
    let whole = Place { path: String::new(), span: root.span };
    let Some(members) = object(root, "policy", &whole, report) else { return policy };
    let (mut has_version, mut statements) = (false, None);
    for member in elements(members, &POLICY_ELEMENTS, &whole, report) {
        let (name, node, place) = member;
        match name {
            "Version" => {
                has_version = true;
                policy.version = string(node, name, &place, report).map(|item| item.text);
            }
            "Id" => policy.id = string(node, name, &place, report),
            _ => statements = Some((node, place)),
        }
    }
    if let Some(version) = policy.version.filter(|v| !["2012-10-17", "2008-10-17"].contains(v)) {
        let span = members.iter().find(|m| m.key.eq_ignore_ascii_case("Version")).map_or(root.span, |m| m.value.span);
        report.add(&INVALID_VERSION, &whole.member("Version", span), &[&version]);
    }
    if !has_version {
        report.add(&MISSING_VERSION, &whole, &[]);
    }
    let Some((node, place)) = statements.filter(|(node, _)| !node.items().is_empty()) else {
        report.add(&MISSING_STATEMENT, &whole, &[]);
        return policy;
    };
    for (index, item) in node.items().iter().enumerate() {
        let place = place.item(index, item.span);
        if let Some(members) = object(item, "Statement", &place, report) {
            policy.statements.push(statement(members, place, kind, report));
        }
    }
    policy
}

fn statement<'n>(members: &'n [Member<'n>], place: Place, kind: PolicyType, report: &mut Report) -> Statement<'n> {
    let mut statement = Statement {
        place,
        effect: None,
        effect_item: None,
        sid: None,
        principal: None,
        action: None,
        resource: None,
        has_condition: false,
        tests: Vec::new(),
    };
    let mut has = Vec::new();
    for (name, node, place) in elements(members, &STATEMENT_ELEMENTS, &statement.place.clone(), report) {
        has.push(name);
        match name {
            "Sid" => statement.sid = string(node, name, &place, report),
            "Effect" => statement.effect_item = string(node, name, &place, report),
            "Action" | "NotAction" => {
                statement.action = Some(list(node, name, place, &EMPTY_ARRAY_ACTION, report));
            }
            "Resource" | "NotResource" => {
                statement.resource = Some(list(node, name, place, &EMPTY_ARRAY_RESOURCE, report));
            }
            "Principal" | "NotPrincipal" => statement.principal = principals(node, name, place, report),
            _ => {
                statement.has_condition = true;
                statement.tests = condition::read(node, &place, report);
            }
        }
    }
    for (plain, negated) in PAIRS {
        if has.contains(&plain) && has.contains(&negated) {
            report.add(&UNSUPPORTED_ELEMENT_COMBINATION, &statement.place, &[&plain, &negated]);
        }
    }
    if let Some(item) = &statement.effect_item {
        statement.effect = match item.text {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                report.add(&INVALID_EFFECT, &item.place, &[&other]);
                None
            }
        };
    }
    missing(&statement, &has, kind, report);
    statement
}

/// Reports the elements that a statement of this type of policy needs and does not have.
fn missing(statement: &Statement<'_>, has: &[&str], kind: PolicyType, report: &mut Report) {
    let lacks = |plain: &str, negated: &str| !has.contains(&plain) && !has.contains(&negated);
    if lacks("Effect", "Effect") {
        report.add(&MISSING_EFFECT, &statement.place, &[]);
    }
    if lacks("Action", "NotAction") {
        report.add(&MISSING_ACTION, &statement.place, &[]);
    }
    // Amazon ECR's repository policies have no resources (Amazon ECR User Guide, `repository-policy-examples`).
    let of_ecr = kind == PolicyType::Resource
        && !statement.actions().is_empty()
        && statement.actions().iter().all(|a| a.text.to_ascii_lowercase().starts_with("ecr"));
    if lacks("Resource", "NotResource") && !matches!(kind, PolicyType::Trust | PolicyType::Any) && !of_ecr {
        report.add(&MISSING_RESOURCE, &statement.place, &[]);
    }
    let needs_principal =
        matches!(kind, PolicyType::Resource | PolicyType::Trust | PolicyType::Rcp | PolicyType::Endpoint);
    if needs_principal && lacks("Principal", "NotPrincipal") {
        report.add(&MISSING_PRINCIPAL, &statement.place, &[]);
    }
}

/// The members whose names are elements, each with AWS's name and its place. Others and doubles are reported; element
/// names are read without regard to case.
fn elements<'n>(
    members: &'n [Member<'n>],
    known: &'static [&'static str],
    place: &Place,
    report: &mut Report,
) -> Vec<(&'static str, &'n Node<'n>, Place)> {
    let mut found: Vec<(&'static str, &Node<'_>, Place)> = Vec::new();
    for member in members {
        let Some(name) = known.iter().find(|k| k.eq_ignore_ascii_case(&member.key)) else {
            report.add(&INVALID_POLICY_ELEMENT, &place.member(&member.key, member.key_span), &[&member.key]);
            continue;
        };
        if found.iter().any(|(other, ..)| other == name) {
            twice(&member.key, &place.member(name, member.key_span), report);
            continue;
        }
        found.push((name, &member.value, place.member(name, member.value.span)));
    }
    found
}

/// Reports a key that an object holds more than once (`reference_policies_grammar`, "Policy grammar notes").
pub(super) fn twice(key: &str, place: &Place, report: &mut Report) {
    report.add(&JSON_SYNTAX_ERROR, place, &[&format_args!("`{key}` is written twice")]);
}

fn principals<'n>(node: &'n Node<'n>, name: &str, place: Place, report: &mut Report) -> Option<Principals<'n>> {
    let mut found = Principals { negated: name == "NotPrincipal", place, is_star: false, entries: Vec::new() };
    match &node.value {
        Json::String(text) if text == "*" => found.is_star = true,
        Json::Object(members) if members.is_empty() => report.add(&EMPTY_OBJECT_PRINCIPAL, &found.place, &[]),
        Json::Object(members) => members.iter().for_each(|member| entries(member, &mut found, report)),
        Json::Array(items) if items.is_empty() => report.add(&EMPTY_ARRAY_PRINCIPAL, &found.place, &[]),
        _ => {
            report.add(&INVALID_PRINCIPAL_FORMAT, &found.place, &[&node.kind()]);
            return None;
        }
    }
    Some(found)
}

fn entries<'n>(member: &'n Member<'n>, found: &mut Principals<'n>, report: &mut Report) {
    let place = found.place.member(&member.key, member.value.span);
    if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&&*member.key) {
        let place = Place { span: member.key_span, ..place };
        report.add(&INVALID_PRINCIPAL_KEY, &place, &[&member.key]);
        return;
    }
    if matches!(&member.value.value, Json::Array(items) if items.is_empty()) {
        report.add(&EMPTY_ARRAY_PRINCIPAL, &place, &[]);
    }
    let items = strings(&member.value, &member.key, &place, report);
    found.entries.extend(items.into_iter().map(|item| Entry { key: &member.key, item }));
}

fn list<'n>(
    node: &'n Node<'n>,
    name: &'static str,
    place: Place,
    empty: &'static Check,
    report: &mut Report,
) -> List<'n> {
    if node.items().is_empty() {
        report.add(empty, &place, &[]);
    }
    let items = strings(node, name, &place, report);
    List { name, place, items }
}

fn strings<'n>(node: &'n Node<'n>, name: &str, place: &Place, report: &mut Report) -> Vec<Item<'n>> {
    let Json::Array(items) = &node.value else {
        return string(node, name, place, report).into_iter().collect();
    };
    let items = items.iter().enumerate().map(|(n, item)| (item, place.item(n, item.span)));
    items.filter_map(|(item, place)| string(item, name, &place, report)).collect()
}

fn string<'n>(node: &'n Node<'n>, name: &str, place: &Place, report: &mut Report) -> Option<Item<'n>> {
    let text = node.as_str();
    if text.is_none() {
        report.add(&DATA_TYPE_MISMATCH, place, &[&name, &"a string", &node.kind()]);
    }
    text.map(|text| Item { text, place: place.clone() })
}

/// The members of an object; anything else is reported.
pub(super) fn object<'n>(
    node: &'n Node<'n>,
    name: &str,
    place: &Place,
    report: &mut Report,
) -> Option<&'n [Member<'n>]> {
    let members = node.members();
    if members.is_none() {
        report.add(&DATA_TYPE_MISMATCH, place, &[&name, &"an object", &node.kind()]);
    }
    members
}
