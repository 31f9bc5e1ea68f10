//! Small samples of each wire format: what is sent, and what is made of answers.

use super::{Answer, Fault, fault};
use crate::facts::{Facts, ReadOperation};
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use std::sync::{Arc, LazyLock};
use yagura_model::Map;

const OPERATIONS: &str = r#"
"operations":{
 "Plain":{"in":"In","out":"Out","wrap":"PlainResult"},
 "Rest":{"http":"GET /a/{Label}/b?fixed","in":"RestIn","out":"RestOut"},
 "Payload":{"http":"GET /{Label}?policy","in":"RestIn","out":"Raw"},
 "Body":{"http":"POST /body","in":"In","out":"Out"},
 "Bare":{"http":"GET /bare","out":"BareOut","unwrapped":true},
 "Nothing":{"in":"In"}},
"shapes":{
 "In":{"members":{"Text":"string","Count":"integer","Big":"long","On":"boolean","When":"timestamp","Names":{"shape":"Names","name":"Name"},
   "Filters":{"shape":"Filters","name":"filter"},"Tags":"Tags","Needed":"string"}},
 "Names":{"list":"string"},"Filters":{"list":{"shape":"Filter","name":"item"}},
 "Filter":{"members":{"Name":{"shape":"string","name":"name"},"Values":{"shape":"Names","name":"Value"}}},
 "Tags":{"map":["string","string"]},
 "Out":{"members":{"Text":"string","Count":"integer","Ratio":"double","On":"boolean","When":"timestamp","Data":"blob",
   "Items":{"shape":"Items","name":"itemSet"},"Map":"TagsOut","Tree":"Tree","Flat":{"shape":"FlatNames","name":"Flat","flat":true}}},
 "Items":{"list":{"shape":"Item","name":"item"}},"Item":{"members":{"Id":{"shape":"string","name":"id"}}},
 "TagsOut":{"map":["string","Items"]},"FlatNames":{"list":"string"},
 "Tree":{"members":{"Name":"string","Children":"Trees"}},"Trees":{"list":{"shape":"Tree","name":"item"}},
 "RestIn":{"members":{"Label":{"shape":"string","in":"uri"},"Page":{"shape":"integer","in":"querystring","name":"page-size"},
   "Ids":{"shape":"Names","in":"querystring","name":"id"},"Account":{"shape":"string","in":"header","name":"x-account"}},"required":["Label"]},
 "RestOut":{"members":{"ETag":{"shape":"string","in":"header","name":"ETag"},"Modified":{"shape":"timestamp","in":"header","name":"Last-Modified"},
   "Size":{"shape":"long","in":"header","name":"Content-Size"},"Meta":{"shape":"Tags","in":"headers","name":"x-meta-"},"Text":{"shape":"string","name":"text"}}},
 "Raw":{"members":{"Policy":"string"},"payload":"Policy"},
 "BareOut":{"members":{"Constraint":"string"}}}"#;

fn facts(protocol: &str) -> Facts {
    let head = format!(
        r#"{{"service":"svc","id":"Svc","signing":"svc","version":"2020-01-01","protocol":"{protocol}","json":"1.1","target":"Svc_2020","endpoints":{{}},{OPERATIONS}}}"#
    );
    Facts::new(move |_| Some(head.clone().into_bytes()), "").unwrap()
}

/// Facts are kept for ever: one of each protocol will do.
fn operation(protocol: &str, name: &str) -> Arc<ReadOperation> {
    static ALL: LazyLock<Vec<(&str, Facts)>> =
        LazyLock::new(|| ["json", "rest-json", "rest-xml", "query", "ec2", "cbor"].map(|p| (p, facts(p))).into());
    let (_, facts) = ALL.iter().find(|(p, _)| *p == protocol).unwrap();
    facts.read_operation(&format!("svc:{name}")).unwrap()
}

