use super::*;

/// As the AWS CLI prints it: documents are objects.
const PAGE: &str = r#"{
  "UserDetailList": [
    {"UserName": "ann", "Path": "/", "Arn": "arn:aws:iam::111122223333:user/ann", "GroupList": ["ops", "gone"],
     "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}],
     "AttachedManagedPolicies": [{"PolicyName": "shared", "PolicyArn": "arn:aws:iam::111122223333:policy/shared"}],
     "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/fence"},
     "Tags": [{"Key": "team", "Value": "blue"}]}],
  "GroupDetailList": [
    {"GroupName": "ops", "Arn": "arn:aws:iam::111122223333:group/ops", "GroupPolicyList": [],
     "AttachedManagedPolicies": [{"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]}],
  "RoleDetailList": [
    {"RoleName": "build", "Arn": "arn:aws:iam::111122223333:role/build",
     "AssumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D",
     "InstanceProfileList": [{"InstanceProfileName": "build", "Arn": "arn:aws:iam::111122223333:instance-profile/build"}],
     "RolePolicyList": [{"PolicyName": "broken", "PolicyDocument": {"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}}],
     "AttachedManagedPolicies": [{"PolicyName": "shared", "PolicyArn": "arn:aws:iam::111122223333:policy/shared"},
                                 {"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}],
  "Policies": [
    {"PolicyName": "shared", "Arn": "arn:aws:iam::111122223333:policy/shared", "DefaultVersionId": "v2", "PolicyVersionList": [
      {"VersionId": "v1", "IsDefaultVersion": false, "Document": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
      {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}}]}]
}"#;

fn unread(identity: &Identity) -> Vec<(&str, Part)> {
    identity.unread.iter().map(|u| (u.name.as_str(), u.part)).collect()
}

#[test]
fn one_page_is_joined() {
    let account = Account::parse(PAGE).unwrap();
    assert_eq!((account.id.as_str(), account.partition.as_str()), ("111122223333", "aws"));
    let ann = account.identity("arn:aws:iam::111122223333:user/ann").unwrap();
    let held: Vec<_> =
        ann.policies.iter().map(|p| (p.name.as_str(), p.group.as_deref(), p.document.is_some())).collect();
    assert_eq!(
        held,
        [
            ("own", None, true),
            ("arn:aws:iam::111122223333:policy/shared", None, true),
            ("arn:aws:iam::aws:policy/AdministratorAccess", Some("ops"), true),
        ]
    );
    assert_eq!(unread(ann), [("gone", Part::Group), ("arn:aws:iam::111122223333:policy/fence", Part::Boundary)]);
    assert!(!ann.is_whole());
    assert!(ann.boundary.as_ref().unwrap().document.is_none());
    assert_eq!(ann.tags, [("team".into(), "blue".into())]);

    let build = account.identity("arn:aws:iam::111122223333:role/build").unwrap();
    assert_eq!(unread(build), [("broken", Part::Policy), ("arn:aws:iam::aws:policy/ReadOnlyAccess", Part::Policy)]);
    assert_eq!(build.trust.as_ref().unwrap().statements().count(), 1, "URL-encoded trust policies are read");
    assert_eq!(build.instance_profiles, ["arn:aws:iam::111122223333:instance-profile/build"]);
    assert_eq!(account.policies[0].other_versions.len(), 1);
    assert!(Arc::ptr_eq(ann.policies[1].document.as_ref().unwrap(), build.policies[1].document.as_ref().unwrap()));
    assert_eq!(
        ann.policies[1].document.as_ref().unwrap().policy.statements[0].actions.items,
        ["s3:Get*"],
        "the default version"
    );
}

#[test]
fn pages_come_one_after_another_or_as_a_list() {
    let users = r#"{"UserDetailList": [{"UserName": "ann", "Arn": "arn:aws:iam::111122223333:user/ann"}], "IsTruncated": true, "Marker": "x"}"#;
    let roles =
        r#"{"UserDetailList": null, "RoleDetailList": [{"RoleName": "r", "Path": "/a/"}], "IsTruncated": false}"#;
    for text in [format!("{users}\n{roles}\n{users}"), format!("[{users}, {roles}]")] {
        let account = Account::parse(&text).unwrap();
        let arns: Vec<_> = account.identities.iter().map(|i| i.arn.as_str()).collect();
        assert_eq!(arns, ["arn:aws:iam::111122223333:role/a/r", "arn:aws:iam::111122223333:user/ann"], "{text}");
        assert_eq!(unread(&account.identities[0]), [("arn:aws:iam::111122223333:role/a/r", Part::Trust)]);
        assert!(account.identities[0].is_whole(), "a missing trust policy leaves the role's own permissions whole");
    }
}

#[test]
fn what_is_no_answer_of_iam_is_an_error() {
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    for (text, part) in [
        ("[1]", "line 1 column 2"),
        ("{\"UserDetailList\": 1}", "line 1"),
        ("nope", "line 1"),
        ("{", "EOF"),
        ("", "`UserDetailList`"),
        ("[]", "`UserDetailList`"),
        (policy, "`UserDetailList`"),
    ] {
        let error = Account::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(Account::parse(r#"{"UserDetailList": null}"#).unwrap().identities.is_empty());
}

#[test]
fn policies_known_by_arn_are_those_of_aws() {
    assert!(known::document("arn:aws-cn:iam::aws:policy/AdministratorAccess").is_some());
    for other in [
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/Other",
        "x:policy/AdministratorAccess",
    ] {
        assert!(known::document(other).is_none(), "{other}");
    }
    for name in ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess"] {
        let text = known::document(&format!("arn:aws:iam::aws:policy/{name}")).unwrap();
        assert!(Policy::parse(text).is_ok(), "{name}");
    }
}
