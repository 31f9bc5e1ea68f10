//! `yagura watch` as a process: events from a folder, an account at an endpoint that fails on purpose, a store, and what it tells.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::ANSWERED;
use common::moto::{Server, output, python};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use yagura_testkit::{Endpoint, Estate, Fault, Reply};

const ACCOUNT: &str = "111122223333";

/// A watch that runs.
struct Watch {
    home: PathBuf,
    child: Child,
    out: PathBuf,
    err: PathBuf,
    address: Option<String>,
}

static NTH: AtomicU64 = AtomicU64::new(0);

impl Watch {
    fn command(home: &Path, url: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command
            .args(["watch", "--store", "findings.db", "--state", "state", "--region", "us-east-1,eu-west-1"])
            .args(["--listen", "127.0.0.1:0", "--events", "logs"])
            .args(more)
            .env_clear()
            .current_dir(home)
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::null());
        command
    }

    fn start(home: &Path, url: &str, more: &[&str]) -> Self {
        std::fs::create_dir_all(home.join("logs")).unwrap();
        let nth = NTH.fetch_add(1, Ordering::Relaxed);
        let (out, err) = (home.join(format!("out.{nth}")), home.join(format!("err.{nth}")));
        let mut command = Self::command(home, url, more);
        let child = command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap()).spawn().unwrap();
        Self { home: home.to_owned(), child, out, err, address: None }
    }

    /// Started, and the first full scan recorded.
    fn ready(home: &Path, url: &str, more: &[&str]) -> Self {
        let mut watch = Self::start(home, url, more);
        watch.until("ready", |w| w.get("/readyz").is_some_and(|(status, _)| status == 200));
        watch
    }

    fn until(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        let started = Instant::now();
        while !done(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{what}: ended with {status}: {}", text(&self.err));
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{what}: {}\n{}", text(&self.err), self.metrics());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn get(&mut self, path: &str) -> Option<(u16, String)> {
        if self.address.is_none() {
            let lines = text(&self.err);
            let line = lines
                .lines()
                .filter_map(|l| serde_json::from_str::<Value>(l).ok())
                .find_map(|l| l["address"].as_str().map(str::to_owned));
            self.address = Some(line?);
        }
        get(self.address.as_ref().unwrap(), path)
    }

    fn metrics(&mut self) -> String {
        self.get("/metrics").map(|(_, body)| body).unwrap_or_default()
    }

    fn metric(&mut self, line: &str) -> f64 {
        let text = self.metrics();
        text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0.0)
    }

    /// Lines on standard output about findings: rule, resource's id, what happened.
    fn told(&self) -> Vec<(String, String, String)> {
        let of = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["event"] == "finding").then(|| {
                let word = |v: &Value| v.as_str().unwrap().to_owned();
                (word(&line["rule"]), word(&line["resource"]["id"]), word(&line["what"]))
            })
        };
        text(&self.out).lines().filter_map(of).collect()
    }

    fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "does not stop: {}", text(&self.err));
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(0), "{}", text(&self.err));
        text(&self.err)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn write(&self, name: &str, events: &[Value]) {
        write(&self.home.join("logs"), name, events);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Writes a CloudTrail file as a whole.
fn write(folder: &Path, name: &str, events: &[Value]) {
    let beside = folder.parent().unwrap().join(format!("{name}.part"));
    std::fs::write(&beside, json!({"Records": events}).to_string()).unwrap();
    std::fs::rename(beside, folder.join(name)).unwrap();
}

fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// An event of now.
fn event(region: &str, service: &str, name: &str, request: Value, response: Value) -> Value {
    let nth = NTH.fetch_add(1, Ordering::Relaxed);
    json!({
        "eventVersion": "1.09", "eventID": format!("{nth:08}-0000-4000-8000-{:012}", std::process::id()), "eventTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": region, "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": format!("arn:aws:iam::{ACCOUNT}:user/ops"), "accountId": ACCOUNT, "userName": "ops", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "requestParameters": request, "responseElements": response, "requestID": format!("r{nth}"), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": ACCOUNT, "eventCategory": "Management"
    })
}

fn block(on: bool) -> Reply {
    Reply::Xml(format!(
        "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><BlockPublicAcls>{on}</BlockPublicAcls>\
         <IgnorePublicAcls>{on}</IgnorePublicAcls><BlockPublicPolicy>{on}</BlockPublicPolicy><RestrictPublicBuckets>{on}</RestrictPublicBuckets>\
         </PublicAccessBlockConfiguration>"
    ))
}

fn buckets(names: &[&str]) -> Reply {
    let one = |n: &&str| {
        format!(
            "<Bucket><Name>{n}</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate><BucketRegion>eu-west-1</BucketRegion></Bucket>"
        )
    };
    let all: String = names.iter().map(one).collect();
    Reply::Xml(format!(
        "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets>{all}</Buckets></ListAllMyBucketsResult>"
    ))
}

fn public_access(name: &str) -> Value {
    event("eu-west-1", "s3", "PutBucketPublicAccessBlock", json!({"bucketName": name}), json!(null))
}

fn sum(requests: &BTreeMap<String, u64>) -> u64 {
    requests.values().sum()
}

const CHECKS: [&str; 2] = ["--check", "s3.bucket_blocks_public_access"];

/// A change of one kind of resource: its event, what AWS answers from then on, and what comes of it.
struct Row {
    what: &'static str,
    event: Value,
    answers: Vec<(&'static str, Reply)>,
    told: (&'static str, &'static str, &'static str),
}

fn rows() -> Vec<Row> {
    let none = Value::Null;
    let key = json!({"KeyMetadata": {"KeyId": "leaving", "Arn": "arn:aws:kms:us-east-1:111122223333:key/leaving", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}});
    let domain = json!({"DomainStatusList": [{"DomainName": "plain", "DomainId": "111122223333/plain", "ARN": "arn:aws:es:us-east-1:111122223333:domain/plain", "EncryptionAtRestOptions": {"Enabled": true}}]});
    let instance = |name: &str| json!({"ReplicationInstanceIdentifier": name, "PubliclyAccessible": false, "ReplicationInstanceArn": format!("arn:aws:dms:eu-west-1:111122223333:rep:{name}")});
    let flow = "<flowLogSet><item><flowLogId>fl-0eu00000000000000</flowLogId><flowLogStatus>ACTIVE</flowLogStatus><resourceId>vpc-0eu</resourceId><trafficType>ALL</trafficType></item></flowLogSet>";
    let group = "<securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-0eu</groupId><groupName>default</groupName><vpcId>vpc-0eu</vpcId><ipPermissions/><ipPermissionsEgress/></item></securityGroupInfo>";
    let strong = "<PasswordPolicy><MinimumPasswordLength>20</MinimumPasswordLength><RequireSymbols>true</RequireSymbols><RequireNumbers>true</RequireNumbers>\
        <RequireUppercaseCharacters>true</RequireUppercaseCharacters><RequireLowercaseCharacters>true</RequireLowercaseCharacters><PasswordReusePrevention>24</PasswordReusePrevention><MaxPasswordAge>90</MaxPasswordAge></PasswordPolicy>";
    let policy = "<UserDetailList/><GroupDetailList/><RoleDetailList/><Policies><member><PolicyName>everything</PolicyName><PolicyId>ANPAeverything</PolicyId>\
        <Arn>arn:aws:iam::111122223333:policy/everything</Arn><DefaultVersionId>v3</DefaultVersionId><PolicyVersionList><member><VersionId>v3</VersionId><IsDefaultVersion>true</IsDefaultVersion>\
        <Document>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D</Document></member></PolicyVersionList></member></Policies><IsTruncated>false</IsTruncated>";
    vec![
        Row {
            what: "bucket",
            event: public_access("open-111122223333"),
            answers: vec![("s3:GetPublicAccessBlock", block(true))],
            told: ("s3.bucket_blocks_public_access", "open-111122223333", "resolved"),
        },
        Row {
            what: "password policy",
            event: event(
                "us-east-1",
                "iam",
                "UpdateAccountPasswordPolicy",
                json!({"minimumPasswordLength": 20}),
                none.clone(),
            ),
            answers: vec![("iam:GetAccountPasswordPolicy", Reply::Xml(strong.into()))],
            told: ("iam.password_policy_strong", ACCOUNT, "resolved"),
        },
        Row {
            what: "EBS default",
            event: event("eu-west-1", "ec2", "EnableEbsEncryptionByDefault", json!({}), none.clone()),
            answers: vec![(
                "ec2:GetEbsEncryptionByDefault",
                Reply::Xml("<ebsEncryptionByDefault>true</ebsEncryptionByDefault>".into()),
            )],
            told: ("ec2.ebs_encrypted_by_default", "eu-west-1", "resolved"),
        },
        Row {
            what: "key",
            event: event("us-east-1", "kms", "CancelKeyDeletion", json!({"keyId": "leaving"}), none.clone()),
            answers: vec![("kms:DescribeKey", Reply::Json(key))],
            told: ("kms.key_not_pending_deletion", "leaving", "resolved"),
        },
        Row {
            what: "domain",
            event: event("us-east-1", "es", "UpdateDomainConfig", json!({"domainName": "plain"}), none.clone()),
            answers: vec![("opensearch:DescribeDomains", Reply::Json(domain))],
            told: ("opensearch.domain_encrypted_at_rest", "plain", "resolved"),
        },
        Row {
            what: "notebook",
            event: event(
                "eu-west-1",
                "sagemaker",
                "UpdateNotebookInstance",
                json!({"notebookInstanceName": "outside"}),
                none.clone(),
            ),
            answers: vec![(
                "sagemaker:DescribeNotebookInstance",
                Reply::Json(json!({"NotebookInstanceName": "outside", "DirectInternetAccess": "Disabled"})),
            )],
            told: ("sagemaker.notebook_without_direct_internet", "outside", "resolved"),
        },
        Row {
            what: "replication instance",
            event: event(
                "eu-west-1",
                "dms",
                "ModifyReplicationInstance",
                json!({"replicationInstanceArn": "arn:aws:dms:eu-west-1:111122223333:rep:outer"}),
                none.clone(),
            ),
            answers: vec![(
                "dms:DescribeReplicationInstances",
                Reply::Json(json!({"ReplicationInstances": [instance("inner"), instance("outer")]})),
            )],
            told: ("dms.replication_instance_not_public", "outer", "resolved"),
        },
        Row {
            what: "flow log for a VPC",
            event: event(
                "eu-west-1",
                "ec2",
                "CreateFlowLogs",
                json!({"CreateFlowLogsRequest": {"ResourceId": {"tag": 1, "content": "vpc-0eu"}}}),
                json!({"CreateFlowLogsResponse": {"flowLogIdSet": {"item": "fl-0eu00000000000000"}}}),
            ),
            answers: vec![("ec2:DescribeFlowLogs", Reply::Xml(flow.into()))],
            told: ("ec2.vpc_flow_logs_enabled", "vpc-0eu", "resolved"),
        },
        Row {
            what: "default security group",
            event: event(
                "eu-west-1",
                "ec2",
                "RevokeSecurityGroupIngress",
                json!({"groupId": "sg-0eu"}),
                json!({"_return": true}),
            ),
            answers: vec![("ec2:DescribeSecurityGroups", Reply::Xml(group.into()))],
            told: ("ec2.default_security_group_closed", "sg-0eu", "resolved"),
        },
        Row {
            what: "policy",
            event: event(
                "us-east-1",
                "iam",
                "CreatePolicyVersion",
                json!({"policyArn": "arn:aws:iam::111122223333:policy/everything", "setAsDefault": true}),
                none.clone(),
            ),
            answers: vec![("iam:GetAccountAuthorizationDetails", Reply::Xml(policy.into()))],
            told: ("iam.policy_without_full_admin", "arn:aws:iam::111122223333:policy/everything", "resolved"),
        },
        Row {
            what: "trail, judged for the account",
            event: event(
                "us-east-1",
                "cloudtrail",
                "StopLogging",
                json!({"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}),
                none.clone(),
            ),
            answers: vec![("cloudtrail:GetTrailStatus", Reply::Json(json!({"IsLogging": false})))],
            told: ("cloudtrail.multi_region_trail_logs_management_events", ACCOUNT, "new"),
        },
        Row {
            what: "bucket gone",
            event: event("eu-west-1", "s3", "DeleteBucket", json!({"bucketName": "open-111122223333"}), none),
            answers: vec![("s3:ListBuckets", buckets(&["closed-111122223333"]))],
            told: ("s3.bucket_default_encryption", "open-111122223333", "resolved"),
        },
    ]
}

#[test]
fn events_reach_verdicts_in_two_seconds_with_three_calls() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut watch = Watch::ready(home.path(), &aws.url(), &["--check", &ANSWERED.join(",")]);
    let mut worst = Duration::ZERO;
    for (nth, row) in rows().into_iter().enumerate() {
        for (call, reply) in &row.answers {
            aws.answer(call, reply.clone());
        }
        let before = aws.requests();
        let wanted = (row.told.0.to_owned(), row.told.1.to_owned(), row.told.2.to_owned());
        assert!(!watch.told().contains(&wanted), "{}: told before", row.what);
        let written = Instant::now();
        watch.write(&format!("{nth}.json"), &[row.event]);
        watch.until(row.what, |w| w.told().contains(&wanted));
        let took = written.elapsed();
        let after = aws.requests();
        let calls: BTreeMap<&String, u64> =
            after.iter().map(|(k, n)| (k, n - before.get(k).unwrap_or(&0))).filter(|(_, n)| *n > 0).collect();
        println!("{}: {:.2} s, {calls:?}", row.what, took.as_secs_f64());
        worst = worst.max(took);
        // A default security group is two kinds of resource in one.
        let most = if row.what == "default security group" { 4 } else { 3 };
        assert!(sum(&after) - sum(&before) <= most, "{}: {calls:?}", row.what);
        assert!(took < Duration::from_secs(2), "{}: {took:?}", row.what);
    }
    println!("the slowest took {:.2} s", worst.as_secs_f64());
    watch.stop();
}

#[test]
fn what_cannot_be_read_is_unsure_and_not_resolved() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut watch = Watch::ready(home.path(), &aws.url(), &CHECKS);
    let told =
        |what: &str| ("s3.bucket_blocks_public_access".to_owned(), "open-111122223333".to_owned(), what.to_owned());
    assert!(watch.told().contains(&told("new")));

    aws.add(Fault::AccessDenied.on("s3:GetPublicAccessBlock"));
    watch.write("denied.json", &[public_access("open-111122223333")]);
    watch.until("denied", |w| w.told().contains(&told("unsure")));
    let line = text(&watch.out);
    let line = line.lines().find(|l| l.contains("\"unsure\"")).unwrap();
    assert!(line.contains("s3:GetBucketPublicAccessBlock"), "{line}");
    assert!(!watch.told().contains(&told("resolved")));

    aws.reset();
    aws.add(Fault::Throttled.on("s3:GetPublicAccessBlock"));
    watch.write("throttled.json", &[public_access("open-111122223333")]);
    watch.until("throttled", |w| w.metric("yagura_rereads_total{outcome=\"later\"}") > 0.0);
    assert!(!watch.told().contains(&told("resolved")), "nothing was read");
    aws.reset();
    aws.answer("s3:GetPublicAccessBlock", block(true));
    // Nobody sends another event: what passes is tried again.
    watch.until("tried again", |w| w.told().contains(&told("resolved")));
    watch.stop();
}

#[test]
fn one_watch_at_a_time_works_on_a_store() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let watch = Watch::ready(home.path(), &aws.url(), &CHECKS);
    let second = Watch::command(home.path(), &aws.url(), &CHECKS).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("process {}", watch.child.id())), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    let log = watch.stop();
    assert!(log.contains("stopped"));
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    Watch::ready(home.path(), &aws.url(), &CHECKS).stop();
}

#[test]
fn nothing_is_missed_over_twenty_kills() {
    const KILLS: usize = 20;
    let names: Vec<String> = (0..=KILLS).map(|n| format!("bucket-{n:02}")).collect();
    let left = |from: usize| buckets(&names[from..].iter().map(String::as_str).collect::<Vec<_>>());
    let aws = Endpoint::start(
        Estate::small()
            .with("s3:GetPublicAccessBlock", Reply::error(404, "NoSuchPublicAccessBlockConfiguration", "none")),
    )
    .unwrap();
    aws.answer("s3:ListBuckets", left(0));
    let home = tempfile::tempdir().unwrap();
    let mut told: Vec<(String, String, String)> = Vec::new();
    Watch::ready(home.path(), &aws.url(), &CHECKS).kill();
    for (nth, name) in names[..KILLS].iter().enumerate() {
        // One bucket goes each time, and only its own event tells.
        aws.answer("s3:ListBuckets", left(nth + 1));
        let watch = Watch::start(home.path(), &aws.url(), &CHECKS);
        std::thread::sleep(Duration::from_millis((nth as u64 * 97) % 700));
        watch.write(
            &format!("{nth:02}.json"),
            &[event("eu-west-1", "s3", "DeleteBucket", json!({"bucketName": name}), json!(null))],
        );
        std::thread::sleep(Duration::from_millis(100 + (nth as u64 * 173) % 1200));
        told.extend(watch.told());
        watch.kill();
    }
    let mut last = Watch::ready(home.path(), &aws.url(), &CHECKS);
    let resolved = |told: &[(String, String, String)]| -> Vec<String> {
        told.iter().filter(|t| t.2 == "resolved").map(|t| t.1.clone()).collect()
    };
    // What was recorded just before a kill may not have been told: the store tells.
    let open = |home: &Path| {
        let list = Command::new(env!("CARGO_BIN_EXE_yagura"))
            .args(["findings", "list", "--store", "findings.db", "--format", "jsonl"])
            .current_dir(home)
            .env("HOME", home)
            .output()
            .unwrap();
        let text = String::from_utf8(list.stdout).unwrap();
        let ids = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|v| v["stage"] != "resolved");
        ids.map(|v| v["resource"]["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let wanted = BTreeSet::from([names[KILLS].clone()]);
    last.until("all resolved", |w| open(&w.home) == wanted);
    told.extend(last.told());
    let mut once = resolved(&told);
    println!("{} of {KILLS} told as resolved before the process that recorded them was killed", once.len());
    once.sort();
    let before = once.len();
    once.dedup();
    assert_eq!(before, once.len(), "no change is told twice");
    assert_eq!(last.metric("yagura_full_scans_total{outcome=\"done\"}"), 0.0, "all of it by events");
    last.stop();
}

/// A line of Prometheus' text format 0.0.4, strictly: name, labels, value.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let is_name = |n: &str| {
        !n.is_empty()
            && n.chars()
                .enumerate()
                .all(|(at, c)| c.is_ascii_alphabetic() || c == '_' || c == ':' || (at > 0 && c.is_ascii_digit()))
    };
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (mut value, mut chars) = (String::new(), after.char_indices());
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        c @ ('"' | '\\') => c,
                        other => panic!("{other}: {line}"),
                    }),
                    (_, c) => value.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = &after[end + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().parse().unwrap())
}

