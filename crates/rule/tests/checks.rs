//! Whole checks: loading, judging, explaining, and what the loader refuses.

use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Lang, Scope, Status, Type, Value};
use yagura_rule::{CheckFile, Estate, Kind, Schema, Tables, judge, run_fixtures, verdict};

fn structure(members: &[(&str, Type)]) -> Type {
    Type::Struct(Arc::new(members.iter().map(|(n, t)| (SmolStr::from(*n), t.clone())).collect()))
}

fn schema() -> Schema {
    let kind = |id: &str, regional, fields: &[(&str, Type)]| Kind {
        name: SmolStr::default(),
        id: id.into(),
        regional,
        placed: false,
        fields: fields.iter().map(|(n, t)| (SmolStr::from(*n), t.clone())).collect(),
    };
    [
        kind(
            "s3.bucket",
            false,
            &[("Name", Type::String), ("Block", structure(&[("Acls", Type::Bool), ("Policy", Type::Bool)]))],
        ),
        kind("ec2.vpc", true, &[("VpcId", Type::String)]),
        kind(
            "ec2.flow_log",
            true,
            &[("ResourceId", Type::String), ("Status", Type::String), ("Created", Type::Timestamp)],
        ),
    ]
    .into_iter()
    .collect()
}

fn file(path: &str, text: &str) -> ContentFile {
    ContentFile { path: path.into(), text: text.into(), shipped: false }
}

const TEXTS: &str = "
en: {title: A, why: B, fix: Mend {this.Name}.}
ja: {title: あ, why: い, fix: '{this.Name} を直す'}
";

fn bucket_check(pass: &str) -> ContentFile {
    let text = format!(
        "kind: check\nid: s3.blocked\neach: s3.bucket\npass: {pass}\nseverity: high\nmaps: [x/1]\n{}tests:\n  on: {{this: {{Name: a, Block: {{Acls: true, Policy: true}}}}, expect: pass}}\n  off: {{this: {{Name: a, Block: {{Acls: true, Policy: false}}}}, expect: fail}}\n  hidden: {{this: {{Name: a, Block: unknown}}, expect: unknown}}\n",
        TEXTS.replace("Mend {this.Name}.", "'Mend {this.Name}.'")
    );
    file("checks/s3/blocked.yaml", &text)
}

#[test]
fn a_sound_check_keeps_its_fixtures() {
    let check = CheckFile::parse(&bucket_check("has(this.Block) && this.Block.Acls && this.Block.Policy")).unwrap();
    assert_eq!(run_fixtures(&check, &schema(), &[], &Arc::default()).unwrap(), []);
    let wrong = CheckFile::parse(&bucket_check("this.Block.Acls")).unwrap();
    let broken = run_fixtures(&wrong, &schema(), &[], &Arc::default()).unwrap();
    assert_eq!(broken.len(), 1);
    assert_eq!((broken[0].expected, broken[0].found), (Status::Fail, Status::Pass));
}

#[test]
fn the_loader_says_where_and_how_to_spell() {
    for (pass, message) in [
        ("this.Blok.Acls", "checks/s3/blocked.yaml:4:7: `s3.bucket` has no field `Blok`; did you mean `Block`?"),
        ("this.Block.Acl", "checks/s3/blocked.yaml:4:7: this structure has no field `Acl`; did you mean `Acls`?"),
        ("this.Name", "checks/s3/blocked.yaml:4:7: expected true or false, found text"),
        ("this.Name == 1", "checks/s3/blocked.yaml:4:7: cannot compare text with a whole number"),
        ("siez(this.Name) > 1", "checks/s3/blocked.yaml:4:7: unknown function `siez`; did you mean `size`?"),
        ("this.Name.exist(x, true)", "checks/s3/blocked.yaml:4:7: unknown function `exist`; did you mean `exists`?"),
        (
            "exists(this.Name, true)",
            "checks/s3/blocked.yaml:4:7: `exists` is asked of a list, such as `list.exists(x, x > 1)`",
        ),
        ("this.Block.Acls && log.exists(l, true)", "checks/s3/blocked.yaml:4:26: unknown name `log`"),
    ] {
        let check = CheckFile::parse(&bucket_check(pass)).unwrap();
        let errors = check.compile(&schema(), None, &[]).unwrap_err();
        assert_eq!(errors[0].to_string(), message, "{pass}");
    }
    let text = bucket_check("true")
        .text
        .replace("severity: high", "severity: hihg")
        .replace("each:", "eahc:")
        .replace("ja:", "jp:");
    let errors = CheckFile::parse(&file("checks/s3/other.yaml", &text)).unwrap_err();
    let all = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "unknown key `eahc`; did you mean `each`?",
        "the id must follow the path: `s3.other`",
        "did you mean `high`?",
        "the Japanese text is missing",
    ] {
        assert!(all.contains(part), "{part} not in:\n{all}");
    }
    let untested = bucket_check("true").text.replace("expect: unknown", "expect: pass");
    let errors = CheckFile::parse(&file("checks/s3/blocked.yaml", &untested))
        .unwrap()
        .compile(&schema(), None, &[])
        .unwrap_err();
    assert!(errors[0].message.contains("no fixture expects `unknown`"));
}

