//! What rules say of reachability, on assets as a scan keeps them: what is proved, what cannot be told and which
//! permission would tell it, and how a proof lowers the severity of a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{ACCOUNT, kind, list, structure};
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Lang, Scope, Severity, Status, Type, Value};
use yagura_network::read::KINDS;
use yagura_rule::{Check, CheckFile, ContentError, Estate, Schema, Tables, judge, judge_one, run_fixtures, verdict};

const HERE: &str = "us-east-1";

fn schema() -> Schema {
    let networks = KINDS.iter().map(|(id, fields)| {
        let fields: Vec<(&str, Type)> = fields.iter().map(|f| (*f, Type::Any)).collect();
        kind(id, true, &fields)
    });
    let named = structure(&[("CidrIp", Type::String)]);
    let more = [
        kind(
            "ec2.instance",
            true,
            &[("InstanceId", Type::String), ("Ports", list(Type::Int)), ("Port", Type::Int), ("Open", Type::Bool)],
        ),
        kind("ec2.security_group", true, &[("GroupId", Type::String), ("Ranges", list(named))]),
    ];
    networks.chain(more).collect()
}

fn asset(kind: &str, id: &str, fields: Json) -> Asset {
    let mut asset = Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: ACCOUNT.into(),
        region: HERE.into(),
        fields: Vec::new(),
    };
    for (name, value) in fields.as_object().unwrap() {
        asset.set(SmolStr::from(name), Field::Known(Value::from_json(value.clone()).unwrap()));
    }
    asset
}

fn instance(id: &str) -> Asset {
    asset("ec2.instance", id, json!({"InstanceId": id, "State": {"Name": "running"}, "Open": false}))
}

fn group(id: &str, rules: Json) -> Asset {
    asset(
        "ec2.security_group",
        id,
        json!({"GroupId": id, "VpcId": "vpc-1", "IpPermissions": rules, "IpPermissionsEgress": []}),
    )
}

fn interface(id: &str, subnet: &str, ip: &str, public: Option<&str>, group: &str) -> Asset {
    let mut address = json!({"PrivateIpAddress": ip, "Primary": true});
    if let Some(public) = public {
        address["Association"] = json!({"PublicIp": public});
    }
    asset(
        "ec2.network_interface",
        &format!("eni-{id}"),
        json!({"NetworkInterfaceId": format!("eni-{id}"), "VpcId": "vpc-1", "SubnetId": subnet, "Status": "in-use", "Groups": [{"GroupId": group}],
            "PrivateIpAddresses": [address], "Attachment": {"InstanceId": format!("i-{id}"), "Status": "attached"}}),
    )
}

