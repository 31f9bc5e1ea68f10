//! The language beside the `cel` crate: where all data is known, both give the same answer; where CEL ends in an error,
//! the answer here is Unknown.
//!
//! The deliberate differences, which the generator leaves out or this test allows for:
//! - A member that is not there is *absent*: `has` sees it through any number of steps, and other uses are Unknown. CEL: an error.
//! - An index beyond a list, or a key that a map lacks, is absent too. CEL: an error.
//! - Whole numbers and fractions may meet in arithmetic, and `%` takes whole numbers only. CEL has no such overloads.
//! - `exists_one` is false as soon as two items fit, whatever else cannot be told. CEL: an error in any item is one of the whole.
//! - A whole number and a fraction compare exactly, as CEL asks; the `cel` crate rounds the whole number first.
//! - There is no null, no unsigned number, no bytes, no duration, no map literal; a timestamp is its RFC 3339 text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use cel::{Context, Program};
use common::generate::{Choices, Expressions, fields};
use common::{judge, sound, thing};
use proptest::prelude::*;
use yagura_model::{Field, Map, Status, Value};

fn by_cel(expression: &str, data: &Map) -> Option<bool> {
    let program = Program::compile(expression).unwrap_or_else(|e| panic!("{expression}: {e:?}"));
    let mut context = Context::default();
    context.add_variable("this", data).expect("a variable");
    match program.execute(&context) {
        Ok(cel::Value::Bool(b)) => Some(b),
        Ok(other) => panic!("{expression}: {other:?}"),
        Err(_) => None,
    }
}

fn data(fields: &[(smol_str::SmolStr, Field)]) -> Map {
    fields
        .iter()
        .filter_map(|(n, f)| if let Field::Known(v) = f { Some((n.clone(), v.clone())) } else { None })
        .collect()
}

fn truth(status: Status) -> Option<bool> {
    match status {
        Status::Pass => Some(true),
        Status::Fail => Some(false),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn known_data_gives_the_answer_of_cel(shape in proptest::collection::vec(any::<u8>(), 0..160), values in proptest::collection::vec(any::<u8>(), 0..60)) {
        let expression = Expressions::new(Choices::new(&shape)).truth(4);
        let fields = fields(&mut Choices::new(&values));
        let known = data(&fields);
        let ours = truth(judge(&sound(&expression), &thing(fields), false).0);
        let theirs = by_cel(&expression, &known);
        if ours != theirs && !(theirs.is_none() && expression.contains("exists_one")) {
            return Err(TestCaseError::fail(format!("{expression}\non {}\nhere {ours:?}, CEL {theirs:?}", Value::Map(known))));
        }
    }
}
