//! Joins: which assets they yield, and what keeps them open.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{denied, kind, structure};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Lang, Scope, Status, Type, Value};
use yagura_rule::{Check, CheckFile, ContentError, Estate, Schema, Tables, judge, judge_one, verdict};

const HERE: &str = "123456789012";
const OTHER: &str = "999999999999";

fn schema() -> Schema {
    let nested = structure(&[("Id", Type::String), ("Port", Type::Int), ("Names", common::list(Type::String))]);
    let fields = [("Id", Type::String), ("Port", Type::Int), ("At", nested), ("On", Type::Bool), ("Any", Type::Any)];
    [
        kind("x.thing", true, &fields),
        kind("x.part", true, &fields),
        kind("x.role", false, &fields),
        kind("x.account", false, &fields),
    ]
    .into_iter()
    .collect()
}

fn load(each: &str, joins: &str, pass: &str) -> Result<Check, Vec<ContentError>> {
    let text = format!(
        "kind: check\nid: x.check\neach: {each}\nwith:\n  parts: {joins}\npass: |\n  {pass}\nseverity: low\n\
         en: {{title: A, why: B, fix: C}}\nja: {{title: あ, why: い, fix: う}}\n\
         tests:\n  a: {{this: {{}}, expect: pass}}\n  b: {{this: {{}}, expect: fail}}\n  c: {{this: {{}}, expect: unknown}}\n"
    );
    CheckFile::parse(&ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false })?.compile(
        &schema(),
        None,
        &[],
    )
}

fn known(fields: &[(&str, Value)]) -> Vec<(SmolStr, Field)> {
    fields.iter().map(|(n, v)| ((*n).into(), Field::Known(v.clone()))).collect()
}

fn asset(kind: &str, account: &str, region: &str, fields: Vec<(SmolStr, Field)>) -> Asset {
    let mut a = Asset {
        kind: kind.into(),
        arn: None,
        id: "p".into(),
        account: account.into(),
        region: region.into(),
        fields: vec![],
    };
    for (n, f) in fields {
        a.set(n, f);
    }
    a
}

/// An estate of two accounts and two Regions, `x.thing` first, everything listed.
fn estate(this: Asset, parts: Vec<Asset>, all_regions: bool) -> Estate {
    let callers = [HERE, OTHER].map(|a| Caller { account: a.into(), arn: "".into(), partition: "aws".into() }).to_vec();
    let scope = Scope { regions: vec!["r1".into(), "r2".into()], all_regions, ..Scope::default() };
    let mut e = Estate::new("2026-01-01T00:00:00Z".parse().unwrap(), callers, scope, Arc::<Tables>::default());
    e.push(this);
    for p in parts {
        e.push(p);
    }
    for kind in ["x.thing", "x.part", "x.role", "x.account"] {
        for account in [HERE, OTHER] {
            for region in ["r1", "r2", "aws-global"] {
                e.set_listing((kind.into(), account.into(), region.into()), None);
            }
        }
    }
    e
}

fn told(check: &Check, mut e: Estate) -> Status {
    e.prepare(&check.joins);
    judge_one(&e, check, 0, false).0
}

fn nested(id: &str, port: i64) -> Value {
    Value::Map([("Id".into(), id.into()), ("Port".into(), Value::Int(port))].into_iter().collect())
}

#[test]
fn which_assets_belong() {
    let this = known(&[("Id", "a".into()), ("Port", Value::Int(80)), ("On", true.into()), ("At", nested("a", 80))]);
    for (name, wanted, part, want) in [
        ("one key", "{Id: this.Id}", known(&[("Id", "a".into())]), Status::Pass),
        ("another value", "{Id: this.Id}", known(&[("Id", "b".into())]), Status::Fail),
        ("no key at all", "{}", known(&[]), Status::Pass),
        (
            "two keys",
            "{Id: this.Id, Port: this.Port}",
            known(&[("Id", "a".into()), ("Port", Value::Int(80))]),
            Status::Pass,
        ),
        (
            "one of two keys differs",
            "{Id: this.Id, Port: this.Port}",
            known(&[("Id", "a".into()), ("Port", Value::Int(81))]),
            Status::Fail,
        ),
        ("a nested key", "{At.Id: this.At.Id}", known(&[("At", nested("a", 1))]), Status::Pass),
        ("a nested key that differs", "{At.Id: this.At.Id}", known(&[("At", nested("b", 1))]), Status::Fail),
        ("a literal", "{Id: \"'a'\"}", known(&[("Id", "a".into())]), Status::Pass),
        ("a truth value", "{On: this.On}", known(&[("On", true.into())]), Status::Pass),
        ("a number is not its text", "{Any: this.Port}", known(&[("Any", "80".into())]), Status::Fail),
        ("a number of the other type", "{Any: this.Port}", known(&[("Any", Value::Float(80.0))]), Status::Pass),
        (
            "values do not run together",
            "{Id: \"'a\\u0001b'\", Any: \"'c'\"}",
            known(&[("Id", "a".into()), ("Any", "b\u{1}c".into())]),
            Status::Fail,
        ),
        ("a key that the asset lacks", "{Id: this.Id}", known(&[]), Status::Fail),
        (
            "a nested key that the asset lacks",
            "{At.Id: this.Id}",
            known(&[("At", Value::Map(Default::default()))]),
            Status::Fail,
        ),
        ("a key that this asset lacks", "{Id: this.Any}", known(&[("Id", "a".into())]), Status::Fail),
        ("a key that could not be read", "{Id: this.Id}", vec![("Id".into(), denied())], Status::Unknown),
        (
            "a key that could not be read beside one that is absent",
            "{Id: this.Id, Port: this.Port}",
            vec![("Id".into(), denied())],
            Status::Fail,
        ),
    ] {
        let joins = format!("{{each: x.part, where: {wanted}}}");
        let check = load("x.thing", &joins, "parts.exists(p, true)").unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let e = estate(asset("x.thing", HERE, "r1", this.clone()), vec![asset("x.part", HERE, "r1", part)], true);
        assert_eq!(told(&check, e), want, "{name}");
    }
    let unread = vec![("Id".into(), denied())];
    let check = load("x.thing", "{each: x.part, where: {Id: this.Id}}", "parts.exists(p, true)").unwrap();
    let part = asset("x.part", HERE, "r1", known(&[("Id", "a".into())]));
    assert_eq!(
        told(&check, estate(asset("x.thing", HERE, "r1", unread), vec![part], true)),
        Status::Unknown,
        "this asset's key could not be read"
    );
}

