//! Tables of real Parquet files: what is read, what is left unopened, and AWS's documented queries.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use object_store::{ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path};
use serde_json::{Value, json};
use std::sync::Arc;
use yagura_query::arrow::array::{
    ArrayRef, ListBuilder, RecordBatch, StringArray, StringBuilder, StructArray, StructBuilder,
    TimestampMillisecondArray,
};
use yagura_query::arrow::datatypes::{DataType, Field, Fields, Schema};
use yagura_query::parquet::arrow::ArrowWriter;
use yagura_query::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use yagura_query::parquet::file::properties::WriterProperties;
use yagura_query::parquet::schema::types::ColumnPath;
use yagura_query::{
    Error, LogFile, LogFilter, LogTable, Mirror, Options, Role, Session, TimeColumn, TimeForm, value_at,
};

/// Key, name, source address, request parameters, minutes after midnight.
type Row = (&'static str, &'static str, &'static str, &'static str, i64);

fn batch(midnight: i64, rows: &[Row], nested_keys: bool) -> RecordBatch {
    let text = |f: fn(&Row) -> &'static str| Arc::new(StringArray::from_iter_values(rows.iter().map(f))) as ArrayRef;
    let times: Vec<i64> = rows.iter().map(|r| midnight + r.4 * 60_000).collect();
    let iso = |t: &i64| jiff::Timestamp::from_millisecond(*t).unwrap().to_string();
    let keys: ArrayRef = Arc::new(StringArray::from_iter(rows.iter().map(|r| nested_keys.then_some(r.0))));
    let arns = rows.iter().map(|r| format!("arn:aws:iam::111122223333:user/{}", r.0));
    let identity = StructArray::from(vec![
        (Arc::new(Field::new("arn", DataType::Utf8, true)), Arc::new(StringArray::from_iter_values(arns)) as ArrayRef),
        (Arc::new(Field::new("accesskeyid", DataType::Utf8, true)), keys),
    ]);
    let of: Fields = vec![Field::new("arn", DataType::Utf8, true), Field::new("type", DataType::Utf8, true)].into();
    let mut resources = ListBuilder::new(StructBuilder::from_fields(of, rows.len()));
    for row in rows {
        for n in 0..row.4 % 3 {
            let one = resources.values();
            one.field_builder::<StringBuilder>(0).unwrap().append_value(format!("arn:aws:s3:::b{n}"));
            one.field_builder::<StringBuilder>(1).unwrap().append_value("AWS::S3::Bucket");
            one.append(true);
        }
        resources.append(true);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("eventtime", Arc::new(StringArray::from_iter_values(times.iter().map(iso)))),
        ("eventname", text(|r| r.1)),
        ("sourceipaddress", text(|r| r.2)),
        ("requestparameters", text(|r| r.3)),
        ("useridentity", Arc::new(identity)),
        ("resources", Arc::new(resources.finish())),
        ("event_time", Arc::new(TimestampMillisecondArray::from(times.clone()).with_timezone("UTC"))),
        ("event_access_key", text(|r| r.0)),
    ];
    let fields: Vec<Field> = columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, a)| a).collect()).unwrap()
}

/// 2024-05-01, and the day after.
const FIRST: i64 = 1_714_521_600_000;
const SECOND: i64 = FIRST + 86_400_000;

