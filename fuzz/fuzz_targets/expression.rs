//! Any text as an expression: refused with a place, or judged and explained.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Lang, Map, Scope, Status, Type, Value};
use yagura_rule::{CheckFile, Estate, Judgement, Kind, Schema, Subject, Tables, judge_one, verdict};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let members = [("a", Type::Bool), ("n", Type::Int), ("t", Type::String)];
    let inner = Type::Struct(Arc::new(members.into_iter().map(|(n, t)| (n.into(), t)).collect()));
    let list = |t: &Type| Type::List(Arc::new(t.clone()));
    let fields = [
        ("b", Type::Bool),
        ("i", Type::Int),
        ("f", Type::Float),
        ("s", Type::String),
        ("at", Type::Timestamp),
        ("li", list(&Type::Int)),
        ("ls", list(&Type::String)),
        ("m", Type::Map(Arc::new(Type::Int))),
        ("lst", list(&inner)),
        ("st", inner),
        ("any", Type::Any),
        ("unread", Type::Int),
        ("absent", Type::String),
    ];
    let fields = fields.into_iter().map(|(n, t)| (n.into(), t)).collect();
    [Kind { id: "x.thing".into(), regional: false, fields }].into_iter().collect()
});

static ESTATE: LazyLock<Estate> = LazyLock::new(|| {
    let caller = Caller { account: "1".into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec!["r".into()], all_regions: true, ..Scope::default() };
    let mut estate = Estate::new(jiff::Timestamp::UNIX_EPOCH, vec![caller], scope, Arc::<Tables>::default());
    let inner: Map = [("a", Value::Bool(true)), ("n", Value::Int(1)), ("t", "x".into())]
        .into_iter()
        .map(|(n, v)| (n.into(), v))
        .collect();
    for id in ["one", "two"] {
        let mut asset = Asset {
            kind: "x.thing".into(),
            arn: None,
            id: id.into(),
            account: "1".into(),
            region: "aws-global".into(),
            fields: vec![],
        };
        for (name, value) in [
            ("b", Value::Bool(false)),
            ("i", Value::Int(7)),
            ("f", Value::Float(0.5)),
            ("s", "text".into()),
            ("at", "2026-01-01T00:00:00Z".into()),
            ("li", Value::List((0..10).map(Value::Int).collect())),
            ("ls", Value::List(vec!["a".into(), "b".into()])),
            ("m", Value::Map([("k".into(), Value::Int(1))].into_iter().collect())),
            ("lst", Value::List(vec![Value::Map(inner.clone()), Value::Map(Map::new())])),
            ("st", Value::Map(inner.clone())),
            ("any", Value::Map([("deep".into(), Value::Map(inner.clone()))].into_iter().collect())),
        ] {
            asset.set(name, Field::Known(value));
        }
        asset.set("unread", Field::Unknown(Arc::new(Gap::new(GapReason::NotRequested, "not read"))));
        estate.push(asset);
    }
    estate
});

fuzz_target!(|pass: &str| {
    let block: String = pass.lines().map(|l| format!("\n  {l}")).collect();
    let text = format!(
        "kind: check\nid: x.check\neach: x.thing\nwith:\n  twins: {{each: x.thing, where: {{s: this.s}}}}\npass: |2{block}\nseverity: low\n\
         en: {{title: A, why: B, fix: C}}\nja: {{title: A, why: B, fix: C}}\n\
         tests:\n  a: {{this: {{}}, expect: pass}}\n  b: {{this: {{}}, expect: fail}}\n  c: {{this: {{}}, expect: unknown}}\n"
    );
    let file = ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false };
    let checks = match CheckFile::parse(&file).and_then(|f| f.compile(&SCHEMA, None, &[])) {
        Ok(check) => [check],
        Err(errors) => {
            assert!(
                !errors.is_empty() && errors.iter().all(|e| e.line > 0 && e.column > 0 && !e.to_string().is_empty())
            );
            return;
        }
    };
    let (status, holes) = judge_one(&ESTATE, &checks[0], 0, false);
    let (demanded, wanted) = judge_one(&ESTATE, &checks[0], 0, true);
    assert_eq!(status, demanded);
    assert_eq!(status == Status::Unknown, !holes.is_empty());
    assert_eq!(holes.is_empty(), wanted.is_empty());
    let judgement = Judgement { check: 0, subject: Subject::Asset(0), status, holes };
    assert!(verdict(&ESTATE, &checks, &judgement, Lang::En).is_some());
});
