//! Input that means harm: it ends in an error with a place, or in Unknown, within bounded time, memory and stack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{compile, estate, file, judge, thing};
use std::time::{Duration, Instant};
use yagura_model::{ContentFile, Field, Lang, Status, Value};
use yagura_rule::{CheckFile, ContentError, Judgement, Subject, verdict, yaml};

/// Far above what any of this takes in a debug build on a busy machine, far below what "never ends" means.
const PATIENCE: Duration = Duration::from_secs(20);

fn in_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = run();
    assert!(start.elapsed() < PATIENCE, "{what} took {:?}", start.elapsed());
    out
}

/// The thread that the standard library makes where nothing else is said.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

/// Compiles, judges and explains, if it compiles at all.
fn whole_way(expression: &str) -> Result<Status, Vec<ContentError>> {
    let checks = [compile(expression)?];
    let list = Value::List((0..20).map(Value::Int).collect());
    let asset = thing(vec![
        ("b".into(), Field::Known(true.into())),
        ("i".into(), Field::Known(Value::Int(1))),
        ("li".into(), Field::Known(list)),
        ("s".into(), Field::Known("x".into())),
        ("any".into(), Field::Known(Value::Bool(true))),
    ]);
    let (status, holes) = judge(&checks[0], &asset, false);
    let judgement = Judgement { check: 0, subject: Subject::Asset(0), status, holes };
    verdict(&estate(vec![asset]), &checks, &judgement, Lang::Ja).unwrap();
    Ok(status)
}

/// Each shape of nesting, as deep as asked.
fn shapes(n: usize) -> Vec<(&'static str, String)> {
    vec![
        ("and", vec!["this.b"; n].join(" && ")),
        ("or", vec!["!this.b"; n].join(" || ")),
        ("or to the right", format!("{}true{}", "this.c || (".repeat(n), ")".repeat(n))),
        ("plus", format!("{} > 0", vec!["this.i"; n].join(" + "))),
        ("texts", format!("({}) != ''", vec!["this.s"; n].join(" + "))),
        ("parentheses", format!("{}true{}", "(".repeat(n), ")".repeat(n))),
        ("not", format!("{}true", "!".repeat(n))),
        ("minus", format!("{}1 > 0", "-".repeat(n))),
        ("lists", format!("{}1{} == []", "[".repeat(n), "]".repeat(n))),
        ("members", format!("this.any{}", ".a".repeat(n))),
        ("has", format!("has(this.any{})", ".a".repeat(n))),
        ("indices", format!("this.any{} == 1", "[0]".repeat(n))),
        ("choices", format!("{}true", "this.c ? false : ".repeat(n))),
        ("choices in conditions", format!("{}true{}", "(".repeat(n), " ? true : false)".repeat(n))),
        ("filters", format!("this.li{}.size() > 0", ".filter(x, x > 0)".repeat(n))),
        ("maps", format!("this.li{}.size() > 0", ".map(x, x + 1)".repeat(n))),
        ("exists in exists", format!("{}true{}", "this.li.exists(x, ".repeat(n), ")".repeat(n))),
        ("all in all", format!("{}this.b{}", "this.li.all(x, ".repeat(n), ")".repeat(n))),
        ("calls", format!("{}this.s{} == ''", "trim(".repeat(n), ")".repeat(n))),
        ("methods", format!("this.s{} == ''", ".trim()".repeat(n))),
        ("defaults", format!("{}this.o{} == 1", "default(".repeat(n), ", 1)".repeat(n))),
        ("doubling texts", format!("[this.s]{}.size() > 0", ".map(x, x + x)".repeat(n))),
        ("doubling lists", format!("[this.li]{}.size() > 0", ".map(x, x + x)".repeat(n))),
        ("doubling trees", format!("this.li{}.size() > 0", ".map(x, [x, x])".repeat(n))),
        ("splitting", format!("this.li{}.size() > 0", ".map(x, 'aaaaaaaaaaaaaaaa'.split('').size())".repeat(n))),
        ("open", "(".repeat(n)),
        ("unended", format!("'{}", "a".repeat(n))),
        ("long name", "a".repeat(n)),
        ("long number", "9".repeat(n)),
        ("braces", "{".repeat(n)),
        ("full-width", "（".repeat(n)),
        ("NUL", "\0".repeat(n)),
        ("escapes", format!("'{}'", "\\".repeat(n))),
        ("comments", "//".repeat(n)),
        ("list of items", format!("1 in [{}]", vec!["1"; n].join(","))),
    ]
}

#[test]
fn expressions_of_any_size_end_on_a_small_stack() {
    on_a_small_stack(|| {
        for n in [1, 10, 40, 47, 48, 60, 90, 120, 190, 240, 330, 480, 900, 2_000, 20_000, 300_000] {
            for (name, text) in shapes(n) {
                if text.len() > 3_000_000 {
                    continue;
                }
                let found = in_time(&format!("{name} × {n}"), || whole_way(&text));
                for e in found.err().into_iter().flatten() {
                    assert!(e.line >= 1 && e.column >= 1, "{name} × {n}: {e}");
                }
            }
        }
    });
}