const ONE: &[Row] = &[
    ("AK1", "ConsoleLogin", "10.0.0.1", r#"{"bucketName":"a b","list":["x","y"]}"#, 1),
    ("AK2", "GetObject", "203.0.113.7", r#"{"bucketName":"b"}"#, 2),
    ("AK2", "PutObject", "203.0.113.8", "{}", 60),
];
const TWO: &[Row] = &[("AK3", "GetObject", "198.51.100.1", "{}", 5), ("AK2", "StopLogging", "203.0.113.7", "{}", 600)];

/// Where a file's Bloom filters lie, as a manifest would tell.
fn filters(file: &[u8]) -> Vec<LogFilter> {
    let footer = ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::copy_from_slice(file)).unwrap();
    let chunks = footer.row_group(0).columns().iter();
    let filter = |chunk: &ColumnChunkMetaData| {
        let from = u64::try_from(chunk.bloom_filter_offset()?).unwrap();
        let length = u64::try_from(chunk.bloom_filter_length().unwrap()).unwrap();
        Some(LogFilter { column: chunk.column_path().string(), at: std::iter::once(from..from + length).collect() })
    };
    chunks.filter_map(filter).collect()
}

struct Made {
    store: Arc<InMemory>,
    files: Vec<LogFile>,
    schema: Arc<Schema>,
}

impl Made {
    fn new() -> Self {
        Self { store: Arc::new(InMemory::new()), files: Vec::new(), schema: batch(FIRST, ONE, true).schema() }
    }

    /// Adds a file. One that is not `written` is listed only: a query that opens it fails.
    async fn file(mut self, region: &str, midnight: i64, rows: &[Row], nested_keys: bool, written: bool) -> Self {
        let batch = batch(midnight, rows, nested_keys);
        let mut bytes = Vec::new();
        let settings = WriterProperties::builder()
            .set_column_bloom_filter_enabled(ColumnPath::from("event_access_key"), true)
            .build();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(settings)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let day =
            jiff::Timestamp::from_millisecond(midnight).unwrap().to_string().split('T').next().unwrap().to_owned();
        let path = Path::from(format!(
            "lake/cloudtrail_logs/account=111122223333/region={region}/day={day}/part {}.parquet",
            self.files.len()
        ));
        let minutes: Vec<i64> = rows.iter().map(|r| r.4).collect();
        let filters = filters(&bytes);
        self.files.push(LogFile {
            path: path.clone(),
            account: "111122223333".into(),
            region: region.into(),
            day,
            rows: rows.len() as u64,
            bytes: bytes.len() as u64,
            min_time: midnight + minutes.iter().min().unwrap() * 60_000,
            max_time: midnight + minutes.iter().max().unwrap() * 60_000,
            filters,
        });
        if written {
            self.store.put(&path, PutPayload::from(bytes)).await.unwrap();
        }
        self
    }

    fn session(self) -> Session {
        let table = LogTable {
            name: "cloudtrail_logs".into(),
            aliases: vec!["cloudtrail".into()],
            schema: self.schema,
            files: self.files,
            absent: false,
            times: vec![
                TimeColumn { column: "event_time".into(), form: TimeForm::Timestamp },
                TimeColumn { column: "eventtime".into(), form: TimeForm::Iso8601 },
            ],
            mirrors: vec![Mirror { field: "useridentity.accesskeyid".into(), column: "event_access_key".into() }],
            roles: vec![
                (Role::Time, "event_time".into()),
                (Role::Event, "eventname".into()),
                (Role::AccessKey, "event_access_key".into()),
            ],
        };
        Session::new(self.store as Arc<dyn ObjectStore>, vec![table], &Options::default()).unwrap()
    }
}

async fn both() -> Session {
    Made::new()
        .file("us-east-1", FIRST, ONE, true, true)
        .await
        .file("eu-west-1", SECOND, TWO, true, true)
        .await
        .session()
}

async fn rows(session: &Session, sql: &str) -> Result<Vec<Value>, String> {
    let mut answer = session.ask(sql).await.map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    while let Some(batch) = answer.next().await {
        let batch = batch.map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            let members = batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(f, c)| (f.name().clone(), value_at(c, row).unwrap()))
                .collect();
            out.push(Value::Object(members));
        }
    }
    Ok(out)
}

