//! Every function and operator, one named row each: what holds, what does not, and what cannot be told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{ACCOUNT, compile, denied, file, kind, thing};
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Scope, Status, Type, Value};
use yagura_rule::{CheckFile, Estate, LAMBDA_RUNTIMES, Tables, judge_one};

const YES: Status = Status::Pass;
const NO: Status = Status::Fail;
/// It cannot be told.
const NOT_TOLD: Status = Status::Unknown;

fn asset() -> Asset {
    thing(vec![
        ("b".into(), Field::Known(true.into())),
        ("i".into(), Field::Known(Value::Int(7))),
        ("f".into(), Field::Known(Value::Float(0.5))),
        ("s".into(), Field::Known("日本 AWS".into())),
        ("at".into(), Field::Known("2025-10-03T00:00:00Z".into())),
        ("t".into(), denied()),
        ("any".into(), Field::Known(Value::List(vec![Value::Int(1), "x".into()]))),
        ("ls".into(), Field::Known(Value::List(vec!["a".into(), "b".into()]))),
        ("li".into(), Field::Known(Value::List(vec![]))),
        ("m".into(), Field::Known(Value::Map([("k".into(), Value::Int(1))].into_iter().collect()))),
    ])
}

fn estate() -> Estate {
    let caller = Caller { account: ACCOUNT.into(), arn: "".into(), partition: "aws".into() };
    let runtimes = "kind: table\nas_of: '2026-01-01'\nsource: https://docs.aws.amazon.com\nruntimes:\n  old: {deprecated: '2025-12-31'}\n  \
                    ends today: {deprecated: '2026-01-01'}\n  soon: {deprecated: '2026-01-02'}\n  new: {}\n";
    let tables =
        Tables::read(&ContentFile { path: LAMBDA_RUNTIMES.into(), text: runtimes.into(), shipped: true }).unwrap();
    let mut e = Estate::new("2026-01-01T12:00:00Z".parse().unwrap(), vec![caller], Scope::default(), Arc::new(tables));
    e.push(asset());
    e
}