#[test]
fn endless_work_is_unknown() {
    for (name, text) in [
        ("loops in loops", format!("{}this.b{}", "this.li.all(x, ".repeat(20), ")".repeat(20))),
        ("doubling", format!("[this.s]{}.size() > 0", ".map(x, x + x)".repeat(60))),
        ("doubling trees", format!("this.li{}.size() > 0", ".map(x, [x, x])".repeat(60))),
    ] {
        assert_eq!(in_time(name, || whole_way(&text)), Ok(Status::Unknown), "{name}");
    }
    // What decides early is known, however much would follow.
    assert_eq!(
        whole_way(&format!("this.b || {}this.b{}", "this.li.all(x, ".repeat(20), ")".repeat(20))),
        Ok(Status::Pass)
    );
}

fn refused(text: &str) -> Vec<ContentError> {
    let file = ContentFile { path: "checks/x/check.yaml".into(), text: text.into(), shipped: false };
    match CheckFile::parse(&file).and_then(|c| c.compile(&common::schema(), None, &[])) {
        Ok(_) => Vec::new(),
        Err(e) => e,
    }
}

#[test]
fn yaml_that_means_harm_is_refused_with_a_place() {
    let laughs = |levels: usize| {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..levels {
            let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
            text += &format!("a{i}: &a{i} [{aliases}]\n");
        }
        text + &format!("kind: *a{}\n", levels - 1)
    };
    for (name, text) in [
        ("empty", String::new()),
        ("a scalar", "check".to_owned()),
        ("a list", "- check".to_owned()),
        ("null", "~".to_owned()),
        ("two documents", "a: 1\n---\nb: 2\n".to_owned()),
        ("billion laughs", laughs(12)),
        ("deep lists", "[".repeat(100_000)),
        ("deep balanced lists", format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))),
        ("deep maps", "{a: ".repeat(50_000)),
        ("deep blocks", (0..1_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect()),
        ("deep sequences", "- ".repeat(20_000)),
        ("many keys", (0..200_000).map(|i| format!("k{i}: 1\n")).collect()),
        ("many equal keys", "k: 1\n".repeat(100_000)),
        ("a long key", format!("{}: 1", "k".repeat(1_000_000))),
        ("a long line", format!("kind: {}", "k".repeat(3_000_000))),
        ("too long", " ".repeat(5 << 20)),
        ("a key twice", "kind: check\nkind: check\n".to_owned()),
        ("NUL", "kind: check\0\n".to_owned()),
        ("controls", "kind: \u{1}\u{7}\u{1b}[31m\n".to_owned()),
        ("tabs", "kind: check\n\tid: x\n".to_owned()),
        ("an unknown alias", "kind: *nowhere\n".to_owned()),
        ("an alias to itself", "kind: &a [*a]\n".to_owned()),
        ("a key that is a list", "? [a, b]\n: 1\n".to_owned()),
        ("a tag", "kind: !!python/object:os.system 'x'\n".to_owned()),
        ("merge keys", "a: &a {b: 1}\nkind:\n  <<: *a\n".to_owned()),
        ("an unended quote", "kind: 'check".to_owned()),
        ("directives", "%YAML 9.9\n---\nkind: check\n".to_owned()),
        ("byte order marks", "\u{feff}\u{feff}\u{feff}kind: check\n".to_owned()),
    ] {
        on_a_small_stack(move || {
            let errors = in_time(name, || refused(&text));
            assert!(!errors.is_empty(), "{name} was taken");
            for e in errors.iter().take(1_000) {
                assert!(e.line >= 1 && e.column >= 1 && !e.message.is_empty(), "{name}: {e}");
            }
        });
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let text = file("this.b &&\nthis.x").text;
    let plain = refused(&text);
    assert!(plain[0].to_string().starts_with("checks/x/check.yaml:6:3: `x.thing` has no field `x`"));
    assert_eq!(refused(&text.replace('\n', "\r\n")), plain);
    assert_eq!(refused(&format!("\u{feff}{text}")), plain);
    assert_eq!(refused(&file("this.b").text.replace('\n', "\r\n")), []);
}

