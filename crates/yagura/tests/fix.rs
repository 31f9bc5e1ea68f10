//! `fix` and `undo` on moto: a fault at every single call of a plan, a killed program, texts and exit codes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use yagura_testkit::{Endpoint, Fault};

/// What fails in an account that nobody has set up, and calls can mend.
const RULES: [&str; 7] = [
    "config.recorder_records_all_resources",
    "ec2.vpc_flow_logs_enabled",
    "ec2.default_security_group_closed",
    "ec2.ebs_encrypted_by_default",
    "guardduty.detector_enabled",
    "iam.password_policy_strong",
    "s3.account_blocks_public_access",
];

struct Account {
    aws: Endpoint,
    state: tempfile::TempDir,
    _moto: Server,
}

impl Account {
    fn new() -> Self {
        let moto = Server::moto(&python());
        let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
        Self { aws, state: tempfile::tempdir().unwrap(), _moto: moto }
    }

    fn run(&self, words: &[&str]) -> Run {
        Run::new(words)
            .args(&["--region", "us-east-1", "--timeout", "5"])
            .env("AWS_ENDPOINT_URL", &self.aws.url())
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("YAGURA_STATE", self.state.path().to_str().unwrap())
            .within(Duration::from_secs(120))
    }

    fn fix(&self, rule: &str, more: &[&str]) -> (i32, Value) {
        let out = self.run(&[&["fix", "--rule", rule, "--format", "json"], more].concat()).run();
        (out.code, serde_json::from_str(&out.stdout).unwrap_or(Value::String(out.stderr)))
    }

    fn undo(&self, run: &str) -> (i32, Value) {
        let out = self.run(&["undo", run, "--format", "json"]).run();
        (out.code, serde_json::from_str(&out.stdout).unwrap_or(Value::String(out.stderr)))
    }

    /// What the plans of a rule rest on, and what they would do.
    fn preview(&self, rule: &str) -> Value {
        let (code, preview) = self.fix(rule, &[]);
        assert_eq!(code, 0, "{rule}: {preview}");
        assert!(!preview["plans"].as_array().unwrap().is_empty(), "{rule}: {preview}");
        preview
    }

