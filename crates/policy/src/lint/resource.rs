//! What a list or a policy says twice (`reference_policies_elements_resource`, `…_elements_statement`).

use super::check::{Report, checks};
use super::view::{Item, List, Policy, Statement};
use crate::language::Pattern;

checks! {
    Suggestion REDUNDANT_RESOURCE
        "{0} of these resources are covered by others, as `{1}` by `{2}`" => "remove them";
        "{0} 個のリソースが他の指定に含まれている (`{1}` は `{2}` に含まれる)" => "含まれているリソースを削除する";
    Suggestion REDUNDANT_STATEMENT
        "the statement says the same as `{0}`" => "remove one of them";
        "このステートメントは `{0}` と同じ内容である" => "どちらかを削除する";
}

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for list in policy.statements.iter().filter_map(|s| s.resource.as_ref()) {
        let covered = covered(list, Pattern::new);
        if let Some((item, by)) = covered.first() {
            report.add(&REDUNDANT_RESOURCE, &item.place, &[&covered.len(), &item.text, &by.text]);
        }
    }
    let mut seen: Vec<(String, &Statement<'_>)> = Vec::new();
    for statement in policy.statements.iter().filter(|s| s.effect.is_some() && s.action.is_some()) {
        let meaning = meaning(statement);
        match seen.iter().find(|(known, _)| *known == meaning) {
            Some((_, earlier)) => report.add(&REDUNDANT_STATEMENT, &statement.place, &[&earlier.place.path]),
            None => seen.push((meaning, statement)),
        }
    }
}

/// The items that another one covers, each with that one. Of equal items, the first stays.
pub(super) fn covered<'l, 'n>(list: &'l List<'n>, read: fn(&str) -> Pattern) -> Vec<(&'l Item<'n>, &'l Item<'n>)> {
    /// Longer lists are not compared: the work grows with the square.
    const LONGEST: usize = 2_000;
    if list.items.len() < 2 || list.items.len() > LONGEST {
        return Vec::new();
    }
    let patterns: Vec<(Pattern, bool)> =
        list.items.iter().map(|item| (read(item.text), item.text.contains(['*', '?']))).collect();
    let mut found = Vec::new();
    for (n, item) in list.items.iter().enumerate() {
        let Some((mine, _)) = patterns.get(n) else { continue };
        let by = list.items.iter().zip(&patterns).enumerate().find(|(other, (_, (theirs, wide)))| {
            let same = theirs == mine;
            *other != n && if same { *other < n } else { *wide && theirs.covers(mine) }
        });
        found.extend(by.map(|(_, (by, _))| (item, by)));
    }
    found
}

/// What a statement says, whatever its `Sid` and the order of its parts.
fn meaning(statement: &Statement<'_>) -> String {
    let list = |list: &Option<List<'_>>, lower: bool| match list {
        None => String::new(),
        Some(list) => {
            let case = |item: &Item<'_>| if lower { item.text.to_ascii_lowercase() } else { item.text.to_owned() };
            format!("{}{:?}", list.name, sorted(list.items.iter().map(case)))
        }
    };
    let principal = statement.principal.as_ref().map(|p| {
        let entries = p.entries.iter().map(|e| format!("{}={}", e.key, e.item.text));
        (p.negated, p.is_star, sorted(entries))
    });
    let tests = sorted(statement.tests.iter().map(|test| {
        let values = sorted(test.values.iter().map(|v| v.text.to_string()));
        format!("{}|{}|{values:?}", test.operator_text.to_ascii_lowercase(), test.key.to_ascii_lowercase())
    }));
    let (actions, resources) = (list(&statement.action, true), list(&statement.resource, false));
    format!("{:?} {principal:?} {actions} {resources} {} {tests:?}", statement.effect, statement.has_condition)
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.collect();
    items.sort();
    items.dedup();
    items
}
