//! What a verdict shows of the data that decided it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{denied, estate, judge, sound, thing};
use yagura_model::{Field, Lang, Value};
use yagura_rule::{Judgement, Subject, verdict};

fn shown(expression: &str) -> String {
    let map = |members: &[(&str, Value)]| Value::Map(members.iter().map(|(n, v)| ((*n).into(), v.clone())).collect());
    let item = |n: i64, a: bool| map(&[("n", Value::Int(n)), ("a", a.into())]);
    let asset = thing(vec![
        ("b".into(), Field::Known(true.into())),
        ("c".into(), Field::Known(false.into())),
        ("i".into(), Field::Known(Value::Int(7))),
        ("s".into(), denied()),
        ("t".into(), Field::Known("x".repeat(500).into())),
        ("st".into(), Field::Known(item(1, true))),
        ("lst".into(), Field::Known(Value::List(vec![item(1, true), item(2, false), item(3, true)]))),
        ("li".into(), Field::Known(Value::List((0..9).map(Value::Int).collect()))),
        ("ls".into(), Field::Known(Value::List(vec![]))),
        (
            "any".into(),
            Field::Known(map(&[("Document", "%7B%22Version%22%3A%22%2A%22%7D".into()), ("Path", "%7E/x".into())])),
        ),
    ]);
    let checks = [sound(expression)];
    let (status, holes) = judge(&checks[0], &asset, false);
    let judgement = Judgement { check: 0, subject: Subject::Asset(0), status, holes };
    let verdict = verdict(&estate(vec![asset]), &checks, &judgement, Lang::En).unwrap();
    Value::Map(verdict.evidence).to_string()
}

#[test]
fn only_what_decided_is_shown() {
    let long = format!(r#"{{"t":"{}…"}}"#, "x".repeat(400));
    for (name, expression, want) in [
        ("one field", "this.b", r#"{"b":true}"#),
        ("a nested field", "this.st.n == 1", r#"{"st.n":1}"#),
        ("and: both hold", "this.b && this.i == 7", r#"{"b":true,"i":7}"#),
        ("and: the side that fails", "this.b && this.c", r#"{"c":false}"#),
        ("and: the first of two that fail", "this.c && this.i == 1", r#"{"c":false}"#),
        ("and: what could not be read", "this.b && this.s == ''", r#"{"s":"unknown (AccessDenied)"}"#),
        ("and: a failure beside what could not be read", "this.s == '' && this.c", r#"{"c":false}"#),
        ("or: the side that holds", "this.c || this.b", r#"{"b":true}"#),
        ("or: both fail", "this.c || this.i == 1", r#"{"c":false,"i":7}"#),
        ("or: what could not be read", "this.c || this.s == ''", r#"{"s":"unknown (AccessDenied)"}"#),
        ("not", "!(this.b && this.c)", r#"{"c":false}"#),
        ("has of what is there", "has(this.st.n)", r#"{"st.n":1}"#),
        ("has of what is absent", "has(this.o)", r#"{"o":"absent"}"#),
        ("has of what could not be read", "has(this.s)", r#"{"s":"unknown (AccessDenied)"}"#),
        ("a default", "default(this.o, 1) == 1", r#"{"o":"absent"}"#),
        ("an absent value in use", "this.o == 1", r#"{"o":"absent"}"#),
        ("the branch that was taken", "this.b ? this.i == 7 : this.c", r#"{"b":true,"i":7}"#),
        (
            "the branch that was taken, within a comparison",
            "(this.c ? this.st.n : this.i) == 7",
            r#"{"c":false,"i":7}"#,
        ),
        ("a condition that cannot be told", "this.s == '' ? this.b : this.c", r#"{"s":"unknown (AccessDenied)"}"#),
        ("exists: the item that fits", "this.lst.exists(x, x.n == 2)", r#"{"lst[1].n":2}"#),
        ("exists: no item fits", "this.lst.exists(x, x.n == 9)", r#"{"lst[0].n":1,"lst[1].n":2,"lst[2].n":3}"#),
        ("exists: nothing there", "this.ls.exists(x, x == '')", r#"{"ls":[]}"#),
        ("exists: no list there", "this.lb.exists(x, x)", r#"{"lb":"absent"}"#),
        (
            "exists: items in doubt",
            "this.lst.exists(x, x.n == 9 || x.t == '')",
            r#"{"lst[0].t":"absent","lst[1].t":"absent","lst[2].t":"absent"}"#,
        ),
        ("all: the item that does not fit", "this.lst.all(x, x.a)", r#"{"lst[1].a":false}"#),
        ("all: every item fits", "this.lst.all(x, x.n > 0)", r#"{"lst[0].n":1,"lst[1].n":2,"lst[2].n":3}"#),
        ("all: the item in doubt", "this.lst.all(x, x.a || x.t == 'q')", r#"{"lst[1].t":"absent"}"#),
        ("all of a filtered list", "this.lst.filter(x, x.n > 1).all(x, x.a)", r#"{"lst.filter[0].a":false}"#),
        ("an item of a filtered list", "this.lst.filter(x, x.n > 1)[0].n == 2", r#"{"lst.filter[0].n":2}"#),
        ("no such item", "this.ls.filter(x, x == 'a')[0] == 'a'", r#"{"ls":[]}"#),
        ("an item of a list that could not be read", "this.lb.filter(x, x)[0]", r#"{"lb":"absent"}"#),
        ("many items: five and how many more", "this.li.size() == 9", r#"{"li":[0,1,2,3,4,"… 4 more"]}"#),
        (
            "many items that fit: five of them",
            "this.li.all(x, x < 9)",
            r#"{"li[0]":0,"li[1]":1,"li[2]":2,"li[3]":3,"li[4]":4}"#,
        ),
        ("a long text", "this.t != ''", long.as_str()),
        ("an encoded policy document", "this.any.Document != ''", r#"{"any.Document":"{\"Version\":\"*\"}"}"#),
        (
            "an encoded policy document within a structure",
            "has(this.any)",
            r#"{"any":{"Document":"{\"Version\":\"*\"}","Path":"%7E/x"}}"#,
        ),
        (
            "quantifiers in quantifiers",
            "this.lst.exists(x, this.li.exists(y, x.n == y && y == 2))",
            r#"{"li[2]":2,"lst[1].n":2}"#,
        ),
        ("nothing to show", "1 == 1", "{}"),
    ] {
        assert_eq!(shown(expression), want, "{name}: {expression}");
    }
}