fn asset(kind: &str, id: &str, region: &str, fields: &[(&str, &str)]) -> Asset {
    let mut a = Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: "1".into(),
        region: region.into(),
        fields: Vec::new(),
    };
    for (n, v) in fields {
        a.set(*n, Field::Known(Value::text(*v)));
    }
    a
}

#[test]
fn joins_are_per_region_and_a_failed_listing_is_unknown() {
    let text = "kind: check
id: ec2.logged
each: ec2.vpc
with:
  logs: {each: ec2.flow_log, where: {ResourceId: this.VpcId}}
pass: logs.exists(l, l.Status == 'ACTIVE')
severity: low
en: {title: A, why: B, fix: C}
ja: {title: A, why: B, fix: C}
tests:
  yes: {this: {VpcId: v}, logs: [{ResourceId: v, Status: ACTIVE}], expect: pass}
  no: {this: {VpcId: v}, logs: [{ResourceId: w, Status: ACTIVE}], expect: fail}
  hidden: {this: {VpcId: v}, logs: unknown, expect: unknown}
";
    let check = CheckFile::parse(&file("checks/ec2/logged.yaml", text)).unwrap();
    assert_eq!(run_fixtures(&check, &schema(), &[], &Arc::default()).unwrap(), []);
    let check = check.compile(&schema(), None, &[]).unwrap();
    let caller = Caller { account: "1".into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec!["r1".into(), "r2".into(), "r3".into()], all_regions: false, ..Scope::default() };
    let mut e = Estate::new("2026-01-01T00:00:00Z".parse().unwrap(), vec![caller], scope, Arc::<Tables>::default());
    for (id, region) in [("v", "r1"), ("w", "r1"), ("v", "r2")] {
        e.push(asset("ec2.vpc", id, region, &[("VpcId", id)]));
    }
    e.push(asset("ec2.flow_log", "fl", "r1", &[("ResourceId", "v"), ("Status", "ACTIVE")]));
    let denied = Gap {
        permission: Some("ec2:DescribeFlowLogs".into()),
        ..Gap::new(GapReason::AccessDenied, "UnauthorizedOperation")
    };
    for (kind, region, gap) in [
        ("ec2.vpc", "r1", None),
        ("ec2.vpc", "r2", None),
        ("ec2.vpc", "r3", Some(Arc::new(Gap { permission: Some("ec2:DescribeVpcs".into()), ..denied.clone() }))),
        ("ec2.flow_log", "r1", None),
        ("ec2.flow_log", "r2", Some(Arc::new(denied))),
    ] {
        e.set_listing((kind.into(), "1".into(), region.into()), gap);
    }
    let checks = [check];
    let out = judge(&mut e, &checks, 2);
    let verdicts: Vec<_> = out.iter().map(|j| verdict(&e, &checks, j, Lang::En).unwrap()).collect();
    let told: Vec<_> = verdicts
        .iter()
        .map(|v| (v.resource.id.as_str(), v.resource.kind.as_str(), v.status, v.missing.join(",")))
        .collect();
    assert_eq!(
        told,
        [
            ("v", "ec2.vpc", Status::Pass, String::new()),
            ("w", "ec2.vpc", Status::Fail, String::new()),
            ("v", "ec2.vpc", Status::Unknown, "ec2:DescribeFlowLogs".to_owned()),
            ("r3", "region", Status::Unknown, "ec2:DescribeVpcs".to_owned()),
        ]
    );
    assert_eq!(verdicts[0].evidence.get("logs[fl].Status"), Some(&Value::text("ACTIVE")));
    assert_eq!(verdicts[1].evidence.get("logs"), Some(&Value::List(vec![])));
}