#[tokio::test]
async fn documented_shapes_run() {
    let session = both().await;
    let cases: &[(&str, Value)] = &[
        (
            "SELECT useridentity.arn, eventname FROM cloudtrail_logs WHERE eventname = 'StopLogging' LIMIT 100",
            json!([{"arn": "arn:aws:iam::111122223333:user/AK2", "eventname": "StopLogging"}]),
        ),
        ("SELECT count(*) AS n FROM \"default\".\"cloudtrail_logs\"", json!([{"n": 5}])),
        ("SELECT COUNT(*), max(eventName) FROM CloudTrail", json!([{"_col0": 5, "_col1": "StopLogging"}])),
        (
            "SELECT eventname AS EventName, count(*) AS Total FROM cloudtrail_logs GROUP BY eventname HAVING count(*) > 1 ORDER BY total DESC",
            json!([{"EventName": "GetObject", "Total": 2}]),
        ),
        (
            "SELECT json_extract_scalar(requestparameters, '$.bucketName') AS b FROM cloudtrail_logs WHERE eventtime < '2024-05-01T00:02:00Z'",
            json!([{"b": "a b"}]),
        ),
        (
            "SELECT eventname FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) >= timestamp '2024-05-02 01:00:00'",
            json!([{"eventname": "StopLogging"}]),
        ),
        (
            "SELECT eventname FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) > date_add('minute', -500, from_iso8601_timestamp('2024-05-02T10:00:00Z')) ORDER BY 1",
            json!([{"eventname": "StopLogging"}]),
        ),
        (
            "SELECT r.arn AS bucket, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE r.type = 'AWS::S3::Bucket' GROUP BY r.arn ORDER BY 1",
            json!([{"bucket": "arn:aws:s3:::b0", "n": 3}, {"bucket": "arn:aws:s3:::b1", "n": 2}]),
        ),
        (
            "SELECT eventname, a, t FROM cloudtrail_logs, UNNEST(resources) AS x(a, t) WHERE eventtime < '2024-05-01T00:02'",
            json!([{"eventname": "ConsoleLogin", "a": "arn:aws:s3:::b0", "t": "AWS::S3::Bucket"}]),
        ),
        (
            "SELECT eventname, r.arn AS arn, n FROM cloudtrail_logs LEFT JOIN UNNEST(resources) WITH ORDINALITY AS x(r, n) ON TRUE WHERE day = '2024-05-02' ORDER BY eventname, n",
            json!([{"eventname": "GetObject", "arn": "arn:aws:s3:::b0", "n": 1}, {"eventname": "GetObject", "arn": "arn:aws:s3:::b1", "n": 2}, {"eventname": "StopLogging", "arn": null, "n": null}]),
        ),
        (
            "WITH d AS (SELECT * FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(one)) SELECT \"one\".\"ARN\", count(*) AS count FROM d WHERE one.arn IS NOT NULL GROUP BY one.arn ORDER BY count DESC LIMIT 1",
            json!([{"arn": "arn:aws:s3:::b0", "count": 3}]),
        ),
        (
            "SELECT item FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.list') AS array(varchar))) AS t(item) ORDER BY 1",
            json!([{"item": "x"}, {"item": "y"}]),
        ),
        (
            "SELECT k, v FROM UNNEST(MAP(ARRAY['a','b'], ARRAY[1,2])) AS t(k, v) ORDER BY k",
            json!([{"k": "a", "v": 1}, {"k": "b", "v": 2}]),
        ),
        (
            "SELECT x, y FROM (VALUES (1)) AS one(z) CROSS JOIN UNNEST(ARRAY[1,2], ARRAY['a']) AS t(x, y) ORDER BY x",
            json!([{"x": 1, "y": "a"}, {"x": 2, "y": null}]),
        ),
        (
            "SELECT sourceipaddress FROM cloudtrail_logs WHERE contains('203.0.113.0/24', CAST(sourceipaddress AS ipaddress)) GROUP BY 1 ORDER BY 1 DESC LIMIT 1",
            json!([{"sourceipaddress": "203.0.113.8"}]),
        ),
        (
            "SELECT a.eventname FROM cloudtrail_logs a JOIN cloudtrail_logs b ON a.useridentity.accesskeyid = b.useridentity.accesskeyid AND b.eventname = 'StopLogging' WHERE a.region = 'us-east-1' ORDER BY 1",
            json!([{"eventname": "GetObject"}, {"eventname": "PutObject"}]),
        ),
        (
            "SELECT day, region, time, event, access_key FROM events WHERE access_key = 'AK3'",
            json!([{"day": "2024-05-02", "region": "eu-west-1", "time": "2024-05-02T00:05:00Z", "event": "GetObject", "access_key": "AK3"}]),
        ),
        (
            "SHOW TABLES",
            json!([{"table_name": "cloudtrail"}, {"table_name": "cloudtrail_logs"}, {"table_name": "events"}]),
        ),
        ("SHOW TABLES LIKE 'cloudtrail_%'", json!([{"table_name": "cloudtrail_logs"}])),
        (
            "SELECT CAST(j AS varchar) AS v FROM (SELECT json_extract('{\"a\":\"x\"}', '$.a') AS j) t",
            json!([{"v": "x"}]),
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, want) in cases {
        match rows(&session, sql).await {
            Ok(got) if Value::Array(got.clone()) == *want => {}
            other => wrong.push(format!("{sql}\n  {other:?}\n  not {want}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let described = rows(&session, "DESCRIBE cloudtrail_logs").await.unwrap();
    assert!(
        described.contains(&json!({"column": "resources", "type": "array<struct<arn:string,type:string>>"})),
        "{described:?}"
    );
}

#[tokio::test]
async fn files_that_cannot_match_are_not_opened() {
    let session = || async {
        Made::new()
            .file("us-east-1", FIRST, ONE, true, true)
            .await
            .file("eu-west-1", SECOND, TWO, true, false)
            .await
            .session()
    };
    for filter in [
        "day = '2024-05-01'",
        "day < '2024-05-02'",
        "day BETWEEN '2024/05/01' AND '2024/05/01'",
        "\"date\" < '2024/05/02'",
        "day IN ('2024-05-01', '2024-04-30')",
        "day LIKE '2024-05-01%'",
        "day >= date_format(date '2024-04-30', '%Y/%m/%d') AND region LIKE 'us-%'",
        "region = 'us-east-1'",
        "account = '111122223333' AND region <> 'eu-west-1'",
        "eventtime < '2024-05-02T00:00:00Z'",
        "eventtime BETWEEN '2024-05-01' AND '2024-05-01T23:59:59Z'",
        "event_time < timestamp '2024-05-02 00:00:00'",
        "from_iso8601_timestamp(eventtime) < timestamp '2024-05-02 00:00:00'",
        "date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') < timestamp '2024-05-02 00:00:00'",
        "from_iso8601_timestamp(eventtime) BETWEEN from_iso8601_timestamp('2024-05-01T00:00:00Z') AND from_iso8601_timestamp('2024-05-01T12:00:00Z')",
    ] {
        let found = rows(&session().await, &format!("SELECT eventname FROM cloudtrail_logs WHERE {filter}")).await;
        assert_eq!(found.as_ref().map(Vec::len), Ok(3), "{filter}: {found:?}");
    }
    assert!(rows(&session().await, "SELECT eventname FROM cloudtrail_logs").await.is_err(), "the file is missing");
    for filter in
        ["eventtime > '2024-05-01T00:30:00Z'", "day <> '2024-05-01' OR eventname = 'x'", "lower(region) LIKE 'eu%'"]
    {
        let found = rows(&session().await, &format!("SELECT eventname FROM cloudtrail_logs WHERE {filter}")).await;
        assert!(found.is_err(), "{filter} may match the missing file: {found:?}");
    }
}

#[tokio::test]
async fn files_whose_filters_lack_a_value_are_not_opened() {
    // The file is there, but nothing of it except its filter can be read.
    let spoilt = || async {
        let made = Made::new()
            .file("us-east-1", FIRST, ONE, true, true)
            .await
            .file("eu-west-1", SECOND, TWO, true, true)
            .await;
        let last = made.files.last().unwrap().clone();
        let whole = made.store.get(&last.path).await.unwrap().bytes().await.unwrap();
        let (from, to) = (last.filters[0].at[0].start as usize, last.filters[0].at[0].end as usize);
        let spoilt: Vec<u8> =
            whole.iter().enumerate().map(|(n, b)| if (from..to).contains(&n) { *b } else { 0 }).collect();
        made.store.put(&last.path, PutPayload::from(spoilt)).await.unwrap();
        made.session()
    };
    for (filter, found) in [
        ("event_access_key = 'AK1'", 1),
        ("useridentity.accesskeyid = 'AK1'", 1),
        ("useridentity.accesskeyid IN ('AK1', 'AK9')", 1),
        ("useridentity.accesskeyid = 'AK9'", 0),
        ("useridentity.accesskeyid = 'AK1' AND eventname <> 'x'", 1),
    ] {
        let got = rows(&spoilt().await, &format!("SELECT eventname FROM cloudtrail_logs WHERE {filter}")).await;
        assert_eq!(got.as_ref().map(Vec::len), Ok(found), "{filter}: {got:?}");
    }
    for filter in [
        "useridentity.accesskeyid = 'AK3'",
        "useridentity.accesskeyid IN ('AK1', 'AK3')",
        "useridentity.accesskeyid <> 'AK1'",
        "useridentity.accesskeyid = 'AK1' OR eventname = 'x'",
        "useridentity.accesskeyid LIKE 'AK1%'",
    ] {
        let got = rows(&spoilt().await, &format!("SELECT eventname FROM cloudtrail_logs WHERE {filter}")).await;
        assert!(got.is_err(), "{filter} may match the spoilt file: {got:?}");
    }
}

#[tokio::test]
async fn a_file_that_went_away_is_told_apart_from_other_faults() {
    let session = Made::new().file("us-east-1", FIRST, ONE, true, false).await.session();
    for sql in
        ["SELECT eventname FROM cloudtrail_logs", "SELECT max(eventname) FROM cloudtrail_logs WHERE eventname > 'A'"]
    {
        let begun = match session.ask(sql).await {
            Ok(mut answer) => answer.begin().await,
            Err(e) => Err(e),
        };
        assert!(matches!(&begun, Err(Error::Gone(path)) if path.ends_with(".parquet")), "{sql}: {begun:?}");
    }
}

#[tokio::test]
async fn files_of_an_older_schema_are_read_beside_new_ones() {
    // The first file has a struct of fewer fields, no address, and its own Arrow schema's plain text.
    let mut made = Made::new().file("us-east-1", FIRST, ONE, true, true).await;
    let whole = batch(FIRST, ONE, true);
    let identity = whole.column_by_name("useridentity").unwrap().as_any().downcast_ref::<StructArray>().unwrap();
    let arn = (Arc::new(Field::new("arn", DataType::Utf8, true)), Arc::clone(identity.column(0)));
    let columns: Vec<(String, ArrayRef)> = whole
        .schema()
        .fields()
        .iter()
        .zip(whole.columns())
        .filter(|(f, _)| f.name() != "sourceipaddress")
        .map(|(f, c)| match f.name().as_str() {
            "useridentity" => (f.name().clone(), Arc::new(StructArray::from(vec![arn.clone()])) as ArrayRef),
            name => (name.to_owned(), Arc::clone(c)),
        })
        .collect();
    let old = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, old.schema(), None).unwrap();
    writer.write(&old).unwrap();
    writer.close().unwrap();
    made.files[0].bytes = bytes.len() as u64;
    made.files[0].filters.clear();
    made.store.put(&made.files[0].path, PutPayload::from(bytes)).await.unwrap();
    let session = made.file("eu-west-1", SECOND, TWO, true, true).await.session();
    for (sql, want) in [
        (
            "SELECT useridentity.arn AS a, sourceipaddress AS s FROM cloudtrail_logs WHERE eventname IN ('ConsoleLogin', 'StopLogging') ORDER BY 1",
            json!([{"a": "arn:aws:iam::111122223333:user/AK1", "s": null}, {"a": "arn:aws:iam::111122223333:user/AK2", "s": "203.0.113.7"}]),
        ),
        ("SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.arn LIKE '%AK2'", json!([{"n": 3}])),
        ("SELECT count(*) AS n FROM cloudtrail_logs WHERE sourceipaddress = '203.0.113.7'", json!([{"n": 1}])),
        (
            "SELECT upper(eventname) AS e FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'AK3'",
            json!([{"e": "GETOBJECT"}]),
        ),
        (
            "SELECT count(*) AS n, max(day) AS d FROM cloudtrail_logs WHERE region <> 'x'",
            json!([{"n": 5, "d": "2024-05-02"}]),
        ),
    ] {
        assert_eq!(rows(&session, sql).await, Ok(want.as_array().unwrap().clone()), "{sql}");
    }
}

#[tokio::test]
async fn counting_opens_nothing() {
    let session = Made::new()
        .file("us-east-1", FIRST, ONE, true, false)
        .await
        .file("eu-west-1", SECOND, TWO, true, false)
        .await
        .session();
    assert_eq!(rows(&session, "SELECT count(*) AS n FROM cloudtrail_logs").await, Ok(vec![json!({"n": 5})]));
    assert_eq!(
        rows(&session, "SELECT count(*) AS n FROM cloudtrail_logs WHERE region = 'eu-west-1'").await,
        Ok(vec![json!({"n": 2})])
    );
}

#[tokio::test]
async fn nested_fields_are_read_from_their_flat_column() {
    // The nested keys are not there: only the flat column can give them.
    let session = Made::new().file("us-east-1", FIRST, ONE, false, true).await.session();
    for (sql, want) in [
        ("SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'AK2'", json!([{"n": 2}])),
        (
            "SELECT count(*) AS n FROM cloudtrail_logs t WHERE t.useridentity.accesskeyid IN ('AK1', 'AK9')",
            json!([{"n": 1}]),
        ),
        (
            "SELECT useridentity.accesskeyid, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1",
            json!([{"accesskeyid": "AK1", "n": 1}, {"accesskeyid": "AK2", "n": 2}]),
        ),
    ] {
        assert_eq!(rows(&session, sql).await, Ok(want.as_array().unwrap().clone()), "{sql}");
    }
    let plan = rows(&session, "EXPLAIN SELECT eventname FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'AK2'")
        .await
        .unwrap();
    assert!(format!("{plan:?}").contains("event_access_key_min"), "row groups are not pruned by it: {plan:?}");
}

#[tokio::test]
async fn misspelt_names_are_told() {
    let session = both().await;
    for (sql, part) in [
        ("SELECT eventnam FROM cloudtrail_logs", "there is no column `eventnam`; did you mean `eventname`?"),
        ("SELECT 1 FROM cloudtrial_logs", "there is no table `cloudtrial_logs`; did you mean `cloudtrail_logs`?"),
        ("DESCRIBE cloudtrail_log", "did you mean `cloudtrail_logs`?"),
        (
            "SELECT contians(resources, 'x') FROM cloudtrail_logs",
            "there is no function `contians`; did you mean `contains`?",
        ),
        ("SELECT useridentity.arnn FROM cloudtrail_logs", "arnn"),
    ] {
        let error = rows(&session, sql).await.unwrap_err();
        assert!(error.contains(part), "{sql}: {error}");
    }
}
