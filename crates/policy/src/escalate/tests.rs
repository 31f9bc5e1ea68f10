use super::path::{Gains, On, RoleTarget, Step, Target, Trusts, Words};
use super::*;
use crate::document::Policy;
use serde_json::{Value, json};

const ACCOUNT: &str = "arn:aws:iam::111122223333";
const ME: &str = "arn:aws:iam::111122223333:user/me";
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn step(action: &str, on: On, with: &[(&str, &str)]) -> Step {
    let with = with.iter().map(|(k, v)| (SmolStr::new(k), vec![SmolStr::new(v)])).collect();
    Step { action: action.into(), each: Vec::new(), on: vec![on], with }
}

fn path(id: &str, target: Target, gains: Gains, steps: Vec<Step>) -> Path {
    let commands = vec![SmolStr::new(format!("{id} {{target.name}}"))];
    let words = Words::default();
    Path {
        id: id.into(),
        ids: vec![id.into()],
        target,
        gains,
        steps,
        needs: None,
        commands,
        title: words.clone(),
        why: words.clone(),
        fix: words,
    }
}

fn role(trusts: Trusts) -> Target {
    Target::Role(RoleTarget { trusts, instance_profile: false, boundary: false })
}

/// One path of each kind.
fn paths() -> Vec<Path> {
    let lambda = Trusts::Services(vec!["lambda.amazonaws.com".into()]);
    let function = On::Pattern("arn:{partition}:lambda:*:{account}:function:*".into());
    vec![
        path("key", Target::User, Gains::Target, vec![step("iam:CreateAccessKey", On::Target, &[])]),
        path(
            "attach",
            Target::Caller { kind: IdentityKind::User, boundary: false },
            Gains::Admin,
            vec![step("iam:AttachUserPolicy", On::Target, &[("iam:PolicyARN", ADMIN)])],
        ),
        path(
            "pass",
            role(lambda),
            Gains::Target,
            vec![
                step("iam:PassRole", On::Target, &[("iam:PassedToService", "lambda.amazonaws.com")]),
                step("lambda:CreateFunction", function, &[]),
            ],
        ),
        path("assume", role(Trusts::Caller), Gains::Target, vec![step("sts:AssumeRole", On::Target, &[])]),
        path("trust", role(Trusts::Any), Gains::Target, vec![step("iam:UpdateAssumeRolePolicy", On::Target, &[])]),
        path("join", Target::Group { own: false }, Gains::Target, vec![step("iam:AddUserToGroup", On::Target, &[])]),
        path(
            "free",
            Target::Caller { kind: IdentityKind::User, boundary: true },
            Gains::Unbounded,
            vec![step("iam:DeleteUserPermissionsBoundary", On::Target, &[])],
        ),
    ]
}

fn allow(action: &str, on: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": on})
}

fn deny(action: &str, on: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": on})
}

fn when(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

/// A user whose every statement is a policy of its own.
fn user(name: &str, statements: &[Value]) -> Value {
    let inline: Vec<_> = statements.iter().enumerate().map(|(n, s)| {
        json!({"PolicyName": format!("p{n}"), "PolicyDocument": {"Version": "2012-10-17", "Statement": [s]}})
    }).collect();
    json!({"Arn": format!("{ACCOUNT}:user/{name}"), "UserName": name, "UserPolicyList": inline, "Tags": [{"Key": "team", "Value": "blue"}]})
}

fn trusting(name: &str, principal: &Value, admin: bool) -> Value {
    let attached = if admin { json!([{"PolicyArn": ADMIN}]) } else { json!([]) };
    json!({"Arn": format!("{ACCOUNT}:role/{name}"), "RoleName": name.rsplit('/').next(), "AttachedManagedPolicies": attached,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]}})
}

