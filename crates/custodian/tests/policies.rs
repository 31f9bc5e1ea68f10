//! Policies as a person writes them: what is refused and why, and what each filter chooses of small estates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_custodian::facts::Facts;
use yagura_custodian::filter::Read;
use yagura_custodian::policy::{Policy, read_files};
use yagura_custodian::run::{Selection, Setting};
use yagura_custodian::world::{KindOf, Names, Place, World};
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Listing, Scope, Snapshot, Value};

fn facts() -> Facts {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/custodian/aws.json");
    Facts::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn file(text: &str) -> ContentFile {
    ContentFile { path: "p.yml".to_owned(), text: text.to_owned(), shipped: false }
}

fn wrong(text: &str) -> Vec<String> {
    read_files(&[file(text)], &facts()).1.iter().map(ToString::to_string).collect()
}

/// The complaints of one policy on `s3` (or another resource) with these filters in YAML flow style.
fn wrong_filters(resource: &str, filters: &str) -> Vec<String> {
    wrong(&format!("policies:\n- name: x\n  resource: {resource}\n  filters: {filters}\n"))
}

#[test]
fn what_cloud_custodian_refuses_is_refused_with_line_and_spelling() {
    for (text, told) in [
        (
            "policies:\n- name: x\n  resource: s3\n  filter: []\n",
            "p.yml:4:3: unknown key `filter`; did you mean `filters`?",
        ),
        ("policies:\n- name: x\n  resources: s3\n", "unknown key `resources`; did you mean `resource`?"),
        (
            "policies:\n- name: x\n  resource: iam-polcy\n",
            "p.yml:3:13: `iam-polcy` is no resource of Cloud Custodian; did you mean `iam-policy`?",
        ),
        ("policies:\n- name: x\n  resource: azure.vm\n", "resources of `azure` are not read"),
        ("policy:\n- name: x\n  resource: s3\n", "p.yml:1:1: unknown key `policy`"),
        ("policies:\n- resource: s3\n", "`name` is missing"),
        ("policies:\n- name: 1x\n  resource: s3\n", "does not have the form"),
        ("policies:\n- {name: x, resource: s3, mode: {type: perodic}}\n", "`perodic` is not known here"),
        ("policies:\n- {name: x, resource: s3}\n- {name: x, resource: vpc}\n", "the name `x` is taken"),
        (
            "policies:\n- {name: x, resource: s3, actions: [delet]}\n",
            "`delet` is no action of `s3`; did you mean `delete`?",
        ),
        ("policies:\n- {name: x, resource: s3, actions: [{type: tag, kee: a}]}\n", "unknown key `kee`"),
    ] {
        let all = wrong(text);
        assert!(all.iter().any(|m| m.contains(told)), "{text}\n{all:?}");
    }
}

#[test]
fn filters_are_held_against_their_schemas() {
    for (resource, filters, told) in [
        (
            "s3",
            "[{type: check-public-blok}]",
            "`check-public-blok` is no filter of `s3`; did you mean `check-public-block`?",
        ),
        ("s3", "[{type: check-public-block, BlockPublicAcl: true}]", "did you mean `BlockPublicAcls`?"),
        ("s3", "[{type: check-public-block, BlockPublicAcls: 'yes please'}]", "expected true or false, found text"),
        ("s3", "[{type: value, key: Name, value: a, op: equals}]", "`equals` is not known here; did you mean `equal`?"),
        ("s3", "[{type: value, key: Name, value: a, value_type: agee}]", "did you mean `age`?"),
        ("s3", "[{type: value, key: Name}]", "`value` is missing"),
        ("s3", "[{type: value, value: 1}]", "`key` is missing"),
        ("s3", "[{key: Name, value: a}]", "wants a `type`"),
        ("s3", "[{typ: value, key: Name, value: a}]", "`typ`; did you mean `type`?"),
        ("s3", "[{type: value, key: Name, op: regex, value: '('}]", "not a regular expression"),
        ("s3", "[{type: value, key: Name, value_regex: 'a', value: b}]", "exactly one capturing group"),
        ("s3", "[{type: value, key: 'a[', value: b}]", "not a JMESPath expression"),
        ("s3", "[{type: value, key: 'lenght(a)', value: b}]", "no function `lenght`"),
        ("s3", "[{not: {Name: a}}]", "`not` wants a list of filters"),
        ("s3", "[{or: [{type: nothing-here}]}]", "`nothing-here` is no filter of `s3`"),
        ("s3", "[{type: event, key: a, value: b}]", "with a `mode`"),
        ("ec2", "[{type: marked-for-op, op: explode}]", "`op: explode` is no action of `ec2`"),
        ("ec2", "[{type: list-item, key: Tags, attrs: [{type: value, key: Key}]}]", "`value` is missing"),
        ("s3", "[{Name: a, Name: b}]", "p.yml:4:23: duplicate mapping key: Name"),
    ] {
        let all = wrong_filters(resource, filters);
        assert!(all.iter().any(|m| m.contains(told)), "{filters}\n{all:?}");
    }
}

#[test]
fn what_people_write_is_accepted() {
    for text in [
        "vars:\n  tags: &tags\n  - 'tag:env': absent\npolicies:\n- name: a\n  resource: aws.ec2\n  filters: *tags\n",
        "policies:\n- name: a\n  resource: ec2\n  comment: c\n  description: d\n  tags: [x]\n  mode: {type: pull}\n  region: us-east-1\n  max-resources: 5\n",
        "policies:\n- name: a\n  resource: s3\n  filters: [{type: bucket-logging, op: disabled}, has-statement, {type: value, key: x, value: null}]\n",
        "policies:\n- name: a\n  resource: ec2\n  filters: [{or: [{and: [{not: [{State.Name: running}]}]}]}, {type: offhour, offhour: 19}]\n  actions: [stop, {type: mark-for-op, op: terminate, days: 7}]\n",
        "policies:\n- name: a\n  resource: security-group\n  filters: [{type: ingress, Ports: [22], Cidr: {value: 0.0.0.0/0}}]\n",
        "policies: []\n",
    ] {
        assert_eq!(wrong(text), [""; 0], "{text}");
    }
}

#[test]
fn hostile_files_end_in_a_message() {
    let deep = format!("policies: {}{}", "[".repeat(5000), "]".repeat(5000));
    let nested =
        format!("policies:\n- name: x\n  resource: s3\n  filters: {}{}", "[{not: ".repeat(200), "}]".repeat(200));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                policies: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    let huge = format!("policies: [{}]", "x, ".repeat(3_000_000));
    for text in [
        &deep,
        &nested,
        bomb,
        &huge,
        "policies: {",
        "\t- a",
        "policies: 5",
        "- a",
        "",
        "policies:\n- 5\n- [a]\n- null\n",
    ] {
        assert!(!wrong(text).is_empty(), "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn hostile_expressions_end_in_a_message_or_an_answer() {
    let long = "a.".repeat(5000) + "a";
    let deep = "(".repeat(3000) + "a" + &")".repeat(3000);
    let nots = "!".repeat(3000) + "a";
    let growth = ["[@,@]"; 40].join("|") + "[]";
    let lists = "[".repeat(500) + "a" + &"]".repeat(500);
    for key in [long, deep, nots, growth, lists] {
        let all = wrong_filters("s3", &format!("[{{type: value, key: '{key}', value: b}}]"));
        assert!(!all.is_empty(), "{}", &key[..60]);
    }
    // A pattern that goes back without end does not match, and does end.
    let chosen = choose(
        "s3",
        json!([{"type": "value", "key": "Name", "op": "regex", "value": "^(a+)+(?=b)$"}]),
        vec![asset("s3.bucket", &"a".repeat(40), json!({"Name": "a".repeat(40)}))],
    );
    assert_eq!(ids(&chosen, "Name"), [""; 0]);
}

/// Kinds enough for these tests.
fn names() -> Names {
    let kind = |resource: &str, kind: &str, id: &str, regional: bool, fields: &[&str], called: &[&str]| KindOf {
        resource: resource.into(),
        kind: kind.into(),
        id: id.into(),
        regional,
        tags: Some("Tags".into()),
        fields: fields.iter().chain(called).map(|f| (*f).into()).collect(),
        called: called.iter().map(|f| (*f).into()).collect(),
        policy: (resource == "s3").then(|| "Policy".into()),
        ..KindOf::default()
    };
    let all = [
        kind(
            "s3",
            "s3.bucket",
            "Name",
            false,
            &["Name", "CreationDate"],
            &["Policy", "PublicAccessBlock", "Tags", "Versioning"],
        ),
        kind(
            "ec2",
            "ec2.instance",
            "InstanceId",
            true,
            &["InstanceId", "State", "Tags", "LaunchTime", "Size", "Version", "Net"],
            &[],
        ),
        kind("vpc", "ec2.vpc", "VpcId", true, &["VpcId", "CidrBlock", "Tags"], &[]),
        kind(
            "security-group",
            "ec2.security_group",
            "GroupId",
            true,
            &["GroupId", "IpPermissions", "Tags", "VpcId"],
            &[],
        ),
        kind("account", "account", "account_id", false, &[], &["Summary"]),
    ];
    Names { by_resource: all.into_iter().map(|k| (k.resource.clone(), k)).collect() }
}

fn asset(kind: &str, id: &str, fields: Json) -> Asset {
    let mut a = Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: "123456789012".into(),
        region: "us-east-1".into(),
        fields: Vec::new(),
    };
    for (k, v) in fields.as_object().unwrap() {
        a.set(k.as_str(), Value::from_json(v.clone()).map_or(Field::Absent, Field::Known));
    }
    a
}

fn denied(mut a: Asset, field: &str) -> Asset {
    let gap = Gap { call: "s3:Get".into(), ..Gap::new(GapReason::AccessDenied, "AccessDenied") };
    a.set(field, Field::Unknown(Arc::new(gap)));
    a
}

fn snapshot(assets: Vec<Asset>) -> Snapshot {
    let kinds: BTreeSet<_> =
        names().by_resource.values().map(|k| k.kind.clone()).chain(["ec2.flow_log".into()]).collect();
    let listing = |kind| Listing { kind, account: "123456789012".into(), region: "us-east-1".into(), gap: None };
    Snapshot {
        taken_at: "2026-06-15T12:00:00Z".parse().unwrap(),
        tool: String::new(),
        callers: vec![Caller { account: "123456789012".into(), arn: "".into(), partition: "aws".into() }],
        scope: Scope { regions: vec!["us-east-1".into()], ..Scope::default() },
        listings: kinds.into_iter().map(listing).collect(),
        assets,
        requests: 0,
    }
}

fn policy(resource: &str, filters: &Json) -> Policy {
    let text = json!({"policies": [{"name": "x", "resource": resource, "filters": filters}]}).to_string();
    let (mut policies, errors) = read_files(&[file(&text)], &facts());
    assert!(errors.is_empty(), "{errors:?}");
    policies.pop().unwrap()
}

fn choose(resource: &str, filters: Json, assets: Vec<Asset>) -> Selection {
    run(&policy(resource, &filters), assets, None)
}

fn run(policy: &Policy, assets: Vec<Asset>, event: Option<&Json>) -> Selection {
    let (facts, names, snapshot) = (facts(), names(), snapshot(assets));
    let no_file = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    let setting = Setting { facts: &facts, names: &names, now: snapshot.taken_at, file: &no_file, event };
    let kinds = snapshot.listings.iter().map(|l| l.kind.clone()).collect();
    let world = World::new(&snapshot, &names, &kinds);
    let place = Place { account: "123456789012".into(), region: "us-east-1".into(), partition: "aws".into() };
    setting.run(policy, &world, &place).unwrap()
}

fn ids(s: &Selection, key: &str) -> Vec<String> {
    s.resources.iter().map(|r| r[key].as_str().unwrap().to_owned()).collect()
}

fn instances() -> Vec<Asset> {
    let one = |id: &str, fields: Json| {
        let mut all = fields;
        all["InstanceId"] = id.into();
        asset("ec2.instance", id, all)
    };
    vec![
        one(
            "a",
            json!({"State": {"Name": "running"}, "Size": 5, "Version": "1.10.2", "LaunchTime": "2026-06-14T12:00:00Z",
                        "Net": "10.0.0.0/16", "Tags": [{"Key": "env", "Value": " Prod "}, {"Key": "n", "Value": "12"}]}),
        ),
        one(
            "b",
            json!({"State": {"Name": "stopped"}, "Size": 50, "Version": "1.9", "LaunchTime": "2026-01-01T00:00:00Z",
                        "Net": "192.168.1.1", "Tags": [{"Key": "env", "Value": "dev"}]}),
        ),
        one("c", json!({"State": {"Name": "running"}, "Size": 500, "LaunchTime": "2025-01-01T00:00:00Z"})),
    ]
}

#[test]
fn every_operator_and_value_type_answers() {
    let v = |key: &str, op: &str, value: Json| json!({"type": "value", "key": key, "op": op, "value": value});
    let t = |key: &str, op: &str, value: Json, kind: &str| json!({"type": "value", "key": key, "op": op, "value": value, "value_type": kind});
    for (filter, wanted) in [
        (json!({"State.Name": "running"}), "ac"),
        (json!({"tag:env": "absent"}), "c"),
        (json!({"tag:env": "present"}), "ab"),
        (json!({"tag:env": "not-null"}), "ab"),
        (json!({"Tags": "empty"}), "c"),
        (v("Size", "eq", json!(5)), "a"),
        (v("Size", "ne", json!(5)), "bc"),
        (v("Size", "gt", json!(5)), "bc"),
        (v("Size", "gte", json!(5)), "abc"),
        (v("Size", "lt", json!(50)), "a"),
        (v("Size", "less-than", json!("50")), ""),
        (v("Size", "le", json!(50)), "ab"),
        (v("Size", "mod", json!(3)), "abc"),
        (v("Size", "mod", json!(10)), "a"),
        (v("State.Name", "in", json!(["stopped", "x"])), "b"),
        (v("State.Name", "ni", json!(["stopped", "x"])), "ac"),
        (v("tag:env", "in", json!(["dev"])), "b"),
        (v("tag:env", "not-in", json!(["dev"])), "ac"),
        (v("State.Name", "contains", json!("top")), "b"),
        (v("Tags[].Key", "contains", json!("n")), "a"),
        (v("Tags[].Key", "intersect", json!(["n", "m"])), "a"),
        (v("Tags[].Key", "difference", json!(["env"])), "a"),
        (v("State.Name", "glob", json!("run*")), "ac"),
        (v("State.Name", "glob", json!("[!r]*")), "b"),
        (v("State.Name", "regex", json!("STOP")), "b"),
        (v("State.Name", "regex-case", json!("STOP")), ""),
        (v("State.Name", "regex", json!("(?!stop).*")), "ac"),
        (t("tag:env", "eq", json!("prod"), "normalize"), "a"),
        (t("tag:n", "gt", json!(10), "integer"), "a"),
        (t("tag:n", "lt", json!(12.5), "float"), "abc"),
        (t("Tags", "eq", json!(2), "size"), "a"),
        (t("Tags[].Key", "eq", json!(1), "unique_size"), "b"),
        (t("State.Name", "in", json!("running now"), "swap"), ""),
        (t("State.Name", "contains", json!("running now"), "swap"), "ac"),
        (t("LaunchTime", "gt", json!(30), "age"), "bc"),
        (t("LaunchTime", "lt", json!(30), "age"), "a"),
        (t("tag:env", "gt", json!(30), "age"), ""),
        (t("LaunchTime", "le", json!(-30), "expiration"), "bc"),
        (t("LaunchTime", "ge", json!("2026-01-01"), "date"), "ab"),
        (t("Version", "gt", json!("1.9.5"), "version"), "a"),
        (t("Net", "in", json!("10.0.0.0/8"), "cidr"), "a"),
        (t("Net", "in", json!("192.168.0.0/16"), "cidr"), "b"),
        (t("Net", "eq", json!(16), "cidr_size"), "a"),
        (t("State.Name", "eq", json!("tag:env"), "expr"), ""),
        (json!({"type": "value", "value_type": "resource_count", "op": "gt", "value": 2}), "abc"),
        (json!({"type": "value", "value_type": "resource_count", "op": "lt", "value": 3}), ""),
        (
            json!({"type": "value", "key": "Version", "value_regex": "1\\.(\\d+)", "value_type": "integer", "op": "gt", "value": 9}),
            "a",
        ),
        (json!({"type": "value", "key": "tag:ENV", "value": "dev", "tag_key_transforms": ["upper"]}), "b"),
        (json!({"type": "value", "key": "State.Name", "value_path": "State.Name", "op": "eq"}), "abc"),
        (json!({"type": "list-item", "key": "Tags", "attrs": [{"Key": "env"}, {"Value": "dev"}]}), "b"),
        (json!({"type": "list-item", "key": "Tags", "attrs": [{"Key": "env"}], "count": 0}), "c"),
        (
            json!({"type": "reduce", "sort-by": {"key": "Size", "value_type": "number"}, "order": "desc", "limit": 1}),
            "c",
        ),
        (json!({"type": "reduce", "group-by": "State.Name", "sort-by": "LaunchTime", "limit": 1}), "cb"),
        (json!({"type": "tag-count", "count": 2}), "a"),
        (json!({"not": [{"State.Name": "running"}, {"Size": 5}]}), "bc"),
        (json!({"or": [{"State.Name": "stopped"}, {"Size": 500}]}), "bc"),
        (json!({"type": "instance-age", "days": 300}), "c"),
    ] {
        let chosen = choose("ec2", json!([filter]), instances());
        assert_eq!(ids(&chosen, "InstanceId").concat(), wanted, "{filter}");
        assert!(chosen.unknown.is_empty(), "{filter}: {:?}", chosen.unknown);
    }
}

#[test]
fn what_was_not_read_is_unknown_and_never_chosen() {
    let buckets = || {
        vec![
            asset(
                "s3.bucket",
                "a",
                json!({"Name": "a", "Versioning": {"Status": "Enabled"}, "PublicAccessBlock": null}),
            ),
            denied(denied(asset("s3.bucket", "b", json!({"Name": "b"})), "Versioning"), "PublicAccessBlock"),
        ]
    };
    let enabled = json!({"Versioning.Status": "Enabled"});
    for (filters, sure, unsure) in [
        (json!([enabled]), "a", "b"),
        (json!([{"not": [enabled]}]), "", "b"),
        (json!([enabled, {"Name": "a"}]), "a", ""),
        (json!([{"Name": "a"}, enabled]), "a", ""),
        (json!([{"or": [enabled, {"Name": "b"}]}]), "ab", ""),
        (json!([{"type": "check-public-block", "BlockPublicAcls": false}]), "a", "b"),
        (json!([enabled, {"type": "value", "value_type": "resource_count", "op": "gte", "value": 2}]), "", "ab"),
        (json!([enabled, {"type": "value", "value_type": "resource_count", "op": "gte", "value": 1}]), "a", "b"),
        (json!([{"NoSuchMember": "absent"}]), "", "ab"),
        (json!([{"type": "metrics", "name": "NumberOfObjects", "value": 1, "op": "lt"}]), "", "ab"),
    ] {
        let chosen = choose("s3", filters.clone(), buckets());
        assert_eq!(ids(&chosen, "Name").concat(), sure, "{filters}");
        let unknown: Vec<&str> = chosen.unknown.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(unknown.concat(), unsure, "{filters}");
    }
}

#[test]
fn related_data_and_its_absence_are_told() {
    let assets = || {
        vec![
            asset("ec2.vpc", "v1", json!({"VpcId": "v1", "CidrBlock": "10.0.0.0/16"})),
            asset("ec2.vpc", "v2", json!({"VpcId": "v2", "CidrBlock": "10.1.0.0/16"})),
            asset("ec2.flow_log", "f", json!({"ResourceId": "v1", "TrafficType": "REJECT"})),
        ]
    };
    let chosen = |filters: Json| ids(&choose("vpc", filters, assets()), "VpcId").concat();
    assert_eq!(chosen(json!([{"not": [{"type": "flow-logs", "enabled": true}]}])), "v2");
    assert_eq!(chosen(json!(["flow-logs"])), "v2");
    assert_eq!(chosen(json!([{"type": "flow-logs", "enabled": true, "traffic-type": "reject"}])), "v1");
    assert_eq!(chosen(json!([{"type": "flow-logs", "attrs": [{"TrafficType": "ALL"}]}])), "");
    let mut blind = snapshot(assets());
    blind.listings.retain(|l| l.kind != "ec2.flow_log");
    let (facts, names) = (facts(), names());
    let none = |_: &str| Err(String::new());
    let setting = Setting { facts: &facts, names: &names, now: blind.taken_at, file: &none, event: None };
    let world = World::new(&blind, &names, &["ec2.vpc".into(), "ec2.flow_log".into()].into());
    let place = Place { account: "123456789012".into(), region: "us-east-1".into(), partition: "aws".into() };
    let told = setting.run(&policy("vpc", &json!(["flow-logs"])), &world, &place).unwrap();
    assert_eq!((told.resources.len(), told.unknown.len()), (0, 2));
}

#[test]
fn reads_follow_from_filters() {
    let (facts, names) = (facts(), names());
    let none = |_: &str| Err(String::new());
    let setting = Setting {
        facts: &facts,
        names: &names,
        now: "2026-06-15T12:00:00Z".parse().unwrap(),
        file: &none,
        event: None,
    };
    let fields = |filters: Json| -> Vec<String> {
        let needs = setting.needs(&policy("s3", &filters)).unwrap();
        needs.into_iter().filter_map(|r| if let Read::Field(_, f) = r { Some(f.to_string()) } else { None }).collect()
    };
    assert_eq!(fields(json!([{"Name": "a"}])), ["Tags"]);
    assert_eq!(fields(json!([{"Versioning.Status": "Enabled"}])), ["Tags", "Versioning"]);
    assert_eq!(fields(json!(["check-public-block"])), ["PublicAccessBlock", "Tags"]);
    assert_eq!(fields(json!([{"type": "has-statement", "statement_ids": ["a"]}])), ["Policy", "Tags"]);
}

#[test]
fn regions_conditions_events_and_limits_count() {
    let of = |more: &str| {
        let text = format!("policies:\n- name: x\n  resource: ec2\n  {more}\n");
        let (mut p, errors) = read_files(&[file(&text)], &facts());
        assert!(errors.is_empty(), "{errors:?}");
        p.pop().unwrap()
    };
    assert!(run(&of("region: eu-west-1"), instances(), None).skipped.is_some());
    assert!(run(&of("region: us-east-1"), instances(), None).skipped.is_none());
    assert!(run(&of("conditions: [{region: eu-west-1}]"), instances(), None).skipped.is_some());
    assert!(run(&of("conditions: [{not: [{region: eu-west-1}]}]"), instances(), None).skipped.is_none());
    assert_eq!(run(&of("max-resources: 2"), instances(), None).exceeded, Some((3, 3)));
    assert_eq!(run(&of("max-resources-percent: 50\n  filters: [{Size: 5}]"), instances(), None).exceeded, None);
    let waits =
        of("mode: {type: cloudtrail, events: [RunInstances]}\n  filters: [{type: event, key: detail.x, value: 1}]");
    assert_eq!(run(&waits, instances(), None).unknown.len(), 3);
    assert_eq!(run(&waits, instances(), Some(&json!({"detail": {"x": 1}}))).resources.len(), 3);
    assert_eq!(run(&waits, instances(), Some(&json!({"detail": {"x": 2}}))).resources.len(), 0);
    assert_eq!(
        ids(&run(&of("query: [{instance-state-name: running}]"), instances(), None), "InstanceId").concat(),
        "ac"
    );
    assert_eq!(run(&of("query: [{tenancy: x}]"), instances(), None).unknown.len(), 3);
}

#[test]
fn rules_of_security_groups_are_asked_one_by_one() {
    let rule = |from: i64, to: i64, cidr: &str| json!({"IpProtocol": "tcp", "FromPort": from, "ToPort": to, "IpRanges": [{"CidrIp": cidr}]});
    let groups = || {
        vec![
            asset("ec2.security_group", "ssh", json!({"GroupId": "ssh", "IpPermissions": [rule(22, 22, "0.0.0.0/0")]})),
            asset(
                "ec2.security_group",
                "web",
                json!({"GroupId": "web", "IpPermissions": [rule(443, 443, "0.0.0.0/0")]}),
            ),
            asset(
                "ec2.security_group",
                "in",
                json!({"GroupId": "in", "IpPermissions": [
                rule(0, 65535, "10.0.0.0/8"),
                {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": "in"}]}]}),
            ),
        ]
    };
    for (filter, wanted) in [
        (json!({"type": "ingress", "Ports": [22], "Cidr": {"value": "0.0.0.0/0"}}), "ssh"),
        (json!({"type": "ingress", "OnlyPorts": [443], "Cidr": {"value": "0.0.0.0/0"}}), "ssh"),
        (json!({"type": "ingress", "Ports": [22]}), "sshin"),
        (json!({"type": "ingress", "Cidr": {"value": "10.2.0.0/16", "op": "in", "value_type": "cidr"}}), ""),
        (json!({"type": "ingress", "Cidr": {"value": "10.0.0.0/7", "op": "in", "value_type": "cidr"}}), "in"),
        (json!({"type": "ingress", "SelfReference": true}), "in"),
        (json!({"type": "ingress", "match-operator": "or", "Ports": [22], "SelfReference": true}), "sshin"),
        (json!({"type": "ingress", "FromPort": 443}), "web"),
    ] {
        let chosen = choose("security-group", json!([filter]), groups());
        assert_eq!(ids(&chosen, "GroupId").concat(), wanted, "{filter}");
    }
}

#[test]
fn values_come_from_local_files_only() {
    let dir = std::env::temp_dir();
    let path = dir.join(format!("yagura-values-{}.txt", std::process::id()));
    std::fs::write(&path, "stopped\nother\n").unwrap();
    let from = |url: &str| json!([{"type": "value", "key": "State.Name", "op": "in", "value_from": {"url": url, "format": "txt"}}]);
    let local = choose("ec2", from(&format!("file://{}", path.display())), instances());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ids(&local, "InstanceId").concat(), "b");
    let remote = choose("ec2", from("https://example.com/x.txt"), instances());
    assert_eq!((remote.resources.len(), remote.unknown.len()), (0, 3));
    assert!(remote.unknown[0].1.detail.contains("local files only"), "{:?}", remote.unknown);
}
