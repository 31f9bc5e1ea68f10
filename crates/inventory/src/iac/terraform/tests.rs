//! Expressions by example.

use super::super::node::Node;
use super::super::{Notes, Options};
use super::module::Module;
use super::{Catalogue, Shared};
use crate::kinds::Kinds;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// What an expression gives, as JSON; or `?` and what hides it.
fn value(text: &str) -> String {
    let (kinds, options, mut notes) = (Kinds::default(), Options::default(), Notes::default());
    let catalogue = Catalogue::new(&kinds);
    let mut shared = Shared {
        catalogue: &catalogue,
        options: &options,
        notes: &mut notes,
        parsed: HashMap::new(),
        taken: HashSet::new(),
        steps: 0,
        chain: 0,
    };
    let mut module = Module::empty(Path::new("."));
    module.given = BTreeMap::from([("env".into(), Node::text("prod")), ("hidden".into(), Node::unknown("var.hidden"))]);
    let node = module.eval(&mut shared, &hcl_edit::parser::parse_expr(text).unwrap());
    match node.hidden() {
        Some(why) => format!("? {why}"),
        None => node.json().scalar().unwrap().to_string(),
    }
}

#[test]
fn expressions_give_what_terraform_gives() {
    let rows = [
        ("1 + 2 * 3", "7"),
        ("7 / 2", "3.5"),
        ("!(1 < 2) || \"a\" == \"a\"", "true"),
        ("\"x-${var.env}-${1 + 1}\"", "\"x-prod-2\""),
        ("var.env == \"prod\" ? [1] : []", "[1]"),
        ("[for k, v in { a = 1, b = 2 } : \"${k}${v}\" if v > 1]", "[\"b2\"]"),
        ("{ for v in [\"a\", \"b\"] : v => upper(v) }", "{\"a\":\"A\",\"b\":\"B\"}"),
        ("{ for v in [\"ax\", \"ay\", \"b\"] : substr(v, 0, 1) => v... }", "{\"a\":[\"ax\",\"ay\"],\"b\":[\"b\"]}"),
        ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"),
        ("merge({ a = 1, b = 1 }, { b = 2 })", "{\"a\":1,\"b\":2}"),
        ("concat([1], [2, 3])", "[1,2,3]"),
        ("flatten([[1], [[2]], 3])", "[1,2,3]"),
        ("lookup({ a = 1 }, \"b\", 9)", "9"),
        ("element([\"a\", \"b\"], 3)", "\"b\""),
        ("join(\",\", sort(toset([\"b\", \"a\", \"b\"])))", "\"a,b\""),
        ("split(\",\", \"a,b\")", "[\"a\",\"b\"]"),
        ("format(\"%s-%03d\", \"a\", 7)", "\"a-007\""),
        ("jsonencode({ a = [1, true, null] })", "\"{\\\"a\\\":[1,true,null]}\""),
        ("jsondecode(\"{\\\"a\\\": 1}\").a", "1"),
        ("length(keys({ a = 1 }))", "1"),
        ("contains([\"a\"], \"a\")", "true"),
        ("compact([\"\", \"a\"])", "[\"a\"]"),
        ("coalesce(\"\", \"b\")", "\"b\""),
        ("setsubtract([1, 2], [2])", "[1]"),
        ("zipmap([\"a\"], [1])", "{\"a\":1}"),
        ("cidrsubnet(\"10.0.0.0/16\", 8, 2)", "\"10.0.2.0/24\""),
        ("base64decode(base64encode(\"x\"))", "\"x\""),
        ("replace(\"a.b\", \".\", \"-\")", "\"a-b\""),
        ("title(\"ab cd\")", "\"Ab Cd\""),
        ("range(3)", "[0,1,2]"),
        ("slice([1, 2, 3], 1, 2)", "[2]"),
        ("try(var.env, 1)", "\"prod\""),
        ("anytrue([false, true]) && alltrue([])", "true"),
        ("max(1, 5, 3) - min(1, 5)", "4"),
    ];
    for (text, expected) in rows {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_known_stays_so_but_decides_nothing_it_need_not() {
    let rows = [
        ("var.hidden", "? var.hidden"),
        ("\"a${var.hidden}\"", "? var.hidden"),
        ("var.hidden == 1 ? 2 : 3", "? var.hidden"),
        ("var.hidden == 1 ? 2 : 2", "2"),
        ("false && var.hidden", "false"),
        ("true || var.hidden", "true"),
        ("length([var.hidden, 1])", "2"),
        ("[var.hidden, 1][1]", "1"),
        ("merge({ a = var.hidden }, { b = 1 }).b", "1"),
        ("jsonencode({ a = var.hidden })", "? var.hidden"),
        ("data.aws_ami.x.id", "? data.aws_ami.x.id"),
        ("timestamp()", "? timestamp()"),
        ("file(\"/etc/passwd\")", "? file()"),
        ("file(\"../../../etc/passwd\")", "? file()"),
        ("templatefile(\"x\", {})", "? templatefile()"),
        ("[1][5]", "? an element that is not there"),
        ("1 / 0", "? a number out of range"),
    ];
    for (text, expected) in rows {
        assert_eq!(value(text), expected, "{text}");
    }
}
