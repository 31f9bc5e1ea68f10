//! Values: paths, order, JSON.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use yagura_model::{Map, Value};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn paths_follow_maps_and_flatten_lists() {
    let v = value(r#"{"Reservations":[{"Instances":[{"Id":"a"},{"Id":"b"}]},{"Instances":[{"Id":"c"}]},{}]}"#);
    assert_eq!(v.path("Reservations.Instances.Id").unwrap().into_owned(), value(r#"["a","b","c"]"#));
    assert!(v.path("Reservations.Nothing").unwrap().as_list().unwrap().is_empty());
    assert!(v.path("Nothing").is_none());
    assert!(v.path("Reservations.Instances.Id.Deeper").unwrap().as_list().unwrap().is_empty());
}

#[test]
fn null_is_absent_and_members_are_sorted_whatever_their_number() {
    assert_eq!(value(r#"{"a":null,"b":[null,1]}"#), value(r#"{"b":[1]}"#));
    let mut m = Map::new();
    for n in (0..40).rev() {
        m.insert(format!("k{n:02}"), Value::Int(n));
    }
    m.insert("k07", Value::Int(-7));
    assert_eq!(m.len(), 40);
    assert_eq!(m.get("k07"), Some(&Value::Int(-7)));
    assert_eq!(m.get("k99"), None);
    assert_eq!(m.iter().map(|(k, _)| k.as_str()).next(), Some("k00"));
    assert_eq!(m.remove("k39"), Some(Value::Int(39)));
    let text = serde_json::to_string(&m).unwrap();
    assert_eq!(serde_json::from_str::<Map>(&text).unwrap(), m);
}

#[test]
fn numbers_keep_their_kind() {
    assert_eq!(value("9223372036854775807"), Value::Int(i64::MAX));
    assert_eq!(value("1.5"), Value::Float(1.5));
    assert!(matches!(value("18446744073709551615"), Value::Float(_)));
}
