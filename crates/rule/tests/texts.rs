//! Settings, placeholders in texts, and what the rows of fixtures may say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::file;
use std::sync::Arc;
use yagura_model::{Asset, ContentFile, Field, Lang, Map, Value};
use yagura_rule::{CheckFile, ContentError, Judgement, Subject, judge_one, run_fixtures, verdict};

fn parse(text: String) -> Result<CheckFile, Vec<ContentError>> {
    CheckFile::parse(&ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false })
}

fn with_settings() -> CheckFile {
    let text = file("this.i >= settings.least && this.s in settings.names && this.f > settings.part").text;
    parse(text.replace("severity: low", "severity: low\nsettings: {least: 8, names: [a], part: 0.5, strict: true}"))
        .unwrap()
}

fn map(members: &[(&str, Value)]) -> Map {
    members.iter().map(|(n, v)| ((*n).into(), v.clone())).collect()
}

#[test]
fn a_user_may_override_settings_in_the_form_of_their_defaults() {
    let check = with_settings();
    for (name, given, want) in [
        ("nothing", map(&[]), None),
        ("a number", map(&[("least", Value::Int(14))]), None),
        ("a list", map(&[("names", Value::List(vec!["b".into()]))]), None),
        ("a whole number for a fraction", map(&[("part", Value::Int(1))]), None),
        (
            "text for a number",
            map(&[("least", "14".into())]),
            Some("the setting `least` of `x.check` must be like its default 8, found \"14\""),
        ),
        (
            "a fraction for a whole number",
            map(&[("least", Value::Float(1.5))]),
            Some("must be like its default 8, found 1.5"),
        ),
        (
            "a list of something else",
            map(&[("names", Value::List(vec![Value::Int(1)]))]),
            Some("`in` cannot look for text in a list of a whole number"),
        ),
        (
            "a misspelt name",
            map(&[("lesat", Value::Int(1))]),
            Some("`x.check` has no setting `lesat`; did you mean `least`?"),
        ),
    ] {
        let found = check.compile(&common::schema(), Some(&given), &[]);
        match (found, want) {
            (Ok(c), None) => assert_eq!(c.settings.get("least"), given.get("least").or(Some(&Value::Int(8))), "{name}"),
            (Err(e), Some(want)) => assert!(e[0].message.contains(want), "{name}: {}", e[0]),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

fn said(fix: &str, fields: &[(&str, Field)]) -> Result<String, String> {
    let text = with_settings()
        .file
        .text
        .replace("fix: C}", &format!("fix: '{fix}'}}"))
        .replace("fix: う}", &format!("fix: '{fix}'}}"));
    let check = parse(text).unwrap().compile(&common::schema(), None, &[]).map_err(|e| e[0].to_string())?;
    let asset: Asset = common::thing(fields.iter().map(|(n, f)| ((*n).into(), f.clone())).collect());
    let e = common::estate(vec![asset]);
    let (status, holes) = judge_one(&e, &check, 0, false);
    let verdict =
        verdict(&e, &[check], &Judgement { check: 0, subject: Subject::Asset(0), status, holes }, Lang::Ja).unwrap();
    Ok(verdict.fix.to_string())
}

#[test]
fn placeholders_are_filled_or_refused() {
    let st = Value::Map([("t".into(), "deep".into())].into_iter().collect());
    let fields = [
        ("s", Field::Known("名前".into())),
        ("i", Field::Known(Value::Int(5))),
        ("ls", Field::Known(Value::List(vec!["a".into()]))),
        ("st", Field::Known(st)),
        ("t", common::denied()),
    ];
    for (name, fix, want) in [
        ("none", "do it", Ok("do it")),
        ("text", "{this.s}!", Ok("名前!")),
        ("a number", "{this.i} of {settings.least}", Ok("5 of 8")),
        ("a list", "{this.ls}", Ok("[\"a\"]")),
        ("a member", "{this.st.t}", Ok("deep")),
        ("what is absent", "<{this.o}>", Ok("<…>")),
        ("what could not be read", "<{this.t}>", Ok("<…>")),
        ("a member that is absent", "<{this.st.n}>", Ok("<…>")),
        (
            "other braces stay",
            "{\"a\": {\"b\": 1}} {} { {this.s} } {x} ${y.z}",
            Ok("{\"a\": {\"b\": 1}} {} { 名前 } {x} ${y.z}"),
        ),
        ("an open brace", "{this.s", Ok("{this.s")),
        ("a value is not filled again", "{this.s}{settings.names}", Ok("名前[\"a\"]")),
        ("a misspelt field", "{this.ss}", Err("`{this.ss}`: `x.thing` has no field `ss`")),
        ("a misspelt member", "{this.st.q1}", Err("`{this.st.q1}`: `st.q1`: no member `q1`")),
        ("a member of a list", "{this.lst.t}", Err("`lst.t`: a list of a structure has no members, so no `t`")),
        ("a misspelt setting", "{settings.leats}", Err("no setting `leats`; did you mean `least`?")),
        ("a misspelt beginning", "{thsi.s}", Err("`thsi` is not known here; did you mean `this`?")),
    ] {
        match (said(fix, &fields), want) {
            (Ok(found), Ok(want)) => assert_eq!(found, want, "{name}"),
            (Err(found), Err(want)) => assert!(found.contains(want), "{name}: {found}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let text = file("this.b").text.replace("title: A", "title: 'A {this.s}'");
    let errors = parse(text).unwrap().compile(&common::schema(), None, &[]).unwrap_err();
    assert!(errors[0].message.contains("a title is the same for every resource"), "{}", errors[0]);
}

#[test]
fn rows_of_fixtures_are_refused_where_they_would_say_nothing() {
    let row = |row: &str| with_settings().file.text.replace("a: {this: {}, expect: pass}", row);
    for (name, text, want) in [
        ("a misspelt verdict", row("a: {this: {}, expect: pas}"), "`pas` is not a verdict; did you mean `pass`?"),
        ("a misspelt field", row("a: {this: {lii: []}, expect: pass}"), "`x.thing` has no field `lii`"),
        (
            "a value of another type",
            row("a: {this: {i: x}, expect: pass}"),
            "`i`: \"x\" is not of the type that AWS answers",
        ),
        ("a misspelt member", row("a: {this: {st: {nn: 1}}, expect: pass}"), "`st`: no member `nn`"),
        (
            "a misspelt setting",
            row("a: {this: {}, settings: {lest: 1}, expect: pass}"),
            "no setting `lest`; did you mean `least`?",
        ),
        (
            "a setting of another form",
            row("a: {this: {}, settings: {least: x}, expect: pass}"),
            "the setting `least` must be like its default 8",
        ),
        (
            "settings that are no mapping",
            row("a: {this: {}, settings: 5, expect: pass}"),
            "`settings` wants names with their values",
        ),
        (
            "misspelt Regions",
            row("a: {this: {}, regions: sme, expect: pass}"),
            "`regions` is `all` or `some`, found `sme`",
        ),
        ("a time that is none", row("a: {this: {}, now: today, expect: pass}"), "`today` is not a time"),
        ("an unknown key", row("a: {this: {}, thta: 1, expect: pass}"), "unknown key `thta`"),
        (
            "a resource that is none",
            row("a: {this: 5, expect: pass}"),
            "a resource is written as a mapping of its fields",
        ),
        ("a row twice", row("a: {this: {}, expect: pass}\n  a: {this: {}, expect: pass}"), "duplicate"),
        ("no row that passes", row("a: {this: {}, expect: fail}"), "no fixture expects `pass`"),
    ] {
        let errors = parse(text)
            .and_then(|c| c.compile(&common::schema(), None, &[]))
            .err()
            .unwrap_or_else(|| panic!("{name} was taken"));
        assert!(errors[0].message.contains(want), "{name}: {}", errors[0]);
        assert!(errors[0].line > 9, "{name}: {}", errors[0]);
    }
}

#[test]
fn rows_run_under_their_own_settings_and_time() {
    let text = "kind: check\nid: x.check\neach: x.thing\npass: age_days(this.at) <= settings.days\nseverity: low\nsettings: {days: 90}\n\
                en: {title: A, why: B, fix: C}\nja: {title: A, why: B, fix: C}\ntests:\n  \
                young: {this: {at: '2025-12-31T00:00:00Z'}, expect: pass}\n  \
                later: {this: {at: '2025-12-31T00:00:00Z'}, now: '2026-12-31T00:00:00Z', expect: fail}\n  \
                stricter: {this: {at: '2025-12-29T00:00:00Z'}, settings: {days: 1}, expect: fail}\n  \
                hidden: {this: {at: unknown}, expect: unknown}\n";
    assert_eq!(run_fixtures(&parse(text.into()).unwrap(), &common::schema(), &[], &Arc::default()).unwrap(), []);
}
