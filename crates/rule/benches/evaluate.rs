//! What one simple evaluation costs, with the `cel` crate beside it on the same expression and data.
//!
//! Run with `cargo bench -p yagura-rule`. Wanted: under 1 µs.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench stops where its own check or data is broken; criterion's macros make public items"
)]

use cel::{Context, Program};
use criterion::{Criterion, criterion_group, criterion_main};
use smol_str::SmolStr;
use std::hint::black_box;
use std::sync::Arc;
use yagura_model::{Asset, ContentFile, Field, Scope, Type, Value};
use yagura_rule::{CheckFile, Estate, Kind, Schema, Tables, judge_one};

const PASS: &str = "has(this.PublicAccessBlock) && this.PublicAccessBlock.BlockPublicAcls && this.PublicAccessBlock.IgnorePublicAcls && \
     this.PublicAccessBlock.BlockPublicPolicy && this.PublicAccessBlock.RestrictPublicBuckets";

const SWITCHES: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

fn check_file() -> ContentFile {
    let text = format!(
        "kind: check\nid: s3.blocked\neach: s3.bucket\npass: {PASS}\nseverity: high\n\
         en: {{title: A, why: B, fix: C}}\nja: {{title: あ, why: い, fix: う}}\ntests:\n  \
         on: {{this: {{PublicAccessBlock: {{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}}}}, expect: pass}}\n  \
         off: {{this: {{}}, expect: fail}}\n  denied: {{this: {{PublicAccessBlock: unknown}}, expect: unknown}}\n"
    );
    ContentFile { path: "checks/s3/blocked.yaml".into(), text, shipped: true }
}

fn schema() -> Schema {
    let block = Type::Struct(Arc::new(SWITCHES.iter().map(|s| (SmolStr::from(*s), Type::Bool)).collect()));
    let fields = [("Name".into(), Type::String), ("PublicAccessBlock".into(), block)].into();
    [Kind { id: "s3.bucket".into(), regional: false, placed: false, name: "Name".into(), fields }].into_iter().collect()
}

fn simple(c: &mut Criterion) {
    let data = serde_json::json!({
        "Name": "logs",
        "PublicAccessBlock": SWITCHES.iter().map(|s| ((*s).to_owned(), true.into())).collect::<serde_json::Map<_, _>>(),
    });
    let mut group = c.benchmark_group("simple evaluation");

    let file = CheckFile::parse(&check_file()).expect("a sound check");
    let check = file.compile(&schema(), None, &[]).expect("a sound check");
    let mut estate =
        Estate::new(jiff::Timestamp::UNIX_EPOCH, Vec::new(), Scope::default(), Arc::new(Tables::default()));
    let mut asset = Asset {
        kind: "s3.bucket".into(),
        arn: None,
        id: "logs".into(),
        account: "1".into(),
        region: "aws-global".into(),
        fields: Vec::new(),
    };
    for (name, value) in data.as_object().into_iter().flatten() {
        asset.set(name.as_str(), Value::from_json(value.clone()).map_or(Field::Absent, Field::Known));
    }
    let at = estate.push(asset);
    group.bench_function("yagura", |b| b.iter(|| judge_one(black_box(&estate), black_box(&check), at, false)));

    let program = Program::compile(PASS).expect("sound CEL");
    let mut context = Context::default();
    context.add_variable("this", &data).expect("JSON fits CEL");
    group.bench_function("cel crate", |b| b.iter(|| program.execute(black_box(&context))));
    group.finish();
}

criterion_group!(benches, simple);
criterion_main!(benches);
