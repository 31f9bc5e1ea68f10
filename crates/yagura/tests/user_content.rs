//! A user's own folder: two new files make a new kind and a check for it; a broken file is reported and harms nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use std::path::Path;
use yagura_model::Status;
use yagura_testkit::{Endpoint, Estate, Reply};

const KIND: &str = "\
kind: resource
id: sns.channel
terraform: example_channel
scope: region
list:
  call: sns:ListTopics
  each: Topics
name: TopicArn
arn: TopicArn
fields:
  Attributes:
    call: sns:GetTopicAttributes
    with: {TopicArn: TopicArn}
    take: Attributes
";

const CHECK: &str = "\
kind: check
id: sns.channel_encrypted
each: sns.channel
pass: has(this.Attributes.KmsMasterKeyId)
severity: medium
maps: [fsbp/SNS.4]
en:
  title: Topic is encrypted with KMS
  why: Messages at rest are readable by whoever gets at the storage.
  fix: Set a KMS key on {this.TopicArn}.
ja:
  title: トピックが KMS で暗号化されている
  why: 保存中のメッセージが、ストレージに触れた者に読まれうる。
  fix: '{this.TopicArn} に KMS キーを設定する。'
tests:
  a key: {this: {TopicArn: t, Attributes: {KmsMasterKeyId: alias/a}}, expect: pass}
  no key: {this: {TopicArn: t, Attributes: {Owner: '1'}}, expect: fail}
  not permitted: {this: {TopicArn: t, Attributes: unknown}, expect: unknown}
";

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "resources/sns/channel.yaml", KIND);
    write(root.path(), "checks/sns/channel_encrypted.yaml", CHECK);
    root
}

fn estate() -> Estate {
    let arn = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let topic = |name: &str| format!("<member><TopicArn>{}</TopicArn></member>", arn(name));
    let attributes = |members: &str| {
        let entry = |(k, v): (&str, &str)| format!("<entry><key>{k}</key><value>{v}</value></entry>");
        Reply::Xml(format!("<Attributes>{}{members}</Attributes>", entry(("Owner", "111122223333"))))
    };
    Estate::small()
        .with("sns:ListTopics", Reply::Xml("<Topics/>".into()))
        .with_in(
            "us-east-1",
            "sns:ListTopics",
            Reply::Xml(format!("<Topics>{}{}</Topics>", topic("sealed"), topic("plain"))),
        )
        .with_for(&arn("plain"), "sns:GetTopicAttributes", attributes(""))
        .with_for(
            &arn("sealed"),
            "sns:GetTopicAttributes",
            attributes("<entry><key>KmsMasterKeyId</key><value>alias/a</value></entry>"),
        )
}

#[test]
fn two_files_make_a_new_kind_and_its_check() {
    let root = folder();
    let content = root.path().to_str().unwrap();
    let list = Run::new(&["checks", "list", "--content", content]).run();
    assert!(list.code == 0 && list.stdout.contains("sns.channel_encrypted"), "{}{}", list.stdout, list.stderr);
    let tested = Run::new(&["checks", "test", "sns.channel_encrypted", "--content", content]).run();
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    let lint = Run::new(&["content", "lint", content]).run();
    assert_eq!(lint.code, 0, "{}{}", lint.stdout, lint.stderr);
    let policy = Run::new(&["permissions", "--service", "sns", "--content", content]).run().stdout;
    assert!(policy.contains("sns:ListTopics") && policy.contains("sns:GetTopicAttributes"), "{policy}");

    let aws = Endpoint::start(estate()).unwrap();
    let verdicts = Run::scan_all(&aws.url()).args(&["--content", content]).run().done();
    let of = |name: &str| {
        let found = verdicts.values().find(|v| v.rule == "sns.channel_encrypted" && v.resource.id.ends_with(name));
        found.unwrap_or_else(|| panic!("no verdict on {name}")).status
    };
    assert_eq!((of(":sealed"), of(":plain")), (Status::Pass, Status::Fail));
    let rules: std::collections::BTreeSet<_> = verdicts.keys().map(|(rule, _)| rule).collect();
    assert_eq!(rules.len(), built_in(&aws.url()) + 1);
}