#[test]
fn where_they_are_looked_for() {
    let gap = || Some(Arc::new(Gap::new(GapReason::AccessDenied, "denied")));
    let yes = |region: &str, account: &str| asset("x.part", account, region, vec![]);
    for (name, across, account, region, all_regions, unlisted, want) in [
        ("the same Region", "", HERE, "r1", true, None, Status::Pass),
        ("another Region", "", HERE, "r2", true, None, Status::Fail),
        ("another Region that was not listed", "", HERE, "r2", true, Some("r2"), Status::Fail),
        ("the same Region that was not listed wholly, with a hit", "", HERE, "r1", true, Some("r1"), Status::Pass),
        ("the same Region that was not listed", "", HERE, "r2", true, Some("r1"), Status::Unknown),
        ("another account", "", OTHER, "r1", true, None, Status::Fail),
        ("another account, every Region", ", across: all_regions", OTHER, "r1", true, None, Status::Fail),
        ("every scanned Region", ", across: scanned_regions", HERE, "r2", false, None, Status::Pass),
        ("every scanned Region, nothing there", ", across: scanned_regions", OTHER, "r2", false, None, Status::Fail),
        (
            "every scanned Region, one not listed",
            ", across: scanned_regions",
            OTHER,
            "r2",
            false,
            Some("r2"),
            Status::Unknown,
        ),
        ("every Region, all scanned", ", across: all_regions", OTHER, "r2", true, None, Status::Fail),
        ("every Region, not all scanned", ", across: all_regions", OTHER, "r2", false, None, Status::Unknown),
        ("every Region, not all scanned, with a hit", ", across: all_regions", HERE, "r2", false, None, Status::Pass),
    ] {
        let check = load("x.thing", &format!("{{each: x.part{across}}}"), "parts.exists(p, true)").unwrap();
        let mut e = estate(asset("x.thing", HERE, "r1", vec![]), vec![yes(region, account)], all_regions);
        if let Some(r) = unlisted {
            e.set_listing(("x.part".into(), HERE.into(), r.into()), gap());
        }
        assert_eq!(told(&check, e), want, "{name}");
    }
    // A kind without Regions is looked for in the account, whichever Region asks, and all_regions leaves nothing open.
    let check = load("x.thing", "{each: x.role, across: all_regions}", "parts.exists(p, true)").unwrap();
    let role = |account| asset("x.role", account, "aws-global", vec![]);
    assert_eq!(told(&check, estate(asset("x.thing", HERE, "r2", vec![]), vec![role(HERE)], false)), Status::Pass);
    assert_eq!(told(&check, estate(asset("x.thing", HERE, "r2", vec![]), vec![role(OTHER)], false)), Status::Fail);
    let errors = load("x.account", "{each: x.part}", "parts.exists(p, true)").unwrap_err();
    assert!(errors[0].message.contains("say `across: scanned_regions` or `across: all_regions`"), "{}", errors[0]);
}