    /// The runs' journals, newest last.
    fn runs(&self) -> Vec<String> {
        let out = self.run(&["undo", "--format", "json"]).run();
        let runs: Value = serde_json::from_str(&out.stdout).unwrap();
        runs.as_array().unwrap().iter().rev().map(|r| r["run"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_fault_at_any_call_stops_there_and_the_undo_restores() {
    let account = Account::new();
    let faults = [Fault::AccessDenied, Fault::Lost, Fault::Reset, Fault::ServerError, Fault::Throttled];
    let mut tried = 0;
    for rule in RULES {
        let before = account.preview(rule);
        let hash = before["hash"].as_str().unwrap();
        let calls: Vec<&str> =
            before["plans"][0]["calls"].as_array().unwrap().iter().map(|c| c["call"].as_str().unwrap()).collect();
        for (nth, call) in calls.iter().enumerate() {
            let fault = faults[(nth + tried) % faults.len()].clone();
            account.aws.add(fault.clone().on(call));
            let (code, out) = account.fix(rule, &["--apply", hash]);
            account.aws.reset();
            assert_eq!(code, 1, "{rule}: {fault:?} on {call}: {out}");
            let failed = out["failed"].as_array().unwrap();
            assert!(
                failed.len() == 1 && failed[0]["why"].as_str().unwrap().contains(call),
                "{fault:?} on {call}: {out}"
            );
            let (code, undone) = account.undo(out["run"].as_str().unwrap());
            assert_eq!((code, &undone["failed"]), (0, &Value::Array(Vec::new())), "{fault:?} on {call}: {undone}");
            assert_eq!(account.preview(rule), before, "{rule}: after {fault:?} on {call} everything is as before");
            tried += 1;
        }
    }
    println!("{tried} faults, one at each call of {} plans", RULES.len());
    assert!(tried >= 17, "{tried}");
}

#[test]
fn a_killed_run_is_taken_back() {
    let account = Account::new();
    let rule = "ec2.vpc_flow_logs_enabled";
    let before = account.preview(rule);
    // The second last call never answers; the program is killed while it waits.
    account.aws.add(Fault::Hang.on("iam:PutRolePolicy"));
    let words = ["fix", "--rule", rule, "--apply", before["hash"].as_str().unwrap()];
    let mut child = account.run(&words).spawn();
    let journal = |run: &str| {
        std::fs::read_to_string(account.state.path().join("runs").join(format!("{run}.jsonl"))).unwrap_or_default()
    };
    for _ in 0..600 {
        std::thread::sleep(Duration::from_millis(50));
        let begun = std::fs::read_dir(account.state.path().join("runs")).into_iter().flatten().flatten().next();
        let name = begun.and_then(|e| e.file_name().to_str().map(|n| n.trim_end_matches(".jsonl").to_owned()));
        if name.is_some_and(|n| journal(&n).contains("\"step\":3")) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    account.aws.reset();
    let runs = account.runs();
    assert_eq!(runs.len(), 1);
    let (code, undone) = account.undo(&runs[0]);
    assert_eq!((code, &undone["failed"]), (0, &Value::Array(Vec::new())), "{undone}");
    assert_eq!(account.preview(rule), before);
    for (lang, back) in
        [("en", "UTC  1 plan, taken back\n    ec2.vpc_flow_logs_enabled  "), ("ja", "計画 1 件、取り消し済み")]
    {
        let listed = account.run(&["undo", "--lang", lang]).run().stdout;
        assert!(listed.contains(back), "{listed}");
    }
}

#[test]
fn wrong_hashes_and_too_many_plans_change_nothing() {
    let account = Account::new();
    let before = account.preview("ec2.default_security_group_closed");
    let hash = before["hash"].as_str().unwrap();
    assert_eq!(account.fix("ec2.default_security_group_closed", &["--apply", "abc"]).0, 2);
    assert_eq!(account.fix("ec2.default_security_group_closed", &["--apply", hash, "--max", "0"]).0, 2);
    let (code, short) = account.fix("ec2.default_security_group_closed", &["--apply", &hash[..16]]);
    assert!(code == 2 && short.as_str().unwrap().contains("cut short"), "{short}");
    let (code, nobody) = account.fix("ec2.default_security_group_closed", &["sg-nobody"]);
    assert!(
        code == 2 && nobody.as_str().unwrap().contains("nothing that fails here is called `sg-nobody`"),
        "{nobody}"
    );
    assert_eq!(account.fix("no.such_check", &[]).0, 2);
    assert_eq!(account.preview("ec2.default_security_group_closed"), before);
    // Without a lake nobody was asked who uses the resources, and that is said.
    assert_eq!((&before["lake"], &before["plans"][0]["use"]), (&Value::Null, &Value::Null));
    for (lang, said) in [("en", "was not asked: --lake DIR"), ("ja", "調べていない（--lake DIR で指定）")] {
        let out = account.run(&["fix", "--rule", "ec2.default_security_group_closed", "--lang", lang]).run();
        assert!(out.stdout.contains(said), "{}", out.stdout);
    }
    let (code, out) = account.undo("20200101T000000-abcdef");
    assert_eq!(code, 2, "{out}");
    assert_eq!(account.runs(), Vec::<String>::new());
}

#[test]
fn the_sample_estate_has_plans_in_both_languages() {
    for (lang, nothing) in [("en", "Nothing was changed."), ("ja", "何も変更していない。")] {
        let out = Run::new(&["fix", "--demo", "--lang", lang]).run();
        assert_eq!(out.code, 0, "{}", out.stderr);
        assert!(out.stdout.contains(nothing) && out.stdout.contains("→ s3:PutPublicAccessBlock"), "{}", out.stdout);
        assert!(!out.stdout.contains("--apply"), "the sample estate cannot be changed");
    }
    let out = Run::new(&["fix", "--demo", "--framework", "aws-26", "--format", "json"]).run();
    let preview: Value = serde_json::from_str(&out.stdout).unwrap();
    for plan in preview["plans"].as_array().unwrap() {
        assert!(plan["maps"].as_array().unwrap().iter().any(|m| m.as_str().unwrap().starts_with("aws-26/")), "{plan}");
        assert!(!plan["calls"].as_array().unwrap().is_empty() && plan["undo"].is_array(), "{plan}");
    }
    assert!(preview["not_mendable"].as_array().unwrap().iter().all(|n| !n["why"].as_str().unwrap().is_empty()));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/remedies").is_dir());
}

/// Makes what an incident may be about, and tells the state of all of it.
const INCIDENT: &str = r#"
import boto3, json, sys
url, what = sys.argv[1:]
c = lambda s: boto3.client(s, region_name="us-east-1", endpoint_url=url, aws_access_key_id="t", aws_secret_access_key="t")
iam, s3, ec2 = c("iam"), c("s3"), c("ec2")
if what == "make":
    iam.create_user(UserName="mallory"); iam.create_access_key(UserName="mallory")
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
    s3.create_bucket(Bucket="evidence")
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
groups = lambda i: [[g["GroupId"] for g in n["Groups"]] for n in i["NetworkInterfaces"]]
instances = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
def policy():
    try: return s3.get_bucket_policy(Bucket="evidence")["Policy"]
    except Exception: return None
print(json.dumps({
    "instance": instances[0]["InstanceId"], "groups": [groups(i) for i in instances],
    "rules": sorted([g["GroupName"], len(g["IpPermissions"]), len(g["IpPermissionsEgress"])] for g in ec2.describe_security_groups()["SecurityGroups"]),
    "keys": [k["Status"] for k in iam.list_access_keys(UserName="mallory")["AccessKeyMetadata"]],
    "user": iam.list_user_policies(UserName="mallory")["PolicyNames"], "role": iam.list_role_policies(RoleName="deploy")["PolicyNames"],
    "bucket": policy(), "snapshots": len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]),
}))
"#;

#[test]
fn what_an_incident_is_about_is_contained_and_let_go_again() {
    let account = Account::new();
    let look = |what: &str| -> Value {
        serde_json::from_str(&output(Command::new(python()).args(["-c", INCIDENT, &account.aws.url(), what]))).unwrap()
    };
    let before = look("make");
    let instance = before["instance"].as_str().unwrap().to_owned();
    let listed = account.run(&["contain", "--format", "json"]).run();
    let actions: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert!(actions.as_array().unwrap().len() >= 5, "{actions}");
    for (action, resource, part) in [
        ("iam.block_user", "mallory", "user"),
        ("iam.revoke_role_sessions", "deploy", "role"),
        ("iam.block_role", "deploy", "role"),
        ("s3.lock_bucket", "evidence", "bucket"),
        ("ec2.quarantine_instance", instance.as_str(), "groups"),
    ] {
        let contain = |more: &[&str]| {
            let out = account.run(&[&["contain", action, resource, "--format", "json"], more].concat()).run();
            (out.code, serde_json::from_str::<Value>(&out.stdout).unwrap_or(Value::String(out.stderr)))
        };
        let (code, preview) = contain(&[]);
        assert_eq!(code, 0, "{action}: {preview}");
        assert_eq!(contain(&["--apply", "00"]).0, 2);
        assert_eq!(look("look")[part], before[part], "{action}: a preview changes nothing");
        let (code, done) = contain(&["--apply", preview["hash"].as_str().unwrap()]);
        assert_eq!((code, &done["failed"]), (0, &Value::Array(Vec::new())), "{action}: {done}");
        let now = look("look");
        assert_ne!(now[part], before[part], "{action}");
        match action {
            "iam.block_user" => assert_eq!(now["keys"], serde_json::json!(["Inactive"])),
            "ec2.quarantine_instance" => {
                let rules = now["rules"].as_array().unwrap();
                let quarantine =
                    rules.iter().find(|r| r[0].as_str().unwrap().starts_with("yagura-quarantine")).unwrap();
                assert_eq!(
                    (&quarantine[1], &quarantine[2]),
                    (&Value::from(0), &Value::from(0)),
                    "lets nothing in or out"
                );
                assert!(now["snapshots"].as_u64() > before["snapshots"].as_u64(), "the evidence comes first");
            }
            _ => {}
        }
        let (code, undone) = account.undo(done["run"].as_str().unwrap());
        assert_eq!((code, &undone["failed"]), (0, &Value::Array(Vec::new())), "{action}: {undone}");
        let after = look("look");
        for same in ["user", "role", "keys", "bucket", "groups", "rules"] {
            assert_eq!(after[same], before[same], "{action}: {same}");
        }
    }
    let out = account.run(&["contain", "iam.block_user", "malory"]).run();
    assert!(out.code == 2 && out.stderr.contains("mallory"), "{}", out.stderr);
}

/// Cloud Custodian's policies on instances and a bucket, with actions that become plans and some that do not.
const POLICIES: &str = "policies:
- name: stop-them
  resource: ec2
  filters: [{type: value, key: State.Name, value: running}]
  actions:
  - {type: mark-for-op, tag: c7n, op: terminate, days: 3}
  - {type: tag, tags: {owner: team}}
  - stop
  - terminate
- name: close-them
  resource: s3
  actions:
  - set-public-block
  - {type: tag, key: owner, value: team}
  - {type: toggle-versioning, enabled: true}
";

const RESOURCES: &str = r#"
import boto3, json, sys
url, what = sys.argv[1:]
c = lambda s: boto3.client(s, region_name="us-east-1", endpoint_url=url, aws_access_key_id="t", aws_secret_access_key="t")
s3, ec2 = c("s3"), c("ec2")
if what == "make":
    s3.create_bucket(Bucket="evidence")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "nobody"}]}]
    ec2.run_instances(ImageId="ami-12345678", InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=tags)
