//! Logs in Parquet: as AWS delivers them, cut off, and made to do harm.

use crate::collect::Collected;
use ::parquet::arrow::ArrowWriter;
use arrow_array::builder::{Int32Builder, Int64Builder, StringBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use std::sync::Arc;
use yagura_logs::decode::decode;
use yagura_logs::parquet::decode_parquet;
use yagura_logs::place::Place;

fn strings(values: &[Option<&str>]) -> ArrayRef {
    let mut b = StringBuilder::new();
    values.iter().for_each(|v| b.append_option(*v));
    Arc::new(b.finish())
}

fn file(columns: Vec<(&str, ArrayRef)>, times: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), None).unwrap();
    for _ in 0..times {
        writer.write(&batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    out
}

/// Two row groups of two flows each.
fn flows() -> Vec<u8> {
    let mut port = Int32Builder::new();
    port.append_value(443);
    port.append_null();
    let mut start = Int64Builder::new();
    start.append_value(1_704_164_645);
    start.append_value(1_704_164_646);
    file(
        vec![
            ("account_id", strings(&[Some("111122223333"), Some("111122223333")])),
            ("interface_id", strings(&[Some("eni-1"), Some("eni-2")])),
            ("srcaddr", strings(&[Some("203.0.113.9"), None])),
            ("dstaddr", strings(&[Some("10.0.0.9"), None])),
            ("dstport", Arc::new(port.finish())),
            ("start", Arc::new(start.finish())),
            ("action", strings(&[Some("REJECT"), None])),
            ("log_status", strings(&[Some("OK"), Some("NO\nDATA")])),
            ("region", strings(&[Some("eu-west-1"), Some("eu-west-1")])),
        ],
        2,
    )
}

fn read(file: &[u8]) -> Collected {
    let mut all = Collected::default();
    decode_parquet(Bytes::copy_from_slice(file), &Place::default(), &mut all);
    all
}

#[test]
fn flow_logs_are_read_from_files_and_streams() {
    let file = flows();
    let mut stream = Collected::default();
    let format = decode(&file[..], &Place::default(), &mut stream);
    let found = read(&file);
    assert_eq!(stream.rows, found.rows);
    assert_eq!((format, found.rows.len(), found.aside.len()), (Some("vpc_flow"), 4, 0));
    let row = &found.rows[0];
    assert_eq!((row.table, row.time, row.region.as_str()), ("vpc_flow_logs", Some(1_704_164_645_000), "eu-west-1"));
    assert_eq!((row.columns["dstport"].as_str(), row.envelope["source_ip"].as_str()), ("443", "203.0.113.9"));
    assert_eq!(row.envelope["outcome"], "denied");
    assert_eq!(found.rows[1].columns["log_status"], "NO\nDATA");
    assert!(!found.rows[1].columns.contains_key("dstport"));
}

#[test]
fn security_lake_is_read() {
    let account =
        StructArray::from(vec![(Arc::new(Field::new("uid", DataType::Utf8, true)), strings(&[Some("111122223333")]))]);
    let cloud = StructArray::from(vec![
        (Arc::new(Field::new("region", DataType::Utf8, true)), strings(&[Some("us-east-2")])),
        (Arc::new(Field::new("account", account.data_type().clone(), true)), Arc::new(account) as ArrayRef),
    ]);
    let number = |n: i64| Arc::new(arrow_array::Int64Array::from(vec![n])) as ArrayRef;
    let time = arrow_array::TimestampMillisecondArray::from(vec![1_704_164_645_678]).with_timezone("UTC");
    let metadata =
        StructArray::from(vec![(Arc::new(Field::new("version", DataType::Utf8, true)), strings(&[Some("1.1.0")]))]);
    let found = read(&file(
        vec![
            ("metadata", Arc::new(metadata)),
            ("class_uid", number(6003)),
            ("category_uid", number(6)),
            ("time_dt", Arc::new(time)),
            ("cloud", Arc::new(cloud)),
        ],
        1,
    ));
    assert_eq!(found.aside, []);
    let row = &found.rows[0];
    assert_eq!((row.table, row.time), ("ocsf_events", Some(1_704_164_645_678)));
    assert_eq!((row.account.as_str(), row.region.as_str()), ("111122223333", "us-east-2"));
}

#[test]
fn other_tables_are_set_aside_row_by_row() {
    let found = read(&file(vec![("fruit", strings(&[Some("pear"), None]))], 1));
    assert_eq!((found.rows.len(), found.aside.len()), (0, 2));
    assert!(found.aside[0].0.contains("it has fruit"), "{:?}", found.aside);
}

#[test]
fn what_was_cut_off_is_told() {
    let file = flows();
    for end in 4..file.len() {
        let found = read(&file[..end]);
        assert_eq!((found.rows.len(), found.aside.len()), (0, 1), "cut at {end}");
        assert!(found.aside[0].0.starts_with("a Parquet file that cannot be read: "), "{:?}", found.aside);
    }
    let mut huge = file.clone();
    let at = huge.len() - 8;
    huge[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&huge).aside[0].0.contains("metadata is longer than itself"));
}

#[test]
fn no_changed_byte_does_harm() {
    let file = flows();
    std::panic::set_hook(Box::new(|_| {}));
    for at in 0..file.len() {
        for change in [0xff, 0x80, 0x01] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let found = read(&changed);
            assert!(
                found.rows.len() == 4 || !found.aside.is_empty(),
                "byte {at}: {} rows and no reason",
                found.rows.len()
            );
        }
    }
    drop(std::panic::take_hook());
}

#[test]
fn a_schema_says_nothing_without_rows() {
    let schema = Arc::new(Schema::new(vec![Field::new("srcaddr", DataType::Utf8, true)]));
    let mut out = Vec::new();
    ArrowWriter::try_new(&mut out, schema, None).unwrap().close().unwrap();
    let found = read(&out);
    assert_eq!((found.rows.len(), found.aside.len()), (0, 0));
}