fn sent(protocol: &str, name: &str, input: &str) -> Result<(String, String, String), String> {
    let operation = operation(protocol, name);
    let input: Map = serde_json::from_str(input).unwrap();
    let encoded = operation.service.wire.encode(&operation, &input).map_err(|e| e.0)?;
    let mut headers: Vec<_> = encoded.headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    headers.sort();
    let body = String::from_utf8_lossy(&encoded.body).into_owned();
    Ok((format!("{} {}", encoded.method, encoded.path), headers.join("\n"), body))
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut all = Headers::new();
    headers.iter().for_each(|(n, v)| {
        all.insert(*n, *v);
    });
    Answer { status, headers: all, body: Bytes::from(body.into()) }
}

fn read(protocol: &str, name: &str, answer: Answer) -> Result<String, String> {
    let operation = operation(protocol, name);
    operation.service.wire.decode(&operation, answer).map(|v| v.to_string()).map_err(|e| e.0)
}

fn read_body(protocol: &str, body: &str) -> Result<String, String> {
    read(protocol, "Plain", answer(200, &[], body))
}

const INPUT: &str = r#"{"Text": "a b&c", "Count": 5, "On": true, "Names": ["x", "y"], "Filters": [{"Name": "n", "Values": ["1", "2"]}], "When": "2026-01-02T03:04:05Z"}"#;