#[test]
fn the_first_check_of_ones_own_begins_with_no_folder() {
    let root = tempfile::tempdir().unwrap();
    let content = root.path().join("my");
    let content = content.to_str().unwrap();
    let new = Run::new(&["--content", content, "checks", "new", "s3.bucket_versioning", "--each", "s3.bucket"]).run();
    assert_eq!(new.code, 0, "{}", new.stderr);
    let tested = Run::new(&["--content", content, "checks", "test", "s3.bucket_versioning"]).run();
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    let list = Run::new(&["--content", &format!("{content}er"), "checks", "list"]).run();
    assert_eq!(list.code, 2, "a misspelt folder must not pass for an empty one");
}

#[test]
fn a_broken_user_file_is_reported_and_the_rest_still_runs() {
    let aws = Endpoint::start(estate()).unwrap();
    let without = built_in(&aws.url());
    for (name, good, from, to, complaint) in [
        (
            "checks/sns/channel_encrypted.yaml",
            CHECK,
            "this.Attributes",
            "this.Atributes",
            "checks/sns/channel_encrypted.yaml:4:11: `sns.channel` has no field `Atributes`; did you mean `Attributes`?",
        ),
        (
            "checks/sns/channel_encrypted.yaml",
            CHECK,
            "each: sns.channel",
            "each: sns.channels",
            "checks/sns/channel_encrypted.yaml:3:7: unknown kind `sns.channels`; did you mean `sns.channel`?",
        ),
        ("checks/sns/channel_encrypted.yaml", CHECK, "severity:", "severty:", "did you mean `severity`?"),
        (
            "checks/sns/channel_encrypted.yaml",
            CHECK,
            "id: sns.channel_encrypted",
            "id: sns.channel_sealed",
            "checks/sns/channel_encrypted.yaml:2:5: ",
        ),
        ("checks/sns/channel_encrypted.yaml", CHECK, "  no key:", "  no key: [", "checks/sns/channel_encrypted.yaml:"),
        (
            "checks/sns/channel_encrypted.yaml",
            CHECK,
            "  not permitted: {this: {TopicArn: t, Attributes: unknown}, expect: unknown}\n",
            "",
            "unknown",
        ),
        ("resources/sns/channel.yaml", KIND, "sns:ListTopics", "sns:ListTopic", "did you mean `ListTopics`?"),
        ("resources/sns/channel.yaml", KIND, "sns:ListTopics", "sns:DeleteTopic", "resources/sns/channel.yaml:6:"),
        ("resources/sns/channel.yaml", KIND, "each: Topics", "each: Topic", "resources/sns/channel.yaml:"),
        ("resources/sns/channel.yaml", KIND, "scope: region", "scope: world", "resources/sns/channel.yaml:4:"),
    ] {
        let root = folder();
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        write(root.path(), name, &text);
        let outcome = Run::scan_all(&aws.url()).args(&["--content", root.path().to_str().unwrap()]).run();
        assert!(outcome.stderr.contains(complaint), "{from} -> {to}: `{}` does not say `{complaint}`", outcome.stderr);
        let verdicts = outcome.done();
        let rules: std::collections::BTreeSet<_> = verdicts.keys().map(|(rule, _)| rule).collect();
        assert_eq!(rules.len(), without, "{from} -> {to}: {}", outcome.stderr);
        let lint = Run::new(&["content", "lint", root.path().to_str().unwrap()]).run();
        assert_ne!(lint.code, 0, "{from} -> {to}: lint sees nothing wrong");
    }
}

#[test]
fn a_kind_names_its_tags_and_its_place_by_fields_that_it_has() {
    for (line, said) in [
        (
            "tags: Atributes",
            "resources/sns/channel.yaml:15:1: `sns.channel` has no field `Atributes`; did you mean `Attributes`?",
        ),
        ("owner: TopicArns", "did you mean `TopicArn`?"),
        ("region: Attributes", "has no field `Attributes`"),
        // Were it taken, the listing's `TopicArn` would answer, and every check of the field would be unknown.
        (
            "  TopicArn: {call: sns:GetTopicAttributes, with: {TopicArn: TopicArn}, take: Attributes}",
            "resources/sns/channel.yaml:15:1: the listing of `sns.channel` already brings a `TopicArn`: give this field another name",
        ),
    ] {
        let root = folder();
        write(root.path(), "resources/sns/channel.yaml", &format!("{KIND}{line}\n"));
        let outcome = Run::new(&["content", "lint", root.path().to_str().unwrap()]).run();
        assert_eq!(outcome.code, 2, "{line}");
        assert!(outcome.stdout.contains(said), "{line}: {}", outcome.stdout);
    }
}

const OVER: &str = "\
kind: resource
id: sns.subscription
scope: region
list:
  over: sns.channel
  call: sns:ListSubscriptionsByTopic
  with: {TopicArn: '{TopicArn}'}
  each: Subscriptions
