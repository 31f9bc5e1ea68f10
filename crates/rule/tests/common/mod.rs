//! What the tests of expressions share: one kind of resource with a field of each type, checks made of an expression
//! alone, and a generator of well-typed expressions and data.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod generate;

use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Scope, Status, Type};
use yagura_rule::{Check, CheckFile, ContentError, Estate, Hole, Kind, Schema, Tables, judge_one};

/// The account of every asset here.
pub const ACCOUNT: &str = "123456789012";

/// A structure type.
pub fn structure(members: &[(&str, Type)]) -> Type {
    Type::Struct(Arc::new(members.iter().map(|(n, t)| (SmolStr::from(*n), t.clone())).collect()))
}

/// A list type.
pub fn list(of: Type) -> Type {
    Type::List(Arc::new(of))
}

/// A kind of resource.
pub fn kind(id: &str, regional: bool, fields: &[(&str, Type)]) -> Kind {
    Kind {
        id: id.into(),
        regional,
        placed: false,
        name: SmolStr::default(),
        fields: fields.iter().map(|(n, t)| (SmolStr::from(*n), t.clone())).collect(),
    }
}

/// `x.thing` with a field of each type.
pub fn schema() -> Schema {
    let inner = structure(&[("a", Type::Bool), ("n", Type::Int), ("t", Type::String)]);
    let fields = [
        ("b", Type::Bool),
        ("c", Type::Bool),
        ("i", Type::Int),
        ("j", Type::Int),
        ("f", Type::Float),
        ("s", Type::String),
        ("t", Type::String),
        ("at", Type::Timestamp),
        ("li", list(Type::Int)),
        ("ls", list(Type::String)),
        ("lb", list(Type::Bool)),
        ("m", Type::Map(Arc::new(Type::Int))),
        ("st", inner.clone()),
        ("lst", list(inner)),
        ("o", Type::Int),
        ("any", Type::Any),
    ];
    [kind("x.thing", false, &fields)].into_iter().collect()
}

/// A check's file around an expression.
pub fn file(pass: &str) -> ContentFile {
    let pass: String = pass.lines().map(|l| format!("\n  {l}")).collect();
    let text = format!(
        "kind: check\nid: x.check\neach: x.thing\npass: |{pass}\nseverity: low\nen: {{title: A, why: B, fix: C}}\nja: {{title: あ, why: い, fix: う}}\n\
         tests:\n  a: {{this: {{}}, expect: pass}}\n  b: {{this: {{}}, expect: fail}}\n  c: {{this: {{}}, expect: unknown}}\n"
    );
    ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false }
}

/// A check of an expression alone.
pub fn compile(pass: &str) -> Result<Check, Vec<ContentError>> {
    CheckFile::parse(&file(pass))?.compile(&schema(), None, &[])
}

/// A check of an expression that is sound.
pub fn sound(pass: &str) -> Check {
    compile(pass).unwrap_or_else(|e| panic!("{pass}\n{e:?}"))
}

/// An `x.thing`.
pub fn thing(fields: Vec<(SmolStr, Field)>) -> Asset {
    let mut asset = Asset {
        kind: "x.thing".into(),
        arn: None,
        id: "thing".into(),
        account: ACCOUNT.into(),
        region: "aws-global".into(),
        fields: Vec::new(),
    };
    for (name, field) in fields {
        asset.set(name, field);
    }
    asset
}

/// An estate of these assets.
pub fn estate(assets: Vec<Asset>) -> Estate {
    let caller = Caller { account: ACCOUNT.into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec!["us-east-1".into(), "eu-west-1".into()], all_regions: true, ..Scope::default() };
    let now = "2026-01-01T00:00:00Z".parse().expect("a time");
    let mut estate = Estate::new(now, vec![caller], scope, Arc::<Tables>::default());
    for asset in assets {
        estate.push(asset);
    }
    estate
}

/// What a check says of one asset.
pub fn judge(check: &Check, asset: &Asset, demand: bool) -> (Status, Vec<Hole>) {
    judge_one(&estate(vec![asset.clone()]), check, 0, demand)
}

/// A field that nobody was allowed to read.
pub fn denied() -> Field {
    let gap = Gap { permission: Some("x:GetThing".into()), ..Gap::new(GapReason::AccessDenied, "AccessDenied") };
    Field::Unknown(Arc::new(gap))
}

/// A field that nobody asked for yet.
pub fn unread() -> Field {
    Field::Unknown(Arc::new(Gap::new(GapReason::NotRequested, "not read")))
}
