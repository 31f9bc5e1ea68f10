//! Every function of Athena that is ours, by the value that Trino's documentation gives it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::sync::Arc;
use yagura_query::{Options, Session, value_at};

fn session() -> Session {
    Session::new(Arc::new(object_store::memory::InMemory::new()), Vec::new(), &Options::default()).unwrap()
}

async fn value(session: &Session, expr: &str) -> Result<Value, String> {
    let mut answer = session.ask(&format!("SELECT {expr} AS v")).await.map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    while let Some(batch) = answer.next().await {
        let batch = batch.map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            out.push(value_at(batch.column(0), row).map_err(|e| e.to_string())?);
        }
    }
    assert_eq!(out.len(), 1, "{expr}");
    Ok(out.remove(0))
}

#[tokio::test]
async fn values() {
    let session = session();
    let rows: &[(&str, Value)] = &[
        // JSON functions and operators
        (r#"json_extract('{"a":{"b":[1,2]}}', '$.a.b')"#, json!("[1,2]")),
        (r#"json_extract('{"a b":1}', '$["a b"]')"#, json!("1")),
        (r#"json_extract('{"a":1}', '$.c')"#, json!(null)),
        ("json_extract('no json', '$.c')", json!(null)),
        (r#"json_extract_scalar('{"a":{"b":"x"}}', '$.a.b')"#, json!("x")),
        (r#"json_extract_scalar('[10, 20]', '$[1]')"#, json!("20")),
        (r#"json_extract_scalar('{"a":[1]}', '$.a')"#, json!(null)),
        (r#"json_extract_scalar('{"a":true}', '$.a')"#, json!("true")),
        (r#"json_parse('{"a": 1}')"#, json!(r#"{"a":1}"#)),
        (r#"json_format(json_parse('[1, 2]'))"#, json!("[1,2]")),
        ("json_array_length('[1,2,3]')", json!(3)),
        ("json_array_length('{}')", json!(null)),
        ("json_array_contains('[1,2,3]', 2)", json!(true)),
        (r#"json_array_contains('["a"]', 'b')"#, json!(false)),
        ("json_array_get('[1,2,3]', -1)", json!("3")),
        (r#"json_size('{"x":{"a":1,"b":2}}', '$.x')"#, json!(2)),
        (r#"json_size('{"x":1}', '$.x')"#, json!(0)),
        ("is_json_scalar('1')", json!(true)),
        // CAST from and to JSON
        (r#"CAST(json_extract('{"a":"x"}', '$.a') AS varchar)"#, json!("x")),
        (r#"CAST(json_extract('{"a":["x","y"]}', '$.a') AS array(varchar))"#, json!(["x", "y"])),
        (r#"CAST(json_parse('{"k":1,"l":2}') AS map(varchar, bigint))"#, json!({"k": 1, "l": 2})),
        (r#"CAST(json_parse('{"n":"x","v":2.5}') AS row(n varchar, v double))"#, json!({"n": "x", "v": 2.5})),
        ("CAST(json_parse('12') AS bigint)", json!(12)),
        ("CAST(ARRAY[1,2] AS json)", json!("[1,2]")),
        ("TRY_CAST('x' AS bigint)", json!(null)),
        ("CAST('17' AS bigint)", json!(17)),
        ("CAST(1.7e0 AS bigint)", json!(2)),
        ("CAST(timestamp '2024-01-02 03:04:05' AS varchar)", json!("2024-01-02 03:04:05.000")),
        ("CAST('10.0.0.1' AS ipaddress)", json!("10.0.0.1")),
        ("CAST('::ffff:1.2.3.4' AS ipaddress)", json!("1.2.3.4")),
        ("CAST('2024-05-06' AS date)", json!("2024-05-06")),
        // Date and time functions
        ("from_iso8601_timestamp('2024-05-06T07:08:09Z')", json!("2024-05-06T07:08:09Z")),
        ("from_iso8601_timestamp('2024-05-06T07:08:09.5+09:00')", json!("2024-05-05T22:08:09.5Z")),
        ("from_iso8601_timestamp('2024-05-06')", json!("2024-05-06T00:00:00Z")),
        ("from_iso8601_date('2024-W19-1')", json!("2024-05-06")),
        ("from_iso8601_date('2024-127')", json!("2024-05-06")),
        ("from_unixtime(1714979289)", json!("2024-05-06T07:08:09Z")),
        ("from_unixtime(1714979289123/1000)", json!("2024-05-06T07:08:09Z")),
        ("from_unixtime(1714979289, 'Asia/Tokyo')", json!("2024-05-06T16:08:09+09:00")),
        ("to_unixtime(from_iso8601_timestamp('2024-05-06T07:08:09Z'))", json!(1714979289.0)),
        ("to_iso8601(from_unixtime(1576280412771/1000))", json!("2019-12-13T23:40:12.000Z")),
        ("to_iso8601(date '2024-05-06')", json!("2024-05-06")),
        ("date_parse('2024-05-06 07:08:09', '%Y-%m-%d %H:%i:%s')", json!("2024-05-06T07:08:09")),
        ("date_parse('2024-05-06T07:08:09Z', '%Y-%m-%dT%H:%i:%sZ')", json!("2024-05-06T07:08:09")),
        ("date_parse('May 6, 2024 7:08 PM', '%M %e, %Y %l:%i %p')", json!("2024-05-06T19:08:00")),
        (
            "date_format(timestamp '2024-05-06 07:08:09', '%Y/%m/%d %T %a %b %j')",
            json!("2024/05/06 07:08:09 Mon May 127"),
        ),
        ("date_format(date '2024-05-06', '%Y-%m-%d')", json!("2024-05-06")),
        ("parse_datetime('06/May/2024:07:08:09 +0000', 'dd/MMM/yyyy:HH:mm:ss Z')", json!("2024-05-06T07:08:09Z")),
        ("parse_datetime('06/May/2024:07:08:09 +0900', 'dd/MMM/yyyy:HH:mm:ss Z')", json!("2024-05-05T22:08:09Z")),
        ("parse_datetime('2024-05-06-07:08:09','yyyy-MM-dd-HH:mm:ss')", json!("2024-05-06T07:08:09Z")),
        (
            "parse_datetime('2024-05-06T07:08:09.123456Z','yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z')",
            json!("2024-05-06T07:08:09.123Z"),
        ),
        ("format_datetime(timestamp '2024-05-06 07:08:09', 'yyyy-MM-dd HH:mm')", json!("2024-05-06 07:08")),
        ("format_datetime(timestamp '2024-05-06 17:08:09', 'E, d MMM yyyy h:mm a')", json!("Mon, 6 May 2024 5:08 PM")),
        ("date_diff('day', date '2024-02-28', date '2024-03-01')", json!(2)),
        ("date_diff('month', date '2024-01-31', date '2024-02-29')", json!(0)),
        ("date_diff('second', timestamp '2024-01-01 00:00:00', timestamp '2024-01-01 00:01:30')", json!(90)),
        ("date_diff('hour', timestamp '2024-01-01 02:00:00', timestamp '2024-01-01 00:30:00')", json!(-1)),
        ("date_add('month', 1, date '2024-01-31')", json!("2024-02-29")),
        ("date_add('day', -1, timestamp '2024-03-01 12:00:00')", json!("2024-02-29T12:00:00")),
        ("day_of_week(date '2024-05-06')", json!(1)),
        ("year(timestamp '2024-05-06 07:08:09') + month(date '2024-05-06') + day(date '2024-05-06')", json!(2035)),
        ("hour(from_unixtime(1714979289, 'Asia/Tokyo'))", json!(16)),
        ("minute(from_unixtime(1714979289))", json!(8)),
        ("week(date '2024-12-30')", json!(1)),
        ("year_of_week(date '2024-12-30')", json!(2025)),
        ("quarter(date '2024-05-06')", json!(2)),
        ("last_day_of_month(date '2024-02-03')", json!("2024-02-29")),
        ("date(from_iso8601_timestamp('2024-05-06T07:08:09Z'))", json!("2024-05-06")),
        ("date_trunc('hour', timestamp '2024-05-06 07:08:09')", json!("2024-05-06T07:00:00")),
        ("date_trunc('week', timestamp '2024-05-12 23:59:59')", json!("2024-05-06T00:00:00")),
        ("date_trunc('week', timestamp '1969-12-30 01:00:00')", json!("1969-12-29T00:00:00")),
        ("date_trunc('month', timestamp '2024-05-06 07:08:09')", json!("2024-05-01T00:00:00")),
        ("date_trunc('quarter', date '2024-05-06')", json!("2024-04-01")),
        ("date_trunc('year', date '2024-05-06')", json!("2024-01-01")),
        (
            "to_iso8601(date_trunc('day', from_iso8601_timestamp('2024-05-06T16:00:00Z') AT TIME ZONE 'Asia/Tokyo'))",
            json!("2024-05-07T00:00:00.000+09:00"),
        ),
        (
            "to_iso8601(date_trunc('hour', from_iso8601_timestamp('2024-05-06T16:10:00Z') AT TIME ZONE 'Asia/Kolkata'))",
            json!("2024-05-06T21:00:00.000+05:30"),
        ),
        ("json_extract_scalar('{\"a\":1,\"b\":{\"c\":[0,\"x\"]},\"d\":', '$.b.c[1]')", json!("x")),
        ("json_extract_scalar('{\"a\":1,\"a\":2}', '$.a')", json!("1")),
        ("json_extract_scalar('{\"\\u0061\":\"b\"}', '$.a')", json!("b")),
        ("json_extract_scalar('{\"a\":[1,2]}', '$.a[2]')", Value::Null),
        ("json_extract_scalar('{\"a\":[1,2]}', '$.a.b')", Value::Null),
        ("json_extract_scalar('{\"b\":[1,2', '$.a')", Value::Null),
        ("json_extract('{\"b\":[1,2', '$')", Value::Null),
        ("json_extract('{\"a\":{\"b\":[1,{}]}}', '$.a')", json!("{\"b\":[1,{}]}")),
        ("from_unixtime(1714979289) AT TIME ZONE 'Asia/Tokyo'", json!("2024-05-06T16:08:09+09:00")),
        ("timestamp '2024-05-06 07:08:09' - interval '10' day", json!("2024-04-26T07:08:09")),
        ("date_diff('minute', now() - interval '90' minute, now())", json!(90)),
        // String functions
        ("split('a,b,,c', ',')", json!(["a", "b", "", "c"])),
        ("split('a,b,c', ',', 2)", json!(["a", "b,c"])),
        ("split_part('a/b/c', '/', 2)", json!("b")),
        ("split_part('a/b/c', '/', 4)", json!(null)),
        ("split_to_map('a=1&b=2', '&', '=')", json!({"a": "1", "b": "2"})),
        ("substr('hello', -3)", json!("llo")),
        ("substr('hello', 2, 3)", json!("ell")),
        ("substring('hello' FROM 2 FOR 2)", json!("el")),
        ("substr('hello', 0)", json!("")),
        ("replace('a-b-c', '-')", json!("abc")),
        ("strpos('hello', 'l')", json!(3)),
        ("strpos('hello', 'z')", json!(0)),
        ("strpos('a-b-c', '-', 2)", json!(4)),
        ("levenshtein_distance('kitten', 'sitting')", json!(3)),
        ("codepoint('A')", json!(65)),
        ("concat('a', 'b', 'c')", json!("abc")),
        ("concat('a', NULL)", json!(null)),
        ("concat_ws('-', 'a', 'b')", json!("a-b")),
        ("length('日本')", json!(2)),
        ("upper('a') || lower('B')", json!("Ab")),
        ("to_hex(to_utf8('Az'))", json!("417A")),
        ("from_utf8(from_hex('417A'))", json!("Az")),
        ("from_utf8(from_base64(to_base64(to_utf8('hi'))))", json!("hi")),
        ("to_hex(sha256(to_utf8('')))", json!("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")),
        // Regular expressions
        ("regexp_like('1a 2b 14m', '\\d+b')", json!(true)),
        ("regexp_like('abc', '^b')", json!(false)),
        ("regexp_extract('1a 2b 14m', '\\d+')", json!("1")),
        ("regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", json!("a")),
        ("regexp_extract('abc', '\\d')", json!(null)),
        ("regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)", json!(["a", "b", "m"])),
        ("regexp_replace('1a 2b 14m', '\\d+[ab] ')", json!("14m")),
        ("regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", json!("3ca 3cb 14m")),
        ("regexp_replace('a.b', '\\.', '\\$')", json!("a$b")),
        ("regexp_split('1a 2b', ' ')", json!(["1a", "2b"])),
        ("regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", json!(3)),
        // URL functions
        ("url_extract_host('https://u@example.com:8443/a/b?x=1#f')", json!("example.com")),
        ("url_extract_port('https://example.com:8443/')", json!(8443)),
        ("url_extract_path('https://example.com:443/a/b?x=1')", json!("/a/b")),
        ("url_extract_protocol('https://example.com')", json!("https")),
        ("url_extract_query('/a?x=1&y=2')", json!("x=1&y=2")),
        ("url_extract_fragment('/a#f')", json!("f")),
        ("url_extract_parameter('/a?x=1&y=a%20b', 'y')", json!("a b")),
        ("url_decode('a%2Fb+c')", json!("a/b c")),
        ("url_encode('a/b c')", json!("a%2Fb+c")),
        // IP functions
        ("contains('10.0.0.0/8', '10.1.2.3')", json!(true)),
        ("contains('10.0.0.0/8', CAST('11.1.2.3' AS ipaddress))", json!(false)),
        ("contains('2001:db8::/32', '2001:db8:1::1')", json!(true)),
        ("ip_prefix('192.168.255.255', 9)", json!("192.128.0.0/9")),
        ("ip_subnet_min('192.64.1.1/9')", json!("192.0.0.0")),
        ("ip_subnet_max('192.64.0.0/9')", json!("192.127.255.255")),
        ("ip_subnet_range('1.2.3.160/24')", json!(["1.2.3.0", "1.2.3.255"])),
        ("is_subnet_of('1.2.3.128/26', '1.2.5.1')", json!(false)),
        ("is_subnet_of('192.168.3.131/26', '192.168.3.144')", json!(true)),
        // Array and map functions
        ("contains(ARRAY['a','b'], 'b')", json!(true)),
        ("contains(ARRAY[1,2], 3)", json!(false)),
        ("contains(ARRAY[1,NULL], 3)", json!(null)),
        ("cardinality(ARRAY[1,2,3])", json!(3)),
        ("cardinality(MAP(ARRAY['a'], ARRAY[1]))", json!(1)),
        ("element_at(ARRAY[1,2,3], -1)", json!(3)),
        ("element_at(ARRAY[1,2,3], 7)", json!(null)),
        ("element_at(MAP(ARRAY['a','b'], ARRAY[1,2]), 'b')", json!(2)),
        ("MAP(ARRAY['a','b'], ARRAY[1,2])['b']", json!(2)),
        ("ARRAY[1,2,3][2]", json!(2)),
        ("array_position(ARRAY['x','y'], 'y')", json!(2)),
        ("array_position(ARRAY['x','y'], 'z')", json!(0)),
        ("slice(ARRAY[1,2,3,4], 2, 2)", json!([2, 3])),
        ("slice(ARRAY[1,2,3,4], -2, 9)", json!([3, 4])),
        ("sequence(1, 7, 3)", json!([1, 4, 7])),
        ("array_join(ARRAY['a','b',NULL], ',')", json!("a,b")),
        ("array_join(ARRAY['a',NULL], ',', '-')", json!("a,-")),
        ("filter(ARRAY[1,2,3], x -> x > 1)", json!([2, 3])),
        ("transform(ARRAY[1,2,3], x -> x * 2)", json!([2, 4, 6])),
        ("any_match(ARRAY[1,2,3], x -> x > 2)", json!(true)),
        ("all_match(ARRAY[1,2,3], x -> x > 2)", json!(false)),
        ("none_match(ARRAY[1,2,3], x -> x > 3)", json!(true)),
        ("array_distinct(ARRAY[1,1,2])", json!([1, 2])),
        ("array_sort(ARRAY[3,1,2])", json!([1, 2, 3])),
        ("arrays_overlap(ARRAY[1,2], ARRAY[2,3])", json!(true)),
        ("array_max(ARRAY[1,3,2])", json!(3)),
        // Conditional
        ("try(CAST('x' AS bigint))", json!(null)),
        ("try(1/0)", json!(null)),
        ("try(7 % 0)", json!(null)),
        ("try(date_parse('x', '%Y'))", json!(null)),
        ("try(json_parse('no'))", json!(null)),
        ("coalesce(try(from_iso8601_timestamp('x')), from_unixtime(0))", json!("1970-01-01T00:00:00Z")),
        ("if(1 > 2, 'a', 'b')", json!("b")),
        ("if(1 > 2, 'a')", json!(null)),
        ("7 / 2", json!(3)),
        ("nullif('-', '-')", json!(null)),
        ("bitwise_and(19, 3)", json!(3)),
    ];
    let mut wrong = Vec::new();
    for (expr, want) in rows {
        match value(&session, expr).await {
            Ok(got) if got == *want => {}
            other => wrong.push(format!("{expr}: {other:?}, not {want}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn aggregates() {
    let session = session();
    let rows: &[(&str, Value)] = &[
        ("count_if(x > 1)", json!(2)),
        ("max_by(n, x)", json!("c")),
        ("min_by(n, x)", json!("a")),
        ("arbitrary(k)", json!("k")),
        ("bool_and(x > 0)", json!(true)),
        ("bool_or(x > 2)", json!(true)),
        ("every(x > 1)", json!(false)),
        ("approx_distinct(n)", json!(3)),
        ("approx_percentile(x, 0.5)", json!(2)),
        ("approx_percentile(x, ARRAY[0.0, 1.0])", json!([1, 3])),
        ("map_agg(n, x)", json!({"a": 1, "b": 2, "c": 3})),
        ("histogram(k)", json!({"k": 3})),
        ("array_agg(n ORDER BY x DESC)", json!(["c", "b", "a"])),
        ("array_join(array_agg(DISTINCT k), ',')", json!("k")),
        ("listagg(n, '+') WITHIN GROUP (ORDER BY n DESC)", json!("c+b+a")),
        ("count(*) FILTER (WHERE x > 1)", json!(2)),
        ("count(DISTINCT k)", json!(1)),
        ("\"count\"(*)", json!(3)),
        ("sum(x) / count(*)", json!(2)),
    ];
    let mut wrong = Vec::new();
    for (expr, want) in rows {
        let from = "FROM (VALUES ('a', 1, 'k'), ('b', 2, 'k'), ('c', 3, 'k')) AS t(n, x, k)";
        let mut answer = match session.ask(&format!("SELECT {expr} AS v {from}")).await {
            Ok(answer) => answer,
            Err(e) => {
                wrong.push(format!("{expr}: {e}"));
                continue;
            }
        };
        match answer.next().await {
            Some(Ok(batch)) => {
                let got = value_at(batch.column(0), 0).unwrap();
                if got != *want {
                    wrong.push(format!("{expr}: {got}, not {want}"));
                }
            }
            other => wrong.push(format!("{expr}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn failures_say_what_is_wrong() {
    let session = session();
    for (sql, part) in [
        ("SELECT date_prase('x', '%Y')", "did you mean `date_parse`"),
        ("SELECT CAST('x' AS bigint)", "x"),
        ("SELECT json_parse('{')", "not JSON"),
        ("SELECT date_diff('dya', now(), now())", "did you mean `day`"),
        ("SELECT from_unixtime(1714979289000)", "milliseconds"),
        ("SELECT regexp_like('x', '(?=x)')", "look-around"),
        ("SELECT CAST('x' AS varchr)", "did you mean `varchar`"),
        ("SELECT max_by(1)", "max_by takes 2"),
        ("SELECT hour(1)", "argument 1 of hour must be a date"),
        ("CREATE TABLE x (a int)", "`CREATE` is refused"),
        ("INSERT INTO x VALUES (1)", "`INSERT` is refused"),
        ("COPY (SELECT 1) TO '/tmp/x'", "`COPY` is refused"),
        ("SET x = 1", "`SET` is refused"),
        ("EXPLAIN DELETE FROM x", "`DELETE` is refused"),
        ("DROP TABLE x", "`DROP` is refused"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("", "no statement"),
        ("SELECT * FROM '/etc/passwd'", "passwd"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "read_parquet"),
        ("SELEC 1", "SELEC"),
    ] {
        let mut failed = match session.ask(sql).await {
            Err(error) => error.to_string(),
            Ok(mut answer) => match answer.next().await {
                Some(Err(error)) => error.to_string(),
                other => panic!("{sql}: {other:?}"),
            },
        };
        failed.truncate(400);
        assert!(failed.contains(part), "{sql}: {failed}");
    }
}