name: SubscriptionArn
arn: SubscriptionArn
";

const OVER_CHECK: &str = "\
kind: check
id: sns.subscription_over_tls
each: sns.subscription
pass: this.Protocol != 'http'
severity: medium
en: {title: TLS, why: Messages are read on the way., fix: Use HTTPS.}
ja: {title: TLS, why: 途中で読まれうる。, fix: HTTPS を使う。}
tests:
  tls: {this: {SubscriptionArn: s, Protocol: https}, expect: pass}
  plain: {this: {SubscriptionArn: s, Protocol: http}, expect: fail}
  not permitted: {this: {SubscriptionArn: s, Protocol: unknown}, expect: unknown}
";

#[test]
fn a_kind_is_listed_over_each_asset_of_another() {
    let root = folder();
    write(root.path(), "resources/sns/subscription.yaml", OVER);
    write(root.path(), "checks/sns/subscription_over_tls.yaml", OVER_CHECK);
    let content = root.path().to_str().unwrap();
    let arn = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let subscriptions = |topic: &str, protocol: &str| {
        let member = format!("<SubscriptionArn>{}:1</SubscriptionArn><Protocol>{protocol}</Protocol>", arn(topic));
        Reply::Xml(format!("<Subscriptions><member>{member}</member></Subscriptions>"))
    };
    let both = estate()
        .with_for(&arn("sealed"), "sns:ListSubscriptionsByTopic", subscriptions("sealed", "https"))
        .with_for(&arn("plain"), "sns:ListSubscriptionsByTopic", subscriptions("plain", "http"));
    let denied = Reply::error(403, "AuthorizationError", "not authorized to perform: SNS:ListSubscriptionsByTopic");
    let one = both.clone().with_for(&arn("plain"), "sns:ListSubscriptionsByTopic", denied.clone());
    let none = both.clone().with("sns:ListTopics", denied);
    for (estate, wanted) in [
        (both, &[(":plain:1", Status::Fail), (":sealed:1", Status::Pass)][..]),
        (one, &[("", Status::Unknown), (":sealed:1", Status::Pass)]),
        (none, &[("eu-west-1", Status::Unknown), ("us-east-1", Status::Unknown)]),
    ] {
        let aws = Endpoint::start(estate).unwrap();
        let select = ["--content", content, "--check", "sns.subscription_over_tls", "--region", "us-east-1"];
        let verdicts = Run::scan_all(&aws.url()).args(&select).run().verdicts();
        let found: Vec<_> = verdicts.values().map(|v| (v.resource.id.clone(), v.status)).collect();
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (id, status) in wanted {
            assert!(found.iter().any(|(i, s)| i.ends_with(id) && s == status), "{id} {status:?}: {found:?}");
        }
    }
    for (over, said) in [
        ("sns.chanel", "unknown kind `sns.chanel`; did you mean `sns.channel`?"),
        ("sns.subscription", "`sns.subscription` is listed over itself"),
        ("account", "`account` has another scope than `sns.subscription`"),
    ] {
        write(root.path(), "resources/sns/subscription.yaml", &OVER.replace("sns.channel", over));
        let lint = Run::new(&["content", "lint", content]).run();
        assert!(lint.code == 2 && lint.stdout.contains(said), "{over}: {}{}", lint.stdout, lint.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_linked_folder_is_read_and_a_circle_of_links_ends() {
    use std::os::unix::fs::symlink;
    let (elsewhere, root) = (folder(), tempfile::tempdir().unwrap());
    for part in ["checks", "resources"] {
        symlink(elsewhere.path().join(part), root.path().join(part)).unwrap();
    }
    symlink(root.path(), elsewhere.path().join("checks/round")).unwrap();
    let outcome = Run::new(&["content", "lint", root.path().to_str().unwrap()]).run();
    assert!(outcome.stdout.contains("✓ sns.channel_encrypted\n1 of 1"), "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, 0);
}

#[test]
fn a_file_that_is_not_text_is_reported() {
    let root = folder();
    std::fs::write(root.path().join("checks/sns/binary.yaml"), [0xff, 0xfe, 0, 1]).unwrap();
    let aws = Endpoint::start(estate()).unwrap();
    let outcome = Run::scan_all(&aws.url()).args(&["--content", root.path().to_str().unwrap()]).run();
    assert!(outcome.stderr.contains("binary.yaml"), "{}", outcome.stderr);
    assert_eq!(outcome.done().keys().filter(|(rule, _)| rule == "sns.channel_encrypted").count(), 2);
}

/// A check's file with one expression; `join` is what stands below `with`.
fn check(id: &str, each: &str, join: &str, pass: &str, tests: [&str; 3]) -> String {
    let texts = "{title: t, why: w, fix: f}";
    let with = if join.is_empty() { String::new() } else { format!("with: {join}\n") };
    let [good, bad, unread] = tests;
    format!(
        "kind: check\nid: {id}\neach: {each}\n{with}pass: {pass}\nseverity: low\nen: {texts}\nja: {texts}\n\
         tests:\n  good: {{{good}, expect: pass}}\n  bad: {{{bad}, expect: fail}}\n  unread: {{{unread}, expect: unknown}}\n"
    )
}

#[test]
fn a_join_onto_the_account_or_the_region_itself_is_read() {
    let root = folder();
    let key = "this: {TopicArn: t, Attributes: {KmsMasterKeyId: k}}";
    let plain = "this: {TopicArn: t, Attributes: {Owner: o}}";
    let region = check(
        "sns.channel_sealed_or_disks_are",
        "sns.channel",
        "{here: {each: region}}",
        "has(this.Attributes.KmsMasterKeyId) || here.exists(r, r.EbsEncryptionByDefault)",
        [key, &format!("{plain}, here: []"), &format!("{plain}, here: [{{EbsEncryptionByDefault: unknown}}]")],
    );
    write(root.path(), "checks/sns/channel_sealed_or_disks_are.yaml", &region);
    let account = check(
        "sns.channel_of_counted_account",
        "sns.channel",
        "{whole: {each: account}}",
        "whole.exists(a, has(a.Summary.Users))",
        [
            "this: {TopicArn: t}, whole: [{Summary: {Users: 1}}]",
            "this: {TopicArn: t}, whole: []",
            "this: {TopicArn: t}, whole: [{Summary: unknown}]",
        ],
    );
    write(root.path(), "checks/sns/channel_of_counted_account.yaml", &account);
    let aws = Endpoint::start(estate()).unwrap();
    let content = root.path().to_str().unwrap();
    let mut verdicts = Run::scan_all(&aws.url()).args(&["--service", "sns", "--content", content]).run().done();
    verdicts.retain(|(rule, _), _| rule.starts_with("sns.channel_"));
    let unknown: Vec<_> = verdicts.values().filter(|v| v.status == Status::Unknown).collect();
    assert!(verdicts.len() == 6 && unknown.is_empty(), "{} verdicts, of them unknown: {unknown:?}", verdicts.len());
}

#[test]
fn a_kind_that_asks_for_everything_is_not_narrowed_by_another_of_the_same_call() {
    const EVERY_POLICY: &str = "kind: resource\nid: iam.every_policy\nscope: account\nlist: {call: \
        iam:GetAccountAuthorizationDetails, with: {MaxItems: 1000}, each: Policies}\nname: Arn\narn: Arn\n";
    let root = folder();
    write(root.path(), "resources/iam/every_policy.yaml", EVERY_POLICY);
    let named = check(
        "iam.every_policy_named",
        "iam.every_policy",
        "",
        "this.Arn != \"\"",
        ["this: {Arn: a}", "this: {Arn: ''}", "this: {Arn: unknown}"],
    );
    write(root.path(), "checks/iam/every_policy_named.yaml", &named);
    // As AWS: with a filter for users there are no policies in the answer.
    let users = Reply::Xml("<UserDetailList/><IsTruncated>false</IsTruncated>".into());
    let aws = Endpoint::start(estate().with_for("User", "iam:GetAccountAuthorizationDetails", users)).unwrap();
    let rows = |checks: &str| {
        let args = ["--check", checks, "--content", root.path().to_str().unwrap()];
        let verdicts = Run::scan_all(&aws.url()).args(&args).run().done();
        verdicts.keys().filter(|(rule, _)| rule == "iam.every_policy_named").count()
    };
    let alone = rows("iam.every_policy_named");
    assert!(alone > 0);
    assert_eq!(rows("iam.every_policy_named,iam.user_without_direct_policies"), alone);
}

/// How many of the built-in checks find something to judge at an endpoint.
fn built_in(url: &str) -> usize {
    let verdicts = Run::scan_all(url).run().done();
    verdicts.keys().map(|(rule, _)| rule).collect::<std::collections::BTreeSet<_>>().len()
}