def tries(call):
    try: return call()
    except Exception as e: return type(e).__name__
instances = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
print(json.dumps({
    "states": [i["State"]["Name"] for i in instances], "tags": [sorted((t["Key"], t["Value"]) for t in i.get("Tags", [])) for i in instances],
    "block": tries(lambda: s3.get_public_access_block(Bucket="evidence")["PublicAccessBlockConfiguration"]),
    "bucket": tries(lambda: s3.get_bucket_tagging(Bucket="evidence")["TagSet"]),
}))
"#;

#[test]
fn actions_of_policies_are_plans_and_are_taken_back() {
    let account = Account::new();
    let look = |what: &str| -> Value {
        serde_json::from_str(&output(Command::new(python()).args(["-c", RESOURCES, &account.aws.url(), what]))).unwrap()
    };
    let before = look("make");
    let file = account.state.path().join("policies.yml");
    std::fs::write(&file, POLICIES).unwrap();
    let run = |more: &[&str]| {
        let words = ["custodian", "run", "-p", file.to_str().unwrap(), "--plan", "--format", "json"];
        let out = account.run(&[&words[..], more].concat()).run();
        (out.code, serde_json::from_str::<Value>(&out.stdout).unwrap_or(Value::String(out.stderr)))
    };
    let (code, preview) = run(&[]);
    assert_eq!(code, 0, "{preview}");
    assert_eq!(look("look"), before, "a preview changes nothing");
    let plans: Vec<&str> = preview["plans"].as_array().unwrap().iter().map(|p| p["remedy"].as_str().unwrap()).collect();
    let wanted = [
        "custodian.ec2_tag",
        "custodian.ec2_tag",
        "custodian.ec2_stop",
        "custodian.s3_set_public_block",
        "custodian.s3_tag",
    ];
    assert_eq!(plans, wanted, "{preview}");
    let left: Vec<(&str, &str)> = preview["not_mendable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["rule"].as_str().unwrap(), l["why"].as_str().unwrap()))
        .collect();
    assert!(left.len() == 2 && left[0].0 == "stop-them terminate" && left[0].1.contains("deletes data"), "{left:?}");
    assert!(left[1].0 == "close-them toggle-versioning" && left[1].1.contains("s3.bucket"), "{left:?}");
    assert_eq!(run(&["--apply", "00"]).0, 2);
    let (code, done) = run(&["--apply", preview["hash"].as_str().unwrap()]);
    assert_eq!((code, &done["failed"]), (0, &Value::Array(Vec::new())), "{done}");
    let after = look("look");
    assert!(after["states"][0].as_str().unwrap().starts_with("stop"), "{after}");
    assert_eq!(after["tags"][0][1], serde_json::json!(["owner", "team"]), "{after}");
    assert!(after["tags"][0][0][1].as_str().unwrap().starts_with("Resource does not meet policy: terminate@"));
    assert_eq!(after["block"]["BlockPublicAcls"], Value::Bool(true));
    let (code, undone) = account.undo(done["run"].as_str().unwrap());
    assert_eq!((code, &undone["failed"]), (0, &Value::Array(Vec::new())), "{undone}");
    let end = look("look");
    assert_eq!((&end["tags"], &end["bucket"], &end["block"]), (&before["tags"], &before["bucket"], &before["block"]));
    assert_eq!(end["states"], before["states"]);
}

/// Two policies that tag one bucket.
const TAGS: &str = "policies:
- {name: one, resource: s3, actions: [{type: tag, tags: {first: a}}]}
- {name: two, resource: s3, actions: [{type: tag, tags: {second: b}}]}
";

#[test]
fn two_actions_of_one_remedy_each_keep_their_settings() {
    let account = Account::new();
    let look = |what: &str| -> Value {
        serde_json::from_str(&output(Command::new(python()).args(["-c", RESOURCES, &account.aws.url(), what]))).unwrap()
    };
    let before = look("make");
    let file = account.state.path().join("policies.yml");
    std::fs::write(&file, TAGS).unwrap();
    let run = |more: &[&str]| -> Value {
        let words = ["custodian", "run", "-p", file.to_str().unwrap(), "--plan", "--format", "json"];
        let out = account.run(&[&words[..], more].concat()).run();
        assert_eq!(out.code, 0, "{} {}", out.stdout, out.stderr);
        serde_json::from_str(&out.stdout).unwrap()
    };
    let preview = run(&[]);
    assert_eq!(preview["plans"].as_array().unwrap().len(), 2, "{preview}");
    let done = run(&["--apply", preview["hash"].as_str().unwrap()]);
    assert_eq!(done["failed"], Value::Array(Vec::new()), "{done}");
    let mut tags: Vec<Value> = look("look")["bucket"].as_array().unwrap().clone();
    tags.sort_by_key(Value::to_string);
    let wanted = serde_json::json!([{"Key": "first", "Value": "a"}, {"Key": "second", "Value": "b"}]);
    assert_eq!(Value::Array(tags), wanted);
    let (code, undone) = account.undo(done["run"].as_str().unwrap());
    assert_eq!((code, &undone["failed"]), (0, &Value::Array(Vec::new())), "{undone}");
    assert_eq!(look("look")["bucket"], before["bucket"]);
}

#[test]
fn settings_turn_what_needs_them_into_calls() {
    let account = Account::new();
    look_made(&account);
    let config = account.state.path().join("yagura.toml");
    let rule = "s3.bucket_access_logged";
    let (_, without) = account.fix(rule, &[]);
    assert!(without["not_mendable"][0]["why"].as_str().unwrap().contains("`log_bucket`"), "{without}");
    std::fs::write(&config, "[remedies]\nlog_bucket = \"logs-{account}-{region}\"\n").unwrap();
    let config = config.to_str().unwrap();
    let (_, with) = account.fix(rule, &["--config", config]);
    let target = &with["plans"][0]["calls"][0]["with"]["BucketLoggingStatus"]["LoggingEnabled"]["TargetBucket"];
    assert_eq!(target, "logs-123456789012-us-east-1", "{with}");
    // The bucket itself, once its place is filled in: logs of itself would never end.
    for own in ["evidence", "{account}-evidence"] {
        std::fs::write(config, format!("[remedies]\nlog_bucket = \"{own}\"\n")).unwrap();
        let (_, itself) = account.fix(rule, &["--config", config]);
        let plans: Vec<&Value> = itself["plans"].as_array().unwrap().iter().map(|p| &p["resource"]["id"]).collect();
        let filled = own.replace("{account}", "123456789012");
        assert!(!plans.iter().any(|id| **id == *filled) && plans.len() == 1, "{itself}");
        assert!(itself["not_mendable"][0]["why"].as_str().unwrap().contains("never end"), "{itself}");
    }
    for (settings, wanted) in
        [("log_buckt = \"x\"", "log_bucket"), ("log_bucket = \"logs-{acount}\"", "did you mean `account`?")]
    {
        std::fs::write(config, format!("[remedies]\n{settings}\n")).unwrap();
        let (code, wrong) = account.fix(rule, &["--config", config]);
        assert!(code == 2 && wrong.as_str().unwrap().contains(wanted), "{wrong}");
    }
}

/// Makes the resources, and a bucket that is named by its account.
fn look_made(account: &Account) {
    output(Command::new(python()).args(["-c", RESOURCES, &account.aws.url(), "make"]));
    output(Command::new(python()).args([
        "-c",
        &RESOURCES.replace("evidence", "123456789012-evidence"),
        &account.aws.url(),
        "make",
    ]));
}