fn found(users: &[Value], roles: &[Value], more: &Value) -> Report {
    let mut details = json!({"UserDetailList": users, "RoleDetailList": roles});
    for (key, value) in more.as_object().into_iter().flatten() {
        details[key] = value.clone();
    }
    find(&Account::parse(&details.to_string()).unwrap(), &paths(), &[])
}

fn principal<'r>(report: &'r Report, arn: &str) -> &'r Principal {
    report.principals.iter().find(|p| p.arn == arn).unwrap()
}

/// How sure it is that a path fits the user `me`.
fn sure(report: &Report, id: &str) -> Certainty {
    let at = paths().iter().position(|p| p.id == id).unwrap();
    principal(report, ME).found.iter().find(|f| f.path == at).map_or(Certainty::No, |f| f.certainty)
}

use Certainty::{Certain, Conditional, No};

#[test]
fn a_condition_holds_or_cannot_or_leaves_it_open() {
    let equals = |key: &str, value: &str| json!({"StringEquals": {key: value}});
    for (name, condition, expected) in [
        ("mfa", json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}), Conditional),
        ("mfa or no such key", json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}), Conditional),
        ("a Region is the caller's choice", equals("aws:RequestedRegion", "eu-west-1"), Conditional),
        ("an administrator policy", equals("iam:PolicyARN", ADMIN), Certain),
        ("another policy", equals("iam:PolicyARN", "arn:aws:iam::aws:policy/ReadOnlyAccess"), No),
        ("the caller's name", equals("aws:username", "me"), Certain),
        ("another name", equals("aws:username", "you"), No),
        ("a tag of the caller", equals("aws:PrincipalTag/team", "blue"), Certain),
        ("a tag with another value", equals("aws:PrincipalTag/team", "red"), No),
        ("a tag that it lacks", equals("aws:PrincipalTag/stage", "dev"), No),
        ("a tag of the target", equals("iam:ResourceTag/team", "blue"), Certain),
        ("only through a service", json!({"Bool": {"aws:ViaAWSService": "true"}}), No),
        (
            "a boundary that the caller lacks and others may have",
            equals("iam:PermissionsBoundary", "arn:aws:iam::111122223333:policy/b"),
            Conditional,
        ),
    ] {
        let me = user("me", &[when(allow("iam:AttachUserPolicy", "*"), condition)]);
        assert_eq!(sure(&found(&[me], &[], &Value::Null), "attach"), expected, "{name}");
    }
}