#[test]
fn values_of_the_wrong_form_are_refused_where_they_stand() {
    let sound = file("this.b").text;
    for (name, from, to, place, message) in [
        ("pass is a list", "pass: |\n  this.b", "pass: [this.b]", (4, 7), "expected an expression"),
        ("pass is nothing", "pass: |\n  this.b", "pass:", (4, 5), "expected an expression"),
        ("pass is a number", "pass: |\n  this.b", "pass: 5", (4, 7), "expected true or false, found a whole number"),
        ("when is a mapping", "severity: low", "severity: low\nwhen: {a: b}", (7, 7), "expected an expression"),
        ("with is a list", "severity: low", "severity: low\nwith: [x.thing]", (7, 7), "`with` wants a mapping"),
        (
            "where is text",
            "severity: low",
            "severity: low\nwith:\n  l: {each: x.thing, where: this.s}",
            (8, 29),
            "`where` wants a mapping",
        ),
        (
            "a join named this",
            "severity: low",
            "severity: low\nwith:\n  this: {each: x.thing}",
            (8, 9),
            "`this` cannot name a join",
        ),
        (
            "a join named as a namespace",
            "severity: low",
            "severity: low\nwith:\n  policy: {each: x.thing}",
            (8, 11),
            "`policy` cannot name a join",
        ),
        (
            "a join with a dash",
            "severity: low",
            "severity: low\nwith:\n  a-b: {each: x.thing}",
            (8, 8),
            "`a-b` cannot name a join",
        ),
        ("tests is a list", "tests:\n  a:", "tests:\n- a:", (10, 3), "`tests` wants a mapping"),
        (
            "settings is a list",
            "severity: low",
            "severity: low\nsettings: [1]",
            (7, 11),
            "`settings` wants names with their defaults",
        ),
        ("id is a number", "id: x.check", "id: 5", (2, 5), "`id` wants text"),
        (
            "a kind with letters missing",
            "each: x.thing",
            "each: x.thin",
            (3, 7),
            "unknown kind `x.thin`; did you mean `x.thing`?",
        ),
    ] {
        assert!(sound.contains(from), "{name}");
        let errors = refused(&sound.replace(from, to));
        let first = errors.iter().find(|e| e.message.contains(message)).unwrap_or_else(|| panic!("{name}: {errors:?}"));
        assert_eq!((first.line, first.column), place, "{name}: {first}");
    }
}

#[test]
fn expressions_are_complained_of_where_they_stand() {
    for (name, pass, place, message) in [
        ("one line", "pass: this.q", (4, 7), "no field `q`"),
        ("further on", "pass: this.b && this.q", (4, 17), "no field `q`"),
        ("a letter that the key has too", "pass: s", (4, 7), "unknown name `s`"),
        ("single quotes", "pass: 'this.b && this.q'", (4, 18), "no field `q`"),
        ("double quotes", "pass: \"!this.b && this.q\"", (4, 19), "no field `q`"),
        ("a block", "pass: |\n  this.b &&\n    this.q", (6, 5), "no field `q`"),
        ("a block with the same line twice", "pass: |\n  this.b &&\n  this.b &&\n  this.q", (7, 3), "no field `q`"),
        ("a block with a comment", "pass: | # why\n  this.b &&\n  this.q", (6, 3), "no field `q`"),
        ("a block that ends early", "pass: |\n  this.b &&\n", (5, 12), "expected a value, found the end"),
        // Its lines are one: the place is where it begins.
        ("a folded block", "pass: >\n  this.b\n  && this.q", (5, 3), "no field `q`"),
        ("wide letters before", "pass: this.s == '日本' && this.q", (4, 25), "no field `q`"),
    ] {
        let errors = refused(&file("this.b").text.replace("pass: |\n  this.b", pass));
        let first = errors.iter().find(|e| e.message.contains(message)).unwrap_or_else(|| panic!("{name}: {errors:?}"));
        assert_eq!((first.line, first.column), place, "{name}: {first}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_stand() {
    let e =
        yaml::decode("checks/x/check.yaml".into(), b"kind: check\nid: \xe6\x97\xa5\xff".to_vec(), false).unwrap_err();
    assert_eq!(e.to_string(), "checks/x/check.yaml:2:6: the file is not UTF-8 text from here on");
    assert_eq!(yaml::decode("a".into(), "日本".into(), true).unwrap().text, "日本");
}

#[test]
fn mistakes_that_would_only_show_while_judging_are_found_by_the_loader() {
    for (pass, message) in [
        (
            "this.at < '2026-01-31'",
            "`2026-01-31` is not a time; write it as `2026-01-31T00:00:00Z`, or a day as `date(\"2026-01-31\")`",
        ),
        ("age_days('yesterday') > 1", "`yesterday` is not a time"),
        ("this.f % 2 == 1", "`%` wants whole numbers"),
        ("int(this.b) == 1", "`int` wants text or a number, found true or false"),
        ("string(this.li) == ''", "`string` wants text, a number or a truth value, found a list of a whole number"),
        ("this.b < this.c", "cannot compare true or false with true or false"),
        ("this.li < [1]", "cannot compare a list of a whole number with a list of a whole number"),
        ("1 in this.ls", "`in` cannot look for a whole number in a list of text"),
        ("has(this)", "`has` wants a field"),
        ("this.li.exists(x.y, true)", "expected a variable's name"),
        ("this.li.exists(x)", "`exists` takes a variable and an expression"),
        ("this.li[true] == 1", "the index must be a whole number"),
        ("[1, 'a'].size() == 2", "a list holds one type, found a whole number and text"),
        ("this.m.exists(k, k == 1)", "cannot compare text with a whole number"),
        ("this.li.exists(settings, settings.x)", "a whole number has no members, so no `x`"),
        ("x.size() > 0", "unknown name `x`"),
        ("this.s == 'a\nb'", "never ends"),
    ] {
        let errors = compile(pass).err().unwrap_or_else(|| panic!("{pass} was taken"));
        assert!(errors[0].message.contains(message), "{pass}: {}", errors[0]);
    }
}
