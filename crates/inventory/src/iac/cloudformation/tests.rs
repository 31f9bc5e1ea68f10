//! Intrinsic functions by example.

use super::super::catalogue::Catalogue;
use super::super::{Setting, document};
use super::Stack;
use crate::kinds::Kinds;
use std::collections::BTreeMap;
use std::path::Path;

const TEMPLATE: &str = "
Parameters: {Env: {Type: String, Default: prod}, List: {Type: CommaDelimitedList, Default: 'a, b'}, Hidden: {Type: String}}
Mappings: {M: {prod: {Size: 3}}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Not: !Not [!Condition Prod]
  Maybe: !Equals [!Ref Hidden, x]
  Both: !And [!Condition Prod, !Condition Maybe]
  Neither: !And [!Condition Not, !Condition Maybe]
  Either: !Or [!Condition Prod, !Condition Maybe]
Resources: {Thing: {Type: Custom::Thing, Properties: {Size: !Ref Env}}}
";

fn value(text: &str) -> String {
    let root = document::read("t.yaml", TEMPLATE).unwrap();
    let (kinds, at) = (Kinds::default(), Setting::default());
    let catalogue = Catalogue::new(&kinds);
    let mut stack = Stack::new(Path::new("t.yaml"), &root, &catalogue, &at, "");
    stack.run(BTreeMap::new(), 0, &mut super::Notes::default(), &mut Vec::new());
    let node = stack.eval(&document::read("t.yaml", text).unwrap());
    match node.hidden() {
        Some(why) => format!("? {why}"),
        None => node.json().scalar().unwrap().to_string(),
    }
}

#[test]
fn intrinsic_functions_give_what_cloudformation_gives() {
    let rows = [
        ("!Ref Env", "\"prod\""),
        ("!Ref AWS::Region", "\"us-east-1\""),
        ("!Ref Thing", "\"Thing\""),
        ("!GetAtt Thing.Size", "\"prod\""),
        ("!Sub '${Env}-${AWS::Partition}-${!Literal}-${Thing.Size}'", "\"prod-aws-${Literal}-prod\""),
        ("!Sub ['${X}', {X: !Ref Env}]", "\"prod\""),
        ("!Join ['-', [a, !Ref Env, 3]]", "\"a-prod-3\""),
        ("!Join ['-', !Ref List]", "\"a-b\""),
        ("!Select [1, !Ref List]", "\"b\""),
        ("!Select ['0', !Split [',', 'x,y']]", "\"x\""),
        ("!FindInMap [M, !Ref Env, Size]", "3"),
        ("!FindInMap [M, dev, Size, {DefaultValue: 1}]", "1"),
        ("!If [Prod, a, b]", "\"a\""),
        ("!If [Not, a, b]", "\"b\""),
        ("!If [Neither, a, b]", "\"b\""),
        ("!If [Either, a, b]", "\"a\""),
        ("{K: !If [Not, a, !Ref AWS::NoValue], L: 1}", "{\"L\":1}"),
        ("[a, !If [Not, a, !Ref AWS::NoValue]]", "[\"a\"]"),
        ("!Base64 abc", "\"YWJj\""),
        ("!Cidr [10.0.0.0/16, 2, 8]", "[\"10.0.0.0/24\",\"10.0.1.0/24\"]"),
        ("{'Fn::ToJsonString': {a: !Ref Env}}", "\"{\\\"a\\\":\\\"prod\\\"}\""),
        ("{'Fn::Length': !Ref List}", "2"),
        ("{Version: 2012-10-17, Account: 012345678901}", "{\"Account\":\"012345678901\",\"Version\":\"2012-10-17\"}"),
    ];
    for (text, expected) in rows {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_only_a_deployment_tells_is_named() {
    let rows = [
        ("!Ref Hidden", "? Ref Hidden"),
        ("!Sub 'a-${Hidden}'", "? Ref Hidden"),
        ("!If [Maybe, a, b]", "? Fn::If Maybe"),
        ("!If [Both, a, b]", "? Fn::If Both"),
        ("!If [Maybe, a, a]", "\"a\""),
        ("!ImportValue net", "? Fn::ImportValue net"),
        ("!GetAtt Thing.Endpoint", "? Fn::GetAtt Thing.Endpoint"),
        ("'{{resolve:secretsmanager:x}}'", "? {{resolve:secretsmanager:x}}"),
        ("!Transform {Name: X}", "? Fn::Transform"),
        ("!Ref Nobody", "? Ref Nobody"),
    ];
    for (text, expected) in rows {
        assert_eq!(value(text), expected, "{text}");
    }
}
