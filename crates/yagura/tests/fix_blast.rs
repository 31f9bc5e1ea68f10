//! Who used what plans change, and what would have stopped: a lake with known calls and flows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

mod common;

use common::Run;
use serde_json::{Value as Json, json};

const BUCKET: &str = "hinode-campaign-2024";

fn record(nth: usize, days_ago: i64, identity: Json, name: &str, with: Json, more: Json) -> Json {
    let time = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
    let mut out = json!({
        "eventVersion": "1.11", "userIdentity": identity, "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "s3.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
        "userAgent": "x", "requestParameters": with, "eventID": format!("event-{nth}"), "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    });
    for (key, value) in more.as_object().unwrap() {
        out[key] = value.clone();
    }
    out
}

#[test]
fn a_lake_tells_who_used_a_resource_and_what_would_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let user = |name: &str| json!({"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{name}"), "accountId": "111122223333", "userName": name, "accessKeyId": "AKIAEXAMPLE"});
    let nobody = json!({"type": "AWSAccount", "accountId": "anonymous", "principalId": ""});
    let other = json!({"type": "AWSAccount", "accountId": "999988887777", "principalId": "AIDAOTHER"});
    let object = json!({"bucketName": BUCKET, "key": "a.jpg"});
    let tls = json!({"tlsDetails": {"tlsVersion": "TLSv1.3"}});
    let none = json!({});
    let records = json!({"Records": [
        record(1, 1, user("web"), "GetObject", object.clone(), tls.clone()),
        record(2, 2, user("web"), "GetObject", object.clone(), tls.clone()),
        record(3, 3, nobody, "GetObject", object.clone(), tls.clone()),
        record(4, 4, other, "GetObject", object.clone(), tls.clone()),
        // Refused: no use. Of another bucket, of another service with the same word, and too long ago: not counted.
        record(5, 1, user("thief"), "GetObject", object.clone(), json!({"errorCode": "AccessDenied"})),
        record(6, 1, user("web"), "GetObject", json!({"bucketName": "elsewhere"}), tls.clone()),
        record(7, 1, user("web"), "DescribeTable", json!({"tableName": BUCKET}), json!({"eventSource": "dynamodb.amazonaws.com"})),
        record(8, 200, user("old"), "GetObject", object.clone(), tls),
        record(9, 1, user("plain"), "GetObject", object, none),
    ]});
    std::fs::create_dir(path("logs")).unwrap();
    std::fs::write(path("logs/trail.json"), records.to_string()).unwrap();
    let start = jiff::Timestamp::now().as_second() - 3600;
    let flow = |interface: &str, from: &str, to: &str, from_port: u16, port: u16, action: &str| {
        format!(
            "2 111122223333 {interface} {from} {to} {from_port} {port} 6 10 840 {start} {} {action} OK\n",
            start + 60
        )
    };
    let flows = [
        flow("eni-0a1bastion", "198.51.100.7", "10.0.0.20", 50000, 22, "ACCEPT"),
        flow("eni-0a1bastion", "198.51.100.8", "10.0.0.20", 50001, 22, "ACCEPT"),
        // Another port, a rejected one, the answer on the way back, another interface.
        flow("eni-0a1bastion", "198.51.100.7", "10.0.0.20", 50000, 443, "ACCEPT"),
        flow("eni-0a1bastion", "198.51.100.9", "10.0.0.20", 50000, 22, "REJECT"),
        flow("eni-0a1bastion", "10.0.0.20", "198.51.100.7", 22, 50000, "ACCEPT"),
        flow("eni-elsewhere", "198.51.100.7", "10.0.0.99", 50000, 22, "ACCEPT"),
    ];
    std::fs::write(path("logs/flows.log"), flows.concat()).unwrap();
    let lake = path("lake");
    let ingested = Run::new(&["logs", "ingest", &path("logs"), "--lake", &lake]).run();
    assert_eq!(ingested.code, 0, "{}", ingested.stderr);

    let rules = "s3.bucket_blocks_public_access,s3.bucket_requires_tls,ec2.security_group_admin_ports_closed,s3.bucket_versioned,\
        s3.account_blocks_public_access";
    let fix = |more: &[&str]| {
        let out = Run::new(&["fix", "--demo", "--rule", rules]).args(more).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        out.stdout
    };
    let preview: Json = serde_json::from_str(&fix(&["--lake", &lake, "--format", "json"])).unwrap();
    let plan = |rule: &str, id: &str| -> Json {
        let plans = preview["plans"].as_array().unwrap();
        plans.iter().find(|p| p["rule"] == rule && p["resource"]["id"] == id).unwrap()["use"].clone()
    };
    let blocked = plan("s3.bucket_blocks_public_access", BUCKET);
    assert_eq!((&blocked["calls"], &blocked["of_one"]), (&json!(5), &json!(true)), "{blocked}");
    assert_eq!(blocked["operations"], json!([{"operation": "s3:GetObject", "calls": 5}]));
    assert_eq!(blocked["actors"][0], json!({"actor": "arn:aws:iam::111122223333:user/web", "calls": 2}));
    assert_eq!(blocked["actors"].as_array().unwrap().len(), 4);
    assert_eq!(
        (&blocked["stops"]["by"], &blocked["stops"]["surely"], &blocked["stops"]["perhaps"]),
        (&json!("outsiders"), &json!(1), &json!(1))
    );
    // A call over TLS goes on; one whose record tells nothing of TLS is not known.
    let tls = plan("s3.bucket_requires_tls", BUCKET);
    let stops = &tls["stops"];
    assert_eq!((&stops["by"], &stops["surely"], &tls["calls"]), (&json!("policy"), &json!(0), &json!(5)), "{stops}");
    let versioned = plan("s3.bucket_versioned", BUCKET);
    assert_eq!(versioned["stops"], json!({"by": "nothing", "surely": 0, "perhaps": 0, "examples": []}));
    // What takes access away and is not worked out says so.
    let plans = preview["plans"].as_array().unwrap();
    let whole = plans.iter().find(|p| p["rule"] == "s3.account_blocks_public_access").unwrap();
    assert_eq!(whole["use"]["stops"]["by"], "not_worked_out", "{whole}");
    for (lang, said) in [("en", "not worked out for this change"), ("ja", "この変更については判定しない")]
    {
        assert!(fix(&["--lake", &lake, "--lang", lang]).contains(said));
    }
    let bastion = plan("ec2.security_group_admin_ports_closed", "sg-0a1bastion");
    assert_eq!((&bastion["stops"]["by"], &bastion["stops"]["surely"]), (&json!("network"), &json!(2)), "{bastion}");
    assert_eq!((&preview["lake"]["records"], &preview["lake"]["flows"]), (&json!(8), &json!(5)));

    // Every text is there in both languages; the sample's own logs are read where no lake is named, and change no hash.
    for (lang, asked, own) in [("en", "2 accepted flows", "Use is told by"), ("ja", "止まるフロー: 2 件", "利用状況は")]
    {
        assert!(fix(&["--lake", &lake, "--lang", lang]).contains(asked));
        assert!(fix(&["--lang", lang]).contains(own));
    }
    let sample: Json = serde_json::from_str(&fix(&["--format", "json"])).unwrap();
    assert_eq!(sample["hash"], preview["hash"]);
    assert_ne!(sample["lake"]["records"], preview["lake"]["records"]);
}
