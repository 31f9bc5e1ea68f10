use super::*;
use serde_json::{Value, json};

const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";

fn ask(statements: Value, resource: Option<&str>, networks: &[&str]) -> Exposure {
    let policy = Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap();
    let networks: Vec<SmolStr> = networks.iter().map(SmolStr::new).collect();
    let trusted = [SmolStr::new_static("777788889999")];
    exposure(&Question {
        policy: &policy,
        resource,
        resource_account: Some(OWNER),
        trusted_accounts: &trusted,
        trusted_networks: &networks,
    })
}

fn grant(principal: Value, condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*", "Condition": condition})
}

fn brief(found: &Exposure) -> (bool, Vec<&str>, Vec<&str>) {
    (
        found.public,
        found.cross_account.iter().map(SmolStr::as_str).collect(),
        found.unconfined_services.iter().map(SmolStr::as_str).collect(),
    )
}

/// A name, a statement, whether it is public, the accounts and the services.
type Row = (&'static str, Value, bool, &'static [&'static str], &'static [&'static str]);

#[test]
fn queues_and_the_like() {
    let none = json!({});
    let all = json!("*");
    let on = |operator: &str, key: &str, value: Value| json!({operator: {key: value}});
    let rows: Vec<Row> = vec![
        ("everyone", grant(all.clone(), none.clone()), true, &[], &[]),
        ("every AWS principal", grant(json!({"AWS": "*"}), none.clone()), true, &[], &[]),
        ("the owner", grant(json!({"AWS": OWNER}), none.clone()), false, &[], &[]),
        ("a trusted account", grant(json!({"AWS": "arn:aws:iam::777788889999:root"}), none.clone()), false, &[], &[]),
        (
            "another account",
            grant(json!({"AWS": [OWNER, "arn:aws:iam::444455556666:role/a"]}), none.clone()),
            false,
            &[OTHER],
            &[],
        ),
        (
            "an organization",
            grant(all.clone(), on("StringEquals", "aws:PrincipalOrgID", json!("o-abc"))),
            false,
            &[],
            &[],
        ),
        ("any organization", grant(all.clone(), on("StringLike", "aws:PrincipalOrgID", json!("o-*"))), true, &[], &[]),
        (
            "everyone but one organization",
            grant(all.clone(), on("StringNotEquals", "aws:PrincipalOrgID", json!("o-abc"))),
            true,
            &[],
            &[],
        ),
        (
            "a unit",
            grant(
                all.clone(),
                on("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", json!("o-abc/r-ab12/ou-ab12-*/*")),
            ),
            false,
            &[],
            &[],
        ),
        (
            "the owner's organization",
            grant(all.clone(), on("StringEquals", "aws:PrincipalOrgID", json!("${aws:ResourceOrgID}"))),
            false,
            &[],
            &[],
        ),
        (
            "the owner by variable",
            grant(all.clone(), on("StringEquals", "aws:PrincipalAccount", json!("${aws:ResourceAccount}"))),
            false,
            &[],
            &[],
        ),
        (
            "an account by key",
            grant(all.clone(), on("StringEquals", "aws:PrincipalAccount", json!([OWNER, OTHER]))),
            false,
            &[OTHER],
            &[],
        ),
        (
            "roles of an account",
            grant(all.clone(), on("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::444455556666:role/*"))),
            false,
            &[OTHER],
            &[],
        ),
        (
            "a role's name in any account",
            grant(all.clone(), on("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::*:role/deploy"))),
            true,
            &[],
            &[],
        ),
        (
            "a topic of the owner",
            grant(all.clone(), on("ArnEquals", "aws:SourceArn", json!("arn:aws:sns:us-east-1:111122223333:t"))),
            false,
            &[],
            &[],
        ),
        (
            "a bucket",
            grant(all.clone(), on("ArnLike", "aws:SourceArn", json!("arn:aws:s3:*:*:my-bucket"))),
            false,
            &[],
            &[],
        ),
        ("any topic", grant(all.clone(), on("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:*:*"))), true, &[], &[]),
        (
            "an old SNS policy",
            grant(json!({"AWS": "*"}), on("StringEquals", "AWS:SourceOwner", json!(OWNER))),
            false,
            &[],
            &[],
        ),
        (
            "if it exists",
            grant(all.clone(), on("StringEqualsIfExists", "aws:SourceAccount", json!(OWNER))),
            true,
            &[],
            &[],
        ),
        ("an endpoint", grant(all.clone(), on("StringEquals", "aws:SourceVpce", json!("vpce-1"))), false, &[], &[]),
        ("any endpoint", grant(all.clone(), on("StringLike", "aws:SourceVpce", json!("vpce-*"))), true, &[], &[]),
        ("a network", grant(all.clone(), on("IpAddress", "aws:SourceIp", json!("203.0.113.0/24"))), true, &[], &[]),
        (
            "a private network",
            grant(all.clone(), on("IpAddress", "aws:SourceIp", json!("10.0.0.0/8"))),
            false,
            &[],
            &[],
        ),
        (
            "what a caller says of itself",
            grant(all.clone(), on("StringLike", "aws:UserAgent", json!("*curl*"))),
            true,
            &[],
            &[],
        ),
        (
            "a mount target",
            grant(all.clone(), on("Bool", "elasticfilesystem:AccessedViaMountTarget", json!("true"))),
            false,
            &[],
            &[],
        ),
        ("a secret", grant(all.clone(), on("StringEquals", "sts:ExternalId", json!("abc"))), true, &[], &[]),
        ("a service", grant(json!({"Service": "sns.amazonaws.com"}), none.clone()), false, &[], &["sns.amazonaws.com"]),
        (
            "a service for the owner",
            grant(json!({"Service": "sns.amazonaws.com"}), on("StringEquals", "aws:SourceAccount", json!(OWNER))),
            false,
            &[],
            &[],
        ),
        (
            "a service for a resource",
            grant(
                json!({"Service": "sns.amazonaws.com"}),
                on("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:111122223333:*")),
            ),
            false,
            &[],
            &[],
        ),
        (
            "a service for any resource",
            grant(json!({"Service": "sns.amazonaws.com"}), on("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:*:*"))),
            false,
            &[],
            &["sns.amazonaws.com"],
        ),
        (
            "a service for an organization",
            grant(json!({"Service": "sns.amazonaws.com"}), on("StringEquals", "aws:SourceOrgID", json!("o-abc"))),
            false,
            &[],
            &[],
        ),
        (
            "a deleted principal",
            grant(json!({"AWS": "AIDAEXAMPLEID000000"}), none.clone()),
            false,
            &["AIDAEXAMPLEID000000"],
            &[],
        ),
        (
            "a canonical user",
            grant(json!({"CanonicalUser": "79a59df900b949e5"}), none.clone()),
            false,
            &["79a59df900b949e5"],
            &[],
        ),
        (
            "all but one",
            json!({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "*", "Resource": "*"}),
            true,
            &[],
            &[],
        ),
    ];
    for (name, statement, public, cross_account, services) in rows {
        let found = ask(json!([statement]), None, &[]);
        assert_eq!(brief(&found), (public, cross_account.to_vec(), services.to_vec()), "{name}: {found:?}");
    }
}

