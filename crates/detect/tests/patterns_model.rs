//! Compiled patterns against a plain model that shares no code with them: it flattens the event into leaves and tries all of them, in
//! the order that Event Ruler's documentation gives.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yagura_detect::pattern::{Pattern, Rules};

type Leaf = (String, Value, Vec<(usize, usize)>);

fn flatten(value: &Value, path: &str, open: &[(usize, usize)], arrays: &mut usize, out: &mut Vec<Leaf>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(inner, &path, open, arrays, out);
            }
        }
        Value::Array(list) => {
            let array = *arrays;
            *arrays += 1;
            for (index, inner) in list.iter().enumerate() {
                let bound = inner.is_object() || inner.is_array();
                let mut open = open.to_vec();
                if bound {
                    open.push((array, index));
                }
                flatten(inner, path, &open, arrays, out);
            }
        }
        leaf => out.push((path.to_owned(), leaf.clone(), open.to_vec())),
    }
}

fn accepts(entry: &Value, leaf: &Value) -> bool {
    let Value::Object(expression) = entry else {
        return match (entry, leaf) {
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            _ => entry == leaf,
        };
    };
    let (operator, operand) = expression.iter().next().unwrap();
    let text = leaf.as_str();
    let word = operand.as_str().unwrap_or_default();
    match operator.as_str() {
        "prefix" => text.is_some_and(|t| t.starts_with(word)),
        "suffix" => text.is_some_and(|t| t.ends_with(word)),
        "equals-ignore-case" => text.is_some_and(|t| t.to_lowercase() == word.to_lowercase()),
        "wildcard" => text.is_some_and(|t| glob(word.as_bytes(), t.as_bytes())),
        "exists" => operand == &json!(true),
        "anything-but" => match operand {
            Value::Array(list) => !list.iter().any(|e| accepts(e, leaf)),
            Value::Object(_) => !accepts(operand, leaf),
            one => !accepts(one, leaf),
        },
        "numeric" => leaf.as_f64().is_some_and(|n| {
            operand.as_array().unwrap().chunks(2).all(|pair| {
                let bound = pair[1].as_f64().unwrap();
                match pair[0].as_str().unwrap() {
                    "<" => n < bound,
                    "<=" => n <= bound,
                    ">" => n > bound,
                    ">=" => n >= bound,
                    _ => n == bound,
                }
            })
        }),
        other => unreachable!("{other}"),
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|from| glob(rest, &text[from..])),
        Some((c, rest)) => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

fn asks(pattern: &Value, path: &str, out: &mut Vec<(String, Vec<Value>)>) {
    for (name, inner) in pattern.as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match inner {
            Value::Array(list) => out.push((path, list.clone())),
            _ => asks(inner, &path, out),
        }
    }
}

fn agree(a: &[(usize, usize)], b: &[(usize, usize)]) -> bool {
    a.iter().all(|(array, index)| b.iter().all(|(other, place)| array != other || index == place))
}

fn holds(asked: &[(String, Vec<Value>)], leaves: &[Leaf], so_far: &[(usize, usize)]) -> bool {
    let Some(((path, entries), rest)) = asked.split_first() else { return true };
    let here: Vec<&Leaf> = leaves.iter().filter(|(p, _, m)| p == path && agree(so_far, m)).collect();
    let absent = entries.contains(&json!({"exists": false}));
    if absent && here.is_empty() && holds(rest, leaves, so_far) {
        return true;
    }
    here.iter().any(|(_, value, elements)| {
        let hit = entries.iter().filter(|e| **e != json!({"exists": false})).any(|e| accepts(e, value));
        hit && holds(rest, leaves, &[so_far, elements].concat())
    })
}

fn model(pattern: &Value, event: &Value) -> bool {
    let (mut leaves, mut asked) = (Vec::new(), Vec::new());
    flatten(event, "", &[], &mut 0, &mut leaves);
    asks(pattern, "", &mut asked);
    asked.sort_by(|a, b| a.0.cmp(&b.0));
    holds(&asked, &leaves, &[])
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[abA]{0,3}".prop_map(Value::from),
        (-2i32..3).prop_map(Value::from),
        (0i32..4).prop_map(|n| json!(f64::from(n) / 2.0)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[abA]{1,2}"
}

fn entry() -> impl Strategy<Value = Value> {
    let stars = prop::sample::select(vec!["*", "a*", "*b", "a*b", "*a*", "*a*b", "ab*A"]);
    prop_oneof![
        3 => scalar(),
        1 => word().prop_map(|w| json!({"prefix": w})),
        1 => word().prop_map(|w| json!({"suffix": w})),
        1 => word().prop_map(|w| json!({"equals-ignore-case": w})),
        1 => stars.clone().prop_map(|w| json!({"wildcard": w})),
        1 => any::<bool>().prop_map(|b| json!({"exists": b})),
        1 => word().prop_map(|w| json!({"anything-but": w})),
        1 => prop::collection::vec(word(), 1..3).prop_map(|w| json!({"anything-but": w})),
        1 => (-1i32..2).prop_map(|n| json!({"anything-but": n})),
        1 => word().prop_map(|w| json!({"anything-but": {"prefix": w}})),
        1 => stars.prop_map(|w| json!({"anything-but": {"wildcard": w}})),
        1 => (-2i32..2, 1i32..3).prop_map(|(n, m)| json!({"numeric": [">=", n, "<", n + m]})),
        1 => (-2i32..2).prop_map(|n| json!({"numeric": ["<=", n]})),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn object(inner: impl Strategy<Value = Value>, least: usize) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name(), inner, least..4)
        .prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>()))
}

fn pattern() -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(entry(), 1..3).prop_map(Value::from).boxed();
    let inner = list.prop_recursive(2, 8, 3, |inner| object(inner, 1));
    object(inner, 1)
}

fn event() -> impl Strategy<Value = Value> {
    let inner = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![object(inner.clone(), 0), prop::collection::vec(inner, 0..4).prop_map(Value::from)]
    });
    object(inner, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn compiled_patterns_say_what_the_model_says(patterns in prop::collection::vec(pattern(), 1..6), events in prop::collection::vec(event(), 1..6)) {
        let named = patterns.iter().enumerate().map(|(i, p)| (i.to_string(), Pattern::parse(&p.to_string()).unwrap()));
        let rules = Rules::new(named);
        let mut scanner = rules.scanner();
        for event in &events {
            let wanted: Vec<u32> = (0..).zip(&patterns).filter(|(_, p)| model(p, event)).map(|(i, _)| i).collect();
            prop_assert_eq!(scanner.matched(&event.to_string()).unwrap(), &wanted[..], "{} {:?}", event, patterns);
        }
    }

    #[test]
    fn no_text_makes_it_stop(pattern in r#"[\[\]{}":,.a$or0-2 -]{0,40}"#, event in ".{0,40}") {
        if let Ok(p) = Pattern::parse(&pattern) {
            let _ = Rules::new([("r", p)]).matched(&event);
        }
    }
}
