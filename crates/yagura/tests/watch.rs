//! `yagura watch` as a process: events from a folder, an account at an endpoint that fails on purpose, a store, and what it tells.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::ANSWERED;
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
            let line = lines.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()).find_map(|l| l["address"].as_str().map(str::to_owned));
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
    let one = |n: &&str| format!("<Bucket><Name>{n}</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate><BucketRegion>eu-west-1</BucketRegion></Bucket>");
    let all: String = names.iter().map(one).collect();
    Reply::Xml(format!("<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets>{all}</Buckets></ListAllMyBucketsResult>"))
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
        Row { what: "bucket", event: public_access("open-111122223333"), answers: vec![("s3:GetPublicAccessBlock", block(true))], told: ("s3.bucket_blocks_public_access", "open-111122223333", "resolved") },
        Row { what: "password policy", event: event("us-east-1", "iam", "UpdateAccountPasswordPolicy", json!({"minimumPasswordLength": 20}), none.clone()), answers: vec![("iam:GetAccountPasswordPolicy", Reply::Xml(strong.into()))], told: ("iam.password_policy_strong", ACCOUNT, "resolved") },
        Row { what: "EBS default", event: event("eu-west-1", "ec2", "EnableEbsEncryptionByDefault", json!({}), none.clone()), answers: vec![("ec2:GetEbsEncryptionByDefault", Reply::Xml("<ebsEncryptionByDefault>true</ebsEncryptionByDefault>".into()))], told: ("ec2.ebs_encrypted_by_default", "eu-west-1", "resolved") },
        Row { what: "key", event: event("us-east-1", "kms", "CancelKeyDeletion", json!({"keyId": "leaving"}), none.clone()), answers: vec![("kms:DescribeKey", Reply::Json(key))], told: ("kms.key_not_pending_deletion", "leaving", "resolved") },
        Row { what: "domain", event: event("us-east-1", "es", "UpdateDomainConfig", json!({"domainName": "plain"}), none.clone()), answers: vec![("opensearch:DescribeDomains", Reply::Json(domain))], told: ("opensearch.domain_encrypted_at_rest", "plain", "resolved") },
        Row { what: "notebook", event: event("eu-west-1", "sagemaker", "UpdateNotebookInstance", json!({"notebookInstanceName": "outside"}), none.clone()), answers: vec![("sagemaker:DescribeNotebookInstance", Reply::Json(json!({"NotebookInstanceName": "outside", "DirectInternetAccess": "Disabled"})))], told: ("sagemaker.notebook_without_direct_internet", "outside", "resolved") },
        Row { what: "replication instance", event: event("eu-west-1", "dms", "ModifyReplicationInstance", json!({"replicationInstanceArn": "arn:aws:dms:eu-west-1:111122223333:rep:outer"}), none.clone()), answers: vec![("dms:DescribeReplicationInstances", Reply::Json(json!({"ReplicationInstances": [instance("inner"), instance("outer")]})))], told: ("dms.replication_instance_not_public", "outer", "resolved") },
        Row { what: "flow log for a VPC", event: event("eu-west-1", "ec2", "CreateFlowLogs", json!({"CreateFlowLogsRequest": {"ResourceId": {"tag": 1, "content": "vpc-0eu"}}}), json!({"CreateFlowLogsResponse": {"flowLogIdSet": {"item": "fl-0eu00000000000000"}}})), answers: vec![("ec2:DescribeFlowLogs", Reply::Xml(flow.into()))], told: ("ec2.vpc_flow_logs_enabled", "vpc-0eu", "resolved") },
        Row { what: "default security group", event: event("eu-west-1", "ec2", "RevokeSecurityGroupIngress", json!({"groupId": "sg-0eu"}), json!({"_return": true})), answers: vec![("ec2:DescribeSecurityGroups", Reply::Xml(group.into()))], told: ("ec2.default_security_group_closed", "sg-0eu", "resolved") },
        Row { what: "policy", event: event("us-east-1", "iam", "CreatePolicyVersion", json!({"policyArn": "arn:aws:iam::111122223333:policy/everything", "setAsDefault": true}), none.clone()), answers: vec![("iam:GetAccountAuthorizationDetails", Reply::Xml(policy.into()))], told: ("iam.policy_without_full_admin", "arn:aws:iam::111122223333:policy/everything", "resolved") },
        Row { what: "trail, judged for the account", event: event("us-east-1", "cloudtrail", "StopLogging", json!({"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}), none.clone()), answers: vec![("cloudtrail:GetTrailStatus", Reply::Json(json!({"IsLogging": false})))], told: ("cloudtrail.multi_region_trail_logs_management_events", ACCOUNT, "new") },
        Row { what: "bucket gone", event: event("eu-west-1", "s3", "DeleteBucket", json!({"bucketName": "open-111122223333"}), none), answers: vec![("s3:ListBuckets", buckets(&["closed-111122223333"]))], told: ("s3.bucket_default_encryption", "open-111122223333", "resolved") },
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
        let calls: BTreeMap<&String, u64> = after.iter().map(|(k, n)| (k, n - before.get(k).unwrap_or(&0))).filter(|(_, n)| *n > 0).collect();
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