#[test]
fn a_deny_takes_access_away() {
    let deny = |condition: Value| json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition});
    let open = grant(json!("*"), json!({}));
    let outside = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}});
    assert!(!ask(json!([open, deny(outside)]), None, &[]).public);
    let but_services =
        json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}, "Bool": {"aws:PrincipalIsAWSService": "false"}});
    // An anonymous caller has no aws:PrincipalIsAWSService.
    assert!(ask(json!([open, deny(but_services)]), None, &[]).public);
    let accounts = json!({"StringNotEquals": {"aws:PrincipalAccount": [OWNER, OTHER]}});
    let found = ask(json!([open, deny(accounts)]), None, &[]);
    assert_eq!(brief(&found), (false, vec![OTHER], vec![]));
    let plain = json!({"Bool": {"aws:SecureTransport": "false"}});
    assert!(ask(json!([open, deny(plain)]), None, &[]).public);
}

#[test]
fn trusted_networks_are_not_the_public() {
    let from = |cidr: &str| json!([grant(json!("*"), json!({"IpAddress": {"aws:SourceIp": cidr}}))]);
    assert!(!ask(from("203.0.113.0/25"), None, &["203.0.113.0/24"]).public);
    assert!(ask(from("203.0.112.0/23"), None, &["203.0.113.0/24"]).public);
}

