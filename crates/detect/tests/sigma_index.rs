//! The index of events against the rules themselves: whatever fires is admitted.

#![allow(clippy::unwrap_used, reason = "tests may stop")]

use proptest::prelude::*;
use yagura_detect::sigma::{Document, Json, load};

fn line() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec!["eventName", "eventSource", "x"]);
    let modifier =
        prop::sample::select(vec!["", "", "", "|contains", "|startswith", "|cased", "|neq", "|all", "|re", "|exists"]);
    let word = prop::sample::select(vec!["a", "B", "'a*'", "'?'", "null", "''", "ab"]);
    (field, modifier, prop::collection::vec(word, 1..3)).prop_map(|(field, modifier, words)| match modifier {
        "|exists" => format!("{field}|exists: true"),
        "|re" => format!("{field}|re: '^a'"),
        "|contains" | "|startswith" => format!("{field}{modifier}: [a, b]"),
        _ => format!("{field}{modifier}: [{}]", words.join(", ")),
    })
}

fn selection() -> impl Strategy<Value = String> {
    let map = prop::collection::vec(line(), 1..3)
        .prop_map(|mut lines| {
            lines.sort();
            lines.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
            lines
        })
        .boxed();
    prop_oneof![
        map.clone().prop_map(|lines| lines.iter().map(|l| format!("    {l}\n")).collect::<String>()),
        prop::collection::vec(map, 1..3).prop_map(|maps| {
            maps.iter()
                .map(|lines| {
                    let text: String = lines.iter().map(|l| format!("      {l}\n")).collect();
                    text.replacen("      ", "    - ", 1)
                })
                .collect::<String>()
        }),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["s0", "s1", "s2", "1 of s*", "all of s*"]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not {a}")),
        ]
    })
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec!["a", "b", "AB", "", "aa", "c"]);
    prop_oneof![word.prop_map(Into::into), Just(serde_json::Value::Null), any::<bool>().prop_map(Into::into)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_fires_is_admitted(
        selections in prop::collection::vec(selection(), 3..4),
        condition in condition(),
        events in prop::collection::vec(prop::collection::btree_map(
            prop::sample::select(vec!["eventName", "eventSource", "x"]), value(), 0..4), 1..12),
    ) {
        let body: String = selections.iter().enumerate().map(|(i, s)| format!("  s{i}:\n{s}")).collect();
        let text = format!("title: t\nlogsource: {{product: aws}}\ndetection:\n{body}  condition: {condition}\n");
        let Document::Rule(rule) = load(&text, "r.yml").unwrap_or_else(|p| unreachable!("{text}\n{p:?}")).remove(0) else {
            unreachable!("a rule")
        };
        for event in events {
            let json = serde_json::to_string(&event).unwrap();
            let word = |name: &str| event.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            if rule.fires(&Json::parse(&json).unwrap()) {
                let admitted = rule.event.as_ref().is_none_or(|e| e.admits(&word("eventSource"), &word("eventName")));
                prop_assert!(admitted, "{}\n{}", text, json);
            }
        }
    }
}
