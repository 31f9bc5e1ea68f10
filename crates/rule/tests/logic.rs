//! The laws of three-valued logic (Kleene's strong logic of indeterminacy), on generated expressions and data with holes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::generate::{Choices, Expressions, fields};
use common::{ACCOUNT, denied, judge, kind, sound, thing, unread};
use proptest::prelude::*;
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Scope, Status, Type, Value};
use yagura_rule::{Check, CheckFile, Estate, Schema, Tables, judge_one};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

/// An asset whose fields are unknown where `mask` says so.
fn veiled(known: &[(SmolStr, Field)], mask: u32, with: &Field) -> Asset {
    let veil = |(at, (name, field)): (usize, &(SmolStr, Field))| {
        let hidden = mask >> (at % 32) & 1 == 1;
        (name.clone(), if hidden { with.clone() } else { field.clone() })
    };
    thing(known.iter().enumerate().map(veil).collect())
}

fn said(expression: &str, asset: &Asset) -> Status {
    judge(&sound(expression), asset, false).0
}

fn expression(shape: &[u8]) -> String {
    let mut e = Expressions::new(Choices::new(shape));
    e.holes = true;
    e.truth(3)
}

#[test]
fn the_tables_of_and_or_not() {
    let field = |v: Option<bool>| v.map_or_else(denied, |b| Field::Known(b.into()));
    let status = |v: Option<bool>| match v {
        Some(true) => Status::Pass,
        Some(false) => Status::Fail,
        None => Status::Unknown,
    };
    let all = [Some(true), Some(false), None];
    for a in all {
        for b in all {
            let asset = thing(vec![("b".into(), field(a)), ("c".into(), field(b))]);
            let and = if a == Some(false) || b == Some(false) { Some(false) } else { a.and(b) };
            let or = if a == Some(true) || b == Some(true) { Some(true) } else { a.or(None).and(b) };
            assert_eq!(said("this.b && this.c", &asset), status(and), "{a:?} && {b:?}");
            assert_eq!(said("this.b || this.c", &asset), status(or), "{a:?} || {b:?}");
            assert_eq!(said("!this.b", &asset), status(a.map(|x| !x)), "!{a:?}");
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn kleene_laws(a in bytes(40), b in bytes(40), c in bytes(40), values in bytes(60), mask: u32) {
        let [a, b, c] = [a, b, c].map(|s| format!("({})", expression(&s)));
        let asset = veiled(&fields(&mut Choices::new(&values)), mask, &denied());
        for (law, left, right) in [
            ("and commutes", format!("{a} && {b}"), format!("{b} && {a}")),
            ("or commutes", format!("{a} || {b}"), format!("{b} || {a}")),
            ("and associates", format!("({a} && {b}) && {c}"), format!("{a} && ({b} && {c})")),
            ("or associates", format!("({a} || {b}) || {c}"), format!("{a} || ({b} || {c})")),
            ("De Morgan of and", format!("!({a} && {b})"), format!("!{a} || !{b}")),
            ("De Morgan of or", format!("!({a} || {b})"), format!("!{a} && !{b}")),
            ("double negation", format!("!!{a}"), a.clone()),
            ("identity of and", format!("{a} && true"), a.clone()),
            ("identity of or", format!("{a} || false"), a.clone()),
            ("false decides and", format!("{a} && false"), "false".to_owned()),
            ("true decides or", format!("{a} || true"), "true".to_owned()),
            ("and is idempotent", format!("{a} && {a}"), a.clone()),
            ("or is idempotent", format!("{a} || {a}"), a.clone()),
            ("absorption by and", format!("{a} && ({a} || {b})"), a.clone()),
            ("absorption by or", format!("{a} || ({a} && {b})"), a.clone()),
            ("and over or", format!("{a} && ({b} || {c})"), format!("({a} && {b}) || ({a} && {c})")),
        ] {
            prop_assert_eq!(said(&left, &asset), said(&right, &asset), "{}: {} and {}", law, left, right);
        }
    }

    #[test]
    fn what_is_known_stays_so_when_holes_are_filled(shape in bytes(120), values in bytes(60), mask: u32, more: u32) {
        let check = sound(&expression(&shape));
        let known = fields(&mut Choices::new(&values));
        let (full, _) = judge(&check, &veiled(&known, 0, &denied()), false);
        for (mask, veil) in [(mask, denied()), (mask & more, denied()), (mask, unread())] {
            let asset = veiled(&known, mask, &veil);
            let (status, holes) = judge(&check, &asset, false);
            prop_assert!(status == Status::Unknown || status == full, "{} became {:?}: {}", check.pass.text, full, asset.fields.len());
            prop_assert_eq!(status == Status::Unknown, !holes.is_empty());
            let (demanded, wanted) = judge(&check, &asset, true);
            prop_assert_eq!(demanded, status);
            prop_assert_eq!(status == Status::Unknown, !wanted.is_empty());
            // What can be read is asked for as long as the answer hangs on it.
            if wanted.iter().any(|h| h.can_be_read()) {
                prop_assert!(holes.iter().any(|h| h.can_be_read()));
            }
        }
    }

    #[test]
    fn a_hole_in_the_answer_is_asked_for_until_there_is_none(shape in bytes(120), values in bytes(60)) {
        let check = sound(&expression(&shape));
        let known = fields(&mut Choices::new(&values));
        let (full, _) = judge(&check, &thing(known.clone()), false);
        let mut asset = veiled(&known, u32::MAX, &unread());
        let mut rounds = 0;
        let found = loop {
            let (status, holes) = judge(&check, &asset, true);
            let wanted: Vec<SmolStr> = holes.iter().filter(|h| h.can_be_read()).filter_map(|h| match h {
                yagura_rule::Hole::Field { field, .. } => Some(field.clone()),
                _ => None,
            }).collect();
            if wanted.is_empty() {
                break status;
            }
            for name in wanted {
                let value = known.iter().find(|(n, _)| *n == name).map_or(Field::Absent, |(_, f)| f.clone());
                asset.set(name, value);
            }
            rounds += 1;
            prop_assert!(rounds <= known.len() + 1, "asks again for what it has: {}", check.pass.text);
        };
        prop_assert_eq!(found, full);
    }

    #[test]
    fn exists_and_all_are_two_sides_of_one(shape in bytes(60), values in bytes(60), mask: u32) {
        let asset = veiled(&fields(&mut Choices::new(&values)), mask, &denied());
        let body = expression(&shape);
        for list in ["this.li", "this.ls", "this.lst", "this.li.filter(y, y > 0)"] {
            let (exists, all) = (format!("!{list}.exists(q, {body})"), format!("{list}.all(q, !({body}))"));
            prop_assert_eq!(said(&exists, &asset), said(&all, &asset), "{}", exists);
        }
    }
}

fn joined(pass: &str) -> Check {
    let text = format!(
        "kind: check\nid: x.check\neach: x.thing\nwith:\n  parts: {{each: x.part, where: {{Of: this.Id}}}}\npass: |\n  {pass}\nseverity: low\n\
         en: {{title: A, why: B, fix: C}}\nja: {{title: あ, why: い, fix: う}}\n\
         tests:\n  a: {{this: {{}}, expect: pass}}\n  b: {{this: {{}}, expect: fail}}\n  c: {{this: {{}}, expect: unknown}}\n"
    );
    let schema: Schema = [
        kind("x.thing", true, &[("Id", Type::String), ("n", Type::Int)]),
        kind("x.part", true, &[("Of", Type::String), ("n", Type::Int), ("b", Type::Bool)]),
    ]
    .into_iter()
    .collect();
    let file = ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false };
    CheckFile::parse(&file).unwrap().compile(&schema, None, &[]).unwrap_or_else(|e| panic!("{pass}: {e:?}"))
}

const ON_LISTS: [&str; 14] = [
    "parts.exists(p, p.n > this.n)",
    "parts.all(p, p.n > this.n || p.b)",
    "!parts.exists(p, p.b) || parts.all(p, p.n == 1)",
    "parts.exists_one(p, p.b)",
    "size(parts) > 1",
    "parts.filter(p, p.b).size() == 1",
    "parts.filter(p, p.b).exists(p, p.n == 1)",
    "parts.filter(p, p.b).all(p, p.n == 1)",
    "parts.filter(p, p.b).filter(p, p.n > 0).exists_one(p, true)",
    "1 in parts.map(p, p.n)",
    "parts.map(p, p.n) == [1, 2]",
    "has(parts[0].n) && parts[0].n == 1",
    "default(parts.filter(p, p.n == 2)[0].b, false)",
    "parts.exists(p, parts.exists(q, p.n < q.n))",
];

/// What may stay unseen of the parts.
#[derive(Debug, Clone, Copy, Default)]
struct Unseen {
    listing: bool,
    key: u32,
    field: u32,
    asset: u32,
}

fn parts(rows: &[(bool, i64, bool)], unseen: Unseen) -> Estate {
    let caller = Caller { account: ACCOUNT.into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec!["r".into()], all_regions: true, ..Scope::default() };
    let mut e = Estate::new("2026-01-01T00:00:00Z".parse().unwrap(), vec![caller], scope, Arc::<Tables>::default());
    let new = |kind: &str, id: String| Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: ACCOUNT.into(),
        region: "r".into(),
        fields: vec![],
    };
    let mut this = new("x.thing", "this".into());
    this.set("Id", Field::Known("mine".into()));
    this.set("n", Field::Known(Value::Int(1)));
    e.push(this);
    let mut lost = false;
    for (at, (mine, n, b)) in rows.iter().enumerate() {
        let hidden = |mask: u32| mask >> (at % 32) & 1 == 1;
        if hidden(unseen.asset) {
            lost = true;
            continue;
        }
        let mut part = new("x.part", format!("part-{at}"));
        part.set(
            "Of",
            if hidden(unseen.key) { denied() } else { Field::Known(if *mine { "mine" } else { "other" }.into()) },
        );
        part.set("n", if hidden(unseen.field) { denied() } else { Field::Known(Value::Int(*n)) });
        part.set("b", Field::Known((*b).into()));
        e.push(part);
    }
    let gap = (unseen.listing || lost).then(|| Arc::new(Gap::new(GapReason::AccessDenied, "denied")));
    e.set_listing(("x.part".into(), ACCOUNT.into(), "r".into()), gap);
    e
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_list_with_holes_never_tells_what_the_whole_list_denies(
        rows in proptest::collection::vec((any::<bool>(), 0..3_i64, any::<bool>()), 0..5),
        listing: bool, key: u32, field: u32, asset: u32,
    ) {
        for pass in ON_LISTS {
            let check = joined(pass);
            let told = |unseen, demand| {
                let mut e = parts(&rows, unseen);
                e.prepare(&check.joins);
                judge_one(&e, &check, 0, demand).0
            };
            let full = told(Unseen::default(), false);
            prop_assert_ne!(full, Status::Unknown, "{}", pass);
            for unseen in [
                Unseen { listing, key, field, asset },
                Unseen { key, ..Unseen::default() },
                Unseen { field, ..Unseen::default() },
                Unseen { asset, ..Unseen::default() },
            ] {
                let part = told(unseen, false);
                prop_assert!(part == Status::Unknown || part == full, "{} told {:?}, with all data {:?}", pass, part, full);
                prop_assert_eq!(told(unseen, true), part);
            }
        }
    }
}