/// `i-open` is open to everyone at SSH; `i-inner` has no public address and is open to the group of `i-open`.
fn assets() -> Vec<Asset> {
    let everyone = json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let friends =
        json!([{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-open"}]}]);
    let mut open = group("sg-open", everyone.clone());
    open.set(
        "IpPermissionsEgress",
        Field::Known(Value::from_json(json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])).unwrap()),
    );
    let subnet =
        |id: &str, cidr: &str| asset("ec2.subnet", id, json!({"SubnetId": id, "VpcId": "vpc-1", "CidrBlock": cidr}));
    let route = |to: &str, gateway: &str| json!({"DestinationCidrBlock": to, "GatewayId": gateway, "State": "active"});
    let entry = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"});
    vec![
        instance("i-open"),
        instance("i-inner"),
        instance("i-lost"),
        open,
        group("sg-inner", friends),
        group("sg-nobody", everyone),
        interface("open", "subnet-1", "10.0.0.5", Some("203.0.113.5"), "sg-open"),
        interface("inner", "subnet-1", "10.0.0.6", None, "sg-inner"),
        asset("ec2.vpc", "vpc-1", json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"})),
        subnet("subnet-1", "10.0.0.0/24"),
        asset(
            "ec2.route_table",
            "rtb-1",
            json!({"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}], "Routes": [route("10.0.0.0/16", "local"), route("0.0.0.0/0", "igw-1")]}),
        ),
        asset(
            "ec2.network_acl",
            "acl-1",
            json!({"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": [entry(true), entry(false)]}),
        ),
        asset(
            "ec2.internet_gateway",
            "igw-1",
            json!({"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}),
        ),
    ]
}

/// The network with all listings read; except that a kind was not allowed to be listed.
fn estate(denied: Option<(&str, &str)>) -> Estate {
    let mut estate = unread();
    for asset in assets().into_iter().filter(|a| denied.is_none_or(|(kind, _)| a.kind != kind)) {
        estate.push(asset);
    }
    for (kind, _) in KINDS {
        let gap = denied.filter(|(k, _)| k == kind).map(|(_, permission)| {
            let gap = Gap::new(GapReason::AccessDenied, "UnauthorizedOperation");
            Arc::new(Gap { permission: Some(permission.into()), call: permission.into(), ..gap })
        });
        estate.set_listing(((*kind).into(), ACCOUNT.into(), HERE.into()), gap);
    }
    estate
}

/// Nothing was asked for.
fn unread() -> Estate {
    let caller = Caller { account: ACCOUNT.into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec![HERE.into()], all_regions: false, ..Scope::default() };
    Estate::new("2026-01-01T00:00:00Z".parse().unwrap(), vec![caller], scope, Arc::<Tables>::default())
}

/// A check's file around an expression and more keys.
fn file(each: &str, pass: &str, more: &str) -> ContentFile {
    let text = format!(
        "kind: check\nid: x.check\neach: {each}\npass: \"{pass}\"\nseverity: high\nsettings: {{ports: [22, 3389]}}\n{more}\
         en: {{title: A, why: B, fix: C}}\nja: {{title: あ, why: い, fix: う}}\n\
         tests:\n  a: {{this: {{}}, expect: pass}}\n  b: {{this: {{}}, expect: fail}}\n  c: {{this: {{}}, expect: unknown}}\n"
    );
    ContentFile { path: "checks/x/check.yaml".into(), text, shipped: false }
}

fn compile(each: &str, pass: &str, more: &str) -> Result<Check, Vec<ContentError>> {
    CheckFile::parse(&file(each, pass, more))?.compile(&schema(), None, &[])
}

fn sound(each: &str, pass: &str, more: &str) -> Check {
    compile(each, pass, more).unwrap_or_else(|e| panic!("{pass}\n{e:?}"))
}

/// Where an asset lies.
fn place(estate: &Estate, id: &str) -> u32 {
    u32::try_from(estate.assets().iter().position(|a| a.id == id).unwrap()).unwrap()
}

fn status(estate: &Estate, check: &Check, id: &str) -> Status {
    judge_one(estate, check, place(estate, id), false).0
}

#[test]
fn reachability_is_proved_or_disproved() {
    let mut estate = estate(None);
    let open = place(&estate, "i-open");
    let ports = |ports: &[i64]| Field::Known(Value::List(ports.iter().map(|p| Value::Int(*p)).collect()));
    estate.set_field(open, &"Ports".into(), ports(&[80, 22]));
    estate.set_field(open, &"Port".into(), Field::Known(Value::Int(22)));
    let inner = place(&estate, "i-inner");
    estate.set_field(inner, &"Ports".into(), common::denied());
    let lost = place(&estate, "i-lost");
    estate.set_field(lost, &"Ports".into(), ports(&[70_000]));
    for (expression, id, want) in [
        ("network.reachable_from_internet(this, [22])", "i-open", Status::Pass),
        ("network.reachable_from_internet(this, [80, 443])", "i-open", Status::Fail),
        ("network.reachable_from_internet(this, [])", "i-open", Status::Pass),
        ("network.reachable_from_internet(this, settings.ports)", "i-open", Status::Pass),
        ("network.reachable_from_internet(this, this.Ports)", "i-open", Status::Pass),
        ("network.reachable_from_internet(this, [this.Port])", "i-open", Status::Pass),
        ("network.reachable_from_internet(this, [this.Port, 1])", "i-inner", Status::Unknown),
        ("network.reachable_from_internet(this, this.Ports)", "i-inner", Status::Unknown),
        ("network.reachable_from_internet(this, this.Ports)", "i-lost", Status::Unknown),
        ("network.reachable_from_internet(this, [22, 5432])", "i-inner", Status::Fail),
        // An instance without an interface: nothing can be said of it.
        ("network.reachable_from_internet(this, [22])", "i-lost", Status::Unknown),
    ] {
        assert_eq!(status(&estate, &sound("ec2.instance", expression, ""), id), want, "{expression} {id}");
    }
}

#[test]
fn a_group_is_reached_through_its_members() {
    let check = sound("ec2.security_group", "network.reachable_from_internet(this, settings.ports)", "");
    let whole = estate(None);
    for (id, want) in [("sg-open", Status::Pass), ("sg-inner", Status::Fail), ("sg-nobody", Status::Fail)] {
        assert_eq!(status(&whole, &check, id), want, "{id}");
    }
    let blind = estate(Some(("ec2.network_interface", "ec2:DescribeNetworkInterfaces")));
    for id in ["sg-open", "sg-inner", "sg-nobody"] {
        assert_eq!(status(&blind, &check, id), Status::Unknown, "{id}");
    }
}

#[test]
fn one_resource_reaches_another() {
    let with = "with: {others: {each: ec2.instance, where: {}}}\n";
    let to = |id: &str| format!("others.exists(o, o.InstanceId == '{id}' && network.reachable(this, o))");
    for (from, id, denied, want) in [
        ("i-open", "i-inner", None, Status::Pass),
        ("i-inner", "i-open", None, Status::Fail),
        ("i-open", "i-lost", None, Status::Unknown),
        ("i-open", "i-inner", Some(("ec2.security_group", "ec2:DescribeSecurityGroups")), Status::Unknown),
        // Addresses of one subnet reach each other without a route.
        ("i-open", "i-inner", Some(("ec2.route_table", "ec2:DescribeRouteTables")), Status::Pass),
    ] {
        let check = sound("ec2.instance", &to(id), with);
        let mut estate = estate(denied);
        estate.prepare(&check.joins);
        assert_eq!(status(&estate, &check, from), want, "{from} {id} {denied:?}");
    }
}

#[test]
fn a_denied_call_that_decides_is_named() {
    let check = sound("ec2.instance", "!network.reachable_from_internet(this, settings.ports)", "");
    for (kind, permission) in [
        ("ec2.route_table", "ec2:DescribeRouteTables"),
        ("ec2.network_acl", "ec2:DescribeNetworkAcls"),
        ("ec2.security_group", "ec2:DescribeSecurityGroups"),
        ("ec2.internet_gateway", "ec2:DescribeInternetGateways"),
        ("ec2.network_interface", "ec2:DescribeNetworkInterfaces"),
    ] {
        let mut estate = estate(Some((kind, permission)));
        let checks = [check.clone()];
        let judged = judge(&mut estate, &checks, 1);
        let verdicts: Vec<_> = judged.iter().filter_map(|j| verdict(&estate, &checks, j, Lang::En)).collect();
        let open = verdicts.iter().find(|v| v.resource.id == "i-open").unwrap();
        assert_eq!((open.status, open.missing.as_slice()), (Status::Unknown, &[SmolStr::from(permission)][..]));
        assert!(open.reason.as_ref().is_some_and(|r| r.contains(permission)), "{:?}", open.reason);
        // Without a public address it is not reached, whatever the routes say.
        let inner = verdicts.iter().find(|v| v.resource.id == "i-inner").unwrap();
        let want = if kind == "ec2.network_interface" { Status::Unknown } else { Status::Pass };
        assert_eq!(inner.status, want, "{permission}");
    }
    // A call that leads elsewhere decides nothing.
    let estate = estate(Some(("ec2.nat_gateway", "ec2:DescribeNatGateways")));
    assert_eq!(status(&estate, &check, "i-open"), Status::Fail);
}

#[test]
fn what_a_network_is_read_from_is_asked_for_first() {
    let check = sound("ec2.instance", "network.reachable_from_internet(this, [22])", "");
    let mut estate = unread();
    let at = estate.push(instance("i-open"));
    let (status, holes) = judge_one(&estate, &check, at, true);
    assert_eq!((status, holes.len()), (Status::Unknown, KINDS.len()));
    assert!(holes.iter().all(yagura_rule::Hole::can_be_read), "{holes:?}");
    for (kind, fields) in KINDS {
        for field in *fields {
            assert!(check.reads.contains(&((*kind).into(), (*field).into())), "{kind} {field}");
        }
    }
    // What was read once is not asked for again; an asset's own calls are.
    for (kind, _) in KINDS {
        estate.set_listing(((*kind).into(), ACCOUNT.into(), HERE.into()), None);
    }
    let mut prefixes = asset("ec2.managed_prefix_list", "pl-1", json!({"PrefixListId": "pl-1"}));
    prefixes.set("Entries", common::unread());
    let prefixes = estate.push(prefixes);
    let (_, holes) = judge_one(&estate, &check, at, true);
    assert!(
        matches!(&holes[..], [yagura_rule::Hole::Field { asset, field, .. }] if *asset == prefixes && field == "Entries"),
        "{holes:?}"
    );
}

const LOWER: &str = "lower:\n  to: low\n  when: \"!network.reachable_from_internet(this, settings.ports)\"\n  en: nobody gets there\n  ja: 到達できない\n";

#[test]
fn a_proof_lowers_the_severity_of_a_failure_and_says_so() {
    let told = |estate: &mut Estate, pass: &str, id: &str, lang: Lang| {
        let checks = [sound("ec2.instance", pass, LOWER)];
        let judged = judge(estate, &checks, 1);
        let all: Vec<_> = judged.iter().filter_map(|j| verdict(estate, &checks, j, lang)).collect();
        let v = all.into_iter().find(|v| v.resource.id == id).unwrap();
        (v.status, v.severity, v.reason.unwrap_or_default())
    };
    let fail = |severity, reason: &str| (Status::Fail, severity, reason.to_owned());
    let mut whole = estate(None);
    assert_eq!(told(&mut whole, "this.Open", "i-inner", Lang::En), fail(Severity::Low, "nobody gets there"));
    assert_eq!(told(&mut whole, "this.Open", "i-inner", Lang::Ja), fail(Severity::Low, "到達できない"));
    assert_eq!(told(&mut whole, "this.Open", "i-open", Lang::En), fail(Severity::High, ""));
    assert_eq!(told(&mut whole, "this.Open", "i-lost", Lang::En), fail(Severity::High, ""), "it cannot be told");
    let passes = (Status::Pass, Severity::High, String::new());
    assert_eq!(told(&mut whole, "!this.Open", "i-inner", Lang::En), passes);

    let mut blind = estate(Some(("ec2.route_table", "ec2:DescribeRouteTables")));
    assert_eq!(told(&mut blind, "this.Open", "i-open", Lang::En), fail(Severity::High, ""));
    let mut none = unread();
    none.push(instance("i-inner"));
    assert_eq!(told(&mut none, "this.Open", "i-inner", Lang::En), fail(Severity::High, ""), "nothing was asked for");
}

#[test]
fn a_proof_is_not_read_for_its_own_sake() {
    let check = sound("ec2.instance", "this.Open", LOWER);
    assert_eq!(check.reads, [("ec2.instance".into(), "Open".into())]);
    let mut estate = unread();
    let at = estate.push(instance("i-open"));
    assert_eq!(judge_one(&estate, &check, at, true), (Status::Fail, Vec::new()));
}

#[test]
fn fixtures_say_what_is_lowered() {
    let network = "{Vpcs: [{VpcId: vpc-1, CidrBlock: 10.0.0.0/16}], SecurityGroups: [], NetworkAcls: [], RouteTables: [], InternetGateways: [], \
        NetworkInterfaces: [{NetworkInterfaceId: eni-1, VpcId: vpc-1, SubnetId: subnet-1, Groups: [], Attachment: {InstanceId: i-1}, \
        PrivateIpAddresses: [{PrivateIpAddress: 10.0.0.5, Primary: true}]}], Reservations: [{Instances: [{InstanceId: i-1}]}]}";
    let broken = |lowered: bool| {
        let text = file("ec2.instance", "this.Open", LOWER).text;
        let (head, _) = text.split_once("tests:").unwrap();
        let rows = format!(
            "tests:\n  on: {{this: {{InstanceId: i-1, Open: true}}, expect: pass}}\n  shut: {{this: {{InstanceId: i-1, Open: false}}, \
             network: {network}, expect: fail, lowered: {lowered}}}\n  untold: {{this: {{InstanceId: i-1, Open: false}}, expect: fail}}\n  \
             hidden: {{this: {{InstanceId: i-1, Open: unknown}}, expect: unknown}}\n"
        );
        let file = ContentFile { path: "checks/x/check.yaml".into(), text: format!("{head}{rows}"), shipped: false };
        let mut instances = kind("ec2.instance", true, &[("InstanceId", Type::String), ("Open", Type::Bool)]);
        instances.name = "InstanceId".into();
        let check = CheckFile::parse(&file).unwrap();
        let broken = run_fixtures(&check, &[instances].into_iter().collect(), &[], &Arc::default()).unwrap();
        broken.iter().map(|b| b.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(broken(true), Vec::<String>::new());
    assert_eq!(broken(false), ["shut"]);
}

#[test]
fn the_loader_complains_of_what_cannot_be() {
    let when = "when: 'true'";
    for (lower, message) in [
        (format!("lower: {{to: high, {when}, en: a, ja: b}}"), "`lower.to` must be below the check's own severity"),
        (format!("lower: {{to: critical, {when}, en: a, ja: b}}"), "`lower.to` must be below the check's own severity"),
        (format!("lower: {{to: lwo, {when}, en: a, ja: b}}"), "`lwo` is not a severity; did you mean `low`?"),
        (format!("lower: {{{when}, en: a, ja: b}}"), "`to` is missing"),
        ("lower: {to: low, en: a, ja: b}".to_owned(), "`lower.when` is missing"),
        (format!("lower: {{to: low, {when}, ja: b}}"), "`en` is missing"),
        (format!("lower: {{to: low, {when}, en: a}}"), "`ja` is missing"),
        (format!("lower: {{to: low, {when}, en: a, ja: b, fr: c}}"), "unknown key `fr`"),
        ("lower: {to: low, when: this.InstanceId, en: a, ja: b}".to_owned(), "expected true or false, found text"),
        (
            "lower: {to: low, when: 'network.reachable_from_internt(this, [1])', en: a, ja: b}".to_owned(),
            "did you mean `network.reachable_from_internet`?",
        ),
        ("lower: low".to_owned(), "expected a mapping with to, when, en, ja"),
    ] {
        let errors = compile("ec2.instance", "this.Open", &format!("{lower}\n")).unwrap_err();
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|e| e.contains(message)), "{lower}: `{message}` is not in {all:?}");
    }
    for (pass, message) in [
        ("network.reachable_from_internet(this.InstanceId, [22])", "a resource, such as `this`"),
        ("network.reachable_from_internet(this, 22)", "a list of port numbers"),
        ("network.reachable_from_internet(this, ['ssh'])", "a list of port numbers"),
        ("network.reachable(this, 'internet')", "a resource, such as `this`"),
    ] {
        let errors = compile("ec2.instance", pass, "").unwrap_err();
        assert!(errors[0].to_string().contains(message), "{pass}: {}", errors[0]);
    }
}
