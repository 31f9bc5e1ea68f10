//! Possible mode against the definition: a request is possible where strict mode allows it in some context, and the
//! context that the answer gives is one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use yagura_policy::case::{Case, parse_line};
use yagura_policy::catalogue::Catalogue;
use yagura_policy::evaluate::{Answer, Decision};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    Catalogue::read(&std::fs::read_to_string(path).unwrap()).unwrap()
});

fn answer(case: &Value) -> Result<Answer, String> {
    Case::from_node(&parse_line(&case.to_string())?)?.answer(&CATALOGUE)
}

fn case(mode: &str, context: Value, statements: &[Value]) -> Value {
    json!({
        "mode": mode,
        "request": {
            "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject",
            "resource": "arn:aws:s3:::data/a", "context": context,
        },
        "identity_policies": [{"Version": "2012-10-17", "Statement": statements}],
    })
}

fn statement(effect: &str, resource: &str, condition: Value) -> Value {
    json!({"Effect": effect, "Action": "s3:*", "Resource": resource, "Condition": condition})
}

#[test]
fn keys_that_name_each_other() {
    let any = "*";
    for (name, statements) in [
        (
            "values of the key that is compared with the variable",
            vec![
                statement("Allow", any, json!({"StringEquals": {"k:t": "${k:s}"}})),
                statement("Allow", any, json!({"StringEquals": {"k:t": "${k:s}"}, "StringLike": {"k:t": ["c", "ab"]}})),
                statement("Deny", any, json!({"StringNotEquals": {"k:t": ["c", "ab"]}})),
            ],
        ),
        (
            "a value that is none of those named",
            vec![
                statement(
                    "Allow",
                    any,
                    json!({"StringLike": {"k:s": "ba"}, "StringNotLike": {"k:s": "${k:t}b"}, "Null": {"k:t": "false"}}),
                ),
                statement("Deny", any, json!({"StringEquals": {"k:s": "${k:t, 'a'}"}})),
            ],
        ),
        (
            "a part of the resource, found through another key",
            vec![
                statement("Allow", "arn:aws:s3:::data/${k:s}", json!({"StringEqualsIgnoreCase": {"k:s": "${k:t}"}})),
                statement("Deny", any, json!({"StringEquals": {"k:t": "a${k:s}"}})),
            ],
        ),
        (
            "what is left of a value when the rest of the pattern is taken off",
            vec![statement(
                "Allow",
                any,
                json!({"StringEquals": {"k:s": "team-${k:t}"}, "StringLike": {"k:s": "team-x*"}}),
            )],
        ),
        (
            "three of four values",
            vec![
                statement(
                    "Allow",
                    any,
                    json!({"ForAllValues:StringEquals": {"k:m": ["a", "b", "c", "d"]}, "ForAnyValue:StringEquals": {"k:m": "a"}}),
                ),
                statement("Deny", any, json!({"ForAnyValue:StringEquals": {"k:m": "d"}})),
                statement("Deny", any, json!({"ForAllValues:StringNotEquals": {"k:m": "b"}})),
                statement("Deny", any, json!({"ForAllValues:StringNotEquals": {"k:m": "c"}})),
            ],
        ),
        (
            "a number between two",
            vec![statement("Allow", any, json!({"NumericGreaterThan": {"k:n": "5"}, "NumericLessThan": {"k:n": "6"}}))],
        ),
    ] {
        let found = answer(&case("possible", json!({}), &statements)).unwrap();
        assert_eq!(found.decision, Decision::Allowed, "{name}");
        let context: Value = found.to_json().remove("example_context").unwrap_or_else(|| json!({}));
        let strict = answer(&case("strict", context.clone(), &statements)).unwrap();
        assert_eq!(strict.decision, Decision::Allowed, "{name}: not in {context}");
    }
}

#[test]
fn a_variable_may_be_absent_where_its_arn_differs_elsewhere() {
    let allow = statement("Allow", "*", json!({}));
    let other = "arn:aws:s3:::other/${k:t}";
    let spared = json!({"Effect": "Deny", "Action": "s3:*", "NotResource": other});
    let compared = statement("Deny", "*", json!({"ArnNotLike": {"k:arn": other}, "Null": {"k:arn": "false"}}));
    for deny in [spared, compared] {
        let context = json!({"k:arn": "arn:aws:s3:::data/a"});
        let found = answer(&case("possible", context.clone(), &[allow.clone(), deny.clone()])).unwrap();
        assert_eq!(found.decision, Decision::Allowed, "{deny}");
        let strict = answer(&case("strict", context, &[allow.clone(), deny.clone()])).unwrap();
        assert_eq!(strict.decision, Decision::Allowed, "{deny}");
    }
}

#[test]
fn resources_beside_open_variables() {
    let mut wild =
        case("possible", json!({}), &[statement("Allow", "arn:aws:s3:::data/${aws:PrincipalTag/team}/*", json!({}))]);
    wild["request"]["resource"] = json!("arn:aws:s3:::data/*");
    assert_eq!(answer(&wild).unwrap().decision, Decision::Allowed);
    wild["identity_policies"][0]["Statement"][0]["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/team": "x"}});
    wild["request"]["resource"] = json!("arn:aws:s3:::data/y*");
    assert_eq!(answer(&wild).unwrap().decision, Decision::ImplicitlyDenied);
}