#[test]
fn metrics_are_prometheus_text_and_the_port_bears_bad_clients() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut watch = Watch::ready(home.path(), &aws.url(), &CHECKS);
    watch.write(
        "a.json",
        &[
            public_access("open-111122223333"),
            event("eu-west-1", "ec2", "CreateKeyPair", json!({"keyName": "k\"\\"}), json!(null)),
        ],
    );
    watch.until("read", |w| w.metric("yagura_verdict_seconds_count") > 0.0);
    let text = watch.metrics();
    let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            current = rest.split(' ').next().unwrap().to_owned();
            assert!(rest.len() > current.len() + 5, "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "TYPE follows HELP");
            assert!(["counter", "gauge", "histogram"].contains(&kind));
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
        } else {
            let (name, labels, value) = sample(line);
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|e| name.strip_suffix(e))
                .filter(|b| types.get(*b).is_some_and(|t| t == "histogram"))
                .unwrap_or(&name);
            assert_eq!(base, current, "{line}");
            assert!(values.insert((name, labels), value).is_none(), "{line} twice");
        }
    }
    let of = |name: &str| values.iter().filter(|((n, _), _)| n == name).map(|(_, v)| *v).collect::<Vec<_>>();
    let mut below = 0.0;
    let mut buckets: Vec<(f64, f64)> = values
        .iter()
        .filter(|((n, _), _)| n == "yagura_verdict_seconds_bucket")
        .map(|((_, l), v)| (l["le"].replace('+', "").parse().unwrap(), *v))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, n) in &buckets {
        assert!(*n >= below);
        below = *n;
    }
    assert_eq!(vec![below], of("yagura_verdict_seconds_count"));
    for name in [
        "yagura_build_info",
        "yagura_api_requests_total",
        "yagura_last_full_scan_timestamp_seconds",
        "process_resident_memory_bytes",
    ] {
        assert!(of(name)[0] > 0.0, "{name}");
    }
    assert_eq!(of("yagura_unmapped_total"), [1.0]);

    let address = watch.address.clone().unwrap();
    let quiet: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut huge = TcpStream::connect(&address).unwrap();
    let _ = write!(huge, "GET /metrics HTTP/1.1\r\nX: {}\r\n", "x".repeat(200_000));
    let started = Instant::now();
    assert_eq!(get(&address, "/healthz").map(|a| a.0), Some(200), "clients that say nothing keep nobody out");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    drop(quiet);
    assert_eq!(get(&address, "/other").map(|a| a.0), Some(404));
    let mut post = TcpStream::connect(&address).unwrap();
    write!(post, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    post.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    watch.stop();
}