#[test]
fn deny_takes_away_what_it_covers() {
    let all = || allow("iam:CreateAccessKey", "*");
    let boss = || user("boss", &[allow("*", "*")]);
    for (name, denied, expected) in [
        ("everywhere", deny("iam:*AccessKey", "*"), No),
        (
            "everyone but itself",
            json!({"Effect": "Deny", "Action": "iam:CreateAccessKey", "NotResource": "arn:aws:iam::*:user/${aws:username}"}),
            No,
        ),
        ("all but listing", json!({"Effect": "Deny", "NotAction": "iam:List*", "Resource": "*"}), No),
        (
            "the only other user; more may come",
            deny("iam:CreateAccessKey", &format!("{ACCOUNT}:user/boss")),
            Conditional,
        ),
        ("somewhere else", deny("iam:CreateAccessKey", &format!("{ACCOUNT}:user/nobody")), Certain),
        (
            "from outside only",
            when(deny("iam:CreateAccessKey", "*"), json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
            Conditional,
        ),
    ] {
        let report = found(&[user("me", &[all(), denied]), boss()], &[], &Value::Null);
        assert_eq!(sure(&report, "key"), expected, "{name}");
    }
}

#[test]
fn own_keys_are_nothing_to_gain() {
    let me = user("me", &[allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")]);
    assert_eq!(sure(&found(&[me, user("boss", &[allow("*", "*")])], &[], &Value::Null), "key"), No);
}

#[test]
fn a_role_must_let_the_caller_in() {
    let root = json!({"AWS": format!("{ACCOUNT}:root")});
    let wide = || allow("sts:AssumeRole", "*");
    let narrow = || allow("sts:AssumeRole", &format!("{ACCOUNT}:role/r"));
    for (name, statements, trust, expected) in [
        ("account and policy", vec![narrow()], root.clone(), Certain),
        ("account without policy", vec![], root.clone(), No),
        ("named, no policy needed", vec![], json!({"AWS": ME}), Certain),
        ("named, but denied", vec![deny("sts:*", "*")], json!({"AWS": ME}), No),
        ("a service only", vec![narrow()], json!({"Service": "ec2.amazonaws.com"}), No),
        ("another account", vec![narrow()], json!({"AWS": "444455556666"}), No),
        ("nobody here; roles elsewhere may", vec![wide()], json!({"AWS": "444455556666"}), Conditional),
        ("anyone", vec![], json!("*"), Certain),
    ] {
        let report = found(&[user("me", &statements)], &[trusting("r", &trust, true)], &Value::Null);
        assert_eq!(sure(&report, "assume"), expected, "{name}");
    }
    let mut unread = trusting("r", &root, true);
    unread["AssumeRolePolicyDocument"] = json!("not a policy");
    assert_eq!(sure(&found(&[user("me", &[narrow()])], &[unread], &Value::Null), "assume"), Conditional);
}

#[test]
fn a_role_to_pass_must_trust_the_service() {
    let lambda = || json!({"Service": "lambda.amazonaws.com"});
    let pass =
        |on: &str| vec![allow("iam:PassRole", on), allow("lambda:*", "arn:aws:lambda:eu-west-1:*:function:app-*")];
    let to = |service: &str| json!({"StringEquals": {"iam:PassedToService": service}});
    let only = |service: &str| vec![when(allow("iam:PassRole", "*"), to(service)), allow("lambda:CreateFunction", "*")];
    for (name, statements, role, expected) in [
        ("any role", pass("*"), trusting("r", &lambda(), true), Certain),
        ("that role", pass(&format!("{ACCOUNT}:role/r")), trusting("r", &lambda(), true), Certain),
        ("no such role yet", pass("*"), trusting("r", &json!({"Service": "ec2.amazonaws.com"}), true), Conditional),
        ("to this service", only("lambda.amazonaws.com"), trusting("r", &lambda(), true), Certain),
        ("to another service", only("ec2.amazonaws.com"), trusting("r", &lambda(), true), No),
        (
            "functions of another account",
            vec![allow("iam:PassRole", "*"), allow("lambda:*", "arn:aws:lambda:*:444455556666:*")],
            trusting("r", &lambda(), true),
            No,
        ),
        (
            "not to be changed, and AWS's own",
            pass("*"),
            trusting("aws-service-role/lambda.amazonaws.com/AWSServiceRoleForX", &lambda(), true),
            Conditional,
        ),
    ] {
        assert_eq!(sure(&found(&[user("me", &statements)], &[role], &Value::Null), "pass"), expected, "{name}");
    }
}

#[test]
fn boundaries_and_organizations_hold() {
    let policy = |name: &str, statement: Value| json!({"Arn": format!("{ACCOUNT}:policy/{name}"), "PolicyName": name, "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": [statement]}}]});
    let bounded = |statement: Value| {
        let mut me = user("me", &[allow("*", "*")]);
        me["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": format!("{ACCOUNT}:policy/fence")});
        found(&[me], &[], &json!({"Policies": [policy("fence", statement)]}))
    };
    let narrow = bounded(allow("s3:*", "*"));
    assert_eq!((sure(&narrow, "attach"), principal(&narrow, ME).admin), (No, No));
    let leaky = bounded(allow("iam:DeleteUserPermissionsBoundary", "*"));
    assert_eq!(sure(&leaky, "free"), Certain);
    assert!(principal(&leaky, ME).reaches_admin, "without its boundary it may do everything");
    let missing = {
        let mut me = user("me", &[allow("iam:AttachUserPolicy", "*")]);
        me["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": format!("{ACCOUNT}:policy/gone")});
        found(&[me], &[], &Value::Null)
    };
    assert_eq!(sure(&missing, "attach"), Conditional, "a boundary that was not read may hold it back");

    let account =
        Account::parse(&json!({"UserDetailList": [user("me", &[allow("iam:AttachUserPolicy", "*")])]}).to_string())
            .unwrap();
    let scp = |statement: Value| {
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        vec![Arc::new(Compiled::new("scp", Policy::parse(&text).unwrap()))]
    };
    for (levels, expected) in [
        (vec![scp(allow("*", "*")), scp(allow("iam:*", "*"))], Certain),
        (vec![scp(allow("*", "*")), scp(allow("s3:*", "*"))], No),
        (vec![vec![]], No),
    ] {
        assert_eq!(sure(&find(&account, &paths(), &levels), "attach"), expected);
    }
}