#[test]
fn hostile_policies_take_bounded_time() {
    let many: Vec<String> = (0..10_000).map(|i| format!("v{i}")).collect();
    let wide: Vec<String> = (0..2_000).map(|i| format!("v{i}*")).collect();
    for (name, statements) in [
        (
            "ten thousand values",
            vec![
                statement("Allow", "*", json!({"StringEquals": {"k:s": many}})),
                statement("Deny", "*", json!({"StringEquals": {"k:s": &many[1..]}})),
            ],
        ),
        (
            "two thousand wildcards",
            vec![
                statement("Allow", "*", json!({"StringLike": {"k:s": wide}})),
                statement("Deny", "*", json!({"StringLike": {"k:s": &wide[1..]}})),
            ],
        ),
        (
            "long runs of wildcards",
            vec![
                statement("Allow", "*", json!({"StringLike": {"k:s": "*a".repeat(50_000)}})),
                statement("Deny", "*", json!({"StringLike": {"k:s": "*a".repeat(40_000) + "b"}})),
            ],
        ),
        (
            "variables that do not end",
            vec![statement("Allow", "*", json!({"StringLike": {"k:s": "${".repeat(500_000)}}))],
        ),
        (
            "a thousand keys",
            (0..1_000)
                .map(|i| {
                    let key = format!("k:{i}");
                    if i % 2 == 0 {
                        statement("Allow", "*", json!({"StringEquals": {key: "x"}}))
                    } else {
                        statement("Deny", "*", json!({"StringNotEquals": {key: "y"}}))
                    }
                })
                .collect(),
        ),
    ] {
        let start = Instant::now();
        answer(&case("possible", json!({}), &statements)).unwrap();
        assert!(start.elapsed() < Duration::from_secs(60), "{name}: {:?}", start.elapsed());
    }
}

fn condition() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["a", "b", "ab", "a*", "*b", "?b", "*", "${k:t}", "${k:s}", "x${k:t}"]);
    let key = prop::sample::select(vec!["k:s", "k:t"]);
    let texts = (
        prop::sample::select(vec![
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringLikeIfExists",
        ]),
        key,
        prop::collection::vec(text, 1..3),
    )
        .prop_map(|(operator, key, values)| json!({operator: {key: values}}));
    let sets = (
        prop::sample::select(vec![
            "ForAllValues:StringLike",
            "ForAnyValue:StringEquals",
            "ForAnyValue:StringNotEquals",
        ]),
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c*"]), 1..3),
    )
        .prop_map(|(operator, values)| json!({operator: {"k:m": values}}));
    let numbers = (
        prop::sample::select(vec![
            "NumericLessThan",
            "NumericGreaterThan",
            "NumericNotEquals",
            "NumericEqualsIfExists",
        ]),
        prop::sample::select(vec!["5", "6"]),
    )
        .prop_map(|(operator, value)| json!({operator: {"k:n": value}}));
    let nulls = (prop::sample::select(vec!["k:s", "k:t", "k:m", "k:n"]), any::<bool>())
        .prop_map(|(key, absent)| json!({"Null": {key: absent}}));
    prop_oneof![4 => texts, 2 => sets, 1 => numbers, 1 => nulls, 1 => Just(json!({}))]
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    let resource = prop::sample::select(vec!["*", "*", "arn:aws:s3:::data/*", "arn:aws:s3:::data/${k:s}"]);
    let one = (any::<bool>(), resource, condition())
        .prop_map(|(allow, resource, condition)| statement(if allow { "Allow" } else { "Deny" }, resource, condition));
    prop::collection::vec(one, 1..5)
}

fn value(choices: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::option::of(prop::sample::select(choices)).prop_map(|v| v.map_or_else(|| json!([]), |v| json!(v)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn possible_is_some_strict(
        statements in statements(),
        contexts in prop::collection::vec(
            (
                value(&["a", "b", "ab", "xa", "c"]),
                value(&["a", "b", "ab", "c"]),
                prop::sample::subsequence(vec!["a", "b", "cd"], 0..=3),
                value(&["4", "5", "5.5", "6", "7"]),
            ),
            20,
        ),
    ) {
        let found = answer(&case("possible", json!({}), &statements)).unwrap();
        if found.decision == Decision::Allowed {
            let context = found.to_json().remove("example_context").unwrap_or_else(|| json!({}));
            let strict = answer(&case("strict", context.clone(), &statements)).unwrap();
            prop_assert_eq!(strict.decision, Decision::Allowed, "not in {}", context);
        } else {
            for (s, t, m, n) in contexts {
                let context = json!({"k:s": s, "k:t": t, "k:m": m, "k:n": n});
                let strict = answer(&case("strict", context.clone(), &statements)).unwrap();
                prop_assert_ne!(strict.decision, Decision::Allowed, "in {}", context);
            }
        }
    }
}