#[test]
fn keys_and_roles() {
    let trust = |principal: Value, action: &str, condition: Value| json!([{"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}]);
    let web = "sts:AssumeRoleWithWebIdentity";
    let github = "token.actions.githubusercontent.com";
    let provider = json!({"Federated": format!("arn:aws:iam::{OWNER}:oidc-provider/{github}")});
    let sub = |value: &str| json!({"StringLike": {format!("{github}:sub"): value}, "StringEquals": {format!("{github}:aud"): "sts.amazonaws.com"}});
    let aud = json!({"StringEquals": {format!("{github}:aud"): "sts.amazonaws.com"}});
    let pool = json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:11111111-2222-3333-4444-555555555555"}});
    let via = json!({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}});
    let caller = json!({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": OWNER}});
    let caller_other = json!({"StringEquals": {"kms:CallerAccount": OTHER}});
    let rows = [
        ("no claim of the tenant", trust(provider.clone(), web, aud), true),
        ("any repository", trust(provider.clone(), web, sub("repo:*")), true),
        ("a branch of any repository", trust(provider.clone(), web, sub("repo:*:ref:refs/heads/main")), true),
        ("an organization's repositories", trust(provider.clone(), web, sub("repo:example/*")), false),
        (
            "a cluster's own provider",
            trust(
                json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC"}),
                web,
                json!({}),
            ),
            false,
        ),
        (
            "a SAML provider",
            trust(
                json!({"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}),
                "sts:AssumeRoleWithSAML",
                json!({}),
            ),
            false,
        ),
        ("an identity pool", trust(json!({"Federated": "cognito-identity.amazonaws.com"}), web, pool), false),
        ("every identity pool", trust(json!({"Federated": "cognito-identity.amazonaws.com"}), web, json!({})), true),
        ("every provider", trust(json!({"Federated": "*"}), web, json!({})), true),
        ("a key through a service", trust(json!("*"), "kms:Decrypt", via), true),
        ("a key for its account's callers", trust(json!("*"), "kms:Decrypt", caller), false),
    ];
    for (name, statements, public) in rows {
        let found = ask(statements, None, &[]);
        assert_eq!(found.public, public, "{name}: {found:?}");
    }
    let found = ask(trust(json!("*"), "kms:Decrypt", caller_other), None, &[]);
    assert_eq!(brief(&found), (false, vec![OTHER], vec![]));
}

#[test]
fn buckets_are_judged_as_s3_does() {
    let bucket = Some("arn:aws:s3:::reports");
    let get = |principal: Value, condition: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*", "Condition": condition});
    let on = |operator: &str, key: &str, value: &str| json!({operator: {key: value}});
    let rows = [
        ("everyone", get(json!("*"), json!({})), true),
        ("a pattern of VPCs", get(json!("*"), on("StringLike", "aws:SourceVpc", "vpc-*")), true),
        ("a VPC", get(json!("*"), on("StringEquals", "aws:SourceVpc", "vpc-91237329")), false),
        ("a VPC by StringLike", get(json!("*"), on("StringLike", "aws:SourceVpc", "vpc-91237329")), false),
        ("every VPC but one", get(json!("*"), on("StringNotEquals", "aws:SourceVpc", "vpc-91237329")), true),
        ("a network", get(json!("*"), on("IpAddress", "aws:SourceIp", "203.0.113.0/24")), false),
        ("a broad network", get(json!("*"), on("IpAddress", "aws:SourceIp", "0.0.0.0/1")), true),
        ("a broad IPv6 network", get(json!("*"), on("IpAddress", "aws:SourceIp", "2000::/3")), true),
        ("a variable", get(json!("*"), on("StringEquals", "aws:PrincipalOrgID", "${aws:ResourceOrgID}")), true),
        ("an organization", get(json!("*"), on("StringEquals", "aws:PrincipalOrgID", "o-abc")), false),
        ("a role's sessions", get(json!("*"), on("StringLike", "aws:userid", "AROAEXAMPLEID:*")), true),
        (
            "access points of an account",
            get(json!("*"), on("ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:123456789012:accesspoint/*")),
            false,
        ),
        ("a referer", get(json!("*"), on("StringLike", "aws:Referer", "https://example.com/page")), true),
        ("another account", get(json!({"AWS": OTHER}), json!({})), false),
    ];
    for (name, statement, public) in rows {
        let found = ask(json!([statement]), bucket, &[]);
        assert_eq!(found.public, public, "{name}: {found:?}");
    }
    // A Deny does not count, and one public statement is enough.
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
    assert!(ask(json!([get(json!("*"), json!({})), deny]), bucket, &[]).public);
    assert_eq!(ask(json!([get(json!({"AWS": OTHER}), json!({}))]), bucket, &[]).cross_account, [OTHER]);
}