#[test]
fn a_chain_is_as_sure_as_its_weakest_hop_and_as_short_as_can_be() {
    let key = |of: &str| allow("iam:CreateAccessKey", &format!("{ACCOUNT}:user/{of}"));
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let report = found(
        &[
            user("me", &[key("b"), when(key("boss"), mfa)]),
            user("b", &[key("c"), key("me")]),
            user("c", &[key("boss")]),
            user("boss", &[allow("*", "*")]),
            user("lone", &[key("other")]),
            user("other", &[]),
        ],
        &[],
        &Value::Null,
    );
    let told = |name: &str| {
        let p = principal(&report, &format!("{ACCOUNT}:user/{name}"));
        let commands = p.chain.iter().flat_map(|h| h.commands.clone()).collect::<Vec<_>>().join(", ");
        (p.chain.len(), p.certainty, p.reaches_admin, commands)
    };
    assert_eq!(told("me"), (3, Certain, true, "key b, key c, key boss".into()), "certain comes before short");
    assert_eq!(told("c"), (1, Certain, true, "key boss".into()));
    assert_eq!(told("boss"), (0, Certain, false, String::new()));
    assert_eq!(told("lone"), (1, Certain, false, "key other".into()));
    assert_eq!(told("other"), (0, Certain, false, String::new()));

    let mut boss = user("boss", &[]);
    boss["UserPolicyList"] = json!([{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [when(allow("*", "*"), json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}))]}}]);
    let report = found(&[user("me", &[key("boss")]), boss], &[], &Value::Null);
    let me = principal(&report, ME);
    assert_eq!(
        (me.chain.len(), me.certainty, me.reaches_admin),
        (1, Conditional, true),
        "an administrator only with MFA"
    );
}

#[test]
fn joining_a_group_gains_what_the_group_has() {
    let group = |policy: &str| json!({"GroupDetailList": [{"Arn": format!("{ACCOUNT}:group/g"), "GroupName": "g", "AttachedManagedPolicies": [{"PolicyArn": policy}]}]});
    let me = || user("me", &[allow("iam:AddUserToGroup", "*")]);
    let report = found(&[me()], &[], &group(ADMIN));
    assert_eq!((sure(&report, "join"), principal(&report, ME).reaches_admin), (Certain, true));
    let report = found(&[me()], &[], &group("arn:aws:iam::aws:policy/PowerUserAccess"));
    assert_eq!((sure(&report, "join"), principal(&report, ME).reaches_admin), (Certain, false));
}

#[test]
fn roles_of_aws_are_not_changed() {
    let me = || user("me", &[allow("iam:UpdateAssumeRolePolicy", "*")]);
    for (name, expected) in
        [("r", Certain), ("aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef", Conditional)]
    {
        let report = found(&[me()], &[trusting(name, &json!({"Service": "ec2.amazonaws.com"}), true)], &Value::Null);
        assert_eq!(sure(&report, "trust"), expected, "{name}");
    }
}
