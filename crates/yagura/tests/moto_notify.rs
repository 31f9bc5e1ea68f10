//! Deliveries to moto by the real program: what AWS's own SDK finds there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, free, output, python};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use yagura_testkit::{Endpoint, Fault, Receiver, Said};

const CHECKS: &str = "s3.bucket_blocks_public_access,ec2.instance_requires_imdsv2,iam.console_user_has_mfa";
const SIGNING: &str = "0123456789abcdef-signing";

#[test]
fn aws_services_get_every_change_once() {
    let python = python();
    let moto = Server::moto(&python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/notify.py");
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let ask = |words: &[&str]| -> Json {
        serde_json::from_str(&output(Command::new(&python).arg(&script).arg(moto.url()).args(words))).unwrap()
    };
    let made = ask(&["seed", &hook.url(), SIGNING]);
    let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
    // The first publication and the first event are carried out, and their answers lost: both are sent again.
    aws.add(Fault::Lost.on("events:PutEvents").first(1));
    aws.add(Fault::Throttled.on("sns:Publish").first(2));

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let routes = format!(
        "channels:\n  topic: {{kind: sns, topic: '{}', format: json}}\n  fifo: {{kind: sns, topic: '{}'}}\n  \
         bus: {{kind: eventbridge, bus: security}}\n  hub: {{kind: security_hub}}\n  lake: {{kind: s3, bucket: lake}}\n  \
         hook: {{kind: webhook, url: {{secretsmanager: yagura/hook, key: url}}, secret: {{ssm: /yagura/signing}}}}\n\
         routes:\n- {{name: single, to: [topic, bus, hub, hook]}}\n- {{name: many, to: [lake, fifo], group_by: [source]}}\n",
        made["topic"].as_str().unwrap(),
        made["fifo"].as_str().unwrap()
    );
    std::fs::write(path("routes.yaml"), routes).unwrap();
    let run = |words: &[&str]| {
        Run::new(words)
            .env("YAGURA_STATE", &path("state"))
            .env("YAGURA_STORE", &path("f.db"))
            .env("AWS_ENDPOINT_URL", &aws.url())
            .env("AWS_REGION", "us-east-1")
            .run()
    };
    let scan = run(&["scan", "--demo", "--check", CHECKS, "--notify", &path("routes.yaml"), "--format", "jsonl"]);
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    assert!(scan.stderr.contains(" 0 waiting"), "{}", scan.stderr);
    let dead: Json = serde_json::from_str(&run(&["notify", "dead", "--format", "json"]).stdout).unwrap();
    assert_eq!(dead, Json::Array(Vec::new()));
    let listed: Vec<Json> = serde_json::from_str(&run(&["findings", "list", "--format", "json"]).stdout).unwrap();
    let ids: BTreeSet<&str> = listed.iter().map(|f| f["id"].as_str().unwrap()).collect();

    let state = ask(&["state"]);
    let events: Vec<&Json> = state["events"].as_array().unwrap().iter().collect();
    let told: BTreeSet<&str> = events.iter().map(|e| e["detail"]["id"].as_str().unwrap()).collect();
    assert_eq!(told, ids, "EventBridge");
    assert!(events.iter().all(|e| e["source"] == "yagura" && e["detail-type"] == "Yagura Finding"));
    let keys: BTreeSet<&str> = events.iter().map(|e| e["detail"]["notice"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), ids.len(), "what came twice bears the same key");
    assert!(events.len() > keys.len(), "the answer that was lost was asked for again");

    let published: Vec<Json> = (state["sns"].as_array().unwrap().iter())
        .map(|m| serde_json::from_str(m["Message"].as_str().unwrap()).unwrap())
        .collect();
    let told: BTreeSet<&str> = published.iter().map(|m| m["events"][0]["detail"]["id"].as_str().unwrap()).collect();
    assert_eq!((told, published.len()), (ids.clone(), ids.len()), "SNS");

    let hub = state["findings"].as_array().unwrap();
    let ours: Vec<&Json> = hub.iter().filter(|f| f["Id"].as_str().unwrap().starts_with("yagura/")).collect();
    let told: BTreeSet<&str> = ours.iter().map(|f| f["Id"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!((told, ours.len()), (ids.clone(), ids.len()), "Security Hub");
    let others: Vec<&Json> = hub.iter().filter(|f| !f["Id"].as_str().unwrap().starts_with("yagura/")).collect();
    assert_eq!(
        (others.len(), &others[0]["RecordState"]),
        (1, &Json::from("ACTIVE")),
        "others' findings are as they were"
    );

    let objects = state["objects"].as_object().unwrap();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (key, lines) in objects {
        assert!(key.starts_with("ext/yagura-compliance-finding/1.0/region="), "{key}");
        for line in lines.as_str().unwrap().lines() {
            let finding: Json = serde_json::from_str(line).unwrap();
            assert_eq!(finding["class_uid"], 2003);
            told.insert(finding["finding_info"]["uid"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(told.iter().map(String::as_str).collect::<BTreeSet<_>>(), ids, "S3");

    assert_eq!(hook.requests().len(), ids.len(), "a URL of Secrets Manager and a key of Parameter Store");
    for text in [&scan.stdout, &scan.stderr] {
        assert!(!text.contains(SIGNING) && !text.contains(&hook.url()), "{text}");
    }
}

#[test]
fn tls_is_asked_for_and_its_authority_looked_at() {
    let python = python();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/tls.py");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (web, mail) = (free(), free());
    let ports = [web.port().to_string(), mail.port().to_string()];
    let mut command = Command::new(&python);
    let server = Server::start(command.arg(&script).arg(folder.path()).args(&ports), web);
    let routes = format!(
        "channels:\n  hook: {{kind: webhook, url: {{env: HOOK}}, secret: {{env: SIGNING}}}}\n  \
         mail: {{kind: email, host: localhost, port: {}, from: a@example.com, to: [b@example.com]}}\n\
         routes: [{{name: all, to: [hook, mail], group_by: [account]}}]\n",
        mail.port()
    );
    std::fs::write(path("routes.yaml"), routes).unwrap();
    let test = |trusted: &[(&str, String)]| -> (i32, Json) {
        let mut run = Run::new(&["notify", "test", &path("routes.yaml"), "--format", "json"])
            .env("HOOK", &format!("https://localhost:{}/in", web.port()))
            .env("SIGNING", SIGNING);
        for (name, value) in trusted {
            run = run.env(name, value);
        }
        let done = run.run();
        (done.code, serde_json::from_str(&done.stdout).unwrap())
    };
    // Whom nobody trusts gets nothing.
    let (code, said) = test(&[]);
    assert_eq!(code, 1);
    for channel in said.as_array().unwrap() {
        assert!(channel["why"].as_str().unwrap().contains("certificate"), "{channel}");
    }
    assert!(!Path::new(&path("got")).exists());
    let (code, said) = test(&[("AWS_CA_BUNDLE", path("ca.pem")), ("SSL_CERT_FILE", path("ca.pem"))]);
    assert_eq!(code, 0, "{said}");
    let got = std::fs::read_to_string(path("got")).unwrap();
    assert_eq!(
        got.lines().map(|l| l.split(' ').next().unwrap()).collect::<BTreeSet<_>>(),
        BTreeSet::from(["https", "smtp"])
    );
    drop(server);
}