#[test]
fn a_queue_is_read_and_a_message_deleted_when_its_verdict_is_recorded() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let nothing = Reply::Json(json!({}));
    aws.answer("sqs:ReceiveMessage", nothing.clone());
    aws.answer("sqs:DeleteMessage", nothing.clone());
    let queue = format!("{}/{ACCOUNT}/yagura", aws.url());
    let mut watch =
        Watch::ready(home.path(), &aws.url(), &["--check", "s3.bucket_blocks_public_access", "--events", &queue]);
    aws.answer("s3:GetPublicAccessBlock", block(true));
    let change = public_access("open-111122223333");
    let body = json!({"version": "0", "id": "6f1c", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "account": ACCOUNT, "time": change["eventTime"], "region": "eu-west-1", "resources": [], "detail": change});
    let message =
        |id: &str, body: &str| json!({"MessageId": id, "ReceiptHandle": format!("handle-{id}"), "Body": body});
    let messages = json!({"Messages": [message("one", &body.to_string()), message("odd", "what is this")]});
    aws.answer("sqs:ReceiveMessage", Reply::Json(messages));
    let told = ("s3.bucket_blocks_public_access".to_owned(), "open-111122223333".to_owned(), "resolved".to_owned());
    watch.until("deleted", |w| {
        let deleted = aws.requests().contains_key("sqs:DeleteMessage");
        assert!(!deleted || w.told().contains(&told), "deleted before its verdict was recorded");
        deleted
    });
    watch.until("again and again", |w| w.metric("yagura_events_total{outcome=\"duplicate\"}") > 3.0);
    aws.answer("sqs:ReceiveMessage", nothing);
    assert_eq!(watch.metric("yagura_events_total{outcome=\"change\"}"), 1.0);
    assert!(watch.metric("yagura_errors_total{kind=\"message\"}") > 0.0);
    assert_eq!(watch.told().iter().filter(|t| **t == told).count(), 1);
    watch.stop();
}

