use super::*;
use crate::request::{Caller, Context};
use serde_json::{Value, json};
use smol_str::SmolStr;

fn policy(statements: Value) -> Policy {
    Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn word(comparison: &Comparison) -> &'static str {
    match comparison {
        Comparison::NoNewAccess => "pass",
        Comparison::NewAccess(_) => "fail",
        Comparison::Unknown(_) => "unknown",
    }
}

/// Compares two lists of identity statements.
fn identity(old: Value, new: Value) -> Comparison {
    compare(&policy(old), &policy(new), PolicyType::Identity, None)
}

fn allow(action: &str, resource: &str, condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition})
}

fn deny(action: &str, resource: &str, condition: Value) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": resource, "Condition": condition})
}

#[test]
fn identity_policies() {
    let none = json!({});
    let rows = [
        (
            "same",
            json!([allow("s3:Get*", "*", none.clone())]),
            json!([allow("s3:GetObject", "*", none.clone())]),
            "pass",
        ),
        (
            "wider action",
            json!([allow("s3:GetObject", "*", none.clone())]),
            json!([allow("s3:Get*", "*", none.clone())]),
            "fail",
        ),
        (
            "two make one",
            json!([allow("a:?*", "x*", none.clone()), allow("a:*", "y", none.clone())]),
            json!([allow("a:b", "x", none.clone()), allow("a:b", "y", none.clone())]),
            "pass",
        ),
        (
            "case of actions",
            json!([allow("S3:getobject", "*", none.clone())]),
            json!([allow("s3:GetObject", "*", none.clone())]),
            "pass",
        ),
        (
            "denied before",
            json!([allow("*", "*", none.clone()), deny("s3:*", "b", none.clone())]),
            json!([allow("s3:GetObject", "*", none.clone())]),
            "fail",
        ),
        (
            "denied in both",
            json!([allow("*", "*", none.clone()), deny("s3:*", "b", none.clone())]),
            json!([allow("*", "*", none.clone()), deny("*", "b*", none.clone())]),
            "pass",
        ),
        (
            "a condition taken away",
            json!([allow("a:b", "*", json!({"StringEquals": {"k": "v"}}))]),
            json!([allow("a:b", "*", none.clone())]),
            "fail",
        ),
        (
            "a condition added",
            json!([allow("a:b", "*", none.clone())]),
            json!([allow("a:b", "*", json!({"StringEquals": {"k": "v"}}))]),
            "pass",
        ),
        (
            "values of a condition",
            json!([allow("a:b", "*", json!({"StringLike": {"K": ["v*", "w"]}}))]),
            json!([allow("a:b", "*", json!({"StringEquals": {"k": ["v1", "w"]}}))]),
            "pass",
        ),
        (
            "a negated operator holds for an absent key",
            json!([allow("a:b", "*", json!({"StringEquals": {"k": "v"}}))]),
            json!([allow("a:b", "*", none.clone()), deny("a:b", "*", json!({"StringNotEquals": {"k": "v"}}))]),
            "pass",
        ),
        (
            "one with IfExists too",
            json!([allow("a:b", "*", json!({"StringEquals": {"k": "v"}}))]),
            json!([allow("a:b", "*", json!({"StringEqualsIfExists": {"k": "v"}}))]),
            "fail",
        ),
        (
            "Null",
            json!([allow("a:b", "*", json!({"StringEquals": {"k": "v"}}))]),
            json!([allow("a:b", "*", json!({"StringEqualsIfExists": {"k": "v"}, "Null": {"k": "false"}}))]),
            "pass",
        ),
        (
            "numbers",
            json!([allow("a:b", "*", json!({"NumericLessThan": {"n": "10"}}))]),
            json!([allow("a:b", "*", json!({"NumericLessThanEquals": {"n": "9.5"}}))]),
            "pass",
        ),
        (
            "numbers that touch",
            json!([allow("a:b", "*", json!({"NumericLessThan": {"n": "10"}}))]),
            json!([allow("a:b", "*", json!({"NumericLessThanEquals": {"n": "10"}}))]),
            "fail",
        ),
        (
            "dates",
            json!([allow("a:b", "*", json!({"DateLessThan": {"aws:CurrentTime": "2026-01-02T00:00:00Z"}}))]),
            json!([allow("a:b", "*", json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01T23:59:59Z"}}))]),
            "pass",
        ),
        (
            "addresses",
            json!([allow("a:b", "*", json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]}}))]),
            json!([allow("a:b", "*", json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))]),
            "pass",
        ),
        (
            "IPv6",
            json!([allow("a:b", "*", json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}))]),
            json!([allow("a:b", "*", json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))]),
            "fail",
        ),
        (
            "booleans",
            json!([
                allow("a:b", "*", json!({"Bool": {"k": "true"}})),
                allow("a:b", "*", json!({"Bool": {"k": "false"}}))
            ]),
            json!([allow("a:b", "*", json!({"Null": {"k": "false"}}))]),
            "pass",
        ),
        (
            "any of several values",
            json!([allow("a:b", "*", json!({"ForAllValues:StringEquals": {"t": ["a", "b"]}}))]),
            json!([allow("a:b", "*", json!({"ForAnyValue:StringEquals": {"t": ["a"]}}))]),
            "fail",
        ),
        (
            "all of several values",
            json!([allow("a:b", "*", json!({"ForAllValues:StringEquals": {"t": ["a", "b"]}}))]),
            json!([allow("a:b", "*", json!({"ForAllValues:StringEquals": {"t": "a"}}))]),
            "pass",
        ),
        (
            "a variable",
            json!([allow("s3:*", "arn:aws:s3:::home/${aws:username}/*", none.clone())]),
            json!([allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/docs/*", none.clone())]),
            "pass",
        ),
        (
            "a variable that may be a literal",
            json!([
                allow("s3:*", "arn:aws:s3:::home/*", none.clone()),
                deny("*", "arn:aws:s3:::home/bob/*", none.clone())
            ]),
            json!([allow("s3:*", "arn:aws:s3:::home/${aws:username}/*", none.clone())]),
            "fail",
        ),
        (
            "another's home",
            json!([allow("s3:*", "arn:aws:s3:::home/${aws:username}/*", none.clone())]),
            json!([allow("s3:*", "arn:aws:s3:::home/*", none.clone())]),
            "fail",
        ),
        (
            "ARN operators by segments",
            json!([allow("a:b", "*", json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}))]),
            json!([allow("a:b", "*", json!({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-*:111122223333:topic"}}))]),
            "pass",
        ),
        (
            "the caller's account in its ARN",
            json!([allow("a:b", "*", json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}))]),
            json!([allow("a:b", "*", json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}))]),
            "pass",
        ),
    ];
    for (name, old, new, expected) in rows {
        let found = identity(old, new);
        assert_eq!(word(&found), expected, "{name}: {found:?}");
    }
}

#[test]
fn resource_policies() {
    let grant = |principal: Value, condition: Value| json!([{"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*", "Condition": condition}]);
    let none = json!({});
    let role = "arn:aws:iam::111122223333:role/a";
    let org = json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}});
    let rows = [
        (
            "a role of the account",
            grant(json!({"AWS": "111122223333"}), none.clone()),
            grant(json!({"AWS": role}), none.clone()),
            "pass",
        ),
        (
            "the account of a role",
            grant(json!({"AWS": role}), none.clone()),
            grant(json!({"AWS": "111122223333"}), none.clone()),
            "fail",
        ),
        (
            "a session of the role",
            grant(json!({"AWS": role}), none.clone()),
            grant(json!({"AWS": "arn:aws:sts::111122223333:assumed-role/a/s"}), none.clone()),
            "pass",
        ),
        (
            "the role by its key",
            grant(json!({"AWS": "*"}), json!({"ArnLike": {"aws:PrincipalArn": role}})),
            grant(json!({"AWS": role}), none.clone()),
            "pass",
        ),
        ("everyone", grant(json!({"AWS": "111122223333"}), none.clone()), grant(json!("*"), none.clone()), "fail"),
        ("everyone of an organization", grant(json!("*"), org.clone()), grant(json!("*"), org.clone()), "pass"),
        (
            "a service",
            grant(json!({"Service": "sns.amazonaws.com"}), none.clone()),
            grant(json!({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}), none.clone()),
            "fail",
        ),
        (
            "services are of everyone",
            grant(json!("*"), none.clone()),
            grant(json!({"Service": "s3.amazonaws.com"}), none.clone()),
            "pass",
        ),
    ];
    for (name, old, new, expected) in rows {
        let found = compare(&policy(old), &policy(new), PolicyType::Resource, None);
        assert_eq!(word(&found), expected, "{name}: {found:?}");
    }
}

#[test]
fn organization_policies() {
    let none = json!({});
    let old = policy(json!([deny("s3:*", "*", none.clone())]));
    let new = policy(json!([deny("s3:*", "*", json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}}))]));
    assert_eq!(word(&compare(&old, &new, PolicyType::Rcp, None)), "fail");
    assert_eq!(word(&compare(&new, &old, PolicyType::Rcp, None)), "pass");
    let Comparison::NewAccess(found) = compare(&old, &new, PolicyType::Rcp, None) else {
        panic!("new access expected")
    };
    assert_eq!((found.statement, found.denied_by), (None, Some(0)), "RCPFullAWSAccess is no statement of the policy");
    // A service control policy without an Allow grants nothing.
    assert_eq!(word(&compare(&old, &new, PolicyType::Scp, None)), "pass");
}

#[test]
fn a_witness_reads_like_a_request() {
    let old = policy(json!([allow("ec2:Describe*", "*", json!({}))]));
    let new = policy(json!([allow("ec2:*", "*", json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}))]));
    let catalogue = Catalogue::read(include_str!("../../../../content/aws/iam-actions.txt")).unwrap();
    let Comparison::NewAccess(found) = compare(&old, &new, PolicyType::Identity, Some(&catalogue)) else {
        panic!("new access expected");
    };
    assert_eq!(
        request_json(&found.witness, &[&new]),
        json!({
            "principal": "arn:aws:iam::123456789012:role/Example",
            "action": "ec2:AcceptAddressTransfer",
            "resource": "arn:aws:ec2:us-east-1:123456789012:elastic-ip/example",
            "context": {"aws:RequestedRegion": "eu-west-1"},
        })
    );
}

/// A small generator: the laws below are to be checked on the same policies and requests in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    fn list(&mut self, from: &[&str]) -> Value {
        let count = 1 + self.roll(2);
        json!((0..count).map(|_| self.pick(from)).collect::<Vec<_>>())
    }
}

const ACTIONS: [&str; 7] = ["a:Get", "a:Put", "a:*", "a:G*", "b:*", "*", "?:?et"];
const RESOURCES: [&str; 7] = [
    "*",
    "arn:aws:s3:::x",
    "arn:aws:s3:::x*",
    "arn:aws:s3:::*y",
    "arn:aws:*:::x",
    "arn:aws:s3:::${aws:username}*",
    "arn:aws:s3:::x?",
];
const STRINGS: [&str; 5] = ["x", "y", "xy", "X", "${aws:username}"];
const LIKES: [&str; 5] = ["x*", "*y", "x", "?", "${aws:username}*"];
const ARNS: [&str; 4] = [
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam::*:role/a*",
    "arn:aws:*::444455556666:role/b",
];
const ROLES: [&str; 5] = [
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:iam::444455556666:role/b",
    "arn:aws:iam::111122223333:user/x",
    "arn:aws:sts::111122223333:assumed-role/a/s",
    "arn:aws:iam::777788889999:role/abc",
];

fn condition(dice: &mut Dice) -> Value {
    let suffix = dice.pick(&["", "", "IfExists"]);
    let (operator, key, values) = match dice.roll(12) {
        0 => ("StringEquals", "k", dice.list(&STRINGS)),
        1 => ("StringNotEquals", "K", dice.list(&STRINGS)),
        2 => ("StringLike", "k", dice.list(&LIKES)),
        3 => ("StringNotLike", "k", dice.list(&LIKES)),
        4 => ("StringEqualsIgnoreCase", "k", dice.list(&STRINGS)),
        5 => return json!({"Null": {dice.pick(&["k", "n"]): dice.pick(&["true", "false"])}}),
        6 => (dice.pick(&["NumericLessThan", "NumericEquals", "NumericNotEquals"]), "n", dice.list(&["1", "2", "2.5"])),
        7 => (
            dice.pick(&["IpAddress", "NotIpAddress"]),
            "aws:SourceIp",
            dice.list(&["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]),
        ),
        8 => (dice.pick(&["ArnLike", "ArnNotLike", "StringLike"]), "aws:PrincipalArn", dice.list(&ARNS)),
        9 => (
            dice.pick(&["StringEquals", "StringNotEquals"]),
            "aws:PrincipalAccount",
            dice.list(&["111122223333", "444455556666"]),
        ),
        10 => (
            dice.pick(&["ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAnyValue:StringNotEquals"]),
            "t",
            dice.list(&["x", "y", "z"]),
        ),
        _ => ("Bool", "s", dice.list(&["true", "false"])),
    };
    json!({format!("{operator}{suffix}"): {key: values}})
}

fn random_statements(dice: &mut Dice, principals: bool) -> Vec<Value> {
    let count = 1 + dice.roll(3);
    let statements = (0..count).map(|i| {
        let effect = if i == 0 || dice.roll(3) > 0 { "Allow" } else { "Deny" };
        let mut statement = json!({"Effect": effect});
        let not = |dice: &mut Dice, name: &str| if dice.roll(6) == 0 { format!("Not{name}") } else { name.to_owned() };
        let (action, resource, principal) = (not(dice, "Action"), not(dice, "Resource"), not(dice, "Principal"));
        statement[action] = dice.list(&ACTIONS);
        statement[resource] = dice.list(&RESOURCES);
        if principals {
            statement[principal] = match dice.roll(5) {
                0 => json!("*"),
                1 => json!({"Service": "sns.amazonaws.com"}),
                2 => json!({"AWS": dice.list(&["111122223333", "arn:aws:iam::444455556666:root"])}),
                _ => json!({"AWS": dice.list(&ROLES[..4])}),
            };
        }
        if dice.roll(2) == 0 {
            statement["Condition"] = condition(dice);
        }
        statement
    });
    statements.collect()
}

fn random_request(dice: &mut Dice, policy_type: PolicyType) -> Request {
    let principals = matches!(policy_type, PolicyType::Resource | PolicyType::Trust);
    let mut context = Context::default();
    for (key, values) in [
        ("k", ["x", "y", "xy", "X", "z", ""].as_slice()),
        ("n", &["1", "2", "2.2", "3"]),
        ("aws:sourceip", &["10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1"]),
        ("aws:username", &["x", "y", "sam"]),
        ("s", &["true", "false"]),
    ] {
        if dice.roll(3) > 0 {
            context.set(key, [dice.pick(values)]);
        } else {
            context.set::<&str>(key, []);
        }
    }
    if dice.roll(3) > 0 {
        let mut values: Vec<&str> = (0..=dice.roll(3)).map(|_| dice.pick(&["x", "y", "z", "w"])).collect();
        values.dedup();
        context.set("t", values);
    }
    let principal = match dice.roll(6) {
        0 if principals => Caller::Service("sns.amazonaws.com".into()),
        1 if principals => Caller::Anonymous,
        _ => Caller::Aws(dice.pick(&ROLES).into()),
    };
    let own = if let Caller::Aws(arn) = &principal { arn.split(':').nth(4).map(SmolStr::new) } else { None };
    Request {
        principal,
        action: dice.pick(&["a:Get", "a:Put", "b:Get", "c:Let", "a:g"]).into(),
        resource: dice
            .pick(&["arn:aws:s3:::x", "arn:aws:s3:::y", "arn:aws:s3:::xy", "arn:aws:sns:::x", "arn:aws:s3:::sam"])
            .into(),
        resource_account: if principals { Some("999988887777".into()) } else { own },
        context,
    }
}

const TYPES: [PolicyType; 8] = [
    PolicyType::Identity,
    PolicyType::Resource,
    PolicyType::Identity,
    PolicyType::Trust,
    PolicyType::Scp,
    PolicyType::Rcp,
    PolicyType::Session,
    PolicyType::Endpoint,
];

/// "No new access" survives 100,000 random requests, and what the comparison says is decided nearly always.
#[test]
fn no_new_access_means_none() {
    let mut dice = Dice(20);
    let (mut decided, mut passed, mut asked) = (0, 0, 0);
    let pairs = 1_000;
    for i in 0..pairs {
        let policy_type = TYPES[i % TYPES.len()];
        let principals = policy_type.names_principals();
        let old_statements = random_statements(&mut dice, principals);
        // Half of the new policies are the old one with some denied.
        let mut new_statements = random_statements(&mut dice, principals);
        if dice.roll(2) == 0 {
            new_statements.retain(|s| s["Effect"] == "Deny");
            new_statements.extend(old_statements.iter().cloned());
        }
        let (old, new) = (policy(json!(old_statements)), policy(json!(new_statements)));
        let found = compare(&old, &new, policy_type, None);
        let (old, new) = (policy_type.completed(&old), policy_type.completed(&new));
        let judge = Judge::new(&old, &new, policy_type, None);
        decided += usize::from(!matches!(found, Comparison::Unknown(_)));
        match &found {
            Comparison::NewAccess(found) => assert!(judge.is_new(&found.witness)),
            Comparison::NoNewAccess => {
                passed += 1;
                for _ in 0..300 {
                    let request = random_request(&mut dice, policy_type);
                    asked += 1;
                    let told = || format!("{request:?}\nold {}\nnew {}", json!(old_statements), json!(new_statements));
                    assert!(!judge.is_new(&request), "{}", told());
                }
            }
            Comparison::Unknown(_) => {}
        }
    }
    assert!(asked >= 100_000, "{passed} passed, {asked} asked");
    assert!(decided * 100 >= pairs * 99, "{decided} of {pairs} decided");
}