#[test]
fn functions_and_operators() {
    let estate = estate();
    for (name, expression, want) in [
        ("size of text counts code points", "size(this.s) == 6", YES),
        ("size of a list", "this.ls.size() == 2", YES),
        ("size of an empty list", "size(this.li) == 0", YES),
        ("size of a map", "size(this.m) == 1", YES),
        ("size of what is unknown", "size(this.t) == 1", NOT_TOLD),
        ("size of what is absent", "size(this.lb) == 0", NOT_TOLD),
        ("startsWith", "this.s.startsWith('日本')", YES),
        ("startsWith of nothing", "this.s.startsWith('')", YES),
        ("endsWith", "this.s.endsWith('aws')", NO),
        ("contains", "this.s.contains('本 A')", YES),
        ("contains as a function", "contains(this.s, 'x')", NO),
        ("matches a part", "this.s.matches('[A-Z]{3}$')", YES),
        ("matches nothing", "this.s.matches('^AWS')", NO),
        ("matches by no pattern", "this.s.matches('(')", NOT_TOLD),
        ("tags of a map", "tagged(this.m, ['k'])", YES),
        ("tags of a map without a key", "tagged(this.m, ['k', 'l'])", NO),
        ("any tag", "tagged(this.m, [])", YES),
        ("no tag", "tagged(this.li, [])", NO),
        ("a later version", "version_at_least('5.10', '5.9.3')", YES),
        ("the same version", "version_at_least('5.0', '5')", YES),
        ("an earlier version", "version_at_least('5.9.3', '5.10')", NO),
        ("no version", "version_at_least('latest', '5')", NOT_TOLD),
        ("a filter that matches", "filter_pattern_matches('{ $.a = 1 }', '{\"a\": 1}')", YES),
        ("a filter that does not", "filter_pattern_matches('{ $.a = 1 }', '{\"a\": 2}')", NO),
        ("a filter of terms", "filter_pattern_matches('ERROR', '{\"a\": 2}')", NOT_TOLD),
        ("lowerAscii leaves the rest", "'É日A'.lowerAscii() == 'É日a'", YES),
        ("upperAscii", "'aé'.upperAscii() == 'Aé'", YES),
        ("trim", "' \\t a b\\n'.trim() == 'a b'", YES),
        ("split", "'a,b,,c'.split(',') == ['a', 'b', '', 'c']", YES),
        ("split by nothing", "'日本'.split('') == ['日', '本']", YES),
        ("split where the separator is not", "'a'.split(',') == ['a']", YES),
        ("split of nothing", "''.split(',') == ['']", YES),
        ("string of a whole number", "string(-7) == '-7'", YES),
        ("string of a fraction", "string(0.5) == '0.5'", YES),
        ("string of a truth value", "string(this.b) == 'true'", YES),
        ("string of a time", "string(this.at) == '2025-10-03T00:00:00Z'", YES),
        ("string of a list that nobody expected", "string(this.any) == ''", NOT_TOLD),
        ("int rounds toward zero", "int(-1.9) == -1 && int(1.9) == 1", YES),
        ("int of text", "int('42') == 42", YES),
        ("int of text that is no number", "int('4 2') == 42", NOT_TOLD),
        ("int of nothing", "int('') == 0", NOT_TOLD),
        ("int of too much", "int(9.3e18) > 0", NOT_TOLD),
        ("int of nearly too much", "int(9.22e18) > 0", YES),
        ("int of infinity", "int(1.0 / 0.0) > 0", NOT_TOLD),
        ("int of a list that nobody expected", "int(this.any) == 0", NOT_TOLD),
        ("double of text", "double('0.5') == this.f", YES),
        ("double of text that is no number", "double('half') == this.f", NOT_TOLD),
        ("double of a whole number", "double(7) == 7.0", YES),
        ("one_of the first list", "'a'.one_of(['b', 'a'], ['c'])", YES),
        ("one_of the second list", "one_of('c', this.ls, ['c'])", NO),
        ("one_of neither list", "'d'.one_of(['a', 'b'], ['c'])", NOT_TOLD),
        ("one_of an empty list", "'a'.one_of([], ['a'])", NO),
        ("one_of what is unknown", "this.t.one_of(['a'], ['b'])", NOT_TOLD),
        ("account_of a trail", "account_of('arn:aws:cloudtrail:us-east-1:123456789012:trail/t') == account", YES),
        ("account_of another account", "account_of('arn:aws-cn:iam::999999999999:user/a:b') == account", NO),
        ("account_of a bucket", "account_of('arn:aws:s3:::a') == account", NOT_TOLD),
        ("account_of an AWS managed policy", "account_of('arn:aws:iam::aws:policy/a') == account", NOT_TOLD),
        ("account_of what is no ARN", "account_of('a') == account", NOT_TOLD),
        ("a variable may hide `account`", "['a'].exists(account, account == 'a')", YES),
        ("bool of text", "bool('true') && bool('TRUE') && !bool('false') && !bool('False')", YES),
        ("bool of a truth value", "bool(this.b)", YES),
        ("bool of another word", "bool('not_supported')", NOT_TOLD),
        ("bool of nothing", "bool('')", NOT_TOLD),
        ("bool of a number", "bool(this.i)", NOT_TOLD),
        ("age_days drops hours", "age_days('2025-12-30T13:00:00Z') == 1", YES),
        ("age_days of 90 days and a half", "age_days(this.at) == 90", YES),
        ("age_days with an offset", "age_days('2025-12-31T21:00:00+09:00') == 1", YES),
        ("age_days of the future", "age_days('2026-01-02T13:00:00Z') < 0", YES),
        ("age_days of what is no time", "age_days(this.s) > 0", NOT_TOLD),
        ("age_days of a day", "age_days(date('2025-12-31')) == 1", YES),
        ("days_until drops hours", "days_until('2026-01-03T13:00:00Z') == 2", YES),
        ("days_until of the past", "days_until('2025-12-01T00:00:00Z') < 0", YES),
        ("date is midnight UTC", "date('2026-01-31') == '2026-01-31T00:00:00Z'", YES),
        ("date of what is none", "date('2026-02-30') == now", NOT_TOLD),
        ("before", "before(this.at, now)", YES),
        ("before itself", "before(this.at, this.at)", NO),
        ("after", "after(this.at, date('2025-10-02'))", YES),
        ("after what is no time", "after(this.at, this.s)", NOT_TOLD),
        ("times compare as instants", "'2026-01-01T21:00:00+09:00' == now", YES),
        ("a time and a fraction of a second", "now < '2026-01-01T12:00:00.5Z'", YES),
        (
            "policy.is_admin",
            "policy.is_admin('{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}')",
            YES,
        ),
        ("policy.is_admin of no policy", "policy.is_admin('*')", NOT_TOLD),
        ("cidr.contains", "cidr.contains('10.0.0.0/8', '10.1.2.3')", YES),
        ("cidr.contains of a larger block", "cidr.contains('10.1.0.0/16', '10.0.0.0/8')", NO),
        ("cidr.contains over families", "cidr.contains('::/0', '10.0.0.1')", NO),
        ("cidr.contains of no address", "cidr.contains('10.0.0.0/8', 'host')", NOT_TOLD),
        ("cidr with a sign", "cidr.contains('10.0.0.0/+8', '10.0.0.1')", NOT_TOLD),
        ("cidr with no length", "cidr.contains('10.0.0.0/', '10.0.0.1')", NOT_TOLD),
        ("cidr.is_public", "cidr.is_public('0.0.0.0/0') && !cidr.is_public('192.168.1.0/24')", YES),
        ("cidr.is_public of no block", "cidr.is_public('any')", NOT_TOLD),
        ("a runtime without an end", "lambda.runtime_supported('new')", YES),
        ("a runtime that ends tomorrow", "lambda.runtime_supported('soon')", YES),
        ("a runtime from its end on", "lambda.runtime_supported('ends today')", NO),
        ("a runtime that ended", "lambda.runtime_supported('old')", NO),
        ("a runtime that nobody knows", "lambda.runtime_supported('other')", NOT_TOLD),
        ("default of what is absent", "default(this.o, 5) == 5", YES),
        ("default of what is there", "default(this.i, 5) == 7", YES),
        ("default of what is unknown", "default(this.t, 'x') == 'x'", NOT_TOLD),
        ("default of an item beyond the list", "default(this.ls[2], 'z') == 'z'", YES),
        ("has of what is there", "has(this.i)", YES),
        ("has of what is absent", "has(this.o)", NO),
        ("has of what is unknown", "has(this.t)", NOT_TOLD),
        ("has below what is absent", "has(this.st.n)", NO),
        ("has of an item", "has(this.ls[1]) && !has(this.ls[-1])", YES),
        ("an absent value in use", "this.o == 1", NOT_TOLD),
        ("in a list", "'a' in this.ls", YES),
        ("in a filtered list", "'a' in this.ls.filter(x, x != 'b')", YES),
        ("in a list that was filtered to nothing", "'a' in this.ls.filter(x, x == 'c')", NO),
        ("a list that was filtered to nothing", "this.ls.filter(x, x == 'c') == []", YES),
        ("in a map", "'k' in this.m && !('l' in this.m)", YES),
        ("in what nobody expected", "'x' in this.any", YES),
        ("in what is no list", "1 in default(this.any[0], 1)", NOT_TOLD),
        ("a list compares by value", "[1, 2] == [1.0, 2.0]", YES),
        ("a list in a list", "[1.0] in [[1], [2]]", YES),
        ("a whole number beyond what a fraction can hold", "9007199254740993 > 9007199254740992.0", YES),
        ("the same the other way", "9007199254740992.0 == 9007199254740993", NO),
        ("a fraction between whole numbers", "-1 < -0.5 && -0.5 < 0", YES),
        ("infinity", "9223372036854775807 < 1.0 / 0.0", YES),
        ("NaN has no order", "0.0 / 0.0 < 1.0", NOT_TOLD),
        ("NaN equals nothing", "0.0 / 0.0 == 0.0 / 0.0", NO),
        ("overflow", "9223372036854775807 + 1 > 0", NOT_TOLD),
        ("overflow of the smallest number", "-(-9223372036854775807 - 1) > 0", NOT_TOLD),
        ("division by nothing", "1 / (this.i - 7) == 0", NOT_TOLD),
        ("the rest has the sign of the dividend", "-7 % 3 == -1", YES),
        ("whole numbers and fractions meet", "1 + 0.5 == 1.5", YES),
        ("lists join", "this.ls + ['c'] == ['a', 'b', 'c']", YES),
        ("what is not of the expected form", "this.any && true", NOT_TOLD),
        ("a comparison that decides beside an unknown", "this.t == 'x' || this.i == 7", YES),
        ("a conditional asks only for its branch", "this.b ? this.i == 7 : this.t == ''", YES),
        ("a conditional on an unknown", "this.t == '' ? true : true", NOT_TOLD),
        ("exists_one", "this.ls.exists_one(x, x == 'a')", YES),
        ("exists_one of two", "this.ls.exists_one(x, x != 'c')", NO),
        ("exists over the keys of a map", "this.m.exists(k, k == 'k')", YES),
        ("all of nothing", "this.li.all(x, x == 1)", YES),
        ("exists of nothing", "this.li.exists(x, x == 1)", NO),
        ("an inner variable hides an outer one", "[1].exists(x, ['a'].exists(x, x == 'a') && x == 1)", YES),
        ("a variable may hide `this`", "['a'].exists(this, this == 'a')", YES),
    ] {
        let check = compile(expression).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(judge_one(&estate, &check, 0, false).0, want, "{name}: {expression}");
    }
}

#[test]
fn a_join_inside_a_macro_keeps_the_variables_apart() {
    let text = file("this.ls.exists(x, mates.exists(m, x == 'b'))").text.replace(
        "severity:",
        "with:\n  mates: {each: x.thing, where: {s: \"this.ls.filter(y, y == 'a').map(y, y + '!')[0]\"}}\nseverity:",
    );
    let check = CheckFile::parse(&ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false }).unwrap();
    let schema = [kind("x.thing", false, &[("ls", Type::List(Arc::new(Type::String))), ("s", Type::String)])]
        .into_iter()
        .collect();
    let check = check.compile(&schema, None, &[]).unwrap();
    let mut e = common::estate(vec![asset(), thing(vec![("s".into(), Field::Known("a!".into()))])]);
    e.set_listing(("x.thing".into(), ACCOUNT.into(), "aws-global".into()), None);
    e.prepare(&check.joins);
    assert_eq!(judge_one(&e, &check, 0, false).0, YES);
}