#[test]
fn json_requests_name_their_target() {
    let (line, headers, body) = sent("json", "Plain", INPUT).unwrap();
    assert_eq!(line, "POST /");
    assert_eq!(headers, "content-type: application/x-amz-json-1.1\nx-amz-target: Svc_2020.Plain");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = r#"{"Text": "a b&c", "Count": 5, "On": true, "Names": ["x", "y"], "Filters": [{"Name": "n", "Values": ["1", "2"]}], "When": 1767323045}"#;
    assert_eq!(body, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    assert_eq!(sent("json", "Plain", "{}").unwrap().2, "{}");
}

#[test]
fn query_requests_number_members_and_ec2_capitalises_and_flattens() {
    let (line, headers, body) = sent("query", "Plain", INPUT).unwrap();
    assert_eq!((line.as_str(), headers.as_str()), ("POST /", "content-type: application/x-www-form-urlencoded"));
    assert_eq!(
        body,
        "Action=Plain&Version=2020-01-01&Count=5&filter.item.1.name=n&filter.item.1.Value.member.1=1\
         &filter.item.1.Value.member.2=2&Name.member.1=x&Name.member.2=y&On=true&Text=a%20b%26c&When=2026-01-02T03%3A04%3A05Z"
    );
    let (_, _, body) = sent("ec2", "Plain", INPUT).unwrap();
    assert_eq!(
        body,
        "Action=Plain&Version=2020-01-01&Count=5&Filter.1.Name=n&Filter.1.Value.1=1&Filter.1.Value.2=2\
         &Name.1=x&Name.2=y&On=true&Text=a%20b%26c&When=2026-01-02T03%3A04%3A05Z"
    );
    assert_eq!(sent("ec2", "Plain", r#"{"Names": []}"#).unwrap().2, "Action=Plain&Version=2020-01-01");
}

#[test]
fn rest_requests_bind_path_query_and_headers() {
    for protocol in ["rest-json", "rest-xml"] {
        let input = r#"{"Label": "x/y z", "Page": 7, "Ids": ["1", "2"], "Account": "123"}"#;
        let (line, headers, body) = sent(protocol, "Rest", input).unwrap();
        assert_eq!(line, "GET /a/x%2Fy%20z/b?fixed&id=1&id=2&page-size=7", "{protocol}");
        assert_eq!((headers.as_str(), body.as_str()), ("x-account: 123", ""), "{protocol}");
    }
    let (line, _, body) = sent("rest-json", "Body", r#"{"Names": ["a"]}"#).unwrap();
    assert_eq!((line.as_str(), body.as_str()), ("POST /body", r#"{"Name":["a"]}"#));
}

#[test]
fn inputs_of_the_wrong_form_are_not_sent() {
    for (name, input, message) in [
        ("Plain", r#"{"Txt": "a"}"#, "the input has no member `Txt`"),
        ("Plain", r#"{"Count": "five"}"#, "`Count`: expected integer, not \"five\""),
        ("Plain", r#"{"Count": 99999999999}"#, "`Count`: expected a 32-bit number, not 99999999999"),
        ("Plain", r#"{"Names": "a"}"#, "`Names`: expected a list, not \"a\""),
        ("Plain", r#"{"Filters": [{"Nme": "a"}]}"#, "`Filters`: the input has no member `Nme`"),
        ("Plain", r#"{"When": "yesterday"}"#, "`When`: expected a timestamp, not \"yesterday\""),
        ("Rest", "{}", "the input lacks `Label`"),
        ("Rest", r#"{"Label": ""}"#, "Label was missing: cannot be empty or unset"),
        ("Nothing", r#"{"Tags": {"a": 5}}"#, ""),
    ] {
        match sent("rest-json", name, input) {
            Err(error) => assert!(!message.is_empty() && error.contains(message), "{input}: {error}"),
            Ok(_) => assert!(message.is_empty(), "{input} was sent"),
        }
    }
}

#[test]
fn json_answers_are_typed() {
    let whole = r#"{"Text":"t","Count":1,"Ratio":1.5,"On":false,"When":1767323045.5,"Data":"aGk=","Items":[{"Id":"a"}],"Map":{"k":[{"Id":"b"}]},"New":{"x":[1]}}"#;
    let typed = r#"{"Count":1,"Data":"aGk=","Items":[{"Id":"a"}],"Map":{"k":[{"Id":"b"}]},"On":false,"Ratio":1.5,"Text":"t","When":"2026-01-02T03:04:05.5Z"}"#;
    assert_eq!(read_body("json", whole).as_deref(), Ok(typed));
    for (body, value) in [
        ("{}", "{}"),
        (r#"{"Text":null,"Items":[null,{"Id":null}],"Map":{"k":null}}"#, r#"{"Items":[{}],"Map":{}}"#),
        (
            r#"{"Count":"7","On":"true","When":"2026-01-02T03:04:05Z","Text":5}"#,
            r#"{"Count":7,"On":true,"Text":"5","When":"2026-01-02T03:04:05Z"}"#,
        ),
        (r#"{"When":"Fri, 02 Jan 2026 03:04:05 GMT","Count":3.0}"#, r#"{"Count":3,"When":"2026-01-02T03:04:05Z"}"#),
        (
            r#"{"Tree":{"Name":"a","Children":[{"Name":"b","Children":[]}]}}"#,
            r#"{"Tree":{"Children":[{"Children":[],"Name":"b"}],"Name":"a"}}"#,
        ),
        (r#"{"Text":"\u00e9\ud83d\ude00"}"#, r#"{"Text":"é😀"}"#),
    ] {
        assert_eq!(read_body("json", body).as_deref(), Ok(value), "{body}");
    }
}

#[test]
fn json_answers_that_are_not_whole_are_errors() {
    let deep = format!(r#"{{"Tree":{}"#, r#"{"Children":["#.repeat(10_000));
    for body in [
        "",
        "{",
        r#"{"Text":"#,
        r#"{"Text":"a"#,
        r#"{"Text":"a"} x"#,
        "[]",
        "null",
        r#"{"Count":"x"}"#,
        r#"{"Count":1.5}"#,
        r#"{"Count":99999999999999999999}"#,
        r#"{"Map":[]}"#,
        r#"{"Text":["a"]}"#,
        r#"{"New":[1,}"#,
        &deep,
    ] {
        for protocol in ["json", "rest-json"] {
            let operation = if protocol == "json" { "Plain" } else { "Body" };
            assert!(read(protocol, operation, answer(200, &[], body)).is_err(), "{protocol} {:.60}", body);
        }
    }
    assert!(read("json", "Plain", answer(200, &[], b"{\"Text\":\"\xff\"}".to_vec())).is_err());
}

#[test]
fn query_answers_are_unwrapped_and_typed() {
    let body = "<?xml version=\"1.0\"?><PlainResponse xmlns=\"http://x/\"><PlainResult><Text> a &amp; &#233; </Text><Count> 4 </Count><On>true</On>\
        <When>2026-01-02T03:04:05.000Z</When><Data>aGk=</Data><itemSet><item><id>a</id></item><item/></itemSet><Flat>x</Flat><Flat>y</Flat>\
        <Map><entry><key>k</key><value><item><id>b</id></item></value></entry></Map><Unknown><Text>no</Text></Unknown></PlainResult>\
        <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PlainResponse>\n";
    let typed = r#"{"Count":4,"Data":"aGk=","Flat":["x","y"],"Items":[{"Id":"a"},{}],"Map":{"k":[{"Id":"b"}]},"On":true,"Text":" a & é ","When":"2026-01-02T03:04:05Z"}"#;
    assert_eq!(read_body("query", body).as_deref(), Ok(typed));
    assert_eq!(read_body("query", "<R><PlainResult/></R>").as_deref(), Ok("{}"));
    assert_eq!(
        read_body("query", "<R><PlainResult><Count/><When></When><Text/></PlainResult></R>").as_deref(),
        Ok(r#"{"Text":""}"#)
    );
    for bad in [
        "<R></R>",
        "<R><PlainResult></R>",
        "<R><PlainResult><Count>x</Count></PlainResult></R>",
        "",
        "x",
        "<R><OtherResult/></R>",
    ] {
        assert!(read_body("query", bad).is_err(), "{bad}");
    }
}

#[test]
fn ec2_answers_have_no_wrapper() {
    let body = "<PlainResponse><requestId>r</requestId><Text>a</Text><itemSet><item><id>i</id></item></itemSet></PlainResponse>";
    assert_eq!(read_body("ec2", body).as_deref(), Ok(r#"{"Items":[{"Id":"i"}],"Text":"a"}"#));
    assert_eq!(read_body("ec2", "<PlainResponse/>").as_deref(), Ok("{}"));
    for cut in 0..body.len() {
        assert!(read_body("ec2", &body[..cut]).is_err(), "cut at {cut}");
    }
    assert!(read("ec2", "Plain", answer(200, &[], b"<R><Text>\xff</Text></R>".to_vec())).is_err());
    for bad in
        ["<R><Text>a</R>", "<R>&unknown;<Text>&x;</Text></R>", "<R><Text>a</Text></R><R/>", "<R><Text>a</Text></Other>"]
    {
        assert!(read_body("ec2", bad).is_err(), "{bad}");
    }
}

#[test]
fn deep_xml_ends_in_an_error() {
    let deep =
        format!("<R><Tree>{}{}</Tree></R>", "<Children><item>".repeat(5_000), "</item></Children>".repeat(5_000));
    assert!(read_body("ec2", &deep).is_err());
}

#[test]
fn rest_answers_read_headers_and_payloads() {
    let headers =
        [("etag", "e"), ("last-modified", "Fri, 02 Jan 2026 03:04:05 GMT"), ("content-size", "12"), ("x-meta-a", "b")];
    let typed = r#"{"ETag":"e","Meta":{"a":"b"},"Modified":"2026-01-02T03:04:05Z","Size":12,"Text":"t"}"#;
    assert_eq!(read("rest-json", "Rest", answer(200, &headers, r#"{"text":"t"}"#)).as_deref(), Ok(typed));
    assert_eq!(read("rest-xml", "Rest", answer(200, &headers, "<O><text>t</text></O>")).as_deref(), Ok(typed));
    for protocol in ["rest-json", "rest-xml"] {
        let raw = read(protocol, "Payload", answer(200, &[], r#"{"Version":"2012-10-17"}"#));
        assert_eq!(raw.as_deref(), Ok(r#"{"Policy":"{\"Version\":\"2012-10-17\"}"}"#), "{protocol}");
        assert_eq!(read(protocol, "Payload", answer(204, &[], "")).as_deref(), Ok("{}"), "{protocol}");
    }
    assert_eq!(
        read("rest-xml", "Bare", answer(200, &[], "<Constraint>eu</Constraint>")).as_deref(),
        Ok(r#"{"Constraint":"eu"}"#)
    );
    assert_eq!(read("rest-xml", "Bare", answer(200, &[], "<Constraint/>")).as_deref(), Ok("{}"));
}

#[test]
fn cbor_is_routed_by_path_and_read() {
    let (line, headers, _) = sent("cbor", "Plain", r#"{"Text": "a"}"#).unwrap();
    assert_eq!(line, "POST /service/Svc_2020/operation/Plain");
    assert!(headers.contains("smithy-protocol: rpc-v2-cbor"), "{headers}");
    // {"Text": "a", "Count": 5, "Items": [{"Id": "i"}]}
    let body = b"\xa3\x64Text\x61a\x65Count\x05\x65Items\x81\xa1\x62Id\x61i".to_vec();
    assert_eq!(
        read("cbor", "Plain", answer(200, &[], body.clone())).as_deref(),
        Ok(r#"{"Count":5,"Items":[{"Id":"i"}],"Text":"a"}"#)
    );
    for cut in 0..body.len() {
        assert!(read("cbor", "Plain", answer(200, &[], &body[..cut])).is_err(), "cut at {cut}");
    }
}

#[test]
fn an_operation_without_output_answers_nothing() {
    for body in ["", "{}", "anything"] {
        assert_eq!(read("json", "Nothing", answer(200, &[], body)).as_deref(), Ok("{}"));
    }
}

#[test]
fn faults_of_every_protocol_are_read() {
    for (name, headers, body, code, message) in [
        (
            "json",
            &[][..],
            r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"m"}"#,
            "NotFoundException",
            "m",
        ),
        ("json 1.0, Message", &[], r#"{"__type":"AccessDeniedException","Message":"m"}"#, "AccessDeniedException", "m"),
        ("rest-json", &[("x-amzn-errortype", "NotFound:http://x/")], r#"{"message":"m"}"#, "NotFound", "m"),
        ("rest-json, code", &[], r#"{"code":"Bad","message":"m"}"#, "Bad", "m"),
        (
            "query compatible",
            &[("x-amzn-query-error", "AWS.Gone;Sender")],
            r#"{"__type":"Gone","message":"m"}"#,
            "AWS.Gone",
            "m",
        ),
        (
            "s3",
            &[],
            "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>",
            "NoSuchBucket",
            "m",
        ),
        (
            "query",
            &[],
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>",
            "AccessDenied",
            "m",
        ),
        (
            "ec2",
            &[],
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors></Response>",
            "UnauthorizedOperation",
            "m",
        ),
        ("nothing", &[], "", "", ""),
        ("html", &[], "<html><body>Bad gateway", "", ""),
        ("cut", &[], "<Error><Code>SlowDown</Code><Mess", "SlowDown", ""),
        ("not an object", &[], "[1]", "", ""),
        ("odd types", &[], r#"{"__type":5,"message":"m"}"#, "", "m"),
    ] {
        let expected = Fault { code: code.to_owned(), message: message.to_owned(), region: None };
        assert_eq!(fault(&answer(400, headers, body)), expected, "{name}");
    }
    let away = answer(301, &[("x-amz-bucket-region", "eu-west-1")], "");
    assert_eq!(fault(&away).region.as_deref(), Some("eu-west-1"));
}