/// A week in under a minute: full scans every few seconds for hours, thousands of events a day, a setting that goes to and fro.
#[test]
fn a_week_leaks_nothing_and_tells_every_change_once() {
    const DAYS: usize = 7;
    const EVENTS: usize = 3000;
    let aws = Endpoint::start(Estate::small()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut watch = Watch::ready(home.path(), &aws.url(), &["--check", &ANSWERED.join(","), "--every", "2s"]);
    let id = "open-111122223333";
    let changes = |w: &Watch, what: &str| {
        w.told().iter().filter(|t| t.0 == "s3.bucket_blocks_public_access" && t.1 == id && t.2 == what).count()
    };
    let mut first = 0.0;
    for day in 0..DAYS {
        let closed = day % 2 == 0;
        aws.answer("s3:GetPublicAccessBlock", block(closed));
        let mut events: Vec<Value> = (0..EVENTS)
            .map(|n| match n % 5 {
                0 => public_access(id),
                1 => event(
                    "us-east-1",
                    "iam",
                    "UpdateAccountPasswordPolicy",
                    json!({"minimumPasswordLength": 6}),
                    json!(null),
                ),
                2 => event("us-east-1", "kms", "EnableKeyRotation", json!({"keyId": "used"}), json!(null)),
                3 => event("eu-west-1", "ec2", &format!("CreateThing{}", n % 400), json!({"thing": n}), json!(null)),
                _ => event("eu-west-1", "ec2", "RevokeSecurityGroupIngress", json!({"groupId": "sg-0eu"}), json!(null)),
            })
            .collect();
        // A tenth is delivered again.
        events.extend_from_within(..EVENTS / 10);
        for (part, events) in events.chunks(500).enumerate() {
            watch.write(&format!("{day}-{part}.json"), events);
        }
        let wanted = if closed { ("resolved", day / 2 + 1) } else { ("reopened", day.div_ceil(2)) };
        watch.until("the day's change", |w| changes(w, wanted.0) >= wanted.1);
        watch.until("all of the day", |w| {
            w.metric("yagura_events_total{outcome=\"read\"}") >= ((day + 1) * (EVENTS + EVENTS / 10)) as f64
        });
        std::thread::sleep(Duration::from_millis(4500));
        let memory = watch.metric("process_resident_memory_bytes") / 1_048_576.0;
        println!(
            "day {day}: {memory:.0} MiB, {} full scans",
            watch.metric("yagura_full_scans_total{outcome=\"done\"}")
        );
        if day == 1 {
            first = memory;
        }
    }
    let last = watch.metric("process_resident_memory_bytes") / 1_048_576.0;
    println!("{} events; resident: {first:.0} MiB after two days, {last:.0} MiB after seven", DAYS * EVENTS);
    assert!(last < first * 1.25 + 8.0, "{first} -> {last} MiB");
    assert!(watch.metric("yagura_full_scans_total{outcome=\"done\"}") >= 8.0);
    assert_eq!((changes(&watch, "resolved"), changes(&watch, "reopened")), (4, 3));
    let duplicates = watch.metric("yagura_events_total{outcome=\"duplicate\"}");
    assert_eq!(duplicates, (DAYS * EVENTS / 10) as f64);
    watch.stop();
}

/// A trail's bucket on moto: its files are told by a queue (Amazon S3's own notification), or found by looking at the prefix.
#[test]
fn files_in_a_bucket_are_told_by_a_queue_or_found() {
    let python = python();
    for by_queue in [true, false] {
        let moto = Server::moto(&python);
        let boto = |code: &str| {
            let clients = format!(
                "import boto3, gzip, datetime; k = dict(endpoint_url='{}', region_name='us-east-1', aws_access_key_id='testing', aws_secret_access_key='testing'); \
                 s3 = boto3.client('s3', **k); sqs = boto3.client('sqs', **k)\n{code}",
                moto.url()
            );
            output(Command::new(&python).args(["-c", &clients]))
        };
        let queue = boto(
            "s3.create_bucket(Bucket='trail'); s3.create_bucket(Bucket='target'); q = sqs.create_queue(QueueName='yagura')['QueueUrl']\n\
             arn = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=['QueueArn'])['Attributes']['QueueArn']\n\
             s3.put_bucket_notification_configuration(Bucket='trail', NotificationConfiguration={'QueueConfigurations': [{'QueueArn': arn, 'Events': ['s3:ObjectCreated:*']}]})\n\
             print(q)",
        );
        let (queue, prefix) = (queue.trim().to_owned(), "s3://trail/AWSLogs".to_owned());
        let home = tempfile::tempdir().unwrap();
        let source = if by_queue { &queue } else { &prefix };
        let mut watch = Watch::ready(
            home.path(),
            &moto.url(),
            &["--check", "s3.bucket_blocks_public_access", "--events", source, "--look", "1"],
        );
        let told = |id: &str, what: &str| ("s3.bucket_blocks_public_access".to_owned(), id.to_owned(), what.to_owned());
        assert!(watch.told().contains(&told("target", "new")));
        let deliver = |name: &str, mut event: Value| {
            event["recipientAccountId"] = json!("123456789012");
            let file = home.path().join(name);
            std::fs::write(&file, json!({"Records": [event]}).to_string()).unwrap();
            boto(&format!(
                "day = datetime.datetime.now(datetime.timezone.utc).strftime('%Y/%m/%d')\n\
                 s3.put_object(Bucket='trail', Key=f'AWSLogs/123456789012/CloudTrail/us-east-1/{{day}}/{name}.json.gz', Body=gzip.compress(open('{}', 'rb').read()))",
                file.display()
            ));
        };
        boto(
            "s3.put_public_access_block(Bucket='target', PublicAccessBlockConfiguration=dict(BlockPublicAcls=True, IgnorePublicAcls=True, BlockPublicPolicy=True, RestrictPublicBuckets=True))",
        );
        deliver("one", public_access("target"));
        watch.until("changed", |w| w.told().contains(&told("target", "resolved")));
        boto("s3.create_bucket(Bucket='fresh')");
        deliver("two", event("us-east-1", "s3", "CreateBucket", json!({"bucketName": "fresh"}), json!(null)));
        watch.until("made", |w| w.told().contains(&told("fresh", "new")));
        if by_queue {
            let left = || {
                boto(&format!(
                    "a = sqs.get_queue_attributes(QueueUrl='{queue}', AttributeNames=['All'])['Attributes']; print(int(a['ApproximateNumberOfMessages']) + int(a['ApproximateNumberOfMessagesNotVisible']))"
                ))
            };
            watch.until("deleted", |_| left().trim() == "0");
        }
        watch.stop();
    }
}
