//! Any bytes as a check's file: refused with a place, or its fixtures run and it judges.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use yagura_model::{Asset, Caller, Lang, Scope, Type};
use yagura_rule::{CheckFile, ContentError, Estate, Kind, Schema, Tables, judge, run_fixtures, verdict, yaml};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let kind = |id: &str, regional, fields: &[(&str, Type)]| Kind {
        id: id.into(),
        regional,
        fields: fields.iter().map(|(n, t)| ((*n).into(), t.clone())).collect(),
    };
    let block = Type::Struct(Arc::new([("Acls".into(), Type::Bool), ("Policy".into(), Type::Bool)].into()));
    [
        kind(
            "s3.bucket",
            false,
            &[("Name", Type::String), ("Block", block), ("Created", Type::Timestamp), ("Any", Type::Any)],
        ),
        kind("ec2.vpc", true, &[("VpcId", Type::String)]),
        kind("ec2.flow_log", true, &[("ResourceId", Type::String), ("Status", Type::String)]),
    ]
    .into_iter()
    .collect()
});

fuzz_target!(|bytes: &[u8]| {
    let placed = |errors: &[ContentError]| {
        assert!(!errors.is_empty() && errors.iter().all(|e| e.line > 0 && e.column > 0 && !e.to_string().is_empty()))
    };
    let file = match yaml::decode("checks/s3/blocked.yaml".into(), bytes.to_vec(), false) {
        Ok(file) => file,
        Err(e) => return placed(&[e]),
    };
    let check_file = match CheckFile::parse(&file) {
        Ok(check) => check,
        Err(errors) => return placed(&errors),
    };
    let tables = Arc::<Tables>::default();
    if let Err(errors) = run_fixtures(&check_file, &SCHEMA, &[], &tables) {
        return placed(&errors);
    }
    let Ok(check) = check_file.compile(&SCHEMA, None, &[]) else { panic!("fixtures ran, so it compiles") };
    let caller = Caller { account: "1".into(), arn: "".into(), partition: "aws".into() };
    let scope = Scope { regions: vec!["r".into()], all_regions: false, ..Scope::default() };
    let mut estate = Estate::new(jiff::Timestamp::UNIX_EPOCH, vec![caller], scope, tables);
    for kind in ["s3.bucket", "ec2.vpc", "ec2.flow_log"] {
        estate.push(Asset {
            kind: kind.into(),
            arn: None,
            id: "a".into(),
            account: "1".into(),
            region: "r".into(),
            fields: vec![],
        });
    }
    let checks = [check];
    for j in judge(&mut estate, &checks, 1) {
        for lang in [Lang::En, Lang::Ja] {
            assert!(verdict(&estate, &checks, &j, lang).is_some());
        }
    }
});