#[test]
fn joins_that_could_never_hit_are_refused() {
    for (name, joins, message) in [
        (
            "a misspelt field",
            "{each: x.part, where: {Idd: this.Id}}",
            "`x.part` has no field `Idd`; did you mean `Id`?",
        ),
        (
            "a misspelt member",
            "{each: x.part, where: {At.Prot: this.Port}}",
            "`At.Prot`: no member `Prot`; did you mean `Port`?",
        ),
        ("a member of text", "{each: x.part, where: {Id.Port: this.Port}}", "`Id.Port`: text has no members"),
        ("another type", "{each: x.part, where: {Id: this.Port}}", "expected text, found a whole number"),
        ("a structure", "{each: x.part, where: {At: this.At}}", "`At` is a structure, and a join looks up one value"),
        (
            "a list",
            "{each: x.part, where: {At.Names: this.Id}}",
            "`At.Names` is a list of text, and a join looks up one value",
        ),
        ("a misspelt kind", "{each: x.prat}", "unknown kind `x.prat`; did you mean `x.part`?"),
        (
            "a misspelt scope",
            "{each: x.part, across: all}",
            "`across` is `scanned_regions` or `all_regions`, found `all`",
        ),
        ("a misspelt key", "{each: x.part, were: {Id: this.Id}}", "unknown key `were`; did you mean `where`?"),
        ("another join", "{each: x.part, where: {Id: 'parts[0].Id'}}", "unknown name `parts`"),
    ] {
        let errors =
            load("x.thing", joins, "parts.exists(p, true)").err().unwrap_or_else(|| panic!("{name} was taken"));
        assert!(errors[0].message.contains(message), "{name}: {}", errors[0]);
        assert_eq!(errors[0].line, 5, "{name}");
    }
}

#[test]
fn evidence_tells_assets_of_other_regions_apart_and_says_what_is_missing() {
    let check = load("x.account", "{each: x.part, across: all_regions}", "parts.exists(p, p.On)").unwrap();
    let off = |region| asset("x.part", HERE, region, known(&[("On", false.into())]));
    let mut e = estate(asset("x.account", HERE, "aws-global", vec![]), vec![off("r1"), off("r2")], false);
    let checks = [check];
    let evidence = |e: &mut Estate| {
        let out = judge(e, &checks, 1);
        Value::Map(verdict(e, &checks, &out[0], Lang::En).unwrap().evidence).to_string()
    };
    let outside = "unknown (Regions outside the scan were not read)";
    assert_eq!(
        evidence(&mut e),
        format!(r#"{{"parts":["p, r1","p, r2","{outside}"],"parts[p, r1].On":false,"parts[p, r2].On":false}}"#)
    );
    let mut none = estate(asset("x.account", HERE, "aws-global", vec![]), vec![], false);
    assert_eq!(evidence(&mut none), format!(r#"{{"parts":"{outside}"}}"#));
}

#[test]
fn one_cause_is_named_once_however_many_assets_it_hits() {
    let check = load("x.thing", "{each: x.part, where: {Id: this.Id}}", "parts.exists(p, p.On)").unwrap();
    let parts = (0..500).map(|_| asset("x.part", HERE, "r1", vec![("Id".into(), denied())])).collect();
    let mut e = estate(asset("x.thing", HERE, "r1", known(&[("Id", "a".into())])), parts, true);
    e.prepare(&check.joins);
    assert_eq!(judge_one(&e, &check, 0, false).1.len(), 1);
    // While reading, each asset is asked for.
    assert_eq!(judge_one(&e, &check, 0, true).1.len(), 500);
}

#[test]
fn an_index_follows_the_data_as_it_is_read() {
    let check = load("x.thing", "{each: x.part, where: {Id: this.Id}}", "parts.exists(p, true)").unwrap();
    let mut e = estate(asset("x.thing", HERE, "r1", known(&[("Id", "a".into())])), vec![], true);
    let told = |e: &mut Estate| {
        e.prepare(&check.joins);
        judge_one(e, &check, 0, false).0
    };
    assert_eq!(told(&mut e), Status::Fail);
    let part = e.push(asset("x.part", HERE, "r1", vec![("Id".into(), denied())]));
    assert_eq!(told(&mut e), Status::Unknown);
    e.set_field(part, &"Id".into(), Field::Known("b".into()));
    assert_eq!(told(&mut e), Status::Fail);
    e.push(asset("x.part", HERE, "r1", known(&[("Id", "a".into())])));
    assert_eq!(told(&mut e), Status::Pass);
}

#[test]
fn threads_change_neither_verdicts_nor_their_order() {
    let check = load("x.thing", "{each: x.part, where: {Id: this.Id}}", "parts.exists(p, p.On)").unwrap();
    let id = |n: usize| known(&[("Id", format!("{}", n % 50).into()), ("On", n.is_multiple_of(3).into())]);
    let parts = (0..10_000).map(|n| asset(if n % 2 == 0 { "x.thing" } else { "x.part" }, HERE, "r1", id(n))).collect();
    let mut e = estate(asset("x.thing", HERE, "r1", id(0)), parts, true);
    let checks = [check.clone(), check];
    let one = judge(&mut e, &checks, 1);
    assert_eq!(one.len(), 2 * 5_001);
    assert_eq!(judge(&mut e, &checks, 4), one);
}
